//! What did not fit into memory, and the memory that it needs.

use crate::plan::Node;
use crate::plan::finding::{Finding, Input, Kind, Severity, count, megabytes};

/// Bytes beside its columns that a row takes in a sort: `SortTuple` (tuplesort.c), header of a
/// minimal tuple, and of the chunk that it is allocated as.
const SORT_OVERHEAD: f64 = 24.0 + 16.0 + 16.0;
/// Bytes of a page in a bitmap: `PagetableEntry` and two pointers, as `tbm_calculate_entries`
/// (tidbitmap.c) reckons.
const BITMAP_ENTRY: f64 = 64.0;
/// Bytes beside its columns that a group takes in a hash table: header of a minimal tuple, chunks,
/// states of the aggregates and a place in the table, as `hash_agg_entry_size` (nodeAgg.c) reckons.
const GROUP_OVERHEAD: f64 = 16.0 + 3.0 * 16.0 + 2.0 * 16.0 + 64.0;
/// What is asked for beyond the need that was computed.
const RESERVE: f64 = 1.2;
/// Share of lossy pages that matters.
const LOSSY: f64 = 0.1;

/// Setting a whole session to more is seldom right: for the one statement it is.
fn work_mem(kilobytes: f64) -> String {
    format!(
        "SET LOCAL work_mem = '{}'; for this statement, or have it sort fewer and narrower rows.",
        megabytes(kilobytes)
    )
}

/// Sorts on disk.
pub(super) fn sorts(input: &Input<'_>) -> Vec<Finding> {
    let nodes = input.plan.nodes().into_iter();
    let found =
        nodes.filter(|node| node.text("Sort Space Type") == Some("Disk")).filter_map(|node| {
            let disk_kb = node.number_of("Sort Space Used")?;
            let rows = node.rows()?;
            let width = node.number_of("Plan Width").unwrap_or(0.0);
            let computed = rows * (width + SORT_OVERHEAD) / 1024.0;
            // On disk rows are packed more tightly, never less.
            let need = computed.max(disk_kb) * RESERVE;
            Some(
                Finding::new(Kind::SortOnDisk, Severity::Warning, node)
                    .says(format!(
                        "{} rows were sorted on disk, in {}; work_mem is {}",
                        count(rows),
                        megabytes(disk_kb),
                        megabytes(input.facts.work_mem_kb),
                    ))
                    .because("disk_kb", disk_kb)
                    .because("rows", rows)
                    .because("work_mem_kb", input.facts.work_mem_kb)
                    .because("needed_kb", need.ceil())
                    .do_this(work_mem(need)),
            )
        });
    found.collect()
}

/// What a hash table needs: batches of it that are in memory in turn.
fn hash_need(node: &Node) -> Option<(f64, f64)> {
    let peak = node.number_of("Peak Memory Usage")?;
    if let Some(batches) = node.number_of("Hash Batches").filter(|batches| *batches > 1.0) {
        return Some((peak * batches, batches));
    }
    let batches = node.number_of("HashAgg Batches").filter(|batches| *batches > 1.0)?;
    let width = node.number_of("Plan Width").unwrap_or(0.0);
    let computed = node.rows().unwrap_or(0.0) * (width + GROUP_OVERHEAD) / 1024.0;
    // On disk rows are packed more tightly than groups in memory.
    Some(((peak + node.number_of("Disk Usage").unwrap_or(0.0)).max(computed), batches))
}

/// Hash joins and aggregates in several batches.
pub(super) fn hashes(input: &Input<'_>) -> Vec<Finding> {
    let multiplier = input.facts.hash_mem_multiplier.max(1.0);
    let found = input.plan.nodes().into_iter().filter_map(|node| {
        let (need, batches) = hash_need(node)?;
        let setting = need / multiplier * RESERVE;
        Some(
            Finding::new(Kind::HashOnDisk, Severity::Warning, node)
                .says(format!(
                    "the hash table did not fit: {} batches, all but one of them by way of the disk",
                    count(batches)
                ))
                .because("batches", batches)
                .because("needed_kb", need.ceil())
                .because("work_mem_kb", input.facts.work_mem_kb)
                .because("hash_mem_multiplier", multiplier)
                .do_this(work_mem(setting)),
        )
    });
    found.collect()
}

/// Bitmaps that could only remember pages.
pub(super) fn bitmaps(input: &Input<'_>) -> Vec<Finding> {
    let found = input.plan.nodes().into_iter().filter_map(|node| {
        let lossy = node.number_of("Lossy Heap Blocks")?;
        let exact = node.number_of("Exact Heap Blocks").unwrap_or(0.0);
        (lossy > 0.0 && lossy >= LOSSY * (lossy + exact)).then(|| {
            let need = (lossy + exact) * BITMAP_ENTRY / 1024.0 * RESERVE;
            Finding::new(Kind::LossyBitmap, Severity::Warning, node)
                .says(format!(
                    "the bitmap did not fit into work_mem: of {} of {} pages all rows had to be checked",
                    count(lossy),
                    count(lossy + exact),
                ))
                .because("lossy_pages", lossy)
                .because("exact_pages", exact)
                .because("rows_rechecked", node.removed("Rows Removed by Index Recheck").unwrap_or(0.0))
                .because("needed_kb", need.ceil())
                .do_this(format!("SET LOCAL work_mem = '{}'; for this statement.", megabytes(need)))
        })
    });
    found.collect()
}
