//! Indexes that exist and go when an advised one takes their place.
//!
//! In the search such an index is a member of every configuration that keeps it. A configuration
//! may be without it only while an index that can take its place is there: one with the same columns
//! in the lead, or, where the workload is known as a whole, any new one of the table. Whether that
//! serves the queries as well, the planner says.

use crate::cache::Interrupted;
use crate::index_set::IndexSet;
use crate::model::CandidateId;
use crate::pool::Sizer;
use crate::search::Existing;
use crate::search::objective::Goal;
use crate::search::outcome::Declined;
use crate::search::slim::SLIM;
use crate::search::state::{Move, Search, Spend, State, Verdict};
use crate::search::verify::Verified;
use crate::whatif::Planner;

/// Declined candidates that are told of, at most.
const TOLD: usize = 20;

impl<S: Planner + Sizer> Search<'_, '_, S> {
    /// Finds for each existing index what can take its place, and which queries it matters to.
    pub(crate) fn settle_places(&mut self, existing: &[Existing], members: &IndexSet) {
        let pool = self.cache.pool();
        for (id, index) in existing.iter().enumerate() {
            let covers = |other: CandidateId| pool.def(other).covers(&index.def);
            let same_table = |other: CandidateId| pool.def(other).table == index.def.table;
            let fits =
                |&other: &CandidateId| covers(other) || index.by_replanning && same_table(other);
            let covering = members.iter().filter(|&other| covers(other)).collect();
            self.places.push(Place { any: members.iter().filter(fits).collect(), covering });
            self.affected[id].clone_from(&index.queries);
        }
    }

    /// The indexes that exist.
    pub(crate) fn existing(&self) -> IndexSet {
        self.kept.clone()
    }

    pub(crate) fn exists(&self, id: CandidateId) -> bool {
        self.cache.pool().exists(id)
    }

    /// Puts those existing indexes back that nothing in the set can take the place of.
    pub(crate) fn restore(&self, set: &mut IndexSet) {
        if self.kept.is_subset(set) {
            return;
        }
        for id in self.kept.difference(set).iter() {
            if !self.places[id].any.meets(set) {
                set.insert(id);
            }
        }
    }

    /// Whether a move takes an existing index out that nothing can take the place of: it would be put
    /// back at once.
    pub(crate) fn is_vain(&self, set: &IndexSet, step: &Move) -> bool {
        let replaced = |id: CandidateId| {
            let place = &self.places[id].any;
            step.add.is_some_and(|add| place.contains(add)) || place.meets(set)
        };
        step.remove.iter().any(|&id| self.exists(id) && !replaced(id))
    }

    /// The configuration that a move leads to.
    pub(crate) fn after(&self, set: &IndexSet, step: &Move) -> IndexSet {
        let mut after = set.clone();
        for &id in &step.remove {
            after.remove(id);
        }
        if let Some(id) = step.add {
            after.insert(id);
        }
        self.restore(&mut after);
        after
    }

    /// The existing indexes in `set` that have their columns in the lead of `id`.
    pub(crate) fn superseded_by(&self, id: CandidateId, set: &IndexSet) -> Vec<CandidateId> {
        let places = self.places.iter().enumerate();
        places
            .filter(|(old, place)| set.contains(*old) && place.covering.contains(id))
            .map(|(old, _)| old)
            .collect()
    }

    /// Takes out the existing indexes that an advised one has the columns of in its lead, as long
    /// as no query gets worse than is tolerated and the workload hardly any dearer: where neither
    /// space nor writing has a price, the search has no reason to.
    pub(crate) fn supersede(&mut self, start: Verified) -> Result<Verified, Interrupted> {
        let mut best = start;
        for old in 0..self.places.len() {
            if self.stopped() {
                break;
            }
            let set = best.state.set.without(old);
            if set == best.state.set || !self.places[old].covering.meets(&set) {
                continue;
            }
            if let Some(verified) = self.exactly(&set)?
                && verified.state.value <= best.state.value * (1.0 + SLIM)
                && !self.stopped()
            {
                best = verified;
            }
        }
        Ok(best)
    }

    /// Picks that alone would pay but for their upkeep, and that nothing recommended covers.
    pub(crate) fn declined(
        &mut self,
        best: &State,
        picks: impl Iterator<Item = CandidateId>,
    ) -> Result<Vec<Declined>, Interrupted> {
        let empty = self.empty();
        let least = self.options.min_improvement.max(0.0) * empty.value;
        let mut declined = Vec::new();
        for candidate in picks {
            let upkeep = self.ledger.cost(&empty.set.with(candidate));
            let pool = self.cache.pool();
            let def = pool.def(candidate);
            if upkeep <= 0.0 || best.set.iter().any(|other| pool.def(other).covers(def)) {
                continue;
            }
            let step = Move::add(candidate);
            let bar = |_: &Goal, _: f64, _: f64| false;
            let value = match self.evaluate(&empty, &step, Spend::Nothing, &bar)? {
                Verdict::Known(trial) => trial.value,
                Verdict::Open(value) => value,
                Verdict::Refused => continue,
            };
            let gain = empty.value - value + upkeep;
            if gain > least && gain - upkeep <= least {
                declined.push(Declined { candidate, gain, upkeep });
            }
        }
        declined.sort_by(|a, b| {
            let order = |id: CandidateId| self.order[id];
            b.gain.total_cmp(&a.gain).then(order(a.candidate).cmp(&order(b.candidate)))
        });
        declined.truncate(TOLD);
        Ok(declined)
    }
}

/// What can take the place of an existing index.
#[derive(Debug, Default)]
pub(crate) struct Place {
    /// Candidates with its columns in the lead.
    pub(crate) covering: IndexSet,
    /// Those, and others that may if no query gets worse.
    pub(crate) any: IndexSet,
}
