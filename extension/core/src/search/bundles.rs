//! Growing by whole plans.
//!
//! Two indexes of a join may gain only together, which growing by one index cannot see, and coming
//! down from everything takes a plan for nearly each step. But each plan that is known says what a
//! statement costs with just the indexes that it uses: a bundle. Those are taken by what they gain
//! for their size, as DB2Advis takes single indexes (Valentin et al., ICDE 2000), for no planner call
//! at all, so that a search which has no time for more has a good configuration all the same.

use std::collections::BTreeMap;

use crate::cache::Interrupted;
use crate::index_set::IndexSet;
use crate::model::QueryId;
use crate::pool::Sizer;
use crate::search::state::{Move, Search, Spend, State, Verdict};
use crate::whatif::{Plan, Planner};

/// A bundle whose gain per byte has fallen below this share of what it was is ranked again: those
/// taken before it serve the same statements.
const FRESH: f64 = 0.8;
/// How often the bundles are ranked.
const RANKINGS: usize = 40;

/// How many of the bundles that gain most go first once each.
const TRIES: usize = 8;

/// What a plan uses beyond what is there.
#[derive(Debug)]
struct Bundle {
    set: IndexSet,
    /// Of the objective's sum, over all statements.
    gain: f64,
    bytes: f64,
}

impl Bundle {
    fn ratio(&self) -> f64 {
        self.gain / self.bytes.max(1.0)
    }
}

impl<S: Planner + Sizer> Search<'_, '_, S> {
    /// Adds what known plans use to `state`, the most gain per byte first, as long as the score falls
    /// and it fits. Of what is equal, the planner's `first` picks go before others.
    ///
    /// Small bundles may fill a budget so that a large one, worth more than all of them, finds no
    /// room. So some of the largest gains each have one try to go first.
    pub(crate) fn bundle(
        &mut self,
        state: &mut State,
        first: &IndexSet,
    ) -> Result<(), Interrupted> {
        let wanted = (0..self.base.len()).filter(|&query| self.goal.weight(query) > 0.0);
        let plans: Vec<(QueryId, Vec<Plan>)> =
            wanted.map(|query| (query, self.cache.plans(query))).collect();
        let mut best = self.filled_by_ratio(state.clone(), &plans, first)?;
        if self.options.storage_budget.is_some() {
            let mut ranked = self.ranked(state, &plans, first);
            ranked.retain(|one| self.fits(state.bytes + one.bytes));
            ranked.sort_by(|a, b| b.gain.total_cmp(&a.gain));
            for one in ranked.into_iter().take(TRIES) {
                let Some(start) = self.with_bundle(state, &one.set, 0.0)? else { continue };
                let other = self.filled_by_ratio(start, &plans, first)?;
                if other.score < best.score {
                    best = other;
                }
            }
        }
        *state = best;
        Ok(())
    }

    /// `state` with more and more of what gains most per byte.
    fn filled_by_ratio(
        &mut self,
        mut state: State,
        plans: &[(QueryId, Vec<Plan>)],
        first: &IndexSet,
    ) -> Result<State, Interrupted> {
        for _ in 0..RANKINGS {
            let mut taken = false;
            for one in self.ranked(&state, plans, first) {
                if let Some(next) = self.with_bundle(&state, &one.set, FRESH * one.ratio())? {
                    state = next;
                    taken = true;
                }
            }
            if !taken {
                break;
            }
        }
        Ok(state)
    }

    /// What the plans that are cheaper than now use beyond `state`, the most gain per byte over all
    /// statements first.
    fn ranked(
        &self,
        state: &State,
        plans: &[(QueryId, Vec<Plan>)],
        first: &IndexSet,
    ) -> Vec<Bundle> {
        let mut gains: BTreeMap<IndexSet, f64> = BTreeMap::new();
        for &(query, ref plans) in plans {
            let now = state.costs[query];
            let mut best: BTreeMap<IndexSet, f64> = BTreeMap::new();
            for plan in plans.iter().filter(|plan| plan.cost < now) {
                let cheapest = best.entry(plan.used.difference(&state.set)).or_insert(plan.cost);
                *cheapest = cheapest.min(plan.cost);
            }
            for (bundle, cost) in best {
                let gain = self.goal.share(query, now) - self.goal.share(query, cost);
                *gains.entry(bundle).or_default() += gain;
            }
        }
        let whole = |(set, gain): (IndexSet, f64)| {
            let bytes = set.iter().map(|id| self.bytes(id)).sum();
            Bundle { set, gain, bytes }
        };
        let mut ranked: Vec<Bundle> = gains.into_iter().map(whole).collect();
        let picked = |one: &Bundle| one.set.is_subset(first);
        ranked.sort_by(|a, b| {
            let better = b.ratio().total_cmp(&a.ratio());
            better.then_with(|| picked(b).cmp(&picked(a))).then_with(|| a.set.cmp(&b.set))
        });
        ranked
    }

    /// `state` with what it lacks of a bundle, if it fits, is better, and gains so much per byte.
    fn with_bundle(
        &mut self,
        state: &State,
        bundle: &IndexSet,
        ratio: f64,
    ) -> Result<Option<State>, Interrupted> {
        let missing = bundle.difference(&state.set);
        let bytes: f64 = missing.iter().map(|id| self.bytes(id)).sum();
        if missing.is_empty() || !self.fits(state.bytes + bytes) {
            return Ok(None);
        }
        let mut next = state.clone();
        for id in missing.iter() {
            let step = Move::add(id);
            match self.evaluate(&next, &step, Spend::Nothing, &|_, _, _| true)? {
                Verdict::Known(trial) => self.commit(&mut next, &step, &trial),
                Verdict::Open(_) | Verdict::Refused => return Ok(None),
            }
        }
        let gain = state.sum - next.sum;
        let better = next.score < state.score && gain >= ratio * bytes.max(1.0);
        Ok(better.then_some(next))
    }
}
