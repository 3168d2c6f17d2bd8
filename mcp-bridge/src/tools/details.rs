//! One object of the database as text, whatever its kind: scalars as `key: value`, lists of objects
//! as tables, null and empty parts left out.

use serde_json::{Map, Value};

use super::text;

/// Describes an object.
pub(crate) fn describe(object: &Map<String, Value>) -> String {
    let mut lines = Vec::new();
    for (key, value) in object {
        part(key, value, &mut lines);
    }
    lines.join("\n")
}

fn part(key: &str, value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::Array(items) if items.is_empty() => {}
        Value::Object(fields) if fields.is_empty() => {}
        Value::Array(items) => match records(items) {
            Some(rows) => {
                lines.push(format!("{key}:"));
                lines.push(text::records(&columns(&rows), &rows));
            }
            None => lines.push(format!(
                "{key}: {}",
                items.iter().map(text::cell).collect::<Vec<_>>().join(", ")
            )),
        },
        Value::Object(fields) => {
            let inner: Vec<String> = fields
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| format!("{key} {}", text::cell(value)))
                .collect();
            lines.push(format!("{key}: {}", inner.join(", ")));
        }
        // Definitions keep their lines.
        Value::String(long) if long.contains('\n') => lines.push(format!("{key}:\n{long}")),
        scalar => lines.push(format!("{key}: {}", text::cell(scalar))),
    }
}

fn records(items: &[Value]) -> Option<Vec<Map<String, Value>>> {
    items.iter().map(|item| item.as_object().cloned()).collect()
}

/// The keys of all rows, in the order of their first appearance.
fn columns(rows: &[Map<String, Value>]) -> Vec<&str> {
    let mut columns: Vec<&str> = Vec::new();
    for key in rows.iter().flat_map(Map::keys) {
        if !columns.contains(&key.as_str()) {
            columns.push(key);
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_of_value_is_shown_shortly() {
        let object = json!({
            "name": "orders",
            "comment": null,
            "definition": "select 1\nfrom t",
            "columns": [{"name": "id", "type": "integer"}, {"name": "at", "type": "date", "default": "now()"}],
            "children": [],
            "labels": ["a", "b"],
            "size": {"bytes": 8192, "pages": null},
        });
        assert_eq!(
            describe(object.as_object().unwrap()),
            "name: orders\ndefinition:\nselect 1\nfrom t\ncolumns:\nname | type | default\n\
             id | integer | \nat | date | now()\nlabels: a, b\nsize: bytes 8192"
        );
    }
}
