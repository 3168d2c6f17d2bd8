//! The server's errors as [`ToolError`]s: which kind a SQLSTATE is, what to do about it, and where
//! in the user's own text it is.
//!
//! The driver's `Display` of an error says "db error" and no more, hence all is taken from the
//! fields. Messages may be localised by the server, so nothing is decided by their words.

use std::error::Error as _;

use tokio_postgres::error::{DbError, ErrorPosition, Severity};

use crate::error::{Kind, ToolError};

#[cfg(test)]
mod tests;

/// Longest context (`CONTEXT:` of psql) that goes into a detail, in characters: a recursive
/// function fills a thousand lines.
const CONTEXT_CHARS: usize = 500;

/// An error of the driver for the model: SQLSTATE, message, detail and hint of the server, or what
/// happened to the connection. Without a position: see `in_text`.
#[must_use]
pub fn from_postgres(error: &tokio_postgres::Error) -> ToolError {
    match error.as_db_error() {
        Some(db) => from_server(db),
        None => from_driver(error),
    }
}

/// As [`from_postgres`], with line and column in `sql`, which was sent after `prefix_chars`
/// characters of ours.
pub(super) fn in_text(error: &tokio_postgres::Error, sql: &str, prefix_chars: usize) -> ToolError {
    let tool_error = from_postgres(error);
    let Some(ErrorPosition::Original(position)) = error.as_db_error().and_then(DbError::position)
    else {
        return tool_error;
    };
    at_character(tool_error, sql, (*position as usize).saturating_sub(prefix_chars))
}

/// As [`from_postgres`], with line and column in that of `texts` which the server points at: a
/// function that is given a statement reports an error in it so.
pub(super) fn in_parameter(error: &tokio_postgres::Error, texts: &[&str]) -> ToolError {
    let tool_error = from_postgres(error);
    match error.as_db_error().and_then(DbError::position) {
        Some(ErrorPosition::Internal { position, query }) if texts.contains(&query.as_str()) => {
            at_character(tool_error, query, *position as usize)
        }
        _ => tool_error,
    }
}

/// The error at the character of `sql` with this number, as the server counts: from 1. At the end of
/// the text is possible ("syntax error at end of input"), behind it is not the user's.
fn at_character(error: ToolError, sql: &str, position: usize) -> ToolError {
    match position.checked_sub(1) {
        Some(offset) if offset <= sql.chars().count() => {
            let (line, column) = place(sql, offset);
            error.at(line, column)
        }
        _ => error,
    }
}

/// Moves the position of an error in a part of `text`, which starts at byte `offset`, to the
/// position in the whole of `text`. For statements that the guard has cut out of the user's text.
#[must_use]
pub fn locate_in(error: ToolError, text: &str, offset: usize) -> ToolError {
    let (Some(line), Some(column), Some(before)) = (error.line, error.column, text.get(..offset))
    else {
        return error;
    };
    let (start_line, start_column) = place(text, before.chars().count());
    let column = if line == 1 { start_column + column - 1 } else { column };
    error.at(start_line + line - 1, column)
}

/// Whether the connection is of no use after this error.
pub(super) fn is_lost(error: &tokio_postgres::Error) -> bool {
    match error.as_db_error() {
        Some(db) => is_fatal(db) || db.code().code().starts_with("08"),
        // Closed, or an answer that the driver does not understand.
        None => true,
    }
}

/// Line and column, from 1, of the character with number `chars`, from 0.
fn place(sql: &str, chars: usize) -> (u32, u32) {
    let mut line = 1;
    let mut column = 1;
    for character in sql.chars().take(chars) {
        if character == '\n' {
            line += 1;
            column = 1;
        } else {
            column += 1;
        }
    }
    (line, column)
}

fn is_fatal(db: &DbError) -> bool {
    matches!(db.parsed_severity(), Some(Severity::Fatal | Severity::Panic))
}

fn from_server(db: &DbError) -> ToolError {
    let code = db.code().code();
    let kind = if is_fatal(db) { fatal_kind(code) } else { kind(code, db.message()) };
    let mut error = ToolError::new(kind, one_line(db.message())).with_sqlstate(code);
    error.detail = detail(db);
    error.hint = db.hint().map(one_line).or_else(|| hint(code, kind).map(str::to_owned));
    error
}

/// The kind of an error in a statement.
fn kind(code: &str, message: &str) -> Kind {
    match code {
        "25006" => Kind::NotReadOnly,
        "42501" => Kind::PermissionDenied,
        // Without a deadline of ours having passed: the role's own statement_timeout, or somebody
        // used pg_cancel_backend. Both may go well another time.
        "57014" | "25P04" => Kind::Timeout,
        "40001" | "40P01" | "55P03" | "55006" => Kind::Conflict,
        "25P03" | "53300" | "57P01" | "57P02" | "57P03" | "57P05" => Kind::DatabaseUnavailable,
        "0A000" => Kind::Unsupported,
        // The setting's name is never translated.
        "55000" if message.contains("shared_preload_libraries") => Kind::MissingExtension,
        _ => match code.get(..2) {
            Some("08") => Kind::DatabaseUnavailable,
            Some("28") => Kind::PermissionDenied,
            _ => Kind::SqlError,
        },
    }
}

/// The kind of an error that ends the connection, or does not let it begin.
fn fatal_kind(code: &str) -> Kind {
    match code {
        // No CONNECT privilege, no such database.
        "42501" | "3D000" => Kind::ConnectionMisconfigured,
        _ if code.starts_with("28") => Kind::ConnectionMisconfigured,
        _ => Kind::DatabaseUnavailable,
    }
}

/// What to do about it, where the server gives no hint of its own.
fn hint(code: &str, kind: Kind) -> Option<&'static str> {
    Some(match (code, kind) {
        (_, Kind::ConnectionMisconfigured) => match code {
            "28P01" => "Check the user name and the password in the connection settings.",
            "3D000" => "Check the database name in the connection settings.",
            "42501" => "The role needs the privilege CONNECT on the database.",
            _ => "Check the connection settings and the server's pg_hba.conf.",
        },
        ("42501", _) => {
            "The role needs a GRANT on the object; GRANT pg_monitor is enough for statistics, \
             settings and the queries of other sessions."
        }
        ("25006", _) => "The call runs in a read-only transaction, and the statement writes.",
        ("57014", _) => {
            "Retry with a smaller scope: fewer tables, a narrower condition, fewer rows."
        }
        ("55P03", _) => "Another session holds a lock on the object; retry later.",
        ("40001" | "40P01", _) => "Retry the call.",
        ("42P01", _) => {
            "A name outside the search_path needs its schema in front, and one with capitals \
             needs double quotes."
        }
        ("42P02", _) => "Put values in the place of the parameters $1, $2 and so on.",
        ("53300", _) => "All connections of the server or of the role are taken; retry later.",
        ("53400", _) => {
            "The statement needs more temporary disk space than is allowed: reduce the rows that \
             it sorts, joins or aggregates."
        }
        ("57P03", _) => "The server is starting up, shutting down or recovering; retry later.",
        (_, Kind::DatabaseUnavailable) => "The connection was lost; retry the call.",
        _ => return None,
    })
}

/// The server's detail and the context, which names the function and line that failed.
fn detail(db: &DbError) -> Option<String> {
    let context = db.where_().map(|text| {
        let mut text = one_line(text);
        if let Some((end, _)) = text.char_indices().nth(CONTEXT_CHARS) {
            text.truncate(end);
            text.push('…');
        }
        format!("Context: {text}")
    });
    match (db.detail().map(one_line), context) {
        (Some(detail), Some(context)) => Some(format!("{detail} {context}")),
        (detail, context) => detail.or(context),
    }
}

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// An error that is not the server's. The driver keeps its kind to itself but for "closed"; its
/// `Display` is a constant for each.
fn from_driver(error: &tokio_postgres::Error) -> ToolError {
    let text = error.to_string();
    let cause = error.source().map(|source| one_line(&source.to_string()));
    let (kind, message, hint) = match text.as_str() {
        "connection closed" | "error communicating with the server" => (
            Kind::DatabaseUnavailable,
            "the connection to the server was lost",
            Some("The connection was lost; retry the call."),
        ),
        "error connecting to server" | "timeout waiting for server" => (
            Kind::DatabaseUnavailable,
            "could not connect to the server",
            Some("Check that the server runs and accepts connections from this host."),
        ),
        "error performing TLS handshake" => (
            Kind::ConnectionMisconfigured,
            "could not establish a TLS connection",
            Some("Check sslmode and sslrootcert in the connection settings."),
        ),
        "authentication error" => (
            Kind::ConnectionMisconfigured,
            "could not authenticate",
            Some("Check the user name and the password in the connection settings."),
        ),
        "invalid connection string" | "invalid configuration" => {
            (Kind::ConnectionMisconfigured, "the connection settings are not valid", None)
        }
        // Fault of ours or of something between us and the server.
        other => (Kind::Internal, other, None),
    };
    let mut tool_error = ToolError::new(kind, message);
    tool_error.detail = cause.map(|cause| format!("The driver reports: {cause}."));
    tool_error.hint = hint.map(str::to_owned);
    tool_error
}
