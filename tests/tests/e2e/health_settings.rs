//! `mcp_health` on settings that are dangerous, off, waiting, or not those of the machine, and on
//! versions that are old. What a server is set to is its own, so most have a server of their own.

use std::thread::sleep;
use std::time::{Duration, Instant};

use advisor_sql::health::{checks, prepare};
use advisor_tests::cluster::{self, Cluster};
use anyhow::{Context, Result, ensure};
use postgres::Client;

use crate::Case;
use crate::fixture::Fixture;
use crate::health::{Finding, database, expect_and_mend, expect_ok, findings, summary};

pub(crate) const CASES: &[Case] = &[
    ("health_finds_settings_that_give_up_data", durability),
    ("health_finds_plan_types_that_are_off", planner),
    ("health_finds_settings_that_wait_for_a_restart", pending_restart),
    ("health_finds_that_nothing_ends_a_transaction", timeouts),
    ("health_finds_autovacuum_that_is_too_slow", autovacuum),
    ("health_finds_memory_that_the_machine_does_not_have", memory),
    ("health_knows_versions_and_their_end", server_version),
    ("health_finds_extensions_that_are_behind", extensions),
];

pub(crate) fn server(settings: &str) -> Result<(Cluster, Client)> {
    let cluster = Cluster::start(settings)?;
    let client = client(&cluster)?;
    Ok((cluster, client))
}

/// A new session, which begins with what is set by now.
pub(crate) fn client(cluster: &Cluster) -> Result<Client> {
    let mut client = cluster.connect("postgres")?;
    client.batch_execute("create extension if not exists mcp_advisor; select mcp_schemas()")?;
    Ok(client)
}

/// Fails unless the check finds exactly this, and runs what it printed.
pub(crate) fn expect_and_run(client: &mut Client, check: &str, wanted: &[&str]) -> Result<()> {
    let found = findings(client, check)?;
    let summary: Vec<String> =
        found.iter().map(|one| format!("{} {}", one.severity, one.object)).collect();
    ensure!(summary == wanted, "{check}: {found:#?}");
    for statement in found.iter().flat_map(|one| one.remediation.split_inclusive(';')) {
        client.batch_execute(statement).with_context(|| statement.to_owned())?;
    }
    Ok(())
}

/// Fails unless the findings become such: a session reads a changed configuration a little later.
pub(crate) fn wait_until(
    client: &mut Client,
    check: &str,
    wanted: impl Fn(&[Finding]) -> bool,
) -> Result<()> {
    let give_up = Instant::now() + Duration::from_secs(20);
    loop {
        let found = findings(client, check)?;
        if wanted(&found) {
            return Ok(());
        }
        ensure!(Instant::now() < give_up, "{found:#?}");
        sleep(Duration::from_millis(20));
    }
}

pub(crate) fn wait_until_ok(client: &mut Client, check: &str) -> Result<()> {
    wait_until(client, check, |found| found.iter().all(|one| one.severity == "ok"))
}

/// What the text of a check finds, as `severity object: message`, with a part of it replaced by
/// what cannot be had on this server.
pub(crate) fn simulated(
    client: &mut Client,
    check: &str,
    (part, value): (&str, &str),
) -> Result<Vec<String>> {
    let check = checks().find(|one| one.name == check).context("check")?;
    let sql = check.sql(cluster::server_version()?).map_err(anyhow::Error::msg)?;
    ensure!(sql.contains(part), "{part}");
    let rows = client.query(&sql.replace(part, value), &[])?;
    rows.iter()
        .map(|row| {
            let object: Option<&str> = row.try_get(1)?;
            let message: &str = row.try_get(5)?;
            Ok(format!("{} {}: {message}", row.try_get::<_, &str>(0)?, object.unwrap_or_default()))
        })
        .collect()
}

fn durability(_: &Fixture) -> Result<()> {
    // fsync and full_page_writes are off in every scratch cluster.
    let (mut cluster, mut client) = server("synchronous_commit = off")?;
    client.batch_execute(r#"create database "O ther""#)?;
    client.batch_execute(
        r#"create role "Night ly"; create role batch;
        alter role "Night ly" set zero_damaged_pages = on;
        alter role batch in database "O ther" set ignore_checksum_failure = on;
        alter role batch set synchronous_commit = off;
        alter role "Night ly" set ignore_checksum_failure = off;
        set zero_damaged_pages = on"#,
    )?;
    expect_and_run(
        &mut client,
        "durability",
        &[
            "critical fsync",
            r#"critical ignore_checksum_failure of role batch in database "O ther""#,
            r#"critical zero_damaged_pages of role "Night ly""#,
            "warning full_page_writes",
            "info synchronous_commit",
        ],
    )?;
    wait_until_ok(&mut client, "durability")?;
    client.batch_execute("alter system set zero_damaged_pages = on")?;
    client.batch_execute("alter system set data_sync_retry = on")?;
    drop(client);
    cluster.restart("")?;
    let mut client = self::client(&cluster)?;
    let found = findings(&mut client, "durability")?;
    ensure!(found.len() == 2, "{found:#?}");
    let retry = found.iter().find(|one| one.object == "data_sync_retry").context("row")?;
    ensure!(retry.severity == "warning" && retry.details["risk"] == "restart", "{retry:#?}");
    ensure!(retry.remediation == "ALTER SYSTEM SET data_sync_retry = off;", "{retry:#?}");
    Ok(())
}

fn planner(_: &Fixture) -> Result<()> {
    let (cluster, mut client) = server("jit = off")?;
    client.batch_execute("set enable_hashjoin = off; set random_page_cost = 0")?;
    expect_ok(&mut client, "planner_setting")?;
    client.batch_execute("alter system set enable_nestloop = off")?;
    client.batch_execute("alter system set random_page_cost = 0.5")?;
    client.batch_execute("alter database postgres set enable_seqscan = off")?;
    client.batch_execute("select pg_reload_conf()")?;
    let mut client = self::client(&cluster)?;
    wait_until(&mut client, "planner_setting", |found| found.len() == 3)?;
    expect_and_run(
        &mut client,
        "planner_setting",
        &["info enable_nestloop", "info enable_seqscan", "info random_page_cost"],
    )?;
    let mut client = self::client(&cluster)?;
    wait_until_ok(&mut client, "planner_setting")
}

fn pending_restart(_: &Fixture) -> Result<()> {
    let (mut cluster, mut client) = server("max_connections = 20")?;
    expect_ok(&mut client, "pending_restart")?;
    client.batch_execute("alter system set max_connections = 21")?;
    client.batch_execute("alter system set work_mem = '5MB'")?;
    client.batch_execute("select pg_reload_conf()")?;
    wait_until(&mut client, "pending_restart", |found| found[0].severity == "info")?;
    let found = findings(&mut client, "pending_restart")?;
    ensure!(found.len() == 1 && found[0].object == "max_connections", "{found:#?}");
    ensure!(found[0].message.contains("still 20 until"), "{found:#?}");
    drop(client);
    cluster.restart("")?;
    expect_ok(&mut self::client(&cluster)?, "pending_restart")
}

fn timeouts(_: &Fixture) -> Result<()> {
    let (_cluster, mut client) = server("")?;
    let one = &["info idle_in_transaction_session_timeout"];
    ensure!(summary(&mut client, "timeout_setting")? == one);
    // That of the session is nobody else's, and 0 is none.
    client.batch_execute(
        "set lock_timeout = '1s'; create role app; alter role app set statement_timeout = '0'",
    )?;
    ensure!(summary(&mut client, "timeout_setting")? == one);
    client.batch_execute("alter role app set statement_timeout = '1min'")?;
    expect_ok(&mut client, "timeout_setting")?;
    client.batch_execute("alter role app reset statement_timeout")?;
    client.batch_execute("set mcp_advisor.health_timeout_setting_recommended = '7min'")?;
    expect_and_run(&mut client, "timeout_setting", one)?;
    wait_until_ok(&mut client, "timeout_setting")?;
    let sql = "show idle_in_transaction_session_timeout";
    ensure!(client.query_one(sql, &[])?.get::<_, &str>(0) == "7min");
    Ok(())
}

fn autovacuum(_: &Fixture) -> Result<()> {
    let (mut cluster, mut client) =
        server("autovacuum_naptime = '10min'\nautovacuum_vacuum_cost_delay = '20ms'")?;
    expect_and_run(
        &mut client,
        "autovacuum_setting",
        &["info autovacuum_naptime", "info autovacuum_vacuum_cost_limit"],
    )?;
    wait_until_ok(&mut client, "autovacuum_setting")?;
    // The catalogs alone are more than 20 tables for each of three workers.
    let few = "set mcp_advisor.health_autovacuum_setting_tables_most = 20";
    client.batch_execute(few)?;
    let found = findings(&mut client, "autovacuum_setting")?;
    // From 18 on within autovacuum_worker_slots it takes a reload only.
    let risk = if cluster::server_version()? < 180_000 { "restart" } else { "safe" };
    ensure!(found[0].details["risk"] == risk, "{found:#?}");
    expect_and_run(&mut client, "autovacuum_setting", &["info autovacuum_max_workers"])?;
    drop(client);
    cluster.restart("")?;
    let mut client = self::client(&cluster)?;
    client.batch_execute(few)?;
    expect_ok(&mut client, "autovacuum_setting")?;
    // Each worker still has the share of the limit that it had.
    let sql = "select current_setting('autovacuum_vacuum_cost_limit')::integer
        / current_setting('autovacuum_max_workers')::integer >= 200 / 3";
    ensure!(client.query_one(sql, &[])?.get::<_, bool>(0));
    Ok(())
}

fn memory(_: &Fixture) -> Result<()> {
    // More than any machine has; and what no machine makes a warning.
    let (mut cluster, mut client) =
        server("work_mem = '1TB'\neffective_cache_size = '8MB'\nshared_buffers = '16MB'")?;
    let found = findings(&mut client, "memory")?;
    let row = |name: &str| found.iter().find(|one| one.object == name).context("row");
    let work_mem = row("work_mem")?;
    ensure!(work_mem.severity == "warning", "{work_mem:#?}");
    ensure!(work_mem.message.contains("the kernel kills"), "{work_mem:#?}");
    // As this process sees the machine, which is that of the server.
    let meminfo = std::fs::read_to_string("/proc/meminfo")?;
    let total: f64 = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .context("MemTotal")?;
    let ram = work_mem.details["ram"].as_f64().context("ram")?;
    let limited = work_mem.details["ram_limited_by_control_group"] == true;
    ensure!(if limited { ram < total * 1024.0 } else { ram == total * 1024.0 }, "{work_mem:#?}");
    let cores = std::thread::available_parallelism()?.get();
    ensure!(work_mem.details["cores"] == cores, "{work_mem:#?}");
    for name in ["effective_cache_size", "shared_buffers"] {
        ensure!(row(name)?.severity == "info", "{found:#?}");
    }
    ensure!(row("shared_buffers")?.details["risk"] == "restart", "{found:#?}");

    for statement in found.iter().flat_map(|one| one.remediation.split_inclusive(';')) {
        client.batch_execute(statement).with_context(|| statement.to_owned())?;
    }
    drop(client);
    cluster.restart("")?;
    let mut client = self::client(&cluster)?;
    expect_ok(&mut client, "memory")?;
    client.batch_execute("set mcp_advisor.health_memory_warning = 0")?;
    ensure!(summary(&mut client, "memory")? == ["warning work_mem"]);
    client.batch_execute("set mcp_advisor.health_memory_buffers_least = 99")?;
    ensure!(summary(&mut client, "memory")?.contains(&"info shared_buffers".to_owned()));

    // Without the extension the machine is not guessed.
    let mut client = cluster.create_database("bare")?;
    client.batch_execute("begin")?;
    client.query(&prepare(), &[])?;
    let rows = simulated(&mut client, "memory", ("'ran', false", "'ran', false"))?;
    ensure!(rows.len() == 1 && rows[0].contains("which SQL cannot see"), "{rows:#?}");
    Ok(())
}

fn server_version(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    // Of the server of these tests nothing is said that depends on the day.
    let found = findings(&mut client, "server_version")?;
    ensure!(found.iter().all(|one| one.severity != "critical"), "{found:#?}");
    let mut version = |number: &str| {
        let setting = "pg_catalog.current_setting('server_version_num')";
        simulated(&mut client, "server_version", (setting, &format!("'{number}'")))
    };
    let found = version("140002")?;
    ensure!(found[0].starts_with("warning PostgreSQL 14: is no longer maintained since"));
    ensure!(found[1].starts_with("info PostgreSQL 14.2: lacks the fixes of"), "{found:#?}");
    let found = version("180001")?;
    let behind = found.iter().any(|one| one.starts_with("info PostgreSQL 18.1: lacks the fixes"));
    ensure!(behind, "{found:#?}");
    // Versions that the list does not know, and minor ones beyond it.
    ensure!(version("250001")?.is_empty());
    ensure!(version("180999")?.iter().all(|one| !one.contains("lacks")));
    // Everything ends within 60 years.
    client.batch_execute("set mcp_advisor.health_server_version_notice = '21900d'")?;
    let found = findings(&mut client, "server_version")?;
    let end = found.iter().find(|one| one.message.contains("maintained")).context("row")?;
    ensure!(end.object.starts_with("PostgreSQL 1") && end.remediation.is_empty(), "{end:#?}");
    Ok(())
}

fn extensions(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_extension")?;
    expect_ok(&mut client, "outdated_extension")?;
    client.batch_execute("create extension pg_stat_statements version '1.9'")?;
    expect_and_mend(&mut client, "outdated_extension", &["info pg_stat_statements"])?;
    // As if a package were gone, or had come without the script.
    client.batch_execute(
        "begin; update pg_extension set extversion = '0.1' where extname = 'hypopg';
        insert into pg_extension select 99999, 'Go ne', extowner, extnamespace, true, '1'
            from pg_extension where extname = 'hypopg'",
    )?;
    let found = findings(&mut client, "outdated_extension")?;
    client.batch_execute("rollback")?;
    ensure!(found.len() == 2 && found.iter().all(|one| one.remediation.is_empty()), "{found:#?}");
    ensure!(found[0].object == "\"Go ne\"", "{found:#?}");
    ensure!(found[0].message.contains("its files are missing"), "{found:#?}");
    ensure!(found[1].message.contains("no script that leads there"), "{found:#?}");
    Ok(())
}
