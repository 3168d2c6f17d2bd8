//! Why there is no connection: the reasons of all places that were tried, in one error.

use std::error::Error as _;
use std::io;

use rustls::CertificateError;
use tokio_postgres::Error;

use crate::db::error::from_postgres;
use crate::error::{Kind, ToolError};
use crate::settings::ConnInfo;
use crate::settings::conninfo::SslMode;

const UNAVAILABLE_HINT: &str =
    "Check that the server runs, and that host and port in the connection settings are its own.";

/// Why one place did not do.
#[derive(Debug)]
pub(super) struct Failure {
    place: String,
    /// A clause without a full stop.
    reason: String,
    error: ToolError,
}

/// The failures so far, in order.
#[derive(Debug, Default)]
pub(super) struct Failures(Vec<Failure>);

/// Whether the server refused before it asked for a password, as its pg_hba.conf may do with or
/// without TLS.
pub(super) fn is_refused_unseen(error: &Error) -> bool {
    error.code().is_some_and(|code| code.code() == "28000")
}

/// Whether TLS did not come about.
pub(super) fn is_tls_failure(error: &Error) -> bool {
    is_kind(error, "error performing TLS handshake") || tls_error(error).is_some()
}

/// The driver keeps the kind of an error to itself; its `Display` is a constant for each.
fn is_kind(error: &Error, display: &str) -> bool {
    error.as_db_error().is_none() && error.to_string() == display
}

/// The error of the TLS library. An alert of the server may come after the handshake, from the
/// first read.
fn tls_error(error: &Error) -> Option<&rustls::Error> {
    error.source()?.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref()
}

impl Failure {
    /// For an error of the driver.
    pub(super) fn of(place: String, error: &Error, mode: SslMode) -> Self {
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        if let Some(tls) = tls_error(error) {
            let mut failure = Self::misconfigured(place, "could not establish a TLS connection");
            failure.reason = reason_of(tls);
            return failure.hint(hint_of(tls, mode));
        }
        if is_kind(error, "error performing TLS handshake") {
            if cause == "server does not support TLS" {
                return Self::misconfigured(place, "the server does not support TLS").hint(
                    format!(
                        "sslmode={} needs it: switch it on at the server (ssl = on), or use \
                     sslmode=prefer.",
                        mode.name()
                    ),
                );
            }
            // The connection broke; a certificate is not to blame.
            return Self::unavailable(place, format!("TLS handshake failed: {cause}"));
        }
        if cause == "password missing" {
            let message = "the server asks for a password, and none is given";
            return Self::misconfigured(place, message).hint(
                "Put it into the URI, the variable PGPASSWORD or the passfile, whose lines are \
                 host:port:database:user:password.",
            );
        }
        let error = at_connect(from_postgres(error));
        // The server's own words, or the system's.
        let reason = if error.sqlstate.is_some() || cause.is_empty() {
            error.message.clone()
        } else {
            cause
        };
        Self { place, reason, error: ToolError { detail: None, ..error } }
    }

    /// For a server that is not there, or is not the right one.
    pub(super) fn unavailable(place: String, reason: String) -> Self {
        let error = ToolError::new(Kind::DatabaseUnavailable, "could not connect to the server")
            .with_hint(UNAVAILABLE_HINT);
        Self { place, reason, error }
    }

    fn misconfigured(place: String, message: &str) -> Self {
        let error = ToolError::new(Kind::ConnectionMisconfigured, message);
        Self { place, reason: message.to_owned(), error }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.error.hint = Some(hint.into());
        self
    }
}

impl Failures {
    pub(super) fn push(&mut self, failure: Failure) {
        self.0.push(failure);
    }

    pub(super) fn extend(&mut self, failures: Vec<Failure>) {
        self.0.extend(failures);
    }

    /// Whether a server has answered that it will not let us in.
    pub(super) fn is_final(&self) -> bool {
        self.0.last().is_some_and(|failure| {
            failure.error.kind == Kind::ConnectionMisconfigured && failure.error.sqlstate.is_some()
        })
    }

    /// The error that is the most to blame, with all places in its detail.
    pub(super) fn into_error(mut self, info: &ConnInfo) -> ToolError {
        let places: Vec<String> =
            self.0.iter().map(|failure| format!("{}: {}", failure.place, failure.reason)).collect();
        let detail = format!(
            "Tried database {:?} as user {:?} at {}.",
            info.dbname,
            info.user,
            places.join("; ")
        );
        // What somebody must change goes before what may pass.
        let is_misconfigured =
            |failure: &Failure| failure.error.kind == Kind::ConnectionMisconfigured;
        let index = self.0.iter().rposition(is_misconfigured).or(self.0.len().checked_sub(1));
        match index {
            Some(index) => self.0.swap_remove(index).error.with_detail(detail),
            None => ToolError::new(Kind::Internal, "no host was tried"),
        }
    }
}

/// What an error means before there is a connection.
fn at_connect(mut error: ToolError) -> ToolError {
    let class = error.sqlstate.as_deref().and_then(|code| code.get(..2));
    match class {
        // Trouble of the connection, of resources, of the operator, of the system.
        Some("08" | "53" | "55" | "57" | "58" | "XX") => {}
        Some(_) if error.kind != Kind::ConnectionMisconfigured => {
            error.kind = Kind::ConnectionMisconfigured;
            error.hint = Some("Check the connection settings.".to_owned());
        }
        None if error.kind == Kind::Internal => {
            error.kind = Kind::ConnectionMisconfigured;
            error.message = "the server does not answer as PostgreSQL does".to_owned();
            error.hint = Some("Check host and port in the connection settings.".to_owned());
        }
        None if error.kind == Kind::DatabaseUnavailable => {
            error.message = "could not connect to the server".to_owned();
            error.hint = Some(UNAVAILABLE_HINT.to_owned());
        }
        _ => {}
    }
    error
}

fn reason_of(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "the server's certificate is not signed by any of the root certificates".to_owned()
        }
        rustls::Error::InvalidCertificate(error) => format!("the server's certificate: {error}"),
        error => error.to_string(),
    }
}

fn hint_of(error: &rustls::Error, mode: SslMode) -> String {
    use rustls::AlertDescription as Alert;
    match error {
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "Connect by a name that the certificate has, or use sslmode=verify-ca.".to_owned(),
        rustls::Error::InvalidCertificate(CertificateError::BadSignature) => {
            "Whoever answers has no key that fits the certificate: check that host and port are \
             those of the server."
                .to_owned()
        }
        rustls::Error::InvalidCertificate(CertificateError::Other(_)) => {
            "Make the certificate with a subjectAltName (X.509 version 3).".to_owned()
        }
        rustls::Error::InvalidCertificate(_) => format!(
            "sslmode={} verifies the certificate: name the file with the certificate of its \
             issuer with sslrootcert.",
            mode.name()
        ),
        rustls::Error::AlertReceived(
            Alert::CertificateRequired
            | Alert::BadCertificate
            | Alert::UnknownCA
            | Alert::CertificateUnknown
            | Alert::CertificateExpired
            | Alert::CertificateRevoked
            | Alert::UnsupportedCertificate
            | Alert::HandshakeFailure,
        ) => "The server does not accept our certificate: check sslcert and sslkey.".to_owned(),
        _ => "Check sslmode, sslrootcert and the versions of TLS in the connection settings."
            .to_owned(),
    }
}
