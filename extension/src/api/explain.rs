//! `mcp_explain`.

use advisor_core::plan::Finding;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{Json, JsonB, default, name};

use crate::api::arguments;
use crate::error::AdvisorError;
use crate::explain::{self, Request};
use crate::sys::{Format, How, Regclass};

/// The plan of a statement, as EXPLAIN prints it.
///
/// See `sql/comments.sql` for what the arguments mean.
#[pg_extern(volatile, parallel_unsafe)]
fn mcp_explain(
    query: Option<String>,
    hypothetical_indexes: default!(Option<Vec<Option<String>>>, "'{}'"),
    hide_indexes: default!(Option<Vec<Option<Regclass>>>, "'{}'"),
    analyze: default!(Option<bool>, "false"),
    format: default!(Option<String>, "'text'"),
) -> Result<String, ErrorReport> {
    let query = arguments::required("query", query)?;
    let analyze = arguments::required("analyze", analyze)?;
    let format = format_named(&arguments::required("format", format)?)?;
    let how = How { format: format.unwrap_or(Format::Json), analyze, verbose: false };
    let request = request(query, hypothetical_indexes, hide_indexes, how)?;
    Ok(match format {
        Some(_) => explain::explain(&request)?,
        None => explain::compact(&request)?,
    })
}

/// What the plan of a statement shows that is worth a person's time.
///
/// See `sql/comments.sql` for what arguments and columns mean.
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the SQL signature")]
fn mcp_plan_findings(
    query: Option<String>,
    hypothetical_indexes: default!(Option<Vec<Option<String>>>, "'{}'"),
    hide_indexes: default!(Option<Vec<Option<Regclass>>>, "'{}'"),
    analyze: default!(Option<bool>, "false"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(finding, String),
            name!(severity, String),
            name!(node, i32),
            name!(place, String),
            name!(message, String),
            name!(evidence, JsonB),
            name!(remedy, String),
        ),
    >,
    ErrorReport,
> {
    let query = arguments::required("query", query)?;
    let analyze = arguments::required("analyze", analyze)?;
    let how = How { format: Format::Json, analyze, verbose: true };
    let request = request(query, hypothetical_indexes, hide_indexes, how)?;
    Ok(rows(explain::findings(&request)?))
}

/// What a plan shows that was made before, such as one in the log of auto_explain.
///
/// See `sql/comments.sql` for what arguments and columns mean.
#[pg_extern(volatile, parallel_restricted)]
#[allow(clippy::type_complexity, reason = "the SQL signature")]
fn mcp_plan_findings_of(
    plan: Option<Json>,
    query: default!(Option<String>, "''"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(finding, String),
            name!(severity, String),
            name!(node, i32),
            name!(place, String),
            name!(message, String),
            name!(evidence, JsonB),
            name!(remedy, String),
        ),
    >,
    ErrorReport,
> {
    let plan = arguments::required("plan", plan)?;
    let query = arguments::required("query", query)?;
    Ok(rows(explain::findings_of(&plan.0.to_string(), &query)?))
}

/// A finding's columns.
type Row = (String, String, i32, String, String, JsonB, String);

fn rows(findings: Vec<Finding>) -> TableIterator<'static, Row> {
    TableIterator::new(findings.into_iter().map(|finding| {
        (
            finding.finding.to_string(),
            finding.severity.to_string(),
            i32::try_from(finding.node).unwrap_or(i32::MAX),
            finding.place,
            finding.message,
            JsonB(finding.evidence.into()),
            finding.remedy,
        )
    }))
}

fn request(
    query: String,
    hypothetical_indexes: Option<Vec<Option<String>>>,
    hide_indexes: Option<Vec<Option<Regclass>>>,
    how: How,
) -> Result<Request, ErrorReport> {
    let indexes = arguments::without_nulls("hypothetical_indexes", hypothetical_indexes)?;
    let hidden = arguments::without_nulls("hide_indexes", hide_indexes)?;
    for (argument, is_empty) in
        [("hypothetical_indexes", indexes.is_empty()), ("hide_indexes", hidden.is_empty())]
    {
        if how.analyze && !is_empty {
            return Err(AdvisorError::Exclusive("analyze", argument).into());
        }
    }
    let hidden = hidden.into_iter().map(|Regclass(oid)| oid).collect();
    Ok(Request { query, indexes, hidden, how })
}

/// The format of that name, in any case as for EXPLAIN; none for ours, `compact`.
fn format_named(name: &str) -> Result<Option<Format>, AdvisorError> {
    let format = match name.to_ascii_lowercase().as_str() {
        "compact" => return Ok(None),
        "text" => Format::Text,
        "json" => Format::Json,
        "xml" => Format::Xml,
        "yaml" => Format::Yaml,
        _ => {
            return Err(AdvisorError::BadArgument {
                argument: "format",
                requirement: "be text, json, xml, yaml or compact",
                given: name.to_owned(),
            });
        }
    };
    Ok(Some(format))
}
