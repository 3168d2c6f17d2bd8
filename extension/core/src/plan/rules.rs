//! The rules: one function each, which says what it saw.

mod conditions;
mod memory;
mod rows;
mod scans;
mod statement;
mod time;

use super::finding::{Finding, Input};

/// All rules.
pub(super) const ALL: &[fn(&Input<'_>) -> Vec<Finding>] = &[
    rows::misestimates,
    rows::nested_loops,
    rows::stale_statistics,
    rows::never_executed,
    scans::wasteful,
    scans::index_filters,
    scans::repeated_sub_plans,
    memory::sorts,
    memory::hashes,
    memory::bitmaps,
    conditions::hidden_columns,
    conditions::wildcards,
    conditions::or_across_tables,
    statement::not_in,
    statement::offsets,
    time::workers,
    time::jit,
    time::triggers,
];
