//! The guard's first layer: what a statement is, by its parse tree, and whether restricted mode
//! runs it.
//!
//! Pure functions over a text. No connection is needed, and none could help: names are not resolved
//! here. What this layer decides:
//!
//! - one statement, of a kind that reads: SELECT, VALUES, TABLE, WITH, SHOW, EXPLAIN;
//! - nothing in it but kinds of nodes that are known to read (`kinds`);
//! - no function, relation or setting from the lists of those whose effect or disclosure the other
//!   layers do not stop ([`advisor_sql::guard`]), wherever in the statement it stands.
//!
//! What it leaves to others:
//!
//! - writes of functions: a `READ ONLY` transaction that is always rolled back stops those to
//!   tables;
//! - which tables may be read: the privileges of the role;
//! - time, memory and disk: the server's limits, set for each session;
//! - what a name leads to (functions, operators, casts and views of users that hide a call): the
//!   extension's guard within the server. Where that is absent, [`Policy::Strict`] refuses every
//!   function that is not known by name, and the catalog is asked what the `names` of the statement
//!   can lead to.
//!
//! The parser is that of PostgreSQL 18. Older servers read the few words that are newer as names of
//! functions (`json_value(…)`), never a name as something else.

mod kinds;
mod names;
mod parse;
mod refusal;
mod script;
mod tree;
mod verdict;
mod walk;

#[cfg(test)]
mod tests;

pub use names::{Name, NameKind, names};
pub use parse::MAX_BYTES;
pub use refusal::{Class, Refusal};
pub use script::{Part, PartKind, inspect};

use verdict::{Found, Verdict};

use crate::error::{Kind, ToolError};

/// What to do about functions on neither list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// Let them pass: something else looks into them, or their writes are stopped by READ ONLY.
    #[default]
    AllowUnknown,
    /// Refuse them, and operators of schemas other than `pg_catalog`.
    Strict,
}

/// A statement that restricted mode runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement<'a> {
    /// Without the comments and white space around it, and without semicolon.
    pub text: &'a str,
    /// Where it begins in the text that was checked, in bytes.
    pub offset: usize,
    /// The highest number of its parameters `$1`, `$2` and so on; 0 if it has none.
    pub parameters: u16,
    /// What it is.
    pub form: Form<'a>,
}

/// The statements that restricted mode runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form<'a> {
    /// SELECT, VALUES, TABLE or WITH: it can stand in the FROM clause of a query.
    Query,
    /// SHOW.
    Show,
    /// EXPLAIN.
    Explain(Inner<'a>),
}

/// What an EXPLAIN explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inner<'a> {
    /// The statement without the EXPLAIN before it.
    pub text: &'a str,
    /// Where it begins in the text that was checked, in bytes.
    pub offset: usize,
    /// Whether the EXPLAIN executes it (ANALYZE).
    pub analyze: bool,
    /// Whether its parameters may stay without values (GENERIC_PLAN).
    pub generic: bool,
    /// Whether it reads only, and so may be executed. If not, it may be planned.
    pub reads_only: bool,
}

/// Checks that `sql` is one statement that restricted mode runs.
///
/// # Errors
/// What is refused, where, why, and what to write instead.
pub fn check(sql: &str) -> Result<Statement<'_>, Refusal> {
    check_with(sql, Policy::default())
}

/// As [`check`], with a policy.
///
/// # Errors
/// As [`check`].
pub fn check_with(sql: &str, policy: Policy) -> Result<Statement<'_>, Refusal> {
    let verdict = parse::with_tree(sql, |parsed| verdict::verdict(parsed, policy))?;
    Ok(statement(sql, verdict))
}

/// Checks that `sql` is one statement that may be planned, without being executed: also INSERT,
/// UPDATE, DELETE and MERGE.
///
/// # Errors
/// As [`check`].
pub fn check_planned(sql: &str, policy: Policy) -> Result<Statement<'_>, Refusal> {
    let verdict = parse::with_tree(sql, |parsed| verdict::planned(parsed, policy))?;
    Ok(statement(sql, verdict))
}

fn statement(sql: &str, verdict: Verdict) -> Statement<'_> {
    let form = match verdict.form {
        Found::Query => Form::Query,
        Found::Show => Form::Show,
        Found::Explain { inner, analyze, generic, reads_only } => {
            let (text, offset) = (inner.of(sql), inner.start);
            Form::Explain(Inner { text, offset, analyze, generic, reads_only })
        }
    };
    let Verdict { span, parameters, .. } = verdict;
    Statement { text: span.of(sql), offset: span.start, parameters, form }
}

/// The error for a statement with parameters, where there is nobody to give their values.
#[must_use]
pub fn parameters_refused() -> ToolError {
    ToolError::new(Kind::InvalidArgument, "the statement has parameters, and no values for them")
        .with_hint("Put values in the place of the parameters $1, $2 and so on.")
}
