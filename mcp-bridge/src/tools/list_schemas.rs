//! `list_schemas`.

use futures::FutureExt;
use serde_json::json;

use super::page::Page;
use super::{Answer, Arguments, Context, Definition, Reply, schema, source};
use crate::error::ToolError;

pub(super) const TOOL: Definition = Definition {
    name: "list_schemas",
    title: "List schemas",
    description: "List the schemas of the database with kind, number of relations and size.",
    arguments: || vec![schema::optional("offset", json!({"type": "integer"}))],
    output: || schema::output(&json!({"schemas": schema::records()}), &["schemas"]),
    heavy: false,
    run: |cx, arguments| Reply::of(run(cx, arguments)).boxed(),
};

/// What the text shows.
const COLUMNS: [&str; 6] =
    ["schema_name", "owner", "schema_type", "tables", "size_bytes", "description"];

async fn run(cx: Context, mut arguments: Arguments) -> Result<Answer, ToolError> {
    let page = Page::read(&mut arguments)?;
    let server = cx.server().await?;
    let mut session = cx.session().await?;
    let rows = match source::function(&server, "mcp_schemas") {
        Some(function) => session.rows(&format!("select * from {function}()"), &[]).await?,
        None => {
            source::own_path(&mut session).await?;
            session.rows(advisor_sql::schema::SCHEMAS, &[]).await?
        }
    };
    session.finish().await;
    Ok(page.answer(&cx.limits, rows, ("schemas", "schema"), &COLUMNS))
}
