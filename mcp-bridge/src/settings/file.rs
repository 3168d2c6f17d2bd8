//! The configuration file: named databases, limits, HTTP settings. TOML; what it may hold is shown
//! in `packaging/mcp-bridge.example.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::conninfo::{ConnInfo, Resolved};
use super::limits::Limits;
use super::{Environment, SettingsError};

/// A database and its name.
#[derive(Debug, Clone)]
pub struct NamedDatabase {
    /// What the tools' argument `database` calls it.
    pub name: String,
    /// Where it is.
    pub conninfo: ConnInfo,
    /// What is in it, for the model.
    pub description: Option<String>,
}

/// What a configuration file says.
#[derive(Debug)]
pub struct ConfigFile {
    /// In the order of the file.
    pub databases: Vec<NamedDatabase>,
    /// Those that are given.
    pub limits: LimitsSection,
    /// How to serve over HTTP.
    pub http: HttpSection,
    /// What to tell the operator.
    pub warnings: Vec<String>,
}

/// The section `[http]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpSection {
    /// Address and port.
    pub listen: Option<String>,
    /// File with bearer tokens.
    pub auth_token_file: Option<PathBuf>,
    /// Values of the header `Host` to accept.
    pub allowed_hosts: Vec<String>,
    /// Web origins that may call.
    pub allowed_origins: Vec<String>,
    /// Path under which a reverse proxy shows the endpoints.
    pub public_path: Option<String>,
    /// Most sessions at a time, of each kind.
    pub max_sessions: Option<usize>,
    /// Whether to serve metrics.
    pub metrics: bool,
}

/// The section `[limits]`: what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsSection {
    rows: Option<u32>,
    result_bytes: Option<usize>,
    cell_chars: Option<usize>,
    sql_bytes: Option<usize>,
    statement_seconds: Option<u32>,
    analysis_seconds: Option<u32>,
    lock_ms: Option<u32>,
    idle_seconds: Option<u32>,
    queue_seconds: Option<u32>,
    connection_check_seconds: Option<u32>,
    work_mem: Option<String>,
    temp_file_limit: Option<String>,
    statement_memory: Option<String>,
    max_parallel_workers_per_gather: Option<u32>,
    pool_size: Option<usize>,
    calls: Option<usize>,
}

impl LimitsSection {
    /// Puts what is given in the place of what is there.
    pub fn apply(&self, limits: &mut Limits) {
        fn set<T>(slot: &mut T, given: Option<T>) {
            if let Some(given) = given {
                *slot = given;
            }
        }
        let seconds =
            |seconds: Option<u32>| seconds.map(|seconds| Duration::from_secs(seconds.into()));
        let millis = |millis: Option<u32>| millis.map(|ms| Duration::from_millis(ms.into()));
        set(&mut limits.rows, self.rows);
        set(&mut limits.result_bytes, self.result_bytes);
        set(&mut limits.cell_chars, self.cell_chars);
        set(&mut limits.sql_bytes, self.sql_bytes);
        set(&mut limits.statement, seconds(self.statement_seconds));
        set(&mut limits.analysis, seconds(self.analysis_seconds));
        set(&mut limits.lock, millis(self.lock_ms));
        set(&mut limits.idle_in_transaction, seconds(self.idle_seconds));
        set(&mut limits.queue_wait, seconds(self.queue_seconds));
        set(&mut limits.connection_check, seconds(self.connection_check_seconds));
        set(&mut limits.work_mem, self.work_mem.clone().map(Some));
        set(&mut limits.temp_file_limit, self.temp_file_limit.clone().map(Some));
        set(&mut limits.statement_memory, self.statement_memory.clone().map(Some));
        set(
            &mut limits.max_parallel_workers_per_gather,
            self.max_parallel_workers_per_gather.map(Some),
        );
        set(&mut limits.pool_size, self.pool_size);
        set(&mut limits.calls, self.calls);
    }
}

/// The whole file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Document {
    /// TOML's tables have no order: the places of the names give it back.
    databases: BTreeMap<Spanned<String>, DatabaseSection>,
    limits: LimitsSection,
    http: HttpSection,
}

/// A section `[databases.NAME]`.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct DatabaseSection {
    description: Option<String>,
    uri: Option<String>,
    uri_env: Option<String>,
    uri_file: Option<PathBuf>,
    service: Option<String>,
}

impl ConfigFile {
    /// Reads a file, and what it refers to.
    ///
    /// # Errors
    /// A file that cannot be read, is not TOML, or has keys or values that are not known; a
    /// database that cannot be resolved. No message shows a connection URI.
    pub fn read(path: &Path, env: &Environment) -> Result<Self, SettingsError> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            SettingsError::new(format!("cannot read {}: {error}", path.display()))
        })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        Self::parse(&text, folder, env).map_err(|error| error.within(&path.display().to_string()))
    }

    /// `folder` is where relative names of files begin.
    fn parse(text: &str, folder: &Path, env: &Environment) -> Result<Self, SettingsError> {
        let document: Document =
            toml::from_str(text).map_err(|error| syntax_error(&error, text))?;
        let mut sections: Vec<_> = document.databases.into_iter().collect();
        sections.sort_by_key(|(name, _)| name.span().start);
        let mut warnings = Vec::new();
        let mut databases = Vec::with_capacity(sections.len());
        for (name, section) in sections {
            let name = name.into_inner();
            let context = format!("database \"{name}\"");
            check_name(&name)?;
            let resolved = section.resolve(folder, env).map_err(|error| error.within(&context))?;
            warnings
                .extend(resolved.warnings.iter().map(|warning| format!("{context}: {warning}")));
            databases.push(NamedDatabase {
                name,
                conninfo: resolved.conninfo,
                description: section.description,
            });
        }
        let mut http = document.http;
        http.auth_token_file = http.auth_token_file.map(|file| folder.join(file));
        Ok(Self { databases, limits: document.limits, http, warnings })
    }
}

impl DatabaseSection {
    fn resolve(&self, folder: &Path, env: &Environment) -> Result<Resolved, SettingsError> {
        match (&self.uri, &self.uri_env, &self.uri_file, &self.service) {
            (Some(uri), None, None, None) => ConnInfo::resolve(Some(uri), env),
            (None, Some(variable), None, None) => {
                let uri = env.get(variable).filter(|uri| !uri.trim().is_empty());
                let uri = uri.ok_or_else(|| {
                    SettingsError::new(format!("the variable {variable} of uri_env is not set"))
                })?;
                ConnInfo::resolve(Some(uri), env)
            }
            (None, None, Some(file), None) => {
                ConnInfo::resolve(Some(&read_uri(&folder.join(file))?), env)
            }
            (None, None, None, Some(service)) => ConnInfo::of_service(service, env),
            _ => Err(SettingsError::new("one of uri, uri_env, uri_file and service is needed")),
        }
    }
}

/// The connection URI in a file of its own.
///
/// # Errors
/// A file that cannot be read, or is empty.
pub fn read_uri(path: &Path) -> Result<String, SettingsError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| SettingsError::new(format!("cannot read {}: {error}", path.display())))?;
    match text.trim() {
        "" => Err(SettingsError::new(format!("{} holds no connection URI", path.display()))),
        text => Ok(text.to_owned()),
    }
}

/// Clients show the names, and models write them.
fn check_name(name: &str) -> Result<(), SettingsError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if (1..=64).contains(&name.len()) && name.bytes().all(is_plain) {
        return Ok(());
    }
    Err(SettingsError::new(format!("the name of database {name:?} is not usable"))
        .with_hint("Names are of 1 to 64 letters, digits, _, - and ."))
}

/// The error without the line it is in, which the parser would show, and without a text that was
/// found in the place of something else: both may be a connection URI.
fn syntax_error(error: &toml::de::Error, text: &str) -> SettingsError {
    let message = error.message();
    let message = match (message.find("string \""), message.rfind("\", expected")) {
        (Some(start), Some(end)) if start < end => {
            let before = message.get(..start).unwrap_or_default();
            format!("{before}string{}", message.get(end + 1..).unwrap_or_default())
        }
        _ => message.to_owned(),
    };
    let message = message.lines().collect::<Vec<_>>().join(", ");
    match error.span().and_then(|span| text.get(..span.start)) {
        Some(before) => {
            let line = before.matches('\n').count() + 1;
            SettingsError::new(format!("line {line}: {message}"))
        }
        None => SettingsError::new(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = include_str!("../../packaging/mcp-bridge.example.toml");

    fn env() -> Environment {
        Environment::of_variables([("SHOP_DATABASE_URI", "postgresql://app:S3CRET@db1/shop")])
            .with_user("os")
            .with_home("/nonexistent")
    }

    fn parse(text: &str) -> Result<ConfigFile, SettingsError> {
        ConfigFile::parse(text, Path::new("/nonexistent"), &env())
    }

    #[test]
    fn the_sample_says_what_the_defaults_are() {
        let file = parse(SAMPLE).unwrap();
        let names: Vec<_> = file.databases.iter().map(|database| database.name.as_str()).collect();
        assert_eq!(names, ["shop", "reports"]);
        assert_eq!(file.databases[0].description.as_deref(), Some("the web shop"));
        assert!(file.databases[1].conninfo.describe().contains("verify-full"));
        assert_eq!(file.warnings, Vec::<String>::new());
        let mut limits = Limits { rows: 1, calls: 1, pool_size: 1, ..Limits::default() };
        file.limits.apply(&mut limits);
        assert_eq!(limits, Limits::default());
        assert_eq!(file.http.listen.as_deref(), Some("localhost:8000"));
        assert_eq!(file.http.max_sessions, Some(64));
    }

    #[test]
    fn what_the_sample_leaves_out_is_also_known() {
        let uncommented: String = SAMPLE
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(setting) if setting.contains(" = ") => format!("{setting}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        let file = parse(&uncommented).unwrap();
        assert_ne!(file.http, parse(SAMPLE).unwrap().http);
        let mut limits = Limits::default();
        file.limits.apply(&mut limits);
        assert_eq!(limits.work_mem.as_deref(), Some("64MB"));
        assert_eq!(limits.check(), Ok(()));
    }

    #[test]
    fn an_empty_file_is_one() {
        let file = parse("").unwrap();
        assert!(file.databases.is_empty());
        assert_eq!(file.limits, LimitsSection::default());
    }

    #[test]
    fn databases_keep_their_order() {
        let text = "[databases.z]\nuri='postgres://h'\n[limits]\n[databases.a]\n\
                    uri='postgres://h'\n[databases]\nm.uri='postgres://h'\n";
        let file = parse(text).unwrap();
        let names: Vec<_> = file.databases.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["z", "a", "m"]);
    }

    #[test]
    fn every_limit_can_be_given() {
        let text = "[limits]\nrows=1\nresult_bytes=2\ncell_chars=3\nsql_bytes=4\n\
                    statement_seconds=5\nanalysis_seconds=6\nlock_ms=7\nidle_seconds=8\n\
                    queue_seconds=9\nconnection_check_seconds=10\nwork_mem='1MB'\n\
                    temp_file_limit='2MB'\nstatement_memory='3GB'\nmax_parallel_workers_per_gather=0\npool_size=11\n\
                    calls=12";
        let mut limits = Limits::default();
        parse(text).unwrap().limits.apply(&mut limits);
        let expected = Limits {
            rows: 1,
            result_bytes: 2,
            cell_chars: 3,
            sql_bytes: 4,
            statement: Duration::from_secs(5),
            analysis: Duration::from_secs(6),
            lock: Duration::from_millis(7),
            idle_in_transaction: Duration::from_secs(8),
            queue_wait: Duration::from_secs(9),
            connection_check: Duration::from_secs(10),
            work_mem: Some("1MB".into()),
            temp_file_limit: Some("2MB".into()),
            statement_memory: Some("3GB".into()),
            max_parallel_workers_per_gather: Some(0),
            pool_size: 11,
            calls: 12,
            ..Limits::default()
        };
        assert_eq!(limits, expected);
    }

    #[test]
    fn what_is_wrong_has_its_line_and_no_uri() {
        for (text, expected) in [
            ("\n[limits]\nrow = 1", "line 3: unknown field `row`, expected one of `rows`"),
            ("[limit]", "line 1: unknown field `limit`"),
            ("[limits]\nrows = -1", "line 2: invalid value"),
            ("[limits]\nrows = 'S3CRET'", "line 2: invalid type: string, expected u32"),
            ("[databases]\na = 'postgres://u:S3CRET@h'", "line 2: invalid type: string, expected"),
            ("[databases.a]\nuri = ['S3CRET']", "line 2: invalid type: sequence"),
            ("[databases.a]\nuri = 'S3CRET", "line 2: "),
            ("[databases.a]\nuri = S3CRET", "line 2: "),
            ("[databases.a]\nurl = 'S3CRET'", "line 2: unknown field `url`"),
            ("[databases.a]", "database \"a\": one of uri, uri_env, uri_file and service"),
            ("[databases.a]\nuri='postgres://S3CRET@h'\nservice='s'", "database \"a\": one of uri"),
            ("[databases.a]\nuri='postgres://u:S3CRET@h:x'", "database \"a\": port must be"),
            ("[databases.a]\nuri_env='NO'", "database \"a\": the variable NO of uri_env is not"),
            ("[databases.a]\nuri_file='f'", "database \"a\": cannot read /nonexistent/f: "),
            ("[databases.a]\nservice='s'", "database \"a\": no service is named \"s\""),
            ("[databases.'a b']\nuri='postgres://h'", "the name of database \"a b\" is not usable"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.message().starts_with(expected), "{text}: {error}");
            assert!(!error.to_string().contains("S3CRET"), "{text}: {error}");
        }
    }

    #[test]
    fn a_file_that_does_not_exist_is_named() {
        let error = ConfigFile::read(Path::new("/nonexistent/x.toml"), &env()).unwrap_err();
        assert!(error.message().starts_with("cannot read /nonexistent/x.toml: "), "{error}");
    }
}
