//! `mcp_whatif_benchmark`: how fast what-if planning is on this server, with these statements.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{default, name};

use crate::advisor;
use crate::api::arguments;
use crate::sys::Text;

/// Plans each statement with growing sets of candidate indexes, `repeats` times each.
///
/// One row per statement and set: the sets are the first 0, 1, 2, 4, … candidates, up to
/// `max_candidates`. `plan_us` is the mean time of one planner call in microseconds.
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the SQL signature")]
fn mcp_whatif_benchmark(
    queries: Vec<Option<Text>>,
    max_candidates: default!(i32, "8"),
    repeats: default!(i32, "10"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(query_id, i64),
            name!(indexes, Vec<String>),
            name!(cost, f64),
            name!(calls, i64),
            name!(plan_us, f64),
        ),
    >,
    ErrorReport,
> {
    let queries = arguments::given_queries(queries)?;
    arguments::check("max_candidates", max_candidates, "be from 0 to 100", |n| {
        (0..=100).contains(&n)
    })?;
    arguments::check("repeats", repeats, "be from 1 to 1000000", |n| (1..=1_000_000).contains(&n))?;
    let rows = advisor::benchmark(
        queries,
        usize::try_from(max_candidates).unwrap_or(0),
        u32::try_from(repeats).unwrap_or(1),
    )?;
    Ok(TableIterator::new(
        rows.into_iter()
            .map(|row| (row.query_id, row.indexes, row.cost, i64::from(row.calls), row.plan_us)),
    ))
}
