//! `mcp_health` on replication: standbys, slots, subscriptions, the archiver and pg_wal, each case on
//! servers of its own.

use std::thread::sleep;
use std::time::{Duration, Instant};

use advisor_tests::cluster::Cluster;
use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde_json::Value;

use crate::Case;
use crate::fixture::Fixture;
use crate::health::{Finding, expect_and_mend, expect_ok, findings, summary};

pub(crate) const CASES: &[Case] = &[
    ("health_finds_slots_that_nobody_reads", slots),
    ("health_finds_slots_that_lose_their_wal", lost_slots),
    ("health_finds_a_standby_that_does_not_replay", standby),
    ("health_sees_standbys_of_standbys", cascade),
    ("health_finds_queries_cancelled_on_a_standby", conflicts),
    ("health_finds_commits_that_wait_for_a_standby", synchronous),
    ("health_finds_subscriptions_that_fail", subscriptions),
    ("health_finds_an_archiver_that_fails", archiver),
    ("health_finds_what_keeps_wal", wal_size),
];

/// A primary's settings that its standbys must share.
const REPLICATED: &str = "wal_level = logical\nmax_wal_senders = 8\nmax_connections = 20";

/// A superuser's session in a database that has the extension.
pub(crate) fn client(cluster: &Cluster) -> Result<Client> {
    let mut client = cluster.connect("postgres")?;
    client.batch_execute("create extension if not exists mcp_advisor; select mcp_schemas()")?;
    Ok(client)
}

/// Calls `ready` until it says so.
fn poll(what: &str, mut ready: impl FnMut() -> Result<bool>) -> Result<()> {
    let give_up = Instant::now() + Duration::from_secs(60);
    while !ready()? {
        ensure!(Instant::now() < give_up, "never so: {what}");
        sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Waits until the query says true.
pub(crate) fn wait_for(client: &mut Client, sql: &str) -> Result<()> {
    poll(sql, || Ok(client.query_one(sql, &[])?.get::<_, Option<bool>>(0) == Some(true)))
}

/// Waits until the check finds exactly this: other processes have to notice what was changed.
fn becomes(client: &mut Client, check: &str, wanted: &[&str]) -> Result<Vec<Finding>> {
    let mut last = Vec::new();
    let outcome = poll(check, || {
        last = findings(client, check)?;
        let summary = last.iter().map(|one| format!("{} {}", one.severity, one.object));
        Ok(summary.collect::<Vec<_>>() == wanted)
    });
    outcome.with_context(|| format!("wanted {wanted:?}, found {last:#?}"))?;
    Ok(last)
}

/// Runs what the finding printed.
pub(crate) fn mend(client: &mut Client, finding: &Finding) -> Result<()> {
    ensure!(!finding.remediation.is_empty(), "{finding:#?}");
    for statement in finding.remediation.split_inclusive(';') {
        client.batch_execute(statement).with_context(|| statement.to_owned())?;
    }
    Ok(())
}

/// Fills `count` WAL segments, each by one row.
fn switch_wal(client: &mut Client, count: usize) -> Result<()> {
    client.batch_execute("create table if not exists filling (a integer)")?;
    for _ in 0..count {
        client.batch_execute("insert into filling values (1)")?;
        client.batch_execute("select pg_switch_wal()")?;
    }
    Ok(())
}

/// What a role that may see nothing is told of a check.
fn is_not_judged(found: &[Finding]) -> Result<()> {
    ensure!(found.len() == 1 && found[0].severity == "info", "{found:#?}");
    ensure!(found[0].details["ran"] == Value::Bool(false), "{found:#?}");
    ensure!(found[0].remediation == "GRANT pg_monitor TO plain;", "{found:#?}");
    Ok(())
}

fn slots(_: &Fixture) -> Result<()> {
    let cluster = Cluster::start(&format!("{REPLICATED}\nmax_wal_size = '32MB'"))?;
    let mut client = client(&cluster)?;
    expect_ok(&mut client, "replication")?;
    client.batch_execute(
        "select pg_create_physical_replication_slot('left_behind', true);
        select pg_create_logical_replication_slot('logical', 'pgoutput');
        select pg_create_physical_replication_slot('own', true, true)",
    )?;
    becomes(&mut client, "replication_slot", &["info left_behind", "info logical"])?;
    switch_wal(&mut client, 3)?;
    let found =
        becomes(&mut client, "replication_slot", &["warning left_behind", "warning logical"])?;
    ensure!(found[0].value > Some(32.0 * 1024.0 * 1024.0), "{found:#?}");
    ensure!(found[0].details["type"] == "physical" && found[1].details["type"] == "logical");
    ensure!(found[0].message.contains("no max_slot_wal_keep_size bounds it"), "{found:#?}");
    ensure!(found[0].details["disk_free_bytes"].as_f64() > Some(0.0), "{found:#?}");
    // As if nothing were left on the disk.
    client.batch_execute("set mcp_advisor.health_replication_slot_disk_critical = 0")?;
    let found = findings(&mut client, "replication_slot")?;
    ensure!(found.len() == 2 && found.iter().all(|one| one.severity == "critical"), "{found:#?}");
    ensure!(found[0].message.starts_with("fills the disk: "), "{found:#?}");
    ensure!(found[0].message.matches("the server stops").count() == 1, "{found:#?}");
    client.batch_execute("reset mcp_advisor.health_replication_slot_disk_critical")?;
    // Everybody sees slots.
    client.batch_execute("create role plain login")?;
    let mut plain = cluster.connect_as("postgres", "plain")?;
    ensure!(summary(&mut plain, "replication_slot")?.len() == 2);
    let wanted = ["warning left_behind", "warning logical"];
    expect_and_mend(&mut client, "replication_slot", &wanted)
}

fn lost_slots(_: &Fixture) -> Result<()> {
    let settings = "max_wal_size = '512MB'\nmax_slot_wal_keep_size = '32MB'";
    let cluster = Cluster::start(&format!("{REPLICATED}\n{settings}"))?;
    let mut client = client(&cluster)?;
    client.batch_execute("select pg_create_physical_replication_slot('capped', true)")?;
    becomes(&mut client, "replication_slot", &["info capped"])?;
    switch_wal(&mut client, 2)?;
    // Most of what it may keep: the last segment is where this one is written.
    let found = becomes(&mut client, "replication_slot", &["warning capped"])?;
    ensure!(found[0].details["max_slot_wal_keep_bytes"] == 33_554_432, "{found:#?}");
    switch_wal(&mut client, 3)?;
    let found = becomes(&mut client, "replication_slot", &["critical capped"])?;
    ensure!(found[0].details["wal_status"] == "unreserved", "{found:#?}");
    mend(&mut client, &found[0])?;
    becomes(&mut client, "replication_slot", &["info capped"])?;
    client.batch_execute("alter system reset max_slot_wal_keep_size")?;
    client.batch_execute("select pg_reload_conf()")?;
    poll("the slot is lost", || {
        client.batch_execute("checkpoint")?;
        let found = findings(&mut client, "replication_slot")?;
        Ok(found[0].details["wal_status"] == "lost")
    })?;
    let found = findings(&mut client, "replication_slot")?;
    ensure!(found[0].details["lost_by"] == "wal_removed", "{found:#?}");
    expect_and_mend(&mut client, "replication_slot", &["critical capped"])
}

fn standby(_: &Fixture) -> Result<()> {
    let primary = Cluster::start(REPLICATED)?;
    let mut on_primary = client(&primary)?;
    on_primary.batch_execute(
        "create table t (a text); create unlogged table u (id serial); create role plain login;
        create role watcher login in role pg_monitor;
        select pg_create_physical_replication_slot('standby_1', true)",
    )?;
    let settings = format!("{REPLICATED}\nhot_standby = on\nprimary_slot_name = 'standby_1'");
    let standby = primary.standby(&settings)?;
    let mut on_standby = standby.connect("postgres")?;

    wait_for(
        &mut on_primary,
        "select count(*) = 1 from pg_stat_replication where state = 'streaming'",
    )?;
    let mut watcher = primary.connect_as("postgres", "watcher")?;
    let found = findings(&mut watcher, "replication_lag")?;
    ensure!(found.len() == 1 && found[0].severity == "ok", "{found:#?}");
    ensure!(found[0].details["state"] == "streaming", "{found:#?}");
    ensure!(found[0].details["sync_state"] == "async", "{found:#?}");
    becomes(&mut on_primary, "replication_slot", &["ok standby_1"])?;
    // pg_monitor is enough for all of them.
    let found = findings(&mut watcher, "replication")?;
    ensure!(!found.iter().any(|one| one.details["ran"] == Value::Bool(false)), "{found:#?}");
    let mut plain = primary.connect_as("postgres", "plain")?;
    is_not_judged(&findings(&mut plain, "replication_lag")?)?;

    wait_for(&mut on_standby, "select to_regclass('t') is not null")?;
    expect_ok(&mut on_standby, "standby")?;
    let mut plain = standby.connect_as("postgres", "plain")?;
    expect_ok(&mut plain, "standby")?;
    // Every check runs there too.
    let found = findings(&mut on_standby, "all")?;
    ensure!(!found.iter().any(|one| one.message.starts_with("could not be checked: p")));
    // The settings of scratch clusters are not those of a sound server.
    ensure!(
        !found.iter().any(|one| one.check != "database_settings"
            && ["replication", "buffer", "standby"].iter().any(|name| one.check.starts_with(name))
            && ["warning", "critical"].contains(&one.severity.as_str())),
        "{found:#?}"
    );

    on_standby.batch_execute("select pg_wal_replay_pause()")?;
    on_primary.batch_execute(
        "insert into t select repeat(md5(g::text), 60) from generate_series(1, 40000) as g",
    )?;
    wait_for(&mut on_primary, "select flush_lsn = pg_current_wal_lsn() from pg_stat_replication")?;
    let lag = findings(&mut on_primary, "replication_lag")?;
    ensure!(lag[0].severity == "warning" && lag[0].value > Some(64e6), "{lag:#?}");
    ensure!(lag[0].message.contains("has arrived and is not replayed"), "{lag:#?}");
    on_primary.batch_execute("set mcp_advisor.health_replication_lag_critical = '1MB'")?;
    ensure!(findings(&mut on_primary, "replication_lag")?[0].severity == "critical");
    let found = findings(&mut on_standby, "standby")?;
    ensure!(found[0].severity == "warning", "{found:#?}");
    ensure!(found[0].message.contains("paused"), "{found:#?}");
    on_standby.batch_execute("set mcp_advisor.health_standby_critical = 0")?;
    ensure!(findings(&mut on_standby, "standby")?[0].severity == "critical");
    mend(&mut on_standby, &found[0])?;
    becomes(&mut on_standby, "standby", &["ok "])?;
    becomes(&mut on_primary, "replication_lag", &[&format!("ok {}", lag[0].object)])?;

    // What replays late on purpose is no fault, though there is much to replay.
    on_standby.batch_execute(
        "reset mcp_advisor.health_standby_critical; set mcp_advisor.health_standby_warning = '8kB'",
    )?;
    on_standby.batch_execute("alter system set recovery_min_apply_delay = '1h'")?;
    on_standby.batch_execute("select pg_reload_conf()")?;
    wait_for(&mut on_standby, "select current_setting('recovery_min_apply_delay') = '1h'")?;
    on_primary.batch_execute("insert into t values ('late')")?;
    on_primary.batch_execute(
        "insert into t select repeat(md5(g::text), 60) from generate_series(1, 100) as g",
    )?;
    wait_for(
        &mut on_standby,
        "select pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) > 8192",
    )?;
    let found = becomes(&mut on_standby, "standby", &["ok "])?;
    ensure!(found[0].message.contains("on purpose 01:00:00 later"), "{found:#?}");
    on_standby.batch_execute("alter system reset recovery_min_apply_delay")?;
    on_standby.batch_execute("select pg_reload_conf()")?;

    drop(primary);
    wait_for(&mut on_standby, "select count(*) = 0 from pg_stat_wal_receiver")?;
    let found = findings(&mut on_standby, "standby")?;
    ensure!(found[0].severity == "warning", "{found:#?}");
    ensure!(found[0].message.contains("does not receive"), "{found:#?}");
    on_standby.batch_execute("set mcp_advisor.health_standby_critical = 0")?;
    ensure!(findings(&mut on_standby, "standby")?[0].severity == "critical");
    is_not_judged(&findings(&mut plain, "standby")?)
}

fn cascade(_: &Fixture) -> Result<()> {
    // A base backup from a standby needs the whole pages.
    let settings = format!("{REPLICATED}\nfull_page_writes = on\nhot_standby = on");
    let primary = Cluster::start(&settings)?;
    let mut on_primary = client(&primary)?;
    let middle = primary.standby(&settings)?;
    let mut on_middle = middle.connect("postgres")?;
    let last = middle.standby(&settings)?;
    let mut on_last = last.connect("postgres")?;
    on_primary.batch_execute("create table t (a integer)")?;
    wait_for(&mut on_last, "select to_regclass('t') is not null")?;
    wait_for(&mut on_middle, "select count(*) = 1 from pg_stat_replication")?;
    let found = findings(&mut on_middle, "replication")?;
    ensure!(found.iter().all(|one| one.severity == "ok"), "{found:#?}");
    ensure!(found.iter().any(|one| one.object.starts_with("walreceiver (pid ")), "{found:#?}");
    on_last.batch_execute("select pg_wal_replay_pause()")?;
    on_middle.batch_execute("set mcp_advisor.health_replication_lag_warning = '8kB'")?;
    on_primary.batch_execute("insert into t select generate_series(1, 10000)")?;
    poll("the lag shows", || {
        Ok(findings(&mut on_middle, "replication_lag")?[0].severity == "warning")
    })
}

fn conflicts(_: &Fixture) -> Result<()> {
    let primary = Cluster::start(REPLICATED)?;
    let mut on_primary = client(&primary)?;
    on_primary.batch_execute(
        "create table t (a integer); insert into t select generate_series(1, 1000);
        create table locked (a integer)",
    )?;
    expect_ok(&mut on_primary, "standby_conflict")?;
    let settings = format!("{REPLICATED}\nhot_standby = on\nmax_standby_streaming_delay = 0");
    let standby = primary.standby(&settings)?;
    let mut on_standby = standby.connect("postgres")?;
    expect_ok(&mut on_standby, "standby_conflict")?;
    on_standby.batch_execute("set mcp_advisor.health_standby_conflict_info = 1")?;
    let mut reader = standby.connect("postgres")?;
    reader.batch_execute("begin isolation level repeatable read; select count(*) from t")?;
    on_primary.batch_execute("delete from t")?;
    on_primary.batch_execute("vacuum t")?;
    let found = becomes(&mut on_standby, "standby_conflict", &["info postgres"])?;
    ensure!(found[0].details["kinds"]["confl_snapshot"] == 1, "{found:#?}");
    mend(&mut on_standby, &found[0])?;
    wait_for(&mut on_standby, "select current_setting('hot_standby_feedback')::boolean")?;
    on_standby.batch_execute("select pg_stat_reset()")?;
    becomes(&mut on_standby, "standby_conflict", &["ok "])?;
    let mut reader = standby.connect("postgres")?;
    reader.batch_execute("begin; select count(*) from locked")?;
    on_primary.batch_execute("drop table locked")?;
    let found = becomes(&mut on_standby, "standby_conflict", &["info postgres"])?;
    mend(&mut on_standby, &found[0])?;
    wait_for(&mut on_standby, "select current_setting('max_standby_streaming_delay') = '30s'")
}

fn synchronous(_: &Fixture) -> Result<()> {
    let settings = format!("{REPLICATED}\nsynchronous_commit = on");
    let primary = Cluster::start(&settings)?;
    let mut client = client(&primary)?;
    client.batch_execute("create table t (a integer); create role plain login")?;
    expect_ok(&mut client, "synchronous_standby")?;
    let standby = primary.standby(&format!("{settings}\nhot_standby = on"))?;
    wait_for(
        &mut client,
        "select count(*) = 1 from pg_stat_replication where state = 'streaming'",
    )?;
    let ask = |client: &mut Client, names: &str| -> Result<()> {
        client.batch_execute(&format!("alter system set synchronous_standby_names = '{names}'"))?;
        client.batch_execute("select pg_reload_conf()")?;
        Ok(())
    };
    for enough in ["walreceiver", "*", "nobody, walreceiver", "ANY 1 (\"2 (\", walreceiver)"] {
        ask(&mut client, enough)?;
        wait_for(
            &mut client,
            &format!("select current_setting('synchronous_standby_names') = '{enough}'"),
        )?;
        let found = becomes(&mut client, "synchronous_standby", &["ok "])?;
        ensure!(found[0].details["required"] == 1, "{enough}: {found:#?}");
    }
    ask(&mut client, "ANY 2 (walreceiver, \"An Other\")")?;
    let found = becomes(&mut client, "synchronous_standby", &["critical "])?;
    ensure!(found[0].value == Some(1.0) && found[0].details["required"] == 2, "{found:#?}");
    // A commit really waits, and goes on once what was printed has run.
    let mut writer = primary.connect("postgres")?;
    let waiting = std::thread::spawn(move || writer.batch_execute("insert into t values (1)"));
    wait_for(
        &mut client,
        "select count(*) = 1 from pg_stat_activity where wait_event = 'SyncRep'",
    )?;
    let found = becomes(&mut client, "synchronous_standby", &["critical "])?;
    ensure!(found[0].details["waiting"] == 1, "{found:#?}");
    mend(&mut client, &found[0])?;
    waiting.join().map_err(|_| anyhow::anyhow!("the writer panicked"))??;
    let found = becomes(&mut client, "synchronous_standby", &["ok "])?;
    ensure!(found[0].message.contains("ANY 1 (walreceiver"), "{found:#?}");

    ask(&mut client, "FIRST 1 (nobody)")?;
    let found = becomes(&mut client, "synchronous_standby", &["critical "])?;
    let mut plain = primary.connect_as("postgres", "plain")?;
    is_not_judged(&findings(&mut plain, "synchronous_standby")?)?;
    // Where commits do not wait by default it is less.
    client.batch_execute("alter system set synchronous_commit = local")?;
    client.batch_execute("select pg_reload_conf()")?;
    becomes(&mut client, "synchronous_standby", &["warning "])?;
    mend(&mut client, &found[0])?;
    becomes(&mut client, "synchronous_standby", &["ok "])?;
    // A standby has the setting too, and nobody to wait for.
    let mut on_standby = standby.connect("postgres")?;
    ask(&mut on_standby, "nobody")?;
    wait_for(&mut on_standby, "select current_setting('synchronous_standby_names') = 'nobody'")?;
    expect_ok(&mut on_standby, "synchronous_standby")
}

fn subscriptions(_: &Fixture) -> Result<()> {
    let cluster = Cluster::start(&format!("{REPLICATED}\nwal_retrieve_retry_interval = '100ms'"))?;
    let mut client = client(&cluster)?;
    client
        .batch_execute("create role plain login; create role watcher login in role pg_monitor")?;
    let tables = "create table t (a integer primary key); create table u (a integer primary key)";
    let mut source = cluster.create_database("source")?;
    source.batch_execute(tables)?;
    source.batch_execute("create publication p for table t")?;
    source.batch_execute("select pg_create_logical_replication_slot('sub', 'pgoutput')")?;
    let mut target = cluster.create_database("target")?;
    target.batch_execute(tables)?;
    target.batch_execute(
        "create extension mcp_advisor; select mcp_schemas();
        set mcp_advisor.health_subscription_worker_young = '1s'",
    )?;
    target.batch_execute(&format!(
        "create subscription \"Sub 1\" connection 'host={} dbname=source user=postgres'
            publication p with (create_slot = false, slot_name = sub, disable_on_error = true)",
        cluster.socket_dir().display()
    ))?;
    becomes(&mut target, "subscription", &["ok "])?;
    source.batch_execute("insert into t values (0)")?;
    wait_for(&mut target, "select count(*) = 1 from t")?;

    target.batch_execute("insert into t values (1)")?;
    source.batch_execute("insert into t values (1)")?;
    let found = becomes(&mut target, "subscription", &["warning \"Sub 1\""]);
    wait_for(&mut target, "select not subenabled from pg_subscription")?;
    let found = found.and_then(|_| findings(&mut target, "subscription"))?;
    ensure!(found[0].details["kind"] == "disabled" && found[0].value >= Some(1.0), "{found:#?}");
    ensure!(found[0].remediation == "ALTER SUBSCRIPTION \"Sub 1\" ENABLE;", "{found:#?}");
    // It can only be mended in its database, and everybody sees it.
    let mut plain = cluster.connect_as("target", "plain")?;
    ensure!(summary(&mut plain, "subscription")? == ["warning \"Sub 1\""]);
    let elsewhere = findings(&mut client, "subscription")?;
    ensure!(elsewhere[0].object == "\"Sub 1\" in database target", "{elsewhere:#?}");
    ensure!(elsewhere[0].remediation.is_empty(), "{elsewhere:#?}");
    target.batch_execute("delete from t where a = 1")?;
    mend(&mut target, &found[0])?;
    becomes(&mut target, "subscription", &["ok "])?;
    ensure!(target.query_one("select count(*) from t", &[])?.get::<_, i64>(0) == 2);
    // It had errors: whether the worker is new is not shown to everybody.
    is_not_judged(&findings(&mut plain, "subscription")?)?;
    let mut watcher = cluster.connect_as("target", "watcher")?;
    watcher.batch_execute("select mcp_schemas()")?;
    watcher.batch_execute("set mcp_advisor.health_subscription_worker_young = 0")?;
    expect_ok(&mut watcher, "subscription")?;

    // Without disable_on_error its worker is started again and again.
    target.batch_execute("alter subscription \"Sub 1\" set (disable_on_error = false)")?;
    target.batch_execute("insert into t values (2)")?;
    source.batch_execute("insert into t values (2)")?;
    let found = becomes(&mut target, "subscription", &["warning \"Sub 1\""])?;
    ensure!(["stopped", "failing"].contains(&found[0].details["kind"].as_str().unwrap_or("")));
    target.batch_execute("delete from t where a = 2")?;
    becomes(&mut target, "subscription", &["ok "])?;

    // The first copy of a table.
    target.batch_execute("insert into u values (1)")?;
    source.batch_execute("insert into u values (1); alter publication p add table u")?;
    target.batch_execute("alter subscription \"Sub 1\" refresh publication")?;
    poll("copying fails", || {
        let found = findings(&mut target, "subscription")?;
        Ok(found[0].severity == "warning" && found[0].details["kind"] == "copying")
    })?;
    target.batch_execute("delete from u")?;
    becomes(&mut target, "subscription", &["ok "])?;
    Ok(())
}

fn archiver(_: &Fixture) -> Result<()> {
    let cluster =
        Cluster::start(&format!("{REPLICATED}\narchive_mode = on\narchive_command = 'false'"))?;
    let mut client = client(&cluster)?;
    client.batch_execute("create role plain login")?;
    expect_ok(&mut client, "archiver")?;
    switch_wal(&mut client, 2)?;
    let found = becomes(&mut client, "archiver", &["warning archiver"])?;
    ensure!(found[0].message.contains("none succeeded"), "{found:#?}");
    ensure!(found[0].details["waiting_files"] == 2, "{found:#?}");
    client.batch_execute("set mcp_advisor.health_archiver_critical = 0")?;
    ensure!(summary(&mut client, "archiver")? == ["critical archiver"]);
    let mut plain = cluster.connect_as("postgres", "plain")?;
    ensure!(summary(&mut plain, "archiver")? == ["warning archiver"]);
    client.batch_execute("reset mcp_advisor.health_archiver_critical")?;
    for (command, wanted) in [("true", "ok "), ("", "warning archiver"), ("true", "ok ")] {
        client.batch_execute(&format!("alter system set archive_command = '{command}'"))?;
        client.batch_execute("select pg_reload_conf()")?;
        becomes(&mut client, "archiver", &[wanted])?;
    }
    Ok(())
}

fn wal_size(_: &Fixture) -> Result<()> {
    let cluster = Cluster::start(&format!("{REPLICATED}\nmax_wal_size = '1GB'"))?;
    let mut client = client(&cluster)?;
    client.batch_execute("create role plain login")?;
    let set = |client: &mut Client, setting: &str, value: &str| -> Result<()> {
        client.batch_execute(&format!("alter system set {setting} = '{value}'"))?;
        client.batch_execute("select pg_reload_conf()")?;
        wait_for(client, &format!("select current_setting('{setting}') = '{value}'"))
    };
    expect_ok(&mut client, "wal_size")?;
    switch_wal(&mut client, 7)?;
    expect_ok(&mut client, "wal_size")?;
    let mut plain = cluster.connect_as("postgres", "plain")?;
    is_not_judged(&findings(&mut plain, "wal_size")?)?;
    // The checkpointer may see a new setting later than the session that asks it for a checkpoint.
    let mended = |client: &mut Client, reason: &str| -> Result<()> {
        let found = becomes(client, "wal_size", &["warning pg_wal"])?;
        ensure!(found[0].details["kept_by"] == reason, "{reason}: {found:#?}");
        mend(client, &found[0])?;
        poll(reason, || {
            client.batch_execute("checkpoint")?;
            Ok(findings(client, "wal_size")?[0].severity == "ok")
        })
    };
    set(&mut client, "max_wal_size", "48MB")?;
    mended(&mut client, "checkpoints")?;
    set(&mut client, "wal_keep_size", "160MB")?;
    switch_wal(&mut client, 10)?;
    mended(&mut client, "wal_keep_size")?;
    client.batch_execute("select pg_create_physical_replication_slot('keeper', true)")?;
    switch_wal(&mut client, 10)?;
    mended(&mut client, "slot")?;
    expect_ok(&mut client, "replication_slot")
}
