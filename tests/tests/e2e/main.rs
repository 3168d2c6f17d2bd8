//! The extension in a real server, as a client sees it: what goes wrong is a clear answer, and
//! leaves the session and the server as they were. One cluster serves all cases.

mod advice;
mod answer;
mod bad_input;
mod cluster;
mod explain;
mod explain_analyze;
mod fixture;
mod guard;
mod guard_latch;
mod health;
mod health_index;
mod health_server;
mod interrupts;
mod objects;
mod odd;
mod progress;
mod robustness;
mod schema;
mod security;
mod session;
mod top_queries;
mod truth;
mod whatif_indexes;
mod workload;

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
    let cases = [
        advice::CASES,
        bad_input::CASES,
        cluster::CASES,
        explain::CASES,
        explain_analyze::CASES,
        guard::CASES,
        guard_latch::CASES,
        health::CASES,
        health_index::CASES,
        health_server::CASES,
        interrupts::CASES,
        objects::CASES,
        progress::CASES,
        robustness::CASES,
        schema::CASES,
        security::CASES,
        session::CASES,
        top_queries::CASES,
        truth::CASES,
        whatif_indexes::CASES,
        workload::CASES,
    ]
    .concat();
    let trials = cases
        .into_iter()
        .map(|(name, case)| {
            let fixture = Arc::clone(&fixture);
            Trial::test(name, move || {
                // With the causes: an error of the server is one.
                case(&fixture).map_err(|error| format!("{error:#}"))?;
                Ok(fixture.assert_server_survived()?)
            })
        })
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    Ok(conclusion.exit_code())
}
