//! Category `transaction`.

use super::threshold::threshold;
use super::{Check, Threshold, check};

/// In the order of the report.
pub(super) const CHECKS: &[Check] = &[
    check!(
        "transaction",
        "prepared_transaction",
        ok: "no prepared transaction is left behind",
        why: "It keeps its locks and keeps VACUUM from removing dead rows, over restarts too"
    ),
    check!(
        "transaction",
        "deadlocks",
        ok: "deadlocks are rare",
        why: "Each costs a transaction, which the application has to repeat"
    ),
    check!(
        "transaction",
        "rollbacks",
        ok: "few transactions are rolled back",
        why: "The work of a transaction that is rolled back is lost, and VACUUM has to clean it up"
    ),
];

/// Their limits.
pub(super) const THRESHOLDS: &[Threshold] = &[
    threshold!(
        "prepared_transaction_warning",
        Seconds(900),
        "How long a transaction may stay prepared."
    ),
    threshold!(
        "prepared_transaction_critical",
        Seconds(86_400),
        "How long a transaction may stay prepared."
    ),
    threshold!("deadlocks_info", Number(5.0), "Deadlocks a day."),
    threshold!("rollbacks_info", Number(30.0), "Percents of the transactions."),
    threshold!("rollbacks_least", Count(1000), "Fewer transactions are not judged."),
];
