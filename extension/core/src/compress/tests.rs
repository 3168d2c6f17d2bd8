//! What compression promises, held against a planner that is made up.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::index_set::IndexSet;
use crate::model::Order;
use crate::pool::{IndexSize, Pool};
use crate::search::{self, Options, Workload};
use crate::testing::{Dice, FakePlanner, FakeQuery, made_up};
use crate::whatif::Planner;

/// Made-up workloads that are searched, which takes seconds without optimisation.
const SEARCHED: u64 = 4;

const TOTAL: Objective = Objective::Total;

/// Made-up queries, each of them three times with other constants and one more with more to read.
fn families(seed: u64) -> FakePlanner {
    let mut planner = made_up(seed, 5, 10, 2);
    let mut dice = Dice(seed ^ 99);
    for mut query in planner.queries.clone() {
        for copy in 0..3 {
            for scan in &mut query.scans {
                for range in &mut scan.range {
                    range.1 = (range.1 * [0.7, 0.9, 1.2][dice.roll(3)]).min(1.0);
                }
                if copy == 2 && !scan.read.contains(&8) {
                    scan.read.push(8);
                }
            }
            planner.queries.push(query.clone());
        }
    }
    planner
}

fn shape(query: &FakeQuery) -> QueryShape {
    let uses = query.scans.iter().enumerate().map(|(at, scan)| {
        let joined = query.joins.iter().filter_map(|&(a, x, b, y)| match () {
            () if a == at => Some(x),
            () if b == at => Some(y),
            () => None,
        });
        let keys: Vec<IndexKey> = query.order.iter().copied().map(IndexKey::asc).collect();
        let orders = vec![Order { keys, fixed: true, limited: false }];
        TableUse {
            table: scan.table,
            equal: scan.equal.iter().map(|e| e.0).collect(),
            range: scan.range.iter().map(|e| e.0).collect(),
            join: joined.collect(),
            orders: if query.order.is_empty() { vec![] } else { orders },
            read: scan.read.clone(),
            ..TableUse::default()
        }
    });
    QueryShape { uses: uses.collect(), updated: vec![], deleted: vec![] }
}

/// What asking each query gives, with skewed weights.
fn ask(planner: &mut FakePlanner) -> Vec<Member> {
    let mut pool = Pool::default();
    let candidates = planner.candidates();
    let mut dice = Dice(5);
    let mut members = Vec::new();
    for (query, defs) in candidates.iter().enumerate() {
        let all: IndexSet = defs.iter().map(|def| pool.intern(def, planner)).collect();
        let base = planner.plan(&pool, query, &IndexSet::new()).unwrap().cost;
        let best = planner.plan(&pool, query, &all).unwrap();
        let mut used: Vec<IndexDef> = best.used.iter().map(|id| pool.def(id).clone()).collect();
        used.sort();
        members.push(Member {
            weight: 1.0 + 100.0 / (1 + dice.roll(100)) as f64,
            base,
            floor: Some(best.cost.min(base)),
            shape: Shape::of(&shape(&planner.queries[query]), false),
            used,
        });
    }
    members
}

fn total(members: &[Member]) -> f64 {
    members.iter().map(|member| member.weight * member.base).sum()
}

#[test]
fn no_set_of_candidates_saves_more_on_the_dropped_than_the_bound() {
    let mut dropped = 0;
    for seed in 0..25 {
        let mut planner = families(seed);
        let members = ask(&mut planner);
        let compressed = compress(TOTAL, &members, 0.05);
        dropped += compressed.dropped.len();
        assert!(compressed.dropped_share <= 0.05);
        let candidates = planner.candidates();
        let (mut pool, mut dice) = (Pool::default(), Dice(seed));
        for _ in 0..10 {
            let some: IndexSet = candidates
                .iter()
                .filter_map(|defs| defs.get(dice.roll(defs.len())))
                .map(|def| pool.intern(def, &mut planner))
                .collect();
            let mut saved = 0.0;
            for &at in &compressed.dropped {
                // The others' candidates do not matter to a query whose own are better.
                let cost = planner.plan(&pool, at, &some).unwrap().cost;
                let cost = cost.max(members[at].floor.unwrap());
                saved += members[at].weight * (members[at].base - cost);
            }
            let bound = compressed.dropped_share * total(&members);
            assert!(saved <= bound * (1.0 + 1e-9), "seed {seed}: {saved} > {bound}");
        }
    }
    assert!(dropped > 100, "only {dropped} dropped");
}

#[test]
fn the_smaller_workload_costs_what_the_whole_one_does() {
    for objective in [TOTAL, Objective::GeometricMean] {
        for seed in 0..10 {
            let members = ask(&mut families(seed));
            let compressed = compress(objective, &members, 0.05);
            let rest = rest(objective, &members, &compressed);
            let chosen = compressed.chosen.iter().copied().chain(rest);
            let cost = whole(objective, chosen.map(|(at, weight)| (weight, members[at].base)));
            let all = whole(objective, members.iter().map(|m| (m.weight, m.base)));
            assert!((cost - all).abs() <= 1e-6 * all, "seed {seed}: {cost} for {all}");
            let counted = compressed.chosen.len() + compressed.represented;
            assert_eq!(counted + compressed.dropped.len() + compressed.unknown, members.len());
        }
    }
}

/// The cost of all queries with what a search over some of them advises.
fn advised(planner: &FakePlanner, members: &[Member], some: &[(usize, f64)]) -> (Vec<f64>, u64) {
    let pick = |at: usize| planner.queries[at].clone();
    let queries = some.iter().map(|&(at, _)| pick(at)).collect();
    let mut smaller = FakePlanner { queries, calls: 0, ..planner.clone() };
    let candidates = smaller.candidates();
    let weights: Vec<f64> = some.iter().map(|(_, weight)| *weight).collect();
    let workload =
        Workload { weights: &weights, candidates: &candidates, upkeep: &free, existing: &[] };
    let outcome = search::advise(&workload, &Options::default(), &mut smaller).unwrap();
    let set: IndexSet = outcome.steps.iter().map(|step| step.candidate).collect();
    let mut all = planner.clone();
    let cost = |at| all.plan(&outcome.pool, at, &set).unwrap().cost;
    ((0..members.len()).map(cost).collect(), smaller.calls)
}

#[test]
fn searching_the_smaller_workload_loses_no_more_than_is_said() {
    let (mut fewer, mut calls) = (0, 0);
    for seed in 0..SEARCHED {
        let mut planner = families(seed);
        let members = ask(&mut planner);
        let compressed = compress(TOTAL, &members, 0.02);
        let all: Vec<(usize, f64)> =
            members.iter().enumerate().map(|(at, member)| (at, member.weight)).collect();
        let (full, full_calls) = advised(&planner, &members, &all);
        let (small, small_calls) = advised(&planner, &members, &compressed.chosen);
        let mut examined = vec![false; members.len()];
        for &(at, _) in &compressed.chosen {
            examined[at] = true;
        }
        let left = unexamined(TOTAL, &members, &examined, &small);
        let cost = |costs: &[f64]| -> f64 {
            members.iter().zip(costs).map(|(member, cost)| member.weight * cost).sum()
        };
        // Searches end within a percent of each other whatever they begin with.
        let allowed = cost(&full) * 1.01 + left * total(&members);
        assert!(cost(&small) <= allowed, "seed {seed}: {} > {allowed}", cost(&small));
        assert!(lower_bound(TOTAL, &members, &small) <= cost(&small));
        fewer += members.len() - compressed.chosen.len();
        calls += full_calls.saturating_sub(small_calls);
    }
    assert!(fewer > 10 * SEARCHED as usize && calls > 0, "{fewer} statements fewer, {calls} calls");
}

#[test]
fn the_same_members_give_the_same_choice() {
    let members = ask(&mut families(3));
    assert_eq!(compress(TOTAL, &members, 0.03), compress(TOTAL, &members, 0.03));
}

#[test]
fn few_candidates_a_table_do_nearly_as_well() {
    let (mut all, mut few) = (0.0, 0.0);
    for seed in 0..SEARCHED {
        for (most, sum) in [(usize::MAX, &mut all), (6, &mut few)] {
            let mut planner = families(seed);
            let candidates = planner.candidates();
            let workload =
                Workload { weights: &[], candidates: &candidates, upkeep: &free, existing: &[] };
            let options = Options { members_per_table: most, ..Options::default() };
            let outcome = search::advise(&workload, &options, &mut planner).unwrap();
            *sum += outcome.final_cost / outcome.base_cost;
        }
    }
    assert!(few <= all * 1.03, "{few} with few, {all} with all");
}

fn member(weight: f64, base: f64, floor: Option<f64>, columns: &[i16]) -> Member {
    let table_use = TableUse { equal: columns.to_vec(), ..TableUse::default() };
    let shape = QueryShape { uses: vec![table_use], updated: vec![], deleted: vec![] };
    let used = vec![IndexDef::on(0, columns)];
    Member { weight, base, floor, shape: Shape::of(&shape, false), used }
}

#[test]
fn the_dearest_of_a_family_stands_for_all() {
    let members = [
        member(1.0, 100.0, Some(10.0), &[1]),
        member(5.0, 100.0, Some(10.0), &[1]),
        member(1.0, 110.0, Some(11.0), &[1]),
        member(1.0, 100.0, Some(10.0), &[2]),
        member(1.0, 100.0, Some(90.0), &[1]),
    ];
    let compressed = compress(TOTAL, &members, 0.0);
    let expected = [(1, (100.0 + 500.0 + 110.0) / 100.0), (3, 1.0), (4, 1.0)];
    assert_eq!(compressed.chosen, expected);
    assert_eq!((compressed.represented, compressed.dropped.len()), (2, 0));
}

#[test]
fn what_was_not_asked_is_told_apart_and_may_lose_all_it_costs() {
    let members = [member(1.0, 75.0, Some(10.0), &[1]), member(1.0, 25.0, None, &[2])];
    let compressed = compress(TOTAL, &members, 0.01);
    assert_eq!((compressed.chosen.len(), compressed.unknown), (1, 1));
    let left = unexamined(TOTAL, &members, &[true, false], &[10.0, 25.0]);
    assert!((left - 0.25).abs() < 1e-9);
    assert_eq!(lower_bound(TOTAL, &members, &[10.0, 25.0]), 10.0);
    assert_eq!(rest(TOTAL, &members, &compressed), Some((1, 1.0)));
}

#[test]
fn cheap_statements_need_not_be_asked() {
    let costs = [(1.0, 500.0), (2.0, 2.0), (1.0, 489.0), (1.0, 3.0), (1.0, 4.0)];
    assert_eq!(negligible(TOTAL, &costs, 0.008), [false, false, false, true, true]);
    assert_eq!(negligible(Objective::GeometricMean, &costs, 0.5), [false; 5]);
}

fn free(_: &IndexDef, _: IndexSize) -> f64 {
    0.0
}
