//! `mcp_health` on what the statements of a database do: deadlocks, rollbacks, temporary files,
//! and whether they are recorded.

use advisor_tests::cluster::Cluster;
use anyhow::{Result, ensure};
use postgres::Client;
use postgres::error::SqlState;
use serde_json::Value;

use crate::Case;
use crate::fixture::Fixture;
use crate::health::{database, expect_ok, findings};
use crate::health_replication::{client, wait_for};

pub(crate) const CASES: &[Case] = &[
    ("health_finds_deadlocks", deadlocks),
    ("health_finds_rollbacks", rollbacks),
    ("health_finds_sorts_that_spill", spills),
    ("health_finds_that_statements_are_not_recorded", not_recorded),
    ("health_finds_that_recorded_statements_are_evicted", evictions),
    ("health_of_sessions_as_roles_with_few_privileges", roles),
];

/// Lets the counters of this session be seen.
const FLUSH: &str = "select pg_stat_force_next_flush()";

fn deadlocks(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "Health deadlocks")?;
    client.batch_execute(
        "create table t as select g as a, 0 as b from generate_series(1, 2) as g;
        set mcp_advisor.health_deadlocks_info = 1",
    )?;
    expect_ok(&mut client, "deadlocks")?;
    let mut one = fixture.cluster.connect("Health deadlocks")?;
    let mut two = fixture.cluster.connect("Health deadlocks")?;
    one.batch_execute("begin; update t set b = 1 where a = 1")?;
    two.batch_execute("begin; update t set b = 2 where a = 2")?;
    let other = std::thread::spawn(move || {
        let ended = two.batch_execute("update t set b = 2 where a = 1");
        two.batch_execute("rollback").and(ended)
    });
    let mine = one.batch_execute("update t set b = 1 where a = 2");
    one.batch_execute("rollback")?;
    let theirs = other.join().map_err(|_| anyhow::anyhow!("the session panicked"))?;
    let failed = [mine, theirs].into_iter().filter_map(Result::err).collect::<Vec<_>>();
    ensure!(failed.len() == 1 && failed[0].code() == Some(&SqlState::T_R_DEADLOCK_DETECTED));
    drop(one);
    wait_for(
        &mut client,
        "select deadlocks = 1 from pg_stat_database where datname = current_database()",
    )?;
    let found = findings(&mut client, "deadlocks")?;
    ensure!(found[0].severity == "info" && found[0].value == Some(1.0), "{found:#?}");
    ensure!(found[0].object == "\"Health deadlocks\"", "{found:#?}");
    ensure!(found[0].message.starts_with("1 deadlocks since "), "{found:#?}");
    ensure!(found[0].details["since"].is_string(), "{found:#?}");
    // One is no fault by default.
    client.batch_execute("reset mcp_advisor.health_deadlocks_info")?;
    expect_ok(&mut client, "deadlocks")
}

fn rollbacks(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_rollbacks")?;
    let end = |client: &mut Client, how: &str, times: usize| -> Result<()> {
        client.batch_execute(&format!("begin; select 1; {how}; ").repeat(times))?;
        Ok(client.batch_execute(FLUSH)?)
    };
    end(&mut client, "rollback", 500)?;
    // Too few to say anything.
    expect_ok(&mut client, "rollbacks")?;
    end(&mut client, "rollback", 600)?;
    let found = findings(&mut client, "rollbacks")?;
    ensure!(found[0].severity == "info" && found[0].object == "health_rollbacks", "{found:#?}");
    ensure!(found[0].value > Some(90.0) && found[0].details["rolled_back"] == 1100, "{found:#?}");
    end(&mut client, "commit", 3000)?;
    expect_ok(&mut client, "rollbacks")
}

fn spills(fixture: &Fixture) -> Result<()> {
    const NAME: &str = "Health \"spills\"";
    const SORT: &str = "select count(*) from (select a from t order by b offset 0) as s";
    let mut client = fixture.cluster.create_database("health_spills_admin")?;
    client.batch_execute("create role health_spills login")?;
    let mut client = database_with_statements(fixture, NAME)?;
    client.batch_execute(
        "create table t as select g as a, md5(g::text) as b from generate_series(1, 30000) as g;
        grant select on t to health_spills",
    )?;
    expect_ok(&mut client, "temp_file_spill")?;
    client.batch_execute("set mcp_advisor.health_temp_file_spill_info = '100kB'")?;
    expect_ok(&mut client, "temp_file_spill")?;
    client.batch_execute(&format!("set work_mem = '64kB'; {SORT}"))?;
    client.batch_execute(FLUSH)?;
    client.batch_execute("set work_mem = '1MB'")?;
    let found = findings(&mut client, "temp_file_spill")?;
    ensure!(found[0].severity == "info" && found[0].value > Some(1e6), "{found:#?}");
    ensure!(found[0].object == "\"Health \"\"spills\"\"\"", "{found:#?}");
    let first = &found[0].details["statements"][0];
    ensure!(first["statement"].as_str().is_some_and(|text| text.contains("order by b")));
    ensure!(first["written_bytes"].as_f64() > Some(1e6), "{found:#?}");
    client.batch_execute("set mcp_advisor.health_temp_file_spill_warning = '200kB'")?;
    let found = findings(&mut client, "temp_file_spill")?;
    ensure!(found[0].severity == "warning", "{found:#?}");

    // Others' statements are not shown, and where there are none to read the details say so.
    let mut plain = fixture.cluster.connect_as(NAME, "health_spills")?;
    plain.batch_execute("select mcp_schemas()")?;
    plain.batch_execute("set mcp_advisor.health_temp_file_spill_info = '100kB'")?;
    let seen = findings(&mut plain, "temp_file_spill")?;
    ensure!(seen[0].details["statements"] == serde_json::json!([]), "{seen:#?}");
    client.batch_execute("revoke select on \"S 1\".pg_stat_statements from public")?;
    let seen = findings(&mut plain, "temp_file_spill")?;
    ensure!(seen[0].details["statements_missing"].is_string(), "{seen:#?}");
    client.batch_execute("drop extension pg_stat_statements")?;
    let seen = findings(&mut client, "temp_file_spill")?;
    ensure!(seen[0].details["statements_missing"].is_string(), "{seen:#?}");

    // With the memory that is proposed the same statement does not spill any more.
    client.batch_execute(&found[0].remediation)?;
    client.batch_execute("select pg_stat_reset()")?;
    let mut again = fixture.cluster.connect(NAME)?;
    again.batch_execute(&format!("{SORT}; {FLUSH}"))?;
    expect_ok(&mut client, "temp_file_spill")
}

/// A database with pg_stat_statements in a schema of its own.
fn database_with_statements(fixture: &Fixture, name: &str) -> Result<Client> {
    let mut client = fixture.cluster.connect("postgres")?;
    client.batch_execute(&format!("create database {}", postgres_ident(name)))?;
    let mut client = fixture.cluster.connect(name)?;
    client.batch_execute(
        "create schema \"S 1\"; grant usage on schema \"S 1\" to public;
        create extension pg_stat_statements schema \"S 1\"; create extension mcp_advisor;
        select mcp_schemas()",
    )?;
    Ok(client)
}

fn postgres_ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn not_recorded(_: &Fixture) -> Result<()> {
    let mut cluster = Cluster::start(
        "max_connections = 20\nshared_preload_libraries = 'auto_explain, pg_prewarm'\n\
        pg_stat_statements.max = 100",
    )?;
    let mut admin = client(&cluster)?;
    let state = |client: &mut Client| -> Result<(Value, String)> {
        let found = findings(client, "statement_statistics")?;
        ensure!(found.len() == 1 && found[0].severity == "info", "{found:#?}");
        Ok((found[0].details["state"].clone(), found[0].remediation.clone()))
    };
    let (before, preload) = state(&mut admin)?;
    ensure!(before == "neither", "{before}");
    admin.batch_execute("create role plain login")?;
    let mut plain = cluster.connect_as("postgres", "plain")?;
    // What is preloaded now is not shown to it, so no SQL can be.
    ensure!(state(&mut plain)? == ("neither".into(), String::new()));
    for statement in preload.split_inclusive(';') {
        admin.batch_execute(statement)?;
    }
    ensure!(state(&mut admin)?.0 == "not loaded");
    drop((admin, plain));
    cluster.restart("")?;
    let mut admin = cluster.connect("postgres")?;
    expect_ok(&mut admin, "statement_statistics")?;
    let loaded = admin.query_one("show shared_preload_libraries", &[])?;
    let loaded: String = loaded.try_get(0)?;
    ensure!(loaded == "auto_explain, pg_prewarm, pg_stat_statements", "{loaded}");

    for (fault, setting) in
        [("not tracking", "pg_stat_statements.track = none"), ("no ids", "compute_query_id = off")]
    {
        admin.batch_execute(&format!("alter system set {setting}"))?;
        admin.batch_execute("select pg_reload_conf()")?;
        let name = setting.split(' ').next().unwrap_or_default();
        let set = |value: &str, equal: &str| {
            format!("select reset_val {equal} '{value}' from pg_settings where name = '{name}'")
        };
        let value = setting.rsplit(' ').next().unwrap_or_default();
        wait_for(&mut admin, &set(value, "="))?;
        let (found, mend) = state(&mut admin)?;
        ensure!(found == fault, "{found}");
        for statement in mend.split_inclusive(';') {
            admin.batch_execute(statement)?;
        }
        wait_for(&mut admin, &set(value, "<>"))?;
        expect_ok(&mut admin, "statement_statistics")?;
    }
    let mut other = cluster.create_database("other")?;
    other.batch_execute("create extension mcp_advisor")?;
    let (found, mend) = state(&mut other)?;
    ensure!(found == "not created", "{found}");
    other.batch_execute(&mend)?;
    expect_ok(&mut other, "statement_statistics")
}

fn evictions(_: &Fixture) -> Result<()> {
    let mut cluster = Cluster::start(
        "max_connections = 20\nshared_preload_libraries = 'pg_stat_statements'\n\
        pg_stat_statements.max = 100",
    )?;
    let mut admin = client(&cluster)?;
    admin.batch_execute("create extension pg_stat_statements")?;
    let many = |client: &mut Client| -> Result<()> {
        for columns in 1..=130 {
            client.batch_execute(&format!("select {}", vec!["1"; columns].join(", ")))?;
        }
        Ok(client.batch_execute(
            "select mcp_schemas(); set mcp_advisor.health_statement_statistics_evictions = 1",
        )?)
    };
    admin.batch_execute("select mcp_schemas()")?;
    expect_ok(&mut admin, "statement_statistics")?;
    many(&mut admin)?;
    let found = findings(&mut admin, "statement_statistics")?;
    ensure!(found.len() == 1 && found[0].severity == "info", "{found:#?}");
    ensure!(found[0].value >= Some(1.0) && found[0].details["max"] == 100, "{found:#?}");
    admin.batch_execute("reset mcp_advisor.health_statement_statistics_evictions")?;
    expect_ok(&mut admin, "statement_statistics")?;
    admin.batch_execute(&found[0].remediation)?;
    drop(admin);
    cluster.restart("")?;
    let mut admin = cluster.connect("postgres")?;
    admin.batch_execute("select pg_stat_statements_reset()")?;
    many(&mut admin)?;
    expect_ok(&mut admin, "statement_statistics")
}

/// Nothing fails, and what is not seen is said.
fn roles(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_few")?;
    client.batch_execute(
        "create role \"Few \"\"rights\" login; create role health_few_monitor login in role pg_monitor",
    )?;
    let mut plain = fixture.cluster.connect_as("health_few", "Few \"rights")?;
    let found = findings(&mut plain, "connection,transaction,workload")?;
    ensure!(!found.iter().any(|one| one.message.starts_with("could not be")), "{found:#?}");
    let unseen: Vec<&str> = found
        .iter()
        .filter(|one| one.details["ran"] == false)
        .map(|one| one.check.as_str())
        .collect();
    ensure!(
        unseen
            == [
                "idle_in_transaction",
                "long_query",
                "long_transaction",
                "idle_session",
                "wait_event"
            ],
        "{unseen:?}"
    );
    let row = found.iter().find(|one| one.details["ran"] == false);
    let mend = row.map(|one| one.remediation.clone()).unwrap_or_default();
    ensure!(mend == "GRANT pg_monitor TO \"Few \"\"rights\";", "{mend}");
    client.batch_execute(&mend)?;
    for role in ["Few \"rights", "health_few_monitor"] {
        let mut monitor = fixture.cluster.connect_as("health_few", role)?;
        let found = findings(&mut monitor, "connection,transaction,workload")?;
        ensure!(!found.iter().any(|one| one.details["ran"] == false), "{found:#?}");
    }
    Ok(())
}
