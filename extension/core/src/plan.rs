//! A plan as `EXPLAIN (FORMAT JSON)` prints it: read, put into few words, and looked through for
//! what makes it slow.
//!
//! Nothing here needs a server: what has to be known of relations is given as [`facts::Facts`].

pub mod compact;
pub mod difference;
pub mod expression;
pub mod facts;
pub mod finding;
mod rules;

use serde_json::{Map, Value};

pub use finding::{Finding, findings};

/// A plan, and what was measured if it was executed.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The topmost node.
    pub root: Node,
    /// What is beside the plan: planning and execution time, triggers, JIT, settings.
    around: Map<String, Value>,
}

/// A node of a plan with those below it.
#[derive(Debug, Clone)]
pub struct Node {
    /// Number of the node, from 1, in the order in which EXPLAIN prints them.
    pub number: usize,
    /// How many nodes it is below the topmost.
    pub depth: usize,
    /// The nodes below.
    pub children: Vec<Node>,
    fields: Map<String, Value>,
    /// Processes that share its loops: those of the Gather above it.
    participants: f64,
}

impl Plan {
    /// Reads the output of `EXPLAIN (FORMAT JSON)`; of several plans (rules rewrite a statement to
    /// many) the first. None when it is not such an output.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let first = match value {
            Value::Array(plans) => plans.into_iter().next()?,
            other => other,
        };
        let Value::Object(mut around) = first else { return None };
        let Value::Object(root) = around.remove("Plan")? else { return None };
        let root = Node::read(root, &mut 0, 0, 1.0);
        Some(Self { root, around })
    }

    /// Notes how long planning and execution took, for a plan that was printed before they ended, from
    /// the same plan as EXPLAIN prints it in any format.
    pub fn take_times(&mut self, printed: &str) {
        let xml = ["<Planning-Time>", "<Execution-Time>"];
        for (name, in_xml) in ["Planning Time", "Execution Time"].into_iter().zip(xml) {
            // The last: a condition may have the same words.
            let found = printed.rsplit_once(name).or_else(|| printed.rsplit_once(in_xml));
            let figure = found.and_then(|(_, rest)| {
                let rest = rest.trim_start_matches(|c: char| !c.is_ascii_digit());
                let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
                rest.get(..end.unwrap_or(rest.len()))?.parse::<f64>().ok()
            });
            if let Some(figure) = figure {
                self.around.entry(name.to_owned()).or_insert_with(|| figure.into());
            }
        }
    }

    /// All nodes, in the order in which EXPLAIN prints them.
    #[must_use]
    pub fn nodes(&self) -> Vec<&Node> {
        let mut nodes = Vec::new();
        self.root.collect(&mut nodes);
        nodes
    }

    /// The nodes above `node`, the topmost first.
    #[must_use]
    pub fn above(&self, node: &Node) -> Vec<&Node> {
        let mut path = Vec::new();
        let mut at = &self.root;
        while at.number != node.number {
            path.push(at);
            // Numbers ascend in the order of printing.
            let Some(next) = at.children.iter().rev().find(|child| child.number <= node.number)
            else {
                break;
            };
            at = next;
        }
        path
    }

    /// Whether it was executed.
    #[must_use]
    pub fn is_executed(&self) -> bool {
        self.root.loops().is_some()
    }

    /// Milliseconds that a part beside the plan took, such as `Execution Time`.
    #[must_use]
    pub fn time_ms(&self, name: &str) -> Option<f64> {
        self.around.get(name).and_then(Value::as_f64)
    }

    /// What is beside the plan under that name.
    #[must_use]
    pub fn beside(&self, name: &str) -> Option<&Value> {
        self.around.get(name)
    }

    /// Milliseconds of the whole execution: those that the summary has, or those of the topmost node.
    #[must_use]
    pub fn total_ms(&self) -> Option<f64> {
        self.time_ms("Execution Time").or_else(|| self.root.wall_ms())
    }

    /// The part of the whole execution that a node took itself, without those below it.
    #[must_use]
    pub fn share(&self, node: &Node) -> Option<f64> {
        let total = self.total_ms().filter(|total| *total > 0.0)?;
        Some((node.own_ms()? / total).min(1.0))
    }
}

impl Node {
    fn read(
        mut fields: Map<String, Value>,
        last: &mut usize,
        depth: usize,
        participants: f64,
    ) -> Self {
        *last += 1;
        let number = *last;
        let below = match fields.remove("Plans") {
            Some(Value::Array(plans)) => plans,
            _ => Vec::new(),
        };
        let gathers = fields
            .get("Workers Launched")
            .or_else(|| fields.get("Workers Planned"))
            .and_then(Value::as_f64)
            .filter(|_| {
                fields
                    .get("Node Type")
                    .and_then(Value::as_str)
                    .is_some_and(|kind| kind.starts_with("Gather"))
            });
        let shared = gathers.map_or(participants, |workers| {
            let single = fields.get("Single Copy") == Some(&Value::Bool(true));
            workers.max(0.0) + f64::from(!single)
        });
        let children = below.into_iter().filter_map(|plan| match plan {
            Value::Object(fields) => Some(Self::read(fields, last, depth + 1, shared.max(1.0))),
            _ => None,
        });
        let children = children.collect();
        Self { number, depth, children, fields, participants }
    }

    fn collect<'a>(&'a self, nodes: &mut Vec<&'a Self>) {
        nodes.push(self);
        for child in &self.children {
            child.collect(nodes);
        }
    }

    /// The node and all below it.
    #[must_use]
    pub fn subtree(&self) -> Vec<&Self> {
        let mut nodes = Vec::new();
        self.collect(&mut nodes);
        nodes
    }

    /// A property that is a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(Value::as_str)
    }

    /// A property that is a number.
    #[must_use]
    pub fn number_of(&self, name: &str) -> Option<f64> {
        self.fields.get(name).and_then(Value::as_f64)
    }

    /// A property that is a list of texts.
    #[must_use]
    pub fn texts(&self, name: &str) -> Vec<&str> {
        let values = self.fields.get(name).and_then(Value::as_array);
        values.map(|values| values.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
    }

    /// Its type, such as `Seq Scan`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.text("Node Type").unwrap_or("?")
    }

    /// Whether it is of one of these types.
    #[must_use]
    pub fn is(&self, kinds: &[&str]) -> bool {
        kinds.contains(&self.kind())
    }

    /// How it relates to the node above: `Outer`, `Inner`, `SubPlan`, `InitPlan`, `Member`.
    #[must_use]
    pub fn role(&self) -> &str {
        self.text("Parent Relationship").unwrap_or("")
    }

    /// The child with that role.
    #[must_use]
    pub fn child(&self, role: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.role() == role)
    }

    /// Rows expected of one loop.
    #[must_use]
    pub fn expected_rows(&self) -> f64 {
        self.number_of("Plan Rows").unwrap_or(0.0)
    }

    /// Rows that came of one loop on average.
    #[must_use]
    pub fn rows(&self) -> Option<f64> {
        self.number_of("Actual Rows")
    }

    /// How often it was run, by all processes together; 0 when it never was.
    #[must_use]
    pub fn loops(&self) -> Option<f64> {
        self.number_of("Actual Loops")
    }

    /// Rows that came of all loops.
    #[must_use]
    pub fn all_rows(&self) -> Option<f64> {
        Some(self.rows()? * self.loops()?)
    }

    /// Rows that a filter threw away, in all loops.
    #[must_use]
    pub fn removed(&self, name: &str) -> Option<f64> {
        Some(self.number_of(name)? * self.loops()?)
    }

    /// Milliseconds of it and those below it, as time passed: the processes of a parallel plan run
    /// side by side.
    #[must_use]
    pub fn wall_ms(&self) -> Option<f64> {
        Some(self.number_of("Actual Total Time")? * self.loops()? / self.participants)
    }

    /// Milliseconds of it alone.
    #[must_use]
    pub fn own_ms(&self) -> Option<f64> {
        let below: f64 = self
            .children
            .iter()
            // Of an InitPlan the time is that of the node which asks first for its value.
            .filter(|child| child.role() != "InitPlan")
            .filter_map(Self::wall_ms)
            .sum();
        Some((self.wall_ms()? - below).max(0.0))
    }

    /// The relation's name, qualified if the plan is verbose, and what it is called in the statement.
    #[must_use]
    pub fn relation(&self) -> Option<Relation<'_>> {
        let name = self.text("Relation Name")?;
        Some(Relation {
            schema: self.text("Schema"),
            name,
            alias: self.text("Alias").unwrap_or(name),
        })
    }

    /// As EXPLAIN's text has it, such as `Index Scan using orders_pkey on orders o`.
    #[must_use]
    pub fn label(&self) -> String {
        let mut label = String::new();
        if self.fields.get("Parallel Aware") == Some(&Value::Bool(true)) {
            label.push_str("Parallel ");
        }
        match (self.kind(), self.text("Strategy")) {
            ("Aggregate", Some("Hashed")) => label.push_str("HashAggregate"),
            ("Aggregate", Some("Sorted")) => label.push_str("GroupAggregate"),
            ("Aggregate", Some("Mixed")) => label.push_str("MixedAggregate"),
            ("ModifyTable", _) => label.push_str(self.text("Operation").unwrap_or("ModifyTable")),
            (kind, _) => label.push_str(kind),
        }
        if let Some(join) = self.text("Join Type").filter(|join| *join != "Inner") {
            label.push_str(&format!(" ({join})"));
        }
        if let Some(index) = self.text("Index Name") {
            label.push_str(&format!(" using {index}"));
        }
        let target = ["Relation Name", "CTE Name", "Function Name", "Table Function Name"];
        if let Some(name) = target.iter().find_map(|field| self.text(field)) {
            label.push_str(&format!(" on {name}"));
            if let Some(alias) = self.text("Alias").filter(|alias| *alias != name) {
                label.push_str(&format!(" {alias}"));
            }
        }
        label
    }
}

/// A relation that a node reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relation<'a> {
    /// Its schema, if the plan is verbose.
    pub schema: Option<&'a str>,
    /// Its name.
    pub name: &'a str,
    /// What it is called in the statement.
    pub alias: &'a str,
}
