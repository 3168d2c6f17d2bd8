//! The border between size and cost, from what the search came by to what a person can choose from.
//!
//! The search notes hundreds of configurations with costs that are partly estimates. Here a few are
//! picked that show the whole border, from no index to as many as pay; their statements are planned,
//! and those that do not hold what they promised are gone.

use crate::cache::Interrupted;
use crate::index_set::IndexSet;
use crate::pool::Sizer;
use crate::search::Options;
use crate::search::front::Tracker;
use crate::search::outcome::FrontPoint;
use crate::search::state::{Search, State};
use crate::whatif::Planner;

/// As many as a person looks at.
const POINTS: usize = 16;
/// Share of the search's planner calls that may be spent on the border.
const CALLS_SHARE: f64 = 0.1;
/// Fewer are not worth counting.
const CALLS_LEAST: u64 = 50;
/// log10 of speed-up asked per log10 of space where only cost counts, so that there is a knee to
/// show: the one that the advisor asks by default.
const USUAL_RATIO: f64 = 2.0;
/// Bytes of a page: an empty database has at least one.
const LEAST_BASE: f64 = 8192.0;

impl<S: Planner + Sizer> Search<'_, '_, S> {
    /// The border, with `best` on it if nothing beats it, smallest first.
    pub(crate) fn border(&mut self, best: &State) -> Result<Vec<FrontPoint>, Interrupted> {
        let noted = std::mem::take(&mut self.tracker).into_front();
        let calls = self.cache.counters().calls;
        let last_call = calls + CALLS_LEAST.max((calls as f64 * CALLS_SHARE) as u64);
        let mut border = Tracker::default();
        border.note(best, true);
        border.note(&self.empty(), true);
        for point in thinned(noted, &best.set) {
            let planned = !self.stopped() && self.cache.counters().calls < last_call;
            // Without a state a query would become worse than is tolerated.
            if let Some(state) = self.at_point(&point.indexes, planned)? {
                border.note(&state, planned && !self.stopped());
            }
        }
        let mut front = border.into_front();
        mark_knee(&mut front, self.options);
        Ok(front)
    }

    /// A configuration, with its statements planned or with what is known of their costs; `None` if
    /// one becomes worse than is tolerated.
    fn at_point(&mut self, set: &IndexSet, planned: bool) -> Result<Option<State>, Interrupted> {
        let mut costs = self.base.clone();
        for query in self.queries_of(set.iter()) {
            costs[query] = if planned {
                self.cache.learn(query, set)?
            } else {
                self.cache.cost(query, set)?
            };
        }
        Ok(self.state_with(set.clone(), costs))
    }
}

/// The border of a search over some queries as that of the queries they stand for, which cost `scale`
/// times as much. Only the cost of the `advised` point was planned for all of them.
#[must_use]
pub fn carried_over(
    front: Vec<FrontPoint>,
    scale: f64,
    advised: FrontPoint,
    options: &Options,
) -> Vec<FrontPoint> {
    let others = front.into_iter().filter(|point| point.indexes != advised.indexes);
    let mut border: Vec<FrontPoint> = others
        .map(|point| FrontPoint {
            cost: point.cost * scale,
            planned: point.planned && point.indexes.is_empty(),
            knee: false,
            ..point
        })
        .collect();
    border.push(advised);
    border.sort_by(|a, b| a.bytes.total_cmp(&b.bytes).then(a.cost.total_cmp(&b.cost)));
    let mut least = f64::INFINITY;
    border.retain(|point| {
        let better = point.cost < least;
        least = least.min(point.cost);
        better
    });
    mark_knee(&mut border, options);
    border
}

fn mark_knee(front: &mut [FrontPoint], options: &Options) {
    let ratio = if options.pareto_ratio > 0.0 { options.pareto_ratio } else { USUAL_RATIO };
    if let Some(point) = knee(front, options.base_bytes, ratio).and_then(|at| front.get_mut(at)) {
        point.knee = true;
    }
}

/// The points that show the border best: its ends, and those that lie furthest below the stairs that
/// the others make. What is `known` need not be planned again.
fn thinned(front: Vec<FrontPoint>, known: &IndexSet) -> Vec<FrontPoint> {
    let last = front.len().saturating_sub(1);
    let mut chosen: Vec<usize> = if front.is_empty() { vec![] } else { vec![0, last] };
    chosen.dedup();
    while chosen.len() < POINTS {
        let gaps = chosen.windows(2).filter_map(|pair| match *pair {
            [from, to] => (from + 1..to).map(|at| (gap(&front, from, at, to), at)).reduce(larger),
            _ => None,
        });
        let Some((_, at)) = gaps.reduce(larger) else { break };
        let place = chosen.partition_point(|&other| other < at);
        chosen.insert(place, at);
    }
    let mut at = 0..;
    let mut is_chosen =
        |_: &FrontPoint| at.next().is_some_and(|at: usize| chosen.binary_search(&at).is_ok());
    front
        .into_iter()
        .filter(|point| is_chosen(point))
        .filter(|point| point.indexes != *known)
        .collect()
}

fn larger(a: (f64, usize), b: (f64, usize)) -> (f64, usize) {
    if b.0 > a.0 { b } else { a }
}

/// The area that a point cuts from the step between its neighbours.
fn gap(front: &[FrontPoint], from: usize, at: usize, to: usize) -> f64 {
    match (front.get(from), front.get(at), front.get(to)) {
        (Some(from), Some(at), Some(to)) => {
            (from.cost - at.cost).max(0.0) * (to.bytes - at.bytes).max(0.0)
        }
        _ => 0.0,
    }
}

/// The point where more space begins to bring less than is asked: the lowest
/// ln(cost) + `ratio` × ln(`base_bytes` + bytes).
fn knee(front: &[FrontPoint], base_bytes: f64, ratio: f64) -> Option<usize> {
    let score = |point: &FrontPoint| {
        point.cost.max(f64::MIN_POSITIVE).ln()
            + ratio * (base_bytes.max(LEAST_BASE) + point.bytes).ln()
    };
    (0..front.len()).min_by(|&a, &b| score(&front[a]).total_cmp(&score(&front[b])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(bytes: f64, cost: f64) -> FrontPoint {
        let indexes = std::iter::once(bytes as usize).collect();
        FrontPoint { bytes, cost, indexes, planned: false, knee: false }
    }

    fn sizes(front: &[FrontPoint]) -> Vec<f64> {
        front.iter().map(|point| point.bytes).collect()
    }

    #[test]
    fn few_points_all_stay() {
        let none = IndexSet::new();
        assert!(thinned(Vec::new(), &none).is_empty());
        assert_eq!(sizes(&thinned(vec![point(0.0, 9.0)], &none)), [0.0]);
        let three = vec![point(0.0, 9.0), point(1.0, 5.0), point(2.0, 4.0)];
        assert_eq!(thinned(three.clone(), &none), three);
        assert_eq!(sizes(&thinned(three, &std::iter::once(1).collect())), [0.0, 2.0]);
    }

    #[test]
    fn of_many_points_the_ends_and_the_steps_stay() {
        // A hundred points on a slope, and a deep step at 40.
        let front: Vec<FrontPoint> = (0..100)
            .map(|at| {
                point(
                    f64::from(at),
                    if at < 40 { 1000.0 - f64::from(at) } else { 100.0 - f64::from(at) },
                )
            })
            .collect();
        let kept = thinned(front, &IndexSet::new());
        assert_eq!(kept.len(), POINTS);
        let sizes = sizes(&kept);
        assert!(
            sizes.contains(&0.0) && sizes.contains(&99.0) && sizes.contains(&40.0),
            "{sizes:?}"
        );
        assert!(sizes.is_sorted());
    }

    #[test]
    fn a_border_that_is_carried_over_has_what_was_planned_on_it() {
        let front = vec![point(0.0, 100.0), point(1.0, 50.0), point(2.0, 30.0), point(3.0, 29.0)];
        let advised = FrontPoint { planned: true, ..point(2.0, 320.0) };
        let border = carried_over(front, 10.0, advised, &Options::default());
        let costs: Vec<f64> = border.iter().map(|point| point.cost).collect();
        assert_eq!(costs, [1000.0, 500.0, 320.0, 290.0]);
        assert_eq!(
            border.iter().map(|point| point.planned).collect::<Vec<_>>(),
            [false, false, true, false]
        );
        assert_eq!(border.iter().filter(|point| point.knee).count(), 1);
        let dear = FrontPoint { planned: true, ..point(2.0, 600.0) };
        let border = carried_over(
            vec![point(0.0, 100.0), point(1.0, 50.0)],
            10.0,
            dear,
            &Options::default(),
        );
        assert_eq!(sizes(&border), [0.0, 1.0], "what costs more than a smaller one is no border");
    }

    #[test]
    fn the_knee_is_where_space_stops_to_pay() {
        let front = [point(0.0, 1000.0), point(100.0, 100.0), point(900.0, 95.0)];
        assert_eq!(knee(&front, 10_000.0, 2.0), Some(1));
        // With space for nothing all of it pays, and with space very dear none.
        assert_eq!(knee(&front, 10_000.0, 0.01), Some(2));
        assert_eq!(knee(&front, 10_000.0, 1000.0), Some(0));
        assert_eq!(knee(&[], 10_000.0, 2.0), None);
    }
}
