//! Planner cost by storage budget, beside the best that published algorithms reach.
//!
//! The setting is the one that papers on index selection use, so that the figures compare: 19
//! queries of TPC-H, indexes of up to two columns, and the sum of the planner's costs as a share
//! of the sum without new indexes.

use anyhow::{Context, Result, ensure};
use postgres::Client;

use super::Bench;
use super::databases::Database;
use crate::program::{Table, megabytes};
use crate::report::{Arguments, Report};
use crate::{measure, tpch};

/// Left out, as in the literature: their cost without an index hides everything else.
const LEFT_OUT: [usize; 3] = [2, 17, 20];

/// Budgets, as shares of the bytes of the tables.
pub(super) const BUDGETS: [(&str, Option<f64>); 4] =
    [("none", None), ("1/2", Some(0.5)), ("1/4", Some(0.25)), ("1/10", Some(0.1))];

/// The best relative cost by budget of Extend, Relaxation, DB2Advis and Anytime in the
/// implementation of Kossmann et al. (PVLDB 13(11), 2020), run over the wire on PostgreSQL 15
/// with hypopg 1.3.1 at scale 1. Their budgets count hypopg's sizes.
const PUBLISHED: [(Database, [f64; 4]); 2] = [
    (Database::Keys, [0.604, 0.727, 0.834, 0.946]),
    (Database::Bare, [0.521, 0.619, 0.734, 0.936]),
];

/// Room for the noise of the statistics.
const TOLERANCE: f64 = 0.005;

/// Key columns per index.
const WIDTH: i32 = 2;

/// The fastest of this many runs counts, since whatever else the machine does can only add time.
const RUNS: usize = 2;

/// Seconds that a run may take.
const TIME_TARGET: f64 = 1.0;

/// A run that is slower is not repeated.
const TOO_SLOW_TO_REPEAT: f64 = 5.0;

/// A way to run the advisor.
pub(super) struct Setting {
    pub(super) name: &'static str,
    pub(super) sql: &'static str,
}

/// From what users get to what compares best: the published algorithms know key columns only, take
/// hypopg's word for sizes and the planner's for costs.
pub(super) const SETTINGS: [Setting; 4] = [
    Setting { name: "default", sql: "" },
    Setting { name: "key columns only", sql: "set mcp_advisor.include_columns = 0" },
    Setting {
        name: "key columns, hypopg sizes",
        sql: "set mcp_advisor.include_columns = 0; set mcp_advisor.size_model = 'hypopg'",
    },
    Setting {
        name: "the same, no second opinion",
        sql: "set mcp_advisor.include_columns = 0; set mcp_advisor.size_model = 'hypopg';
            set mcp_advisor.second_opinion = off",
    },
];

/// The queries of the published comparison.
pub(super) fn queries() -> Vec<String> {
    let all = tpch::queries();
    let kept = all.iter().filter(|query| !LEFT_OUT.contains(&query.number));
    kept.map(|query| query.sql.to_owned()).collect()
}

/// Everything that gains is wanted, so that only the budget limits.
pub(super) fn arguments(queries: &[String], budget: Option<f64>) -> Arguments {
    Arguments {
        queries: Some(queries.to_vec()),
        storage_budget: budget.map(|bytes| bytes as i64),
        max_columns: Some(WIDTH),
        min_improvement: Some(0.0),
        pareto_ratio: Some(0.0),
        ..Arguments::default()
    }
}

/// Asks for advice, and makes sure that it covers all queries: a share of the cost means nothing
/// when a statement was left out.
pub(super) fn advise(client: &mut Client, arguments: &Arguments) -> Result<Report> {
    let report = Report::fetch(client, arguments)?;
    if let Some(skipped) = report.skipped.first() {
        ensure!(false, "left out: {} ({})", skipped.message, skipped.query);
    }
    Ok(report)
}

pub(super) fn measure(bench: &mut Bench<'_>) -> Result<()> {
    for (database, published) in PUBLISHED {
        let mut client = bench.databases.connect(database)?;
        bench.progress.part(&format!("Quality: 19 queries of TPC-H, {}", database.title()));
        let data_bytes = measure::data_bytes(&mut client)? as f64;
        let mut table = Table::new(&[
            "setting",
            "budget",
            "relative cost",
            "published",
            "indexes",
            "size",
            "calls made",
            "saved",
            "seconds",
        ]);
        for setting in &SETTINGS {
            let mut client = bench.databases.connect(database)?;
            client.batch_execute(setting.sql)?;
            let mut seen = Vec::new();
            for ((budget, share), published) in BUDGETS.into_iter().zip(published) {
                let bytes = share.map(|share| share * data_bytes);
                let report = fastest(&mut client, &arguments(&queries(), bytes))
                    .with_context(|| format!("{}, budget {budget}", setting.name))?;
                table.row(&row(setting, budget, published, &report));
                seen.push(report);
            }
            judge(bench, database, setting, published, &seen);
        }
        super::print(&table);
    }
    Ok(())
}

fn fastest(client: &mut Client, arguments: &Arguments) -> Result<Report> {
    let mut best = advise(client, arguments)?;
    for _ in 1..RUNS {
        if best.elapsed_ms > TOO_SLOW_TO_REPEAT * 1e3 {
            break;
        }
        let next = advise(client, arguments)?;
        if next.elapsed_ms < best.elapsed_ms {
            best = next;
        }
    }
    Ok(best)
}

fn row(setting: &Setting, budget: &str, published: f64, report: &Report) -> [String; 9] {
    [
        setting.name.to_owned(),
        budget.to_owned(),
        format!("{:.4}", report.relative_cost()),
        format!("{published:.3}"),
        report.indexes.len().to_string(),
        megabytes(report.index_bytes()),
        report.planner.calls_made.to_string(),
        report.planner.calls_saved.to_string(),
        format!("{:.2}", report.elapsed_ms / 1e3),
    ]
}

fn judge(
    bench: &mut Bench<'_>,
    database: Database,
    setting: &Setting,
    published: [f64; 4],
    seen: &[Report],
) {
    let title = format!("cost {}, {}", database.title(), setting.name);
    let list = |values: &[f64]| {
        values.iter().map(|value| format!("{value:.3}")).collect::<Vec<_>>().join(" ")
    };
    let costs: Vec<f64> = seen.iter().map(Report::relative_cost).collect();
    let met = costs.iter().zip(published).all(|(cost, limit)| *cost <= limit + TOLERANCE);
    bench.verdicts.add(&title, &format!("<= {}", list(&published)), &list(&costs), met);
    let slowest = seen.iter().map(|report| report.elapsed_ms / 1e3).fold(0.0, f64::max);
    let seconds = seen.iter().map(|report| format!("{:.2}", report.elapsed_ms / 1e3));
    let seconds = seconds.collect::<Vec<_>>().join(" ");
    bench.verdicts.add("- seconds of each", "< 1", &seconds, slowest < TIME_TARGET);
}
