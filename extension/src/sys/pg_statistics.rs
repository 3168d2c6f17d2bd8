//! Extended statistics in the server's C interface: pgrx has them, but for PostgreSQL 18, whose
//! `catalog/pg_statistic_ext.h` and `statistics/statistics.h` are declared here.

#[cfg(feature = "pg18")]
pub(super) use declared::{
    Anum_pg_statistic_ext_stxexprs, FormData_pg_statistic_ext, MCVItem, MCVList,
    STATS_EXT_EXPRESSIONS, statext_expressions_load, statext_is_kind_built,
};
#[cfg(not(feature = "pg18"))]
pub(super) use pgrx::pg_sys::{
    Anum_pg_statistic_ext_stxexprs, FormData_pg_statistic_ext, MCVItem, MCVList,
    STATS_EXT_EXPRESSIONS, statext_expressions_load, statext_is_kind_built,
};

#[cfg(feature = "pg18")]
#[expect(non_upper_case_globals, reason = "the server's names")]
mod declared {
    use std::ffi::{c_char, c_int};

    use pgrx::pg_sys;
    use pgrx::pg_sys::ffi::pg_guard_ffi_boundary;
    use pgrx::pg_sys::{__IncompleteArrayField, AttrNumber, Datum, HeapTuple, NameData, Oid};

    /// The column `stxexprs`.
    pub(in crate::sys) const Anum_pg_statistic_ext_stxexprs: u32 = 9;
    /// The kind `e`.
    pub(in crate::sys) const STATS_EXT_EXPRESSIONS: u8 = b'e';

    /// The fixed part of a row, and the first of what varies.
    #[repr(C)]
    pub(in crate::sys) struct FormData_pg_statistic_ext {
        pub(in crate::sys) oid: Oid,
        pub(in crate::sys) stxrelid: Oid,
        pub(in crate::sys) stxname: NameData,
        pub(in crate::sys) stxnamespace: Oid,
        pub(in crate::sys) stxowner: Oid,
        pub(in crate::sys) stxkeys: pg_sys::int2vector,
    }

    /// A common combination of values.
    #[repr(C)]
    pub(in crate::sys) struct MCVItem {
        pub(in crate::sys) frequency: f64,
        pub(in crate::sys) base_frequency: f64,
        pub(in crate::sys) isnull: *mut bool,
        pub(in crate::sys) values: *mut Datum,
    }

    /// Those of a statistics object, of at most `STATS_MAX_DIMENSIONS` columns.
    #[repr(C)]
    pub(in crate::sys) struct MCVList {
        pub(in crate::sys) magic: u32,
        pub(in crate::sys) type_: u32,
        pub(in crate::sys) nitems: u32,
        pub(in crate::sys) ndimensions: AttrNumber,
        pub(in crate::sys) types: [Oid; 8],
        pub(in crate::sys) items: __IncompleteArrayField<MCVItem>,
    }

    mod server {
        use super::{HeapTuple, Oid, c_char, c_int};

        unsafe extern "C-unwind" {
            pub(super) fn statext_is_kind_built(tuple: HeapTuple, kind: c_char) -> bool;
            pub(super) fn statext_expressions_load(
                object: Oid,
                inherited: bool,
                position: c_int,
            ) -> HeapTuple;
        }
    }

    /// Whether statistics of this kind were gathered.
    ///
    /// # Safety
    /// `tuple` is a row of `pg_statistic_ext_data`.
    pub(in crate::sys) unsafe fn statext_is_kind_built(tuple: HeapTuple, kind: c_char) -> bool {
        // SAFETY: see the contract; an error of the server's unwinds.
        unsafe { pg_guard_ffi_boundary(|| server::statext_is_kind_built(tuple, kind)) }
    }

    /// The statistics of an expression, as a row of `pg_statistic`.
    ///
    /// # Safety
    /// Those of the object's expressions were gathered, and it has one at `position`.
    pub(in crate::sys) unsafe fn statext_expressions_load(
        object: Oid,
        inherited: bool,
        position: c_int,
    ) -> HeapTuple {
        // SAFETY: see the contract; an error of the server's unwinds.
        unsafe {
            pg_guard_ffi_boundary(|| server::statext_expressions_load(object, inherited, position))
        }
    }
}
