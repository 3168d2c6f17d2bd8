//! `mcp_health` on shared buffers, the checkpointer and the background writer, each case on a server
//! of its own.

use advisor_tests::cluster::{self, Cluster};
use anyhow::{Context, Result, ensure};
use postgres::Client;

use crate::Case;
use crate::fixture::Fixture;
use crate::health::{expect_ok, findings, summary};
use crate::health_replication::{client, mend, wait_for};

pub(crate) const CASES: &[Case] = &[
    ("health_finds_a_low_hit_rate", hit_rate),
    ("health_finds_checkpoints_that_come_too_early", checkpoints),
    ("health_finds_a_background_writer_that_lags", background_writer),
    ("health_says_which_checks_need_a_newer_server", io),
];

/// As few buffers as there can be.
const TINY: &str = "shared_buffers = '128kB'\nmax_connections = 10\nmax_worker_processes = 0";

fn hit_rate(_: &Fixture) -> Result<()> {
    let cluster = Cluster::start("shared_buffers = '1MB'\nmax_connections = 20")?;
    let mut setup = client(&cluster)?;
    setup.batch_execute("create role plain login")?;
    expect_ok(&mut setup, "cache_hit_rate")?;
    setup.batch_execute(
        "create schema \"S 1\"; create table hot as
            select repeat('x', 1000) as a from generate_series(1, 200);
        create table \"S 1\".\"Lar.ge\" as
            select repeat('x', 1000) as a from generate_series(1, 20000)",
    )?;
    // Some misses are not enough to say anything.
    setup.batch_execute("select pg_stat_reset()")?;
    setup.batch_execute("select count(*) from \"S 1\".\"Lar.ge\" where a = ''")?;
    let settled = |client: &mut Client, requests: i64| {
        client.batch_execute("select pg_stat_force_next_flush()")?;
        wait_for(
            client,
            &format!(
                "select sum(pg_stat_get_blocks_fetched(oid)) >= {requests} from pg_class
                where relname in ('Lar.ge', 'hot')"
            ),
        )
    };
    settled(&mut setup, 2000)?;
    let mut other = cluster.connect("postgres")?;
    let found = findings(&mut other, "cache_hit_rate")?;
    ensure!(found.len() == 2 && found.iter().all(|one| one.severity == "ok"), "{found:#?}");
    ensure!(found.iter().all(|one| one.message.contains("too few to judge")), "{found:#?}");

    for _ in 0..9 {
        setup.batch_execute("select count(*) from \"S 1\".\"Lar.ge\" where a = ''")?;
    }
    settled(&mut setup, 20_000)?;
    let mut plain = cluster.connect_as("postgres", "plain")?;
    for client in [&mut other, &mut plain] {
        let found = findings(client, "cache_hit_rate")?;
        let of = |object: &str| {
            found.iter().find(|one| one.object == object).with_context(|| format!("{found:#?}"))
        };
        ensure!(of("tables")?.severity == "warning", "{found:#?}");
        ensure!(of("tables")?.message.contains("operating system's cache"), "{found:#?}");
        ensure!(of("\"S 1\".\"Lar.ge\"")?.severity == "info", "{found:#?}");
        ensure!(of("indexes")?.severity == "ok" && found.len() == 3, "{found:#?}");
    }
    // Some hundred thousand requests that hit: it is fine on the whole. The large table still
    // has all the misses, and says so.
    setup.batch_execute(
        "do $$ begin for i in 1..10000 loop perform count(*) from hot; end loop; end $$",
    )?;
    settled(&mut setup, 300_000)?;
    ensure!(summary(&mut other, "cache_hit_rate")?.contains(&"info \"S 1\".\"Lar.ge\"".to_owned()));
    other.batch_execute("set mcp_advisor.health_cache_hit_rate_relations = 0")?;
    let found = findings(&mut other, "cache_hit_rate")?;
    let tables = found.iter().find(|one| one.object == "tables").context("tables")?;
    ensure!(["ok", "info"].contains(&tables.severity.as_str()), "{found:#?}");
    ensure!(found.len() == 2, "{found:#?}");
    Ok(())
}

fn checkpoints(_: &Fixture) -> Result<()> {
    let cluster = Cluster::start("max_wal_size = '64MB'")?;
    let mut client = client(&cluster)?;
    let (view, column) = match cluster::server_version()? {
        170_000.. => ("checkpointer", "num_requested"),
        _ => ("bgwriter", "checkpoints_req"),
    };
    let reset = format!("select pg_stat_reset_shared('{view}')");
    client.batch_execute(&reset)?;
    let mut written = 0;
    let mut requested = |client: &mut Client, count: i64| -> Result<()> {
        // From 18 on one that has nothing to write is not counted.
        written += 1;
        client.batch_execute(&format!("create table t{written} (); checkpoint"))?;
        wait_for(client, &format!("select {column} >= {count} from pg_stat_{view}"))
    };
    for count in 1..10 {
        requested(&mut client, count)?;
    }
    expect_ok(&mut client, "checkpoints")?;
    requested(&mut client, 10)?;
    let found = findings(&mut client, "checkpoints")?;
    ensure!(found[0].severity == "info" && found[0].value > Some(50.0), "{found:#?}");
    client.batch_execute("set mcp_advisor.health_checkpoints_info = 100")?;
    expect_ok(&mut client, "checkpoints")?;
    client.batch_execute("reset mcp_advisor.health_checkpoints_info")?;
    mend(&mut client, &found[0])?;
    wait_for(&mut client, "select current_setting('max_wal_size') = '128MB'")?;
    // Its counters tell of the past until they are counted anew.
    client.batch_execute(&reset)?;
    expect_ok(&mut client, "checkpoints")
}

fn background_writer(_: &Fixture) -> Result<()> {
    let cluster = Cluster::start(&format!(
        "{TINY}\nbgwriter_delay = '10ms'\nbgwriter_lru_maxpages = 1\nbgwriter_flush_after = 0"
    ))?;
    let mut client = client(&cluster)?;
    client.batch_execute("select pg_stat_reset_shared('bgwriter')")?;
    expect_ok(&mut client, "background_writer")?;
    client.batch_execute(
        "create table t as select g as a, repeat('x', 1000) as b from generate_series(1, 5000) as g",
    )?;
    for _ in 0..5 {
        client.batch_execute("update t set a = a + 1")?;
    }
    // From 17 on what sessions write and flush is counted elsewhere, and another check's.
    let apart = cluster::server_version()? >= 170_000;
    let (written, flushed) = if apart {
        let of = "from pg_stat_io where object = 'relation' and backend_type = 'client backend'
            and context = 'normal'";
        (format!("select sum(writes) > 3000 {of}"), format!("select sum(fsyncs) > 0 {of}"))
    } else {
        let of = "from pg_stat_bgwriter";
        (
            format!("select buffers_backend > 3000 {of}"),
            format!("select buffers_backend_fsync > 0 {of}"),
        )
    };
    wait_for(&mut client, &written)?;
    wait_for(&mut client, "select maxwritten_clean > 0 from pg_stat_bgwriter")?;
    let (checks, sessions) = match apart {
        true => ("background_writer,io", "client backends"),
        false => ("background_writer", "sessions"),
    };
    // Too few to judge; what is a flush by a session is a fault from the first one on.
    let found = findings(&mut client, checks)?;
    ensure!(found.iter().all(|one| one.severity != "info"), "{found:#?}");
    client.batch_execute(
        "set mcp_advisor.health_background_writer_least = 1; set mcp_advisor.health_io_least = 1",
    )?;
    let found = findings(&mut client, checks)?;
    let of = |object: &str| {
        let mut rows = found.iter().filter(|one| one.severity == "info");
        rows.find(|one| one.object == object).with_context(|| format!("{object}: {found:#?}"))
    };
    mend(&mut client, of(sessions)?)?;
    let pages = if apart { 100 } else { 1 };
    wait_for(&mut client, &format!("select current_setting('bgwriter_lru_maxpages') = '{pages}'"))?;
    mend(&mut client, of("background writer")?)?;
    wait_for(&mut client, "select current_setting('bgwriter_lru_maxpages') = '2'")?;
    if !apart {
        wait_for(&mut client, "select current_setting('bgwriter_lru_multiplier') = '4'")?;
    }
    client.batch_execute("select pg_stat_reset_shared('bgwriter')")?;
    client.batch_execute("reset mcp_advisor.health_background_writer_least")?;
    expect_ok(&mut client, "background_writer")?;

    // More files than the queue to the checkpointer has room for: sessions flush them.
    client.batch_execute(
        "do $$ begin for i in 1..300 loop
            execute format('create table t%s as select 1 as a', i);
        end loop; end $$",
    )?;
    wait_for(&mut client, &flushed)?;
    let found = findings(&mut client, checks)?;
    let warning = found.iter().find(|one| one.severity == "warning").context("no warning")?;
    ensure!(warning.object == sessions && warning.remediation.is_empty(), "{found:#?}");
    Ok(())
}

fn io(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    let found = findings(&mut client, "io")?;
    if cluster::server_version()? < 160_000 {
        ensure!(found.len() == 1 && found[0].severity == "info", "{found:#?}");
        ensure!(found[0].message.ends_with("it needs PostgreSQL 16 or later"), "{found:#?}");
        ensure!(found[0].details["ran"] == false, "{found:#?}");
    } else {
        ensure!(found.iter().any(|one| one.object == "reads in context normal"), "{found:#?}");
    }
    Ok(())
}
