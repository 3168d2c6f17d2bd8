//! `mcp-bridge export` and `advise`: the advice for a server without the extension is that of the
//! extension on it.

use std::fs;
use std::process::Command;

use advisor_tests::bridge::command;
use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde_json::Value;

use crate::Case;
use crate::fixture::{Fixture, assert_discreet};

pub(crate) const CASES: &[Case] = &[
    ("shadow_advice_without_the_extension_is_that_of_it", same_advice),
    ("shadow_takes_files_and_refuses_what_is_in_use", files),
    ("shadow_says_what_is_missing", missing),
];

/// The password of the roles; it must appear nowhere.
const PASSWORD: &str = "canary/of the shadow";

const SCHEMA: &str = "
create table orders (id bigint primary key, customer integer not null, status text, placed timestamptz, note text);
insert into orders select i, i % 3000, case when i % 50 = 0 then 'open' else 'done' end,
    timestamptz '2024-01-01 00:00+00' + i * interval '5 minutes', 'note of ' || i from generate_series(1, 60000) i;
create table lines (\"Order\" bigint references orders, \"No\" integer, price numeric) partition by range (\"Order\");
create table lines_1 partition of lines for values from (0) to (30000);
create table lines_2 partition of lines for values from (30000) to (100000);
insert into lines select 1 + i % 60000, i, i * 1.5 from generate_series(1, 90000) i;
create index on orders (placed);
";

const WORK: [&str; 4] = [
    "select * from orders where customer = 17",
    "select id from orders where status = 'open' order by placed desc limit 5",
    "select sum(l.price) from lines l join orders o on o.id = l.\"Order\" where o.customer = 99",
    "select * from lines where \"No\" = 4",
];

struct Done {
    code: Option<i32>,
    out: String,
    errors: String,
}

fn run(mut command: Command) -> Result<Done> {
    let output = command.output()?;
    let done = Done {
        code: output.status.code(),
        out: String::from_utf8(output.stdout)?,
        errors: String::from_utf8(output.stderr)?,
    };
    ensure!(!format!("{}{}", done.out, done.errors).contains(PASSWORD), "it shows the password");
    assert_discreet(&done.errors)?;
    Ok(done)
}

/// `postgresql://role:password@…`.
fn uri(fixture: &Fixture, database: &str, role: &str) -> String {
    let password = PASSWORD.replace('/', "%2F").replace(' ', "%20");
    fixture.cluster.uri(database, role).replacen(
        &format!("//{role}@"),
        &format!("//{role}:{password}@"),
        1,
    )
}

fn advise(fixture: &Fixture, source: &str, shadow: &str, arguments: &[&str]) -> Result<Done> {
    let mut command = command()?;
    command.arg("advise").args(arguments).args(["--time-limit", "120"]);
    command.env("MCP_BRIDGE_SOURCE_URI", uri(fixture, source, &format!("{source}_reader")));
    command.env("MCP_BRIDGE_SHADOW_URI", uri(fixture, shadow, &format!("{shadow}_owner")));
    run(command)
}

/// A source with a workload, and roles: one that reads the source, one that owns scratch databases.
fn source(fixture: &Fixture, name: &str) -> Result<Client> {
    let mut client = fixture.cluster.create_database(name)?;
    client.batch_execute(&format!(
        "create role {name}_reader login password '{PASSWORD}' in role pg_read_all_data, pg_monitor;
        create extension pg_stat_statements; {SCHEMA}"
    ))?;
    for table in ["orders", "lines"] {
        client.batch_execute(&format!("vacuum (analyze) {table}"))?;
    }
    client.batch_execute(
        "select pg_stat_statements_reset(0, oid, 0) from pg_database where datname = current_database()",
    )?;
    for _ in 0..10 {
        WORK.iter().try_for_each(|statement| client.batch_execute(statement))?;
    }
    Ok(client)
}

fn scratch(fixture: &Fixture, name: &str) -> Result<Client> {
    let mut client = fixture.cluster.create_database(name)?;
    client.batch_execute(&format!(
        "create role {name}_owner login password '{PASSWORD}';
        alter database {name} owner to {name}_owner"
    ))?;
    Ok(client)
}

/// What an index of a report says that does not depend on the moment.
fn facts(index: &Value) -> String {
    let cost = |key: &str| index[key].as_f64().unwrap_or_default();
    format!(
        "{} {} {:.3} {}",
        index["ddl"],
        index["size_bytes"],
        cost("cost_after") / cost("cost_before").max(1e-9),
        index["improved_queries"]
    )
}

fn indexes(report: &Value) -> Vec<String> {
    report["indexes"].as_array().into_iter().flatten().map(facts).collect()
}

/// The choices, with the size that each needs: indexes that exist are as large as on the source.
fn front(report: &Value) -> Vec<String> {
    let choice = |one: &Value| format!("{} {}", one["index_bytes"], one["ddl"]);
    report["pareto_front"].as_array().into_iter().flatten().map(choice).collect()
}

fn same_advice(fixture: &Fixture) -> Result<()> {
    let mut client = source(fixture, "shadow_from")?;
    let mut admin = scratch(fixture, "shadow_to")?;
    // For how long writes were counted is not known of a shadow.
    admin.batch_execute(
        "create extension mcp_advisor;
        alter database shadow_to set mcp_advisor.write_weight = 0",
    )?;
    let before = catalog(&mut client)?;
    let done = advise(fixture, "shadow_from", "shadow_to", &["--json"])?;
    ensure!(done.code == Some(0), "{:?}: {}", done.code, done.errors);
    ensure!(catalog(&mut client)? == before, "the source was changed");
    let answer: Value = serde_json::from_str(&done.out)?;
    let found = (indexes(&answer["report"]), front(&answer["report"]));
    // The same with the extension on the source, which was not there until now.
    client.batch_execute("create extension mcp_advisor; set mcp_advisor.write_weight = 0")?;
    let sql = "select mcp_advise_report(time_limit => '2 min', plans => false)::text";
    let report: String = client.query_one(sql, &[])?.try_get(0)?;
    let report = serde_json::from_str(&report)?;
    let expected = (indexes(&report), front(&report));
    ensure!(!found.0.is_empty(), "{answer}");
    ensure!(found == expected, "{found:#?}\ninstead of\n{expected:#?}");
    // Once more, now read by the extension, into the same database, as text and within a budget.
    let done = advise(fixture, "shadow_from", "shadow_to", &["--replace", "--budget=100GB"])?;
    ensure!(done.code == Some(0), "{:?}: {}", done.code, done.errors);
    ensure!(done.out.contains("CREATE INDEX") && done.out.contains("statements"), "{}", done.out);
    let done =
        advise(fixture, "shadow_from", "shadow_to", &["--replace", "--budget=8kB", "--no-values"])?;
    ensure!(done.code == Some(0) && !done.out.contains("CREATE INDEX"), "{}", done.out);
    Ok(())
}

/// What a reader must not change.
fn catalog(client: &mut Client) -> Result<String> {
    let sql = "select concat((select md5(string_agg(c::text, '' order by oid)) from pg_class c where oid >= 16384),
        (select string_agg(extname, ' ' order by 1) from pg_extension),
        (select count(*) from pg_statistic), (select count(*) from pg_namespace))";
    Ok(client.query_one(sql, &[])?.try_get(0)?)
}

fn files(fixture: &Fixture) -> Result<()> {
    source(fixture, "shadow_file_from")?;
    let mut admin = scratch(fixture, "shadow_file_to")?;
    admin.batch_execute("create extension mcp_advisor")?;
    let folder = std::env::temp_dir().join(format!("advisor-shadow-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let file = folder.join("document.json");
    let result = from_file(fixture, &file.display().to_string());
    fs::remove_dir_all(&folder)?;
    result
}

fn from_file(fixture: &Fixture, file: &str) -> Result<()> {
    let mut export = command()?;
    export.args(["export", "--output", file]);
    export.env("DATABASE_URI", uri(fixture, "shadow_file_from", "shadow_file_from_reader"));
    let done = run(export)?;
    ensure!(done.code == Some(0) && done.out.is_empty(), "{}{}", done.out, done.errors);
    let text = fs::read_to_string(file)?;
    ensure!(!text.contains(PASSWORD) && text.contains("workload"));
    let advise = |arguments: &[&str]| {
        let mut command = command()?;
        command.args(["advise", "--from", file]).args(arguments);
        command
            .env("MCP_BRIDGE_SHADOW_URI", uri(fixture, "shadow_file_to", "shadow_file_to_owner"));
        run(command)
    };
    let first = advise(&[])?;
    ensure!(
        first.code == Some(0) && first.out.contains("CREATE INDEX"),
        "{}{}",
        first.out,
        first.errors
    );
    let second = advise(&[])?;
    ensure!(second.code == Some(8) && second.errors.contains("--replace"), "{}", second.errors);
    let third = advise(&["--replace"])?;
    ensure!(third.code == Some(0) && third.out == first.out, "{}\n{}", first.out, third.out);
    // Somebody's data is not dropped.
    fixture
        .cluster
        .connect("shadow_file_to")?
        .batch_execute("create table precious (a integer); insert into precious values (1)")?;
    let fourth = advise(&["--replace"])?;
    ensure!(fourth.code == Some(8) && fourth.errors.contains("precious"), "{}", fourth.errors);
    // A file that is none leaves everything as it is.
    for (content, said) in [("{", "cannot read"), ("{\"format\": 1}", "malformed")] {
        fs::write(file, content)?;
        let done = advise(&["--replace"])?;
        ensure!(done.code == Some(8) && done.errors.contains(said), "{}", done.errors);
    }
    Ok(())
}

fn missing(fixture: &Fixture) -> Result<()> {
    let mut client = source(fixture, "shadow_missing_from")?;
    scratch(fixture, "shadow_missing_to")?;
    // Only a superuser can create the extension.
    let done = advise(fixture, "shadow_missing_from", "shadow_missing_to", &[])?;
    ensure!(done.code == Some(8) && done.errors.contains("permission denied"), "{}", done.errors);
    let mut as_superuser = command()?;
    as_superuser
        .arg("advise")
        .env("MCP_BRIDGE_SOURCE_URI", fixture.cluster.uri("shadow_missing_from", "postgres"));
    as_superuser.env("MCP_BRIDGE_SHADOW_URI", fixture.cluster.uri("shadow_missing_to", "postgres"));
    let done = run(as_superuser)?;
    ensure!(
        done.code == Some(0) && done.out.contains("CREATE INDEX"),
        "{}{}",
        done.out,
        done.errors
    );
    // Without recorded statements there is a document, and nothing to advise on.
    client.batch_execute("drop extension pg_stat_statements")?;
    let mut without = command()?;
    without.args(["advise", "--replace"]);
    for (variable, database) in [("SOURCE", "shadow_missing_from"), ("SHADOW", "shadow_missing_to")]
    {
        let uri = fixture.cluster.uri(database, "postgres");
        without.env(format!("MCP_BRIDGE_{variable}_URI"), uri);
    }
    let done = run(without)?;
    let text = format!("{}{}", done.out, done.errors);
    ensure!(text.contains("pg_stat_statements is not in the database"), "{text}");
    ensure!(done.code == Some(0) && !done.out.contains("CREATE INDEX"), "{text}");
    // What one role has imported is not another's to drop.
    let done = advise(fixture, "shadow_missing_from", "shadow_missing_to", &["--replace"])?;
    ensure!(done.code == Some(8) && done.errors.contains("must be owner"), "{}", done.errors);
    let owned = fixture.cluster.uri("shadow_missing_to", "postgres");
    let mut same = command()?;
    same.args(["advise", "--source", &owned, "--shadow", &owned]);
    let done = run(same).context("the same database twice")?;
    ensure!(done.code == Some(2) && done.errors.contains("same database"), "{}", done.errors);
    Ok(())
}
