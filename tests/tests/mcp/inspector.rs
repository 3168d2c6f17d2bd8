//! The Inspector's command line: the official client, with its own opinion of schemas.

use std::process::{Command, Stdio};

use advisor_tests::bridge::driver::{installed, node};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::Case;
use crate::fixture::{Fixture, LITERAL, assert_discreet};
use crate::matrix::{Transport, way};

pub(crate) const CASES: &[Case] = &[
    ("inspector_stdio_legacy", |fixture| inspect(fixture, Transport::Stdio, "legacy")),
    ("inspector_stdio_auto", |fixture| inspect(fixture, Transport::Stdio, "auto")),
    ("inspector_stdio_modern", |fixture| inspect(fixture, Transport::Stdio, "modern")),
    ("inspector_sse_legacy", |fixture| inspect(fixture, Transport::Sse, "legacy")),
    ("inspector_sse_auto", |fixture| inspect(fixture, Transport::Sse, "auto")),
    ("inspector_sse_modern", |fixture| inspect(fixture, Transport::Sse, "modern")),
    ("inspector_http_legacy", |fixture| inspect(fixture, Transport::Http, "legacy")),
    ("inspector_http_auto", |fixture| inspect(fixture, Transport::Http, "auto")),
    ("inspector_http_modern", |fixture| inspect(fixture, Transport::Http, "modern")),
];

/// The Inspector with a way to a bridge.
struct Inspector<'a> {
    how: &'a Value,
    era: &'a str,
    home: std::path::PathBuf,
}

impl Inspector<'_> {
    /// Runs one method; its result, and what it wrote to standard error.
    fn run(&self, arguments: &[&str]) -> Result<(Value, String)> {
        let modules = installed("inspector")?.join("node_modules");
        let mut command = Command::new(node()?);
        let launcher = "@modelcontextprotocol/inspector/clients/launcher/build/index.js";
        command.arg(modules.join(launcher)).arg("--cli").args(arguments);
        command.args(["--format", "json", "--protocol-era", self.era]);
        // Without these it keeps a catalog in the home folder.
        command.env("HOME", &self.home).env("MCP_CATALOG_PATH", self.home.join("mcp.json"));
        match self.how["url"].as_str() {
            Some(url) => command.args(["--server-url", url]),
            None => {
                for (name, value) in self.how["env"].as_object().into_iter().flatten() {
                    let value = value.as_str().unwrap_or_default();
                    command.arg("-e").arg(format!("{name}={value}"));
                }
                command.arg("--");
                let program = self.how["command"].as_array().into_iter().flatten();
                command.args(program.filter_map(Value::as_str))
            }
        };
        let output = command.stdin(Stdio::null()).output().context("run the Inspector")?;
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "{arguments:?}: {}: {errors}", output.status);
        let answer: Value = serde_json::from_slice(&output.stdout)
            .with_context(|| String::from_utf8_lossy(&output.stdout).into_owned())?;
        Ok((answer["result"].clone(), errors))
    }
}

fn inspect(fixture: &Fixture, transport: Transport, era: &str) -> Result<()> {
    let application = format!("inspector_{}_{era}", transport.name());
    let (how, server) = way(fixture, transport, &application, &[])?;
    let home = std::env::temp_dir().join(format!("{application}_{}", std::process::id()));
    std::fs::create_dir_all(&home)?;
    let inspector = Inspector { how: &how, era, home };
    let inspected = methods(&inspector);
    std::fs::remove_dir_all(&inspector.home)?;
    let mut log = inspected?;
    if let Some(server) = server {
        log.push_str(&server.stop()?.log);
    }
    fixture.assert_no_backend(&application)?;
    assert_discreet(&log)
}

/// Lists, calls and reads; what was written to standard error.
fn methods(inspector: &Inspector<'_>) -> Result<String> {
    let (listing, mut log) = inspector.run(&["--method", "tools/list", "--strict"])?;
    ensure!(listing["tools"].as_array().is_some_and(|tools| tools.len() == 9), "{listing}");

    let sql = format!("select count(*) as n, '{LITERAL}' as literal from shop.orders");
    let arguments = json!({"sql": sql}).to_string();
    let (result, errors) = inspector.run(&[
        "--method",
        "tools/call",
        "--tool-name",
        "execute_sql",
        "--tool-args-json",
        &arguments,
    ])?;
    ensure!(result["structuredContent"]["rows"][0][0] == json!(50_000), "{result}");
    log.push_str(&errors);

    let uri = "postgres://default/schema/shop/orders";
    let (result, errors) = inspector.run(&["--method", "resources/read", "--uri", uri])?;
    let text = result["contents"][0]["text"].as_str().unwrap_or_default();
    ensure!(text.contains("orders_pkey"), "{result}");
    log.push_str(&errors);

    // Over stdio the bridge's log is here, too; its lines have a level in them.
    for line in log.lines() {
        let said = line.to_lowercase();
        let complaint = ["warning:", "issue:", "unknown format", "portability", "deprecat"];
        ensure!(!complaint.iter().any(|word| said.contains(word)), "it complains:\n{log}");
    }
    Ok(log)
}
