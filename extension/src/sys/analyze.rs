//! Parsing, analysis and rewriting of one statement.

use std::cell::Cell;
use std::ffi::{CStr, CString};
use std::marker::PhantomData;

use pgrx::{PgSqlErrorCode, pg_guard, pg_sys};

use super::arena::Arena;
use super::subxact::{ServerError, subtransaction};

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

/// Why a text could not be read.
#[derive(Debug, Clone)]
pub(crate) struct AnalyzeError {
    /// The server's error.
    pub(crate) error: ServerError,
    /// Cursor position in characters from 1; 0 when there is none.
    pub(crate) position: i32,
}

/// Parses, analyzes and rewrites `text` under the current role and search path.
///
/// `types` gives types for some parameters beforehand (0: to be found out). Locks on the tables
/// stay until the enclosing sub-transaction ends; on an error they are given back.
///
/// # Errors
/// Whatever the server says, or 42601 when the text is not exactly one statement.
pub(crate) fn analyze<'a>(
    arena: &'a Arena,
    text: &str,
    types: &[u32],
) -> Result<Statement<'a>, AnalyzeError> {
    let invalid = |code, message: &str| AnalyzeError {
        error: ServerError { code, message: message.to_owned(), detail: None, hint: None },
        position: 0,
    };
    let Ok(text) = CString::new(text) else {
        return Err(invalid(
            PgSqlErrorCode::ERRCODE_CHARACTER_NOT_IN_REPERTOIRE,
            "statement contains a zero byte",
        ));
    };
    let position = PositionTrap::new();
    let result = subtransaction(true, || position.armed(|| arena.with(|| read(&text, types))));
    match result {
        Ok(Ok(statement)) => Ok(statement),
        Ok(Err(message)) => Err(invalid(PgSqlErrorCode::ERRCODE_SYNTAX_ERROR, message)),
        Err(error) => Err(AnalyzeError { error, position: position.get() }),
    }
}

fn read<'a>(text: &CStr, types: &[u32]) -> Result<Statement<'a>, &'static str> {
    // SAFETY: every pointer below is allocated by the server in the arena that is current, and the
    // lists are walked within their length. `pstrdup` gives the text the arena's lifetime.
    unsafe {
        let text = pg_sys::pstrdup(text.as_ptr());
        let parsed = pg_sys::pg_parse_query(text);
        match list_len(parsed) {
            0 => return Err("statement is empty"),
            1 => {}
            _ => return Err("text holds more than one statement"),
        }
        let raw: *mut pg_sys::RawStmt = pg_sys::list_nth(parsed, 0).cast();
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
            return Ok(statement);
        }
        let mut count = i32::try_from(types.len()).unwrap_or(0);
        let mut array: *mut pg_sys::Oid =
            pg_sys::palloc0(size_of::<pg_sys::Oid>() * (types.len() + 1)).cast();
        for (at, &oid) in types.iter().enumerate() {
            *array.add(at) = pg_sys::Oid::from(oid);
        }
        let query = pg_sys::parse_analyze_varparams(
            raw,
            text,
            &raw mut array,
            &raw mut count,
            std::ptr::null_mut(),
        );
        for at in 0..usize::try_from(count).unwrap_or(0) {
            statement.param_types.push((*array.add(at)).to_u32());
        }
        if (*query).commandType == pg_sys::CmdType::CMD_UTILITY {
            statement.plannable = false;
            return Ok(statement);
        }
        let rewritten = pg_sys::pg_rewrite_query(query);
        for at in 0..list_len(rewritten) {
            let query: *mut pg_sys::Query = pg_sys::list_nth(rewritten, at).cast();
            if (*query).commandType == pg_sys::CmdType::CMD_UTILITY {
                continue;
            }
            let dump = pg_sys::nodeToString(query.cast());
            statement.dumps.push(CStr::from_ptr(dump).to_string_lossy().into_owned());
            pg_sys::pfree(dump.cast());
            statement.queries.push(query);
        }
        Ok(statement)
    }
}

unsafe fn list_len(list: *mut pg_sys::List) -> i32 {
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

/// Catches the cursor position of an error, which pgrx's error report does not carry: a context
/// callback runs while the server assembles the report.
struct PositionTrap {
    position: Box<Cell<i32>>,
}

impl PositionTrap {
    fn new() -> Self {
        Self { position: Box::new(Cell::new(0)) }
    }

    fn get(&self) -> i32 {
        self.position.get()
    }

    fn armed<R>(&self, f: impl FnOnce() -> R) -> R {
        struct Restore(*mut pg_sys::ErrorContextCallback);
        impl Drop for Restore {
            fn drop(&mut self) {
                // SAFETY: puts back the stack as it was before `armed`.
                unsafe { pg_sys::error_context_stack = self.0 }
            }
        }
        // SAFETY: the callback struct and the cell live on this frame or in `self` until `Restore`
        // has taken the callback off the stack, also when unwinding.
        unsafe {
            let mut callback = pg_sys::ErrorContextCallback {
                previous: pg_sys::error_context_stack,
                callback: Some(note_position),
                arg: std::ptr::from_ref::<Cell<i32>>(&*self.position).cast_mut().cast(),
            };
            let _restore = Restore(pg_sys::error_context_stack);
            pg_sys::error_context_stack = &raw mut callback;
            f()
        }
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn note_position(arg: *mut std::ffi::c_void) {
    // SAFETY: `arg` is the cell of the `PositionTrap` that is armed; called by the server while an
    // error is being reported, which is when `geterrposition` may be called.
    unsafe {
        let position = pg_sys::geterrposition();
        if position > 0 {
            (*arg.cast::<Cell<i32>>()).set(position);
        }
    }
}
