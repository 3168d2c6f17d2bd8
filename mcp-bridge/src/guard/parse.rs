//! A text to its parse tree: the server's own grammar, on a stack that cannot overflow.
//!
//! - pg_query's parser, tree writer and encoder stop at 10,000 nested messages or 2 MB of stack,
//!   whichever comes first, and say so. Its decoder and the walks over the tree recurse as well and
//!   do not stop. So all of it runs on a thread of its own that has the stack for 10,000 messages.
//!   About 5,000 operators in a row fit (700 without optimisation); a server with its default
//!   `max_stack_depth` takes some 6,000.
//! - The lexer is that of `standard_conforming_strings = on`; sessions set it, or insist on it.

use std::thread;

use pg_query::protobuf::{KeywordKind, ScanToken, Token};

use super::refusal::{Class, Refusal};
use super::tree::Message;
use crate::parser;

/// Longest text in bytes that the guard looks at. The limit of the tools, which can be set, is at
/// most this. A tree takes up to 1 kB for each byte of text (`1,1,1,…`).
pub const MAX_BYTES: usize = 1 << 20;

/// For 10,000 nested messages, with room to spare. Measured: 1.6 kB each when optimised, 16 kB
/// when not. Memory that is not touched is not taken.
const STACK: usize = if cfg!(debug_assertions) { 256 << 20 } else { 64 << 20 };

/// Occurrences of a word that are tried in the search for the one that is a syntax error.
const LOCATE_TRIES: usize = 8;

/// Longest run of characters that operators and comments are made of. The lexer reads such a run
/// anew for each `+` or `/*` in it; 48 kB of `/*` take seconds. Operators end at 63 bytes, so what
/// is longer is a line drawn in a comment or in a text.
const LONGEST_RUN: usize = 1_000;

/// A text with its tokens and tree.
pub(super) struct Parsed<'a> {
    pub(super) sql: &'a str,
    /// In the order of the text, comments left out.
    tokens: Vec<ScanToken>,
    /// One `RawStmt` each.
    pub(super) statements: Vec<Message>,
}

/// Parses `sql` and hands the result to `read`, which may recurse as deep as the tree goes.
///
/// # Errors
/// What `read` returns, or a [`Refusal`] of class [`Class::Text`] or [`Class::Syntax`].
pub(super) fn with_tree<T: Send>(
    sql: &str,
    read: impl FnOnce(&Parsed<'_>) -> Result<T, Refusal> + Send,
) -> Result<T, Refusal> {
    check_text(sql)?;
    let answer = thread::scope(|scope| {
        thread::Builder::new()
            .name("parser".to_owned())
            .stack_size(STACK)
            .spawn_scoped(scope, || read(&Parsed::of(sql)?))
            .map(thread::ScopedJoinHandle::join)
    });
    match answer {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(Refusal::fault("the parser failed")),
        Err(error) => Err(Refusal::fault(&format!("could not start a thread: {error}"))),
    }
}

/// What the parser, whose strings end at a NUL and whose positions are 32 bits, cannot be given.
fn check_text(sql: &str) -> Result<(), Refusal> {
    if sql.len() > MAX_BYTES {
        return Err(Refusal::new(
            Class::Text,
            format!("the statement has {} bytes, the limit is {MAX_BYTES}", sql.len()),
        )
        .hint("Put long lists of values into a table, or split the statement."));
    }
    if let Some(at) = sql.find('\0') {
        return Err(Refusal::new(Class::Text, "the statement contains a NUL character")
            .detail("PostgreSQL has no such character; what follows it would not be seen.")
            .at(sql, at));
    }
    let mut runs = sql.split(|c: char| !"~!@#^&|`?+-*/%<>=".contains(c));
    if let Some(run) = runs.find(|run| run.len() > LONGEST_RUN) {
        let message = format!("{} operator characters follow one another", run.len());
        return Err(Refusal::new(Class::Text, message)
            .detail(format!("The limit is {LONGEST_RUN}, in comments and texts too."))
            .hint("Shorten the line, or build the text with repeat()."));
    }
    Ok(())
}

impl<'a> Parsed<'a> {
    fn of(sql: &'a str) -> Result<Self, Refusal> {
        let tokens = parser::scan(sql).map_err(|error| unreadable(sql, &[], &error))?;
        let tokens: Vec<ScanToken> =
            tokens.into_iter().filter(|token| !is_comment(token)).collect();
        let result = parser::parse(sql).map_err(|error| unreadable(sql, &tokens, &error))?;
        let root =
            Message::of(&result.protobuf).map_err(|error| Refusal::fault(&error.to_string()))?;
        let statements = root.into_messages("stmts");
        Ok(Self { sql, tokens, statements })
    }

    /// Where the statement is in the text, in bytes, without the comments, white space and
    /// semicolons around it.
    pub(super) fn span(&self, raw: &Message) -> Span {
        let start = usize::try_from(raw.number("stmt_location")).unwrap_or(0);
        let end = match usize::try_from(raw.number("stmt_len")) {
            Ok(len) if len > 0 => start.saturating_add(len),
            _ => self.sql.len(),
        };
        let tokens = self.tokens(Span { start, end });
        let mut tokens = tokens.iter().filter(|token| token.token() != Token::Ascii59);
        let first = tokens.next();
        let last = tokens.next_back().or(first);
        Span {
            start: first.map_or(start, |token| place(token.start)),
            end: last.map_or(end, |token| place(token.end)),
        }
    }

    /// The statement within an EXPLAIN, which pg_query does not locate. `options`: it has some,
    /// in parentheses or without.
    pub(super) fn explained(&self, explain: Span, options: bool) -> Span {
        let tokens = self.tokens(explain).get(1..).unwrap_or_default();
        let kinds = || tokens.iter().map(|token| token.token());
        let skipped = match kinds().next() {
            _ if !options => 0,
            Some(Token::Ascii40) => {
                let mut depth = 0_u32;
                let open = |kind: &Token| {
                    match kind {
                        Token::Ascii40 => depth += 1,
                        Token::Ascii41 => depth -= 1,
                        _ => {}
                    }
                    depth > 0
                };
                kinds().take_while(open).count() + 1
            }
            _ => kinds().take_while(is_bare_option).count(),
        };
        let start = tokens.get(skipped).map_or(explain.end, |token| place(token.start));
        Span { start, ..explain }
    }

    /// The keywords that a statement begins with, in capitals.
    pub(super) fn opening(&self, statement: Span) -> String {
        let words = self
            .tokens(statement)
            .iter()
            .map(|token| (token, written(self.sql, token).to_uppercase()));
        let mut opening: Vec<String> = Vec::new();
        for (token, word) in words {
            let goes_on = match opening.first().map(String::as_str) {
                None => true,
                Some("CREATE" | "ALTER" | "DROP") => opening.len() < 4,
                Some("REFRESH" | "IMPORT" | "SECURITY" | "REASSIGN") => opening.len() < 2,
                Some(_) => false,
            };
            let is_word = token.keyword_kind() != KeywordKind::NoKeyword;
            if !goes_on
                || !is_word
                || (!opening.is_empty() && ["IF", "ONLY", "ON"].contains(&word.as_str()))
            {
                break;
            }
            opening.push(word);
        }
        opening.join(" ")
    }

    /// Where the first FOR UPDATE or the like is after byte `start`: its node does not say.
    pub(super) fn locking_clause(&self, start: usize) -> Option<usize> {
        let strength = |kind| matches!(kind, Token::Update | Token::No | Token::Share | Token::Key);
        let pairs = self.tokens.iter().zip(self.tokens.iter().skip(1));
        let mut pairs = pairs.skip_while(|(first, _)| place(first.start) < start);
        let found = pairs.find(|(a, b)| a.token() == Token::For && strength(b.token()))?;
        Some(place(found.0.start))
    }

    /// The tokens of a part of the text.
    fn tokens(&self, span: Span) -> &[ScanToken] {
        let first = self.tokens.partition_point(|token| place(token.start) < span.start);
        let end = self.tokens.partition_point(|token| place(token.end) <= span.end);
        self.tokens.get(first..end).unwrap_or_default()
    }
}

/// A part of a text, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Span {
    /// The text of the part.
    pub(super) fn of(self, sql: &str) -> &str {
        sql.get(self.start..self.end).unwrap_or_default()
    }
}

/// An offset of pg_query, in bytes.
pub(super) fn place(offset: i32) -> usize {
    usize::try_from(offset).unwrap_or(0)
}

fn written<'a>(sql: &'a str, token: &ScanToken) -> &'a str {
    Span { start: place(token.start), end: place(token.end) }.of(sql)
}

/// The options of EXPLAIN that can stand without parentheses.
fn is_bare_option(kind: &Token) -> bool {
    matches!(kind, Token::Analyze | Token::Analyse | Token::Verbose)
}

fn is_comment(token: &ScanToken) -> bool {
    matches!(token.token(), Token::SqlComment | Token::CComment)
}

/// The parser's complaint, in its words.
fn unreadable(sql: &str, tokens: &[ScanToken], error: &pg_query::Error) -> Refusal {
    let message = match error {
        pg_query::Error::Parse(message) | pg_query::Error::Scan(message) => message,
        other => return Refusal::fault(&other.to_string()),
    };
    // "memory exhausted" is the parser's stack, which holds 10,000 open parentheses.
    if message.contains("stack depth")
        || message.contains("nested too")
        || message.contains("memory exhausted")
    {
        return Refusal::new(Class::Text, "the statement is nested too deeply")
            .hint("Write long chains of operators as lists: = any (array[…]), concat(…), IN (…).");
    }
    let refusal = Refusal::new(Class::Syntax, message.clone());
    match locate(sql, tokens, message) {
        Some(at) => refusal.at(sql, at),
        None => refusal,
    }
}

/// Where the syntax error is: pg_query's interface keeps the position to itself.
///
/// It is the first word of those the message names at which the text up to it fails the same way.
fn locate(sql: &str, tokens: &[ScanToken], message: &str) -> Option<usize> {
    if message.ends_with("at end of input") {
        return Some(sql.trim_end().len());
    }
    let word = message.split_once(" at or near \"")?.1.strip_suffix('"')?;
    let mut named = tokens.iter().filter(|token| written(sql, token) == word).peekable();
    let first = named.next()?;
    if named.peek().is_none() {
        return Some(place(first.start));
    }
    let same = |token: &&ScanToken| {
        let text = sql.get(..place(token.end)).unwrap_or_default();
        matches!(parser::split(text), Err(pg_query::Error::Split(said)) if said == message)
    };
    let found = std::iter::once(first).chain(named).take(LOCATE_TRIES).find(same)?;
    Some(place(found.start))
}
