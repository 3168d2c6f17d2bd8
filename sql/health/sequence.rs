//! Category `sequence`.

use super::{Check, Threshold, check};

/// In the order of the report.
pub(super) const CHECKS: &[Check] = &[check!(
    "sequence",
    "sequence_exhaustion",
    ok: "no sequence is near its end",
    why: "At the end every insert that takes a value from it fails"
)];

/// Their limits.
pub(super) const THRESHOLDS: &[Threshold] = &[];
