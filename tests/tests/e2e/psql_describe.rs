//! Everything that psql's `\d` commands show of objects of odd shape is in the answers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use advisor_sql::schema::KINDS;
use advisor_tests::cluster::server_version;
use advisor_tests::psql::{self, Named, Shown};
use anyhow::{Result, ensure};
use postgres::Client;
use serde_json::Value;

use crate::Case;
use crate::fixture::{Fixture, answered};
use crate::objects::object;

pub(crate) const CASES: &[Case] = &[
    ("psql_describe_has_nothing_that_the_answers_lack", nothing_lacking),
    ("psql_describe_of_a_temporary_table_is_ours", temporary_table),
];

const SCHEMAS: [&str; 2] = ["odd", "Odd \"schema\".x"];

/// What must be missed when it is taken out of an answer: a kind, and a part or a part's part.
const MISSED: &str = include_str!("psql_describe.txt");

/// What psql shows until, and from, a major version only.
const UNTIL: [(&str, u32); 1] = [("function definition", 15)];
const SINCE: [(&str, u32); 1] = [("partition columns.identity", 17)];

fn nothing_lacking(fixture: &Fixture) -> Result<()> {
    let mut client = psql::odd_database(&fixture.cluster, "psql_describe")?;
    client.batch_execute("create extension hypopg; create extension mcp_advisor")?;
    client.batch_execute("select mcp_schemas(); select hypopg()")?;
    let mut wrong = Vec::new();
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let mut facts = 0;
    let mut missed = BTreeSet::new();
    for one in psql::objects(&mut client, &SCHEMAS)? {
        let Named { kind, schema, name } = &one;
        let answer = object(&mut client, schema, name, kind)?;
        let shown = Shown::new(&fixture.cluster, &mut client, "psql_describe", &one)?;
        let found = shown.compare(&answer)?;
        facts += found.seen;
        wrong.extend(found.wrong.into_iter().map(|fact| format!("{kind} {schema}.{name}: {fact}")));
        *kinds.entry(kind.clone()).or_default() += 1;
        for (path, without) in without_each_part(&answer) {
            if !shown.compare(&without)?.wrong.is_empty() {
                missed.insert(format!("{kind} {path}"));
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    lists_have_the_same(&mut client)?;
    // So that the comparison does not become an empty one.
    let few = |kind: &str, least: usize| kinds.get(kind).copied().unwrap_or(0) < least;
    ensure!(!few("table", 42) && !few("index", 38) && !few("function", 15), "{kinds:?}");
    ensure!(!few("type", 9) && !few("view", 6) && !few("sequence", 10), "{kinds:?}");
    ensure!(facts > 2_000, "{facts} facts of {kinds:?}");
    let missed: Vec<String> = missed.into_iter().collect();
    if std::env::var_os("ADVISOR_UPDATE_GOLDEN").is_some() {
        std::fs::write(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/psql_describe.txt"),
            missed.join("\n") + "\n",
        )?;
    }
    let major = server_version()? / 10_000;
    let shown = |line: &str| {
        let last =
            UNTIL.iter().find(|(part, _)| *part == line).map_or(u32::MAX, |(_, major)| *major);
        let first = SINCE.iter().find(|(part, _)| *part == line).map_or(0, |(_, major)| *major);
        (first..=last).contains(&major)
    };
    let wanted: Vec<&str> = MISSED.lines().filter(|line| shown(line)).collect();
    ensure!(missed == wanted, "missed are:\n{}", missed.join("\n"));
    Ok(())
}

/// The lists have the objects that psql describes, and no other.
fn lists_have_the_same(client: &mut Client) -> Result<()> {
    for schema in SCHEMAS {
        let of_catalog = psql::objects(client, &[schema])?;
        for kind in KINDS.into_iter().filter(|kind| *kind != "extension") {
            let wanted: BTreeSet<&str> = of_catalog
                .iter()
                .filter(|object| object.kind == kind)
                .map(|object| object.name.as_str())
                .collect();
            let rows = answered(
                client,
                &format!(
                    "select name from mcp_objects('{}', '{kind}')",
                    schema.replace('\'', "''")
                ),
            )?;
            let found: BTreeSet<&str> = rows.iter().map(|row| row.get(0)).collect();
            ensure!(found == wanted, "{schema} {kind}: {found:?} instead of {wanted:?}");
        }
    }
    Ok(())
}

/// The answer without one of its parts, or without one part of the entries of a list in it.
fn without_each_part(answer: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    let Some(parts) = answer.as_object() else { return all };
    for (key, part) in parts {
        let mut without = parts.clone();
        without.remove(key);
        all.push((key.clone(), Value::Object(without)));
        let entries: Vec<_> = part.as_array().into_iter().flatten().collect();
        let keys: BTreeSet<&String> = entries
            .iter()
            .filter_map(|entry| entry.as_object())
            .flat_map(|entry| entry.keys())
            .collect();
        for inner in keys {
            let mut without = answer.clone();
            for entry in without[key].as_array_mut().into_iter().flatten() {
                if let Some(entry) = entry.as_object_mut() {
                    entry.remove(inner);
                }
            }
            all.push((format!("{key}.{inner}"), without));
        }
    }
    all
}

/// A temporary table in the session that has it and in another, which can read its catalog only.
fn temporary_table(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("psql_temporary", &["hypopg", "mcp_advisor"])?;
    client.batch_execute(
        "create temporary table passing (id integer primary key, note text default 'gone');
        insert into passing select i, 'x' from generate_series(1, 1000) as i; analyze passing;
        select mcp_schemas(); select hypopg()",
    )?;
    let sql = "select relnamespace::regnamespace::text from pg_class where relname = 'passing'";
    let schema: String = client.query_one(sql, &[])?.try_get(0)?;
    let mut other = fixture.cluster.connect("psql_temporary")?;
    other.batch_execute("select mcp_schemas(); select hypopg()")?;
    let named =
        Named { kind: "table".to_owned(), schema: schema.clone(), name: "passing".to_owned() };
    let shown = Shown::new(&fixture.cluster, &mut client, "psql_temporary", &named)?;
    for session in [&mut client, &mut other] {
        let answer = object(session, &schema, "passing", "table")?;
        let found = shown.compare(&answer)?;
        ensure!(found.wrong.is_empty() && found.seen > 20, "{found:?}");
        ensure!(answer["persistence"] == "temporary", "{answer:#}");
    }
    Ok(())
}
