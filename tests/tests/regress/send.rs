//! Statements sent through the bridge, several at a time, and what became of each.

use std::collections::HashMap;
use std::time::Duration;

use advisor_tests::bridge::stdio::Pipe;
use anyhow::{Context, Result, bail, ensure};
use mcp_bridge::guard;
use serde_json::{Value, json};

/// Calls at a time.
const IN_FLIGHT: usize = 6;

/// After how many calls a line is printed.
const PROGRESS: usize = 5_000;

/// How long nothing at all may be heard.
const SILENCE: Duration = Duration::from_secs(60);

/// What became of a statement. The texts are reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It ran.
    Allowed,
    /// Refused by the bridge's parser.
    Parser(String),
    /// Refused by the server's judgement on it.
    Server(String),
    /// Refused where it ran: by the latch, or because its transaction only reads.
    Latch(String),
    /// An error of the statement.
    Error(String),
}

/// A call of a tool with a statement.
pub(crate) struct Call<'a> {
    pub(crate) tool: &'static str,
    pub(crate) arguments: Value,
    pub(crate) sql: &'a str,
}

/// Makes the calls; the outcomes are in their order.
///
/// # Errors
/// When the bridge fails, or loses its connection to the server.
pub(crate) fn send(pipe: &mut Pipe, calls: &[Call<'_>]) -> Result<Vec<Outcome>> {
    let mut outcomes: Vec<Option<Outcome>> = vec![None; calls.len()];
    let mut in_flight: HashMap<u64, usize> = HashMap::new();
    let mut unsent = calls.iter().enumerate();
    loop {
        while in_flight.len() < IN_FLIGHT {
            let Some((index, call)) = unsent.next() else { break };
            let params = json!({"name": call.tool, "arguments": call.arguments});
            in_flight.insert(pipe.begin("tools/call", &params)?, index);
            if index > 0 && index.is_multiple_of(PROGRESS) {
                println!("{index} of {} calls of {}", calls.len(), call.tool);
            }
        }
        if in_flight.is_empty() {
            break;
        }
        let message = pipe.receive(SILENCE)?.context("the bridge does not answer")?;
        ensure!(message.get("not JSON").is_none(), "{message}");
        let answered = message["id"].as_u64().and_then(|id| in_flight.remove(&id));
        if let Some(index) = answered {
            let result = message.get("result").with_context(|| format!("{message}"))?;
            let sql = calls[index].sql;
            let outcome = outcome(sql, result).with_context(|| sql.to_owned())?;
            outcomes[index] = Some(outcome);
        }
    }
    outcomes.into_iter().map(|outcome| outcome.context("an answer")).collect()
}

fn outcome(sql: &str, result: &Value) -> Result<Outcome> {
    if result["isError"] != true {
        return Ok(Outcome::Allowed);
    }
    let error = &result["structuredContent"]["error"];
    let text = |field: &str| error[field].as_str().unwrap_or_default().to_owned();
    let reason = if error["detail"].is_string() {
        format!("{}: {}", text("message"), text("detail"))
    } else {
        text("message")
    };
    Ok(match text("kind").as_str() {
        "not_read_only" if guard::check(sql).is_err() => Outcome::Parser(reason),
        "not_read_only" if error["sqlstate"].is_string() => Outcome::Latch(reason),
        "not_read_only" => Outcome::Server(reason),
        // More than one statement, parameters, a statement without a plan.
        "invalid_argument" => Outcome::Parser(reason),
        "sql_error" | "timeout" | "conflict" | "permission_denied" | "unsupported" => {
            Outcome::Error(format!("{} {}", text("sqlstate"), text("message")))
        }
        _ => bail!("{error}"),
    })
}
