//! A large workload made smaller for the search, with a bound on what that can lose.
//!
//! What a statement could gain at most is known from two costs: as things are, and with all of its
//! candidates at once. Statements are dropped, those with the least to gain first, as long as the
//! sum of their gains stays below the share of the workload's cost that may be lost. Of the others,
//! those that use their tables in the same way, gain about the same share and do so by the same
//! indexes are one family: the dearest member stands for all, with the weight of all.
//!
//! The bound on what was dropped holds for any set of the candidates as far as the planner is
//! monotone. What a family hides is not bounded here: the caller plans every statement with the
//! result, and [`unexamined`] says what is left then.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::model::{IndexDef, IndexKey, QueryShape, TableId, TableUse};
use crate::search::Objective;

/// Gains that differ by no more than about this factor are of one class.
const CLASS: f64 = 1.25;

/// Costs below this count as this much in the geometric mean, as in the search.
const LEAST: f64 = 1e-6;

/// What one table is used for, without what is only read and how much of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Use {
    table: TableId,
    columns: [Vec<i16>; 4],
    predicates: Vec<u16>,
    orders: Vec<(Vec<IndexKey>, bool, bool)>,
    whole_row: bool,
    read: Vec<i16>,
}

impl Use {
    fn new(of: &TableUse, read: bool) -> Self {
        let orders = of.orders.iter().map(|order| (order.keys.clone(), order.fixed, order.limited));
        Self {
            table: of.table,
            columns: [&of.equal, &of.range, &of.join, &of.searched].map(Clone::clone),
            predicates: of.predicates.clone(),
            orders: orders.collect(),
            whole_row: of.whole_row,
            read: if read { of.read.clone() } else { Vec::new() },
        }
    }
}

/// The way in which a statement uses its tables: statements of equal shape have the same clauses on
/// the same columns, whatever the constants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shape {
    uses: Vec<Use>,
    updated: Vec<(TableId, Vec<i16>)>,
}

impl Shape {
    /// The shape of a statement; with what it reads if `whole`, and then statements of equal shape
    /// have the same candidates.
    #[must_use]
    pub fn of(shape: &QueryShape, whole: bool) -> Self {
        let mut uses: Vec<Use> = shape.uses.iter().map(|of| Use::new(of, whole)).collect();
        uses.sort();
        Self { uses, updated: shape.updated.clone() }
    }
}

/// What is known of a statement before the search.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Its weight in the objective.
    pub weight: f64,
    /// Its cost as things are, in planner units.
    pub base: f64,
    /// A cost that no set of its candidates brings it below, such as that with all of them; `None`
    /// when nothing is known.
    pub floor: Option<f64>,
    /// Its shape, without what is only read.
    pub shape: Shape,
    /// The candidates used then.
    pub used: Vec<IndexDef>,
}

/// What the members of a family have in common: shape, indexes, and class of the gain.
type Family<'m> = (&'m Shape, &'m [IndexDef], i32);

/// The smaller workload.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Compressed {
    /// Positions and weights of the statements to search for, those with the most to gain first.
    pub chosen: Vec<(usize, f64)>,
    /// Statements that one of those stands for, itself left out.
    pub represented: usize,
    /// Positions of the statements with next to nothing to gain.
    pub dropped: Vec<usize>,
    /// Statements of which nothing is known but their cost.
    pub unknown: usize,
    /// Share of the workload's cost that indexes for the dropped ones could save at most.
    pub dropped_share: f64,
}

/// The statements that need not even be asked, from the cheapest up: all that they cost is less than
/// `share` of the workload's cost. With the geometric mean every statement counts, so there are none.
#[must_use]
pub fn negligible(objective: Objective, costs: &[(f64, f64)], share: f64) -> Vec<bool> {
    let mut small = vec![false; costs.len()];
    if objective != Objective::Total {
        return small;
    }
    let total: f64 = costs.iter().map(|(weight, base)| weight * base).sum();
    let mut order: Vec<(f64, usize)> =
        costs.iter().enumerate().map(|(at, (weight, base))| (weight * base, at)).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
    let mut sum = 0.0;
    for (cost, at) in order {
        sum += cost;
        if sum > share * total {
            break;
        }
        small[at] = true;
    }
    small
}

/// What indexes for a statement could save at most, as a share of the workload's cost.
fn gain(objective: Objective, total: f64, weight: f64, from: f64, to: f64) -> f64 {
    let saved = match objective {
        Objective::Total => weight * (from - to),
        Objective::GeometricMean => weight * (from.max(LEAST) / to.max(LEAST)).ln(),
    };
    if total > 0.0 { (saved / total).max(0.0) } else { 0.0 }
}

/// What gains are shares of: the cost of the workload, or the sum of the weights.
fn whole(objective: Objective, members: impl Iterator<Item = (f64, f64)>) -> f64 {
    match objective {
        Objective::Total => members.map(|(weight, base)| weight * base).sum(),
        Objective::GeometricMean => members.map(|(weight, _)| weight).sum(),
    }
}

/// Chooses the statements to search for, such that indexes for those dropped could save at most
/// `max_loss` of the workload's cost. A member that was not asked is left out and counted as
/// [`Compressed::unknown`]; what it may lose is not within that bound.
#[must_use]
pub fn compress(objective: Objective, members: &[Member], max_loss: f64) -> Compressed {
    let total = whole(objective, members.iter().map(|member| (member.weight, member.base)));
    let mut result = Compressed::default();
    let mut order: Vec<(f64, usize)> = Vec::new();
    for (at, member) in members.iter().enumerate() {
        match member.floor {
            Some(floor) => {
                order.push((gain(objective, total, member.weight, member.base, floor), at));
            }
            None => result.unknown += 1,
        }
    }
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
    let mut families: BTreeMap<Family<'_>, Vec<(f64, usize)>> = BTreeMap::new();
    for (gain, at) in order {
        let member = &members[at];
        if result.dropped_share + gain <= max_loss {
            result.dropped_share += gain;
            result.dropped.push(at);
            continue;
        }
        let class = class(member);
        families.entry((&member.shape, &member.used, class)).or_default().push((gain, at));
    }
    let mut chosen: Vec<(f64, usize, f64)> = Vec::with_capacity(families.len());
    for family in families.into_values() {
        let sum: f64 = family.iter().map(|(gain, _)| gain).sum();
        let Some(&(_, first)) =
            family.iter().max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))
        else {
            continue;
        };
        let weight =
            whole(objective, family.iter().map(|&(_, at)| (members[at].weight, members[at].base)));
        // The one that stands for them costs what all of them cost.
        let weight = match objective {
            Objective::Total => weight / members[first].base.max(f64::MIN_POSITIVE),
            Objective::GeometricMean => weight,
        };
        result.represented += family.len() - 1;
        chosen.push((sum, first, weight));
    }
    chosen.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    result.chosen = chosen.into_iter().map(|(_, at, weight)| (at, weight)).collect();
    result
}

/// The order of magnitude of what remains of a member's cost.
fn class(member: &Member) -> i32 {
    let floor = member.floor.unwrap_or(member.base);
    let left = floor.max(f64::MIN_POSITIVE) / member.base.max(f64::MIN_POSITIVE);
    // A share between 0 and 1 has a small logarithm.
    left.clamp(1e-9, 1.0).log(CLASS).round() as i32
}

/// Share of the workload's cost that indexes for the members that were not `examined` could save
/// beyond what the advice does, given the cost of each member with it. A member that was not asked
/// could save all that it costs.
#[must_use]
pub fn unexamined(
    objective: Objective,
    members: &[Member],
    examined: &[bool],
    costs: &[f64],
) -> f64 {
    let total = whole(objective, members.iter().map(|member| (member.weight, member.base)));
    let mut sum = 0.0;
    for ((member, examined), &cost) in members.iter().zip(examined).zip(costs) {
        if !examined && cost.is_finite() {
            let floor = member.floor.unwrap_or(0.0);
            sum += gain(objective, total, member.weight, cost, floor);
        }
    }
    sum.min(1.0)
}

/// A member that can stand for all that are neither chosen nor represented, with their weight: so
/// that the cost of the smaller workload is that of the whole one.
#[must_use]
pub fn rest(
    objective: Objective,
    members: &[Member],
    compressed: &Compressed,
) -> Option<(usize, f64)> {
    let cost =
        |at: usize, weight: f64| whole(objective, std::iter::once((weight, members[at].base)));
    let all = whole(objective, members.iter().map(|member| (member.weight, member.base)));
    let chosen: f64 = compressed.chosen.iter().map(|&(at, weight)| cost(at, weight)).sum();
    let dearest = (0..members.len())
        .filter(|at| compressed.chosen.iter().all(|(chosen, _)| chosen != at))
        .max_by(|&a, &b| members[a].base.total_cmp(&members[b].base).then(b.cmp(&a)))?;
    let left = all - chosen;
    // Less is rounding.
    if left <= all * 1e-9 {
        return None;
    }
    Some(match objective {
        Objective::Total => (dearest, left / members[dearest].base.max(f64::MIN_POSITIVE)),
        Objective::GeometricMean => (dearest, left),
    })
}

/// The objective with each member at the lowest cost that is known to be possible.
#[must_use]
pub fn lower_bound(objective: Objective, members: &[Member], costs: &[f64]) -> f64 {
    let lowest = |(member, &cost): (&Member, &f64)| {
        (member.weight, member.floor.unwrap_or(0.0).min(cost).max(0.0))
    };
    let floors: Vec<(f64, f64)> = members.iter().zip(costs).map(lowest).collect();
    match objective {
        Objective::Total => floors.iter().map(|(weight, floor)| weight * floor).sum(),
        Objective::GeometricMean => {
            let weights: f64 = floors.iter().map(|(weight, _)| weight).sum();
            let logs: f64 =
                floors.iter().map(|(weight, floor)| weight * floor.max(LEAST).ln()).sum();
            (logs / weights.max(f64::MIN_POSITIVE)).exp()
        }
    }
}
