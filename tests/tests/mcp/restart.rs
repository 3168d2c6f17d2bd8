//! The server goes away under load and comes back; the bridge stays.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use advisor_tests::bridge::driver::{Client, Driver};
use advisor_tests::bridge::server::Server;
use advisor_tests::bridge::{signal, wait_until};
use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};

use crate::Case;
use crate::fixture::{Fixture, endless};
use crate::matrix::{Transport, leave, way};

pub(crate) const CASES: &[Case] = &[("server_killed_and_started_under_load", killed_and_started)];

/// How long the server is away.
const ABSENCE: Duration = Duration::from_secs(2);

/// Calls that each client has made before the server goes.
const CALLS_BEFORE: usize = 10;

/// How soon after its return every client must be served again.
const RETURN: Duration = Duration::from_secs(15);

/// A client at work: it calls again and again.
struct Worker {
    name: &'static str,
    application: &'static str,
    server: Option<Server>,
    thread: JoinHandle<Result<(Driver, Vec<Step>)>>,
}

/// One call: when it ended, and its error if it failed.
struct Step {
    ended: Instant,
    error: Option<Value>,
}

fn killed_and_started(_: &Fixture) -> Result<()> {
    let mut own = Fixture::start()?;
    let done = Arc::new(AtomicBool::new(false));
    let mut connected = Vec::new();
    for (name, application, client, transport) in [
        ("stdio", "load_stdio", Client::Py2, Transport::Stdio),
        ("sse", "load_sse", Client::Ts1, Transport::Sse),
        ("http", "load_http", Client::Py1, Transport::Http),
        ("http, stateless", "load_modern", Client::Ts2, Transport::Http),
    ] {
        let (mut how, server) = way(&own, transport, application, &[])?;
        if let (Client::Ts2, Value::Object(fields)) = (client, &mut how) {
            fields.insert("era".to_owned(), json!("auto"));
        }
        let (driver, _) = Driver::connect(client, &how)?;
        connected.push((name, application, driver, server));
    }
    let (mut workers, mut counts) = (Vec::new(), Vec::new());
    for (name, application, driver, server) in connected {
        let (done, calls) = (Arc::clone(&done), Arc::new(AtomicUsize::new(0)));
        counts.push(Arc::clone(&calls));
        let thread = spawn(move || work(driver, &calls, &done));
        workers.push(Worker { name, application, server, thread });
    }
    let enough = |calls: &Arc<AtomicUsize>| calls.load(Ordering::Relaxed) > CALLS_BEFORE;
    wait_until("all are at work", Duration::from_secs(20), || Ok(counts.iter().all(enough)))?;
    let stopped = Instant::now();
    // An immediate shutdown: sessions are cut off in the middle of their statements.
    signal(own.cluster.server_pid(), "QUIT")?;
    sleep(ABSENCE);
    let returned = Instant::now();
    own.cluster.restart("")?;
    let mut answered = Ok(());
    let end = returned + RETURN;
    while Instant::now() < end {
        sleep(Duration::from_millis(500));
        answered = own.keeper().map(drop);
    }
    done.store(true, Ordering::Relaxed);
    answered.context("the server itself is not back")?;
    for worker in workers {
        let name = worker.name;
        let (driver, steps) = worker.thread.join().map_err(|_| anyhow!("{name}: panicked"))??;
        judge(&steps, stopped, returned).with_context(|| name)?;
        leave(&own, driver, worker.server, worker.application).with_context(|| name)?;
    }
    Ok(())
}

/// Calls until it is told to stop: short calls one after the other, and a long one beside them.
fn work(mut driver: Driver, calls: &AtomicUsize, done: &AtomicBool) -> Result<(Driver, Vec<Step>)> {
    let mut steps = Vec::new();
    let long = driver.begin_call("execute_sql", &json!({"sql": endless("at_work")}))?;
    while !done.load(Ordering::Relaxed) {
        let sql = "select count(*) from shop.orders where status = 'open'";
        let result = driver.call("execute_sql", &json!({"sql": sql}))?.ok()?;
        let failed = result["isError"] == json!(true);
        if !failed {
            let count = &result["structuredContent"]["rows"][0][0];
            ensure!(count == &json!(16_666), "a wrong answer: {result}");
        }
        let error = failed.then(|| result["structuredContent"]["error"].clone());
        steps.push(Step { ended: Instant::now(), error });
        calls.fetch_add(1, Ordering::Relaxed);
        sleep(Duration::from_millis(20));
    }
    let result = driver.outcome(long)?.ok()?;
    let kind = &result["structuredContent"]["error"]["kind"];
    ensure!(kind == "database_unavailable", "the long call: {result}");
    Ok((driver, steps))
}

/// Answers before, clear errors while it was away, answers again.
fn judge(steps: &[Step], stopped: Instant, returned: Instant) -> Result<()> {
    let before = steps.iter().filter(|step| step.ended < stopped);
    ensure!(before.clone().count() >= CALLS_BEFORE, "{} calls before", before.count());
    for step in before {
        ensure!(step.error.is_none(), "an error before: {:?}", step.error);
    }
    let errors: Vec<&Value> = steps.iter().filter_map(|step| step.error.as_ref()).collect();
    ensure!(!errors.is_empty(), "no call failed");
    for error in &errors {
        ensure!(error["kind"] == "database_unavailable", "{error}");
        ensure!(error["retryable"] == true && error["hint"].is_string(), "{error}");
        ensure!(error["message"].as_str().is_some_and(|message| message.len() > 10), "{error}");
    }
    let last = steps.iter().rfind(|step| step.error.is_some());
    let since = last.map_or(Duration::ZERO, |last| last.ended.saturating_duration_since(returned));
    let after = steps.iter().filter(|step| step.error.is_none() && step.ended > returned).count();
    ensure!(after > 5, "{after} answers after the return, the last error {since:?} after it");
    ensure!(since < RETURN - Duration::from_secs(2), "still failing {since:?} after the return");
    Ok(())
}
