//! `report`: one page, or one JSON document, about a database.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::run::{self, Failure};
use super::startup::Settings;
use super::{EXIT_CONFIGURATION, EXIT_REPORT, EXIT_USAGE, LimitArgs, Source};
use crate::db::{Databases, Latching};
use crate::error::ToolError;
use crate::report::collect::{self, Request};
use crate::report::file::Target;
use crate::report::page;
use crate::settings::{Environment, SettingsError};

/// Seconds that the advice needs beside the search: statements are read before it, plans after.
const RESERVE: u64 = 30;

/// Least seconds for a section; the health of a database with 10,000 tables takes some.
const LEAST: u64 = 60;

/// How long the end waits for statements to be cancelled.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// What to report on, and where to.
#[derive(Debug, Clone, Args)]
#[command(group = clap::ArgGroup::new("forms").required(true).multiple(true))]
pub struct ReportArgs {
    /// Write a self-contained HTML page to this file; - is standard output.
    #[arg(long, value_name = "FILE", group = "forms")]
    pub html: Option<PathBuf>,
    /// Write the same as JSON; - is standard output.
    #[arg(long, value_name = "FILE", group = "forms")]
    pub json: Option<PathBuf>,
    /// Where the database is.
    #[command(flatten)]
    pub source: Source,
    /// Which database of the configuration file [default: the first].
    #[arg(long, value_name = "NAME")]
    pub database: Option<String>,
    /// Statements to list.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub top: u16,
    /// Seconds that the search for indexes may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3000))]
    pub time_limit: u32,
}

/// Makes the report and writes it. Nothing is written when the database cannot be reached.
///
/// # Errors
/// What to print and the exit code.
pub async fn report(args: &ReportArgs, out: &mut dyn Write) -> Result<io::Result<()>, Failure> {
    let targets = targets(args)?;
    let longest = u64::from(args.time_limit).saturating_add(RESERVE).max(LEAST);
    let limits = LimitArgs { analysis_timeout: Some(longest), ..LimitArgs::default() };
    let settings = Settings::read(&args.source, &limits, &Environment::of_process())
        .map_err(|error| unusable(&error))?;
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    let databases = settings.databases(Latching::Auto).map_err(|error| unusable(&error))?;
    let cancelled = CancellationToken::new();
    run::stop_on_signals(&cancelled);
    let collected = collect(args, &settings, &databases, cancelled).await;
    databases.close(CLOSE_LIMIT).await;
    let report = collected.map_err(|error| failed(&error))?;
    for (target, form, path) in targets {
        let text = match form {
            Form::Html => page::page(&report),
            Form::Json => match serde_json::to_string_pretty(&report) {
                Ok(text) => text + "\n",
                Err(error) => return Ok(Err(error.into())),
            },
        };
        match target.write(&text, out) {
            Ok(()) => {}
            Err(error) if target == Target::Output => return Ok(Err(error)),
            Err(error) => return Err(not_written(path, &error)),
        }
    }
    Ok(Ok(()))
}

async fn collect(
    args: &ReportArgs,
    settings: &Settings,
    databases: &Databases,
    cancelled: CancellationToken,
) -> Result<crate::report::model::Report, ToolError> {
    let request = Request {
        database: databases.get(args.database.as_deref())?,
        limits: Arc::clone(&settings.limits),
        cancelled,
        top: args.top,
        time_limit: args.time_limit,
    };
    collect::report(&request).await
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Html,
    Json,
}

/// Where to write what; looked at first, for a report may take minutes.
fn targets(args: &ReportArgs) -> Result<Vec<(Target, Form, &Path)>, Failure> {
    let wanted = [(args.html.as_deref(), Form::Html), (args.json.as_deref(), Form::Json)];
    let mut targets: Vec<(Target, Form, &Path)> = Vec::new();
    for (path, form) in wanted {
        let Some(path) = path else { continue };
        let target = Target::new(path).map_err(|error| not_written(path, &error))?;
        if targets.iter().any(|(other, ..)| *other == target) {
            return Err(Failure {
                message: "--html and --json go to the same place".to_owned(),
                code: EXIT_USAGE,
            });
        }
        targets.push((target, form, path));
    }
    Ok(targets)
}

fn unusable(error: &SettingsError) -> Failure {
    Failure { message: error.to_string(), code: EXIT_CONFIGURATION }
}

fn not_written(path: &Path, error: &io::Error) -> Failure {
    Failure { message: format!("cannot write {}: {error}", path.display()), code: EXIT_REPORT }
}

fn failed(error: &ToolError) -> Failure {
    let parts = [Some(&error.message), error.detail.as_ref(), error.hint.as_ref()];
    let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    Failure { message: parts.join("\n"), code: EXIT_REPORT }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn parse(arguments: &[&str]) -> Result<ReportArgs, clap::Error> {
        let cli = Cli::try_parse_from([&["mcp-bridge", "report"], arguments].concat())?;
        match cli.command {
            Some(Command::Report(args)) => Ok(args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_form_is_needed_and_numbers_are_in_range() {
        assert!(parse(&[]).is_err());
        assert!(parse(&["postgresql://h"]).is_err());
        for bad in ["--top=0", "--top=1001", "--time-limit=0", "--time-limit=3001"] {
            assert!(parse(&["--html=a", bad]).is_err(), "{bad}");
        }
        let args = parse(&["--html", "a.html", "--json", "-", "postgresql://h"]).unwrap();
        assert_eq!(args.source.uri.as_deref(), Some("postgresql://h"));
        assert_eq!((args.top, args.time_limit), (20, 30));
    }

    #[test]
    fn one_place_takes_one_form() {
        let failure = targets(&parse(&["--html=-", "--json=-"]).unwrap()).unwrap_err();
        assert_eq!(failure.code, EXIT_USAGE);
        let failure = targets(&parse(&["--html=/dev/null"]).unwrap()).unwrap_err();
        assert_eq!(failure.code, EXIT_REPORT);
        assert!(failure.message.contains("/dev/null: is no regular file"), "{}", failure.message);
    }
}
