//! The counters of a statement, by the version of `pg_stat_statements`.

use super::Version;

/// A counter, which only grows.
struct Counter {
    /// As the texts call it.
    name: &'static str,
    kind: &'static str,
    /// Expressions with the minor version of 1 from which each holds, the newest first.
    of: &'static [(u32, &'static str)],
}

const fn number(name: &'static str, of: &'static [(u32, &'static str)]) -> Counter {
    Counter { name, kind: "bigint", of }
}

const fn time(name: &'static str, of: &'static [(u32, &'static str)]) -> Counter {
    Counter { name, kind: "double precision", of }
}

/// The views of the versions are in its scripts: 1.8 came with PostgreSQL 13, 1.9 with 14, 1.10 with
/// 15 and 16, 1.11 with 17, 1.12 with 18. Until 1.10 the times of local blocks are in those of shared
/// ones.
const COUNTERS: [Counter; 30] = [
    number("calls", &[(8, "s.calls")]),
    number("plans", &[(8, "s.plans")]),
    time("planning_ms", &[(8, "s.total_plan_time")]),
    time("total_ms", &[(8, "s.total_exec_time")]),
    number("rows", &[(8, "s.rows")]),
    number("blocks_hit", &[(8, "s.shared_blks_hit")]),
    number("blocks_read", &[(8, "s.shared_blks_read")]),
    number("blocks_dirtied", &[(8, "s.shared_blks_dirtied")]),
    number("blocks_written", &[(8, "s.shared_blks_written")]),
    number("local_blocks_hit", &[(8, "s.local_blks_hit")]),
    number("local_blocks_read", &[(8, "s.local_blks_read")]),
    number("local_blocks_dirtied", &[(8, "s.local_blks_dirtied")]),
    number("local_blocks_written", &[(8, "s.local_blks_written")]),
    number("temp_blocks_read", &[(8, "s.temp_blks_read")]),
    number("temp_blocks_written", &[(8, "s.temp_blks_written")]),
    time(
        "io_read_ms",
        &[
            (11, "s.shared_blk_read_time + s.local_blk_read_time + s.temp_blk_read_time"),
            (10, "s.blk_read_time + s.temp_blk_read_time"),
            (8, "s.blk_read_time"),
        ],
    ),
    time(
        "io_write_ms",
        &[
            (11, "s.shared_blk_write_time + s.local_blk_write_time + s.temp_blk_write_time"),
            (10, "s.blk_write_time + s.temp_blk_write_time"),
            (8, "s.blk_write_time"),
        ],
    ),
    time("local_read_ms", &[(11, "s.local_blk_read_time")]),
    time("local_write_ms", &[(11, "s.local_blk_write_time")]),
    time("temp_read_ms", &[(10, "s.temp_blk_read_time")]),
    time("temp_write_ms", &[(10, "s.temp_blk_write_time")]),
    number("wal_records", &[(8, "s.wal_records")]),
    number("wal_full_pages", &[(8, "s.wal_fpi")]),
    Counter { name: "wal_bytes", kind: "numeric", of: &[(8, "s.wal_bytes")] },
    number("wal_buffers_full", &[(12, "s.wal_buffers_full")]),
    number("jit_functions", &[(10, "s.jit_functions")]),
    // Deforming is a part of generating.
    time(
        "jit_ms",
        &[(
            10,
            "s.jit_generation_time + s.jit_inlining_time + s.jit_optimization_time \
             + s.jit_emission_time",
        )],
    ),
    time("jit_deform_ms", &[(11, "s.jit_deform_time")]),
    number("workers_planned", &[(12, "s.parallel_workers_to_launch")]),
    number("workers_launched", &[(12, "s.parallel_workers_launched")]),
];

impl Counter {
    /// The expression of this version, if it counts this.
    fn of(&self, version: Version) -> Option<&'static str> {
        self.of.iter().find(|(minor, _)| version >= (1, *minor)).map(|(_, text)| *text)
    }
}

fn list(item: impl Fn(&Counter) -> String) -> String {
    COUNTERS.iter().map(item).collect::<Vec<_>>().join(",\n        ")
}

/// Each counter as this version has it, null where it does not.
pub(super) fn recorded(version: Version) -> String {
    list(|counter| match counter.of(version) {
        Some(text) => format!("{text} as {}", counter.name),
        None => format!("null::{} as {}", counter.kind, counter.name),
    })
}

/// Each counter, null for zero.
pub(super) fn nonzero(version: Version) -> String {
    list(|counter| match counter.of(version) {
        Some(text) => format!("nullif({text}, 0) as {}", counter.name),
        None => format!("null::{} as {}", counter.kind, counter.name),
    })
}

/// The names with their types.
pub(super) fn types() -> String {
    list(|counter| format!("{} {}", counter.name, counter.kind))
}

/// What was counted between `b`, where zero is null, and `r`.
pub(super) fn deltas() -> String {
    list(|Counter { name, .. }| format!("r.{name} - coalesce(b.{name}, 0) as {name}"))
}
