//! The geometric mean of the speed-ups of all 22 queries, in which each query counts alike.

use anyhow::Result;

use super::quality::{self, SETTINGS};
use super::{Bench, tpch_queries};
use crate::bench::databases::Database;
use crate::measure;
use crate::program::{Table, megabytes};
use crate::report::{Arguments, Report};

const MEGABYTE: f64 = 1048576.0;

/// Megabytes at scale 1, and the speed-up to reach. Plain greedy over the wire, on hypopg's sizes,
/// reaches 3.01 and 3.27 with 51,442 EXPLAINs in 317 s.
const TARGETS: [(f64, f64); 2] = [(1064.0, 3.0), (1986.0, 3.3)];

/// Key columns per index.
const WIDTH: i32 = 3;

pub(super) fn measure(bench: &mut Bench<'_>) -> Result<()> {
    bench.databases.connect(Database::Keys)?;
    bench.progress.part("Geometric mean of the speed-ups: 22 queries, with primary keys");
    let mut table = Table::new(&[
        "setting",
        "budget",
        "geometric mean",
        "target",
        "indexes",
        "size",
        "calls made",
        "saved",
        "seconds",
    ]);
    for setting in &SETTINGS {
        let mut client = bench.databases.connect(Database::Keys)?;
        client.batch_execute(setting.sql)?;
        client.batch_execute("set mcp_advisor.objective = 'geometric_mean'")?;
        for (budget, target) in TARGETS {
            let bytes = budget * MEGABYTE * bench.scale;
            let arguments = Arguments {
                max_columns: Some(WIDTH),
                ..quality::arguments(&tpch_queries(), Some(bytes))
            };
            let report = quality::advise(&mut client, &arguments)?;
            let mean = speed_up(&report);
            table.row(&[
                setting.name.to_owned(),
                megabytes(bytes),
                format!("{mean:.3}"),
                format!("{target:.1}"),
                report.indexes.len().to_string(),
                megabytes(report.index_bytes()),
                report.planner.calls_made.to_string(),
                report.planner.calls_saved.to_string(),
                format!("{:.2}", report.elapsed_ms / 1e3),
            ]);
            let title = format!("geometric mean in {}, {}", megabytes(bytes), setting.name);
            let seen = format!("{mean:.3} in {:.2} s", report.elapsed_ms / 1e3);
            bench.verdicts.add(&title, &format!(">= {target:.1}"), &seen, mean >= target);
        }
    }
    super::print(&table);
    Ok(())
}

fn speed_up(report: &Report) -> f64 {
    let ratios: Vec<f64> =
        report.queries.iter().map(|query| query.cost_before / query.cost_after).collect();
    measure::geometric_mean(&ratios)
}
