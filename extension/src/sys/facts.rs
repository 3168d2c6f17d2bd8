//! Look-ups in the server's catalog caches.

use std::ffi::CStr;

use pgrx::pg_sys;

/// Strategy number (1 to 5) of `operator` in the b-tree family of the column's default operator
/// class; `None` when it has no class or the operator is not a member.
pub(crate) fn btree_strategy(operator: u32, relation: u32, column: i16) -> Option<u8> {
    let btree = pg_sys::Oid::from(pg_sys::BTREE_AM_OID);
    // SAFETY: cache look-ups by value; unknown oids give 0.
    unsafe {
        let type_oid = pg_sys::get_atttype(pg_sys::Oid::from(relation), column);
        if type_oid == pg_sys::InvalidOid {
            return None;
        }
        let class = pg_sys::GetDefaultOpClass(type_oid, btree);
        if class == pg_sys::InvalidOid {
            return None;
        }
        let family = pg_sys::get_opclass_family(class);
        let strategy = pg_sys::get_op_opfamily_strategy(pg_sys::Oid::from(operator), family);
        u8::try_from(strategy).ok().filter(|s| (1..=5).contains(s))
    }
}

/// Whether the operator's selectivity is estimated as a pattern match (LIKE, ILIKE, regex).
pub(crate) fn is_pattern_match(operator: u32) -> bool {
    // SAFETY: cache look-ups by value.
    unsafe {
        let estimator = pg_sys::get_oprrest(pg_sys::Oid::from(operator));
        if estimator == pg_sys::InvalidOid {
            return false;
        }
        let name = pg_sys::get_func_name(estimator);
        if name.is_null() {
            return false;
        }
        let name = CStr::from_ptr(name).to_bytes();
        [&b"likesel"[..], b"iclikesel", b"regexeqsel", b"icregexeqsel", b"prefixsel"]
            .contains(&name)
    }
}

/// Whether an ordering operator sorts descending.
pub(crate) fn sorts_descending(operator: u32) -> bool {
    let (mut family, mut input, mut strategy) = (pg_sys::InvalidOid, pg_sys::InvalidOid, 0_i16);
    // SAFETY: writes the three out parameters when it returns true.
    unsafe {
        pg_sys::get_ordering_op_properties(
            pg_sys::Oid::from(operator),
            &raw mut family,
            &raw mut input,
            &raw mut strategy,
        ) && strategy == 5
    }
}

/// For min and max: whether the first row in descending order is the answer.
pub(crate) fn aggregate_direction(aggregate: u32) -> Option<bool> {
    // SAFETY: the tuple is released after one plain field has been read.
    let operator = unsafe {
        let tuple = pg_sys::SearchSysCache1(
            pg_sys::SysCacheIdentifier::AGGFNOID as i32,
            pg_sys::Datum::from(pg_sys::Oid::from(aggregate)),
        );
        if tuple.is_null() {
            return None;
        }
        let form: *const pg_sys::FormData_pg_aggregate = pg_sys::GETSTRUCT(tuple).cast();
        let operator = (*form).aggsortop;
        pg_sys::ReleaseSysCache(tuple);
        operator
    };
    (operator != pg_sys::InvalidOid).then(|| sorts_descending(operator.to_u32()))
}

/// Whether `member` may act as `role`.
pub(crate) fn may_act_as(member: u32, role: u32) -> bool {
    // SAFETY: role look-ups by value.
    unsafe { pg_sys::has_privs_of_role(pg_sys::Oid::from(member), pg_sys::Oid::from(role)) }
}

/// Whether the role exists.
pub(crate) fn role_exists(role: u32) -> bool {
    // SAFETY: cache look-up by value; no error for an unknown role.
    unsafe { !pg_sys::GetUserNameFromId(pg_sys::Oid::from(role), true).is_null() }
}

/// The attribute number in `leaf` of the column that `table` calls `column`; partitions may number
/// their columns otherwise.
pub(crate) fn leaf_column(table: u32, column: i16, leaf: u32) -> Option<i16> {
    if table == leaf {
        return Some(column);
    }
    // SAFETY: cache look-ups; a missing column gives null or 0.
    unsafe {
        let name = pg_sys::get_attname(pg_sys::Oid::from(table), column, true);
        if name.is_null() {
            return None;
        }
        let number = pg_sys::get_attnum(pg_sys::Oid::from(leaf), name);
        (number > 0).then_some(number)
    }
}

/// Ends the call with the server's own error when a cancel or a timeout is pending.
pub(crate) fn check_interrupts() {
    pgrx::check_for_interrupts!();
}
