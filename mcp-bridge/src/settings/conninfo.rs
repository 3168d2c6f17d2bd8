//! Where a database is and how to get in: what libpq would make of the same text, service file,
//! `PG*` variables, passfile and defaults, in this order of precedence.
//!
//! Values are checked here, so that what is wrong is said at the start. Files of certificates and
//! keys are not read here: they may be renewed while the process runs.

mod hosts;
mod keys;
mod keywords;
mod params;
mod passfile;
mod service;
mod tls;
mod uri;

use std::time::Duration;

use tokio_postgres::config::ChannelBinding;

use super::{Environment, SettingsError};
pub(crate) use hosts::{Address, Host};
use params::{Origin, Params};
pub(crate) use tls::{ClientCertificate, Roots, SslMode, Tls};

#[cfg(test)]
mod tests;

/// What is likely wrong when a URI does not parse.
const ESCAPING_HINT: &str = "Reserved characters in a user name or password are written \
     percent-encoded in a URI: @ is %40, / is %2F, : is %3A, ? is %3F, # is %23, % is %25.";

/// How long one attempt to connect may take unless `connect_timeout` says otherwise. libpq would
/// wait for ever, and so never get to the second host.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How to connect to a database. Its `Debug` hides passwords.
#[derive(Debug, Clone)]
pub struct ConnInfo {
    /// In the order in which to try them. Never empty.
    pub(crate) hosts: Vec<Host>,
    pub(crate) user: String,
    pub(crate) dbname: String,
    pub(crate) application_name: String,
    /// Command line options for the server. Poolers refuse the parameter, hence only if asked for.
    pub(crate) options: Option<String>,
    /// For each address; nothing: no limit.
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) keepalives: Keepalives,
    pub(crate) tcp_user_timeout: Option<Duration>,
    pub(crate) channel_binding: ChannelBinding,
    /// What the server must be.
    pub(crate) session: SessionAttrs,
    /// Whether to try hosts, and the addresses of each, in random order.
    pub(crate) shuffle: bool,
    pub(crate) tls: Tls,
}

/// Keepalives of TCP; nothing: the driver's or the system's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Keepalives {
    pub(crate) enabled: bool,
    pub(crate) idle: Option<Duration>,
    pub(crate) interval: Option<Duration>,
    pub(crate) count: Option<u32>,
}

/// What is asked of the server's state, libpq's `target_session_attrs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionAttrs {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

impl SessionAttrs {
    const ALL: [(&'static str, Self); 6] = [
        ("any", Self::Any),
        ("read-write", Self::ReadWrite),
        ("read-only", Self::ReadOnly),
        ("primary", Self::Primary),
        ("standby", Self::Standby),
        ("prefer-standby", Self::PreferStandby),
    ];
}

/// Connection settings, and what to tell the operator about them.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The settings.
    pub conninfo: ConnInfo,
    /// What was left out, or may not be meant. Without passwords.
    pub warnings: Vec<String>,
}

impl ConnInfo {
    /// Settings from a URI or a keyword string, and from what libpq would read besides.
    ///
    /// # Errors
    /// Text that is neither, unknown settings, values out of range, a service that does not exist.
    /// No message has a value in it.
    pub fn resolve(text: Option<&str>, env: &Environment) -> Result<Resolved, SettingsError> {
        let mut warnings = Vec::new();
        let params = match text {
            Some(text) => parse(text, &mut warnings)?,
            None => Params::default(),
        };
        Self::complete(params, env, warnings)
    }

    /// Settings of a service of the service file.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub fn of_service(name: &str, env: &Environment) -> Result<Resolved, SettingsError> {
        let mut params = Params::default();
        params.set("service", name.to_owned(), Origin::Text, true)?;
        Self::complete(params, env, Vec::new())
    }

    fn complete(
        mut params: Params,
        env: &Environment,
        mut warnings: Vec<String>,
    ) -> Result<Resolved, SettingsError> {
        let of_env = |name| env.get(name).filter(|value| !value.is_empty());
        if let Some(service) = params.get("service").or(of_env("PGSERVICE")) {
            let file = params.get("servicefile").or(of_env("PGSERVICEFILE"));
            params.add(service::load(service, file, env)?);
        }
        params.add_variables(env)?;
        warn(&params, &mut warnings)?;
        let user = params.get("user").or(env.user()).ok_or_else(|| {
            SettingsError::new("no user is given").with_hint("Put it into the URI or set PGUSER.")
        })?;
        let dbname = params.get("dbname").unwrap_or(user);
        let conninfo = Self {
            hosts: hosts::hosts(&params, user, dbname, env, &mut warnings)?,
            user: user.to_owned(),
            dbname: dbname.to_owned(),
            application_name: application_name(&params),
            options: options(&params, env),
            connect_timeout: match params.number("connect_timeout")? {
                None => Some(CONNECT_TIMEOUT),
                Some(seconds) => u64::try_from(seconds)
                    .ok()
                    .filter(|seconds| *seconds > 0)
                    .map(Duration::from_secs),
            },
            keepalives: keepalives(&params)?,
            tcp_user_timeout: positive(&params, "tcp_user_timeout")?.map(Duration::from_millis),
            channel_binding: params.choice(
                "channel_binding",
                &[
                    ("disable", ChannelBinding::Disable),
                    ("prefer", ChannelBinding::Prefer),
                    ("require", ChannelBinding::Require),
                ],
                ChannelBinding::Prefer,
            )?,
            session: params.choice(
                "target_session_attrs",
                &SessionAttrs::ALL,
                SessionAttrs::Any,
            )?,
            shuffle: params.choice(
                "load_balance_hosts",
                &[("disable", false), ("random", true)],
                false,
            )?,
            tls: tls::tls(&params, env, &mut warnings)?,
        };
        conninfo.check(&params)?;
        Ok(Resolved { conninfo, warnings })
    }

    /// What depends on more than one setting.
    fn check(&self, params: &Params) -> Result<(), SettingsError> {
        let has_socket = self.hosts.iter().any(|host| matches!(host.address, Address::Socket(_)));
        if has_socket && params.get("requirepeer").is_some() {
            return Err(SettingsError::new("the connection setting requirepeer is not supported")
                .with_hint(
                    "Remove it, and see to it that only the server's user can write to the \
                            socket's folder.",
                ));
        }
        Ok(())
    }

    /// Database, user, hosts and TLS mode, for messages. No password.
    #[must_use]
    pub fn describe(&self) -> String {
        let hosts: Vec<String> = self.hosts.iter().map(Host::describe).collect();
        let mut text =
            format!("database {:?} as user {:?} at {}", self.dbname, self.user, hosts.join(", "));
        if self.hosts.iter().any(|host| matches!(host.address, Address::Tcp { .. })) {
            text.push_str(&format!(" (sslmode {})", self.tls.mode.name()));
        }
        text
    }
}

/// The settings in a text.
fn parse(text: &str, warnings: &mut Vec<String>) -> Result<Params, SettingsError> {
    let text = text.trim();
    if let Some((scheme, rest)) = text.split_once("://") {
        match scheme.split_once('+') {
            None if ["postgres", "postgresql"].contains(&scheme) => return uri::parse(rest),
            Some(("postgres" | "postgresql", driver)) if keys::is_plain(driver) => {
                warnings.push(format!(
                    "\"+{driver}\" in the connection URI names a Python driver and is left out"
                ));
                return uri::parse(rest);
            }
            _ => {}
        }
    }
    let first = text.split(|c: char| c == '=' || c.is_whitespace()).next().unwrap_or_default();
    if text.contains('=') && keys::is_plain(first) {
        return keywords::parse(text);
    }
    Err(SettingsError::new("the connection settings are neither a URI nor a keyword string")
        .with_hint(
            "Write postgresql://user:password@host:5432/database, or \
             \"host=... port=... dbname=... user=... password=...\".",
        ))
}

/// Refuses what cannot be done, and tells of what has no effect.
fn warn(params: &Params, warnings: &mut Vec<String>) -> Result<(), SettingsError> {
    let modes = [("disable", false), ("prefer", false), ("require", true)];
    if params.choice("gssencmode", &modes, false)? {
        return Err(params.wrong("gssencmode", "disable or prefer: the bridge has no GSSAPI"));
    }
    for name in params.ignored() {
        warnings.push(format!("the connection setting {name} has no effect in the bridge"));
    }
    let encoding = params.get("client_encoding").unwrap_or("auto").to_ascii_lowercase();
    if !["auto", "utf8", "utf-8", "unicode"].contains(&encoding.as_str()) {
        warnings.push("client_encoding has no effect: the bridge always uses UTF8".to_owned());
    }
    Ok(())
}

/// The bridge's own name and version, unless another is given.
fn application_name(params: &Params) -> String {
    let given = params.get("application_name").or(params.get("fallback_application_name"));
    given.map_or_else(|| format!("mcp-bridge/{}", crate::VERSION), str::to_owned)
}

/// `options`, and as options what libpq sends of other variables.
fn options(params: &Params, env: &Environment) -> Option<String> {
    let mut options: Vec<String> = Vec::new();
    for (variable, setting) in [("PGTZ", "timezone"), ("PGGEQO", "geqo")] {
        if let Some(value) = env.get(variable).filter(|value| !value.is_empty()) {
            let escaped = value.replace('\\', "\\\\").replace(' ', "\\ ");
            options.push(format!("-c {setting}={escaped}"));
        }
    }
    // Of two settings of the same name the server takes the last.
    options.extend(params.get("options").map(str::to_owned));
    (!options.is_empty()).then(|| options.join(" "))
}

fn keepalives(params: &Params) -> Result<Keepalives, SettingsError> {
    let seconds = |name| Ok(positive(params, name)?.map(Duration::from_secs));
    Ok(Keepalives {
        enabled: params.number("keepalives")? != Some(0),
        idle: seconds("keepalives_idle")?,
        interval: seconds("keepalives_interval")?,
        count: positive(params, "keepalives_count")?.and_then(|count| u32::try_from(count).ok()),
    })
}

/// A number above zero; zero and less mean the default.
fn positive(params: &Params, name: &str) -> Result<Option<u64>, SettingsError> {
    let number = params.number(name)?.and_then(|number| u64::try_from(number).ok());
    Ok(number.filter(|number| *number > 0))
}
