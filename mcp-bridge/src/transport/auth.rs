//! Bearer tokens.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::TransportError;

/// Who calls, by the name of the token.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Principal(Arc<str>);

impl Principal {
    /// A caller with this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The tokens that are accepted. Only their hashes are kept.
#[derive(Clone, Default)]
pub struct Tokens {
    known: Vec<(Principal, [u8; 32])>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens({})", self.known.len())
    }
}

/// The fewest characters of a token: 128 bits in hexadecimal digits would have 32.
const FEWEST: usize = 16;

impl Tokens {
    /// Reads a file of tokens and the single one of the environment.
    ///
    /// A line is `TOKEN`, `NAME:TOKEN` or `NAME:sha256:HEX`; empty lines and those that begin with
    /// `#` are passed over.
    ///
    /// # Errors
    /// [`TransportError::Settings`], which names the line and never the token.
    pub fn read(file: Option<&Path>, single: Option<&str>) -> Result<Self, TransportError> {
        let mut tokens = Self::default();
        if let Some(single) = single.map(str::trim).filter(|single| !single.is_empty()) {
            tokens
                .add("default", single)
                .map_err(|why| TransportError::Settings(format!("MCP_BRIDGE_AUTH_TOKEN: {why}")))?;
        }
        let Some(path) = file else { return Ok(tokens) };
        let text = std::fs::read_to_string(path).map_err(|error| {
            TransportError::Settings(format!("cannot read {}: {error}", path.display()))
        })?;
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                tokens.add_line(line, number).map_err(|why| {
                    TransportError::Settings(format!("{} line {number}: {why}", path.display()))
                })?;
            }
        }
        if tokens.is_empty() {
            return Err(TransportError::Settings(format!("{} holds no token", path.display())));
        }
        Ok(tokens)
    }

    fn add_line(&mut self, line: &str, number: usize) -> Result<(), String> {
        match line.split_once(':') {
            None => self.add(&format!("line {number}"), line),
            Some((name, rest)) => match rest.strip_prefix("sha256:") {
                Some(hex) => {
                    let hash = unhex(hex).ok_or("the hash is not 64 hexadecimal digits")?;
                    self.known.push((Principal::new(name.trim()), hash));
                    Ok(())
                }
                None => self.add(name.trim(), rest.trim()),
            },
        }
    }

    fn add(&mut self, name: &str, token: &str) -> Result<(), String> {
        if token.len() < FEWEST {
            return Err(format!("the token has fewer than {FEWEST} characters"));
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("the token has characters that no header can carry".to_owned());
        }
        self.known.push((Principal::new(name), Sha256::digest(token).into()));
        Ok(())
    }

    /// Whether nobody needs a token.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Whose token this is. Takes as long for a wrong one as for a right one.
    #[must_use]
    pub fn principal(&self, token: &str) -> Option<Principal> {
        let hash: [u8; 32] = Sha256::digest(token).into();
        let mut found = None;
        for (principal, known) in &self.known {
            if bool::from(known.ct_eq(&hash)) {
                found = Some(principal.clone());
            }
        }
        found
    }
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let text = text.trim();
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Result<Tokens, String> {
        let mut tokens = Tokens::default();
        for (number, line) in (1..).zip(lines) {
            tokens.add_line(line, number)?;
        }
        Ok(tokens)
    }

    #[test]
    fn tokens_have_names() {
        let hash = Sha256::digest("a-token-known-by-hash");
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let tokens = read(&[
            "a-token-without-name",
            "alice:a-token-of-alice-s",
            &format!("bob:sha256:{hex}"),
        ])
        .unwrap();
        for (token, name) in [
            ("a-token-without-name", Some("line 1")),
            ("a-token-of-alice-s", Some("alice")),
            ("a-token-known-by-hash", Some("bob")),
            ("a-token-of-nobody", None),
            ("", None),
        ] {
            assert_eq!(tokens.principal(token), name.map(Principal::new));
        }
    }

    #[test]
    fn weak_and_broken_ones_are_refused_without_being_shown() {
        for line in ["short", "eve:short", "eve:sha256:00", "a token with blanks in it"] {
            let why = read(&[line]).unwrap_err();
            assert!(!why.contains(line) && !why.contains("short"), "{why}");
        }
        assert_eq!(format!("{:?}", read(&["a-token-without-name"]).unwrap()), "Tokens(1)");
    }
}
