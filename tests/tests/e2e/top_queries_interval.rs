//! `mcp_top_queries(delta_seconds => …)`: what ends in an interval, and how the interval ends.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use postgres::{Client, NoTls, Row};

use crate::Case;
use crate::fixture::{Fixture, refused, state};
use crate::top_queries_orders::{HERE, database, seen};

pub(crate) const CASES: &[Case] = &[
    ("top_queries_count_what_an_interval_holds", counts),
    ("top_queries_interval_holds_no_lock", no_lock),
    ("top_queries_interval_can_be_cancelled", cancelled),
    ("top_queries_interval_refuses_bad_arguments", bad_arguments),
    ("top_queries_interval_of_a_role_without_privileges", privileges),
    ("top_queries_interval_in_a_latched_session", latched),
];

/// What became of a call.
type Outcome = std::result::Result<Vec<Row>, postgres::Error>;

/// Lengths of an interval to try, in seconds: on a busy machine the first may be over before what is
/// to happen in it has happened.
const LENGTHS: [u32; 3] = [2, 8, 30];

/// Whether the call of a backend waits for its interval to end.
fn waits(observer: &mut Client, pid: i32) -> Result<bool> {
    let sql = "select coalesce(wait_event_type = 'Extension', false) from pg_stat_activity
        where pid = $1 and state = 'active'";
    Ok(observer.query_opt(sql, &[&pid])?.is_some_and(|row| row.get(0)))
}

/// Runs the call, with `meanwhile` once it waits; and whether it still waited after that.
fn during(
    fixture: &Fixture,
    client: &mut Client,
    call: &str,
    meanwhile: impl FnOnce(i32) -> Result<()>,
) -> Result<(Outcome, bool)> {
    let pid: i32 = client.query_one("select pg_backend_pid()", &[])?.try_get(0)?;
    let mut observer = fixture.cluster.connect("postgres")?;
    thread::scope(|scope| {
        let call = scope.spawn(|| client.query(call, &[]));
        let deadline = Instant::now() + Duration::from_secs(30);
        while !waits(&mut observer, pid)? {
            ensure!(Instant::now() < deadline && !call.is_finished(), "it is never seen to wait");
            thread::sleep(Duration::from_millis(5));
        }
        meanwhile(pid)?;
        let still = waits(&mut observer, pid)?;
        Ok((call.join().ok().context("the calling thread panicked")?, still))
    })
}

/// The rows of an interval in which all of `meanwhile` happened. `{}` in the call is its length.
fn within(
    fixture: &Fixture,
    client: &mut Client,
    call: &str,
    mut meanwhile: impl FnMut(i32) -> Result<()>,
) -> Result<Vec<Row>> {
    for seconds in LENGTHS {
        let call = call.replace("{}", &seconds.to_string());
        let (outcome, still) = during(fixture, client, &call, &mut meanwhile)?;
        let rows = answer(outcome)?;
        if still {
            return Ok(rows);
        }
    }
    anyhow::bail!("no interval is long enough on this machine")
}

/// The rows, or the server's words.
fn answer(outcome: Outcome) -> Result<Vec<Row>> {
    outcome.map_err(|error| match error.as_db_error() {
        Some(said) => anyhow::anyhow!("{said:?}"),
        None => error.into(),
    })
}

fn times(client: &mut Client, sql: &str, n: usize) -> Result<()> {
    (0..n).try_for_each(|_| Ok(client.batch_execute(sql)?))
}

fn counts(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "top_delta")?;
    let mut worker = fixture.cluster.connect("top_delta")?;
    times(&mut worker, "select abs(1) as before_only", 5)?;
    times(&mut worker, "select count(*) as both from big", 5)?;
    times(&mut worker, "select sqrt(1) as reset_in_between", 50)?;
    let reset = format!(
        "select pg_stat_statements_reset(0, {HERE}, (select queryid from pg_stat_statements
            where dbid = {HERE} and query = 'select sqrt($1) as reset_in_between'))"
    );
    let call = "select * from mcp_top_queries('total_time', 1000, delta_seconds => {})";
    let before = state(&mut client)?;
    // Fewer than before at each try: as many would be taken for none.
    let mut after_reset = 9;
    let rows = within(fixture, &mut client, call, |_| {
        after_reset -= 2;
        times(&mut worker, "select count(*) as both from big", 3)?;
        times(&mut worker, "select length('x') as within_only", 4)?;
        worker.batch_execute(&reset)?;
        times(&mut worker, "select sqrt(1) as reset_in_between", after_reset)
    })?;
    ensure!(state(&mut client)? == before, "the session is not as it was");
    let calls = |marker: &str| -> Option<i64> {
        let row = rows.iter().find(|row| row.get::<_, &str>("query").contains(marker))?;
        row.get("calls")
    };
    ensure!(calls("as both") == Some(3), "{:?}", seen(&rows));
    ensure!(calls("as within_only") == Some(4), "{:?}", seen(&rows));
    ensure!(calls("as reset_in_between") == i64::try_from(after_reset).ok(), "{:?}", seen(&rows));
    ensure!(calls("as before_only").is_none(), "{:?}", seen(&rows));
    let both = rows.iter().find(|row| row.get::<_, &str>("query").contains("as both"));
    let both = both.context("both")?;
    // Three of eight calls, in the shape of the whole.
    ensure!(both.get::<_, i64>("rows") == 3, "{both:?}");
    let (total, mean): (f64, f64) = (both.get("total_ms"), both.get("mean_ms"));
    ensure!((total / 3.0 - mean).abs() < 1e-9 && total > 0.0, "{total} and {mean}");
    ensure!(both.get::<_, Option<f64>>("max_ms").is_none(), "{both:?}");
    let accessed: i64 = both.get::<_, i64>("blocks_hit") + both.get::<_, i64>("blocks_read");
    let pages: i64 = worker
        .query_one("select pg_relation_size('big') / current_setting('block_size')::int", &[])?
        .try_get(0)?;
    ensure!((3 * pages..3 * pages + 30).contains(&accessed), "{accessed} of {pages} pages");
    let sum: f64 = rows.iter().map(|row| row.get::<_, f64>("time_share")).sum();
    ensure!((0.999..1.001).contains(&sum), "shares of {sum}");
    let recent =
        "select bool_and(now() - x < interval '1 minute') from unnest($1::timestamptz[]) as x";
    let since: Vec<std::time::SystemTime> = rows.iter().map(|row| row.get("stats_since")).collect();
    ensure!(worker.query_one(recent, &[&since])?.try_get::<_, bool>(0)?, "{since:?}");
    Ok(())
}

fn no_lock(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "top_delta_lock")?;
    let call = "select count(*) from mcp_top_queries(delta_seconds => {})";
    within(fixture, &mut client, call, |pid| {
        let mut other = fixture.cluster.connect("top_delta_lock")?;
        let locks = "select coalesce(relation::regclass::text, locktype) from pg_locks
            where pid = $1 and locktype <> 'virtualxid'";
        let held: Vec<String> =
            other.query(locks, &[&pid]).context("locks")?.iter().map(|row| row.get(0)).collect();
        ensure!(held.is_empty(), "{held:?}");
        // Nobody who alters the view waits for it.
        let drop = "set lock_timeout = '500ms'; begin; drop extension pg_stat_statements; rollback";
        other.batch_execute(drop).context("drop while it waits")
    })?;
    // It is dropped while the call waits.
    let call = "select count(*) from mcp_top_queries(delta_seconds => 5)";
    let (outcome, _) = during(fixture, &mut client, call, |_| {
        let mut other = fixture.cluster.connect("top_delta_lock")?;
        answer(other.query("drop extension pg_stat_statements", &[])).map(drop)
    })?;
    let error = outcome.err().context("an answer without the extension")?;
    let said = error.as_db_error().with_context(|| error.to_string())?;
    ensure!(said.code().code() == "42P01" && said.detail().is_none(), "{said:?}");
    Ok(())
}

fn cancelled(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "top_delta_cancel")?;
    let began = Instant::now();
    client.batch_execute("set statement_timeout = '200ms'")?;
    let call = "select * from mcp_top_queries(delta_seconds => 3600)";
    refused(&mut client, call, "57014")?;
    client.batch_execute("reset statement_timeout")?;
    let before = state(&mut client)?;
    let token = client.cancel_token();
    let (outcome, _) = during(fixture, &mut client, call, |_| Ok(token.cancel_query(NoTls)?))?;
    let code = outcome.err().and_then(|error| error.code().map(|code| code.code().to_owned()));
    ensure!(code.as_deref() == Some("57014"), "{code:?}");
    ensure!(state(&mut client)? == before, "the session is not as it was");
    // A signal that is no cancel does not shorten it.
    let begun = Instant::now();
    let call = "select count(*) from mcp_top_queries(delta_seconds => 1)";
    let (outcome, _) = during(fixture, &mut client, call, |pid| {
        let mut other = fixture.cluster.connect("postgres")?;
        other.execute("select pg_log_backend_memory_contexts($1)", &[&pid])?;
        Ok(())
    })?;
    answer(outcome)?;
    ensure!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
    // Its process ends with the wait.
    let (outcome, _) =
        during(fixture, &mut client, "select mcp_top_queries(delta_seconds => 3600)", |pid| {
            let mut other = fixture.cluster.connect("postgres")?;
            Ok(other.execute("select pg_terminate_backend($1)", &[&pid]).map(drop)?)
        })?;
    ensure!(
        outcome.is_err() && began.elapsed() < Duration::from_secs(120),
        "{:?}",
        began.elapsed()
    );
    Ok(())
}

fn bad_arguments(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    for seconds in ["0", "-1", "3601", "2147483647", "-2147483648"] {
        let sql = format!("select * from mcp_top_queries(delta_seconds => ({seconds})::integer)");
        let error = refused(&mut client, &sql, "22023")?;
        ensure!(error.message() == "delta_seconds must be from 1 to 3600", "{error}");
    }
    for order in advisor_sql::statements::NOT_OF_AN_INTERVAL {
        let sql = format!("select * from mcp_top_queries('{order}', delta_seconds => 3600)");
        let error = refused(&mut client, &sql, "22023")?;
        ensure!(error.message().contains("known of an interval"), "{error}");
    }
    Ok(())
}

/// What it cannot tell apart it does not count.
fn privileges(fixture: &Fixture) -> Result<()> {
    let mut admin = database(fixture, "top_delta_roles")?;
    admin.batch_execute(
        "create role top_delta_reader login; grant select on big to top_delta_reader",
    )?;
    let mut reader = fixture.cluster.connect_as("top_delta_roles", "top_delta_reader")?;
    let mut second = fixture.cluster.connect_as("top_delta_roles", "top_delta_reader")?;
    times(&mut admin, "select 1 as secret", 5)?;
    let call = "select * from mcp_top_queries('calls', 1000, delta_seconds => {})";
    let rows = within(fixture, &mut reader, call, |_| {
        times(&mut admin, "select 1 as secret", 5)?;
        times(&mut second, "select count(*) as mine from big", 2)
    })?;
    let texts: Vec<&str> = rows.iter().map(|row| row.get("query")).collect();
    ensure!(texts.len() == 1 && texts[0].contains("as mine"), "{texts:?}");
    ensure!(rows[0].get::<_, i64>("calls") == 2, "{:?}", seen(&rows));
    Ok(())
}

fn latched(fixture: &Fixture) -> Result<()> {
    let mut admin = database(fixture, "top_delta_latch")?;
    let mut client = fixture.cluster.connect("top_delta_latch")?;
    client.batch_execute("select mcp_guard(statement_time => '12 seconds')")?;
    let call = "select * from mcp_top_queries('calls', 1000, delta_seconds => {})";
    let rows = within(fixture, &mut client, call, |_| times(&mut admin, "select 1 as seen", 3))?;
    let found = rows.iter().find(|row| row.get::<_, &str>("query").contains("as seen"));
    ensure!(found.context("not seen")?.get::<_, i64>("calls") == 3, "{:?}", seen(&rows));
    // The ceiling of the latch ends it, as any statement.
    let began = Instant::now();
    let answer = client.query("select * from mcp_top_queries(delta_seconds => 3600)", &[]);
    let code = answer.err().and_then(|error| error.code().map(|code| code.code().to_owned()));
    ensure!(code.as_deref() == Some("57014"), "{code:?}");
    ensure!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    Ok(())
}
