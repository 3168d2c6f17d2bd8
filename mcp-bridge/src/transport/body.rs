//! The body of a POST: one message, bounded in bytes and in time.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use rmcp::model::ServerJsonRpcMessage;

use tokio_util::task::task_tracker::TaskTrackerToken;

use super::clip::Clip;

/// How long a client may take to send a body.
const TIME: Duration = Duration::from_secs(60);

/// Bytes that are read of a body that is too long, and thrown away: a client that is still sending
/// would not see the answer.
const THROWN_AWAY: usize = 128 << 20;

/// What a body is.
pub(super) enum Read {
    /// All of it.
    Whole(Bytes),
    /// More than is accepted.
    TooLong(Clip),
    /// It did not come: what to answer, if the client is still there.
    Failed(Response),
}

/// Reads a body of at most `most` bytes.
pub(super) async fn read(body: Body, most: usize) -> Read {
    read_within(body, most, TIME).await
}

async fn read_within(body: Body, most: usize, time: Duration) -> Read {
    tokio::time::timeout(time, read_all(body, most)).await.unwrap_or_else(|_| {
        let why = "the body did not come in time\n";
        Read::Failed((StatusCode::REQUEST_TIMEOUT, why).into_response())
    })
}

async fn read_all(body: Body, most: usize) -> Read {
    let mut parts = body.into_data_stream();
    let mut whole = Vec::new();
    let mut too_long: Option<Clip> = None;
    let mut bytes = 0;
    while let Some(part) = parts.next().await {
        let part = match part {
            Ok(part) => part,
            Err(error) => {
                tracing::debug!(%error, "a body broke off");
                return Read::Failed(
                    (StatusCode::BAD_REQUEST, "the body broke off\n").into_response(),
                );
            }
        };
        bytes += part.len();
        if too_long.is_none() && bytes > most {
            let clip = too_long.insert(Clip::default());
            clip.push(&whole);
            whole = Vec::new();
        }
        match &mut too_long {
            Some(clip) => clip.push(&part),
            None => whole.extend_from_slice(&part),
        }
        if bytes > THROWN_AWAY {
            break;
        }
    }
    too_long.map_or_else(|| Read::Whole(whole.into()), Read::TooLong)
}

/// A JSON-RPC message as the answer to a request.
pub(super) fn answer(status: StatusCode, message: &ServerJsonRpcMessage) -> Response {
    match serde_json::to_vec(message) {
        Ok(body) => (status, [(CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => {
            tracing::error!(%error, "an answer cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A body with what is to be held until it is sent.
pub(super) struct Held {
    body: Body,
    _token: Option<TaskTrackerToken>,
}

impl Held {
    pub(super) const fn new(body: Body, token: Option<TaskTrackerToken>) -> Self {
        Self { body, _token: token }
    }
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    fn body(parts: &[&'static str]) -> Body {
        Body::from_stream(stream::iter(
            parts.iter().map(|part| Ok::<_, std::io::Error>(*part)).collect::<Vec<_>>(),
        ))
    }

    #[tokio::test]
    async fn bodies_are_bounded_whatever_their_parts() {
        assert!(matches!(read(body(&["ab", "cd"]), 4).await, Read::Whole(all) if all == "abcd"));
        assert!(matches!(read(body(&["ab", "cde"]), 4).await, Read::TooLong(_)));
        assert!(matches!(read(Body::empty(), 0).await, Read::Whole(all) if all.is_empty()));
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let body = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let read = read_within(body, 4, Duration::from_millis(50));
        assert!(matches!(read.await, Read::Failed(response) if response.status() == 408));
    }
}
