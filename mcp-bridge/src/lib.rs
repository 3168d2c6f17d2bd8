//! mcp-bridge: the functions of the extension `mcp_advisor` as MCP tools, behind a guard.
//!
//! The library is the whole program but for `main`; it exists so that tests can drive its parts.

pub mod cli;
mod completion;
pub mod db;
pub mod error;
pub mod guard;
pub mod handler;
mod instructions;
pub mod metrics;
mod parser;
mod powers;
mod progress;
mod prompts;
mod report;
mod resources;
mod result;
mod sampling;
pub mod settings;
mod shadow;
pub mod tools;
pub mod transport;

/// The version of this crate, which is the product's.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
