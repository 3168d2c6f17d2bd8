//! The workloads of the benchmark at a small scale: they load, run, and can be advised on.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use advisor_tests::bench::rivals::{Costing, Rival, Task};
use advisor_tests::measure;
use advisor_tests::report::{Arguments, Report};
use advisor_tests::workloads::{self, Statement, Workload};
use anyhow::{Context, Result, ensure};
use postgres::Client;

use crate::Case;
use crate::fixture::Fixture;

pub(crate) const CASES: &[Case] = &[
    ("workload_tpcds_loads_runs_and_is_advised_on", tpcds),
    ("workload_job_loads_runs_and_is_advised_on", job),
    ("workload_app_loads_runs_and_is_advised_on", app),
    ("workload_app_takes_the_experts_indexes", expert),
    ("workload_rivals_find_what_is_obvious", rivals),
    ("workload_app_drops_what_is_planted_and_nothing_needed", planted),
];

/// Small, yet every table has rows.
pub(crate) const SCALE: f64 = 0.01;

/// So large that the order of an index matters to those that read it.
const PLANTED_SCALE: f64 = 0.1;

/// Seconds that the search gets, and the time that the whole call may take on a busy machine.
const TIME_LIMIT: u32 = 20;
const BOUND: Duration = Duration::from_secs(120);

/// Of the queries of TPC-DS one in so many is few enough for a whole search.
const EVERY: usize = 9;

/// Relations of a join that is planned in no time.
const SMALL_JOIN: usize = 6;

/// Joins of JOB that may not come to their end in time.
const UNLUCKY: usize = 3;

/// What a statement may take at this scale.
const STATEMENT_TIMEOUT: &str = "60s";

/// Loads a workload into a database of its own, which is gone afterwards: the largest here.
pub(crate) fn with_workload(
    fixture: &Fixture,
    workload: Workload,
    scale: f64,
    case: impl FnOnce(&mut Client, &[Statement]) -> Result<()>,
) -> Result<()> {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let database = format!("workload_{}_{number}", workload.name());
    let mut client = fixture.database(&database, &["hypopg", "mcp_advisor"])?;
    workload.load(&fixture.cluster, &database, scale, &|_| ())?;
    client
        .batch_execute(&format!("set statement_timeout = '{STATEMENT_TIMEOUT}'; set jit = off"))?;
    case(&mut client, &workload.statements()?)?;
    drop(client);
    let sql = format!("drop database {database} with (force)");
    Ok(fixture.cluster.connect("postgres")?.batch_execute(&sql)?)
}

/// Runs what can be run in the time, and plans the rest; nothing stays changed. How many ended.
fn run_all(client: &mut Client, statements: &[Statement]) -> Result<usize> {
    let (mut ended, mut failed) = (0, Vec::new());
    for one in statements {
        client.batch_execute("begin")?;
        let time = measure::run(client, &one.sql);
        client.batch_execute("rollback")?;
        match time {
            Ok(Some(_)) => ended += 1,
            Ok(None) => drop(measure::plan_cost(client, &one.sql)?),
            Err(error) => failed.push(format!("{}: {error:#}", one.name)),
        }
    }
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(ended)
}

/// Advice comes in time and leaves nothing out.
fn advise(client: &mut Client, queries: &[String]) -> Result<Report> {
    let arguments = Arguments {
        queries: Some(queries.to_vec()),
        min_improvement: Some(0.01),
        time_limit: Some(TIME_LIMIT),
        ..Arguments::default()
    };
    client.batch_execute("set statement_timeout = 0")?;
    let begin = Instant::now();
    let report = Report::fetch(client, &arguments)?;
    ensure!(begin.elapsed() < BOUND, "advice took {:?}", begin.elapsed());
    // Half of the time may be over before the last statement is read, on a busy machine.
    let other = report.skipped.iter().find(|one| one.reason != "time limit");
    ensure!(other.is_none(), "left out: {other:?}");
    Ok(report)
}

/// The same, and it gains, and runs as printed.
fn advise_and_build(client: &mut Client, queries: &[String]) -> Result<()> {
    let report = advise(client, queries)?;
    ensure!(!report.indexes.is_empty() && report.relative_cost() < 1.0, "{report:#?}");
    let before = measure::total_cost(client, queries)?;
    for index in &report.indexes {
        client.batch_execute(&index.ddl).with_context(|| index.ddl.clone())?;
    }
    let after = measure::total_cost(client, queries)?;
    ensure!(after < before, "{} indexes: {before} -> {after}", report.indexes.len());
    Ok(())
}

fn texts(statements: &[Statement]) -> Vec<String> {
    statements.iter().map(|one| one.sql.clone()).collect()
}

/// At least `fewest` of the statements come to their end.
fn most_end(client: &mut Client, statements: &[Statement], fewest: usize) -> Result<()> {
    let seen = run_all(client, statements)?;
    ensure!(seen >= fewest, "{seen} of {} statements ended", statements.len());
    Ok(())
}

fn tpcds(fixture: &Fixture) -> Result<()> {
    with_workload(fixture, Workload::Tpcds, SCALE, |client, statements| {
        // Without indexes, sub-plans of a few run once for each row.
        most_end(client, statements, 95)?;
        // All of them may take all the time that the search has, where the advisor is not optimised.
        advise(client, &texts(statements))?;
        let few: Vec<Statement> = statements.iter().step_by(EVERY).cloned().collect();
        advise_and_build(client, &texts(&few))
    })
}

fn job(fixture: &Fixture) -> Result<()> {
    with_workload(fixture, Workload::Job, SCALE, |client, statements| {
        // After an unlucky sample of ANALYZE a join of one may take as long as all others together.
        most_end(client, statements, statements.len() - UNLUCKY)?;
        // Planning joins of up to seventeen relations may take all the time that the search has.
        advise(client, &texts(statements))?;
        let small = |one: &&Statement| one.sql.matches(" as ").count() <= SMALL_JOIN;
        let small: Vec<Statement> = statements.iter().filter(small).cloned().collect();
        ensure!(small.len() > 20, "{} small joins", small.len());
        advise_and_build(client, &texts(&small))
    })
}

fn app(fixture: &Fixture) -> Result<()> {
    with_workload(fixture, Workload::App, SCALE, |client, statements| {
        most_end(client, statements, statements.len())?;
        advise_and_build(client, &texts(statements))
    })
}

fn expert(fixture: &Fixture) -> Result<()> {
    with_workload(fixture, Workload::App, SCALE, |client, statements| {
        let queries = texts(statements);
        let before = measure::total_cost(client, &queries)?;
        for sql in workloads::expert_indexes() {
            client.batch_execute(&sql).with_context(|| sql.clone())?;
        }
        client.batch_execute("analyze")?;
        let after = measure::total_cost(client, &queries)?;
        ensure!(after < 0.2 * before, "{before} -> {after}");
        Ok(())
    })
}

fn planted(fixture: &Fixture) -> Result<()> {
    with_workload(fixture, Workload::App, PLANTED_SCALE, drops_of_planted)
}

fn drops_of_planted(client: &mut Client, statements: &[Statement]) -> Result<()> {
    let planted = workloads::planted()?;
    client.batch_execute(planted.sql)?;
    client.batch_execute("analyze")?;
    // The counters are those of a server that has run the workload, and small indexes count too.
    run_all(client, statements)?;
    client.batch_execute(
        "set mcp_advisor.health_unused_index_window = 0;
        set mcp_advisor.health_unused_index_least = 0; select pg_stat_force_next_flush()",
    )?;
    let sql = "select index::text, verdict, reasons::text || coalesce(why_not, '')
            || coalesce(needed_by ->> 'query', '') from mcp_advise_drops($1)";
    let mut dropped = BTreeSet::new();
    let mut all = String::new();
    for row in client.query(sql, &[&texts(statements)])? {
        let (index, verdict, why): (String, String, String) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        all.push_str(&format!("{verdict} {index} {why}\n"));
        if verdict == "drop" {
            dropped.insert(index);
        }
    }
    let expected = &planted.expected;
    for name in &expected.drop {
        ensure!(dropped.contains(name), "{name} is not proposed:\n{all}");
    }
    for group in &expected.drop_one_of {
        let named = group.iter().filter(|name| dropped.contains(*name)).count();
        ensure!(named == group.len() - 1, "{named} of {group:?}:\n{all}");
    }
    for name in &expected.keep {
        ensure!(!dropped.contains(name), "{name} is needed:\n{all}");
    }
    // Nothing else was planted to go.
    ensure!(dropped.len() == expected.drop.len() + expected.drop_one_of.len(), "{all}");
    Ok(())
}

/// The algorithms that the benchmark compares with take an index that saves nearly everything, no
/// index that saves nothing, and no more space than they may.
fn rivals(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("workload_rivals", &["hypopg", "mcp_advisor"])?;
    client.batch_execute(
        "create table visits (visitor integer, page integer, note text);
        insert into visits select i % 9973, i % 7, repeat('x', 80) from generate_series(1, 60000) as i",
    )?;
    client.batch_execute("vacuum analyze visits")?;
    let statement =
        |name: &str, sql: &str| Statement { name: name.to_owned(), sql: sql.to_owned(), calls: 2 };
    let statements = vec![
        statement("one visitor", "select note from visits where visitor = 4711"),
        statement("pages", "select page, count(note) from visits group by page"),
    ];
    let mut costing = Costing::new(client, statements)?;
    for rival in Rival::ALL {
        let mut task =
            Task { width: 1, budget: f64::INFINITY, time_limit: Duration::from_secs(60) };
        let found = rival.select(&mut costing, &task)?.context(rival.name())?;
        let wanted = ["create index on visits (visitor)".to_owned()];
        ensure!(found.ddl == wanted, "{}: {:?}", rival.name(), found.ddl);
        ensure!(found.calls > 0 && !found.stopped, "{}: {found:?}", rival.name());
        // In one page no index has room.
        task.budget = 8192.0;
        let small = rival.select(&mut costing, &task)?;
        ensure!(small.is_none_or(|found| found.ddl.is_empty()), "{} in a page", rival.name());
    }
    Ok(())
}
