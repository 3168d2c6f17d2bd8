//! `mcp_whatif_indexes`.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{JsonB, default};

use crate::api::arguments;
use crate::sys::Text;
use crate::whatif;

/// What the workload costs with exactly these indexes, given as CREATE INDEX, as one document.
///
/// See `sql/comments.sql` for what the arguments mean.
#[pg_extern(volatile, parallel_unsafe)]
fn mcp_whatif_indexes(
    indexes: Option<Vec<Option<Text>>>,
    queries: default!(Option<Vec<Option<Text>>>, "NULL"),
) -> Result<JsonB, ErrorReport> {
    let indexes = arguments::texts("indexes", indexes)?;
    let queries = queries.map(arguments::given_queries).transpose()?;
    Ok(JsonB(whatif::evaluate(&indexes, queries)?))
}
