//! The same statements with the same hypothetical indexes, planned in process and by EXPLAIN.

use std::time::Instant;

use anyhow::{Result, ensure};
use postgres::Client;

use super::Bench;
use super::databases::Database;
use crate::measure;

/// Candidates of a statement; sets of 0, 1, 2, 4 and 8 of them are offered.
const CANDIDATES: i32 = 8;

/// Both sides take turns this often, and the fastest turn of each counts: whatever else the
/// machine does can only add time.
const TURNS: usize = 6;

/// Plans in a turn.
const REPEATS: i32 = 15;

/// A statement with a set of indexes.
struct Pair {
    indexes: Vec<String>,
    /// The cost by our planner call.
    cost: f64,
    in_process_us: f64,
    explain_us: f64,
}

/// What both sides took for a statement, over all its sets of indexes.
pub(super) struct Comparison {
    /// Sets of indexes.
    pub(super) sets: usize,
    /// Mean time of a planner call in process.
    pub(super) in_process_us: f64,
    /// Mean time of EXPLAIN from the client.
    pub(super) explain_us: f64,
    /// Sets for which both sides show the same cost.
    pub(super) same_cost: usize,
}

impl Comparison {
    /// How much faster the call in process is.
    pub(super) fn ratio(&self) -> f64 {
        self.explain_us / self.in_process_us
    }
}

/// Compares both sides on each statement.
pub(super) fn compare(
    bench: &mut Bench<'_>,
    database: Database,
    statements: &[String],
) -> Result<Vec<Comparison>> {
    let mut server = bench.databases.connect(database)?;
    // With hypopg's sizes, both sides plan with the very same numbers, so that costs must agree.
    server.batch_execute("set mcp_advisor.size_model = 'hypopg'")?;
    let mut client = bench.databases.connect(database)?;
    statements.iter().map(|sql| compare_one(&mut server, &mut client, sql)).collect()
}

fn compare_one(server: &mut Client, client: &mut Client, sql: &str) -> Result<Comparison> {
    let mut pairs = in_process(server, sql)?;
    ensure!(!pairs.is_empty(), "mcp_whatif_benchmark has no row for: {sql}");
    let mut same_cost = 0;
    for turn in 0..TURNS {
        let again = if turn == 0 { Vec::new() } else { in_process(server, sql)? };
        for (pair, again) in pairs.iter_mut().zip(again) {
            pair.in_process_us = pair.in_process_us.min(again.in_process_us);
        }
        for pair in &mut pairs {
            create(client, &pair.indexes)?;
            // Not timed: it fills the caches that creating the indexes emptied.
            let cost = measure::plan_cost(client, sql)?;
            let same = (cost - pair.cost).abs() <= 0.01 + 1e-6 * cost;
            same_cost += usize::from(same && turn == 0);
            pair.explain_us = pair.explain_us.min(explain(client, sql)?);
        }
    }
    let mean = |time: fn(&Pair) -> f64| pairs.iter().map(time).sum::<f64>() / pairs.len() as f64;
    Ok(Comparison {
        sets: pairs.len(),
        in_process_us: mean(|pair| pair.in_process_us),
        explain_us: mean(|pair| pair.explain_us),
        same_cost,
    })
}

fn in_process(server: &mut Client, sql: &str) -> Result<Vec<Pair>> {
    let rows = server.query(
        "select indexes, cost, plan_us from mcp_whatif_benchmark(array[$1::text], $2, $3)",
        &[&sql, &CANDIDATES, &REPEATS],
    )?;
    rows.iter()
        .map(|row| {
            Ok(Pair {
                indexes: row.try_get(0)?,
                cost: row.try_get(1)?,
                in_process_us: row.try_get(2)?,
                explain_us: f64::INFINITY,
            })
        })
        .collect()
}

/// Makes exactly these hypothetical indexes exist in the client's session.
fn create(client: &mut Client, indexes: &[String]) -> Result<()> {
    client.batch_execute("select hypopg_reset()")?;
    for ddl in indexes {
        let ddl = ddl.replace(" CONCURRENTLY", "");
        client.execute("select hypopg_create_index($1)", &[&ddl])?;
    }
    Ok(())
}

/// Mean time of EXPLAIN in microseconds, from sending the text to having the cost.
fn explain(client: &mut Client, sql: &str) -> Result<f64> {
    let begin = Instant::now();
    for _ in 0..REPEATS {
        measure::plan_cost(client, sql)?;
    }
    Ok(begin.elapsed().as_secs_f64() * 1e6 / f64::from(REPEATS))
}
