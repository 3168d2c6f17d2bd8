//! What only the server itself can know of a finding, or find.

use advisor_sql::health::Check;

use super::{Finding, disk, memory, missing, redundant, spills, temporary};
use crate::error::AdvisorError;

/// Proves, corrects or adds findings of the checks that can do better inside the server than by
/// SQL. `findings` are what the check's SQL says, if it has any; `caller_path` is the search path
/// that the caller's statements are read under.
///
/// # Errors
/// See [`AdvisorError`]; the check is then reported as one that failed.
pub(super) fn refine(
    check: &'static Check,
    caller_path: &str,
    findings: &mut Vec<Finding>,
) -> Result<(), AdvisorError> {
    match check.name {
        "temp_file_spill" => spills::add_statements(findings),
        "statement_statistics" => spills::find_evictions(check, findings),
        "memory" => {
            memory::judge(findings);
            Ok(())
        }
        "orphan_temp_table" => {
            temporary::judge(findings);
            Ok(())
        }
        "missing_index" => missing::find(check, caller_path, findings),
        "redundant_index" => redundant::prove(caller_path, findings),
        "replication_slot" => {
            disk::compare(findings);
            Ok(())
        }
        _ => Ok(()),
    }
}
