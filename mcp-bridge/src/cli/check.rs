//! `check`: what works with each database, what is missing, and what mends it.

use std::io::{self, Write};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::startup::Settings;
use super::{LimitArgs, Source};
use crate::db::{Call, Database, Latching, ServerInfo};
use crate::error::ToolError;
use crate::powers;
use crate::settings::{Environment, SettingsError};
use crate::tools::source::EXTENSION;

/// One thing that was looked at.
#[derive(Debug, PartialEq, Eq)]
struct Item {
    what: &'static str,
    state: State,
    /// What was found.
    found: String,
    /// What mends it.
    mend: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// As it should be.
    Good,
    /// Some tools tell less.
    Weak,
    /// Some tools do not work.
    Missing,
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Weak => "weak",
            Self::Missing => "missing",
        }
    }
}

/// Checks every database and writes what it finds; false when something is missing.
///
/// # Errors
/// Settings that cannot be used.
pub async fn check(
    source: &Source,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<io::Result<bool>, SettingsError> {
    let settings = Settings::read(source, &LimitArgs::default(), &Environment::of_process())?;
    let databases = settings.databases(Latching::Off)?;
    let mut good = true;
    let mut documents = Vec::new();
    let mut text = format!("mcp-bridge {}\n", crate::VERSION);
    for warning in &settings.warnings {
        text.push_str(&format!("warning: {warning}\n"));
    }
    for named in &settings.databases {
        let items = match databases.get(Some(&named.name)) {
            Ok(database) => examine(&database, settings.limits.statement).await,
            Err(error) => vec![unreachable(&error)],
        };
        good &= items.iter().all(|item| item.state != State::Missing);
        text.push_str(&format!("\n{}: {}\n", named.name, named.conninfo.describe()));
        for item in &items {
            text.push_str(&line(item));
        }
        documents.push(json!({
            "database": named.name,
            "connection": named.conninfo.describe(),
            "items": items.iter().map(document).collect::<Vec<_>>(),
        }));
    }
    if as_json {
        let report = json!({"version": crate::VERSION, "ok": good, "databases": documents, "warnings": settings.warnings});
        text = format!("{report:#}\n");
    }
    Ok(out.write_all(text.as_bytes()).map(|()| good))
}

fn line(item: &Item) -> String {
    let mut line = format!("  {:<8} {}: {}\n", item.state.word(), item.what, item.found);
    if let Some(mend) = &item.mend {
        line.push_str(&format!("           {mend}\n"));
    }
    line
}

fn document(item: &Item) -> Value {
    json!({"what": item.what, "state": item.state.word(), "found": item.found, "mend": item.mend})
}

fn unreachable(error: &ToolError) -> Item {
    let found = [Some(&error.message), error.detail.as_ref()];
    Item {
        what: "connection",
        state: State::Missing,
        found: found.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(". "),
        mend: error.hint.clone(),
    }
}

async fn examine(database: &Database, timeout: std::time::Duration) -> Vec<Item> {
    let call = Call { cancelled: CancellationToken::new(), timeout, notices: None };
    let found = async {
        let server = database.server(&call).await?;
        Ok::<_, ToolError>(judge(&server, &powers::powers(database, &call).await?))
    };
    found.await.unwrap_or_else(|error| vec![unreachable(&error)])
}

/// The oldest server that the bridge is made for.
const OLDEST: u32 = 140_000;

fn judge(server: &ServerInfo, powers: &[String]) -> Vec<Item> {
    let connection = format!(
        "role {} in database {}{}{}",
        server.role,
        server.database,
        if powers.is_empty() { String::new() } else { format!(", with {}", powers.join(", ")) },
        if server.in_recovery { ", hot standby" } else { "" },
    );
    let mut items = vec![Item {
        what: "connection",
        state: if powers.is_empty() { State::Good } else { State::Weak },
        found: connection,
        mend: (!powers.is_empty()).then(powers::mend),
    }];
    items.push(Item {
        what: "server",
        state: if server.version_num < OLDEST { State::Weak } else { State::Good },
        found: server.version.clone(),
        mend: (server.version_num < OLDEST)
            .then(|| "The bridge is made for PostgreSQL 14 and later.".to_owned()),
    });
    items.push(extension(server, EXTENSION, State::Missing, "index advice, hypothetical indexes, and for the server to judge statements itself: without it functions that are not known are refused"));
    items.push(statements(server));
    items.push(Item {
        what: "statistics",
        state: if server.monitor { State::Good } else { State::Weak },
        found: if server.monitor {
            "the role sees all statements and statistics".to_owned()
        } else {
            "the role sees its own statements only".to_owned()
        },
        mend: (!server.monitor).then(|| {
            format!("GRANT pg_monitor TO {};", crate::tools::source::quoted(&server.role))
        }),
    });
    items
}

fn extension(server: &ServerInfo, name: &'static str, absent: State, used_for: &str) -> Item {
    let (state, found, mend) = match (server.extensions.get(name), server.available.get(name)) {
        (Some(have), Some(offered)) if have.version != *offered => (
            State::Weak,
            format!("version {}, the server has {offered}", have.version),
            Some(format!("ALTER EXTENSION {name} UPDATE;")),
        ),
        (Some(have), _) => (State::Good, format!("version {}", have.version), None),
        (None, Some(_)) => (
            absent,
            format!("not created in this database; needed for {used_for}"),
            Some(format!("CREATE EXTENSION {name};")),
        ),
        (None, None) => (
            absent,
            format!("not installed on the server; needed for {used_for}"),
            Some(format!("Install its package on the server, then CREATE EXTENSION {name};")),
        ),
    };
    Item { what: name, state, found, mend }
}

/// `pg_stat_statements` must be preloaded as well.
fn statements(server: &ServerInfo) -> Item {
    const NAME: &str = "pg_stat_statements";
    let item = extension(server, NAME, State::Missing, "top queries, workload advice");
    let loaded = server.preloaded.iter().any(|library| library == NAME);
    if item.state == State::Missing || loaded || server.preloaded.is_empty() && !server.monitor {
        return item;
    }
    Item {
        what: NAME,
        state: State::Missing,
        found: "not in shared_preload_libraries, so nothing is recorded".to_owned(),
        mend: Some(
            "Add it: ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'; keep what \
             is in the list, then restart the server."
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> ServerInfo {
        ServerInfo {
            version_num: 150_020,
            version: "PostgreSQL 15.20".into(),
            database: "shop".into(),
            role: "app".into(),
            monitor: true,
            ..ServerInfo::default()
        }
    }

    fn states(server: &ServerInfo) -> Vec<(&'static str, State)> {
        let powers = if server.superuser { vec!["SUPERUSER".to_owned()] } else { Vec::new() };
        judge(server, &powers).iter().map(|item| (item.what, item.state)).collect()
    }

    #[test]
    fn what_is_missing_is_said_with_what_mends_it() {
        assert_eq!(
            states(&server()),
            [
                ("connection", State::Good),
                ("server", State::Good),
                ("mcp_advisor", State::Missing),
                ("pg_stat_statements", State::Missing),
                ("statistics", State::Good),
            ]
        );
        let mut server = server();
        server.available.insert("mcp_advisor".into(), "0.1.0".into());
        let item = &judge(&server, &[])[2];
        assert_eq!(item.mend.as_deref(), Some("CREATE EXTENSION mcp_advisor;"));
    }

    #[test]
    fn a_superuser_is_a_weakness() {
        let server = ServerInfo { superuser: true, monitor: false, ..server() };
        let found = &judge(&server, &["SUPERUSER".to_owned()])[0];
        assert!(found.found.ends_with("with SUPERUSER"), "{found:?}");
        assert!(found.mend.as_ref().unwrap().contains("mcp-bridge setup"));
        assert_eq!(states(&server)[0], ("connection", State::Weak));
        assert_eq!(states(&server)[4], ("statistics", State::Weak));
    }
}
