//! Installing the extension, bringing an older version up to date, dumping it, and taking it away.
//!
//! `tests/released` has the script of each version that was released, as it was then.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use postgres::Client;

use crate::Case;
use crate::fixture::Fixture;

pub(crate) const CASES: &[Case] = &[
    ("install_of_a_release_can_be_brought_up_to_date", updated),
    ("install_keeps_what_each_symbol_is_called_with", symbols),
    ("install_of_a_released_version_is_as_it_was_released", released_is_frozen),
    ("install_gives_everything_back", dropped),
    ("install_survives_dump_and_restore", dumped),
    ("install_is_for_superusers_and_stays_in_its_schema", refused),
];

/// A schema with a name as odd as one may be, so that nothing works because of where it usually is.
const SCHEMA: &str = "\"An advisor. Own\"";

/// A version, and the script that installs it.
fn releases() -> Result<Vec<(String, String)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("released");
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).context("a name")?;
        let version = name.strip_prefix("mcp_advisor--").and_then(|rest| rest.strip_suffix(".sql"));
        let version = version.with_context(|| format!("{name} is no script of a version"))?;
        found.push((version.to_owned(), fs::read_to_string(&path)?));
    }
    ensure!(!found.is_empty(), "no release in {}", folder.display());
    Ok(found)
}

/// The version that the control file has.
fn current(client: &mut Client) -> Result<String> {
    let sql = "select default_version from pg_available_extensions where name = 'mcp_advisor'";
    Ok(client.query_one(sql, &[])?.try_get(0)?)
}

/// A database with that version, in the odd schema.
fn install(fixture: &Fixture, database: &str, version: &str, script: &str) -> Result<Client> {
    let mut client = fixture.database(database, &["pg_stat_statements"])?;
    if version != current(&mut client)? {
        fixture.cluster.add_script(&format!("mcp_advisor--{version}.sql"), script)?;
    }
    client.batch_execute(&format!(
        "create schema {SCHEMA}; create extension mcp_advisor schema {SCHEMA} version '{version}'"
    ))?;
    Ok(client)
}

/// All that pg_dump tells of the extension's members when it is asked to take them apart, with their
/// comments and privileges. What only the test build has is left out.
fn members(fixture: &Fixture, database: &str) -> Result<BTreeSet<String>> {
    let dump = fixture
        .cluster
        .client("pg_dump")
        .args(["--binary-upgrade", "--schema-only", "--dbname", database])
        .output()?;
    ensure!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    let text = String::from_utf8(dump.stdout)?;
    let own = |entry: &&str| !entry.contains("Schema: tests;") && !entry.contains("SCHEMA tests;");
    let mut found: BTreeSet<String> =
        text.split("\n--\n-- ").filter(own).map(without_numbers).collect();
    ensure!(found.len() > 50, "{} members", found.len());
    let sql = "select extconfig::regclass[]::text from pg_extension where extname = 'mcp_advisor'";
    found.insert(fixture.cluster.connect(database)?.query_one(sql, &[])?.try_get(0)?);
    Ok(found)
}

/// Without numbers of objects, which no two databases have alike.
fn without_numbers(entry: &str) -> String {
    const NUMBERED: [&str; 5] =
        ["binary_upgrade_set_next", "relfrozenxid", "WHERE oid = '", "\\restrict", "\\unrestrict"];
    let kept =
        |line: &&str| !line.starts_with("SET ") && !NUMBERED.iter().any(|part| line.contains(part));
    let text = entry.lines().filter(kept).collect::<Vec<_>>().join("\n").trim_end().to_owned();
    // The tables whose rows are dumped, which are asked for by name.
    match text.split_once("create_empty_extension(") {
        Some((head, rest)) => {
            let named = |part: &&str| !part.contains("'{");
            format!("{head}{}", rest.split(", ").filter(named).collect::<Vec<_>>().join(", "))
        }
        None => text,
    }
}

fn same(what: &str, found: &BTreeSet<String>, wanted: &BTreeSet<String>) -> Result<()> {
    let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| {
        a.difference(b).cloned().collect::<Vec<_>>().join("\n")
    };
    ensure!(
        found == wanted,
        "{what}: it has, and should not have:\n{}\nit lacks:\n{}",
        only(found, wanted),
        only(wanted, found)
    );
    Ok(())
}

/// What is remembered, and that somebody was given something.
const KEPT: &str = "select string_agg(a::text, '|' order by a.id)
        || (select proacl::text from pg_proc where proname = 'mcp_guard')
    from mcp_advice as a";

fn updated(fixture: &Fixture) -> Result<()> {
    let mut fresh = fixture.database("install_fresh", &["pg_stat_statements"])?;
    let version = current(&mut fresh)?;
    fresh.batch_execute(&format!(
        "create schema {SCHEMA}; create extension mcp_advisor schema {SCHEMA}"
    ))?;
    let wanted = members(fixture, "install_fresh")?;
    fresh.batch_execute("create role install_guest; create role install_other")?;
    for (old, script) in releases()?.into_iter().filter(|(old, _)| *old != version) {
        let database = format!("install_from_{old}");
        let mut client = install(fixture, &database, &old, &script)?;
        client.batch_execute(&format!(
            "set search_path = {SCHEMA}, public;
            create table public.t as select g as a from generate_series(1, 10000) as g;
            set mcp_advisor.remember = on;
            select mcp_advise_indexes(array['select * from public.t where a = 5']);
            revoke execute on function mcp_guard from public;
            grant execute on function mcp_guard to install_guest"
        ))?;
        let before: String = client.query_one(KEPT, &[])?.try_get(0)?;
        client.batch_execute("alter extension mcp_advisor update")?;
        ensure!(client.query_one(KEPT, &[])?.try_get::<_, String>(0)? == before, "{old}");
        client.batch_execute(
            "grant execute on function mcp_guard to public;
            revoke execute on function mcp_guard from install_guest; drop table public.t",
        )?;
        same(&old, &members(fixture, &database)?, &wanted)?;
        // It works, for sessions that knew the old one and for new ones.
        for mut client in [client, fixture.cluster.connect(&database)?] {
            let sql = format!("select count(*) from {SCHEMA}.mcp_health('{{index}}')");
            ensure!(client.query_one(&sql, &[])?.try_get::<_, i64>(0)? > 5);
        }
    }
    Ok(())
}

/// What the C function behind each of the extension's functions is called with and gives back.
fn called_with(client: &mut Client) -> Result<BTreeMap<String, String>> {
    let sql =
        "select p.prosrc, concat_ws(' ', p.proargtypes::regtype[], p.proallargtypes::regtype[],
            p.proargmodes, p.proretset, p.prorettype::regtype, p.proisstrict)
        from pg_proc as p
        join pg_depend as d
            on d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
        join pg_extension as e
            on d.refobjid = e.oid and e.extname = 'mcp_advisor'
        join pg_language as l
            on l.oid = p.prolang and l.lanname = 'c'";
    let rows = client.query(sql, &[])?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// Between the installation of new files and ALTER EXTENSION UPDATE, the old declarations call the new
/// library. A symbol that takes or gives something else then would read beyond what it was given: it
/// has to get another name, and the old one has to stay.
fn symbols(fixture: &Fixture) -> Result<()> {
    let mut fresh = fixture.database("install_symbols", &["mcp_advisor"])?;
    let version = current(&mut fresh)?;
    let now = called_with(&mut fresh)?;
    ensure!(now.len() > 30, "{now:#?}");
    for (old, script) in releases()?.into_iter().filter(|(old, _)| *old != version) {
        // Creating it looks each symbol up.
        let mut client = install(fixture, &format!("install_symbols_{old}"), &old, &script)?;
        for (symbol, usage) in called_with(&mut client)? {
            if let Some(found) = now.get(&symbol) {
                ensure!(*found == usage, "{symbol} was called with {usage}, and now {found}");
            }
        }
    }
    Ok(())
}

/// What users have installed cannot change under the same number.
fn released_is_frozen(fixture: &Fixture) -> Result<()> {
    let mut fresh = fixture.database("install_now", &[])?;
    let version = current(&mut fresh)?;
    let Some((_, script)) = releases()?.into_iter().find(|(one, _)| *one == version) else {
        return Ok(());
    };
    fixture.cluster.add_script("mcp_advisor--released.sql", &script)?;
    fresh.batch_execute("create extension mcp_advisor")?;
    fixture
        .database("install_then", &[])?
        .batch_execute("create extension mcp_advisor version 'released'")?;
    let (now, then) = (members(fixture, "install_now")?, members(fixture, "install_then")?);
    same("a change of the SQL needs another version", &now, &then)
}

fn dropped(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("install_dropped", &[])?;
    let count = |client: &mut Client| -> Result<Vec<(String, i64)>> {
        let catalogs = "select c.oid::regclass::text from pg_class as c
            where c.relnamespace = 'pg_catalog'::regnamespace and c.relkind = 'r' and not c.relisshared
                and c.relname !~ '^pg_(statistic|stat)' order by 1";
        let mut counts = Vec::new();
        for row in client.query(catalogs, &[])? {
            let catalog: String = row.try_get(0)?;
            let rows = client.query_one(&format!("select count(*) from {catalog}"), &[])?;
            counts.push((catalog, rows.try_get(0)?));
        }
        Ok(counts)
    };
    let before = count(&mut client)?;
    client.batch_execute(
        "create extension mcp_advisor; set mcp_advisor.remember = on;
        create table t as select g as a from generate_series(1, 10000) as g;
        select mcp_advise_indexes(array['select * from t where a = 5']);
        drop extension mcp_advisor; drop table t",
    )?;
    let after = count(&mut client)?;
    let differ: Vec<_> = before.iter().zip(&after).filter(|(a, b)| a != b).collect();
    ensure!(differ.is_empty(), "{differ:?}");
    // What depends on it is named, and goes only when that is asked for.
    client.batch_execute(
        "create extension mcp_advisor; create view unwell as select * from mcp_health()",
    )?;
    let error = client.batch_execute("drop extension mcp_advisor").err().context("dropped")?;
    ensure!(error.code().is_some_and(|code| code.code() == "2BP01"), "{error}");
    client.batch_execute("drop extension mcp_advisor cascade")?;
    ensure!(client.query("select from pg_class where relname = 'unwell'", &[])?.is_empty());
    Ok(())
}

fn dumped(fixture: &Fixture) -> Result<()> {
    let version = current(&mut fixture.session()?)?;
    let mut client = install(fixture, "install_dumped", &version, "")?;
    client.batch_execute(&format!(
        "create role install_reader; set search_path = {SCHEMA};
        revoke execute on function mcp_guard from public;
        grant execute on function mcp_guard to install_reader;
        grant select, insert, update on mcp_advice, mcp_advice_statement to install_reader;
        create view public.unwell as select * from mcp_health('{{index}}')"
    ))?;
    let file = fixture.cluster.socket_dir().join("install.dump");
    let dump = fixture
        .cluster
        .client("pg_dump")
        .args(["--format=custom", "--file"])
        .arg(&file)
        .arg("install_dumped")
        .output()?;
    ensure!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    let mut restored = fixture.database("install_restored", &[])?;
    let restore = fixture
        .cluster
        .client("pg_restore")
        .args(["--exit-on-error", "--dbname", "install_restored"])
        .arg(&file)
        .output()?;
    ensure!(restore.status.success(), "{}", String::from_utf8_lossy(&restore.stderr));
    let (found, wanted) =
        (members(fixture, "install_restored")?, members(fixture, "install_dumped")?);
    same("restored", &found, &wanted)?;
    restored.query("select * from unwell", &[])?;
    Ok(())
}

fn refused(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("install_refused", &[])?;
    client.batch_execute("create role install_owner login; grant create on database install_refused to install_owner")?;
    let mut owner = fixture.cluster.connect_as("install_refused", "install_owner")?;
    for (client, sql, code) in [
        (&mut owner, "create extension mcp_advisor", "42501"),
        (
            &mut client,
            "create extension mcp_advisor; create schema s; alter extension mcp_advisor set schema s",
            "0A000",
        ),
    ] {
        match client.batch_execute(sql) {
            Ok(()) => bail!("{sql} went through"),
            Err(error) => {
                ensure!(error.code().is_some_and(|found| found.code() == code), "{sql}: {error}");
            }
        }
    }
    Ok(())
}
