//! `mcp_health` on tables without a key, and how tables are written, read and stored.

use advisor_tests::cluster::Cluster;
use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde_json::Value;

use crate::Case;
use crate::fixture::Fixture;
use crate::health::{Finding, database, expect_and_mend, expect_ok, findings, summary};
use crate::health_partition::prepared;

pub(crate) const CASES: &[Case] = &[
    ("health_finds_tables_without_a_key", without_primary_key),
    ("health_finds_published_tables_without_a_key", published),
    ("health_finds_updates_that_are_not_hot", hot_updates),
    ("health_finds_tables_that_are_read_from_end_to_end", sequential_scans),
    ("health_finds_large_values", toast),
    ("health_finds_unlogged_tables", unlogged),
    ("health_finds_wide_tables", wide),
    ("health_of_tables_waits_for_no_lock_and_needs_no_privilege", locked),
    ("health_of_tables_on_a_standby", on_a_standby),
];

pub(crate) fn one<'a>(found: &'a [Finding], object: &str) -> Result<&'a Finding> {
    found.iter().find(|one| one.object == object).with_context(|| format!("{object}: {found:#?}"))
}

fn without_primary_key(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_keyless")?;
    client.batch_execute(
        r#"create table heap (a integer);
        create table "Uni""que" (a integer not null, b text not null, c integer);
        create unique index "i ""1" on "Uni""que" (a, b) include (c);
        create table constrained (a integer not null unique);
        create table descending (a integer not null); create unique index on descending (a desc);
        create table nullable (a integer unique);
        create table partial (a integer not null); create unique index on partial (a) where a > 5;
        create table parts (a integer) partition by list (a);
        create table part1 partition of parts for values in (1);
        create table part2 partition of parts for values in (2);
        -- These are as they should be.
        create table keyed (a integer primary key);
        create table identified (a integer not null); create unique index known on identified (a);
        alter table identified replica identity using index known;
        create table few (a integer); insert into few values (1);
        create table each (a integer) partition by list (a);
        create table each1 partition of each (primary key (a)) for values in (1);
        insert into each values (1)"#,
    )?;
    for table in [
        "heap",
        "\"Uni\"\"que\"",
        "constrained",
        "descending",
        "nullable",
        "partial",
        "keyed",
        "identified",
    ] {
        client
            .batch_execute(&format!("insert into {table} select generate_series(1, 1000)"))
            .or_else(|_| {
                client.batch_execute(&format!(
                    "insert into {table} select g, g from generate_series(1, 1000) as g"
                ))
            })?;
    }
    client.batch_execute(
        "insert into parts select 1 + g % 2 from generate_series(1, 1000) as g; analyze",
    )?;
    let found = findings(&mut client, "table_without_primary_key")?;
    let parts = one(&found, "public.parts")?;
    ensure!(parts.value == Some(1000.0) && parts.details["partitioned"] == true, "{parts:#?}");
    for keyless in ["public.heap", "public.nullable", "public.partial", "public.parts"] {
        let found = one(&found, keyless)?;
        ensure!(found.remediation.is_empty(), "{found:#?}");
        ensure!(found.message.contains("GENERATED ALWAYS AS IDENTITY"), "{found:#?}");
    }
    client.batch_execute(
        "alter table heap add id bigint generated always as identity primary key;
        alter table nullable add primary key (a); alter table partial add primary key (a);
        drop table parts",
    )?;
    expect_and_mend(
        &mut client,
        "table_without_primary_key",
        &["info public.\"Uni\"\"que\"", "info public.constrained", "info public.descending"],
    )?;
    client.batch_execute("set mcp_advisor.health_table_without_primary_key_rows = 1")?;
    ensure!(summary(&mut client, "table_without_primary_key")? == ["info public.few"]);
    Ok(())
}

fn published(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_published")?;
    client.batch_execute(
        r#"create table "T 1" (a integer); create table uni (a integer not null);
        create unique index uni_a on uni (a); alter table uni replica identity nothing;
        create table parts (a integer) partition by list (a);
        create table part1 partition of parts for values in (1);
        create table part2 partition of parts for values in (2);
        create schema "S 1"; create table "S 1".t (a integer);
        create publication changes for table "T 1", uni, parts;
        create publication whole for tables in schema "S 1";
        -- These can be changed.
        create table keyed (a integer primary key); create table whole (a integer);
        alter table whole replica identity full; create table inserts (a integer);
        create table alone (a integer);
        alter publication changes add table keyed, whole;
        create publication inserts for table inserts with (publish = 'insert, truncate')"#,
    )?;
    ensure!(client.batch_execute("update \"T 1\" set a = 1").is_err(), "it can be updated");
    expect_and_mend(
        &mut client,
        "table_without_primary_key",
        &[
            "warning public.\"T 1\"",
            "warning public.uni",
            "warning public.parts",
            "warning \"S 1\".t",
        ],
    )?;
    client.batch_execute(
        r#"insert into "T 1" values (1); update "T 1" set a = 2; update uni set a = 2;
        insert into parts values (1); delete from parts; delete from "S 1".t;
        create publication everything for all tables"#,
    )?;
    ensure!(
        summary(&mut client, "table_without_primary_key")?
            == ["warning public.alone", "warning public.inserts"]
    );
    Ok(())
}

/// What the other session has counted is there at once.
const FLUSH: &str = "select pg_stat_force_next_flush()";

fn hot_updates(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_hot")?;
    client.batch_execute(
        r#"create table "Full" (id integer primary key, a integer, pad text);
        create table "indexed" (id integer primary key, a integer) with (fillfactor = 50);
        create index on indexed (a);
        create table roomy (id integer primary key, a integer) with (fillfactor = 50);
        insert into "Full" select g, g, repeat('x', 100) from generate_series(1, 2000) as g;
        insert into indexed select g, g from generate_series(1, 2000) as g;
        insert into roomy select g, g from generate_series(1, 2000) as g;
        update "Full" set a = a + 1; update indexed set a = a + 1; update roomy set a = a + 1"#,
    )?;
    client.batch_execute(FLUSH)?;
    expect_ok(&mut client, "hot_updates")?;
    client.batch_execute("set mcp_advisor.health_hot_updates_rows = 2000")?;
    let found = findings(&mut client, "hot_updates")?;
    ensure!(found.len() == 2 && found.iter().all(|one| one.severity == "info"), "{found:#?}");
    let indexed = one(&found, "public.indexed")?;
    ensure!(indexed.remediation.is_empty() && indexed.message.contains("index"), "{indexed:#?}");
    let full = one(&found, "public.\"Full\"")?;
    ensure!(full.remediation == "ALTER TABLE public.\"Full\" SET (fillfactor = 90);", "{full:#?}");
    client.batch_execute(&full.remediation)?;
    // Counted anew, with room in the pages that are written now.
    client.batch_execute(
        r#"set mcp_advisor.health_hot_updates_rows = 100; drop index indexed_a_idx;
        truncate "Full", indexed; insert into "Full" select g, g, repeat('x', 100)
            from generate_series(1, 2000) as g;
        insert into indexed select g, g from generate_series(1, 2000) as g;
        select pg_stat_reset_single_table_counters(oid) from pg_class
            where relname in ('Full', 'indexed') and relkind = 'r'"#,
    )?;
    client.batch_execute(
        "update \"Full\" set a = a + 1 where id % 20 = 0; update indexed set a = a where id % 20 = 0",
    )?;
    client.batch_execute(FLUSH)?;
    expect_ok(&mut client, "hot_updates")
}

fn sequential_scans(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_scans")?;
    client.batch_execute(
        r#"create table "Read" (id integer primary key, a integer);
        create table limited (id integer); create table small (id integer);
        create table parts (a integer) partition by list (a);
        create table part1 partition of parts for values in (0);
        create table part2 partition of parts for values in (1);
        insert into "Read" select g, g from generate_series(1, 20000) as g;
        insert into limited select g from generate_series(1, 20000) as g;
        insert into parts select g % 2 from generate_series(1, 40000) as g;
        insert into small values (1)"#,
    )?;
    client.batch_execute("analyze")?;
    client.batch_execute(
        r#"do $$ begin for i in 1..60 loop
            perform count(*) from "Read" where a = i; perform count(*) from parts;
            perform from limited limit 1; perform count(*) from small;
        end loop; end $$"#,
    )?;
    client.batch_execute(FLUSH)?;
    expect_ok(&mut client, "sequential_scan")?;
    client.batch_execute("set mcp_advisor.health_sequential_scan_size = '100kB'")?;
    let found = summary(&mut client, "sequential_scan")?;
    ensure!(found == ["info public.parts", "info public.\"Read\""], "{found:?}");
    // Once it is mostly read by an index, it is excused.
    client.batch_execute(
        r#"drop table parts; create index on "Read" (a); set enable_seqscan = off;
        do $$ begin for i in 1..700 loop perform count(*) from "Read" where a = i; end loop; end $$"#,
    )?;
    client.batch_execute(FLUSH)?;
    expect_ok(&mut client, "sequential_scan")
}

fn toast(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_toast")?;
    client.batch_execute(
        r#"create table "Do""cs" (id integer primary key, body text);
        alter table "Do""cs" alter body set storage external;
        insert into "Do""cs" select g, repeat('x', 20000) from generate_series(1, 100) as g;
        create table parts (a integer, body text) partition by list (a);
        create table part1 partition of parts for values in (0);
        create table part2 partition of parts for values in (1);
        alter table part1 alter body set storage external;
        alter table part2 alter body set storage external;
        insert into parts select g % 2, repeat('x', 20000) from generate_series(1, 60) as g;
        create table rows (a text); insert into rows select repeat('x', 1000)
            from generate_series(1, 2000)"#,
    )?;
    client.batch_execute("vacuum analyze")?;
    expect_ok(&mut client, "toast_size")?;
    client.batch_execute("set mcp_advisor.health_toast_size_least = '1MB'")?;
    let found = findings(&mut client, "toast_size")?;
    let docs = one(&found, "public.\"Do\"\"cs\"")?;
    ensure!(docs.severity == "info" && docs.value.is_some_and(|bytes| bytes >= 2e6), "{docs:#?}");
    ensure!(one(&found, "public.parts")?.details["tables"] == 2, "{found:#?}");
    ensure!(found.len() == 2, "{found:#?}");
    client.batch_execute("truncate \"Do\"\"cs\", parts")?;
    client.batch_execute("vacuum analyze")?;
    expect_ok(&mut client, "toast_size")
}

fn unlogged(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_unlogged")?;
    client.batch_execute(
        r#"create unlogged table "Cache 1" (a integer primary key);
        insert into "Cache 1" values (1), (2); create unlogged table nothing (a integer);
        create table logged (a integer primary key); insert into logged values (1)"#,
    )?;
    client.batch_execute("analyze")?;
    expect_and_mend(&mut client, "unlogged_table", &["info public.\"Cache 1\""])
}

fn wide(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_wide")?;
    client.batch_execute(
        r#"do $$ declare columns text; begin
            select string_agg('c' || g || ' integer', ', ') into columns from generate_series(1, 201) as g;
            execute 'create table "W 1" (' || columns || ')';
            execute 'create table parts (' || columns || ') partition by list (c1)';
            create table part partition of parts for values in (1);
            create table heir (one integer) inherits ("W 1");
            execute 'create table narrow (' || replace(columns, ', c201 integer', '') || ')';
            create table worn (a integer);
            for i in 1..120 loop
                execute 'alter table worn ' || (
                    select string_agg('add column c' || g || ' integer', ', ')
                    from generate_series(1, 10) as g);
                execute 'alter table worn ' || (
                    select string_agg('drop column c' || g, ', ') from generate_series(1, 10) as g);
            end loop;
        end $$"#,
    )?;
    ensure!(summary(&mut client, "wide_table")? == ["info public.\"W 1\"", "info public.parts"]);
    client.batch_execute("set mcp_advisor.health_wide_table_warning = 1200")?;
    let found = findings(&mut client, "wide_table")?;
    let worn = one(&found, "public.worn")?;
    ensure!(worn.severity == "warning" && worn.value == Some(1201.0), "{worn:#?}");
    ensure!(worn.details["columns"] == 1 && worn.details["dropped"] == 1200, "{worn:#?}");
    client.batch_execute(
        "create table unworn as table worn; drop table worn; drop table \"W 1\" cascade;
        drop table parts",
    )?;
    expect_ok(&mut client, "wide_table")
}

/// Faults of most checks, in tables that somebody has locked.
fn locked(fixture: &Fixture) -> Result<()> {
    let mut client = prepared(fixture, "health_locked")?;
    client.batch_execute(
        "create role health_table_plain login;
        create role health_table_monitor login in role pg_monitor;
        create table parent (id bigint primary key);
        create table child (p integer references parent, b integer unique);
        alter table child add check (b > 0) not valid; alter table child disable trigger all;
        select ranges('times', 'date', '_YYYY_MM', date_trunc('month', now()::timestamp)
            - interval '3 months', '1 month', 2);
        create table time_rest partition of times default; insert into times values (now());
        create publication changes for table child; create unlogged table cache (a integer);
        insert into cache values (1); analyze",
    )?;
    let wanted = |client: &mut Client| -> Result<()> {
        let found = findings(client, "constraint,table")?;
        ensure!(!found.iter().any(|one| one.details["ran"] == Value::Bool(false)), "{found:#?}");
        for check in [
            "not_valid_constraint",
            "disabled_trigger",
            "foreign_key_type",
            "missing_partition",
            "default_partition",
            "table_without_primary_key",
            "unlogged_table",
        ] {
            let found = found.iter().filter(|one| one.check == check);
            ensure!(found.into_iter().any(|one| one.severity != "ok"), "{check}");
        }
        Ok(())
    };
    wanted(&mut client)?;
    for role in ["health_table_plain", "health_table_monitor"] {
        let mut other = fixture.cluster.connect_as("health_locked", role)?;
        wanted(&mut other).context(role)?;
    }
    let mut holder = fixture.cluster.connect("health_locked")?;
    holder.batch_execute(
        "begin; lock table parent, child, times, time_rest, cache in access exclusive mode",
    )?;
    client.batch_execute("begin read only")?;
    wanted(&mut client)?;
    client.batch_execute("rollback")?;
    holder.batch_execute("rollback")?;
    Ok(())
}

fn on_a_standby(_: &Fixture) -> Result<()> {
    let primary = Cluster::start("wal_level = replica\nmax_wal_senders = 4")?;
    let mut client = primary.connect("postgres")?;
    client.batch_execute(
        "create extension mcp_advisor; create table child (a integer);
        alter table child add check (a > 0) not valid",
    )?;
    let standby = primary.standby("wal_level = replica\nmax_wal_senders = 4")?;
    let mut client = standby.connect("postgres")?;
    let found = findings(&mut client, "constraint,table")?;
    let unable: Vec<&str> = found
        .iter()
        .filter(|one| one.details["ran"] == Value::Bool(false))
        .map(|one| one.check.as_str())
        .collect();
    // Only what is counted on the primary.
    ensure!(unable == ["hot_updates"], "{found:#?}");
    ensure!(one(&found, "public.child: child_a_check")?.severity == "warning", "{found:#?}");
    Ok(())
}
