//! The whole report on the largest database, and each of its checks.

use std::time::Duration;

use anyhow::Result;
use postgres::Client;

use super::catalog::Catalog;
use super::{ALL, best, middle, timed};
use crate::bench::Bench;
use crate::cluster::Cluster;
use crate::program::{Table, duration};

/// Runs of the report, after one that brings the catalog into memory.
const RUNS: usize = 5;

/// Runs of each check by itself.
const RUNS_OF_A_CHECK: usize = 3;

/// Rows of the table of checks.
const SHOWN: usize = 10;

/// The limit for the whole report.
const LIMIT: Duration = Duration::from_secs(3);

/// What a check should take at most, so that a hundred of them take as long as they do.
const BUDGET: Duration = Duration::from_millis(50);

pub(super) fn measure(bench: &mut Bench<'_>, cluster: &Cluster, catalog: &Catalog) -> Result<()> {
    bench.progress.part(&format!("mcp_health() on {}", catalog.title()));
    let mut same = cluster.connect(catalog.name)?;
    let (_, bytes) = timed(&mut same, ALL)?;
    let (mut fresh_times, mut same_times) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let mut fresh = cluster.connect(catalog.name)?;
        fresh_times.push(timed(&mut fresh, ALL)?.0);
        same_times.push(timed(&mut same, ALL)?.0);
    }
    let checks = checks(&mut same, catalog)?;
    let mut table = Table::new(&["all checks", "median", "best"]);
    for (what, times) in [("first call of a session", &fresh_times), ("later calls", &same_times)] {
        let (median, best) = (middle(times), best(times));
        table.row(&[what.to_owned(), duration(median), duration(best)]);
    }
    crate::bench::print(&table);
    println!("\n{} checks, {bytes} bytes of text", checks.len());
    print_checks(&checks);

    let (median, best) = (middle(&fresh_times), best(&fresh_times));
    let seen = format!("{}, best {}", duration(median), duration(best));
    let what = format!("health: all checks, {}", catalog.title());
    bench.verdicts.add(&what, "< 3 s", &seen, median < LIMIT);
    Ok(())
}

/// The median time of each check, slowest first.
fn checks(client: &mut Client, catalog: &Catalog) -> Result<Vec<(String, Duration)>> {
    let sql = "select distinct category || '/' || check_name, check_name from mcp_health()";
    let mut checks = Vec::new();
    for row in client.query(sql, &[])? {
        let (title, name): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let times = (0..RUNS_OF_A_CHECK)
            .map(|_| Ok(timed(client, &name)?.0))
            .collect::<Result<Vec<_>>>()?;
        checks.push((title, middle(&times)));
    }
    anyhow::ensure!(!checks.is_empty(), "no check in {}", catalog.name);
    checks.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    Ok(checks)
}

fn print_checks(checks: &[(String, Duration)]) {
    let total: Duration = checks.iter().map(|(_, time)| *time).sum();
    let share =
        |time: Duration| format!("{:.1} %", 100.0 * time.as_secs_f64() / total.as_secs_f64());
    let mut table = Table::new(&["check", "median", "share"]);
    for (name, time) in checks.iter().take(SHOWN) {
        table.row(&[name.clone(), duration(*time), share(*time)]);
    }
    let rest: Duration = checks.iter().skip(SHOWN).map(|(_, time)| *time).sum();
    let others = checks.len().saturating_sub(SHOWN);
    table.row(&[format!("the {others} others"), duration(rest), share(rest)]);
    table.row(&["each by itself, summed".to_owned(), duration(total), share(total)]);
    crate::bench::print(&table);
    let slow = checks.iter().filter(|(_, time)| *time > BUDGET).count();
    println!("\n{slow} of {} checks take more than {}", checks.len(), duration(BUDGET));
}
