//! From the command line, the environment and the configuration file to settings.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{LimitArgs, Source};
use crate::db::{Databases, Latching};
use crate::settings::conninfo::ConnInfo;
use crate::settings::file::{ConfigFile, HttpSection, NamedDatabase, read_uri};
use crate::settings::limits::Limits;
use crate::settings::{Environment, SettingsError};

/// The name of the only database when no configuration file names any.
const DEFAULT: &str = "default";

/// Variables that say where a database is, and so are enough to go by.
const PLACES: [&str; 4] = ["PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE"];

/// What the process serves.
pub(super) struct Settings {
    pub(super) databases: Vec<NamedDatabase>,
    pub(super) limits: Arc<Limits>,
    pub(super) http: HttpSection,
    pub(super) warnings: Vec<String>,
}

impl Settings {
    /// Reads everything.
    pub(super) fn read(
        source: &Source,
        limit_args: &LimitArgs,
        env: &Environment,
    ) -> Result<Self, SettingsError> {
        let mut warnings = Vec::new();
        let file = match &source.config {
            Some(path) => Some(ConfigFile::read(path, env)?),
            None => None,
        };
        let mut databases = Vec::new();
        if let Some(text) = uri(source, env, &mut warnings)? {
            databases.push(named(Some(&text), env, &mut warnings)?);
        }
        let mut limits = Limits::default();
        let mut http = HttpSection::default();
        if let Some(file) = file {
            warnings.extend(file.warnings);
            file.limits.apply(&mut limits);
            http = file.http;
            databases.extend(file.databases);
        }
        if databases.is_empty() {
            if !PLACES.iter().any(|name| env.get(name).is_some_and(|value| !value.is_empty())) {
                return Err(SettingsError::new("no database is given").with_hint(
                    "Set DATABASE_URI=postgresql://user:password@host:5432/database, or give the \
                     URI as an argument, or --config.",
                ));
            }
            databases.push(named(None, env, &mut warnings)?);
        }
        check_names(&databases)?;
        limit_args.apply(&mut limits);
        limits.check()?;
        Ok(Self { databases, limits: Arc::new(limits), http, warnings })
    }

    /// The pools, not yet connected. Must be called within a Tokio runtime.
    pub(super) fn databases(&self, latching: Latching) -> Result<Databases, SettingsError> {
        Databases::new(self.databases.clone(), Arc::clone(&self.limits), latching)
            .map_err(|error| SettingsError::new(error.message))
    }
}

/// A name that two have would hide the second.
fn check_names(databases: &[NamedDatabase]) -> Result<(), SettingsError> {
    let mut names = BTreeSet::new();
    match databases.iter().find(|database| !names.insert(&database.name)) {
        None => Ok(()),
        Some(twice) => {
            Err(SettingsError::new(format!("two databases are named \"{}\"", twice.name))
                .with_hint(
                    "The one of the URI is named \"default\": name that of the file otherwise.",
                ))
        }
    }
}

fn named(
    text: Option<&str>,
    env: &Environment,
    warnings: &mut Vec<String>,
) -> Result<NamedDatabase, SettingsError> {
    let resolved = ConnInfo::resolve(text, env)?;
    warnings.extend(resolved.warnings);
    Ok(NamedDatabase { name: DEFAULT.to_owned(), conninfo: resolved.conninfo, description: None })
}

/// The connection URI: DATABASE_URI, the argument, a file, DATABASE_URL, in this order.
///
/// The variable goes before the argument because Postgres MCP Pro has it so.
fn uri(
    source: &Source,
    env: &Environment,
    warnings: &mut Vec<String>,
) -> Result<Option<String>, SettingsError> {
    let variable = env.get("DATABASE_URI").filter(|text| !text.trim().is_empty());
    if let (Some(variable), Some(argument)) = (variable, &source.uri)
        && variable != argument
    {
        warnings.push(
            "DATABASE_URI is set and differs from the argument; the variable is used".to_owned(),
        );
    }
    if let Some(text) = variable.or(source.uri.as_deref()) {
        return Ok(Some(text.to_owned()));
    }
    if let Some(path) = &source.database_uri_file {
        return read_uri(path).map(Some);
    }
    Ok(env.get("DATABASE_URL").filter(|text| !text.trim().is_empty()).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::of_variables(variables.iter().copied()).with_user("os")
    }

    fn read(source: &Source, variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::read(source, &LimitArgs::default(), &environment(variables))
    }

    fn argument(uri: &str) -> Source {
        Source { uri: Some(uri.to_owned()), ..Source::default() }
    }

    /// A file that is removed at the end.
    struct File(PathBuf);

    impl File {
        fn new(name: &str, text: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("mcp-bridge-{name}-{}", std::process::id()));
            std::fs::write(&path, text).unwrap();
            Self(path)
        }
    }

    impl Drop for File {
        fn drop(&mut self) {
            // Nothing to do about it, and nothing depends on it.
            let _ = std::fs::remove_file(&self.0);
        }
    }

    #[test]
    fn the_variable_goes_before_the_argument_before_the_file_before_the_url() {
        let file = File::new("uri", "postgres://of-file\n");
        let of_file = Source { database_uri_file: Some(file.0.clone()), ..Source::default() };
        let both = Source { uri: Some("postgres://of-argument".into()), ..of_file.clone() };
        let uri = ("DATABASE_URI", "postgres://of-uri");
        let url = ("DATABASE_URL", "postgres://of-url");
        for (source, variables, expected, warnings) in [
            (&both, &[uri, url][..], "of-uri", 1),
            (&both, &[url], "of-argument", 0),
            (&of_file, &[url], "of-file", 0),
            (&Source::default(), &[url], "of-url", 0),
            (&Source::default(), &[("DATABASE_URI", " "), url], "of-url", 0),
            (&Source::default(), &[("PGHOST", "of-pghost")], "of-pghost", 0),
        ] {
            let settings = read(source, variables).unwrap();
            let place = settings.databases[0].conninfo.describe();
            assert!(place.contains(expected), "{place}");
            assert_eq!(settings.warnings.len(), warnings, "{expected}: {:?}", settings.warnings);
        }
    }

    #[test]
    fn without_a_database_there_is_nothing_to_serve() {
        for variables in [&[][..], &[("PGHOST", "")], &[("PGUSER", "app")]] {
            let error = read(&Source::default(), variables).err().unwrap();
            assert_eq!(error.message(), "no database is given");
        }
    }

    #[test]
    fn the_uri_is_the_first_of_several_databases() {
        let text = "[databases.shop]\nuri = 'postgres://h'\n[limits]\nrows = 7\ncalls = 8";
        let file = File::new("config", text);
        let source = Source { config: Some(file.0.clone()), ..argument("postgres://h") };
        let limits = LimitArgs { max_rows: Some(9), ..LimitArgs::default() };
        let settings = Settings::read(&source, &limits, &environment(&[])).unwrap();
        let names: Vec<_> = settings.databases.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["default", "shop"]);
        assert_eq!((settings.limits.rows, settings.limits.calls), (9, 8));
        let file = File::new("twice", "[databases.default]\nuri = 'postgres://h'");
        let source = Source { config: Some(file.0.clone()), ..argument("postgres://h") };
        let error = read(&source, &[]).err().unwrap();
        assert_eq!(error.message(), "two databases are named \"default\"");
    }

    #[test]
    fn limits_out_of_range_are_refused() {
        let limits = LimitArgs { pool_size: Some(0), ..LimitArgs::default() };
        let settings = Settings::read(&argument("postgres://h"), &limits, &environment(&[]));
        assert!(settings.err().unwrap().message().starts_with("the pool size"));
    }
}
