//! The attacks of `tests/guard/attacks` on a restricted bridge that is connected as superuser, with
//! the extension and without it; and in a session without a guard, where each must do its harm.
//!
//! What counts is the effect that a second session sees, not what the bridge says.

mod bridge;
mod control;
mod guarded;
mod judge;
mod resource;
mod state;
mod world;

use std::collections::BTreeMap;
use std::process::ExitCode;

use advisor_tests::attacks;
use advisor_tests::cluster::server_version;
use anyhow::{Result, ensure};
use libtest_mimic::{Arguments, Trial};

/// A test: its name and what it does.
type Case = (&'static str, fn() -> Result<()>);

const CASES: &[Case] = &[
    ("attacks_do_their_harm_without_a_guard", control),
    ("attacks_through_the_bridge_have_no_effect", with_extension),
    ("attacks_without_the_extension_have_no_effect", without_extension),
];

/// Tests at a time: as many as there are servers for, and processors on a small machine.
const THREADS: usize = 2;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let trials = CASES.iter().map(|&(name, case)| {
        // With the causes: an error of the server is one.
        Trial::test(name, move || Ok(case().map_err(|error| format!("{error:#}"))?))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// What became of an attack.
#[derive(Debug)]
struct Outcome {
    class: String,
    attack: String,
    /// What ended it.
    layer: judge::Layer,
    /// What it did in spite of that; nothing, as it must be.
    harm: Vec<String>,
}

fn control() -> Result<()> {
    let (common, classes) = attacks::read(server_version()? / 10_000)?;
    let attacks: usize = classes.iter().map(|class| class.attacks.len()).sum();
    let found = control::run(&common, &classes)?;
    println!(
        "{attacks} attacks in {} classes; without a guard {} do harm, {} are aimed at the bridge",
        classes.len(),
        found.harmful,
        found.at_bridge,
    );
    ensure!(
        found.harmless.is_empty(),
        "{} do no harm:\n{}",
        found.harmless.len(),
        found.harmless.join("\n"),
    );
    if std::env::var_os("ATTACKS").is_none() {
        ensure!(attacks >= 400 && classes.len() >= 30, "{attacks} in {} classes", classes.len());
    }
    ensure!(found.at_bridge * 20 <= attacks.max(20), "{} are aimed at the bridge", found.at_bridge);
    Ok(())
}

fn with_extension() -> Result<()> {
    through_the_bridge(true)
}

fn without_extension() -> Result<()> {
    through_the_bridge(false)
}

fn through_the_bridge(extension: bool) -> Result<()> {
    let (common, classes) = attacks::read(server_version()? / 10_000)?;
    let report = guarded::run(&common, &classes, extension)?;
    let mut layers = BTreeMap::new();
    for outcome in &report.outcomes {
        *layers.entry(outcome.layer).or_insert(0) += 1;
    }
    let harmful: Vec<String> = report
        .outcomes
        .iter()
        .filter(|outcome| !outcome.harm.is_empty())
        .map(|one| {
            format!("{} / {} ({:?}): {}", one.class, one.attack, one.layer, one.harm.join("; "))
        })
        .collect();
    println!(
        "{} the extension: {} attacks in {} classes, {} got through; ended by {layers:?}; \
         at most {} MB of memory and {} MB of temporary files",
        if extension { "with" } else { "without" },
        report.outcomes.len(),
        classes.len(),
        harmful.len(),
        report.peak.memory >> 20,
        report.peak.files >> 20,
    );
    ensure!(harmful.is_empty(), "{} got through:\n{}", harmful.len(), harmful.join("\n"));
    Ok(())
}
