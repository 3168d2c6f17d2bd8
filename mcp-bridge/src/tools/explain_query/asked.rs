//! The arguments of `explain_query`.

use serde_json::Value;

use crate::error::{Kind, ToolError};
use crate::tools::{Arguments, hypothetical};

/// The formats; the first is the default.
pub(super) const FORMATS: [&str; 3] = ["text", "compact", "json"];

/// What the caller wants, checked as far as that goes without a server.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) sql: Option<String>,
    /// Of a statement that is not given as text.
    pub(super) queryid: Option<i64>,
    pub(super) analyze: bool,
    pub(super) indexes: Vec<hypothetical::Asked>,
    /// Names of existing indexes.
    pub(super) hidden: Vec<String>,
    pub(super) parameters: Option<Vec<Option<String>>>,
    pub(super) format: &'static str,
}

impl Asked {
    /// Reads the arguments.
    ///
    /// # Errors
    /// [`Kind::InvalidArgument`].
    pub(super) fn read(arguments: &mut Arguments) -> Result<Self, ToolError> {
        // No statement has the id 0.
        let queryid = arguments.integer("queryid", 0, i64::MIN..=i64::MAX)?;
        let queryid = (queryid != 0).then_some(queryid);
        let sql = match &queryid {
            None => Some(arguments.required_text("sql").map_err(|error| {
                error.with_hint("Give the statement as \"sql\", or its \"queryid\".")
            })?),
            Some(_) => arguments.text("sql")?.filter(|sql| !sql.trim().is_empty()),
        };
        if sql.is_some() && queryid.is_some() {
            return Err(invalid("sql and queryid exclude each other"));
        }
        let asked = Self {
            sql,
            queryid,
            analyze: arguments.boolean("analyze", false)?,
            indexes: hypothetical::parse(arguments.list("hypothetical_indexes")?)?,
            hidden: arguments.texts("hide_indexes")?,
            parameters: parameters(arguments)?,
            format: arguments.choice("plan_format", &FORMATS)?,
        };
        for (argument, is_empty) in [
            ("hypothetical_indexes", asked.indexes.is_empty()),
            ("hide_indexes", asked.hidden.is_empty()),
        ] {
            if asked.analyze && !is_empty {
                return Err(invalid(&format!("analyze and {argument} exclude each other"))
                    .with_detail("What is executed uses the indexes that exist."));
            }
        }
        Ok(asked)
    }
}

fn invalid(message: &str) -> ToolError {
    ToolError::new(Kind::InvalidArgument, message)
}

/// The values of the parameters as texts, null for NULL; none when the argument is absent or empty.
fn parameters(arguments: &mut Arguments) -> Result<Option<Vec<Option<String>>>, ToolError> {
    let values = arguments.list("parameters")?;
    let texts = values
        .into_iter()
        .map(|value| match value {
            Value::Null => Ok(None),
            Value::String(text) if text.contains('\0') => {
                Err(invalid("an element of \"parameters\" contains a NUL character"))
            }
            Value::String(text) => Ok(Some(text)),
            Value::Number(number) => Ok(Some(number.to_string())),
            Value::Bool(value) => Ok(Some(value.to_string())),
            Value::Array(_) | Value::Object(_) => {
                Err(invalid("an element of \"parameters\" is not a string")
                    .with_hint("Write each value as PostgreSQL reads it, an array as {1,2}."))
            }
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Some(texts).filter(|texts| !texts.is_empty()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KNOWN: [&str; 7] = [
        "sql",
        "analyze",
        "hypothetical_indexes",
        "hide_indexes",
        "queryid",
        "parameters",
        "plan_format",
    ];

    fn read(given: Value) -> Result<Asked, ToolError> {
        let Value::Object(given) = given else { panic!("an object") };
        Asked::read(&mut Arguments::new(Some(given), &KNOWN).unwrap())
    }

    #[test]
    fn a_statement_is_given_or_recorded() {
        let asked = read(json!({"sql": "select 1"})).unwrap();
        assert_eq!(
            (asked.sql.as_deref(), asked.queryid, asked.format),
            (Some("select 1"), None, "text")
        );
        for id in [json!("-7123456789012345678"), json!(-7_123_456_789_012_345_678_i64)] {
            let asked = read(json!({"queryid": id, "sql": ""})).unwrap();
            assert_eq!(asked.queryid, Some(-7_123_456_789_012_345_678));
            assert_eq!(asked.sql, None);
        }
        for wrong in [
            json!({}),
            json!({"sql": ""}),
            json!({"queryid": "x"}),
            json!({"queryid": 0}),
            json!({"queryid": "1", "sql": "select 1"}),
            json!({"sql": "select 1", "plan_format": "xml"}),
            json!({"sql": "select 1", "analyze": true, "hide_indexes": ["i"]}),
        ] {
            assert_eq!(read(wrong).unwrap_err().kind, Kind::InvalidArgument);
        }
    }

    #[test]
    fn parameters_are_texts() {
        let values =
            |given| read(json!({"sql": "x", "parameters": given})).map(|asked| asked.parameters);
        let expected = ["a", "1", "true"].map(|text| Some(text.to_owned())).to_vec();
        let expected = [expected, vec![None]].concat();
        assert_eq!(values(json!(["a", 1, true, null])).unwrap(), Some(expected));
        assert_eq!(values(json!([])).unwrap(), None);
        for wrong in [json!([[1]]), json!([{}]), json!(["\0"]), json!(7)] {
            assert_eq!(values(wrong).unwrap_err().kind, Kind::InvalidArgument);
        }
    }
}
