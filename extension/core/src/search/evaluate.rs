//! What indexes that somebody else chose do for the workload.

use std::collections::BTreeSet;

use crate::cache::{CostCache, Interrupted};
use crate::index_set::IndexSet;
use crate::model::{CandidateId, IndexDef, TableId};
use crate::pool::{Pool, Sizer};
use crate::search::objective::Goal;
use crate::search::outcome::{Outcome, Step};
use crate::search::upkeep::Ledger;
use crate::search::{Objective, whole_weights};
use crate::whatif::{Plan, Planner};
use crate::writes::Upkeep;

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
    let ids: Vec<CandidateId> =
        indexes.iter().map(|def| cache.intern(def)).filter(|&id| seen.insert(id)).collect();
    for tables in reads {
        let on_its_tables = |id: &CandidateId| tables.contains(&cache.pool().def(*id).table);
        let relevant: IndexSet = ids.iter().copied().filter(on_its_tables).collect();
        let tables: BTreeSet<TableId> = tables.iter().copied().collect();
        cache.add_query(&relevant, tables.into_iter().collect());
    }
    let (none, all) = (IndexSet::new(), ids.iter().copied().collect::<IndexSet>());
    let mut base = Vec::with_capacity(reads.len());
    let mut plans: Vec<Plan> = Vec::with_capacity(reads.len());
    for query in 0..reads.len() {
        base.push(cache.cost(query, &none)?);
        plans.push(cache.exact(query, &all)?);
    }
    let last: Vec<f64> = plans.iter().map(|plan| plan.cost).collect();
    let planned: Vec<f64> = base.iter().zip(&last).map(|(a, b)| a + b).collect();
    let goal = Goal::new(objective, whole_weights(weights, &planned), 0.0, 0.0);
    let counted: Vec<f64> =
        base.iter().zip(&last).map(|(a, b)| if b.is_finite() { *a } else { *b }).collect();
    let ledger = Ledger::new(upkeep, cache.pool(), goal.upkeep_factor(&counted));
    let steps = steps(&mut cache, (&goal, &ledger), reads, &ids, &base, &last)?;
    let final_cost = goal.with_upkeep(&last, ledger.cost(&all));
    Ok(Outcome {
        steps,
        base_cost: goal.total(&base),
        final_cost,
        used: plans.into_iter().map(|plan| plan.used).collect(),
        dropped: IndexSet::new(),
        declined: Vec::new(),
        bytes: bytes(cache.pool(), &ids),
        front: Vec::new(),
        stages: Vec::new(),
        counters: cache.counters(),
        stopped_by: cache.stopped(),
        complete: cache.stopped().is_none(),
        lower_bound: final_cost,
        base,
        last,
        pool: cache.into_pool(),
    })
}

/// The costs with the first one, two, … of `ids`.
fn steps<S: Planner + Sizer>(
    cache: &mut CostCache<'_, S>,
    (goal, ledger): (&Goal, &Ledger),
    reads: &[Vec<TableId>],
    ids: &[CandidateId],
    base: &[f64],
    last: &[f64],
) -> Result<Vec<Step>, Interrupted> {
    let mut steps = Vec::with_capacity(ids.len());
    let (mut set, mut costs) = (IndexSet::new(), base.to_vec());
    for (at, &candidate) in ids.iter().enumerate() {
        set.insert(candidate);
        if at + 1 == ids.len() {
            costs = last.to_vec();
        } else {
            let table = cache.pool().def(candidate).table;
            let concerned = (0..reads.len()).filter(|&query| reads[query].contains(&table));
            for query in concerned.filter(|&query| goal.weight(query) > 0.0) {
                costs[query] = cache.cost(query, &set)?;
            }
        }
        let cost = goal.with_upkeep(&costs, ledger.cost(&set));
        let writing = ledger.writing(&set);
        steps.push(Step { candidate, cost, costs: costs.clone(), drops: Vec::new(), writing });
    }
    Ok(steps)
}

fn bytes(pool: &Pool, ids: &[CandidateId]) -> f64 {
    ids.iter().map(|&id| pool.size(id).bytes.max(0.0)).sum()
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
