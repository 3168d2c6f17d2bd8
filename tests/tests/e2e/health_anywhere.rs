//! `mcp_health` where things are not as they usually are: few privileges, nothing to write to,
//! locks that are waited for, commits that hang. Every check is asked, also those yet to come.
//!
//! What each check says there is kept in `golden/`; `ADVISOR_UPDATE_GOLDEN=1` writes the files anew.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, Instant};

use advisor_sql::health::checks;
use advisor_tests::cluster::{Cluster, server_version};
use anyhow::{Context, Result, anyhow, ensure};
use postgres::Client;
use serde_json::Value;

use crate::Case;
use crate::fixture::Fixture;
use crate::health::{Finding, database, findings};

pub(crate) const CASES: &[Case] = &[
    ("health_for_a_monitoring_role_and_for_one_with_nothing", roles),
    ("health_in_a_read_only_transaction", read_only),
    ("health_of_an_empty_cluster", empty),
    ("health_on_a_standby_judges_or_says_why_not", standby),
    ("health_behind_a_queue_for_a_table", queue),
    ("health_while_commits_hang", hanging_commits),
    ("health_leaves_no_memory_behind", memory),
    ("health_takes_no_transaction_id_and_no_strong_lock", traces),
];

/// Checks that may fail with "could not be checked", and why.
const UNABLE: &[(&str, &str)] = &[];

/// Checks that a role with nothing cannot make, and for which `pg_monitor` is not the answer.
const NEEDS_ANOTHER_GRANT: &[(&str, &str)] =
    &[("sequence_exhaustion", "what a sequence has reached is shown to those who may use it")];

/// Checks that may give up for a lock, and why.
const LOCKING: &[(&str, &str)] = &[];

/// Categories whose verdict depends on the machine, on the minor release of the server, or on what
/// happens to go on at that moment.
const OF_THE_MACHINE: [&str; 4] = ["settings", "version", "security", "workload"];

/// Tables with faults that every role can see.
const FAULTS: &str = "
create table parent (id integer primary key);
create table child (id serial primary key, p integer, a integer);
create index child_a on child (a);
create index child_a_again on child (a);
create index child_a_p on child (a, p);
alter table child add constraint child_p_fkey foreign key (p) references parent not valid;
create sequence short maxvalue 100;
select setval('short', 95);
create table heap (a integer, b text);
insert into heap select g, repeat('x', 50) from generate_series(1, 20000) as g;
create index heap_a on heap (a);
analyze;
";

/// A server of its own with the extension in its database `postgres`.
fn server(settings: &str, sql: &str) -> Result<(Cluster, Client)> {
    let cluster = Cluster::start(settings)?;
    let mut client = cluster.connect("postgres")?;
    client.batch_execute("create extension mcp_advisor")?;
    client.batch_execute(sql)?;
    // Else what was inserted may be counted between two reports.
    client.batch_execute("select pg_stat_force_next_flush()")?;
    Ok((cluster, client))
}

fn listed(list: &[(&str, &str)], check: &str) -> bool {
    list.iter().any(|(name, _)| *name == check)
}

fn ran(finding: &Finding) -> bool {
    finding.details["ran"] != Value::Bool(false)
}

/// The whole report: every check is in it, and none failed.
fn report(client: &mut Client) -> Result<Vec<Finding>> {
    let found = findings(client, "all")?;
    for check in checks() {
        ensure!(found.iter().any(|one| one.check == check.name), "nothing on {}", check.name);
    }
    let failed: Vec<&Finding> = found
        .iter()
        .filter(|one| one.message.starts_with("could not be checked"))
        .filter(|one| !listed(UNABLE, &one.check))
        .collect();
    ensure!(failed.is_empty(), "{failed:#?}");
    Ok(found)
}

/// `check severity ran` of every check, with its worst severity.
fn summary(found: &[Finding]) -> String {
    let line = |check: &advisor_sql::health::Check| {
        let mut rows = found.iter().filter(|one| one.check == check.name);
        // They come worst first.
        let severity = rows.clone().next().map_or("", |one| one.severity.as_str());
        let severity = if OF_THE_MACHINE.contains(&check.category) { "any" } else { severity };
        let ran = if rows.all(ran) { "ran" } else { "did not run" };
        format!("{} {severity} {ran}\n", check.name)
    };
    checks().map(line).collect()
}

pub(crate) fn expect_golden(name: &str, text: &str) -> Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/golden").join(name);
    if std::env::var_os("ADVISOR_UPDATE_GOLDEN").is_some() {
        return fs::write(&path, text).with_context(|| path.display().to_string());
    }
    let mut kept = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    if server_version()? >= 160_000 {
        // The view that it reads came with 16.
        kept = kept.replace("\nio info did not run\n", "\nio ok ran\n");
    }
    let differ: Vec<&str> =
        text.lines().filter(|line| !kept.contains(&format!("{line}\n"))).collect();
    ensure!(
        kept == text,
        "{name} is not what was found, which has {differ:#?}; if that is right, run the test with \
         ADVISOR_UPDATE_GOLDEN=1"
    );
    Ok(())
}

fn roles(_: &Fixture) -> Result<()> {
    let settings = "wal_level = replica\nmax_wal_senders = 4\nmax_prepared_transactions = 2";
    let (cluster, mut client) = server(settings, FAULTS)?;
    client.batch_execute(
        "create role nothing login; create role watcher login in role pg_monitor;
        select pg_create_physical_replication_slot('slot')",
    )?;
    // Something of others for them to see or not to see.
    let mut other = cluster.connect("postgres")?;
    other.batch_execute("begin; lock table heap in share mode")?;

    let watched = report(&mut cluster.connect_as("postgres", "watcher")?)?;
    expect_golden("health_as_pg_monitor.txt", &summary(&watched))?;
    let bare = report(&mut cluster.connect_as("postgres", "nothing")?)?;
    expect_golden("health_as_nobody.txt", &summary(&bare))?;

    for one in watched.iter().chain(&bare) {
        ensure!(!one.message.contains("permission denied"), "the server's own words: {one:#?}");
        ensure!(ran(one) || one.severity == "info", "{one:#?}");
    }
    // What only the role with nothing cannot see, it is told how to see.
    let seen = |check: &str| watched.iter().all(|one| one.check != check || ran(one));
    for one in bare.iter().filter(|one| !ran(one) && seen(&one.check)) {
        let told = format!("{} {} {}", one.message, one.remediation, one.details);
        ensure!(told.contains("pg_monitor"), "{one:#?}");
    }
    for one in bare.iter().filter(|one| ran(one)) {
        let says = |two: &&Finding| (&two.check, &two.object) == (&one.check, &one.object);
        let more = watched.iter().any(|two| says(&two) && two.severity == one.severity);
        let less =
            one.severity == "ok" && bare.iter().any(|two| two.check == one.check && !ran(two));
        // What the whole server has read meanwhile has one row more.
        let read_since = one.check == "io" && one.severity == "ok";
        ensure!(
            more || less || read_since || listed(NEEDS_ANOTHER_GRANT, &one.check),
            "the role with nothing finds what the other does not: {one:#?}"
        );
    }
    other.batch_execute("rollback")?;
    Ok(())
}

/// `check severity object` of every finding that is no matter of time.
fn verdicts(found: &[Finding]) -> Vec<String> {
    let mut verdicts: Vec<String> = found
        .iter()
        .filter(|one| one.severity != "ok")
        .map(|one| format!("{} {} {}", one.check, one.severity, one.object))
        .collect();
    verdicts.sort();
    verdicts
}

fn read_only(_: &Fixture) -> Result<()> {
    let (_cluster, mut client) = server("", FAULTS)?;
    let usual = report(&mut client)?;
    for begin in [
        "begin read only",
        "begin isolation level serializable read only deferrable",
        "begin; set transaction read only; savepoint s",
    ] {
        client.batch_execute(begin)?;
        let found = report(&mut client)?;
        client.batch_execute("commit")?;
        let (found, usual) = (verdicts(&found), verdicts(&usual));
        let differs = |one: &&String| found.contains(*one) != usual.contains(*one);
        let different: Vec<&String> = found.iter().chain(&usual).filter(differs).collect();
        ensure!(found == usual, "{begin}: {different:#?}");
    }
    Ok(())
}

fn empty(_: &Fixture) -> Result<()> {
    let (cluster, mut client) = server("", "")?;
    let found = report(&mut client)?;
    let none = ["index", "sequence", "constraint", "table"];
    for check in checks().filter(|check| none.contains(&check.category)) {
        let mut rows = found.iter().filter(|one| one.check == check.name);
        ensure!(rows.all(|one| one.severity == "ok" || !ran(one)), "{}: {found:#?}", check.name);
    }
    // As small as a database can be.
    client.batch_execute("create database bare template template0")?;
    let mut bare = cluster.connect("bare")?;
    bare.batch_execute(
        "create schema advisor; create extension mcp_advisor schema advisor; drop schema public;
        set search_path = advisor",
    )?;
    report(&mut bare).map(drop)
}

fn standby(_: &Fixture) -> Result<()> {
    let settings = "wal_level = replica\nmax_wal_senders = 4\nmax_connections = 20";
    let (primary, mut on_primary) = server(settings, FAULTS)?;
    on_primary.batch_execute("create unlogged table fleeting (id serial primary key)")?;
    let standby = primary.standby(&format!("{settings}\nhot_standby = on"))?;
    let mut client = standby.connect("postgres")?;
    wait_for(&mut client, "select to_regclass('fleeting') is not null")?;
    wait_for(&mut client, "select count(*) = 1 from pg_stat_wal_receiver")?;
    let found = report(&mut client)?;
    expect_golden("health_on_a_standby.txt", &summary(&found))?;
    // What the catalog tells is found there as well.
    for object in ["public.child_a_again", "public.short"] {
        ensure!(found.iter().any(|one| one.object == object), "{object}: {found:#?}");
    }
    for one in found.iter().filter(|one| !ran(one)) {
        ensure!(one.severity == "info" && !one.message.is_empty(), "{one:#?}");
    }
    Ok(())
}

/// An ALTER TABLE that waits for a reader, and whoever comes after it waits as well.
struct Queue {
    reader: Client,
    waiting: JoinHandle<Result<(), postgres::Error>>,
}

impl Queue {
    fn begin(cluster: &Cluster, table: &str) -> Result<Self> {
        let mut reader = cluster.connect("postgres")?;
        reader.batch_execute(&format!("begin; select count(*) from {table}"))?;
        let mut client = cluster.connect("postgres")?;
        let pid: i32 = client.query_one("select pg_backend_pid()", &[])?.try_get(0)?;
        let sql = format!("begin; alter table {table} add queued integer; rollback");
        let waiting = spawn(move || client.batch_execute(&sql));
        let queued = format!("select count(*) > 0 from pg_locks where pid = {pid} and not granted");
        wait_for(&mut cluster.connect("postgres")?, &queued)?;
        Ok(Self { reader, waiting })
    }

    fn end(mut self) -> Result<()> {
        self.reader.batch_execute("rollback")?;
        Ok(self.waiting.join().map_err(|_| anyhow!("the waiter panicked"))??)
    }
}

fn queue(_: &Fixture) -> Result<()> {
    let (cluster, mut client) = server("", FAULTS)?;
    let before = verdicts(&report(&mut client)?);
    for table in ["child", "heap", "parent"] {
        let queue = Queue::begin(&cluster, table)?;
        // A new session has nothing in its caches.
        let mut fresh = cluster.connect("postgres")?;
        let found = report(&mut fresh)?;
        queue.end()?;
        let gave_up: Vec<&Finding> = found
            .iter()
            .filter(|one| one.details.to_string().contains("55P03"))
            .filter(|one| !listed(LOCKING, &one.check))
            .collect();
        ensure!(gave_up.is_empty(), "{table}: {gave_up:#?}");
        let found = verdicts(&found);
        let lost: Vec<&String> = before.iter().filter(|one| !found.contains(one)).collect();
        ensure!(lost.is_empty(), "not found behind a queue for {table}: {lost:#?}");
    }
    Ok(())
}

fn hanging_commits(_: &Fixture) -> Result<()> {
    let settings = "wal_level = replica\nmax_wal_senders = 4\nsynchronous_commit = on";
    let (cluster, mut client) = server(settings, FAULTS)?;
    let usual = verdicts(&report(&mut client)?);
    client.batch_execute("alter system set synchronous_standby_names = 'nobody'")?;
    client.batch_execute("select pg_reload_conf()")?;
    wait_for(&mut client, "select current_setting('synchronous_standby_names') = 'nobody'")?;
    let mut writer = cluster.connect("postgres")?;
    let pid: i32 = writer.query_one("select pg_backend_pid()", &[])?.try_get(0)?;
    // Commits wait only when the checkpointer has read the setting, too.
    let enough = Arc::new(AtomicBool::new(false));
    let no_more = Arc::clone(&enough);
    let waiting = spawn(move || {
        while !no_more.load(Ordering::Relaxed) {
            writer
                .batch_execute("insert into parent select coalesce(max(id), 0) + 1 from parent")?;
        }
        Ok::<_, postgres::Error>(())
    });
    wait_for(
        &mut client,
        &format!("select wait_event = 'SyncRep' from pg_stat_activity where pid = {pid}"),
    )?;
    let found = verdicts(&report(&mut cluster.connect("postgres")?)?);
    let lost: Vec<&String> = usual.iter().filter(|one| !found.contains(one)).collect();
    ensure!(lost.is_empty(), "not found while commits hang: {lost:#?}");
    enough.store(true, Ordering::Relaxed);
    client.batch_execute(&format!("select pg_cancel_backend({pid})"))?;
    Ok(waiting.join().map_err(|_| anyhow!("the writer panicked"))??)
}

/// Calls before the memory is looked at for the first time, which fill the caches of the catalog.
const WARM_UP: usize = 10;
const CALLS: usize = 50;

/// Less than a kilobyte a call: a context that is not freed has more.
const GROWTH: i64 = 48 * 1024;

fn memory(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_memory")?;
    client.batch_execute(FAULTS)?;
    let mut call = |times: usize| -> Result<i64> {
        for _ in 0..times {
            client.batch_execute("select * from mcp_health()")?;
        }
        let sql = "select sum(total_bytes)::bigint from pg_backend_memory_contexts";
        Ok(client.query_one(sql, &[])?.try_get(0)?)
    };
    let before = call(WARM_UP)?;
    let after = call(CALLS)?;
    ensure!(after - before < GROWTH, "{before} bytes, {after} after {CALLS} calls");
    Ok(())
}

fn traces(_: &Fixture) -> Result<()> {
    let (cluster, mut client) = server("", FAULTS)?;
    let before = temporary(&mut client)?;
    // All that a lock stronger than that of a reader would have to wait for.
    let mut holder = cluster.connect("postgres")?;
    holder.batch_execute(
        "begin;
        do $$ declare one regclass; begin
            for one in select c.oid from pg_class as c where c.relkind in ('r', 'p') loop
                execute format('lock table %s in exclusive mode', one);
            end loop;
        end $$",
    )?;
    client.batch_execute("begin")?;
    let found = report(&mut client)?;
    let sql = "select pg_current_xact_id_if_assigned() is null";
    ensure!(client.query_one(sql, &[])?.try_get::<_, bool>(0)?, "a transaction id was taken");
    let kept = strong_locks(&mut client)?;
    client.batch_execute("commit")?;
    holder.batch_execute("rollback")?;
    ensure!(kept.is_empty(), "{kept:#?}");
    let waited: Vec<&Finding> =
        found.iter().filter(|one| one.details.to_string().contains("55P03")).collect();
    ensure!(waited.is_empty(), "a lock stronger than a reader's: {waited:#?}");
    ensure!(temporary(&mut client)? == before, "something temporary was left");

    // Each text by itself, as the bridge runs it: what it locks stays locked until the end, also
    // what nobody can lock by a statement, such as indexes and sequences.
    for check in checks() {
        let Ok(sql) = check.sql(server_version()?) else { continue };
        client.batch_execute("begin read only")?;
        client.batch_execute(&advisor_sql::health::prepare())?;
        client.batch_execute(sql).with_context(|| check.name)?;
        let mut strong = strong_locks(&mut client)?;
        client.batch_execute("rollback")?;
        if check.name == "sequence_exhaustion" {
            // The server has no function that tells what a sequence has reached under less; the
            // extension reads its page instead, as the part before this shows.
            strong.retain(|lock| !lock.starts_with("RowExclusiveLock on relation"));
        }
        ensure!(strong.is_empty(), "{}: {strong:#?}", check.name);
    }
    Ok(())
}

/// What this transaction has locked other than for reading.
fn strong_locks(client: &mut Client) -> Result<Vec<String>> {
    let sql = "select distinct pg_catalog.format('%s on %s %s', l.mode, l.locktype, c.relname)
        from pg_catalog.pg_locks as l
        left join pg_catalog.pg_class as c
            on c.oid = l.relation
        where l.pid = pg_catalog.pg_backend_pid() and l.mode <> 'AccessShareLock'
            and l.locktype <> 'virtualxid'";
    Ok(client.query(sql, &[])?.iter().map(|row| row.get(0)).collect())
}

/// How many temporary objects and schemas there are.
fn temporary(client: &mut Client) -> Result<i64> {
    let sql = "select (select count(*) from pg_class where relpersistence = 't')
        + (select count(*) from pg_namespace where nspname like 'pg\\_temp%')";
    Ok(client.query_one(sql, &[])?.try_get(0)?)
}

/// Waits until the query says true.
fn wait_for(client: &mut Client, sql: &str) -> Result<()> {
    let give_up = Instant::now() + Duration::from_secs(60);
    loop {
        let rows = client.query(sql, &[])?;
        if rows.first().and_then(|row| row.get::<_, Option<bool>>(0)) == Some(true) {
            return Ok(());
        }
        ensure!(Instant::now() < give_up, "never true: {sql}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
