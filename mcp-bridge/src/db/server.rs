//! What server we talk to, as whom, and what is installed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::session::Session;
use crate::error::{Kind, ToolError};

/// The setting `shared_preload_libraries` is for `pg_read_all_settings` to read; to others the
/// parameters that a loaded library has defined tell. Those are in `pg_settings`; what a
/// configuration file alone sets is not.
const PROBE: &str = "
select
    pg_catalog.current_setting('server_version_num')::integer as version_num,
    pg_catalog.version() as version,
    pg_catalog.current_database() as database,
    current_user as role,
    coalesce((select r.rolsuper from pg_catalog.pg_roles as r where r.rolname = current_user), false)
        as superuser,
    pg_catalog.pg_is_in_recovery() as in_recovery,
    pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'usage') as monitor,
    (
        select coalesce(pg_catalog.json_object_agg(
            e.extname,
            pg_catalog.json_build_object('version', e.extversion, 'schema', n.nspname)
        ), '{}')
        from pg_catalog.pg_extension as e
        join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
    ) as extensions,
    (
        select coalesce(pg_catalog.json_object_agg(a.name, a.default_version), '{}')
        from pg_catalog.pg_available_extensions as a
        where a.name in ('mcp_advisor', 'hypopg', 'pg_stat_statements')
    ) as available,
    case when pg_catalog.pg_has_role(current_user, 'pg_read_all_settings', 'usage')
        then pg_catalog.current_setting('shared_preload_libraries')
        else (
            select coalesce(pg_catalog.string_agg(pg_catalog.split_part(s.name, '.', 1), ','), '')
            from pg_catalog.pg_settings as s
            where s.name in ('pg_stat_statements.max', 'auto_explain.log_min_duration')
        )
    end as preloaded";

/// An installed extension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    /// As in `pg_extension`.
    pub version: String,
    /// Where its objects are, unquoted.
    pub schema: String,
}

/// What server we talk to, as whom, and what is installed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ServerInfo {
    /// Such as 150004.
    pub version_num: u32,
    /// As `version()` has it.
    pub version: String,
    /// The database's name.
    pub database: String,
    /// The current role's name.
    pub role: String,
    /// Whether the role is a superuser.
    pub superuser: bool,
    /// Whether the server is a standby.
    pub in_recovery: bool,
    /// Installed extensions by name.
    pub extensions: BTreeMap<String, Extension>,
    /// Default versions of those among mcp_advisor, hypopg and pg_stat_statements that could be
    /// installed, or are.
    pub available: BTreeMap<String, String>,
    /// Whether the role has `pg_read_all_stats`, of which `pg_monitor` is a member.
    pub monitor: bool,
    /// Shared libraries loaded at start. To a role that may not read the setting, those among
    /// pg_stat_statements and auto_explain.
    pub preloaded: Vec<String>,
}

#[derive(Deserialize)]
struct Probe {
    version_num: u32,
    version: String,
    database: String,
    role: String,
    superuser: bool,
    in_recovery: bool,
    monitor: bool,
    extensions: BTreeMap<String, Extension>,
    available: BTreeMap<String, String>,
    preloaded: String,
}

impl ServerInfo {
    /// Asks the server.
    ///
    /// # Errors
    /// As [`Session::rows`].
    pub(crate) async fn probe(session: &mut Session) -> Result<Self, ToolError> {
        let row = session.rows(PROBE, &[]).await?.pop().unwrap_or_default();
        let probe: Probe = serde_json::from_value(Value::Object(row)).map_err(|error| {
            ToolError::new(Kind::Internal, format!("server probe is not understood: {error}"))
        })?;
        Ok(Self {
            version_num: probe.version_num,
            version: probe.version,
            database: probe.database,
            role: probe.role,
            superuser: probe.superuser,
            in_recovery: probe.in_recovery,
            monitor: probe.monitor,
            extensions: probe.extensions,
            available: probe.available,
            preloaded: libraries(&probe.preloaded),
        })
    }
}

/// Names of the libraries, without folders and quotes.
fn libraries(setting: &str) -> Vec<String> {
    let names = setting.split(',').map(|name| name.trim().trim_matches('"'));
    let names = names.map(|name| name.rsplit('/').next().unwrap_or(name));
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::libraries;

    #[test]
    fn libraries_lose_folders_and_quotes() {
        assert_eq!(
            libraries(r#"pg_stat_statements, "$libdir/hypopg""#),
            ["pg_stat_statements", "hypopg"]
        );
        assert!(libraries("").is_empty());
    }
}
