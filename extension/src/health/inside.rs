//! What only the server itself can know of a finding, or find.

use std::borrow::Cow;

use advisor_sql::health::{Check, INSIDE};

use super::{Finding, bloat, disk, memory, missing, redundant, spills, temporary};
use crate::error::AdvisorError;
use crate::hypopg::extension_schema;

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
        "index_bloat" => bloat::indexes(check, findings),
        "table_bloat" => bloat::tables(check, findings),
        "gin_pending_list" => bloat::gin_pending_list(check, findings),
        _ => Ok(()),
    }
}

/// A check's SQL with the functions of the extension in the place of those of the server.
///
/// # Errors
/// What SPI says.
pub(super) fn text(sql: &str) -> Result<Cow<'_, str>, AdvisorError> {
    let mut text = Cow::Borrowed(sql);
    for (theirs, ours) in INSIDE.iter().filter(|(theirs, _)| sql.contains(theirs)) {
        if let Some(schema) = extension_schema("mcp_advisor")? {
            text = Cow::Owned(text.replace(theirs, &format!("{schema}.{ours}")));
        }
    }
    Ok(text)
}
