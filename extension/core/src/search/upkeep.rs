//! What a set of indexes costs to keep up to date, compared with what exists.
//!
//! The costs of indexes add up, but for updates: one index that stores a column makes the updates
//! of that column enter *every* index of the table.

use std::collections::{BTreeMap, BTreeSet};

use crate::index_set::IndexSet;
use crate::model::{CandidateId, TableId};
use crate::pool::Pool;
use crate::writes::{Amount, Keeping, Updates, Upkeep};

/// What writing costs with a set of indexes beyond what it costs now.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Writing {
    /// Cost, in units of the objective, and WAL in bytes, both for its period.
    pub amount: Amount,
    /// Updates of the period that are heap-only now and no longer then.
    pub hot_lost: f64,
}

/// The upkeep of every index under consideration.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// By index.
    each: Vec<(TableId, Keeping)>,
    /// The tables with updates.
    updates: BTreeMap<TableId, Updates>,
    /// The indexes of each of these.
    on: BTreeMap<TableId, IndexSet>,
    /// What exists.
    existing: IndexSet,
    now: Amount,
    /// What the costs are multiplied with.
    factor: f64,
}

impl Ledger {
    pub(crate) fn new(upkeep: &dyn Upkeep, pool: &Pool, factor: f64) -> Self {
        let mut ledger = Self { factor, ..Self::default() };
        for id in 0..pool.len() {
            let (def, size) = (pool.def(id), pool.size(id));
            ledger.each.push((def.table, upkeep.index(def, size)));
            if let Some(updates) = upkeep.updates(def.table) {
                ledger.updates.entry(def.table).or_insert(updates);
                ledger.on.entry(def.table).or_default().insert(id);
            }
        }
        ledger.existing = (0..pool.existing()).collect();
        ledger.now = ledger.total(&ledger.existing, &ledger.existing);
        ledger
    }

    /// What `after` costs more than `before`, which differ in `changed` only.
    pub(crate) fn difference(
        &self,
        before: &IndexSet,
        after: &IndexSet,
        changed: &[CandidateId],
    ) -> f64 {
        let mut sum = 0.0;
        let mut tables = BTreeSet::new();
        for &id in changed {
            let (table, keeping) = &self.each[id];
            if self.updates.contains_key(table) {
                tables.insert(*table);
            } else {
                // Its cost does not depend on the others.
                sum += if after.contains(id) { keeping.rows.cost } else { -keeping.rows.cost };
            }
        }
        for there in tables.iter().filter_map(|table| self.on.get(table)) {
            let existing = self.existing.intersection(there);
            let cost = |set: &IndexSet| self.total(&set.intersection(there), &existing).cost;
            sum += cost(after) - cost(before);
        }
        sum * self.factor
    }

    /// The cost of `set`, less that of what exists.
    pub(crate) fn cost(&self, set: &IndexSet) -> f64 {
        (self.total(set, &self.existing).cost - self.now.cost) * self.factor
    }

    /// The cost of no index at all: what can be saved, as a number not above zero.
    pub(crate) fn least(&self) -> f64 {
        self.cost(&IndexSet::new()).min(0.0)
    }

    /// All about `set`.
    pub(crate) fn writing(&self, set: &IndexSet) -> Writing {
        let then = self.total(set, &self.existing);
        Writing {
            amount: Amount {
                cost: (then.cost - self.now.cost) * self.factor,
                wal: then.wal - self.now.wal,
            },
            hot_lost: self.hot_of(&self.existing, set) - self.hot_of(set, &self.existing),
        }
    }

    /// Heap-only updates with `set`, on the tables of both sets.
    fn hot_of(&self, set: &IndexSet, other: &IndexSet) -> f64 {
        let on_tables: IndexSet = set.union(other);
        let mut hit: BTreeMap<TableId, u64> = BTreeMap::new();
        for id in on_tables.iter() {
            let (table, keeping) = &self.each[id];
            let bits = hit.entry(*table).or_default();
            if set.contains(id) {
                *bits |= keeping.groups;
            }
        }
        let rows = |(table, bits): (&TableId, &u64)| {
            self.updates.get(table).map_or(0.0, |updates| updates.hot_without(*bits))
        };
        hit.iter().map(rows).sum()
    }

    /// What the indexes of `set` cost, and of `existing` what is not among them.
    fn total(&self, set: &IndexSet, existing: &IndexSet) -> Amount {
        let mut total = Amount::default();
        let mut updated: Vec<(TableId, Amount, u64)> = Vec::new();
        for id in set.iter() {
            let (table, keeping) = &self.each[id];
            total = total.plus(keeping.rows);
            if self.updates.contains_key(table) {
                updated.push((*table, keeping.update, keeping.groups));
            }
        }
        // Of a table without an index in the set the others may still be there: what exists.
        for id in existing.iter().filter(|&id| !set.contains(id)) {
            let table = self.each[id].0;
            if self.updates.contains_key(&table) {
                updated.push((table, Amount::default(), 0));
            }
        }
        updated.sort_by_key(|entry| entry.0);
        for group in updated.chunk_by(|a, b| a.0 == b.0) {
            let Some(updates) = group.first().and_then(|first| self.updates.get(&first.0)) else {
                continue;
            };
            let hit = group.iter().fold(0, |bits, entry| bits | entry.2);
            let each = group.iter().fold(Amount::default(), |sum, entry| sum.plus(entry.1));
            let hot = updates.hot_without(hit);
            // The other indexes cost what they cost now, but for the updates that are lost.
            let lost = updates.hot_without(0) - hot;
            total = total.plus(each.times((updates.all - hot).max(0.0)));
            total = total.plus(updates.elsewhere.times(lost));
        }
        total
    }
}
