//! Indexes that do not exist, in the form the planner wants them.
//!
//! The templates are made once, in memory of their own; per planner call only the flat struct and
//! the target list are copied. This follows what `get_relation_info` (`plancat.c`) fills in for a
//! real index.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString};

use advisor_core::index_set::IndexSet;
use advisor_core::model::{CandidateId, IndexKey};
use pgrx::pg_sys;

use super::arena::Arena;

/// Hypothetical oids count down from here. They never reach a catalog: the planner looks a
/// hypothetical index up only by its struct.
const FIRST_OID: u32 = 0xFFFF_0000;

/// The candidates as the planner sees them.
pub(crate) struct Hypotheticals {
    arena: Arena,
    by_relation: BTreeMap<u32, Vec<Template>>,
    /// The candidate behind `FIRST_OID - position`.
    candidates: Vec<CandidateId>,
    /// What EXPLAIN calls the candidates.
    names: BTreeMap<CandidateId, CString>,
}

struct Template {
    candidate: CandidateId,
    info: *mut pg_sys::IndexOptInfo,
    columns: Vec<ColumnType>,
}

struct ColumnType {
    number: i16,
    type_oid: pg_sys::Oid,
    typmod: i32,
    collation: pg_sys::Oid,
}

/// What a hypothetical index on one relation looks like.
pub(crate) struct IndexSpec<'a> {
    /// The relation with storage.
    pub(crate) relation: u32,
    /// Keys, with that relation's attribute numbers.
    pub(crate) keys: &'a [IndexKey],
    /// INCLUDE columns, likewise.
    pub(crate) include: &'a [i16],
    /// Pages of 8 KiB.
    pub(crate) pages: f64,
    /// Levels above the leaves; -1: unknown.
    pub(crate) tree_height: i32,
}

impl Hypotheticals {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self {
            arena: Arena::new(),
            by_relation: BTreeMap::new(),
            candidates: Vec::new(),
            names: BTreeMap::new(),
        }
    }

    /// Whether the candidate has been added.
    pub(crate) fn contains(&self, candidate: CandidateId) -> bool {
        self.names.contains_key(&candidate)
    }

    /// Adds one candidate, with an index per relation with storage. `name` is what EXPLAIN prints.
    pub(crate) fn add(&mut self, candidate: CandidateId, name: &str, specs: &[IndexSpec<'_>]) {
        self.names.insert(candidate, CString::new(name).unwrap_or_default());
        for spec in specs {
            let position = u32::try_from(self.candidates.len()).unwrap_or(u32::MAX >> 1);
            let oid = FIRST_OID.saturating_sub(position);
            self.candidates.push(candidate);
            let (info, columns) = self.arena.with(|| template(spec, oid));
            self.by_relation.entry(spec.relation).or_default().push(Template {
                candidate,
                info,
                columns,
            });
        }
    }

    /// What EXPLAIN calls the index.
    pub(super) fn name(&self, oid: u32) -> Option<&CStr> {
        self.names.get(&self.candidate(oid)?).map(CString::as_c_str)
    }

    /// The candidate that a plan means by `oid`, if it is one of ours.
    pub(crate) fn candidate(&self, oid: u32) -> Option<CandidateId> {
        let position = usize::try_from(FIRST_OID.checked_sub(oid)?).ok()?;
        self.candidates.get(position).copied()
    }

    /// Puts the offered candidates on `rel` in front of its list of indexes.
    ///
    /// # Safety
    /// `rel` must be the `RelOptInfo` that the planner is filling in for `relation`, with the
    /// planner's memory context current.
    pub(super) unsafe fn inject(
        &self,
        relation: u32,
        rel: *mut pg_sys::RelOptInfo,
        offered: &IndexSet,
    ) {
        let Some(templates) = self.by_relation.get(&relation) else { return };
        for template in templates.iter().filter(|t| offered.contains(t.candidate)) {
            // SAFETY: the template lives as long as `self`; the copy shares its arrays, which the
            // planner only reads. `indextlist` must carry this relation's range-table index.
            unsafe {
                let info: *mut pg_sys::IndexOptInfo =
                    pg_sys::palloc(size_of::<pg_sys::IndexOptInfo>()).cast();
                *info = *template.info;
                (*info).rel = rel;
                (*info).tuples = (*rel).tuples;
                let relid = (*rel).relid as i32;
                let mut targets = std::ptr::null_mut();
                for (at, column) in template.columns.iter().enumerate() {
                    let var = pg_sys::makeVar(
                        relid,
                        column.number,
                        column.type_oid,
                        column.typmod,
                        column.collation,
                        0,
                    );
                    let resno = i16::try_from(at + 1).unwrap_or(i16::MAX);
                    let entry =
                        pg_sys::makeTargetEntry(var.cast(), resno, std::ptr::null_mut(), false);
                    targets = pg_sys::lappend(targets, entry.cast());
                }
                (*info).indextlist = targets;
                (*rel).indexlist = pg_sys::lcons(info.cast(), (*rel).indexlist);
            }
        }
    }
}

fn template(spec: &IndexSpec<'_>, oid: u32) -> (*mut pg_sys::IndexOptInfo, Vec<ColumnType>) {
    let relation = pg_sys::Oid::from(spec.relation);
    let numbers: Vec<i16> =
        spec.keys.iter().map(|key| key.column).chain(spec.include.iter().copied()).collect();
    let columns: Vec<ColumnType> = numbers.iter().map(|&n| column_type(relation, n)).collect();
    // SAFETY: all arrays are zero-filled and as long as the counts that go with them; the access
    // method's routine table is the server's own copy in the current context (the arena).
    unsafe {
        let am = pg_sys::GetIndexAmRoutineByAmId(pg_sys::BTREE_AM_OID, false);
        let info: *mut pg_sys::IndexOptInfo =
            pg_sys::palloc0(size_of::<pg_sys::IndexOptInfo>()).cast();
        let (all, keys) = (columns.len(), spec.keys.len());
        (*info).type_ = pg_sys::NodeTag::T_IndexOptInfo;
        (*info).indexoid = pg_sys::Oid::from(oid);
        (*info).pages = spec.pages.clamp(1.0, f64::from(u32::MAX - 1)) as u32;
        (*info).tree_height = spec.tree_height;
        (*info).ncolumns = i32::try_from(all).unwrap_or(0);
        (*info).nkeycolumns = i32::try_from(keys).unwrap_or(0);
        (*info).indexkeys = zeroed(all);
        (*info).canreturn = zeroed(all);
        (*info).indexcollations = zeroed(keys);
        (*info).opfamily = zeroed(keys);
        (*info).opcintype = zeroed(keys);
        (*info).sortopfamily = (*info).opfamily;
        (*info).reverse_sort = zeroed(keys);
        (*info).nulls_first = zeroed(keys);
        (*info).opclassoptions = zeroed(keys);
        for (at, column) in columns.iter().enumerate() {
            *(*info).indexkeys.add(at) = i32::from(column.number);
            *(*info).canreturn.add(at) = true;
        }
        for (at, (key, column)) in spec.keys.iter().zip(&columns).enumerate() {
            let class = pg_sys::GetDefaultOpClass(column.type_oid, pg_sys::BTREE_AM_OID);
            *(*info).indexcollations.add(at) = column.collation;
            *(*info).opfamily.add(at) = pg_sys::get_opclass_family(class);
            *(*info).opcintype.add(at) = pg_sys::get_opclass_input_type(class);
            *(*info).reverse_sort.add(at) = key.descending;
            *(*info).nulls_first.add(at) = key.nulls_first;
        }
        (*info).relam = pg_sys::BTREE_AM_OID;
        (*info).immediate = true;
        (*info).hypothetical = true;
        (*info).amcanorderbyop = (*am).amcanorderbyop;
        (*info).amoptionalkey = (*am).amoptionalkey;
        (*info).amsearcharray = (*am).amsearcharray;
        (*info).amsearchnulls = (*am).amsearchnulls;
        (*info).amhasgettuple = (*am).amgettuple.is_some();
        (*info).amhasgetbitmap = (*am).amgetbitmap.is_some();
        (*info).amcanparallel = (*am).amcanparallel;
        (*info).amcanmarkpos = (*am).ammarkpos.is_some() && (*am).amrestrpos.is_some();
        // The planner's struct declares the estimator without arguments and casts it back.
        (*info).amcostestimate = std::mem::transmute::<
            pg_sys::amcostestimate_function,
            Option<unsafe extern "C-unwind" fn()>,
        >((*am).amcostestimate);
        (info, columns)
    }
}

unsafe fn zeroed<T>(count: usize) -> *mut T {
    // SAFETY: the size is never zero, and all-zero is valid for the plain types used here.
    unsafe { pg_sys::palloc0(size_of::<T>() * count.max(1)).cast() }
}

fn column_type(relation: pg_sys::Oid, number: i16) -> ColumnType {
    let mut column = ColumnType {
        number,
        type_oid: pg_sys::InvalidOid,
        typmod: -1,
        collation: pg_sys::InvalidOid,
    };
    // SAFETY: writes the three out parameters, or raises an ERROR for an unknown column.
    unsafe {
        pg_sys::get_atttypetypmodcoll(
            relation,
            number,
            &raw mut column.type_oid,
            &raw mut column.typmod,
            &raw mut column.collation,
        );
    }
    column
}
