//! `mcp_advice_mute`, `mcp_advice_unmute`, `mcp_advice_observe`, `mcp_statement_counters`, and the
//! tables and views of the memory of advice.

use pgrx::datum::TimestampWithTimeZone;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{default, name};

use crate::api::arguments::required;
use crate::memory;

/// Leaves an index out of the advice from now on.
#[pg_extern(volatile, parallel_unsafe)]
fn mcp_advice_mute(
    id: Option<&str>,
    reason: default!(Option<&str>, "NULL"),
) -> Result<(), ErrorReport> {
    Ok(memory::mute(required("id", id)?, reason)?)
}

/// Has a muted index advised again.
#[pg_extern(volatile, parallel_unsafe)]
fn mcp_advice_unmute(id: Option<&str>) -> Result<(), ErrorReport> {
    Ok(memory::unmute(required("id", id)?)?)
}

/// Notices which advised indexes exist by now.
#[pg_extern(volatile, parallel_unsafe)]
fn mcp_advice_observe() -> Result<i64, ErrorReport> {
    Ok(memory::observe()?)
}

/// The counters of this database's statements in pg_stat_statements, over all roles.
#[pg_extern(volatile, parallel_restricted)]
#[allow(clippy::type_complexity, reason = "the SQL signature")]
fn mcp_statement_counters() -> Result<
    TableIterator<
        'static,
        (
            name!(queryid, i64),
            name!(calls, i64),
            name!(exec_ms, f64),
            name!(blocks, i64),
            name!(counted_since, Option<TimestampWithTimeZone>),
        ),
    >,
    ErrorReport,
> {
    let rows = memory::counters()?;
    Ok(TableIterator::new(
        rows.into_iter().map(|one| (one.queryid, one.calls, one.exec_ms, one.blocks, one.since)),
    ))
}

pgrx::extension_sql_file!(
    "../../../sql/memory/tables.sql",
    name = "memory",
    requires = [mcp_statement_counters]
);
