//! What a text must be so that it stays the one statement it was checked as. Uses the server's
//! lexer; what the statement does is the guard's matter.
//!
//! The lexer is that of `standard_conforming_strings = on`: sessions set it, or insist on it.

use pg_query::protobuf::{ScanToken, Token};

use crate::error::{Kind, ToolError};
use crate::parser;

#[cfg(test)]
mod tests;

/// A text of the user cut into tokens, comments left out.
pub(super) struct Tokens<'a> {
    sql: &'a str,
    tokens: Vec<ScanToken>,
}

impl<'a> Tokens<'a> {
    /// # Errors
    /// When the text has no token, a NUL, or ends within a string or comment.
    pub(super) fn of(sql: &'a str) -> Result<Self, ToolError> {
        if sql.contains('\0') {
            return Err(invalid("statement must not contain a NUL character"));
        }
        let mut tokens = parser::scan(sql).map_err(|error| {
            let message = match error {
                pg_query::Error::Scan(message) => message,
                other => other.to_string(),
            };
            ToolError::new(Kind::SqlError, message).with_sqlstate("42601")
        })?;
        tokens.retain(|token| !matches!(token.token(), Token::SqlComment | Token::CComment));
        if tokens.is_empty() {
            return Err(invalid("statement is empty"));
        }
        Ok(Self { sql, tokens })
    }

    fn word(&self, token: &ScanToken) -> &'a str {
        // Offsets in bytes, from 0.
        let range = usize::try_from(token.start).ok().zip(usize::try_from(token.end).ok());
        range.and_then(|(start, end)| self.sql.get(start..end)).unwrap_or_default()
    }

    /// The first word in capitals; `(` of a SELECT in parentheses.
    pub(super) fn verb(&self) -> String {
        self.tokens.first().map_or_else(String::new, |first| self.word(first).to_uppercase())
    }

    fn contains(&self, word: &str) -> bool {
        self.tokens.iter().any(|token| self.word(token).eq_ignore_ascii_case(word))
    }

    fn semicolons(&self) -> impl Iterator<Item = usize> {
        let positions = self.tokens.iter().enumerate();
        positions.filter(|(_, token)| token.token() == Token::Ascii59).map(|(index, _)| index)
    }

    /// Highest and lowest are of no interest: the first parameter, as written.
    fn parameter(&self) -> Option<&'a str> {
        let parameter = self.tokens.iter().find(|token| token.token() == Token::Param);
        parameter.map(|token| self.word(token))
    }
}

/// Checks that `sql` can be put between parentheses: it has no semicolon, closes what it opens and
/// nothing else, and has no parameters.
///
/// # Errors
/// [`Kind::InvalidArgument`] or [`Kind::SqlError`] that says what is wrong.
pub(super) fn check_wrappable(sql: &str) -> Result<(), ToolError> {
    let tokens = Tokens::of(sql)?;
    if tokens.semicolons().next().is_some() {
        return Err(several());
    }
    let mut depth = 0_u32;
    for token in &tokens.tokens {
        match token.token() {
            Token::Ascii40 => depth += 1,
            Token::Ascii41 => {
                depth = depth.checked_sub(1).ok_or_else(unbalanced)?;
            }
            _ => {}
        }
    }
    if depth != 0 {
        return Err(unbalanced());
    }
    check_parameters(&tokens)
}

/// Checks that `sql` is one statement for the simple protocol that ends by itself and leaves the
/// transaction alone.
///
/// # Errors
/// [`Kind::InvalidArgument`], [`Kind::Unsupported`] or [`Kind::SqlError`] that says what is wrong.
pub(super) fn check_single(sql: &str) -> Result<Tokens<'_>, ToolError> {
    let tokens = Tokens::of(sql)?;
    let last = tokens.tokens.len() - 1;
    // A semicolon within is possible in one statement: CREATE FUNCTION … BEGIN ATOMIC.
    if tokens.semicolons().any(|index| index != last) && !parses_as_one(sql) {
        return Err(several());
    }
    let verb = tokens.verb();
    match verb.as_str() {
        ";" => return Err(invalid("statement is empty")),
        "BEGIN" | "START" | "COMMIT" | "END" | "ROLLBACK" | "ABORT" | "SAVEPOINT" | "RELEASE" => {
            return Err(ToolError::new(Kind::Unsupported, format!("{verb} cannot be run"))
                .with_hint("Each call is a transaction of its own."));
        }
        "PREPARE" if tokens.contains("transaction") => {
            return Err(ToolError::new(Kind::Unsupported, "PREPARE TRANSACTION cannot be run")
                .with_hint("Each call is a transaction of its own."));
        }
        "COPY" if tokens.contains("stdin") || tokens.contains("stdout") => {
            return Err(ToolError::new(
                Kind::Unsupported,
                "COPY from or to the client is not supported",
            )
            .with_hint("Use INSERT or SELECT."));
        }
        "SELECT" | "(" | "WITH" | "VALUES" | "TABLE" | "INSERT" | "UPDATE" | "DELETE" | "MERGE"
        | "DECLARE" => check_parameters(&tokens)?,
        "EXPLAIN" if !tokens.contains("generic_plan") => check_parameters(&tokens)?,
        _ => {}
    }
    Ok(tokens)
}

fn check_parameters(tokens: &Tokens<'_>) -> Result<(), ToolError> {
    match tokens.parameter() {
        None => Ok(()),
        Some(parameter) => {
            Err(invalid(format!("statement has parameters, such as {parameter}, and no values"))
                .with_hint("Put values in the place of the parameters $1, $2 and so on."))
        }
    }
}

/// Whether the server's grammar takes the text as one statement.
fn parses_as_one(sql: &str) -> bool {
    parser::split(sql).is_ok_and(|statements| statements.len() == 1)
}

fn several() -> ToolError {
    invalid("only one statement can be run in a call").with_hint("Make one call per statement.")
}

fn unbalanced() -> ToolError {
    ToolError::new(Kind::SqlError, "parentheses in the statement do not match")
        .with_sqlstate("42601")
}

fn invalid(message: impl Into<String>) -> ToolError {
    ToolError::new(Kind::InvalidArgument, message)
}
