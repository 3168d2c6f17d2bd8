//! Scratch clusters, workloads and the bridge for the end-to-end tests, the demo and the benchmark.

pub mod attacks;
pub mod bench;
pub mod bridge;
pub mod cluster;
pub mod demo;
pub mod guard_corpus;
pub mod large;
pub mod measure;
pub mod pg_tests;
pub mod program;
pub mod psql;
pub mod report;
pub mod robust;
pub mod tpch;
pub mod workloads;

/// The text of EXPLAIN with whole numbers of rows, as before PostgreSQL 18, which has hundredths.
#[must_use]
pub fn whole_rows(text: &str) -> String {
    text.replace(".00 loops=", " loops=")
}
