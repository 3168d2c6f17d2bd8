//! The description of one object, cut to what a model's window holds: long lists and texts to their
//! beginnings, and one of them from any place on.

use serde_json::{Map, Value, json};

use super::{details, tokens};
use crate::error::{Kind, ToolError};

/// Tokens of a text inside a list, when there is more than fits: first in the overview, then where
/// its list is asked for.
const ENTRY: usize = 300;
const LONG_ENTRY: usize = 3_000;

/// What is left of an object, and what is not.
#[derive(Debug, PartialEq)]
pub(crate) struct Shown {
    pub(crate) object: Map<String, Value>,
    /// For the part that was cut: how much of it is there, and where that ends.
    pub(crate) cut: Map<String, Value>,
    /// The same in words.
    pub(crate) notice: Option<String>,
}

/// The whole object when it fits, else the beginnings of its long parts.
pub(crate) fn overview(object: Map<String, Value>) -> Shown {
    let mut budget = tokens::PAGE;
    loop {
        let shown = within(&object, budget);
        let size = tokens::estimate(&details::describe(&shown.object));
        // As text it is mostly shorter, but a table may have many empty cells.
        if size <= tokens::PAGE || budget < 100 {
            return shown;
        }
        budget = (budget * tokens::PAGE / size).min(budget - budget / 10);
    }
}

fn cost(value: &Value) -> usize {
    tokens::estimate(&value.to_string())
}

/// Whether a part can be cut.
fn is_long(value: &Value) -> bool {
    match value {
        Value::Array(items) => !items.is_empty(),
        Value::String(text) => text.len() > 200,
        _ => false,
    }
}

fn within(object: &Map<String, Value>, budget: usize) -> Shown {
    let costs: Vec<(&String, usize)> =
        object.iter().map(|(key, value)| (key, cost(value) + tokens::estimate(key) + 2)).collect();
    let whole: usize = costs.iter().map(|(_, cost)| cost).sum();
    if whole <= budget {
        return Shown { object: object.clone(), cut: Map::new(), notice: None };
    }
    let mut long: Vec<(&String, usize)> =
        costs.iter().copied().filter(|(key, _)| object.get(*key).is_some_and(is_long)).collect();
    let mut left = budget.saturating_sub(whole - long.iter().map(|(_, cost)| cost).sum::<usize>());
    // The shortest first: what they do not need is the others'.
    long.sort_by_key(|(_, cost)| *cost);
    let mut shown = Shown { object: object.clone(), cut: Map::new(), notice: None };
    let count = long.len();
    for (at, (key, cost)) in long.into_iter().enumerate() {
        let share = left / (count - at);
        left = left.saturating_sub(cost.min(share));
        if cost > share
            && let Some(part) = object.get(key)
        {
            let (part, end, total) = part_from(part, 0, share, ENTRY);
            shown.object.insert(key.clone(), part);
            if end < total {
                shown.cut.insert(key.clone(), json!({"shown": end, "total": total}));
            }
        }
    }
    shown.notice = notice(&shown.cut);
    shown
}

/// What was cut, the part with the most first named.
fn notice(cut: &Map<String, Value>) -> Option<String> {
    let number = |of: &Value, key: &str| of[key].as_u64().unwrap_or_default();
    let (part, most) = cut.iter().max_by_key(|(_, cut)| number(cut, "total"))?;
    let parts: Vec<String> = cut
        .iter()
        .map(|(key, cut)| format!("{key} {} of {}", number(cut, "shown"), number(cut, "total")))
        .collect();
    Some(format!(
        "Too long to show whole: {}. For the rest: get_object_details with part and offset, as in \
         part \"{part}\", offset {}",
        parts.join(", "),
        number(most, "shown"),
    ))
}

/// As much of a part as its share allows, from a place on: entries of a list, characters of a text.
/// Also where that ends, and where the part does.
fn part_from(part: &Value, offset: usize, share: usize, entry: usize) -> (Value, usize, usize) {
    match part {
        Value::Array(items) => {
            let mut kept = Vec::new();
            let mut sum = 0;
            for item in items.iter().skip(offset) {
                let item = clipped(item, entry);
                sum += cost(&item) + 1;
                if !kept.is_empty() && sum > share {
                    break;
                }
                kept.push(item);
            }
            let end = offset.min(items.len()) + kept.len();
            (Value::Array(kept), end, items.len())
        }
        Value::String(text) => {
            let total = text.chars().count();
            let start = text.char_indices().nth(offset).map_or(text.len(), |(at, _)| at);
            // Escapes of the JSON take more than the characters that they stand for.
            let kept = tokens::cut(text.get(start..).unwrap_or_default(), share * 4 / 5);
            let end = offset.min(total) + kept.chars().count();
            (Value::String(kept.to_owned()), end, total)
        }
        other => (other.clone(), 1, 1),
    }
}

/// The value with its long texts cut.
fn clipped(value: &Value, most: usize) -> Value {
    match value {
        Value::String(text) => {
            let kept = tokens::cut(text, most);
            let rest = text.chars().count() - kept.chars().count();
            if rest == 0 {
                value.clone()
            } else {
                Value::String(format!("{kept}… ({rest} more characters)"))
            }
        }
        Value::Array(items) => items.iter().map(|item| clipped(item, most)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| (key.clone(), clipped(value, most))).collect()
        }
        other => other.clone(),
    }
}

/// One part of the object from a place on.
///
/// # Errors
/// [`Kind::InvalidArgument`] when the object has no such part.
pub(crate) fn part(
    object: &Map<String, Value>,
    name: &str,
    offset: usize,
) -> Result<Shown, ToolError> {
    let Some(value) = object.get(name) else {
        let names: Vec<&str> = object.keys().map(String::as_str).collect();
        return Err(ToolError::new(Kind::InvalidArgument, format!("there is no part \"{name}\""))
            .with_hint(format!("The object has: {}.", names.join(", "))));
    };
    let mut budget = tokens::PAGE - 100;
    loop {
        let (kept, end, total) = part_from(value, offset, budget, LONG_ENTRY.min(budget));
        let mut shown = Shown { object: Map::new(), cut: Map::new(), notice: None };
        for key in ["schema", "name", "kind"] {
            if let Some(value) = object.get(key) {
                shown.object.insert(key.to_owned(), value.clone());
            }
        }
        shown.object.insert(name.to_owned(), kept);
        let size = tokens::estimate(&details::describe(&shown.object));
        if size > tokens::PAGE && budget > 100 {
            budget = (budget * tokens::PAGE / size).min(budget - budget / 10);
            continue;
        }
        if offset > 0 || end < total {
            shown.cut.insert(
                name.to_owned(),
                json!({"from": offset.min(total), "shown": end - offset.min(total), "total": total}),
            );
            let range = format!("{name} {} to {end} of {total}", (offset + 1).min(total));
            shown.notice = Some(if end < total {
                format!("Shown are {range}. For the next: offset {end}")
            } else if offset >= total {
                format!("{name} ends at {total}.")
            } else {
                format!("Shown are {range}.")
            });
        }
        return Ok(shown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(columns: usize, children: usize, definition: usize) -> Map<String, Value> {
        let named =
            |prefix: &str, n: usize| json!({"name": format!("{prefix}_{n}"), "type": "text"});
        let value = json!({
            "schema": "s", "name": "t", "kind": "table",
            "columns": (0..columns).map(|n| named("column", n)).collect::<Vec<_>>(),
            "children": (0..children).map(|n| named("child", n)).collect::<Vec<_>>(),
            "labels": ["a", "b"],
            "definition": "select größe,\n".repeat(definition),
        });
        match value {
            Value::Object(object) => object,
            _ => Map::new(),
        }
    }

    fn fits(shown: &Shown) {
        assert!(tokens::estimate(&Value::Object(shown.object.clone()).to_string()) < 8_000);
        assert!(tokens::estimate(&details::describe(&shown.object)) < 8_000);
    }

    #[test]
    fn what_fits_is_whole() {
        let shown = overview(object(9, 9, 9));
        assert_eq!(shown, Shown { object: object(9, 9, 9), cut: Map::new(), notice: None });
    }

    #[test]
    fn the_long_are_cut_and_the_short_are_not() {
        let shown = overview(object(20, 5_000, 100_000));
        fits(&shown);
        assert_eq!(shown.object["columns"].as_array().unwrap().len(), 20);
        let children = shown.object["children"].as_array().unwrap().len();
        assert!((50..500).contains(&children), "{children}");
        assert_eq!(shown.cut["children"], json!({"shown": children, "total": 5_000}));
        let notice = shown.notice.unwrap();
        let begin = format!("Too long to show whole: children {children} of 5000, definition ");
        assert!(notice.starts_with(&begin), "{notice}");
        assert!(notice.contains("as in part \"definition\", offset "), "{notice}");
    }

    #[test]
    fn a_part_is_complete_over_its_pages() {
        let whole = object(3_000, 1, 5_000);
        let mut names = Vec::new();
        let mut offset = 0;
        while offset < 3_000 {
            let shown = part(&whole, "columns", offset).unwrap();
            fits(&shown);
            let columns = shown.object["columns"].as_array().unwrap();
            assert!(!columns.is_empty());
            offset += columns.len();
            names.extend(columns.clone());
        }
        assert_eq!(Value::Array(names), whole["columns"]);
        let mut text = String::new();
        let total = whole["definition"].as_str().unwrap().chars().count();
        while text.chars().count() < total {
            let shown = part(&whole, "definition", text.chars().count()).unwrap();
            fits(&shown);
            text.push_str(shown.object["definition"].as_str().unwrap());
        }
        assert_eq!(text, whole["definition"].as_str().unwrap());
    }

    #[test]
    fn the_end_and_what_is_not_there_are_said() {
        let whole = object(3, 1, 1);
        let shown = part(&whole, "columns", 1).unwrap();
        assert_eq!(shown.notice.unwrap(), "Shown are columns 2 to 3 of 3.");
        let shown = part(&whole, "columns", 7).unwrap();
        assert_eq!(shown.notice.unwrap(), "columns ends at 3.");
        assert_eq!(part(&whole, "columns", 0).unwrap().notice, None);
        let error = part(&whole, "indexes", 0).unwrap_err();
        assert_eq!(error.message, "there is no part \"indexes\"");
        assert!(error.hint.unwrap().contains("columns, children"));
    }

    #[test]
    fn one_long_entry_is_cut_too() {
        let long =
            json!({"schema": "s", "triggers": [{"name": "t", "definition": "x y".repeat(30_000)}]});
        let Value::Object(long) = long else { panic!("an object") };
        let shown = overview(long.clone());
        fits(&shown);
        let text = shown.object["triggers"][0]["definition"].as_str().unwrap();
        assert!(text.ends_with(" more characters)"), "{text}");
        fits(&part(&long, "triggers", 0).unwrap());
    }
}
