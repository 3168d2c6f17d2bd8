//! Category `version`.

use super::{Check, Threshold};

/// In the order of the report.
pub(super) const CHECKS: &[Check] = &[];

/// Their limits.
pub(super) const THRESHOLDS: &[Threshold] = &[];
