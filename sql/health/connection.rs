//! Category `connection`.

use super::threshold::threshold;
use super::{Check, Threshold, check};

/// In the order of the report.
pub(super) const CHECKS: &[Check] = &[
    check!(
        "connection",
        "connection_usage",
        ok: "connections are within limits",
        why: "When all slots are taken, new clients are refused"
    ),
    check!(
        "connection",
        "idle_in_transaction",
        ok: "no session is idle in a transaction for long",
        why: "An open transaction keeps its locks and keeps VACUUM from removing dead rows"
    ),
];

/// Their limits.
pub(super) const THRESHOLDS: &[Threshold] = &[
    threshold!(
        "connection_usage_warning",
        Number(80.0),
        "Percents of the connections that clients can have."
    ),
    threshold!(
        "connection_usage_critical",
        Number(90.0),
        "Percents of the connections that clients can have."
    ),
    threshold!(
        "idle_in_transaction_warning",
        Seconds(300),
        "How long a session may be idle in a transaction."
    ),
    threshold!(
        "idle_in_transaction_critical",
        Seconds(3600),
        "How long a session may be idle in a transaction."
    ),
];
