//! Category `buffer`.

use super::{Check, Threshold, check};

/// In the order of the report.
pub(super) const CHECKS: &[Check] = &[check!(
    "buffer",
    "cache_hit_rate",
    ok: "nothing was read yet",
    why: "What is not in shared buffers is asked of the operating system or the disk"
)];

/// Their limits.
pub(super) const THRESHOLDS: &[Threshold] = &[];
