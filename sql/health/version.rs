//! Category `version`.

use super::threshold::threshold;
use super::{Check, Threshold, check};

/// In the order of the report.
pub(super) const CHECKS: &[Check] = &[
    check!(
        "version",
        "server_version",
        ok: "no later minor release of this version is known, and it is maintained",
        why: "What is found in it, security holes too, is no longer mended"
    ),
    check!(
        "version",
        "outdated_extension",
        ok: "every extension has the version that the server has",
        why: "The objects of an old version can lack fixes and fail with a newer library"
    ),
];

/// Their limits.
pub(super) const THRESHOLDS: &[Threshold] = &[threshold!(
    "server_version_notice",
    Seconds(15_552_000),
    "How long before the end of its maintenance a major version is reported."
)];
