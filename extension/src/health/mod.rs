//! Running the checks of `sql/health`, each by itself, into one report.

mod bloat;
mod disk;
mod inside;
mod limits;
pub(crate) mod machine;
pub(crate) mod memory;
mod missing;
mod redundant;
mod spills;
mod temporary;

use advisor_sql::health::{self, Check, Ignored};
use pgrx::spi::SpiError;
use pgrx::{JsonB, Spi};
use serde_json::json;

use crate::error::AdvisorError;
use crate::query;
use crate::settings;
use crate::sys;
use crate::workload::sqlstate;

/// The check that looks at the sessions several times.
const SAMPLING: &str = "wait_event";

/// A row of the report.
pub(crate) struct Finding {
    pub(crate) check: &'static Check,
    pub(crate) severity: String,
    pub(crate) object: Option<String>,
    pub(crate) value: Option<f64>,
    pub(crate) unit: Option<String>,
    pub(crate) threshold: Option<String>,
    pub(crate) message: String,
    pub(crate) remediation: Option<String>,
    pub(crate) details: JsonB,
}

impl Finding {
    /// A finding without a measure.
    fn of(check: &'static Check, severity: &str, message: String) -> Self {
        Self {
            check,
            severity: severity.to_owned(),
            object: None,
            value: None,
            unit: None,
            threshold: None,
            message,
            remediation: None,
            details: JsonB(json!({})),
        }
    }

    /// The message without the sentence on why it matters.
    pub(crate) fn without_why(&self) -> &str {
        let why =
            self.message.strip_suffix(self.check.why).and_then(|rest| rest.strip_suffix(". "));
        why.unwrap_or(&self.message)
    }

    /// An oid among the details.
    pub(crate) fn oid(&self, key: &str) -> Option<u32> {
        self.details.0.get(key)?.as_u64().and_then(|oid| u32::try_from(oid).ok())
    }
}

/// The findings of the checks that `names` select, worst first, in the order of the checks within a
/// severity.
///
/// # Errors
/// [`AdvisorError::NoSuchValue`]. A check that fails is a finding.
pub(crate) fn report(names: &[String]) -> Result<Vec<Finding>, AdvisorError> {
    let checks = health::select(names).map_err(|given| AdvisorError::NoSuchValue {
        argument: "checks",
        given: given.to_owned(),
        values: health::names(),
    })?;
    let caller_path = query::search_path()?;
    let scope = query::own_scope();
    scope.set("lock_timeout", health::LOCK_TIMEOUT);
    let ignored = settings::health_ignore();
    let mut findings: Vec<Finding> =
        checks.into_iter().flat_map(|check| run(check, &caller_path, &ignored)).collect();
    findings.sort_by_key(|finding| health::rank(&finding.severity));
    Ok(findings)
}

/// What the SQL of one check finds, less what is to be ignored; under a scope of our own.
///
/// # Errors
/// What SPI says.
pub(crate) fn found(name: &str) -> Result<Vec<Finding>, AdvisorError> {
    let ignored = settings::health_ignore();
    let Some(check) = health::checks().find(|check| check.name == name) else {
        return Ok(Vec::new());
    };
    let mut findings = match check.sql(sys::VERSION) {
        Ok(sql) => rows(check, sql)?,
        Err(_) => Vec::new(),
    };
    findings.retain(|finding| {
        !finding.object.as_ref().is_some_and(|object| ignored.matches(check.name, object))
    });
    Ok(findings)
}

/// One check: at least one finding. Statements of the caller are read under his search path.
fn run(check: &'static Check, caller_path: &str, ignored: &Ignored) -> Vec<Finding> {
    let not_run = |message: String, details| {
        let mut finding = Finding::of(check, "info", message);
        finding.details = JsonB(details);
        vec![finding]
    };
    let failed = |message: &str, details| not_run(health::failed(message), details);
    let outcome = sys::subtransaction_within(settings::health_time_limit(), || {
        let mut findings = match check.sql(sys::VERSION) {
            Ok(sql) if check.name == SAMPLING => sys::guard::waiting(|| rows(check, sql))?,
            Ok(sql) => rows(check, &inside::text(sql)?)?,
            // What has no text is the extension's own.
            Err(_) if check.texts.is_empty() => Vec::new(),
            Err(needs) => return Ok(Err(needs)),
        };
        inside::refine(check, caller_path, &mut findings)?;
        Ok::<_, AdvisorError>(Ok(findings))
    });
    let mut findings = match outcome {
        Ok(Ok(Ok(findings))) => findings,
        Ok(Ok(Err(needs))) => return not_run(health::lacking(&needs), json!({"ran": false})),
        Ok(Err(error)) => return failed(&error.to_string(), json!({"ran": false})),
        Err(error) => {
            let sqlstate = sqlstate(error.code);
            return failed(&error.message, json!({"ran": false, "sqlstate": sqlstate}));
        }
    };
    let found = findings.len();
    findings.retain(|finding| {
        !finding.object.as_ref().is_some_and(|object| ignored.matches(check.name, object))
    });
    let hidden = found - findings.len();
    if hidden > 0 {
        findings.push(Finding::of(check, "ok", health::ignored(hidden)));
    }
    if findings.is_empty() {
        return vec![Finding::of(check, "ok", check.ok.to_owned())];
    }
    findings.sort_by_key(|finding| health::rank(&finding.severity));
    if findings.len() > health::MOST_ROWS {
        let left_out = findings.split_off(health::MOST_ROWS);
        // They are sorted: the first of the rest is the worst of it.
        let severity = left_out.first().map_or("info", |finding| finding.severity.as_str());
        let mut rest = Finding::of(check, severity, health::left_out(left_out.len()));
        rest.value = Some(left_out.len() as f64);
        rest.unit = Some("findings".to_owned());
        findings.push(rest);
    }
    findings
}

fn rows(check: &'static Check, sql: &str) -> Result<Vec<Finding>, SpiError> {
    Spi::connect(|client| {
        let mut findings = Vec::new();
        for row in client.select(sql, None, &[])? {
            let severity: String = row.get(1)?.unwrap_or_default();
            let message: String = row.get(6)?.unwrap_or_default();
            findings.push(Finding {
                check,
                message: health::message(check, &severity, &message),
                severity,
                object: row.get(2)?,
                value: row.get(3)?,
                unit: row.get(4)?,
                threshold: row.get(5)?,
                remediation: row.get(7)?,
                details: row.get(8)?.unwrap_or_else(|| JsonB(json!({}))),
            });
        }
        Ok(findings)
    })
}
