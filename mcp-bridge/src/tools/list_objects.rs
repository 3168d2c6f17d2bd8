//! `list_objects`.

use futures::FutureExt;
use serde_json::json;

use super::page::Page;
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
            schema::optional(
                "name_pattern",
                json!({"type": "string", "description": "as in ILIKE"}),
            ),
            schema::optional("limit", json!({"type": "integer"})),
            schema::optional("offset", json!({"type": "integer"})),
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
    let pattern = arguments.text("name_pattern")?.map(|pattern| like(&pattern));
    let page = Page::read(&mut arguments)?;
    let server = cx.server().await?;
    let params =
        [Param::Text(Some(&schema)), Param::Text(Some(kind)), Param::Text(pattern.as_deref())];
    let mut session = cx.session().await?;
    let rows = match source::function(&server, "mcp_objects") {
        Some(function) => {
            session.rows(&named(&format!("select * from {function}($1, $2)")), &params).await?
        }
        None => {
            source::own_path(&mut session).await?;
            // Extensions are not in schemas.
            if kind != "extension" {
                source::require_schema(&mut session, &schema).await?;
            }
            session.rows(&named(advisor_sql::schema::OBJECTS), &params).await?
        }
    };
    session.finish().await;
    Ok(page.answer(&cx.limits, rows, ("objects", kind), &COLUMNS))
}

/// The objects whose names are like `$3`, of all that a query gives.
fn named(objects: &str) -> String {
    format!(
        "select o.* from (\n{objects}\n) as o
        where $3::text is null or o.name operator(pg_catalog.~~*) $3"
    )
}

/// The pattern of `ILIKE`: what has no `%` may stand anywhere in a name, and a `*` is one.
fn like(given: &str) -> String {
    let pattern = given.replace('*', "%");
    if pattern.contains('%') { pattern } else { format!("%{pattern}%") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_word_is_found_anywhere() {
        assert_eq!(like("order"), "%order%");
        assert_eq!(like("order%"), "order%");
        assert_eq!(like("order*"), "order%");
        assert_eq!(like(""), "%%");
    }
}
