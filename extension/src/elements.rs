//! Keys and conditions of indexes beyond plain columns, as the statements give reason for them.
//!
//! They are collected while a statement is read and put into the catalog's tables afterwards
//! ([`Elements::settle`]). Everything here runs as the caller with a safe search path, so an
//! expression is only taken when all that it calls is C code, which a superuser made: planning may
//! run it.

use std::collections::{BTreeMap, BTreeSet};

use advisor_core::ddl::table_name;
use advisor_core::index_set::IndexSet;
use advisor_core::model::{
    Catalog, Column, Element, FIRST_ELEMENT, Method, Predicate, Table, TableId,
};
use advisor_core::nodetree::{self, Called, Node};

use crate::sys::{self, Arena, Hypotheticals, ValueType};

/// A condition that more of the rows fulfil saves hardly anything.
const MOST_ROWS: f64 = 0.9;
/// A column with at most so many values has kinds of rows, such as a status.
const FEW_VALUES: f64 = 100.0;
/// Elements and conditions of one table that are looked at: planning slows down with each.
const MOST_PER_TABLE: usize = 200;

/// What was found on the tables so far, by position in the catalog.
#[derive(Debug, Default)]
pub(crate) struct Elements {
    tables: BTreeMap<TableId, OfTable>,
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
}

impl Elements {
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
        let (sql, reads) =
            sys::subtransaction(true, || sys::condition_text(table.oid, dump)).ok()??;
        let found = &self.tables.entry(id).or_default().predicates;
        if let Some(at) = found.iter().position(|predicate| predicate.sql == sql) {
            return u16::try_from(at).ok();
        }
        if found.len() >= MOST_PER_TABLE {
            return None;
        }
        let selectivity = share_of_rows(table, &sql)?;
        if selectivity > MOST_ROWS {
            return None;
        }
        let fixes = fixes(&node, table, &reads);
        let found = &mut self.tables.entry(id).or_default().predicates;
        found.push(Predicate { sql, selectivity, reads, fixes });
        u16::try_from(found.len() - 1).ok()
    }

    /// Puts what is new into the catalog.
    pub(crate) fn settle(&mut self, catalog: &mut Catalog) {
        for (&id, found) in &mut self.tables {
            let Some(table) = catalog.tables.get_mut(id) else { continue };
            for (column, _) in found.elements.iter().skip(found.settled) {
                let mut column = column.clone();
                let stands_for = column.element.as_ref().and_then(|element| element.column);
                if let Some(plain) = stands_for.and_then(|number| table.column(number)) {
                    adopt(&mut column, plain);
                }
                column.n_distinct = column.n_distinct.min(table.rows.max(1.0));
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

/// Gives an element what is known of the column that it stands for.
fn adopt(element: &mut Column, plain: &Column) {
    element.type_name.clone_from(&plain.type_name);
    element.avg_width = plain.avg_width;
    element.n_distinct = plain.n_distinct;
    element.null_frac = plain.null_frac;
    element.correlation = plain.correlation;
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
/// with one of few values. A date or a number that is one of many is another one tomorrow.
fn recurs(condition: &Node, table: &Table) -> bool {
    let mut compared = condition.nodes("args").filter_map(|arg| match arg.tag.as_str() {
        "VAR" => i16::try_from(arg.int("varattno")).ok(),
        "RELABELTYPE" => i16::try_from(arg.child("arg")?.int("varattno")).ok(),
        _ => None,
    });
    match condition.tag.as_str() {
        "OPEXPR" | "SCALARARRAYOPEXPR" => compared
            .next()
            .and_then(|number| table.column(number))
            .is_some_and(|column| column.n_distinct <= FEW_VALUES),
        _ => true,
    }
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
