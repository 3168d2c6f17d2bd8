//! What indexes that somebody else chose do for the workload, or those that a search over some of its
//! queries advised for all of them.

use std::collections::BTreeSet;

use crate::cache::{CostCache, Interrupted};
use crate::index_set::IndexSet;
use crate::model::{CandidateId, IndexDef, TableId};
use crate::pool::{Pool, Sizer};
use crate::search::objective::Goal;
use crate::search::outcome::{Outcome, Step};
use crate::search::upkeep::Ledger;
use crate::search::{Existing, Objective, whole_weights};
use crate::whatif::{Plan, Planner};
use crate::writes::Upkeep;

/// The queries that are planned. A query is known by its position.
pub struct Queries<'a> {
    /// Weight of each query.
    pub weights: &'a [f64],
    /// The tables that each query reads: the indexes on others are not offered to it.
    pub reads: &'a [Vec<TableId>],
    /// The indexes that exist and may be dropped.
    pub existing: &'a [Existing],
    /// What is minimised.
    pub objective: Objective,
    /// What keeping an index costs.
    pub upkeep: &'a dyn Upkeep,
}

/// Indexes in the order of their ranks, each with the existing ones that go with it.
pub type Ranked = Vec<(CandidateId, Vec<CandidateId>)>;

/// What a check came to.
#[derive(Debug)]
pub struct Checked {
    /// As of a search.
    pub outcome: Outcome,
    /// The dropped indexes without which a query gets worse than is tolerated, and the advised ones
    /// that do it to queries which use no dropped one now.
    pub blamed: IndexSet,
}

/// Plans the workload with exactly `indexes`, ranked in the order given; a double counts once.
///
/// Nothing is searched, so the outcome has no stages, no front, and its own cost as lower bound.
/// `reads` are the tables that each query reads: the indexes on others are not offered to it. A
/// query that cannot be planned, without the indexes or with them, counts nothing. What exists
/// stays.
///
/// # Errors
/// [`Interrupted`] when the planner was.
pub fn evaluate<S: Planner + Sizer>(
    weights: &[f64],
    reads: &[Vec<TableId>],
    indexes: &[IndexDef],
    objective: Objective,
    upkeep: &dyn Upkeep,
    server: &mut S,
) -> Result<Outcome, Interrupted> {
    let mut cache = CostCache::new(server, u64::MAX);
    let mut seen = BTreeSet::new();
    let ids = indexes.iter().map(|def| cache.intern(def)).filter(|&id| seen.insert(id));
    let ranked: Ranked = ids.map(|id| (id, Vec::new())).collect();
    let queries = Queries { weights, reads, existing: &[], objective, upkeep };
    Ok(planned(cache, &queries, &ranked, f64::INFINITY)?.outcome)
}

/// Plans the queries with exactly the `ranked` indexes of a pool and without those that go with them.
///
/// The pool begins with the existing indexes of `queries`. A query is worse when it, or one of its
/// draws, costs more than without any index by more than the share `tolerance`. When no more plans
/// may be made, the others count with what they cost now; those that use an index which is to go
/// count nothing, and it is blamed.
///
/// # Errors
/// [`Interrupted`] when the planner was.
pub fn check<S: Planner + Sizer>(
    pool: Pool,
    ranked: &Ranked,
    queries: &Queries<'_>,
    tolerance: f64,
    server: &mut S,
) -> Result<Checked, Interrupted> {
    planned(CostCache::over(server, pool, u64::MAX), queries, ranked, tolerance)
}

fn planned<S: Planner + Sizer>(
    mut cache: CostCache<'_, S>,
    queries: &Queries<'_>,
    ranked: &Ranked,
    tolerance: f64,
) -> Result<Checked, Interrupted> {
    let new: IndexSet = ranked.iter().map(|(id, _)| *id).collect();
    let dropped: IndexSet = ranked.iter().flat_map(|(_, drops)| drops).copied().collect();
    let existing: IndexSet = (0..cache.pool().existing()).collect();
    let all = new.union(&existing.difference(&dropped));
    add(&mut cache, queries, &new);
    let mut base = Vec::with_capacity(queries.reads.len());
    for query in 0..queries.reads.len() {
        base.push(cache.cost(query, &existing)?);
    }
    let mut plans = vec![Plan { cost: f64::INFINITY, used: IndexSet::new() }; base.len()];
    for query in dearest_first(queries.weights, &base) {
        plans[query] = cache.exact(query, &all)?;
    }
    let blamed = blamed(&mut cache, (&base, &plans), (&existing, &dropped), tolerance)?;
    let last: Vec<f64> = plans.iter().map(|plan| plan.cost).collect();
    let sums: Vec<f64> = base.iter().zip(&last).map(|(a, b)| a + b).collect();
    let goal = Goal::new(queries.objective, whole_weights(queries.weights, &sums), 0.0, 0.0);
    let counted: Vec<f64> =
        base.iter().zip(&last).map(|(a, b)| if b.is_finite() { *a } else { *b }).collect();
    let ledger = Ledger::new(queries.upkeep, cache.pool(), goal.upkeep_factor(&counted));
    let steps = steps(&mut cache, (&goal, &ledger), queries, ranked, &base, &last)?;
    let final_cost = goal.with_upkeep(&last, ledger.cost(&all));
    let outcome = Outcome {
        steps,
        base_cost: goal.total(&base),
        final_cost,
        used: plans.into_iter().map(|plan| plan.used.intersection(&new)).collect(),
        bytes: bytes(cache.pool(), &new) - bytes(cache.pool(), &dropped),
        dropped,
        declined: Vec::new(),
        front: Vec::new(),
        stages: Vec::new(),
        counters: cache.counters(),
        stopped_by: cache.stopped(),
        complete: cache.stopped().is_none(),
        lower_bound: final_cost,
        base,
        last,
        pool: cache.into_pool(),
    };
    Ok(Checked { outcome, blamed })
}

/// The queries in such an order that those which matter most are planned if time is short.
fn dearest_first(weights: &[f64], base: &[f64]) -> Vec<usize> {
    let share = |query: usize| weights.get(query).copied().unwrap_or(1.0) * base[query];
    let mut order: Vec<usize> = (0..base.len()).collect();
    order.sort_by(|&a, &b| share(b).total_cmp(&share(a)).then(a.cmp(&b)));
    order
}

/// Adds the queries with the indexes that matter to each.
fn add<S: Planner + Sizer>(cache: &mut CostCache<'_, S>, queries: &Queries<'_>, new: &IndexSet) {
    for (query, tables) in queries.reads.iter().enumerate() {
        let mut tables: BTreeSet<TableId> = tables.iter().copied().collect();
        let on_its_tables = |id: &CandidateId| tables.contains(&cache.pool().def(*id).table);
        let mut relevant: IndexSet = new.iter().filter(on_its_tables).collect();
        for (id, index) in queries.existing.iter().enumerate() {
            if index.queries.binary_search(&query).is_ok() {
                relevant.insert(id);
                tables.insert(index.def.table);
            }
        }
        cache.add_query(&relevant, tables.into_iter().collect());
    }
}

/// See [`Checked::blamed`].
fn blamed<S: Planner + Sizer>(
    cache: &mut CostCache<'_, S>,
    (base, plans): (&[f64], &[Plan]),
    (existing, dropped): (&IndexSet, &IndexSet),
    tolerance: f64,
) -> Result<IndexSet, Interrupted> {
    let mut blamed = IndexSet::new();
    let most = 1.0 + tolerance.max(0.0);
    for (query, (&before, plan)) in base.iter().zip(plans).enumerate() {
        if most.is_infinite() || !before.is_finite() || plan.cost == before {
            continue;
        }
        let worse = if plan.cost.is_finite() {
            // A plan is known by what it uses: it is the same whatever else is offered.
            plan.cost > before * most || cache.worst(query, &plan.used)? > most
        } else {
            // An error of the server's is no index's fault.
            cache.stopped().is_some()
        };
        if worse {
            let lost = cache.answer(query, existing)?.used.intersection(dropped);
            let at_fault = if lost.is_empty() { plan.used.difference(existing) } else { lost };
            blamed = blamed.union(&at_fault);
        }
    }
    Ok(blamed)
}

/// The costs with the first one, two, … of the ranked indexes.
fn steps<S: Planner + Sizer>(
    cache: &mut CostCache<'_, S>,
    (goal, ledger): (&Goal, &Ledger),
    queries: &Queries<'_>,
    ranked: &Ranked,
    base: &[f64],
    last: &[f64],
) -> Result<Vec<Step>, Interrupted> {
    let mut steps = Vec::with_capacity(ranked.len());
    let mut set: IndexSet = (0..cache.pool().existing()).collect();
    let mut costs = base.to_vec();
    for (at, (candidate, drops)) in ranked.iter().enumerate() {
        set = set.with(*candidate).difference(&drops.iter().copied().collect());
        if at + 1 == ranked.len() {
            costs = last.to_vec();
        } else {
            let table = cache.pool().def(*candidate).table;
            let reads = |query: &usize| queries.reads[*query].contains(&table);
            let mut concerned: BTreeSet<usize> = (0..base.len()).filter(reads).collect();
            for index in drops.iter().filter_map(|&id| queries.existing.get(id)) {
                concerned.extend(&index.queries);
            }
            for query in concerned.into_iter().filter(|&query| goal.weight(query) > 0.0) {
                costs[query] = cache.cost(query, &set)?;
            }
        }
        let cost = goal.with_upkeep(&costs, ledger.cost(&set));
        let (candidate, drops) = (*candidate, drops.clone());
        let writing = ledger.writing(&set);
        steps.push(Step { candidate, cost, costs: costs.clone(), drops, writing });
    }
    Ok(steps)
}

fn bytes(pool: &Pool, ids: &IndexSet) -> f64 {
    ids.iter().map(|id| pool.size(id).bytes.max(0.0)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::QueryId;
    use crate::pool::IndexSize;
    use crate::testing::{Scripted, made_up};

    fn free(_: &IndexDef, _: IndexSize) -> f64 {
        0.0
    }

    fn scripted(
        script: fn(QueryId, &[i16]) -> (f64, Vec<i16>),
        columns: &[i16],
        queries: usize,
    ) -> Outcome {
        let defs: Vec<IndexDef> =
            columns.iter().map(|&column| IndexDef::on(0, &[column])).collect();
        let mut planner = Scripted { script, bytes: vec![8192.0, 16384.0, 8192.0], calls: 0 };
        let reads = vec![vec![0]; queries];
        evaluate(&[2.0, 1.0], &reads, &defs, Objective::Total, &free, &mut planner).unwrap()
    }

    #[test]
    fn no_indexes_change_nothing() {
        let outcome = scripted(|_, _| (100.0, vec![]), &[], 2);
        assert!(outcome.steps.is_empty() && outcome.complete);
        assert_eq!((outcome.base_cost, outcome.final_cost, outcome.bytes), (300.0, 300.0, 0.0));
        assert_eq!(outcome.base, outcome.last);
    }

    #[test]
    fn indexes_are_ranked_in_the_order_given_and_doubles_count_once() {
        let script: fn(QueryId, &[i16]) -> (f64, Vec<i16>) = |query, columns| match query {
            0 if columns.contains(&2) => (10.0, vec![2]),
            1 if columns.contains(&1) => (50.0, vec![1]),
            _ => (100.0, vec![]),
        };
        let outcome = scripted(script, &[2, 1, 2, 3], 2);
        let costs: Vec<f64> = outcome.steps.iter().map(|step| step.cost).collect();
        assert_eq!(costs, [120.0, 70.0, 70.0]);
        assert_eq!((outcome.base_cost, outcome.final_cost, outcome.bytes), (300.0, 70.0, 32768.0));
        let used: Vec<Vec<i16>> = outcome
            .used
            .iter()
            .map(|used| used.iter().map(|id| outcome.pool.def(id).keys[0].column).collect())
            .collect();
        assert_eq!(used, [[2], [1]]);
    }

    #[test]
    fn worse_is_told_and_not_refused() {
        let outcome = scripted(|_, c| (100.0 + c.len() as f64 * 900.0, c.to_vec()), &[1], 2);
        assert_eq!((outcome.base_cost, outcome.final_cost), (300.0, 3000.0));
    }

    #[test]
    fn a_query_that_cannot_be_planned_counts_nothing() {
        let fails = |query, columns: &[i16]| match query {
            0 if !columns.is_empty() => (f64::INFINITY, vec![]),
            _ => (100.0, vec![]),
        };
        let outcome = scripted(fails, &[1], 2);
        assert_eq!((outcome.base_cost, outcome.final_cost), (100.0, 100.0));
    }

    #[test]
    fn costs_are_those_of_the_planner_with_all_of_them() {
        for seed in 0..20 {
            let mut planner = made_up(seed, 3, 8, 3);
            let candidates = planner.candidates();
            let defs: Vec<IndexDef> =
                candidates.iter().filter_map(|own| own.first().cloned()).collect();
            let reads: Vec<Vec<TableId>> = planner
                .queries
                .iter()
                .map(|query| query.scans.iter().map(|scan| scan.table).collect())
                .collect();
            let outcome =
                evaluate(&[], &reads, &defs, Objective::Total, &free, &mut planner).unwrap();
            let all: IndexSet = outcome.steps.iter().map(|step| step.candidate).collect();
            for (query, &cost) in outcome.last.iter().enumerate() {
                let plan = planner.plan(&outcome.pool, query, &all).unwrap();
                assert!((plan.cost - cost).abs() <= 1e-9 * cost);
            }
            assert_eq!(outcome.steps.last().map(|step| step.cost), Some(outcome.final_cost));
        }
    }
}
