//! Category `constraint`.

use super::{Check, Threshold, check};

/// In the order of the report.
pub(super) const CHECKS: &[Check] = &[check!(
    "constraint",
    "not_valid_constraint",
    ok: "every constraint is validated",
    why: "Rows that break it may be there, and the planner cannot rely on it"
)];

/// Their limits.
pub(super) const THRESHOLDS: &[Threshold] = &[];
