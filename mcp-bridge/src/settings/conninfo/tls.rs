//! The settings of TLS: whether, with which roots, and which certificate of our own.

use std::path::PathBuf;

use super::params::Params;
use crate::settings::{Environment, SettingsError};

/// libpq's `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SslMode {
    /// Never.
    Disable,
    /// Only if the server refuses us without.
    Allow,
    /// If the server has it.
    Prefer,
    /// Always; the chain is verified if there is a file of roots.
    Require,
    /// Always, with the chain verified.
    VerifyCa,
    /// Always, with chain and host name verified.
    VerifyFull,
}

impl SslMode {
    const ALL: [(&'static str, Self); 6] = [
        ("disable", Self::Disable),
        ("allow", Self::Allow),
        ("prefer", Self::Prefer),
        ("require", Self::Require),
        ("verify-ca", Self::VerifyCa),
        ("verify-full", Self::VerifyFull),
    ];

    /// As it is written.
    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, mode)| *mode == self).map_or("", |(name, _)| name)
    }
}

/// The certificates that a server's chain may end at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Roots {
    /// Those of a PEM file; if it is absent, there are none.
    File(PathBuf),
    /// Those of the operating system.
    System,
    /// None: there is no home folder to look for a file in.
    Absent,
}

/// Our certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientCertificate {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    /// Whether a missing certificate is an error; the file in the home folder need not exist.
    pub(crate) is_named: bool,
}

/// How to use TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tls {
    pub(crate) mode: SslMode,
    /// Begin with TLS instead of asking for it, which PostgreSQL 17 understands.
    pub(crate) direct: bool,
    pub(crate) roots: Roots,
    /// Revoked certificates, a PEM file; the second tells whether it must exist.
    pub(crate) revoked: Option<(PathBuf, bool)>,
    pub(crate) client: Option<ClientCertificate>,
    /// Whether to tell the server which host is meant.
    pub(crate) sni: bool,
    /// Whether TLS 1.2 and TLS 1.3 may be used.
    pub(crate) versions: Versions,
}

/// Versions of TLS that may be used. Older ones than 1.2 never are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Versions {
    pub(crate) tls12: bool,
    pub(crate) tls13: bool,
}

pub(super) fn tls(
    params: &Params,
    env: &Environment,
    warnings: &mut Vec<String>,
) -> Result<Tls, SettingsError> {
    let is_system = params.get("sslrootcert") == Some("system");
    let default = if is_system { SslMode::VerifyFull } else { SslMode::Prefer };
    let mode = params.choice("sslmode", &SslMode::ALL, default)?;
    if is_system && mode != SslMode::VerifyFull {
        return Err(params.wrong("sslmode", "verify-full with sslrootcert=system"));
    }
    let direct =
        params.choice("sslnegotiation", &[("postgres", false), ("direct", true)], false)?;
    if direct && mode < SslMode::Require {
        return Err(params.wrong("sslmode", "require or stronger with sslnegotiation=direct"));
    }
    let roots = match params.get("sslrootcert") {
        Some("system") => Roots::System,
        Some(file) => Roots::File(file.into()),
        None => env.in_home(".postgresql/root.crt").map_or(Roots::Absent, Roots::File),
    };
    check_roots(params, mode, &roots, warnings)?;
    let home_crl = || Some((env.in_home(".postgresql/root.crl")?, false));
    Ok(Tls {
        mode,
        direct,
        roots,
        revoked: params.get("sslcrl").map(|file| (file.into(), true)).or_else(home_crl),
        client: client(params, env)?,
        sni: params.choice("sslsni", &[("1", true), ("0", false)], true)?,
        versions: versions(params)?,
    })
}

fn check_roots(
    params: &Params,
    mode: SslMode,
    roots: &Roots,
    warnings: &mut Vec<String>,
) -> Result<(), SettingsError> {
    match roots {
        Roots::Absent if mode >= SslMode::VerifyCa => {
            Err(SettingsError::new(format!("sslmode={} needs root certificates", mode.name()))
                .with_hint("Name their file with sslrootcert, or give sslrootcert=system."))
        }
        Roots::File(file) if params.get("sslrootcert").is_some() && !file.exists() => {
            let file = file.display();
            if mode >= SslMode::VerifyCa {
                return Err(params.wrong("sslrootcert", &format!("a file; {file} does not exist")));
            }
            if mode != SslMode::Disable {
                warnings.push(format!(
                    "sslrootcert {file} does not exist: the server's certificate is not verified"
                ));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn client(params: &Params, env: &Environment) -> Result<Option<ClientCertificate>, SettingsError> {
    let modes = [("disable", false), ("allow", true)];
    if !params.choice("sslcertmode", &modes, true)? {
        return Ok(None);
    }
    let named = params.get("sslcert").map(PathBuf::from);
    let is_named = named.is_some();
    let certificate = named.or_else(|| env.in_home(".postgresql/postgresql.crt"));
    let key = params.get("sslkey").map(PathBuf::from);
    let key = key.or_else(|| env.in_home(".postgresql/postgresql.key"));
    match (certificate, key) {
        (Some(certificate), Some(key)) => {
            Ok(Some(ClientCertificate { certificate, key, is_named }))
        }
        (Some(_), None) if is_named => {
            Err(SettingsError::new("sslcert needs the key that belongs to it")
                .with_hint("Name its file with sslkey."))
        }
        _ => Ok(None),
    }
}

fn versions(params: &Params) -> Result<Versions, SettingsError> {
    let choices = [("TLSv1", 10), ("TLSv1.1", 11), ("TLSv1.2", 12), ("TLSv1.3", 13)];
    let least = params.choice("ssl_min_protocol_version", &choices, 12)?;
    let most = params.choice("ssl_max_protocol_version", &choices, 13)?;
    let versions = Versions { tls12: least <= 12 && most >= 12, tls13: least <= 13 && most >= 13 };
    if !versions.tls12 && !versions.tls13 {
        let range = "TLSv1.2 or later, and not below ssl_min_protocol_version";
        return Err(params.wrong("ssl_max_protocol_version", range));
    }
    Ok(versions)
}
