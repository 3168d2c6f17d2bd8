//! Typed access to the arguments of a tool call.
//!
//! Lenient where models are sloppy and nothing is ambiguous: a number or boolean given as a string,
//! a list or object given as its JSON text. Everything else is an error that names the argument.

use rmcp::model::JsonObject;
use serde_json::Value;

use crate::error::{Kind, ToolError};

/// What a caller may give in place of an argument.
#[derive(Debug)]
pub(crate) struct Arguments {
    given: JsonObject,
}

fn invalid(message: String) -> ToolError {
    ToolError::new(Kind::InvalidArgument, message)
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn wrong_type(name: &str, wanted: &str, given: &Value) -> ToolError {
    invalid(format!("argument \"{name}\" must be {wanted}, not {}", kind_of(given)))
}

impl Arguments {
    /// Checks that only `known` arguments are given; null counts as not given.
    ///
    /// A tool without any argument, or with none but the place in its list, takes whatever comes:
    /// some clients send a filler, because some models cannot call a function without arguments.
    ///
    /// # Errors
    /// [`Kind::InvalidArgument`] that lists the known names.
    pub(crate) fn new(given: Option<JsonObject>, known: &[&str]) -> Result<Self, ToolError> {
        let mut given = given.unwrap_or_default();
        given.retain(|_, value| !value.is_null());
        if known.iter().all(|name| *name == "offset") {
            given.retain(|name, _| known.contains(&name.as_str()));
        }
        match given.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(invalid(format!("unknown argument \"{name}\""))
                .with_hint(format!("The arguments are: {}.", known.join(", ")))),
            None => Ok(Self { given }),
        }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.given.remove(name)
    }

    /// A string that may be absent.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, ToolError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.contains('\0') => {
                Err(invalid(format!("argument \"{name}\" contains a NUL character"))
                    .with_hint("PostgreSQL has no text with NUL characters."))
            }
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong_type(name, "a string", &other)),
        }
    }

    /// A string that must be given and not be empty.
    pub(crate) fn required_text(&mut self, name: &str) -> Result<String, ToolError> {
        match self.text(name)? {
            None => Err(invalid(format!("argument \"{name}\" is missing"))),
            Some(text) if text.trim().is_empty() => {
                Err(invalid(format!("argument \"{name}\" is empty")))
            }
            Some(text) => Ok(text),
        }
    }

    /// One of `allowed`; the first is the default.
    pub(crate) fn choice<'a>(
        &mut self,
        name: &str,
        allowed: &[&'a str],
    ) -> Result<&'a str, ToolError> {
        let Some(given) = self.text(name)? else {
            return Ok(allowed.first().copied().unwrap_or_default());
        };
        allowed.iter().copied().find(|one| *one == given).ok_or_else(|| {
            invalid(format!("argument \"{name}\" has no value \"{given}\""))
                .with_hint(format!("The values are: {}.", allowed.join(", ")))
        })
    }

    /// A boolean, `default` when absent.
    pub(crate) fn boolean(&mut self, name: &str, default: bool) -> Result<bool, ToolError> {
        match self.take(name) {
            None => Ok(default),
            Some(Value::Bool(given)) => Ok(given),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(other) => Err(wrong_type(name, "a boolean", &other)),
        }
    }

    /// An integer from `range`, `default` when absent.
    pub(crate) fn integer(
        &mut self,
        name: &str,
        default: i64,
        range: std::ops::RangeInclusive<i64>,
    ) -> Result<i64, ToolError> {
        let given = match self.take(name) {
            None => return Ok(default),
            Some(Value::String(text)) => text
                .trim()
                .parse()
                .map_err(|_| wrong_type(name, "an integer", &Value::String(text)))?,
            Some(Value::Number(number)) => whole(&number).ok_or_else(|| {
                invalid(format!("argument \"{name}\" must be an integer, not {number}"))
            })?,
            Some(other) => return Err(wrong_type(name, "an integer", &other)),
        };
        if range.contains(&given) {
            return Ok(given);
        }
        Err(invalid(format!("argument \"{name}\" is out of range: {given}")).with_hint(format!(
            "It can be from {} to {}.",
            range.start(),
            range.end()
        )))
    }

    /// A list, empty when absent.
    pub(crate) fn list(&mut self, name: &str) -> Result<Vec<Value>, ToolError> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => Ok(items),
            Some(Value::String(text)) => match serde_json::from_str(&text) {
                Ok(Value::Array(items)) => Ok(items),
                _ => Err(wrong_type(name, "an array", &Value::String(text))),
            },
            Some(other) => Err(wrong_type(name, "an array", &other)),
        }
    }

    /// A list of strings, empty when absent.
    pub(crate) fn texts(&mut self, name: &str) -> Result<Vec<String>, ToolError> {
        self.list(name)?
            .into_iter()
            .map(|item| match item {
                Value::String(text) if text.contains('\0') => {
                    Err(invalid(format!("an element of \"{name}\" contains a NUL character")))
                }
                Value::String(text) => Ok(text),
                other => Err(wrong_type(name, "an array of strings", &other)),
            })
            .collect()
    }
}

/// The number as an integer, when it is one: `10`, `10.0`, `1e1`.
fn whole(number: &serde_json::Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        let float = number.as_f64()?;
        // Doubles hold all integers up to 2^53.
        #[allow(clippy::cast_possible_truncation, reason = "checked in the condition")]
        (float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0).then_some(float as i64)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn arguments(value: Value) -> Arguments {
        let Value::Object(given) = value else { panic!("an object") };
        Arguments::new(Some(given), &["a", "b"]).unwrap()
    }

    #[test]
    fn unknown_names_are_refused_unless_there_are_none() {
        let Value::Object(given) = json!({"c": 1}) else { panic!() };
        let error = Arguments::new(Some(given.clone()), &["a", "b"]).unwrap_err();
        assert_eq!(error.message, "unknown argument \"c\"");
        assert_eq!(error.hint.as_deref(), Some("The arguments are: a, b."));
        assert!(Arguments::new(Some(given.clone()), &[]).is_ok());
        let mut place = Arguments::new(Some(given.clone()), &["offset"]).unwrap();
        assert_eq!(place.integer("offset", 0, 0..=9).unwrap(), 0);
        assert!(Arguments::new(Some(given), &["offset", "limit"]).is_err());
    }

    #[test]
    fn integers_may_be_strings_or_whole_floats() {
        for given in [json!(7), json!("7"), json!(7.0), json!("7 ")] {
            assert_eq!(arguments(json!({"a": given})).integer("a", 1, 1..=10).unwrap(), 7);
        }
        assert_eq!(arguments(json!({"a": null})).integer("a", 3, 1..=10).unwrap(), 3);
        for given in [json!(7.5), json!("seven"), json!([7]), json!(11), json!(true), json!(1e300)]
        {
            assert!(arguments(json!({"a": given})).integer("a", 1, 1..=10).is_err());
        }
    }

    #[test]
    fn lists_may_be_json_text() {
        assert_eq!(arguments(json!({"a": "[\"x\"]"})).texts("a").unwrap(), ["x"]);
        assert_eq!(arguments(json!({"a": ["x"]})).texts("a").unwrap(), ["x"]);
        for given in [json!("x"), json!({"x": 1}), json!([1]), json!(["\0"])] {
            assert!(arguments(json!({"a": given})).texts("a").is_err());
        }
    }

    #[test]
    fn text_is_required_unless_it_is_not() {
        assert!(arguments(json!({})).text("a").unwrap().is_none());
        for given in [json!({}), json!({"a": ""}), json!({"a": " \n"}), json!({"a": 1})] {
            assert!(arguments(given).required_text("a").is_err());
        }
        assert!(arguments(json!({"a": "x\0y"})).text("a").is_err());
    }

    #[test]
    fn choice_defaults_to_the_first() {
        assert_eq!(arguments(json!({})).choice("a", &["x", "y"]).unwrap(), "x");
        assert_eq!(arguments(json!({"a": "y"})).choice("a", &["x", "y"]).unwrap(), "y");
        let error = arguments(json!({"a": "z"})).choice("a", &["x", "y"]).unwrap_err();
        assert_eq!(error.hint.as_deref(), Some("The values are: x, y."));
    }
}
