//! `explain_query`: one execution, what makes the plan slow, and the plan with other indexes, values
//! and statements.

use std::time::Duration;

use advisor_tests::bridge::stdio::Pipe;
use advisor_tests::bridge::wait_until;
use advisor_tests::whole_rows;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::Case;
use crate::fixture::{Fixture, LOOKUP, assert_discreet};

pub(crate) const CASES: &[Case] = &[
    ("explain_query_executes_once", executes_once),
    ("explain_query_says_what_is_slow", findings),
    ("explain_query_with_other_indexes_and_values", others),
    ("explain_query_by_queryid", by_queryid),
    ("explain_query_without_the_extension", without_extension),
];

fn text(answer: &Value) -> &str {
    answer["content"][0]["text"].as_str().unwrap_or_default()
}

fn pipe(fixture: &Fixture, application: &str, database: &str) -> Result<Pipe> {
    let uri = fixture.uri(application).replace("/shop?", &format!("/{database}?"));
    Pipe::initialized(fixture.bridge(application)?.env("DATABASE_URI", uri))
}

/// The answer's structured content, of a call that succeeds.
fn explained(pipe: &mut Pipe, arguments: &Value) -> Result<(String, Value)> {
    let answer = pipe.call("explain_query", arguments)?;
    ensure!(answer["isError"] != true, "{arguments}: {answer}");
    Ok((text(&answer).to_owned(), answer["structuredContent"].clone()))
}

/// The error, of one that fails.
fn refused(pipe: &mut Pipe, arguments: &Value, kind: &str) -> Result<Value> {
    let answer = pipe.call("explain_query", arguments)?;
    let error = answer["structuredContent"]["error"].clone();
    ensure!(answer["isError"] == true && error["kind"] == kind, "{arguments}: {answer}");
    Ok(error)
}

/// The server counts how often the table was read from end to end, which no roll-back undoes.
fn executes_once(fixture: &Fixture) -> Result<()> {
    const APPLICATION: &str = "explain_once";
    let mut admin = fixture.cluster.create_database("explain_once")?;
    admin.batch_execute(
        "create extension mcp_advisor; create table counted as select i as id, i % 100 as k
        from generate_series(1, 20000) as i; grant select on counted to keeper;
        alter database explain_once set max_parallel_workers_per_gather = 0",
    )?;
    admin.batch_execute("vacuum analyze counted")?;
    let scans = "select seq_scan, seq_tup_read from pg_stat_user_tables where relname = 'counted'";
    let mut counts = || -> Result<(i64, i64)> {
        let row = admin.query_one(scans, &[])?;
        Ok((row.try_get(0)?, row.try_get(1)?))
    };
    let before = counts()?;
    let mut pipe = pipe(fixture, APPLICATION, "explain_once")?;
    let sql = "select count(*) from counted where k = 5";
    let (text, content) = explained(&mut pipe, &json!({"sql": sql, "analyze": true}))?;
    ensure!(text.contains("rows=200 loops=1") && text.contains("\n\nFindings:\n- "), "{text}");
    ensure!(content["findings"][0]["finding"] == "wasteful_scan", "{content}");
    explained(&mut pipe, &json!({"sql": sql}))?;
    assert_discreet(&pipe.close()?.log)?;
    // What a backend counted is known when it is gone.
    fixture.assert_no_backend(APPLICATION)?;
    wait_until("the scan is counted", Duration::from_secs(10), || Ok(counts()? != before))?;
    let after = counts()?;
    ensure!(after == (before.0 + 1, before.1 + 20_000), "{before:?} {after:?}");
    Ok(())
}

fn findings(fixture: &Fixture) -> Result<()> {
    let mut pipe = pipe(fixture, "explain_findings", "shop")?;
    let plain = json!({"sql": LOOKUP, "analyze": true});
    let (text, content) = explained(&mut pipe, &plain)?;
    let found = content["findings"].as_array().context("no findings")?;
    ensure!(!found.is_empty(), "{content}");
    for one in found {
        for field in ["finding", "severity", "place", "message", "remedy"] {
            ensure!(one[field].is_string(), "{one}");
        }
        let message = one["message"].as_str().unwrap_or_default();
        let place = one["place"].as_str().unwrap_or_default();
        ensure!(text.contains(&format!("({place}): {message}")), "{text}");
    }
    let plan = content["plan"].as_str().unwrap_or_default();
    ensure!(text.starts_with(&format!("{plan}\n\nFindings:\n")), "{text}");
    ensure!(content["cost"]["before"] == content["cost"]["after"], "{content}");
    // Nothing to say, nothing said.
    let (text, content) = explained(&mut pipe, &json!({"sql": "select 1", "analyze": true}))?;
    ensure!(text == content["plan"] && content["findings"] == json!([]), "{content}");
    ensure!(content.get("indexes").is_none() && content.get("difference").is_none(), "{content}");
    let compact = json!({"sql": LOOKUP, "analyze": true, "plan_format": "compact"});
    let (short, content) = explained(&mut pipe, &compact)?;
    ensure!(short.starts_with("cost ") && !content["findings"].is_null(), "{short}");
    ensure!(content["plan"].as_str().map_or(0, str::len) < plan.len(), "{content}");
    let as_json = json!({"sql": LOOKUP, "plan_format": "json"});
    let (text, _) = explained(&mut pipe, &as_json)?;
    let plan: Value = serde_json::from_str(&text)?;
    ensure!(plan[0]["Plan"]["Total Cost"].is_number(), "{text}");
    pipe.close().map(drop)
}

fn others(fixture: &Fixture) -> Result<()> {
    let mut pipe = pipe(fixture, "explain_others", "shop")?;
    let index = json!({"table": "shop.orders", "columns": ["customer_id"]});
    let arguments = json!({"sql": LOOKUP, "hypothetical_indexes": [index]});
    let (text, content) = explained(&mut pipe, &arguments)?;
    for part in
        ["\n\nChanges, ", " times cheaper:\n- orders: Seq Scan -> ", "\n\nBefore:\nSeq Scan"]
    {
        ensure!(text.contains(part), "no {part:?} in {text}");
    }
    let cost = |name: &str| content["cost"][name].as_f64();
    ensure!(cost("before") > cost("after") && cost("after") > Some(0.0), "{content}");
    ensure!(content["hypothetical_indexes"].is_array() && content["difference"].is_object());
    for name in ["orders_pkey", "shop.orders_pkey"] {
        let arguments =
            json!({"sql": "select * from shop.orders where id = 5", "hide_indexes": [name]});
        let (text, content) = explained(&mut pipe, &arguments)?;
        ensure!(text.contains("orders_pkey is hidden, so all 50,000 rows are read"), "{text}");
        ensure!(content["indexes"]["hidden"] == json!(["shop.orders_pkey"]), "{content}");
    }
    let hidden = |name: &str| json!({"sql": "select 1", "hide_indexes": [name]});
    let error = refused(&mut pipe, &hidden("no_such_index"), "sql_error")?;
    ensure!(error["sqlstate"] == "42704", "{error}");
    let error = refused(&mut pipe, &hidden("shop.orders"), "sql_error")?;
    ensure!(error["sqlstate"] == "42809", "{error}");
    let both = json!({"sql": "select 1", "analyze": true, "hide_indexes": ["orders_pkey"]});
    refused(&mut pipe, &both, "invalid_argument")?;
    let sql = "select * from shop.orders where id = $1 and note is distinct from $2";
    let with =
        |values: Value, analyze| json!({"sql": sql, "parameters": values, "analyze": analyze});
    let (text, _) = explained(&mut pipe, &with(json!([77, null]), false))?;
    ensure!(text.contains("(id = '77'::bigint)"), "{text}");
    let (text, _) = explained(&mut pipe, &with(json!(["77", "x"]), true))?;
    ensure!(whole_rows(&text).contains("rows=1 loops=1") && text.contains("'x'::text"), "{text}");
    for (values, detail) in [
        (json!(["77"]), "has 2 parameters, the array 1 value"),
        (json!(["x", "y"]), "parameter $1"),
    ] {
        let error = refused(&mut pipe, &with(values, true), "sql_error")?;
        ensure!(error["detail"].as_str().is_some_and(|text| text.contains(detail)), "{error}");
    }
    pipe.close().map(drop)
}

fn by_queryid(fixture: &Fixture) -> Result<()> {
    let mut pipe = pipe(fixture, "explain_queryid", "shop")?;
    let top = pipe.call("get_top_queries", &json!({"sort_by": "total_time", "limit": 1000}))?;
    let queries = top["structuredContent"]["queries"].as_array().context("no queries")?;
    let text_of = LOOKUP.replace("4711", "$1");
    let lookup = queries.iter().find(|one| one["query"] == text_of).context("no lookup")?;
    let id = lookup["queryid"].as_str().context("no queryid")?;
    let (_, content) = explained(&mut pipe, &json!({"queryid": id}))?;
    ensure!(content["sql"] == text_of.as_str(), "{content}");
    let arguments = json!({"queryid": id, "analyze": true, "parameters": [4711]});
    let (text, content) = explained(&mut pipe, &arguments)?;
    ensure!(text.contains("actual time") && text.contains("= 4711)"), "{text}");
    ensure!(content["sql"] == text_of.as_str(), "{content}");
    let error = refused(&mut pipe, &json!({"queryid": "123"}), "sql_error")?;
    ensure!(error["sqlstate"] == "42704" && error["hint"].is_string(), "{error}");
    refused(&mut pipe, &json!({"queryid": "123", "sql": "select 1"}), "invalid_argument")?;
    refused(&mut pipe, &json!({}), "invalid_argument")?;
    // What is recorded is judged like what is given before it is executed.
    let mut keeper = fixture.keeper()?;
    keeper.batch_execute(
        "select set_config('explain.by_queryid', '1', false);
        select count(total) from shop.orders where placed > '2024-02-01'::date + interval '3 days'",
    )?;
    let sql = "select queryid::text from pg_stat_statements where query like $1";
    let id: String = keeper.query_one(sql, &[&"select set_config($1, $2, $3)"])?.try_get(0)?;
    refused(&mut pipe, &json!({"queryid": id, "analyze": true}), "not_read_only")?;
    // Normalization made of it what only the extension reads, and only to plan it.
    let id: String = keeper.query_one(sql, &[&"select count(total)%interval $2"])?.try_get(0)?;
    let (text, content) = explained(&mut pipe, &json!({"queryid": id}))?;
    ensure!(text.starts_with("Aggregate") && content["sql"].is_string(), "{content}");
    let error = refused(&mut pipe, &json!({"queryid": id, "analyze": true}), "sql_error")?;
    ensure!(error["sqlstate"] == "42601", "{error}");
    pipe.close().map(drop)
}

fn without_extension(fixture: &Fixture) -> Result<()> {
    let mut admin = fixture.cluster.create_database("explain_bare")?;
    admin.batch_execute("create table bare as select 1 as id; grant select on bare to keeper")?;
    let mut pipe = pipe(fixture, "explain_bare", "explain_bare")?;
    let sql = "select * from bare";
    for analyze in [false, true] {
        let (text, content) = explained(&mut pipe, &json!({"sql": sql, "analyze": analyze}))?;
        let plan = content["plan"].as_str().unwrap_or_default();
        ensure!(plan.starts_with("Seq Scan on bare") && text.starts_with(plan), "{text}");
        ensure!(text.ends_with("that needs the extension mcp_advisor."), "{text}");
        ensure!(plan.contains("actual") == analyze, "{text}");
    }
    let (text, _) = explained(&mut pipe, &json!({"sql": sql, "plan_format": "json"}))?;
    let plan: Value = serde_json::from_str(&text)?;
    ensure!(plan[0]["Plan"]["Relation Name"] == "bare", "{text}");
    for (arguments, hint) in [
        (json!({"sql": sql, "plan_format": "compact"}), "text and json"),
        (json!({"sql": sql, "hide_indexes": ["x"]}), "indexes that exist"),
        (json!({"sql": "select $1::int", "parameters": ["1"]}), "in the place of the parameters"),
        (json!({"queryid": "5"}), "CREATE EXTENSION mcp_advisor"),
    ] {
        let error = refused(&mut pipe, &arguments, "missing_extension")?;
        ensure!(error["hint"].as_str().is_some_and(|text| text.contains(hint)), "{error}");
    }
    pipe.close().map(drop)
}
