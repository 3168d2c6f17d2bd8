//! Waiting inside a statement.

use std::ffi::{c_int, c_long};
use std::time::{Duration, Instant};

use pgrx::{check_for_interrupts, pg_sys};

/// Waits, and ends with the server's error when the statement is cancelled or takes too long, and
/// with the process when the server stops.
///
/// Nothing is held meanwhile but what the statement holds already, which is its snapshot.
pub(crate) fn wait(time: Duration) {
    let began = Instant::now();
    let wakers = pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
    loop {
        check_for_interrupts!();
        let left = time.saturating_sub(began.elapsed());
        if left.is_zero() {
            return;
        }
        // Rounded up: it would otherwise not wait at all for the last part of a millisecond.
        let left = c_long::try_from(left.as_millis()).map_or(c_long::MAX, |left| left + 1);
        // SAFETY: every backend has its latch from its start to its end; both calls change nothing
        // else. Signals of whatever kind set it, so the loop looks at the clock again.
        unsafe {
            pg_sys::WaitLatch(
                pg_sys::MyLatch,
                c_int::try_from(wakers).unwrap_or(0),
                left,
                pg_sys::PG_WAIT_EXTENSION,
            );
            pg_sys::ResetLatch(pg_sys::MyLatch);
        }
    }
}
