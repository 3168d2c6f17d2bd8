//! A call that is ended from outside ends at once and leaves nothing behind.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use postgres::{Client, NoTls};

use crate::Case;
use crate::fixture::{Fixture, LOOKUP, answered, refused, state};

const QUERY_CANCELED: &str = "57014";

pub(crate) const CASES: &[Case] =
    &[("interrupts_statement_timeout", statement_timeout), ("interrupts_cancel", cancel)];

/// Enough joins that planning them takes far longer than any interrupt needs.
fn long_call() -> String {
    let statement = |n: usize| {
        let tables: Vec<String> = (1..9).map(|t| format!("items as t{t}")).collect();
        let joins: Vec<String> = (2..9)
            .map(|t| format!("t{t}.customer = t{}.id and t{t}.placed > 'epoch'", t - 1))
            .collect();
        format!(
            "$q$select {n} from {} where t1.customer = {n} and {}$q$",
            tables.join(", "),
            joins.join(" and ")
        )
    };
    let list: Vec<String> = (0..200).map(statement).collect();
    format!("select * from mcp_advise_indexes(array[{}], time_limit => null)", list.join(", "))
}

fn statement_timeout(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    client.batch_execute("set statement_timeout = '100 ms'")?;
    refused(&mut client, &long_call(), QUERY_CANCELED)?;
    client.batch_execute("reset statement_timeout")?;
    still_works(&mut client)
}

fn cancel(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    let before = state(&mut client)?;
    let pid: i32 = client.query_one("select pg_backend_pid()", &[])?.try_get(0)?;
    let token = client.cancel_token();
    let mut observer = fixture.session()?;
    let result = thread::scope(|scope| {
        // As one message: between parsing and execution of a prepared one there is nothing to cancel.
        let call = scope.spawn(|| client.batch_execute(&long_call()));
        wait_until_active(&mut observer, pid)?;
        token.cancel_query(NoTls)?;
        call.join().ok().context("the calling thread panicked")
    })?;
    let error = result.err().context("the call was answered before it could be cancelled")?;
    let code = error.code().map(|code| code.code().to_owned());
    ensure!(code.as_deref() == Some(QUERY_CANCELED), "{error}");
    ensure!(state(&mut client)? == before, "the session is not as it was");
    still_works(&mut client)
}

fn wait_until_active(observer: &mut Client, pid: i32) -> Result<()> {
    let sql = "select count(*) from pg_stat_activity
        where pid = $1 and state = 'active' and query like '%mcp_advise_indexes%'";
    let give_up = Instant::now() + Duration::from_secs(60);
    while observer.query_one(sql, &[&pid])?.try_get::<_, i64>(0)? == 0 {
        ensure!(Instant::now() < give_up, "the call never began");
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn still_works(client: &mut Client) -> Result<()> {
    let sql = format!("select 1 from mcp_advise_indexes(array[$q${LOOKUP}$q$])");
    ensure!(answered(client, &sql)?.len() == 1, "the next call gives no advice");
    Ok(())
}
