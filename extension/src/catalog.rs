//! The server's catalog as the core's model, read through SPI and the catalog caches.

use std::collections::{BTreeMap, BTreeSet};

use advisor_core::model::{Catalog, Column, ExistingIndex, IndexKey, Leaf, Table};
use advisor_core::shape::Facts;
use pgrx::datum::DatumWithOid;
use pgrx::{JsonB, Spi, pg_sys};
use serde::Deserialize;

use crate::error::AdvisorError;
use crate::query;
use crate::shadow;
use crate::sys;

const TABLES: &str = include_str!("../../sql/catalog/tables.sql");
const MIN_MAX: &str = include_str!("../../sql/catalog/minmax.sql");
const NDISTINCT: &str = include_str!("../../sql/catalog/ndistinct.sql");

#[derive(Deserialize)]
struct TableRow {
    oid: u32,
    schema: String,
    name: String,
    partitioned: bool,
    row_security: bool,
    columns: Option<Vec<ColumnRow>>,
    leaves: Option<Vec<LeafRow>>,
    indexes: Option<Vec<IndexRow>>,
    activity: Option<[f64; 4]>,
}

#[derive(Deserialize)]
struct ColumnRow {
    number: i16,
    name: String,
    type_name: String,
    type_len: i16,
    align: u8,
}

#[derive(Deserialize)]
struct LeafRow {
    oid: u32,
    tuples: f64,
    pages: f64,
    all_visible: f64,
    current_pages: f64,
}

#[derive(Deserialize)]
struct IndexRow {
    oid: u32,
    name: String,
    method: String,
    keys: Vec<KeyRow>,
    include: Option<Vec<i16>>,
    unique: bool,
    constraint: bool,
    partial: bool,
    default_opclasses: bool,
    size_bytes: u64,
}

#[derive(Deserialize)]
struct KeyRow {
    column: i16,
    descending: bool,
    nulls_first: bool,
}

/// The catalog and what is looked up in it by oid.
pub(crate) struct ServerCatalog {
    /// The tables, in the order in which the workload came upon them.
    pub(crate) model: Catalog,
    by_oid: BTreeMap<u32, usize>,
    /// Relations that were looked up, tables or not.
    seen: BTreeSet<u32>,
    min_max: BTreeMap<u32, bool>,
    row_security: Vec<bool>,
}

impl ServerCatalog {
    /// An empty catalog.
    ///
    /// # Errors
    /// What SPI says.
    pub(crate) fn new() -> Result<Self, AdvisorError> {
        Ok(Self {
            model: Catalog::default(),
            by_oid: BTreeMap::new(),
            seen: BTreeSet::new(),
            min_max: min_max()?,
            row_security: Vec::new(),
        })
    }

    /// Reads those of the relations that are tables and were not read before.
    ///
    /// # Errors
    /// What SPI says.
    pub(crate) fn ensure(
        &mut self,
        relations: impl Iterator<Item = u32>,
    ) -> Result<(), AdvisorError> {
        let oids: Vec<pg_sys::Oid> =
            relations.filter(|&oid| self.seen.insert(oid)).map(pg_sys::Oid::from).collect();
        if oids.is_empty() {
            return Ok(());
        }
        let json: Option<JsonB> = query::one(TABLES, &[DatumWithOid::from(oids)])?;
        let rows: Vec<TableRow> = json
            .map(|JsonB(value)| serde_json::from_value(value))
            .transpose()
            .map_err(|error| AdvisorError::Catalog(error.to_string()))?
            .unwrap_or_default();
        let elsewhere = shadow::activity()?;
        for mut row in rows {
            row.activity = elsewhere.get(&row.oid).copied().or(row.activity);
            self.row_security.push(row.row_security);
            let table = table(row);
            self.by_oid.insert(table.oid, self.model.tables.len());
            self.model.tables.push(table);
        }
        Ok(())
    }

    /// Whether row-level security is on for the table.
    pub(crate) fn row_security(&self, table: usize) -> bool {
        self.row_security.get(table).copied().unwrap_or(true)
    }

    /// Distinct counts of column groups from extended statistics: (table, ascending attribute
    /// numbers, count).
    ///
    /// # Errors
    /// What SPI says.
    pub(crate) fn group_distinct(&self) -> Result<Vec<(usize, Vec<i16>, f64)>, AdvisorError> {
        let oids: Vec<pg_sys::Oid> = self.by_oid.keys().map(|&oid| oid.into()).collect();
        let mut groups = Vec::new();
        Spi::connect(|client| -> Result<(), AdvisorError> {
            for row in client.select(NDISTINCT, None, &[DatumWithOid::from(oids)])? {
                let (oid, text): (Option<i64>, Option<String>) = (row.get(1)?, row.get(2)?);
                let table = oid.and_then(|oid| u32::try_from(oid).ok());
                let Some(&table) = table.and_then(|oid| self.by_oid.get(&oid)) else { continue };
                let counts: BTreeMap<String, f64> =
                    serde_json::from_str(&text.unwrap_or_default()).unwrap_or_default();
                for (columns, count) in counts {
                    let numbers: Result<Vec<i16>, _> =
                        columns.split(", ").map(str::parse).collect();
                    // Negative numbers stand for expressions, which no candidate has.
                    if let Ok(mut numbers) = numbers
                        && numbers.iter().all(|&number| number > 0)
                    {
                        numbers.sort_unstable();
                        groups.push((table, numbers, count));
                    }
                }
            }
            Ok(())
        })?;
        Ok(groups)
    }
}

impl Facts for ServerCatalog {
    fn table(&self, relation: u32) -> Option<usize> {
        self.by_oid.get(&relation).copied()
    }

    fn btree_strategy(&self, operator: u32, relation: u32, column: i16) -> Option<u8> {
        sys::btree_strategy(operator, relation, column)
    }

    fn is_inequality(&self, operator: u32, relation: u32, column: i16) -> bool {
        sys::btree_strategy(sys::negator(operator), relation, column) == Some(3)
    }

    fn is_pattern_match(&self, operator: u32) -> bool {
        sys::is_pattern_match(operator)
    }

    fn sorts_descending(&self, operator: u32) -> bool {
        sys::sorts_descending(operator)
    }

    fn aggregate_direction(&self, aggregate: u32) -> Option<bool> {
        self.min_max.get(&aggregate).copied()
    }
}

fn min_max() -> Result<BTreeMap<u32, bool>, AdvisorError> {
    let mut map = BTreeMap::new();
    Spi::connect(|client| -> Result<(), AdvisorError> {
        for row in client.select(MIN_MAX, None, &[])? {
            let (aggregate, operator): (Option<i64>, Option<i64>) = (row.get(1)?, row.get(2)?);
            if let (Some(Ok(aggregate)), Some(Ok(operator))) =
                (aggregate.map(u32::try_from), operator.map(u32::try_from))
            {
                map.insert(aggregate, sys::sorts_descending(operator));
            }
        }
        Ok(())
    })?;
    Ok(map)
}

fn table(row: TableRow) -> Table {
    let leaf_rows = row.leaves.unwrap_or_default();
    let columns: Vec<ColumnRow> = row.columns.unwrap_or_default();
    let width_guess: f64 = columns.iter().map(default_width).sum();
    let (mut visible_pages, mut known_pages) = (0.0, 0.0);
    let leaves: Vec<Leaf> = leaf_rows
        .iter()
        .map(|leaf| {
            visible_pages += leaf.all_visible;
            known_pages += leaf.pages;
            Leaf { oid: leaf.oid, rows: live_rows(leaf, width_guess), pages: leaf.current_pages }
        })
        .collect();
    let rows: f64 = leaves.iter().map(|leaf| leaf.rows).sum();
    let pages: f64 = leaves.iter().map(|leaf| leaf.pages).sum();
    let mut analyzed = false;
    let columns: Vec<Column> = columns
        .into_iter()
        .map(|column| {
            let stats = sys::column_stats(row.oid, column.number, row.partitioned);
            analyzed |= stats.is_some();
            self::column(row.oid, column, stats, rows)
        })
        .collect();
    let [rows_inserted, rows_updated, rows_hot_updated, rows_deleted] =
        row.activity.unwrap_or_default();
    Table {
        oid: row.oid,
        schema: row.schema,
        name: row.name,
        rows,
        pages,
        all_visible: if known_pages > 0.0 { (visible_pages / known_pages).min(1.0) } else { 0.0 },
        row_width: columns.iter().map(|column| column.avg_width).sum(),
        partitioned: row.partitioned,
        leaves,
        columns,
        indexes: row.indexes.unwrap_or_default().into_iter().map(index).collect(),
        analyzed,
        rows_inserted,
        rows_updated,
        rows_hot_updated,
        rows_deleted,
    }
}

/// Rows as `estimate_rel_size` (`plancat.c`) counts them: the density of the last VACUUM or ANALYZE
/// times today's pages; for a table that had neither, the density that the columns' widths allow.
fn live_rows(leaf: &LeafRow, width: f64) -> f64 {
    const PAGE_DATA: f64 = 8192.0 - 24.0;
    const TUPLE_OVERHEAD: f64 = 24.0 + 4.0;
    if leaf.tuples >= 0.0 && leaf.pages > 0.0 {
        (leaf.tuples / leaf.pages * leaf.current_pages).round()
    } else {
        let pages =
            if leaf.tuples < 0.0 { leaf.current_pages.max(10.0) } else { leaf.current_pages };
        (PAGE_DATA / (width + TUPLE_OVERHEAD)).floor().max(1.0) * pages
    }
}

/// The server's guess for a column without statistics (`get_typavgwidth`): 32 bytes for what has no
/// fixed length.
fn default_width(column: &ColumnRow) -> f64 {
    if column.type_len > 0 { f64::from(column.type_len) } else { 32.0 }
}

fn column(relation: u32, row: ColumnRow, stats: Option<sys::ColumnStats>, rows: f64) -> Column {
    /// `DEFAULT_NUM_DISTINCT` of the server's `selfuncs.h`.
    const DEFAULT_DISTINCT: f64 = 200.0;
    let (btree, dedup) = sys::btree_support(relation, row.number);
    let distinct = stats.map_or(0.0, |stats| stats.distinct);
    let n_distinct = if distinct > 0.0 {
        distinct
    } else if distinct < 0.0 {
        -distinct * rows
    } else {
        DEFAULT_DISTINCT.min(rows)
    };
    let avg_width = stats.map_or_else(|| default_width(&row), |stats| stats.width);
    Column {
        number: row.number,
        name: row.name,
        type_name: row.type_name,
        type_len: row.type_len,
        align: row.align,
        avg_width,
        n_distinct: n_distinct.max(1.0),
        null_frac: stats.map_or(0.0, |stats| stats.null_frac),
        correlation: stats.map_or(0.0, |stats| stats.correlation),
        btree,
        dedup,
    }
}

fn index(row: IndexRow) -> ExistingIndex {
    let key = |key: KeyRow| {
        (key.column > 0).then_some(IndexKey {
            column: key.column,
            descending: key.descending,
            nulls_first: key.nulls_first,
        })
    };
    ExistingIndex {
        oid: row.oid,
        name: row.name,
        method: row.method,
        keys: row.keys.into_iter().map(key).collect(),
        include: row.include.unwrap_or_default(),
        unique: row.unique,
        constraint: row.constraint,
        partial: row.partial,
        default_opclasses: row.default_opclasses,
        size_bytes: row.size_bytes,
    }
}
