//! A client for load: JSON-RPC by hand, for an SDK would cost more than what is measured.
//!
//! It asks, and gives the answer to each of its own requests. Whether the answer is right is for
//! others to say.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use serde_json::{Value, json};

use super::http::{self, Connection, Events};

/// The version of the protocol's sessions.
const SESSION_VERSION: &str = "2025-11-25";

/// The version of the protocol without sessions.
const STATELESS_VERSION: &str = "2026-07-28";

const SESSION_HEADER: &str = "mcp-session-id";

/// A way to talk to the bridge over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    /// HTTP+SSE: requests are posted, all answers come in one stream.
    Sse,
    /// Streamable HTTP with a session.
    Session,
    /// Streamable HTTP of 2026-07-28: each request by itself.
    Stateless,
}

impl Transport {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Sse, Self::Session, Self::Stateless];

    /// Its name in tables.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Sse => "HTTP+SSE",
            Self::Session => "Streamable HTTP, session",
            Self::Stateless => "Streamable HTTP, stateless",
        }
    }
}

/// A call of a tool.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// The tool.
    pub(super) tool: &'static str,
    /// Its arguments.
    pub(super) arguments: Value,
}

impl Call {
    /// `execute_sql` with this statement.
    pub(super) fn sql(sql: &str) -> Self {
        Self { tool: "execute_sql", arguments: json!({"sql": sql}) }
    }
}

/// A connected client.
pub(super) struct Client {
    talk: Talk,
    next_id: u64,
}

/// Requests go over as many connections as there may be at a time.
enum Talk {
    Sse { lane: Connection, endpoint: String, events: Events, _stream: Connection },
    Http { lanes: Vec<Connection>, session: Option<String> },
}

impl Client {
    /// Connects, and makes the handshake where there is one. `lanes` calls can be made at a time.
    pub(super) async fn connect(transport: Transport, address: &str, lanes: usize) -> Result<Self> {
        let talk = match transport {
            Transport::Sse => open_stream(address).await?,
            Transport::Session | Transport::Stateless => {
                let lanes = try_join_all((0..lanes).map(|_| Connection::open(address))).await?;
                Talk::Http { lanes, session: None }
            }
        };
        let mut client = Self { talk, next_id: 1 };
        if transport != Transport::Stateless {
            client.initialize().await.context("initialize")?;
        }
        Ok(client)
    }

    /// Makes calls at the same time, at most one a lane; their answers as JSON-RPC messages, in the
    /// order of the calls.
    pub(super) async fn call(&mut self, calls: &[Call]) -> Result<Vec<Value>> {
        let first = self.next_id;
        self.next_id += calls.len() as u64;
        let stateless = matches!(&self.talk, Talk::Http { session: None, .. });
        let messages =
            calls.iter().zip(first..).map(|(call, id)| (id, call, request(id, call, stateless)));
        match &mut self.talk {
            Talk::Sse { lane, endpoint, events, .. } => {
                for (_, _, message) in messages {
                    http::discard(lane.post(endpoint, &[], message).await?).await?;
                }
                collect(events, first, calls.len()).await
            }
            Talk::Http { lanes, session } => {
                ensure!(calls.len() <= lanes.len(), "more calls than lanes");
                let session = session.as_deref();
                try_join_all(
                    lanes
                        .iter_mut()
                        .zip(messages)
                        .map(|(lane, (id, call, message))| over(lane, session, id, call, message)),
                )
                .await
            }
        }
    }

    /// Ends the session, if there is one: the bridge keeps it otherwise, for a client may come back.
    pub(super) async fn close(self) -> Result<()> {
        // A stream ends with its connection.
        let Talk::Http { mut lanes, session: Some(session) } = self.talk else { return Ok(()) };
        let headers =
            [(SESSION_HEADER, session.as_str()), ("mcp-protocol-version", SESSION_VERSION)];
        lanes.first_mut().context("no lane")?.delete("/mcp", &headers).await
    }

    async fn initialize(&mut self) -> Result<()> {
        let id = self.next_id;
        self.next_id += 1;
        let params = json!({
            "protocolVersion": SESSION_VERSION,
            "capabilities": {},
            "clientInfo": {"name": "bench", "version": "1"},
        });
        let hello = message(Some(id), "initialize", &params);
        let ready = message(None, "notifications/initialized", &json!({}));
        match &mut self.talk {
            Talk::Sse { lane, endpoint, events, .. } => {
                http::discard(lane.post(endpoint, &[], hello).await?).await?;
                let answer = events.answer(id).await?;
                ensure!(answer.get("result").is_some(), "{answer}");
                http::discard(lane.post(endpoint, &[], ready).await?).await
            }
            Talk::Http { lanes, session } => {
                let lane = lanes.first_mut().context("no lane")?;
                let response = lane.post("/mcp", &[], hello).await?;
                let given = response.headers().get(SESSION_HEADER).context("no session id")?;
                let given = given.to_str()?.to_owned();
                let answer = http::answer(response, id).await?;
                ensure!(answer.get("result").is_some(), "{answer}");
                let headers =
                    [(SESSION_HEADER, given.as_str()), ("mcp-protocol-version", SESSION_VERSION)];
                http::discard(lane.post("/mcp", &headers, ready).await?).await?;
                *session = Some(given);
                Ok(())
            }
        }
    }
}

async fn open_stream(address: &str) -> Result<Talk> {
    let mut stream = Connection::open(address).await?;
    let mut events = stream.events("/sse").await?;
    let event = events.next().await?;
    ensure!(event.name == "endpoint", "the first event is {:?}", event.name);
    // An absolute URL would name the address again.
    let origin = format!("http://{address}");
    let endpoint = event.data.strip_prefix(&origin).unwrap_or(&event.data);
    ensure!(endpoint.starts_with('/'), "endpoint {endpoint:?}");
    let endpoint = endpoint.to_owned();
    let lane = Connection::open(address).await?;
    Ok(Talk::Sse { lane, endpoint, events, _stream: stream })
}

/// Waits for the answers to `count` requests from `first` on.
async fn collect(events: &mut Events, first: u64, count: usize) -> Result<Vec<Value>> {
    let mut answers = HashMap::with_capacity(count);
    while answers.len() < count {
        let (id, answer) = events.any_answer().await?;
        ensure!(
            (first..first + count as u64).contains(&id) && answers.insert(id, answer).is_none(),
            "an answer to request {id}, which nobody waits for"
        );
    }
    (first..first + count as u64).map(|id| answers.remove(&id).context("no answer")).collect()
}

/// One call over Streamable HTTP.
async fn over(
    lane: &mut Connection,
    session: Option<&str>,
    id: u64,
    call: &Call,
    message: String,
) -> Result<Value> {
    let headers = match session {
        Some(session) => {
            vec![(SESSION_HEADER, session), ("mcp-protocol-version", SESSION_VERSION)]
        }
        None => vec![
            ("mcp-protocol-version", STATELESS_VERSION),
            ("mcp-method", "tools/call"),
            ("mcp-name", call.tool),
        ],
    };
    http::answer(lane.post("/mcp", &headers, message).await?, id).await
}

fn request(id: u64, call: &Call, stateless: bool) -> String {
    let mut params = json!({"name": call.tool, "arguments": call.arguments});
    if stateless {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": STATELESS_VERSION,
            "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        });
    }
    message(Some(id), "tools/call", &params)
}

fn message(id: Option<u64>, method: &str, params: &Value) -> String {
    let mut message = json!({"jsonrpc": "2.0", "method": method, "params": params});
    if let Some(id) = id {
        message["id"] = json!(id);
    }
    message.to_string()
}
