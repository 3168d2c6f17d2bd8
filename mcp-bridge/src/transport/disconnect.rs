//! Calls whose client has gone, in sessions of Streamable HTTP.
//!
//! rmcp lets such a call run on, because its stream could be resumed. A statement that nobody waits
//! for must not run on, so the call is cancelled when the stream is not resumed within a moment.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use rmcp::model::{
    CancelledNotification, CancelledNotificationParam, ClientJsonRpcMessage, ClientNotification,
    RequestId,
};
use rmcp::transport::streamable_http_server::session::SessionManager;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use tokio::sync::watch;

/// A call that is being answered over a stream.
pub(super) struct Call {
    pub(super) manager: Arc<LocalSessionManager>,
    pub(super) session: Arc<str>,
    pub(super) id: RequestId,
    pub(super) grace: Duration,
    /// Changes whenever a stream of any session is resumed; its value is that session.
    pub(super) resumed: watch::Receiver<Arc<str>>,
}

/// The stream of an answer.
pub(super) struct Watched {
    body: Body,
    call: Option<Call>,
}

impl Watched {
    pub(super) const fn new(body: Body, call: Call) -> Self {
        Self { body, call: Some(call) }
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<axum::body::HttpFrame, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if matches!(polled, Poll::Ready(None)) {
            // The answer is out.
            self.call = None;
        }
        polled
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let Some(call) = self.call.take() else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(call.cancel_unless_resumed());
        }
    }
}

impl Call {
    async fn cancel_unless_resumed(mut self) {
        let resumed = async {
            while self.resumed.changed().await.is_ok() {
                if *self.resumed.borrow_and_update() == self.session {
                    return;
                }
            }
            std::future::pending().await
        };
        if tokio::time::timeout(self.grace, resumed).await.is_ok() {
            return;
        }
        let param =
            CancelledNotificationParam::new(Some(self.id), Some("the client has gone".to_owned()));
        let message = ClientJsonRpcMessage::notification(
            ClientNotification::CancelledNotification(CancelledNotification::new(param)),
        );
        if let Err(error) = self.manager.accept_message(&self.session, message).await {
            tracing::debug!(%error, "the session of a lost call has ended");
        }
    }
}
