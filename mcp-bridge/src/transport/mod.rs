//! How clients reach the bridge: stdio, HTTP+SSE of protocol 2024-11-05, Streamable HTTP.
//!
//! Generic over the MCP handler: nothing here knows a tool or a database. Framing, sessions,
//! access control and shutdown are here; the protocol itself is rmcp's.

mod access;
mod auth;
mod body;
mod clip;
mod cors;
mod http;
mod linked;
mod message;
mod options;
mod queue;
mod routes;
mod sessions;
mod sse;
mod stdio;
mod streamable;

pub use auth::{Principal, Tokens};
pub use http::Listener;
pub use options::HttpOptions;
pub use routes::Readiness;
pub use stdio::{serve_lines, stdio};

/// Why a transport cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// Settings that contradict each other or are unsafe.
    #[error("{0}")]
    Settings(String),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// What was asked for.
        address: String,
        /// Why not.
        source: std::io::Error,
    },
    /// Reading or writing broke.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}
