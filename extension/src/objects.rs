//! The schemas of the database and what is in them, by the SQL texts that the bridge shares.

use advisor_sql::schema;
use pgrx::{JsonB, Spi};

use crate::error::AdvisorError;
use crate::query;

/// A schema. See `sql/schema/schemas.sql`.
pub(crate) struct SchemaRow {
    pub(crate) name: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) tables: Option<i64>,
    pub(crate) size_bytes: Option<i64>,
    pub(crate) description: Option<String>,
}

/// An object in a list. See `sql/schema/objects.sql`.
pub(crate) struct ObjectRow {
    pub(crate) schema: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) rows_estimate: Option<i64>,
    pub(crate) size_bytes: Option<i64>,
    pub(crate) details: Option<String>,
    pub(crate) description: Option<String>,
}

/// The schemas, the user's own first.
///
/// # Errors
/// What SPI says.
pub(crate) fn schemas() -> Result<Vec<SchemaRow>, AdvisorError> {
    let _scope = query::own_scope();
    Spi::connect(|client| {
        let mut schemas = Vec::new();
        for row in client.select(schema::SCHEMAS, None, &[])? {
            schemas.push(SchemaRow {
                name: row.get(1)?,
                owner: row.get(2)?,
                kind: row.get(3)?,
                tables: row.get(4)?,
                size_bytes: row.get(5)?,
                description: row.get(6)?,
            });
        }
        Ok(schemas)
    })
}

/// The objects of one kind in a schema, by name.
///
/// # Errors
/// [`AdvisorError::NoSchema`] and [`AdvisorError::NoSuchValue`].
pub(crate) fn objects(schema: &str, kind: &str) -> Result<Vec<ObjectRow>, AdvisorError> {
    let kind = known_kind(kind)?;
    let _scope = query::own_scope();
    // Extensions are not in schemas.
    if kind != "extension" {
        require_schema(schema)?;
    }
    Spi::connect(|client| {
        let mut objects = Vec::new();
        for row in client.select(schema::OBJECTS, None, &[schema.into(), kind.into()])? {
            objects.push(ObjectRow {
                schema: row.get(1)?,
                kind: row.get(2)?,
                name: row.get(3)?,
                owner: row.get(4)?,
                rows_estimate: row.get(5)?,
                size_bytes: row.get(6)?,
                details: row.get(7)?,
                description: row.get(8)?,
            });
        }
        Ok(objects)
    })
}

/// One object, described.
///
/// # Errors
/// [`AdvisorError::NoSchema`], [`AdvisorError::NoObject`] and [`AdvisorError::NoSuchValue`].
pub(crate) fn object(schema: &str, name: &str, kind: &str) -> Result<JsonB, AdvisorError> {
    let kind = known_kind(kind)?;
    let text = schema::object(kind).ok_or_else(|| no_such_kind(kind))?;
    let _scope = query::own_scope();
    let found = query::one(text, &[schema.into(), name.into(), kind.into()])?;
    if let Some(object) = found {
        return Ok(object);
    }
    if kind != "extension" {
        require_schema(schema)?;
    }
    let similar = query::texts(schema::SIMILAR_OBJECTS, &[schema.into(), name.into()])?;
    Err(AdvisorError::NoObject {
        kind,
        schema: schema.to_owned(),
        name: name.to_owned(),
        hint: schema::object_hint(&similar),
    })
}

fn known_kind(kind: &str) -> Result<&'static str, AdvisorError> {
    schema::KINDS.into_iter().find(|one| *one == kind).ok_or_else(|| no_such_kind(kind))
}

fn no_such_kind(kind: &str) -> AdvisorError {
    AdvisorError::NoSuchValue {
        argument: "kind",
        given: kind.to_owned(),
        values: schema::KINDS.to_vec(),
    }
}

/// # Errors
/// [`AdvisorError::NoSchema`] when there is no schema of this name.
pub(crate) fn require_schema(name: &str) -> Result<(), AdvisorError> {
    let exists: Option<bool> = query::one(
        "select exists (select from pg_catalog.pg_namespace as n where n.nspname = $1)",
        &[name.into()],
    )?;
    if exists == Some(true) {
        return Ok(());
    }
    let near = query::texts(schema::NEAR_SCHEMAS, &[name.into()])?;
    Err(AdvisorError::NoSchema { name: name.to_owned(), hint: schema::schema_hint(&near) })
}
