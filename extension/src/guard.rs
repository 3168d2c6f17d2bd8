//! Whether a statement only reads: what the server itself says of what it would call and read.

use std::cell::RefCell;

use advisor_sql::guard::{self, Allowed, CATALOG_SECRETS, Home, Moment};
use pgrx::pg_sys;

use crate::error::AdvisorError;
use crate::query;
use crate::settings;
use crate::sys::guard::{Ceilings, Contents, Judges, Read, Refusal, Sent};
use crate::sys::{self, Arena};

const DOMAIN_FUNCTIONS: &str = include_str!("../../sql/catalog/domain_functions.sql");

/// Words a refusal.
fn because(
    reason: impl Into<String>,
    detail: impl Into<String>,
    hint: impl Into<String>,
) -> Refusal {
    Refusal { reason: reason.into(), detail: detail.into(), hint: hint.into() }
}

/// Makes the hooks of latched sessions ask this module. Called from `_PG_init`.
pub(crate) fn install() {
    sys::guard::install(Judges { function: running, is_users, read: secret, setting });
}

thread_local! {
    /// The functions that pass, as they were when the latch was closed.
    static ALLOWED: RefCell<Option<Allowed>> = const { RefCell::new(None) };
}

/// Holds the session to reading until it ends. The list of functions that pass is kept as it is now.
pub(crate) fn latch(ceilings: Ceilings) {
    ALLOWED.with_borrow_mut(|allowed| {
        allowed.get_or_insert_with(settings::guard_functions);
    });
    sys::guard::latch(ceilings);
}

fn allowed() -> Allowed {
    ALLOWED.with_borrow(Clone::clone).unwrap_or_else(settings::guard_functions)
}

fn is_users(oid: u32) -> bool {
    sys::guard::function(oid).is_none_or(|function| function.home == Home::User)
}

fn running(oid: u32, support: bool) -> Option<Refusal> {
    let moment = if support { Moment::Support } else { Moment::Run };
    function(oid, moment, &allowed())
}

/// Why the statement may not run where nothing may change; none when it only reads.
///
/// It is parsed, analyzed and rewritten under the caller's role and search path, and not executed
/// nor planned. Its locks are given back.
///
/// # Errors
/// What the server says of the text, with the place in it.
pub(crate) fn refusal(text: &str) -> Result<Option<Refusal>, AdvisorError> {
    sys::subtransaction(false, || judge(text)).map_err(AdvisorError::Statement)?
}

fn judge(text: &str) -> Result<Option<Refusal>, AdvisorError> {
    let arena = Arena::new();
    let sent = sys::guard::sent(&arena, text)
        .map_err(|error| AdvisorError::InText { error, text: text.to_owned() })?;
    let (statement, executes) = match &sent {
        Sent::Show(name) => return Ok(setting(name)),
        Sent::Other(command) => return Ok(Some(not_a_query(command))),
        Sent::Query(statement) => (statement, true),
        Sent::Explain { statement, analyze } => (statement, *analyze),
    };
    let contents = sys::guard::contents(statement);
    if executes && let Some(refusal) = effect(&contents) {
        return Ok(Some(refusal));
    }
    if let Some(refusal) = contents.reads.iter().find_map(secret) {
        return Ok(Some(refusal));
    }
    if let Some(refusal) = contents.settings.iter().find_map(|name| setting(name)) {
        return Ok(Some(refusal));
    }
    let mut functions = contents.functions.clone();
    functions.extend(of_domains(&contents)?);
    let allowed = allowed();
    Ok(functions.into_iter().find_map(|oid| function(oid, Moment::Sent, &allowed)))
}

/// A statement that does something else than to read rows.
fn not_a_query(command: &str) -> Refusal {
    because(
        format!("{command} is not a query"),
        "Only SELECT, VALUES, TABLE, WITH, SHOW and EXPLAIN of them read and do nothing else.",
        "Write it as a query, or run it where changes are allowed.",
    )
}

fn effect(contents: &Contents) -> Option<Refusal> {
    if let Some(command) = contents.writes {
        return Some(because(
            format!("{command} changes data"),
            "The statement, a WITH clause of it, or a rule of a table that it names writes.",
            "Read with SELECT; to see the plan of a change, use EXPLAIN without ANALYZE.",
        ));
    }
    contents.locks_rows.then(|| {
        because(
            "FOR UPDATE and FOR SHARE lock rows",
            "Others who want to change the rows wait until the transaction ends.",
            "Leave the locking clause out.",
        )
    })
}

fn setting(name: &str) -> Option<Refusal> {
    guard::is_secret_setting(name).then(|| {
        because(
            format!("setting \"{name}\" is not shown"),
            "It may hold a password or a key.",
            "Ask an administrator.",
        )
    })
}

/// Why what is read is a secret.
fn secret(read: &Read) -> Option<Refusal> {
    let found = |column: Option<&str>| {
        column.is_none_or(|secret| read.columns.iter().any(|one| one == secret || one == "*"))
    };
    let refused = if read.core {
        CATALOG_SECRETS.iter().any(|one| {
            (one.schema, one.relation) == (read.schema.as_str(), read.relation.as_str())
                && found(one.column)
        })
    } else {
        guard::secret(&read.relation).is_some()
    };
    let (why, instead) = guard::secret(&read.relation).filter(|_| refused)?;
    Some(because(format!("relation {}.{} holds secrets", read.schema, read.relation), why, instead))
}

fn of_domains(contents: &Contents) -> Result<Vec<u32>, AdvisorError> {
    if contents.types.is_empty() {
        return Ok(Vec::new());
    }
    let _scope = query::own_scope();
    let types: Vec<pg_sys::Oid> =
        contents.types.iter().map(|&oid| pg_sys::Oid::from(oid)).collect();
    let functions = query::numbers(DOMAIN_FUNCTIONS, &[types.into()])?;
    Ok(functions.into_iter().filter_map(|oid| u32::try_from(oid).ok()).collect())
}

fn function(oid: u32, moment: Moment, allowed: &Allowed) -> Option<Refusal> {
    let Some(function) = sys::guard::function(oid) else {
        return Some(because(
            format!("function with OID {oid} is gone"),
            "Somebody dropped it while the statement was read.",
            "Send the statement again.",
        ));
    };
    let refused = guard::judge(&function, moment, allowed).err()?;
    Some(because(
        format!("function {} may not be called", sys::guard::signature(oid)),
        refused.why,
        refused.hint,
    ))
}
