//! The tables as the algorithms see them: names of columns, and which of them a statement names.

use std::collections::BTreeSet;

use anyhow::Result;
use postgres::Client;

/// A b-tree on plain columns: positions in [`Schema`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Index {
    pub(super) table: usize,
    pub(super) columns: Vec<usize>,
}

impl Index {
    /// The index with one more column.
    pub(super) fn with(&self, column: usize) -> Self {
        let mut columns = self.columns.clone();
        columns.push(column);
        Self { table: self.table, columns }
    }

    /// Whether it begins with all columns of `other`, and has more.
    pub(super) fn extends(&self, other: &Self) -> bool {
        self.table == other.table
            && self.columns.len() > other.columns.len()
            && self.columns.starts_with(&other.columns)
    }
}

/// A table and its columns that a b-tree can have.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
}

/// All tables.
#[derive(Debug)]
pub(super) struct Schema {
    pub(super) tables: Vec<Table>,
}

impl Schema {
    /// Reads the tables of the schema `public`.
    ///
    /// # Errors
    /// Whatever the server answers.
    pub(super) fn read(client: &mut Client) -> Result<Self> {
        let sql = "select c.relname::text, array_agg(a.attname::text order by a.attnum)
            from pg_class as c join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0
                and not a.attisdropped
            where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and exists (
                select from pg_opclass as o join pg_am as m on m.oid = o.opcmethod
                where m.amname = 'btree' and o.opcdefault and o.opcintype in (
                    a.atttypid, case a.atttypid when 'varchar'::regtype then 'text'::regtype end))
            group by c.relname order by c.relname";
        let tables = client
            .query(sql, &[])?
            .iter()
            .map(|row| Ok(Table { name: row.try_get(0)?, columns: row.try_get(1)? }))
            .collect::<Result<_>>()?;
        Ok(Self { tables })
    }

    /// The columns whose names a statement has, of tables whose names it has: the study's rule.
    pub(super) fn named_in(&self, sql: &str) -> BTreeSet<(usize, usize)> {
        let lower = sql.to_lowercase();
        let is_part = |c: char| !(c.is_alphanumeric() || c == '_');
        let words: BTreeSet<&str> = lower.split(is_part).collect();
        let mut found = BTreeSet::new();
        for (number, table) in self.tables.iter().enumerate() {
            if words.contains(table.name.as_str()) {
                let columns = table.columns.iter().enumerate();
                let named = columns.filter(|(_, name)| words.contains(name.as_str()));
                found.extend(named.map(|(column, _)| (number, column)));
            }
        }
        found
    }

    /// The statement that creates an index.
    pub(super) fn ddl(&self, index: &Index) -> String {
        let Some(table) = self.tables.get(index.table) else { return String::new() };
        let columns = index.columns.iter().filter_map(|column| table.columns.get(*column));
        let columns: Vec<&str> = columns.map(String::as_str).collect();
        format!("create index on {} ({})", table.name, columns.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Schema {
        let table = |name: &str, columns: &[&str]| Table {
            name: name.to_owned(),
            columns: columns.iter().map(ToString::to_string).collect(),
        };
        Schema { tables: vec![table("orders", &["id", "total"]), table("parts", &["id", "size"])] }
    }

    #[test]
    fn columns_of_named_tables_only() {
        let found = schema().named_in("select ID from Orders where o.total_x = 1 and size = 2");
        assert_eq!(found, BTreeSet::from([(0, 0)]));
    }

    #[test]
    fn ddl_and_prefixes() {
        let index = Index { table: 1, columns: vec![1] };
        let wide = index.with(0);
        assert_eq!(schema().ddl(&wide), "create index on parts (size, id)");
        assert!(wide.extends(&index) && !index.extends(&wide) && !index.extends(&index));
    }
}
