//! Shadow databases: a database as the planner sees it, taken out as one document and put into an
//! empty one, so that advice can be computed beside a server on which nothing may be installed.
//!
//! [`mod@export`] reads; what it reads is in `sql/export`, which the bridge runs too. [`mod@import`] writes:
//! it is the only part of the advisor that changes a database. How an empty table plans like a full
//! one is in `sys/shadow.rs`.

mod document;
mod export;
mod import;
mod objects;

use std::collections::BTreeMap;

use pgrx::Spi;

use crate::error::AdvisorError;
use crate::settings;
use crate::workload::Entry;

pub(crate) use export::export;
pub(crate) use import::import;

const FOUND: &str = include_str!("../../../sql/shadow/is_shadow.sql");
const STATEMENTS: &str = include_str!("../../../sql/shadow/statements.sql");
const ACTIVITY: &str = include_str!("../../../sql/shadow/activity.sql");

/// Whether this database stands for another one.
fn is_shadow() -> Result<bool, AdvisorError> {
    Ok(settings::shadow() && crate::query::one(FOUND, &[])? == Some(true))
}

/// The workload that came with the statistics; none in a database that is no shadow.
///
/// # Errors
/// What SPI says.
pub(crate) fn workload(max_queries: i64) -> Result<Option<Vec<Entry>>, AdvisorError> {
    if !is_shadow()? {
        return Ok(None);
    }
    let limits = [settings::min_calls().into(), settings::min_mean_time().into()];
    let args = limits.into_iter().chain([max_queries.into()]).collect::<Vec<_>>();
    Spi::connect(|client| {
        let mut entries = Vec::new();
        for row in client.select(STATEMENTS, None, &args)? {
            let calls = row.get::<i64>(3)?.unwrap_or(1).max(1) as f64;
            entries.push(Entry {
                id: row.get::<i64>(1)?.unwrap_or(0),
                // Planning runs code, and who calls may be a superuser.
                role: row.get::<i64>(7)?.and_then(|role| u32::try_from(role).ok()),
                text: row.get::<String>(2)?.unwrap_or_default(),
                calls,
                total_ms: row.get(4)?,
                rows_per_call: row.get::<i64>(5)?.map(|rows| rows as f64 / calls),
                search_path: row.get(6)?,
            });
        }
        Ok(Some(entries))
    })
}

/// What is written to the tables that this database stands for: rows inserted, updated, of these in
/// place, and deleted, by oid. Nothing in a database that is no shadow.
///
/// # Errors
/// What SPI says.
pub(crate) fn activity() -> Result<BTreeMap<u32, [f64; 4]>, AdvisorError> {
    let mut all = BTreeMap::new();
    if !is_shadow()? {
        return Ok(all);
    }
    Spi::connect(|client| {
        for row in client.select(ACTIVITY, None, &[])? {
            let count = |at| row.get::<f64>(at).map(Option::unwrap_or_default);
            let oid = row.get::<i64>(1)?.and_then(|oid| u32::try_from(oid).ok());
            if let Some(oid) = oid {
                all.insert(oid, [count(2)?, count(3)?, count(4)?, count(5)?]);
            }
        }
        Ok(all)
    })
}
