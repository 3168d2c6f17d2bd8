//! The ceiling on a statement's time, which no setting can lift.

use std::cell::Cell;
use std::ffi::c_int;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use pgrx::pg_sys;

use crate::sys::time_limit::{arm, cancel, new_timeout};

// Without pgrx's wrappers, which are not made for signal handlers: both only read.
unsafe extern "C-unwind" {
    fn GetCurrentStatementStartTimestamp() -> pg_sys::TimestampTz;
    fn GetCurrentTimestamp() -> pg_sys::TimestampTz;
}

thread_local! {
    static OURS: Cell<Option<c_int>> = const { Cell::new(None) };
    /// The start of the statement that the timeout was armed for.
    static ARMED_FOR: Cell<pg_sys::TimestampTz> = const { Cell::new(0) };
}

/// The ceiling in microseconds.
static CEILING: AtomicI64 = AtomicI64::new(i64::MAX);

/// Cancels the statement when it is over the ceiling; one that began after that was armed is not.
///
/// Runs in a signal handler.
unsafe extern "C-unwind" fn fire() {
    // SAFETY: both functions only read a variable or the clock.
    let elapsed = unsafe { GetCurrentTimestamp() - GetCurrentStatementStartTimestamp() };
    if elapsed >= CEILING.load(Ordering::Relaxed) {
        cancel();
    }
}

/// Sees to it that the statement that runs now ends when `ceiling` has passed since its start.
pub(super) fn limit(ceiling: Duration) {
    let micros = i64::try_from(ceiling.as_micros()).unwrap_or(i64::MAX);
    // SAFETY: reads a variable of the process.
    let (start, now) = unsafe { (GetCurrentStatementStartTimestamp(), GetCurrentTimestamp()) };
    if ARMED_FOR.get() == start && CEILING.load(Ordering::Relaxed) == micros {
        return;
    }
    CEILING.store(micros, Ordering::Relaxed);
    ARMED_FOR.set(start);
    let id = OURS.get().unwrap_or_else(|| new_timeout(fire));
    OURS.set(Some(id));
    let left = micros.saturating_sub(now.saturating_sub(start)).max(0);
    // One millisecond more than that, so that it has passed when the handler looks.
    arm(id, Duration::from_micros(left.unsigned_abs()) + Duration::from_millis(1));
}

/// Takes the ceiling off.
pub(super) fn lift() {
    CEILING.store(i64::MAX, Ordering::Relaxed);
}
