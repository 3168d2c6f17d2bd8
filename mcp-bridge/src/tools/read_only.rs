//! Whether a server may run a statement in restricted mode, after the guard has seen its words.
//!
//! Where the extension is there, the server says what the words lead to. Where it is not, the catalog
//! is asked for everything that the statement's names *can* lead to, and all of that must only read;
//! functions must be known by name besides ([`Policy::Strict`]).

use advisor_sql::guard::{self as rules, Allowed, Function, Home, Moment};
use serde::Deserialize;
use serde_json::Value;

use super::source::{EXTENSION, function};
use crate::db::{Param, ServerInfo, Session};
use crate::error::{Kind, ToolError};
use crate::guard::{self, NameKind, Policy};

/// The extension's function that judges a statement.
const JUDGE: &str = "mcp_check_read_only";

/// Languages of functions whose bodies are words that can be looked up.
const LEGIBLE: [&str; 2] = ["sql", "plpgsql"];

/// What shows settings whose names the statement may put together.
const READ_SETTINGS: [&str; 3] = ["pg_settings", "pg_show_all_settings", "current_setting"];

/// How the guard judges statements that this server is to run.
pub(crate) fn policy(server: &ServerInfo) -> Policy {
    if function(server, JUDGE).is_some() { Policy::AllowUnknown } else { Policy::Strict }
}

/// Requires that nothing that the statement leads to does anything but read.
///
/// # Errors
/// [`Kind::NotReadOnly`] when it does not; what the server says of the statement, with line and
/// column in it.
pub(crate) async fn require(
    session: &mut Session,
    server: &ServerInfo,
    statement: &str,
) -> Result<(), ToolError> {
    match function(server, JUDGE) {
        Some(function) => by_extension(session, &function, statement).await,
        None => by_catalog(session, statement).await,
    }
}

async fn by_extension(
    session: &mut Session,
    function: &str,
    statement: &str,
) -> Result<(), ToolError> {
    let sql = format!("select allowed, reason, detail, hint from {function}($1)");
    let rows = session.rows(&sql, &[Param::Text(Some(statement))]).await.map_err(|error| {
        // Of an extension from before it had a guard.
        if error.sqlstate.as_deref() == Some("42883") && error.message.contains(JUDGE) {
            return ToolError::new(Kind::MissingExtension, "the extension is too old to judge it")
                .with_hint(format!("A superuser must run: ALTER EXTENSION {EXTENSION} UPDATE;"));
        }
        error
    })?;
    let Some(row) = rows.first() else {
        return Err(ToolError::new(Kind::Internal, "the server gave no verdict on the statement"));
    };
    if row.get("allowed") == Some(&Value::Bool(true)) {
        return Ok(());
    }
    let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    Err(ToolError::new(Kind::NotReadOnly, text("reason"))
        .with_detail(text("detail"))
        .with_hint(text("hint")))
}

/// Sets what [`rules::REACH`] is written for, and says what was set before. Its estimated cost would
/// have it compiled, which takes longer than it runs.
const ENTER: &str = "select pg_catalog.current_setting('search_path') as path, \
     pg_catalog.current_setting('jit') as jit, \
     pg_catalog.array_to_json(pg_catalog.current_schemas(true))::pg_catalog.text as schemas, \
     pg_catalog.set_config('search_path', $1, true) as own_path, \
     pg_catalog.set_config('jit', 'off', true) as own_jit";

/// Sets it back.
const LEAVE: &str = "select pg_catalog.set_config('search_path', $1, true) as path, \
     pg_catalog.set_config('jit', $2, true) as jit";

async fn by_catalog(session: &mut Session, statement: &str) -> Result<(), ToolError> {
    let names = super::parsing(|| guard::names(statement))?;
    let asks_for_settings = names.iter().any(|one| {
        one.kind != NameKind::Function && READ_SETTINGS.contains(&one.name.as_str())
            || one.name == "pg_show_all_settings"
    });
    let names = serde_json::to_string(&names)
        .map_err(|error| ToolError::new(Kind::Internal, error.to_string()))?;
    let before = session.rows(ENTER, &[Param::Text(Some(advisor_sql::SEARCH_PATH))]).await?.pop();
    let text = |name: &str| before.as_ref().and_then(|row| row.get(name)).and_then(Value::as_str);
    let asked = [Param::Text(Some(&names)), Param::Text(text("schemas"))];
    let rows = session.rows(rules::REACH, &asked).await?;
    session.rows(LEAVE, &[Param::Text(text("path")), Param::Text(text("jit"))]).await?;
    let reached = rows
        .into_iter()
        .map(|row| serde_json::from_value(Value::Object(row)))
        .collect::<Result<Vec<Reached>, _>>()
        .map_err(|error| {
            ToolError::new(Kind::Internal, format!("catalog's answer is not understood: {error}"))
        })?;
    let reads_settings = asks_for_settings
        || reached.iter().any(|one| one.core && READ_SETTINGS.contains(&one.name.as_str()));
    for reached in reached.into_iter().filter(|one| reads_settings || one.kind != "setting") {
        if let Some(why) = reached.refused() {
            return Err(refusal(&reached, &why));
        }
    }
    Ok(())
}

fn refusal(reached: &Reached, why: &str) -> ToolError {
    let Reached { kind, signature, .. } = reached;
    ToolError::new(Kind::NotReadOnly, format!("the statement can lead to {kind} {signature}"))
        .with_detail(format!(
            "{why} The extension {EXTENSION} is not in this database, so everything that has a name \
             of the statement counts, and what that depends on."
        ))
        .with_hint(format!(
            "Leave out what leads there, or have a superuser run CREATE EXTENSION {EXTENSION}: then \
             the server judges what is really called."
        ))
}

/// A row of [`rules::REACH`].
#[derive(Debug, Deserialize)]
struct Reached {
    kind: String,
    schema: String,
    name: String,
    call: bool,
    signature: String,
    arguments: usize,
    core: bool,
    extension: Option<String>,
    language: Option<String>,
    trusted: bool,
    volatile: bool,
    security_definer: bool,
    pinned_path: bool,
    aggregate: bool,
    internal: bool,
    source: String,
    dynamic: bool,
}

impl Reached {
    /// Why the statement must not lead there, if so.
    fn refused(&self) -> Option<String> {
        match self.kind.as_str() {
            "relation" => return rules::secret(&self.name).map(|(why, _)| why.to_owned()),
            "foreign table" => {
                return Some(
                    "What it reads is outside of the database, where nothing is read-only."
                        .to_owned(),
                );
            }
            "setting" => {
                return rules::is_secret_setting(&self.name)
                    .then(|| "It has a value that may be a password or a key.".to_owned());
            }
            _ => {}
        }
        let function = self.function();
        let moment = if self.call { Moment::Sent } else { Moment::Support };
        if let Err(refused) = rules::judge(&function, moment, &Allowed::default()) {
            return Some(refused.why.into_owned());
        }
        if function.home != Home::User {
            return None;
        }
        if !LEGIBLE.contains(&function.language.as_str()) {
            return Some("What it does cannot be read from outside of the server.".to_owned());
        }
        self.dynamic.then(|| "It runs a text that it puts together.".to_owned())
    }

    fn function(&self) -> Function {
        Function {
            schema: self.schema.clone(),
            name: self.name.clone(),
            arguments: self.arguments,
            home: match &self.extension {
                _ if self.core => Home::Core,
                Some(extension) => Home::Extension(extension.clone()),
                None => Home::User,
            },
            language: self.language.clone().unwrap_or_default(),
            trusted: self.trusted,
            volatile: self.volatile,
            security_definer: self.security_definer,
            pinned_path: self.pinned_path,
            aggregate: self.aggregate,
            internal: self.internal,
            source: self.source.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached() -> Reached {
        Reached {
            kind: "function".into(),
            schema: "public".into(),
            name: "f".into(),
            call: true,
            signature: "public.f()".into(),
            arguments: 0,
            core: false,
            extension: None,
            language: Some("sql".into()),
            trusted: true,
            volatile: false,
            security_definer: false,
            pinned_path: false,
            aggregate: false,
            internal: false,
            source: String::new(),
            dynamic: false,
        }
    }

    #[test]
    fn users_functions_must_be_legible_and_not_volatile() {
        assert_eq!(reached().refused(), None);
        assert!(Reached { volatile: true, ..reached() }.refused().is_some());
        assert!(Reached { dynamic: true, ..reached() }.refused().is_some());
        assert!(Reached { language: Some("plv8".into()), ..reached() }.refused().is_some());
        assert!(Reached { security_definer: true, ..reached() }.refused().is_some());
    }

    #[test]
    fn the_servers_functions_and_relations_are_judged_by_their_lists() {
        let core = |name: &str| Reached {
            name: name.into(),
            core: true,
            language: Some("internal".into()),
            ..reached()
        };
        assert!(core("pg_read_file").refused().is_some());
        assert_eq!(core("lower").refused(), None);
        let relation = |name: &str| Reached { kind: "relation".into(), ..core(name) };
        assert!(relation("pg_authid").refused().is_some());
        assert_eq!(relation("pg_class").refused(), None);
    }

    #[test]
    fn a_server_without_the_extension_is_met_with_the_strict_policy() {
        assert_eq!(policy(&ServerInfo::default()), Policy::Strict);
    }
}
