//! Questions to the client's own model (MCP sampling), in both protocol eras.
//!
//! Up to 2025-11-25 the server sends a request and waits. From 2026-07-28 a call ends with the
//! question, and the client calls again with the reply and the state it was handed; the state is
//! sealed, because a client could hand back anything.
#![allow(deprecated, reason = "sampling is deprecated since 2026-07-28, and the tools offer it")]

use std::time::Duration;

use rmcp::model::{
    CreateMessageRequest, CreateMessageRequestParams, CreateMessageResult, InputRequest,
    InputRequiredResult, InputResponses, RequestStateCodec, SamplingMessage,
    SamplingMessageContentBlock, SealOptions,
};
use rmcp::service::{Peer, RoleServer};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::error::{Kind, ToolError};

/// Tokens the model may answer with: a list of index definitions is short.
const REPLY_TOKENS: u32 = 2_000;

/// How long a client has for its reply. A person may have to approve it.
const STATE_LIFE: Duration = Duration::from_secs(600);

/// The key of our only question in a round.
const QUESTION: &str = "proposal";

/// How the client's model can be asked.
pub(crate) enum Sampler {
    /// Not at all.
    Absent,
    /// By a request over the connection.
    Peer(Peer<RoleServer>),
    /// By ending the call; boxed, because the others are small.
    Rounds(Box<Rounds>),
}

/// A call that may be a repetition with the model's reply.
pub(crate) struct Rounds {
    /// Seals the state between calls.
    pub(crate) codec: RequestStateCodec,
    /// What the state belongs to: caller, tool, arguments.
    pub(crate) binding: Vec<u8>,
    /// The state that came with the call.
    pub(crate) state: Option<String>,
    /// The replies that came with the call.
    pub(crate) replies: Option<InputResponses>,
}

/// What asking led to.
pub(crate) enum Asked {
    /// The model's words.
    Reply(String),
    /// The call has to end with this.
    Suspended(Box<InputRequiredResult>),
}

fn unreadable() -> ToolError {
    ToolError::new(Kind::InvalidArgument, "the state of the request cannot be read")
        .with_hint("Call the tool again without requestState.")
}

impl Sampler {
    /// Whether a model can be asked.
    pub(crate) const fn is_available(&self) -> bool {
        !matches!(self, Self::Absent)
    }

    /// The state and the model's reply, when this call goes on with an earlier one.
    ///
    /// # Errors
    /// [`Kind::InvalidArgument`] when the state is forged, expired or of another call, or the reply
    /// is none.
    pub(crate) fn resumed<S: DeserializeOwned>(&self) -> Result<Option<(S, String)>, ToolError> {
        let Self::Rounds(rounds) = self else { return Ok(None) };
        let Some(state) = &rounds.state else { return Ok(None) };
        let state =
            rounds.codec.open_json_with(state, &rounds.binding).map_err(|_| unreadable())?;
        let reply = rounds
            .replies
            .as_ref()
            .and_then(|replies| replies.get(QUESTION))
            .and_then(|reply| serde_json::from_value::<CreateMessageResult>(reply.clone()).ok())
            .ok_or_else(unreadable)?;
        Ok(Some((state, words(reply))))
    }

    /// Asks; `state` comes back with the reply when the call has to end for it.
    ///
    /// # Errors
    /// [`Kind::Unsupported`] when nobody can be asked or the client refuses, [`Kind::Cancelled`].
    pub(crate) async fn ask<S: Serialize>(
        &self,
        system: &str,
        question: String,
        state: &S,
        cancelled: &CancellationToken,
    ) -> Result<Asked, ToolError> {
        let mut params = CreateMessageRequestParams::new(
            vec![SamplingMessage::user_text(question)],
            REPLY_TOKENS,
        );
        params.system_prompt = Some(system.to_owned());
        match self {
            Self::Absent => Err(unsupported()),
            Self::Peer(peer) => {
                let answer = tokio::select! {
                    answer = peer.create_message(params) => answer,
                    () = cancelled.cancelled() => {
                        return Err(ToolError::new(Kind::Cancelled, "the call was cancelled"));
                    }
                };
                answer.map(|reply| Asked::Reply(words(reply))).map_err(|error| {
                    ToolError::new(Kind::Unsupported, "the client's model gave no proposal")
                        .with_detail(format!("The client says: {error}."))
                        .with_hint("Use method \"dta\".")
                })
            }
            Self::Rounds(rounds) => {
                let options = SealOptions::new().associated_data(&rounds.binding).ttl(STATE_LIFE);
                let state = rounds.codec.seal_json_with(state, &options).map_err(|error| {
                    ToolError::new(Kind::Internal, format!("the state cannot be sealed: {error}"))
                })?;
                let request = InputRequest::CreateMessage(CreateMessageRequest::new(params));
                let requests = [(QUESTION.to_owned(), request)].into_iter().collect();
                Ok(Asked::Suspended(Box::new(InputRequiredResult::new(
                    Some(requests),
                    Some(state),
                ))))
            }
        }
    }
}

/// That the client offers no model.
pub(crate) fn unsupported() -> ToolError {
    ToolError::new(Kind::Unsupported, "method \"llm\" needs a client that offers MCP sampling")
        .with_detail("This client does not declare the capability \"sampling\".")
        .with_hint("Use method \"dta\", which needs no model.")
}

/// The text of a reply.
fn words(reply: CreateMessageResult) -> String {
    reply
        .message
        .content
        .into_vec()
        .into_iter()
        .filter_map(|block| match block {
            SamplingMessageContentBlock::Text(text) => Some(text.text),
            _ => None,
        })
        .collect::<Vec<_>>()
        .join("\n")
}
