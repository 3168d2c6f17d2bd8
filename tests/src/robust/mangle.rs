//! Statements spoilt: cut off, with pieces exchanged, in odd characters, far too deep.

use super::chance::Chance;

/// What may be put anywhere.
const BITS: &[&str] = &[
    "'",
    "\"",
    "$$",
    "$x$",
    "--",
    "/*",
    "*/",
    "(",
    ")",
    "[",
    "]",
    ";",
    ",",
    ".",
    "\\",
    "\u{1}",
    "\u{7f}",
    "\u{feff}",
    "🦀",
    "ß",
    "\u{202e}",
    "e'\\x80'",
    "u&'\\d800'",
    "$0",
    "$1",
    "$65535",
    "$65536",
    "$99999999999",
    "::",
    ":=",
    "=>",
    "?",
    "%s",
    " null ",
    " select ",
    " from ",
    " as ",
    "1e999",
    "0x1F",
    "99999999999999999999999",
    "/*, ... */",
    "\t",
    "...",
    " interval $1 ",
    " date $2 ",
    "extract($1 from now())",
    "$1::",
    " limit all ",
];

/// What a statement is wrapped in, many times over: what stands before it and after it.
const WRAPS: &[(&str, &str)] = &[
    ("(", ")"),
    ("select * from (", ") as x"),
    ("select (", ")"),
    ("select 1 where exists (", ")"),
    ("with x as (", ") select * from x"),
    ("(", ") union all select 1"),
    ("select 1 from plain where k in (", ")"),
    ("explain ", ""),
];

/// One of the ways to spoil a statement.
#[must_use]
pub fn mangled(statement: &str, chance: &mut Chance) -> String {
    match chance.below(10) {
        0 => statement[..place(statement, chance)].to_owned(),
        1 => statement[place(statement, chance)..].to_owned(),
        2 | 3 => {
            let (before, after) = statement.split_at(place(statement, chance));
            format!("{before}{}{after}", chance.pick(BITS).copied().unwrap_or_default())
        }
        4 => without_a_piece(statement, chance),
        5 => twice_a_piece(statement, chance),
        6 => wrapped(statement, chance),
        7 => normalized(statement),
        8 => words_swapped(statement, chance),
        _ => format!("{statement};{statement}"),
    }
}

/// The place of a character.
fn place(text: &str, chance: &mut Chance) -> usize {
    let mut at = chance.below(text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn ends(text: &str, chance: &mut Chance) -> (usize, usize) {
    let (one, other) = (place(text, chance), place(text, chance));
    (one.min(other), one.max(other))
}

fn without_a_piece(text: &str, chance: &mut Chance) -> String {
    let (from, to) = ends(text, chance);
    format!("{}{}", &text[..from], &text[to..])
}

fn twice_a_piece(text: &str, chance: &mut Chance) -> String {
    let (from, to) = ends(text, chance);
    format!("{}{}", &text[..to], &text[from..])
}

fn wrapped(text: &str, chance: &mut Chance) -> String {
    let times = [1, 3, 30, 300].get(chance.below(4)).copied().unwrap_or(1);
    let (open, close) = chance.pick(WRAPS).copied().unwrap_or_default();
    format!("{}{text}{}", open.repeat(times), close.repeat(times))
}

/// As `pg_stat_statements` records it, near enough: numbers and quoted texts become parameters.
fn normalized(text: &str) -> String {
    let (mut out, mut number, mut rest) = (String::new(), 0, text);
    while let Some(first) = rest.chars().next() {
        let before = out.chars().next_back().unwrap_or(' ');
        let in_name = before.is_alphanumeric() || matches!(before, '_' | '$' | '"');
        let length = match first {
            '\'' => rest[1..].find('\'').map_or(rest.len(), |at| at + 2),
            c if c.is_ascii_digit() && !in_name => {
                rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())
            }
            c => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
                continue;
            }
        };
        number += 1;
        out.push_str(&format!("${number}"));
        rest = &rest[length..];
    }
    out
}

fn words_swapped(text: &str, chance: &mut Chance) -> String {
    let mut words: Vec<&str> = text.split(' ').collect();
    let (one, other) = (chance.below(words.len()), chance.below(words.len()));
    words.swap(one, other);
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_become_parameters() {
        let text = "select a1.k from t where k = 5 and note = 'a''b' limit 10";
        assert_eq!(normalized(text), "select a1.k from t where k = $1 and note = $2$3 limit $4");
    }

    #[test]
    fn any_text_can_be_spoilt() {
        let mut chance = Chance::new(1);
        for text in ["", "ß", "select '🦀'"] {
            for _ in 0..500 {
                let spoilt = mangled(text, &mut chance);
                assert!(spoilt.len() < 100_000);
            }
        }
    }
}
