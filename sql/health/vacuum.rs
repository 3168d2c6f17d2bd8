//! Category `vacuum`.

use super::threshold::threshold;
use super::{Check, Threshold, check};

/// In the order of the report.
pub(super) const CHECKS: &[Check] = &[
    check!(
        "vacuum",
        "database_age",
        ok: "no database is near wraparound",
        why: "At the end of the transaction ids the server refuses to write"
    ),
    check!(
        "vacuum",
        "table_age",
        ok: "no table is long overdue for freezing",
        why: "The oldest table decides how far the database is from wraparound"
    ),
    check!(
        "vacuum",
        "table_bloat",
        ok: "no table is more than half empty",
        why: "Every scan reads the empty pages too, and they take cache and disk"
    ),
];

/// Their limits.
pub(super) const THRESHOLDS: &[Threshold] = &[
    threshold!(
        "table_bloat_warning",
        Number(50.0),
        "Percents of a table that may hold no live row at its fill factor."
    ),
    threshold!(
        "table_bloat_critical",
        Number(80.0),
        "Percents of a table that may hold no live row at its fill factor."
    ),
    threshold!(
        "table_bloat_least",
        Kilobytes(10_240),
        "Empty space of a table below which it is not mentioned."
    ),
    threshold!(
        "table_bloat_critical_least",
        Kilobytes(1_048_576),
        "Empty space of a table below which it is never critical."
    ),
    threshold!(
        "table_bloat_dead",
        Number(10.0),
        "Percents of dead rows from which on VACUUM is advised before a rewrite."
    ),
];
