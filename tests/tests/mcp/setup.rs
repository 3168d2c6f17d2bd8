//! `mcp-bridge setup`, what a bridge can do as the role that it makes, and what a bridge says of a role
//! that can do more.

use std::process::Command;
use std::time::Duration;

use advisor_tests::bridge::stdio::Pipe;
use advisor_tests::bridge::{command, wait_until};
use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde_json::json;

use crate::Case;
use crate::fixture::{Fixture, assert_discreet, texts};

pub(crate) const CASES: &[Case] = &[
    ("setup_changes_nothing_unless_told_to", dry_run),
    ("setup_makes_a_role_that_only_reads", reader),
    ("setup_quotes_odd_names", odd_names),
    ("setup_refuses_what_a_person_must_decide", refusals),
    ("start_says_what_the_role_can_do", start),
];

/// The password of the roles that are made; it must appear nowhere.
const PASSWORD: &str = "canary/of the reader";

struct Done {
    code: Option<i32>,
    out: String,
    errors: String,
}

fn setup(fixture: &Fixture, database: &str, as_role: &str, arguments: &[&str]) -> Result<Done> {
    let mut command: Command = command()?;
    command.arg("setup").args(arguments);
    command.env("DATABASE_URI", fixture.cluster.uri(database, as_role));
    let output = command.env("MCP_BRIDGE_ROLE_PASSWORD", PASSWORD).output()?;
    let done = Done {
        code: output.status.code(),
        out: String::from_utf8(output.stdout)?,
        errors: String::from_utf8(output.stderr)?,
    };
    ensure!(!format!("{}{}", done.out, done.errors).contains(PASSWORD), "it shows the password");
    assert_discreet(&done.errors)?;
    Ok(done)
}

fn done(done: Done) -> Result<String> {
    ensure!(done.code == Some(0), "{:?}: {}{}", done.code, done.out, done.errors);
    Ok(done.out)
}

/// All that setup touches.
fn state(client: &mut Client, role: &str) -> Result<String> {
    let sql = format!(
        "select concat_ws(' ',
            (select row_to_json(r)::text from pg_roles r where rolname = '{role}'),
            (select array_agg(roleid::regrole::text order by roleid) from pg_auth_members
                where member = to_regrole(quote_ident('{role}'))),
            (select array_agg(nspacl::text order by oid) from pg_namespace),
            (select array_agg(relacl::text order by oid) from pg_class),
            (select datacl::text from pg_database where datname = current_database()),
            (select array_agg(d::text order by oid) from pg_default_acl d),
            (select array_agg(extname order by oid) from pg_extension))"
    );
    Ok(texts(client, &sql)?.remove(0))
}

fn dry_run(fixture: &Fixture) -> Result<()> {
    let mut admin = fixture.cluster.create_database("setup_dry")?;
    admin.batch_execute("create table t (id integer)")?;
    let before = state(&mut admin, "setup_dry_reader")?;
    let arguments = ["--role=setup_dry_reader", "--schema=public", "--extension"];
    let sql = done(setup(fixture, "setup_dry", "postgres", &arguments)?)?;
    ensure!(state(&mut admin, "setup_dry_reader")? == before, "something was changed");
    for line in ["BEGIN;", "CREATE ROLE \"setup_dry_reader\" LOGIN NOSUPERUSER", "COMMIT;"] {
        ensure!(sql.contains(line), "{sql}");
    }
    // What is printed can be run.
    admin.batch_execute(&sql)?;
    let after = state(&mut admin, "setup_dry_reader")?;
    ensure!(after.contains("mcp_advisor") && after != before, "{after}");
    admin.batch_execute("drop owned by setup_dry_reader; drop role setup_dry_reader")?;
    Ok(())
}

fn reader(fixture: &Fixture) -> Result<()> {
    let mut admin = fixture.cluster.create_database("setup_reader")?;
    admin.batch_execute(
        "create extension pg_stat_statements; create extension hypopg;
         create table t (id integer primary key, n integer);
         insert into t select i, i from generate_series(1, 1000) as i; analyze t;
         create table open (n integer); grant insert on open to public;
         create function escalate() returns integer language sql volatile security definer as
             'select 1'",
    )?;
    let arguments = ["--role=setup_reader", "--read-all-data", "--extension", "--apply"];
    let out = done(setup(fixture, "setup_reader", "postgres", &arguments)?)?;
    for warned in ["TEMPORARY ON DATABASE", "public.open", "escalate()"] {
        let warning = out.lines().find(|line| line.contains("warning") && line.contains(warned));
        ensure!(warning.is_some(), "{warned}: {out}");
    }
    let first = state(&mut admin, "setup_reader")?;
    // Somebody has loosened it.
    admin.batch_execute(
        "alter role setup_reader nologin; alter role setup_reader reset all;
         revoke pg_monitor from setup_reader",
    )?;
    ensure!(state(&mut admin, "setup_reader")? != first, "nothing was loosened");
    done(setup(fixture, "setup_reader", "postgres", &arguments)?)?;
    ensure!(state(&mut admin, "setup_reader")? == first, "the second time differs");
    let kept =
        texts(&mut admin, "select rolpassword from pg_authid where rolname = 'setup_reader'")?;
    ensure!(kept[0].starts_with("SCRAM-SHA-256$"), "{kept:?}");
    let uri = out.lines().find_map(|line| line.strip_prefix("-- DATABASE_URI=")).context("URI")?;
    let connect = || -> Result<Command> {
        let mut bridge = command()?;
        bridge.env("DATABASE_URI", uri).env("PGPASSWORD", PASSWORD);
        Ok(bridge)
    };
    all_tools(&mut Pipe::initialized(&mut connect()?)?)?;
    let mut pipe = Pipe::initialized(connect()?.arg("--access-mode=unrestricted"))?;
    for sql in [
        "insert into t values (0, 0)",
        "update t set n = 0",
        "delete from t",
        "truncate t",
        "drop table t",
        "create table u (n integer)",
        "create role other",
        "copy t to '/tmp/never'",
        "alter role setup_reader superuser",
    ] {
        let answer = pipe.call("execute_sql", &json!({"sql": sql}))?;
        let kind = answer["structuredContent"]["error"]["kind"].as_str().unwrap_or_default();
        ensure!(["permission_denied", "not_read_only"].contains(&kind), "{sql}: {answer}");
    }
    pipe.close()?;
    ensure!(texts(&mut admin, "select sum(n)::text from t")? == ["500500"]);
    ensure!(!fixture.cluster.log().contains(PASSWORD), "the server logged the password");
    admin.batch_execute("drop owned by setup_reader; drop role setup_reader")?;
    Ok(())
}

/// Each of the nine answers.
fn all_tools(pipe: &mut Pipe) -> Result<()> {
    for (tool, arguments) in [
        ("list_schemas", json!({})),
        ("list_objects", json!({"schema_name": "public"})),
        ("get_object_details", json!({"schema_name": "public", "object_name": "t"})),
        ("execute_sql", json!({"sql": "select count(*) from t"})),
        ("explain_query", json!({"sql": "select * from t where n = 5", "analyze": true})),
        ("get_top_queries", json!({})),
        ("analyze_workload_indexes", json!({})),
        ("analyze_query_indexes", json!({"queries": ["select * from t where n = 5"]})),
        ("analyze_db_health", json!({"health_type": "all"})),
    ] {
        let answer = pipe.call(tool, &arguments)?;
        ensure!(answer["isError"] != true, "{tool}: {answer}");
    }
    Ok(())
}

fn odd_names(fixture: &Fixture) -> Result<()> {
    let database = "setup \"odd'";
    fixture.cluster.connect("postgres")?.batch_execute("create database \"setup \"\"odd'\"")?;
    let mut admin = fixture.cluster.connect(database)?;
    admin.batch_execute(
        "create schema \"My \"\"schema; --\"; create table \"My \"\"schema; --\".t (n integer)",
    )?;
    let uri = "postgresql://postgres@/setup%20%22odd'?host=".to_owned()
        + &fixture.cluster.socket_dir().display().to_string();
    let role = "O'Reader \"x\"; drop table t; --";
    let mut bridge = command()?;
    bridge.env("DATABASE_URI", uri).args(["setup", "--apply", "--schema", "My \"schema; --"]);
    let output = bridge.args(["--role", role]).output()?;
    let out = String::from_utf8(output.stdout)?;
    ensure!(output.status.success(), "{out}{}", String::from_utf8_lossy(&output.stderr));
    let read = "select has_table_privilege(rolname, (select oid from pg_class where relname = 't'),
        'select')::text from pg_roles where rolname like 'O''Reader%'";
    ensure!(texts(&mut admin, read)? == ["true"], "{out}");
    // A table that is made later can be read too.
    admin.batch_execute("create table \"My \"\"schema; --\".t2 (n integer)")?;
    ensure!(texts(&mut admin, &read.replace("'t'", "'t2'"))? == ["true"], "{out}");
    let quoted = format!("\"{}\"", role.replace('"', "\"\""));
    admin.batch_execute(&format!("drop owned by {quoted}; drop role {quoted}"))?;
    Ok(())
}

fn refusals(fixture: &Fixture) -> Result<()> {
    let mut admin = fixture.cluster.create_database("setup_refused")?;
    admin.batch_execute(
        "create role setup_chief superuser; create role setup_member;
         create role setup_group; grant setup_group to setup_member;
         create role setup_owner; create table owned (n integer);
         alter table owned owner to setup_owner",
    )?;
    for (role, why) in [
        ("setup_chief", "has SUPERUSER"),
        ("setup_member", "is a member of setup_group"),
        ("setup_owner", "owns 1 objects"),
        ("postgres", "is the role that is connected"),
    ] {
        let before = state(&mut admin, role)?;
        let arguments = ["--role", role, "--read-all-data", "--apply"];
        let refused = setup(fixture, "setup_refused", "postgres", &arguments)?;
        ensure!(refused.code == Some(6) && refused.errors.contains(why), "{}", refused.errors);
        ensure!(state(&mut admin, role)? == before, "{role} was changed");
    }
    let refused = setup(fixture, "setup_refused", "postgres", &["--schema=nope", "--apply"])?;
    ensure!(refused.code == Some(6) && refused.errors.contains("\"nope\""), "{}", refused.errors);
    // Half way: the last statement fails, and the role is not there.
    let arguments = ["--role=setup_half", "--read-all-data", "--apply", "--temp-file-limit=a lot"];
    let refused = setup(fixture, "setup_refused", "postgres", &arguments)?;
    ensure!(
        refused.code == Some(6) && refused.errors.contains("Nothing was"),
        "{}",
        refused.errors
    );
    ensure!(
        texts(&mut admin, "select rolname::text from pg_roles where rolname = 'setup_half'")?
            .is_empty()
    );
    // As a role that may not.
    let uri = fixture.uri("setup_refused");
    let mut bridge = command()?;
    bridge.env("DATABASE_URI", uri).args(["setup", "--read-all-data", "--apply"]);
    let output = bridge.output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(6), "{told}");
    ensure!(told.contains("may not create roles"), "{told}");
    admin.batch_execute(
        "drop table owned; drop role setup_chief, setup_member, setup_group, setup_owner",
    )?;
    Ok(())
}

fn start(fixture: &Fixture) -> Result<()> {
    let mut admin = fixture.cluster.create_database("setup_start")?;
    for (database, extra, told, untold) in [
        ("setup_start", "", &["has SUPERUSER", "mcp-bridge setup", "more strictly"][..], "nothing"),
        ("setup_start", "create extension mcp_advisor", &["has SUPERUSER"], "more strictly"),
    ] {
        admin.batch_execute(extra)?;
        let mut bridge = command()?;
        let uri = fixture.cluster.uri(database, "postgres");
        let mut pipe = Pipe::initialized(bridge.env("DATABASE_URI", uri))?;
        wait_until("it is said", Duration::from_secs(20), || {
            let log = pipe.log();
            Ok(told.iter().all(|words| log.contains(words)))
        })?;
        ensure!(!pipe.log().contains(untold), "{}", pipe.log());
        let answer = pipe.call("list_schemas", &json!({}))?;
        ensure!(answer["isError"] != true, "{answer}");
        pipe.close()?;
    }
    // Of a role without powers, and where there is no server, nothing is said and nothing fails.
    let mut quiet = Pipe::initialized(&mut fixture.bridge("setup_start")?)?;
    let mut lost = command()?;
    lost.env("DATABASE_URI", "postgresql://nobody@/none?host=/nonexistent");
    let mut lost = Pipe::initialized(&mut lost)?;
    std::thread::sleep(Duration::from_secs(3));
    for pipe in [&mut quiet, &mut lost] {
        ensure!(!pipe.log().contains("mcp-bridge setup"), "{}", pipe.log());
        let listed = pipe.request("tools/list", &json!({}))?;
        ensure!(listed["result"]["tools"].is_array(), "{listed}");
    }
    others(fixture, &mut admin)
}

/// Powers other than a superuser's, by `check`.
fn others(fixture: &Fixture, admin: &mut Client) -> Result<()> {
    admin.batch_execute(&format!(
        "create role setup_powers login bypassrls createrole password '{PASSWORD}';
         grant pg_write_all_data, pg_read_server_files to setup_powers"
    ))?;
    let mut bridge = command()?;
    bridge.env("DATABASE_URI", fixture.cluster.uri("setup_start", "setup_powers"));
    let output = bridge.env("PGPASSWORD", PASSWORD).args(["check"]).output()?;
    let told = String::from_utf8(output.stdout)?;
    for words in
        ["BYPASSRLS", "CREATEROLE", "pg_write_all_data", "pg_read_server_files", "mcp-bridge setup"]
    {
        ensure!(told.contains(words), "{words}: {told}");
    }
    ensure!(!told.contains("SUPERUSER") && !told.contains("REPLICATION"), "{told}");
    admin.batch_execute("drop role setup_powers")?;
    Ok(())
}
