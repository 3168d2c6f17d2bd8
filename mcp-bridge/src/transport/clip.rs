//! A message that is too long to be kept: its length, and whom to answer.

use rmcp::model::{ErrorCode, RequestId, ServerJsonRpcMessage};
use serde_json::Value;

use super::message;

/// Bytes that are kept of the begin and of the end. Clients write a request's id before or after
/// everything that can be long.
const KEPT: usize = 256;

/// What is kept of a message that is too long.
#[derive(Debug, Default)]
pub(super) struct Clip {
    head: Vec<u8>,
    tail: Vec<u8>,
    bytes: usize,
}

impl Clip {
    /// Takes in the next part of the message.
    pub(super) fn push(&mut self, part: &[u8]) {
        self.bytes += part.len();
        let room = KEPT.saturating_sub(self.head.len()).min(part.len());
        self.head.extend_from_slice(&part[..room]);
        self.tail.extend_from_slice(&part[part.len().saturating_sub(KEPT)..]);
        let excess = self.tail.len().saturating_sub(KEPT);
        self.tail.drain(..excess);
    }

    /// The answer: an error, with the id of the request if that can be found.
    pub(super) fn answer(&self, most: usize) -> ServerJsonRpcMessage {
        let text = format!("the message has {} bytes; at most {most} are accepted", self.bytes);
        message::error(ErrorCode::INVALID_REQUEST, text, self.id())
    }

    /// The id of the request, when it stands before or after all that is nested.
    pub(super) fn id(&self) -> Option<RequestId> {
        let found = id_in_head(&self.head).or_else(|| id_in_tail(&self.tail))?;
        serde_json::from_value(found).ok()
    }
}

/// Reads `"id": VALUE` among the first members of an object, up to the first that is nested.
fn id_in_head(head: &[u8]) -> Option<Value> {
    let mut rest = head.trim_ascii_start().strip_prefix(b"{")?;
    loop {
        let (key, after) = value(rest)?;
        let (member, after) = value(after.trim_ascii_start().strip_prefix(b":")?)?;
        if key == "id" {
            return Some(member);
        }
        rest = after.trim_ascii_start().strip_prefix(b",")?;
    }
}

/// Reads `"id": VALUE` among the last members of an object, after the last that is nested.
fn id_in_tail(tail: &[u8]) -> Option<Value> {
    const KEY: &[u8] = b"\"id\"";
    let at =
        (0..tail.len().checked_sub(KEY.len())?).rev().find(|at| tail[*at..].starts_with(KEY))?;
    // Within a string the quotes would be escaped.
    if !matches!(tail[..at].trim_ascii_end().last(), Some(b',' | b'{')) {
        return None;
    }
    let (found, mut rest) = value(tail[at + KEY.len()..].trim_ascii_start().strip_prefix(b":")?)?;
    loop {
        rest = rest.trim_ascii_start();
        if rest.trim_ascii_end() == b"}" {
            return Some(found);
        }
        let (_, after) = value(rest.strip_prefix(b",")?)?;
        (_, rest) = value(after.trim_ascii_start().strip_prefix(b":")?)?;
    }
}

/// A value that is not nested, and what follows it.
fn value(text: &[u8]) -> Option<(Value, &[u8])> {
    let text = text.trim_ascii_start();
    if matches!(text.first(), Some(b'{' | b'[')) {
        return None;
    }
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<Value>();
    let value = values.next()?.ok()?;
    // A number at the end of what is kept may go on.
    let after = text.get(values.byte_offset()..).filter(|after| !after.is_empty())?;
    Some((value, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Option<String> {
        let mut clip = Clip::default();
        for part in text.as_bytes().chunks(7) {
            clip.push(part);
        }
        clip.id().map(|id| id.to_string())
    }

    #[test]
    fn ids_stand_first_or_last() {
        let sql = "x".repeat(1000);
        let params = format!(r#""params":{{"arguments":{{"sql":"{sql}","id":5}}}}"#);
        for (text, expected) in [
            (format!(r#"{{"jsonrpc":"2.0","id":7,"method":"m",{params}}}"#), Some("7")),
            (format!(r#"{{ "id" : "a\"b" , {params}}}"#), Some("a\"b")),
            (format!(r#"{{"method":"m",{params},"jsonrpc":"2.0","id":12}}"#), Some("12")),
            (format!("{{{params}, \"id\": 12 , \"jsonrpc\": \"2.0\" }} \n"), Some("12")),
            // Not the request's: of the arguments, and of a text.
            (format!("{{{params}}}"), None),
            (format!(r#"{{"method":"m","params":{{"sql":"{sql},\"id\":5}}"#), None),
            (format!(r#"{{"method":"{sql}"#), None),
            (sql.clone(), None),
            (String::new(), None),
        ] {
            assert_eq!(id(&text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_number_that_is_cut_is_no_id() {
        let text = format!(r#"{{"x":"{}","id":1234567"#, "x".repeat(KEPT - 14));
        let mut clip = Clip::default();
        clip.push(text.as_bytes());
        clip.push(b"89}");
        clip.tail.clear();
        assert_eq!(clip.id(), None);
    }

    #[test]
    fn the_answer_tells_the_length() {
        let mut clip = Clip::default();
        clip.push(&[b'x'; 300]);
        clip.push(&[b'y'; 300]);
        let answer = serde_json::to_value(clip.answer(500)).unwrap();
        assert_eq!(
            answer["error"]["message"],
            "the message has 600 bytes; at most 500 are accepted"
        );
        assert!(clip.tail.iter().all(|byte| *byte == b'y'));
    }
}
