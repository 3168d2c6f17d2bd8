//! `mcp_health` on who gets in and what he may do, each on a server of its own: roles and
//! pg_hba.conf are the server's.

use std::fs;

use advisor_tests::cluster::server_version;
use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::Case;
use crate::fixture::Fixture;
use crate::health::{database, expect_and_mend, expect_ok, findings, summary};
use crate::health_settings::{client, server, simulated};

pub(crate) const CASES: &[Case] = &[
    ("health_finds_superusers_and_passwords_that_end", roles),
    ("health_finds_schemas_that_are_open_to_all", public_create),
    ("health_finds_who_is_trusted_over_the_network", trust),
    ("health_finds_functions_that_run_as_superuser_unpinned", security_definer),
];

fn roles(_: &Fixture) -> Result<()> {
    let (_cluster, mut client) = server("")?;
    client.batch_execute(
        r#"create role "D'BA" superuser login; create role group_of_dbas superuser;
        create role plain login"#,
    )?;
    client.batch_execute("set mcp_advisor.health_superuser_most = 0")?;
    ensure!(summary(&mut client, "superuser")? == [r#"warning "D'BA""#]);
    client.batch_execute("reset mcp_advisor.health_superuser_most")?;
    // The owner of a database is not its stranger.
    client.batch_execute(r#"create database own owner "D'BA""#)?;
    expect_and_mend(&mut client, "superuser", &[r#"info "D'BA""#])?;

    client.batch_execute(
        "do $$ begin
            execute format('create role soon login valid until %L', now() + interval '5 days');
            execute format('create role later login valid until %L', now() + interval '50 days');
            execute format('create role nobody valid until %L', now() + interval '5 days');
            execute format('create role \"Pa st\" login valid until %L', now() - interval '1 h');
        end $$; create role never login valid until 'infinity'",
    )?;
    let found = findings(&mut client, "password_expiry")?;
    ensure!(found.len() == 2 && found[0].object == "soon", "{found:#?}");
    ensure!(found[0].severity == "warning" && found[0].value == Some(5.0), "{found:#?}");
    ensure!(found[1].object == "\"Pa st\"" && found[1].severity == "info", "{found:#?}");
    ensure!(found[1].remediation.is_empty() && found[1].message.contains("new VALID UNTIL"));
    client.batch_execute("alter role \"Pa st\" valid until 'infinity'")?;
    expect_and_mend(&mut client, "password_expiry", &["warning soon"])?;
    client.batch_execute("set mcp_advisor.health_password_expiry_warning = '60d'")?;
    ensure!(summary(&mut client, "password_expiry")? == ["warning later"]);
    Ok(())
}

fn public_create(_: &Fixture) -> Result<()> {
    let (cluster, mut client) = server("")?;
    expect_ok(&mut client, "public_create")?;
    client.batch_execute(
        r#"create role app; create schema "A ""b"; create schema "x, y"; create schema closed;
        create schema aside; grant create on schema closed to app;
        grant create on schema public, "A ""b", "x, y", aside to public;
        alter role app set search_path = "x, y", closed;
        alter database postgres set search_path = "$user", Public, "A ""b""#,
    )?;
    let mut client = self::client(&cluster)?;
    expect_and_mend(
        &mut client,
        "public_create",
        &[r#"warning "A ""b""#, r#"warning "x, y""#, "warning public", "info aside"],
    )
}

fn trust(_: &Fixture) -> Result<()> {
    let (cluster, mut client) = server("")?;
    // What initdb wrote: the machine's own users.
    let found = findings(&mut client, "trust_authentication")?;
    ensure!(found.len() == 1 && found[0].severity == "info", "{found:#?}");
    ensure!(found[0].message.contains("own machine"), "{found:#?}");

    let file: String = client.query_one("show hba_file", &[])?.try_get(0)?;
    let local = "local all all trust\nhost all all 127.0.0.0/8 trust\n\
        host all all ::1/128 trust\nhostssl all all 0.0.0.0/0 scram-sha-256\n\
        hostssl all all 10.0.0.0/8 password\n";
    fs::write(
        &file,
        format!("{local}host all all 10.0.0.0/8 trust\nhost all \"a<&>b\" all trust\n"),
    )?;
    let found = findings(&mut client, "trust_authentication")?;
    // From 16 on the file is named too, as there may be several.
    let place = if server_version()? < 160_000 { String::new() } else { format!("{file} ") };
    let (sixth, seventh) = (format!("{place}line 6"), format!("{place}line 7"));
    // This server listens to nobody yet.
    let lines: Vec<(&str, &str)> =
        found.iter().map(|one| (one.severity.as_str(), one.object.as_str())).collect();
    ensure!(lines[..2] == [("warning", &*sixth), ("warning", &*seventh)], "{found:#?}");
    ensure!(lines.len() == 3 && lines[2].0 == "info", "{found:#?}");
    ensure!(found[0].message.contains("10.0.0.0/255.0.0.0"), "{found:#?}");
    ensure!(found[1].details["user_name"] == Value::from(vec!["a<&>b"]), "{found:#?}");
    let setting = "pg_catalog.current_setting('listen_addresses')";
    for (addresses, severity) in [
        ("'*'", "critical"),
        ("'localhost, 10.1.2.3'", "critical"),
        ("'localhost,127.0.0.1'", "warning"),
    ] {
        let found = simulated(&mut client, "trust_authentication", (setting, addresses))?;
        let wanted = format!("{severity} {sixth}: ");
        ensure!(found.iter().any(|one| one.starts_with(&wanted)), "{addresses}: {found:#?}");
    }

    fs::write(&file, format!("{local}host all all all password\nhost all all nonsense/x trust\n"))?;
    let found = findings(&mut client, "trust_authentication")?;
    let row = |object: &str| found.iter().find(|one| one.object == object).context("row");
    ensure!(row(&sixth)?.message.contains("readable over the network"), "{found:#?}");
    ensure!(row(&seventh)?.message.contains("cannot be read"), "{found:#?}");

    // Whom the rules are not shown is told so, and what would show them.
    client.batch_execute("create role plain login; create role mon login in role pg_monitor")?;
    for role in ["plain", "mon"] {
        let mut other = cluster.connect_as("postgres", role)?;
        let found = findings(&mut other, "security,settings,version,integrity")?;
        let failed = found.iter().any(|one| one.message.starts_with("could not be checked"));
        ensure!(!failed, "{found:#?}");
        let hidden: Vec<_> =
            found.iter().filter(|one| one.details["ran"] == Value::Bool(false)).collect();
        ensure!(hidden.len() == 1 && hidden[0].check == "trust_authentication", "{hidden:#?}");
        client.batch_execute(&hidden[0].remediation)?;
        let found = findings(&mut other, "trust_authentication")?;
        ensure!(found.iter().any(|one| one.object == sixth), "{found:#?}");
    }

    // As the message says.
    fs::write(&file, local.replace("trust", "peer").replace("host all all", "#"))?;
    expect_ok(&mut client, "trust_authentication")
}

fn security_definer(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_definer")?;
    client.batch_execute(
        r#"create schema "S 1"; create type "S 1"."T" as (a integer);
        create role health_definer_owner; grant create on schema public to health_definer_owner;
        create function "S 1"."F"(a "S 1"."T", text default '''') returns integer
            language sql security definer as 'select 1';
        create procedure p() language plpgsql security definer as 'begin end';
        create function invoker() returns integer language sql as 'select 1';
        create function pinned() returns integer language sql security definer
            set search_path = pg_catalog, pg_temp as 'select 1';
        create function bound() returns integer language sql security definer
            begin atomic select 1; end;
        create function own() returns integer language sql security definer as 'select 1';
        revoke execute on function own() from public;
        create function harmless() returns integer language sql security definer as 'select 1';
        alter function harmless() owner to health_definer_owner"#,
    )?;
    expect_and_mend(
        &mut client,
        "security_definer",
        &[r#"info "S 1"."F"(a "S 1"."T", text)"#, "info public.p()"],
    )?;
    // The mended ones still run.
    client.batch_execute(r#"call p(); select "S 1"."F"(row(1)::"S 1"."T")"#)?;
    Ok(())
}
