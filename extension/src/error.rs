//! The advisor's own errors, and their one way to the client.

use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;

use crate::sys::{self, ServerError};

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
    /// A NULL element in another list.
    #[error("\"{0}\" must not contain null elements")]
    NullElement(&'static str),
    /// A NULL element in the list of queries.
    #[error("\"queries\" must not contain null elements")]
    NullQuery,
    /// `pg_stat_statements` is not installed in this database.
    #[error("pg_stat_statements is not installed in this database")]
    NoStatements {
        /// What to do to have it.
        hint: String,
        /// A sentence on what can be done without it; may be empty.
        instead: &'static str,
    },
    /// The extension's script made no tables for the memory of advice.
    #[error("this version of the extension has no memory of advice")]
    NoMemory,
    /// `pg_stat_statements` is installed but not loaded.
    #[error("pg_stat_statements is not loaded")]
    StatementsNotLoaded {
        /// As above.
        hint: String,
        /// As above.
        instead: &'static str,
    },
    /// `pg_stat_statements` is of a version whose columns have other names.
    #[error("pg_stat_statements {0} is not supported")]
    OldStatements(String),
    /// There is no such schema.
    #[error("schema \"{name}\" does not exist")]
    NoSchema {
        /// Its name.
        name: String,
        /// What may have been meant.
        hint: String,
    },
    /// There is no such object.
    #[error("{kind} \"{schema}.{name}\" does not exist")]
    NoObject {
        /// One of the kinds of objects.
        kind: &'static str,
        /// The schema asked for.
        schema: String,
        /// The name asked for.
        name: String,
        /// What may have been meant.
        hint: String,
    },
    /// A name that stands for no relation.
    #[error("table \"{name}\" does not exist")]
    NoTable {
        /// As it was given.
        name: String,
        /// What may have been meant.
        hint: String,
    },
    /// A name that stands for another kind of relation.
    #[error("{name} is {kind}")]
    NotATable {
        /// Its name, quoted where needed.
        name: String,
        /// What it is.
        kind: &'static str,
        /// What may be named instead; may be empty.
        hint: String,
    },
    /// A word that is none of those that an argument may be.
    #[error("\"{given}\" is not a value of \"{argument}\"")]
    NoSuchValue {
        /// The argument's name.
        argument: &'static str,
        /// What was given.
        given: String,
        /// What it may be.
        values: Vec<&'static str>,
    },
    /// The size model of hypopg was asked for without hypopg.
    #[error("hypopg is not installed in this database")]
    NoHypopg,
    /// No statement of the given list could be used: the server's error for the first.
    #[error("{}", .0.message)]
    Statement(ServerError),
    /// What the server says about one of the given texts.
    #[error("{}", .error.message)]
    InText {
        /// The error, which may have a position in the text.
        error: ServerError,
        /// The statement or the definition.
        text: String,
    },
    /// The statement to explain is one that is not planned.
    #[error("the statement has no plan")]
    NoPlan,
    /// A parameter without a value in a statement that is to be executed.
    #[error("there is no value for parameter ${0}")]
    Unbound(usize),
    /// An index to hide that is none.
    #[error("{name} is not an index")]
    NotAnIndex {
        /// Its name, quoted where needed.
        name: String,
    },
    /// An index to hide that is gone.
    #[error("index with OID {0} does not exist")]
    NoSuchIndex(u32),
    /// Two arguments that exclude each other.
    #[error("\"{0}\" and \"{1}\" exclude each other")]
    Exclusive(&'static str, &'static str),
    /// The given statement is one that is not planned.
    #[error("no statement can be advised on")]
    Utility(String),
    /// What is to be imported is no such document.
    #[error("document is malformed")]
    BadDocument(String),
    /// A document of another version.
    #[error("document version {0} is not supported")]
    DocumentVersion(i64),
    /// Somebody else's database to import into.
    #[error("must be owner of the database or superuser to import statistics")]
    NotTheOwner,
    /// A database to import into that has something of its own.
    #[error("database is not empty")]
    NotEmpty {
        /// A relation that it has.
        relation: String,
        /// Whether it is of an earlier import.
        imported: bool,
    },
    /// An object of a document that could not be made.
    #[error("could not create {object}: {}", .error.message)]
    Object {
        /// Its kind and name.
        object: String,
        /// What the server says.
        error: ServerError,
    },
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
            AdvisorError::NullArgument(_) | AdvisorError::NullElement(_) => {
                Self::new(PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED, message, "")
            }
            AdvisorError::NullQuery => report(
                PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
                "Leave the list out (NULL) to advise on the workload of pg_stat_statements.",
            ),
            AdvisorError::NoStatements { hint, instead }
            | AdvisorError::StatementsNotLoaded { hint, instead } => report(
                PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                &format!("{hint}{instead}"),
            ),
            AdvisorError::NoMemory => report(
                PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "Run: ALTER EXTENSION mcp_advisor UPDATE; or create it again.",
            ),
            AdvisorError::OldStatements(_) => report(
                PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                "Run: ALTER EXTENSION pg_stat_statements UPDATE;",
            ),
            AdvisorError::NoSchema { hint, .. } => {
                report(PgSqlErrorCode::ERRCODE_INVALID_SCHEMA_NAME, &hint)
            }
            AdvisorError::NoObject { kind, hint, .. } => report(undefined(kind), &hint),
            AdvisorError::NoTable { hint, .. } => {
                report(PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE, &hint)
            }
            AdvisorError::NotATable { hint, .. } if !hint.is_empty() => {
                report(PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE, &hint)
            }
            AdvisorError::NotATable { .. } => {
                Self::new(PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE, message, "")
            }
            AdvisorError::NoSuchValue { values, .. } => report(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                &format!("It must be one of: {}.", values.join(", ")),
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
            AdvisorError::Statement(server) => of_server(server),
            AdvisorError::InText { error, text } => {
                if let Some(position) = error.position {
                    sys::point_at(&text, position);
                }
                of_server(error)
            }
            AdvisorError::NoPlan => report(
                PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                "Only SELECT, INSERT, UPDATE, DELETE, MERGE, VALUES and TABLE are planned; \
                 leave an EXPLAIN in front out.",
            ),
            AdvisorError::Unbound(_) => report(
                PgSqlErrorCode::ERRCODE_UNDEFINED_PARAMETER,
                "Put values in the place of the parameters, or leave analyze out.",
            ),
            AdvisorError::NotAnIndex { .. } => {
                Self::new(PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE, message, "")
            }
            AdvisorError::NoSuchIndex(_) => {
                Self::new(PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT, message, "")
            }
            AdvisorError::Exclusive(..) => report(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                "What is executed uses the indexes that exist.",
            ),
            AdvisorError::BadDocument(detail) => report(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                "Make it with mcp_export_statistics() or mcp-bridge export.",
            )
            .set_detail(format!("{detail}.")),
            AdvisorError::DocumentVersion(_) => report(
                PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                "Make it anew with mcp_export_statistics() or mcp-bridge export of this version.",
            ),
            AdvisorError::NotTheOwner => report(
                PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
                "Make a scratch database: CREATE DATABASE name OWNER role.",
            ),
            AdvisorError::NotEmpty { relation, imported } => report(
                PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                if imported {
                    "It is of an earlier import: replace => true drops that first."
                } else {
                    "Import into an empty scratch database."
                },
            )
            .set_detail(format!("It has {relation}.")),
            AdvisorError::Object { error, .. } => of_server(ServerError { message, ..error }),
            AdvisorError::Catalog(_) => {
                Self::new(PgSqlErrorCode::ERRCODE_INTERNAL_ERROR, message, "")
            }
        }
    }
}

/// The server's error as it was.
fn of_server(error: ServerError) -> ErrorReport {
    let mut report = ErrorReport::new(error.code, error.message, "");
    if let Some(detail) = error.detail {
        report = report.set_detail(detail);
    }
    if let Some(hint) = error.hint {
        report = report.set_hint(hint);
    }
    report
}

/// The code that says that there is no object of this kind.
fn undefined(kind: &str) -> PgSqlErrorCode {
    match advisor_sql::schema::absent(kind) {
        "42883" => PgSqlErrorCode::ERRCODE_UNDEFINED_FUNCTION,
        "42704" => PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
        _ => PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
    }
}
