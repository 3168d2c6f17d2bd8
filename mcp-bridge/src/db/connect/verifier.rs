//! Which servers to believe.
//!
//! rustls by itself verifies chain and name, or nothing. libpq has more: no verification, the
//! chain only, a self-signed certificate that is its own root, names in the subject's common name.
//! In every mode the server must prove that it has the key of the certificate it shows.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{
    CryptoProvider, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use x509_cert::Certificate;
use x509_cert::der::oid::db::rfc4519::COMMON_NAME;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

#[cfg(test)]
mod tests;

/// What makes a certificate trusted.
#[derive(Debug)]
pub(super) enum Trust {
    /// Nothing is asked of it: the connection is encrypted, with whomever.
    Anything,
    /// It is one of `roots`, or leads to one; and, if `name`, is for the host.
    Roots { chain: Arc<WebPkiServerVerifier>, roots: Vec<CertificateDer<'static>>, name: bool },
}

/// Verifies servers.
#[derive(Debug)]
pub(super) struct Verifier {
    provider: Arc<CryptoProvider>,
    trust: Trust,
}

impl Verifier {
    pub(super) fn new(provider: Arc<CryptoProvider>, trust: Trust) -> Self {
        Self { provider, trust }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Trust::Roots { chain, roots, name } = &self.trust else {
            return Ok(ServerCertVerified::assertion());
        };
        // The library refuses a certificate of an authority as that of a server.
        let result = if roots.contains(end_entity) {
            check_validity(end_entity, now).and_then(|()| check_name(end_entity, server_name))
        } else {
            let verified = chain.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            );
            verified.map(|_| ())
        };
        match result {
            // The name comes last: the chain is all right.
            Err(error) if is_about_name(&error) => {
                if !name || common_name_fits(end_entity, server_name) {
                    Ok(ServerCertVerified::assertion())
                } else {
                    Err(error)
                }
            }
            result => result.map(|()| ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        if ParsedCertificate::try_from(cert).is_ok() {
            return verify_tls13_signature(message, cert, dss, algorithms);
        }
        // The library reads no certificate of version 1, which `openssl x509 -req` makes unless
        // told otherwise. Its key is as good as any.
        let key = parse(cert)?.tbs_certificate.subject_public_key_info.to_der();
        let key = SubjectPublicKeyInfoDer::from(key.map_err(|_| bad_encoding())?);
        verify_tls13_signature_with_raw_key(message, &key, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn bad_encoding() -> Error {
    Error::InvalidCertificate(CertificateError::BadEncoding)
}

fn parse(certificate: &CertificateDer<'_>) -> Result<Certificate, Error> {
    Certificate::from_der(certificate).map_err(|_| bad_encoding())
}

fn is_about_name(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
        )
    )
}

fn check_validity(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let validity = parse(certificate)?.tbs_certificate.validity;
    let now = now.as_secs();
    if now < validity.not_before.to_unix_duration().as_secs() {
        return Err(Error::InvalidCertificate(CertificateError::NotValidYet));
    }
    if now > validity.not_after.to_unix_duration().as_secs() {
        return Err(Error::InvalidCertificate(CertificateError::Expired));
    }
    Ok(())
}

fn check_name(certificate: &CertificateDer<'_>, name: &ServerName<'_>) -> Result<(), Error> {
    match ParsedCertificate::try_from(certificate) {
        Ok(parsed) => verify_server_name(&parsed, name),
        // Of version 1, which has no place for names but the subject.
        Err(_) => Err(Error::InvalidCertificate(CertificateError::NotValidForName)),
    }
}

/// libpq's rule: the common name counts if there is no host name and no address among the
/// alternative names.
fn common_name_fits(certificate: &CertificateDer<'_>, name: &ServerName<'_>) -> bool {
    let Ok(certificate) = Certificate::from_der(certificate) else { return false };
    let has_name =
        |name: &GeneralName| matches!(name, GeneralName::DnsName(_) | GeneralName::IpAddress(_));
    match certificate.tbs_certificate.get::<SubjectAltName>() {
        Ok(Some((_, SubjectAltName(names)))) if names.iter().any(has_name) => return false,
        Err(_) => return false,
        Ok(_) => {}
    }
    let host = match name {
        ServerName::DnsName(name) => name.as_ref().to_owned(),
        ServerName::IpAddress(ip) => IpAddr::from(*ip).to_string(),
        _ => return false,
    };
    let mut attributes =
        certificate.tbs_certificate.subject.0.iter().flat_map(|part| part.0.iter());
    let common_name = attributes.find(|attribute| attribute.oid == COMMON_NAME);
    let common_name = common_name.map(|attribute| attribute.value.value());
    common_name.and_then(|bytes| std::str::from_utf8(bytes).ok()).is_some_and(|pattern| {
        let is_ip = matches!(name, ServerName::IpAddress(_));
        pattern.eq_ignore_ascii_case(&host) || !is_ip && wildcard_fits(pattern, &host)
    })
}

/// Whether `*.domain` is for a host: the star stands for one label.
fn wildcard_fits(pattern: &str, host: &str) -> bool {
    let Some(domain) = pattern.strip_prefix("*.") else { return false };
    host.split_once('.')
        .is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(domain))
}
