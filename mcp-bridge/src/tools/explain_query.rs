//! `explain_query`.

mod asked;
mod plain;
mod words;

use futures::FutureExt;
use serde_json::{Map, Value, json};

use self::asked::{Asked, FORMATS};
use super::{
    AccessMode, Answer, Arguments, Context, Definition, Reply, hypothetical, read_only, schema,
    source,
};
use crate::db::error::locate_in;
use crate::db::{Param, ServerInfo, Session};
use crate::error::{Kind, ToolError};
use crate::guard::{self, Form, PartKind, Policy};

pub(super) const TOOL: Definition = Definition {
    name: "explain_query",
    title: "Explain query",
    description: "Show the plan of a statement and what makes it slow: as it is, really executed \
                  (analyze; read-only statements), or as if certain b-tree indexes existed or were \
                  away. Parameters like $1 get typical values unless given.",
    arguments: || {
        vec![
            schema::optional("sql", json!({"type": "string"})),
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
            schema::optional("hide_indexes", json!({"type": "array", "items": {"type": "string"}})),
            schema::optional(
                "queryid",
                json!({"type": "string", "description": "of get_top_queries, instead of sql"}),
            ),
            schema::optional(
                "parameters",
                json!({"type": "array", "items": {"type": "string"}, "description": "values of $1, $2, …"}),
            ),
            schema::optional("plan_format", json!({"type": "string", "enum": FORMATS})),
        ]
    },
    output: || {
        schema::output(
            &json!({
                "plan": {"type": "string"},
                "findings": schema::records(),
                "cost": {"type": "object"},
            }),
            &["plan"],
        )
    },
    heavy: false,
    run: |cx, arguments| Reply::of(run(cx, arguments)).boxed(),
};

async fn run(cx: Context, mut arguments: Arguments) -> Result<Answer, ToolError> {
    let asked = Asked::read(&mut arguments)?;
    let Some(sql) = &asked.sql else {
        let server = cx.server().await?;
        let function = source::required_function(&server, FUNCTION)?;
        return of_recorded(&cx, &server, &function, &asked).await;
    };
    cx.check_length(sql)?;
    // What can be told without a connection is.
    let mut statement = super::parsing(|| explainable(sql, asked.analyze, Policy::default()))?;
    let server = cx.server().await?;
    let policy = read_only::policy(&server);
    if cx.access == AccessMode::Restricted && policy != Policy::default() {
        statement = super::parsing(|| explainable(sql, asked.analyze, policy))?;
    }
    match source::function(&server, FUNCTION) {
        Some(function) => of_text(&cx, &server, &function, &asked, sql, &statement).await,
        None => plain::explain(&cx, &server, &asked, sql, &statement).await,
    }
}

/// The function of the extension that plans and executes once.
const FUNCTION: &str = "mcp_explain_report";

/// The answer for a statement that was given.
async fn of_text(
    cx: &Context,
    server: &ServerInfo,
    function: &str,
    asked: &Asked,
    sql: &str,
    statement: &Explainable<'_>,
) -> Result<Answer, ToolError> {
    let mut session = cx.session().await?;
    let located = |error| locate_in(error, sql, statement.offset);
    if asked.analyze {
        require(cx, &mut session, server, statement.text).await.map_err(located)?;
    }
    let answer =
        report(&mut session, function, asked, Some(statement.text)).await.map_err(located)?;
    session.finish().await;
    Ok(answer)
}

/// The answer for a statement of pg_stat_statements. Its text is judged like one that is given.
async fn of_recorded(
    cx: &Context,
    server: &ServerInfo,
    function: &str,
    asked: &Asked,
) -> Result<Answer, ToolError> {
    if let Some(sql) = recorded(cx, server, asked.queryid).await? {
        cx.check_length(&sql)?;
        match super::parsing(|| explainable(&sql, asked.analyze, Policy::default())) {
            Ok(statement) => {
                let mut answer = of_text(cx, server, function, asked, &sql, &statement).await?;
                answer.data.insert("sql".to_owned(), Value::String(sql));
                return Ok(answer);
            }
            // Normalization leaves what the grammar forbids, such as `interval $1`. The extension
            // mends it; to be planned it need not be judged here.
            Err(error) if !asked.analyze && error.sqlstate.as_deref() == Some("42601") => {}
            Err(error) => return Err(error),
        }
    }
    // Says what is wrong when there is no text.
    let mut session = cx.session().await?;
    let answer = report(&mut session, function, asked, None).await?;
    session.finish().await;
    Ok(answer)
}

/// The recorded text, if there is one that can be used in this database.
async fn recorded(
    cx: &Context,
    server: &ServerInfo,
    queryid: Option<i64>,
) -> Result<Option<String>, ToolError> {
    let (Some(queryid), Some(view)) = (queryid, server.extensions.get(source::STATEMENTS)) else {
        return Ok(None);
    };
    if !server.preloaded.iter().any(|library| library == source::STATEMENTS) {
        return Ok(None);
    }
    let mut session = cx.session().await?;
    source::own_path(&mut session).await?;
    let sql = advisor_sql::recorded(&source::quoted(&view.schema));
    let rows = session.rows(&sql, &[Param::Int(queryid)]).await?;
    session.finish().await;
    let row = rows.into_iter().next().unwrap_or_default();
    let is_here = row.get("other_database").is_none_or(Value::is_null);
    Ok(row.get("query").and_then(Value::as_str).filter(|_| is_here).map(str::to_owned))
}

/// Has the server judge what is to be executed.
async fn require(
    cx: &Context,
    session: &mut Session,
    server: &ServerInfo,
    statement: &str,
) -> Result<(), ToolError> {
    match cx.access {
        AccessMode::Restricted => read_only::require(session, server, statement).await,
        AccessMode::Unrestricted => Ok(()),
    }
}

/// The one call that plans, and executes if asked for. Without a statement that of the queryid.
async fn report(
    session: &mut Session,
    function: &str,
    asked: &Asked,
    statement: Option<&str>,
) -> Result<Answer, ToolError> {
    let ddl = hypothetical::definitions(session, &asked.indexes).await?;
    let hidden = hypothetical::existing(session, &asked.hidden).await?;
    let call = format!(
        "select {function}(query => $1, hypothetical_indexes => $2, \
         hide_indexes => $3::pg_catalog.text[]::pg_catalog.oid[]::pg_catalog.regclass[], \"analyze\" => $4, \
         format => $5, parameters => $6, queryid => $7::pg_catalog.text::pg_catalog.int8) as report"
    );
    let queryid = asked.queryid.filter(|_| statement.is_none()).map(|id| id.to_string());
    let parameters = match &asked.parameters {
        Some(values) => Param::NullableTextArray(values.clone()),
        None => Param::NoTextArray,
    };
    let params = [
        Param::Text(statement),
        Param::TextArray(ddl.clone()),
        Param::TextArray(hidden),
        Param::Bool(asked.analyze),
        Param::Text(Some(asked.format)),
        parameters,
        Param::Text(queryid.as_deref()),
    ];
    let rows = session.rows(&call, &params).await.map_err(|error| {
        // Of an extension from before it had the function.
        if error.sqlstate.as_deref() == Some("42883") && error.message.contains(FUNCTION) {
            return source::too_old();
        }
        error
    })?;
    let found = rows.into_iter().next().and_then(|mut row| row.remove("report"));
    let Some(Value::Object(report)) = found else {
        return Err(ToolError::new(Kind::Internal, "the extension's report is not an object"));
    };
    Ok(answer(asked, report, ddl))
}

/// The report in words and in fields.
fn answer(asked: &Asked, mut report: Map<String, Value>, ddl: Vec<String>) -> Answer {
    let plan = match report.remove("plan") {
        Some(Value::String(plan)) => plan,
        _ => String::new(),
    };
    let findings = report.remove("findings").unwrap_or_else(|| json!([]));
    let compared = !asked.indexes.is_empty() || !asked.hidden.is_empty();
    // JSON is read by programs, which have the findings beside it.
    let text = match asked.format {
        "json" => plan.clone(),
        _ => words::with_findings(&plan, &findings, compared),
    };
    let mut data = Map::new();
    if !ddl.is_empty() {
        data.insert("hypothetical_indexes".to_owned(), json!(ddl));
    }
    if asked.sql.is_none() {
        data.insert("sql".to_owned(), report.remove("query").unwrap_or_default());
    }
    data.insert("plan".to_owned(), Value::String(plan));
    data.insert("findings".to_owned(), findings);
    for (field, is_shown) in [("cost", true), ("indexes", compared), ("difference", compared)] {
        let value = report.remove(field).filter(|value| is_shown && !value.is_null());
        if let Some(value) = value {
            data.insert(field.to_owned(), value);
        }
    }
    Answer { text, data }
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
