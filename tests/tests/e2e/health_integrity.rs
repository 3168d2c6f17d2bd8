//! `mcp_health` on damage: a page that was overwritten, a library that sorts otherwise, a database
//! that is half dropped.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;

use advisor_tests::cluster::Cluster;
use anyhow::{Context, Result, ensure};

use crate::Case;
use crate::fixture::Fixture;
use crate::health::{expect_and_mend, expect_ok, findings, summary};
use crate::health_settings::{client, server};

pub(crate) const CASES: &[Case] = &[
    ("health_finds_a_damaged_page", checksums),
    ("health_finds_a_library_that_sorts_otherwise", collations),
    ("health_finds_a_database_that_is_half_dropped", invalid_database),
];

fn checksums(fixture: &Fixture) -> Result<()> {
    let mut cluster = Cluster::start_with_checksums("")?;
    let mut client = client(&cluster)?;
    expect_ok(&mut client, "checksums_off")?;
    ensure!(summary(&mut fixture.session()?, "checksums_off")? == ["info "]);
    client.batch_execute("create table t as select g from generate_series(1, 10) as g")?;
    client.batch_execute("checkpoint")?;
    expect_ok(&mut client, "checksum_failure")?;
    let sql = "select current_setting('data_directory') || '/' || pg_relation_filepath('t')";
    let path: String = client.query_one(sql, &[])?.try_get(0)?;
    drop(client);
    let file = OpenOptions::new().write(true).open(&path).with_context(|| path.clone())?;
    file.write_all_at(b"damage", 8000)?;
    // The page is read again.
    cluster.restart("")?;
    let mut client = self::client(&cluster)?;
    ensure!(client.query("select * from t", &[]).is_err());
    let found = findings(&mut client, "checksum_failure")?;
    ensure!(found.len() == 1 && found[0].severity == "critical", "{found:#?}");
    ensure!(found[0].object == "postgres" && found[0].value == Some(1.0), "{found:#?}");
    // From another database too.
    client.batch_execute("create database other")?;
    let mut other = cluster.connect("other")?;
    other.batch_execute("create extension mcp_advisor")?;
    ensure!(summary(&mut other, "checksum_failure")? == ["critical postgres"]);
    // What the message says: here the rows can be made again.
    client.batch_execute("drop table t; select pg_stat_reset()")?;
    expect_ok(&mut client, "checksum_failure")
}

fn collations(_: &Fixture) -> Result<()> {
    let (cluster, mut client) = server("")?;
    client.batch_execute(
        r#"create database "Co ll" template template0 locale_provider icu icu_locale 'en' locale 'C'"#,
    )?;
    let connect = |name: &str| -> Result<_> {
        let mut client = cluster.connect(name)?;
        client.batch_execute("create extension if not exists mcp_advisor")?;
        Ok(client)
    };
    let mut inside = connect("Co ll")?;
    inside.batch_execute(
        r#"create table t (a text collate "en-x-icu", b text, c text collate "de-x-icu",
            d text collate "C", exclude using btree (c with =));
        create index "I 1" on t (a); create index on t (lower(a)); create index on t (b);
        create index on t (d)"#,
    )?;
    expect_ok(&mut inside, "collation_version")?;
    // The library cannot be exchanged: what was recorded is changed instead. The collation fr is
    // used by nothing.
    inside.batch_execute(
        r#"update pg_collation set collversion = '1.1'
            where collname in ('en-x-icu', 'de-x-icu', 'fr-x-icu');
        update pg_database set datcollversion = '0.1' where datname = 'Co ll'"#,
    )?;
    // Seen from elsewhere, where it cannot be mended.
    let found = findings(&mut client, "collation_version")?;
    ensure!(found.len() == 1 && found[0].object == r#"database "Co ll""#, "{found:#?}");
    ensure!(found[0].remediation.is_empty(), "{found:#?}");
    ensure!(found[0].message.contains("while connected to it"), "{found:#?}");

    inside.batch_execute("set mcp_advisor.health_collation_version_most = 1")?;
    let found = findings(&mut inside, "collation_version")?;
    let en = found.iter().find(|one| one.object.contains("en-x-icu")).context("row")?;
    ensure!(en.value == Some(2.0) && en.remediation.starts_with("REINDEX DATABASE"), "{en:#?}");
    inside.batch_execute("reset mcp_advisor.health_collation_version_most")?;
    let files = "select string_agg(relname || relfilenode, ',' order by relname)
        from pg_class where oid = '\"I 1\"'::regclass or relname like 't\\_c%'";
    let before: String = inside.query_one(files, &[])?.try_get(0)?;
    expect_and_mend(
        &mut inside,
        "collation_version",
        &[
            r#"warning database "Co ll""#,
            r#"warning collation pg_catalog."en-x-icu""#,
            r#"warning collation pg_catalog."de-x-icu""#,
        ],
    )?;
    ensure!(inside.query_one(files, &[])?.get::<_, String>(0) != before, "nothing was rebuilt");
    expect_ok(&mut client, "collation_version")
}

fn invalid_database(_: &Fixture) -> Result<()> {
    let (_cluster, mut client) = server("")?;
    expect_ok(&mut client, "invalid_database")?;
    // As an interrupted DROP DATABASE leaves it; the moment itself cannot be hit.
    client.batch_execute(r#"create database "Ha lf""#)?;
    client.batch_execute("create database limited connection limit 0")?;
    client.batch_execute("update pg_database set datconnlimit = -2 where datname = 'Ha lf'")?;
    expect_and_mend(&mut client, "invalid_database", &[r#"warning "Ha lf""#])
}
