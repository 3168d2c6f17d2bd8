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
                lines.push(table(&rows));
            }
            None => lines
                .push(format!("{key}: {}", items.iter().map(short).collect::<Vec<_>>().join(", "))),
        },
        Value::Object(fields) => {
            let inner: Vec<String> = fields
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| format!("{key} {}", short(value)))
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

/// The name of the column for what few rows have.
const MORE: &str = "more";

/// A table of rows: what less than half of them have is named in a last column, as an empty cell
/// in each of the others would say nothing.
fn table(rows: &[Map<String, Value>]) -> String {
    let has = |row: &Map<String, Value>, key: &str| row.get(key).is_some_and(|v| !v.is_null());
    let (mut common, rare): (Vec<&str>, Vec<&str>) = columns(rows)
        .into_iter()
        .partition(|key| 2 * rows.iter().filter(|row| has(row, key)).count() >= rows.len());
    let cells: Vec<Map<String, Value>> = rows
        .iter()
        .map(|row| {
            let mut cells: Map<String, Value> = common
                .iter()
                .filter(|key| has(row, key))
                .map(|key| ((*key).to_owned(), shortly(row.get(*key))))
                .collect();
            let more: Vec<String> = rare
                .iter()
                .filter(|key| has(row, key))
                .map(|key| format!("{key} {}", row.get(*key).map(short).unwrap_or_default()))
                .collect();
            if !more.is_empty() {
                cells.insert(MORE.to_owned(), Value::String(more.join("; ")));
            }
            cells
        })
        .collect();
    common.push(MORE);
    text::records(&common, &cells)
}

/// A value as the text of a cell that is yet to be escaped; null stays null.
fn shortly(value: Option<&Value>) -> Value {
    match value {
        None | Some(Value::Null) => Value::Null,
        Some(Value::String(text)) => Value::String(text.clone()),
        Some(other) => Value::String(short(other)),
    }
}

/// A value in a few words: lists without brackets, `value (frequency)` for a value of statistics.
fn short(value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().map(short).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => match (fields.get("value"), fields.get("frequency")) {
            (Some(value), Some(frequency)) => format!("{} ({frequency})", short(value)),
            _ => {
                let parts: Vec<String> =
                    fields.iter().map(|(key, value)| format!("{key} {}", short(value))).collect();
                parts.join(", ")
            }
        },
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
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

    #[test]
    fn what_few_rows_have_is_named_at_their_end() {
        let common =
            json!([{"value": "a|b", "frequency": 0.5}, {"value": "c\nd", "frequency": 0.1}]);
        let object = json!({"columns": [
            {"name": "a", "most_common": common, "range": ["1", "9"]},
            {"name": "b"},
            {"name": "c", "range": null, "identity": "always"},
        ]});
        assert_eq!(
            describe(object.as_object().unwrap()),
            "columns:\nname | more\na | most_common a\\|b (0.5), c\\nd (0.1); range 1, 9\nb | \n\
             c | identity always"
        );
    }
}
