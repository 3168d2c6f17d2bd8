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
        ok: "no large index is more than half empty",
        why: "Empty pages take cache and disk reads from those that hold something"
    ),
];

/// Their limits.
pub(super) const THRESHOLDS: &[Threshold] = &[threshold!(
    "unused_index_window",
    Seconds(2_592_000),
    "How long statistics must have been collected before an index is called unused."
)];
