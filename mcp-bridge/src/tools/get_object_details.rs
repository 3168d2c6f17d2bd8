//! `get_object_details`.

use futures::FutureExt;
use serde_json::{Map, Value, json};

use super::list_objects::KINDS;
use super::{Answer, Arguments, Context, Definition, Reply, details, parts, schema, source};
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
            schema::optional("part", json!({"type": "string"})),
            schema::optional("offset", json!({"type": "integer"})),
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
    let part = arguments.text("part")?;
    let offset = arguments.integer("offset", 0, 0..=i64::MAX)?;
    if part.is_none() && offset > 0 {
        return Err(ToolError::new(Kind::InvalidArgument, "\"offset\" needs a \"part\"")
            .with_hint("It counts within one part of the object, such as \"columns\"."));
    }
    let object = read(&cx, &schema, &name, kind).await?;
    let shown = match part {
        Some(part) => parts::part(&object, &part, usize::try_from(offset).unwrap_or(usize::MAX))?,
        None => parts::overview(object),
    };
    let text = with_notice(&shown);
    let mut data = Map::new();
    data.insert("object".to_owned(), Value::Object(shown.object));
    if let Some(notice) = shown.notice {
        data.insert("truncated".to_owned(), json!({"notice": notice, "parts": shown.cut}));
    }
    Ok(Answer { text, data })
}

fn with_notice(shown: &parts::Shown) -> String {
    let text = details::describe(&shown.object);
    match &shown.notice {
        Some(notice) => format!("{text}\n{notice}"),
        None => text,
    }
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
    // The first kind finds views and partitions too.
    let mut answer = read(cx, schema, name, KINDS[0]).await;
    for kind in ["sequence", "function", "type", "index"] {
        match answer {
            Err(error) if is_absent(&error) => answer = read(cx, schema, name, kind).await,
            other => {
                answer = other;
                break;
            }
        }
    }
    answer.map(|object| with_notice(&parts::overview(object)))
}

/// Whether an error says that there is no such schema or object of that kind.
pub(crate) fn is_absent(error: &ToolError) -> bool {
    matches!(error.sqlstate.as_deref(), Some("3F000" | "42P01" | "42704" | "42809" | "42883"))
}

/// One object as the extension describes it.
///
/// # Errors
/// The server's when there is no such object; the same without the extension.
async fn read(
    cx: &Context,
    schema: &str,
    name: &str,
    kind: &str,
) -> Result<Map<String, Value>, ToolError> {
    let server = cx.server().await?;
    let params = [Param::Text(Some(schema)), Param::Text(Some(name)), Param::Text(Some(kind))];
    let mut session = cx.session().await?;
    let rows = match source::function(&server, "mcp_object") {
        Some(function) => {
            session.rows(&format!("select {function}($1, $2, $3) as object"), &params).await?
        }
        None => {
            let sql = advisor_sql::schema::object(kind).unwrap_or_default();
            source::own_path(&mut session).await?;
            let rows = session.rows(sql, &params).await?;
            if rows.is_empty() {
                let error = source::no_object(&mut session, schema, name, kind).await?;
                session.finish().await;
                return Err(error);
            }
            rows
        }
    };
    session.finish().await;
    let object = rows.into_iter().next().and_then(|row| row.into_iter().next());
    match object {
        Some((_, Value::Object(object))) => Ok(ordered(object)),
        _ => Err(ToolError::new(Kind::Internal, "the description is not an object")),
    }
}

/// The parts of an object in the order in which they are best read; the others come after them.
/// `jsonb` has an order of its own, by length.
const ORDER: [&str; 43] = [
    "schema",
    "name",
    "signature",
    "kind",
    "type",
    "table",
    "columns",
    "nullable",
    "default",
    "identity",
    "generated",
    "references",
    "references_columns",
    "owner",
    "description",
    "labels",
    "most_common",
    "range",
    "null_frac",
    "n_distinct",
    "arguments",
    "returns",
    "language",
    "version",
    "method",
    "rows_estimate",
    "size",
    "total_bytes",
    "table_bytes",
    "index_bytes",
    "toast_bytes",
    "parents",
    "partition_bound",
    "partition_key",
    "constraints",
    "referenced_by",
    "indexes",
    "triggers",
    "rules",
    "policies",
    "reads",
    "used_by",
    "children",
];

/// Parts that come after all others, because they are long.
const LAST: [&str; 2] = ["overloads", "definition"];

/// The object with its parts, and theirs, in that order.
fn ordered(object: Map<String, Value>) -> Map<String, Value> {
    let place = |key: &str| match LAST.iter().position(|one| *one == key) {
        Some(at) => ORDER.len() + 1 + at,
        None => ORDER.iter().position(|one| *one == key).unwrap_or(ORDER.len()),
    };
    let mut parts: Vec<(String, Value)> = object
        .into_iter()
        .map(|(key, value)| {
            let value = match value {
                Value::Object(inner) => Value::Object(ordered(inner)),
                Value::Array(items) => items
                    .into_iter()
                    .map(|item| match item {
                        Value::Object(inner) => Value::Object(ordered(inner)),
                        other => other,
                    })
                    .collect(),
                other => other,
            };
            (key, value)
        })
        .collect();
    parts.sort_by_key(|(name, _)| place(name));
    parts.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_in_the_order_of_reading() {
        let object = json!({
            "zeta": 1, "definition": "…", "columns": [{"type": "integer", "name": "id", "x": 1}],
            "alpha": 2, "name": "t", "schema": "public",
        });
        let Value::Object(object) = object else { return };
        let text = Value::Object(ordered(object)).to_string();
        assert_eq!(
            text,
            r#"{"schema":"public","name":"t","columns":[{"name":"id","type":"integer","x":1}],"zeta":1,"alpha":2,"definition":"…"}"#
        );
    }
}
