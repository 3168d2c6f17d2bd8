//! Where an answer comes from: the extension's function, or the same SQL text when it is absent.

use advisor_sql::health::Ignored;
use serde_json::{Map, Value, json};

use super::Context;
use crate::db::{Param, ServerInfo, Session};
use crate::error::{Kind, ToolError};

/// An object of JSON.
type Record = Map<String, Value>;

/// The extension whose functions the tools call.
pub(crate) const EXTENSION: &str = "mcp_advisor";

/// `name` as an SQL identifier.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `schema.function`, when the extension is there.
pub(crate) fn function(server: &ServerInfo, name: &str) -> Option<String> {
    let extension = server.extensions.get(EXTENSION)?;
    Some(format!("{}.{name}", quoted(&extension.schema)))
}

/// `schema.function`, or an error that says what to do.
///
/// # Errors
/// [`Kind::MissingExtension`].
pub(crate) fn required_function(server: &ServerInfo, name: &str) -> Result<String, ToolError> {
    function(server, name).ok_or_else(|| missing(server))
}

/// What to do to have the extension.
pub(crate) fn missing(server: &ServerInfo) -> ToolError {
    let error = ToolError::new(
        Kind::MissingExtension,
        format!(
            "this tool needs the extension \"{EXTENSION}\" in database \"{}\"",
            server.database
        ),
    );
    if server.available.contains_key(EXTENSION) {
        error
            .with_detail("Its files are on the server, but it is not created in this database.")
            .with_hint(format!("A superuser must run: CREATE EXTENSION {EXTENSION};"))
    } else {
        error.with_detail("Its files are not on the server.").with_hint(format!(
            "Install {EXTENSION} on the server (see its README), then a superuser must run: \
                 CREATE EXTENSION {EXTENSION};"
        ))
    }
}

/// An error of a function of the extension: one in an argument is the caller's, not the statement's.
pub(crate) fn argument_error(mut error: ToolError) -> ToolError {
    if matches!(error.sqlstate.as_deref(), Some("22023" | "22004")) {
        error.kind = Kind::InvalidArgument;
    }
    error
}

/// Sets what the shared SQL texts are written for, until the session ends.
pub(crate) async fn own_path(session: &mut Session) -> Result<(), ToolError> {
    let sql = "select pg_catalog.set_config('search_path', $1, true)";
    session.rows(sql, &[Param::Text(Some(advisor_sql::SEARCH_PATH))]).await.map(drop)
}

/// The first column of each row.
async fn names(
    session: &mut Session,
    sql: &str,
    params: &[Param<'_>],
) -> Result<Vec<String>, ToolError> {
    let rows = session.rows(sql, params).await?;
    let values = rows.into_iter().filter_map(|row| row.into_iter().next());
    Ok(values.filter_map(|(_, value)| value.as_str().map(str::to_owned)).collect())
}

/// An error when there is no such schema, in the words of the extension.
pub(crate) async fn require_schema(session: &mut Session, name: &str) -> Result<(), ToolError> {
    let param = [Param::Text(Some(name))];
    let sql = "select n.nspname from pg_catalog.pg_namespace as n where n.nspname = $1";
    if !session.rows(sql, &param).await?.is_empty() {
        return Ok(());
    }
    let near = names(session, advisor_sql::schema::NEAR_SCHEMAS, &param).await?;
    Err(ToolError::new(Kind::SqlError, format!("schema \"{name}\" does not exist"))
        .with_sqlstate("3F000")
        .with_hint(advisor_sql::schema::schema_hint(&near)))
}

/// The error that there is no such object or schema, in the words of the extension.
pub(crate) async fn no_object(
    session: &mut Session,
    schema: &str,
    name: &str,
    kind: &str,
) -> Result<ToolError, ToolError> {
    if kind != "extension" {
        require_schema(session, schema).await?;
    }
    let params = [Param::Text(Some(schema)), Param::Text(Some(name))];
    let similar = names(session, advisor_sql::schema::SIMILAR_OBJECTS, &params).await?;
    Ok(ToolError::new(Kind::SqlError, format!("{kind} \"{schema}.{name}\" does not exist"))
        .with_sqlstate(advisor_sql::schema::absent(kind))
        .with_hint(advisor_sql::schema::object_hint(&similar)))
}

/// The extension that records statements.
pub(crate) const STATEMENTS: &str = "pg_stat_statements";

/// What to do about an extension that has not yet what the bridge calls.
pub(crate) fn too_old() -> ToolError {
    let message = format!("the extension \"{EXTENSION}\" is older than the bridge");
    ToolError::new(Kind::MissingExtension, message)
        .with_hint(format!("A superuser must run: ALTER EXTENSION {EXTENSION} UPDATE;"))
}

/// The findings of the checks that `names` select, as `mcp_health` gives them, but for the order.
///
/// Each check has a transaction of its own, so that one that fails does not take the others along.
///
/// # Errors
/// [`Kind::InvalidArgument`] for a name that is none. A check that fails is a finding, unless the
/// call itself is over.
pub(crate) async fn health(cx: &Context, names: &[String]) -> Result<Vec<Record>, ToolError> {
    use advisor_sql::health;
    let checks = health::select(names).map_err(|name| {
        ToolError::new(Kind::InvalidArgument, format!("\"{name}\" is not a value of \"checks\""))
            .with_sqlstate("22023")
            .with_hint(format!("It must be one of: {}.", health::names().join(", ")))
    })?;
    let version = cx.server().await?.version_num;
    let ignored = ignored_findings(cx).await?;
    let mut findings = Vec::new();
    for check in checks {
        let answer = match check.sql(version) {
            Ok(sql) => check_rows(cx, sql).await,
            Err(needs) => Ok(vec![record("info", health::lacking(&needs), json!({"ran": false}))]),
        };
        let mut rows = match answer.map(|rows| without_ignored(check.name, rows, &ignored)) {
            Ok(rows) if rows.is_empty() => vec![record("ok", check.ok.to_owned(), json!({}))],
            Ok(rows) => rows,
            Err(error) if ends_the_call(&error) => return Err(error),
            Err(error) => {
                let details = json!({"ran": false, "sqlstate": error.sqlstate});
                vec![record("info", health::failed(&error.message), details)]
            }
        };
        for row in &mut rows {
            let text = |name| row.get(name).and_then(Value::as_str).unwrap_or_default();
            let message = health::message(check, text("severity"), text("message"));
            row.insert("message".to_owned(), Value::String(message));
        }
        rows.sort_by_key(severity);
        if rows.len() > health::MOST_ROWS {
            let left_out = rows.split_off(health::MOST_ROWS);
            let worst =
                left_out.first().and_then(|row| row.get("severity")).and_then(Value::as_str);
            let mut rest =
                record(worst.unwrap_or("info"), health::left_out(left_out.len()), json!({}));
            rest.insert("value".to_owned(), json!(left_out.len()));
            rest.insert("unit".to_owned(), json!("findings"));
            rows.push(rest);
        }
        findings.extend(rows.into_iter().map(|row| {
            let mut finding = Record::new();
            finding.insert("check_name".to_owned(), json!(check.name));
            finding.insert("category".to_owned(), json!(check.category));
            finding.extend(row);
            finding
        }));
    }
    Ok(findings)
}

/// Findings to leave out, by the setting of the database or the role.
async fn ignored_findings(cx: &Context) -> Result<Ignored, ToolError> {
    let mut session = cx.session().await?;
    let setting = names(
        &mut session,
        "select pg_catalog.current_setting($1, true)",
        &[Param::Text(Some(advisor_sql::health::IGNORE))],
    )
    .await?;
    session.finish().await;
    Ok(Ignored::read(setting.first().map_or("", String::as_str)))
}

/// The findings that are not to be left out, and how many are.
fn without_ignored(check: &str, mut rows: Vec<Record>, ignored: &Ignored) -> Vec<Record> {
    let found = rows.len();
    rows.retain(|row| {
        let object = row.get("object").and_then(Value::as_str);
        !object.is_some_and(|object| ignored.matches(check, object))
    });
    if rows.len() < found {
        let message = advisor_sql::health::ignored(found - rows.len());
        rows.push(record("ok", message, json!({})));
    }
    rows
}

/// Whether an error is not of the check but of the whole call. The limit of the check is an error
/// of the server, which has a code; the deadline of the call has none.
fn ends_the_call(error: &ToolError) -> bool {
    match error.kind {
        Kind::Conflict => false,
        Kind::Timeout => error.sqlstate.is_none(),
        kind => kind == Kind::Cancelled || kind.retryable(),
    }
}

/// Where a finding stands in the report: worst first.
pub(crate) fn severity(row: &Record) -> usize {
    advisor_sql::health::rank(row.get("severity").and_then(Value::as_str).unwrap_or_default())
}

async fn check_rows(cx: &Context, sql: &str) -> Result<Vec<Record>, ToolError> {
    let mut session = cx.session().await?;
    session.rows(&advisor_sql::health::prepare(), &[]).await?;
    let rows = session.rows(sql, &[]).await?;
    session.finish().await;
    Ok(rows)
}

/// A finding without a measure, in the columns of the checks.
fn record(severity: &str, message: String, details: Value) -> Record {
    let mut record = Record::new();
    record.insert("severity".to_owned(), json!(severity));
    for column in ["object", "value", "unit", "threshold"] {
        record.insert(column.to_owned(), Value::Null);
    }
    record.insert("message".to_owned(), Value::String(message));
    record.insert("remediation".to_owned(), Value::Null);
    record.insert("details".to_owned(), details);
    record
}
