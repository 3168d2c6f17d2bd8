//! The search over made-up planners.

use super::*;
use crate::testing::made_up;

fn upkeep(_: &IndexDef, _: IndexSize) -> f64 {
    0.0
}

#[test]
fn probe() {
    for (seed, budget) in
        [(1, None), (2, None), (1, Some(0.5)), (2, Some(0.5)), (3, Some(0.25)), (4, Some(0.1))]
    {
        for objective in [Objective::Total, Objective::GeometricMean] {
            let mut planner = made_up(seed, 8, 20, 3);
            let candidates = planner.candidates();
            let n: usize = candidates.iter().map(Vec::len).sum();
            let bytes = planner.table_bytes();
            let options = Options {
                storage_budget: budget.map(|b: f64| b * bytes),
                objective,
                ..Options::default()
            };
            let t = std::time::Instant::now();
            let outcome = advise(
                &Workload { weights: &[], candidates: &candidates, upkeep: &upkeep },
                &options,
                &mut planner,
            )
            .unwrap();
            print!(
                "{seed} {budget:?} {objective:?} defs {n} pool {} calls {} saved {} n {} {:.2} bound {:.4} {:?} plan {:?}:",
                outcome.pool.len(),
                outcome.counters.calls,
                outcome.counters.saved,
                outcome.steps.len(),
                outcome.bytes / bytes,
                outcome.lower_bound / outcome.base_cost,
                t.elapsed(),
                planner.spent
            );
            for s in &outcome.stages {
                print!("  {} {:.4} ({})", s.name, s.relative_cost, s.calls);
            }
            println!();
        }
    }
}
