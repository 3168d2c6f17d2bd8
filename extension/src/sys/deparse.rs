//! Expressions and operator classes as SQL, and what expressions read.

use std::ffi::CStr;

use advisor_core::ddl::quote_ident;
use pgrx::{PgSqlErrorCode, pg_sys};

use super::subxact::ServerError;

/// Number of a relation's only range-table entry.
const ONLY: i32 = 1;
/// `FirstLowInvalidHeapAttributeNumber` of `sysattr.h`: what `pull_varattnos` counts from.
const FIRST_LOW: i32 = -7;

/// An expression as SQL, under the search path in force.
///
/// # Errors
/// 42P01 when the relation is gone.
///
/// # Safety
/// All columns of the tree are `relation`'s, with range-table number 1; the server's errors are raised.
pub(super) unsafe fn sql(
    node: *mut pg_sys::Node,
    relation: pg_sys::Oid,
) -> Result<String, ServerError> {
    // SAFETY: see the contract.
    unsafe {
        let name = pg_sys::get_rel_name(relation);
        if name.is_null() {
            let message = format!("relation with OID {} does not exist", relation.to_u32());
            return Err(ServerError::new(PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE, message));
        }
        let context = pg_sys::deparse_context_for(name, relation);
        let text = pg_sys::deparse_expression(node, context, false, false);
        Ok(CStr::from_ptr(text).to_string_lossy().into_owned())
    }
}

/// An expression as CREATE INDEX takes it for a key.
///
/// # Errors
/// As [`sql`].
///
/// # Safety
/// As [`sql`].
pub(super) unsafe fn key_sql(
    node: *mut pg_sys::Node,
    relation: pg_sys::Oid,
) -> Result<String, ServerError> {
    // SAFETY: see the contract.
    unsafe {
        let text = sql(node, relation)?;
        Ok(if is_call(node) { text } else { format!("({text})") })
    }
}

/// The name of an operator class, with its schema unless that is searched.
pub(crate) fn class_name(class: pg_sys::Oid) -> String {
    // SAFETY: the tuple is held while its fixed part is read.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(
            pg_sys::SysCacheIdentifier::CLAOID as i32,
            pg_sys::Datum::from(class),
        );
        if tuple.is_null() {
            return String::new();
        }
        let form: *const pg_sys::FormData_pg_opclass = pg_sys::GETSTRUCT(tuple).cast();
        let name = CStr::from_ptr((*form).opcname.data.as_ptr()).to_string_lossy().into_owned();
        let name = quote_ident(&name);
        let schema = pg_sys::get_namespace_name((*form).opcnamespace);
        pg_sys::ReleaseSysCache(tuple);
        if pg_sys::OpclassIsVisible(class) || schema.is_null() {
            return name;
        }
        format!("{}.{name}", quote_ident(&CStr::from_ptr(schema).to_string_lossy()))
    }
}

/// Whether CREATE INDEX takes the expression without parentheses.
unsafe fn is_call(node: *mut pg_sys::Node) -> bool {
    // SAFETY: the tag says which struct follows.
    unsafe {
        (*node).type_ == pg_sys::NodeTag::T_FuncExpr
            && (*node.cast::<pg_sys::FuncExpr>()).funcformat
                == pg_sys::CoercionForm::COERCE_EXPLICIT_CALL
    }
}

/// The attributes that an expression reads, ascending.
///
/// # Safety
/// Its columns have range-table number 1.
pub(super) unsafe fn attributes(node: *mut pg_sys::Node) -> Vec<i16> {
    let mut found = Vec::new();
    // SAFETY: the set is the server's own; its members are walked until it has no more.
    unsafe {
        let mut set: *mut pg_sys::Bitmapset = std::ptr::null_mut();
        pg_sys::pull_varattnos(node, ONLY as pg_sys::Index, &raw mut set);
        let mut member = pg_sys::bms_next_member(set, -1);
        while member >= 0 {
            found.extend(i16::try_from(member + FIRST_LOW).ok());
            member = pg_sys::bms_next_member(set, member);
        }
    }
    found
}
