//! Completions of arguments: databases, schemas, objects, health checks.

use rmcp::ErrorData;
use rmcp::model::{CompleteRequestParams, CompleteResult, CompletionInfo, Reference};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::db::Param;
use crate::handler::Bridge;
use crate::result::protocol_error;
use crate::{prompts, resources};

/// Most values in an answer, by the protocol.
const MOST: usize = CompletionInfo::MAX_VALUES;

/// Schemas that begin with $1.
const SCHEMAS: &str = "
select n.nspname::text as name
from pg_catalog.pg_namespace as n
where pg_catalog.starts_with(n.nspname, $1)
    and not pg_catalog.starts_with(n.nspname, 'pg_toast')
    and not pg_catalog.starts_with(n.nspname, 'pg_temp')
order by n.nspname
limit 101";

/// Tables and views of schema $1 that begin with $2.
const OBJECTS: &str = "
select c.relname::text as name
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid operator(pg_catalog.=) c.relnamespace
where n.nspname operator(pg_catalog.=) $1
    and c.relkind in ('r', 'p', 'v', 'm', 'f')
    and pg_catalog.starts_with(c.relname, $2)
order by c.relname
limit 101";

/// Completes one argument of a prompt or of a resource template.
pub(crate) async fn complete(
    bridge: &Bridge,
    request: CompleteRequestParams,
    cancelled: CancellationToken,
) -> Result<CompleteResult, ErrorData> {
    let known = match &request.r#ref {
        Reference::Prompt(prompt) => prompts::has_argument(&prompt.name, &request.argument.name),
        Reference::Resource(template) => {
            let slot = format!("{{{}}}", request.argument.name);
            [
                resources::SCHEMA_TEMPLATE,
                resources::OBJECT_TEMPLATE,
                resources::OVERVIEW_TEMPLATE,
                resources::OVERVIEW_AFTER_TEMPLATE,
                resources::SEARCH_TEMPLATE,
                resources::JOIN_TEMPLATE,
            ]
            .iter()
            .any(|one| *one == template.uri && one.contains(&slot))
        }
        // The enumeration may grow.
        _ => false,
    };
    if !known {
        return Err(ErrorData::invalid_params(
            format!("there is no argument \"{}\" to complete", request.argument.name),
            None,
        ));
    }
    let begin = request.argument.value.as_str();
    let given =
        |name: &str| request.context.as_ref().and_then(|context| context.get_argument(name));
    let begins = |one: &&str| one.starts_with(begin);
    let values: Vec<String> = match request.argument.name.as_str() {
        "database" => bridge.databases().names().filter(begins).map(str::to_owned).collect(),
        "health_type" => {
            let mut names = advisor_sql::health::names();
            names.sort_unstable();
            names.into_iter().filter(|one| begins(one)).map(str::to_owned).collect()
        }
        "schema" => {
            let database = given("database").map(String::as_str);
            names(bridge, database, SCHEMAS, &[Param::Text(Some(begin))], cancelled).await?
        }
        "object" => {
            let database = given("database").map(String::as_str);
            let schema = given("schema").map_or("public", String::as_str);
            let params = [Param::Text(Some(schema)), Param::Text(Some(begin))];
            names(bridge, database, OBJECTS, &params, cancelled).await?
        }
        _ => Vec::new(),
    };
    Ok(CompleteResult::new(cut(values)))
}

/// The first hundred, and whether there are more.
fn cut(mut values: Vec<String>) -> CompletionInfo {
    let more = values.len() > MOST;
    values.truncate(MOST);
    let mut completion = CompletionInfo::default();
    completion.values = values;
    completion.has_more = Some(more);
    completion
}

async fn names(
    bridge: &Bridge,
    database: Option<&str>,
    sql: &str,
    params: &[Param<'_>],
    cancelled: CancellationToken,
) -> Result<Vec<String>, ErrorData> {
    // A NUL is in no name, and the server would not take it.
    if params.iter().any(|param| matches!(param, Param::Text(Some(text)) if text.contains('\0'))) {
        return Ok(Vec::new());
    }
    let rows = async {
        let cx = bridge.quiet_context(database, cancelled)?;
        let _slot = bridge.slot().await?;
        let mut session = cx.session().await?;
        let rows = session.rows(sql, params).await?;
        session.finish().await;
        Ok(rows)
    };
    let rows: Vec<Map<String, Value>> = rows.await.map_err(|error| protocol_error(&error))?;
    Ok(rows
        .into_iter()
        .filter_map(|mut row| match row.remove("name") {
            Some(Value::String(name)) => Some(name),
            _ => None,
        })
        .collect())
}
