//! One HTTP/1.1 connection that is kept, and the two forms in which MCP answers over it.

use anyhow::{Context, Result, bail, ensure};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// A connection; requests follow each other on it.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    address: String,
}

impl Connection {
    /// Connects to an address with a port.
    pub(super) async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await.context("connect")?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // It ends with the sender; what goes wrong with it, the sender reports.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self { sender, address: address.to_owned() })
    }

    /// Opens a stream of server-sent events.
    pub(super) async fn events(&mut self, path: &str) -> Result<Events> {
        let headers = [("accept", "text/event-stream")];
        let response = self.send(Method::GET, path, &headers, String::new()).await?;
        ensure!(response.status() == StatusCode::OK, "GET {path}: {}", response.status());
        Ok(Events::of(response.into_body()))
    }

    /// Posts JSON. The body of the response must be read before the next request.
    pub(super) async fn post(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<Response<Incoming>> {
        let mut all = vec![
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
        ];
        all.extend_from_slice(headers);
        let response = self.send(Method::POST, path, &all, body).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        bail!("POST {path}: {status}: {}", String::from_utf8_lossy(&body));
    }

    /// Asks for the end of what is at a path.
    pub(super) async fn delete(&mut self, path: &str, headers: &[(&str, &str)]) -> Result<()> {
        let response = self.send(Method::DELETE, path, headers, String::new()).await?;
        ensure!(response.status().is_success(), "DELETE {path}: {}", response.status());
        discard(response).await
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<Response<Incoming>> {
        let mut request = Request::builder().method(method).uri(path).header("host", &self.address);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        self.sender.ready().await.context("the connection is closed")?;
        Ok(self.sender.send_request(request).await?)
    }
}

/// Reads a response to its end, for its connection to be free again.
pub(super) async fn discard(response: Response<Incoming>) -> Result<()> {
    response.into_body().collect().await?;
    Ok(())
}

/// The answer to the request `id`, alone or in a stream that ends with it.
pub(super) async fn answer(response: Response<Incoming>, id: u64) -> Result<Value> {
    let kind = response.headers().get("content-type").map(|kind| kind.as_bytes().to_vec());
    if kind.is_some_and(|kind| kind.starts_with(b"text/event-stream")) {
        let mut events = Events::of(response.into_body());
        let answer = events.answer(id).await?;
        events.drain().await?;
        return Ok(answer);
    }
    let body = response.into_body().collect().await?.to_bytes();
    let answer: Value = serde_json::from_slice(&body).context("the answer is no JSON")?;
    ensure!(answers(&answer, id), "the answer is not to request {id}: {answer}");
    Ok(answer)
}

/// Whether a message answers the request `id`.
fn answers(message: &Value, id: u64) -> bool {
    message.get("method").is_none() && message.get("id").and_then(Value::as_u64) == Some(id)
}

/// A stream of server-sent events.
pub(super) struct Events {
    body: Incoming,
    parser: Parser,
}

impl Events {
    fn of(body: Incoming) -> Self {
        Self { body, parser: Parser::default() }
    }

    /// The next event that has data.
    pub(super) async fn next(&mut self) -> Result<Event> {
        loop {
            if let Some(event) = self.parser.event() {
                return Ok(event);
            }
            let frame = self.body.frame().await.context("the stream ended")??;
            if let Ok(data) = frame.into_data() {
                self.parser.push(&data);
            }
        }
    }

    /// The next JSON-RPC message that answers a request, and that request's id.
    pub(super) async fn any_answer(&mut self) -> Result<(u64, Value)> {
        loop {
            let event = self.next().await?;
            let message: Value = serde_json::from_str(&event.data).context("no JSON")?;
            // Progress and other requests or notices of the server are not what is measured.
            if message.get("method").is_none()
                && let Some(id) = message.get("id").and_then(Value::as_u64)
            {
                return Ok((id, message));
            }
        }
    }

    /// The answer to the request `id`, which must be the next one.
    pub(super) async fn answer(&mut self, id: u64) -> Result<Value> {
        let (found, message) = self.any_answer().await?;
        ensure!(found == id, "the answer to request {found} came for request {id}");
        Ok(message)
    }

    async fn drain(mut self) -> Result<()> {
        while let Some(frame) = self.body.frame().await {
            frame?;
        }
        Ok(())
    }
}

/// A server-sent event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// Its name; empty when it has none.
    pub(super) name: String,
    /// Its data, lines joined.
    pub(super) data: String,
}

/// Cuts bytes into events.
#[derive(Debug, Default)]
struct Parser {
    bytes: Vec<u8>,
    /// Up to here there is no end of a line.
    seen: usize,
    name: String,
    data: Option<String>,
}

impl Parser {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn event(&mut self) -> Option<Event> {
        let mut start = 0;
        let mut found = None;
        while let Some(length) = self.bytes[self.seen..].iter().position(|byte| *byte == b'\n') {
            let end = self.seen + length;
            let line = String::from_utf8_lossy(&self.bytes[start..end]).into_owned();
            start = end + 1;
            self.seen = start;
            found = self.line(line.trim_end_matches('\r'));
            if found.is_some() {
                break;
            }
        }
        self.bytes.drain(..start);
        self.seen = if found.is_some() { 0 } else { self.bytes.len() };
        found
    }

    /// Takes a line; an empty one ends an event.
    fn line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            let name = std::mem::take(&mut self.name);
            return self
                .data
                .take()
                .filter(|data| !data.is_empty())
                .map(|data| Event { name, data });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match (field, &mut self.data) {
            ("event", _) => value.clone_into(&mut self.name),
            ("data", Some(data)) => {
                data.push('\n');
                data.push_str(value);
            }
            ("data", data) => *data = Some(value.to_owned()),
            // Comments keep the connection alive; ids and delays are for clients that resume.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = ": hello\r\n\r\nid: 0\nretry: 3000\ndata:\n\nevent: endpoint\ndata: /messages?x=1\n\n\
        event: message\nid: 7\ndata: {\"a\":\ndata: \"ö\"}\n\n";

    fn expected() -> Vec<Event> {
        [("endpoint", "/messages?x=1"), ("message", "{\"a\":\n\"ö\"}")]
            .map(|(name, data)| Event { name: name.to_owned(), data: data.to_owned() })
            .into()
    }

    #[test]
    fn events_are_found_however_the_bytes_are_cut() {
        for size in 1..STREAM.len() {
            let mut parser = Parser::default();
            let mut events = Vec::new();
            for piece in STREAM.as_bytes().chunks(size) {
                parser.push(piece);
                while let Some(event) = parser.event() {
                    events.push(event);
                }
            }
            assert_eq!(events, expected(), "pieces of {size} bytes");
        }
    }

    #[test]
    fn requests_of_the_server_are_no_answers() {
        let message = |text| serde_json::from_str(text).unwrap();
        assert!(answers(&message(r#"{"id": 3, "result": {}}"#), 3));
        assert!(!answers(&message(r#"{"id": 3, "method": "ping"}"#), 3));
        assert!(!answers(&message(r#"{"id": 4, "result": {}}"#), 3));
    }
}
