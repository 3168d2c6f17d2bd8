//! The workloads: our advice beside the published algorithms', really executed, and its sizes.
//!
//! `WORKLOAD=tpcds,app make bench` measures only these, at the scale asked for.

mod compare;
mod contest;
mod execution;
mod expert;
mod judge;
mod sizes;

use std::time::Duration;

use anyhow::{Result, ensure};
use postgres::Client;

use super::Bench;
use crate::report::{Arguments, Report};
use crate::workloads::{Statement, Workload};

/// Seconds that our search gets at most, unless ADVICE_SECONDS says otherwise: the default of the
/// SQL functions.
const ADVICE_SECONDS: u64 = 30;

/// Seconds that a published algorithm gets for one answer, unless RIVAL_SECONDS says otherwise.
const RIVAL_SECONDS: u64 = 20;

/// Key columns per index in the comparison.
const WIDTH: usize = 2;

/// A way to run the advisor.
#[derive(Clone, Copy)]
struct Setting {
    name: &'static str,
    sql: &'static str,
    /// Most key columns; none: the advisor's default.
    width: Option<usize>,
}

/// What the published algorithms can choose from and look at: key columns, the planner's word for
/// reads; all kinds of index, by its word alone; and what users get, where the second opinion leaves
/// out what only the planner believes in.
const SETTINGS: [Setting; 3] = [
    Setting {
        name: "mcp_advisor, key columns",
        sql: "set mcp_advisor.include_columns = 0; set mcp_advisor.second_opinion = off;
            set mcp_advisor.index_kinds = ''; set mcp_advisor.index_methods = 'btree';
            set mcp_advisor.write_weight = 0; set mcp_advisor.max_regression = 1000",
        width: Some(WIDTH),
    },
    Setting {
        name: "mcp_advisor, all kinds",
        sql: "set mcp_advisor.second_opinion = off",
        width: None,
    },
    DEFAULT,
];

/// What users get.
const DEFAULT: Setting = Setting { name: "mcp_advisor, default", sql: "", width: None };

/// Sections of [`super::Section`] that run for each workload.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Compare,
    Execution,
    Sizes,
}

/// Runs a section for each workload that was asked for.
pub(super) fn measure(bench: &mut Bench<'_>, part: Part) -> Result<()> {
    let mut failed = Vec::new();
    for workload in bench.workloads.clone() {
        let done = match part {
            Part::Compare => compare::measure(bench, workload),
            Part::Execution => execution::measure(bench, workload),
            Part::Sizes => sizes::measure(bench, workload),
        };
        if let Err(error) = done {
            bench.progress.line(&format!("{} failed: {error:#}", workload.title()));
            failed.push(workload.name());
        }
    }
    ensure!(failed.is_empty(), "failed for {}", failed.join(", "));
    Ok(())
}

/// The statements that costs are compared on.
fn compared(workload: Workload) -> Result<Vec<Statement>> {
    let left_out = workload.left_out_of_costs();
    let all = workload.statements()?;
    Ok(all.into_iter().filter(|one| !left_out.contains(&one.name.as_str())).collect())
}

/// The texts, each as often as it is called: in a list every statement counts once.
fn repeated(statements: &[Statement]) -> Vec<String> {
    let texts = statements.iter();
    texts.flat_map(|one| (0..one.calls).map(|_| one.sql.clone())).collect()
}

/// Our advice: everything that gains, so that only the budget limits.
fn advise(
    client: &mut Client,
    setting: Setting,
    statements: &[Statement],
    budget: Option<f64>,
) -> Result<Report> {
    client.batch_execute(setting.sql)?;
    let arguments = Arguments {
        queries: Some(repeated(statements)),
        storage_budget: budget.map(|bytes| bytes as i64),
        max_columns: setting.width.map(|width| width as i32),
        min_improvement: Some(0.0),
        pareto_ratio: Some(0.0),
        time_limit: Some(seconds("ADVICE_SECONDS", ADVICE_SECONDS) as u32),
        max_queries: None,
    };
    super::quality::advise(client, &arguments)
}

/// A number of seconds from the environment.
fn seconds(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(default)
}

/// What a rival gets for one answer.
fn rival_time() -> Duration {
    Duration::from_secs(seconds("RIVAL_SECONDS", RIVAL_SECONDS))
}

/// The statement without CONCURRENTLY: nobody else is connected, and it takes half the time.
fn plain(ddl: &str) -> String {
    ddl.replace(" CONCURRENTLY", "")
}
