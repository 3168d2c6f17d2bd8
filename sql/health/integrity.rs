//! Category `integrity`.

use super::threshold::threshold;
use super::{Check, Threshold, check};

/// In the order of the report.
pub(super) const CHECKS: &[Check] = &[
    check!(
        "integrity",
        "checksum_failure",
        ok: "no page was read with a wrong checksum",
        why: "The page is damaged, and others on the same disk may be"
    ),
    check!(
        "integrity",
        "collation_version",
        since 0 => "collation_version",
        since 150_000 => "collation_version_15",
        ok: "the library sorts as it did when the indexes were built",
        why: "An index in the wrong order does not find rows and lets duplicates in"
    ),
    check!(
        "integrity",
        "invalid_database",
        ok: "no database is half dropped",
        why: "What is left of it takes space and is a danger to transaction ids"
    ),
    check!(
        "integrity",
        "checksums_off",
        ok: "data checksums are on",
        why: "Damage stays unnoticed and gets into the backups"
    ),
];

/// Their limits.
pub(super) const THRESHOLDS: &[Threshold] = &[threshold!(
    "collation_version_most",
    Count(20),
    "Indexes of a collation above which the whole database is rebuilt."
)];
