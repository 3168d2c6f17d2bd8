//! `mcp_health` on faults of a whole server, each on a server of its own: connections, replication,
//! shared buffers.

use std::thread::sleep;
use std::time::{Duration, Instant};

use advisor_tests::cluster::Cluster;
use anyhow::{Context, Result, ensure};
use postgres::Client;

use crate::Case;
use crate::fixture::Fixture;
use crate::health::{expect_ok, findings, summary};

pub(crate) const CASES: &[Case] = &[
    ("health_finds_that_connections_run_out", connections),
    ("health_finds_slots_that_nobody_reads", slots),
    ("health_finds_a_standby_that_does_not_replay", standby),
    ("health_finds_a_low_hit_rate", hit_rate),
];

fn client(cluster: &Cluster) -> Result<Client> {
    let mut client = cluster.connect("postgres")?;
    client.batch_execute("create extension if not exists mcp_advisor")?;
    Ok(client)
}

fn connections(_: &Fixture) -> Result<()> {
    let settings = "max_connections = 13\nsuperuser_reserved_connections = 3";
    let cluster = Cluster::start(settings)?;
    let mut client = client(&cluster)?;
    expect_ok(&mut client, "connection_usage")?;
    let mut others = Vec::new();
    for (count, severity) in [(8, "warning"), (9, "critical")] {
        while others.len() + 1 < count {
            others.push(cluster.connect("postgres")?);
        }
        let found = findings(&mut client, "connection_usage")?;
        ensure!(found[0].severity == severity, "{count} of 10: {found:#?}");
        ensure!(
            found[0].details["usable"] == 10 && found[0].details["used"] == count,
            "{found:#?}"
        );
    }
    // A role that does not see the sessions of others counts them all the same.
    client.batch_execute("create role plain login")?;
    drop(others.pop());
    let mut plain = cluster.connect_as("postgres", "plain")?;
    let found = findings(&mut plain, "connection_usage")?;
    ensure!(found[0].severity != "ok", "{found:#?}");
    Ok(())
}

fn slots(_: &Fixture) -> Result<()> {
    let cluster =
        Cluster::start("wal_level = replica\nmax_wal_senders = 4\nmax_wal_size = '32MB'")?;
    let mut client = client(&cluster)?;
    expect_ok(&mut client, "replication")?;
    client.batch_execute("select pg_create_physical_replication_slot('left_behind', true)")?;
    ensure!(summary(&mut client, "replication_slot")? == ["info left_behind"]);
    client.batch_execute("create table t (a integer)")?;
    for _ in 0..3 {
        client.batch_execute("insert into t values (1)")?;
        client.batch_execute("select pg_switch_wal()")?;
    }
    let found = findings(&mut client, "replication_slot")?;
    ensure!(found[0].severity == "warning", "{found:#?}");
    ensure!(found[0].value > Some(32.0 * 1024.0 * 1024.0), "{found:#?}");
    client.batch_execute(&found[0].remediation)?;
    expect_ok(&mut client, "replication")
}

fn standby(_: &Fixture) -> Result<()> {
    let settings = "wal_level = replica\nmax_wal_senders = 4\nmax_connections = 20";
    let primary = Cluster::start(settings)?;
    let mut on_primary = client(&primary)?;
    on_primary.batch_execute("create table t (a text); create unlogged table u (id serial)")?;
    let standby = primary.standby(&format!("{settings}\nhot_standby = on"))?;
    let mut on_standby = standby.connect("postgres")?;

    wait_for(
        &mut on_primary,
        "select count(*) = 1 from pg_stat_replication where state = 'streaming'",
    )?;
    let found = findings(&mut on_primary, "replication_lag")?;
    ensure!(found.len() == 1 && found[0].severity == "ok", "{found:#?}");
    ensure!(found[0].details["state"] == "streaming", "{found:#?}");

    wait_for(&mut on_standby, "select to_regclass('t') is not null")?;
    expect_ok(&mut on_standby, "standby")?;
    // Every check runs there too.
    let found = findings(&mut on_standby, "all")?;
    ensure!(!found.iter().any(|one| one.message.starts_with("could not be checked")), "{found:#?}");
    ensure!(!found.iter().any(|one| ["warning", "critical"].contains(&one.severity.as_str())));

    on_standby.batch_execute("select pg_wal_replay_pause()")?;
    on_primary.batch_execute(
        "insert into t select repeat(md5(g::text), 60) from generate_series(1, 40000) as g",
    )?;
    wait_for(&mut on_primary, "select flush_lsn = pg_current_wal_lsn() from pg_stat_replication")?;
    let lag = findings(&mut on_primary, "replication_lag")?;
    ensure!(lag[0].severity == "warning" && lag[0].value > Some(64e6), "{lag:#?}");
    let found = findings(&mut on_standby, "standby")?;
    ensure!(found[0].severity == "warning", "{found:#?}");
    ensure!(found[0].message.contains("paused"), "{found:#?}");
    on_standby.batch_execute(&found[0].remediation)?;
    wait_for(
        &mut on_standby,
        "select pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()
            and not pg_is_wal_replay_paused()",
    )?;
    expect_ok(&mut on_standby, "standby")?;

    drop(primary);
    wait_for(&mut on_standby, "select count(*) = 0 from pg_stat_wal_receiver")?;
    let found = findings(&mut on_standby, "standby")?;
    ensure!(found[0].severity == "warning", "{found:#?}");
    ensure!(found[0].message.contains("does not receive"), "{found:#?}");
    Ok(())
}

fn hit_rate(_: &Fixture) -> Result<()> {
    let cluster = Cluster::start("shared_buffers = '1MB'\nmax_connections = 20")?;
    let mut client = client(&cluster)?;
    expect_ok(&mut client, "buffer")?;
    client.batch_execute(
        "create table t as select repeat('x', 1000) as a from generate_series(1, 40000)",
    )?;
    for _ in 0..6 {
        client.batch_execute("select count(*) from t where a = ''")?;
    }
    client.batch_execute("select pg_stat_force_next_flush()")?;
    let mut other = cluster.connect("postgres")?;
    let found = findings(&mut other, "buffer")?;
    let tables = found.iter().find(|one| one.object == "tables").context("tables")?;
    ensure!(tables.severity == "warning", "{found:#?}");
    let indexes = found.iter().find(|one| one.object == "indexes").context("indexes")?;
    ensure!(indexes.severity == "ok" && indexes.message.contains("too few"), "{found:#?}");
    Ok(())
}

/// Waits until the query says true.
pub(crate) fn wait_for(client: &mut Client, sql: &str) -> Result<()> {
    let give_up = Instant::now() + Duration::from_secs(60);
    loop {
        let rows = client.query(sql, &[])?;
        if rows.first().and_then(|row| row.get::<_, Option<bool>>(0)) == Some(true) {
            return Ok(());
        }
        ensure!(Instant::now() < give_up, "never true: {sql}");
        sleep(Duration::from_millis(20));
    }
}
