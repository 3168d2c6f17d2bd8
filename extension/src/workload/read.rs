//! From a text to analyzed trees, mending what normalization broke.

use advisor_core::ddl::quote_ident;
use advisor_core::sqltext::{
    Attempt, MAX_ATTEMPTS, ParamType, ServerError as Reported, byte_offset, is_truncated, tokenize,
};
use pgrx::PgSqlErrorCode;

use crate::query;
use crate::sys::{self, Arena, ServerError, Statement};

const SCHEMA_OF: &str = include_str!("../../../sql/catalog/schema_of.sql");

/// A text that the analyzer took.
pub(super) struct Read<'a> {
    pub(super) statement: Statement<'a>,
    /// The text that worked.
    pub(super) text: String,
}

/// Analyzes `text` under the role and path in force, repairing it as often as needed.
///
/// A name that the path does not find is looked for in the schemas that `guess_for` may use; with
/// `None` it is the server's error.
///
/// # Errors
/// The server's first error: it is about the text that the user knows.
pub(super) fn read<'a>(
    arena: &'a Arena,
    text: &str,
    guess_for: Option<u32>,
) -> Result<Read<'a>, ServerError> {
    let mut attempt = Attempt::new(text);
    let mut first: Option<ServerError> = None;
    for _ in 0..MAX_ATTEMPTS {
        let error = match sys::analyze(arena, &attempt.text, &type_oids(&attempt)) {
            Ok(statement) => return Ok(Read { statement, text: attempt.text }),
            Err(error) => error,
        };
        let position = error.position;
        let next = if error.code == PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE {
            guess_for
                .and_then(|role| qualified(&attempt.text, position, role))
                .map(|text| Attempt { text, types: attempt.types.clone() })
        } else {
            let sqlstate = sqlstate(error.code);
            let (sqlstate, message) = (sqlstate.as_str(), error.message.as_str());
            attempt.after(&Reported { sqlstate, message, position })
        };
        first.get_or_insert(error);
        match next {
            Some(next) => attempt = next,
            None => break,
        }
    }
    Err(first.unwrap_or_else(|| {
        ServerError::new(PgSqlErrorCode::ERRCODE_SYNTAX_ERROR, "statement cannot be read")
    }))
}

/// Types fixed beforehand, by parameter number; 0 leaves one to the analyzer.
fn type_oids(attempt: &Attempt) -> Vec<u32> {
    let last = attempt.types.keys().last().copied().unwrap_or(0);
    (1..=last)
        .map(|number| match attempt.types.get(&number) {
            Some(ParamType::Integer) => pgrx::pg_sys::INT4OID.to_u32(),
            Some(ParamType::Numeric) => pgrx::pg_sys::NUMERICOID.to_u32(),
            Some(ParamType::Boolean) => pgrx::pg_sys::BOOLOID.to_u32(),
            Some(ParamType::Text) => pgrx::pg_sys::TEXTOID.to_u32(),
            None => 0,
        })
        .collect()
}

/// The text with a schema in front of the relation at `position`, when exactly one schema that the
/// role may use has a relation of that name. pg_stat_statements does not record the search path.
fn qualified(text: &str, position: Option<usize>, role: u32) -> Option<String> {
    let offset = byte_offset(text, position?)?;
    let tokens = tokenize(text);
    let at = tokens.iter().position(|token| token.start == offset)?;
    let token = tokens.get(at)?;
    let written = text.get(token.start..token.end)?;
    let followed_by_dot =
        tokens.get(at + 1).is_some_and(|next| text.get(next.start..next.end) == Some("."));
    if followed_by_dot {
        return None;
    }
    let name = written.strip_prefix('"').and_then(|inner| inner.strip_suffix('"'));
    let name = name.map_or_else(|| written.to_lowercase(), |inner| inner.replace("\"\"", "\""));
    let schema: Option<String> = sys::subtransaction(true, || {
        query::one(SCHEMA_OF, &[name.as_str().into(), pgrx::pg_sys::Oid::from(role).into()])
    })
    .ok()?
    .ok()?;
    let rest = text.get(offset + written.len()..)?;
    Some(format!("{}{}.{}{rest}", text.get(..offset)?, schema?, quote_ident(&name)))
}

/// The five characters of an SQLSTATE.
pub(crate) fn sqlstate(code: PgSqlErrorCode) -> String {
    // Six bits a character, as the server packs them (`MAKE_SQLSTATE`).
    let packed = code as i32;
    (0..5).map(|at| char::from((((packed >> (6 * at)) & 0x3F) as u8) + b'0')).collect()
}

/// A short word for why a text cannot be used.
pub(super) fn reason(error: &ServerError, text: &str) -> &'static str {
    use PgSqlErrorCode as Code;
    match error.code {
        Code::ERRCODE_SYNTAX_ERROR if is_truncated(text) => "truncated text",
        Code::ERRCODE_SYNTAX_ERROR => "parse error",
        Code::ERRCODE_UNDEFINED_TABLE
        | Code::ERRCODE_UNDEFINED_COLUMN
        | Code::ERRCODE_UNDEFINED_FUNCTION
        | Code::ERRCODE_UNDEFINED_OBJECT
        | Code::ERRCODE_INVALID_SCHEMA_NAME => "missing object",
        Code::ERRCODE_INSUFFICIENT_PRIVILEGE => "no permission",
        Code::ERRCODE_LOCK_NOT_AVAILABLE => "locked",
        Code::ERRCODE_STATEMENT_TOO_COMPLEX => "too complex",
        Code::ERRCODE_READ_ONLY_SQL_TRANSACTION => "not allowed on a standby",
        _ => "error",
    }
}
