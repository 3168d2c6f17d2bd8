//! From the start of the process to the first answer, and the memory it takes.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::reference::Reference;
use super::{memory, process};
use crate::bench::Bench;
use crate::bridge::{self, stdio::Pipe};
use crate::measure::median;
use crate::program::{Table, duration};

/// Runs of each program, alternating, after one that fills the caches of files.
const RUNS: usize = 11;

/// Calls before the second look at the memory.
const CALLS: usize = 100;

/// What the reference must take, as a multiple of what the bridge takes.
const FASTER: f64 = 10.0;
const SMALLER: f64 = 5.0;

/// One run.
#[derive(Debug, Clone, Copy)]
struct Run {
    /// Until `initialize` was answered.
    initialized: Duration,
    /// Until the first call of a tool was answered, from the database.
    answered: Duration,
    /// Peak memory in bytes then.
    first_memory: u64,
    /// Peak memory in bytes after [`CALLS`] calls.
    later_memory: u64,
}

/// What is measured: its name, how it is written, and how to get it from a run.
type Figure = (&'static str, fn(f64) -> String, fn(&Run) -> f64);

const FIGURES: [Figure; 4] = [
    (
        "start to initialize",
        |s| duration(Duration::from_secs_f64(s)),
        |run| run.initialized.as_secs_f64(),
    ),
    (
        "start to first answer",
        |s| duration(Duration::from_secs_f64(s)),
        |run| run.answered.as_secs_f64(),
    ),
    ("peak memory, first answer", |bytes| memory(bytes as u64), |run| run.first_memory as f64),
    ("peak memory, 100 calls", |bytes| memory(bytes as u64), |run| run.later_memory as f64),
];

pub(super) fn measure(bench: &mut Bench<'_>, uri: &str) -> Result<()> {
    let reference = Reference::find();
    bench.progress.part(&format!(
        "mcp-bridge over stdio: start, initialize, list_schemas; medians of {RUNS} alternating runs"
    ));
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for number in 0..=RUNS {
        let own = run(bridge::command()?.env("DATABASE_URI", uri)).context("mcp-bridge")?;
        let other = match reference.command() {
            Ok(mut command) => {
                Some(run(command.env("DATABASE_URI", uri)).context("the reference")?)
            }
            Err(_) => None,
        };
        // The first run of each reads its files from the disk.
        if number > 0 {
            ours.push(own);
            theirs.extend(other);
        }
    }
    print(&reference, &ours, &theirs);
    judge(bench, &reference, &ours, &theirs);
    Ok(())
}

fn run(command: &mut Command) -> Result<Run> {
    let begin = Instant::now();
    let mut pipe = Pipe::initialized(command)?;
    let initialized = begin.elapsed();
    call(&mut pipe, "list_schemas", &json!({}))?;
    let answered = begin.elapsed();
    let first_memory = process::peak_memory(pipe.pid())?;
    for number in 0..CALLS {
        // What both have, with the same arguments.
        match number % 4 {
            0 => call(&mut pipe, "list_objects", &json!({"schema_name": "public"}))?,
            1 => call(&mut pipe, "execute_sql", &json!({"sql": "select * from users limit 100"}))?,
            2 => call(
                &mut pipe,
                "get_object_details",
                &json!({"schema_name": "public", "object_name": "orders"}),
            )?,
            _ => call(
                &mut pipe,
                "explain_query",
                &json!({"sql": "select count(*) from orders where user_id = 7"}),
            )?,
        }
    }
    let later_memory = process::peak_memory(pipe.pid())?;
    // Closing its input asks it to end; how long that takes is not measured, nor how it ends.
    drop(pipe);
    Ok(Run { initialized, answered, first_memory, later_memory })
}

fn call(pipe: &mut Pipe, tool: &str, arguments: &Value) -> Result<()> {
    let result = pipe.call(tool, arguments)?;
    let failed = result.get("isError").and_then(Value::as_bool).unwrap_or(false);
    // The reference answers some errors without the mark.
    let text = result.pointer("/content/0/text").and_then(Value::as_str).unwrap_or_default();
    ensure!(!failed && !text.starts_with("Error"), "{tool}: {result}");
    Ok(())
}

fn middle(runs: &[Run], figure: fn(&Run) -> f64) -> f64 {
    median(&runs.iter().map(figure).collect::<Vec<_>>())
}

fn print(reference: &Reference, ours: &[Run], theirs: &[Run]) {
    let mut table = Table::new(&["stdio", "mcp-bridge", &reference.title(), "ratio"]);
    for (what, text, figure) in FIGURES {
        let own = middle(ours, figure);
        let (other, ratio) = if theirs.is_empty() {
            ("not installed".to_owned(), "-".to_owned())
        } else {
            let other = middle(theirs, figure);
            (text(other), format!("{:.1} x", other / own))
        };
        table.row(&[what.to_owned(), text(own), other, ratio]);
    }
    crate::bench::print(&table);
}

fn judge(bench: &mut Bench<'_>, reference: &Reference, ours: &[Run], theirs: &[Run]) {
    let targets = [(1, FASTER, "faster"), (2, SMALLER, "smaller"), (3, SMALLER, "smaller")];
    for (number, least, word) in targets {
        let (what, _, figure) = FIGURES[number];
        let what = format!("mcp-bridge: {what}");
        let target = format!(">= {least} x {word} than the reference");
        match reference.command() {
            Ok(_) => {
                let ratio = middle(theirs, figure) / middle(ours, figure);
                bench.verdicts.add(&what, &target, &format!("{ratio:.1} x"), ratio >= least);
            }
            Err(why) => bench.verdicts.not_measured(&what, &target, &why),
        }
    }
}
