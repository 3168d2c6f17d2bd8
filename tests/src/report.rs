//! The parts of `mcp_advise_report` that the programs print. Serde names what is missing.

use anyhow::{Context, Result};
use postgres::Client;
use postgres::types::ToSql;
use serde::Deserialize;

/// An answer of `mcp_advise_report`.
#[derive(Debug, Deserialize)]
pub struct Report {
    /// Cost of the workload with the indexes that exist.
    pub cost_before: f64,
    /// The same with the advised indexes.
    pub cost_after: f64,
    /// The advised indexes in order of rank.
    pub indexes: Vec<Index>,
    /// What the advice does to each statement, in the order of the workload.
    pub queries: Vec<Impact>,
    /// Statements that were looked at.
    pub statements_examined: u64,
    /// Of these, the ones that could not be used.
    pub skipped: Vec<Skipped>,
    /// How the cost requests of the search were answered.
    pub planner: Planner,
    /// How a large workload was made smaller for the search; none: it was not.
    pub compressed: Option<Compressed>,
    /// The stages of the search, in order.
    pub rounds: Vec<Round>,
    /// The border between size and cost, smallest first.
    pub pareto_front: Vec<Point>,
    /// Why the search ended before it was done.
    pub stopped_by: Option<String>,
    /// Time until the statements were analyzed and the catalogue read.
    pub preparation_ms: f64,
    /// Time of the whole call.
    pub elapsed_ms: f64,
}

/// An advised index.
#[derive(Debug, Deserialize)]
pub struct Index {
    /// `CREATE INDEX CONCURRENTLY …`.
    pub ddl: String,
    /// Estimated size.
    pub size_bytes: f64,
}

/// A set of indexes that no other beats in both size and cost.
#[derive(Debug, Clone, Deserialize)]
pub struct Point {
    /// Size of its indexes.
    pub index_bytes: f64,
    /// Cost of the workload with them.
    pub cost: f64,
    /// Their statements.
    pub ddl: Vec<String>,
    /// Whether more space begins to bring less here.
    pub knee: bool,
    /// Whether it is what is advised.
    pub advised: bool,
    /// Whether its cost is that of plans.
    pub planned: bool,
}

/// What the advice does to a statement.
#[derive(Debug, Deserialize)]
pub struct Impact {
    /// Planner cost with the indexes that exist.
    pub cost_before: f64,
    /// The same with the advised indexes.
    pub cost_after: f64,
}

/// A statement that could not be used.
#[derive(Debug, Deserialize)]
pub struct Skipped {
    /// Its text, perhaps shortened.
    pub query: String,
    /// Why, in a word.
    pub reason: String,
    /// Why, in a sentence.
    pub message: String,
}

/// How a large workload was made smaller.
#[derive(Debug, Deserialize)]
pub struct Compressed {
    /// Statements that were searched for.
    pub representatives: u64,
    /// Share of the workload's cost that indexes for the others could save beyond the advice, at
    /// most.
    pub unexamined: f64,
}

/// Counters of the search.
#[derive(Debug, Deserialize)]
pub struct Planner {
    /// Cost requests that went to the planner.
    pub calls_made: u64,
    /// Cost requests that were answered without it.
    pub calls_saved: u64,
    /// Plans made for them: one for each set of parameter values.
    pub plans_made: u64,
    /// Time spent in the planner.
    pub planning_ms: f64,
}

/// A stage of the search.
#[derive(Debug, Deserialize)]
pub struct Round {
    /// Its name; the stage `first` ends with the first complete advice.
    pub stage: String,
    /// Time from the start of the call to the end of the stage.
    pub elapsed_ms: f64,
}

/// Arguments of `mcp_advise_report`; the ones that are absent keep their defaults.
#[derive(Debug, Default)]
pub struct Arguments {
    /// The workload; none: that of `pg_stat_statements`.
    pub queries: Option<Vec<String>>,
    /// Bytes for all new indexes; none: no limit.
    pub storage_budget: Option<i64>,
    /// Key columns per index.
    pub max_columns: Option<i32>,
    /// Share of the cost that a round must gain.
    pub min_improvement: Option<f64>,
    /// Asked speed-up per space.
    pub pareto_ratio: Option<f64>,
    /// Seconds for the search.
    pub time_limit: Option<u32>,
    /// Statements taken from `pg_stat_statements`.
    pub max_queries: Option<i32>,
}

impl Report {
    /// Estimated bytes of all advised indexes.
    #[must_use]
    pub fn index_bytes(&self) -> f64 {
        self.indexes.iter().map(|index| index.size_bytes).sum()
    }

    /// Cost of the workload with the advice, as a share of the cost without.
    #[must_use]
    pub fn relative_cost(&self) -> f64 {
        self.cost_after / self.cost_before
    }

    /// Cost requests of the search, however they were answered.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.planner.calls_made + self.planner.calls_saved
    }

    /// Calls the function.
    ///
    /// # Errors
    /// Whatever the server answers; or when the answer lacks a key that is read here.
    pub fn fetch(client: &mut Client, arguments: &Arguments) -> Result<Self> {
        let mut named: Vec<(&str, &(dyn ToSql + Sync))> = Vec::new();
        if arguments.queries.is_some() {
            named.push(("queries", &arguments.queries));
        }
        if arguments.storage_budget.is_some() {
            named.push(("storage_budget", &arguments.storage_budget));
        }
        if arguments.max_columns.is_some() {
            named.push(("max_columns", &arguments.max_columns));
        }
        if arguments.min_improvement.is_some() {
            named.push(("min_improvement", &arguments.min_improvement));
        }
        if arguments.pareto_ratio.is_some() {
            named.push(("pareto_ratio", &arguments.pareto_ratio));
        }
        if arguments.max_queries.is_some() {
            named.push(("max_queries", &arguments.max_queries));
        }
        let mut list: Vec<String> =
            named.iter().zip(1..).map(|((name, _), n)| format!("{name} => ${n}")).collect();
        if let Some(seconds) = arguments.time_limit {
            list.push(format!("time_limit => interval '{seconds} s'"));
        }
        // Explaining the plans for people is not part of the advice that is timed.
        list.push("plans => false".to_owned());
        let values: Vec<&(dyn ToSql + Sync)> = named.iter().map(|(_, value)| *value).collect();
        let sql = format!("select mcp_advise_report({})::text", list.join(", "));
        let text: String = client.query_one(&sql, &values)?.try_get(0)?;
        serde_json::from_str(&text).context("unexpected form of the report")
    }
}
