//! From what there is and what is asked for to statements, and to what they do not mend.

use super::facts::Facts;
use super::{SetupArgs, refused};
use crate::error::ToolError;
use crate::tools::source::{EXTENSION, quoted};

/// What is done, in one transaction.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) statements: Vec<String>,
    pub(super) warnings: Vec<String>,
}

/// Most names in a warning.
const MOST_NAMES: usize = 10;

/// A text as SQL writes it, for a session with `standard_conforming_strings` on.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The plan. `verifier` is what the server keeps of the password.
///
/// # Errors
/// What must be decided by a person first.
pub(super) fn plan(
    args: &SetupArgs,
    facts: &Facts,
    verifier: Option<&str>,
) -> Result<Plan, ToolError> {
    check(args, facts)?;
    let role = quoted(&args.role);
    let mut statements = Vec::new();
    statements.push(define(args, facts, verifier));
    statements.push(format!("GRANT CONNECT ON DATABASE {} TO {role}", quoted(&facts.database)));
    statements.push(format!("GRANT pg_monitor TO {role}"));
    grants(args, facts, &mut statements);
    settings(args, facts, &mut statements);
    // Last: it loads the library, and a library from before the guard refuses its setting.
    if args.extension && facts.extension_schema.is_none() {
        let schema = facts.current_schema.as_deref().unwrap_or("public");
        statements
            .push(format!("CREATE EXTENSION IF NOT EXISTS {EXTENSION} SCHEMA {}", quoted(schema)));
    }
    Ok(Plan { statements, warnings: warnings(args, facts, verifier) })
}

fn check(args: &SetupArgs, facts: &Facts) -> Result<(), ToolError> {
    if !facts.may_create {
        return Err(refused(
            format!("role \"{}\" may not create roles", facts.me),
            "Connect as a superuser.",
        ));
    }
    if facts.exists && facts.me == args.role {
        return Err(refused(
            format!("\"{}\" is the role that is connected", args.role),
            "Connect as a superuser, and give another --role.",
        ));
    }
    let another = "Give another --role, or take that away first, if nobody needs it.";
    if !facts.attributes.is_empty() {
        let has = facts.attributes.join(", ");
        return Err(refused(format!("role \"{}\" exists and has {has}", args.role), another));
    }
    if !facts.memberships.is_empty() {
        let has = facts.memberships.join(", ");
        let message = format!("role \"{}\" exists and is a member of {has}", args.role);
        return Err(refused(message, another));
    }
    if facts.owned > 0 {
        let message = format!("role \"{}\" exists and owns {} objects", args.role, facts.owned);
        return Err(refused(message, "Give another --role: an owner may change what it owns."));
    }
    if let Some(schema) = facts.unknown_schemas.first() {
        return Err(refused(
            format!("schema \"{schema}\" does not exist"),
            "Names are matched letter by letter, without quotes around them.",
        ));
    }
    if args.extension && !facts.extension_available {
        return Err(refused(
            format!("the files of {EXTENSION} are not on the server"),
            "Install them (see its README), or leave --extension out.",
        ));
    }
    Ok(())
}

/// CREATE ROLE, or what it takes to mend one that is there.
fn define(args: &SetupArgs, facts: &Facts, verifier: Option<&str>) -> String {
    let role = quoted(&args.role);
    let password = verifier.map(|text| format!(" PASSWORD {}", literal(text))).unwrap_or_default();
    let limit = args.connection_limit;
    if facts.exists {
        // It has none of the other powers, and only a superuser may say so again.
        format!("ALTER ROLE {role} LOGIN INHERIT CONNECTION LIMIT {limit}{password}")
    } else {
        format!(
            "CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE INHERIT NOREPLICATION \
             NOBYPASSRLS CONNECTION LIMIT {limit}{password}"
        )
    }
}

fn grants(args: &SetupArgs, facts: &Facts, statements: &mut Vec<String>) {
    let role = quoted(&args.role);
    if args.read_all_data {
        statements.push(format!("GRANT pg_read_all_data TO {role}"));
    }
    for name in &args.schema {
        let schema = quoted(name);
        statements.push(format!("GRANT USAGE ON SCHEMA {schema} TO {role}"));
        statements.push(format!("GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}"));
        for owner in facts.owners.get(name).into_iter().flatten() {
            statements.push(format!(
                "ALTER DEFAULT PRIVILEGES FOR ROLE {} IN SCHEMA {schema} GRANT SELECT ON TABLES TO \
                 {role}",
                quoted(owner)
            ));
        }
    }
    if let Some(schema) = &facts.extension_schema {
        statements.push(format!("GRANT USAGE ON SCHEMA {} TO {role}", quoted(schema)));
    } else if args.extension {
        let schema = quoted(facts.current_schema.as_deref().unwrap_or("public"));
        statements.push(format!("GRANT USAGE ON SCHEMA {schema} TO {role}"));
    }
}

fn settings(args: &SetupArgs, facts: &Facts, statements: &mut Vec<String>) {
    let mut set = |name: &str, value: &str| {
        let role = quoted(&args.role);
        statements.push(format!("ALTER ROLE {role} SET {name} = {}", literal(value)));
    };
    set("default_transaction_read_only", "on");
    set("statement_timeout", &args.statement_timeout);
    set("lock_timeout", "2s");
    set("idle_in_transaction_session_timeout", "60s");
    set("work_mem", &args.work_mem);
    set("max_parallel_workers_per_gather", "2");
    if facts.superuser {
        set("temp_file_limit", &args.temp_file_limit);
        if (facts.extension_schema.is_some() || args.extension) && facts.has_guard {
            set("session_preload_libraries", EXTENSION);
            set(&format!("{EXTENSION}.guard"), "on");
        }
    }
}

fn some(names: &[String]) -> String {
    let shown = names.iter().take(MOST_NAMES).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST_NAMES) {
        0 => shown,
        rest => format!("{shown} and {rest} more"),
    }
}

/// What the statements leave as it is, though it lets the role do more than read.
fn warnings(args: &SetupArgs, facts: &Facts, verifier: Option<&str>) -> Vec<String> {
    let database = quoted(&facts.database);
    let mut warnings = Vec::new();
    if verifier.is_none() && !facts.exists {
        warnings.push(
            "The role has no password: give --password-file or MCP_BRIDGE_ROLE_PASSWORD, or let it \
             in by pg_hba.conf."
                .to_owned(),
        );
    }
    if !facts.superuser {
        warnings.push(format!(
            "You are no superuser, so temp_file_limit and the guard of {EXTENSION} are not set."
        ));
    }
    if facts.extension_schema.is_none() && !args.extension {
        warnings.push(format!(
            "{EXTENSION} is not in this database, so the server does not judge statements itself; \
             --extension creates it."
        ));
    }
    if facts.public_temp {
        warnings.push(format!(
            "Everybody may create temporary tables, which take disk. Consider: REVOKE TEMPORARY ON \
             DATABASE {database} FROM PUBLIC;"
        ));
    }
    for schema in &facts.creatable_schemas {
        warnings.push(format!(
            "The role may create objects in schema {0}, and so put its own in the place of others'. \
             Consider: REVOKE CREATE ON SCHEMA {0} FROM PUBLIC;",
            quoted(schema)
        ));
    }
    if let Some(first) = facts.writable_tables.first() {
        warnings.push(format!(
            "The role may change: {}. Consider: REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {first} \
             FROM PUBLIC;",
            some(&facts.writable_tables)
        ));
    }
    if let Some(first) = facts.definer_functions.first() {
        warnings.push(format!(
            "The role may call functions that run with their owner's rights and may write: {}. \
             Consider: REVOKE EXECUTE ON FUNCTION {first} FROM PUBLIC;",
            some(&facts.definer_functions)
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn args(words: &[&str]) -> SetupArgs {
        let cli = Cli::try_parse_from([&["mcp-bridge", "setup"], words].concat()).unwrap();
        match cli.command {
            Some(Command::Setup(args)) => args,
            other => panic!("{other:?}"),
        }
    }

    fn facts() -> Facts {
        Facts {
            me: "postgres".into(),
            database: "shop".into(),
            superuser: true,
            may_create: true,
            has_guard: true,
            ..Facts::default()
        }
    }

    #[test]
    fn names_are_quoted() {
        let args = args(&["--role", "a\"b", "--schema", "Odd \"one\""]);
        let plan = plan(&args, &facts(), Some("SCRAM-SHA-256$x'y")).unwrap();
        assert!(plan.statements[0].starts_with("CREATE ROLE \"a\"\"b\" LOGIN NOSUPERUSER"));
        assert!(plan.statements[0].ends_with("PASSWORD 'SCRAM-SHA-256$x''y'"));
        let all = plan.statements.join(";\n");
        assert!(all.contains("GRANT USAGE ON SCHEMA \"Odd \"\"one\"\"\" TO \"a\"\"b\""), "{all}");
        assert!(!all.contains("guard") && !all.contains("pg_read_all_data"), "{all}");
    }

    #[test]
    fn the_guard_is_set_where_the_extension_is() {
        let args = args(&["--read-all-data"]);
        let with = Facts { extension_schema: Some("public".into()), ..facts() };
        let all = plan(&args, &with, None).unwrap().statements.join(";\n");
        assert!(all.contains("SET session_preload_libraries = 'mcp_advisor'"), "{all}");
        assert!(all.contains("SET mcp_advisor.guard = 'on'"), "{all}");
        let other = Facts { superuser: false, ..with };
        let plan = plan(&args, &other, None).unwrap();
        assert!(!plan.statements.join(";").contains("guard"));
        assert!(plan.warnings.iter().any(|warning| warning.contains("no superuser")));
    }

    #[test]
    fn a_role_that_can_do_more_is_left_alone() {
        let args = args(&["--read-all-data"]);
        let is = |facts: Facts| plan(&args, &facts, None).unwrap_err().message;
        let there = || Facts { exists: true, ..facts() };
        let powers = is(Facts { attributes: vec!["SUPERUSER".into()], ..there() });
        assert_eq!(powers, "role \"mcp_reader\" exists and has SUPERUSER");
        let member = is(Facts { memberships: vec!["app".into()], ..there() });
        assert!(member.ends_with("is a member of app"));
        assert!(is(Facts { owned: 2, ..there() }).ends_with("owns 2 objects"));
        assert!(is(Facts { may_create: false, ..facts() }).contains("may not create roles"));
        assert!(is(Facts { unknown_schemas: vec!["x".into()], ..facts() }).contains("\"x\""));
    }
}
