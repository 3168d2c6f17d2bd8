//! Extend: Schlosser, Kossmann, Boissier, "Efficient Scalable Multi-Attribute Index Selection Using
//! Recursive Strategies", ICDE 2019.

use anyhow::Result;

use super::costing::Costing;
use super::schema::Index;
use super::{Set, Task};

/// A step must make the workload cheaper by this factor; the published value.
const LEAST_GAIN: f64 = 1.003;

/// In each step the new single-column index, or the further column of a chosen one, that gains most
/// per byte.
pub(super) fn select(costing: &mut Costing, task: &Task) -> Result<Set> {
    let singles = costing.all_singles();
    let mut set = Set::new();
    let mut cost = costing.total(&set)?;
    loop {
        let bytes = costing.bytes(&set)?;
        let moves = moves(&set, &singles, task.width);
        let new: Vec<Index> = moves.iter().map(|(_, new)| new.clone()).collect();
        costing.learn_sizes(&new)?;
        let mut best: Option<(f64, Set, f64)> = None;
        for (replaced, new) in moves {
            if costing.expired() {
                break;
            }
            let mut next = set.clone();
            if let Some(replaced) = &replaced {
                next.remove(replaced);
            }
            next.insert(new);
            let next_bytes = costing.bytes(&next)?;
            if next_bytes > task.budget {
                continue;
            }
            let next_cost = costing.total(&next)?;
            if next_cost * LEAST_GAIN > cost {
                continue;
            }
            let ratio = (cost - next_cost) / (next_bytes - bytes).max(1.0);
            if best.as_ref().is_none_or(|(most, _, _)| ratio > *most) {
                best = Some((ratio, next, next_cost));
            }
        }
        match best {
            Some((_, next, next_cost)) => (set, cost) = (next, next_cost),
            None => return Ok(set),
        }
    }
}

/// Indexes to add, each perhaps in the place of one that it extends.
fn moves(set: &Set, singles: &[Index], width: usize) -> Vec<(Option<Index>, Index)> {
    let mut all = Vec::new();
    for single in singles {
        if !set.contains(single) && !set.iter().any(|chosen| chosen.extends(single)) {
            all.push((None, single.clone()));
        }
        let Some(column) = single.columns.first() else { continue };
        for chosen in set {
            let fits = chosen.table == single.table
                && chosen.columns.len() < width
                && !chosen.columns.contains(column);
            if fits && !set.contains(&chosen.with(*column)) {
                all.push((Some(chosen.clone()), chosen.with(*column)));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_add_and_extend() {
        let single = |column| Index { table: 0, columns: vec![column] };
        let set = Set::from([single(0)]);
        let found = moves(&set, &[single(0), single(1)], 2);
        assert_eq!(found, [(None, single(1)), (Some(single(0)), single(0).with(1))]);
        assert_eq!(moves(&set, &[single(0), single(1)], 1), [(None, single(1))]);
    }
}
