//! Connection URIs, as libpq reads them:
//! `postgresql://[user[:password]@][host[:port],...][/dbname][?name=value&...]`.
//!
//! Stricter than libpq where a reserved character was not percent-encoded: what follows is then
//! likely a part of the password, and would end up in messages as a host or a database.

use super::ESCAPING_HINT;
use super::params::{Origin, Params};
use crate::settings::SettingsError;

/// What comes after the scheme, `//` included, of a URI.
pub(super) fn parse(rest: &str) -> Result<Params, SettingsError> {
    let mut params = Params::default();
    let mut set = |name: &str, value: &str| {
        let value = decode(value, name)?;
        // Empty means absent here: it must not hide what other sources say.
        if value.is_empty() { Ok(()) } else { params.set(name, value, Origin::Text, true) }
    };
    let (credentials, rest) = split_credentials(rest);
    if let Some(credentials) = credentials {
        let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
        set("user", user)?;
        set("password", password)?;
    }
    let (authority, path_and_query) = split_at(rest, &['/', '?']);
    let (path, query) = match path_and_query.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path_and_query, None),
    };
    if authority.contains('@') || path.contains('@') {
        return Err(SettingsError::new("the connection URI has an @ in the wrong place")
            .with_hint(ESCAPING_HINT));
    }
    let (hosts, ports) = hosts(authority)?;
    set("host", &hosts)?;
    if ports.contains(|digit: char| digit != ',') {
        set("port", &ports)?;
    }
    set("dbname", path.strip_prefix('/').unwrap_or(path))?;
    if let Some(query) = query {
        // A raw @ means that the password is not complete.
        parse_query(query, !query.contains('@'), &mut params)?;
    }
    Ok(params)
}

/// libpq takes what is before an `@`, if that comes before any `/`, for user and password.
fn split_credentials(rest: &str) -> (Option<&str>, &str) {
    match rest.find(['@', '/']) {
        Some(at) if rest.as_bytes().get(at) == Some(&b'@') => {
            (rest.get(..at), rest.get(at + 1..).unwrap_or_default())
        }
        _ => (None, rest),
    }
}

/// What is before the first of `stops`, and the rest with it.
fn split_at<'a>(text: &'a str, stops: &[char]) -> (&'a str, &'a str) {
    text.split_at(text.find(stops).unwrap_or(text.len()))
}

/// The hosts and the ports, each separated by commas.
fn hosts(authority: &str) -> Result<(String, String), SettingsError> {
    let mut hosts = Vec::new();
    let mut ports = Vec::new();
    let mut rest = authority;
    loop {
        let (host, after) = match rest.strip_prefix('[') {
            Some(inside) => inside.split_once(']').ok_or_else(|| {
                SettingsError::new("an IPv6 address in the connection URI has no closing bracket")
            })?,
            None => split_at(rest, &[':', ',']),
        };
        let (port, after) = match after.strip_prefix(':') {
            Some(after) => split_at(after, &[',']),
            None => ("", after),
        };
        hosts.push(host);
        ports.push(port);
        if after.is_empty() {
            break;
        }
        rest = after.strip_prefix(',').ok_or_else(|| {
            SettingsError::new("a host in the connection URI must be followed by a : , / or ?")
        })?;
    }
    // Several hosts, all of them empty, are still several.
    let joined = if hosts.len() > 1 { hosts.join(",") } else { hosts.concat() };
    Ok((joined, ports.join(",")))
}

fn parse_query(query: &str, may_show: bool, params: &mut Params) -> Result<(), SettingsError> {
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(SettingsError::new("a setting in the connection URI has no =")
                .with_hint(ESCAPING_HINT));
        };
        let name = decode(name, "a setting's name")?;
        let shown = if may_show && super::keys::is_plain(&name) { &name } else { "a setting" };
        let value = decode(value, shown)?;
        match (name.as_str(), value.as_str()) {
            // JDBC's and asyncpg's words for it.
            ("ssl", "true") => params.set("sslmode", "require".into(), Origin::Text, true)?,
            ("ssl", "false") => params.set("sslmode", "disable".into(), Origin::Text, true)?,
            ("ssl", _) => params.set("sslmode", value, Origin::Text, true)?,
            _ => params.set(&name, value, Origin::Text, may_show)?,
        }
    }
    Ok(())
}

/// Resolves `%XX`. A `+` stays one.
fn decode(text: &str, what: &str) -> Result<String, SettingsError> {
    if !text.contains('%') {
        return Ok(text.to_owned());
    }
    let wrong = |problem: &str| {
        SettingsError::new(format!("{what} in the connection URI has {problem}"))
            .with_hint(ESCAPING_HINT)
    };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(wrong("a % that is not followed by two hexadecimal digits"));
        };
        match u8::try_from(high * 16 + low) {
            Ok(0) | Err(_) => return Err(wrong("a NUL byte")),
            Ok(byte) => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| wrong("bytes that are not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The settings among these names, in this order, as a keyword string.
    fn parsed(rest: &str) -> String {
        let params = parse(rest).unwrap();
        let names = ["user", "password", "host", "port", "dbname", "sslmode", "options"];
        let given = names.iter().filter_map(|name| Some((name, params.get(name)?)));
        given.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn uris_are_read_as_libpq_reads_them() {
        for (rest, expected) in [
            ("", ""),
            ("/", ""),
            ("localhost", "host=localhost"),
            ("localhost:5433", "host=localhost port=5433"),
            ("localhost/mydb", "host=localhost dbname=mydb"),
            ("user@localhost", "user=user host=localhost"),
            ("user:secret@localhost", "user=user password=secret host=localhost"),
            ("user:a:b@localhost", "user=user password=a:b host=localhost"),
            ("user:a?b@localhost", "user=user password=a?b host=localhost"),
            (":secret@localhost", "password=secret host=localhost"),
            (
                "other@localhost/otherdb?connect_timeout=10&options=-c%20geqo%3Doff",
                "user=other host=localhost dbname=otherdb options=-c geqo=off",
            ),
            ("h1:123,h2:456/somedb", "host=h1,h2 port=123,456 dbname=somedb"),
            ("h1,h2:456", "host=h1,h2 port=,456"),
            (",", "host=,"),
            ("[::1]:5433/db", "host=::1 port=5433 dbname=db"),
            ("[::1],[fe80::2]:1", "host=::1,fe80::2 port=,1"),
            ("%2Fvar%2Frun%2Fpostgresql:5433/db", "host=/var/run/postgresql port=5433 dbname=db"),
            ("/mydb?host=/tmp&port=5433", "host=/tmp port=5433 dbname=mydb"),
            ("h/?dbname=a&dbname=b", "host=h dbname=b"),
            ("h?user=me@corp", "user=h?user=me host=corp"),
            ("h/d?user=me@corp", "user=me@corp host=h dbname=d"),
            ("h/d?ssl=true", "host=h dbname=d sslmode=require"),
            ("h/d?ssl=verify-full", "host=h dbname=d sslmode=verify-full"),
            ("u:p%40s%2Fx%3F@h/a%20b", "user=u password=p@s/x? host=h dbname=a b"),
            ("u:%C3%A9@h/a+b", "user=u password=é host=h dbname=a+b"),
            ("h/d?password=a=b&", "password=a=b host=h dbname=d"),
            ("h/d?password=", "host=h dbname=d"),
        ] {
            assert_eq!(parsed(rest), expected, "{rest}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_values() {
        for (rest, message) in [
            ("u:S3/CRET@h/d", "an @ in the wrong place"),
            ("u:S3@CRET@h/d", "an @ in the wrong place"),
            ("u:S3CRET%@h", "password in the connection URI has a % that is not"),
            ("u:S3CRET%zz@h", "hexadecimal"),
            ("u:S3CRET%00@h", "NUL"),
            ("u:S3CRET%ff@h", "UTF-8"),
            ("[S3CRET", "closing bracket"),
            ("[::1]S3CRET", "must be followed by"),
            ("u:S3/?CRET=x@h/d", "unknown name"),
            ("h/d?S3CRET", "has no ="),
            ("h/d?port=%", "port in the connection URI has a %"),
            ("h/d?S3CRET%=1", "a setting's name"),
            ("h/d?shoe=S3CRET", "unknown connection setting \"shoe\""),
        ] {
            let error = parse(rest).unwrap_err().to_string();
            assert!(error.contains(message), "{rest}: {error}");
            assert!(!error.contains("S3") && !error.contains("CRET"), "{rest}: {error}");
        }
    }
}
