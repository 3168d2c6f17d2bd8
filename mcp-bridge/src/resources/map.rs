//! Finding one's way in a schema: its overview, the search, the ways to join two tables. All three
//! are functions of the extension.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::Target;
use crate::db::Param;
use crate::error::ToolError;
use crate::tools::source::required_function;
use crate::tools::{Context, text};

/// Finds in the text of a search.
const FINDS: i64 = 50;
/// Paths in the text of a join.
const PATHS: i64 = 3;

type Row = Map<String, Value>;

/// A field as text.
fn field<'a>(row: &'a Row, name: &str) -> &'a str {
    row.get(name).and_then(Value::as_str).unwrap_or_default()
}

async fn rows(
    cx: &Context,
    function: &str,
    arguments: &str,
    params: &[Param<'_>],
) -> Result<Vec<Row>, ToolError> {
    let server = cx.server().await?;
    let function = required_function(&server, function)?;
    let mut session = cx.session().await?;
    let rows = session.rows(&format!("select * from {function}({arguments})"), params).await?;
    session.finish().await;
    Ok(rows)
}

/// A page of the overview, with the resource of the next one.
pub(super) async fn overview(
    cx: &Context,
    database: &str,
    schema: &str,
    after: Option<&str>,
) -> Result<String, ToolError> {
    let params = [Param::Text(Some(schema)), Param::Text(after)];
    let rows = rows(cx, "mcp_schema_overview", "$1, after => $2", &params).await?;
    let row = rows.into_iter().next().unwrap_or_default();
    let mut page = field(&row, "overview").to_owned();
    let next = row.get("next_after").and_then(Value::as_str);
    if let Some(next) = next {
        let target = Target::Overview {
            database: database.to_owned(),
            schema: schema.to_owned(),
            after: Some(next.to_owned()),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(page, "-- or as a resource: {}", target.uri());
    }
    Ok(page)
}

/// The finds of a search, a line each.
pub(super) async fn search(cx: &Context, words: &str) -> Result<String, ToolError> {
    let params = [Param::Text(Some(words)), Param::Int(FINDS)];
    let rows = rows(cx, "mcp_search_schema", "$1, $2::bigint::integer", &params).await?;
    let mut page = text::count(rows.len() as u64, "find");
    page.push('\n');
    for row in &rows {
        let names = ["schema_name", "object_name", "column_name"].map(|name| field(row, name));
        let names: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
        let _ = write!(page, "{} {}", field(row, "kind"), names.join("."));
        for (name, before) in [("details", ", "), ("matched", " | "), ("description", " -- ")] {
            let value = field(row, name);
            if !value.is_empty() {
                let _ = write!(page, "{before}{}", text::line(value, 200));
            }
        }
        page.push('\n');
    }
    Ok(page)
}

/// The ways to join two tables, a paragraph each.
pub(super) async fn join(cx: &Context, from: &str, to: &str) -> Result<String, ToolError> {
    let params = [Param::Text(Some(from)), Param::Text(Some(to)), Param::Int(PATHS)];
    let rows = rows(cx, "mcp_join_path", "$1, $2, $3::bigint::integer", &params).await?;
    if rows.is_empty() {
        return Ok(format!(
            "No chain of foreign keys or inferred relationships from {from} to {to}\n"
        ));
    }
    let mut page = String::new();
    for row in &rows {
        let _ = writeln!(page, "{}", field(row, "from_clause"));
        for note in row.get("notes").and_then(Value::as_array).into_iter().flatten() {
            let _ = writeln!(page, "  {}", note.as_str().unwrap_or_default());
        }
        page.push('\n');
    }
    Ok(page)
}
