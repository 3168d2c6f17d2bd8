//! `get_top_queries` beyond the clients' checks: without `pg_stat_statements`, without the extension,
//! in every order, and of an interval.

use std::time::{Duration, Instant};

use advisor_tests::bridge;
use advisor_tests::bridge::stdio::Pipe;
use advisor_tests::bridge::wait_until;
use advisor_tests::cluster::Cluster;
use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde_json::{Value, json};

use crate::Case;
use crate::fixture::{Fixture, assert_discreet};

pub(crate) const CASES: &[Case] = &[
    ("top_queries_say_how_to_record_and_what_runs", unrecorded),
    ("top_queries_commands_are_what_mends_it", mended),
    ("top_queries_in_every_order", orders),
    ("top_queries_of_an_interval", interval),
    ("top_queries_interval_is_bounded_and_can_be_cancelled", bounds),
];

fn text(answer: &Value) -> &str {
    answer["content"][0]["text"].as_str().unwrap_or_default()
}

/// A bridge as superuser to a database of the fixture's server.
fn pipe_to(cluster: &Cluster, database: &str, application: &str) -> Result<Pipe> {
    let uri = format!("{}&application_name={application}", cluster.uri(database, "postgres"));
    Pipe::initialized(bridge::command()?.env(
        "DATABASE_URI",
        uri.replace('/', "%2F").replacen(
            "postgresql:%2F%2Fpostgres@%2F",
            "postgresql://postgres@/",
            1,
        ),
    ))
}

fn unrecorded(fixture: &Fixture) -> Result<()> {
    let mut holder = fixture.cluster.create_database("top_unrecorded")?;
    holder.batch_execute("create table held as select 1 as id")?;
    holder.batch_execute("begin; update held set id = 2")?;
    let pid: i32 = holder.query_one("select pg_backend_pid()", &[])?.try_get(0)?;
    let mut waiter = fixture.cluster.connect("top_unrecorded")?;
    let token = waiter.cancel_token();
    let waiting =
        std::thread::spawn(move || waiter.query("select id as waits from held for update", &[]));
    for extension in [false, true] {
        if extension {
            let mut admin = fixture.cluster.connect("top_unrecorded")?;
            admin.batch_execute("create extension mcp_advisor")?;
        }
        let mut pipe = pipe_to(&fixture.cluster, "top_unrecorded", "top_unrecorded")?;
        let mut answer = Value::Null;
        wait_until("the waiting statement is seen", Duration::from_secs(10), || {
            answer = pipe.call("get_top_queries", &json!({}))?;
            Ok(text(&answer).contains("as waits"))
        })
        .with_context(|| answer.to_string())?;
        ensure!(answer["isError"] != true, "{answer}");
        let content = &answer["structuredContent"];
        ensure!(content["queries"] == json!([]), "{content}");
        // Loaded by the fixture's configuration, so that this is all.
        let commands = json!(["CREATE EXTENSION pg_stat_statements;"]);
        ensure!(content["missing"]["commands"] == commands, "{content}");
        ensure!(text(&answer).contains("No restart is needed"), "{}", text(&answer));
        ensure!(text(&answer).contains("in database \"top_unrecorded\""), "{}", text(&answer));
        let running = content["running"].as_array().context("running")?;
        ensure!(running.len() == 2, "{running:?}");
        ensure!(running[0]["pid"] == pid, "the longest first: {running:?}");
        ensure!(running[0]["state"] == "idle in transaction", "{running:?}");
        ensure!(running[1]["blocked_by"] == json!([pid]), "{running:?}");
        ensure!(running[1]["query_id"].is_string(), "{running:?}");
        assert_discreet(&pipe.close()?.log)?;
    }
    token.cancel_query(postgres::NoTls)?;
    ensure!(waiting.join().ok().context("panicked")?.is_err(), "the waiter was not cancelled");
    Ok(())
}

/// The commands are run as they are printed, on a server that loads another library and whose
/// configuration only looks as if this one was loaded.
fn mended(_: &Fixture) -> Result<()> {
    let mut cluster = Cluster::start(
        "shared_preload_libraries = 'auto_explain'\npg_stat_statements.max = 1000\n\
         compute_query_id = off",
    )?;
    cluster.create_database("bare")?;
    cluster.connect("bare")?.batch_execute("create role plain login")?;
    let mut pipe = pipe_to(&cluster, "bare", "top_mended")?;
    let answer = pipe.call("get_top_queries", &json!({}))?;
    let commands = answer["structuredContent"]["missing"]["commands"].clone();
    let commands: Vec<String> = serde_json::from_value(commands)?;
    ensure!(
        commands
            == [
                "ALTER SYSTEM SET shared_preload_libraries = 'auto_explain', 'pg_stat_statements';",
                "ALTER SYSTEM SET compute_query_id = 'auto';",
                "-- restart the server",
                "CREATE EXTENSION pg_stat_statements;"
            ],
        "{commands:?}"
    );
    pipe.close()?;
    // Who may not read the list is told to look.
    let uri = cluster.uri("bare", "plain").replace("host=/", "host=%2F");
    let mut plain = Pipe::initialized(bridge::command()?.env("DATABASE_URI", uri))?;
    let answer = plain.call("get_top_queries", &json!({}))?;
    ensure!(text(&answer).contains("SHOW shared_preload_libraries"), "{answer}");
    plain.close()?;
    let mut client = cluster.connect("bare")?;
    for command in &commands {
        if command.starts_with("--") {
            drop(client);
            cluster.restart("")?;
            client = cluster.connect("bare")?;
        } else {
            client.batch_execute(command)?;
        }
    }
    client.batch_execute("select 1 as recorded_now")?;
    let mut pipe = pipe_to(&cluster, "bare", "top_mended")?;
    for _ in 0..3 {
        pipe.call("list_schemas", &json!({}))?;
    }
    let answer = pipe.call("get_top_queries", &json!({"sort_by": "calls"}))?;
    ensure!(text(&answer).contains("recorded_now"), "{answer}");
    ensure!(!text(&answer).contains("set local"), "our own are shown: {answer}");
    ensure!(text(&answer).contains("no entries were evicted"), "{answer}");
    // Created, and gone from the configuration.
    client.batch_execute("alter system reset shared_preload_libraries")?;
    drop(client);
    pipe.close()?;
    cluster.restart("")?;
    let mut pipe = pipe_to(&cluster, "bare", "top_mended")?;
    let answer = pipe.call("get_top_queries", &json!({}))?;
    ensure!(text(&answer).starts_with("pg_stat_statements is not loaded"), "{answer}");
    ensure!(!text(&answer).contains("CREATE EXTENSION"), "{answer}");
    pipe.close()?;
    Ok(())
}

/// Bridges to a database with the extension and to one without, both with recorded statements.
fn both(fixture: &Fixture, name: &str) -> Result<[(Client, Pipe); 2]> {
    let open = |with: &str, extensions: &[&str]| -> Result<(Client, Pipe)> {
        let database = format!("{name}_{with}");
        let mut client = fixture.cluster.create_database(&database)?;
        for extension in extensions {
            client.batch_execute(&format!("create extension {extension}"))?;
        }
        client.batch_execute("create table t as select generate_series(1, 1000) as id")?;
        let pipe = pipe_to(&fixture.cluster, &database, &database)?;
        Ok((client, pipe))
    };
    Ok([
        open("with", &["pg_stat_statements", "mcp_advisor"])?,
        open("without", &["pg_stat_statements"])?,
    ])
}

fn orders(fixture: &Fixture) -> Result<()> {
    for (mut client, mut pipe) in both(fixture, "top_orders")? {
        client.batch_execute(
            "set pg_stat_statements.track_planning = on; select count(*) as counted from t;
            insert into t select generate_series(1, 1000);
            reset pg_stat_statements.track_planning",
        )?;
        for sort in advisor_sql::TOP_QUERIES_ORDERS {
            for all in [false, true] {
                let arguments = json!({"sort_by": sort, "all_databases": all, "limit": 1000});
                let answer = pipe.call("get_top_queries", &arguments)?;
                ensure!(answer["isError"] != true, "{sort}: {answer}");
                let said = text(&answer);
                ensure!(said.contains("\nCounted since 20"), "{sort}: {said}");
                let queries = answer["structuredContent"]["queries"].as_array();
                let values: Vec<f64> = queries
                    .context("queries")?
                    .iter()
                    .filter_map(|query| query["sort_value"].as_f64())
                    .collect();
                ensure!(values.is_sorted_by(|a, b| a >= b), "{sort}: {values:?}");
                let databases = queries.context("queries")?.iter().map(|query| &query["database"]);
                let others = databases.filter(|name| *name == "shop").count();
                ensure!(all || others == 0, "{sort}: {answer}");
            }
        }
        let answer = pipe.call("get_top_queries", &json!({"sort_by": "planning_time"}))?;
        ensure!(text(&answer).contains("planning_ms"), "{answer}");
        let answer =
            pipe.call("get_top_queries", &json!({"sort_by": "calls", "all_databases": true}))?;
        ensure!(text(&answer).contains("\ndatabase | queryid"), "{answer}");
        // Nothing of the kind: said, with the reason.
        client.batch_execute(
            "select pg_stat_statements_reset(0, (select oid from pg_database
                where datname = current_database()))",
        )?;
        let answer = pipe.call("get_top_queries", &json!({"sort_by": "planning_time"}))?;
        ensure!(text(&answer).contains("track_planning is off"), "{answer}");
        let answer = pipe.call("get_top_queries", &json!({"sort_by": "temp"}))?;
        ensure!(text(&answer).contains("No statement recorded has any temp"), "{answer}");
        assert_discreet(&pipe.close()?.log)?;
    }
    Ok(())
}

fn interval(fixture: &Fixture) -> Result<()> {
    for (mut client, mut pipe) in both(fixture, "top_interval")? {
        let database: String = client.query_one("select current_database()::text", &[])?.get(0);
        for _ in 0..5 {
            client.batch_execute("select max(id) as old from t")?;
            client.batch_execute("select min(id) as both from t")?;
        }
        let arguments = json!({"sort_by": "calls", "delta_seconds": 8, "limit": 100});
        let call = json!({"name": "get_top_queries", "arguments": arguments});
        let began = Instant::now();
        let id = pipe.begin("tools/call", &call)?;
        wait_until("the baseline is taken", Duration::from_secs(10), || {
            let sql = "select count(*) from pg_stat_statements where query like '%as baseline%'
                and dbid = (select oid from pg_database where datname = current_database())
                and query not like '%count(*)%'";
            Ok(client.query_one(sql, &[])?.try_get::<_, i64>(0)? > 0)
        })?;
        for _ in 0..3 {
            client.batch_execute("select min(id) as both from t")?;
        }
        // Nothing of the server's is held once the baseline's transaction is over.
        wait_until("no backend is busy while it waits", Duration::from_secs(5), || {
            Ok(fixture.backends(&database, "state <> 'idle' or backend_xmin is not null")? == 0)
        })?;
        let answer = pipe.answer(id)?["result"].clone();
        ensure!(began.elapsed() >= Duration::from_secs(8), "{:?}", began.elapsed());
        ensure!(answer["isError"] != true, "{answer}");
        ensure!(text(&answer).contains("\nCounted for 8 s until now; "), "{answer}");
        let queries = answer["structuredContent"]["queries"].as_array().context("queries")?;
        let calls = |marker: &str| {
            let has =
                |query: &&Value| query["query"].as_str().is_some_and(|it| it.contains(marker));
            queries.iter().find(has).map(|query| query["calls"].clone())
        };
        ensure!(calls("as both") == Some(json!(3)), "{answer}");
        ensure!(calls("as old").is_none(), "{answer}");
        ensure!(calls("as baseline").is_none(), "our own is shown: {answer}");
        assert_discreet(&pipe.close()?.log)?;
    }
    Ok(())
}

fn bounds(fixture: &Fixture) -> Result<()> {
    let mut command = fixture.bridge("top_bounds")?;
    let mut pipe = Pipe::initialized(command.arg("--statement-timeout=20"))?;
    for (arguments, expected) in [
        (json!({"delta_seconds": 19}), "It can be up to 18"),
        (json!({"delta_seconds": 4000}), "It can be from 0 to 3600"),
        (json!({"delta_seconds": -1}), "It can be from 0 to 3600"),
        (json!({"delta_seconds": 5, "sort_by": "max_time"}), "not known of an interval"),
    ] {
        let answer = pipe.call("get_top_queries", &arguments)?;
        let kind = &answer["structuredContent"]["error"]["kind"];
        ensure!(kind == "invalid_argument" && text(&answer).contains(expected), "{answer}");
    }
    let call = json!({"name": "get_top_queries", "arguments": {"delta_seconds": 18}});
    let began = Instant::now();
    let id = pipe.begin("tools/call", &call)?;
    pipe.notify("notifications/cancelled", &json!({"requestId": id}))?;
    let answer = pipe.call("list_schemas", &json!({}))?;
    ensure!(answer["isError"] != true, "{answer}");
    let ended = pipe.close()?;
    ensure!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert_discreet(&ended.log)
}
