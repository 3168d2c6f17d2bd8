//! Claims checked with real indexes: costs that plain EXPLAIN shows, bytes on disk.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use postgres::Client;

use super::Bench;
use super::databases::Database;
use super::quality::{self, BUDGETS};
use crate::measure::{self, RealIndex};
use crate::program::{Table, megabytes};
use crate::report::Report;

/// Largest difference between the claimed and the real relative cost.
const COST_TOLERANCE: f64 = 0.01;

/// Largest median error of the sizes.
const SIZE_TOLERANCE: f64 = 0.10;

/// An index that was advised and built.
struct Sample {
    ddl: String,
    estimated: f64,
    real: f64,
}

/// The indexes that exist at the moment, by the statement that created them: neighbouring budgets
/// share most, and building one takes seconds.
type Built = BTreeMap<String, RealIndex>;

pub(super) fn measure(bench: &mut Bench<'_>) -> Result<()> {
    let mut client = bench.databases.connect(Database::Keys)?;
    bench.progress.part("Truth: 19 queries of TPC-H with primary keys, indexes really built");
    let queries = quality::queries();
    let data_bytes = measure::data_bytes(&mut client)? as f64;
    let base = measure::total_cost(&mut client, &queries)?;
    let mut table = Table::new(&[
        "budget",
        "limit",
        "indexes",
        "claimed cost",
        "EXPLAIN",
        "claimed size",
        "real size",
    ]);
    let mut built = Built::new();
    let mut samples = Vec::new();
    let (mut largest_gap, mut largest_fill) = (0.0_f64, 0.0_f64);
    // Advice is asked for while no advised index exists.
    let mut reports = Vec::new();
    for (name, share) in BUDGETS {
        let budget = share.map(|share| share * data_bytes);
        let report = quality::advise(&mut client, &quality::arguments(&queries, budget))
            .with_context(|| format!("advice for budget {name}"))?;
        reports.push((name, budget, report));
    }
    for (name, budget, report) in reports {
        bench.progress.line(&format!("budget {name}: {} indexes", report.indexes.len()));
        let real_bytes = realize(&mut client, &report, &mut built, &mut samples)?;
        let checked = measure::total_cost(&mut client, &queries)? / base;
        largest_gap = largest_gap.max((checked - report.relative_cost()).abs());
        largest_fill = largest_fill.max(budget.map_or(0.0, |budget| real_bytes / budget));
        table.row(&[
            name.to_owned(),
            budget.map_or_else(|| "-".to_owned(), megabytes),
            report.indexes.len().to_string(),
            format!("{:.4}", report.relative_cost()),
            format!("{checked:.4}"),
            megabytes(report.index_bytes()),
            megabytes(real_bytes),
        ]);
    }
    measure::drop_plain_indexes(&mut client)?;
    super::print(&table);
    let verdicts = &mut bench.verdicts;
    let seen = format!("{largest_gap:.4}");
    verdicts.add("claimed - real relative cost", "<= 0.010", &seen, largest_gap <= COST_TOLERANCE);
    let seen = format!("{:.1} %", largest_fill * 100.0);
    verdicts.add("real bytes of the budget", "<= 100 %", &seen, largest_fill <= 1.0);
    let error = print_sizes(samples);
    let seen = format!("{:.1} %", error * 100.0);
    verdicts.add("median error of sizes", "< 10 %", &seen, error < SIZE_TOLERANCE);
    Ok(())
}

/// Makes exactly the advised indexes exist; their bytes on disk.
fn realize(
    client: &mut Client,
    report: &Report,
    built: &mut Built,
    samples: &mut Vec<Sample>,
) -> Result<f64> {
    drop_others(client, report, built)?;
    let mut bytes = 0.0;
    for index in &report.indexes {
        if !built.contains_key(&index.ddl) {
            // Nobody else is connected, and building without CONCURRENTLY takes half the time.
            let real = measure::build_index(client, &index.ddl.replace(" CONCURRENTLY", ""))?;
            samples.push(Sample {
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

fn drop_others(client: &mut Client, report: &Report, built: &mut Built) -> Result<()> {
    let advised = |ddl: &String| report.indexes.iter().any(|index| index.ddl == *ddl);
    let gone: Vec<String> = built.keys().filter(|ddl| !advised(ddl)).cloned().collect();
    for ddl in gone {
        if let Some(index) = built.remove(&ddl) {
            client.batch_execute(&format!("drop index {}", index.name))?;
        }
    }
    Ok(())
}

/// Prints one row for each different index; the median error.
fn print_sizes(mut samples: Vec<Sample>) -> f64 {
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
    super::print(&table);
    measure::median(&errors)
}
