//! One connection to the first server that lets us in and is what was asked for.
//!
//! The driver makes the connection to one address. What libpq does around that is here: several
//! hosts and addresses, `sslmode`, `target_session_attrs`, and an error that says what was tried
//! where. No error holds a password or the connection URI.

mod attempt;
mod failure;
mod tls;
mod verifier;

use std::future::poll_fn;
use std::time::Duration;

use rand::seq::SliceRandom;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::timeout;
use tokio_postgres::error::DbError;
use tokio_postgres::{AsyncMessage, CancelToken, Client, Connection, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::from_postgres;
use crate::error::{Kind, ToolError};
use crate::settings::ConnInfo;
use crate::settings::conninfo::{Address, Host, SessionAttrs, SslMode};
use attempt::Target;
use failure::{Failure, Failures};

/// Where the notices of a connection go.
pub type NoticeSink = UnboundedSender<DbError>;

/// How long a cancel request may take.
const CANCEL_LIMIT: Duration = Duration::from_secs(2);

/// A connection.
pub(super) struct Connected {
    pub(super) client: Client,
    pub(super) canceller: Canceller,
}

/// Asks the server to stop what a connection runs, over TLS if the connection does.
#[derive(Clone)]
pub(super) struct Canceller {
    token: CancelToken,
    tls: Option<MakeRustlsConnect>,
}

impl Canceller {
    /// What the driver knows of the connection for cancel requests.
    pub(super) const fn token(&self) -> &CancelToken {
        &self.token
    }

    /// Returns when the server has taken the request, which is not when the statement has ended.
    /// What runs on the connection by then is stopped, whatever it is.
    ///
    /// # Errors
    /// When the server cannot be connected to, or not in time.
    pub(super) async fn cancel(&self) -> Result<(), ToolError> {
        let request = async {
            match &self.tls {
                Some(tls) => self.token.cancel_query(tls.clone()).await,
                None => self.token.cancel_query(NoTls).await,
            }
        };
        match timeout(CANCEL_LIMIT, request).await {
            Ok(result) => result.map_err(|error| from_postgres(&error)),
            Err(_) => Err(ToolError::new(Kind::Timeout, "cancel request took too long")),
        }
    }
}

/// Connects to the first server that lets us in and is what was asked for. Must be called within
/// a Tokio runtime, where a task serves the connection until the client is dropped.
///
/// # Errors
/// [`Kind::ConnectionMisconfigured`] when a server answered and will not let us in, or TLS does
/// not come about; [`Kind::DatabaseUnavailable`] otherwise. The detail has each place and why.
pub(super) async fn connect(info: &ConnInfo, notices: NoticeSink) -> Result<Connected, ToolError> {
    let tls = connector(info).await?;
    let mut failures = Failures::default();
    // A primary, in case that there is no standby.
    let mut spare = None;
    for host in shuffled(info, info.hosts.iter().collect()) {
        for target in targets(info, host, &mut failures).await {
            match target.connect(info, tls.as_ref(), &notices).await {
                Ok(connected) => match unfit(info, &target, &connected.client).await {
                    None => return Ok(connected),
                    Some(_) if info.session == SessionAttrs::PreferStandby => {
                        spare.get_or_insert(connected);
                    }
                    Some(failure) => failures.push(failure),
                },
                Err(failed) => failures.extend(failed),
            }
            // libpq's rule: a server that knows us and refuses is not passed over.
            if failures.is_final() {
                return spare.ok_or_else(|| failures.into_error(info));
            }
        }
    }
    spare.ok_or_else(|| failures.into_error(info))
}

/// What makes TLS connections; nothing when there will be none.
async fn connector(info: &ConnInfo) -> Result<Option<MakeRustlsConnect>, ToolError> {
    let is_remote = |host: &Host| matches!(host.address, Address::Tcp { .. });
    if info.tls.mode == SslMode::Disable || !info.hosts.iter().any(is_remote) {
        return Ok(None);
    }
    let settings = info.tls.clone();
    // Reads files, with the system's roots some hundred of them.
    let loaded = tokio::task::spawn_blocking(move || tls::load(&settings)).await;
    match loaded.map_err(|error| ToolError::new(Kind::Internal, error.to_string()))? {
        Ok(config) => Ok(Some(MakeRustlsConnect::new(config))),
        Err(error) if info.tls.mode <= SslMode::Prefer => {
            tracing::warn!(%error, "connecting without TLS");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn shuffled<T>(info: &ConnInfo, mut items: Vec<T>) -> Vec<T> {
    if info.shuffle {
        items.shuffle(&mut rand::rng());
    }
    items
}

/// The addresses of a host.
async fn targets<'a>(info: &ConnInfo, host: &'a Host, failures: &mut Failures) -> Vec<Target<'a>> {
    let Address::Tcp { name, ip: None } = &host.address else {
        return vec![Target::of(host)];
    };
    let lookup = tokio::net::lookup_host((name.as_str(), host.port));
    let found = attempt::limited(info.connect_timeout, lookup).await;
    let reason = match found {
        Some(Ok(found)) => {
            let mut ips = Vec::new();
            for address in found {
                // Names may be listed twice, for each kind of socket.
                if !ips.contains(&address.ip()) {
                    ips.push(address.ip());
                }
            }
            if !ips.is_empty() {
                let ips = shuffled(info, ips).into_iter();
                return ips.map(|ip| Target::at(host, ip)).collect();
            }
            "the name has no address".to_owned()
        }
        Some(Err(error)) => format!("the name cannot be resolved: {error}"),
        None => "the name was not resolved in time".to_owned(),
    };
    failures.push(Failure::unavailable(host.describe(), reason));
    Vec::new()
}

/// Why the server is not what was asked for, if so.
async fn unfit(info: &ConnInfo, target: &Target<'_>, client: &Client) -> Option<Failure> {
    if info.session == SessionAttrs::Any {
        return None;
    }
    let probe = "select pg_catalog.pg_is_in_recovery(), \
                 pg_catalog.current_setting('transaction_read_only') = 'on'";
    let answer = async {
        let rows = client.query_typed(probe, &[]).await?;
        let row = rows.first();
        let get = |column| row.map_or(Ok(false), |row| row.try_get::<usize, bool>(column));
        Ok((get(0)?, get(1)?))
    };
    let (in_recovery, read_only) = match attempt::limited(info.connect_timeout, answer).await {
        Some(Ok(state)) => state,
        Some(Err(error)) => return Some(Failure::of(target.describe(), &error, info.tls.mode)),
        None => return Some(Failure::unavailable(target.describe(), "it does not answer".into())),
    };
    let reason = match info.session {
        SessionAttrs::ReadWrite if read_only => "the server is read-only",
        SessionAttrs::ReadOnly if !read_only => "the server is not read-only",
        SessionAttrs::Primary if in_recovery => "the server is a standby",
        SessionAttrs::Standby | SessionAttrs::PreferStandby if !in_recovery => {
            "the server is not a standby"
        }
        _ => return None,
    };
    Some(Failure::unavailable(target.describe(), reason.to_owned()))
}

/// Serves a connection until its client is gone.
async fn drive<S, T>(mut connection: Connection<S, T>, notices: NoticeSink)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        match poll_fn(|cx| connection.poll_message(cx)).await {
            Some(Ok(AsyncMessage::Notice(notice))) => {
                // Nobody may be interested any more.
                let _ = notices.send(notice);
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                let reason = from_postgres(&error);
                return tracing::debug!(%reason, "connection ended");
            }
            None => return,
        }
    }
}
