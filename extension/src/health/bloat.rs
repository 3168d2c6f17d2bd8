//! Bloat as the pages themselves show it: findings of an estimate are confirmed, corrected or
//! dropped, and what has no statistics is judged all the same.

use advisor_sql::health::{self, Check, MOST_ROWS};
use pgrx::{JsonB, Spi};
use serde_json::{Value, json};

use super::Finding;
use crate::error::AdvisorError;
use crate::query;
use crate::sys::{self, Bloat, ServerError};

/// Pages that are read of a relation: 200 of any number are within 3 points of the truth on all
/// shapes that the tests build.
const SAMPLE: u32 = 200;

/// What is judged: how its pages are read and what is said of it.
struct Kind {
    check: &'static Check,
    read: fn(u32, u32) -> Result<Bloat, ServerError>,
    /// Of the settings and of the object in details.
    word: &'static str,
    empty: &'static str,
    limits: Limits,
}

/// The settings of the check.
struct Limits {
    warning: f64,
    critical: f64,
    least: f64,
    critical_least: f64,
    /// Of tables only.
    dead: f64,
    /// Of indexes only: what is worth a row for information.
    small_least: Option<f64>,
}

impl Limits {
    fn read(check: &str) -> Result<Self, AdvisorError> {
        let sql = "select
                pg_catalog.current_setting(p || '_warning')::double precision,
                pg_catalog.current_setting(p || '_critical')::double precision,
                pg_catalog.pg_size_bytes(pg_catalog.current_setting(p || '_least'))::double precision,
                pg_catalog.pg_size_bytes(
                    pg_catalog.current_setting(p || '_critical_least'))::double precision,
                pg_catalog.current_setting(p || '_dead', true)::double precision,
                pg_catalog.pg_size_bytes(
                    pg_catalog.current_setting(p || '_small_least', true))::double precision
            from (select 'mcp_advisor.health_' || $1) as s (p)";
        Ok(Spi::connect(|client| {
            let row = client.select(sql, Some(1), &[check.into()])?.first();
            let number = |at| row.get::<f64>(at).map(Option::unwrap_or_default);
            Ok::<_, pgrx::spi::SpiError>(Self {
                warning: number(1)?,
                critical: number(2)?,
                least: number(3)?,
                critical_least: number(4)?,
                dead: number(5)?,
                small_least: row.get(6)?,
            })
        })?)
    }

    fn severity(&self, percent: f64, bytes: f64) -> Option<&'static str> {
        if percent <= self.warning {
            None
        } else if bytes <= self.least {
            self.small_least.filter(|least| bytes > *least).map(|_| "info")
        } else if percent > self.critical && bytes > self.critical_least {
            Some("critical")
        } else {
            Some("warning")
        }
    }
}

/// Judges the largest b-tree indexes by their pages.
///
/// # Errors
/// What SPI says.
pub(super) fn indexes(
    check: &'static Check,
    findings: &mut Vec<Finding>,
) -> Result<(), AdvisorError> {
    let kind = Kind {
        check,
        read: sys::index_bloat,
        word: "index",
        empty: "are empty",
        limits: Limits::read(check.name)?,
    };
    judge(&kind, findings)
}

/// Judges the largest tables by their pages.
///
/// # Errors
/// What SPI says.
pub(super) fn tables(
    check: &'static Check,
    findings: &mut Vec<Finding>,
) -> Result<(), AdvisorError> {
    let kind = Kind {
        check,
        read: sys::table_bloat,
        word: "table",
        empty: "hold no row that is alive",
        limits: Limits::read(check.name)?,
    };
    judge(&kind, findings)
}

fn judge(kind: &Kind, findings: &mut Vec<Finding>) -> Result<(), AdvisorError> {
    if findings.is_empty() {
        return Ok(());
    }
    let wasted = |finding: &Finding| finding.details.0["wasted_bytes"].as_f64().unwrap_or(0.0);
    let mut sampled = Vec::new();
    let mut unknown = None;
    // The largest first: as many are sampled as are shown.
    findings.sort_by(|one, other| wasted(other).total_cmp(&wasted(one)));
    for finding in std::mem::take(findings) {
        if let Some(oid) = oid(&finding.details.0) {
            if sampled.len() < MOST_ROWS {
                sampled.push(oid);
                findings.extend(confirmed(kind, finding, oid)?);
            } else {
                findings.push(finding);
            }
        } else if finding.details.0["ran"] == Value::Bool(false) {
            unknown = Some(finding);
        } else {
            findings.push(finding);
        }
    }
    if let Some(row) = unknown {
        let rest = without_statistics(kind, row, findings)?;
        findings.extend(rest);
    }
    let value = |finding: &Finding| finding.value.unwrap_or(0.0);
    findings.sort_by(|one, other| value(other).total_cmp(&value(one)));
    Ok(())
}

/// The finding as the pages have it; `None` when they refute it.
fn confirmed(kind: &Kind, mut finding: Finding, oid: u32) -> Result<Option<Finding>, AdvisorError> {
    let bloat = match sample(kind, oid) {
        Ok(bloat) => bloat,
        Err(error) => {
            let message = format!(
                "about {:.0} % of it {}, by an estimate: {}",
                finding.value.unwrap_or(0.0),
                kind.empty,
                error.message
            );
            finding.message = health::message(kind.check, &finding.severity, &message);
            finding.details.0["not_confirmed"] = error.message.into();
            return Ok(Some(finding));
        }
    };
    let Some(severity) = kind.limits.severity(bloat.waste(), bloat.waste_bytes()) else {
        return Ok(None);
    };
    severity.clone_into(&mut finding.severity);
    describe(kind, &mut finding, &bloat)?;
    Ok(Some(finding))
}

/// Samples the largest of those that the estimate could not judge. Adds what is found, and gives
/// the row that is left of `row`.
fn without_statistics(
    kind: &Kind,
    mut row: Finding,
    findings: &mut Vec<Finding>,
) -> Result<Option<Finding>, AdvisorError> {
    let largest = row.details.0["largest"].as_array().cloned().unwrap_or_default();
    let (mut judged, mut left) = (0.0, Vec::new());
    for one in largest {
        let Some(oid) = oid(&one) else { continue };
        match sample(kind, oid) {
            Ok(bloat) => {
                judged += 1.0;
                let severity = kind.limits.severity(bloat.waste(), bloat.waste_bytes());
                if let Some(severity) = severity {
                    let mut finding = Finding::of(kind.check, severity, String::new());
                    finding.object = one[kind.word].as_str().map(str::to_owned);
                    finding.unit = Some("%".to_owned());
                    finding.threshold = Some(format!(
                        "{} % and {}",
                        kind.limits.warning,
                        pretty(kind.limits.least)?
                    ));
                    finding.details = JsonB(json!({ "oid": oid }));
                    describe(kind, &mut finding, &bloat)?;
                    findings.push(finding);
                }
            }
            Err(error) => {
                let mut one = one;
                one["not_read"] = error.message.into();
                left.push(one);
            }
        }
    }
    let count = row.value.unwrap_or(0.0) - judged;
    if count <= 0.0 {
        return Ok(None);
    }
    row.value = Some(count);
    if left.is_empty() {
        row.message = format!(
            "{count} smaller ones could not be judged: they have no statistics, and only the \
             {judged} largest were read"
        );
    }
    row.details.0["largest"] = left.into();
    Ok(Some(row))
}

/// Reads a sample, whose locks are given back at once.
fn sample(kind: &Kind, oid: u32) -> Result<Bloat, ServerError> {
    sys::subtransaction(false, || (kind.read)(oid, SAMPLE)).flatten()
}

/// Words a finding by its pages.
fn describe(kind: &Kind, finding: &mut Finding, bloat: &Bloat) -> Result<(), AdvisorError> {
    let tenths = |value: f64| (value * 10.0).round() / 10.0;
    let object = finding.object.clone().unwrap_or_default();
    let mut message = format!(
        "{:.0} % of its {} {}",
        bloat.waste(),
        pretty(f64::from(bloat.pages) * f64::from(pgrx::pg_sys::BLCKSZ))?,
        kind.empty,
    );
    let details = &mut finding.details.0;
    if kind.word == "table" {
        let rewritten = details["toast_of"].as_str().unwrap_or(&object).to_owned();
        if bloat.dead >= kind.limits.dead {
            finding.remediation = Some(format!("VACUUM {object};"));
            details["risk"] = "safe".into();
        } else {
            message.push_str(
                ": VACUUM has freed it for new rows, and only a rewrite gives it back, by \
                 pg_repack or, while nobody can use the table, by VACUUM FULL",
            );
            finding.remediation = Some(format!("VACUUM (FULL, ANALYZE) {rewritten};"));
            details["risk"] = "rewrites".into();
        }
        details["dead_percent"] = tenths(bloat.dead).into();
    } else {
        finding.remediation = Some(format!("REINDEX INDEX CONCURRENTLY {object};"));
        details["risk"] = "safe".into();
    }
    finding.value = Some(tenths(bloat.waste()));
    finding.message = health::message(kind.check, &finding.severity, &message);
    details["sampled_percent"] = tenths(bloat.waste()).into();
    details["decided_by"] = "pages".into();
    details["pages"] = bloat.pages.into();
    details["pages_read"] = bloat.read.into();
    details["pages_needed"] = (bloat.needed as i64).into();
    details["wasted_bytes"] = (bloat.waste_bytes() as i64).into();
    details["fillfactor"] = bloat.fill_factor.into();
    Ok(())
}

fn oid(details: &Value) -> Option<u32> {
    details["oid"].as_u64().and_then(|oid| u32::try_from(oid).ok())
}

/// A size as the server prints it.
fn pretty(bytes: f64) -> Result<String, AdvisorError> {
    let text = query::one("select pg_catalog.pg_size_pretty($1)", &[(bytes as i64).into()])?;
    Ok(text.unwrap_or_default())
}

/// GIN indexes with long lists of entries that are not sorted in yet, which every search reads in
/// full. Which there are is in the catalog, how long the lists are only in the index.
///
/// # Errors
/// What SPI says.
pub(super) fn gin_pending_list(
    check: &'static Check,
    findings: &mut Vec<Finding>,
) -> Result<(), AdvisorError> {
    let limit = |name: &str| -> Result<f64, AdvisorError> {
        let sql = "select pg_catalog.current_setting('mcp_advisor.health_gin_pending_list_' || $1)
            ::double precision";
        Ok(query::one(sql, &[name.into()])?.unwrap_or_default())
    };
    let (info, warning) = (limit("info")?, limit("warning")?);
    let (mut unread, mut reason) = (0, String::new());
    for (oid, object, literal) in gin_indexes()? {
        let read = sys::subtransaction(false, || sys::gin_pending_pages(oid)).flatten();
        let pages = match read {
            Ok(pages) => f64::from(pages),
            Err(error) => {
                unread += 1;
                reason = error.message;
                continue;
            }
        };
        if pages <= info {
            continue;
        }
        let severity = if pages > warning { "warning" } else { "info" };
        let message = format!(
            "{pages} pages of new entries are not sorted in yet: let autovacuum come more often, \
             or lower gin_pending_list_limit of the index"
        );
        let mut finding = Finding::of(check, severity, health::message(check, severity, &message));
        finding.object = Some(object);
        finding.value = Some(pages);
        finding.unit = Some("pages".to_owned());
        finding.threshold = Some(format!("{} pages", if pages > warning { warning } else { info }));
        finding.remediation = Some(format!(
            "SELECT pg_catalog.gin_clean_pending_list({literal}::pg_catalog.regclass);"
        ));
        finding.details = JsonB(json!({ "oid": oid, "risk": "safe" }));
        findings.push(finding);
    }
    findings.sort_by(|one, other| other.value.unwrap_or(0.0).total_cmp(&one.value.unwrap_or(0.0)));
    if unread > 0 {
        let message = format!("{unread} GIN indexes could not be read: {reason}");
        let mut finding = Finding::of(check, "info", message);
        finding.value = Some(f64::from(unread));
        finding.unit = Some("indexes".to_owned());
        finding.remediation = query::one(
            "select pg_catalog.format('GRANT pg_monitor TO %I;', current_user)
            where not pg_catalog.pg_has_role('pg_stat_scan_tables', 'usage')",
            &[],
        )?;
        finding.details = JsonB(json!({ "ran": false, "risk": "safe" }));
        findings.push(finding);
    }
    Ok(())
}

/// The GIN indexes: oid, name, name as a literal.
fn gin_indexes() -> Result<Vec<(u32, String, String)>, AdvisorError> {
    let sql = "select c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname),
            pg_catalog.format('%L', pg_catalog.format('%I.%I', n.nspname, c.relname))
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n
            on n.oid = c.relnamespace
        where c.relkind = 'i' and c.relam = 2742 and c.relpersistence <> 't'
            and (c.relpersistence = 'p' or not pg_catalog.pg_is_in_recovery())
        order by c.relpages desc, c.oid";
    Ok(Spi::connect(|client| {
        let mut indexes = Vec::new();
        for row in client.select(sql, None, &[])? {
            let oid = row.get::<pgrx::pg_sys::Oid>(1)?.map_or(0, |oid| oid.to_u32());
            let (name, literal) = (row.get(2)?, row.get(3)?);
            indexes.push((oid, name.unwrap_or_default(), literal.unwrap_or_default()));
        }
        Ok::<_, pgrx::spi::SpiError>(indexes)
    })?)
}
