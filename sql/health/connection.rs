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
        "connection_limit",
        ok: "no role or database is near its own connection limit",
        why: "At the limit, its next client is refused though the server has slots"
    ),
    check!(
        "connection",
        "idle_in_transaction",
        ok: "no session is idle in a transaction for long",
        why: "An open transaction keeps its locks and keeps VACUUM from removing dead rows"
    ),
    check!(
        "connection",
        "long_query",
        ok: "no statement runs for long",
        why: "It keeps its locks and keeps VACUUM from removing dead rows for as long as it runs"
    ),
    check!(
        "connection",
        "long_transaction",
        ok: "no transaction is open for long",
        why: "An open transaction keeps its locks and keeps VACUUM from removing dead rows"
    ),
    check!(
        "connection",
        "blocked_session",
        ok: "no session waits long for another's lock",
        why: "Whoever needs the same lock joins the queue, until it has taken all connections"
    ),
    check!(
        "connection",
        "idle_session",
        ok: "idle sessions do not take many connections",
        why: "Each takes a slot and memory, and does nothing"
    ),
    check!(
        "connection",
        "lock_table",
        ok: "the lock table has room",
        why: "When it is full, statements of all sessions fail with \"out of shared memory\""
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
        "connection_limit_warning",
        Number(80.0),
        "Percents of the connections that a role or a database may have."
    ),
    threshold!(
        "connection_limit_critical",
        Number(90.0),
        "Percents of the connections that a role or a database may have."
    ),
    threshold!(
        "connection_limit_least",
        Count(5),
        "Connection limits below this are taken to be used up on purpose."
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
    threshold!(
        "idle_in_transaction_blocking",
        Seconds(10),
        "How long a session may be idle in a transaction while others wait for it."
    ),
    threshold!("long_query_warning", Seconds(1800), "How long a statement may run."),
    threshold!("long_transaction_warning", Seconds(3600), "How long a transaction may be open."),
    threshold!(
        "blocked_session_warning",
        Seconds(10),
        "How long a session may wait for another's lock."
    ),
    threshold!(
        "blocked_session_critical",
        Seconds(300),
        "How long a session may wait for another's lock."
    ),
    threshold!(
        "blocked_session_waiting_warning",
        Count(3),
        "How many sessions may wait for the locks of one."
    ),
    threshold!(
        "blocked_session_waiting_critical",
        Count(5),
        "How many sessions may wait for the locks of one."
    ),
    threshold!("blocked_session_least", Seconds(1), "Shorter waits for a lock are not counted."),
    threshold!("idle_session_age", Seconds(3600), "How long a session is idle to be counted."),
    threshold!(
        "idle_session_percent",
        Number(30.0),
        "Percents of the connections that idle sessions may take."
    ),
    threshold!("lock_table_warning", Number(80.0), "Percents of the lock table that may be taken."),
    threshold!(
        "lock_table_critical",
        Number(95.0),
        "Percents of the lock table that may be taken."
    ),
];
