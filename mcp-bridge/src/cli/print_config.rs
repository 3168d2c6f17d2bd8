//! `print-config`: what to put into a client's configuration.

use clap::ValueEnum;
use serde_json::{Value, json};

/// The clients whose configuration is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Client {
    /// `claude_desktop_config.json`
    ClaudeDesktop,
    /// `.mcp.json`
    ClaudeCode,
    /// `.cursor/mcp.json`
    Cursor,
    /// `.vscode/mcp.json`
    Vscode,
    /// `mcp_config.json`
    Windsurf,
    /// `cline_mcp_settings.json`
    Cline,
    /// `config.yaml`
    Goose,
    /// `config.toml`
    Codex,
}

/// The URI that is printed: the password comes from the environment or the client's own prompt.
const URI: &str = "postgresql://USER:PASSWORD@HOST:5432/DATABASE";

const NAME: &str = "postgres";

/// The configuration, ready to paste.
#[must_use]
pub fn text(client: Client, program: &str, url: Option<&str>) -> String {
    match client {
        Client::Vscode => pretty(&vscode(program, url)),
        Client::Goose => goose(program, url),
        Client::Codex => codex(program, url),
        Client::ClaudeDesktop
        | Client::ClaudeCode
        | Client::Cursor
        | Client::Windsurf
        | Client::Cline => pretty(&json!({"mcpServers": {NAME: entry(client, program, url)}})),
    }
}

fn pretty(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    format!("{text}\n")
}

/// What the clients with `mcpServers` want for one server.
fn entry(client: Client, program: &str, url: Option<&str>) -> Value {
    let Some(url) = url else {
        return json!({"command": program, "args": ["--access-mode=restricted"], "env": {"DATABASE_URI": URI}});
    };
    match client {
        Client::Windsurf => json!({"serverUrl": url}),
        // This client starts programs only; the bridge it starts is a stdio one.
        Client::ClaudeDesktop => json!({"command": program, "env": {"DATABASE_URI": URI}}),
        Client::ClaudeCode | Client::Cline => json!({"type": kind(url), "url": url}),
        _ => json!({"url": url}),
    }
}

/// `sse` for the endpoint of HTTP+SSE, else `http`.
fn kind(url: &str) -> &'static str {
    if url.trim_end_matches('/').ends_with("/sse") { "sse" } else { "http" }
}

fn vscode(program: &str, url: Option<&str>) -> Value {
    match url {
        Some(url) => json!({"servers": {NAME: {"type": kind(url), "url": url}}}),
        None => json!({
            "inputs": [{
                "type": "promptString",
                "id": "database-uri",
                "description": format!("Connection URI, such as {URI}"),
                "password": true,
            }],
            "servers": {NAME: {
                "type": "stdio",
                "command": program,
                "args": ["--access-mode=restricted"],
                "env": {"DATABASE_URI": "${input:database-uri}"},
            }},
        }),
    }
}

fn goose(program: &str, url: Option<&str>) -> String {
    let transport = match url {
        Some(url) => format!("    type: streamable_http\n    uri: {url}\n"),
        None => format!(
            "    type: stdio\n    cmd: {program}\n    args: [--access-mode=restricted]\n    \
             env_keys: [DATABASE_URI]\n"
        ),
    };
    format!(
        "extensions:\n  {NAME}:\n    name: {NAME}\n    enabled: true\n    timeout: 300\n{transport}"
    )
}

fn codex(program: &str, url: Option<&str>) -> String {
    match url {
        Some(url) => format!(
            "[mcp_servers.{NAME}]\nurl = \"{url}\"\nbearer_token_env_var = \"MCP_BRIDGE_AUTH_TOKEN\"\n"
        ),
        None => format!(
            "[mcp_servers.{NAME}]\ncommand = \"{program}\"\nargs = [\"--access-mode=restricted\"]\n\n\
             [mcp_servers.{NAME}.env]\nDATABASE_URI = \"{URI}\"\n"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_gets_what_it_parses() {
        for client in Client::value_variants() {
            for url in [None, Some("http://localhost:8000/mcp"), Some("http://localhost:8000/sse")]
            {
                let text = text(*client, "mcp-bridge", url);
                match client {
                    Client::Goose => assert!(text.starts_with("extensions:\n")),
                    Client::Codex => {
                        toml::from_str::<toml::Value>(&text).unwrap();
                    }
                    _ => {
                        serde_json::from_str::<Value>(&text).unwrap();
                    }
                }
            }
        }
    }

    #[test]
    fn windsurf_has_its_own_key() {
        let text = text(Client::Windsurf, "mcp-bridge", Some("http://localhost:8000/sse"));
        assert!(text.contains("\"serverUrl\": \"http://localhost:8000/sse\""));
    }
}
