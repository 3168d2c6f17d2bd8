//! `mcp_health` on what the planner decides: whether a redundant index is needed, and which index
//! the recorded statements lack.

use std::time::{Duration, Instant};

use advisor_tests::cluster::Cluster;
use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde_json::Value;

use crate::Case;
use crate::fixture::{Fixture, answered};
use crate::health::{Finding, expect_and_mend, expect_ok, findings, summary};
use crate::health_replication::wait_for;

pub(crate) const CASES: &[Case] = &[
    ("health_proves_a_redundant_index_by_planning_without_it", proven),
    ("health_keeps_a_redundant_index_that_a_statement_needs", needed),
    ("health_keeps_one_of_redundant_indexes_that_replace_each_other", chain),
    ("health_proves_under_the_search_path_of_the_caller", search_path),
    ("health_says_why_a_redundant_index_is_not_proven", not_proven),
    ("health_proves_redundant_indexes_of_partitions", partitions),
    ("health_finds_the_index_that_the_workload_lacks", missing),
    ("health_proves_and_advises_on_a_standby", standby),
    ("health_says_what_keeps_it_from_finding_missing_indexes", nothing_recorded),
];

/// A table on which (a) is the beginning of (a, b), and (c) of (c, d).
const TABLE: &str = "
    create table t (a bigint, b bigint, c bigint, d bigint, pad text);
    insert into t select g, g, g, g, repeat('x', 50) from generate_series(1, 40000) as g;
    create index a on t (a); create index a_b on t (a, b);
    create index c on t (c); create index c_d on t (c, d);";

fn database(fixture: &Fixture, name: &str, sql: &str) -> Result<Client> {
    let mut client = fixture.database(name, &["hypopg", "pg_stat_statements", "mcp_advisor"])?;
    client.batch_execute("select mcp_schemas(); select hypopg()")?;
    client.batch_execute(sql)?;
    client.batch_execute("vacuum analyze")?;
    // That of this database only: other cases run beside this one.
    client.batch_execute(
        "select public.pg_stat_statements_reset(0, oid, 0) from pg_database
        where datname = current_database()",
    )?;
    Ok(client)
}

fn of<'f>(found: &'f [Finding], object: &str) -> Result<&'f Finding> {
    let one = found.iter().find(|one| one.object == object);
    one.with_context(|| format!("no {object}: {found:#?}"))
}

fn is_proven(finding: &Finding) -> bool {
    finding.details["proven"] == Value::Bool(true)
}

fn why_not(finding: &Finding) -> &str {
    finding.details["why_not"].as_str().unwrap_or_default()
}

fn proven(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_proven", TABLE)?;
    client.batch_execute("select pad from t where c = 4711")?;
    client.batch_execute("update t set pad = '' where c = 4712 and d = 4712")?;
    client.batch_execute("select count(*) from pg_class")?;
    let sql = "select * from mcp_health('{redundant_index}')";
    ensure!(answered(&mut client, sql)?.len() == 2);
    let found = findings(&mut client, "redundant_index")?;
    let c = of(&found, "public.c")?;
    ensure!(c.severity == "warning" && is_proven(c), "{found:#?}");
    ensure!(c.details["statements"] == 2 && why_not(c).is_empty(), "{found:#?}");
    // Nothing is recorded that reads by a; the statements read the table all the same.
    let a = of(&found, "public.a")?;
    ensure!(is_proven(a) && a.details["statements"] == 2, "{found:#?}");
    // It writes nothing, so it works where nothing can be written.
    client.batch_execute("begin read only")?;
    let found = findings(&mut client, "redundant_index")?;
    ensure!(is_proven(of(&found, "public.c")?), "{found:#?}");
    client.batch_execute("commit")?;
    expect_and_mend(&mut client, "redundant_index", &["warning public.a", "warning public.c"])
}

fn needed(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_needed", TABLE)?;
    // Much of the narrow index is read, without the table: the wider one costs half as much more.
    client.batch_execute("select count(*) from t where a between 100 and 30000")?;
    client.batch_execute("select pad from t where c = 4711")?;
    let found = findings(&mut client, "redundant_index")?;
    let c = of(&found, "public.c")?;
    ensure!(c.severity == "warning" && is_proven(c), "{found:#?}");
    let a = of(&found, "public.a")?;
    ensure!(a.severity == "info" && a.remediation.is_empty() && !is_proven(a), "{found:#?}");
    let need = &a.details["needed_by"];
    let query = need["query"].as_str().unwrap_or_default();
    ensure!(query.contains("between"), "{a:#?}");
    ensure!(need["cost_without"].as_f64() > need["cost"].as_f64(), "{a:#?}");
    ensure!(a.message.contains("is needed: without it statement"), "{a:#?}");
    // Who tolerates more is told so.
    client.batch_execute("set mcp_advisor.health_redundant_index_tolerance = 1000")?;
    let found = summary(&mut client, "redundant_index")?;
    ensure!(found == ["warning public.a", "warning public.c"], "{found:?}");
    Ok(())
}

/// (a) can stand in for (a, b) and that for (a, b, c): what is proven is that all may be dropped.
fn chain(fixture: &Fixture) -> Result<()> {
    let mut client = database(
        fixture,
        "health_chain",
        "create table t (a bigint, b bigint, c bigint, pad text);
        insert into t select g, g, g, repeat('x', 50) from generate_series(1, 40000) as g;
        create index a on t (a); create index a_b on t (a, b); create index a_b_c on t (a, b, c);
        create index down on t (a desc)",
    )?;
    client.batch_execute("select count(*) from t where a between 100 and 30000")?;
    client.batch_execute("select a from t order by a desc limit 3")?;
    let found = findings(&mut client, "redundant_index")?;
    // One of the two small ones is enough, and the statement reads either.
    let narrow: Vec<&Finding> =
        found.iter().filter(|one| ["public.a", "public.down"].contains(&&*one.object)).collect();
    ensure!(narrow.len() == 2, "{found:#?}");
    ensure!(narrow.iter().filter(|one| one.severity == "info").count() == 1, "{found:#?}");
    ensure!(narrow.iter().filter(|one| is_proven(one)).count() == 1, "{found:#?}");
    ensure!(is_proven(of(&found, "public.a_b")?), "{found:#?}");
    for one in found.iter().filter(|one| !one.remediation.is_empty()) {
        client.batch_execute(&one.remediation)?;
    }
    // What is left is needed, and still said to be.
    let found = findings(&mut client, "redundant_index")?;
    ensure!(found.len() == 1 && found[0].severity == "info", "{found:#?}");
    Ok(())
}

/// A table of the same name in another schema must not be taken for it.
fn search_path(fixture: &Fixture) -> Result<()> {
    let sql = format!(
        "create table t (x integer); create schema \"S p\"; set search_path = \"S p\", public; {TABLE}"
    );
    let mut client = database(fixture, "health_path", &sql)?;
    client.batch_execute("select pad from t where c = 4711")?;
    let found = findings(&mut client, "redundant_index")?;
    let c = of(&found, "\"S p\".c")?;
    ensure!(is_proven(c) && c.details["statements"] == 1, "{found:#?}");
    Ok(())
}

fn not_proven(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_not_proven", TABLE)?;
    let why = |client: &mut Client| -> Result<String> {
        let found = findings(client, "redundant_index")?;
        let c = of(&found, "public.c")?;
        ensure!(c.severity == "warning" && !c.remediation.is_empty(), "{found:#?}");
        ensure!(!is_proven(c), "{found:#?}");
        Ok(why_not(c).to_owned())
    };
    ensure!(why(&mut client)? == "no recorded statement reads its table");
    client.batch_execute("select pad from t where c = 4711")?;

    // A lock on the table is not waited for.
    let mut other = fixture.cluster.connect("health_not_proven")?;
    other.batch_execute("begin; lock table t in access exclusive mode")?;
    let started = Instant::now();
    let said = why(&mut client)?;
    ensure!(said == "1 recorded statements read a locked table", "{said}");
    ensure!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    other.batch_execute("rollback")?;

    client.batch_execute("set mcp_advisor.health_redundant_index_time = 0")?;
    ensure!(why(&mut client)?.contains("no time"));
    client.batch_execute("reset mcp_advisor.health_redundant_index_time")?;

    // Another's statements are neither read nor planned by a role that could not run them.
    client.batch_execute("create role health_prover login")?;
    let mut plain = fixture.cluster.connect_as("health_not_proven", "health_prover")?;
    ensure!(why(&mut plain)?.contains("roles that this one is not a member of"));
    client.batch_execute("grant pg_monitor to health_prover")?;
    ensure!(why(&mut plain)?.contains("roles that this one is not a member of"));
    // Nor is the check lost to one that may not read the view.
    client.batch_execute("revoke select on pg_stat_statements from public")?;
    client.batch_execute("revoke pg_monitor from health_prover")?;
    ensure!(why(&mut plain)?.contains("permission denied"), "{}", why(&mut plain)?);

    client.batch_execute("drop extension pg_stat_statements")?;
    ensure!(why(&mut client)?.contains("pg_stat_statements is not installed"));
    Ok(())
}

fn partitions(fixture: &Fixture) -> Result<()> {
    let mut client = database(
        fixture,
        "health_proof_parts",
        "create table p (a bigint, b bigint, pad text) partition by range (a);
        create table p1 partition of p for values from (0) to (20000);
        create table p2 partition of p for values from (20000) to (50000);
        insert into p select g, g, repeat('x', 50) from generate_series(1, 40000) as g;
        create index p_b on p (b); create index p_b_a on p (b, a);
        create index own on p2 (a, b); create index own_a on p2 (a)",
    )?;
    client.batch_execute("select pad from p where b = 4711")?;
    client.batch_execute("select pad from p where a = 30000")?;
    let found = findings(&mut client, "redundant_index")?;
    ensure!(found.iter().all(|one| one.severity == "warning" && is_proven(one)), "{found:#?}");
    ensure!(of(&found, "public.p_b")?.value > Some(8192.0), "{found:#?}");
    expect_and_mend(&mut client, "redundant_index", &["warning public.p_b", "warning public.own_a"])
}

fn missing(fixture: &Fixture) -> Result<()> {
    let mut client = database(
        fixture,
        "health_missing",
        "create schema \"S m\"; set search_path = \"S m\", public;
        create table \"T\" (id integer primary key, \"Key\" integer, pad text);
        insert into \"T\" select g, g, repeat('x', 100) from generate_series(1, 50000) as g",
    )?;
    // What is read only. Of writing, the load of the table is charged by how much of each index was in
    // memory, and one just built, beside the other cases, was not: another in its place looks cheaper.
    client.batch_execute("set mcp_advisor.write_weight = 0")?;
    // Nothing recorded: nothing to say, at once.
    let started = Instant::now();
    expect_ok(&mut client, "missing_index")?;
    ensure!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    for key in 1..6 {
        client.batch_execute(&format!("select * from \"T\" where \"Key\" = {key}"))?;
    }
    // Half a tenth of a second in all is no fault, whatever its share.
    expect_ok(&mut client, "missing_index")?;
    client.batch_execute("set mcp_advisor.health_missing_index_saved = 0")?;
    let found = findings(&mut client, "missing_index")?;
    ensure!(found[0].value > Some(50.0), "{found:#?}");
    ensure!(found[0].remediation.contains("CONCURRENTLY"), "{found:#?}");
    client.batch_execute("set mcp_advisor.health_missing_index_warning = 101")?;
    let sql = "select * from mcp_health('{missing_index}')";
    ensure!(answered(&mut client, sql)?.len() == 1);
    client.batch_execute("begin read only")?;
    ensure!(summary(&mut client, "missing_index")? == ["info \"S m\".\"T\""]);
    client.batch_execute("commit; reset mcp_advisor.health_missing_index_warning")?;
    // A role that cannot run the statements does not get them judged.
    client.batch_execute("create role health_seeker login in role pg_monitor")?;
    let mut seeker = fixture.cluster.connect_as("health_missing", "health_seeker")?;
    let found = findings(&mut seeker, "missing_index")?;
    ensure!(found[0].details["ran"] == Value::Bool(false), "{found:#?}");
    expect_and_mend(&mut client, "missing_index", &["warning \"S m\".\"T\""])
}

/// A standby has statements of its own, and nothing can be written there.
fn standby(_: &Fixture) -> Result<()> {
    let settings = "shared_preload_libraries = 'pg_stat_statements'\nwal_level = replica\n\
                    max_wal_senders = 4\nmax_connections = 20";
    let primary = Cluster::start(settings)?;
    let mut on_primary = primary.connect("postgres")?;
    on_primary
        .batch_execute("create extension pg_stat_statements; create extension mcp_advisor")?;
    on_primary.batch_execute(TABLE)?;
    on_primary.batch_execute("vacuum analyze t")?;
    let standby = primary.standby(&format!("{settings}\nhot_standby = on"))?;
    let mut client = standby.connect("postgres")?;
    wait_for(&mut client, "select to_regclass('t') is not null")?;
    for key in 1..6 {
        client.batch_execute(&format!("select pad from t where c = {key}"))?;
        client.batch_execute(&format!("select pad from t where d = {key}"))?;
    }
    client.batch_execute("select mcp_schemas(); set mcp_advisor.health_missing_index_saved = 0")?;
    let found = findings(&mut client, "redundant_index,missing_index")?;
    ensure!(is_proven(of(&found, "public.c")?), "{found:#?}");
    let lacking = found.iter().find(|one| one.check == "missing_index").context("missing")?;
    ensure!(lacking.severity == "warning" && lacking.object == "public.t", "{found:#?}");
    Ok(())
}

fn nothing_recorded(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("health_not_recorded", &["mcp_advisor"])?;
    let found = findings(&mut client, "missing_index")?;
    ensure!(found.len() == 1 && found[0].severity == "info", "{found:#?}");
    ensure!(found[0].details["ran"] == Value::Bool(false), "{found:#?}");
    ensure!(found[0].remediation == "CREATE EXTENSION pg_stat_statements;", "{found:#?}");
    client.batch_execute(&found[0].remediation)?;
    expect_ok(&mut client, "missing_index")
}
