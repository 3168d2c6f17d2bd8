//! Relations that are read another way.

use std::fmt::Write as _;

use super::{Change, Kind};
use crate::plan::facts::Facts;
use crate::plan::finding::count;
use crate::plan::{Node, Plan};

/// A scan of a relation, with how the planner expects it to run.
struct Scan<'a> {
    node: &'a Node,
    /// Its indexes; those below a bitmap scan too.
    indexes: Vec<&'a str>,
    /// How often it is run; unknown below Memoize.
    runs: Option<f64>,
}

impl Scan<'_> {
    fn alias(&self) -> &str {
        self.node.relation().map_or("", |relation| relation.alias)
    }

    /// What it is and with which indexes.
    fn path(&self) -> String {
        let parallel = if self.node.is_parallel() { "Parallel " } else { "" };
        let mut path = format!("{parallel}{}", self.node.kind());
        if !self.indexes.is_empty() {
            let _ = write!(path, " with {}", self.indexes.join(", "));
        }
        match self.runs {
            Some(runs) if runs > 1.0 => {
                let _ = write!(path, " (run {} times)", count(runs));
            }
            _ => {}
        }
        path
    }
}

/// The scans of a plan as they are printed.
fn scans_of(plan: &Plan) -> Vec<Scan<'_>> {
    fn walk<'a>(node: &'a Node, runs: Option<f64>, scans: &mut Vec<Scan<'a>>) {
        if node.relation().is_some() && node.kind().ends_with("Scan") {
            let below = node.subtree();
            let indexes = below
                .iter()
                .filter(|one| one.number == node.number || one.kind().starts_with("Bitmap"))
                .filter_map(|one| one.text("Index Name"));
            scans.push(Scan { node, indexes: indexes.collect(), runs });
        }
        for child in &node.children {
            let repeated = node.kind() == "Nested Loop" && child.role() == "Inner";
            let outer = node.child("Outer").map_or(1.0, Node::expected_rows);
            let runs = match (child.role(), child.kind()) {
                ("InitPlan", _) | (_, "Materialize") => Some(1.0),
                // How often is not shown.
                ("SubPlan", _) | (_, "Memoize") => None,
                _ if repeated => runs.map(|runs| runs * outer.max(1.0)),
                _ => runs,
            };
            walk(child, runs, scans);
        }
    }
    let mut scans = Vec::new();
    walk(&plan.root, Some(1.0), &mut scans);
    scans
}

/// Relations that are read another way. Partitions that change alike are one change.
pub(super) fn changes(before: &Plan, after: &Plan, facts: &Facts, hidden: &[&str]) -> Vec<Change> {
    let (before, after) = (scans_of(before), scans_of(after));
    let mut families: Vec<Family<'_>> = Vec::new();
    for new in &after {
        let Some(old) = before.iter().find(|old| old.alias() == new.alias()) else { continue };
        if old.node.kind() == new.node.kind() && old.indexes == new.indexes {
            continue;
        }
        let common = parent_of(new.node).map(|name| (name, old.node.kind(), new.node.kind()));
        let alike = |family: &&mut Family<'_>| common.is_some() && family.common == common;
        match families.iter_mut().find(alike) {
            Some(family) => family.others += 1,
            None => {
                families.push(Family { first: scan(old, new, facts, hidden), common, others: 0 })
            }
        }
    }
    families.into_iter().map(Family::counted).collect()
}

/// Partitions of one table that changed alike.
struct Family<'a> {
    first: Change,
    /// The table, how its partitions were read, and how they are.
    common: Option<(String, &'a str, &'a str)>,
    others: u32,
}

impl Family<'_> {
    fn counted(mut self) -> Change {
        if self.others > 0 {
            self.first.place = format!("{} and {} more alike", self.first.place, self.others);
        }
        self.first
    }
}

/// What partitions of one table have in common: their alias is the table's with a number.
fn parent_of(node: &Node) -> Option<String> {
    let alias = node.relation()?.alias;
    let (parent, number) = alias.rsplit_once('_')?;
    let is_member = node.role() == "Member" && number.bytes().all(|byte| byte.is_ascii_digit());
    is_member.then(|| parent.to_owned())
}

fn scan(old: &Scan<'_>, new: &Scan<'_>, facts: &Facts, hidden: &[&str]) -> Change {
    let added = new.indexes.iter().find(|index| !old.indexes.contains(index));
    let gone =
        old.indexes.iter().find(|index| !new.indexes.contains(index) && hidden.contains(index));
    let relation = new.node.relation();
    let all = relation.and_then(|relation| facts.relation(relation.schema, relation.name));
    let all = all.map(|relation| relation.rows).filter(|rows| *rows >= 0.0);
    let reads_all = |scan: &Scan<'_>| scan.node.kind() == "Seq Scan";
    let found = count(new.node.expected_rows());
    // Without a condition it is there for its order, or for the columns that it holds.
    let found_by = added.filter(|_| {
        let below = new.node.subtree();
        below.iter().any(|node| node.text("Index Cond").is_some())
    });
    let reason = match (gone, found_by, all) {
        (Some(gone), None, Some(all)) if reads_all(new) => {
            format!("{gone} is hidden, so all {} rows are read", count(all))
        }
        (Some(gone), ..) => format!("{gone} is hidden"),
        (None, Some(added), Some(all)) if reads_all(old) => match new.runs {
            Some(runs) if runs > 1.0 => format!(
                "{added} finds the rows of each run ({found}) instead of reading all {}",
                count(all)
            ),
            _ => format!("{added} finds {found} of the {} rows that were read", count(all)),
        },
        _ => match added {
            Some(added) if new.node.kind() == "Index Only Scan" => {
                format!("{added} holds all columns that are needed")
            }
            _ => String::new(),
        },
    };
    let name = relation.map_or("", |relation| relation.name);
    let place =
        if new.alias() == name { name.to_owned() } else { format!("{name} {}", new.alias()) };
    Change {
        before: Some(old.path()),
        after: Some(new.path()),
        cost_before: Some(old.node.total_cost()),
        cost_after: Some(new.node.total_cost()),
        index: added.or(gone).map(|index| (*index).to_owned()),
        reason,
        ..Change::new(Kind::Scan, place)
    }
}
