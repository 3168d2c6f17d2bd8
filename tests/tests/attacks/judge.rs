//! What ended an attack, and what it gave away.

use mcp_bridge::guard;
use serde_json::Value;

/// What every secret of the server contains.
const CANARIES: [&str; 2] = ["canary", "scram-sha-256$"];

/// What ended an attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Layer {
    /// The bridge's parser.
    Parser,
    /// `mcp_check_read_only`.
    Check,
    /// The latch, or the transaction that only reads.
    ReadOnly,
    /// A limit on time, memory, disk or depth.
    Limit,
    /// An argument that a tool does not take.
    Argument,
    /// The server, which does not take it for other reasons.
    Error,
    /// Nothing: it was answered.
    Answered,
}

/// What the answer says of that.
pub(super) fn layer(sql: &str, result: &Value) -> Layer {
    let error = &result["structuredContent"]["error"];
    let state = error["sqlstate"].as_str().unwrap_or_default();
    let unread = !sql.is_empty() && guard::check(sql).is_err();
    match (error["kind"].as_str(), state) {
        (None, _) if result.get("error").is_some() => Layer::Argument,
        (None, _) => Layer::Answered,
        (Some("not_read_only"), "25006") => Layer::ReadOnly,
        (Some("not_read_only"), _) if unread => Layer::Parser,
        (Some("not_read_only"), _) => Layer::Check,
        (Some("timeout" | "conflict" | "busy"), _) => Layer::Limit,
        (Some("invalid_argument"), _) => Layer::Argument,
        (_, state) if state.starts_with("53") || state.starts_with("54") => Layer::Limit,
        _ if unread => Layer::Parser,
        _ => Layer::Error,
    }
}

/// What of the server's secrets is in a text.
pub(super) fn leaks(text: &str, secret: Option<&str>) -> Vec<String> {
    // Names in messages of the server may be in lower case.
    let text = text.to_lowercase();
    let words = CANARIES.into_iter().map(str::to_owned).chain(secret.map(str::to_lowercase));
    let found = words.filter_map(|word| {
        let at = text.find(&word)?;
        let begin = text.floor_char_boundary(at.saturating_sub(80));
        let end = text.ceil_char_boundary((at + 60).min(text.len()));
        Some(format!("told: {}", &text[begin..end]))
    });
    found.collect()
}
