//! What an extension that is not installed could do for the statements.

use std::collections::{BTreeMap, BTreeSet};

use advisor_core::ddl;
use advisor_core::search::Outcome;
use serde::Serialize;

use crate::catalog::ServerCatalog;
use crate::error::AdvisorError;
use crate::query;
use crate::workload::Prepared;

const AVAILABLE: &str = include_str!("../../sql/catalog/extension_available.sql");

/// Share of its cost that a statement must have lost by the advice to have no wish left.
const HELPED: f64 = 0.5;

/// A comparison that no index can serve for want of an extension.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wish {
    /// Position of the table in the catalog.
    pub(crate) table: usize,
    /// The column or expression, as SQL.
    pub(crate) sql: String,
    /// The extension whose operator classes would serve it.
    pub(crate) extension: &'static str,
}

/// An extension that would let an index be advised.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Extension {
    extension: &'static str,
    /// Whether the server has its files.
    available: bool,
    relation: String,
    column: String,
    query_ids: Vec<i64>,
    reason: String,
}

impl Extension {
    /// What it would do, in a sentence without a full stop.
    pub(crate) fn sentence(&self) -> &str {
        &self.reason
    }
}

/// The wishes of statements that the advice does little for, on tables of at least `min_pages`.
///
/// # Errors
/// What SPI says.
pub(crate) fn unfulfilled(
    catalog: &ServerCatalog,
    prepared: &[Prepared<'_>],
    outcome: &Outcome,
    min_pages: f64,
) -> Result<Vec<Extension>, AdvisorError> {
    let mut wanted: BTreeMap<&Wish, BTreeSet<i64>> = BTreeMap::new();
    for (at, statement) in prepared.iter().enumerate() {
        let after = outcome.last.get(at).copied().unwrap_or(statement.base_cost);
        if after <= statement.base_cost * HELPED {
            continue;
        }
        for wish in &statement.wishes {
            // Reading the whole table costs at least its pages: what is cheaper does not do that.
            if catalog.model.tables.get(wish.table).is_none_or(|table| after < table.pages) {
                continue;
            }
            wanted.entry(wish).or_default().insert(statement.entry.id);
        }
    }
    let mut found = Vec::new();
    for (wish, queries) in wanted {
        let Some(table) = catalog.model.tables.get(wish.table) else { continue };
        if table.pages < min_pages {
            continue;
        }
        let available: Option<bool> = query::one(AVAILABLE, &[wish.extension.into()])?;
        let relation = ddl::table_name(table);
        let reason = format!(
            "with the extension {} an index on {relation} could answer to LIKE, ILIKE and regular \
             expressions on {}",
            wish.extension, wish.sql
        );
        found.push(Extension {
            extension: wish.extension,
            available: available == Some(true),
            relation,
            column: wish.sql.clone(),
            query_ids: queries.into_iter().collect(),
            reason,
        });
    }
    Ok(found)
}
