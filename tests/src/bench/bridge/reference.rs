//! The program that mcp-bridge replaces: Postgres MCP Pro, as `tests/bin/reference.sh` installs it.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::bridge::wait_until;

/// How long it may take to listen.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Where it is, or why it is not there.
#[derive(Debug)]
pub(in crate::bench) struct Reference {
    program: Result<PathBuf, String>,
    version: String,
}

impl Reference {
    /// Looks where the script puts it.
    pub(in crate::bench) fn find() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/reference");
        let note =
            |name: &str| fs::read_to_string(folder.join(name)).map(|text| text.trim().to_owned());
        let program = folder.join("venv/bin/postgres-mcp");
        let program = if program.is_file() {
            Ok(program)
        } else {
            Err(note("absent").unwrap_or_else(|_| "run tests/bin/reference.sh".to_owned()))
        };
        Self { program, version: note("version").unwrap_or_default() }
    }

    /// Name and version, for the head of a column.
    pub(in crate::bench) fn title(&self) -> String {
        format!("postgres-mcp {}", self.version).trim_end().to_owned()
    }

    /// A command for it, in the access mode that is the bridge's default.
    ///
    /// # Errors
    /// Why there is none.
    pub(in crate::bench) fn command(&self) -> Result<Command, String> {
        let mut command = Command::new(self.program.as_ref().map_err(Clone::clone)?);
        command.arg("--access-mode=restricted");
        Ok(command)
    }

    /// Starts it as a server; the inner error is why there is none.
    pub(in crate::bench) fn serve(&self, uri: &str) -> Result<Result<Served, String>> {
        let mut command = match self.command() {
            Ok(command) => command,
            Err(why) => return Ok(Err(why)),
        };
        // It wants to know the port beforehand. Another process may take it until then, which shows.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let process = command
            .env("DATABASE_URI", uri)
            .args(["--transport=sse", "--sse-host=127.0.0.1"])
            .arg(format!("--sse-port={}", address.port()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("start the reference")?;
        let served = Served { process, address: address.to_string() };
        wait_until("the reference listens", START_LIMIT, || {
            Ok(TcpStream::connect(address).is_ok())
        })?;
        Ok(Ok(served))
    }
}

/// It, as a server; killed when dropped.
#[derive(Debug)]
pub(in crate::bench) struct Served {
    process: Child,
    address: String,
}

impl Served {
    /// Address and port.
    pub(in crate::bench) fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended before.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
