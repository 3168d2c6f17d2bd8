//! `mcp_advise_statistics`.

use std::time::{Duration, Instant};

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{default, name};

use crate::api::arguments;
use crate::statistics;
use crate::sys::{Regclass, Text};

/// As long as the advisor takes when not told.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// ANALYZE and extended statistics that the workload's estimates lack.
///
/// See `sql/comments.sql` for what the columns mean.
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the SQL signature")]
fn mcp_advise_statistics(
    queries: default!(Option<Vec<Option<Text>>>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(relation, Regclass),
            name!(ddl, String),
            name!(kind, String),
            name!(estimated_rows, Option<f64>),
            name!(sampled_rows, Option<f64>),
            name!(ratio, Option<f64>),
            name!(queries, Vec<i64>),
            name!(plan_changes, Option<bool>),
            name!(reason, String),
        ),
    >,
    ErrorReport,
> {
    let queries = queries.map(arguments::given_queries).transpose()?;
    let started = Instant::now();
    let advice = statistics::advise(queries, started, started + TIME_LIMIT)?;
    Ok(TableIterator::new(advice.into_iter().map(|one| {
        (
            Regclass(one.relation),
            one.ddl,
            one.kind,
            one.estimated_rows,
            one.sampled_rows,
            one.ratio,
            one.queries,
            one.plan_changes,
            one.reason,
        )
    })))
}
