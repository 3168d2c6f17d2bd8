//! A workload of more statements than can be searched for one by one.
//!
//! What each statement could gain is asked once, with rough sizes; the search goes over those that
//! stand for the others ([`advisor_core::compress`]); then every statement is planned with the
//! result, so that what is reported is what was planned.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use advisor_core::candidates::{self, Limits};
use advisor_core::compress::{self, Compressed, Member, Shape};
use advisor_core::index_set::IndexSet;
use advisor_core::model::{Catalog, IndexDef, TableId};
use advisor_core::pool::Pool;
use advisor_core::search::{
    self, Counters, FrontPoint, Objective, Options, Outcome, Queries, Ranked,
};
use advisor_core::whatif::Planner;
use serde_json::{Value, json};

use crate::error::AdvisorError;
use crate::planner::ServerPlanner;
use crate::progress::Reporter;
use crate::settings;
use crate::workload::Prepared;
use crate::writes::Writes;

/// Workloads of up to so many statements are searched as they are.
const MANY: usize = 200;
/// Half of what may be lost goes to statements that are not asked because they are cheap.
const UNASKED: f64 = 0.5;
/// Costs of statements of equal shape that differ by no more than this factor, as those of the same
/// statement with other constants do, are taken to fall by the same share.
const ALIKE: f64 = 1.25;
/// Candidates that are kept while statements are asked: the planner looks at those of the
/// statement's tables only, but each takes memory.
const KEPT: usize = 4000;
/// Tables that are looked at for the sizes of indexes: each takes some ten milliseconds.
const LOOKED_AT: usize = 40;
/// Share of the remaining time in which statements are asked.
const ASKING: f64 = 0.3;
/// Share of the time left then that is kept for planning every statement with the result, at most.
const VERIFYING: f64 = 0.4;
/// Share of the search's time that may go into finding candidates.
const GENERATING: f64 = 0.6;
/// Room for plans that take longer with the advised indexes than without.
const SLOWER: f64 = 2.0;
/// Candidates of one table that are searched.
pub(crate) const MEMBERS_PER_TABLE: usize = 40;
/// How often indexes are taken out because a statement that was not searched for gets worse.
const MENDINGS: usize = 3;

/// What is known of each statement, and which of them are searched for.
pub(crate) struct Compression {
    members: Vec<Member>,
    compressed: Compressed,
    objective: Objective,
    /// A statement without candidates that has the cost of all that are left out.
    rest: Option<(usize, f64)>,
    /// Statements that were planned with all their candidates.
    asked: usize,
    /// Mean time of planning a statement.
    plan_time: Duration,
}

/// The planner calls that may go into finding candidates when so much time is left and a call takes
/// so long.
pub(crate) fn generation_calls(left: Duration, call: Duration) -> u64 {
    (left.as_secs_f64() * GENERATING / call.as_secs_f64().max(1e-6)) as u64
}

/// Chooses the statements to search for; `None` when there are so few that all are.
pub(crate) fn compress(
    planner: &mut ServerPlanner<'_>,
    catalog: &Catalog,
    prepared: &[Prepared<'_>],
    limits: &Limits,
    objective: Objective,
    progress: &Reporter,
) -> Option<Compression> {
    let max_loss = settings::max_loss();
    if prepared.len() <= MANY || max_loss <= 0.0 {
        return None;
    }
    let until = planner.bounds().left().map(|left| Instant::now() + left.mul_f64(ASKING));
    let deadline = planner.bounds().deadline();
    planner.restart(None, until);
    planner.look_at(BTreeSet::new());
    let (members, asked, plan_time) =
        ask(planner, catalog, prepared, limits, (objective, max_loss), progress);
    planner.restart(None, deadline);
    let compressed = compress::compress(objective, &members, max_loss);
    planner.look_at(largest(catalog, prepared, &compressed));
    let rest = compress::rest(objective, &members, &compressed);
    Some(Compression { members, compressed, objective, rest, asked, plan_time })
}

/// Plans each statement with all of its candidates, the dearest first; those for which there is no
/// time have no floor.
fn ask(
    planner: &mut ServerPlanner<'_>,
    catalog: &Catalog,
    prepared: &[Prepared<'_>],
    limits: &Limits,
    (objective, max_loss): (Objective, f64),
    progress: &Reporter,
) -> (Vec<Member>, usize, Duration) {
    let costs: Vec<(f64, f64)> = prepared.iter().map(|p| (p.weight, p.base_cost)).collect();
    let small = compress::negligible(objective, &costs, max_loss * UNASKED);
    let mut members: Vec<Member> = prepared
        .iter()
        .zip(&small)
        .map(|(statement, &small)| Member {
            weight: statement.weight,
            base: statement.base_cost,
            floor: small.then_some(0.0),
            shape: Shape::of(&statement.shape, false),
            used: Vec::new(),
        })
        .collect();
    let mut order: Vec<usize> = (0..prepared.len()).filter(|&at| !small[at]).collect();
    let cost = |at: usize| costs[at].0 * costs[at].1;
    order.sort_by(|&a, &b| cost(b).total_cmp(&cost(a)).then(a.cmp(&b)));
    progress.begin("asking statements", order.len());
    let mut known: BTreeMap<Shape, usize> = BTreeMap::new();
    let (mut pool, mut asked, started) = (Pool::default(), 0, Instant::now());
    for at in order {
        progress.advance();
        let Some(statement) = prepared.get(at) else { continue };
        let whole = Shape::of(&statement.shape, true);
        if let Some(&like) = known.get(&whole)
            && let Some(floor) = members[like].floor
        {
            let ratio = members[at].base / members[like].base.max(f64::MIN_POSITIVE);
            if (ALIKE.recip()..=ALIKE).contains(&ratio) {
                members[at].floor = Some(floor * ratio);
                members[at].used = members[like].used.clone();
                continue;
            }
        }
        if pool.len() > KEPT {
            pool = Pool::default();
            planner.forget();
        }
        let defs = candidates::for_query(catalog, &statement.shape, limits);
        let offered: IndexSet = defs.iter().map(|def| pool.intern(def, planner)).collect();
        let Ok(plan) = planner.plan(&pool, at, &offered) else { break };
        asked += 1;
        members[at].floor = Some(plan.cost.min(members[at].base));
        let mut used: Vec<IndexDef> = plan.used.iter().map(|id| pool.def(id).clone()).collect();
        used.sort();
        members[at].used = used;
        known.insert(whole, at);
    }
    let each = started.elapsed().div_f64(f64::from(u32::try_from(asked.max(1)).unwrap_or(1)));
    (members, asked, each)
}

/// The largest tables that the chosen statements use: where an error of an index's size counts.
fn largest(
    catalog: &Catalog,
    prepared: &[Prepared<'_>],
    compressed: &Compressed,
) -> BTreeSet<TableId> {
    let chosen = compressed.chosen.iter().filter_map(|&(at, _)| prepared.get(at));
    let used: BTreeSet<TableId> =
        chosen.flat_map(|statement| &statement.shape.uses).map(|of| of.table).collect();
    let pages = |table: &TableId| catalog.tables.get(*table).map_or(0.0, |t| t.pages);
    let mut used: Vec<TableId> = used.into_iter().collect();
    used.sort_by(|a, b| pages(b).total_cmp(&pages(a)).then(a.cmp(b)));
    used.truncate(LOOKED_AT);
    used.into_iter().collect()
}

impl Compression {
    /// The statements to search for and their weights. The last one, which is to have no
    /// candidates, stands for what is left out.
    pub(crate) fn chosen(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.compressed.chosen.iter().copied().chain(self.rest)
    }

    /// How many of them are searched for.
    pub(crate) fn representatives(&self) -> usize {
        self.compressed.chosen.len()
    }

    /// The time to keep for planning every statement with the result.
    pub(crate) fn reserve(&self, left: Duration) -> Duration {
        let wanted = self.plan_time.mul_f64(self.members.len() as f64 * SLOWER);
        wanted.min(left.mul_f64(VERIFYING))
    }

    /// Mean time of planning a statement.
    pub(crate) const fn plan_time(&self) -> Duration {
        self.plan_time
    }

    /// Plans every statement with what the search advised. An index is taken out, or one that was to
    /// go is kept, when a statement that was not searched for gets worse than is tolerated.
    ///
    /// # Errors
    /// When the search is interrupted.
    pub(crate) fn verify(
        &self,
        outcome: Outcome,
        planner: &mut ServerPlanner<'_>,
        prepared: &[Prepared<'_>],
        writes: &Writes<'_>,
        options: &Options,
    ) -> Result<(Outcome, Value), AdvisorError> {
        let weights: Vec<f64> = prepared.iter().map(|statement| statement.weight).collect();
        let reads: Vec<Vec<TableId>> = prepared
            .iter()
            .map(|statement| {
                let tables: BTreeSet<_> = statement.shape.uses.iter().map(|of| of.table).collect();
                tables.into_iter().collect()
            })
            .collect();
        let queries = Queries {
            weights: &weights,
            reads: &reads,
            existing: &writes.existing,
            objective: self.objective,
            upkeep: &writes.model,
        };
        let deadline = planner.bounds().deadline();
        let mut ranked: Ranked =
            outcome.steps.iter().map(|step| (step.candidate, step.drops.clone())).collect();
        let Outcome { mut pool, base_cost, front, stages, declined, .. } = outcome;
        let (mut counters, stopped_by) = (outcome.counters, outcome.stopped_by);
        let mut mended = 0;
        let mut whole = loop {
            planner.restart(None, deadline);
            let tolerance = options.regression_tolerance;
            let checked = search::check(pool, &ranked, &queries, tolerance, planner)
                .map_err(|_| AdvisorError::Catalog("the search was interrupted".to_owned()))?;
            counters = sum(counters, checked.outcome.counters);
            let mut out = checked.blamed;
            if mended > 0 && checked.outcome.complete {
                out = out.union(&idle(&checked.outcome));
            }
            if out.is_empty() || mended == MENDINGS {
                break checked.outcome;
            }
            mended += 1;
            ranked.retain(|(candidate, _)| !out.contains(*candidate));
            ranked.iter_mut().for_each(|(_, drops)| drops.retain(|&old| !out.contains(old)));
            pool = checked.outcome.pool;
        };
        let verified = self.verified(&whole, &queries, planner);
        let report = self.report(&whole, verified);
        let advised = FrontPoint {
            bytes: whole.bytes,
            cost: whole.final_cost,
            indexes: whole.steps.iter().map(|step| step.candidate).collect(),
            planned: whole.complete,
            knee: false,
        };
        let scale = whole.base_cost / base_cost.max(f64::MIN_POSITIVE);
        whole.front = search::carried_over(front, scale, advised, options);
        whole.stopped_by = stopped_by.or(whole.stopped_by);
        whole.complete = whole.stopped_by.is_none();
        whole.lower_bound = compress::lower_bound(self.objective, &self.members, &whole.last);
        Ok((Outcome { stages, counters, declined, ..whole }, report))
    }

    /// How many statements were planned with the result, or use no table that it changes.
    fn verified(
        &self,
        whole: &Outcome,
        queries: &Queries<'_>,
        planner: &ServerPlanner<'_>,
    ) -> usize {
        let indexed: BTreeSet<TableId> =
            whole.steps.iter().map(|step| whole.pool.def(step.candidate).table).collect();
        let dropped = whole.dropped.iter().filter_map(|id| queries.existing.get(id));
        let losing: BTreeSet<usize> = dropped.flat_map(|old| old.queries.iter().copied()).collect();
        let untouched = |at: &usize| {
            !losing.contains(at) && queries.reads[*at].iter().all(|table| !indexed.contains(table))
        };
        let known = |at: &usize| untouched(at) || planner.was_planned(*at);
        (0..self.members.len()).filter(known).count()
    }

    fn report(&self, whole: &Outcome, verified: usize) -> Value {
        let mut examined = vec![false; self.members.len()];
        for &(at, _) in &self.compressed.chosen {
            examined[at] = true;
        }
        let unexamined =
            compress::unexamined(self.objective, &self.members, &examined, &whole.last);
        json!({
            "statements": self.members.len(),
            "representatives": self.representatives(),
            "represented": self.compressed.represented,
            "dropped": self.compressed.dropped.len(),
            "not_asked": self.compressed.unknown,
            "asked": self.asked,
            "dropped_share": self.compressed.dropped_share,
            "unexamined": unexamined,
            "verified": verified,
        })
    }
}

fn sum(a: Counters, b: Counters) -> Counters {
    Counters { calls: a.calls + b.calls, saved: a.saved + b.saved }
}

/// Advised indexes that no plan uses.
fn idle(whole: &Outcome) -> IndexSet {
    let used = whole.used.iter().fold(IndexSet::new(), |all, used| all.union(used));
    let all: IndexSet = whole.steps.iter().map(|step| step.candidate).collect();
    all.difference(&used)
}
