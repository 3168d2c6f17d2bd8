//! `mcp_check_read_only` finds what a statement calls without saying so, says through which
//! functions, and does nothing itself while it looks.

use anyhow::{Context, Result, ensure};
use postgres::Client;

use crate::Case;
use crate::fixture::Fixture;
use crate::guard::verdict;

pub(crate) const CASES: &[Case] = &[
    ("guard_looks_into_bodies_in_sql", bodies),
    ("guard_looks_into_what_the_catalog_holds", catalog),
    ("guard_runs_nothing_while_it_looks", undisturbed),
    ("guard_refuses_foreign_tables_that_are_not_listed", foreign),
    ("guard_keeps_statement_texts_when_told_to", texts),
];

/// What somebody prepared who could write. All of it is declared to read.
const SCHEMA: &str = "
create table t (id integer primary key, note text); insert into t values (1, 'a'), (2, 'b');
create sequence s;
create schema app; create schema other;
create function app.moves() returns bigint language sql stable as $$ select nextval('public.s') $$;
create function app.calls() returns bigint language sql stable as 'select app.moves()';
create function app.calls_that() returns bigint language sql stable as 'select app.calls() + 1';
create function app.stored() returns bigint language sql stable return nextval('public.s');
create function app.atomic() returns bigint language sql stable begin atomic
    select 1::bigint; select nextval('public.s'); end;
create function app.stores() returns integer language sql stable as
    'insert into public.t values (3, ''c''); select 1';
create function app.locks() returns integer language sql stable as
    'select id from public.t for update';
create function app.reads_secret() returns text language sql stable as
    'select rolpassword from pg_authid limit 1';
create function app.shows() returns text language sql stable as
    $$ select current_setting('primary_conninfo') $$;
create function app.commands() returns void language sql stable as 'create table u (a integer)';
create function app.of_any(anyelement) returns anyelement language sql stable as
    $$ select case when nextval('public.s') > 0 then $1 end $$;
create function other.f() returns bigint language sql stable as $$ select nextval('public.s') $$;
create function app.f() returns bigint language sql stable as 'select 1::bigint';
create function app.by_path() returns bigint language sql stable set search_path = other as 'select f()';
create function app.by_outer_path() returns bigint language sql stable as 'select f()';
create function app.path_outside() returns bigint language sql stable set search_path = other
    as 'select app.by_outer_path()';
create function app.default_moves(n bigint default nextval('public.s')) returns bigint
    language sql stable as 'select n';
create function app.recursive(n integer) returns integer language sql stable as 'select 1';
create or replace function app.recursive(n integer) returns integer language sql stable as
    'select case when n > 0 then app.recursive(n - 1) else 1 end';
create function app.broken() returns integer language sql stable as 'select 1';
create function app.good(n integer, word text) returns text language sql stable as
    'select word || n || (select note from public.t where id = good.n)';
create table gone (a integer);
create or replace function app.broken() returns integer language sql stable as 'select a from gone';
drop table gone;
create view app.through as select app.calls() as n;
create table secured (id integer); insert into secured values (1);
create policy by_body on secured using (app.calls() > 0);
alter table secured enable row level security; alter table secured force row level security;
create domain by_core as integer check (nextval('public.s') > 0);
create domain by_body as integer check (app.calls() > 0);
create domain nested as by_core check (value > 0);
create domain harmless as integer check (value > 0);
create type pair as (a by_core, b text);
create type good_pair as (a harmless, b text);
create type span as range (subtype = by_core);
create table keeper (p pair, d by_core[], h harmless);
create function app.plain_compare(pair, pair) returns boolean language sql immutable as
    'select ($1).b < ($2).b';
create function app.compare_pairs(pair, pair) returns integer language plpgsql immutable as
    $$ begin perform nextval('public.s'); return 0; end $$;
create function app.same(integer, integer) returns boolean language sql immutable as 'select $1 = $2';
create function app.hashes(integer) returns integer language sql volatile as
    $$ select nextval('public.s')::integer $$;
create operator app.=== (leftarg = integer, rightarg = integer, function = app.same, hashes);
create operator class app.odd for type integer using hash as
    operator 1 app.=== (integer, integer), function 1 app.hashes(integer);
create function app.fine(integer, integer) returns boolean language sql immutable as 'select $1 = $2';
create operator app.~~~ (leftarg = integer, rightarg = integer, function = app.fine);
create function app.step(bigint, integer) returns bigint language sql stable as
    'select app.calls()';
create aggregate app.total (integer) (sfunc = app.step, stype = bigint, initcond = '0');
create function app.finish(bigint) returns bigint language sql stable as 'select app.calls()';
create aggregate app.finished (integer) (sfunc = int84mul, stype = bigint, finalfunc = app.finish, initcond = '0');
";

fn database(fixture: &Fixture, name: &str) -> Result<Client> {
    let mut client = fixture.database(name, &["mcp_advisor", "file_fdw", "postgres_fdw"])?;
    // Bodies are not checked here, so that one may use what comes later.
    client.batch_execute("set check_function_bodies = off")?;
    client.batch_execute(&SCHEMA.replace("as 'select 1';", "as 'select 1';\n"))?;
    Ok(client)
}

/// Where the sequence stands, which everything hostile here moves.
fn state(client: &mut Client) -> Result<String> {
    let sql = "select last_value || ' ' || is_called || (select count(*) from t) from s";
    Ok(client.query_one(sql, &[])?.try_get(0)?)
}

/// Refuses each statement with words that hold what is given, and changes nothing.
fn all_refused(client: &mut Client, statements: &[(&str, &str)]) -> Result<()> {
    let before = state(client)?;
    for (sql, words) in statements {
        let verdict = verdict(client, sql)?.with_context(|| format!("not read: {sql}"))?;
        let Err(told) = verdict else { anyhow::bail!("passed: {sql}") };
        ensure!(told.contains(words), "{sql}: {told}");
        ensure!(state(client)? == before, "{sql} moved the sequence");
    }
    Ok(())
}

fn all_pass(client: &mut Client, statements: &[&str]) -> Result<()> {
    for sql in statements {
        let verdict = verdict(client, sql)?;
        ensure!(verdict == Some(Ok(())), "{sql}: {verdict:?}");
    }
    Ok(())
}

fn bodies(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "guard_bodies")?;
    let chain = "nextval";
    all_refused(
        &mut client,
        &[
            ("select app.moves()", "It stands in function app.moves()."),
            ("select app.calls()", "app.moves(), called by app.calls()."),
            (
                "select 1 where 2 in (select app.calls_that() from t)",
                "app.moves(), called by app.calls(), called by app.calls_that().",
            ),
            ("select app.stored()", chain),
            ("select app.atomic()", chain),
            ("select app.stores()", "INSERT changes data"),
            ("select app.locks()", "lock rows"),
            ("select app.reads_secret()", "holds secrets"),
            ("select app.shows()", "primary_conninfo"),
            ("select app.commands()", "app.commands()"),
            ("select app.of_any(1)", chain),
            ("select app.of_any('x'::text)", chain),
            ("select app.by_path()", "other.f()"),
            ("select app.path_outside()", "other.f()"),
            ("select app.default_moves()", chain),
            ("select * from app.through", "app.calls()"),
            ("select app.total(id) from t", chain),
            ("select app.finished(id) from t", chain),
            ("select app.total(id) over (order by id) from t", chain),
            ("explain select app.calls()", chain),
            ("explain analyze select app.calls()", chain),
            ("explain update t set id = app.calls()", chain),
        ],
    )?;
    all_pass(
        &mut client,
        &[
            "select app.default_moves(1)",
            "select app.default_moves(n => 1)",
            "select app.recursive(3)",
            "select app.good(1, 'x')",
            "select app.good(word => 'x', n => 2) from t",
            // It fails where it runs, and says why.
            "select app.broken()",
        ],
    )?;
    client.batch_execute("set mcp_advisor.guard_functions = 'app.calls'")?;
    all_pass(&mut client, &["select app.calls()", "select app.calls_that()"])?;
    all_refused(&mut client, &[("select app.moves()", chain)])
}

fn catalog(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "guard_catalog")?;
    client.batch_execute("create role guard_catalog_reader; grant usage on schema app to guard_catalog_reader; grant select on all tables in schema public to guard_catalog_reader; grant select on sequence s to guard_catalog_reader")?;
    client.batch_execute("set role guard_catalog_reader")?;
    all_refused(&mut client, &[("select id from secured", "app.moves(), called by app.calls()")])?;
    client.batch_execute("reset role")?;
    let chain = "nextval";
    all_refused(
        &mut client,
        &[
            ("select 1::by_core", chain),
            ("select 1::nested", chain),
            ("select 1::by_body", "app.calls()"),
            ("select id::by_core from t", chain),
            ("select array[id]::by_core[] from t", chain),
            ("select note::by_core[] from t", chain),
            ("select note::pair from t", chain),
            ("select row(1, 'x')::pair", chain),
            ("select json_populate_record(null::pair, '{\"a\": 1}')", chain),
            ("select * from jsonb_populate_recordset(null::pair, '[{\"a\": 1}]')", chain),
            ("select * from json_to_record('{\"a\": 1}') as r (a by_core)", chain),
            ("select * from json_to_recordset('[]') as r (a integer, b by_core[])", chain),
            ("select span(1, 2)", chain),
            (
                "select x.a from xmltable('/a' passing '<a/>' columns a by_core path 'b') as x",
                chain,
            ),
            ("select * from t as a join t as b on a.id operator(app.===) b.id", "app.hashes"),
            ("select * from t where id operator(app.===) any (array[1])", "app.hashes"),
        ],
    )?;
    all_pass(
        &mut client,
        &[
            // Read, they are not made.
            "select * from keeper",
            "select (p).b, d, h from keeper",
            "select 1::harmless, array[1]::harmless[], row(1, 'x')::good_pair",
            "select json_populate_record(null::good_pair, '{\"a\": 1}')",
            "select 1 operator(app.~~~) 2",
        ],
    )?;
    client.batch_execute("drop owned by guard_catalog_reader; drop role guard_catalog_reader")?;
    Ok(())
}

/// Constants are made when a statement is analyzed, before anybody can judge it.
fn undisturbed(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "guard_undisturbed")?;
    client.batch_execute(
        "create function app.writer(integer) returns boolean language plpgsql volatile as
            $$ begin insert into public.t values (100 + $1, 'x'); return true; end $$;
        create function app.commander(integer) returns boolean language plpgsql volatile as
            $$ begin create table u (a integer); return true; end $$;
        create function app.tells(integer) returns boolean language plpgsql immutable as
            $$ begin return app.writer($1); end $$;
        create function app.commands(integer) returns boolean language plpgsql immutable as
            $$ begin return app.commander($1); end $$;
        create function app.fine(integer) returns boolean language plpgsql immutable as
            $$ begin return (select count(*) from public.t) > 0; end $$;
        create domain tells as integer check (app.tells(value));
        create domain commands as integer check (app.commands(value));
        create domain volatile as integer check (app.hashes(value) > 0);
        create domain fine as integer check (app.fine(value));",
    )?;
    // It does run when nobody judges.
    let before = state(&mut client)?;
    let mut plain = fixture.cluster.connect("guard_undisturbed")?;
    plain.batch_execute("begin; prepare p as select '{1}'::by_core[]; rollback")?;
    let moved = state(&mut client)?;
    ensure!(moved != before, "analysis does not run checks: {moved}");
    all_refused(
        &mut client,
        &[
            ("select '{1}'::by_core[]", "nextval"),
            ("select '(1,x)'::pair", "nextval"),
            ("select '[1,2)'::span", "nextval"),
            ("explain select '{1}'::by_core[]", "nextval"),
            ("select '{1}'::by_body[]", "nextval"),
            ("select '{1}'::tells[]", "app.writer(integer)"),
            ("select '{1}'::commands[]", "app.commander(integer)"),
            ("select '{1}'::volatile[]", "app.hashes"),
        ],
    )?;
    // Functions that may run do not run here.
    client.batch_execute("set mcp_advisor.guard_functions = 'app.writer, app.commander'")?;
    all_refused(
        &mut client,
        &[
            ("select '{1}'::tells[]", "a statement that changes data would run"),
            ("select '{1}'::commands[]", "a command would run"),
        ],
    )?;
    all_pass(
        &mut client,
        &["select '{1}'::fine[]", "select '{1,2}'::harmless[]", "select '(1,x)'::good_pair"],
    )?;
    // What is wrong with a constant is an error of the statement, as without the guard.
    ensure!(verdict(&mut client, "select '{0}'::harmless[]").is_err());
    ensure!(verdict(&mut client, "select '{a}'::integer[]")?.is_none());
    Ok(())
}

fn foreign(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "guard_foreign")?;
    client.batch_execute(
        "create server files foreign data wrapper file_fdw;
        create foreign table by_program (a text) server files options (program 'echo x');
        create foreign table by_file (a text) server files options (filename '/etc/hostname');
        create server far foreign data wrapper postgres_fdw options (host '/nowhere');
        create foreign table away (a text) server far;
        create view over_file as select * from by_file",
    )?;
    let tables = [
        ("select * from by_program", "foreign table public.by_program"),
        ("select count(*) from over_file", "foreign table public.by_file"),
        ("select 1 where exists (select from away)", "public.postgres_fdw_handler"),
        ("explain select * from by_program", "foreign table"),
    ];
    all_refused(&mut client, &tables)?;
    let mut latched = fixture.cluster.connect("guard_foreign")?;
    latched.batch_execute("select mcp_guard()")?;
    for (sql, _) in tables {
        let error = latched.batch_execute(sql).err().with_context(|| format!("passed: {sql}"))?;
        ensure!(error.code().is_some_and(|code| code.code() == "25006"), "{sql}: {error:?}");
    }
    client.batch_execute("set mcp_advisor.guard_functions = 'public.file_fdw_handler'")?;
    all_pass(&mut client, &["select * from by_program", "select count(*) from over_file"])?;
    all_refused(&mut client, &[("select * from away", "foreign table public.away")])
}

fn texts(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("guard_texts", &["mcp_advisor"])?;
    client.batch_execute(
        "create schema stats; create extension pg_stat_statements schema stats;
        create view public.running as select pid, query from pg_stat_activity;
        create table t (id integer); create sequence s",
    )?;
    let shows = [
        "select query from pg_stat_activity",
        "select * from pg_stat_activity",
        "select a from pg_stat_activity as a",
        "select count(*) from pg_stat_activity where query ~ 'x'",
        "select * from running",
        "select queryid, query from stats.pg_stat_statements",
        "select * from stats.pg_stat_statements(true)",
        "select * from pg_stat_get_activity(null)",
    ];
    let others = [
        "select pid, state, query_id, query_start from pg_stat_activity",
        "select queryid, calls, total_exec_time from stats.pg_stat_statements order by 3",
        "select statement from pg_prepared_statements",
        "select * from pg_stat_replication, pg_stat_ssl",
    ];
    all_pass(&mut client, &shows)?;
    all_pass(&mut client, &others)?;
    let mut latched = fixture.cluster.connect("guard_texts")?;
    latched.batch_execute("select mcp_check_read_only('select 1')")?;
    for session in [&mut client, &mut latched] {
        session.batch_execute("set mcp_advisor.guard_statement_texts = off")?;
    }
    latched.batch_execute("select mcp_guard()")?;
    latched.batch_execute("set mcp_advisor.guard_statement_texts = on")?;
    all_pass(&mut client, &others)?;
    all_refused(&mut client, &shows.map(|sql| (sql, "guard_statement_texts")))?;
    for sql in others {
        latched.batch_execute(sql).context(sql)?;
    }
    // A view shows what its owner may see, and a function what it returns: those the check refuses.
    for sql in shows.iter().filter(|sql| !sql.contains("running") && !sql.contains('(')) {
        let error = latched.batch_execute(sql).err().with_context(|| format!("passed: {sql}"))?;
        ensure!(error.code().is_some_and(|code| code.code() == "25006"), "{sql}: {error:?}");
    }
    Ok(())
}
