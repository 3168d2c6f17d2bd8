//! How hooks hand on what they were called with.
//!
//! An error that the server raises below a hook is its user's, and must arrive as it was raised. pgrx's
//! boundary turns an error into a panic and raises it anew with what its own report has fields for:
//! context, position, inner query and the names of schema, table, column and constraint are lost. So
//! what a hook hands on is called without the boundary, and an error jumps over the hook. That is
//! sound while the hook's frame, and every frame between it and the server, has nothing to drop: such
//! a hook is no closure of pgrx's guard, does its own work in [`guarded`] before and after, and keeps
//! what it needs meanwhile in values that need no drop.

use std::ffi::{c_char, c_int};

use pgrx::pg_sys;

unsafe extern "C-unwind" {
    pub(super) fn standard_planner(
        query: *mut pg_sys::Query,
        text: *const c_char,
        options: c_int,
        params: pg_sys::ParamListInfo,
    ) -> *mut pg_sys::PlannedStmt;
    pub(super) fn standard_ExecutorStart(query: *mut pg_sys::QueryDesc, flags: c_int);
    #[cfg(not(feature = "pg18"))]
    pub(super) fn standard_ExecutorRun(
        query: *mut pg_sys::QueryDesc,
        direction: pg_sys::ScanDirection::Type,
        count: u64,
        execute_once: bool,
    );
    #[cfg(feature = "pg18")]
    pub(super) fn standard_ExecutorRun(
        query: *mut pg_sys::QueryDesc,
        direction: pg_sys::ScanDirection::Type,
        count: u64,
    );
    pub(super) fn standard_ExecutorEnd(query: *mut pg_sys::QueryDesc);
    pub(super) fn standard_ProcessUtility(
        statement: *mut pg_sys::PlannedStmt,
        text: *const c_char,
        read_only_tree: bool,
        context: pg_sys::ProcessUtilityContext::Type,
        params: pg_sys::ParamListInfo,
        environment: *mut pg_sys::QueryEnvironment,
        destination: *mut pg_sys::DestReceiver,
        completion: *mut pg_sys::QueryCompletion,
    );
}

/// A hook's own work: a panic in it becomes the server's error.
///
/// # Safety
/// For the frame of a hook only, which has nothing to drop; nor may what is returned.
pub(super) unsafe fn guarded<R>(f: impl FnOnce() -> R) -> R {
    const { assert!(!std::mem::needs_drop::<R>()) };
    // SAFETY: see the contract; called by the backend's only thread.
    unsafe { pgrx::pgrx_extern_c_guard(f) }
}
