//! Bounds, slow clients, shutdown.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{
    AT_ONCE, Asked, SOON, Server, call, eventually, initialize, request, stateless_post,
};
use crate::sse::Client;
use crate::streamable::Session;

#[tokio::test]
async fn sessions_are_bounded_on_each_transport() -> Result<()> {
    let server = Server::with(|options| {
        options.max_sessions = 3;
        options.session_spare = Duration::from_secs(2);
    })
    .await?;
    let mut streams = Vec::new();
    for _ in 0..3 {
        streams.push(Client::begun(&server).await?);
    }
    let refused = server.request(Asked::get("/sse")).await?;
    ensure!(refused.status == 503 && refused.header("retry-after").is_some(), "{refused:?}");
    drop(streams.pop());
    eventually("a place is free", || server.handlers() == 2).await?;
    Client::begun(&server).await?;

    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(Session::open(&server).await?);
    }
    let open = || Asked::post("/mcp", initialize(1));
    let refused = server.request(open()).await?;
    ensure!(refused.status == 503 && refused.header("retry-after").is_some(), "{refused:?}");
    // Those without a session need no place.
    let stateless = server.request(stateless_post(1, "tools/list", json!({}))).await?;
    ensure!(stateless.status == 200, "{stateless:?}");
    // The first gives way, for its client seems to have left; the others listen.
    let mut listening = Vec::new();
    for session in &sessions[1..] {
        let listen = Asked::get("/mcp").session(&session.id);
        listening.push(server.connect().await?.stream(listen).await?);
    }
    tokio::time::sleep(Duration::from_millis(2_200)).await;
    ensure!(server.request(open()).await?.status == 200);
    for (number, session) in sessions.iter().enumerate() {
        let ping = server.request(session.post(request(2, "ping", &json!({})))).await?;
        ensure!(ping.status == if number == 0 { 404 } else { 200 }, "{number}: {ping:?}");
    }
    Ok(())
}

#[tokio::test]
async fn connections_are_bounded_and_told_so() -> Result<()> {
    let server = Server::with(|options| options.max_connections = 2).await?;
    let first = server.connect().await?.stream(Asked::get("/sse")).await?;
    let _second = server.connect().await?.stream(Asked::get("/sse")).await?;
    let mut third = TcpStream::connect(server.address).await?;
    third.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await?;
    let mut answer = String::new();
    tokio::time::timeout(SOON, third.read_to_string(&mut answer)).await??;
    let (head, body) = answer.split_once("\r\n\r\n").context("no head")?;
    ensure!(head.starts_with("HTTP/1.1 503 ") && head.contains("retry-after: 5"), "{answer}");
    ensure!(head.contains(&format!("content-length: {}", body.len())), "{answer}");
    drop(first);
    let begun = Instant::now();
    while server.request(Asked::get("/healthz")).await.map_or(0, |answer| answer.status) != 200 {
        ensure!(begun.elapsed() < SOON, "no place is free");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

#[tokio::test]
async fn requests_without_answer_are_bounded() -> Result<()> {
    let server = Server::start().await?;
    let mut client = Client::begun(&server).await?;
    for id in 1..=300 {
        client.post(call(id, "test_wait", &json!({"ms": 60_000}))).await?;
    }
    let refused = client.events.message().await?;
    ensure!(refused["error"]["code"] == -32000 && refused["id"] == 257, "{refused}");
    eventually("the others run", || server.waits().0 == 256).await?;
    drop(client);
    eventually("all are cancelled", || server.waits().2 == 256).await
}

/// Sends bytes and never reads.
async fn deaf(server: &Server, request: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(server.address).await?;
    stream.write_all(request.as_bytes()).await?;
    Ok(stream)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_holds_nobody() -> Result<()> {
    let server = Server::with(|options| options.stall_timeout = Duration::from_secs(1)).await?;
    // On HTTP+SSE: the stream is opened, its session is used, and its answers are not read.
    let mut stream = deaf(&server, "GET /sse HTTP/1.1\r\nhost: localhost\r\n\r\n").await?;
    let mut head = vec![0; 2048];
    let mut seen = String::new();
    while seen.split("session_id=").nth(1).is_none_or(|rest| rest.len() < 32) {
        let read = tokio::time::timeout(SOON, stream.read(&mut head)).await??;
        ensure!(read > 0, "{seen}");
        seen.push_str(std::str::from_utf8(&head[..read])?);
    }
    let id = seen.split("session_id=").nth(1).and_then(|rest| rest.get(..32)).context("no id")?;
    let endpoint = format!("/messages?session_id={id}");
    server.request(Asked::post(&endpoint, initialize(0))).await?;
    for id in 1..=100 {
        let big = call(id, "test_big", &json!({"bytes": 1 << 20}));
        let answer = server.request(Asked::post(&endpoint, big)).await?;
        ensure!([202, 404, 503].contains(&answer.status), "{answer:?}");
    }
    // On Streamable HTTP.
    let session = Session::open(&server).await?;
    let big = call(1, "test_big", &json!({"bytes": 16 << 20}));
    let post = format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\nmcp-session-id: {}\r\n\
         content-length: {}\r\n\r\n{big}",
        session.id,
        big.len()
    );
    let _deaf = deaf(&server, &post).await?;
    // Others are served at once meanwhile.
    let mut other = Client::begun(&server).await?;
    for id in 1..=20 {
        let asked = Instant::now();
        let answer = other.ask(request(id, "ping", &json!({}))).await?;
        ensure!(answer["id"] == id && asked.elapsed() < AT_ONCE, "{:?}", asked.elapsed());
    }
    let late = Instant::now();
    loop {
        let answer = server.request(Asked::post(&endpoint, request(1, "ping", &json!({})))).await?;
        if answer.status == 404 {
            break;
        }
        ensure!(late.elapsed() < 2 * SOON, "the session is still there: {answer:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

#[tokio::test]
async fn a_shutdown_lets_calls_end_and_closes_streams() -> Result<()> {
    let mut server = Server::start().await?;
    let session = Session::open(&server).await?;
    let listening = server.connect().await?;
    let mut listening = listening.stream(Asked::get("/mcp").session(&session.id)).await?;
    let mut client = Client::begun(&server).await?;
    client.post(call(1, "test_wait", &json!({"ms": 500}))).await?;
    let wait = session.post(call(1, "test_wait", &json!({"ms": 500})));
    let mut old = server.connect().await?.stream(wait).await?;
    let wait = json!({"name": "test_wait", "arguments": {"ms": 500}});
    let mut new = server.connect().await?;
    let new = tokio::spawn(async move { new.request(stateless_post(1, "tools/call", wait)).await });
    eventually("the calls run", || server.waits().0 == 3).await?;
    let begun = Instant::now();
    server.shutdown.cancel();
    ensure!(client.events.message().await?["result"]["content"][0]["text"] == "waited");
    ensure!(old.message().await?["result"]["content"][0]["text"] == "waited");
    ensure!(new.await??.message()?["result"]["content"][0]["text"] == "waited");
    ensure!(client.events.next().await?.is_none());
    while listening.next().await?.is_some() {}
    tokio::time::timeout(SOON, &mut server.serving).await??;
    ensure!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    ensure!(TcpStream::connect(server.address).await.is_err());
    ensure!(server.waits() == (3, 3, 0));
    Ok(())
}

#[tokio::test]
async fn a_shutdown_cancels_what_does_not_end() -> Result<()> {
    let mut server = Server::with(|options| options.drain = Duration::from_millis(300)).await?;
    let session = Session::open(&server).await?;
    let client = Client::begun(&server).await?;
    client.post(call(1, "test_wait", &json!({"ms": 60_000}))).await?;
    let wait = session.post(call(1, "test_wait", &json!({"ms": 60_000})));
    let _old = server.connect().await?.stream(wait).await?;
    let wait = json!({"name": "test_wait", "arguments": {"ms": 60_000}});
    let mut new = server.connect().await?;
    let new = tokio::spawn(async move { new.send(stateless_post(1, "tools/call", wait)).await });
    eventually("the calls run", || server.waits().0 == 3).await?;
    let begun = Instant::now();
    server.shutdown.cancel();
    tokio::time::timeout(SOON, &mut server.serving).await??;
    ensure!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    ensure!(server.waits() == (3, 0, 3), "{:?}", server.waits());
    new.abort();
    Ok(())
}

#[tokio::test]
async fn an_idle_server_stops_at_once() -> Result<()> {
    let mut server = Server::start().await?;
    let _stream = Client::begun(&server).await?;
    let mut kept = server.connect().await?;
    kept.request(Asked::get("/healthz")).await?;
    let begun = Instant::now();
    server.shutdown.cancel();
    tokio::time::timeout(SOON, &mut server.serving).await??;
    ensure!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    Ok(())
}

#[tokio::test]
async fn sessions_are_counted() -> Result<()> {
    let server = Server::with(|options| options.metrics = true).await?;
    let _client = Client::begun(&server).await?;
    let _session = Session::open(&server).await?;
    let metrics = server.request(Asked::get("/metrics")).await?.body;
    for line in ["transport=\"sse\"} 1", "transport=\"streamable_http\"} 1"] {
        ensure!(metrics.contains(line), "{metrics}");
    }
    Ok(())
}
