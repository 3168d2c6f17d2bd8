//! The tables of the database and their relationships.

use std::collections::HashMap;

use advisor_core::relate::infer::{self, Statistics};
use advisor_core::relate::{Column, ForeignKey, Index, Origin, Relationship, Table, Traits};
use advisor_sql::map;
use pgrx::Spi;
use pgrx::spi::SpiError;

use crate::error::AdvisorError;
use crate::sys;

/// Rows between two checks for a cancel.
const ROWS_BETWEEN: usize = 1_000;

/// What relates to what.
pub(crate) struct Map {
    pub(crate) tables: Vec<Table>,
    /// Foreign keys first, then conclusions, each by name of the referencing table.
    pub(crate) relationships: Vec<Relationship>,
    /// Of each of them.
    pub(crate) traits: Vec<Traits>,
    /// Positions by oid.
    pub(crate) positions: HashMap<i64, usize>,
}

impl Map {
    /// Reads the catalog, and the statistics that the caller may see. Runs in
    /// [`crate::query::own_scope`].
    ///
    /// # Errors
    /// What SPI says.
    pub(crate) fn load() -> Result<Self, AdvisorError> {
        let mut map = Self {
            tables: Vec::new(),
            relationships: Vec::new(),
            traits: Vec::new(),
            positions: HashMap::new(),
        };
        map.read_tables()?;
        map.read_columns()?;
        map.read_indexes()?;
        map.read_foreign_keys()?;
        map.conclude()?;
        map.traits = map.relationships.iter().map(|one| Traits::of(one, &map.tables)).collect();
        Ok(map)
    }

    fn read_tables(&mut self) -> Result<(), SpiError> {
        Spi::connect(|client| {
            for row in client.select(map::TABLES, None, &[])? {
                let oid: i64 = row.get(1)?.unwrap_or_default();
                self.positions.insert(oid, self.tables.len());
                self.tables.push(Table {
                    oid: u32::try_from(oid).unwrap_or_default(),
                    schema: row.get(2)?.unwrap_or_default(),
                    name: row.get(3)?.unwrap_or_default(),
                    rows: row.get(4)?,
                    partitioned: row.get(5)?.unwrap_or_default(),
                    partition: row.get(6)?.unwrap_or_default(),
                    ..Table::default()
                });
            }
            Ok(())
        })
    }

    fn table(&mut self, oid: Option<i64>) -> Option<&mut Table> {
        self.tables.get_mut(*self.positions.get(&oid?)?)
    }

    fn read_columns(&mut self) -> Result<(), SpiError> {
        Spi::connect(|client| {
            for (number, row) in client.select(map::COLUMNS, None, &[])?.enumerate() {
                if number.is_multiple_of(ROWS_BETWEEN) {
                    sys::check_interrupts();
                }
                // A partition's.
                let Some(table) = self.table(row.get(1)?) else { continue };
                let type_oid: Option<i64> = row.get(4)?;
                table.columns.push(Column {
                    number: row.get(2)?.unwrap_or_default(),
                    name: row.get(3)?.unwrap_or_default(),
                    type_oid: type_oid.and_then(|oid| u32::try_from(oid).ok()).unwrap_or_default(),
                    type_name: row.get(5)?.unwrap_or_default(),
                    not_null: row.get(6)?.unwrap_or_default(),
                    makes_values: row.get(7)?.unwrap_or_default(),
                    inherited: row.get(8)?.unwrap_or_default(),
                });
            }
            Ok(())
        })
    }

    fn read_indexes(&mut self) -> Result<(), SpiError> {
        Spi::connect(|client| {
            for row in client.select(map::INDEXES, None, &[])? {
                let Some(table) = self.table(row.get(1)?) else { continue };
                table.indexes.push(Index {
                    columns: row.get(2)?.unwrap_or_default(),
                    unique: row.get(3)?.unwrap_or_default(),
                    primary: row.get(4)?.unwrap_or_default(),
                });
            }
            Ok(())
        })
    }

    fn read_foreign_keys(&mut self) -> Result<(), SpiError> {
        Spi::connect(|client| {
            for row in client.select(map::FOREIGN_KEYS, None, &[])? {
                let position = |oid: Option<i64>| self.positions.get(&oid?).copied();
                // One of them is not the user's.
                let (Some(from), Some(to)) = (position(row.get(2)?), position(row.get(4)?)) else {
                    continue;
                };
                self.relationships.push(Relationship {
                    from,
                    from_columns: row.get(3)?.unwrap_or_default(),
                    to,
                    to_columns: row.get(5)?.unwrap_or_default(),
                    origin: Origin::Declared(ForeignKey {
                        name: row.get(1)?.unwrap_or_default(),
                        on_update: row.get(6)?.unwrap_or_default(),
                        on_delete: row.get(7)?.unwrap_or_default(),
                        deferrable: row.get(8)?.unwrap_or_default(),
                        validated: row.get(9)?.unwrap_or_default(),
                    }),
                });
            }
            Ok(())
        })
    }

    /// Adds what names, types, keys and statistics suggest.
    fn conclude(&mut self) -> Result<(), SpiError> {
        sys::check_interrupts();
        let candidates = infer::candidates(&self.tables, &self.relationships);
        let mut columns: Vec<(usize, i16)> =
            candidates.iter().flat_map(|one| [(one.from, one.column), (one.to, one.key)]).collect();
        columns.sort_unstable();
        columns.dedup();
        let statistics = self.statistics(&columns)?;
        let found = infer::conclude(&self.tables, &candidates, |table, column| {
            statistics.get(&(table, column)).cloned()
        });
        self.relationships.extend(found);
        Ok(())
    }

    fn statistics(
        &self,
        columns: &[(usize, i16)],
    ) -> Result<HashMap<(usize, i16), Statistics>, SpiError> {
        let oid = |table: usize| self.tables.get(table).map_or(0, |table| i64::from(table.oid));
        let oids: Vec<i64> = columns.iter().map(|(table, _)| oid(*table)).collect();
        let numbers: Vec<i16> = columns.iter().map(|(_, number)| *number).collect();
        let mut statistics = HashMap::new();
        if columns.is_empty() {
            return Ok(statistics);
        }
        Spi::connect(|client| {
            for row in client.select(map::STATISTICS, None, &[oids.into(), numbers.into()])? {
                let oid: Option<i64> = row.get(1)?;
                let table = oid.and_then(|oid| self.positions.get(&oid).copied());
                let (Some(table), Some(number)) = (table, row.get(2)?) else { continue };
                let found = Statistics {
                    distinct: row.get(3)?.unwrap_or_default(),
                    rows: self.tables.get(table).and_then(|table| table.rows),
                    has_values: row.get(4)?.unwrap_or_default(),
                    values: row.get(5)?.unwrap_or_default(),
                };
                statistics.insert((table, number), found);
            }
            Ok(statistics)
        })
    }
}
