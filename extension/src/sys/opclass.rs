//! Operator classes and their families, from the catalog caches.

use std::ffi::CStr;

use advisor_core::model::Method;
use pgrx::pg_sys;

use super::hypothetical::method_oid;

/// Families of the b-tree that compare text byte by byte: `text_pattern_ops` and
/// `bpchar_pattern_ops` of `pg_opfamily.dat`. The planner takes LIKE apart for these by number.
const PATTERN_FAMILIES: [u32; 2] = [2095, 2097];

/// Whether it is one of the families that serve LIKE in any collation.
pub(crate) fn is_pattern_family(family: u32) -> bool {
    PATTERN_FAMILIES.contains(&family)
}

/// Whether a class for `input` can be used for values of a type: the test of CREATE INDEX.
pub(crate) fn takes_type(input: u32, type_oid: u32) -> bool {
    // SAFETY: catalog look-ups by value.
    unsafe { pg_sys::IsBinaryCoercible(pg_sys::Oid::from(type_oid), pg_sys::Oid::from(input)) }
}

/// `pg_opclass.oid` of the class that CREATE INDEX takes for a type when none is named.
pub(crate) fn default_class(type_oid: u32, method: Method) -> Option<u32> {
    // SAFETY: catalog look-up by value.
    let class =
        unsafe { pg_sys::GetDefaultOpClass(pg_sys::Oid::from(type_oid), method_oid(method)) };
    (class != pg_sys::InvalidOid).then(|| class.to_u32())
}

/// The operator with its sides exchanged; 0 when there is none.
pub(crate) fn commutator(operator: u32) -> u32 {
    // SAFETY: cache look-up by value; an unknown oid gives 0.
    unsafe { pg_sys::get_commutator(pg_sys::Oid::from(operator)).to_u32() }
}

/// The type that an operator takes on its left; 0 for none.
pub(crate) fn left_type(operator: u32) -> u32 {
    let (mut left, mut right) = (pg_sys::InvalidOid, pg_sys::InvalidOid);
    // SAFETY: writes the two out parameters, or raises an ERROR for an unknown operator.
    unsafe {
        pg_sys::op_input_types(pg_sys::Oid::from(operator), &raw mut left, &raw mut right);
    }
    left.to_u32()
}

/// The name of the type, or of the one below a domain, without schema and modifier; empty for an
/// unknown one.
pub(crate) fn type_name(type_oid: u32) -> String {
    // SAFETY: the tuple is held while the name is copied out of its fixed part.
    unsafe {
        let base = pg_sys::getBaseType(pg_sys::Oid::from(type_oid));
        let tuple = pg_sys::SearchSysCache1(
            pg_sys::SysCacheIdentifier::TYPEOID as i32,
            pg_sys::Datum::from(base),
        );
        if tuple.is_null() {
            return String::new();
        }
        let form: *const pg_sys::FormData_pg_type = pg_sys::GETSTRUCT(tuple).cast();
        let name = CStr::from_ptr((*form).typname.data.as_ptr()).to_string_lossy().into_owned();
        pg_sys::ReleaseSysCache(tuple);
        name
    }
}
