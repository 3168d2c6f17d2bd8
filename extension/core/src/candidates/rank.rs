//! A rough cost, to order candidates before the planner has seen them.

use std::cmp::Ordering;

use super::generate::leading_ascending;
use super::values;
use crate::model::{Column, IndexDef, IndexKey, Method, Order, Table, TableUse};

/// Share of the rows that a range is taken to pass when nothing is known.
const DEFAULT_RANGE: f64 = 0.1;
/// A leading column that leaves more than this share of the rows does not pay for itself.
const WEAK_LEAD: f64 = 0.3;
/// Cost of a heap page fetched through an index, in sequential pages.
const RANDOM_PAGE: f64 = 2.0;
/// Cost of handling a row, in sequential pages (the planner's `cpu_tuple_cost`).
const ROW: f64 = 0.01;
/// Charge for each page of the index, so that a wider index must earn its place.
const UPKEEP: f64 = 0.001;
/// What a further element in an index of another method leaves of the cost.
const MORE_KEYS: f64 = 0.8;
/// What is left of the cost when a LIMIT stops a scan that already has the order.
const LIMIT_SHARE: f64 = 0.05;

/// The place of a candidate; smaller is better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rank {
    /// Unlikely to be chosen: behind all others.
    pub(super) weak: bool,
    /// Estimated cost less the cost without the index, in sequential pages.
    change: f64,
    /// Stored columns.
    columns: usize,
    /// Place in the order of generation.
    sequence: usize,
}

impl Eq for Rank {}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Rank {
    fn cmp(&self, other: &Self) -> Ordering {
        self.weak
            .cmp(&other.weak)
            .then(self.change.total_cmp(&other.change))
            .then(self.columns.cmp(&other.columns))
            .then(self.sequence.cmp(&other.sequence))
    }
}

/// Ranks the candidates of one occurrence of a table.
pub(super) struct Ranker<'a> {
    table: &'a Table,
    table_use: &'a TableUse,
    rows: f64,
    /// Share of rows that one range condition passes.
    range: f64,
    /// Share of rows that pass all restrictions.
    passing: f64,
}

/// How an index and the conditions meet.
struct Access {
    /// Share of the index that is read.
    scanned: f64,
    /// Share of the rows that are left after every condition on key columns.
    fetched: f64,
    /// Share that the leading column leaves.
    lead: f64,
    /// Whether some key neither filters nor orders.
    passengers: bool,
}

impl<'a> Ranker<'a> {
    pub(super) fn new(table: &'a Table, table_use: &'a TableUse) -> Self {
        let equality: f64 = table_use.equal.iter().map(|&c| share_of_value(table, c)).product();
        let known = table_use.selectivity > 0.0 && table_use.selectivity <= 1.0;
        let conditions = table_use.range.len().max(1) as f64;
        let range = if known {
            (table_use.selectivity / equality).clamp(1e-6, 1.0).powf(1.0 / conditions)
        } else {
            DEFAULT_RANGE
        };
        let passing = if known {
            table_use.selectivity
        } else {
            equality * range.powf(table_use.range.len() as f64)
        };
        Self { table, table_use, rows: table.rows.max(1.0), range, passing }
    }

    pub(super) fn rank(&self, def: &IndexDef, sequence: usize) -> Rank {
        if def.method != Method::Btree {
            return self.rank_other(def, sequence);
        }
        let access = self.access(def);
        let covering = self.covers(def);
        let (order, limited) = self.order(def);
        let entry: f64 = def.columns().filter_map(|c| self.table.column(c)).map(width).sum();
        let rows = self.rows * def.share(self.table);
        let index_pages = rows * (12.0 + entry) / 7300.0;
        let heap_pages = f64::min(self.rows * access.fetched, self.table.pages);
        let visible = if covering { self.table.all_visible.clamp(0.0, 1.0) } else { 0.0 };
        let mut cost = 2.0
            + access.scanned * (index_pages + rows * ROW)
            + heap_pages * RANDOM_PAGE * (1.0 - visible);
        if limited && order >= 1.0 {
            cost *= LIMIT_SHARE;
        }
        cost += self.sort_cost() * (1.0 - order) + index_pages * UPKEEP;
        let without = self.table.pages + self.rows * ROW + self.sort_cost();
        let helps_otherwise = covering || order > 0.0;
        let weak = (!helps_otherwise && access.lead > WEAK_LEAD)
            || (!covering && (access.passengers || self.beyond_unique(def)));
        let columns = def.keys.len() + def.include.len();
        Rank { weak, change: cost - without, columns, sequence }
    }

    /// Another access method than the b-tree. What a hash index or BRIN finds is known as for a
    /// b-tree; what the others find is left to the planner, so they are taken to save half and come
    /// before whatever does not help. Each further element saves a little more.
    fn rank_other(&self, def: &IndexDef, sequence: usize) -> Rank {
        let share = def.share(self.table);
        let without = self.table.pages + self.rows * ROW;
        let attribute = def.keys.first().and_then(|key| {
            self.table.column(key.column).and_then(|column| column.element.as_ref()?.column)
        });
        let cost = match (def.method, attribute) {
            (Method::Hash, Some(column)) if self.is_lookup(column) => {
                let rows = self.rows * share * share_of_value(self.table, column);
                2.0 + f64::min(rows, self.table.pages) * RANDOM_PAGE
            }
            // Whole ranges of blocks are read, and each row in them is looked at.
            (Method::Brin, Some(_)) => 2.0 + without * (self.range * 2.0).min(1.0),
            _ => without * share / 2.0 * MORE_KEYS.powi(def.keys.len() as i32 - 1),
        };
        Rank { weak: false, change: cost - without, columns: def.keys.len(), sequence }
    }

    fn access(&self, def: &IndexDef) -> Access {
        // A condition is an equality that holds for the whole index.
        let share = match def.condition(self.table) {
            Some(condition) if def.keys.iter().any(|key| condition.reads.contains(&key.column)) => {
                1.0
            }
            Some(condition) => condition.selectivity,
            None => 1.0,
        };
        let mut access = Access { scanned: 1.0, fetched: share, lead: share, passengers: false };
        let mut open = true;
        for (position, key) in def.keys.iter().enumerate() {
            let lookup = self.is_lookup(key.column);
            let ranged = self.table_use.range.contains(&key.column);
            let share = if lookup {
                share_of_value(self.table, key.column)
            } else if ranged {
                self.range
            } else {
                1.0
            };
            access.fetched *= share;
            if open {
                access.scanned *= share;
            }
            if position == 0 {
                access.lead *= share;
            }
            open &= lookup;
            access.passengers |= !lookup && !ranged && !self.is_ordered(key.column);
        }
        access
    }

    fn is_lookup(&self, column: i16) -> bool {
        self.table_use.equal.contains(&column) || self.table_use.join.contains(&column)
    }

    fn is_ordered(&self, column: i16) -> bool {
        self.table_use.orders.iter().any(|o| o.keys.iter().any(|key| key.column == column))
    }

    /// Whether an index-only scan is possible.
    fn covers(&self, def: &IndexDef) -> bool {
        let fixed = def.condition(self.table).and_then(|condition| condition.fixes);
        !self.table_use.whole_row
            && self
                .table_use
                .read
                .iter()
                .all(|&read| fixed == Some(read) || def.columns().any(|column| column == read))
    }

    /// The largest part of a requested order that the index gives, and whether that is one with a
    /// LIMIT.
    fn order(&self, def: &IndexDef) -> (f64, bool) {
        let parts = self.table_use.orders.iter().map(|order| (self.ordered(def, order), order));
        let best = parts.max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.limited.cmp(&b.1.limited)));
        best.map_or((0.0, false), |(part, order)| (part, order.limited))
    }

    /// The part of `order` that the keys give after the leading columns compared for equality.
    fn ordered(&self, def: &IndexDef, order: &Order) -> f64 {
        let constant = |key: &&IndexKey| self.table_use.equal.contains(&key.column);
        let keys: Vec<IndexKey> = def.keys.iter().skip_while(constant).copied().collect();
        let wanted: Vec<IndexKey> =
            order.keys.iter().filter(|key| !constant(key)).copied().collect();
        if wanted.is_empty() {
            return 0.0;
        }
        let matched = if order.fixed {
            let (keys, wanted) = (leading_ascending(keys), leading_ascending(wanted.clone()));
            keys.iter().zip(&wanted).take_while(|(have, want)| have == want).count()
        } else {
            let within = |key: &&IndexKey| wanted.iter().any(|want| want.column == key.column);
            keys.iter().take_while(within).count()
        };
        matched as f64 / wanted.len() as f64
    }

    fn sort_cost(&self) -> f64 {
        if self.table_use.orders.is_empty() {
            return 0.0;
        }
        let rows = (self.rows * self.passing).max(2.0);
        rows * rows.log2() * ROW / 2.0
    }

    /// Whether a unique index already finds the single row with fewer columns.
    fn beyond_unique(&self, def: &IndexDef) -> bool {
        let leading: Vec<i16> = def
            .keys
            .iter()
            .map(|key| key.column)
            .take_while(|column| self.table_use.equal.contains(column))
            .collect();
        self.table.indexes.iter().any(|index| {
            index.unique
                && !index.partial
                && !index.keys.is_empty()
                && index.keys.iter().all(|key| key.is_some_and(|key| leading.contains(&key.column)))
        })
    }
}

/// Share of the rows that one value of a column has.
fn share_of_value(table: &Table, number: i16) -> f64 {
    table.column(number).map_or(1.0, |column| 1.0 / values(column))
}

fn width(column: &Column) -> f64 {
    column.avg_width.max(1.0)
}
