//! A few sessions that live long and ask for advice, plans and health again and again, with the workload
//! recorded: what a backend holds must not grow with the calls.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use advisor_tests::robust::backend::{Backend, Held};
use advisor_tests::robust::chance::Chance;
use advisor_tests::robust::grammar::Grammar;
use advisor_tests::robust::log::Watch;
use anyhow::{Context, Result, ensure};
use postgres::Client;

use crate::Case;
use crate::fixture::{Fixture, MADE_UP, seconds};

pub(crate) const CASES: &[Case] = &[("soak_takes_no_more_memory_in_the_end", soak)];

/// How long a short run takes.
const SHORT: u64 = 20;

const SESSIONS: usize = 3;

/// Rounds of all calls at least.
const LEAST: usize = 4;

/// Bytes a call that the line through the measurements may rise by once the caches are warm: of the
/// server's contexts, and of the process, whose heap is in pieces. In a short run there are too few for
/// a line, so what it rises by in all may be as much as `FEW`.
const CONTEXTS_A_CALL: f64 = 100.0;
const PROCESS_A_CALL: f64 = 1_000.0;
const FEW: f64 = 5.0e6;

/// What the workload is made of.
const STATEMENTS: usize = 60;

const CALLS: &[&str] = &[
    "select count(*) from mcp_advise_indexes(time_limit => '2 s')",
    "select count(*) from mcp_explain('select * from parts where k = 5 and day > ''2020-06-01''')",
    "select count(*) from mcp_explain_report('select count(*) from plain as a join heirs as b using (k)',
        array['create index on plain (k, m)'])",
    "select count(*) from mcp_health()",
    "select count(*) from mcp_top_queries()",
    "select count(*) from mcp_plan_findings('select * from seen_twice where note like ''a%''')",
    "select count(*) from mcp_advise_drops(time_limit => '2 s')",
    "select count(*) from mcp_advise_indexes(array['select * from plain where k = 5 and m = 3', 'broken'])",
    "select count(*) from mcp_advise_statistics()",
    "select length(mcp_advise_report(time_limit => '1 s')::text)::bigint",
    "select count(*) from mcp_schema_overview()",
    "select count(*) from mcp_check_read_only('select rows_of(5)')",
    "select mcp_explain('select nothing')",
    "select count(*) from mcp_table_bloat('plain')",
    "select count(*) from mcp_relationships()",
    "select length(mcp_export_statistics()::text)::bigint",
];

fn soak(fixture: &Fixture) -> Result<()> {
    let watch = Watch::new(&fixture.cluster);
    record(&mut fixture.cluster.connect(MADE_UP)?)?;
    let limit = Duration::from_secs(seconds("SOAK_SECONDS")?.unwrap_or(SHORT));
    let end = Instant::now() + limit;
    let calls = AtomicUsize::new(0);
    let outcomes: Vec<Result<()>> = thread::scope(|scope| {
        let started: Vec<_> = (0..SESSIONS)
            .map(|number| {
                let calls = &calls;
                scope.spawn(move || session(fixture, number, end, calls))
            })
            .collect();
        started
            .into_iter()
            .map(|one| one.join().ok().context("a session panicked").and_then(|done| done))
            .collect()
    });
    println!("soak: {} calls in {limit:.0?}", calls.load(Ordering::Relaxed));
    watch.assert_clean()?;
    outcomes.into_iter().collect()
}

/// Runs statements, so that there is a workload to advise on.
fn record(client: &mut Client) -> Result<()> {
    client.batch_execute("set statement_timeout = '1 s'; set lock_timeout = '1 s'")?;
    let (grammar, mut chance) = (Grammar::new()?, Chance::new(3));
    let mut ran = 0;
    for _ in 0..STATEMENTS {
        // One that fails is not recorded.
        let statement = grammar.statement(&mut chance)?;
        client.batch_execute("begin")?;
        let inlined =
            ["$1", "$2", "$3", "$4"].iter().fold(statement, |sql, name| sql.replace(name, "'5'"));
        ran += usize::from(client.batch_execute(&inlined).is_ok());
        client.batch_execute("rollback")?;
    }
    for k in 0..20 {
        client.batch_execute(&format!("select * from plain where k = {k} and note like 'a%'"))?;
    }
    ensure!(ran > STATEMENTS / 4, "only {ran} statements ran");
    Ok(())
}

/// Calls one after the other, measuring now and then.
fn session(fixture: &Fixture, number: usize, end: Instant, calls: &AtomicUsize) -> Result<()> {
    let settings = "set client_min_messages = error; set statement_timeout = '30 s'";
    let mut backend = Backend::open(&fixture.cluster, MADE_UP, settings)?;
    let mut measured: Vec<(usize, Held)> = Vec::new();
    let mut made = 0;
    while measured.len() < LEAST || Instant::now() < end {
        // Not all at the same at the same time, and measured after all of them.
        for call in CALLS.iter().cycle().skip(number * 5).take(CALLS.len()) {
            if let Err(error) = backend.client.query(*call, &[]) {
                let code = error.code().map(|code| code.code().to_owned());
                let code = code.with_context(|| format!("{call}: {error}"))?;
                ensure!(!code.starts_with("XX"), "{call}: {error:?}");
            }
            made += 1;
            calls.fetch_add(1, Ordering::Relaxed);
        }
        backend.assert_untouched()?;
        measured.push((made, backend.held()?));
    }
    judge(number, &measured, &mut backend)
}

/// The first third fills the caches; from there on the line must be flat.
fn judge(number: usize, measured: &[(usize, Held)], backend: &mut Backend) -> Result<()> {
    let warm = &measured[measured.len() / 3..];
    let (Some((first, begin)), Some((last, finish))) = (warm.first(), warm.last()) else {
        anyhow::bail!("nothing was measured");
    };
    let points = |of: fn(&Held) -> i64| -> Vec<(f64, f64)> {
        warm.iter().map(|(calls, held)| (*calls as f64, of(held) as f64)).collect()
    };
    let contexts = slope(&points(|held| held.contexts));
    let process = slope(&points(|held| held.process));
    let count = (last - first) as f64;
    println!(
        "soak, session {number}: {last} calls; from the {first}th on contexts {} to {} bytes, {contexts:.0} a call; \
         process {} to {}, {process:.0} a call",
        begin.contexts, finish.contexts, begin.process, finish.process,
    );
    let flat = |slope: f64, limit: f64| slope < limit || slope * count < FEW;
    if flat(contexts, CONTEXTS_A_CALL) && flat(process, PROCESS_A_CALL) {
        return Ok(());
    }
    anyhow::bail!(
        "session {number} grows by {contexts:.0} and {process:.0} bytes a call:\n{}",
        backend.largest_contexts()?
    )
}

/// Of the line of least squares.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len().max(1) as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let above: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let below: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    if below > 0.0 { above / below } else { 0.0 }
}
