//! What the guard costs: the check of a statement against planning it, a latched session against a
//! plain one, a restricted call of the bridge against an unrestricted one.
//!
//! The check is timed inside the server, where no client and no socket take part: the time of the
//! function less that of one that does nothing. A cluster of its own, with the statements and the
//! tables of `tests/guard`.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde_json::json;

use super::Bench;
use crate::bridge::{self, stdio::Pipe};
use crate::cluster::{Cluster, SUPERUSER};
use crate::guard_corpus::{fill, read};
use crate::measure::{median, quantile};
use crate::program::Table;

const SETTINGS: &str = "
shared_preload_libraries = 'pg_stat_statements'
jit = off
";

const DATABASE: &str = "guard";

/// Times each statement is checked and planned; the median counts.
const RUNS: i32 = 15;

/// Times a statement is sent over a connection.
const SENT: usize = 2_000;

/// Calls of the bridge.
const CALLS: usize = 500;

/// The targets.
const CHECK_RATIO: f64 = 1.0;
const CHECK_US: f64 = 1_000.0;
const LATCH_RATIO: f64 = 1.25;
const CALL_RATIO: f64 = 2.0;

/// The times of one statement in microseconds: the check, a function that does nothing, what
/// EXPLAIN says of planning, and all of EXPLAIN.
const TIMES: &str = "
create function times(
    query text, runs integer,
    out checks float8[], out nothing float8[], out plans float8[], out explains float8[]
) language plpgsql as $$
declare
    begun timestamptz;
    plan json;
begin
    for run in 1..runs loop
        begun := clock_timestamp();
        perform from mcp_check_read_only(query);
        checks := checks || extract(epoch from clock_timestamp() - begun)::float8 * 1e6;
        begun := clock_timestamp();
        perform from generate_series(1, 1);
        nothing := nothing || extract(epoch from clock_timestamp() - begun)::float8 * 1e6;
        begun := clock_timestamp();
        execute 'explain (summary, format json) ' || query into plan;
        explains := explains || extract(epoch from clock_timestamp() - begun)::float8 * 1e6;
        plans := plans || (plan -> 0 ->> 'Planning Time')::float8 * 1e3;
    end loop;
end $$";

/// Ten functions, of the server and of a user.
const TEN_FUNCTIONS: &str = "select lower('A'), upper('a'), length('abc'), abs(-1), round(1.5), \
     now(), md5('a'), app.net(119), app.tier(5), to_char(now(), 'YYYY')";

pub(super) fn measure(bench: &mut Bench<'_>) -> Result<()> {
    let cluster = Cluster::start(SETTINGS)?;
    let mut client = cluster.create_database(DATABASE)?;
    fill(&mut client)?;
    checks(bench, &mut client)?;
    latch(bench, &cluster)?;
    calls(bench, &cluster)
}

/// The medians of one statement's times, in microseconds.
struct Times {
    label: String,
    check: f64,
    plan: f64,
    explain: f64,
}

fn checks(bench: &mut Bench<'_>, client: &mut Client) -> Result<()> {
    bench.progress.part("The check of the everyday statements of tests/guard, in the server");
    client.batch_execute(TIMES)?;
    let mut all = Vec::new();
    for case in read("allowed")? {
        // What cannot be planned has no time of planning, what cannot be read none at all.
        if client.simple_query(&format!("explain {}", case.sql)).is_err() {
            continue;
        }
        let sql = "select checks, nothing, plans, explains from times($1, $2)";
        let row = client.query_one(sql, &[&case.sql, &RUNS]).context("time a statement")?;
        let middle =
            |column: usize| -> Result<f64> { Ok(median(&row.try_get::<_, Vec<f64>>(column)?)) };
        let check = (middle(0)? - middle(1)?).max(0.0);
        all.push(Times { label: case.sql, check, plan: middle(2)?, explain: middle(3)? });
    }
    ensure!(!all.is_empty(), "no statement was timed");
    print_checks(bench, &mut all);
    Ok(())
}

fn print_checks(bench: &mut Bench<'_>, all: &mut [Times]) {
    let mut table = Table::new(&["over all statements", "median", "p90", "p99", "most"]);
    let mut show = |what: &str, unit: &str, values: &[f64]| {
        let cell = |value: f64| format!("{value:.1} {unit}");
        let quantiles = [0.5, 0.9, 0.99, 1.0].map(|share| cell(quantile(values, share)));
        let [first, second, third, fourth] = quantiles;
        table.row(&[what.to_owned(), first, second, third, fourth]);
    };
    let column = |value: fn(&Times) -> f64| all.iter().map(value).collect::<Vec<f64>>();
    let checks = column(|one| one.check);
    let to_plan = column(|one| one.check / one.plan.max(1.0));
    let to_explain = column(|one| one.check / one.explain.max(1.0));
    show("check", "us", &checks);
    show("planning, as EXPLAIN says", "us", &column(|one| one.plan));
    show("EXPLAIN: parsing, analysis, planning", "us", &column(|one| one.explain));
    show("check / planning", "x", &to_plan);
    show("check / EXPLAIN", "x", &to_explain);
    super::print(&table);
    println!("\n{} statements, {RUNS} runs each", all.len());
    all.sort_by(|a, b| b.check.total_cmp(&a.check));
    let mut slowest = Table::new(&["the slowest checks", "check", "planning", "EXPLAIN"]);
    for one in all.iter().take(8) {
        let cell = |value: f64| format!("{value:.0} us");
        let label = one.label.replace('\n', " ").chars().take(60).collect();
        slowest.row(&[label, cell(one.check), cell(one.plan), cell(one.explain)]);
    }
    super::print(&slowest);
    // Reading and analyzing the statement is the larger part of the check, and is not in what
    // EXPLAIN calls planning.
    let ratio = median(&to_explain);
    bench.verdicts.add(
        "guard: check against parsing, analysis, planning",
        &format!("median <= {CHECK_RATIO:.0} x"),
        &format!("{ratio:.2} x, of planning alone {:.2} x", median(&to_plan)),
        ratio <= CHECK_RATIO,
    );
    let slow = quantile(&checks, 0.99);
    bench.verdicts.add(
        "guard: time of a check",
        &format!("p99 < {CHECK_US:.0} us"),
        &format!("median {:.0} us, p99 {slow:.0} us", median(&checks)),
        slow < CHECK_US,
    );
}

fn latch(bench: &mut Bench<'_>, cluster: &Cluster) -> Result<()> {
    bench.progress.part("A latched session beside a plain one, over the socket");
    let mut plain = cluster.connect(DATABASE)?;
    let mut latched = cluster.connect(DATABASE)?;
    latched.batch_execute("select mcp_guard()")?;
    let mut table =
        Table::new(&["statement", "plain", "p99", "latched", "p99", "ratio of the medians"]);
    for (what, sql) in [("select 1", "select 1"), ("ten functions", TEN_FUNCTIONS)] {
        let (mut without, mut with) = (Vec::new(), Vec::new());
        for _ in 0..SENT {
            without.push(sent(&mut plain, sql)?);
            with.push(sent(&mut latched, sql)?);
        }
        let ratio = compared(&mut table, what, &without, &with);
        bench.verdicts.add(
            &format!("guard: latched session, {what}"),
            &format!("<= {LATCH_RATIO} x"),
            &format!("{ratio:.2} x"),
            ratio <= LATCH_RATIO,
        );
    }
    super::print(&table);
    Ok(())
}

/// Adds a row for both series, in microseconds, and tells the ratio of their medians.
fn compared(table: &mut Table, what: &str, without: &[f64], with: &[f64]) -> f64 {
    let ratio = median(with) / median(without);
    let cell = |value: f64| format!("{value:.0} us");
    table.row(&[
        what.to_owned(),
        cell(median(without)),
        cell(quantile(without, 0.99)),
        cell(median(with)),
        cell(quantile(with, 0.99)),
        format!("{ratio:.2} x"),
    ]);
    ratio
}

fn sent(client: &mut Client, sql: &str) -> Result<f64> {
    let begin = Instant::now();
    client.simple_query(sql)?;
    Ok(begin.elapsed().as_secs_f64() * 1e6)
}

fn calls(bench: &mut Bench<'_>, cluster: &Cluster) -> Result<()> {
    bench.progress.part("A call of execute_sql, restricted and unrestricted");
    let uri = cluster.uri(DATABASE, SUPERUSER);
    let start = |mode: &str| {
        let mut command = bridge::command()?;
        command.env("DATABASE_URI", &uri).arg(format!("--access-mode={mode}"));
        Pipe::initialized(&mut command)
    };
    let (mut open, mut restricted) = (start("unrestricted")?, start("restricted")?);
    let mut table = Table::new(&[
        "statement",
        "unrestricted",
        "p99",
        "restricted",
        "p99",
        "ratio of the medians",
    ]);
    for (what, sql) in [("select 1", "select 1"), ("ten functions", TEN_FUNCTIONS)] {
        let (mut without, mut with) = (Vec::new(), Vec::new());
        for _ in 0..CALLS {
            without.push(called(&mut open, sql)?);
            with.push(called(&mut restricted, sql)?);
        }
        let ratio = compared(&mut table, what, &without, &with);
        bench.verdicts.add(
            &format!("guard: restricted call, {what}"),
            &format!("<= {CALL_RATIO:.0} x"),
            &format!("{ratio:.2} x"),
            ratio <= CALL_RATIO,
        );
    }
    super::print(&table);
    open.close()?;
    restricted.close()?;
    Ok(())
}

fn called(pipe: &mut Pipe, sql: &str) -> Result<f64> {
    let begin = Instant::now();
    let answer = pipe.call("execute_sql", &json!({"sql": sql}))?;
    let elapsed = begin.elapsed();
    ensure!(answer["isError"] != true, "{answer}");
    Ok(elapsed.as_secs_f64() * 1e6)
}
