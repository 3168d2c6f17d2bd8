//! Which client, over which transport, in which protocol era; and the run of all checks in one
//! session of each.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use advisor_tests::bridge::driver::{Client, Driver};
use advisor_tests::bridge::server::Server;
use advisor_tests::bridge::{self};
use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::Trial;
use serde_json::{Map, Value, json};

use crate::checks::{self, Session};
use crate::fixture::{Fixture, assert_discreet};

/// How a client reaches the bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Stdio,
    Sse,
    Http,
}

impl Transport {
    pub(crate) const ALL: [Self; 3] = [Self::Stdio, Self::Sse, Self::Http];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Stdio => "stdio",
            Self::Sse => "sse",
            Self::Http => "http",
        }
    }

    /// Where the endpoint is.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Stdio => "",
            Self::Sse => "/sse",
            Self::Http => "/mcp",
        }
    }
}

/// A client with the way it finds the protocol version.
#[derive(Debug, Clone, Copy)]
struct Kind {
    client: Client,
    era: Option<&'static str>,
}

/// The stateless era's first version.
const STATELESS: &str = "2026-07-28";
/// The last version with sessions.
const SESSIONS: &str = "2025-11-25";

const KINDS: [Kind; 9] = [
    Kind { client: Client::Py1, era: None },
    Kind { client: Client::Ts1, era: None },
    Kind { client: Client::FastMcp, era: Some("auto") },
    Kind { client: Client::Py2, era: Some("auto") },
    Kind { client: Client::Py2, era: Some("legacy") },
    Kind { client: Client::Py2, era: Some(STATELESS) },
    Kind { client: Client::Ts2, era: Some("auto") },
    Kind { client: Client::Ts2, era: Some("legacy") },
    Kind { client: Client::Ts2, era: Some(STATELESS) },
];

/// One session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Combination {
    kind: Kind,
    transport: Transport,
}

impl Combination {
    /// Such as `py2_sse_auto`; also the application name of its backends.
    fn name(self) -> String {
        let mut name = format!("{}_{}", self.kind.client.name(), self.transport.name());
        if let Some(era) = self.kind.era {
            name.push('_');
            name.push_str(&era.replace('-', "_"));
        }
        name
    }

    /// The protocol version that client and bridge must agree on.
    fn expected_protocol(self) -> &'static str {
        match (self.kind.client, self.kind.era) {
            // fastmcp does not look for the stateless era over HTTP+SSE.
            (Client::FastMcp, _) if self.transport == Transport::Sse => SESSIONS,
            (_, None | Some("legacy")) => SESSIONS,
            _ => STATELESS,
        }
    }
}

/// Limits that let the checks see them: a deadline that comes soon, a result of a megabyte.
pub(crate) const FLAGS: [&str; 4] = [
    "--statement-timeout=8",
    "--max-rows=10000",
    "--max-result-bytes=1048576",
    "--max-cell-chars=4000",
];

/// How to connect over `transport`; over HTTP a server is started for it.
pub(crate) fn way(
    fixture: &Fixture,
    transport: Transport,
    application: &str,
    flags: &[&str],
) -> Result<(Value, Option<Server>)> {
    if transport == Transport::Stdio {
        let program = bridge::program()?.display().to_string();
        let mut command = vec![program];
        command.extend(flags.iter().map(ToString::to_string));
        let env = json!({"DATABASE_URI": fixture.uri(application)});
        return Ok((json!({"transport": "stdio", "command": command, "env": env}), None));
    }
    let flag = if transport == Transport::Sse { "sse" } else { "streamable-http" };
    let mut command = fixture.bridge(application)?;
    command.args(flags).args(["--transport", flag, "--listen", "127.0.0.1:0"]);
    let server = Server::start(&mut command)?;
    let url = server.url(transport.path());
    Ok((json!({"transport": transport.name(), "url": url}), Some(server)))
}

/// Ends a session and its server, and looks at what is left: backends, the log.
pub(crate) fn leave(
    fixture: &Fixture,
    driver: Driver,
    server: Option<Server>,
    application: &str,
) -> Result<()> {
    let mut log = driver.close()?;
    if let Some(server) = server {
        let ended = server.stop()?;
        ensure!(ended.status.success(), "the bridge ended with {}:\n{}", ended.status, ended.log);
        log.push_str(&ended.log);
    }
    fixture.assert_no_backend(application)?;
    assert_discreet(&log)
}

/// What each check of a session came to.
type Verdicts = BTreeMap<&'static str, Result<(), String>>;

/// A test for each check of each session. A session is run by the first of its tests.
pub(crate) fn trials(fixture: &Arc<Fixture>) -> Vec<Trial> {
    let mut sessions = Vec::new();
    for kind in KINDS {
        for transport in Transport::ALL {
            let combination = Combination { kind, transport };
            sessions.push((combination, Arc::new(OnceLock::<Verdicts>::new())));
        }
    }
    let mut trials = Vec::new();
    // By check first: so different sessions run at the same time.
    for check in names() {
        for (combination, verdicts) in &sessions {
            let (combination, verdicts) = (*combination, Arc::clone(verdicts));
            let fixture = Arc::clone(fixture);
            trials.push(Trial::test(format!("{}::{check}", combination.name()), move || {
                let verdicts = verdicts.get_or_init(|| run(&fixture, combination));
                match verdicts.get(check) {
                    Some(Ok(())) => Ok(()),
                    Some(Err(why)) => Err(why.into()),
                    None => Err("not run".into()),
                }
            }));
        }
    }
    trials
}

fn names() -> Vec<&'static str> {
    let mut names = vec!["connect"];
    names.extend(checks::ALL.iter().map(|(name, _)| *name));
    names.push("close");
    names
}

fn run(fixture: &Fixture, combination: Combination) -> Verdicts {
    let mut verdicts = Verdicts::new();
    let said = |result: Result<()>| result.map_err(|error| format!("{error:#}"));
    let (mut session, server) = match connect(fixture, combination) {
        Ok(connected) => connected,
        Err(error) => {
            let why = format!("not connected: {error:#}");
            return names().into_iter().map(|name| (name, Err(why.clone()))).collect();
        }
    };
    verdicts.insert("connect", said(greeting(&session.about, combination)));
    for (name, check) in checks::ALL {
        verdicts.insert(name, said(check(&mut session)));
    }
    let application = combination.name();
    verdicts.insert("close", said(leave(fixture, session.driver, server, &application)));
    verdicts
}

fn connect(fixture: &Fixture, combination: Combination) -> Result<(Session<'_>, Option<Server>)> {
    let application = combination.name();
    let (mut how, server) = way(fixture, combination.transport, &application, &FLAGS)?;
    if let (Some(era), Value::Object(fields)) = (combination.kind.era, &mut how) {
        fields.insert("era".to_owned(), json!(era));
    }
    let (driver, about) = Driver::connect(combination.kind.client, &how)
        .with_context(|| server.as_ref().map(Server::log).unwrap_or_default())?;
    // The generation 2 of the Python SDK, which fastmcp is built on, refuses larger events.
    let takes_a_mebibyte = matches!(combination.kind.client, Client::Py2 | Client::FastMcp)
        && combination.transport != Transport::Stdio;
    let schemas = BTreeMap::new();
    let session = Session { fixture, driver, about, application, takes_a_mebibyte, schemas };
    Ok((session, server))
}

/// What the client was told when it connected.
fn greeting(about: &Value, combination: Combination) -> Result<()> {
    let expected = combination.expected_protocol();
    ensure!(about["protocol"] == json!(expected), "protocol {} {about}", about["protocol"]);
    // A client that is pinned to a version asks nothing when it connects.
    if combination.kind.client == Client::Py2 && combination.kind.era == Some(STATELESS) {
        return Ok(());
    }
    ensure!(about["server"]["name"] == "mcp-bridge", "server {}", about["server"]);
    let Some(capabilities) = about["capabilities"].as_object() else { bail!("{about}") };
    let has = |name: &str| capabilities.get(name).is_some_and(Value::is_object);
    for name in ["tools", "resources", "prompts", "completions"] {
        ensure!(has(name), "no {name} in {}", json!(capabilities));
    }
    // Deprecated, and not offered.
    ensure!(!has("logging"), "logging in {}", Value::Object(Map::clone(capabilities)));
    let instructions = about["instructions"].as_str().unwrap_or_default();
    ensure!(instructions.contains("restricted"), "instructions {instructions:?}");
    Ok(())
}
