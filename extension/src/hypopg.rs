//! Sizes as hypopg sees them, for `mcp_advisor.size_model = 'hypopg'`.

use advisor_core::ddl;
use advisor_core::model::{Catalog, IndexDef};
use advisor_core::pool::IndexSize;
use pgrx::pg_sys;

use crate::error::AdvisorError;
use crate::query;
use crate::sys;

/// hypopg in this database.
pub(crate) struct Hypopg {
    /// Its schema, quoted.
    schema: String,
}

impl Hypopg {
    /// Finds hypopg.
    ///
    /// # Errors
    /// [`AdvisorError::NoHypopg`] when it is not installed.
    pub(crate) fn find() -> Result<Self, AdvisorError> {
        extension_schema("hypopg")?.map(|schema| Self { schema }).ok_or(AdvisorError::NoHypopg)
    }

    /// Makes the hypothetical index, reads its size and takes it back: the user's own hypothetical
    /// indexes stay, and hypopg's limit of some 2,500 in a session does not matter.
    pub(crate) fn size(&self, catalog: &Catalog, def: &IndexDef) -> IndexSize {
        let bytes = sys::subtransaction(true, || self.ask(&ddl::create_index(catalog, def)));
        let bytes = bytes.ok().and_then(Result::ok).flatten().unwrap_or(0) as f64;
        // hypopg leaves the height unknown, so the planner charges no descent.
        IndexSize { pages: (bytes / 8192.0).max(1.0), tree_height: -1, bytes }
    }

    fn ask(&self, ddl: &str) -> Result<Option<i64>, pgrx::spi::SpiError> {
        let schema = &self.schema;
        let index: Option<pg_sys::Oid> = query::one(
            &format!("select indexrelid from {schema}.hypopg_create_index($1)"),
            &[ddl.replace(" CONCURRENTLY", "").into()],
        )?;
        let Some(index) = index else { return Ok(None) };
        let size =
            query::one(&format!("select {schema}.hypopg_relation_size($1)"), &[index.into()]);
        query::one::<bool>(&format!("select {schema}.hypopg_drop_index($1)"), &[index.into()])?;
        size
    }
}

/// The quoted schema of an extension in this database; `None` when it is not installed.
///
/// # Errors
/// What SPI says.
pub(crate) fn extension_schema(name: &str) -> Result<Option<String>, AdvisorError> {
    let schema = query::one(
        "select (select pg_catalog.quote_ident(n.nspname)
                 from pg_catalog.pg_extension as e
                 join pg_catalog.pg_namespace as n
                     on n.oid = e.extnamespace
                 where e.extname = $1)",
        &[name.into()],
    )?;
    Ok(schema)
}
