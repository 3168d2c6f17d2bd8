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
        "invalid_partitioned_index",
        ok: "no partitioned index lacks partitions",
        why: "A partition without the index is read whole where the others are not"
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
        "foreign_key_without_index",
        ok: "every foreign key of a large table has an index",
        why: "A delete or a change of a key in the referenced table reads the whole referencing table, once for each row, and locks what it finds for as long"
    ),
    check!(
        "index",
        "missing_index",
        inside,
        ok: "no index would help the recorded statements much",
        why: "The statements that it would serve read what they do not need, each time they run"
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
        "redundant_index_ratio",
        Number(3.0),
        "How many times larger the other index must be for a redundant one to be for information only."
    ),
    threshold!(
        "redundant_index_tolerance",
        Number(1.0),
        "By how many percent a statement may get dearer without an index that is called redundant."
    ),
    threshold!(
        "redundant_index_statements",
        Count(300),
        "How many recorded statements are planned without redundant indexes, dearest first."
    ),
    threshold!(
        "redundant_index_time",
        Seconds(1),
        "How long statements are planned without redundant indexes."
    ),
    threshold!(
        "unused_index_window",
        Seconds(2_592_000),
        "How long statistics must have been collected before an index is called unused."
    ),
    threshold!("unused_index_least", Kilobytes(1024), "Smaller indexes are not called unused."),
    threshold!(
        "unused_index_warning",
        Kilobytes(102_400),
        "From which size an unused index of a table that is written is a warning."
    ),
    threshold!(
        "foreign_key_without_index_warning",
        Count(100_000),
        "From how many referencing rows a foreign key without an index is a warning."
    ),
    threshold!(
        "foreign_key_without_index_least",
        Count(10_000),
        "Foreign keys of fewer referencing rows need no index."
    ),
    threshold!(
        "missing_index_least",
        Number(10.0),
        "Percent of the recorded statements' cost that an index must save to be missing."
    ),
    threshold!(
        "missing_index_warning",
        Number(20.0),
        "Percent of the recorded statements' cost from which a missing index is a warning."
    ),
    threshold!(
        "missing_index_saved",
        Seconds(1),
        "How much of the recorded statements' time an index must save to be missing."
    ),
    threshold!("missing_index_time", Seconds(1), "How long missing indexes are looked for."),
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
