//! `mcp_explain_report`: one execution, and in it everything that the other functions say. And what
//! `mcp_explain` says of plans before and after.

use advisor_tests::whole_rows;
use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde_json::Value;

use crate::Case;
use crate::explain::explained;
use crate::fixture::{Fixture, LOOKUP, answered, refused};

pub(crate) const CASES: &[Case] = &[
    ("explain_report_has_what_the_others_say", agrees),
    ("explain_report_executes_once", executes_once),
    ("explain_report_of_statements_without_a_plan_of_their_own", odd_ones),
    ("explain_report_refuses_what_explain_refuses", refuses),
    ("explain_says_what_changed", changed),
    ("explain_says_when_nothing_changed", unchanged),
];

/// The report on a statement; `more` are further arguments.
pub(crate) fn report(client: &mut Client, query: &str, more: &str) -> Result<Value> {
    let comma = if more.is_empty() { "" } else { ", " };
    let sql = format!("select mcp_explain_report($q${query}$q${comma}{more})::text");
    let rows = answered(client, &sql)?;
    Ok(serde_json::from_str(rows[0].try_get(0)?)?)
}

fn agrees(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    client.batch_execute("set jit = off; set max_parallel_workers_per_gather = 0")?;
    let index = "array['create index on items (customer)', 'create index on items (placed)']";
    for (query, more) in [
        (LOOKUP, ""),
        ("select * from items where placed = $1", ""),
        ("select note from items order by note offset 40000 limit 5", ""),
        (LOOKUP, index),
        ("select * from items where id = 77", "hide_indexes => '{items_pkey}'"),
    ] {
        let report = report(&mut client, query, more)?;
        let plain = explained(&mut client, query, more)?;
        ensure!(report["plan"] == plain.as_str(), "{report}\n{plain}");
        let comma = if more.is_empty() { "" } else { ", " };
        for format in ["json", "compact", "yaml", "xml"] {
            let with_format = format!("{more}{comma}format => '{format}'");
            let expected = explained(&mut client, query, &with_format)?;
            let found = self::report(&mut client, query, &with_format)?;
            ensure!(found["plan"] == expected.as_str(), "{found}\n{expected}");
            ensure!(found["compact"] == report["compact"], "{found}\n{report}");
            ensure!(found["findings"] == report["findings"], "{found}\n{report}");
        }
        let sql = format!(
            "select coalesce(json_agg(f), '[]')::text from mcp_plan_findings($q${query}$q${comma}{more}) f"
        );
        let expected: Value = serde_json::from_str(client.query_one(&sql, &[])?.try_get(0)?)?;
        ensure!(report["findings"] == expected, "{report}\n{expected}");
        ensure!(report["query"] == query && report["execution_ms"].is_null(), "{report}");
    }
    let found = report(&mut client, LOOKUP, index)?;
    ensure!(found["indexes"]["used"][0] == "<hypothetical>items_customer_idx", "{found}");
    ensure!(found["indexes"]["not_used"][0] == "<hypothetical>items_placed_idx", "{found}");
    let cost = |name: &str| found["cost"][name].as_f64().context("no cost");
    ensure!(cost("before")? > 10.0 * cost("after")?, "{found}");
    ensure!(found["before"]["plan"].as_str().is_some_and(|plan| plan.starts_with("Seq Scan")));
    let change = &found["difference"]["changes"][0];
    ensure!(change["change"] == "scan" && change["place"] == "items", "{found}");
    ensure!(change["index"] == "<hypothetical>items_customer_idx", "{found}");
    let found = report(&mut client, LOOKUP, "")?;
    ensure!(found["cost"]["before"] == found["cost"]["after"], "{found}");
    ensure!(found["before"].is_null() && found["difference"].is_null(), "{found}");
    Ok(())
}

/// How often a table was read from end to end in this transaction, rolled back or not.
fn scans(client: &mut Client) -> Result<i64> {
    let sql = "select pg_stat_get_xact_numscans('report_read'::regclass)";
    Ok(client.query_one(sql, &[])?.try_get(0)?)
}

fn executes_once(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("report_once", &["mcp_advisor"])?;
    client.batch_execute(
        "create table report_read as select i as id, i % 100 as k from generate_series(1, 30000) i",
    )?;
    client.batch_execute("vacuum analyze report_read")?;
    client.batch_execute("set max_parallel_workers_per_gather = 0; begin")?;
    let sql = "select mcp_explain_report('select * from report_read where k = 5',
        \"analyze\" => true)::text";
    let before = scans(&mut client)?;
    let text: String = client.query_one(sql, &[])?.try_get(0)?;
    ensure!(scans(&mut client)? == before + 1, "{} scans", scans(&mut client)? - before);
    let report: Value = serde_json::from_str(&text)?;
    let plan = whole_rows(report["plan"].as_str().unwrap_or_default());
    for part in ["rows=300 loops=1", "Buffers: shared", "Planning Time: ", "Execution Time: "] {
        ensure!(plan.contains(part), "no {part:?} in {plan}");
    }
    let compact = report["compact"].as_str().unwrap_or_default();
    ensure!(compact.contains(" -> 300") && compact.contains("removed 29,700"), "{compact}");
    ensure!(compact.contains(", planning ") && compact.contains(", hit "), "{compact}");
    let findings = report["findings"].as_array().context("no findings")?;
    ensure!(findings.iter().any(|one| one["finding"] == "wasteful_scan"), "{report}");
    let time =
        format!("Execution Time: {:.3} ms", report["execution_ms"].as_f64().context("time")?);
    ensure!(plan.contains(&time), "{time} {plan}");
    // Without analyze nothing is read.
    let before = scans(&mut client)?;
    client.query_one(&sql.replace("true", "false"), &[])?;
    ensure!(scans(&mut client)? == before);
    Ok(client.batch_execute("rollback")?)
}

/// Rules that make nothing or more of a statement, and a statement that runs another report.
fn odd_ones(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("report_odd", &["hypopg", "mcp_advisor"])?;
    client.batch_execute(
        "create table ruled (a integer, b text); create table other (a integer);
        create rule nothing as on delete to ruled do instead nothing;
        create rule also as on insert to ruled do also insert into other values (new.a)",
    )?;
    let found = report(&mut client, "delete from ruled", "")?;
    ensure!(found["plan"] == "Query rewrites to nothing", "{found}");
    ensure!(found["compact"] == "Query rewrites to nothing", "{found}");
    ensure!(found["findings"] == Value::Array(Vec::new()), "{found}");
    let found = report(&mut client, "insert into ruled values (1)", "")?;
    let compact = found["compact"].as_str().unwrap_or_default();
    ensure!(compact.contains("Insert on ruled"), "{found}");
    let inner = "select mcp_explain_report('select 2 as two', \"analyze\" => true) as inside";
    let found = report(&mut client, inner, "\"analyze\" => true")?;
    ensure!(found["query"] == inner && found["compact"].as_str().is_some(), "{found}");
    ensure!(found["execution_ms"].as_f64() > Some(0.0), "{found}");
    Ok(())
}

fn refuses(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    for (arguments, code) in [
        ("", "22004"),
        ("null", "22004"),
        ("'select 1', format => 'html'", "22023"),
        ("'select 1', array['create index on items (id)'], \"analyze\" => true", "22023"),
        ("'select from from'", "42601"),
        ("'vacuum'", "0A000"),
        ("'delete from items', \"analyze\" => true", "25006"),
        ("'select 1 / (id - 5) from items', \"analyze\" => true", "22012"),
    ] {
        refused(&mut client, &format!("select mcp_explain_report({arguments})"), code)?;
    }
    // The next call is not disturbed by those that failed.
    report(&mut client, "select 1", "\"analyze\" => true").map(drop)
}

fn changed(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    client.batch_execute("set jit = off; set max_parallel_workers_per_gather = 0")?;
    let text = explained(&mut client, LOOKUP, "array['create index i on items (customer)']")?;
    let parts: Vec<&str> = text.split("\n\n").collect();
    ensure!(parts.len() == 4, "{text}");
    ensure!(parts[0].starts_with("cost ") && parts[1].contains("on i "), "{text}");
    ensure!(parts[2].starts_with("Changes, ") && parts[2].contains(" times cheaper:\n"), "{text}");
    let expected = "- items: Seq Scan -> Bitmap Heap Scan with i; cost ";
    ensure!(parts[2].contains(expected), "{text}");
    ensure!(parts[2].ends_with("; i finds 10 of the 50,000 rows that were read"), "{text}");
    ensure!(parts[3].starts_with("Before:\nSeq Scan on items"), "{text}");
    let compact = explained(
        &mut client,
        LOOKUP,
        "array['create index i on items (customer)'], format => 'compact'",
    )?;
    ensure!(compact.contains("\n1 Bitmap Heap Scan on items"), "{compact}");
    ensure!(compact.contains(parts[2]) && compact.contains("Before:\ncost "), "{compact}");
    ensure!(compact.len() < text.len(), "{compact}\n{text}");
    let ordered = "select * from items order by placed limit 5";
    let text = explained(&mut client, ordered, "array['create index p on items (placed)']")?;
    ensure!(text.contains("- order by items.placed: Sort -> none; cost "), "{text}");
    ensure!(text.contains("; p has the rows in this order"), "{text}");
    let text = explained(
        &mut client,
        "select * from items where id = 77",
        "hide_indexes => '{items_pkey}'",
    )?;
    ensure!(text.contains(" times dearer:\n- items: Index Scan with items_pkey"), "{text}");
    ensure!(text.contains("; items_pkey is hidden, so all 50,000 rows are read"), "{text}");
    Ok(())
}

fn unchanged(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    let text = explained(&mut client, LOOKUP, "array['create index on items (placed)']")?;
    ensure!(text.ends_with("\n\nThe plan is the same.") && !text.contains("Before:"), "{text}");
    // Formats for programs have the plan only.
    for format in ["json", "xml", "yaml"] {
        let more = format!("array['create index on items (customer)'], format => '{format}'");
        let text = explained(&mut client, LOOKUP, &more)?;
        ensure!(!text.contains("Changes"), "{text}");
    }
    Ok(())
}
