//! Documents that are not what they should be: refused with a clear answer, and nothing of them stays.

use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde_json::{Value, json};

use crate::Case;
use crate::fixture::{Fixture, refused};

pub(crate) const CASES: &[Case] = &[
    ("shadow_refuses_what_is_no_document", no_document),
    ("shadow_refuses_statements_of_other_kinds", other_statements),
    ("shadow_refuses_statistics_that_no_analyze_computes", wrong_statistics),
    ("shadow_imports_all_or_nothing", all_or_nothing),
    ("shadow_refuses_a_database_in_use", in_use),
    ("shadow_runs_code_as_who_imported_it", code),
];

/// A document of nothing.
fn empty() -> Value {
    json!({
        "format": "mcp_advisor statistics", "version": 1, "values": true,
        "server": {"version_num": 150_000, "block_size": 8192, "encoding": "UTF8", "collate": "C", "ctype": "C"},
        "settings": [], "objects": [], "relations": [], "statistics": [], "extended": [], "expressions": [],
    })
}

fn object(kind: &str, ddl: &str) -> Value {
    json!({"kind": kind, "name": "x", "ddl": ddl})
}

fn call(document: &Value) -> String {
    format!("select mcp_import_statistics('{}')::text", document.to_string().replace('\'', "''"))
}

/// What is in the database beside the extension.
fn content(client: &mut Client) -> Result<String> {
    let sql = "select concat_ws(' ',
        (select array_agg(nspname order by 1) from pg_namespace),
        (select array_agg(oid::regclass::text order by 1) from pg_class where oid >= 16384
            and relkind <> 't' and relnamespace::regnamespace::text <> 'pg_toast'),
        (select count(*) from pg_proc), (select count(*) from pg_type), (select count(*) from pg_statistic),
        (select array_agg(extname order by 1) from pg_extension),
        (select array_agg(setconfig::text) from pg_db_role_setting s
            where setdatabase = (select oid from pg_database where datname = current_database())),
        current_setting('mcp_advisor.shadow', true), current_setting('search_path'))";
    Ok(client.query_one(sql, &[])?.try_get(0)?)
}

/// Refused with `code`, and nothing is there that was not.
fn refused_whole(client: &mut Client, document: &Value, code: &str, said: &str) -> Result<()> {
    let before = content(client)?;
    let error = refused(client, &call(document), code).with_context(|| document.to_string())?;
    let text = format!("{} {}", error.message(), error.detail().unwrap_or_default());
    ensure!(text.contains(said), "{text} instead of {said}: {document}");
    let after = content(client)?;
    ensure!(before == after, "something stayed of {document}:\n{before}\n{after}");
    Ok(())
}

fn database(fixture: &Fixture, name: &str) -> Result<Client> {
    let mut client = fixture.database(name, &["hypopg", "mcp_advisor"])?;
    client.batch_execute("select mcp_schemas()")?;
    Ok(client)
}

fn no_document(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "shadow_malformed")?;
    for document in [json!(null), json!([]), json!("text"), json!({}), json!({"format": "other"})] {
        refused_whole(&mut client, &document, "22023", "\"format\"")?;
    }
    for version in [json!(0), json!(2), json!("1"), json!(null)] {
        let mut document = empty();
        document["version"] = version;
        refused_whole(&mut client, &document, "0A000", "version")?;
    }
    for member in
        ["server", "settings", "objects", "relations", "statistics", "extended", "expressions"]
    {
        let mut document = empty();
        document[member] = json!({"a": 1});
        refused_whole(&mut client, &document, "22023", "malformed")?;
        document.as_object_mut().context("object")?.remove(member);
        refused_whole(&mut client, &document, "22023", member)?;
    }
    for (pages, tuples) in [(json!(-1), json!(1)), (json!(1e10), json!(1)), (json!(1), json!("x"))]
    {
        let mut document = empty();
        document["relations"] = json!([{"schema": "s", "name": "t", "is_index": false, "pages": pages,
            "tuples": tuples, "all_visible": 0}]);
        refused_whole(&mut client, &document, "22023", "malformed")?;
    }
    refused(&mut client, "select mcp_import_statistics(null)", "22004")?;
    refused(&mut client, "select mcp_import_statistics('{}', null)", "22004")?;
    Ok(())
}

/// Kinds and statements that do not belong together, and statements of no kind.
const OTHERS: &[(&str, &str)] = &[
    ("table", "drop table x"),
    ("table", "create table x (); create table y ()"),
    ("table", "create table x as select 1"),
    ("table", "select pg_sleep(0)"),
    ("table", ""),
    ("schema", "create schema x create table y ()"),
    ("schema", "create schema x authorization postgres"),
    ("extension", "alter extension hypopg update"),
    ("type", "create type x"),
    ("type", "alter type x add value 'y'"),
    ("sequence", "drop sequence x"),
    ("function", "create function x() returns integer language c as 'x', 'y'"),
    ("function", "create function x() returns integer language internal as 'pi'"),
    ("function", "create function x() returns integer language sql security definer as 'select 1'"),
    ("function", "create procedure x() language sql as 'select 1'"),
    ("function", "do 'begin end'"),
    ("view", "create materialized view x as select 1"),
    ("view", "create table x as select 1 with no data"),
    ("view", "create rule x as on insert to y do instead nothing"),
    ("index", "create index concurrently on x (a)"),
    ("index", "reindex table x"),
    ("parent", "alter table x owner to postgres"),
    ("parent", "alter table x inherit y, add column a integer"),
    ("storage", "alter table x alter column a type text using pg_read_file('x')"),
    ("constraint", "alter table x add constraint y foreign key (a) references z"),
    ("constraint", "alter table x add constraint y check (a > 0)"),
    ("foreign key", "alter table x add constraint y primary key (a)"),
    ("index part", "alter table x attach partition y default"),
    ("statistics", "alter statistics x set statistics 1"),
    ("copy", "copy x from program 'true'"),
    ("role", "create role shadow_intruder superuser"),
    ("trigger", "create trigger x before insert on y execute function z()"),
    ("setting", "alter system set work_mem = 1"),
];

fn other_statements(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "shadow_other")?;
    for (kind, ddl) in OTHERS {
        let mut document = empty();
        document["objects"] = json!([object(kind, ddl)]);
        refused_whole(&mut client, &document, "22023", kind)?;
    }
    let mut document = empty();
    document["objects"] = json!([object("table", "creat table")]);
    refused_whole(&mut client, &document, "42601", "syntax error")?;
    // Settings that are none of the planner's are not set.
    let mut document = empty();
    document["settings"] = json!([
        {"name": "session_preload_libraries", "setting": "evil"},
        {"name": "work_mem", "setting": "1234'; select 1; --"},
        {"name": "enable_seqscan", "setting": "off"},
    ]);
    client.batch_execute(&format!("begin; {}", call(&document)))?;
    let set: Vec<String> = client
        .query_one(
            "select setconfig from pg_db_role_setting
            where setdatabase = (select oid from pg_database where datname = current_database())",
            &[],
        )?
        .try_get(0)?;
    client.batch_execute("rollback")?;
    let text = set.join(" ");
    ensure!(text.contains("enable_seqscan=off") && !text.contains("evil"), "{text}");
    ensure!(!text.contains("1234"), "{text}");
    Ok(())
}

fn wrong_statistics(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "shadow_wrong")?;
    let mut base = empty();
    base["objects"] = json!([
        object(
            "table",
            "create table public.t (a integer, b text, c text[], d point, e int4range)"
        ),
        object("statistics", "create statistics public.s on a, b from public.t"),
    ]);
    base["relations"] = json!([{"schema": "public", "name": "t", "is_index": false, "pages": 100,
        "tuples": 1000, "all_visible": 0}]);
    let good = json!({"schema": "public", "relation": "t", "column": "a", "inherited": false,
        "null_frac": 0.0, "avg_width": 4, "n_distinct": -1.0, "correlation": 0.5,
        "mcv": "{1,2}", "mcv_freqs": [0.5, 0.1], "histogram": "{3,4,5}"});
    let with = |changes: Value| {
        let mut statistics = good.clone();
        for (key, value) in changes.as_object().into_iter().flatten() {
            statistics[key] = value.clone();
        }
        let mut document = base.clone();
        document["statistics"] = json!([statistics]);
        document
    };
    client.batch_execute(&format!("begin; {}; rollback", call(&with(json!({})))))?;
    for (changes, code) in [
        (json!({"mcv": "{1,x}"}), "22P02"),
        (json!({"mcv": "{1,99999999999}"}), "22003"),
        (json!({"mcv": "{1,2,3}"}), "22023"),
        (json!({"mcv": "{1,null}"}), "22023"),
        (json!({"mcv": "{{1,2}}", "mcv_freqs": [0.5]}), "22023"),
        (json!({"mcv": "{}", "mcv_freqs": []}), "22023"),
        (json!({"mcv_freqs": [0.5, 2.0]}), "22023"),
        (json!({"histogram": "{3}"}), "22023"),
        (json!({"null_frac": 1.5}), "22023"),
        (json!({"avg_width": -4}), "22023"),
        (json!({"n_distinct": -7.0}), "22023"),
        (json!({"correlation": 3.0}), "22023"),
        (json!({"elements": "{1}", "element_freqs": [0.1, 0.1, 0.1]}), "22023"),
        (
            json!({"column": "c", "mcv": null, "histogram": null, "elements": "{a}", "element_freqs": [0.1]}),
            "22023",
        ),
        (json!({"column": "d", "mcv": null, "histogram": null}), "22023"),
    ] {
        refused_whole(&mut client, &with(changes), code, "public.t")?;
    }
    for (extended, code) in [
        (json!({"n_distinct": "{\"1, 9\": 3}"}), "22023"),
        (json!({"n_distinct": "\u{0}"}), "22P05"),
        (json!({"dependencies": "{\"1 => 2\": 7}"}), "22023"),
        (json!({"mcv": [["1"]], "mcv_freqs": [0.1], "mcv_base_freqs": [0.1]}), "22023"),
        (json!({"mcv": [["x", "y"]], "mcv_freqs": [0.1], "mcv_base_freqs": [0.1]}), "22P02"),
        (json!({"mcv": [["1", "y"]], "mcv_freqs": [7], "mcv_base_freqs": [0.1]}), "22023"),
    ] {
        let mut one = json!({"schema": "public", "name": "s", "inherited": false, "columns": {"1": "a", "2": "b"}});
        for (key, value) in extended.as_object().into_iter().flatten() {
            one[key] = value.clone();
        }
        let mut document = base.clone();
        document["extended"] = json!([one]);
        if code == "22P05" {
            // The type jsonb has no zero characters.
            refused(&mut client, &call(&document), code)?;
            continue;
        }
        refused_whole(&mut client, &document, code, "public.s")?;
    }
    Ok(())
}

fn all_or_nothing(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "shadow_atomic")?;
    let mut document = empty();
    document["settings"] = json!([{"name": "work_mem", "setting": "1024"}]);
    document["objects"] = json!([
        object("schema", "create schema made"),
        object("table", "create table made.t (a integer)"),
        object("view", "create view made.v as select * from made.t"),
        object("index", "create index on made.missing (a)"),
    ]);
    refused_whole(&mut client, &document, "42P01", "could not create index x")?;
    // Views before their tables are made all the same, and what nothing needs may be missing.
    document["objects"] = json!([
        object("schema", "create schema made"),
        object("extension", "create extension there_is_no_such"),
        object("view", "create view made.v as select made.f(a) as a from made.t"),
        object("table", "create table made.t (a integer)"),
        object(
            "function",
            "create function made.f(x integer) returns integer language sql immutable as 'select x + 1'"
        ),
        object(
            "function",
            "create function made.g(x made.nothing) returns integer language sql as 'select 1'"
        ),
    ]);
    let answer: String = client.query_one(&call(&document), &[])?.try_get(0)?;
    let answer: Value = serde_json::from_str(&answer)?;
    let left_out = answer["left_out"].as_array().context("left_out")?.len();
    ensure!(left_out == 2, "{answer}");
    ensure!(client.query("select a from made.v", &[])?.is_empty());
    Ok(())
}

fn in_use(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "shadow_in_use")?;
    client.batch_execute("create table precious (a integer); insert into precious values (1)")?;
    for replace in ["false", "true"] {
        let sql = format!("select mcp_import_statistics('{}', {replace})", empty());
        let error = refused(&mut client, &sql, "55000")?;
        ensure!(error.detail().is_some_and(|detail| detail.contains("precious")), "{error:?}");
    }
    ensure!(client.query("select from precious", &[])?.len() == 1);
    // In a read-only transaction nothing is made.
    let mut client = database(fixture, "shadow_read_only")?;
    client.batch_execute("begin read only")?;
    let mut document = empty();
    document["objects"] = json!([object("schema", "create schema made")]);
    let error = client.query(&call(&document), &[]).err().context("it was imported")?;
    let code = error.code().map(|code| code.code().to_owned());
    ensure!(code.as_deref() == Some("25006"), "{code:?}");
    Ok(())
}

/// What is imported is the code of who imported it, whoever calls the advisor; and a schema that only
/// looks like an import's is not read.
fn code(fixture: &Fixture) -> Result<()> {
    let mut admin = fixture.database("shadow_code", &["hypopg", "mcp_advisor"])?;
    admin.batch_execute(
        "create role shadow_stranger login; alter database shadow_code owner to shadow_stranger",
    )?;
    let mut document = empty();
    document["objects"] = json!([
        object("table", "create table public.t (a text)"),
        object(
            "function",
            "create function public.who() returns text language plpgsql immutable as
                $$ begin raise exception 'run as %', current_user; end $$"
        ),
    ]);
    document["relations"] = json!([{"schema": "public", "name": "t", "is_index": false, "pages": 1000,
        "tuples": 100_000, "all_visible": 0}]);
    document["workload"] = json!([{"queryid": 1, "calls": 3, "total_ms": 50.0, "rows": 1,
        "query": "select * from public.t where a = public.who()"}]);
    let mut stranger = fixture.cluster.connect_as("shadow_code", "shadow_stranger")?;
    stranger.batch_execute(&call(&document))?;
    let mut admin = fixture.cluster.connect("shadow_code")?;
    let report: String = admin
        .query_one("select mcp_advise_report()::text", &[])
        .context("advise on the shadow")?
        .try_get(0)?;
    ensure!(report.contains("run as shadow_stranger"), "{report}");
    // A view in the place of the table would run what it is made of.
    stranger.batch_execute(
        "alter table mcp_shadow.statement rename to was;
        create view mcp_shadow.statement as select place, queryid, query || public.who() as query,
            calls, total_ms, rows, search_path from mcp_shadow.was",
    )?;
    let error = admin.query("select mcp_advise_report()", &[]).err().context("it was read")?;
    let code = error.code().map(|code| code.code().to_owned());
    // There is no workload: neither there nor of this database.
    ensure!(code.as_deref() == Some("55000"), "{error}");
    Ok(())
}
