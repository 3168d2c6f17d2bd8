//! What the bridge is besides a read-only server of one database with the extension: unrestricted,
//! of several databases, without the extension, and its subcommands.

use std::fs;
use std::process::Command;

use advisor_tests::bridge::stdio::Pipe;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::Case;
use crate::fixture::{Fixture, PASSWORD, ROLE, assert_discreet, texts};

pub(crate) const CASES: &[Case] = &[
    ("unrestricted_commits_and_rolls_back", unrestricted),
    ("nothing_of_a_call_reaches_the_next", apart),
    ("several_databases_from_a_file", several),
    ("without_the_extension", bare),
    ("check_says_what_is_missing", check),
    ("subcommands_print_what_they_say", subcommands),
];

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap_or_default()
}

fn unrestricted(fixture: &Fixture) -> Result<()> {
    let mut command = fixture.bridge("mode_unrestricted")?;
    let mut pipe = Pipe::initialized(command.arg("--access-mode=unrestricted"))?;
    let mut run = |sql: &str| pipe.call("execute_sql", &json!({"sql": sql}));
    run("create table shop.written (n integer unique deferrable initially deferred)")?;
    let inserted = run("insert into shop.written values (1), (2)")?;
    ensure!(inserted["structuredContent"]["command"] == "INSERT 2", "{inserted}");
    let returned = run("insert into shop.written values (3) returning n * 2 as twice")?;
    ensure!(returned["structuredContent"]["row_count"] == 1, "{returned}");
    // A script is one transaction.
    let failed = run("insert into shop.written values (4); select 1/0")?;
    ensure!(failed["structuredContent"]["error"]["sqlstate"] == "22012", "{failed}");
    // An error at the commit is the call's.
    let failed = run("insert into shop.written values (1)")?;
    ensure!(failed["structuredContent"]["error"]["sqlstate"] == "23505", "{failed}");
    // What cannot run in a transaction runs alone, and only alone.
    let vacuumed = run("vacuum shop.written")?;
    ensure!(vacuumed["isError"] != true, "{vacuumed}");
    let refused = run("vacuum shop.written; select 1")?;
    ensure!(refused["structuredContent"]["error"]["kind"] == "invalid_argument", "{refused}");
    let refused = run("commit")?;
    ensure!(refused["isError"] == true, "{refused}");
    let mut admin = fixture.admin()?;
    let written = texts(&mut admin, "select n::text from shop.written order by n")?;
    ensure!(written == ["1", "2", "3"], "{written:?}");
    run("drop table shop.written")?;
    // The other tools only read, whatever the mode.
    let refused =
        pipe.call("explain_query", &json!({"sql": "delete from shop.orders", "analyze": true}))?;
    ensure!(refused["isError"] == true, "{refused}");
    pipe.close()?;
    fixture.assert_no_backend("mode_unrestricted")
}

/// One connection, so that the next call surely has the same.
fn apart(fixture: &Fixture) -> Result<()> {
    let mut command = fixture.bridge("mode_apart")?;
    command.args(["--access-mode=unrestricted", "--pool-size=1"]);
    let mut pipe = Pipe::initialized(&mut command)?;
    for sql in [
        "set work_mem = '77MB'",
        "select pg_advisory_lock(815)",
        "create temp table left_behind (a integer)",
        "prepare left_behind as select 1",
        "listen left_behind",
        "set role pg_monitor",
    ] {
        let done = pipe.call("execute_sql", &json!({"sql": sql}))?;
        ensure!(done["isError"] != true, "{sql}: {done}");
        let left = pipe.call(
            "execute_sql",
            &json!({"sql": "select current_setting('work_mem') <> '77MB' as setting,
                not exists (select from pg_locks where locktype = 'advisory'
                    and pid = pg_backend_pid()) as lock,
                to_regclass('pg_temp.left_behind') is null as temp_table,
                not exists (select from pg_prepared_statements where from_sql) as prepared,
                not exists (select from pg_listening_channels()) as listening,
                current_user = session_user as role"}),
        )?;
        let clean = &left["structuredContent"]["rows"];
        ensure!(clean == &json!([[true, true, true, true, true, true]]), "{sql}: {clean}");
    }
    pipe.close()?;
    fixture.assert_no_backend("mode_apart")
}

fn several(fixture: &Fixture) -> Result<()> {
    let mut admin = fixture.cluster.create_database("second")?;
    admin.batch_execute("create table only_here (id integer)")?;
    let folder = fixture.cluster.socket_dir();
    let file = folder.join("bridge.toml");
    let uri = fixture.uri("mode_several");
    fs::write(
        &file,
        "[databases.first]\nuri_env = \"FIRST_URI\"\n\
         [databases.second]\ndescription = \"the other one\"\nuri_env = \"SECOND_URI\"\n\
         [limits]\nrows = 7\n",
    )?;
    let mut command = fixture.bridge("unused")?;
    command.env_remove("DATABASE_URI").arg("--config").arg(&file);
    command.env("FIRST_URI", &uri).env("SECOND_URI", uri.replace("/shop?", "/second?"));
    let mut pipe = Pipe::initialized(&mut command)?;
    let tools = pipe.request("tools/list", &json!({}))?;
    for tool in tools["result"]["tools"].as_array().context("no tools")? {
        let names = &tool["inputSchema"]["properties"]["database"]["enum"];
        ensure!(names == &json!(["first", "second"]), "{tool}");
    }
    let sql = "select current_database()::text";
    for (database, found) in [(None, "shop"), (Some("first"), "shop"), (Some("second"), "second")] {
        let mut arguments = json!({"sql": sql});
        if let Some(database) = database {
            arguments["database"] = json!(database);
        }
        let answer = pipe.call("execute_sql", &arguments)?;
        ensure!(answer["structuredContent"]["rows"] == json!([[found]]), "{answer}");
    }
    let cut = pipe.call("execute_sql", &json!({"sql": "select generate_series(1, 100)"}))?;
    ensure!(cut["structuredContent"]["row_count"] == 7, "the file's limit: {cut}");
    let unknown = pipe.call("list_schemas", &json!({"database": "third"}))?;
    ensure!(unknown["isError"] == true && text(&unknown).contains("\"second\""), "{unknown}");
    let resources = pipe.request("resources/list", &json!({}))?;
    let listed = resources["result"]["resources"].to_string();
    ensure!(listed.contains("postgres://second/schema/public"), "{listed}");
    let ended = pipe.close()?;
    assert_discreet(&ended.log)
}

/// A database without any extension: what needs only SQL works, the rest says what to do.
fn bare(fixture: &Fixture) -> Result<()> {
    let mut admin = fixture.cluster.create_database("bare")?;
    admin.batch_execute(
        "create table things (id integer primary key, name text); insert into things \
         select i, 'thing ' || i from generate_series(1, 1000) as i; analyze things; \
         grant select on things to keeper",
    )?;
    let uri = fixture.uri("mode_bare").replace("/shop?", "/bare?");
    let mut pipe = Pipe::initialized(fixture.bridge("mode_bare")?.env("DATABASE_URI", uri))?;
    for (tool, arguments, expected) in [
        ("list_schemas", json!({}), "public"),
        ("list_objects", json!({"schema_name": "public"}), "things"),
        (
            "get_object_details",
            json!({"schema_name": "public", "object_name": "things"}),
            "things_pkey",
        ),
        ("execute_sql", json!({"sql": "select count(*) from things"}), "1000"),
        ("explain_query", json!({"sql": "select * from things where id = 5"}), "Index Scan"),
        ("explain_query", json!({"sql": "select * from things", "analyze": true}), "actual"),
        ("analyze_db_health", json!({"health_type": "index,sequence"}), "duplicate_index"),
        ("get_top_queries", json!({}), "CREATE EXTENSION pg_stat_statements"),
    ] {
        let answer = pipe.call(tool, &arguments)?;
        ensure!(answer["isError"] != true && text(&answer).contains(expected), "{tool}: {answer}");
    }
    for (tool, arguments, missing) in [
        ("analyze_workload_indexes", json!({}), "CREATE EXTENSION mcp_advisor"),
        ("analyze_query_indexes", json!({"queries": ["select 1"]}), "CREATE EXTENSION mcp_advisor"),
        (
            "explain_query",
            json!({"sql": "select 1", "hypothetical_indexes": [{"table": "things", "columns": ["name"]}]}),
            "mcp_advisor",
        ),
    ] {
        let answer = pipe.call(tool, &arguments)?;
        let kind = &answer["structuredContent"]["error"]["kind"];
        ensure!(kind == "missing_extension" && text(&answer).contains(missing), "{tool}: {answer}");
    }
    pipe.close()?;
    Ok(())
}

fn output(command: &mut Command) -> Result<(Option<i32>, String)> {
    let output = command.output()?;
    assert_discreet(&String::from_utf8_lossy(&output.stderr))?;
    Ok((output.status.code(), String::from_utf8(output.stdout)?))
}

fn check(fixture: &Fixture) -> Result<()> {
    let (code, good) = output(fixture.bridge("mode_check")?.arg("check"))?;
    ensure!(code == Some(0), "{code:?}: {good}");
    ensure!(!good.contains(PASSWORD) && good.contains(ROLE), "{good}");
    fixture.cluster.create_database("unprepared")?;
    let uri = fixture.uri("mode_check").replace("/shop?", "/unprepared?");
    let mut command = fixture.bridge("mode_check")?;
    let (code, found) = output(command.env("DATABASE_URI", &uri).args(["check", "--json"]))?;
    ensure!(code == Some(5), "{code:?}: {found}");
    let report: Value = serde_json::from_str(&found)?;
    ensure!(report["ok"] == false, "{report}");
    let mends = report["databases"][0]["items"].to_string();
    ensure!(mends.contains("CREATE EXTENSION mcp_advisor;"), "{mends}");
    let unknown = uri.replace("/unprepared?", "/not_there?");
    let mut command = fixture.bridge("mode_check")?;
    let (code, found) = output(command.env("DATABASE_URI", unknown).arg("check"))?;
    ensure!(code == Some(5) && found.contains("does not exist"), "{code:?}: {found}");
    Ok(())
}

fn subcommands(fixture: &Fixture) -> Result<()> {
    let run = |arguments: &[&str]| output(fixture.bridge("mode_commands")?.args(arguments));
    for (arguments, expected) in [
        (&["--version"][..], "mcp-bridge 0."),
        (&["--help"], "Examples:"),
        (&["man"], ".TH MCP-BRIDGE"),
        (&["completions", "bash"], "complete -F"),
        (&["completions", "zsh"], "#compdef mcp-bridge"),
        (&["tools", "--access-mode=unrestricted"], "Execute SQL (may write)"),
        (&["print-config", "--client=cursor"], "DATABASE_URI"),
        (&["print-config", "--client=goose", "--url=http://localhost:8000/mcp"], "streamable_http"),
    ] {
        let (code, printed) = run(arguments)?;
        ensure!(
            code == Some(0) && printed.contains(expected),
            "{arguments:?}: {code:?}\n{printed}"
        );
        ensure!(!printed.contains(PASSWORD), "{arguments:?} shows the password");
    }
    let (code, _) = run(&["--transport=carrier-pigeon"])?;
    ensure!(code == Some(2), "{code:?}");
    Ok(())
}
