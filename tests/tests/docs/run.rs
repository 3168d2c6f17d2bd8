//! The blocks of a document, one after the other.

use std::fs;
use std::path::Path;

use advisor_tests::bridge::server::Server;
use anyhow::{Context, Result, bail, ensure};

use crate::document::{Block, Compare, Document, Purpose, Step, repository};
use crate::output::compare;
use crate::world::World;

/// Set to any value it has outputs that differ written into the documents.
const UPDATE: &str = "UPDATE_DOCS";

/// Runs a document.
///
/// # Errors
/// The first block that fails or whose output is another, with its place.
pub(crate) fn document(world: &World, document: &Document) -> Result<()> {
    world.empty_databases()?;
    let home = world.home(&document.name())?;
    let mut printed: Option<String> = None;
    let mut corrected: Vec<(&Block, String)> = Vec::new();
    for step in &document.steps {
        let line = match step {
            Step::Setup { line, .. } | Step::Block(Block { line, .. }) => *line,
        };
        let place = || format!("{}:{line}", document.name());
        match step {
            Step::Setup { text, .. } => set_up(world, text, &home).with_context(place)?,
            Step::Block(block) => match &block.purpose {
                Purpose::Output(how) => {
                    let printed =
                        printed.as_deref().with_context(|| format!("{}: of what?", place()))?;
                    world.count(|counts| counts.outputs += 1);
                    match compare(*how, &block.text, printed) {
                        Err(_) if updates() && *how != Compare::End => {
                            corrected.push((block, printed.to_owned()));
                        }
                        result => result.with_context(place)?,
                    }
                }
                Purpose::NotRun(reason) => {
                    world.count(|counts| counts.not_run.push(format!("{}: {reason}", place())));
                    printed = None;
                }
                _ => printed = run(world, block, &home).with_context(place)?,
            },
        }
    }
    write(document, &corrected)
}

fn updates() -> bool {
    std::env::var_os(UPDATE).is_some()
}

/// Puts what was printed into the document, from its end on, so that places stay right.
fn write(document: &Document, corrected: &[(&Block, String)]) -> Result<()> {
    let mut text = document.text.clone();
    for (block, printed) in corrected.iter().rev() {
        let lines: Vec<&str> = printed.trim_matches('\n').lines().map(str::trim_end).collect();
        text.replace_range(block.content.clone(), &format!("{}\n", lines.join("\n")));
    }
    if !corrected.is_empty() {
        fs::write(repository().join(&document.path), text)?;
    }
    Ok(())
}

fn set_up(world: &World, text: &str, home: &Path) -> Result<()> {
    match text.strip_prefix("tpch ") {
        Some(scale) => world.load_tpch(scale.trim()),
        None => world.psql(text, home).map(drop),
    }
}

/// Runs or parses a block; what it printed, if it is of a kind that prints.
fn run(world: &World, block: &Block, home: &Path) -> Result<Option<String>> {
    if let Purpose::File(name) = &block.purpose {
        ensure!(!name.contains('/'), "{name} is not a file of the home");
        fs::write(home.join(name), &block.text)?;
    }
    match block.language.as_str() {
        "sql" => {
            world.count(|counts| counts.sql += 1);
            world.psql(&block.text, home).map(Some)
        }
        "sh" if block.purpose == Purpose::Serves => {
            world.count(|counts| counts.shell += 1);
            serve(world, block, home).map(|()| None)
        }
        "sh" => shell(world, block, home),
        "json" => {
            world.count(|counts| counts.parsed += 1);
            serde_json::from_str::<serde_json::Value>(&block.text)?;
            Ok(None)
        }
        "toml" => {
            world.count(|counts| counts.parsed += 1);
            toml::from_str::<toml::Table>(&block.text)?;
            Ok(None)
        }
        language => bail!(
            "a block of {language} is neither run nor the output of another: \
             say why in a comment above it (<!-- not run: … -->)"
        ),
    }
}

/// Runs a block of commands. Those of make are only checked to exist: they build and test everything.
fn shell(world: &World, block: &Block, home: &Path) -> Result<Option<String>> {
    let makefile = fs::read_to_string(repository().join("Makefile"))?;
    let mut script = String::new();
    let mut only_make = true;
    for line in block.text.lines() {
        let command = line.split('#').next().unwrap_or_default();
        let mut words = command.split_whitespace().skip_while(|word| word.contains('='));
        if words.next() == Some("make") {
            let targets: Vec<&str> = words.collect();
            ensure!(!targets.is_empty(), "make without a target");
            for target in targets {
                let rule = format!("{target}:");
                ensure!(makefile.lines().any(|line| line.starts_with(&rule)), "no make {target}");
                world.count(|counts| counts.targets += 1);
            }
        } else {
            only_make &= command.trim().is_empty();
            script.push_str(line);
            script.push('\n');
        }
    }
    if only_make {
        return Ok(None);
    }
    world.count(|counts| counts.shell += 1);
    world.run(&script, home).map(Some)
}

/// Starts a server, waits until it listens, and ends it.
fn serve(world: &World, block: &Block, home: &Path) -> Result<()> {
    // In the shell's own process, so that a signal reaches it.
    let ended = Server::start(&mut world.shell(&format!("exec {}", block.text), home))?.stop()?;
    ensure!(ended.status.success(), "{}:\n{}", ended.status, ended.log);
    Ok(())
}
