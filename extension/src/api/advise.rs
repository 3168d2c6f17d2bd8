//! `mcp_advise_indexes` and `mcp_advise_report`.

use std::time::Duration;

use pgrx::datum::Interval;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{JsonB, default, name};

use crate::advisor::{self, Arguments};
use crate::error::AdvisorError;
use crate::report::{Advice, Plans};
use crate::sys::Regclass;

/// Most key columns of an index (`INDEX_MAX_KEYS` of the server).
const INDEX_MAX_KEYS: i32 = 32;

/// Advises indexes, best first.
///
/// See `sql/comments.sql` for what the arguments and columns mean.
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::too_many_arguments, clippy::type_complexity, reason = "the SQL signature")]
fn mcp_advise_indexes(
    queries: default!(Option<Vec<Option<String>>>, "NULL"),
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
        ),
    >,
    ErrorReport,
> {
    let arguments = arguments(
        queries,
        storage_budget,
        max_columns,
        min_improvement,
        pareto_ratio,
        time_limit,
        max_queries,
    )?;
    let advice = advisor::advise(&arguments, Plans::Omitted)?;
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
        )
    })))
}

/// Everything that a run of the advisor found out, as one document.
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::too_many_arguments, reason = "the SQL signature")]
fn mcp_advise_report(
    queries: default!(Option<Vec<Option<String>>>, "NULL"),
    storage_budget: default!(Option<i64>, "NULL"),
    max_columns: default!(Option<i32>, "3"),
    min_improvement: default!(Option<f64>, "0.10"),
    pareto_ratio: default!(Option<f64>, "2.0"),
    time_limit: default!(Option<Interval>, "'30 s'"),
    max_queries: default!(Option<i32>, "1000"),
    plans: default!(bool, "true"),
) -> Result<JsonB, ErrorReport> {
    let arguments = arguments(
        queries,
        storage_budget,
        max_columns,
        min_improvement,
        pareto_ratio,
        time_limit,
        max_queries,
    )?;
    let plans = if plans { Plans::Wanted } else { Plans::Omitted };
    Ok(JsonB(advisor::advise(&arguments, plans)?.into_json()))
}

/// An empty answer says why.
fn explain_emptiness(advice: &Advice) {
    if !advice.indexes.is_empty() {
        return;
    }
    let reason = advice.why_empty();
    pgrx::notice!("no index is advised: {reason}");
}

fn arguments(
    queries: Option<Vec<Option<String>>>,
    storage_budget: Option<i64>,
    max_columns: Option<i32>,
    min_improvement: Option<f64>,
    pareto_ratio: Option<f64>,
    time_limit: Option<Interval>,
    max_queries: Option<i32>,
) -> Result<Arguments, AdvisorError> {
    let queries = queries.map(given_queries).transpose()?;
    let max_columns = required("max_columns", max_columns)?;
    check("max_columns", max_columns, "be from 1 to 32", |n| (1..=INDEX_MAX_KEYS).contains(&n))?;
    let max_queries = required("max_queries", max_queries)?;
    check("max_queries", max_queries, "be at least 1", |n| n >= 1)?;
    let min_improvement = required("min_improvement", min_improvement)?;
    check("min_improvement", min_improvement, "be from 0 to 1", |x| (0.0..=1.0).contains(&x))?;
    let pareto_ratio = required("pareto_ratio", pareto_ratio)?;
    check("pareto_ratio", pareto_ratio, "be from 0 to 1000", |x| (0.0..=1000.0).contains(&x))?;
    if let Some(budget) = storage_budget {
        check("storage_budget", budget, "be at least 0 bytes", |bytes| bytes >= 0)?;
    }
    Ok(Arguments {
        queries,
        storage_budget: storage_budget.map(|bytes| bytes as f64),
        max_columns: usize::try_from(max_columns).unwrap_or(1),
        min_improvement,
        pareto_ratio,
        time_limit: time_limit.map(duration).transpose()?,
        max_queries: i64::from(max_queries),
    })
}

fn given_queries(queries: Vec<Option<String>>) -> Result<Vec<String>, AdvisorError> {
    if queries.is_empty() {
        return Err(AdvisorError::BadArgument {
            argument: "queries",
            requirement: "hold at least one statement",
            given: "an empty array".to_owned(),
        });
    }
    queries.into_iter().collect::<Option<Vec<String>>>().ok_or(AdvisorError::NullQuery)
}

fn required<T>(argument: &'static str, value: Option<T>) -> Result<T, AdvisorError> {
    value.ok_or(AdvisorError::NullArgument(argument))
}

fn check<T: Copy + std::fmt::Display>(
    argument: &'static str,
    value: T,
    requirement: &'static str,
    holds: impl Fn(T) -> bool,
) -> Result<(), AdvisorError> {
    if holds(value) {
        return Ok(());
    }
    Err(AdvisorError::BadArgument { argument, requirement, given: value.to_string() })
}

/// An interval as a duration; a month counts as 30 days, as in `EXTRACT(EPOCH …)`.
fn duration(interval: Interval) -> Result<Duration, AdvisorError> {
    const DAY: f64 = 86_400.0;
    let seconds = f64::from(interval.months()) * 30.0 * DAY
        + f64::from(interval.days()) * DAY
        + interval.micros() as f64 / 1e6;
    check("time_limit", seconds, "be positive", |seconds| seconds > 0.0)?;
    // A year is as good as no limit, and never overflows the clock.
    Ok(Duration::from_secs_f64(seconds.min(366.0 * DAY)))
}
