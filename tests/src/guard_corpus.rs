//! The statements in `tests/guard`.
//!
//! A file is paragraphs of SQL. Lines that begin with `--- ` are about the file; a first line of a
//! paragraph that begins with `-- ` is a heading for it and those that follow.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use postgres::{Client, SimpleQueryMessage};

/// The extensions whose functions the statements call, in the order in which they can be made.
pub const EXTENSIONS: [&str; 29] = [
    "amcheck",
    "citext",
    "cube",
    "earthdistance",
    "fuzzystrmatch",
    "hstore",
    "hypopg",
    "intagg",
    "intarray",
    "isn",
    "ltree",
    "mcp_advisor",
    "pageinspect",
    "pg_buffercache",
    "pg_freespacemap",
    "pg_stat_statements",
    "pg_trgm",
    "pg_visibility",
    "pgcrypto",
    "pgrowlocks",
    "pgstattuple",
    "seg",
    "sslinfo",
    "tablefunc",
    "tsm_system_rows",
    "tsm_system_time",
    "unaccent",
    "uuid-ossp",
    "xml2",
];

/// A statement.
#[derive(Debug, Clone)]
pub struct Case {
    /// The name of its file.
    pub file: String,
    /// What the statements have in common.
    pub heading: String,
    /// The statement.
    pub sql: String,
}

/// The folder of the corpus.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("guard")
}

/// Makes everything that the statements are about in an empty database.
///
/// # Errors
/// What the server says.
pub fn fill(client: &mut Client) -> Result<()> {
    for file in ["schema.sql", "schema_objects.sql"] {
        client.batch_execute(&fs::read_to_string(folder().join(file))?).context(file)?;
    }
    for extension in EXTENSIONS {
        let sql = format!("create extension \"{extension}\"");
        client.batch_execute(&sql).context(extension)?;
    }
    Ok(())
}

/// Makes a role that may read everything there is in the database and the server's statistics.
///
/// # Errors
/// What the server says.
pub fn create_reader(client: &mut Client, role: &str) -> Result<()> {
    client.batch_execute(&format!(
        "create role {role} login password '{role}';
        grant pg_monitor to {role};
        grant usage on schema app to {role};
        grant select on all tables in schema public to {role};
        grant select on all sequences in schema public to {role}"
    ))?;
    Ok(())
}

/// How many rows the server answers, or the SQLSTATE of its error.
///
/// # Errors
/// When the connection is lost.
pub fn rows(client: &mut Client, sql: &str) -> Result<Result<usize, String>> {
    match client.simple_query(sql) {
        Ok(messages) => {
            let row = |message: &&SimpleQueryMessage| matches!(message, SimpleQueryMessage::Row(_));
            Ok(Ok(messages.iter().filter(row).count()))
        }
        Err(error) => Ok(Err(error.code().context("no answer of the server")?.code().to_owned())),
    }
}

/// All statements of the files whose names begin so.
///
/// # Errors
/// When the folder cannot be read.
pub fn read(prefix: &str) -> Result<Vec<Case>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder())? {
        let name = entry?.file_name().into_string().ok().context("name")?;
        if name.starts_with(prefix) {
            files.push(name);
        }
    }
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let text = fs::read_to_string(folder().join(&file))?;
        let mut heading = String::new();
        for paragraph in without_remarks(&text).split("\n\n") {
            let mut sql = paragraph.trim_matches('\n');
            if let Some(rest) = sql.strip_prefix("-- ") {
                let (line, rest) = rest.split_once('\n').unwrap_or((rest, ""));
                heading = line.to_owned();
                sql = rest;
            }
            if !sql.is_empty() {
                let (file, heading, sql) = (file.clone(), heading.clone(), sql.to_owned());
                cases.push(Case { file, heading, sql });
            }
        }
    }
    Ok(cases)
}

fn without_remarks(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("--- ")).collect();
    lines.join("\n")
}
