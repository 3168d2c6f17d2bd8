//! mcp_advisor: an index advisor inside PostgreSQL.

mod advisor;
mod api;
mod catalog;
mod doubts;
mod drops;
mod elements;
mod error;
mod explain;
mod guard;
mod health;
mod hypopg;
mod indexes;
mod large;
mod lookup;
mod memory;
mod objects;
mod opclasses;
mod overview;
mod planner;
mod progress;
mod proof;
mod query;
mod relate;
mod report;
mod sampling;
mod session;
mod settings;
mod shadow;
mod sizes;
mod statements;
mod statistics;
mod sys;
mod trust;
mod whatif;
mod wishes;
mod workload;
mod writes;

use pgrx::prelude::*;

::pgrx::pg_module_magic!(name, version);

/// Chains the planner hook and registers the settings.
#[pg_guard]
#[allow(non_snake_case, reason = "the name is the server's")]
pub extern "C-unwind" fn _PG_init() {
    settings::register();
    guard::install();
    sys::install_hooks();
}

pgrx::extension_sql_file!("../../sql/comments.sql", name = "comments", finalize);

/// What cargo-pgrx asks of an extension with `#[pg_test]`s.
#[cfg(test)]
pub mod pg_test {
    /// Nothing to set up.
    pub fn setup(_options: Vec<&str>) {}

    /// No settings beyond the defaults.
    #[must_use]
    pub fn postgresql_conf_options() -> Vec<&'static str> {
        vec![]
    }
}

#[cfg(any(test, feature = "pg_test"))]
#[path = "../../pgrx-tests/mod.rs"]
mod pgrx_tests;
