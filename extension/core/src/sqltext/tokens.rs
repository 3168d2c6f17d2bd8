//! The tokens of a text with what repairs ask of them: words, partners of brackets, nesting.

use super::lexer::{Token, TokenKind, tokenize};

/// The tokens of a text without its comments.
pub(super) struct Tokens<'a> {
    text: &'a str,
    list: Vec<Token>,
    mate: Vec<Option<usize>>,
    parent: Vec<Option<usize>>,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut list = tokenize(text);
        list.retain(|token| token.kind != TokenKind::Comment);
        let mut tokens =
            Self { text, mate: vec![None; list.len()], parent: vec![None; list.len()], list };
        tokens.pair_brackets();
        tokens
    }

    fn pair_brackets(&mut self) {
        let mut open: Vec<usize> = Vec::new();
        for at in 0..self.list.len() {
            let closes = match self.str(at) {
                ")" => Some("("),
                "]" => Some("["),
                _ => None,
            };
            if let Some(partner) = closes
                && let Some(&start) = open.last()
                && self.str(start) == partner
            {
                open.pop();
                self.mate[start] = Some(at);
                self.mate[at] = Some(start);
            }
            self.parent[at] = open.last().copied();
            if matches!(self.str(at), "(" | "[") {
                open.push(at);
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn kind(&self, at: usize) -> Option<TokenKind> {
        self.list.get(at).map(|token| token.kind)
    }

    /// The text of a token; empty outside the list.
    pub(super) fn str(&self, at: usize) -> &'a str {
        self.list.get(at).and_then(|token| self.text.get(token.start..token.end)).unwrap_or("")
    }

    /// The text `back` tokens before `at`; empty at the beginning.
    pub(super) fn before(&self, at: usize, back: usize) -> &'a str {
        at.checked_sub(back).map_or("", |at| self.str(at))
    }

    pub(super) fn start(&self, at: usize) -> usize {
        self.list.get(at).map_or(self.text.len(), |token| token.start)
    }

    pub(super) fn end(&self, at: usize) -> usize {
        self.list.get(at).map_or(self.text.len(), |token| token.end)
    }

    /// The source text from token `from` up to and with token `to`.
    pub(super) fn span(&self, from: usize, to: usize) -> &'a str {
        self.text.get(self.start(from)..self.end(to)).unwrap_or("")
    }

    /// Whether the token is this keyword, unquoted and in any case.
    pub(super) fn is(&self, at: usize, word: &str) -> bool {
        self.kind(at) == Some(TokenKind::Word) && self.str(at).eq_ignore_ascii_case(word)
    }

    /// Whether the token is one of these keywords.
    pub(super) fn is_any(&self, at: usize, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(at, word))
    }

    pub(super) fn param(&self, at: usize) -> Option<u32> {
        match self.kind(at) {
            Some(TokenKind::Param(number)) => Some(number),
            _ => None,
        }
    }

    /// The parameters among the tokens, with their places.
    pub(super) fn params(&self) -> impl Iterator<Item = (usize, u32)> + '_ {
        (0..self.len()).filter_map(|at| Some((at, self.param(at)?)))
    }

    /// Whether the token is an unquoted word or a quoted identifier.
    pub(super) fn is_name(&self, at: usize) -> bool {
        matches!(self.kind(at), Some(TokenKind::Word | TokenKind::QuotedIdent))
    }

    /// The closing bracket of an opening one and the reverse.
    pub(super) fn mate(&self, at: usize) -> Option<usize> {
        self.mate.get(at).copied().flatten()
    }

    /// The innermost bracket that is open at a token; a closing bracket counts as outside.
    pub(super) fn parent(&self, at: usize) -> Option<usize> {
        self.parent.get(at).copied().flatten()
    }

    /// The first token that ends after a byte offset.
    pub(super) fn at_offset(&self, offset: usize) -> Option<usize> {
        let at = self.list.partition_point(|token| token.end <= offset);
        (at < self.list.len()).then_some(at)
    }

    /// The token after `at` on the same level: behind the partner if `at` opens a bracket.
    pub(super) fn next_sibling(&self, at: usize) -> usize {
        match self.mate(at) {
            Some(mate) if mate > at => mate + 1,
            _ => at + 1,
        }
    }

    /// Splits `from..to` at the commas of its own level.
    pub(super) fn split_commas(&self, from: usize, to: usize) -> Vec<(usize, usize)> {
        let (mut parts, mut start, mut at) = (Vec::new(), from, from);
        while at < to {
            if self.str(at) == "," {
                parts.push((start, at));
                start = at + 1;
            }
            at = self.next_sibling(at);
        }
        if start < to {
            parts.push((start, to));
        }
        parts
    }

    /// Whether the text ends inside brackets or inside a token.
    pub(super) fn is_open_at_end(&self) -> bool {
        let unterminated = self.list.last().is_some_and(|t| t.kind == TokenKind::Unterminated);
        let unclosed =
            (0..self.len()).any(|at| matches!(self.str(at), "(" | "[") && self.mate(at).is_none());
        unterminated || unclosed
    }
}

/// Replacements of byte ranges, collected first and applied at once.
#[derive(Default)]
pub(super) struct Edits(Vec<(usize, usize, String)>);

impl Edits {
    pub(super) fn replace(&mut self, start: usize, end: usize, with: impl Into<String>) {
        self.0.push((start, end, with.into()));
    }

    /// The edited text, or `None` without a change; of overlapping edits the first one counts.
    pub(super) fn apply(mut self, text: &str) -> Option<String> {
        self.0.sort_by_key(|&(start, end, _)| (start, end));
        let (mut result, mut done) = (String::with_capacity(text.len() + 64), 0);
        for (start, end, with) in self.0 {
            if start < done {
                continue;
            }
            result.push_str(text.get(done..start)?);
            result.push_str(&with);
            done = end;
        }
        result.push_str(text.get(done..)?);
        (result != text).then_some(result)
    }
}
