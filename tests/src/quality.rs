//! How good the advice is: planner cost by storage budget, each claim checked with real indexes.
//!
//! The setting is the one that papers on index selection use, so that the figures compare: 19
//! queries of TPC-H (2, 17 and 20 would outweigh all others), indexes of up to two columns, and
//! the sum of the planner's costs as a share of the sum without indexes.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use postgres::Client;

use crate::measure::{self, RealIndex};
use crate::program::{Progress, Table, duration, megabytes};
use crate::report::{Arguments, Report};
use crate::tpch;

/// Left out, as in the literature: their cost without an index hides everything else.
const LEFT_OUT: [usize; 3] = [2, 17, 20];

/// Budgets, as shares of the bytes of the tables.
const BUDGETS: [(&str, Option<f64>); 4] =
    [("none", None), ("1/2", Some(0.5)), ("1/4", Some(0.25)), ("1/10", Some(0.1))];

/// Key columns per index.
const WIDTH: i32 = 2;

/// An index that was advised and built.
#[derive(Debug)]
pub struct SizeSample {
    /// How it was created.
    pub ddl: String,
    /// Bytes that the advice spoke of.
    pub estimated: f64,
    /// Bytes on disk.
    pub real: f64,
}

/// The indexes that exist at the moment, by the statement that created them: neighbouring budgets
/// share most, and building one takes seconds.
type Built = BTreeMap<String, RealIndex>;

/// Prints the table of this database, and returns the sizes of all indexes built on the way.
///
/// # Errors
/// Whatever the server answers.
pub fn measure(client: &mut Client, progress: &Progress) -> Result<Vec<SizeSample>> {
    let queries: Vec<String> = tpch::queries()
        .iter()
        .filter(|query| !LEFT_OUT.contains(&query.number))
        .map(|query| query.sql.to_owned())
        .collect();
    let data_bytes = measure::data_bytes(client)? as f64;
    let base = total_cost(client, &queries)?;
    let mut table = Table::new(&[
        "budget",
        "relative cost",
        "checked",
        "indexes",
        "size",
        "real size",
        "time",
        "calls",
        "saved",
    ]);
    let mut built = Built::new();
    let mut samples = Vec::new();
    // Advice is asked for while no advised index exists.
    let mut reports = Vec::new();
    for (name, share) in BUDGETS {
        let report = Report::fetch(client, &arguments(&queries, share.map(|s| s * data_bytes)))
            .with_context(|| format!("advice for budget {name}"))?;
        progress.line(&format!("budget {name}: {} indexes advised", report.indexes.len()));
        reports.push((name, report));
    }
    for (name, report) in reports {
        progress.line(&format!("budget {name}: building the indexes to check the claim"));
        let real_bytes = realize(client, &report, &mut built, &mut samples)?;
        let checked = total_cost(client, &queries)?;
        table.row(&[
            name.to_owned(),
            format!("{:.3}", report.cost_after / report.cost_before),
            format!("{:.3}", checked / base),
            report.indexes.len().to_string(),
            megabytes(report.index_bytes()),
            megabytes(real_bytes),
            duration(std::time::Duration::from_secs_f64(report.elapsed_ms / 1e3)),
            report.planner.calls_made.to_string(),
            report.planner.calls_saved.to_string(),
        ]);
    }
    drop_all(client, &mut built, |_| true)?;
    println!();
    table.print();
    Ok(samples)
}

fn arguments(queries: &[String], budget: Option<f64>) -> Arguments {
    Arguments {
        queries: Some(queries.to_vec()),
        storage_budget: budget.map(|bytes| bytes as i64),
        max_columns: Some(WIDTH),
        min_improvement: Some(0.0),
        pareto_ratio: Some(0.0),
    }
}

fn total_cost(client: &mut Client, queries: &[String]) -> Result<f64> {
    queries.iter().map(|sql| measure::plan_cost(client, sql)).sum()
}

/// Makes exactly the advised indexes exist; their bytes on disk.
fn realize(
    client: &mut Client,
    report: &Report,
    built: &mut Built,
    samples: &mut Vec<SizeSample>,
) -> Result<f64> {
    drop_all(client, built, |ddl| !report.indexes.iter().any(|index| index.ddl == ddl))?;
    let mut bytes = 0.0;
    for index in &report.indexes {
        if !built.contains_key(&index.ddl) {
            // Nobody else is connected, and building without CONCURRENTLY takes half the time.
            let real = measure::build_index(client, &index.ddl.replace(" CONCURRENTLY", ""))?;
            samples.push(SizeSample {
                ddl: index.ddl.clone(),
                estimated: index.size_bytes,
                real: real.size_bytes as f64,
            });
            built.insert(index.ddl.clone(), real);
        }
        bytes += built.get(&index.ddl).map_or(0.0, |real| real.size_bytes as f64);
    }
    Ok(bytes)
}

fn drop_all(client: &mut Client, built: &mut Built, doomed: impl Fn(&str) -> bool) -> Result<()> {
    let gone: Vec<String> = built.keys().filter(|ddl| doomed(ddl)).cloned().collect();
    for ddl in gone {
        if let Some(index) = built.remove(&ddl) {
            client.batch_execute(&format!("drop index {}", index.name))?;
        }
    }
    Ok(())
}

/// Prints one row for each different index, and the median and largest error.
pub fn print_sizes(mut samples: Vec<SizeSample>, progress: &Progress) {
    samples.sort_by(|a, b| a.ddl.cmp(&b.ddl));
    samples.dedup_by(|a, b| a.ddl == b.ddl);
    let mut table = Table::new(&["index", "estimated", "real", "error"]);
    let mut errors = Vec::new();
    for sample in &samples {
        let error = sample.estimated / sample.real - 1.0;
        errors.push(error.abs());
        let definition = sample.ddl.split_once(" ON ").map_or(sample.ddl.as_str(), |(_, on)| on);
        table.row(&[
            definition.to_owned(),
            megabytes(sample.estimated),
            megabytes(sample.real),
            format!("{:+.1} %", error * 100.0),
        ]);
    }
    table.print();
    progress.line(&format!(
        "{} indexes, median error {:.1} %, largest {:.1} %",
        errors.len(),
        measure::median(&errors) * 100.0,
        errors.iter().copied().fold(0.0, f64::max) * 100.0
    ));
}
