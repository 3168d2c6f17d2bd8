//! The same plan printed once more, as JSON.
//!
//! The server prints a plan in one form and then ends its execution. Whoever wants it in another form
//! too would have to plan again, and to execute again what was executed. A hook at the end of the
//! execution prints it while everything that was measured is still there, as `auto_explain` does.

use std::cell::{Cell, RefCell};

use pgrx::pg_sys;

use super::explain::{How, printed};
use super::passing::{guarded, standard_ExecutorEnd};

/// A plan as `EXPLAIN (FORMAT JSON)` prints it, without planning and execution time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree {
    /// As it is.
    pub(crate) plain: String,
    /// With schemas, and all columns behind the name of their relation.
    pub(crate) verbose: String,
}

/// The plan that is waited for.
struct Wanted {
    plan: *mut pg_sys::PlannedStmt,
    how: How,
    tree: RefCell<Option<Tree>>,
}

thread_local! {
    static WANTED: Cell<*const Wanted> = const { Cell::new(std::ptr::null()) };
}

static mut PREVIOUS: pg_sys::ExecutorEnd_hook_type = None;

/// Chains the hook. Called from `_PG_init`, once a process.
pub(super) fn install() {
    // SAFETY: the backend is single-threaded and `_PG_init` runs once.
    unsafe {
        PREVIOUS = pg_sys::ExecutorEnd_hook;
        pg_sys::ExecutorEnd_hook = Some(executor_end);
    }
}

/// Prints `plan` as JSON when the execution ends that `f` begins. What `f` runs beside it is not
/// looked at.
pub(super) fn printing(plan: *mut pg_sys::PlannedStmt, how: How, f: impl FnOnce()) -> Option<Tree> {
    struct Restore(*const Wanted);
    impl Drop for Restore {
        fn drop(&mut self) {
            WANTED.set(self.0);
        }
    }
    let wanted = Wanted { plan, how, tree: RefCell::new(None) };
    {
        let _restore = Restore(WANTED.replace(&raw const wanted));
        f();
    }
    wanted.tree.into_inner()
}

/// Hands on as `passing` says.
unsafe extern "C-unwind" fn executor_end(query: *mut pg_sys::QueryDesc) {
    // SAFETY: called by the server with a started query; the chained hook has the same contract.
    unsafe {
        guarded(|| print_if_wanted(query));
        match PREVIOUS {
            Some(previous) => previous(query),
            None => standard_ExecutorEnd(query),
        }
    }
}

unsafe fn print_if_wanted(query: *mut pg_sys::QueryDesc) {
    // SAFETY: a started query; `WANTED` points to a local of `printing`, which is on the stack while
    // hooks run.
    unsafe {
        if let Some(wanted) = WANTED.get().as_ref()
            && (*query).plannedstmt == wanted.plan
        {
            let plain = print(query, How { verbose: false, ..wanted.how });
            let verbose = print(query, How { verbose: true, ..wanted.how });
            wanted.tree.replace(Some(Tree { plain, verbose }));
        }
    }
}

/// As `explain_ExecutorEnd` of `auto_explain` does.
unsafe fn print(query: *mut pg_sys::QueryDesc, how: How) -> String {
    // SAFETY: the caller's contract; the state is the server's own, in the current context.
    unsafe {
        let state = super::explain::state(How { format: super::Format::Json, ..how });
        pg_sys::ExplainBeginOutput(state);
        pg_sys::ExplainPrintPlan(state, query);
        if how.analyze {
            pg_sys::ExplainPrintTriggers(state, query);
        }
        pg_sys::ExplainPrintJITSummary(state, query);
        pg_sys::ExplainEndOutput(state);
        let list = printed(state);
        // One query's properties in the place of a list of queries.
        let inner = list.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        format!("{{{}}}", inner.unwrap_or_default())
    }
}
