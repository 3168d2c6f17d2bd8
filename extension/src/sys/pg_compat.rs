//! Every difference between server versions.

use std::ffi::{CStr, CString, c_char, c_int};
use std::time::Duration;

use pgrx::pg_sys;

use super::pg_statistics;

/// The server version that the extension is built for, such as 150004.
pub(crate) const VERSION: u32 = pg_sys::PG_VERSION_NUM;

/// The first timeout that libraries may register (`TimeoutId` in `utils/timeout.h`).
#[cfg(feature = "pg14")]
pub(super) const USER_TIMEOUT: std::ffi::c_int = 10;
/// The first timeout that libraries may register (`TimeoutId` in `utils/timeout.h`).
#[cfg(any(feature = "pg15", feature = "pg16"))]
pub(super) const USER_TIMEOUT: std::ffi::c_int = 12;
/// The first timeout that libraries may register (`TimeoutId` in `utils/timeout.h`).
#[cfg(any(feature = "pg17", feature = "pg18"))]
pub(super) const USER_TIMEOUT: std::ffi::c_int = 13;

/// Reports settings under our prefix that do not exist.
pub(super) fn reserve_prefix(prefix: &CStr) {
    // SAFETY: called from `_PG_init` after all settings are defined; the string is copied.
    unsafe {
        #[cfg(feature = "pg14")]
        pg_sys::EmitWarningsOnPlaceholders(prefix.as_ptr());
        #[cfg(not(feature = "pg14"))]
        pg_sys::MarkGUCPrefixReserved(prefix.as_ptr());
    }
}

/// What an `IndexOptInfo` declares of its access method's cost estimator: up to 15 a function without
/// arguments, which the planner casts back.
#[cfg(any(feature = "pg14", feature = "pg15"))]
pub(super) type CostEstimator = Option<unsafe extern "C-unwind" fn()>;
/// What an `IndexOptInfo` declares of its access method's cost estimator.
#[cfg(not(any(feature = "pg14", feature = "pg15")))]
pub(super) type CostEstimator = pg_sys::amcostestimate_function;

/// The cost estimator of an access method, as the planner's struct has it.
pub(super) fn cost_estimator(function: pg_sys::amcostestimate_function) -> CostEstimator {
    #[cfg(any(feature = "pg14", feature = "pg15"))]
    // SAFETY: a pointer to a function stays what it is; it is called through its own type only.
    unsafe {
        std::mem::transmute::<pg_sys::amcostestimate_function, CostEstimator>(function)
    }
    #[cfg(not(any(feature = "pg14", feature = "pg15")))]
    function
}

/// A position in the range table as `makeVar` takes it.
#[cfg(feature = "pg14")]
pub(super) fn varno(relid: i32) -> pg_sys::Index {
    relid.cast_unsigned()
}
/// A position in the range table as `makeVar` takes it.
#[cfg(not(feature = "pg14"))]
pub(super) fn varno(relid: i32) -> i32 {
    relid
}

/// Analyzes a statement whose parameters have the types that are given, or that it finds for them.
///
/// # Safety
/// All are the parser's; `types` and `count` describe an array in the current memory context.
pub(super) unsafe fn analyze_varparams(
    raw: *mut pg_sys::RawStmt,
    text: *const c_char,
    types: *mut *mut pg_sys::Oid,
    count: *mut c_int,
) -> *mut pg_sys::Query {
    // SAFETY: see the contract.
    unsafe {
        #[cfg(feature = "pg14")]
        return pg_sys::parse_analyze_varparams(raw, text, types, count);
        #[cfg(not(feature = "pg14"))]
        pg_sys::parse_analyze_varparams(raw, text, types, count, std::ptr::null_mut())
    }
}

/// Analyzes and rewrites a statement with a parser set up by the caller.
///
/// # Safety
/// `raw` and `text` are the parser's, and `setup` takes what `argument` points to.
pub(super) unsafe fn analyze_and_rewrite(
    raw: *mut pg_sys::RawStmt,
    text: *const c_char,
    setup: pg_sys::ParserSetupHook,
    argument: *mut std::ffi::c_void,
) -> *mut pg_sys::List {
    let none = std::ptr::null_mut();
    // SAFETY: see the contract.
    unsafe {
        #[cfg(feature = "pg14")]
        return pg_sys::pg_analyze_and_rewrite_params(raw, text, setup, argument, none);
        #[cfg(not(feature = "pg14"))]
        pg_sys::pg_analyze_and_rewrite_withcb(raw, text, setup, argument, none)
    }
}

/// Sets a run-time parameter for the current GUC nesting level.
///
/// # Safety
/// Must be called inside a transaction, with a nesting level opened by the caller.
pub(super) unsafe fn set_local_option(name: &CStr, value: &CStr) {
    // SAFETY: see the function's own contract; the server copies both strings.
    unsafe {
        pg_sys::set_config_option(
            name.as_ptr(),
            value.as_ptr(),
            pg_sys::GucContext::PGC_SUSET,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_SAVE,
            true,
            pg_sys::DEBUG1 as i32,
            false,
        );
    }
}

/// Sets a run-time parameter as `SET` does, or, `local`, as `SET LOCAL`.
///
/// # Safety
/// Must be called inside a transaction that is not parallel.
pub(super) unsafe fn set_option(name: &CStr, value: &CStr, local: bool) {
    use pg_sys::GucAction::{GUC_ACTION_LOCAL, GUC_ACTION_SET};
    // SAFETY: see the contract; the server copies both strings.
    unsafe {
        pg_sys::set_config_option(
            name.as_ptr(),
            value.as_ptr(),
            pg_sys::GucContext::PGC_SUSET,
            pg_sys::GucSource::PGC_S_SESSION,
            if local { GUC_ACTION_LOCAL } else { GUC_ACTION_SET },
            true,
            pgrx::PgLogLevel::ERROR as i32,
            false,
        );
    }
}

/// The run-time parameters with a text for a value that can be set in a running backend, with those
/// that nobody has defined; and whether each is of the configuration file only.
pub(super) fn text_settings() -> Vec<(CString, bool)> {
    use pg_sys::GucContext::{PGC_SIGHUP, PGC_SUSET, PGC_USERSET};
    // SAFETY: the server's list of pointers, as long as it says; the names are copied.
    unsafe {
        #[cfg(any(feature = "pg14", feature = "pg15"))]
        let (list, count) = (pg_sys::get_guc_variables(), pg_sys::GetNumConfigOptions());
        #[cfg(any(feature = "pg16", feature = "pg17", feature = "pg18"))]
        let (list, count) = {
            let mut count = 0;
            (pg_sys::get_guc_variables(&raw mut count), count)
        };
        (0..usize::try_from(count).unwrap_or(0))
            .map(|at| *list.add(at))
            .filter(|one| (**one).vartype == pg_sys::config_type::PGC_STRING)
            .filter(|one| [PGC_SIGHUP, PGC_SUSET, PGC_USERSET].contains(&(**one).context))
            .map(|one| (CStr::from_ptr((*one).name).to_owned(), (*one).context == PGC_SIGHUP))
            .collect()
    }
}

/// Empties a run-time parameter in this process, whatever the configuration file says or will say;
/// and, with `for_good`, what RESET would set it to. Else it is as it was when the transaction ends.
///
/// # Safety
/// As [`set_option`]; it must be one of [`text_settings`].
pub(super) unsafe fn empty_option(name: &CStr, for_good: bool) {
    use pg_sys::{GucAction, GucSource};
    let (source, action) = if for_good {
        (GucSource::PGC_S_OVERRIDE, GucAction::GUC_ACTION_SET)
    } else {
        (GucSource::PGC_S_SESSION, GucAction::GUC_ACTION_LOCAL)
    };
    // SAFETY: see the contract; the server copies both strings.
    unsafe {
        pg_sys::set_config_option(
            name.as_ptr(),
            c"".as_ptr(),
            pg_sys::GucContext::PGC_SIGHUP,
            source,
            action,
            true,
            pgrx::PgLogLevel::ERROR as i32,
            false,
        );
    }
}

/// Raises the server's own permission error unless the current role may run the plan.
///
/// # Safety
/// `planned` must be a plan made by the server.
pub(super) unsafe fn check_permissions(planned: *mut pg_sys::PlannedStmt) {
    // SAFETY: the range table of a finished plan is complete; the call only reads catalogs.
    unsafe {
        #[cfg(any(feature = "pg14", feature = "pg15"))]
        pg_sys::ExecCheckRTPerms((*planned).rtable, true);
        #[cfg(any(feature = "pg16", feature = "pg17", feature = "pg18"))]
        pg_sys::ExecCheckPermissions((*planned).rtable, (*planned).permInfos, true);
    }
}

/// Adds a plan to the output of EXPLAIN; executes it if the state says so.
///
/// # Safety
/// `planned` must be a plan made by the server for `text`, which is NUL-terminated; a snapshot
/// must be active.
pub(super) unsafe fn explain_plan(
    state: *mut pg_sys::ExplainState,
    planned: *mut pg_sys::PlannedStmt,
    text: *const std::ffi::c_char,
    params: pg_sys::ParamListInfo,
    planning: Option<Duration>,
    buffers: Option<&pg_sys::BufferUsage>,
) {
    use std::ptr::{from_ref, null, null_mut};
    let elapsed = planning.map(instr_time);
    let elapsed = elapsed.as_ref().map_or(null(), from_ref);
    let buffers = buffers.map_or(null(), from_ref);
    // SAFETY: see the contract; the pointers live until the call returns.
    unsafe {
        #[cfg(any(feature = "pg14", feature = "pg15", feature = "pg16"))]
        pg_sys::ExplainOnePlan(
            planned,
            null_mut(),
            state,
            text,
            params,
            null_mut(),
            elapsed,
            buffers,
        );
        #[cfg(any(feature = "pg17", feature = "pg18"))]
        pg_sys::ExplainOnePlan(
            planned,
            null_mut(),
            state,
            text,
            params,
            null_mut(),
            elapsed,
            buffers,
            null(),
        );
    }
}

/// A duration as the server measures time.
fn instr_time(elapsed: Duration) -> pg_sys::instr_time {
    #[cfg(any(feature = "pg14", feature = "pg15"))]
    return pg_sys::instr_time {
        tv_sec: i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(elapsed.subsec_nanos()),
    };
    #[cfg(any(feature = "pg16", feature = "pg17", feature = "pg18"))]
    return pg_sys::instr_time { ticks: i64::try_from(elapsed.as_nanos()).unwrap_or(i64::MAX) };
}

/// The columns of a range table entry that its query reads.
///
/// # Safety
/// The entry must be one of the query's range table.
pub(super) unsafe fn selected_columns(
    query: *const pg_sys::Query,
    entry: *const pg_sys::RangeTblEntry,
) -> *const pg_sys::Bitmapset {
    // SAFETY: see the contract; the index of the permissions counts from 1.
    unsafe {
        #[cfg(any(feature = "pg14", feature = "pg15"))]
        {
            let _ = query;
            (*entry).selectedCols
        }
        #[cfg(any(feature = "pg16", feature = "pg17", feature = "pg18"))]
        {
            let index = (*entry).perminfoindex;
            if index == 0 {
                return std::ptr::null();
            }
            let info: *const pg_sys::RTEPermissionInfo =
                pg_sys::list_nth((*query).rteperminfos, index as i32 - 1).cast();
            (*info).selectedCols
        }
    }
}

/// The statistics of an expression of an extended statistics object, copied into the current context;
/// null when none were collected. Positions count from 0.
///
/// # Safety
/// The object must have so many expressions.
pub(super) unsafe fn expression_statistics(
    object: pg_sys::Oid,
    position: i32,
) -> pg_sys::HeapTuple {
    // SAFETY: the tuple is held while it is looked at; what is built may be loaded.
    unsafe {
        let cache = pg_sys::SysCacheIdentifier::STATEXTDATASTXOID as i32;
        let object_key = pg_sys::Datum::from(object);
        #[cfg(feature = "pg14")]
        let data = pg_sys::SearchSysCache1(cache, object_key);
        #[cfg(not(feature = "pg14"))]
        let data = pg_sys::SearchSysCache2(cache, object_key, pg_sys::Datum::from(false));
        if data.is_null() {
            return std::ptr::null_mut();
        }
        let kind = pg_statistics::STATS_EXT_EXPRESSIONS as std::ffi::c_char;
        let is_built = pg_statistics::statext_is_kind_built(data, kind);
        pg_sys::ReleaseSysCache(data);
        if !is_built {
            return std::ptr::null_mut();
        }
        #[cfg(feature = "pg14")]
        return pg_statistics::statext_expressions_load(object, position);
        #[cfg(not(feature = "pg14"))]
        return pg_statistics::statext_expressions_load(object, false, position);
    }
}

/// The length of a column's type, as in `pg_type.typlen`.
///
/// # Safety
/// The row must have the column; columns count from 0.
pub(super) unsafe fn length_of_column(row: pg_sys::TupleDesc, column: usize) -> i16 {
    // SAFETY: see the contract.
    unsafe {
        #[cfg(not(feature = "pg18"))]
        return (*(*row).attrs.as_ptr().add(column)).attlen;
        #[cfg(feature = "pg18")]
        return (*(*row).compact_attrs.as_ptr().add(column)).attlen;
    }
}

/// The hook on running a query, which limits the rows that are sent. It hands on as `passing` says.
#[cfg(not(feature = "pg18"))]
pub(super) unsafe extern "C-unwind" fn executor_run_hook(
    query: *mut pg_sys::QueryDesc,
    direction: pg_sys::ScanDirection::Type,
    count: u64,
    execute_once: bool,
) {
    use super::guard::{answer::Run, watch};
    use super::passing::{guarded, standard_ExecutorRun};
    let mut run = Run::of(query, count);
    // SAFETY: called by the server with a query that is started; the chained hook has the same
    // contract; the run stays where it is.
    unsafe {
        guarded(|| run.begin());
        match watch::previous_run() {
            Some(previous) => previous(query, direction, run.count, execute_once),
            None => standard_ExecutorRun(query, direction, run.count, execute_once),
        }
        guarded(|| run.end());
    }
}

/// The hook on running a query, which limits the rows that are sent. It hands on as `passing` says.
#[cfg(feature = "pg18")]
pub(super) unsafe extern "C-unwind" fn executor_run_hook(
    query: *mut pg_sys::QueryDesc,
    direction: pg_sys::ScanDirection::Type,
    count: u64,
) {
    use super::guard::{answer::Run, watch};
    use super::passing::{guarded, standard_ExecutorRun};
    let mut run = Run::of(query, count);
    // SAFETY: as for the other versions.
    unsafe {
        guarded(|| run.begin());
        match watch::previous_run() {
            Some(previous) => previous(query, direction, run.count),
            None => standard_ExecutorRun(query, direction, run.count),
        }
        guarded(|| run.end());
    }
}

/// The hook on the permissions of a query, which keeps secrets of the catalog.
#[cfg(any(feature = "pg14", feature = "pg15"))]
#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn check_perms_hook(
    table: *mut pg_sys::List,
    raise: bool,
) -> bool {
    use super::guard::watch;
    // SAFETY: the range table of a plan, walked within its length.
    unsafe {
        for at in 0..watch::entries(table) {
            let entry: *const pg_sys::RangeTblEntry = pg_sys::list_nth(table, at).cast();
            if (*entry).relid != pg_sys::InvalidOid {
                watch::check_read((*entry).relid, (*entry).selectedCols, (*entry).checkAsUser);
            }
        }
        watch::previous_perms().is_none_or(|previous| previous(table, raise))
    }
}

/// The hook on the permissions of a query, which keeps secrets of the catalog.
#[cfg(any(feature = "pg16", feature = "pg17", feature = "pg18"))]
#[pgrx::pg_guard]
pub(super) unsafe extern "C-unwind" fn check_perms_hook(
    table: *mut pg_sys::List,
    permissions: *mut pg_sys::List,
    raise: bool,
) -> bool {
    use super::guard::watch;
    // SAFETY: the permissions of a plan, walked within their length.
    unsafe {
        for at in 0..watch::entries(permissions) {
            let info: *const pg_sys::RTEPermissionInfo = pg_sys::list_nth(permissions, at).cast();
            watch::check_read((*info).relid, (*info).selectedCols, (*info).checkAsUser);
        }
        watch::previous_perms().is_none_or(|previous| previous(table, permissions, raise))
    }
}

/// Whether the role owns the relation, or may act as who does.
///
/// # Safety
/// Must be called inside a transaction.
pub(super) unsafe fn owns_relation(relation: pg_sys::Oid, role: pg_sys::Oid) -> bool {
    // SAFETY: a look-up by value.
    unsafe {
        #[cfg(any(feature = "pg14", feature = "pg15"))]
        return pg_sys::pg_class_ownercheck(relation, role);
        #[cfg(any(feature = "pg16", feature = "pg17", feature = "pg18"))]
        return pg_sys::object_ownercheck(pg_sys::RelationRelationId, relation, role);
    }
}

/// Whether the role owns the database, or may act as who does.
///
/// # Safety
/// Must be called inside a transaction.
pub(super) unsafe fn owns_database(database: pg_sys::Oid, role: pg_sys::Oid) -> bool {
    // SAFETY: a look-up by value.
    unsafe {
        #[cfg(any(feature = "pg14", feature = "pg15"))]
        return pg_sys::pg_database_ownercheck(database, role);
        #[cfg(any(feature = "pg16", feature = "pg17", feature = "pg18"))]
        return pg_sys::object_ownercheck(pg_sys::DatabaseRelationId, database, role);
    }
}

/// The first page of a file of this database, pinned. `tablespace` is as in `pg_class`.
///
/// # Safety
/// The relation must be locked, so that it keeps the file, and not be shared or mapped.
pub(super) unsafe fn read_first_page(
    tablespace: pg_sys::Oid,
    file: pg_sys::Oid,
    permanent: bool,
) -> pg_sys::Buffer {
    use pg_sys::ForkNumber::MAIN_FORKNUM;
    use pg_sys::ReadBufferMode::RBM_NORMAL;
    let ring = std::ptr::null_mut();
    // SAFETY: see the contract; the two globals are set when the session begins.
    unsafe {
        let database = pg_sys::MyDatabaseId;
        let tablespace = match tablespace {
            pg_sys::InvalidOid => pg_sys::MyDatabaseTableSpace,
            other => other,
        };
        #[cfg(any(feature = "pg14", feature = "pg15"))]
        let file = pg_sys::RelFileNode { spcNode: tablespace, dbNode: database, relNode: file };
        #[cfg(any(feature = "pg16", feature = "pg17", feature = "pg18"))]
        let file = pg_sys::RelFileLocator { spcOid: tablespace, dbOid: database, relNumber: file };
        #[cfg(feature = "pg14")]
        {
            // It takes every file for a permanent one; there, sequences are.
            let _ = permanent;
            pg_sys::ReadBufferWithoutRelcache(file, MAIN_FORKNUM, 0, RBM_NORMAL, ring)
        }
        #[cfg(not(feature = "pg14"))]
        pg_sys::ReadBufferWithoutRelcache(file, MAIN_FORKNUM, 0, RBM_NORMAL, ring, permanent)
    }
}
