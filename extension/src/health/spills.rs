//! What pg_stat_statements adds: the statements that write the temporary files, and whether it has
//! room for all statements. Its schema is anyone's choice, so the checks' SQL cannot name it.

use advisor_sql::health::Check;
use pgrx::JsonB;
use serde_json::{Value, json};

use super::Finding;
use crate::error::AdvisorError;
use crate::query;
use crate::statements::RecordedStatements;

/// The statements of this database that wrote most into temporary files, as one JSON array. Of
/// statements that the caller may not see there is no queryid.
const SPILLING: &str = "
select coalesce(pg_catalog.jsonb_agg(pg_catalog.to_jsonb(t) order by t.written_bytes desc), '[]')
from (
    select
        s.queryid,
        pg_catalog.pg_get_userbyid(s.userid)::text as role,
        s.calls,
        s.temp_blks_written * pg_catalog.current_setting('block_size')::bigint as written_bytes,
        pg_catalog.left(s.query, 500) as statement
    from {schema}.pg_stat_statements as s
    where s.dbid = (
            select d.oid
            from pg_catalog.pg_database as d
            where d.datname = pg_catalog.current_database()
        )
        and s.queryid is not null
        and s.temp_blks_written > 0
    order by s.temp_blks_written desc, s.queryid
    limit 5
) as t";

/// How often entries were evicted, when that is too often. The counters are kept over restarts;
/// less than a day counts as one.
const EVICTIONS: &str = "
select pg_catalog.to_jsonb(r)
from (
    select
        i.dealloc as evictions,
        i.stats_reset as since,
        pg_catalog.round(i.dealloc / greatest(
            extract(epoch from pg_catalog.clock_timestamp() - i.stats_reset) / 86400, 1
        ), 1) as a_day,
        pg_catalog.current_setting('pg_stat_statements.max')::bigint as max,
        pg_catalog.current_setting('mcp_advisor.health_statement_statistics_evictions')
            ::double precision as most
    from {schema}.pg_stat_statements_info as i
) as r
where r.evictions > 0 and r.a_day >= r.most";

/// Adds the statements that spill to what the check found.
///
/// # Errors
/// What the server says. Where they cannot be had, the details say why.
pub(super) fn add_statements(findings: &mut [Finding]) -> Result<(), AdvisorError> {
    for finding in findings {
        let (key, value) = match readable("pg_stat_statements")? {
            Ok(schema) => {
                let found = query::one::<JsonB>(&SPILLING.replace("{schema}", &schema), &[])?;
                ("statements", found.map_or(Value::Null, |found| found.0))
            }
            Err(why) => ("statements_missing", Value::String(why)),
        };
        if let Some(details) = finding.details.0.as_object_mut() {
            details.insert(key.to_owned(), value);
        }
    }
    Ok(())
}

/// Adds a finding when entries are evicted too often. What keeps them from being recorded or read
/// is found by the check's SQL.
///
/// # Errors
/// What the server says.
pub(super) fn find_evictions(
    check: &'static Check,
    findings: &mut Vec<Finding>,
) -> Result<(), AdvisorError> {
    if !findings.is_empty() {
        return Ok(());
    }
    let Ok(schema) = readable("pg_stat_statements_info")? else {
        return Ok(());
    };
    let found = query::one::<JsonB>(&EVICTIONS.replace("{schema}", &schema), &[])?;
    let Some(JsonB(found)) = found else {
        return Ok(());
    };
    let message = format!(
        "pg_stat_statements keeps {} statements, and had to forget the rarer ones {} times since {}",
        found["max"],
        found["evictions"],
        found["since"].as_str().unwrap_or_default(),
    );
    let mut finding = Finding::of(check, "info", message);
    finding.value = found["a_day"].as_f64();
    finding.unit = Some("evictions a day".to_owned());
    finding.threshold = Some(format!("{} a day", found["most"]));
    finding.remediation = found["max"]
        .as_i64()
        .map(|max| format!("ALTER SYSTEM SET pg_stat_statements.max = {};", 2 * max));
    finding.details = JsonB(json!({
        "evictions": found["evictions"],
        "since": found["since"],
        "max": found["max"],
        "risk": "restart",
    }));
    findings.push(finding);
    Ok(())
}

/// The schema, quoted, of pg_stat_statements whose `view` the caller may read, or why it cannot be
/// read.
fn readable(view: &str) -> Result<Result<String, String>, AdvisorError> {
    let schema = match RecordedStatements::find("") {
        Ok(found) => found.schema,
        Err(
            error @ (AdvisorError::NoStatements { .. } | AdvisorError::StatementsNotLoaded { .. }),
        ) => return Ok(Err(error.to_string())),
        Err(error) => return Err(error),
    };
    // A setting in the configuration alone is not listed there: the library must be loaded.
    let why: Option<String> = query::one(
        "select case
            when not exists (
                select
                from pg_catalog.pg_settings as s
                where s.name = 'pg_stat_statements.max'
            ) then 'pg_stat_statements is not loaded'
            when not pg_catalog.has_schema_privilege(n.oid, 'usage')
                or not pg_catalog.has_table_privilege(c.oid, 'select')
                then pg_catalog.format('there is no privilege to read %I.%I', n.nspname, c.relname)
            else ''
        end
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n
            on n.oid = c.relnamespace
        where pg_catalog.quote_ident(n.nspname) = $1
            and c.relname = $2",
        &[schema.as_str().into(), view.into()],
    )?;
    Ok(match why {
        Some(why) if why.is_empty() => Ok(schema),
        Some(why) => Err(why),
        None => Err(format!("this version of pg_stat_statements has no {view}")),
    })
}
