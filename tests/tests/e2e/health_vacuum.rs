//! `mcp_health` on ages of ids, and on what holds VACUUM back.

use std::thread::sleep;
use std::time::{Duration, Instant};

use advisor_tests::cluster::Cluster;
use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde_json::Value;

use crate::Case;
use crate::fixture::Fixture;
use crate::health::{Finding, database, expect_ok, findings, summary};

pub(crate) const CASES: &[Case] = &[
    ("health_finds_old_transaction_ids", old_ids),
    ("health_finds_tables_that_are_old_by_their_own_settings", own_freeze_age),
    ("health_finds_ages_that_vacuum_brings_down", mended_ages),
    ("health_finds_who_holds_back_vacuum", xmin_horizon),
    ("health_finds_standbys_that_hold_back_vacuum", standby_feedback),
    ("health_vacuum_says_what_a_role_cannot_see", roles),
];

pub(crate) fn own_cluster(settings: &str) -> Result<(Cluster, Client)> {
    let cluster = Cluster::start(settings)?;
    let client = connect(&cluster)?;
    Ok((cluster, client))
}

pub(crate) fn connect(cluster: &Cluster) -> Result<Client> {
    let mut client = cluster.connect("postgres")?;
    client.batch_execute("create extension if not exists mcp_advisor; select mcp_schemas()")?;
    Ok(client)
}

/// Waits until `found` is what it should be.
pub(crate) fn wait_for(
    client: &mut Client,
    check: &str,
    found: impl Fn(&[Finding]) -> bool,
) -> Result<Vec<Finding>> {
    let give_up = Instant::now() + Duration::from_secs(60);
    loop {
        let rows = findings(client, check)?;
        if found(&rows) {
            return Ok(rows);
        }
        ensure!(Instant::now() < give_up, "never so: {rows:#?}");
        sleep(Duration::from_millis(20));
    }
}

/// Counters of other sessions, and of this one, that are still on their way.
pub(crate) fn flush(client: &mut Client) -> Result<()> {
    client.batch_execute("select pg_stat_force_next_flush()")?;
    Ok(())
}

pub(crate) fn is_ok(found: &[Finding]) -> bool {
    found.iter().all(|one| one.severity == "ok")
}

fn old_ids(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_ages")?;
    client.batch_execute(
        "create table aging (a integer, b text); create table old (a integer);
        create materialized view kept as select 1 as a",
    )?;
    expect_ok(&mut client, "database_age,table_age")?;
    // Ages as they would be, in a transaction that nobody else sees.
    let aged = |column: &str, kind: &str, age: u64, table: &str, name: &str, row: &str| {
        format!(
            "update {table} set {column} = (({column}::text::bigint + 4294967296 - {age})
                % 4294967296)::text::{kind} where {name} = {row}"
        )
    };
    let table = |age, row: &str| aged("relfrozenxid", "xid", age, "pg_class", "relname", row);
    let own = "'health_ages'";
    let whole = |age| aged("datfrozenxid", "xid", age, "pg_database", "datname", own);
    let multi = |age| aged("datminmxid", "xid", age, "pg_database", "datname", own);
    let other = aged("datfrozenxid", "xid", 1_200_000_000, "pg_database", "datname", "'template0'");
    let toast = "(select t.relname from pg_class as t join pg_class as c
        on c.reltoastrelid = t.oid where c.relname = 'aging')";
    client.batch_execute("begin; set local allow_system_table_mods = on")?;
    for sql in [
        table(1_200_000_000, toast),
        table(500_000_000, "'old'"),
        table(1_450_000_000, "'kept'"),
        whole(1_500_000_000),
        other,
    ] {
        client.batch_execute(&sql)?;
    }
    let tables = findings(&mut client, "table_age")?;
    let databases = findings(&mut client, "database_age")?;
    // From here on the multixacts are older.
    client.batch_execute(&multi(2_000_000_000))?;
    let multixacts = findings(&mut client, "database_age")?;
    client.batch_execute("rollback")?;
    let names: Vec<String> =
        tables.iter().map(|one| format!("{} {}", one.severity, one.object)).collect();
    ensure!(
        names == ["critical public.kept", "warning public.aging", "info public.old"],
        "{tables:#?}"
    );
    ensure!(tables[1].message.starts_with("its TOAST table was not frozen"), "{tables:#?}");
    ensure!(tables[1].remediation == "VACUUM (FREEZE) public.aging;", "{tables:#?}");
    let here = databases.iter().find(|one| one.object == "health_ages").context("database")?;
    // In an emergency no more than is needed.
    ensure!(here.severity == "critical" && here.remediation == "VACUUM;", "{here:#?}");
    ensure!(here.details["oldest_table"] == "public.kept", "{here:#?}");
    let left = here.details["remaining_before_stop"].as_i64().context("remaining")?;
    ensure!((644_000_000..=644_483_647).contains(&left), "{here:#?}");
    let template = databases.iter().find(|one| one.object == "template0").context("template0")?;
    ensure!(template.severity == "warning" && template.remediation.is_empty(), "{template:#?}");
    let multi = multixacts.iter().find(|one| one.details["kind"] == "multixact ids");
    let multi = multi.context("multixacts")?;
    ensure!(multi.severity == "critical" && multi.details["failsafe_due"] == true, "{multi:#?}");
    ensure!(multi.object == "health_ages", "{multi:#?}");
    Ok(())
}

fn own_freeze_age(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_own_age")?;
    client.batch_execute(
        "create table eager (a integer, b text) with (autovacuum_freeze_max_age = 100000);
        create table eager_too (a integer, b text)
            with (toast.autovacuum_multixact_freeze_max_age = 10000);
        -- Higher than the server's: that does not count.
        create table lazy (a integer) with (autovacuum_freeze_max_age = 2000000000);
        create table plain (a integer)",
    )?;
    expect_ok(&mut client, "table_age")?;
    // What the table asks for, not that of the server.
    client.batch_execute(
        "begin; set local allow_system_table_mods = on;
        update pg_class set relfrozenxid = ((relfrozenxid::text::bigint + 4294967296 - 200000)
            % 4294967296)::text::xid
            where relname in ('eager', 'lazy', 'plain');
        update pg_class set relminmxid = ((relminmxid::text::bigint + 4294967296 - 20000)
            % 4294967296)::text::xid
            where oid in (select reltoastrelid from pg_class where relname = 'eager_too')",
    )?;
    let found = summary(&mut client, "table_age")?;
    client.batch_execute("rollback")?;
    ensure!(found == ["info public.eager", "info public.eager_too"], "{found:?}");
    Ok(())
}

/// Real ages are small: the limits are lowered to them.
fn mended_ages(_: &Fixture) -> Result<()> {
    let (_cluster, mut client) = own_cluster("max_connections = 20")?;
    for _ in 0..300 {
        client.batch_execute("select pg_current_xact_id()")?;
    }
    client.batch_execute(
        "set mcp_advisor.health_database_age_overdue = 0;
        set mcp_advisor.health_database_age_least = 200;
        set mcp_advisor.health_table_age_overdue = 0;
        set mcp_advisor.health_table_age_least = 200",
    )?;
    let tables = findings(&mut client, "table_age")?;
    ensure!(tables.len() > 1 && tables.iter().all(|one| one.severity == "info"), "{tables:#?}");
    let found = findings(&mut client, "database_age")?;
    let names: Vec<&str> = found.iter().map(|one| one.object.as_str()).collect();
    for name in ["postgres", "template0", "template1"] {
        ensure!(names.contains(&name), "{found:#?}");
    }
    // First a table as its own row says, then the database.
    client.batch_execute(&tables[0].remediation)?;
    let rest = findings(&mut client, "table_age")?;
    ensure!(!rest.iter().any(|one| one.object == tables[0].object), "{rest:#?}");
    let here = found.iter().find(|one| one.object == "postgres").context("postgres")?;
    client.batch_execute(&here.remediation)?;
    expect_ok(&mut client, "table_age")?;
    let found = findings(&mut client, "database_age")?;
    ensure!(!found.iter().any(|one| one.object == "postgres"), "{found:#?}");
    Ok(())
}

fn xmin_horizon(_: &Fixture) -> Result<()> {
    let settings = "wal_level = logical\nmax_replication_slots = 4\nmax_wal_senders = 4
        max_prepared_transactions = 4";
    let (cluster, mut client) = own_cluster(settings)?;
    client.batch_execute("create table t (a integer); insert into t values (1), (2)")?;
    client.batch_execute("select pg_create_logical_replication_slot('decoded', 'pgoutput')")?;
    let mut idle = cluster.create_database("other")?;
    idle.batch_execute("begin isolation level repeatable read; select 1")?;
    // Nothing is held back by who has no snapshot.
    let mut harmless = cluster.connect("postgres")?;
    harmless.batch_execute("begin; select 1")?;
    client.batch_execute("begin; insert into t values (3); prepare transaction 'it''s left'")?;
    let mut elsewhere = cluster.connect("other")?;
    elsewhere.batch_execute(
        "create table t (a integer); begin; insert into t values (3); prepare transaction 'far'",
    )?;
    expect_ok(&mut client, "xmin_horizon")?;

    client.batch_execute("set mcp_advisor.health_xmin_horizon_warning_ids = 20")?;
    expect_ok(&mut client, "xmin_horizon")?;
    for _ in 0..30 {
        client.batch_execute("select pg_current_xact_id()")?;
    }
    let found = findings(&mut client, "xmin_horizon")?;
    let row = |kind: &str| {
        let row = found.iter().find(|one| one.details["kind"] == kind);
        row.with_context(|| format!("{kind}: {found:#?}"))
    };
    let session = row("idle session")?;
    ensure!(session.details["database"] == "other", "{session:#?}");
    ensure!(session.object.starts_with("session ") && session.severity == "warning");
    ensure!(row("slot")?.object == "replication slot decoded", "{found:#?}");
    ensure!(row("slot")?.message.contains("deleted from the system catalogs"), "{found:#?}");
    let far = found.iter().find(|one| one.details["gid"] == "far").context("far")?;
    ensure!(far.remediation.is_empty() && far.message.contains("in database other"), "{far:#?}");
    let near = found.iter().find(|one| one.details["gid"] == "it's left").context("near")?;
    ensure!(near.remediation == "ROLLBACK PREPARED 'it''s left';", "{near:#?}");
    ensure!(found.len() == 4, "{found:#?}");
    client.batch_execute("set mcp_advisor.health_xmin_horizon_critical_ids = 25")?;
    let critical = findings(&mut client, "xmin_horizon")?;
    ensure!(critical.iter().all(|one| one.severity == "critical"), "{critical:#?}");

    for finding in &found {
        client.batch_execute(&finding.remediation)?;
    }
    elsewhere.batch_execute("rollback prepared 'far'")?;
    wait_for(&mut client, "xmin_horizon", is_ok)?;

    // By time: who runs something, and not who runs VACUUM.
    client.batch_execute("set mcp_advisor.health_xmin_horizon_warning = '1s'")?;
    let mut busy = cluster.connect("postgres")?;
    let running = std::thread::spawn(move || busy.batch_execute("select pg_sleep(600)"));
    client.batch_execute(
        "create table v (a integer primary key);
        insert into v select g from generate_series(1, 20000) as g; delete from v where a % 2 = 0",
    )?;
    let mut cleaner = cluster.connect("postgres")?;
    let stop = cleaner.cancel_token();
    let vacuuming = std::thread::spawn(move || {
        cleaner.batch_execute("set vacuum_cost_delay = 100; set vacuum_cost_limit = 1")?;
        cleaner.batch_execute("vacuum v")
    });
    let found = wait_for(&mut client, "xmin_horizon", |found| !is_ok(found))?;
    let count = "select count(*) from pg_stat_progress_vacuum";
    ensure!(client.query_one(count, &[])?.try_get::<_, i64>(0)? == 1, "no VACUUM is running");
    sleep(Duration::from_millis(1100));
    let again = findings(&mut client, "xmin_horizon")?;
    ensure!(found.len() == 1 && again.len() == 1, "{again:#?}");
    ensure!(again[0].details["kind"] == "busy session", "{again:#?}");
    ensure!(again[0].remediation.contains("pg_cancel_backend"), "{again:#?}");
    client.batch_execute(&again[0].remediation)?;
    let ran = running.join().map_err(|_| anyhow::anyhow!("the session panicked"))?;
    ensure!(ran.is_err(), "it was not cancelled");
    expect_ok(&mut client, "xmin_horizon")?;
    stop.cancel_query(postgres::NoTls)?;
    ensure!(vacuuming.join().is_ok());
    Ok(())
}

fn standby_feedback(_: &Fixture) -> Result<()> {
    let settings = "wal_level = replica\nmax_wal_senders = 4\nmax_connections = 20";
    let (primary, mut client) = own_cluster(settings)?;
    client.batch_execute("create table t (a integer)")?;
    let standby = primary.standby(&format!(
        "{settings}\nhot_standby = on\nhot_standby_feedback = on\nwal_receiver_status_interval = 1"
    ))?;
    let mut reader = standby.connect("postgres")?;
    reader.batch_execute("begin isolation level repeatable read; select 1")?;
    let mut there = standby.connect("postgres")?;
    // Counters are the primary's; ages and horizons are looked at all the same.
    for check in ["dead_tuples", "never_analyzed", "stale_statistics", "vacuum_queue"] {
        let found = findings(&mut there, check)?;
        ensure!(found.len() == 1 && found[0].details["ran"] == Value::Bool(false), "{found:#?}");
        ensure!(found[0].message.contains("standby"), "{found:#?}");
    }
    ensure!(summary(&mut there, "autovacuum_off")? == ["info autovacuum"]);
    expect_ok(&mut there, "database_age,table_age,xmin_horizon,orphan_temp_table,vacuum_progress")?;

    client.batch_execute("set mcp_advisor.health_xmin_horizon_warning_ids = 20")?;
    for _ in 0..30 {
        client.batch_execute("select pg_current_xact_id()")?;
    }
    let found = wait_for(&mut client, "xmin_horizon", |found| !is_ok(found))?;
    ensure!(found.len() == 1 && found[0].details["kind"] == "standby", "{found:#?}");
    ensure!(found[0].severity == "warning" && found[0].remediation.is_empty(), "{found:#?}");
    ensure!(found[0].message.contains("hot_standby_feedback"), "{found:#?}");
    // With a slot it is the slot that keeps it.
    client.batch_execute("select pg_create_physical_replication_slot('kept', true)")?;
    there.batch_execute("alter system set primary_slot_name = 'kept'")?;
    there.batch_execute("select pg_reload_conf()")?;
    let found = wait_for(&mut client, "xmin_horizon", |found| {
        found.iter().any(|one| one.details["kind"] == "slot of a standby")
    })?;
    ensure!(found.len() == 1 && found[0].object == "replication slot kept", "{found:#?}");
    ensure!(found[0].remediation.is_empty(), "{found:#?}");
    reader.batch_execute("rollback")?;
    wait_for(&mut client, "xmin_horizon", is_ok)?;
    Ok(())
}

fn roles(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_vacuum_roles")?;
    client.batch_execute(
        "create role health_vacuum_plain login;
        create role health_vacuum_monitor login in role pg_monitor;
        create table t (a integer) with (autovacuum_enabled = false);
        insert into t select g from generate_series(1, 2000) as g",
    )?;
    flush(&mut client)?;
    // Nothing waits for a lock on a table.
    let mut locker = fixture.cluster.connect("health_vacuum_roles")?;
    locker.batch_execute("begin; lock table t in access exclusive mode")?;
    let judged = |role: &str| -> Result<Vec<Finding>> {
        let mut other = fixture.cluster.connect_as("health_vacuum_roles", role)?;
        let mut found = findings(&mut other, "vacuum")?;
        ensure!(
            !found.iter().any(|one| one.message.starts_with("could not be checked")),
            "{found:#?}"
        );
        // What needs no privilege is found by all.
        for (check, severity) in
            [("autovacuum_table_setting", "info"), ("never_analyzed", "warning")]
        {
            let row = found.iter().find(|one| one.check == check).context(check)?;
            ensure!(row.severity == severity && row.object == "public.t", "{row:#?}");
        }
        found.retain(|one| one.details["ran"] == Value::Bool(false));
        Ok(found)
    };
    let unable = judged("health_vacuum_plain")?;
    for check in ["xmin_horizon", "vacuum_queue"] {
        let row = unable.iter().find(|one| one.check == check).context(check)?;
        ensure!(row.severity == "info", "{row:#?}");
        ensure!(row.remediation == "GRANT pg_monitor TO health_vacuum_plain;", "{row:#?}");
    }
    let unable = judged("health_vacuum_monitor")?;
    ensure!(unable.is_empty(), "{unable:#?}");

    // It writes nothing, and does without a transaction id.
    client.batch_execute("begin read only")?;
    findings(&mut client, "vacuum")?;
    let sql = "select pg_current_xact_id_if_assigned() is null";
    ensure!(client.query_one(sql, &[])?.try_get::<_, bool>(0)?, "a transaction id was taken");
    Ok(client.batch_execute("rollback")?)
}
