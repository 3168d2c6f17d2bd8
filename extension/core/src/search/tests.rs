//! The search over made-up planners.

mod existing;

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::model::QueryId;
use crate::pool::Pool;
use crate::testing::{FakePlanner, FakeQuery, Scripted, made_up};
use crate::whatif::{Plan, Stop};

fn no_upkeep(_: &IndexDef, _: IndexSize) -> f64 {
    0.0
}

fn workload(candidates: &[Vec<IndexDef>]) -> Workload<'_> {
    Workload { weights: &[], candidates, upkeep: &no_upkeep, existing: &[] }
}

fn run(planner: &mut FakePlanner, options: &Options) -> Outcome {
    let candidates = planner.candidates();
    advise(&workload(&candidates), options, planner).unwrap()
}

fn half(planner: &FakePlanner) -> Options {
    Options { storage_budget: Some(planner.table_bytes() * 0.5), ..Options::default() }
}

/// Runs over single-column indexes on the first table, the same candidates for each query.
fn scripted(
    script: fn(QueryId, &[i16]) -> (f64, Vec<i16>),
    queries: usize,
    bytes: &[f64],
    options: &Options,
) -> (Vec<i16>, Outcome) {
    let defs: Vec<IndexDef> =
        (1..=bytes.len()).map(|column| IndexDef::on(0, &[column as i16])).collect();
    let mut planner = Scripted { script, bytes: bytes.to_vec(), calls: 0 };
    let outcome = advise(&workload(&vec![defs; queries]), options, &mut planner).unwrap();
    let columns =
        outcome.steps.iter().map(|step| outcome.pool.def(step.candidate).keys[0].column).collect();
    (columns, outcome)
}

/// What must hold of every outcome.
fn assert_valid(outcome: &Outcome, options: &Options) {
    let ids: BTreeSet<_> = outcome.steps.iter().map(|step| step.candidate).collect();
    assert_eq!(ids.len(), outcome.steps.len());
    let bytes: f64 = ids.iter().map(|&id| outcome.pool.size(id).bytes).sum();
    assert!((bytes - outcome.bytes).abs() <= 1e-6 * bytes);
    assert!(options.storage_budget.is_none_or(|budget| bytes <= budget));
    assert!(ids.iter().all(|&id| outcome.pool.def(id).keys.len() <= options.max_columns));
    assert!(outcome.final_cost <= outcome.base_cost);
    for (last, base) in outcome.last.iter().zip(&outcome.base) {
        assert!(*last <= base * (1.0 + options.regression_tolerance) + 1e-9);
    }
    assert!(outcome.front.iter().filter(|point| point.knee).count() == 1);
    for pair in outcome.front.windows(2) {
        assert!(pair[0].bytes < pair[1].bytes && pair[0].cost > pair[1].cost);
    }
    assert_eq!(outcome.complete, outcome.stopped_by.is_none());
    if let Some(step) = outcome.steps.last() {
        assert_eq!(step.cost, outcome.final_cost);
        assert_eq!(step.costs, outcome.last);
    }
}

fn essence(outcome: &Outcome) -> String {
    format!("{:?} {:?} {:?}", outcome.steps, outcome.front, outcome.counters)
}

#[test]
fn what_a_join_uses_together_is_advised_when_no_plan_may_be_made_any_more() {
    let script = |query, columns: &[i16]| match query {
        0 if columns.contains(&1) && columns.contains(&2) => (10.0, vec![1, 2]),
        1 if columns.contains(&3) => (60.0, vec![3]),
        2 if columns.contains(&4) => (90.0, vec![4]),
        _ => (100.0, vec![]),
    };
    // Each statement was planned twice: without any candidate, and with all of them.
    let options = Options { storage_budget: Some(2e6), max_calls: 6, ..Options::default() };
    let (columns, outcome) = scripted(script, 3, &[1e6; 4], &options);
    assert_eq!(columns.iter().copied().collect::<BTreeSet<_>>(), BTreeSet::from([1, 2]));
    assert!(!outcome.complete && outcome.final_cost == 210.0, "{outcome:?}");
    let bundled = outcome.stages.iter().find(|stage| stage.name == "bundles");
    assert_eq!(bundled.map(|stage| stage.relative_cost), Some(0.7));
}

#[test]
fn useless_indexes_are_not_advised() {
    let (columns, outcome) = scripted(|_, _| (100.0, vec![]), 3, &[1e6; 4], &Options::default());
    assert!(columns.is_empty() && outcome.complete && outcome.final_cost == 300.0);
}

#[test]
fn a_workload_without_queries_or_weight_gives_nothing() {
    let (columns, _) = scripted(|_, _| (1.0, vec![]), 0, &[1e6], &Options::default());
    assert!(columns.is_empty());
    let (columns, _) = scripted(|_, _| (f64::INFINITY, vec![]), 2, &[1e6], &Options::default());
    assert!(columns.is_empty());
}

#[test]
fn the_border_is_planned_from_no_index_to_all_that_pay() {
    let mut planner = made_up(7, 4, 12, 2);
    let options = half(&planner);
    let outcome = run(&mut planner, &options);
    assert!(outcome.front.len() > 3, "{:?}", outcome.front);
    let first = &outcome.front[0];
    assert!(first.indexes.is_empty() && first.bytes == 0.0 && first.cost == outcome.base_cost);
    // Beyond the budget: what more space would bring.
    let last = &outcome.front[outcome.front.len() - 1];
    assert!(last.cost <= outcome.final_cost && outcome.bytes <= options.storage_budget.unwrap());
    let unlimited = run(&mut planner, &Options::default());
    // Its end is not searched as thoroughly as with such a budget.
    let missed = last.cost - unlimited.final_cost;
    assert!(missed <= 0.02 * outcome.base_cost, "{} {}", last.cost, unlimited.final_cost);
    for point in outcome.front.iter().filter(|point| point.planned) {
        let plan = |query| planner.plan(&outcome.pool, query, &point.indexes).unwrap().cost;
        let queries: Vec<QueryId> = (0..outcome.base.len()).collect();
        let cost: f64 = queries.into_iter().map(plan).sum();
        assert!((cost / point.cost - 1.0).abs() < 0.01, "{cost} {}", point.cost);
    }
    assert!(outcome.front.iter().filter(|point| point.planned).count() * 2 > outcome.front.len());
}

#[test]
fn two_indexes_that_help_only_together_survive() {
    let both = |_, offered: &[i16]| match offered {
        [.., 1, 2] | [1, 2, ..] => (10.0, vec![1, 2]),
        _ => (100.0, vec![]),
    };
    let options = Options { min_improvement: 0.1, ..Options::default() };
    let (columns, outcome) = scripted(both, 1, &[1e6; 3], &options);
    assert_eq!((columns, outcome.final_cost), (vec![1, 2], 10.0));
    // What the first plans have shown is enough.
    let options = Options { max_calls: 2, ..options };
    let (columns, outcome) = scripted(both, 1, &[1e6; 3], &options);
    assert_eq!((columns, outcome.final_cost), (vec![1, 2], 10.0));
    assert_eq!(outcome.stopped_by, Some(StoppedBy::CallLimit));
}

fn large_and_small_gain(_: QueryId, offered: &[i16]) -> (f64, Vec<i16>) {
    let mut cost = 100.0;
    for column in offered {
        cost -= [50.0, 2.0][*column as usize - 1];
    }
    (cost, offered.to_vec())
}

#[test]
fn min_improvement_is_asked_of_each_index() {
    let run = |min_improvement| {
        let options = Options { min_improvement, ..Options::default() };
        scripted(large_and_small_gain, 1, &[1e6; 2], &options).0
    };
    assert_eq!(run(0.0), [1, 2]);
    assert_eq!(run(0.1), [1]);
    assert!(run(0.6).is_empty());
}

#[test]
fn space_has_to_be_earned() {
    let run = |pareto_ratio, base_bytes| {
        let options = Options { pareto_ratio, base_bytes, ..Options::default() };
        scripted(large_and_small_gain, 1, &[1e6; 2], &options).0
    };
    assert_eq!(run(0.0, 1e7), [1, 2]);
    // Half the cost for a tenth more space, twice as dear: pays. One part in 25 does not.
    assert_eq!(run(2.0, 1e7), [1]);
    assert!(run(2.0, 1e6).is_empty());
}

#[test]
fn upkeep_counts_against_an_index() {
    let defs = vec![vec![IndexDef::on(0, &[1]), IndexDef::on(0, &[2])]];
    let upkeep = |_: &IndexDef, _: IndexSize| 3.0;
    let input = Workload { weights: &[1.0], candidates: &defs, upkeep: &upkeep, existing: &[] };
    let mut planner = Scripted { script: large_and_small_gain, bytes: vec![1e6; 2], calls: 0 };
    let outcome = advise(&input, &Options::default(), &mut planner).unwrap();
    assert_eq!((outcome.steps.len(), outcome.final_cost), (1, 53.0));
}

#[test]
fn an_index_that_makes_a_query_worse_is_refused() {
    let script = |query, offered: &[i16]| match (query, offered.contains(&1)) {
        (0, true) => (10.0, vec![1]),
        (0, false) => (1000.0, vec![]),
        (_, true) => (150.0, vec![1]),
        (_, false) => (100.0, vec![]),
    };
    let (columns, _) = scripted(script, 2, &[1e6], &Options::default());
    assert!(columns.is_empty());
    let lenient = Options { regression_tolerance: 0.6, ..Options::default() };
    assert_eq!(scripted(script, 2, &[1e6], &lenient).0, [1]);
}

#[test]
fn the_ranking_is_by_marginal_gain() {
    let (columns, outcome) = scripted(large_and_small_gain, 2, &[1e3, 1e6], &Options::default());
    assert_eq!(columns, [1, 2]);
    assert_eq!(outcome.steps.iter().map(|step| step.cost).collect::<Vec<_>>(), [100.0, 96.0]);
    assert_eq!(outcome.used[0].len(), 2);
}

#[test]
fn an_interrupt_leaves_no_result() {
    for after in [0, 1, 30, 100] {
        let mut planner = made_up(1, 6, 12, 3);
        planner.stop_after = Some((after, Stop::Interrupted));
        let candidates = planner.candidates();
        let result = advise(&workload(&candidates), &half(&planner), &mut planner);
        assert!(result.is_err());
    }
}

#[test]
fn an_early_end_has_an_answer_once_the_picks_are_known() {
    let mut planner = made_up(1, 6, 12, 3);
    let options = Options { max_calls: 40, ..half(&planner) };
    let outcome = run(&mut planner, &options);
    assert_valid(&outcome, &options);
    assert_eq!(outcome.stopped_by, Some(StoppedBy::CallLimit));
    assert!(outcome.final_cost < 0.7 * outcome.base_cost);
}

#[test]
fn an_early_end_advises_no_index_below_the_minimum() {
    let script: fn(QueryId, &[i16]) -> (f64, Vec<i16>) = |query, offered| match query {
        0 if offered.contains(&1) => (95.0, vec![1]),
        1 if offered.contains(&2) => (10.0, vec![2]),
        _ => (100.0, vec![]),
    };
    let options = Options { max_calls: 4, min_improvement: 0.1, ..Options::default() };
    let (columns, outcome) = scripted(script, 2, &[1e6; 2], &options);
    assert_eq!((columns, outcome.stopped_by), (vec![2], Some(StoppedBy::CallLimit)));
}

#[test]
fn unlimited_storage_comes_close_to_the_lower_bound() {
    for seed in 0..6 {
        let mut planner = made_up(seed, 8, 20, 3);
        let outcome = run(&mut planner, &Options::default());
        assert!(outcome.final_cost <= outcome.lower_bound * 1.02, "{seed}");
        let ran = |name| outcome.stages.iter().any(|stage| stage.name == name);
        assert!(ran("all") && !ran("seeded"), "{seed}: {:?}", outcome.stages);
        assert!(outcome.counters.calls < 2000, "{seed}: {:?}", outcome.counters);
    }
}

#[test]
fn calls_grow_no_faster_than_queries() {
    let calls = |queries| {
        let mut planner = made_up(7, 10, queries, 2);
        run(&mut planner, &Options::default()).counters.calls as f64
    };
    let (few, many) = (calls(30), calls(90));
    assert!(many <= 3.0 * 1.25 * few, "{few} calls for 30 queries, {many} for 90");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn outcomes_are_valid_and_repeatable(seed in 0_u64..1000, share in 0.02_f64..1.0,
                                         ratio in prop::sample::select(vec![0.0, 0.5, 2.0]),
                                         least in prop::sample::select(vec![0.0, 0.02, 0.1]),
                                         mean in any::<bool>()) {
        let planner = made_up(seed, 5, 8, 3);
        let options = Options {
            storage_budget: Some(planner.table_bytes() * share),
            base_bytes: planner.table_bytes(),
            pareto_ratio: ratio,
            min_improvement: least,
            objective: if mean { Objective::GeometricMean } else { Objective::Total },
            ..Options::default()
        };
        let first = run(&mut planner.clone(), &options);
        assert_valid(&first, &options);
        prop_assert_eq!(essence(&first), essence(&run(&mut planner.clone(), &options)));
    }

    #[test]
    fn any_call_may_be_the_last(seed in 0_u64..1000, after in 0_u64..600) {
        let mut planner = made_up(seed, 5, 10, 3);
        planner.stop_after = Some((after, Stop::Deadline));
        let options = half(&planner);
        let outcome = run(&mut planner, &options);
        assert_valid(&outcome, &options);
        prop_assert_eq!(outcome.counters.calls, planner.calls);
        prop_assert!(outcome.complete || planner.calls == after);
    }

    #[test]
    fn a_planner_that_is_not_monotone_is_tolerated(seed in 0_u64..1000) {
        let mut planner = made_up(seed, 5, 8, 3);
        planner.noise = 0.05;
        let options = half(&planner);
        assert_valid(&run(&mut planner, &options), &options);
    }
}

#[test]
fn small_instances_are_mostly_solved_to_the_optimum() {
    let (mut solved, mut all) = (0, 0);
    for seed in 0..20 {
        let mut planner = made_up(seed, 3, 4, 2);
        let candidates = few_candidates(&planner);
        for share in [0.1, 0.25, 0.5] {
            let storage_budget = Some(planner.table_bytes() * share);
            let options = Options { storage_budget, ..Options::default() };
            let best = optimum(&mut planner.clone(), &candidates, &options);
            let outcome = advise(&workload(&candidates), &options, &mut planner).unwrap();
            assert_valid(&outcome, &options);
            assert!(outcome.final_cost <= best * 1.25, "seed {seed} share {share}");
            solved += usize::from(outcome.final_cost <= best * 1.001);
            all += 1;
        }
    }
    assert!(solved * 40 >= all * 39, "{solved} of {all}");
}

/// Three candidates of each query, and those of the others on its tables.
fn few_candidates(planner: &FakePlanner) -> Vec<Vec<IndexDef>> {
    let mut few = BTreeSet::new();
    for defs in planner.candidates() {
        let narrow: Vec<_> = defs.into_iter().filter(|def| def.keys.len() < 3).collect();
        few.extend(narrow.iter().step_by(narrow.len().div_ceil(3).max(1)).cloned());
    }
    let reads =
        |query: &FakeQuery, def: &IndexDef| query.scans.iter().any(|s| s.table == def.table);
    let own = |query| few.iter().filter(|def| reads(query, def)).cloned().collect();
    planner.queries.iter().map(own).collect()
}

/// The lowest cost of any set of the given candidates that fits.
fn optimum(planner: &mut FakePlanner, candidates: &[Vec<IndexDef>], options: &Options) -> f64 {
    let mut pool = crate::pool::Pool::default();
    for def in candidates.iter().flatten() {
        pool.intern(def, planner);
    }
    let mut best = f64::INFINITY;
    for bits in 0..1_usize << pool.len() {
        let set: IndexSet = (0..pool.len()).filter(|id| bits & (1 << id) != 0).collect();
        let bytes: f64 = set.iter().map(|id| pool.size(id).bytes).sum();
        if options.storage_budget.is_none_or(|budget| bytes <= budget) {
            let cost = (0..candidates.len())
                .map(|query| planner.plan(&pool, query, &set).unwrap().cost)
                .sum();
            best = f64::min(best, cost);
        }
    }
    best
}

/// A planner that keeps what it is told.
struct Listening(FakePlanner, Vec<Progress>);

impl Planner for Listening {
    fn plan(&mut self, pool: &Pool, query: QueryId, offered: &IndexSet) -> Result<Plan, Stop> {
        self.0.plan(pool, query, offered)
    }

    fn observe(&mut self, progress: &Progress) {
        self.1.push(*progress);
    }
}

impl Sizer for Listening {
    fn size(&mut self, def: &IndexDef) -> IndexSize {
        self.0.size(def)
    }
}

#[test]
fn progress_goes_forward_and_ends_with_the_outcome() {
    let planner = made_up(7, 4, 12, 3);
    let (candidates, options) = (planner.candidates(), half(&planner));
    let silent = advise(&workload(&candidates), &options, &mut planner.clone()).unwrap();
    let mut listening = Listening(planner, Vec::new());
    let outcome = advise(&workload(&candidates), &options, &mut listening).unwrap();
    assert_eq!(essence(&silent), essence(&outcome));
    let told = listening.1;
    assert_eq!(told[0].cost_best, outcome.base_cost);
    assert!(told.iter().all(|progress| progress.cost_before == outcome.base_cost));
    for pair in told.windows(2) {
        assert!(pair[0].rounds <= pair[1].rounds && pair[0].cost_best >= pair[1].cost_best);
        assert!(pair[0].phase == pair[1].phase || pair[1].phase == Phase::Verifying);
    }
    let last = told.last().unwrap();
    assert_eq!((last.phase, last.rounds), (Phase::Verifying, outcome.stages.len()));
    assert!(last.cost_best < 0.9 * outcome.base_cost);
}
