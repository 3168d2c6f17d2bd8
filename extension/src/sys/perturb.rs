//! Statistics other than the server's, for planner calls of our own.
//!
//! How an estimate changes when the statistics are wrong is asked of the planner itself, which is
//! handed other numbers: rows and pages where it has filled in a relation, and a changed copy of the
//! `pg_statistic` row where it looks a column up. Nothing is stored, and no other planner call sees
//! them: see [`super::hook`].

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use pgrx::{pg_guard, pg_sys};

use super::arena::Arena;
use super::hook::is_ours;

/// Of the values outside of the list of most common ones, the share of their rows that stays theirs
/// however frequent those become.
const REST: f64 = 0.5;
/// Where more of the rows than this have values outside of the list, a corrected column is taken to
/// have none that are common.
const MUCH_REST: f64 = 0.05;
/// Slots of a row of `pg_statistic` (`STATISTIC_NUM_SLOTS`).
const SLOTS: u32 = 5;
const COLUMNS: usize = pg_sys::Natts_pg_statistic as usize;

/// What the planner is told in place of the statistics.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Perturbation {
    /// Factor of the rows and pages of tables and indexes.
    pub(crate) size: f64,
    /// Factor of the rows that have one value of a column.
    pub(crate) per_value: f64,
    /// Whether the order of rows is that of no column.
    pub(crate) scattered: bool,
    /// Whether no page is all-visible.
    pub(crate) invisible: bool,
    /// For single columns (table and attribute number), the factor by which equality with a value
    /// selects more rows, exactly.
    pub(crate) columns: BTreeMap<(u32, i16), f64>,
}

impl Default for Perturbation {
    fn default() -> Self {
        Self {
            size: 1.0,
            per_value: 1.0,
            scattered: false,
            invisible: false,
            columns: BTreeMap::new(),
        }
    }
}

impl Perturbation {
    fn changes_columns(&self) -> bool {
        self.per_value != 1.0 || self.scattered || !self.columns.is_empty()
    }
}

/// Whose row it is: table, column, and whether of the whole inheritance tree.
type Row = (u32, i16, bool);

thread_local! {
    static ACTIVE: Cell<*const Active<'static>> = const { Cell::new(std::ptr::null()) };
}

/// What a planner call is to see.
struct Active<'a> {
    wanted: &'a Perturbation,
    /// Where the copies are: the planner's own contexts may be gone before it asks again.
    arena: Arena,
    /// Those made already: a join of many tables looks a column up a thousand times.
    copies: RefCell<BTreeMap<Row, pg_sys::HeapTuple>>,
}

static mut PREVIOUS_STATS: pg_sys::get_relation_stats_hook_type = None;

/// Chains the hook. Called from `_PG_init`, once a process.
pub(super) fn install() {
    // SAFETY: the backend is single-threaded and `_PG_init` runs once.
    unsafe {
        PREVIOUS_STATS = pg_sys::get_relation_stats_hook;
        pg_sys::get_relation_stats_hook = Some(relation_stats);
    }
}

/// Has our own planner calls in `f` see these statistics. What is made up is gone afterwards.
pub(crate) fn perturbed<R>(wanted: &Perturbation, f: impl FnOnce() -> R) -> R {
    struct Restore(*const Active<'static>);
    impl Drop for Restore {
        fn drop(&mut self) {
            ACTIVE.set(self.0);
        }
    }
    let seen = Active { wanted, arena: Arena::new(), copies: RefCell::default() };
    let _restore = Restore(ACTIVE.replace(std::ptr::from_ref(&seen).cast()));
    f()
}

fn active<'a>() -> Option<&'a Active<'a>> {
    // SAFETY: set by `perturbed` to what outlives the call in which hooks run.
    unsafe { ACTIVE.get().cast::<Active<'a>>().as_ref() }
}

/// Changes what the planner has filled in of a relation and its indexes.
///
/// # Safety
/// `rel` must be the `RelOptInfo` that one of our own planner calls is filling in.
pub(super) unsafe fn change_relation(rel: *mut pg_sys::RelOptInfo) {
    let Some(Active { wanted: perturbation, .. }) = active() else { return };
    let size = perturbation.size;
    // SAFETY: the structs were made for this very planner call, so they are nobody else's; the list
    // is walked within its length.
    unsafe {
        if perturbation.invisible {
            (*rel).allvisfrac = 0.0;
        }
        if size == 1.0 {
            return;
        }
        // The parent of an inheritance tree has none of its own yet.
        (*rel).tuples *= size;
        (*rel).pages = pages((*rel).pages, size);
        let list = (*rel).indexlist;
        let length = if list.is_null() { 0 } else { (*list).length };
        for at in 0..length {
            let index: *mut pg_sys::IndexOptInfo = pg_sys::list_nth(list, at).cast();
            (*index).tuples *= size;
            (*index).pages = pages((*index).pages, size);
        }
    }
}

fn pages(pages: u32, factor: f64) -> u32 {
    (f64::from(pages) * factor).ceil().min(f64::from(u32::MAX - 1)) as u32
}

#[pg_guard]
unsafe extern "C-unwind" fn relation_stats(
    root: *mut pg_sys::PlannerInfo,
    entry: *mut pg_sys::RangeTblEntry,
    column: pg_sys::AttrNumber,
    variable: *mut pg_sys::VariableStatData,
) -> bool {
    // SAFETY: called by the planner with valid pointers; the chained hook has the same contract.
    unsafe {
        if let Some(previous) = PREVIOUS_STATS
            && previous(root, entry, column, variable)
        {
            return true;
        }
        let Some(active) = active().filter(|active| active.wanted.changes_columns()) else {
            return false;
        };
        if (*entry).rtekind != pg_sys::RTEKind::RTE_RELATION || !is_ours(root) {
            return false;
        }
        let copy = active.copy((*entry).relid, column, (*entry).inh);
        if copy.is_null() {
            return false;
        }
        (*variable).statsTuple = copy;
        (*variable).freefunc = Some(leave);
        (*variable).acl_ok = may_read(entry, column);
        true
    }
}

impl Active<'_> {
    /// A changed copy of the row about a column; null when there is none.
    fn copy(&self, relation: pg_sys::Oid, column: i16, inherited: bool) -> pg_sys::HeapTuple {
        let row = (relation.to_u32(), column, inherited);
        if let Some(&known) = self.copies.borrow().get(&row) {
            return known;
        }
        // SAFETY: the tuple is held while it is copied; the copy is in the arena, which goes with
        // the map and after the last planner call that sees either.
        let copy = unsafe {
            let stored = pg_sys::SearchSysCache3(
                pg_sys::SysCacheIdentifier::STATRELATTINH as i32,
                pg_sys::Datum::from(relation),
                pg_sys::Datum::from(column),
                pg_sys::Datum::from(inherited),
            );
            if stored.is_null() {
                return stored;
            }
            let own = self.wanted.columns.get(&(row.0, column)).copied();
            let copy = self.arena.with(|| changed(stored, self.wanted, own));
            pg_sys::ReleaseSysCache(stored);
            copy
        };
        self.copies.borrow_mut().insert(row, copy);
        copy
    }
}

/// The copy goes with the arena.
#[pg_guard]
unsafe extern "C-unwind" fn leave(_tuple: pg_sys::HeapTuple) {}

/// Whether functions that are not leak-proof may be shown the column's values: the server's own
/// question (`examine_simple_variable`), but for children of inheritance, of which it also asks the
/// parent. The planner then estimates without them, which is no less safe.
unsafe fn may_read(entry: *const pg_sys::RangeTblEntry, column: i16) -> bool {
    let select = pg_sys::AclMode::from(pg_sys::ACL_SELECT);
    // SAFETY: a range-table entry of the planner's; look-ups by value.
    unsafe {
        let (relation, role) = ((*entry).relid, pg_sys::GetUserId());
        (*entry).securityQuals.is_null()
            && (pg_sys::pg_class_aclcheck(relation, role, select) == pg_sys::AclResult::ACLCHECK_OK
                || pg_sys::pg_attribute_aclcheck(relation, column, role, select)
                    == pg_sys::AclResult::ACLCHECK_OK)
    }
}

/// A changed copy of a row of `pg_statistic`, in the current memory context.
unsafe fn changed(
    stored: pg_sys::HeapTuple,
    perturbation: &Perturbation,
    own: Option<f64>,
) -> pg_sys::HeapTuple {
    // SAFETY: the catalog's own descriptor says what is in the row; the arrays are as long as it
    // has columns. The relation is only opened to be asked for it.
    unsafe {
        let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
        let catalog = pg_sys::table_open(pg_sys::StatisticRelationId, lock);
        let mut values = [pg_sys::Datum::from(0_usize); COLUMNS];
        let mut nulls = [false; COLUMNS];
        let (value, null) = (values.as_mut_ptr(), nulls.as_mut_ptr());
        pg_sys::heap_deform_tuple(stored, (*catalog).rd_att, value, null);
        let form: *const pg_sys::FormData_pg_statistic = pg_sys::GETSTRUCT(stored).cast();
        let factor = own.unwrap_or(perturbation.per_value);
        if factor != 1.0 {
            let distinct = per_value((*form).stadistinct, factor);
            put(&mut values, pg_sys::Anum_pg_statistic_stadistinct, float_datum(distinct));
            let known = f64::from(1.0 - (*form).stanullfrac);
            change_slot(&mut values, &nulls, pg_sys::STATISTIC_KIND_MCV, |numbers| match own {
                Some(_) => correct(numbers, factor, known),
                None => scale(numbers, factor, known),
            });
        }
        if perturbation.scattered {
            change_slot(&mut values, &nulls, pg_sys::STATISTIC_KIND_CORRELATION, |numbers| {
                numbers.fill(0.0);
                true
            });
        }
        let copy = pg_sys::heap_form_tuple((*catalog).rd_att, value, null);
        pg_sys::table_close(catalog, lock);
        copy
    }
}

/// `stadistinct` when each value has so many times more rows: absolute if positive, else a share of
/// the rows.
fn per_value(distinct: f32, factor: f64) -> f32 {
    let changed = f64::from(distinct) / factor;
    let changed = match distinct {
        0.0 => 0.0,
        positive if positive > 0.0 => changed.max(1.0),
        _ => changed.max(-1.0),
    };
    changed as f32
}

/// Makes the common values more or less frequent; the others keep some of their rows.
fn scale(numbers: &mut [f32], factor: f64, known: f64) -> bool {
    let sum: f64 = numbers.iter().copied().map(f64::from).sum();
    let most = known - (known - sum).max(0.0) * REST;
    let factor = if sum > 0.0 { factor.min(most / sum) } else { factor };
    numbers.iter_mut().for_each(|number| *number = (f64::from(*number) * factor) as f32);
    true
}

/// Makes each value more or less frequent by itself, though they then add up to more than there is;
/// `false` when the list is better left out, as what is not in it would then be taken for nothing.
fn correct(numbers: &mut [f32], factor: f64, known: f64) -> bool {
    let sum: f64 = numbers.iter().copied().map(f64::from).sum();
    if known - sum > MUCH_REST {
        return false;
    }
    for number in numbers {
        *number = (f64::from(*number) * factor).min(known) as f32;
    }
    true
}

fn put(values: &mut [pg_sys::Datum; COLUMNS], column: u32, value: pg_sys::Datum) {
    if let Some(place) = column.checked_sub(1).and_then(|at| values.get_mut(at as usize)) {
        *place = value;
    }
}

fn float_datum(value: f32) -> pg_sys::Datum {
    pg_sys::Datum::from(value.to_bits() as usize)
}

/// Replaces the numbers of the slot of this kind by what `change` makes of them; when it says
/// `false`, the slot becomes empty.
unsafe fn change_slot(
    values: &mut [pg_sys::Datum; COLUMNS],
    nulls: &[bool; COLUMNS],
    kind: u32,
    change: impl FnOnce(&mut [f32]) -> bool,
) {
    for slot in 0..SLOTS {
        let at = |column: u32| (column + slot).saturating_sub(1) as usize;
        let here = values.get(at(pg_sys::Anum_pg_statistic_stakind1)).map(|kind| kind.value());
        let numbers = at(pg_sys::Anum_pg_statistic_stanumbers1);
        if here != Some(kind as usize) || nulls.get(numbers) != Some(&false) {
            continue;
        }
        let Some(place) = values.get_mut(numbers) else { return };
        // SAFETY: `stanumbers` is an array of float4 without nulls, of one dimension, which
        // `get_attstatsslot` relies on too; the detoasted copy is our own to write to.
        let keep = unsafe {
            let array: *mut pg_sys::ArrayType =
                pg_sys::pg_detoast_datum_copy(place.cast_mut_ptr()).cast();
            let header: *mut u8 = array.cast();
            let dimensions = usize::try_from((*array).ndim).unwrap_or(0);
            let lengths: *const i32 = header.add(size_of::<pg_sys::ArrayType>()).cast();
            let length = if dimensions == 1 { usize::try_from(*lengths).unwrap_or(0) } else { 0 };
            // `ARR_OVERHEAD_NONULLS`, at the alignment of a double.
            let start = (size_of::<pg_sys::ArrayType>() + 2 * size_of::<i32>() * dimensions)
                .next_multiple_of(8);
            let data = std::slice::from_raw_parts_mut(header.add(start).cast::<f32>(), length);
            *place = pg_sys::Datum::from(array);
            change(data)
        };
        if !keep {
            let kind = pg_sys::Anum_pg_statistic_stakind1 + slot;
            put(values, kind, pg_sys::Datum::from(0_usize));
        }
        return;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinct_counts_stay_what_they_can_be() {
        assert_eq!(per_value(100.0, 4.0), 25.0);
        assert_eq!(per_value(2.0, 4.0), 1.0);
        assert_eq!(per_value(-0.5, 4.0), -0.125);
        assert_eq!(per_value(-0.5, 0.25), -1.0);
        assert_eq!(per_value(0.0, 4.0), 0.0);
    }

    #[test]
    fn common_values_leave_something_to_the_others() {
        let mut numbers = [0.4, 0.2];
        assert!(scale(&mut numbers, 4.0, 1.0));
        assert!((numbers.iter().sum::<f32>() - 0.8).abs() < 1e-6, "{numbers:?}");
        let mut numbers = [0.4, 0.2];
        assert!(scale(&mut numbers, 0.25, 1.0));
        assert!((numbers[0] - 0.1).abs() < 1e-6, "{numbers:?}");
    }

    #[test]
    fn corrected_values_are_each_right() {
        let mut numbers = [0.5, 0.5];
        assert!(correct(&mut numbers, 4.0, 1.0));
        assert_eq!(numbers, [1.0, 1.0]);
        assert!(!correct(&mut [0.1, 0.1], 4.0, 1.0));
    }
}
