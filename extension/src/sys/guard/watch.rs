//! The hooks of a latched session: what runs is looked at where it starts, from whichever depth it
//! is started. The same hooks look at what runs while a statement is read: see [`super::undisturbed`].
//!
//! - `ExecutorStart`: nothing but SELECT without row locks.
//! - `ProcessUtility`: the commands that only concern the session.
//! - `object_access_hook`: no object is made, changed or dropped; every function that is set up in
//!   an expression, an aggregate or by the fast-path protocol is judged.
//! - `needs_fmgr_hook`: every other function that is not built in is judged where it is looked up:
//!   support functions of operator classes, input and output functions of types, estimators.
//! - `ExecutorCheckPerms`: no column of the catalog with secrets in it.
//! - `planner_hook`: the same, through views of users too, which read as their owners; and no parallel
//!   plan for a query with functions of users. Workers are not latched, but the leader sets the whole
//!   plan up and so judges every function in it; what a function's body calls in a worker nobody
//!   would judge.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::{c_char, c_int, c_void};

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{PgLogLevel, PgSqlErrorCode, pg_guard, pg_sys};

use super::answer;
use super::relation::{self, Read};
use super::tree;
use super::undisturbed::{self, is_reading};
use super::utility;
use super::{latch, memory};
use crate::sys::analyze::list_len;
use crate::sys::passing::{self, guarded};
use crate::sys::pg_compat;

/// Why something is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// What is refused, naming the object.
    pub(crate) reason: String,
    /// Why.
    pub(crate) detail: String,
    /// What to write instead.
    pub(crate) hint: String,
}

/// Who judges what runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Judges {
    /// Of a function that is about to run; `true` when the server looks it up by itself.
    pub(crate) function: fn(u32, bool) -> Option<Refusal>,
    /// Whether a function is a user's, whose body may call anything.
    pub(crate) is_users: fn(u32) -> bool,
    /// Of a relation that is about to be read.
    pub(crate) read: fn(&Read) -> Option<Refusal>,
    /// Of a setting that is about to be shown.
    pub(crate) setting: fn(&str) -> Option<Refusal>,
    /// Whether the session's settings say that it may only read.
    pub(crate) is_set_to_latch: fn() -> bool,
}

static mut JUDGES: Option<Judges> = None;
static mut PREVIOUS_START: pg_sys::ExecutorStart_hook_type = None;
static mut PREVIOUS_RUN: pg_sys::ExecutorRun_hook_type = None;
static mut PREVIOUS_UTILITY: pg_sys::ProcessUtility_hook_type = None;
static mut PREVIOUS_ACCESS: pg_sys::object_access_hook_type = None;
static mut PREVIOUS_FMGR: pg_sys::needs_fmgr_hook_type = None;
static mut PREVIOUS_PLANNER: pg_sys::planner_hook_type = None;
static mut PREVIOUS_PERMS: pg_sys::ExecutorCheckPerms_hook_type = None;

thread_local! {
    /// Verdicts on functions since the catalog last changed.
    static VERDICTS: RefCell<HashMap<(u32, bool), Option<Refusal>>> = RefCell::new(HashMap::new());
    /// Whether a statement of the extension that waits is running.
    static WAITING: Cell<bool> = const { Cell::new(false) };
}

/// Lets `work`, which runs a fixed text of the extension that calls nothing but functions of the
/// server, wait between what it looks at, also in a latched session: for that time `pg_sleep` may be
/// called. An error that comes out of `work` ends it too.
pub(crate) fn waiting<T>(work: impl FnOnce() -> T) -> T {
    struct Done;
    impl Drop for Done {
        fn drop(&mut self) {
            WAITING.set(false);
        }
    }
    WAITING.set(true);
    let _done = Done;
    work()
}

/// Chains the hooks. Called from `_PG_init`, once a process.
pub(crate) fn install(judges: Judges) {
    latch::install();
    // SAFETY: the backend is single-threaded and `_PG_init` runs once.
    unsafe {
        JUDGES = Some(judges);
        PREVIOUS_START = pg_sys::ExecutorStart_hook;
        pg_sys::ExecutorStart_hook = Some(executor_start);
        PREVIOUS_RUN = pg_sys::ExecutorRun_hook;
        pg_sys::ExecutorRun_hook = Some(pg_compat::executor_run_hook);
        PREVIOUS_UTILITY = pg_sys::ProcessUtility_hook;
        pg_sys::ProcessUtility_hook = Some(process_utility);
        PREVIOUS_ACCESS = pg_sys::object_access_hook;
        pg_sys::object_access_hook = Some(object_access);
        PREVIOUS_FMGR = pg_sys::needs_fmgr_hook;
        pg_sys::needs_fmgr_hook = Some(needs_fmgr);
        PREVIOUS_PERMS = pg_sys::ExecutorCheckPerms_hook;
        pg_sys::ExecutorCheckPerms_hook = Some(pg_compat::check_perms_hook);
        PREVIOUS_PLANNER = pg_sys::planner_hook;
        pg_sys::planner_hook = Some(planner);
        let caches = [pg_sys::SysCacheIdentifier::PROCOID, pg_sys::SysCacheIdentifier::LANGOID];
        for cache in caches {
            pg_sys::CacheRegisterSyscacheCallback(
                cache as i32,
                Some(forget),
                pg_sys::Datum::from(0_usize),
            );
        }
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn forget(_argument: pg_sys::Datum, _cache: c_int, _hash: u32) {
    VERDICTS.with_borrow_mut(HashMap::clear);
}

/// Raises the refusal: 25006, as the server's own refusals in a read-only transaction.
pub(super) fn refuse(refusal: Refusal) -> ! {
    let code = PgSqlErrorCode::ERRCODE_READ_ONLY_SQL_TRANSACTION;
    ErrorReport::new(code, refusal.reason, "mcp_guard")
        .set_detail(refusal.detail)
        .set_hint(refusal.hint)
        .report(PgLogLevel::ERROR);
    unreachable!("an ERROR does not return")
}

/// Refuses in words of our own.
pub(super) fn refuse_command(what: &str) -> ! {
    refuse(Refusal {
        reason: format!("{what} is not allowed in this session"),
        detail: "The session was closed for changes by mcp_guard(), until it ends.".to_owned(),
        hint: "Send a query that only reads, or use another session.".to_owned(),
    })
}

fn judges() -> Option<Judges> {
    // SAFETY: written once, before any hook can run.
    unsafe { JUDGES }
}

/// Whether the session's settings say that it may only read.
pub(super) fn is_set_to_latch() -> bool {
    judges().is_some_and(|judges| (judges.is_set_to_latch)())
}

/// Refuses the function if it may not run: verdicts stay the same while a session is latched and
/// the catalog is.
fn judge_function(oid: u32, support: bool) {
    // Not a verdict to be kept.
    if WAITING.get() && oid == pg_sys::F_PG_SLEEP {
        return;
    }
    let judge = || undisturbed::aside(|| (judges()?.function)(oid, support));
    let verdict = if latch::is_latched() {
        let known = VERDICTS.with_borrow(|verdicts| verdicts.get(&(oid, support)).cloned());
        known.unwrap_or_else(|| {
            let verdict = judge();
            VERDICTS.with_borrow_mut(|verdicts| verdicts.insert((oid, support), verdict.clone()));
            verdict
        })
    } else {
        judge()
    };
    if let Some(refusal) = verdict {
        refuse(refusal);
    }
}

/// Whether the setting holds a secret.
pub(super) fn is_secret(name: &str) -> bool {
    judges().is_some_and(|judges| (judges.setting)(name).is_some())
}

/// Refuses the setting if it holds a secret.
pub(super) fn judge_setting(name: &str) {
    if let Some(refusal) = judges().and_then(|judges| (judges.setting)(name)) {
        refuse(refusal);
    }
}

// The hooks on planning, starting, running and commands hand on as `passing` says.

unsafe extern "C-unwind" fn planner(
    query: *mut pg_sys::Query,
    text: *const c_char,
    options: c_int,
    params: pg_sys::ParamListInfo,
) -> *mut pg_sys::PlannedStmt {
    let mut words = memory::Words::new();
    // SAFETY: called by the server with an analyzed query; the chained hook has the same contract. The
    // words stay where they are until they are taken down.
    unsafe {
        let options = guarded(|| {
            let options = judge_plan(query, options);
            // Constants are computed now, and may be large.
            latch::watch_memory(&mut words);
            options
        });
        let plan = match PREVIOUS_PLANNER {
            Some(previous) => previous(query, text, options, params),
            None => passing::standard_planner(query, text, options, params),
        };
        words.take_down();
        plan
    }
}

/// Refuses a query that reads what it may not; otherwise the options to plan it with.
unsafe fn judge_plan(query: *mut pg_sys::Query, options: c_int) -> c_int {
    let parallel = pg_sys::CURSOR_OPT_PARALLEL_OK as c_int;
    if !latch::is_latched() {
        return options;
    }
    // SAFETY: an analyzed query.
    let contents = unsafe { tree::contents_of(query) };
    if let Some(refusal) =
        judges().and_then(|judges| contents.reads.iter().find_map(|read| (judges.read)(read)))
    {
        refuse(refusal);
    }
    let alone = options & parallel != 0 && calls_users_functions(&contents);
    if alone { options & !parallel } else { options }
}

fn calls_users_functions(contents: &tree::Contents) -> bool {
    // The checks of domains are not in the tree.
    !contents.domains.is_empty()
        || judges()
            .is_some_and(|judges| contents.functions.iter().any(|&oid| (judges.is_users)(oid)))
}

unsafe extern "C-unwind" fn executor_start(query: *mut pg_sys::QueryDesc, flags: c_int) {
    // SAFETY: called by the server with a complete plan; the chained hook has the same contract.
    unsafe {
        guarded(|| judge_start(query, flags));
        match PREVIOUS_START {
            Some(previous) => previous(query, flags),
            None => passing::standard_ExecutorStart(query, flags),
        }
    }
}

unsafe fn judge_start(query: *mut pg_sys::QueryDesc, flags: c_int) {
    // SAFETY: a complete plan.
    unsafe {
        if is_reading() && !reads((*query).plannedstmt) {
            undisturbed::refuse_effect("a statement that changes data");
        }
        if latch::is_latched() {
            latch::enforce();
            if flags & pg_sys::EXEC_FLAG_EXPLAIN_ONLY as c_int == 0 {
                let plan = (*query).plannedstmt;
                if (*plan).commandType != pg_sys::CmdType::CMD_SELECT || (*plan).hasModifyingCTE {
                    refuse_command("a statement that changes data");
                }
                if !(*plan).rowMarks.is_null() {
                    refuse_command("a locking clause");
                }
            }
        }
    }
}

/// Whether the plan changes and locks nothing.
unsafe fn reads(plan: *const pg_sys::PlannedStmt) -> bool {
    // SAFETY: a complete plan.
    unsafe {
        (*plan).commandType == pg_sys::CmdType::CMD_SELECT
            && !(*plan).hasModifyingCTE
            && (*plan).rowMarks.is_null()
    }
}

/// The hook that was there before, for [`pg_compat`].
pub(crate) fn previous_run() -> pg_sys::ExecutorRun_hook_type {
    // SAFETY: written once, before any hook can run.
    unsafe { PREVIOUS_RUN }
}

/// The hook that was there before, for [`pg_compat`].
pub(crate) fn previous_perms() -> pg_sys::ExecutorCheckPerms_hook_type {
    // SAFETY: as above.
    unsafe { PREVIOUS_PERMS }
}

/// Refuses what is read of the catalog's secrets.
///
/// What a view of the server's own reads, it reads as the role that made the database, and shows
/// what it may.
pub(crate) unsafe fn check_read(
    relation: pg_sys::Oid,
    columns: *const pg_sys::Bitmapset,
    acts_as: pg_sys::Oid,
) {
    if !latch::is_latched()
        || acts_as.to_u32() == pg_sys::BOOTSTRAP_SUPERUSERID
        || columns.is_null()
    {
        return;
    }
    // SAFETY: the set is the plan's.
    let read = unsafe { relation::read(relation, columns) };
    let refusal = read.and_then(|read| judges().and_then(|judges| (judges.read)(&read)));
    if let Some(refusal) = refusal {
        refuse(refusal);
    }
}

#[allow(clippy::too_many_arguments, reason = "the server's signature")]
unsafe extern "C-unwind" fn process_utility(
    statement: *mut pg_sys::PlannedStmt,
    text: *const c_char,
    read_only_tree: bool,
    context: pg_sys::ProcessUtilityContext::Type,
    params: pg_sys::ParamListInfo,
    environment: *mut pg_sys::QueryEnvironment,
    destination: *mut pg_sys::DestReceiver,
    completion: *mut pg_sys::QueryCompletion,
) {
    // SAFETY: called by the server with a utility statement; the chained hook has the same contract.
    unsafe {
        guarded(|| judge_command(statement, context));
        match PREVIOUS_UTILITY {
            Some(previous) => previous(
                statement,
                text,
                read_only_tree,
                context,
                params,
                environment,
                destination,
                completion,
            ),
            None => passing::standard_ProcessUtility(
                statement,
                text,
                read_only_tree,
                context,
                params,
                environment,
                destination,
                completion,
            ),
        }
        guarded(latch::enforce);
    }
}

unsafe fn judge_command(
    statement: *mut pg_sys::PlannedStmt,
    context: pg_sys::ProcessUtilityContext::Type,
) {
    if is_reading() {
        undisturbed::refuse_effect("a command");
    }
    if !latch::is_latched() {
        return;
    }
    // SAFETY: a utility statement.
    unsafe {
        utility::check((*statement).utilityStmt);
        if latch::opens_with_transaction() && (*statement).stmt_location > 0 {
            utility::check_stays((*statement).utilityStmt);
        }
        if context == pg_sys::ProcessUtilityContext::PROCESS_UTILITY_TOPLEVEL {
            answer::command_begins(utility::asks_for_rows((*statement).utilityStmt));
        }
        if utility::runs_in_transaction((*statement).utilityStmt) {
            latch::enforce();
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
    if !is_reading() && !latch::is_latched() {
        return;
    }
    match access {
        OAT_FUNCTION_EXECUTE => judge_function(object.to_u32(), false),
        OAT_NAMESPACE_SEARCH => {}
        _ if is_reading() => undisturbed::refuse_effect("a change of the catalog"),
        _ => refuse_command("a change of the catalog"),
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn needs_fmgr(function: pg_sys::Oid) -> bool {
    if is_reading() || latch::is_latched() {
        judge_function(function.to_u32(), true);
    }
    // SAFETY: the chained hook has the same contract.
    unsafe { PREVIOUS_FMGR.is_some_and(|previous| previous(function)) }
}

/// The number of entries of a range table, for [`pg_compat`].
pub(crate) unsafe fn entries(list: *mut pg_sys::List) -> i32 {
    // SAFETY: the server's list or null.
    unsafe { list_len(list) }
}
