//! Look-ups in the server's catalog caches.

use std::ffi::CStr;

use pgrx::pg_sys;

use super::element::ValueType;

/// Number of the b-tree support function that allows deduplication (the server's `nbtree.h`).
const BTEQUALIMAGE_PROC: i16 = 4;

/// Strategy number (1 to 5) of `operator` in the b-tree family of the type's default operator class;
/// `None` when it has no class or the operator is not a member.
pub(crate) fn btree_strategy(operator: u32, type_oid: u32) -> Option<u8> {
    // SAFETY: cache look-ups by value; unknown oids give 0.
    unsafe {
        let class = pg_sys::GetDefaultOpClass(pg_sys::Oid::from(type_oid), pg_sys::BTREE_AM_OID);
        if class == pg_sys::InvalidOid {
            return None;
        }
        let family = pg_sys::get_opclass_family(class);
        let strategy = pg_sys::get_op_opfamily_strategy(pg_sys::Oid::from(operator), family);
        u8::try_from(strategy).ok().filter(|s| (1..=5).contains(s))
    }
}

/// The operator that is true where this one is false; 0 when there is none.
pub(crate) fn negator(operator: u32) -> u32 {
    // SAFETY: cache look-up by value; an unknown oid gives 0.
    unsafe { pg_sys::get_negator(pg_sys::Oid::from(operator)).to_u32() }
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
    // A b-tree's strategy, and since 18 the comparison: numbered alike.
    #[cfg(not(feature = "pg18"))]
    let mut strategy = 0_i16;
    #[cfg(feature = "pg18")]
    let mut strategy = pg_sys::CompareType::COMPARE_INVALID;
    let (mut family, mut input) = (pg_sys::InvalidOid, pg_sys::InvalidOid);
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

/// What ANALYZE found out about a column, without its values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ColumnStats {
    /// Average stored width in bytes.
    pub(crate) width: f64,
    /// `stadistinct`: a count, or minus the share of rows when negative; 0 unknown.
    pub(crate) distinct: f64,
    /// Share of NULLs.
    pub(crate) null_frac: f64,
    /// Physical order against value order, -1 to 1.
    pub(crate) correlation: f64,
}

/// The statistics of a column; of the whole inheritance tree when `inherited`.
pub(crate) fn column_stats(relation: u32, column: i16, inherited: bool) -> Option<ColumnStats> {
    // SAFETY: the tuple is held while it is read.
    unsafe {
        let tuple = pg_sys::SearchSysCache3(
            pg_sys::SysCacheIdentifier::STATRELATTINH as i32,
            pg_sys::Datum::from(pg_sys::Oid::from(relation)),
            pg_sys::Datum::from(column),
            pg_sys::Datum::from(inherited),
        );
        if tuple.is_null() {
            return None;
        }
        let stats = stats_of(tuple);
        pg_sys::ReleaseSysCache(tuple);
        Some(stats)
    }
}

/// The same of a row of `pg_statistic` at hand.
///
/// # Safety
/// A complete row.
pub(super) unsafe fn stats_of(tuple: pg_sys::HeapTuple) -> ColumnStats {
    // SAFETY: see the contract; the slot is copied out.
    unsafe {
        let form: *const pg_sys::FormData_pg_statistic = pg_sys::GETSTRUCT(tuple).cast();
        let mut stats = ColumnStats {
            width: f64::from((*form).stawidth),
            distinct: f64::from((*form).stadistinct),
            null_frac: f64::from((*form).stanullfrac),
            correlation: 0.0,
        };
        let mut slot = pg_sys::AttStatsSlot::default();
        let (kind, flags) =
            (pg_sys::STATISTIC_KIND_CORRELATION as i32, pg_sys::ATTSTATSSLOT_NUMBERS as i32);
        if pg_sys::get_attstatsslot(&raw mut slot, tuple, kind, pg_sys::InvalidOid, flags) {
            if slot.nnumbers > 0 {
                stats.correlation = f64::from(*slot.numbers);
            }
            pg_sys::free_attstatsslot(&raw mut slot);
        }
        stats
    }
}

/// Whether the type has a default b-tree operator class, and whether that allows deduplication for
/// the collation.
///
/// Asks the class's equal-image support function as `_bt_allequalimage` (`nbtutils.c`) does.
pub(crate) fn btree_support(of: ValueType) -> (bool, bool) {
    // SAFETY: cache look-ups by value; the support function is the operator class's own, called
    // with the argument that the index access method passes.
    unsafe {
        let class = pg_sys::GetDefaultOpClass(pg_sys::Oid::from(of.type_oid), pg_sys::BTREE_AM_OID);
        if class == pg_sys::InvalidOid {
            return (false, false);
        }
        let family = pg_sys::get_opclass_family(class);
        let input = pg_sys::get_opclass_input_type(class);
        let equal_image = pg_sys::get_opfamily_proc(family, input, input, BTEQUALIMAGE_PROC);
        if equal_image == pg_sys::InvalidOid {
            return (true, false);
        }
        let collation = pg_sys::Oid::from(of.collation);
        let answer =
            pg_sys::OidFunctionCall1Coll(equal_image, collation, pg_sys::Datum::from(input));
        (true, answer.value() != 0)
    }
}

/// Length, alignment (both in bytes) and average width of a type's values when nothing is known of
/// them (`get_typavgwidth` of `lsyscache.c`).
pub(crate) fn type_layout(of: ValueType) -> (i16, u8, f64) {
    let type_oid = pg_sys::Oid::from(of.type_oid);
    let (length, _, align) = storage(type_oid);
    // SAFETY: look-ups by value of a type that is known.
    let width = unsafe { pg_sys::get_typavgwidth(type_oid, of.typmod) };
    (length, align, f64::from(width))
}

/// Length, whether values are passed by value, and alignment in bytes of a type's values. Raises the
/// server's error for an unknown type.
pub(super) fn storage(type_oid: pg_sys::Oid) -> (i16, bool, u8) {
    let (mut length, mut by_value, mut align) = (0_i16, false, 0_i8);
    // SAFETY: writes the three out parameters, or raises an ERROR.
    unsafe {
        pg_sys::get_typlenbyvalalign(
            type_oid,
            &raw mut length,
            &raw mut by_value,
            (&raw mut align).cast(),
        );
    }
    let align = match align as u8 {
        b'c' => 1,
        b's' => 2,
        b'i' => 4,
        _ => 8,
    };
    (length, by_value, align)
}

/// Whether values of the type can be put into an array one by one: it is no array itself.
pub(crate) fn has_array_type(type_oid: u32) -> bool {
    let type_oid = pg_sys::Oid::from(type_oid);
    // SAFETY: cache look-ups by value; none gives 0.
    unsafe {
        pg_sys::get_element_type(type_oid) == pg_sys::InvalidOid
            && pg_sys::get_array_type(type_oid) != pg_sys::InvalidOid
    }
}

/// Whether ANALYZE sums the type's values up in a way of its own, as it does lists of words, arrays
/// and ranges (`typanalyze` of `pg_type`).
pub(crate) fn has_own_statistics(type_oid: u32) -> bool {
    let type_oid = pg_sys::Datum::from(pg_sys::Oid::from(type_oid));
    // SAFETY: the tuple is held while it is read.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(pg_sys::SysCacheIdentifier::TYPEOID as i32, type_oid);
        if tuple.is_null() {
            return false;
        }
        let form: *const pg_sys::FormData_pg_type = pg_sys::GETSTRUCT(tuple).cast();
        let own = (*form).typanalyze != pg_sys::InvalidOid;
        pg_sys::ReleaseSysCache(tuple);
        own
    }
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

/// Whether the relation is temporary.
pub(crate) fn is_temporary(relation: u32) -> bool {
    // SAFETY: cache look-up of an existing relation, which the analyzed statement keeps locked.
    unsafe { pg_sys::get_rel_persistence(pg_sys::Oid::from(relation)) as u8 == b't' }
}

/// Whether the session whose temporary tables are in this schema is gone, or has begun anew without
/// them.
pub(crate) fn is_left_behind(schema: u32) -> bool {
    // SAFETY: reads the schema's name and the shared table of sessions, by value.
    let status = unsafe { pg_sys::checkTempNamespaceStatus(pg_sys::Oid::from(schema)) };
    status == pg_sys::TempNamespaceStatus::TEMP_NAMESPACE_IDLE
}

/// Whether the current role may read a column's values: what `pg_stats` asks before it shows them.
pub(crate) fn may_read_column(relation: u32, column: i16) -> bool {
    let (relation, select) =
        (pg_sys::Oid::from(relation), pg_sys::AclMode::from(pg_sys::ACL_SELECT));
    // SAFETY: look-ups by value; a relation that is gone is nobody's to read.
    unsafe {
        let role = pg_sys::GetUserId();
        let granted = pg_sys::pg_class_aclcheck(relation, role, select)
            == pg_sys::AclResult::ACLCHECK_OK
            || pg_sys::pg_attribute_aclcheck(relation, column, role, select)
                == pg_sys::AclResult::ACLCHECK_OK;
        let hidden = pg_sys::check_enable_rls(relation, pg_sys::InvalidOid, true);
        granted && hidden != pg_sys::CheckEnableRlsResult::RLS_ENABLED as i32
    }
}

/// Whether the current role may read the relation or a column of it.
pub(super) fn may_read_some(relation: u32) -> bool {
    let (relation, select) =
        (pg_sys::Oid::from(relation), pg_sys::AclMode::from(pg_sys::ACL_SELECT));
    // SAFETY: look-ups by value.
    unsafe {
        let role = pg_sys::GetUserId();
        let any = pg_sys::AclMaskHow::ACLMASK_ANY;
        pg_sys::pg_class_aclcheck(relation, role, select) == pg_sys::AclResult::ACLCHECK_OK
            || pg_sys::pg_attribute_aclcheck_all(relation, role, select, any)
                == pg_sys::AclResult::ACLCHECK_OK
    }
}
