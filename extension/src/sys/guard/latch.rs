//! The latch: a session, or a transaction, that has closed it only reads until it ends.
//!
//! The state is a variable of the process. No setting holds it, so no SET, RESET, DISCARD, change of
//! role or rolled back transaction opens that of a session; what limits it sets are put back before
//! each statement runs. That of a transaction is for sessions which a pooler gives to others next:
//! it opens when the transaction has ended, and leaves nothing behind. A worker of a parallel query
//! is another process and not latched: see [`super::watch`] for why that does no harm.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString, c_int, c_void};
use std::time::Duration;

use pgrx::{pg_guard, pg_sys};

use super::{clock, memory, watch};
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
    /// Memory that a statement takes beyond what the process had, in bytes.
    pub(crate) memory: u64,
    /// Workers of one parallel step.
    pub(crate) parallel_workers: i32,
    /// Rows sent to the client for one statement or fetch.
    pub(crate) rows: Option<u64>,
    /// Bytes of the values of those rows, as they are stored, uncompressed.
    pub(crate) bytes: Option<u64>,
}

impl Ceilings {
    /// The lower of each.
    fn lowest(self, other: Self) -> Self {
        Self {
            statement_time: self.statement_time.min(other.statement_time),
            lock_time: self.lock_time.min(other.lock_time),
            work_mem: self.work_mem.min(other.work_mem),
            temp_files: self.temp_files.min(other.temp_files),
            memory: self.memory.min(other.memory),
            parallel_workers: self.parallel_workers.min(other.parallel_workers),
            rows: lower(self.rows, other.rows),
            bytes: lower(self.bytes, other.bytes),
        }
    }

    /// What is in force now, and for what is not limited now, limits that no query which reads for
    /// a person needs more than.
    fn in_force() -> Self {
        let positive = |millis: c_int| u64::try_from(millis).ok().filter(|millis| *millis > 0);
        // SAFETY: plain reads of the settings' variables.
        unsafe {
            Self {
                statement_time: positive(pg_sys::StatementTimeout)
                    .map_or(Duration::from_secs(60), Duration::from_millis),
                lock_time: positive(pg_sys::LockTimeout)
                    .map_or(Duration::from_secs(1), Duration::from_millis),
                work_mem: pg_sys::work_mem,
                temp_files: match pg_sys::temp_file_limit {
                    kilobytes if kilobytes < 0 => 1 << 20,
                    kilobytes => kilobytes,
                },
                memory: MEMORY,
                parallel_workers: pg_sys::max_parallel_workers_per_gather,
                rows: None,
                bytes: None,
            }
        }
    }
}

/// The default of the ceiling on memory, in bytes.
pub(crate) const MEMORY: u64 = 2 << 30;

fn lower(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// How long a latch stays closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// The end of the session.
    SessionEnds,
    /// The end of the transaction.
    TransactionEnds,
}

thread_local! {
    static SESSION: Cell<Option<Ceilings>> = const { Cell::new(None) };
    static TRANSACTION: Cell<Option<Ceilings>> = const { Cell::new(None) };
    /// Whether the session's was closed by a call, and not by a setting alone.
    static CALLED: Cell<bool> = const { Cell::new(false) };
}

/// What is allowed at most, of both latches.
fn ceilings() -> Option<Ceilings> {
    match (SESSION.get(), TRANSACTION.get()) {
        (Some(session), Some(transaction)) => Some(session.lowest(transaction)),
        (session, transaction) => session.or(transaction),
    }
}

/// Whether this session may only read. The setting that says so closes the latch here, where it is
/// first asked for: settings of a role are there before the library is loaded.
pub(crate) fn is_latched() -> bool {
    if SESSION.get().is_none() && watch::is_set_to_latch() {
        SESSION.set(Some(Ceilings::in_force()));
        find_secrets();
        forget_plans();
    }
    SESSION.get().is_some() || TRANSACTION.get().is_some()
}

/// Whether the end of the transaction opens the latch.
pub(super) fn opens_with_transaction() -> bool {
    SESSION.get().is_none() && TRANSACTION.get().is_some()
}

/// Closes the latch. A second time the ceilings can only be lowered, and only until the transaction
/// ends: who calls then may be a function of somebody whom the latch is against, and what he does
/// must not reach the next statement, nor, behind a pooler, the next client.
pub(crate) fn latch(ceilings: Ceilings, until: Until) {
    let again = CALLED.get() || TRANSACTION.get().is_some();
    let state = match until {
        Until::SessionEnds if !again => {
            CALLED.set(true);
            &SESSION
        }
        _ => &TRANSACTION,
    };
    state.set(Some(state.get().map_or(ceilings, |present| present.lowest(ceilings))));
    find_secrets();
    forget_plans();
    enforce();
}

/// Plans that were made before may have users' functions in parallel workers.
fn forget_plans() {
    // SAFETY: marks the cached plans of this process as invalid, as any change of the catalog may
    // at any time.
    unsafe { pg_sys::ResetPlanCache() };
}

/// Has the server tell when a transaction ends. Called from `_PG_init`.
pub(super) fn install() {
    // SAFETY: the backend is single-threaded and `_PG_init` runs once.
    unsafe { pg_sys::RegisterXactCallback(Some(transaction_ends), std::ptr::null_mut()) };
}

#[pg_guard]
unsafe extern "C-unwind" fn transaction_ends(
    event: pg_sys::XactEvent::Type,
    _argument: *mut c_void,
) {
    use pg_sys::XactEvent::{XACT_EVENT_ABORT, XACT_EVENT_COMMIT, XACT_EVENT_PREPARE};
    if [XACT_EVENT_ABORT, XACT_EVENT_COMMIT, XACT_EVENT_PREPARE].contains(&event)
        && TRANSACTION.take().is_some()
        && SESSION.get().is_none()
    {
        clock::lift();
        memory::lift();
    }
}

/// Most rows that may be sent for one statement.
pub(super) fn rows() -> Option<u64> {
    ceilings().and_then(|ceilings| ceilings.rows)
}

/// Most bytes that may be sent for one statement.
pub(super) fn bytes() -> Option<u64> {
    ceilings().and_then(|ceilings| ceilings.bytes)
}

/// Looks after the memory of what is about to be planned or run.
///
/// # Safety
/// As of [`memory::Words::put_up`].
pub(super) unsafe fn watch_memory(words: &mut memory::Words) {
    let Some(ceilings) = ceilings() else { return };
    memory::limit(ceilings.memory);
    // SAFETY: the caller's contract.
    unsafe { words.put_up() };
}

/// Puts the limits of a latched session in force for what is about to run, and for what comes next:
/// the locks of a statement are taken when it is read, before any hook sees it, so its limits must
/// stand when the one before it has ended.
pub(super) fn enforce() {
    let Some(ceilings) = ceilings() else { return };
    // SAFETY: reads the state of the transaction; settings cannot be changed in one that failed.
    if !unsafe { pg_sys::IsTransactionState() } {
        return;
    }
    clock::limit(ceilings.statement_time);
    memory::limit(ceilings.memory);
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
    SECRETS.with_borrow(|secrets| secrets.iter().for_each(hide));
}

/// The default of `hash_mem_multiplier`, which multiplies `work_mem`.
const HASH_MEM_MULTIPLIER: f64 = 2.0;

/// A setting with a secret in it: passwords of the server, keys of applications.
struct Secret {
    name: CString,
    /// Whether it is the configuration file's alone: such are for the postmaster and the WAL
    /// receiver, and no backend has a use for them.
    of_file: bool,
}

thread_local! {
    /// Those that there were when the latch was closed.
    static SECRETS: RefCell<Vec<Secret>> = const { RefCell::new(Vec::new()) };
}

fn find_secrets() {
    let settings = pg_compat::text_settings().into_iter();
    let secrets = settings.filter(|(name, _)| watch::is_secret(&name.to_string_lossy()));
    let secrets = secrets.map(|(name, of_file)| Secret { name, of_file }).collect();
    SECRETS.set(secrets);
}

/// Empties the setting if it has a value. Those of applications come back with the transaction's end
/// if it is that which is latched.
fn hide(secret: &Secret) {
    // SAFETY: the name is NUL-terminated; an unknown one gives null, a value is NUL-terminated.
    let shown = unsafe { pg_sys::GetConfigOption(secret.name.as_ptr(), true, false) };
    // SAFETY: as above.
    if !shown.is_null() && unsafe { *shown } != 0 {
        let for_good = secret.of_file || !opens_with_transaction();
        // SAFETY: inside a transaction, as every statement that runs is.
        unsafe { pg_compat::empty_option(&secret.name, for_good) };
    }
}

fn set(name: &CStr, value: &str) {
    let Ok(value) = CString::new(value) else { return };
    // What a latched session wants for longer is put again before each statement.
    let local = TRANSACTION.get().is_some();
    // SAFETY: inside a transaction, as every statement that runs is.
    unsafe { pg_compat::set_option(name, &value, local) };
}
