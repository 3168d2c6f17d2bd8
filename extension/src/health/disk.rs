//! Replication slots against the disk space that is left: what a slot keeps only fills the disk.

use advisor_sql::health;
use serde_json::{Value, json};

use super::Finding;
use crate::sys;

/// Makes findings critical whose slot keeps more than the share of what is left for `pg_wal` that
/// its details name, and adds the space to the details.
///
/// Where the operating system does not tell the space, it says so in the details and the findings
/// stay as they are.
pub(super) fn compare(findings: &mut [Finding]) {
    if findings.is_empty() {
        return;
    }
    let free = match sys::free_bytes(c"pg_wal") {
        Ok(free) => free,
        Err(error) => {
            findings.iter_mut().for_each(|one| add(one, "disk_error", json!(error.to_string())));
            return;
        }
    };
    for finding in findings {
        let number = |name: &str| finding.details.0.get(name).and_then(Value::as_f64);
        let critical = match (number("kept_bytes"), number("disk_percent_critical")) {
            (Some(kept), Some(percent)) => is_much(kept, free, percent),
            _ => false,
        };
        add(finding, "disk_free_bytes", json!(free));
        if critical {
            let left = free / (1024 * 1024);
            let message =
                format!("fills the disk: {left} MB are left for pg_wal; it {}", finding.message);
            // Why it matters is there already where it was a warning.
            finding.message = if health::rank(&finding.severity) < health::rank("info") {
                message
            } else {
                health::message(finding.check, "critical", &message)
            };
            "critical".clone_into(&mut finding.severity);
        }
    }
}

/// Whether `kept` bytes are more than `percent` of the `free` ones.
fn is_much(kept: f64, free: u64, percent: f64) -> bool {
    kept > 0.0 && kept > free as f64 * percent / 100.0
}

fn add(finding: &mut Finding, name: &str, value: Value) {
    if let Some(details) = finding.details.0.as_object_mut() {
        details.insert(name.to_owned(), value);
    }
}
