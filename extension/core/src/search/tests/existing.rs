//! Indexes that exist and may go, and what writing costs.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::model::TableId;
use crate::testing::{Dice, FakeScan, FakeTable};
use crate::writes::{Amount, Keeping, Updates};

/// The queries that read a table.
fn readers(planner: &FakePlanner, table: TableId) -> Vec<QueryId> {
    let reads = |query: &FakeQuery| query.scans.iter().any(|scan| scan.table == table);
    let numbered = planner.queries.iter().enumerate();
    numbered.filter(|(_, query)| reads(query)).map(|(at, _)| at).collect()
}

fn existing(planner: &mut FakePlanner, def: IndexDef, by_replanning: bool) -> Existing {
    let queries = readers(planner, def.table);
    Existing { size: planner.size(&def), queries, by_replanning, def }
}

/// Some of the candidates, and shorter ones, as indexes that exist.
fn some_exist(planner: &mut FakePlanner, seed: u64, by_replanning: bool) -> Vec<Existing> {
    let mut dice = Dice(seed ^ 0xe815);
    let mut defs = BTreeSet::new();
    for own in planner.candidates() {
        for _ in 0..2 {
            if let Some(def) = own.get(dice.roll(own.len())) {
                let length = 1 + dice.roll(def.keys.len());
                let include = if length == def.keys.len() { def.include.clone() } else { vec![] };
                defs.insert(IndexDef { keys: def.keys[..length].to_vec(), include, ..def.clone() });
            }
        }
    }
    defs.into_iter().map(|def| existing(planner, def, by_replanning)).collect()
}

/// Upkeep with updates that some indexes make dearer for all.
struct Written {
    seed: u64,
    unit: f64,
}

impl Upkeep for Written {
    fn index(&self, def: &IndexDef, size: IndexSize) -> Keeping {
        let cost = self.unit * size.pages.sqrt() * (1 + def.table) as f64;
        let hit = def.columns().map(|column| (self.seed >> (column % 8) & 1) << (column % 3));
        Keeping {
            rows: Amount { cost, wal: 10.0 * cost },
            update: Amount { cost: self.unit * 0.01, wal: self.unit },
            groups: hit.fold(0, |bits, bit| bits | bit),
        }
    }

    fn updates(&self, table: TableId) -> Option<Updates> {
        table.is_multiple_of(2).then(|| Updates {
            all: 100.0,
            hot: vec![40.0, 20.0, 10.0],
            elsewhere: Amount { cost: self.unit * 0.02, wal: self.unit },
        })
    }
}

/// The upkeep of a set beyond that of what exists, put together from the start.
fn upkeep_of(outcome: &Outcome, upkeep: &dyn Upkeep, set: &IndexSet) -> f64 {
    let now: IndexSet = (0..outcome.pool.existing()).collect();
    let on = |set: &IndexSet, table: TableId| -> Vec<Keeping> {
        let pool = &outcome.pool;
        let of = set.iter().filter(|&id| pool.def(id).table == table);
        of.map(|id| upkeep.index(pool.def(id), pool.size(id))).collect()
    };
    let whole = |set: &IndexSet| -> f64 {
        (0..10)
            .map(|table| {
                let each = on(set, table);
                let rows: f64 = each.iter().map(|one| one.rows.cost).sum();
                let Some(updates) = upkeep.updates(table) else { return rows };
                let bits = each.iter().fold(0, |bits, one| bits | one.groups);
                let slow = updates.all - updates.hot_without(bits);
                let entry: f64 = each.iter().map(|one| one.update.cost).sum();
                rows + slow * (entry + updates.elsewhere.cost)
            })
            .sum()
    };
    whole(set) - whole(&now)
}

fn final_set(outcome: &Outcome) -> IndexSet {
    let new: IndexSet = outcome.steps.iter().map(|step| step.candidate).collect();
    let kept: IndexSet = (0..outcome.pool.existing()).collect();
    new.union(&kept.difference(&outcome.dropped))
}

fn assert_sound(
    outcome: &Outcome,
    planner: &mut FakePlanner,
    existing: &[Existing],
    upkeep: &dyn Upkeep,
    options: &Options,
) {
    let (pool, set) = (&outcome.pool, final_set(outcome));
    let kept: IndexSet = (0..existing.len()).collect();
    assert!(outcome.steps.iter().all(|step| !pool.exists(step.candidate)));
    // Nothing that is there is built again.
    for step in &outcome.steps {
        let new = pool.def(step.candidate);
        let same = existing.iter().find(|old| old.def.covers(new) && new.covers(&old.def));
        assert!(same.is_none(), "{new:?} is {same:?}");
    }
    let gone: Vec<usize> = outcome.steps.iter().flat_map(|step| step.drops.clone()).collect();
    assert_eq!(gone.len(), outcome.dropped.len(), "each goes once");
    assert_eq!(gone.into_iter().collect::<IndexSet>(), outcome.dropped);
    for old in outcome.dropped.iter() {
        let index = &existing[old];
        assert!(outcome.steps.iter().any(|step| {
            let new = pool.def(step.candidate);
            new.covers(&index.def) || index.by_replanning && new.table == index.def.table
        }));
    }
    let freed: f64 = outcome.dropped.iter().map(|old| existing[old].size.bytes).sum();
    let new: f64 = outcome.steps.iter().map(|step| pool.size(step.candidate).bytes).sum();
    assert!((new - freed - outcome.bytes).abs() <= 1.0);
    // Sums of sizes in another order differ in their last digits.
    assert!(
        options.storage_budget.is_none_or(|budget| new - freed <= budget + 1e-6),
        "{new} - {freed}"
    );
    let (mut base, mut last) = (0.0, 0.0);
    for query in 0..planner.queries.len() {
        let before = planner.plan(pool, query, &kept).unwrap().cost;
        let after = planner.plan(pool, query, &set).unwrap().cost;
        assert!((before - outcome.base[query]).abs() <= 1e-9 * before);
        assert!((after - outcome.last[query]).abs() <= 1e-9 * after, "{query}: {after}");
        assert!(after <= before * (1.0 + options.regression_tolerance) + 1e-9);
        (base, last) = (base + before, last + after);
    }
    // What is given back makes no workload free.
    let whole = (last + upkeep_of(outcome, upkeep, &set)).max(0.01 * last);
    assert!((base - outcome.base_cost).abs() <= 1e-6 * base);
    assert!((whole - outcome.final_cost).abs() <= 1e-6 * base, "{whole} {}", outcome.final_cost);
    let writing = outcome.steps.last().map_or(0.0, |step| step.writing.amount.cost);
    assert!((writing - upkeep_of(outcome, upkeep, &set)).abs() <= 1e-6 * base);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn drops_and_upkeep_are_sound(seed in 0_u64..1000, share in 0.0_f64..0.6, unit in 0.0_f64..30.0,
                                  by_replanning in any::<bool>(),
                                  ratio in prop::sample::select(vec![0.0, 2.0]),
                                  least in prop::sample::select(vec![0.0, 0.05])) {
        let mut planner = made_up(seed, 4, 8, 3);
        let existing = some_exist(&mut planner, seed, by_replanning);
        let upkeep = Written { seed, unit };
        let options = Options {
            storage_budget: Some(planner.table_bytes() * share),
            base_bytes: planner.table_bytes(),
            pareto_ratio: ratio,
            min_improvement: least,
            ..Options::default()
        };
        let candidates = planner.candidates();
        let input =
            Workload { weights: &[], candidates: &candidates, upkeep: &upkeep, existing: &existing };
        let first = advise(&input, &options, &mut planner.clone()).unwrap();
        assert_sound(&first, &mut planner.clone(), &existing, &upkeep, &options);
        let again = advise(&input, &options, &mut planner).unwrap();
        prop_assert_eq!(essence(&first), essence(&again));
    }

    #[test]
    fn any_call_may_be_the_last_with_existing_indexes(seed in 0_u64..1000, after in 0_u64..400) {
        let mut planner = made_up(seed, 4, 8, 3);
        let existing = some_exist(&mut planner, seed, true);
        let candidates = planner.candidates();
        let options = half(&planner);
        let input = Workload {
            weights: &[], candidates: &candidates, upkeep: &no_upkeep, existing: &existing,
        };
        let whole = planner.clone();
        planner.stop_after = Some((after, Stop::Deadline));
        let outcome = advise(&input, &options, &mut planner).unwrap();
        // What is claimed of a query is no less than what it costs.
        let set = final_set(&outcome);
        let mut whole = whole;
        for (query, &claimed) in outcome.last.iter().enumerate() {
            let cost = whole.plan(&outcome.pool, query, &set).unwrap().cost;
            prop_assert!(cost <= claimed * (1.0 + 1e-9) || outcome.complete || claimed.is_infinite(),
                "{query}: {cost} {claimed}");
        }
    }
}

/// The advised indexes with what goes with each.
fn ranked(outcome: &Outcome) -> Ranked {
    outcome.steps.iter().map(|step| (step.candidate, step.drops.clone())).collect()
}

/// The tables that each query reads.
fn reads(planner: &FakePlanner) -> Vec<Vec<TableId>> {
    let tables = |query: &FakeQuery| query.scans.iter().map(|scan| scan.table).collect();
    planner.queries.iter().map(tables).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn a_check_over_the_same_queries_says_what_the_search_said(
        seed in 0_u64..1000, unit in 0.0_f64..30.0, by_replanning in any::<bool>()
    ) {
        let mut planner = made_up(seed, 4, 8, 3);
        let existing = some_exist(&mut planner, seed, by_replanning);
        let upkeep = Written { seed, unit };
        let (candidates, options) = (planner.candidates(), Options::default());
        let input =
            Workload { weights: &[], candidates: &candidates, upkeep: &upkeep, existing: &existing };
        let found = advise(&input, &options, &mut planner).unwrap();
        let (ranked, reads) = (ranked(&found), reads(&planner));
        let queries = Queries {
            weights: &[],
            reads: &reads,
            existing: &existing,
            objective: Objective::Total,
            upkeep: &upkeep,
        };
        let tolerance = options.regression_tolerance;
        let checked = check(found.pool, &ranked, &queries, tolerance, &mut planner).unwrap();
        prop_assert!(checked.blamed.is_empty());
        assert_sound(&checked.outcome, &mut planner, &existing, &upkeep, &options);
        prop_assert!((checked.outcome.final_cost - found.final_cost).abs() <= 1e-6 * found.base_cost);
        prop_assert_eq!(checked.outcome.dropped, found.dropped);
        prop_assert_eq!(checked.outcome.used, found.used);
    }
}

#[test]
fn a_query_that_was_not_searched_for_keeps_its_index() {
    let mut wide = lookup(&[], &[1]);
    wide.scans[0].range = vec![(1, 0.3)];
    let mut planner = one_table(vec![lookup(&[1, 2], &[1, 2])]);
    let mut old = existing(&mut planner, IndexDef::on(0, &[1]), true);
    let found = search_one(
        &mut planner,
        &[&[1, 2]],
        std::slice::from_ref(&old),
        &no_upkeep,
        &Options::default(),
    );
    assert_eq!((found.steps.len(), found.dropped.len()), (1, 1));
    planner.queries.push(wide);
    old.queries = readers(&planner, 0);
    let (mut ranked, reads) = (ranked(&found), reads(&planner));
    let queries = Queries {
        weights: &[],
        reads: &reads,
        existing: &[old],
        objective: Objective::Total,
        upkeep: &no_upkeep,
    };
    let checked = check(found.pool, &ranked, &queries, 0.1, &mut planner).unwrap();
    assert_eq!(checked.blamed, IndexSet::from_iter([0]));
    ranked[0].1.clear();
    let checked = check(checked.outcome.pool, &ranked, &queries, 0.1, &mut planner).unwrap();
    assert!(checked.blamed.is_empty() && checked.outcome.dropped.is_empty());
    // No time for any plan: what exists is as it was, and what was to go is not known to be idle.
    ranked[0].1.push(0);
    planner.stop_after = Some((planner.calls + 2, Stop::Deadline));
    let checked = check(checked.outcome.pool, &ranked, &queries, 0.1, &mut planner).unwrap();
    assert_eq!(checked.blamed, IndexSet::from_iter([0]));
    assert!(!checked.outcome.complete);
}

/// A table of 100,000 rows with narrow columns 1, 3 and 4 and a wide column 2.
fn one_table(queries: Vec<FakeQuery>) -> FakePlanner {
    let columns = vec![(1000.0, 4.0), (1000.0, 400.0), (10.0, 4.0), (10.0, 4.0)];
    let tables = vec![FakeTable { rows: 1e5, columns }];
    FakePlanner { tables, queries, ..FakePlanner::default() }
}

fn lookup(equal: &[i16], read: &[i16]) -> FakeQuery {
    let equal = equal.iter().map(|&column| (column, 0.001)).collect();
    let scan = FakeScan { equal, read: read.to_vec(), ..FakeScan::default() };
    FakeQuery { scans: vec![scan], ..FakeQuery::default() }
}

fn search_one(
    planner: &mut FakePlanner,
    candidates: &[&[i16]],
    existing: &[Existing],
    upkeep: &dyn Upkeep,
    options: &Options,
) -> Outcome {
    let defs: Vec<IndexDef> = candidates.iter().map(|columns| IndexDef::on(0, columns)).collect();
    let candidates = vec![defs; planner.queries.len()];
    let input = Workload { weights: &[], candidates: &candidates, upkeep, existing };
    advise(&input, options, planner).unwrap()
}

#[test]
fn the_space_of_what_is_replaced_may_be_used() {
    let mut planner = one_table(vec![lookup(&[1, 3], &[1, 3]), lookup(&[1], &[1])]);
    let old = existing(&mut planner, IndexDef::on(0, &[1]), false);
    let new = planner.size(&IndexDef::on(0, &[1, 3])).bytes;
    let budget = |bytes: f64| Options { storage_budget: Some(bytes), ..Options::default() };
    let (tight, short) = (budget(new - old.size.bytes), budget(new - old.size.bytes - 1.0));
    let with_it =
        search_one(&mut planner, &[&[1, 3]], std::slice::from_ref(&old), &no_upkeep, &tight);
    assert_eq!((with_it.steps.len(), with_it.dropped.len()), (1, 1));
    assert_eq!(with_it.steps[0].drops, [0]);
    let without = search_one(&mut planner, &[&[1, 3]], &[old], &no_upkeep, &short);
    assert!(without.steps.is_empty() && without.dropped.is_empty());
}

#[test]
fn what_a_query_needs_is_not_replaced() {
    // The second query reads a third of the narrow index, and would have to read as much of a wide one.
    let mut wide = lookup(&[], &[1]);
    wide.scans[0].range = vec![(1, 0.3)];
    let mut planner = one_table(vec![lookup(&[1, 2], &[1, 2]), wide]);
    let old = existing(&mut planner, IndexDef::on(0, &[1]), true);
    let outcome = search_one(&mut planner, &[&[1, 2]], &[old], &no_upkeep, &Options::default());
    assert_eq!((outcome.steps.len(), outcome.dropped.len()), (1, 0));
}

#[test]
fn only_what_begins_with_its_columns_replaces_where_not_all_is_known() {
    let queries = vec![lookup(&[1, 3], &[1, 3]), lookup(&[1], &[1])];
    let run = |by_replanning: bool| {
        let mut planner = one_table(queries.clone());
        // Serves the second query as well as (3, 1) does: both are read through for it.
        let old = existing(&mut planner, IndexDef::on(0, &[1]), by_replanning);
        let upkeep = |_: &IndexDef, _: IndexSize| 1.0;
        let lenient = Options { regression_tolerance: 1e6, ..Options::default() };
        let outcome = search_one(&mut planner, &[&[1, 3], &[3, 1]], &[old], &upkeep, &lenient);
        let new: Vec<i16> = outcome
            .steps
            .iter()
            .map(|step| outcome.pool.def(step.candidate).keys[0].column)
            .collect();
        (new, outcome.dropped.len())
    };
    for by_replanning in [false, true] {
        let (new, dropped) = run(by_replanning);
        assert!(dropped == 0 || by_replanning || new == [1], "{new:?}");
    }
}

#[test]
fn two_that_exist_are_merged_where_writing_costs() {
    let queries = vec![lookup(&[1], &[1, 3]), lookup(&[1], &[1, 4])];
    let mut planner = one_table(queries);
    let stored = |column| IndexDef { include: vec![column], ..IndexDef::on(0, &[1]) };
    let old = [3, 4].map(|column| existing(&mut planner, stored(column), false));
    let run = |planner: &mut FakePlanner, each: f64| {
        let upkeep = move |_: &IndexDef, _: IndexSize| each;
        search_one(planner, &[&[1]], &old, &upkeep, &Options::default())
    };
    // Written so seldom that the wider entries are not worth it.
    assert!(run(&mut planner, 0.0).steps.is_empty());
    let outcome = run(&mut planner, 50.0);
    assert_eq!((outcome.steps.len(), outcome.dropped.len()), (1, 2));
    assert_eq!(outcome.pool.def(outcome.steps[0].candidate).include, [3, 4]);
    assert!((outcome.steps[0].writing.amount.cost + 50.0).abs() < 1e-9);
}

#[test]
fn an_index_that_writing_makes_too_dear_is_declined_and_told_of() {
    let gain = |planner: &mut FakePlanner, upkeep: f64| {
        let keep = move |_: &IndexDef, _: IndexSize| upkeep;
        search_one(planner, &[&[1]], &[], &keep, &Options::default())
    };
    let mut planner = one_table(vec![lookup(&[1], &[1])]);
    let free = gain(&mut planner, 0.0);
    assert_eq!((free.steps.len(), free.declined.len()), (1, 0));
    let saved = free.base_cost - free.final_cost;
    assert_eq!(gain(&mut planner, saved * 0.9).steps.len(), 1);
    let dear = gain(&mut planner, saved * 1.1);
    assert!(dear.steps.is_empty());
    assert_eq!(dear.declined.len(), 1);
    assert!((dear.declined[0].gain - saved).abs() < 1e-6);
    assert!((dear.declined[0].upkeep - saved * 1.1).abs() < 1e-6);
}

/// A planner one draw of which suffers from every index on column 1.
struct Moody(FakePlanner);

impl Planner for Moody {
    fn plan(&mut self, pool: &Pool, query: QueryId, offered: &IndexSet) -> Result<Plan, Stop> {
        self.0.plan(pool, query, offered)
    }

    fn worst(&mut self, pool: &Pool, _: QueryId, offered: &IndexSet) -> Result<f64, Stop> {
        let first = |id: usize| pool.def(id).keys[0].column == 1;
        Ok(if offered.iter().any(first) { 1.5 } else { 1.0 })
    }
}

impl Sizer for Moody {
    fn size(&mut self, def: &IndexDef) -> IndexSize {
        self.0.size(def)
    }
}

#[test]
fn a_draw_that_gets_worse_refuses_an_index() {
    let planner = one_table(vec![lookup(&[1], &[1, 2]), lookup(&[3], &[3])]);
    let candidates = vec![vec![IndexDef::on(0, &[1])], vec![IndexDef::on(0, &[3])]];
    let run = |regression_tolerance: f64| {
        let options = Options { regression_tolerance, ..Options::default() };
        let outcome =
            advise(&workload(&candidates), &options, &mut Moody(planner.clone())).unwrap();
        let column = |step: &Step| outcome.pool.def(step.candidate).keys[0].column;
        outcome.steps.iter().map(column).collect::<BTreeSet<_>>()
    };
    assert_eq!(run(0.6), BTreeSet::from([1, 3]));
    assert_eq!(run(0.4), BTreeSet::from([3]));
}
