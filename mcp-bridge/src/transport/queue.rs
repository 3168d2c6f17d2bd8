//! One client's messages, in two bounded queues: the end of a transport that rmcp holds.
//!
//! What fills and empties the queues is the transport's: lines of stdio, requests and events of
//! HTTP+SSE. The bounds that hold for both are kept here.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, ClientRequest, ErrorCode, GetMeta, JsonRpcMessage,
    ProtocolVersion, RequestId, ServerJsonRpcMessage,
};
use rmcp::service::RoleServer;
use rmcp::transport::Transport;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::message;

/// Messages that may wait in each direction.
const WAITING: usize = 64;

/// Requests of one client that may be unanswered at a time.
const UNANSWERED: usize = 256;

/// Error code of a request that is refused because there are too many; one of those that JSON-RPC
/// leaves to servers.
const TOO_MANY: ErrorCode = ErrorCode(-32000);

/// Requests that have no answer yet, each with what a shutdown waits for.
type Unanswered = Arc<Mutex<HashMap<RequestId, Option<TaskTrackerToken>>>>;

/// rmcp's end of the queues.
pub(super) struct Queue {
    incoming: mpsc::Receiver<ClientJsonRpcMessage>,
    outgoing: Option<mpsc::Sender<ServerJsonRpcMessage>>,
    gone: CancellationToken,
    patience: Option<Duration>,
    begin_by: Option<Instant>,
    opening: Opening,
    unanswered: Unanswered,
    calls: TaskTracker,
    refusals: VecDeque<ServerJsonRpcMessage>,
}

/// The transport's ends.
pub(super) struct Ends {
    pub(super) messages: mpsc::Sender<ClientJsonRpcMessage>,
    pub(super) answers: mpsc::Receiver<ServerJsonRpcMessage>,
    /// For answers that the transport gives itself.
    pub(super) own_answers: mpsc::Sender<ServerJsonRpcMessage>,
}

impl Queue {
    /// Queues of a client; `gone` tells that it has gone, `calls` has a token of each request that is
    /// not yet answered.
    pub(super) fn new(gone: CancellationToken, calls: TaskTracker) -> (Self, Ends) {
        let (messages, incoming) = mpsc::channel(WAITING);
        let (outgoing, answers) = mpsc::channel(WAITING);
        let ends = Ends { messages, answers, own_answers: outgoing.clone() };
        let queue = Self {
            incoming,
            outgoing: Some(outgoing),
            gone,
            patience: None,
            begin_by: None,
            opening: Opening::default(),
            unanswered: Arc::default(),
            calls,
            refusals: VecDeque::new(),
        };
        (queue, ends)
    }

    /// The client has gone when it leaves the queue of answers full for so long.
    pub(super) const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// The client has gone when it has not begun a session after so long.
    pub(super) fn with_begin_within(mut self, limit: Duration) -> Self {
        self.begin_by = Some(Instant::now() + limit);
        self
    }

    /// The next message as it came.
    async fn next(&mut self) -> Option<ClientJsonRpcMessage> {
        let late = async {
            match self.begin_by {
                Some(limit) if !self.opening.begun => tokio::time::sleep_until(limit).await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            // What was sent before the client went is still looked at: a script may write its
            // requests and close.
            biased;
            message = self.incoming.recv() => message,
            () = self.gone.cancelled() => None,
            () = late => {
                tracing::debug!("a session was not begun in time");
                self.gone.cancel();
                None
            }
        }
    }

    /// Whether rmcp may see the message; a request that it may not see gets its answer here.
    fn admit(&mut self, message: &ClientJsonRpcMessage) -> bool {
        if !self.opening.admits(message) {
            tracing::debug!("a message before the session began was passed over");
            return false;
        }
        match message {
            JsonRpcMessage::Request(request) => {
                let mut unanswered = lock(&self.unanswered);
                let refusal = if unanswered.contains_key(&request.id) {
                    (ErrorCode::INVALID_REQUEST, "a request with this id is not yet answered")
                } else if unanswered.len() >= UNANSWERED {
                    (TOO_MANY, "too many requests of this client are unanswered")
                } else {
                    let endless = is_subscription(&request.request);
                    let token = (!endless).then(|| self.calls.token());
                    unanswered.insert(request.id.clone(), token);
                    return true;
                };
                self.refusals.push_back(message::error(
                    refusal.0,
                    refusal.1.to_owned(),
                    Some(request.id.clone()),
                ));
                false
            }
            JsonRpcMessage::Notification(notification) => {
                // A cancelled request has no answer.
                if let ClientNotification::CancelledNotification(cancelled) =
                    &notification.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    lock(&self.unanswered).remove(id);
                }
                true
            }
            _ => true,
        }
    }
}

/// Whether a request is answered only at the end of the session.
pub(super) const fn is_subscription(request: &ClientRequest) -> bool {
    matches!(request, ClientRequest::SubscriptionsListenRequest(_))
}

fn lock(unanswered: &Unanswered) -> MutexGuard<'_, HashMap<RequestId, Option<TaskTrackerToken>>> {
    unanswered.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Transport<RoleServer> for Queue {
    type Error = io::Error;

    fn send(
        &mut self,
        item: ServerJsonRpcMessage,
    ) -> impl Future<Output = Result<(), io::Error>> + Send + 'static {
        let outgoing = self.outgoing.clone();
        let (gone, patience) = (self.gone.clone(), self.patience);
        let unanswered = Arc::clone(&self.unanswered);
        async move {
            let outgoing = outgoing.ok_or_else(closed)?;
            let answered = match &item {
                JsonRpcMessage::Response(response) => Some(response.id.clone()),
                JsonRpcMessage::Error(error) => error.id.clone(),
                _ => None,
            };
            let sent = match patience {
                Some(patience) => tokio::time::timeout(patience, outgoing.send(item)).await,
                None => Ok(outgoing.send(item).await),
            };
            if let Some(id) = answered {
                lock(&unanswered).remove(&id);
            }
            match sent {
                Ok(sent) => sent.map_err(|_| closed()),
                // A client that reads nothing must not hold its answers forever.
                Err(_) => {
                    tracing::debug!("a client that takes no answers was given up");
                    gone.cancel();
                    Err(io::ErrorKind::TimedOut.into())
                }
            }
        }
    }

    // May be dropped at any await, and then nothing is lost: a refusal leaves its queue only when
    // there is room for it in the other one.
    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            while !self.refusals.is_empty() {
                let outgoing = self.outgoing.clone()?;
                let place = tokio::select! {
                    place = outgoing.reserve() => place.ok()?,
                    () = self.gone.cancelled() => return None,
                };
                if let Some(refusal) = self.refusals.pop_front() {
                    place.send(refusal);
                }
            }
            let message = self.next().await?;
            if self.admit(&message) {
                return Some(message);
            }
        }
    }

    async fn close(&mut self) -> Result<(), io::Error> {
        self.incoming.close();
        self.outgoing = None;
        Ok(())
    }
}

fn closed() -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}

/// How far a session has begun.
///
/// rmcp ends a session whose first message is no request. But a client may try one era, give that
/// up with a notification, and go on with the other.
#[derive(Debug, Default)]
struct Opening {
    /// The client has shown which era it speaks.
    begun: bool,
    /// rmcp has left its opening phase.
    settled: bool,
}

impl Opening {
    fn admits(&mut self, message: &ClientJsonRpcMessage) -> bool {
        let JsonRpcMessage::Request(request) = message else { return self.settled };
        let inline = || {
            let missing =
                request.request.get_meta().missing_required_keys(&ProtocolVersion::V_2026_07_28);
            missing.is_empty()
        };
        match &request.request {
            ClientRequest::InitializeRequest(_) => {
                self.begun = true;
                self.settled = true;
            }
            ClientRequest::PingRequest(_) => {}
            ClientRequest::DiscoverRequest(_) => self.begun |= inline(),
            _ if inline() => {
                self.begun = true;
                self.settled |= request
                    .request
                    .get_meta()
                    .protocol_version()
                    .is_some_and(|version| ProtocolVersion::KNOWN_VERSIONS.contains(&version));
            }
            _ => {}
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn queue(gone: CancellationToken) -> (Queue, Ends) {
        Queue::new(gone, TaskTracker::new())
    }

    fn message(text: &serde_json::Value) -> ClientJsonRpcMessage {
        serde_json::from_str(&text.to_string()).unwrap()
    }

    fn ping(id: usize) -> ClientJsonRpcMessage {
        message(&json!({"jsonrpc": "2.0", "id": id, "method": "ping"}))
    }

    fn cancelled(id: usize) -> ClientJsonRpcMessage {
        message(&json!({
            "jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}
        }))
    }

    fn initialize(id: usize) -> ClientJsonRpcMessage {
        message(&json!({
            "jsonrpc": "2.0", "id": id, "method": "initialize",
            "params": {
                "protocolVersion": "2025-06-18", "capabilities": {},
                "clientInfo": {"name": "test", "version": "0"}
            }
        }))
    }

    #[tokio::test]
    async fn notifications_before_the_begin_are_passed_over() {
        let (mut queue, ends) = queue(CancellationToken::new());
        for message in [cancelled(1), ping(2), cancelled(2), initialize(3), cancelled(4)] {
            ends.messages.send(message).await.unwrap();
        }
        assert!(matches!(queue.receive().await, Some(JsonRpcMessage::Request(_))));
        assert!(matches!(queue.receive().await, Some(JsonRpcMessage::Request(_))));
        assert!(matches!(queue.receive().await, Some(JsonRpcMessage::Notification(_))));
    }

    #[tokio::test]
    async fn requests_are_bounded_until_they_are_answered_or_cancelled() {
        let (mut queue, mut ends) = queue(CancellationToken::new());
        ends.messages.send(initialize(0)).await.unwrap();
        queue.receive().await.unwrap();
        for id in 1..UNANSWERED {
            ends.messages.send(ping(id)).await.unwrap();
            queue.receive().await.unwrap();
        }
        for id in [7, UNANSWERED] {
            ends.messages.send(ping(id)).await.unwrap();
        }
        ends.messages.send(cancelled(7)).await.unwrap();
        ends.messages.send(ping(UNANSWERED + 1)).await.unwrap();
        assert!(matches!(queue.receive().await, Some(JsonRpcMessage::Notification(_))));
        let code = |answer| serde_json::to_value(answer).unwrap()["error"]["code"].to_string();
        assert_eq!(code(ends.answers.recv().await.unwrap()), "-32600");
        assert_eq!(code(ends.answers.recv().await.unwrap()), "-32000");
        assert!(matches!(queue.receive().await, Some(JsonRpcMessage::Request(_))));
    }

    #[tokio::test]
    async fn a_client_that_only_pings_has_not_begun() {
        let gone = CancellationToken::new();
        let (queue, ends) = queue(gone.clone());
        let mut queue = queue.with_begin_within(Duration::from_millis(50));
        ends.messages.send(ping(1)).await.unwrap();
        assert!(queue.receive().await.is_some());
        assert!(queue.receive().await.is_none());
        assert!(gone.is_cancelled());
    }

    #[tokio::test]
    async fn a_client_that_takes_no_answers_has_gone() {
        let gone = CancellationToken::new();
        let (queue, _ends) = queue(gone.clone());
        let mut queue = queue.with_patience(Duration::from_millis(50));
        let answer = || message::error(TOO_MANY, String::new(), None);
        for _ in 0..WAITING {
            queue.send(answer()).await.unwrap();
        }
        assert_eq!(queue.send(answer()).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(gone.is_cancelled());
    }

    #[tokio::test]
    async fn what_came_before_the_client_went_is_still_received() {
        let gone = CancellationToken::new();
        let (mut queue, ends) = queue(gone.clone());
        ends.messages.send(initialize(1)).await.unwrap();
        gone.cancel();
        assert!(queue.receive().await.is_some());
        assert!(queue.receive().await.is_none());
    }
}
