//! What the connected role may do beyond reading, and what is said about it.

use serde_json::Value;

use crate::db::{Call, Database, ServerInfo};
use crate::error::ToolError;
use crate::tools::source::EXTENSION;

/// Attributes and predefined roles; of a superuser, who has all of them, that alone.
const POWERS: &str = "
select pg_catalog.array_to_json(array(
    select p.name
    from pg_catalog.pg_roles as r
    cross join lateral (
        select 'SUPERUSER' where r.rolsuper
        union all
        select a.name
        from (values
            ('BYPASSRLS', r.rolbypassrls), ('CREATEROLE', r.rolcreaterole),
            ('CREATEDB', r.rolcreatedb), ('REPLICATION', r.rolreplication)
        ) as a (name, given)
        where a.given and not r.rolsuper
        union all
        select g.rolname
        from pg_catalog.pg_roles as g
        where g.rolname in (
                'pg_write_all_data', 'pg_execute_server_program', 'pg_write_server_files',
                'pg_read_server_files', 'pg_signal_backend', 'pg_maintain', 'pg_database_owner'
            )
            and not r.rolsuper
            and pg_catalog.pg_has_role(r.oid, g.oid, 'member')
    ) as p (name)
    where r.rolname = current_user
)) as powers";

/// What makes a role that has none.
const MEND: &str = "mcp-bridge setup";

/// The powers of the connected role beyond reading.
///
/// # Errors
/// As [`Database::read_only`].
pub(crate) async fn powers(database: &Database, call: &Call) -> Result<Vec<String>, ToolError> {
    let mut session = database.read_only(call).await?;
    let row = session.rows(POWERS, &[]).await?.pop().unwrap_or_default();
    session.finish().await;
    let list = row.get("powers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Ok(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// What mends a role that has some.
pub(crate) fn mend() -> String {
    format!(
        "What the role may do is what a hole in the guard would let be done: make one that may only \
         read with {MEND}."
    )
}

/// What a restricted bridge says once it knows its server: its weaknesses, one a line.
pub(crate) fn remarks(server: &ServerInfo, powers: &[String]) -> Vec<String> {
    let mut remarks = Vec::new();
    if !powers.is_empty() {
        let has = powers.join(", ");
        remarks.push(format!("role {} has {has}. {}", server.role, mend()));
    }
    if !server.extensions.contains_key(EXTENSION) {
        remarks.push(format!(
            "extension {EXTENSION} is not in database {}, so statements are judged by their words \
             and the catalog alone, and more strictly: functions that are not known are refused. \
             With CREATE EXTENSION {EXTENSION} the server judges them.",
            server.database
        ));
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_weak_is_said() {
        let mut server = ServerInfo { role: "app".into(), ..ServerInfo::default() };
        assert_eq!(remarks(&server, &[]).len(), 1);
        let both = remarks(&server, &["BYPASSRLS".to_owned(), "pg_write_all_data".to_owned()]);
        assert!(both[0].starts_with("role app has BYPASSRLS, pg_write_all_data. "));
        assert!(both[0].contains("mcp-bridge setup") && both[1].contains("CREATE EXTENSION"));
        let extension = crate::db::Extension { version: "1".into(), schema: "s".into() };
        server.extensions.insert(EXTENSION.to_owned(), extension);
        assert!(remarks(&server, &[]).is_empty());
    }
}
