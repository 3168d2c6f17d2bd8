//! A limit to the time of a piece of work inside one statement.
//!
//! `statement_timeout` is armed when a statement begins and cannot bound a part of it. This is a
//! timeout of our own in the server's table of timeouts (`timeout.c`), whose handler asks for a
//! cancel as `statement_timeout` does; the error is then taken for a [`ServerError`].

use std::cell::Cell;
use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pgrx::pg_sys::ffi::pg_guard_ffi_boundary;
use pgrx::{PgSqlErrorCode, check_for_interrupts, pg_sys};

use super::pg_compat::USER_TIMEOUT;
use super::subxact::{ServerError, subtransaction_unless};

// `utils/timeout.h`, which pgrx has no bindings of. `TimeoutId` is an enum of C.
unsafe extern "C-unwind" {
    fn RegisterTimeout(id: c_int, handler: unsafe extern "C-unwind" fn()) -> c_int;
    fn enable_timeout_after(id: c_int, delay_ms: c_int);
    fn disable_timeout(id: c_int, keep_indicator: bool);
}

thread_local! {
    /// The identifier that the server gave us, once a backend.
    static OURS: Cell<Option<c_int>> = const { Cell::new(None) };
}

/// Whether the limit was reached since it was last armed.
static FIRED: AtomicBool = AtomicBool::new(false);

/// Asks the backend to cancel what it does, at its next check for interrupts.
///
/// Runs in a signal handler: it only sets flags. `timeout.c` has set the latch before.
unsafe extern "C-unwind" fn fire() {
    FIRED.store(true, Ordering::Relaxed);
    cancel();
}

/// Asks for a cancel; for signal handlers.
pub(super) fn cancel() {
    // SAFETY: both are `volatile sig_atomic_t` of this process, written like this by the server's
    // own handlers.
    unsafe {
        (&raw mut pg_sys::QueryCancelPending).write_volatile(1);
        (&raw mut pg_sys::InterruptPending).write_volatile(1);
    }
}

/// A timeout of our own, registered with the server for as long as the backend lives.
pub(super) fn new_timeout(handler: unsafe extern "C-unwind" fn()) -> c_int {
    // SAFETY: changes a table of this process. The boundary is for the FATAL that is raised when
    // ten libraries have timeouts.
    unsafe { pg_guard_ffi_boundary(|| RegisterTimeout(USER_TIMEOUT, handler)) }
}

/// Arms the timeout anew, for once.
pub(super) fn arm(id: c_int, delay: Duration) {
    let delay = c_int::try_from(delay.as_millis()).unwrap_or(c_int::MAX).max(1);
    // SAFETY: the identifier is the server's; arming what is armed moves it.
    unsafe { pg_guard_ffi_boundary(|| enable_timeout_after(id, delay)) };
}

/// Arms a timeout anew from within its own handler.
///
/// # Safety
/// Only for there: `timeout.c` has taken the timeout off its list before it calls the handler, and
/// sets the alarm for all that are on it afterwards.
pub(super) unsafe fn rearm(id: c_int, delay: Duration) {
    let delay = c_int::try_from(delay.as_millis()).unwrap_or(c_int::MAX).max(1);
    // SAFETY: see the contract. Nothing here raises an error.
    unsafe { enable_timeout_after(id, delay) };
}

/// Disarms the timeout when dropped, so that it cannot strike later.
struct Armed(c_int);

impl Armed {
    fn new(limit: Duration) -> Self {
        let id = OURS.get().unwrap_or_else(|| new_timeout(fire));
        OURS.set(Some(id));
        FIRED.store(false, Ordering::Relaxed);
        arm(id, limit);
        Self(id)
    }
}

impl Drop for Armed {
    fn drop(&mut self) {
        // SAFETY: as in `new`; disarming what has fired is allowed.
        unsafe { pg_guard_ffi_boundary(|| disable_timeout(self.0, false)) };
    }
}

/// [`super::subtransaction`] whose `f` is cancelled after `limit`, which is then an error with
/// `ERRCODE_QUERY_CANCELED`. Not for use within itself.
///
/// The user's own cancel and `statement_timeout` still end the whole statement. Should one come in
/// the very moment between the limit and the next check for interrupts, it is taken for the limit:
/// the server has one flag for both.
pub(crate) fn subtransaction_within<R>(
    limit: Duration,
    f: impl FnOnce() -> R,
) -> Result<R, ServerError> {
    let ours =
        |code| code == PgSqlErrorCode::ERRCODE_QUERY_CANCELED && FIRED.load(Ordering::Relaxed);
    let outcome = subtransaction_unless(false, ours, || {
        let armed = Armed::new(limit);
        let value = f();
        drop(armed);
        // It may have fired just now: raised here it is ours, later it would be the user's.
        if FIRED.load(Ordering::Relaxed) {
            check_for_interrupts!();
        }
        value
    });
    outcome.map_err(|error| match error.code {
        PgSqlErrorCode::ERRCODE_QUERY_CANCELED => ServerError::new(
            PgSqlErrorCode::ERRCODE_QUERY_CANCELED,
            format!("it took longer than {limit:?}"),
        ),
        _ => error,
    })
}
