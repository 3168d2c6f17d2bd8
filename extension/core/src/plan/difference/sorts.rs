//! Sorts that came, went or became cheaper.

use super::{Change, Kind};
use crate::plan::{Node, Plan};

/// A sort with the node above it.
struct Sort<'a> {
    node: &'a Node,
    above: Option<&'a Node>,
    keys: String,
}

impl Sort<'_> {
    /// What it costs beyond making its rows.
    fn own_cost(&self) -> f64 {
        let below: f64 = self.node.children.iter().map(Node::total_cost).sum();
        (self.node.total_cost() - below).max(0.0)
    }
}

fn sorts_of(plan: &Plan) -> Vec<Sort<'_>> {
    let nodes = plan.nodes();
    let sorts = nodes.into_iter().filter(|node| node.is(&["Sort", "Incremental Sort"]));
    sorts
        .map(|node| Sort {
            node,
            above: plan.above(node).last().copied(),
            keys: node.texts("Sort Key").join(", "),
        })
        .collect()
}

/// The changes; of sorts by the same keys the first.
pub(super) fn changes(before: &Plan, after: &Plan) -> Vec<Change> {
    let (old, new) = (sorts_of(before), sorts_of(after));
    let mut changes: Vec<Change> = Vec::new();
    let mut add = |change: Change| {
        if changes.iter().all(|other| other.place != change.place) {
            changes.push(change);
        }
    };
    for sort in &old {
        let place = Change::new(Kind::Sort, sort.keys.as_str());
        match new.iter().find(|other| other.keys == sort.keys) {
            Some(other) if other.node.kind() == sort.node.kind() => {}
            Some(other) => add(Change {
                before: Some(sort.node.label()),
                after: Some(other.node.label()),
                cost_before: Some(sort.own_cost()),
                cost_after: Some(other.own_cost()),
                ..place
            }),
            None => {
                let (index, reason) = why_gone(sort, after);
                add(Change {
                    before: Some(sort.node.label()),
                    cost_before: Some(sort.own_cost()),
                    index,
                    reason,
                    ..place
                });
            }
        }
    }
    for sort in new.iter().filter(|sort| old.iter().all(|other| other.keys != sort.keys)) {
        add(Change {
            after: Some(sort.node.label()),
            cost_after: Some(sort.own_cost()),
            ..Change::new(Kind::Sort, sort.keys.as_str())
        });
    }
    changes
}

/// Why a sort is not needed any more, and the index that has the rows in its order.
fn why_gone(sort: &Sort<'_>, after: &Plan) -> (Option<String>, String) {
    let nodes = after.nodes();
    if let Some(above) = sort.above {
        let keys = above.texts("Group Key");
        let sorted_still = |node: &&&Node| {
            node.kind() == above.kind()
                && node.text("Strategy") == above.text("Strategy")
                && node.texts("Group Key") == keys
        };
        if above.is(&["Aggregate"]) && !nodes.iter().any(|node| sorted_still(&node)) {
            return (None, "the groups need no order any more".to_owned());
        }
        let joins_still =
            || nodes.iter().any(|node| node.text("Merge Cond") == above.text("Merge Cond"));
        if above.is(&["Merge Join"]) && !joins_still() {
            return (None, "the join needs no order any more".to_owned());
        }
    }
    let in_order = nodes.iter().find(|node| {
        let alias = node.relation().map(|relation| relation.alias);
        node.is(&["Index Scan", "Index Only Scan"])
            && alias.is_some_and(|alias| begins_with_column_of(&sort.keys, alias))
    });
    match in_order.and_then(|node| node.text("Index Name")) {
        Some(index) => (Some(index.to_owned()), format!("{index} has the rows in this order")),
        None => (None, String::new()),
    }
}

/// Whether the first key is a column of that relation. Keys are qualified when the plan is verbose or
/// has several relations.
fn begins_with_column_of(keys: &str, alias: &str) -> bool {
    let first = keys.split(", ").next().unwrap_or(keys);
    match first.split_once('.') {
        Some((relation, _)) => {
            let relation = relation.trim_start_matches('(');
            relation == alias || relation == crate::ddl::quote_ident(alias)
        }
        None => true,
    }
}
