//! `explain_query`.

use futures::FutureExt;
use serde_json::{Map, Value, json};

use super::{
    AccessMode, Answer, Arguments, Context, Definition, Reply, hypothetical, read_only, schema,
    source,
};
use crate::db::error::locate_in;
use crate::db::{BigNumbers, Caps, Param};
use crate::error::{Kind, ToolError};
use crate::guard::{self, Form, PartKind, Policy};

pub(super) const TOOL: Definition = Definition {
    name: "explain_query",
    title: "Explain query",
    description: "Show the plan of a statement: as it is, really executed (analyze; read-only \
                  statements), or as if certain b-tree indexes existed. Parameters like $1 get \
                  typical values.",
    arguments: || {
        vec![
            schema::required("sql", json!({"type": "string"})),
            schema::optional("analyze", json!({"type": "boolean", "default": false})),
            schema::optional(
                "hypothetical_indexes",
                json!({
                    "type": "array",
                    "default": [],
                    "items": {
                        "type": "object",
                        "properties": {
                            "table": {"type": "string"},
                            "columns": {"type": "array", "items": {"type": "string"}},
                            "using": {"type": "string", "default": "btree"},
                        },
                        "required": ["table", "columns"],
                    },
                }),
            ),
        ]
    },
    output: || schema::output(&json!({"plan": {"type": "string"}}), &["plan"]),
    heavy: false,
    run: |cx, arguments| Reply::of(run(cx, arguments)).boxed(),
};

async fn run(cx: Context, mut arguments: Arguments) -> Result<Answer, ToolError> {
    let sql = arguments.required_text("sql")?;
    let analyze = arguments.boolean("analyze", false)?;
    let indexes = hypothetical::parse(arguments.list("hypothetical_indexes")?)?;
    cx.check_length(&sql)?;
    if analyze && !indexes.is_empty() {
        return Err(ToolError::new(
            Kind::InvalidArgument,
            "analyze and hypothetical_indexes exclude each other",
        )
        .with_detail("An index that does not exist cannot be used in an execution."));
    }
    // What can be told without a connection is.
    let mut statement = super::parsing(|| explainable(&sql, analyze, Policy::default()))?;
    let server = cx.server().await?;
    let policy = read_only::policy(&server);
    if cx.access == AccessMode::Restricted && policy != Policy::default() {
        statement = super::parsing(|| explainable(&sql, analyze, policy))?;
    }
    let mut data = Map::new();
    let plan = match source::function(&server, "mcp_explain") {
        Some(function) => {
            let mut session = cx.session().await?;
            if analyze && cx.access == AccessMode::Restricted {
                read_only::require(&mut session, &server, statement.text)
                    .await
                    .map_err(|error| locate_in(error, &sql, statement.offset))?;
            }
            let ddl = hypothetical::definitions(&mut session, &indexes).await?;
            if !ddl.is_empty() {
                data.insert("hypothetical_indexes".to_owned(), json!(ddl));
            }
            let call = format!("select {function}($1, $2, '{{}}', $3) as plan");
            let params =
                [Param::Text(Some(statement.text)), Param::TextArray(ddl), Param::Bool(analyze)];
            let rows = session.rows(&call, &params).await;
            let rows = rows.map_err(|error| locate_in(error, &sql, statement.offset))?;
            session.finish().await;
            match rows.into_iter().next().and_then(|mut row| row.remove("plan")) {
                Some(Value::String(plan)) => plan,
                _ => String::new(),
            }
        }
        None if !indexes.is_empty() => {
            return Err(source::missing(&server)
                .with_hint("Without it the tool can only explain with the indexes that exist."));
        }
        None => plain(&cx, &sql, &statement, analyze).await?,
    };
    data.insert("plan".to_owned(), Value::String(plan.clone()));
    Ok(Answer { text: plan, data })
}

struct Explainable<'a> {
    text: &'a str,
    offset: usize,
    parameters: u16,
}

/// The statement to explain: what is under an EXPLAIN if the text begins with one.
///
/// Only what the guard passes may be executed. A plan alone may be shown of writes too: planning
/// changes nothing, and it happens in a read-only transaction.
fn explainable(sql: &str, analyze: bool, policy: Policy) -> Result<Explainable<'_>, ToolError> {
    let statement = match guard::check_with(sql, policy) {
        Ok(statement) => statement,
        Err(refusal) if analyze => return Err(refusal.into()),
        // Its functions must be known, since planning runs those that are IMMUTABLE.
        Err(_) if policy == Policy::Strict => guard::check_planned(sql, policy)?,
        Err(refusal) => {
            return match guard::inspect(sql)?.as_slice() {
                [part] if part.kind == PartKind::Write => Ok(Explainable {
                    text: part.text,
                    offset: part.offset,
                    parameters: part.parameters,
                }),
                _ => Err(refusal.into()),
            };
        }
    };
    let (text, offset) = match statement.form {
        Form::Query => (statement.text, statement.offset),
        Form::Explain(inner) if analyze && !inner.reads_only => {
            return Err(ToolError::new(
                Kind::NotReadOnly,
                "only a statement that reads can be executed",
            )
            .with_hint("Set analyze to false to see the plan alone."));
        }
        Form::Explain(inner) => (inner.text, inner.offset),
        Form::Show => return Err(ToolError::new(Kind::InvalidArgument, "SHOW has no plan")),
    };
    Ok(Explainable { text, offset, parameters: statement.parameters })
}

/// EXPLAIN as the server has it, when the extension is absent.
async fn plain(
    cx: &Context,
    sql: &str,
    statement: &Explainable<'_>,
    analyze: bool,
) -> Result<String, ToolError> {
    let server = cx.server().await?;
    let options = match (analyze, statement.parameters) {
        (false, 0) => "",
        (true, 0) => "(analyze, buffers) ",
        (false, _) if server.version_num >= 160_000 => "(generic_plan) ",
        (..) => return Err(guard::parameters_refused()),
    };
    let prefix = format!("explain {options}");
    let caps = Caps {
        rows: cx.limits.max_rows,
        bytes: cx.limits.result_bytes,
        cell_chars: usize::MAX,
        big_numbers: BigNumbers::String,
    };
    let mut session = cx.session().await?;
    if cx.access == AccessMode::Restricted {
        // Planning runs IMMUTABLE functions on constants.
        read_only::require(&mut session, &server, statement.text).await?;
    }
    let table = session
        .simple(&format!("{prefix}{}", statement.text), &caps)
        .await
        .map_err(|error| locate_in(without_prefix(error, &prefix), sql, statement.offset))?;
    session.finish().await;
    let lines = table.rows.iter().filter_map(|row| row.first()?.as_str());
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

/// The error with its column counted from behind `prefix`, which is on the first line.
fn without_prefix(error: ToolError, prefix: &str) -> ToolError {
    let chars = u32::try_from(prefix.chars().count()).unwrap_or(u32::MAX);
    match (error.line, error.column) {
        (Some(1), Some(column)) => error.at(1, column.saturating_sub(chars).max(1)),
        _ => error,
    }
}
