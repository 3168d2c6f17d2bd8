//! One step of the loop "analyze; on an error, repair; analyze again".
//!
//! The server side starts with [`Attempt::new`], analyzes [`Attempt::text`] with variable
//! parameter types of which [`Attempt::types`] are fixed beforehand, and asks
//! [`Attempt::after`] for the next attempt until it succeeds or there is none. Each step changes
//! the text or fixes a type, so the loop ends; [`MAX_ATTEMPTS`] bounds it.
//!
//! A repaired text can have gaps in its parameter numbers. Whoever checks that every number has a
//! type has to give the missing ones any.

use std::collections::BTreeMap;

use super::byte_offset;
use super::grouping::{restore_grouped_constants, unify_group_by};
use super::lexer::TokenKind;
use super::literals::{cast, repair_certain, repair_typed_literals, type_name_start};
use super::params::{
    around, array_elements, column_at, lone_arguments, named_near, near, near_all_calls,
};
use super::params::{output_params, result_params};
use super::tokens::{Edits, Tokens};

/// A statement takes at most this many attempts; wide pivots with errors in each column need many.
pub const MAX_ATTEMPTS: usize = 40;

/// A type for a parameter whose context does not give it one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ParamType {
    /// `integer`.
    Integer,
    /// `numeric`.
    Numeric,
    /// `boolean`.
    Boolean,
    /// `text`.
    Text,
}

impl ParamType {
    /// The name of the type in SQL.
    #[must_use]
    pub fn sql_name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Numeric => "numeric",
            Self::Boolean => "boolean",
            Self::Text => "text",
        }
    }

    /// A guess gives way to a stronger one only, so guessing ends.
    fn strength(self) -> u8 {
        match self {
            Self::Text => 0,
            Self::Integer => 1,
            Self::Numeric | Self::Boolean => 2,
        }
    }
}

/// What the server said of an attempt.
#[derive(Debug, Clone, Copy)]
pub struct ServerError<'a> {
    /// The five characters of the SQLSTATE.
    pub sqlstate: &'a str,
    /// The primary message. Only type names and parameter numbers are read, in any language.
    pub message: &'a str,
    /// The cursor position: characters, from 1.
    pub position: Option<usize>,
}

/// A text to analyze, and the types to analyze it with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The statement.
    pub text: String,
    /// Types by parameter number; all other parameters are left to the analyzer.
    pub types: BTreeMap<u32, ParamType>,
}

impl Attempt {
    /// The first attempt: constants that the grammar insists on are back in place.
    #[must_use]
    pub fn new(normalized: &str) -> Self {
        let restored = restore_grouped_constants(normalized);
        let text = restored.as_deref().unwrap_or(normalized);
        let text = repair_certain(text).unwrap_or_else(|| text.to_owned());
        let types = implied_types(&text);
        Self { text, types }
    }

    /// The next attempt after an error, or `None` if nothing is left to try.
    #[must_use]
    pub fn after(&self, error: &ServerError) -> Option<Self> {
        let offset = error.position.and_then(|position| byte_offset(&self.text, position));
        match error.sqlstate {
            "42601" => self.with_text(repair_syntax(&self.text, offset?)?),
            // A parameter glued to a word is another identifier: of a column, table, type, function.
            "42703" | "42P01" | "42704" => self.with_text(repair_typed_literals(&self.text)?),
            "42803" | "42P10" => self.with_text(unify_group_by(&self.text)?),
            // "could not determine data type of parameter $1": any type does.
            "42P18" => {
                let number = number_of(error.message)?;
                self.with_types(&[number], ParamType::Text)
            }
            "42883" | "42725" | "42804" | "42846" | "42809" => self.with_hints(error, offset),
            _ => None,
        }
    }

    fn with_text(&self, text: String) -> Option<Self> {
        (text != self.text).then(|| Self { text, types: self.types.clone() })
    }

    fn with_types(&self, params: &[u32], kind: ParamType) -> Option<Self> {
        let mut types = self.types.clone();
        for &number in params {
            types.entry(number).or_insert(kind);
        }
        (types != self.types).then(|| Self { text: self.text.clone(), types })
    }

    /// Types for the parameters behind a type error, the likeliest group first.
    fn with_hints(&self, error: &ServerError, offset: Option<usize>) -> Option<Self> {
        let tokens = Tokens::new(&self.text);
        if offset.is_none() && error.message.contains("unknown") {
            // A polymorphic function, which one is not said.
            return self.with_types(&lone_arguments(&tokens), ParamType::Text);
        }
        let kind = wanted_type(error.message);
        let sources: [&dyn Fn(usize) -> Vec<u32>; 6] = [
            // An error at an item of UNION is about its column.
            &|at| if is_select_item(&tokens, at) { column_at(&tokens, at) } else { Vec::new() },
            &|at| near_all_calls(&tokens, at),
            &|at| near(&tokens, at),
            &|at| named_near(&tokens, at),
            &|at| around(&tokens, at),
            &|at| column_at(&tokens, at),
        ];
        let close = offset.and_then(|at| {
            sources.iter().find_map(|source| {
                let mut params = source(at);
                if error.sqlstate == "42725" {
                    // Not unique: one type decides, and the others may differ from it.
                    params.retain(|number| !self.types.contains_key(number));
                    params.truncate(1);
                }
                self.with_types(&params, kind)
            })
        });
        close
            .or_else(|| self.widened(&around(&tokens, offset?), kind))
            .or_else(|| self.with_types(&result_params(&self.text), kind))
            .or_else(|| self.with_types(&output_params(&self.text), kind))
            .or_else(|| self.with_types(&array_elements(&tokens), kind))
    }

    /// A weaker guess was tried and another type is wanted: text before integer before the rest.
    fn widened(&self, params: &[u32], kind: ParamType) -> Option<Self> {
        let mut types = self.types.clone();
        for number in params {
            if let Some(known) = types.get_mut(number)
                && known.strength() < kind.strength()
            {
                *known = kind;
            }
        }
        (types != self.types).then(|| Self { text: self.text.clone(), types })
    }
}

/// Whether the error points at a whole item of a select list rather than at a function or operator.
fn is_select_item(tokens: &Tokens, offset: usize) -> bool {
    let Some(at) = tokens.at_offset(offset) else { return false };
    let begins = at > 0 && (tokens.str(at - 1) == "," || tokens.is(at - 1, "select"));
    begins && tokens.str(at + 1) != "("
}

/// The type that the message asks for.
fn wanted_type(message: &str) -> ParamType {
    let has = |word: &str| message.contains(word);
    if has("boolean") || has("bool_") || has("every(") {
        ParamType::Boolean
    } else if has("numeric[]") {
        ParamType::Numeric
    } else if has(" || ") && !has("[]") {
        ParamType::Text
    } else {
        ParamType::Integer
    }
}

/// The number behind the dollar sign in a message.
fn number_of(message: &str) -> Option<u32> {
    let digits = message.split_once('$')?.1;
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    digits.get(..length)?.parse().ok()
}

/// Types that follow from the text: `$1 + $2` is never unique, and SUBSTRING FROM FOR would become
/// the one with a regular expression.
#[must_use]
pub fn implied_types(text: &str) -> BTreeMap<u32, ParamType> {
    let tokens = Tokens::new(text);
    let mut types = BTreeMap::new();
    for (at, number) in tokens.params() {
        if matches!(tokens.str(at + 1), "+" | "-" | "*" | "/" | "%")
            && let Some(other) = tokens.param(at + 2)
            && tokens.str(at + 3) != "::"
        {
            types.insert(number, ParamType::Integer);
            types.insert(other, ParamType::Integer);
        }
        let call = tokens.parent(at).and_then(|open| open.checked_sub(1));
        let substring = call.is_some_and(|word| tokens.is_any(word, &["substring", "overlay"]));
        let direct = matches!(tokens.str(at + 1), ")") || tokens.is(at + 1, "for");
        if substring && at > 0 && direct && tokens.is(at - 1, "for") {
            types.insert(number, ParamType::Integer);
            if tokens.before(at, 3).eq_ignore_ascii_case("from")
                && let Some(from) = tokens.param(at - 2)
            {
                types.insert(from, ParamType::Integer);
            }
        }
    }
    types
}

/// Repairs the text after a syntax error at a byte offset: all known contexts first, then the
/// parameter at that place becomes a cast (behind a word) or a constant.
///
/// Asked again about the same place, it tries a number instead of a string.
#[must_use]
pub fn repair_syntax(text: &str, error_byte_offset: usize) -> Option<String> {
    if let Some(repaired) = repair_typed_literals(text) {
        return Some(repaired);
    }
    let tokens = Tokens::new(text);
    let at = tokens.at_offset(error_byte_offset)?;
    let mut edits = Edits::default();
    if tokens.param(at).is_some() {
        match at.checked_sub(1).and_then(|last| type_name_start(&tokens, last)) {
            Some(first) => {
                edits.replace(tokens.start(first), tokens.end(at), cast(&tokens, first, at, at));
            }
            None => edits.replace(tokens.start(at), tokens.end(at), "'1'"),
        }
    } else if tokens.str(at) == "'1'" {
        edits.replace(tokens.start(at), tokens.end(at), "1");
    } else if tokens.str(at) == ")" && tokens.mate(at).is_none() {
        // `-(-5)` is one constant, of which normalization replaces `-(` only.
        let remains = at > 2
            && tokens.kind(at - 1) == Some(TokenKind::Number)
            && tokens.str(at - 2) == "-"
            && tokens.param(at - 3).is_some();
        if remains {
            edits.replace(tokens.end(at - 3), tokens.end(at), "");
        }
    }
    edits.apply(text)
}
