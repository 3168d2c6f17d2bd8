//! Every function of the extension, once in each of its ways, and the ways in which it refuses. There is
//! little else to it: under valgrind, or in a server with assertions, that is enough to find what is wrong.

use std::collections::BTreeSet;

use advisor_tests::robust::backend::Backend;
use advisor_tests::robust::calls::{self, Calls};
use advisor_tests::robust::chance::Chance;
use advisor_tests::robust::grammar::Grammar;
use advisor_tests::robust::log::Watch;
use advisor_tests::robust::mangle::mangled;
use anyhow::{Context, Result, ensure};
use postgres::Client;

use crate::Case;
use crate::fixture::{Fixture, MADE_UP, seconds};
use crate::made_up::HYPOTHETICAL;

pub(crate) const CASES: &[Case] = &[
    ("every_function_in_each_of_its_ways", every_function),
    ("few_statements_through_every_call", few),
];

/// Calls that are answered.
const ANSWERED: &str = include_str!("../../robust/answered.sql");

/// Calls that are refused.
const REFUSED: &str = include_str!("../../robust/refused.sql");

/// Calls that close the latch, each in a session of its own.
const LATCHES: &[&str] = &[
    "select mcp_guard()",
    "select mcp_guard(statement_time => interval '5 s', max_rows => 1000, max_bytes => 1000000, memory => 100000000)",
    "begin; select mcp_guard(this_transaction => true); select count(*) from plain",
];

/// Statements of a case that also runs under valgrind, which takes some forty times as long.
const FEW: usize = 12;

fn paragraphs(script: &'static str) -> impl Iterator<Item = &'static str> {
    let blocks = script.split("\n\n").map(str::trim);
    blocks.filter(|text| !text.lines().all(|line| line.starts_with("--") || line.is_empty()))
}

fn every_function(fixture: &Fixture) -> Result<()> {
    let watch = Watch::new(&fixture.cluster);
    let settings = "set client_min_messages = error";
    let mut backend = Backend::open(&fixture.cluster, MADE_UP, settings)?;
    // A workload.
    backend.client.batch_execute(
        "select * from plain where k = 5 and m = 3; select note from heirs where lower(note) = 'x';
        select count(*) from parts where day > '2020-05-05'; update busy.written set n = n + 1",
    )?;
    let mut wrong = Vec::new();
    for (call, answered) in paragraphs(ANSWERED)
        .map(|call| (call, true))
        .chain(paragraphs(REFUSED).map(|call| (call, false)))
    {
        match backend.client.simple_query(call) {
            Ok(_) if !answered => wrong.push(format!("this is answered: {call}")),
            Err(error) => {
                let code = error.code().with_context(|| format!("{call}: {error}"))?;
                if answered || code.code().starts_with("XX") {
                    wrong.push(format!("{call}: {error:?}"));
                }
            }
            Ok(_) => {}
        }
        // What a paragraph began or set.
        if call.starts_with("begin") {
            backend.client.batch_execute("rollback")?;
        }
        backend.client.batch_execute("reset statement_timeout; reset mcp_advisor.size_model")?;
        backend.assert_untouched().with_context(|| call.to_owned())?;
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    for call in LATCHES {
        let mut client = fixture.cluster.connect(MADE_UP)?;
        client.batch_execute(call).with_context(|| (*call).to_owned())?;
        client.batch_execute("select * from plain where k = 5")?;
        // One of a transaction opens with its end.
        if call.starts_with("begin") {
            client.batch_execute("rollback")?;
        }
        let refused = client.batch_execute("create temp table never_made ()").is_err();
        ensure!(refused != call.contains("this_transaction"), "{call}");
    }
    import(fixture, &mut backend.client)?;
    watch.assert_clean()?;
    assert_complete(&mut backend.client)
}

/// Writes the statistics of one database into another.
fn import(fixture: &Fixture, from: &mut Client) -> Result<()> {
    let document: String =
        from.query_one("select mcp_export_statistics()::text", &[])?.try_get(0)?;
    let mut client = fixture.cluster.create_database("every_function")?;
    client.batch_execute("create extension mcp_advisor")?;
    let sql = "select mcp_import_statistics($1::text::jsonb)";
    let spoilt = document.replace("\"null_frac\": 0", "\"null_frac\": 7");
    ensure!(spoilt != document, "there are no statistics in the document");
    let refused = client.query(sql, &[&spoilt]).err().context("wrong statistics are imported")?;
    ensure!(refused.code().is_some_and(|code| !code.code().starts_with("XX")), "{refused:?}");
    client.query(sql, &[&document])?;
    let again = client.query(sql, &[&document]).err().context("it is imported twice")?;
    ensure!(again.code().is_some_and(|code| !code.code().starts_with("XX")), "{again:?}");
    client.query("select mcp_import_statistics($1::text::jsonb, replace => true)", &[&document])?;
    client.batch_execute("select mcp_explain('select * from plain where k = 5')")?;
    client.batch_execute("select * from mcp_advise_indexes(time_limit => '5 s')")?;
    drop(client);
    fixture.cluster.connect("postgres")?.batch_execute("drop database every_function")?;
    Ok(())
}

/// Whether each function of the extension is called above.
fn assert_complete(client: &mut Client) -> Result<()> {
    let sql = "select p.proname::text from pg_proc as p
        join pg_depend as d on d.objid = p.oid and d.classid = 'pg_proc'::regclass and d.deptype = 'e'
        join pg_extension as e on e.oid = d.refobjid and d.refclassid = 'pg_extension'::regclass
        where e.extname = 'mcp_advisor' and p.pronamespace = 'public'::regnamespace";
    let called = [ANSWERED, include_str!("every_function.rs")].concat();
    let all: BTreeSet<String> =
        client.query(sql, &[])?.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let missing: Vec<&String> =
        all.iter().filter(|name| !called.contains(&format!("{name}("))).collect();
    ensure!(all.len() > 30, "{all:?}");
    ensure!(missing.is_empty(), "these functions are not called: {missing:?}");
    Ok(())
}

fn few(fixture: &Fixture) -> Result<()> {
    let count = seconds("ADVISOR_FEW")?.map_or(FEW, |count| usize::try_from(count).unwrap_or(FEW));
    let (grammar, mut chance) = (Grammar::new()?, Chance::new(4));
    let mut statements = Vec::new();
    for number in 0..count {
        let statement = grammar.statement(&mut chance)?;
        statements.push(if number % 3 == 2 { mangled(&statement, &mut chance) } else { statement });
    }
    let watch = Watch::new(&fixture.cluster);
    // No limits: everything takes long here.
    let mut backend = Backend::open(&fixture.cluster, MADE_UP, "set client_min_messages = error")?;
    let indexes = calls::indexes_of(&mut backend.client, HYPOTHETICAL)?;
    let made = Calls::new(backend, indexes)?.make_all("few", &statements, 3);
    watch.assert_clean()?;
    made
}
