//! The things advice is about: tables, columns, indexes, and what a query does with a table.

use serde::Serialize;

/// Position of a table in [`Catalog::tables`].
pub type TableId = usize;
/// Position of a query in the workload.
pub type QueryId = usize;
/// Position of a candidate in the pool that is being searched.
pub type CandidateId = usize;

/// Everything the advisor knows about the tables that the workload touches.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// The tables, in order of (schema, name).
    pub tables: Vec<Table>,
}

/// A table, a partitioned table or a materialized view.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// `pg_class.oid`.
    pub oid: u32,
    /// Schema name, unquoted.
    pub schema: String,
    /// Table name, unquoted.
    pub name: String,
    /// Live rows as the planner sees them; for a partitioned table the sum over its leaves.
    pub rows: f64,
    /// Heap pages; for a partitioned table the sum over its leaves.
    pub pages: f64,
    /// Share of the heap pages that are all-visible, 0 to 1 (`pg_class.relallvisible`).
    pub all_visible: f64,
    /// Average row width in bytes, without the tuple header.
    pub row_width: f64,
    /// Whether this is a partitioned table: `CREATE INDEX CONCURRENTLY` does not work on it.
    pub partitioned: bool,
    /// The leaves that would really hold the index: the table itself, or the leaf partitions.
    pub leaves: Vec<Leaf>,
    /// User columns in attribute order, dropped ones are absent; behind them the elements: keys
    /// that are no plain columns ([`Column::element`]).
    pub columns: Vec<Column>,
    /// Conditions that a partial index on the table could have.
    pub predicates: Vec<Predicate>,
    /// Valid indexes that exist.
    pub indexes: Vec<ExistingIndex>,
    /// Whether statistics were ever collected (`pg_statistic` has a row for it).
    pub analyzed: bool,
    /// Inserted rows since statistics began (`pg_stat_user_tables`).
    pub rows_inserted: f64,
    /// Updated rows since statistics began.
    pub rows_updated: f64,
    /// Of the updated rows, those that were HOT.
    pub rows_hot_updated: f64,
    /// Deleted rows since statistics began.
    pub rows_deleted: f64,
}

impl Table {
    /// The column with this attribute number.
    #[must_use]
    pub fn column(&self, number: i16) -> Option<&Column> {
        self.columns.iter().find(|column| column.number == number)
    }
}

/// A relation with storage that one index of a candidate would be built on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Leaf {
    /// `pg_class.oid`.
    pub oid: u32,
    /// Live rows as the planner sees them.
    pub rows: f64,
    /// Heap pages.
    pub pages: f64,
}

/// A column and what the statistics say of it.
#[derive(Debug, Clone, Default)]
pub struct Column {
    /// `pg_attribute.attnum`, from 1.
    pub number: i16,
    /// Column name, unquoted.
    pub name: String,
    /// Type with modifier, as `format_type` prints it.
    pub type_name: String,
    /// `pg_type.typlen`: bytes, or -1 for varlena, -2 for C strings.
    pub type_len: i16,
    /// `pg_type.typalign` in bytes: 1, 2, 4 or 8.
    pub align: u8,
    /// Average stored width in bytes.
    pub avg_width: f64,
    /// Number of distinct values, absolute (never negative, at least 1).
    pub n_distinct: f64,
    /// Share of NULLs, 0 to 1.
    pub null_frac: f64,
    /// `pg_stats.correlation`, -1 to 1; 0 when unknown.
    pub correlation: f64,
    /// Whether the type has a default b-tree operator class.
    pub btree: bool,
    /// Whether that class's equal-image support function allows deduplication for the column's
    /// collation (nbtree README, "Deduplication").
    pub dedup: bool,
    /// What it is when it is no attribute of the table.
    pub element: Option<Element>,
}

/// Elements are numbered from here, beyond every attribute number (`MaxHeapAttributeNumber` 1600).
pub const FIRST_ELEMENT: i16 = 20_000;

/// Whether the number is that of an element, not of an attribute.
#[must_use]
pub const fn is_element(number: i16) -> bool {
    number >= FIRST_ELEMENT
}

/// Something that an index can be built on and that is no attribute with its default b-tree
/// operator class: an expression, or a column with another operator class or access method. It is
/// a [`Column`] with a number of its own, so that everything said of columns can be said of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Element {
    /// As CREATE INDEX takes it: a quoted column name, or an expression in parentheses.
    pub sql: String,
    /// The operator class as SQL; `None` for the type's default one.
    pub opclass: Option<String>,
    /// The access method that it is for.
    pub method: Method,
    /// The attribute that it stands for, when it is a plain column.
    pub column: Option<i16>,
    /// The attributes that it reads, ascending.
    pub reads: Vec<i16>,
}

/// The condition of a partial index.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Predicate {
    /// As CREATE INDEX takes it after WHERE.
    pub sql: String,
    /// Share of the rows that fulfil it, 0 to 1.
    pub selectivity: f64,
    /// The attributes that it reads, ascending.
    pub reads: Vec<i16>,
    /// The attribute that it fixes to one value, which then tells nothing as a key.
    pub fixes: Option<i16>,
}

/// An index access method of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Ordered; the default.
    #[default]
    Btree,
    /// Equality by hash code.
    Hash,
    /// Generalized search tree.
    Gist,
    /// Space-partitioned search tree.
    Spgist,
    /// Inverted index.
    Gin,
    /// Summaries of block ranges.
    Brin,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Btree, Self::Hash, Self::Gist, Self::Spgist, Self::Gin, Self::Brin];

    /// The name in `pg_am`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Btree => "btree",
            Self::Hash => "hash",
            Self::Gist => "gist",
            Self::Spgist => "spgist",
            Self::Gin => "gin",
            Self::Brin => "brin",
        }
    }

    /// The method of this name, if it is one of the server's own.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == name)
    }
}

/// An index that exists, as far as it matters for candidates and replacements.
#[derive(Debug, Clone, Default)]
pub struct ExistingIndex {
    /// `pg_class.oid` of the index.
    pub oid: u32,
    /// Its qualified, quoted name.
    pub name: String,
    /// Access method name.
    pub method: String,
    /// Key columns in order; `None` for an expression.
    pub keys: Vec<Option<IndexKey>>,
    /// INCLUDE columns.
    pub include: Vec<i16>,
    /// Whether it is unique.
    pub unique: bool,
    /// Whether it backs a constraint (or is the replica identity) and cannot simply be dropped.
    pub constraint: bool,
    /// Whether it has a predicate.
    pub partial: bool,
    /// Whether every key uses the type's default operator class and the column's own collation.
    pub default_opclasses: bool,
    /// The keys as CREATE INDEX takes them, in order: see [`Element::sql`] and
    /// [`Element::opclass`].
    pub key_texts: Vec<(String, Option<String>)>,
    /// Size in bytes.
    pub size_bytes: u64,
}

/// A key column of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct IndexKey {
    /// `pg_attribute.attnum`.
    pub column: i16,
    /// DESC instead of ASC.
    pub descending: bool,
    /// NULLS FIRST; the default is NULLS LAST for ASC and NULLS FIRST for DESC.
    pub nulls_first: bool,
}

impl IndexKey {
    /// An ascending key with NULLS LAST.
    #[must_use]
    pub const fn asc(column: i16) -> Self {
        Self { column, descending: false, nulls_first: false }
    }

    /// The key that gives the opposite order when read forwards.
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self { column: self.column, descending: !self.descending, nulls_first: !self.nulls_first }
    }
}

/// An index that could be built.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IndexDef {
    /// The table.
    pub table: TableId,
    /// Key columns in order, at least one. Elements are only for the method they name.
    pub keys: Vec<IndexKey>,
    /// INCLUDE columns, ascending.
    pub include: Vec<i16>,
    /// The access method.
    pub method: Method,
    /// The condition of a partial index: position in [`Table::predicates`].
    pub predicate: Option<u16>,
}

impl IndexDef {
    /// A b-tree without INCLUDE columns over all rows.
    #[must_use]
    pub const fn btree(table: TableId, keys: Vec<IndexKey>) -> Self {
        Self { table, keys, include: vec![], method: Method::Btree, predicate: None }
    }

    /// A plain ascending b-tree.
    #[must_use]
    pub fn on(table: TableId, columns: &[i16]) -> Self {
        Self::btree(table, columns.iter().copied().map(IndexKey::asc).collect())
    }

    /// An index like this one, with other columns.
    #[must_use]
    pub const fn with_columns(&self, keys: Vec<IndexKey>, include: Vec<i16>) -> Self {
        Self { table: self.table, keys, include, method: self.method, predicate: self.predicate }
    }

    /// Whether two indexes can be compared column by column: the same table, b-tree and condition.
    #[must_use]
    pub fn comparable(&self, other: &Self) -> bool {
        self.table == other.table
            && self.predicate == other.predicate
            && self.method == Method::Btree
            && other.method == Method::Btree
    }

    /// Whether this index does everything that `other` does because `other`'s keys are a leading
    /// part of this one's (same direction, or all reversed) and its INCLUDE columns are stored here.
    /// Other methods than the b-tree have no leading part: only the same index covers them.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        if !self.comparable(other) {
            return self == other;
        }
        if self.keys.len() < other.keys.len() {
            return false;
        }
        let same = self.keys.iter().zip(&other.keys).all(|(a, b)| a == b);
        let mirrored = self.keys.iter().zip(&other.keys).all(|(a, b)| a.reversed() == *b);
        (same || mirrored)
            && other.include.iter().all(|column| {
                self.include.contains(column) || self.keys.iter().any(|key| key.column == *column)
            })
    }

    /// Every column stored in the index, keys first.
    pub fn columns(&self) -> impl Iterator<Item = i16> + '_ {
        self.keys.iter().map(|key| key.column).chain(self.include.iter().copied())
    }

    /// Every attribute whose change changes the index: those stored, those that its expressions
    /// read and those of its condition; ascending.
    #[must_use]
    pub fn depends_on(&self, table: &Table) -> Vec<i16> {
        let mut found = Vec::new();
        for number in self.columns() {
            match table.column(number).and_then(|column| column.element.as_ref()) {
                Some(element) => found.extend(&element.reads),
                None => found.push(number),
            }
        }
        if let Some(predicate) = self.condition(table) {
            found.extend(&predicate.reads);
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The condition of a partial index.
    #[must_use]
    pub fn condition<'t>(&self, table: &'t Table) -> Option<&'t Predicate> {
        table.predicates.get(usize::from(self.predicate?))
    }

    /// Share of the table's rows that the index holds.
    #[must_use]
    pub fn share(&self, table: &Table) -> f64 {
        self.condition(table).map_or(1.0, |predicate| predicate.selectivity)
    }
}

/// What one query does with one occurrence of a table in one query level.
///
/// Made from the analyzed and rewritten tree: sub-selects, CTEs and views have been resolved to
/// the tables below them, columns are attribute numbers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TableUse {
    /// The table.
    pub table: TableId,
    /// Columns compared for equality with something that is constant for the scan: a literal, a
    /// parameter, `IN`, `IS NULL`, a bare boolean.
    pub equal: Vec<i16>,
    /// Columns compared with a range operator of the b-tree (`<`, `<=`, `>=`, `>`, BETWEEN, a
    /// prefix LIKE).
    pub range: Vec<i16>,
    /// Columns joined by equality with another table or an outer query level.
    pub join: Vec<i16>,
    /// Requested orders (ORDER BY, GROUP BY, DISTINCT, window) whose leading part is on this
    /// table alone.
    pub orders: Vec<Order>,
    /// Elements of other access methods than the b-tree that a comparison or an ORDER BY of the
    /// query can be answered with, each by an index of its own.
    pub searched: Vec<i16>,
    /// Conditions of the query that a partial index could have: positions in
    /// [`Table::predicates`].
    pub predicates: Vec<u16>,
    /// Every attribute that the query reads from this occurrence, ascending; includes the above.
    pub read: Vec<i16>,
    /// Whether a whole-row or system-column reference rules out an index-only scan.
    pub whole_row: bool,
    /// Estimated share of rows that pass all of the occurrence's own restrictions, 0 to 1.
    pub selectivity: f64,
}

/// A requested order.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// The keys.
    pub keys: Vec<IndexKey>,
    /// Whether direction and sequence are fixed (ORDER BY) or free (GROUP BY, DISTINCT).
    pub fixed: bool,
    /// Whether a LIMIT makes reading in this order pay more than the sort it saves.
    pub limited: bool,
}

/// What one statement does with the tables, beside the tree that the server keeps.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QueryShape {
    /// One entry per occurrence of a table.
    pub uses: Vec<TableUse>,
    /// The columns that the statement's UPDATE sets, by table.
    pub updated: Vec<(TableId, Vec<i16>)>,
    /// The tables that the statement deletes from.
    pub deleted: Vec<TableId>,
}
