//! Time and memory by the number of statements, over the same hundred tables.

use anyhow::Result;

use super::backend::Memory;
use super::databases::Database;
use super::{Bench, quality, statements};
use crate::program::{Table, megabytes};
use crate::report::{Arguments, Report};

/// Statements in the workload.
const COUNTS: [usize; 4] = [10, 100, 1_000, 5_000];

/// The time per statement must not grow from this many on: fewer do not touch all tables.
const FROM: usize = 100;

/// Room for the noise of the machine.
const TOLERANCE: f64 = 1.10;

/// Seconds; a search that is cut short would look linear.
const TIME_LIMIT: u32 = 60;

pub(super) fn measure(bench: &mut Bench<'_>) -> Result<()> {
    bench.databases.connect(Database::Many)?;
    bench.progress.part("Scaling: generated statements over 100 tables, width 3, no limit");
    let mut table = Table::new(&[
        "statements",
        "seconds",
        "of these preparing",
        "slowest stage",
        "statements/s",
        "ms/statement",
        "to the row above",
        "calls made",
        "saved",
        "indexes",
        "relative cost",
        "peak memory",
        "stopped by",
    ]);
    let mut times: Vec<(usize, f64)> = Vec::new();
    let mut cut_short = false;
    for count in COUNTS {
        // A backend of its own: the peak of its memory is that of this run.
        let mut client = bench.databases.connect(Database::Many)?;
        let arguments = Arguments {
            max_columns: None,
            time_limit: Some(TIME_LIMIT),
            ..quality::arguments(&statements::generate(count), None)
        };
        let report = quality::advise(&mut client, &arguments)?;
        let memory = Memory::read(&mut client)?;
        let each = report.elapsed_ms / count as f64;
        let growth = times.last().map(|(_, last)| each / last);
        table.row(&row(count, each, growth, &report, &memory));
        bench.progress.line(&format!("{count} statements: {:.1} s", report.elapsed_ms / 1e3));
        cut_short |= report.stopped_by.is_some();
        times.push((count, each));
    }
    super::print(&table);
    let steady: Vec<f64> =
        times.iter().filter(|(count, _)| *count >= FROM).map(|(_, each)| *each).collect();
    let growth = match (steady.first(), steady.last()) {
        (Some(first), Some(last)) => last / first,
        _ => 0.0,
    };
    let seen = format!("{growth:.2} x{}", if cut_short { ", cut short" } else { "" });
    let met = growth <= TOLERANCE && !cut_short;
    bench.verdicts.add("time per statement, 5,000 against 100", "<= 1.10 x", &seen, met);
    Ok(())
}

fn row(
    count: usize,
    each: f64,
    growth: Option<f64>,
    report: &Report,
    memory: &Memory,
) -> [String; 13] {
    let (stage, stage_ms) = slowest_stage(report);
    [
        count.to_string(),
        format!("{:.2}", report.elapsed_ms / 1e3),
        format!("{:.2}", report.preparation_ms / 1e3),
        format!("{stage} {:.2}", stage_ms / 1e3),
        format!("{:.0}", 1e3 / each),
        format!("{each:.2}"),
        growth.map_or_else(|| "-".to_owned(), |growth| format!("{growth:.2} x")),
        report.planner.calls_made.to_string(),
        report.planner.calls_saved.to_string(),
        report.indexes.len().to_string(),
        format!("{:.3}", report.relative_cost()),
        megabytes(memory.peak as f64),
        report.stopped_by.clone().unwrap_or_else(|| "-".to_owned()),
    ]
}

/// Name and time of the stage of the search that took longest.
fn slowest_stage(report: &Report) -> (&str, f64) {
    let mut slowest = ("-", 0.0);
    let mut begin = report.preparation_ms;
    for round in &report.rounds {
        if round.elapsed_ms - begin > slowest.1 {
            slowest = (&round.stage, round.elapsed_ms - begin);
        }
        begin = round.elapsed_ms;
    }
    slowest
}
