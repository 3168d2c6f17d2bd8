//! `mcp_health` on faults that are really there: each is found, and gone once the SQL that was
//! printed has run. Faults of a whole server are in `health_server.rs`.

use advisor_sql::health::{MOST_ROWS, RISKS, checks};
use advisor_tests::cluster::Cluster;
use anyhow::{Context, Result, ensure};
use postgres::Client;
use postgres::error::SqlState;
use serde_json::Value;

use crate::Case;
use crate::fixture::{Fixture, answered, refused};

pub(crate) const CASES: &[Case] = &[
    ("health_of_a_sound_database_is_ok", sound),
    ("health_selects_checks_by_name_and_category", selects),
    ("health_refuses_unknown_checks", refuses),
    ("health_goes_on_when_a_check_fails", failing_check),
    ("health_gives_a_check_up_after_its_time_limit", time_limit),
    ("health_thresholds_are_settings", thresholds),
    ("health_leaves_out_what_is_ignored", ignored),
    ("health_caps_the_findings_of_a_check", cap),
    ("health_tells_a_plain_role_what_it_cannot_see", plain_role),
];

/// A row of the report.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) check: String,
    pub(crate) severity: String,
    pub(crate) object: String,
    pub(crate) value: Option<f64>,
    pub(crate) message: String,
    pub(crate) remediation: String,
    pub(crate) details: Value,
}

/// The report of these checks.
pub(crate) fn findings(client: &mut Client, checks: &str) -> Result<Vec<Finding>> {
    let sql = format!(
        "select check_name, severity, coalesce(object, ''), value, message,
            coalesce(remediation, ''), details::text
        from mcp_health('{{{checks}}}')"
    );
    let rows = client.query(&sql, &[]).with_context(|| sql.clone())?;
    let found: Vec<Finding> = rows
        .iter()
        .map(|row| {
            Ok(Finding {
                check: row.try_get(0)?,
                severity: row.try_get(1)?,
                object: row.try_get(2)?,
                value: row.try_get(3)?,
                message: row.try_get(4)?,
                remediation: row.try_get(5)?,
                details: serde_json::from_str(row.try_get(6)?)?,
            })
        })
        .collect::<Result<_>>()?;
    for one in found.iter().filter(|one| !one.remediation.is_empty()) {
        let risk = one.details["risk"].as_str().unwrap_or_default();
        ensure!(RISKS.contains(&risk), "the remediation has no risk: {one:#?}");
    }
    Ok(found)
}

/// The findings of one check, as `severity object`.
pub(crate) fn summary(client: &mut Client, check: &str) -> Result<Vec<String>> {
    let found = findings(client, check)?;
    Ok(found.iter().map(|one| format!("{} {}", one.severity, one.object)).collect())
}

/// Fails unless the check finds exactly this, runs what it printed, and fails unless that mended it.
pub(crate) fn expect_and_mend(client: &mut Client, check: &str, wanted: &[&str]) -> Result<()> {
    let found = findings(client, check)?;
    let mut summary: Vec<String> =
        found.iter().map(|one| format!("{} {}", one.severity, one.object)).collect();
    summary.sort();
    let mut wanted = wanted.to_vec();
    wanted.sort_unstable();
    ensure!(summary == wanted, "{check}: {found:#?}");
    for finding in &found {
        for statement in finding.remediation.split_inclusive(';') {
            client.batch_execute(statement).with_context(|| finding.remediation.clone())?;
        }
    }
    expect_ok(client, check)
}

pub(crate) fn expect_ok(client: &mut Client, check: &str) -> Result<()> {
    let found = findings(client, check)?;
    ensure!(!found.is_empty() && found.iter().all(|one| one.severity == "ok"), "{found:#?}");
    Ok(())
}

pub(crate) fn database(fixture: &Fixture, name: &str) -> Result<Client> {
    let mut client = fixture.database(name, &["hypopg", "mcp_advisor"])?;
    client.batch_execute("select mcp_schemas(); select hypopg()")?;
    Ok(client)
}

/// A server as it should be set, unlike the scratch clusters of the other cases.
const SOUND: &str = "fsync = on\nfull_page_writes = on\nsynchronous_commit = on\nautovacuum = on\n\
    wal_level = replica\nmax_wal_senders = 10\nidle_in_transaction_session_timeout = '10min'\n\
    shared_preload_libraries = 'pg_stat_statements'";

fn sound(fixture: &Fixture) -> Result<()> {
    let cluster = Cluster::start(SOUND)?;
    let mut client = cluster.create_database("health_sound")?;
    client.batch_execute("create extension pg_stat_statements; create extension mcp_advisor")?;
    client.batch_execute(
        "create table parent (id bigint generated always as identity primary key, name text unique);
        create table child (id bigserial primary key, parent bigint not null references parent);
        create index on child (parent);
        insert into parent (name) select g::text from generate_series(1, 1000) as g;
        insert into child (parent) select id from parent;
        analyze",
    )?;
    let found = findings(&mut client, "all")?;
    for check in checks() {
        ensure!(found.iter().any(|one| one.check == check.name), "nothing on {}", check.name);
    }
    for one in &found {
        ensure!(!["critical", "warning"].contains(&one.severity.as_str()), "{one:#?}");
        ensure!(!one.message.is_empty(), "{one:#?}");
    }
    // In an empty database too, and it leaves no trace.
    let mut client = database(fixture, "health_empty")?;
    ensure!(answered(&mut client, "select * from mcp_health()")?.len() >= checks().count());
    Ok(())
}

fn selects(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    let of = |category: &str| -> Vec<&str> {
        checks().filter(|one| one.category == category).map(|one| one.name).collect()
    };
    for (names, wanted) in [
        ("sequence", vec!["sequence_exhaustion"]),
        ("vacuum,standby", [of("vacuum"), vec!["standby"]].concat()),
        ("duplicate_index", vec!["duplicate_index"]),
    ] {
        let mut found: Vec<String> =
            findings(&mut client, names)?.into_iter().map(|one| one.check).collect();
        // They come by severity.
        found.sort_unstable();
        found.dedup();
        ensure!(found.len() == wanted.len(), "{names}: {found:?}");
        ensure!(wanted.iter().all(|name| found.iter().any(|one| one == name)), "{found:?}");
    }
    // Worst first.
    let found = findings(&mut client, "all")?;
    let ranks: Vec<usize> =
        found.iter().map(|one| advisor_sql::health::rank(&one.severity)).collect();
    ensure!(ranks.is_sorted(), "{found:#?}");
    Ok(())
}

fn refuses(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    let error = refused(&mut client, "select * from mcp_health('{index,locks}')", "22023")?;
    ensure!(error.message() == "\"locks\" is not a value of \"checks\"", "{}", error.message());
    let hint = error.hint().unwrap_or_default();
    ensure!(
        hint.contains("all, index, connection, vacuum, sequence, replication, buffer, constraint")
    );
    ensure!(hint.contains("duplicate_index"), "{hint}");
    refused(&mut client, "select * from mcp_health('{}')", "22023")?;
    refused(&mut client, "select * from mcp_health(null)", "22004")?;
    refused(&mut client, "select * from mcp_health('{index,null}')", "22004").map(drop)
}

fn failing_check(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_failing")?;
    client.batch_execute(
        "create table t (a integer); create index on t (a); create index on t (a)",
    )?;
    let mut other = fixture.cluster.connect("health_failing")?;
    other.batch_execute("begin; lock table pg_sequence in access exclusive mode")?;
    let found = findings(&mut client, "all")?;
    other.batch_execute("rollback")?;
    let failed = found.iter().find(|one| one.check == "sequence_exhaustion").context("row")?;
    ensure!(failed.severity == "info", "{failed:#?}");
    ensure!(failed.message.starts_with("could not be checked: "), "{failed:#?}");
    ensure!(failed.details["sqlstate"] == "55P03", "{failed:#?}");
    ensure!(found.iter().any(|one| one.object == "public.t_a_idx1"), "{found:#?}");
    expect_ok(&mut client, "sequence")
}

fn time_limit(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_limit")?;
    // Enough for some check to take longer than 1 ms.
    client.batch_execute(
        "do $$ begin for i in 1..300 loop
            execute format('create table t%s (a integer primary key, b integer)', i);
            execute format('create index on t%s (b)', i); execute format('create index on t%s (b, a)', i);
        end loop; end $$",
    )?;
    client.batch_execute("set mcp_advisor.health_time_limit = '1ms'")?;
    let found = findings(&mut client, "index")?;
    let given_up: Vec<&Finding> =
        found.iter().filter(|one| one.details["sqlstate"] == "57014").collect();
    ensure!(!given_up.is_empty(), "{found:#?}");
    for one in given_up {
        ensure!(one.severity == "info" && one.details["ran"] == Value::Bool(false), "{one:#?}");
        ensure!(one.message == "could not be checked: it took longer than 1ms", "{one:#?}");
    }
    client.batch_execute("reset mcp_advisor.health_time_limit; select pg_sleep(0.01)")?;
    let found = findings(&mut client, "redundant_index")?;
    ensure!(found.iter().all(|one| one.severity == "warning"), "{found:#?}");
    // The statement's own limit still ends the statement.
    client.batch_execute("set statement_timeout = '1ms'")?;
    let Err(error) = client.simple_query("select * from mcp_health()") else {
        anyhow::bail!("statement_timeout was ignored");
    };
    ensure!(error.code() == Some(&SqlState::QUERY_CANCELED), "{error:?}");
    Ok(())
}

fn thresholds(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_thresholds")?;
    let sql = "select setting, unit from pg_settings where name = $1";
    for threshold in advisor_sql::health::thresholds() {
        let row = client.query_opt(sql, &[&threshold.name()])?.context(threshold.name())?;
        ensure!(row.try_get::<_, Option<&str>>(0)?.is_some(), "{}", threshold.name());
    }
    let refused_value =
        client.batch_execute("set mcp_advisor.health_connection_usage_warning = -1");
    ensure!(refused_value.is_err());
    client.batch_execute(
        "set mcp_advisor.health_connection_usage_warning = 0;
        set mcp_advisor.health_connection_usage_critical = 100",
    )?;
    let found = findings(&mut client, "connection_usage")?;
    ensure!(found[0].severity == "warning", "{found:#?}");
    ensure!(found[0].message.contains("new clients are refused"), "{found:#?}");
    Ok(())
}

fn ignored(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_ignored")?;
    client.batch_execute(
        "create table t (a integer); create table u (a integer);
        create index t1 on t (a); create index t2 on t (a);
        create index u1 on u (a); create index u2 on u (a);
        set mcp_advisor.health_ignore = 'redundant_index:*, duplicate_index:public.t*'",
    )?;
    let found = findings(&mut client, "duplicate_index")?;
    let rows: Vec<_> =
        found.iter().map(|one| (one.severity.as_str(), one.object.as_str())).collect();
    ensure!(rows == [("warning", "public.u2"), ("ok", "")], "{found:#?}");
    ensure!(found[1].message.starts_with("1 findings of this check are left out"), "{found:#?}");
    client.batch_execute("set mcp_advisor.health_ignore = 'public.*'")?;
    expect_ok(&mut client, "duplicate_index")?;
    client.batch_execute("reset mcp_advisor.health_ignore")?;
    ensure!(summary(&mut client, "duplicate_index")?.len() == 2);
    Ok(())
}

fn cap(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_cap")?;
    client.batch_execute(
        "create table t (a integer);
        do $$ begin for i in 1..31 loop execute format('create index i%s on t (a)', i); end loop; end $$",
    )?;
    let found = findings(&mut client, "duplicate_index")?;
    ensure!(found.len() == MOST_ROWS + 1, "{}", found.len());
    let rest = found.last().context("rest")?;
    ensure!(rest.value == Some(10.0) && rest.severity == "warning", "{rest:#?}");
    ensure!(rest.message.starts_with("10 more findings"), "{rest:#?}");
    Ok(())
}

fn plain_role(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_plain")?;
    client.batch_execute(
        "create role health_plain_role login; create role health_monitor login in role pg_monitor;
        create sequence hidden maxvalue 10; select setval('hidden', 10);
        create table t (a integer); create index on t (a); create index on t (a)",
    )?;
    let mut plain = fixture.cluster.connect_as("health_plain", "health_plain_role")?;
    let found = findings(&mut plain, "all")?;
    let row = |check: &str| {
        found.iter().find(|one| one.check == check).with_context(|| format!("{check}: {found:#?}"))
    };
    for check in ["idle_in_transaction", "sequence_exhaustion"] {
        let row = row(check)?;
        ensure!(row.severity == "info" && row.details["ran"] == Value::Bool(false), "{row:#?}");
    }
    let grant = "GRANT pg_monitor TO health_plain_role;";
    ensure!(row("idle_in_transaction")?.remediation == grant);
    ensure!(row("duplicate_index")?.severity == "warning");
    let failed = |one: &&Finding| one.message.starts_with("could not be checked");
    ensure!(found.iter().find(failed).is_none(), "{found:#?}");
    let mut monitor = fixture.cluster.connect_as("health_plain", "health_monitor")?;
    let found = findings(&mut monitor, "connection,replication")?;
    ensure!(!found.iter().any(|one| one.details["ran"] == Value::Bool(false)), "{found:#?}");
    Ok(())
}
