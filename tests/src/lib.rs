//! Scratch clusters and workloads for the end-to-end tests, the demo and the benchmark.
