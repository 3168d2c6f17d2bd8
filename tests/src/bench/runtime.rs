//! Run times of all 22 queries with the advised indexes really built.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::Result;
use postgres::Client;

use super::databases::Database;
use super::{Bench, quality, tpch_queries};
use crate::measure;
use crate::program::{Table, duration, megabytes};
use crate::report::{Arguments, Report};
use crate::tpch::{self, Query};

/// Queries 17 and 20 take longer without an index.
const QUERY_TIMEOUT: Duration = Duration::from_secs(120);

/// Runs with and without the indexes, alternating; the fastest of each counts.
const PAIRS: usize = 3;

/// More of them for a query that seems slower: most of what seems so is noise.
const MORE_PAIRS: usize = 6;

/// No further pair after this time.
const ENOUGH: Duration = Duration::from_secs(12);

/// Largest growth of a query's time.
const WORST: f64 = 1.10;

/// What was seen of one query.
#[derive(Clone, Copy)]
struct Times {
    number: usize,
    /// None: not within the timeout.
    before: Option<Duration>,
    after: Option<Duration>,
    /// It was given up under the first advice, and not tried again: the time before does not
    /// depend on the advice.
    carried_over: bool,
}

impl Times {
    /// A query that was given up counts with the time it was given.
    fn seconds(&self) -> (f64, f64) {
        let seconds = |time: Option<Duration>| time.unwrap_or(QUERY_TIMEOUT).as_secs_f64();
        (seconds(self.before), seconds(self.after))
    }

    fn ratio(&self) -> f64 {
        let (before, after) = self.seconds();
        after / before
    }
}

pub(super) fn measure(bench: &mut Bench<'_>) -> Result<()> {
    let mut client = bench.databases.connect(Database::Keys)?;
    let half = measure::data_bytes(&mut client)? as f64 / 2.0;
    let queries = tpch_queries();
    let settings = [
        ("default arguments", Arguments { queries: Some(queries.clone()), ..Arguments::default() }),
        (
            "half the data's bytes, every gain",
            Arguments { max_columns: None, ..quality::arguments(&queries, Some(half)) },
        ),
    ];
    let mut hopeless = BTreeSet::new();
    for (title, arguments) in settings {
        bench.progress.part(&format!("Run times with and without the advice: {title}"));
        let report = quality::advise(&mut client, &arguments)?;
        let names = build(bench, &mut client, &report)?;
        let times = time_all(bench, &mut client, &names, &mut hopeless)?;
        print_times(&times);
        judge(bench, title, &times);
        explain_regressions(&mut client, &names, &times)?;
        measure::drop_plain_indexes(&mut client)?;
    }
    Ok(())
}

fn build(bench: &Bench<'_>, client: &mut Client, report: &Report) -> Result<Vec<String>> {
    client.batch_execute("set statement_timeout = 0")?;
    let mut names = Vec::new();
    for index in &report.indexes {
        let begin = Instant::now();
        // Nobody else is connected, and building without CONCURRENTLY takes half the time.
        let real = measure::build_index(client, &index.ddl.replace(" CONCURRENTLY", ""))?;
        let (size, time) = (megabytes(real.size_bytes as f64), duration(begin.elapsed()));
        let definition = index.ddl.split_once(" ON ").map_or(index.ddl.as_str(), |(_, on)| on);
        bench.progress.line(&format!("{definition}: {size} in {time}"));
        names.push(real.name);
    }
    bench.progress.line(&format!(
        "{} indexes, estimated cost {:.4} of before",
        names.len(),
        report.relative_cost()
    ));
    client.batch_execute(&format!("set statement_timeout = {}", QUERY_TIMEOUT.as_millis()))?;
    Ok(names)
}

fn time_all(
    bench: &Bench<'_>,
    client: &mut Client,
    names: &[String],
    hopeless: &mut BTreeSet<usize>,
) -> Result<Vec<Times>> {
    let mut all = Vec::new();
    for query in tpch::queries() {
        let mut times = Times {
            number: query.number,
            before: None,
            after: None,
            carried_over: hopeless.contains(&query.number),
        };
        time_pairs(client, query, names, PAIRS, &mut times, hopeless)?;
        if times.ratio() > WORST {
            time_pairs(client, query, names, MORE_PAIRS, &mut times, hopeless)?;
        }
        let (before, after) = (text(times.before), text(times.after));
        bench.progress.line(&format!("Q{}: {before} -> {after}", query.number));
        all.push(times);
    }
    Ok(all)
}

/// Runs pairs and keeps the fastest of each side.
fn time_pairs(
    client: &mut Client,
    query: Query,
    names: &[String],
    pairs: usize,
    times: &mut Times,
    hopeless: &mut BTreeSet<usize>,
) -> Result<()> {
    let begin = Instant::now();
    for _ in 0..pairs {
        let after = measure::run_without(client, query.sql, &[])?;
        times.after = fastest(times.after, after);
        if !hopeless.contains(&query.number) {
            let before = measure::run_without(client, query.sql, names)?;
            times.before = fastest(times.before, before);
            if before.is_none() {
                hopeless.insert(query.number);
            }
        }
        if begin.elapsed() > ENOUGH {
            break;
        }
    }
    Ok(())
}

fn fastest(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    a.into_iter().chain(b).min()
}

fn text(time: Option<Duration>) -> String {
    time.map_or_else(|| format!("over {} s", QUERY_TIMEOUT.as_secs()), duration)
}

fn totals(times: &[Times]) -> (f64, f64) {
    times
        .iter()
        .map(Times::seconds)
        .fold((0.0, 0.0), |sum, (before, after)| (sum.0 + before, sum.1 + after))
}

fn mean_speed_up(times: &[Times]) -> f64 {
    let ratios: Vec<f64> = times.iter().map(|times| 1.0 / times.ratio()).collect();
    measure::geometric_mean(&ratios)
}

/// The queries that ended both ways: the times of the others are limits, not measurements.
fn finished(times: &[Times]) -> Vec<Times> {
    times.iter().filter(|one| one.before.is_some() && one.after.is_some()).copied().collect()
}

fn print_times(times: &[Times]) {
    let mut table = Table::new(&["query", "before", "after", "after / before"]);
    for one in times {
        table.row(&[
            format!("Q{}", one.number),
            text(one.before) + if one.carried_over { " (not repeated)" } else { "" },
            text(one.after),
            format!("{:.3}", one.ratio()),
        ]);
    }
    let finished = finished(times);
    let title = format!("total of the {} that ended", finished.len());
    for (title, times) in [("total, timeouts as limits", times), (&title, &finished)] {
        let (before, after) = totals(times);
        table.row(&[
            title.to_owned(),
            format!("{before:.2} s"),
            format!("{after:.2} s"),
            format!("{:.3}", after / before),
        ]);
    }
    super::print(&table);
    println!("\nGeometric mean of the speed-ups: {:.2} x", mean_speed_up(times));
}

fn judge(bench: &mut Bench<'_>, title: &str, times: &[Times]) {
    let (before, after) = totals(times);
    let mean = mean_speed_up(times);
    let seen = format!("{before:.1} s -> {after:.1} s, geometric mean {mean:.2} x");
    bench.verdicts.add(&format!("run time, {title}"), "falls", &seen, after < before);
    let finished = finished(times);
    let (before, after) = totals(&finished);
    let what = format!("- the {} that ended both ways", finished.len());
    let mean = mean_speed_up(&finished);
    let seen = format!("{before:.1} s -> {after:.1} s, geometric mean {mean:.2} x");
    bench.verdicts.add(&what, "falls", &seen, after < before);
    if let Some(worst) = times.iter().max_by(|a, b| a.ratio().total_cmp(&b.ratio())) {
        let seen = format!("Q{} {:.2} x", worst.number, worst.ratio());
        bench.verdicts.add("- slowest against before", "<= 1.10 x", &seen, worst.ratio() <= WORST);
    }
}

/// Shows what the planner made of the indexes where it did harm.
fn explain_regressions(client: &mut Client, names: &[String], times: &[Times]) -> Result<()> {
    let slower = |query: &Query| {
        times.iter().any(|times| times.number == query.number && times.ratio() > WORST)
    };
    for query in tpch::queries().into_iter().filter(slower) {
        let after = measure::plan_text(client, query.sql)?;
        client.batch_execute("begin")?;
        if !names.is_empty() {
            client.batch_execute(&format!("drop index {}", names.join(", ")))?;
        }
        let before = measure::plan_text(client, query.sql);
        client.batch_execute("rollback")?;
        println!("\nQ{} before:\n{}\n\nQ{} after:\n{after}", query.number, before?, query.number);
    }
    Ok(())
}
