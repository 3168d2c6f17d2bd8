//! Bloat: what a sample of pages says against what pgstattuple counts, and what `mcp_health` makes
//! of it.

use advisor_tests::cluster::{Cluster, server_version};
use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde_json::Value;

use crate::Case;
use crate::fixture::{Fixture, answered, refused};
use crate::health::{Finding, database, expect_and_mend, expect_ok, findings, summary};

pub(crate) const CASES: &[Case] = &[
    ("health_samples_indexes_near_the_truth", index_shapes),
    ("health_samples_tables_near_the_truth", table_shapes),
    ("health_finds_a_bloated_index", bloated_index),
    ("health_drops_what_the_pages_refute", refuted),
    ("health_sums_up_small_bloated_indexes", small_indexes),
    ("health_finds_a_bloated_table", bloated_table),
    ("health_finds_a_bloated_toast_table", bloated_toast),
    ("health_falls_back_to_the_estimate_behind_a_lock", locked),
    ("health_bloat_is_for_owners_and_monitors", privileges),
    ("health_bloat_refuses_what_it_cannot_read", refusals),
    ("health_reads_pages_on_a_standby", standby),
    ("health_finds_long_gin_pending_lists", gin_pending_list),
];

/// Points between the sampled waste and the true one.
const TOLERANCE: f64 = 5.0;

/// Fails unless sample and full reading of each row (object, true waste, sampled, all read) agree.
fn expect_near(client: &mut Client, sql: &str, count: usize) -> Result<()> {
    let rows = answered(client, sql)?;
    ensure!(rows.len() == count, "{} shapes instead of {count}", rows.len());
    for row in rows {
        let object: String = row.try_get(0)?;
        let (truth, sampled, all): (f64, f64, f64) =
            (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
        let text = format!("{object}: {truth:.1} in truth, {sampled} sampled, {all} in all pages");
        ensure!((truth - sampled).abs() <= TOLERANCE, "{text}");
        ensure!((truth - all).abs() <= 2.0, "{text}");
    }
    Ok(())
}

/// Pages that full leaves at the fill factor would save, by pgstatindex.
const INDEX_TRUTH: &str = "
select c.relname::text, greatest(0, 100 * (1 - (1 + n.leaves * (1 + n.inner_share)) / s.pages)),
    s.waste_percent, a.waste_percent
from pg_stat_user_indexes as u
join pg_class as c on c.oid = u.indexrelid
cross join mcp_index_bloat(c.oid) as s
cross join mcp_index_bloat(c.oid, 1000000) as a
cross join pgstatindex(c.oid::regclass) as p
cross join lateral (select
    ceil(p.leaf_pages * coalesce(nullif(p.avg_leaf_density, 'NaN'), 0)
        / (100 * (1 - 8192 * (100 - s.fillfactor) / 100 / 8152.0))),
    p.internal_pages::double precision / greatest(p.leaf_pages, 1)) as n (leaves, inner_share)
where u.relname not like 'mcp\\_%'
order by 1";

fn index_shapes(fixture: &Fixture) -> Result<()> {
    let mut client =
        fixture.database("health_shapes", &["hypopg", "mcp_advisor", "pgstattuple"])?;
    client.batch_execute("select mcp_schemas(); select hypopg()")?;
    client.batch_execute(
        "create table t (id bigint, gone integer, u uuid, random text, sorted text, low integer,
            wide text, a integer, b integer, sparse integer) with (autovacuum_enabled = off);
        create index grown on t (u); create index grown_text on t (random);
        insert into t select g, g, md5(g::text)::uuid, md5(g::text || 'x'), lpad(g::text, 12, '0'),
            g % 10, repeat('x', 40), g, g % 7, case when g % 20 = 0 then g end
            from generate_series(1, 120000) as g;
        create unique index fresh on t (id); create index built on t (sorted);
        create index deduplicated on t (low); create index expression on t (id, (wide || wide));
        create index half_full on t (id) with (fillfactor = 50);
        create index included on t (a) include (b, low); create index four on t (a, b, low, id);
        create index partial on t (a) where b < 4; create index nulls on t (sparse);
        create index none on t (a) where a < 0; create index single on t (a) where a = 1",
    )?;
    expect_near(&mut client, INDEX_TRUTH, 13)?;
    // Half of the rows, evenly; then nine of ten, in a stretch.
    client.batch_execute("delete from t where gone % 2 = 0")?;
    client.batch_execute("vacuum t")?;
    expect_near(&mut client, INDEX_TRUTH, 13)?;
    client.batch_execute("delete from t where gone < 108000")?;
    client.batch_execute("vacuum t")?;
    expect_near(&mut client, INDEX_TRUTH, 13)?;
    let sql = "select waste_percent from mcp_index_bloat('fresh')";
    let waste: f64 = client.query_one(sql, &[])?.try_get(0)?;
    ensure!((90.0..97.0).contains(&waste), "{waste}");
    // And in truth: the size after a rebuild.
    let sql = "select relname::text, 100 * (1 - (pg_relation_size(oid) / 8192) / w.pages::float8),
            w.waste_percent, w.waste_percent
        from before as w join pg_class as c on c.relname = w.name order by 1";
    client.batch_execute(
        "create table before as select relname as name, s.* from pg_class as c
            cross join mcp_index_bloat(c.oid) as s
            where c.relname in ('fresh', 'grown', 'half_full', 'expression', 'nulls');
        reindex table t",
    )?;
    expect_near(&mut client, sql, 5)?;
    let row = client.query_one("select method, pages_read from mcp_index_bloat('none')", &[])?;
    ensure!((row.try_get::<_, &str>(0)?, row.try_get::<_, i64>(1)?) == ("exact", 1));
    Ok(())
}

/// Pages that live rows would not need, by pgstattuple; large rows leave a rest in each page, which
/// the small last chunks of TOAST fill.
const TABLE_TRUTH: &str = "
select c.relname::text, greatest(0, 100 * (1 - n.pages / greatest(s.pages, 1)) * sign(s.pages)),
    s.waste_percent, a.waste_percent
from pg_class as c
cross join mcp_table_bloat(c.oid) as s
cross join mcp_table_bloat(c.oid, 1000000) as a
cross join pgstattuple(c.oid::regclass) as p
cross join lateral (select 8168 - 8192 * (100 - s.fillfactor) / 100,
    ceil(p.tuple_len / greatest(p.tuple_count, 1)::double precision / 8) * 8 + 4) as r (room, row)
cross join lateral (select ceil(p.tuple_count * case c.relkind
    when 't' then r.row / r.room else 1 / greatest(floor(r.room / r.row), 1) end)) as n (pages)
where c.relname in ('fresh', 'half', 'tenth', 'wide', 'loose', 'toasted', 'dead', 'empty')
    or c.oid = (select reltoastrelid from pg_class where relname = 'toasted')
order by 1";

fn table_shapes(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("health_heaps", &["hypopg", "mcp_advisor", "pgstattuple"])?;
    client.batch_execute("select mcp_schemas(); select hypopg()")?;
    for (table, rows, text) in [
        ("fresh", 40_000, "repeat('x', 60)"),
        ("half", 40_000, "repeat('x', 60)"),
        ("tenth", 40_000, "repeat('x', 60)"),
        ("dead", 40_000, "repeat('x', 60)"),
        ("wide", 3_000, "repeat('x', 1500)"),
        ("loose", 40_000, "repeat('x', 60)"),
        (
            "toasted",
            1_000,
            "(select string_agg(md5(g::text || i), '') from generate_series(1, 250) as i)",
        ),
        ("empty", 0, "''"),
    ] {
        let fill = if table == "loose" { 50 } else { 100 };
        client.batch_execute(&format!(
            "create table {table} (id integer, a text)
                with (autovacuum_enabled = off, fillfactor = {fill});
            insert into {table} select g, {text} from generate_series(1, {rows}) as g"
        ))?;
    }
    client.batch_execute(
        "delete from half where id % 2 = 0; delete from tenth where id % 10 <> 0;
        delete from dead where id % 3 <> 0; delete from toasted where id % 4 <> 0",
    )?;
    for table in ["half", "tenth", "toasted", "fresh"] {
        client.batch_execute(&format!("vacuum {table}"))?;
    }
    expect_near(&mut client, TABLE_TRUTH, 9)?;
    let sql = "select dead_percent from mcp_table_bloat('dead')";
    let dead: f64 = client.query_one(sql, &[])?.try_get(0)?;
    ensure!((65.0..68.5).contains(&dead), "{dead}");
    Ok(())
}

fn bloated_index(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_bloat")?;
    client.batch_execute(
        "create table t (id bigint primary key, k integer, wide text)
            with (autovacuum_enabled = off);
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
    ensure!(key.details["decided_by"] == "pages", "{found:#?}");
    for percent in ["estimated_percent", "sampled_percent"] {
        ensure!(key.details[percent].as_f64().is_some_and(|percent| percent > 85.0), "{found:#?}");
    }
    // Without statistics, the pages alone decide.
    client.batch_execute("delete from pg_statistic where starelid >= 16384")?;
    let again = summary(&mut client, "index_bloat")?;
    for one in found.iter().filter(|one| one.severity == "warning") {
        ensure!(again.contains(&format!("warning {}", one.object)), "{again:?}");
    }
    ensure!(again.contains(&"info public.same".to_owned()), "{again:?}");
    client.batch_execute("set mcp_advisor.health_index_bloat_critical_least = '5MB'")?;
    let found = summary(&mut client, "index_bloat")?;
    ensure!(found.contains(&"critical public.t_pkey".to_owned()), "{found:?}");
    for finding in &findings(&mut client, "index_bloat")? {
        for statement in finding.remediation.split_inclusive(';') {
            client.batch_execute(statement)?;
        }
    }
    expect_ok(&mut client, "index_bloat")
}

/// Rows that are deleted and not yet vacuumed still have their entries.
fn refuted(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_refuted")?;
    client.batch_execute(
        "create table t (id bigint primary key) with (autovacuum_enabled = off);
        insert into t select g from generate_series(1, 200000) as g;
        set mcp_advisor.health_index_bloat_least = '100kB'",
    )?;
    client.batch_execute("vacuum analyze t")?;
    expect_ok(&mut client, "index_bloat")?;
    client.batch_execute("delete from t where id % 10 <> 0; analyze t")?;
    let check = &advisor_sql::health::select(&["index_bloat"]).unwrap_or_default()[0];
    let sql = check.sql(server_version()?).map_err(anyhow::Error::msg)?;
    let estimated = client.query(sql, &[])?;
    ensure!(estimated.len() == 1, "the estimate sees {} rows", estimated.len());
    expect_ok(&mut client, "index_bloat")?;
    client.batch_execute("vacuum t")?;
    expect_and_mend(&mut client, "index_bloat", &["warning public.t_pkey"])
}

fn small_indexes(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_small_bloat")?;
    client.batch_execute(
        "do $$ begin for i in 1..8 loop
            execute format('create table \"T %s\" (id integer primary key)
                with (autovacuum_enabled = off)', i);
            execute format('insert into \"T %s\" select generate_series(1, 20000 + 1000 * %1$s)', i);
        end loop; end $$",
    )?;
    client.batch_execute("vacuum analyze")?;
    expect_ok(&mut client, "index_bloat")?;
    for at in 1..=8 {
        client.batch_execute(&format!("delete from \"T {at}\" where id % 20 <> 0"))?;
    }
    client.batch_execute("vacuum analyze")?;
    let found = findings(&mut client, "index_bloat")?;
    let [all] = &found[..] else { anyhow::bail!("{found:#?}") };
    ensure!(all.severity == "info" && all.value == Some(8.0), "{all:#?}");
    ensure!(all.details["largest"][0]["index"] == "public.\"T 8_pkey\"", "{all:#?}");
    ensure!(all.remediation.matches("REINDEX INDEX CONCURRENTLY").count() == 8, "{all:#?}");
    expect_and_mend(&mut client, "index_bloat", &["info "])
}

fn one(client: &mut Client, check: &str) -> Result<Finding> {
    let mut found = findings(client, check)?;
    ensure!(found.len() == 1, "{found:#?}");
    found.pop().context("one")
}

fn bloated_table(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_table_bloat")?;
    client.batch_execute(
        "create schema \"S 1\"; create table \"S 1\".\"T\" (id integer, a text, b timestamptz)
            with (autovacuum_enabled = off);
        insert into \"S 1\".\"T\" select g, repeat('x', 80), now() from generate_series(1, 150000) as g;
        create table loose (id integer, a text) with (fillfactor = 30);
        insert into loose select g, repeat('x', 100) from generate_series(1, 60000) as g;
        create table wide (a text); alter table wide alter a set storage plain;
        insert into wide select repeat('x', 4100) from generate_series(1, 3000)",
    )?;
    client.batch_execute("vacuum analyze")?;
    // Half filled on purpose, or with one row to a page: not bloat.
    expect_ok(&mut client, "table_bloat")?;
    client.batch_execute("delete from \"S 1\".\"T\" where id % 10 <> 0; analyze")?;
    let found = one(&mut client, "table_bloat")?;
    ensure!(found.severity == "warning" && found.object == "\"S 1\".\"T\"", "{found:#?}");
    ensure!(found.remediation == "VACUUM \"S 1\".\"T\";", "{found:#?}");
    ensure!(found.details["decided_by"] == "pages", "{found:#?}");
    ensure!(found.details["dead_percent"].as_f64().is_some_and(|dead| dead > 85.0), "{found:#?}");
    ensure!(found.value.is_some_and(|percent| (87.0..93.0).contains(&percent)), "{found:#?}");
    client.batch_execute(&found.remediation)?;
    // The space is free now, but not the disk's.
    let found = one(&mut client, "table_bloat")?;
    ensure!(found.remediation == "VACUUM (FULL, ANALYZE) \"S 1\".\"T\";", "{found:#?}");
    ensure!(found.details["risk"] == "rewrites", "{found:#?}");
    ensure!(found.message.contains("pg_repack"), "{found:#?}");
    client.batch_execute("set mcp_advisor.health_table_bloat_critical_least = '1MB'")?;
    expect_and_mend(&mut client, "table_bloat", &["critical \"S 1\".\"T\""])
}

fn bloated_toast(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_toast_bloat")?;
    client.batch_execute(
        "create table t (id integer primary key, a text)
            with (autovacuum_enabled = off, toast.autovacuum_enabled = off);
        alter table t alter a set storage external;
        insert into t select g, repeat('x', 8000) from generate_series(1, 4000) as g",
    )?;
    client.batch_execute("vacuum analyze t")?;
    expect_ok(&mut client, "table_bloat")?;
    client.batch_execute("delete from t where id % 5 <> 0")?;
    client.batch_execute("vacuum analyze t")?;
    let found = one(&mut client, "table_bloat")?;
    ensure!(found.object.starts_with("pg_toast.pg_toast_"), "{found:#?}");
    ensure!(found.details["toast_of"] == "public.t", "{found:#?}");
    ensure!(found.remediation == "VACUUM (FULL, ANALYZE) public.t;", "{found:#?}");
    let object = format!("warning {}", found.object);
    expect_and_mend(&mut client, "table_bloat", &[&object])
}

fn locked(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_locked_bloat")?;
    client.batch_execute(
        "create table t (id integer primary key) with (autovacuum_enabled = off);
        insert into t select g from generate_series(1, 100000) as g;
        set mcp_advisor.health_index_bloat_least = '100kB';
        set mcp_advisor.health_table_bloat_least = '100kB'",
    )?;
    client.batch_execute("delete from t where id % 20 <> 0")?;
    client.batch_execute("vacuum analyze t")?;
    let mut other = fixture.cluster.connect("health_locked_bloat")?;
    other.batch_execute("begin; drop table t")?;
    for (function, object) in [("mcp_index_bloat", "t_pkey"), ("mcp_table_bloat", "t")] {
        let sql = format!("select * from {function}('{object}')");
        let error = refused(&mut client, &sql, "55P03")?;
        let wanted = format!("could not obtain lock on relation \"{object}\"");
        ensure!(error.message() == wanted, "{}", error.message());
    }
    for (check, object) in [("index_bloat", "public.t_pkey"), ("table_bloat", "public.t")] {
        let found = one(&mut client, check)?;
        ensure!(found.severity == "warning" && found.object == object, "{found:#?}");
        ensure!(found.details["decided_by"] == "estimate", "{found:#?}");
        ensure!(found.message.contains("by an estimate: could not obtain lock"), "{found:#?}");
    }
    other.batch_execute("rollback")?;
    for check in ["index_bloat", "table_bloat"] {
        let found = one(&mut client, check)?;
        ensure!(found.details["decided_by"] == "pages", "{found:#?}");
    }
    // Nothing is left of a reading but what the transaction had before.
    refused(&mut client, "select * from mcp_table_bloat('t_pkey')", "0A000")?;
    client.batch_execute("begin")?;
    answered(&mut client, "select * from mcp_table_bloat('t'), mcp_index_bloat('t_pkey')")?;
    Ok(client.batch_execute("rollback")?)
}

fn privileges(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_bloat_roles")?;
    client.batch_execute(
        "create role bloat_plain login; create role bloat_monitor login in role pg_monitor;
        create role bloat_owner login; create table t (id integer primary key)
            with (autovacuum_enabled = off);
        insert into t select g from generate_series(1, 100000) as g;
        alter table t owner to bloat_owner; create index expression on t (abs(id))",
    )?;
    client.batch_execute("delete from t where id % 20 <> 0")?;
    client.batch_execute("vacuum t")?;
    let sql = "select * from mcp_table_bloat('t'), mcp_index_bloat('t_pkey')";
    let mut plain = fixture.cluster.connect_as("health_bloat_roles", "bloat_plain")?;
    for sql in ["select * from mcp_table_bloat('t')", "select * from mcp_index_bloat('t_pkey')"] {
        let Err(error) = plain.query(sql, &[]) else { anyhow::bail!("{sql} was allowed") };
        let error = error.as_db_error().context("error")?;
        ensure!(error.code().code() == "42501", "{error}");
        ensure!(error.hint().is_some_and(|hint| hint.contains("pg_monitor")), "{error:?}");
    }
    for role in ["bloat_monitor", "bloat_owner"] {
        let mut session = fixture.cluster.connect_as("health_bloat_roles", role)?;
        ensure!(session.query(sql, &[])?.len() == 1, "{role}");
    }
    // pg_monitor may not read the statistics, but pages.
    let limits = "set mcp_advisor.health_index_bloat_least = '100kB';
        set mcp_advisor.health_index_bloat_small_least = '100kB';
        set mcp_advisor.health_table_bloat_least = '100kB'";
    let mut monitor = fixture.cluster.connect_as("health_bloat_roles", "bloat_monitor")?;
    monitor.batch_execute(&format!("select mcp_schemas(); {limits}"))?;
    let mut found = summary(&mut monitor, "index_bloat")?;
    found.extend(summary(&mut monitor, "table_bloat")?);
    found.sort();
    let wanted = ["warning public.expression", "warning public.t", "warning public.t_pkey"];
    ensure!(found == wanted, "{found:?}");
    // A role with nothing is told what it lacks.
    plain.batch_execute(limits)?;
    let found = findings(&mut plain, "index_bloat,table_bloat,gin_pending_list")?;
    for check in ["index_bloat", "table_bloat"] {
        let row = found
            .iter()
            .find(|one| one.check == check && one.details["ran"] == Value::Bool(false))
            .with_context(|| format!("{check}: {found:#?}"))?;
        ensure!(row.severity == "info", "{row:#?}");
        ensure!(row.remediation == "GRANT pg_monitor TO bloat_plain;", "{row:#?}");
    }
    Ok(())
}

fn refusals(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_bloat_refusals")?;
    client.batch_execute(
        "create table t (a integer, b integer[]); create index hashed on t using hash (a);
        create index sorted_in on t using gin (b); create view v as select 1;
        create table parts (a integer primary key) partition by list (a);
        create temporary table mine (a integer primary key); insert into mine values (1)",
    )?;
    for (call, code) in [
        ("mcp_index_bloat('hashed')", "0A000"),
        ("mcp_index_bloat('sorted_in')", "0A000"),
        ("mcp_index_bloat('t')", "0A000"),
        ("mcp_index_bloat('parts_pkey')", "0A000"),
        ("mcp_table_bloat('parts')", "0A000"),
        ("mcp_table_bloat('v')", "0A000"),
        ("mcp_table_bloat(0)", "42P01"),
        ("mcp_table_bloat(null)", "22004"),
        ("mcp_table_bloat('t', 0)", "22023"),
        ("mcp_index_bloat('hashed', null)", "22004"),
    ] {
        refused(&mut client, &format!("select * from {call}"), code)?;
    }
    answered(&mut client, "select * from mcp_table_bloat('mine'), mcp_index_bloat('mine_pkey')")?;
    let mut other = fixture.cluster.connect("health_bloat_refusals")?;
    let theirs: String = client.query_one("select 'mine'::regclass::oid::text", &[])?.try_get(0)?;
    other.batch_execute("select mcp_schemas(); select hypopg()")?;
    let error = refused(&mut other, &format!("select * from mcp_table_bloat({theirs})"), "0A000")?;
    ensure!(error.message() == "cannot read temporary tables of other sessions");
    // A read-only transaction will do.
    client.batch_execute("begin read only")?;
    answered(&mut client, "select * from mcp_table_bloat('t')")?;
    Ok(client.batch_execute("rollback")?)
}

fn standby(_: &Fixture) -> Result<()> {
    let settings = "autovacuum = off\nwal_level = replica\nmax_wal_senders = 4";
    let primary = Cluster::start(settings)?;
    let mut client = primary.create_database("pages")?;
    client.batch_execute(
        "create extension mcp_advisor; create table t (id integer primary key);
        insert into t select g from generate_series(1, 50000) as g;
        delete from t where id % 10 <> 0; create unlogged table u (id serial);
        create sequence s maxvalue 100; select setval('s', 95)",
    )?;
    client.batch_execute("vacuum analyze t")?;
    let standby = primary.standby(&format!("{settings}\nhot_standby = on"))?;
    let mut session = standby.connect("pages")?;
    let sql = "select (select waste_percent from mcp_table_bloat('t')),
        (select waste_percent from mcp_index_bloat('t_pkey'))";
    let row = session.query_one(sql, &[])?;
    for at in 0..2 {
        let waste: f64 = row.try_get(at)?;
        ensure!((87.0..93.0).contains(&waste), "{waste}");
    }
    let Err(error) = session.query("select * from mcp_table_bloat('u')", &[]) else {
        anyhow::bail!("an unlogged table was read");
    };
    ensure!(error.code().is_some_and(|code| code.code() == "55000"), "{error}");
    let row = session.query_one("select mcp_sequence_last_value('u_id_seq')", &[])?;
    ensure!(row.try_get::<_, Option<i64>>(0)?.is_none());
    let found = summary(&mut session, "sequence_exhaustion")?;
    ensure!(found == ["critical public.s"], "{found:?}");
    session.batch_execute("set mcp_advisor.health_table_bloat_least = '100kB'")?;
    let found = summary(&mut session, "table_bloat")?;
    ensure!(found == ["warning public.t"], "{found:?}");
    Ok(())
}

fn gin_pending_list(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_gin")?;
    client.batch_execute(
        "create table t (a integer[]) with (autovacuum_enabled = off);
        create index \"G '1\" on t using gin (a) with (gin_pending_list_limit = 1000000);
        create index direct on t using gin (a) with (fastupdate = off)",
    )?;
    client
        .batch_execute("insert into t select array[g, g + 1] from generate_series(1, 1000) as g")?;
    expect_ok(&mut client, "gin_pending_list")?;
    client.batch_execute(
        "insert into t select array(select g * 10 + i from generate_series(1, 10) as i)
            from generate_series(1, 40000) as g",
    )?;
    let found = summary(&mut client, "gin_pending_list")?;
    ensure!(found == ["info public.\"G '1\""], "{found:?}");
    client.batch_execute("set mcp_advisor.health_gin_pending_list_warning = 600")?;
    expect_and_mend(&mut client, "gin_pending_list", &["warning public.\"G '1\""])
}
