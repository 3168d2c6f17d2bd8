//! Real MCP clients, and worse ones, against the program `mcp-bridge` on a scratch cluster.
//!
//! `matrix` runs five SDKs over each transport and protocol era through the same checks, which are
//! in `checks`; a session makes all of them, and each is a test of its own. The other modules are
//! single cases: the Inspector, the conformance suite, configurations of Postgres MCP Pro, a server that goes away, input
//! that no client sends, every type of value.

mod bad_input;
mod checks;
mod configurations;
mod conformance;
mod endings;
mod explain;
mod fixture;
mod guarded;
mod health;
mod inspector;
mod map;
mod matrix;
mod modes;
mod raw_http;
mod restart;
mod sampling;
mod schema_pages;
mod setup;
mod shadow;
mod top_queries;
mod types;
mod unguarded;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use fixture::Fixture;
use libtest_mimic::{Arguments, Trial};

/// A test: its name and what it does.
type Case = (&'static str, fn(&Fixture) -> Result<()>);

/// Tests at a time. Above the number of cores, because most of them wait for a deadline.
const THREADS: usize = 6;

fn main() -> Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let fixture = Arc::new(Fixture::start()?);
    let mut trials = matrix::trials(&fixture);
    let cases = [
        restart::CASES,
        guarded::CASES,
        health::CASES,
        inspector::CASES,
        map::CASES,
        configurations::CASES,
        bad_input::CASES,
        raw_http::CASES,
        endings::CASES,
        explain::CASES,
        modes::CASES,
        sampling::CASES,
        schema_pages::CASES,
        setup::CASES,
        shadow::CASES,
        top_queries::CASES,
        types::CASES,
        unguarded::CASES,
        conformance::CASES,
    ];
    trials.extend(cases.concat().into_iter().map(|(name, case)| {
        let fixture = Arc::clone(&fixture);
        // With the causes: an error of the server is one.
        Trial::test(name, move || Ok(case(&fixture).map_err(|error| format!("{error:#}"))?))
    }));
    Ok(libtest_mimic::run(&arguments, trials).exit_code())
}
