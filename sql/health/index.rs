//! Category `index`.

use super::threshold::threshold;
use super::{Check, Threshold, check};

/// In the order of the report.
pub(super) const CHECKS: &[Check] = &[
    check!(
        "index",
        "invalid_index",
        ok: "no index is invalid",
        why: "An invalid index is paid for by every write and used by no query"
    ),
    check!(
        "index",
        "duplicate_index",
        ok: "no index does the same as another",
        why: "A second index of the same kind costs writes, cache and space and helps no query"
    ),
    check!(
        "index",
        "redundant_index",
        ok: "no index is the beginning of another",
        why: "The longer index serves the same queries, so the shorter one costs writes and space for nothing"
    ),
    check!(
        "index",
        "unused_index",
        ok: "no large index is unused",
        why: "An index that is never read still costs every write, and VACUUM"
    ),
    check!(
        "index",
        "index_bloat",
        ok: "no index is more than half empty",
        why: "Empty pages take cache and disk reads from those that hold something"
    ),
    check!(
        "index",
        "gin_pending_list",
        inside,
        ok: "no GIN index has a long list of entries that are not sorted in",
        why: "Every search of the index reads that list in full"
    ),
];

/// Their limits.
pub(super) const THRESHOLDS: &[Threshold] = &[
    threshold!(
        "unused_index_window",
        Seconds(2_592_000),
        "How long statistics must have been collected before an index is called unused."
    ),
    threshold!(
        "index_bloat_warning",
        Number(50.0),
        "Percents of an index that may be empty at its fill factor."
    ),
    threshold!(
        "index_bloat_critical",
        Number(80.0),
        "Percents of an index that may be empty at its fill factor."
    ),
    threshold!(
        "index_bloat_least",
        Kilobytes(10_240),
        "Empty space of an index below which it has no row of its own."
    ),
    threshold!(
        "index_bloat_critical_least",
        Kilobytes(1_048_576),
        "Empty space of an index below which it is never critical."
    ),
    threshold!(
        "index_bloat_small_least",
        Kilobytes(1024),
        "Empty space of all smaller indexes together below which they are not mentioned."
    ),
    threshold!(
        "gin_pending_list_info",
        Count(512),
        "Pages of a GIN index that may wait to be sorted in."
    ),
    threshold!(
        "gin_pending_list_warning",
        Count(4096),
        "Pages of a GIN index that may wait to be sorted in."
    ),
];
