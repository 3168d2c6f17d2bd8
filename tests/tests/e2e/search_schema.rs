//! `mcp_search_schema`: what somebody means who knows words and not names.

use anyhow::{Context, Result, ensure};
use postgres::Client;

use crate::Case;
use crate::fixture::{Fixture, answered, refused};
use crate::health_anywhere::expect_golden;

pub(crate) const CASES: &[Case] = &[
    ("search_schema_finds_what_is_meant", finds),
    ("search_schema_leaves_out_what_is_not_the_users", leaves_out),
    ("search_schema_shows_anybody_what_the_catalog_shows", anybody),
    ("search_schema_checks_its_arguments", arguments),
];

const OBJECTS: &str = r#"
create schema travel;
comment on schema travel is 'bookings of an airline';
create type travel.flight_status as enum ('scheduled', 'delayed', 'cancelled');
create table travel.flights (
    flight_id integer primary key, "scheduledArrival" timestamptz, actual_arrival timestamptz,
    arrival_airport char(3), status travel.flight_status, fare numeric(10, 2) check (fare > 0)
);
comment on column travel.flights.actual_arrival is 'when the aircraft was at the gate';
create table travel.aircrafts (code char(3) primary key, model text);
create table travel.boarding (ticket text, eta timestamptz);
comment on table travel.boarding is 'who got into which flight';
comment on column travel.boarding.eta is 'time of arrival';
create table travel.addresses (id integer primary key, line text);
create table travel.addresses_archive (id integer, line text);
create index flights_arrival_idx on travel.flights (actual_arrival);
create view travel.late_flights as select flight_id from travel.flights;
create materialized view travel.gates as select 1 as gate;
create function travel.flight_delay(integer) returns interval language sql as 'select null::interval';
comment on function travel.flight_delay is 'how late a flight was';
create procedure travel.cancel(integer) language plpgsql as 'begin end';
create sequence travel.ticket_numbers;
create table travel.seats (id serial, area text) partition by range (id);
create table travel.seats_1 partition of travel.seats for values from (1) to (9);
create table travel."Größe ""x""" ("Straße" text);
insert into travel.addresses_archive select g, 'x' from generate_series(1, 1000) as g;
analyze;
"#;

fn database(fixture: &Fixture, name: &str) -> Result<Client> {
    let mut client = fixture.database(name, &["hypopg", "mcp_advisor"])?;
    client.batch_execute(OBJECTS)?;
    client.batch_execute("select mcp_schemas(); select hypopg()")?;
    Ok(client)
}

/// One line a find.
fn search(client: &mut Client, words: &str, most: i32) -> Result<Vec<String>> {
    let sql = format!(
        "select rank, kind, concat_ws('.', schema_name, object_name, column_name), details, matched
        from mcp_search_schema('{words}', {most})"
    );
    let mut lines = Vec::new();
    for (number, row) in answered(client, &sql)?.iter().enumerate() {
        ensure!(usize::try_from(row.try_get::<_, i32>(0)?)? == number + 1);
        let details: Option<&str> = row.try_get(3)?;
        lines.push(format!(
            "{} {} [{}] {}",
            row.try_get::<_, &str>(1)?,
            row.try_get::<_, &str>(2)?,
            details.unwrap_or_default(),
            row.try_get::<_, &str>(4)?
        ));
    }
    Ok(lines)
}

fn finds(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "search_schema_finds")?;
    let mut text = String::new();
    for words in [
        "flight arrival",
        "fligth arival",
        "when was the aircraft at the gate",
        "address",
        "cancelled",
        "delay",
        "fare",
        "ticket number",
        "strasse straße",
        "airline",
        "seat",
        "nothing like it whatsoever",
    ] {
        text.push_str(&format!("== {words}\n"));
        for line in search(&mut client, words, 6)? {
            text.push_str(&format!("{line}\n"));
        }
    }
    expect_golden("search_schema.txt", &text)
}

fn leaves_out(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "search_schema_leaves")?;
    for words in ["pg_class", "hypopg", "mcp_health", "seats_1_pkey", "information_schema tables"] {
        let found = search(&mut client, words, 50)?;
        let foreign = |line: &String| {
            ["pg_catalog", "public.", "seats_1", "information_schema."]
                .iter()
                .any(|name| line.contains(name))
        };
        let is_schema = |line: &&String| line.starts_with("schema public.public");
        let found: Vec<_> = found.iter().filter(|line| !is_schema(line)).collect();
        ensure!(!found.iter().any(|line| foreign(line)), "{words}: {found:#?}");
    }
    Ok(())
}

/// The catalog is readable by all, and so are names, comments and values of enums.
fn anybody(fixture: &Fixture) -> Result<()> {
    let mut owner = database(fixture, "search_schema_anybody")?;
    let all = search(&mut owner, "flight status delayed", 50)?;
    owner.batch_execute("create role search_nobody login")?;
    let mut nobody = fixture.cluster.connect_as("search_schema_anybody", "search_nobody")?;
    nobody.batch_execute("select mcp_schemas(); select hypopg()")?;
    let some = search(&mut nobody, "flight status delayed", 50)?;
    ensure!(some == all && !all.is_empty(), "{some:#?}");
    drop(nobody);
    owner.batch_execute("drop role search_nobody")?;
    Ok(())
}

fn arguments(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "search_schema_arguments")?;
    for (arguments, code, message) in [
        ("null", "22004", "\"search\" must not be null"),
        ("''", "22023", "search must have a word"),
        ("' _;-'' '", "22023", "search must have a word"),
        ("'x', 0", "22023", "max_rows must be from 1 to 10000"),
        ("'x', null", "22004", "\"max_rows\" must not be null"),
    ] {
        let error = refused(&mut client, &format!("select mcp_search_schema({arguments})"), code)?;
        ensure!(error.message() == message, "{}", error.message());
    }
    ensure!(search(&mut client, "flight", 1)?.len() == 1);
    Ok(())
}

/// A coarse bound on the work.
pub(crate) fn among_many(client: &mut Client) -> Result<()> {
    for words in ["entity 4711", "created at", "zebra crossing"] {
        let started = std::time::Instant::now();
        let sql = format!("select object_name from mcp_search_schema('{words}', 1000)");
        let rows = answered(client, &sql)?;
        eprintln!("search for {words} among 10,010 tables: {:?}", started.elapsed());
        match words {
            "zebra crossing" => ensure!(rows.is_empty()),
            "entity 4711" => {
                let first = rows.first().context("no row")?;
                ensure!(first.try_get::<_, &str>(0)? == "entity_4711");
            }
            _ => ensure!(rows.len() == 1000),
        }
    }
    Ok(())
}
