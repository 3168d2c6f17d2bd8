//! `sslnegotiation=direct`, which servers before PostgreSQL 17 do not understand: what terminates
//! TLS here is a proxy before the server's socket, as in front of many hosted databases.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};

use crate::Case;
use crate::fixture::{Fixture, dead_address, shown};

pub(crate) const CASES: &[Case] = &[
    ("direct_tls_begins_at_once", begins_at_once),
    ("direct_tls_is_verified", is_verified),
    ("direct_tls_key_must_be_proved", key_must_be_proved),
];

/// What a client asked the proxy for: the protocol above TLS, and the host's name.
type Hello = (Option<Vec<u8>>, Option<String>);

struct Proxy {
    address: SocketAddr,
    hellos: UnboundedReceiver<Hello>,
    /// Serves as long as it lives.
    _runtime: tokio::runtime::Runtime,
}

impl Proxy {
    /// With a certificate, and a key that may be another's.
    fn start(fixture: &Fixture, certificate: &str, key: &str) -> Result<Self> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let acceptor = acceptor(fixture, certificate, key)?;
        let socket = fixture.primary.socket_dir().join(".s.PGSQL.5432");
        let listener = runtime.block_on(TcpListener::bind((dead_address(), 0)))?;
        let address = listener.local_addr()?;
        let (sender, hellos) = unbounded_channel();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(acceptor.clone(), stream, socket.clone(), sender.clone()));
            }
        });
        Ok(Self { address, hellos, _runtime: runtime })
    }

    fn text(&self, fixture: &Fixture, host: &str, authority: &str) -> String {
        format!(
            "host={host} hostaddr={} port={} user=app dbname=shop sslnegotiation=direct \
             sslmode=verify-full sslrootcert={}",
            self.address.ip(),
            self.address.port(),
            shown(fixture.certificates.certificate(authority))
        )
    }
}

fn acceptor(fixture: &Fixture, certificate: &str, key: &str) -> Result<TlsAcceptor> {
    let provider = Arc::new(ring::default_provider());
    let certificate = fs::read(fixture.certificates.certificate(certificate))?;
    let key = PrivateKeyDer::from_pem_slice(&fs::read(fixture.certificates.key(key))?)?;
    // Put together without a look at whether they belong together.
    let pair = CertifiedKey::new(
        vec![CertificateDer::from_pem_slice(&certificate)?],
        provider.key_provider.load_private_key(key)?,
    );
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(pair)));
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// A client that does not begin with TLS, or does not trust us, gets nothing.
async fn serve(
    acceptor: TlsAcceptor,
    stream: tokio::net::TcpStream,
    socket: PathBuf,
    hellos: UnboundedSender<Hello>,
) {
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    let (_, session) = stream.get_ref();
    let hello =
        (session.alpn_protocol().map(<[u8]>::to_vec), session.server_name().map(str::to_owned));
    let Ok(mut server) = UnixStream::connect(socket).await else { return };
    if hellos.send(hello).is_ok() {
        // Ends with an error when either side closes first.
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut server).await;
    }
}

fn begins_at_once(fixture: &Fixture) -> Result<()> {
    let mut proxy = Proxy::start(fixture, "server", "server")?;
    let session = fixture.session(&proxy.text(fixture, "db.example.com", "ca"))?;
    ensure!(session.role == "app", "{session:?}");
    let (protocol, name) = proxy.hellos.try_recv().context("no hello")?;
    ensure!(protocol.as_deref() == Some(b"postgresql"), "{protocol:?}");
    ensure!(name.as_deref() == Some("db.example.com"), "{name:?}");
    // The host's name is kept back if so asked.
    let text = format!("{} sslsni=0", proxy.text(fixture, "db.example.com", "ca"));
    fixture.session(&text)?;
    let (_, name) = proxy.hellos.try_recv().context("no second hello")?;
    ensure!(name.is_none(), "{name:?}");
    Ok(())
}

fn is_verified(fixture: &Fixture) -> Result<()> {
    let proxy = Proxy::start(fixture, "server", "server")?;
    for (host, authority) in [("db2.example.com", "ca"), ("db.example.com", "other-ca")] {
        let error = fixture.refusal(&proxy.text(fixture, host, authority))?;
        ensure!(error.message == "could not establish a TLS connection", "{error:?}");
    }
    Ok(())
}

/// Also where nothing is asked of the certificate: it may be shown by everybody, the key not.
fn key_must_be_proved(fixture: &Fixture) -> Result<()> {
    fixture.certificates.signed("old", "localhost", "ca", "")?;
    for (certificate, key, versions, fits) in [
        ("server", "server", "", true),
        ("server", "client", "", false),
        ("server", "client", "ssl_max_protocol_version=TLSv1.2", false),
        // Of X.509 version 1.
        ("old", "old", "", true),
        ("old", "client", "", false),
    ] {
        let proxy = Proxy::start(fixture, certificate, key)?;
        let text = format!(
            "host=localhost hostaddr={} port={} user=app dbname=shop sslmode=require \
             sslnegotiation=direct {versions}",
            proxy.address.ip(),
            proxy.address.port()
        );
        if fits {
            fixture.session(&text)?;
            continue;
        }
        let error = fixture.refusal(&text)?;
        ensure!(error.message == "could not establish a TLS connection", "{error:?}");
        let detail = error.detail.context("no detail")?;
        ensure!(detail.contains("ignature"), "{certificate} {key} {versions}: {detail}");
    }
    Ok(())
}
