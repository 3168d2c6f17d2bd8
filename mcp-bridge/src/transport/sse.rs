//! HTTP+SSE of protocol 2024-11-05: a stream of events for what the server says, a POST for each
//! message of the client.
//!
//! rmcp no longer has this transport. The life cycle above it is rmcp's, so both protocol eras work.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode, request};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures::{Stream, StreamExt, stream};
use rmcp::handler::server::ServerHandler;
use rmcp::model::{ClientJsonRpcMessage, GetExtensions, JsonRpcMessage, ServerJsonRpcMessage};
use rmcp::service::{RoleServer, serve_server_with_ct};
use rmcp::transport::Transport;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::linked::Linked;
use super::message::{self, Parsed};
use super::{HttpOptions, Principal};

/// Messages that may wait in each direction of a session.
const WAITING: usize = 64;

/// How often a silent stream says that it is alive: proxies close silent ones after a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The sessions of this transport.
pub(super) struct SseSessions<H> {
    handler: H,
    sessions: Mutex<HashMap<String, Entry>>,
    most: usize,
    /// Where clients send their messages.
    endpoint: String,
    init_timeout: Duration,
    stall_timeout: Duration,
    shutdown: CancellationToken,
}

struct Entry {
    incoming: mpsc::Sender<ClientJsonRpcMessage>,
    principal: Option<Principal>,
}

impl<H: ServerHandler + Clone> SseSessions<H> {
    pub(super) fn new(handler: H, options: &HttpOptions, shutdown: CancellationToken) -> Self {
        let prefix = options.public_path.as_deref().unwrap_or("").trim_end_matches('/');
        Self {
            handler,
            sessions: Mutex::default(),
            most: options.max_sessions,
            endpoint: format!("{prefix}/messages"),
            init_timeout: options.init_timeout,
            stall_timeout: options.stall_timeout,
            shutdown,
        }
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, HashMap<String, Entry>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sessions that are open.
    pub(super) fn count(&self) -> usize {
        self.entries().len()
    }

    /// Takes a place for a new session; none when all are taken.
    fn register(&self, entry: Entry) -> Option<String> {
        let mut entries = self.entries();
        if entries.len() >= self.most {
            return None;
        }
        // 128 random bits: an id cannot be guessed.
        let id = format!("{:032x}", rand::random::<u128>());
        entries.insert(id.clone(), entry);
        Some(id)
    }

    /// Serves one session until its client goes, it does not initialize, or the shutdown.
    async fn run(self: Arc<Self>, id: String, transport: Queue, gone: CancellationToken) {
        let handler = Linked::new(self.handler.clone(), gone.clone());
        let begun = tokio::time::timeout(
            self.init_timeout,
            serve_server_with_ct(handler, transport, gone.clone()),
        );
        match begun.await {
            Ok(Ok(running)) => {
                // A session that ends with its client is no fault.
                if let Err(error) = running.waiting().await {
                    tracing::error!(%error, "a session broke");
                }
            }
            Ok(Err(error)) => tracing::debug!(%error, "a session did not begin"),
            Err(_) => tracing::debug!("a session was not initialized in time"),
        }
        gone.cancel();
        self.entries().remove(&id);
    }
}

/// One end of a session: queues in both directions.
struct Queue {
    incoming: mpsc::Receiver<ClientJsonRpcMessage>,
    outgoing: Option<mpsc::Sender<ServerJsonRpcMessage>>,
    gone: CancellationToken,
    patience: Duration,
}

impl Transport<RoleServer> for Queue {
    type Error = io::Error;

    fn send(
        &mut self,
        item: ServerJsonRpcMessage,
    ) -> impl Future<Output = Result<(), io::Error>> + Send + 'static {
        let outgoing = self.outgoing.clone();
        let (gone, patience) = (self.gone.clone(), self.patience);
        async move {
            let closed = || io::Error::from(io::ErrorKind::BrokenPipe);
            let outgoing = outgoing.ok_or_else(closed)?;
            match tokio::time::timeout(patience, outgoing.send(item)).await {
                Ok(sent) => sent.map_err(|_| closed()),
                // A client that reads nothing must not hold its answers forever.
                Err(_) => {
                    gone.cancel();
                    Err(io::Error::from(io::ErrorKind::TimedOut))
                }
            }
        }
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        tokio::select! {
            message = self.incoming.recv() => message,
            () = self.gone.cancelled() => None,
        }
    }

    async fn close(&mut self) -> Result<(), io::Error> {
        self.incoming.close();
        self.outgoing = None;
        Ok(())
    }
}

/// `GET /sse`: opens a session and streams what the server says.
pub(super) async fn open<H: ServerHandler + Clone>(
    State(sessions): State<Arc<SseSessions<H>>>,
    principal: Option<Extension<Principal>>,
) -> Response {
    let (incoming, messages) = mpsc::channel(WAITING);
    let (outgoing, answers) = mpsc::channel(WAITING);
    let entry = Entry { incoming, principal: principal.map(|Extension(principal)| principal) };
    let Some(id) = sessions.register(entry) else {
        return too_many();
    };
    let gone = sessions.shutdown.child_token();
    let queue = Queue {
        incoming: messages,
        outgoing: Some(outgoing),
        gone: gone.clone(),
        patience: sessions.stall_timeout,
    };
    let endpoint = format!("{}?session_id={id}", sessions.endpoint);
    tokio::spawn(Arc::clone(&sessions).run(id, queue, gone.clone()));
    let events = stream::once(async move { Event::default().event("endpoint").data(endpoint) })
        .chain(answered(answers, gone))
        .map(Ok::<_, Infallible>);
    let mut response = Sse::new(events)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE).text("keep-alive"))
        .into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx would hold events back.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

/// The answer to one session too many.
pub(super) fn too_many() -> Response {
    let mut response =
        (StatusCode::SERVICE_UNAVAILABLE, "too many sessions are open\n").into_response();
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

/// Answers as events. When the client goes, the stream is dropped, and with it the session ends.
fn answered(
    answers: mpsc::Receiver<ServerJsonRpcMessage>,
    gone: CancellationToken,
) -> impl Stream<Item = Event> {
    let guard: DropGuard = gone.clone().drop_guard();
    stream::unfold((answers, gone, guard), |(mut answers, gone, guard)| async move {
        let answer = tokio::select! {
            biased;
            answer = answers.recv() => answer?,
            () = gone.cancelled() => answers.recv().await?,
        };
        let text = serde_json::to_string(&answer).unwrap_or_else(|error| {
            tracing::error!(%error, "an answer cannot be written");
            String::new()
        });
        Some((Event::default().event("message").data(text), (answers, gone, guard)))
    })
}

/// Which session a message belongs to; clients spell it both ways.
#[derive(Deserialize)]
pub(super) struct Session {
    #[serde(alias = "sessionId")]
    session_id: Option<String>,
}

/// `POST /messages`: takes one message of the client.
pub(super) async fn post<H: ServerHandler + Clone>(
    State(sessions): State<Arc<SseSessions<H>>>,
    Query(session): Query<Session>,
    principal: Option<Extension<Principal>>,
    parts: request::Parts,
    body: Bytes,
) -> Response {
    let Some(id) = session.session_id else {
        return (StatusCode::BAD_REQUEST, "the parameter session_id is missing\n").into_response();
    };
    let principal = principal.map(|Extension(principal)| principal);
    let incoming = sessions
        .entries()
        .get(&id)
        .filter(|entry| entry.principal == principal)
        .map(|entry| entry.incoming.clone());
    let unknown = || (StatusCode::NOT_FOUND, "there is no such session\n").into_response();
    let Some(incoming) = incoming else { return unknown() };
    let mut message = match message::parse(&body) {
        Parsed::Message(message) => *message,
        Parsed::Ignored => return StatusCode::ACCEPTED.into_response(),
        Parsed::Rejected(answer) => return (StatusCode::BAD_REQUEST, Json(answer)).into_response(),
    };
    if let JsonRpcMessage::Request(request) = &mut message {
        request.request.extensions_mut().insert(parts);
    }
    match incoming.try_send(message) {
        Ok(()) => (StatusCode::ACCEPTED, "Accepted").into_response(),
        Err(mpsc::error::TrySendError::Full(_)) => {
            (StatusCode::SERVICE_UNAVAILABLE, "the session has too many messages waiting\n")
                .into_response()
        }
        Err(mpsc::error::TrySendError::Closed(_)) => unknown(),
    }
}
