//! What a function would do that its call does not show: the body of a function in SQL, and the
//! defaults of arguments that a call leaves out.

use std::ffi::{CString, c_char};

use pgrx::pg_sys;
use pgrx::pg_sys::ffi::pg_guard_ffi_boundary;

use super::function::{self, PROCOID};
use super::tree::{self, Call, Contents};
use super::undisturbed::undisturbed;
use crate::sys::analyze::list_len;
use crate::sys::pg_compat;
use crate::sys::{Arena, ServerError, SessionScope, set_role, subtransaction};

/// `executor/functions.h`, which pgrx does not bind: what resolves the parameters in a body.
#[repr(C)]
struct ParseInfo {
    private: [u8; 0],
}

unsafe extern "C-unwind" {
    fn prepare_sql_fn_parse_info(
        function: pg_sys::HeapTuple,
        call: *mut pg_sys::Node,
        collation: pg_sys::Oid,
    ) -> *mut ParseInfo;
    fn sql_fn_parser_setup(state: *mut pg_sys::ParseState, info: *mut ParseInfo);
}

/// The settings and the role that a body is read under; those of the caller when it goes.
pub(crate) struct BodyScope {
    _scope: Option<SessionScope>,
}

/// The tuple of a function; released when it goes.
struct Tuple(pg_sys::HeapTuple);

impl Tuple {
    fn find(oid: u32) -> Option<Self> {
        let id = pg_sys::Datum::from(pg_sys::Oid::from(oid));
        // SAFETY: a look-up by value.
        let tuple = unsafe { pg_sys::SearchSysCache1(PROCOID, id) };
        (!tuple.is_null()).then_some(Self(tuple))
    }

    fn form(&self) -> *const pg_sys::FormData_pg_proc {
        // SAFETY: a tuple of the cache of pg_proc.
        unsafe { pg_sys::GETSTRUCT(self.0).cast() }
    }

    /// An attribute of type text or `pg_node_tree`.
    fn text(&self, attribute: u32) -> Option<String> {
        // SAFETY: both types are stored alike.
        unsafe { function::attribute(PROCOID, self.0, attribute as pg_sys::AttrNumber) }
    }
}

impl Drop for Tuple {
    fn drop(&mut self) {
        // SAFETY: found by `find`, released once.
        unsafe { pg_sys::ReleaseSysCache(self.0) }
    }
}

/// Enters a function: its search path and, when it runs as its owner, the owner's rights on
/// schemas.
pub(crate) fn enter(oid: u32) -> BodyScope {
    let Some(tuple) = Tuple::find(oid) else { return BodyScope { _scope: None } };
    // SAFETY: the form of a tuple that is held.
    let (definer, owner) =
        unsafe { ((*tuple.form()).prosecdef, (*tuple.form()).proowner.to_u32()) };
    // SAFETY: a tuple of that cache.
    let path = unsafe { function::search_path(tuple.0) };
    if !definer && path.is_none() {
        return BodyScope { _scope: None };
    }
    let scope = SessionScope::open();
    if let Some(path) = path {
        scope.set("search_path", &path);
    }
    if definer {
        set_role(&scope, owner);
    }
    BodyScope { _scope: Some(scope) }
}

/// What the body of a function in SQL would do; none for other functions.
///
/// # Errors
/// Why the body cannot be read, of which its caller would hear when it runs.
pub(crate) fn body(arena: &Arena, oid: u32, call: Call) -> Result<Option<Contents>, ServerError> {
    let Some(tuple) = Tuple::find(oid) else { return Ok(None) };
    // SAFETY: the form of a tuple that is held.
    if unsafe { (*tuple.form()).prolang.to_u32() } != function::SQL {
        return Ok(None);
    }
    subtransaction(true, || {
        arena.with(|| {
            // SAFETY: the trees live in the arena that is current.
            undisturbed(|| unsafe {
                match tuple.text(pg_sys::Anum_pg_proc_prosqlbody) {
                    Some(stored) => stored_body(&stored),
                    None => text_body(&tuple, call),
                }
            })
        })
    })
    .map(Some)
}

/// A body that was parsed when the function was made.
unsafe fn stored_body(stored: &str) -> Contents {
    let mut found = Contents::default();
    // SAFETY: a tree as the server wrote it: a query, or a list that holds a list of them.
    unsafe {
        let node = from_text(stored);
        if node.is_null() || (*node).type_ != pg_sys::NodeTag::T_List {
            rewrite(node.cast(), &mut found);
            return found;
        }
        let outer: *mut pg_sys::List = node.cast();
        for list in 0..list_len(outer) {
            let inner: *mut pg_sys::List = pg_sys::list_nth(outer, list).cast();
            for at in 0..list_len(inner) {
                rewrite(pg_sys::list_nth(inner, at).cast(), &mut found);
            }
        }
    }
    found
}

unsafe fn rewrite(query: *mut pg_sys::Query, found: &mut Contents) {
    if query.is_null() {
        return;
    }
    // SAFETY: an analyzed query, which the rewriter may change.
    unsafe {
        pg_sys::AcquireRewriteLocks(query, true, false);
        let queries = pg_sys::pg_rewrite_query(query);
        for at in 0..list_len(queries) {
            tree::look_into(pg_sys::list_nth(queries, at).cast(), found);
        }
    }
}

/// A body that is parsed when the function runs.
unsafe fn text_body(tuple: &Tuple, call: Call) -> Contents {
    let mut found = Contents::default();
    let Some(text) =
        tuple.text(pg_sys::Anum_pg_proc_prosrc).and_then(|text| CString::new(text).ok())
    else {
        return found;
    };
    // SAFETY: as the server does in `init_sql_fcache`; everything is in the current context. The
    // setup takes what `prepare_sql_fn_parse_info` made.
    unsafe {
        let text: *const c_char = pg_sys::pstrdup(text.as_ptr());
        let info = pg_guard_ffi_boundary(|| {
            prepare_sql_fn_parse_info(tuple.0, call.node(), pg_sys::InvalidOid)
        });
        let setup: pg_sys::ParserSetupHook = Some(std::mem::transmute::<
            unsafe extern "C-unwind" fn(*mut pg_sys::ParseState, *mut ParseInfo),
            unsafe extern "C-unwind" fn(*mut pg_sys::ParseState, *mut std::ffi::c_void),
        >(sql_fn_parser_setup));
        let statements = pg_sys::pg_parse_query(text);
        for at in 0..list_len(statements) {
            let raw = pg_sys::list_nth(statements, at).cast();
            let queries = pg_compat::analyze_and_rewrite(raw, text, setup, info.cast());
            for at in 0..list_len(queries) {
                tree::look_into(pg_sys::list_nth(queries, at).cast(), &mut found);
            }
        }
    }
    found
}

/// What the defaults would do of the arguments that a call leaves out; none when it leaves out
/// none.
///
/// # Errors
/// What the server says of the stored trees.
pub(crate) fn defaults(
    arena: &Arena,
    oid: u32,
    call: Call,
) -> Result<Option<Contents>, ServerError> {
    let Some(tuple) = Tuple::find(oid) else { return Ok(None) };
    // SAFETY: the form of a tuple that is held.
    let arguments = unsafe { (*tuple.form()).pronargs };
    if call.arguments().is_some_and(|given| given >= usize::try_from(arguments).unwrap_or(0)) {
        return Ok(None);
    }
    match tuple.text(pg_sys::Anum_pg_proc_proargdefaults) {
        Some(stored) => expressions(arena, &[stored]).map(Some),
        None => Ok(None),
    }
}

/// What expressions of the catalog would do, given as the server stores them.
///
/// # Errors
/// What the server says of them.
pub(crate) fn expressions(arena: &Arena, stored: &[String]) -> Result<Contents, ServerError> {
    subtransaction(true, || {
        arena.with(|| {
            let mut found = Contents::default();
            for one in stored {
                // SAFETY: a tree as the server wrote it, in the arena that is current.
                unsafe { tree::look_into(from_text(one).cast(), &mut found) };
            }
            found
        })
    })
}

unsafe fn from_text(stored: &str) -> *mut pg_sys::Node {
    let Ok(stored) = CString::new(stored) else { return std::ptr::null_mut() };
    // SAFETY: the text is the server's own, NUL-terminated.
    unsafe { pg_sys::stringToNode(stored.as_ptr()).cast() }
}
