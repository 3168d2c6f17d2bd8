//! `mcp_top_queries` and `mcp_statements_info`. Both are unsafe in parallel: they begin
//! sub-transactions.

use std::time::Duration;

use pgrx::JsonB;
use pgrx::datum::TimestampWithTimeZone;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{default, name};

use crate::api::arguments::{check, required};
use crate::error::AdvisorError;
use crate::statements::{self, TopOptions};
use advisor_sql::statements::{MOST_SECONDS, NOT_OF_AN_INTERVAL, ORDERS};

/// The dearest statements of this database in `pg_stat_statements`.
///
/// See `sql/comments.sql` for what the arguments mean.
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the SQL signature")]
fn mcp_top_queries(
    sort_by: default!(Option<String>, "'resources'"),
    max_rows: default!(Option<i32>, "10"),
    all_databases: default!(Option<bool>, "false"),
    delta_seconds: default!(Option<i32>, "NULL"),
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
            name!(database, Option<String>),
            name!(plans, Option<i64>),
            name!(planning_ms, Option<f64>),
            name!(io_read_ms, Option<f64>),
            name!(io_write_ms, Option<f64>),
            name!(temp_blocks_read, Option<i64>),
            name!(temp_blocks_written, Option<i64>),
            name!(sort_value, Option<f64>),
            name!(sort_unit, Option<String>),
            name!(details, Option<JsonB>),
        ),
    >,
    ErrorReport,
> {
    let sort_by = required("sort_by", sort_by)?;
    let max_rows = required("max_rows", max_rows)?;
    let all_databases = required("all_databases", all_databases)?;
    if !ORDERS.contains(&sort_by.as_str()) {
        let values = ORDERS.to_vec();
        return Err(
            AdvisorError::NoSuchValue { argument: "sort_by", given: sort_by, values }.into()
        );
    }
    check("max_rows", max_rows, "be at least 1", |rows| rows >= 1)?;
    let interval = delta_seconds.map(|seconds| interval(seconds, &sort_by)).transpose()?;
    let options =
        TopOptions { sort_by: &sort_by, max_rows: i64::from(max_rows), all_databases, interval };
    let rows = statements::top(&options)?.into_iter().map(|query| {
        let [total_ms, mean_ms, max_ms, stddev_ms] = query.times;
        let [time, access, read, dirtied, wal] = query.shares;
        let [blocks_hit, blocks_read, blocks_dirtied, blocks_temp, wal_bytes] = query.amounts;
        let [planning_ms, io_read_ms, io_write_ms] = query.more_times;
        let [temp_blocks_read, temp_blocks_written] = query.temporary;
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
            query.database,
            query.plans,
            planning_ms,
            io_read_ms,
            io_write_ms,
            temp_blocks_read,
            temp_blocks_written,
            query.sort_value,
            query.sort_unit,
            query.details,
        )
    });
    Ok(TableIterator::new(rows))
}

/// An interval that the order can be made of.
fn interval(seconds: i32, sort_by: &str) -> Result<Duration, AdvisorError> {
    check("delta_seconds", seconds, "be from 1 to 3600", |n| (1..=MOST_SECONDS).contains(&n))?;
    if NOT_OF_AN_INTERVAL.contains(&sort_by) {
        return Err(AdvisorError::BadArgument {
            argument: "sort_by",
            requirement: "be something that is known of an interval when delta_seconds is given",
            given: sort_by.to_owned(),
        });
    }
    Ok(Duration::from_secs(u64::from(seconds.unsigned_abs())))
}

/// How `pg_stat_statements` counts, and since when.
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the SQL signature")]
fn mcp_statements_info() -> Result<
    TableIterator<
        'static,
        (
            name!(version, Option<String>),
            name!(counted_since, Option<TimestampWithTimeZone>),
            name!(evictions, Option<i64>),
            name!(entries, Option<i64>),
            name!(max_entries, Option<i64>),
            name!(track, Option<String>),
            name!(track_planning, Option<bool>),
            name!(track_io_timing, Option<bool>),
        ),
    >,
    ErrorReport,
> {
    let info = statements::info()?;
    Ok(TableIterator::once((
        info.version,
        info.counted_since,
        info.evictions,
        info.entries,
        info.max_entries,
        info.track,
        info.track_planning,
        info.track_io_timing,
    )))
}
