//! Answers as text: what a model reads.
//!
//! Tables are rows of cells between ` | `, without padding: padding costs tokens and tells nothing.

use serde_json::{Map, Value};

/// A value as one cell: strings bare, null empty, line breaks and bars escaped.
pub(crate) fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => escape(text),
        other => escape(&other.to_string()),
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            '|' => escaped.push_str("\\|"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A table: a line of names, then a line per row.
pub(crate) fn table<'a>(names: &[&str], rows: impl IntoIterator<Item = &'a Vec<Value>>) -> String {
    let mut text = names.iter().map(|name| escape(name)).collect::<Vec<_>>().join(" | ");
    for row in rows {
        text.push('\n');
        text.push_str(&row.iter().map(cell).collect::<Vec<_>>().join(" | "));
    }
    text
}

/// A table of objects: the columns are `names`; those that are null everywhere are left out.
pub(crate) fn records(names: &[&str], rows: &[Map<String, Value>]) -> String {
    let used: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| rows.iter().any(|row| row.get(*name).is_some_and(|value| !value.is_null())))
        .collect();
    let cells: Vec<Vec<Value>> = rows
        .iter()
        .map(|row| used.iter().map(|name| row.get(*name).cloned().unwrap_or(Value::Null)).collect())
        .collect();
    table(&used, &cells)
}

/// `count` and the noun, in the plural unless it is one: `1 row`, `3 rows`.
pub(crate) fn count(count: u64, noun: &str) -> String {
    match (count, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        (_, None) if noun.ends_with('x') => format!("{count} {noun}es"),
        _ => format!("{count} {noun}s"),
    }
}

/// A size in the unit that gives one to four digits: bytes, kB, MB, GB, TB.
///
/// As `pg_size_pretty` does: a unit is used up to 10,239 of it, and values are rounded half up.
pub(crate) fn size(bytes: i64) -> String {
    const UNITS: [&str; 5] = ["bytes", "kB", "MB", "GB", "TB"];
    let mut value = bytes;
    let mut unit = 0;
    // Half units until the end, so that only one rounding happens.
    while value.abs() >= 10 * 1024 && unit < UNITS.len() - 1 {
        value = (value + 512).div_euclid(1024);
        unit += 1;
    }
    format!("{value} {}", UNITS[unit])
}

/// A number with so many digits that it says something: 3 significant ones below 100, no fraction above.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        magnitude if magnitude >= 100.0 || magnitude == 0.0 => format!("{value:.0}"),
        magnitude if magnitude >= 10.0 => format!("{value:.1}"),
        magnitude if magnitude >= 0.1 => format!("{value:.2}"),
        // As people write shares and milliseconds.
        magnitude if magnitude >= 0.001 => format!("{value:.4}"),
        _ => format!("{value:.2e}"),
    }
}

/// The first `limit` characters on one line, with `…` when something was cut.
pub(crate) fn line(text: &str, limit: usize) -> String {
    let mut words = String::new();
    for word in text.split_whitespace() {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
        if words.len() > 4 * limit {
            break;
        }
    }
    match words.char_indices().nth(limit) {
        None => words,
        Some((at, _)) => format!("{}…", &words[..at]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cells_stay_on_their_line() {
        assert_eq!(cell(&json!("a\nb|c\td")), "a\\nb\\|c\\td");
        assert_eq!(cell(&json!(null)), "");
        assert_eq!(cell(&json!([1, "x"])), "[1,\"x\"]");
    }

    #[test]
    fn records_leave_out_empty_columns() {
        let rows = [json!({"a": 1, "b": null, "c": "x"}), json!({"a": 2, "b": null})];
        let rows: Vec<_> = rows.iter().map(|row| row.as_object().unwrap().clone()).collect();
        assert_eq!(records(&["a", "b", "c"], &rows), "a | c\n1 | x\n2 | ");
    }

    #[test]
    fn sizes_are_those_of_pg_size_pretty() {
        for (bytes, pretty) in [
            (0, "0 bytes"),
            (10_239, "10239 bytes"),
            (10_240, "10 kB"),
            (9_486_336, "9264 kB"),
            (10_485_760, "10 MB"),
            (1_100_000_000, "1049 MB"),
            (-20_480, "-20 kB"),
        ] {
            assert_eq!(size(bytes), pretty);
        }
    }

    #[test]
    fn numbers_and_counts() {
        assert_eq!(number(24_689.3), "24689");
        assert_eq!(number(15.04), "15.0");
        assert_eq!(number(0.933), "0.93");
        assert_eq!(number(0.085), "0.0850");
        assert_eq!(number(0.000_085), "8.50e-5");
        assert_eq!(number(0.0), "0");
        assert_eq!(count(1, "query"), "1 query");
        assert_eq!(count(2, "query"), "2 queries");
        assert_eq!(count(0, "index"), "0 indexes");
        assert_eq!(count(3, "row"), "3 rows");
    }

    #[test]
    fn lines_are_cut_between_characters() {
        assert_eq!(line("select\n  1", 20), "select 1");
        assert_eq!(line("ääääää", 3), "äää…");
    }
}
