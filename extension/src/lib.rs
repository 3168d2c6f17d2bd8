//! mcp_advisor: an index advisor inside PostgreSQL.

mod sys;

use pgrx::prelude::*;

::pgrx::pg_module_magic!(name, version);

/// Chains the planner hook and registers the settings.
#[pg_guard]
#[allow(non_snake_case, reason = "the name is the server's")]
pub extern "C-unwind" fn _PG_init() {
    sys::install_hooks();
}
