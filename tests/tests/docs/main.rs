//! The documents tell the truth: every command in them runs, prints what they show, and what they
//! name exists. [`document`] says how a document is read.
//!
//! `UPDATE_DOCS=1` writes what commands print into the documents, where it is not what they show.

mod document;
mod names;
mod output;
mod run;
mod world;

use std::process::ExitCode;
use std::sync::{Arc, PoisonError};

use anyhow::Result;
use document::Document;
use libtest_mimic::{Arguments, Trial};
use world::World;

fn main() -> Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    // The documents share a database, which each of them finds empty.
    arguments.test_threads = Some(1);
    let documents = Arc::new(document::documents()?);
    let world = Arc::new(World::start()?);
    let mut trials = vec![
        Trial::test("docs_are_read_right", || failed(document::reads_what_documents_have())),
        Trial::test("docs_comparisons_can_fail", || failed(output::comparisons_can_fail())),
    ];
    for (name, case) in names::CASES {
        let (documents, world) = (Arc::clone(&documents), Arc::clone(&world));
        trials.push(Trial::test(*name, move || failed(case(&world, &documents))));
    }
    for index in 0..documents.len() {
        let (documents, world) = (Arc::clone(&documents), Arc::clone(&world));
        let name = documents.get(index).map(Document::name).unwrap_or_default();
        let case = move || match documents.get(index) {
            Some(document) => failed(run::document(&world, document)),
            None => Ok(()),
        };
        trials.push(Trial::test(format!("docs_run_{name}"), case));
    }
    let code = libtest_mimic::run(&arguments, trials).exit_code();
    tell(&world, documents.len());
    Ok(code)
}

/// With the causes: an error of the server is one.
fn failed(result: Result<()>) -> Result<(), libtest_mimic::Failed> {
    result.map_err(|error| format!("{error:#}").into())
}

/// Says what was run and what was not.
fn tell(world: &World, documents: usize) {
    let counts = world.counts.lock().unwrap_or_else(PoisonError::into_inner);
    println!(
        "{documents} documents: {} blocks of SQL and {} of shell run, {} outputs compared, {} files \
         parsed, {} make targets found, {} blocks not run:",
        counts.sql,
        counts.shell,
        counts.outputs,
        counts.parsed,
        counts.targets,
        counts.not_run.len()
    );
    for one in &counts.not_run {
        println!("  {one}");
    }
}
