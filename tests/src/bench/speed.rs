//! What-if planning and whole runs of the advisor against EXPLAIN from a client over the socket.

use std::time::Instant;

use anyhow::{Context, Result};
use postgres::Client;

use super::databases::Database;
use super::whatif::{self, Comparison};
use super::{Bench, app, quality, tpch_queries};
use crate::measure;
use crate::program::Table;
use crate::report::{Arguments, Report};

/// Runs of the advisor, and of EXPLAIN between them.
const RUNS: usize = 5;

/// EXPLAINs of each query between two runs.
const EXPLAINS: usize = 5;

/// Key columns per index.
const WIDTH: i32 = 3;

/// The targets.
const SINGLE_TABLE_RATIO: f64 = 6.0;
const TPCH_RATIO: f64 = 4.0;
const REQUEST_RATIO: f64 = 50.0;
const FIRST_MS: f64 = 300.0;
const END_MS: f64 = 1000.0;

pub(super) fn measure(bench: &mut Bench<'_>) -> Result<()> {
    if cfg!(debug_assertions) {
        bench
            .progress
            .part("Note: this client is built without optimisation (cargo's dev profile)");
        bench.progress.line("EXPLAIN looks slower than it is, by some 10 to 50 us each");
    }
    // Databases are made before the headline, which would otherwise stand above their progress.
    bench.databases.connect(Database::App)?;
    bench.databases.connect(Database::Keys)?;
    bench.progress.part("What-if speed: statements of an application, one table each");
    let statements = app::statements();
    let compared = whatif::compare(bench, Database::App, &statements)?;
    let labels = statements.iter().map(|sql| sql.chars().take(60).collect());
    print_comparisons(labels.collect(), &compared);
    judge_ratio(bench, "what-if against EXPLAIN, one table", &compared, SINGLE_TABLE_RATIO);

    bench.progress.part("What-if speed: 22 queries of TPC-H with primary keys");
    let compared = whatif::compare(bench, Database::Keys, &tpch_queries())?;
    print_comparisons((1..=compared.len()).map(|number| format!("Q{number}")).collect(), &compared);
    judge_ratio(bench, "what-if against EXPLAIN, TPC-H", &compared, TPCH_RATIO);
    whole_runs(bench, &compared)
}

fn print_comparisons(labels: Vec<String>, compared: &[Comparison]) {
    let mut table =
        Table::new(&["statement", "index sets", "same cost", "in process", "EXPLAIN", "ratio"]);
    for (label, one) in labels.into_iter().zip(compared) {
        table.row(&[
            label,
            one.sets.to_string(),
            one.same_cost.to_string(),
            format!("{:.1} us", one.in_process_us),
            format!("{:.1} us", one.explain_us),
            format!("{:.1} x", one.ratio()),
        ]);
    }
    super::print(&table);
}

fn judge_ratio(bench: &mut Bench<'_>, what: &str, compared: &[Comparison], target: f64) {
    let ratios: Vec<f64> = compared.iter().map(Comparison::ratio).collect();
    let (median, least) =
        (measure::median(&ratios), ratios.iter().copied().fold(f64::MAX, f64::min));
    let seen = format!("median {median:.1} x, least {least:.1} x");
    bench.verdicts.add(what, &format!("median >= {target:.0} x"), &seen, median >= target);
    let (sets, same) =
        compared.iter().fold((0, 0), |(sets, same), one| (sets + one.sets, same + one.same_cost));
    let seen = format!("{same} of {sets}");
    bench.verdicts.add("- same cost as EXPLAIN shows", "all", &seen, same == sets);
}

/// The whole workload: how long advice takes, and how many cost requests that answers.
fn whole_runs(bench: &mut Bench<'_>, compared: &[Comparison]) -> Result<()> {
    let mut server = bench.databases.connect(Database::Keys)?;
    let mut client = bench.databases.connect(Database::Keys)?;
    bench.progress.part("Whole runs: 22 queries of TPC-H, width 3, no limit");
    let queries = tpch_queries();
    let arguments = Arguments { max_columns: Some(WIDTH), ..quality::arguments(&queries, None) };
    let mut table = Table::new(&[
        "run",
        "first",
        "end",
        "made",
        "saved",
        "requests/s",
        "EXPLAINs/s",
        "planning",
    ]);
    let (mut firsts, mut ends) = (Vec::new(), Vec::new());
    let (mut requests, mut explains) = (Vec::new(), Vec::new());
    for run in 1..=RUNS {
        let report = quality::advise(&mut server, &arguments)?;
        let first = report.rounds.iter().find(|round| round.stage == "first");
        let first = first.context("the report has no stage \"first\"")?.elapsed_ms;
        let rate = report.requests() as f64 / (report.elapsed_ms / 1e3);
        let explain_rate = explains_per_second(&mut client, &queries)?;
        table.row(&[
            run.to_string(),
            format!("{first:.0} ms"),
            format!("{:.0} ms", report.elapsed_ms),
            report.planner.calls_made.to_string(),
            report.planner.calls_saved.to_string(),
            format!("{rate:.0}"),
            format!("{explain_rate:.0}"),
            format!("{:.0} ms", report.planner.planning_ms),
        ]);
        firsts.push(first);
        ends.push(report.elapsed_ms);
        requests.push(rate);
        explains.push(explain_rate);
        if run == RUNS {
            print_stages(&report);
        }
    }
    super::print(&table);
    judge_rates(bench, &requests, &explains, compared);
    judge_time(bench, "first advice", &firsts, FIRST_MS);
    judge_time(bench, "end of the search", &ends, END_MS);
    Ok(())
}

fn explains_per_second(client: &mut Client, queries: &[String]) -> Result<f64> {
    let begin = Instant::now();
    for _ in 0..EXPLAINS {
        measure::total_cost(client, queries)?;
    }
    Ok((EXPLAINS * queries.len()) as f64 / begin.elapsed().as_secs_f64())
}

fn print_stages(report: &Report) {
    let mut table = Table::new(&["stage of the last run", "until"]);
    for round in &report.rounds {
        table.row(&[round.stage.clone(), format!("{:.0} ms", round.elapsed_ms)]);
    }
    super::print(&table);
}

/// EXPLAIN without any hypothetical index is the faster, and so the stricter measure; with the
/// index sets of the comparison above it does what the cost requests ask for.
fn judge_rates(bench: &mut Bench<'_>, requests: &[f64], explains: &[f64], compared: &[Comparison]) {
    let explain_us: Vec<f64> = compared.iter().map(|one| one.explain_us).collect();
    let with_indexes = 1e6 * explain_us.len() as f64 / explain_us.iter().sum::<f64>();
    let rate = measure::median(requests);
    let target = format!(">= {REQUEST_RATIO:.0} x");
    for (what, other) in [
        ("cost requests/s against EXPLAINs/s", measure::median(explains)),
        ("- EXPLAINs with hypothetical indexes", with_indexes),
    ] {
        let ratio = rate / other;
        let seen = format!("{ratio:.0} x ({rate:.0} against {other:.0})");
        bench.verdicts.add(what, &target, &seen, ratio >= REQUEST_RATIO);
    }
}

fn judge_time(bench: &mut Bench<'_>, what: &str, times: &[f64], limit: f64) {
    let (best, median) = (times.iter().copied().fold(f64::MAX, f64::min), measure::median(times));
    let seen = format!("median {median:.0} ms, best {best:.0} ms");
    bench.verdicts.add(
        &format!("{what}, 22 queries, width 3"),
        &format!("median < {limit:.0} ms"),
        &seen,
        median < limit,
    );
}
