//! Databases and roles that lack something: the page says what is missing and what brings it, and
//! the rest is there.

use std::fs;
use std::path::Path;

use advisor_tests::cluster::SUPERUSER;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::Case;
use crate::browser::Browser;
use crate::fixture::{BARE, EMPTY, Fixture, POOR, READER, STORE, UNRECORDED, text};
use crate::looks::sound;

pub(crate) const CASES: &[Case] = &[
    ("report_without_the_extension", bare),
    ("report_without_recorded_statements", unrecorded),
    ("report_of_an_empty_database", empty),
    ("report_for_a_poor_role", poor),
    ("report_for_a_reader_is_that_of_its_owner", reader),
];

/// Opens the page at both widths and gives what each section has written.
fn written(fixture: &Fixture, database: &str, role: &str) -> Result<Value> {
    let page = fixture.report(database, role, &[])?;
    let browser = Browser::start()?;
    for (width, scheme) in [(1280, "dark"), (390, "light")] {
        browser.show(width, 1000, scheme)?;
        browser.open(&page)?;
        sound(&browser, &page)?;
    }
    browser.run(
        "return Object.fromEntries(Array.from(document.querySelectorAll('main > section'), (part) => [part.id, part.textContent]))",
        &[],
    )
}

fn expect(written: &Value, section: &str, texts: &[&str]) -> Result<()> {
    let all = written[section].as_str().context("no section")?;
    for text in texts {
        ensure!(all.contains(text), "{section} lacks {text:?}: {all}");
    }
    Ok(())
}

/// The commands of a page's sections run as they are printed.
fn run_commands(fixture: &Fixture, page: &Path, database: &str, section: &str) -> Result<()> {
    let document: Value = serde_json::from_str(&fs::read_to_string(page)?)?;
    let commands = document[section]["missing"]["commands"].as_array().context("no commands")?;
    ensure!(!commands.is_empty(), "no commands: {document}");
    let mut client = fixture.cluster.connect(database)?;
    let mut transaction = client.transaction()?;
    for command in commands {
        transaction.batch_execute(command.as_str().context("no text")?)?;
    }
    Ok(transaction.rollback()?)
}

fn bare(fixture: &Fixture) -> Result<()> {
    let written = written(fixture, BARE, SUPERUSER)?;
    expect(&written, "health", &["not run.", "Checks that passed"])?;
    expect(
        &written,
        "queries",
        &["pg_stat_statements is not in this database", "CREATE EXTENSION pg_stat_statements;"],
    )?;
    for section in ["advice", "plans"] {
        expect(
            &written,
            section,
            &["mcp_advisor is not in this database", "CREATE EXTENSION mcp_advisor;"],
        )?;
    }
    let path = fixture.path("bare.json");
    let output = fixture.run(BARE, SUPERUSER, &["--json", text(&path)?])?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    run_commands(fixture, &path, BARE, "queries")?;
    run_commands(fixture, &path, BARE, "advice")
}

fn unrecorded(fixture: &Fixture) -> Result<()> {
    let written = written(fixture, UNRECORDED, SUPERUSER)?;
    for section in ["queries", "advice", "plans"] {
        expect(&written, section, &["CREATE EXTENSION pg_stat_statements;"])?;
    }
    expect(&written, "health", &["Checks that passed"])
}

fn empty(fixture: &Fixture) -> Result<()> {
    let written = written(fixture, EMPTY, SUPERUSER)?;
    expect(&written, "health", &["Checks that passed"])?;
    expect(&written, "advice", &["No recorded statement could be used."])?;
    expect(&written, "plans", &["No index is advised, so no plan changes."])
}

fn poor(fixture: &Fixture) -> Result<()> {
    let written = written(fixture, STORE, POOR)?;
    expect(
        &written,
        "first",
        &["sees neither the statements of other roles", "GRANT pg_monitor TO \"poor\";"],
    )?;
    expect(&written, "queries", &["Its text is not visible to this role"])?;
    expect(&written, "advice", &["No recorded statement could be used."])?;
    let all = written.to_string();
    ensure!(!all.contains("where customer_id = "), "shows a statement of another role: {all}");
    Ok(())
}

fn reader(fixture: &Fixture) -> Result<()> {
    let statements = |role: &str| -> Result<Value> {
        let path = fixture.path("statements.json");
        let output = fixture.run(STORE, role, &["--json", text(&path)?])?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let document: Value = serde_json::from_str(&fs::read_to_string(path)?)?;
        let listed = document["queries"]["found"].as_array().context("queries")?.iter();
        let texts: Vec<&Value> = listed
            .map(|query| &query["query"])
            .filter(|text| text.to_string().contains("store."))
            .collect();
        Ok(json!(texts))
    };
    let (owner, reader) = (statements(SUPERUSER)?, statements(READER)?);
    ensure!(owner == reader, "{owner} and {reader}");
    ensure!(owner.as_array().is_some_and(|texts| texts.len() >= 6), "{owner}");
    Ok(())
}
