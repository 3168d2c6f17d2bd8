//! The latch: a session that has closed it only reads until it ends.
//!
//! The state is a variable of the process. No setting holds it, so no SET, RESET, DISCARD, change of
//! role or rolled back transaction opens it; what limits it sets are put back before each statement
//! runs. A worker of a parallel query is another process and not latched: see [`super::watch`] for
//! why that does no harm.

use std::cell::Cell;
use std::ffi::{CStr, CString, c_int};
use std::time::Duration;

use pgrx::pg_sys;

use super::clock;
use crate::sys::pg_compat;

/// What a statement of a latched session may use at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ceilings {
    /// Time from the start of a statement.
    pub(crate) statement_time: Duration,
    /// Waiting for one lock.
    pub(crate) lock_time: Duration,
    /// `work_mem`, in kB.
    pub(crate) work_mem: i32,
    /// `temp_file_limit`, in kB.
    pub(crate) temp_files: i32,
    /// Workers of one parallel step.
    pub(crate) parallel_workers: i32,
    /// Rows sent to the client for one statement or fetch.
    pub(crate) rows: Option<u64>,
}

impl Ceilings {
    /// The lower of each.
    fn lowest(self, other: Self) -> Self {
        Self {
            statement_time: self.statement_time.min(other.statement_time),
            lock_time: self.lock_time.min(other.lock_time),
            work_mem: self.work_mem.min(other.work_mem),
            temp_files: self.temp_files.min(other.temp_files),
            parallel_workers: self.parallel_workers.min(other.parallel_workers),
            rows: match (self.rows, other.rows) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            },
        }
    }
}

thread_local! {
    static CEILINGS: Cell<Option<Ceilings>> = const { Cell::new(None) };
}

/// Whether this session may only read.
pub(crate) fn is_latched() -> bool {
    CEILINGS.get().is_some()
}

/// Closes the latch; for good. A second time the ceilings can only be lowered.
pub(crate) fn latch(ceilings: Ceilings) {
    let lowest = CEILINGS.get().map_or(ceilings, |present| present.lowest(ceilings));
    CEILINGS.set(Some(lowest));
    // Plans that were made before may have users' functions in parallel workers.
    // SAFETY: marks the cached plans of this process as invalid.
    unsafe { pg_sys::ResetPlanCache() };
    enforce();
}

/// Most rows that may be sent for one statement.
pub(super) fn rows() -> Option<u64> {
    CEILINGS.get().and_then(|ceilings| ceilings.rows)
}

/// Puts the limits of a latched session in force for what is about to run, and for what comes next:
/// the locks of a statement are taken when it is read, before any hook sees it, so its limits must
/// stand when the one before it has ended.
pub(super) fn enforce() {
    let Some(ceilings) = CEILINGS.get() else { return };
    // SAFETY: reads the state of the transaction; settings cannot be changed in one that failed.
    if !unsafe { pg_sys::IsTransactionState() } {
        return;
    }
    clock::limit(ceilings.statement_time);
    // SAFETY: variables of this process; that a transaction becomes read-only is always allowed.
    let parallel = unsafe {
        pg_sys::XactReadOnly = true;
        pg_sys::IsInParallelMode()
    };
    // Its leader has put them in force before it went parallel, and now nobody may.
    if parallel {
        return;
    }
    let millis = |time: Duration| c_int::try_from(time.as_millis()).unwrap_or(c_int::MAX);
    let (time_ms, lock_ms) = (millis(ceilings.statement_time), millis(ceilings.lock_time));
    // SAFETY: plain reads of the settings' variables.
    let (time, lock, work_mem, temp, workers, factor) = unsafe {
        (
            pg_sys::StatementTimeout,
            pg_sys::LockTimeout,
            pg_sys::work_mem,
            pg_sys::temp_file_limit,
            pg_sys::max_parallel_workers_per_gather,
            pg_sys::hash_mem_multiplier,
        )
    };
    // 0 is no limit for the timeouts, -1 for temp_file_limit.
    if time == 0 || time > time_ms {
        set(c"statement_timeout", &time_ms.to_string());
    }
    if lock == 0 || lock > lock_ms {
        set(c"lock_timeout", &lock_ms.to_string());
    }
    if work_mem > ceilings.work_mem {
        set(c"work_mem", &ceilings.work_mem.to_string());
    }
    if temp < 0 || temp > ceilings.temp_files {
        set(c"temp_file_limit", &ceilings.temp_files.to_string());
    }
    if workers > ceilings.parallel_workers {
        set(c"max_parallel_workers_per_gather", &ceilings.parallel_workers.to_string());
    }
    if factor > HASH_MEM_MULTIPLIER {
        set(c"hash_mem_multiplier", &HASH_MEM_MULTIPLIER.to_string());
    }
    for name in SECRETS {
        hide(name);
    }
}

/// The default of `hash_mem_multiplier`, which multiplies `work_mem`.
const HASH_MEM_MULTIPLIER: f64 = 2.0;

/// Settings of the server with secrets in them. A latched session has no use for their values.
const SECRETS: [&CStr; 2] = [c"primary_conninfo", c"ssl_passphrase_command"];

fn hide(name: &CStr) {
    // SAFETY: the name is NUL-terminated; an unknown one gives null, a value is NUL-terminated.
    let shown = unsafe { pg_sys::GetConfigOption(name.as_ptr(), true, false) };
    // SAFETY: as above.
    if !shown.is_null() && unsafe { *shown } != 0 {
        // SAFETY: inside a transaction, as every statement that runs is.
        unsafe { pg_compat::set_for_session(name, c"", pg_sys::GucContext::PGC_SIGHUP) };
    }
}

fn set(name: &CStr, value: &str) {
    let Ok(value) = CString::new(value) else { return };
    // SAFETY: inside a transaction, as every statement that runs is.
    unsafe { pg_compat::set_for_session(name, &value, pg_sys::GucContext::PGC_SUSET) };
}
