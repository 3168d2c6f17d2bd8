//! Progress reaches the client while the call runs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use postgres::error::DbError;
use postgres::{Client, NoTls};
use serde_json::Value;

use crate::Case;
use crate::fixture::{Fixture, SHOP, state};

pub(crate) const CASES: &[Case] = &[
    ("progress_arrives_while_the_call_runs", arrives),
    ("progress_only_when_wanted", only_when_wanted),
];

/// How often at most, as documented.
const INTERVAL: f64 = 0.25;

/// What arrived, and when.
type Arrivals = Arc<Mutex<Vec<(Instant, DbError)>>>;

fn listening(fixture: &Fixture) -> Result<(Client, Arrivals)> {
    let arrivals = Arrivals::default();
    let heard = Arc::clone(&arrivals);
    let mut client = postgres::Config::new()
        .host_path(fixture.cluster.socket_dir())
        .dbname(SHOP)
        .user("postgres")
        .notice_callback(move |notice| {
            let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.push((Instant::now(), notice));
        })
        .connect(NoTls)?;
    client.batch_execute("select mcp_advise_indexes(array['select 1']); select hypopg()")?;
    taken(&arrivals);
    Ok((client, arrivals))
}

fn taken(arrivals: &Arrivals) -> Vec<(Instant, DbError)> {
    std::mem::take(&mut *arrivals.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Joins that take long to plan with many candidates.
fn long_call(limit: &str) -> String {
    let statement = |n: usize| {
        let tables: Vec<String> = (1..8).map(|t| format!("items as t{t}")).collect();
        let joins: Vec<String> = (2..8)
            .map(|t| format!("t{t}.customer = t{}.id and t{t}.placed > 'epoch'", t - 1))
            .collect();
        format!(
            "$q$select {n} from {} where t1.customer = {n} and {}$q$",
            tables.join(", "),
            joins.join(" and ")
        )
    };
    let list: Vec<String> = (0..60).map(statement).collect();
    format!(
        "select mcp_advise_report(array[{}], time_limit => '{limit}', plans => false)::text",
        list.join(", ")
    )
}

fn arrives(fixture: &Fixture) -> Result<()> {
    let (mut client, arrivals) = listening(fixture)?;
    client.batch_execute("set mcp_advisor.progress = on")?;
    let before = state(&mut client)?;
    let started = Instant::now();
    let text: String = client.query_one(&long_call("4 s"), &[])?.try_get(0)?;
    let elapsed = started.elapsed();
    let report: Value = serde_json::from_str(&text)?;
    let heard: Vec<(Duration, Value)> = taken(&arrivals)
        .into_iter()
        .filter(|(_, notice)| notice.message() == "progress")
        .map(|(at, notice)| {
            ensure!(notice.severity() == "NOTICE" && notice.code().code() == "00000");
            let detail = notice.detail().context("no detail")?;
            Ok((at - started, serde_json::from_str(detail)?))
        })
        .collect::<Result<_>>()?;
    // Several, spread over the call, and not too many.
    let most = elapsed.as_secs_f64() / INTERVAL + 1.0;
    ensure!(heard.len() >= 4 && heard.len() as f64 <= most, "{} in {elapsed:?}", heard.len());
    let early = heard.iter().filter(|(at, _)| *at < elapsed / 2).count();
    ensure!(early >= 2, "only {early} of {} came before half time", heard.len());
    let mut last = (0.0, 0.0, 0.0);
    for (_, progress) in &heard {
        let number = |key: &str| progress[key].as_f64().unwrap_or(0.0);
        let phase = progress["phase"].as_str().unwrap_or_default();
        let known = ["reading statements", "candidates", "searching", "verifying"];
        ensure!(known.contains(&phase), "{progress}");
        ensure!(number("total") == 60.0 && number("done") <= 60.0, "{progress}");
        ensure!((0.0..=1.0).contains(&number("best_improvement")), "{progress}");
        let now = (number("calls"), number("rounds"), number("best_improvement"));
        ensure!(now.0 >= last.0 && now.1 >= last.1 && now.2 >= last.2, "{progress}");
        last = now;
    }
    let searching = heard.iter().find(|(_, progress)| progress["phase"] == "searching");
    let (_, searching) = searching.context("no search")?;
    ensure!(searching["cost_before"] == report["cost_before"], "{searching}");
    ensure!(last.0 > 0.0, "no planner calls");
    ensure!(state(&mut client)? == before, "the session is not as it was");
    Ok(())
}

fn only_when_wanted(fixture: &Fixture) -> Result<()> {
    let (mut client, arrivals) = listening(fixture)?;
    for setting in [
        "reset mcp_advisor.progress",
        "set mcp_advisor.progress = off",
        "set mcp_advisor.progress = on; set client_min_messages = warning",
    ] {
        client.batch_execute(setting)?;
        client.query_one(&long_call("1 s"), &[])?;
        let heard = taken(&arrivals);
        let heard: Vec<&str> = heard.iter().map(|(_, notice)| notice.message()).collect();
        ensure!(!heard.contains(&"progress"), "{setting}: {heard:?}");
    }
    Ok(())
}
