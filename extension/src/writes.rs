//! How the workload's tables are written, from the server's counters and the workload's statements.
//!
//! Costs of statements are summed over a period: that for which pg_stat_statements has counted them,
//! or one second for a list of statements, each of which is taken to be run once. The counters of
//! writes have an age of their own, so they are brought to the same period. Where the workload's own
//! statements write more than that, these count: they are in the right period anyway.

use std::collections::{BTreeMap, BTreeSet};

use advisor_core::findings;
use advisor_core::model::{IndexDef, Table, TableId};
use advisor_core::pool::IndexSize;
use advisor_core::search::Existing;
use advisor_core::shape::Facts;
use advisor_core::writes::{Activity, Entries, Fixed, Kind, Model, Settings, Written};
use pgrx::{JsonB, pg_sys};
use serde::Deserialize;

use crate::catalog::ServerCatalog;
use crate::error::AdvisorError;
use crate::planner::Movable;
use crate::proof;
use crate::query;
use crate::settings;
use crate::statements::RecordedStatements;
use crate::sys::Change;
use crate::workload::{Prepared, Workload};

const WRITES: &str = include_str!("../../sql/catalog/writes.sql");

/// For how long pg_stat_statements has counted.
const COUNTED: &str = "select extract(epoch from pg_catalog.clock_timestamp() - i.stats_reset)\
    ::double precision from {schema}.pg_stat_statements_info as i";

/// Bytes of a page.
const PAGE: f64 = 8192.0;
/// Fewer accesses to a table's indexes say nothing of how many find their page in memory.
const MIN_FETCHED: f64 = 1000.0;
/// Steps in which the share of misses is told apart: it changes with everything that is read, and
/// the same question is to have the same answer.
const MISS_STEPS: f64 = 32.0;
/// A statement that ran fewer times than this is no rate: it is a load, or a repair.
const MIN_CALLS: f64 = 2.0;

#[derive(Deserialize)]
struct Row {
    age: Option<f64>,
    random_page_cost: f64,
    seq_page_cost: f64,
    cpu_operator_cost: f64,
    cpu_index_tuple_cost: f64,
    full_page_writes: bool,
    vacuum_threshold: f64,
    vacuum_share: f64,
    checkpoint_seconds: f64,
    cache: f64,
    tables: Vec<TableRow>,
}

#[derive(Deserialize)]
struct TableRow {
    oid: u32,
    inserted: f64,
    updated: f64,
    hot_updated: f64,
    deleted: f64,
    unlogged: bool,
    related: bool,
    indexes: Vec<IndexRow>,
}

#[derive(Deserialize)]
struct IndexRow {
    oid: u32,
    method: String,
    rows: f64,
    pages: f64,
    bytes: f64,
    fetched: f64,
    hit: f64,
    attached: bool,
    columns: Vec<i16>,
}

/// What is known of writing, and which existing indexes may be dropped.
pub(crate) struct Writes<'c> {
    /// What an index costs to keep up to date.
    pub(crate) model: Model<'c>,
    /// The indexes that may go when an advised one takes their place.
    pub(crate) existing: Vec<Existing>,
    /// The same for the planner.
    pub(crate) movable: Vec<Movable>,
    /// Whether existing indexes were up for decision.
    pub(crate) searched: bool,
    /// Seconds that the workload's costs are summed over.
    pub(crate) seconds: f64,
    /// Seconds for which writes have been counted.
    pub(crate) counted: f64,
}

impl Writes<'_> {
    /// Leaves those existing indexes alone on whose tables nothing is considered.
    pub(crate) fn consider_only(&mut self, candidates: &[Vec<IndexDef>]) {
        let tables: BTreeSet<TableId> = candidates.iter().flatten().map(|def| def.table).collect();
        let wanted: Vec<bool> =
            self.existing.iter().map(|index| tables.contains(&index.def.table)).collect();
        let mut each = wanted.iter().copied();
        self.existing.retain(|_| each.next() == Some(true));
        let mut each = wanted.iter().copied();
        self.movable.retain(|_| each.next() == Some(true));
    }
}

impl<'c> Writes<'c> {
    /// Reads the counters. `recorded`: the workload is that of pg_stat_statements. Without `movable`
    /// every existing index stays.
    ///
    /// # Errors
    /// What SPI says.
    pub(crate) fn read(
        catalog: &'c ServerCatalog,
        workload: &Workload<'_>,
        recorded: bool,
        movable: bool,
    ) -> Result<Self, AdvisorError> {
        let oids: Vec<pg_sys::Oid> =
            catalog.model.tables.iter().map(|table| table.oid.into()).collect();
        let json: Option<JsonB> = query::one(WRITES, &[oids.into()])?;
        let Some(JsonB(json)) = json else {
            return Err(AdvisorError::Catalog("no answer on writes".to_owned()));
        };
        let row: Row = serde_json::from_value(json)
            .map_err(|error| AdvisorError::Catalog(error.to_string()))?;
        // What came from another database was counted there, both for a time that is not known.
        let elsewhere = settings::shadow().then(settings::write_window);
        let counted = elsewhere.unwrap_or_else(|| two_digits(row.age.unwrap_or_default()));
        let seconds = match (recorded, elsewhere) {
            (false, _) => 1.0,
            (true, Some(same)) => same,
            (true, None) => recorded_for()?.unwrap_or(counted),
        };
        let seconds = two_digits(seconds).max(1.0);
        let by_oid: BTreeMap<u32, &TableRow> =
            row.tables.iter().map(|table| (table.oid, table)).collect();
        let searched = movable;
        let (existing, movable) = match movable {
            true => movables(catalog, workload, recorded, &by_oid)?,
            false => (Vec::new(), Vec::new()),
        };
        let moving: BTreeSet<u32> =
            movable.iter().flat_map(|index| index.oids.iter().copied()).collect();
        let share = factor(seconds, counted, settings::write_window());
        let uncached = uncached(catalog, &row);
        let activity = catalog.model.tables.iter().map(|table| {
            let counts = by_oid.get(&table.oid)?;
            Some(activity(table, counts, share, uncached, &moving))
        });
        let mut activity: Vec<Activity> = activity.map(Option::unwrap_or_default).collect();
        add_statements(catalog, &workload.prepared, recorded, &mut activity);
        let model = Model {
            catalog: &catalog.model,
            activity,
            settings: Settings {
                random_page_cost: row.random_page_cost,
                seq_page_cost: row.seq_page_cost,
                cpu_operator_cost: row.cpu_operator_cost,
                cpu_index_tuple_cost: row.cpu_index_tuple_cost,
                logged: true,
                full_page_writes: row.full_page_writes,
                vacuum_threshold: row.vacuum_threshold,
                vacuum_share: row.vacuum_share,
            },
            scale: scale(&workload.prepared) * settings::write_weight(),
            checkpoints: seconds / row.checkpoint_seconds.max(1.0),
        };
        Ok(Self { model, existing, movable, searched, seconds, counted })
    }

    /// The existing indexes for a search in which only the statements `chosen` take part, each known
    /// by its position among them.
    pub(crate) fn existing_among(&self, chosen: &[usize]) -> Vec<Existing> {
        let among = |index: &Existing| -> Vec<usize> {
            let positions = chosen.iter().enumerate();
            let reads = |at: &usize| index.queries.binary_search(at).is_ok();
            positions.filter(|(_, at)| reads(at)).map(|(query, _)| query).collect()
        };
        let each = self.existing.iter();
        each.map(|index| Existing { queries: among(index), ..index.clone() }).collect()
    }
}

/// A time rounded to two digits: it passes between two calls, which are to have the same answer.
fn two_digits(seconds: f64) -> f64 {
    if seconds < 1.0 {
        return seconds.max(0.0);
    }
    let unit = 10_f64.powf(seconds.log10().floor() - 1.0);
    (seconds / unit).round() * unit
}

/// Seconds for which statements have been counted.
fn recorded_for() -> Result<Option<f64>, AdvisorError> {
    let schema = RecordedStatements::find("")?.schema;
    Ok(query::one(&COUNTED.replace("{schema}", &schema), &[])?)
}

/// What to multiply counters of this age with to have them for the period. Young ones are no rate:
/// they may count nothing but a load. They are spread over `window`, and never count more than once.
fn factor(seconds: f64, age: f64, window: f64) -> f64 {
    if age >= window { seconds / age.max(1.0) } else { (seconds / window).min(1.0) }
}

/// Share of pages that are not in memory, where that is not counted.
fn uncached(catalog: &ServerCatalog, row: &Row) -> f64 {
    let heap: f64 = catalog.model.tables.iter().map(|table| table.pages).sum();
    let indexes = row.tables.iter().flat_map(|table| &table.indexes);
    let pages = heap + indexes.map(|index| index.bytes / PAGE).sum::<f64>();
    if pages > row.cache { 1.0 - row.cache / pages } else { 0.0 }
}

fn activity(
    table: &Table,
    counts: &TableRow,
    share: f64,
    uncached: f64,
    moving: &BTreeSet<u32>,
) -> Activity {
    let sum = |of: fn(&IndexRow) -> f64| counts.indexes.iter().map(of).sum::<f64>();
    let (fetched, hit) = (sum(|index| index.fetched), sum(|index| index.hit));
    let fixed = counts.indexes.iter().filter(|index| !moving.contains(&index.oid));
    Activity {
        inserted: counts.inserted * share,
        updated: counts.updated * share,
        hot_updated: counts.hot_updated * share,
        deleted: counts.deleted * share,
        sets: Vec::new(),
        unlogged: counts.unlogged,
        misses: if fetched >= MIN_FETCHED {
            ((1.0 - hit / fetched) * MISS_STEPS).round() / MISS_STEPS
        } else {
            uncached
        },
        fixed: fixed
            .map(|index| Fixed { entries: entries(table, index), columns: index.columns.clone() })
            .collect(),
    }
}

/// The entries of an index that exists, by its size.
fn entries(table: &Table, index: &IndexRow) -> Entries {
    let leading = table.indexes.iter().find(|known| known.oid == index.oid);
    let column = leading.and_then(|known| table.column((*known.keys.first()?)?.column));
    Entries {
        kind: Kind::named(&index.method),
        bytes: index.bytes / index.rows.max(1.0),
        pages: (index.bytes / PAGE).max(index.pages),
        height: -1,
        scattered: column.map_or(1.0, |column| 1.0 - column.correlation * column.correlation),
        share: if table.rows > 0.0 { (index.rows / table.rows).min(1.0) } else { 1.0 },
    }
}

/// What the workload's own statements write, where that is more than what is counted, and which
/// columns they set.
fn add_statements(
    catalog: &ServerCatalog,
    prepared: &[Prepared<'_>],
    recorded: bool,
    activity: &mut [Activity],
) {
    let mut written: BTreeMap<TableId, [f64; 3]> = BTreeMap::new();
    let mut sets: BTreeMap<TableId, BTreeMap<Vec<i16>, f64>> = BTreeMap::new();
    for statement in prepared {
        let calls = statement.entry.calls;
        let single = statement.base.written.len() == 1;
        for one in &statement.base.written {
            let Some(table) = catalog.table(one.relation) else { continue };
            let each = statement.entry.rows_per_call.filter(|_| single).unwrap_or(one.rows);
            let rows = if recorded { calls * each } else { each };
            if one.how == Change::Update {
                let columns = set_columns(statement, table);
                *sets.entry(table).or_default().entry(columns).or_default() += rows;
            }
            if !recorded || calls >= MIN_CALLS {
                let [insert, update, delete] = written.entry(table).or_default();
                *match one.how {
                    Change::Insert => insert,
                    Change::Update => update,
                    Change::Delete => delete,
                } += rows;
            }
        }
    }
    for (table, [inserted, updated, deleted]) in written {
        let Some(one) = activity.get_mut(table) else { continue };
        // Where nothing is counted yet there is taken to be room on the page.
        let hot = if one.updated > 0.0 { one.hot_updated / one.updated } else { 1.0 };
        one.inserted = one.inserted.max(inserted);
        one.updated = one.updated.max(updated);
        one.hot_updated = one.updated * hot;
        one.deleted = one.deleted.max(deleted);
    }
    for (table, sets) in sets {
        if let Some(one) = activity.get_mut(table) {
            one.sets = sets.into_iter().collect();
        }
    }
}

/// The columns of a table that a statement's UPDATE sets.
fn set_columns(statement: &Prepared<'_>, table: TableId) -> Vec<i16> {
    let columns = statement.shape.updated.iter().filter(|(id, _)| *id == table);
    let columns: BTreeSet<i16> = columns.flat_map(|(_, columns)| columns.iter().copied()).collect();
    columns.into_iter().collect()
}

/// What one execution of a statement writes.
pub(crate) fn written(catalog: &ServerCatalog, statement: &Prepared<'_>) -> Vec<Written> {
    let single = statement.base.written.len() == 1;
    let each = statement.base.written.iter().filter_map(|one| {
        let table = catalog.table(one.relation)?;
        let rows = statement.entry.rows_per_call.filter(|_| single).unwrap_or(one.rows);
        let of = |change: Change| if one.how == change { rows } else { 0.0 };
        Some(Written {
            table,
            inserted: of(Change::Insert),
            updated: of(Change::Update),
            sets: set_columns(statement, table),
        })
    });
    each.collect()
}

/// Units of the objective for one of the planner's: for recorded statements milliseconds, the median
/// of the statements by their time.
fn scale(prepared: &[Prepared<'_>]) -> f64 {
    let mut rates: Vec<(f64, f64)> = prepared
        .iter()
        .filter_map(|statement| {
            let cost = statement.entry.calls * statement.base_cost;
            let time = statement.weight * statement.base_cost;
            (cost > 0.0 && time > 0.0).then_some((time / cost, time))
        })
        .collect();
    rates.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = rates.iter().map(|(_, time)| time).sum::<f64>() / 2.0;
    let mut passed = 0.0;
    let median = rates.iter().find(|(_, time)| {
        passed += time;
        passed >= half
    });
    median.map_or(1.0, |(rate, _)| *rate)
}

/// The existing indexes that may go: plain b-trees that are not unique, back no constraint, and do not
/// belong to the index of a parent.
///
/// Any new index on the table may take the place of one that a statement uses, if the workload is the
/// recorded one and all of it could be planned; otherwise one that begins with its columns.
fn movables(
    catalog: &ServerCatalog,
    workload: &Workload<'_>,
    recorded: bool,
    by_oid: &BTreeMap<u32, &TableRow>,
) -> Result<(Vec<Existing>, Vec<Movable>), AdvisorError> {
    let unknown = [
        "no permission",
        "locked",
        "time limit",
        "memory limit",
        "error",
        "truncated text",
        "parse error",
    ];
    let whole = recorded && !workload.skipped.iter().any(|one| unknown.contains(&one.reason));
    let mut readers: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (at, statement) in workload.prepared.iter().enumerate() {
        for &relation in &statement.relations {
            readers.entry(relation).or_default().push(at);
        }
    }
    let in_use: BTreeSet<u32> =
        workload.prepared.iter().flat_map(|one| one.base.indexes.iter().copied()).collect();
    let mut found = (Vec::new(), Vec::new());
    for (table_id, table) in catalog.model.tables.iter().enumerate() {
        let Some(row) = by_oid.get(&table.oid) else { continue };
        let mut family: Option<BTreeSet<u32>> = None;
        for index in findings::movable(table) {
            let Some(size) = row.indexes.iter().find(|one| one.oid == index.oid) else { continue };
            let Some(def) = findings::as_definition(table_id, index) else { continue };
            if size.attached {
                continue;
            }
            if family.is_none() {
                family = Some(if row.related {
                    proof::family(table.oid)?
                } else {
                    BTreeSet::from([table.oid])
                });
            }
            let related = family.iter().flatten().filter_map(|relation| readers.get(relation));
            let queries: BTreeSet<usize> = related.flatten().copied().collect();
            let queries: Vec<usize> = queries.into_iter().collect();
            let oids = match row.related {
                true => proof::family(index.oid)?,
                false => BTreeSet::from([index.oid]),
            };
            found.0.push(Existing {
                def,
                size: IndexSize { pages: size.bytes / PAGE, tree_height: -1, bytes: size.bytes },
                queries: queries.clone(),
                by_replanning: whole && !oids.is_disjoint(&in_use),
            });
            found.1.push(Movable { index: index.oid, oids, queries });
        }
    }
    Ok(found)
}
