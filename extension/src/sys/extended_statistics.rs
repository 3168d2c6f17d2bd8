//! Rows of `pg_statistic_ext_data`, as ANALYZE would have made them.
//!
//! The server can print lists of most common combinations but not read them, and their stored form
//! holds whatever the types hold. So the list is built here from texts, each value read by its type's
//! input function, and stored by the server's own serializer.

use std::ffi::CString;

use pgrx::{IntoDatum, pg_sys};

use super::pg_statistics;
use super::stored_statistics::{Content, Kind, invalid, kind_of_expression, tuple};
use super::subxact::ServerError;

/// `STATS_MCV_MAGIC` and `STATS_MCV_TYPE_BASIC` of `statistics.h`.
const MCV_MAGIC: u32 = 0xE1A6_51C2;
const MCV_BASIC: u32 = 1;
/// Most columns and expressions of one object (`STATS_MAX_DIMENSIONS`).
const MAX_DIMENSIONS: usize = 8;
/// Most items of a list (`STATS_MCVLIST_MAX_ITEMS`).
const MAX_ITEMS: usize = 10_000;
/// The oid of `pg_statistic_ext_data`.
const EXT_DATA: u32 = 3429;
/// Columns of the catalog, from PostgreSQL 15.
const COLUMNS: usize = 6;

unsafe extern "C-unwind" {
    /// Of the server, in `mcv.c`; not among the functions that pgrx declares.
    fn statext_mcv_serialize(
        list: *mut pg_statistics::MCVList,
        stats: *mut *mut pg_sys::VacAttrStats,
    ) -> *mut pg_sys::bytea;
}

/// The content of one object. The first two are stored forms, without their lengths.
#[derive(Debug, Default)]
pub(crate) struct ExtendedContent<'a> {
    pub(crate) ndistinct: Option<Vec<u8>>,
    pub(crate) dependencies: Option<Vec<u8>>,
    pub(crate) common: Vec<CommonItem<'a>>,
    /// The statistics of each expression, in the order of the definition.
    pub(crate) expressions: Vec<Option<Content<'a>>>,
}

/// A combination of values, in the order of the columns and then the expressions.
#[derive(Debug)]
pub(crate) struct CommonItem<'a> {
    pub(crate) values: Vec<Option<&'a str>>,
    pub(crate) frequency: f64,
    pub(crate) base_frequency: f64,
}

/// Writes the content of the object with this oid, which must have none yet.
///
/// # Errors
/// 22023 for content that the object cannot have; what the types' input functions raise goes on.
pub(crate) fn write_extended(
    object: u32,
    inherited: bool,
    content: &ExtendedContent<'_>,
) -> Result<(), ServerError> {
    // SAFETY: the catalog is locked as for any change; the tuple is one of its own.
    unsafe {
        let kinds = kinds(object)?;
        let lock = pg_sys::RowExclusiveLock as pg_sys::LOCKMODE;
        let catalog = pg_sys::table_open(pg_sys::Oid::from(EXT_DATA), lock);
        let made = extended_tuple(catalog, (object, inherited), &kinds, content)
            .map(|tuple| pg_sys::CatalogTupleInsert(catalog, tuple));
        // Also when it was refused, which rolls nothing back.
        pg_sys::table_close(catalog, lock);
        made
    }
}

/// A row of `pg_statistic_ext_data`.
///
/// # Safety
/// `catalog` must be that, open.
unsafe fn extended_tuple(
    catalog: pg_sys::Relation,
    (object, inherited): (u32, bool),
    kinds: &Kinds,
    content: &ExtendedContent<'_>,
) -> Result<pg_sys::HeapTuple, ServerError> {
    let null = pg_sys::Datum::null();
    // SAFETY: see the contract; there are as many values as columns.
    unsafe {
        if usize::try_from((*(*catalog).rd_att).natts) != Ok(COLUMNS) {
            return Err(invalid("this version of the server keeps extended statistics otherwise"));
        }
        let stored = |bytes: &Option<Vec<u8>>| {
            let bytes = bytes.as_deref()?;
            bytes.into_datum()
        };
        let common = match content.common.is_empty() {
            true => None,
            false => Some(common(&content.common, kinds)?),
        };
        let expressions = match content.expressions.iter().all(Option::is_none) {
            true => None,
            false => Some(expressions(&content.expressions, kinds)?),
        };
        let given = [
            Some(pg_sys::Datum::from(pg_sys::Oid::from(object))),
            Some(pg_sys::Datum::from(inherited)),
            stored(&content.ndistinct),
            stored(&content.dependencies),
            common,
            expressions,
        ];
        let mut values: Vec<pg_sys::Datum> = given.iter().map(|v| v.unwrap_or(null)).collect();
        let mut nulls: Vec<bool> = given.iter().map(Option::is_none).collect();
        Ok(pg_sys::heap_form_tuple((*catalog).rd_att, values.as_mut_ptr(), nulls.as_mut_ptr()))
    }
}

/// What the columns, then the expressions of an object are of.
struct Kinds {
    all: Vec<Kind>,
    expressions: usize,
}

unsafe fn kinds(object: u32) -> Result<Kinds, ServerError> {
    let cache = pg_sys::SysCacheIdentifier::STATEXTOID as i32;
    // SAFETY: the tuple is held while its fixed part is read; the tree is a copy. The array of
    // columns is the first of variable length, and so is in its place.
    unsafe {
        let row = pg_sys::SearchSysCache1(cache, pg_sys::Datum::from(pg_sys::Oid::from(object)));
        if row.is_null() {
            return Err(invalid("there is no such statistics object"));
        }
        let form: *const pg_statistics::FormData_pg_statistic_ext = pg_sys::GETSTRUCT(row).cast();
        let keys = &(*form).stxkeys;
        let count = usize::try_from(keys.dim1).unwrap_or(0);
        let mut all = Vec::new();
        for &column in keys.values.as_slice(count) {
            let mut kind =
                Kind { type_oid: pg_sys::InvalidOid, typmod: -1, collation: pg_sys::InvalidOid };
            pg_sys::get_atttypetypmodcoll(
                (*form).stxrelid,
                column,
                &raw mut kind.type_oid,
                &raw mut kind.typmod,
                &raw mut kind.collation,
            );
            all.push(kind);
        }
        let mut is_null = false;
        let number = pg_statistics::Anum_pg_statistic_ext_stxexprs as pg_sys::AttrNumber;
        let trees = pg_sys::SysCacheGetAttr(cache, row, number, &raw mut is_null);
        let mut expressions = 0;
        if !is_null {
            let text = pg_sys::text_to_cstring(trees.cast_mut_ptr());
            let list: *mut pg_sys::List = pg_sys::stringToNode(text).cast();
            for at in 0..(*list).length {
                all.push(kind_of_expression(pg_sys::list_nth(list, at).cast()));
                expressions += 1;
            }
        }
        pg_sys::ReleaseSysCache(row);
        Ok(Kinds { all, expressions })
    }
}

/// The stored form of a list of most common combinations.
unsafe fn common(items: &[CommonItem<'_>], kinds: &Kinds) -> Result<pg_sys::Datum, ServerError> {
    let dimensions = kinds.all.len();
    if dimensions > MAX_DIMENSIONS || items.len() > MAX_ITEMS {
        return Err(invalid("a list of most common combinations is too long"));
    }
    // SAFETY: the list has room for its items behind the header; each item has as many values as
    // there are dimensions, of their types; the serializer reads type and collation of the stats.
    unsafe {
        let size =
            size_of::<pg_statistics::MCVList>() + items.len() * size_of::<pg_statistics::MCVItem>();
        let list: *mut pg_statistics::MCVList = pg_sys::palloc0(size).cast();
        (*list).magic = MCV_MAGIC;
        (*list).type_ = MCV_BASIC;
        (*list).nitems = u32::try_from(items.len()).unwrap_or(0);
        (*list).ndimensions = pg_sys::AttrNumber::try_from(dimensions).unwrap_or(0);
        for (slot, kind) in (*list).types.iter_mut().zip(&kinds.all) {
            *slot = kind.type_oid;
        }
        let first: *mut pg_statistics::MCVItem = (&raw mut (*list).items).cast();
        let readers: Vec<(pg_sys::Oid, pg_sys::Oid)> =
            kinds.all.iter().map(|kind| reader(kind.type_oid)).collect();
        for (at, item) in items.iter().enumerate() {
            if item.values.len() != dimensions {
                return Err(invalid("a combination has not as many values as its object columns"));
            }
            let shares = [item.frequency, item.base_frequency];
            if !shares.iter().all(|share| (0.0..=1.0).contains(share)) {
                return Err(invalid("a frequency is not from 0 to 1"));
            }
            let slot = first.add(at);
            (*slot).frequency = item.frequency;
            (*slot).base_frequency = item.base_frequency;
            (*slot).isnull = pg_sys::palloc0(dimensions).cast();
            (*slot).values = pg_sys::palloc0(dimensions * size_of::<pg_sys::Datum>()).cast();
            for (n, value) in item.values.iter().enumerate() {
                let (Some(text), Some(kind), Some(&(function, parameter))) =
                    (value, kinds.all.get(n), readers.get(n))
                else {
                    *(*slot).isnull.add(n) = true;
                    continue;
                };
                let text = CString::new(*text).map_err(|_| invalid("a value has a zero byte"))?;
                let text = text.as_ptr().cast_mut();
                *(*slot).values.add(n) =
                    pg_sys::OidInputFunctionCall(function, text, parameter, kind.typmod);
            }
        }
        let mut stats: Vec<*mut pg_sys::VacAttrStats> = kinds.all.iter().map(stats_of).collect();
        let stats = stats.as_mut_ptr();
        let bytes = pg_sys::ffi::pg_guard_ffi_boundary(|| statext_mcv_serialize(list, stats));
        Ok(pg_sys::Datum::from(bytes))
    }
}

unsafe fn reader(type_oid: pg_sys::Oid) -> (pg_sys::Oid, pg_sys::Oid) {
    let (mut function, mut parameter) = (pg_sys::InvalidOid, pg_sys::InvalidOid);
    // SAFETY: writes the two out parameters, or raises an ERROR.
    unsafe { pg_sys::getTypeInputInfo(type_oid, &raw mut function, &raw mut parameter) };
    (function, parameter)
}

/// As much of a column's description as the serializer looks at.
fn stats_of(kind: &Kind) -> *mut pg_sys::VacAttrStats {
    let null = pg_sys::Datum::null();
    let cache = pg_sys::SysCacheIdentifier::TYPEOID as i32;
    // SAFETY: zeroed memory of the struct's size; the copied tuple lives as long as the context.
    unsafe {
        let stats: *mut pg_sys::VacAttrStats =
            pg_sys::palloc0(size_of::<pg_sys::VacAttrStats>()).cast();
        let key = pg_sys::Datum::from(kind.type_oid);
        let tuple = pg_sys::SearchSysCacheCopy(cache, key, null, null, null);
        (*stats).attrtypid = kind.type_oid;
        (*stats).attrtypmod = kind.typmod;
        (*stats).attrcollid = kind.collation;
        if !tuple.is_null() {
            (*stats).attrtype = pg_sys::GETSTRUCT(tuple).cast();
        }
        stats
    }
}

/// An array of rows of `pg_statistic`, one for each expression.
unsafe fn expressions(
    contents: &[Option<Content<'_>>],
    kinds: &Kinds,
) -> Result<pg_sys::Datum, ServerError> {
    if contents.len() != kinds.expressions {
        return Err(invalid("there are not as many statistics as expressions"));
    }
    // SAFETY: `pg_statistic` is open while its rows are formed; the array is built by the server in
    // the current context.
    unsafe {
        let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
        let catalog = pg_sys::table_open(pg_sys::StatisticRelationId, lock);
        let row_type = pg_sys::get_rel_type_id(pg_sys::StatisticRelationId);
        let context = pg_sys::CurrentMemoryContext;
        let mut array = std::ptr::null_mut();
        let kinds = kinds.all.iter().skip(kinds.all.len() - kinds.expressions);
        let filled = contents.iter().zip(kinds).try_for_each(|(content, kind)| {
            let row = match content {
                Some(content) => {
                    let row = tuple(catalog, (pg_sys::InvalidOid, 0, false), *kind, content)?;
                    Some(pg_sys::heap_copy_tuple_as_datum(row, (*catalog).rd_att))
                }
                None => None,
            };
            let datum = row.unwrap_or(pg_sys::Datum::null());
            array = pg_sys::accumArrayResult(array, datum, row.is_none(), row_type, context);
            Ok(())
        });
        // Also when one was refused, which rolls nothing back.
        pg_sys::table_close(catalog, lock);
        filled?;
        Ok(pg_sys::makeArrayResult(array, context))
    }
}
