//! Types that call functions when a value of them is made.

use pgrx::{PgTupleDesc, pg_sys};

/// Composite types in composite types that are looked into; deeper ones count as calling.
const DEEPEST: usize = 8;

/// Whether making a value of this type may run checks of domains or functions of a range: it is a
/// user's domain or range, or has one in it. Base types and enumerations have nothing behind them.
pub(in crate::sys) fn calls_when_made(oid: pg_sys::Oid) -> bool {
    calls(oid, 0)
}

fn calls(oid: pg_sys::Oid, depth: usize) -> bool {
    if oid.to_u32() < pg_sys::FirstNormalObjectId {
        return false;
    }
    if depth > DEEPEST {
        return true;
    }
    // SAFETY: look-ups by value; what is no array has no element type.
    let (element, kind) = unsafe { (pg_sys::get_element_type(oid), pg_sys::get_typtype(oid)) };
    if element != pg_sys::InvalidOid {
        return calls(element, depth + 1);
    }
    match kind as u8 {
        pg_sys::TYPTYPE_BASE | pg_sys::TYPTYPE_ENUM | pg_sys::TYPTYPE_PSEUDO => false,
        pg_sys::TYPTYPE_COMPOSITE => attributes(oid).into_iter().any(|oid| calls(oid, depth + 1)),
        _ => true,
    }
}

/// The types of the attributes of a composite type.
fn attributes(composite: pg_sys::Oid) -> Vec<pg_sys::Oid> {
    let row = PgTupleDesc::for_composite_type_by_oid(composite);
    let present = row.iter().flat_map(PgTupleDesc::iter).filter(|one| !one.attisdropped);
    present.map(|one| one.atttypid).collect()
}
