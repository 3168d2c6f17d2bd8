//! How the bridge connects to real servers: every `sslmode` against good and bad certificates, the
//! places that settings come from, several hosts, refusals, a pooler. One primary and one standby
//! serve all cases.

mod certificates;
mod direct;
mod fixture;
mod hosts;
mod latch;
mod pooler;
mod refusals;
mod sources;
mod tls;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::{Arguments, Trial};

use fixture::Fixture;

/// A test: its name and what it does.
type Case = (&'static str, fn(&Fixture) -> Result<()>);

fn main() -> Result<ExitCode> {
    let arguments = Arguments::from_args();
    let fixture = Arc::new(Fixture::start()?);
    let cases =
        [direct::CASES, hosts::CASES, latch::CASES, refusals::CASES, sources::CASES, tls::CASES]
            .concat();
    let trial = |ignored: bool| {
        let fixture = Arc::clone(&fixture);
        move |(name, case): Case| {
            let fixture = Arc::clone(&fixture);
            // With the causes: an error of the server is one.
            let run = move || Ok(case(&fixture).map_err(|error| format!("{error:#}"))?);
            Trial::test(name, run).with_ignored_flag(ignored)
        }
    };
    let mut trials: Vec<Trial> = cases.into_iter().map(trial(false)).collect();
    // Where there is no pooler its cases are shown as ignored.
    let behind = [pooler::CASES, latch::BEHIND_A_POOLER].concat();
    trials.extend(behind.into_iter().map(trial(pooler::program().is_none())));
    Ok(libtest_mimic::run(&arguments, trials).exit_code())
}
