//! mcp-bridge: the functions of the extension `mcp_advisor` as MCP tools, behind a guard.

pub mod db;
pub mod error;
pub mod guard;
pub mod settings;

/// The version of this crate, which is the product's.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
