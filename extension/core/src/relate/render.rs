//! A chain of joins as SQL, with what somebody must know who uses it.

use std::fmt::Write as _;

use super::path::{Graph, Hop};
use super::{Origin, Relationship, Table, Traits, is_junction, words::words};
use crate::ddl::quote_ident;

/// Most words of a name that an alias is made of.
const ALIAS_WORDS: usize = 3;

/// A chain of joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// The tables in order, qualified and quoted.
    pub tables: Vec<String>,
    /// The condition of each join.
    pub conditions: Vec<String>,
    /// `FROM … JOIN … ON …`.
    pub from_clause: String,
    /// Whether a row of the first table may be there several times.
    pub multiplies: bool,
    /// Whether each join follows a foreign key.
    pub declared: bool,
    /// Sentences to know.
    pub notes: Vec<String>,
}

/// What a chain is rendered with.
#[derive(Debug)]
pub struct Renderer<'a> {
    /// All tables.
    pub tables: &'a [Table],
    /// All relationships.
    pub relationships: &'a [Relationship],
    /// Their properties.
    pub traits: &'a [Traits],
    /// Their graph.
    pub graph: &'a Graph<'a>,
    /// Names to show instead of the first and the last table's: those of partitions.
    pub ends: [Option<String>; 2],
}

impl Renderer<'_> {
    /// The chain that begins at table `start`; none when a hop does not fit.
    #[must_use]
    pub fn render(&self, start: usize, chain: &[Hop]) -> Option<Joined> {
        let mut visited = vec![start];
        for hop in chain {
            let one = self.relationships.get(hop.relationship)?;
            visited.push(if hop.forward { one.to } else { one.from });
        }
        let names = self.names(&visited)?;
        let aliases = self.aliases(&visited)?;
        let mut conditions = Vec::new();
        let mut from_clause = format!("FROM {} AS {}", names.first()?, aliases.first()?);
        for (at, hop) in chain.iter().enumerate() {
            let condition = self.condition(*hop, aliases.get(at)?, aliases.get(at + 1)?)?;
            let (name, alias) = (names.get(at + 1)?, aliases.get(at + 1)?);
            // Writing to a string cannot fail.
            let _ = write!(from_clause, "\nJOIN {name} AS {alias} ON {condition}");
            conditions.push(condition);
        }
        Some(Joined {
            conditions,
            from_clause,
            multiplies: chain.iter().any(|hop| self.graph.multiplies(*hop)),
            declared: chain.iter().all(|hop| self.relationships[hop.relationship].is_declared()),
            notes: self.notes(&visited, &names, chain),
            tables: names,
        })
    }

    fn names(&self, visited: &[usize]) -> Option<Vec<String>> {
        let mut names: Vec<String> = visited
            .iter()
            .map(|&t| self.tables.get(t).map(Table::quoted))
            .collect::<Option<_>>()?;
        let [first, last] = self.ends.clone();
        if let (Some(name), Some(end)) = (names.first_mut(), first) {
            *name = end;
        }
        if let (Some(name), Some(end)) = (names.last_mut(), last) {
            *name = end;
        }
        Some(names)
    }

    /// The first letters of the words of each name, numbered where they are the same.
    fn aliases(&self, visited: &[usize]) -> Option<Vec<String>> {
        let mut aliases: Vec<String> = Vec::new();
        for &table in visited {
            let words = words(&self.tables.get(table)?.name);
            let initial = |word: &String| word.chars().next().filter(char::is_ascii_lowercase);
            let stem: String = words.iter().filter_map(initial).take(ALIAS_WORDS).collect();
            let stem = if stem.is_empty() { "t".to_owned() } else { stem };
            let is_free = |alias: &String| quote_ident(alias) == *alias && !aliases.contains(alias);
            let numbered = (2..=visited.len() + 2).map(|n| format!("{stem}{n}"));
            let alias = std::iter::once(stem.clone()).chain(numbered).find(is_free)?;
            aliases.push(alias);
        }
        Some(aliases)
    }

    /// `alias.column = alias.column`, the table before on the left.
    fn condition(&self, hop: Hop, before: &str, next: &str) -> Option<String> {
        let one = self.relationships.get(hop.relationship)?;
        let (from, to) = (self.tables.get(one.from)?, self.tables.get(one.to)?);
        let mut parts = Vec::new();
        for (from_column, to_column) in one.from_columns.iter().zip(&one.to_columns) {
            let from_name = quote_ident(&from.column(*from_column)?.name);
            let to_name = quote_ident(&to.column(*to_column)?.name);
            let (left, right) =
                if hop.forward { (from_name, to_name) } else { (to_name, from_name) };
            parts.push(format!("{before}.{left} = {next}.{right}"));
        }
        Some(parts.join(" AND "))
    }

    fn notes(&self, visited: &[usize], names: &[String], chain: &[Hop]) -> Vec<String> {
        let mut notes = Vec::new();
        for (at, hop) in chain.iter().enumerate() {
            let (before, next) = (&names[at], &names[at + 1]);
            let (one, traits) =
                (&self.relationships[hop.relationship], self.traits[hop.relationship]);
            let columns = self.tables[one.from].names(&one.from_columns);
            let columns: Vec<String> = columns.iter().map(|name| quote_ident(name)).collect();
            let columns = columns.join(", ");
            if self.graph.multiplies(*hop) {
                notes.push(format!(
                    "join {}: {next} may have many rows for one of {before}, so rows of {before} \
                     are multiplied; those without any drop out unless LEFT JOIN keeps them",
                    at + 1
                ));
            } else if !hop.forward {
                notes.push(format!(
                    "join {}: rows of {before} without one in {next} drop out unless LEFT JOIN \
                     keeps them",
                    at + 1
                ));
            } else if traits.optional {
                notes.push(format!(
                    "join {}: rows of {before} whose {columns} is null drop out unless LEFT JOIN \
                     keeps them",
                    at + 1
                ));
            }
            match &one.origin {
                Origin::Inferred(evidence) => notes.push(format!(
                    "join {}: no foreign key says so, it is concluded: {evidence}",
                    at + 1
                )),
                Origin::Declared(key) if !key.validated => notes.push(format!(
                    "join {}: the foreign key {} is not validated, rows may refer to nothing",
                    at + 1,
                    quote_ident(&key.name)
                )),
                Origin::Declared(_) => {}
            }
            if !hop.forward && !traits.indexed {
                notes.push(format!("join {}: no index on {next} ({columns})", at + 1));
            }
        }
        notes.extend(self.notes_on_tables(visited, names, chain));
        notes
    }

    fn notes_on_tables(&self, visited: &[usize], names: &[String], chain: &[Hop]) -> Vec<String> {
        let mut notes = Vec::new();
        for (at, two) in chain.windows(2).enumerate() {
            let table = visited[at + 1];
            if self.graph.pairs_by_parent(two[0], two[1]) {
                notes.push(format!(
                    "joins {} and {}: every row of {} meets every row of {} with the same {}",
                    at + 1,
                    at + 2,
                    names[at],
                    names[at + 2],
                    names[at + 1]
                ));
            }
            let outward: Vec<&Relationship> =
                self.relationships.iter().filter(|one| one.from == table).collect();
            let down_and_up = !two[0].forward && two[1].forward;
            if down_and_up && is_junction(table, self.tables, &outward) {
                notes.push(format!("{} is a junction table (many-to-many)", names[at + 1]));
            }
        }
        notes
    }
}
