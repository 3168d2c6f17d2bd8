//! The tool `analyze_db_health` of mcp-bridge and of the program it replaces, by the same client.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use postgres::Client;
use serde_json::{Value, json};

use super::catalog::Catalog;
use super::{ALL, best, middle, ratio, timed};
use crate::bench::Bench;
use crate::bench::bridge::reference::Reference;
use crate::bridge::{self, stdio::Pipe};
use crate::cluster::{Cluster, SUPERUSER};
use crate::program::{Table, duration};

/// Runs of each tool, alternating, after one that brings the catalog into memory.
const RUNS: usize = 5;

/// The name of the tool, which both have.
pub(super) const TOOL: &str = "analyze_db_health";

/// What the reference takes, and in ours is the name of a category.
const CATEGORIES: [&str; 7] =
    ["index", "connection", "vacuum", "sequence", "replication", "buffer", "constraint"];

/// How many times as long the reference must take.
const FASTER: f64 = 5.0;

/// What was seen of one of the values that the tools take.
#[derive(Default)]
struct Times {
    /// `mcp_health` over SQL.
    sql: Vec<Duration>,
    bridge: Vec<Duration>,
    reference: Vec<Duration>,
    bridge_bytes: usize,
    reference_bytes: usize,
    /// What the reference said instead of a report.
    error: Option<String>,
}

pub(super) fn measure(bench: &mut Bench<'_>, cluster: &Cluster, catalog: &Catalog) -> Result<()> {
    let uri = cluster.uri(catalog.name, SUPERUSER);
    let reference = Reference::find();
    let target = format!(">= {FASTER} x faster than the reference");
    let what = format!("health: all checks over MCP, {}", catalog.title());
    let mut theirs = match reference.command() {
        Ok(mut command) => {
            Pipe::initialized(command.env("DATABASE_URI", &uri)).context("start the reference")?
        }
        Err(why) => {
            bench.progress.part(&format!("The reference is not installed: {why}"));
            bench.verdicts.not_measured(&what, &target, &why);
            return Ok(());
        }
    };
    bench
        .progress
        .part(&format!("{TOOL} on {}: medians of {RUNS} alternating runs", catalog.title()));
    let mut ours = Pipe::initialized(bridge::command()?.env("DATABASE_URI", &uri))?;
    let mut client = cluster.connect(catalog.name)?;
    let mut all = Vec::new();
    for name in std::iter::once(ALL).chain(CATEGORIES) {
        all.push((name, alternate(&mut client, &mut ours, &mut theirs, name)?));
    }
    print(&reference, &all);
    for (name, times) in &all {
        if let Some(error) = &times.error {
            bench.progress.line(&format!("the reference on {name}: {error}"));
        }
    }
    let Some((_, whole)) = all.first() else { return Ok(()) };
    if whole.reference.is_empty() {
        bench.verdicts.not_measured(&what, &target, "the reference gave no report");
        return Ok(());
    }
    let factor = ratio(middle(&whole.reference), middle(&whole.bridge));
    bench.verdicts.add(&what, &target, &format!("{factor:.1} x"), factor >= FASTER);
    Ok(())
}

fn alternate(client: &mut Client, ours: &mut Pipe, theirs: &mut Pipe, name: &str) -> Result<Times> {
    let mut times = Times::default();
    for number in 0..=RUNS {
        let sql = timed(client, name)?.0;
        let (bridge, answer) = call(ours, name)?;
        times.bridge_bytes = answer.to_string().len();
        let (reference, answer) = call(theirs, name)?;
        times.reference_bytes = answer.to_string().len();
        let text = answer.pointer("/content/0/text").and_then(Value::as_str).unwrap_or_default();
        let failed = text.starts_with("Error");
        if failed {
            times.error = Some(text.chars().take(200).collect());
        }
        if number > 0 {
            times.sql.push(sql);
            times.bridge.push(bridge);
            // The time to an error is not that of a report.
            times.reference.extend((!failed).then_some(reference));
        }
    }
    Ok(times)
}

/// One call: how long it took, and what was answered.
fn call(pipe: &mut Pipe, name: &str) -> Result<(Duration, Value)> {
    let begin = Instant::now();
    let answer = pipe.call(TOOL, &json!({"health_type": name}))?;
    Ok((begin.elapsed(), answer))
}

fn print(reference: &Reference, all: &[(&str, Times)]) {
    let title = reference.title();
    let mut table = Table::new(&[
        "health_type",
        "mcp_health",
        "mcp-bridge",
        &title,
        "ratio",
        "best",
        "mcp-bridge bytes",
        "reference bytes",
    ]);
    for (name, times) in all {
        let (theirs, medians, bests) = if times.reference.is_empty() {
            ("no report".to_owned(), "-".to_owned(), "-".to_owned())
        } else {
            let factor = |of: fn(&[Duration]) -> Duration| {
                format!("{:.1} x", ratio(of(&times.reference), of(&times.bridge)))
            };
            (duration(middle(&times.reference)), factor(middle), factor(best))
        };
        table.row(&[
            (*name).to_owned(),
            duration(middle(&times.sql)),
            duration(middle(&times.bridge)),
            theirs,
            medians,
            bests,
            times.bridge_bytes.to_string(),
            times.reference_bytes.to_string(),
        ]);
    }
    crate::bench::print(&table);
}
