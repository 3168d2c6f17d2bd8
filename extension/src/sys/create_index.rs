//! A CREATE INDEX statement as a definition: read by the server's parser, its names resolved under
//! the role and search path in force. Nothing is created.

use std::ffi::{CStr, c_char};

use advisor_core::ddl;
use advisor_core::model::{Element, IndexKey, Method};
use pgrx::{PgSqlErrorCode, pg_sys};

use super::analyze::{list_len, parse, to_c_string};
use super::deparse;
use super::element::{self, Key, ValueType, attribute_type};
use super::facts::may_read_some;
use super::hypothetical;
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
    /// The access method.
    pub(crate) method: Method,
    /// Keys.
    pub(crate) keys: Vec<KeyText>,
    /// The condition of a partial index.
    pub(crate) condition: Option<ConditionText>,
    /// INCLUDE columns, ascending, without doubles and without key columns.
    pub(crate) include: Vec<i16>,
    /// The names of the columns, keys first.
    pub(crate) column_names: Vec<String>,
}

/// A key of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeyText {
    /// A column with its type's default b-tree operator class and its own collation.
    Column(IndexKey),
    /// Anything else.
    Element {
        /// What it is.
        element: Element,
        /// What its values are.
        of: ValueType,
        /// DESC and NULLS FIRST; the column is of no meaning.
        order: IndexKey,
        /// The dump of the expression, where it is one.
        dump: Option<String>,
    },
}

/// The condition of a partial index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConditionText {
    /// As CREATE INDEX takes it.
    pub(crate) sql: String,
    /// The attributes that it reads.
    pub(crate) reads: Vec<i16>,
    /// The dump of the expression.
    pub(crate) dump: String,
}

/// Reads `text`. `resolved` is called once all names are resolved: what is printed after that names
/// whatever is not found in the search path by then. A lock on the table that readers do not notice stays until the enclosing
/// sub-transaction ends.
///
/// # Errors
/// What the server says of such a statement (42601, 42P01, 42703, 42704, 42501, ...), and 0A000 for
/// an index of a kind that cannot be tried.
pub(crate) fn read_index(text: &str, resolved: impl FnOnce()) -> Result<IndexText, ServerError> {
    let text = to_c_string(text)?;
    // SAFETY: what is read is allocated by the parser in the current context; see the functions.
    locating(|| unsafe { read(&text, resolved) })?
}

unsafe fn read(text: &CStr, resolved: impl FnOnce()) -> Result<IndexText, ServerError> {
    let invalid = |message| ServerError::new(PgSqlErrorCode::ERRCODE_SYNTAX_ERROR, message);
    // SAFETY: the tag says which struct the parser made; names are NUL-terminated or null.
    unsafe {
        let raw = parse(text.as_ptr()).map_err(invalid)?;
        if (*(*raw).stmt).type_ != pg_sys::NodeTag::T_IndexStmt {
            return Err(invalid("the definition of an index must be a CREATE INDEX statement")
                .with_hint("Write it as CREATE INDEX ON table (column, ...)."));
        }
        let statement: *mut pg_sys::IndexStmt = (*raw).stmt.cast();
        let method = check_kind(statement)?;
        let table = find_table((*statement).relation)?;
        let parsed = element::resolved(table, statement, text.as_ptr())?;
        resolved();
        let mut index = IndexText {
            name: string((*statement).idxname),
            table: table.to_u32(),
            table_name: string(pg_sys::get_rel_name(table)).unwrap_or_default(),
            method,
            keys: Vec::new(),
            condition: None,
            include: Vec::new(),
            column_names: Vec::new(),
        };
        for (element, key) in elements((*statement).indexParams).zip(&parsed.keys) {
            if !(*element).opclassopts.is_null() {
                return Err(unsupported("indexes with operator class parameters"));
            }
            let name = string((*element).name).unwrap_or_else(|| "expr".to_owned());
            index.keys.push(key_text(table, method, element, key)?);
            index.column_names.push(name);
        }
        if !parsed.condition.is_null() {
            if pg_sys::contain_mutable_functions(parsed.condition) {
                return Err(mutable("functions in index predicate must be marked IMMUTABLE"));
            }
            index.condition = Some(element::condition_text_of(parsed.condition, table)?);
        }
        for element in elements((*statement).indexIncludingParams) {
            let (number, name) = column(element, table)?;
            check_plain(element)?;
            let is_key = |key: &KeyText| matches!(key, KeyText::Column(k) if k.column == number);
            if !index.include.contains(&number) && !index.keys.iter().any(is_key) {
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

fn mutable(message: &str) -> ServerError {
    ServerError::new(PgSqlErrorCode::ERRCODE_INVALID_OBJECT_DEFINITION, message)
}

/// A key as the core has it.
unsafe fn key_text(
    table: pg_sys::Oid,
    method: Method,
    written: *mut pg_sys::IndexElem,
    key: &Key,
) -> Result<KeyText, ServerError> {
    // SAFETY: the parser's element and what the server resolved it to; look-ups by value.
    unsafe {
        if key.attribute < 0 {
            return Err(unsupported("indexes on system columns"));
        }
        let order = IndexKey {
            column: key.attribute,
            descending: key.descending,
            nulls_first: key.nulls_first,
        };
        let am = hypothetical::method_oid(method);
        let default = pg_sys::GetDefaultOpClass(pg_sys::Oid::from(key.of.type_oid), am);
        let own = attribute_type(table.to_u32(), key.attribute);
        let other_collation = own.is_some_and(|own| own.collation != key.of.collation);
        if key.expression.is_null()
            && method == Method::Btree
            && key.class == default
            && !other_collation
        {
            return Ok(KeyText::Column(order));
        }
        let mut sql = match key.expression.is_null() {
            true => quoted(pg_sys::get_attname(table, key.attribute, false)),
            false if pg_sys::contain_mutable_functions(key.expression) => {
                return Err(mutable("functions in index expression must be marked IMMUTABLE"));
            }
            false => deparse::key_sql(key.expression, table)?,
        };
        if !(*written).collation.is_null() {
            sql = format!("{sql} COLLATE {}", collation(key.of.collation));
        }
        let reads = match key.expression.is_null() {
            true => vec![key.attribute],
            false => deparse::attributes(key.expression),
        };
        let element = Element {
            sql,
            opclass: (key.class != default).then(|| deparse::class_name(key.class)),
            method,
            column: (key.attribute > 0).then_some(key.attribute),
            reads,
        };
        let dump = (!key.expression.is_null()).then(|| dump(key.expression));
        Ok(KeyText::Element { element, of: key.of, order, dump })
    }
}

/// The dump of an expression.
unsafe fn dump(node: *mut pg_sys::Node) -> String {
    // SAFETY: a complete tree of the server's.
    unsafe { string(pg_sys::nodeToString(node.cast())).unwrap_or_default() }
}

/// A name as SQL.
unsafe fn quoted(name: *const c_char) -> String {
    // SAFETY: NUL-terminated, or null for none.
    unsafe { ddl::quote_ident(&string(name).unwrap_or_default()) }
}

unsafe fn collation(oid: u32) -> String {
    // SAFETY: a name of the server's.
    unsafe { string(pg_sys::generate_collation_name(pg_sys::Oid::from(oid))).unwrap_or_default() }
}

/// The access method; refuses what the planner would not cost rightly.
unsafe fn check_kind(statement: *mut pg_sys::IndexStmt) -> Result<Method, ServerError> {
    // SAFETY: an IndexStmt of the parser's; the method's name is never null there.
    unsafe {
        let name = string((*statement).accessMethod).unwrap_or_default();
        pg_sys::get_index_am_oid((*statement).accessMethod, false);
        let Some(method) = Method::from_name(&name) else {
            return Err(unsupported(&format!("indexes of access method \"{name}\"")));
        };
        let refused = [
            ((*statement).unique, "unique indexes"),
            (!(*statement).options.is_null(), "indexes with storage parameters"),
            (!(*statement).tableSpace.is_null(), "indexes with a tablespace"),
            (
                method != Method::Btree && !(*statement).indexIncludingParams.is_null(),
                "INCLUDE columns in another index than a b-tree",
            ),
        ];
        match refused.iter().find(|(refused, _)| *refused) {
            Some((_, what)) => Err(unsupported(what)),
            None => Ok(method),
        }
    }
}

fn unsupported(what: &str) -> ServerError {
    ServerError::new(
        PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
        format!("{what} cannot be tried without being built"),
    )
    .with_hint(
        "Indexes of the server's own access methods can, on columns and expressions, with operator \
         classes, ASC, DESC, NULLS FIRST, NULLS LAST, INCLUDE and WHERE.",
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
            return Err(unsupported("expressions as INCLUDE columns"));
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

unsafe fn string(text: *const c_char) -> Option<String> {
    // SAFETY: null or NUL-terminated.
    unsafe { (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned()) }
}
