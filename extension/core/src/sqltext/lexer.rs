//! A tokenizer with the rules of the server's scanner (`scan.l`), over any input.
//!
//! The rules are those of the newest supported major: underscores in numbers, hexadecimal, octal
//! and binary integers. `standard_conforming_strings` is taken to be on. A construct that never
//! ends becomes one [`TokenKind::Unterminated`] token up to the end of the text.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// An unquoted identifier or a keyword.
    Word,
    /// `"…"` or `U&"…"`.
    QuotedIdent,
    /// An integer or a decimal number, without sign.
    Number,
    /// Any string constant: `'…'`, `E'…'`, `N'…'`, `U&'…'`, `$tag$…$tag$`, with its continuations.
    String,
    /// `B'…'` or `X'…'`.
    Bits,
    /// `$n`.
    Param(u32),
    /// One operator, or the dot, colon and assignment forms `.`, `..`, `:`, `::`, `:=`, `=>`.
    Operator,
    /// One of `( ) [ ] , ;`.
    Punct,
    /// `--` to the end of the line, or a nested block comment.
    Comment,
    /// A string, quoted identifier or comment that the text ends in.
    Unterminated,
    /// A character that starts no token.
    Other,
}

/// A token and where it stands, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// Splits `text` into tokens; white space is left out, comments are kept.
///
/// The ranges are ascending, do not overlap and lie on character boundaries.
#[must_use]
pub fn tokenize(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { bytes: text.as_bytes(), pos: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_while(is_space);
        if lexer.pos >= lexer.bytes.len() {
            return tokens;
        }
        let start = lexer.pos;
        let kind = lexer.scan();
        tokens.push(Token { kind, start, end: lexer.pos });
    }
}

struct Lexer<'a> {
    bytes: &'a [u8],
    pos: usize,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.pos + ahead).copied().unwrap_or(0)
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.pos..).unwrap_or_default()
    }

    fn skip_while(&mut self, accept: impl Fn(u8) -> bool) {
        while self.bytes.get(self.pos).is_some_and(|&byte| accept(byte)) {
            self.pos += 1;
        }
    }

    fn take(&mut self, count: usize, kind: TokenKind) -> TokenKind {
        self.pos = (self.pos + count).min(self.bytes.len());
        kind
    }

    fn run_out(&mut self) -> TokenKind {
        self.pos = self.bytes.len();
        TokenKind::Unterminated
    }

    /// Scans one token at a byte that is no white space; always moves on.
    fn scan(&mut self) -> TokenKind {
        let (byte, next) = (self.peek(0), self.peek(1));
        match byte {
            b'-' if next == b'-' => self.line_comment(),
            b'/' if next == b'*' => self.block_comment(),
            b'\'' => self.string(0, false, TokenKind::String),
            b'e' | b'E' if next == b'\'' => self.string(1, true, TokenKind::String),
            b'n' | b'N' if next == b'\'' => self.string(1, false, TokenKind::String),
            b'b' | b'B' | b'x' | b'X' if next == b'\'' => self.string(1, false, TokenKind::Bits),
            b'u' | b'U' if next == b'&' && self.peek(2) == b'\'' => {
                self.string(2, false, TokenKind::String)
            }
            b'u' | b'U' if next == b'&' && self.peek(2) == b'"' => self.quoted_ident(2),
            b'"' => self.quoted_ident(0),
            b'$' => self.dollar(),
            b'0'..=b'9' => self.number(),
            b'.' if next.is_ascii_digit() => self.number(),
            b'.' if next == b'.' => self.take(2, TokenKind::Operator),
            b':' if matches!(next, b':' | b'=') => self.take(2, TokenKind::Operator),
            b'.' | b':' => self.take(1, TokenKind::Operator),
            b'(' | b')' | b'[' | b']' | b',' | b';' => self.take(1, TokenKind::Punct),
            _ if is_ident_start(byte) => {
                self.skip_while(is_ident_part);
                TokenKind::Word
            }
            _ if is_operator(byte) => self.operator(),
            _ => self.take(1, TokenKind::Other),
        }
    }

    fn line_comment(&mut self) -> TokenKind {
        self.skip_while(|byte| byte != b'\n' && byte != b'\r');
        TokenKind::Comment
    }

    fn block_comment(&mut self) -> TokenKind {
        let mut depth = 0_usize;
        while self.pos < self.bytes.len() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => {
                    depth += 1;
                    self.pos += 2;
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.pos += 2;
                    if depth == 0 {
                        return TokenKind::Comment;
                    }
                }
                _ => self.pos += 1,
            }
        }
        self.run_out()
    }

    /// A quoted constant whose opening quote stands `prefix` bytes ahead, and its continuations.
    fn string(&mut self, prefix: usize, backslash: bool, kind: TokenKind) -> TokenKind {
        self.pos += prefix + 1;
        while self.pos < self.bytes.len() {
            match (self.peek(0), self.peek(1)) {
                (b'\'', b'\'') => self.pos += 2,
                (b'\\', _) if backslash => self.pos += 2,
                (b'\'', _) => {
                    self.pos += 1;
                    match self.continuation() {
                        Some(resumed) => self.pos = resumed,
                        None => return kind,
                    }
                }
                _ => self.pos += 1,
            }
        }
        self.run_out()
    }

    /// Where a string goes on: after white space with a line break, and another quote.
    fn continuation(&self) -> Option<usize> {
        let (mut at, mut line_break) = (self.pos, false);
        loop {
            match self.bytes.get(at)? {
                b'\n' | b'\r' => line_break = true,
                b'\'' => return line_break.then_some(at + 1),
                b'-' if self.bytes.get(at + 1) == Some(&b'-') => {
                    while !matches!(self.bytes.get(at + 1)?, b'\n' | b'\r') {
                        at += 1;
                    }
                }
                &byte if is_space(byte) => {}
                _ => return None,
            }
            at += 1;
        }
    }

    fn quoted_ident(&mut self, prefix: usize) -> TokenKind {
        self.pos += prefix + 1;
        while self.pos < self.bytes.len() {
            match (self.peek(0), self.peek(1)) {
                (b'"', b'"') => self.pos += 2,
                (b'"', _) => return self.take(1, TokenKind::QuotedIdent),
                _ => self.pos += 1,
            }
        }
        self.run_out()
    }

    /// `$1`, `$tag$…$tag$`, or a stray dollar sign.
    fn dollar(&mut self) -> TokenKind {
        let start = self.pos;
        self.pos += 1;
        if self.peek(0).is_ascii_digit() {
            let digits = self.pos;
            self.skip_while(|byte| byte.is_ascii_digit());
            let number = self.bytes.get(digits..self.pos).unwrap_or_default();
            let number = number.iter().try_fold(0_u32, |value, &digit| {
                value.checked_mul(10)?.checked_add(u32::from(digit - b'0'))
            });
            return number.map_or(TokenKind::Other, TokenKind::Param);
        }
        if is_ident_start(self.peek(0)) {
            self.skip_while(|byte| is_ident_part(byte) && byte != b'$');
        }
        if self.peek(0) != b'$' {
            self.pos = start;
            return self.take(1, TokenKind::Other);
        }
        self.pos += 1;
        let tag = self.bytes.get(start..self.pos).unwrap_or_default();
        let body = self.rest();
        match body.windows(tag.len()).position(|window| window == tag) {
            Some(offset) => self.take(offset + tag.len(), TokenKind::String),
            None => self.run_out(),
        }
    }

    fn number(&mut self) -> TokenKind {
        let radix: Option<fn(u8) -> bool> = match (self.peek(0), self.peek(1) | 0x20) {
            (b'0', b'x') => Some(|byte| byte.is_ascii_hexdigit()),
            (b'0', b'o') => Some(|byte| matches!(byte, b'0'..=b'7')),
            (b'0', b'b') => Some(|byte| matches!(byte, b'0' | b'1')),
            _ => None,
        };
        if let Some(accept) = radix {
            let underscore = usize::from(self.peek(2) == b'_');
            if accept(self.peek(2 + underscore)) {
                self.pos += 2;
                self.digits(accept);
                return TokenKind::Number;
            }
        }
        self.digits(|byte| byte.is_ascii_digit());
        // `1..10` is a range of two integers, not a number with a dot.
        if self.peek(0) == b'.' && self.peek(1) != b'.' {
            self.pos += 1;
            if self.peek(0).is_ascii_digit() {
                self.digits(|byte| byte.is_ascii_digit());
            }
        }
        if self.peek(0) | 0x20 == b'e' {
            let sign = usize::from(matches!(self.peek(1), b'+' | b'-'));
            if self.peek(1 + sign).is_ascii_digit() {
                self.pos += 1 + sign;
                self.digits(|byte| byte.is_ascii_digit());
            }
        }
        TokenKind::Number
    }

    /// Digits with single underscores between them.
    fn digits(&mut self, accept: impl Fn(u8) -> bool) {
        while accept(self.peek(0)) || (self.peek(0) == b'_' && accept(self.peek(1))) {
            self.pos += 1;
        }
    }

    /// The longest run of operator characters that the server would read as one operator.
    fn operator(&mut self) -> TokenKind {
        let rest = self.rest();
        let run = rest.iter().position(|&byte| !is_operator(byte)).unwrap_or(rest.len());
        let run = rest.get(..run).unwrap_or_default();
        let comment = run.windows(2).position(|pair| pair == b"--" || pair == b"/*");
        let mut length = comment.unwrap_or(run.len());
        // A sign at the end belongs to the operand unless an odd character is in the operator.
        let odd = run.iter().take(length).any(|byte| b"~!@#^&|`?%".contains(byte));
        while length > 1 && !odd && matches!(run.get(length - 1), Some(b'+' | b'-')) {
            length -= 1;
        }
        self.take(length.max(1), TokenKind::Operator)
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn is_ident_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_ident_part(byte: u8) -> bool {
    is_ident_start(byte) || byte.is_ascii_digit() || byte == b'$'
}

fn is_operator(byte: u8) -> bool {
    b"~!@#^&|`?+-*/%<>=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(text: &str) -> Vec<&str> {
        tokenize(text).iter().map(|token| &text[token.start..token.end]).collect()
    }

    fn kinds(text: &str) -> Vec<TokenKind> {
        tokenize(text).iter().map(|token| token.kind).collect()
    }

    #[test]
    fn splits_like_the_server() {
        let cases: &[(&str, &[&str])] = &[
            ("a.b::int", &["a", ".", "b", "::", "int"]),
            ("x=$1and", &["x", "=", "$1", "and"]),
            ("date$1", &["date$1"]),
            ("a-$1", &["a", "-", "$1"]),
            ("a*-1", &["a", "*", "-", "1"]),
            ("a@-1", &["a", "@-", "1"]),
            ("a<--x", &["a", "<", "--x"]),
            ("a+/*c/*d*/*/b", &["a", "+", "/*c/*d*/*/", "b"]),
            ("1..10", &["1", "..", "10"]),
            (
                "1.5e-3 1e 0x1F 0b10_1 1_000 .5",
                &["1.5e-3", "1", "e", "0x1F", "0b10_1", "1_000", ".5"],
            ),
            ("'a''b' E'a\\'b' N'x' U&'y' B'1'", &["'a''b'", "E'a\\'b'", "N'x'", "U&'y'", "B'1'"]),
            ("'a' -- c\n 'b' 'c'", &["'a' -- c\n 'b'", "'c'"]),
            ("$$a$b$$ $t$ $$ $t$ a$t$", &["$$a$b$$", "$t$ $$ $t$", "a$t$"]),
            ("U&\"d\\0061\" \"x\"\"y\"", &["U&\"d\\0061\"", "\"x\"\"y\""]),
            ("a[$1:$2] :=", &["a", "[", "$1", ":", "$2", "]", ":="]),
            ("naïve=1", &["naïve", "=", "1"]),
            ("a=>b a->>'x'", &["a", "=>", "b", "a", "->>", "'x'"]),
        ];
        for (text, expected) in cases {
            assert_eq!(parts(text), *expected, "{text}");
        }
    }

    #[test]
    fn marks_what_never_ends() {
        for text in ["'abc", "\"abc", "/* a /* b */", "$x$ abc $y$", "E'a\\'", "E'a\\"] {
            assert_eq!(kinds(text), [TokenKind::Unterminated], "{text}");
        }
        assert_eq!(kinds("$99999999999"), [TokenKind::Other]);
        assert_eq!(kinds("$"), [TokenKind::Other]);
    }

    proptest! {
        #[test]
        fn covers_any_text_without_panic(text in any::<String>()) {
            let mut last = 0;
            for token in tokenize(&text) {
                prop_assert!(token.start >= last && token.end > token.start);
                prop_assert!(text[last..token.start].bytes().all(is_space));
                last = token.end;
            }
            prop_assert!(text[last..].bytes().all(is_space));
        }

        #[test]
        fn covers_text_of_odd_characters(text in "[-a$1'\"/*EU&N.:(\\\\\n +<e0x_é]{0,40}") {
            for token in tokenize(&text) {
                prop_assert!(text.get(token.start..token.end).is_some());
            }
        }
    }
}
