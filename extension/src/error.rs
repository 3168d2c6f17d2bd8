//! The advisor's own errors, and their one way to the client.

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;

use crate::sys::ServerError;

/// Why a call cannot be answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdvisorError {
    /// An argument outside its range.
    #[error("{argument} must {requirement}")]
    BadArgument {
        /// Its name.
        argument: &'static str,
        /// What it must be or do.
        requirement: &'static str,
        /// What was given.
        given: String,
    },
    /// A NULL where there must be none.
    #[error("\"{0}\" must not be null")]
    NullArgument(&'static str),
    /// A NULL element in the list of queries.
    #[error("\"queries\" must not contain null elements")]
    NullQuery,
    /// `pg_stat_statements` is not installed in this database.
    #[error("pg_stat_statements is not installed in this database")]
    NoStatements,
    /// `pg_stat_statements` is installed but not loaded.
    #[error("pg_stat_statements is not loaded")]
    StatementsNotLoaded,
    /// The size model of hypopg was asked for without hypopg.
    #[error("hypopg is not installed in this database")]
    NoHypopg,
    /// No statement of the given list could be used: the server's error for the first.
    #[error("{}", .0.message)]
    Statement(ServerError),
    /// The given statement is one that is not planned.
    #[error("no statement can be advised on")]
    Utility(String),
    /// Something the server said about a query of ours.
    #[error("could not read the catalog: {0}")]
    Catalog(String),
}

impl From<pgrx::spi::SpiError> for AdvisorError {
    fn from(error: pgrx::spi::SpiError) -> Self {
        Self::Catalog(error.to_string())
    }
}

impl From<AdvisorError> for ErrorReport {
    fn from(error: AdvisorError) -> Self {
        let message = error.to_string();
        let report = |code, hint: &str| Self::new(code, message.clone(), "").set_hint(hint);
        match error {
            AdvisorError::BadArgument { given, .. } => {
                Self::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, message, "")
                    .set_detail(format!("The value given is {given}."))
            }
            AdvisorError::NullArgument(_) => {
                Self::new(PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED, message, "")
            }
            AdvisorError::NullQuery => report(
                PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
                "Leave the list out (NULL) to advise on the workload of pg_stat_statements.",
            ),
            AdvisorError::NoStatements => report(
                PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "Run: CREATE EXTENSION pg_stat_statements; \
                 with shared_preload_libraries = 'pg_stat_statements' set and the server restarted \
                 (ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements';). \
                 Or give the statements: mcp_advise_indexes(ARRAY['SELECT …']).",
            ),
            AdvisorError::StatementsNotLoaded => report(
                PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "Run: ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'; \
                 (add to the list if it is not empty), then restart the server. \
                 Or give the statements: mcp_advise_indexes(ARRAY['SELECT …']).",
            ),
            AdvisorError::NoHypopg => report(
                PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "Install the package (Debian: apt-get install postgresql-NN-hypopg) and run: \
                 CREATE EXTENSION hypopg; or SET mcp_advisor.size_model = 'measured';",
            ),
            AdvisorError::Utility(detail) => {
                Self::new(PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED, message, "")
                    .set_detail(format!("{detail}."))
            }
            AdvisorError::Statement(server) => {
                let mut report = Self::new(server.code, message, "");
                if let Some(detail) = server.detail {
                    report = report.set_detail(detail);
                }
                if let Some(hint) = server.hint {
                    report = report.set_hint(hint);
                }
                report
            }
            AdvisorError::Catalog(_) => {
                Self::new(PgSqlErrorCode::ERRCODE_INTERNAL_ERROR, message, "")
            }
        }
    }
}
