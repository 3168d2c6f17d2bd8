//! `mcp_advise_drops`.

use pgrx::datum::Interval;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{JsonB, default, name};

use crate::api::arguments::{self, check, required};
use crate::drops::{self, Request};
use crate::sys::{Regclass, Text};

/// The indexes that can go, each proven by planning the workload without it.
///
/// See `sql/comments.sql` for what arguments and columns mean.
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the SQL signature")]
fn mcp_advise_drops(
    queries: default!(Option<Vec<Option<Text>>>, "NULL"),
    tolerance: default!(Option<f64>, "0.01"),
    time_limit: default!(Option<Interval>, "'30 s'"),
    max_queries: default!(Option<i32>, "1000"),
    with_advice: default!(Option<bool>, "false"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(rank, i32),
            name!(verdict, String),
            name!(index, Regclass),
            name!(relation, Regclass),
            name!(reasons, Vec<String>),
            name!(message, String),
            name!(size_bytes, i64),
            name!(scans, i64),
            name!(rows_written, i64),
            name!(statements, i64),
            name!(needed_by, Option<JsonB>),
            name!(why_not, Option<String>),
            name!(caveats, Vec<String>),
            name!(ddl, Option<String>),
            name!(undo, Option<String>),
            name!(superseded_by, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let queries = queries.map(arguments::given_queries).transpose()?;
    let tolerance = required("tolerance", tolerance)?;
    check("tolerance", tolerance, "be from 0 to 1", |share| (0.0..=1.0).contains(&share))?;
    let time_limit = arguments::duration(required("time_limit", time_limit)?)?;
    let max_queries = required("max_queries", max_queries)?;
    check("max_queries", max_queries, "be at least 1", |n| n >= 1)?;
    let answer = drops::advise(Request {
        queries,
        tolerance,
        time_limit,
        max_queries: i64::from(max_queries),
        with_advice: required("with_advice", with_advice)?,
    })?;
    for message in answer.not_judged {
        pgrx::notice!("{message}");
    }
    Ok(TableIterator::new((1..).zip(answer.drops).map(|(rank, one)| {
        (
            rank,
            one.verdict.as_str().to_owned(),
            Regclass(one.index),
            Regclass(one.table),
            one.reasons.into_iter().map(str::to_owned).collect(),
            one.messages.join("; "),
            one.size_bytes,
            one.scans,
            one.writes,
            one.statements,
            one.needed_by.map(JsonB),
            one.why_not,
            one.caveats,
            one.ddl,
            one.undo,
            one.superseded_by,
        )
    })))
}
