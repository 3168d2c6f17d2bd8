//! The health checks on databases with thousands of tables: how long they take, beside the checks
//! of other tools in the same run, what they lock, and what becomes of them behind a queue for a
//! table.
//!
//! A cluster of its own, for the other sections drop indexes. Just-in-time compilation is off for
//! everybody: it would only cost the others.

mod catalog;
mod incident;
mod locks;
mod pghero;
mod reference;
mod report;

use std::time::{Duration, Instant};

use anyhow::Result;
use postgres::{Client, SimpleQueryMessage};

use super::Bench;
use crate::cluster::Cluster;
use crate::measure::median;

const SETTINGS: &str = "
shared_preload_libraries = 'pg_stat_statements'
jit = off
";

/// Every check.
const ALL: &str = "all";

pub(super) fn measure(bench: &mut Bench<'_>) -> Result<()> {
    let cluster = Cluster::start(SETTINGS)?;
    let large = catalog::Catalog { name: "tables_10000", tables: 10_000 };
    large.make(bench, &cluster)?;
    report::measure(bench, &cluster, &large)?;
    locks::measure(bench, &cluster, &large)?;
    let small = catalog::Catalog { name: "tables_5000", tables: 5_000 };
    small.make(bench, &cluster)?;
    reference::measure(bench, &cluster, &small)?;
    pghero::measure(bench, &cluster, &small)?;
    incident::measure(bench, &cluster, &small)
}

/// What `mcp_health` says of these checks: how long it took, and how many bytes of text it is.
fn timed(client: &mut Client, checks: &str) -> Result<(Duration, usize)> {
    let sql = format!("select * from mcp_health('{{{checks}}}')");
    let begin = Instant::now();
    let answer = client.simple_query(&sql)?;
    let time = begin.elapsed();
    let bytes = answer.iter().map(|message| match message {
        SimpleQueryMessage::Row(row) => {
            (0..row.len()).filter_map(|column| row.get(column)).map(str::len).sum()
        }
        _ => 0,
    });
    Ok((time, bytes.sum()))
}

fn middle(times: &[Duration]) -> Duration {
    let seconds: Vec<f64> = times.iter().map(Duration::as_secs_f64).collect();
    Duration::from_secs_f64(median(&seconds))
}

fn best(times: &[Duration]) -> Duration {
    times.iter().min().copied().unwrap_or_default()
}

/// `4.2 x`, or why there is no ratio.
fn ratio(theirs: Duration, ours: Duration) -> f64 {
    theirs.as_secs_f64() / ours.as_secs_f64()
}
