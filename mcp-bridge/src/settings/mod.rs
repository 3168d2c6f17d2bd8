//! Settings: where the databases are, what a call may use, and the configuration file.
//!
//! Nothing here connects: settings are read once, at the start, and what is wrong with them is
//! said then. Which flag or variable goes before which is the command line's to decide.

pub mod conninfo;
pub mod file;
pub mod limits;
mod secret;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

pub use conninfo::ConnInfo;
pub use file::NamedDatabase;
pub use limits::Limits;
pub(crate) use secret::Secret;

/// Why settings cannot be used. Holds no password and no value that may be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    message: String,
    hint: Option<String>,
}

impl SettingsError {
    /// An error without a hint.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    /// Says what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says what it is about: `context: message`.
    #[must_use]
    pub(crate) fn within(mut self, context: &str) -> Self {
        self.message = format!("{context}: {}", self.message);
        self
    }

    /// What is wrong, without a full stop.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it, in sentences.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n{hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for SettingsError {}

/// What settings depend on besides their text: variables, the user and his folders.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    home: Option<PathBuf>,
    user: Option<String>,
    socket_dirs: Vec<PathBuf>,
    service_files: Vec<PathBuf>,
}

impl Environment {
    /// The environment of this process. Variables that are not UTF-8 are left out.
    #[must_use]
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self {
            variables: std::env::vars_os().filter_map(text).collect(),
            home: std::env::home_dir().filter(|home| !home.as_os_str().is_empty()),
            user: whoami::username().ok(),
            // Debian's and PostgreSQL's own.
            socket_dirs: vec!["/var/run/postgresql".into(), "/tmp".into()],
            service_files: vec![
                "/etc/postgresql-common/pg_service.conf".into(),
                "/etc/pg_service.conf".into(),
            ],
        }
    }

    /// An environment of these variables and nothing else: no home, no user, no socket.
    #[must_use]
    pub fn of_variables<K: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self { variables: variables.collect(), ..Self::default() }
    }

    /// Sets the home folder, where libpq's files are looked for.
    #[must_use]
    pub fn with_home(mut self, home: impl Into<PathBuf>) -> Self {
        self.home = Some(home.into());
        self
    }

    /// Sets the operating system's user, who is also the database's if none is given.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Sets the folders to look for the server's socket in.
    #[must_use]
    pub fn with_socket_dirs(mut self, dirs: impl IntoIterator<Item = PathBuf>) -> Self {
        self.socket_dirs = dirs.into_iter().collect();
        self
    }

    /// The value of a variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// A file in the home folder.
    pub(crate) fn in_home(&self, file: &str) -> Option<PathBuf> {
        Some(self.home.as_ref()?.join(file))
    }

    pub(crate) fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    pub(crate) fn socket_dirs(&self) -> &[PathBuf] {
        &self.socket_dirs
    }

    /// The service files of the machine, the first that has a service counts.
    pub(crate) fn service_files(&self) -> Vec<PathBuf> {
        match self.get("PGSYSCONFDIR").filter(|dir| !dir.is_empty()) {
            Some(dir) => vec![Path::new(dir).join("pg_service.conf")],
            None => self.service_files.clone(),
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The values hold passwords.
        f.debug_struct("Environment")
            .field("variables", &self.variables.keys())
            .field("home", &self.home)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_values() {
        let env = Environment::of_variables([("PGPASSWORD", "hunter2")]).with_user("app");
        let text = format!("{env:?}");
        assert!(text.contains("PGPASSWORD") && !text.contains("hunter2"), "{text}");
    }

    #[test]
    fn the_process_has_a_user_and_its_variables() {
        let env = Environment::of_process();
        assert!(env.user().is_some());
        assert_eq!(env.get("PATH"), std::env::var("PATH").ok().as_deref());
    }

    #[test]
    fn an_error_shows_its_hint_on_a_line_of_its_own() {
        let error = SettingsError::new("no port").with_hint("Give one.").within("database \"a\"");
        assert_eq!(error.to_string(), "database \"a\": no port\nGive one.");
    }
}
