//! The query blocks of a text: each SELECT, VALUES and RETURNING with its clauses, on every level.

use super::lexer::TokenKind;
use super::tokens::Tokens;

/// A range of tokens: first, and one past the last.
pub(super) type Span = (usize, usize);

/// One SELECT (up to UNION, INTERSECT, EXCEPT), one VALUES list or one RETURNING list.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// The bracket around it.
    pub(super) parent: Option<usize>,
    /// All of it.
    pub(super) span: Span,
    /// Items of the select list, or of the rows of VALUES: one entry a row.
    pub(super) rows: Vec<Vec<Span>>,
    /// Whether DISTINCT stands behind SELECT.
    pub(super) distinct: bool,
    /// The expressions of DISTINCT ON.
    pub(super) distinct_on: Vec<Span>,
    /// GROUP BY, with the members of grouping sets.
    pub(super) group_by: Vec<Span>,
    /// HAVING.
    pub(super) having: Span,
    /// WINDOW.
    pub(super) window: Span,
    /// ORDER BY.
    pub(super) order_by: Span,
}

impl Block {
    /// The select list of a SELECT, or the first row of VALUES.
    pub(super) fn items(&self) -> &[Span] {
        self.rows.first().map_or(&[], Vec::as_slice)
    }
}

const CLAUSES: &[&str] = &[
    "from",
    "where",
    "group",
    "having",
    "window",
    "order",
    "limit",
    "offset",
    "fetch",
    "for",
    "into",
    "returning",
];

/// All query blocks, in the order of their first tokens.
pub(super) fn blocks(tokens: &Tokens) -> Vec<Block> {
    (0..tokens.len())
        .filter_map(|at| {
            if tokens.is(at, "select") {
                Some(select_block(tokens, at))
            } else if tokens.is(at, "values") && tokens.str(at + 1) == "(" {
                Some(values_block(tokens, at))
            } else if tokens.is(at, "returning") {
                Some(returning_block(tokens, at))
            } else {
                None
            }
        })
        .collect()
}

fn select_block(tokens: &Tokens, start: usize) -> Block {
    let clauses = clause_starts(tokens, start);
    let end = clauses.last().copied().unwrap_or(start);
    let clause = |word: &str| -> Span {
        let found = clauses.iter().position(|&at| at < end && tokens.is(at, word));
        found.map_or((end, end), |index| (clauses[index] + 1, clauses[index + 1]))
    };
    // Behind GROUP and ORDER stands BY.
    let by = |(from, to): Span| (to.min(from + 1), to);
    let mut block = Block {
        parent: tokens.parent(start),
        span: (start, end),
        having: clause("having"),
        window: clause("window"),
        order_by: by(clause("order")),
        ..Block::default()
    };
    let mut list = start + 1;
    if tokens.is(list, "all") {
        list += 1;
    } else if tokens.is(list, "distinct") {
        block.distinct = true;
        list += 1;
        if tokens.is(list, "on")
            && let Some(close) = tokens.mate(list + 1)
        {
            block.distinct_on = tokens.split_commas(list + 2, close);
            list = close + 1;
        }
    }
    let first_clause = clauses.first().copied().unwrap_or(end);
    block.rows.push(tokens.split_commas(list, first_clause));
    let (from, to) = by(clause("group"));
    block.group_by = grouping_items(tokens, from, to);
    block
}

/// The places of the clause keywords of the SELECT at `start`, and the end of the block.
fn clause_starts(tokens: &Tokens, start: usize) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut at = start + 1;
    while at < tokens.len() {
        let ends = matches!(tokens.str(at), ")" | "]" | ";")
            || tokens.is_any(at, &["union", "intersect", "except"]);
        if ends {
            break;
        }
        let distinct_from = tokens.is(at, "from") && tokens.is(at - 1, "distinct");
        let field = tokens.str(at - 1) == "." || tokens.is(at - 1, "as");
        if tokens.is_any(at, CLAUSES) && !distinct_from && !field {
            starts.push(at);
        }
        at = tokens.next_sibling(at);
    }
    starts.push(at.min(tokens.len()));
    starts
}

fn values_block(tokens: &Tokens, start: usize) -> Block {
    let mut rows = Vec::new();
    let mut at = start + 1;
    while let Some(close) = tokens.mate(at).filter(|&close| close > at) {
        rows.push(tokens.split_commas(at + 1, close));
        at = close + 1;
        if tokens.str(at) != "," {
            break;
        }
        at += 1;
    }
    Block { parent: tokens.parent(start), span: (start, at), rows, ..Block::default() }
}

/// RETURNING has columns as a select list has.
fn returning_block(tokens: &Tokens, start: usize) -> Block {
    let mut end = start + 1;
    while end < tokens.len() && !matches!(tokens.str(end), ")" | "]" | ";") {
        end = tokens.next_sibling(end);
    }
    let rows = vec![tokens.split_commas(start + 1, end)];
    Block { parent: tokens.parent(start), span: (start, end), rows, ..Block::default() }
}

/// The expressions of GROUP BY; ROLLUP, CUBE, GROUPING SETS and row lists are opened up.
fn grouping_items(tokens: &Tokens, from: usize, to: usize) -> Vec<Span> {
    let from = if tokens.is_any(from, &["all", "distinct"]) { from + 1 } else { from };
    let (mut items, mut open) = (Vec::new(), tokens.split_commas(from, to));
    open.reverse();
    while let Some((mut first, last)) = open.pop() {
        if tokens.is_any(first, &["rollup", "cube"]) {
            first += 1;
        } else if tokens.is(first, "grouping") && tokens.is(first + 1, "sets") {
            first += 2;
        }
        match tokens.mate(first) {
            Some(close) if close + 1 == last && close > first => {
                open.extend(tokens.split_commas(first + 1, close).into_iter().rev());
            }
            _ => items.push((first, last)),
        }
    }
    items
}

/// A select item without its alias, and the alias.
pub(super) fn split_alias(tokens: &Tokens, (from, to): Span) -> (Span, Option<usize>) {
    let Some(last) = to.checked_sub(1).filter(|&last| last > from && tokens.is_name(last)) else {
        return ((from, to), None);
    };
    if tokens.is(last - 1, "as") {
        return ((from, last - 1), Some(last));
    }
    let operand = match tokens.kind(last - 1) {
        Some(TokenKind::Param(_) | TokenKind::String | TokenKind::Number) => true,
        Some(TokenKind::Punct) => matches!(tokens.str(last - 1), ")" | "]"),
        Some(TokenKind::Word | TokenKind::QuotedIdent) => !tokens.is(last, "end"),
        _ => false,
    };
    if operand { ((from, last), Some(last)) } else { ((from, to), None) }
}

/// Whether two tokens are the same name: quotes off, unquoted ones in lower case.
pub(super) fn same_name(left: &str, right: &str) -> bool {
    fn plain(name: &str) -> String {
        match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
            Some(quoted) => quoted.replace("\"\"", "\""),
            None => name.to_ascii_lowercase(),
        }
    }
    plain(left) == plain(right)
}
