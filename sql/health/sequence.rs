//! Category `sequence`.

use super::threshold::threshold;
use super::{Check, Threshold, check};

/// In the order of the report.
pub(super) const CHECKS: &[Check] = &[check!(
    "sequence",
    "sequence_exhaustion",
    ok: "no sequence is near its end",
    why: "At the end every insert that takes a value from it fails"
)];

/// Their limits.
pub(super) const THRESHOLDS: &[Threshold] = &[
    threshold!(
        "sequence_exhaustion_warning",
        Number(75.0),
        "Percents of a sequence's range that may be used."
    ),
    threshold!(
        "sequence_exhaustion_critical",
        Number(90.0),
        "Percents of a sequence's range that may be used."
    ),
    threshold!(
        "sequence_exhaustion_days",
        Number(30.0),
        "Days that a sequence must last at the present rate."
    ),
    threshold!(
        "sequence_exhaustion_window",
        Seconds(86_400),
        "How long rows must have been counted before a rate is known."
    ),
];
