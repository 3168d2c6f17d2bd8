//! How tables relate: what the catalog says goes to the core, which draws the conclusions.

mod load;
mod paths;

use advisor_core::relate::{Origin, Relationship, Table, Traits};
use pgrx::Spi;

use crate::error::AdvisorError;
use crate::{objects, query};

pub(crate) use load::Map;
pub(crate) use paths::paths;

/// A relationship as the API returns it.
#[derive(Default)]
pub(crate) struct RelationshipRow {
    pub(crate) kind: String,
    pub(crate) from_table: String,
    pub(crate) from_columns: Option<Vec<String>>,
    pub(crate) to_table: String,
    pub(crate) to_columns: Option<Vec<String>>,
    pub(crate) constraint_name: Option<String>,
    pub(crate) cardinality: Option<String>,
    pub(crate) optional: Option<bool>,
    pub(crate) indexed: Option<bool>,
    pub(crate) self_reference: Option<bool>,
    pub(crate) on_update: Option<String>,
    pub(crate) on_delete: Option<String>,
    pub(crate) deferrable: Option<String>,
    pub(crate) validated: Option<bool>,
    pub(crate) evidence: Option<String>,
}

/// All relationships, or those of one schema: foreign keys, conclusions, inheritance, partitions.
///
/// # Errors
/// [`AdvisorError::NoSchema`].
pub(crate) fn relationships(schema: Option<&str>) -> Result<Vec<RelationshipRow>, AdvisorError> {
    let _scope = query::own_scope();
    if let Some(schema) = schema {
        objects::require_schema(schema)?;
    }
    let map = Map::load()?;
    let in_schema = |position: usize| {
        schema.is_none_or(|name| map.tables.get(position).is_some_and(|t| t.schema == name))
    };
    let mut rows: Vec<RelationshipRow> = map
        .relationships
        .iter()
        .filter(|one| in_schema(one.from) || in_schema(one.to))
        .filter_map(|one| row(one, &map.tables))
        .collect();
    Spi::connect(|client| {
        for row in client.select(advisor_sql::map::INHERITANCE, None, &[schema.into()])? {
            rows.push(RelationshipRow {
                kind: row.get(1)?.unwrap_or_default(),
                from_table: row.get(2)?.unwrap_or_default(),
                to_table: row.get(3)?.unwrap_or_default(),
                ..RelationshipRow::default()
            });
        }
        Ok(rows)
    })
}

fn row(one: &Relationship, tables: &[Table]) -> Option<RelationshipRow> {
    let (from, to) = (tables.get(one.from)?, tables.get(one.to)?);
    let traits = Traits::of(one, tables);
    let cardinality = if traits.one_to_one { "one-to-one" } else { "many-to-one" };
    let mut row = RelationshipRow {
        from_table: from.quoted(),
        from_columns: Some(from.names(&one.from_columns)),
        to_table: to.quoted(),
        to_columns: Some(to.names(&one.to_columns)),
        cardinality: Some(cardinality.to_owned()),
        optional: Some(traits.optional),
        indexed: Some(traits.indexed),
        self_reference: Some(one.from == one.to),
        ..RelationshipRow::default()
    };
    match &one.origin {
        Origin::Declared(key) => {
            row.kind = "foreign key".to_owned();
            row.constraint_name = Some(key.name.clone());
            row.on_update = Some(key.on_update.clone());
            row.on_delete = Some(key.on_delete.clone());
            row.deferrable = Some(key.deferrable.clone());
            row.validated = Some(key.validated);
        }
        Origin::Inferred(evidence) => {
            row.kind = "inferred".to_owned();
            row.evidence = Some(evidence.clone());
        }
    }
    Some(row)
}
