//! The TLS settings as a configuration of rustls. Certificates and keys are read for each
//! connection: they may be renewed while the process runs.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use rustls::client::{VerifierBuilderError, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore, version};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

use super::verifier::{Trust, Verifier};
use crate::error::{Kind, ToolError};
use crate::settings::conninfo::{ClientCertificate, Roots, SslMode, Tls};

fn wrong(message: impl Into<String>) -> ToolError {
    ToolError::new(Kind::ConnectionMisconfigured, message)
}

/// The configuration for one connection.
///
/// # Errors
/// A file that is missing, unreadable or not what it should be.
pub(super) fn load(tls: &Tls) -> Result<ClientConfig, ToolError> {
    // Named here: with another provider in the process there would be no default.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut versions = Vec::new();
    if tls.versions.tls12 {
        versions.push(&version::TLS12);
    }
    if tls.versions.tls13 {
        versions.push(&version::TLS13);
    }
    let trust = trust(tls, &provider)?;
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&versions)
        .map_err(|error| wrong(format!("TLS cannot be used: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Verifier::new(provider, trust)));
    let mut config = match client(tls.client.as_ref())? {
        Some((chain, key)) => builder
            .with_client_auth_cert(chain, key)
            .map_err(|error| wrong(format!("sslcert and sslkey cannot be used: {error}")))?,
        None => builder.with_no_client_auth(),
    };
    config.enable_sni = tls.sni;
    if tls.direct {
        // Without it the server would take us for something else.
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(config)
}

/// Reads a file that need not exist.
fn read(path: &Path) -> Result<Option<Vec<u8>>, ToolError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(wrong(format!("cannot read {}: {error}", path.display()))),
    }
}

fn certificates(path: &Path, bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, ToolError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(wrong(format!("{} holds no certificate", path.display()))),
        Err(error) => Err(wrong(format!("{} is not a PEM file: {error}", path.display()))),
    }
}

/// libpq's rule: with root certificates the chain is verified in every mode.
fn trust(tls: &Tls, provider: &Arc<CryptoProvider>) -> Result<Trust, ToolError> {
    let roots = match &tls.roots {
        Roots::System => system_roots()?,
        Roots::Absent => return Ok(Trust::Anything),
        Roots::File(path) => match read(path)? {
            Some(bytes) => certificates(path, &bytes)?,
            None if tls.mode >= SslMode::VerifyCa => {
                let path = path.display();
                return Err(wrong(format!("root certificate file {path} does not exist"))
                    .with_hint(
                        "Name the file with sslrootcert, or give sslrootcert=system for the \
                         roots of the operating system.",
                    ));
            }
            None => return Ok(Trust::Anything),
        },
    };
    let mut store = RootCertStore::empty();
    let (_, ignored) = store.add_parsable_certificates(roots.iter().cloned());
    if ignored > 0 {
        tracing::debug!(ignored, "root certificates are not usable");
    }
    let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider))
        .with_crls(revoked(tls)?)
        .build()
        .map_err(|error| match error {
            VerifierBuilderError::InvalidCrl(reason) => {
                wrong(format!("the revocation list cannot be used: {reason:?}"))
                    .with_hint("It must be of X.509 version 2, which has a number.")
            }
            error => wrong(format!("root certificates cannot be used: {error}")),
        })?;
    Ok(Trust::Roots { chain, roots, name: tls.mode == SslMode::VerifyFull })
}

fn system_roots() -> Result<Vec<CertificateDer<'static>>, ToolError> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        let reasons: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        return Err(wrong("the operating system has no root certificates")
            .with_detail(format!("{}.", reasons.join("; ")))
            .with_hint("Install them (ca-certificates), or name a file with sslrootcert."));
    }
    Ok(found.certs)
}

fn revoked(tls: &Tls) -> Result<Vec<CertificateRevocationListDer<'static>>, ToolError> {
    let Some((path, must_exist)) = &tls.revoked else { return Ok(Vec::new()) };
    let shown = path.display();
    match read(path)? {
        Some(bytes) => CertificateRevocationListDer::pem_slice_iter(&bytes)
            .collect::<Result<_, _>>()
            .map_err(|error| wrong(format!("{shown} is not a PEM file: {error}"))),
        None if *must_exist => Err(wrong(format!("revocation list {shown} does not exist"))),
        None => Ok(Vec::new()),
    }
}

type Chain = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn client(client: Option<&ClientCertificate>) -> Result<Option<Chain>, ToolError> {
    let Some(ClientCertificate { certificate, key, is_named }) = client else { return Ok(None) };
    let Some(bytes) = read(certificate)? else {
        if *is_named {
            let path = certificate.display();
            return Err(wrong(format!("certificate file {path} does not exist")));
        }
        return Ok(None);
    };
    let chain = certificates(certificate, &bytes)?;
    check_permissions(key)?;
    let bytes =
        read(key)?.ok_or_else(|| wrong(format!("key file {} does not exist", key.display())))?;
    Ok(Some((chain, private_key(key, bytes)?)))
}

/// libpq's rule: a key is for its owner, and root's key may be read by a group.
fn check_permissions(path: &Path) -> Result<(), ToolError> {
    let shown = path.display();
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(wrong(format!("key file {shown} does not exist")));
        }
        Err(error) => return Err(wrong(format!("cannot read {shown}: {error}"))),
    };
    let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    if metadata.permissions().mode() & forbidden == 0 {
        return Ok(());
    }
    Err(wrong(format!("key file {shown} is open to others"))
        .with_hint(format!("chmod 600 {shown}")))
}

fn private_key(path: &Path, bytes: Vec<u8>) -> Result<PrivateKeyDer<'static>, ToolError> {
    let shown = path.display();
    let is_pem = bytes.windows(11).any(|window| window == b"-----BEGIN ");
    if !is_pem {
        return PrivateKeyDer::try_from(bytes)
            .map_err(|_| wrong(format!("{shown} holds no private key")));
    }
    if bytes.windows(9).any(|window| window == b"ENCRYPTED") {
        return Err(wrong(format!("the key in {shown} is encrypted, which is not supported"))
            .with_hint(
                "Decrypt it into a file that only the bridge's user can read: openssl pkey -in \
                 FILE -out NEW.",
            ));
    }
    PrivateKeyDer::from_pem_slice(&bytes)
        .map_err(|_| wrong(format!("{shown} holds no private key")))
}
