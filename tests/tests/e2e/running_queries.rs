//! `mcp_running_queries`: what other sessions do, and who holds them up.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use postgres::{Client, NoTls, Row};

use crate::Case;
use crate::fixture::{Fixture, answered, refused};

pub(crate) const CASES: &[Case] = &[
    ("running_queries_say_who_waits_for_whom", blocked),
    ("running_queries_show_what_the_caller_may_see", privileges),
    ("running_queries_show_no_texts_where_the_guard_keeps_them", kept_texts),
];

/// Asks until a statement is seen at work.
fn until_seen(client: &mut Client, sql: &str, marker: &str) -> Result<Vec<Row>> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let rows = answered(client, sql)?;
        if rows.iter().any(|row| row.get::<_, &str>("query").contains(marker)) {
            return Ok(rows);
        }
        ensure!(Instant::now() < deadline, "{marker} is never seen");
        thread::sleep(Duration::from_millis(20));
    }
}

fn pid(client: &mut Client) -> Result<i32> {
    Ok(client.query_one("select pg_backend_pid()", &[])?.try_get(0)?)
}

fn blocked(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("running", &["hypopg", "mcp_advisor"])?;
    client.batch_execute(
        "select mcp_schemas(); select hypopg(); create table held as select 1 as id",
    )?;
    let connect = || fixture.cluster.connect("running");
    let (mut idle, mut holder, mut waiter) = (connect()?, connect()?, connect()?);
    idle.batch_execute("select 1 as of_an_idle_session")?;
    holder.batch_execute("begin; update held set id = 2")?;
    let mut elsewhere = fixture.database("running_elsewhere", &[])?;
    elsewhere.batch_execute("begin; select 1 as in_another_database")?;
    let (holding, waiting) = (pid(&mut holder)?, pid(&mut waiter)?);
    let token = waiter.cancel_token();
    let (rows, all) = thread::scope(|scope| {
        let call = scope.spawn(|| waiter.query("select id as waits from held for update", &[]));
        let rows = until_seen(&mut client, "select * from mcp_running_queries()", "as waits");
        let all = answered(&mut client, "select * from mcp_running_queries(true)");
        token.cancel_query(NoTls)?;
        let error = call.join().ok().context("panicked")?.err().context("it was answered")?;
        ensure!(error.code().is_some_and(|code| code.code() == "57014"), "{error}");
        Ok::<_, anyhow::Error>((rows?, all?))
    })?;
    let pids: Vec<i32> = rows.iter().map(|row| row.get("pid")).collect();
    ensure!(pids == [holding, waiting], "the longest-running first: {pids:?}");
    let (first, second) = (&rows[0], &rows[1]);
    ensure!(first.get::<_, &str>("state") == "idle in transaction");
    ensure!(first.get::<_, Option<Vec<i32>>>("blocked_by").is_none());
    ensure!(second.get::<_, &str>("state") == "active");
    ensure!(second.get::<_, Option<Vec<i32>>>("blocked_by") == Some(vec![holding]));
    ensure!(second.get::<_, &str>("waits_for") == "Lock: transactionid");
    ensure!(second.get::<_, &str>("role") == "postgres");
    ensure!(second.get::<_, &str>("backend_type") == "client backend");
    ensure!(second.get::<_, i64>("workers") == 0);
    ensure!(second.get::<_, Option<i64>>("query_id").is_some_and(|id| id != 0));
    for row in &rows {
        let (running, open): (f64, f64) = (row.get("running_ms"), row.get("transaction_ms"));
        ensure!(running > 0.0 && open >= running && open < 60_000.0, "{running} of {open}");
    }
    let has = |rows: &[Row], marker: &str| {
        rows.iter().any(|row| row.get::<_, &str>("query").contains(marker))
    };
    ensure!(has(&all, "in_another_database") && !has(&rows, "in_another_database"));
    ensure!(!has(&all, "of_an_idle_session") && !has(&all, "mcp_running_queries"));
    refused(&mut client, "select * from mcp_running_queries(null)", "22004")?;
    // A latched session may look.
    client.batch_execute("select mcp_guard()")?;
    let rows = client.query("select * from mcp_running_queries()", &[])?;
    ensure!(rows.len() == 1 && rows[0].get::<_, i32>("pid") == holding);
    Ok(())
}

fn privileges(fixture: &Fixture) -> Result<()> {
    let mut admin = fixture.database("running_roles", &["mcp_advisor"])?;
    admin.batch_execute(
        "create role running_reader login; create role running_monitor login;
        grant pg_monitor to running_monitor",
    )?;
    admin.batch_execute("begin; select 1 as secret")?;
    let mut own = fixture.cluster.connect_as("running_roles", "running_reader")?;
    own.batch_execute("begin; select 1 as mine")?;
    let texts = |role: &str| -> Result<Vec<String>> {
        let mut client = fixture.cluster.connect_as("running_roles", role)?;
        let rows = client.query("select query from mcp_running_queries()", &[])?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    };
    let seen = texts("running_reader")?;
    ensure!(seen.len() == 1 && seen[0].contains("as mine"), "{seen:?}");
    let seen = texts("running_monitor")?;
    ensure!(seen.len() == 2 && seen.iter().any(|text| text.contains("as secret")), "{seen:?}");
    Ok(())
}

/// What keeps a latched session from the views' texts keeps it from these functions.
fn kept_texts(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("running_kept", &["pg_stat_statements", "mcp_advisor"])?;
    client.batch_execute("select mcp_schemas(); set mcp_advisor.guard_statement_texts = off")?;
    client.batch_execute("select mcp_guard()")?;
    for call in [
        "mcp_running_queries()",
        "mcp_running_queries(true)",
        "mcp_top_queries('calls', 1000)",
        "mcp_top_queries('calls', 1000, true, 1)",
    ] {
        let error = client.query(&format!("select * from {call}"), &[]).err();
        let error = error.with_context(|| format!("{call} is answered"))?;
        let said = error.as_db_error().context("no error of the server")?;
        ensure!(said.message().contains("statement texts"), "{call}: {said:?}");
    }
    Ok(())
}
