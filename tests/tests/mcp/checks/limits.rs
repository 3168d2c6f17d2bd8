//! Calls that take long, or answer much.

use std::time::{Duration, Instant};

use advisor_tests::bridge::wait_until;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{Session, text};
use crate::fixture::endless;

/// How soon the server must have stopped what nobody waits for.
const PROMPT: Duration = Duration::from_secs(4);

pub(super) fn progress(session: &mut Session<'_>) -> Result<()> {
    let fields = json!({"name": "analyze_workload_indexes", "arguments": {}, "progress": true});
    let result = session.driver.run("call", &fields)?.ok()?;
    let notes = result["progress"].as_array().cloned().unwrap_or_default();
    session.answered("analyze_workload_indexes", result)?;
    // The last of them may be lost in some clients, so one must do.
    ensure!(!notes.is_empty(), "no progress was reported");
    let steps: Vec<f64> = notes.iter().filter_map(|note| note["progress"].as_f64()).collect();
    ensure!(steps.len() == notes.len() && steps.is_sorted_by(|a, b| a < b), "{notes:?}");
    let words = |note: &Value| note["message"].as_str().is_some_and(|words| !words.is_empty());
    ensure!(notes.iter().all(words), "{notes:?}");
    Ok(())
}

pub(super) fn cancel(session: &mut Session<'_>) -> Result<()> {
    let sql = endless(&format!("stop_{}", session.application));
    let begin = Instant::now();
    let pending = session.driver.begin_call("execute_sql", &json!({"sql": sql}))?;
    let is_running = "state = 'active' and query like '%shop.endless%'";
    let (fixture, application) = (session.fixture, session.application.clone());
    let running = move || fixture.backends(&application, is_running);
    wait_until("the statement runs", Duration::from_secs(5), || Ok(running()? == 1))?;
    session.driver.cancel(pending)?;
    wait_until("the statement is gone", PROMPT, || Ok(running()? == 0))?;
    // Else it was the deadline that ended it.
    ensure!(begin.elapsed() < Duration::from_secs(8), "took {:?}", begin.elapsed());
    let error = session.driver.outcome(pending)?.error()?;
    ensure!(error["cancelled"] == true, "{error}");
    // The session is as good as before.
    session.call("execute_sql", &json!({"sql": "select 1"}))?;
    Ok(())
}

pub(super) fn timeout(session: &mut Session<'_>) -> Result<()> {
    let sql = endless(&format!("late_{}", session.application));
    let begin = Instant::now();
    let pending = session.driver.begin_call("execute_sql", &json!({"sql": sql}))?;
    // Others are answered meanwhile.
    session.call("execute_sql", &json!({"sql": "select 1"}))?;
    let meanwhile = begin.elapsed();
    ensure!(
        meanwhile < Duration::from_secs(6),
        "a short call took {meanwhile:?} beside a long one"
    );
    let outcome = session.driver.outcome(pending)?;
    let error = session.failed("execute_sql", outcome)?;
    ensure!(error["kind"] == "timeout" && error["retryable"] == true, "{error}");
    ensure!(error["message"].as_str().is_some_and(|message| message.contains("8 s")), "{error}");
    let took = begin.elapsed();
    ensure!((8.0..13.0).contains(&took.as_secs_f64()), "ended after {took:?}");
    let running = "state = 'active' and query like '%shop.endless%'";
    let (fixture, application) = (session.fixture, session.application.clone());
    wait_until("the statement is gone", PROMPT, || {
        Ok(fixture.backends(&application, running)? == 0)
    })?;
    Ok(())
}

pub(super) fn large_result(session: &mut Session<'_>) -> Result<()> {
    // Rows come twice, as text and as data, and some clients take a mebibyte a message.
    let count = if session.takes_a_mebibyte { 4_500 } else { 9_800 };
    let sql = format!(
        "select i, repeat(chr(97 + i % 26), 90) as letters from generate_series(1, {count}) as i"
    );
    let result = session.call("execute_sql", &json!({"sql": sql}))?;
    let content = &result["structuredContent"];
    ensure!(content["truncated"].is_null(), "{}", content["truncated"]);
    let rows = content["rows"].as_array().context("no rows")?;
    ensure!(rows.len() == count, "{} rows", rows.len());
    for (at, row) in rows.iter().enumerate() {
        let letter = char::from(b'a' + u8::try_from((at + 1) % 26)?);
        let letters = letter.to_string().repeat(90);
        ensure!(row[0] == json!(at + 1) && row[1] == json!(letters), "row {at}: {row}");
    }
    let bytes = content["rows"].to_string().len() + text(&result).len();
    ensure!(bytes > 195 * count, "the result has {bytes} bytes only");
    // One more than the limit is cut, and that is said.
    let sql = if session.takes_a_mebibyte {
        "select i from generate_series(1, 10001) as i"
    } else {
        "select repeat('x', 400) as x from generate_series(1, 5000) as i"
    };
    let result = session.call("execute_sql", &json!({"sql": sql}))?;
    let content = &result["structuredContent"];
    let reason = if session.takes_a_mebibyte { "rows" } else { "bytes" };
    ensure!(content["truncated"]["reason"] == reason, "{}", content["truncated"]);
    let rows = content["rows"].as_array().map_or(0, Vec::len);
    ensure!((2_000..=10_000).contains(&rows), "{rows} rows");
    ensure!(text(&result).contains(&format!("Only the first {rows} rows")), "no notice of the cut");
    Ok(())
}
