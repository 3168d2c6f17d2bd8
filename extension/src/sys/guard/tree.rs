//! The walk over an analyzed and rewritten statement: every function that it would call, and every
//! column that it reads.

use std::collections::BTreeSet;
use std::ffi::{CString, c_void};

use pgrx::pg_sys::NodeTag;
use pgrx::{FromDatum, pg_guard, pg_sys};

use super::function;
use super::relation::{self, Read};
use crate::sys::Statement;
use crate::sys::analyze::list_len;

/// `current_setting(text)` and `current_setting(text, boolean)` in `pg_proc.dat`.
const CURRENT_SETTING: [u32; 2] = [2077, 3294];

/// What a statement would do.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// Functions by oid, in the order of their oids.
    pub(crate) functions: BTreeSet<u32>,
    /// What it reads.
    pub(crate) reads: Vec<Read>,
    /// The command of a part that writes, such as `INSERT`.
    pub(crate) writes: Option<&'static str>,
    /// Whether it locks rows.
    pub(crate) locks_rows: bool,
    /// Domains that values are cast to.
    pub(crate) domains: BTreeSet<u32>,
    /// Types of users that values are made of: domains among them, or in them, have checks that run
    /// then.
    pub(crate) types: BTreeSet<u32>,
    /// Settings that are asked for by name.
    pub(crate) settings: Vec<String>,
    /// Functions whose default arguments were looked into.
    defaulted: BTreeSet<u32>,
    /// Bodies of views of the server's own, which show what they may.
    own_bodies: Vec<*mut pg_sys::Query>,
    /// How many of these the walk is in.
    inside_own: usize,
}

/// Looks into every part of the statement.
pub(crate) fn contents(statement: &Statement<'_>) -> Contents {
    let mut found = Contents::default();
    for &query in &statement.queries {
        // SAFETY: the trees are the server's own and live in the statement's arena.
        unsafe { look_into(query, &mut found) };
    }
    found
}

/// Looks into every part of the query.
///
/// # Safety
/// The query must be one that the server analyzed.
pub(super) unsafe fn contents_of(query: *mut pg_sys::Query) -> Contents {
    let mut found = Contents::default();
    // SAFETY: see the contract.
    unsafe { look_into(query, &mut found) };
    found
}

unsafe fn look_into(query: *mut pg_sys::Query, found: &mut Contents) {
    let context: *mut Contents = found;
    // SAFETY: the context is a reference that outlives the walk.
    unsafe { walk(query.cast(), context.cast()) };
    // What aggregates call stands in the catalog and not in the tree.
    let parts: Vec<u32> =
        found.functions.iter().flat_map(|&oid| function::parts_of_aggregate(oid)).collect();
    found.functions.extend(parts);
}

/// A node of the tree; the signature is that of the server's walkers. Recursion is bounded by the
/// server's own check of its stack in `expression_tree_walker`.
#[pg_guard]
unsafe extern "C-unwind" fn walk(node: *mut pg_sys::Node, context: *mut c_void) -> bool {
    if node.is_null() {
        return false;
    }
    // SAFETY: the context is the `Contents` that `contents` passes; the tag says which struct a
    // node is.
    unsafe {
        let found = &mut *context.cast::<Contents>();
        pg_sys::check_functions_in_node(node, Some(note_function), context);
        match (*node).type_ {
            NodeTag::T_Query => return enter(node.cast(), found),
            NodeTag::T_RangeTblEntry => {
                note_entry(node.cast(), found);
                return false;
            }
            NodeTag::T_FuncExpr => {
                let call: *const pg_sys::FuncExpr = node.cast();
                found.settings.extend(setting(call));
                note_defaults((*call).funcid, (*call).args, found);
                note_type((*call).funcresulttype, found);
            }
            NodeTag::T_WindowFunc => {
                let call: *const pg_sys::WindowFunc = node.cast();
                note_defaults((*call).winfnoid, (*call).args, found);
            }
            NodeTag::T_SortGroupClause => {
                note_comparison(node.cast(), found);
            }
            NodeTag::T_SetOperationStmt => {
                let clauses = (*node.cast::<pg_sys::SetOperationStmt>()).groupClauses;
                for at in 0..list_len(clauses) {
                    note_comparison(pg_sys::list_nth(clauses, at).cast(), found);
                }
            }
            NodeTag::T_MinMaxExpr => {
                let compared = (*node.cast::<pg_sys::MinMaxExpr>()).minmaxtype;
                note(function::comparison(compared), found);
            }
            NodeTag::T_WindowClause => {
                let clause: *const pg_sys::WindowClause = node.cast();
                note((*clause).startInRangeFunc, found);
                note((*clause).endInRangeFunc, found);
            }
            NodeTag::T_CoerceToDomain => {
                let domain = (*node.cast::<pg_sys::CoerceToDomain>()).resulttype;
                found.domains.insert(domain.to_u32());
                note_type(domain, found);
            }
            NodeTag::T_CoerceViaIO => {
                note_type((*node.cast::<pg_sys::CoerceViaIO>()).resulttype, found);
            }
            NodeTag::T_ArrayCoerceExpr => {
                note_type((*node.cast::<pg_sys::ArrayCoerceExpr>()).resulttype, found);
            }
            NodeTag::T_Const => note_type((*node.cast::<pg_sys::Const>()).consttype, found),
            NodeTag::T_RangeTblFunction => {
                note_types((*node.cast::<pg_sys::RangeTblFunction>()).funccoltypes, found);
            }
            NodeTag::T_TableFunc => {
                note_types((*node.cast::<pg_sys::TableFunc>()).coltypes, found);
            }
            _ => {}
        }
        expression(node, context)
    }
}

unsafe fn enter(query: *mut pg_sys::Query, found: &mut Contents) -> bool {
    // SAFETY: as in `walk`.
    unsafe {
        found.locks_rows |= !(*query).rowMarks.is_null();
        found.writes = found.writes.or(match (*query).commandType {
            pg_sys::CmdType::CMD_SELECT => None,
            pg_sys::CmdType::CMD_INSERT => Some("INSERT"),
            pg_sys::CmdType::CMD_UPDATE => Some("UPDATE"),
            pg_sys::CmdType::CMD_DELETE => Some("DELETE"),
            _ => Some("a statement that is not a query"),
        });
        let own = found.own_bodies.contains(&query) || relation::is_body_of_own_view(query);
        if found.inside_own == 0 {
            let wanted = |entry| !own || relation::is_replaced_view(entry);
            found.reads.extend(relation::reads(query, wanted));
        }
        found.inside_own += usize::from(own);
        let flags = (pg_sys::QTW_EXAMINE_RTES_BEFORE | pg_sys::QTW_EXAMINE_SORTGROUP) as i32;
        let context: *mut Contents = found;
        let stop = pg_sys::query_tree_walker(query, Some(walk), context.cast(), flags);
        found.inside_own -= usize::from(own);
        stop
    }
}

unsafe fn expression(node: *mut pg_sys::Node, context: *mut c_void) -> bool {
    // SAFETY: as in `walk`.
    unsafe { pg_sys::expression_tree_walker(node, Some(walk), context) }
}

#[pg_guard]
unsafe extern "C-unwind" fn note_function(oid: pg_sys::Oid, context: *mut c_void) -> bool {
    // SAFETY: as in `walk`.
    note(oid, unsafe { &mut *context.cast::<Contents>() });
    false
}

fn note(oid: pg_sys::Oid, found: &mut Contents) {
    if oid != pg_sys::InvalidOid {
        found.functions.insert(oid.to_u32());
    }
}

/// Looks into the expressions for arguments that a call leaves out: the tree has them only once it
/// is planned.
unsafe fn note_defaults(function: pg_sys::Oid, given: *mut pg_sys::List, found: &mut Contents) {
    let oid = function.to_u32();
    // SAFETY: the list of arguments of a call.
    let given = unsafe { list_len(given) };
    let Some(text) = function::defaults(oid, given) else { return };
    let Ok(text) = CString::new(text) else { return };
    if found.defaulted.insert(oid) {
        let context: *mut Contents = found;
        // SAFETY: the text is the server's own, and what is read from it lives as long as the tree
        // that is walked.
        unsafe { walk(pg_sys::stringToNode(text.as_ptr()).cast(), context.cast()) };
    }
}

/// What rows are sorted, grouped or told apart by.
unsafe fn note_comparison(clause: *const pg_sys::SortGroupClause, found: &mut Contents) {
    // SAFETY: a clause of an analyzed query.
    let (equality, order) = unsafe { ((*clause).eqop, (*clause).sortop) };
    note_operator(equality, found);
    note_operator(order, found);
    for support in function::support_of_operators(equality, order) {
        note(support, found);
    }
}

/// Types of the server's own have no checks that users wrote.
fn note_type(oid: pg_sys::Oid, found: &mut Contents) {
    if oid.to_u32() >= pg_sys::FirstNormalObjectId {
        found.types.insert(oid.to_u32());
    }
}

unsafe fn note_types(oids: *mut pg_sys::List, found: &mut Contents) {
    // SAFETY: a list of oids, walked within its length.
    unsafe {
        for at in 0..list_len(oids) {
            note_type(pg_sys::list_nth_oid(oids, at), found);
        }
    }
}

fn note_operator(operator: pg_sys::Oid, found: &mut Contents) {
    note(pg_sys::Oid::from(function::function_of_operator(operator.to_u32())), found);
}

unsafe fn note_entry(entry: *const pg_sys::RangeTblEntry, found: &mut Contents) {
    // SAFETY: an entry of a range table; the clause is a node or null.
    unsafe {
        let sample = (*entry).tablesample;
        // The server's own methods are not callable as functions, and only choose rows.
        if !sample.is_null() && (*sample).tsmhandler.to_u32() >= pg_sys::FirstNormalObjectId {
            note((*sample).tsmhandler, found);
        }
        // From version 16 on the entry of a view keeps its oid beside the body.
        if !(*entry).subquery.is_null() && relation::is_own_view(entry) {
            found.own_bodies.push((*entry).subquery);
        }
    }
}

/// The setting that `current_setting` is asked for, where that is a constant.
unsafe fn setting(call: *const pg_sys::FuncExpr) -> Option<String> {
    // SAFETY: an analyzed call; the first argument of this function is of type text.
    unsafe {
        if !CURRENT_SETTING.contains(&(*call).funcid.to_u32()) {
            return None;
        }
        let argument: *const pg_sys::Const = pg_sys::list_nth((*call).args, 0).cast();
        if (*argument).xpr.type_ != NodeTag::T_Const {
            return None;
        }
        String::from_datum((*argument).constvalue, (*argument).constisnull)
    }
}
