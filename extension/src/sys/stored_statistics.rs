//! Rows of `pg_statistic` out of texts, as ANALYZE would have made them.
//!
//! Operators, collations and types of the slots are not taken from anybody's word: they follow from
//! the column, as in the functions that compute statistics (`std_typanalyze`, `array_typanalyze`,
//! `range_typanalyze`, `ts_typanalyze`). Values are read by their type's own input function, with the
//! rights of the role in force. So what is written is what the estimators expect.

use std::ffi::CString;

use pgrx::{IntoDatum, PgSqlErrorCode, pg_sys};

use super::subxact::ServerError;

/// Slots of a row (`STATISTIC_NUM_SLOTS`).
const SLOTS: usize = 5;
/// Columns of `pg_statistic` before the slots' kinds.
const BEFORE_SLOTS: usize = 6;
/// Columns of `pg_statistic`.
const COLUMNS: usize = BEFORE_SLOTS + 5 * SLOTS;
/// Most values of a slot: what `default_statistics_target` allows at most, and a bound more.
const MOST_VALUES: usize = 10_001;
/// `DEFAULT_COLLATION_OID` of the server's `pg_collation.dat`.
const DEFAULT_COLLATION: u32 = 100;

/// The statistics of one column or expression, values as the text of an array.
#[derive(Debug, Clone, Default)]
pub(crate) struct Content<'a> {
    pub(crate) null_frac: f32,
    pub(crate) width: i32,
    pub(crate) distinct: f32,
    pub(crate) correlation: Option<f32>,
    /// Most common values with their frequencies.
    pub(crate) common: Option<(&'a str, &'a [f32])>,
    pub(crate) histogram: Option<&'a str>,
    /// Most common elements of arrays and lexemes with their frequencies.
    pub(crate) elements: Option<(&'a str, &'a [f32])>,
    pub(crate) element_counts: Option<&'a [f32]>,
    /// Lengths of ranges with the share of empty ones.
    pub(crate) lengths: Option<(&'a str, &'a [f32])>,
    pub(crate) bounds: Option<&'a str>,
}

/// What a column or expression is of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    pub(super) type_oid: pg_sys::Oid,
    pub(super) typmod: i32,
    pub(super) collation: pg_sys::Oid,
}

struct Slot {
    kind: u32,
    operator: pg_sys::Oid,
    collation: pg_sys::Oid,
    numbers: Option<pg_sys::Datum>,
    values: Option<pg_sys::Datum>,
}

/// Writes the statistics of a column of a table or an index, which must have none yet.
///
/// # Errors
/// 22023 for content that the column cannot have; what the types' input functions raise goes on.
pub(crate) fn write(
    relation: u32,
    column: i16,
    inherited: bool,
    content: &Content<'_>,
) -> Result<(), ServerError> {
    // SAFETY: the catalog is locked as for any change; the tuple is one of its own.
    unsafe {
        let relation = pg_sys::Oid::from(relation);
        let kind = kind_of(relation, column)?;
        let lock = pg_sys::RowExclusiveLock as pg_sys::LOCKMODE;
        let catalog = pg_sys::table_open(pg_sys::StatisticRelationId, lock);
        let made = tuple(catalog, (relation, column, inherited), kind, content)
            .map(|tuple| pg_sys::CatalogTupleInsert(catalog, tuple));
        // Also when it was refused, which rolls nothing back.
        pg_sys::table_close(catalog, lock);
        made
    }
}

/// A row of `pg_statistic`.
///
/// # Safety
/// `catalog` must be `pg_statistic`, open.
pub(super) unsafe fn tuple(
    catalog: pg_sys::Relation,
    (relation, column, inherited): (pg_sys::Oid, i16, bool),
    kind: Kind,
    content: &Content<'_>,
) -> Result<pg_sys::HeapTuple, ServerError> {
    check(content)?;
    let null = pg_sys::Datum::null();
    let slots = slots(kind, content)?;
    let mut values = vec![
        pg_sys::Datum::from(relation),
        pg_sys::Datum::from(column),
        pg_sys::Datum::from(inherited),
        content.null_frac.into_datum().unwrap_or(null),
        content.width.into_datum().unwrap_or(null),
        content.distinct.into_datum().unwrap_or(null),
    ];
    let mut nulls = vec![false; BEFORE_SLOTS + 3 * SLOTS];
    let at = |number: usize| slots.get(number);
    let none = pg_sys::InvalidOid;
    values.extend((0..SLOTS).map(|n| pg_sys::Datum::from(at(n).map_or(0, |s| s.kind as i16))));
    values.extend((0..SLOTS).map(|n| pg_sys::Datum::from(at(n).map_or(none, |s| s.operator))));
    values.extend((0..SLOTS).map(|n| pg_sys::Datum::from(at(n).map_or(none, |s| s.collation))));
    let numbers = (0..SLOTS).map(|n| at(n).and_then(|slot| slot.numbers));
    let arrays = (0..SLOTS).map(|n| at(n).and_then(|slot| slot.values));
    for array in numbers.chain(arrays) {
        values.push(array.unwrap_or(null));
        nulls.push(array.is_none());
    }
    // SAFETY: see the contract; there are as many values as the catalog has columns.
    unsafe {
        if usize::try_from((*(*catalog).rd_att).natts) != Ok(COLUMNS) {
            let code = PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED;
            return Err(ServerError::new(code, "pg_statistic has other columns than expected"));
        }
        Ok(pg_sys::heap_form_tuple((*catalog).rd_att, values.as_mut_ptr(), nulls.as_mut_ptr()))
    }
}

/// Refuses numbers that no ANALYZE computes.
fn check(content: &Content<'_>) -> Result<(), ServerError> {
    let share = |x: f32| (0.0..=1.0).contains(&x);
    let fits = share(content.null_frac)
        && content.width >= 0
        && content.distinct.is_finite()
        && content.distinct >= -1.0
        && content.correlation.is_none_or(|x| (-1.001..=1.001).contains(&x))
        && [content.common, content.elements, content.lengths]
            .into_iter()
            .flatten()
            .all(|(_, shares)| shares.iter().copied().all(share))
        && content.element_counts.is_none_or(|counts| counts.iter().all(|x| x.is_finite()));
    if fits { Ok(()) } else { Err(invalid("a number of the statistics is out of its range")) }
}

fn slots(kind: Kind, content: &Content<'_>) -> Result<Vec<Slot>, ServerError> {
    let (equal, less) = operators(kind.type_oid);
    let mut slots = Vec::new();
    let needs = |operator: pg_sys::Oid| match operator {
        pg_sys::InvalidOid => Err(invalid("the type has no order for such statistics")),
        operator => Ok(operator),
    };
    let mut add = |number, operator, collation, numbers: Option<&[f32]>, values| {
        slots.push(Slot {
            kind: number,
            operator,
            collation,
            numbers: numbers.map(float_array),
            values,
        });
    };
    if let Some((text, shares)) = content.common {
        let (values, count) = array(text, kind.type_oid, kind.typmod)?;
        same(count, shares.len())?;
        let operator = needs(equal)?;
        add(pg_sys::STATISTIC_KIND_MCV, operator, kind.collation, Some(shares), Some(values));
    }
    if let Some(text) = content.histogram {
        let (values, count) = array(text, kind.type_oid, kind.typmod)?;
        if count < 2 {
            return Err(invalid("a histogram has fewer than two bounds"));
        }
        let operator = needs(less)?;
        add(pg_sys::STATISTIC_KIND_HISTOGRAM, operator, kind.collation, None, Some(values));
    }
    if let Some(correlation) = content.correlation {
        let operator = needs(less)?;
        let numbers = [correlation];
        add(pg_sys::STATISTIC_KIND_CORRELATION, operator, kind.collation, Some(&numbers), None);
    }
    if content.elements.is_some() || content.element_counts.is_some() {
        let (element, operator, collation) = element(kind)?;
        if let Some((text, numbers)) = content.elements {
            let (values, count) = array(text, element, -1)?;
            // Frequencies, then the least, the largest and, for arrays, that of null.
            if !(count + 2..=count + 3).contains(&numbers.len()) {
                return Err(invalid("there are not as many frequencies as elements"));
            }
            add(pg_sys::STATISTIC_KIND_MCELEM, operator, collation, Some(numbers), Some(values));
        }
        if let Some(counts) = content.element_counts {
            if counts.len() < 2 || counts.len() > MOST_VALUES {
                return Err(invalid("a histogram of counts has a wrong length"));
            }
            add(pg_sys::STATISTIC_KIND_DECHIST, operator, collation, Some(counts), None);
        }
    }
    let range = range_of(kind.type_oid);
    if let (Some((text, empty)), Some(_)) = (content.lengths, range) {
        let (values, _) = array(text, pg_sys::FLOAT8OID, -1)?;
        same(1, empty.len())?;
        let less = pg_sys::Oid::from(pg_sys::Float8LessOperator);
        let none = pg_sys::InvalidOid;
        let number = pg_sys::STATISTIC_KIND_RANGE_LENGTH_HISTOGRAM;
        add(number, less, none, Some(empty), Some(values));
    }
    if let (Some(text), Some(range)) = (content.bounds, range) {
        let (values, _) = array(text, range, -1)?;
        let none = pg_sys::InvalidOid;
        add(pg_sys::STATISTIC_KIND_BOUNDS_HISTOGRAM, none, none, None, Some(values));
    }
    if slots.len() > SLOTS { Err(invalid("there is more than a row holds")) } else { Ok(slots) }
}

/// The operators by which values of a type are told apart and ordered; 0 where there are none.
fn operators(type_oid: pg_sys::Oid) -> (pg_sys::Oid, pg_sys::Oid) {
    let wanted = pg_sys::TYPECACHE_EQ_OPR | pg_sys::TYPECACHE_LT_OPR;
    // SAFETY: a look-up by value; the entry lives as long as the session.
    unsafe {
        let entry = pg_sys::lookup_type_cache(type_oid, wanted as i32);
        ((*entry).eq_opr, (*entry).lt_opr)
    }
}

/// Type, operator and collation of what an array or a text search vector is made of.
fn element(kind: Kind) -> Result<(pg_sys::Oid, pg_sys::Oid, pg_sys::Oid), ServerError> {
    // SAFETY: look-ups by value.
    let (base, element) = unsafe {
        (pg_sys::getBaseType(kind.type_oid), pg_sys::get_base_element_type(kind.type_oid))
    };
    if base == pg_sys::TSVECTOROID {
        let equal = pg_sys::Oid::from(pg_sys::TextEqualOperator);
        return Ok((pg_sys::TEXTOID, equal, pg_sys::Oid::from(DEFAULT_COLLATION)));
    }
    if element != pg_sys::InvalidOid
        && let (equal, _) = operators(element)
        && equal != pg_sys::InvalidOid
    {
        return Ok((element, equal, kind.collation));
    }
    Err(invalid("the type has no elements for such statistics"))
}

/// The range type of a range or multirange; none of another type.
fn range_of(type_oid: pg_sys::Oid) -> Option<pg_sys::Oid> {
    // SAFETY: look-ups by value.
    unsafe {
        let base = pg_sys::getBaseType(type_oid);
        if pg_sys::type_is_multirange(base) {
            return Some(pg_sys::get_multirange_range(base));
        }
        pg_sys::type_is_range(base).then_some(base)
    }
}

/// An array of one dimension without nulls, read by the input function of its elements; and its
/// length.
fn array(
    text: &str,
    element: pg_sys::Oid,
    typmod: i32,
) -> Result<(pg_sys::Datum, usize), ServerError> {
    let text = CString::new(text).map_err(|_| invalid("a value contains a zero byte"))?;
    // SAFETY: `array_in` takes the text, the type of the elements and its modifier, and gives an
    // array that is not compressed or stored elsewhere.
    unsafe {
        let reader = pg_sys::Oid::from(pg_sys::F_ARRAY_IN);
        let datum = pg_sys::OidInputFunctionCall(reader, text.as_ptr().cast_mut(), element, typmod);
        let array: *mut pg_sys::ArrayType = datum.cast_mut_ptr();
        if (*array).ndim != 1 || pg_sys::array_contains_nulls(array) {
            return Err(invalid("values are not a list without nulls"));
        }
        let lengths: *const i32 = array.add(1).cast();
        match usize::try_from(*lengths) {
            Ok(count @ 1..=MOST_VALUES) => Ok((datum, count)),
            _ => Err(invalid("there are too many values")),
        }
    }
}

pub(super) fn float_array(numbers: &[f32]) -> pg_sys::Datum {
    let null = pg_sys::Datum::null();
    let mut values: Vec<pg_sys::Datum> =
        numbers.iter().map(|number| number.into_datum().unwrap_or(null)).collect();
    // SAFETY: the length, passing and alignment are those of float4.
    unsafe {
        let array = pg_sys::construct_array(
            values.as_mut_ptr(),
            i32::try_from(values.len()).unwrap_or(0),
            pg_sys::FLOAT4OID,
            4,
            true,
            b'i' as std::ffi::c_char,
        );
        pg_sys::Datum::from(array)
    }
}

/// What ANALYZE takes a column to be: of an index, the expression behind it.
unsafe fn kind_of(relation: pg_sys::Oid, column: i16) -> Result<Kind, ServerError> {
    let mut kind = Kind { type_oid: pg_sys::InvalidOid, typmod: -1, collation: pg_sys::InvalidOid };
    // SAFETY: writes the three out parameters, or raises an ERROR for an unknown column; the index
    // is locked while its expressions, which its cache entry owns, are looked at.
    unsafe {
        pg_sys::get_atttypetypmodcoll(
            relation,
            column,
            &raw mut kind.type_oid,
            &raw mut kind.typmod,
            &raw mut kind.collation,
        );
        if pg_sys::get_rel_relkind(relation) as u8 != b'i' {
            return Ok(kind);
        }
        let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
        let index = pg_sys::index_open(relation, lock);
        let form = (*index).rd_index;
        let keys = (*form).indkey.values.as_slice(usize::try_from((*form).indnatts).unwrap_or(0));
        let at = usize::try_from(column).unwrap_or(0).saturating_sub(1);
        let before = keys.iter().take(at).filter(|key| **key == 0).count();
        if keys.get(at) == Some(&0) {
            let list = pg_sys::RelationGetIndexExpressions(index);
            let position = i32::try_from(before).unwrap_or(i32::MAX);
            if !list.is_null() && position < (*list).length {
                let collation = kind.collation;
                kind = kind_of_expression(pg_sys::list_nth(list, position).cast());
                if collation != pg_sys::InvalidOid {
                    kind.collation = collation;
                }
            }
        }
        pg_sys::index_close(index, lock);
    }
    Ok(kind)
}

/// # Safety
/// `node` must be an analyzed expression.
pub(super) unsafe fn kind_of_expression(node: *mut pg_sys::Node) -> Kind {
    // SAFETY: see the contract.
    unsafe {
        Kind {
            type_oid: pg_sys::exprType(node),
            typmod: pg_sys::exprTypmod(node),
            collation: pg_sys::exprCollation(node),
        }
    }
}

fn same(one: usize, other: usize) -> Result<(), ServerError> {
    if one == other { Ok(()) } else { Err(invalid("there are not as many frequencies as values")) }
}

pub(super) fn invalid(message: &str) -> ServerError {
    ServerError::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, message)
}
