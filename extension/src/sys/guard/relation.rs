//! What a query reads: relations and columns.

use std::ffi::CStr;

use pgrx::pg_sys;

use crate::sys::analyze::list_len;
use crate::sys::pg_compat;

/// The name of the extension, its view and its function.
const STATEMENTS: &str = "pg_stat_statements";

/// A relation that a query reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) schema: String,
    pub(crate) relation: String,
    /// Names of the columns that are read; `*` for all of them.
    pub(crate) columns: Vec<String>,
    /// Whether it belongs to the server itself.
    pub(crate) core: bool,
}

/// What the entries of the query's range table are read for that `wanted` chooses.
pub(super) unsafe fn reads(
    query: *const pg_sys::Query,
    wanted: impl Fn(*const pg_sys::RangeTblEntry) -> bool,
) -> Vec<Read> {
    let mut reads = Vec::new();
    // SAFETY: the range table of an analyzed query, walked within its length.
    unsafe {
        for at in 0..list_len((*query).rtable) {
            let entry: *const pg_sys::RangeTblEntry = pg_sys::list_nth((*query).rtable, at).cast();
            if (*entry).relid != pg_sys::InvalidOid && wanted(entry) {
                reads.extend(read((*entry).relid, pg_compat::selected_columns(query, entry)));
            }
        }
    }
    reads
}

/// Whether the query is the body of a view of the server's own by what the rewriter of versions
/// before 16 leaves in its range table: the view itself (`ApplyRetrieveRule`).
pub(super) unsafe fn is_body_of_own_view(query: *const pg_sys::Query) -> bool {
    // SAFETY: as in `reads`.
    unsafe {
        (0..list_len((*query).rtable))
            .any(|at| is_replaced_view(pg_sys::list_nth((*query).rtable, at).cast()))
    }
}

/// Whether the entry is a view of the server's own that its body has replaced.
pub(super) unsafe fn is_replaced_view(entry: *const pg_sys::RangeTblEntry) -> bool {
    // SAFETY: an entry of a range table.
    unsafe {
        is_own_view(entry)
            && (*entry).rtekind == pg_sys::RTEKind::RTE_RELATION
            && !(*entry).inFromCl
    }
}

/// Whether the entry is a view of the server's own.
pub(super) unsafe fn is_own_view(entry: *const pg_sys::RangeTblEntry) -> bool {
    // SAFETY: an entry of a range table.
    unsafe {
        let view = (*entry).relid;
        view != pg_sys::InvalidOid
            && (*entry).relkind as u8 == pg_sys::RELKIND_VIEW
            && (view.to_u32() < pg_sys::FirstNormalObjectId || is_statements(view))
    }
}

/// Whether the view is `pg_stat_statements`, which shows what its reader may see.
unsafe fn is_statements(view: pg_sys::Oid) -> bool {
    // SAFETY: look-ups by value.
    unsafe {
        let named = text(pg_sys::get_rel_name(view)).is_some_and(|name| name == STATEMENTS);
        if !named {
            return false;
        }
        let extension = pg_sys::getExtensionOfObject(pg_sys::RelationRelationId, view);
        extension != pg_sys::InvalidOid
            && text(pg_sys::get_extension_name(extension)).is_some_and(|name| name == STATEMENTS)
    }
}

/// The handler of a foreign table, with the table's name.
pub(super) unsafe fn handler(entry: *const pg_sys::RangeTblEntry) -> Option<(u32, String)> {
    // SAFETY: an entry of a range table; the rest are look-ups by value.
    unsafe {
        if (*entry).rtekind != pg_sys::RTEKind::RTE_RELATION
            || (*entry).relkind as u8 != pg_sys::RELKIND_FOREIGN_TABLE
        {
            return None;
        }
        let server = pg_sys::GetForeignServer(pg_sys::GetForeignServerIdByRelId((*entry).relid));
        let wrapper = pg_sys::GetForeignDataWrapper((*server).fdwid);
        let name = text(pg_sys::get_rel_name((*entry).relid))?;
        let schema = text(pg_sys::get_namespace_name(pg_sys::get_rel_namespace((*entry).relid)))?;
        Some(((*wrapper).fdwhandler.to_u32(), format!("{schema}.{name}")))
    }
}

/// The relation with the columns whose numbers are in the set, offset as the server does it.
pub(crate) unsafe fn read(
    relation: pg_sys::Oid,
    columns: *const pg_sys::Bitmapset,
) -> Option<Read> {
    // SAFETY: look-ups by value; the set is the server's or null.
    unsafe {
        let name = text(pg_sys::get_rel_name(relation))?;
        let schema = text(pg_sys::get_namespace_name(pg_sys::get_rel_namespace(relation)))?;
        let mut names = Vec::new();
        let mut member = pg_sys::bms_next_member(columns, -1);
        while member >= 0 {
            let number = member + pg_sys::FirstLowInvalidHeapAttributeNumber;
            match i16::try_from(number) {
                Ok(0) => names.push("*".to_owned()),
                Ok(number) => names.extend(text(pg_sys::get_attname(relation, number, true))),
                Err(_) => {}
            }
            member = pg_sys::bms_next_member(columns, member);
        }
        let core = relation.to_u32() < pg_sys::FirstNormalObjectId;
        Some(Read { schema, relation: name, columns: names, core })
    }
}

unsafe fn text(name: *const std::ffi::c_char) -> Option<String> {
    // SAFETY: the server's names are NUL-terminated.
    (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned())
}
