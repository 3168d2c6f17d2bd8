//! What became of a plan when indexes were added or taken away: which table is read another way,
//! which sort is gone, which join changed its method, and the index that did it.
//!
//! Goes by what the planner expects; nothing was executed. So there is no word on blocks: a plan that
//! is not executed has none.

mod joins;
mod scans;
mod sorts;

use std::fmt::Write as _;

use serde::Serialize;

use super::facts::Facts;
use super::finding::count;
use super::{Node, Plan};

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// How a table is read.
    Scan,
    /// How tables are joined.
    Join,
    /// In which order they are.
    JoinOrder,
    /// How rows are put in order.
    Sort,
    /// How rows are grouped.
    Aggregate,
    /// How many processes take part.
    Parallel,
}

/// One change. What is missing before or after is not in that plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// What changed.
    pub change: Kind,
    /// The table as it is called in the statement, the joined tables, the keys.
    pub place: String,
    /// How it was done.
    pub before: Option<String>,
    /// How it is done.
    pub after: Option<String>,
    /// The planner's cost before, of one run.
    pub cost_before: Option<f64>,
    /// The planner's cost after, of one run.
    pub cost_after: Option<f64>,
    /// The index that made the change.
    pub index: Option<String>,
    /// Why, in words; may be empty.
    pub reason: String,
}

impl Change {
    fn new(change: Kind, place: impl Into<String>) -> Self {
        Self {
            change,
            place: place.into(),
            before: None,
            after: None,
            cost_before: None,
            cost_after: None,
            index: None,
            reason: String::new(),
        }
    }
}

/// What two plans of one statement differ in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Whether both do the same in the same order.
    pub same_plan: bool,
    /// Cost before divided by cost after.
    pub times_cheaper: f64,
    /// Scans first, as the nodes are printed after; then sorts, joins, groups, processes.
    pub changes: Vec<Change>,
}

/// Compares two plans of one statement, best verbose ones. `hidden` are the names, without schemas, of
/// indexes that the second may not use.
#[must_use]
pub fn difference(before: &Plan, after: &Plan, facts: &Facts, hidden: &[&str]) -> Difference {
    let mut changes = scans::changes(before, after, facts, hidden);
    changes.extend(sorts::changes(before, after));
    changes.extend(joins::changes(before, after));
    changes.extend(groups(before, after));
    changes.extend(processes(before, after));
    let lines = |plan: &Plan| -> Vec<(usize, String)> {
        plan.nodes().iter().map(|node| (node.depth, node.label())).collect()
    };
    let cost = |plan: &Plan| plan.root.total_cost().max(f64::MIN_POSITIVE);
    Difference {
        same_plan: changes.is_empty() && lines(before) == lines(after),
        times_cheaper: cost(before) / cost(after),
        changes,
    }
}

impl Difference {
    /// In words, a paragraph a change.
    #[must_use]
    pub fn text(&self) -> String {
        if self.same_plan {
            return "The plan is the same.".to_owned();
        }
        let mut text = match self.times_cheaper {
            times if times >= 1.005 => format!("Changes, {} times cheaper:", times_of(times)),
            times if times <= 0.995 => {
                format!("Changes, {} times dearer:", times_of(1.0 / times))
            }
            _ => "Changes, as dear as before:".to_owned(),
        };
        for change in &self.changes {
            text.push_str("\n- ");
            text.push_str(&change.text());
        }
        if self.changes.is_empty() {
            text.push_str("\n- other steps between the same scans and joins");
        }
        text
    }
}

impl Change {
    fn text(&self) -> String {
        let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "none".to_owned());
        let what = match self.change {
            Kind::Scan => String::new(),
            Kind::Join => "join of ".to_owned(),
            Kind::JoinOrder => "order of joins".to_owned(),
            Kind::Sort => "order by ".to_owned(),
            Kind::Aggregate => "groups by ".to_owned(),
            Kind::Parallel => "processes".to_owned(),
        };
        let mut text =
            format!("{what}{}: {} -> {}", self.place, side(&self.before), side(&self.after));
        match (self.cost_before, self.cost_after) {
            (Some(before), Some(after)) => {
                let _ = write!(text, "; cost {before:.2} -> {after:.2}");
            }
            (Some(before), None) => {
                let _ = write!(text, "; cost {before:.2} saved");
            }
            (None, Some(after)) => {
                let _ = write!(text, "; cost {after:.2} added");
            }
            (None, None) => {}
        }
        if !self.reason.is_empty() {
            let _ = write!(text, "; {}", self.reason);
        }
        text
    }
}

fn times_of(times: f64) -> String {
    if times < 10.0 { format!("{times:.2}") } else { count(times.round()) }
}

impl Node {
    fn is_parallel(&self) -> bool {
        self.fields.get("Parallel Aware") == Some(&serde_json::Value::Bool(true))
    }

    /// The planner's cost of one run, with all below it.
    pub(super) fn total_cost(&self) -> f64 {
        self.number_of("Total Cost").unwrap_or(0.0)
    }

    /// Whether a node above takes its rows; those of sub-plans are values.
    fn is_input(&self) -> bool {
        !["InitPlan", "SubPlan"].contains(&self.role())
    }
}

/// Groups that are made another way.
fn groups(before: &Plan, after: &Plan) -> Vec<Change> {
    let of = |plan: &'_ Plan| -> Vec<(String, String, f64)> {
        let nodes = plan.nodes();
        let groups = nodes.into_iter().filter(|node| node.is(&["Aggregate", "Group"]));
        groups
            .map(|node| (node.texts("Group Key").join(", "), node.label(), node.total_cost()))
            .filter(|(key, ..)| !key.is_empty())
            .collect()
    };
    let after = of(after);
    let mut changes: Vec<Change> = Vec::new();
    for (key, label, cost) in of(before) {
        let Some((_, new, new_cost)) = after.iter().find(|(other, ..)| *other == key) else {
            continue;
        };
        if *new != label && changes.iter().all(|change| change.place != key) {
            changes.push(Change {
                before: Some(label),
                after: Some(new.clone()),
                cost_before: Some(cost),
                cost_after: Some(*new_cost),
                ..Change::new(Kind::Aggregate, key)
            });
        }
    }
    changes
}

/// Parallel parts that came or went.
fn processes(before: &Plan, after: &Plan) -> Option<Change> {
    let of = |plan: &Plan| {
        let nodes = plan.nodes();
        let workers = nodes
            .iter()
            .filter(|node| node.kind().starts_with("Gather"))
            .filter_map(|node| node.number_of("Workers Planned"));
        workers.reduce(f64::max)
    };
    let (old, new) = (of(before), of(after));
    let words = |workers: Option<f64>| match workers {
        Some(1.0) => "1 worker".to_owned(),
        Some(workers) => format!("{workers:.0} workers"),
        None => "no workers".to_owned(),
    };
    (old != new).then(|| Change {
        before: Some(words(old)),
        after: Some(words(new)),
        ..Change::new(Kind::Parallel, "")
    })
}

#[cfg(test)]
mod tests;
