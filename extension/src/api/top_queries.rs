//! `mcp_top_queries`.

use pgrx::datum::TimestampWithTimeZone;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{default, name};

use crate::api::arguments::{check, required};
use crate::error::AdvisorError;
use crate::statements;

/// The dearest statements of this database in `pg_stat_statements`.
///
/// See `sql/comments.sql` for what the arguments mean.
#[pg_extern(volatile, parallel_restricted)]
#[allow(clippy::type_complexity, reason = "the SQL signature")]
fn mcp_top_queries(
    sort_by: default!(Option<String>, "'resources'"),
    max_rows: default!(Option<i32>, "10"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(queryid, Option<i64>),
            name!(role, Option<String>),
            name!(calls, Option<i64>),
            name!(total_ms, Option<f64>),
            name!(mean_ms, Option<f64>),
            name!(max_ms, Option<f64>),
            name!(stddev_ms, Option<f64>),
            name!(rows, Option<i64>),
            name!(time_share, Option<f64>),
            name!(access_share, Option<f64>),
            name!(read_share, Option<f64>),
            name!(dirtied_share, Option<f64>),
            name!(wal_share, Option<f64>),
            name!(blocks_hit, Option<i64>),
            name!(blocks_read, Option<i64>),
            name!(blocks_dirtied, Option<i64>),
            name!(blocks_temp, Option<i64>),
            name!(wal_bytes, Option<i64>),
            name!(toplevel, Option<bool>),
            name!(stats_since, Option<TimestampWithTimeZone>),
            name!(query, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let sort_by = required("sort_by", sort_by)?;
    let max_rows = required("max_rows", max_rows)?;
    if !advisor_sql::TOP_QUERIES_ORDERS.contains(&sort_by.as_str()) {
        let values = advisor_sql::TOP_QUERIES_ORDERS.to_vec();
        return Err(
            AdvisorError::NoSuchValue { argument: "sort_by", given: sort_by, values }.into()
        );
    }
    check("max_rows", max_rows, "be at least 1", |rows| rows >= 1)?;
    let rows = statements::top(&sort_by, i64::from(max_rows))?.into_iter().map(|query| {
        let [total_ms, mean_ms, max_ms, stddev_ms] = query.times;
        let [time, access, read, dirtied, wal] = query.shares;
        let [blocks_hit, blocks_read, blocks_dirtied, blocks_temp, wal_bytes] = query.amounts;
        (
            query.queryid,
            query.role,
            query.calls,
            total_ms,
            mean_ms,
            max_ms,
            stddev_ms,
            query.rows,
            time,
            access,
            read,
            dirtied,
            wal,
            blocks_hit,
            blocks_read,
            blocks_dirtied,
            blocks_temp,
            wal_bytes,
            query.toplevel,
            query.since,
            query.query,
        )
    });
    Ok(TableIterator::new(rows))
}
