//! The nine tools: what they are called, what they take, what they answer.
//!
//! A tool is one file: its definition and `run`, which makes one call of one SQL function and puts
//! the result into words and into structured content. There is no advice logic here, and no
//! protocol: deadlines, slots, progress and panics are the handler's.

mod analyze;
mod analyze_queries;
mod analyze_workload;
mod arguments;
mod details;
mod execute_sql;
mod explain_query;
mod get_object_details;
mod get_top_queries;
pub(crate) mod health;
mod hypothetical;
mod list_objects;
mod list_schemas;
mod listing;
mod page;
mod parts;
mod proposals;
mod read_only;
mod schema;
pub(crate) mod source;
pub(crate) mod statements;
pub(crate) mod text;
mod tokens;

use std::sync::Arc;

use futures::future::BoxFuture;
use rmcp::model::{InputRequiredResult, JsonObject, Tool, ToolAnnotations};
use serde_json::{Map, Value};

pub(crate) use analyze::answer as advice;
pub(crate) use arguments::Arguments;
pub(crate) use get_object_details::{is_absent, object_text};

use crate::db::{Call, Database, ServerInfo, Session};
use crate::error::{Kind, ToolError};
use crate::sampling::Sampler;
use crate::settings::limits::Limits;

/// Whether statements may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum AccessMode {
    /// Everything runs read-only.
    Restricted,
    /// `execute_sql` runs whatever the role may.
    Unrestricted,
}

/// What the tools look like in this process: the same for every client.
#[derive(Debug, Clone)]
pub struct Surface {
    /// Whether `execute_sql` may write.
    pub access: AccessMode,
    /// Names of the databases; the tools have an argument `database` when there is more than one.
    pub databases: Vec<String>,
}

/// What a tool has at hand.
pub(crate) struct Context {
    pub(crate) db: Database,
    pub(crate) call: Call,
    pub(crate) limits: Arc<Limits>,
    pub(crate) access: AccessMode,
    pub(crate) sampler: Sampler,
}

impl Context {
    /// A read-only transaction that is rolled back at the end.
    pub(crate) async fn session(&self) -> Result<Session, ToolError> {
        self.db.read_only(&self.call).await
    }

    /// Refuses a text that is too long to be worth parsing.
    pub(crate) fn check_length(&self, sql: &str) -> Result<(), ToolError> {
        let limit = self.limits.sql_bytes;
        if sql.len() <= limit {
            return Ok(());
        }
        Err(ToolError::new(
            Kind::InvalidArgument,
            format!("the statement has {} bytes, the limit is {limit}", sql.len()),
        ))
    }

    /// What the server is and has.
    pub(crate) async fn server(&self) -> Result<Arc<ServerInfo>, ToolError> {
        self.db.server(&self.call).await
    }
}

/// Parses a statement of the user: a long one takes a good part of a second, for which other calls
/// must not wait.
fn parsing<T>(parse: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(parse)
}

/// What a tool answers: the same twice, for a model and for a program.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) text: String,
    pub(crate) data: Map<String, Value>,
}

/// How a call ends.
pub(crate) enum Reply {
    /// With an answer.
    Answer(Answer),
    /// With a question to the client's model; the client calls again with its reply.
    Ask(Box<InputRequiredResult>),
}

impl Reply {
    /// The reply of a tool that never asks.
    async fn of(
        answer: impl Future<Output = Result<Answer, ToolError>>,
    ) -> Result<Self, ToolError> {
        answer.await.map(Self::Answer)
    }
}

type Run = fn(Context, Arguments) -> BoxFuture<'static, Result<Reply, ToolError>>;

/// A tool.
pub(crate) struct Definition {
    pub(crate) name: &'static str,
    title: &'static str,
    description: &'static str,
    /// JSON schemas of the arguments, in order; see [`schema`].
    arguments: fn() -> Vec<schema::Argument>,
    /// JSON schema of the structured content.
    output: fn() -> Value,
    /// Whether the call may take as long as an analysis, and counts against the slots for these.
    pub(crate) heavy: bool,
    pub(crate) run: Run,
}

const ALL: [&Definition; 9] = [
    &analyze_queries::TOOL,
    &analyze_workload::TOOL,
    &execute_sql::TOOL,
    &explain_query::TOOL,
    &get_object_details::TOOL,
    &get_top_queries::TOOL,
    &health::TOOL,
    &list_objects::TOOL,
    &list_schemas::TOOL,
];

/// The tool of that name.
pub(crate) fn find(name: &str) -> Option<&'static Definition> {
    ALL.into_iter().find(|tool| tool.name == name)
}

/// All names, sorted.
pub(crate) fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = ALL.iter().map(|tool| tool.name).collect();
    names.sort_unstable();
    names
}

/// The listing, sorted by name.
#[must_use]
pub fn list(surface: &Surface) -> Vec<Tool> {
    let mut tools: Vec<_> = ALL.iter().map(|tool| tool.describe(surface)).collect();
    tools.sort_by(|a, b| a.name.cmp(&b.name));
    tools
}

impl Definition {
    /// Names of the arguments it takes.
    pub(crate) fn argument_names(&self, surface: &Surface) -> Vec<&'static str> {
        self.arguments_of(surface).iter().map(|argument| argument.name).collect()
    }

    fn arguments_of(&self, surface: &Surface) -> Vec<schema::Argument> {
        let mut arguments = (self.arguments)();
        if surface.databases.len() > 1 {
            arguments.push(schema::database(&surface.databases));
        }
        arguments
    }

    /// The tool as `tools/list` shows it.
    pub(crate) fn describe(&self, surface: &Surface) -> Tool {
        let writes =
            self.name == execute_sql::TOOL.name && surface.access == AccessMode::Unrestricted;
        let (title, description) = if writes {
            (execute_sql::UNRESTRICTED_TITLE, execute_sql::UNRESTRICTED_DESCRIPTION)
        } else {
            (self.title, self.description)
        };
        let input: JsonObject = schema::input(self.arguments_of(surface));
        let output: JsonObject = match (self.output)() {
            Value::Object(output) => output,
            _ => JsonObject::new(),
        };
        Tool::new(self.name, description, Arc::new(input))
            .with_title(title)
            .with_raw_output_schema(Arc::new(output))
            .with_annotations(
                ToolAnnotations::new()
                    .read_only(!writes)
                    .destructive(writes)
                    .idempotent(!writes)
                    .open_world(false),
            )
    }
}

#[cfg(test)]
mod tests;
