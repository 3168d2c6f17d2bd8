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
                  replication, buffer cache, constraints, tables, transactions, settings, \
                  security. Each finding says how bad it is, why it matters and what mends it; \
                  risk in its details says what the remediation costs.",
    arguments: || {
        vec![schema::optional(
            "health_type",
            json!({
                "type": "string",
                "default": "all",
                "description": format!(
                    "all, or a comma-separated list of {}, or of names of checks",
                    advisor_sql::health::categories().join(", "),
                ),
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

/// The findings of these checks as a report, worst first.
pub(crate) async fn report(cx: &Context, checks: Vec<String>) -> Result<Answer, ToolError> {
    let rows = rows(cx, checks).await?;
    let summary = summary(&rows);
    let listing = Listing::new(&cx.limits, rows);
    let mut text = summary.clone();
    for line in lines(listing.rows()) {
        text.push('\n');
        text.push_str(&line);
    }
    let mut answer =
        listing.answer("findings", "finding", &[], "select * from mcp_health() offset");
    if let Some(notice) = answer.data.get("truncated").and_then(|cut| cut["notice"].as_str()) {
        text = format!("{text}\n{notice}");
    }
    answer.data.insert("summary".to_owned(), Value::String(summary));
    answer.text = text;
    Ok(answer)
}

/// The findings of these checks, worst first.
pub(crate) async fn rows(
    cx: &Context,
    checks: Vec<String>,
) -> Result<Vec<Map<String, Value>>, ToolError> {
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
    Ok(rows)
}

/// The argument has another name than that of the SQL function.
fn named_as_here(mut error: ToolError) -> ToolError {
    error.message = error.message.replace("\"checks\"", "\"health_type\"");
    error
}

/// `2 critical, 1 warning, 3 info, 20 ok`, and how many checks did not run, which is no health.
fn summary(rows: &[Map<String, Value>]) -> String {
    let count = |is_one: &dyn Fn(&Map<String, Value>) -> bool| {
        rows.iter().filter(|row| is_one(row)).count()
    };
    let mut parts: Vec<String> = advisor_sql::health::SEVERITIES
        .iter()
        .map(|severity| {
            let count =
                count(&|row| !unjudged(row) && row.get("severity") == Some(&json!(severity)));
            format!("{count} {severity}")
        })
        .collect();
    let unjudged = count(&unjudged);
    if unjudged > 0 {
        parts.push(format!("{unjudged} not judged"));
    }
    parts.join(", ")
}

/// Whether the finding is that there could be none.
fn unjudged(row: &Map<String, Value>) -> bool {
    row.get("details").is_some_and(|details| details["ran"] == json!(false))
}

/// Most findings that are ok with a line each; more are named in one.
const OK_LINES: usize = 10;

/// The findings as lines, worst first.
fn lines(rows: &[Map<String, Value>]) -> Vec<String> {
    let (ok, rest): (Vec<_>, Vec<_>) =
        rows.iter().partition(|row| row.get("severity") == Some(&json!("ok")));
    let mut lines: Vec<String> = rest.into_iter().map(line).collect();
    if ok.len() > OK_LINES {
        let mut names: Vec<String> =
            ok.into_iter().filter_map(|row| row.get("check_name")).map(text::cell).collect();
        names.dedup();
        lines.push(format!("OK {}", names.join(", ")));
    } else {
        lines.extend(ok.into_iter().map(line));
    }
    lines
}

/// One finding: `WARNING index/duplicate_index public.t_a_idx: message [value unit, threshold] → remediation`.
fn line(row: &Map<String, Value>) -> String {
    let field = |name: &str| row.get(name).map(text::cell).filter(|cell| !cell.is_empty());
    let mut line = format!(
        "{} {}/{}",
        if unjudged(row) {
            "NOT JUDGED".to_owned()
        } else {
            field("severity").unwrap_or_default().to_uppercase()
        },
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
        if let Some(risk) = row.get("details").and_then(|details| details["risk"].as_str()) {
            line.push_str(&format!(" (risk: {risk})"));
        }
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
            "details": {"risk": "data_loss"},
        });
        let row = row.as_object().unwrap();
        assert_eq!(
            line(row),
            "WARNING index/duplicate_index public.t_a_idx: is a copy of public.t_b_idx \
             -> DROP INDEX CONCURRENTLY public.t_a_idx; (risk: data_loss)"
        );
        assert_eq!(summary(std::slice::from_ref(row)), "0 critical, 1 warning, 0 info, 0 ok");
    }

    #[test]
    fn what_did_not_run_is_not_healthy() {
        let row = json!({
            "check_name": "io", "category": "buffer", "severity": "info",
            "message": "is not checked here: it needs PostgreSQL 16 or later",
            "details": {"ran": false},
        });
        let row = row.as_object().unwrap();
        assert_eq!(
            line(row),
            "NOT JUDGED buffer/io: is not checked here: it needs PostgreSQL 16 or later"
        );
        let summary = summary(std::slice::from_ref(row));
        assert_eq!(summary, "0 critical, 0 warning, 0 info, 0 ok, 1 not judged");
    }

    #[test]
    fn many_that_are_ok_share_a_line() {
        let row = |n: usize| {
            let row = json!({"check_name": format!("c{n}"), "category": "x", "severity": "ok"});
            row.as_object().unwrap().clone()
        };
        let rows: Vec<_> = (0..=OK_LINES).map(row).collect();
        assert_eq!(lines(&rows).len(), 1);
        assert!(lines(&rows)[0].starts_with("OK c0, c1, "));
        assert_eq!(lines(&rows[1..]).len(), OK_LINES);
    }
}
