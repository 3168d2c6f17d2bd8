//! `mcp_export_statistics` and `mcp_import_statistics`: plans on the shadow are those of the original,
//! and nothing of its rows is in the document but what statistics show.

use std::collections::BTreeSet;

use advisor_tests::tpch;
use anyhow::{Context, Result, ensure};
use postgres::{Client, SimpleQueryMessage};
use serde_json::{Value, json};

use crate::Case;
use crate::fixture::{Fixture, answered, refused};

pub(crate) const CASES: &[Case] = &[
    ("shadow_plans_an_odd_schema_as_the_original", odd),
    ("shadow_plans_tpch_as_the_original", all_of_tpch),
    ("shadow_of_a_plain_role_plans_as_the_original", plain_role),
    ("shadow_gets_the_advice_of_the_original", advice),
    ("shadow_document_without_values_has_none", without_values),
    ("shadow_document_has_only_what_the_caller_may_read", privileges),
    ("shadow_is_replaced_when_told_to", replaced),
    ("shadow_sizes_are_believed_only_where_told_to", switched_off),
];

pub(crate) const ODD: &str = include_str!("shadow_odd.sql");
const QUERIES: &str = include_str!("shadow_queries.sql");

/// How far a cost on the shadow may be from the original's.
const TOLERANCE: f64 = 0.01;

/// The document of the database that the client is in.
pub(crate) fn export(client: &mut Client, arguments: &str) -> Result<Value> {
    let rows = answered(client, &format!("select mcp_export_statistics({arguments})::text"))?;
    let text: String = rows.first().context("no document")?.try_get(0)?;
    Ok(serde_json::from_str(&text)?)
}

/// Imports a document; the answer.
pub(crate) fn import(client: &mut Client, document: &Value) -> Result<Value> {
    let sql = "select mcp_import_statistics($1::text::jsonb)::text";
    let answer: String = client.query_one(sql, &[&document.to_string()])?.try_get(0)?;
    Ok(serde_json::from_str(&answer)?)
}

/// A database with the odd schema, vacuumed and analyzed but for one table, and settings of its own.
pub(crate) fn odd_database(fixture: &Fixture, name: &str) -> Result<Client> {
    let mut client =
        fixture.database(name, &["hypopg", "pg_trgm", "pg_stat_statements", "mcp_advisor"])?;
    client.batch_execute(ODD)?;
    let tables = "select format('%I.%I', schemaname, relname) from pg_stat_user_tables
        where relname <> 'never' union select 'public.events' order by 1";
    for row in client.query(tables, &[])? {
        client.batch_execute(&format!("vacuum (analyze) {}", row.try_get::<_, String>(0)?))?;
    }
    client.batch_execute(&format!(
        "alter database {name} set random_page_cost = 1.7;
        alter database {name} set work_mem = '1MB';
        alter database {name} set search_path = \"Odd Names\", \"$user\", public"
    ))?;
    fixture.cluster.connect(name)
}

/// A plan: its cost, and nodes with what they read.
fn plan(client: &mut Client, query: &str) -> Result<(f64, String)> {
    let messages = client.simple_query(&format!("explain (format json) {query}"))?;
    let text = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    let plan: Value = serde_json::from_str(text.context("no plan")?)?;
    let root = plan.pointer("/0/Plan").context("no plan")?;
    Ok((root["Total Cost"].as_f64().context("no cost")?, shape(root)))
}

fn shape(node: &Value) -> String {
    let word = |key: &str| node[key].as_str().unwrap_or_default().to_owned();
    let children = node["Plans"].as_array().map(Vec::as_slice).unwrap_or_default();
    format!(
        "{} {}{} {} ({})",
        word("Node Type"),
        word("Join Type"),
        word("Relation Name"),
        word("Index Name"),
        children.iter().map(shape).collect::<Vec<_>>().join(", ")
    )
}

/// Compares the plans of all queries; each difference is a line.
pub(crate) fn assert_same_plans(
    original: &mut Client,
    shadow: &mut Client,
    queries: &[&str],
) -> Result<()> {
    let mut differences = Vec::new();
    for query in queries {
        let (cost, nodes) = plan(original, query).with_context(|| (*query).to_owned())?;
        let (shadow_cost, shadow_nodes) =
            plan(shadow, query).with_context(|| format!("on the shadow: {query}"))?;
        if nodes != shadow_nodes || (cost - shadow_cost).abs() > TOLERANCE * cost {
            differences.push(format!("{query}\n  {cost} {nodes}\n  {shadow_cost} {shadow_nodes}"));
        }
    }
    let (count, of) = (differences.len(), queries.len());
    ensure!(count == 0, "{count} of {of} plans differ:\n{}", differences.join("\n"));
    Ok(())
}

/// The document with these statements as the workload.
fn export_for(client: &mut Client, queries: &[&str]) -> Result<Value> {
    let sql = "select mcp_export_statistics(queries => $1)::text";
    let text: String = client.query_one(sql, &[&queries])?.try_get(0)?;
    Ok(serde_json::from_str(&text)?)
}

fn odd_queries() -> Vec<&'static str> {
    QUERIES.lines().filter(|line| !line.starts_with("--")).collect()
}

fn odd(fixture: &Fixture) -> Result<()> {
    let mut original = odd_database(fixture, "shadow_odd_from")?;
    let document = export_for(&mut original, &odd_queries())?;
    let mut client = fixture.database("shadow_odd_to", &["hypopg", "mcp_advisor"])?;
    let answer = import(&mut client, &document)?;
    ensure!(answer["left_out"] == json!([]) && answer["notes"] == json!([]), "{answer}");
    // In the session of the import and in a new one.
    assert_same_plans(&mut original, &mut client, &odd_queries())?;
    let mut client = fixture.cluster.connect("shadow_odd_to")?;
    assert_same_plans(&mut original, &mut client, &odd_queries())?;
    let rows = "select count(*) from pg_class where relkind in ('r', 'm')
        and relnamespace::regnamespace::text !~ '^pg_|information_schema|mcp_shadow'
        and pg_relation_size(oid) > 0";
    ensure!(client.query_one(rows, &[])?.try_get::<_, i64>(0)? == 0, "there are rows");
    // What was exported of the shadow would be the same statistics again.
    let again = export(&mut client, "queries => '{}'")?;
    for member in ["statistics", "extended", "expressions", "ranges"] {
        ensure!(document[member] == again[member], "{member} is not the same again");
    }
    ensure!(document["statistics"].as_array().is_some_and(|list| list.len() > 40));
    Ok(())
}

fn all_of_tpch(fixture: &Fixture) -> Result<()> {
    let mut original = fixture.database("shadow_tpch_from", &["hypopg", "mcp_advisor"])?;
    let spec = tpch::Spec { scale: 0.02, primary_keys: true };
    tpch::load(&fixture.cluster, "shadow_tpch_from", spec, &|_| ())?;
    original.batch_execute(
        "create index on lineitem (l_shipdate); create index on lineitem (l_partkey, l_suppkey);
        create index on orders (o_orderdate); create index on orders (o_custkey)",
    )?;
    let document = export(&mut original, "queries => '{}'")?;
    let mut shadow = fixture.database("shadow_tpch_to", &["hypopg", "mcp_advisor"])?;
    import(&mut shadow, &document)?;
    let queries: Vec<&str> = tpch::queries().iter().map(|query| query.sql).collect();
    ensure!(queries.len() == 22);
    assert_same_plans(&mut original, &mut shadow, &queries)
}

/// The owner of a database need not be a superuser, and others may not import into it.
fn plain_role(fixture: &Fixture) -> Result<()> {
    let mut original = odd_database(fixture, "shadow_plain_from")?;
    let document = export_for(&mut original, &odd_queries())?;
    let mut admin = fixture.database("shadow_plain_to", &["hypopg", "mcp_advisor"])?;
    admin.batch_execute(
        "create role shadow_owner login; create role shadow_other login;
        alter database shadow_plain_to owner to shadow_owner",
    )?;
    let mut other = fixture.cluster.connect_as("shadow_plain_to", "shadow_other")?;
    let sql = format!(
        "select mcp_import_statistics('{{{}}}')",
        "\"format\": \"mcp_advisor statistics\", \"version\": 1, \"server\": {\"version_num\": 1, \"block_size\": 1, \"encoding\": \"\", \"collate\": \"\", \"ctype\": \"\"}, \"settings\": [], \"objects\": [], \"relations\": [], \"statistics\": [], \"extended\": [], \"expressions\": []"
    );
    let error = refused(&mut other, &sql, "42501")?;
    ensure!(error.hint().is_some_and(|hint| hint.contains("CREATE DATABASE")), "{error:?}");
    let mut owner = fixture.cluster.connect_as("shadow_plain_to", "shadow_owner")?;
    import(&mut owner, &document)?;
    assert_same_plans(&mut original, &mut owner, &odd_queries())?;
    // A session in which the library is not loaded yet knows the setting when it is.
    let mut owner = fixture.cluster.connect_as("shadow_plain_to", "shadow_owner")?;
    owner.batch_execute("select mcp_schemas()")?;
    assert_same_plans(&mut original, &mut owner, &odd_queries())
}

/// What is asked of both, given and recorded.
const ADVISED: &str =
    "select ddl, size_bytes, round(cost_after::numeric, 1)::text, improved_queries
    from mcp_advise_indexes(time_limit => null, min_improvement => 0.01)";

fn advised(client: &mut Client) -> Result<Vec<String>> {
    let rows = client.query(ADVISED, &[])?;
    rows.iter()
        .map(|row| {
            let (ddl, size): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
            let (cost, queries): (String, Vec<i64>) = (row.try_get(2)?, row.try_get(3)?);
            Ok(format!("{ddl} {size} {cost} {queries:?}"))
        })
        .collect()
}

fn advice(fixture: &Fixture) -> Result<()> {
    let mut original = odd_database(fixture, "shadow_advice_from")?;
    original.batch_execute(
        "select mcp_schemas(); select public.pg_stat_statements_reset(0, oid, 0) from pg_database
            where datname = current_database()",
    )?;
    for n in 0..30 {
        original.batch_execute(&format!(
            "select count(*) from public.refs where x = {n};
            select * from spread where price = {n} and few = 'f1';
            select * from events where kind = 'sad' and amount < {n};
            select * from \"Order\" where note = 'secret{n}'"
        ))?;
    }
    // For how long writes were counted is not known of a shadow.
    original.batch_execute("set mcp_advisor.write_weight = 0")?;
    let expected = advised(&mut original)?;
    ensure!(!expected.is_empty(), "nothing is advised");
    let document = export(&mut original, "")?;
    let mut shadow = fixture.database("shadow_advice_to", &["hypopg", "mcp_advisor"])?;
    import(&mut shadow, &document)?;
    shadow.batch_execute("set mcp_advisor.write_weight = 0")?;
    let found = advised(&mut shadow)?;
    ensure!(found == expected, "{found:#?}\ninstead of\n{expected:#?}");
    // Written rows are the original's too: the tables were filled.
    let sql = "select bool_or((index ->> 'write_overhead')::float8 > 0)
        from jsonb_array_elements(mcp_advise_report(time_limit => null) -> 'indexes') as index";
    for client in [&mut original, &mut shadow] {
        client.query_one(sql, &[])?;
    }
    Ok(())
}

fn without_values(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("shadow_values", &["hypopg", "mcp_advisor"])?;
    client.batch_execute(
        "create table planted (a text, b text[], c int4range, d numeric, e text);
        insert into planted select 'canary' || i % 10, array['canary' || i % 5], int4range(777000 + i, 778000 + i),
            888000 + i, 'canary' || i from generate_series(1, 3000) as i;
        create index on planted (upper(a)); create statistics s (mcv) on a, d from planted;
        create statistics x on (a || 'y') from planted",
    )?;
    client.batch_execute("vacuum analyze planted")?;
    let without = export(&mut client, "with_values => false, queries => '{}'")?;
    let text = without.to_string().to_lowercase();
    for canary in ["canary", "7770", "7775", "8881", "8885"] {
        ensure!(!text.contains(canary), "{canary} is in {text}");
    }
    // What is left are numbers that are of use.
    let of = |document: &Value, column: &str| {
        let list = document["statistics"].as_array().cloned().unwrap_or_default();
        list.into_iter().find(|one| one["column"] == column).unwrap_or_default()
    };
    ensure!(of(&without, "a")["n_distinct"] == 10.0, "{without}");
    ensure!(of(&without, "d")["correlation"] == 1.0, "{without}");
    let with = export(&mut client, "queries => '{}'")?;
    let common = of(&with, "a")["mcv"].as_str().unwrap_or_default().to_owned();
    ensure!(common.contains("canary3"), "{common}");
    // Of 3000 values that are all different only the bounds of the histogram are shown.
    let bounds = of(&with, "e")["histogram"].as_str().unwrap_or_default().to_owned();
    ensure!(bounds.matches("canary").count() == 101, "{bounds}");
    let distinct: BTreeSet<&str> = with_canaries(&bounds);
    ensure!(with.to_string().matches("canary").count() < 400 && distinct.len() == 101);
    // It can be imported, and tables have their sizes.
    let mut shadow = fixture.database("shadow_without_values", &["hypopg", "mcp_advisor"])?;
    import(&mut shadow, &without)?;
    let (_, there) = plan(&mut client, "select * from planted")?;
    let (cost, here) = plan(&mut shadow, "select * from planted")?;
    ensure!(there == here && cost > 30.0, "{there} {here} {cost}");
    Ok(())
}

fn with_canaries(bounds: &str) -> BTreeSet<&str> {
    bounds.trim_matches(['{', '}']).split(',').collect()
}

fn privileges(fixture: &Fixture) -> Result<()> {
    let mut admin =
        fixture.database("shadow_rights", &["hypopg", "pg_stat_statements", "mcp_advisor"])?;
    admin.batch_execute(
        "create role shadow_reader login;
        create table open_to (mine text, theirs text); create table closed (a text);
        create table rows_of (a text);
        insert into open_to select 'visible' || i % 3, 'hidden' || i % 3 from generate_series(1, 100) i;
        insert into closed select mine from open_to; insert into rows_of select theirs from open_to;
        create statistics s (mcv) on mine, theirs from open_to;
        alter table rows_of enable row level security;
        grant select (mine) on open_to to shadow_reader; grant select on rows_of to shadow_reader;
        analyze; select 'statement of somebody else'",
    )?;
    let mut reader = fixture.cluster.connect_as("shadow_rights", "shadow_reader")?;
    reader.batch_execute("select mcp_schemas()")?;
    let document = export(&mut reader, "")?;
    let text = document.to_string();
    ensure!(text.contains("visible1") && !text.contains("hidden"), "{text}");
    ensure!(!text.contains("somebody else"), "{text}");
    let relations = document["relations"].as_array().context("relations")?;
    ensure!(relations.iter().any(|one| one["name"] == "closed"), "{text}");
    // Reading is all that it does.
    reader.batch_execute("begin read only")?;
    export(&mut reader, "queries => array['select 1']")?;
    reader.batch_execute("rollback")?;
    refused(&mut reader, "select mcp_export_statistics(null)", "22004")?;
    refused(&mut reader, "select mcp_export_statistics(queries => array[null])", "22004")?;
    Ok(())
}

fn replaced(fixture: &Fixture) -> Result<()> {
    let mut original = odd_database(fixture, "shadow_replace_from")?;
    let document = export_for(&mut original, &odd_queries())?;
    let mut client = fixture.database("shadow_replace_to", &["hypopg", "mcp_advisor"])?;
    import(&mut client, &document)?;
    let again = |replace: bool| {
        let literal = document.to_string().replace('\'', "''");
        format!("select mcp_import_statistics('{literal}', {replace})")
    };
    let error = refused(&mut client, &again(false), "55000")?;
    ensure!(error.hint().is_some_and(|hint| hint.contains("replace => true")), "{error:?}");
    client.batch_execute(&again(true))?;
    assert_same_plans(&mut original, &mut client, &odd_queries())?;
    // Rows that somebody has put there since are not dropped.
    client.batch_execute("insert into parent_t values (1, 'kept')")?;
    let error = refused(&mut client, &again(true), "55000")?;
    ensure!(error.detail().is_some_and(|detail| detail.contains("parent_t")), "{error:?}");
    ensure!(client.query("select from parent_t", &[])?.len() == 1);
    Ok(())
}

/// The setting is off by default, and then sizes are those of the files.
fn switched_off(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    let sql = "select * from items";
    let (before, _) = plan(&mut client, sql)?;
    client.batch_execute("begin; update pg_class set relpages = 100000 where relname = 'items'")?;
    let (off, _) = plan(&mut client, sql)?;
    client.batch_execute("set local mcp_advisor.shadow = on")?;
    let (on, _) = plan(&mut client, sql)?;
    client.batch_execute("rollback")?;
    ensure!(off < before * 1.2 && on > 100_000.0, "{before} {off} {on}");
    let (after, _) = plan(&mut client, sql)?;
    ensure!((after - before).abs() < 0.01, "{before} {after}");
    Ok(())
}
