//! Configurations for Postgres MCP Pro, as clients have them, with the command replaced.
//!
//! `tests/clients/configurations` has them in each client's own form. They name the database
//! `username:password@localhost:5432/dbname` and, for HTTP, the server at `localhost:8000`; here
//! both are replaced by what there is.

use std::net::TcpListener;

use advisor_tests::bridge::driver::{Client, Driver};
use advisor_tests::bridge::proxy::Proxy;
use advisor_tests::bridge::server::Server;
use advisor_tests::bridge::{self};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::Case;
use crate::fixture::{Fixture, PASSWORD_IN_URI, ROLE, SHOP, assert_discreet};

pub(crate) const CASES: &[Case] = &[
    ("configuration_claude_desktop", |f| started(f, CLAUDE_DESKTOP, UNRESTRICTED)),
    ("configuration_claude_desktop_restricted", |f| started(f, RESTRICTED_MODE, RESTRICTED)),
    ("configuration_without_a_mode", |f| started(f, NO_MODE, RESTRICTED)),
    ("configuration_positional_uri", |f| started(f, POSITIONAL, RESTRICTED)),
    ("configuration_vs_code", |f| started(f, VS_CODE, RESTRICTED)),
    ("configuration_goose", |f| started(f, GOOSE, UNRESTRICTED)),
    ("configuration_claude_code_stdio", |f| started(f, CLAUDE_CODE, UNRESTRICTED)),
    ("configuration_cursor_sse", |f| reached(f, CURSOR, &["--transport=sse"])),
    ("configuration_cline_sse", |f| {
        reached(f, CLINE, &["--transport=sse", "--sse-host=localhost"])
    }),
    ("configuration_windsurf_sse", |f| {
        reached(f, WINDSURF, &["--transport=sse", "--sse-host=127.0.0.1"])
    }),
    ("configuration_claude_code_sse", |f| reached(f, CLAUDE_CODE_SSE, &["--transport", "sse"])),
    ("configuration_claude_code_http", |f| {
        reached(f, CLAUDE_CODE_HTTP, &["--transport=streamable-http"])
    }),
    ("configuration_goose_http", |f| {
        reached(f, GOOSE_HTTP, &["--transport=streamable-http", "--streamable-http-host=localhost"])
    }),
    ("configuration_other_sse_path", |f| {
        reached(f, OTHER_PATH, &["--transport=sse", "--sse-path=/events"])
    }),
    ("variable_goes_before_the_argument", variable_first),
];

const CLAUDE_DESKTOP: &str = include_str!("../../clients/configurations/claude_desktop.json");
const RESTRICTED_MODE: &str =
    include_str!("../../clients/configurations/claude_desktop_restricted.json");
const NO_MODE: &str = include_str!("../../clients/configurations/cursor_stdio.json");
const POSITIONAL: &str = include_str!("../../clients/configurations/positional_uri.json");
const VS_CODE: &str = include_str!("../../clients/configurations/vs_code.json");
const GOOSE: &str = include_str!("../../clients/configurations/goose.json");
const CLAUDE_CODE: &str = include_str!("../../clients/configurations/claude_code.json");
const CURSOR: &str = include_str!("../../clients/configurations/cursor_sse.json");
const CLINE: &str = include_str!("../../clients/configurations/cline_sse.json");
const WINDSURF: &str = include_str!("../../clients/configurations/windsurf_sse.json");
const CLAUDE_CODE_SSE: &str = include_str!("../../clients/configurations/claude_code_sse.json");
const CLAUDE_CODE_HTTP: &str = include_str!("../../clients/configurations/claude_code_http.json");
const GOOSE_HTTP: &str = include_str!("../../clients/configurations/goose_http.json");
const OTHER_PATH: &str = include_str!("../../clients/configurations/other_sse_path.json");

/// Whether `execute_sql` says that it only reads.
const RESTRICTED: bool = true;
/// See [`RESTRICTED`].
const UNRESTRICTED: bool = false;

/// The URI in the configurations.
const URI: &str = "postgresql://username:password@localhost:5432/dbname";

/// The one server of a configuration, in any client's form.
fn entry(configuration: &str) -> Result<Value> {
    let configuration: Value = serde_json::from_str(configuration)?;
    let servers = ["mcpServers", "servers", "extensions"]
        .iter()
        .find_map(|name| configuration[*name].as_object())
        .context("no servers")?;
    servers.values().next().cloned().context("no server")
}

/// Under the first of these names, as each client calls it.
fn named<'a>(entry: &'a Value, names: &[&str]) -> &'a Value {
    names.iter().map(|name| &entry[*name]).find(|value| !value.is_null()).unwrap_or(&Value::Null)
}

/// How to reach the shop over TCP, with user and password.
fn uri(proxy: &Proxy) -> String {
    format!("postgresql://{ROLE}:{PASSWORD_IN_URI}@localhost:{}/{SHOP}", proxy.port())
}

/// The client starts the bridge.
fn started(fixture: &Fixture, configuration: &str, reads_only: bool) -> Result<()> {
    ensure!(configuration.contains(URI), "the configuration has another URI");
    let proxy = Proxy::start(&fixture.cluster.socket_dir())?;
    let entry = entry(&configuration.replace(URI, &uri(&proxy)))?;
    let command = named(&entry, &["command", "cmd"]);
    ensure!(command == "mcp-bridge", "command {command}");
    let mut line = vec![json!(bridge::program()?.display().to_string())];
    line.extend(entry["args"].as_array().cloned().unwrap_or_default());
    let env = named(&entry, &["env", "envs"]);
    let env = if env.is_null() { json!({}) } else { env.clone() };
    let how = json!({"transport": "stdio", "command": line, "env": env});
    let (driver, _) = Driver::connect(Client::Ts1, &how)?;
    works(driver, reads_only)
}

/// A server runs already, started as its instructions say; the client only has its URL.
fn reached(fixture: &Fixture, configuration: &str, flags: &[&str]) -> Result<()> {
    let proxy = Proxy::start(&fixture.cluster.socket_dir())?;
    let (server, port) = serve(&proxy, flags)?;
    let place = format!("localhost:{port}");
    ensure!(configuration.contains("localhost:8000"), "the configuration has another port");
    let entry = entry(&configuration.replace("localhost:8000", &place))?;
    let url = named(&entry, &["url", "serverUrl", "uri"]);
    // Some clients go by the type, the others by the path.
    let is_sse = match entry["type"].as_str() {
        Some("sse") => true,
        Some("http" | "streamable_http" | "streamable-http") => false,
        Some(other) => bail!("type {other}"),
        None => url.as_str().is_some_and(|url| url.ends_with("/sse")),
    };
    let how = json!({"transport": if is_sse { "sse" } else { "http" }, "url": url});
    let (driver, _) = Driver::connect(Client::Ts1, &how).with_context(|| server.log())?;
    works(driver, UNRESTRICTED)?;
    let ended = server.stop()?;
    ensure!(ended.status.success(), "{}:\n{}", ended.status, ended.log);
    assert_discreet(&ended.log)
}

/// Starts a server on a port that was free a moment ago.
fn serve(proxy: &Proxy, flags: &[&str]) -> Result<(Server, u16)> {
    let port_flag = if flags.iter().any(|flag| flag.contains("streamable-http")) {
        "--streamable-http-port"
    } else {
        "--sse-port"
    };
    let mut last = None;
    for _ in 0..3 {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = bridge::command()?;
        command.env("DATABASE_URI", uri(proxy)).arg("--access-mode=unrestricted").args(flags);
        command.arg(format!("{port_flag}={port}"));
        match Server::start(&mut command) {
            Ok(server) => return Ok((server, port)),
            // Somebody else took the port: exit code 4.
            Err(error) => last = Some(error),
        }
    }
    Err(last.context("not started")?)
}

/// The tools are there, in the mode that was asked for, and one answers.
fn works(mut driver: Driver, reads_only: bool) -> Result<()> {
    let tools = driver.run("tools", &Value::Null)?.ok()?;
    let tools = tools.as_array().map(Vec::as_slice).unwrap_or_default();
    ensure!(tools.len() == 9, "{} tools", tools.len());
    let execute =
        tools.iter().find(|tool| tool["name"] == "execute_sql").context("no execute_sql")?;
    ensure!(execute["annotations"]["readOnlyHint"] == json!(reads_only), "{execute}");
    let sql = json!({"sql": "create temporary table probe as select 1 as one"});
    let result = driver.call("execute_sql", &sql)?.ok()?;
    ensure!((result["isError"] == json!(true)) == reads_only, "{result}");
    let sql = json!({"sql": "select current_database()::text, current_user::text"});
    let result = driver.call("execute_sql", &sql)?.ok()?;
    ensure!(result["structuredContent"]["rows"] == json!([[SHOP, ROLE]]), "{result}");
    assert_discreet(&driver.close()?)
}

/// As Postgres MCP Pro has it: DATABASE_URI wins over the argument.
fn variable_first(fixture: &Fixture) -> Result<()> {
    let program = bridge::program()?.display().to_string();
    let argument = "postgresql://nobody:nothing@127.0.0.1:1/none";
    let env = json!({"DATABASE_URI": fixture.uri("variable_first")});
    let how = json!({"transport": "stdio", "command": [program, argument], "env": env});
    let (driver, _) = Driver::connect(Client::Ts1, &how)?;
    works(driver, RESTRICTED)
}
