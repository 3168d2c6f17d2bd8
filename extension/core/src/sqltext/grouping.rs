//! Makes expressions equal again that were equal before each constant got its own number.
//!
//! `SELECT a + $1 … GROUP BY a + $2` fails with 42803, and so does ORDER BY or HAVING against a
//! grouped expression; `SELECT DISTINCT a + $1 … ORDER BY a + $2` and DISTINCT ON fail with 42P10.

use std::collections::BTreeMap;

use super::blocks::{Block, Span, blocks, same_name, split_alias};
use super::keywords::is_reserved;
use super::lexer::TokenKind;
use super::tokens::{Edits, Tokens};

/// Gives equal expressions of one query level the same constants: those of GROUP BY (or of
/// DISTINCT) and those in the select list, HAVING, WINDOW and ORDER BY. Numbers that are not used
/// any more are missing afterwards. `None` if there is nothing to change.
#[must_use]
pub fn unify_group_by(text: &str) -> Option<String> {
    unify(text, true)
}

/// The part of [`unify_group_by`] that is certain. The analyzer drops a GROUP BY expression that
/// equals a select item, so its constants stay in the text, and they are the lost ones:
/// `SELECT a + $1 … GROUP BY a + 7` was `a + 7` in both places.
#[must_use]
pub fn restore_grouped_constants(text: &str) -> Option<String> {
    unify(text, false)
}

/// What to put in place of the tokens from the key up to the number.
type Changes = BTreeMap<usize, (usize, String)>;

fn unify(text: &str, parameters: bool) -> Option<String> {
    let tokens = Tokens::new(text);
    let mut changes = Changes::new();
    for block in blocks(&tokens).iter().chain(&distinct_aggregates(&tokens)) {
        let (groups, ranges) = equal_parts(&tokens, block);
        for group in groups {
            unify_group(&tokens, &group, &ranges, parameters, &mut changes);
        }
    }
    let mut edits = Edits::default();
    for (first, (last, with)) in changes {
        edits.replace(tokens.start(first), tokens.end(last), with);
    }
    edits.apply(text)
}

/// `f(DISTINCT a + $1 ORDER BY a + 1)` has the rule of SELECT DISTINCT.
fn distinct_aggregates(tokens: &Tokens) -> Vec<Block> {
    let mut found = Vec::new();
    for open in 0..tokens.len() {
        let Some(close) = tokens.mate(open).filter(|&close| close > open) else { continue };
        if !tokens.is(open + 1, "distinct") {
            continue;
        }
        let mut order = open + 2;
        while order < close && !tokens.is(order, "order") {
            order = tokens.next_sibling(order);
        }
        if order < close {
            found.push(Block {
                parent: Some(open),
                span: (open + 1, close),
                rows: vec![tokens.split_commas(open + 2, order)],
                distinct: true,
                order_by: (order + 2, close),
                ..Block::default()
            });
        }
    }
    found
}

/// The expressions that others have to equal (in groups that look the same), and where those are.
fn equal_parts<'t>(tokens: &'t Tokens, block: &Block) -> (Vec<Vec<Skeleton<'t>>>, Vec<Span>) {
    let (Some(first), Some(last)) = (block.items().first(), block.items().last()) else {
        return (Vec::new(), Vec::new());
    };
    let list = (first.0, last.1);
    let (items, ranges): (Vec<Span>, _) = if !block.group_by.is_empty() {
        let items = block.group_by.iter().map(|&span| resolve(tokens, block, span));
        (items.collect(), vec![list, block.having, block.window, block.order_by])
    } else if !block.distinct_on.is_empty() {
        let items = block.distinct_on.iter().map(|&span| resolve(tokens, block, span));
        (items.collect(), vec![list, block.order_by])
    } else if block.distinct {
        let items = block.items().iter().map(|&item| split_alias(tokens, item).0);
        (items.collect(), vec![block.order_by])
    } else {
        return (Vec::new(), Vec::new());
    };
    let mut groups: Vec<Vec<Skeleton>> = Vec::new();
    for span in items {
        let skeleton = Skeleton::new(tokens, strip_parens(tokens, span));
        // A constant alone is no expression to recognize.
        if skeleton.constants.is_empty() || skeleton.words.len() == 1 {
            continue;
        }
        match groups.iter_mut().find(|group| group[0].words == skeleton.words) {
            Some(group) => group.push(skeleton),
            None => groups.push(vec![skeleton]),
        }
    }
    (groups, ranges)
}

/// An ordinal or the alias of a select item stands for that item.
fn resolve(tokens: &Tokens, block: &Block, span: Span) -> Span {
    if span.1 != span.0 + 1 {
        return span;
    }
    let item = if tokens.kind(span.0) == Some(TokenKind::Number) {
        let ordinal = tokens.str(span.0).parse::<usize>().ok().and_then(|n| n.checked_sub(1));
        ordinal.and_then(|index| block.items().get(index)).copied()
    } else {
        block.items().iter().copied().find(|&item| {
            split_alias(tokens, item)
                .1
                .is_some_and(|alias| same_name(tokens.str(alias), tokens.str(span.0)))
        })
    };
    item.map_or(span, |item| split_alias(tokens, item).0)
}

fn strip_parens(tokens: &Tokens, (mut from, mut to): Span) -> Span {
    while from + 1 < to && tokens.str(from) == "(" && tokens.mate(from) == Some(to - 1) {
        (from, to) = (from + 1, to - 1);
    }
    (from, to)
}

/// An expression without qualifiers, and with one sign for every constant and parameter.
struct Skeleton<'t> {
    words: Vec<&'t str>,
    /// The first and the last token of each word.
    places: Vec<Span>,
    /// The indexes of constants in `words`.
    constants: Vec<usize>,
}

/// Stands for a constant; no token looks like this.
const CONSTANT: &str = "$";

impl<'t> Skeleton<'t> {
    fn new(tokens: &'t Tokens, (from, to): Span) -> Self {
        let mut skeleton = Self { words: Vec::new(), places: Vec::new(), constants: Vec::new() };
        let mut at = from;
        while at < to {
            let qualifier = tokens.is_name(at) && tokens.str(at + 1) == ".";
            if tokens.str(at) == "." || qualifier {
                at += 1;
                continue;
            }
            let last = constant_end(tokens, at).filter(|&last| last < to);
            if last.is_some() {
                skeleton.constants.push(skeleton.words.len());
            }
            skeleton.words.push(if last.is_some() { CONSTANT } else { tokens.str(at) });
            skeleton.places.push((at, last.unwrap_or(at)));
            at = last.unwrap_or(at) + 1;
        }
        skeleton
    }

    /// Where `part` occurs as an operand of its own.
    fn occurrences(&self, part: &Skeleton) -> Vec<usize> {
        let length = part.words.len().max(1);
        let same = |left: &&str, right: &&str| {
            left == right || (!left.contains(['"', '\'']) && left.eq_ignore_ascii_case(right))
        };
        let mut found = Vec::new();
        for (index, window) in self.words.windows(length).enumerate() {
            let after = self.words.get(index + length).copied().unwrap_or("");
            let equal = window.iter().zip(&part.words).all(|(left, right)| same(left, right));
            if equal && !matches!(after, "(" | "[" | "::") {
                found.push(index);
            }
        }
        found
    }
}

/// The last token of the constant or parameter at `at`, as normalization would have cut it out.
fn constant_end(tokens: &Tokens, at: usize) -> Option<usize> {
    use TokenKind::{Bits, Number, Param, String};
    match tokens.kind(at)? {
        Param(_) | Number | String | Bits => Some(at),
        _ if tokens.is_any(at, &["true", "false", "null"]) => Some(at),
        // The field of EXTRACT was a constant, too.
        TokenKind::Word => {
            let field = tokens.before(at, 2).eq_ignore_ascii_case("extract")
                && tokens.before(at, 1) == "("
                && tokens.is(at + 1, "from");
            field.then_some(at)
        }
        _ if tokens.str(at) == "-" && tokens.kind(at + 1) == Some(Number) => {
            let before = at.checked_sub(1)?;
            let operand = match tokens.kind(before)? {
                TokenKind::Word => !is_reserved(tokens.str(before)),
                TokenKind::Punct => matches!(tokens.str(before), ")" | "]"),
                TokenKind::Operator => false,
                _ => true,
            };
            (!operand).then_some(at + 1)
        }
        _ => None,
    }
}

/// Makes constants equal: in each range the n-th occurrence belongs to the n-th item of the group.
/// What is still known is the value; else the parameter of the item is.
fn unify_group(
    tokens: &Tokens,
    group: &[Skeleton],
    ranges: &[Span],
    parameters: bool,
    changes: &mut Changes,
) {
    let mut members: Vec<Vec<Span>> = vec![Vec::new(); group.len() * group[0].words.len()];
    let width = group[0].words.len();
    for (item, model) in group.iter().enumerate() {
        for &index in &model.constants {
            members[item * width + index].push(model.places[index]);
        }
    }
    for &range in ranges.iter().filter(|range| range.0 < range.1) {
        let skeleton = Skeleton::new(tokens, range);
        for (nth, start) in skeleton.occurrences(&group[0]).into_iter().enumerate() {
            let item = nth.min(group.len() - 1);
            for &index in &group[item].constants {
                members[item * width + index].push(skeleton.places[start + index]);
            }
        }
    }
    for places in members.iter().filter(|places| places.len() > 1) {
        let known = places.iter().find(|place| tokens.param(place.0).is_none());
        let Some(&model) = known.or(places.first().filter(|_| parameters)) else { continue };
        let earlier = changes.get(&model.0).map(|(_, with)| with.clone());
        let with = earlier.unwrap_or_else(|| tokens.span(model.0, model.1).to_owned());
        for &(first, last) in places.iter().filter(|place| tokens.param(place.0).is_some()) {
            changes.entry(first).or_insert_with(|| (last, with.clone()));
        }
    }
}
