//! The passfile, `~/.pgpass`: lines `host:port:database:user:password`.
//!
//! `*` stands for anything, `\` takes the meaning from the next character. A file that others may
//! read is not used, which is libpq's rule.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::settings::Secret;

/// The lines of a passfile.
#[derive(Debug, Default)]
pub(super) struct Passfile(Vec<Line>);

#[derive(Debug)]
struct Line {
    /// Host, port, database and user; nothing stands for anything.
    pattern: [Option<String>; 4],
    password: Secret,
}

impl Passfile {
    /// Reads a file; empty when it cannot be used, with a warning. That it does not exist is worth
    /// one only if it was `named`.
    pub(super) fn read(path: &Path, named: bool, warnings: &mut Vec<String>) -> Self {
        let shown = path.display();
        match read(path) {
            Ok(text) => return Self::parse(&text),
            Err(Problem::Missing) if named => {
                warnings.push(format!("passfile {shown} does not exist"));
            }
            Err(Problem::Missing) => {}
            Err(Problem::NoFile) => {
                warnings.push(format!("passfile {shown} is not a plain file and is not used"));
            }
            Err(Problem::Open) => warnings.push(format!(
                "passfile {shown} is not used because others have access to it: chmod 600 {shown}"
            )),
            Err(Problem::Io(error)) => {
                warnings.push(format!("passfile {shown} cannot be read: {error}"));
            }
        }
        Self::default()
    }

    fn parse(text: &str) -> Self {
        Self(text.lines().filter_map(Line::parse).collect())
    }

    /// The password of the first line that fits.
    pub(super) fn find(&self, host: &str, port: u16, dbname: &str, user: &str) -> Option<Secret> {
        let wanted = [host, &port.to_string(), dbname, user];
        let fits = |line: &&Line| {
            let mut pairs = line.pattern.iter().zip(wanted);
            pairs.all(|(pattern, wanted)| pattern.as_deref().is_none_or(|text| text == wanted))
        };
        self.0.iter().find(fits).map(|line| line.password.clone())
    }
}

enum Problem {
    Missing,
    NoFile,
    Open,
    Io(std::io::Error),
}

fn read(path: &Path) -> Result<String, Problem> {
    let io = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => Problem::Missing,
        _ => Problem::Io(error),
    };
    let metadata = fs::metadata(path).map_err(io)?;
    if !metadata.is_file() {
        return Err(Problem::NoFile);
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(Problem::Open);
    }
    fs::read_to_string(path).map_err(io)
}

impl Line {
    /// Nothing for comments and for lines of fewer fields.
    fn parse(line: &str) -> Option<Self> {
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let mut fields = fields(line.strip_suffix('\r').unwrap_or(line)).into_iter();
        let mut next = || fields.next();
        let pattern = [next()?, next()?, next()?, next()?];
        let password = next()?.text;
        let pattern = pattern.map(|field| (!field.is_wildcard).then_some(field.text));
        // What is behind a fifth colon is of no use to libpq either.
        (!password.is_empty()).then(|| Self { pattern, password: Secret::new(password) })
    }
}

#[derive(Default)]
struct Field {
    text: String,
    /// A single `*`, not escaped.
    is_wildcard: bool,
}

fn fields(line: &str) -> Vec<Field> {
    let mut fields = vec![Field::default()];
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == ':' {
            fields.push(Field::default());
            continue;
        }
        let Some(field) = fields.last_mut() else { break };
        field.is_wildcard = c == '*' && field.text.is_empty();
        field.text.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &str) -> Option<String> {
        let found = Passfile::parse(text).find("db1", 5432, "shop", "app");
        found.map(|secret| secret.reveal().to_owned())
    }

    #[test]
    fn the_first_line_that_fits_counts() {
        for (text, expected) in [
            ("db1:5432:shop:app:pw", Some("pw")),
            ("*:*:*:*:pw", Some("pw")),
            ("db2:*:*:*:no\n*:*:*:app:pw\n*:*:*:*:late", Some("pw")),
            ("#db1:5432:shop:app:no\n\ndb1:5432:shop:app:pw", Some("pw")),
            (r"db1:5432:shop:app:a\:b\\c", Some(r"a:b\c")),
            (r"db1:5432:shop:app:*", Some("*")),
            ("db1:5432:shop:app:pw:rest", Some("pw")),
            ("db1:5432:shop:app:pw\r\n", Some("pw")),
            ("db1:5432:shop:app: pw ", Some(" pw ")),
            (r"db\1:5432:shop:app:pw", Some("pw")),
            (r"\*:5432:shop:app:pw", None),
            ("d*:5432:shop:app:pw", None),
            ("**:5432:shop:app:pw", None),
            ("db1:5433:shop:app:pw", None),
            ("db1:5432:shop:app", None),
            ("db1:5432:shop:app:", None),
            ("", None),
        ] {
            assert_eq!(find(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_file_that_others_may_read_is_not_used() {
        let path = std::env::temp_dir().join(format!("mcp-bridge-pgpass-{}", std::process::id()));
        fs::write(&path, "*:*:*:*:S3CRET").unwrap();
        let mut used = Vec::new();
        for mode in [0o600, 0o400, 0o640, 0o604] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let mut warnings = Vec::new();
            let file = Passfile::read(&path, true, &mut warnings);
            used.push((file.find("h", 1, "d", "u").is_some(), warnings.len()));
            assert!(!format!("{file:?}{warnings:?}").contains("S3CRET"));
        }
        assert_eq!(used, [(true, 0), (true, 0), (false, 1), (false, 1)]);
        fs::remove_file(&path).unwrap();
        for (named, count) in [(true, 1), (false, 0)] {
            let mut warnings = Vec::new();
            Passfile::read(&path, named, &mut warnings);
            assert_eq!(warnings.len(), count);
        }
        let mut warnings = Vec::new();
        Passfile::read(&std::env::temp_dir(), true, &mut warnings);
        assert!(warnings.concat().contains("not a plain file"));
    }
}
