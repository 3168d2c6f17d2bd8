//! Statements that nobody wrote for us, against the guard and the advisor: the server's own regression suite, and what
//! SQLsmith makes up over the objects that the suite leaves behind (operators, operator classes,
//! rules, triggers, domains, policies, C functions of users). Whoever sends them is a superuser, and
//! nothing may change: of the database a state is taken before and after.
//!
//! Neither is part of the repository; `tests/bin/regress.sh` and `tests/bin/sqlsmith.sh` fetch them.
//! Where they are not to be had, the cases are shown as ignored.

mod advise;
mod database;
mod report;
mod script;
mod send;
mod smith;
mod state;
mod suite;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use libtest_mimic::{Arguments, Trial};

use database::Database;

/// A test: its name and what it does.
type Case = (&'static str, fn(&Database) -> Result<()>);

fn main() -> Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    // Each case takes the state of the whole database.
    arguments.test_threads = Some(1);
    let suite = database::suite();
    if let Err(why) = &suite {
        eprintln!("NOT RUN: the server's regression suite and SQLsmith: {why:#}");
    }
    let smith = smith::program();
    if let Err(why) = &smith {
        eprintln!("NOT RUN: SQLsmith: {why:#}");
    }
    let database = suite.as_ref().ok().map(|folder| Database::start(folder)).transpose()?;
    let mut trials = vec![Trial::test("scripts_are_cut_as_psql_cuts_them", || Ok(script::cuts()?))];
    let database = database.map(Arc::new);
    let groups = [
        (suite::CASES, true),
        (advise::OF_THE_SUITE, true),
        (smith::CASES, smith.is_ok()),
        (advise::OF_SQLSMITH, smith.is_ok()),
    ];
    for (cases, there) in groups {
        for &(name, case) in cases {
            let database = database.clone();
            let ignored = database.is_none() || !there;
            let run = move || {
                let Some(database) = &database else { return Ok(()) };
                // With the causes: an error of the server is one.
                Ok(case(database).map_err(|error| format!("{error:#}"))?)
            };
            trials.push(Trial::test(name, run).with_ignored_flag(ignored));
        }
    }
    Ok(libtest_mimic::run(&arguments, trials).exit_code())
}
