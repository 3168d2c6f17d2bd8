//! JSON-RPC over the standard streams of the bridge, without any SDK: also what is no JSON-RPC.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::log::Log;
use super::wait_until;

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(60);

/// A bridge with its standard streams in our hands; killed when dropped.
#[derive(Debug)]
pub struct Pipe {
    process: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    log: Log,
    readers: Vec<JoinHandle<()>>,
    next_id: u64,
}

/// How it ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit status.
    pub status: ExitStatus,
    /// All that it logged.
    pub log: String,
    /// What it wrote that was not yet read.
    pub rest: Vec<Value>,
}

impl Pipe {
    /// Starts `command`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(command: &mut Command) -> Result<Self> {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {}", command.get_program().display()))?;
        let input = process.stdin.take();
        let output = process.stdout.take().context("no standard output")?;
        let (log, log_reader) = Log::follow(process.stderr.take().context("no standard error")?);
        let (sender, messages) = channel();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let Ok(line) = line else { return };
                // What is no JSON must not be on this stream at all: it fails whoever reads it.
                let message = serde_json::from_str(&line)
                    .unwrap_or_else(|error| json!({"not JSON": line, "why": error.to_string()}));
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let readers = vec![reader, log_reader];
        Ok(Self { process, input, messages, log, readers, next_id: 1 })
    }

    /// Starts `command` and makes the handshake of the sessions' era.
    ///
    /// # Errors
    /// When it does not answer as it must.
    pub fn initialized(command: &mut Command) -> Result<Self> {
        let mut pipe = Self::start(command)?;
        pipe.initialize()?;
        Ok(pipe)
    }

    /// Makes the handshake.
    ///
    /// # Errors
    /// When it does not answer as it must.
    pub fn initialize(&mut self) -> Result<Value> {
        let params = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        });
        let result = self.request("initialize", &params)?;
        self.notify("notifications/initialized", &json!({}))?;
        result.get("result").cloned().with_context(|| format!("initialize: {result}"))
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

    /// Writes bytes as they are.
    ///
    /// # Errors
    /// When the pipe is closed.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let input = self.input.as_mut().context("standard input is closed")?;
        input.write_all(bytes)?;
        Ok(input.flush()?)
    }

    /// Writes a message.
    ///
    /// # Errors
    /// When the pipe is closed.
    pub fn send(&mut self, message: &Value) -> Result<()> {
        self.write(format!("{message}\n").as_bytes())
    }

    /// Writes a notification.
    ///
    /// # Errors
    /// When the pipe is closed.
    pub fn notify(&mut self, method: &str, params: &Value) -> Result<()> {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}))
    }

    /// Writes a request and returns its id.
    ///
    /// # Errors
    /// When the pipe is closed.
    pub fn begin(&mut self, method: &str, params: &Value) -> Result<u64> {
        let id = self.next_id;
        self.next_id += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))?;
        Ok(id)
    }

    /// The next message, if one comes within `limit`.
    ///
    /// # Errors
    /// When the output was closed.
    pub fn receive(&self, limit: Duration) -> Result<Option<Value>> {
        match self.messages.recv_timeout(limit) {
            Ok(message) => Ok(Some(message)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => {
                bail!("the bridge closed its output; its log:\n{}", self.log.text())
            }
        }
    }

    /// The answer to the request `id`; other messages are skipped.
    ///
    /// # Errors
    /// When none comes.
    pub fn answer(&self, id: u64) -> Result<Value> {
        let end = Instant::now() + LIMIT;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let message = self.receive(left)?;
            let message = message.with_context(|| {
                format!("no answer to request {id}; the log:\n{}", self.log.text())
            })?;
            ensure!(message.get("not JSON").is_none(), "{message}");
            if message.get("id") == Some(&json!(id)) && message.get("method").is_none() {
                return Ok(message);
            }
        }
    }

    /// Asks and waits for the answer: the whole message.
    ///
    /// # Errors
    /// When none comes.
    pub fn request(&mut self, method: &str, params: &Value) -> Result<Value> {
        let id = self.begin(method, params)?;
        self.answer(id)
    }

    /// Calls a tool: its result.
    ///
    /// # Errors
    /// When there is no result but an error of the protocol.
    pub fn call(&mut self, tool: &str, arguments: &Value) -> Result<Value> {
        let answer = self.request("tools/call", &json!({"name": tool, "arguments": arguments}))?;
        answer.get("result").cloned().with_context(|| format!("{tool}: {answer}"))
    }

    /// Closes its input and waits for its end.
    ///
    /// # Errors
    /// When it does not end.
    pub fn close(mut self) -> Result<Ended> {
        drop(self.input.take());
        self.wait()
    }

    /// Ends it by a signal and waits for its end.
    ///
    /// # Errors
    /// When it does not end.
    pub fn end(mut self, by: &str) -> Result<Ended> {
        super::signal(self.pid(), by)?;
        self.wait()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it does not end.
    pub fn wait(&mut self) -> Result<Ended> {
        let mut status = None;
        wait_until("the bridge ends", Duration::from_secs(20), || {
            status = self.process.try_wait()?;
            Ok(status.is_some())
        })
        .with_context(|| self.log.text())?;
        for reader in self.readers.drain(..) {
            // A panic of the thread that only copies text tells nothing.
            drop(reader.join());
        }
        let rest = self.messages.try_iter().collect();
        Ok(Ended { status: status.context("no exit status")?, log: self.log.text(), rest })
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        // It may have ended before.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
