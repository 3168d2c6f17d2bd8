//! `mcp_index_bloat`, `mcp_table_bloat` and `mcp_sequence_last_value`: what pages say.

use pgrx::default;
use pgrx::name;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::api::arguments::required;
use crate::error::AdvisorError;
use crate::sys::{self, Bloat, Regclass, ServerError};

/// How much of a b-tree index is empty, by a sample of its pages.
///
/// See `sql/comments.sql` for what the columns mean.
#[pg_extern(volatile, parallel_restricted)]
#[allow(clippy::type_complexity, reason = "the SQL signature")]
fn mcp_index_bloat(
    index: Option<Regclass>,
    sample_pages: default!(Option<i32>, "200"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(pages, i64),
            name!(pages_read, i64),
            name!(waste_percent, f64),
            name!(waste_bytes, i64),
            name!(dead_percent, f64),
            name!(density_percent, f64),
            name!(free_bytes, i64),
            name!(fillfactor, i32),
            name!(method, &'static str),
        ),
    >,
    ErrorReport,
> {
    let Regclass(index) = required("index", index)?;
    Ok(row(sys::index_bloat(index, pages(sample_pages)?))?)
}

/// How much of a table is empty, by a sample of its pages.
///
/// See `sql/comments.sql` for what the columns mean.
#[pg_extern(volatile, parallel_restricted)]
#[allow(clippy::type_complexity, reason = "the SQL signature")]
fn mcp_table_bloat(
    table: Option<Regclass>,
    sample_pages: default!(Option<i32>, "200"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(pages, i64),
            name!(pages_read, i64),
            name!(waste_percent, f64),
            name!(waste_bytes, i64),
            name!(dead_percent, f64),
            name!(density_percent, f64),
            name!(free_bytes, i64),
            name!(fillfactor, i32),
            name!(method, &'static str),
        ),
    >,
    ErrorReport,
> {
    let Regclass(table) = required("table", table)?;
    Ok(row(sys::table_bloat(table, pages(sample_pages)?))?)
}

/// The last value that a sequence has given, NULL where that is not to be had at once.
#[pg_extern(volatile, parallel_restricted)]
fn mcp_sequence_last_value(sequence: Regclass) -> Option<i64> {
    sys::sequence_last_value(sequence.0)
}

fn pages(sample_pages: Option<i32>) -> Result<u32, AdvisorError> {
    let given = required("sample_pages", sample_pages)?;
    u32::try_from(given).ok().filter(|pages| *pages > 0).ok_or_else(|| AdvisorError::BadArgument {
        argument: "sample_pages",
        requirement: "be at least 1",
        given: given.to_string(),
    })
}

/// The columns of both functions.
type Row = (i64, i64, f64, i64, f64, f64, i64, i32, &'static str);

fn row(bloat: Result<Bloat, ServerError>) -> Result<TableIterator<'static, Row>, AdvisorError> {
    let bloat = bloat.map_err(AdvisorError::Statement)?;
    let tenths = |value: f64| (value * 10.0).round() / 10.0;
    Ok(TableIterator::once((
        i64::from(bloat.pages),
        i64::from(bloat.read),
        tenths(bloat.waste()),
        bloat.waste_bytes() as i64,
        tenths(bloat.dead),
        tenths(bloat.density),
        bloat.free_bytes as i64,
        i32::try_from(bloat.fill_factor).unwrap_or(0),
        if bloat.is_exact() { "exact" } else { "sampled" },
    )))
}
