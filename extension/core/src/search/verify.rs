//! The last pass: plans made for the very configuration, indexes that do not pay taken out, and the
//! rest ranked.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::cache::Interrupted;
use crate::index_set::IndexSet;
use crate::model::{CandidateId, QueryId};
use crate::pool::Sizer;
use crate::search::greedy::{GAIN, Growth, Prefer};
use crate::search::objective::Goal;
use crate::search::outcome::Step;
use crate::search::refine::FEW_CALLS;
use crate::search::state::{Move, Search, Spend, State, Trial, Verdict};
use crate::whatif::Planner;

/// How often freed space is filled again.
const REFILLS: usize = 3;

/// Share of a query's cost from which on a doubt matters.
const SUSPICIOUS: f64 = 0.01;
/// An index without which the workload costs more than this many times as much stays, even if a
/// query may get worse by it.
const ESSENTIAL: f64 = 1.5;
/// How often the doubtful indexes are gone through.
const SECOND_THOUGHTS: usize = 2;

/// Up to so many indexes are ranked by what each adds to those before it; the time for that grows
/// with the square, so the first of a larger set are ranked by what each gains alone.
const RANKED: usize = 100;

/// A configuration whose costs are those of its own plans.
#[derive(Debug, Clone)]
pub(crate) struct Verified {
    pub(crate) state: State,
    /// The indexes that each query's plan uses.
    pub(crate) used: Vec<IndexSet>,
}

/// A configuration in the light of the doubts about its plans.
#[derive(Debug)]
struct Judged {
    set: IndexSet,
    bytes: f64,
    value: f64,
    /// The indexes in doubtful plans.
    suspects: IndexSet,
    /// Queries that become worse than is tolerated.
    worse: usize,
}

impl Judged {
    /// Whether this is the better configuration: fewer queries get worse, unless that costs the
    /// workload too much; then the cheaper one.
    fn beats(&self, other: &Self) -> bool {
        match self.worse.cmp(&other.worse) {
            Ordering::Less => self.value <= other.value * ESSENTIAL,
            Ordering::Equal => self.value < other.value,
            Ordering::Greater => self.value * ESSENTIAL < other.value,
        }
    }
}

impl Verified {
    /// The empty configuration.
    pub(crate) fn nothing<S: Planner + Sizer>(search: &Search<'_, '_, S>) -> Self {
        let used = vec![IndexSet::new(); search.base.len()];
        Self { state: search.empty(), used }
    }
}

impl<S: Planner + Sizer> Search<'_, '_, S> {
    /// Plans every query with exactly the indexes of `set`; `None` if that shows a query to become
    /// worse than is tolerated.
    pub(crate) fn exactly(&mut self, set: &IndexSet) -> Result<Option<Verified>, Interrupted> {
        let mut costs = self.base.clone();
        let mut used = vec![IndexSet::new(); costs.len()];
        for query in 0..costs.len() {
            if self.goal.weight(query) > 0.0 {
                let plan = self.cache.exact(query, set)?;
                costs[query] = plan.cost;
                used[query] = plan.used;
            }
        }
        for query in self.queries_with(set) {
            if self.goal.weight(query) > 0.0 && self.worst_draw(query, set)? > self.tolerated(1.0) {
                return Ok(None);
            }
        }
        Ok(self.state_with(set.clone(), costs).map(|state| Verified { state, used }))
    }

    /// By which factor the worst draw of a query gets dearer. Nothing changes for one whose cost stays
    /// the same.
    fn worst_draw(&mut self, query: QueryId, set: &IndexSet) -> Result<f64, Interrupted> {
        let plan = self.cache.exact(query, set)?;
        if plan.cost == self.base[query] {
            return Ok(1.0);
        }
        // A plan is known by what it uses: it is the same whatever else is offered.
        self.cache.worst(query, &plan.used)
    }

    /// Verifies a configuration: replans it, takes out what does not pay and fills freed space,
    /// until nothing changes.
    pub(crate) fn verify(&mut self, start: Verified) -> Result<Verified, Interrupted> {
        let mut best = start;
        for _ in 0..REFILLS {
            if self.stopped() {
                break;
            }
            let mut state = best.state.clone();
            self.refine(&mut state, self.options.min_improvement.max(0.0))?;
            if state.set == best.state.set {
                break;
            }
            let next = self.pruned(&state.set)?;
            if next.state.score >= best.state.score - GAIN {
                break;
            }
            best = next;
        }
        Ok(best)
    }

    /// Goes on with plans where the estimates, good for the large moves, know of no better one: for no
    /// more calls than the search took, unless those were few.
    pub(crate) fn polish(&mut self, start: Verified) -> Result<Verified, Interrupted> {
        let calls = self.cache.counters().calls;
        self.patience = calls.saturating_add(calls.max(FEW_CALLS));
        self.cache.estimate(false);
        let best = self.verify(start);
        self.cache.estimate(true);
        self.patience = u64::MAX;
        best
    }

    /// Takes out indexes that pay only by the planner's own word, or puts the same columns in
    /// another order in their place: whatever makes the workload cheapest once the doubts about
    /// the plans are charged.
    pub(crate) fn trusted(&mut self, start: Verified) -> Result<Verified, Interrupted> {
        let Some(mut best) = self.judge(&start.state.set)? else { return Ok(start) };
        let mut tried = best.set.clone();
        for _ in 0..REFILLS {
            best = self.second_thoughts(best)?;
            let rejected = tried.difference(&best.set);
            let Some(filled) = self.filled(&best, &rejected)? else { break };
            tried = tried.union(&filled.set);
            best = filled;
        }
        if best.set == start.state.set {
            return Ok(start);
        }
        let found = self.exactly(&best.set)?.filter(|found| self.fits(found.state.bytes));
        Ok(found.unwrap_or(start))
    }

    /// Goes through the doubtful indexes of a configuration until none is better gone.
    fn second_thoughts(&mut self, start: Judged) -> Result<Judged, Interrupted> {
        let mut best = start;
        for _ in 0..SECOND_THOUGHTS {
            let before = best.set.clone();
            for id in self.new_in_order(&best.suspects) {
                if best.set.contains(id) && !self.stopped() {
                    best = self.reconsider(best, id)?;
                }
            }
            let set = self.without_prefixes(&best.set);
            if set != best.set {
                best = self.judge(&set)?.unwrap_or(best);
            }
            if best.set == before {
                break;
            }
        }
        Ok(best)
    }

    /// A better configuration that has something else in the place of what was rejected, if any.
    fn filled(
        &mut self,
        best: &Judged,
        rejected: &IndexSet,
    ) -> Result<Option<Judged>, Interrupted> {
        if self.stopped() || rejected.difference(&self.existing()).is_empty() {
            return Ok(None);
        }
        let costs = self.state(&best.set)?;
        let Some(mut state) = costs else { return Ok(None) };
        let min_share = self.options.min_improvement.max(0.0);
        let growth = Growth { min_share, ..Growth::by(Prefer::Ratio) };
        self.grow(&mut state, growth, rejected)?;
        let fits = state.set != best.set && self.fits(state.bytes);
        let judged = if fits { self.judge(&state.set)? } else { None };
        Ok(judged.filter(|judged| self.fits(judged.bytes) && judged.beats(best)))
    }

    /// The best of a configuration, the one without `id`, and those with its columns reordered.
    fn reconsider(&mut self, now: Judged, id: CandidateId) -> Result<Judged, Interrupted> {
        let mut without = now.set.without(id);
        self.restore(&mut without);
        let drops = self.existing().difference(&now.set);
        let mut best = now;
        if let Some(judged) = self.judge(&without)?
            && (judged.value <= best.value && judged.worse <= best.worse || judged.beats(&best))
            && self.fits(judged.bytes)
        {
            best = judged;
        }
        for other in self.permutations(id) {
            let mut set = without.with(other).difference(&drops);
            self.restore(&mut set);
            if let Some(judged) = self.judge(&set)?
                && judged.beats(&best)
                && self.fits(judged.bytes)
            {
                best = judged;
            }
        }
        Ok(best)
    }

    /// The value of a configuration with the doubts about its plans charged; `None` if a query
    /// becomes worse than is tolerated.
    fn judge(&mut self, set: &IndexSet) -> Result<Option<Judged>, Interrupted> {
        let mut costs = self.base.clone();
        let queries = self.queries_with(set);
        for &query in &queries {
            costs[query] = self.cache.learn(query, set)?;
        }
        let Some(state) = self.state_with(set.clone(), costs) else { return Ok(None) };
        let (mut sum, mut suspects, mut worse) = (0.0, IndexSet::new(), 0);
        for (query, &cost) in state.costs.iter().enumerate() {
            if self.goal.weight(query) <= 0.0 {
                continue;
            }
            // The plan is known by what it uses: the doubt is the same whatever else is offered.
            let used = match queries.binary_search(&query) {
                Ok(_) => self.cache.answer(query, set)?.used,
                Err(_) => self.used_now(query)?,
            };
            let doubt = self.cache.doubt(query, &used)?;
            if doubt > SUSPICIOUS * cost {
                suspects = suspects.union(&used);
                let now = self.used_now(query)?;
                let before = self.base[query] + self.cache.doubt(query, &now)?;
                worse += usize::from(cost + doubt > self.tolerated(before));
            }
            sum += self.goal.share(query, cost + doubt);
        }
        let value = self.goal.value(sum, state.upkeep);
        Ok(Some(Judged { set: state.set, bytes: state.bytes, value, suspects, worse }))
    }

    /// The existing indexes up for decision that the present plan of a query uses.
    fn used_now(&mut self, query: QueryId) -> Result<IndexSet, Interrupted> {
        if self.places.is_empty() {
            return Ok(IndexSet::new());
        }
        Ok(self.cache.answer(query, &self.existing())?.used)
    }

    /// The searched candidates with the same columns as `id` in another order.
    fn permutations(&self, id: CandidateId) -> Vec<CandidateId> {
        let pool = self.cache.pool();
        let columns = |id: CandidateId| -> (BTreeSet<i16>, BTreeSet<i16>) {
            let def = pool.def(id);
            (def.keys.iter().map(|key| key.column).collect(), def.include.iter().copied().collect())
        };
        let wanted = columns(id);
        let same = self.by_table.get(&pool.def(id).table).into_iter().flatten().copied();
        same.filter(|&other| other != id && columns(other) == wanted).collect()
    }

    /// Replans `set` and drops the weakest index until each is worth its place; in the end that
    /// may be the empty configuration.
    pub(crate) fn pruned(&mut self, set: &IndexSet) -> Result<Verified, Interrupted> {
        let mut set = set.clone();
        loop {
            // An existing index that comes back takes space that an advised one had.
            let verified = self.exactly(&set)?.filter(|found| self.fits(found.state.bytes));
            let Some(verified) = verified else {
                let Some(last) = self.least_useful(&set)? else { break };
                set.remove(last);
                self.restore(&mut set);
                continue;
            };
            let used = verified.used.iter().fold(IndexSet::new(), |all, used| all.union(used));
            let mut needed = self.without_prefixes(&used.difference(&self.existing()));
            needed = needed.union(&self.existing().intersection(&set));
            self.restore(&mut needed);
            if !set.is_subset(&needed) {
                set = needed;
                continue;
            }
            let mut state = verified.state.clone();
            if !self.drop_weak(&mut state)? {
                return Ok(verified);
            }
            set = state.set;
        }
        Ok(Verified::nothing(self))
    }

    /// A configuration without the indexes that are the beginning of another one in it: what such
    /// an index saves by being smaller is seldom worth a second structure to keep. Only where each
    /// index has to bring a minimum anyway.
    fn without_prefixes(&self, set: &IndexSet) -> IndexSet {
        if self.options.min_improvement <= 0.0 {
            return set.clone();
        }
        let def = |id| self.cache.pool().def(id);
        let longer = |id| set.iter().any(|other| other != id && def(other).covers(def(id)));
        set.iter().filter(|&id| self.exists(id) || !longer(id)).collect()
    }

    /// Drops the indexes that do not pay, the weakest first; whether there was one.
    fn drop_weak(&mut self, state: &mut State) -> Result<bool, Interrupted> {
        let least = self.options.min_improvement.max(0.0);
        let mut dropped = false;
        loop {
            let mut weak = Vec::new();
            for id in self.new_in_order(&state.set) {
                if let Some((value, ..)) = self.weakness(state, id, least)? {
                    weak.push((value, id));
                }
            }
            weak.sort_by(|a, b| a.0.total_cmp(&b.0).then(self.order[a.1].cmp(&self.order[b.1])));
            let Some(&(first, _)) = weak.first() else { break };
            // Those that are as weak as the weakest go at once; the others may be needed then. Of a
            // search that was stopped each goes that is still weak when its turn comes.
            let stopped = self.stopped();
            let together = weak.iter().filter(|weak| stopped || weak.0 <= first * (1.0 + GAIN));
            for &(_, id) in together {
                if let Some((_, step, trial)) = self.weakness(state, id, least)? {
                    self.commit(state, &step, &trial);
                    dropped = true;
                }
            }
        }
        Ok(dropped)
    }

    /// What it leads to to drop an index that does not pay; `None` for one that does.
    fn weakness(
        &mut self,
        state: &State,
        id: CandidateId,
        least: f64,
    ) -> Result<Option<(f64, Move, Trial)>, Interrupted> {
        let (score, value) = (state.score, state.value);
        let weak = |goal: &Goal, without: f64, bytes: f64| {
            let share = (without - value) / without.max(f64::MIN_POSITIVE);
            share <= 0.0 || share < least || goal.score(without, bytes) <= score
        };
        let step = Move::drop(id);
        match self.evaluate(state, &step, Spend::Calls, &weak)? {
            Verdict::Known(trial)
                if weak(&self.goal, trial.value, self.bytes_after(state, &step)) =>
            {
                Ok(Some((trial.value, step, trial)))
            }
            _ => Ok(None),
        }
    }

    /// Of a configuration that is refused as a whole, the index that ranks last.
    fn least_useful(&mut self, set: &IndexSet) -> Result<Option<CandidateId>, Interrupted> {
        let mut least: Option<(f64, CandidateId)> = None;
        for id in self.new_in_order(set) {
            let mut without = set.without(id);
            self.restore(&mut without);
            let mut excess = 0.0;
            for query in self.queries_with(set) {
                let cost = self.cache.exact(query, &without)?.cost;
                let over = cost / self.base[query].max(f64::MIN_POSITIVE);
                excess = f64::max(excess, over.max(self.worst_draw(query, &without)?));
            }
            if least.is_none_or(|(other, _)| excess < other) {
                least = Some((excess, id));
            }
        }
        Ok(least.map(|(_, id)| id))
    }

    /// The final set in order of marginal gain, with the costs on the way.
    pub(crate) fn rank(&mut self, verified: &Verified) -> Result<Vec<Step>, Interrupted> {
        let mut state = self.empty();
        let mut left = self.new_in_order(&verified.state.set);
        let dropped = self.existing().difference(&verified.state.set);
        if left.len() > RANKED {
            left = self.by_own_gain(left)?;
        }
        let mut steps = Vec::new();
        while !left.is_empty() {
            let mut best: Option<(f64, usize)> = None;
            let considered = if left.len() > RANKED { 0 } else { left.len() };
            for (at, &id) in left.iter().enumerate().take(considered) {
                let least = best.map_or(f64::INFINITY, |(value, _)| value);
                let bar = |_: &_, value: f64, _: f64| value < least;
                let step = Move::add(id);
                if let Verdict::Known(trial) = self.evaluate(&state, &step, Spend::Calls, &bar)?
                    && trial.value < least
                {
                    best = Some((trial.value, at));
                }
            }
            // An index that alone is refused, or brings infinite cost, comes last.
            let id = left.remove(best.map_or(0, |(_, at)| at));
            let mut drops = self.superseded_by(id, &state.set.intersection(&dropped));
            if left.is_empty() {
                drops = state.set.intersection(&dropped).iter().collect();
            }
            let set = state.set.with(id).difference(&drops.iter().copied().collect());
            let mut costs = state.costs.clone();
            if left.is_empty() {
                costs.clone_from(&verified.state.costs);
            } else {
                for query in self.queries_of(std::iter::once(id).chain(drops.iter().copied())) {
                    costs[query] = self.cache.cost(query, &set)?;
                }
            }
            state = self.state_at(set, costs);
            let writing = self.ledger.writing(&state.set);
            let (cost, costs) = (state.value, state.costs.clone());
            steps.push(Step { candidate: id, cost, costs, drops, writing });
        }
        Ok(steps)
    }

    /// The indexes in order of what each gains alone.
    fn by_own_gain(&mut self, ids: Vec<CandidateId>) -> Result<Vec<CandidateId>, Interrupted> {
        let empty = self.empty();
        let mut gains = Vec::new();
        for id in ids {
            let value =
                match self.evaluate(&empty, &Move::add(id), Spend::Nothing, &|_, _, _| false)? {
                    Verdict::Known(trial) => trial.value,
                    Verdict::Open(value) => value,
                    Verdict::Refused => f64::INFINITY,
                };
            gains.push((value, id));
        }
        gains.sort_by(|a, b| a.0.total_cmp(&b.0).then(self.order[a.1].cmp(&self.order[b.1])));
        Ok(gains.into_iter().map(|(_, id)| id).collect())
    }
}
