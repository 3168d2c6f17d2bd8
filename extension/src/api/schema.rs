//! `mcp_schemas`, `mcp_objects` and `mcp_object`: what there is in the database.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{JsonB, default, name};

use crate::api::arguments::required;
use crate::objects;

/// The schemas of the database, the user's own first.
#[pg_extern(stable, parallel_restricted)]
#[allow(clippy::type_complexity, reason = "the SQL signature")]
fn mcp_schemas() -> Result<
    TableIterator<
        'static,
        (
            name!(schema_name, Option<String>),
            name!(owner, Option<String>),
            name!(schema_type, Option<String>),
            name!(tables, Option<i64>),
            name!(size_bytes, Option<i64>),
            name!(description, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let rows = objects::schemas()?.into_iter().map(|schema| {
        (
            schema.name,
            schema.owner,
            schema.kind,
            schema.tables,
            schema.size_bytes,
            schema.description,
        )
    });
    Ok(TableIterator::new(rows))
}

/// The objects of one kind in a schema, by name.
#[pg_extern(stable, parallel_restricted)]
#[allow(clippy::type_complexity, reason = "the SQL signature")]
fn mcp_objects(
    schema: Option<String>,
    kind: default!(Option<String>, "'table'"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(schema_name, Option<String>),
            name!(object_type, Option<String>),
            name!(name, Option<String>),
            name!(owner, Option<String>),
            name!(rows_estimate, Option<i64>),
            name!(size_bytes, Option<i64>),
            name!(details, Option<String>),
            name!(description, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let schema = required("schema", schema)?;
    let kind = required("kind", kind)?;
    let rows = objects::objects(&schema, &kind)?.into_iter().map(|object| {
        (
            object.schema,
            object.kind,
            object.name,
            object.owner,
            object.rows_estimate,
            object.size_bytes,
            object.details,
            object.description,
        )
    });
    Ok(TableIterator::new(rows))
}

/// One object with everything that the catalog knows of it.
#[pg_extern(stable, parallel_restricted)]
fn mcp_object(
    schema: Option<String>,
    name: Option<String>,
    kind: default!(Option<String>, "'table'"),
) -> Result<JsonB, ErrorReport> {
    let schema = required("schema", schema)?;
    let name = required("name", name)?;
    let kind = required("kind", kind)?;
    Ok(objects::object(&schema, &name, &kind)?)
}
