//! The server's catalog as the core's model, read through SPI and the catalog caches.

mod given;
mod inherit;
mod rows;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use advisor_core::ddl::quote_ident;
use advisor_core::model::{Catalog, Column, Element, Method, is_element};
use advisor_core::shape::Facts;
use pgrx::datum::DatumWithOid;
use pgrx::{JsonB, Spi, pg_sys};

use crate::elements::Elements;
use crate::error::AdvisorError;
use crate::opclasses::{Class, Compared, OperatorClasses};
use crate::query;
use crate::settings;
use crate::shadow;
use crate::sys::{self, Arena, Statistics, StatsValues, ValueType};
use crate::wishes::Wish;
use rows::{TableRow, table};

const TABLES: &str = include_str!("../../sql/catalog/tables.sql");
const MIN_MAX: &str = include_str!("../../sql/catalog/minmax.sql");
const NDISTINCT: &str = include_str!("../../sql/catalog/ndistinct.sql");

/// The catalog and what is looked up in it by oid.
pub(crate) struct ServerCatalog {
    /// The tables, in the order in which the workload came upon them.
    pub(crate) model: Catalog,
    by_oid: BTreeMap<u32, usize>,
    /// Relations that were looked up, tables or not.
    seen: BTreeSet<u32>,
    min_max: BTreeMap<u32, bool>,
    row_security: Vec<bool>,
    /// The tables whose descendants were looked for, and what was found.
    ancestors: BTreeSet<u32>,
    descendants: BTreeMap<u32, Vec<u32>>,
    /// Written while statements are read, which only look at the rest.
    elements: RefCell<Elements>,
    /// Empty until there is a table.
    classes: OperatorClasses,
    wishes: RefCell<BTreeSet<Wish>>,
}

impl ServerCatalog {
    /// An empty catalog.
    ///
    /// # Errors
    /// What SPI says.
    pub(crate) fn new() -> Result<Self, AdvisorError> {
        Ok(Self {
            model: Catalog::default(),
            by_oid: BTreeMap::new(),
            seen: BTreeSet::new(),
            min_max: min_max()?,
            row_security: Vec::new(),
            ancestors: BTreeSet::new(),
            descendants: BTreeMap::new(),
            elements: RefCell::new(Elements::new()),
            classes: OperatorClasses::default(),
            wishes: RefCell::default(),
        })
    }

    /// Reads those of the relations that are tables and were not read before.
    ///
    /// # Errors
    /// What SPI says.
    pub(crate) fn ensure(
        &mut self,
        relations: impl Iterator<Item = u32>,
    ) -> Result<(), AdvisorError> {
        let oids: Vec<pg_sys::Oid> =
            relations.filter(|&oid| self.seen.insert(oid)).map(pg_sys::Oid::from).collect();
        if oids.is_empty() {
            return Ok(());
        }
        let json: Option<JsonB> = query::one(TABLES, &[DatumWithOid::from(oids)])?;
        let rows: Vec<TableRow> = json
            .map(|JsonB(value)| serde_json::from_value(value))
            .transpose()
            .map_err(|error| AdvisorError::Catalog(error.to_string()))?
            .unwrap_or_default();
        if self.model.tables.is_empty() && !rows.is_empty() {
            self.classes = OperatorClasses::read(&settings::index_methods()?)?;
        }
        let elsewhere = shadow::activity()?;
        for mut row in rows {
            row.activity = elsewhere.get(&row.oid).copied().or(row.activity);
            self.row_security.push(row.row_security);
            let table = table(row);
            self.by_oid.insert(table.oid, self.model.tables.len());
            self.model.tables.push(table);
        }
        Ok(())
    }

    /// Whether row-level security is on for the table.
    pub(crate) fn row_security(&self, table: usize) -> bool {
        self.row_security.get(table).copied().unwrap_or(true)
    }

    /// Distinct counts of column groups from extended statistics: (table, ascending attribute
    /// numbers, count).
    ///
    /// # Errors
    /// What SPI says.
    pub(crate) fn group_distinct(&self) -> Result<Vec<(usize, Vec<i16>, f64)>, AdvisorError> {
        let oids: Vec<pg_sys::Oid> = self.by_oid.keys().map(|&oid| oid.into()).collect();
        let mut groups = Vec::new();
        Spi::connect(|client| -> Result<(), AdvisorError> {
            for row in client.select(NDISTINCT, None, &[DatumWithOid::from(oids)])? {
                let (oid, text): (Option<i64>, Option<String>) = (row.get(1)?, row.get(2)?);
                let table = oid.and_then(|oid| u32::try_from(oid).ok());
                let Some(&table) = table.and_then(|oid| self.by_oid.get(&oid)) else { continue };
                let counts: BTreeMap<String, f64> =
                    serde_json::from_str(&text.unwrap_or_default()).unwrap_or_default();
                for (columns, count) in counts {
                    let numbers: Result<Vec<i16>, _> =
                        columns.split(", ").map(str::parse).collect();
                    // Negative numbers stand for expressions, which no candidate has.
                    if let Ok(mut numbers) = numbers
                        && numbers.iter().all(|&number| number > 0)
                    {
                        numbers.sort_unstable();
                        groups.push((table, numbers, count));
                    }
                }
            }
            Ok(())
        })?;
        Ok(groups)
    }
}

impl ServerCatalog {
    /// What the values of a column or an element are.
    fn value_type(&self, relation: u32, number: i16) -> Option<ValueType> {
        if is_element(number) {
            return self.elements.borrow().value_type(*self.by_oid.get(&relation)?, number);
        }
        sys::attribute_type(relation, number)
    }

    /// A column or an element, and the element that an index on it begins with.
    fn compared(&self, id: usize, number: i16) -> Option<(Column, Element)> {
        if is_element(number) {
            let column = self.elements.borrow().column(id, number)?.clone();
            let element = column.element.clone()?;
            return Some((column, element));
        }
        let column = self.model.tables.get(id)?.column(number)?.clone();
        let element = Element {
            sql: quote_ident(&column.name),
            opclass: None,
            method: Method::Btree,
            column: Some(number),
            reads: vec![number],
        };
        Some((column, element))
    }

    /// The numbers of an element in these classes.
    fn numbers(&self, id: usize, of: ValueType, element: &Element, classes: &[&Class]) -> Vec<i16> {
        let mut elements = self.elements.borrow_mut();
        let number = |class: &&Class| {
            let element =
                Element { opclass: class.named(of), method: class.method, ..element.clone() };
            elements.number(id, element, of)
        };
        classes.iter().filter_map(number).collect()
    }

    /// What the statements read since the last call could do with an extension.
    pub(crate) fn take_wishes(&mut self) -> BTreeSet<Wish> {
        std::mem::take(self.wishes.get_mut())
    }

    /// Takes over what the statements read since the last call gave reason for.
    pub(crate) fn settle(&mut self) {
        self.elements.get_mut().settle(&mut self.model, &self.row_security);
    }

    /// Has statistics collected of the expressions that are settled from now on.
    pub(crate) fn sample_expressions(&mut self) {
        self.elements.get_mut().sample();
    }

    /// The statistics of expressions.
    pub(crate) fn expression_statistics(&self) -> Rc<Statistics> {
        Rc::clone(self.elements.borrow().statistics())
    }

    /// How many expressions of a table have statistics, those of partitions counted singly.
    pub(crate) fn expressions_known(&self, id: usize) -> usize {
        let leaves = self.model.tables.get(id).into_iter().flat_map(|table| &table.leaves);
        self.elements.borrow().statistics().count(leaves.map(|leaf| leaf.oid))
    }

    /// The values that are kept of a column or an element, with their number as `stadistinct` has it.
    pub(crate) fn values<'a>(
        &self,
        arena: &'a Arena,
        relation: u32,
        number: i16,
    ) -> Option<(StatsValues<'a>, f64)> {
        if is_element(number) {
            let id = self.table(relation)?;
            return self.elements.borrow().values(arena, id, self.model.tables.get(id)?, number);
        }
        let values = StatsValues::load(arena, relation, number)?;
        let stats = [false, true]
            .into_iter()
            .find_map(|inherited| sys::column_stats(relation, number, inherited));
        Some((values, stats.map_or(0.0, |stats| stats.distinct)))
    }

    /// Whether the current role may read the values of a column, or those that an element is made of.
    pub(crate) fn may_read(&self, relation: u32, number: i16) -> bool {
        if !is_element(number) {
            return sys::may_read_column(relation, number);
        }
        let table = self.table(relation).and_then(|id| self.model.tables.get(id));
        table
            .and_then(|table| table.column(number)?.element.as_ref())
            .is_some_and(|of| of.reads.iter().all(|&read| sys::may_read_column(relation, read)))
    }
}

impl Facts for ServerCatalog {
    fn table(&self, relation: u32) -> Option<usize> {
        self.by_oid.get(&relation).copied()
    }

    fn btree_strategy(&self, operator: u32, relation: u32, column: i16) -> Option<u8> {
        sys::btree_strategy(operator, self.value_type(relation, column)?.type_oid)
    }

    fn is_inequality(&self, operator: u32, relation: u32, column: i16) -> bool {
        self.btree_strategy(sys::negator(operator), relation, column) == Some(3)
    }

    fn is_pattern_match(&self, operator: u32) -> bool {
        sys::is_pattern_match(operator)
    }

    fn sorts_descending(&self, operator: u32) -> bool {
        sys::sorts_descending(operator)
    }

    fn aggregate_direction(&self, aggregate: u32) -> Option<bool> {
        self.min_max.get(&aggregate).copied()
    }

    fn expression(&self, relation: u32, dump: &str) -> Option<i16> {
        let table = self.table(relation)?;
        self.elements.borrow_mut().expression(table, relation, dump)
    }

    fn searches(&self, operator: u32, relation: u32, column: i16, commuted: bool) -> Vec<i16> {
        let operator = if commuted { sys::commutator(operator) } else { operator };
        let (Some(id), Some(of)) = (self.table(relation), self.value_type(relation, column)) else {
            return Vec::new();
        };
        let Some((known, element)) = self.compared(id, column) else { return Vec::new() };
        let compared = Compared {
            of,
            strategy: self.btree_strategy(operator, relation, column),
            column: &known,
            pages: self.model.tables.get(id).map_or(0.0, |table| table.pages),
        };
        if let Some(extension) = self.classes.missing(operator) {
            let sql = element.sql.clone();
            self.wishes.borrow_mut().insert(Wish { table: id, sql, extension });
        }
        self.numbers(id, of, &element, &self.classes.searches(operator, &compared))
    }

    fn distances(&self, operator: u32, relation: u32, column: i16) -> Vec<i16> {
        let (Some(id), Some(of)) = (self.table(relation), self.value_type(relation, column)) else {
            return Vec::new();
        };
        let Some((_, element)) = self.compared(id, column) else { return Vec::new() };
        self.numbers(id, of, &element, &self.classes.distances(operator, of))
    }

    fn predicate(&self, relation: u32, dump: &str) -> Option<u16> {
        let id = self.table(relation)?;
        if self.row_security(id) {
            return None;
        }
        let table = self.model.tables.get(id)?;
        self.elements.borrow_mut().predicate(id, table, dump)
    }

    fn rare_values(&self, relation: u32, column: i16) -> Vec<u16> {
        let Some(id) = self.table(relation) else { return Vec::new() };
        // Values end up in the text of the advice.
        if self.row_security(id) || !sys::may_read_column(relation, column) {
            return Vec::new();
        }
        let Some(table) = self.model.tables.get(id) else { return Vec::new() };
        self.elements.borrow_mut().rare_values(id, table, column)
    }
}

fn min_max() -> Result<BTreeMap<u32, bool>, AdvisorError> {
    let mut map = BTreeMap::new();
    Spi::connect(|client| -> Result<(), AdvisorError> {
        for row in client.select(MIN_MAX, None, &[])? {
            let (aggregate, operator): (Option<i64>, Option<i64>) = (row.get(1)?, row.get(2)?);
            if let (Some(Ok(aggregate)), Some(Ok(operator))) =
                (aggregate.map(u32::try_from), operator.map(u32::try_from))
            {
                map.insert(aggregate, sys::sorts_descending(operator));
            }
        }
        Ok(())
    })?;
    Ok(map)
}
