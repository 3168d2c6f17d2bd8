//! One value: from the JSON text that the server made to the JSON value that is shown.
//!
//! The server's `row_to_json` does the conversion; here is only what it leaves to do: numbers that
//! a double cannot hold, `oid`, values that are too long, documents that serde does not take.

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Number, Value};

use super::table::{BigNumbers, Column};

#[cfg(test)]
mod tests;

/// Largest integer up to which a double holds every integer: 2^53 - 1, `Number.MAX_SAFE_INTEGER`.
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// The mark of a value that was cut.
const CUT: char = '…';

/// The values of a JSON object in their order, as they are written. Names may repeat.
pub(super) fn values(object: &str) -> Result<Vec<&RawValue>, serde_json::Error> {
    struct Values;
    impl<'de> Visitor<'de> for Values {
        type Value = Vec<&'de RawValue>;
        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut values = Vec::new();
            while let Some((IgnoredAny, value)) = map.next_entry::<IgnoredAny, &RawValue>()? {
                values.push(value);
            }
            Ok(values)
        }
    }
    serde_json::Deserializer::from_str(object).deserialize_map(Values)
}

/// The names of a JSON object in their order, repeated ones too.
pub(super) fn names(object: &str) -> Result<Vec<String>, serde_json::Error> {
    struct Names;
    impl<'de> Visitor<'de> for Names {
        type Value = Vec<String>;
        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut names = Vec::new();
            while let Some((name, IgnoredAny)) = map.next_entry()? {
                names.push(name);
            }
            Ok(names)
        }
    }
    serde_json::Deserializer::from_str(object).deserialize_map(Names)
}

/// A row of values, and how many of them were cut to `max_chars`.
pub(super) fn row(
    raw: &[&RawValue],
    columns: &[Column],
    max_chars: usize,
    big_numbers: BigNumbers,
) -> (Vec<Value>, u64) {
    let mut cut = 0;
    let values = raw.iter().zip(columns).map(|(raw, column)| {
        let (value, was_cut) = shape(raw.get(), &column.r#type, max_chars, big_numbers);
        cut += u64::from(was_cut);
        value
    });
    (values.collect(), cut)
}

/// A text, cut to `max_chars` characters; whether it was.
pub(super) fn text(text: &str, max_chars: usize) -> (Value, bool) {
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => (Value::String(format!("{}{CUT}", &text[..end])), true),
        None => (Value::String(text.to_owned()), false),
    }
}

fn shape(raw: &str, column_type: &str, max_chars: usize, big: BigNumbers) -> (Value, bool) {
    // A column of type json holds what its author wrote: numbers of any size, nesting deeper than
    // serde goes, halves of surrogate pairs. What serde refuses is shown as text.
    let Ok(value) = serde_json::from_str::<Value>(raw) else {
        return text(raw, max_chars);
    };
    match value {
        Value::String(string) if column_type == "oid" => (oid(string), false),
        Value::String(string) if string.chars().nth(max_chars).is_some() => {
            text(&string, max_chars)
        }
        Value::String(_) | Value::Null | Value::Bool(_) => (value, false),
        // Of a number, an array, an object the text counts.
        _ if raw.chars().nth(max_chars).is_some() => text(raw, max_chars),
        value if big == BigNumbers::String => (safe(value), false),
        value => (value, false),
    }
}

/// An object identifier is a number to everybody, though PostgreSQL's JSON has it in quotes.
fn oid(string: String) -> Value {
    string.parse::<u32>().map_or(Value::String(string), Value::from)
}

/// The value with every number that a double does not hold as a string.
fn safe(value: Value) -> Value {
    match value {
        Value::Number(number) => safe_number(number),
        Value::Array(items) => Value::Array(items.into_iter().map(safe).collect()),
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(name, value)| (name, safe(value))).collect())
        }
        other => other,
    }
}

fn safe_number(number: Number) -> Value {
    let text = number.to_string();
    let is_safe = if text.contains(['.', 'e', 'E']) {
        is_exact(&text)
    } else {
        text.trim_start_matches('-').parse::<u64>().is_ok_and(|n| n <= MAX_SAFE_INTEGER)
    };
    if is_safe { Value::Number(number) } else { Value::String(text) }
}

/// Whether reading the decimal as a double and writing that with as few digits as identify it
/// gives the same number: what a JSON reader in JavaScript or Python does. True of every value of
/// type `double precision`, which the server writes in just that way.
fn is_exact(decimal: &str) -> bool {
    let Ok(double) = decimal.parse::<f64>() else { return false };
    double.is_finite() && digits(decimal) == digits(&format!("{double:e}"))
}

/// Significant digits, and the power of ten of the first: the same for `1.50`, `15e-1`, `1.5`.
/// The sign is left out, which parsing cannot change.
fn digits(decimal: &str) -> Option<(String, i64)> {
    let unsigned = decimal.trim_start_matches('-');
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let significant = all.trim_start_matches('0');
    if significant.is_empty() {
        return Some((String::new(), 0));
    }
    let leading_zeros = i64::try_from(all.len() - significant.len()).ok()?;
    let power = i64::try_from(whole.len()).ok()? - leading_zeros;
    Some((significant.trim_end_matches('0').to_owned(), exponent.checked_add(power)?))
}
