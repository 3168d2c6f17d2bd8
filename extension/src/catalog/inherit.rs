//! Tables that inherit from the tables of a statement.

use std::collections::BTreeMap;

use advisor_core::model::{IndexKey, Order, QueryShape, TableUse, is_element};
use pgrx::datum::DatumWithOid;
use pgrx::{Spi, pg_sys};

use super::ServerCatalog;
use crate::error::AdvisorError;
use crate::sys;

const DESCENDANTS: &str = include_str!("../../../sql/catalog/descendants.sql");

/// Tables that inherit from one that are looked at.
const HEIRS: usize = 50;

impl ServerCatalog {
    /// Reads the tables that inherit from those named.
    ///
    /// # Errors
    /// What SPI says.
    pub(crate) fn ensure_descendants(
        &mut self,
        relations: &BTreeMap<u32, char>,
    ) -> Result<(), AdvisorError> {
        let parents: Vec<pg_sys::Oid> = relations
            .keys()
            .filter(|&&oid| self.by_oid.contains_key(&oid) && self.ancestors.insert(oid))
            .map(|&oid| oid.into())
            .collect();
        if parents.is_empty() {
            return Ok(());
        }
        let mut found: Vec<(u32, u32)> = Vec::new();
        Spi::connect(|client| -> Result<(), AdvisorError> {
            for row in client.select(DESCENDANTS, None, &[DatumWithOid::from(parents)])? {
                let (ancestor, relation): (Option<i64>, Option<i64>) = (row.get(1)?, row.get(2)?);
                if let (Some(Ok(ancestor)), Some(Ok(relation))) =
                    (ancestor.map(u32::try_from), relation.map(u32::try_from))
                {
                    found.push((ancestor, relation));
                }
            }
            Ok(())
        })?;
        self.ensure(found.iter().map(|&(_, relation)| relation))?;
        for (ancestor, relation) in found {
            self.descendants.entry(ancestor).or_default().push(relation);
        }
        Ok(())
    }

    /// A statement on a table reads those that inherit from it too: what it does with the one it does
    /// with the others. Expressions and conditions stay with the table they were read for.
    pub(crate) fn inherit(&self, shape: &mut QueryShape) {
        let mut more = Vec::new();
        for table_use in &shape.uses {
            let Some(table) = self.model.tables.get(table_use.table) else { continue };
            for &relation in self.descendants.get(&table.oid).into_iter().flatten().take(HEIRS) {
                let Some(&heir) = self.by_oid.get(&relation) else { continue };
                let column = |&number: &i16| sys::leaf_column(table.oid, number, relation);
                let all = |numbers: &[i16]| -> Vec<i16> {
                    let plain = numbers.iter().filter(|&&number| !is_element(number));
                    plain.filter_map(column).collect()
                };
                let order = |order: &Order| {
                    let key =
                        |key: &IndexKey| Some(IndexKey { column: column(&key.column)?, ..*key });
                    let keys: Option<Vec<IndexKey>> = order.keys.iter().map(key).collect();
                    Some(Order { keys: keys?, ..*order })
                };
                more.push(TableUse {
                    table: heir,
                    equal: all(&table_use.equal),
                    range: all(&table_use.range),
                    join: all(&table_use.join),
                    orders: table_use.orders.iter().filter_map(order).collect(),
                    searched: Vec::new(),
                    predicates: Vec::new(),
                    read: all(&table_use.read),
                    whole_row: table_use.whole_row,
                    selectivity: table_use.selectivity,
                });
            }
        }
        shape.uses.append(&mut more);
    }
}
