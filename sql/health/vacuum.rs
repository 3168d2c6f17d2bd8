//! Category `vacuum`.

use super::threshold::threshold;
use super::{Check, Threshold, check};

/// In the order of the report.
pub(super) const CHECKS: &[Check] = &[
    check!(
        "vacuum",
        "database_age",
        ok: "no database is near wraparound",
        why: "At the end of the ids the server refuses to write"
    ),
    check!(
        "vacuum",
        "table_age",
        ok: "no table is long overdue for freezing",
        why: "The oldest table decides how far the database is from wraparound"
    ),
    check!(
        "vacuum",
        "autovacuum_off",
        ok: "autovacuum is on",
        why: "Without autovacuum dead rows pile up, and the planner's statistics grow old"
    ),
    check!(
        "vacuum",
        "autovacuum_table_setting",
        ok: "no table's own settings keep autovacuum away",
        why: "Dead rows that nobody removes make a table and its indexes larger and slower"
    ),
    check!(
        "vacuum",
        "dead_tuples",
        ok: "no table has many dead rows",
        why: "Dead rows are read by every scan, and their space is not used again before a VACUUM"
    ),
    check!(
        "vacuum",
        "xmin_horizon",
        ok: "nothing holds VACUUM back for long",
        why: "Until it is gone VACUUM can neither remove what was deleted since, nor freeze it"
    ),
    check!(
        "vacuum",
        "vacuum_progress",
        ok: "no VACUUM is running",
        why: "Each pass reads all indexes of the table again"
    ),
    check!(
        "vacuum",
        "vacuum_queue",
        ok: "autovacuum keeps up",
        why: "Tables that wait for a worker grow meanwhile"
    ),
    check!(
        "vacuum",
        "orphan_temp_table",
        ok: "no temporary table is left behind",
        why: "Nothing can VACUUM it, so that it holds the age of the whole database"
    ),
    check!(
        "vacuum",
        "never_analyzed",
        ok: "every table with rows has statistics",
        why: "Without statistics the planner guesses how many rows a condition leaves"
    ),
    check!(
        "vacuum",
        "stale_statistics",
        ok: "no table's statistics are out of date",
        why: "The planner counts on rows that are no longer there, and chooses slow plans"
    ),
    check!(
        "vacuum",
        "table_bloat",
        ok: "no table is more than half empty",
        why: "Every scan reads the empty pages too, and they take cache and disk"
    ),
];

/// Their limits.
pub(super) const THRESHOLDS: &[Threshold] = &[
    threshold!(
        "database_age_warning",
        Number(50.0),
        "Percents of the 2^31 transaction or multixact ids that a database may have used."
    ),
    threshold!(
        "database_age_critical",
        Number(65.0),
        "Percents of the 2^31 transaction or multixact ids that a database may have used."
    ),
    threshold!(
        "database_age_overdue",
        Number(1.5),
        "How many times the age at which autovacuum freezes a database may have."
    ),
    threshold!(
        "database_age_least",
        Count(400_000_000),
        "Transactions or multixacts below which no database is overdue for freezing."
    ),
    threshold!(
        "table_age_warning",
        Number(50.0),
        "Percents of the 2^31 transaction or multixact ids that a table may have used."
    ),
    threshold!(
        "table_age_critical",
        Number(65.0),
        "Percents of the 2^31 transaction or multixact ids that a table may have used."
    ),
    threshold!(
        "table_age_overdue",
        Number(1.5),
        "How many times the age at which autovacuum freezes it a table may have."
    ),
    threshold!(
        "table_age_least",
        Count(400_000_000),
        "Transactions or multixacts below which a table without own settings is not overdue."
    ),
    threshold!(
        "autovacuum_table_setting_times",
        Number(2.0),
        "How many times the rows of a table its trigger point for autovacuum may be."
    ),
    threshold!(
        "autovacuum_table_setting_rows",
        Count(1_000_000),
        "Rows that a trigger point for autovacuum may always have."
    ),
    threshold!(
        "dead_tuples_warning",
        Number(30.0),
        "Percents of the rows of a table that may be dead."
    ),
    threshold!(
        "dead_tuples_trigger",
        Number(3.0),
        "How many times the trigger point for autovacuum the dead rows of a table may be."
    ),
    threshold!("dead_tuples_least", Count(10_000), "Dead rows that a table may always have."),
    threshold!(
        "xmin_horizon_warning",
        Seconds(3600),
        "How long a transaction may hold VACUUM back."
    ),
    threshold!(
        "xmin_horizon_critical",
        Seconds(86_400),
        "How long a transaction may hold VACUUM back."
    ),
    threshold!(
        "xmin_horizon_warning_ids",
        Count(10_000_000),
        "For how many transactions something may hold VACUUM back."
    ),
    threshold!(
        "xmin_horizon_critical_ids",
        Count(100_000_000),
        "For how many transactions something may hold VACUUM back."
    ),
    threshold!(
        "vacuum_progress_passes",
        Count(1),
        "How many times a VACUUM may go over the indexes."
    ),
    threshold!(
        "vacuum_queue_warning",
        Seconds(3600),
        "How long a worker of autovacuum may be at one table while others are due."
    ),
    threshold!(
        "vacuum_queue_least",
        Count(10),
        "Tables that may be due while all workers of autovacuum are busy."
    ),
    threshold!(
        "orphan_temp_table_warning",
        Number(50.0),
        "Percents of the 2^31 transaction ids that a temporary table left behind may have used."
    ),
    threshold!(
        "never_analyzed_least",
        Count(1000),
        "Rows from which on a table should have statistics."
    ),
    threshold!(
        "stale_statistics_warning",
        Number(3.0),
        "How many times the trigger point for an automatic ANALYZE the changes may be."
    ),
    threshold!(
        "stale_statistics_least",
        Count(10_000),
        "Changed rows that a table may always have."
    ),
    threshold!(
        "table_bloat_warning",
        Number(50.0),
        "Percents of a table that may hold no live row at its fill factor."
    ),
    threshold!(
        "table_bloat_critical",
        Number(80.0),
        "Percents of a table that may hold no live row at its fill factor."
    ),
    threshold!(
        "table_bloat_least",
        Kilobytes(10_240),
        "Empty space of a table below which it is not mentioned."
    ),
    threshold!(
        "table_bloat_critical_least",
        Kilobytes(1_048_576),
        "Empty space of a table below which it is never critical."
    ),
    threshold!(
        "table_bloat_dead",
        Number(10.0),
        "Percents of dead rows from which on VACUUM is advised before a rewrite."
    ),
];
