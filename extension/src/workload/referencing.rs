//! What foreign keys look up when rows are deleted.
//!
//! PostgreSQL indexes the referenced side of a foreign key, not the referencing one. Each deleted row
//! is looked up there by a trigger, whose statement neither the plan of the DELETE nor, unless
//! `pg_stat_statements.track` is `all`, the recorded workload shows. It is put beside the DELETE here.

use std::collections::BTreeMap;

use pgrx::pg_sys;

use super::{Entry, Prepared};
use crate::error::AdvisorError;
use crate::query;

const REFERENCING: &str = include_str!("../../../sql/catalog/referencing.sql");

/// Rows that a DELETE is taken to delete when nothing is known.
const ROWS: f64 = 1.0;

/// A look-up that is to take part, and its weight.
pub(super) struct LookUp {
    pub(super) entry: Entry,
    pub(super) weight: f64,
}

/// The look-ups of the DELETE statements; `tables` gives the oid of a table of the catalog. A look-up
/// weighs as much for each deleted row as the workload's statements weigh for each call.
///
/// # Errors
/// What SPI says.
pub(super) fn look_ups(
    prepared: &[Prepared<'_>],
    tables: impl Fn(usize) -> Option<u32>,
) -> Result<Vec<LookUp>, AdvisorError> {
    let mut deleting: BTreeMap<u32, (i64, f64)> = BTreeMap::new();
    for statement in prepared {
        for oid in statement.shape.deleted.iter().filter_map(|&table| tables(table)) {
            let rows = statement.entry.rows_per_call.unwrap_or(ROWS);
            let deleted = statement.entry.calls * rows;
            let (_, total) = deleting.entry(oid).or_insert((statement.entry.id, 0.0));
            *total += deleted;
        }
    }
    if deleting.is_empty() {
        return Ok(Vec::new());
    }
    let oids: Vec<pg_sys::Oid> = deleting.keys().map(|&oid| oid.into()).collect();
    let per_call = weight_of_a_call(prepared);
    let look_up = |(table, text): (Option<i64>, Option<String>)| {
        let &(id, deleted) = deleting.get(&u32::try_from(table?).ok()?)?;
        (deleted > 0.0).then_some(())?;
        let entry = Entry {
            id,
            role: None,
            text: text?,
            calls: deleted,
            total_ms: None,
            rows_per_call: None,
            search_path: None,
        };
        Some(LookUp { entry, weight: deleted * per_call })
    };
    Ok(query::pairs(REFERENCING, &[oids.into()])?.into_iter().filter_map(look_up).collect())
}

/// What a planner unit of one call weighs: the median, for a DELETE's own recorded time may be the
/// triggers'.
fn weight_of_a_call(prepared: &[Prepared<'_>]) -> f64 {
    let mut weights: Vec<f64> = prepared
        .iter()
        .map(|statement| statement.weight / statement.entry.calls.max(1.0))
        .collect();
    weights.sort_by(f64::total_cmp);
    weights.get(weights.len() / 2).copied().unwrap_or(1.0)
}
