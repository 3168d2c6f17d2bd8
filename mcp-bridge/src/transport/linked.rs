//! A handler whose running calls end with its client, and whose panics are answered.
//!
//! rmcp lets calls go on for seconds after the client has gone, and drops the panic of a call
//! together with its answer, so that the client would wait forever.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use rmcp::ErrorData;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{ClientNotification, ClientRequest, ProtocolVersion, ServerConfig, ServerResult};
use rmcp::service::{NotificationContext, RequestContext, RoleServer, Service};
use tokio_util::sync::CancellationToken;

/// A handler linked to its client.
pub(super) struct Linked<H> {
    handler: H,
    gone: CancellationToken,
}

impl<H> Linked<H> {
    /// Calls of `handler` are cancelled when `gone` is set off.
    pub(super) const fn new(handler: H, gone: CancellationToken) -> Self {
        Self { handler, gone }
    }
}

impl<H: ServerHandler> Service<RoleServer> for Linked<H> {
    async fn handle_request(
        &self,
        request: ClientRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<ServerResult, ErrorData> {
        let cancel = context.ct.clone();
        let work = self.handler.handle_request(request, context);
        let mut work = std::pin::pin!(AssertUnwindSafe(work).catch_unwind());
        let outcome = tokio::select! {
            outcome = &mut work => outcome,
            () = self.gone.cancelled() => {
                cancel.cancel();
                work.await
            }
        };
        outcome.unwrap_or_else(|_| {
            tracing::error!("a request panicked");
            Err(ErrorData::internal_error("internal error", None))
        })
    }

    async fn handle_notification(
        &self,
        notification: ClientNotification,
        context: NotificationContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.handler.handle_notification(notification, context).await
    }

    fn get_info(&self) -> ServerConfig {
        ServerHandler::get_info(&self.handler)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        ServerHandler::supported_protocol_versions(&self.handler)
    }
}
