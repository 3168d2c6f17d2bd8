//! pg_stat_statements: where it is, and the dearest statements in it; and what runs now.

use std::time::Duration;

use advisor_sql::statements::{self, Setup};
use pgrx::datum::TimestampWithTimeZone;
use pgrx::{JsonB, PgSqlErrorCode, Spi, ereport};

use crate::error::AdvisorError;
use crate::query;
use crate::sys;

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
        let (schema, version, loaded) = Spi::connect(|client| {
            let row = client.select(statements::FOUND, Some(1), &[])?.first();
            let columns = (row.get::<String>(1)?, row.get::<String>(2)?, row.get::<bool>(3)?);
            Ok::<_, pgrx::spi::SpiError>(columns)
        })?;
        let (Some(schema), Some(version)) = (schema, version) else {
            return Err(AdvisorError::NoStatements { hint: setup()?.hint(), instead });
        };
        if loaded != Some(true) {
            return Err(AdvisorError::StatementsNotLoaded { hint: setup()?.hint(), instead });
        }
        Ok(Self { schema: pgrx::spi::quote_identifier(schema), version })
    }

    /// One of the texts that depend on the version.
    ///
    /// # Errors
    /// [`AdvisorError::OldStatements`].
    pub(crate) fn text(
        &self,
        of: fn(&str, &str) -> Option<String>,
    ) -> Result<String, AdvisorError> {
        of(&self.schema, &self.version)
            .ok_or_else(|| AdvisorError::OldStatements(self.version.clone()))
    }
}

/// What there is of what pg_stat_statements needs.
fn setup() -> Result<Setup, AdvisorError> {
    Spi::connect(|client| {
        let row = client.select(statements::SETUP, Some(1), &[])?.first();
        let truth = |at| row.get::<bool>(at).map(Option::unwrap_or_default);
        Ok(Setup {
            database: row.get::<String>(1)?.unwrap_or_default(),
            available: truth(2)?,
            created: truth(3)?,
            loaded: truth(4)?,
            libraries: row.get(5)?,
            restart_pending: truth(6)?,
            identified: truth(7)?,
        })
    })
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
    pub(crate) database: Option<String>,
    pub(crate) plans: Option<i64>,
    /// Times of planning, of reading blocks and of writing them, in ms.
    pub(crate) more_times: [Option<f64>; 3],
    /// Temporary blocks read and written.
    pub(crate) temporary: [Option<i64>; 2],
    /// What the order goes by, and in what.
    pub(crate) sort_value: Option<f64>,
    pub(crate) sort_unit: Option<String>,
    pub(crate) details: Option<JsonB>,
}

/// What to show of the statements.
pub(crate) struct TopOptions<'a> {
    /// One of the orders in [`statements::ORDERS`].
    pub(crate) sort_by: &'a str,
    pub(crate) max_rows: i64,
    /// Those of this database only, or of all.
    pub(crate) all_databases: bool,
    /// Only what happens in this time from now on.
    pub(crate) interval: Option<Duration>,
}

/// The dearest statements.
///
/// # Errors
/// As [`RecordedStatements::find`]; [`AdvisorError::OldStatements`].
pub(crate) fn top(options: &TopOptions<'_>) -> Result<Vec<TopQuery>, AdvisorError> {
    let _scope = query::own_scope();
    let before = match options.interval {
        Some(interval) => Some(baseline(options.all_databases, interval)?),
        None => None,
    };
    clean(|| {
        let found = RecordedStatements::find("")?;
        let queries = read(&found, options, before)?;
        if queries.is_empty() && options.sort_by == "planning_time" {
            warn_of_planning(&found)?;
        }
        Ok(queries)
    })
}

/// What `f` reads, without the locks that it took. That the view went away meanwhile or may not be
/// read is an error in the server's words.
fn clean<T>(f: impl FnOnce() -> Result<T, AdvisorError>) -> Result<T, AdvisorError> {
    sys::subtransaction(false, f).map_err(AdvisorError::Statement)?
}

/// The rows, of what was counted since `before` if that is given.
fn read(
    found: &RecordedStatements,
    options: &TopOptions<'_>,
    before: Option<String>,
) -> Result<Vec<TopQuery>, AdvisorError> {
    let sql = found.text(statements::top)?;
    let args = [
        options.sort_by.into(),
        options.max_rows.into(),
        options.all_databases.into(),
        before.into(),
    ];
    Spi::connect(|client| {
        let mut queries = Vec::new();
        for row in client.select(sql.as_str(), None, &args)? {
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
                database: row.get(22)?,
                plans: row.get(23)?,
                more_times: [row.get(24)?, row.get(25)?, row.get(26)?],
                temporary: [row.get(27)?, row.get(28)?],
                sort_value: row.get(29)?,
                sort_unit: row.get(30)?,
                details: row.get(31)?,
            });
        }
        Ok(queries)
    })
}

/// What is counted at the beginning of the interval, at whose end this returns.
///
/// Locks that reading it took are given back before the wait, so that nobody who alters or drops
/// pg_stat_statements has to wait for it.
fn baseline(all_databases: bool, interval: Duration) -> Result<String, AdvisorError> {
    let before = clean(|| {
        let found = RecordedStatements::find("")?;
        let sql = found.text(statements::baseline)?;
        Ok(query::one::<String>(&sql, &[all_databases.into()])?)
    })?;
    sys::wait(interval);
    Ok(before.unwrap_or_default())
}

/// Says so when nothing is known of planning because it is not recorded.
fn warn_of_planning(found: &RecordedStatements) -> Result<(), AdvisorError> {
    let tracks = info_of(found)?.track_planning == Some(true);
    if let (false, Some(remark)) = (tracks, statements::remark("planning_time", None, tracks)) {
        ereport!(WARNING, PgSqlErrorCode::ERRCODE_WARNING, remark);
    }
    Ok(())
}

/// How statements are recorded, and since when. See `sql/statements/info.sql`.
pub(crate) struct Info {
    pub(crate) version: Option<String>,
    pub(crate) counted_since: Option<TimestampWithTimeZone>,
    pub(crate) evictions: Option<i64>,
    pub(crate) entries: Option<i64>,
    pub(crate) max_entries: Option<i64>,
    pub(crate) track: Option<String>,
    pub(crate) track_planning: Option<bool>,
    pub(crate) track_io_timing: Option<bool>,
}

/// How statements are recorded.
///
/// # Errors
/// As [`top`].
pub(crate) fn info() -> Result<Info, AdvisorError> {
    // Read before the scope turns tracking off for what the scope runs.
    let track =
        query::one("select pg_catalog.current_setting('pg_stat_statements.track', true)", &[])?;
    let _scope = query::own_scope();
    clean(|| Ok(Info { track, ..info_of(&RecordedStatements::find("")?)? }))
}

fn info_of(found: &RecordedStatements) -> Result<Info, AdvisorError> {
    let sql = found.text(statements::info)?;
    Spi::connect(|client| {
        let row = client.select(sql.as_str(), Some(1), &[])?.first();
        Ok(Info {
            version: row.get(1)?,
            counted_since: row.get(2)?,
            evictions: row.get(3)?,
            entries: row.get(4)?,
            max_entries: row.get(5)?,
            track: row.get(6)?,
            track_planning: row.get(7)?,
            track_io_timing: row.get(8)?,
        })
    })
}

/// What a session does now. See `sql/statements/running.sql`.
pub(crate) struct Running {
    pub(crate) pid: Option<i32>,
    pub(crate) role: Option<String>,
    pub(crate) database: Option<String>,
    pub(crate) application: Option<String>,
    pub(crate) backend_type: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) waits_for: Option<String>,
    pub(crate) running_ms: Option<f64>,
    pub(crate) transaction_ms: Option<f64>,
    pub(crate) blocked_by: Option<Vec<Option<i32>>>,
    pub(crate) workers: Option<i64>,
    pub(crate) query_id: Option<i64>,
    pub(crate) query: Option<String>,
}

/// What the other sessions do now, the longest-running first.
///
/// # Errors
/// What SPI says.
pub(crate) fn running(all_databases: bool) -> Result<Vec<Running>, AdvisorError> {
    let _scope = query::own_scope();
    Spi::connect(|client| {
        let mut sessions = Vec::new();
        for row in client.select(statements::RUNNING, None, &[all_databases.into()])? {
            sessions.push(Running {
                pid: row.get(1)?,
                role: row.get(2)?,
                database: row.get(3)?,
                application: row.get(4)?,
                backend_type: row.get(5)?,
                state: row.get(6)?,
                waits_for: row.get(7)?,
                running_ms: row.get(8)?,
                transaction_ms: row.get(9)?,
                blocked_by: row.get(10)?,
                workers: row.get(11)?,
                query_id: row.get(12)?,
                query: row.get(13)?,
            });
        }
        Ok(sessions)
    })
}
