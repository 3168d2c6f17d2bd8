//! A CREATE INDEX statement as a definition: read by the server's parser, its names resolved under
//! the role and search path in force. Nothing is created.

use std::ffi::{CStr, c_char};

use advisor_core::model::IndexKey;
use pgrx::{PgSqlErrorCode, pg_sys};

use super::analyze::{list_len, parse, to_c_string};
use super::facts::may_read_some;
use super::position::locating;
use super::subxact::ServerError;

/// Most columns of an index, INCLUDE columns counted (`INDEX_MAX_KEYS` of the server).
const INDEX_MAX_KEYS: usize = 32;
/// Oids below this belong to the system (`FirstNormalObjectId` of the server's `transam.h`).
const FIRST_USER_OID: u32 = 16_384;

/// What a CREATE INDEX statement asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IndexText {
    /// The name given to the index.
    pub(crate) name: Option<String>,
    /// The table's oid.
    pub(crate) table: u32,
    /// Its name, unquoted.
    pub(crate) table_name: String,
    /// Key columns.
    pub(crate) keys: Vec<IndexKey>,
    /// INCLUDE columns, ascending, without doubles and without key columns.
    pub(crate) include: Vec<i16>,
    /// The names of the columns, keys first.
    pub(crate) column_names: Vec<String>,
}

/// Reads `text`. A lock on the table that readers do not notice stays until the enclosing
/// sub-transaction ends.
///
/// # Errors
/// What the server says of such a statement (42601, 42P01, 42703, 42704, 42501, …), and 0A000 for
/// an index of a kind that cannot be tried.
pub(crate) fn read_index(text: &str) -> Result<IndexText, ServerError> {
    let text = to_c_string(text)?;
    // SAFETY: what is read is allocated by the parser in the current context; see the functions.
    locating(|| unsafe { read(&text) })?
}

unsafe fn read(text: &CStr) -> Result<IndexText, ServerError> {
    let invalid = |message| ServerError::new(PgSqlErrorCode::ERRCODE_SYNTAX_ERROR, message);
    // SAFETY: the tag says which struct the parser made; names are NUL-terminated or null.
    unsafe {
        let raw = parse(text.as_ptr()).map_err(invalid)?;
        if (*(*raw).stmt).type_ != pg_sys::NodeTag::T_IndexStmt {
            return Err(invalid("the definition of an index must be a CREATE INDEX statement")
                .with_hint("Write it as CREATE INDEX ON table (column, …)."));
        }
        let statement: *mut pg_sys::IndexStmt = (*raw).stmt.cast();
        check_kind(statement)?;
        let table = find_table((*statement).relation)?;
        let mut index = IndexText {
            name: string((*statement).idxname),
            table: table.to_u32(),
            table_name: string(pg_sys::get_rel_name(table)).unwrap_or_default(),
            keys: Vec::new(),
            include: Vec::new(),
            column_names: Vec::new(),
        };
        for element in elements((*statement).indexParams) {
            let (number, name) = column(element, table)?;
            check_class(element, table, number)?;
            index.keys.push(key(element, number));
            index.column_names.push(name);
        }
        for element in elements((*statement).indexIncludingParams) {
            let (number, name) = column(element, table)?;
            check_plain(element)?;
            if !index.include.contains(&number) && index.keys.iter().all(|k| k.column != number) {
                index.include.push(number);
                index.column_names.push(name);
            }
        }
        index.include.sort_unstable();
        if index.column_names.len() > INDEX_MAX_KEYS {
            let message = format!("cannot use more than {INDEX_MAX_KEYS} columns in an index");
            return Err(ServerError::new(PgSqlErrorCode::ERRCODE_TOO_MANY_COLUMNS, message));
        }
        Ok(index)
    }
}

/// Refuses what the planner would not cost rightly.
unsafe fn check_kind(statement: *mut pg_sys::IndexStmt) -> Result<(), ServerError> {
    // SAFETY: an IndexStmt of the parser's; the method's name is never null there.
    unsafe {
        let method = (*statement).accessMethod;
        if pg_sys::get_index_am_oid(method, false) != pg_sys::BTREE_AM_OID {
            let method = string(method).unwrap_or_default();
            return Err(unsupported(&format!("indexes of access method \"{method}\"")));
        }
        let refused = [
            ((*statement).unique, "unique indexes"),
            (!(*statement).whereClause.is_null(), "partial indexes"),
            (!(*statement).options.is_null(), "indexes with storage parameters"),
            (!(*statement).tableSpace.is_null(), "indexes with a tablespace"),
        ];
        match refused.iter().find(|(refused, _)| *refused) {
            Some((_, what)) => Err(unsupported(what)),
            None => Ok(()),
        }
    }
}

fn unsupported(what: &str) -> ServerError {
    ServerError::new(
        PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
        format!("{what} cannot be tried without being built"),
    )
    .with_hint(
        "B-tree indexes on plain columns can, with ASC, DESC, NULLS FIRST, NULLS LAST and INCLUDE.",
    )
}

/// The table, which the current role must be able to read: how large an index would be tells
/// something of its content.
unsafe fn find_table(name: *const pg_sys::RangeVar) -> Result<pg_sys::Oid, ServerError> {
    // SAFETY: a RangeVar of the parser's; the look-up raises the server's own errors.
    unsafe {
        let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
        let table = pg_sys::RangeVarGetRelidExtended(name, lock, 0, None, std::ptr::null_mut());
        let shown = string((*name).relname).unwrap_or_default();
        match pg_sys::get_rel_relkind(table) as u8 {
            b'r' | b'm' => {}
            b'p' if (*name).inh => {}
            b'p' => return Err(unsupported("indexes on only the parent of partitions")),
            _ => {
                let message = format!("cannot create index on relation \"{shown}\"");
                let code = PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE;
                return Err(ServerError::new(code, message));
            }
        }
        if !may_read_some(table.to_u32()) {
            pg_sys::aclcheck_error(
                pg_sys::AclResult::ACLCHECK_NO_PRIV,
                pg_sys::ObjectType::OBJECT_TABLE,
                (*name).relname,
            );
        }
        if table.to_u32() < FIRST_USER_OID {
            return Err(unsupported("indexes on system catalogs"));
        }
        if pg_sys::get_rel_persistence(table) as u8 == b't' {
            return Err(unsupported("indexes on temporary tables"));
        }
        Ok(table)
    }
}

unsafe fn elements(list: *mut pg_sys::List) -> impl Iterator<Item = *mut pg_sys::IndexElem> {
    // SAFETY: the parser's list of IndexElem, walked within its length.
    unsafe { (0..list_len(list)).map(move |at| pg_sys::list_nth(list, at).cast()) }
}

/// Number and name of a plain column.
unsafe fn column(
    element: *mut pg_sys::IndexElem,
    table: pg_sys::Oid,
) -> Result<(i16, String), ServerError> {
    // SAFETY: an IndexElem has a name or an expression.
    unsafe {
        if (*element).name.is_null() {
            return Err(unsupported("indexes on expressions"));
        }
        let name = string((*element).name).unwrap_or_default();
        match pg_sys::get_attnum(table, (*element).name) {
            0 => {
                let message = format!("column \"{name}\" does not exist");
                Err(ServerError::new(PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN, message))
            }
            number if number < 0 => Err(unsupported("indexes on system columns")),
            number => Ok((number, name)),
        }
    }
}

/// Refuses another operator class or collation than the column's own, which is what is costed.
unsafe fn check_class(
    element: *mut pg_sys::IndexElem,
    table: pg_sys::Oid,
    number: i16,
) -> Result<(), ServerError> {
    let (mut type_oid, mut typmod, mut collation) = (pg_sys::InvalidOid, -1, pg_sys::InvalidOid);
    // SAFETY: the column exists; names are resolved by the server, which raises its own errors, that
    // of a type without a b-tree operator class among them.
    unsafe {
        pg_sys::get_atttypetypmodcoll(
            table,
            number,
            &raw mut type_oid,
            &raw mut typmod,
            &raw mut collation,
        );
        let method: *const c_char = c"btree".as_ptr();
        let class =
            pg_sys::ResolveOpClass((*element).opclass, type_oid, method, pg_sys::BTREE_AM_OID);
        let usual = pg_sys::GetDefaultOpClass(type_oid, pg_sys::BTREE_AM_OID);
        if class != usual || !(*element).opclassopts.is_null() {
            return Err(unsupported("indexes with an operator class that is not the default"));
        }
        if !(*element).collation.is_null()
            && pg_sys::get_collation_oid((*element).collation, false) != collation
        {
            return Err(unsupported("indexes with another collation than the column's"));
        }
        Ok(())
    }
}

/// Refuses what an INCLUDE column cannot have, in the server's words.
unsafe fn check_plain(element: *mut pg_sys::IndexElem) -> Result<(), ServerError> {
    // SAFETY: an IndexElem of the parser's.
    let what = unsafe {
        match () {
            () if !(*element).collation.is_null() => "a collation",
            () if !(*element).opclass.is_null() => "an operator class",
            () if (*element).ordering != pg_sys::SortByDir::SORTBY_DEFAULT => "ASC/DESC options",
            () if (*element).nulls_ordering != pg_sys::SortByNulls::SORTBY_NULLS_DEFAULT => {
                "NULLS FIRST/LAST options"
            }
            () => return Ok(()),
        }
    };
    Err(ServerError::new(
        PgSqlErrorCode::ERRCODE_INVALID_OBJECT_DEFINITION,
        format!("including column does not support {what}"),
    ))
}

unsafe fn key(element: *mut pg_sys::IndexElem, column: i16) -> IndexKey {
    use pg_sys::{SortByDir, SortByNulls};
    // SAFETY: an IndexElem of the parser's.
    let (ordering, nulls) = unsafe { ((*element).ordering, (*element).nulls_ordering) };
    let descending = ordering == SortByDir::SORTBY_DESC;
    let nulls_first = match nulls {
        SortByNulls::SORTBY_NULLS_FIRST => true,
        SortByNulls::SORTBY_NULLS_LAST => false,
        _ => descending,
    };
    IndexKey { column, descending, nulls_first }
}

unsafe fn string(text: *const c_char) -> Option<String> {
    // SAFETY: null or NUL-terminated.
    unsafe { (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned()) }
}
