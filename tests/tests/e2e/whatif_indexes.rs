//! `mcp_whatif_indexes` judges given indexes by the same numbers as the advisor its own.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde_json::Value;

use crate::Case;
use crate::fixture::{Fixture, LOOKUP, answered, refused};

pub(crate) const CASES: &[Case] = &[
    ("whatif_indexes_none_changes_nothing", none),
    ("whatif_indexes_agrees_with_the_advisor", agrees),
    ("whatif_indexes_says_which_are_used", used),
    ("whatif_indexes_on_the_recorded_workload", recorded),
    ("whatif_indexes_describes_the_tables", tables),
    ("whatif_indexes_bad_arguments", bad_arguments),
];

const QUERIES: [&str; 3] = [
    LOOKUP,
    "select count(*) from items where placed between '2020-03-01' and '2020-03-05'",
    "select a.note from items a join items b on a.customer = b.id where b.placed = '2020-02-02'",
];

fn report(client: &mut Client, call: &str) -> Result<Value> {
    let rows = answered(client, &format!("select {call}::text"))?;
    Ok(serde_json::from_str(rows[0].try_get(0)?)?)
}

fn list(texts: &[&str]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| format!("$q${text}$q$")).collect();
    format!("array[{}]::text[]", quoted.join(", "))
}

fn number(value: &Value) -> Result<f64> {
    value.as_f64().with_context(|| format!("{value} is no number"))
}

fn none(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    let report = report(&mut client, &format!("mcp_whatif_indexes('{{}}', {})", list(&QUERIES)))?;
    let before = number(&report["cost_before"])?;
    ensure!(before > 0.0 && report["cost_after"] == report["cost_before"], "{report}");
    ensure!(report["indexes"] == Value::Array(vec![]) && report["index_bytes"] == 0, "{report}");
    ensure!(report["complete"] == true && report["statements_used"] == 3, "{report}");
    let queries = report["queries"].as_array().context("queries")?;
    let mut sum = 0.0;
    for query in queries {
        ensure!(query["cost_before"] == query["cost_after"], "{query}");
        sum += number(&query["cost_before"])? * number(&query["weight"])?;
    }
    ensure!(queries.len() == 3 && (sum - before).abs() < 1e-6 * before, "{sum} {before}");
    Ok(())
}

/// The advisor's own indexes, given back, cost what it said they cost.
fn agrees(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    for objective in ["total", "geometric_mean"] {
        client.batch_execute(&format!("set mcp_advisor.objective = {objective}"))?;
        let queries = list(&QUERIES);
        let advised = report(&mut client, &format!("mcp_advise_report({queries})"))?;
        let indexes = advised["indexes"].as_array().context("indexes")?;
        ensure!(indexes.len() > 1, "{advised}");
        let ddl: Vec<&str> = indexes.iter().filter_map(|index| index["ddl"].as_str()).collect();
        let call = format!("mcp_whatif_indexes({}, {queries})", list(&ddl));
        let judged = report(&mut client, &call)?;
        for key in ["cost_before", "cost_after", "index_bytes", "statements_used", "drops"] {
            ensure!(judged[key] == advised[key], "{key}: {} {}", judged[key], advised[key]);
        }
        let again = judged["indexes"].as_array().context("indexes")?;
        ensure!(again.len() == indexes.len());
        for (ours, theirs) in again.iter().zip(indexes) {
            for key in [
                "ddl",
                "relation",
                "columns",
                "include",
                "size_bytes",
                "used_by",
                "rank",
                "write_overhead",
                "breaks_hot",
                "id",
            ] {
                ensure!(ours[key] == theirs[key], "{key}: {ours} {theirs}");
            }
            let (ours, theirs) = (number(&ours["cost_after"])?, number(&theirs["cost_after"])?);
            ensure!((ours - theirs).abs() <= 0.01 * theirs, "{ours} {theirs}");
        }
        for (ours, theirs) in judged["queries"]
            .as_array()
            .into_iter()
            .flatten()
            .zip(advised["queries"].as_array().into_iter().flatten())
        {
            for key in ["query_id", "cost_before", "cost_after", "weight"] {
                ensure!(ours[key] == theirs[key], "{key}: {ours} {theirs}");
            }
            // In no order that means anything.
            let used = |query: &Value| -> BTreeSet<String> {
                let indexes = query["indexes"].as_array().into_iter().flatten();
                indexes.map(Value::to_string).collect()
            };
            ensure!(used(ours) == used(theirs), "{ours} {theirs}");
        }
        for key in ["lower_bound", "rounds", "pareto_front"] {
            ensure!(judged.get(key).is_none(), "there was no search: {key}");
        }
    }
    Ok(())
}

fn used(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    // An index that is of no use costs nothing but its upkeep.
    client.batch_execute("set mcp_advisor.write_weight = 0")?;
    let indexes = [
        "create index on items (note)",
        "create index by_customer on items (customer)",
        "create index on items (customer)",
        "create index on \"Odd Names\".\"Order\" (\"select\" desc)",
    ];
    let call = format!("mcp_whatif_indexes({}, {})", list(&indexes), list(&[LOOKUP]));
    let report = report(&mut client, &call)?;
    let found = report["indexes"].as_array().context("indexes")?;
    ensure!(found.len() == 3, "the same index twice is one: {report}");
    let used_by: Vec<&Value> = found.iter().map(|index| &index["used_by"]).collect();
    ensure!(used_by == [&serde_json::json!([]), &serde_json::json!([1]), &serde_json::json!([])]);
    let costs = [&found[0]["cost_after"], &found[1]["cost_after"], &found[2]["cost_after"]];
    ensure!(number(costs[0])? > 5.0 * number(costs[1])? && costs[1] == costs[2], "{costs:?}");
    ensure!(found[1]["improved_queries"] == serde_json::json!([1]), "{report}");
    ensure!(found[1]["confidence"] == "high", "{report}");
    let sizes: i64 = found.iter().filter_map(|index| index["size_bytes"].as_i64()).sum();
    ensure!(report["index_bytes"].as_i64() == Some(sizes), "{report}");
    let ddl = found[2]["ddl"].as_str().unwrap_or_default();
    ensure!(ddl.contains("\"Odd Names\".\"Order\" USING btree (\"select\" DESC)"), "{ddl}");
    Ok(())
}

fn recorded(fixture: &Fixture) -> Result<()> {
    let extensions = ["hypopg", "pg_stat_statements", "mcp_advisor"];
    let mut client = fixture.database("whatif_recorded", &extensions)?;
    client.batch_execute(
        "create table things as select i as id, i % 500 as k, repeat('x', 99) as pad
            from generate_series(1, 40000) as i; analyze things",
    )?;
    for k in 0..5 {
        client.simple_query(&format!("select pad from things where k = {k}"))?;
    }
    let call = "mcp_whatif_indexes(array['create index on things (k)'])";
    let report = report(&mut client, call)?;
    let query = report["queries"].as_array().into_iter().flatten().find(|query| {
        query["query"].as_str().is_some_and(|text| text.contains("from things where k = $1"))
    });
    let query = query.with_context(|| format!("{report}"))?;
    ensure!(query["calls"] == 5.0, "{query}");
    ensure!(number(&query["cost_after"])? < 0.5 * number(&query["cost_before"])?, "{query}");
    ensure!(report["indexes"][0]["used_by"] == serde_json::json!([query["query_id"]]), "{report}");
    Ok(())
}

fn tables(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    client.batch_execute(
        "do $$ begin create role whatif_role; exception when duplicate_object then end $$;
        drop table if exists whatif_hidden cascade;
        create table whatif_hidden as select i as id, i % 7 as k from generate_series(1, 9000) as i;
        create view whatif_view as select * from whatif_hidden;
        grant select on whatif_view, items to whatif_role; analyze whatif_hidden",
    )?;
    let queries = list(&[LOOKUP, "select * from whatif_view where k = 3"]);
    let call = format!("mcp_whatif_indexes('{{}}', {queries})");
    let all = report(&mut client, &call)?;
    let items = &all["tables"][0];
    ensure!(items["name"] == "public.items" && items["rows"] == 50_000, "{items}");
    ensure!(items["indexes"].as_array().is_some_and(|found| found.len() == 1), "{items}");
    let definition = items["indexes"][0].as_str().unwrap_or_default();
    ensure!(definition.starts_with("CREATE UNIQUE INDEX items_pkey"), "{items}");
    let customer = &items["columns"][1];
    ensure!(customer["name"] == "customer" && customer["type"] == "integer", "{customer}");
    ensure!((4500..5500).contains(&customer["n_distinct"].as_i64().unwrap_or(0)), "{customer}");
    ensure!(all["tables"][1]["columns"][1]["n_distinct"] == 7, "{all}");
    client.batch_execute("set role whatif_role")?;
    let some = report(&mut client, &call)?;
    ensure!(some["tables"][1]["columns"][1]["n_distinct"].is_null(), "{some}");
    ensure!(some["tables"][0]["columns"][1]["n_distinct"] == customer["n_distinct"], "{some}");
    let sql =
        format!("select mcp_whatif_indexes(array['create index on whatif_hidden (k)'], {queries})");
    refused(&mut client, &sql, "42501")?;
    Ok(())
}

fn bad_arguments(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    for (arguments, code) in [
        ("null", "22004"),
        ("array[null]", "22004"),
        ("'{}', '{}'", "22023"),
        ("'{}', array[null]", "22004"),
        ("array['create index on nowhere (id)'], array['select * from items']", "42P01"),
        ("array['create index on items (nope)'], array['select * from items']", "42703"),
        ("array['create index on items using gin (note)'], array['select * from items']", "42704"),
        ("array['create unique index on items (id)'], array['select * from items']", "0A000"),
        ("array['nonsense'], array['select * from items']", "42601"),
        ("'{}', array['nonsense']", "42601"),
        ("'{}', array['vacuum']", "0A000"),
    ] {
        refused(&mut client, &format!("select mcp_whatif_indexes({arguments})"), code)?;
    }
    // One bad statement does not stop the rest.
    let queries = list(&["select from from", LOOKUP]);
    let report = report(&mut client, &format!("mcp_whatif_indexes('{{}}', {queries})"))?;
    ensure!(report["statements_used"] == 1 && report["statements_examined"] == 2, "{report}");
    ensure!(report["skipped"][0]["reason"] == "parse error", "{report}");
    Ok(())
}
