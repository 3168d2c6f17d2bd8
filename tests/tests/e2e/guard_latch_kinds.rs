//! How the latch of `mcp_guard()` is closed, by call or by setting, for a session or a transaction;
//! and how many bytes it lets out.

use anyhow::{Result, ensure};
use postgres::Client;

use crate::Case;
use crate::fixture::Fixture;
use crate::guard_latch::{code, database, state};

pub(crate) const CASES: &[Case] = &[
    ("latch_bounds_bytes", bytes),
    ("latch_bounds_memory", memory),
    ("latch_of_a_transaction_ends_with_it", transaction),
    ("latch_of_a_transaction_is_not_left_within_a_message", messages),
    ("latch_by_setting_closes_at_login", setting),
    ("latch_again_reaches_nothing_else", again),
];

fn bytes(fixture: &Fixture) -> Result<()> {
    let mut observer = database(fixture, "latch_bytes")?;
    observer.batch_execute(
        "create table wide (id integer, pad text); alter table wide alter pad set storage external;
        insert into wide select g, repeat('x', 5000) from generate_series(1, 20) as g;
        create table packed (pad text); insert into packed values (repeat('x', 100000))",
    )?;
    let mut latched = fixture.cluster.connect("latch_bytes")?;
    latched.batch_execute("select mcp_guard(max_bytes => 50000)")?;
    for (sql, passes) in [
        ("select id, pad from wide where id <= 9", true),
        ("select id, pad from wide", false),
        ("select count(*), max(pad) from wide", true),
        // What is packed counts as what is sent.
        ("select pad from packed", false),
        ("select length(pad) from packed", true),
        ("select repeat('y', 49000)", true),
        ("select repeat('y', 50000)", false),
        ("select null, 'a'::cstring, 1::smallint, now()", true),
        ("select from wide", true),
        ("begin; declare c cursor for select pad from wide; fetch 9 from c; fetch 9 from c", true),
        ("commit", true),
        ("begin; declare c cursor for select pad from wide; fetch 11 from c", false),
        ("rollback; prepare few as select pad from wide limit 9; execute few", true),
        ("prepare all_of_it as select pad from wide; execute all_of_it", false),
        ("rollback", true),
        ("select lies.pad from (select pad from wide order by id) as lies limit 2", true),
    ] {
        let outcome = latched.batch_execute(sql);
        let expected = if passes { "" } else { "54000" };
        ensure!(code(outcome) == expected, "{sql}");
    }
    // In the extended protocol and in binary, too.
    ensure!(latched.query("select id, pad from wide where id <= $1", &[&9])?.len() == 9);
    let refused = latched.query("select id, pad from wide where id <= $1", &[&10]).map(drop);
    ensure!(code(refused) == "54000");
    Ok(())
}

fn memory(fixture: &Fixture) -> Result<()> {
    let mut observer = database(fixture, "latch_memory")?;
    observer.batch_execute(
        "create function caught() returns text stable language plpgsql as $$
        begin
            perform array_agg(repeat('x', 100000)) from generate_series(1, 20000);
            return 'there was enough';
        exception when others then
            return 'caught';
        end $$",
    )?;
    let mut latched = fixture.cluster.connect("latch_memory")?;
    latched.batch_execute("select mcp_guard(memory => 67108864)")?;
    let collected = "select count(a) from (
        select array_agg(repeat('x', 100000)) as a from generate_series(1, 20000)) as q";
    for (sql, passes) in [
        (collected, false),
        // Each statement has its own.
        (
            "select array_length(array_agg(repeat('x', 100000)), 1) from generate_series(1, 300)",
            true,
        ),
        (
            "select count(*) from (select n from generate_series(1, 1000000) as n order by -n) as q",
            true,
        ),
        // In a nested statement, and past a handler.
        ("select caught()", false),
        // Computed when the statement is planned.
        ("explain select repeat('x', 500000000) || repeat('y', 500000000)", false),
        ("select 1", true),
    ] {
        let outcome = latched.batch_execute(sql);
        let message = outcome.as_ref().err().and_then(postgres::Error::as_db_error);
        let message = message.map(|error| error.message().to_owned()).unwrap_or_default();
        let expected = if passes { "" } else { "the statement takes more than 64 MB of memory" };
        ensure!(message == expected, "{sql}: {message}");
        ensure!(code(outcome) == if passes { "" } else { "57014" }, "{sql}");
    }
    // In the extended protocol, too.
    let refused = latched.query(&format!("{collected} where $1"), &[&true]).map(drop);
    ensure!(code(refused) == "57014");
    // Other cancels keep their words.
    latched.batch_execute("set statement_timeout = '100 ms'")?;
    let late = latched.batch_execute("select count(*) from generate_series(1, 100000000)");
    let late = late.err().map(|error| format!("{error:?}")).unwrap_or_default();
    ensure!(late.contains("canceling statement due to statement timeout"), "{late}");
    let mut shared = fixture.cluster.connect("latch_memory")?;
    shared
        .batch_execute("begin; select mcp_guard(memory => 67108864, this_transaction => true)")?;
    ensure!(code(shared.batch_execute(collected)) == "57014");
    shared.batch_execute("rollback")?;
    shared.batch_execute("select array_agg(repeat('x', 100000)) from generate_series(1, 2000)")?;
    Ok(())
}

/// What a session's settings are.
fn settings(client: &mut Client) -> Result<Vec<String>> {
    let sql = "select concat_ws(' ', name, setting, source) from pg_settings
        where name not like 'plpgsql.%'";
    client.query(sql, &[])?.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

fn transaction(fixture: &Fixture) -> Result<()> {
    let mut observer = database(fixture, "latch_transaction")?;
    let before = state(&mut observer)?;
    let mut shared = fixture.cluster.connect("latch_transaction")?;
    shared.batch_execute("load 'mcp_advisor'; set work_mem = '1GB'")?;
    let unlatched = settings(&mut shared)?;
    let latch = "begin; select mcp_guard('300 ms', '100 ms', 1048576, 104857600, 0, 10,
        this_transaction => true)";
    for end in ["rollback", "commit", "select 1/0; select 2"] {
        for change in [
            "insert into t values (8, 'h')",
            "select nextval('s')",
            "select lies()",
            "select reads_file()",
            "create temp table u (a integer)",
            "prepare transaction 'latch'",
            "commit prepared 'latch'",
        ] {
            shared.batch_execute(latch)?;
            ensure!(code(shared.batch_execute(change)) == "25006", "{change}");
            ensure!(state(&mut observer)? == before, "{change}");
            shared.batch_execute("rollback")?;
        }
        shared.batch_execute(latch)?;
        shared.batch_execute("savepoint a; select 1; rollback to a; select * from t")?;
        ensure!(shared.query_one("show work_mem", &[])?.get::<_, String>(0) == "1MB");
        let _ = shared.batch_execute(end);
        let _ = shared.batch_execute("rollback");
        // The next, who may be another, finds nothing of it.
        let after = settings(&mut shared)?;
        let changed: Vec<&String> = after.iter().filter(|one| !unlatched.contains(one)).collect();
        ensure!(changed.is_empty(), "{end}: {changed:?}");
        shared.batch_execute(
            "begin; insert into t values (60, 'x'); select nextval('s'), pg_sleep(0.5);
            create temp table u on commit drop as select g from generate_series(1, 100) as g;
            select * from u; select reads_file(); rollback; select setval('s', 1, false)",
        )?;
    }
    // The time is that of the message, not of what comes after it.
    shared.batch_execute(latch)?;
    ensure!(code(shared.batch_execute("select count(*) from generate_series(1, 1e9)")) == "57014");
    shared.batch_execute("rollback; select pg_sleep(0.5)")?;
    // Within a latched session it opens nothing.
    shared.batch_execute("select mcp_guard()")?;
    shared.batch_execute(latch)?;
    shared.batch_execute("rollback")?;
    ensure!(code(shared.batch_execute("insert into t values (61, 'x')")) == "25006");
    ensure!(state(&mut observer)? == before);
    Ok(())
}

fn messages(fixture: &Fixture) -> Result<()> {
    let mut observer = database(fixture, "latch_messages")?;
    let before = state(&mut observer)?;
    for text in [
        "select 1; rollback; insert into t values (70, 'm')",
        "select 1; commit; insert into t values (70, 'm')",
        "select 1; end; select nextval('s')",
        "select 1; abort and chain; select nextval('s')",
        "select 1; commit and chain; select nextval('s')",
        "savepoint a; rollback; drop table t",
        "/* */ ; select 1; rollback; create table u (a integer)",
    ] {
        let mut shared = fixture.cluster.connect("latch_messages")?;
        shared.batch_execute("begin; select mcp_guard(this_transaction => true)")?;
        ensure!(code(shared.batch_execute(text)) == "25006", "{text}");
        ensure!(state(&mut observer)? == before, "{text}");
    }
    Ok(())
}

fn setting(fixture: &Fixture) -> Result<()> {
    let mut observer = database(fixture, "latch_setting")?;
    observer.batch_execute(
        "create role latch_by_setting superuser login;
        alter role latch_by_setting set session_preload_libraries = 'mcp_advisor';
        alter role latch_by_setting set mcp_advisor.guard = on;
        alter role latch_by_setting set statement_timeout = '300 ms'",
    )?;
    let before = state(&mut observer)?;
    for first in [
        "insert into t values (80, 's')",
        "select nextval('s')",
        "do $$ begin perform lies(); end $$",
        "select lies()",
        "set mcp_advisor.guard_functions = 'public.*'; select lies()",
        "set mcp_advisor.guard = off; delete from t",
        "reset mcp_advisor.guard; reset all; select reads_file()",
        "set session authorization postgres; set mcp_advisor.guard = off; drop table t",
        "begin read write; set local mcp_advisor.guard = off; truncate t",
        "alter role latch_by_setting reset mcp_advisor.guard",
    ] {
        let mut latched = fixture.cluster.connect_as("latch_setting", "latch_by_setting")?;
        ensure!(code(latched.batch_execute(first)) == "25006", "{first}");
        let _ = latched.batch_execute("rollback");
        ensure!(state(&mut observer)? == before, "{first}");
        ensure!(code(latched.batch_execute("insert into t values (81, 's')")) == "25006");
    }
    let mut latched = fixture.cluster.connect_as("latch_setting", "latch_by_setting")?;
    latched.batch_execute("set statement_timeout = 0")?;
    let endless = latched.batch_execute("select count(*) from generate_series(1, 1e9)");
    ensure!(code(endless) == "57014");
    ensure!(latched.query_one("show temp_file_limit", &[])?.get::<_, String>(0) == "1GB");
    // It is a superuser's to set, and for good.
    let mut switched = fixture.cluster.connect("latch_setting")?;
    switched.batch_execute("load 'mcp_advisor'; insert into t values (82, 's')")?;
    switched.batch_execute("begin; set local mcp_advisor.guard = on; rollback")?;
    ensure!(code(switched.batch_execute("insert into t values (83, 's')")) == "25006");
    observer.batch_execute("create role latch_plain login")?;
    let mut plain = fixture.cluster.connect_as("latch_setting", "latch_plain")?;
    ensure!(code(plain.batch_execute("load 'mcp_advisor'; set mcp_advisor.guard = on")) == "42501");
    observer.batch_execute("drop role latch_by_setting; drop role latch_plain").map_err(Into::into)
}

/// A function that the latch is against may itself call `mcp_guard()`.
fn again(fixture: &Fixture) -> Result<()> {
    database(fixture, "latch_again")?.batch_execute(
        "create function lowers() returns void language plpgsql stable as
            $$ begin perform mcp_guard('1 ms', '1 ms', 65536, 0, 0, 1, 1); end $$",
    )?;
    let mut latched = fixture.cluster.connect("latch_again")?;
    latched.batch_execute("select mcp_guard(); begin; select lowers()")?;
    ensure!(!code(latched.batch_execute("select pg_sleep(0)")).is_empty(), "it holds at once");
    latched.batch_execute("rollback")?;
    latched.batch_execute("select count(*), repeat('x', 100) from generate_series(1, 100000)")?;
    ensure!(latched.query("select generate_series(1, 10)", &[])?.len() == 10);
    // Behind a pooler the session is others'.
    let mut shared = fixture.cluster.connect("latch_again")?;
    shared.batch_execute("begin; select mcp_guard(this_transaction => true)")?;
    let _ = shared.batch_execute("select lowers()");
    shared.batch_execute("rollback; insert into t values (90, 'o')").map_err(Into::into)
}
