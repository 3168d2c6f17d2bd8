//! Index advice without a database.
//!
//! This crate holds everything of the advisor that can be decided without a running server: the
//! model of tables, queries and indexes, the generation of candidates, the cost cache, the search
//! and the size model. It knows neither pgrx nor SQL execution, clock, randomness, environment or
//! I/O; the server side plugs in through [`whatif::Planner`].

#![forbid(unsafe_code)]

pub mod cache;
pub mod candidates;
pub mod compress;
pub mod correlated;
pub mod ddl;
pub mod draws;
pub mod findings;
pub mod index_set;
pub mod lookup;
pub mod model;
pub mod nodetree;
pub mod overview;
pub mod plan;
pub mod pool;
pub mod relate;
pub mod search;
pub mod shadow;
pub mod shape;
pub mod size;
pub mod sqltext;
pub mod statistics;
#[cfg(test)]
pub(crate) mod testing;
pub mod trust;
pub mod whatif;
pub mod writes;
