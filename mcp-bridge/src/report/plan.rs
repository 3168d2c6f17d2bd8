//! Plans as trees: read from the server's JSON, compared before and after.
//!
//! Nothing is judged here. What a plan shows that is worth a person's time is `mcp_plan_findings`',
//! whose findings are put beside their nodes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The mark that `mcp_explain` puts before the names of indexes that do not exist.
const HYPOTHETICAL: &str = "<hypothetical>";

/// The plans of one statement without and with the advised indexes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Pair {
    pub(crate) query_id: i64,
    pub(crate) query: String,
    pub(crate) calls: f64,
    /// Of the planner, as the advisor counted: a mean over typical parameters.
    pub(crate) cost_before: f64,
    pub(crate) cost_after: f64,
    /// Ranks of the advised indexes that the plan uses.
    pub(crate) ranks: Vec<i64>,
    pub(crate) before: Plan,
    pub(crate) after: Plan,
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Plan {
    /// As a tree.
    Tree(Node),
    /// As the advisor printed it, where the statement cannot be explained by this role.
    Text(String),
}

/// Whether the other plan has the node as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mark {
    #[default]
    Same,
    /// Only before.
    Gone,
    /// Only after.
    New,
}

/// A node with what is below it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Node {
    /// Its place in the order of EXPLAIN, from 1.
    pub(crate) number: i64,
    /// What it does, such as `Index Scan`.
    pub(crate) does: String,
    /// What it does that to, such as `orders using orders_pkey`.
    pub(crate) on: String,
    /// Whether it uses an index that does not exist yet.
    pub(crate) advised: bool,
    pub(crate) cost: f64,
    pub(crate) rows: f64,
    /// Its own part of the root's cost, without the nodes below, from 0 to 1.
    pub(crate) share: f64,
    pub(crate) mark: Mark,
    /// Conditions, keys and the like.
    pub(crate) details: Vec<(String, String)>,
    pub(crate) findings: Vec<NodeFinding>,
    pub(crate) children: Vec<Self>,
}

/// A row of `mcp_plan_findings`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct NodeFinding {
    pub(crate) finding: String,
    pub(crate) severity: String,
    pub(crate) node: i64,
    pub(crate) message: String,
    pub(crate) remedy: String,
}

/// What is shown elsewhere, or is said by the rest.
const NOT_DETAILS: [&str; 21] = [
    "Node Type",
    "Parent Relationship",
    "Parallel Aware",
    "Async Capable",
    "Relation Name",
    "Schema",
    "Alias",
    "Index Name",
    "CTE Name",
    "Function Name",
    "Startup Cost",
    "Total Cost",
    "Plan Rows",
    "Plan Width",
    "Plans",
    "Join Type",
    "Strategy",
    "Partial Mode",
    "Operation",
    "Inner Unique",
    "Single Copy",
];

/// The tree of what `EXPLAIN (FORMAT JSON)` printed; none when it is no such text, or too deep.
pub(crate) fn read(json: &str) -> Option<Node> {
    let document: Value = serde_json::from_str(json).ok()?;
    let plan = document.get(0)?.get("Plan")?.as_object()?;
    let mut number = 0;
    let mut root = node(plan, &mut number);
    let whole = root.cost;
    share(&mut root, whole);
    Some(root)
}

fn node(plan: &Map<String, Value>, number: &mut i64) -> Node {
    *number += 1;
    let own = *number;
    let float = |key: &str| plan.get(key).and_then(Value::as_f64).unwrap_or(0.0);
    let children = plan.get("Plans").and_then(Value::as_array).map(Vec::as_slice);
    let index = text(plan, "Index Name").unwrap_or_default();
    Node {
        number: own,
        does: does(plan),
        on: on(plan),
        advised: index.starts_with(HYPOTHETICAL),
        cost: float("Total Cost"),
        rows: float("Plan Rows"),
        details: details(plan),
        children: children
            .unwrap_or_default()
            .iter()
            .filter_map(Value::as_object)
            .map(|child| node(child, number))
            .collect(),
        ..Node::default()
    }
}

fn text<'a>(plan: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    plan.get(key)?.as_str()
}

/// The node's name as the text form of EXPLAIN has it.
fn does(plan: &Map<String, Value>) -> String {
    let kind = text(plan, "Node Type").unwrap_or("node");
    let join = text(plan, "Join Type").filter(|join| *join != "Inner");
    let name = match (kind, text(plan, "Strategy"), join) {
        ("Aggregate", Some("Hashed"), _) => "HashAggregate".to_owned(),
        ("Aggregate", Some("Sorted"), _) => "GroupAggregate".to_owned(),
        ("Aggregate", Some("Mixed"), _) => "MixedAggregate".to_owned(),
        ("ModifyTable", ..) => text(plan, "Operation").unwrap_or(kind).to_owned(),
        ("Nested Loop", _, Some(join)) => format!("Nested Loop {join} Join"),
        (_, _, Some(join)) => match kind.strip_suffix("Join") {
            Some(stem) => format!("{stem}{join} Join"),
            None => format!("{kind} {join} Join"),
        },
        _ => kind.to_owned(),
    };
    let part = match text(plan, "Partial Mode") {
        Some(mode) if mode != "Simple" => format!("{mode} "),
        _ => String::new(),
    };
    let parallel = plan.get("Parallel Aware") == Some(&Value::Bool(true));
    format!("{part}{}{name}", if parallel { "Parallel " } else { "" })
}

fn on(plan: &Map<String, Value>) -> String {
    let names = ["Relation Name", "CTE Name", "Function Name"];
    let relation = names.iter().find_map(|key| text(plan, key));
    let mut parts = Vec::new();
    if let Some(relation) = relation {
        parts.push(relation.to_owned());
        if let Some(alias) = text(plan, "Alias").filter(|alias| *alias != relation) {
            parts.push(alias.to_owned());
        }
    } else if let Some(alias) = text(plan, "Alias") {
        parts.push(alias.to_owned());
    }
    if let Some(index) = text(plan, "Index Name") {
        if !parts.is_empty() {
            parts.push("using".to_owned());
        }
        parts.push(index.strip_prefix(HYPOTHETICAL).unwrap_or(index).to_owned());
    }
    parts.join(" ")
}

fn details(plan: &Map<String, Value>) -> Vec<(String, String)> {
    let shown = |key: &String| !NOT_DETAILS.contains(&key.as_str());
    plan.iter()
        .filter(|(key, _)| shown(key))
        .filter_map(|(key, value)| {
            let value = match value {
                Value::Null | Value::Bool(false) | Value::Object(_) => return None,
                // As every scan that is not told otherwise.
                Value::String(text) if text == "Forward" => return None,
                Value::Bool(true) => "yes".to_owned(),
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::Array(items) => list(items)?,
            };
            Some((key.clone(), value))
        })
        .collect()
}

/// A list of texts on one line; none of anything else.
fn list(items: &[Value]) -> Option<String> {
    let items: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
    items.map(|items| items.join(", "))
}

fn share(node: &mut Node, whole: f64) {
    let below: f64 = node.children.iter().map(|child| child.cost).sum();
    if whole > 0.0 {
        node.share = ((node.cost - below) / whole).clamp(0.0, 1.0);
    }
    for child in &mut node.children {
        share(child, whole);
    }
}

/// Marks what only one of the plans has.
pub(crate) fn compare(before: &mut Node, after: &mut Node) {
    let (have, will_have) = (names(before), names(after));
    mark(before, will_have, Mark::Gone);
    mark(after, have, Mark::New);
}

/// How often a node occurs, by what it does and to what.
type Names = BTreeMap<(String, String), usize>;

fn names(node: &Node) -> Names {
    let mut names = Names::new();
    visit(node, &mut |node| *names.entry((node.does.clone(), node.on.clone())).or_default() += 1);
    names
}

fn visit(node: &Node, see: &mut impl FnMut(&Node)) {
    see(node);
    for child in &node.children {
        visit(child, see);
    }
}

fn visit_mut(node: &mut Node, see: &mut impl FnMut(&mut Node)) {
    see(node);
    for child in &mut node.children {
        visit_mut(child, see);
    }
}

fn mark(node: &mut Node, mut other: Names, how: Mark) {
    visit_mut(node, &mut |node| match other.get_mut(&(node.does.clone(), node.on.clone())) {
        Some(left) if *left > 0 => *left -= 1,
        _ => node.mark = how,
    });
}

/// Puts the findings beside their nodes; those whose node is not there beside the root.
pub(crate) fn place(root: &mut Node, findings: Vec<NodeFinding>) {
    let mut known = Vec::new();
    visit(root, &mut |node| known.push(node.number));
    let (placed, loose): (Vec<_>, Vec<_>) =
        findings.into_iter().partition(|finding| known.contains(&finding.node));
    root.findings.extend(loose);
    visit_mut(root, &mut |node| {
        let own = placed.iter().filter(|finding| finding.node == node.number);
        node.findings.extend(own.cloned());
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = r#"[{"Plan": {"Node Type": "Aggregate", "Strategy": "Hashed", "Partial Mode": "Finalize",
        "Total Cost": 100.0, "Plan Rows": 2, "Group Key": ["a", "b"], "Plans": [
        {"Node Type": "Hash Join", "Join Type": "Left", "Total Cost": 90, "Plan Rows": 10, "Inner Unique": true, "Plans": [
            {"Node Type": "Seq Scan", "Parallel Aware": true, "Relation Name": "orders", "Alias": "o", "Total Cost": 60, "Plan Rows": 5, "Filter": "(a = 1)"},
            {"Node Type": "Seq Scan", "Relation Name": "items", "Alias": "items", "Total Cost": 20, "Plan Rows": 5}]}]}}]"#;
    const AFTER: &str = r#"[{"Plan": {"Node Type": "Nested Loop", "Join Type": "Semi", "Total Cost": 0, "Plans": [
        {"Node Type": "Index Scan", "Relation Name": "orders", "Alias": "o", "Index Name": "<hypothetical>orders_a_idx", "Total Cost": 4},
        {"Node Type": "Seq Scan", "Relation Name": "items", "Alias": "items", "Total Cost": 20},
        {"Node Type": "Seq Scan", "Relation Name": "items", "Alias": "items", "Total Cost": 20}]}}]"#;

    #[test]
    fn nodes_are_named_as_explain_names_them() {
        let before = read(BEFORE).unwrap();
        assert_eq!(before.does, "Finalize HashAggregate");
        assert_eq!(before.details, [("Group Key".to_owned(), "a, b".to_owned())]);
        let join = &before.children[0];
        assert_eq!((join.does.as_str(), join.on.as_str()), ("Hash Left Join", ""));
        let scan = &join.children[0];
        assert_eq!((scan.does.as_str(), scan.on.as_str()), ("Parallel Seq Scan", "orders o"));
        assert_eq!(join.children[1].on, "items");
        assert_eq!(join.children[1].number, 4);
        let after = read(AFTER).unwrap();
        assert_eq!(after.does, "Nested Loop Semi Join");
        assert_eq!(after.children[0].on, "orders o using orders_a_idx");
        assert!(after.children[0].advised && !after.children[1].advised);
    }

    #[test]
    fn a_nodes_share_is_its_own_cost() {
        let before = read(BEFORE).unwrap();
        let join = &before.children[0];
        assert!((before.share - 0.1).abs() < 1e-9);
        assert!((join.share - 0.1).abs() < 1e-9);
        assert!((join.children[0].share - 0.6).abs() < 1e-9);
        // A root that costs nothing, with nodes that do: no division by it, nothing negative.
        assert!(read(AFTER).unwrap().share.abs() < f64::EPSILON);
    }

    #[test]
    fn what_only_one_plan_has_is_marked() {
        let (mut before, mut after) = (read(BEFORE).unwrap(), read(AFTER).unwrap());
        compare(&mut before, &mut after);
        assert_eq!(before.mark, Mark::Gone);
        assert_eq!(before.children[0].children[1].mark, Mark::Same);
        assert_eq!(after.children[0].mark, Mark::New);
        assert_eq!(after.children[1].mark, Mark::Same);
        // There was one of these, now there are two.
        assert_eq!(after.children[2].mark, Mark::New);
    }

    #[test]
    fn findings_stand_by_their_nodes() {
        let mut root = read(BEFORE).unwrap();
        let finding = |node| NodeFinding { node, ..NodeFinding::default() };
        place(&mut root, vec![finding(3), finding(99), finding(1)]);
        assert_eq!(root.findings.len(), 2);
        assert_eq!(root.children[0].children[0].findings.len(), 1);
    }

    #[test]
    fn what_is_no_plan_is_none() {
        let deep = format!("{}1{}", "[".repeat(500), "]".repeat(500));
        for text in ["", "[]", "{}", "[{\"Plan\": 1}]", &deep] {
            assert_eq!(read(text), None, "{text:.20}");
        }
        assert_eq!(read(r#"[{"Plan": {}}]"#).unwrap().does, "node");
    }
}
