//! Answers and errors as the protocol has them.

use rmcp::ErrorData;
use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::{Value, json};

use crate::error::{Kind, ToolError};
use crate::tools::Answer;

/// An answer as the protocol has it.
pub(crate) fn success(answer: Answer) -> CallToolResult {
    let mut result = CallToolResult::success(vec![ContentBlock::text(answer.text)]);
    result.structured_content = Some(Value::Object(answer.data));
    result
}

/// Most characters of an error's text: clients cut errors sooner than answers.
const ERROR_CHARS: usize = 10_000;

/// An error as the protocol has it: for a model in words, for a program in fields.
pub(crate) fn failure(error: &ToolError) -> CallToolResult {
    let mut text = format!("Error: {}", error.message);
    if let Some(sqlstate) = &error.sqlstate {
        text.push_str(" (SQLSTATE ");
        text.push_str(sqlstate);
        text.push(')');
    }
    if let (Some(line), Some(column)) = (error.line, error.column) {
        text.push_str(&format!("\nAt: line {line}, column {column}"));
    }
    for (name, part) in [("Detail", &error.detail), ("Hint", &error.hint)] {
        if let Some(part) = part {
            text.push_str(&format!("\n{name}: {part}"));
        }
    }
    if let Some((at, _)) = text.char_indices().nth(ERROR_CHARS) {
        text.truncate(at);
        text.push('…');
    }
    let mut fields = serde_json::to_value(error).unwrap_or_default();
    if let Value::Object(fields) = &mut fields {
        fields.insert("retryable".to_owned(), json!(error.kind.retryable()));
    }
    let mut result = CallToolResult::error(vec![ContentBlock::text(text)]);
    result.structured_content = Some(json!({"error": fields}));
    result
}

/// What a caller sees of a panic; what it was is in the log, under the same number.
pub(crate) fn panicked(panic: &(dyn std::any::Any + Send)) -> ToolError {
    let number: u32 = rand::random();
    let what = panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    tracing::error!(number, panic = what, "a tool panicked");
    ToolError::new(Kind::Internal, format!("internal error {number}"))
        .with_detail("The log of mcp-bridge says more under this number.")
}

/// An error outside tools, where the protocol knows no other way.
pub(crate) fn protocol_error(error: &ToolError) -> ErrorData {
    let words = [Some(&error.message), error.detail.as_ref(), error.hint.as_ref()];
    let words: Vec<&str> = words.into_iter().flatten().map(String::as_str).collect();
    ErrorData::internal_error(words.join(". "), serde_json::to_value(error).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_said_in_words_and_in_fields() {
        let error = ToolError::new(Kind::SqlError, "column \"x\" does not exist")
            .with_sqlstate("42703")
            .with_hint("Perhaps you meant \"y\".")
            .at(2, 8);
        let result = serde_json::to_value(failure(&error)).unwrap();
        assert_eq!(result["isError"], json!(true));
        assert_eq!(
            result["content"][0]["text"],
            json!(
                "Error: column \"x\" does not exist (SQLSTATE 42703)\nAt: line 2, column 8\n\
                 Hint: Perhaps you meant \"y\"."
            )
        );
        assert_eq!(
            result["structuredContent"]["error"],
            json!({
                "kind": "sql_error", "sqlstate": "42703", "message": "column \"x\" does not exist",
                "hint": "Perhaps you meant \"y\".", "line": 2, "column": 8, "retryable": false,
            })
        );
    }

    #[test]
    fn a_long_error_is_cut() {
        let error = ToolError::new(Kind::SqlError, "ä".repeat(2 * ERROR_CHARS));
        let result = serde_json::to_value(failure(&error)).unwrap();
        let text = result["content"][0]["text"].as_str().unwrap();
        assert_eq!(text.chars().count(), ERROR_CHARS + 1);
    }
}
