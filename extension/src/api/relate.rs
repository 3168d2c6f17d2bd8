//! `mcp_relationships` and `mcp_join_path`: how tables relate, and how to join them.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{default, name};

use crate::api::arguments::{check, required};
use crate::relate;

/// Most paths that a call may ask for.
const MOST_PATHS: i32 = 100;

/// The relationships between the tables of the database or of a schema.
///
/// See `sql/comments.sql` for what the columns mean.
#[pg_extern(stable, parallel_restricted)]
#[allow(clippy::type_complexity, reason = "the SQL signature")]
fn mcp_relationships(
    schema: default!(Option<String>, "null"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(kind, String),
            name!(from_table, String),
            name!(from_columns, Option<Vec<String>>),
            name!(to_table, String),
            name!(to_columns, Option<Vec<String>>),
            name!(constraint_name, Option<String>),
            name!(cardinality, Option<String>),
            name!(optional, Option<bool>),
            name!(indexed, Option<bool>),
            name!(self_reference, Option<bool>),
            name!(on_update, Option<String>),
            name!(on_delete, Option<String>),
            name!(deferrable, Option<String>),
            name!(validated, Option<bool>),
            name!(evidence, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let rows = relate::relationships(schema.as_deref())?.into_iter().map(|one| {
        (
            one.kind,
            one.from_table,
            one.from_columns,
            one.to_table,
            one.to_columns,
            one.constraint_name,
            one.cardinality,
            one.optional,
            one.indexed,
            one.self_reference,
            one.on_update,
            one.on_delete,
            one.deferrable,
            one.validated,
            one.evidence,
        )
    });
    Ok(TableIterator::new(rows))
}

/// The shortest ways to join two tables, best first.
///
/// See `sql/comments.sql` for what arguments and columns mean.
#[pg_extern(stable, parallel_restricted)]
#[allow(clippy::type_complexity, reason = "the SQL signature")]
fn mcp_join_path(
    from_table: Option<String>,
    to_table: Option<String>,
    max_paths: default!(Option<i32>, "3"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(path, i32),
            name!(hops, i32),
            name!(tables, Vec<String>),
            name!(conditions, Vec<String>),
            name!(from_clause, String),
            name!(multiplies, bool),
            name!(declared, bool),
            name!(notes, Vec<String>),
        ),
    >,
    ErrorReport,
> {
    let from = required("from_table", from_table)?;
    let to = required("to_table", to_table)?;
    let most = required("max_paths", max_paths)?;
    check("max_paths", most, "be from 1 to 100", |n| (1..=MOST_PATHS).contains(&n))?;
    let most = usize::try_from(most).unwrap_or(1);
    let rows = relate::paths(&from, &to, most)?.into_iter().zip(1..).map(|(row, path)| {
        (
            path,
            i32::try_from(row.hops).unwrap_or(i32::MAX),
            row.joined.tables,
            row.joined.conditions,
            row.joined.from_clause,
            row.joined.multiplies,
            row.joined.declared,
            row.joined.notes,
        )
    });
    Ok(TableIterator::new(rows))
}
