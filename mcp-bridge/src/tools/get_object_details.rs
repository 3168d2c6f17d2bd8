//! `get_object_details`.

use futures::FutureExt;
use serde_json::{Map, Value, json};

use super::list_objects::KINDS;
use super::{Answer, Arguments, Context, Definition, Reply, details, schema, source};
use crate::db::Param;
use crate::error::{Kind, ToolError};

pub(super) const TOOL: Definition = Definition {
    name: "get_object_details",
    title: "Get object details",
    description: "Show one object: columns, constraints, indexes, triggers, statistics and comment \
                  of a table; definition of a view, function or index; and so on.",
    arguments: || {
        vec![
            schema::required("schema_name", json!({"type": "string"})),
            schema::required("object_name", json!({"type": "string"})),
            schema::optional(
                "object_type",
                json!({"type": "string", "enum": KINDS, "default": KINDS[0]}),
            ),
        ]
    },
    output: || schema::output(&json!({"object": {"type": "object"}}), &["object"]),
    heavy: false,
    run: |cx, arguments| Reply::of(run(cx, arguments)).boxed(),
};

async fn run(cx: Context, mut arguments: Arguments) -> Result<Answer, ToolError> {
    let schema = arguments.required_text("schema_name")?;
    let name = arguments.required_text("object_name")?;
    let kind = arguments.choice("object_type", &KINDS)?;
    let object = read(&cx, &schema, &name, kind).await?;
    let text = details::describe(&object);
    Ok(Answer { text, data: [("object".to_owned(), Value::Object(object))].into_iter().collect() })
}

/// A table or view, or whatever has that name, as text.
///
/// # Errors
/// As the tool.
pub(crate) async fn object_text(
    cx: &Context,
    schema: &str,
    name: &str,
) -> Result<String, ToolError> {
    let mut missing = None;
    for kind in KINDS {
        match read(cx, schema, name, kind).await {
            Ok(object) => return Ok(details::describe(&object)),
            Err(error) if is_absent(&error) => {
                missing.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    Err(missing.unwrap_or_else(|| absent(schema, name, KINDS[0])))
}

/// Whether an error says that there is no such schema or object of that kind.
pub(crate) fn is_absent(error: &ToolError) -> bool {
    matches!(error.sqlstate.as_deref(), Some("3F000" | "42P01" | "42704" | "42809" | "42883"))
}

/// One object as the extension describes it.
///
/// # Errors
/// The server's when there is no such object; [`Kind::SqlError`] with the same words without the
/// extension.
async fn read(
    cx: &Context,
    schema: &str,
    name: &str,
    kind: &str,
) -> Result<Map<String, Value>, ToolError> {
    let server = cx.server().await?;
    let sql = match source::function(&server, "mcp_object") {
        Some(function) => format!("select {function}($1, $2, $3) as object"),
        None => advisor_sql::schema::OBJECT.to_owned(),
    };
    let params = [Param::Text(Some(schema)), Param::Text(Some(name)), Param::Text(Some(kind))];
    let mut session = cx.session().await?;
    let rows = session.rows(&sql, &params).await?;
    session.finish().await;
    let object = rows.into_iter().next().and_then(|row| row.into_iter().next());
    match object {
        Some((_, Value::Object(object))) => Ok(object),
        _ => Err(absent(schema, name, kind)),
    }
}

fn absent(schema: &str, name: &str, kind: &str) -> ToolError {
    ToolError::new(Kind::SqlError, format!("{kind} \"{schema}.{name}\" does not exist"))
        .with_sqlstate("42P01")
        .with_hint("list_objects shows what there is.")
}
