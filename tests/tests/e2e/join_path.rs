//! `mcp_join_path`: every path that it gives runs, and joins what it says.

use std::sync::{Arc, Mutex};

use advisor_tests::cluster::server_version;
use anyhow::{Context, Result, ensure};
use postgres::{Client, Config, NoTls};

use crate::Case;
use crate::fixture::{Fixture, answered, refused};
use crate::health_anywhere::expect_golden;
use crate::relate::database;
use crate::{overview, search_schema};

pub(crate) const CASES: &[Case] = &[
    ("join_path_gives_clauses_that_run", clauses_run),
    ("join_path_reads_names_as_the_server_does", names),
    ("join_path_says_why_there_is_none", no_path),
    ("join_path_says_what_is_wrong", wrong),
    ("map_of_ten_thousand_tables", many_tables),
];

struct Path {
    tables: Vec<String>,
    conditions: Vec<String>,
    from_clause: String,
    multiplies: bool,
    declared: bool,
    notes: Vec<String>,
}

fn paths(client: &mut Client, arguments: &str) -> Result<Vec<Path>> {
    let sql = format!("select * from mcp_join_path({arguments})");
    let mut paths = Vec::new();
    for (number, row) in answered(client, &sql)?.iter().enumerate() {
        let path = Path {
            tables: row.try_get(2)?,
            conditions: row.try_get(3)?,
            from_clause: row.try_get(4)?,
            multiplies: row.try_get(5)?,
            declared: row.try_get(6)?,
            notes: row.try_get(7)?,
        };
        let (place, hops): (i32, i32) = (row.try_get(0)?, row.try_get(1)?);
        ensure!(usize::try_from(place)? == number + 1);
        ensure!(usize::try_from(hops)? == path.conditions.len());
        ensure!(path.tables.len() == path.conditions.len() + 1);
        // Runs as it is.
        client
            .batch_execute(&format!("select count(*) {}", path.from_clause))
            .with_context(|| path.from_clause.clone())?;
        paths.push(path);
    }
    Ok(paths)
}

fn clauses_run(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "join_path_clauses")?;
    let mut text = String::new();
    for arguments in [
        // A composite key, the child first and last; partitioned.
        "'app.lines', 'app.orders'",
        "'app.customers', 'app.lines'",
        // Two keys to the same table.
        "'app.orders', 'app.addresses', 2",
        // A self reference, and a table that only shares something with itself.
        "'app.customers', 'app.customers'",
        "'app.addresses', 'app.addresses', 1",
        // A junction, a cycle, one-to-one.
        "'app.products', 'app.tags', 1",
        "'app.people', 'app.teams'",
        "'app.customers', 'app.profiles', 1",
        // Concluded.
        "'app.lines', 'app.products', 1",
        // A partition, by its own name.
        "'app.orders_2024', 'app.customers', 1",
        "'app.countries', 'app.orders_rest', 1",
        // Odd names.
        r#"'"My Schema"."a.b""c"', '"My Schema"."Order"'"#,
    ] {
        text.push_str(&format!("== {arguments}\n"));
        for path in paths(&mut client, arguments)? {
            let is = |word: &'static str, is: bool| if is { word } else { "" };
            text.push_str(&format!(
                "{}{}{}\n{}\n",
                path.tables.join(" - "),
                is(", multiplies", path.multiplies),
                is(", declared", path.declared),
                path.from_clause
            ));
            path.notes.iter().for_each(|note| text.push_str(&format!("  {note}\n")));
        }
    }
    expect_golden("join_paths.txt", &text)?;
    // Those who may read nothing get the same but what statistics tell.
    client.batch_execute("create role join_path_nobody; set role join_path_nobody")?;
    let sql = "select from_clause from mcp_join_path('app.customers', 'app.lines')";
    let error = refused(&mut client, sql, "42501")?;
    ensure!(error.message().contains("schema app"), "{error:?}");
    client.batch_execute("reset role; grant usage on schema app to join_path_nobody")?;
    client.batch_execute("set role join_path_nobody")?;
    let found = answered(&mut client, sql)?;
    ensure!(found.len() == 3, "{} paths", found.len());
    client
        .batch_execute("reset role; drop owned by join_path_nobody; drop role join_path_nobody")?;
    Ok(())
}

fn names(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "join_path_names")?;
    client.batch_execute("set search_path = app, \"My Schema\", public")?;
    let found = paths(&mut client, "'Lines', ' ORDERS ', 1")?;
    ensure!(found[0].tables == ["app.lines", "app.orders"], "{:?}", found[0].tables);
    let found =
        paths(&mut client, r#"max_paths => 1, to_table => 'a.b"c', from_table => '"Order"'"#);
    ensure!(found.is_err(), "an unbalanced quote");
    let found =
        paths(&mut client, r#"max_paths => 1, to_table => '"a.b""c"', from_table => '"Order"'"#)?;
    ensure!(found[0].tables[0] == r#""My Schema"."Order""#, "{:?}", found[0].tables);
    Ok(())
}

/// A session whose notices are kept.
fn listening(fixture: &Fixture, database: &str) -> Result<(Client, Arc<Mutex<Vec<String>>>)> {
    let notices = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&notices);
    let client = Config::new()
        .host_path(fixture.cluster.socket_dir())
        .dbname(database)
        .user("postgres")
        .notice_callback(move |notice| {
            if let Ok(mut kept) = kept.lock() {
                kept.push(notice.message().to_owned());
            }
        })
        .connect(NoTls)?;
    Ok((client, notices))
}

fn no_path(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "join_path_none")?;
    client.batch_execute("create table alone (a integer)")?;
    let (mut client, notices) = listening(fixture, "join_path_none")?;
    for (arguments, expected) in [
        (
            "'alone', 'app.orders'",
            "public.alone has no foreign key, is referenced by none, and none is inferred",
        ),
        ("'app.countries', 'app.countries'", "app.countries has no relationship with itself"),
        (
            "'app.teams', 'app.orders'",
            "no chain of up to 8 joins leads from app.teams to app.orders",
        ),
        ("'pg_class', 'app.orders'", "system tables have no relationships that are known"),
    ] {
        let rows = client.query(&format!("select * from mcp_join_path({arguments})"), &[])?;
        ensure!(rows.is_empty(), "{arguments}");
        let said = std::mem::take(&mut *notices.lock().map_err(|_| anyhow::anyhow!("lock"))?);
        ensure!(said == [expected], "{arguments}: {said:?}");
    }
    Ok(())
}

fn wrong(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "join_path_wrong")?;
    client.batch_execute(
        "create view app.seen as select o.id, c.country from app.orders as o
            join app.customers as c on c.id = o.customer_id;
        create sequence app.tickets",
    )?;
    // From 16 on the look-up of a name is silent, and what takes it apart speaks.
    let (bad, words) = match server_version()? {
        160_000.. => ("22023", "string is not a valid identifier"),
        _ => ("42602", "invalid name syntax"),
    };
    for (arguments, code, message, hint) in [
        ("'app.seen', 'app.orders'", "42809", "app.seen is a view", "app.customers, app.orders"),
        ("'app.orders', 'app.tickets'", "42809", "app.tickets is a sequence", ""),
        ("'app.orders', 'app.orders_pkey'", "42809", "app.orders_pkey is an index", ""),
        ("'orders', 'app.lines'", "42P01", "table \"orders\" does not exist", "table app.orders"),
        ("'app.Lines2', 'app.lines'", "42P01", "table \"app.Lines2\" does", "mcp_search_schema"),
        ("'nowhere.lines', 'app.lines'", "42P01", "table \"nowhere.lines\"", "table app.lines"),
        ("'a b', 'app.lines'", bad, words, ""),
        ("'', 'app.lines'", bad, words, ""),
        ("null, 'app.lines'", "22004", "\"from_table\" must not be null", ""),
        ("'app.lines', 'app.lines', 0", "22023", "max_paths must be from 1 to 100", ""),
        ("'app.lines', 'app.lines', 101", "22023", "max_paths must be from 1 to 100", ""),
    ] {
        let error = refused(&mut client, &format!("select mcp_join_path({arguments})"), code)?;
        ensure!(error.message().contains(message), "{}", error.message());
        ensure!(error.hint().unwrap_or_default().contains(hint), "{arguments}: {:?}", error.hint());
    }
    Ok(())
}

/// Makes `count` tables of a ring, each with a reference to the next and to one of ten hubs.
fn ring(client: &mut Client, count: usize) -> Result<()> {
    client.batch_execute(
        "create schema many;
        do $$ begin
            for n in 0..9 loop
                execute format('create table many.hub_%s (id integer primary key)', n);
            end loop;
        end $$",
    )?;
    // In several transactions: one has no room for the locks.
    for first in (0..count).step_by(500) {
        client.batch_execute(&format!(
            "do $$ begin
                for n in {first}..{} loop
                    execute format(
                        'create table many.entity_%s (id integer primary key, hub_%s_id integer,
                        entity_%s_id integer, created_at timestamptz, label text)',
                        n, n % 10, (n + 1) % {count}
                    );
                end loop;
            end $$",
            (first + 499).min(count - 1)
        ))?;
    }
    Ok(())
}

/// A coarse bound on the work: nothing here may be quadratic.
fn many_tables(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("join_path_many", &["hypopg", "mcp_advisor"])?;
    ring(&mut client, 10_000)?;
    client
        .batch_execute("select mcp_schemas(); select hypopg(); set statement_timeout = '300s'")?;
    let started = std::time::Instant::now();
    let sql = "select hops, from_clause from mcp_join_path('many.entity_17', 'many.entity_4717')";
    let rows = answered(&mut client, sql)?;
    eprintln!("mcp_join_path among 10,010 tables: {:?}", started.elapsed());
    let hops: Vec<i32> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    ensure!(hops.first() == Some(&2), "{hops:?}");
    let clause: String = rows[0].try_get(1)?;
    ensure!(clause.contains("many.hub_7"), "{clause}");
    let started = std::time::Instant::now();
    let rows = answered(&mut client, "select count(*) from mcp_relationships('many')")?;
    eprintln!("mcp_relationships of 10,010 tables: {:?}", started.elapsed());
    ensure!(rows[0].try_get::<_, i64>(0)? == 20_000);
    search_schema::among_many(&mut client)?;
    overview::among_many(&mut client)
}
