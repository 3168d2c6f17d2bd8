//! JSON schemas of arguments and answers, written by hand.
//!
//! Generated ones carry formats and unions of types that some clients warn about or cannot use, and
//! cost a multiple of the tokens.

use rmcp::model::JsonObject;
use serde_json::{Map, Value, json};

/// One argument of a tool.
pub(crate) struct Argument {
    pub(crate) name: &'static str,
    schema: Value,
    required: bool,
}

/// An argument that must be given.
pub(crate) fn required(name: &'static str, schema: Value) -> Argument {
    Argument { name, schema, required: true }
}

/// An argument that may be left out.
pub(crate) fn optional(name: &'static str, schema: Value) -> Argument {
    Argument { name, schema, required: false }
}

/// The argument that picks one of several databases; the first is the default.
pub(crate) fn database(names: &[String]) -> Argument {
    optional(
        "database",
        json!({"type": "string", "enum": names, "default": names.first(), "description": "connection to use"}),
    )
}

/// The schema of a tool's arguments.
pub(crate) fn input(arguments: Vec<Argument>) -> JsonObject {
    let names: Vec<_> = arguments.iter().filter(|one| one.required).map(|one| one.name).collect();
    let mut input = Map::new();
    input.insert("type".to_owned(), json!("object"));
    let required = json!(names);
    input.insert(
        "properties".to_owned(),
        Value::Object(arguments.into_iter().map(|one| (one.name.to_owned(), one.schema)).collect()),
    );
    if !names.is_empty() {
        input.insert("required".to_owned(), required);
    }
    input.insert("additionalProperties".to_owned(), json!(false));
    input
}

/// The schema of an answer: an object in which `required` is always there, or `error`, which some
/// clients hold against the schema like any answer.
///
/// Deliberately without the fields of the items: they would double the listing, and a program that
/// wants them has the documentation.
pub(crate) fn output(properties: &Value, required: &[&str]) -> Value {
    json!({
        "type": "object",
        "properties": properties,
        "anyOf": [{"required": required}, {"required": ["error"]}],
    })
}

/// A list of objects.
pub(crate) fn records() -> Value {
    json!({"type": "array", "items": {"type": "object"}})
}
