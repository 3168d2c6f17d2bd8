//! Statements: what `pg_stat_statements` recorded, or, without it, how to have it and what runs now.

use std::time::Duration;

use advisor_sql::statements::{self, Setup, Step};
use serde_json::{Map, Value, json};

use super::{Answer, Context, source, text};
use crate::db::{Param, ServerInfo, Session};
use crate::error::{Kind, ToolError};

/// An object of JSON.
type Record = Map<String, Value>;

/// The extension that records statements.
const NAME: &str = "pg_stat_statements";

/// Which statements are asked for.
pub(crate) struct Wanted<'a> {
    /// One of [`statements::ORDERS`].
    pub(crate) sort: &'a str,
    pub(crate) limit: i64,
    pub(crate) all_databases: bool,
}

/// `pg_stat_statements` in this database.
pub(crate) struct Recorded {
    /// Its schema, quoted.
    schema: String,
    version: String,
}

impl Recorded {
    /// Finds it, none when it is not there or not loaded.
    ///
    /// It is not looked up in what is known of the server: that may be minutes old, and who has just
    /// done what the tool says wants to see that it helped.
    pub(crate) async fn find(session: &mut Session) -> Result<Option<Self>, ToolError> {
        source::own_path(session).await?;
        let row = session.rows(statements::FOUND, &[]).await?.pop().unwrap_or_default();
        let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
        let loaded = row.get("loaded") == Some(&Value::Bool(true));
        Ok(match (text("schema"), text("version")) {
            (Some(schema), Some(version)) if loaded => {
                Some(Self { schema: source::quoted(&schema), version })
            }
            _ => None,
        })
    }

    /// One of the texts that depend on the version.
    fn text(&self, of: fn(&str, &str) -> Option<String>) -> Result<String, ToolError> {
        of(&self.schema, &self.version).ok_or_else(|| {
            let message = format!("{NAME} {} is not supported", self.version);
            ToolError::new(Kind::Unsupported, message)
                .with_hint(format!("Run: ALTER EXTENSION {NAME} UPDATE;"))
        })
    }

    /// How it counts and since when.
    pub(super) async fn info(&self, session: &mut Session) -> Result<Record, ToolError> {
        let rows = session.rows(&self.text(statements::info)?, &[]).await?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    /// The dearest statements, of all that was counted.
    pub(crate) async fn top(
        &self,
        server: &ServerInfo,
        session: &mut Session,
        wanted: &Wanted<'_>,
    ) -> Result<Vec<Record>, ToolError> {
        let Some(function) = source::function(server, "mcp_top_queries") else {
            return self.counted(session, wanted, None).await;
        };
        let sql = format!("select * from {function}($1, $2::integer, $3)");
        let params = [
            Param::Text(Some(wanted.sort)),
            Param::Int(wanted.limit),
            Param::Bool(wanted.all_databases),
        ];
        session.rows(&sql, &params).await
    }

    async fn counted(
        &self,
        session: &mut Session,
        wanted: &Wanted<'_>,
        before: Option<&str>,
    ) -> Result<Vec<Record>, ToolError> {
        let params = [
            Param::Text(Some(wanted.sort)),
            Param::Int(wanted.limit),
            Param::Bool(wanted.all_databases),
            Param::Text(before),
        ];
        session.rows(&self.text(statements::top)?, &params).await
    }
}

/// The dearest statements of an interval from now on, and how it counted at its beginning and its end.
///
/// The function of the extension would wait in the server; this waits here, so that no connection
/// and no snapshot is held meanwhile, and other calls have theirs.
pub(super) async fn interval(
    cx: &Context,
    wanted: &Wanted<'_>,
    interval: Duration,
) -> Result<Option<(Vec<Record>, [Record; 2])>, ToolError> {
    let mut session = cx.session().await?;
    let Some(recorded) = Recorded::find(&mut session).await? else {
        session.finish().await;
        return Ok(None);
    };
    let first = recorded.info(&mut session).await?;
    let sql = recorded.text(statements::baseline)?;
    let before = session.rows(&sql, &[Param::Bool(wanted.all_databases)]).await?.pop();
    session.finish().await;
    let before = before.and_then(|mut row| row.remove("baseline"));
    tokio::select! {
        () = tokio::time::sleep(interval) => {}
        () = cx.call.cancelled.cancelled() => {
            return Err(ToolError::new(Kind::Cancelled, "call was cancelled by the client"));
        }
    }
    let mut session = cx.session().await?;
    let Some(recorded) = Recorded::find(&mut session).await? else {
        session.finish().await;
        return Ok(None);
    };
    let rows =
        recorded.counted(&mut session, wanted, before.as_ref().and_then(Value::as_str)).await?;
    let last = recorded.info(&mut session).await?;
    session.finish().await;
    Ok(Some((rows, [first, last])))
}

/// What the text shows of what runs; the statement comes last, on one line.
const RUNNING: [&str; 8] =
    ["pid", "role", "state", "running_ms", "transaction_ms", "waits_for", "blocked_by", "query"];

/// The answer without recorded statements. It is one and no error, as Postgres MCP Pro has it: who
/// asks for the dearest statements gets those of the moment, and what to do to have the rest.
pub(super) async fn absent(cx: &Context, wanted: &Wanted<'_>) -> Result<Answer, ToolError> {
    let server = cx.server().await?;
    let mut session = cx.session().await?;
    source::own_path(&mut session).await?;
    let row = session.rows(statements::SETUP, &[]).await?.pop().unwrap_or_default();
    let sql = match source::function(&server, "mcp_running_queries") {
        Some(function) => format!("select * from {function}($1)"),
        None => statements::RUNNING.to_owned(),
    };
    let mut running = session.rows(&sql, &[Param::Bool(wanted.all_databases)]).await?;
    session.finish().await;
    running.truncate(usize::try_from(wanted.limit).unwrap_or(usize::MAX));
    running.iter_mut().for_each(|row| spell_out(row, "query_id"));
    let setup = setup(&row);
    let commands: Vec<String> = setup.steps().iter().map(command).collect();
    let shown: Vec<Record> = running.iter().map(shortened).collect();
    let mut lines = vec![
        format!("{}, so the dearest statements are not known.", setup.message()),
        format!("As a superuser, in database \"{}\":", setup.database),
    ];
    lines.extend(commands.iter().cloned());
    lines.extend(setup.cautions());
    lines.push(format!("Running now: {}", text::count(shown.len() as u64, "query")));
    if !shown.is_empty() {
        lines.push(text::records(&RUNNING, &shown));
    }
    let mut data = Record::new();
    data.insert("queries".to_owned(), json!([]));
    data.insert(
        "missing".to_owned(),
        json!({"message": setup.message(), "hint": setup.hint(), "commands": commands}),
    );
    data.insert("running".to_owned(), running.into_iter().map(Value::Object).collect());
    Ok(Answer { text: lines.join("\n"), data })
}

fn setup(row: &Record) -> Setup {
    let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
    let truth = |name: &str| row.get(name) == Some(&Value::Bool(true));
    Setup {
        database: text("database").unwrap_or_default(),
        available: truth("available"),
        created: truth("created"),
        loaded: truth("loaded"),
        libraries: text("libraries"),
        restart_pending: truth("restart_pending"),
        identified: truth("identified"),
    }
}

/// A step as a line of a script.
fn command(step: &Step) -> String {
    match step {
        Step::Run(sql) => sql.clone(),
        Step::Do(what) => format!("-- {what}"),
    }
}

/// An id as text: it has more digits than a JSON number has in many programs.
pub(super) fn spell_out(row: &mut Record, key: &str) {
    if let Some(id) = row.get_mut(key)
        && let Value::Number(number) = id
    {
        *id = Value::String(number.to_string());
    }
}

/// Characters of a statement in the text; all of it is in the structured content.
const QUERY_CHARS: usize = 300;

/// The row with its statement on one line and its figures rounded.
pub(super) fn shortened(row: &Record) -> Record {
    row.iter()
        .map(|(key, value)| {
            let value = match (key.as_str(), value) {
                ("query", Value::String(query)) => json!(text::line(query, QUERY_CHARS)),
                (_, Value::Number(number)) if number.as_i64().is_none() => number
                    .as_f64()
                    .map_or_else(|| value.clone(), |float| json!(text::number(float))),
                _ => value.clone(),
            };
            (key.clone(), value)
        })
        .collect()
}
