//! AutoAdmin: Chaudhuri, Narasayya, "An Efficient, Cost-Driven Index Selection Tool for Microsoft SQL
//! Server", VLDB 1997.

use anyhow::Result;

use super::costing::Costing;
use super::schema::Index;
use super::{Set, Task, greedy};

/// It knows no space but a number of indexes: these are tried, and the best set that fits is taken.
const NUMBERS: [usize; 4] = [15, 8, 4, 2];

/// None when no set fits.
pub(super) fn select(costing: &mut Costing, task: &Task) -> Result<Option<Set>> {
    let mut best: Option<(f64, Set)> = None;
    for most in NUMBERS {
        let set = with_number(costing, task.width, most)?;
        if costing.bytes(&set)? <= task.budget {
            let cost = costing.total(&set)?;
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                best = Some((cost, set));
            }
            // Fewer indexes are not better.
            break;
        }
        if costing.expired() {
            break;
        }
    }
    Ok(best.map(|(_, set)| set))
}

/// Candidates are what is best for a statement alone; then the best of them for all; then the same
/// with one more column on what was chosen.
fn with_number(costing: &mut Costing, width: usize, most: usize) -> Result<Set> {
    let singles = costing.all_singles();
    let mut offered = singles.clone();
    let mut chosen = Set::new();
    for columns in 1..=width {
        let mut candidates = Set::new();
        for statement in 0..costing.statements() {
            if costing.expired() {
                break;
            }
            candidates.extend(best_of_statement(costing, statement, &offered, most)?);
        }
        let candidates: Vec<Index> = candidates.into_iter().collect();
        (chosen, _) = greedy(costing, &candidates, Set::new(), f64::INFINITY, most)?;
        if columns < width {
            offered = chosen.iter().cloned().collect();
            offered.extend(wider(&chosen, &singles));
        }
    }
    Ok(chosen)
}

fn wider(chosen: &Set, singles: &[Index]) -> Vec<Index> {
    let mut all = Vec::new();
    for index in chosen {
        for single in singles.iter().filter(|single| single.table == index.table) {
            if let Some(column) = single.columns.first().filter(|one| !index.columns.contains(one))
            {
                all.push(index.with(*column));
            }
        }
    }
    all
}

/// Adds to a statement what makes it cheapest, one index at a time.
fn best_of_statement(
    costing: &mut Costing,
    statement: usize,
    offered: &[Index],
    most: usize,
) -> Result<Set> {
    let named = costing.singles(statement);
    let helps = |index: &&Index| {
        named
            .iter()
            .any(|one| one.table == index.table && one.columns.first() == index.columns.first())
    };
    let candidates: Vec<&Index> = offered.iter().filter(helps).collect();
    let mut set = Set::new();
    let mut cost = costing.cost(statement, &set)?;
    while set.len() < most {
        let mut best: Option<(f64, &Index)> = None;
        for candidate in &candidates {
            if set.contains(*candidate) || costing.expired() {
                continue;
            }
            let mut next = set.clone();
            next.insert((*candidate).clone());
            let next_cost = costing.cost(statement, &next)?;
            if best.is_none_or(|(least, _)| next_cost < least) {
                best = Some((next_cost, candidate));
            }
        }
        match best {
            Some((next_cost, index)) if next_cost < cost => {
                set.insert(index.clone());
                cost = next_cost;
            }
            _ => break,
        }
    }
    Ok(set)
}
