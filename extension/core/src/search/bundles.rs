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

impl<S: Planner + Sizer> Search<'_, '_, S> {
    /// Adds what known plans use to `state`, the most gain per byte first, as long as the score falls
    /// and it fits. Of what is equal, the planner's `first` picks go before others.
    pub(crate) fn bundle(
        &mut self,
        state: &mut State,
        first: &IndexSet,
    ) -> Result<(), Interrupted> {
        let wanted = (0..self.base.len()).filter(|&query| self.goal.weight(query) > 0.0);
        let plans: Vec<(QueryId, Vec<Plan>)> =
            wanted.map(|query| (query, self.cache.plans(query))).collect();
        for _ in 0..RANKINGS {
            let mut taken = false;
            for (ratio, bundle) in self.ranked(state, &plans, first) {
                if let Some(next) = self.with_bundle(state, &bundle, FRESH * ratio)? {
                    *state = next;
                    taken = true;
                }
            }
            if !taken {
                break;
            }
        }
        Ok(())
    }

    /// What the plans that are cheaper than now use beyond `state`, with its gain per byte over all
    /// statements, the best first.
    fn ranked(
        &self,
        state: &State,
        plans: &[(QueryId, Vec<Plan>)],
        first: &IndexSet,
    ) -> Vec<(f64, IndexSet)> {
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
        let ratio = |(bundle, gain): (IndexSet, f64)| {
            let bytes: f64 = bundle.iter().map(|id| self.bytes(id)).sum();
            (gain / bytes.max(1.0), bundle)
        };
        let mut ranked: Vec<(f64, IndexSet)> = gains.into_iter().map(ratio).collect();
        let picked = |bundle: &IndexSet| bundle.is_subset(first);
        ranked.sort_by(|a, b| {
            let better = b.0.total_cmp(&a.0);
            better.then_with(|| picked(&b.1).cmp(&picked(&a.1))).then_with(|| a.1.cmp(&b.1))
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
