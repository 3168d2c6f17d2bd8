//! Category `buffer`.

use super::threshold::threshold;
use super::{Check, Threshold, check};

/// In the order of the report.
pub(super) const CHECKS: &[Check] = &[
    check!(
        "buffer",
        "cache_hit_rate",
        ok: "nothing was read yet",
        why: "What is not in shared buffers is asked of the operating system or the disk"
    ),
    check!(
        "buffer",
        "io",
        since 160_000 => "io",
        ok: "nothing was read or written yet",
        why: "A session that reads, writes or flushes itself waits for the disk"
    ),
    check!(
        "buffer",
        "checkpoints",
        since 0 => "checkpoints",
        since 170_000 => "checkpoints_17",
        ok: "most checkpoints come by time, or there were few",
        why: "Frequent checkpoints write the same pages again and again, and make WAL grow"
    ),
    check!(
        "buffer",
        "background_writer",
        since 0 => "background_writer",
        since 170_000 => "background_writer_17",
        ok: "the background writer keeps up",
        why: "A session that writes or flushes pages itself waits for the disk"
    ),
];

/// Their limits.
pub(super) const THRESHOLDS: &[Threshold] = &[
    threshold!(
        "cache_hit_rate_info",
        Number(90.0),
        "Percents of block requests that shared buffers should answer."
    ),
    threshold!(
        "cache_hit_rate_warning",
        Number(80.0),
        "Percents of block requests that shared buffers should answer."
    ),
    threshold!(
        "cache_hit_rate_least",
        Count(20_000),
        "Block requests from which on a hit rate is judged."
    ),
    threshold!(
        "cache_hit_rate_share",
        Number(10.0),
        "Percents of all misses from which on a relation is named."
    ),
    threshold!("cache_hit_rate_relations", Count(5), "Relations that are named at most."),
    threshold!(
        "io_hit_rate_info",
        Number(90.0),
        "Percents of block requests of the whole server that shared buffers should answer."
    ),
    threshold!(
        "io_hit_rate_warning",
        Number(80.0),
        "Percents of block requests of the whole server that shared buffers should answer."
    ),
    threshold!(
        "io_backend_info",
        Number(50.0),
        "Percents of written pages that sessions may write themselves."
    ),
    threshold!(
        "io_fsync_warning",
        Count(1),
        "From how many flushes of files by sessions themselves on it is a fault."
    ),
    threshold!("io_least", Count(20_000), "Blocks from which on a share is judged."),
    threshold!(
        "checkpoints_info",
        Number(50.0),
        "Percents of checkpoints that may be asked for instead of coming by time."
    ),
    threshold!("checkpoints_least", Count(10), "Checkpoints from which on they are judged."),
    threshold!(
        "background_writer_fsync_warning",
        Count(1),
        "From how many flushes of files by sessions themselves on it is a fault."
    ),
    threshold!(
        "background_writer_stopped_info",
        Number(50.0),
        "Percents of its pages that the background writer may write in rounds that it had to stop."
    ),
    threshold!(
        "background_writer_backend_info",
        Number(75.0),
        "Percents of written pages that sessions may write themselves, up to PostgreSQL 16."
    ),
    threshold!(
        "background_writer_least",
        Count(100_000),
        "Pages from which on the background writer is judged."
    ),
];
