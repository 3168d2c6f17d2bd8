//! What only the server itself can know of a finding, or find.

use std::borrow::Cow;

use advisor_sql::health::{Check, INSIDE};

use super::{Finding, bloat};
use crate::error::AdvisorError;
use crate::hypopg::extension_schema;

/// Proves, corrects or adds findings of the checks that can do better inside the server than by
/// SQL. `findings` are what the check's SQL says, if it has any.
///
/// # Errors
/// See [`AdvisorError`]; the check is then reported as one that failed.
pub(super) fn refine(
    check: &'static Check,
    findings: &mut Vec<Finding>,
) -> Result<(), AdvisorError> {
    match check.name {
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
