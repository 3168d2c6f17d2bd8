//! EXPLAIN as the server has it, when the extension is absent.

use serde_json::{Map, Value};

use super::asked::Asked;
use super::{Explainable, words};
use crate::db::error::locate_in;
use crate::db::{BigNumbers, Caps, ServerInfo};
use crate::error::ToolError;
use crate::guard;
use crate::tools::{AccessMode, Answer, Context, read_only, source};

/// The plan as text or JSON, with the indexes that exist.
///
/// # Errors
/// [`crate::error::Kind::MissingExtension`] for what only the extension can do.
pub(super) async fn explain(
    cx: &Context,
    server: &ServerInfo,
    asked: &Asked,
    sql: &str,
    statement: &Explainable<'_>,
) -> Result<Answer, ToolError> {
    check(server, asked)?;
    let plan = plan(cx, server, asked, sql, statement).await?;
    let text = match asked.format {
        "json" => plan.clone(),
        _ => format!("{plan}{}", words::NO_FINDINGS),
    };
    let data = Map::from_iter([("plan".to_owned(), Value::String(plan))]);
    Ok(Answer { text, data })
}

fn check(server: &ServerInfo, asked: &Asked) -> Result<(), ToolError> {
    let only = |what: &str| Err(source::missing(server).with_hint(format!("Without it {what}.")));
    if !asked.indexes.is_empty() || !asked.hidden.is_empty() {
        return only("the tool can only explain with the indexes that exist");
    }
    if asked.parameters.is_some() {
        return only("write the values in the place of the parameters");
    }
    if asked.format == "compact" {
        return only("the formats are text and json");
    }
    Ok(())
}

async fn plan(
    cx: &Context,
    server: &ServerInfo,
    asked: &Asked,
    sql: &str,
    statement: &Explainable<'_>,
) -> Result<String, ToolError> {
    let mut options = match (asked.analyze, statement.parameters) {
        (false, 0) => vec![],
        (true, 0) => vec!["analyze", "buffers"],
        (false, _) if server.version_num >= 160_000 => vec!["generic_plan"],
        (..) => return Err(guard::parameters_refused()),
    };
    if asked.format == "json" {
        options.push("format json");
    }
    let prefix = match options.as_slice() {
        [] => "explain ".to_owned(),
        options => format!("explain ({}) ", options.join(", ")),
    };
    let caps = Caps {
        rows: cx.limits.max_rows,
        bytes: cx.limits.result_bytes,
        cell_chars: usize::MAX,
        big_numbers: BigNumbers::String,
    };
    let mut session = cx.session().await?;
    if cx.access == AccessMode::Restricted {
        // Planning runs IMMUTABLE functions on constants.
        read_only::require(&mut session, server, statement.text).await?;
    }
    let table = session
        .simple(&format!("{prefix}{}", statement.text), &caps)
        .await
        .map_err(|error| locate_in(without_prefix(error, &prefix), sql, statement.offset))?;
    session.finish().await;
    let lines = table.rows.iter().filter_map(|row| row.first()?.as_str());
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

/// The error with its column counted from behind `prefix`, which is on the first line.
fn without_prefix(error: ToolError, prefix: &str) -> ToolError {
    let chars = u32::try_from(prefix.chars().count()).unwrap_or(u32::MAX);
    match (error.line, error.column) {
        (Some(1), Some(column)) => error.at(1, column.saturating_sub(chars).max(1)),
        _ => error,
    }
}
