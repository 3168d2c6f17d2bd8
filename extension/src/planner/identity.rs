//! As whom statements are planned.

use crate::sys::{self, SessionScope};

/// The search path of the advisor's own queries: nothing that a user made comes first.
pub(crate) const OWN_PATH: &str = "pg_catalog, pg_temp";

/// The role and search path in force, so that they are switched only when they change.
#[derive(Default)]
pub(crate) struct Identity {
    role: Option<u32>,
    search_path: Option<String>,
}

impl Identity {
    /// Acts as `role` with `search_path`; an empty path leaves the one in force.
    pub(crate) fn adopt(&mut self, scope: &SessionScope, role: u32, search_path: &str) {
        if self.role != Some(role) {
            sys::set_role(scope, role);
            self.role = Some(role);
        }
        if !search_path.is_empty() && self.search_path.as_deref() != Some(search_path) {
            scope.set("search_path", search_path);
            self.search_path = Some(search_path.to_owned());
        }
    }
}
