//! Listing and reading resources.

use rmcp::ErrorData;
use rmcp::model::{ReadResourceResult, Resource, ResourceContents};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{MIME, Target, health, map, relations, schema};
use crate::db::Param;
use crate::error::{Kind, ToolError};
use crate::handler::Bridge;
use crate::result::protocol_error;
use crate::tools::{self, Context};

/// Most relations in the text of a schema.
const RELATIONS: usize = 200;

/// The schemas that are listed: not the system's own.
const SCHEMAS: &str = "
select n.nspname::text as name
from pg_catalog.pg_namespace as n
where not pg_catalog.starts_with(n.nspname, 'pg_')
    and n.nspname operator(pg_catalog.<>) 'information_schema'
    and pg_catalog.has_schema_privilege(n.oid, 'usage')
order by n.nspname
limit 500";

impl Bridge {
    /// Every schema of every database, and the health reports.
    ///
    /// A database that cannot be reached lists its health report only: the others go on.
    pub(crate) async fn resources(
        &self,
        cancelled: CancellationToken,
    ) -> Result<Vec<Resource>, ErrorData> {
        let mut resources = Vec::new();
        let names: Vec<String> = self.databases().names().map(str::to_owned).collect();
        for database in names {
            match self.schemas(&database, cancelled.clone()).await {
                Ok(schemas) => {
                    resources.extend(schemas.iter().map(|name| schema(&database, name)));
                }
                Err(error) => tracing::warn!(database, %error, "schemas cannot be listed"),
            }
            resources.push(health(&database));
        }
        Ok(resources)
    }

    async fn schemas(
        &self,
        database: &str,
        cancelled: CancellationToken,
    ) -> Result<Vec<String>, ToolError> {
        let cx = self.quiet_context(Some(database), cancelled)?;
        let _slot = self.slot().await?;
        let mut session = cx.session().await?;
        let rows = session.rows(SCHEMAS, &[]).await?;
        session.finish().await;
        Ok(rows
            .into_iter()
            .filter_map(|row| row.get("name").and_then(|name| name.as_str()).map(str::to_owned))
            .collect())
    }

    /// Reads a resource.
    pub(crate) async fn read(
        &self,
        uri: &str,
        cancelled: CancellationToken,
    ) -> Result<ReadResourceResult, ErrorData> {
        let unknown = || {
            ErrorData::resource_not_found(
                format!("there is no resource {}", tools::text::line(uri, 200)),
                Some(json!({"uri": uri})),
            )
        };
        let target = Target::parse(uri).ok_or_else(unknown)?;
        // A name that is not ours is no fault of the database.
        let cx = self.quiet_context(Some(target.database()), cancelled).map_err(|_| unknown())?;
        let slot = self.slot().await.map_err(|error| protocol_error(&error))?;
        let text = match &target {
            Target::Health { database } => self.health_text(database, &cx).await,
            Target::Schema { schema, .. } => schema_text(&cx, schema).await,
            Target::Object { schema, object, .. } => tools::object_text(&cx, schema, object).await,
            Target::Overview { database, schema, after } => {
                map::overview(&cx, database, schema, after.as_deref()).await
            }
            Target::Search { words, .. } => map::search(&cx, words).await,
            Target::Join { from, to, .. } => map::join(&cx, from, to).await,
        };
        drop(slot);
        match text {
            Ok(text) => Ok(ReadResourceResult::new(vec![
                ResourceContents::text(text, uri).with_mime_type(MIME),
            ])),
            Err(error) if tools::is_absent(&error) => Err(unknown()),
            Err(error) => Err(protocol_error(&error)),
        }
    }

    async fn health_text(&self, database: &str, cx: &Context) -> Result<String, ToolError> {
        let report = match self.last_report(database) {
            Some(report) => report,
            None => {
                self.report(cx).await?;
                self.last_report(database).ok_or_else(|| {
                    ToolError::new(Kind::Internal, "the health report was not kept")
                })?
            }
        };
        let age = report.made.elapsed().as_secs();
        Ok(format!("Health report, made {age} s ago\n{}", report.text))
    }
}

async fn schema_text(cx: &Context, schema: &str) -> Result<String, ToolError> {
    let mut session = cx.session().await?;
    let limit = i64::try_from(RELATIONS).unwrap_or(i64::MAX);
    let params = [Param::Text(Some(schema)), Param::Int(limit)];
    let rows = session.rows(advisor_sql::schema::RELATIONS, &params).await?;
    let known = !rows.is_empty() || {
        let sql = "select 1 as one from pg_catalog.pg_namespace as n \
                   where n.nspname operator(pg_catalog.=) $1";
        !session.rows(sql, &params[..1]).await?.is_empty()
    };
    session.finish().await;
    if !known {
        return Err(ToolError::new(Kind::SqlError, format!("schema \"{schema}\" does not exist"))
            .with_sqlstate("3F000"));
    }
    Ok(relations(schema, &rows, RELATIONS))
}
