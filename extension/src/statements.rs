//! pg_stat_statements: where it is, and the dearest statements in it.

use pgrx::Spi;
use pgrx::datum::TimestampWithTimeZone;

use crate::error::AdvisorError;
use crate::query;

/// pg_stat_statements in this database.
pub(crate) struct RecordedStatements {
    /// Its schema, quoted.
    pub(crate) schema: String,
    /// The version of the extension, on which the columns of its view depend.
    version: String,
}

impl RecordedStatements {
    /// Finds it. `instead` is a sentence for the hint on what can be done without it.
    ///
    /// # Errors
    /// [`AdvisorError::NoStatements`] or [`AdvisorError::StatementsNotLoaded`].
    pub(crate) fn find(instead: &'static str) -> Result<Self, AdvisorError> {
        let found = query::texts(
            "select pg_catalog.unnest(array[pg_catalog.quote_ident(n.nspname), e.extversion])
             from pg_catalog.pg_extension as e
             join pg_catalog.pg_namespace as n
                 on n.oid = e.extnamespace
             where e.extname = 'pg_stat_statements'",
            &[],
        )?;
        let mut found = found.into_iter();
        let (Some(schema), Some(version)) = (found.next(), found.next()) else {
            return Err(AdvisorError::NoStatements { instead });
        };
        let loaded: Option<bool> = query::one(
            "select pg_catalog.current_setting('pg_stat_statements.max', true) is not null",
            &[],
        )?;
        if loaded != Some(true) {
            return Err(AdvisorError::StatementsNotLoaded { instead });
        }
        Ok(Self { schema, version })
    }
}

/// A statement with what it cost. See `sql/statements/top.sql`.
pub(crate) struct TopQuery {
    pub(crate) queryid: Option<i64>,
    pub(crate) role: Option<String>,
    pub(crate) calls: Option<i64>,
    /// Total, mean and largest time of execution and its standard deviation, in ms.
    pub(crate) times: [Option<f64>; 4],
    pub(crate) rows: Option<i64>,
    /// Shares of time, blocks accessed, read, dirtied, and WAL, from 0 to 1.
    pub(crate) shares: [Option<f64>; 5],
    /// Blocks hit, read, dirtied, temporary; bytes of WAL.
    pub(crate) amounts: [Option<i64>; 5],
    pub(crate) toplevel: Option<bool>,
    pub(crate) since: Option<TimestampWithTimeZone>,
    pub(crate) query: Option<String>,
}

/// The dearest statements of this database in the order `sort_by`, at most `max_rows`.
///
/// # Errors
/// As [`RecordedStatements::find`]; [`AdvisorError::OldStatements`].
pub(crate) fn top(sort_by: &str, max_rows: i64) -> Result<Vec<TopQuery>, AdvisorError> {
    let _scope = query::own_scope();
    let found = RecordedStatements::find("")?;
    let Some(sql) = advisor_sql::top_queries(&found.schema, &found.version) else {
        return Err(AdvisorError::OldStatements(found.version));
    };
    Spi::connect(|client| {
        let mut queries = Vec::new();
        for row in client.select(sql.as_str(), None, &[sort_by.into(), max_rows.into()])? {
            queries.push(TopQuery {
                queryid: row.get(1)?,
                role: row.get(2)?,
                calls: row.get(3)?,
                times: [row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?],
                rows: row.get(8)?,
                shares: [row.get(9)?, row.get(10)?, row.get(11)?, row.get(12)?, row.get(13)?],
                amounts: [row.get(14)?, row.get(15)?, row.get(16)?, row.get(17)?, row.get(18)?],
                toplevel: row.get(19)?,
                since: row.get(20)?,
                query: row.get(21)?,
            });
        }
        Ok(queries)
    })
}
