//! `mcp_explain` executes what only reads, and nothing else.

use std::time::{Duration, Instant};

use advisor_tests::whole_rows;
use anyhow::{Result, ensure};

use crate::Case;
use crate::explain::explained;
use crate::fixture::{Fixture, refused};

pub(crate) const CASES: &[Case] = &[
    ("explain_analyze", analyze),
    ("explain_analyze_refuses_writes", refuses_writes),
    ("explain_analyze_is_interrupted", interrupted),
];

const READ_ONLY: &str = "25006";

fn analyze(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    let query = "select count(*) from items where customer < 100";
    let text = whole_rows(&explained(&mut client, query, "\"analyze\" => true")?);
    for part in [
        "actual time=",
        "rows=1000 ",
        "Rows Removed by Filter: 49000",
        "Buffers: shared",
        "Planning Time: ",
        "Execution Time: ",
    ] {
        ensure!(text.contains(part), "no {part:?} in {text}");
    }
    let json = explained(&mut client, query, "\"analyze\" => true, format => 'json'")?;
    let json: serde_json::Value = serde_json::from_str(&json)?;
    ensure!(json[0]["Plan"]["Actual Rows"].as_f64() == Some(1.0), "{json}");
    ensure!(json[0]["Planning Time"].as_f64().is_some(), "{json}");
    ensure!(json[0]["Plan"]["Shared Hit Blocks"].as_f64().is_some(), "{json}");
    let text = explained(&mut client, "select 1; ", "\"analyze\" => true")?;
    ensure!(text.starts_with("Result") && text.contains("actual time"), "{text}");
    client.batch_execute(
        "set parallel_setup_cost = 0; set parallel_tuple_cost = 0;
        set min_parallel_table_scan_size = 0",
    )?;
    let text = explained(&mut client, query, "\"analyze\" => true")?;
    ensure!(text.contains("Workers Launched: "), "{text}");
    // In a transaction that is read-only, and one that is not afterwards.
    client.batch_execute("begin read only")?;
    explained(&mut client, query, "\"analyze\" => true")?;
    client.batch_execute("commit; begin")?;
    explained(&mut client, query, "\"analyze\" => true")?;
    client.batch_execute("create table analyze_writable (a integer); rollback")?;
    // The server's own error in the midst of it.
    let sql = "select mcp_explain('select 1 / (id - 5) from items', \"analyze\" => true)";
    refused(&mut client, sql, "22012")?;
    client
        .batch_execute("create table analyze_writable (a integer); drop table analyze_writable")?;
    Ok(())
}

fn refuses_writes(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    client.batch_execute(
        "drop table if exists writes cascade; create table writes (a integer);
        drop sequence if exists writes_seq; create sequence writes_seq;
        create or replace function writes_f() returns integer language plpgsql as
            $$ begin insert into writes values (1); return 1; end $$;
        create temporary table writes_temporary (a integer)",
    )?;
    for query in [
        "insert into writes values (1)",
        "insert into writes values (1) returning a",
        "update writes set a = 1",
        "delete from writes",
        "merge into writes using (values (1)) as v (a) on false when not matched then insert values (1)",
        "with new as (insert into writes values (1) returning a) select * from new",
        "with recursive r as (select 1 as a), d as (delete from writes) select * from r",
        "select * from writes for update",
        "select * from writes for key share",
        "select * from (select * from writes for no key update) as s",
        "with locked as (select * from writes for share skip locked) select * from locked",
        "insert into writes_temporary values (1)",
        "select * from writes_temporary for update",
        "select writes_f()",
        "select nextval('writes_seq')",
    ] {
        let sql = format!("select mcp_explain($q${query}$q$, \"analyze\" => true)");
        refused(&mut client, &sql, READ_ONLY)?;
        // The plan alone may be seen.
        explained(&mut client, query, "")?;
    }
    let sql = "select (select count(*) from writes) + (select count(*) from writes_temporary)
        + (select case when is_called then 1 else 0 end from writes_seq)";
    let written: i64 = client.query_one(sql, &[])?.try_get(0)?;
    ensure!(written == 0, "{written} writes");
    Ok(())
}

fn interrupted(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    client.batch_execute("set statement_timeout = '100 ms'")?;
    let started = Instant::now();
    let sql = "select mcp_explain('select pg_sleep(60)', \"analyze\" => true)";
    refused(&mut client, sql, "57014")?;
    ensure!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    client.batch_execute("set statement_timeout = 0; set lock_timeout = '50 ms'")?;
    let mut other = fixture.session()?;
    other.batch_execute("begin; lock table never_analyzed in access exclusive mode")?;
    refused(&mut client, "select mcp_explain('select * from never_analyzed')", "55P03")?;
    other.batch_execute("rollback")?;
    explained(&mut client, "select * from never_analyzed", "").map(drop)
}
