//! The lazy queue of moves that the greedy stages share.
//!
//! The key of a move is optimistic: computed from bounds, or from a former configuration. Only the
//! move on top is evaluated, and only as long as it stays on top.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::cache::Interrupted;
use crate::pool::Sizer;
use crate::search::objective::Goal;
use crate::search::state::{Move, Search, Spend, State, Verdict};
use crate::whatif::Planner;

/// What a greedy stage prefers.
pub(crate) struct Rule<'r> {
    /// How good a move to (value, bytes) is; `None` when it is out of the question.
    pub(crate) key: &'r dyn Fn(&Goal, &State, f64, f64) -> Option<f64>,
    /// Whether the best move, which leads to this value, should be made; if not, the stage ends.
    pub(crate) accept: &'r dyn Fn(&State, f64) -> bool,
    /// Whether the configuration needs no more moves.
    pub(crate) done: &'r dyn Fn(&State) -> bool,
    /// Whether to go on with estimates when no more plans may be made.
    pub(crate) coast: bool,
}

/// The moves from a configuration: all of them, or those that the last move made possible.
pub(crate) type Moves<'m, Search> = dyn Fn(&Search, &State, Option<&Move>) -> Vec<Move> + 'm;

#[derive(Debug)]
struct Item {
    key: f64,
    /// Place among equal keys.
    place: Reverse<usize>,
    step: Move,
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Item {}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Item {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.total_cmp(&other.key).then(self.place.cmp(&other.place))
    }
}

impl<S: Planner + Sizer> Search<'_, '_, S> {
    /// Makes moves greedily by `rule` until none is left. `moves` gives the moves of a
    /// configuration: all of them, or those that the last move made possible.
    pub(crate) fn lazy(
        &mut self,
        state: &mut State,
        rule: &Rule<'_>,
        moves: &Moves<'_, Self>,
    ) -> Result<(), Interrupted> {
        let mut queue = BinaryHeap::new();
        let mut moved = true;
        let mut next_place = 0;
        let mut fresh = Vec::new();
        while !(rule.done)(state) && (rule.coast || !self.stopped()) {
            if queue.is_empty() && fresh.is_empty() {
                // Moves that once looked useless may have become useful.
                if !std::mem::take(&mut moved) {
                    break;
                }
                fresh = moves(self, state, None);
            }
            for step in fresh.drain(..) {
                if let Some(key) = self.optimistic(state, rule, &step)? {
                    queue.push(Item { key, place: Reverse(next_place), step });
                    next_place += 1;
                }
            }
            let Some(mut item) = queue.pop() else { continue };
            if !item.step.applies(&state.set) {
                continue;
            }
            let rival = queue.peek().map_or(f64::NEG_INFINITY, |next| next.key);
            let bar = |goal: &Goal, value: f64, bytes: f64| {
                (rule.key)(goal, state, value, bytes).is_some_and(|key| key >= rival)
            };
            let bytes = self.bytes_after(state, &item.step);
            match self.evaluate(state, &item.step, Spend::Calls, &bar)? {
                Verdict::Refused => {}
                Verdict::Open(value) => {
                    // Without plans nothing more is learnt of a move that stays on top.
                    let goes_on = |key: &f64| *key < rival || !self.stopped();
                    let key = (rule.key)(&self.goal, state, value, bytes);
                    if let Some(key) = key.filter(goes_on) {
                        item.key = key;
                        queue.push(item);
                    }
                }
                Verdict::Known(trial) => match (rule.key)(&self.goal, state, trial.value, bytes) {
                    None => {}
                    Some(key) if key < rival => {
                        item.key = key;
                        queue.push(item);
                    }
                    Some(_) if (rule.accept)(state, trial.value) => {
                        self.commit(state, &item.step, &trial);
                        self.attend(state, &item.step)?;
                        moved = true;
                        fresh = moves(self, state, Some(&item.step));
                    }
                    Some(_) => return Ok(()),
                },
            }
        }
        Ok(())
    }

    fn optimistic(
        &mut self,
        state: &State,
        rule: &Rule<'_>,
        step: &Move,
    ) -> Result<Option<f64>, Interrupted> {
        let value = match self.evaluate(state, step, Spend::Nothing, &|_, _, _| false)? {
            Verdict::Known(trial) => trial.value,
            Verdict::Open(value) => value,
            Verdict::Refused => return Ok(None),
        };
        Ok((rule.key)(&self.goal, state, value, self.bytes_after(state, step)))
    }

    /// The size of the configuration that a move leads to.
    pub(crate) fn bytes_after(&self, state: &State, step: &Move) -> f64 {
        if !self.places.is_empty() {
            let after = self.after(&state.set, step);
            let signed = |id| if after.contains(id) { self.bytes(id) } else { -self.bytes(id) };
            return state.bytes + self.changes(&state.set, &after).iter().map(signed).sum::<f64>();
        }
        let removed: f64 = step.remove.iter().map(|&id| self.bytes(id)).sum();
        state.bytes - removed + step.add.map_or(0.0, |id| self.bytes(id))
    }
}
