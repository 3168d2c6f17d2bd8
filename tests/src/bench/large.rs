//! The workload of a large application, recorded and given: what the advice is worth within the
//! default time limit, whether the limit holds, and how much memory it takes.

use std::time::Instant;

use anyhow::Result;
use postgres::Client;

use super::Bench;
use super::backend::Memory;
use super::databases::Database;
use crate::large::Size;
use crate::program::{Table, megabytes};
use crate::report::{Arguments, Report};

/// Tables and statements at scale 1.
const TABLES: f64 = 2000.0;
const STATEMENTS: f64 = 10_000.0;

/// Seconds; the default of the functions.
const TIME_LIMIT: u32 = 30;

/// The limit may be exceeded by this share, and by what one planner call takes.
const TOLERANCE: f64 = 1.10;

/// Executions of a statement, at most: what counts is that they are skewed.
const EXECUTIONS: u64 = 5;

/// The size at a scale.
pub(super) fn size(scale: f64) -> Size {
    Size {
        tables: (TABLES * scale).round().max(50.0) as u64,
        statements: (STATEMENTS * scale).round().max(100.0) as usize,
    }
}

pub(super) fn measure(bench: &mut Bench<'_>) -> Result<()> {
    let size = size(bench.scale);
    let mut client = bench.databases.connect(Database::Large)?;
    bench.progress.part(&format!(
        "Large workload: {} statements over {} tables, limit {TIME_LIMIT} s",
        size.statements, size.tables
    ));
    let calls = size.calls();
    record(&mut client, &calls)?;
    let mut table = Table::new(&[
        "workload",
        "seconds",
        "of these preparing",
        "statements used",
        "representatives",
        "left unexamined at most",
        "plans made",
        "planning",
        "indexes",
        "relative cost",
        "peak memory",
        "stopped by",
    ]);
    let texts: Vec<String> = calls.into_iter().map(|call| call.sql).collect();
    let mut slowest = 0.0_f64;
    for (name, queries) in [("recorded", None), ("given", Some(texts))] {
        // A backend of its own: the peak of its memory is that of this run.
        let mut client = bench.databases.connect(Database::Large)?;
        client.batch_execute("set client_min_messages = error")?;
        let arguments = Arguments {
            queries,
            time_limit: Some(TIME_LIMIT),
            max_queries: Some(i32::try_from(size.statements)?),
            // Of a hundred tables' worth of work no index cuts a tenth, as is asked by default.
            min_improvement: Some(0.0),
            ..Arguments::default()
        };
        let started = Instant::now();
        let report = Report::fetch(&mut client, &arguments)?;
        let seconds = started.elapsed().as_secs_f64();
        slowest = slowest.max(seconds);
        table.row(&row(name, seconds, &report, &Memory::read(&mut client)?));
        bench.progress.line(&format!("{name}: {seconds:.1} s"));
        for round in &report.rounds {
            bench.progress.line(&format!("  {} {:.1} s", round.stage, round.elapsed_ms / 1e3));
        }
    }
    super::print(&table);
    let limit = f64::from(TIME_LIMIT) * TOLERANCE;
    let seen = format!("{slowest:.1} s");
    let target = format!("<= {limit:.0} s");
    bench.verdicts.add("large workload, time of a call", &target, &seen, slowest <= limit);
    Ok(())
}

/// Lets pg_stat_statements record the statements of this database, and nothing else.
fn record(client: &mut Client, calls: &[crate::large::Call]) -> Result<()> {
    let sql = "select pg_stat_statements_reset(0, oid, 0)
        from pg_database where datname = current_database()";
    client.query(sql, &[])?;
    for call in calls {
        for _ in 0..call.calls.min(EXECUTIONS) {
            client.simple_query(&call.sql)?;
        }
    }
    Ok(())
}

fn row(name: &str, seconds: f64, report: &Report, memory: &Memory) -> [String; 12] {
    let compressed = report.compressed.as_ref();
    let of = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    [
        name.to_owned(),
        format!("{seconds:.1}"),
        format!("{:.1}", report.preparation_ms / 1e3),
        format!("{} of {}", report.queries.len(), report.statements_examined),
        of(compressed.map(|compressed| compressed.representatives.to_string())),
        of(compressed.map(|compressed| format!("{:.2} %", 100.0 * compressed.unexamined))),
        report.planner.plans_made.to_string(),
        format!("{:.1} s", report.planner.planning_ms / 1e3),
        report.indexes.len().to_string(),
        format!("{:.3}", report.relative_cost()),
        megabytes(memory.peak as f64),
        of(report.stopped_by.clone()),
    ]
}
