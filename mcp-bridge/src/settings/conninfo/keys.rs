//! The connection settings that libpq knows, which variable each has, and what is done with it.

/// What the bridge does with a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Treatment {
    /// It has its effect.
    Used,
    /// Has no effect and none is missed.
    Accepted,
    /// Has no effect, which is said.
    Ignored,
    /// It protects the connection in a way that the bridge cannot, so it is refused.
    Refused,
}

use Treatment::{Accepted, Ignored, Refused, Used};

/// A setting.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    /// Its environment variable.
    pub(super) variable: Option<&'static str>,
    pub(super) treatment: Treatment,
}

const fn key(name: &'static str, variable: &'static str, treatment: Treatment) -> Key {
    Key { name, variable: Some(variable), treatment }
}

const fn bare(name: &'static str, treatment: Treatment) -> Key {
    Key { name, variable: None, treatment }
}

/// Those of PostgreSQL 18.
pub(super) const KEYS: &[Key] = &[
    key("service", "PGSERVICE", Used),
    key("servicefile", "PGSERVICEFILE", Used),
    key("host", "PGHOST", Used),
    key("hostaddr", "PGHOSTADDR", Used),
    key("port", "PGPORT", Used),
    key("dbname", "PGDATABASE", Used),
    key("user", "PGUSER", Used),
    key("password", "PGPASSWORD", Used),
    key("passfile", "PGPASSFILE", Used),
    key("channel_binding", "PGCHANNELBINDING", Used),
    key("connect_timeout", "PGCONNECT_TIMEOUT", Used),
    key("client_encoding", "PGCLIENTENCODING", Used),
    key("options", "PGOPTIONS", Used),
    key("application_name", "PGAPPNAME", Used),
    bare("fallback_application_name", Used),
    bare("keepalives", Used),
    bare("keepalives_idle", Used),
    bare("keepalives_interval", Used),
    bare("keepalives_count", Used),
    bare("tcp_user_timeout", Used),
    key("sslmode", "PGSSLMODE", Used),
    key("sslnegotiation", "PGSSLNEGOTIATION", Used),
    key("sslcert", "PGSSLCERT", Used),
    key("sslkey", "PGSSLKEY", Used),
    key("sslcertmode", "PGSSLCERTMODE", Used),
    key("sslrootcert", "PGSSLROOTCERT", Used),
    key("sslcrl", "PGSSLCRL", Used),
    key("sslsni", "PGSSLSNI", Used),
    key("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION", Used),
    key("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION", Used),
    key("target_session_attrs", "PGTARGETSESSIONATTRS", Used),
    key("load_balance_hosts", "PGLOADBALANCEHOSTS", Used),
    key("gssencmode", "PGGSSENCMODE", Used),
    key("requirepeer", "PGREQUIREPEER", Used),
    key("krbsrvname", "PGKRBSRVNAME", Accepted),
    key("gsslib", "PGGSSLIB", Accepted),
    key("gssdelegation", "PGGSSDELEGATION", Accepted),
    key("sslcompression", "PGSSLCOMPRESSION", Accepted),
    key("max_protocol_version", "PGMAXPROTOCOLVERSION", Accepted),
    bare("replication", Ignored),
    bare("sslpassword", Ignored),
    bare("sslkeylogfile", Ignored),
    key("min_protocol_version", "PGMINPROTOCOLVERSION", Refused),
    key("require_auth", "PGREQUIREAUTH", Refused),
    key("sslcrldir", "PGSSLCRLDIR", Refused),
    bare("scram_client_key", Refused),
    bare("scram_server_key", Refused),
    bare("oauth_issuer", Refused),
    bare("oauth_client_id", Refused),
    bare("oauth_client_secret", Refused),
    bare("oauth_scope", Refused),
];

/// The setting of that name.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// Whether a text may be shown as the name of a setting: what is not one may be a part of a
/// password that was not quoted.
pub(super) fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 40
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_and_variables_are_unique() {
        let names: BTreeSet<_> = KEYS.iter().map(|key| key.name).collect();
        assert_eq!(names.len(), KEYS.len());
        let variables: Vec<_> = KEYS.iter().filter_map(|key| key.variable).collect();
        assert_eq!(variables.iter().collect::<BTreeSet<_>>().len(), variables.len());
        assert!(variables.iter().all(|name| name.starts_with("PG")));
        assert!(KEYS.iter().all(|key| is_plain(key.name)));
    }

    #[test]
    fn only_plain_words_are_shown() {
        for (name, shown) in [("sslmod", true), ("a_1", true), ("", false), ("a@b", false)] {
            assert_eq!(is_plain(name), shown, "{name}");
        }
        assert!(!is_plain(&"a".repeat(41)));
    }
}
