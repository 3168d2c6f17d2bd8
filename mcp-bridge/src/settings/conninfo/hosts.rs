//! The hosts of a connection: names, addresses, ports and socket folders, and a password for each.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::params::Params;
use super::passfile::Passfile;
use crate::settings::{Environment, Secret, SettingsError};

const DEFAULT_PORT: u16 = 5432;

/// A server to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host {
    pub(crate) address: Address,
    pub(crate) port: u16,
    pub(crate) password: Option<Secret>,
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// The folder of a Unix socket.
    Socket(PathBuf),
    /// A name, or an address as a text, which the certificate must be for; and the address to
    /// connect to, if the name need not be looked up.
    Tcp { name: String, ip: Option<IpAddr> },
}

impl Host {
    /// Host and port, for messages.
    pub(crate) fn describe(&self) -> String {
        match &self.address {
            // The socket's name has the port.
            Address::Socket(dir) => format!("{}/.s.PGSQL.{}", dir.display(), self.port),
            Address::Tcp { name, .. } if name.contains(':') => format!("[{name}]:{}", self.port),
            Address::Tcp { name, .. } => format!("{name}:{}", self.port),
        }
    }
}

/// The hosts to try, in the order given.
pub(super) fn hosts(
    params: &Params,
    user: &str,
    dbname: &str,
    env: &Environment,
    warnings: &mut Vec<String>,
) -> Result<Vec<Host>, SettingsError> {
    let addresses = list(params.get("hostaddr"));
    let names = list(params.get("host"));
    let count = addresses.len().max(names.len()).max(1);
    for (name, given) in [("host", &names), ("hostaddr", &addresses)] {
        if !given.is_empty() && given.len() != count {
            return Err(params.wrong(name, "a list as long as that of the other hosts"));
        }
    }
    let ports = ports(params, count)?;
    let mut hosts = Vec::with_capacity(count);
    for (index, port) in ports.into_iter().enumerate() {
        let name = names.get(index).copied().unwrap_or_default();
        let ip = match addresses.get(index).copied().unwrap_or_default() {
            "" => None,
            text => Some(text.parse::<IpAddr>().map_err(|_| {
                params.wrong("hostaddr", "an IP address, or several with commas between")
            })?),
        };
        let address = match (name, ip) {
            ("", None) => default_address(port, env),
            ("", Some(ip)) => Address::Tcp { name: ip.to_string(), ip: Some(ip) },
            (name, ip) => named(name, ip, params)?,
        };
        hosts.push(Host { address, port, password: None });
    }
    add_passwords(&mut hosts, params, user, dbname, env, warnings);
    Ok(hosts)
}

fn list(text: Option<&str>) -> Vec<&str> {
    text.map(|text| text.split(',').map(str::trim).collect()).unwrap_or_default()
}

/// One port for each host.
fn ports(params: &Params, count: usize) -> Result<Vec<u16>, SettingsError> {
    let given = list(params.get("port"));
    let mut ports = Vec::with_capacity(given.len());
    for text in &given {
        match text.parse() {
            _ if text.is_empty() => ports.push(DEFAULT_PORT),
            Ok(port @ 1..) => ports.push(port),
            _ => {
                return Err(params
                    .wrong("port", "a number from 1 to 65535")
                    .with_hint(super::ESCAPING_HINT));
            }
        }
    }
    match ports.as_slice() {
        [] => Ok(vec![DEFAULT_PORT; count]),
        [port] => Ok(vec![*port; count]),
        ports if ports.len() == count => Ok(ports.to_vec()),
        _ => Err(params.wrong("port", "one port, or as many as there are hosts")),
    }
}

fn named(name: &str, ip: Option<IpAddr>, params: &Params) -> Result<Address, SettingsError> {
    if name.starts_with('/') {
        return Ok(Address::Socket(name.into()));
    }
    if name.starts_with('@') {
        return Err(params.wrong("host", "no abstract socket: the bridge does not support them"));
    }
    if name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '@' || c == '/') {
        return Err(params
            .wrong("host", "a host's name, its address, or the folder of a socket")
            .with_hint(super::ESCAPING_HINT));
    }
    Ok(Address::Tcp { name: name.to_owned(), ip })
}

/// Without a host: the local server's socket; if there is none, the usual folder of sockets, and
/// where that does not exist, localhost.
fn default_address(port: u16, env: &Environment) -> Address {
    let dirs = env.socket_dirs();
    let has_socket = |dir: &&PathBuf| dir.join(format!(".s.PGSQL.{port}")).exists();
    // Only the first: the second is /tmp, which exists without any server.
    let usual = || dirs.first().filter(|dir| dir.is_dir());
    match dirs.iter().find(has_socket).or_else(usual) {
        Some(dir) => Address::Socket(dir.clone()),
        None => Address::Tcp { name: "localhost".to_owned(), ip: None },
    }
}

fn add_passwords(
    hosts: &mut [Host],
    params: &Params,
    user: &str,
    dbname: &str,
    env: &Environment,
    warnings: &mut Vec<String>,
) {
    if let Some(password) = params.get("password") {
        for host in hosts {
            host.password = Some(Secret::new(password));
        }
        return;
    }
    let named = params.get("passfile").map(PathBuf::from);
    let is_named = named.is_some();
    let Some(path) = named.or_else(|| env.in_home(".pgpass")) else { return };
    let passfile = Passfile::read(&path, is_named, warnings);
    for host in hosts {
        let name = match &host.address {
            Address::Socket(dir) if is_usual(dir) => "localhost".to_owned(),
            Address::Socket(dir) => dir.display().to_string(),
            Address::Tcp { name, .. } => name.clone(),
        };
        host.password = passfile.find(&name, host.port, dbname, user);
    }
}

/// libpq's rule: passfiles call the server at its usual socket localhost.
fn is_usual(dir: &Path) -> bool {
    ["/var/run/postgresql", "/run/postgresql", "/tmp"].iter().any(|usual| Path::new(usual) == dir)
}
