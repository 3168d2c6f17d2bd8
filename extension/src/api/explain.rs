//! `mcp_explain`.

use pgrx::default;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

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
    let indexes = arguments::without_nulls("hypothetical_indexes", hypothetical_indexes)?;
    let hidden = arguments::without_nulls("hide_indexes", hide_indexes)?;
    let analyze = arguments::required("analyze", analyze)?;
    let format = format_named(&arguments::required("format", format)?)?;
    for (argument, is_empty) in
        [("hypothetical_indexes", indexes.is_empty()), ("hide_indexes", hidden.is_empty())]
    {
        if analyze && !is_empty {
            return Err(AdvisorError::Exclusive("analyze", argument).into());
        }
    }
    let hidden = hidden.into_iter().map(|Regclass(oid)| oid).collect();
    let request = Request { query, indexes, hidden, how: How { format, analyze } };
    Ok(explain::explain(&request)?)
}

/// The format of that name, in any case as for EXPLAIN.
fn format_named(name: &str) -> Result<Format, AdvisorError> {
    match name.to_ascii_lowercase().as_str() {
        "text" => Ok(Format::Text),
        "json" => Ok(Format::Json),
        "xml" => Ok(Format::Xml),
        "yaml" => Ok(Format::Yaml),
        _ => Err(AdvisorError::BadArgument {
            argument: "format",
            requirement: "be text, json, xml or yaml",
            given: name.to_owned(),
        }),
    }
}
