//! What a statement does with its tables, read from the analyzed and rewritten tree.
//!
//! Works on the dump of the tree ([`crate::nodetree`]), so names, operators and views have been
//! resolved by the server. Sub-selects, views, CTEs, join aliases and set operations are followed
//! down to the tables; what the planner makes of it is left to the planner.

mod clauses;
mod inside;
mod levels;
mod lift;
mod orders;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{QueryShape, TableId, is_element};
use crate::nodetree::{Node, Tree, Value};
pub use inside::{Inside, Part};
use levels::{Level, Rte};

/// What the server's catalog says of operators and relations.
pub trait Facts {
    /// The table with this oid, if an index could be advised on it.
    fn table(&self, relation: u32) -> Option<TableId>;
    /// The strategy number (1 `<`, 2 `<=`, 3 `=`, 4 `>=`, 5 `>`) of `operator` in the b-tree
    /// operator family that a plain index on the column would use.
    fn btree_strategy(&self, operator: u32, relation: u32, column: i16) -> Option<u8>;
    /// Whether `operator` is the `<>` of that family.
    fn is_inequality(&self, operator: u32, relation: u32, column: i16) -> bool;
    /// Whether `operator` is LIKE, ILIKE or a regular-expression match.
    fn is_pattern_match(&self, operator: u32) -> bool;
    /// Whether the ordering operator sorts descending (`>`).
    fn sorts_descending(&self, operator: u32) -> bool;
    /// For `min` (`Some(false)`) and `max` (`Some(true)`) over an ordered type: the direction in
    /// which the first row is the answer.
    fn aggregate_direction(&self, aggregate: u32) -> Option<bool>;
    /// The element of `relation` (see [`crate::model::Element`]) that stands for an expression with
    /// the default b-tree operator class of its type. `dump` is its tree, with the relation as number
    /// 1 of the range table. `None` when no index can be built on it.
    fn expression(&self, relation: u32, dump: &str) -> Option<i16>;
    /// The elements with which an index of another access method or operator class finds the rows
    /// where `column operator value` (`value operator column` when `commuted`). `column` may be an
    /// element.
    fn searches(&self, operator: u32, relation: u32, column: i16, commuted: bool) -> Vec<i16>;
    /// The elements whose index returns rows in the order of `column operator value`, nearest first.
    fn distances(&self, operator: u32, relation: u32, column: i16) -> Vec<i16>;
    /// The position in [`crate::model::Table::predicates`] of a condition, given as in
    /// [`Self::expression`]. `None` when it is none for a partial index.
    fn predicate(&self, relation: u32, dump: &str) -> Option<u16>;
    /// The positions of the conditions `column = value` for rare values of a column in which one value
    /// has most of the rows.
    fn rare_values(&self, relation: u32, column: i16) -> Vec<u16>;
}

/// How a parameter meets the rest of the statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meets {
    /// `column = $n`.
    Equal,
    /// `column IN (…, $n, …)`.
    In,
    /// `column <> $n`.
    NotEqual,
    /// `column >= $n`.
    Lower,
    /// `column <= $n`.
    Upper,
    /// `column LIKE $n`.
    Pattern,
    /// `LIMIT $n`.
    Limit,
    /// `OFFSET $n`.
    Offset,
    /// Added to or subtracted from what is compared.
    Interval,
}

/// One parameter of a statement.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamUse {
    /// `n` of `$n`.
    pub number: u32,
    /// Its type.
    pub type_oid: u32,
    /// The relation and column it is compared with.
    pub column: Option<(u32, i16)>,
    /// How; `None` when nothing is known.
    pub meets: Option<Meets>,
}

/// The result of [`extract`].
#[derive(Debug, Clone, Default)]
pub struct Extract {
    /// The tables' uses.
    pub shape: QueryShape,
    /// The parameters, ascending by number.
    pub params: Vec<ParamUse>,
    /// Those of them that are parts of expressions.
    pub inside: BTreeSet<Inside>,
    /// Oids of the relations of all kinds that the statement names, with their `relkind`.
    pub relations: BTreeMap<u32, char>,
}

/// The relations that the trees read or write, with their `relkind`.
#[must_use]
pub fn relations(trees: &[Tree<'_>]) -> BTreeMap<u32, char> {
    let mut found = BTreeMap::new();
    for tree in trees {
        visit(&tree.root, &mut |node| {
            // From PostgreSQL 16 on a view that was replaced by its query is only named where that is.
            if is_rte(node) && matches!(node.int("rtekind"), RELATION | SUBQUERY) {
                let kind = node.text("relkind").and_then(|text| text.chars().next());
                found.insert(node.oid("relid"), kind.unwrap_or('r'));
            }
        });
    }
    found.remove(&0);
    found
}

/// Reads the uses of tables and parameters from the rewritten trees of one statement.
#[must_use]
pub fn extract(trees: &[Tree<'_>], facts: &dyn Facts) -> Extract {
    let mut result = Extract { relations: relations(trees), ..Extract::default() };
    let mut params = BTreeMap::new();
    for tree in trees.iter().filter(|tree| tree.root.tag == "QUERY") {
        let mut walker = Walker::new(facts, tree.text);
        let top = walker.build_level(&tree.root, None, 0);
        walker.process(top, true);
        walker.finish();
        result.shape.uses.append(&mut walker.uses);
        result.shape.updated.append(&mut walker.updated);
        result.shape.deleted.append(&mut walker.deleted);
        result.inside.append(&mut walker.inside);
        for (number, param) in walker.params {
            params.entry(number).or_insert(param);
        }
    }
    result.params = params.into_values().collect();
    result
}

/// `RTE_RELATION` and `RTE_SUBQUERY` of the server's `parsenodes.h`.
const RELATION: i64 = 0;
const SUBQUERY: i64 = 1;

/// `CMD_INSERT` and `CMD_DELETE` of the server's `nodes.h`.
const INSERT: i64 = 3;
const DELETE: i64 = 4;

/// A column of one occurrence of a table: position in `uses` and attribute number.
type ColumnRef = (usize, i16);

struct Walker<'a> {
    facts: &'a dyn Facts,
    /// The dump that the nodes stand in.
    text: &'a str,
    levels: Vec<Level<'a>>,
    /// Levels made for sub-selects in expressions, by the address of their QUERY node.
    sublevels: BTreeMap<usize, usize>,
    processed: BTreeSet<usize>,
    /// Target entries of sub-queries whose columns were marked as read.
    entries_read: BTreeSet<(usize, i64)>,
    uses: Vec<crate::model::TableUse>,
    /// `pg_class.oid` of each use.
    oids: Vec<u32>,
    joins: Vec<(ColumnRef, ColumnRef)>,
    updated: Vec<(TableId, Vec<i16>)>,
    deleted: Vec<TableId>,
    params: BTreeMap<u32, ParamUse>,
    inside: BTreeSet<Inside>,
}

impl<'a> Walker<'a> {
    fn new(facts: &'a dyn Facts, text: &'a str) -> Self {
        Self {
            facts,
            text,
            levels: Vec::new(),
            sublevels: BTreeMap::new(),
            processed: BTreeSet::new(),
            entries_read: BTreeSet::new(),
            uses: Vec::new(),
            oids: Vec::new(),
            joins: Vec::new(),
            updated: Vec::new(),
            deleted: Vec::new(),
            params: BTreeMap::new(),
            inside: BTreeSet::new(),
        }
    }

    /// Reads one query level. `whole` says that every target entry is needed; otherwise those that
    /// an outer level asks for are marked when it does.
    fn process(&mut self, level: usize, whole: bool) {
        if !self.processed.insert(level) {
            return;
        }
        let query = self.levels[level].query;
        if let Some(jointree) = query.child("jointree") {
            self.jointree(level, jointree);
        }
        // Until PostgreSQL 16 MERGE has it among the joins.
        if let Some(condition) = query.get("mergeJoinCondition") {
            self.quals(level, condition);
        }
        self.security_quals(level);
        self.orders(level);
        self.written_columns(level);
        let all = whole || !query.list("distinctClause").is_empty();
        for entry in query.nodes("targetList") {
            if all || entry.int("ressortgroupref") > 0 {
                self.read(level, entry);
            }
        }
        for field in [
            "havingQual",
            "returningList",
            "onConflict",
            "mergeActionList",
            "windowClause",
            "limitOffset",
            "limitCount",
        ] {
            if let Some(value) = query.get(field) {
                self.read_value(level, value);
            }
        }
        self.limits(level);
        let set_operation = query.child("setOperations").is_some();
        for (_, sub) in self.children(level) {
            self.process(sub, set_operation);
        }
    }

    /// The levels of the FROM-clause sub-queries and of the CTEs.
    fn children(&self, level: usize) -> Vec<(usize, usize)> {
        let here = &self.levels[level];
        let subqueries = here.rtes.iter().enumerate().filter_map(|(at, rte)| match rte {
            Rte::Subquery(sub) => Some((at, *sub)),
            _ => None,
        });
        subqueries.chain(here.ctes.iter().map(|(_, sub)| (usize::MAX, *sub))).collect()
    }

    /// Marks every column that `node` reads, and goes into its sub-selects.
    fn read(&mut self, level: usize, node: &'a Node) {
        match node.tag.as_str() {
            "VAR" => self.read_var(level, node),
            "PARAM" => self.note_param(node, None, None),
            "QUERY" => {
                let sub = self.sublevel(level, node);
                self.process(sub, true);
            }
            "SUBLINK" => self.sublink(level, node),
            _ => {
                self.inside(level, node);
                for (_, value) in &node.fields {
                    self.read_value(level, value);
                }
            }
        }
    }

    fn read_value(&mut self, level: usize, value: &'a Value) {
        match value {
            Value::Node(node) => self.read(level, node),
            Value::List(items) => {
                for item in items {
                    self.read_value(level, item);
                }
            }
            _ => {}
        }
    }

    fn read_var(&mut self, level: usize, var: &'a Node) {
        let mut columns = Vec::new();
        self.resolve(level, var, &mut columns, 0);
        for (at, column) in columns {
            let table_use = &mut self.uses[at];
            if column > 0 {
                table_use.read.push(column);
            } else {
                table_use.whole_row = true;
            }
        }
        self.read_through(level, var, 0);
    }

    fn sublink(&mut self, level: usize, node: &'a Node) {
        if let Some(test) = node.get("testexpr") {
            self.read_value(level, test);
        }
        if let Some(query) = node.child("subselect") {
            let sub = self.sublevel(level, query);
            // EXISTS never looks at the target list.
            self.process(sub, node.int("subLinkType") != 0);
        }
    }

    fn sublevel(&mut self, level: usize, query: &'a Node) -> usize {
        let address = std::ptr::from_ref(query) as usize;
        if let Some(&sub) = self.sublevels.get(&address) {
            return sub;
        }
        let sub = self.build_level(query, Some(level), 0);
        self.sublevels.insert(address, sub);
        sub
    }

    fn written_columns(&mut self, level: usize) {
        let query = self.levels[level].query;
        let mut set: Vec<i16> = Vec::new();
        let resnos = |entries: &Node, field: &str| -> Vec<i16> {
            entries
                .nodes(field)
                .filter(|entry| !entry.flag("resjunk"))
                .filter_map(|entry| i16::try_from(entry.int("resno")).ok())
                .collect()
        };
        if query.int("commandType") == 2 {
            set.extend(resnos(query, "targetList"));
        }
        if let Some(conflict) = query.child("onConflict") {
            set.extend(resnos(conflict, "onConflictSet"));
        }
        for action in query.nodes("mergeActionList").filter(|a| a.int("commandType") == 2) {
            set.extend(resnos(action, "targetList"));
        }
        let target = usize::try_from(query.int("resultRelation")).unwrap_or(0);
        let entry = target.checked_sub(1).and_then(|at| self.levels[level].rtes.get(at));
        let Some(&Rte::Relation(at)) = entry else { return };
        // UPDATE, DELETE and MERGE need the row's address, which no index-only scan gives.
        self.uses[at].whole_row |= query.int("commandType") != INSERT;
        let mut actions = query.nodes("mergeActionList");
        if query.int("commandType") == DELETE || actions.any(|a| a.int("commandType") == DELETE) {
            self.deleted.push(self.uses[at].table);
        }
        if !set.is_empty() {
            set.sort_unstable();
            set.dedup();
            self.updated.push((self.uses[at].table, set));
        }
    }

    /// Registers a parameter; the first comparison that is known wins over none.
    fn note_param(&mut self, node: &Node, column: Option<(u32, i16)>, meets: Option<Meets>) {
        // Only PARAM_EXTERN (0) is a `$n` of the statement.
        if node.tag != "PARAM" || node.int("paramkind") != 0 {
            return;
        }
        let Ok(number) = u32::try_from(node.int("paramid")) else { return };
        let entry = self.params.entry(number).or_insert(ParamUse {
            number,
            type_oid: node.oid("paramtype"),
            column: None,
            meets: None,
        });
        if entry.meets.is_none() {
            entry.column = column;
            entry.meets = meets;
        }
    }

    /// Spreads constants over join equalities, and sorts and dedups the lists.
    fn finish(&mut self) {
        // One pass per join suffices to reach the far end of any chain.
        for _ in 0..self.joins.len().min(16) {
            let mut changed = false;
            for &((left, a), (right, b)) in &self.joins {
                if self.uses[left].equal.contains(&a) && !self.uses[right].equal.contains(&b) {
                    self.uses[right].equal.push(b);
                    changed = true;
                }
                if self.uses[right].equal.contains(&b) && !self.uses[left].equal.contains(&a) {
                    self.uses[left].equal.push(a);
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
        for table_use in &mut self.uses {
            let compared = [&table_use.equal, &table_use.range, &table_use.join];
            let all: Vec<i16> = compared.into_iter().flatten().copied().collect();
            table_use.read.extend(all.into_iter().filter(|&column| !is_element(column)));
            for list in [
                &mut table_use.equal,
                &mut table_use.range,
                &mut table_use.join,
                &mut table_use.searched,
                &mut table_use.read,
            ] {
                list.sort_unstable();
                list.dedup();
                list.retain(|&column| column > 0);
            }
        }
    }
}

fn is_rte(node: &Node) -> bool {
    // PostgreSQL 16 renamed the tag.
    node.tag == "RTE" || node.tag == "RANGETBLENTRY"
}

/// Calls `f` for every node of the tree.
fn visit<'t>(node: &'t Node, f: &mut dyn FnMut(&'t Node)) {
    f(node);
    for (_, value) in &node.fields {
        visit_value(value, f);
    }
}

fn visit_value<'t>(value: &'t Value, f: &mut dyn FnMut(&'t Node)) {
    match value {
        Value::Node(node) => visit(node, f),
        Value::List(items) => {
            for item in items {
                visit_value(item, f);
            }
        }
        _ => {}
    }
}
