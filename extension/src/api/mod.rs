//! The SQL surface: the only place with `#[pg_extern]`, one file a family.

mod advise;
mod arguments;
mod benchmark;
mod bloat;
mod drops;
mod explain;
mod guard;
mod health;
mod memory;
mod overview;
mod relate;
mod running_queries;
mod schema;
mod shadow;
mod statistics;
mod top_queries;
mod whatif;
