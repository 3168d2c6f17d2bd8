//! DB2 Advisor: Valentin and others, "DB2 Advisor: An Optimizer Smart Enough to Recommend Its Own
//! Indexes", ICDE 2000.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::costing::Costing;
use super::schema::Index;
use super::{Set, Task};

/// Random changes are tried for so long; the paper's time.
const VARIATIONS: Duration = Duration::from_secs(10);

/// Most indexes that a variation takes out.
const MOST_REMOVED: usize = 4;

/// What the plans use when everything is offered, by benefit per byte until the space is full; then
/// random swaps.
pub(super) fn select(costing: &mut Costing, task: &Task) -> Result<Set> {
    let ranked = ranked(costing, task.width)?;
    let mut set = Set::new();
    let mut left = task.budget;
    let mut rest = Vec::new();
    for index in ranked {
        let size = costing.size(&index)?;
        if size <= left {
            left -= size;
            set.insert(index);
        } else {
            rest.push(index);
        }
    }
    if rest.is_empty() { Ok(set) } else { vary(costing, set, rest, task.budget) }
}

/// Indexes that plans use when all are offered, by benefit per byte.
fn ranked(costing: &mut Costing, width: usize) -> Result<Vec<Index>> {
    let benefits = picked(costing, width)?;
    let indexes: Vec<Index> = benefits.keys().cloned().collect();
    costing.learn_sizes(&indexes)?;
    let mut rated: Vec<(f64, Index)> = Vec::new();
    for (index, benefit) in &benefits {
        rated.push((benefit / costing.size(index)?.max(1.0), index.clone()));
    }
    rated.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    // One that a better rated one begins with adds nothing.
    let mut kept: Vec<Index> = Vec::new();
    for (_, index) in rated {
        if !kept.iter().any(|better| better.extends(&index)) {
            kept.push(index);
        }
    }
    Ok(kept)
}

/// The indexes that each statement's plan uses when all it names are offered, with the benefit to
/// the statements that use it.
pub(super) fn picked(costing: &mut Costing, width: usize) -> Result<BTreeMap<Index, f64>> {
    let mut benefits = BTreeMap::new();
    for statement in 0..costing.statements() {
        if costing.expired() {
            break;
        }
        let before = costing.cost(statement, &Set::new())?;
        let offered: Set = costing.permutations(statement, width).into_iter().collect();
        let (after, used) = costing.plan(statement, &offered)?;
        let benefit = costing.weight(statement) * (before - after).max(0.0);
        for index in used {
            *benefits.entry(index).or_default() += benefit;
        }
    }
    Ok(benefits)
}

/// Swaps at random, the same way every time, and keeps what is better.
fn vary(costing: &mut Costing, set: Set, rest: Vec<Index>, budget: f64) -> Result<Set> {
    let end = Instant::now() + VARIATIONS;
    let mut random = Random(1);
    let (mut best, mut cost) = (set, 0.0);
    cost += costing.total(&best)?;
    let mut outside = rest;
    while Instant::now() < end && !costing.expired() {
        let mut next = best.clone();
        for _ in 0..=random.below(MOST_REMOVED) {
            if let Some(index) = next.iter().nth(random.below(next.len())).cloned() {
                next.remove(&index);
            }
        }
        let mut left = budget - costing.bytes(&next)?;
        for _ in 0..=random.below(MOST_REMOVED) {
            let Some(index) = outside.get(random.below(outside.len())).cloned() else { break };
            let size = costing.size(&index)?;
            if size <= left && next.insert(index) {
                left -= size;
            }
        }
        let next_cost = costing.total(&next)?;
        if next_cost < cost {
            outside.extend(best.difference(&next).cloned());
            outside.retain(|index| !next.contains(index));
            (best, cost) = (next, next_cost);
        }
    }
    Ok(best)
}

/// A small generator of numbers (Marsaglia's xorshift): the same at every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % (limit.max(1) as u64)) as usize
    }
}
