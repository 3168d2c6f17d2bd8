//! Plans what the advice improves again, with other values and other statistics.
//!
//! Each statement that uses an advised index is planned with all advised indexes and with all but
//! that one. What follows from the costs is judged by [`advisor_core::trust`].

use std::collections::BTreeMap;
use std::time::Instant;

use advisor_core::index_set::IndexSet;
use advisor_core::model::CandidateId;
use advisor_core::search::Outcome;
use advisor_core::trust::{Assumption, Costs, FACTOR, Robustness};

use crate::planner::ServerPlanner;
use crate::sys::{self, Arena, Binding, Perturbation};
use crate::workload::{self, Prepared};

/// Sets of parameter values that are tried for a statement.
const DRAWS: usize = 9;
/// Planner calls at most: a part of those that the search took, and some for a small one. Counted
/// in calls and not in time, so that the same input has the same answer.
const CALLS_LEAST: u64 = 300;
const CALLS_SHARE: f64 = 0.25;

/// What the trials of the advised indexes came to.
pub(crate) type Trust = BTreeMap<CandidateId, Robustness>;

/// Tries the advised indexes, those statements first that they matter most to, until `deadline`.
pub(crate) fn examine(
    outcome: &Outcome,
    prepared: &[Prepared<'_>],
    planner: &mut ServerPlanner<'_>,
    deadline: Option<Instant>,
) -> Trust {
    let all: IndexSet = outcome.steps.iter().map(|step| step.candidate).collect();
    let users = |id| outcome.used.iter().filter(|used| used.contains(id)).count();
    let mut trust: Trust = all.iter().map(|id| (id, Robustness::new(users(id)))).collect();
    let calls = CALLS_LEAST.max((planner.plans as f64 * CALLS_SHARE) as u64);
    let last_call = planner.plans + calls;
    for query in by_gain(outcome, prepared) {
        let in_time = deadline.is_none_or(|deadline| Instant::now() < deadline);
        if planner.plans >= last_call || !in_time {
            break;
        }
        sys::check_interrupts();
        let Some(used) = outcome.used.get(query) else { continue };
        let mut trial = Trial { outcome, planner, trust: &mut trust, query, all: &all, used };
        trial.run();
    }
    planner.adopt_caller();
    trust
}

/// The statements that use an advised index, those that gain most first.
fn by_gain(outcome: &Outcome, prepared: &[Prepared<'_>]) -> Vec<usize> {
    let cost = |costs: &[f64], at: usize| costs.get(at).copied().unwrap_or(0.0);
    let mut queries: Vec<(f64, usize)> = (0..prepared.len())
        .filter(|&at| outcome.used.get(at).is_some_and(|used| !used.is_empty()))
        .map(|at| {
            let weight = prepared.get(at).map_or(0.0, |statement| statement.weight);
            (weight * (cost(&outcome.base, at) - cost(&outcome.last, at)), at)
        })
        .collect();
    queries.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    queries.into_iter().map(|(_, at)| at).collect()
}

/// One statement's trials.
struct Trial<'t, 'p> {
    outcome: &'t Outcome,
    planner: &'t mut ServerPlanner<'p>,
    trust: &'t mut Trust,
    query: usize,
    /// All advised indexes, and those that the statement uses.
    all: &'t IndexSet,
    used: &'t IndexSet,
}

impl Trial<'_, '_> {
    fn run(&mut self) {
        let Some(statement) = self.planner.adopt(self.query) else { return };
        let arena = Arena::new();
        let draws = if statement.statement.param_types.is_empty() { 1 } else { DRAWS };
        let catalog = self.planner.catalog();
        let draw = || workload::more_draws(&arena, statement, catalog, draws);
        let bindings = sys::subtransaction(true, draw);
        let plain = Perturbation::default();
        for (binding, times) in bindings.iter().flatten() {
            for (id, costs) in self.costs(binding, &plain, 1.0) {
                self.trust.entry(id).and_modify(|robust| robust.note_values(costs, *times));
            }
        }
        for assumption in Assumption::ALL {
            let assumed = perturbation(assumption);
            let share = statement.weight / statement.bindings.len().max(1) as f64;
            for binding in &statement.bindings {
                for (id, costs) in self.costs(binding, &assumed, share) {
                    let note = |robust: &mut Robustness| robust.note_assumed(assumption, costs);
                    self.trust.entry(id).and_modify(note);
                }
            }
        }
        for id in self.used.iter() {
            self.trust.entry(id).and_modify(Robustness::tested);
        }
    }

    /// For each index that the statement uses, its cost without the index and with it, times
    /// `weight`. Nothing where it cannot be planned with these values.
    fn costs(
        &mut self,
        binding: &Binding<'_>,
        assumed: &Perturbation,
        weight: f64,
    ) -> Vec<(CandidateId, Costs)> {
        let (pool, query) = (&self.outcome.pool, self.query);
        let mut plan =
            |offered: &IndexSet| self.planner.plan_if(pool, query, binding, offered, assumed);
        let Some(with) = plan(self.all) else { return Vec::new() };
        let mut costs = Vec::new();
        for id in self.used.iter() {
            // What the plan does not use changes nothing.
            let without = match with.used.contains(id) {
                true => plan(&self.all.without(id)).map(|planned| planned.cost),
                false => Some(with.cost),
            };
            if let Some(without) = without {
                let costs_of = Costs { without: without * weight, with: with.cost * weight };
                costs.push((id, costs_of));
            }
        }
        costs
    }
}

fn perturbation(assumption: Assumption) -> Perturbation {
    let plain = Perturbation::default();
    match assumption {
        Assumption::TablesLarger => Perturbation { size: FACTOR, ..plain },
        Assumption::TablesSmaller => Perturbation { size: 1.0 / FACTOR, ..plain },
        Assumption::ValuesMoreFrequent => Perturbation { per_value: FACTOR, ..plain },
        Assumption::ValuesRarer => Perturbation { per_value: 1.0 / FACTOR, ..plain },
        Assumption::RowsScattered => Perturbation { scattered: true, ..plain },
        Assumption::NothingVisible => Perturbation { invisible: true, ..plain },
    }
}
