//! HTTP+SSE at `/sse` and `/messages`.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::client::{
    AT_ONCE, Asked, Events, SOON, Server, call, cancelled, eventually, initialize, initialized,
    long_call, request, stateless,
};

/// A client with its stream.
pub(crate) struct Client<'a> {
    server: &'a Server,
    pub(crate) events: Events,
    pub(crate) endpoint: String,
}

impl<'a> Client<'a> {
    pub(crate) async fn open(server: &'a Server) -> Result<Self> {
        let mut events = server.connect().await?.stream(Asked::get("/sse")).await?;
        let first = events.next().await?.context("no endpoint")?;
        ensure!(first.kind == "endpoint", "{first:?}");
        Ok(Self { server, events, endpoint: first.data })
    }

    /// With a session of the older era.
    pub(crate) async fn begun(server: &'a Server) -> Result<Self> {
        let mut client = Self::open(server).await?;
        client.post(initialize(0)).await?;
        ensure!(client.events.message().await?["id"] == 0);
        client.post(initialized()).await?;
        Ok(client)
    }

    pub(crate) async fn post(&self, message: impl Into<Vec<u8>>) -> Result<()> {
        let answer = self.server.request(Asked::post(&self.endpoint, message)).await?;
        ensure!(answer.status == 202, "{answer:?}");
        Ok(())
    }

    pub(crate) async fn ask(&mut self, message: String) -> Result<Value> {
        self.post(message).await?;
        self.events.message().await
    }
}

#[tokio::test]
async fn both_eras_are_spoken() -> Result<()> {
    let server = Server::start().await?;
    let mut old = Client::begun(&server).await?;
    ensure!(old.events.header("cache-control") == Some("no-store"));
    ensure!(old.events.header("content-type") == Some("text/event-stream"));
    let echo = json!({"value": "line\nline\r\n\u{2028}"});
    let answer = old.ask(call(1, "test_echo", &echo)).await?;
    ensure!(answer["result"]["content"][0]["text"] == echo["value"]);

    let mut new = Client::open(&server).await?;
    let discovered = new.ask(stateless(1, "server/discover", json!({}))).await?;
    ensure!(discovered["result"]["supportedVersions"].is_array(), "{discovered}");
    new.post(cancelled(1)).await?;
    let echo = json!({"name": "test_echo", "arguments": {"value": "new"}});
    let answer = new.ask(stateless(2, "tools/call", echo)).await?;
    ensure!(answer["result"]["content"][0]["text"] == "new");
    Ok(())
}

#[tokio::test]
async fn endpoints_are_found_in_every_spelling() -> Result<()> {
    let server = Server::with(|options| {
        options.public_path = Some("/db/".to_owned());
        options.sse_path = "/events".to_owned();
    })
    .await?;
    let mut events = server.connect().await?.stream(Asked::get("/events")).await?;
    let endpoint = events.next().await?.context("no endpoint")?.data;
    let id = endpoint.strip_prefix("/db/messages?session_id=").context(endpoint.clone())?;
    ensure!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    for path in ["/messages?sessionId=", "/messages/?session_id=", "/messages?x=1&session_id="] {
        let ping = request(1, "ping", &json!({}));
        let answer = server.request(Asked::post(&format!("{path}{id}"), ping)).await?;
        ensure!(answer.status == 202, "{answer:?}");
        ensure!(events.message().await?["result"] == json!({}));
    }
    // What a client that tries Streamable HTTP first takes as the sign to try this one.
    ensure!(server.request(Asked::post("/events", initialize(1))).await?.status == 405);
    Ok(())
}

#[tokio::test]
async fn what_is_no_message_is_told_to_the_sender() -> Result<()> {
    let server = Server::start().await?;
    let mut client = Client::begun(&server).await?;
    let unknown = "/messages?session_id=00000000000000000000000000000000";
    for (path, body, status) in [
        (client.endpoint.as_str(), b"{".as_slice(), 400),
        (&client.endpoint, b"\xff", 400),
        (&client.endpoint, b"", 400),
        (&client.endpoint, b"[]", 400),
        (&client.endpoint, br#"{"jsonrpc":"2.0","method":"$/odd","params":7}"#, 202),
        ("/messages", b"{}", 400),
        (unknown, b"{}", 404),
    ] {
        let answer = server.request(Asked::post(path, body)).await?;
        ensure!(answer.status == status, "{body:?}: {answer:?}");
        if body.first() == Some(&b'{') && status == 400 && path != "/messages" {
            ensure!(answer.message()?["error"]["code"] == -32700);
        }
    }
    ensure!(client.ask(request(1, "ping", &json!({}))).await?["id"] == 1);
    Ok(())
}

#[tokio::test]
async fn a_message_too_long_is_answered_on_the_stream_too() -> Result<()> {
    let server = Server::start().await?;
    let mut client = Client::begun(&server).await?;
    let long = long_call(9, 50 << 20);
    let answer = server.request(Asked::post(&client.endpoint, long)).await?;
    ensure!(answer.status == 413 && answer.message()?["id"] == 9, "{answer:?}");
    ensure!(client.events.message().await?["error"]["code"] == -32600);
    ensure!(client.ask(request(1, "ping", &json!({}))).await?["id"] == 1);
    Ok(())
}

#[tokio::test]
async fn a_client_that_goes_cancels_its_calls_and_leaves_nothing() -> Result<()> {
    let server = Server::start().await?;
    let client = Client::begun(&server).await?;
    client.post(call(1, "test_wait", &json!({"ms": 60_000}))).await?;
    eventually("the call runs", || server.waits().0 == 1).await?;
    let endpoint = client.endpoint.clone();
    let gone = Instant::now();
    drop(client);
    eventually("the call is cancelled", || server.waits() == (1, 0, 1)).await?;
    ensure!(gone.elapsed() < AT_ONCE, "{:?}", gone.elapsed());
    eventually("nothing is left", || server.handlers() == 0).await?;
    let late = server.request(Asked::post(&endpoint, request(2, "ping", &json!({})))).await?;
    ensure!(late.status == 404, "{late:?}");
    Ok(())
}

#[tokio::test]
async fn a_panic_is_answered_and_progress_is_told() -> Result<()> {
    let server = Server::start().await?;
    let mut client = Client::begun(&server).await?;
    ensure!(client.ask(call(1, "test_panic", &json!({}))).await?["error"]["code"] == -32603);
    let params = json!({"name": "test_tool_with_progress", "_meta": {"progressToken": 5}});
    client.post(request(2, "tools/call", &params)).await?;
    for _ in 0..3 {
        ensure!(client.events.message().await?["params"]["progressToken"] == 5);
    }
    ensure!(client.events.message().await?["id"] == 2);
    Ok(())
}

#[tokio::test]
async fn a_client_that_never_initializes_is_dropped() -> Result<()> {
    let server = Server::with(|options| options.init_timeout = Duration::from_secs(1)).await?;
    let mut silent = Client::open(&server).await?;
    let mut pings = Client::open(&server).await?;
    let mut modern = Client::open(&server).await?;
    modern.ask(stateless(1, "server/discover", json!({}))).await?;
    ensure!(pings.ask(request(1, "ping", &json!({}))).await?["id"] == 1);
    for client in [&mut silent, &mut pings] {
        ensure!(client.events.next().await?.is_none());
    }
    // Whoever has asked what there is has begun.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let list = modern.ask(stateless(2, "tools/list", json!({}))).await?;
    ensure!(list["result"]["tools"].is_array(), "{list}");
    Ok(())
}

#[tokio::test]
async fn a_thousand_abandoned_sessions_leave_nothing() -> Result<()> {
    let server = Server::start().await?;
    let begun = Instant::now();
    for round in 0..20 {
        let mut streams = Vec::new();
        for number in 0..50 {
            let mut client = Client::open(&server).await?;
            // Some are left before they begin, some after, some while a call runs.
            if number % 3 > 0 {
                client.ask(initialize(0)).await?;
            }
            if number % 3 > 1 {
                client.post(call(1, "test_wait", &json!({"ms": 60_000}))).await?;
            }
            streams.push(client);
        }
        ensure!(server.handlers() >= 50, "round {round}: {}", server.handlers());
        drop(streams);
        eventually("the sessions are gone", || server.handlers() == 0).await?;
    }
    let (started, finished, cancelled) = server.waits();
    ensure!(started == cancelled && finished == 0 && started > 0);
    ensure!(begun.elapsed() < 4 * SOON, "{:?}", begun.elapsed());
    // And all places are free again.
    Client::begun(&server).await?;
    Ok(())
}
