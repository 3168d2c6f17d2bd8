//! `completions` and `tools`: texts made from the command line and the tools themselves.

use std::io::{self, Write};

use clap::CommandFactory;

use super::Cli;
use crate::tools::{self, AccessMode, Surface};

/// Writes a shell's completion script.
pub fn completions(shell: clap_complete::Shell, out: &mut dyn Write) {
    clap_complete::generate(shell, &mut Cli::command(), "mcp-bridge", out);
}

/// Writes the tools as JSON.
///
/// # Errors
/// What writing says.
pub fn tools(access: AccessMode, out: &mut dyn Write) -> io::Result<()> {
    let surface = Surface { access, databases: vec!["default".to_owned()] };
    serde_json::to_writer_pretty(&mut *out, &tools::list(&surface))?;
    writeln!(out)
}
