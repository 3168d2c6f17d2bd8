//! Category `workload`.

use super::threshold::threshold;
use super::{Check, Threshold, check};

/// In the order of the report.
pub(super) const CHECKS: &[Check] = &[
    check!(
        "workload",
        "temp_file_spill",
        ok: "sorts and hashes hardly use temporary files",
        why: "Sorts and hashes that do not fit into work_mem go through the disk"
    ),
    check!(
        "workload",
        "wait_event",
        ok: "active sessions do not wait much for locks, buffers or the disk",
        why: "Sessions that wait for one resource get no faster by more sessions"
    ),
    check!(
        "workload",
        "statement_statistics",
        ok: "pg_stat_statements records the statements",
        why: "Without it nobody knows which statements cost most"
    ),
];

/// Their limits.
pub(super) const THRESHOLDS: &[Threshold] = &[
    threshold!("temp_file_spill_info", Kilobytes(1_048_576), "Temporary files a day."),
    threshold!("temp_file_spill_warning", Kilobytes(104_857_600), "Temporary files a day."),
    threshold!(
        "temp_file_spill_work_mem",
        Kilobytes(65_536),
        "Most that is proposed for work_mem."
    ),
    threshold!("wait_event_info", Number(50.0), "Percents of the time of active sessions."),
    threshold!("wait_event_sessions", Number(4.0), "Fewer active sessions are not judged."),
    threshold!("wait_event_samples", Count(20), "How often the sessions are looked at."),
    threshold!("wait_event_window", Number(120.0), "Over how many milliseconds they are."),
    threshold!(
        "statement_statistics_evictions",
        Number(24.0),
        "How often a day pg_stat_statements may evict entries."
    ),
];
