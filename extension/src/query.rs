//! The advisor's own catalog queries.

use pgrx::datum::DatumWithOid;
use pgrx::spi::SpiError;
use pgrx::{FromDatum, IntoDatum, Spi};

use crate::sys::SessionScope;

/// How long a query of the catalog waits for a table that is being altered.
const LOCK_TIMEOUT: &str = "1s";

/// The settings that the shared SQL texts are written for, until the scope is dropped: the system's
/// own search path, no waiting for locks, and nothing of it in the statistics that it reads.
pub(crate) fn own_scope() -> SessionScope {
    let scope = SessionScope::open();
    scope.set("pg_stat_statements.track", "none");
    scope.set("search_path", advisor_sql::SEARCH_PATH);
    // Catalog queries are estimated too high and run too briefly for it.
    scope.set("jit", "off");
    scope.set("lock_timeout", LOCK_TIMEOUT);
    scope
}

/// The search path in force.
///
/// # Errors
/// What SPI says.
pub(crate) fn search_path() -> Result<String, SpiError> {
    let path = one("select pg_catalog.current_setting('search_path')", &[])?;
    Ok(path.unwrap_or_default())
}

/// The first column of all rows; nulls are left out.
///
/// # Errors
/// What SPI says.
pub(crate) fn texts(query: &str, args: &[DatumWithOid<'_>]) -> Result<Vec<String>, SpiError> {
    Spi::connect(|client| {
        let mut texts = Vec::new();
        for row in client.select(query, None, args)? {
            texts.extend(row.get::<String>(1)?);
        }
        Ok(texts)
    })
}

/// The first column of the first row; `None` when that is null or there is no row.
///
/// Unlike [`Spi::get_one`] this assigns no transaction id, so it works on a standby and costs
/// nothing in transaction ids elsewhere.
///
/// # Errors
/// What SPI says.
pub(crate) fn one<T: FromDatum + IntoDatum>(
    query: &str,
    args: &[DatumWithOid<'_>],
) -> Result<Option<T>, SpiError> {
    Spi::connect(|client| match client.select(query, Some(1), args)?.first().get_one() {
        Err(SpiError::InvalidPosition) => Ok(None),
        answer => answer,
    })
}

/// A number and a text.
pub(crate) type Pair = (Option<i64>, Option<String>);

/// The first two columns of all rows.
///
/// # Errors
/// What SPI says.
pub(crate) fn pairs(query: &str, args: &[DatumWithOid<'_>]) -> Result<Vec<Pair>, SpiError> {
    Spi::connect(|client| {
        let mut pairs = Vec::new();
        for row in client.select(query, None, args)? {
            pairs.push((row.get::<i64>(1)?, row.get::<String>(2)?));
        }
        Ok(pairs)
    })
}
