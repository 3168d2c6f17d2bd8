//! The workload: which statements count, and how each is made ready for planning.

mod inside;
mod prepare;
mod read;
mod referencing;
mod single;
mod values;

use std::collections::{BTreeSet, HashMap};

use advisor_core::model::QueryShape;
use advisor_core::shape::ParamUse;
use pgrx::Spi;

use crate::error::AdvisorError;
use crate::settings;
use crate::shadow;
use crate::statements::RecordedStatements;
use crate::sys::{Binding, Statement, Written};
use crate::wishes::Wish;

pub(crate) use prepare::{Preparer, Workload};
pub(crate) use read::sqlstate;
pub(crate) use single::single;
pub(crate) use values::more_draws;

/// What can be done without pg_stat_statements.
const INSTEAD: &str = " Or give the statements: mcp_advise_indexes(ARRAY['SELECT ...']).";

const STATEMENTS: &str = include_str!("../../../sql/catalog/statements.sql");

/// One statement as it was given or recorded.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// `queryid` of pg_stat_statements, or the position in the list given, from 1.
    pub(crate) id: i64,
    /// The role that ran it; `None`: the caller.
    pub(crate) role: Option<u32>,
    /// Its text, normalized or not.
    pub(crate) text: String,
    /// Executions; for a given statement how often it is in the list.
    pub(crate) calls: f64,
    /// Total execution time in ms; `None` for a given statement.
    pub(crate) total_ms: Option<f64>,
    /// Rows returned per call, when known.
    pub(crate) rows_per_call: Option<f64>,
    /// The search path that it came with from another database.
    pub(crate) search_path: Option<String>,
}

/// A statement that takes part in the search.
pub(crate) struct Prepared<'a> {
    /// Where it comes from.
    pub(crate) entry: Entry,
    /// The role it is planned as.
    pub(crate) role: u32,
    /// The search path it is planned under.
    pub(crate) search_path: String,
    /// The analyzed trees.
    pub(crate) statement: Statement<'a>,
    /// Parameter draws, at least one.
    pub(crate) bindings: Vec<Binding<'a>>,
    /// What its parameters meet.
    pub(crate) params: Vec<ParamUse>,
    /// Whether the role may read the columns that the values come from. If not, they must not be
    /// shown: a view may let it use a column without letting it see one.
    pub(crate) may_show_values: bool,
    /// What it does with its tables.
    pub(crate) shape: QueryShape,
    /// Comparisons in it that an index could serve if an extension were there.
    pub(crate) wishes: BTreeSet<Wish>,
    /// The relations that it names, directly or through views.
    pub(crate) relations: BTreeSet<u32>,
    /// Weight in the objective: calls for given statements; for recorded ones such that weight × cost
    /// before is the recorded execution time in ms.
    pub(crate) weight: f64,
    /// The text that was analyzed, when it is not the recorded one.
    pub(crate) repaired: Option<String>,
    /// Planner cost with the indexes that exist.
    pub(crate) base_cost: f64,
    /// What else that plan says.
    pub(crate) base: Base,
}

/// What the plans of a statement's draws say, with the indexes that exist.
#[derive(Debug, Clone, Default)]
pub(crate) struct Base {
    /// The cost of each draw.
    pub(crate) costs: Vec<f64>,
    /// The indexes that any of them uses.
    pub(crate) indexes: BTreeSet<u32>,
    /// Rows written by one execution, the mean of the draws.
    pub(crate) written: Vec<Written>,
}

impl Prepared<'_> {
    /// How many parameters have a value in the first draw.
    pub(crate) fn bound_params(&self) -> usize {
        self.bindings.first().map_or(0, Binding::bound)
    }
}

/// A statement that does not.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Skipped {
    /// As [`Entry::id`].
    pub(crate) query_id: i64,
    /// The text.
    pub(crate) query: String,
    /// A short stable word for why.
    pub(crate) reason: &'static str,
    /// The server's message, or a sentence.
    pub(crate) message: String,
    /// SQLSTATE, when the server raised an error.
    pub(crate) sqlstate: Option<String>,
    #[serde(skip)]
    pub(crate) error: Option<crate::sys::ServerError>,
}

/// The statements of an explicit list. One that is there several times is one statement with so many
/// calls, under its first position: it is planned once.
pub(crate) fn given(queries: Vec<String>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for (id, text) in (1..).zip(queries) {
        if let Some(entry) = known.get(&text).and_then(|position| entries.get_mut(*position)) {
            entry.calls += 1.0;
            continue;
        }
        known.insert(text.clone(), entries.len());
        entries.push(Entry {
            id,
            role: None,
            text,
            calls: 1.0,
            total_ms: None,
            rows_per_call: None,
            search_path: None,
        });
    }
    entries
}

/// The dearest statements that pg_stat_statements recorded in this database, or in the one that it
/// stands for.
///
/// # Errors
/// As [`RecordedStatements::find`], with what to do.
pub(crate) fn recorded(max_queries: i64) -> Result<Vec<Entry>, AdvisorError> {
    if let Some(entries) = shadow::workload(max_queries)? {
        return Ok(entries);
    }
    let statements = RecordedStatements::find(INSTEAD)?;
    let schema = statements.schema;
    let args = [settings::min_calls().into(), settings::min_mean_time().into(), max_queries.into()];
    Spi::connect(|client| {
        let mut entries = Vec::new();
        for row in client.select(&STATEMENTS.replace("{schema}", &schema), None, &args)? {
            let role: Option<i64> = row.get(2)?;
            let calls = row.get::<i64>(4)?.unwrap_or(1).max(1) as f64;
            entries.push(Entry {
                id: row.get::<i64>(1)?.unwrap_or(0),
                role: role.and_then(|role| u32::try_from(role).ok()),
                text: row.get::<String>(3)?.unwrap_or_default(),
                calls,
                total_ms: Some(row.get::<f64>(5)?.unwrap_or(0.0)),
                rows_per_call: row.get::<i64>(6)?.map(|rows| rows as f64 / calls),
                search_path: None,
            });
        }
        Ok(entries)
    })
}
