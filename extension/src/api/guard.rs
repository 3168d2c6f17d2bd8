//! `mcp_check_read_only` and `mcp_guard`.

use std::time::Duration;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{default, name};

use crate::api::arguments;
use crate::error::AdvisorError;
use crate::guard;
use crate::sys::guard::{Ceilings, Until};

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

/// Holds the session, or the transaction, to reading until it ends.
///
/// See `sql/comments.sql` for what the arguments mean.
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::too_many_arguments, reason = "the SQL signature")]
fn mcp_guard(
    statement_time: default!(Option<Interval>, "'30 s'"),
    lock_time: default!(Option<Interval>, "'1 s'"),
    work_mem: default!(Option<i64>, "67108864"),
    temp_files: default!(Option<i64>, "1073741824"),
    parallel_workers: default!(Option<i32>, "2"),
    max_rows: default!(Option<i64>, "NULL"),
    max_bytes: default!(Option<i64>, "NULL"),
    this_transaction: default!(Option<bool>, "false"),
    memory: default!(Option<i64>, "2147483648"),
) -> Result<(), ErrorReport> {
    let parallel_workers = arguments::required("parallel_workers", parallel_workers)?;
    let until = if arguments::required("this_transaction", this_transaction)? {
        Until::TransactionEnds
    } else {
        Until::SessionEnds
    };
    let ceilings = Ceilings {
        statement_time: time("statement_time", statement_time)?,
        lock_time: time("lock_time", lock_time)?,
        work_mem: kilobytes("work_mem", work_mem)?.max(LEAST_WORK_MEM),
        temp_files: kilobytes("temp_files", temp_files)?,
        memory: at_least("memory", arguments::required("memory", memory)?, LEAST_MEMORY)?,
        parallel_workers: i32::try_from(at_least("parallel_workers", parallel_workers.into(), 0)?)
            .unwrap_or(i32::MAX),
        rows: max_rows.map(|rows| positive("max_rows", rows)).transpose()?,
        bytes: max_bytes.map(|bytes| positive("max_bytes", bytes)).transpose()?,
    };
    guard::latch(ceilings, until);
    Ok(())
}

/// The server's own minimum of `work_mem`, in kB.
const LEAST_WORK_MEM: i32 = 64;

/// Enough for the server's own caches, which count, in bytes.
const LEAST_MEMORY: u64 = 16 << 20;

/// A time of at least a millisecond.
fn time(argument: &'static str, given: Option<Interval>) -> Result<Duration, AdvisorError> {
    let given = arguments::required(argument, given)?;
    let micros = given.as_micros();
    u64::try_from(micros)
        .ok()
        .filter(|micros| *micros >= 1000)
        .map(Duration::from_micros)
        .ok_or_else(|| AdvisorError::BadArgument {
            argument,
            requirement: "be at least 1 ms",
            given: format!("{} ms", micros / 1000),
        })
}

fn kilobytes(argument: &'static str, given: Option<i64>) -> Result<i32, AdvisorError> {
    let bytes = at_least(argument, arguments::required(argument, given)?, 0)?;
    Ok(i32::try_from(bytes / 1024).unwrap_or(i32::MAX))
}

fn positive(argument: &'static str, given: i64) -> Result<u64, AdvisorError> {
    at_least(argument, given, 1)
}

fn at_least(argument: &'static str, given: i64, least: u64) -> Result<u64, AdvisorError> {
    u64::try_from(given).ok().filter(|number| *number >= least).ok_or_else(|| {
        AdvisorError::BadArgument {
            argument,
            requirement: match least {
                0 => "not be negative",
                LEAST_MEMORY => "be at least 16777216",
                _ => "be positive",
            },
            given: given.to_string(),
        }
    })
}
