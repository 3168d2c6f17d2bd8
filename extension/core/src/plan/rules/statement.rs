//! What the statement itself says.

use crate::plan::Node;
use crate::plan::finding::{Finding, Input, Kind, Severity, count};
use crate::sqltext::{Token, TokenKind, tokenize};

/// Rows skipped that matter.
const SKIPPED_ROWS: f64 = 1_000.0;
/// How many times as many rows are skipped as given.
const SKIPPED_FACTOR: f64 = 5.0;

/// NOT IN with a sub-query: one NULL in it and no row passes, and it cannot become a join.
pub(super) fn not_in(input: &Input<'_>) -> Vec<Finding> {
    let tokens: Vec<Token> = tokenize(input.statement)
        .into_iter()
        .filter(|token| token.kind != TokenKind::Comment)
        .collect();
    let word = |token: &Token| {
        input.statement.get(token.start..token.end).unwrap_or_default().to_ascii_lowercase()
    };
    let is_there = tokens.windows(4).any(|four| {
        let words: Vec<String> = four.iter().map(word).collect();
        words[0] == "not"
            && words[1] == "in"
            && words[2] == "("
            && ["select", "with", "values", "table", "("].contains(&words[3].as_str())
    });
    if !is_there {
        return Vec::new();
    }
    let nodes = input.plan.nodes();
    let place = nodes.iter().find(|node| node.role() == "SubPlan");
    let Some(sub_plan) = place else { return Vec::new() };
    let above = input.plan.above(sub_plan).pop().unwrap_or(sub_plan);
    vec![
        Finding::new(Kind::NotIn, Severity::Warning, above)
            .says(
                "NOT IN with a sub-query gives no row at all as soon as the sub-query gives a NULL, and \
                 cannot be planned as an anti-join",
            )
            .because("sub_plan", sub_plan.text("Subplan Name").unwrap_or_default())
            .do_this("Write NOT EXISTS (SELECT … WHERE inner.column = outer.column)."),
    ]
}

/// How many rows a Limit makes and skips: by what came, or by the costs, of which
/// `adjust_limit_rows_costs` (pathnode.c) adds the skipped share to the start.
fn skipped(limit: &Node) -> Option<(f64, f64)> {
    let child = limit.child("Outer").or_else(|| limit.children.first())?;
    if let (Some(given), Some(made)) = (limit.all_rows(), child.all_rows()) {
        return Some((made - given, given));
    }
    let cost = |node: &Node, name: &str| node.number_of(name);
    let (start, total) = (cost(child, "Startup Cost")?, cost(child, "Total Cost")?);
    let share = (cost(limit, "Startup Cost")? - start) / (total - start);
    (total > start).then(|| (share * child.expected_rows(), limit.expected_rows()))
}

/// OFFSET of depth.
pub(super) fn offsets(input: &Input<'_>) -> Vec<Finding> {
    let limits = input.plan.nodes().into_iter().filter(|node| node.is(&["Limit"]));
    let found = limits.filter_map(|node| {
        let (skipped, given) = skipped(node)?;
        (skipped >= SKIPPED_ROWS && skipped >= SKIPPED_FACTOR * given).then(|| {
            Finding::new(Kind::DeepOffset, Severity::Warning, node)
                .says(format!(
                    "{} rows are made and skipped for {} that are given",
                    count(skipped),
                    count(given)
                ))
                .because("skipped_rows", skipped.round())
                .because("rows", given)
                .do_this(
                    "Page by the last row seen (WHERE (sort columns) > (…) ORDER BY … LIMIT …) in the \
                     place of OFFSET.",
                )
        })
    });
    found.collect()
}
