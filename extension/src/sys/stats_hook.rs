//! The planner hook that hands out the statistics of expressions.
//!
//! As [`super::hook`], it acts for the planner call under way only, and there only for indexes that do not
//! exist: for all others the chained hook or the server answers.

use pgrx::{pg_guard, pg_sys};

use super::hook::active;

static mut PREVIOUS: pg_sys::get_index_stats_hook_type = None;

/// Chains the hook. Called once a process.
pub(super) fn install() {
    // SAFETY: the backend is single-threaded and `_PG_init` runs once.
    unsafe {
        PREVIOUS = pg_sys::get_index_stats_hook;
        pg_sys::get_index_stats_hook = Some(index_statistics);
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn index_statistics(
    root: *mut pg_sys::PlannerInfo,
    index: pg_sys::Oid,
    column: pg_sys::AttrNumber,
    about: *mut pg_sys::VariableStatData,
) -> bool {
    // SAFETY: called by the planner with valid pointers; the chained hook has the same contract. The
    // tuple outlives the planner call.
    unsafe {
        if let Some(offer) = active()
            && (*(*root).glob).boundParams == offer.params
            && let Some(tuple) = offer.hypotheticals.statistics(index.to_u32(), column)
        {
            if !tuple.is_null() {
                (*about).statsTuple = tuple;
                (*about).freefunc = Some(keep);
                (*about).acl_ok = may_see_values(root, (*about).rel);
            }
            return true;
        }
        PREVIOUS.is_some_and(|previous| previous(root, index, column, about))
    }
}

/// What the planner calls when it has read the statistics: they stay.
const unsafe extern "C-unwind" fn keep(_tuple: pg_sys::HeapTuple) {}

/// Whether functions that may leak their arguments may be called with values of the relation, as
/// `examine_variable` (`selfuncs.c`) decides it for an index that exists; a view's owner is not asked.
unsafe fn may_see_values(root: *mut pg_sys::PlannerInfo, rel: *mut pg_sys::RelOptInfo) -> bool {
    // SAFETY: the planner's arrays have an entry for each relation; those of parents, if there are any.
    unsafe {
        if rel.is_null() {
            return false;
        }
        let mut relid = (*rel).relid as usize;
        let mut entry = *(*root).simple_rte_array.add(relid);
        // Who reads a partition needs rights on what he named.
        while !(*root).append_rel_array.is_null() {
            let parent = *(*root).append_rel_array.add(relid);
            if parent.is_null() {
                break;
            }
            relid = (*parent).parent_relid as usize;
            let above = *(*root).simple_rte_array.add(relid);
            if (*above).rtekind != pg_sys::RTEKind::RTE_RELATION {
                break;
            }
            entry = above;
        }
        let select = pg_sys::AclMode::from(pg_sys::ACL_SELECT);
        (*entry).securityQuals.is_null()
            && pg_sys::pg_class_aclcheck((*entry).relid, pg_sys::GetUserId(), select)
                == pg_sys::AclResult::ACLCHECK_OK
    }
}
