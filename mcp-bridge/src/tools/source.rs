//! Where an answer comes from: the extension's function, or the same SQL text when it is absent.

use crate::db::ServerInfo;
use crate::error::{Kind, ToolError};

/// The extension whose functions the tools call.
pub(crate) const EXTENSION: &str = "mcp_advisor";

/// `name` as an SQL identifier.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `schema.function`, when the extension is there.
pub(crate) fn function(server: &ServerInfo, name: &str) -> Option<String> {
    let extension = server.extensions.get(EXTENSION)?;
    Some(format!("{}.{name}", quoted(&extension.schema)))
}

/// `schema.function`, or an error that says what to do.
///
/// # Errors
/// [`Kind::MissingExtension`].
pub(crate) fn required_function(server: &ServerInfo, name: &str) -> Result<String, ToolError> {
    function(server, name).ok_or_else(|| missing(server))
}

/// What to do to have the extension.
pub(crate) fn missing(server: &ServerInfo) -> ToolError {
    let error = ToolError::new(
        Kind::MissingExtension,
        format!(
            "this tool needs the extension \"{EXTENSION}\" in database \"{}\"",
            server.database
        ),
    );
    if server.available.contains_key(EXTENSION) {
        error
            .with_detail("Its files are on the server, but it is not created in this database.")
            .with_hint(format!("A superuser must run: CREATE EXTENSION {EXTENSION};"))
    } else {
        error.with_detail("Its files are not on the server.").with_hint(format!(
            "Install {EXTENSION} on the server (see its README), then a superuser must run: \
                 CREATE EXTENSION {EXTENSION};"
        ))
    }
}
