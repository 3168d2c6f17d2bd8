//! Reading what the report is made of, section by section: one that fails does not take the others
//! along.

mod plans;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::model::{About, Advice, Facts, Finding, Missing, Part, Query, Report};
use super::summary;
use crate::db::{Call, Database, Param, ServerInfo, Session};
use crate::error::{Kind, ToolError};
use crate::sampling::Sampler;
use crate::settings::limits::Limits;
use crate::tools::source::{self, EXTENSION, quoted};
use crate::tools::statements::{Recorded, Wanted};
use crate::tools::{AccessMode, Context, health};

/// The extension that records statements.
const STATEMENTS: &str = "pg_stat_statements";

/// How the statements are ordered: by the time that they took together.
const ORDER: &str = "total_time";

/// What to read.
pub(crate) struct Request {
    pub(crate) database: Database,
    pub(crate) limits: std::sync::Arc<Limits>,
    /// Set off when the report is not wanted any more.
    pub(crate) cancelled: CancellationToken,
    /// Statements to list.
    pub(crate) top: u16,
    /// Seconds that the search for indexes may take.
    pub(crate) time_limit: u32,
}

/// Reads everything.
///
/// # Errors
/// When the database cannot be reached, or the report is not wanted any more. Whatever else fails
/// is said in its section.
pub(crate) async fn report(request: &Request) -> Result<Report, ToolError> {
    let server = request.database.server(&request.call()).await?;
    tracing::info!(database = server.database, "reading the catalog");
    let facts = part(facts(request, &server).await)?;
    tracing::info!("checking the health");
    let health = part(findings(request).await)?;
    tracing::info!("reading the recorded statements");
    let queries = match no_statements(&server) {
        Some(missing) => Part::Missing(missing),
        None => part(queries(request, &server).await)?,
    };
    let (advice, plans) = match no_extension(&server).or_else(|| no_statements(&server)) {
        Some(missing) => (Part::Missing(missing.clone()), Part::Missing(missing)),
        None => advised(request, &server).await?,
    };
    let about = about(request, &server, &facts);
    let mut report = Report {
        bridge: crate::VERSION,
        about,
        first: Vec::new(),
        unseen: unseen(&server, &facts, &queries),
        health,
        queries,
        advice,
        plans,
    };
    report.first = summary::first(&report);
    Ok(report)
}

/// The advice, and the plans of the statements that it helps.
async fn advised(
    request: &Request,
    server: &ServerInfo,
) -> Result<(Part<Advice>, Part<Vec<super::plan::Pair>>), ToolError> {
    tracing::info!(seconds = request.time_limit, "looking for indexes");
    let advice = part(advice(request, server).await)?;
    let plans = match &advice {
        Part::Found(advice) => Part::Found(plans::pairs(request, server, advice).await?),
        Part::Missing(_) => Part::Missing(Missing::new("There are no plans without advice.")),
    };
    Ok((advice, plans))
}

/// A section of its own, unless the error is one that no section survives.
fn part<T>(result: Result<T, ToolError>) -> Result<Part<T>, ToolError> {
    match result {
        Err(error) if error.kind == Kind::Cancelled => Err(error),
        Err(error) => Ok(Part::Missing(Missing::from(error))),
        Ok(found) => Ok(Part::Found(found)),
    }
}

impl Request {
    /// A call that lasts as long as a statement may.
    fn call(&self) -> Call {
        Call { cancelled: self.cancelled.clone(), timeout: self.limits.statement, notices: None }
    }

    /// A call that lasts as long as an analysis may.
    fn long_call(&self) -> Call {
        Call { timeout: self.limits.analysis, ..self.call() }
    }

    async fn session(&self) -> Result<Session, ToolError> {
        self.database.read_only(&self.call()).await
    }
}

/// A row of the server as a value of ours.
fn typed<T: DeserializeOwned>(row: Map<String, Value>) -> Result<T, ToolError> {
    serde_json::from_value(Value::Object(without_nulls(row))).map_err(|error| {
        ToolError::new(Kind::Internal, format!("a row is not understood: {error}"))
    })
}

/// An object without its nulls, however deep: what is not known is as if it were not there.
fn without_nulls(row: Map<String, Value>) -> Map<String, Value> {
    fn inside(value: Value) -> Value {
        match value {
            Value::Object(fields) => without_nulls(fields).into(),
            Value::Array(items) => items.into_iter().map(inside).collect(),
            other => other,
        }
    }
    row.into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(key, value)| (key, inside(value)))
        .collect()
}

async fn facts(request: &Request, server: &ServerInfo) -> Result<Facts, ToolError> {
    // Before 1.9 the extension does not say; without USAGE on its schema neither.
    let recorded =
        server.extensions.get(STATEMENTS).filter(|_| no_statements(server).is_none()).map(
            |extension| {
                let schema = quoted(&extension.schema);
                format!("(select i.stats_reset from {schema}.pg_stat_statements_info as i)")
            },
        );
    let text = |recorded: &str| include_str!("facts.sql").replace("{recorded}", recorded);
    if let Some(recorded) = recorded
        && let Ok(facts) = facts_by(request, &text(&recorded)).await
    {
        return Ok(facts);
    }
    facts_by(request, &text("null::timestamptz")).await
}

async fn facts_by(request: &Request, sql: &str) -> Result<Facts, ToolError> {
    let mut session = request.session().await?;
    source::own_path(&mut session).await?;
    let row = session.rows(sql, &[]).await?.pop().unwrap_or_default();
    session.finish().await;
    typed(row)
}

fn about(request: &Request, server: &ServerInfo, facts: &Part<Facts>) -> About {
    let facts = facts.found().cloned().unwrap_or_default();
    About {
        connection: request.database.describe(),
        database: server.database.clone(),
        role: server.role.clone(),
        release: facts.release.clone(),
        version: server.version.clone(),
        standby: server.in_recovery,
        extensions: server
            .extensions
            .iter()
            .map(|(name, extension)| (name.clone(), extension.version.clone()))
            .collect(),
        made_at: facts.made_at.clone(),
        facts,
    }
}

async fn findings(request: &Request) -> Result<Vec<Finding>, ToolError> {
    let cx = Context {
        db: request.database.clone(),
        call: request.long_call(),
        limits: std::sync::Arc::clone(&request.limits),
        access: AccessMode::Restricted,
        sampler: Sampler::Absent,
    };
    health::rows(&cx, vec!["all".to_owned()]).await?.into_iter().map(typed).collect()
}

async fn queries(request: &Request, server: &ServerInfo) -> Result<Vec<Query>, ToolError> {
    let mut session = request.session().await?;
    let Some(recorded) = Recorded::find(&mut session).await? else {
        let message = format!("{STATEMENTS} is not there any more");
        return Err(ToolError::new(Kind::MissingExtension, message));
    };
    let wanted = Wanted { sort: ORDER, limit: request.top.into(), all_databases: false };
    let rows = recorded.top(server, &mut session, &wanted).await?;
    session.finish().await;
    rows.into_iter().map(typed).collect()
}

async fn advice(request: &Request, server: &ServerInfo) -> Result<Advice, ToolError> {
    let function = source::required_function(server, "mcp_advise_report")?;
    let sql = format!(
        "select {function}(time_limit => pg_catalog.make_interval(secs => $1), plans => true) as report"
    );
    let call = request.long_call();
    let _slot = request.database.analysis_slot(&call).await?;
    let mut session = request.database.read_only(&call).await?;
    let rows = session.rows(&sql, &[Param::Float(request.time_limit.into())]).await?;
    session.finish().await;
    match rows.into_iter().next().and_then(|mut row| row.remove("report")) {
        Some(Value::Object(report)) => typed(report),
        _ => Err(ToolError::new(Kind::Internal, "the advice is no object")),
    }
}

/// What brings the advisor, if it is not there.
fn no_extension(server: &ServerInfo) -> Option<Missing> {
    if server.extensions.contains_key(EXTENSION) {
        return None;
    }
    let detail = if server.available.contains_key(EXTENSION) {
        "Its files are on the server. A superuser must run this in the database:"
    } else {
        "Its files are not on the server: install them first (see the README of mcp_advisor). Then a \
         superuser must run this in the database:"
    };
    Some(Missing {
        what: format!("The extension {EXTENSION} is not in this database."),
        detail: Some(detail.to_owned()),
        commands: vec![format!("CREATE EXTENSION {EXTENSION};")],
    })
}

/// What makes the server record statements, if it does not.
fn no_statements(server: &ServerInfo) -> Option<Missing> {
    let is_loaded = server.preloaded.iter().any(|library| library == STATEMENTS);
    let is_created = server.extensions.contains_key(STATEMENTS);
    if is_loaded && is_created {
        return None;
    }
    let mut commands = Vec::new();
    let mut detail = "A superuser must run:".to_owned();
    if !is_loaded {
        let libraries: Vec<String> = server
            .preloaded
            .iter()
            .map(String::as_str)
            .chain([STATEMENTS])
            .map(|library| format!("'{}'", library.replace('\'', "''")))
            .collect();
        commands
            .push(format!("ALTER SYSTEM SET shared_preload_libraries = {};", libraries.join(", ")));
        detail = "A superuser must run this, and restart the server after ALTER SYSTEM. Keep what \
                  SHOW shared_preload_libraries lists."
            .to_owned();
    }
    if !is_created {
        commands.push(format!("CREATE EXTENSION {STATEMENTS};"));
    }
    let what = if is_loaded {
        format!("The extension {STATEMENTS} is not in this database.")
    } else {
        format!("The server does not record statements: {STATEMENTS} is not loaded.")
    };
    Some(Missing { what, detail: Some(detail), commands })
}

/// What this role does not see of the database.
fn unseen(server: &ServerInfo, facts: &Part<Facts>, queries: &Part<Vec<Query>>) -> Vec<Missing> {
    let mut unseen = Vec::new();
    if !server.monitor {
        let hidden = queries
            .found()
            .map_or(0, |queries| queries.iter().filter(|query| query.queryid.is_none()).count());
        let of_list = match hidden {
            0 => String::new(),
            hidden => format!(" {hidden} of the statements listed here have no text."),
        };
        unseen.push(Missing {
            what: format!(
                "Role {} sees neither the statements of other roles nor all settings and sessions.{of_list}",
                server.role
            ),
            detail: None,
            commands: vec![format!("GRANT pg_monitor TO {};", quoted(&server.role))],
        });
    }
    if let Part::Missing(missing) = facts {
        unseen.push(missing.clone());
    }
    unseen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Extension;

    fn server() -> ServerInfo {
        ServerInfo { role: "ap\"p".into(), monitor: true, ..ServerInfo::default() }
    }

    #[test]
    fn what_is_missing_comes_with_its_commands() {
        let mut server = server();
        server.preloaded = vec!["auto_explain".into()];
        let missing = no_statements(&server).unwrap();
        assert_eq!(
            missing.commands,
            [
                "ALTER SYSTEM SET shared_preload_libraries = 'auto_explain', 'pg_stat_statements';",
                "CREATE EXTENSION pg_stat_statements;"
            ]
        );
        server.preloaded.push(STATEMENTS.into());
        let missing = no_statements(&server).unwrap();
        assert_eq!(missing.commands, ["CREATE EXTENSION pg_stat_statements;"]);
        let extension = Extension { version: "1.10".into(), schema: "public".into() };
        server.extensions.insert(STATEMENTS.into(), extension.clone());
        assert_eq!(no_statements(&server), None);
        assert_eq!(no_extension(&server).unwrap().commands, ["CREATE EXTENSION mcp_advisor;"]);
        server.extensions.insert(EXTENSION.into(), extension);
        assert_eq!(no_extension(&server), None);
    }

    #[test]
    fn what_is_null_is_not_known() {
        let row = serde_json::json!({
            "index_bytes": null,
            "cost_before": 2,
            "queries": [{"query_id": -7, "cost_after": null}],
        });
        let advice: Advice = typed(row.as_object().unwrap().clone()).unwrap();
        assert_eq!((advice.cost_before, advice.queries[0].query_id), (2.0, -7));
        assert!(typed::<Advice>(Map::from_iter([("queries".into(), Value::Bool(true))])).is_err());
    }

    #[test]
    fn a_role_that_sees_little_is_told() {
        let facts = Part::Found(Facts::default());
        let queries = Part::Found(vec![Query::default()]);
        assert!(unseen(&server(), &facts, &queries).is_empty());
        let poor = ServerInfo { monitor: false, ..server() };
        let unseen = unseen(&poor, &facts, &queries);
        assert!(unseen[0].what.contains("1 of the statements"), "{unseen:?}");
        assert_eq!(unseen[0].commands, ["GRANT pg_monitor TO \"ap\"\"p\";"]);
    }
}
