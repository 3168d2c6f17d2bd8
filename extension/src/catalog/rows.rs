//! What the catalog query answers, as the core's model.

use advisor_core::model::{Column, ExistingIndex, IndexKey, Leaf, Table};
use serde::Deserialize;

use crate::sys;

/// A table as the query answers it.
#[derive(Deserialize)]
pub(super) struct TableRow {
    pub(super) oid: u32,
    schema: String,
    name: String,
    partitioned: bool,
    pub(super) row_security: bool,
    columns: Option<Vec<ColumnRow>>,
    leaves: Option<Vec<LeafRow>>,
    indexes: Option<Vec<IndexRow>>,
    /// Rows inserted, updated, of those heap-only, and deleted.
    pub(super) activity: Option<[f64; 4]>,
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
    sql: String,
    opclass: Option<String>,
}

/// The table in the model.
pub(super) fn table(row: TableRow) -> Table {
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
        predicates: Vec::new(),
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
    let (btree, dedup) =
        sys::attribute_type(relation, row.number).map_or((false, false), sys::btree_support);
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
        element: None,
    }
}

fn index(row: IndexRow) -> ExistingIndex {
    let key_texts = row.keys.iter().map(|key| (key.sql.clone(), key.opclass.clone())).collect();
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
        key_texts,
        size_bytes: row.size_bytes,
    }
}
