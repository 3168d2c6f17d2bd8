//! `mcp_check_read_only`.

use pgrx::name;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::api::arguments;
use crate::guard;

/// Whether a statement only reads, and if not, why.
///
/// See `sql/comments.sql` for what the columns mean.
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the SQL signature")]
fn mcp_check_read_only(
    query: Option<String>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(allowed, bool),
            name!(reason, Option<String>),
            name!(detail, Option<String>),
            name!(hint, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let query = arguments::required("query", query)?;
    let row = match guard::refusal(&query)? {
        None => (true, None, None, None),
        Some(refusal) => (false, Some(refusal.reason), Some(refusal.detail), Some(refusal.hint)),
    };
    Ok(TableIterator::once(row))
}
