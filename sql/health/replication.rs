//! Category `replication`.

use super::{Check, Threshold, check};

/// In the order of the report.
pub(super) const CHECKS: &[Check] = &[
    check!(
        "replication",
        "replication_lag",
        ok: "no standby is connected",
        why: "What a standby lacks is lost when it takes over, and queries on it see old data"
    ),
    check!(
        "replication",
        "replication_slot",
        ok: "there is no replication slot",
        why: "WAL that is kept for a slot fills the disk, and the server stops when it is full"
    ),
    check!(
        "replication",
        "standby",
        ok: "this server is not a standby",
        why: "A standby that does not follow serves old data and loses transactions when it takes over"
    ),
];

/// Their limits.
pub(super) const THRESHOLDS: &[Threshold] = &[];
