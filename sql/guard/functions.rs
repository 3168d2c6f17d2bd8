//! Functions by name: which are refused, which are known to be harmless.
//!
//! The lists are data, in `refused_functions.txt` and `known_functions.txt`, with where they come
//! from. The bridge has only the name as the statement writes it; the extension asks with the schema
//! and name that the server resolved it to.

use std::collections::HashMap;
use std::sync::LazyLock;

static REFUSED: LazyLock<Refused> =
    LazyLock::new(|| Refused::read(include_str!("refused_functions.txt")));

static KNOWN: LazyLock<Names<Home>> = LazyLock::new(|| {
    let mut names = Names::default();
    let mut home = Home::Core;
    for line in lines(include_str!("known_functions.txt")) {
        match line {
            "[core]" => home = Home::Core,
            "[extensions]" => home = Home::Anywhere,
            _ => line.split_whitespace().for_each(|word| names.add(word, home)),
        }
    }
    names
});

/// Which schema a harmless function is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Home {
    /// `pg_catalog`: with another schema before it, it is another function.
    Core,
    /// Where the extension was put.
    Anywhere,
}

/// Why a function is refused.
#[derive(Debug, PartialEq, Eq)]
pub struct Group {
    /// A sentence for the detail.
    pub why: &'static str,
    /// A sentence for the hint.
    pub hint: &'static str,
}

/// Why a call of this function is refused, if it is. `name` is schema and name, or the name alone.
///
/// `arguments` is how many there are, when that is known: with `(x).f` notation it is 1, within a
/// list with VARIADIC it may be any.
#[must_use]
pub fn refused(name: &[&str], arguments: Option<usize>) -> Option<&'static Group> {
    let index = REFUSED.names.find(name, arguments)?;
    REFUSED.groups.get(index)
}

/// Whether the list of harmless functions has one of this name.
#[must_use]
pub fn known(name: &[&str]) -> bool {
    let schema = name.iter().rev().nth(1);
    match KNOWN.find(name, None) {
        Some(Home::Core) => schema.is_none_or(|schema| *schema == "pg_catalog"),
        Some(Home::Anywhere) => schema.is_none_or(|schema| *schema != "pg_catalog"),
        None => false,
    }
}

struct Refused {
    groups: Vec<Group>,
    /// Values are indexes into `groups`.
    names: Names<usize>,
}

impl Refused {
    fn read(text: &'static str) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        let mut names = Names::default();
        for line in lines(text) {
            if line.starts_with('[') {
                groups.push(Group { why: "", hint: "" });
            } else if let (Some(why), Some(group)) = (line.strip_prefix("why "), groups.last_mut())
            {
                group.why = why.trim();
            } else if let (Some(hint), Some(group)) =
                (line.strip_prefix("hint "), groups.last_mut())
            {
                group.hint = hint.trim();
            } else {
                let group = groups.len().saturating_sub(1);
                line.split_whitespace().for_each(|word| names.add(word, group));
            }
        }
        Self { groups, names }
    }
}

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Names and beginnings of names.
struct Names<T> {
    /// With the number of arguments when only that is meant.
    exact: HashMap<&'static str, (Option<usize>, T)>,
    prefixes: Vec<(&'static str, T)>,
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self { exact: HashMap::new(), prefixes: Vec::new() }
    }
}

impl<T: Copy> Names<T> {
    fn add(&mut self, word: &'static str, value: T) {
        if let Some(prefix) = word.strip_suffix('*') {
            self.prefixes.push((prefix, value));
            return;
        }
        match word.split_once('/') {
            Some((name, arguments)) => {
                self.exact.insert(name, (arguments.parse().ok(), value));
            }
            None => {
                self.exact.insert(word, (None, value));
            }
        }
    }

    fn find(&self, name: &[&str], arguments: Option<usize>) -> Option<T> {
        let last = *name.last()?;
        let qualified = name.get(name.len().saturating_sub(2)..)?.join(".");
        [last, qualified.as_str()].into_iter().find_map(|name| {
            let exact = self.exact.get(name).filter(|(wanted, _)| {
                wanted.is_none() || arguments.is_none() || *wanted == arguments
            });
            let prefix = || self.prefixes.iter().find(|(prefix, _)| name.starts_with(prefix));
            exact.map(|(_, value)| *value).or_else(|| prefix().map(|(_, value)| *value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_says_why_and_what_instead() {
        assert!(REFUSED.groups.len() > 20);
        for group in &REFUSED.groups {
            assert!(group.why.ends_with('.'), "{group:?}");
            assert!(group.hint.ends_with('.'), "{group:?}");
        }
    }

    #[test]
    fn no_name_is_in_both_lists() {
        let both: Vec<_> = KNOWN
            .exact
            .keys()
            .filter(|name| REFUSED.names.find(&[name], Some(99)).is_some())
            .collect();
        assert_eq!(both, [] as [&&str; 0]);
    }

    #[test]
    fn names_match_with_and_without_schema() {
        for name in [&["pg_read_file"][..], &["pg_catalog", "pg_read_file"], &["x", "dblink_open"]]
        {
            assert!(refused(name, None).is_some(), "{name:?}");
        }
        assert!(refused(&["utl_file", "fopen"], None).is_some());
        assert!(refused(&["fopen"], None).is_none());
        assert!(refused(&["lower"], None).is_none());
        assert!(known(&["lower"]) && known(&["pg_catalog", "lower"]) && known(&["st_area"]));
        assert!(known(&["public", "st_area"]));
        assert!(!known(&["my_function"]) && !known(&["public", "lower"]));
    }

    #[test]
    fn the_number_of_arguments_decides_where_it_is_given() {
        assert!(refused(&["ts_rewrite"], Some(2)).is_some());
        assert!(refused(&["ts_rewrite"], Some(3)).is_none());
        assert!(refused(&["ts_rewrite"], None).is_some());
    }
}
