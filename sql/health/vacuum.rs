//! Category `vacuum`.

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
];

/// Their limits.
pub(super) const THRESHOLDS: &[Threshold] = &[];
