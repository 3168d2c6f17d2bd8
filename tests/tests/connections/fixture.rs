//! The servers, their certificates, and one call through the bridge's own database layer.

use std::fs::{self, Permissions};
use std::net::Ipv4Addr;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use advisor_tests::cluster::Cluster;
use anyhow::{Context, Result, anyhow, bail, ensure};
use mcp_bridge::db::{Call, Databases, Latching};
use mcp_bridge::error::ToolError;
use mcp_bridge::settings::{ConnInfo, Environment, Limits, NamedDatabase};
use serde_json::Value;

use crate::certificates::Certificates;

/// A password that must never be seen.
pub(crate) const SECRET: &str = "S3CRET/pass@word";

/// The secret in a URI.
pub(crate) const ENCODED_SECRET: &str = "S3CRET%2Fpass%40word";

const ROLES: &str = "
create role app login;
create role app_tls login;
create role app_plain login;
create role app_cert login;
create role app_password login password 'S3CRET/pass@word';
create database shop;
";

/// A function that writes and says that it does not, in a database with the extension.
const LATCHED: &str = "
create extension mcp_advisor;
create sequence s;
grant usage on sequence s to app;
create schema app authorization app;
create function lies() returns bigint language plpgsql stable as
    $$ begin perform pg_notify('c', 'x'); return 1; end $$;
";

/// Sockets trust everybody.
const HBA: &str = "
local all all trust
local replication all trust
hostssl all app_tls 127.0.0.0/8 trust
hostnossl all app_plain 127.0.0.0/8 trust
hostssl all app_cert 127.0.0.0/8 cert
host all app_password 127.0.0.0/8 scram-sha-256
host all app 127.0.0.0/8 trust
";

/// A primary with TLS, a standby of it without, and the files of clients.
pub(crate) struct Fixture {
    pub(crate) primary: Cluster,
    /// Nobody asks it for anything, but it must live.
    _standby: Cluster,
    pub(crate) certificates: Certificates,
    folder: PathBuf,
}

/// What a session says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Session {
    /// The version of TLS.
    pub(crate) tls: Option<String>,
    pub(crate) role: String,
    pub(crate) database: String,
    pub(crate) application: String,
    pub(crate) standby: bool,
}

const STATE: &str = "
select (select s.version from pg_stat_ssl as s where s.pid = pg_backend_pid()) as tls,
    current_user as role, current_database() as database,
    current_setting('application_name') as application, pg_is_in_recovery() as standby";

/// Servers have no port but their sockets' to be told apart by, so each has an address of its own
/// among those of the loopback device, as has each run of this program.
fn address(number: u8) -> String {
    let pid = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, pid[2].max(1), pid[3], number).to_string()
}

pub(crate) fn primary_address() -> String {
    address(1)
}

pub(crate) fn standby_address() -> String {
    address(2)
}

/// An address where nobody listens.
pub(crate) fn dead_address() -> String {
    address(3)
}

/// For a server that one case starts for itself.
pub(crate) fn own_address() -> String {
    address(4)
}

impl Fixture {
    pub(crate) fn start() -> Result<Self> {
        let mut primary = Cluster::start("")?;
        for statement in ROLES.split_inclusive(';').filter(|text| !text.trim().is_empty()) {
            primary.connect("postgres")?.batch_execute(statement)?;
        }
        // Not in the cluster's: what is ours the server's user could not remove.
        let folder =
            std::env::temp_dir().join(format!("mcp-advisor-{}-client", std::process::id()));
        fs::create_dir(&folder)?;
        primary.create_database("latched")?.batch_execute(LATCHED)?;
        let certificates = Certificates::new(folder.join("tls"))?;
        let names = "subjectAltName=DNS:localhost,DNS:db.example.com";
        certificates.self_signed("ca", "the authority")?;
        certificates.self_signed("other-ca", "another authority")?;
        certificates.signed("server", "server", "ca", names)?;
        certificates.signed("client", "app_cert", "ca", "extendedKeyUsage=clientAuth")?;
        certificates.signed("stranger", "app_cert", "other-ca", "extendedKeyUsage=clientAuth")?;
        let replication = "wal_level = replica\nmax_wal_senders = 4";
        primary.restart(&format!(
            "{replication}\nlisten_addresses = '{}'\n{}\nssl_ca_file = '{}'",
            primary_address(),
            server_settings(&primary, &certificates, "server")?,
            server_file(&primary, "ca.crt")?.display()
        ))?;
        let standby = primary.standby(&format!(
            "{replication}\nssl = off\nlisten_addresses = '{}'",
            standby_address()
        ))?;
        Ok(Self { primary, _standby: standby, certificates, folder })
    }

    /// A file of a client, for its owner only.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        fs::write(&path, text)?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        Ok(path)
    }

    /// A folder that does not exist yet.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        fs::create_dir(&path)?;
        Ok(path)
    }

    /// A keyword string for the primary over TCP, under the name localhost.
    pub(crate) fn primary_as(user: &str) -> String {
        format!("host=localhost hostaddr={} dbname=shop user={user}", primary_address())
    }

    /// Connects and must succeed.
    pub(crate) fn session(&self, text: &str) -> Result<Session> {
        self.session_in(text, &environment())
    }

    /// As [`Self::session`], with variables.
    pub(crate) fn session_in(&self, text: &str, env: &Environment) -> Result<Session> {
        connect(Some(text), env)?.map_err(|error| anyhow!("{text}: {error:?}"))
    }

    /// Connects and must fail, without telling the secret.
    pub(crate) fn refusal(&self, text: &str) -> Result<ToolError> {
        match connect(Some(text), &environment())? {
            Ok(session) => bail!("{text}: connected: {session:?}"),
            Err(error) => {
                let told = format!("{error:?} {error}");
                ensure!(!told.contains("S3CRET"), "{text}: the secret is told: {told}");
                Ok(error)
            }
        }
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("{} stays behind: {error}", self.folder.display());
        }
    }
}

/// Nothing of this machine's user.
pub(crate) fn environment() -> Environment {
    Environment::default().with_user("nobody")
}

/// The cluster's own folder.
fn root(cluster: &Cluster) -> Result<PathBuf> {
    Ok(cluster.socket_dir().parent().context("no folder above the socket's")?.to_path_buf())
}

/// A file in the cluster's folder.
pub(crate) fn server_file(cluster: &Cluster, name: &str) -> Result<PathBuf> {
    Ok(root(cluster)?.join(name))
}

/// Settings for TLS with a certificate, and for who may connect. The server gets copies, which
/// belong to the user that it runs as.
pub(crate) fn server_settings(
    cluster: &Cluster,
    certificates: &Certificates,
    name: &str,
) -> Result<String> {
    let certificate = server_file(cluster, "server.crt")?;
    let key = server_file(cluster, "server.key")?;
    let hba = server_file(cluster, "hba.conf")?;
    fs::copy(certificates.certificate(name), &certificate)?;
    fs::copy(certificates.key(name), &key)?;
    fs::copy(certificates.certificate("ca"), server_file(cluster, "ca.crt")?)?;
    fs::write(&hba, HBA)?;
    let folder = fs::metadata(cluster.socket_dir())?;
    for (path, mode) in [(&certificate, 0o644), (&key, 0o600), (&hba, 0o644)] {
        fs::set_permissions(path, Permissions::from_mode(mode))?;
        chown(path, Some(folder.uid()), Some(folder.gid()))?;
    }
    Ok(format!(
        "ssl = on\nssl_cert_file = '{}'\nssl_key_file = '{}'\nhba_file = '{}'",
        certificate.display(),
        key.display(),
        hba.display()
    ))
}

/// The settings as the bridge reads them.
pub(crate) fn databases(text: Option<&str>, env: &Environment) -> Result<Databases> {
    latched(text, env, Latching::Auto)
}

/// As [`databases`], with sessions closed for changes in this way.
pub(crate) fn latched(
    text: Option<&str>,
    env: &Environment,
    latching: Latching,
) -> Result<Databases> {
    let resolved = ConnInfo::resolve(text, env).map_err(|error| anyhow!("{error}"))?;
    let named =
        NamedDatabase { name: "default".into(), conninfo: resolved.conninfo, description: None };
    Databases::new(vec![named], Limits::default(), latching).map_err(|error| anyhow!("{error}"))
}

/// Runs a future to its end.
pub(crate) fn run<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?
        .block_on(future)
}

/// One call through the bridge.
pub(crate) fn connect(text: Option<&str>, env: &Environment) -> Result<Result<Session, ToolError>> {
    run(async {
        let databases = databases(text, env)?;
        let database = databases.get(None).map_err(|error| anyhow!("{error}"))?;
        let call = Call::with_timeout(Duration::from_secs(20));
        let mut session = match database.read_only(&call).await {
            Ok(session) => session,
            Err(error) => return Ok(Err(error)),
        };
        let rows = session.rows(STATE, &[]).await.map_err(|error| anyhow!("{error:?}"))?;
        session.finish().await;
        let row = rows.first().context("no row")?;
        let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
        Ok(Ok(Session {
            tls: text("tls"),
            role: text("role").context("role")?,
            database: text("database").context("database")?,
            application: text("application").context("application")?,
            standby: row.get("standby") == Some(&Value::Bool(true)),
        }))
    })
}

/// The path as a text, for settings.
pub(crate) fn shown(path: impl AsRef<Path>) -> String {
    path.as_ref().display().to_string()
}
