//! Statements made up by a grammar (`tests/robust/grammar.txt`) over a schema
//! (`tests/robust/schema.sql`) all of whose relations have the same columns.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

use super::chance::Chance;

/// What the statements are about.
pub const SCHEMA: &str = include_str!("../../robust/schema.sql");

const GRAMMAR: &str = include_str!("../../robust/grammar.txt");

/// From this depth on the first alternative is taken.
const DEPTH: usize = 7;

/// A statement as long as this takes the first alternatives from there on.
const LENGTH: usize = 4_000;

/// The largest `<n>`.
const NUMBERS: usize = 30;

/// The highest parameter.
const PARAMETERS: usize = 4;

/// The alternatives of each name.
#[derive(Debug)]
pub struct Grammar(BTreeMap<&'static str, Vec<&'static str>>);

impl Grammar {
    /// Reads the grammar.
    ///
    /// # Errors
    /// When a name is used that has no alternatives.
    pub fn new() -> Result<Self> {
        let mut names: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut name = None;
        for line in GRAMMAR.lines().filter(|line| !line.starts_with('#')) {
            match (line.strip_prefix("    "), name) {
                (Some(alternative), Some(name)) => {
                    names.entry(name).or_default().push(alternative);
                }
                (None, Some(name)) if line.is_empty() => {
                    // An empty line right after a name is its empty alternative.
                    names.entry(name).or_insert_with(|| vec![""]);
                }
                (None, _) if !line.is_empty() => name = Some(line),
                _ => {}
            }
        }
        let grammar = Self(names);
        for alternative in grammar.0.values().flatten() {
            for (_, used) in pieces(alternative) {
                let known = used.is_empty() || is_built_in(used) || grammar.0.contains_key(used);
                ensure!(known, "<{used}> is used and not there");
            }
        }
        Ok(grammar)
    }

    /// A statement.
    ///
    /// # Errors
    /// When the grammar ends a query that it did not begin.
    pub fn statement(&self, chance: &mut Chance) -> Result<String> {
        let mut writer =
            Writer { grammar: self, chance, out: String::new(), scopes: Vec::new(), aliases: 0 };
        writer.expand("statement", 0)?;
        Ok(writer.out)
    }
}

fn is_built_in(name: &str) -> bool {
    ["push", "one", "pop", "a", "from", "only", "n", "$"].contains(&name)
}

/// Literal texts, each with the name that follows it, which is empty after the last.
fn pieces(alternative: &str) -> Vec<(&str, &str)> {
    let mut pieces = Vec::new();
    let mut rest = alternative;
    while let Some((text, name, after)) = next_name(rest) {
        pieces.push((text, name));
        rest = after;
    }
    pieces.push((rest, ""));
    pieces
}

/// The first `<name>`: what is before it, the name, what is after it. Operators are no names.
fn next_name(text: &str) -> Option<(&str, &str, &str)> {
    for (at, _) in text.match_indices('<') {
        let rest = &text[at + 1..];
        let length = rest.find(|c: char| !c.is_ascii_lowercase() && c != '-' && c != '$');
        let length = length.unwrap_or(rest.len());
        let name = &rest[..length];
        if rest[length..].starts_with('>') && name.contains(|c: char| c != '-') {
            return Some((&text[..at], name, &rest[length + 1..]));
        }
    }
    None
}

struct Writer<'a> {
    grammar: &'a Grammar,
    chance: &'a mut Chance,
    out: String,
    /// The aliases of each query that is open.
    scopes: Vec<Vec<usize>>,
    aliases: usize,
}

impl Writer<'_> {
    fn expand(&mut self, name: &str, depth: usize) -> Result<()> {
        let grammar = self.grammar;
        let alternatives = grammar.0.get(name).with_context(|| format!("<{name}>"))?;
        let shortest = depth > DEPTH || self.out.len() > LENGTH;
        let choice = if shortest { 0 } else { self.chance.below(alternatives.len()) };
        for (text, used) in pieces(alternatives[choice]) {
            self.out.push_str(text);
            match used {
                "" => {}
                "push" => self.push(),
                "one" => self.open(1),
                "pop" => drop(self.scopes.pop()),
                "a" => self.alias(),
                "from" => self.from(depth + 1)?,
                "only" => self.only(depth)?,
                "n" => self.out.push_str(&self.chance.below(NUMBERS).to_string()),
                "$" => {
                    let number = self.chance.below(PARAMETERS) + 1;
                    self.out.push_str(&format!("${number}"));
                }
                other => self.expand(other, depth + 1)?,
            }
        }
        Ok(())
    }

    /// Mostly one relation, sometimes as many as make the planner work.
    fn push(&mut self) {
        let count = [1, 1, 1, 1, 2, 2, 3, 4];
        let count = self.chance.pick(&count).copied().unwrap_or(1);
        self.open(if self.scopes.len() > 2 { 1 } else { count });
    }

    fn open(&mut self, count: usize) {
        let first = self.aliases;
        self.aliases += count;
        self.scopes.push((first..self.aliases).collect());
    }

    /// One of the innermost query, now and then one from outside.
    fn alias(&mut self) {
        // What is not joined yet is in no scope.
        let scopes: Vec<&Vec<usize>> = self.scopes.iter().filter(|one| !one.is_empty()).collect();
        let scope = if self.chance.once_in(6) {
            self.chance.pick(&scopes).copied()
        } else {
            scopes.last().copied()
        };
        match scope.and_then(|scope| self.chance.pick(scope)) {
            Some(alias) => self.out.push_str(&format!("a{alias}")),
            // Nothing is in sight, which the server will say.
            None => self.out.push_str("plain"),
        }
    }

    fn only(&mut self, depth: usize) -> Result<()> {
        self.expand("table", depth)?;
        let alias = self.scopes.last().and_then(|scope| scope.first()).context("a scope")?;
        self.out.push_str(&format!(" as a{alias}"));
        Ok(())
    }

    /// The relations of the innermost query, joined one way or the other. Only those that are joined
    /// already are in sight of a condition; the rest comes afterwards.
    fn from(&mut self, depth: usize) -> Result<()> {
        let aliases = self.scopes.pop().context("a scope")?;
        self.scopes.push(Vec::new());
        for (at, alias) in aliases.into_iter().enumerate() {
            let join = match at {
                0 => "",
                _ => [", ", " join ", " left join ", " right join ", " full join ", " cross join "]
                    [self.chance.below(6)],
            };
            self.out.push_str(join);
            let lateral =
                at > 0 && self.chance.once_in(4) && !join.contains("ght") && !join.contains("ull");
            if lateral {
                self.out.push_str("lateral (select * from ");
            }
            // What is beside it is in sight only of what is lateral.
            let beside = std::mem::take(self.scopes.last_mut().context("a scope")?);
            self.expand("rel", depth)?;
            *self.scopes.last_mut().context("a scope")? = beside;
            if lateral {
                self.out.push_str(" as x where x.k = ");
                self.alias();
                self.out.push_str(".m)");
            }
            self.out.push_str(&format!(" as a{alias}"));
            self.scopes.last_mut().context("a scope")?.push(alias);
            if !matches!(join, "" | ", " | " cross join ") {
                self.out.push_str(" on ");
                self.expand("on", depth + 2)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_are_no_names() {
        assert_eq!(pieces("<a>.x << 5"), [("", "a"), (".x << 5", "")]);
        assert_eq!(pieces("<point> <-> <point>"), [("", "point"), (" <-> ", "point"), ("", "")]);
        assert_eq!(pieces("<int> <> <$>"), [("", "int"), (" <> ", "$"), ("", "")]);
        assert_eq!(pieces("<int> < <int>"), [("", "int"), (" < ", "int"), ("", "")]);
    }

    #[test]
    fn the_same_seed_makes_the_same_statements() {
        let grammar = Grammar::new().unwrap();
        let made = |seed| -> Vec<String> {
            let mut chance = Chance::new(seed);
            (0..200).map(|_| grammar.statement(&mut chance).unwrap()).collect()
        };
        assert_eq!(made(1), made(1));
        assert_ne!(made(1), made(2));
    }
}
