//! `list_objects`.

use futures::FutureExt;
use serde_json::json;

use super::listing::Listing;
use super::{Answer, Arguments, Context, Definition, Reply, schema, source};
use crate::db::Param;
use crate::error::ToolError;

/// The values of `object_type`; the first is the default.
pub(super) use advisor_sql::schema::KINDS;

pub(super) const TOOL: Definition = Definition {
    name: "list_objects",
    title: "List objects",
    description: "List the objects of one type in a schema. Extensions are listed whatever the schema.",
    arguments: || {
        vec![
            schema::required("schema_name", json!({"type": "string"})),
            schema::optional(
                "object_type",
                json!({"type": "string", "enum": KINDS, "default": KINDS[0]}),
            ),
        ]
    },
    output: || schema::output(&json!({"objects": schema::records()}), &["objects"]),
    heavy: false,
    run: |cx, arguments| Reply::of(run(cx, arguments)).boxed(),
};

/// What the text shows: what is null for a kind is left out.
const COLUMNS: [&str; 6] =
    ["name", "owner", "rows_estimate", "size_bytes", "details", "description"];

async fn run(cx: Context, mut arguments: Arguments) -> Result<Answer, ToolError> {
    let schema = arguments.required_text("schema_name")?;
    let kind = arguments.choice("object_type", &KINDS)?;
    let server = cx.server().await?;
    let params = [Param::Text(Some(&schema)), Param::Text(Some(kind))];
    let mut session = cx.session().await?;
    let rows = match source::function(&server, "mcp_objects") {
        Some(function) => {
            session.rows(&format!("select * from {function}($1, $2)"), &params).await?
        }
        None => {
            source::own_path(&mut session).await?;
            // Extensions are not in schemas.
            if kind != "extension" {
                source::require_schema(&mut session, &schema).await?;
            }
            session.rows(advisor_sql::schema::OBJECTS, &params).await?
        }
    };
    session.finish().await;
    let rest =
        format!("select * from mcp_objects('{}', '{kind}') offset", schema.replace('\'', "''"));
    Ok(Listing::new(&cx.limits, rows).answer("objects", kind, &COLUMNS, &rest))
}
