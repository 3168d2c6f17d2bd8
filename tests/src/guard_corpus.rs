//! The statements in `tests/guard`.
//!
//! A file is paragraphs of SQL. Lines that begin with `--- ` are about the file; a first line of a
//! paragraph that begins with `-- ` is a heading for it and those that follow.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

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
