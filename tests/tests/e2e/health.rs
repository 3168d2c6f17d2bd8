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
    ("health_finds_an_invalid_index", invalid_index),
    ("health_finds_duplicate_indexes_and_no_lookalikes", duplicate_indexes),
    ("health_finds_redundant_indexes_and_no_lookalikes", redundant_indexes),
    ("health_finds_unused_indexes_when_statistics_are_old", unused_indexes),
    ("health_finds_a_bloated_index", bloated_index),
    ("health_finds_sequences_at_their_end", sequences),
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
        ("vacuum,standby", vec!["database_age", "table_age", "standby"]),
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

fn invalid_index(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_invalid")?;
    client.batch_execute("create schema \"S 1\"; create table \"S 1\".t (a integer)")?;
    client.batch_execute("insert into \"S 1\".t values (1), (1)")?;
    let failed = client.batch_execute("create unique index concurrently \"T a\" on \"S 1\".t (a)");
    ensure!(failed.is_err(), "duplicates in a unique index");
    let found = findings(&mut client, "invalid_index")?;
    ensure!(found[0].object == "\"S 1\".\"T a\"" && found[0].severity == "warning", "{found:#?}");
    client.batch_execute("delete from \"S 1\".t")?;
    expect_and_mend(&mut client, "invalid_index", &["warning \"S 1\".\"T a\""])?;

    // What is being built now is not a fault: it waits here for the open transaction.
    client.batch_execute("insert into \"S 1\".t values (1)")?;
    let mut open = fixture.cluster.connect("health_invalid")?;
    open.batch_execute("begin; update \"S 1\".t set a = 2")?;
    let mut builder = fixture.cluster.connect("health_invalid")?;
    let building = std::thread::spawn(move || {
        builder.batch_execute("create index concurrently built on \"S 1\".t (a)")
    });
    let sql = "select count(*) from pg_index where not indisvalid";
    while client.query_one(sql, &[])?.try_get::<_, i64>(0)? == 0 && !building.is_finished() {
        std::thread::yield_now();
    }
    expect_ok(&mut client, "invalid_index")?;
    open.batch_execute("rollback")?;
    let built = building.join().map_err(|_| anyhow::anyhow!("the builder panicked"))?;
    Ok(built?)
}

fn duplicate_indexes(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_duplicate")?;
    client.batch_execute(
        "create table t (id integer primary key, a integer, b text, c integer unique);
        create unique index pk_again on t (id);
        create index first on t (a); create index second on t (a);
        create index expression on t (lower(b)) where a > 3;
        create index expression_again on t (lower( b )) where (a > 3);
        create index unique_not on t (c);
        create index included on t (a) include (b, c);
        create index included_again on t (a) include (c, b);
        -- None of these is another.
        create index descending on t (a desc);
        create index pattern on t (b text_pattern_ops);
        create index plain on t (b);
        create index hashed on t using hash (b);
        create index partial on t (b) where a > 4;
        create index collated on t (b collate \"POSIX\");
        create index upper on t (upper(b)) where a > 3;
        create table parts (a integer) partition by list (a);
        create table part_1 partition of parts for values in (1);
        create index parts_a on parts (a); create index parts_again on parts (a)",
    )?;
    expect_and_mend(
        &mut client,
        "duplicate_index",
        &[
            "warning public.pk_again",
            "warning public.second",
            "warning public.expression_again",
            "warning public.unique_not",
            "warning public.included_again",
            "warning public.parts_again",
        ],
    )?;
    // The duplicate of a constraint is said, and not touched.
    client.batch_execute("alter table t add constraint id_again unique (id)")?;
    let found = findings(&mut client, "duplicate_index")?;
    ensure!(found.len() == 1 && found[0].severity == "info", "{found:#?}");
    ensure!(found[0].remediation.is_empty(), "{found:#?}");
    Ok(())
}

fn redundant_indexes(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_redundant")?;
    client.batch_execute(
        "create table t (id integer primary key, a integer, b text, c integer);
        create index one on t (a);
        create index two on t (a, b);
        create index lower_one on t (lower(b));
        create index lower_two on t (lower(b), c);
        -- Not served by another.
        create unique index unique_c on t (c);
        create index c_b on t (c, b);
        create index id_c on t (id, c);
        create index down on t (a desc);
        create index few on t (a) where c > 3;
        create index more on t (a, id) where c > 4;
        create index included on t (b) include (id);
        create index b_c on t (b, c)",
    )?;
    expect_and_mend(
        &mut client,
        "redundant_index",
        &["warning public.one", "warning public.lower_one"],
    )?;
    client.batch_execute(
        "create index narrow on t (c); insert into t select g, g, repeat(md5(g::text), 8), g
            from generate_series(1, 5000) as g; analyze t",
    )?;
    // Worth its keep where the other is much larger.
    let found = summary(&mut client, "redundant_index")?;
    ensure!(found == ["info public.narrow"], "{found:?}");
    Ok(())
}

/// The statistics of a new cluster are never old enough for the default.
fn unused_indexes(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_unused")?;
    client.batch_execute(
        "create table parent (id integer primary key);
        create table t (id integer primary key, a integer, b integer, c integer, p integer
            references parent);
        insert into t select g, g, g, g, null from generate_series(1, 60000) as g;
        create index used on t (a); create index unused on t (b); create unique index guard on t (c);
        create index supporting on t (p); create table small (a integer);
        create index small_a on small (a); analyze",
    )?;
    client.batch_execute("set enable_seqscan = off; select * from t where a = 4711")?;
    client.batch_execute("select pg_stat_force_next_flush()")?;
    let mut other = fixture.cluster.connect("health_unused")?;
    other.batch_execute("select mcp_schemas(); set mcp_advisor.health_unused_index_window = 0")?;
    let found = summary(&mut other, "unused_index")?;
    ensure!(found == ["info public.unused"], "{found:?}");
    let found = findings(&mut client, "unused_index")?;
    ensure!(found.len() == 1 && found[0].severity == "info", "{found:#?}");
    ensure!(found[0].message.contains("cannot be judged yet"), "{found:#?}");
    Ok(())
}

fn bloated_index(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_bloat")?;
    client.batch_execute(
        "create table t (id bigint primary key, k integer, wide text);
        insert into t select g, g % 10, repeat('x', 20) from generate_series(1, 700000) as g;
        create index same on t (k); create index half on t (id) with (fillfactor = 40);
        create index on t (lower(wide), id)",
    )?;
    client.batch_execute("vacuum analyze t")?;
    // Deduplicated, half filled on purpose, over an expression: none of them is bloated.
    expect_ok(&mut client, "index_bloat")?;
    client.batch_execute("delete from t where id % 10 <> 0")?;
    client.batch_execute("vacuum analyze t")?;
    let found = findings(&mut client, "index_bloat")?;
    let key = found.iter().find(|one| one.object == "public.t_pkey").context("t_pkey")?;
    ensure!(key.severity == "warning", "{found:#?}");
    ensure!(key.value.is_some_and(|percent| (87.0..93.0).contains(&percent)), "{found:#?}");
    for finding in &found {
        client.batch_execute(&finding.remediation)?;
    }
    expect_ok(&mut client, "index_bloat")
}

fn sequences(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_sequences")?;
    client.batch_execute(
        r#"create schema "S.q"; set search_path = "S.q", public;
        create table serial4 (id serial primary key); select setval('serial4_id_seq', 2000000000);
        create table serial2 (id smallserial primary key); select setval('serial2_id_seq', 30000);
        create table identity2 (id smallint generated always as identity primary key);
        select setval('identity2_id_seq', 27000);
        create table narrow (id integer primary key); create sequence wide;
        alter table narrow alter id set default nextval('wide'); select setval('wide', 2100000000);
        create domain small as smallint; create table domained (a small); create sequence plain;
        alter table domained alter a set default nextval('plain'); select setval('plain', 32000);
        create sequence free maxvalue 100; select setval('free', 95);
        create sequence "Do.wn" increment -1 minvalue -100; select setval('"Do.wn"', -95);
        create table capped (id bigint generated by default as identity (maxvalue 10));
        select setval('capped_id_seq', 9);
        create sequence cycling maxvalue 100 cycle; select setval('cycling', 95);
        create table cycled (id smallint); create sequence cycles maxvalue 100000 cycle;
        alter table cycled alter id set default nextval('cycles'); select setval('cycles', 32000);
        create sequence fresh; create sequence young; select setval('young', 1000);
        set search_path = public"#,
    )?;
    expect_and_mend(
        &mut client,
        "sequence_exhaustion",
        &[
            r#"critical "S.q".serial4_id_seq"#,
            r#"critical "S.q".serial2_id_seq"#,
            r#"warning "S.q".identity2_id_seq"#,
            r#"critical "S.q".wide"#,
            r#"critical "S.q".plain"#,
            r#"critical "S.q".free"#,
            r#"critical "S.q"."Do.wn""#,
            r#"warning "S.q".capped_id_seq"#,
            r#"critical "S.q".cycles"#,
        ],
    )
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
