//! While a statement is read, nothing of its author's runs that may do harm.
//!
//! Analysis executes input functions of types for constants, and those call others: the checks of
//! domains in arrays and composite values, the comparison and canonical functions of ranges. What
//! they are is not known before the statement has been analyzed, so they are judged when they are
//! about to run, as those of a latched session are.

use std::cell::Cell;

use super::watch::{Refusal, refuse};

thread_local! {
    static READING: Cell<bool> = const { Cell::new(false) };
}

/// Sets whether a statement is being read, until it is dropped.
struct Reading(bool);

impl Reading {
    fn set(reading: bool) -> Self {
        Self(READING.replace(reading))
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        READING.set(self.0);
    }
}

/// Runs `f`, which reads a statement, with every function judged that it calls.
pub(super) fn undisturbed<R>(f: impl FnOnce() -> R) -> R {
    let _reading = Reading::set(true);
    f()
}

/// Whether a statement is being read.
pub(super) fn is_reading() -> bool {
    READING.get()
}

/// Runs `f`, whose own look-ups are not the statement's.
pub(super) fn aside<R>(f: impl FnOnce() -> R) -> R {
    let _reading = Reading::set(false);
    f()
}

/// Refuses what a function does that a constant of the statement calls.
pub(super) fn refuse_effect(what: &str) -> ! {
    refuse(Refusal {
        reason: format!("{what} would run while the statement is read"),
        detail: "A constant in it is of a type whose checks or functions do more than to read."
            .to_owned(),
        hint: "Write the constant in a type of the server's own.".to_owned(),
    })
}
