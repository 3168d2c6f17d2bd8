//! Whether a text is the one statement that makes an object of the kind that it says.
//!
//! The server's own parser reads it; nothing is run. This keeps a document of statistics from being
//! a script. It does not make what is in the objects harmless: expressions and functions are code.

use std::ffi::CStr;

use pg_sys::{AlterTableType, ConstrType, NodeTag, ObjectType};
use pgrx::pg_sys;

use super::analyze::{list_len, parse, to_c_string};
use super::position::locating;
use super::stored_statistics::invalid;
use super::subxact::ServerError;

/// Checks a text.
///
/// # Errors
/// What the parser says, with its code; 22023 for another statement than the kind has.
pub(crate) fn check_object(kind: &str, text: &str) -> Result<(), ServerError> {
    let text = to_c_string(text)?;
    // SAFETY: what is read is allocated by the parser in the current context.
    let fits = locating(|| unsafe { parse(text.as_ptr()).map(|raw| makes(kind, (*raw).stmt)) })?;
    match fits {
        Ok(true) => Ok(()),
        Ok(false) => Err(invalid(&format!("the statement makes no {kind}"))),
        Err(message) => Err(invalid(message)),
    }
}

/// # Safety
/// `statement` must be one of the parser's.
unsafe fn makes(kind: &str, statement: *mut pg_sys::Node) -> bool {
    use AlterTableType::{AT_AddConstraint, AT_AddInherit, AT_AttachPartition, AT_SetStorage};
    use ObjectType::{OBJECT_INDEX, OBJECT_TABLE};
    // SAFETY: the tag says which struct the parser made.
    unsafe {
        match (kind, (*statement).type_) {
            ("schema", NodeTag::T_CreateSchemaStmt) => {
                let schema: *mut pg_sys::CreateSchemaStmt = statement.cast();
                list_len((*schema).schemaElts) == 0 && (*schema).authrole.is_null()
            }
            ("extension", NodeTag::T_CreateExtensionStmt)
            | ("sequence", NodeTag::T_CreateSeqStmt)
            | ("table", NodeTag::T_CreateStmt)
            | ("statistics", NodeTag::T_CreateStatsStmt) => true,
            (
                "type",
                NodeTag::T_CompositeTypeStmt
                | NodeTag::T_CreateEnumStmt
                | NodeTag::T_CreateRangeStmt
                | NodeTag::T_CreateDomainStmt,
            ) => true,
            ("function", NodeTag::T_CreateFunctionStmt) => is_plain_function(statement.cast()),
            ("view", NodeTag::T_ViewStmt) => true,
            ("view", NodeTag::T_CreateTableAsStmt) => {
                let table: *mut pg_sys::CreateTableAsStmt = statement.cast();
                (*table).objtype == ObjectType::OBJECT_MATVIEW && (*(*table).into).skipData
            }
            ("index", NodeTag::T_IndexStmt) => !(*statement.cast::<pg_sys::IndexStmt>()).concurrent,
            ("parent", NodeTag::T_AlterTableStmt) => {
                alters(statement.cast(), OBJECT_TABLE, &[AT_AttachPartition, AT_AddInherit])
            }
            ("storage", NodeTag::T_AlterTableStmt) => {
                alters(statement.cast(), OBJECT_TABLE, &[AT_SetStorage])
            }
            ("index part", NodeTag::T_AlterTableStmt) => {
                alters(statement.cast(), OBJECT_INDEX, &[AT_AttachPartition])
            }
            ("constraint" | "foreign key", NodeTag::T_AlterTableStmt) => {
                alters(statement.cast(), OBJECT_TABLE, &[AT_AddConstraint])
                    && adds(kind, statement.cast())
            }
            _ => false,
        }
    }
}

/// Whether a statement alters an object of this type by one command of these.
unsafe fn alters(
    statement: *mut pg_sys::AlterTableStmt,
    object: ObjectType::Type,
    commands: &[AlterTableType::Type],
) -> bool {
    // SAFETY: the statement is an ALTER TABLE of the parser's, its list of commands.
    unsafe {
        list_len((*statement).cmds) == 1 && (*statement).objtype == object && {
            let command: *mut pg_sys::AlterTableCmd = pg_sys::list_nth((*statement).cmds, 0).cast();
            commands.contains(&(*command).subtype)
        }
    }
}

/// Whether the constraint that a statement adds is of the kind.
unsafe fn adds(kind: &str, statement: *mut pg_sys::AlterTableStmt) -> bool {
    use ConstrType::{CONSTR_EXCLUSION, CONSTR_FOREIGN, CONSTR_PRIMARY, CONSTR_UNIQUE};
    // SAFETY: the one command is an ADD CONSTRAINT, as `alters` has seen.
    unsafe {
        let command: *mut pg_sys::AlterTableCmd = pg_sys::list_nth((*statement).cmds, 0).cast();
        let constraint: *mut pg_sys::Constraint = (*command).def.cast();
        let wanted: &[ConstrType::Type] = match kind {
            "foreign key" => &[CONSTR_FOREIGN],
            _ => &[CONSTR_PRIMARY, CONSTR_UNIQUE, CONSTR_EXCLUSION],
        };
        !constraint.is_null() && wanted.contains(&(*constraint).contype)
    }
}

/// A function in SQL or PL/pgSQL that runs with the rights of who calls it: the others can do what
/// no privilege of the role allows.
unsafe fn is_plain_function(statement: *mut pg_sys::CreateFunctionStmt) -> bool {
    // SAFETY: a CREATE FUNCTION of the parser's; options are DefElem with strings or booleans.
    unsafe {
        let options = (*statement).options;
        let mut language = !(*statement).sql_body.is_null();
        for at in 0..list_len(options) {
            let option: *mut pg_sys::DefElem = pg_sys::list_nth(options, at).cast();
            match CStr::from_ptr((*option).defname).to_bytes() {
                b"language" => {
                    let name = CStr::from_ptr(pg_sys::defGetString(option)).to_bytes();
                    language = [&b"sql"[..], b"plpgsql"].contains(&name);
                    if !language {
                        return false;
                    }
                }
                b"security" if pg_sys::defGetBoolean(option) => return false,
                _ => {}
            }
        }
        language && !(*statement).is_procedure
    }
}
