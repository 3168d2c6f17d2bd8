//! `mcp_health` on constraints that are not validated, triggers that do not fire, and foreign keys
//! of another type than their key.

use advisor_tests::cluster::Cluster;
use anyhow::{Context, Result, ensure};

use crate::Case;
use crate::fixture::Fixture;
use crate::health::{database, expect_and_mend, expect_ok, findings, summary};

pub(crate) const CASES: &[Case] = &[
    ("health_finds_constraints_that_are_not_validated", not_valid),
    ("health_finds_disabled_triggers", disabled_triggers),
    ("health_finds_sessions_that_ignore_triggers", replication_role),
    ("health_finds_foreign_keys_of_another_type", foreign_key_types),
];

fn not_valid(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_constraints")?;
    client.batch_execute(
        r#"create table parent (id integer primary key);
        create table "Chi ld" (p integer, a integer);
        alter table "Chi ld" add constraint "fk 1" foreign key (p) references parent not valid;
        alter table "Chi ld" add check (a > 0) not valid;
        create schema "S.1"; create domain "S.1"."d ""1" as integer;
        alter domain "S.1"."d ""1" add constraint positive check (value > 0) not valid;
        create table uses (v "S.1"."d ""1"); insert into uses values (1);
        create table heirs () inherits ("Chi ld");
        create table parts (a integer) partition by list (a);
        create table part partition of parts for values in (1);
        alter table parts add constraint "Größe" check (a > 0) not valid;
        -- Valid ones.
        create domain sound as integer check (value > 0);
        create table fine (p integer references parent, a integer check (a > 0));
        create temp table passing (a integer);
        alter table passing add check (a > 0) not valid"#,
    )?;
    // The planner trusts none of them: the rows from before are looked at when they are validated.
    client.batch_execute("insert into parts values (1)")?;
    let found = findings(&mut client, "not_valid_constraint")?;
    let domain = found.iter().find(|one| one.object.contains("positive")).context("domain")?;
    ensure!(domain.details["risk"] == "locks", "{domain:#?}");
    ensure!(
        domain.remediation == r#"ALTER DOMAIN "S.1"."d ""1" VALIDATE CONSTRAINT positive;"#,
        "{domain:#?}"
    );
    expect_and_mend(
        &mut client,
        "not_valid_constraint",
        &[
            r#"warning public."Chi ld": "fk 1""#,
            r#"warning public."Chi ld": "Chi ld_a_check""#,
            r#"warning "S.1"."d ""1": positive"#,
            r#"warning public.parts: "Größe""#,
        ],
    )?;
    // Before PostgreSQL 18 there is no other kind.
    expect_ok(&mut client, "not_enforced_constraint")?;
    expect_ok(&mut client, "constraint")
}

fn disabled_triggers(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_triggers")?;
    client.batch_execute(
        r#"create table parent (id integer primary key, other integer unique deferrable);
        create schema "S 1";
        create table "S 1"."Ch ""ild" (id integer, p integer constraint "f k" references parent);
        create table couple (p integer references parent);
        create table parts (p integer references parent) partition by list (p);
        create table part1 partition of parts for values in (1);
        create table part2 partition of parts for values in (2);
        create function nothing() returns trigger language plpgsql as 'begin return null; end';
        create trigger "my Trigger" after insert on couple for each row execute function nothing();
        create trigger always after insert on couple for each row execute function nothing();
        create constraint trigger checking after insert on couple for each row
            execute function nothing();
        alter table couple enable always trigger always"#,
    )?;
    expect_ok(&mut client, "disabled_trigger")?;
    client.batch_execute(
        r#"alter table "S 1"."Ch ""ild" disable trigger all;
        insert into "S 1"."Ch ""ild" values (1, 4711);
        alter table parts disable trigger all;
        alter table couple disable trigger "my Trigger";
        alter table couple enable replica trigger checking"#,
    )?;
    let found = findings(&mut client, "disabled_trigger")?;
    let child = found.iter().find(|one| one.object.contains("f k")).context("f k")?;
    // What got in meanwhile is found by the query that is given, and not by the mending.
    let orphans = child.details["rows_to_check"].as_str().context("rows_to_check")?;
    ensure!(client.query_one(orphans, &[])?.try_get::<_, i64>(0)? == 1, "{orphans}");
    expect_and_mend(
        &mut client,
        "disabled_trigger",
        &[
            r#"warning "S 1"."Ch ""ild": "f k""#,
            "warning public.parts: parts_p_fkey",
            "warning public.couple: checking",
            "info public.couple: \"my Trigger\"",
        ],
    )?;
    let refused = client.batch_execute("insert into parts values (2)");
    ensure!(refused.is_err(), "the foreign key does not work again");

    // On the other end, all of whose triggers are somebody's constraint.
    client.batch_execute("alter table parent disable trigger all")?;
    let found = findings(&mut client, "disabled_trigger")?;
    ensure!(found.iter().all(|one| one.severity == "warning"), "{found:#?}");
    let other_end = found.iter().find(|one| one.object.contains("f k")).context("f k")?;
    ensure!(other_end.object == "public.parent: \"f k\"", "{other_end:#?}");
    ensure!(other_end.message.contains(r#"of "S 1"."Ch ""ild""#), "{other_end:#?}");
    expect_and_mend(
        &mut client,
        "disabled_trigger",
        &[
            "warning public.parent: \"f k\"",
            "warning public.parent: couple_p_fkey",
            "warning public.parent: parent_other_key",
            "warning public.parent: parts_p_fkey",
        ],
    )
}

fn replication_role(_: &Fixture) -> Result<()> {
    let cluster = Cluster::start("session_replication_role = replica")?;
    let mut client = cluster.connect("postgres")?;
    client.batch_execute("create extension mcp_advisor")?;
    let found = findings(&mut client, "disabled_trigger")?;
    ensure!(found.len() == 1 && found[0].severity == "critical", "{found:#?}");
    ensure!(found[0].message.contains("replica for the whole server"), "{found:#?}");
    for statement in found[0].remediation.split_inclusive(';') {
        client.batch_execute(statement)?;
    }
    let ignored = "select setting = 'replica' from pg_settings
        where name = 'session_replication_role'";
    // The reload reaches the sessions one after the other.
    while client.query_one(ignored, &[])?.try_get(0)? {
        std::thread::yield_now();
    }
    expect_ok(&mut client, "disabled_trigger")?;

    // A session's own choice is nobody else's trouble; a database's and a role's are said.
    client.batch_execute("set session_replication_role = replica")?;
    expect_ok(&mut client, "disabled_trigger")?;
    client.batch_execute(
        r#"reset session_replication_role; create role "app ly" login;
        alter role "app ly" set session_replication_role = replica;
        alter role "app ly" in database postgres set session_replication_role = replica;
        alter database postgres set session_replication_role = local"#,
    )?;
    let mut fresh = cluster.connect("postgres")?;
    ensure!(summary(&mut fresh, "disabled_trigger")?.len() == 3);
    expect_and_mend(
        &mut client,
        "disabled_trigger",
        &[
            "warning database postgres",
            r#"info role "app ly""#,
            r#"info role "app ly" in database postgres"#,
        ],
    )
}

fn foreign_key_types(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_key_types")?;
    client.batch_execute(
        r#"create domain small_key as integer; create domain key as small_key;
        create table parent (id bigint primary key, i integer unique, n numeric(6, 0) unique,
            v varchar(20) unique, t text unique, unlimited numeric unique);
        create schema "S 1";
        create table "S 1"."Ch ""ild" (
            "a Ä" integer constraint "narrow int" references parent,
            domain key constraint domain references parent,
            b varchar(10) constraint narrow_text references parent (v),
            c varchar(30) constraint limited references parent (t),
            d numeric(4, 0) constraint narrow_number references parent (n),
            e bigint constraint no_fraction references parent (unlimited),
            f bigint constraint wider references parent (i),
            -- None of these is of another kind.
            g varchar(30) references parent (v), h text references parent (v),
            j numeric(8, 2) references parent (n), k key references parent (i),
            l numeric references parent (n), m bigint references parent);
        create table parts (p integer references parent) partition by list (p);
        create table part partition of parts for values in (1);
        create table pair (a bigint, b integer, primary key (a, b));
        create table pairs (x integer, y smallint, constraint pair foreign key (x, y)
            references pair (a, b));
        insert into parent values (1, 1, 1, 'a', 'a', 1);
        insert into "S 1"."Ch ""ild" values (1, 1, 'a', 'a', 1, 1, 1)"#,
    )?;
    let found = findings(&mut client, "foreign_key_type")?;
    let pair = found.iter().find(|one| one.object == "public.pairs: pair").context("pair")?;
    ensure!(
        pair.remediation
            == "ALTER TABLE public.pairs ALTER COLUMN x TYPE bigint, ALTER COLUMN y TYPE integer;",
        "{pair:#?}"
    );
    ensure!(pair.details["risk"] == "rewrites", "{pair:#?}");
    // A column that rows are routed by cannot be altered.
    let parts = found.iter().find(|one| one.object == "public.parts: parts_p_fkey");
    let parts = parts.context("parts")?;
    ensure!(parts.severity == "warning" && parts.remediation.is_empty(), "{parts:#?}");
    ensure!(parts.message.contains("cannot be altered here"), "{parts:#?}");
    client.batch_execute("drop table parts")?;
    let text = found.iter().find(|one| one.object.ends_with(": narrow_text")).context("text")?;
    ensure!(text.details["risk"] == "locks", "{text:#?}");
    expect_and_mend(
        &mut client,
        "foreign_key_type",
        &[
            r#"warning "S 1"."Ch ""ild": "narrow int""#,
            r#"warning "S 1"."Ch ""ild": domain"#,
            r#"warning "S 1"."Ch ""ild": narrow_text"#,
            r#"warning "S 1"."Ch ""ild": limited"#,
            r#"warning "S 1"."Ch ""ild": narrow_number"#,
            r#"warning "S 1"."Ch ""ild": no_fraction"#,
            r#"info "S 1"."Ch ""ild": wider"#,
            "warning public.pairs: pair",
        ],
    )
}
