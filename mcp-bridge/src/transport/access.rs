//! Who may call: `Host`, `Origin` and token, checked before every route.
//!
//! A web page that the user happens to look at can send requests to loopback addresses, and by DNS
//! rebinding under a name of its own; both headers tell such requests from those of real clients.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::cors;
use super::{HttpOptions, Principal, Tokens};

/// Paths that need no token.
pub(super) const PROBES: [&str; 2] = ["/healthz", "/readyz"];

/// What is accepted.
pub(super) struct Access {
    tokens: Tokens,
    hosts: Vec<Authority>,
    origins: Vec<String>,
}

/// A host, and a port when only that one is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Authority {
    host: String,
    port: Option<u16>,
}

impl Authority {
    /// Reads `host`, `host:port`, `[address]` or `[address]:port`.
    fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']')?;
                (host, rest.strip_prefix(':').or(rest.is_empty().then_some(""))?)
            }
            None => text.split_once(':').unwrap_or((text, "")),
        };
        if host.is_empty() || host.contains(['/', '@', ' ']) {
            return None;
        }
        let port = if port.is_empty() { None } else { Some(port.parse().ok()?) };
        Some(Self { host: host.trim_end_matches('.').to_ascii_lowercase(), port })
    }

    fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Whether this names one machine: `0.0.0.0` and `::` stand for all of its addresses.
    fn is_certain(&self) -> bool {
        !self.host.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified())
    }

    fn covers(&self, other: &Self) -> bool {
        self.host == other.host && (self.port.is_none() || self.port == other.port)
    }
}

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    Host,
    Origin,
    Token,
}

impl Access {
    pub(super) fn new(options: &HttpOptions) -> Self {
        // Whoever names an address to listen on means clients to use that name.
        let own = Authority::parse(&options.address).filter(Authority::is_certain);
        let own = own.map(|own| Authority { port: None, ..own });
        let named = options.allowed_hosts.iter().filter_map(|host| Authority::parse(host));
        Self {
            tokens: options.tokens.clone(),
            hosts: named.chain(own).collect(),
            origins: options
                .allowed_origins
                .iter()
                .map(|origin| origin.trim_end_matches('/').to_ascii_lowercase())
                .collect(),
        }
    }

    /// Whether the request comes from where requests may come from.
    fn check_place(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        if !single(headers, HOST).is_some_and(|host| self.is_host(host)) {
            return Err(Refusal::Host);
        }
        if headers.contains_key(ORIGIN)
            && !single(headers, ORIGIN).is_some_and(|origin| self.is_origin(origin))
        {
            return Err(Refusal::Origin);
        }
        Ok(())
    }

    /// Who calls; none when nobody needs a token.
    fn check_token(&self, headers: &HeaderMap) -> Result<Option<Principal>, Refusal> {
        if self.tokens.is_empty() {
            return Ok(None);
        }
        single(headers, AUTHORIZATION)
            .and_then(bearer)
            .and_then(|token| self.tokens.principal(token))
            .map(Some)
            .ok_or(Refusal::Token)
    }

    fn is_host(&self, host: &str) -> bool {
        Authority::parse(host).is_some_and(|host| {
            host.is_loopback() || self.hosts.iter().any(|known| known.covers(&host))
        })
    }

    /// Whether a page of this origin may call: one of the list, or one served from this machine.
    fn is_origin(&self, origin: &str) -> bool {
        let lower = origin.to_ascii_lowercase();
        let Some((scheme, authority)) = lower.split_once("://") else { return false };
        self.is_named_origin(origin)
            || matches!(scheme, "http" | "https")
                && Authority::parse(authority).is_some_and(|authority| authority.is_loopback())
    }

    /// Whether the origin is one of the list.
    fn is_named_origin(&self, origin: &str) -> bool {
        self.origins.contains(&origin.to_ascii_lowercase())
    }
}

/// The header's value, when there is one and only one.
fn single(headers: &HeaderMap, name: axum::http::HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// The token of `Bearer TOKEN`; the scheme's name is not case-sensitive (RFC 9110, 11.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The layer: refuses, or lets through with the caller's name attached.
///
/// Probes need no token, as they come from programs that have none; they learn yes or no.
pub(super) async fn check(
    State(access): State<Arc<Access>>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let refused = |refusal: Refusal| {
        tracing::warn!(?refusal, path, "request refused");
        refuse(&refusal)
    };
    if let Err(refusal) = access.check_place(request.headers()) {
        return refused(refusal);
    }
    let origin = request.headers().get(ORIGIN).cloned();
    let mut response = if cors::is_preflight(request.method(), request.headers()) {
        cors::preflight()
    } else if PROBES.contains(&request.uri().path()) {
        next.run(request).await
    } else {
        match access.check_token(request.headers()) {
            Ok(principal) => {
                if let Some(principal) = principal {
                    request.extensions_mut().insert(principal);
                }
                next.run(request).await
            }
            Err(refusal) => refused(refusal),
        }
    };
    if let Some(origin) = origin
        && origin.to_str().is_ok_and(|origin| access.is_named_origin(origin))
    {
        cors::allow(&mut response, origin);
    }
    response
}

fn refuse(refusal: &Refusal) -> Response {
    match refusal {
        Refusal::Host => (
            StatusCode::FORBIDDEN,
            "this Host is not allowed; mcp-bridge --allowed-host adds one\n",
        )
            .into_response(),
        Refusal::Origin => (
            StatusCode::FORBIDDEN,
            "this Origin is not allowed; mcp-bridge --allowed-origin adds one\n",
        )
            .into_response(),
        Refusal::Token => {
            let mut response =
                (StatusCode::UNAUTHORIZED, "a valid bearer token is required\n").into_response();
            response
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"mcp-bridge\""));
            response
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access() -> Access {
        let mut options = HttpOptions::new("");
        options.allowed_hosts = vec!["bridge.example.com".into(), "other.example.com:81".into()];
        options.allowed_origins = vec!["https://App.example.com/".into()];
        Access::new(&options)
    }

    #[test]
    fn hosts_are_loopback_or_listed() {
        let access = access();
        for host in [
            "localhost",
            "LOCALHOST:8000",
            "localhost.",
            "127.0.0.1:9",
            "127.1.2.3",
            "[::1]",
            "[::1]:8000",
            "bridge.example.com:12",
            "other.example.com:81",
        ] {
            assert!(access.is_host(host), "{host}");
        }
        for host in [
            "",
            "evil.com",
            "localhost.evil.com",
            "127.0.0.1.evil.com",
            "evil.com:8000",
            "other.example.com",
            "other.example.com:82",
            "localhost:port",
            "localhost@evil.com",
            "0.0.0.0",
            "[::1]evil",
        ] {
            assert!(!access.is_host(host), "{host}");
        }
    }

    #[test]
    fn the_address_that_is_listened_on_is_a_host() {
        let is_host = |address: &str, host| Access::new(&HttpOptions::new(address)).is_host(host);
        assert!(is_host("192.0.2.7:8000", "192.0.2.7:8000"));
        // A port may be forwarded.
        assert!(is_host("bridge.lan:8000", "bridge.lan:80"));
        assert!(!is_host("0.0.0.0:8000", "0.0.0.0:8000"));
        assert!(!is_host("[::]:8000", "[::]:8000"));
        assert!(!is_host("192.0.2.7:8000", "192.0.2.8:8000"));
    }

    #[test]
    fn origins_are_loopback_or_listed() {
        let access = access();
        for origin in ["http://localhost:3000", "https://127.0.0.1", "https://app.example.com"] {
            assert!(access.is_origin(origin), "{origin}");
        }
        for origin in [
            "null",
            "",
            "http://evil.com",
            "http://app.example.com",
            "https://app.example.com.evil.com",
            "file://localhost",
            "http://localhost.evil.com",
        ] {
            assert!(!access.is_origin(origin), "{origin}");
        }
    }

    #[test]
    fn tokens_come_with_any_spelling_of_the_scheme() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc"), Some("abc"));
        assert_eq!(bearer("Basic abc"), None);
        assert_eq!(bearer("abc"), None);
    }

    #[test]
    fn a_header_given_twice_is_none() {
        let mut headers = HeaderMap::new();
        headers.append(HOST, HeaderValue::from_static("localhost"));
        assert_eq!(access().check_place(&headers), Ok(()));
        headers.append(HOST, HeaderValue::from_static("localhost"));
        assert_eq!(access().check_place(&headers), Err(Refusal::Host));
    }
}
