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
        let mut trial = Trial { outcome, planner, query, all: &all, used, deadline };
        // Half a trial would weigh one assumption more than another.
        let Some(notes) = trial.run() else { continue };
        for id in used.iter() {
            trust.entry(id).and_modify(|robust| {
                robust.tested();
                notes.iter().filter(|note| note.index == id).for_each(|note| note.add_to(robust));
            });
        }
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

/// What a trial found of an index.
struct Note {
    index: CandidateId,
    costs: Costs,
    of: Tried,
}

/// What was other than the advisor took it for.
enum Tried {
    /// Values for the parameters, drawn so many times.
    Values(usize),
    Statistics(Assumption),
}

impl Note {
    fn add_to(&self, robust: &mut Robustness) {
        match self.of {
            Tried::Values(times) => robust.note_values(self.costs, times),
            Tried::Statistics(assumption) => robust.note_assumed(assumption, self.costs),
        }
    }
}

/// One statement's trials.
struct Trial<'t, 'p> {
    outcome: &'t Outcome,
    planner: &'t mut ServerPlanner<'p>,
    query: usize,
    /// All advised indexes, and those that the statement uses.
    all: &'t IndexSet,
    used: &'t IndexSet,
    deadline: Option<Instant>,
}

impl Trial<'_, '_> {
    /// What was found; `None` when the time is up before all was tried.
    fn run(&mut self) -> Option<Vec<Note>> {
        let statement = self.planner.adopt(self.query)?;
        let arena = Arena::new();
        let draws = if statement.statement.param_types.is_empty() { 1 } else { DRAWS };
        let catalog = self.planner.catalog();
        let draw = || workload::more_draws(&arena, statement, catalog, draws);
        let bindings = sys::subtransaction(true, draw);
        let plain = Perturbation::default();
        let mut notes = Vec::new();
        for (binding, times) in bindings.iter().flatten() {
            let found = self.costs(binding, &plain, 1.0)?.into_iter();
            notes.extend(found.map(|(index, costs)| Note {
                index,
                costs,
                of: Tried::Values(*times),
            }));
        }
        for assumption in Assumption::ALL {
            let assumed = perturbation(assumption);
            let share = statement.weight / statement.bindings.len().max(1) as f64;
            for binding in &statement.bindings {
                let found = self.costs(binding, &assumed, share)?.into_iter();
                notes.extend(found.map(|(index, costs)| Note {
                    index,
                    costs,
                    of: Tried::Statistics(assumption),
                }));
            }
        }
        Some(notes)
    }

    /// For each index that the statement uses, its cost without the index and with it, times
    /// `weight`; an empty list where it cannot be planned with these values, `None` when the time is up.
    fn costs(
        &mut self,
        binding: &Binding<'_>,
        assumed: &Perturbation,
        weight: f64,
    ) -> Option<Vec<(CandidateId, Costs)>> {
        let (pool, query, deadline) = (&self.outcome.pool, self.query, self.deadline);
        let in_time = || deadline.is_none_or(|deadline| Instant::now() < deadline);
        let mut plan =
            |offered: &IndexSet| self.planner.plan_if(pool, query, binding, offered, assumed);
        if !in_time() {
            return None;
        }
        let Some(with) = plan(self.all) else { return Some(Vec::new()) };
        let mut costs = Vec::new();
        for id in self.used.iter() {
            if !in_time() {
                return None;
            }
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
        Some(costs)
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
