//! Constants that the grammar wants as constants, and which normalization made parameters.
//!
//! All of these are syntax errors (or, glued to a word, other identifiers) whatever the catalog
//! holds, so they are repaired before the server is asked at all.
//!
//! Type modifiers are not among them: `numeric(10,2)` holds no constant of the analyzed tree, so
//! its numbers stay in the normalized text. The same holds for ordinals in GROUP BY and ORDER BY.

use std::collections::BTreeSet;

use super::keywords::can_name_type;
use super::lexer::TokenKind;
use super::tokens::{Edits, Tokens};

/// Rewrites every `$n` that stands where the grammar wants a constant: `date $1` becomes
/// `CAST($1 AS date)`, `EXTRACT($1 FROM x)` gets a field name. Numbers of parameters stay; those
/// of replaced ones are missing afterwards. `None` if there is nothing to repair.
///
/// Of a text that was accepted, only identifiers like `a$2` can be changed (see `split_glued`).
#[must_use]
pub fn repair_typed_literals(text: &str) -> Option<String> {
    let split = split_glued(text);
    let repaired = repair_contexts(split.as_deref().unwrap_or(text));
    repaired.or(split)
}

/// Separates parameters from words: `like'a'and` was normalized to `like$1and`, one identifier.
///
/// A dollar sign is legal within an identifier. The number tells them apart: normalization numbers
/// without gaps, so a number that occurs nowhere else but whose predecessor does was a constant.
fn split_glued(text: &str) -> Option<String> {
    let tokens = Tokens::new(text);
    let genuine: BTreeSet<u32> = tokens.params().map(|(_, number)| number).collect();
    let words = || (0..tokens.len()).filter(|&at| tokens.kind(at) == Some(TokenKind::Word));
    let glued: BTreeSet<u32> =
        words().flat_map(|at| glued_params(tokens.str(at))).map(|param| param.number).collect();
    let missing = |number: u32| {
        let before = number.wrapping_sub(1);
        !genuine.contains(&number)
            && (number == 1 || genuine.contains(&before) || glued.contains(&before))
    };
    let mut edits = Edits::default();
    for at in words() {
        let (word, start) = (tokens.str(at), tokens.start(at));
        if at > 0 && tokens.param(at - 1).is_some() && tokens.end(at - 1) == start {
            edits.replace(start, start, " ");
        }
        let found = glued_params(word);
        if found.is_empty() || !found.iter().all(|param| missing(param.number)) {
            continue;
        }
        for param in found {
            let (from, to) = (start + param.start, start + param.end);
            let space = if param.end < word.len() { " " } else { "" };
            // N'…' is a string constant of type character.
            if param.start == 1 && word.starts_with(['n', 'N']) {
                edits.replace(start, to, format!("CAST(${} AS bpchar){space}", param.number));
            } else {
                edits.replace(from, to, format!(" ${}{space}", param.number));
            }
        }
    }
    edits.apply(text)
}

struct Glued {
    number: u32,
    start: usize,
    end: usize,
}

/// The `$n` inside one identifier.
fn glued_params(word: &str) -> Vec<Glued> {
    let mut found = Vec::new();
    for (start, _) in word.match_indices('$') {
        let digits = word.get(start + 1..).unwrap_or("");
        let length = digits.bytes().take_while(u8::is_ascii_digit).count();
        if let Some(number) = digits.get(..length).and_then(|digits| digits.parse().ok()) {
            found.push(Glued { number, start, end: start + 1 + length });
        }
    }
    found
}

/// The part of [`repair_typed_literals`] that changes no valid text. Where a parameter seems glued
/// to a word, nothing is certain before the server has refused the text.
pub(super) fn repair_certain(text: &str) -> Option<String> {
    if split_glued(text).is_some() { None } else { repair_contexts(text) }
}

fn repair_contexts(text: &str) -> Option<String> {
    let tokens = Tokens::new(text);
    let mut edits = Edits::default();
    for (at, _) in tokens.params() {
        if let Some(first) = type_before(&tokens, at) {
            let last = interval_qualifier_end(&tokens, first, at);
            edits.replace(tokens.start(first), tokens.end(last), cast(&tokens, first, at, last));
        } else if let Some(word) = fixed_word(&tokens, at) {
            edits.replace(tokens.start(at), tokens.end(at), word);
        } else if tokens.is(at + 1, "uescape") && tokens.kind(at + 2) == Some(TokenKind::String) {
            edits.replace(tokens.end(at), tokens.end(at + 2), "");
        } else {
            repair_cycle(&tokens, at, &mut edits);
            repair_json_default(&tokens, at, &mut edits);
        }
    }
    edits.apply(text)
}

/// `CAST($n AS type qualifier)` for the type from `first` to before `at` and what follows `at`.
pub(super) fn cast(tokens: &Tokens, first: usize, at: usize, last: usize) -> String {
    let name = tokens.span(first, at.saturating_sub(1));
    let qualifier = if last > at { tokens.span(at + 1, last) } else { "" };
    let space = if qualifier.is_empty() { "" } else { " " };
    format!("CAST({} AS {name}{space}{qualifier})", tokens.str(at))
}

/// Where the type of the literal at `at` begins, if a type stands in front of it.
fn type_before(tokens: &Tokens, at: usize) -> Option<usize> {
    let last = at.checked_sub(1)?;
    if tokens.str(last) == ")" {
        let name = tokens.mate(last)?.checked_sub(1)?;
        return type_name_start(tokens, name);
    }
    type_name_start(tokens, last)
}

/// Where the type name begins that ends with the word at `last`.
pub(super) fn type_name_start(tokens: &Tokens, last: usize) -> Option<usize> {
    let back = |count: usize| last.checked_sub(count);
    if tokens.is(last, "zone") {
        return zoned_start(tokens, last);
    }
    if tokens.is(last, "precision") {
        return back(1).filter(|&at| tokens.is(at, "double"));
    }
    let characters = ["character", "char", "nchar"];
    if tokens.is(last, "varying") {
        let base = back(1).filter(|&at| tokens.is(at, "bit") || tokens.is_any(at, &characters))?;
        let national = base.checked_sub(1).filter(|&at| tokens.is(at, "national"));
        return Some(national.unwrap_or(base));
    }
    if tokens.is_any(last, &characters)
        && let Some(national) = back(1).filter(|&at| tokens.is(at, "national"))
    {
        return Some(national);
    }
    if tokens.is(last, "path") && back(1).is_some_and(|at| is_column_end(tokens, at)) {
        return None;
    }
    let qualified = last > 1 && tokens.before(last, 1) == ".";
    let word = tokens.kind(last)? == TokenKind::Word;
    if !tokens.is_name(last) || (word && !qualified && !can_name_type(tokens.str(last))) {
        return None;
    }
    let mut first = last;
    while first > 1 && tokens.str(first - 1) == "." && tokens.is_name(first - 2) {
        first -= 2;
    }
    Some(first)
}

/// The column definition `name type PATH '…'` of XMLTABLE and JSON_TABLE ends a type here.
fn is_column_end(tokens: &Tokens, at: usize) -> bool {
    match tokens.kind(at) {
        Some(TokenKind::Word) => can_name_type(tokens.str(at)),
        Some(TokenKind::QuotedIdent) => true,
        _ => matches!(tokens.str(at), ")" | "]"),
    }
}

/// `timestamp [(p)] with[out] time zone`, as opposed to `AT TIME ZONE`.
fn zoned_start(tokens: &Tokens, zone: usize) -> Option<usize> {
    let with = zone.checked_sub(2)?;
    if !tokens.is(zone - 1, "time") || !tokens.is_any(with, &["with", "without"]) {
        return None;
    }
    let before = with.checked_sub(1)?;
    let base = match tokens.mate(before) {
        Some(open) => open.checked_sub(1)?,
        None => before,
    };
    tokens.is_any(base, &["time", "timestamp"]).then_some(base)
}

/// The last token of `interval '…' DAY TO SECOND(2)`; `at` itself without a qualifier.
fn interval_qualifier_end(tokens: &Tokens, first: usize, at: usize) -> usize {
    const FIELDS: &[&str] = &["year", "month", "day", "hour", "minute", "second"];
    if first + 1 != at || !tokens.is(first, "interval") || !tokens.is_any(at + 1, FIELDS) {
        return at;
    }
    let mut last = at + 1;
    if tokens.is(last + 1, "to") && tokens.is_any(last + 2, FIELDS) {
        last += 2;
    }
    if tokens.is(last, "second") && tokens.str(last + 1) == "(" {
        last = tokens.mate(last + 1).unwrap_or(last);
    }
    last
}

/// The word or path that has to stand in place of the parameter at `at`.
fn fixed_word(tokens: &Tokens, at: usize) -> Option<&'static str> {
    let previous = at.checked_sub(1)?;
    let call = tokens.parent(at).filter(|&open| tokens.str(open) == "(");
    let function = call.and_then(|open| open.checked_sub(1));
    let inside = |name: &str| function.is_some_and(|word| tokens.is(word, name));
    if inside("extract") && Some(previous) == call && tokens.is(at + 1, "from") {
        return Some("year");
    }
    if inside("normalize") && tokens.str(previous) == "," && tokens.str(at + 1) == ")" {
        return Some("NFC");
    }
    if tokens.is_any(previous, &["is", "not"]) && tokens.is(at + 1, "normalized") {
        return Some("NFC");
    }
    if tokens.is_any(previous, &["path", "nested"]) && within_json_table(tokens, at) {
        return Some("'$'");
    }
    if inside("json_table")
        && tokens.str(previous) == ","
        && tokens.split_commas(call? + 1, at).len() == 1
    {
        return Some("'$[*]'");
    }
    None
}

fn within_json_table(tokens: &Tokens, at: usize) -> bool {
    let mut open = tokens.parent(at);
    while let Some(bracket) = open {
        if bracket > 0 && tokens.is(bracket - 1, "json_table") {
            return true;
        }
        open = tokens.parent(bracket);
    }
    false
}

/// `CYCLE … SET mark TO $1 DEFAULT $2 USING path`: the marks are constants; true and false do.
fn repair_cycle(tokens: &Tokens, at: usize, edits: &mut Edits) {
    let marks = tokens.before(at, 3).eq_ignore_ascii_case("set")
        && tokens.before(at, 1).eq_ignore_ascii_case("to")
        && tokens.is(at + 1, "default")
        && tokens.param(at + 2).is_some()
        && tokens.is(at + 3, "using");
    if marks {
        edits.replace(tokens.start(at), tokens.end(at + 2), "true DEFAULT false");
    }
}

/// `DEFAULT $1 ON EMPTY` in JSON functions allows constants, functions and operators only.
fn repair_json_default(tokens: &Tokens, at: usize, edits: &mut Edits) {
    if tokens.before(at, 1).eq_ignore_ascii_case("default")
        && tokens.is(at + 1, "on")
        && tokens.is_any(at + 2, &["empty", "error"])
    {
        edits.replace(tokens.start(at - 1), tokens.end(at), "NULL");
    }
}
