//! Category `replication`.

use super::threshold::threshold;
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
    check!(
        "replication",
        "synchronous_standby",
        ok: "commits ask no standby for confirmation",
        why: "A commit that waits for a standby that is not there never returns, and keeps its locks"
    ),
    check!(
        "replication",
        "subscription",
        ok: "no subscription is disabled or fails",
        why: "Its tables get old, and the publisher keeps WAL for it until its disk is full"
    ),
    check!(
        "replication",
        "archiver",
        ok: "no WAL waits for an archiver that fails",
        why: "WAL that is not archived fills the disk, and no backup can be restored past the gap"
    ),
    check!(
        "replication",
        "wal_size",
        ok: "the size of pg_wal is unknown",
        why: "The server stops when the disk of pg_wal is full"
    ),
    check!(
        "replication",
        "standby_conflict",
        ok: "no query was cancelled in favour of replay",
        why: "A query that is cancelled on a standby is an error for its application"
    ),
];

/// Their limits.
pub(super) const THRESHOLDS: &[Threshold] = &[
    threshold!(
        "replication_lag_warning",
        Kilobytes(65_536),
        "WAL that a standby may not have replayed yet."
    ),
    threshold!(
        "replication_lag_critical",
        Kilobytes(1_048_576),
        "WAL that a standby may not have replayed yet."
    ),
    threshold!("replication_lag_time_warning", Seconds(60), "How late a standby may replay."),
    threshold!("replication_lag_time_critical", Seconds(600), "How late a standby may replay."),
    threshold!(
        "replication_slot_warning",
        Kilobytes(262_144),
        "WAL that an inactive slot may keep; max_wal_size where that is less."
    ),
    threshold!(
        "replication_slot_inactive_warning",
        Seconds(3600),
        "How long a slot may be inactive, from PostgreSQL 17."
    ),
    threshold!(
        "replication_slot_cap_warning",
        Number(80.0),
        "Percents of max_slot_wal_keep_size that a slot may keep."
    ),
    threshold!(
        "replication_slot_disk_critical",
        Number(50.0),
        "Percents of the disk space that is left for pg_wal that a slot may keep."
    ),
    threshold!(
        "standby_warning",
        Kilobytes(65_536),
        "WAL that this standby may have received and not replayed."
    ),
    threshold!(
        "standby_critical",
        Seconds(3600),
        "How long ago this standby may have replayed a transaction when it does not follow."
    ),
    threshold!(
        "subscription_worker_young",
        Seconds(60),
        "How long the worker of a subscription that had errors must run to count as sound."
    ),
    threshold!(
        "archiver_critical",
        Seconds(3600),
        "How long WAL may wait for an archiver that fails."
    ),
    threshold!("wal_size_warning", Number(200.0), "Percents of max_wal_size that pg_wal may hold."),
    threshold!("standby_conflict_info", Count(10), "Queries that a standby may have cancelled."),
];
