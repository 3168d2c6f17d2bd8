//! What the outcome says of writing: which existing indexes go, what writing keeps from being advised,
//! and what the workload's own statements pay.

use std::collections::BTreeMap;

use advisor_core::ddl;
use advisor_core::findings;
use advisor_core::index_set::IndexSet;
use advisor_core::model::{CandidateId, ExistingIndex, Table};
use advisor_core::search::{Outcome, Step, Writing};
use serde_json::{Value, json};

use super::AdvisedIndex;
use crate::catalog::ServerCatalog;
use crate::settings;
use crate::workload::Prepared;
use crate::writes::{self, Writes};

/// An existing index that an advised one takes the place of.
pub(crate) struct Superseded {
    pub(crate) index: u32,
    pub(crate) table: u32,
    /// The statement that makes the other.
    pub(crate) by: String,
    /// Statements that read its table; none gets worse than is tolerated.
    pub(crate) statements: usize,
}

/// The cost of writing from one step to the next.
#[derive(Default)]
pub(super) struct Course {
    before: Writing,
}

impl Course {
    /// What a step adds, and which share of the updates of its table are no longer heap-only.
    pub(super) fn step(
        &mut self,
        table: usize,
        step: &Step,
        writes: &Writes<'_>,
    ) -> (Writing, f64) {
        let added = Writing {
            amount: step.writing.amount.plus(self.before.amount.times(-1.0)),
            hot_lost: step.writing.hot_lost - self.before.hot_lost,
        };
        self.before = step.writing;
        let updates = writes.model.activity.get(table).map_or(0.0, |one| one.updated);
        let lost = if updates > 0.0 { (added.hot_lost / updates).clamp(-1.0, 1.0) } else { 0.0 };
        (added, lost)
    }
}

/// The existing indexes that go with a step; of indexes that were not searched for those that it has
/// the columns of in its lead.
pub(super) fn replaced<'t>(
    table: &'t Table,
    outcome: &Outcome,
    step: &Step,
    writes: &Writes<'_>,
) -> Vec<&'t ExistingIndex> {
    if !writes.searched {
        return findings::replaces(table, outcome.pool.def(step.candidate));
    }
    step.drops.iter().filter_map(|&id| dropped(table, id, writes)).collect()
}

fn dropped<'t>(
    table: &'t Table,
    id: CandidateId,
    writes: &Writes<'_>,
) -> Option<&'t ExistingIndex> {
    let index = writes.movable.get(id)?.index;
    table.indexes.iter().find(|known| known.oid == index)
}

/// The indexes to drop, with what takes their place.
pub(super) fn drops(
    catalog: &ServerCatalog,
    outcome: &Outcome,
    indexes: &[AdvisedIndex],
    writes: &Writes<'_>,
) -> Vec<Value> {
    let mut drops = Vec::new();
    for (index, step) in indexes.iter().zip(&outcome.steps) {
        let def = outcome.pool.def(step.candidate);
        let Some(table) = catalog.model.tables.get(def.table) else { continue };
        for old in replaced(table, outcome, step, writes) {
            let leads = findings::as_definition(def.table, old).is_some_and(|d| def.covers(&d));
            let reason = match leads {
                true => "its columns are a leading part of the advised index",
                false => "no statement of the workload gets worse without it",
            };
            drops.push(json!({
                "index": old.name,
                "replaced_by": index.id,
                "reason": reason,
                "size_bytes": old.size_bytes,
            }));
        }
    }
    drops
}

pub(super) fn superseded(
    catalog: &ServerCatalog,
    outcome: &Outcome,
    indexes: &[AdvisedIndex],
    writes: &Writes<'_>,
) -> Vec<Superseded> {
    let mut found = Vec::new();
    for (advised, step) in indexes.iter().zip(&outcome.steps) {
        let table = outcome.pool.def(step.candidate).table;
        for old in step.drops.iter().filter_map(|&id| writes.movable.get(id)) {
            found.push(Superseded {
                index: old.index,
                table: catalog.model.tables.get(table).map_or(0, |table| table.oid),
                by: advised.ddl.clone(),
                statements: old.queries.len(),
            });
        }
    }
    found
}

/// What would have paid but for writing, in a sentence.
pub(super) fn declined(catalog: &ServerCatalog, outcome: &Outcome) -> Option<String> {
    let first = outcome.declined.first()?;
    let table = catalog.model.tables.get(outcome.pool.def(first.candidate).table)?;
    Some(format!(
        "keeping an index on {} up to date would cost {} % of what it saves; \
         mcp_advisor.write_weight = 0 leaves writing out",
        ddl::table_name(table),
        (first.upkeep / first.gain.max(f64::MIN_POSITIVE) * 100.0).round()
    ))
}

/// What the workload's own INSERT and UPDATE statements cost in the indexes of their tables, per
/// execution and in planner units: now, and after each step.
pub(super) struct OwnWrites {
    by_statement: BTreeMap<usize, Vec<f64>>,
}

impl OwnWrites {
    pub(super) fn new(
        catalog: &ServerCatalog,
        prepared: &[Prepared<'_>],
        outcome: &Outcome,
        writes: &Writes<'_>,
    ) -> Self {
        let mut set: IndexSet = (0..outcome.pool.existing()).collect();
        let mut sets = vec![set.clone()];
        for step in &outcome.steps {
            set = set.with(step.candidate).difference(&step.drops.iter().copied().collect());
            sets.push(set.clone());
        }
        let pool = &outcome.pool;
        let mut by_statement = BTreeMap::new();
        for (at, statement) in prepared.iter().enumerate() {
            let written = writes::written(catalog, statement);
            if written.is_empty() {
                continue;
            }
            let cost = |set: &IndexSet| {
                let indexes: Vec<_> = set.iter().map(|id| (pool.def(id), pool.size(id))).collect();
                written.iter().map(|one| writes.model.statement(one, &indexes)).sum()
            };
            by_statement.insert(at, sets.iter().map(cost).collect());
        }
        Self { by_statement }
    }

    /// The statements that the step of this rank, from 1, makes dearer by their own entries than is
    /// tolerated, which no plan shows; `costs` are those of the plans before it. Without `known`.
    pub(super) fn made_dearer(&self, rank: i32, costs: &[f64], known: &[usize]) -> Vec<usize> {
        let tolerated = 1.0 + settings::max_regression();
        let rank = usize::try_from(rank).unwrap_or(1);
        let dearer = |(at, own): (&usize, &Vec<f64>)| {
            let (old, new) = (own.get(rank.checked_sub(1)?)?, own.get(rank)?);
            let cost = costs.get(*at).copied().unwrap_or_default();
            let is = cost + new > (cost + old) * tolerated && !known.contains(at);
            is.then_some(*at)
        };
        self.by_statement.iter().filter_map(dearer).collect()
    }

    /// What all steps add to the cost of a statement.
    pub(super) fn added(&self, statement: usize) -> f64 {
        let costs = self.by_statement.get(&statement);
        costs.and_then(|costs| Some(costs.last()? - costs.first()?)).unwrap_or(0.0)
    }
}
