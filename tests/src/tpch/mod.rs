//! TPC-H: data at any scale, and the 22 queries.

mod generate;

use std::io::Write;

use anyhow::Result;
use postgres::Client;

use crate::cluster::Cluster;
pub use crate::workloads::tables::Loaded;
use crate::workloads::tables::{self, Source};

const TABLES: &str = include_str!("../../tpch/tables.sql");

macro_rules! query_texts {
    ($($number:literal)*) => {
        [$(include_str!(concat!("../../tpch/queries/", $number, ".sql"))),*]
    };
}

/// The texts of queries 1 to 22, each with a comment in front.
const QUERIES: [&str; 22] = query_texts!(
    "01" "02" "03" "04" "05" "06" "07" "08" "09" "10" "11"
    "12" "13" "14" "15" "16" "17" "18" "19" "20" "21" "22");

/// Tables and their primary keys, the largest first: it decides how long loading takes.
const KEYS: [(&str, &str); 8] = [
    ("lineitem", "l_orderkey, l_linenumber"),
    ("orders", "o_orderkey"),
    ("partsupp", "ps_partkey, ps_suppkey"),
    ("part", "p_partkey"),
    ("customer", "c_custkey"),
    ("supplier", "s_suppkey"),
    ("nation", "n_nationkey"),
    ("region", "r_regionkey"),
];

/// A query of the benchmark.
#[derive(Debug, Clone, Copy)]
pub struct Query {
    /// 1 to 22.
    pub number: usize,
    /// One statement, without comment and final semicolon.
    pub sql: &'static str,
}

/// All 22 queries.
#[must_use]
pub fn queries() -> Vec<Query> {
    let strip = |text: &'static str| {
        let body = text.split_once('\n').map_or(text, |(_comment, body)| body);
        body.trim_end().trim_end_matches(';')
    };
    QUERIES.iter().zip(1..).map(|(text, number)| Query { number, sql: strip(text) }).collect()
}

/// What a database of the benchmark is to be like.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// 1.0 is a gigabyte of text and 6 million rows in the largest table.
    pub scale: f64,
    /// Whether the tables get their primary keys; they never get another index or a constraint.
    pub primary_keys: bool,
}

/// Creates and fills the tables in `database`, and calls `progress` after each, in no fixed order.
///
/// # Errors
/// The first error of any table.
pub fn load(
    cluster: &Cluster,
    database: &str,
    spec: Spec,
    progress: &(dyn Fn(&Loaded) + Sync),
) -> Result<()> {
    let write = |table: &str, out: &mut dyn Write| generate::write_table(table, spec.scale, out);
    source(spec, &write).load(cluster, database, progress)
}

/// The tables with their rows.
fn source(spec: Spec, write: &(dyn Fn(&str, &mut dyn Write) -> Result<()> + Sync)) -> Source<'_> {
    Source { definitions: TABLES, keys: &KEYS, primary_keys: spec.primary_keys, write }
}

/// Adds the primary keys to tables that were loaded without.
///
/// # Errors
/// Whatever the server answers.
pub fn add_primary_keys(client: &mut Client) -> Result<()> {
    KEYS.iter().try_for_each(|(table, key)| tables::add_primary_key(client, table, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_single_statements_without_comments() {
        for query in queries() {
            assert!(!query.sql.contains(';'), "query {}", query.number);
            assert!(!query.sql.contains("--"), "query {}", query.number);
        }
    }

    #[test]
    fn every_table_has_a_definition() {
        let none = |_: &str, _: &mut dyn Write| Ok(());
        let spec = Spec { scale: 1.0, primary_keys: true };
        for (table, _) in KEYS {
            assert!(source(spec, &none).create_statement(table).unwrap().ends_with(')'), "{table}");
        }
    }
}
