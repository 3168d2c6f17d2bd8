//! `mcp_health` on connections that run out, and on sessions that keep others waiting.

use std::thread::JoinHandle;

use advisor_tests::cluster::Cluster;
use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde_json::Value;

use crate::Case;
use crate::fixture::Fixture;
use crate::health::{Finding, database, expect_and_mend, expect_ok, findings};
use crate::health_replication::{client, wait_for};

pub(crate) const CASES: &[Case] = &[
    ("health_finds_that_connections_run_out", connections),
    ("health_finds_roles_and_databases_at_their_connection_limit", limits),
    ("health_finds_who_is_idle_in_transaction", idle_in_transaction),
    ("health_finds_long_statements_and_transactions", long_statements),
    ("health_finds_who_keeps_others_waiting", blocked_by_idle),
    ("health_finds_a_queue_behind_a_schema_change", blocked_by_active),
    ("health_finds_prepared_transactions_that_keep_others_waiting", blocked_by_prepared),
    ("health_finds_a_deadlock_that_lasts", deadlock),
    ("health_finds_that_replay_keeps_sessions_waiting", blocked_by_replay),
    ("health_finds_idle_sessions", idle_sessions),
    ("health_finds_a_full_lock_table", lock_table),
];

/// A statement that runs in a session of its own.
struct Running {
    pid: i32,
    thread: JoinHandle<Result<(), postgres::Error>>,
}

impl Running {
    fn start(mut client: Client, sql: &'static str) -> Result<Self> {
        let pid = pid(&mut client)?;
        Ok(Self { pid, thread: std::thread::spawn(move || client.batch_execute(sql)) })
    }

    /// The SQLSTATE it ended with; empty when it succeeded.
    fn end(self) -> Result<String> {
        let ended = self.thread.join().map_err(|_| anyhow::anyhow!("the session panicked"))?;
        Ok(ended.err().map_or_else(String::new, |error| {
            error.code().map_or_else(|| error.to_string(), |code| code.code().to_owned())
        }))
    }
}

fn pid(client: &mut Client) -> Result<i32> {
    Ok(client.query_one("select pg_backend_pid()", &[])?.try_get(0)?)
}

/// Waits until so many sessions of this database wait for a lock.
fn wait_for_waiting(client: &mut Client, count: usize) -> Result<()> {
    let sql = format!(
        "select count(*) = {count} from pg_stat_activity
        where wait_event_type = 'Lock' and datname = current_database()"
    );
    wait_for(client, &sql)
}

/// What a check finds of one session: others' are none of ours in a shared cluster.
fn of_session(client: &mut Client, check: &str, pid: i32) -> Result<Vec<Finding>> {
    let mut found = findings(client, check)?;
    found.retain(|one| one.details["pid"] == pid);
    Ok(found)
}

fn connections(_: &Fixture) -> Result<()> {
    let cluster = Cluster::start("max_connections = 13\nsuperuser_reserved_connections = 3")?;
    let mut client = client(&cluster)?;
    expect_ok(&mut client, "connection_usage")?;
    client.batch_execute("create role plain login; create role nosy login")?;
    let mut others = Vec::new();
    for (count, severity) in [(8, "warning"), (9, "critical")] {
        while others.len() + 1 < count {
            others.push(cluster.connect_as("postgres", "plain")?);
        }
        let found = findings(&mut client, "connection_usage")?;
        ensure!(found[0].severity == severity, "{count} of 10: {found:#?}");
        let details = &found[0].details;
        ensure!(details["usable"] == 10 && details["used"] == count, "{found:#?}");
        // Who has most comes first.
        ensure!(details["by_role"][0]["role"] == "plain", "{found:#?}");
        ensure!(details["by_role"][1]["sessions"] == 1, "{found:#?}");
        ensure!(details["by_database"][0]["sessions"] == count, "{found:#?}");
    }
    // A role that does not see the sessions of others counts them all the same.
    others.truncate(6);
    wait_for(&mut client, "select count(*) = 6 from pg_stat_activity where usename = 'plain'")?;
    let mut nosy = cluster.connect_as("postgres", "nosy")?;
    let found = findings(&mut nosy, "connection_usage")?;
    ensure!(found[0].severity == "warning" && found[0].details["used"] == 8, "{found:#?}");
    ensure!(found[0].details["idle"] == Value::Null, "{found:#?}");
    Ok(())
}

fn limits(fixture: &Fixture) -> Result<()> {
    let name = "Health limits";
    let mut client = database(fixture, name)?;
    client.batch_execute(
        r#"create role "Limited ""role" login connection limit 5;
        create role health_exempt login superuser connection limit 5;
        create role health_single login connection limit 1;
        create role health_roomy login connection limit 50"#,
    )?;
    let roles = ["Limited \"role", "health_exempt", "health_single", "health_roomy"];
    let mut sessions = Vec::new();
    for role in roles {
        sessions.push(fixture.cluster.connect_as(name, role)?);
    }
    expect_ok(&mut client, "connection_limit")?;
    for role in roles.iter().take(2).cycle().take(8) {
        sessions.push(fixture.cluster.connect_as(name, role)?);
    }
    let refused = fixture.cluster.connect_as(name, "Limited \"role");
    ensure!(refused.is_err(), "a session beyond the limit");
    let wanted = "critical role \"Limited \"\"role\"";
    expect_and_mend(&mut client, "connection_limit", &[wanted])?;
    sessions.push(fixture.cluster.connect_as(name, "Limited \"role")?);
    // 14 sessions, superusers' too.
    client.batch_execute("alter database \"Health limits\" connection limit 16")?;
    let wanted = "warning database \"Health limits\"";
    expect_and_mend(&mut client, "connection_limit", &[wanted])?;
    // Everybody may see the limits and count the sessions.
    client.batch_execute("alter database \"Health limits\" connection limit 15")?;
    let mut plain = fixture.cluster.connect_as(name, "health_roomy")?;
    let found = findings(&mut plain, "connection_limit")?;
    ensure!(found[0].severity == "critical" && found[0].details["used"] == 15, "{found:#?}");
    Ok(())
}

/// On a server of its own: with the limit at 0, sessions of other cases would be findings too, and
/// those beyond the twentieth are only counted.
fn idle_in_transaction(_: &Fixture) -> Result<()> {
    const CHECK: &str = "idle_in_transaction";
    let cluster = Cluster::start("")?;
    let mut client = client(&cluster)?;
    client.batch_execute("create table t (a integer); insert into t values (1)")?;
    let mut idle = cluster.connect("postgres")?;
    let idle_pid = pid(&mut idle)?;
    idle.batch_execute("begin; update t set a = 2")?;
    let waiter = cluster.connect("postgres")?;
    // A moment of idleness is no fault, nor one that others wait for.
    ensure!(of_session(&mut client, CHECK, idle_pid)?.is_empty());
    let waiter = Running::start(waiter, "update t set a = 3")?;
    wait_for_waiting(&mut client, 1)?;
    client.batch_execute("set mcp_advisor.health_idle_in_transaction_blocking = '1h'")?;
    ensure!(of_session(&mut client, CHECK, idle_pid)?.is_empty());
    client.batch_execute("set mcp_advisor.health_idle_in_transaction_blocking = 0")?;
    let found = of_session(&mut client, CHECK, idle_pid)?;
    ensure!(found.len() == 1 && found[0].severity == "warning", "{found:#?}");
    ensure!(found[0].object.ends_with(" of postgres in postgres"), "{found:#?}");
    let details = &found[0].details;
    ensure!(details["waiters"] == 1 && details["relations"][0] == "public.t", "{found:#?}");
    ensure!(details["last_statement"] == "begin; update t set a = 2", "{found:#?}");
    let stale = found[0].remediation.clone();
    client.batch_execute("set mcp_advisor.health_idle_in_transaction_warning = 0")?;
    let found = findings(&mut client, CHECK)?;
    let mine = found.iter().find(|one| one.details["pid"] == idle_pid);
    ensure!(mine.is_some_and(|one| one.severity == "critical"), "{found:#?}");

    // What was printed for one transaction does not end the next of the same session.
    idle.batch_execute("rollback")?;
    ensure!(waiter.end()?.is_empty());
    idle.batch_execute("begin; select * from t")?;
    client.batch_execute(&stale)?;
    ensure!(idle.batch_execute("select 1 / 0").is_err());
    // The error is told before the session has become idle.
    let failed = format!(
        "select count(*) = 1 from pg_stat_activity where pid = {idle_pid}
            and state = 'idle in transaction (aborted)'"
    );
    wait_for(&mut client, &failed)?;
    let found = findings(&mut client, CHECK)?;
    let mine = found.iter().find(|one| one.details["pid"] == idle_pid);
    let mine = mine.with_context(|| format!("the failed transaction is missing: {found:#?}"))?;
    ensure!(mine.severity == "warning", "{found:#?}");
    ensure!(mine.message.contains("idle in transaction (aborted)"), "{found:#?}");
    client.batch_execute(&mine.remediation)?;
    let gone = format!("select count(*) = 0 from pg_stat_activity where pid = {idle_pid}");
    wait_for(&mut client, &gone)?;
    ensure!(of_session(&mut client, CHECK, idle_pid)?.is_empty());
    Ok(())
}

fn long_statements(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_long")?;
    client.batch_execute("create table t as select 1 as a; create role health_long_role login")?;
    let connect = || fixture.cluster.connect("health_long");
    let long = Running::start(connect()?, "begin; select pg_sleep(600) from t; commit")?;
    wait_for(
        &mut client,
        "select count(*) = 1 from pg_stat_activity where wait_event = 'PgSleep'
        and datname = 'health_long'",
    )?;
    // Neither waits for a lock, nor is at work on an index.
    let waits = Running::start(connect()?, "alter table t add b integer")?;
    wait_for_waiting(&mut client, 1)?;
    client.batch_execute("create table u as select 1 as a")?;
    let mut writer = connect()?;
    writer.batch_execute("begin; update u set a = 2")?;
    let builds = Running::start(connect()?, "create index concurrently on u (a)")?;
    wait_for(
        &mut client,
        "select count(*) = 1 from pg_stat_progress_create_index where datname = 'health_long'",
    )?;
    for check in ["long_query", "long_transaction"] {
        ensure!(of_session(&mut client, check, long.pid)?.is_empty(), "{check}");
    }
    client.batch_execute(
        "set mcp_advisor.health_long_query_warning = 0;
        set mcp_advisor.health_long_transaction_warning = 0",
    )?;
    for check in ["long_query", "long_transaction"] {
        let found = of_session(&mut client, check, long.pid)?;
        ensure!(found.len() == 1 && found[0].severity == "warning", "{found:#?}");
        ensure!(found[0].object.ends_with(" of postgres in health_long"), "{found:#?}");
        ensure!(found[0].details["holds_back_vacuum"] == true, "{found:#?}");
    }
    for pid in [waits.pid, builds.pid, pid(&mut client)?] {
        let found = of_session(&mut client, "long_query", pid)?;
        ensure!(found.is_empty(), "{found:#?}");
    }
    ensure!(of_session(&mut client, "long_transaction", pid(&mut writer)?)?.is_empty());
    // A role with nothing is told that it cannot see them.
    let mut plain = fixture.cluster.connect_as("health_long", "health_long_role")?;
    let found = findings(&mut plain, "long_query,long_transaction,idle_in_transaction")?;
    ensure!(found.len() == 3, "{found:#?}");
    for one in found {
        ensure!(one.details["ran"] == false, "{one:#?}");
        ensure!(one.remediation == "GRANT pg_monitor TO health_long_role;", "{one:#?}");
    }
    let found = of_session(&mut client, "long_query", long.pid)?;
    client.batch_execute(&found[0].remediation)?;
    ensure!(long.end()? == "57014");
    ensure!(waits.end()?.is_empty());
    writer.batch_execute("rollback")?;
    ensure!(builds.end()?.is_empty());
    Ok(())
}

/// A session with a table to wait for, on a server of its own.
fn crowd(settings: &str) -> Result<(Cluster, Client)> {
    let cluster = Cluster::start(settings)?;
    let mut client = client(&cluster)?;
    client.batch_execute(
        "create schema \"S q\"; create table \"S q\".\"T\" (a integer primary key, b integer);
        insert into \"S q\".\"T\" select g, 0 from generate_series(1, 5) as g;
        create role plain login; create role monitor login in role pg_monitor",
    )?;
    Ok((cluster, client))
}

fn blocked_by_idle(_: &Fixture) -> Result<()> {
    const UPDATE: &str = "update \"S q\".\"T\" set b = 2 where a = 1";
    let (cluster, mut client) = crowd("max_connections = 20")?;
    let mut idle = cluster.connect("postgres")?;
    idle.batch_execute("begin; update \"S q\".\"T\" set b = 1 where a = 1")?;
    let mut waiters = Vec::new();
    for count in 1..=3 {
        waiters.push(Running::start(cluster.connect("postgres")?, UPDATE)?);
        wait_for_waiting(&mut client, count)?;
    }
    client.batch_execute("set mcp_advisor.health_blocked_session_least = '1h'")?;
    expect_ok(&mut client, "blocked_session")?;
    client.batch_execute("set mcp_advisor.health_blocked_session_least = 0")?;
    let found = findings(&mut client, "blocked_session")?;
    ensure!(found.len() == 1 && found[0].severity == "warning", "{found:#?}");
    let details = &found[0].details;
    ensure!(details["pid"] == pid(&mut idle)? && details["waiters"] == 3, "{found:#?}");
    let first = &details["waiting"][0];
    ensure!(first["pid"] == waiters[0].pid && first["waits_for"][0] == details["pid"]);
    ensure!(first["relation"] == "\"S q\".\"T\"" && first["lock"] == "ShareLock", "{found:#?}");
    ensure!(first["statement"] == UPDATE, "{found:#?}");
    let last = &details["waiting"][2];
    ensure!(last["waits_for"][0] == waiters[0].pid, "{found:#?}");
    for count in 4..=5 {
        waiters.push(Running::start(cluster.connect("postgres")?, UPDATE)?);
        wait_for_waiting(&mut client, count)?;
    }
    let found = findings(&mut client, "blocked_session")?;
    ensure!(found.len() == 1 && found[0].severity == "critical", "{found:#?}");

    let waits = findings(&mut client, "wait_event")?;
    ensure!(waits[0].severity == "info" && waits[0].value == Some(100.0), "{waits:#?}");
    ensure!(waits[0].details["events"][0]["type"] == "Lock", "{waits:#?}");
    // The latch, which refuses to wait, does not keep the check from it; a caller still may not.
    let mut latched = cluster.connect("postgres")?;
    latched.batch_execute("select mcp_guard()")?;
    let seen = findings(&mut latched, "wait_event")?;
    ensure!(seen[0].severity == "info" && seen[0].value == Some(100.0), "{seen:#?}");
    let error = latched.batch_execute("select pg_sleep(0)").err().context("pg_sleep ran")?;
    ensure!(error.code().is_some_and(|code| code.code() == "25006"), "{error:?}");
    // The tree is shown to everybody, what the sessions do is not.
    for (role, state) in [("plain", Value::Null), ("monitor", "idle in transaction".into())] {
        let mut other = cluster.connect_as("postgres", role)?;
        other.batch_execute("select mcp_schemas()")?;
        other.batch_execute("set mcp_advisor.health_blocked_session_least = 0")?;
        let seen = findings(&mut other, "blocked_session")?;
        ensure!(seen[0].severity == "critical" && seen[0].details["state"] == state, "{seen:#?}");
        ensure!(seen[0].remediation.is_empty() == state.is_null(), "{seen:#?}");
    }
    ensure!(found[0].remediation.contains("pg_terminate_backend"), "{found:#?}");
    client.batch_execute(&found[0].remediation)?;
    for waiter in waiters {
        ensure!(waiter.end()?.is_empty());
    }
    expect_ok(&mut client, "blocked_session")?;
    expect_ok(&mut client, "wait_event")
}

fn blocked_by_active(_: &Fixture) -> Result<()> {
    let (cluster, mut client) = crowd("max_connections = 20")?;
    let connect = || cluster.connect("postgres");
    let root = Running::start(connect()?, "begin; select pg_sleep(600) from \"S q\".\"T\"")?;
    wait_for(
        &mut client,
        "select count(*) = 1 from pg_stat_activity where wait_event = 'PgSleep'",
    )?;
    let mut all = vec![Running::start(connect()?, "alter table \"S q\".\"T\" add c integer")?];
    wait_for_waiting(&mut client, 1)?;
    client.batch_execute("set mcp_advisor.health_blocked_session_least = 0")?;
    // One that has just begun to wait is no fault; after the time it is, and worse after more.
    expect_ok(&mut client, "blocked_session")?;
    for (limit, severity) in [("warning", "warning"), ("critical", "critical")] {
        client.batch_execute(&format!("set mcp_advisor.health_blocked_session_{limit} = 0"))?;
        let found = findings(&mut client, "blocked_session")?;
        ensure!(found[0].severity == severity && found[0].details["waiters"] == 1, "{found:#?}");
        ensure!(!found[0].message.contains("AccessExclusiveLock"), "{found:#?}");
    }
    for count in 2..=3 {
        all.push(Running::start(connect()?, "select * from \"S q\".\"T\"")?);
        wait_for_waiting(&mut client, count)?;
    }
    let found = findings(&mut client, "blocked_session")?;
    ensure!(found.len() == 1 && found[0].details["pid"] == root.pid, "{found:#?}");
    let said =
        format!("session {}, the first in the queue, asks for AccessExclusiveLock", all[0].pid);
    ensure!(found[0].message.contains(&said), "{found:#?}");
    ensure!(found[0].message.contains("on \"S q\".\"T\""), "{found:#?}");
    ensure!(found[0].details["waiting"][1]["waits_for"][0] == all[0].pid, "{found:#?}");
    // In the incident itself nothing waits.
    let rows = findings(&mut client, "all")?;
    ensure!(!rows.iter().any(|one| one.details["sqlstate"] == "55P03"), "{rows:#?}");
    ensure!(found[0].remediation.contains("pg_cancel_backend"), "{found:#?}");
    client.batch_execute(&found[0].remediation)?;
    ensure!(root.end()? == "57014");
    for one in all {
        ensure!(one.end()?.is_empty());
    }
    expect_ok(&mut client, "blocked_session")
}

fn blocked_by_prepared(_: &Fixture) -> Result<()> {
    let (cluster, mut client) = crowd("max_connections = 20\nmax_prepared_transactions = 5")?;
    let mut other = cluster.connect("postgres")?;
    for statement in [
        "begin",
        "update \"S q\".\"T\" set b = 1 where a = 1",
        "prepare transaction 'it''s \\ left'",
        "begin",
        "select * from \"S q\".\"T\"",
        "prepare transaction 'innocent'",
    ] {
        other.batch_execute(statement)?;
    }
    expect_ok(&mut client, "prepared_transaction")?;
    let waiter = Running::start(other, "begin; lock table \"S q\".\"T\" in share mode; commit")?;
    wait_for_waiting(&mut client, 1)?;
    client.batch_execute(
        "set mcp_advisor.health_blocked_session_least = 0;
        set mcp_advisor.health_blocked_session_warning = 0",
    )?;
    expect_and_mend(
        &mut client,
        "blocked_session",
        &[r"warning prepared transaction E'it''s \\ left'"],
    )?;
    ensure!(waiter.end()?.is_empty());

    client.batch_execute("set mcp_advisor.health_prepared_transaction_warning = 0")?;
    client.batch_execute("create database other")?;
    let mut elsewhere = cluster.connect("other")?;
    elsewhere.batch_execute("create extension mcp_advisor; select mcp_schemas()")?;
    elsewhere.batch_execute(
        "set mcp_advisor.health_prepared_transaction_warning = 0;
        set mcp_advisor.health_prepared_transaction_critical = 0",
    )?;
    let found = findings(&mut elsewhere, "prepared_transaction")?;
    ensure!(found[0].severity == "critical", "{found:#?}");
    ensure!(found[0].message.contains("in database postgres as postgres"), "{found:#?}");
    ensure!(elsewhere.batch_execute(&found[0].remediation).is_err());
    let wanted = "warning prepared transaction 'innocent'";
    expect_and_mend(&mut client, "prepared_transaction", &[wanted])
}

fn deadlock(_: &Fixture) -> Result<()> {
    let (cluster, mut client) = crowd("max_connections = 20\ndeadlock_timeout = '10min'")?;
    let mut one = cluster.connect("postgres")?;
    one.batch_execute("begin; update \"S q\".\"T\" set b = 1 where a = 1")?;
    let mut two = cluster.connect("postgres")?;
    two.batch_execute("begin; update \"S q\".\"T\" set b = 1 where a = 2")?;
    let one = Running::start(one, "update \"S q\".\"T\" set b = 1 where a = 2")?;
    wait_for_waiting(&mut client, 1)?;
    let two = Running::start(two, "update \"S q\".\"T\" set b = 1 where a = 1")?;
    wait_for_waiting(&mut client, 2)?;
    client.batch_execute(
        "set mcp_advisor.health_blocked_session_least = 0;
        set mcp_advisor.health_blocked_session_warning = 0",
    )?;
    let found = findings(&mut client, "blocked_session")?;
    ensure!(found.len() == 1 && found[0].severity == "warning", "{found:#?}");
    ensure!(found[0].details["pids"] == serde_json::json!([one.pid, two.pid]), "{found:#?}");
    client.batch_execute(&found[0].remediation)?;
    ensure!(two.end()? == "57014");
    // The other has what it waited for, and its session ends with it.
    ensure!(one.end()?.is_empty());
    expect_ok(&mut client, "blocked_session")
}

fn blocked_by_replay(_: &Fixture) -> Result<()> {
    let settings = "wal_level = replica\nmax_wal_senders = 4\nmax_connections = 20";
    let (primary, mut on_primary) = crowd(settings)?;
    let standby = primary.standby(&format!("{settings}\nhot_standby = on"))?;
    let mut client = standby.connect("postgres")?;
    client.batch_execute("select mcp_schemas()")?;
    on_primary.batch_execute("begin; lock table \"S q\".\"T\"")?;
    wait_for(
        &mut client,
        "select count(*) = 1 from pg_locks where mode = 'AccessExclusiveLock' and granted",
    )?;
    let reader = Running::start(standby.connect("postgres")?, "select * from \"S q\".\"T\"")?;
    wait_for_waiting(&mut client, 1)?;
    client.batch_execute(
        "set mcp_advisor.health_blocked_session_least = 0;
        set mcp_advisor.health_blocked_session_warning = 0",
    )?;
    let found = findings(&mut client, "blocked_session")?;
    ensure!(found.len() == 1 && found[0].severity == "warning", "{found:#?}");
    ensure!(found[0].details["kind"] == "startup", "{found:#?}");
    ensure!(found[0].details["waiting"][0]["relation"] == "\"S q\".\"T\"", "{found:#?}");
    // There is nothing to end here: it is the primary's transaction.
    ensure!(found[0].remediation.is_empty(), "{found:#?}");
    ensure!(found[0].message.contains("still open on the primary"), "{found:#?}");
    on_primary.batch_execute("rollback")?;
    ensure!(reader.end()?.is_empty());
    expect_ok(&mut client, "blocked_session")
}

fn idle_sessions(_: &Fixture) -> Result<()> {
    let cluster = Cluster::start("max_connections = 13\nsuperuser_reserved_connections = 3")?;
    let mut client = client(&cluster)?;
    let mut idle = Vec::new();
    for _ in 0..4 {
        idle.push(cluster.connect("postgres")?);
    }
    expect_ok(&mut client, "idle_session")?;
    client.batch_execute(
        "set mcp_advisor.health_idle_session_age = 0;
        set mcp_advisor.health_idle_session_percent = 50",
    )?;
    expect_ok(&mut client, "idle_session")?;
    client.batch_execute("reset mcp_advisor.health_idle_session_percent")?;
    let found = findings(&mut client, "idle_session")?;
    ensure!(found[0].severity == "info" && found[0].value == Some(40.0), "{found:#?}");
    ensure!(found[0].details["clients"][0]["sessions"] == 4, "{found:#?}");
    client.batch_execute(&found[0].remediation)?;
    wait_for(&mut client, "select count(*) = 1 from pg_stat_activity where datid is not null")?;
    expect_ok(&mut client, "idle_session")
}

fn lock_table(_: &Fixture) -> Result<()> {
    const LOCKS: &str = "do $$ begin for i in 1..85 loop
        execute format('lock table l%s', i); end loop; end $$";
    let mut cluster = Cluster::start("max_connections = 10\nmax_locks_per_transaction = 10")?;
    let mut admin = client(&cluster)?;
    admin.batch_execute(
        "do $$ begin for i in 1..85 loop
            execute format('create table l%s (a integer)', i); commit; end loop; end $$",
    )?;
    let mut holder = cluster.connect("postgres")?;
    holder.batch_execute(&format!("begin; {}", LOCKS.replace("85", "60")))?;
    expect_ok(&mut admin, "lock_table")?;
    holder.batch_execute(LOCKS)?;
    let found = findings(&mut admin, "lock_table")?;
    ensure!(found[0].severity == "warning", "{found:#?}");
    ensure!(found[0].details["most"][0]["pid"] == pid(&mut holder)?, "{found:#?}");
    admin.batch_execute(&found[0].remediation)?;
    drop((admin, holder));
    cluster.restart("")?;
    let mut admin = client(&cluster)?;
    let mut holder = cluster.connect("postgres")?;
    holder.batch_execute(&format!("begin; {LOCKS}"))?;
    expect_ok(&mut admin, "lock_table")
}
