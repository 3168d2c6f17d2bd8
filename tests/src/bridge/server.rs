//! The bridge as an HTTP server in a process of its own.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::log::Log;
use super::{signal, wait_until};

/// How long it may take to listen, and to end when it is told to. Generous: the machine is busy.
const LIMIT: Duration = Duration::from_secs(20);

/// A running server; killed when dropped.
#[derive(Debug)]
pub struct Server {
    process: Child,
    log: Log,
    reader: Option<JoinHandle<()>>,
    address: String,
}

/// How it ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit status.
    pub status: ExitStatus,
    /// All that it logged.
    pub log: String,
}

impl Server {
    /// Starts `command` and waits until it says where it listens.
    ///
    /// # Errors
    /// When it ends instead; the message has its log.
    pub fn start(command: &mut Command) -> Result<Self> {
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {}", command.get_program().display()))?;
        let stderr = process.stderr.take().context("no standard error")?;
        let (log, reader) = Log::follow(stderr);
        let mut server = Self { process, log, reader: Some(reader), address: String::new() };
        server.address = server.wait_for_address()?;
        Ok(server)
    }

    fn wait_for_address(&mut self) -> Result<String> {
        let mut address = None;
        let log = self.log.clone();
        wait_until("the bridge listens", LIMIT, || {
            if let Some(status) = self.process.try_wait()? {
                bail!("the bridge ended ({status}):\n{}", log.text());
            }
            address = listening(&log.text());
            Ok(address.is_some())
        })
        .with_context(|| log.text())?;
        address.context("no address")
    }

    /// Address and port.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// What it logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Whether it still runs.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.process.try_wait()?.is_none())
    }

    /// Ends it by SIGTERM and waits for it.
    ///
    /// # Errors
    /// When it does not end in time.
    pub fn stop(self) -> Result<Ended> {
        self.end("TERM")
    }

    /// Ends it by a signal and waits for it.
    ///
    /// # Errors
    /// When it does not end in time.
    pub fn end(mut self, by: &str) -> Result<Ended> {
        signal(self.pid(), by)?;
        let mut status = None;
        wait_until("the bridge ends", LIMIT, || {
            status = self.process.try_wait()?;
            Ok(status.is_some())
        })
        .with_context(|| self.log.text())?;
        if let Some(reader) = self.reader.take() {
            // A panic of the thread that only copies text tells nothing.
            drop(reader.join());
        }
        Ok(Ended { status: status.context("no exit status")?, log: self.log.text() })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended before.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// The first address in the line that says so, as text or as JSON.
fn listening(log: &str) -> Option<String> {
    let line = log.lines().find(|line| line.contains("listening"))?;
    let (_, rest) = line.split_once("addresses")?;
    let address = rest.trim_start_matches(['=', '"', ':', ' ']);
    let ends = |c: char| c.is_whitespace() || c == '"' || c == ',';
    let end = address.find(ends).unwrap_or(address.len());
    (end > 0).then(|| address[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use super::listening;

    #[test]
    fn the_address_is_found_in_either_form_of_log() {
        for (log, address) in [
            (
                "INFO serving\nINFO listening addresses=\"127.0.0.1:41, [::1]:41\"\n",
                Some("127.0.0.1:41"),
            ),
            (r#"{"fields":{"message":"listening","addresses":"[::1]:80"}}"#, Some("[::1]:80")),
            ("INFO serving", None),
        ] {
            assert_eq!(listening(log).as_deref(), address);
        }
    }
}
