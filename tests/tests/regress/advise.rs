//! The suite's statements and SQLsmith's, given to every function that takes a statement, in one backend:
//! none crashes it, none leaves anything behind, and nothing changes.

use std::process::Output;

use advisor_tests::robust::backend::Backend;
use advisor_tests::robust::calls::{self, Calls};
use advisor_tests::robust::log::Watch;
use anyhow::{Result, ensure};

use crate::Case;
use crate::database::{Database, NAME, long_run};
use crate::{report, script, smith};

pub(crate) const OF_THE_SUITE: &[Case] =
    &[("regression_suite_is_advised_on_without_a_trace", of_the_suite)];
pub(crate) const OF_SQLSMITH: &[Case] = &[("sqlsmith_is_advised_on_without_a_trace", of_sqlsmith)];

/// Of how many statements of the suite one is sent in a short run, and from which on.
const SLICE: usize = 320;
const FIRST: usize = 3;

/// Queries of the suite, of which more can be planned, likewise.
const QUERIES: usize = 160;

/// Statements of SQLsmith in a short run, and in a second of a long one.
const MADE_UP: u64 = 40;
const A_SECOND: u64 = 1;

/// Of how many one is sent a second time, to see that it takes no more memory.
const AGAIN: usize = 3;

const HYPOTHETICAL: &[&str] = &[
    "create index on tenk1 (ten, four desc) include (stringu1)",
    "create index on onek (lower(stringu1::text), unique1) where ten < 5",
    "create index on array_index_op_test using gin (t)",
    "create index on int8_tbl using brin (q1)",
    "create index on point_tbl using gist (f1)",
];

fn of_the_suite(database: &Database) -> Result<()> {
    let scripts = database.scripts()?;
    let all: Vec<String> = scripts.iter().flat_map(|(_, text)| script::statements(text)).collect();
    let statements: Vec<String> = if long_run()?.is_some() {
        all
    } else {
        let queries = all.iter().filter(|sql| report::is_query(sql)).skip(FIRST).step_by(QUERIES);
        queries.chain(all.iter().skip(FIRST).step_by(SLICE)).cloned().collect()
    };
    ensure!(statements.len() > 150, "{} statements", statements.len());
    advised_on(database, "suite", &statements)
}

fn of_sqlsmith(database: &Database) -> Result<()> {
    let count = long_run()?.map_or(MADE_UP, |seconds| seconds * A_SECOND);
    let Output { stdout, stderr, .. } = smith::dry_run(database, count)?;
    let statements = script::statements(&String::from_utf8_lossy(&stdout));
    let begun = statements.len() as u64 * 10 > count * 9;
    ensure!(begun, "{} statements: {}", statements.len(), String::from_utf8_lossy(&stderr));
    advised_on(database, "sqlsmith", &statements)
}

fn advised_on(database: &Database, title: &str, statements: &[String]) -> Result<()> {
    let watch = Watch::new(&database.cluster);
    database.unchanged_by(|| {
        let mut backend = Backend::open(&database.cluster, NAME, calls::SETTINGS)?;
        let indexes = calls::indexes_of(&mut backend.client, HYPOTHETICAL)?;
        Calls::new(backend, indexes)?.make_all(title, statements, statements.len() / AGAIN)
    })?;
    watch.assert_clean()
}
