//! Relations and settings that hold secrets.
//!
//! By name, so a view over them passes: which relations a name leads to, the server must tell.

/// Relations with secrets in them: names, what they hold, what to read instead.
const RELATIONS: &[(&[&str], &str, &str)] = &[
    (
        &["pg_authid", "pg_shadow"],
        "It holds the password hashes of all roles.",
        "Read pg_roles, which has all but the passwords.",
    ),
    (
        &["pg_user_mapping", "pg_user_mappings", "_pg_user_mappings", "user_mapping_options"],
        "It holds the user names and passwords for foreign servers.",
        "Read pg_foreign_server, or information_schema.user_mappings.",
    ),
    (
        &["pg_subscription"],
        "It holds the connection strings of subscriptions, with their passwords.",
        "Read pg_stat_subscription.",
    ),
    (
        &["pg_hba_file_rules", "pg_ident_file_mappings"],
        "It shows from where who may log in, and how.",
        "Ask an administrator; restricted mode does not show it.",
    ),
    (
        &["pg_file_settings"],
        "It holds the lines of the server's configuration files, with passwords that are in them.",
        "Read pg_settings.",
    ),
    (
        &["pg_largeobject"],
        "It holds the contents of all large objects, whoever may read them.",
        "Read pg_largeobject_metadata for which there are.",
    ),
    (
        &["decrypted_secrets", "decrypted_key"],
        "It holds secrets in plain text.",
        "Ask an administrator; restricted mode does not show it.",
    ),
];

/// A column of the system catalog with secrets in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatalogSecret {
    /// Schema, `pg_catalog` or `information_schema`.
    pub schema: &'static str,
    /// Table or view.
    pub relation: &'static str,
    /// The column; none when the whole relation is secret.
    pub column: Option<&'static str>,
}

const fn in_column(relation: &'static str, column: &'static str) -> CatalogSecret {
    CatalogSecret { schema: "pg_catalog", relation, column: Some(column) }
}

const fn whole(schema: &'static str, relation: &'static str) -> CatalogSecret {
    CatalogSecret { schema, relation, column: None }
}

/// The columns of the catalog that hold secrets; what else is in these relations may be read.
pub const CATALOG_SECRETS: &[CatalogSecret] = &[
    in_column("pg_authid", "rolpassword"),
    in_column("pg_shadow", "passwd"),
    in_column("pg_user_mapping", "umoptions"),
    in_column("pg_user_mappings", "umoptions"),
    in_column("pg_subscription", "subconninfo"),
    in_column("pg_largeobject", "data"),
    whole("pg_catalog", "pg_hba_file_rules"),
    whole("pg_catalog", "pg_ident_file_mappings"),
    whole("pg_catalog", "pg_file_settings"),
    whole("information_schema", "_pg_user_mappings"),
    whole("information_schema", "user_mapping_options"),
];

/// Why a relation of this name is refused and what to read instead, if it is.
#[must_use]
pub fn secret(name: &str) -> Option<(&'static str, &'static str)> {
    let found = RELATIONS.iter().find(|(names, ..)| names.contains(&name));
    found.map(|(_, why, instead)| (*why, *instead))
}

/// Whether the column shows the texts of statements that other users sent.
///
/// `pg_prepared_statements` and `pg_cursors` show the session's own.
#[must_use]
pub fn is_statement_text(relation: &str, column: &str) -> bool {
    let relations = ["pg_stat_activity", "pg_stat_statements", "pg_stat_monitor"];
    relations.contains(&relation) && column == "query"
}

/// Whether the setting holds a secret. Names of settings have no case.
///
/// Of the server's own these are `primary_conninfo` and `ssl_passphrase_command`. Applications keep
/// theirs in settings with a dot, such as `app.settings.jwt_secret`.
#[must_use]
pub fn is_secret_setting(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let words = ["conninfo", "passphrase", "secret", "private_key", "api_key"];
    words.iter().any(|word| name.contains(word))
        || (name.contains("password") && name != "password_encryption")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_the_catalog_have_a_reason() {
        for one in CATALOG_SECRETS {
            assert!(secret(one.relation).is_some(), "{one:?}");
        }
    }

    #[test]
    fn texts_of_statements_are_a_column() {
        assert!(is_statement_text("pg_stat_activity", "query"));
        assert!(!is_statement_text("pg_stat_activity", "query_id"));
        assert!(!is_statement_text("pg_prepared_statements", "statement"));
    }

    #[test]
    fn secrets_are_told_from_the_rest() {
        assert!(secret("pg_authid").is_some());
        assert!(secret("pg_roles").is_none() && secret("pg_auth_members").is_none());
        assert!(is_secret_setting("Primary_ConnInfo") && is_secret_setting("app.jwt_secret"));
        assert!(!is_secret_setting("password_encryption") && !is_secret_setting("work_mem"));
    }
}
