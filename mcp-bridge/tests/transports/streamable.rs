//! Streamable HTTP at `/mcp`.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::client::{
    AT_ONCE, Asked, Server, call, cancelled, eventually, initialize, initialized, long_call,
    request, stateless_post,
};

/// A session of the older era.
pub(crate) struct Session<'a> {
    server: &'a Server,
    pub(crate) id: String,
}

impl<'a> Session<'a> {
    pub(crate) async fn open(server: &'a Server) -> Result<Self> {
        let answer = server.request(Asked::post("/mcp", initialize(0))).await?;
        ensure!(answer.message()?["result"]["protocolVersion"] == "2025-11-25", "{answer:?}");
        let id = answer.header("mcp-session-id").context("no session")?.to_owned();
        let session = Self { server, id };
        let answer = server.request(session.post(initialized())).await?;
        ensure!(answer.status == 202, "{answer:?}");
        Ok(session)
    }

    pub(crate) fn post(&self, message: impl Into<Vec<u8>>) -> Asked {
        Asked::post("/mcp", message).session(&self.id)
    }

    pub(crate) async fn ask(&self, message: String) -> Result<Value> {
        self.server.request(self.post(message)).await?.message()
    }
}

#[tokio::test]
async fn both_eras_are_spoken_and_on_one_port_with_sse() -> Result<()> {
    let server = Server::start().await?;
    let session = Session::open(&server).await?;
    let answer = session.ask(call(1, "test_echo", &json!({"value": "old"}))).await?;
    ensure!(answer["result"]["content"][0]["text"] == "old");
    let discovered = server.request(stateless_post(1, "server/discover", json!({}))).await?;
    ensure!(discovered.message()?["result"]["supportedVersions"].is_array());
    let echo = json!({"name": "test_echo", "arguments": {"value": "new"}});
    let answer = server.request(stateless_post(2, "tools/call", echo)).await?;
    ensure!(answer.message()?["result"]["content"][0]["text"] == "new");
    crate::sse::Client::begun(&server).await?;
    Ok(())
}

#[tokio::test]
async fn what_is_no_message_is_a_protocol_error() -> Result<()> {
    let server = Server::start().await?;
    let session = Session::open(&server).await?;
    for (body, code) in [
        (b"{".as_slice(), -32700),
        (b"", -32700),
        (b"\xff", -32700),
        (b"\0", -32700),
        (b"[]", -32600),
        (b"\"text\"", -32600),
        (br#"{"jsonrpc":"2.0","id":[],"method":"ping"}"#, -32600),
    ] {
        for asked in [Asked::post("/mcp", body), session.post(body)] {
            let answer = server.request(asked).await?;
            ensure!(answer.status == 400, "{body:?}: {answer:?}");
            ensure!(answer.header("content-type") == Some("application/json"));
            ensure!(answer.message()?["error"]["code"] == code, "{answer:?}");
        }
    }
    let text = Asked::post("/mcp", initialize(1)).header("content-type", "text/plain");
    ensure!(server.request(text).await?.status == 415);
    let narrow = Asked::post("/mcp", initialize(1)).header("accept", "application/json");
    ensure!(server.request(narrow).await?.status == 406);
    let odd = br#"{"jsonrpc":"2.0","method":"$/odd","params":7}"#;
    ensure!(server.request(session.post(odd.as_slice())).await?.status == 202);
    ensure!(session.ask(request(2, "ping", &json!({}))).await?["id"] == 2);
    Ok(())
}

#[tokio::test]
async fn a_message_too_long_is_answered_with_its_id() -> Result<()> {
    let server = Server::start().await?;
    let session = Session::open(&server).await?;
    let long = long_call(9, 50 << 20);
    let answer = server.request(session.post(long)).await?;
    ensure!(answer.status == 413 && answer.message()?["id"] == 9, "{answer:?}");
    let value = "x".repeat(3 << 20);
    let answer = session.ask(call(10, "test_echo", &json!({"value": value}))).await?;
    ensure!(answer["result"]["content"][0]["text"] == value);
    Ok(())
}

#[tokio::test]
async fn a_session_ends_with_delete_and_its_calls_with_it() -> Result<()> {
    let server = Server::start().await?;
    let session = Session::open(&server).await?;
    let connection = server.connect().await?;
    let wait = session.post(call(1, "test_wait", &json!({"ms": 60_000})));
    let _stream = connection.stream(wait).await?;
    eventually("the call runs", || server.waits().0 == 1).await?;
    let delete = || Asked::new("DELETE", "/mcp").session(&session.id);
    let ended = server.request(delete()).await?;
    ensure!(ended.status == 204 && ended.body.is_empty(), "{ended:?}");
    eventually("the call is cancelled", || server.waits() == (1, 0, 1)).await?;
    for asked in [delete(), session.post(request(2, "ping", &json!({})))] {
        ensure!(server.request(asked).await?.status == 404);
    }
    eventually("nothing is left", || server.handlers() == 0).await
}

#[tokio::test]
async fn a_call_outlives_the_idle_timer_of_its_session() -> Result<()> {
    let server = Server::with(|options| options.session_idle = Duration::from_millis(500)).await?;
    let session = Session::open(&server).await?;
    let answer = session.ask(call(1, "test_wait", &json!({"ms": 1_500}))).await?;
    ensure!(answer["result"]["content"][0]["text"] == "waited", "{answer}");
    // A stream that only listens keeps it, too.
    let listening = server.connect().await?;
    let listening = listening.stream(Asked::get("/mcp").session(&session.id)).await?;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    ensure!(session.ask(request(2, "ping", &json!({}))).await?["id"] == 2);
    drop(listening);
    eventually("the idle session is closed", || server.handlers() == 0).await?;
    ensure!(server.request(session.post(request(3, "ping", &json!({})))).await?.status == 404);
    Ok(())
}

#[tokio::test]
async fn a_lost_call_is_cancelled_in_both_eras() -> Result<()> {
    let server = Server::with(|options| options.resume_grace = Duration::from_millis(200)).await?;
    let session = Session::open(&server).await?;
    let wait = json!({"name": "test_wait", "arguments": {"ms": 60_000}});
    for (number, asked) in [
        stateless_post(1, "tools/call", wait),
        session.post(call(1, "test_wait", &json!({"ms": 60_000}))),
    ]
    .into_iter()
    .enumerate()
    {
        let mut connection = server.connect().await?;
        // The stateless era sends no head before it has something to say.
        let sending = tokio::time::timeout(Duration::from_millis(300), connection.send(asked));
        let stream = sending.await;
        eventually("the call runs", || server.waits().0 == number + 1).await?;
        let gone = Instant::now();
        drop((stream, connection));
        eventually("the call is cancelled", || server.waits().2 == number + 1).await?;
        ensure!(gone.elapsed() < AT_ONCE, "{:?}", gone.elapsed());
    }
    // The session itself goes on.
    ensure!(session.ask(request(2, "ping", &json!({}))).await?["id"] == 2);
    Ok(())
}

#[tokio::test]
async fn a_stream_that_is_resumed_in_time_keeps_its_call() -> Result<()> {
    let server = Server::with(|options| options.resume_grace = Duration::from_secs(1)).await?;
    let session = Session::open(&server).await?;
    let connection = server.connect().await?;
    let wait = session.post(call(1, "test_wait", &json!({"ms": 2_000})));
    let mut stream = connection.stream(wait).await?;
    let first = stream.next().await?.context("no event to resume after")?;
    drop(stream);
    let resume = || Asked::get("/mcp").session(&session.id).header("last-event-id", &first.id);
    let mut resumed = server.connect().await?.stream(resume()).await?;
    let answer = resumed.message().await?;
    ensure!(answer["result"]["content"][0]["text"] == "waited", "{answer}");

    // A stream that was resumed and is lost again counts as lost.
    let wait = session.post(call(2, "test_wait", &json!({"ms": 60_000})));
    let mut stream = server.connect().await?.stream(wait).await?;
    let first = stream.next().await?.context("no event to resume after")?;
    drop(stream);
    let resume = Asked::get("/mcp").session(&session.id).header("last-event-id", &first.id);
    drop(server.connect().await?.stream(resume).await?);
    eventually("the call is cancelled", || server.waits() == (2, 1, 1)).await
}

#[tokio::test]
async fn a_cancelled_call_is_cancelled_and_a_panic_is_answered() -> Result<()> {
    let server = Server::start().await?;
    let session = Session::open(&server).await?;
    let wait = session.post(call(1, "test_wait", &json!({"ms": 60_000})));
    let mut stream = server.connect().await?.stream(wait).await?;
    eventually("the call runs", || server.waits().0 == 1).await?;
    ensure!(server.request(session.post(cancelled(1))).await?.status == 202);
    eventually("the call is cancelled", || server.waits() == (1, 0, 1)).await?;
    while stream.next().await?.is_some() {}
    let panicked = session.ask(call(2, "test_panic", &json!({}))).await?;
    ensure!(panicked["error"]["code"] == -32603, "{panicked}");
    let panic = json!({"name": "test_panic", "arguments": {}});
    let panicked = server.request(stateless_post(3, "tools/call", panic)).await?;
    ensure!(panicked.message()?["error"]["code"] == -32603, "{panicked:?}");
    Ok(())
}
