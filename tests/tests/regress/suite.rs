//! The server's own regression suite, statement by statement.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::Case;
use crate::database::{Database, long_run};
use crate::report;
use crate::script;
use crate::send::{Call, Outcome, send};

pub(crate) const CASES: &[Case] = &[
    ("regression_suite_through_the_bridge_changes_nothing", through_the_bridge),
    ("regression_suite_is_judged_without_a_change", judged),
];

/// Of how many queries one is also explained with ANALYZE.
const EXPLAINED: usize = 10;

/// Of how many statements one is sent, in a short run.
const SLICE: usize = 16;

/// Statements that must at least be cut out of the suite, as a check of the cutter.
const LEAST: usize = 30_000;

/// The statements of the suite: all in a long run, otherwise each of `SLICE`, from `first` on.
fn statements(database: &Database, first: usize) -> Result<Vec<String>> {
    let scripts = database.scripts()?;
    let statements: Vec<String> =
        scripts.iter().flat_map(|(_, text)| script::statements(text)).collect();
    ensure!(statements.len() > LEAST, "{} statements", statements.len());
    if long_run()?.is_some() {
        return Ok(statements);
    }
    Ok(statements.into_iter().skip(first).step_by(SLICE).collect())
}

/// Every statement through `execute_sql`, and some through `explain_query`.
fn through_the_bridge(database: &Database) -> Result<()> {
    let statements = statements(database, 0)?;
    let mut pipe = database.bridge()?;
    database.unchanged_by(|| {
        let begin = Instant::now();
        let calls: Vec<Call<'_>> = statements
            .iter()
            .map(|sql| Call { tool: "execute_sql", arguments: json!({"sql": sql}), sql })
            .collect();
        let outcomes = send(&mut pipe, &calls)?;
        let all: Vec<&str> = statements.iter().map(String::as_str).collect();
        report::print("execute_sql", &all, &outcomes)?;
        let queries: Vec<&str> =
            all.iter().copied().filter(|sql| report::is_query(sql)).step_by(EXPLAINED).collect();
        let calls: Vec<Call<'_>> = queries
            .iter()
            .map(|sql| Call {
                tool: "explain_query",
                arguments: json!({"sql": sql, "analyze": true}),
                sql,
            })
            .collect();
        let explained = send(&mut pipe, &calls)?;
        report::print("explain_query", &queries, &explained)?;
        println!("through the bridge: {:.0?}", begin.elapsed());
        // Most of the suite writes, or reads what it has dropped since: a fifth runs.
        let ran = outcomes.iter().filter(|outcome| **outcome == Outcome::Allowed).count();
        ensure!(ran > statements.len() / 8, "{ran} statements ran");
        Ok(())
    })?;
    let ended = pipe.close()?;
    ensure!(!ended.log.contains("panicked"), "{}", ended.log);
    Ok(())
}

/// Every statement given to the server's judgement alone.
fn judged(database: &Database) -> Result<()> {
    let statements = statements(database, SLICE / 2)?;
    database.unchanged_by(|| {
        let begin = Instant::now();
        let mut client = database.client()?;
        client.batch_execute("set statement_timeout = '2s'")?;
        let judge = client.prepare("select allowed from mcp_check_read_only($1)")?;
        let (mut allowed, mut refused, mut errors) = (0, 0, 0);
        for sql in &statements {
            match client.query_one(&judge, &[sql]) {
                Ok(row) if row.try_get(0)? => allowed += 1,
                Ok(_) => refused += 1,
                Err(error) => {
                    error.as_db_error().with_context(|| format!("{sql}\n{error}"))?;
                    errors += 1;
                }
            }
        }
        println!(
            "mcp_check_read_only: {allowed} allowed, {refused} refused, {errors} errors; {:.0?}",
            begin.elapsed()
        );
        ensure!(allowed > statements.len() / 8, "{allowed} are allowed");
        Ok(())
    })
}
