//! Memory of the backend over 100,000 what-if calls.

use anyhow::Result;
use postgres::Client;

use super::backend::Memory;
use super::databases::Database;
use super::{Bench, tpch_queries};
use crate::program::Table;

/// Calls after the warm-up.
const CALLS: i64 = 100_000;

/// The calls are made in this many function calls: memory may leak within one or over many.
const BATCHES: i64 = 5;

/// Candidates of a statement; sets of 0, 1, 2, 4 and 8 of them are offered.
const CANDIDATES: i32 = 8;

/// Growth that is noise: of the allocator, and of shared buffers that are touched for the first
/// time. A leak of 10 bytes a call would be more.
const TOLERANCE: i64 = 1 << 20;

/// The allocator keeps some 4 MB now and then and gives them back: over 400,000 calls the private
/// memory went up and down between 9.3 and 13.6 MB, without a trend. So a single reading proves
/// less than the peak and the contexts do.
const ALLOCATOR_TOLERANCE: i64 = 8 << 20;

pub(super) fn measure(bench: &mut Bench<'_>) -> Result<()> {
    let mut client = bench.databases.connect(Database::Keys)?;
    bench.progress.part("Memory of the backend over 100,000 what-if calls, 22 queries of TPC-H");
    let queries = tpch_queries();
    // Twice: the second run finds all caches of the catalogue filled, and tells the calls a repeat.
    calls(&mut client, &queries, 2)?;
    let calls_per_repeat = calls(&mut client, &queries, 10)? / 10;
    let repeats = i32::try_from(CALLS / BATCHES / calls_per_repeat + 1)?;
    let mut table = Table::new(&["calls", "VmHWM", "VmRSS", "RssAnon", "memory contexts"]);
    let before = Memory::read(&mut client)?;
    let mut after = before;
    let mut made = 0;
    table.row(&row(made, &before));
    for _ in 0..BATCHES {
        made += calls(&mut client, &queries, repeats)?;
        after = Memory::read(&mut client)?;
        table.row(&row(made, &after));
    }
    super::print(&table);
    for (what, before, after, limit) in [
        ("peak memory over 100,000 calls", before.peak, after.peak, TOLERANCE),
        ("- memory contexts", before.contexts, after.contexts, TOLERANCE),
        // A peak of the warm-up would hide growth below it; what is held at the end does not.
        ("- private memory", before.private, after.private, ALLOCATOR_TOLERANCE),
    ] {
        let growth = i64::try_from(after)? - i64::try_from(before)?;
        let target = format!("grows < {} kB", limit / 1024);
        bench.verdicts.add(what, &target, &format!("{:+} kB", growth / 1024), growth < limit);
    }
    Ok(())
}

/// Calls the planner; how often.
fn calls(client: &mut Client, queries: &[String], repeats: i32) -> Result<i64> {
    let sql = "select sum(calls)::bigint from mcp_whatif_benchmark($1, $2, $3)";
    Ok(client.query_one(sql, &[&queries, &CANDIDATES, &repeats])?.try_get(0)?)
}

fn row(calls: i64, memory: &Memory) -> [String; 5] {
    let kilobytes = |bytes: u64| format!("{} kB", bytes / 1024);
    [
        calls.to_string(),
        kilobytes(memory.peak),
        kilobytes(memory.resident),
        kilobytes(memory.private),
        kilobytes(memory.contexts),
    ]
}
