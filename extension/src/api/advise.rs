//! `mcp_advise_indexes` and `mcp_advise_report`.

use pgrx::datum::Interval;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{JsonB, default, name};

use crate::advisor;
use crate::api::arguments;
use crate::memory;
use crate::report::{Advice, Plans};
use crate::sys::{Regclass, Text};

/// Advises indexes, best first.
///
/// See `sql/comments.sql` for what the arguments and columns mean.
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::too_many_arguments, clippy::type_complexity, reason = "the SQL signature")]
fn mcp_advise_indexes(
    queries: default!(Option<Vec<Option<Text>>>, "NULL"),
    storage_budget: default!(Option<i64>, "NULL"),
    max_columns: default!(Option<i32>, "3"),
    min_improvement: default!(Option<f64>, "0.10"),
    pareto_ratio: default!(Option<f64>, "2.0"),
    time_limit: default!(Option<Interval>, "'30 s'"),
    max_queries: default!(Option<i32>, "1000"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(rank, i32),
            name!(id, String),
            name!(ddl, String),
            name!(relation, Regclass),
            name!(method, String),
            name!(columns, Vec<String>),
            name!(size_bytes, i64),
            name!(cost_before, f64),
            name!(cost_after, f64),
            name!(improvement, f64),
            name!(improved_queries, Vec<i64>),
            name!(regressed_queries, Vec<i64>),
            name!(write_overhead, f64),
            name!(breaks_hot, bool),
            name!(replaces, Vec<Regclass>),
            name!(confidence, String),
            name!(reason, String),
            name!(confidence_detail, JsonB),
            name!(write_cost, f64),
            name!(wal_bytes_per_second, f64),
            name!(hot_updates_lost, f64),
        ),
    >,
    ErrorReport,
> {
    let arguments = arguments::check_all(
        queries,
        storage_budget,
        max_columns,
        min_improvement,
        pareto_ratio,
        time_limit,
        max_queries,
    )?;
    let advice = advisor::advise(&arguments, Plans::Omitted)?;
    memory::remember(&advice, arguments.queries.is_none())?;
    explain_emptiness(&advice);
    Ok(TableIterator::new(advice.indexes.into_iter().map(|index| {
        (
            index.rank,
            index.id,
            index.ddl,
            Regclass(index.relation),
            index.method.to_owned(),
            index.columns,
            index.size_bytes,
            index.cost_before,
            index.cost_after,
            index.improvement,
            index.improved_queries,
            index.regressed_queries,
            index.write_overhead,
            index.breaks_hot,
            index.replaces.into_iter().map(Regclass).collect(),
            index.confidence.to_owned(),
            index.reason,
            JsonB(serde_json::json!(index.confidence_detail)),
            index.write_cost,
            index.wal_bytes_per_second,
            index.hot_updates_lost,
        )
    })))
}

/// Everything that a run of the advisor found out, as one document.
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::too_many_arguments, reason = "the SQL signature")]
fn mcp_advise_report(
    queries: default!(Option<Vec<Option<Text>>>, "NULL"),
    storage_budget: default!(Option<i64>, "NULL"),
    max_columns: default!(Option<i32>, "3"),
    min_improvement: default!(Option<f64>, "0.10"),
    pareto_ratio: default!(Option<f64>, "2.0"),
    time_limit: default!(Option<Interval>, "'30 s'"),
    max_queries: default!(Option<i32>, "1000"),
    plans: default!(bool, "true"),
) -> Result<JsonB, ErrorReport> {
    let mut arguments = arguments::check_all(
        queries,
        storage_budget,
        max_columns,
        min_improvement,
        pareto_ratio,
        time_limit,
        max_queries,
    )?;
    arguments.statistics = true;
    let plans = if plans { Plans::Wanted } else { Plans::Omitted };
    let advice = advisor::advise(&arguments, plans)?;
    memory::remember(&advice, arguments.queries.is_none())?;
    Ok(JsonB(advice.into_json()))
}

/// An empty answer says why.
fn explain_emptiness(advice: &Advice) {
    if !advice.indexes.is_empty() {
        return;
    }
    let reason = advice.why_empty();
    pgrx::notice!("no index is advised: {reason}");
}
