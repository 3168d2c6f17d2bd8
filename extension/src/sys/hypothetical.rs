//! Indexes that do not exist, in the form the planner wants them.
//!
//! The templates are made once, in memory of their own; per planner call only the flat struct and
//! the target list are copied. This follows what `get_relation_info` (`plancat.c`) fills in for a
//! real index.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::rc::Rc;

use advisor_core::index_set::IndexSet;
use advisor_core::model::{CandidateId, IndexKey, Method};
use pgrx::pg_sys;

use super::arena::Arena;
use super::element::{self, Key, attribute_type};
use super::pg_compat;
use super::statistics::Statistics;

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
    /// The statistics of their keys that are expressions, by oid and position from 1.
    of_keys: BTreeMap<(u32, i16), pg_sys::HeapTuple>,
    statistics: Option<Rc<Statistics>>,
}

struct Template {
    candidate: CandidateId,
    info: *mut pg_sys::IndexOptInfo,
    columns: Vec<Key>,
    /// Conjuncts of the condition; null: none.
    condition: *mut pg_sys::List,
    /// Share of the relation's rows that the index holds.
    share: f64,
}

/// What a hypothetical index on one relation looks like.
pub(crate) struct IndexSpec<'a> {
    /// The relation with storage.
    pub(crate) relation: u32,
    /// The access method.
    pub(crate) method: Method,
    /// Keys.
    pub(crate) keys: &'a [KeySpec],
    /// INCLUDE columns, with that relation's attribute numbers.
    pub(crate) include: &'a [i16],
    /// The condition of a partial index as SQL.
    pub(crate) condition: Option<&'a str>,
    /// Share of the relation's rows that it holds, 0 to 1.
    pub(crate) share: f64,
    /// Pages of 8 KiB.
    pub(crate) pages: f64,
    /// Levels above the leaves; -1: unknown.
    pub(crate) tree_height: i32,
}

/// A key of a hypothetical index.
#[derive(Debug, Clone)]
pub(crate) enum KeySpec {
    /// A column with its type's default operator class; the relation's attribute number.
    Column(IndexKey),
    /// What CREATE INDEX takes as a key, with its operator class and order.
    Sql(String),
}

impl Hypotheticals {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self {
            arena: Arena::new(),
            by_relation: BTreeMap::new(),
            candidates: Vec::new(),
            names: BTreeMap::new(),
            of_keys: BTreeMap::new(),
            statistics: None,
        }
    }

    /// None yet, for plans that know these statistics.
    pub(crate) fn with_statistics(statistics: Rc<Statistics>) -> Self {
        Self { statistics: Some(statistics), ..Self::new() }
    }

    /// Whether the candidate has been added.
    pub(crate) fn contains(&self, candidate: CandidateId) -> bool {
        self.names.contains_key(&candidate)
    }

    /// Adds one candidate, with an index per relation with storage. `name` is what EXPLAIN prints.
    ///
    /// A relation on which a key or the condition means nothing gets no index. The server's errors
    /// are raised: call this within a sub-transaction if anything but plain columns is among them.
    pub(crate) fn add(&mut self, candidate: CandidateId, name: &str, specs: &[IndexSpec<'_>]) {
        self.names.insert(candidate, CString::new(name).unwrap_or_default());
        for spec in specs {
            let position = u32::try_from(self.candidates.len()).unwrap_or(u32::MAX >> 1);
            let oid = FIRST_OID.saturating_sub(position);
            self.candidates.push(candidate);
            if let Some(template) = self.arena.with(|| template(candidate, spec, oid)) {
                self.note_statistics(spec.relation, oid, &template.columns);
                self.by_relation.entry(spec.relation).or_default().push(template);
            }
        }
    }

    fn note_statistics(&mut self, relation: u32, oid: u32, columns: &[Key]) {
        let Some(statistics) = &self.statistics else { return };
        let expressions = (1_i16..).zip(columns).filter(|(_, key)| !key.expression.is_null());
        for (at, key) in expressions {
            // SAFETY: a complete expression of the template's.
            if let Some(tuple) = unsafe { statistics.of(relation, key.expression) } {
                self.of_keys.insert((oid, at), tuple);
            }
        }
    }

    /// The statistics of a column of an index of ours, null when there are none; `None` for an index
    /// that is not ours.
    pub(super) fn statistics(&self, oid: u32, column: i16) -> Option<pg_sys::HeapTuple> {
        if let Some(tuple) = self.statistics.as_ref().and_then(|found| found.carried(oid)) {
            return Some(tuple);
        }
        self.candidate(oid)?;
        Some(self.of_keys.get(&(oid, column)).copied().unwrap_or(std::ptr::null_mut()))
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

    /// Puts the offered candidates on `rel` in front of its list of indexes, and what carries
    /// statistics behind it.
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
        if let Some(statistics) = &self.statistics {
            // SAFETY: handed on.
            unsafe { statistics.inject(relation, rel) };
        }
        let Some(templates) = self.by_relation.get(&relation) else { return };
        for template in templates.iter().filter(|t| offered.contains(t.candidate)) {
            // SAFETY: the template lives as long as `self`; the copy shares its arrays, which the
            // planner only reads. What names columns must carry this relation's range-table index,
            // so it is copied.
            unsafe {
                let info: *mut pg_sys::IndexOptInfo =
                    pg_sys::palloc(size_of::<pg_sys::IndexOptInfo>()).cast();
                *info = *template.info;
                (*info).rel = rel;
                (*info).tuples = ((*rel).tuples * template.share).max(1.0);
                let relid = (*rel).relid as i32;
                (*info).indexprs = renumbered((*info).indexprs, relid);
                (*info).indpred = renumbered(template.condition, relid);
                (*info).indextlist = targets(&template.columns, (*info).indexprs, relid);
                (*rel).indexlist = pg_sys::lcons(info.cast(), (*rel).indexlist);
            }
        }
    }
}

/// A copy of expressions whose columns have range-table number 1, with another number.
pub(super) unsafe fn renumbered(list: *mut pg_sys::List, relid: i32) -> *mut pg_sys::List {
    if list.is_null() {
        return list;
    }
    // SAFETY: a list of expressions of ours; the copy belongs to the planner.
    unsafe {
        let copy = pg_sys::copyObjectImpl(list.cast());
        pg_sys::ChangeVarNodes(copy.cast(), 1, relid, 0);
        copy.cast()
    }
}

/// The columns of an index as targets, as `build_index_tlist` (`plancat.c`) makes them.
unsafe fn targets(
    columns: &[Key],
    expressions: *mut pg_sys::List,
    relid: i32,
) -> *mut pg_sys::List {
    let mut targets = std::ptr::null_mut();
    let mut next = 0;
    for (at, column) in columns.iter().enumerate() {
        // SAFETY: there are as many expressions as columns without attribute number.
        unsafe {
            let value: *mut pg_sys::Expr = if column.expression.is_null() {
                pg_sys::makeVar(
                    pg_compat::varno(relid),
                    column.attribute,
                    pg_sys::Oid::from(column.of.type_oid),
                    column.of.typmod,
                    pg_sys::Oid::from(column.of.collation),
                    0,
                )
                .cast()
            } else {
                next += 1;
                pg_sys::list_nth(expressions, next - 1).cast()
            };
            let number = i16::try_from(at + 1).unwrap_or(i16::MAX);
            let entry = pg_sys::makeTargetEntry(value, number, std::ptr::null_mut(), false);
            targets = pg_sys::lappend(targets, entry.cast());
        }
    }
    targets
}

/// The keys and INCLUDE columns of an index, resolved on its relation.
unsafe fn columns(spec: &IndexSpec<'_>, method: pg_sys::Oid) -> Option<Vec<Key>> {
    let relation = pg_sys::Oid::from(spec.relation);
    let plain = |number: i16, class: pg_sys::Oid, (descending, nulls_first)| {
        let of = attribute_type(spec.relation, number)?;
        let expression = std::ptr::null_mut();
        Some(Key { attribute: number, expression, of, class, descending, nulls_first })
    };
    let mut found = Vec::with_capacity(spec.keys.len() + spec.include.len());
    for key in spec.keys {
        // SAFETY: cache look-ups by value; the texts are CREATE INDEX's, read within the caller's
        // sub-transaction.
        found.push(unsafe {
            match key {
                KeySpec::Column(key) => {
                    let of = attribute_type(spec.relation, key.column)?;
                    let class = pg_sys::GetDefaultOpClass(pg_sys::Oid::from(of.type_oid), method);
                    plain(key.column, class, (key.descending, key.nulls_first))?
                }
                KeySpec::Sql(sql) => element::key(relation, spec.method.as_str(), sql)?,
            }
        });
    }
    for &number in spec.include {
        found.push(plain(number, pg_sys::InvalidOid, (false, false))?);
    }
    Some(found)
}

/// `Oid` of a method's row in `pg_am`.
pub(super) const fn method_oid(method: Method) -> pg_sys::Oid {
    match method {
        Method::Btree => pg_sys::BTREE_AM_OID,
        Method::Hash => pg_sys::HASH_AM_OID,
        Method::Gist => pg_sys::GIST_AM_OID,
        Method::Spgist => pg_sys::SPGIST_AM_OID,
        Method::Gin => pg_sys::GIN_AM_OID,
        Method::Brin => pg_sys::BRIN_AM_OID,
    }
}

fn template(candidate: CandidateId, spec: &IndexSpec<'_>, oid: u32) -> Option<Template> {
    // SAFETY: all arrays are zero-filled and as long as the counts that go with them; the access
    // method's routine table is the server's own copy in the current context (the arena).
    unsafe {
        let method = method_oid(spec.method);
        let columns = columns(spec, method)?;
        let condition = match spec.condition {
            Some(sql) => element::condition(pg_sys::Oid::from(spec.relation), sql)?,
            None => std::ptr::null_mut(),
        };
        let am = pg_sys::GetIndexAmRoutineByAmId(method, false);
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
        (*info).opclassoptions = zeroed(keys);
        for (at, column) in columns.iter().enumerate() {
            *(*info).indexkeys.add(at) = i32::from(column.attribute);
            // Of the other methods some can return what they store, which depends on the operator
            // class and is asked of a real index only: taken for one that cannot.
            *(*info).canreturn.add(at) = spec.method == Method::Btree;
            if !column.expression.is_null() {
                (*info).indexprs = pg_sys::lappend((*info).indexprs, column.expression.cast());
            }
        }
        for (at, column) in columns.iter().take(keys).enumerate() {
            *(*info).indexcollations.add(at) = pg_sys::Oid::from(column.of.collation);
            *(*info).opfamily.add(at) = pg_sys::get_opclass_family(column.class);
            *(*info).opcintype.add(at) = pg_sys::get_opclass_input_type(column.class);
        }
        if (*am).amcanorder {
            (*info).sortopfamily = (*info).opfamily;
            (*info).reverse_sort = zeroed(keys);
            (*info).nulls_first = zeroed(keys);
            for (at, column) in columns.iter().take(keys).enumerate() {
                *(*info).reverse_sort.add(at) = column.descending;
                *(*info).nulls_first.add(at) = column.nulls_first;
            }
        }
        (*info).relam = method;
        (*info).immediate = true;
        (*info).hypothetical = true;
        capabilities(info, am);
        Some(Template { candidate, info, columns, condition, share: spec.share })
    }
}

/// What the access method can do.
pub(super) unsafe fn capabilities(
    info: *mut pg_sys::IndexOptInfo,
    am: *const pg_sys::IndexAmRoutine,
) {
    // SAFETY: both are complete structs of the server's.
    unsafe {
        (*info).amcanorderbyop = (*am).amcanorderbyop;
        (*info).amoptionalkey = (*am).amoptionalkey;
        (*info).amsearcharray = (*am).amsearcharray;
        (*info).amsearchnulls = (*am).amsearchnulls;
        (*info).amhasgettuple = (*am).amgettuple.is_some();
        (*info).amhasgetbitmap = (*am).amgetbitmap.is_some();
        (*info).amcanparallel = (*am).amcanparallel;
        (*info).amcanmarkpos = (*am).ammarkpos.is_some() && (*am).amrestrpos.is_some();
        (*info).amcostestimate = pg_compat::cost_estimator((*am).amcostestimate);
    }
}

unsafe fn zeroed<T>(count: usize) -> *mut T {
    // SAFETY: the size is never zero, and all-zero is valid for the plain types used here.
    unsafe { pg_sys::palloc0(size_of::<T>() * count.max(1)).cast() }
}
