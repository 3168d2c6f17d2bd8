//! `mcp_check_read_only` on the hostile statements of `tests/guard`.

use advisor_tests::guard_corpus::{Case as Statement, fill, read};
use anyhow::{Context, Result, ensure};
use postgres::Client;
use postgres::error::SqlState;

use crate::Case;
use crate::fixture::Fixture;

pub(crate) const CASES: &[Case] = &[
    ("guard_refuses_hostile_statements", hostile),
    ("guard_lets_the_functions_of_a_range_type_pass", range_types),
];

/// What the guard says of a statement: `None` when the server does not take it.
pub(crate) fn verdict(client: &mut Client, sql: &str) -> Result<Option<Result<(), String>>> {
    let question = "select allowed, reason, detail, hint from mcp_check_read_only($1)";
    match client.query_one(question, &[&sql]) {
        Ok(row) => {
            let text = |at| -> Result<String> {
                Ok(row.try_get::<_, Option<String>>(at)?.unwrap_or_default())
            };
            let told = format!("{}: {} {}", text(1)?, text(2)?, text(3)?);
            Ok(Some(if row.try_get(0)? { Ok(()) } else { Err(told) }))
        }
        Err(error) => {
            // Only what is wrong with the statement, nothing that the guard did.
            let code = error.code().context("no answer of the server")?;
            let class = &code.code()[..2];
            ensure!(["42", "22", "0A", "3F"].contains(&class), "{sql}: {error:?}");
            ensure!(*code != SqlState::INSUFFICIENT_PRIVILEGE, "{sql}: {error:?}");
            Ok(None)
        }
    }
}

pub(crate) fn database(fixture: &Fixture, name: &str) -> Result<Client> {
    let mut client = fixture.cluster.create_database(name)?;
    fill(&mut client)?;
    Ok(client)
}

pub(crate) fn told(case: &Statement, verdict: &str) -> String {
    format!("{}, {}:\n{}\n=> {verdict}", case.file, case.heading, case.sql)
}

/// Statements that the bridge refuses by their words and that do no harm: they read no secret
/// column, or plan without executing.
const HARMLESS: [&str; 3] = [
    "select 1 union all select count(*) from pg_shadow",
    "explain delete from pg_authid",
    "explain (analyze, analyze off) delete from orders",
];

fn hostile(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "guard_hostile")?;
    let (mut passed, mut refused, mut unread) = (Vec::new(), 0, 0);
    for case in read("refused")? {
        match verdict(&mut client, &case.sql)? {
            Some(Ok(())) if HARMLESS.contains(&case.sql.as_str()) => {}
            Some(Ok(())) => passed.push(told(&case, "passed")),
            Some(Err(_)) => refused += 1,
            None => unread += 1,
        }
    }
    println!("refused {refused}, not read {unread}");
    ensure!(passed.is_empty(), "{} passed:\n{}", passed.len(), passed.join("\n\n"));
    Ok(())
}

/// CREATE TYPE declares functions for each range type, in the language `internal`; others in that
/// language stay refused.
fn range_types(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("guard_range_types", &["mcp_advisor"])?;
    client.batch_execute(
        "create type price_range as range (subtype = numeric, multirange_type_name = price_ranges);
        create function price_file(text) returns text language internal as 'pg_read_file_all';
        create function price_bounds(numeric, numeric) returns price_range language sql volatile
            as 'select price_range($1, $2)';",
    )?;
    for sql in [
        "select price_range(1, 2) && price_range(2, 3, '[]')",
        "select price_ranges(), price_ranges(price_range(1, 2))",
        "select price_ranges(price_range(1, 2), price_range(5, 6)) @> 1.5",
        "select range_agg(r) from (values (price_range(1, 2))) as v (r)",
    ] {
        ensure!(verdict(&mut client, sql)? == Some(Ok(())), "{sql}");
    }
    for sql in ["select price_file('PG_VERSION')", "select price_bounds(1, 2)"] {
        ensure!(matches!(verdict(&mut client, sql)?, Some(Err(_))), "{sql}");
    }
    Ok(())
}
