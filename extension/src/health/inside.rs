//! What only the server itself can know of a finding, or find.

use advisor_sql::health::Check;

use super::{Finding, temporary};
use crate::error::AdvisorError;

/// Proves, corrects or adds findings of the checks that can do better inside the server than by
/// SQL. `findings` are what the check's SQL says, if it has any.
///
/// # Errors
/// See [`AdvisorError`]; the check is then reported as one that failed.
pub(super) fn refine(check: &Check, findings: &mut Vec<Finding>) -> Result<(), AdvisorError> {
    match check.name {
        "orphan_temp_table" => {
            temporary::judge(findings);
            Ok(())
        }
        _ => Ok(()),
    }
}
