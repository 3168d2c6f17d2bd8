//! `mcp_schemas`, `mcp_objects` and `mcp_object` on real objects of every kind; what `mcp_object`
//! says of each is in `objects.rs`.

use std::collections::BTreeMap;

use advisor_sql::schema::KINDS;
use advisor_tests::cluster::server_version;
use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde_json::{Value, json};

use crate::Case;
use crate::fixture::{Fixture, answered, refused};
use crate::objects::{expect, object};

pub(crate) const CASES: &[Case] = &[
    ("schema_lists_the_objects_of_each_kind", lists_each_kind),
    ("schema_sizes_and_rows_are_those_of_the_server", sizes_and_rows),
    ("schema_says_what_is_missing", missing),
    ("schema_hides_nothing_but_statistics_from_a_plain_role", plain_role),
    ("schema_waits_for_no_lock_in_lists", no_locks),
    ("schema_is_not_led_astray_by_operators_of_others", operators_of_others),
    ("schema_works_in_a_read_only_transaction_without_an_id", read_only_without_id),
    ("schema_texts_are_prepared_by_the_server", texts_are_prepared),
];

const OBJECTS: &str = r#"
create schema app;
comment on schema app is 'what we sell';
create type app.mood as enum ('sad', 'ok', 'it''s fine');
create type app.pair as (a integer, b text[]);
create domain app.positive as integer not null default 1 check (value > 0);
create type app.span as range (subtype = float8);
create table app.customers (
    id integer generated always as identity primary key,
    email text unique not null,
    tags text[],
    feeling app.mood default 'ok',
    score app.positive,
    price numeric(10, 2) default 1.5 check (price > 0),
    twice numeric generated always as (price * 2) stored,
    note varchar(20) collate "C"
);
comment on table app.customers is 'who buys';
comment on column app.customers.email is 'login';
insert into app.customers (email, score) select 'u' || g, g from generate_series(1, 500) as g;
create index customers_lower on app.customers (lower(email), id desc) include (price) where id > 3;
create table app.orders (
    id bigserial,
    placed date not null,
    customer integer constraint bought_by references app.customers on delete cascade,
    primary key (id, placed)
) partition by range (placed);
create table app.orders_2024 partition of app.orders
    for values from ('2024-01-01') to ('2025-01-01');
create table app.orders_rest partition of app.orders default;
insert into app.orders (placed, customer)
    select date '2024-03-01' + g % 300, g from generate_series(1, 400) as g;
create view app.emails with (security_barrier) as select id, email from app.customers;
create materialized view app.totals as select count(*) as n from app.customers;
create unlogged table app.scratch (a integer);
alter table app.scratch enable row level security;
create policy own on app.scratch for select using (a > 0);
create sequence app.tickets as smallint increment 5 maxvalue 1000 cycle;
select nextval('app.tickets'), nextval('app.tickets');
create function app.area(side integer) returns integer language sql immutable strict
    as 'select side * side';
create function app.area(width float8, height float8 default 2) returns float8 language sql
    security definer as 'select width * height';
create procedure app.tidy() language plpgsql as 'begin end';
create aggregate app.total(integer) (sfunc = int4pl, stype = integer, initcond = '0');
create function app.stamp() returns trigger language plpgsql as 'begin return new; end';
create trigger stamped before insert on app.customers for each row execute function app.stamp();
analyze;
"#;

/// A database with the objects above.
pub(crate) fn database(fixture: &Fixture, name: &str) -> Result<Client> {
    let mut client = fixture.database(name, &["hypopg", "mcp_advisor"])?;
    client.batch_execute(OBJECTS)?;
    client.batch_execute("select mcp_schemas(); select hypopg()")?;
    Ok(client)
}

/// Names and details of a list.
pub(crate) fn list(
    client: &mut Client,
    schema: &str,
    kind: &str,
) -> Result<BTreeMap<String, String>> {
    let sql = format!(
        "select name, coalesce(details, ''), object_type, schema_name, owner
        from mcp_objects('{schema}', '{kind}')"
    );
    let mut found = BTreeMap::new();
    for row in answered(client, &sql)? {
        ensure!(row.try_get::<_, &str>(2)? == kind && row.try_get::<_, &str>(4)? == "postgres");
        ensure!(kind == "extension" || row.try_get::<_, &str>(3)? == schema);
        let (name, details): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        // Overloads: under the name with what tells them apart.
        let name = if found.contains_key(&name) { format!("{name}{details}") } else { name };
        found.insert(name, details);
    }
    Ok(found)
}

fn lists_each_kind(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "schema_kinds")?;
    let wanted: [(&str, &[(&str, &str)]); 9] = [
        (
            "table",
            &[
                ("customers", ""),
                ("orders", "partitioned by range (placed), 2 partitions"),
                ("scratch", "unlogged, row security"),
            ],
        ),
        ("view", &[("emails", "security_barrier=true")]),
        (
            "sequence",
            &[
                (
                    "customers_id_seq",
                    "integer, increment 1, last value 500, identity of app.customers.id",
                ),
                ("orders_id_seq", "bigint, increment 1, last value 400, owned by app.orders.id"),
                ("tickets", "smallint, increment 5, last value 6"),
            ],
        ),
        ("materialized view", &[("totals", "")]),
        (
            "partition",
            &[
                (
                    "orders_2024",
                    "partition of app.orders FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')",
                ),
                ("orders_rest", "partition of app.orders DEFAULT"),
            ],
        ),
        (
            "function",
            &[
                ("area", "(side integer) returns integer, sql, immutable"),
                (
                    "area(width double precision, height double precision DEFAULT 2) returns \
                     double precision, sql, volatile, security definer",
                    "(width double precision, height double precision DEFAULT 2) returns \
                     double precision, sql, volatile, security definer",
                ),
                ("stamp", "() returns trigger, plpgsql, volatile"),
                ("tidy", "(), procedure, plpgsql, volatile"),
                ("total", "(integer) returns integer, aggregate, internal, immutable"),
            ],
        ),
        (
            "type",
            &[
                ("mood", "enum: sad, ok, it's fine"),
                ("pair", "composite: a integer, b text[]"),
                ("positive", "domain over integer"),
                ("span", "range over double precision"),
                ("span_multirange", "multirange"),
            ],
        ),
        (
            "index",
            &[
                ("customers_email_key", "btree on app.customers (email), unique"),
                (
                    "customers_lower",
                    "btree on app.customers (expression, id) include (price), partial",
                ),
                ("customers_pkey", "btree on app.customers (id), primary key"),
                ("orders_2024_pkey", "btree on app.orders_2024 (id, placed), primary key"),
                ("orders_pkey", "btree on app.orders (id, placed), primary key"),
                ("orders_rest_pkey", "btree on app.orders_rest (id, placed), primary key"),
            ],
        ),
        (
            "extension",
            &[
                ("hypopg", "version 1.3.1, relocatable"),
                ("mcp_advisor", concat!("version ", env!("CARGO_PKG_VERSION"))),
                ("plpgsql", "version 1.0"),
            ],
        ),
    ];
    for (kind, objects) in wanted {
        let mut found = list(&mut client, "app", kind)?;
        if kind == "function" {
            // Constructors of the range type.
            found.retain(|name, _| !name.starts_with("span"));
        }
        if kind == "extension" {
            // Their versions are not what is tested.
            let names: Vec<_> = found.keys().map(String::as_str).collect();
            ensure!(names == ["hypopg", "mcp_advisor", "plpgsql"], "{found:?}");
            ensure!(found.values().all(|details| details.starts_with("version ")), "{found:?}");
            continue;
        }
        let objects: BTreeMap<String, String> = objects
            .iter()
            .map(|(name, details)| ((*name).to_owned(), (*details).to_owned()))
            .collect();
        ensure!(found == objects, "{kind}: {found:#?} instead of {objects:#?}");
    }
    let part = list(&mut client, "public", "function")?;
    ensure!(part["hypopg_reset"].ends_with("part of extension hypopg"), "{part:?}");
    Ok(())
}

fn sizes_and_rows(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "schema_sizes")?;
    let rows = answered(
        &mut client,
        "select o.name, o.size_bytes, o.rows_estimate,
            case o.name
                when 'orders' then (
                    select sum(pg_total_relation_size(p.relid))::bigint
                    from pg_partition_tree('app.orders') as p
                )
                else pg_total_relation_size(format('app.%I', o.name))
            end,
            case o.name when 'customers' then 500 when 'orders' then 400 when 'scratch' then 0 end
        from mcp_objects('app') as o",
    )?;
    ensure!(rows.len() == 3, "the default is tables: {rows:?}");
    for row in rows {
        let (size, wanted): (i64, i64) = (row.try_get(1)?, row.try_get(3)?);
        ensure!(size == wanted, "{}: {size} instead of {wanted}", row.try_get::<_, &str>(0)?);
        let (estimate, wanted): (i64, i32) = (row.try_get(2)?, row.try_get(4)?);
        ensure!(estimate == i64::from(wanted), "{estimate} rows instead of {wanted}");
    }
    let rows = answered(&mut client, "select * from mcp_schemas() where schema_name = 'app'")?;
    let size: i64 = rows[0].try_get("size_bytes")?;
    let sql = "select sum(pg_total_relation_size(oid))::bigint from pg_class
        where relnamespace = 'app'::regnamespace and relkind in ('r', 'm')";
    ensure!(size == answered(&mut client, sql)?[0].try_get::<_, i64>(0)?);
    ensure!(rows[0].try_get::<_, i64>("tables")? == 3);
    ensure!(rows[0].try_get::<_, &str>("schema_type")? == "User Schema");
    ensure!(rows[0].try_get::<_, &str>("description")? == "what we sell");
    let rows = answered(
        &mut client,
        "select schema_name, schema_type from mcp_schemas() where schema_name <> 'tests'",
    )?;
    let all: Vec<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let system = [
        ("app", "User Schema"),
        ("public", "User Schema"),
        ("pg_catalog", "System Schema"),
        ("pg_toast", "System Schema"),
        ("information_schema", "System Information Schema"),
    ];
    ensure!(all == system.map(|(a, b)| (a.to_owned(), b.to_owned())), "{all:?}");
    Ok(())
}

fn missing(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "schema_missing")?;
    for (sql, code, message, hint) in [
        (
            "select * from mcp_objects('App')",
            "3F000",
            "schema \"App\" does not exist",
            "app, public",
        ),
        ("select mcp_object('nope', 'orders')", "3F000", "schema \"nope\" does not exist", "app"),
        (
            "select * from mcp_objects('app', 'tables')",
            "22023",
            "\"tables\" is not a value of \"kind\"",
            "table, view, sequence, extension, materialized view, partition, function, type, index",
        ),
        (
            "select mcp_object('app', 'x', 'trigger')",
            "22023",
            "\"trigger\" is not a value of \"kind\"",
            "table, view",
        ),
        (
            "select mcp_object('app', 'Customers')",
            "42P01",
            "table \"app.Customers\" does not exist",
            "There is: table app.customers.",
        ),
        (
            "select mcp_object('app', 'orders', 'sequence')",
            "42P01",
            "sequence \"app.orders\" does not exist",
            "There is: table app.orders.",
        ),
        (
            "select mcp_object('public', 'area', 'function')",
            "42883",
            "function \"public.area\" does not exist",
            "There is: function app.area, ",
        ),
        (
            "select mcp_object('app', 'area(text)', 'function')",
            "42883",
            "function \"app.area(text)\" does not exist",
            "letter by letter",
        ),
        (
            "select mcp_object('app', 'nothing', 'type')",
            "42704",
            "type \"app.nothing\" does not exist",
            "letter by letter",
        ),
        (
            "select mcp_object('app', 'postgis', 'extension')",
            "42704",
            "extension \"app.postgis\" does not exist",
            "letter by letter",
        ),
    ] {
        let error = refused(&mut client, sql, code)?;
        ensure!(error.message() == message, "{sql}: {}", error.message());
        let found = error.hint().unwrap_or_default();
        ensure!(found.contains(hint), "{sql}: {found}");
    }
    for sql in [
        "select * from mcp_objects(null)",
        "select * from mcp_objects('app', null)",
        "select mcp_object(null, 'x')",
        "select mcp_object('app', null)",
        "select mcp_object('app', 'x', null)",
    ] {
        refused(&mut client, sql, "22004")?;
    }
    ensure!(answered(&mut client, "select * from mcp_objects('public', 'type')")?.is_empty());
    Ok(())
}

fn plain_role(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "schema_plain")?;
    client.batch_execute("create role schema_reader login")?;
    let mut reader = fixture.cluster.connect_as("schema_plain", "schema_reader")?;
    reader.batch_execute("select mcp_schemas(); select hypopg()")?;
    for kind in KINDS {
        let sql = format!("select * from mcp_objects('app', '{kind}')");
        ensure!(!answered(&mut reader, &sql)?.is_empty(), "{kind}");
    }
    let sequence = object(&mut reader, "app", "tickets", "sequence")?;
    expect(&sequence, &[("/last_value", Value::Null), ("/privileges", Value::Null)])?;
    let table = object(&mut reader, "app", "customers", "table")?;
    expect(
        &table,
        &[
            ("/columns/1/name", json!("email")),
            ("/columns/1/null_frac", Value::Null),
            ("/privileges", Value::Null),
        ],
    )
}

/// A table that is being altered, and an index that is being rebuilt, stop no list.
fn no_locks(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "schema_locked")?;
    let mut other = fixture.cluster.connect("schema_locked")?;
    other.batch_execute(
        "begin; lock table app.customers in access exclusive mode;
        alter index app.orders_2024_pkey set (fillfactor = 80);
        lock table app.orders_rest in access exclusive mode;
        alter sequence app.tickets cycle",
    )?;
    client.batch_execute("set statement_timeout = '20s'")?;
    for kind in KINDS {
        let sql = format!("select * from mcp_objects('app', '{kind}')");
        ensure!(!client.query(&sql, &[])?.is_empty(), "{kind}");
    }
    let sql = "select size_bytes from mcp_objects('app') where name = 'customers'";
    let size: i64 = client.query_one(sql, &[])?.try_get(0)?;
    ensure!(size > 0, "the size of the last ANALYZE");
    ensure!(!client.query("select * from mcp_schemas()", &[])?.is_empty());
    let tickets = &list(&mut client, "app", "sequence")?["tickets"];
    ensure!(tickets == "smallint, increment 5, last value not read: locked", "{tickets}");
    let sequence = object(&mut client, "app", "tickets", "sequence")?;
    expect(&sequence, &[("/locked", json!(true)), ("/last_value", Value::Null)])?;
    // One object's definition cannot be printed: an error soon, not a wait.
    let error = client.query("select mcp_object('app', 'customers')", &[]);
    let code = error.err().and_then(|error| error.code().cloned());
    ensure!(code.as_ref().map(|code| code.code()) == Some("55P03"), "{code:?}");
    Ok(other.batch_execute("rollback")?)
}

/// An operator and a function of another user come first in the caller's search path.
fn operators_of_others(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "schema_astray")?;
    client.batch_execute(
        "create schema trap;
        create function trap.never(name, text) returns boolean language plpgsql
            as 'begin raise exception ''trapped''; end';
        create function trap.never(\"char\", text) returns boolean language plpgsql
            as 'begin raise exception ''trapped''; end';
        create operator trap.= (leftarg = name, rightarg = text, function = trap.never);
        create operator trap.= (leftarg = \"char\", rightarg = text, function = trap.never);
        create function trap.lower(name) returns text language plpgsql
            as 'begin raise exception ''trapped''; end';
        set search_path = trap, pg_catalog, public",
    )?;
    for sql in [
        "select * from public.mcp_schemas()",
        "select * from public.mcp_objects('app', 'index')",
        "select public.mcp_object('app', 'customers')",
        "select * from public.mcp_health()",
    ] {
        let rows = client.query(sql, &[]).with_context(|| sql.to_owned())?;
        ensure!(!rows.is_empty(), "{sql}");
    }
    let path: String = client.query_one("show search_path", &[])?.try_get(0)?;
    ensure!(path == "trap, pg_catalog, public", "{path}");
    Ok(())
}

fn read_only_without_id(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "schema_reading")?;
    client.batch_execute("begin read only")?;
    for sql in [
        "select * from mcp_schemas()",
        "select * from mcp_objects('app')",
        "select mcp_object('app', 'customers')",
        "select * from mcp_health()",
    ] {
        ensure!(!client.query(sql, &[])?.is_empty(), "{sql}");
    }
    let id: Option<String> =
        client.query_one("select pg_current_xact_id_if_assigned()::text", &[])?.try_get(0)?;
    ensure!(id.is_none(), "transaction id {id:?}");
    Ok(client.batch_execute("commit")?)
}

/// Every text that the bridge would send is one statement that the server takes, as it stands and
/// between parentheses.
fn texts_are_prepared(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    client.batch_execute(&format!("set search_path = {}", advisor_sql::SEARCH_PATH))?;
    let version: String = client
        .query_one("select extversion from pg_extension where extname = 'pg_stat_statements'", &[])?
        .try_get(0)?;
    let mut texts = vec![
        advisor_sql::schema::SCHEMAS.to_owned(),
        advisor_sql::schema::OBJECTS.to_owned(),
        advisor_sql::schema::RELATIONS.to_owned(),
        advisor_sql::schema::NEAR_SCHEMAS.to_owned(),
        advisor_sql::schema::SIMILAR_OBJECTS.to_owned(),
        advisor_sql::top_queries("public", &version).context("top queries")?,
        advisor_sql::statements::baseline("public", &version).context("baseline")?,
        advisor_sql::statements::info("public", &version).context("info")?,
        advisor_sql::statements::FOUND.to_owned(),
        advisor_sql::statements::SETUP.to_owned(),
        advisor_sql::statements::RUNNING.to_owned(),
    ];
    texts.extend(KINDS.into_iter().filter_map(advisor_sql::schema::object).map(str::to_owned));
    let server = server_version()?;
    texts.extend(
        advisor_sql::health::checks().filter_map(|check| check.sql(server).ok()).map(str::to_owned),
    );
    for text in texts {
        let wrapped = format!("select pg_catalog.row_to_json(q.*)::text from (\n{text}\n) as q");
        for sql in [text, wrapped] {
            client.prepare(&sql).with_context(|| sql.chars().take(200).collect::<String>())?;
        }
    }
    Ok(())
}
