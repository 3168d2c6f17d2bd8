//! What kind of statement somebody sent.

use std::ffi::{CStr, c_char};

use pgrx::pg_sys::NodeTag;
use pgrx::{PgSqlErrorCode, pg_sys};

use super::undisturbed::undisturbed;
use crate::sys::analyze::{list_len, parse, rewritten, to_c_string};
use crate::sys::position::locating;
use crate::sys::{Arena, ServerError, Statement};

/// A statement that somebody sent.
pub(crate) enum Sent<'a> {
    /// One that is planned.
    Query(Statement<'a>),
    /// EXPLAIN of one that is planned, which ANALYZE executes.
    Explain { statement: Statement<'a>, analyze: bool },
    /// SHOW of a setting.
    Show(String),
    /// Any other, by its command tag.
    Other(String),
}

/// Reads the one statement of the text under the current role and search path.
///
/// # Errors
/// As [`crate::sys::analyze()`].
pub(crate) fn sent<'a>(arena: &'a Arena, text: &str) -> Result<Sent<'a>, ServerError> {
    let text = to_c_string(text)?;
    locating(|| arena.with(|| undisturbed(|| read(&text))))?
        .map_err(|message| ServerError::new(PgSqlErrorCode::ERRCODE_SYNTAX_ERROR, message))
}

fn read<'a>(text: &CStr) -> Result<Sent<'a>, &'static str> {
    // SAFETY: everything is allocated by the server in the arena that is current; tags say which
    // struct a node is.
    unsafe {
        let text = pg_sys::pstrdup(text.as_ptr());
        let raw = parse(text)?;
        let node = (*raw).stmt;
        if (*node).type_ == NodeTag::T_VariableShowStmt {
            let show: *const pg_sys::VariableShowStmt = node.cast();
            return Ok(Sent::Show(owned((*show).name)));
        }
        if (*node).type_ != NodeTag::T_ExplainStmt {
            let statement = rewritten(raw, text, &[]);
            return Ok(match statement.plannable {
                true => Sent::Query(statement),
                false => Sent::Other(tag(node)),
            });
        }
        let explain: *const pg_sys::ExplainStmt = node.cast();
        let analyze = analyzes((*explain).options);
        let inner = (*explain).query;
        // Planned only, they are what they are made from.
        (*raw).stmt = if analyze { inner } else { source(inner) };
        let statement = rewritten(raw, text, &[]);
        Ok(match statement.plannable {
            true => Sent::Explain { statement, analyze },
            false => Sent::Other(format!("EXPLAIN {}", tag(inner))),
        })
    }
}

/// The query that a statement stores the result of, or the statement itself.
unsafe fn source(node: *mut pg_sys::Node) -> *mut pg_sys::Node {
    // SAFETY: a node of the parser, which is ours to change.
    unsafe {
        match (*node).type_ {
            NodeTag::T_CreateTableAsStmt => (*node.cast::<pg_sys::CreateTableAsStmt>()).query,
            NodeTag::T_DeclareCursorStmt => (*node.cast::<pg_sys::DeclareCursorStmt>()).query,
            NodeTag::T_SelectStmt => {
                (*node.cast::<pg_sys::SelectStmt>()).intoClause = std::ptr::null_mut();
                node
            }
            _ => node,
        }
    }
}

/// Whether the options of an EXPLAIN say ANALYZE. The last one counts, as in `ExplainQuery`.
unsafe fn analyzes(options: *mut pg_sys::List) -> bool {
    let mut analyze = false;
    // SAFETY: the parser's list of DefElem, walked within its length.
    unsafe {
        for at in 0..list_len(options) {
            let option: *mut pg_sys::DefElem = pg_sys::list_nth(options, at).cast();
            if CStr::from_ptr((*option).defname) == c"analyze" {
                analyze = pg_sys::defGetBoolean(option);
            }
        }
    }
    analyze
}

/// The command tag, such as `CREATE TABLE`.
unsafe fn tag(node: *mut pg_sys::Node) -> String {
    // SAFETY: a node of the parser; the name is the server's constant.
    unsafe { owned(pg_sys::GetCommandTagName(pg_sys::CreateCommandTag(node))) }
}

unsafe fn owned(text: *const c_char) -> String {
    // SAFETY: NUL-terminated by the server.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}
