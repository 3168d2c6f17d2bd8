//! Category `table`.

use super::threshold::threshold;
use super::{Check, Threshold, check};

/// In the order of the report.
pub(super) const CHECKS: &[Check] = &[
    check!(
        "table",
        "missing_partition",
        ok: "tables partitioned by time have partitions for now and what comes",
        why: "A row without a partition is refused, and one in the default partition is in the way of its own"
    ),
    check!(
        "table",
        "default_partition",
        ok: "no default partition holds rows",
        why: "Rows in it are searched by queries for others, and keep their own partition from being added"
    ),
    check!(
        "table",
        "table_without_primary_key",
        ok: "tables have a primary key or a replica identity",
        why: "Logical replication has nothing to find the changed row by, so the statement is refused"
    ),
    check!(
        "table",
        "hot_updates",
        ok: "most updates leave the indexes alone",
        why: "An update that writes to each index costs writes, WAL and VACUUM"
    ),
    check!(
        "table",
        "sequential_scan",
        ok: "no large table is mostly read from end to end",
        why: "Reading all rows for a few costs time and cache"
    ),
    check!(
        "table",
        "toast_size",
        ok: "no table is dwarfed by its large values",
        why: "They are kept through each backup and VACUUM"
    ),
    check!(
        "table",
        "unlogged_table",
        ok: "no unlogged table holds rows",
        why: "Its rows are gone after a crash"
    ),
    check!(
        "table",
        "wide_table",
        ok: "no table has very many columns",
        why: "At 1600 columns, dropped ones included, no other can be added"
    ),
];

/// Their limits.
pub(super) const THRESHOLDS: &[Threshold] = &[
    threshold!(
        "missing_partition_ahead",
        Seconds(2_678_400),
        "How long before the last partition ends it is said; sooner where partitions are narrower."
    ),
    threshold!(
        "missing_partition_statements",
        Count(12),
        "How many CREATE TABLE statements are printed for a table, the latest ones."
    ),
    threshold!(
        "default_partition_rows",
        Count(1),
        "How many rows a default partition may not hold."
    ),
    threshold!(
        "table_without_primary_key_rows",
        Count(1000),
        "How many rows a table without a primary key must have to be reported."
    ),
    threshold!(
        "hot_updates_share",
        Number(50.0),
        "Percents of the updates that should leave the indexes alone."
    ),
    threshold!(
        "hot_updates_rows",
        Count(100_000),
        "How many updated rows a table must have before its share of HOT updates is judged."
    ),
    threshold!(
        "hot_updates_fillfactor",
        Count(90),
        "The fillfactor that is advised for room for HOT updates."
    ),
    threshold!(
        "sequential_scan_size",
        Kilobytes(10_240),
        "How large a table must be for sequential scans of it to be judged."
    ),
    threshold!(
        "sequential_scan_scans",
        Count(50),
        "How many sequential scans a table must have had to be reported."
    ),
    threshold!(
        "sequential_scan_share",
        Number(50.0),
        "Percents of the rows that a sequential scan must read on average to be reported."
    ),
    threshold!(
        "sequential_scan_index",
        Number(10.0),
        "How many index scans for each sequential scan excuse a table."
    ),
    threshold!(
        "toast_size_ratio",
        Number(10.0),
        "How many times the size of the rows the large values may have."
    ),
    threshold!(
        "toast_size_least",
        Kilobytes(1_048_576),
        "How much the large values of a table must take to be reported."
    ),
    threshold!("unlogged_table_rows", Count(1), "How many rows an unlogged table may not hold."),
    threshold!("wide_table_columns", Count(200), "How many columns a table may have."),
    threshold!(
        "wide_table_warning",
        Count(1400),
        "How many of its 1600 columns a table may have used, dropped ones included."
    ),
];
