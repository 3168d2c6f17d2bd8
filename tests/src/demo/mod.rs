//! The last part of the demo: a client of the Python SDK talks to mcp-bridge over each transport.
//!
//! What a model sees of each answer is printed, cut to a screen by `text`. Each transport has
//! another part of the story: over stdio what there is, over HTTP+SSE the advice, over Streamable
//! HTTP what is refused, and the health of the server.

pub mod plot;
mod text;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::bridge;
use crate::bridge::driver::{Client, Driver};
use crate::bridge::server::Server;
use crate::cluster::{Cluster, SUPERUSER};
use crate::program::{Progress, duration};
use crate::tpch;

/// Who the bridge is: no superuser, as the bridge's documentation advises.
const ROLE: &str = "assistant";

/// A question that an index answers: what was sold of a part.
const QUESTION: &str = "select l_orderkey, l_quantity, l_extendedprice from lineitem \
                        where l_partkey = 155 order by l_shipdate";

/// A session: the client, and where what it prints goes.
struct Session<'a> {
    driver: Driver,
    progress: &'a Progress,
}

/// Makes a session over each transport and prints it.
///
/// # Errors
/// When the client or the bridge is not there, or a call does not come to what it must.
pub fn sessions(cluster: &Cluster, database: &str, progress: &Progress) -> Result<()> {
    cluster.connect(database)?.batch_execute(&format!(
        "create role {ROLE} login; grant pg_read_all_data, pg_monitor to {ROLE}"
    ))?;
    let uri = cluster.uri(database, ROLE);

    progress.part("MCP over stdio: the client starts mcp-bridge, and looks around");
    let program = bridge::program()?;
    look_around(Session::connect(
        progress,
        &json!({
            "transport": "stdio", "command": [program], "env": {"DATABASE_URI": uri}, "era": "auto",
        }),
    )?)?;

    let mut command = bridge::command()?;
    command.env("DATABASE_URI", &uri).args(["--transport=sse", "--listen=127.0.0.1:0"]);
    let server = Server::start(&mut command)?;

    let url = server.url("/sse");
    progress.part(&format!("MCP over HTTP+SSE, {url}: what would make a query faster"));
    ask_for_advice(Session::connect(progress, &json!({"transport": "sse", "url": url}))?)?;

    let url = server.url("/mcp");
    progress.part(&format!("MCP over Streamable HTTP, {url}: what is refused, and the health"));
    try_to_write(Session::connect(progress, &json!({"transport": "http", "url": url}))?)?;

    let ended = server.stop()?;
    ensure!(ended.status.success(), "mcp-bridge ended with {}:\n{}", ended.status, ended.log);
    Ok(())
}

/// Writes the report about the database, for a person to open. As the superuser, who ran the
/// statements: advice on a role's statements is for who may act as that role.
///
/// # Errors
/// When the bridge is not there, or makes none.
pub fn report(cluster: &Cluster, database: &str, progress: &Progress) -> Result<()> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"));
    let path = target.join("report.html");
    progress.part("Writing the report: mcp-bridge report --html");
    let output = bridge::command()?
        .arg("report")
        .arg("--html")
        .arg(&path)
        .env("DATABASE_URI", cluster.uri(database, SUPERUSER))
        .output()
        .context("run mcp-bridge")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "mcp-bridge ended with {}:\n{said}", output.status);
    progress.line(&format!("{}: open it in a browser", path.display()));
    Ok(())
}

fn look_around(mut session: Session<'_>) -> Result<()> {
    let tools = session.driver.run("tools", &json!({}))?.ok()?;
    let names: Vec<&str> =
        tools.as_array().into_iter().flatten().filter_map(|tool| tool["name"].as_str()).collect();
    ensure!(!names.is_empty(), "no tools: {tools}");
    println!("\n{} tools:", names.len());
    for names in names.chunks(3) {
        println!("  {}", names.join(", "));
    }
    session.call("list_schemas", &json!({}))?;
    session
        .call("get_object_details", &json!({"schema_name": "public", "object_name": "lineitem"}))?;
    session.call("get_top_queries", &json!({"sort_by": "total_time", "limit": 3}))?;
    session.close()
}

fn ask_for_advice(mut session: Session<'_>) -> Result<()> {
    session.call("analyze_query_indexes", &json!({"queries": [QUESTION]}))?;
    let index = json!([{"table": "lineitem", "columns": ["l_partkey"], "using": "btree"}]);
    let arguments = json!({"sql": QUESTION, "hypothetical_indexes": index});
    session.call("explain_query", &arguments)?;
    // Long enough to be told how it goes.
    session.call("analyze_query_indexes", &json!({"queries": joins(), "max_index_size_mb": 50}))?;
    session.close()
}

/// The queries of TPC-H with the most joins, as many as a call takes.
fn joins() -> Vec<&'static str> {
    let numbers = [2, 3, 5, 7, 8, 9, 10, 18, 20, 21];
    let queries = tpch::queries().into_iter();
    queries.filter(|query| numbers.contains(&query.number)).map(|query| query.sql).collect()
}

fn try_to_write(mut session: Session<'_>) -> Result<()> {
    session.refused("execute_sql", &json!({"sql": "delete from lineitem"}))?;
    session.call("execute_sql", &json!({"sql": "select count(*) as still_there from lineitem"}))?;
    session.call("analyze_db_health", &json!({"health_type": "all"}))?;
    session.close()
}

impl<'a> Session<'a> {
    fn connect(progress: &'a Progress, how: &Value) -> Result<Self> {
        let begin = Instant::now();
        let (driver, about) = Driver::connect(Client::Py2, how)?;
        progress.line(&format!(
            "the Python SDK is connected to {} {}, protocol {}, after {}",
            about["server"]["name"].as_str().unwrap_or("a server without a name"),
            about["server"]["version"].as_str().unwrap_or_default(),
            about["protocol"].as_str().unwrap_or("unknown"),
            duration(begin.elapsed())
        ));
        Ok(Self { driver, progress })
    }

    /// Calls a tool that must answer.
    fn call(&mut self, tool: &str, arguments: &Value) -> Result<()> {
        let answer = self.print(tool, arguments)?;
        ensure!(!is_error(&answer), "{tool} failed");
        Ok(())
    }

    /// Calls a tool that must refuse.
    fn refused(&mut self, tool: &str, arguments: &Value) -> Result<()> {
        let answer = self.print(tool, arguments)?;
        ensure!(is_error(&answer), "{tool} should have refused {arguments}");
        Ok(())
    }

    fn print(&mut self, tool: &str, arguments: &Value) -> Result<Value> {
        println!("\n> {tool} {}", text::line(&arguments.to_string()));
        let begin = Instant::now();
        let command = json!({"name": tool, "arguments": arguments, "progress": true});
        let answer = self.driver.run("call", &command)?.ok()?;
        let took = begin.elapsed();
        for note in answer["progress"].as_array().into_iter().flatten() {
            println!("  ... {}", text::line(note["message"].as_str().unwrap_or_default()));
        }
        let said = answer.pointer("/content/0/text").and_then(Value::as_str);
        for line in text::screen(said.context("an answer without text")?) {
            println!("  {line}");
        }
        println!("  ({}{})", if is_error(&answer) { "isError, " } else { "" }, duration(took));
        Ok(answer)
    }

    fn close(self) -> Result<()> {
        self.driver.close()?;
        println!();
        self.progress.line("the session is closed");
        Ok(())
    }
}

fn is_error(answer: &Value) -> bool {
    answer["isError"].as_bool().unwrap_or(false)
}
