//! `export` and `advise`: a database's statistics in a file, and advice computed from them in a
//! scratch database.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::run::{self, Failure};
use super::startup::Settings;
use super::{EXIT_ADVISE, EXIT_CONFIGURATION, EXIT_USAGE, LimitArgs, Source};
use crate::db::{Database, Databases, Latching};
use crate::error::ToolError;
use crate::report::file::Target;
use crate::settings::{ConnInfo, Environment, Limits, NamedDatabase, SettingsError};
use crate::shadow::{Imported, Run, Search};
use crate::tools;

/// How long the end waits for statements to be cancelled.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// What to export, and where to.
#[derive(Debug, Clone, Args)]
pub struct ExportArgs {
    /// Where the database is.
    #[command(flatten)]
    pub source: Source,
    /// The file to write; - is standard output.
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    pub output: PathBuf,
    /// Leave out values that occur in rows: most common values, bounds of histograms.
    #[arg(long)]
    pub no_values: bool,
}

/// What to advise on, and where to compute it.
#[derive(Debug, Clone, Args)]
#[command(group = clap::ArgGroup::new("origin").required(true))]
pub struct AdviseArgs {
    /// The database to advise on; it is only read, and needs no extension but pg_stat_statements.
    ///
    /// Prefer MCP_BRIDGE_SOURCE_URI: arguments are visible to all users of the machine.
    #[arg(
        long,
        value_name = "URI",
        env = "MCP_BRIDGE_SOURCE_URI",
        hide_env_values = true,
        group = "origin"
    )]
    pub source: Option<String>,
    /// A file of `export` instead.
    #[arg(long, value_name = "FILE", group = "origin")]
    pub from: Option<PathBuf>,
    /// An empty scratch database, on a server that has the extension's files.
    ///
    /// Prefer MCP_BRIDGE_SHADOW_URI. What is imported runs with the rights of this role: let it own
    /// the scratch database and nothing else.
    #[arg(long, value_name = "URI", env = "MCP_BRIDGE_SHADOW_URI", hide_env_values = true)]
    pub shadow: String,
    /// Drop what an earlier import left in the scratch database.
    #[arg(long)]
    pub replace: bool,
    /// As for export.
    #[arg(long, conflicts_with = "from")]
    pub no_values: bool,
    /// Space for all new indexes together, such as 500MB or 2GB [default: no limit].
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    pub budget: Option<i64>,
    /// Seconds that the search for indexes may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3000))]
    pub time_limit: u32,
    /// Print the whole report as JSON.
    #[arg(long)]
    pub json: bool,
}

/// A size in bytes, kB, MB, GB or TB.
fn bytes(text: &str) -> Result<i64, String> {
    let number = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let shift = match text.get(number.len()..).unwrap_or_default() {
        "" | "B" => 0,
        "kB" | "KB" => 10,
        "MB" => 20,
        "GB" => 30,
        "TB" => 40,
        unit => return Err(format!("\"{unit}\" is none of B, kB, MB, GB and TB")),
    };
    let number: i64 = number.trim().parse().map_err(|_| "is no whole number".to_owned())?;
    let fits = number >= 0 && number <= i64::MAX >> shift;
    if fits { Ok(number << shift) } else { Err("is out of range".to_owned()) }
}

/// Writes the document of a database. Nothing is written when it cannot be read.
///
/// # Errors
/// What to print and the exit code.
pub async fn export(args: &ExportArgs, out: &mut dyn Write) -> Result<io::Result<()>, Failure> {
    let target = Target::new(&args.output).map_err(|error| not_written(&args.output, &error))?;
    let env = Environment::of_process();
    let settings = Settings::read(&args.source, &LimitArgs::default(), &env)
        .map_err(|error| unusable(&error))?;
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    let databases = settings.databases(Latching::Off).map_err(|error| unusable(&error))?;
    let database = databases.get(None).map_err(|error| failed(&error))?;
    let run = begin();
    let document = run.export(&database, !args.no_values).await;
    databases.close(CLOSE_LIMIT).await;
    let text = document.map_err(|error| failed(&error))?.to_string() + "\n";
    match target.write(&text, out) {
        Err(error) if target != Target::Output => Err(not_written(&args.output, &error)),
        written => Ok(written),
    }
}

/// Reads the source or the file, imports it and prints the advice.
///
/// # Errors
/// What to print and the exit code.
pub async fn advise(args: &AdviseArgs, out: &mut dyn Write) -> Result<io::Result<()>, Failure> {
    let env = Environment::of_process();
    let mut named = vec![named("shadow", &args.shadow, &env)?];
    if let Some(source) = &args.source {
        named.push(self::named("source", source, &env)?);
    }
    if let [shadow, source] = named.as_slice()
        && shadow.conninfo.describe() == source.conninfo.describe()
    {
        let message = "--source and --shadow are the same database".to_owned();
        return Err(Failure { message, code: EXIT_USAGE });
    }
    let databases = Databases::new(named, Arc::new(Limits::default()), Latching::Off)
        .map_err(|error| failed(&error))?;
    let answer = advice(args, &databases).await;
    databases.close(CLOSE_LIMIT).await;
    let (imported, report) = answer?;
    if args.json {
        let answer = json!({"import": imported, "report": report});
        let written = serde_json::to_writer_pretty(&mut *out, &answer);
        return Ok(written.map_err(io::Error::from).and_then(|()| writeln!(out)));
    }
    Ok(writeln!(out, "{}{}", remarks(&imported), tools::advice(&report).text))
}

type Advice = (Imported, serde_json::Map<String, Value>);

async fn advice(args: &AdviseArgs, databases: &Databases) -> Result<Advice, Failure> {
    let get = |name| databases.get(Some(name)).map_err(|error| failed(&error));
    let shadow: Database = get("shadow")?;
    let run = begin();
    let document = match &args.from {
        Some(path) => document_in(path)?,
        None => {
            let source = get("source")?;
            tracing::info!(source = source.describe(), "reading the statistics");
            run.export(&source, !args.no_values).await.map_err(|error| failed(&error))?
        }
    };
    tracing::info!(shadow = shadow.describe(), "importing them");
    let imported = run.import(&shadow, &document, args.replace).await;
    let imported = imported.map_err(|error| failed(&error))?;
    tracing::info!(seconds = args.time_limit, "looking for indexes");
    let search = Search { budget: args.budget, time_limit: args.time_limit };
    let report = run.advise(&shadow, search).await.map_err(|error| failed(&error))?;
    Ok((imported, report))
}

fn document_in(path: &Path) -> Result<Value, Failure> {
    let unread = |error: &dyn std::fmt::Display| Failure {
        message: format!("cannot read {}: {error}", path.display()),
        code: EXIT_ADVISE,
    };
    let text = fs::read_to_string(path).map_err(|error| unread(&error))?;
    serde_json::from_str(&text).map_err(|error| unread(&error))
}

/// What there is to say of the import before the advice.
fn remarks(imported: &Imported) -> String {
    let notes = imported.notes.iter().map(|note| format!("Note: {note}.\n"));
    let left_out = imported.left_out.iter().map(|what| format!("Left out: {what}.\n"));
    notes.chain(left_out).collect()
}

fn begin() -> Run {
    let cancelled = CancellationToken::new();
    run::stop_on_signals(&cancelled);
    Run { cancelled }
}

fn named(name: &str, uri: &str, env: &Environment) -> Result<NamedDatabase, Failure> {
    let resolved = ConnInfo::resolve(Some(uri), env).map_err(|error| unusable(&error))?;
    for warning in resolved.warnings {
        tracing::warn!(database = name, "{warning}");
    }
    let name = name.to_owned();
    Ok(NamedDatabase { name, conninfo: resolved.conninfo, description: None })
}

fn unusable(error: &SettingsError) -> Failure {
    Failure { message: error.to_string(), code: EXIT_CONFIGURATION }
}

fn not_written(path: &Path, error: &io::Error) -> Failure {
    Failure { message: format!("cannot write {}: {error}", path.display()), code: EXIT_ADVISE }
}

fn failed(error: &ToolError) -> Failure {
    let parts = [Some(&error.message), error.detail.as_ref(), error.hint.as_ref()];
    let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    Failure { message: parts.join("\n"), code: EXIT_ADVISE }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn parse(arguments: &[&str]) -> Result<AdviseArgs, clap::Error> {
        match Cli::try_parse_from([&["mcp-bridge", "advise"], arguments].concat())?.command {
            Some(Command::Advise(args)) => Ok(args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_origin_and_a_scratch_database_are_needed() {
        assert!(parse(&["--source=postgres://a"]).is_err());
        assert!(parse(&["--shadow=postgres://b"]).is_err());
        assert!(parse(&["--shadow=postgres://b", "--source=postgres://a", "--from=f"]).is_err());
        assert!(parse(&["--shadow=postgres://b", "--from=f", "--no-values"]).is_err());
        let args = parse(&["--shadow=postgres://b", "--from=f", "--budget=2GB"]).unwrap();
        assert_eq!((args.budget, args.time_limit, args.replace), (Some(2 << 30), 30, false));
    }

    #[test]
    fn sizes_have_units() {
        for (text, expected) in [("0", 0), ("12B", 12), ("3kB", 3072), ("500MB", 500 << 20)] {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        for text in ["", "MB", "-1MB", "1.5GB", "1PB", "99999999TB", "1mb"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
