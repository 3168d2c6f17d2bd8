//! `mcp-bridge report`: the command on databases of several kinds, and its page in headless
//! Chromium, where it is looked at, sorted, copied from and opened by keyboard, and where hostile
//! names and statements must be text.

mod browser;
mod command;
mod fixture;
mod kinds;
mod looks;
mod use_of;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use fixture::Fixture;
use libtest_mimic::{Arguments, Trial};

/// A test: its name and what it does.
type Case = (&'static str, fn(&Fixture) -> Result<()>);

/// Tests at a time: each browser is several processes.
const THREADS: usize = 2;

fn main() -> Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let fixture = Arc::new(Fixture::start()?);
    let cases = [command::CASES, kinds::CASES, looks::CASES, use_of::CASES].concat();
    let trials = cases.into_iter().map(|(name, case)| {
        let fixture = Arc::clone(&fixture);
        // With the causes: an error of the server is one.
        Trial::test(name, move || Ok(case(&fixture).map_err(|error| format!("{error:#}"))?))
    });
    Ok(libtest_mimic::run(&arguments, trials.collect()).exit_code())
}
