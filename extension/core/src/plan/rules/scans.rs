//! Scans that read much more than they give.

use crate::plan::expression;
use crate::plan::finding::{Finding, Input, Kind, Severity, count};
use crate::plan::{Node, Plan};

/// Share of the rows read that is thrown away, from which on an index would pay.
const WASTE: f64 = 0.9;
/// Rows thrown away by a sequential scan that matter: some hundred pages.
const SCANNED_ROWS: f64 = 10_000.0;
/// Rows thrown away by an index scan that matter: each may be a page.
const FETCHED_ROWS: f64 = 1_000.0;
/// Runs of a sub-plan that matter.
const RUNS: f64 = 1_000.0;

/// Rows thrown away by a scan's filter, and rows kept, in all loops; by the estimates when the plan
/// was not executed.
fn thrown_away(input: &Input<'_>, node: &Node) -> Option<(f64, f64)> {
    if node.loops().is_some() {
        let removed = node.removed("Rows Removed by Filter")?;
        return Some((removed, node.all_rows()?));
    }
    let relation = node.relation()?;
    node.text("Filter")?;
    let rows = input.facts.relation(relation.schema, relation.name)?.rows;
    // Without a condition on the index, all rows pass the filter.
    node.text("Index Cond").is_none().then(|| (rows - node.expected_rows(), node.expected_rows()))
}

fn is_wasteful((removed, kept): (f64, f64), least: f64) -> bool {
    removed >= least && removed >= WASTE * (removed + kept)
}

/// Sequential scans that throw most of the rows away.
pub(super) fn wasteful(input: &Input<'_>) -> Vec<Finding> {
    let scans = input.plan.nodes().into_iter().filter(|node| node.is(&["Seq Scan"]));
    let found = scans.filter_map(|node| {
        let thrown = thrown_away(input, node).filter(|one| is_wasteful(*one, SCANNED_ROWS))?;
        let filter = node.text("Filter").unwrap_or_default();
        let columns = expression::read(filter).columns_of(node.relation()?.alias);
        let hint = if columns.is_empty() {
            "an index on the filter's columns"
        } else {
            &format!("an index on ({})", columns.join(", "))
        };
        Some(
            Finding::new(Kind::WastefulScan, Severity::Warning, node)
                .says(format!(
                    "reads {} rows and throws {} of them away",
                    count(thrown.0 + thrown.1),
                    count(thrown.0),
                ))
                .because("removed_rows", thrown.0)
                .because("rows", thrown.1)
                .because("filter", filter)
                .because("executed", input.plan.is_executed())
                .do_this(format!(
                    "Ask mcp_advise_indexes for this statement; {hint} is the first to try."
                )),
        )
    });
    found.collect()
}

/// Whether the order of the node's rows is asked for: by a LIMIT without a sort between.
fn is_for_order(plan: &Plan, node: &Node) -> bool {
    for above in plan.above(node).into_iter().rev() {
        if above.is(&["Limit"]) {
            return true;
        }
        if above.is(&["Sort", "Hash", "Aggregate", "Bitmap Heap Scan"]) {
            return false;
        }
    }
    false
}

/// Index scans whose rows are mostly thrown away.
pub(super) fn index_filters(input: &Input<'_>) -> Vec<Finding> {
    let kinds = ["Index Scan", "Index Only Scan", "Bitmap Heap Scan"];
    let scans = input.plan.nodes().into_iter().filter(|node| node.is(&kinds));
    let found = scans.filter_map(|node| {
        let thrown = thrown_away(input, node).filter(|one| is_wasteful(*one, FETCHED_ROWS))?;
        let filter = node.text("Filter").unwrap_or_default();
        let columns = expression::read(filter).columns_of(node.relation()?.alias).join(", ");
        let ordered = is_for_order(input.plan, node) && !node.is(&["Bitmap Heap Scan"]);
        let (kind, message, remedy) = if ordered {
            (
                Kind::OrderedIndexFilters,
                "was chosen for its order, in the hope that rows for the LIMIT come early",
                format!(
                    "An index with ({columns}) before the columns of the order serves both; without \
                     one, an ORDER BY on an expression (such as id + 0) keeps the planner from it."
                ),
            )
        } else {
            (
                Kind::IndexFilters,
                "finds rows by the index that its filter then throws away",
                format!("Add ({columns}) to the index, or advise anew with mcp_advise_indexes."),
            )
        };
        Some(
            Finding::new(kind, Severity::Warning, node)
                .says(format!(
                    "{message}: {} of {} rows are thrown away",
                    count(thrown.0),
                    count(thrown.0 + thrown.1),
                ))
                .because("removed_rows", thrown.0)
                .because("rows", thrown.1)
                .because("filter", filter)
                .do_this(remedy),
        )
    });
    found.collect()
}

/// Sub-plans that run once for each row.
pub(super) fn repeated_sub_plans(input: &Input<'_>) -> Vec<Finding> {
    let plans = input.plan.nodes().into_iter().filter(|node| node.role() == "SubPlan");
    let found = plans.filter_map(|node| {
        let above = input.plan.above(node).pop()?;
        // A hashed one is run once.
        let runs = match node.loops() {
            Some(loops) => loops,
            None if is_hashed(above, node) => 1.0,
            None => above.expected_rows(),
        };
        (runs >= RUNS).then(|| {
            let share = input.plan.total_ms().zip(node.wall_ms()).map(|(all, own)| own / all);
            let name = node.text("Subplan Name").unwrap_or("SubPlan");
            let mut finding = Finding::new(Kind::RepeatedSubPlan, Severity::Warning, node)
                .says(format!("{name} runs {} times, once for each row of {}", count(runs), above.label()))
                .because("runs", runs)
                .do_this(
                    "Write it as a join, or as LEFT JOIN LATERAL on an aggregate; or give it an index \
                     on the columns that it is called with.",
                );
            if let Some(share) = share {
                finding = finding.because("share", (share * 1000.0).round() / 1000.0);
            }
            finding
        })
    });
    found.collect()
}

fn is_hashed(above: &Node, sub_plan: &Node) -> bool {
    let Some(name) = sub_plan.text("Subplan Name") else { return false };
    let hashed = format!("hashed {name}");
    let mut texts = vec!["Filter", "Join Filter", "One-Time Filter"];
    texts.retain(|field| above.text(field).is_some_and(|text| text.contains(&hashed)));
    !texts.is_empty() || above.texts("Output").iter().any(|text| text.contains(&hashed))
}
