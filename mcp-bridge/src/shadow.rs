//! Advice on a server on which nothing can be installed: its statistics are read there, put into a
//! scratch database that has the extension, and the advice is computed there.
//!
//! What is read is in `sql/export`, shared with the extension; what is made of it is the extension's.

use std::time::Duration;

use advisor_sql::export::{self, Parameter, Section, Wanted};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::db::{BigNumbers, Call, Caps, Database, Param, ServerInfo, Session};
use crate::error::{Kind, ToolError};
use crate::tools::source::{self, EXTENSION, STATEMENTS, quoted};

/// How long reading the source may take, and writing into the scratch database.
const LIMIT: Duration = Duration::from_secs(600);

/// What the search for indexes needs beside its limit: statements are read before it.
const RESERVE: Duration = Duration::from_secs(60);

/// What one run has in common.
pub(crate) struct Run {
    /// Set off when nobody wants the result any more.
    pub(crate) cancelled: CancellationToken,
}

/// What the search is held to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Search {
    /// Bytes for all new indexes.
    pub(crate) budget: Option<i64>,
    /// Seconds.
    pub(crate) time_limit: u32,
}

impl Run {
    fn call(&self, timeout: Duration) -> Call {
        Call { cancelled: self.cancelled.clone(), timeout, notices: None }
    }

    /// The document of a database, read in one read-only transaction: by the function of the
    /// extension where it is there, which sees more of indexes, else by the same texts.
    ///
    /// # Errors
    /// What the server answers.
    pub(crate) async fn export(&self, db: &Database, values: bool) -> Result<Value, ToolError> {
        let call = self.call(LIMIT);
        let server = db.server(&call).await?;
        let mut session = db.read_only(&call).await?;
        let recorded = recorded(&server)?;
        let document = match source::function(&server, "mcp_export_statistics") {
            Some(function) => {
                // Without recorded statements there is no workload, and that is said.
                let queries = if recorded.is_some() { "null" } else { "'{}'" };
                let sql = format!("select {function}($1, {queries}::text[]) as document");
                let mut rows = session.rows(&sql, &[Param::Bool(values)]).await?;
                let row = rows.pop().unwrap_or_default();
                row.into_iter().next().map(|(_, value)| value).unwrap_or_default()
            }
            None => read(&mut session, &server, recorded, values).await?,
        };
        session.finish().await;
        Ok(document)
    }

    /// Puts a document into the scratch database, in one transaction, and creates the extension
    /// there first if it is missing. Says what was left out and what differs.
    ///
    /// # Errors
    /// What the server answers, such as that the database is not empty.
    pub(crate) async fn import(
        &self,
        db: &Database,
        document: &Value,
        replace: bool,
    ) -> Result<Imported, ToolError> {
        let call = self.call(LIMIT);
        let server = db.server(&call).await?;
        let mut session = db.begin_write(&call).await?;
        let function = match source::function(&server, "mcp_import_statistics") {
            Some(function) => function,
            None => {
                create_extension(&mut session, &server).await?;
                let sql = "select n.nspname from pg_catalog.pg_extension as e \
                     join pg_catalog.pg_namespace as n on n.oid = e.extnamespace \
                     where e.extname = $1";
                let rows = session.rows(sql, &[Param::Text(Some(EXTENSION))]).await?;
                let schema = rows.first().and_then(|row| row.get("nspname")?.as_str());
                format!("{}.mcp_import_statistics", quoted(schema.unwrap_or_default()))
            }
        };
        let text = document.to_string();
        let sql = format!("select {function}($1::text::jsonb, $2) as imported");
        let rows = session.rows(&sql, &[Param::Text(Some(&text)), Param::Bool(replace)]).await;
        let imported = rows.map_err(|error| hinted(error, replace))?.pop().unwrap_or_default();
        session.commit().await?;
        let imported = imported.get("imported").cloned().unwrap_or_default();
        serde_json::from_value(imported)
            .map_err(|error| ToolError::new(Kind::Internal, error.to_string()))
    }

    /// The report of the advisor on the workload that came with the document.
    ///
    /// # Errors
    /// What the server answers.
    pub(crate) async fn advise(
        &self,
        db: &Database,
        search: Search,
    ) -> Result<Map<String, Value>, ToolError> {
        let limit = Duration::from_secs(u64::from(search.time_limit));
        let call = self.call(limit.saturating_add(RESERVE));
        // The extension may be there only since the import.
        let mut session = db.read_only(&call).await?;
        let server = ServerInfo::probe(&mut session).await?;
        let function = source::required_function(&server, "mcp_advise_report")?;
        let budget = match search.budget {
            Some(bytes) => format!("storage_budget => {bytes}, "),
            None => String::new(),
        };
        let sql = format!(
            "select {function}({budget}time_limit => pg_catalog.make_interval(secs => $1), \
             plans => false) as report"
        );
        let rows = session.rows(&sql, &[Param::Float(f64::from(search.time_limit))]).await?;
        session.finish().await;
        match rows.into_iter().next().and_then(|mut row| row.remove("report")) {
            Some(Value::Object(report)) => Ok(report),
            _ => Err(ToolError::new(Kind::Internal, "the report is not an object")),
        }
    }
}

/// What the import says.
#[derive(Debug, serde::Deserialize, serde::Serialize)]
pub(crate) struct Imported {
    pub(crate) relations: u64,
    pub(crate) statements: u64,
    pub(crate) left_out: Vec<String>,
    pub(crate) notes: Vec<String>,
}

/// The option of the program in the place of the argument of the function.
fn hinted(error: ToolError, replace: bool) -> ToolError {
    match error.sqlstate.as_deref() {
        Some("55000") if !replace && error.hint.as_ref().is_some_and(|h| h.contains("replace")) => {
            error.with_hint("It is of an earlier import: --replace drops that first.")
        }
        _ => error,
    }
}

async fn create_extension(session: &mut Session, server: &ServerInfo) -> Result<(), ToolError> {
    if !server.available.contains_key(EXTENSION) {
        return Err(source::missing(server));
    }
    if server.extensions.contains_key(EXTENSION) {
        return Err(source::too_old());
    }
    let caps = Caps { rows: 1, bytes: 1 << 16, cell_chars: 1000, big_numbers: BigNumbers::String };
    session.simple(&format!("create extension {EXTENSION}"), &caps).await.map(drop)
}

/// The text that reads the recorded statements; none where there are none to read.
fn recorded(server: &ServerInfo) -> Result<Option<String>, ToolError> {
    let Some(extension) = server.extensions.get(STATEMENTS) else {
        tracing::warn!("{STATEMENTS} is not in the database: the document has no workload");
        return Ok(None);
    };
    let sql = export::workload(&quoted(&extension.schema), &extension.version);
    sql.map(Some).ok_or_else(|| {
        let message = format!("{STATEMENTS} {} is not supported", extension.version);
        ToolError::new(Kind::Unsupported, message)
    })
}

/// The document by the shared texts.
async fn read(
    session: &mut Session,
    server: &ServerInfo,
    recorded: Option<String>,
    values: bool,
) -> Result<Value, ToolError> {
    for (name, value) in
        export::FORMS.into_iter().chain([("search_path", advisor_sql::SEARCH_PATH)])
    {
        let sql = "select pg_catalog.set_config($1, $2, true)";
        session.rows(sql, &[Param::Text(Some(name)), Param::Text(Some(value))]).await?;
    }
    let workload = match recorded {
        Some(sql) => objects(session.rows(&sql, &[]).await?),
        None => Vec::new(),
    };
    let texts: Vec<String> = workload
        .iter()
        .filter_map(|statement| statement.get("query")?.as_str().map(str::to_owned))
        .collect();
    let may = session.rows(export::MAY_READ_ALL, &[]).await?;
    let may_read_all = may.first().and_then(|row| row.get("may")) == Some(&Value::Bool(true));
    let wanted = Wanted { version_num: server.version_num, values, may_read_all };
    let mut document = Map::new();
    document.insert("format".to_owned(), export::FORMAT.into());
    document.insert("version".to_owned(), export::VERSION.into());
    document.insert("values".to_owned(), values.into());
    for Section { member, sql, parameter } in export::sections(wanted) {
        let params = match parameter {
            Parameter::None => Vec::new(),
            Parameter::Settings => {
                vec![Param::TextArray(export::SETTINGS.map(str::to_owned).to_vec())]
            }
            Parameter::Workload => vec![Param::TextArray(texts.clone())],
        };
        let mut rows = objects(session.rows(&sql, &params).await?);
        if member == "server" {
            document.insert(member.to_owned(), rows.pop().unwrap_or_default());
            continue;
        }
        let entry = document.entry(member).or_insert_with(|| json!([]));
        if let Some(list) = entry.as_array_mut() {
            list.extend(rows);
        }
    }
    document.insert("workload".to_owned(), Value::Array(workload));
    Ok(Value::Object(document))
}

fn objects(rows: Vec<Map<String, Value>>) -> Vec<Value> {
    rows.into_iter().map(Value::Object).collect()
}
