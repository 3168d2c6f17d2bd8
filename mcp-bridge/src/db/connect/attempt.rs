//! Attempts to connect to one address, with and without TLS as `sslmode` has it.

use std::net::IpAddr;
use std::time::Duration;

use tokio_postgres::config::{Config, SslMode as DriverMode, SslNegotiation};
use tokio_postgres::{Error, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::failure::{Failure, is_refused_unseen, is_tls_failure};
use super::{Canceller, Connected, NoticeSink, drive};
use crate::settings::ConnInfo;
use crate::settings::conninfo::{Address, Host, SslMode};

/// One address of a host.
pub(super) struct Target<'a> {
    host: &'a Host,
    /// Nothing for sockets.
    ip: Option<IpAddr>,
}

/// How the connection is to be encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encryption {
    None,
    IfOffered,
    Always,
}

/// What `future` comes to within the limit, if there is one.
pub(super) async fn limited<F: Future>(limit: Option<Duration>, future: F) -> Option<F::Output> {
    match limit {
        Some(limit) => tokio::time::timeout(limit, future).await.ok(),
        None => Some(future.await),
    }
}

impl<'a> Target<'a> {
    /// A host that needs no name resolved.
    pub(super) fn of(host: &'a Host) -> Self {
        let ip = match &host.address {
            Address::Tcp { ip, .. } => *ip,
            Address::Socket(_) => None,
        };
        Self { host, ip }
    }

    pub(super) fn at(host: &'a Host, ip: IpAddr) -> Self {
        Self { host, ip: Some(ip) }
    }

    /// Host and port, and the address if the host is a name.
    pub(super) fn describe(&self) -> String {
        let host = self.host.describe();
        match (&self.host.address, self.ip) {
            (Address::Tcp { name, .. }, Some(ip)) if ip.to_string() != *name => {
                format!("{host} ({ip})")
            }
            _ => host,
        }
    }

    /// Connects, once or twice; all that failed otherwise.
    pub(super) async fn connect(
        &self,
        info: &ConnInfo,
        tls: Option<&MakeRustlsConnect>,
        notices: &NoticeSink,
    ) -> Result<Connected, Vec<Failure>> {
        let mode = info.tls.mode;
        // The second is tried if the first fails for a reason that the second may not have.
        let (first, second) = match (&self.host.address, mode) {
            (Address::Socket(_), _) | (_, SslMode::Disable) => (Encryption::None, None),
            (_, SslMode::Allow) => (Encryption::None, Some(Encryption::Always)),
            (_, SslMode::Prefer) => (Encryption::IfOffered, Some(Encryption::None)),
            _ => (Encryption::Always, None),
        };
        let error = match self.try_once(info, tls, first, notices).await {
            Ok(connected) => return Ok(connected),
            Err(error) => error,
        };
        let may_help = match (&error, first) {
            (Some(error), Encryption::None) => is_refused_unseen(error),
            (Some(error), _) => is_refused_unseen(error) || is_tls_failure(error),
            (None, _) => false,
        };
        let mut failures = vec![self.failure(error.as_ref(), mode)];
        // Without a connector both would be the same.
        if let Some(second) = second.filter(|_| may_help && tls.is_some()) {
            match self.try_once(info, tls, second, notices).await {
                Ok(connected) => return Ok(connected),
                Err(error) => failures.push(self.failure(error.as_ref(), mode)),
            }
        }
        Err(failures)
    }

    fn failure(&self, error: Option<&Error>, mode: SslMode) -> Failure {
        match error {
            Some(error) => Failure::of(self.describe(), error, mode),
            None => Failure::unavailable(self.describe(), "it does not answer in time".into()),
        }
    }

    /// Nothing instead of an error: the time is up.
    async fn try_once(
        &self,
        info: &ConnInfo,
        tls: Option<&MakeRustlsConnect>,
        encryption: Encryption,
        notices: &NoticeSink,
    ) -> Result<Connected, Option<Error>> {
        let config = self.config(info, encryption);
        let tls = tls.filter(|_| encryption != Encryption::None);
        let connecting = async {
            let client = match tls {
                Some(tls) => {
                    let (client, connection) = config.connect(tls.clone()).await?;
                    tokio::spawn(drive(connection, notices.clone()));
                    client
                }
                None => {
                    let (client, connection) = config.connect(NoTls).await?;
                    tokio::spawn(drive(connection, notices.clone()));
                    client
                }
            };
            let canceller = Canceller { token: client.cancel_token(), tls: tls.cloned() };
            Ok(Connected { client, canceller })
        };
        limited(info.connect_timeout, connecting).await.ok_or(None)?.map_err(Some)
    }

    fn config(&self, info: &ConnInfo, encryption: Encryption) -> Config {
        let mut config = Config::new();
        config
            .user(&info.user)
            .dbname(&info.dbname)
            .application_name(&info.application_name)
            .port(self.host.port)
            .channel_binding(info.channel_binding)
            .keepalives(info.keepalives.enabled)
            .ssl_mode(match encryption {
                Encryption::None => DriverMode::Disable,
                Encryption::IfOffered => DriverMode::Prefer,
                Encryption::Always => DriverMode::Require,
            });
        if info.tls.direct && encryption != Encryption::None {
            config.ssl_negotiation(SslNegotiation::Direct);
        }
        match &self.host.address {
            Address::Socket(dir) => {
                config.host_path(dir);
            }
            // The name is what the certificate must be for.
            Address::Tcp { name, .. } => {
                config.host(name);
            }
        }
        if let Some(ip) = self.ip {
            config.hostaddr(ip);
        }
        if let Some(password) = &self.host.password {
            config.password(password.reveal());
        }
        if let Some(options) = &info.options {
            config.options(options);
        }
        if let Some(limit) = info.connect_timeout {
            config.connect_timeout(limit);
        }
        if let Some(limit) = info.tcp_user_timeout {
            config.tcp_user_timeout(limit);
        }
        if let Some(idle) = info.keepalives.idle {
            config.keepalives_idle(idle);
        }
        if let Some(interval) = info.keepalives.interval {
            config.keepalives_interval(interval);
        }
        if let Some(count) = info.keepalives.count {
            config.keepalives_retries(count);
        }
        config
    }
}
