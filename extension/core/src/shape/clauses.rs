//! Which comparisons could use an index.

use super::levels::strip;
use super::{ColumnRef, Meets, Walker, visit};
use crate::model::is_element;
use crate::nodetree::{Node, Value};

/// `pg_type.oid` of interval.
const INTERVAL: u32 = 1186;

impl<'a> Walker<'a> {
    /// Reads the quals of a FROM expression or join, and below.
    pub(super) fn jointree(&mut self, level: usize, node: &'a Node) {
        if let Some(quals) = node.get("quals") {
            self.quals(level, quals);
        }
        for child in node.nodes("fromlist") {
            self.jointree(level, child);
        }
        for side in ["larg", "rarg"] {
            if let Some(child) = node.child(side) {
                self.jointree(level, child);
            }
        }
    }

    pub(super) fn quals(&mut self, level: usize, quals: &'a Value) {
        match quals {
            Value::Node(node) => {
                self.clause(level, node);
                self.conditions(level, node);
                self.read(level, node);
            }
            Value::List(items) => {
                for item in items {
                    self.quals(level, item);
                }
            }
            _ => {}
        }
    }

    /// Sorts one condition into equality, range and join.
    pub(super) fn clause(&mut self, level: usize, node: &'a Node) {
        match node.tag.as_str() {
            // The arms of an OR count too: a bitmap scan can combine them.
            "BOOLEXPR" => {
                for arg in node.nodes("args") {
                    self.clause(level, arg);
                }
            }
            "OPEXPR" => self.comparison(level, node),
            "SCALARARRAYOPEXPR" if node.flag("useOr") => self.any_array(level, node),
            "NULLTEST" if node.int("nulltesttype") == 0 => self.constant(level, node.child("arg")),
            "BOOLEANTEST" => self.constant(level, node.child("arg")),
            "VAR" | "FUNCEXPR" => self.constant(level, Some(node)),
            "SUBLINK" => self.any_sublink(level, node),
            "ROWCOMPAREEXPR" => self.row_comparison(level, node),
            _ => {}
        }
    }

    pub(super) fn columns(&self, level: usize, node: &'a Node) -> Vec<ColumnRef> {
        let mut out = Vec::new();
        let inner = strip(node);
        if inner.tag == "VAR" {
            self.resolve(level, inner, &mut out, 0);
        }
        if out.is_empty() {
            out.extend(self.expression(level, inner));
        }
        out.retain(|&(_, column)| column > 0);
        out
    }

    /// A column that is tested alone (`IS NULL`, a bare boolean).
    fn constant(&mut self, level: usize, arg: Option<&'a Node>) {
        for (at, column) in arg.map(|arg| self.columns(level, arg)).unwrap_or_default() {
            self.uses[at].equal.push(column);
        }
    }

    fn comparison(&mut self, level: usize, node: &'a Node) {
        let args: Vec<&Node> = node.nodes("args").collect();
        let &[left, right] = args.as_slice() else { return };
        let operator = node.oid("opno");
        let (left_columns, right_columns) = (self.columns(level, left), self.columns(level, right));
        for &(at, column) in &left_columns {
            self.side(level, (at, column), operator, right, &right_columns, false);
        }
        for &(at, column) in &right_columns {
            self.side(level, (at, column), operator, left, &left_columns, true);
        }
    }

    /// One side of a comparison is the column `here`; `other` is what it is compared with.
    fn side(
        &mut self,
        level: usize,
        here: ColumnRef,
        operator: u32,
        other: &'a Node,
        other_columns: &[ColumnRef],
        commuted: bool,
    ) {
        let (at, column) = here;
        let oid = self.oids[at];
        let strategy = self
            .facts
            .btree_strategy(operator, oid, column)
            .map(|s| if commuted { 6 - s } else { s });
        let unequal = || self.facts.is_inequality(operator, oid, column).then_some(Meets::NotEqual);
        let how = meets(strategy).or_else(unequal);
        self.params_against(other, Some((oid, column)), how);
        let pattern = !commuted && self.facts.is_pattern_match(operator);
        if pattern {
            self.params_against(other, Some((oid, column)), Some(Meets::Pattern));
        }
        let others = self.uses_in(level, other);
        if others.contains(&at) {
            return;
        }
        if strategy == Some(3) && strip(other).tag == "PARAM" && !is_element(column) {
            for rare in self.facts.rare_values(oid, column) {
                if !self.uses[at].predicates.contains(&rare) {
                    self.uses[at].predicates.push(rare);
                }
            }
        }
        let searches = self.facts.searches(operator, oid, column, commuted);
        self.uses[at].searched.extend(searches);
        match strategy {
            Some(3) if others.is_empty() => self.uses[at].equal.push(column),
            Some(3) => {
                self.uses[at].join.push(column);
                for &(other_at, other_column) in other_columns {
                    self.joins.push((here, (other_at, other_column)));
                }
            }
            Some(_) => self.uses[at].range.push(column),
            None if pattern => self.uses[at].range.push(column),
            None => {}
        }
    }

    /// The occurrences of tables that an expression reads, sub-selects left out: their answer is a
    /// constant for the scan unless it is correlated, which is a join for the planner.
    pub(super) fn uses_in(&self, level: usize, node: &'a Node) -> Vec<usize> {
        let mut out = Vec::new();
        self.collect_uses(level, node, &mut out);
        out
    }

    fn collect_uses(&self, level: usize, node: &'a Node, out: &mut Vec<usize>) {
        if node.tag == "VAR" {
            let mut columns = Vec::new();
            self.resolve(level, node, &mut columns, 0);
            out.extend(columns.into_iter().map(|(at, _)| at));
            return;
        }
        if node.tag == "SUBLINK" {
            return;
        }
        for (_, value) in &node.fields {
            match value {
                Value::Node(child) => self.collect_uses(level, child, out),
                Value::List(items) => {
                    for child in items.iter().filter_map(Value::node) {
                        self.collect_uses(level, child, out);
                    }
                }
                _ => {}
            }
        }
    }

    fn any_array(&mut self, level: usize, node: &'a Node) {
        let args: Vec<&Node> = node.nodes("args").collect();
        let &[left, right] = args.as_slice() else { return };
        for (at, column) in self.columns(level, left) {
            let oid = self.oids[at];
            self.params_against(right, Some((oid, column)), Some(Meets::In));
            let searches = self.facts.searches(node.oid("opno"), oid, column, false);
            self.uses[at].searched.extend(searches);
            if self.facts.btree_strategy(node.oid("opno"), oid, column) == Some(3) {
                if self.uses_in(level, right).is_empty() {
                    self.uses[at].equal.push(column);
                } else {
                    self.uses[at].join.push(column);
                }
            }
        }
    }

    /// `(a, b) < (…)`: the first column bounds the range.
    fn row_comparison(&mut self, level: usize, node: &'a Node) {
        let first = node.nodes("largs").next();
        for (at, column) in first.map(|arg| self.columns(level, arg)).unwrap_or_default() {
            self.uses[at].range.push(column);
        }
    }

    /// `x = ANY (SELECT y …)`: a semi-join on x and y.
    fn any_sublink(&mut self, level: usize, node: &'a Node) {
        if node.int("subLinkType") != 2 {
            return;
        }
        let (Some(query), Some(test)) = (node.child("subselect"), node.child("testexpr")) else {
            return;
        };
        let sub = self.sublevel(level, query);
        let tests: Vec<&Node> = match test.tag.as_str() {
            "OPEXPR" => vec![test],
            _ => test.nodes("args").filter(|arg| arg.tag == "OPEXPR").collect(),
        };
        for test in tests {
            let args: Vec<&Node> = test.nodes("args").collect();
            let &[left, right] = args.as_slice() else { continue };
            let outer = self.columns(level, left);
            let mut inner = Vec::new();
            let right = strip(right);
            if right.tag == "PARAM" && right.int("paramkind") == 2 {
                self.resolve_entry(sub, right.int("paramid"), &mut inner, 0);
            }
            for &(at, column) in outer.iter().chain(&inner) {
                if self.facts.btree_strategy(test.oid("opno"), self.oids[at], column) == Some(3) {
                    self.uses[at].join.push(column);
                }
            }
            for (&a, &b) in outer.iter().zip(&inner) {
                self.joins.push((a, b));
            }
        }
    }

    /// Registers the parameters of what a column is compared with.
    fn params_against(&mut self, other: &'a Node, column: Option<(u32, i16)>, how: Option<Meets>) {
        for param in params_in(other) {
            let shifts = param.oid("paramtype") == INTERVAL && strip(other).tag == "OPEXPR";
            self.note_param(param, column, if shifts { Some(Meets::Interval) } else { how });
        }
    }

    /// Notes the parameters of LIMIT and OFFSET.
    pub(super) fn limits(&mut self, level: usize) {
        let query = self.levels[level].query;
        for (field, how) in [("limitCount", Meets::Limit), ("limitOffset", Meets::Offset)] {
            if let Some(node) = query.child(field) {
                for param in params_in(node) {
                    self.note_param(param, None, Some(how));
                }
            }
        }
    }
}

/// The role of a value that a column is compared with through a b-tree strategy.
const fn meets(strategy: Option<u8>) -> Option<Meets> {
    match strategy {
        Some(1 | 2) => Some(Meets::Upper),
        Some(3) => Some(Meets::Equal),
        Some(4 | 5) => Some(Meets::Lower),
        _ => None,
    }
}

/// The statement's own parameters below `node`.
fn params_in(node: &Node) -> Vec<&Node> {
    let mut found = Vec::new();
    visit(node, &mut |inner| {
        if inner.tag == "PARAM" && inner.int("paramkind") == 0 {
            found.push(inner);
        }
    });
    found
}
