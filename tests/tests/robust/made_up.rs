//! Statements made up by the grammar, some of them spoilt, through every call that takes one.

use std::time::{Duration, Instant, SystemTime};

use advisor_tests::robust::backend::Backend;
use advisor_tests::robust::calls::{self, Calls};
use advisor_tests::robust::chance::Chance;
use advisor_tests::robust::grammar::Grammar;
use advisor_tests::robust::log::Watch;
use advisor_tests::robust::mangle::mangled;
use anyhow::{Result, ensure};

use crate::Case;
use crate::fixture::{Fixture, MADE_UP, content, seconds};

pub(crate) const CASES: &[Case] = &[
    ("made_up_statements_leave_nothing_behind", as_made),
    ("spoilt_statements_leave_nothing_behind", spoilt),
];

/// Statements of a short run, and of a round of a long one.
const SHORT: usize = 100;
const ROUND: usize = 1_000;

/// Every how many are sent a second time, to see that they take no more memory.
const AGAIN: usize = 3;

/// Indexes that the calls try.
pub(crate) const HYPOTHETICAL: &[&str] = &[
    "create index on plain (m, day desc nulls last) include (note)",
    "create index on parts (lower(note), k) where flag",
    "create index on plain using gin (tags)",
    "create index on heirs using brin (at)",
    "create index on plain using gist (loc)",
    "create unique index on hidden (k, id)",
    "create index on plain (folded(k))",
];

fn as_made(fixture: &Fixture) -> Result<()> {
    rounds(fixture, "made up", 1, |grammar, chance| grammar.statement(chance))
}

fn spoilt(fixture: &Fixture) -> Result<()> {
    rounds(fixture, "spoilt", 2, |grammar, chance| Ok(mangled(&grammar.statement(chance)?, chance)))
}

/// A round from this seed; in a long run more, from others, each in a backend of its own.
fn rounds(
    fixture: &Fixture,
    title: &str,
    seed: u64,
    make: impl Fn(&Grammar, &mut Chance) -> Result<String>,
) -> Result<()> {
    let grammar = Grammar::new()?;
    let Some(limit) = seconds("FUZZ_SECONDS")? else {
        return round(fixture, title, &grammar, seed, SHORT, &make);
    };
    let end = Instant::now() + Duration::from_secs(limit / 2);
    let now = SystemTime::UNIX_EPOCH.elapsed()?.as_secs();
    let mut number = 0;
    while Instant::now() < end {
        let seed = now.wrapping_mul(1000) + number;
        round(fixture, &format!("{title}, seed {seed}"), &grammar, seed, ROUND, &make)?;
        number += 1;
    }
    Ok(())
}

fn round(
    fixture: &Fixture,
    title: &str,
    grammar: &Grammar,
    seed: u64,
    count: usize,
    make: impl Fn(&Grammar, &mut Chance) -> Result<String>,
) -> Result<()> {
    let mut chance = Chance::new(seed);
    let statements: Vec<String> =
        (0..count).map(|_| make(grammar, &mut chance)).collect::<Result<_>>()?;
    let watch = Watch::new(&fixture.cluster);
    let mut backend = Backend::open(&fixture.cluster, MADE_UP, calls::SETTINGS)?;
    let before = content(&mut backend.client)?;
    let indexes = calls::indexes_of(&mut backend.client, HYPOTHETICAL)?;
    let mut calls = Calls::new(backend, indexes)?;
    let made = calls.make_all(title, &statements, count / AGAIN);
    // A crash is in the log; that the connection is gone says less.
    watch.assert_clean()?;
    made?;
    ensure!(content(&mut calls.backend.client)? == before, "{title}: the database has changed");
    let answered = calls.answered("mcp_explain generic");
    println!("{title}: {:.0} % are statements that can be planned", answered * 100.0);
    ensure!(title.starts_with("spoilt") || answered > 0.3, "{answered}");
    Ok(())
}
