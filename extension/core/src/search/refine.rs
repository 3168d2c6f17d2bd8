//! Local search: first improvements until no move helps.

use crate::cache::Interrupted;
use crate::index_set::IndexSet;
use crate::model::CandidateId;
use crate::pool::Sizer;
use crate::search::greedy::{GAIN, Growth, Prefer};
use crate::search::objective::Goal;
use crate::search::state::{Move, Search, Spend, State, Verdict};
use crate::whatif::Planner;

/// Passes over all moves with one outlook, at most.
const PASSES: usize = 10;
/// How the unknown is judged, in turn: first only moves that look good even if little of what is
/// possible comes true, in the end those that could gain at all.
const OUTLOOKS: [f64; 3] = [0.8, 0.4, 0.0];
/// Planner calls per query without progress after which the local search is given up.
const PATIENCE: u64 = 12;
/// The same for questions that need no call: so many, and so many more per query.
const REQUESTS: u64 = 500_000;
const REQUESTS_PER_QUERY: u64 = 500;
/// Where statements are few, so many calls are nothing to be sparing of.
pub(crate) const FEW_CALLS: u64 = 300;
/// Progress: a gain of the score of that much.
const PROGRESS: f64 = 1e-3;

/// When the search last got on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    score: f64,
    calls: u64,
    saved: u64,
}

impl<S: Planner + Sizer> Search<'_, '_, S> {
    /// Improves `state` until no move gains, or it takes too many calls to get on. An index that is
    /// added must take `min_share` of the cost away.
    pub(crate) fn refine(&mut self, state: &mut State, min_share: f64) -> Result<(), Interrupted> {
        self.mark = Some(self.mark_at(state.score));
        // Estimates leave nothing unknown to be judged.
        let skip = if self.cache.estimates() { OUTLOOKS.len() - 1 } else { 0 };
        for outlook in OUTLOOKS.into_iter().skip(skip) {
            self.outlook = outlook;
            for _ in 0..PASSES {
                let before = state.score;
                self.simple_moves(state, min_share)?;
                self.forced_additions(state, min_share)?;
                if before - state.score <= GAIN {
                    self.swaps(state, min_share)?;
                }
                if before - state.score <= GAIN {
                    break;
                }
            }
        }
        self.outlook = 0.0;
        self.mark = None;
        Ok(())
    }

    fn mark_at(&self, score: f64) -> Mark {
        let counters = self.cache.counters();
        Mark { score, calls: counters.calls, saved: counters.saved }
    }

    /// Whether to give up the local search.
    fn stalled(&mut self, score: f64) -> bool {
        let now = self.mark_at(score);
        let queries = self.base.len() as u64;
        let Some(mark) = &mut self.mark else { return self.stopped() };
        if mark.score - score >= PROGRESS {
            *mark = now;
        }
        let stalled = now.calls - mark.calls > FEW_CALLS.max(PATIENCE * queries)
            || now.calls >= self.patience
            || now.saved - mark.saved > REQUESTS + REQUESTS_PER_QUERY * queries;
        stalled || self.stopped()
    }

    /// Makes `step` if it improves the score; true if it did.
    fn attempt(
        &mut self,
        state: &mut State,
        step: &Move,
        min_share: f64,
    ) -> Result<bool, Interrupted> {
        if self.stalled(state.score) || !step.applies(&state.set) || self.is_vain(&state.set, step)
        {
            return Ok(false);
        }
        let bytes = self.bytes_after(state, step);
        if bytes > state.bytes && !self.fits(bytes) {
            return Ok(false);
        }
        let (score, value) = (state.score, state.value);
        let grows = step.remove.is_empty();
        let bar = |goal: &Goal, to: f64, bytes: f64| {
            goal.score(to, bytes) < score - GAIN && (!grows || value - to >= min_share * value)
        };
        let verdict = self.evaluate(state, step, Spend::Calls, &bar)?;
        if let Verdict::Known(trial) = verdict
            && bar(&self.goal, trial.value, bytes)
        {
            self.commit(state, step, &trial);
            self.attend(state, step)?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Drop, prefix, merge; replace on the same table; add.
    fn simple_moves(&mut self, state: &mut State, min_share: f64) -> Result<(), Interrupted> {
        for id in self.in_order(&state.set) {
            if state.set.contains(id) {
                for step in self.reductions(state, id) {
                    self.attempt(state, &step, min_share)?;
                }
            }
        }
        for id in self.in_order(&state.set) {
            let mut id = id;
            let table = self.cache.pool().def(id).table;
            for other in self.by_table.get(&table).cloned().unwrap_or_default() {
                if self.attempt(state, &Move::replace(vec![id], other), min_share)? {
                    id = other;
                }
            }
        }
        for id in self.members.clone() {
            self.attempt(state, &Move::add(id), min_share)?;
        }
        // What was dropped may be worth its place.
        for id in 0..self.places.len() {
            self.attempt(state, &Move::add(id), 0.0)?;
        }
        Ok(())
    }

    /// Adds an index that does not fit and takes out those whose loss per byte is least.
    fn forced_additions(&mut self, state: &mut State, min_share: f64) -> Result<(), Interrupted> {
        let Some(budget) = self.options.storage_budget else { return Ok(()) };
        let mut losses = self.losses(state)?;
        for id in self.members.clone() {
            let size = self.bytes(id);
            if state.bytes + size <= budget || size > budget || state.set.contains(id) {
                continue;
            }
            let mut room = budget - state.bytes - size;
            let mut evicted = Vec::new();
            for &(_, victim) in &losses {
                if room >= 0.0 {
                    break;
                }
                room += self.bytes(victim);
                evicted.push(victim);
            }
            if room >= 0.0 && self.attempt(state, &Move::replace(evicted, id), min_share)? {
                losses = self.losses(state)?;
            }
        }
        Ok(())
    }

    /// The members of a configuration with what the value loses per byte without them, least first.
    fn losses(&mut self, state: &State) -> Result<Vec<(f64, CandidateId)>, Interrupted> {
        let mut losses = Vec::new();
        for id in self.new_in_order(&state.set) {
            let loss = match self.evaluate(state, &Move::drop(id), Spend::Calls, &|_, _, _| true)? {
                Verdict::Known(trial) => trial.value - state.value,
                Verdict::Open(value) => value - state.value,
                Verdict::Refused => f64::INFINITY,
            };
            losses.push((loss / self.bytes(id).max(1.0), id));
        }
        losses.sort_by(|a, b| a.0.total_cmp(&b.0).then(self.order[a.1].cmp(&self.order[b.1])));
        Ok(losses)
    }

    /// Drops an index and grows again without it.
    fn swaps(&mut self, state: &mut State, min_share: f64) -> Result<(), Interrupted> {
        if self.options.storage_budget.is_none() && !self.goal.weighs_space() {
            return Ok(());
        }
        for id in self.new_in_order(&state.set) {
            if self.stalled(state.score) || !state.set.contains(id) {
                continue;
            }
            let step = Move::drop(id);
            let Verdict::Known(trial) =
                self.evaluate(state, &step, Spend::Calls, &|_, _, _| true)?
            else {
                continue;
            };
            let mut other = state.clone();
            self.commit(&mut other, &step, &trial);
            let growth = Growth { min_share, ..Growth::by(Prefer::Ratio) };
            self.grow(&mut other, growth, &IndexSet::from_iter([id]))?;
            if other.score < state.score - GAIN {
                *state = other;
            }
        }
        Ok(())
    }

    /// The members of a set that do not exist, in definition order.
    pub(crate) fn new_in_order(&self, set: &IndexSet) -> Vec<CandidateId> {
        let mut ids = self.in_order(set);
        ids.retain(|&id| !self.exists(id));
        ids
    }

    /// The members of a set in definition order.
    pub(crate) fn in_order(&self, set: &IndexSet) -> Vec<CandidateId> {
        let mut ids: Vec<_> = set.iter().collect();
        ids.sort_by_key(|&id| self.order[id]);
        ids
    }
}
