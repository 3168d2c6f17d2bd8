//! Indexes that are given as text.

use advisor_core::model::{IndexDef, IndexKey};
use pgrx::PgSqlErrorCode;

use super::ServerCatalog;
use crate::elements;
use crate::sys::{self, KeyText, ServerError};

/// What else can be done where an index cannot be tried.
const HINT: &str = "Build the index on a copy of the database and look at the plans there.";
/// Why an expression in the text of an index is not looked at.
const NOT_C: &str = "indexes on expressions that call functions not written in C cannot be tried without being built";

impl ServerCatalog {
    /// An index that was given as text; [`Self::settle`] puts what it needs into the model.
    ///
    /// # Errors
    /// 0A000 for expressions that call anything but C code, which planning might run.
    pub(crate) fn definition(
        &mut self,
        id: usize,
        index: sys::IndexText,
    ) -> Result<IndexDef, ServerError> {
        let code = PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED;
        let refused = |message: &str| Err(ServerError::new(code, message).with_hint(HINT));
        let Some(table) = self.model.tables.get(id) else {
            return refused("there is no such table");
        };
        let elements = self.elements.get_mut();
        let mut keys = Vec::new();
        for key in index.keys {
            keys.push(match key {
                KeyText::Column(key) => key,
                KeyText::Element { element, of, order, dump } => {
                    if dump.is_some_and(|dump| !elements::is_harmless(&dump)) {
                        return refused(NOT_C);
                    }
                    match elements.number(id, element, of) {
                        Some(column) => IndexKey { column, ..order },
                        None => return refused("there are too many expressions on one table"),
                    }
                }
            });
        }
        let mut def =
            IndexDef { include: index.include, method: index.method, ..IndexDef::btree(id, keys) };
        if let Some(condition) = index.condition {
            if !elements::is_harmless(&condition.dump) {
                return refused(NOT_C);
            }
            def.predicate = elements.condition(id, table, condition);
            if def.predicate.is_none() {
                return refused("the condition of the index cannot be estimated");
            }
        }
        Ok(def)
    }
}
