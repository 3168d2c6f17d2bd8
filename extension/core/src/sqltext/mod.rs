//! The text of statements as `pg_stat_statements` stores it, made fit for analysis again.
//!
//! Normalization replaces each constant by `$n` in the *text*, without regard to the grammar:
//! `date '2024-01-01'` becomes `date $1`, which is a syntax error, and expressions that were equal
//! get different numbers. [`Attempt`] drives the repairs; the rest can be used alone. Nothing here
//! parses SQL: the server does, and what it accepts is never changed.

mod blocks;
mod grouping;
mod keywords;
mod lexer;
mod literals;
mod params;
mod repair;
#[cfg(test)]
mod tests;
mod tokens;

pub use grouping::{restore_grouped_constants, unify_group_by};
pub use lexer::{Token, TokenKind, tokenize};
pub use literals::repair_typed_literals;
pub use params::{output_params, parameter_numbers, params_near, result_params, with_constants};
pub use repair::{Attempt, MAX_ATTEMPTS, ParamType, ServerError, implied_types, repair_syntax};

use tokens::Tokens;

/// The byte offset of a cursor position of the server, which counts characters from 1.
///
/// The position behind the last character is the end of the text; further ones are `None`.
#[must_use]
pub fn byte_offset(text: &str, position: usize) -> Option<usize> {
    let characters = position.checked_sub(1)?;
    let ends = std::iter::once(text.len());
    text.char_indices().map(|(offset, _)| offset).chain(ends).nth(characters)
}

/// The first keyword in lower case, behind comments, semicolons and opening brackets.
///
/// `WITH` is the answer for a query with common table expressions, whatever it does.
#[must_use]
pub fn first_keyword(text: &str) -> Option<String> {
    let tokens = Tokens::new(text);
    let first = (0..tokens.len()).find(|&at| !matches!(tokens.str(at), "(" | ";"))?;
    let keyword = tokens.kind(first) == Some(TokenKind::Word);
    keyword.then(|| tokens.str(first).to_ascii_lowercase())
}

/// Whether the text looks cut off: it ends inside a string, comment or bracket.
#[must_use]
pub fn is_truncated(text: &str) -> bool {
    let rest = tokenize(text).last().is_some_and(|token| token.kind == TokenKind::Unterminated);
    rest || Tokens::new(text).is_open_at_end()
}
