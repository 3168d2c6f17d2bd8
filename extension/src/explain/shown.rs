//! A plan that was made, in the forms that people and programs want.

use advisor_core::plan::difference::{Difference, difference};
use advisor_core::plan::{self, Finding, Plan, compact};
use serde_json::{Value, json};

use super::{facts, read};
use crate::error::AdvisorError;
use crate::indexes::Hidden;
use crate::sys::{Explained, Format, How};

/// What stands for the plan of a statement that a rule turns into nothing.
const NOTHING: &str = "Query rewrites to nothing";

/// Plans of a statement, and what they were made with.
pub(super) struct Shown {
    /// The statement's text.
    pub(super) statement: String,
    /// How it is shown.
    pub(super) how: How,
    /// The plan that it has now; none when that is the other one.
    pub(super) before: Option<Explained>,
    /// The plan with the indexes asked for.
    pub(super) after: Explained,
    /// Names of hypothetical indexes that it uses.
    pub(super) used: Vec<String>,
    /// Names of those that it does not.
    pub(super) not_used: Vec<String>,
    /// The indexes that it must not use.
    pub(super) hidden: Hidden,
}

impl Shown {
    /// As EXPLAIN prints it; with other indexes between what they change and the plan before.
    pub(super) fn text(&self) -> Result<String, AdvisorError> {
        match &self.before {
            Some(before) if self.how.format == Format::Text => {
                self.compared(&self.after.text, &before.text, "\n\n")
            }
            _ => Ok(self.after.text.clone()),
        }
    }

    /// A line a node.
    pub(super) fn compact(&self) -> Result<String, AdvisorError> {
        let after = self.compact_after()?;
        match &self.before {
            Some(before) => self.compared(&after, &self.compact_of(before)?, "\n"),
            None => Ok(after),
        }
    }

    fn compact_after(&self) -> Result<String, AdvisorError> {
        self.compact_of(&self.after)
    }

    fn compact_of(&self, shown: &Explained) -> Result<String, AdvisorError> {
        let plan = if self.how.verbose { verbose(shown)? } else { plain(shown)? };
        Ok(plan.map_or_else(|| NOTHING.to_owned(), |plan| compact::compact(&plan)))
    }

    pub(super) fn findings(&self) -> Result<Vec<Finding>, AdvisorError> {
        let Some(plan) = verbose(&self.after)? else { return Ok(Vec::new()) };
        Ok(plan::findings(&plan, &facts(&plan)?, &self.statement))
    }

    /// Everything, for programs. The plan is as [`Self::compact`] or [`Self::text`] has it.
    pub(super) fn report(&self, is_compact: bool) -> Result<Value, AdvisorError> {
        let plan = plain(&self.after)?;
        let time = |name| plan.as_ref().and_then(|plan| plan.time_ms(name));
        let before = self.before.as_ref().unwrap_or(&self.after);
        let mut report = json!({
            "query": self.statement,
            "plan": if is_compact { self.compact()? } else { self.text()? },
            "compact": self.compact_after()?,
            "findings": self.findings()?,
            "cost": {
                "before": rounded(before.planned.cost),
                "after": rounded(self.after.planned.cost),
            },
            "indexes": {
                "used": self.used,
                "not_used": self.not_used,
                "hidden": self.hidden.names,
            },
            "planning_ms": time("Planning Time"),
            "execution_ms": time("Execution Time"),
            "before": null,
            "difference": null,
        });
        if let (Some(before), Some(fields)) = (&self.before, report.as_object_mut()) {
            let compact = self.compact_of(before)?;
            fields.insert("before".to_owned(), json!({"plan": before.text, "compact": compact}));
            if let Some(difference) = self.difference(before)? {
                let text = difference.text();
                let mut difference = json!(difference);
                difference["text"] = text.into();
                fields.insert("difference".to_owned(), difference);
            }
        }
        Ok(report)
    }

    fn difference(&self, before: &Explained) -> Result<Option<Difference>, AdvisorError> {
        let (Some(old), Some(new)) = (verbose(before)?, verbose(&self.after)?) else {
            return Ok(None);
        };
        let hidden: Vec<&str> = self.hidden.bare_names.iter().map(String::as_str).collect();
        Ok(Some(difference(&old, &new, &facts(&old)?, &hidden)))
    }

    /// Costs and indexes, the plan, what changed, the plan before. The first plan is the one that was
    /// asked for.
    fn compared(&self, after: &str, before: &str, gap: &str) -> Result<String, AdvisorError> {
        let mut text = format!("{}{gap}{after}", self.head());
        let Some(old) = &self.before else { return Ok(text) };
        let Some(difference) = self.difference(old)? else { return Ok(text) };
        text.push_str("\n\n");
        text.push_str(&difference.text());
        if !difference.same_plan {
            text.push_str("\n\nBefore:\n");
            text.push_str(before);
        }
        Ok(text)
    }

    /// What the indexes change, and which of them the plan uses.
    fn head(&self) -> String {
        let before = self.before.as_ref().unwrap_or(&self.after);
        let costs = (before.planned.cost, self.after.planned.cost);
        let mut lines = vec![format!("cost {:.2} -> {:.2}", costs.0, costs.1)];
        for (what, names) in
            [("used", &self.used), ("not used", &self.not_used), ("hidden", &self.hidden.names)]
        {
            if !names.is_empty() {
                lines.push(format!("{what}: {}", names.join(", ")));
            }
        }
        lines.join("\n")
    }
}

fn plain(shown: &Explained) -> Result<Option<Plan>, AdvisorError> {
    shown.tree.as_ref().map(|tree| timed(&tree.plain, &shown.text)).transpose()
}

fn verbose(shown: &Explained) -> Result<Option<Plan>, AdvisorError> {
    shown.tree.as_ref().map(|tree| timed(&tree.verbose, &shown.text)).transpose()
}

fn timed(tree: &str, printed: &str) -> Result<Plan, AdvisorError> {
    let mut plan = read(tree)?;
    plan.take_times(printed);
    Ok(plan)
}

/// A cost as EXPLAIN prints it.
fn rounded(cost: f64) -> f64 {
    (cost * 100.0).round() / 100.0
}
