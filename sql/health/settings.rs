//! Category `settings`.

use super::threshold::threshold;
use super::{Check, Threshold, check};

/// In the order of the report.
pub(super) const CHECKS: &[Check] = &[
    check!(
        "settings",
        "durability",
        ok: "no setting gives up what is committed, or hides damage",
        why: "Data that a crash or a bad page costs are back only as far as the last backup goes"
    ),
    check!(
        "settings",
        "memory",
        ok: "the settings fit the machine",
        why: "When memory is used up, the kernel kills a server process, and all sessions end with it"
    ),
    check!(
        "settings",
        "planner_setting",
        ok: "no way of executing a query is switched off",
        why: "A plan type that is off is missing where it is best"
    ),
    check!(
        "settings",
        "autovacuum_setting",
        ok: "autovacuum is set up for what there is",
        why: "Dead rows that are removed late take space, cache and time"
    ),
    check!(
        "settings",
        "timeout_setting",
        ok: "there is a limit for transactions that nobody ends",
        why: "A forgotten transaction keeps its locks and keeps VACUUM from removing dead rows"
    ),
    check!(
        "settings",
        "pending_restart",
        ok: "no setting waits for a restart",
        why: "The server does not run with the settings that are believed to be in force"
    ),
];

/// Their limits.
pub(super) const THRESHOLDS: &[Threshold] = &[
    threshold!(
        "memory_warning",
        Number(2.0),
        "Times RAM that shared_buffers and one work_mem for each connection may take."
    ),
    threshold!("memory_buffers_least", Number(10.0), "Percents of RAM for shared_buffers."),
    threshold!("memory_buffers_most", Number(40.0), "Percents of RAM for shared_buffers."),
    threshold!(
        "memory_factor",
        Number(4.0),
        "How many times a setting may be off the value that suits the machine."
    ),
    threshold!(
        "autovacuum_setting_naptime_most",
        Seconds(300),
        "How rarely autovacuum may look at a database."
    ),
    threshold!(
        "autovacuum_setting_rate_least",
        Kilobytes(8192),
        "What autovacuum must be allowed to write in a second."
    ),
    threshold!("autovacuum_setting_tables_most", Count(5000), "Tables for each autovacuum worker."),
    threshold!(
        "autovacuum_setting_workers_most",
        Count(20),
        "Autovacuum workers above which no more are proposed."
    ),
    threshold!(
        "timeout_setting_recommended",
        Seconds(600),
        "The limit that is proposed for sessions idle in a transaction."
    ),
];
