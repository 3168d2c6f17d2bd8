//! One planner call.

use std::collections::BTreeSet;

use advisor_core::index_set::IndexSet;
use advisor_core::model::CandidateId;
use pgrx::pg_sys;

use super::analyze::Statement;
use super::arena::Arena;
use super::hook::{Offer, with_offer};
use super::hypothetical::Hypotheticals;
use super::params::Binding;
use super::pg_compat;

/// What the planner answered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Planned {
    /// Total cost, as EXPLAIN prints it, summed over the rewritten queries.
    pub(crate) cost: f64,
    /// Rows that the planner expects it to return, summed over the rewritten queries.
    pub(crate) rows: f64,
    /// A number that plans with the same nodes and indexes in the same places share.
    pub(crate) shape: u64,
    /// Candidates in the plan.
    pub(crate) used: IndexSet,
    /// Real indexes in the plan.
    pub(crate) used_existing: BTreeSet<u32>,
    /// Index scans on the inner side of a nested loop.
    pub(crate) inner_scans: Vec<InnerScan>,
    /// Rows that it writes.
    pub(crate) written: Vec<Written>,
}

/// Rows that a plan writes to a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Written {
    /// The table; the parent of partitions.
    pub(crate) relation: u32,
    /// What is done with them.
    pub(crate) how: Change,
    /// How many, as estimated.
    pub(crate) rows: f64,
}

/// What is done with rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// They are inserted.
    Insert,
    /// They are updated; MERGE counts as this.
    Update,
    /// They are deleted.
    Delete,
}

/// An index scan that a nested loop repeats for each outer row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InnerScan {
    /// The table (or leaf partition).
    pub(crate) relation: u32,
    /// The index: a candidate or a real one's oid.
    pub(crate) index: Index,
    /// Rows that one repetition returns.
    pub(crate) rows: f64,
    /// Repetitions.
    pub(crate) loops: f64,
    /// What the planner charges for one.
    pub(crate) cost: f64,
}

/// An index of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Index {
    /// One that does not exist.
    Candidate(CandidateId),
    /// One that does, by oid.
    Real(u32),
}

/// Plans a statement with the offered candidates and without the hidden real indexes.
///
/// Everything is allocated in `scratch`, which is reset afterwards.
pub(crate) fn plan(
    scratch: &Arena,
    statement: &Statement<'_>,
    binding: &Binding<'_>,
    hypotheticals: &Hypotheticals,
    offered: &IndexSet,
    hidden: &BTreeSet<u32>,
) -> Planned {
    let mut planned = Planned::default();
    scratch.with(|| {
        each_plan(statement, binding, hypotheticals, offered, hidden, |tree| {
            // SAFETY: a finished plan of the server's, alive until the arena is reset.
            unsafe { note_plan(tree, hypotheticals, &mut planned) }
        });
    });
    scratch.reset();
    planned
}

/// Raises the server's permission error unless the current role may run the statement.
pub(crate) fn check_permissions(scratch: &Arena, statement: &Statement<'_>, binding: &Binding<'_>) {
    let (none, empty) = (Hypotheticals::new(), IndexSet::new());
    scratch.with(|| {
        each_plan(statement, binding, &none, &empty, &BTreeSet::new(), |tree| {
            // SAFETY: a finished plan of the server's.
            unsafe { pg_compat::check_permissions(tree) }
        });
    });
    scratch.reset();
}

fn each_plan(
    statement: &Statement<'_>,
    binding: &Binding<'_>,
    hypotheticals: &Hypotheticals,
    offered: &IndexSet,
    hidden: &BTreeSet<u32>,
    mut f: impl FnMut(*mut pg_sys::PlannedStmt),
) {
    let params = binding.fresh_list();
    let offer = Offer { hypotheticals, offered, hidden, params };
    with_offer(&offer, || {
        for &query in &statement.queries {
            // SAFETY: the tree was analyzed in this call's transaction and its locks are held.
            f(unsafe { call_planner(statement, query, params) });
        }
    });
}

/// Adds the cost and the indexes of a finished plan.
pub(super) unsafe fn note_plan(
    tree: *mut pg_sys::PlannedStmt,
    hypotheticals: &Hypotheticals,
    planned: &mut Planned,
) {
    // SAFETY: a plan made by the server is complete and its parts are plan nodes.
    unsafe {
        planned.cost += (*(*tree).planTree).total_cost;
        planned.rows += (*(*tree).planTree).plan_rows;
        let rtable = (*tree).rtable;
        collect_indexes((*tree).planTree, rtable, hypotheticals, planned);
        each((*tree).subplans, |subplan| {
            collect_indexes(subplan.cast(), rtable, hypotheticals, planned);
        });
    }
}

pub(super) unsafe fn call_planner(
    statement: &Statement<'_>,
    query: *mut pg_sys::Query,
    params: pg_sys::ParamListInfo,
) -> *mut pg_sys::PlannedStmt {
    // SAFETY: the planner scribbles on its input, so it gets a copy. The cursor option is what
    // EXPLAIN uses: parallel plans are allowed.
    unsafe {
        let copy: *mut pg_sys::Query = pg_sys::copyObjectImpl(query.cast()).cast();
        pg_sys::planner(copy, statement.text, pg_sys::CURSOR_OPT_PARALLEL_OK as i32, params)
    }
}

unsafe fn each(list: *mut pg_sys::List, mut f: impl FnMut(*mut std::ffi::c_void)) {
    // SAFETY: walked within its length; a null list is empty.
    unsafe {
        let length = if list.is_null() { 0 } else { (*list).length };
        for at in 0..length {
            f(pg_sys::list_nth(list, at));
        }
    }
}

/// Notes the indexes of a plan tree. Plans are as deep as the server's own recursion allows, and
/// this frame is smaller than the executor's.
unsafe fn collect_indexes(
    plan: *mut pg_sys::Plan,
    rtable: *mut pg_sys::List,
    hypotheticals: &Hypotheticals,
    planned: &mut Planned,
) {
    use pg_sys::NodeTag;
    if plan.is_null() {
        planned.mix(0);
        return;
    }
    // SAFETY: the tag says which struct follows, as everywhere in the server.
    unsafe {
        planned.mix((*plan).type_ as u32);
        let mut children: *mut pg_sys::List = std::ptr::null_mut();
        match (*plan).type_ {
            NodeTag::T_IndexScan => {
                note((*plan.cast::<pg_sys::IndexScan>()).indexid, hypotheticals, planned);
            }
            NodeTag::T_IndexOnlyScan => {
                note((*plan.cast::<pg_sys::IndexOnlyScan>()).indexid, hypotheticals, planned);
            }
            NodeTag::T_BitmapIndexScan => {
                note((*plan.cast::<pg_sys::BitmapIndexScan>()).indexid, hypotheticals, planned);
            }
            NodeTag::T_Append => children = (*plan.cast::<pg_sys::Append>()).appendplans,
            NodeTag::T_MergeAppend => children = (*plan.cast::<pg_sys::MergeAppend>()).mergeplans,
            NodeTag::T_BitmapAnd => children = (*plan.cast::<pg_sys::BitmapAnd>()).bitmapplans,
            NodeTag::T_BitmapOr => children = (*plan.cast::<pg_sys::BitmapOr>()).bitmapplans,
            NodeTag::T_CustomScan => children = (*plan.cast::<pg_sys::CustomScan>()).custom_plans,
            NodeTag::T_SubqueryScan => {
                let inner = (*plan.cast::<pg_sys::SubqueryScan>()).subplan;
                collect_indexes(inner, rtable, hypotheticals, planned);
            }
            NodeTag::T_ModifyTable => note_written(plan.cast(), rtable, planned),
            NodeTag::T_NestLoop => note_inner_scan(plan, rtable, hypotheticals, planned),
            _ => {}
        }
        each(children, |child| collect_indexes(child.cast(), rtable, hypotheticals, planned));
        collect_indexes((*plan).lefttree, rtable, hypotheticals, planned);
        collect_indexes((*plan).righttree, rtable, hypotheticals, planned);
    }
}

/// Notes what a node writes, and how many rows it gets from below.
unsafe fn note_written(
    node: *mut pg_sys::ModifyTable,
    rtable: *mut pg_sys::List,
    planned: &mut Planned,
) {
    // SAFETY: the node has one child, and its nominal relation is in the finished plan's range table.
    unsafe {
        let position = i32::try_from((*node).nominalRelation).unwrap_or(1) - 1;
        let entry: *mut pg_sys::RangeTblEntry = pg_sys::list_nth(rtable, position).cast();
        let below = (*node).plan.lefttree;
        planned.written.push(Written {
            relation: (*entry).relid.to_u32(),
            how: match (*node).operation {
                pg_sys::CmdType::CMD_INSERT => Change::Insert,
                pg_sys::CmdType::CMD_DELETE => Change::Delete,
                _ => Change::Update,
            },
            rows: if below.is_null() { 0.0 } else { (*below).plan_rows },
        });
    }
}

/// Notes the inner side of a nested loop if it is a plain index scan. One below Memoize or
/// Material is not repeated for each outer row; an index-only scan hardly touches the table.
unsafe fn note_inner_scan(
    join: *mut pg_sys::Plan,
    rtable: *mut pg_sys::List,
    hypotheticals: &Hypotheticals,
    planned: &mut Planned,
) {
    // SAFETY: both children of a nested loop exist; the tag says that the inner one is an index
    // scan, whose range-table index is within the finished plan's range table.
    unsafe {
        let (outer, inner) = ((*join).lefttree, (*join).righttree);
        if (*inner).type_ != pg_sys::NodeTag::T_IndexScan {
            return;
        }
        let scan = inner.cast::<pg_sys::IndexScan>();
        let position = i32::try_from((*scan).scan.scanrelid).unwrap_or(1) - 1;
        let entry: *mut pg_sys::RangeTblEntry = pg_sys::list_nth(rtable, position).cast();
        let index = (*scan).indexid.to_u32();
        planned.inner_scans.push(InnerScan {
            relation: (*entry).relid.to_u32(),
            index: hypotheticals.candidate(index).map_or(Index::Real(index), Index::Candidate),
            rows: (*inner).plan_rows,
            loops: (*outer).plan_rows,
            cost: (*inner).total_cost,
        });
    }
}

impl Planned {
    /// Adds a node or an index to the shape (FNV-1a by words).
    fn mix(&mut self, word: u32) {
        self.shape = (self.shape ^ u64::from(word)).wrapping_mul(0x0100_0000_01b3).rotate_left(5);
    }
}

fn note(index: pg_sys::Oid, hypotheticals: &Hypotheticals, planned: &mut Planned) {
    planned.mix(index.to_u32());
    match hypotheticals.candidate(index.to_u32()) {
        Some(candidate) => {
            planned.used.insert(candidate);
        }
        None => {
            planned.used_existing.insert(index.to_u32());
        }
    }
}
