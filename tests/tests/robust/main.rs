//! What a crash, a leak or something left behind would show in: statements made up by a grammar, a
//! crowd of sessions of which some are killed, a soak, and every function once. The last is also what
//! `tests/bin/valgrind.sh` runs under valgrind.
//!
//! `FUZZ_SECONDS` sends made-up statements for so long, from another seed each time, and
//! `SOAK_SECONDS` soaks for so long.

mod crowd;
mod encodings;
mod every_function;
mod fixture;
mod made_up;
mod soak;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::{Arguments, Trial};

use fixture::Fixture;

/// A test: its name and what it does.
type Case = (&'static str, fn(&Fixture) -> Result<()>);

fn main() -> Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    // Memory is measured, and the crowd takes all there is.
    arguments.test_threads = Some(1);
    let cases =
        [every_function::CASES, made_up::CASES, encodings::CASES, soak::CASES, crowd::CASES]
            .concat();
    if arguments.list {
        let trials = cases.into_iter().map(|(name, _)| Trial::test(name, || Ok(()))).collect();
        return Ok(libtest_mimic::run(&arguments, trials).exit_code());
    }
    let fixture = Arc::new(Fixture::start()?);
    let trials = cases
        .into_iter()
        .map(|(name, case)| {
            let fixture = Arc::clone(&fixture);
            // With the causes: an error of the server is one.
            Trial::test(name, move || Ok(case(&fixture).map_err(|error| format!("{error:#}"))?))
        })
        .collect();
    Ok(libtest_mimic::run(&arguments, trials).exit_code())
}
