//! Checking arguments before anything is done with them.

use std::time::Duration;

use pgrx::datum::Interval;

use crate::advisor::Arguments;
use crate::error::AdvisorError;
use crate::sys::{self, Text};

/// Most key columns of an index (`INDEX_MAX_KEYS` of the server).
const INDEX_MAX_KEYS: i32 = 32;

/// The arguments of an advising call, checked.
///
/// # Errors
/// 22023 for a value out of range, 22004 for a NULL that must not be.
pub(super) fn check_all(
    queries: Option<Vec<Option<Text>>>,
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
        search_path: None,
        statistics: false,
    })
}

/// An explicit list of statements: not empty, no NULL.
///
/// # Errors
/// 22023 and 22004.
pub(super) fn given_queries(queries: Vec<Option<Text>>) -> Result<Vec<String>, AdvisorError> {
    if queries.is_empty() {
        return Err(AdvisorError::BadArgument {
            argument: "queries",
            requirement: "hold at least one statement",
            given: "an empty array".to_owned(),
        });
    }
    let queries: Option<Vec<String>> = sys::owned_texts(queries).into_iter().collect();
    queries.ok_or(AdvisorError::NullQuery)
}

/// A list that may be empty, without NULL.
///
/// # Errors
/// 22004.
pub(super) fn without_nulls<T>(
    argument: &'static str,
    values: Option<Vec<Option<T>>>,
) -> Result<Vec<T>, AdvisorError> {
    let values = required(argument, values)?.into_iter().collect::<Option<Vec<T>>>();
    values.ok_or(AdvisorError::NullElement(argument))
}

/// The same of texts.
///
/// # Errors
/// 22004.
pub(super) fn texts(
    argument: &'static str,
    values: Option<Vec<Option<Text>>>,
) -> Result<Vec<String>, AdvisorError> {
    without_nulls(argument, values.map(sys::owned_texts))
}

/// A value that must not be NULL.
///
/// # Errors
/// 22004.
pub(super) fn required<T>(argument: &'static str, value: Option<T>) -> Result<T, AdvisorError> {
    value.ok_or(AdvisorError::NullArgument(argument))
}

/// Checks one value.
///
/// # Errors
/// 22023 with the value as DETAIL.
pub(super) fn check<T: Copy + std::fmt::Display>(
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
///
/// # Errors
/// 22023 unless it is positive.
pub(super) fn duration(interval: Interval) -> Result<Duration, AdvisorError> {
    const DAY: f64 = 86_400.0;
    let seconds = f64::from(interval.months()) * 30.0 * DAY
        + f64::from(interval.days()) * DAY
        + interval.micros() as f64 / 1e6;
    check("time_limit", seconds, "be positive", |seconds| seconds > 0.0)?;
    // A year is as good as no limit, and never overflows the clock.
    Ok(Duration::from_secs_f64(seconds.min(366.0 * DAY)))
}
