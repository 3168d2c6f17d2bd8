//! The anytime search of SQL Server's Database Engine Tuning Advisor, by its documentation and the
//! description of Kossmann and others, PVLDB 13(11), 2020.

use anyhow::Result;

use super::costing::Costing;
use super::schema::Index;
use super::{Set, Task, db2advis, greedy};

/// A greedy search from every candidate, the most promising first, until the time is up; the
/// candidates are what plans use, and pairs of them merged.
pub(super) fn select(costing: &mut Costing, task: &Task) -> Result<Set> {
    let picked = db2advis::picked(costing, task.width)?;
    let mut candidates: Set = picked.into_keys().collect();
    candidates.extend(merged(&candidates, task.width));
    let candidates: Vec<Index> = candidates.into_iter().collect();
    costing.learn_sizes(&candidates)?;
    let mut seeds = Vec::new();
    for candidate in &candidates {
        if costing.size(candidate)? <= task.budget && !costing.expired() {
            let alone = Set::from([candidate.clone()]);
            seeds.push((costing.total(&alone)?, alone));
        }
    }
    seeds.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut best = (costing.total(&Set::new())?, Set::new());
    for (_, seed) in seeds {
        let (set, cost) = greedy(costing, &candidates, seed, task.budget, usize::MAX)?;
        if cost < best.0 {
            best = (cost, set);
        }
        if costing.expired() {
            break;
        }
    }
    Ok(best.1)
}

/// One index that serves both: the columns of the first, then those of the second that it lacks.
fn merged(candidates: &Set, width: usize) -> Vec<Index> {
    let mut all = Vec::new();
    for a in candidates {
        for b in candidates.iter().filter(|b| b.table == a.table && *b != a) {
            let mut columns = a.columns.clone();
            columns.extend(b.columns.iter().filter(|column| !a.columns.contains(column)));
            columns.truncate(width);
            if columns.len() > a.columns.len() {
                all.push(Index { table: a.table, columns });
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_keeps_the_order_of_the_first() {
        let index = |columns: &[usize]| Index { table: 0, columns: columns.to_vec() };
        let set = Set::from([index(&[1]), index(&[2, 3])]);
        assert_eq!(merged(&set, 2), [index(&[1, 2])]);
        assert_eq!(merged(&set, 3), [index(&[1, 2, 3]), index(&[2, 3, 1])]);
    }
}
