//! `mcp_running_queries`.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{default, name};

use crate::api::arguments::required;
use crate::statements;

/// What the other sessions do now, the longest-running first.
///
/// See `sql/comments.sql` for what the argument means.
#[pg_extern(volatile, parallel_restricted)]
#[allow(clippy::type_complexity, reason = "the SQL signature")]
fn mcp_running_queries(
    all_databases: default!(Option<bool>, "false"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(pid, Option<i32>),
            name!(role, Option<String>),
            name!(database, Option<String>),
            name!(application, Option<String>),
            name!(backend_type, Option<String>),
            name!(state, Option<String>),
            name!(waits_for, Option<String>),
            name!(running_ms, Option<f64>),
            name!(transaction_ms, Option<f64>),
            name!(blocked_by, Option<Vec<Option<i32>>>),
            name!(workers, Option<i64>),
            name!(query_id, Option<i64>),
            name!(query, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let all_databases = required("all_databases", all_databases)?;
    let rows = statements::running(all_databases)?.into_iter().map(|session| {
        (
            session.pid,
            session.role,
            session.database,
            session.application,
            session.backend_type,
            session.state,
            session.waits_for,
            session.running_ms,
            session.transaction_ms,
            session.blocked_by,
            session.workers,
            session.query_id,
            session.query,
        )
    });
    Ok(TableIterator::new(rows))
}
