//! What has to be known of the relations in a plan, and of the session, to judge it.

use serde::{Deserialize, Serialize};

/// What the findings go by beside the plan itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The relations in the plan.
    #[serde(default)]
    pub relations: Vec<Relation>,
    /// The session's `work_mem`, in kB.
    pub work_mem_kb: f64,
    /// By how much a hash table may go beyond it (`hash_mem_multiplier`).
    pub hash_mem_multiplier: f64,
}

/// A relation, as the catalog and the statistics have it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Relation {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Rows as of the last VACUUM or ANALYZE (`pg_class.reltuples`); negative when there was none.
    pub rows: f64,
    /// Rows changed since the last ANALYZE.
    pub modified: f64,
    /// Whether it was ever analyzed.
    pub analyzed: bool,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its valid indexes.
    pub indexes: Vec<Index>,
}

/// A column.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type as `format_type` prints it, without a modifier; of a domain the base type.
    #[serde(rename = "type")]
    pub type_name: String,
}

/// An index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// Its access method.
    pub method: String,
    /// Its keys as `pg_get_indexdef` prints them: names, or expressions.
    pub keys: Vec<String>,
}

impl Facts {
    /// What is known of a relation. Without a schema, the only one of that name.
    #[must_use]
    pub fn relation(&self, schema: Option<&str>, name: &str) -> Option<&Relation> {
        let mut found = self
            .relations
            .iter()
            .filter(|one| one.name == name && schema.is_none_or(|schema| schema == one.schema));
        let first = found.next();
        if found.next().is_some() { None } else { first }
    }
}

impl Relation {
    /// The first index that begins with the column.
    #[must_use]
    pub fn index_on(&self, column: &str) -> Option<&Index> {
        self.indexes.iter().find(|index| {
            index.keys.first().is_some_and(|key| key == column || *key == quoted(column))
        })
    }

    /// The type of a column.
    #[must_use]
    pub fn type_of(&self, column: &str) -> Option<&str> {
        let found = self.columns.iter().find(|one| one.name == column);
        found.map(|column| column.type_name.as_str())
    }

    /// As SQL writes it.
    #[must_use]
    pub fn sql_name(&self) -> String {
        format!("{}.{}", crate::ddl::quote_ident(&self.schema), quoted(&self.name))
    }
}

fn quoted(name: &str) -> String {
    crate::ddl::quote_ident(name)
}
