//! `mcp_health` on faults that are really there: each is found, and gone once the SQL that was
//! printed has run. Faults of a whole server are in `health_server.rs`.

use advisor_sql::health::{MOST_ROWS, RISKS, checks};
use anyhow::{Context, Result, ensure};
use postgres::Client;
use postgres::error::SqlState;
use serde_json::Value;

use crate::Case;
use crate::fixture::{Fixture, answered, refused};

pub(crate) const CASES: &[Case] = &[
    ("health_of_a_sound_database_is_ok", sound),
    ("health_selects_checks_by_name_and_category", selects),
    ("health_refuses_unknown_checks", refuses),
    ("health_finds_constraints_that_are_not_validated", constraints),
    ("health_finds_who_is_idle_in_transaction", idle_in_transaction),
    ("health_finds_old_transaction_ids", old_ids),
    ("health_goes_on_when_a_check_fails", failing_check),
    ("health_gives_a_check_up_after_its_time_limit", time_limit),
    ("health_thresholds_are_settings", thresholds),
    ("health_caps_the_findings_of_a_check", cap),
    ("health_tells_a_plain_role_what_it_cannot_see", plain_role),
];

/// A row of the report.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) check: String,
    pub(crate) severity: String,
    pub(crate) object: String,
    pub(crate) value: Option<f64>,
    pub(crate) message: String,
    pub(crate) remediation: String,
    pub(crate) details: Value,
}

/// The report of these checks.
pub(crate) fn findings(client: &mut Client, checks: &str) -> Result<Vec<Finding>> {
    let sql = format!(
        "select check_name, severity, coalesce(object, ''), value, message,
            coalesce(remediation, ''), details::text
        from mcp_health('{{{checks}}}')"
    );
    let rows = client.query(&sql, &[]).with_context(|| sql.clone())?;
    let found: Vec<Finding> = rows
        .iter()
        .map(|row| {
            Ok(Finding {
                check: row.try_get(0)?,
                severity: row.try_get(1)?,
                object: row.try_get(2)?,
                value: row.try_get(3)?,
                message: row.try_get(4)?,
                remediation: row.try_get(5)?,
                details: serde_json::from_str(row.try_get(6)?)?,
            })
        })
        .collect::<Result<_>>()?;
    for one in found.iter().filter(|one| !one.remediation.is_empty()) {
        let risk = one.details["risk"].as_str().unwrap_or_default();
        ensure!(RISKS.contains(&risk), "the remediation has no risk: {one:#?}");
    }
    Ok(found)
}

/// The findings of one check, as `severity object`.
pub(crate) fn summary(client: &mut Client, check: &str) -> Result<Vec<String>> {
    let found = findings(client, check)?;
    Ok(found.iter().map(|one| format!("{} {}", one.severity, one.object)).collect())
}

/// Fails unless the check finds exactly this, runs what it printed, and fails unless that mended it.
pub(crate) fn expect_and_mend(client: &mut Client, check: &str, wanted: &[&str]) -> Result<()> {
    let found = findings(client, check)?;
    let mut summary: Vec<String> =
        found.iter().map(|one| format!("{} {}", one.severity, one.object)).collect();
    summary.sort();
    let mut wanted = wanted.to_vec();
    wanted.sort_unstable();
    ensure!(summary == wanted, "{check}: {found:#?}");
    for finding in &found {
        for statement in finding.remediation.split_inclusive(';') {
            client.batch_execute(statement).with_context(|| finding.remediation.clone())?;
        }
    }
    expect_ok(client, check)
}

pub(crate) fn expect_ok(client: &mut Client, check: &str) -> Result<()> {
    let found = findings(client, check)?;
    ensure!(!found.is_empty() && found.iter().all(|one| one.severity == "ok"), "{found:#?}");
    Ok(())
}

pub(crate) fn database(fixture: &Fixture, name: &str) -> Result<Client> {
    let mut client = fixture.database(name, &["hypopg", "mcp_advisor"])?;
    client.batch_execute("select mcp_schemas(); select hypopg()")?;
    Ok(client)
}

fn sound(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_sound")?;
    client.batch_execute(
        "create table parent (id bigint generated always as identity primary key, name text unique);
        create table child (id bigserial primary key, parent bigint not null references parent);
        create index on child (parent);
        insert into parent (name) select g::text from generate_series(1, 1000) as g;
        insert into child (parent) select id from parent;
        analyze",
    )?;
    let found = findings(&mut client, "all")?;
    for check in checks() {
        ensure!(found.iter().any(|one| one.check == check.name), "nothing on {}", check.name);
    }
    for one in &found {
        // The counters of a cluster that was just made are too young to call an index unused.
        let young = one.check == "unused_index" && one.details["ran"] == Value::Bool(false);
        // Cases run side by side: others' sessions are theirs.
        let others = ["idle_in_transaction", "connection_usage"].contains(&one.check.as_str());
        let unable = one.details["ran"] == Value::Bool(false);
        ensure!(
            !["critical", "warning"].contains(&one.severity.as_str()) || young || others || unable,
            "{one:#?}"
        );
        ensure!(!one.message.is_empty(), "{one:#?}");
    }
    // In an empty database too, and it leaves no trace.
    let mut client = database(fixture, "health_empty")?;
    ensure!(answered(&mut client, "select * from mcp_health()")?.len() >= checks().count());
    Ok(())
}

fn selects(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    for (names, wanted) in [
        ("sequence", vec!["sequence_exhaustion"]),
        ("duplicate_index,standby", vec!["duplicate_index", "standby"]),
        ("duplicate_index", vec!["duplicate_index"]),
    ] {
        let mut found: Vec<String> =
            findings(&mut client, names)?.into_iter().map(|one| one.check).collect();
        found.dedup();
        ensure!(found.len() == wanted.len(), "{names}: {found:?}");
        ensure!(wanted.iter().all(|name| found.iter().any(|one| one == name)), "{found:?}");
    }
    // Worst first.
    let found = findings(&mut client, "all")?;
    let ranks: Vec<usize> =
        found.iter().map(|one| advisor_sql::health::rank(&one.severity)).collect();
    ensure!(ranks.is_sorted(), "{found:#?}");
    Ok(())
}

fn refuses(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    let error = refused(&mut client, "select * from mcp_health('{index,locks}')", "22023")?;
    ensure!(error.message() == "\"locks\" is not a value of \"checks\"", "{}", error.message());
    let hint = error.hint().unwrap_or_default();
    ensure!(
        hint.contains("all, index, connection, vacuum, sequence, replication, buffer, constraint")
    );
    ensure!(hint.contains("duplicate_index"), "{hint}");
    refused(&mut client, "select * from mcp_health('{}')", "22023")?;
    refused(&mut client, "select * from mcp_health(null)", "22004")?;
    refused(&mut client, "select * from mcp_health('{index,null}')", "22004").map(drop)
}

fn constraints(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_constraints")?;
    client.batch_execute(
        r#"create table parent (id integer primary key);
        create table "Chi ld" (p integer, a integer);
        alter table "Chi ld" add constraint "fk 1" foreign key (p) references parent not valid;
        alter table "Chi ld" add check (a > 0) not valid;
        create domain d as integer; alter domain d add constraint positive check (value > 0) not valid;
        create table heirs () inherits ("Chi ld")"#,
    )?;
    expect_and_mend(
        &mut client,
        "constraint",
        &[
            "warning public.\"Chi ld\": \"fk 1\"",
            "warning public.\"Chi ld\": \"Chi ld_a_check\"",
            "warning public.d: positive",
        ],
    )
}

fn idle_in_transaction(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_idle")?;
    client.batch_execute("create table t (a integer); insert into t values (1)")?;
    let mut idle = fixture.cluster.connect("health_idle")?;
    idle.batch_execute("begin; update t set a = 2")?;
    let pid: i32 = idle.query_one("select pg_backend_pid()", &[])?.try_get(0)?;
    let mine = |client: &mut Client| -> Result<Vec<Finding>> {
        let mut found = findings(client, "idle_in_transaction")?;
        found.retain(|one| one.object.contains(&format!("session {pid} ")));
        Ok(found)
    };
    // A moment of idleness that nobody waits for is no fault.
    ensure!(mine(&mut client)?.is_empty());
    let mut waiter = fixture.cluster.connect("health_idle")?;
    let waiting = std::thread::spawn(move || waiter.batch_execute("update t set a = 3"));
    let sql = "select count(*) from pg_locks where not granted and pid in
        (select pid from pg_stat_activity where datname = 'health_idle')";
    while client.query_one(sql, &[])?.try_get::<_, i64>(0)? == 0 && !waiting.is_finished() {
        std::thread::yield_now();
    }
    let found = mine(&mut client)?;
    ensure!(found.len() == 1 && found[0].severity == "warning", "{found:#?}");
    ensure!(found[0].details["waiters"] == 1, "{found:#?}");
    client.batch_execute(&found[0].remediation)?;
    let waited = waiting.join().map_err(|_| anyhow::anyhow!("the waiter panicked"))?;
    waited?;
    ensure!(mine(&mut client)?.is_empty());
    Ok(())
}

fn old_ids(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_ages")?;
    client.batch_execute("create table aging (a integer, b text); create table old (a integer)")?;
    expect_ok(&mut client, "vacuum")?;
    // Ages as they would be, in a transaction that nobody else sees.
    client.batch_execute(
        "begin; set local allow_system_table_mods = on;
        update pg_class set relfrozenxid = ((relfrozenxid::text::bigint + 4294967296 - 1200000000)
            % 4294967296)::text::xid where relname = 'aging';
        update pg_class set relfrozenxid = ((relfrozenxid::text::bigint + 4294967296 - 500000000)
            % 4294967296)::text::xid where relname = 'old';
        update pg_database set datfrozenxid = ((datfrozenxid::text::bigint + 4294967296 - 1500000000)
            % 4294967296)::text::xid where datname = 'health_ages'",
    )?;
    let tables = summary(&mut client, "table_age")?;
    let databases = findings(&mut client, "database_age")?;
    client.batch_execute("rollback")?;
    ensure!(tables == ["warning public.aging", "info public.old"], "{tables:?}");
    let found = databases.iter().find(|one| one.object == "health_ages").context("database")?;
    ensure!(found.severity == "critical" && found.remediation == "VACUUM (FREEZE);", "{found:#?}");
    Ok(())
}

fn failing_check(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_failing")?;
    client.batch_execute(
        "create table t (a integer); create index on t (a); create index on t (a)",
    )?;
    let mut other = fixture.cluster.connect("health_failing")?;
    other.batch_execute("begin; lock table pg_sequence in access exclusive mode")?;
    let found = findings(&mut client, "all")?;
    other.batch_execute("rollback")?;
    let failed = found.iter().find(|one| one.check == "sequence_exhaustion").context("row")?;
    ensure!(failed.severity == "info", "{failed:#?}");
    ensure!(failed.message.starts_with("could not be checked: "), "{failed:#?}");
    ensure!(failed.details["sqlstate"] == "55P03", "{failed:#?}");
    ensure!(found.iter().any(|one| one.object == "public.t_a_idx1"), "{found:#?}");
    expect_ok(&mut client, "sequence")
}

fn time_limit(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_limit")?;
    // Enough for some check to take longer than 1 ms.
    client.batch_execute(
        "do $$ begin for i in 1..300 loop
            execute format('create table t%s (a integer primary key, b integer)', i);
            execute format('create index on t%s (b)', i); execute format('create index on t%s (b, a)', i);
        end loop; end $$",
    )?;
    client.batch_execute("set mcp_advisor.health_time_limit = '1ms'")?;
    let found = findings(&mut client, "index")?;
    let given_up: Vec<&Finding> =
        found.iter().filter(|one| one.details["sqlstate"] == "57014").collect();
    ensure!(!given_up.is_empty(), "{found:#?}");
    for one in given_up {
        ensure!(one.severity == "info" && one.details["ran"] == Value::Bool(false), "{one:#?}");
        ensure!(one.message == "could not be checked: it took longer than 1ms", "{one:#?}");
    }
    client.batch_execute("reset mcp_advisor.health_time_limit; select pg_sleep(0.01)")?;
    let found = findings(&mut client, "redundant_index")?;
    ensure!(found.iter().all(|one| one.severity == "warning"), "{found:#?}");
    // The statement's own limit still ends the statement.
    client.batch_execute("set statement_timeout = '1ms'")?;
    let Err(error) = client.simple_query("select * from mcp_health()") else {
        anyhow::bail!("statement_timeout was ignored");
    };
    ensure!(error.code() == Some(&SqlState::QUERY_CANCELED), "{error:?}");
    Ok(())
}

fn thresholds(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_thresholds")?;
    let sql = "select setting, unit from pg_settings where name = $1";
    for threshold in advisor_sql::health::thresholds() {
        let row = client.query_opt(sql, &[&threshold.name()])?.context(threshold.name())?;
        ensure!(row.try_get::<_, Option<&str>>(0)?.is_some(), "{}", threshold.name());
    }
    let refused_value =
        client.batch_execute("set mcp_advisor.health_connection_usage_warning = -1");
    ensure!(refused_value.is_err());
    client.batch_execute(
        "set mcp_advisor.health_connection_usage_warning = 0;
        set mcp_advisor.health_connection_usage_critical = 100",
    )?;
    let found = findings(&mut client, "connection_usage")?;
    ensure!(found[0].severity == "warning", "{found:#?}");
    ensure!(found[0].message.contains("new clients are refused"), "{found:#?}");
    Ok(())
}

fn cap(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_cap")?;
    client.batch_execute(
        "create table t (a integer);
        do $$ begin for i in 1..31 loop execute format('create index i%s on t (a)', i); end loop; end $$",
    )?;
    let found = findings(&mut client, "duplicate_index")?;
    ensure!(found.len() == MOST_ROWS + 1, "{}", found.len());
    let rest = found.last().context("rest")?;
    ensure!(rest.value == Some(10.0) && rest.severity == "warning", "{rest:#?}");
    ensure!(rest.message.starts_with("10 more findings"), "{rest:#?}");
    Ok(())
}

fn plain_role(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_plain")?;
    client.batch_execute(
        "create role health_plain_role login; create role health_monitor login in role pg_monitor;
        create sequence hidden maxvalue 10; select setval('hidden', 10);
        create table t (a integer); create index on t (a); create index on t (a)",
    )?;
    let mut plain = fixture.cluster.connect_as("health_plain", "health_plain_role")?;
    let found = findings(&mut plain, "all")?;
    let row = |check: &str| {
        found.iter().find(|one| one.check == check).with_context(|| format!("{check}: {found:#?}"))
    };
    for check in ["idle_in_transaction", "sequence_exhaustion"] {
        let row = row(check)?;
        ensure!(row.severity == "info" && row.details["ran"] == Value::Bool(false), "{row:#?}");
    }
    let grant = "GRANT pg_monitor TO health_plain_role;";
    ensure!(row("idle_in_transaction")?.remediation == grant);
    ensure!(row("duplicate_index")?.severity == "warning");
    ensure!(!found.iter().any(|one| one.message.starts_with("could not be checked")), "{found:#?}");
    let mut monitor = fixture.cluster.connect_as("health_plain", "health_monitor")?;
    let found = findings(&mut monitor, "connection,replication")?;
    ensure!(!found.iter().any(|one| one.details["ran"] == Value::Bool(false)), "{found:#?}");
    Ok(())
}
