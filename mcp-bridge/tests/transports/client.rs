//! Clients as raw as a test needs them: HTTP/1.1 over one connection, events of a stream, a server
//! on a port of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use mcp_bridge::transport::{HttpOptions, Listener, Readiness};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::fixture::Fixture;

/// How long anything may take that is to happen soon. Long, because the machine may be busy.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// What is at once on a busy machine; rmcp by itself waits for 5 s.
pub(crate) const AT_ONCE: Duration = Duration::from_secs(3);

/// A server around a fixture, which ends with this.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) fixture: Fixture,
    pub(crate) shutdown: CancellationToken,
    pub(crate) serving: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.cancel();
        self.serving.abort();
    }
}

impl Server {
    pub(crate) async fn start() -> Result<Self> {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut HttpOptions)) -> Result<Self> {
        let ready: Readiness = Arc::new(|| Box::pin(async { Ok(()) }));
        Self::with_readiness(ready, change).await
    }

    pub(crate) async fn with_readiness(
        ready: Readiness,
        change: impl FnOnce(&mut HttpOptions),
    ) -> Result<Self> {
        let mut options = HttpOptions::new("127.0.0.1:0");
        change(&mut options);
        let listener = Listener::bind(options).await?;
        let address = *listener.local_addrs().first().context("no address")?;
        let (fixture, shutdown) = (Fixture::new(), CancellationToken::new());
        let serving = tokio::spawn(listener.serve(fixture.clone(), ready, shutdown.clone()));
        Ok(Self { address, fixture, shutdown, serving })
    }

    pub(crate) async fn connect(&self) -> Result<Connection> {
        Connection::open(self.address).await
    }

    /// Handlers that sessions and calls hold; none when nothing is left of them.
    ///
    /// Two transports keep one each to make more, and this is one.
    pub(crate) fn handlers(&self) -> usize {
        Arc::strong_count(&self.fixture.counts).saturating_sub(3)
    }

    /// Calls of `test_wait` that started, finished and were cancelled.
    pub(crate) fn waits(&self) -> (usize, usize, usize) {
        let counts = &self.fixture.counts;
        let [started, finished, cancelled] = [&counts.started, &counts.finished, &counts.cancelled]
            .map(|count| count.load(Ordering::SeqCst));
        (started, finished, cancelled)
    }

    /// One request over a connection of its own.
    pub(crate) async fn request(&self, request: Asked) -> Result<Answer> {
        self.connect().await?.request(request).await
    }
}

/// Waits until something is so.
pub(crate) async fn eventually(what: &str, mut so: impl FnMut() -> bool) -> Result<()> {
    let limit = tokio::time::Instant::now() + SOON;
    while !so() {
        ensure!(tokio::time::Instant::now() < limit, "not soon: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// A request to be sent.
pub(crate) struct Asked {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Asked {
    pub(crate) fn new(method: &'static str, path: &str) -> Self {
        Self { method, path: path.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path).header("accept", "text/event-stream")
    }

    /// A message to `/mcp` or `/messages`.
    pub(crate) fn post(path: &str, body: impl Into<Vec<u8>>) -> Self {
        let mut request = Self::new("POST", path)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream");
        request.body = body.into();
        request
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn session(self, id: &str) -> Self {
        self.header("mcp-session-id", id)
    }
}

/// One connection to a server.
pub(crate) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
    address: SocketAddr,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let driver = tokio::spawn(async move {
            // The server may close it at any time; the requests tell.
            let _ = connection.await;
        });
        Ok(Self { sender, driver, address })
    }

    /// Sends a request and returns when the head of the answer is here.
    pub(crate) async fn send(&mut self, asked: Asked) -> Result<Response<Incoming>> {
        let mut request = Request::builder().method(asked.method).uri(asked.path);
        if !asked.headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", self.address.to_string());
        }
        for (name, value) in asked.headers.iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(Bytes::from(asked.body)))?;
        Ok(tokio::time::timeout(SOON, self.sender.send_request(request)).await??)
    }

    pub(crate) async fn request(&mut self, asked: Asked) -> Result<Answer> {
        let response = self.send(asked).await?;
        Answer::read(response).await
    }

    /// Sends a request whose answer is a stream of events.
    pub(crate) async fn stream(mut self, asked: Asked) -> Result<Events> {
        let response = self.send(asked).await?;
        ensure!(response.status() == StatusCode::OK, "{}", response.status());
        Ok(Events::new(response, self))
    }
}

/// An answer that is all here.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: hyper::HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    async fn read(response: Response<Incoming>) -> Result<Self> {
        let (head, body) = response.into_parts();
        let body = tokio::time::timeout(3 * SOON, body.collect()).await??.to_bytes();
        Ok(Self {
            status: head.status.as_u16(),
            headers: head.headers,
            body: String::from_utf8(body.into())?,
        })
    }

    /// The message: of the body, or of the last event that has one.
    pub(crate) fn message(&self) -> Result<Value> {
        let data = self
            .body
            .lines()
            .filter_map(|line| line.strip_prefix("data:"))
            .map(str::trim)
            .rfind(|data| !data.is_empty())
            .unwrap_or(&self.body);
        serde_json::from_str(data).with_context(|| format!("{self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A stream of events.
pub(crate) struct Events {
    response: Response<Incoming>,
    buffer: String,
    _connection: Connection,
}

/// One event.
#[derive(Debug, Default)]
pub(crate) struct Event {
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) data: String,
}

impl Events {
    fn new(response: Response<Incoming>, connection: Connection) -> Self {
        Self { response, buffer: String::new(), _connection: connection }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// The next event; none when the stream has ended.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>> {
        loop {
            if let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let mut event = Event::default();
                for line in block.lines() {
                    let (field, value) = line.split_once(':').unwrap_or((line, ""));
                    let value = value.trim_start();
                    match field {
                        "event" => value.clone_into(&mut event.kind),
                        "id" => value.clone_into(&mut event.id),
                        "data" => event.data.push_str(value),
                        _ => {}
                    }
                }
                self.buffer = rest.to_owned();
                return Ok(Some(event));
            }
            let frame = tokio::time::timeout(3 * SOON, self.response.body_mut().frame())
                .await
                .context("no event came")?;
            match frame {
                None => return Ok(None),
                Some(frame) => {
                    if let Ok(data) = frame?.into_data() {
                        self.buffer.push_str(std::str::from_utf8(&data)?);
                    }
                }
            }
        }
    }

    /// The next message.
    pub(crate) async fn message(&mut self) -> Result<Value> {
        loop {
            let Some(event) = self.next().await? else { bail!("the stream has ended") };
            if !event.data.is_empty() {
                return serde_json::from_str(&event.data).with_context(|| format!("{event:?}"));
            }
        }
    }
}

/// A request of the protocol as it is written.
pub(crate) fn request(id: u64, method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()
}

/// A call of a tool.
pub(crate) fn call(id: u64, tool: &str, arguments: &Value) -> String {
    request(id, "tools/call", &json!({"name": tool, "arguments": arguments}))
}

/// The request that begins a session.
pub(crate) fn initialize(id: u64) -> String {
    let client = json!({"name": "test", "version": "0"});
    let params = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client});
    request(id, "initialize", &params)
}

pub(crate) fn initialized() -> String {
    json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string()
}

pub(crate) fn cancelled(id: u64) -> String {
    let params = json!({"requestId": id});
    json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}).to_string()
}

/// A request of the stateless era.
pub(crate) fn stateless(id: u64, method: &str, mut params: Value) -> String {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "0"}
    });
    request(id, method, &params)
}

/// The same, to `/mcp`, with the headers that belong to it.
pub(crate) fn stateless_post(id: u64, method: &str, params: Value) -> Asked {
    let name = params["name"].as_str().unwrap_or_default().to_owned();
    Asked::post("/mcp", stateless(id, method, params))
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", method)
        .header("mcp-name", &name)
}

/// A call with an argument of so many bytes; serde_json would take long for it without optimisation.
pub(crate) fn long_call(id: u64, bytes: usize) -> String {
    call(id, "test_echo", &json!({"value": "#"})).replace('#', &"x".repeat(bytes))
}
