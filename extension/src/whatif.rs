//! What indexes that somebody else proposes do for the workload.

use std::time::Instant;

use advisor_core::model::{IndexDef, Table, TableId};
use advisor_core::search;
use pgrx::{JsonB, pg_sys};
use serde_json::{Map, Value, json};

use crate::advisor::{objective, report_skipped};
use crate::catalog::ServerCatalog;
use crate::error::AdvisorError;
use crate::indexes;
use crate::query;
use crate::report::Advice;
use crate::session::{Session, Waiting};
use crate::sys::{self, Arena};
use crate::trust;
use crate::workload;
use crate::writes::Writes;

const INDEX_DEFINITIONS: &str = include_str!("../../sql/catalog/indexdefs.sql");

/// Statements taken from pg_stat_statements: as many as the advisor takes when not told.
const MAX_QUERIES: i64 = 1000;

/// Keys of the advisor's report that tell of a search; there was none.
const OF_A_SEARCH: [&str; 6] =
    ["lower_bound", "rounds", "pareto_front", "muted", "statistics_advice", "statistics_age"];

/// The report on the workload (`None`: the recorded one) with exactly these indexes, given as
/// CREATE INDEX. Nothing of the session changes.
///
/// # Errors
/// See [`AdvisorError`].
pub(crate) fn evaluate(
    indexes: &[String],
    queries: Option<Vec<String>>,
) -> Result<Value, AdvisorError> {
    let started = Instant::now();
    sys::subtransaction(false, || run(indexes, queries, started))
        .map_err(AdvisorError::Statement)?
}

fn run(
    texts: &[String],
    queries: Option<Vec<String>>,
    started: Instant,
) -> Result<Value, AdvisorError> {
    let arena = Arena::new();
    let session = Session::open(&arena, Waiting::Briefly)?;
    let given = queries.is_some();
    let entries = match queries {
        Some(queries) => workload::given(queries),
        None => workload::recorded(MAX_QUERIES)?,
    };
    let (mut catalog, workload) = session.prepare(entries, None)?;
    if given {
        report_skipped(&workload)?;
    }
    let defs: Vec<IndexDef> =
        indexes::read(&session, texts, &mut catalog)?.into_iter().map(|index| index.def).collect();
    let prepared_after = started.elapsed();
    let mut planner = session.planner(&catalog, &workload.prepared, started, None)?;
    session.progress.begin("verifying", workload.prepared.len());
    let weights: Vec<f64> = workload.prepared.iter().map(|statement| statement.weight).collect();
    let reads: Vec<Vec<TableId>> = workload
        .prepared
        .iter()
        .map(|statement| statement.shape.uses.iter().map(|table_use| table_use.table).collect())
        .collect();
    // The planner raises the server's own error on a cancel, so this is never interrupted.
    let writes = Writes::read(&catalog, &workload, !given, false)?;
    let upkeep = &writes.model;
    let outcome = search::evaluate(&weights, &reads, &defs, objective(), upkeep, &mut planner)
        .map_err(|_| AdvisorError::Catalog("planning was interrupted".to_owned()))?;
    let trust = trust::examine(&outcome, &workload.prepared, &mut planner, None);
    let mut advice = Advice::new(&catalog, &workload, &outcome, &planner, &trust, &writes);
    advice.prepared_after = prepared_after;
    for (query, message) in std::mem::take(&mut planner.failures) {
        advice.note_failure(workload.prepared.get(query), &message);
    }
    drop(planner);
    advice.elapsed = started.elapsed();
    let mut report = advice.into_json();
    if let Value::Object(report) = &mut report {
        report.retain(|key, _| !OF_A_SEARCH.contains(&key.as_str()));
        report.insert("tables".to_owned(), tables(&catalog)?);
    }
    Ok(report)
}

/// The tables that the statements and the indexes are about, for whoever is to propose indexes.
fn tables(catalog: &ServerCatalog) -> Result<Value, AdvisorError> {
    let oids: Vec<pg_sys::Oid> =
        catalog.model.tables.iter().map(|table| pg_sys::Oid::from(table.oid)).collect();
    let definitions: Option<JsonB> = query::one(INDEX_DEFINITIONS, &[oids.into()])?;
    let definitions = match definitions {
        Some(JsonB(Value::Object(definitions))) => definitions,
        _ => Map::new(),
    };
    let indexes = |table: &Table| definitions.get(&table.oid.to_string()).cloned();
    Ok(catalog
        .model
        .tables
        .iter()
        .map(|table| {
            json!({
                "name": advisor_core::ddl::table_name(table),
                "rows": table.rows.round() as i64,
                "columns": columns(table),
                "indexes": indexes(table).unwrap_or_else(|| json!([])),
            })
        })
        .collect())
}

/// Columns with what is known of their values; that only of columns that the caller may read.
fn columns(table: &Table) -> Value {
    table
        .columns
        .iter()
        .map(|column| {
            let known = table.analyzed && sys::may_read_column(table.oid, column.number);
            json!({
                "name": column.name,
                "type": column.type_name,
                "n_distinct": known.then(|| column.n_distinct.round() as i64),
            })
        })
        .collect()
}
