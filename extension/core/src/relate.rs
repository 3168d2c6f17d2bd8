//! How tables relate: foreign keys, what looks like one without being declared, and the paths of
//! joins along both.

pub mod infer;
pub mod path;
pub mod render;
pub mod words;

use crate::ddl::quote_ident;

/// A table, partitioned or foreign table. Partitions are not: they are their parent's.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// Its oid.
    pub oid: u32,
    /// Its schema, without quotes.
    pub schema: String,
    /// Its name, without quotes.
    pub name: String,
    /// Rows, of all partitions; none when never counted.
    pub rows: Option<f64>,
    /// Whether it is a partitioned table.
    pub partitioned: bool,
    /// Whether it is a partition, which has a foreign key of its own: then it is a table here.
    pub partition: bool,
    /// Columns in order, without dropped ones.
    pub columns: Vec<Column>,
    /// Valid indexes on the whole table.
    pub indexes: Vec<Index>,
}

impl Table {
    /// The qualified name, quoted where needed.
    #[must_use]
    pub fn quoted(&self) -> String {
        format!("{}.{}", quote_ident(&self.schema), quote_ident(&self.name))
    }

    /// The column with this number.
    #[must_use]
    pub fn column(&self, number: i16) -> Option<&Column> {
        self.columns.iter().find(|column| column.number == number)
    }

    /// The names of columns, without quotes; a number that is none is left out.
    #[must_use]
    pub fn names(&self, numbers: &[i16]) -> Vec<String> {
        numbers.iter().filter_map(|&n| self.column(n)).map(|column| column.name.clone()).collect()
    }

    /// Whether no two rows have the same values in these columns: a unique index has no other.
    #[must_use]
    pub fn is_unique(&self, columns: &[i16]) -> bool {
        self.indexes.iter().any(|index| {
            index.unique && index.columns.iter().all(|column| columns.contains(column))
        })
    }

    /// Whether an index begins with these columns, in any order.
    #[must_use]
    pub fn is_indexed(&self, columns: &[i16]) -> bool {
        self.indexes.iter().any(|index| {
            let first = index.columns.get(..columns.len()).unwrap_or_default();
            first.len() == columns.len() && columns.iter().all(|column| first.contains(column))
        })
    }
}

/// A column.
#[derive(Debug, Clone, Default)]
pub struct Column {
    /// Its number.
    pub number: i16,
    /// Its name, without quotes.
    pub name: String,
    /// The oid of its type, or of what a domain is over.
    pub type_oid: u32,
    /// The type's name.
    pub type_name: String,
    /// Whether it is NOT NULL.
    pub not_null: bool,
    /// Whether its values are made here: an identity, a sequence as default, or generated.
    pub makes_values: bool,
    /// Whether it is only there because a parent table has it.
    pub inherited: bool,
}

/// An index that is valid and has no predicate.
#[derive(Debug, Clone, Default)]
pub struct Index {
    /// Its key columns; 0 for an expression.
    pub columns: Vec<i16>,
    /// Whether it is unique, by plain columns, checked at once.
    pub unique: bool,
    /// Whether it is the primary key.
    pub primary: bool,
}

/// What is known of a relationship besides its ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A foreign key.
    Declared(ForeignKey),
    /// No constraint says so; the evidence, for people.
    Inferred(String),
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// The constraint's name, without quotes.
    pub name: String,
    /// What a change of the referenced key does, as in SQL.
    pub on_update: String,
    /// What a delete of the referenced row does, as in SQL.
    pub on_delete: String,
    /// `not deferrable`, `initially immediate` or `initially deferred`.
    pub deferrable: String,
    /// Whether all rows were checked.
    pub validated: bool,
}

/// The rows of one table that refer to rows of another.
#[derive(Debug, Clone)]
pub struct Relationship {
    /// The referencing table, as a position in the list of tables.
    pub from: usize,
    /// Its columns, in the order of the constraint.
    pub from_columns: Vec<i16>,
    /// The referenced table.
    pub to: usize,
    /// Its columns, one for each of the others.
    pub to_columns: Vec<i16>,
    /// A constraint or a conclusion.
    pub origin: Origin,
}

impl Relationship {
    /// Whether it is a foreign key.
    #[must_use]
    pub fn is_declared(&self) -> bool {
        matches!(self.origin, Origin::Declared(_))
    }
}

/// A relationship with the properties that follow from its tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traits {
    /// Whether at most one row refers to each: one-to-one instead of many-to-one.
    pub one_to_one: bool,
    /// Whether a row may refer to none.
    pub optional: bool,
    /// Whether an index begins with the referencing columns.
    pub indexed: bool,
}

impl Traits {
    /// The properties of a relationship between these tables.
    #[must_use]
    pub fn of(relationship: &Relationship, tables: &[Table]) -> Self {
        let Some(from) = tables.get(relationship.from) else {
            return Self { one_to_one: false, optional: true, indexed: false };
        };
        let columns = &relationship.from_columns;
        let not_null = |number: &i16| from.column(*number).is_some_and(|column| column.not_null);
        Self {
            one_to_one: from.is_unique(columns),
            optional: !columns.iter().all(not_null),
            indexed: from.is_indexed(columns),
        }
    }
}

/// Whether a table does nothing but connect others: each column of its key refers to another
/// table, and at least two tables are referred to.
#[must_use]
pub fn is_junction(table: usize, tables: &[Table], relationships: &[&Relationship]) -> bool {
    let outward = || relationships.iter().filter(|r| r.from == table && r.to != table);
    let Some(first) = outward().next() else { return false };
    let distinct = outward().any(|r| r.to != first.to || r.from_columns != first.from_columns);
    let refers = |column: &i16| outward().any(|r| r.from_columns.contains(column));
    let keyed = tables.get(table).is_some_and(|table| {
        table.indexes.iter().any(|index| {
            index.unique && index.columns.len() > 1 && index.columns.iter().all(refers)
        })
    });
    // A surrogate key instead, and nothing else but two references.
    let bare = tables.get(table).is_some_and(|table| {
        table.columns.iter().filter(|column| !refers(&column.number)).count() <= 1
    });
    distinct && (keyed || bare)
}
