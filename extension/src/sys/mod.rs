//! The only place that touches the server's C interface.
//!
//! Each module wraps one mechanism behind a safe interface: sub-transactions, the role and
//! settings a statement runs under, parsing and analysis, planning with hypothetical indexes,
//! catalog look-ups, statistics. Nothing of `pg_sys` but plain numbers leaves this module.
//!
//! Error path: every server call made through pgrx turns an `ereport(ERROR)` into a Rust panic
//! that unwinds, so guards with `Drop` run; [`subtransaction`] is where such a panic is caught and
//! becomes a value.
#![allow(unsafe_code)]

mod analyze;
mod arena;
mod contents;
mod create_index;
mod deparse;
mod disk;
mod element;
mod explain;
mod extended_statistics;
mod facts;
pub(crate) mod guard;
mod hook;
mod hypothetical;
mod meter;
mod object_ddl;
mod opclass;
mod pages;
mod pages_btree;
mod pages_heap;
mod pages_sequence;
mod params;
mod passing;
mod perturb;
mod pg_compat;
mod pg_statistics;
mod plan;
mod position;
mod regclass;
mod scope;
mod second;
mod shadow;
mod statistics;
mod statistics_found;
mod statistics_row;
mod stats_hook;
mod stored_statistics;
mod subxact;
mod text;
mod time_limit;
mod wait;

pub(crate) use analyze::{Statement, analyze};
pub(crate) use arena::Arena;
pub(crate) use contents::{Contents, Sampled, maintenance_memory, read_contents};
pub(crate) use create_index::{ConditionText, IndexText, KeyText, read_index};
pub(crate) use disk::free_bytes;
pub(crate) use element::{
    ValueType, attribute_type, condition_of, condition_text, element_text, is_trusted_function,
    operator_function,
};
pub(crate) use explain::{Explained, Format, How, explain};
pub(crate) use extended_statistics::{CommonItem, ExtendedContent, write_extended};
pub(crate) use facts::*;
pub(crate) use hook::install as install_hooks;
pub(crate) use hypothetical::{Hypotheticals, IndexSpec, KeySpec};
pub(crate) use meter::Meter;
pub(crate) use object_ddl::check_object;
pub(crate) use opclass::{
    commutator, default_class, is_pattern_family, left_type, takes_type, type_name,
};
pub(crate) use pages::{Bloat, PAGE_BYTES};
pub(crate) use pages_btree::{gin_pending_pages, index_bloat};
pub(crate) use pages_heap::table_bloat;
pub(crate) use pages_sequence::sequence_last_value;
pub(crate) use params::{Binding, Pick, Source, StatsValues, bind, bind_given};
pub(crate) use perturb::{Perturbation, perturbed};
pub(crate) use pg_compat::VERSION;
pub(crate) use plan::{Change, Index, InnerScan, Planned, Written, check_permissions, plan};
pub(crate) use position::point_at;
pub(crate) use regclass::Regclass;
pub(crate) use scope::{SessionScope, set_role};
pub(crate) use shadow::{
    GinCounts, btree_height, gin_counts, is_superuser, next_command, owns_database,
    require_writable, set_extent, set_gin_counts,
};
pub(crate) use statistics::{Figures, Statistics};
pub(crate) use stored_statistics::{Content, write as write_statistics};
pub(crate) use subxact::{ServerError, subtransaction};
pub(crate) use text::{Text, owned as owned_texts};
pub(crate) use time_limit::subtransaction_within;
pub(crate) use wait::wait;
