//! Statistics of expressions that ANALYZE has collected, for an index or an extended statistics object.

use pgrx::pg_sys;

use super::analyze::list_len;
use super::element;
use super::{pg_compat, pg_statistics};

/// The statistics that ANALYZE collected for an expression, copied into the current context.
pub(super) unsafe fn collected(
    relation: pg_sys::Oid,
    expression: *mut pg_sys::Node,
) -> Option<pg_sys::HeapTuple> {
    let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
    // SAFETY: the relation stays open while its lists are read; an error closes it with the
    // caller's sub-transaction.
    unsafe {
        let open = pg_sys::relation_open(relation, lock);
        let tuple = of_index(open, expression).or_else(|| of_extended(open, expression));
        pg_sys::relation_close(open, pg_sys::NoLock as pg_sys::LOCKMODE);
        tuple
    }
}

unsafe fn of_index(
    relation: pg_sys::Relation,
    expression: *mut pg_sys::Node,
) -> Option<pg_sys::HeapTuple> {
    let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
    // SAFETY: as above; the expressions of an index are in the order of its columns without
    // attribute number.
    unsafe {
        let indexes = pg_sys::RelationGetIndexList(relation);
        for at in 0..list_len(indexes) {
            let oid = pg_sys::list_nth_oid(indexes, at);
            let index = pg_sys::index_open(oid, lock);
            let column = column_of(index, expression);
            pg_sys::index_close(index, pg_sys::NoLock as pg_sys::LOCKMODE);
            let Some(column) = column else { continue };
            let tuple = pg_sys::SearchSysCacheCopy(
                pg_sys::SysCacheIdentifier::STATRELATTINH as i32,
                pg_sys::Datum::from(oid),
                pg_sys::Datum::from(column),
                pg_sys::Datum::from(false),
                pg_sys::Datum::from(0_usize),
            );
            if !tuple.is_null() {
                return Some(tuple);
            }
        }
        None
    }
}

/// The column of a whole index that holds the expression.
unsafe fn column_of(index: pg_sys::Relation, expression: *mut pg_sys::Node) -> Option<i16> {
    // SAFETY: an open index; the planner does not use the statistics of partial ones.
    unsafe {
        if !pg_sys::RelationGetIndexPredicate(index).is_null() {
            return None;
        }
        let expressions = pg_sys::RelationGetIndexExpressions(index);
        let columns = &(*(*index).rd_index).indkey;
        let keys = columns.values.as_slice(usize::try_from(columns.dim1).unwrap_or(0));
        let mut next = 0;
        for (at, &attribute) in (1_i16..).zip(keys) {
            if attribute != 0 {
                continue;
            }
            let own = pg_sys::list_nth(expressions, next);
            next += 1;
            if pg_sys::equal(own, expression.cast()) {
                return Some(at);
            }
        }
        None
    }
}

unsafe fn of_extended(
    relation: pg_sys::Relation,
    expression: *mut pg_sys::Node,
) -> Option<pg_sys::HeapTuple> {
    // SAFETY: the list's members are oids of statistics objects that existed a moment ago.
    unsafe {
        let objects = pg_sys::RelationGetStatExtList(relation);
        for at in 0..list_len(objects) {
            let oid = pg_sys::list_nth_oid(objects, at);
            let Some(position) = position_in(oid, expression) else { continue };
            let tuple = pg_compat::expression_statistics(oid, position);
            if !tuple.is_null() {
                return Some(tuple);
            }
        }
        None
    }
}

/// The position of an expression among those of an extended statistics object.
unsafe fn position_in(object: pg_sys::Oid, expression: *mut pg_sys::Node) -> Option<i32> {
    // SAFETY: the tuple is held while its attribute is read; the text is a dump of the server's.
    unsafe {
        let cache = pg_sys::SysCacheIdentifier::STATEXTOID as i32;
        let tuple = pg_sys::SearchSysCache1(cache, pg_sys::Datum::from(object));
        if tuple.is_null() {
            return None;
        }
        let mut is_null = true;
        let attribute = pg_statistics::Anum_pg_statistic_ext_stxexprs as i16;
        let text = pg_sys::SysCacheGetAttr(cache, tuple, attribute, &raw mut is_null);
        let mut list: *mut pg_sys::List = std::ptr::null_mut();
        if !is_null {
            let text = pg_sys::text_to_cstring(text.cast_mut_ptr());
            list = pg_sys::stringToNode(text).cast();
        }
        pg_sys::ReleaseSysCache(tuple);
        (0..list_len(list)).find(|&at| {
            let own = element::prepared(pg_sys::list_nth(list, at).cast());
            pg_sys::equal(own.cast(), expression.cast())
        })
    }
}
