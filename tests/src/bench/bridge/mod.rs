//! mcp-bridge, the program: how fast it is there, how much memory it takes, how many calls it
//! answers, and whether each answer reaches whom it is for.
//!
//! [`startup`] compares it with the Python program it replaces, [`load`] counts calls a second,
//! [`crossed`] checks answers one by one. Client, bridge and server share the machine.

mod client;
mod crossed;
mod http;
mod load;
mod process;
pub(super) mod reference;
mod startup;

use std::thread::available_parallelism;

use anyhow::{Context, Result, ensure};
use tokio::runtime::{Builder, Runtime};

use super::Bench;
use super::databases::Database;
use crate::bridge::{self, server::Server};
use client::Call;

/// The most clients at a time.
const MOST_CLIENTS: usize = 64;

pub(super) fn measure(bench: &mut Bench<'_>) -> Result<()> {
    let uri = bench.databases.uri(Database::App)?;
    startup::measure(bench, &uri)?;
    let server = start(&uri)?;
    let runtime = runtime()?;
    load::measure(bench, &runtime, server.address(), &uri)?;
    crossed::measure(bench, &runtime, server.address())?;
    let peak = process::peak_memory(server.pid())?;
    bench.progress.line(&format!("peak memory of the bridge after all this: {}", memory(peak)));
    let ended = server.stop()?;
    ensure!(ended.status.success(), "the bridge ended with {}", ended.status);
    Ok(())
}

/// The bridge with its defaults, except that so many clients may be served at a time.
fn start(uri: &str) -> Result<Server> {
    let mut command = bridge::command()?;
    // Port 0: whatever is free.
    command.env("DATABASE_URI", uri).args(["--transport=sse", "--listen=127.0.0.1:0"]);
    command.arg(format!("--max-calls={}", 4 * MOST_CLIENTS));
    command.arg(format!("--max-sessions={}", 2 * MOST_CLIENTS));
    Server::start(&mut command)
}

fn runtime() -> Result<Runtime> {
    let threads = available_parallelism().map_or(2, usize::from);
    Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .context("start the load generator")
}

fn memory(bytes: u64) -> String {
    crate::program::megabytes(bytes as f64)
}

/// A call whose answer is `value`, which must need no quoting.
fn one_value(value: &str) -> Call {
    Call::sql(&format!("select '{value}'"))
}
