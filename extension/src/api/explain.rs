//! `mcp_explain`, `mcp_explain_report`, `mcp_plan_findings`, `mcp_plan_findings_of`.

use advisor_core::plan::Finding;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{Json, JsonB, PgSqlErrorCode, default, name};

use crate::api::arguments;
use crate::error::AdvisorError;
use crate::explain::{self, Parameters, Request, Subject};
use crate::sys::{self, Format, How, Regclass, ServerError, Text};

/// The plan of a statement, as EXPLAIN prints it.
///
/// See `sql/comments.sql` for what the arguments mean.
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::too_many_arguments, reason = "the SQL signature")]
fn mcp_explain(
    query: default!(Option<String>, "NULL"),
    hypothetical_indexes: default!(Option<Vec<Option<Text>>>, "'{}'"),
    hide_indexes: default!(Option<Vec<Option<Regclass>>>, "'{}'"),
    analyze: default!(Option<bool>, "false"),
    format: default!(Option<String>, "'text'"),
    parameters: default!(Option<Vec<Option<Text>>>, "NULL"),
    generic_plan: default!(Option<bool>, "false"),
    queryid: default!(Option<i64>, "NULL"),
    buffers: default!(Option<bool>, "NULL"),
    wal: default!(Option<bool>, "false"),
    settings: default!(Option<bool>, "false"),
    timing: default!(Option<bool>, "NULL"),
    verbose: default!(Option<bool>, "false"),
) -> Result<String, ErrorReport> {
    let options = Options { analyze, format, buffers, wal, settings, timing, verbose };
    let (how, is_compact) = options.how()?;
    let subject = subject(query, queryid)?;
    let parameters = bound(parameters, generic_plan, how)?;
    let request = request(subject, parameters, hypothetical_indexes, hide_indexes, how)?;
    Ok(if is_compact { explain::compact(&request)? } else { explain::explain(&request)? })
}

/// Everything about the plan of a statement, which is made, and executed if asked for, once.
///
/// See `sql/comments.sql` for what arguments and fields mean.
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::too_many_arguments, reason = "the SQL signature")]
fn mcp_explain_report(
    query: default!(Option<String>, "NULL"),
    hypothetical_indexes: default!(Option<Vec<Option<Text>>>, "'{}'"),
    hide_indexes: default!(Option<Vec<Option<Regclass>>>, "'{}'"),
    analyze: default!(Option<bool>, "false"),
    format: default!(Option<String>, "'text'"),
    parameters: default!(Option<Vec<Option<Text>>>, "NULL"),
    generic_plan: default!(Option<bool>, "false"),
    queryid: default!(Option<i64>, "NULL"),
    buffers: default!(Option<bool>, "NULL"),
    wal: default!(Option<bool>, "false"),
    settings: default!(Option<bool>, "false"),
    timing: default!(Option<bool>, "NULL"),
    verbose: default!(Option<bool>, "false"),
) -> Result<JsonB, ErrorReport> {
    let options = Options { analyze, format, buffers, wal, settings, timing, verbose };
    let (how, is_compact) = options.how()?;
    let subject = subject(query, queryid)?;
    let parameters = bound(parameters, generic_plan, how)?;
    let request = request(subject, parameters, hypothetical_indexes, hide_indexes, how)?;
    Ok(JsonB(explain::report(&request, is_compact)?))
}

/// What the plan of a statement shows that is worth a person's time.
///
/// See `sql/comments.sql` for what arguments and columns mean.
#[pg_extern(volatile, parallel_unsafe)]
#[allow(clippy::type_complexity, reason = "the SQL signature")]
fn mcp_plan_findings(
    query: Option<String>,
    hypothetical_indexes: default!(Option<Vec<Option<Text>>>, "'{}'"),
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
    let how = How::new(Format::Json, analyze);
    let subject = Subject::Text(query);
    let request = request(subject, Parameters::Typical, hypothetical_indexes, hide_indexes, how)?;
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

/// The options of EXPLAIN; what is not given is as the server has it.
struct Options {
    analyze: Option<bool>,
    format: Option<String>,
    buffers: Option<bool>,
    wal: Option<bool>,
    settings: Option<bool>,
    timing: Option<bool>,
    verbose: Option<bool>,
}

impl Options {
    /// The options, and whether the plan is shown in our own format.
    fn how(self) -> Result<(How, bool), AdvisorError> {
        let analyze = arguments::required("analyze", self.analyze)?;
        let format = format_named(&arguments::required("format", self.format)?)?;
        let wal = arguments::required("wal", self.wal)?;
        for (option, is_on) in [("WAL", wal), ("TIMING", self.timing == Some(true))] {
            if is_on && !analyze {
                return Err(unfit(format!("EXPLAIN option {option} requires ANALYZE")));
            }
        }
        let defaults = How::new(format.unwrap_or(Format::Json), analyze);
        let how = How {
            verbose: arguments::required("verbose", self.verbose)?,
            buffers: self.buffers.unwrap_or(defaults.buffers),
            wal,
            settings: arguments::required("settings", self.settings)?,
            timing: self.timing.unwrap_or(defaults.timing),
            ..defaults
        };
        Ok((how, format.is_none()))
    }
}

/// An error in the server's words for options that do not fit together.
fn unfit(message: impl Into<String>) -> AdvisorError {
    let code = PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE;
    AdvisorError::Statement(ServerError::new(code, message))
}

fn subject(query: Option<String>, queryid: Option<i64>) -> Result<Subject, AdvisorError> {
    match (query, queryid) {
        (Some(text), None) => Ok(Subject::Text(text)),
        (None, Some(queryid)) => Ok(Subject::Recorded(queryid)),
        (None, None) => Err(AdvisorError::NullArgument("query")),
        (Some(_), Some(_)) => Err(unfit("\"query\" and \"queryid\" exclude each other")),
    }
}

fn bound(
    parameters: Option<Vec<Option<Text>>>,
    generic_plan: Option<bool>,
    how: How,
) -> Result<Parameters, AdvisorError> {
    match (parameters, arguments::required("generic_plan", generic_plan)?) {
        (_, true) if how.analyze => {
            Err(unfit("EXPLAIN options ANALYZE and GENERIC_PLAN cannot be used together"))
        }
        (Some(_), true) => Err(unfit("\"parameters\" and \"generic_plan\" exclude each other")),
        (None, true) => Ok(Parameters::Generic),
        (Some(values), false) => Ok(Parameters::Given(sys::owned_texts(values))),
        (None, false) => Ok(Parameters::Typical),
    }
}

fn request(
    subject: Subject,
    parameters: Parameters,
    hypothetical_indexes: Option<Vec<Option<Text>>>,
    hide_indexes: Option<Vec<Option<Regclass>>>,
    how: How,
) -> Result<Request, ErrorReport> {
    let indexes = arguments::texts("hypothetical_indexes", hypothetical_indexes)?;
    let hidden = arguments::without_nulls("hide_indexes", hide_indexes)?;
    for (argument, is_empty) in
        [("hypothetical_indexes", indexes.is_empty()), ("hide_indexes", hidden.is_empty())]
    {
        if how.analyze && !is_empty {
            return Err(AdvisorError::Exclusive("analyze", argument).into());
        }
    }
    let hidden = hidden.into_iter().map(|Regclass(oid)| oid).collect();
    Ok(Request { subject, parameters, indexes, hidden, how })
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
