//! The conditions in a plan, as `ruleutils.c` prints them: every operator in parentheses of its own,
//! every column behind the name of its relation if the plan is verbose.

use crate::sqltext::{Token, TokenKind, tokenize};

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// All must hold.
    And(Vec<Condition>),
    /// One must hold.
    Or(Vec<Condition>),
    /// An operator between two sides.
    Compare {
        /// What is left of it.
        left: Side,
        /// The operator.
        operator: String,
        /// What is right of it.
        right: Side,
    },
    /// Anything else.
    Other(Side),
}

/// One side of an operator, or a condition that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// As it is printed.
    pub text: String,
    /// The columns in it: name of the relation in the statement, name of the column.
    pub columns: Vec<(String, String)>,
    /// What it is.
    pub form: Form,
}

/// What a side is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// A column alone.
    Column,
    /// A column that is cast to a type.
    Cast(String),
    /// A function of a column.
    Call(String),
    /// A text, as it is meant.
    Text(String),
    /// Something else: a constant, a parameter, an expression.
    Other,
}

/// Reads a condition. Any text is one: what is not understood is [`Condition::Other`].
#[must_use]
pub fn read(text: &str) -> Condition {
    let tokens: Vec<Token> =
        tokenize(text).into_iter().filter(|token| token.kind != TokenKind::Comment).collect();
    Reader { text }.condition(&tokens)
}

impl Condition {
    /// All comparisons and other conditions in it that are neither AND nor OR.
    #[must_use]
    pub fn leaves(&self) -> Vec<&Self> {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().flat_map(Self::leaves).collect(),
            leaf => vec![leaf],
        }
    }

    /// The columns of a relation that it is about, by its name in the statement.
    #[must_use]
    pub fn columns_of(&self, relation: &str) -> Vec<String> {
        let mut columns: Vec<String> = Vec::new();
        for (owner, column) in self.sides().into_iter().flat_map(|side| &side.columns) {
            if owner == relation && !columns.contains(column) {
                columns.push(column.clone());
            }
        }
        columns
    }

    fn sides(&self) -> Vec<&Side> {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().flat_map(Self::sides).collect(),
            Self::Compare { left, right, .. } => vec![left, right],
            Self::Other(side) => vec![side],
        }
    }

    /// The relations that it is about, by their names in the statement.
    #[must_use]
    pub fn relations(&self) -> Vec<&str> {
        let mut relations: Vec<&str> = self
            .sides()
            .into_iter()
            .flat_map(|side| side.columns.iter().map(|(relation, _)| relation.as_str()))
            .collect();
        relations.sort_unstable();
        relations.dedup();
        relations
    }
}

struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    fn word(&self, token: &Token) -> &str {
        self.text.get(token.start..token.end).unwrap_or_default()
    }

    fn condition(&self, tokens: &[Token]) -> Condition {
        let tokens = self.without_parentheses(tokens);
        for (word, make) in [
            ("OR", Condition::Or as fn(Vec<Condition>) -> Condition),
            ("AND", Condition::And as fn(Vec<Condition>) -> Condition),
        ] {
            let parts = self.split(tokens, word);
            if parts.len() > 1 {
                return make(parts.into_iter().map(|part| self.condition(part)).collect());
            }
        }
        let at = self.at_top(tokens).find(|&at| {
            tokens[at].kind == TokenKind::Operator && !["::", "."].contains(&self.word(&tokens[at]))
        });
        match at {
            Some(at) if at > 0 => Condition::Compare {
                left: self.side(&tokens[..at]),
                operator: self.word(&tokens[at]).to_owned(),
                right: self.side(&tokens[at + 1..]),
            },
            _ => Condition::Other(self.side(tokens)),
        }
    }

    /// The tokens outside of all parentheses and brackets.
    fn at_top<'t>(&'t self, tokens: &'t [Token]) -> impl Iterator<Item = usize> + 't {
        let mut depth = 0_usize;
        (0..tokens.len()).filter(move |&at| match self.word(&tokens[at]) {
            "(" | "[" => {
                depth += 1;
                false
            }
            ")" | "]" => {
                depth = depth.saturating_sub(1);
                false
            }
            _ => depth == 0,
        })
    }

    fn split<'t>(&self, tokens: &'t [Token], word: &str) -> Vec<&'t [Token]> {
        let mut parts = Vec::new();
        let mut from = 0;
        for at in self.at_top(tokens) {
            if tokens[at].kind == TokenKind::Word && self.word(&tokens[at]) == word {
                parts.push(&tokens[from..at]);
                from = at + 1;
            }
        }
        parts.push(&tokens[from..]);
        parts
    }

    /// The tokens within the parentheses that are around all of them.
    fn without_parentheses<'t>(&self, mut tokens: &'t [Token]) -> &'t [Token] {
        while let [first, inner @ .., last] = tokens {
            // Nothing but the inner ones is outside of others when the first closes at the end.
            let closes_early = {
                let mut depth = 0_i32;
                inner.iter().any(|token| {
                    match self.word(token) {
                        "(" => depth += 1,
                        ")" => depth -= 1,
                        _ => {}
                    }
                    depth < 0
                })
            };
            if self.word(first) != "(" || self.word(last) != ")" || closes_early {
                break;
            }
            tokens = inner;
        }
        tokens
    }

    fn side(&self, tokens: &[Token]) -> Side {
        let columns = self.columns(tokens);
        let text = match (tokens.first(), tokens.last()) {
            (Some(first), Some(last)) => self.text.get(first.start..last.end).unwrap_or_default(),
            _ => "",
        };
        let form = self.form(tokens, &columns);
        Side { text: text.to_owned(), columns, form }
    }

    fn form(&self, tokens: &[Token], columns: &[(String, String)]) -> Form {
        let inner = self.without_parentheses(tokens);
        if let [token, ..] = inner
            && token.kind == TokenKind::String
        {
            return Form::Text(unquoted(self.word(token)));
        }
        if columns.is_empty() {
            return Form::Other;
        }
        let is_column = |tokens: &[Token]| {
            columns.len() == 1 && [1, 3].contains(&self.without_parentheses(tokens).len())
        };
        if is_column(inner) {
            return Form::Column;
        }
        let cast = self.at_top(inner).filter(|&at| self.word(&inner[at]) == "::").last();
        if let Some(at) = cast
            && is_column(&inner[..at])
        {
            let name = inner.get(at + 1).zip(inner.last());
            let name = name.and_then(|(first, last)| self.text.get(first.start..last.end));
            return Form::Cast(name.unwrap_or_default().to_owned());
        }
        match inner {
            [name, open, ..] if name.kind == TokenKind::Word && self.word(open) == "(" => {
                Form::Call(self.word(name).to_owned())
            }
            _ => Form::Other,
        }
    }

    /// Names with a relation's name before them, that are not functions.
    fn columns(&self, tokens: &[Token]) -> Vec<(String, String)> {
        let is_name =
            |token: &Token| matches!(token.kind, TokenKind::Word | TokenKind::QuotedIdent);
        let mut columns = Vec::new();
        for (at, window) in tokens.windows(3).enumerate() {
            let [relation, dot, column] = window else { continue };
            let after = tokens.get(at + 3).map_or("", |token| self.word(token));
            if is_name(relation)
                && self.word(dot) == "."
                && is_name(column)
                && !["(", "."].contains(&after)
            {
                let pair = (identifier(self.word(relation)), identifier(self.word(column)));
                if !columns.contains(&pair) {
                    columns.push(pair);
                }
            }
        }
        columns
    }
}

fn identifier(word: &str) -> String {
    match word.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => word.to_owned(),
    }
}

/// The text that a constant means, as `ruleutils.c` prints it: `'…'`, or `E'…'` with backslashes
/// doubled.
fn unquoted(constant: &str) -> String {
    let (escaped, rest) = match constant.strip_prefix('E') {
        Some(rest) => (true, rest),
        None => (false, constant),
    };
    let inner = rest.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap_or(rest);
    let text = inner.replace("''", "'");
    if escaped { text.replace("\\\\", "\\") } else { text }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn compare(text: &str) -> (Side, String, Side) {
        match read(text) {
            Condition::Compare { left, operator, right } => (left, operator, right),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn sides_are_told_apart() {
        for (text, operator, form) in [
            ("(o.total > '5'::numeric)", ">", Form::Column),
            ("((o.\"Total Sum\") > 5)", ">", Form::Column),
            ("((o.id)::numeric = 5.0)", "=", Form::Cast("numeric".into())),
            (
                "((o.at)::timestamp without time zone = now())",
                "=",
                Form::Cast("timestamp without time zone".into()),
            ),
            ("(lower(o.email) = 'x'::text)", "=", Form::Call("lower".into())),
            ("(date_trunc('day'::text, o.at) = now())", "=", Form::Call("date_trunc".into())),
            ("((o.a + 1) = 5)", "=", Form::Other),
            ("('x'::text = o.name)", "=", Form::Text("x".into())),
        ] {
            let (left, found, _) = compare(text);
            assert_eq!((found.as_str(), left.form), (operator, form), "{text}");
        }
        let (left, operator, right) = compare("((o.name)::text ~~ '%O''Brien'::text)");
        assert_eq!(left.columns, [("o".to_owned(), "name".to_owned())]);
        assert_eq!((operator.as_str(), right.form), ("~~", Form::Text("%O'Brien".into())));
        assert_eq!(compare("(o.a ~~ E'%\\\\x')").2.form, Form::Text("%\\x".into()));
    }

    #[test]
    fn conditions_are_taken_apart() {
        let text = "((o.a = 1) AND ((o.b = 2) OR (c.d = 3)) AND (NOT o.e))";
        let Condition::And(parts) = read(text) else { panic!("no AND") };
        assert_eq!(parts.len(), 3);
        assert!(matches!(&parts[1], Condition::Or(arms) if arms.len() == 2));
        assert_eq!(read(text).relations(), ["c", "o"]);
        assert_eq!(read(text).leaves().len(), 4);
        assert!(matches!(read("o.active"), Condition::Other(_)));
        assert!(matches!(read("((o.a = 1) AND f((o.b OR o.c)))"), Condition::And(_)));
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in "[a-z0-9 .:()'\"=<>~%|&ANDOR$]{0,60}") {
            let _ = read(&text);
        }
    }
}
