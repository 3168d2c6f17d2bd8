//! The walk over an analyzed and rewritten statement: every function that it would call, and every
//! column that it reads.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::c_void;

use pgrx::pg_sys::NodeTag;
use pgrx::{FromDatum, pg_guard, pg_sys};

use super::function;
use super::relation::{self, Read};
use super::types;
use crate::sys::Statement;
use crate::sys::analyze::list_len;

/// `current_setting(text)` and `current_setting(text, boolean)` in `pg_proc.dat`.
const CURRENT_SETTING: [u32; 2] = [2077, 3294];

/// The node of a tree that calls a function, which lives in the arena that the tree was read into;
/// none when the server calls it by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call(*mut pg_sys::Node);

impl Call {
    /// A call that stands nowhere.
    pub(crate) fn none() -> Self {
        Self(std::ptr::null_mut())
    }

    pub(super) fn node(self) -> *mut pg_sys::Node {
        self.0
    }

    /// How many arguments it gives; none when that is not known.
    pub(super) fn arguments(self) -> Option<usize> {
        // SAFETY: see the type; the tag says which struct it is.
        unsafe {
            let call: *const pg_sys::FuncExpr = self.0.cast();
            let is_call = !call.is_null() && (*call).xpr.type_ == NodeTag::T_FuncExpr;
            is_call.then(|| usize::try_from(list_len((*call).args)).unwrap_or(0))
        }
    }
}

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
    /// Users' types of which values are made: domains, whose checks run then, and types that may
    /// hold values of domains.
    pub(crate) domains: BTreeSet<u32>,
    /// Operators of users.
    pub(crate) operators: BTreeSet<u32>,
    /// Handlers of the foreign tables that are read, with the tables' names.
    pub(crate) foreign: Vec<(u32, String)>,
    /// Functions that are called elsewhere than in the bodies of the server's own views.
    pub(crate) direct: BTreeSet<u32>,
    calls: BTreeMap<u32, Call>,
    /// Settings that are asked for by name.
    pub(crate) settings: Vec<String>,
    /// Bodies of views of the server's own, which show what they may.
    own_bodies: Vec<*mut pg_sys::Query>,
    /// The node whose functions are being noted.
    at: Option<Call>,
    /// How many of these the walk is in.
    inside_own: usize,
}

impl Contents {
    /// The call of a function; the first one, when there are several.
    pub(crate) fn call(&self, oid: u32) -> Call {
        self.calls.get(&oid).copied().unwrap_or_else(Call::none)
    }
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

/// Looks into a query, an expression or a list of them.
///
/// # Safety
/// As [`contents_of`]; the tree must live as long as what is found is used.
pub(super) unsafe fn look_into(query: *mut pg_sys::Query, found: &mut Contents) {
    let context: *mut Contents = found;
    // SAFETY: the context is a reference that outlives the walk.
    unsafe { visit(query.cast(), context.cast()) };
    // What aggregates call stands in the catalog and not in the tree.
    let parts: Vec<u32> =
        found.functions.iter().flat_map(|&oid| function::parts_of_aggregate(oid)).collect();
    found.functions.extend(parts);
}

/// [`visit`] as the server's walkers call it. Not to be called from here: the guard turns a panic into
/// the server's error, whose jump would go over all our frames to whoever called the server last.
#[pg_guard]
unsafe extern "C-unwind" fn walk(node: *mut pg_sys::Node, context: *mut c_void) -> bool {
    // SAFETY: what the server was given to pass on.
    unsafe { visit(node, context) }
}

/// A node of the tree. Recursion is bounded by the server's own check of its stack in
/// `expression_tree_walker`.
unsafe fn visit(node: *mut pg_sys::Node, context: *mut c_void) -> bool {
    if node.is_null() {
        return false;
    }
    // SAFETY: the context is the `Contents` that `contents` passes; the tag says which struct a
    // node is.
    unsafe {
        let found = &mut *context.cast::<Contents>();
        found.at = Some(Call(node));
        pg_sys::check_functions_in_node(node, Some(note_function), context);
        found.at = None;
        note_made(node, found);
        note_operators(node, found);
        match (*node).type_ {
            NodeTag::T_Query => return enter(node.cast(), found),
            NodeTag::T_RangeTblEntry => {
                note_entry(node.cast(), found);
                return false;
            }
            NodeTag::T_FuncExpr => {
                found.settings.extend(setting(node.cast()));
            }
            NodeTag::T_SortGroupClause => {
                let clause: *const pg_sys::SortGroupClause = node.cast();
                note_operator((*clause).eqop, found);
                note_operator((*clause).sortop, found);
            }
            NodeTag::T_WindowClause => {
                let clause: *const pg_sys::WindowClause = node.cast();
                note((*clause).startInRangeFunc, found);
                note((*clause).endInRangeFunc, found);
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
        let flags = pg_sys::QTW_EXAMINE_RTES_BEFORE as i32;
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
    let found = unsafe { &mut *context.cast::<Contents>() };
    note(oid, found);
    if let Some(call) = found.at {
        found.calls.entry(oid.to_u32()).or_insert(call);
    }
    if found.inside_own == 0 {
        found.direct.insert(oid.to_u32());
    }
    false
}

/// Notes the type of the values that a node makes, when it is a user's: by a cast, by its input
/// function, or by a function of the server's own that fills any record.
unsafe fn note_made(node: *mut pg_sys::Node, found: &mut Contents) {
    // SAFETY: as in `walk`.
    unsafe {
        let made = match (*node).type_ {
            NodeTag::T_CoerceToDomain => (*node.cast::<pg_sys::CoerceToDomain>()).resulttype,
            NodeTag::T_CoerceViaIO => (*node.cast::<pg_sys::CoerceViaIO>()).resulttype,
            NodeTag::T_FuncExpr => (*node.cast::<pg_sys::FuncExpr>()).funcresulttype,
            NodeTag::T_OpExpr => (*node.cast::<pg_sys::OpExpr>()).opresulttype,
            NodeTag::T_TableFunc => {
                let table: *const pg_sys::TableFunc = node.cast();
                return note_types((*table).coltypes, found);
            }
            NodeTag::T_RangeTblFunction => {
                let table: *const pg_sys::RangeTblFunction = node.cast();
                return note_types((*table).funccoltypes, found);
            }
            _ => return,
        };
        note_type(made, found);
    }
}

unsafe fn note_types(types: *mut pg_sys::List, found: &mut Contents) {
    // SAFETY: a list of oids, walked within its length.
    unsafe {
        for at in 0..list_len(types) {
            note_type(pg_sys::list_nth_oid(types, at), found);
        }
    }
}

fn note_type(oid: pg_sys::Oid, found: &mut Contents) {
    if types::calls_when_made(oid) {
        found.domains.insert(oid.to_u32());
    }
}

/// Notes the operators of an expression that are users': what sorts, hashes and estimates by them
/// stands in the catalog.
unsafe fn note_operators(node: *mut pg_sys::Node, found: &mut Contents) {
    // SAFETY: as in `walk`; the three are one struct under different tags.
    unsafe {
        let operator = match (*node).type_ {
            NodeTag::T_OpExpr | NodeTag::T_DistinctExpr | NodeTag::T_NullIfExpr => {
                (*node.cast::<pg_sys::OpExpr>()).opno
            }
            NodeTag::T_ScalarArrayOpExpr => (*node.cast::<pg_sys::ScalarArrayOpExpr>()).opno,
            _ => return,
        };
        note_users_operator(operator.to_u32(), found);
    }
}

fn note_users_operator(operator: u32, found: &mut Contents) {
    if operator >= pg_sys::FirstNormalObjectId && function::is_users_operator(operator) {
        found.operators.insert(operator);
    }
}

fn note(oid: pg_sys::Oid, found: &mut Contents) {
    if oid != pg_sys::InvalidOid {
        found.functions.insert(oid.to_u32());
    }
}

fn note_operator(operator: pg_sys::Oid, found: &mut Contents) {
    note(pg_sys::Oid::from(function::function_of_operator(operator.to_u32())), found);
    note_users_operator(operator.to_u32(), found);
}

unsafe fn note_entry(entry: *const pg_sys::RangeTblEntry, found: &mut Contents) {
    // SAFETY: an entry of a range table; the clause is a node or null.
    unsafe {
        let sample = (*entry).tablesample;
        // The server's own methods are not callable as functions, and only choose rows.
        if !sample.is_null() && (*sample).tsmhandler.to_u32() >= pg_sys::FirstNormalObjectId {
            note((*sample).tsmhandler, found);
        }
        found.foreign.extend(relation::handler(entry));
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
