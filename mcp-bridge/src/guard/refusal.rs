//! Why a statement is refused, in words that let a model mend it.

use std::fmt;

use crate::error::{Kind, ToolError};

/// What a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The text as such: its length, a NUL, its depth, that it is empty.
    Text,
    /// The server's grammar does not take it.
    Syntax,
    /// More than one statement.
    Several,
    /// A statement that does more than read.
    Statement,
    /// A clause that makes a query write or lock.
    Clause,
    /// A function that reading transactions do not stop.
    Function,
    /// A function that is not known, under [`super::Policy::Strict`].
    UnknownFunction,
    /// A relation that holds secrets.
    Relation,
    /// A setting that holds secrets.
    Setting,
    /// Something the guard has no rule for.
    Unknown,
    /// A fault of the guard itself.
    Fault,
}

/// A statement that will not be run, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(Box<Inner>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    class: Class,
    error: ToolError,
}

impl Refusal {
    pub(super) fn new(class: Class, message: impl Into<String>) -> Self {
        let (kind, sqlstate) = match class {
            Class::Text | Class::Several => (Kind::InvalidArgument, None),
            Class::Syntax => (Kind::SqlError, Some("42601")),
            Class::Fault => (Kind::Internal, None),
            Class::Statement
            | Class::Clause
            | Class::Function
            | Class::UnknownFunction
            | Class::Relation
            | Class::Setting
            | Class::Unknown => (Kind::NotReadOnly, None),
        };
        let mut error = ToolError::new(kind, message);
        error.sqlstate = sqlstate.map(str::to_owned);
        Self(Box::new(Inner { class, error }))
    }

    /// A failure that is ours. It refuses too: what was not read is not run.
    pub(super) fn fault(what: &str) -> Self {
        Self::new(Class::Fault, "the statement could not be checked")
            .detail(format!("The guard reports: {what}."))
    }

    pub(super) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.error.detail = Some(detail.into());
        self
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.error.hint = Some(hint.into());
        self
    }

    /// Says that it is about what begins at byte `offset` of `sql`.
    pub(super) fn at(mut self, sql: &str, offset: usize) -> Self {
        // An offset within a character would be pg_query's fault; then there is no place to name.
        if let Some(before) = sql.get(..offset) {
            let line_start = before.rfind('\n').map_or(0, |at| at + 1);
            let line = before.matches('\n').count() + 1;
            let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
            self.0.error.line = u32::try_from(line).ok();
            self.0.error.column = u32::try_from(column).ok();
        }
        self
    }

    /// What it is about.
    #[must_use]
    pub fn class(&self) -> Class {
        self.0.class
    }

    /// What the model is told.
    #[must_use]
    pub fn error(&self) -> &ToolError {
        &self.0.error
    }
}

impl From<Refusal> for ToolError {
    fn from(refusal: Refusal) -> Self {
        refusal.0.error
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.error.fmt(f)
    }
}

impl std::error::Error for Refusal {}
