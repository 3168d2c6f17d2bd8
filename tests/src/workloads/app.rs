//! A shop with many tenants: what applications ask of a database, and what an expert would give it.

use anyhow::{Context, Result};
use postgres::Client;
use serde::Deserialize;

use super::{Statement, run_script, script};

const TABLES: &str = include_str!("../../workloads/app/tables.sql");
const DATA: &str = include_str!("../../workloads/app/data.sql");
const STATEMENTS: &str = include_str!("../../workloads/app/statements.sql");
const EXPERT: &str = include_str!("../../workloads/app/expert.sql");
const PLANTED: &str = include_str!("../../workloads/app/planted.sql");
const EXPECTED: &str = include_str!("../../workloads/app/expected.json");

/// Indexes that have piled up, and what should become of them.
#[derive(Debug)]
pub struct Planted {
    /// The statements that make them.
    pub sql: &'static str,
    /// Their names.
    pub expected: Expected,
}

/// Names of indexes.
#[derive(Debug, Deserialize)]
pub struct Expected {
    /// To be proposed for dropping.
    pub drop: Vec<String>,
    /// Of each group all but one.
    pub drop_one_of: Vec<Vec<String>>,
    /// Never to be proposed.
    pub keep: Vec<String>,
}

/// What is planted.
///
/// # Errors
/// When expected.json is not of the expected form.
pub fn planted() -> Result<Planted> {
    Ok(Planted { sql: PLANTED, expected: serde_json::from_str(EXPECTED).context("expected.json")? })
}

/// All statements with their calls.
pub(super) fn statements() -> Result<Vec<Statement>> {
    script::parts(STATEMENTS)
        .into_iter()
        .map(|part| {
            let (name, calls) = part.title.rsplit_once(", ").context(part.title)?;
            let calls = calls.parse().with_context(|| format!("calls of {name}"))?;
            let sql = part.sql.trim_end_matches(';').to_owned();
            Ok(Statement { name: name.to_owned(), sql, calls })
        })
        .collect()
}

/// The expert's indexes, one statement each.
pub(super) fn expert_indexes() -> Vec<String> {
    let parts = script::parts(EXPERT);
    let statements = parts.iter().flat_map(|part| part.sql.split(';'));
    statements.map(str::trim).filter(|sql| !sql.is_empty()).map(str::to_owned).collect()
}

/// Creates and fills the tables.
pub(super) fn load(
    client: &mut Client,
    scale: f64,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<()> {
    client.batch_execute("create extension pg_trgm")?;
    client.batch_execute(TABLES)?;
    run_script(client, DATA, scale, progress)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_expert_creates_indexes_only() {
        let found = expert_indexes();
        assert!(found.len() > 40);
        assert!(found.iter().all(|sql| sql.starts_with("create index on ")), "{found:#?}");
    }

    #[test]
    fn statements_are_single_ones() {
        for one in statements().unwrap() {
            assert!(!one.sql.contains(';') && one.calls > 0, "{}", one.name);
        }
    }

    #[test]
    fn expectations_name_planted_indexes() {
        let planted = planted().unwrap();
        for name in &planted.expected.drop {
            assert!(planted.sql.contains(&format!("index {name} on ")), "{name}");
        }
    }
}
