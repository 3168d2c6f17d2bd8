//! Starting points: growing from nothing, and coming down from everything that was picked.

use crate::cache::Interrupted;
use crate::index_set::IndexSet;
use crate::model::{CandidateId, IndexDef};
use crate::pool::Sizer;
use crate::search::lazy::Rule;
use crate::search::objective::Goal;
use crate::search::picked::{merge, prefixes};
use crate::search::state::{Move, Search, State};
use crate::whatif::Planner;

/// A move must lower the score by more than this.
pub(crate) const GAIN: f64 = 1e-4;
/// The same for moves of a greedy stage, which leaves small gains to the refinement.
const GROWTH: f64 = 1e-3;
/// Smaller relative differences of the value are rounding.
const NOISE: f64 = 1e-9;

/// What makes one index better than another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prefer {
    /// Gain per byte.
    Ratio,
    /// Gain.
    Benefit,
}

/// Less than that is rounding, by which two indexes of a size would take turns for ever.
const BYTE: f64 = 1.0;

/// How a configuration grows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Growth {
    pub(crate) prefer: Prefer,
    /// By one column at a time: a new single-column index, or one more column for a present one.
    pub(crate) stepwise: bool,
    /// The share of the cost that each index must take away.
    pub(crate) min_share: f64,
    /// Whether to go on with estimates when no more plans may be made.
    pub(crate) coast: bool,
}

impl Growth {
    pub(crate) fn by(prefer: Prefer) -> Self {
        Self { prefer, stepwise: false, min_share: 0.0, coast: false }
    }
}

impl<S: Planner + Sizer> Search<'_, '_, S> {
    /// Adds indexes to `state` as long as that pays and fits; `banned` ones are not considered.
    pub(crate) fn grow(
        &mut self,
        state: &mut State,
        growth: Growth,
        banned: &IndexSet,
    ) -> Result<(), Interrupted> {
        let budget = self.options.storage_budget;
        let key = |goal: &Goal, state: &State, value: f64, bytes: f64| {
            let gain = state.value - value;
            let better = goal.score(value, bytes) < state.score - GROWTH;
            let fits = budget.is_none_or(|budget| bytes <= budget);
            (better && fits && gain > 0.0).then(|| match growth.prefer {
                Prefer::Benefit => gain,
                Prefer::Ratio => gain / (bytes - state.bytes).max(1.0),
            })
        };
        let accept =
            |state: &State, value: f64| state.value - value >= growth.min_share * state.value;
        let rule = Rule { key: &key, accept: &accept, done: &|_| false, coast: growth.coast };
        self.lazy(state, &rule, &|search, state, last| {
            let wanted = |id: &CandidateId| !banned.contains(*id);
            match last {
                None => {
                    let all = search.members.iter().copied().filter(wanted);
                    search.additions(state, all, growth.stepwise)
                }
                Some(Move { add: Some(added), .. }) if growth.stepwise => {
                    let table = search.cache.pool().def(*added).table;
                    let same = search.by_table.get(&table).into_iter().flatten().copied();
                    search.additions(state, same.filter(wanted), true)
                }
                Some(_) => Vec::new(),
            }
        })
    }

    /// Moves that add one of `ids` and take out what it replaces.
    fn additions(
        &self,
        state: &State,
        ids: impl Iterator<Item = CandidateId>,
        stepwise: bool,
    ) -> Vec<Move> {
        ids.filter(|&id| !state.set.contains(id))
            .flat_map(|id| {
                let def = self.cache.pool().def(id);
                let present =
                    || state.set.iter().map(|other| (other, self.cache.pool().def(other)));
                if present().any(|(_, other)| other.covers(def)) {
                    return Vec::new();
                }
                let replaced: Vec<_> =
                    present().filter(|(_, other)| def.covers(other)).map(|(id, _)| id).collect();
                let width = def.columns().count();
                let grown = |other: &CandidateId| {
                    self.cache.pool().def(*other).columns().count() + 1 == width
                };
                if stepwise && width > 1 && !replaced.iter().any(grown) {
                    return Vec::new();
                }
                let new: Vec<_> = replaced.iter().copied().filter(|&id| !self.exists(id)).collect();
                // An existing index may be needed beside the new one all the same.
                let beside = (new.len() < replaced.len()).then(|| Move::replace(new, id));
                std::iter::once(Move::replace(replaced, id)).chain(beside).collect()
            })
            .collect()
    }

    /// Comes down from `state` by dropping, shortening and merging, at the least loss per byte
    /// saved, until the configuration fits and holds nothing useless. When space has a price, goes
    /// on to the end: the tracker keeps the best on the way.
    pub(crate) fn relax(&mut self, state: &mut State) -> Result<(), Interrupted> {
        let budget = self.options.storage_budget;
        let key = |goal: &Goal, state: &State, value: f64, bytes: f64| {
            let (loss, saved) = (value - state.value, state.bytes - bytes);
            let over = budget.is_some_and(|budget| state.bytes > budget) || goal.weighs_space();
            (saved >= BYTE && (over || loss <= NOISE * state.value)).then_some(-loss / saved)
        };
        let rule = Rule { key: &key, accept: &|_, _| true, done: &|_| false, coast: true };
        self.lazy(state, &rule, &|search, state, last| match last {
            None => state.set.iter().flat_map(|id| search.reductions(state, id)).collect(),
            Some(step) => {
                step.add.into_iter().flat_map(|id| search.reductions(state, id)).collect()
            }
        })
    }

    /// Drop, prefixes and merges of a present index.
    pub(crate) fn reductions(&self, state: &State, id: CandidateId) -> Vec<Move> {
        let pool = self.cache.pool();
        let def = pool.def(id);
        let known = |def: &IndexDef| pool.find(def).filter(|&id| !self.affected[id].is_empty());
        let mut moves = vec![Move::drop(id)];
        for prefix in prefixes(def) {
            moves.extend(known(&prefix).map(|to| Move::replace(vec![id], to)));
        }
        for other in state.set.iter().filter(|&other| other != id) {
            let other_def = pool.def(other);
            if other_def.table != def.table {
                continue;
            }
            for (a, b) in [(def, other_def), (other_def, def)] {
                let merged = merge(a, b, self.options.max_columns);
                moves.extend(
                    merged.and_then(|def| known(&def)).map(|to| Move::replace(vec![id, other], to)),
                );
            }
        }
        moves.retain(|step| step.applies(&state.set) && !self.is_vain(&state.set, step));
        moves
    }
}
