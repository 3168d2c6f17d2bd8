//! Whether a statement only reads: what the server itself says of what it would call and read.

use std::cell::{Cell, RefCell};

use advisor_sql::guard::{self, Allowed, CATALOG_SECRETS, Function, Home, Moment};
use pgrx::PgSqlErrorCode;

use crate::error::AdvisorError;
use crate::settings;
use crate::sys::guard::{Ceilings, Contents, Judges, Read, Refusal, Sent, Until};
use crate::sys::{self, Arena, ServerError};

mod search;

use search::Search;

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
    sys::guard::install(Judges {
        function: running,
        is_users,
        read: secret,
        setting,
        is_set_to_latch,
    });
}

thread_local! {
    /// The functions that pass, as they were when the latch was closed.
    static ALLOWED: RefCell<Option<Allowed>> = const { RefCell::new(None) };
    /// Whether texts of statements may be read, as it was then.
    static TEXTS: Cell<Option<bool>> = const { Cell::new(None) };
}

/// Holds the session or the transaction to reading until it ends. For a session the settings of the
/// guard are kept as they are now.
pub(crate) fn latch(ceilings: Ceilings, until: Until) {
    // In a latched transaction only functions could change them, and those that set are refused.
    if until == Until::SessionEnds {
        keep_settings();
    }
    sys::guard::latch(ceilings, until);
}

fn keep_settings() {
    ALLOWED.with_borrow_mut(|allowed| {
        allowed.get_or_insert_with(settings::guard_functions);
    });
    TEXTS.set(Some(shows_texts()));
}

/// Whether `mcp_advisor.guard` is on, which closes the latch.
fn is_set_to_latch() -> bool {
    let on = settings::guard();
    if on {
        keep_settings();
    }
    on
}

fn allowed() -> Allowed {
    ALLOWED.with_borrow(Clone::clone).unwrap_or_else(settings::guard_functions)
}

/// Whether the texts of other users' statements may be read.
fn shows_texts() -> bool {
    TEXTS.get().unwrap_or_else(settings::guard_statement_texts)
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
    let sent = match sys::guard::sent(&arena, text) {
        Ok(sent) => sent,
        Err(error) => {
            return refused(error)
                .map(Some)
                .map_err(|error| AdvisorError::InText { error, text: text.to_owned() });
        }
    };
    let (statement, executes) = match &sent {
        Sent::Show(name) => return Ok(setting(name)),
        Sent::Other(command) => return Ok(Some(not_a_query(command))),
        Sent::Query(statement) => (statement, true),
        Sent::Explain { statement, analyze } => (statement, *analyze),
    };
    Search::new(&arena).statement(&sys::guard::contents(statement), executes)
}

/// The refusal that an error stands for which the guard raised while the text was read.
fn refused(error: ServerError) -> Result<Refusal, ServerError> {
    if error.code != PgSqlErrorCode::ERRCODE_READ_ONLY_SQL_TRANSACTION {
        return Err(error);
    }
    let detail = error.detail.unwrap_or_else(|| {
        "A constant of the statement runs it, before the statement itself runs.".to_owned()
    });
    let hint = error.hint.unwrap_or_else(|| "Write the constant in another type.".to_owned());
    Ok(because(error.message, detail, hint))
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

/// Why a foreign table, given by its handler and its name, is out of reach.
fn foreign((handler, table): &(u32, String), allowed: &Allowed) -> Option<Refusal> {
    let known = sys::guard::function(*handler);
    if known.as_ref().is_some_and(|handler| allowed.has(handler)) {
        return None;
    }
    let name = known.map_or_else(String::new, |one| format!("{}.{}", one.schema, one.name));
    Some(because(
        format!("foreign table {table} may not be read"),
        "What it reads is outside of the database: files, programs or other servers, where nothing is read-only.",
        format!(
            "If it only reads, the server's administrator can add {name} to mcp_advisor.guard_functions."
        ),
    ))
}

fn texts_of_others() -> Refusal {
    because(
        "statement texts of other users are not shown",
        "They may hold what their authors keep to themselves; mcp_advisor.guard_statement_texts is off.",
        "Leave out the column query; statements can be told apart by their query_id or queryid.",
    )
}

/// Why a function is refused that shows the texts of other users' statements.
fn text_function(oid: u32) -> Option<Refusal> {
    if shows_texts() {
        return None;
    }
    let function = sys::guard::function(oid)?;
    let shows = match &function.home {
        Home::Core => function.name == "pg_stat_get_activity",
        Home::Extension(name) => guard::is_statement_text(name, "query") && function.name == *name,
        Home::User => false,
    };
    shows.then(texts_of_others)
}

/// Why what is read is a secret.
fn secret(read: &Read) -> Option<Refusal> {
    let is_text =
        |column: &String| column == "*" || guard::is_statement_text(&read.relation, column);
    if !shows_texts()
        && guard::is_statement_text(&read.relation, "query")
        && read.columns.iter().any(is_text)
    {
        return Some(texts_of_others());
    }
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

fn function(oid: u32, moment: Moment, allowed: &Allowed) -> Option<Refusal> {
    match sys::guard::function(oid) {
        Some(function) => verdict(oid, &function, moment, allowed),
        None => Some(gone(oid)),
    }
}

fn gone(oid: u32) -> Refusal {
    because(
        format!("function with OID {oid} is gone"),
        "Somebody dropped it while the statement was read.",
        "Send the statement again.",
    )
}

fn verdict(oid: u32, function: &Function, moment: Moment, allowed: &Allowed) -> Option<Refusal> {
    let refused = guard::judge(function, moment, allowed).err()?;
    Some(because(
        format!("function {} may not be called", sys::guard::signature(oid)),
        refused.why,
        refused.hint,
    ))
}
