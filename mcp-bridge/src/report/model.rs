//! What a report holds. As JSON it is the report's other form.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::plan::Pair;
use super::summary::Action;
use crate::error::ToolError;

/// Everything about one database at one time.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    /// The bridge that made it.
    pub(crate) bridge: &'static str,
    pub(crate) about: About,
    /// What to do first, the most urgent first.
    pub(crate) first: Vec<Action>,
    /// The findings, worst first.
    pub(crate) health: Part<Vec<Finding>>,
    /// The dearest statements, the dearest first.
    pub(crate) queries: Part<Vec<Query>>,
    pub(crate) advice: Part<Advice>,
    /// Of the statements that the advice helps most, the most helped first.
    pub(crate) plans: Part<Vec<Pair>>,
    /// What the role could not see, a sentence each.
    pub(crate) unseen: Vec<Missing>,
}

/// A section, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Part<T> {
    Found(T),
    Missing(Missing),
}

impl<T> Part<T> {
    pub(crate) const fn found(&self) -> Option<&T> {
        match self {
            Self::Found(found) => Some(found),
            Self::Missing(_) => None,
        }
    }
}

impl<T> From<Result<T, Missing>> for Part<T> {
    fn from(result: Result<T, Missing>) -> Self {
        match result {
            Ok(found) => Self::Found(found),
            Err(missing) => Self::Missing(missing),
        }
    }
}

/// What is not there, and what brings it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Missing {
    /// One sentence.
    pub(crate) what: String,
    /// More about it, sentences.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
    /// SQL for somebody with the right to it, a statement each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) commands: Vec<String>,
}

impl Missing {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), detail: None, commands: Vec::new() }
    }
}

impl From<ToolError> for Missing {
    fn from(error: ToolError) -> Self {
        let code = error.sqlstate.map(|code| format!("SQLSTATE {code}."));
        let parts: Vec<String> = [error.detail, error.hint, code].into_iter().flatten().collect();
        Self {
            what: sentence(&error.message),
            detail: (!parts.is_empty()).then(|| parts.join(" ")),
            commands: Vec::new(),
        }
    }
}

/// A message of the server as a sentence.
fn sentence(message: &str) -> String {
    let mut characters = message.chars();
    let Some(first) = characters.next() else { return String::new() };
    let rest = characters.as_str();
    let end = if message.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{}{rest}{end}", first.to_uppercase())
}

/// A time and how long ago it was when the report was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Since {
    /// ISO 8601, UTC.
    pub(crate) at: String,
    pub(crate) seconds: f64,
}

/// Server, database, role, and how old the statistics are.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct About {
    /// User, host, port and database of the connection.
    pub(crate) connection: String,
    pub(crate) database: String,
    pub(crate) role: String,
    /// The server's release, such as `15.18`.
    pub(crate) release: String,
    /// As `version()` has it.
    pub(crate) version: String,
    pub(crate) standby: bool,
    pub(crate) extensions: Vec<(String, String)>,
    /// When the report was made, ISO 8601, UTC, by the server's clock.
    pub(crate) made_at: String,
    pub(crate) facts: Facts,
}

/// What the catalog says of the database; what it does not say is none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Facts {
    pub(crate) made_at: String,
    pub(crate) release: String,
    pub(crate) size_bytes: Option<i64>,
    pub(crate) encoding: Option<String>,
    pub(crate) started: Option<Since>,
    /// Of the server's counters.
    pub(crate) counted_since: Option<Since>,
    /// Of the recorded statements.
    pub(crate) recorded_since: Option<Since>,
    /// The oldest of the tables' last ANALYZE.
    pub(crate) oldest_analyze: Option<Since>,
    pub(crate) newest_analyze: Option<Since>,
    pub(crate) tables: i64,
    pub(crate) tables_never_analyzed: i64,
}

/// A finding of `mcp_health`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Finding {
    pub(crate) check_name: String,
    pub(crate) category: String,
    pub(crate) severity: String,
    pub(crate) object: Option<String>,
    pub(crate) value: Option<f64>,
    pub(crate) unit: Option<String>,
    pub(crate) threshold: Option<String>,
    pub(crate) message: String,
    pub(crate) remediation: Option<String>,
    pub(crate) details: Map<String, Value>,
}

impl Finding {
    /// Whether the check ran; what did not is no health.
    pub(crate) fn is_judged(&self) -> bool {
        self.details.get("ran") != Some(&Value::Bool(false))
    }

    /// What the remedy costs, in a word.
    pub(crate) fn risk(&self) -> Option<&str> {
        self.details.get("risk")?.as_str()
    }
}

/// A row of `mcp_top_queries`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Query {
    pub(crate) queryid: Option<i64>,
    pub(crate) role: Option<String>,
    pub(crate) calls: Option<i64>,
    pub(crate) total_ms: Option<f64>,
    pub(crate) mean_ms: Option<f64>,
    pub(crate) max_ms: Option<f64>,
    pub(crate) rows: Option<i64>,
    pub(crate) time_share: Option<f64>,
    pub(crate) access_share: Option<f64>,
    pub(crate) read_share: Option<f64>,
    pub(crate) wal_share: Option<f64>,
    pub(crate) blocks_hit: Option<i64>,
    pub(crate) blocks_read: Option<i64>,
    pub(crate) blocks_dirtied: Option<i64>,
    pub(crate) blocks_temp: Option<i64>,
    pub(crate) wal_bytes: Option<i64>,
    pub(crate) query: Option<String>,
}

impl Query {
    /// The statement's text; none when the server hides it, which also hides its id.
    pub(crate) fn text(&self) -> Option<&str> {
        let hidden = self.queryid.is_none() && self.query.as_deref() == Some(HIDDEN);
        self.query.as_deref().filter(|_| !hidden)
    }
}

/// What `pg_stat_statements` shows in the place of another role's statement.
const HIDDEN: &str = "<insufficient privilege>";

/// The parts of `mcp_advise_report` that the page shows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Advice {
    /// Milliseconds of the recorded statements, as those of a whole.
    pub(crate) cost_before: f64,
    pub(crate) cost_after: f64,
    pub(crate) index_bytes: f64,
    pub(crate) statements_examined: i64,
    pub(crate) statements_used: i64,
    pub(crate) complete: bool,
    pub(crate) stopped_by: Option<String>,
    pub(crate) elapsed_ms: f64,
    pub(crate) indexes: Vec<Index>,
    pub(crate) queries: Vec<Impact>,
    pub(crate) skipped: Vec<Skipped>,
    pub(crate) pareto_front: Vec<Point>,
    pub(crate) drops: Vec<Superfluous>,
    pub(crate) muted: Vec<Muted>,
}

impl Advice {
    /// The statements that become cheaper, those that gain most first.
    pub(crate) fn helped(&self) -> Vec<&Impact> {
        let mut helped: Vec<&Impact> =
            self.queries.iter().filter(|query| query.is_helped()).collect();
        helped.sort_by(|a, b| b.gain().total_cmp(&a.gain()));
        helped
    }
}

/// An advised index.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Index {
    pub(crate) rank: i64,
    pub(crate) id: String,
    pub(crate) ddl: String,
    pub(crate) relation: String,
    pub(crate) size_bytes: f64,
    pub(crate) cost_before: f64,
    pub(crate) cost_after: f64,
    pub(crate) improved_queries: Vec<i64>,
    pub(crate) regressed_queries: Vec<i64>,
    pub(crate) write_overhead: f64,
    pub(crate) breaks_hot: bool,
    pub(crate) replaces: Vec<String>,
    pub(crate) confidence: String,
    pub(crate) confidence_detail: Confidence,
    pub(crate) reason: String,
}

/// What the advice does to a statement.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Impact {
    pub(crate) query_id: i64,
    pub(crate) query: String,
    pub(crate) calls: f64,
    pub(crate) weight: f64,
    pub(crate) cost_before: f64,
    pub(crate) cost_after: f64,
    /// Ids of the indexes that its plan uses.
    pub(crate) indexes: Vec<String>,
    pub(crate) plan_before: Option<String>,
    pub(crate) plan_after: Option<String>,
}

impl Impact {
    /// Whether it becomes cheaper; a cost that is not known is none.
    fn is_helped(&self) -> bool {
        self.plan_after.is_some() && self.cost_after > 0.0 && self.gain() > 0.0
    }

    /// What the workload gains by it.
    pub(crate) fn gain(&self) -> f64 {
        self.weight * (self.cost_before - self.cost_after)
    }
}

/// A statement that was left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Skipped {
    pub(crate) query: String,
    pub(crate) reason: String,
    pub(crate) message: String,
}

/// A point of the Pareto front: no set of indexes that was seen is both smaller and better.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Point {
    pub(crate) index_bytes: f64,
    pub(crate) cost: f64,
    pub(crate) indexes: Vec<String>,
    pub(crate) ddl: Vec<String>,
    /// Whether more space begins to bring less here than is asked.
    pub(crate) knee: bool,
}

/// An index that is not to be advised.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Muted {
    pub(crate) ddl: String,
    pub(crate) reason: Option<String>,
}

/// What became of the gain of an index with other values and other statistics.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Confidence {
    /// Why it is no higher, a sentence each.
    pub(crate) reasons: Vec<String>,
}

/// An index that an advised one makes superfluous.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Superfluous {
    pub(crate) index: String,
    pub(crate) reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn an_error_of_the_server_reads_as_sentences() {
        let error = ToolError::new(Kind::SqlError, "relation \"a\" does not exist")
            .with_sqlstate("42P01")
            .with_hint("Look again.");
        let missing = Missing::from(error);
        assert_eq!(missing.what, "Relation \"a\" does not exist.");
        assert_eq!(missing.detail.as_deref(), Some("Look again. SQLSTATE 42P01."));
        assert_eq!(sentence(""), "");
        assert_eq!(sentence("Done!"), "Done!");
    }

    #[test]
    fn a_part_is_found_or_missing() {
        let found: Part<u8> = Ok(1).into();
        assert_eq!(found.found(), Some(&1));
        let missing: Part<u8> = Err(Missing::new("x")).into();
        assert_eq!(missing.found(), None);
        assert_eq!(serde_json::to_string(&missing).unwrap(), r#"{"missing":{"what":"x"}}"#);
    }
}
