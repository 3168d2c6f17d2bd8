//! Keyword strings, as libpq reads them: `host=db1 dbname='my db' password=a\'b`.

use std::iter::Peekable;
use std::str::Chars;

use super::params::{Origin, Params};
use crate::settings::SettingsError;

/// A keyword string.
pub(super) fn parse(text: &str) -> Result<Params, SettingsError> {
    let mut params = Params::default();
    let mut chars = text.chars().peekable();
    // After an unquoted password the next word may be the rest of it.
    let mut may_show = true;
    loop {
        skip_space(&mut chars);
        if chars.peek().is_none() {
            return Ok(params);
        }
        let name = take_while(&mut chars, |c| c != '=' && !c.is_whitespace());
        skip_space(&mut chars);
        if chars.next_if_eq(&'=').is_none() {
            return Err(wrong("has a word without ="));
        }
        skip_space(&mut chars);
        let is_quoted = chars.peek() == Some(&'\'');
        let value = if is_quoted { quoted(&mut chars)? } else { unquoted(&mut chars) };
        params.set(&name, value, Origin::Text, may_show)?;
        may_show = name != "password" || is_quoted;
    }
}

fn wrong(problem: &str) -> SettingsError {
    SettingsError::new(format!("the connection string {problem}")).with_hint(
        "Values with spaces are put in single quotes; ' and \\ in a value are written \\' and \\\\.",
    )
}

fn skip_space(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if(|c| c.is_whitespace()).is_some() {}
}

fn take_while(chars: &mut Peekable<Chars<'_>>, wanted: impl Fn(char) -> bool) -> String {
    std::iter::from_fn(|| chars.next_if(|c| wanted(*c))).collect()
}

/// To the next space. A backslash at the end is nothing.
fn unquoted(chars: &mut Peekable<Chars<'_>>) -> String {
    let mut value = String::new();
    while let Some(c) = chars.next_if(|c| !c.is_whitespace()) {
        value.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    value
}

fn quoted(chars: &mut Peekable<Chars<'_>>) -> Result<String, SettingsError> {
    let mut value = String::new();
    chars.next();
    loop {
        match chars.next() {
            Some('\'') => return Ok(value),
            Some('\\') => value.extend(chars.next()),
            Some(c) => value.push(c),
            None => return Err(wrong("has a quoted value without an end")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_read_as_libpq_reads_them() {
        for (text, name, expected) in [
            ("host=a", "host", Some("a")),
            (" host = a  port=1", "host", Some("a")),
            ("host=a\tport=\n1", "port", Some("1")),
            ("dbname='my db' host=a", "dbname", Some("my db")),
            (r"password='it\'s' host=a", "password", Some("it's")),
            (r"password=it\'s\\x\ y", "password", Some(r"it's\x y")),
            (r"password=a\", "password", Some("a")),
            ("password=a'b", "password", Some("a'b")),
            ("password=a=b", "password", Some("a=b")),
            ("host=a host=b", "host", Some("b")),
            ("host='' port=1", "host", None),
            ("host= port=1", "host", Some("port=1")),
            ("host='a'port=1", "port", Some("1")),
            ("", "host", None),
        ] {
            assert_eq!(parse(text).unwrap().get(name), expected, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_values() {
        for (text, message) in [
            ("host", "a word without ="),
            ("password=my S3CRET host=a", "a word without ="),
            ("password=my S3C=RET host=a", "unknown name"),
            ("password='S3CRET", "without an end"),
            (r"password='S3CRET\", "without an end"),
            ("hots=S3CRET", "unknown connection setting \"hots\""),
            ("=S3CRET", "unknown name"),
            ("host=a\0", "the value of host has a NUL byte"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(message), "{text}: {error}");
            assert!(!error.contains("S3C"), "{text}: {error}");
        }
    }
}
