//! Tools that look at one statement at a time and know no budget: Dexter, and index_advisor of
//! Supabase, by their documentation.

use anyhow::Result;

use super::costing::Costing;
use super::schema::Index;
use super::{Set, Task};

/// Dexter's default: a statement must get cheaper by half.
const DEXTER_SAVING: f64 = 0.5;

/// Dexter offers indexes of one and two columns.
const DEXTER_WIDTH: usize = 2;

/// None when the set does not fit the budget, which Dexter does not know.
pub(super) fn dexter(costing: &mut Costing, task: &Task) -> Result<Option<Set>> {
    let width = task.width.min(DEXTER_WIDTH);
    by_statement(costing, task, DEXTER_SAVING, |costing, statement| {
        costing.permutations(statement, width)
    })
}

/// None when the set does not fit the budget, which index_advisor does not know.
pub(super) fn index_advisor(costing: &mut Costing, task: &Task) -> Result<Option<Set>> {
    by_statement(costing, task, 0.0, Costing::singles)
}

/// What the statements' plans use of what is offered to each, where it saves enough.
fn by_statement(
    costing: &mut Costing,
    task: &Task,
    saving: f64,
    offered: impl Fn(&Costing, usize) -> Vec<Index>,
) -> Result<Option<Set>> {
    let mut set = Set::new();
    for statement in 0..costing.statements() {
        if costing.expired() {
            break;
        }
        let before = costing.cost(statement, &Set::new())?;
        let candidates: Set = offered(costing, statement).into_iter().collect();
        let (after, used) = costing.plan(statement, &candidates)?;
        if after < before * (1.0 - saving) {
            set.extend(used);
        }
    }
    let indexes: Vec<Index> = set.iter().cloned().collect();
    costing.learn_sizes(&indexes)?;
    Ok((costing.bytes(&set)? <= task.budget).then_some(set))
}
