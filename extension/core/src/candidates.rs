//! Which indexes are worth offering to the planner for a query.
//!
//! Every occurrence of a table is turned into key sequences by its roles: equality and join
//! columns in any order, then one range or an order, then columns that are only read where that
//! makes the index cover the query. Generation is generous and a rough cost ranks the result, for
//! the planner is the one that picks: it is offered permutations, not a guess.

mod generate;
#[cfg(test)]
mod method_tests;
mod rank;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::findings::{as_definition, serves};
use crate::model::{Catalog, Column, IndexDef, Method, QueryShape, Table, TableId};
use generate::Generator;
use rank::{Rank, Ranker};

/// Columns that PostgreSQL allows in one index, INCLUDE columns counted (`INDEX_MAX_KEYS`).
const INDEX_MAX_KEYS: usize = 32;
/// Largest average width in bytes of a key column; wider values soon exceed the limit on tuples.
const KEY_WIDTH_MAX: f64 = 1000.0;
/// Largest b-tree tuple in bytes (`BTMaxItemSize`).
const TUPLE_BYTES_MAX: f64 = 2704.0;

/// Bounds on what is offered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Most key columns of an index, at least 1.
    pub max_columns: usize,
    /// Most candidates for one table; a plan gets slower with each that it has to consider.
    pub max_per_table: usize,
    /// Most INCLUDE columns of an index; 0 for none.
    pub include_columns: usize,
    /// Tables of fewer heap pages get no candidates.
    pub min_pages: f64,
    /// The kinds of index that are offered.
    pub kinds: Kinds,
}

/// Which kinds of index are offered beyond b-trees on plain columns, and whether those are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kinds {
    /// The access methods, each a bit.
    methods: u8,
    /// Indexes with a condition.
    pub partial: bool,
    /// Keys that are expressions.
    pub expression: bool,
    /// Keys with another operator class than their type's default one.
    pub opclass: bool,
}

impl Kinds {
    /// All kinds of these methods.
    #[must_use]
    pub fn of_methods(methods: impl IntoIterator<Item = Method>) -> Self {
        let methods = methods.into_iter().fold(0, |all, method| all | 1 << method as u8);
        Self { methods, partial: true, expression: true, opclass: true }
    }

    /// Whether such an index may be offered.
    #[must_use]
    pub fn allow(&self, table: &Table, def: &IndexDef) -> bool {
        let elements = def
            .columns()
            .filter_map(|number| table.column(number).and_then(|column| column.element.as_ref()));
        self.methods >> def.method as u8 & 1 == 1
            && (self.partial || def.predicate.is_none())
            && elements.into_iter().all(|element| {
                (self.expression || element.column.is_some())
                    && (self.opclass || element.opclass.is_none())
            })
    }
}

impl Default for Kinds {
    fn default() -> Self {
        Self::of_methods(Method::ALL)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_columns: 3,
            max_per_table: 80,
            include_columns: 4,
            min_pages: 8.0,
            kinds: Kinds::default(),
        }
    }
}

/// The candidates for one query, most promising first and without duplicates. The same input
/// gives the same list. What an existing index already serves is left out.
#[must_use]
pub fn for_query(catalog: &Catalog, shape: &QueryShape, limits: &Limits) -> Vec<IndexDef> {
    let mut by_table: BTreeMap<TableId, BTreeMap<IndexDef, Rank>> = BTreeMap::new();
    for table_use in &shape.uses {
        let Some(table) = catalog.tables.get(table_use.table) else { continue };
        if table.pages < limits.min_pages {
            continue;
        }
        let ranker = Ranker::new(table, table_use);
        let existing = existing_definitions(table_use.table, table);
        let found = by_table.entry(table_use.table).or_default();
        for (sequence, def) in
            Generator::new(table, table_use, limits).run().into_iter().enumerate()
        {
            if existing.iter().any(|index| index.covers(&def))
                || table.indexes.iter().any(|index| serves(index, table, &def))
            {
                continue;
            }
            let rank = ranker.rank(&def, sequence);
            let best = found.entry(def).or_insert(rank);
            if rank < *best {
                *best = rank;
            }
        }
    }
    let mut offered: Vec<(Rank, IndexDef)> = by_table
        .into_values()
        .flat_map(|found| cap(found.into_iter().map(|(d, r)| (r, d)).collect(), limits))
        .collect();
    offered.sort();
    offered.into_iter().map(|(_, def)| def).collect()
}

/// Takes elements away for which another one is there that is wanted wherever they are and elsewhere
/// too: of two operator classes on the same column and method the one that answers to every operator
/// of the workload, though it may be the larger one. Where both answer to all, both stay.
pub fn prefer_general(catalog: &Catalog, shapes: &mut [&mut QueryShape]) {
    let mut uses: BTreeMap<(TableId, i16), BTreeSet<(usize, usize)>> = BTreeMap::new();
    for (query, shape) in shapes.iter().enumerate() {
        for (at, table_use) in shape.uses.iter().enumerate() {
            for &number in &table_use.searched {
                uses.entry((table_use.table, number)).or_default().insert((query, at));
            }
        }
    }
    let element = |&(table, number): &(TableId, i16)| {
        catalog.tables.get(table)?.column(number)?.element.as_ref()
    };
    let narrower = |one: &(TableId, i16)| {
        let Some(own) = element(one).filter(|element| element.method != Method::Btree) else {
            return false;
        };
        uses.iter().any(|(other, elsewhere)| {
            let alike = element(other)
                .is_some_and(|element| element.method == own.method && element.sql == own.sql);
            let wider = uses
                .get(one)
                .is_some_and(|own| elsewhere.len() > own.len() && own.is_subset(elsewhere));
            other.0 == one.0 && alike && wider
        })
    };
    let dropped: BTreeSet<(TableId, i16)> = uses.keys().copied().filter(narrower).collect();
    for table_use in shapes.iter_mut().flat_map(|shape| &mut shape.uses) {
        let table = table_use.table;
        table_use.searched.retain(|&number| !dropped.contains(&(table, number)));
    }
}

/// The existing indexes of a table that can serve in place of a candidate.
fn existing_definitions(id: TableId, table: &Table) -> Vec<IndexDef> {
    table.indexes.iter().filter_map(|index| as_definition(id, index)).collect()
}

/// Keeps the best candidates of a table: half of the room by rank alone, the rest dealt out in
/// turn to the leading columns and widths, so that one column's permutations cannot crowd out
/// everything else. Weak candidates come in only when there is room left.
fn cap(mut found: Vec<(Rank, IndexDef)>, limits: &Limits) -> Vec<(Rank, IndexDef)> {
    found.sort();
    if found.len() <= limits.max_per_table {
        return found;
    }
    let rest = found.split_off(limits.max_per_table / 2);
    let mut turns: BTreeMap<(bool, i16, usize), usize> = BTreeMap::new();
    let mut dealt: Vec<(bool, usize, Rank, IndexDef)> = rest
        .into_iter()
        .map(|(rank, def)| {
            let lead = def.keys.first().map_or(0, |key| key.column);
            let class = (rank.weak, lead, def.keys.len());
            let turn = turns.entry(class).or_default();
            *turn += 1;
            (rank.weak, *turn, rank, def)
        })
        .collect();
    dealt.sort();
    let room = limits.max_per_table.saturating_sub(found.len());
    found.extend(dealt.into_iter().take(room).map(|(_, _, rank, def)| (rank, def)));
    found
}

/// Whether a column can be a key of a b-tree.
fn keyable(column: &Column) -> bool {
    column.btree && column.avg_width <= KEY_WIDTH_MAX
}

/// Distinct values of a column, NULL counting as one.
fn values(column: &Column) -> f64 {
    column.n_distinct.max(1.0) + f64::from(u8::from(column.null_frac > 0.0))
}

/// `columns` without repetition, in order of first appearance.
fn unique(columns: impl IntoIterator<Item = i16>) -> Vec<i16> {
    let mut seen = BTreeSet::new();
    columns.into_iter().filter(|&column| seen.insert(column)).collect()
}
