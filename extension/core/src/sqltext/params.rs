//! Which parameters an error of the analyzer is about.
//!
//! A constant `1` had a type; the parameter in its place has none until its context gives it one.
//! Where the context does not (the results of CASE, array elements, select lists), the server
//! settles on text and fails at a function or operator further out. The functions here go the way
//! back from that place to the parameters.

use std::collections::{BTreeMap, BTreeSet};

use super::blocks::{Block, Span, blocks, same_name, split_alias};
use super::keywords::{ends_operand, is_reserved};
use super::lexer::{TokenKind, tokenize};
use super::tokens::Tokens;

/// Deeper expressions than this are not searched: the search recurses.
const MAX_DEPTH: usize = 64;

/// The parameters that decide the type of the function arguments or operands at a byte offset,
/// the likeliest first: results of CASE, arguments of COALESCE and the like, elements of ARRAY,
/// operands themselves; then all other parameters in the same place that are not cast.
#[must_use]
pub fn params_near(text: &str, error_byte_offset: usize) -> Vec<u32> {
    let tokens = Tokens::new(text);
    let mut found = Found::default();
    let close = near(&tokens, error_byte_offset);
    for number in close.into_iter().chain(around(&tokens, error_byte_offset)) {
        found.push(number);
    }
    found.list
}

/// The parameters that stand as a result of CASE, behind THEN or ELSE.
#[must_use]
pub fn result_params(text: &str) -> Vec<u32> {
    let tokens = Tokens::new(text);
    let mut found = Found::default();
    for (at, number) in tokens.params() {
        let result = at > 0 && tokens.is_any(at - 1, &["then", "else"]);
        if result && tokens.str(at + 1) != "::" {
            found.push(number);
        }
    }
    found.list
}

/// The parameters that stand in a select list or in VALUES and give a column its type.
#[must_use]
pub fn output_params(text: &str) -> Vec<u32> {
    let tokens = Tokens::new(text);
    let mut found = Found::default();
    for block in blocks(&tokens) {
        for &item in block.rows.iter().flatten() {
            collect(&tokens, split_alias(&tokens, item).0, 0, &mut found);
        }
    }
    found.list
}

/// Every parameter number in the text, ascending.
#[must_use]
pub fn parameter_numbers(text: &str) -> Vec<u32> {
    let numbers: BTreeSet<u32> = Tokens::new(text).params().map(|(_, number)| number).collect();
    numbers.into_iter().collect()
}

/// The text with string constants in the place of parameters. The other parameters keep their numbers.
/// `None` when one cannot be written between plain quotes.
#[must_use]
pub fn with_constants(text: &str, constants: &BTreeMap<u32, String>) -> Option<String> {
    let mut written = String::with_capacity(text.len());
    let mut from = 0;
    for token in tokenize(text) {
        let TokenKind::Param(number) = token.kind else { continue };
        let Some(constant) = constants.get(&number) else { continue };
        if constant.contains(['\\', '\0']) {
            return None;
        }
        written.push_str(text.get(from..token.start)?);
        written.push_str(&format!("'{}'", constant.replace('\'', "''")));
        from = token.end;
    }
    written.push_str(text.get(from..)?);
    Some(written)
}

/// Numbers in the order in which they were found, each once.
#[derive(Default)]
struct Found {
    list: Vec<u32>,
    seen: BTreeSet<u32>,
}

impl Found {
    fn push(&mut self, number: u32) {
        if self.seen.insert(number) {
            self.list.push(number);
        }
    }
}

/// The ranges an error at a byte offset is about: arguments of the function, or both operands.
fn regions(tokens: &Tokens, offset: usize) -> Vec<Span> {
    let Some(at) = tokens.at_offset(offset) else { return Vec::new() };
    if tokens.kind(at) == Some(TokenKind::Operator)
        || tokens
            .is_any(at, &["like", "ilike", "similar", "between", "in", "not", "is", "operator"])
    {
        let right = match tokens.mate(at + 1) {
            Some(close) if tokens.is(at, "operator") => close + 1,
            _ => at + 1,
        };
        return vec![operand_left(tokens, at), operand_right(tokens, right)];
    }
    // A function: the bracket behind its (qualified) name.
    let mut open = at;
    while tokens.is_name(open) && tokens.str(open + 1) == "." {
        open += 2;
    }
    if tokens.is_name(open) && tokens.str(open + 1) == "(" && !tokens.is(open, "in") {
        let close = tokens.mate(open + 1).unwrap_or(tokens.len());
        return vec![(open + 2, close)];
    }
    vec![operand_right(tokens, at)]
}

/// The operand that ends before `at`.
fn operand_left(tokens: &Tokens, at: usize) -> Span {
    let (mut from, mut cases) = (at, 0_usize);
    while let Some(previous) = from.checked_sub(1) {
        if tokens.is(previous, "end") {
            cases += 1;
        } else if cases > 0 {
            cases -= usize::from(tokens.is(previous, "case"));
        } else if is_operand_end(tokens, previous) {
            break;
        }
        from = match tokens.mate(previous) {
            Some(open) if open < previous => open,
            Some(_) => break,
            None => previous,
        };
    }
    (from, at)
}

/// The operand that begins at `at`.
fn operand_right(tokens: &Tokens, at: usize) -> Span {
    let (mut to, mut cases) = (at, 0_usize);
    while to < tokens.len() {
        if tokens.is(to, "case") {
            cases += 1;
        } else if cases > 0 {
            cases -= usize::from(tokens.is(to, "end"));
        } else if matches!(tokens.str(to), ")" | "]")
            || (is_operand_end(tokens, to) && !(to == at && tokens.is(to, "all")))
        {
            break;
        }
        to = tokens.next_sibling(to);
    }
    (at, to.min(tokens.len()))
}

fn is_operand_end(tokens: &Tokens, at: usize) -> bool {
    matches!(tokens.str(at), "," | ";")
        || (tokens.kind(at) == Some(TokenKind::Word) && ends_operand(tokens.str(at)))
}

/// The parameters whose types are the types of the operands at an offset.
pub(super) fn near(tokens: &Tokens, offset: usize) -> Vec<u32> {
    let mut found = Found::default();
    for region in regions(tokens, offset) {
        for part in tokens.split_commas(region.0, region.1) {
            collect(tokens, part, 0, &mut found);
        }
    }
    found.list
}

/// All parameters in the operands at an offset, without those that are cast.
pub(super) fn around(tokens: &Tokens, offset: usize) -> Vec<u32> {
    let mut found = Found::default();
    for (from, to) in regions(tokens, offset) {
        for at in from..to {
            if let Some(number) = tokens.param(at)
                && !is_cast(tokens, at)
            {
                found.push(number);
            }
        }
    }
    found.list
}

/// The parameters of all calls of the function at `offset` whose CASE results are all parameters:
/// what is wrong with one `sum(CASE … THEN $1 ELSE $2 END)` is wrong with its neighbours.
pub(super) fn near_all_calls(tokens: &Tokens, offset: usize) -> Vec<u32> {
    let Some(name) = tokens.at_offset(offset).filter(|&at| tokens.str(at + 1) == "(") else {
        return Vec::new();
    };
    let mut found = Found::default();
    near(tokens, offset).into_iter().for_each(|number| found.push(number));
    for at in 0..tokens.len() {
        let call = tokens.is_name(at)
            && tokens.str(at + 1) == "("
            && same_name(tokens.str(at), tokens.str(name))
            && tokens.is(at + 2, "case");
        if call && results_are_params(tokens, at + 2) {
            for number in near(tokens, tokens.start(at)) {
                found.push(number);
            }
        }
    }
    found.list
}

fn results_are_params(tokens: &Tokens, case: usize) -> bool {
    let mut at = case;
    while at < tokens.len() && !matches!(tokens.str(at), ")" | "]") {
        let result = tokens.is_any(at, &["then", "else"]);
        if result && (tokens.param(at + 1).is_none() || tokens.str(at + 2) == "::") {
            return false;
        }
        at = tokens.next_sibling(at);
    }
    true
}

fn is_cast(tokens: &Tokens, at: usize) -> bool {
    tokens.str(at + 1) == "::" || (tokens.before(at, 1) == "(" && tokens.is(at + 1, "as"))
}

/// Functions whose result has the type of their arguments.
const SAME_TYPE: &[&str] = &[
    "coalesce",
    "greatest",
    "least",
    "nullif",
    "max",
    "min",
    "sum",
    "avg",
    "lag",
    "lead",
    "first_value",
    "last_value",
    "any_value",
    "unnest",
    "array_agg",
    "abs",
    "any",
    "all",
    "some",
    "round",
    "mod",
];

/// Collects the parameters that give an expression its type.
fn collect(tokens: &Tokens, (from, to): Span, depth: usize, found: &mut Found) {
    if depth > MAX_DEPTH {
        return;
    }
    let mut at = from;
    while at < to {
        if tokens.is(at, "case") {
            at = collect_case(tokens, (at, to), depth, found);
            continue;
        }
        let inside = tokens.mate(at).filter(|&close| close > at).map(|close| (at + 1, close));
        if let Some(inside) = inside {
            collect_bracket(tokens, inside, depth, found);
        } else if let Some(number) = tokens.param(at).filter(|_| !is_cast(tokens, at)) {
            found.push(number);
        }
        at = tokens.next_sibling(at);
    }
}

/// Collects from what stands between two brackets, if it decides the type outside.
fn collect_bracket(tokens: &Tokens, inside: Span, depth: usize, found: &mut Found) {
    let open = inside.0 - 1;
    let word = open.checked_sub(1).filter(|&at| tokens.is_name(at));
    if tokens.str(open) == "[" {
        let nested = matches!(tokens.before(open, 1), "[" | ",");
        if !nested && !word.is_some_and(|at| tokens.is(at, "array")) {
            return;
        }
    } else if let Some(word) = word {
        let array_query = tokens.is(word, "array");
        let plain = is_reserved(tokens.str(word)) && !tokens.is(word, "cast");
        if !array_query && !plain && !tokens.is_any(word, SAME_TYPE) {
            return;
        }
    }
    if tokens.is_any(inside.0, &["select", "values", "with"]) {
        for block in blocks_of(tokens, open) {
            for &item in block.rows.iter().flatten() {
                collect(tokens, split_alias(tokens, item).0, depth + 1, found);
            }
        }
        return;
    }
    collect(tokens, inside, depth + 1, found);
}

/// Collects from the results of the CASE at the start of the span; gives the token behind END.
fn collect_case(tokens: &Tokens, span: Span, depth: usize, found: &mut Found) -> usize {
    let (mut at, mut open, mut result) = (span.0 + 1, 1_usize, None);
    while at < span.1 {
        if tokens.is(at, "case") {
            open += 1;
        }
        let closes = tokens.is(at, "end");
        if open == 1 && (closes || tokens.is_any(at, &["when", "then", "else"])) {
            if let Some(start) = result.take() {
                collect(tokens, (start, at), depth + 1, found);
            }
            if tokens.is_any(at, &["then", "else"]) {
                result = Some(at + 1);
            }
        }
        at = tokens.next_sibling(at);
        if closes {
            open -= 1;
            if open == 0 {
                break;
            }
        }
    }
    at
}

fn blocks_of(tokens: &Tokens, open: usize) -> Vec<Block> {
    blocks(tokens).into_iter().filter(|block| block.parent == Some(open)).collect()
}

/// The parameters behind the columns that the operands at an offset name: `AS x`, `v(x, y)`,
/// `columnN` of VALUES.
pub(super) fn named_near(tokens: &Tokens, offset: usize) -> Vec<u32> {
    let mut names: Vec<&str> = Vec::new();
    for (from, to) in regions(tokens, offset) {
        for at in from..to {
            let column = tokens.is_name(at)
                && !matches!(tokens.str(at + 1), "(" | ".")
                && !(tokens.kind(at) == Some(TokenKind::Word) && is_reserved(tokens.str(at)));
            if column && !names.iter().any(|name| same_name(name, tokens.str(at))) {
                names.push(tokens.str(at));
            }
        }
    }
    let (mut found, all) = (Found::default(), blocks(tokens));
    for name in names {
        for (parent, column) in columns_named(tokens, &all, name) {
            collect_column(tokens, &all, parent, column, &mut found);
        }
    }
    found.list
}

/// The parameters in the same column of UNION (or VALUES) as the token at `offset`.
pub(super) fn column_at(tokens: &Tokens, offset: usize) -> Vec<u32> {
    let (mut found, all) = (Found::default(), blocks(tokens));
    let Some(at) = tokens.at_offset(offset) else { return Vec::new() };
    // The innermost block comes last.
    for block in all.iter().rev() {
        let columns = block.rows.iter();
        let column =
            columns.filter_map(|row| row.iter().position(|i| i.0 <= at && at < i.1)).next();
        if let Some(column) = column {
            collect_column(tokens, &all, block.parent, column, &mut found);
            break;
        }
    }
    found.list
}

fn collect_column(
    tokens: &Tokens,
    all: &[Block],
    parent: Option<usize>,
    column: usize,
    found: &mut Found,
) {
    let mut siblings = all.iter().filter(|block| block.parent == parent).peekable();
    if siblings.peek().is_none()
        && let Some(open) = parent
    {
        // A function in FROM: `unnest(ARRAY[$1]) AS v(x)`.
        collect(tokens, (open + 1, tokens.mate(open).unwrap_or(open + 1)), 0, found);
    }
    for block in siblings {
        for item in block.rows.iter().filter_map(|row| row.get(column)) {
            collect(tokens, split_alias(tokens, *item).0, 0, found);
        }
    }
}

/// The parameters that are elements of `ARRAY[…]`.
pub(super) fn array_elements(tokens: &Tokens) -> Vec<u32> {
    let element = |at: usize| tokens.parent(at).is_some_and(|open| tokens.str(open) == "[");
    tokens.params().filter(|&(at, _)| element(at)).map(|(_, number)| number).collect()
}

/// The parameters that are the only argument of a function.
pub(super) fn lone_arguments(tokens: &Tokens) -> Vec<u32> {
    let lone = |at: usize| {
        tokens.before(at, 1) == "("
            && tokens.str(at + 1) == ")"
            && at > 1
            && tokens.is_name(at - 2)
            && !is_reserved(tokens.str(at - 2))
    };
    tokens.params().filter(|&(at, _)| lone(at)).map(|(_, number)| number).collect()
}

/// Brackets (of subqueries) and column positions that have this name.
fn columns_named(tokens: &Tokens, all: &[Block], name: &str) -> Vec<(Option<usize>, usize)> {
    let mut columns = Vec::new();
    for block in all {
        for (column, &item) in block.items().iter().enumerate() {
            let alias = split_alias(tokens, item).1;
            if alias.is_some_and(|alias| same_name(tokens.str(alias), name)) {
                columns.push((block.parent, column));
            }
        }
        let default = name.to_ascii_lowercase();
        let ordinal = default.strip_prefix("column").and_then(|n| n.parse::<usize>().ok());
        if let Some(column) = ordinal.and_then(|n| n.checked_sub(1))
            && !tokens.is(block.span.0, "select")
        {
            columns.push((block.parent, column));
        }
    }
    for at in (0..tokens.len()).filter(|&at| tokens.is_name(at)) {
        if same_name(tokens.str(at), name)
            && let Some(open) = tokens.parent(at)
            && let Some(query) = subquery_of_columns(tokens, open)
        {
            let list = tokens.split_commas(open + 1, tokens.mate(open).unwrap_or(open + 1));
            if let Some(column) = list.iter().position(|&span| span == (at, at + 1)) {
                columns.push((Some(query), column));
            }
        }
    }
    columns
}

/// The bracket of the subquery whose columns are named by the list at `open`:
/// `(…) AS v(x, y)` or `v(x, y) AS (…)`.
fn subquery_of_columns(tokens: &Tokens, open: usize) -> Option<usize> {
    let alias = open.checked_sub(1).filter(|&at| tokens.is_name(at))?;
    let mut before = alias.checked_sub(1)?;
    if tokens.is(before, "as") {
        before = before.checked_sub(1)?;
    }
    if tokens.str(before) == ")" {
        return tokens.mate(before);
    }
    let mut behind = tokens.mate(open)? + 1;
    if !tokens.is(behind, "as") {
        return None;
    }
    behind += 1;
    while tokens.is_any(behind, &["not", "materialized"]) {
        behind += 1;
    }
    (tokens.str(behind) == "(").then_some(behind)
}
