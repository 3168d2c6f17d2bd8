//! The cache by itself.

use super::*;
use crate::testing::{FakePlanner, Scripted, made_up};
use proptest::prelude::*;

/// A cache over candidates 0, 1 and 2: one query that uses the first of them that is offered.
fn first_wins(server: &mut Scripted) -> CostCache<'_, Scripted> {
    let mut cache = CostCache::new(server, u64::MAX);
    for column in 1..=3 {
        cache.intern(&IndexDef::on(0, &[column]));
    }
    cache.add_query(&IndexSet::from_iter(0..3), vec![0]);
    cache
}

fn server() -> Scripted {
    let script = |_, offered: &[i16]| match offered.first() {
        Some(&column) => (10.0 * f64::from(column), vec![column]),
        None => (100.0, vec![]),
    };
    Scripted { script, bytes: vec![1.0; 3], calls: 0 }
}

fn set(ids: &[usize]) -> IndexSet {
    ids.iter().copied().collect()
}

#[test]
fn a_plan_answers_for_every_set_between_used_and_offered() {
    let mut server = server();
    let mut cache = first_wins(&mut server);
    assert_eq!(cache.cost(0, &set(&[0, 1, 2])), Ok(10.0));
    for between in [&[0][..], &[0, 1], &[0, 2], &[0, 1, 2, 77]] {
        assert_eq!(cache.cost(0, &set(between)), Ok(10.0));
    }
    assert_eq!(cache.counters(), Counters { calls: 1, saved: 4 });
    assert_eq!(cache.cost(0, &set(&[1, 2])), Ok(20.0));
    assert_eq!(cache.counters().calls, 2);
}

#[test]
fn supersets_bound_from_below_and_contained_plans_from_above() {
    let mut server = server();
    let mut cache = first_wins(&mut server);
    cache.cost(0, &set(&[0, 1, 2])).unwrap();
    cache.cost(0, &set(&[])).unwrap();
    let bounds = cache.bounds(0, &set(&[1]));
    assert!(!bounds.exact && bounds.upper == 100.0);
    assert!((10.0 * (1.0 - SLACK)..=10.0).contains(&bounds.lower));
    // Without what made the superset cheap, one plan settles both of the others.
    assert!(cache.peel(0, &set(&[1])).unwrap().exact);
    assert_eq!(cache.bounds(0, &set(&[2])).lower, 20.0 * (1.0 - SLACK));
    assert_eq!(cache.counters().calls, 3);
}

#[test]
fn aliases_sharpen_the_bounds_of_what_they_stand_for() {
    let mut server = server();
    let mut cache = first_wins(&mut server);
    cache.set_relevant(0, &set(&[0, 1, 2]), &[(2, 1)]);
    cache.cost(0, &set(&[1])).unwrap();
    assert_eq!(cache.bounds(0, &set(&[2])).lower, 20.0 * (1.0 - SLACK));
}

#[test]
fn after_the_last_call_costs_are_upper_bounds() {
    let mut server = server();
    let mut cache = first_wins(&mut server);
    cache.call_limit = 1;
    assert_eq!(cache.cost(0, &set(&[0, 1])), Ok(10.0));
    assert_eq!(cache.cost(0, &set(&[1])), Ok(f64::INFINITY));
    assert_eq!(cache.cost(0, &set(&[0, 1, 2])), Ok(10.0));
    assert_eq!(cache.stopped(), Some(StoppedBy::CallLimit));
    assert_eq!(cache.counters().calls, 1);
}

#[test]
fn exact_plans_see_what_is_thought_irrelevant() {
    let mut server = server();
    let mut cache = first_wins(&mut server);
    cache.set_relevant(0, &set(&[1]), &[]);
    assert_eq!(cache.cost(0, &set(&[0, 1])), Ok(20.0));
    let plan = cache.exact(0, &set(&[0, 1])).unwrap();
    assert_eq!((plan.cost, plan.used), (10.0, set(&[0])));
    assert_eq!(cache.exact(0, &set(&[1])).unwrap().cost, 20.0);
    assert_eq!(cache.counters().calls, 2);
}

proptest! {
    /// Whatever was asked before, the answer is the planner's.
    #[test]
    fn answers_are_those_of_the_planner(seed in 0_u64..50,
                                        sets in prop::collection::vec(any::<u64>(), 1..20)) {
        let mut planner: FakePlanner = made_up(seed, 3, 1, 3);
        let mut plain = planner.clone();
        let defs = planner.candidates().remove(0);
        let mut cache = CostCache::new(&mut planner, u64::MAX);
        let all: IndexSet = defs.iter().map(|def| cache.intern(def)).collect();
        cache.add_query(&all, (0..3).collect());
        cache.cost(0, &all).unwrap();
        for bits in sets {
            let set: IndexSet = all.iter().filter(|id| bits.rotate_left(*id as u32) & 5 == 5).collect();
            let truth = plain.plan(cache.pool(), 0, &set).unwrap();
            let bounds = cache.bounds(0, &set);
            prop_assert!(bounds.lower <= truth.cost * (1.0 + MEET));
            prop_assert!(bounds.upper >= truth.cost * (1.0 - 1e-12));
            let cost = cache.cost(0, &set).unwrap();
            prop_assert!((cost - truth.cost).abs() <= MEET * truth.cost);
            prop_assert_eq!(cache.exact(0, &set).unwrap(), truth);
        }
    }
}
