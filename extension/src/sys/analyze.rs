//! Parsing, analysis and rewriting of one statement.

use std::ffi::{CStr, CString};
use std::marker::PhantomData;

use pgrx::{PgSqlErrorCode, pg_sys};

use super::arena::Arena;
use super::pg_compat;
use super::position::locating;
use super::subxact::ServerError;

/// A statement that the server has read: its rewritten trees live in the arena.
pub(crate) struct Statement<'a> {
    pub(super) queries: Vec<*mut pg_sys::Query>,
    pub(super) text: *const std::ffi::c_char,
    /// Types of `$1 … $n`; 0 for a number that does not occur.
    pub(crate) param_types: Vec<u32>,
    /// The dump of each rewritten tree (`nodeToString`).
    pub(crate) dumps: Vec<String>,
    /// Whether the statement is one that the planner plans.
    pub(crate) plannable: bool,
    arena: PhantomData<&'a Arena>,
}

/// Parses, analyzes and rewrites `text` under the current role and search path.
///
/// `types` gives types for some parameters beforehand (0: to be found out). Locks on the tables
/// stay until the enclosing sub-transaction ends; on an error they are given back.
///
/// # Errors
/// Whatever the server says, with the position in `text`, or 42601 when the text is not exactly one
/// statement.
pub(crate) fn analyze<'a>(
    arena: &'a Arena,
    text: &str,
    types: &[u32],
) -> Result<Statement<'a>, ServerError> {
    let text = to_c_string(text)?;
    locating(|| arena.with(|| read(&text, types)))?
        .map_err(|message| ServerError::new(PgSqlErrorCode::ERRCODE_SYNTAX_ERROR, message))
}

/// The text as the parser wants it.
///
/// # Errors
/// 22021 for a zero byte.
pub(super) fn to_c_string(text: &str) -> Result<CString, ServerError> {
    let code = PgSqlErrorCode::ERRCODE_CHARACTER_NOT_IN_REPERTOIRE;
    CString::new(text).map_err(|_| ServerError::new(code, "statement contains a zero byte"))
}

fn read<'a>(text: &CStr, types: &[u32]) -> Result<Statement<'a>, &'static str> {
    // SAFETY: every pointer below is allocated by the server in the arena that is current, and the
    // lists are walked within their length. `pstrdup` gives the text the arena's lifetime.
    unsafe {
        let text = pg_sys::pstrdup(text.as_ptr());
        let raw = parse(text)?;
        let mut statement = rewritten(raw, text, types);
        for &query in &statement.queries {
            let dump = pg_sys::nodeToString(query.cast());
            statement.dumps.push(CStr::from_ptr(dump).to_string_lossy().into_owned());
            pg_sys::pfree(dump.cast());
        }
        Ok(statement)
    }
}

/// Analyzes and rewrites one statement of the parser's. There are no dumps of its trees.
///
/// # Safety
/// `raw` and `text` must live as long as the current memory context, and the text be NUL-terminated.
pub(super) unsafe fn rewritten<'a>(
    raw: *mut pg_sys::RawStmt,
    text: *const std::ffi::c_char,
    types: &[u32],
) -> Statement<'a> {
    // SAFETY: see the contract; the lists are walked within their length.
    unsafe {
        let plannable = is_plannable((*raw).stmt);
        let mut statement = Statement {
            queries: Vec::new(),
            text,
            param_types: Vec::new(),
            dumps: Vec::new(),
            plannable,
            arena: PhantomData,
        };
        if !plannable {
            return statement;
        }
        let mut count = i32::try_from(types.len()).unwrap_or(0);
        let mut array: *mut pg_sys::Oid =
            pg_sys::palloc0(size_of::<pg_sys::Oid>() * (types.len() + 1)).cast();
        for (at, &oid) in types.iter().enumerate() {
            *array.add(at) = pg_sys::Oid::from(oid);
        }
        let query = pg_compat::analyze_varparams(raw, text, &raw mut array, &raw mut count);
        for at in 0..usize::try_from(count).unwrap_or(0) {
            statement.param_types.push((*array.add(at)).to_u32());
        }
        if (*query).commandType == pg_sys::CmdType::CMD_UTILITY {
            statement.plannable = false;
            return statement;
        }
        let queries = pg_sys::pg_rewrite_query(query);
        for at in 0..list_len(queries) {
            let query: *mut pg_sys::Query = pg_sys::list_nth(queries, at).cast();
            if (*query).commandType != pg_sys::CmdType::CMD_UTILITY {
                statement.queries.push(query);
            }
        }
        statement
    }
}

/// The only statement of a text.
pub(super) unsafe fn parse(
    text: *const std::ffi::c_char,
) -> Result<*mut pg_sys::RawStmt, &'static str> {
    // SAFETY: the text is NUL-terminated; the parser's list is walked within its length.
    unsafe {
        let parsed = pg_sys::pg_parse_query(text);
        match list_len(parsed) {
            0 => Err("statement is empty"),
            1 => Ok(pg_sys::list_nth(parsed, 0).cast()),
            _ => Err("text holds more than one statement"),
        }
    }
}

pub(super) unsafe fn list_len(list: *mut pg_sys::List) -> i32 {
    // SAFETY: a null list is the server's empty list; otherwise the header is valid.
    if list.is_null() { 0 } else { unsafe { (*list).length } }
}

unsafe fn is_plannable(node: *mut pg_sys::Node) -> bool {
    use pg_sys::NodeTag::{T_DeleteStmt, T_InsertStmt, T_SelectStmt, T_UpdateStmt};
    // SAFETY: the parser's output always starts with a tag.
    let tag = unsafe { (*node).type_ };
    #[cfg(not(feature = "pg14"))]
    if tag == pg_sys::NodeTag::T_MergeStmt {
        return true;
    }
    matches!(tag, T_SelectStmt | T_InsertStmt | T_UpdateStmt | T_DeleteStmt)
}
