//! PgHero's methods, as `tests/bin/pghero.sh` installs it, beside the checks that ask the same.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use postgres::Client;
use serde::Deserialize;

use super::catalog::Catalog;
use super::{middle, ratio, timed};
use crate::bench::Bench;
use crate::cluster::{Cluster, SUPERUSER};
use crate::program::{Table, duration};

/// Runs of each, alternating, after one that brings the catalog into memory.
const RUNS: usize = 5;

/// What both ask: in words, our checks, its methods.
const PAIRS: [(&str, &[&str], &[&str]); 11] = [
    ("duplicate indexes", &["duplicate_index", "redundant_index"], &["duplicate_indexes"]),
    ("unused indexes", &["unused_index"], &["unused_indexes"]),
    ("invalid indexes", &["invalid_index"], &["invalid_indexes"]),
    ("index bloat", &["index_bloat"], &["index_bloat"]),
    ("sequences", &["sequence_exhaustion"], &["sequence_danger"]),
    ("transaction ids", &["database_age", "table_age"], &["transaction_id_danger"]),
    ("hit rates", &["cache_hit_rate"], &["index_hit_rate", "table_hit_rate"]),
    ("invalid constraints", &["not_valid_constraint"], &["invalid_constraints"]),
    ("replication slots", &["replication_slot"], &["replication_slots"]),
    ("connections", &["connection_usage"], &["total_connections", "connection_states"]),
    ("long-running queries", &["long_query", "long_transaction"], &["long_running_queries"]),
];

/// Where it is, or why it is not there.
struct Installed {
    lib: Result<PathBuf, String>,
    version: String,
}

impl Installed {
    fn find() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/pghero");
        let note =
            |name: &str| fs::read_to_string(folder.join(name)).map(|text| text.trim().to_owned());
        let lib = folder.join("lib");
        let lib = if lib.is_dir() {
            Ok(lib)
        } else {
            Err(note("absent").unwrap_or_else(|_| "run tests/bin/pghero.sh".to_owned()))
        };
        Self { lib, version: note("version").unwrap_or_default() }
    }
}

/// Our driver of it, killed when dropped.
struct Driver {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// What the driver says of a call.
#[derive(Deserialize)]
struct Answer {
    seconds: Option<f64>,
    statements: Option<f64>,
    error: Option<String>,
}

/// Time of a call, and of the statements in it.
#[derive(Clone, Copy, Default)]
struct Spent {
    whole: Duration,
    statements: Duration,
}

impl Driver {
    fn start(lib: &Path, cluster: &Cluster, database: &str) -> Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("reference/pghero.rb");
        let mut process = Command::new("ruby")
            .arg("-W0")
            .arg("-I")
            .arg(lib)
            .arg(script)
            .arg(cluster.socket_dir())
            .args([database, SUPERUSER])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("start ruby")?;
        let input = process.stdin.take().context("no standard input")?;
        let output = BufReader::new(process.stdout.take().context("no standard output")?);
        Ok(Self { process, input, output })
    }

    /// Calls methods; the inner error is what it said instead of an answer.
    fn call(&mut self, methods: &[&str]) -> Result<Result<Spent, String>> {
        let mut spent = Spent::default();
        for method in methods {
            writeln!(self.input, "{method}")?;
            let mut line = String::new();
            self.output.read_line(&mut line)?;
            let answer: Answer = serde_json::from_str(&line).with_context(|| {
                format!("PgHero's driver ended at {method}; what it printed is above")
            })?;
            if let Some(error) = answer.error {
                return Ok(Err(format!("{method}: {error}")));
            }
            spent.whole += Duration::from_secs_f64(answer.seconds.context("no time")?);
            spent.statements += Duration::from_secs_f64(answer.statements.context("no time")?);
        }
        Ok(Ok(spent))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It may have ended before.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Medians of one pair.
struct Pair {
    what: &'static str,
    checks: String,
    ours: Duration,
    theirs: Result<Spent, String>,
}

pub(super) fn measure(bench: &mut Bench<'_>, cluster: &Cluster, catalog: &Catalog) -> Result<()> {
    let installed = Installed::find();
    let (what, target) = ("health: what PgHero checks too", "faster than its queries");
    let lib = match &installed.lib {
        Ok(lib) => lib,
        Err(why) => {
            bench.progress.part(&format!("PgHero is not installed: {why}"));
            bench.verdicts.not_measured(what, target, "PgHero is not installed");
            return Ok(());
        }
    };
    bench.progress.part(&format!(
        "The checks of PgHero {} on {}: medians of {RUNS} alternating runs",
        installed.version,
        catalog.title()
    ));
    let mut client = cluster.connect(catalog.name)?;
    let mut driver = Driver::start(lib, cluster, catalog.name)?;
    let known = names(&mut client)?;
    let mut pairs = Vec::new();
    for (what, checks, methods) in PAIRS {
        let checks: Vec<&str> =
            checks.iter().copied().filter(|name| known.iter().any(|one| one == name)).collect();
        if !checks.is_empty() {
            pairs.push(pair(&mut client, &mut driver, what, &checks.join(","), methods)?);
        }
    }
    judge(bench, &pairs, what, target);
    Ok(())
}

/// The names of the checks that there are.
fn names(client: &mut Client) -> Result<Vec<String>> {
    let rows = client.query("select distinct check_name from mcp_health()", &[])?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

fn pair(
    client: &mut Client,
    driver: &mut Driver,
    what: &'static str,
    checks: &str,
    methods: &[&str],
) -> Result<Pair> {
    let (mut ours, mut whole, mut statements) = (Vec::new(), Vec::new(), Vec::new());
    let mut error = None;
    for number in 0..=RUNS {
        let own = timed(client, checks)?.0;
        let other = driver.call(methods)?;
        if number > 0 {
            ours.push(own);
        }
        match other {
            Ok(spent) if number > 0 => {
                whole.push(spent.whole);
                statements.push(spent.statements);
            }
            Ok(_) => {}
            Err(text) => error = Some(text),
        }
    }
    let theirs = match error {
        Some(error) => Err(error),
        None => Ok(Spent { whole: middle(&whole), statements: middle(&statements) }),
    };
    Ok(Pair { what, checks: checks.replace(',', ", "), ours: middle(&ours), theirs })
}

fn judge(bench: &mut Bench<'_>, pairs: &[Pair], what: &str, target: &str) {
    let mut table =
        Table::new(&["what", "our checks", "ours", "PgHero's queries", "ratio", "PgHero", "ratio"]);
    let mut row = |what: &str, checks: &str, ours: Duration, theirs: &Spent| {
        let factor = |theirs| format!("{:.1} x", ratio(theirs, ours));
        table.row(&[
            what.to_owned(),
            checks.to_owned(),
            duration(ours),
            duration(theirs.statements),
            factor(theirs.statements),
            duration(theirs.whole),
            factor(theirs.whole),
        ]);
    };
    let (mut ours, mut theirs) = (Duration::ZERO, Spent::default());
    for pair in pairs {
        match &pair.theirs {
            Ok(spent) => {
                row(pair.what, &pair.checks, pair.ours, spent);
                ours += pair.ours;
                theirs.whole += spent.whole;
                theirs.statements += spent.statements;
            }
            Err(error) => bench.progress.line(&format!("{}: {error}", pair.what)),
        }
    }
    if ours.is_zero() {
        bench.verdicts.not_measured(what, target, "PgHero answered none of them");
        return;
    }
    row("all of these", "", ours, &theirs);
    crate::bench::print(&table);
    let factor = ratio(theirs.statements, ours);
    bench.verdicts.add(what, target, &format!("{factor:.1} x"), factor > 1.0);
}
