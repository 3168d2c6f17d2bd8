//! Streamable HTTP at `/mcp`: rmcp's service, with what it leaves out.
//!
//! That is: a bound on sessions and their owners, JSON-RPC errors for what is no message, and
//! status codes that clients expect.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use rmcp::handler::server::ServerHandler;
use rmcp::model::{ClientJsonRpcMessage, ClientRequest, JsonRpcMessage};
use rmcp::transport::streamable_http_server::session::SessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::body::{self, Held, Read};
use super::linked::Linked;
use super::message::{self, Parsed};
use super::queue::is_subscription;
use super::sessions::Sessions;
use super::sse::{no_session, too_many};
use super::{HttpOptions, Principal};

/// Header that names a session.
const SESSION_HEADER: &str = "mcp-session-id";

/// What the route has.
pub(super) struct Streamable<H: ServerHandler> {
    service: StreamableHttpService<Linked<H>, Sessions>,
    pub(super) sessions: Sessions,
    max_body: usize,
    calls: TaskTracker,
}

impl<H: ServerHandler + Clone> Streamable<H> {
    /// Ends its streams and sessions with `ending`; `calls` has a token of each request that is not
    /// yet answered.
    pub(super) fn new(
        handler: H,
        options: &HttpOptions,
        ending: &CancellationToken,
        calls: &TaskTracker,
    ) -> Self {
        let sessions = Sessions::new(options);
        // Host and Origin are checked by our own layer, which all routes have in common.
        let config = StreamableHttpServerConfig::default()
            .disable_allowed_hosts()
            .disable_allowed_origins()
            .with_max_request_body_bytes(options.max_body)
            .with_cancellation_token(ending.child_token());
        let gone = ending.clone();
        let linked = move || Ok(Linked::new(handler.clone(), gone.clone()));
        let service = StreamableHttpService::new(linked, Arc::new(sessions.clone()), config);
        Self { service, sessions, max_body: options.max_body, calls: calls.clone() }
    }

    async fn forward(&self, request: Request) -> Response {
        self.service.handle(request).await.map(Body::new)
    }

    async fn post(&self, request: Request, in_session: bool) -> Response {
        if !is_json(request.headers()) {
            // What is wrong with it, rmcp says.
            return self.forward(request.map(|_| Body::empty())).await;
        }
        let (parts, body) = request.into_parts();
        let bytes = match body::read(body, self.max_body).await {
            Read::Whole(bytes) => bytes,
            Read::TooLong(clip) => {
                return body::answer(StatusCode::PAYLOAD_TOO_LARGE, &clip.answer(self.max_body));
            }
            Read::Failed(response) => return response,
        };
        let message = match message::parse(&bytes) {
            Parsed::Message(message) => message,
            Parsed::Ignored => return StatusCode::ACCEPTED.into_response(),
            Parsed::Rejected(answer) => return body::answer(StatusCode::BAD_REQUEST, &answer),
        };
        let opens = !in_session && is_initialize(&message);
        let endless = matches!(*message, JsonRpcMessage::Request(request)
            if is_subscription(&request.request));
        let token = (!endless).then(|| self.calls.token());
        if opens && !self.sessions.has_room().await {
            return too_many();
        }
        let response = self.forward(http::Request::from_parts(parts, Body::from(bytes))).await;
        // Others may have come between.
        if opens && response.status().is_server_error() && !self.sessions.has_room().await {
            return too_many();
        }
        response.map(|body| Body::new(Held::new(body, token)))
    }

    async fn delete(&self, request: Request, session: Option<&Arc<str>>) -> Response {
        if let Some(session) = session
            && !self.sessions.has_session(session).await.unwrap_or(false)
        {
            return no_session();
        }
        let response = self.forward(request).await;
        if response.status() == StatusCode::ACCEPTED {
            // Some clients take anything but 200 and 204 for a failure.
            return StatusCode::NO_CONTENT.into_response();
        }
        response
    }
}

/// `/mcp`.
pub(super) async fn handle<H: ServerHandler + Clone>(
    State(streamable): State<Arc<Streamable<H>>>,
    request: Request,
) -> Response {
    let session: Option<Arc<str>> =
        request.headers().get(SESSION_HEADER).and_then(|value| value.to_str().ok()).map(Arc::from);
    let principal = request.extensions().get::<Principal>();
    if let Some(session) = &session
        && streamable.sessions.is_foreign(session, principal)
    {
        return no_session();
    }
    match *request.method() {
        Method::POST => streamable.post(request, session.is_some()).await,
        Method::DELETE => streamable.delete(request, session.as_ref()).await,
        _ => streamable.forward(request).await,
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
        let essence = value.split_once(';').map_or(value, |(essence, _)| essence);
        essence.trim().eq_ignore_ascii_case("application/json")
    })
}

fn is_initialize(message: &ClientJsonRpcMessage) -> bool {
    matches!(message, JsonRpcMessage::Request(request)
        if matches!(request.request, ClientRequest::InitializeRequest(_)))
}
