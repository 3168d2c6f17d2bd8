//! What documents name: links, functions, settings, options, variables, clients.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::{CommandFactory, ValueEnum};
use mcp_bridge::cli::Cli;
use mcp_bridge::cli::print_config::{self, Client};
use postgres::Client as Connection;

use crate::document::{Document, repository, words};
use crate::world::{INSTALLED, World};

/// A case over all documents.
type Case = fn(&World, &[Document]) -> Result<()>;

pub(crate) const CASES: &[(&str, Case)] = &[
    ("docs_links_and_anchors_resolve", links),
    ("docs_name_functions_and_settings_that_exist", names_exist),
    ("docs_have_every_function_with_its_arguments_and_columns", functions),
    ("docs_have_every_setting", settings),
    ("docs_name_options_and_variables_that_exist", options_exist),
    ("docs_have_every_option_of_the_bridge", options),
    ("docs_have_the_configuration_of_every_client", clients),
];

/// The reference of functions and settings, the limits of the checks, the bridge's manual.
const REFERENCE: &str = "sql/README.md";
const CHECKS: &str = "sql/health/README.md";
const BRIDGE: &str = "mcp-bridge/README.md";
const FIRST: &str = "README.md";

/// Words that begin as our functions do and are none, with what they are.
const OTHERS: &[&str] = &[
    // The extension.
    "mcp_advisor",
    // The role that `mcp-bridge setup` makes.
    "mcp_reader",
    // The schema of an import.
    "mcp_shadow",
    // Files and keys of clients.
    "mcp_config.json",
    "mcp_servers",
];

/// Variables of the tests, which no option has.
const OTHER_VARIABLES: &[&str] =
    &["MCP_BRIDGE_AUTH_TOKEN", "MCP_BRIDGE_ROLE_PASSWORD", "MCP_BRIDGE_UPDATE_GOLDEN"];

/// Fails with one line for each offence.
fn none(what: &str, offences: &[String]) -> Result<()> {
    ensure!(offences.is_empty(), "{what}:\n{}", offences.join("\n"));
    Ok(())
}

fn find<'a>(documents: &'a [Document], path: &str) -> Result<&'a Document> {
    documents.iter().find(|one| one.path == Path::new(path)).with_context(|| format!("no {path}"))
}

fn links(_world: &World, documents: &[Document]) -> Result<()> {
    let mut offences = Vec::new();
    let mut seen = 0;
    for document in documents {
        let folder = document.path.parent().unwrap_or(Path::new(""));
        for (line, link) in &document.links {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            seen += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let path = match file {
                "" => document.path.clone(),
                _ => normal(&folder.join(file)),
            };
            let target = documents.iter().find(|one| one.path == path);
            let good = match (anchor, target) {
                ("", _) => repository().join(&path).exists(),
                (anchor, Some(target)) => target.anchors().iter().any(|one| one == anchor),
                // An anchor in what is no document leads nowhere.
                (_, None) => false,
            };
            if !good {
                offences.push(format!("{}:{line}: {link}", document.name()));
            }
        }
    }
    ensure!(seen > 100, "only {seen} links were found");
    none("links that lead nowhere", &offences)
}

/// A path without `..`.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(out.pop()),
            Component::CurDir => {}
            part => out.push(part),
        }
    }
    out
}

/// A database with the extension, whose library is loaded.
fn database(world: &World) -> Result<Connection> {
    world.empty_databases()?;
    let mut client = world.cluster.connect(crate::world::DATABASE)?;
    client.batch_execute("create extension mcp_advisor; load 'mcp_advisor'")?;
    Ok(client)
}

fn column(client: &mut Connection, sql: &str) -> Result<BTreeSet<String>> {
    let rows = client.query(sql, &[])?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

fn setting_names(client: &mut Connection) -> Result<BTreeSet<String>> {
    column(client, "select name from pg_settings where name like 'mcp\\_advisor.%'")
}

/// Functions of the extension with the names of their arguments and result columns. Staged for
/// tests it has those of pgrx, too.
const FUNCTIONS: &str = "
select p.proname::text, coalesce(p.proargnames, '{}'), p.oid::regprocedure::text
from pg_depend as d
join pg_proc as p on p.oid = d.objid and d.classid = 'pg_proc'::regclass
join pg_extension as e on e.oid = d.refobjid and d.refclassid = 'pg_extension'::regclass
where e.extname = 'mcp_advisor' and d.deptype = 'e' and p.proname like 'mcp\\_%'
order by 3";

/// Tables and views of the extension.
const RELATIONS: &str = "
select c.relname::text
from pg_depend as d
join pg_class as c on c.oid = d.objid and d.classid = 'pg_class'::regclass
join pg_extension as e on e.oid = d.refobjid and d.refclassid = 'pg_extension'::regclass
where e.extname = 'mcp_advisor' and d.deptype = 'e' and c.relkind in ('r', 'v')";

fn names_exist(world: &World, documents: &[Document]) -> Result<()> {
    let mut client = database(world)?;
    let settings = setting_names(&mut client)?;
    let mut known = column(&mut client, RELATIONS)?;
    for row in client.query(FUNCTIONS, &[])? {
        known.insert(row.try_get(0)?);
    }
    known.extend(OTHERS.iter().map(|one| (*one).to_owned()));
    known.extend(settings);
    let mut offences = Vec::new();
    let mut seen = 0;
    for document in documents {
        for (line, text) in document.text.lines().enumerate() {
            for word in words(text).filter(|word| word.starts_with("mcp_")) {
                seen += 1;
                // `mcp_advisor.health_…` and `mcp_*` stand for all that begin so.
                let stands_for = |name: &String| word.ends_with('_') && name.starts_with(word);
                let begin = word.split('.').next().unwrap_or_default();
                let of_clients = OTHERS.contains(&begin) && begin != "mcp_advisor";
                if !known.contains(word) && !known.iter().any(stands_for) && !of_clients {
                    offences.push(format!("{}:{}: {word}", document.name(), line + 1));
                }
            }
        }
    }
    ensure!(seen > 300, "only {seen} names were found");
    none("functions, settings and relations that do not exist", &offences)
}

fn functions(world: &World, documents: &[Document]) -> Result<()> {
    let reference = find(documents, REFERENCE)?;
    let mut offences = Vec::new();
    let rows = database(world)?.query(FUNCTIONS, &[])?;
    ensure!(rows.len() > 25, "{} functions", rows.len());
    for row in rows {
        let (function, names): (String, Vec<String>) = (row.try_get(0)?, row.try_get(1)?);
        let about = reference.about(&function);
        let said: BTreeSet<&str> = words(&about).collect();
        if !said.contains(function.as_str()) {
            offences.push(function);
            continue;
        }
        let missing: Vec<&str> =
            names.iter().map(String::as_str).filter(|name| !said.contains(name)).collect();
        if !missing.is_empty() {
            offences.push(format!("{function}: {}", missing.join(", ")));
        }
    }
    none(&format!("{REFERENCE} lacks these functions, or arguments and columns of them"), &offences)
}

fn settings(world: &World, documents: &[Document]) -> Result<()> {
    let (reference, checks) = (find(documents, REFERENCE)?, find(documents, CHECKS)?);
    let settings = setting_names(&mut database(world)?)?;
    ensure!(settings.len() > 100, "{settings:?}");
    let is_there = |name: &&String| {
        let limit = name.strip_prefix("mcp_advisor.health_").unwrap_or("no limit of a check");
        reference.text.contains(&format!("| `{name}` |"))
            || checks.text.contains(&format!("| `{limit}` |"))
    };
    let offences: Vec<String> = settings.iter().filter(|name| !is_there(name)).cloned().collect();
    none(&format!("settings that neither {REFERENCE} nor {CHECKS} has"), &offences)
}

/// The options of each subcommand; those of serving under the program's name.
fn all_options() -> Vec<(String, BTreeSet<String>)> {
    let mut program = Cli::command();
    program.build();
    let of = |command: &clap::Command| {
        let long = command.get_arguments().filter_map(|one| one.get_long());
        (command.get_name().to_owned(), long.map(|one| format!("--{one}")).collect())
    };
    std::iter::once(&program).chain(program.get_subcommands()).map(of).collect()
}

fn variables() -> BTreeSet<String> {
    let program = Cli::command();
    let commands = std::iter::once(&program).chain(program.get_subcommands());
    let given =
        commands.flat_map(|command| command.get_arguments()).filter_map(|one| one.get_env());
    let given = given.filter_map(|name| name.to_str()).map(str::to_owned);
    given.chain(OTHER_VARIABLES.iter().map(|one| (*one).to_owned())).collect()
}

/// The options in a text.
fn flags(text: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    text.split_whitespace()
        .flat_map(|word| word.split(['(', '[', ',']))
        .filter(|word| word.starts_with("--"))
        .map(move |word| word.split(ends).next().unwrap_or_default())
        .filter(|word| word.len() > 2)
}

fn options_exist(_world: &World, documents: &[Document]) -> Result<()> {
    let options = all_options();
    let variables = variables();
    let exists = |flag: &str| options.iter().any(|(_, known)| known.contains(flag));
    let mut offences = Vec::new();
    let mut seen = 0;
    for document in documents {
        // What is set as code and begins with an option, or with the bridge's name.
        let spans = document.spans.iter().map(|(line, text)| (*line, text.as_str()));
        let commands = document.blocks().filter(|block| block.language == "sh").flat_map(|block| {
            block
                .text
                .split('\n')
                .map(move |text| (block.line, text.split(" # ").next().unwrap_or(text)))
        });
        for (line, text) in spans.chain(commands) {
            // Cargo's options stand alone in what is for those who change the code.
            let cargo = ["--test", "--package"].iter().any(|one| text.starts_with(one));
            let ours = (text.starts_with("--") && !cargo && !text.starts_with("---"))
                || text.contains("mcp-bridge ") && !text.contains("cargo ");
            for flag in flags(text).filter(|_| ours) {
                seen += 1;
                if !exists(flag) {
                    offences.push(format!("{}:{line}: {flag}", document.name()));
                }
            }
        }
        for (line, text) in document.text.lines().enumerate() {
            for word in words(text).filter(|word| word.starts_with("MCP_BRIDGE_")) {
                if !variables.contains(word) && word != "MCP_BRIDGE_" {
                    offences.push(format!("{}:{}: {word}", document.name(), line + 1));
                }
            }
        }
    }
    ensure!(seen > 40, "only {seen} options were found");
    none("options and variables that mcp-bridge does not have", &offences)
}

fn options(_world: &World, documents: &[Document]) -> Result<()> {
    let bridge = find(documents, BRIDGE)?;
    let said: BTreeSet<&str> = bridge
        .spans
        .iter()
        .flat_map(|(_, text)| flags(text))
        .chain(bridge.blocks().flat_map(|block| flags(&block.text)))
        .collect();
    let mut offences = Vec::new();
    for (command, known) in all_options() {
        let missing = known.iter().filter(|flag| !said.contains(flag.as_str()));
        let missing: Vec<&str> = missing
            .map(String::as_str)
            .filter(|flag| !["--help", "--version"].contains(flag))
            .collect();
        if !missing.is_empty() {
            offences.push(format!("{command}: {}", missing.join(", ")));
        }
    }
    none(&format!("options that {BRIDGE} lacks"), &offences)
}

fn clients(_world: &World, documents: &[Document]) -> Result<()> {
    let (first, bridge) = (find(documents, FIRST)?, find(documents, BRIDGE)?);
    let url = "http://localhost:8000/mcp";
    let mut offences = Vec::new();
    for client in Client::value_variants() {
        let name = client.to_possible_value().context("a client without a name")?;
        let name = name.get_name();
        for (document, url) in [(first, None), (bridge, Some(url))] {
            let text = print_config::text(*client, INSTALLED, url);
            let shown = document.blocks().any(|block| block.text.trim() == text.trim());
            if !shown
                || !words(&document.text.replace('-', "_"))
                    .any(|word| word == name.replace('-', "_"))
            {
                offences.push(format!("{}: {name}\n{text}", document.name()));
            }
        }
    }
    // Or the loop proves nothing.
    ensure!(fs::exists(repository().join(FIRST))? && Client::value_variants().len() >= 8);
    none("configurations that the documents lack", &offences)
}
