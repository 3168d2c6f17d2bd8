//! The planner hook that decides which indexes a plan may use.
//!
//! Installed once when the library is loaded and chained; it does nothing unless a call of
//! [`super::plan()`] is under way, and then only for that very planner call: a function that
//! planning folds may plan and *run* queries of its own, which must not see indexes that do not
//! exist. The call is recognised by its parameter list, which is made anew for each.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::ffi::c_char;

use advisor_core::index_set::IndexSet;
use pgrx::{pg_guard, pg_sys};

use super::hypothetical::Hypotheticals;
use super::pg_compat;

/// What one planner call may use.
pub(crate) struct Offer<'a> {
    pub(super) hypotheticals: &'a Hypotheticals,
    pub(super) offered: &'a IndexSet,
    /// Real indexes to leave out.
    pub(super) hidden: &'a BTreeSet<u32>,
    pub(super) params: pg_sys::ParamListInfo,
}

thread_local! {
    static ACTIVE: Cell<*const ()> = const { Cell::new(std::ptr::null()) };
}

static mut PREVIOUS_INFO: pg_sys::get_relation_info_hook_type = None;
static mut PREVIOUS_NAME: pg_sys::explain_get_index_name_hook_type = None;

/// Chains the hooks and reserves the settings' prefix. Called from `_PG_init`, once a process.
pub(crate) fn install() {
    pg_compat::reserve_prefix(c"mcp_advisor");
    // SAFETY: the backend is single-threaded and `_PG_init` runs once.
    unsafe {
        PREVIOUS_INFO = pg_sys::get_relation_info_hook;
        pg_sys::get_relation_info_hook = Some(relation_info);
        PREVIOUS_NAME = pg_sys::explain_get_index_name_hook;
        pg_sys::explain_get_index_name_hook = Some(index_name);
    }
    super::perturb::install();
    super::stats_hook::install();
    super::second::install();
}

/// Makes `offer` the active one while `f` runs.
pub(super) fn with_offer<R>(offer: &Offer<'_>, f: impl FnOnce() -> R) -> R {
    struct Restore(*const ());
    impl Drop for Restore {
        fn drop(&mut self) {
            ACTIVE.set(self.0);
        }
    }
    let _restore = Restore(ACTIVE.replace(std::ptr::from_ref(offer).cast()));
    f()
}

pub(super) fn active<'a>() -> Option<&'a Offer<'a>> {
    // SAFETY: set by `with_offer` to a reference that outlives the call in which hooks run.
    unsafe { ACTIVE.get().cast::<Offer<'a>>().as_ref() }
}

/// Whether this planner call is the one that we made.
///
/// # Safety
/// `root` must be the planner's.
pub(super) unsafe fn is_ours(root: *const pg_sys::PlannerInfo) -> bool {
    // SAFETY: the planner's structs are complete.
    active().is_some_and(|offer| unsafe { (*(*root).glob).boundParams == offer.params })
}

#[pg_guard]
unsafe extern "C-unwind" fn relation_info(
    root: *mut pg_sys::PlannerInfo,
    relation: pg_sys::Oid,
    inhparent: bool,
    rel: *mut pg_sys::RelOptInfo,
) {
    // SAFETY: called by the planner with valid pointers; the chained hook has the same contract.
    unsafe {
        if let Some(previous) = PREVIOUS_INFO {
            previous(root, relation, inhparent, rel);
        }
        super::shadow::adjust(relation, inhparent, rel);
        let Some(offer) = active() else { return };
        if !is_ours(root) {
            return;
        }
        if !offer.hidden.is_empty() {
            (*rel).indexlist = without(offer.hidden, (*rel).indexlist);
        }
        // The parent of an inheritance tree is not scanned itself; it comes again as a child.
        if !inhparent {
            offer.hypotheticals.inject(relation.to_u32(), rel, offer.offered);
        }
        super::perturb::change_relation(rel);
    }
}

unsafe fn without(hidden: &BTreeSet<u32>, list: *mut pg_sys::List) -> *mut pg_sys::List {
    let mut kept = std::ptr::null_mut();
    // SAFETY: the planner's list of IndexOptInfo, walked within its length.
    unsafe {
        let length = if list.is_null() { 0 } else { (*list).length };
        for at in 0..length {
            let info: *mut pg_sys::IndexOptInfo = pg_sys::list_nth(list, at).cast();
            if !hidden.contains(&(*info).indexoid.to_u32()) {
                kept = pg_sys::lappend(kept, info.cast());
            }
        }
    }
    kept
}

/// Names hypothetical indexes in EXPLAIN output.
#[pg_guard]
unsafe extern "C-unwind" fn index_name(index: pg_sys::Oid) -> *const c_char {
    // SAFETY: the chained hook has the same contract; the name is copied into the current context.
    unsafe {
        let name = active().and_then(|offer| offer.hypotheticals.name(index.to_u32()));
        if let Some(name) = name {
            return pg_sys::pstrdup(name.as_ptr());
        }
        PREVIOUS_NAME.map_or(std::ptr::null(), |previous| previous(index))
    }
}
