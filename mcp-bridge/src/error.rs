//! The one error type of the tools: what a model reads when a call fails.
//!
//! Protocol faults (unknown method, malformed message) are not here: they are rmcp's `ErrorData`.

use serde::Serialize;

/// What went wrong, coarsely: stable words that a program can branch on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An argument is missing, mistyped or out of range.
    InvalidArgument,
    /// The guard or the server refused the statement as not read-only.
    NotReadOnly,
    /// The server reports an error in the statement.
    SqlError,
    /// The role lacks a privilege.
    PermissionDenied,
    /// A deadline of ours passed.
    Timeout,
    /// The client gave the call up.
    Cancelled,
    /// A lock or serialization conflict.
    Conflict,
    /// No connection, or it broke.
    DatabaseUnavailable,
    /// The server can be reached but will not let us in: password, database name, TLS.
    ConnectionMisconfigured,
    /// An extension that the tool needs is absent or not set up.
    MissingExtension,
    /// The server or the client lacks what the call needs.
    Unsupported,
    /// All connections or call slots are taken.
    Busy,
    /// A fault of ours.
    Internal,
}

impl Kind {
    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub const fn retryable(self) -> bool {
        matches!(self, Self::Timeout | Self::Conflict | Self::DatabaseUnavailable | Self::Busy)
    }
}

/// A failed tool call.
///
/// `message`, `detail` and `hint` are worded as PostgreSQL words them: the message starts in lower
/// case and has no full stop, the others are sentences. None holds a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct ToolError {
    /// What went wrong, coarsely.
    pub kind: Kind,
    /// The server's five-character code, when the server reported the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sqlstate: Option<String>,
    /// One line.
    pub message: String,
    /// More about this occurrence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Line of the user's text, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Column of the user's text in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
}

impl ToolError {
    /// An error without SQLSTATE, detail, hint and position.
    #[must_use]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            sqlstate: None,
            message: message.into(),
            detail: None,
            hint: None,
            line: None,
            column: None,
        }
    }

    /// Sets the SQLSTATE.
    #[must_use]
    pub fn with_sqlstate(mut self, sqlstate: impl Into<String>) -> Self {
        self.sqlstate = Some(sqlstate.into());
        self
    }

    /// Sets the detail.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Sets the hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Sets the place in the user's text; both count from 1.
    #[must_use]
    pub const fn at(mut self, line: u32, column: u32) -> Self {
        self.line = Some(line);
        self.column = Some(column);
        self
    }
}
