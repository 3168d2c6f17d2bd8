//! A planner that believes the catalog about sizes: what makes an empty table plan like the full one
//! that it stands for.
//!
//! The planner takes the size of a relation from its file. With `mcp_advisor.shadow` on, the hook of
//! [`super::hook`] has it taken from `pg_class` instead, where an import of statistics wrote it:
//! `relpages`, `reltuples` and `relallvisible` of tables; of an index `relpages`, `reltuples` and, in
//! `relallvisible`, which the server does not use for indexes, the height of the tree. So it holds in
//! every session at once, is rolled back with the import, and needs no cache.

use std::ffi::CStr;

use pgrx::pg_sys;

use super::subxact::ServerError;

/// What the planner takes for a table that was never vacuumed or analyzed and has fewer pages
/// (`estimate_rel_size`, `plancat.c`).
const LEAST_UNKNOWN_PAGES: f64 = 10.0;

unsafe extern "C-unwind" {
    /// Of the server, in `nbtpage.c`; not among the functions that pgrx declares.
    fn _bt_getrootheight(relation: pg_sys::Relation) -> std::ffi::c_int;
}

/// The numbers of a relation, as in its row of `pg_class`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    /// Pages.
    pub(crate) pages: u32,
    /// Rows or entries; below zero when they are not known.
    pub(crate) tuples: f32,
    /// Pages with all rows visible; of a b-tree, its height.
    pub(crate) third: i32,
    kind: u8,
}

/// Gives `rel` the sizes of the catalog.
///
/// # Safety
/// `rel` must be the `RelOptInfo` that the planner is filling in for `relation`.
pub(super) unsafe fn adjust(relation: pg_sys::Oid, inhparent: bool, rel: *mut pg_sys::RelOptInfo) {
    // The parent of a tree has no size of its own here.
    if inhparent || !crate::settings::shadow() {
        return;
    }
    let Some(table) = extent(relation.to_u32()) else { return };
    if !matches!(table.kind, b'r' | b'm') {
        return;
    }
    // SAFETY: the planner's struct and its list of IndexOptInfo, walked within its length.
    unsafe {
        let mut pages = f64::from(table.pages);
        let tuples = if table.tuples >= 0.0 {
            f64::from(table.tuples)
        } else {
            // The server took its guess at the density times the pages that it saw.
            let density = (*rel).tuples / f64::from((*rel).pages).max(1.0);
            pages = pages.max(LEAST_UNKNOWN_PAGES);
            (density * pages).round_ties_even()
        };
        (*rel).pages = pages as pg_sys::BlockNumber;
        (*rel).tuples = tuples;
        (*rel).allvisfrac = if pages <= 0.0 || table.third <= 0 {
            0.0
        } else {
            (f64::from(table.third) / pages).min(1.0)
        };
        let list = (*rel).indexlist;
        let length = if list.is_null() { 0 } else { (*list).length };
        for at in 0..length {
            let info: *mut pg_sys::IndexOptInfo = pg_sys::list_nth(list, at).cast();
            if !(*info).hypothetical {
                adjust_index(info, tuples);
            }
        }
    }
}

/// # Safety
/// `info` must be one of the planner's, of an index that exists.
unsafe fn adjust_index(info: *mut pg_sys::IndexOptInfo, table_tuples: f64) {
    // SAFETY: see the contract.
    unsafe {
        let Some(index) = extent((*info).indexoid.to_u32()) else { return };
        if index.kind != b'i' || index.pages == 0 {
            return;
        }
        (*info).pages = index.pages;
        let whole = (*info).indpred.is_null() || index.tuples < 0.0;
        (*info).tuples =
            if whole { table_tuples } else { f64::from(index.tuples).min(table_tuples) };
        if (*info).relam == pg_sys::BTREE_AM_OID {
            (*info).tree_height = index.third;
        }
    }
}

/// The numbers of a relation in `pg_class`; none when it is gone.
pub(crate) fn extent(relation: u32) -> Option<Extent> {
    // SAFETY: the tuple is held while its fixed part is read.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(
            pg_sys::SysCacheIdentifier::RELOID as i32,
            pg_sys::Datum::from(pg_sys::Oid::from(relation)),
        );
        if tuple.is_null() {
            return None;
        }
        let form: *const pg_sys::FormData_pg_class = pg_sys::GETSTRUCT(tuple).cast();
        let extent = Extent {
            pages: (*form).relpages.cast_unsigned(),
            tuples: (*form).reltuples,
            third: (*form).relallvisible,
            kind: (*form).relkind as u8,
        };
        pg_sys::ReleaseSysCache(tuple);
        Some(extent)
    }
}

/// Writes the numbers of a relation into `pg_class`. Nobody's rights are asked for: the caller has
/// just made the relation.
///
/// # Errors
/// When the relation is gone.
pub(crate) fn set_extent(
    relation: u32,
    pages: u32,
    tuples: f32,
    third: i32,
) -> Result<(), ServerError> {
    use pgrx::IntoDatum;
    // SAFETY: the copy of the tuple is ours; three columns of it are replaced by values of their
    // types, in a catalog that is locked as for any change.
    unsafe {
        let null = pg_sys::Datum::null();
        let key = pg_sys::Datum::from(pg_sys::Oid::from(relation));
        let cache = pg_sys::SysCacheIdentifier::RELOID as i32;
        let tuple = pg_sys::SearchSysCacheCopy(cache, key, null, null, null);
        if tuple.is_null() {
            let code = pgrx::PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE;
            return Err(ServerError::new(code, format!("relation {relation} does not exist")));
        }
        let catalog = pg_sys::table_open(
            pg_sys::RelationRelationId,
            pg_sys::RowExclusiveLock as pg_sys::LOCKMODE,
        );
        let columns = usize::try_from((*(*catalog).rd_att).natts).unwrap_or(0);
        let (mut values, mut nulls) = (vec![null; columns], vec![false; columns]);
        let mut replaced = vec![false; columns];
        let new = [
            (pg_sys::Anum_pg_class_relpages, pages.cast_signed().into_datum()),
            (pg_sys::Anum_pg_class_reltuples, tuples.into_datum()),
            (pg_sys::Anum_pg_class_relallvisible, third.into_datum()),
        ];
        for (number, value) in new {
            let at = usize::try_from(number).unwrap_or(0).saturating_sub(1);
            if let (Some(slot), Some(flag)) = (values.get_mut(at), replaced.get_mut(at)) {
                *slot = value.unwrap_or(null);
                *flag = true;
            }
        }
        let changed = pg_sys::heap_modify_tuple(
            tuple,
            (*catalog).rd_att,
            values.as_mut_ptr(),
            nulls.as_mut_ptr(),
            replaced.as_mut_ptr(),
        );
        pg_sys::CatalogTupleUpdate(catalog, &raw mut (*changed).t_self, changed);
        pg_sys::table_close(catalog, pg_sys::RowExclusiveLock as pg_sys::LOCKMODE);
        Ok(())
    }
}

/// Levels of a b-tree above its leaves. Reads its first page.
pub(crate) fn btree_height(index: u32) -> i32 {
    // SAFETY: the index is locked while it is looked at. The server's function may raise an ERROR,
    // which the guard turns into a panic before it meets a frame of ours.
    unsafe {
        let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
        let relation = pg_sys::index_open(pg_sys::Oid::from(index), lock);
        let height = pg_sys::ffi::pg_guard_ffi_boundary(|| _bt_getrootheight(relation));
        pg_sys::index_close(relation, lock);
        height
    }
}

/// What a GIN index says about itself on its first page, by which the planner reckons its cost.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub(crate) struct GinCounts {
    /// Pages in all.
    total_pages: u32,
    /// Pages of the tree of keys.
    entry_pages: u32,
    /// Pages of the lists and trees of rows.
    data_pages: u32,
    /// Keys.
    entries: i64,
}

/// Reads what a GIN index says about itself.
pub(crate) fn gin_counts(index: u32) -> GinCounts {
    let mut stats = pg_sys::GinStatsData::default();
    // SAFETY: the index is locked while it is read; the struct is filled in by the call.
    unsafe {
        let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
        let relation = pg_sys::index_open(pg_sys::Oid::from(index), lock);
        pg_sys::ginGetStats(relation, &raw mut stats);
        pg_sys::index_close(relation, lock);
    }
    GinCounts {
        total_pages: stats.nTotalPages,
        entry_pages: stats.nEntryPages,
        data_pages: stats.nDataPages,
        entries: stats.nEntries,
    }
}

/// Has an empty GIN index of the caller's say this about itself, as VACUUM has it say what it found.
pub(crate) fn set_gin_counts(index: u32, counts: GinCounts) {
    let stats = pg_sys::GinStatsData {
        nTotalPages: counts.total_pages,
        nEntryPages: counts.entry_pages,
        nDataPages: counts.data_pages,
        nEntries: counts.entries,
        ..pg_sys::GinStatsData::default()
    };
    // SAFETY: locked as VACUUM locks it. These four are for the planner alone: no scan goes by them.
    unsafe {
        let lock = pg_sys::RowExclusiveLock as pg_sys::LOCKMODE;
        let relation = pg_sys::index_open(pg_sys::Oid::from(index), lock);
        pg_sys::ginUpdateStats(relation, &raw const stats, false);
        pg_sys::index_close(relation, lock);
    }
}

/// Raises the server's error in a transaction that only reads.
pub(crate) fn require_writable(what: &CStr) {
    // SAFETY: the name is NUL-terminated and only printed.
    unsafe { pg_sys::PreventCommandIfReadOnly(what.as_ptr()) }
}

/// Makes what was written into catalogs visible to what comes next.
pub(crate) fn next_command() {
    // SAFETY: called inside a transaction that may write.
    unsafe { pg_sys::CommandCounterIncrement() }
}

/// Whether the role in force is a superuser, or owns the database.
pub(crate) fn owns_database() -> bool {
    // SAFETY: look-ups by value; the database is that of the session.
    unsafe {
        let role = pg_sys::GetUserId();
        pg_sys::superuser_arg(role) || super::pg_compat::owns_database(pg_sys::MyDatabaseId, role)
    }
}

/// Whether the role in force is a superuser.
pub(crate) fn is_superuser() -> bool {
    // SAFETY: a look-up by value.
    unsafe { pg_sys::superuser_arg(pg_sys::GetUserId()) }
}
