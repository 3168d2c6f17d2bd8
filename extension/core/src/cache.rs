//! What the planner answered so far, and what follows from it without asking again.
//!
//! A plan made with the indexes R offered that uses U of them is also the plan for every set S with
//! U ⊆ S ⊆ R: no call. For other sets two bounds hold as far as the planner is monotone: a set costs
//! no less than any of its supersets, and no more than any plan whose used indexes it contains.

mod memo;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::index_set::IndexSet;
use crate::model::{CandidateId, IndexDef, QueryId, TableId};
use crate::pool::{IndexSize, Pool, Sizer};
use crate::whatif::{Plan, Planner, Progress, Stop};
use memo::{Entry, Memo};

/// Share by which a superset's plan may be dearer than the subset's and still not surprise: the
/// planner breaks monotonicity by more than this in about one pair of seventy.
const SLACK: f64 = 0.001;
/// A lower and an upper bound closer than this share are taken for the answer.
const MEET: f64 = 0.002;
/// Slack of the floor that bounds sets no superset of which was ever planned.
const FLOOR_SLACK: f64 = 0.01;
/// Requests between two questions to the planner whether to go on.
const POLL_EVERY: u64 = 1024;

/// The user cancelled: there is no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the search was interrupted")]
pub struct Interrupted;

/// Why no further plan is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoppedBy {
    /// The planner reported the time limit.
    Deadline,
    /// The planner reported the memory limit.
    Memory,
    /// The limit on planner calls is used up.
    CallLimit,
}

/// How the requests were answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Planner calls.
    pub calls: u64,
    /// Requests answered without one.
    pub saved: u64,
}

/// What is known of a cost without planning, in planner units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// The cost is hardly lower than this.
    pub lower: f64,
    /// The cost is hardly higher than this.
    pub upper: f64,
    /// Whether both are the cost itself.
    pub exact: bool,
}

/// Memo of plan answers over one planner, which it also asks for sizes.
#[derive(Debug)]
pub struct CostCache<'a, S> {
    server: &'a mut S,
    pool: Pool,
    memos: Vec<Memo>,
    /// Plans of a query for a set with every index on its tables, relevant or not.
    exact: BTreeMap<(QueryId, IndexSet), Plan>,
    /// What was doubted about such plans.
    doubts: BTreeMap<(QueryId, IndexSet), f64>,
    /// By which factor the worst draw of such a plan gets dearer.
    worst: BTreeMap<(QueryId, IndexSet), f64>,
    /// The set in question, projected.
    want: Vec<u64>,
    counters: Counters,
    call_limit: u64,
    stopped: Option<StoppedBy>,
    since_poll: u64,
    interrupted: bool,
    estimating: bool,
}

impl<'a, S: Planner + Sizer> CostCache<'a, S> {
    /// An empty cache without queries. At most `call_limit` plans will be made.
    pub fn new(server: &'a mut S, call_limit: u64) -> Self {
        Self::over(server, Pool::default(), call_limit)
    }

    /// The same over candidates that are numbered already.
    pub fn over(server: &'a mut S, pool: Pool, call_limit: u64) -> Self {
        Self {
            server,
            pool,
            memos: Vec::new(),
            exact: BTreeMap::new(),
            doubts: BTreeMap::new(),
            worst: BTreeMap::new(),
            want: Vec::new(),
            counters: Counters::default(),
            call_limit,
            stopped: None,
            since_poll: 0,
            interrupted: false,
            estimating: false,
        }
    }

    /// From now on a cost that is not known is taken to be that of the cheapest plan seen whose
    /// indexes are all there: an upper bound, and the cost itself once [`CostCache::learn`] has
    /// seen the plan that the planner would make. Costs then come without planner calls.
    pub fn estimate(&mut self, on: bool) {
        self.estimating = on;
    }

    /// Whether costs are estimated.
    pub fn estimates(&self) -> bool {
        self.estimating
    }

    /// Plans `query` with `set` unless the answer is known, and returns the cost.
    ///
    /// # Errors
    /// [`Interrupted`] when the planner was.
    pub fn learn(&mut self, query: QueryId, set: &IndexSet) -> Result<f64, Interrupted> {
        let memo = &mut self.memos[query];
        memo.project(set, &mut self.want);
        let (scan, _) = memo.scan(&self.want);
        if let Some(hit) = scan.hit {
            self.counters.saved += 1;
            return Ok(memo.entries[hit].cost);
        }
        Ok(self.plan(query, set)?.map_or(scan.upper, |plan| plan.cost))
    }

    /// The number of `def`, which is sized and added when it is new.
    pub fn intern(&mut self, def: &IndexDef) -> CandidateId {
        self.pool.intern(def, self.server)
    }

    /// Adds an index that exists and may be dropped, see [`Pool::add_existing`].
    pub fn add_existing(&mut self, def: &IndexDef, size: IndexSize) -> CandidateId {
        self.pool.add_existing(def, size)
    }

    /// Adds a query that reads `tables` and to which only the candidates in `relevant` matter.
    pub fn add_query(&mut self, relevant: &IndexSet, tables: Vec<TableId>) -> QueryId {
        self.memos.push(Memo::new(relevant, tables));
        self.memos.len() - 1
    }

    /// Changes which candidates matter to a query. `aliases` says for a candidate which other one
    /// is for this query at least as good; it sharpens the bounds.
    pub fn set_relevant(
        &mut self,
        query: QueryId,
        relevant: &IndexSet,
        aliases: &[(CandidateId, CandidateId)],
    ) {
        self.memos[query].focus(relevant, aliases);
    }

    /// Tells the planner how far the search has come.
    pub fn observe(&mut self, progress: &Progress) {
        self.server.observe(progress);
    }

    /// The candidates.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Gives the candidates back.
    pub fn into_pool(self) -> Pool {
        self.pool
    }

    /// How the requests so far were answered.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Why no more plans are made, if so: costs are upper bounds from then on.
    pub fn stopped(&self) -> Option<StoppedBy> {
        self.stopped
    }

    /// The lowest cost of `query` that any plan had; infinite before the first.
    pub fn floor(&self, query: QueryId) -> f64 {
        self.memos[query].floor
    }

    /// The plans of `query` that are known, each as what it uses and the lowest cost seen with that.
    pub fn plans(&self, query: QueryId) -> Vec<Plan> {
        let memo = &self.memos[query];
        let mut found: BTreeMap<IndexSet, f64> = BTreeMap::new();
        for (at, entry) in memo.entries.iter().enumerate() {
            let cost = found.entry(memo.expand(memo.sides(at).1)).or_insert(entry.cost);
            *cost = cost.min(entry.cost);
        }
        found.into_iter().map(|(used, cost)| Plan { cost, used }).collect()
    }

    /// What is known of the cost of `query` with `set`, without planning.
    pub fn bounds(&mut self, query: QueryId, set: &IndexSet) -> Bounds {
        self.poll();
        let memo = &mut self.memos[query];
        memo.project(set, &mut self.want);
        let (scan, _) = memo.scan(&self.want);
        if let Some(hit) = scan.hit {
            self.counters.saved += 1;
            let cost = memo.entries[hit].cost;
            return Bounds { lower: cost, upper: cost, exact: true };
        }
        if self.estimating && scan.upper.is_finite() {
            self.counters.saved += 1;
            return Bounds { lower: scan.upper, upper: scan.upper, exact: true };
        }
        if scan.lower >= scan.upper * (1.0 - MEET)
            && scan.upper.is_finite()
            && let Some(at) = scan.cheapest
        {
            // Written down, so that the same request keeps its answer.
            self.counters.saved += 1;
            let used = memo.sides(at).1.to_vec();
            memo.push(Entry { cost: scan.upper, planned: false }, &self.want, &used);
            return Bounds { lower: scan.upper, upper: scan.upper, exact: true };
        }
        let lower = if scan.lower > 0.0 {
            scan.lower * (1.0 - SLACK)
        } else if memo.floor.is_finite() {
            memo.floor * (1.0 - FLOOR_SLACK)
        } else {
            0.0
        };
        Bounds { lower: lower.min(scan.upper), upper: scan.upper, exact: false }
    }

    /// The cost of `query` with `set`; an upper bound when no more plans may be made, infinite when
    /// not even that is known.
    ///
    /// # Errors
    /// [`Interrupted`] when the planner was.
    pub fn cost(&mut self, query: QueryId, set: &IndexSet) -> Result<f64, Interrupted> {
        let bounds = self.bounds(query, set);
        if bounds.exact {
            return self.unless_interrupted(bounds.upper);
        }
        Ok(self.plan(query, set)?.map_or(bounds.upper, |plan| plan.cost))
    }

    /// Learns more about the cost of `query` with `set` by one plan with more indexes than that:
    /// those of the superset that bounds it best, without the ones whose use made that plan
    /// cheaper. The answer bounds all sets in between as well, and if the plan gets by with `set`
    /// it is the cost; so a plan or two settle candidates by the dozen.
    ///
    /// # Errors
    /// [`Interrupted`] when the planner was.
    pub fn peel(&mut self, query: QueryId, set: &IndexSet) -> Result<Bounds, Interrupted> {
        let memo = &mut self.memos[query];
        memo.project(set, &mut self.want);
        let (scan, reduced) = memo.scan(&self.want);
        let reduced = reduced.map(<[u64]>::to_vec);
        let mut offered = memo.expand(&self.want);
        if let (None, Some((at, of_reduced))) = (scan.hit, scan.tightest) {
            let target = match &reduced {
                Some(reduced) if of_reduced => memo.expand(reduced),
                _ => offered,
            };
            let (more, used) = memo.sides(at);
            offered = memo.expand(more).difference(&memo.expand(used).difference(&target));
        }
        self.plan(query, &offered)?;
        Ok(self.bounds(query, set))
    }

    /// Plans `query` with the relevant part of `set` and remembers the answer.
    fn plan(&mut self, query: QueryId, set: &IndexSet) -> Result<Option<Plan>, Interrupted> {
        let memo = &self.memos[query];
        memo.project(set, &mut self.want);
        let offered = memo.expand(&self.want);
        let Some(plan) = self.call(query, &offered)? else { return Ok(None) };
        let memo = &mut self.memos[query];
        let mut used = Vec::new();
        memo.project(&plan.used, &mut used);
        memo.push(Entry { cost: plan.cost, planned: true }, &self.want, &used);
        Ok(Some(plan))
    }

    /// The answer for `query` with `set` as [`CostCache::cost`] gives it, with the indexes used.
    ///
    /// # Errors
    /// [`Interrupted`] when the planner was.
    pub fn answer(&mut self, query: QueryId, set: &IndexSet) -> Result<Plan, Interrupted> {
        self.cost(query, set)?;
        let memo = &mut self.memos[query];
        memo.project(set, &mut self.want);
        let (scan, _) = memo.scan(&self.want);
        let Some(at) = scan.hit.or(scan.cheapest) else {
            return Ok(Plan { cost: f64::INFINITY, used: IndexSet::new() });
        };
        Ok(Plan { cost: memo.entries[at].cost, used: memo.expand(memo.sides(at).1) })
    }

    /// The plan of `query` with every index of `set` on its tables offered, never concluded from
    /// another set's plan; falls back to [`CostCache::answer`] when no more plans may be made.
    ///
    /// # Errors
    /// [`Interrupted`] when the planner was.
    pub fn exact(&mut self, query: QueryId, set: &IndexSet) -> Result<Plan, Interrupted> {
        let offered = self.on_its_tables(query, set);
        let memo = &self.memos[query];
        memo.project(&offered, &mut self.want);
        if memo.expand(&self.want) == offered
            && let Some(at) = (0..memo.entries.len())
                .find(|&at| memo.entries[at].planned && memo.sides(at).0 == self.want)
        {
            self.counters.saved += 1;
            let used = memo.expand(memo.sides(at).1);
            return Ok(Plan { cost: memo.entries[at].cost, used });
        }
        let key = (query, offered);
        if let Some(plan) = self.exact.get(&key) {
            self.counters.saved += 1;
            return Ok(plan.clone());
        }
        let Some(plan) = self.call(query, &key.1)? else { return self.answer(query, set) };
        self.memos[query].note(&key.1, &plan);
        self.exact.insert(key, plan.clone());
        Ok(plan)
    }

    /// What the planner may have left out of the cost of `query` with `set`; nothing when no more
    /// plans may be made.
    ///
    /// # Errors
    /// [`Interrupted`] when the planner was.
    pub fn doubt(&mut self, query: QueryId, set: &IndexSet) -> Result<f64, Interrupted> {
        self.unless_interrupted(())?;
        let key = (query, self.on_its_tables(query, set));
        if let Some(&doubt) = self.doubts.get(&key) {
            return Ok(doubt);
        }
        if self.stopped.is_some() {
            return Ok(0.0);
        }
        match self.server.doubt(&self.pool, query, &key.1) {
            Ok(doubt) => {
                self.doubts.insert(key, doubt);
                Ok(doubt)
            }
            Err(stop) => {
                self.note(stop);
                self.unless_interrupted(0.0)
            }
        }
    }

    /// By which factor the worst draw of `query` gets dearer with `set`; 0 when that takes plans that may
    /// no longer be made.
    ///
    /// # Errors
    /// [`Interrupted`] when the planner was.
    pub fn worst(&mut self, query: QueryId, set: &IndexSet) -> Result<f64, Interrupted> {
        self.unless_interrupted(())?;
        let key = (query, self.on_its_tables(query, set));
        if let Some(&worst) = self.worst.get(&key) {
            return Ok(worst);
        }
        match self.server.worst(&self.pool, query, &key.1) {
            Ok(worst) => {
                self.worst.insert(key, worst);
                Ok(worst)
            }
            Err(stop) => {
                self.note(stop);
                self.unless_interrupted(0.0)
            }
        }
    }

    fn on_its_tables(&self, query: QueryId, set: &IndexSet) -> IndexSet {
        let tables = &self.memos[query].tables;
        set.iter().filter(|&id| tables.binary_search(&self.pool.def(id).table).is_ok()).collect()
    }

    fn call(&mut self, query: QueryId, offered: &IndexSet) -> Result<Option<Plan>, Interrupted> {
        self.unless_interrupted(())?;
        if self.stopped.is_none() && self.counters.calls >= self.call_limit {
            self.stopped = Some(StoppedBy::CallLimit);
        }
        if self.stopped.is_some() {
            return Ok(None);
        }
        self.since_poll = 0;
        match self.server.plan(&self.pool, query, offered) {
            Ok(plan) => {
                self.counters.calls += 1;
                let cost = if plan.cost.is_nan() { f64::INFINITY } else { plan.cost };
                Ok(Some(Plan { cost, used: plan.used.intersection(offered) }))
            }
            Err(stop) => {
                self.note(stop);
                self.unless_interrupted(None)
            }
        }
    }

    fn poll(&mut self) {
        self.since_poll += 1;
        if self.since_poll >= POLL_EVERY {
            self.since_poll = 0;
            if let Err(stop) = self.server.poll() {
                self.note(stop);
            }
        }
    }

    fn note(&mut self, stop: Stop) {
        match stop {
            Stop::Deadline => self.stopped = self.stopped.or(Some(StoppedBy::Deadline)),
            Stop::Memory => self.stopped = self.stopped.or(Some(StoppedBy::Memory)),
            Stop::Interrupted => self.interrupted = true,
        }
    }

    /// `value`, unless the planner was interrupted.
    ///
    /// # Errors
    /// [`Interrupted`] then.
    pub fn unless_interrupted<T>(&self, value: T) -> Result<T, Interrupted> {
        if self.interrupted { Err(Interrupted) } else { Ok(value) }
    }
}
