//! stdio: lines, both eras, the end of the input.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use mcp_bridge::transport::serve_lines;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::client::{
    AT_ONCE, SOON, call, cancelled, eventually, initialize, initialized, long_call, request,
    stateless,
};
use crate::fixture::Fixture;

/// A client at the other end of two pipes.
pub(crate) struct Pipes {
    input: Option<DuplexStream>,
    output: Lines<BufReader<DuplexStream>>,
    pub(crate) fixture: Fixture,
    shutdown: CancellationToken,
    serving: JoinHandle<Result<(), mcp_bridge::transport::TransportError>>,
}

impl Pipes {
    pub(crate) fn open() -> Self {
        let (input, theirs_in) = tokio::io::duplex(64 << 10);
        let (theirs_out, output) = tokio::io::duplex(64 << 10);
        let (fixture, shutdown) = (Fixture::new(), CancellationToken::new());
        let serving =
            tokio::spawn(serve_lines(fixture.clone(), theirs_in, theirs_out, shutdown.clone()));
        let output = BufReader::new(output).lines();
        Self { input: Some(input), output, fixture, shutdown, serving }
    }

    /// With a session of the older era.
    async fn begun() -> Result<Self> {
        let mut pipes = Self::open();
        pipes.line(initialize(0)).await?;
        ensure!(pipes.answer().await?["id"] == 0);
        pipes.line(initialized()).await?;
        Ok(pipes)
    }

    pub(crate) async fn line(&mut self, line: impl AsRef<[u8]>) -> Result<()> {
        let input = self.input.as_mut().context("the input is closed")?;
        let write = async {
            input.write_all(line.as_ref()).await?;
            input.write_all(b"\n").await
        };
        tokio::time::timeout(2 * SOON, write).await.context("lines are not read")??;
        Ok(())
    }

    pub(crate) async fn answer(&mut self) -> Result<Value> {
        let line = tokio::time::timeout(2 * SOON, self.output.next_line())
            .await
            .context("no answer came")??;
        Ok(serde_json::from_str(&line.context("the output has ended")?)?)
    }

    /// The answer to a request, and what came before it.
    pub(crate) async fn answer_to(&mut self, id: u64) -> Result<(Value, Vec<Value>)> {
        let mut before = Vec::new();
        loop {
            let answer = self.answer().await?;
            if answer["id"] == id {
                return Ok((answer, before));
            }
            before.push(answer);
        }
    }

    fn close(&mut self) {
        self.input = None;
    }

    /// Waits for the end of the process, as it were.
    async fn ended(&mut self) -> Result<()> {
        tokio::time::timeout(SOON, &mut self.serving).await.context("it has not ended")???;
        Ok(())
    }

    fn waits(&self) -> (usize, usize, usize) {
        let counts = &self.fixture.counts;
        let [started, finished, cancelled] = [&counts.started, &counts.finished, &counts.cancelled]
            .map(|count| count.load(std::sync::atomic::Ordering::SeqCst));
        (started, finished, cancelled)
    }
}

#[tokio::test]
async fn both_eras_are_spoken() -> Result<()> {
    let mut old = Pipes::begun().await?;
    old.line(call(1, "test_echo", &json!({"value": "old"}))).await?;
    ensure!(old.answer().await?["result"]["content"][0]["text"] == "old");

    let mut new = Pipes::open();
    new.line(stateless(1, "server/discover", json!({}))).await?;
    let discovered = new.answer().await?;
    ensure!(discovered["result"]["supportedVersions"].to_string().contains("2026-07-28"));
    let echo = json!({"name": "test_echo", "arguments": {"value": "new"}});
    new.line(stateless(2, "tools/call", echo)).await?;
    ensure!(new.answer().await?["result"]["content"][0]["text"] == "new");
    Ok(())
}

#[tokio::test]
async fn a_client_may_try_one_era_and_go_on_with_the_other() -> Result<()> {
    let mut pipes = Pipes::open();
    pipes.line(stateless(1, "server/discover", json!({}))).await?;
    ensure!(pipes.answer().await?["id"] == 1);
    pipes.line(cancelled(1)).await?;
    pipes.line(request(2, "tools/list", &json!({}))).await?;
    // Not yet begun, and of neither era.
    ensure!(pipes.answer().await?["error"]["code"] == -32602);
    pipes.line(initialize(3)).await?;
    ensure!(pipes.answer().await?["result"]["protocolVersion"] == "2025-11-25");
    pipes.line(request(4, "tools/list", &json!({}))).await?;
    ensure!(pipes.answer().await?["result"]["tools"].is_array());
    Ok(())
}

#[tokio::test]
async fn what_is_no_message_is_answered_and_the_session_goes_on() -> Result<()> {
    let mut pipes = Pipes::begun().await?;
    let ping = request(7, "ping", &json!({}));
    let nul = ping.replace("ping", "pi\0ng");
    for (line, code) in [
        (b"{".as_slice(), -32700),
        (b"not json", -32700),
        (b"\xff\xfe{}", -32700),
        (b"\0", -32700),
        (nul.as_bytes(), -32700),
        (b"[1,2]", -32600),
        (br#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, -32600),
        (br#"{"jsonrpc":"2.0","id":7}"#, -32600),
        (br#"{"jsonrpc":"2.0","id":7,"method":"no/such"}"#, -32601),
    ] {
        pipes.line(line).await?;
        let answer = pipes.answer().await?;
        ensure!(answer["error"]["code"] == code, "{line:?}: {answer}");
        pipes.line(&ping).await?;
        ensure!(pipes.answer().await?["result"] == json!({}));
    }
    // Blank lines, line ends of other systems, byte order marks.
    pipes.line("\r\n\n   \n").await?;
    pipes.line(format!("\u{feff}{ping}\r")).await?;
    ensure!(pipes.answer().await?["id"] == 7);
    Ok(())
}

#[tokio::test]
async fn a_line_too_long_is_answered_with_its_id() -> Result<()> {
    let mut pipes = Pipes::begun().await?;
    let sql = "x".repeat(50 << 20);
    for line in [
        long_call(5, 50 << 20),
        format!(
            r#"{{"method":"tools/call","params":{{"name":"test_echo","arguments":{{"value":"{sql}"}}}},"jsonrpc":"2.0","id":5}}"#
        ),
    ] {
        pipes.line(line).await?;
        let answer = pipes.answer().await?;
        ensure!(answer["id"] == 5 && answer["error"]["code"] == -32600, "{answer}");
        ensure!(answer["error"]["message"].to_string().contains("at most"));
    }
    pipes.line(request(6, "ping", &json!({}))).await?;
    ensure!(pipes.answer().await?["id"] == 6);
    Ok(())
}

#[tokio::test]
async fn large_arguments_and_results_pass() -> Result<()> {
    let mut pipes = Pipes::begun().await?;
    let value = "é".repeat(4 << 20);
    pipes.line(call(1, "test_echo", &json!({"value": value}))).await?;
    ensure!(pipes.answer().await?["result"]["content"][0]["text"] == value);
    Ok(())
}

#[tokio::test]
async fn the_end_of_the_input_cancels_what_runs_at_once() -> Result<()> {
    let mut pipes = Pipes::begun().await?;
    for id in 1..=3 {
        pipes.line(call(id, "test_wait", &json!({"ms": 60_000}))).await?;
    }
    eventually("the calls run", || pipes.waits().0 == 3).await?;
    let closed = Instant::now();
    pipes.close();
    pipes.ended().await?;
    ensure!(pipes.waits() == (3, 0, 3), "{:?}", pipes.waits());
    ensure!(closed.elapsed() < AT_ONCE, "{:?}", closed.elapsed());
    Ok(())
}

#[tokio::test]
async fn what_was_sent_before_the_end_is_answered() -> Result<()> {
    let mut pipes = Pipes::open();
    for line in [initialize(1), initialized(), request(2, "tools/list", &json!({})), "{".into()] {
        pipes.line(line).await?;
    }
    pipes.close();
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(pipes.answer().await?["id"].to_string());
    }
    answers.sort();
    ensure!(answers == ["1", "2", "null"], "{answers:?}");
    pipes.ended().await
}

#[tokio::test]
async fn an_end_before_the_begin_is_no_fault() -> Result<()> {
    for lines in [&[][..], &["rubbish"], &["{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}"]] {
        let mut pipes = Pipes::open();
        for line in lines {
            pipes.line(line).await?;
            // Also what is answered last comes through.
            pipes.answer().await?;
        }
        pipes.close();
        pipes.ended().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_client_that_stops_reading_ends_its_session() -> Result<()> {
    let mut pipes = Pipes::begun().await?;
    pipes.line(call(1, "test_wait", &json!({"ms": 60_000}))).await?;
    eventually("the call runs", || pipes.waits().0 == 1).await?;
    let (_, elsewhere) = tokio::io::duplex(1);
    pipes.output = BufReader::new(elsewhere).lines();
    pipes.line(request(2, "ping", &json!({}))).await?;
    pipes.ended().await?;
    ensure!(pipes.waits() == (1, 0, 1));
    Ok(())
}

#[tokio::test]
async fn a_shutdown_cancels_and_ends() -> Result<()> {
    let mut pipes = Pipes::begun().await?;
    pipes.line(call(1, "test_wait", &json!({"ms": 60_000}))).await?;
    eventually("the call runs", || pipes.waits().0 == 1).await?;
    pipes.shutdown.cancel();
    pipes.ended().await?;
    ensure!(pipes.waits() == (1, 0, 1));
    Ok(())
}

#[tokio::test]
async fn a_cancelled_call_is_cancelled_and_the_others_go_on() -> Result<()> {
    let mut pipes = Pipes::begun().await?;
    pipes.line(call(1, "test_wait", &json!({"ms": 60_000}))).await?;
    pipes.line(call(2, "test_wait", &json!({"ms": 300}))).await?;
    eventually("the calls run", || pipes.waits().0 == 2).await?;
    pipes.line(cancelled(1)).await?;
    let (answer, before) = pipes.answer_to(2).await?;
    ensure!(answer["result"]["content"][0]["text"] == "waited");
    ensure!(before.is_empty() && pipes.waits() == (2, 1, 1));
    Ok(())
}

#[tokio::test]
async fn a_panic_is_answered_and_progress_is_told() -> Result<()> {
    let mut pipes = Pipes::begun().await?;
    pipes.line(call(1, "test_panic", &json!({}))).await?;
    ensure!(pipes.answer().await?["error"]["code"] == -32603);
    let params = json!({"name": "test_tool_with_progress", "_meta": {"progressToken": "p"}});
    pipes.line(request(2, "tools/call", &params)).await?;
    let (_, before) = pipes.answer_to(2).await?;
    let steps: Vec<_> = before.iter().map(|step| step["params"]["progress"].to_string()).collect();
    ensure!(steps == ["0.0", "50.0", "100.0"] || steps == ["0", "50", "100"], "{steps:?}");
    Ok(())
}
