//! Advice that must come out right.

use anyhow::{Result, ensure};

use crate::Case;
use crate::fixture::{Fixture, LOOKUP, answered, state};

pub(crate) const CASES: &[Case] = &[
    ("advice_indexes_a_selective_lookup", selective_lookup),
    ("advice_on_odd_names_runs_as_printed", odd_names),
    ("advice_counts_a_statement_as_often_as_it_is_given", given_twice),
    ("advice_is_the_same_twice", deterministic),
    ("advice_works_in_a_read_only_transaction", read_only_transaction),
    ("advice_works_without_statistics", without_statistics),
    ("advice_leaves_hypothetical_indexes_alone", hypothetical_indexes),
    ("advice_goes_on_beside_a_bad_statement", bad_statement_in_a_list),
    ("advice_obeys_the_storage_budget", storage_budget),
];

fn ddl_for(sql: &str) -> String {
    format!("select ddl from mcp_advise_indexes(array[$q${sql}$q$]) order by rank")
}

fn selective_lookup(fixture: &Fixture) -> Result<()> {
    let rows = answered(&mut fixture.session()?, &ddl_for(LOOKUP))?;
    ensure!(rows.len() == 1, "{} indexes", rows.len());
    let ddl: String = rows[0].try_get(0)?;
    ensure!(ddl.starts_with("CREATE INDEX CONCURRENTLY") && ddl.contains("customer"), "{ddl}");
    Ok(())
}

fn odd_names(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    let query = "select * from \"Odd Names\".\"Order\" where \"select\" = 17";
    let rows = answered(&mut client, &ddl_for(query))?;
    ensure!(rows.len() == 1, "{} indexes", rows.len());
    client.batch_execute(rows[0].try_get(0)?)?;
    let rows = client.query(&format!("explain (costs off) {query}"), &[])?;
    let plan: String = rows[0].try_get(0)?;
    ensure!(plan.starts_with("Index Scan"), "{plan}");
    ensure!(answered(&mut client, &ddl_for(query))?.is_empty(), "advised although it exists");
    Ok(())
}

fn given_twice(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    let mut cost = |queries: &str| -> Result<(f64, i64, f64)> {
        let sql = format!(
            "select (r ->> 'cost_before')::float8, (r ->> 'statements_examined')::bigint,
                (r -> 'queries' -> 0 ->> 'weight')::float8
            from mcp_advise_report(array[{queries}]) as r"
        );
        let row = &answered(&mut client, &sql)?[0];
        Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))
    };
    let (lookup, other) = (format!("$q${LOOKUP}$q$"), "'select * from items where placed is null'");
    let (once, _, _) = cost(&lookup)?;
    let (both, _, _) = cost(&format!("{lookup}, {other}"))?;
    let (seen, examined, weight) = cost(&format!("{lookup}, {other}, {lookup}, {lookup}"))?;
    ensure!((examined, weight) == (2, 3.0), "{examined} statements, weight {weight}");
    ensure!((seen - (both + 2.0 * once)).abs() < 1e-6 * seen, "{once}, {both}, {seen}");
    Ok(())
}

fn deterministic(fixture: &Fixture) -> Result<()> {
    let sql = "select string_agg(i::text, '\n' order by rank) from mcp_advise_indexes(array[
        'select * from items where customer = 1 order by placed',
        'select count(*) from items where placed > ''2022-09-01''']) as i";
    let mut texts = Vec::new();
    for _ in 0..2 {
        texts.push(answered(&mut fixture.session()?, sql)?[0].try_get::<_, Option<String>>(0)?);
    }
    ensure!(texts[0] == texts[1], "{texts:?}");
    Ok(())
}

fn read_only_transaction(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    client.batch_execute("begin read only")?;
    ensure!(client.query(&ddl_for(LOOKUP), &[])?.len() == 1);
    Ok(client.batch_execute("commit")?)
}

fn without_statistics(fixture: &Fixture) -> Result<()> {
    answered(&mut fixture.session()?, &ddl_for("select * from never_analyzed where a = 1"))?;
    Ok(())
}

fn hypothetical_indexes(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    client.batch_execute("select hypopg_create_index('create index on items (placed)')")?;
    ensure!(state(&mut client)?.contains("placed"));
    // `answered` compares the list of hypothetical indexes.
    let rows = answered(&mut client, &ddl_for(LOOKUP))?;
    ensure!(rows.len() == 1, "{} indexes", rows.len());
    Ok(())
}

fn bad_statement_in_a_list(fixture: &Fixture) -> Result<()> {
    let sql = format!(
        "select jsonb_array_length(report->'indexes'), jsonb_array_length(report->'skipped')
        from mcp_advise_report(array['select from from', $q${LOOKUP}$q$,
            'select * from no_such_table', 'create table t ()']) as report"
    );
    let row = &answered(&mut fixture.session()?, &sql)?[0];
    let (indexes, skipped): (i32, i32) = (row.try_get(0)?, row.try_get(1)?);
    ensure!((indexes, skipped) == (1, 3), "{indexes} indexes, {skipped} skipped");
    Ok(())
}

fn storage_budget(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    let sql =
        format!("select 1 from mcp_advise_indexes(array[$q${LOOKUP}$q$], storage_budget => 8192)");
    ensure!(answered(&mut client, &sql)?.is_empty(), "an index in one page");
    Ok(())
}
