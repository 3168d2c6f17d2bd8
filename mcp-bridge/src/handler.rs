//! The MCP server: dispatches calls, with a slot, a deadline, a span and a net under each.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use futures::FutureExt;
use rmcp::ErrorData;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompleteResult, CustomRequest,
    CustomResult, GetPromptRequestParams, GetPromptResponse, GetPromptResult, Implementation,
    ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
    PaginatedRequestParams, ProtocolVersion, ReadResourceRequestParams, ReadResourceResponse,
    RequestStateCodec, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::json;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::db::{Call, Databases};
use crate::error::{Kind, ToolError};
use crate::metrics::METRICS;
use crate::progress;
use crate::result::{failure, panicked, success};
use crate::sampling::{Rounds, Sampler};
use crate::settings::limits::Limits;
use crate::tools::{self, AccessMode, Answer, Arguments, Context, Definition, Reply, Surface};
use crate::transport::Principal;
use crate::{completion, instructions, prompts};

/// How long a client may keep the listings, in milliseconds: they are constant in a process.
const LISTING_TTL_MS: u64 = 300_000;

/// The MCP server; a clone serves another session.
#[derive(Clone)]
pub struct Bridge {
    inner: Arc<Inner>,
}

struct Inner {
    databases: Databases,
    limits: Arc<Limits>,
    surface: Surface,
    slots: Semaphore,
    codec: RequestStateCodec,
    reports: Mutex<HashMap<String, Report>>,
}

/// A health report that was made.
#[derive(Clone)]
pub(crate) struct Report {
    pub(crate) text: String,
    pub(crate) made: Instant,
}

impl Bridge {
    /// A server for these databases.
    #[must_use]
    pub fn new(databases: Databases, limits: Arc<Limits>, access: AccessMode) -> Self {
        let surface = Surface { access, databases: databases.names().map(str::to_owned).collect() };
        // The key lives as long as the process: a question outlives no restart.
        let key: [u8; 32] = rand::random();
        Self {
            inner: Arc::new(Inner {
                slots: Semaphore::new(limits.calls),
                databases,
                limits,
                surface,
                codec: RequestStateCodec::new_unchecked(key),
                reports: Mutex::default(),
            }),
        }
    }

    pub(crate) fn databases(&self) -> &Databases {
        &self.inner.databases
    }

    /// The last health report of a database.
    pub(crate) fn last_report(&self, database: &str) -> Option<Report> {
        let reports = self.inner.reports.lock().unwrap_or_else(PoisonError::into_inner);
        reports.get(database).cloned()
    }

    fn keep_report(&self, database: &str, text: &str) {
        let report = Report { text: text.to_owned(), made: Instant::now() };
        let mut reports = self.inner.reports.lock().unwrap_or_else(PoisonError::into_inner);
        reports.insert(database.to_owned(), report);
    }

    /// What a tool has at hand when nobody waits for progress and no model can be asked.
    pub(crate) fn quiet_context(
        &self,
        database: Option<&str>,
        cancelled: CancellationToken,
    ) -> Result<Context, ToolError> {
        let limits = &self.inner.limits;
        Ok(Context {
            db: self.inner.databases.get(database)?,
            call: Call { cancelled, timeout: limits.statement, notices: None },
            limits: Arc::clone(limits),
            access: self.inner.surface.access,
            sampler: Sampler::Absent,
        })
    }

    /// Makes a health report of all checks, and keeps it.
    pub(crate) async fn report(&self, cx: &Context) -> Result<Answer, ToolError> {
        let answer = tools::health::report(cx, vec!["all".to_owned()]).await?;
        self.keep_report(cx.db.name(), &answer.text);
        Ok(answer)
    }

    /// Waits for a free slot.
    pub(crate) async fn slot(&self) -> Result<SemaphorePermit<'_>, ToolError> {
        let busy = || {
            ToolError::new(Kind::Busy, "too many calls are running")
                .with_detail(format!("At most {} run at a time.", self.inner.limits.calls))
                .with_hint("Call again when one of them has ended.")
        };
        match tokio::time::timeout(self.inner.limits.queue_wait, self.inner.slots.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(busy()),
        }
    }

    async fn run(
        &self,
        tool: &'static Definition,
        request: CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<Reply, ToolError> {
        let sampler = self.sampler(&request, context);
        let mut arguments =
            Arguments::new(request.arguments, &tool.argument_names(&self.inner.surface))?;
        let database = arguments.text("database")?;
        let db = self.inner.databases.get(database.as_deref())?;
        tracing::Span::current().record("database", db.name());
        let _slot = self.slot().await?;
        let limits = &self.inner.limits;
        let reporter = progress::Reporter::start(context);
        let call = Call {
            cancelled: context.ct.clone(),
            timeout: if tool.heavy { limits.analysis } else { limits.statement },
            notices: reporter.as_ref().map(progress::Reporter::sink),
        };
        let name = db.name().to_owned();
        let cx = Context {
            db,
            call,
            limits: Arc::clone(limits),
            access: self.inner.surface.access,
            sampler,
        };
        let reply = (tool.run)(cx, arguments).await?;
        if let (true, Reply::Answer(answer)) = (tool.name == tools::health::NAME, &reply) {
            self.keep_report(&name, &answer.text);
        }
        Ok(reply)
    }

    /// How the client's model can be asked, if it offers that.
    fn sampler(
        &self,
        request: &CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Sampler {
        let offered = context.client_capabilities().is_some_and(|client| {
            serde_json::to_value(client).is_ok_and(|it| it.get("sampling").is_some())
        });
        if !offered {
            return Sampler::Absent;
        }
        if !is_stateless(context) {
            return Sampler::Peer(context.peer.clone());
        }
        let principal = context
            .extensions
            .get::<http::request::Parts>()
            .and_then(|parts| parts.extensions.get::<Principal>())
            .map(ToString::to_string);
        let binding = json!([principal, request.name, request.arguments]).to_string();
        Sampler::Rounds(Box::new(Rounds {
            codec: self.inner.codec.clone(),
            binding: binding.into_bytes(),
            state: request.request_state.clone(),
            replies: request.input_responses.clone(),
        }))
    }
}

/// Whether a request is of the protocol era that has no sessions.
fn is_stateless(context: &RequestContext<RoleServer>) -> bool {
    context
        .protocol_version()
        .is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str())
}

impl ServerHandler for Bridge {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_resources()
            .enable_prompts()
            .enable_completions()
            .build();
        ServerConfig::new(capabilities)
            .with_server_info(
                Implementation::new("mcp-bridge", crate::VERSION).with_title("mcp_advisor"),
            )
            .with_instructions(instructions::text(&self.inner.surface, &self.inner.limits))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let mut listing = ListToolsResult::with_all_items(tools::list(&self.inner.surface));
        listing.ttl_ms = Some(LISTING_TTL_MS);
        listing.cache_scope = Some(rmcp::model::CacheScope::Public);
        Ok(listing)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        tools::find(name).map(|tool| tool.describe(&self.inner.surface))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(tool) = tools::find(&request.name) else {
            return Err(ErrorData::invalid_params(
                format!(
                    "unknown tool \"{}\"; the tools are: {}",
                    tools::text::line(&request.name, 100),
                    tools::names().join(", ")
                ),
                None,
            ));
        };
        let span = tracing::info_span!("call", tool = tool.name, database = tracing::field::Empty);
        let started = Instant::now();
        let run = AssertUnwindSafe(self.run(tool, request, &context)).catch_unwind();
        let outcome =
            run.instrument(span.clone()).await.unwrap_or_else(|panic| Err(panicked(&*panic)));
        let took = started.elapsed();
        METRICS.called(tool.name, outcome.as_ref().err().map(|error| error.kind), took);
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        match &outcome {
            Ok(_) => tracing::info!(parent: &span, ms, "answered"),
            Err(error)
                if error.kind == Kind::NotReadOnly
                    && error.sqlstate.as_deref() == Some("25006") =>
            {
                tracing::warn!(parent: &span, ms, "the guard passed what the server refused as a write");
            }
            Err(error) => {
                tracing::info!(parent: &span, ms, kind = ?error.kind, sqlstate = error.sqlstate, "failed");
            }
        }
        Ok(match outcome {
            Ok(Reply::Answer(answer)) => success(answer).into(),
            Ok(Reply::Ask(question)) => (*question).into(),
            Err(error) => failure(&error).into(),
        })
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let mut listing = ListPromptsResult::with_all_items(prompts::list());
        listing.ttl_ms = Some(LISTING_TTL_MS);
        listing.cache_scope = Some(rmcp::model::CacheScope::Public);
        Ok(listing)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let (description, message) = prompts::get(&request.name, request.arguments.as_ref())
            .map_err(|why| ErrorData::invalid_params(why, None))?;
        Ok(GetPromptResult::new(vec![message]).with_description(description).into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(self.resources(context.ct).await?))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let mut listing =
            ListResourceTemplatesResult::with_all_items(crate::resources::templates());
        listing.ttl_ms = Some(LISTING_TTL_MS);
        listing.cache_scope = Some(rmcp::model::CacheScope::Public);
        Ok(listing)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        self.read(&request.uri, context.ct).await.map(Into::into)
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        completion::complete(self, request, context.ct).await
    }

    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        // A known method comes here when its params have another form than the protocol's.
        const KNOWN: [&str; 9] = [
            "completion/complete",
            "initialize",
            "prompts/get",
            "prompts/list",
            "resources/list",
            "resources/read",
            "resources/templates/list",
            "tools/call",
            "tools/list",
        ];
        let method = request.method.as_str();
        let removed = method == "initialize" && is_stateless(&context);
        if KNOWN.contains(&method) && !removed {
            return Err(ErrorData::invalid_params(
                format!(
                    "the params of {} have another form than the protocol's; \"arguments\" must be \
                     a JSON object, not a string that holds one",
                    method
                ),
                None,
            ));
        }
        let method = tools::text::line(method, 100);
        Err(ErrorData::new(
            rmcp::model::ErrorCode::METHOD_NOT_FOUND,
            format!("unknown method \"{method}\""),
            None,
        ))
    }
}
