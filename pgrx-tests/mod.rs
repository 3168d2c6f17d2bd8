//! Tests that need a backend, one file a topic. Each function becomes a SQL function of the schema
//! `tests` and runs in a transaction of its own that is rolled back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
#![allow(missing_docs, reason = "tests")]

mod advise;
mod explain;
mod health;
mod machine;
mod opclasses;
mod progress;
mod schema;
mod shape;
mod statistics;
mod subtransactions;
mod top_queries;
mod trust;
mod whatif;
mod whatif_indexes;
mod writes;
