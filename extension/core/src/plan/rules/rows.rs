//! Rows that came against rows that were expected.

use crate::plan::finding::{Finding, Input, Kind, Severity, count};
use crate::plan::{Node, Plan};

/// From this factor on an estimate is wrong enough to change a plan: the planner's choices hold over
/// a wide range, and a factor below is normal for joins.
const FACTOR: f64 = 10.0;
/// Fewer rows than this on both sides do not matter.
const LEAST_ROWS: f64 = 1_000.0;
/// Loops of an inner side that make a nested loop dear.
const LEAST_LOOPS: f64 = 1_000.0;
/// `autovacuum_analyze_threshold` and `autovacuum_analyze_scale_factor`, by default: beyond that the
/// server itself would analyze the table.
const CHANGED_ROWS: f64 = 50.0;
const CHANGED_SHARE: f64 = 0.1;
/// Cost share of a part that was planned and not needed.
const NEEDLESS_COST: f64 = 0.25;

/// By how much the estimate of a node is off; none when it is not, or when it does not matter.
fn factor(node: &Node) -> Option<f64> {
    let (rows, loops) = (node.rows()?, node.loops().filter(|loops| *loops > 0.0)?);
    // The estimate is never below one row.
    let (real, expected) = (rows.max(1.0), node.expected_rows().max(1.0));
    let factor = real.max(expected) / real.min(expected);
    (factor >= FACTOR && (real.max(expected) * loops) >= LEAST_ROWS).then_some(factor)
}

/// Whether somebody above may have stopped the node early: then fewer rows prove nothing.
fn may_be_stopped(plan: &Plan, node: &Node) -> bool {
    const READS_ALL: [&str; 5] = ["Sort", "Hash", "Aggregate", "Incremental Sort", "WindowAgg"];
    let mut below = node;
    for above in plan.above(node).into_iter().rev() {
        if above.is(&["Limit", "Merge Join"]) {
            return true;
        }
        let stops_inner = above.is(&["Nested Loop"])
            && below.role() == "Inner"
            && (above.text("Join Type") != Some("Inner") || above.text("Inner Unique").is_some());
        if stops_inner || below.role() == "SubPlan" {
            return true;
        }
        if above.is(&READS_ALL) {
            return false;
        }
        below = above;
    }
    false
}

/// The nodes where misestimates start: those above inherit them.
pub(super) fn misestimates(input: &Input<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for node in input.plan.nodes() {
        let Some(factor) = factor(node) else { continue };
        let (rows, expected) = (node.rows().unwrap_or(0.0), node.expected_rows());
        let inherited = node.children.iter().any(|child| self::factor(child).is_some());
        if inherited || rows < expected && may_be_stopped(input.plan, node) {
            continue;
        }
        let above = input.plan.above(node);
        let inheriting = above.iter().filter(|node| self::factor(node).is_some()).count();
        let what = if rows > expected { "more" } else { "fewer" };
        found.push(
            Finding::new(Kind::Misestimate, Severity::Warning, node)
                .says(format!(
                    "{} rows came where {} were expected: {} times {what}; {inheriting} node(s) above \
                     inherit it",
                    count(rows),
                    count(expected),
                    count(factor),
                ))
                .because("expected_rows", expected)
                .because("rows", rows)
                .because("loops", node.loops().unwrap_or(0.0))
                .because("factor", (factor * 10.0).round() / 10.0)
                .because("inherited_by", inheriting)
                .do_this(remedy(input, node)),
        );
    }
    found
}

fn remedy(input: &Input<'_>, node: &Node) -> String {
    let Some(relation) = node.relation() else {
        return "The estimate of the join or the grouping is wrong, not that of a table: look for \
                columns that depend on each other (CREATE STATISTICS), or for a condition that the \
                planner cannot see through."
            .to_owned();
    };
    let known = input.facts.relation(relation.schema, relation.name);
    let name = known.map_or_else(|| relation.name.to_owned(), |known| known.sql_name());
    if known.is_some_and(|known| !known.analyzed || is_stale(known.rows, known.modified)) {
        return format!("ANALYZE {name};");
    }
    let conditions = ["Filter", "Index Cond", "Recheck Cond"];
    let columns: Vec<String> = conditions
        .iter()
        .filter_map(|name| node.text(name))
        .flat_map(|text| crate::plan::expression::read(text).columns_of(relation.alias))
        .collect();
    match columns.as_slice() {
        [] => format!("ANALYZE {name};"),
        [column] => format!(
            "ALTER TABLE {name} ALTER COLUMN {} SET STATISTICS 1000; ANALYZE {name};",
            crate::ddl::quote_ident(column)
        ),
        several => {
            let list: Vec<String> =
                several.iter().map(|column| crate::ddl::quote_ident(column)).collect();
            format!("CREATE STATISTICS ON {} FROM {name}; ANALYZE {name};", list.join(", "))
        }
    }
}

fn is_stale(rows: f64, modified: f64) -> bool {
    modified > CHANGED_ROWS + CHANGED_SHARE * rows.max(0.0)
}

/// Nested loops whose outer side has far more rows than expected, so that the inner side runs far
/// more often.
pub(super) fn nested_loops(input: &Input<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for node in input.plan.nodes() {
        let sides = node.child("Outer").zip(node.child("Inner"));
        let Some((outer, inner)) = sides.filter(|_| node.is(&["Nested Loop"])) else { continue };
        let (Some(factor), Some(rows)) = (factor(outer), outer.rows()) else { continue };
        let loops = inner.loops().unwrap_or(0.0);
        if rows <= outer.expected_rows() || loops < LEAST_LOOPS {
            continue;
        }
        found.push(
            Finding::new(Kind::NestedLoopMisestimate, Severity::Warning, node)
                .says(format!(
                    "the inner side ({}) ran {} times, {} times as often as expected",
                    inner.label(),
                    count(loops),
                    count(factor),
                ))
                .because("loops", loops)
                .because("expected_rows", outer.expected_rows())
                .because("rows", rows)
                .do_this(
                    "Correct the estimate of the outer side (see the misestimate below it): with the \
                     real number the planner would likely take a hash or merge join.",
                ),
        );
    }
    found
}

/// Tables whose statistics are older than the server itself would let them be.
pub(super) fn stale_statistics(input: &Input<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut seen = Vec::new();
    for node in input.plan.nodes() {
        let known = node.relation().and_then(|one| input.facts.relation(one.schema, one.name));
        let Some(known) = known.filter(|known| !seen.contains(known)) else { continue };
        seen.push(known);
        let never = !known.analyzed && (known.rows < 0.0 || known.modified >= LEAST_ROWS);
        if !(never || known.analyzed && is_stale(known.rows, known.modified)) {
            continue;
        }
        let message = if never {
            format!("{} was never analyzed: its estimates are guesses", known.sql_name())
        } else {
            format!(
                "{} rows of {} changed since it was last analyzed, of some {}",
                count(known.modified),
                known.sql_name(),
                count(known.rows.max(0.0)),
            )
        };
        found.push(
            Finding::new(Kind::StaleStatistics, Severity::Warning, node)
                .says(message)
                .because("modified_rows", known.modified)
                .because("rows", known.rows)
                .because("analyzed", known.analyzed)
                .do_this(format!("ANALYZE {};", known.sql_name())),
        );
    }
    found
}

/// Parts that the plan pays for by its estimate, and that never ran.
pub(super) fn never_executed(input: &Input<'_>) -> Vec<Finding> {
    let total = input.plan.root.number_of("Total Cost").unwrap_or(0.0);
    let mut found = Vec::new();
    for node in input.plan.nodes() {
        let ran = |node: &Node| node.loops() != Some(0.0);
        let cost = node.number_of("Total Cost").unwrap_or(0.0);
        let starts = input.plan.above(node).last().is_none_or(|above| ran(above));
        if ran(node) || !starts || cost < NEEDLESS_COST * total {
            continue;
        }
        found.push(
            Finding::new(Kind::NeverExecuted, Severity::Info, node)
                .says("planned, and never needed: what is beside it gave no row")
                .because("cost", cost)
                .because("total_cost", total)
                .do_this(
                    "Nothing, if that is usual. If not, the plan was made for other rows than came: \
                     look at the estimates beside it.",
                ),
        );
    }
    found
}
