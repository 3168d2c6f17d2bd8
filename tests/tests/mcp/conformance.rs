//! The official conformance suite, for both revisions of the protocol: against the product, and
//! against its transports around a fixture, which has the tools that the suite asks for by name.
//!
//! What may fail and why is in the baselines below `tests/conformance`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use advisor_tests::bridge;
use anyhow::{Context, Result, bail, ensure};

use crate::Case;
use crate::fixture::{Fixture, assert_discreet};
use crate::matrix::{Transport, way};

pub(crate) const CASES: &[Case] = &[
    ("conformance_bridge_2025_11_25", |fixture| product(fixture, "2025-11-25")),
    ("conformance_bridge_2026_07_28", |fixture| product(fixture, "2026-07-28")),
    ("conformance_transports_2025_11_25", |_| transports("2025-11-25")),
    ("conformance_transports_2026_07_28", |_| transports("2026-07-28")),
];

fn product(fixture: &Fixture, revision: &str) -> Result<()> {
    let application = format!("conformance_{revision}");
    let (how, server) = way(fixture, Transport::Http, &application, &[])?;
    let url = how["url"].as_str().context("no URL")?;
    let judged = judge(url, revision, "bridge");
    let ended = server.context("no server")?.stop()?;
    judged.with_context(|| ended.log.clone())?;
    fixture.assert_no_backend(&application)?;
    assert_discreet(&ended.log)
}

/// The program around the fixture; killed when dropped.
struct Transports {
    process: Child,
    url: String,
}

impl Drop for Transports {
    fn drop(&mut self) {
        // It may have ended before.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Transports {
    fn start() -> Result<Self> {
        let program = bridge::program()?.with_file_name("examples").join("conformance-fixture");
        ensure!(
            program.is_file(),
            "no {}: run cargo build --package mcp-bridge --example conformance-fixture",
            program.display()
        );
        let mut process = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("start the fixture")?;
        let output = process.stdout.take().context("no standard output")?;
        let mut started = Self { process, url: String::new() };
        BufReader::new(output).read_line(&mut started.url)?;
        started.url.truncate(started.url.trim_end().len());
        Ok(started)
    }
}

fn transports(revision: &str) -> Result<()> {
    let mut fixture = Transports::start()?;
    judge(&fixture.url, revision, "fixture")?;
    // It ends with its input, and without an error.
    drop(fixture.process.stdin.take());
    let status = fixture.process.wait()?;
    ensure!(status.success(), "the fixture ended with {status}");
    Ok(())
}

/// Runs the suite against a server and compares what fails with the baseline.
fn judge(url: &str, revision: &str, baseline: &str) -> Result<()> {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance");
    let output = Command::new(folder.join("run.sh"))
        .args([url, revision, &format!("{baseline}-{revision}.yml")])
        .stdin(Stdio::null())
        .output()
        .context("run the suite")?;
    if output.status.success() {
        return Ok(());
    }
    let report = String::from_utf8_lossy(&output.stdout);
    let wrong: Vec<_> = report.lines().filter(|line| !line.ends_with("... ok")).collect();
    bail!("{}\n{}", wrong.join("\n"), String::from_utf8_lossy(&output.stderr))
}
