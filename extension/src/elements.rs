//! Keys and conditions of indexes beyond plain columns, as the statements give reason for them.
//!
//! They are collected while a statement is read and put into the catalog's tables afterwards
//! ([`Elements::settle`]). Everything here runs as the caller with a safe search path, so an
//! expression is only taken when all that it calls is C code, which a superuser made: planning may
//! run it.

mod statistics;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use advisor_core::ddl::{quote_ident, table_name};
use advisor_core::index_set::IndexSet;
use advisor_core::model::{
    Catalog, Column, Element, FIRST_ELEMENT, Method, Predicate, Table, TableId,
};
use advisor_core::nodetree::{self, Called, Node};

use crate::sys::{
    self, Arena, ConditionText, Hypotheticals, Pick, Statistics, StatsValues, ValueType,
};
use statistics::Outcome;

/// A condition that more of the rows fulfil saves hardly anything.
const MOST_ROWS: f64 = 0.9;
/// A column with at most so many values has kinds of rows, such as a status.
const FEW_VALUES: f64 = 100.0;
/// A value with a larger share has most of the rows; values with a smaller one than the second are
/// rare, and so many of them, the rarest first, get a condition.
const MOST: f64 = 0.5;
const RARE: f64 = 0.1;
const RARE_VALUES: usize = 2;
/// Elements and conditions of one table that are looked at: planning slows down with each.
const MOST_PER_TABLE: usize = 200;
/// Expressions that are evaluated for a sample of rows.
const MOST_SAMPLED: usize = 100;

/// What was found on the tables so far, by position in the catalog.
pub(crate) struct Elements {
    tables: BTreeMap<TableId, OfTable>,
    statistics: Rc<Statistics>,
    /// How many expressions may still be sampled.
    may_sample: usize,
}

#[derive(Debug, Default)]
struct OfTable {
    /// The elements, numbered from [`FIRST_ELEMENT`], with what their values are.
    elements: Vec<(Column, ValueType)>,
    /// How many of them the catalog has.
    settled: usize,
    predicates: Vec<Predicate>,
    /// What each dump was found to be.
    expressions: BTreeMap<String, Option<i16>>,
    conditions: BTreeMap<String, Option<u16>>,
    /// The conditions on the rare values of columns.
    rare: BTreeMap<i16, Vec<u16>>,
}

impl Elements {
    /// Nothing yet. No expression is evaluated before [`Self::sample`].
    pub(crate) fn new() -> Self {
        Self { tables: BTreeMap::new(), statistics: Rc::new(Statistics::new()), may_sample: 0 }
    }

    /// Has the next call of [`Self::settle`] collect statistics of what is new from then on.
    pub(crate) const fn sample(&mut self) {
        self.may_sample = MOST_SAMPLED;
    }

    /// The statistics of expressions.
    pub(crate) const fn statistics(&self) -> &Rc<Statistics> {
        &self.statistics
    }

    /// The kept values of an expression and its number of different values as `stadistinct` has it, of
    /// the largest part of its table.
    pub(crate) fn values<'a>(
        &self,
        arena: &'a Arena,
        id: TableId,
        table: &Table,
        number: i16,
    ) -> Option<(StatsValues<'a>, f64)> {
        let (column, _) = self.get(id, number)?;
        let leaf = table.leaves.iter().max_by(|a, b| a.rows.total_cmp(&b.rows))?;
        let sql = &column.element.as_ref()?.sql;
        let (values, figures) = self.statistics.values(arena, leaf.oid, sql)?;
        Some((values, figures.stats.distinct))
    }

    /// What the values of an element are.
    pub(crate) fn value_type(&self, table: TableId, number: i16) -> Option<ValueType> {
        self.get(table, number).map(|(_, of)| *of)
    }

    /// An element that may not be in the catalog yet.
    pub(crate) fn column(&self, table: TableId, number: i16) -> Option<&Column> {
        self.get(table, number).map(|(column, _)| column)
    }

    fn get(&self, table: TableId, number: i16) -> Option<&(Column, ValueType)> {
        let at = usize::try_from(number.checked_sub(FIRST_ELEMENT)?).ok()?;
        self.tables.get(&table)?.elements.get(at)
    }

    /// The number of an element, which is added if it is new; `None` when there are too many.
    pub(crate) fn number(
        &mut self,
        table: TableId,
        element: Element,
        of: ValueType,
    ) -> Option<i16> {
        let found = &mut self.tables.entry(table).or_default().elements;
        let same = |(column, _): &(Column, ValueType)| column.element.as_ref() == Some(&element);
        let at = match found.iter().position(same) {
            Some(at) => at,
            None if found.len() >= MOST_PER_TABLE => return None,
            None => {
                let number = i16::try_from(found.len()).ok()?.checked_add(FIRST_ELEMENT)?;
                found.push((column(number, element, of), of));
                found.len() - 1
            }
        };
        i16::try_from(at).ok()?.checked_add(FIRST_ELEMENT)
    }

    /// The element that stands for a dumped expression.
    pub(crate) fn expression(&mut self, id: TableId, relation: u32, dump: &str) -> Option<i16> {
        let known = self.tables.get(&id).and_then(|found| found.expressions.get(dump));
        if let Some(&known) = known {
            return known;
        }
        let number = self.new_expression(id, relation, dump);
        self.tables.entry(id).or_default().expressions.insert(dump.to_owned(), number);
        number
    }

    fn new_expression(&mut self, id: TableId, relation: u32, dump: &str) -> Option<i16> {
        if !harmless(&nodetree::read(dump)?) {
            return None;
        }
        let text = sys::subtransaction(true, || sys::element_text(relation, dump)).ok()??;
        let element = Element {
            sql: text.sql,
            opclass: None,
            method: Method::Btree,
            column: None,
            reads: text.reads,
        };
        self.number(id, element, text.of)
    }

    /// The position of a dumped condition among the table's.
    pub(crate) fn predicate(&mut self, id: TableId, table: &Table, dump: &str) -> Option<u16> {
        let known = self.tables.get(&id).and_then(|found| found.conditions.get(dump));
        if let Some(&known) = known {
            return known;
        }
        let number = self.new_predicate(id, table, dump);
        self.tables.entry(id).or_default().conditions.insert(dump.to_owned(), number);
        number
    }

    fn new_predicate(&mut self, id: TableId, table: &Table, dump: &str) -> Option<u16> {
        let node = nodetree::read(dump)?;
        if !harmless(&node) {
            return None;
        }
        if !recurs(&node, table) {
            return None;
        }
        let read = || sys::condition_text(table.oid, dump);
        let condition = sys::subtransaction(true, read).ok()??;
        self.condition(id, table, condition).filter(|&at| {
            let found = self.tables.get(&id).and_then(|t| t.predicates.get(usize::from(at)));
            found.is_some_and(|predicate| predicate.selectivity <= MOST_ROWS)
        })
    }

    /// The position of a condition among the table's, whatever share of the rows fulfils it; `None`
    /// when there are too many or it cannot be planned.
    pub(crate) fn condition(
        &mut self,
        id: TableId,
        table: &Table,
        condition: ConditionText,
    ) -> Option<u16> {
        let found = &mut self.tables.entry(id).or_default().predicates;
        let known = found.iter().position(|predicate| predicate.sql == condition.sql);
        if known.is_none() && found.len() >= MOST_PER_TABLE {
            return None;
        }
        let at = match known {
            Some(at) => at,
            None => {
                let selectivity = share_of_rows(table, &condition.sql)?;
                let fixes = fixes(&nodetree::read(&condition.dump)?, table, &condition.reads);
                let ConditionText { sql, reads, .. } = condition;
                found.push(Predicate { sql, selectivity, reads, fixes });
                found.len() - 1
            }
        };
        u16::try_from(at).ok()
    }

    /// The conditions `column = value` for the rarest values of a column of few values, one of which has
    /// most of the rows.
    pub(crate) fn rare_values(&mut self, id: TableId, table: &Table, column: i16) -> Vec<u16> {
        if let Some(known) = self.tables.entry(id).or_default().rare.get(&column) {
            return known.clone();
        }
        let found: Vec<u16> = rare_conditions(table, column)
            .into_iter()
            .filter_map(|condition| self.condition(id, table, condition))
            .collect();
        self.tables.entry(id).or_default().rare.insert(column, found.clone());
        found
    }

    /// Puts what is new into the catalog. `row_security` says on which tables that is on.
    pub(crate) fn settle(&mut self, catalog: &mut Catalog, row_security: &[bool]) {
        for (&id, found) in &mut self.tables {
            let Some(table) = catalog.tables.get_mut(id) else { continue };
            let secured = row_security.get(id).copied().unwrap_or(true);
            for (column, of) in found.elements.iter().skip(found.settled) {
                let mut column = column.clone();
                let stands_for = column.element.as_ref().and_then(|element| element.column);
                if let Some(plain) = stands_for.and_then(|number| table.column(number)) {
                    adopt(&mut column, plain);
                }
                column.n_distinct = column.n_distinct.min(table.rows.max(1.0));
                // What is made of a sample are figures about whole values.
                let whole = column.btree && !sys::has_own_statistics(of.type_oid);
                if self.may_sample > 0 && is_expression(&column) && whole {
                    self.may_sample -= 1;
                    let known = statistics::collect(table, &column, *of, secured, &self.statistics);
                    take_over(&mut column, known);
                }
                table.columns.push(column);
            }
            found.settled = found.elements.len();
            table.predicates.clone_from(&found.predicates);
        }
    }
}

/// A new element as a column of which nothing is known but its type.
fn column(number: i16, element: Element, of: ValueType) -> Column {
    /// `DEFAULT_NUM_DISTINCT` of the server's `selfuncs.h`.
    const DEFAULT_DISTINCT: f64 = 200.0;
    let (btree, dedup) = match (element.method, &element.opclass) {
        (Method::Btree, None) => sys::btree_support(of),
        (method, _) => (method == Method::Btree, method == Method::Btree),
    };
    let (type_len, align, avg_width) = sys::type_layout(of);
    Column {
        number,
        name: element.sql.clone(),
        type_len,
        align,
        avg_width,
        n_distinct: DEFAULT_DISTINCT,
        btree,
        dedup,
        element: Some(element),
        ..Column::default()
    }
}

fn rare_conditions(table: &Table, number: i16) -> Vec<ConditionText> {
    let Some(column) = table.column(number).filter(|c| c.n_distinct <= FEW_VALUES) else {
        return Vec::new();
    };
    let arena = Arena::new();
    let Some(values) = StatsValues::load(&arena, table.oid, number) else { return Vec::new() };
    let skewed = values.frequencies.iter().any(|&frequency| frequency > MOST);
    let rare = values.frequencies.iter().enumerate().rev().filter(|(_, f)| **f < RARE);
    rare.take(if skewed && values.histogram_len() == 0 { RARE_VALUES } else { 0 })
        .filter_map(|(at, _)| {
            let value = literal(&values.text(Pick::Common(at))?);
            let condition = format!("{} = {value}", quote_ident(&column.name));
            let read = || sys::condition_of(table.oid, &condition);
            sys::subtransaction(true, read).ok()?
        })
        .filter(|condition| is_harmless(&condition.dump))
        .collect()
}

/// A string as a literal that means the same whatever `standard_conforming_strings` is.
fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    match quoted.contains('\\') {
        true => format!("E'{}'", quoted.replace('\\', "\\\\")),
        false => format!("'{quoted}'"),
    }
}

/// Whether everything that a dumped expression calls is C code.
pub(crate) fn is_harmless(dump: &str) -> bool {
    nodetree::read(dump).is_some_and(|node| harmless(&node))
}

/// Gives an element what is known of the column that it stands for.
fn adopt(element: &mut Column, plain: &Column) {
    element.type_name.clone_from(&plain.type_name);
    element.avg_width = plain.avg_width;
    element.n_distinct = plain.n_distinct;
    element.null_frac = plain.null_frac;
    element.correlation = plain.correlation;
}

/// Whether the element is an expression with the default b-tree operator class of its type.
fn is_expression(column: &Column) -> bool {
    column.element.as_ref().is_some_and(|element| {
        element.column.is_none() && element.opclass.is_none() && element.method == Method::Btree
    })
}

fn take_over(column: &mut Column, known: Outcome) {
    match known {
        Outcome::Known(values) => {
            column.avg_width = values.width;
            column.n_distinct = values.distinct;
            column.null_frac = values.null_frac;
            column.correlation = values.correlation;
        }
        Outcome::Unknown => {}
        Outcome::Impossible => (column.btree, column.dedup) = (false, false),
    }
}

/// Whether everything that an expression calls is C code.
fn harmless(node: &Node) -> bool {
    let mut seen = BTreeSet::new();
    nodetree::calls(node).into_iter().all(|called| {
        let function = match called {
            Called::Function(function) => function,
            Called::Operator(operator) => sys::operator_function(operator),
        };
        !seen.insert(function) || sys::is_trusted_function(function)
    })
}

/// Share of a table's rows that the planner expects to fulfil a condition.
fn share_of_rows(table: &Table, condition: &str) -> Option<f64> {
    let query = format!("select from {} where {condition}", table_name(table));
    let (arena, scratch) = (Arena::new(), Arena::new());
    let planned = sys::subtransaction(true, || {
        let statement = sys::analyze(&arena, &query, &[]).ok()?;
        let binding = sys::bind(&arena, &[], &[]);
        let (none, offered) = (Hypotheticals::new(), IndexSet::new());
        Some(sys::plan(&scratch, &statement, &binding, &none, &offered, &BTreeSet::new()))
    });
    let rows = planned.ok()??.rows;
    Some((rows / table.rows.max(1.0)).clamp(0.0, 1.0))
}

/// Whether a condition may be expected to come again as it is: a test for NULL, a flag, or a comparison
/// with a column of few values, one of which has most of the rows. One of many dates or numbers is
/// another one tomorrow, and one of some regions another one for the next user.
fn recurs(condition: &Node, table: &Table) -> bool {
    let mut compared = condition.nodes("args").filter_map(|arg| match arg.tag.as_str() {
        "VAR" => i16::try_from(arg.int("varattno")).ok(),
        "RELABELTYPE" => i16::try_from(arg.child("arg")?.int("varattno")).ok(),
        _ => None,
    });
    match condition.tag.as_str() {
        "OPEXPR" | "SCALARARRAYOPEXPR" => {
            compared.next().is_some_and(|number| is_skewed(table, number))
        }
        _ => true,
    }
}

/// Whether a column has few values, one of which has most of the rows.
fn is_skewed(table: &Table, number: i16) -> bool {
    let few = table.column(number).is_some_and(|column| column.n_distinct <= FEW_VALUES);
    let arena = Arena::new();
    few && StatsValues::load(&arena, table.oid, number)
        .is_some_and(|values| values.frequencies.iter().any(|&frequency| frequency > MOST))
}

/// The attribute that a condition fixes to one value.
fn fixes(condition: &Node, table: &Table, reads: &[i16]) -> Option<i16> {
    let &[attribute] = reads else { return None };
    let one_value = match condition.tag.as_str() {
        "VAR" | "BOOLEXPR" => true,
        // IS NULL; IS TRUE and IS FALSE.
        "NULLTEST" => condition.int("nulltesttype") == 0,
        "BOOLEANTEST" => matches!(condition.int("booltesttype"), 0 | 2),
        "OPEXPR" => {
            let of = sys::attribute_type(table.oid, attribute)?;
            sys::btree_strategy(condition.oid("opno"), of.type_oid) == Some(3)
        }
        _ => false,
    };
    one_value.then_some(attribute)
}
