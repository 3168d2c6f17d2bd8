//! From the command line, the environment and the configuration file to settings.

use std::path::Path;
use std::sync::Arc;

use super::{LimitArgs, Source};
use crate::db::Databases;
use crate::error::ToolError;
use crate::settings::conninfo::ConnInfo;
use crate::settings::file::{ConfigFile, HttpSection, NamedDatabase};
use crate::settings::limits::Limits;
use crate::settings::{Environment, SettingsError};

/// The name of the only database when no configuration file names any.
const DEFAULT: &str = "default";

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
            if !["PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE"].iter().any(|one| env.get(one).is_some()) {
                return Err(SettingsError::new("no database is given").with_hint(
                    "Set DATABASE_URI=postgresql://user:password@host:5432/database, or give the \
                     URI as an argument, or --config.",
                ));
            }
            databases.push(named(None, env, &mut warnings)?);
        }
        limit_args.apply(&mut limits);
        limits.check()?;
        Ok(Self { databases, limits: Arc::new(limits), http, warnings })
    }

    /// The pools, not yet connected.
    ///
    /// # Errors
    /// Settings that no pool can have.
    pub(super) fn databases(&self) -> Result<Databases, ToolError> {
        Databases::new(self.databases.clone(), Arc::clone(&self.limits))
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
        return read(path).map(Some);
    }
    Ok(env.get("DATABASE_URL").filter(|text| !text.trim().is_empty()).map(str::to_owned))
}

fn read(path: &Path) -> Result<String, SettingsError> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        SettingsError::new(format!("cannot read {}: {error}", path.display()))
    })?;
    let text = text.trim();
    if text.is_empty() {
        return Err(SettingsError::new(format!("{} holds no connection URI", path.display())));
    }
    Ok(text.to_owned())
}
