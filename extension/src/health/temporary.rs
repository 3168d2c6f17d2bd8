//! Temporary tables of sessions that are gone, as the server knows them.

use advisor_sql::health::{self, Check};
use pgrx::JsonB;
use serde_json::{Value, json};

use super::Finding;
use crate::sys;

/// Puts the tables that are left behind in the place of a finding that only says which may be: on
/// servers before PostgreSQL 16 SQL cannot tell.
pub(super) fn judge(findings: &mut Vec<Finding>) {
    for finding in std::mem::take(findings) {
        match finding.details.0.get("candidates").and_then(Value::as_array) {
            Some(candidates) => findings.extend(
                candidates.iter().filter_map(|one| left_behind(&finding, finding.check, one)),
            ),
            None => findings.push(finding),
        }
    }
}

/// What there is to say of a candidate, if it is left behind.
fn left_behind(doubt: &Finding, check: &'static Check, candidate: &Value) -> Option<Finding> {
    let schema = u32::try_from(candidate["schema"].as_i64()?).ok()?;
    if !sys::is_left_behind(schema) {
        return None;
    }
    let object = candidate["object"].as_str()?;
    let severity = candidate["severity"].as_str()?;
    let age = &candidate["age"];
    let message =
        health::message(check, severity, "is a temporary table of a session that is gone");
    let mut finding = Finding::of(check, severity, message);
    finding.value = age.as_f64();
    finding.unit = Some("transactions".to_owned());
    finding.threshold.clone_from(&doubt.threshold);
    finding.remediation = Some(format!("DROP TABLE IF EXISTS {object} CASCADE;"));
    finding.object = Some(object.to_owned());
    finding.details = JsonB(json!({"age": age, "risk": "data_loss"}));
    Some(finding)
}
