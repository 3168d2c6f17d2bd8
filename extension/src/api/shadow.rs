//! `mcp_export_statistics` and `mcp_import_statistics`.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{JsonB, default};

use crate::api::arguments::required;
use crate::error::AdvisorError;
use crate::shadow;
use crate::sys::{self, Text};

/// This database as the planner sees it, as one document.
///
/// See `sql/comments.sql` for what the arguments mean.
#[pg_extern(stable, parallel_restricted)]
fn mcp_export_statistics(
    with_values: default!(Option<bool>, "true"),
    queries: default!(Option<Vec<Option<Text>>>, "NULL"),
) -> Result<JsonB, ErrorReport> {
    let values = required("with_values", with_values)?;
    let queries = queries
        .map(|queries| sys::owned_texts(queries).into_iter().collect::<Option<Vec<String>>>())
        .map(|queries| queries.ok_or(AdvisorError::NullElement("queries")))
        .transpose()?;
    Ok(JsonB(shadow::export(values, queries)?))
}

/// Puts such a document into this database, which must be empty.
///
/// See `sql/comments.sql` for what the arguments mean.
#[pg_extern(volatile, parallel_unsafe)]
fn mcp_import_statistics(
    document: Option<JsonB>,
    replace: default!(Option<bool>, "false"),
) -> Result<JsonB, ErrorReport> {
    let JsonB(document) = required("document", document)?;
    Ok(JsonB(shadow::import(document, required("replace", replace)?)?))
}
