//! What a plan shows that is worth a person's time, each with its place, the figures that show it
//! and what to do about it. Deterministic: the same plan and facts, the same findings.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use super::facts::Facts;
use super::rules;
use super::{Node, Plan};

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Far more or fewer rows than expected.
    Misestimate,
    /// A sequential scan that throws most of the rows away.
    WastefulScan,
    /// An index that was chosen for its order and whose rows are mostly thrown away.
    OrderedIndexFilters,
    /// An index whose rows are mostly thrown away by what it does not hold.
    IndexFilters,
    /// A nested loop that runs far more often than expected.
    NestedLoopMisestimate,
    /// A sort that did not fit into memory.
    SortOnDisk,
    /// A hash table that did not fit into memory.
    HashOnDisk,
    /// A bitmap that remembers pages only.
    LossyBitmap,
    /// Statistics that are old, or not there.
    StaleStatistics,
    /// A part of the plan that was not needed.
    NeverExecuted,
    /// A sub-plan that runs for each row.
    RepeatedSubPlan,
    /// A function around a column.
    FunctionOnColumn,
    /// A cast around a column.
    CastOnColumn,
    /// A pattern that begins with a wildcard.
    LeadingWildcard,
    /// Rows that are made to be skipped.
    DeepOffset,
    /// NOT IN with a sub-query.
    NotIn,
    /// OR between conditions on different tables.
    OrAcrossTables,
    /// Fewer parallel workers than planned.
    WorkersNotLaunched,
    /// Compilation that takes a good part of the time.
    Jit,
    /// Triggers that take a good part of the time.
    Triggers,
    /// Foreign keys that take a good part of the time.
    Constraints,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It most likely makes the statement slow.
    Warning,
    /// It may, or explains something.
    Info,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// What was found.
    pub finding: Kind,
    /// How much it matters.
    pub severity: Severity,
    /// Number of the node, from 1, in the order in which EXPLAIN prints them.
    pub node: usize,
    /// The node, as EXPLAIN's text has it.
    pub place: String,
    /// In words.
    pub message: String,
    /// The figures that show it.
    pub evidence: Map<String, Value>,
    /// What to do about it.
    pub remedy: String,
}

impl Finding {
    pub(super) fn new(kind: Kind, severity: Severity, node: &Node) -> Self {
        Self {
            finding: kind,
            severity,
            node: node.number,
            place: node.label(),
            message: String::new(),
            evidence: Map::new(),
            remedy: String::new(),
        }
    }

    pub(super) fn says(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    pub(super) fn because(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.evidence.insert(name.to_owned(), value.into());
        self
    }

    pub(super) fn do_this(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }
}

/// What a plan is looked at with.
pub(super) struct Input<'a> {
    pub(super) plan: &'a Plan,
    pub(super) facts: &'a Facts,
    pub(super) statement: &'a str,
}

/// All findings about a plan of `statement`: warnings first, then as the nodes are printed.
#[must_use]
pub fn findings(plan: &Plan, facts: &Facts, statement: &str) -> Vec<Finding> {
    let input = Input { plan, facts, statement };
    let mut found: Vec<Finding> = rules::ALL.iter().flat_map(|rule| rule(&input)).collect();
    found.sort_by(|one, other| {
        let key = |finding: &Finding| (finding.severity, finding.node, finding.finding);
        key(one).cmp(&key(other))
    });
    found
}

/// A number of rows for people: 12, 3,400, 1.2 million.
pub(super) fn count(number: f64) -> String {
    match number {
        n if n >= 1e9 => format!("{:.1} billion", n / 1e9),
        n if n >= 1e6 => format!("{:.1} million", n / 1e6),
        n if n >= 1e3 => {
            let whole = n.round() as u64;
            format!("{},{:03}", whole / 1_000, whole % 1_000)
        }
        n if n.fract() > 0.05 => format!("{n:.1}"),
        n => format!("{n:.0}"),
    }
}

/// Megabytes for a setting, rounded up.
pub(super) fn megabytes(kilobytes: f64) -> String {
    format!("{:.0}MB", (kilobytes / 1024.0).ceil().max(1.0))
}
