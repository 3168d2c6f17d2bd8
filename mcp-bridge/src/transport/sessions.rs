//! Sessions of Streamable HTTP: how many there are, whose they are, how long they live.
//!
//! rmcp's sessions are wrapped, for it bounds neither their number nor who uses them, its idle timer
//! does not see calls that run, and a call whose client has gone runs on, because its stream could
//! be resumed. A statement that nobody waits for must not run on: it is cancelled when its stream is
//! not resumed within a moment.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use rmcp::model::{
    CancelledNotification, CancelledNotificationParam, ClientJsonRpcMessage, ClientNotification,
    GetExtensions, JsonRpcMessage, RequestId, ServerJsonRpcMessage,
};
use rmcp::transport::streamable_http_server::session::local::{
    LocalSessionManager, LocalSessionManagerError, SessionTransport,
};
use rmcp::transport::streamable_http_server::session::{
    ServerSseMessage, SessionId, SessionManager,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::linked::Gone;
use super::{HttpOptions, Principal};

/// All sessions.
#[derive(Clone)]
pub(super) struct Sessions(Arc<Shared>);

struct Shared {
    inner: LocalSessionManager,
    open: Mutex<HashMap<SessionId, Entry>>,
    most: usize,
    idle: Duration,
    spare: Duration,
    grace: Duration,
}

struct Entry {
    principal: Option<Principal>,
    gone: CancellationToken,
    used: Instant,
    /// Streams that are open: a session with one is not idle.
    streams: usize,
    /// Calls whose stream was dropped before their answer.
    lost: Vec<RequestId>,
}

/// Why a session is not to be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    #[error("too many sessions are open")]
    Full,
    #[error(transparent)]
    Inner(#[from] LocalSessionManagerError),
}

impl Shared {
    fn open(&self) -> MutexGuard<'_, HashMap<SessionId, Entry>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn used(&self, id: &SessionId) {
        if let Some(entry) = self.open().get_mut(id) {
            entry.used = Instant::now();
        }
    }
}

impl Sessions {
    pub(super) fn new(options: &HttpOptions) -> Self {
        let mut inner = LocalSessionManager::default();
        // Idle sessions are closed here.
        inner.session_config.keep_alive = None;
        inner.session_config.init_timeout = Some(options.init_timeout);
        Self(Arc::new(Shared {
            inner,
            open: Mutex::default(),
            most: options.max_sessions,
            idle: options.session_idle,
            spare: options.session_spare,
            grace: options.resume_grace,
        }))
    }

    /// Sessions that are open.
    pub(super) fn count(&self) -> usize {
        self.0.open().len()
    }

    /// Whether another session has room. When all places are taken, the session that was not used
    /// for the longest time gives way if its client seems to have left.
    pub(super) async fn has_room(&self) -> bool {
        let oldest = {
            let open = self.0.open();
            if open.len() < self.0.most {
                return true;
            }
            open.iter()
                .filter(|(_, entry)| entry.is_idle_for(self.0.spare))
                .min_by_key(|(_, entry)| entry.used)
                .map(|(id, _)| Arc::clone(id))
        };
        match oldest {
            Some(id) => {
                tracing::info!("a session that is not used gives way to a new one");
                self.close(&id).await;
                true
            }
            None => false,
        }
    }

    /// Whether a session is somebody else's.
    pub(super) fn is_foreign(&self, id: &str, principal: Option<&Principal>) -> bool {
        self.0.open().get(id).is_some_and(|entry| entry.principal.as_ref() != principal)
    }

    /// Closes sessions that were idle for too long, as long as it is polled.
    pub(super) async fn sweep(&self) {
        let mut ticks = tokio::time::interval(self.0.idle.clamp(TICK / 100, TICK * 60) / 4);
        loop {
            ticks.tick().await;
            let idle: Vec<_> = self
                .0
                .open()
                .iter()
                .filter(|(_, entry)| entry.is_idle_for(self.0.idle))
                .map(|(id, _)| Arc::clone(id))
                .collect();
            for id in idle {
                tracing::debug!("a session was idle for too long");
                self.close(&id).await;
            }
        }
    }

    async fn close(&self, id: &SessionId) {
        if let Err(error) = self.close_session(id).await {
            tracing::debug!(%error, "a session cannot be closed");
        }
    }

    /// Watches over a stream of a session and the calls that it answers.
    fn watch(&self, session: &SessionId, calls: Vec<RequestId>) -> Watch {
        if let Some(entry) = self.0.open().get_mut(session) {
            entry.streams += 1;
            entry.used = Instant::now();
        }
        Watch { shared: Arc::clone(&self.0), session: Arc::clone(session), calls }
    }
}

/// One second.
const TICK: Duration = Duration::from_secs(1);

impl Entry {
    fn is_idle_for(&self, time: Duration) -> bool {
        self.streams == 0 && self.used.elapsed() >= time
    }
}

impl SessionManager for Sessions {
    type Error = SessionError;
    type Transport = SessionTransport;

    async fn create_session(&self) -> Result<(SessionId, SessionTransport), SessionError> {
        let (id, transport) = self.0.inner.create_session().await?;
        let full = {
            let mut open = self.0.open();
            let full = open.len() >= self.0.most;
            if !full {
                let gone = CancellationToken::new();
                let used = Instant::now();
                let entry = Entry { principal: None, gone, used, streams: 0, lost: Vec::new() };
                open.insert(Arc::clone(&id), entry);
            }
            full
        };
        if full {
            self.0.inner.close_session(&id).await?;
            return Err(SessionError::Full);
        }
        Ok((id, transport))
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, SessionError> {
        if let JsonRpcMessage::Request(request) = &message {
            let parts = request.request.extensions().get::<http::request::Parts>();
            let principal = parts.and_then(|parts| parts.extensions.get::<Principal>()).cloned();
            if let Some(entry) = self.0.open().get_mut(id) {
                entry.principal = principal;
            }
        }
        Ok(self.0.inner.initialize_session(id, message).await?)
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, SessionError> {
        Ok(self.0.inner.has_session(id).await?)
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), SessionError> {
        if let Some(entry) = self.0.open().remove(id) {
            entry.gone.cancel();
        }
        Ok(self.0.inner.close_session(id).await?)
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        mut message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionError> {
        let mut calls = Vec::new();
        if let JsonRpcMessage::Request(request) = &mut message {
            calls.push(request.id.clone());
            if let Some(entry) = self.0.open().get(id) {
                request.request.extensions_mut().insert(Gone(entry.gone.clone()));
            }
        }
        // Before the message is on its way: the client may go at any time.
        let watch = self.watch(id, calls);
        let inner = self.0.inner.create_stream(id, message).await?;
        Ok(Watched { inner: Box::pin(inner), watch })
    }

    async fn accept_message(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<(), SessionError> {
        self.0.used(id);
        Ok(self.0.inner.accept_message(id, message).await?)
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionError> {
        let watch = self.watch(id, Vec::new());
        let inner = self.0.inner.create_standalone_stream(id).await?;
        Ok(Watched { inner: Box::pin(inner), watch })
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionError> {
        // Which call the stream answers only rmcp knows: the client is back, so it waits for all.
        let lost = self.0.open().get_mut(id).map(|entry| std::mem::take(&mut entry.lost));
        let watch = self.watch(id, lost.unwrap_or_default());
        let inner = self.0.inner.resume(id, last_event_id).await?;
        Ok(Watched { inner: Box::pin(inner), watch })
    }
}

/// A stream of a session that is being sent to the client.
struct Watched {
    inner: Pin<Box<dyn Stream<Item = ServerSseMessage> + Send + Sync>>,
    watch: Watch,
}

impl Stream for Watched {
    type Item = ServerSseMessage;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ServerSseMessage>> {
        let polled = self.inner.as_mut().poll_next(cx);
        match &polled {
            Poll::Ready(Some(event)) => {
                let answered = match event.message.as_deref() {
                    Some(JsonRpcMessage::Response(response)) => Some(&response.id),
                    Some(JsonRpcMessage::Error(error)) => error.id.as_ref(),
                    _ => None,
                };
                if let Some(id) = answered {
                    self.watch.calls.retain(|call| call != id);
                }
            }
            // The end is the server's doing.
            Poll::Ready(None) => self.watch.calls.clear(),
            Poll::Pending => {}
        }
        polled
    }
}

/// Notes that the client has gone when a stream is dropped.
struct Watch {
    shared: Arc<Shared>,
    session: SessionId,
    /// Calls that are not yet answered.
    calls: Vec<RequestId>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        let calls = std::mem::take(&mut self.calls);
        if let Some(entry) = self.shared.open().get_mut(&self.session) {
            entry.streams = entry.streams.saturating_sub(1);
            entry.used = Instant::now();
            entry.lost.extend(calls.iter().cloned());
        }
        if calls.is_empty() {
            return;
        }
        // Without a runtime the process is ending.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (shared, session) = (Arc::clone(&self.shared), Arc::clone(&self.session));
            runtime.spawn(cancel_unless_resumed(shared, session, calls));
        }
    }
}

async fn cancel_unless_resumed(shared: Arc<Shared>, session: SessionId, calls: Vec<RequestId>) {
    tokio::time::sleep(shared.grace).await;
    for id in calls {
        let lost = shared.open().get_mut(&session).is_some_and(|entry| {
            let known = entry.lost.len();
            entry.lost.retain(|lost| *lost != id);
            entry.lost.len() < known
        });
        if !lost {
            continue;
        }
        let reason = Some("the client has gone".to_owned());
        let message =
            ClientJsonRpcMessage::notification(ClientNotification::CancelledNotification(
                CancelledNotification::new(CancelledNotificationParam::new(Some(id), reason)),
            ));
        if let Err(error) = shared.inner.accept_message(&session, message).await {
            tracing::debug!(%error, "the session of a lost call has ended");
        }
    }
}
