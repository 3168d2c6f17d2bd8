//! `mcp_relationships` on foreign keys of every form, on names that look like one, and on names
//! that nearly do.

use anyhow::{Result, ensure};
use postgres::{Client, Row};

use crate::Case;
use crate::fixture::{Fixture, answered, refused};
use crate::health_anywhere::expect_golden;

pub(crate) const CASES: &[Case] = &[
    ("relate_lists_every_form_of_relationship", every_form),
    ("relate_concludes_only_what_it_may_read", by_privileges),
    ("relate_is_not_taken_in_by_near_misses", near_misses),
    ("relate_checks_its_argument", arguments),
];

const OBJECTS: &str = r#"
create schema app;
create table app.countries (code text primary key, name text);
create table app.customers (
    id integer generated always as identity primary key,
    country text not null references app.countries on update cascade,
    referred_by integer references app.customers on delete set null,
    parent_id integer
);
create index on app.customers (country);
create table app.addresses (id integer primary key, customer_id integer not null);
create table app.orders (
    id bigint generated always as identity,
    placed date not null,
    customer_id integer not null references app.customers on delete cascade,
    billing_address integer references app.addresses deferrable,
    shipping_address integer references app.addresses deferrable initially deferred,
    primary key (id, placed)
) partition by range (placed);
create index on app.orders (customer_id);
create table app.orders_2024 partition of app.orders
    for values from ('2024-01-01') to ('2025-01-01');
create table app.orders_rest partition of app.orders default;
create table app.lines (
    order_id bigint, placed date, line smallint, product_id integer not null,
    primary key (order_id, placed, line),
    constraint of_order foreign key (order_id, placed) references app.orders (id, placed)
);
create table app.products (id integer primary key, made_by integer);
create table app.tags (id integer primary key, name text unique);
create table app.product_tags (
    product_id integer references app.products, tag_id integer references app.tags,
    primary key (tag_id, product_id)
);
create table app.profiles (customer_id integer primary key references app.customers, bio text);
create table app.special_customers (discount integer) inherits (app.customers);
-- A cycle.
create table app.teams (id integer primary key, leader integer not null);
create table app.people (id integer primary key, team integer references app.teams);
alter table app.teams add constraint led_by foreign key (leader) references app.people not valid;
-- Odd names.
create schema "My Schema";
create table "My Schema"."Order" ("Key" integer primary key, "select" text);
create table "My Schema"."a.b""c" (
    "order Key" integer constraint "it's" references "My Schema"."Order", "OrderKey" integer
);
insert into app.countries values ('de'), ('fr');
insert into app.customers (country) select 'de' from generate_series(1, 500);
insert into app.addresses select g, 1 + g % 500 from generate_series(1, 700) as g;
insert into app.products select g, g % 7 from generate_series(1, 100) as g;
insert into app.orders (placed, customer_id) select date '2024-05-01' + g % 400, g
    from generate_series(1, 300) as g;
insert into app.lines select o.id, o.placed, 1, 1 + o.id % 100 from app.orders as o;
analyze;
"#;

/// A database with the objects above.
pub(crate) fn database(fixture: &Fixture, name: &str) -> Result<Client> {
    let mut client = fixture.database(name, &["hypopg", "mcp_advisor"])?;
    client.batch_execute(OBJECTS)?;
    client.batch_execute("select mcp_relationships(); select hypopg()")?;
    Ok(client)
}

/// One line a relationship.
fn line(row: &Row) -> Result<String> {
    let text = |n: usize| row.try_get::<_, Option<String>>(n).map(Option::unwrap_or_default);
    let columns = |n: usize| -> Result<String> {
        let names: Option<Vec<String>> = row.try_get(n)?;
        Ok(names.map(|names| format!("({})", names.join(", "))).unwrap_or_default())
    };
    let mut line =
        format!("{}: {}{} -> {}{}", text(0)?, text(1)?, columns(2)?, text(3)?, columns(4)?);
    for n in [5, 6] {
        line.push_str(&format!(" {}", text(n)?));
    }
    for (n, word) in [(7, "optional"), (8, "indexed"), (9, "self"), (13, "valid")] {
        if let Some(is) = row.try_get::<_, Option<bool>>(n)? {
            line.push_str(&format!(" {}{word}", if is { "" } else { "not-" }));
        }
    }
    for n in [10, 11, 12, 14] {
        if let Some(more) = row.try_get::<_, Option<String>>(n)? {
            line.push_str(&format!("; {more}"));
        }
    }
    Ok(line)
}

fn lines(client: &mut Client, arguments: &str) -> Result<Vec<String>> {
    let sql = format!("select * from mcp_relationships({arguments})");
    answered(client, &sql)?.iter().map(line).collect()
}

fn every_form(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "relate_forms")?;
    let all = lines(&mut client, "")?;
    expect_golden("relationships.txt", &(all.join("\n") + "\n"))?;
    let some = lines(&mut client, "'My Schema'")?;
    let own: Vec<_> = all.iter().filter(|line| line.contains("My Schema")).cloned().collect();
    ensure!(some == own && !own.is_empty(), "{some:#?}");
    Ok(())
}

fn inferred(client: &mut Client) -> Result<Vec<(String, String)>> {
    let sql = "select format('%s.%s', from_table, from_columns[1]), evidence
        from mcp_relationships() where kind = 'inferred'";
    let rows = answered(client, sql)?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// A role that may read nothing sees what names say, and no value of what it may not read.
fn by_privileges(fixture: &Fixture) -> Result<()> {
    const ROLE: &str = "relate_nobody";
    let mut owner = database(fixture, "relate_privileges")?;
    owner.batch_execute(
        "create table app.notes (id integer primary key, billing_customer_id integer);
        insert into app.notes select g, 1 + g % 400 from generate_series(1, 500) as g;
        create table app.far (id integer primary key, customer_id integer);
        insert into app.far select g, 100000 + g from generate_series(1, 500) as g;
        analyze app.notes, app.far;
        create role relate_nobody login",
    )?;
    let all = inferred(&mut owner)?;
    let evidence = |all: &[(String, String)], column: &str| {
        all.iter().find(|(name, _)| name == column).map(|(_, evidence)| evidence.clone())
    };
    let line = evidence(&all, "app.addresses.customer_id").unwrap_or_default();
    ensure!(line.contains("its values (1 to 500) are among the key's (1 to 500)"), "{all:#?}");
    // A role before the name: by values only. Values elsewhere: not at all.
    let role = evidence(&all, "app.notes.billing_customer_id").unwrap_or_default();
    ensure!(role.contains("is a role with"), "{all:#?}");
    ensure!(evidence(&all, "app.far.customer_id").is_none(), "{all:#?}");

    let mut nobody = fixture.cluster.connect_as("relate_privileges", ROLE)?;
    nobody.batch_execute("select mcp_relationships(); select hypopg()")?;
    let some = inferred(&mut nobody)?;
    ensure!(some.iter().all(|(_, evidence)| !evidence.contains("values")), "{some:#?}");
    ensure!(evidence(&some, "app.addresses.customer_id").is_some(), "{some:#?}");
    ensure!(evidence(&some, "app.notes.billing_customer_id").is_none(), "{some:#?}");
    // May read one end only: as if it could read none.
    owner.batch_execute("grant select on app.addresses to relate_nobody")?;
    let half = inferred(&mut nobody)?;
    ensure!(half == some, "{half:#?}");
    // Row security hides the rows, so it hides what they hold.
    owner.batch_execute(
        "grant select (id) on app.customers to relate_nobody;
        alter table app.addresses enable row level security",
    )?;
    let hidden = inferred(&mut nobody)?;
    ensure!(hidden == some, "{hidden:#?}");
    owner.batch_execute("alter table app.addresses disable row level security")?;
    let shown = inferred(&mut nobody)?;
    let line = evidence(&shown, "app.addresses.customer_id").unwrap_or_default();
    ensure!(line.contains("its values (1 to 500)"), "{shown:#?}");
    drop(nobody);
    owner.batch_execute("drop owned by relate_nobody; drop role relate_nobody")?;
    Ok(())
}

/// What looks like a reference and is none, on a real server: of statistics, types and keys.
fn near_misses(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("relate_near", &["hypopg", "mcp_advisor"])?;
    client.batch_execute(
        "create domain number as integer;
        create table accounts (id number primary key);
        create table boxes (id integer, unique (id) deferrable);
        create table crates (id integer);
        create unique index on crates (id) where id > 5;
        create table doors (id integer);
        create unique index on doors (lower(id::text));
        create table events (id timestamptz primary key);
        create table log (
            id integer primary key,
            account_id integer, box_id integer, crate_id integer, door_id integer,
            event_id timestamptz, foreign_account_id integer, log_id integer,
            account_ids integer[]
        );
        insert into accounts select generate_series(1, 100);
        insert into log select g, 1 + g % 100 from generate_series(1, 300) as g;
        analyze; select mcp_relationships(); select hypopg()",
    )?;
    let found = inferred(&mut client)?;
    let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
    // The one that is right is there.
    ensure!(names == ["public.log.account_id"], "{found:#?}");
    Ok(())
}

fn arguments(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "relate_arguments")?;
    let error = refused(&mut client, "select mcp_relationships('App')", "3F000")?;
    ensure!(error.hint().is_some_and(|hint| hint.contains("app")), "{:?}", error.hint());
    client.batch_execute("create schema nothing")?;
    ensure!(lines(&mut client, "'nothing'")?.is_empty());
    ensure!(lines(&mut client, "null")? == lines(&mut client, "")?);
    Ok(())
}
