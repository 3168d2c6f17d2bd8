//! HTTP+SSE of protocol 2024-11-05: a stream of events for what the server says, a POST for each
//! message of the client.
//!
//! rmcp no longer has this transport. The life cycle above it is rmcp's, so both protocol eras work.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Extension;
use axum::extract::{Query, Request, State};
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt, stream};
use rmcp::handler::server::ServerHandler;
use rmcp::model::{ClientJsonRpcMessage, GetExtensions, JsonRpcMessage, ServerJsonRpcMessage};
use rmcp::service::serve_server_with_ct;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::body::{self, Read};
use super::linked::Linked;
use super::message::{self, Parsed};
use super::queue::{Ends, Queue};
use super::{HttpOptions, Principal};

/// How often a silent stream says that it is alive: proxies close silent ones after a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The sessions of this transport.
pub(super) struct SseSessions<H> {
    handler: H,
    sessions: Mutex<HashMap<String, Entry>>,
    most: usize,
    max_body: usize,
    /// Where clients send their messages.
    endpoint: String,
    init_timeout: Duration,
    stall_timeout: Duration,
    ending: CancellationToken,
    calls: TaskTracker,
}

struct Entry {
    messages: mpsc::Sender<ClientJsonRpcMessage>,
    /// For answers to what is no message. Weak: the stream ends when rmcp has no more to say.
    own_answers: mpsc::WeakSender<ServerJsonRpcMessage>,
    principal: Option<Principal>,
}

impl<H: ServerHandler + Clone> SseSessions<H> {
    /// Ends its sessions with `ending`; `calls` has a token of each request that is not yet
    /// answered.
    pub(super) fn new(
        handler: H,
        options: &HttpOptions,
        ending: &CancellationToken,
        calls: &TaskTracker,
    ) -> Self {
        let prefix = options.public_path.as_deref().unwrap_or("").trim_matches('/');
        let slash = if prefix.is_empty() { "" } else { "/" };
        Self {
            handler,
            sessions: Mutex::default(),
            most: options.max_sessions,
            max_body: options.max_body,
            endpoint: format!("{slash}{prefix}/messages"),
            init_timeout: options.init_timeout,
            stall_timeout: options.stall_timeout,
            ending: ending.clone(),
            calls: calls.clone(),
        }
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
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

    /// Serves one session until its client goes, it does not initialize, or the end of all.
    async fn run(self: Arc<Self>, id: String, queue: Queue, gone: CancellationToken) {
        let handler = Linked::new(self.handler.clone(), gone.clone());
        match serve_server_with_ct(handler, queue, gone.clone()).await {
            Ok(running) => {
                // A session that ends with its client is no fault.
                if let Err(error) = running.waiting().await {
                    tracing::error!(%error, "a session broke");
                }
            }
            Err(error) => tracing::debug!(%error, "a session did not begin"),
        }
        gone.cancel();
        self.entries().remove(&id);
    }
}

/// `GET /sse`: opens a session and streams what the server says.
pub(super) async fn open<H: ServerHandler + Clone>(
    State(sessions): State<Arc<SseSessions<H>>>,
    principal: Option<Extension<Principal>>,
) -> Response {
    let gone = sessions.ending.child_token();
    let (queue, Ends { messages, answers, own_answers }) =
        Queue::new(gone.clone(), sessions.calls.clone());
    let queue =
        queue.with_patience(sessions.stall_timeout).with_begin_within(sessions.init_timeout);
    let principal = principal.map(|Extension(principal)| principal);
    let entry = Entry { messages, own_answers: own_answers.downgrade(), principal };
    drop(own_answers);
    let Some(id) = sessions.register(entry) else {
        return too_many();
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

/// Answers as events. When the client goes, the stream is dropped, and with it the session ends.
fn answered(
    answers: mpsc::Receiver<ServerJsonRpcMessage>,
    gone: CancellationToken,
) -> impl Stream<Item = Event> {
    stream::unfold((answers, gone.drop_guard()), |(mut answers, gone)| async move {
        // Ends when rmcp has dropped its end, which it does when the session is over.
        let answer = answers.recv().await?;
        let text = serde_json::to_string(&answer).unwrap_or_else(|error| {
            tracing::error!(%error, "an answer cannot be written");
            String::new()
        });
        Some((Event::default().event("message").data(text), (answers, gone)))
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
    request: Request,
) -> Response {
    let Some(id) = session.session_id else {
        return (StatusCode::BAD_REQUEST, "the parameter session_id is missing\n").into_response();
    };
    let (parts, body) = request.into_parts();
    let ends = sessions
        .entries()
        .get(&id)
        .filter(|entry| entry.principal.as_ref() == parts.extensions.get::<Principal>())
        .map(|entry| (entry.messages.clone(), entry.own_answers.clone()));
    let Some((messages, own_answers)) = ends else { return no_session() };
    let bytes = match body::read(body, sessions.max_body).await {
        Read::Whole(bytes) => bytes,
        Read::TooLong(clip) => {
            let answer = clip.answer(sessions.max_body);
            // Some clients look only at the stream for the answer to a request.
            if clip.id().is_some()
                && let Some(stream) = own_answers.upgrade()
                && stream.try_send(answer.clone()).is_err()
            {
                tracing::debug!("a client takes no answers");
            }
            return body::answer(StatusCode::PAYLOAD_TOO_LARGE, &answer);
        }
        Read::Failed(response) => return response,
    };
    let mut message = match message::parse(&bytes) {
        Parsed::Message(message) => *message,
        Parsed::Ignored => return StatusCode::ACCEPTED.into_response(),
        Parsed::Rejected(answer) => return body::answer(StatusCode::BAD_REQUEST, &answer),
    };
    if let JsonRpcMessage::Request(request) = &mut message {
        request.request.extensions_mut().insert(parts);
    }
    match messages.try_send(message) {
        Ok(()) => (StatusCode::ACCEPTED, "Accepted").into_response(),
        Err(TrySendError::Full(_)) => busy("the session has too many messages waiting\n", "1"),
        Err(TrySendError::Closed(_)) => no_session(),
    }
}

/// The answer to one session too many.
pub(super) fn too_many() -> Response {
    busy("too many sessions are open\n", "5")
}

/// The answer to a session that is unknown, over, or another caller's.
pub(super) fn no_session() -> Response {
    (StatusCode::NOT_FOUND, "there is no such session\n").into_response()
}

fn busy(why: &'static str, seconds: &'static str) -> Response {
    let mut response = (StatusCode::SERVICE_UNAVAILABLE, why).into_response();
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(seconds));
    response
}
