//! Parts of a statement as expressions over one table alone, which an index could be built on.

use super::Walker;
use super::levels::strip;
use crate::nodetree::{Node, Value};

/// Nodes that an index expression may be made of. Not among them: what only one statement has
/// (parameters, sub-selects, aggregates), what depends on the session, and casts to a domain, whose
/// checks may call any function.
const INDEXABLE: [&str; 26] = [
    "VAR",
    "CONST",
    "OPEXPR",
    "DISTINCTEXPR",
    "NULLIFEXPR",
    "SCALARARRAYOPEXPR",
    "FUNCEXPR",
    "BOOLEXPR",
    "RELABELTYPE",
    "COERCEVIAIO",
    "ARRAYCOERCEEXPR",
    "ARRAY",
    "ARRAYEXPR",
    "CASE",
    "CASEEXPR",
    "WHEN",
    "CASEWHEN",
    "COALESCE",
    "COALESCEEXPR",
    "NULLTEST",
    "BOOLEANTEST",
    "SUBSCRIPTINGREF",
    "COLLATE",
    "COLLATEEXPR",
    "MINMAX",
    "MINMAXEXPR",
];

/// Views and sub-queries, one in the other, whose expressions are put together.
const MAX_NESTED: usize = 8;

impl<'a> Walker<'a> {
    /// The dump of `node` with every column as one of a single table that has number 1 in the range
    /// table, and the use of that table. `None` when it reads no column, columns of several tables,
    /// or something that is no function of a row.
    pub(super) fn lift(&self, level: usize, node: &'a Node) -> Option<(usize, String)> {
        let from = node.span.start;
        let mut lift = Lift { table_use: None, text: String::new(), from, depth: 0 };
        self.lift_node(level, node, &mut lift)?;
        lift.text.push_str(self.text.get(lift.from..node.span.end)?);
        Some((lift.table_use?, lift.text))
    }

    fn lift_node(&self, level: usize, node: &'a Node, lift: &mut Lift) -> Option<()> {
        if !INDEXABLE.contains(&node.tag.as_str()) {
            return None;
        }
        if node.tag != "VAR" {
            return node
                .fields
                .iter()
                .try_for_each(|(_, value)| self.lift_value(level, value, lift));
        }
        let mut columns = Vec::new();
        self.resolve(level, node, &mut columns, 0);
        let (at, text) = match columns.as_slice() {
            &[(at, column)] if column > 0 => {
                (at, renumbered(self.text.get(node.span.clone())?, column))
            }
            [] => self.lift_behind(level, node, lift.depth)?,
            _ => return None,
        };
        if *lift.table_use.get_or_insert(at) != at {
            return None;
        }
        lift.text.push_str(self.text.get(lift.from..node.span.start)?);
        lift.text.push_str(&text);
        lift.from = node.span.end;
        Some(())
    }

    /// The expression that a column of a view or a sub-query stands for, which the planner puts in its
    /// place.
    fn lift_behind(&self, level: usize, var: &'a Node, depth: usize) -> Option<(usize, String)> {
        let (inner_level, node) = self.behind(level, var)?;
        if depth >= MAX_NESTED {
            return None;
        }
        let from = node.span.start;
        let mut lift = Lift { table_use: None, text: String::new(), from, depth: depth + 1 };
        self.lift_node(inner_level, node, &mut lift)?;
        lift.text.push_str(self.text.get(lift.from..node.span.end)?);
        Some((lift.table_use?, lift.text))
    }

    fn lift_value(&self, level: usize, value: &'a Value, lift: &mut Lift) -> Option<()> {
        match value {
            Value::Node(node) => self.lift_node(level, node, lift),
            Value::List(items) => {
                items.iter().try_for_each(|item| self.lift_value(level, item, lift))
            }
            Value::Opaque => None,
            Value::Null | Value::Atom(_) => Some(()),
        }
    }

    /// The element that stands for an expression over one table: its use and its number.
    pub(super) fn expression(&self, level: usize, node: &'a Node) -> Option<(usize, i16)> {
        let inner = strip(node);
        if matches!(inner.tag.as_str(), "CONST" | "PARAM") {
            return None;
        }
        if inner.tag == "VAR" {
            let mut columns = Vec::new();
            self.resolve(level, inner, &mut columns, 0);
            if !columns.is_empty() {
                return None;
            }
        }
        let (at, dump) = self.lift(level, inner)?;
        Some((at, self.facts.expression(self.oids[at], &dump)?))
    }

    /// Notes the conditions on one table that hold for all rows a level returns.
    pub(super) fn conditions(&mut self, level: usize, node: &'a Node) {
        /// `AND_EXPR` as `outfuncs.c` writes it.
        const AND: &str = "and";
        if node.tag == "BOOLEXPR" && node.text("boolop") == Some(AND) {
            for arg in node.nodes("args") {
                self.conditions(level, arg);
            }
        } else if plain_condition(node)
            && let Some((at, dump)) = self.lift(level, node)
            && let Some(number) = self.facts.predicate(self.oids[at], &dump)
            && !self.uses[at].predicates.contains(&number)
        {
            self.uses[at].predicates.push(number);
        }
    }
}

/// Text in the making.
struct Lift {
    table_use: Option<usize>,
    text: String,
    /// What of the dump is not yet taken over begins here.
    from: usize,
    /// Sub-queries that were gone into.
    depth: usize,
}

/// A dumped VAR as one of column `column` of the only table. Values are replaced field by field, for
/// the server's reader goes by position and versions differ in what they write.
fn renumbered(var: &str, column: i16) -> String {
    let number = column.to_string();
    let field = |field: &str| {
        let (name, value) = field.split_once(' ').unwrap_or((field, ""));
        let value = match name {
            "varno" | "varnosyn" => "1",
            "varattno" | "varattnosyn" => &number,
            "varlevelsup" => "0",
            "varnullingrels" => "(b)",
            _ => value,
        };
        format!("{name} {value}")
    };
    let inside = var.trim_start_matches('{').trim_end_matches('}');
    let fields: Vec<String> = inside
        .split(" :")
        .enumerate()
        .map(|(at, text)| if at == 0 { text.to_owned() } else { field(text) })
        .collect();
    format!("{{{}}}", fields.join(" :"))
}

/// Whether a condition compares one column with constants in a way that a partial index is built for:
/// a comparison, a list, a test for NULL, a flag.
fn plain_condition(node: &Node) -> bool {
    let is_column = |node: &Node| strip(node).tag == "VAR";
    let is_constant = |node: &Node| match strip(node).tag.as_str() {
        "CONST" => true,
        "ARRAY" | "ARRAYEXPR" => node.nodes("elements").all(|item| strip(item).tag == "CONST"),
        _ => false,
    };
    match node.tag.as_str() {
        "VAR" => true,
        "NULLTEST" | "BOOLEANTEST" => node.child("arg").is_some_and(is_column),
        "BOOLEXPR" => {
            node.text("boolop") == Some("not") && node.nodes("args").all(|arg| arg.tag == "VAR")
        }
        "OPEXPR" | "SCALARARRAYOPEXPR" => {
            let args: Vec<&Node> = node.nodes("args").collect();
            matches!(args.as_slice(), &[left, right]
                if (is_column(left) && is_constant(right))
                    || (is_constant(left) && is_column(right)))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_renumbered_in_every_version() {
        let old = "{VAR :varno 3 :varattno 2 :vartype 25 :vartypmod -1 :varcollid 100 \
                   :varlevelsup 1 :varnosyn 3 :varattnosyn 2 :location 34}";
        assert_eq!(
            renumbered(old, 7),
            "{VAR :varno 1 :varattno 7 :vartype 25 :vartypmod -1 :varcollid 100 \
             :varlevelsup 0 :varnosyn 1 :varattnosyn 7 :location 34}"
        );
        let new = "{VAR :varno 3 :varattno 2 :vartype 25 :vartypmod -1 :varcollid 100 \
                   :varnullingrels (b 4) :varlevelsup 0 :varreturningtype 0 :varnosyn 3 \
                   :varattnosyn 2 :location -1}";
        assert!(renumbered(new, 7).contains(":varnullingrels (b) :varlevelsup 0 :varreturning"));
    }
}
