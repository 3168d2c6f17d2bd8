//! A configuration with its costs, and moves that lead to others.

use std::collections::BTreeMap;

use crate::cache::{Bounds, CostCache, Interrupted};
use crate::index_set::IndexSet;
use crate::model::{CandidateId, QueryId, TableId};
use crate::pool::Sizer;
use crate::search::Options;
use crate::search::front::Tracker;
use crate::search::objective::Goal;
use crate::search::refine::Mark;
use crate::search::superseded::Place;
use crate::search::upkeep::Ledger;
use crate::whatif::{Phase, Planner, Progress};

/// What is uncertain about a move may remain so if it is at most this share of what is certain.
const DOUBT: f64 = 0.15;

/// A configuration.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) set: IndexSet,
    /// By query.
    pub(crate) costs: Vec<f64>,
    /// Sum of the queries' shares in the objective.
    pub(crate) sum: f64,
    pub(crate) upkeep: f64,
    pub(crate) bytes: f64,
    pub(crate) value: f64,
    pub(crate) score: f64,
}

/// A change of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Move {
    pub(crate) remove: Vec<CandidateId>,
    pub(crate) add: Option<CandidateId>,
}

/// Where a move leads.
#[derive(Debug, Default)]
pub(crate) struct Trial {
    changes: Vec<(QueryId, f64)>,
    sum: f64,
    upkeep: f64,
    bytes: f64,
    pub(crate) value: f64,
}

/// How far the evaluation of a move came.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// All of it is known.
    Known(Trial),
    /// The value is at best this, which was not interesting enough to learn more.
    Open(f64),
    /// A query would become worse than is tolerated.
    Refused,
}

/// How much may be spent on the evaluation of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spend {
    /// No planner call at all.
    Nothing,
    /// Calls as long as the outcome may be interesting.
    Calls,
}

/// Everything a stage works with.
pub(crate) struct Search<'a, 'b, S> {
    pub(crate) cache: CostCache<'a, S>,
    pub(crate) goal: Goal,
    pub(crate) options: &'b Options,
    /// Cost of each query without any candidate.
    pub(crate) base: Vec<f64>,
    /// What writing costs.
    pub(crate) ledger: Ledger,
    /// The indexes that exist.
    pub(crate) kept: IndexSet,
    /// By existing index, what can take its place.
    pub(crate) places: Vec<Place>,
    /// The candidates that are searched, in definition order.
    pub(crate) members: Vec<CandidateId>,
    /// Position of each candidate in definition order.
    pub(crate) order: Vec<usize>,
    /// The members by table.
    pub(crate) by_table: BTreeMap<TableId, Vec<CandidateId>>,
    /// By candidate, the queries to which it matters.
    pub(crate) affected: Vec<Vec<QueryId>>,
    pub(crate) tracker: Tracker,
    /// Whether a move that has been made is planned at once.
    pub(crate) attentive: bool,
    /// Between 0 and 1: how near the upper bound an unknown cost is expected to be. With 0 no move
    /// is skipped that could be good.
    pub(crate) outlook: f64,
    /// When the local search last got on.
    pub(crate) mark: Option<Mark>,
    /// The number of planner calls at which the local search is given up.
    pub(crate) patience: u64,
    /// What the planner is told.
    progress: Progress,
    /// The set under trial.
    trial: IndexSet,
    /// Which queries were met, all false between uses.
    met: Vec<bool>,
}

impl<'a, 'b, S: Planner + Sizer> Search<'a, 'b, S> {
    pub(crate) fn new(
        cache: CostCache<'a, S>,
        goal: Goal,
        options: &'b Options,
        base: Vec<f64>,
        ledger: Ledger,
        progress: Progress,
    ) -> Self {
        let met = vec![false; base.len()];
        let mut ids: Vec<CandidateId> = (0..cache.pool().len()).collect();
        ids.sort_by(|&a, &b| cache.pool().def(a).cmp(cache.pool().def(b)));
        let mut order = vec![0; ids.len()];
        for (position, &id) in ids.iter().enumerate() {
            order[id] = position;
        }
        Self {
            affected: vec![Vec::new(); ids.len()],
            kept: (0..cache.pool().existing()).collect(),
            cache,
            goal,
            options,
            base,
            ledger,
            places: Vec::new(),
            members: Vec::new(),
            order,
            by_table: BTreeMap::new(),
            tracker: Tracker::default(),
            attentive: false,
            outlook: 0.0,
            mark: None,
            patience: u64::MAX,
            progress,
            trial: IndexSet::new(),
            met,
        }
    }

    /// The configuration without candidates: what exists.
    pub(crate) fn empty(&self) -> State {
        self.state_at(self.existing(), self.base.clone())
    }

    fn sum(&self, costs: &[f64]) -> f64 {
        costs.iter().enumerate().map(|(query, &cost)| self.goal.share(query, cost)).sum()
    }

    /// The objective with each query at the lowest cost seen.
    pub(crate) fn lower_bound(&self) -> f64 {
        let floors: Vec<f64> = (0..self.base.len()).map(|query| self.cache.floor(query)).collect();
        self.goal.value(self.sum(&floors), self.ledger.least())
    }

    /// The configuration `set`; `None` if a query becomes worse with it than is tolerated.
    pub(crate) fn state(&mut self, set: &IndexSet) -> Result<Option<State>, Interrupted> {
        let mut costs = self.base.clone();
        for query in self.queries_with(set) {
            costs[query] = self.cache.cost(query, set)?;
        }
        Ok(self.state_with(set.clone(), costs))
    }

    /// The configuration `set` with known costs, if no query becomes worse than is tolerated.
    pub(crate) fn state_with(&self, set: IndexSet, costs: Vec<f64>) -> Option<State> {
        let refused = |(query, &cost): (usize, &f64)| {
            self.goal.weight(query) > 0.0 && cost > self.limit(query)
        };
        if costs.iter().enumerate().any(refused) {
            return None;
        }
        Some(self.state_at(set, costs))
    }

    /// The configuration `set` with known costs.
    pub(crate) fn state_at(&self, set: IndexSet, costs: Vec<f64>) -> State {
        let (bytes, upkeep) = self.weigh(&set);
        let sum = self.sum(&costs);
        let value = self.goal.value(sum, upkeep);
        let score = self.goal.score(value, bytes);
        State { set, costs, sum, upkeep, bytes, value, score }
    }

    /// Bytes and upkeep of a configuration beyond those of what exists, always added up in the same
    /// order.
    fn weigh(&self, set: &IndexSet) -> (f64, f64) {
        (self.bytes_of(set), self.ledger.cost(set))
    }

    pub(crate) fn bytes_of(&self, set: &IndexSet) -> f64 {
        let dropped = self.existing().difference(set);
        let freed: f64 = dropped.iter().map(|id| self.bytes(id)).sum();
        let new = set.iter().filter(|&id| !self.exists(id));
        new.fold(0.0, |bytes, id| bytes + self.bytes(id)) - freed
    }

    pub(crate) fn bytes(&self, id: CandidateId) -> f64 {
        self.cache.pool().size(id).bytes.max(0.0)
    }

    pub(crate) fn fits(&self, bytes: f64) -> bool {
        self.options.storage_budget.is_none_or(|budget| bytes <= budget)
    }

    /// The cost beyond which a query is refused.
    fn limit(&self, query: QueryId) -> f64 {
        self.tolerated(self.base[query])
    }

    /// The cost that is tolerated for a query that costs `before`.
    pub(crate) fn tolerated(&self, before: f64) -> f64 {
        before * (1.0 + self.options.regression_tolerance.max(0.0))
    }

    /// Whether no more plans will be made.
    pub(crate) fn stopped(&self) -> bool {
        self.cache.stopped().is_some()
    }

    /// The queries to which the difference between a configuration and what exists matters,
    /// ascending.
    pub(crate) fn queries_with(&mut self, set: &IndexSet) -> Vec<QueryId> {
        let changed = self.changes(&self.existing(), set);
        self.queries_of(changed.iter())
    }

    /// What is in one of two sets only.
    pub(crate) fn changes(&self, a: &IndexSet, b: &IndexSet) -> IndexSet {
        a.difference(b).union(&b.difference(a))
    }

    /// The queries to which any of `ids` matters, ascending.
    pub(crate) fn queries_of(&mut self, ids: impl Iterator<Item = CandidateId>) -> Vec<QueryId> {
        let mut queries = Vec::new();
        for id in ids {
            for &query in &self.affected[id] {
                if !std::mem::replace(&mut self.met[query], true) {
                    queries.push(query);
                }
            }
        }
        for &query in &queries {
            self.met[query] = false;
        }
        queries.sort_unstable();
        queries
    }

    /// Evaluates a move of `state`, at the price of planner calls only while `bar` finds the best
    /// value that is still possible (given with the bytes) interesting.
    pub(crate) fn evaluate(
        &mut self,
        state: &State,
        step: &Move,
        spend: Spend,
        bar: &dyn Fn(&Goal, f64, f64) -> bool,
    ) -> Result<Verdict, Interrupted> {
        let (bytes, upkeep, queries) = self.set_trial(state, step);
        let mut trial = Trial { changes: Vec::new(), sum: state.sum, upkeep, bytes, value: 0.0 };
        let mut open = Vec::new();
        for query in queries {
            let (bounds, old) = (self.cache.bounds(query, &self.trial), state.costs[query]);
            let lower_share = self.expected(query, bounds);
            trial.sum += lower_share - self.goal.share(query, old);
            if bounds.exact {
                if bounds.upper > old.max(self.limit(query)) {
                    return Ok(Verdict::Refused);
                }
                if bounds.upper != old {
                    trial.changes.push((query, bounds.upper));
                }
            } else {
                let doubt =
                    self.goal.share(query, bounds.upper.min(self.base[query])) - lower_share;
                open.push((doubt, query, lower_share));
            }
        }
        trial.value = self.goal.value(trial.sum, trial.upkeep);
        if open.is_empty() {
            return Ok(Verdict::Known(trial));
        }
        if spend == Spend::Nothing {
            return Ok(Verdict::Open(trial.value));
        }
        self.resolve(state, trial, open, bar)
    }

    /// Makes the configuration that a move leads to the one under trial; its bytes and upkeep, and the
    /// queries to which the difference matters, ascending.
    fn set_trial(&mut self, state: &State, step: &Move) -> (f64, f64, Vec<QueryId>) {
        let mut changed: Vec<CandidateId> = step.remove.iter().chain(&step.add).copied().collect();
        if self.places.is_empty() {
            self.trial.clone_from(&state.set);
            for &id in &step.remove {
                self.trial.remove(id);
            }
            self.trial.extend(step.add);
        } else {
            self.trial = self.after(&state.set, step);
            changed = self.changes(&state.set, &self.trial).iter().collect();
        }
        let mut bytes = state.bytes;
        for &id in &changed {
            bytes += if self.trial.contains(id) { self.bytes(id) } else { -self.bytes(id) };
        }
        let upkeep = state.upkeep + self.ledger.difference(&state.set, &self.trial, &changed);
        (bytes, upkeep, self.queries_of(changed.into_iter()))
    }

    /// What a query with such bounds is expected to add to the sum.
    fn expected(&self, query: QueryId, bounds: Bounds) -> f64 {
        let lower = self.goal.share(query, bounds.lower);
        if bounds.exact {
            return lower;
        }
        let upper = self.goal.share(query, bounds.upper.min(self.base[query]));
        lower + self.outlook * (upper - lower)
    }

    /// Plans the queries of a move whose cost is not known, the most uncertain first.
    fn resolve(
        &mut self,
        state: &State,
        mut trial: Trial,
        mut open: Vec<(f64, QueryId, f64)>,
        bar: &dyn Fn(&Goal, f64, f64) -> bool,
    ) -> Result<Verdict, Interrupted> {
        open.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut doubt: f64 = open.iter().map(|entry| entry.0).sum();
        for (own_doubt, query, mut lower_share) in open {
            if doubt <= DOUBT * (state.sum - trial.sum - doubt).abs() {
                // Not worth a plan: the upper bound.
                self.settle(state, &mut trial, query, lower_share);
                continue;
            }
            doubt -= own_doubt;
            if !bar(&self.goal, trial.value, trial.bytes) {
                return Ok(Verdict::Open(trial.value));
            }
            let old = state.costs[query];
            let more = self.cache.peel(query, &self.trial)?;
            if !more.exact && !self.stopped() {
                let peeled = self.expected(query, more);
                trial.sum += peeled - lower_share;
                lower_share = peeled;
                trial.value = self.goal.value(trial.sum, trial.upkeep);
                if !bar(&self.goal, trial.value, trial.bytes) {
                    return Ok(Verdict::Open(trial.value));
                }
            }
            let cost = self.cache.cost(query, &self.trial)?;
            if cost > old.max(self.limit(query)) {
                return Ok(Verdict::Refused);
            }
            trial.sum += self.goal.share(query, cost) - lower_share;
            trial.value = self.goal.value(trial.sum, trial.upkeep);
            if cost != old {
                trial.changes.push((query, cost));
            }
        }
        Ok(Verdict::Known(trial))
    }

    /// Takes the upper bound for the cost of a query.
    fn settle(&mut self, state: &State, trial: &mut Trial, query: QueryId, lower_share: f64) {
        let upper = self.cache.bounds(query, &self.trial).upper.min(self.base[query]);
        trial.sum += self.goal.share(query, upper) - lower_share;
        trial.value = self.goal.value(trial.sum, trial.upkeep);
        if upper != state.costs[query] {
            trial.changes.push((query, upper));
        }
    }

    /// A configuration with what is known of its costs by now.
    pub(crate) fn again(&mut self, state: &State) -> Result<State, Interrupted> {
        let mut costs = self.base.clone();
        for query in self.queries_with(&state.set) {
            costs[query] = self.cache.cost(query, &state.set)?;
        }
        Ok(self.state_at(state.set.clone(), costs))
    }

    /// A configuration with the costs of its own plans.
    pub(crate) fn learnt(&mut self, state: &State) -> Result<State, Interrupted> {
        let mut costs = self.base.clone();
        for query in self.queries_with(&state.set) {
            costs[query] = self.cache.learn(query, &state.set)?;
        }
        Ok(self.state_at(state.set.clone(), costs))
    }

    /// Makes a move and shows the configuration to the tracker.
    pub(crate) fn commit(&mut self, state: &mut State, step: &Move, trial: &Trial) {
        state.set = self.after(&state.set, step);
        for &(query, cost) in &trial.changes {
            state.costs[query] = cost;
        }
        (state.sum, state.bytes, state.upkeep) = (trial.sum, trial.bytes, trial.upkeep);
        state.value = self.goal.value(state.sum, state.upkeep);
        state.score = self.goal.score(state.value, state.bytes);
        self.consider(state);
    }

    /// Plans the queries that a move just made concerns, if the stage is to learn on its way.
    pub(crate) fn attend(&mut self, state: &mut State, step: &Move) -> Result<(), Interrupted> {
        if !self.attentive || self.stopped() {
            return Ok(());
        }
        let concerned: Vec<QueryId> = match self.places.is_empty() {
            true => self.queries_of(step.remove.iter().chain(&step.add).copied()),
            false => self.queries_with(&state.set),
        };
        for query in concerned {
            state.costs[query] = self.cache.learn(query, &state.set)?;
        }
        *state = self.state_at(state.set.clone(), std::mem::take(&mut state.costs));
        self.consider(state);
        Ok(())
    }

    /// Shows a configuration to the tracker.
    pub(crate) fn consider(&mut self, state: &State) {
        let allowed = self.fits(state.bytes);
        self.tracker.consider(state, allowed);
        if allowed && state.value < self.progress.cost_best {
            self.progress.cost_best = state.value;
            self.cache.observe(&self.progress);
        }
    }

    /// Tells the planner that another stage is done, or another phase begins.
    pub(crate) fn report(&mut self, phase: Phase, rounds: usize) {
        self.progress = Progress { phase, rounds, ..self.progress };
        self.cache.observe(&self.progress);
    }
}

impl Move {
    pub(crate) fn add(id: CandidateId) -> Self {
        Self { remove: Vec::new(), add: Some(id) }
    }

    pub(crate) fn drop(id: CandidateId) -> Self {
        Self { remove: vec![id], add: None }
    }

    pub(crate) fn replace(remove: Vec<CandidateId>, add: CandidateId) -> Self {
        Self { remove, add: Some(add) }
    }

    /// Whether the move makes sense from `set`.
    pub(crate) fn applies(&self, set: &IndexSet) -> bool {
        self.remove.iter().all(|&id| set.contains(id))
            && self.add.is_none_or(|id| !set.contains(id))
    }
}
