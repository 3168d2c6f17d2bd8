//! The advised indexes really built, and every statement really run, with and without them.
//!
//! Two databases are made from one template, and a statement runs in both by turns: what else
//! happens on the machine touches both alike.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use postgres::Client;

use super::{DEFAULT, advise, compared, plain, seconds};
use crate::bench::{Bench, print};
use crate::measure;
use crate::program::{Table, duration, megabytes};
use crate::workloads::{Statement, Workload};

/// A statement that takes longer is given up; STATEMENT_SECONDS says otherwise.
const STATEMENT_SECONDS: u64 = 30;

/// Pairs of runs; the fastest of each side counts.
const PAIRS: usize = 3;

/// More of them for a statement that seems slower: most of what seems so is noise.
const MORE_PAIRS: usize = 9;

/// No further pair after this time.
const ENOUGH: Duration = Duration::from_secs(10);

/// Largest growth of a statement's time.
const WORST: f64 = 1.10;

/// A difference that no person and hardly a clock notices is no regression.
const NOTICEABLE: Duration = Duration::from_micros(300);

/// What was seen of one statement.
struct Times {
    name: String,
    calls: f64,
    before: Vec<Option<Duration>>,
    after: Vec<Option<Duration>>,
}

impl Times {
    fn fastest(times: &[Option<Duration>]) -> Option<Duration> {
        times.iter().flatten().min().copied()
    }

    fn seconds(&self, limit: Duration) -> (f64, f64) {
        let of = |times| Self::fastest(times).unwrap_or(limit).as_secs_f64();
        (of(&self.before), of(&self.after))
    }

    /// Slower than noise explains: the fastest runs differ, and so do most pairs.
    fn is_slower(&self, limit: Duration) -> bool {
        let (before, after) = self.seconds(limit);
        let pairs: Vec<f64> = self
            .before
            .iter()
            .zip(&self.after)
            .map(|(before, after)| {
                after.unwrap_or(limit).as_secs_f64() / before.unwrap_or(limit).as_secs_f64()
            })
            .collect();
        after > before * WORST
            && after - before > NOTICEABLE.as_secs_f64()
            && measure::median(&pairs) > WORST
    }
}

pub(super) fn measure(bench: &mut Bench<'_>, workload: Workload) -> Result<()> {
    let mut client = bench.databases.connect_workload(workload)?;
    bench.progress.part(&format!(
        "{}: run times with and without the advice for half of the data's bytes",
        workload.title()
    ));
    let half = measure::data_bytes(&mut client)? as f64 / 2.0;
    let report = advise(&mut client, DEFAULT, &compared(workload)?, Some(half))?;
    drop(client);
    let [mut before, mut after] = bench.databases.copies(workload)?;
    let mut bytes = 0.0;
    for index in &report.indexes {
        let real = measure::build_index(&mut after, &plain(&index.ddl));
        bytes += real.with_context(|| index.ddl.clone())?.size_bytes as f64;
    }
    super::judge::analyze(&mut after)?;
    let count = report.indexes.len();
    bench.progress.line(&format!("{count} indexes, {} built", megabytes(bytes)));
    let limit = statement_time();
    for client in [&mut before, &mut after] {
        client.batch_execute(&format!("set statement_timeout = {}", limit.as_millis()))?;
    }
    let mut all = Vec::new();
    for statement in workload.statements()? {
        let times = time(&mut before, &mut after, &statement, limit)?;
        if times.is_slower(limit) {
            let (was, is) = times.seconds(limit);
            let name = &times.name;
            bench.progress.line(&format!("slower: {name} {was:.4} s -> {is:.4} s"));
            println!("{}", measure::plan_text(&mut after, &statement.sql)?);
        }
        all.push(times);
    }
    print_times(&all, limit);
    judge(bench, workload, &all, limit);
    Ok(())
}

fn statement_time() -> Duration {
    Duration::from_secs(seconds("STATEMENT_SECONDS", STATEMENT_SECONDS))
}

fn time(
    before: &mut Client,
    after: &mut Client,
    statement: &Statement,
    limit: Duration,
) -> Result<Times> {
    let mut times = Times {
        name: statement.name.clone(),
        calls: f64::from(statement.calls),
        before: Vec::new(),
        after: Vec::new(),
    };
    let begin = Instant::now();
    for pair in 0..MORE_PAIRS {
        let enough = begin.elapsed() > ENOUGH || (pair >= PAIRS && !times.is_slower(limit));
        if pair > 0 && enough {
            break;
        }
        times.after.push(run(after, statement)?);
        times.before.push(run(before, statement)?);
    }
    Ok(times)
}

/// One run, of which nothing stays.
fn run(client: &mut Client, statement: &Statement) -> Result<Option<Duration>> {
    client.batch_execute("begin")?;
    let time = measure::run(client, &statement.sql);
    client.batch_execute("rollback")?;
    time.with_context(|| statement.name.clone())
}

fn print_times(all: &[Times], limit: Duration) {
    let mut table = Table::new(&["statement", "before", "after", "after / before"]);
    let mut sorted: Vec<&Times> = all.iter().collect();
    let ratio = |times: &Times| {
        let (before, after) = times.seconds(limit);
        after / before
    };
    sorted.sort_by(|a, b| ratio(b).total_cmp(&ratio(a)));
    // The slowest and the fastest say most.
    let ends = 12;
    let shown = |(number, _): &(usize, &&Times)| *number < ends || *number + ends >= sorted.len();
    let text = |times: &[Option<Duration>]| {
        Times::fastest(times).map_or_else(|| format!("over {} s", limit.as_secs()), duration)
    };
    for (_, times) in sorted.iter().enumerate().filter(shown) {
        table.row(&[
            times.name.clone(),
            text(&times.before),
            text(&times.after),
            format!("{:.3}", ratio(times)),
        ]);
    }
    print(&table);
}

fn judge(bench: &mut Bench<'_>, workload: Workload, all: &[Times], limit: Duration) {
    let (mut before, mut after) = (0.0, 0.0);
    let mut ratios = Vec::new();
    for times in all {
        let (was, is) = times.seconds(limit);
        before += was * times.calls;
        after += is * times.calls;
        ratios.push(was / is);
    }
    let title = workload.title();
    let given_up = |side: fn(&Times) -> &Vec<Option<Duration>>| {
        all.iter().filter(|times| Times::fastest(side(times)).is_none()).count()
    };
    let (gave_before, gave_after) = (given_up(|one| &one.before), given_up(|one| &one.after));
    let mut table = Table::new(&["", "before", "after"]);
    let text = |value: f64| format!("{value:.2} s");
    table.row(&["total, by calls".to_owned(), text(before), text(after)]);
    table.row(&[
        format!("given up after {} s", limit.as_secs()),
        gave_before.to_string(),
        gave_after.to_string(),
    ]);
    print(&table);
    let seen = format!("{before:.2} s -> {after:.2} s");
    bench.verdicts.add(&format!("{title}: total run time"), "falls", &seen, after < before);
    let mean = measure::geometric_mean(&ratios);
    let seen = format!("{mean:.2} x");
    bench.verdicts.add(&format!("{title}: geometric mean of speed-ups"), "> 1", &seen, mean > 1.0);
    let slower: Vec<&str> = all
        .iter()
        .filter(|times| times.is_slower(limit))
        .map(|times| times.name.as_str())
        .collect();
    let seen = if slower.is_empty() { "none".to_owned() } else { slower.join(", ") };
    let what = format!("{title}: statements more than 10 % slower");
    bench.verdicts.add(&what, "none", &seen, slower.is_empty());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(before: &[u64], after: &[u64]) -> Times {
        let list =
            |values: &[u64]| values.iter().copied().map(Duration::from_millis).map(Some).collect();
        Times { name: String::new(), calls: 1.0, before: list(before), after: list(after) }
    }

    #[test]
    fn one_slow_run_is_noise() {
        let limit = Duration::from_secs(1);
        assert!(!times(&[10, 10, 10], &[30, 10, 10]).is_slower(limit));
        assert!(times(&[10, 10, 10], &[12, 13, 12]).is_slower(limit));
        // Most pairs are alike, although the one fastest run was without.
        assert!(!times(&[9, 12, 12], &[12, 12, 12]).is_slower(limit));
    }

    #[test]
    fn giving_up_counts_as_the_limit() {
        let mut given_up = times(&[10], &[10]);
        given_up.after = vec![None];
        assert!(given_up.is_slower(Duration::from_secs(1)));
    }
}
