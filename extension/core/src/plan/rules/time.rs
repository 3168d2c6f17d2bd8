//! What takes time beside the plan's own work.

use serde_json::Value;

use crate::plan::finding::{Finding, Input, Kind, Severity};

/// Share of the execution from which on compilation or triggers matter.
const SHARE: f64 = 0.2;
/// And the least time, in milliseconds.
const LEAST_MS: f64 = 10.0;

/// Parallel workers that were planned and not had.
pub(super) fn workers(input: &Input<'_>) -> Vec<Finding> {
    let found = input.plan.nodes().into_iter().filter_map(|node| {
        let planned = node.number_of("Workers Planned")?;
        let launched = node.number_of("Workers Launched")?;
        (launched < planned && node.loops() != Some(0.0)).then(|| {
            Finding::new(Kind::WorkersNotLaunched, Severity::Warning, node)
                .says(format!("{launched} of {planned} parallel workers were started"))
                .because("planned", planned)
                .because("launched", launched)
                .do_this(
                    "All workers of the server were taken: raise max_parallel_workers and \
                     max_worker_processes if there are processors for them, or lower \
                     max_parallel_workers_per_gather.",
                )
        })
    });
    found.collect()
}

/// Compilation that takes a good part of the time.
pub(super) fn jit(input: &Input<'_>) -> Vec<Finding> {
    let timing = input.plan.beside("JIT").and_then(|jit| jit.get("Timing"));
    let took = timing.and_then(|timing| timing.get("Total")).and_then(Value::as_f64);
    let (Some(took), Some(total)) = (took, input.plan.total_ms()) else { return Vec::new() };
    if took < LEAST_MS || took < SHARE * total {
        return Vec::new();
    }
    vec![
        Finding::new(Kind::Jit, Severity::Warning, &input.plan.root)
            .says(format!("compiling took {took:.0} ms of {total:.0} ms"))
            .because("jit_ms", took)
            .because("total_ms", total)
            .do_this(
                "SET LOCAL jit = off; for this statement, or raise jit_above_cost: it pays for statements \
                 that run for seconds.",
            ),
    ]
}

/// Triggers, and foreign keys, which are triggers too.
pub(super) fn triggers(input: &Input<'_>) -> Vec<Finding> {
    let Some(Value::Array(triggers)) = input.plan.beside("Triggers") else { return Vec::new() };
    let total = input.plan.total_ms().unwrap_or(0.0);
    let found = triggers.iter().filter_map(|trigger| {
        let took = trigger.get("Time").and_then(Value::as_f64)?;
        let text = |name: &str| trigger.get(name).and_then(Value::as_str);
        if took < LEAST_MS || took < SHARE * total {
            return None;
        }
        let calls = trigger.get("Calls").and_then(Value::as_f64).unwrap_or(0.0);
        let relation = text("Relation").unwrap_or_default();
        let (kind, message, remedy) = match text("Constraint Name") {
            Some(constraint) => (
                Kind::Constraints,
                format!("constraint {constraint} took {took:.0} ms of {total:.0} ms"),
                "Index the referencing columns of the foreign key: each row looks for its references \
                 (mcp_health('constraint') lists those without an index)."
                    .to_owned(),
            ),
            None => (
                Kind::Triggers,
                format!(
                    "trigger {} on {relation} took {took:.0} ms of {total:.0} ms",
                    text("Trigger Name").unwrap_or_default()
                ),
                "Look into the trigger's function, or make it a statement-level trigger with transition \
                 tables."
                    .to_owned(),
            ),
        };
        Some(
            Finding::new(kind, Severity::Warning, &input.plan.root)
                .says(message)
                .because("ms", took)
                .because("calls", calls)
                .because("relation", relation)
                .do_this(remedy),
        )
    });
    found.collect()
}
