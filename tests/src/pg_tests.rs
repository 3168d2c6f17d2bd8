//! What the sources say about `#[pg_test]` functions.
//!
//! In the test build each is an SQL function of schema `tests`. The error that one expects stands
//! only in its attribute, so it is read from the source.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Test functions by name, each with the message of the error that it must raise, if any.
pub type PgTests = BTreeMap<String, Option<String>>;

/// Collects the test functions of all Rust files below `dirs`.
///
/// # Errors
/// When a file cannot be read or an attribute is not followed by a function.
pub fn scan(dirs: &[&Path]) -> Result<PgTests> {
    let mut found = PgTests::new();
    for dir in dirs {
        for entry in fs::read_dir(dir).with_context(|| format!("read {}", dir.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                found.extend(scan(&[&path])?);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path)?;
                scan_text(&text, &mut found).with_context(|| path.display().to_string())?;
            }
        }
    }
    Ok(found)
}

fn scan_text(text: &str, found: &mut PgTests) -> Result<()> {
    // An attribute stands at the start of its line; in a comment it does not.
    let starts = text.match_indices("#[pg_test").filter(|(at, _)| {
        text[..*at].rsplit('\n').next().is_some_and(|before| before.trim().is_empty())
    });
    for (at, marker) in starts {
        let rest = &text[at + marker.len()..];
        let function = rest.find("fn ").context("#[pg_test] without a function")?;
        let name = rest[function + 3..].split(|c: char| !c.is_alphanumeric() && c != '_').next();
        let name = name.context("a function without a name")?;
        found.insert(name.to_owned(), expected_error(&rest[..function])?);
    }
    Ok(())
}

/// The string in `error = "…"` or `expected = "…"`.
fn expected_error(attribute: &str) -> Result<Option<String>> {
    let value = ["error", "expected"].iter().find_map(|key| {
        let after = attribute.split_once(key)?.1.trim_start().strip_prefix('=')?;
        after.trim_start().strip_prefix('"')
    });
    value.map(|text| unescape(text).context("unterminated error message")).transpose()
}

/// The content of a string literal up to its closing quote.
fn unescape(literal: &str) -> Option<String> {
    let mut text = String::new();
    let mut characters = literal.chars();
    loop {
        match characters.next()? {
            '"' => return Some(text),
            '\\' => text.push(match characters.next()? {
                'n' => '\n',
                't' => '\t',
                other => other,
            }),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scan_finds_functions_and_expected_errors() {
        let source = "
            // not this: #[pg_test]
            #[pg_test]
            fn plain() {}
            #[pg_test(error = \"no \\\"such\\\" thing\")]
            #[ignore]
            pub fn failing() -> Result<(), ErrorReport> {}";
        let mut found = PgTests::new();
        scan_text(source, &mut found).unwrap();
        let message = Some("no \"such\" thing".to_owned());
        assert_eq!(found, [("failing".to_owned(), message), ("plain".to_owned(), None)].into());
    }
}
