//! Settings of the HTTP listener.

use std::time::Duration;

use super::Tokens;

/// How to serve over HTTP.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// Host and port; a name may stand for several addresses, all of which are listened on.
    pub address: String,
    /// Path of the HTTP+SSE stream.
    pub sse_path: String,
    /// Path under which a reverse proxy shows the endpoints; part of the endpoint that HTTP+SSE
    /// clients are told.
    pub public_path: Option<String>,
    /// Who may call; empty: everyone who reaches the address.
    pub tokens: Tokens,
    /// Listen on a non-loopback address without tokens.
    pub no_auth: bool,
    /// Values of `Host` to accept beside those of loopback, with or without a port.
    pub allowed_hosts: Vec<String>,
    /// Web origins that may call.
    pub allowed_origins: Vec<String>,
    /// Most sessions of HTTP+SSE, and as many of Streamable HTTP.
    pub max_sessions: usize,
    /// Most connections at a time.
    pub max_connections: usize,
    /// Most bytes of a request's body.
    pub max_body: usize,
    /// How long a session of Streamable HTTP may be idle: without an open stream, and so without a
    /// call that runs.
    pub session_idle: Duration,
    /// How long it must have been idle to give way to a new one when all places are taken.
    pub session_spare: Duration,
    /// How long a client may take to initialize its session.
    pub init_timeout: Duration,
    /// How long a client may take none of the bytes that wait for it.
    pub stall_timeout: Duration,
    /// How long the client of a call may be gone before the call is cancelled, in sessions of
    /// Streamable HTTP, whose streams can be resumed.
    pub resume_grace: Duration,
    /// Whether to serve `/metrics`.
    pub metrics: bool,
    /// How long calls that run may go on after the shutdown began.
    pub drain: Duration,
}

impl HttpOptions {
    /// The defaults, on an address.
    #[must_use]
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            sse_path: "/sse".to_owned(),
            public_path: None,
            tokens: Tokens::default(),
            no_auth: false,
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            max_sessions: 64,
            max_connections: 512,
            max_body: 4 << 20,
            session_idle: Duration::from_secs(600),
            session_spare: Duration::from_secs(30),
            init_timeout: Duration::from_secs(60),
            stall_timeout: Duration::from_secs(30),
            resume_grace: Duration::from_secs(1),
            metrics: false,
            drain: Duration::from_secs(5),
        }
    }
}
