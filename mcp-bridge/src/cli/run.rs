//! Serving: from settings to a running transport, until a signal or the client ends it.

use std::fs::File;
use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use super::startup::Settings;
use super::{Cli, EXIT_CONFIGURATION, EXIT_LISTEN, LatchArg, Log, LogFormat, Serve, Transport};
use crate::db::{Call, Databases, Latching};
use crate::error::ToolError;
use crate::handler::Bridge;
use crate::powers;
use crate::settings::Environment;
use crate::tools::AccessMode;
use crate::transport::{self, HttpOptions, Listener, Readiness, Tokens, TransportError};

/// How long the end of the process waits for statements to be cancelled.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// How long the first calls have the connections for themselves.
const REMARKS_DELAY: Duration = Duration::from_millis(500);

/// Why the process cannot do its work: what to print, and its exit code.
#[derive(Debug)]
pub struct Failure {
    /// One or two lines for a person.
    pub message: String,
    /// The exit code.
    pub code: u8,
}

/// Sends the log to standard error: standard output belongs to the protocol.
///
/// Other crates log whole statements and messages below warnings, so they are held there.
pub fn start_logging(log: &Log) {
    let filter = EnvFilter::new(format!(
        "mcp_bridge={},rmcp=warn,tokio_postgres=warn,hyper=warn,warn",
        log.log_level.name()
    ));
    // A duplicate, because pg_query redirects descriptor 2 while it parses: see `crate::parser`.
    let writer = match std::io::stderr().as_fd().try_clone_to_owned() {
        Ok(stderr) => BoxMakeWriter::new(Arc::new(File::from(stderr))),
        Err(_) => BoxMakeWriter::new(std::io::stderr),
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    // A second subscriber in one process is a fault of a test only.
    let _ = match log.log_format {
        LogFormat::Text => builder.try_init().is_ok(),
        LogFormat::Json => builder.json().try_init().is_ok(),
    };
}

/// Serves until the client ends it or a signal comes.
///
/// # Errors
/// What to print and the exit code.
pub async fn serve(cli: Cli) -> Result<(), Failure> {
    let env = Environment::of_process();
    let settings = Settings::read(&cli.source, &cli.serve.limits, &env)
        .map_err(|error| Failure { message: error.to_string(), code: EXIT_CONFIGURATION })?;
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    let databases = settings
        .databases(latching(&cli.serve))
        .map_err(|error| Failure { message: error.to_string(), code: EXIT_CONFIGURATION })?;
    let bridge = Bridge::new(databases.clone(), settings.limits.clone(), cli.serve.access_mode);
    let shutdown = CancellationToken::new();
    stop_on_signals(&shutdown);
    tracing::info!(
        version = crate::VERSION,
        access = ?cli.serve.access_mode,
        databases = settings.databases.iter().map(|one| one.conninfo.describe()).collect::<Vec<_>>().join("; "),
        "serving"
    );
    if cli.serve.access_mode == AccessMode::Restricted {
        say_what_is_weak(&databases, settings.limits.statement);
    }
    if cli.serve.transport == Transport::Stdio {
        let served = transport::stdio(bridge, shutdown).await;
        databases.close(CLOSE_LIMIT).await;
        return served.map_err(|error| failure(&error));
    }
    let options = http_options(&cli.serve, &settings, &env)?;
    let listener = Listener::bind(options).await.map_err(|error| failure(&error))?;
    let addresses: Vec<String> = listener.local_addrs().iter().map(ToString::to_string).collect();
    tracing::info!(addresses = addresses.join(", "), "listening");
    let probed = databases.clone();
    let ready: Readiness = Arc::new(move || {
        let databases = probed.clone();
        Box::pin(async move { databases.ready().await.map_err(|error| error.to_string()) })
    });
    listener.serve(bridge, ready, shutdown).await;
    databases.close(CLOSE_LIMIT).await;
    Ok(())
}

/// How connections are latched: not where `execute_sql` may write.
fn latching(serve: &Serve) -> Latching {
    match (serve.access_mode, serve.latch) {
        (AccessMode::Unrestricted, _) => Latching::Off,
        (AccessMode::Restricted, LatchArg::Auto) => Latching::Auto,
        (AccessMode::Restricted, LatchArg::Session) => Latching::Session,
        (AccessMode::Restricted, LatchArg::Transaction) => Latching::Transaction,
    }
}

/// Says what a restricted bridge should not be connected as, and what it lacks, as soon as the
/// servers tell, and without anybody having to wait for it.
fn say_what_is_weak(databases: &Databases, timeout: Duration) {
    let names: Vec<String> = databases.names().map(str::to_owned).collect();
    for name in names {
        let databases = databases.clone();
        tokio::spawn(async move {
            tokio::time::sleep(REMARKS_DELAY).await;
            let call = Call::with_timeout(timeout);
            let remarks = async {
                let database = databases.get(Some(&name))?;
                let server = database.server(&call).await?;
                let powers = powers::powers(&database, &call).await?;
                Ok::<_, ToolError>(powers::remarks(&server, &powers))
            };
            match remarks.await {
                Ok(remarks) => {
                    for remark in remarks {
                        tracing::warn!(database = name, "{remark}");
                    }
                }
                // The first call will say so, too, to somebody who waits for an answer.
                Err(error) => tracing::debug!(database = name, %error, "server not looked at"),
            }
        });
    }
}

fn failure(error: &TransportError) -> Failure {
    let code = match error {
        TransportError::Settings(_) => EXIT_CONFIGURATION,
        _ => EXIT_LISTEN,
    };
    Failure { message: error.to_string(), code }
}

/// The first signal ends gracefully, the second at once.
pub(super) fn stop_on_signals(shutdown: &CancellationToken) {
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        let Ok(mut signals) = signal(kind) else {
            tracing::warn!("signals cannot be caught");
            continue;
        };
        let shutdown = shutdown.clone();
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                if shutdown.is_cancelled() {
                    std::process::exit(1);
                }
                tracing::info!("stopping");
                shutdown.cancel();
            }
        });
    }
}

/// Host and port: `--listen`, or the flags of the transport as Postgres MCP Pro has them.
fn address(serve: &Serve, from_file: Option<&str>) -> String {
    if let Some(listen) = &serve.listen {
        return listen.clone();
    }
    let (host, port) = match serve.transport {
        Transport::Sse => (&serve.sse_host, serve.sse_port),
        Transport::StreamableHttp | Transport::Stdio => {
            (&serve.streamable_http_host, serve.streamable_http_port)
        }
    };
    if host.is_none()
        && port.is_none()
        && let Some(listen) = from_file
    {
        return listen.to_owned();
    }
    let host = host.as_deref().unwrap_or("localhost");
    // An IPv6 address needs brackets before a port.
    let host = if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    format!("{host}:{}", port.unwrap_or(8000))
}

fn http_options(
    serve: &Serve,
    settings: &Settings,
    env: &Environment,
) -> Result<HttpOptions, Failure> {
    let configuration = |message: String| Failure { message, code: EXIT_CONFIGURATION };
    let file = &settings.http;
    let token_file = serve.http.auth_token_file.as_ref().or(file.auth_token_file.as_ref());
    let tokens = Tokens::read(token_file.map(AsRef::as_ref), env.get("MCP_BRIDGE_AUTH_TOKEN"))
        .map_err(|error| configuration(error.to_string()))?;
    let mut options = HttpOptions::new(address(serve, file.listen.as_deref()));
    options.sse_path.clone_from(&serve.sse_path);
    options.tokens = tokens;
    options.no_auth = serve.http.no_auth;
    options.allowed_hosts = [serve.http.allowed_host.clone(), file.allowed_hosts.clone()].concat();
    options.allowed_origins =
        [serve.http.allowed_origin.clone(), file.allowed_origins.clone()].concat();
    options.public_path = serve.http.public_path.clone().or_else(|| file.public_path.clone());
    if let Some(most) = serve.http.max_sessions.or(file.max_sessions) {
        options.max_sessions = most;
    }
    options.metrics = serve.http.metrics || file.metrics;
    Ok(options)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn address_of(arguments: &[&str]) -> String {
        let cli = Cli::try_parse_from([&["mcp-bridge"], arguments].concat()).unwrap();
        address(&cli.serve, Some("127.0.0.1:9"))
    }

    #[test]
    fn addresses_are_those_of_the_transport() {
        for (arguments, expected) in [
            (&["--transport=sse", "--sse-host=0.0.0.0", "--sse-port=1"][..], "0.0.0.0:1"),
            (&["--transport=sse", "--sse-port=8099"], "localhost:8099"),
            (&["--transport=streamable-http", "--streamable-http-host=::1"], "[::1]:8000"),
            (&["--transport=http"], "127.0.0.1:9"),
            (&["--transport=sse", "--listen=[::]:7", "--sse-port=1"], "[::]:7"),
        ] {
            assert_eq!(address_of(arguments), expected);
        }
    }
}
