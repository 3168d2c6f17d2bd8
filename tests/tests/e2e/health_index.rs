//! `mcp_health` on indexes that are invalid, duplicate, redundant or unused.

use anyhow::{Result, ensure};

use crate::Case;
use crate::fixture::Fixture;
use crate::health::{database, expect_and_mend, expect_ok, findings, summary};

pub(crate) const CASES: &[Case] = &[
    ("health_finds_an_invalid_index", invalid_index),
    ("health_finds_duplicate_indexes_and_no_lookalikes", duplicate_indexes),
    ("health_finds_redundant_indexes_and_no_lookalikes", redundant_indexes),
    ("health_finds_unused_indexes_when_statistics_are_old", unused_indexes),
];

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
