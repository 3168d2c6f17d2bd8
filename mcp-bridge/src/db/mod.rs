//! The bridge's side of PostgreSQL: pools, one transaction a call, results as faithful JSON,
//! cancellation, and the server's errors as the tools' own.
//!
//! Deliberately not here: what a statement may do (that is [`crate::guard`]'s; nothing in this
//! module decides whether a text is read-only, it only makes sure that one text stays one
//! statement), and the SQL of the tools. Named prepared statements and session settings are never
//! used, so that a pooler in transaction mode may stand in between.

mod begin;
mod cell;
pub mod connect;
mod database;
pub mod error;
mod latch;
mod pool;
mod query;
mod rows;
mod server;
mod session;
mod simple;
mod statement;
mod stop;
mod table;
mod wrap;

use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use connect::NoticeSink;
pub use database::{AnalysisSlot, Database, Databases};
pub use latch::Latching;
pub use rows::Param;
pub use server::{Extension, ServerInfo};
pub use session::Session;
pub use table::{BigNumbers, Caps, Column, Table, Truncation, TruncationReason};

/// What one tool call brings along.
#[derive(Debug, Clone)]
pub struct Call {
    /// Set off when the client gives the call up.
    pub cancelled: CancellationToken,
    /// How long a session of the call may take, from asking for the connection to the last row.
    pub timeout: Duration,
    /// Where the server's notices go, such as the extension's progress.
    pub notices: Option<NoticeSink>,
}

impl Call {
    /// A call that nobody cancels and whose notices nobody wants.
    #[must_use]
    pub fn with_timeout(timeout: Duration) -> Self {
        Self { cancelled: CancellationToken::new(), timeout, notices: None }
    }
}
