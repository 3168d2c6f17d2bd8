//! While a statement is read, nothing of its author's runs that may do harm.
//!
//! Analysis executes input functions of types for constants, and those call others: the checks of
//! domains in arrays and composite values, the comparison and canonical functions of ranges. What
//! they are is not known before the statement has been analyzed, so they are judged when they are
//! about to run, as those of a latched session are.

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};

use pgrx::{pg_guard, pg_sys};

use super::watch::{Judges, Refusal, refuse};

static mut JUDGES: Option<Judges> = None;
static mut PREVIOUS_START: pg_sys::ExecutorStart_hook_type = None;
static mut PREVIOUS_UTILITY: pg_sys::ProcessUtility_hook_type = None;
static mut PREVIOUS_ACCESS: pg_sys::object_access_hook_type = None;
static mut PREVIOUS_FMGR: pg_sys::needs_fmgr_hook_type = None;

thread_local! {
    static READING: Cell<bool> = const { Cell::new(false) };
}

/// Chains the hooks. Called from `_PG_init`, once a process.
pub(super) fn install(judges: Judges) {
    // SAFETY: the backend is single-threaded and `_PG_init` runs once.
    unsafe {
        JUDGES = Some(judges);
        PREVIOUS_START = pg_sys::ExecutorStart_hook;
        pg_sys::ExecutorStart_hook = Some(executor_start);
        PREVIOUS_UTILITY = pg_sys::ProcessUtility_hook;
        pg_sys::ProcessUtility_hook = Some(process_utility);
        PREVIOUS_ACCESS = pg_sys::object_access_hook;
        pg_sys::object_access_hook = Some(object_access);
        PREVIOUS_FMGR = pg_sys::needs_fmgr_hook;
        pg_sys::needs_fmgr_hook = Some(needs_fmgr);
    }
}

/// Runs `f`, which reads a statement, with every function judged that it calls.
pub(super) fn undisturbed<R>(f: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            READING.set(self.0);
        }
    }
    let _restore = Restore(READING.replace(true));
    f()
}

fn judge(oid: pg_sys::Oid, support: bool) {
    // SAFETY: written once, before any hook can run.
    let judges = unsafe { JUDGES };
    // The judge's own look-ups are not the statement's.
    READING.set(false);
    let refusal = judges.and_then(|judges| (judges.function)(oid.to_u32(), support));
    READING.set(true);
    if let Some(refusal) = refusal {
        refuse(refusal);
    }
}

/// Refuses what a function does that a constant of the statement calls.
fn refuse_effect(what: &str) -> ! {
    refuse(Refusal {
        reason: format!("{what} would run while the statement is read"),
        detail: "A constant in it is of a type whose checks or functions do more than to read."
            .to_owned(),
        hint: "Write the constant in a type of the server's own.".to_owned(),
    })
}

#[pg_guard]
unsafe extern "C-unwind" fn executor_start(query: *mut pg_sys::QueryDesc, flags: c_int) {
    // SAFETY: called by the server with a complete plan; the chained hook has the same contract.
    unsafe {
        if READING.get() {
            let plan = (*query).plannedstmt;
            let reads = (*plan).commandType == pg_sys::CmdType::CMD_SELECT
                && !(*plan).hasModifyingCTE
                && (*plan).rowMarks.is_null();
            if !reads {
                refuse_effect("a statement that changes data");
            }
        }
        match PREVIOUS_START {
            Some(previous) => previous(query, flags),
            None => pg_sys::standard_ExecutorStart(query, flags),
        }
    }
}

#[pg_guard]
#[allow(clippy::too_many_arguments, reason = "the server's signature")]
unsafe extern "C-unwind" fn process_utility(
    statement: *mut pg_sys::PlannedStmt,
    text: *const c_char,
    read_only_tree: bool,
    context: pg_sys::ProcessUtilityContext::Type,
    params: pg_sys::ParamListInfo,
    environment: *mut pg_sys::QueryEnvironment,
    receiver: *mut pg_sys::DestReceiver,
    completion: *mut pg_sys::QueryCompletion,
) {
    if READING.get() {
        refuse_effect("a command");
    }
    // SAFETY: the chained hook has the same contract.
    unsafe {
        match PREVIOUS_UTILITY {
            Some(previous) => previous(
                statement,
                text,
                read_only_tree,
                context,
                params,
                environment,
                receiver,
                completion,
            ),
            None => pg_sys::standard_ProcessUtility(
                statement,
                text,
                read_only_tree,
                context,
                params,
                environment,
                receiver,
                completion,
            ),
        }
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn object_access(
    access: pg_sys::ObjectAccessType::Type,
    class: pg_sys::Oid,
    object: pg_sys::Oid,
    part: c_int,
    argument: *mut c_void,
) {
    use pg_sys::ObjectAccessType::{OAT_FUNCTION_EXECUTE, OAT_NAMESPACE_SEARCH};
    // SAFETY: the chained hook has the same contract.
    unsafe {
        if let Some(previous) = PREVIOUS_ACCESS {
            previous(access, class, object, part, argument);
        }
    }
    match access {
        _ if !READING.get() => {}
        OAT_FUNCTION_EXECUTE => judge(object, false),
        OAT_NAMESPACE_SEARCH => {}
        _ => refuse_effect("a change of the catalog"),
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn needs_fmgr(function: pg_sys::Oid) -> bool {
    if READING.get() {
        judge(function, true);
    }
    // SAFETY: the chained hook has the same contract.
    unsafe { PREVIOUS_FMGR.is_some_and(|previous| previous(function)) }
}
