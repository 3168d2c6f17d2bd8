//! A handler whose running calls end with its client, and whose panics are answered.
//!
//! rmcp lets calls go on for seconds after the client has gone, and drops the panic of a call
//! together with its answer, so that the client would wait forever.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use rmcp::ErrorData;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CancelTaskParams, CancelledNotificationParam,
    CompleteRequestParams, CompleteResult, CustomNotification, CustomRequest, CustomResult,
    DiscoverResult, GetPromptRequestParams, GetPromptResponse, GetSkillRequestParams,
    GetSkillResult, GetTaskParams, GetTaskResult, InitializeRequestParams, InitializeResult,
    ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListSkillsResult,
    ListToolsResult, PaginatedRequestParams, ProgressNotificationParam, ProtocolVersion,
    ReadResourceDirectoryRequestParams, ReadResourceDirectoryResult, ReadResourceRequestParams,
    ReadResourceResponse, ServerConfig, SubscribeRequestParams, SubscriptionFilter, Tool,
    UnsubscribeRequestParams, UpdateTaskParams,
};
// Of the older protocol era, which is served, too.
#[expect(deprecated)]
use rmcp::model::SetLevelRequestParams;
use rmcp::service::{NotificationContext, RequestContext, RoleServer, SubscriptionContext};
use tokio_util::sync::CancellationToken;

/// Put into the extensions of a request: set off when its client has gone.
#[derive(Debug, Clone)]
pub(super) struct Gone(pub(super) CancellationToken);

/// A handler linked to its client.
pub(super) struct Linked<H> {
    handler: H,
    gone: CancellationToken,
}

impl<H> Linked<H> {
    /// Calls of `handler` are cancelled when `gone` is set off, or the [`Gone`] that a request
    /// carries.
    pub(super) const fn new(handler: H, gone: CancellationToken) -> Self {
        Self { handler, gone }
    }

    async fn guarded<T>(
        &self,
        cancel: CancellationToken,
        own: Option<Gone>,
        work: impl Future<Output = Result<T, ErrorData>>,
    ) -> Result<T, ErrorData> {
        let gone = own.map_or_else(|| self.gone.clone(), |Gone(token)| token);
        let mut work = std::pin::pin!(AssertUnwindSafe(work).catch_unwind());
        let outcome = tokio::select! {
            outcome = &mut work => outcome,
            () = gone.cancelled() => {
                cancel.cancel();
                work.await
            }
        };
        outcome.unwrap_or_else(|_| {
            // The panic hook has printed what it was.
            tracing::error!("a request panicked");
            Err(ErrorData::internal_error("internal error", None))
        })
    }
}

/// Methods that answer a request, each with the net under it.
macro_rules! guarded {
    ($($method:ident($params:ty) -> $answer:ty;)*) => {$(
        async fn $method(
            &self,
            params: $params,
            context: RequestContext<RoleServer>,
        ) -> Result<$answer, ErrorData> {
            let (cancel, own) = (context.ct.clone(), context.extensions.get().cloned());
            let work = async { self.handler.$method(params, context).await };
            self.guarded(cancel, own, work).await
        }
    )*};
}

/// Methods that take a notification, passed on as they are: nobody waits for an answer.
macro_rules! passed_on {
    ($($method:ident($params:ty);)*) => {$(
        async fn $method(&self, params: $params, context: NotificationContext<RoleServer>) {
            self.handler.$method(params, context).await;
        }
    )*};
}

// Two of the methods are of the older protocol era only, which is served, too.
#[expect(deprecated)]
impl<H: ServerHandler> ServerHandler for Linked<H> {
    guarded! {
        initialize(InitializeRequestParams) -> InitializeResult;
        complete(CompleteRequestParams) -> CompleteResult;
        set_level(SetLevelRequestParams) -> ();
        get_prompt(GetPromptRequestParams) -> GetPromptResponse;
        list_prompts(Option<PaginatedRequestParams>) -> ListPromptsResult;
        list_resources(Option<PaginatedRequestParams>) -> ListResourcesResult;
        list_resource_templates(Option<PaginatedRequestParams>) -> ListResourceTemplatesResult;
        read_resource(ReadResourceRequestParams) -> ReadResourceResponse;
        subscribe(SubscribeRequestParams) -> ();
        unsubscribe(UnsubscribeRequestParams) -> ();
        call_tool(CallToolRequestParams) -> CallToolResponse;
        list_tools(Option<PaginatedRequestParams>) -> ListToolsResult;
        on_custom_request(CustomRequest) -> CustomResult;
        get_task(GetTaskParams) -> GetTaskResult;
        update_task(UpdateTaskParams) -> ();
        cancel_task(CancelTaskParams) -> ();
        list_skills(Option<PaginatedRequestParams>) -> ListSkillsResult;
        get_skill(GetSkillRequestParams) -> GetSkillResult;
        read_resource_directory(ReadResourceDirectoryRequestParams) -> ReadResourceDirectoryResult;
    }

    passed_on! {
        on_cancelled(CancelledNotificationParam);
        on_progress(ProgressNotificationParam);
        on_custom_notification(CustomNotification);
    }

    async fn ping(&self, context: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        self.handler.ping(context).await
    }

    async fn discover(
        &self,
        context: RequestContext<RoleServer>,
    ) -> Result<DiscoverResult, ErrorData> {
        self.handler.discover(context).await
    }

    // A subscription ends with its client by itself.
    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        self.handler.listen(context).await
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        self.handler.on_initialized(context).await;
    }

    async fn on_roots_list_changed(&self, context: NotificationContext<RoleServer>) {
        self.handler.on_roots_list_changed(context).await;
    }

    fn negotiate_initialize(
        &self,
        request: &InitializeRequestParams,
    ) -> Result<InitializeResult, ErrorData> {
        self.handler.negotiate_initialize(request)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        self.handler.supported_protocol_versions()
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        self.handler.accepted_subscription_filter(requested)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.handler.get_tool(name)
    }

    fn get_info(&self) -> ServerConfig {
        self.handler.get_info()
    }
}
