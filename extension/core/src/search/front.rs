//! The best configuration so far, and those between small and fast.

use crate::index_set::IndexSet;
use crate::search::outcome::FrontPoint;
use crate::search::state::State;

/// Scores closer than this are equal.
const SAME: f64 = 1e-12;

/// Watches every configuration that the search arrives at.
#[derive(Debug, Default)]
pub(crate) struct Tracker {
    best: Option<State>,
    /// Ascending in bytes, descending in cost.
    front: Vec<FrontPoint>,
}

impl Tracker {
    /// Takes note of a configuration, which may be recommended if it is `allowed`.
    pub(crate) fn consider(&mut self, state: &State, allowed: bool) {
        if allowed && self.best.as_ref().is_none_or(|best| state.score < best.score - SAME) {
            self.best = Some(state.clone());
        }
        let at = self.front.partition_point(|point| point.bytes <= state.bytes);
        if at > 0 && self.front[at - 1].cost <= state.value {
            return;
        }
        let from = if at > 0 && self.front[at - 1].bytes == state.bytes { at - 1 } else { at };
        let beaten = self.front[from..].iter().take_while(|point| point.cost >= state.value);
        let to = from + beaten.count();
        let point =
            FrontPoint { bytes: state.bytes, cost: state.value, indexes: state.set.clone() };
        self.front.splice(from..to, [point]);
    }

    /// Forgets the best configuration, so that a stage can find its own.
    pub(crate) fn take_best(&mut self) -> Option<State> {
        self.best.take()
    }

    /// The border between size and cost, without the indexes that exist.
    pub(crate) fn into_front(self, existing: &IndexSet) -> Vec<FrontPoint> {
        let advised =
            |point: FrontPoint| FrontPoint { indexes: point.indexes.difference(existing), ..point };
        self.front.into_iter().map(advised).collect()
    }
}
