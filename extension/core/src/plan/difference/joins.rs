//! Joins that are made another way or in another order.

use std::collections::BTreeSet;

use super::{Change, Kind};
use crate::plan::finding::count;
use crate::plan::{Node, Plan};

const METHODS: [&str; 3] = ["Nested Loop", "Hash Join", "Merge Join"];

/// The tables that a node joins, as they are called in the statement.
type Tables<'a> = BTreeSet<&'a str>;

fn tables(node: &Node) -> Tables<'_> {
    let mut tables = Tables::new();
    let mut todo = vec![node];
    while let Some(node) = todo.pop() {
        if node.kind().ends_with("Scan")
            && let Some(relation) = node.relation()
        {
            tables.insert(relation.alias);
        }
        todo.extend(node.children.iter().filter(|child| child.is_input()));
    }
    tables
}

fn joins_of(plan: &Plan) -> Vec<(&Node, Tables<'_>)> {
    let nodes = plan.nodes();
    let joins = nodes.into_iter().filter(|node| node.is(&METHODS));
    joins.map(|node| (node, tables(node))).collect()
}

/// The changes, the topmost join first; then the order if it is another one.
pub(super) fn changes(before: &Plan, after: &Plan) -> Vec<Change> {
    let (old, new) = (joins_of(before), joins_of(after));
    let mut changes: Vec<Change> = Vec::new();
    let mut reordered = false;
    for (join, tables) in &new {
        let Some((was, _)) = old.iter().find(|(_, others)| others == tables) else {
            reordered = true;
            continue;
        };
        if was.kind() == join.kind() {
            continue;
        }
        let (index, reason) = looked_up(join);
        let place: Vec<&str> = tables.iter().copied().collect();
        changes.push(Change {
            before: Some(was.label()),
            after: Some(join.label()),
            cost_before: Some(was.total_cost()),
            cost_after: Some(join.total_cost()),
            index,
            reason,
            ..Change::new(Kind::Join, place.join(", "))
        });
    }
    if reordered && !old.is_empty() {
        changes.push(Change {
            before: Some(order(&before.root)),
            after: Some(order(&after.root)),
            ..Change::new(Kind::JoinOrder, "")
        });
    }
    changes
}

/// The index that a nested loop looks rows up in.
fn looked_up(join: &Node) -> (Option<String>, String) {
    let inner = (join.kind() == "Nested Loop").then(|| join.child("Inner")).flatten();
    let found = inner.into_iter().flat_map(Node::subtree).find_map(|node| node.text("Index Name"));
    let Some(index) = found else { return (None, String::new()) };
    let rows = join.child("Outer").map_or(0.0, Node::expected_rows);
    let rows = if rows == 1.0 { "one row".to_owned() } else { format!("{} rows", count(rows)) };
    let reason = format!("{index} is looked up for {rows}");
    (Some(index.to_owned()), reason)
}

/// The tables in the order in which they are joined: `((a b) c)`.
fn order(node: &Node) -> String {
    let inputs: Vec<String> = node
        .children
        .iter()
        .filter(|child| child.is_input())
        .map(order)
        .filter(|order| !order.is_empty())
        .collect();
    if node.kind().ends_with("Scan")
        && let Some(relation) = node.relation()
    {
        return relation.alias.to_owned();
    }
    match inputs.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        several => format!("({})", several.join(" ")),
    }
}
