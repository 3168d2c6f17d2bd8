//! The same question gets the same bytes.

use anyhow::Result;
use postgres::Client;

use super::databases::Database;
use super::{Bench, statements, tpch_queries};

/// Generated statements in the second workload.
const GENERATED: usize = 100;

pub(super) fn measure(bench: &mut Bench<'_>) -> Result<()> {
    let workloads = [
        ("22 queries of TPC-H", Database::Keys, tpch_queries()),
        ("100 generated statements", Database::Many, statements::generate(GENERATED)),
    ];
    for (title, database, queries) in workloads {
        let mut one = bench.databases.connect(database)?;
        let mut other = bench.databases.connect(database)?;
        bench
            .progress
            .part(&format!("Determinism: {title}, twice in one session, once in another"));
        let answers =
            [rows(&mut one, &queries)?, rows(&mut one, &queries)?, rows(&mut other, &queries)?];
        let [first, second, third] = &answers;
        let equal = first == second && first == third;
        bench.progress.line(&format!("{} indexes, {} bytes", first.len(), first.concat().len()));
        for (a, b) in first.iter().zip(second).chain(first.iter().zip(third)) {
            if a != b {
                bench.progress.line(&format!("differ:\n{a}\n{b}"));
            }
        }
        let seen = if equal { "same bytes" } else { "different bytes" };
        bench.verdicts.add(&format!("two runs, {title}"), "same bytes", seen, equal);
    }
    Ok(())
}

fn rows(client: &mut Client, queries: &[String]) -> Result<Vec<String>> {
    let sql = "select advice::text from mcp_advise_indexes(
        queries => $1, min_improvement => 0, pareto_ratio => 0) as advice";
    client.query(sql, &[&queries])?.iter().map(|row| Ok(row.try_get(0)?)).collect()
}
