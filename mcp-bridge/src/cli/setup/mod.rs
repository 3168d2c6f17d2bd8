//! `setup`: a role that may read and nothing else, made or mended in one transaction.

mod facts;
mod plan;

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::startup::Settings;
use super::{LimitArgs, Source};
use crate::db::{BigNumbers, Call, Caps, Database, Latching, Session};
use crate::error::{Kind, ToolError};
use crate::settings::conninfo::{Address, Host};
use crate::settings::{ConnInfo, Environment, Secret, SettingsError};
use facts::Facts;
use plan::{Plan, plan};

/// The variable that the new role's password is in.
const PASSWORD: &str = "MCP_BRIDGE_ROLE_PASSWORD";

/// How long the transaction may take.
const LIMIT: Duration = Duration::from_secs(60);

/// What to set up.
#[derive(Debug, Clone, Args)]
#[command(group = clap::ArgGroup::new("reads").required(true).multiple(true))]
pub struct SetupArgs {
    /// Where the database is; connect as a superuser.
    #[command(flatten)]
    pub source: Source,
    /// The role to make, or to mend.
    #[arg(long, value_name = "NAME", default_value = "mcp_reader")]
    pub role: String,
    /// Do it; without this the SQL is printed and nothing is changed.
    #[arg(long)]
    pub apply: bool,
    /// File with the role's password; or the environment variable MCP_BRIDGE_ROLE_PASSWORD.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Let the role read all tables (pg_read_all_data).
    #[arg(long, group = "reads")]
    pub read_all_data: bool,
    /// Let the role read the tables of this schema, later ones too; repeatable.
    #[arg(long, value_name = "NAME", group = "reads")]
    pub schema: Vec<String>,
    /// Create the extension mcp_advisor as well.
    #[arg(long)]
    pub extension: bool,
    /// Connections that the role may have.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    pub connection_limit: u16,
    /// The role's statement_timeout.
    #[arg(long, value_name = "TIME", default_value = "60s")]
    pub statement_timeout: String,
    /// The role's work_mem.
    #[arg(long, value_name = "SIZE", default_value = "64MB")]
    pub work_mem: String,
    /// The role's temp_file_limit.
    #[arg(long, value_name = "SIZE", default_value = "1GB")]
    pub temp_file_limit: String,
}

/// Why nothing was set up.
#[derive(Debug)]
pub enum Failure {
    /// Settings that cannot be used.
    Settings(SettingsError),
    /// What the server says, or what must be decided first.
    Refused(Box<ToolError>),
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::Settings(error)
    }
}

impl From<ToolError> for Failure {
    fn from(error: ToolError) -> Self {
        Self::Refused(Box::new(error))
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Settings(error) => error.fmt(f),
            Self::Refused(error) => {
                let parts = [Some(&error.message), error.detail.as_ref(), error.hint.as_ref()];
                let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
                f.write_str(&parts.join("\n"))
            }
        }
    }
}

fn refused(message: String, hint: &str) -> ToolError {
    ToolError::new(Kind::InvalidArgument, message).with_hint(hint)
}

/// Prints what sets the role up, or does it.
///
/// # Errors
/// Why nothing was done.
pub async fn setup(args: &SetupArgs, out: &mut dyn Write) -> Result<io::Result<()>, Failure> {
    let env = Environment::of_process();
    if args.role.is_empty() || args.role.contains('\0') {
        return Err(SettingsError::new("--role is no name").into());
    }
    let verifier = password(args, &env)?
        .map(|secret| postgres_protocol::password::scram_sha_256(secret.reveal().as_bytes()));
    let settings = Settings::read(&args.source, &LimitArgs::default(), &env)?;
    let database = settings.databases(Latching::Off)?.get(None)?;
    let Some(named) = settings.databases.first() else {
        return Err(SettingsError::new("no database is given").into());
    };
    let plan = carry_out(args, &database, verifier.as_deref()).await?;
    Ok(out.write_all(report(args, &plan, &named.conninfo).as_bytes()))
}

/// The role's password. It is no argument: those are visible to all users of the machine.
fn password(args: &SetupArgs, env: &Environment) -> Result<Option<Secret>, SettingsError> {
    let text = match &args.password_file {
        Some(path) => fs::read_to_string(path).map_err(|error| {
            SettingsError::new(format!("cannot read {}: {error}", path.display()))
        })?,
        None => match env.get(PASSWORD) {
            Some(text) => text.to_owned(),
            None => return Ok(None),
        },
    };
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(SettingsError::new("the password is empty")
            .with_hint(format!("Write it into the file, or into {PASSWORD}.")));
    }
    Ok(Some(Secret::new(text)))
}

async fn carry_out(
    args: &SetupArgs,
    database: &Database,
    verifier: Option<&str>,
) -> Result<Plan, ToolError> {
    let call = Call::with_timeout(LIMIT);
    if !args.apply {
        let mut session = database.read_only(&call).await?;
        let facts = Facts::read(&mut session, &args.role, &args.schema).await?;
        session.finish().await;
        return plan(args, &facts, verifier);
    }
    let mut session = database.begin_write(&call).await?;
    let facts = Facts::read(&mut session, &args.role, &args.schema).await?;
    let plan = plan(args, &facts, verifier)?;
    for statement in &plan.statements {
        run(&mut session, statement).await?;
    }
    session.commit().await?;
    Ok(plan)
}

async fn run(session: &mut Session, statement: &str) -> Result<(), ToolError> {
    let caps = Caps { rows: 1, bytes: 1 << 16, cell_chars: 1000, big_numbers: BigNumbers::String };
    session.simple(statement, &caps).await.map(drop).map_err(|error| {
        let detail = format!(
            "{}The statement was: {}. Nothing was changed.",
            error.detail.as_ref().map(|detail| format!("{detail} ")).unwrap_or_default(),
            without_verifier(statement),
        );
        error.with_detail(detail)
    })
}

/// The statement without what the server keeps of the password, by which it can be guessed at.
fn without_verifier(statement: &str) -> String {
    match statement.split_once(" PASSWORD '") {
        Some((before, _)) => format!("{before} PASSWORD '…'"),
        None => statement.to_owned(),
    }
}

/// SQL that can be run, or that was run, with remarks as comments.
fn report(args: &SetupArgs, plan: &Plan, conninfo: &ConnInfo) -> String {
    let mut text = format!("-- {}\n", conninfo.describe());
    text.push_str(if args.apply {
        "-- Done, in one transaction:\n"
    } else {
        "-- Nothing was changed. Run this SQL as a superuser, or call again with --apply.\n"
    });
    text.push_str("BEGIN;\n");
    for statement in &plan.statements {
        let statement = if args.apply { without_verifier(statement) } else { statement.clone() };
        text.push_str(&format!("{statement};\n"));
    }
    text.push_str("COMMIT;\n");
    for warning in &plan.warnings {
        text.push_str(&format!("-- warning: {}\n", one_line(warning)));
    }
    text.push_str(&format!("-- DATABASE_URI={}\n", uri(conninfo, &args.role)));
    text
}

/// A comment ends with its line.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// The URI by which the role connects, without a password.
fn uri(conninfo: &ConnInfo, role: &str) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let host = |host: &Host| match &host.address {
        Address::Socket(folder) => {
            format!("{}:{}", encoded(&folder.display().to_string()), host.port)
        }
        Address::Tcp { .. } => host.describe(),
    };
    let hosts: Vec<String> = conninfo.hosts.iter().map(host).collect();
    let remote = conninfo.hosts.iter().any(|host| matches!(host.address, Address::Tcp { .. }));
    format!(
        "postgresql://{}@{}/{}{}",
        encoded(role).replace("%5F", "_"),
        hosts.join(","),
        encoded(&conninfo.dbname).replace("%5F", "_"),
        if remote { format!("?sslmode={}", conninfo.tls.mode.name()) } else { String::new() },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conninfo(uri: &str) -> ConnInfo {
        let env = Environment::of_variables([("PGUSER", "postgres")]);
        ConnInfo::resolve(Some(uri), &env).unwrap().conninfo
    }

    #[test]
    fn the_uri_is_that_of_the_role_and_has_no_password() {
        for (given, expected) in [
            (
                "postgresql://root:geheim@db:5433/shop?sslmode=require",
                "postgresql://mcp_reader@db:5433/shop?sslmode=require",
            ),
            ("postgresql://root@%2Ftmp%2Fx/s%20p", "postgresql://mcp_reader@%2Ftmp%2Fx:5432/s%20p"),
        ] {
            assert_eq!(uri(&conninfo(given), "mcp_reader"), expected);
        }
    }

    #[test]
    fn what_is_told_of_a_statement_has_no_verifier() {
        let statement = "CREATE ROLE \"r\" LOGIN PASSWORD 'SCRAM-SHA-256$4096:abc'";
        assert_eq!(without_verifier(statement), "CREATE ROLE \"r\" LOGIN PASSWORD '…'");
        assert_eq!(without_verifier("GRANT a TO b"), "GRANT a TO b");
    }
}
