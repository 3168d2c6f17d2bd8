//! Index selection: from candidates per query to a ranked recommendation.
//!
//! Stages: `picked` asks the planner which candidates it uses and breeds prefixes and merges of
//! them; `bundles` grows a configuration from nothing by what whole plans use, `ratio`, `benefit`,
//! `rounds`, `stepwise` by single indexes; `relax` comes down from everything picked; `refine`
//! improves the best of them by local search; `verify` plans the best ones exactly and takes out what
//! does not pay; `polish` goes on with plans instead of estimates; `settled` is what is left when
//! shorter indexes, doubts about plans and existing indexes have been seen to. Where nothing has a
//! price, `all` that was picked first is next to the lower bound and takes the place of the others up
//! to `verify`. Every stage leaves a valid configuration behind, so the search may end at any planner
//! call. It is deterministic: no clock, no chance.

mod bundles;
mod evaluate;
mod front;
mod frontier;
mod greedy;
mod lazy;
mod objective;
mod outcome;
mod picked;
mod refine;
mod slim;
mod state;
mod superseded;
#[cfg(test)]
mod tests;
mod upkeep;
mod verify;

pub use crate::cache::{Counters, Interrupted, StoppedBy};
pub use evaluate::{Checked, Queries, Ranked, check, evaluate};
pub use frontier::carried_over;
pub use objective::Objective;
pub use outcome::{Declined, FrontPoint, Outcome, Stage, Step};
pub use upkeep::Writing;

use crate::cache::CostCache;
use crate::index_set::IndexSet;
use crate::model::{IndexDef, QueryId};
use crate::pool::{IndexSize, Sizer};
use crate::whatif::{Phase, Planner, Progress};
use crate::writes::Upkeep;
use greedy::{Growth, Prefer};
use objective::Goal;
use picked::Picked;
use state::{Search, State};
use upkeep::Ledger;
use verify::Verified;

/// Configurations that are verified exactly.
const FINALISTS: usize = 3;
/// How often a stage is run again with what its end has taught.
const ROUNDS: usize = 4;
/// A difference of the value between estimate and plan that teaches nothing.
const SETTLED: f64 = 1e-4;
/// A second starting point is refined too when its score is this close to the best one.
const NEAR: f64 = 0.03;

/// A configuration this close to the lower bound needs no other starting point.
const CLOSE: f64 = 0.005;

/// How the growing stages judge unknown costs; see [`Search::outlook`].
const OUTLOOK: f64 = 0.7;

/// What the queries are and which indexes may help them. A query is known by its position.
pub struct Workload<'a> {
    /// Weight of each query, such as its number of calls; 1 where absent, and a query whose weight
    /// is not positive is ignored.
    pub weights: &'a [f64],
    /// Candidates of each query, the most promising first.
    pub candidates: &'a [Vec<IndexDef>],
    /// What keeping an index costs, in units of the weighted sum of costs.
    pub upkeep: &'a dyn Upkeep,
    /// Indexes that exist and may go when an advised one takes their place.
    pub existing: &'a [Existing],
}

/// An index that exists and may be dropped together with the creation of another.
#[derive(Debug, Clone, PartialEq)]
pub struct Existing {
    /// What it is. It is neither unique nor behind a constraint.
    pub def: IndexDef,
    /// How large it is.
    pub size: IndexSize,
    /// The queries that read its table, ascending.
    pub queries: Vec<QueryId>,
    /// Whether any advised index on its table may take its place if no query gets worse for it. If
    /// not, only one that has its columns in the lead may: that serves also queries nobody named.
    pub by_replanning: bool,
}

/// What is wanted, and how much may be spent on it.
#[derive(Debug, Clone)]
pub struct Options {
    /// What is minimised.
    pub objective: Objective,
    /// Bytes for all recommended indexes, less those of the indexes they take the place of; `None`
    /// is no limit.
    pub storage_budget: Option<f64>,
    /// Key columns per index.
    pub max_columns: usize,
    /// Each recommended index must cut the objective by this share of what it is without the index.
    pub min_improvement: f64,
    /// Factor r of ln(cost) + r × ln(`base_bytes` + index bytes), which is minimised if r > 0; an
    /// index then has to earn its space. With 0 only cost counts.
    pub pareto_ratio: f64,
    /// Size of the tables, for `pareto_ratio`.
    pub base_bytes: f64,
    /// No query may become worse than without any candidate by more than this share, and none of its
    /// draws ([`crate::whatif::Planner::worst`]).
    pub regression_tolerance: f64,
    /// Whether each index must also pay when what the planner leaves out
    /// ([`crate::whatif::Planner::doubt`]) is charged.
    pub second_opinion: bool,
    /// Planner calls, at most.
    pub max_calls: u64,
    /// Planner calls, at most, to find candidates beyond those that each query picks first; the
    /// queries are asked in their order.
    pub generation_calls: u64,
    /// Candidates of a table that are searched, at most: those that gain most by themselves.
    pub members_per_table: usize,
    /// Candidates per query and table that are offered to the planner at once: planning slows down
    /// with every index it sees.
    pub offer_limit: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            objective: Objective::Total,
            storage_budget: None,
            max_columns: 3,
            min_improvement: 0.0,
            pareto_ratio: 0.0,
            base_bytes: 0.0,
            regression_tolerance: 0.1,
            second_opinion: false,
            max_calls: u64::MAX,
            generation_calls: u64::MAX,
            members_per_table: usize::MAX,
            offer_limit: 80,
        }
    }
}

impl Options {
    /// Whether neither space nor the number of indexes is weighed against cost.
    fn counts_cost_only(&self) -> bool {
        self.min_improvement <= 0.0 && self.pareto_ratio <= 0.0
    }

    /// Whether any index that lowers the cost is welcome.
    fn has_no_price(&self) -> bool {
        self.counts_cost_only() && self.storage_budget.is_none()
    }
}

/// Searches the indexes that serve the workload best.
///
/// When the planner reports [`crate::whatif::Stop::Deadline`], or `max_calls` are used up, the best
/// configuration found so far is ranked from what is known and returned with `complete` unset.
///
/// # Errors
/// [`Interrupted`] when the planner was.
pub fn advise<S: Planner + Sizer>(
    workload: &Workload<'_>,
    options: &Options,
    server: &mut S,
) -> Result<Outcome, Interrupted> {
    let mut cache = CostCache::new(server, options.max_calls);
    let mut picked = picked::enter(&mut cache, workload, options);
    let none = picked.kept.clone();
    let mut base = Vec::with_capacity(workload.candidates.len());
    for query in 0..workload.candidates.len() {
        let weight = workload.weights.get(query).copied().unwrap_or(1.0);
        base.push(if weight > 0.0 { cache.cost(query, &none)? } else { f64::INFINITY });
    }
    let weights = whole_weights(workload.weights, &base);
    let present: f64 = workload.existing.iter().map(|index| index.size.bytes).sum();
    let whole = options.base_bytes + present;
    let goal = Goal::new(options.objective, weights, options.pareto_ratio, whole);
    let value = goal.total(&base);
    let progress =
        Progress { phase: Phase::Searching, rounds: 0, cost_before: value, cost_best: value };
    cache.observe(&progress);
    let first = picked.pick_first(&mut cache, &goal, &base)?;
    let mut run = Run::default();
    let relative = goal.relative(&first, &base);
    run.stages.push(Stage {
        name: "first",
        relative_cost: relative,
        calls: cache.counters().calls,
    });
    let factor = goal.upkeep_factor(&base);
    let all_of_it = options.has_no_price() && {
        let ledger = Ledger::new(workload.upkeep, cache.pool(), factor);
        let with_all = goal.with_upkeep(&first, ledger.cost(&picked.first.union(&none)));
        with_all <= goal.with_upkeep(&first, ledger.least()) * (1.0 + CLOSE)
    };
    if !all_of_it {
        picked.knock_out(&mut cache, &goal, &base, options.generation_calls / 2)?;
    }
    let members = picked.breed(&mut cache, options.max_columns);
    let ledger = Ledger::new(workload.upkeep, cache.pool(), factor);
    let mut search = Search::new(cache, goal, options, base, ledger, progress);
    search.settle_places(workload.existing, &members);
    picked.connect(&mut search, &members, workload.candidates)?;
    run.log(&mut search, "picked", value);
    if all_of_it {
        run.take_all(&mut search, &picked)?;
    } else {
        picked.seed(&mut search, options.generation_calls / 2)?;
        picked.prune(&mut search, options.members_per_table);
        run.log(&mut search, "seeded", value);
        run.search(&mut search, &picked)?;
    }
    let best = run.verify(&mut search)?;
    run.outcome(search, best, &picked)
}

/// A weight for each query with such a cost: 1 where none is given, 0 where it is of no use.
fn whole_weights(weights: &[f64], costs: &[f64]) -> Vec<f64> {
    let given = weights.iter().copied().chain(std::iter::repeat(1.0));
    let useful = |(weight, &cost): (f64, &f64)| {
        if weight.is_finite() && cost.is_finite() { weight.max(0.0) } else { 0.0 }
    };
    given.zip(costs).map(useful).collect()
}

/// The course of a search.
#[derive(Debug, Default)]
struct Run {
    stages: Vec<Stage>,
    /// The results of the stages, best first, without doubles.
    finalists: Vec<State>,
    /// The configurations that the local search began or ended with.
    refined: Vec<IndexSet>,
    phase: Phase,
}

impl Run {
    fn log<S: Planner + Sizer>(
        &mut self,
        search: &mut Search<'_, '_, S>,
        name: &'static str,
        value: f64,
    ) {
        let relative_cost = value / search.empty().value.max(f64::MIN_POSITIVE);
        self.stages.push(Stage { name, relative_cost, calls: search.cache.counters().calls });
        search.report(self.phase, self.stages.len());
    }

    /// Runs one stage from `state` and keeps the best configuration on its way.
    ///
    /// The stage works with estimates; what it ends with is planned, and when that shows an
    /// estimate to be wrong the stage runs again with what has been learnt.
    fn stage<S: Planner + Sizer>(
        &mut self,
        search: &mut Search<'_, '_, S>,
        name: &'static str,
        start: State,
        work: impl Fn(&mut Search<'_, '_, S>, &mut State) -> Result<(), Interrupted>,
    ) -> Result<Option<IndexSet>, Interrupted> {
        let former = search.tracker.take_best();
        let mut found = None;
        for round in 0..ROUNDS {
            search.attentive = round == 0;
            let mut state = search.again(&start)?;
            search.consider(&state);
            work(search, &mut state)?;
            let Some(best) = search.tracker.take_best() else { break };
            let learnt = search.learnt(&best)?;
            let settled = (learnt.value - best.value).abs() <= SETTLED * best.value;
            let better = |old: &State| learnt.score < old.score;
            if found.as_ref().is_none_or(better) {
                found = Some(learnt);
            }
            if settled || search.stopped() {
                break;
            }
        }
        search.attentive = false;
        for state in former.iter().chain(&found) {
            search.consider(state);
        }
        let mut ended = None;
        if let Some(found) = found {
            self.log(search, name, found.value);
            ended = Some(found.set.clone());
            if self.finalists.iter().all(|other| other.set != found.set) {
                self.finalists.push(found);
                self.finalists.sort_by(|a, b| a.score.total_cmp(&b.score));
            }
        }
        Ok(ended)
    }

    /// Where nothing has a price, all that the planner picked is as good as can be. The smaller
    /// configurations of the border are had from what is known, for no planner call.
    fn take_all<S: Planner + Sizer>(
        &mut self,
        search: &mut Search<'_, '_, S>,
        picked: &Picked,
    ) -> Result<(), Interrupted> {
        let mut grown = search.empty();
        search.bundle(&mut grown, &picked.first)?;
        search.tracker.take_best();
        match search.state(&picked.first.union(&picked.kept))? {
            Some(union) => self.stage(search, "all", union, |_, _| Ok(()))?,
            None => self.stage(search, "bundles", grown, |_, _| Ok(()))?,
        };
        Ok(())
    }

    /// Whether no other configuration can be much better than the best.
    fn done<S: Planner + Sizer>(&self, search: &Search<'_, '_, S>) -> bool {
        let best = self.finalists.first().map_or(f64::INFINITY, |state| state.value);
        Self::is_close(search, best)
    }

    fn is_close<S: Planner + Sizer>(search: &Search<'_, '_, S>, best: f64) -> bool {
        search.options.counts_cost_only() && best <= search.lower_bound() * (1.0 + CLOSE)
    }

    fn search<S: Planner + Sizer>(
        &mut self,
        search: &mut Search<'_, '_, S>,
        picked: &Picked,
    ) -> Result<(), Interrupted> {
        let none = &IndexSet::new();
        let empty = search.empty();
        // These two also when the search was stopped: they take no plan then, and what a plan uses
        // together is known together only.
        self.stage(search, "bundles", empty.clone(), |search, state| {
            search.bundle(state, &picked.first)
        })?;
        // At once, from the best start in most cases: of a slow planner there may be no time for more.
        self.refine(search, 1)?;
        if let Some(union) = search.state(&picked.first.union(&picked.kept))? {
            self.stage(search, "relax", union, |search, state| search.relax(state))?;
        }
        let mut growths = vec![
            ("ratio", Growth { coast: true, ..Growth::by(Prefer::Ratio) }),
            ("benefit", Growth::by(Prefer::Benefit)),
            ("stepwise", Growth { stepwise: true, ..Growth::by(Prefer::Ratio) }),
        ];
        if search.options.min_improvement > 0.0 {
            let min_share = search.options.min_improvement;
            growths.insert(0, ("rounds", Growth { min_share, ..Growth::by(Prefer::Benefit) }));
        }
        search.outlook = OUTLOOK;
        for (name, growth) in growths {
            let needed = self.finalists.is_empty();
            if !self.done(search) && (!search.stopped() || growth.coast && needed) {
                let start = empty.clone();
                self.stage(search, name, start, |search, state| search.grow(state, growth, none))?;
            }
        }
        search.outlook = 0.0;
        self.refine(search, 2)
    }

    /// Improves the best configurations, at most so many, that are near the best and not refined yet.
    fn refine<S: Planner + Sizer>(
        &mut self,
        search: &mut Search<'_, '_, S>,
        most: usize,
    ) -> Result<(), Interrupted> {
        let best = self.finalists.first().map_or(f64::INFINITY, |state| state.score);
        let starts = self
            .finalists
            .iter()
            .filter(|state| state.score < best + NEAR && !self.refined.contains(&state.set));
        for start in starts.take(most).cloned().collect::<Vec<_>>() {
            if !search.stopped() {
                self.refined.push(start.set.clone());
                let refined =
                    self.stage(search, "refine", start, |search, state| search.refine(state, 0.0))?;
                self.refined.extend(refined);
            }
        }
        Ok(())
    }

    fn verify<S: Planner + Sizer>(
        &mut self,
        search: &mut Search<'_, '_, S>,
    ) -> Result<Verified, Interrupted> {
        self.phase = Phase::Verifying;
        search.report(self.phase, self.stages.len());
        let mut best = Verified::nothing(search);
        for state in std::mem::take(&mut self.finalists).iter().take(FINALISTS) {
            let verified = search.pruned(&state.set)?;
            if verified.state.score < best.state.score {
                best = verified;
            }
        }
        let is_close = Self::is_close(search, best.state.value);
        if !is_close {
            best = search.verify(best)?;
        }
        self.log(search, "verify", best.state.value);
        if !is_close && !Self::is_close(search, best.state.value) {
            best = search.polish(best)?;
        }
        self.log(search, "polish", best.state.value);
        best = search.slim(best)?;
        if search.options.second_opinion {
            best = search.trusted(best)?;
        }
        best = search.supersede(best)?;
        self.log(search, "settled", best.state.value);
        Ok(best)
    }

    fn outcome<S: Planner + Sizer>(
        self,
        mut search: Search<'_, '_, S>,
        best: Verified,
        picked: &Picked,
    ) -> Result<Outcome, Interrupted> {
        let steps = search.rank(&best)?;
        let stopped_by = search.cache.stopped();
        let lower_bound = search.lower_bound();
        search.consider(&best.state);
        let declined = search.declined(&best.state, picked.picks())?;
        let kept = search.existing();
        let front = search.border(&best.state)?;
        let advised = |set: &IndexSet| set.difference(&kept);
        Ok(Outcome {
            dropped: kept.difference(&best.state.set),
            declined,
            steps,
            base_cost: search.empty().value,
            final_cost: best.state.value,
            last: best.state.costs,
            used: best.used.iter().map(advised).collect(),
            bytes: best.state.bytes,
            front: front
                .into_iter()
                .map(|point| FrontPoint { indexes: point.indexes.difference(&kept), ..point })
                .collect(),
            stages: self.stages,
            counters: search.cache.counters(),
            stopped_by,
            complete: stopped_by.is_none(),
            lower_bound,
            base: search.base,
            pool: search.cache.into_pool(),
        })
    }
}
