//! What only the server itself can know of a finding, or find.

use advisor_sql::health::Check;

use super::{Finding, disk};
use crate::error::AdvisorError;

/// Proves, corrects or adds findings of the checks that can do better inside the server than by
/// SQL. `findings` are what the check's SQL says, if it has any.
///
/// # Errors
/// See [`AdvisorError`]; the check is then reported as one that failed.
pub(super) fn refine(check: &Check, findings: &mut Vec<Finding>) -> Result<(), AdvisorError> {
    match check.name {
        "replication_slot" => {
            disk::compare(findings);
            Ok(())
        }
        _ => Ok(()),
    }
}
