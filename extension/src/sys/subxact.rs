//! Internal sub-transactions: what makes a server ERROR survivable.

use std::panic::AssertUnwindSafe;

use pgrx::pg_sys::panic::CaughtError;
use pgrx::{PgSqlErrorCode, PgTryBuilder, pg_sys};

/// A server ERROR as a value.
#[derive(Debug, Clone)]
pub(crate) struct ServerError {
    /// SQLSTATE.
    pub(crate) code: PgSqlErrorCode,
    /// Primary message.
    pub(crate) message: String,
    /// DETAIL.
    pub(crate) detail: Option<String>,
    /// HINT.
    pub(crate) hint: Option<String>,
    /// Cursor position in the text that was read, in characters from 1.
    pub(crate) position: Option<usize>,
}

impl ServerError {
    /// An error of ours that is worded as the server's.
    pub(crate) fn new(code: PgSqlErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), detail: None, hint: None, position: None }
    }

    /// The same with a HINT.
    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// Runs `f` in a sub-transaction of its own.
///
/// With `keep`, locks taken by `f` stay with the caller's transaction when it succeeds; without,
/// they are given back in any case. An ERROR in `f` rolls everything back and is returned.
///
/// Cancellation, termination and Rust panics are not turned into values: after the roll-back they
/// go on unwinding, so that a cancelled query ends.
pub(crate) fn subtransaction<R>(keep: bool, f: impl FnOnce() -> R) -> Result<R, ServerError> {
    subtransaction_unless(keep, |_| false, f)
}

/// [`subtransaction`] in which an error that `ours` knows is a value though others of its code go
/// on unwinding.
pub(super) fn subtransaction_unless<R>(
    keep: bool,
    ours: impl Fn(PgSqlErrorCode) -> bool,
    f: impl FnOnce() -> R,
) -> Result<R, ServerError> {
    // SAFETY: reading the current context and owner, which the sub-transaction changes and which
    // the server expects to be put back (as PL/pgSQL's exception blocks do).
    let (context, owner) = unsafe { (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner) };
    // SAFETY: called inside a transaction, as every SQL function is; a null name is allowed.
    unsafe {
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::MemoryContextSwitchTo(context);
    }
    let outcome = PgTryBuilder::new(AssertUnwindSafe(|| Ok(f()))).catch_others(Err).execute();
    // SAFETY: the sub-transaction begun above is the innermost: `f` closes its own.
    unsafe {
        pg_sys::MemoryContextSwitchTo(context);
        if keep && outcome.is_ok() {
            pg_sys::ReleaseCurrentSubTransaction();
        } else {
            pg_sys::RollbackAndReleaseCurrentSubTransaction();
        }
        pg_sys::MemoryContextSwitchTo(context);
        pg_sys::CurrentResourceOwner = owner;
    }
    match outcome {
        Ok(value) => Ok(value),
        Err(CaughtError::PostgresError(report) | CaughtError::ErrorReport(report))
            if ours(report.sql_error_code()) || !must_propagate(report.sql_error_code()) =>
        {
            Err(ServerError {
                code: report.sql_error_code(),
                message: report.message().to_owned(),
                detail: report.detail().map(str::to_owned),
                hint: report.hint().map(str::to_owned),
                position: None,
            })
        }
        Err(cause) => cause.rethrow(),
    }
}

/// Errors that are about the session and not about the statement that was being looked at.
const fn must_propagate(code: PgSqlErrorCode) -> bool {
    matches!(
        code,
        PgSqlErrorCode::ERRCODE_QUERY_CANCELED
            | PgSqlErrorCode::ERRCODE_ADMIN_SHUTDOWN
            | PgSqlErrorCode::ERRCODE_CRASH_SHUTDOWN
            | PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY
    )
}
