//! A restricted bridge that is connected as superuser, on a server without the extension: by the
//! names of a statement and the catalog alone nothing gets through that its words hide, and everyday
//! statements pass.

use std::fs;
use std::path::Path;

use advisor_tests::bridge::stdio::Pipe;
use advisor_tests::guard_corpus::{folder, read};
use anyhow::{Result, ensure};
use postgres::Client;
use serde_json::{Value, json};

use crate::Case;
use crate::fixture::Fixture;
use crate::guarded::{HIDDEN, TRAPS, bridge, state};

pub(crate) const CASES: &[Case] = &[
    ("unguarded_bridge_lets_nothing_through_that_names_hide", hidden),
    ("unguarded_bridge_knows_what_has_no_name_in_the_statement", unnamed),
    ("unguarded_bridge_lets_everyday_statements_pass", everyday),
    ("unguarded_bridge_lets_harmless_functions_of_users_pass", harmless),
];

/// Ways to a function that writes a file of the server and does not say so: `leak` is declared STABLE
/// or IMMUTABLE where that is enough to be believed.
const WAYS: &str = "
create function leak_immutable(integer) returns integer language plpgsql immutable as
    $$ begin return leak(); end $$;
create function leak_dynamic(integer) returns integer language plpgsql stable as
    $$ declare n integer; begin execute 'select le' || 'ak()' into n; return n; end $$;
create function leak_quoted(integer) returns integer language sql stable as
    'select \"odd name\"()';
create operator <=> (leftarg = integer, rightarg = integer, function = leak_binary);
create operator = (leftarg = integer, rightarg = json, function = leak_json);
create domain positive as integer check (leak() > 0);
create domain strictly_positive as positive;
create type reading as (at date, value positive);
create table readings (one reading, many positive[]);
create view leaky as select leak() as n;
create view over_leaky as select n from leaky;
create view direct as select lo_export({object}, '{file}') as n;
create table generated (id integer) partition by range (id);
create table generated_1 partition of generated for values from (0) to (10);
create function by_default(integer, integer default leak()) returns integer language sql stable as
    'select $1';
create function count_step(integer, integer) returns integer language sql volatile as
    'select leak()';
create aggregate sum_up (integer) (sfunc = count_step, stype = integer, initcond = '0');
create type mood as enum ('good', 'bad');
create function mood_to_json(mood) returns json language sql volatile as 'select to_json(leak())';
create cast (mood as json) with function mood_to_json(mood);
create table moods (today mood); insert into moods values ('good');
create table t (id integer); insert into t values (1);";

/// What goes those ways. None is refused by its words but where a user's function is named.
const GOES: [&str; 22] = [
    "select leak()",
    "select 1 where leak_immutable(1) = 1",
    "select leak_dynamic(1)",
    "select leak_quoted(1)",
    "select 1 <=> 2",
    "select 1 operator(public.<=>) 2",
    "select 1 in (select '1'::json)",
    "select 1 where 1 = '1'::json",
    "select 1::positive",
    "select cast(1 as strictly_positive)",
    "select '(2020-01-01,1)'::reading",
    "select '{1}'::positive[]",
    "select json_populate_record(null::readings, '{\"many\": [1]}')",
    "select * from leaky",
    "select * from over_leaky where n > 0",
    "select * from direct",
    "select by_default(id) from t",
    "select sum_up(id) from t",
    "select to_json(today) from moods",
    "select today from moods",
    "select positive(id) from t",
    "select count(*) from t as x where exists (select from over_leaky)",
];

fn prepare(client: &mut Client, file: &Path) -> Result<()> {
    let object: u32 = client.query_one("select lo_from_bytea(0, 'x')", &[])?.try_get(0)?;
    let file = file.display().to_string();
    let leak = |name: &str, arguments: &str, result: &str, value: &str| {
        format!(
            "create function \"{name}\"({arguments}) returns {result} language plpgsql volatile as
             $$ begin perform lo_export({object}, '{file}'); return {value}; end $$;"
        )
    };
    client.batch_execute(&leak("leak", "", "integer", "1"))?;
    client.batch_execute(&leak("odd name", "", "integer", "1"))?;
    client.batch_execute(&leak("leak_binary", "integer, integer", "boolean", "true"))?;
    client.batch_execute(&leak("leak_json", "integer, json", "boolean", "true"))?;
    let ways = WAYS.replace("{object}", &object.to_string()).replace("{file}", &file);
    client.batch_execute(&ways)?;
    Ok(())
}

/// Each statement by each tool that runs or plans it: refused, for a reason that can be acted on,
/// and without effect.
fn refuse(pipe: &mut Pipe, sql: &str, effect: &mut impl FnMut() -> Result<bool>) -> Result<()> {
    for (tool, arguments) in [
        ("execute_sql", json!({"sql": sql})),
        ("execute_sql", json!({"sql": format!("explain {sql}")})),
        ("execute_sql", json!({"sql": format!("explain analyze {sql}")})),
        ("explain_query", json!({"sql": sql})),
        ("explain_query", json!({"sql": sql, "analyze": true})),
        ("explain_query", json!({"sql": format!("insert into t {sql}")})),
    ] {
        let answer = pipe.call(tool, &arguments)?;
        let error = &answer["structuredContent"]["error"];
        ensure!(error["kind"] == "not_read_only", "{tool} {sql}: {answer}");
        let told = error.to_string();
        ensure!(error["detail"].is_string() && error["hint"].is_string(), "{answer}");
        ensure!(told.contains("CREATE EXTENSION mcp_advisor"), "{answer}");
        ensure!(!effect()?, "{tool} {sql} had an effect");
    }
    Ok(())
}

fn hidden(fixture: &Fixture) -> Result<()> {
    let mut observer = fixture.cluster.create_database("unguarded_hidden")?;
    observer.batch_execute(&TRAPS.replace("guarded_reader", "unguarded_reader"))?;
    let before = state(&mut observer)?;
    let mut pipe = bridge(fixture, "unguarded_hidden")?;
    for sql in HIDDEN {
        refuse(&mut pipe, sql, &mut || Ok(state(&mut observer)? != before))?;
    }
    let answer = pipe.call("execute_sql", &json!({"sql": "select upper('a'), 1 + 1"}))?;
    ensure!(answer["structuredContent"]["rows"] == json!([["A", 2]]), "{answer}");
    pipe.close()?;
    observer.batch_execute("drop owned by unguarded_reader; drop role unguarded_reader")?;
    let file = fixture.cluster.socket_dir().join("leak_hidden");
    let mut observer = fixture.cluster.create_database("unguarded_ways")?;
    prepare(&mut observer, &file)?;
    // What is looked for does happen.
    observer.batch_execute("select leak()")?;
    ensure!(file.exists(), "no file");
    fs::remove_file(&file)?;
    let mut pipe = bridge(fixture, "unguarded_ways")?;
    for sql in GOES {
        refuse(&mut pipe, sql, &mut || Ok(file.exists()))?;
    }
    let answer = pipe.call("execute_sql", &json!({"sql": "select id, id + 1 from t"}))?;
    ensure!(answer["structuredContent"]["rows"] == json!([[1, 2]]), "{answer}");
    pipe.close()?;
    Ok(())
}

/// What makes any statement call a user's function: conversions and comparisons of the server's own
/// types, and a schema before that of an extension whose functions resolve names as they run.
fn unnamed(fixture: &Fixture) -> Result<()> {
    for (at, (setup, sql)) in [
        (
            "create cast (point as xml) with function leak_xml(point) as implicit",
            "select xmlconcat(p) from (values (point '(1,2)')) as v (p)",
        ),
        (
            "create operator <<< (leftarg = point, rightarg = point, function = leak_points);
             create operator class point_order default for type point using btree as
                 operator 1 <<<, operator 3 ~=, function 1 leak_compare(point, point)",
            "select p from (values (point '(1,2)'), (point '(0,2)')) as v (p) order by p",
        ),
        (
            "create extension cube; create extension earthdistance version '1.1'; create schema first;
             create function first.cube(float8) returns cube language sql volatile as
                 'select public.cube($1 + 0 * leak())';
             alter database unguarded_unnamed_2 set search_path = first, public",
            "select ll_to_earth(1, 2)",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let database = format!("unguarded_unnamed_{at}");
        let file = fixture.cluster.socket_dir().join(format!("leak_{at}"));
        let mut observer = fixture.cluster.create_database(&database)?;
        prepare(&mut observer, &file)?;
        observer.batch_execute(
            "create function leak_xml(point) returns xml language sql immutable as
                 'select xmlelement(name x, leak_immutable(1))';
             create function leak_points(point, point) returns boolean language sql immutable as
                 'select leak_immutable(1) = 1';
             create function leak_compare(point, point) returns integer language sql immutable as
                 'select leak_immutable(1)'",
        )?;
        observer.batch_execute(setup)?;
        fixture.cluster.connect(&database)?.batch_execute(sql)?;
        ensure!(file.exists(), "no file by {sql}");
        fs::remove_file(&file)?;
        let mut pipe = bridge(fixture, &database)?;
        refuse(&mut pipe, sql, &mut || Ok(file.exists()))?;
        pipe.close()?;
    }
    Ok(())
}

/// Whether the server itself takes the statement.
fn is_taken(client: &mut Client, sql: &str) -> bool {
    let sql = if sql.to_lowercase().starts_with("explain") {
        sql.to_owned()
    } else {
        format!("explain {sql}")
    };
    client.simple_query(&sql).is_ok()
}

fn everyday(fixture: &Fixture) -> Result<()> {
    let mut admin = fixture.cluster.create_database("unguarded_everyday")?;
    admin.batch_execute(&fs::read_to_string(folder().join("schema.sql"))?)?;
    admin.batch_execute(
        "create extension pg_trgm; create extension hstore; create extension unaccent;
         create extension fuzzystrmatch; create extension tablefunc; create extension ltree;
         create extension intarray; create extension cube; create extension earthdistance;
         create extension citext; create extension pgcrypto; create extension btree_gist;
         create extension btree_gin; create extension isn; create extension seg;
         create extension \"uuid-ossp\"; create extension pg_stat_statements",
    )?;
    let mut pipe = bridge(fixture, "unguarded_everyday")?;
    let (mut answered, mut unknown, mut refused) = (0, 0, Vec::new());
    for case in read("allowed")? {
        let answer = pipe.call("execute_sql", &json!({"sql": case.sql}))?;
        let error = &answer["structuredContent"]["error"];
        if answer["isError"] != true {
            answered += 1;
        } else if error["kind"] != "not_read_only" {
            // Not of this server's version, or about an extension that is not installed.
            ensure!(error["sqlstate"] != Value::Null || error["kind"] != "internal", "{answer}");
        } else if is_taken(&mut admin, &case.sql) {
            refused.push(format!("{}\n=> {error}", case.sql));
        } else {
            unknown += 1;
        }
    }
    pipe.close()?;
    println!("answered {answered}, refused {}, not there {unknown}", refused.len());
    ensure!(refused.is_empty(), "{} refused:\n{}", refused.len(), refused.join("\n\n"));
    ensure!(answered > 300, "{answered} answered");
    Ok(())
}

/// Views, operators and policies of users that only read.
fn harmless(fixture: &Fixture) -> Result<()> {
    let mut admin = fixture.cluster.create_database("unguarded_harmless")?;
    admin.batch_execute(
        "create extension hstore; create extension citext;
         create table orders (id integer primary key, total numeric, note citext, tags hstore);
         insert into orders values (1, 10, 'A', 'a=>1');
         create function with_tax(numeric) returns numeric language sql immutable as
             'select round($1 * 1.19, 2)';
         create function is_mine(integer) returns boolean language plpgsql stable as
             $$ begin return $1 = 1 or current_setting('app.user', true) = 'all'; end $$;
         create view taxed as select id, with_tax(total) as total from orders;
         create policy mine on orders using (is_mine(id));
         alter table orders enable row level security;
         create domain percent as numeric check (value between 0 and 100);
         create operator %% (leftarg = numeric, rightarg = numeric, function = numeric_mod);
         create function alike(numeric, numeric) returns boolean language sql immutable as
             'select abs($1 - $2) < 1';
         create operator ~= (leftarg = numeric, rightarg = numeric, function = alike);
         create index on orders (with_tax(total));
         create sequence s; create function next_one() returns bigint language sql volatile as
             $$ select nextval('s') $$;
         create table defaults (id bigint default next_one()); insert into defaults values (1)",
    )?;
    let mut pipe = bridge(fixture, "unguarded_harmless")?;
    for (sql, rows) in [
        ("select total::text from taxed", json!([["11.90"]])),
        ("select id from orders where note = 'a' and tags ? 'a'", json!([[1]])),
        ("select 10::percent > 5", json!([[true]])),
        ("select 1.2 ~= 1.5", json!([[true]])),
        ("select id from defaults", json!([[1]])),
        ("select count(*) from pg_stat_activity where pid = pg_backend_pid()", json!([[1]])),
        ("select o.total from orders as o order by o.total", json!([[10]])),
    ] {
        let answer = pipe.call("execute_sql", &json!({"sql": sql}))?;
        ensure!(answer["structuredContent"]["rows"] == rows, "{sql}: {answer}");
        let answer = pipe.call("explain_query", &json!({"sql": sql, "analyze": true}))?;
        ensure!(answer["isError"] != true, "{sql}: {answer}");
    }
    pipe.close()?;
    Ok(())
}
