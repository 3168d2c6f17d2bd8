//! Indexes that the caller names: those to try, given as CREATE INDEX, and those to leave out.

use std::collections::BTreeSet;

use advisor_core::model::IndexDef;
use advisor_core::shape::Facts;
use pgrx::{JsonB, PgSqlErrorCode, pg_sys};
use serde::Deserialize;

use crate::catalog::ServerCatalog;
use crate::error::AdvisorError;
use crate::planner::{Identity, OWN_PATH};
use crate::query;
use crate::session::Session;
use crate::sys::{self, IndexText, ServerError};

const HIDDEN: &str = include_str!("../../sql/catalog/hidden.sql");

/// What marks the name of an index that was given none.
const MARK: &str = "<hypothetical>";

/// An index to try.
#[derive(Debug, Clone)]
pub(crate) struct Hypothetical {
    /// What it is.
    pub(crate) def: IndexDef,
    /// What EXPLAIN calls it.
    pub(crate) name: String,
}

/// Reads CREATE INDEX statements as the caller, under his search path. The tables are added to the
/// catalog.
///
/// # Errors
/// [`AdvisorError::InText`] for the first that the server does not take, or that cannot be tried.
pub(crate) fn read(
    session: &Session<'_>,
    texts: &[String],
    catalog: &mut ServerCatalog,
) -> Result<Vec<Hypothetical>, AdvisorError> {
    let scope = &session.scope;
    let mut identity = Identity::default();
    let mut indexes: Vec<Hypothetical> = Vec::with_capacity(texts.len());
    for text in texts {
        identity.adopt(scope, scope.caller(), &session.caller_path);
        let failed = |error| AdvisorError::InText { error, text: text.clone() };
        let own_path = || identity.adopt(scope, scope.caller(), OWN_PATH);
        let index = sys::read_index(text, own_path).map_err(failed)?;
        catalog.ensure(std::iter::once(index.table))?;
        let Some(table) = catalog.table(index.table) else {
            let message = format!("table \"{}\" cannot have an index", index.table_name);
            let code = PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED;
            return Err(failed(ServerError::new(code, message)));
        };
        let name = free_name(&index, &indexes);
        let def = catalog.definition(table, index).map_err(failed)?;
        indexes.push(Hypothetical { def, name });
    }
    catalog.settle();
    Ok(indexes)
}

/// The name given, or one made as the server makes it, with a mark; with a number when it is taken.
fn free_name(index: &IndexText, others: &[Hypothetical]) -> String {
    let name = index.name.clone().unwrap_or_else(|| {
        format!("{MARK}{}_{}_idx", index.table_name, index.column_names.join("_"))
    });
    let taken = |name: &str| others.iter().any(|other| other.name == name);
    if !taken(&name) {
        return name;
    }
    let numbered = |number: usize| format!("{name}{number}");
    (1..).map(numbered).find(|name| !taken(name)).unwrap_or(name)
}

#[derive(Deserialize)]
struct HiddenRow {
    oid: u32,
    name: Option<String>,
    is_index: bool,
    members: Vec<u32>,
    bare_names: Vec<String>,
}

/// The indexes to leave out, with those of partitions for the index of a partitioned table.
#[derive(Debug, Default)]
pub(crate) struct Hidden {
    /// All oids.
    pub(crate) oids: BTreeSet<u32>,
    /// The names of those given.
    pub(crate) names: Vec<String>,
    /// The names of all, without schemas, as a plan has them.
    pub(crate) bare_names: Vec<String>,
}

/// Looks indexes up.
///
/// # Errors
/// [`AdvisorError::NoSuchIndex`], [`AdvisorError::NotAnIndex`], and what SPI says.
pub(crate) fn hidden(given: &[u32]) -> Result<Hidden, AdvisorError> {
    let mut hidden = Hidden::default();
    if given.is_empty() {
        return Ok(hidden);
    }
    // What `-` means as a regclass. pgrx would make it NULL.
    if given.contains(&0) {
        return Err(AdvisorError::NoSuchIndex(0));
    }
    let oids: Vec<pg_sys::Oid> = given.iter().copied().map(pg_sys::Oid::from).collect();
    let json: Option<JsonB> = query::one(HIDDEN, &[oids.into()])?;
    let rows: Vec<HiddenRow> = json
        .map(|JsonB(value)| serde_json::from_value(value))
        .transpose()
        .map_err(|error| AdvisorError::Catalog(error.to_string()))?
        .unwrap_or_default();
    for row in rows {
        let Some(name) = row.name else { return Err(AdvisorError::NoSuchIndex(row.oid)) };
        if !row.is_index {
            return Err(AdvisorError::NotAnIndex { name });
        }
        hidden.oids.insert(row.oid);
        hidden.oids.extend(row.members);
        hidden.names.push(name);
        hidden.bare_names.extend(row.bare_names);
    }
    Ok(hidden)
}
