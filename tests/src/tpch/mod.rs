//! TPC-H: data at any scale, and the 22 queries.

mod generate;

use std::collections::VecDeque;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use postgres::Client;

use crate::cluster::Cluster;

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

/// A table that has been loaded.
#[derive(Debug)]
pub struct Loaded {
    /// Its name.
    pub table: &'static str,
    /// Rows copied.
    pub rows: u64,
    /// From the first row to the end of VACUUM ANALYZE.
    pub time: Duration,
}

/// Creates and fills the tables in `database`, and calls `progress` after each, in no fixed order.
///
/// Tables load side by side, but each through one connection from its first row to its last: the
/// order of rows on disk, and so the statistics on it, are the same every time.
///
/// # Errors
/// The first error of any table.
pub fn load(
    cluster: &Cluster,
    database: &str,
    spec: Spec,
    progress: &(dyn Fn(&Loaded) + Sync),
) -> Result<()> {
    let waiting = Mutex::new(VecDeque::from(KEYS));
    let next = || waiting.lock().map_or(None, |mut queue| queue.pop_front());
    let work = || -> Result<()> {
        let mut client = cluster.connect(database)?;
        while let Some((table, key)) = next() {
            let loaded = load_table(&mut client, table, key, spec)
                .with_context(|| format!("load table {table}"))?;
            progress(&loaded);
        }
        Ok(())
    };
    let workers = thread::available_parallelism().map_or(2, usize::from).min(KEYS.len());
    thread::scope(|scope| {
        let running: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        running.into_iter().try_for_each(|worker| {
            worker.join().unwrap_or_else(|_| Err(anyhow!("a worker panicked")))
        })
    })
}

fn load_table(client: &mut Client, table: &'static str, key: &str, spec: Spec) -> Result<Loaded> {
    let begin = Instant::now();
    // Created and filled in one transaction, the rows can be written frozen and without WAL.
    let mut transaction = client.transaction()?;
    transaction.batch_execute(create_statement(table)?)?;
    let copy = format!("copy {table} from stdin with (delimiter '|', freeze)");
    let mut writer = transaction.copy_in(&copy)?;
    generate::write_table(table, spec.scale, &mut writer)?;
    let rows = writer.finish()?;
    transaction.commit()?;
    if spec.primary_keys {
        add_primary_key(client, table, key)?;
    }
    client.batch_execute(&format!("vacuum (analyze) {table}"))?;
    Ok(Loaded { table, rows, time: begin.elapsed() })
}

fn add_primary_key(client: &mut Client, table: &str, key: &str) -> Result<()> {
    Ok(client.batch_execute(&format!("alter table {table} add primary key ({key})"))?)
}

/// Adds the primary keys to tables that were loaded without.
///
/// # Errors
/// Whatever the server answers.
pub fn add_primary_keys(client: &mut Client) -> Result<()> {
    KEYS.iter().try_for_each(|(table, key)| add_primary_key(client, table, key))
}

fn create_statement(table: &str) -> Result<&'static str> {
    let head = format!("create table {table} (");
    let begin = TABLES.find(&head).with_context(|| format!("no table {table} in tables.sql"))?;
    let rest = &TABLES[begin..];
    Ok(&rest[..rest.find(';').context("unterminated statement in tables.sql")?])
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
        for (table, _) in KEYS {
            assert!(create_statement(table).unwrap().ends_with(')'), "{table}");
        }
    }
}
