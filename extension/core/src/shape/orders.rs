//! Which sort orders a query asks for.

use super::Walker;
use super::levels::strip;
use crate::model::{IndexKey, Order};
use crate::nodetree::Node;

impl<'a> Walker<'a> {
    /// Notes ORDER BY, GROUP BY, DISTINCT, window orders and min/max of a level.
    pub(super) fn orders(&mut self, level: usize) {
        let query = self.levels[level].query;
        let grouped = !query.list("groupClause").is_empty() || query.flag("hasAggs");
        let limited = query.child("limitCount").is_some() && !grouped;
        let sort: Vec<&Node> = query.nodes("sortClause").collect();
        self.order(level, &sort, true, limited);
        for field in ["groupClause", "distinctClause"] {
            let clauses: Vec<&Node> = query.nodes(field).collect();
            self.order(level, &clauses, false, false);
        }
        for window in query.nodes("windowClause") {
            let clauses: Vec<&Node> =
                window.nodes("partitionClause").chain(window.nodes("orderClause")).collect();
            self.order(level, &clauses, true, false);
        }
        if query.list("groupClause").is_empty() {
            self.min_max(level);
        }
    }

    fn order(&mut self, level: usize, clauses: &[&'a Node], fixed: bool, limited: bool) {
        let mut table_use = None;
        let mut keys: Vec<IndexKey> = Vec::new();
        for clause in clauses {
            let reference = clause.int("tleSortGroupRef");
            let query = self.levels[level].query;
            let entry = query.nodes("targetList").find(|e| e.int("ressortgroupref") == reference);
            let Some(inner) = entry.and_then(|e| e.child("expr")).map(strip) else { break };
            let mut columns = Vec::new();
            if inner.tag == "VAR" {
                self.resolve(level, inner, &mut columns, 0);
            } else if keys.is_empty() && fixed && self.distance(level, inner) {
                // A b-tree on the distance would serve this one value only.
                break;
            }
            if columns.is_empty() {
                columns.extend(self.expression(level, inner));
            }
            let &[(at, column)] = columns.as_slice() else { break };
            if column <= 0 || *table_use.get_or_insert(at) != at {
                break;
            }
            if keys.iter().any(|key| key.column == column) {
                continue;
            }
            keys.push(IndexKey {
                column,
                descending: self.facts.sorts_descending(clause.oid("sortop")),
                nulls_first: clause.flag("nulls_first"),
            });
        }
        if let (Some(at), false) = (table_use, keys.is_empty()) {
            let order = Order { keys, fixed, limited };
            if !self.uses[at].orders.contains(&order) {
                self.uses[at].orders.push(order);
            }
        }
    }

    /// Notes the elements whose index returns rows by their distance from a value: ORDER BY `a <-> b`.
    /// Whether there are any.
    fn distance(&mut self, level: usize, node: &'a Node) -> bool {
        let args: Vec<&Node> = node.nodes("args").collect();
        let &[left, right] = args.as_slice() else { return false };
        if node.tag != "OPEXPR" {
            return false;
        }
        let mut any = false;
        for (here, there) in [(left, right), (right, left)] {
            let [(at, column)] = self.columns(level, here)[..] else { continue };
            if self.uses_in(level, there).is_empty() {
                let found = self.facts.distances(node.oid("opno"), self.oids[at], column);
                any |= !found.is_empty();
                self.uses[at].searched.extend(found);
            }
        }
        any
    }

    /// `min(x)` and `max(x)` without GROUP BY read the first row of an order.
    fn min_max(&mut self, level: usize) {
        let query = self.levels[level].query;
        let mut found: Vec<(&'a Node, bool)> = Vec::new();
        for entry in query.nodes("targetList") {
            find_min_max(entry, &mut |aggregate, argument| {
                if let Some(descending) = self.facts.aggregate_direction(aggregate) {
                    found.push((argument, descending));
                }
            });
        }
        for (argument, descending) in found {
            for (at, column) in self.columns(level, argument) {
                let key = IndexKey { column, descending, nulls_first: descending };
                let order = Order { keys: vec![key], fixed: true, limited: true };
                if !self.uses[at].orders.contains(&order) {
                    self.uses[at].orders.push(order);
                }
            }
        }
    }
}

/// Calls `f` with each one-argument aggregate below `node` and its argument.
fn find_min_max<'a>(node: &'a Node, f: &mut dyn FnMut(u32, &'a Node)) {
    if node.tag == "AGGREF" {
        let args: Vec<&Node> = node.nodes("args").collect();
        if let &[entry] = args.as_slice()
            && let Some(argument) = entry.child("expr").map(strip)
        {
            f(node.oid("aggfnoid"), argument);
        }
        return;
    }
    for (_, value) in &node.fields {
        if let Some(child) = value.node().filter(|child| child.tag != "QUERY") {
            find_min_max(child, f);
        }
        for child in value.items().iter().filter_map(crate::nodetree::Value::node) {
            find_min_max(child, f);
        }
    }
}
