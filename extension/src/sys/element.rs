//! Keys and conditions of indexes as SQL: from a tree of a statement to the text that CREATE INDEX
//! takes, and from that text to what the planner wants of an index.

use std::ffi::{CStr, CString, c_char};

use pgrx::{PgSqlErrorCode, pg_sys};

use super::analyze::{list_len, parse, to_c_string};
use super::create_index::ConditionText;
use super::deparse::{self, attributes, key_sql};
use super::subxact::ServerError;

/// `InvalidOid` where a number is wanted.
const NONE: pg_sys::Oid = pg_sys::InvalidOid;
/// `ClanguageId` and `INTERNALlanguageId` of `pg_language.dat`: only a superuser makes functions in
/// these.
const TRUSTED_LANGUAGES: [u32; 2] = [12, 13];

/// An expression over one table as SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ElementText {
    /// As CREATE INDEX takes it: in parentheses unless it is a bare function call.
    pub(crate) sql: String,
    /// The attributes that it reads, ascending.
    pub(crate) reads: Vec<i16>,
    /// What its values are.
    pub(crate) of: ValueType,
}

/// A type with what comparisons depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ValueType {
    /// `pg_type.oid`.
    pub(crate) type_oid: u32,
    /// The modifier, -1 for none.
    pub(crate) typmod: i32,
    /// `pg_collation.oid`, 0 for none.
    pub(crate) collation: u32,
}

/// The type of an attribute; `None` when there is no such attribute.
pub(crate) fn attribute_type(relation: u32, number: i16) -> Option<ValueType> {
    // SAFETY: look-ups by value; the second one is only made for an attribute that exists.
    unsafe {
        let relation = pg_sys::Oid::from(relation);
        if pg_sys::get_atttype(relation, number) == NONE {
            return None;
        }
        let (mut type_oid, mut typmod, mut collation) = (NONE, -1, NONE);
        pg_sys::get_atttypetypmodcoll(
            relation,
            number,
            &raw mut type_oid,
            &raw mut typmod,
            &raw mut collation,
        );
        Some(ValueType { type_oid: type_oid.to_u32(), typmod, collation: collation.to_u32() })
    }
}

/// Whether the function can only have been made by a superuser, in C: planning may fold it.
pub(crate) fn is_trusted_function(function: u32) -> bool {
    // SAFETY: the tuple is held while its fixed part is read.
    unsafe {
        let tuple = pg_sys::SearchSysCache1(
            pg_sys::SysCacheIdentifier::PROCOID as i32,
            pg_sys::Datum::from(pg_sys::Oid::from(function)),
        );
        if tuple.is_null() {
            return false;
        }
        let form: *const pg_sys::FormData_pg_proc = pg_sys::GETSTRUCT(tuple).cast();
        let language = (*form).prolang.to_u32();
        pg_sys::ReleaseSysCache(tuple);
        TRUSTED_LANGUAGES.contains(&language)
    }
}

/// The function behind an operator; 0 when there is none.
pub(crate) fn operator_function(operator: u32) -> u32 {
    // SAFETY: cache look-up by value.
    unsafe { pg_sys::get_opcode(pg_sys::Oid::from(operator)).to_u32() }
}

/// A dumped expression over `relation` (which has number 1 in the range table) as SQL under the
/// search path in force; `None` when no index can be built on it because it is not immutable, or
/// when its text would not be read as the same expression again.
///
/// The caller must have seen to it that everything it calls may be called.
///
/// # Errors
/// The server's, raised: call this within a sub-transaction.
pub(crate) fn element_text(relation: u32, dump: &str) -> Option<ElementText> {
    let dump = CString::new(dump).ok()?;
    // SAFETY: the dump was made by this server and only had its column numbers replaced, so the
    // reader of the server takes it; everything is allocated in the current context.
    unsafe {
        let node: *mut pg_sys::Node = pg_sys::stringToNode(dump.as_ptr()).cast();
        let ready = prepared(node);
        if pg_sys::contain_mutable_functions(ready) {
            return None;
        }
        let relation = pg_sys::Oid::from(relation);
        let sql = key_sql(node, relation).ok()?;
        let of = value_type(node);
        let method = method_for(of)?;
        let text = format!("create index on t using {method} ({sql})");
        let parsed = parsed(relation, &text).ok()?;
        if !parsed.keys.first()?.stands_for(ready) {
            return None;
        }
        Some(ElementText { sql, reads: attributes(node), of })
    }
}

/// A method whose default operator class takes the type: the b-tree where that does. A type may have
/// an index of another method only, as points have.
fn method_for(of: ValueType) -> Option<&'static str> {
    let mut methods = advisor_core::model::Method::ALL.into_iter();
    let takes = |method: &_| super::opclass::default_class(of.type_oid, *method).is_some();
    methods.find(takes).map(advisor_core::model::Method::as_str)
}

/// A dumped condition as text; `None` as [`element_text`].
///
/// # Errors
/// As [`element_text`].
pub(crate) fn condition_text(relation: u32, dump: &str) -> Option<ConditionText> {
    let dump = CString::new(dump).ok()?;
    // SAFETY: see `element_text`.
    unsafe {
        let node: *mut pg_sys::Node = pg_sys::stringToNode(dump.as_ptr()).cast();
        let ready = prepared(node);
        if pg_sys::contain_mutable_functions(ready) {
            return None;
        }
        let relation = pg_sys::Oid::from(relation);
        let condition = condition_text_of(node, relation).ok()?;
        let text = format!("create index on t (tableoid) where {}", condition.sql);
        let parsed = parsed(relation, &text).ok()?;
        let same = pg_sys::equal(ready.cast(), prepared(parsed.condition).cast());
        same.then_some(condition)
    }
}

/// A condition from its SQL as the server prints it; `None` when it is not immutable.
///
/// # Errors
/// As [`element_text`].
pub(crate) fn condition_of(relation: u32, condition: &str) -> Option<ConditionText> {
    // SAFETY: see `parsed`.
    unsafe {
        let relation = pg_sys::Oid::from(relation);
        let text = format!("create index on t (tableoid) where {condition}");
        let node = parsed(relation, &text).ok()?.condition;
        if pg_sys::contain_mutable_functions(node) {
            return None;
        }
        condition_text_of(node, relation).ok()
    }
}

/// A resolved condition as text.
///
/// # Errors
/// As [`deparse::sql`].
///
/// # Safety
/// As [`deparse::sql`].
pub(super) unsafe fn condition_text_of(
    node: *mut pg_sys::Node,
    relation: pg_sys::Oid,
) -> Result<ConditionText, ServerError> {
    // SAFETY: see the contract.
    unsafe {
        let dump = pg_sys::nodeToString(node.cast());
        Ok(ConditionText {
            sql: format!("({})", deparse::sql(node, relation)?),
            reads: attributes(node),
            dump: CStr::from_ptr(dump).to_string_lossy().into_owned(),
        })
    }
}

/// A key of an index as the server resolved it.
#[derive(Clone, Copy)]
pub(super) struct Key {
    /// The attribute; 0 for an expression.
    pub(super) attribute: i16,
    /// The expression, null for an attribute. Its columns have range-table number 1.
    pub(super) expression: *mut pg_sys::Node,
    /// Its type.
    pub(super) of: ValueType,
    /// The operator class; 0 where the default one is missing.
    pub(super) class: pg_sys::Oid,
    pub(super) descending: bool,
    pub(super) nulls_first: bool,
}

impl Key {
    /// Whether the key holds the values of a prepared expression. CREATE INDEX takes off a COLLATE at
    /// the top, which is the column's collation then.
    unsafe fn stands_for(&self, ready: *mut pg_sys::Node) -> bool {
        // SAFETY: both are complete trees.
        unsafe {
            if pg_sys::exprCollation(ready).to_u32() != self.of.collation {
                return false;
            }
            if self.attribute == 0 {
                let own = prepared(self.expression);
                return pg_sys::equal(ready.cast(), own.cast())
                    || pg_sys::equal(below_relabel(ready).cast(), own.cast());
            }
            let below = below_relabel(ready);
            (*below).type_ == pg_sys::NodeTag::T_Var
                && (*below.cast::<pg_sys::Var>()).varattno == self.attribute
        }
    }
}

/// What is below a relabeling, which a COLLATE becomes in planning.
unsafe fn below_relabel(node: *mut pg_sys::Node) -> *mut pg_sys::Node {
    // SAFETY: the tag says which struct it is.
    unsafe {
        match (*node).type_ {
            pg_sys::NodeTag::T_RelabelType => (*node.cast::<pg_sys::RelabelType>()).arg.cast(),
            _ => node,
        }
    }
}

/// What CREATE INDEX says of its columns, resolved on a relation.
pub(super) struct Parsed {
    pub(super) keys: Vec<Key>,
    /// Null: none.
    pub(super) condition: *mut pg_sys::Node,
}

/// One key from its SQL (with operator class) for a relation, ready for the planner; in the current
/// memory context.
///
/// # Safety
/// Within a sub-transaction; raises the server's errors.
pub(super) unsafe fn key(relation: pg_sys::Oid, method: &str, sql: &str) -> Option<Key> {
    // SAFETY: see `parsed`.
    unsafe {
        let text = format!("create index on t using {method} ({sql})");
        let mut key = *parsed(relation, &text).ok()?.keys.first()?;
        if !key.expression.is_null() {
            key.expression = prepared(key.expression);
        }
        Some(key)
    }
}

/// A condition from its SQL as the planner wants it: a list of conjuncts, in the current context.
///
/// # Safety
/// As [`key`].
pub(super) unsafe fn condition(relation: pg_sys::Oid, sql: &str) -> Option<*mut pg_sys::List> {
    // SAFETY: see `parsed`; the steps are those of `RelationGetIndexPredicate` (`relcache.c`).
    unsafe {
        let text = format!("create index on t (tableoid) where {sql}");
        let node = parsed(relation, &text).ok()?.condition;
        let node = pg_sys::eval_const_expressions(std::ptr::null_mut(), node);
        let node = pg_sys::canonicalize_qual(node.cast(), false);
        let list = pg_sys::make_ands_implicit(node);
        pg_sys::fix_opfuncids(list.cast());
        Some(list)
    }
}

/// An expression as `RelationGetIndexExpressions` (`relcache.c`) keeps it: the planner compares it
/// with those of a statement after it folded both.
pub(super) unsafe fn prepared(node: *mut pg_sys::Node) -> *mut pg_sys::Node {
    // SAFETY: a complete expression tree in the current context; folding makes a copy.
    unsafe {
        let node = pg_sys::eval_const_expressions(std::ptr::null_mut(), node);
        pg_sys::fix_opfuncids(node);
        node
    }
}

unsafe fn value_type(node: *mut pg_sys::Node) -> ValueType {
    // SAFETY: an analyzed expression.
    unsafe {
        ValueType {
            type_oid: pg_sys::exprType(node).to_u32(),
            typmod: pg_sys::exprTypmod(node),
            collation: pg_sys::exprCollation(node).to_u32(),
        }
    }
}

/// Reads the columns and the condition of a CREATE INDEX as if it were on `relation`: which table
/// it names is not looked at.
///
/// # Errors
/// 42601 for anything but one CREATE INDEX.
///
/// # Safety
/// The caller is within a sub-transaction: the server's errors are raised. Everything is allocated
/// in the current memory context.
unsafe fn parsed(relation: pg_sys::Oid, text: &str) -> Result<Parsed, ServerError> {
    let invalid =
        |message: &str| ServerError::new(PgSqlErrorCode::ERRCODE_SYNTAX_ERROR, message.to_owned());
    let text = to_c_string(text)?;
    // SAFETY: the parser's tree has the tags that say what it is.
    unsafe {
        let raw = parse(text.as_ptr()).map_err(invalid)?;
        if (*(*raw).stmt).type_ != pg_sys::NodeTag::T_IndexStmt {
            return Err(invalid("not a CREATE INDEX statement"));
        }
        resolved(relation, (*raw).stmt.cast(), text.as_ptr())
    }
}

/// Resolves the columns and the condition of a parsed CREATE INDEX on `relation`.
///
/// # Safety
/// As [`parsed`]; `statement` is the parser's and `text` what it was parsed from.
pub(super) unsafe fn resolved(
    relation: pg_sys::Oid,
    statement: *mut pg_sys::IndexStmt,
    text: *const c_char,
) -> Result<Parsed, ServerError> {
    let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
    // SAFETY: the relation stays open while names are resolved on it; if that raises an error, the
    // sub-transaction's abort closes it. The steps are those of `transformIndexStmt`
    // (`parse_utilcmd.c`) and `ComputeIndexAttrs` (`indexcmds.c`).
    unsafe {
        let open = pg_sys::relation_open(relation, lock);
        let state = pg_sys::make_parsestate(std::ptr::null_mut());
        (*state).p_sourcetext = text;
        let item = pg_sys::addRangeTableEntryForRelation(
            state,
            open,
            lock,
            std::ptr::null_mut(),
            false,
            true,
        );
        pg_sys::addNSItemToQuery(state, item, false, true, true);
        let parsed = resolved_parts(state, relation, statement);
        pg_sys::free_parsestate(state);
        // Also when it was refused, which rolls nothing back. The lock stays until the
        // sub-transaction ends.
        pg_sys::relation_close(open, pg_sys::NoLock as pg_sys::LOCKMODE);
        parsed
    }
}

/// The parts of [`resolved`], with the relation in sight.
unsafe fn resolved_parts(
    state: *mut pg_sys::ParseState,
    relation: pg_sys::Oid,
    statement: *mut pg_sys::IndexStmt,
) -> Result<Parsed, ServerError> {
    // SAFETY: see `resolved`.
    unsafe {
        let mut keys = Vec::new();
        for at in 0..list_len((*statement).indexParams) {
            let element: *mut pg_sys::IndexElem =
                pg_sys::list_nth((*statement).indexParams, at).cast();
            keys.push(resolved_key(state, relation, (*statement).accessMethod, element)?);
        }
        let mut condition = std::ptr::null_mut();
        if !(*statement).whereClause.is_null() {
            condition = pg_sys::transformExpr(
                state,
                (*statement).whereClause,
                pg_sys::ParseExprKind::EXPR_KIND_INDEX_PREDICATE,
            );
            condition = pg_sys::coerce_to_boolean(state, condition, c"WHERE".as_ptr());
            pg_sys::assign_expr_collations(state, condition);
        }
        Ok(Parsed { keys, condition })
    }
}

unsafe fn resolved_key(
    state: *mut pg_sys::ParseState,
    relation: pg_sys::Oid,
    method: *mut c_char,
    element: *mut pg_sys::IndexElem,
) -> Result<Key, ServerError> {
    use pg_sys::{SortByDir, SortByNulls};
    // SAFETY: an IndexElem has a name or an expression; both are resolved by the server.
    unsafe {
        let mut attribute = 0;
        let mut expression = std::ptr::null_mut();
        let mut collation = None;
        if (*element).name.is_null() {
            expression = pg_sys::transformExpr(
                state,
                (*element).expr,
                pg_sys::ParseExprKind::EXPR_KIND_INDEX_EXPRESSION,
            );
            pg_sys::assign_expr_collations(state, expression);
            // A column with a collation is a column.
            while (*expression).type_ == pg_sys::NodeTag::T_CollateExpr {
                collation = collation.or(Some(pg_sys::exprCollation(expression)));
                expression = (*expression.cast::<pg_sys::CollateExpr>()).arg.cast();
            }
            if (*expression).type_ == pg_sys::NodeTag::T_Var {
                attribute = (*expression.cast::<pg_sys::Var>()).varattno;
                expression = std::ptr::null_mut();
            }
        } else {
            attribute = pg_sys::get_attnum(relation, (*element).name);
            if attribute == 0 {
                let name = CStr::from_ptr((*element).name).to_string_lossy();
                let message = format!("column \"{name}\" does not exist");
                return Err(ServerError::new(PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN, message));
            }
        }
        let mut of = if expression.is_null() {
            attribute_type(relation.to_u32(), attribute)
        } else {
            Some(value_type(expression))
        }
        .unwrap_or(ValueType { type_oid: 0, typmod: -1, collation: 0 });
        if let Some(collation) = collation {
            of.collation = collation.to_u32();
        }
        if !(*element).collation.is_null() {
            of.collation = pg_sys::get_collation_oid((*element).collation, false).to_u32();
        }
        let am = pg_sys::get_index_am_oid(method, false);
        let type_oid = pg_sys::Oid::from(of.type_oid);
        let class = if attribute < 0 {
            NONE
        } else {
            pg_sys::ResolveOpClass((*element).opclass, type_oid, method, am)
        };
        let descending = (*element).ordering == SortByDir::SORTBY_DESC;
        let nulls_first = match (*element).nulls_ordering {
            SortByNulls::SORTBY_NULLS_FIRST => true,
            SortByNulls::SORTBY_NULLS_LAST => false,
            _ => descending,
        };
        Ok(Key { attribute, expression, of, class, descending, nulls_first })
    }
}
