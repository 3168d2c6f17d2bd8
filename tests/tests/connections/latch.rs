//! Connections closed for changes by the server's latch: the session, or, where a pooler shares it
//! with others, each transaction.

use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use mcp_bridge::db::{Call, Latching};
use mcp_bridge::error::ToolError;
use postgres::{Client, NoTls};

use crate::Case;
use crate::fixture::{Fixture, environment, latched, primary_address, run};
use crate::pooler::Pooler;

pub(crate) const CASES: &[Case] = &[
    ("latch_of_a_direct_connection_is_the_session_s", direct),
    ("latch_is_left_open_for_writers", open),
];

pub(crate) const BEHIND_A_POOLER: &[Case] =
    &[("latch_behind_a_pooler_is_the_transaction_s", behind_a_pooler)];

/// What came of calls on one connection: SQLSTATEs, where there was an error.
struct Outcome {
    /// Of a function that notifies and says that it does nothing.
    liar: Option<String>,
    /// Of a change in a transaction that may write.
    change: Option<String>,
}

fn state<T>(result: Result<T, ToolError>) -> Option<String> {
    let error = result.err()?;
    Some(error.sqlstate.unwrap_or(error.message))
}

/// Calls twice, so that the second has the connection of the first; then, after a look at what is
/// left in the session, changes something.
fn calls(text: &str, latching: Latching, look: impl Fn(i32) -> Result<()>) -> Result<Outcome> {
    run(async {
        let databases = latched(Some(text), &environment(), latching)?;
        let database = databases.get(None).map_err(|error| anyhow!("{error}"))?;
        let call = Call::with_timeout(Duration::from_secs(20));
        let fails = |error: ToolError| anyhow!("{error:?}");
        let mut pids = Vec::new();
        let mut liar = None;
        for _ in 0..2 {
            let mut session = database.read_only(&call).await.map_err(fails)?;
            pids.push(session.backend_pid());
            ensure!(session.rows("select 1", &[]).await.is_ok(), "it reads");
            liar = state(session.rows("select lies()", &[]).await);
            session.finish().await;
        }
        ensure!(pids[0] == pids[1], "{pids:?}: the connection was thrown away");
        tokio::task::block_in_place(|| look(pids[0]))?;
        let mut session = database.begin_write(&call).await.map_err(fails)?;
        let change = state(session.rows("select nextval('s')", &[]).await);
        session.finish().await;
        Ok(Outcome { liar, change })
    })
}

fn direct(fixture: &Fixture) -> Result<()> {
    let socket = format!("host={} user=app", fixture.primary.socket_dir().display());
    let tcp = format!("host=localhost hostaddr={} user=app", primary_address());
    for place in [
        socket,
        format!("{tcp} sslmode=disable"),
        format!("{tcp} sslmode=prefer"),
        format!("{tcp} sslmode=require"),
    ] {
        let outcome = calls(&format!("{place} dbname=latched"), Latching::Auto, |_| Ok(()))?;
        ensure!(outcome.liar.as_deref() == Some("25006"), "{place}: {:?}", outcome.liar);
        // Even this: it is the session that is latched.
        ensure!(outcome.change.as_deref() == Some("25006"), "{place}: {:?}", outcome.change);
        let outcome = calls(&format!("{place} dbname=latched"), Latching::Transaction, |_| Ok(()))?;
        ensure!(outcome.liar.as_deref() == Some("25006"), "{place}: {:?}", outcome.liar);
        ensure!(outcome.change.is_none(), "{place}: {:?}", outcome.change);
    }
    Ok(())
}

/// The proof that the others could fail.
fn open(fixture: &Fixture) -> Result<()> {
    let text = format!("host={} user=app dbname=latched", fixture.primary.socket_dir().display());
    let outcome = calls(&text, Latching::Off, |_| Ok(()))?;
    ensure!(outcome.liar.is_none(), "{:?}", outcome.liar);
    ensure!(outcome.change.is_none(), "{:?}", outcome.change);
    Ok(())
}

fn behind_a_pooler(fixture: &Fixture) -> Result<()> {
    let pooler = Pooler::start(fixture, "pooler-latch")?;
    let text = format!("{} dbname=latched", pooler.place());
    let outcome = calls(&text, Latching::Auto, |pid| shared(&text, pid))?;
    ensure!(outcome.liar.as_deref() == Some("25006"), "{:?}", outcome.liar);
    ensure!(outcome.change.is_none(), "{:?}", outcome.change);
    // As a whole session it is latched only if somebody says so.
    let outcome = calls(&text, Latching::Session, |_| Ok(()))?;
    ensure!(outcome.change.as_deref() == Some("25006"), "{:?}", outcome.change);
    Ok(())
}

/// The next client of the very session finds nothing of the latch.
fn shared(text: &str, pid: i32) -> Result<()> {
    let mut other = Client::connect(text, NoTls)?;
    let sql = "select pg_backend_pid(), current_setting('statement_timeout')
        || current_setting('temp_file_limit') || current_setting('transaction_read_only')";
    let row = other.query_one(sql, &[])?;
    let (own_pid, settings): (i32, String) = (row.try_get(0)?, row.try_get(1)?);
    ensure!(own_pid == pid, "{own_pid}, not {pid}");
    ensure!(settings == "0-1off", "{settings}");
    other.batch_execute("create table app.written (a integer); drop table app.written")?;
    Ok(())
}
