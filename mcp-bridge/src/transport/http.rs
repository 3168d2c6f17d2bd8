//! The HTTP listener: routes, layers, connections, shutdown.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{CONTENT_TYPE, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{ClientJsonRpcMessage, ClientRequest, JsonRpcMessage};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::access::{self, Access};
use super::disconnect::{Call, Watched};
use super::linked::Linked;
use super::message::{self, Parsed};
use super::sessions::Owners;
use super::sse::{self, SseSessions, too_many};
use super::{HttpOptions, Principal, TransportError};

/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Header that names a session of Streamable HTTP.
const SESSION_HEADER: &str = "mcp-session-id";

/// What tells whether the process can do its work.
pub type Readiness =
    Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// Sockets that are bound, not yet served.
#[derive(Debug)]
pub struct Listener {
    sockets: Vec<TcpListener>,
    options: HttpOptions,
}

/// What the routes share.
struct Shared<H: ServerHandler + Clone> {
    streamable: StreamableHttpService<Linked<H>, LocalSessionManager>,
    owners: Owners,
    sse: Arc<SseSessions<H>>,
    resumed: watch::Sender<Arc<str>>,
    grace: Duration,
    max_body: usize,
    ready: Readiness,
}

impl Listener {
    /// Binds every address that the option's host and port stand for.
    ///
    /// # Errors
    /// [`TransportError::Settings`] for an address that is not loopback without tokens;
    /// [`TransportError::Bind`].
    pub async fn bind(options: HttpOptions) -> Result<Self, TransportError> {
        let failed = |source| TransportError::Bind { address: options.address.clone(), source };
        let addresses: Vec<SocketAddr> =
            lookup_host(&options.address).await.map_err(failed)?.collect();
        check_exposure(&options, &addresses)?;
        let mut sockets = Vec::new();
        let mut last = None;
        for address in addresses {
            match TcpListener::bind(address).await {
                Ok(socket) => sockets.push(socket),
                // A name may stand for an address family that the machine does not have.
                Err(error) => last = Some(error),
            }
        }
        match last {
            Some(error) if sockets.is_empty() || error.kind() == std::io::ErrorKind::AddrInUse => {
                Err(failed(error))
            }
            None if sockets.is_empty() => Err(failed(std::io::ErrorKind::AddrNotAvailable.into())),
            _ => Ok(Self { sockets, options }),
        }
    }

    /// The first address, with the port that was picked.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.sockets.first().and_then(|socket| socket.local_addr().ok())
    }

    /// Serves until `shutdown`, then lets what runs end for [`HttpOptions::drain`].
    pub async fn serve<H: ServerHandler + Clone>(
        self,
        handler: H,
        ready: Readiness,
        shutdown: CancellationToken,
    ) {
        let app = router(handler, &self.options, ready, &shutdown);
        let places = Arc::new(Semaphore::new(self.options.max_connections));
        let connections = TaskTracker::new();
        let mut accepting = tokio::task::JoinSet::new();
        for socket in self.sockets {
            accepting.spawn(accept(
                socket,
                app.clone(),
                Arc::clone(&places),
                connections.clone(),
                shutdown.clone(),
            ));
        }
        while accepting.join_next().await.is_some() {}
        connections.close();
        if tokio::time::timeout(self.options.drain, connections.wait()).await.is_err() {
            tracing::warn!(open = connections.len(), "connections were cut off");
        }
    }
}

fn check_exposure(options: &HttpOptions, addresses: &[SocketAddr]) -> Result<(), TransportError> {
    let exposed = addresses.iter().find(|address| !address.ip().is_loopback());
    match exposed {
        Some(address) if options.tokens.is_empty() && !options.no_auth => {
            Err(TransportError::Settings(format!(
                "{} can be reached from other machines, and no token is required; set \
                 MCP_BRIDGE_AUTH_TOKEN or --auth-token-file, or give --no-auth",
                address.ip()
            )))
        }
        _ => Ok(()),
    }
}

/// Accepts connections until the shutdown.
async fn accept(
    socket: TcpListener,
    app: Router,
    places: Arc<Semaphore>,
    connections: TaskTracker,
    shutdown: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            () = shutdown.cancelled() => return,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file handles, most likely: some will be closed soon.
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tracing::warn!("too many connections: one was closed");
            continue;
        };
        let (app, shutdown) = (app.clone(), shutdown.clone());
        connections.spawn(async move {
            let _place = place;
            connection(stream, app, shutdown).await;
        });
    }
}

async fn connection(stream: TcpStream, app: Router, shutdown: CancellationToken) {
    // Answers are small, and a client waits for each.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection cannot be made fast");
    }
    let service = TowerToHyperService::new(app.map_request(|request: http::Request<_>| {
        request.map(Body::new)
    }));
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = std::pin::pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = shutdown.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

/// All routes with the layers before them.
pub(super) fn router<H: ServerHandler + Clone>(
    handler: H,
    options: &HttpOptions,
    ready: Readiness,
    shutdown: &CancellationToken,
) -> Router {
    let owners = Owners::new(options);
    let linked = {
        let (handler, shutdown) = (handler.clone(), shutdown.clone());
        move || Ok(Linked::new(handler.clone(), shutdown.child_token()))
    };
    // Host and Origin are checked by our own layer, which all routes have in common.
    let config = StreamableHttpServerConfig::default()
        .disable_allowed_hosts()
        .disable_allowed_origins()
        .with_max_request_body_bytes(options.max_body)
        .with_cancellation_token(shutdown.child_token());
    let shared = Arc::new(Shared {
        streamable: StreamableHttpService::new(linked, Arc::clone(&owners.manager), config),
        owners,
        sse: Arc::new(SseSessions::new(handler, options, shutdown.clone())),
        resumed: watch::Sender::new(Arc::from("")),
        grace: options.resume_grace,
        max_body: options.max_body,
        ready,
    });
    let mut guarded = Router::new()
        .route("/mcp", any(streamable::<H>))
        .route("/mcp/", any(streamable::<H>));
    if options.metrics {
        guarded = guarded.route("/metrics", get(metrics::<H>));
    }
    let messages = Router::new()
        .route(&options.sse_path, get(sse::open::<H>))
        .route("/messages", post(sse::post::<H>))
        .route("/messages/", post(sse::post::<H>))
        .layer(DefaultBodyLimit::max(options.max_body))
        .with_state(Arc::clone(&shared.sse));
    let access = Arc::new(Access::new(options));
    guarded
        .with_state(Arc::clone(&shared))
        .merge(messages)
        .layer(middleware::from_fn_with_state(Arc::clone(&access), cross_origin))
        .layer(middleware::from_fn_with_state(access, access::check))
        .merge(
            // Probes come by address and without a token, and learn nothing but yes or no.
            Router::new()
                .route("/healthz", get(|| async { "ok\n" }))
                .route("/readyz", get(readyz::<H>))
                .with_state(shared),
        )
}

async fn readyz<H: ServerHandler + Clone>(State(shared): State<Arc<Shared<H>>>) -> Response {
    match (shared.ready)().await {
        Ok(()) => "ready\n".into_response(),
        Err(why) => {
            tracing::warn!(why, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "a database cannot be reached\n").into_response()
        }
    }
}

async fn metrics<H: ServerHandler + Clone>(State(shared): State<Arc<Shared<H>>>) -> Response {
    let sessions =
        [("sse", shared.sse.count()), ("streamable_http", shared.owners.count().await)];
    let text = crate::metrics::METRICS.render(&sessions);
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

/// Lets pages of allowed origins read answers, and answers their preflight requests.
///
/// The layer outside this one has refused all other origins.
async fn cross_origin(
    State(access): State<Arc<Access>>,
    request: Request,
    next: Next,
) -> Response {
    let origin = request.headers().get(ORIGIN).cloned();
    let preflight = request.method() == Method::OPTIONS && origin.is_some();
    let mut response = if preflight {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    let Some(origin) = origin else { return response };
    if !origin.to_str().is_ok_and(|origin| access.is_origin(origin)) {
        return response;
    }
    let headers = response.headers_mut();
    headers.insert("access-control-allow-origin", origin);
    headers.insert("vary", HeaderValue::from_static("origin"));
    headers.insert(
        "access-control-expose-headers",
        HeaderValue::from_static("mcp-session-id, www-authenticate"),
    );
    if preflight {
        headers.insert(
            "access-control-allow-methods",
            HeaderValue::from_static("GET, POST, DELETE, OPTIONS"),
        );
        headers.insert(
            "access-control-allow-headers",
            HeaderValue::from_static(
                "authorization, content-type, accept, last-event-id, mcp-session-id, \
                 mcp-protocol-version, mcp-method, mcp-name",
            ),
        );
        headers.insert("access-control-max-age", HeaderValue::from_static("86400"));
    }
    response
}

fn session_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(SESSION_HEADER).and_then(|value| value.to_str().ok())
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.trim_start().to_ascii_lowercase().starts_with("application/json"))
}

/// `/mcp`: rmcp's service, with what it leaves out: a bound on sessions, their owners, JSON-RPC
/// errors for what is no message, and an end for calls whose client has gone.
async fn streamable<H: ServerHandler + Clone>(
    State(shared): State<Arc<Shared<H>>>,
    request: Request,
) -> Response {
    let principal = request.extensions().get::<Principal>().cloned();
    let session: Option<Arc<str>> = session_of(request.headers()).map(Arc::from);
    if let Some(session) = &session {
        if shared.owners.is_foreign(session, principal.as_ref()) {
            return (StatusCode::NOT_FOUND, "there is no such session\n").into_response();
        }
        if request.method() == Method::GET && request.headers().contains_key("last-event-id") {
            shared.resumed.send_replace(Arc::clone(session));
        }
    }
    let method = request.method().clone();
    if method != Method::POST {
        let response = shared.streamable.handle(request).await.map(Body::new);
        return if method == Method::DELETE && response.status() == StatusCode::ACCEPTED {
            // Some clients take anything but 200 and 204 for a failure.
            StatusCode::NO_CONTENT.into_response()
        } else {
            response
        };
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, shared.max_body).await else {
        return (StatusCode::PAYLOAD_TOO_LARGE, "the message is too long\n").into_response();
    };
    let mut call = None;
    if is_json(&parts.headers) {
        match message::parse(&body) {
            Parsed::Message(message) => {
                if session.is_none() && is_initialize(&message) && shared.owners.is_full().await {
                    return too_many();
                }
                if let (Some(session), JsonRpcMessage::Request(request)) = (&session, *message) {
                    call = Some(Call {
                        manager: Arc::clone(&shared.owners.manager),
                        session: Arc::clone(session),
                        id: request.id,
                        grace: shared.grace,
                        resumed: shared.resumed.subscribe(),
                    });
                }
            }
            Parsed::Ignored => return StatusCode::ACCEPTED.into_response(),
            Parsed::Rejected(answer) => {
                return (StatusCode::BAD_REQUEST, Json(answer)).into_response();
            }
        }
    }
    let request = http::Request::from_parts(parts, Body::from(body));
    let response = shared.streamable.handle(request).await;
    if session.is_none()
        && let Some(opened) = session_of(response.headers())
    {
        shared.owners.opened(opened, principal).await;
    }
    match call {
        Some(call) => response.map(|body| Body::new(Watched::new(Body::new(body), call))),
        None => response.map(Body::new),
    }
}

fn is_initialize(message: &ClientJsonRpcMessage) -> bool {
    matches!(message, JsonRpcMessage::Request(request)
        if matches!(request.request, ClientRequest::InitializeRequest(_)))
}

/// The router's error type is uninhabited; said here so that a change of it is noticed.
const _: fn(Infallible) -> Response = |never| match never {};
