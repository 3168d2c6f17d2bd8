//! What no good client sends, over HTTP; and clients that come and go, or do not read.

use std::time::{Duration, Instant};

use advisor_tests::bridge::http::{Answer, Events, post_json, request};
use advisor_tests::bridge::server::Server;
use advisor_tests::bridge::wait_until;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::Case;
use crate::endings::{Legacy, execute, initialize, server};
use crate::fixture::{Fixture, assert_discreet};

pub(crate) const CASES: &[Case] = &[
    ("http_malformed_messages", malformed),
    ("http_huge_body", huge_body),
    ("http_foreign_hosts_and_origins", foreign),
    ("http_token", token),
    ("http_probes", probes),
    ("http_thousand_abandoned_sessions", abandoned),
    ("http_too_many_sessions", too_many),
    ("http_slow_reader", slow_reader),
    ("http_sessions_are_apart", apart),
];

/// The bridge still answers, on both endpoints.
fn answers(server: &Server) -> Result<()> {
    let mut session = Legacy::initialized(server)?;
    let give_up = Instant::now() + Duration::from_secs(20);
    let mut answer = Value::Null;
    for id in 1.. {
        session.post(server, &execute(id, "select 6 * 7"))?;
        answer = session.answer(id)?;
        // On a busy machine calls that others made may still run.
        let is_busy = answer["result"]["structuredContent"]["error"]["kind"] == "busy";
        if !is_busy || Instant::now() > give_up {
            break;
        }
    }
    ensure!(answer["result"]["structuredContent"]["rows"] == json!([[42]]), "{answer}");
    let answer = post_json(server.address(), "/mcp", initialize(1).to_string().as_bytes())?;
    ensure!(answer.status == 200, "/mcp: {} {}", answer.status, answer.body);
    Ok(())
}

/// Stops it and looks at the log.
fn done(fixture: &Fixture, server: Server, application: &str) -> Result<()> {
    answers(&server)?;
    let ended = server.stop()?;
    ensure!(ended.status.success(), "{}:\n{}", ended.status, ended.log);
    fixture.assert_no_backend(application)?;
    assert_discreet(&ended.log)
}

fn malformed(fixture: &Fixture) -> Result<()> {
    let server = server(fixture, "http_malformed", &[])?;
    let session = Legacy::open(&server)?;
    for body in
        [&b"{\"jsonrpc\": \"2.0\", "[..], b"select 1", b"5", b"[]", b"\xff\xfe", b"\0", b"{}", b""]
    {
        for path in [session.endpoint.as_str(), "/mcp"] {
            let answer = post_json(server.address(), path, body)?;
            ensure!(
                (400..500).contains(&answer.status),
                "{path}, {body:?}: {} {}",
                answer.status,
                answer.body,
            );
            ensure!(!answer.body.is_empty(), "{path}, {body:?}: {} and no word", answer.status);
        }
    }
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}).to_string();
    for path in ["/messages", "/messages?session_id=0123", "/messages/?sessionId=%ff"] {
        let answer = post_json(server.address(), path, ping.as_bytes())?;
        ensure!([400, 404].contains(&answer.status), "{path}: {}", answer.status);
    }
    for (method, path, status) in
        [("GET", "/nowhere", 404), ("PUT", "/sse", 405), ("GET", "/messages", 405)]
    {
        let answer = request(server.address(), method, path, &[], b"")?;
        ensure!(answer.status == status, "{method} {path}: {}", answer.status);
    }
    drop(session);
    done(fixture, server, "http_malformed")
}

fn huge_body(fixture: &Fixture) -> Result<()> {
    let server = server(fixture, "http_huge", &[])?;
    let session = Legacy::initialized(&server)?;
    let body = execute(1, &format!("select '{}'", "x".repeat(50 << 20))).to_string();
    for path in [session.endpoint.as_str(), "/mcp"] {
        let answer = post_json(server.address(), path, body.as_bytes())?;
        ensure!(answer.status == 413, "{path}: {} {}", answer.status, answer.body);
    }
    drop(session);
    done(fixture, server, "http_huge")
}

fn foreign(fixture: &Fixture) -> Result<()> {
    let server = server(fixture, "http_foreign", &[])?;
    let body = initialize(1).to_string();
    let json = ("Content-Type", "application/json");
    let accept = ("Accept", "application/json, text/event-stream");
    let own = format!("http://{}", server.address());
    let ask = |method: &str, path: &str, header: (&str, &str)| -> Result<Answer> {
        let headers = [json, accept, header];
        request(server.address(), method, path, &headers, body.as_bytes())
    };
    for header in [
        ("Host", "attacker.example"),
        ("Host", "127.0.0.1.attacker.example:80"),
        ("Origin", "http://attacker.example"),
        ("Origin", "null"),
    ] {
        for (method, path) in [("POST", "/mcp"), ("GET", "/sse"), ("POST", "/messages")] {
            let answer = ask(method, path, header)?;
            ensure!(answer.status == 403, "{method} {path} {header:?}: {}", answer.status);
        }
    }
    for header in [("Host", "localhost"), ("Host", server.address()), ("X-Other", own.as_str())] {
        let answer = ask("POST", "/mcp", header)?;
        ensure!(answer.status == 200, "{header:?}: {} {}", answer.status, answer.body);
    }
    done(fixture, server, "http_foreign")
}

fn token(fixture: &Fixture) -> Result<()> {
    let mut command = fixture.bridge("http_token")?;
    command.env("MCP_BRIDGE_AUTH_TOKEN", "an-unguessable-token-of-32-bytes!");
    let server = Server::start(command.args(["--transport=sse", "--listen=127.0.0.1:0"]))?;
    let body = initialize(1).to_string();
    let json = ("Content-Type", "application/json");
    let accept = ("Accept", "application/json, text/event-stream");
    for (given, status) in [
        (None, 401),
        (Some("Bearer wrong"), 401),
        (Some("Bearer an-unguessable-token-of-32-bytes"), 401),
        (Some("Basic YTpi"), 401),
        (Some("Bearer an-unguessable-token-of-32-bytes!"), 200),
    ] {
        let mut headers = vec![json, accept];
        headers.extend(given.map(|given| ("Authorization", given)));
        let answer = request(server.address(), "POST", "/mcp", &headers, body.as_bytes())?;
        ensure!(answer.status == status, "{given:?}: {} {}", answer.status, answer.body);
        if status == 401 {
            let asks = |(name, value): &(String, String)| {
                name == "www-authenticate" && value.starts_with("Bearer")
            };
            ensure!(answer.headers.iter().any(asks), "{:?}", answer.headers);
        }
        let headers: Vec<_> = given.map(|given| ("Authorization", given)).into_iter().collect();
        let opened = Events::open(server.address(), "/sse", &headers);
        ensure!(opened.is_ok() == (status == 200), "GET /sse with {given:?}: {opened:?}");
    }
    let ended = server.stop()?;
    ensure!(!ended.log.contains("unguessable"), "the token is in the log:\n{}", ended.log);
    assert_discreet(&ended.log)
}

fn probes(fixture: &Fixture) -> Result<()> {
    let server = server(fixture, "http_probes", &[])?;
    for path in ["/healthz", "/readyz"] {
        let answer = request(server.address(), "GET", path, &[], b"")?;
        ensure!(answer.status == 200, "{path}: {} {}", answer.status, answer.body);
    }
    done(fixture, server, "http_probes")?;
    // The process is well, its database is not there.
    let mut command = advisor_tests::bridge::command()?;
    command.env("DATABASE_URI", "postgresql://nobody:open-sesame@127.0.0.1:1/none");
    let server = Server::start(command.args(["--transport=sse", "--listen=127.0.0.1:0"]))?;
    for (path, status) in [("/healthz", 200), ("/readyz", 503)] {
        let answer = request(server.address(), "GET", path, &[], b"")?;
        ensure!(answer.status == status, "{path}: {} {}", answer.status, answer.body);
        ensure!(!answer.body.contains("open-sesame"), "{}", answer.body);
    }
    ensure!(!server.stop()?.log.contains("open-sesame"));
    Ok(())
}

/// Bytes that a process has in memory.
fn memory(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes << 10)
}

/// Files and sockets that a process has open.
fn handles(pid: u32) -> Result<usize> {
    Ok(std::fs::read_dir(format!("/proc/{pid}/fd"))?.count())
}

fn abandoned(fixture: &Fixture) -> Result<()> {
    let server = server(fixture, "http_abandoned", &[])?;
    answers(&server)?;
    let (before, open_before) = (memory(server.pid())?, handles(server.pid())?);
    for number in 0..1000 {
        // The place of the one before may not be free yet.
        let mut last = None;
        wait_until("a session opens", Duration::from_secs(5), || {
            let opened = if number % 2 == 0 {
                Legacy::open(&server).map(drop)
            } else {
                // The handshake begins and is never ended.
                Legacy::open(&server).and_then(|one| one.post(&server, &initialize(0)))
            };
            last = opened.as_ref().err().map(ToString::to_string);
            Ok(opened.is_ok())
        })
        .with_context(|| format!("session {number}: {last:?}"))?;
    }
    wait_until("the sockets are closed", Duration::from_secs(10), || {
        Ok(handles(server.pid())? <= open_before + 4)
    })?;
    let grown = memory(server.pid())?.saturating_sub(before);
    ensure!(grown < 30 << 20, "{} MB more for sessions that are gone", grown >> 20);
    done(fixture, server, "http_abandoned")
}

fn too_many(fixture: &Fixture) -> Result<()> {
    let server = server(fixture, "http_many", &["--max-sessions=8"])?;
    let mut sessions = Vec::new();
    for _ in 0..8 {
        sessions.push(Legacy::initialized(&server)?);
    }
    let refused = Legacy::open(&server);
    ensure!(refused.is_err_and(|error| error.to_string().contains("503")), "a ninth was opened");
    // Those that are open are served.
    let first = sessions.first_mut().context("no session")?;
    first.post(&server, &execute(1, "select 6 * 7"))?;
    ensure!(first.answer(1)?["result"]["isError"] != json!(true));
    drop(sessions);
    wait_until(
        "there is room again",
        Duration::from_secs(5),
        || Ok(Legacy::open(&server).is_ok()),
    )?;
    done(fixture, server, "http_many")
}

/// One client asks for much and reads nothing; the others do not notice.
fn slow_reader(fixture: &Fixture) -> Result<()> {
    let flags = ["--max-rows=10000", "--max-result-bytes=1048576"];
    let server = server(fixture, "http_slow", &flags)?;
    let lazy = Legacy::initialized(&server)?;
    let sql = "select repeat('x', 100) from generate_series(1, 9000)";
    for id in 1..=24 {
        // Once the queues are full it is refused, which is as good.
        let body = execute(id, sql).to_string();
        let answer = post_json(server.address(), &lazy.endpoint, body.as_bytes())?;
        ensure!([202, 404, 503].contains(&answer.status), "{} {}", answer.status, answer.body);
    }
    for _ in 0..3 {
        answers(&server)?;
    }
    let used = memory(server.pid())?;
    ensure!(used < 600 << 20, "{} MB for one client that does not read", used >> 20);
    drop(lazy);
    done(fixture, server, "http_slow")
}

/// Each session gets its own answers, although all use the same ids.
fn apart(fixture: &Fixture) -> Result<()> {
    let server = server(fixture, "http_apart", &[])?;
    let mut sessions = Vec::new();
    for _ in 0..8 {
        sessions.push(Legacy::initialized(&server)?);
    }
    for round in 1..=20_u64 {
        for (number, session) in sessions.iter().enumerate() {
            session.post(&server, &execute(round, &format!("select {number}, {round}")))?;
        }
        for (number, session) in sessions.iter_mut().enumerate() {
            let answer: Value = session.answer(round)?;
            let rows = &answer["result"]["structuredContent"]["rows"];
            ensure!(rows == &json!([[number, round]]), "session {number}: {answer}");
        }
    }
    drop(sessions);
    done(fixture, server, "http_apart")
}
