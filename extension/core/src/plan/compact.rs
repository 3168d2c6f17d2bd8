//! A plan in few words, for readers that pay for each: a line a node with what matters.

use std::fmt::Write as _;

use serde_json::Value;

use super::finding::count;
use super::{Node, Plan};

/// Longest condition that is shown whole, in characters.
const CONDITION: usize = 120;

/// A line of totals, then one for each node: number, indented label, condition, rows expected and
/// real, loops, own time and its share, pages, and what a filter threw away.
#[must_use]
pub fn compact(plan: &Plan) -> String {
    let mut text = head(plan);
    for node in plan.nodes() {
        text.push('\n');
        text.push_str(&line(plan, node));
    }
    text
}

fn head(plan: &Plan) -> String {
    let cost = plan.root.number_of("Total Cost").unwrap_or(0.0);
    let mut text = format!("cost {cost:.0}");
    if let Some(total) = plan.total_ms() {
        let _ = write!(text, ", {} ms", ms(total));
    }
    if let Some(planning) = plan.time_ms("Planning Time") {
        let _ = write!(text, ", planning {} ms", ms(planning));
    }
    if let Some(Value::Object(settings)) = plan.beside("Settings") {
        for (name, value) in settings {
            let _ = write!(text, ", {name} = {}", value.as_str().unwrap_or_default());
        }
    }
    text
}

fn line(plan: &Plan, node: &Node) -> String {
    let mut text = format!("{} {}{}", node.number, "  ".repeat(node.depth), node.label());
    if ["InitPlan", "SubPlan"].contains(&node.role()) {
        let _ = write!(text, " ({})", node.text("Subplan Name").unwrap_or(node.role()));
    }
    for field in ["Index Cond", "Recheck Cond", "Hash Cond", "Merge Cond", "Join Filter", "Filter"]
    {
        // The condition of the index below says the same.
        let repeated =
            field == "Recheck Cond" && node.removed("Rows Removed by Index Recheck").is_none();
        if let Some(condition) = node.text(field).filter(|_| !repeated) {
            let name = if field == "Filter" || field == "Join Filter" { "filter " } else { "" };
            let _ = write!(text, " [{name}{}]", shortened(condition));
        }
    }
    for field in ["Sort Key", "Group Key"] {
        let keys = node.texts(field);
        if !keys.is_empty() {
            let _ = write!(text, " [{}]", shortened(&keys.join(", ")));
        }
    }
    text.push_str(&figures(plan, node));
    text
}

fn figures(plan: &Plan, node: &Node) -> String {
    let mut text = format!(" rows {}", count(node.expected_rows()));
    match (node.rows(), node.loops()) {
        (Some(_), Some(0.0)) => text.push_str(", never ran"),
        (Some(rows), Some(loops)) => {
            let _ = write!(text, " -> {}", count(rows));
            if loops > 1.0 {
                let _ = write!(text, " x {}", count(loops));
            }
        }
        _ => {}
    }
    if let (Some(own), Some(share)) = (node.own_ms(), plan.share(node))
        && share >= 0.01
    {
        let _ = write!(text, ", {} ms {:.0}%", ms(own), share * 100.0);
    }
    for (field, what) in
        [("Rows Removed by Filter", "removed"), ("Rows Removed by Join Filter", "removed")]
    {
        if let Some(removed) = node.removed(field).filter(|removed| *removed >= 1.0) {
            let _ = write!(text, ", {what} {}", count(removed));
        }
    }
    let pages = |name: &str| node.number_of(name).filter(|pages| *pages >= 1.0);
    for (field, what) in [
        ("Shared Hit Blocks", "hit"),
        ("Shared Read Blocks", "read"),
        ("Temp Read Blocks", "temp read"),
        ("Temp Written Blocks", "temp written"),
        ("WAL Bytes", "WAL bytes"),
    ] {
        if let Some(pages) = pages(field) {
            let _ = write!(text, ", {what} {}", count(pages));
        }
    }
    if let Some(space) = node.text("Sort Space Type").filter(|space| *space == "Disk") {
        let _ = write!(text, ", sorted on {}", space.to_lowercase());
    }
    text
}

fn ms(time: f64) -> String {
    if time >= 100.0 { format!("{time:.0}") } else { format!("{time:.2}") }
}

fn shortened(condition: &str) -> String {
    let inner = condition.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let text = inner.filter(|inner| !inner.contains('(')).unwrap_or(condition);
    if text.chars().count() <= CONDITION {
        return text.to_owned();
    }
    let cut: String = text.chars().take(CONDITION).collect();
    format!("{cut}…")
}
