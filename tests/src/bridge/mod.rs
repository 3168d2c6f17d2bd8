//! The program `mcp-bridge` from outside: started over a transport, talked to, stopped.
//!
//! [`http`] starts it as a server, [`stdio`] talks JSON-RPC to it over its standard streams,
//! [`driver`] runs one of the MCP clients below `tests/clients`. Nothing here knows what is right.

pub mod driver;
pub mod http;
pub mod log;
pub mod proxy;
pub mod server;
pub mod stdio;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// The program: `ADVISOR_BRIDGE`, or what cargo built beside this one.
///
/// # Errors
/// When it was not built.
pub fn program() -> Result<PathBuf> {
    let path = match std::env::var_os("ADVISOR_BRIDGE") {
        Some(path) => PathBuf::from(path),
        None => {
            let own = std::env::current_exe().context("where is this program")?;
            // Tests are in `deps`, programs one above.
            let folder = own.parent().and_then(Path::parent).context("no target folder")?;
            folder.join("mcp-bridge")
        }
    };
    ensure!(path.is_file(), "no {}: run cargo build --package mcp-bridge", path.display());
    Ok(path)
}

/// A command for the program that takes nothing from our environment but what every program needs.
///
/// # Errors
/// When it was not built.
pub fn command() -> Result<Command> {
    let mut command = Command::new(program()?);
    command.env_clear();
    for name in ["PATH", "HOME", "TMPDIR", "LANG", "RUST_BACKTRACE"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    Ok(command)
}

/// Waits until `done`, asking again every few milliseconds.
///
/// # Errors
/// When it is not done within `limit`; or the error of `done`.
pub fn wait_until(
    what: &str,
    limit: Duration,
    mut done: impl FnMut() -> Result<bool>,
) -> Result<Duration> {
    let begin = Instant::now();
    loop {
        if done()? {
            return Ok(begin.elapsed());
        }
        ensure!(begin.elapsed() < limit, "{what}: not within {} s", limit.as_secs_f64());
        sleep(Duration::from_millis(20));
    }
}

/// Sends a signal to a process that we started.
///
/// # Errors
/// When there is no such process, or it is not ours.
pub fn signal(pid: u32, name: &str) -> Result<()> {
    let status = Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).status()?;
    ensure!(status.success(), "kill -{name} {pid}: {status}");
    Ok(())
}
