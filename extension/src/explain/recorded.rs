//! A statement by its `queryid` in pg_stat_statements, as the caller may see it.

use advisor_core::sqltext::is_truncated;
use pgrx::{PgSqlErrorCode, Spi};

use crate::error::AdvisorError;
use crate::statements::RecordedStatements;
use crate::sys::ServerError;

/// What can be done without pg_stat_statements.
const INSTEAD: &str = " Or give the statement as \"query\".";

/// Longest text in a message, in characters.
const SHOWN: usize = 200;

/// The text of a statement of this database; the caller's own first when several roles ran it.
///
/// # Errors
/// As [`RecordedStatements::find`]; 42704 when there is no such statement that the caller may see,
/// 55000 when its text is gone.
pub(super) fn text(queryid: i64) -> Result<String, AdvisorError> {
    let schema = RecordedStatements::find(INSTEAD)?.schema;
    let found = Spi::connect(|client| -> Result<_, AdvisorError> {
        let sql = advisor_sql::recorded(&schema);
        let rows = client.select(sql.as_str(), Some(1), &[queryid.into()])?;
        let row = rows.first();
        if row.is_empty() {
            return Ok(None);
        }
        Ok(Some((row.get::<String>(1)?, row.get::<String>(2)?)))
    })?;
    let undefined = PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT;
    match found {
        Some((Some(text), None)) if !text.trim().is_empty() => Ok(text),
        Some((_, Some(database))) => Err(AdvisorError::Statement(
            ServerError::new(
                undefined,
                format!("the statement with queryid {queryid} was recorded in another database"),
            )
            .with_hint(format!("Connect to database {database}.")),
        )),
        Some(_) => Err(AdvisorError::Statement(
            ServerError::new(
                PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("the text of the statement with queryid {queryid} is not kept"),
            )
            .with_hint(format!(
                "pg_stat_statements lost its texts; it has this one again after a \
                 pg_stat_statements_reset() and the next run.{INSTEAD}"
            )),
        )),
        None => Err(AdvisorError::Statement(
            ServerError::new(undefined, format!("there is no statement with queryid {queryid}"))
                .with_hint(
                    "mcp_top_queries() shows which there are. Those of other roles are shown to \
                     members of pg_read_all_stats only.",
                ),
        )),
    }
}

/// Why a recorded text cannot be explained, in words that say where it comes from.
pub(super) fn unusable(queryid: i64, text: &str, error: AdvisorError) -> AdvisorError {
    let start: String = text.chars().take(SHOWN).collect();
    let detail = Some(format!("Its text begins: {start}"));
    match error {
        AdvisorError::NoPlan => AdvisorError::Statement(ServerError {
            detail,
            ..ServerError::new(
                PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                format!("the statement with queryid {queryid} has no plan"),
            )
            .with_hint("Only SELECT, INSERT, UPDATE, DELETE, MERGE, VALUES and TABLE are planned.")
        }),
        AdvisorError::InText { error, .. }
            if error.code == PgSqlErrorCode::ERRCODE_SYNTAX_ERROR && is_truncated(text) =>
        {
            AdvisorError::Statement(ServerError {
                detail,
                ..ServerError::new(
                    PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                    format!("the text of the statement with queryid {queryid} is truncated"),
                )
                .with_hint("Give the whole statement as \"query\".")
            })
        }
        other => other,
    }
}
