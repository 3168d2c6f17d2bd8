//! `mcp_health` on indexes that are invalid, duplicate, redundant, unused or bloated, and on foreign
//! keys without one.

use anyhow::{Context, Result, ensure};

use crate::Case;
use crate::fixture::Fixture;
use crate::health::{database, expect_and_mend, expect_ok, findings, summary};

pub(crate) const CASES: &[Case] = &[
    ("health_finds_an_invalid_index", invalid_index),
    ("health_finds_what_reindex_left", reindex_left),
    ("health_finds_partitions_without_the_index", invalid_partitioned_index),
    ("health_finds_duplicate_indexes_and_no_lookalikes", duplicate_indexes),
    ("health_finds_redundant_indexes_and_no_lookalikes", redundant_indexes),
    ("health_finds_unused_indexes_when_statistics_are_old", unused_indexes),
    ("health_finds_unused_indexes_of_partitioned_tables", unused_partitioned),
    ("health_finds_foreign_keys_without_an_index", foreign_keys),
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
    // A role that sees nothing of other sessions knows as well.
    client.batch_execute("create role health_builder login")?;
    let mut plain = fixture.cluster.connect_as("health_invalid", "health_builder")?;
    expect_ok(&mut plain, "invalid_index")?;
    open.batch_execute("rollback")?;
    let built = building.join().map_err(|_| anyhow::anyhow!("the builder panicked"))?;
    Ok(built?)
}

/// A REINDEX CONCURRENTLY that was cancelled leaves a second index; while it runs it is no fault.
fn reindex_left(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_reindex")?;
    client.batch_execute(
        "create table t (a integer primary key, b text); insert into t values (1, 'x')",
    )?;
    let mut open = fixture.cluster.connect("health_reindex")?;
    open.batch_execute("begin; update t set b = 'y'")?;
    let mut builder = fixture.cluster.connect("health_reindex")?;
    let building = std::thread::spawn(move || {
        builder.batch_execute("set statement_timeout = '500ms'")?;
        builder.batch_execute("reindex table concurrently t")
    });
    let sql = "select count(*) from pg_index where not indisvalid";
    while client.query_one(sql, &[])?.try_get::<_, i64>(0)? == 0 && !building.is_finished() {
        std::thread::yield_now();
    }
    if !building.is_finished() {
        expect_ok(&mut client, "invalid_index")?;
    }
    let outcome = building.join().map_err(|_| anyhow::anyhow!("the builder panicked"))?;
    ensure!(outcome.is_err(), "the transaction did not hold it up");
    open.batch_execute("rollback")?;
    let found = findings(&mut client, "invalid_index")?;
    ensure!(found.iter().all(|one| one.severity == "warning"), "{found:#?}");
    ensure!(found.iter().any(|one| one.object == "public.t_pkey_ccnew"), "{found:#?}");
    for one in &found {
        ensure!(one.remediation.starts_with("DROP INDEX CONCURRENTLY"), "{one:#?}");
        client.batch_execute(&one.remediation)?;
    }
    expect_ok(&mut client, "invalid_index")
}

fn invalid_partitioned_index(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_invalid_parts")?;
    client.batch_execute(
        "create schema \"S 1\"; create table \"S 1\".\"P\" (a integer, \"B\" text) partition by list (a);
        create table \"S 1\".one partition of \"S 1\".\"P\" for values in (1);
        create table \"S 1\".two (\"B\" text, a integer);
        alter table \"S 1\".\"P\" attach partition \"S 1\".two for values in (2);
        create table three partition of \"S 1\".\"P\" default partition by hash (a);
        create table three_1 partition of three for values with (modulus 1, remainder 0);
        create index whole on \"S 1\".\"P\" (a);
        create index \"Part\" on only \"S 1\".\"P\" (\"B\" collate \"C\" text_pattern_ops desc nulls last)
            include (a);
        create index there on \"S 1\".two (\"B\" collate \"C\" text_pattern_ops desc nulls last)
            include (a);
        create index other on \"S 1\".one (\"B\") include (a)",
    )?;
    let found = findings(&mut client, "invalid_partitioned_index")?;
    ensure!(found[0].value == Some(3.0), "{found:#?}");
    ensure!(found[0].remediation.contains("ATTACH PARTITION \"S 1\".there;"), "{found:#?}");
    ensure!(found[0].details["risk"] == "locks", "{found:#?}");
    // Another with a name that begins alike.
    client.batch_execute("create index \"Part 2\" on only \"S 1\".\"P\" (\"B\", a)")?;
    let wanted = ["info \"S 1\".\"Part\"", "info \"S 1\".\"Part 2\""];
    expect_and_mend(&mut client, "invalid_partitioned_index", &wanted)?;
    // There is no SQL for an expression: how is said.
    client.batch_execute("create index lowered on only \"S 1\".\"P\" (lower(\"B\"))")?;
    let found = findings(&mut client, "invalid_partitioned_index")?;
    ensure!(found.len() == 1 && found[0].remediation.is_empty(), "{found:#?}");
    ensure!(found[0].message.contains("ATTACH PARTITION"), "{found:#?}");
    Ok(())
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
        create index parts_a on parts (a); create index parts_again on parts (a);
        create index part_own on part_1 (a);
        create unique index strict on t (a, c) nulls not distinct;
        create unique index lenient on t (a, c);
        create index filled on t (a, c) with (fillfactor = 50);
        create table words (v tsvector, w tsvector, during int4range,
            exclude using gist (during with &&), unique (v) deferrable);
        create index short on words using gist (v tsvector_ops (siglen = 100));
        create index long on words using gist (v tsvector_ops (siglen = 200));
        create index long_again on words using gist (v tsvector_ops (siglen = 200));
        create index gin on words using gin (v);
        create unique index at_once on words (v);
        -- The index of an exclusion constraint is another thing, which its twin does not replace.
        create index ranges on words using gist (during)",
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
            "warning public.part_own",
            "warning public.lenient",
            "warning public.filled",
            "warning public.long_again",
        ],
    )?;
    // The duplicate of a constraint is said, and not touched.
    client.batch_execute("alter table t add constraint id_again unique (id)")?;
    let found = findings(&mut client, "duplicate_index")?;
    ensure!(found.len() == 1 && found[0].severity == "info", "{found:#?}");
    ensure!(found[0].remediation.is_empty(), "{found:#?}");
    // Nor is the replica identity, or what a foreign key refers to.
    client.batch_execute(
        "create table r (a integer not null, b integer not null);
        create unique index r_a on r (a); create unique index r_a_again on r (a);
        create table s (a integer references r (a)); alter table r replica identity using index r_a_again;
        create unique index s_a on s (a)",
    )?;
    let found = summary(&mut client, "duplicate_index")?;
    ensure!(found.len() == 2 && found.iter().all(|one| one.starts_with("info")), "{found:?}");
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
        create index down on t (a desc);
        create index down_up on t (b desc, id); create index up_down on t (b, id desc, c);
        create unique index twice on t (b, c); create unique index twice_more on t (b, c) include (id);
        -- Not served by another.
        create unique index unique_c on t (c);
        create index c_b on t (c, b);
        create index id_c on t (id, c);
        create index nulls on t (a nulls first);
        create index mixed on t (a, b desc);
        create index lower_in on t (lower(b)) include (id);
        create index few on t (a) where c > 3;
        create index more on t (a, id) where c > 4;
        create index plain on t (b text_pattern_ops);
        create index hashed on t using hash (b);
        create index collated on t (b collate \"POSIX\", id)",
    )?;
    expect_and_mend(
        &mut client,
        "redundant_index",
        &[
            "warning public.one",
            "warning public.lower_one",
            "warning public.down",
            "warning public.down_up",
            "warning public.twice",
        ],
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

/// The counters of a partitioned index are those of its partitions.
fn unused_partitioned(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_unused_parts")?;
    client.batch_execute(
        "create table p (a integer, b integer, c integer) partition by range (a);
        create table p1 partition of p for values from (0) to (30000);
        create table p2 partition of p for values from (30000) to (90000);
        create index on p (a); create index never on p (b); create index once on p (c);
        insert into p select g, g, g from generate_series(1, 60000) as g",
    )?;
    client.batch_execute("vacuum analyze p")?;
    client.batch_execute("set enable_seqscan = off; select * from p2 where c = 40000")?;
    client.batch_execute("select * from p where a = 4711; select pg_stat_force_next_flush()")?;
    let mut other = fixture.cluster.connect("health_unused_parts")?;
    other.batch_execute(
        "select mcp_schemas(); set mcp_advisor.health_unused_index_window = 0;
        set mcp_advisor.health_unused_index_warning = '1MB'",
    )?;
    let found = findings(&mut other, "unused_index")?;
    ensure!(found.len() == 1 && found[0].object == "public.never", "{found:#?}");
    ensure!(found[0].remediation == "DROP INDEX public.never;", "{found:#?}");
    expect_and_mend(&mut other, "unused_index", &["warning public.never"])?;
    // A size floor that none reaches.
    other.batch_execute(
        "create index again on p (b); analyze p; set mcp_advisor.health_unused_index_least = '1GB'",
    )?;
    expect_ok(&mut other, "unused_index")
}

fn foreign_keys(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_fk")?;
    client.batch_execute(
        "create schema \"S k\"; create table parent (a integer unique, b integer, c text unique,
            primary key (a, b));
        insert into parent select g, g, g from generate_series(1, 100) as g;
        create table \"S k\".\"C\" (\"X y\" integer references parent (a) on delete cascade,
            twice integer references parent (a), foreign key (twice) references parent (a),
            p integer, q integer, foreign key (p, q) references parent, word text references parent (c));
        insert into \"S k\".\"C\" select 1 + g % 100, 1 + g % 100, 1 + g % 100, 1 + g % 100, 1 + g % 100
            from generate_series(1, 20000) as g;
        create index other_collation on \"S k\".\"C\" (word collate \"POSIX\");
        create index not_first on \"S k\".\"C\" (q, \"X y\", p);
        create index partial on \"S k\".\"C\" (twice) where twice > 3;
        -- These have what they need.
        create table served (any_order integer, of_two integer, foreign key (of_two, any_order)
            references parent, partial integer references parent (a), hashed integer references
            parent (a), longer integer references parent (a));
        create index on served (any_order, of_two, partial);
        create index on served (partial) where partial is not null;
        create index on served using hash (hashed); create index on served (longer, hashed);
        insert into served select g, g, g, g, g from generate_series(1, 100) as g,
            generate_series(1, 200);
        create table small (a integer references parent (a));
        create table parts (k integer, a integer references parent (a)) partition by list (k);
        create table part_1 partition of parts for values in (1);
        create table part_2 partition of parts for values in (2);
        insert into parts select 1 + g % 2, 1 + g % 100 from generate_series(1, 120000) as g;
        analyze",
    )?;
    let found = findings(&mut client, "foreign_key_without_index")?;
    let parts = found.iter().find(|one| one.object == "public.parts").context("parts")?;
    ensure!(parts.remediation == "CREATE INDEX ON public.parts (a);", "{found:#?}");
    ensure!(parts.details["risk"] == "locks", "{found:#?}");
    let cascade = found.iter().find(|one| one.details["on_delete"] == "CASCADE");
    let cascade = cascade.context("cascade")?;
    ensure!(
        cascade.remediation == "CREATE INDEX CONCURRENTLY ON \"S k\".\"C\" (\"X y\");",
        "{found:#?}"
    );
    let child = "info \"S k\".\"C\"";
    expect_and_mend(
        &mut client,
        "foreign_key_without_index",
        &["warning public.parts", child, child, child, child],
    )?;
    // Where rows are deleted it matters at once.
    client.batch_execute(
        "drop index \"S k\".\"C_X y_idx\"; insert into parent values (1000, 1000, 1000);
        delete from parent where a = 1000; select pg_stat_force_next_flush()",
    )?;
    let mut other = fixture.cluster.connect("health_fk")?;
    let found = findings(&mut other, "foreign_key_without_index")?;
    ensure!(found.len() == 1 && found[0].severity == "warning", "{found:#?}");
    ensure!(found[0].message.contains("1 rows were deleted"), "{found:#?}");
    other.batch_execute("set mcp_advisor.health_foreign_key_without_index_least = 30000")?;
    expect_ok(&mut other, "foreign_key_without_index")
}
