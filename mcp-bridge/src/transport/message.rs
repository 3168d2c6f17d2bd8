//! One JSON-RPC message from bytes, and the answer to what is none.

use rmcp::model::{ClientJsonRpcMessage, ErrorCode, ErrorData, RequestId, ServerJsonRpcMessage};
use serde_json::Value;

/// What bytes hold.
pub(super) enum Parsed {
    /// A message; boxed, because the others are small.
    Message(Box<ClientJsonRpcMessage>),
    /// A notification that this protocol does not know: to be passed over.
    Ignored,
    /// No message: what to answer.
    Rejected(Box<ServerJsonRpcMessage>),
}

/// Reads a message.
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    // Some clients on Windows begin with a byte order mark.
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if let Ok(message) = serde_json::from_slice(bytes) {
        return Parsed::Message(Box::new(message));
    }
    let document = match serde_json::from_slice::<Value>(bytes) {
        Ok(document) => document,
        Err(_) if std::str::from_utf8(bytes).is_err() => {
            return rejected(ErrorCode::PARSE_ERROR, "the message is not valid UTF-8", None);
        }
        Err(error) => {
            return rejected(
                ErrorCode::PARSE_ERROR,
                &format!("the message is not valid JSON: {error}"),
                None,
            );
        }
    };
    let Value::Object(fields) = &document else {
        let what = if document.is_array() {
            "batches are not part of this protocol; send one message at a time"
        } else {
            "the message is not a JSON object"
        };
        return rejected(ErrorCode::INVALID_REQUEST, what, None);
    };
    if fields.get("method").is_some_and(Value::is_string) && !fields.contains_key("id") {
        return Parsed::Ignored;
    }
    let id = fields.get("id").and_then(|id| serde_json::from_value::<RequestId>(id.clone()).ok());
    rejected(
        ErrorCode::INVALID_REQUEST,
        "the message is no JSON-RPC 2.0 request, notification or response",
        id,
    )
}

fn rejected(code: ErrorCode, why: &str, id: Option<RequestId>) -> Parsed {
    Parsed::Rejected(Box::new(error(code, why.to_owned(), id)))
}

/// A JSON-RPC error.
pub(super) fn error(
    code: ErrorCode,
    message: String,
    id: Option<RequestId>,
) -> ServerJsonRpcMessage {
    ServerJsonRpcMessage::error(ErrorData::new(code, message, None), id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(bytes: &[u8]) -> Option<i64> {
        match parse(bytes) {
            Parsed::Rejected(answer) => {
                serde_json::to_value(answer).unwrap()["error"]["code"].as_i64()
            }
            _ => None,
        }
    }

    #[test]
    fn what_is_no_message_gets_the_right_code() {
        for (bytes, expected) in [
            (&b"{"[..], -32700),
            (b"\xff\xfe", -32700),
            (b"", -32700),
            (b"\0", -32700),
            (b"[]", -32600),
            (b"7", -32600),
            (b"{}", -32600),
            (br#"{"jsonrpc":"2.0","id":{},"method":"x"}"#, -32600),
        ] {
            assert_eq!(code(bytes), Some(expected), "{bytes:?}");
        }
    }

    #[test]
    fn messages_are_read_and_foreign_notifications_passed_over() {
        let ping = br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        assert!(matches!(parse(ping), Parsed::Message(_)));
        let with_mark = [b"\xEF\xBB\xBF".as_slice(), ping].concat();
        assert!(matches!(parse(&with_mark), Parsed::Message(_)));
        let odd = br#"{"jsonrpc":"1.0","method":"$/setTrace","params":7}"#;
        assert!(matches!(parse(odd), Parsed::Ignored));
    }
}
