//! Frames that are nearly messages: nothing hangs, nothing ends, and every tenth is a ping that is
//! answered.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::client::{Asked, Server, call, cancelled, initialize, initialized, request, stateless};
use crate::stdio::Pipes;

const FRAMES: u64 = 1500;

/// Pings have ids of their own.
const PING: u64 = 1_000_000;

/// Pseudo-random numbers that are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % sides.max(1)
    }
}

/// Frames to begin with.
fn seeds() -> Vec<String> {
    let echo = json!({"name": "test_echo", "arguments": {"value": "x"}});
    vec![
        request(1, "ping", &json!({})),
        request(1, "tools/list", &json!({})),
        request(1, "prompts/get", &json!({"name": "test_simple_prompt"})),
        request(1, "resources/read", &json!({"uri": "test://static-text"})),
        request(1, "completion/complete", &json!({"ref": {}, "argument": {}})),
        request(1, "logging/setLevel", &json!({"level": "loud"})),
        call(1, "test_echo", &json!({"value": "x"})),
        call(1, "test_panic", &json!({})),
        call(1, "no_such_tool", &json!({})),
        stateless(1, "tools/call", echo),
        stateless(1, "server/discover", json!({})),
        initialize(1),
        initialized(),
        cancelled(1),
        json!({"jsonrpc": "2.0", "id": 1, "result": {}}).to_string(),
        json!({"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "x"}}).to_string(),
    ]
}

/// Values that a field does not expect.
fn odd(dice: &mut Dice) -> Value {
    match dice.roll(9) {
        0 => Value::Null,
        1 => json!(-1),
        2 => json!(1.5),
        3 => json!(u64::MAX),
        4 => json!(""),
        5 => json!("\u{0}\u{7f}\u{10ffff}"),
        6 => json!([]),
        7 => json!({"a": [[[[{}]]]]}),
        _ => json!(true),
    }
}

/// A seed with one thing wrong, or two.
fn frame(dice: &mut Dice, number: u64) -> Vec<u8> {
    let seeds = seeds();
    let mut text = seeds[dice.roll(seeds.len())].clone();
    if let Ok(mut value) = serde_json::from_str::<Value>(&text) {
        if value.get("id").is_some() {
            value["id"] = number.into();
        }
        let fields = ["jsonrpc", "id", "method", "params", "result", "error"];
        match dice.roll(4) {
            0 => value[fields[dice.roll(fields.len())]] = odd(dice),
            1 => {
                let field = fields[dice.roll(fields.len())];
                value.as_object_mut().map(|object| object.remove(field));
            }
            2 => {
                if let Some(params) = value.get_mut("params").and_then(Value::as_object_mut) {
                    for field in params.values_mut() {
                        *field = odd(dice);
                    }
                }
            }
            _ => {}
        }
        text = value.to_string();
    }
    let mut bytes = text.into_bytes();
    match dice.roll(4) {
        0 => {
            for _ in 0..=dice.roll(4) {
                let at = dice.roll(bytes.len());
                bytes[at] = u8::try_from(dice.roll(256)).unwrap_or(0);
            }
        }
        1 => bytes.truncate(dice.roll(bytes.len())),
        2 => {
            let at = dice.roll(bytes.len());
            bytes.splice(at..at, [b'{', b'"', 0, 0xff, b'['].into_iter().take(1 + dice.roll(5)));
        }
        _ => {}
    }
    // On stdio a line end would make two frames of one.
    bytes.retain(|byte| *byte != b'\n');
    bytes
}

fn ping(number: u64) -> String {
    request(PING + number, "ping", &json!({}))
}

#[tokio::test]
async fn on_stdio() -> Result<()> {
    let mut pipes = Pipes::open();
    let mut dice = Dice(7);
    // Also before a session has begun.
    for number in 0..FRAMES {
        if number == 100 {
            pipes.line(initialize(PING)).await?;
            pipes.answer_to(PING).await?;
        }
        pipes.line(frame(&mut dice, number)).await?;
        if number % 10 == 0 {
            pipes.line(ping(number)).await?;
            pipes.answer_to(PING + number).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn on_sse() -> Result<()> {
    let server = Server::start().await?;
    let mut client = crate::sse::Client::begun(&server).await?;
    let mut posts = server.connect().await?;
    let mut dice = Dice(11);
    for number in 0..FRAMES {
        let answer = posts.request(Asked::post(&client.endpoint, frame(&mut dice, number))).await?;
        ensure!([202, 400].contains(&answer.status), "{answer:?}");
        if number % 10 == 0 {
            posts.request(Asked::post(&client.endpoint, ping(number))).await?;
            while client.events.message().await?["id"] != PING + number {}
        }
    }
    Ok(())
}

#[tokio::test]
async fn on_streamable_http() -> Result<()> {
    let server = Server::start().await?;
    let session = crate::streamable::Session::open(&server).await?;
    let mut posts = server.connect().await?;
    let mut dice = Dice(13);
    for number in 0..FRAMES {
        let frame = frame(&mut dice, number);
        let asked = match number % 4 {
            0 => Asked::post("/mcp", frame),
            1 => Asked::post("/mcp", frame)
                .header("mcp-protocol-version", "2026-07-28")
                .header("mcp-method", "tools/call"),
            _ => session.post(frame),
        };
        let answer = posts.request(asked).await?;
        ensure!(answer.status < 500 || answer.status == 503, "{answer:?}");
        if number % 10 == 0 {
            let answer = posts.request(session.post(ping(number))).await?;
            ensure!(answer.message()?["id"] == PING + number, "{answer:?}");
        }
    }
    Ok(())
}
