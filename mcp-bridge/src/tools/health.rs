//! `analyze_db_health`.

use futures::FutureExt;
use serde_json::{Map, Value, json};

use super::listing::Listing;
use super::{Answer, Arguments, Context, Definition, Reply, schema, source, text};
use crate::db::Param;
use crate::error::ToolError;

/// The name of the tool, whose reports are kept as a resource.
pub(crate) const NAME: &str = "analyze_db_health";

pub(super) const TOOL: Definition = Definition {
    name: NAME,
    title: "Database health",
    description: "Check the health of the database: indexes, connections, vacuum, sequences, \
                  replication, buffer cache, constraints. Each finding says how bad it is and \
                  what mends it.",
    arguments: || {
        vec![schema::optional(
            "health_type",
            json!({
                "type": "string",
                "default": "all",
                "description": "all, or a comma-separated list of index, connection, vacuum, \
                                sequence, replication, buffer, constraint",
            }),
        )]
    },
    output: || schema::output(&json!({"findings": schema::records()}), &["findings"]),
    heavy: false,
    run: |cx, arguments| Reply::of(run(cx, arguments)).boxed(),
};

async fn run(cx: Context, mut arguments: Arguments) -> Result<Answer, ToolError> {
    let given = arguments.text("health_type")?.unwrap_or_default();
    let checks: Vec<String> = given
        .split(',')
        .map(|one| one.trim().to_lowercase())
        .filter(|one| !one.is_empty())
        .collect();
    report(&cx, if checks.is_empty() { vec!["all".to_owned()] } else { checks }).await
}

/// The findings of these checks, worst first.
pub(crate) async fn report(cx: &Context, checks: Vec<String>) -> Result<Answer, ToolError> {
    let server = cx.server().await?;
    let mut rows = match source::function(&server, "mcp_health") {
        Some(function) => {
            let sql = format!("select * from {function}($1)");
            let mut session = cx.session().await?;
            let rows = session.rows(&sql, &[Param::TextArray(checks)]).await;
            let rows = rows.map_err(source::argument_error).map_err(named_as_here)?;
            session.finish().await;
            rows
        }
        None => source::health(cx, &checks).await.map_err(named_as_here)?,
    };
    rows.sort_by_key(source::severity);
    let summary = summary(&rows);
    let lines: Vec<String> = rows.iter().map(line).collect();
    let listing = Listing::new(&cx.limits, rows);
    let shown = listing.rows().len();
    let mut answer =
        listing.answer("findings", "finding", &[], "select * from mcp_health() offset");
    let mut text = format!("{summary}\n{}", lines.get(..shown).unwrap_or(&lines).join("\n"));
    if let Some(notice) = answer.data.get("truncated").and_then(|cut| cut["notice"].as_str()) {
        text = format!("{text}\n{notice}");
    }
    answer.data.insert("summary".to_owned(), Value::String(summary));
    answer.text = text;
    Ok(answer)
}

/// The argument has another name than that of the SQL function.
fn named_as_here(mut error: ToolError) -> ToolError {
    error.message = error.message.replace("\"checks\"", "\"health_type\"");
    error
}

/// `2 critical, 1 warning, 3 info, 20 ok`.
fn summary(rows: &[Map<String, Value>]) -> String {
    advisor_sql::health::SEVERITIES
        .iter()
        .map(|severity| {
            let count = rows.iter().filter(|row| row.get("severity") == Some(&json!(severity)));
            format!("{} {severity}", count.count())
        })
        .collect::<Vec<_>>()
        .join(", ")
}

/// One finding: `WARNING index/duplicate_index public.t_a_idx: message [value unit, threshold] → remediation`.
fn line(row: &Map<String, Value>) -> String {
    let field = |name: &str| row.get(name).map(text::cell).filter(|cell| !cell.is_empty());
    let mut line = format!(
        "{} {}/{}",
        field("severity").unwrap_or_default().to_uppercase(),
        field("category").unwrap_or_default(),
        field("check_name").unwrap_or_default(),
    );
    if let Some(object) = field("object") {
        line.push(' ');
        line.push_str(&object);
    }
    if let Some(message) = field("message") {
        line.push_str(": ");
        line.push_str(&message);
    }
    if let Some(remediation) = field("remediation") {
        line.push_str(" -> ");
        line.push_str(&remediation);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_read_as_one_line_each() {
        let row = json!({
            "check_name": "duplicate_index", "category": "index", "severity": "warning",
            "object": "public.t_a_idx", "message": "is a copy of public.t_b_idx",
            "remediation": "DROP INDEX CONCURRENTLY public.t_a_idx;",
        });
        let row = row.as_object().unwrap();
        assert_eq!(
            line(row),
            "WARNING index/duplicate_index public.t_a_idx: is a copy of public.t_b_idx \
             -> DROP INDEX CONCURRENTLY public.t_a_idx;"
        );
        assert_eq!(summary(std::slice::from_ref(row)), "0 critical, 1 warning, 0 info, 0 ok");
    }
}
