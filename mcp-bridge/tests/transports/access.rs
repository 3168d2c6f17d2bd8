//! Who may call which route.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use mcp_bridge::transport::{HttpOptions, Listener, Readiness, Tokens, TransportError};
use serde_json::json;

use crate::client::{Asked, Server, initialize, stateless_post};

const ALICE: &str = "token-of-alice-0123456789";
const BOB: &str = "token-of-bob-0123456789";

/// Every route, and one that there is not.
fn routes() -> Vec<Asked> {
    vec![
        Asked::get("/sse"),
        Asked::post("/messages?session_id=0", initialize(1)),
        Asked::post("/messages/?session_id=0", initialize(1)),
        Asked::post("/mcp", initialize(1)),
        Asked::post("/mcp/", initialize(1)),
        stateless_post(1, "server/discover", json!({})),
        Asked::get("/mcp"),
        Asked::new("DELETE", "/mcp"),
        Asked::new("OPTIONS", "/mcp"),
        Asked::get("/metrics"),
        Asked::get("/healthz"),
        Asked::get("/readyz"),
        Asked::get("/nowhere"),
    ]
}

fn tokens() -> Result<Tokens> {
    let (process, thread) = (std::process::id(), std::thread::current().id());
    let path = std::env::temp_dir().join(format!("mcp-bridge-tokens-{process}-{thread:?}"));
    writeln!(std::fs::File::create(&path)?, "# names\nalice:{ALICE}\nbob:{BOB}")?;
    let tokens = Tokens::read(Some(&path), None);
    std::fs::remove_file(&path)?;
    Ok(tokens?)
}

async fn guarded() -> Result<Server> {
    let tokens = tokens()?;
    Server::with(|options| {
        options.tokens = tokens;
        options.metrics = true;
        options.allowed_hosts = vec!["bridge.example.com".to_owned()];
        options.allowed_origins = vec!["https://app.example.com".to_owned()];
    })
    .await
}

/// The status of a request, of which the body is not waited for.
async fn status(server: &Server, asked: Asked) -> Result<u16> {
    Ok(server.connect().await?.send(asked).await?.status().as_u16())
}

#[tokio::test]
async fn every_route_checks_host_and_origin() -> Result<()> {
    let server = guarded().await?;
    for (host, origin, allowed) in [
        ("evil.example.com", "", false),
        ("127.0.0.1.evil.example.com", "", false),
        ("127.0.0.1", "https://evil.example.com", false),
        ("127.0.0.1", "null", false),
        ("bridge.example.com", "http://localhost.evil.example.com", false),
        ("127.0.0.1", "", true),
        ("localhost:1", "http://localhost:3000", true),
        ("[::1]", "https://app.example.com", true),
        ("bridge.example.com", "", true),
    ] {
        for asked in routes() {
            let asked = asked
                .header("host", host)
                .header("origin", origin)
                .header("authorization", &format!("Bearer {ALICE}"));
            let status = status(&server, asked).await?;
            ensure!((status == 403) != allowed, "{host} {origin}: {status}");
            ensure!(status != 401, "{host} {origin}: {status}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn every_route_but_the_probes_needs_a_token() -> Result<()> {
    let server = guarded().await?;
    for (authorization, known) in [
        ("", false),
        ("Bearer", false),
        ("Bearer token-of-nobody-0123456789", false),
        (&format!("Basic {ALICE}"), false),
        (&format!("Bearer {ALICE}x"), false),
        (&format!("Bearer {ALICE}"), true),
        (&format!("bearer {BOB}"), true),
    ] {
        for (number, asked) in routes().into_iter().enumerate() {
            let answer =
                server.connect().await?.send(asked.header("authorization", authorization)).await?;
            let probe = (10..12).contains(&number);
            let status = answer.status();
            ensure!((status == 401) == (!known && !probe), "{authorization} {number}: {status}");
            let challenge = answer.headers().get("www-authenticate");
            ensure!(challenge.is_some() == (status == 401), "{challenge:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_session_is_its_callers_alone() -> Result<()> {
    let server = guarded().await?;
    let bearer = |token: &str| format!("Bearer {token}");
    let opened = server
        .request(Asked::post("/mcp", initialize(1)).header("authorization", &bearer(ALICE)))
        .await?;
    ensure!(opened.status == 200, "{opened:?}");
    let session = opened.header("mcp-session-id").context("no session")?;
    let stream = server.connect().await?;
    let mut events =
        stream.stream(Asked::get("/sse").header("authorization", &bearer(ALICE))).await?;
    let endpoint = events.next().await?.context("no endpoint")?.data;
    for (token, ours) in [(BOB, false), (ALICE, true)] {
        let ping = r#"{"jsonrpc":"2.0","id":2,"method":"ping"}"#;
        for (asked, expected) in [
            (Asked::post(&endpoint, ping), 202),
            (Asked::post("/mcp", ping).session(session), 200),
            (Asked::get("/mcp").session(session), 200),
            (Asked::new("DELETE", "/mcp").session(session), 204),
        ] {
            let status = status(&server, asked.header("authorization", &bearer(token))).await?;
            ensure!(status == if ours { expected } else { 404 }, "{token}: {status}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn pages_of_named_origins_may_read_answers() -> Result<()> {
    let server = guarded().await?;
    let preflight = |origin: &str| {
        Asked::new("OPTIONS", "/mcp")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
    };
    // Browsers ask without the token, and read what a refusal says.
    let app = "https://app.example.com";
    let answer = server.request(preflight(app)).await?;
    ensure!(answer.status == 204, "{answer:?}");
    ensure!(answer.header("access-control-allow-origin") == Some(app));
    ensure!(
        answer
            .header("access-control-allow-headers")
            .is_some_and(|headers| headers.contains("authorization"))
    );
    let refused = server.request(Asked::post("/mcp", "{}").header("origin", app)).await?;
    ensure!(refused.status == 401 && refused.header("access-control-allow-origin") == Some(app));
    // One that was not named may call from this machine, but has no page that may read.
    let other = server.request(preflight("http://localhost:3000")).await?;
    ensure!(other.header("access-control-allow-origin").is_none(), "{other:?}");
    Ok(())
}

#[tokio::test]
async fn an_address_that_others_reach_needs_a_token() -> Result<()> {
    for address in ["0.0.0.0:0", "[::]:0"] {
        match Listener::bind(HttpOptions::new(address)).await {
            Err(TransportError::Settings(why)) => ensure!(why.contains("--no-auth"), "{why}"),
            other => anyhow::bail!("{address}: {other:?}"),
        }
    }
    let mut open = HttpOptions::new("0.0.0.0:0");
    open.no_auth = true;
    Listener::bind(open).await?;
    let mut guarded = HttpOptions::new("0.0.0.0:0");
    guarded.tokens = tokens()?;
    Listener::bind(guarded).await?;
    Ok(())
}

#[tokio::test]
async fn probes_answer_and_ask_rarely() -> Result<()> {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let ready: Readiness = Arc::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Err("no database".to_owned()) })
    });
    let server = Server::with_readiness(ready, |_| {}).await?;
    let alive = server.request(Asked::get("/healthz")).await?;
    ensure!(alive.status == 200 && alive.body == "ok\n", "{alive:?}");
    for _ in 0..3 {
        let ready = server.request(Asked::get("/readyz")).await?;
        // Why is for the log.
        ensure!(ready.status == 503 && !ready.body.contains("no database"), "{ready:?}");
    }
    ensure!(asked.load(Ordering::SeqCst) == 1);
    // Only when asked for.
    ensure!(server.request(Asked::get("/metrics")).await?.status == 404);
    Ok(())
}
