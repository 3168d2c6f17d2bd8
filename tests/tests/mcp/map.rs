//! How a model finds its way in a schema through a restricted bridge: by the extension's functions in
//! `execute_sql`, and by resources.

use advisor_tests::bridge::stdio::Pipe;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::Case;
use crate::fixture::Fixture;
use crate::guarded::bridge;

pub(crate) const CASES: &[Case] = &[
    ("map_functions_answer_in_restricted_mode", functions),
    ("map_resources_are_pages_finds_and_paths", resources),
    ("map_resources_without_the_extension_say_so", without),
];

const OBJECTS: &str = r#"
create schema app;
create table app.customers (id integer primary key, email text);
create table app.orders (id integer primary key, customer_id integer not null, placed date);
create table app."Line Items" (order_id integer references app.orders, n integer);
comment on table app.orders is 'what was bought';
insert into app.customers select g, 'x' from generate_series(1, 300) as g;
insert into app.orders select g, g, current_date from generate_series(1, 300) as g;
analyze;
create role map_reader login password 'map_reader';
grant usage on schema app to map_reader;
grant select on app.orders to map_reader;
"#;

fn rows(pipe: &mut Pipe, sql: &str) -> Result<Value> {
    let answer = pipe.call("execute_sql", &json!({"sql": sql}))?;
    ensure!(answer["isError"] != true, "{sql}: {answer}");
    Ok(answer["structuredContent"]["rows"].clone())
}

/// As superuser and as a role that may read one table.
fn functions(fixture: &Fixture) -> Result<()> {
    let mut admin = fixture.cluster.create_database("bridge_map")?;
    admin.batch_execute(OBJECTS)?;
    admin.batch_execute("create extension mcp_advisor")?;
    for user in ["postgres", "map_reader:map_reader"] {
        let mut command = fixture.bridge("bridge_map")?;
        let uri = fixture.cluster.uri("bridge_map", user);
        let mut pipe = Pipe::initialized(command.env("DATABASE_URI", uri))?;
        let found = rows(
            &mut pipe,
            "select kind, from_table, to_table, evidence from mcp_relationships('app')",
        )?;
        ensure!(found[0][0] == "foreign key" && found[1][0] == "inferred", "{found}");
        ensure!(found[1][1] == "app.orders" && found[1][2] == "app.customers", "{found}");
        // What it may not read shows in no evidence.
        let evidence = found[1][3].as_str().context("evidence")?;
        ensure!(evidence.contains("its values") == (user == "postgres"), "{user}: {evidence}");
        let found = rows(
            &mut pipe,
            "select from_clause from mcp_join_path('app.customers', 'app.\"Line Items\"')",
        )?;
        let clause = found[0][0].as_str().context("clause")?.to_owned();
        ensure!(clause.ends_with("ON o.id = li.order_id"), "{clause}");
        if user == "postgres" {
            let counted = rows(&mut pipe, &format!("select count(*) {clause}"))?;
            ensure!(counted == json!([[0]]) || counted == json!([["0"]]), "{counted}");
        }
        let found = rows(&mut pipe, "select object_name from mcp_search_schema('line item', 1)")?;
        ensure!(found == json!([["Line Items"]]), "{found}");
        let found = rows(&mut pipe, "select overview from mcp_schema_overview('app')")?;
        ensure!(found[0][0].as_str().is_some_and(|text| text.contains("app.orders (~300 rows")));
        // Bad arguments say what they must be.
        let sql = "select * from mcp_join_path('app.order', 'app.customers')";
        let answer = pipe.call("execute_sql", &json!({"sql": sql}))?;
        ensure!(answer["structuredContent"]["error"]["sqlstate"] == "42P01", "{answer}");
        pipe.close()?;
    }
    admin.batch_execute("drop owned by map_reader; drop role map_reader")?;
    Ok(())
}

fn read(pipe: &mut Pipe, uri: &str) -> Result<String> {
    let answer = pipe.request("resources/read", &json!({"uri": uri}))?;
    let text = answer["result"]["contents"][0]["text"].as_str();
    Ok(text.with_context(|| answer.to_string())?.to_owned())
}

fn resources(fixture: &Fixture) -> Result<()> {
    let mut admin = fixture.cluster.create_database("bridge_map_resources")?;
    admin.batch_execute(OBJECTS.split_once("create role").context("objects")?.0)?;
    admin.batch_execute(
        "create extension mcp_advisor;
        create schema wide;
        do $$ begin
            for n in 1..400 loop
                execute format('create table wide.t%s (a integer, b text, c timestamptz, d uuid)',
                    lpad(n::text, 3, '0'));
            end loop;
        end $$",
    )?;
    let mut pipe = bridge(fixture, "bridge_map_resources")?;
    let mut uri = "postgres://default/overview/wide".to_owned();
    let mut lines = Vec::new();
    for _ in 0..10 {
        let page = read(&mut pipe, &uri)?;
        lines.extend(page.lines().filter(|line| line.starts_with("wide.")).map(str::to_owned));
        let Some((_, next)) = page.split_once("-- or as a resource: ") else { break };
        next.trim_end().clone_into(&mut uri);
    }
    ensure!(lines.len() == 400 && uri.contains("/overview/wide/"), "{} {uri}", lines.len());
    let found = read(&mut pipe, "postgres://default/search/what%20was%20bought")?;
    let expected = "table app.orders | bought (comment) -- what was bought";
    ensure!(found.lines().nth(1) == Some(expected), "{found}");
    let paths = read(&mut pipe, "postgres://default/join/app.%22Line%20Items%22/app.customers")?;
    ensure!(paths.starts_with("FROM app.\"Line Items\" AS li\nJOIN app.orders AS o ON"), "{paths}");
    let none = read(&mut pipe, "postgres://default/join/app.orders/wide.t001")?;
    ensure!(none.starts_with("No chain of foreign keys"), "{none}");
    for uri in ["postgres://default/overview/none", "postgres://default/join/app.none/app.orders"] {
        let answer = pipe.request("resources/read", &json!({"uri": uri}))?;
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        ensure!(message.contains("there is no resource"), "{answer}");
    }
    pipe.close()?;
    Ok(())
}

fn without(fixture: &Fixture) -> Result<()> {
    fixture.cluster.create_database("bridge_map_without")?;
    let mut pipe = bridge(fixture, "bridge_map_without")?;
    for uri in [
        "postgres://default/overview/public",
        "postgres://default/search/order",
        "postgres://default/join/a/b",
    ] {
        let answer = pipe.request("resources/read", &json!({"uri": uri}))?;
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        ensure!(message.contains("needs the extension \"mcp_advisor\""), "{answer}");
    }
    pipe.close()?;
    Ok(())
}
