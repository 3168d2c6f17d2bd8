//! Constants for parameters that stand inside expressions, as likely as can be told from the data.
//!
//! pg_stat_statements writes `payload->>'plan' = 'free'` as `payload->>$1 = $2`, and no index can be
//! built on an expression with a parameter in it. The report says what the statement was read as.

use std::collections::{BTreeMap, BTreeSet};

use advisor_core::ddl::quote_ident;
use advisor_core::shape::{Facts, Inside, Part};
use advisor_core::sqltext::with_constants;

use crate::catalog::ServerCatalog;
use crate::query;
use crate::sampling::{relation_name, tids};
use crate::sys;

const JSON_KEY: &str = include_str!("../../../sql/catalog/json_key.sql");

/// Documents looked at.
const SAMPLE_ROWS: f64 = 1000.0;
/// What times are mostly cut off to.
const TIME_UNIT: &str = "day";

/// What was found, by column.
#[derive(Debug, Default)]
pub(super) struct Insides {
    keys: BTreeMap<(u32, i16), Option<String>>,
}

impl Insides {
    /// The text with constants for all `inside`; `None` when there are none, or not for all.
    ///
    /// Columns are read as the role in force, which must be the caller, and only if it may.
    pub(super) fn fill(
        &mut self,
        text: &str,
        inside: &BTreeSet<Inside>,
        catalog: &ServerCatalog,
    ) -> Option<String> {
        if inside.is_empty() {
            return None;
        }
        let mut constants = BTreeMap::new();
        for Inside { number, part } in inside {
            let constant = match *part {
                Part::TimeUnit => Some(TIME_UNIT.to_owned()),
                Part::JsonKey { relation, column } => self
                    .keys
                    .entry((relation, column))
                    .or_insert_with(|| key(catalog, relation, column))
                    .clone(),
            };
            constants.insert(*number, constant?);
        }
        with_constants(text, &constants)
    }
}

fn key(catalog: &ServerCatalog, relation: u32, column: i16) -> Option<String> {
    let id = catalog.table(relation)?;
    let table = catalog.model.tables.get(id)?;
    if catalog.row_security(id) || !catalog.may_read(relation, column) {
        return None;
    }
    let leaf = table.leaves.iter().max_by(|a, b| a.rows.total_cmp(&b.rows))?;
    if leaf.rows < 1.0 || leaf.pages < 1.0 {
        return None;
    }
    let column = quote_ident(&table.column(column)?.name);
    let read = || {
        let query = JSON_KEY
            .lines()
            .filter(|line| !line.starts_with("--"))
            .collect::<Vec<_>>()
            .join("\n")
            .replace("{rows}", "where ctid = any ($1::pg_catalog.tid[])")
            .replace("{relation}", &relation_name(leaf.oid)?)
            .replace("{column}", &column);
        query::one::<String>(&query, &[tids(leaf, SAMPLE_ROWS).into()])
    };
    sys::subtransaction(true, read).ok()?.ok()?
}
