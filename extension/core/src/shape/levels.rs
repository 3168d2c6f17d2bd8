//! Query levels, and what a column reference means in them.

use super::{ColumnRef, Walker, is_rte};
use crate::model::TableUse;
use crate::nodetree::{Node, Value};

/// How far a reference is followed through sub-queries; recursive CTEs would go on for ever.
const MAX_HOPS: usize = 64;

/// One query with its range table.
pub(super) struct Level<'a> {
    pub(super) query: &'a Node,
    pub(super) parent: Option<usize>,
    pub(super) rtes: Vec<Rte<'a>>,
    /// CTE names and their levels.
    pub(super) ctes: Vec<(String, usize)>,
}

/// A range-table entry.
pub(super) enum Rte<'a> {
    /// A table: position in `uses`.
    Relation(usize),
    /// A sub-query or view: its level.
    Subquery(usize),
    /// A join or a GROUP entry: the expressions behind its columns.
    Alias(&'a [Value]),
    /// A CTE: its name and how many levels up it is defined.
    Cte(&'a str, usize),
    /// A function, VALUES list or something else without statistics or indexes.
    Other,
}

impl<'a> Walker<'a> {
    pub(super) fn build_level(
        &mut self,
        query: &'a Node,
        parent: Option<usize>,
        depth: usize,
    ) -> usize {
        let level = self.levels.len();
        self.levels.push(Level { query, parent, rtes: Vec::new(), ctes: Vec::new() });
        if depth > MAX_HOPS {
            return level;
        }
        for cte in query.nodes("cteList") {
            if let (Some(name), Some(body)) = (cte.text("ctename"), cte.child("ctequery")) {
                let sub = self.build_level(body, Some(level), depth + 1);
                self.levels[level].ctes.push((name.to_owned(), sub));
            }
        }
        for rte in query.nodes("rtable").filter(|node| is_rte(node)) {
            let entry = self.build_rte(rte, level, depth);
            self.levels[level].rtes.push(entry);
        }
        level
    }

    fn build_rte(&mut self, rte: &'a Node, level: usize, depth: usize) -> Rte<'a> {
        match rte.int("rtekind") {
            0 => {
                let Some(table) = self.facts.table(rte.oid("relid")) else { return Rte::Other };
                self.uses.push(TableUse { table, selectivity: 1.0, ..TableUse::default() });
                self.oids.push(rte.oid("relid"));
                Rte::Relation(self.uses.len() - 1)
            }
            1 => rte.child("subquery").map_or(Rte::Other, |query| {
                Rte::Subquery(self.build_level(query, Some(level), depth + 1))
            }),
            2 => Rte::Alias(rte.list("joinaliasvars")),
            6 => {
                let up = usize::try_from(rte.int("ctelevelsup")).unwrap_or(0);
                rte.text("ctename").map_or(Rte::Other, |name| Rte::Cte(name, up))
            }
            // RTE_GROUP of PostgreSQL 18.
            9 => Rte::Alias(rte.list("groupexprs")),
            _ => Rte::Other,
        }
    }

    fn climb(&self, level: usize, up: usize) -> Option<usize> {
        (0..up).try_fold(level, |at, _| self.levels[at].parent)
    }

    /// The table columns that `var` stands for; several behind a set operation.
    pub(super) fn resolve(
        &self,
        level: usize,
        var: &'a Node,
        out: &mut Vec<ColumnRef>,
        hops: usize,
    ) {
        let Some((at, rte, column)) = self.entry_of(level, var) else { return };
        if hops > MAX_HOPS {
            return;
        }
        match rte {
            Rte::Relation(table_use) => {
                if let Ok(column) = i16::try_from(column) {
                    out.push((*table_use, column));
                }
            }
            Rte::Subquery(sub) => self.resolve_entry(*sub, column, out, hops + 1),
            Rte::Alias(columns) => {
                let alias = usize::try_from(column - 1).ok().and_then(|i| columns.get(i));
                if let Some(inner) = alias.and_then(Value::node).map(strip)
                    && inner.tag == "VAR"
                {
                    self.resolve(at, inner, out, hops + 1);
                }
            }
            Rte::Cte(name, up) => {
                if let Some(sub) = self.cte_level(at, name, *up) {
                    self.resolve_entry(sub, column, out, hops + 1);
                }
            }
            Rte::Other => {}
        }
    }

    /// The columns behind target entry `resno` of a level.
    pub(super) fn resolve_entry(
        &self,
        level: usize,
        resno: i64,
        out: &mut Vec<ColumnRef>,
        hops: usize,
    ) {
        if hops > MAX_HOPS {
            return;
        }
        let query = self.levels[level].query;
        if query.child("setOperations").is_some() {
            for rte in &self.levels[level].rtes {
                if let Rte::Subquery(leaf) = rte {
                    self.resolve_entry(*leaf, resno, out, hops + 1);
                }
            }
            return;
        }
        if let Some(inner) = self.entry(level, resno).map(strip)
            && inner.tag == "VAR"
        {
            self.resolve(level, inner, out, hops + 1);
        }
    }

    /// The expression of a sub-query's target list behind `var`, with its level. None behind a set
    /// operation, which has several.
    pub(super) fn behind(&self, level: usize, var: &'a Node) -> Option<(usize, &'a Node)> {
        let (at, rte, column) = self.entry_of(level, var)?;
        let sub = match rte {
            Rte::Subquery(sub) => *sub,
            Rte::Cte(name, up) => self.cte_level(at, name, *up)?,
            Rte::Alias(columns) => {
                let alias = usize::try_from(column - 1).ok().and_then(|i| columns.get(i));
                return Some((at, alias.and_then(Value::node)?));
            }
            Rte::Relation(_) | Rte::Other => return None,
        };
        if self.levels[sub].query.child("setOperations").is_some() {
            return None;
        }
        Some((sub, self.entry(sub, column)?))
    }

    fn entry(&self, level: usize, resno: i64) -> Option<&'a Node> {
        let query = self.levels[level].query;
        query.nodes("targetList").find(|e| e.int("resno") == resno).and_then(|e| e.child("expr"))
    }

    fn entry_of(&self, level: usize, var: &Node) -> Option<(usize, &Rte<'a>, i64)> {
        let up = usize::try_from(var.int("varlevelsup")).ok()?;
        let at = self.climb(level, up)?;
        let position = usize::try_from(var.int("varno") - 1).ok()?;
        Some((at, self.levels[at].rtes.get(position)?, var.int("varattno")))
    }

    fn cte_level(&self, level: usize, name: &str, up: usize) -> Option<usize> {
        let at = self.climb(level, up)?;
        self.levels[at].ctes.iter().find(|(cte, _)| cte == name).map(|&(_, sub)| sub)
    }

    /// Marks what the target entry of a sub-query behind `var` reads.
    pub(super) fn read_through(&mut self, level: usize, var: &'a Node, hops: usize) {
        let Some((at, rte, column)) = self.entry_of(level, var) else { return };
        let target = match rte {
            Rte::Subquery(sub) => Some(*sub),
            Rte::Cte(name, up) => self.cte_level(at, name, *up),
            Rte::Alias(columns) => {
                let alias = usize::try_from(column - 1).ok().and_then(|i| columns.get(i));
                if let (Some(node), true) = (alias.and_then(Value::node), hops < MAX_HOPS)
                    && strip(node).tag != "VAR"
                {
                    self.read(at, node);
                } else if let (Some(node), true) = (alias.and_then(Value::node), hops < MAX_HOPS) {
                    self.read_through(at, strip(node), hops + 1);
                }
                None
            }
            _ => None,
        };
        let Some(sub) = target else { return };
        if self.entries_read.insert((sub, column))
            && let Some(expression) = self.entry(sub, column)
        {
            self.read(sub, expression);
        }
    }

    /// Row-level security conditions stand in the range table.
    pub(super) fn security_quals(&mut self, level: usize) {
        let query = self.levels[level].query;
        for rte in query.nodes("rtable").filter(|node| is_rte(node)) {
            for qual in rte.nodes("securityQuals") {
                self.clause(level, qual);
                self.read(level, qual);
            }
            for field in ["functions", "values_lists", "tablefunc", "tablesample"] {
                if let Some(value) = rte.get(field) {
                    self.read_value(level, value);
                }
            }
        }
    }
}

/// The expression below relabelings, which an index sees through.
pub(super) fn strip(mut node: &Node) -> &Node {
    while node.tag == "RELABELTYPE" || node.tag == "PLACEHOLDERVAR" {
        match node.child("arg").or_else(|| node.child("phexpr")) {
            Some(inner) => node = inner,
            None => break,
        }
    }
    node
}
