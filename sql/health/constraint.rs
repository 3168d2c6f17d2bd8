//! Category `constraint`.

use super::{Check, Threshold, check};

/// In the order of the report.
pub(super) const CHECKS: &[Check] = &[
    check!(
        "constraint",
        "not_valid_constraint",
        ok: "every constraint is validated",
        why: "Rows that break it may be there, and the planner cannot rely on it"
    ),
    check!(
        "constraint",
        "not_enforced_constraint",
        ok: "every constraint is enforced",
        why: "Rows that break it are let in"
    ),
    check!(
        "constraint",
        "disabled_trigger",
        ok: "every trigger is enabled",
        why: "What a constraint promises no longer holds for what is written without its triggers"
    ),
    check!(
        "constraint",
        "foreign_key_type",
        ok: "foreign keys have the types of the keys they refer to",
        why: "Once the key outgrows the column, rows that refer to it are refused"
    ),
];

/// Their limits.
pub(super) const THRESHOLDS: &[Threshold] = &[];
