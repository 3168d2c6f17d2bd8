//! Conditions that keep an index from being used.

use crate::plan::Node;
use crate::plan::expression::{self, Condition, Form, Side};
use crate::plan::facts::Relation;
use crate::plan::finding::{Finding, Input, Kind, Severity};

/// Rows of a table from which on an index matters.
const LEAST_ROWS: f64 = 10_000.0;

/// Casts that change nothing in how a value is stored, so that an index on the column serves them
/// (`pg_cast.castmethod` b).
const SAME_STORAGE: [(&str, &str); 4] = [
    ("character varying", "text"),
    ("text", "character varying"),
    ("cidr", "inet"),
    ("character varying", "character varying"),
];

/// The filters of scans of tables that are large enough to care, with what is known of the table.
fn filters<'a>(input: &'a Input<'_>) -> Vec<(&'a Node, &'a Relation, Condition)> {
    let found = input.plan.nodes().into_iter().filter_map(|node| {
        let relation = node.relation()?;
        let known = input.facts.relation(relation.schema, relation.name)?;
        let filter = node.text("Filter")?;
        (known.rows >= LEAST_ROWS).then(|| (node, known, expression::read(filter)))
    });
    found.collect()
}

/// Functions and casts around columns in comparisons.
pub(super) fn hidden_columns(input: &Input<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (node, known, condition) in filters(input) {
        for leaf in condition.leaves() {
            let Condition::Compare { left, operator, right } = leaf else { continue };
            if !["=", "<", ">", "<=", ">="].contains(&operator.as_str()) {
                continue;
            }
            for side in [left, right] {
                found.extend(hidden(node, known, side));
            }
        }
    }
    found
}

fn hidden(node: &Node, known: &Relation, side: &Side) -> Option<Finding> {
    let [(_, column)] = side.columns.as_slice() else { return None };
    let index = known.index_on(column);
    let loses = index.map_or_else(String::new, |index| {
        format!(" The index {} on the column cannot be used.", index.name)
    });
    let finding = match &side.form {
        Form::Call(function) => Finding::new(Kind::FunctionOnColumn, Severity::Warning, node)
            .says(format!("{function}() is called on column {column} of every row.{loses}"))
            .do_this(format!(
                "Compare the bare column with a range if that says the same, or index the expression: \
                 CREATE INDEX CONCURRENTLY ON {} (({}));",
                known.sql_name(),
                without_relation(side),
            )),
        Form::Cast(target) => {
            let stored = known.type_of(column)?;
            if SAME_STORAGE.contains(&(stored, target.as_str())) || stored == target {
                return None;
            }
            Finding::new(Kind::CastOnColumn, Severity::Warning, node)
                .says(format!("column {column} is {stored} and is cast to {target} in every row.{loses}"))
                .because("column_type", stored)
                .because("cast_to", target.as_str())
                .do_this(format!(
                    "Give the value that it is compared with as {stored} (a literal with ::{stored}, a \
                     parameter of that type), so that the column needs no cast."
                ))
        }
        Form::Column | Form::Text(_) | Form::Other => return None,
    };
    let finding =
        finding.because("expression", side.text.as_str()).because("column", column.as_str());
    Some(match index {
        Some(index) => finding.because("index", index.name.as_str()),
        None => finding,
    })
}

/// The expression without the relation's name before the column.
fn without_relation(side: &Side) -> String {
    let mut text = side.text.clone();
    for (relation, column) in &side.columns {
        let (relation, column) =
            (crate::ddl::quote_ident(relation), crate::ddl::quote_ident(column));
        text = text.replace(&format!("{relation}.{column}"), &column);
    }
    text
}

/// Patterns that begin with a wildcard, which no b-tree can look up.
pub(super) fn wildcards(input: &Input<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (node, known, condition) in filters(input) {
        for leaf in condition.leaves() {
            let Condition::Compare { left, operator, right } = leaf else { continue };
            let Form::Text(pattern) = &right.form else { continue };
            let like = ["~~", "~~*"].contains(&operator.as_str());
            let [(_, column)] = left.columns.as_slice() else { continue };
            if !like || !pattern.starts_with(['%', '_']) {
                continue;
            }
            let has_trigrams = known.indexes.iter().any(|index| {
                ["gin", "gist"].contains(&index.method.as_str())
                    && index.keys.iter().any(|key| key.contains(column))
            });
            let remedy = if has_trigrams {
                "There is a GIN or GiST index on the column: the planner found reading all rows \
                 cheaper, for the pattern is too short or too common."
                    .to_owned()
            } else {
                format!(
                    "CREATE EXTENSION IF NOT EXISTS pg_trgm; CREATE INDEX CONCURRENTLY ON {} USING gin \
                     ({} gin_trgm_ops); or search whole words with full text search.",
                    known.sql_name(),
                    crate::ddl::quote_ident(column),
                )
            };
            found.push(
                Finding::new(Kind::LeadingWildcard, Severity::Warning, node)
                    .says(format!(
                        "the pattern {pattern:?} on {column} begins with a wildcard, so that no b-tree \
                         index can look it up"
                    ))
                    .because("pattern", pattern.as_str())
                    .because("column", column.as_str())
                    .do_this(remedy),
            );
        }
    }
    found
}

/// OR whose arms are about different tables: it can only be checked after the join.
pub(super) fn or_across_tables(input: &Input<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for node in input.plan.nodes() {
        let Some(text) = node.text("Join Filter").or_else(|| node.text("Filter")) else { continue };
        let condition = expression::read(text);
        let tops = match &condition {
            Condition::And(parts) => parts.iter().collect(),
            other => vec![other],
        };
        for top in tops {
            let Condition::Or(arms) = top else { continue };
            let tables: Vec<Vec<&str>> = arms.iter().map(Condition::relations).collect();
            let single = tables.iter().all(|one| one.len() == 1);
            if !single || tables.iter().all(|one| *one == tables[0]) {
                continue;
            }
            let mut names: Vec<&str> = tables.into_iter().flatten().collect();
            names.dedup();
            found.push(
                Finding::new(Kind::OrAcrossTables, Severity::Warning, node)
                    .says(format!(
                        "OR between conditions on {} can only be checked once the rows are joined",
                        names.join(" and ")
                    ))
                    .because("condition", text)
                    .because("removed_rows", node.removed("Rows Removed by Join Filter").unwrap_or(0.0))
                    .do_this(
                        "Write it as UNION of one query for each side of the OR, so that each can use an \
                         index before the join.",
                    ),
            );
        }
    }
    found
}
