//! `mcp_search_schema` and `mcp_schema_overview`: to find one's way in a schema.

use advisor_core::lookup::Question;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{default, name};

use crate::api::arguments::{check, required};
use crate::error::AdvisorError;
use crate::{lookup, overview};

/// Most finds that a call may ask for.
const MOST_ROWS: i32 = 10_000;
/// Fewest tokens of a page: the longest names must fit.
const FEWEST_TOKENS: i32 = 1_000;
/// Most tokens of a page.
const MOST_TOKENS: i32 = 1_000_000;

/// Objects by words of their names and comments, the best answer first.
///
/// See `sql/comments.sql` for what arguments and columns mean.
#[pg_extern(stable, parallel_restricted)]
#[allow(clippy::type_complexity, reason = "the SQL signature")]
fn mcp_search_schema(
    search: Option<String>,
    max_rows: default!(Option<i32>, "20"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(rank, i32),
            name!(kind, String),
            name!(schema_name, String),
            name!(object_name, String),
            name!(column_name, Option<String>),
            name!(details, Option<String>),
            name!(matched, String),
            name!(rows_estimate, Option<i64>),
            name!(description, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let search = required("search", search)?;
    let most = required("max_rows", max_rows)?;
    check("max_rows", most, "be from 1 to 10000", |n| (1..=MOST_ROWS).contains(&n))?;
    let question = Question::new(&search).ok_or_else(|| AdvisorError::BadArgument {
        argument: "search",
        requirement: "have a word",
        given: format!("\"{search}\""),
    })?;
    let found = lookup::search(&question, usize::try_from(most).unwrap_or(1))?;
    let rows = found.into_iter().zip(1..).map(|(row, rank)| {
        (
            rank,
            row.kind,
            row.schema,
            row.object,
            row.column,
            row.details,
            row.matched,
            row.rows.map(|rows| rows as i64),
            row.description,
        )
    });
    Ok(TableIterator::new(rows))
}

/// A page of what there is in a schema, for models.
///
/// See `sql/comments.sql` for what arguments and columns mean.
#[pg_extern(stable, parallel_restricted)]
#[allow(clippy::type_complexity, reason = "the SQL signature")]
fn mcp_schema_overview(
    schema: default!(Option<String>, "null"),
    max_tokens: default!(Option<i32>, "8000"),
    after: default!(Option<String>, "null"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(overview, String),
            name!(objects, i64),
            name!(remaining, i64),
            name!(next_after, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let most = required("max_tokens", max_tokens)?;
    check("max_tokens", most, "be from 1000 to 1000000", |n| {
        (FEWEST_TOKENS..=MOST_TOKENS).contains(&n)
    })?;
    let most = usize::try_from(most).unwrap_or_default();
    let page = overview::page(schema.as_deref(), most, after.as_deref())?;
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let row = (page.overview, count(page.objects), count(page.remaining), page.next_after);
    Ok(TableIterator::once(row))
}
