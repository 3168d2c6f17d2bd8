//! Connection settings as given: a value for each name, and where it comes from.
//!
//! What comes first stays: sources are added in the order of their precedence.

use std::collections::BTreeMap;
use std::fmt;

use super::keys::{self, Key, Treatment};
use crate::settings::{Environment, SettingsError};

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Text,
    Service,
    Variable(&'static str),
}

/// The values.
#[derive(Clone, Default)]
pub(super) struct Params(BTreeMap<&'static str, (String, Origin)>);

impl Params {
    /// Sets a value in the place of an earlier one of the same source.
    ///
    /// # Errors
    /// A setting that libpq does not know, or one that the bridge must refuse. `may_show` tells
    /// whether an unknown name is surely not a part of a password.
    pub(super) fn set(
        &mut self,
        name: &str,
        value: String,
        origin: Origin,
        may_show: bool,
    ) -> Result<(), SettingsError> {
        let Some(key) = keys::find(name) else { return Err(unknown(name, may_show)) };
        if value.contains('\0') {
            return Err(SettingsError::new(format!("the value of {} has a NUL byte", key.name)));
        }
        if key.treatment == Treatment::Refused && !value.is_empty() {
            return Err(refused(key.name));
        }
        self.0.insert(key.name, (value, origin));
        Ok(())
    }

    /// Takes what `other` has and this has not.
    pub(super) fn add(&mut self, other: Self) {
        for (name, value) in other.0 {
            self.0.entry(name).or_insert(value);
        }
    }

    /// Takes what libpq's variables say and this has not.
    pub(super) fn add_variables(&mut self, env: &Environment) -> Result<(), SettingsError> {
        for Key { name, variable, .. } in keys::KEYS {
            let Some(variable) = variable else { continue };
            let Some(value) = env.get(variable).filter(|_| !self.0.contains_key(name)) else {
                continue;
            };
            let origin = Origin::Variable(variable);
            self.set(name, value.to_owned(), origin, true).map_err(|e| e.within(variable))?;
        }
        // libpq still reads the variable of the option that sslmode has replaced.
        if !self.0.contains_key("sslmode")
            && env.get("PGREQUIRESSL").is_some_and(|value| value.starts_with('1'))
        {
            self.0.insert("sslmode", ("require".into(), Origin::Variable("PGREQUIRESSL")));
        }
        Ok(())
    }

    /// The value, unless it is absent or empty, which mean the same.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|(value, _)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Names of settings that have no effect although their user may think so.
    pub(super) fn ignored(&self) -> impl Iterator<Item = &'static str> + '_ {
        let treatment = |name| keys::find(name).map(|key| key.treatment);
        self.0.keys().copied().filter(move |name| treatment(name) == Some(Treatment::Ignored))
    }

    /// An error about a value: `name must be what`, with the variable's name if it is from there.
    pub(super) fn wrong(&self, name: &str, must_be: &str) -> SettingsError {
        match self.0.get(name) {
            Some((_, Origin::Variable(variable))) => {
                SettingsError::new(format!("{variable} must be {must_be}"))
            }
            Some((_, Origin::Service)) => {
                SettingsError::new(format!("{name} in the service file must be {must_be}"))
            }
            _ => SettingsError::new(format!("{name} must be {must_be}")),
        }
    }

    /// One of some words.
    pub(super) fn choice<T: Copy>(
        &self,
        name: &str,
        choices: &[(&str, T)],
        default: T,
    ) -> Result<T, SettingsError> {
        let Some(value) = self.get(name) else { return Ok(default) };
        let found = choices.iter().find(|(word, _)| *word == value);
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            self.wrong(name, &format!("one of {}", words.join(", ")))
        })
    }

    /// A whole number.
    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, SettingsError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        // As wide as libpq's own.
        match value.trim().parse::<i32>() {
            Ok(number) => Ok(Some(number.into())),
            Err(_) => Err(self.wrong(name, "a whole number")),
        }
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Any value may be a misplaced password.
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn unknown(name: &str, may_show: bool) -> SettingsError {
    if !may_show || !keys::is_plain(name) {
        return SettingsError::new("a connection setting has an unknown name")
            .with_hint(super::ESCAPING_HINT);
    }
    let nearest = keys::KEYS.iter().map(|key| (distance(name, key.name), key.name)).min();
    let error = SettingsError::new(format!("unknown connection setting \"{name}\""));
    match nearest {
        Some((1 | 2, nearest)) => error.with_hint(format!("Did you mean {nearest}?")),
        _ => error.with_hint(
            "Known are the settings of libpq, such as host, port, dbname, user, sslmode.",
        ),
    }
}

fn refused(name: &str) -> SettingsError {
    SettingsError::new(format!("the connection setting {name} is not supported")).with_hint(
        "It guards the connection in a way that the bridge cannot, so it is not ignored: remove \
         it if the connection is safe without it.",
    )
}

/// Edits from one word to the other.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_gets_the_nearest_known_one() {
        let error = Params::default().set("sslmod", "x".into(), Origin::Text, true).unwrap_err();
        assert_eq!(error.message(), "unknown connection setting \"sslmod\"");
        assert_eq!(error.hint(), Some("Did you mean sslmode?"));
        let error = Params::default().set("qwertz", "x".into(), Origin::Text, true).unwrap_err();
        assert!(error.hint().unwrap().contains("libpq"));
    }

    #[test]
    fn a_name_that_may_be_a_password_is_not_shown() {
        for (name, may_show) in [("hunter2", false), ("hunter2@db", true)] {
            let error = Params::default().set(name, "x".into(), Origin::Text, may_show);
            assert!(!error.unwrap_err().to_string().contains("hunter2"));
        }
    }

    #[test]
    fn what_comes_first_stays() {
        let mut params = Params::default();
        params.set("host", "a".into(), Origin::Text, true).unwrap();
        let mut service = Params::default();
        service.set("host", "b".into(), Origin::Service, true).unwrap();
        service.set("port", "x".into(), Origin::Service, true).unwrap();
        params.add(service);
        let env = [("PGHOST", "c"), ("PGPORT", "1"), ("PGUSER", "u"), ("PGREQUIRESSL", "1")];
        params.add_variables(&Environment::of_variables(env)).unwrap();
        assert_eq!(params.get("host"), Some("a"));
        assert_eq!(params.get("user"), Some("u"));
        assert_eq!(params.get("sslmode"), Some("require"));
        let error = params.number("port").unwrap_err();
        assert_eq!(error.message(), "port in the service file must be a whole number");
    }

    #[test]
    fn an_error_names_the_variable() {
        let mut params = Params::default();
        let env = Environment::of_variables([("PGSSLMODE", "hunter2")]);
        params.add_variables(&env).unwrap();
        let error = params.choice("sslmode", &[("disable", 0), ("allow", 1)], 0).unwrap_err();
        assert_eq!(error.message(), "PGSSLMODE must be one of disable, allow");
    }

    #[test]
    fn settings_that_guard_are_refused_unless_empty() {
        let mut params = Params::default();
        params.set("require_auth", String::new(), Origin::Text, true).unwrap();
        let env = Environment::of_variables([("PGSSLCRLDIR", "/x")]);
        let error = params.add_variables(&env).unwrap_err();
        assert!(error.message().starts_with("PGSSLCRLDIR: the connection setting sslcrldir"));
    }

    #[test]
    fn distances() {
        for (left, right, expected) in
            [("", "", 0), ("host", "host", 0), ("hots", "host", 2), ("prt", "port", 1)]
        {
            assert_eq!(distance(left, right), expected);
        }
    }
}
