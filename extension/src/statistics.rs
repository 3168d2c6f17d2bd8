//! Where a wrong estimate is the trouble and no index: ANALYZE and extended statistics.
//!
//! For each group of columns that a statement compares for equality, values are taken from a sample
//! of rows; the planner says how many rows it expects of them, the sample how many there are. What
//! the workload's plans would be with the right number is asked of the planner too, which is handed
//! statistics that come to it ([`crate::sys::Perturbation`]).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use advisor_core::correlated::{self, Rows};
use advisor_core::ddl::{quote_ident, table_name};
use advisor_core::index_set::IndexSet;
use advisor_core::model::{Table, TableId};
use advisor_core::pool::Pool;
use advisor_core::size::distinct_from_sample;
use pgrx::Spi;
use serde::Serialize;
use serde_json::{Value, json};

use crate::advisor::report_skipped;
use crate::catalog::ServerCatalog;
use crate::error::AdvisorError;
use crate::planner::ServerPlanner;
use crate::sampling::{relation_name, tids};
use crate::session::{Session, Waiting};
use crate::sys::{self, Arena, Hypotheticals, Perturbation, Text};
use crate::workload::{self, Prepared};

/// Rows of a sample, and those of them whose values the planner is asked about.
const SAMPLE_ROWS: f64 = 5_000.0;
const ASKED: usize = 24;
/// Smaller tables are read whole whatever is expected of them.
const LEAST_ROWS: f64 = 1_000.0;
/// Columns of a group, and groups that are looked at, those first that the most time is spent on.
const MOST_COLUMNS: usize = 4;
const MOST_GROUPS: usize = 40;
/// Statements taken from pg_stat_statements: as many as the advisor takes when not told.
const MAX_QUERIES: i64 = 1000;

const LAST_ANALYZE: &str = include_str!("../../sql/catalog/last_analyze.sql");

/// When the statistics of the workload's tables were collected, and how many rows have changed since.
///
/// # Errors
/// What SPI says.
pub(crate) fn ages(catalog: &ServerCatalog) -> Result<Value, AdvisorError> {
    let tables = &catalog.model.tables;
    let oids: Vec<i64> = tables.iter().map(|table| i64::from(table.oid)).collect();
    Spi::connect(|client| {
        let mut ages = Vec::new();
        for row in client.select(LAST_ANALYZE, None, &[oids.into()])? {
            let oid = row.get::<i64>(1)?;
            let table = tables.iter().find(|table| Some(i64::from(table.oid)) == oid);
            ages.push(json!({
                "relation": table.map(table_name),
                "analyzed": row.get::<String>(2)?,
                "rows_changed": row.get::<i64>(3)?,
            }));
        }
        Ok(Value::Array(ages))
    })
}

/// One piece of advice.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Advice {
    #[serde(skip)]
    pub(crate) relation: u32,
    #[serde(rename = "relation")]
    pub(crate) relation_name: String,
    pub(crate) ddl: String,
    /// `analyze`, or the kinds of extended statistics.
    pub(crate) kind: String,
    /// Rows, or groups for `ndistinct`.
    pub(crate) estimated_rows: Option<f64>,
    pub(crate) sampled_rows: Option<f64>,
    pub(crate) ratio: Option<f64>,
    pub(crate) queries: Vec<i64>,
    /// Whether a statement gets another plan with the right estimate; `None`: not tried.
    pub(crate) plan_changes: Option<bool>,
    pub(crate) reason: String,
}

/// What is asked of a group of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    /// How many rows have the same values as a given one.
    Equal,
    /// How many different combinations there are.
    Grouped,
}

/// Columns of a table that statements use together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    table: TableId,
    asked: Asked,
    columns: Vec<i16>,
}

/// Advice on the statistics of the tables that the statements (`None`: the recorded ones) read.
///
/// # Errors
/// See [`AdvisorError`].
pub(crate) fn advise(
    queries: Option<Vec<String>>,
    started: Instant,
    deadline: Instant,
) -> Result<Vec<Advice>, AdvisorError> {
    sys::subtransaction(false, || {
        let arena = Arena::new();
        let session = Session::open(&arena, Waiting::Briefly)?;
        let given = queries.is_some();
        let entries = match queries {
            Some(queries) => workload::given(queries),
            None => workload::recorded(MAX_QUERIES)?,
        };
        let (catalog, workload) = session.prepare(entries, Some(deadline))?;
        if given {
            report_skipped(&workload)?;
        }
        let mut planner = session.planner(&catalog, &workload.prepared, started, Some(deadline))?;
        Ok(find(&catalog, &workload.prepared, &mut planner, Some(deadline)))
    })
    .map_err(AdvisorError::Statement)?
}

/// Advice on the statistics that the statements' estimates rest on; what is found by `deadline`.
pub(crate) fn find(
    catalog: &ServerCatalog,
    prepared: &[Prepared<'_>],
    planner: &mut ServerPlanner<'_>,
    deadline: Option<Instant>,
) -> Vec<Advice> {
    let mut advice = never_analyzed(catalog, prepared);
    let mut stale = BTreeSet::new();
    for (group, users) in groups(catalog, prepared) {
        sys::check_interrupts();
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            break;
        }
        let Some(table) = catalog.model.tables.get(group.table) else { continue };
        planner.adopt_caller();
        let Some(sample) = sample(table, &group.columns) else { continue };
        let found = Judge { table, group: &group, sample: &sample }.judge();
        let Some(mut found) = found.filter(|one| one.kind != "analyze" || stale.insert(table.oid))
        else {
            continue;
        };
        found.queries = ids(prepared, &users);
        found.plan_changes = plan_changes(&found, table, &group, &users, prepared, planner);
        advice.push(found);
    }
    planner.adopt_caller();
    advice
}

fn ids(prepared: &[Prepared<'_>], users: &[usize]) -> Vec<i64> {
    users.iter().filter_map(|&at| prepared.get(at)).map(|one| one.entry.id).collect()
}

/// Tables that ANALYZE has never seen: everything about them is a guess.
fn never_analyzed(catalog: &ServerCatalog, prepared: &[Prepared<'_>]) -> Vec<Advice> {
    let tables = catalog.model.tables.iter().enumerate();
    tables
        .filter(|(_, table)| !table.analyzed && table.pages >= 1.0)
        .map(|(id, table)| {
            let reads = |at: &usize| {
                let uses = prepared.get(*at).map(|one| one.shape.uses.as_slice());
                uses.unwrap_or_default().iter().any(|table_use| table_use.table == id)
            };
            let users: Vec<usize> = (0..prepared.len()).filter(reads).collect();
            Advice {
                relation: table.oid,
                relation_name: table_name(table),
                ddl: format!("ANALYZE {}", table_name(table)),
                kind: "analyze".to_owned(),
                estimated_rows: None,
                sampled_rows: None,
                ratio: None,
                queries: ids(prepared, &users),
                plan_changes: None,
                reason: "There are no statistics of the table: all estimates are guesses."
                    .to_owned(),
            }
        })
        .filter(|advice| !advice.queries.is_empty())
        .collect()
}

/// The groups of columns with the statements that use them, those first that cost most.
fn groups(catalog: &ServerCatalog, prepared: &[Prepared<'_>]) -> Vec<(Group, Vec<usize>)> {
    let mut groups: BTreeMap<Group, Vec<usize>> = BTreeMap::new();
    for (at, statement) in prepared.iter().enumerate() {
        for table_use in &statement.shape.uses {
            let table = table_use.table;
            let grouped = table_use.orders.iter().filter(|order| !order.fixed).map(|order| {
                (Asked::Grouped, order.keys.iter().map(|key| key.column).collect::<Vec<_>>())
            });
            let equal = (Asked::Equal, table_use.equal.clone());
            for (asked, mut columns) in grouped.chain([equal]) {
                columns.sort_unstable();
                columns.dedup();
                let least = if asked == Asked::Equal { 1 } else { 2 };
                if !(least..=MOST_COLUMNS).contains(&columns.len()) || !is_usable(catalog, table) {
                    continue;
                }
                let users = groups.entry(Group { table, asked, columns }).or_default();
                if !users.contains(&at) {
                    users.push(at);
                }
            }
        }
    }
    let spent = |users: &[usize]| -> f64 {
        let of = |at: &usize| prepared.get(*at).map_or(0.0, |one| one.weight * one.base_cost);
        users.iter().map(of).sum()
    };
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by(|a, b| spent(&b.1).total_cmp(&spent(&a.1)).then_with(|| a.0.cmp(&b.0)));
    groups.truncate(MOST_GROUPS);
    groups
}

/// Whether the table has statistics and rows enough. Those of partitioned tables are not sampled:
/// their partitions have statistics of their own.
fn is_usable(catalog: &ServerCatalog, table: TableId) -> bool {
    catalog.model.tables.get(table).is_some_and(|table| {
        table.analyzed && !table.partitioned && table.leaves.len() == 1 && table.rows >= LEAST_ROWS
    })
}

/// Reads a sample as the caller, by the types' output functions; rows with a NULL are left out.
fn sample(table: &Table, columns: &[i16]) -> Option<Rows> {
    let leaf = table.leaves.first().filter(|leaf| leaf.rows >= 1.0 && leaf.pages >= 1.0)?;
    let names: Option<Vec<String>> =
        columns.iter().map(|&number| Some(quote_ident(&table.column(number)?.name))).collect();
    let names = names?;
    let texts: Vec<String> =
        names.iter().map(|name| format!("pg_catalog.format('%s', {name})")).collect();
    let present: Vec<String> = names.iter().map(|name| format!("{name} is not null")).collect();
    let read = || -> Result<Vec<Vec<String>>, pgrx::spi::SpiError> {
        let sql = format!(
            "select array[{}], {} from only {} where ctid = any ($1::pg_catalog.tid[])",
            texts.join(", "),
            present.join(" and "),
            relation_name(leaf.oid)?,
        );
        Spi::connect(|client| {
            let mut rows = Vec::new();
            for row in client.select(&sql, None, &[tids(leaf, SAMPLE_ROWS).into()])? {
                if row.get::<bool>(2)? == Some(true) {
                    let values = row.get::<Vec<Option<Text>>>(1)?.map(sys::owned_texts);
                    rows.extend(values.map(|values| values.into_iter().flatten().collect()));
                }
            }
            Ok(rows)
        })
    };
    let rows = sys::subtransaction(true, read).ok()?.ok()?;
    (rows.len() >= ASKED).then_some(Rows { rows, of: table.rows })
}

/// Estimate against sample for one group.
struct Judge<'a> {
    table: &'a Table,
    group: &'a Group,
    sample: &'a Rows,
}

impl Judge<'_> {
    fn judge(&self) -> Option<Advice> {
        let all: Vec<usize> = (0..self.group.columns.len()).collect();
        if self.group.asked == Asked::Grouped {
            return self.grouped(&all);
        }
        // Where a single column is off, statistics of several mend nothing.
        for &column in &all {
            let (estimated, sampled) = self.equal(&[column])?;
            if correlated::is_wrong(estimated, sampled) {
                return Some(self.analyze(column, estimated, sampled));
            }
        }
        if all.len() < 2 {
            return None;
        }
        let (estimated, sampled) = self.equal(&all)?;
        correlated::is_wrong(estimated, sampled).then(|| {
            let kinds = correlated::kinds(self.sample, &all).join(", ");
            self.extended(&kinds, estimated, sampled, "rows have the same values of")
        })
    }

    /// Expected and sampled rows that have the same values as a row of the table.
    fn equal(&self, columns: &[usize]) -> Option<(f64, f64)> {
        let alike = self.sample.alike(columns);
        let step = (alike.len() / ASKED).max(1);
        let (mut estimated, mut sampled, mut asked) = (0.0, 0.0, 0.0);
        for (row, alike) in self.sample.rows.iter().zip(&alike).step_by(step).take(ASKED) {
            let clauses: Option<Vec<String>> = columns
                .iter()
                .map(|&at| Some(format!("{} = {}", self.name(at)?, literal(row.get(at)?))))
                .collect();
            estimated += self.rows_of(&format!("where {}", clauses?.join(" and ")))?;
            sampled += alike;
            asked += 1.0;
        }
        (asked > 0.0).then_some((estimated / asked, sampled / asked))
    }

    fn grouped(&self, all: &[usize]) -> Option<Advice> {
        let names: Option<Vec<String>> = all.iter().map(|&at| self.name(at)).collect();
        let estimated = self.rows_of(&format!("group by {}", names?.join(", ")))?;
        let hashes: Vec<u64> = self.sample.rows.iter().map(|row| fnv1a(row)).collect();
        let sampled = distinct_from_sample(hashes.len(), self.sample.of, &hashes);
        correlated::is_wrong(estimated, sampled).then(|| {
            self.extended("ndistinct", estimated, sampled, "different combinations there are of")
        })
    }

    fn name(&self, at: usize) -> Option<String> {
        let column = self.table.column(*self.group.columns.get(at)?)?;
        Some(quote_ident(&column.name))
    }

    /// The rows that the planner expects; `None` where the statement cannot be planned.
    fn rows_of(&self, rest: &str) -> Option<f64> {
        let text = format!("select 1 from only {} {rest}", table_name(self.table));
        let planned = sys::subtransaction(true, || {
            let (arena, scratch) = (Arena::new(), Arena::new());
            let statement = sys::analyze(&arena, &text, &[])?;
            let binding = sys::bind(&arena, &[], &[]);
            let (none, empty) = (Hypotheticals::new(), IndexSet::new());
            Ok(sys::plan(&scratch, &statement, &binding, &none, &empty, &BTreeSet::new()).rows)
        });
        planned.and_then(|rows| rows).ok()
    }

    fn analyze(&self, column: usize, estimated: f64, sampled: f64) -> Advice {
        let name = self.name(column).unwrap_or_default();
        let ratio = correlated::ratio(estimated, sampled);
        Advice {
            kind: "analyze".to_owned(),
            ddl: format!("ANALYZE {}", table_name(self.table)),
            reason: format!(
                "Rows with the same value of {name}: {} expected, {} in a sample. The statistics \
                 are out of date or too coarse.",
                rounded(estimated),
                rounded(sampled),
            ),
            ..self.advice(estimated, sampled, ratio)
        }
    }

    fn extended(&self, kinds: &str, estimated: f64, sampled: f64, what: &str) -> Advice {
        let plain = |&number: &i16| self.table.column(number).map(|column| column.name.clone());
        let plain: Vec<String> = self.group.columns.iter().filter_map(plain).collect();
        let columns: Vec<String> = plain.iter().map(|name| quote_ident(name)).collect();
        // Version 15 wants a name; it is cut like any other name that is too long.
        let name = quote_ident(&format!("{}_{}_stat", self.table.name, plain.join("_")));
        let table = table_name(self.table);
        let schema = quote_ident(&self.table.schema);
        let ratio = correlated::ratio(estimated, sampled);
        Advice {
            kind: kinds.to_owned(),
            ddl: format!(
                "CREATE STATISTICS {schema}.{name} ({kinds}) ON {} FROM {table}; ANALYZE {table}",
                columns.join(", ")
            ),
            reason: format!(
                "The planner expects {} and a sample has {} of what {what} {}: the columns depend \
                 on each other.",
                rounded(estimated),
                rounded(sampled),
                columns.join(" and "),
            ),
            ..self.advice(estimated, sampled, ratio)
        }
    }

    fn advice(&self, estimated: f64, sampled: f64, ratio: f64) -> Advice {
        Advice {
            relation: self.table.oid,
            relation_name: table_name(self.table),
            ddl: String::new(),
            kind: String::new(),
            estimated_rows: Some(estimated.round()),
            sampled_rows: Some(sampled.round()),
            ratio: Some((ratio * 1e3).round() / 1e3),
            queries: Vec::new(),
            plan_changes: None,
            reason: String::new(),
        }
    }
}

/// Whether any of the statements gets another plan when the planner knows better: the selectivity of
/// the group's last column is multiplied by what was wrong about all of them.
fn plan_changes(
    found: &Advice,
    table: &Table,
    group: &Group,
    users: &[usize],
    prepared: &[Prepared<'_>],
    planner: &mut ServerPlanner<'_>,
) -> Option<bool> {
    let ratio = found.ratio?;
    // More rows of a value are fewer values.
    let factor = if group.asked == Asked::Grouped { 1.0 / ratio } else { ratio };
    let column = *group.columns.last()?;
    let columns = [((table.oid, column), factor)].into();
    let (plain, corrected) =
        (Perturbation::default(), Perturbation { columns, ..Perturbation::default() });
    let (pool, none) = (Pool::default(), IndexSet::new());
    let mut tried = None;
    for &query in users {
        let Some(binding) = prepared.get(query).and_then(|one| one.bindings.first()) else {
            continue;
        };
        let mut shape = |assumed| {
            planner.plan_if(&pool, query, binding, &none, assumed).map(|planned| planned.shape)
        };
        if let (Some(before), Some(after)) = (shape(&plain), shape(&corrected)) {
            if before != after {
                return Some(true);
            }
            tried = Some(false);
        }
    }
    tried
}

/// A literal of no type yet: it becomes that of the operator, and never a domain, whose checks may
/// be functions of anybody.
fn literal(text: &str) -> String {
    let quoted = text.replace('\\', "\\\\").replace('\'', "''");
    if text.contains('\\') { format!("E'{quoted}'") } else { format!("'{quoted}'") }
}

fn rounded(rows: f64) -> String {
    format!("{:.0}", rows)
}

fn fnv1a(row: &[String]) -> u64 {
    let bytes = row.iter().flat_map(|value| value.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
