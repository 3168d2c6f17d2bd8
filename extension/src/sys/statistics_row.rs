//! A row of `pg_statistic` that is written nowhere.

use advisor_core::statistics::Summary;
use pgrx::{IntoDatum, pg_sys};

use super::element::ValueType;
use super::facts::ColumnStats;

/// Columns of `pg_statistic`.
const COLUMNS: usize = pg_sys::Natts_pg_statistic as usize;
/// Position of the first column of each group of five.
const KIND: usize = pg_sys::Anum_pg_statistic_stakind1 as usize - 1;
const OPERATOR: usize = pg_sys::Anum_pg_statistic_staop1 as usize - 1;
const COLLATION: usize = pg_sys::Anum_pg_statistic_stacoll1 as usize - 1;
const NUMBERS: usize = pg_sys::Anum_pg_statistic_stanumbers1 as usize - 1;
const VALUES: usize = pg_sys::Anum_pg_statistic_stavalues1 as usize - 1;

/// The elements of an array of the type's values, copied into the current context.
pub(super) unsafe fn elements(array: pg_sys::Datum, of: ValueType) -> Vec<pg_sys::Datum> {
    let (mut length, mut by_value, mut align) = (0_i16, false, 0_i8);
    let (mut found, mut count) = (std::ptr::null_mut(), 0);
    // SAFETY: a one-dimensional array without NULLs that the query made of this type; the elements
    // point into the copy.
    unsafe {
        let type_oid = pg_sys::Oid::from(of.type_oid);
        pg_sys::get_typlenbyvalalign(
            type_oid,
            &raw mut length,
            &raw mut by_value,
            (&raw mut align).cast(),
        );
        let copy = pg_sys::pg_detoast_datum_copy(array.cast_mut_ptr());
        pg_sys::deconstruct_array(
            copy.cast(),
            type_oid,
            i32::from(length),
            by_value,
            align as std::ffi::c_char,
            &raw mut found,
            std::ptr::null_mut(),
            &raw mut count,
        );
        (0..usize::try_from(count).unwrap_or(0)).map(|at| *found.add(at)).collect()
    }
}

/// A row of `pg_statistic` in the making.
struct Row {
    values: [pg_sys::Datum; COLUMNS],
    nulls: [bool; COLUMNS],
    slots: usize,
}

impl Row {
    fn set(&mut self, at: usize, value: impl IntoDatum) {
        if let Some(datum) = value.into_datum() {
            (self.values[at], self.nulls[at]) = (datum, false);
        }
    }

    /// Fills the next of the five slots.
    fn slot(&mut self, kind: u32, operator: pg_sys::Oid, collation: u32) -> usize {
        let at = self.slots;
        self.slots += 1;
        self.set(KIND + at, i16::try_from(kind).unwrap_or(0));
        self.set(OPERATOR + at, operator);
        self.set(COLLATION + at, pg_sys::Oid::from(collation));
        at
    }
}

/// The row that ANALYZE would write for the expression, in the current context.
pub(super) unsafe fn row(
    relation: pg_sys::Oid,
    of: ValueType,
    stats: &ColumnStats,
    summary: &Summary,
    values: &[pg_sys::Datum],
) -> pg_sys::HeapTuple {
    let zero = pg_sys::Datum::from(0_usize);
    let mut row = Row { values: [zero; COLUMNS], nulls: [true; COLUMNS], slots: 0 };
    row.set(pg_sys::Anum_pg_statistic_starelid as usize - 1, relation);
    row.set(pg_sys::Anum_pg_statistic_staattnum as usize - 1, 1_i16);
    row.set(pg_sys::Anum_pg_statistic_stainherit as usize - 1, false);
    row.set(pg_sys::Anum_pg_statistic_stanullfrac as usize - 1, stats.null_frac as f32);
    row.set(pg_sys::Anum_pg_statistic_stawidth as usize - 1, stats.width.round() as i32);
    row.set(pg_sys::Anum_pg_statistic_stadistinct as usize - 1, stats.distinct as f32);
    for at in 0..5 {
        row.set(KIND + at, 0_i16);
        row.set(OPERATOR + at, pg_sys::InvalidOid);
        row.set(COLLATION + at, pg_sys::InvalidOid);
    }
    let collation = of.collation;
    // SAFETY: the type has a default b-tree class, so it has both operators.
    let (equal, less) = unsafe {
        let flags = pg_sys::TYPECACHE_EQ_OPR | pg_sys::TYPECACHE_LT_OPR;
        let entry = pg_sys::lookup_type_cache(pg_sys::Oid::from(of.type_oid), flags as i32);
        ((*entry).eq_opr, (*entry).lt_opr)
    };
    let pick = |positions: Vec<usize>| -> Vec<pg_sys::Datum> {
        positions.iter().filter_map(|&at| values.get(at).copied()).collect()
    };
    let common = pick(summary.common.iter().map(|(at, _)| *at).collect());
    if !common.is_empty() {
        let at = row.slot(pg_sys::STATISTIC_KIND_MCV, equal, collation);
        let shares: Vec<f32> = summary.common.iter().map(|(_, share)| *share as f32).collect();
        row.set(NUMBERS + at, shares);
        // SAFETY: values of this type.
        row.values[VALUES + at] = unsafe { array(of, common) };
        row.nulls[VALUES + at] = false;
    }
    let bounds = pick(summary.bounds.clone());
    if !bounds.is_empty() {
        let at = row.slot(pg_sys::STATISTIC_KIND_HISTOGRAM, less, collation);
        // SAFETY: values of this type.
        row.values[VALUES + at] = unsafe { array(of, bounds) };
        row.nulls[VALUES + at] = false;
    }
    if stats.correlation != 0.0 {
        let at = row.slot(pg_sys::STATISTIC_KIND_CORRELATION, less, collation);
        row.set(NUMBERS + at, vec![stats.correlation as f32]);
    }
    // SAFETY: as many values as `pg_statistic` has columns; the tuple is a copy of them.
    unsafe {
        let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
        let open = pg_sys::relation_open(pg_sys::StatisticRelationId, lock);
        let made = pg_sys::heap_form_tuple(
            (*open).rd_att,
            row.values.as_mut_ptr(),
            row.nulls.as_mut_ptr(),
        );
        pg_sys::relation_close(open, lock);
        made
    }
}

unsafe fn array(of: ValueType, mut values: Vec<pg_sys::Datum>) -> pg_sys::Datum {
    let (mut length, mut by_value, mut align) = (0_i16, false, 0_i8);
    // SAFETY: values of this type, which are copied.
    unsafe {
        let type_oid = pg_sys::Oid::from(of.type_oid);
        pg_sys::get_typlenbyvalalign(
            type_oid,
            &raw mut length,
            &raw mut by_value,
            (&raw mut align).cast(),
        );
        let made = pg_sys::construct_array(
            values.as_mut_ptr(),
            i32::try_from(values.len()).unwrap_or(0),
            type_oid,
            i32::from(length),
            by_value,
            align as std::ffi::c_char,
        );
        pg_sys::Datum::from(made)
    }
}
