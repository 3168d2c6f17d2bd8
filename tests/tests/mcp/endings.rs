//! However a session ends, no statement of it runs on.

use std::time::{Duration, Instant};

use advisor_tests::bridge::http::{Events, post_json};
use advisor_tests::bridge::server::Server;
use advisor_tests::bridge::stdio::Pipe;
use advisor_tests::bridge::wait_until;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::Case;
use crate::fixture::{Fixture, endless};

pub(crate) const CASES: &[Case] = &[
    ("killed_bridge_leaves_no_statement", killed),
    ("closed_input_stops_the_statement", closed_input),
    ("sigterm_stops_the_statement", terminated),
    ("dropped_sse_stream_stops_the_statement", dropped_stream),
    ("dropped_http_call_stops_the_statement", dropped_call),
    ("sigterm_ends_open_sessions", open_sessions),
];

/// How soon a statement that nobody waits for must be gone.
const PROMPT: Duration = Duration::from_secs(4);

const RUNNING: &str = "state = 'active' and query like '%shop.endless%'";

fn wait_for(fixture: &Fixture, application: &str, running: i64, limit: Duration) -> Result<()> {
    let what = format!("{running} statements run");
    wait_until(&what, limit, || Ok(fixture.backends(application, RUNNING)? == running))?;
    Ok(())
}

/// A bridge over stdio that runs a statement without end.
fn busy_pipe(fixture: &Fixture, application: &str) -> Result<Pipe> {
    let mut pipe = Pipe::initialized(&mut fixture.bridge(application)?)?;
    let call = json!({"name": "execute_sql", "arguments": {"sql": endless("ending")}});
    pipe.begin("tools/call", &call)?;
    wait_for(fixture, application, 1, Duration::from_secs(10))?;
    Ok(pipe)
}

fn killed(fixture: &Fixture) -> Result<()> {
    let pipe = busy_pipe(fixture, "ending_killed")?;
    pipe.end("KILL")?;
    // Nobody can cancel it; the server looks every five seconds whether its client is there.
    wait_for(fixture, "ending_killed", 0, Duration::from_secs(8))?;
    fixture.assert_no_backend("ending_killed")
}

fn closed_input(fixture: &Fixture) -> Result<()> {
    let pipe = busy_pipe(fixture, "ending_closed")?;
    let begin = Instant::now();
    let ended = pipe.close()?;
    wait_for(fixture, "ending_closed", 0, PROMPT)?;
    ensure!(ended.status.success(), "{}:\n{}", ended.status, ended.log);
    ensure!(begin.elapsed() < Duration::from_secs(5), "it took {:?} to end", begin.elapsed());
    fixture.assert_no_backend("ending_closed")
}

fn terminated(fixture: &Fixture) -> Result<()> {
    let pipe = busy_pipe(fixture, "ending_terminated")?;
    let ended = pipe.end("TERM")?;
    wait_for(fixture, "ending_terminated", 0, PROMPT)?;
    ensure!(ended.status.success(), "{}:\n{}", ended.status, ended.log);
    fixture.assert_no_backend("ending_terminated")
}

/// A bridge over HTTP.
pub(crate) fn server(fixture: &Fixture, application: &str, flags: &[&str]) -> Result<Server> {
    let mut command = fixture.bridge(application)?;
    Server::start(command.args(["--transport=sse", "--listen=127.0.0.1:0"]).args(flags))
}

/// A session over HTTP+SSE by hand: the stream, and where to post.
pub(crate) struct Legacy {
    pub(crate) events: Events,
    pub(crate) endpoint: String,
}

impl Legacy {
    /// Opens a stream.
    pub(crate) fn open(server: &Server) -> Result<Self> {
        let mut events = Events::open(server.address(), "/sse", &[])?;
        let (name, endpoint) = events.next_event()?;
        ensure!(name == "endpoint", "{name}: {endpoint}");
        Ok(Self { events, endpoint })
    }

    /// Opens a stream and makes the handshake.
    pub(crate) fn initialized(server: &Server) -> Result<Self> {
        let mut session = Self::open(server)?;
        session.post(server, &initialize(0))?;
        session.answer(0)?;
        let message = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        session.post(server, &message)?;
        Ok(session)
    }

    /// Posts a message, which must be accepted.
    pub(crate) fn post(&self, server: &Server, message: &Value) -> Result<()> {
        let answer = post_json(server.address(), &self.endpoint, message.to_string().as_bytes())?;
        ensure!(answer.status == 202, "status {}: {}", answer.status, answer.body);
        Ok(())
    }

    /// The answer to a request.
    pub(crate) fn answer(&mut self, id: u64) -> Result<Value> {
        loop {
            let (_, data) = self.events.next_event()?;
            let message: Value = serde_json::from_str(&data).with_context(|| data)?;
            if message["id"] == json!(id) {
                return Ok(message);
            }
        }
    }
}

/// The first message of a session.
pub(crate) fn initialize(id: u64) -> Value {
    json!({
        "jsonrpc": "2.0", "id": id, "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    })
}

/// A call of `execute_sql`.
pub(crate) fn execute(id: u64, sql: &str) -> Value {
    json!({
        "jsonrpc": "2.0", "id": id, "method": "tools/call",
        "params": {"name": "execute_sql", "arguments": {"sql": sql}},
    })
}

fn dropped_stream(fixture: &Fixture) -> Result<()> {
    let server = server(fixture, "ending_stream", &[])?;
    let session = Legacy::initialized(&server)?;
    session.post(&server, &execute(1, &endless("dropped")))?;
    wait_for(fixture, "ending_stream", 1, Duration::from_secs(10))?;
    drop(session);
    wait_for(fixture, "ending_stream", 0, PROMPT)?;
    ensure!(server.stop()?.status.success());
    fixture.assert_no_backend("ending_stream")
}

/// A call in the era without sessions: when its connection is closed, nobody will ask again.
fn dropped_call(fixture: &Fixture) -> Result<()> {
    let server = server(fixture, "ending_call", &[])?;
    let mut call = execute(1, &endless("dropped"));
    call["params"]["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let stream = std::net::TcpStream::connect(server.address())?;
    let body = call.to_string();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n\
         Mcp-Method: tools/call\r\nMcp-Name: execute_sql\r\nContent-Length: {}\r\n\r\n{body}",
        server.address(),
        body.len(),
    );
    std::io::Write::write_all(&mut &stream, head.as_bytes())?;
    wait_for(fixture, "ending_call", 1, Duration::from_secs(10))?;
    drop(stream);
    wait_for(fixture, "ending_call", 0, PROMPT)?;
    ensure!(server.stop()?.status.success());
    fixture.assert_no_backend("ending_call")
}

/// A stream that stays open does not hold up the end.
fn open_sessions(fixture: &Fixture) -> Result<()> {
    let server = server(fixture, "ending_open", &[])?;
    let idle = Legacy::initialized(&server)?;
    let busy = Legacy::initialized(&server)?;
    busy.post(&server, &execute(1, &endless("open")))?;
    wait_for(fixture, "ending_open", 1, Duration::from_secs(10))?;
    let begin = Instant::now();
    let ended = server.stop()?;
    ensure!(ended.status.success(), "{}:\n{}", ended.status, ended.log);
    ensure!(begin.elapsed() < Duration::from_secs(8), "it took {:?} to end", begin.elapsed());
    wait_for(fixture, "ending_open", 0, PROMPT)?;
    drop((idle, busy));
    fixture.assert_no_backend("ending_open")
}
