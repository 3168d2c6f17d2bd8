//! Every bad argument gets the right code, and a message that helps.

use anyhow::{Result, ensure};

use crate::Case;
use crate::fixture::{Fixture, LOOKUP, answered, refused};

const INVALID_PARAMETER: &str = "22023";
const NULL_NOT_ALLOWED: &str = "22004";
const SYNTAX_ERROR: &str = "42601";
const UNDEFINED_TABLE: &str = "42P01";
const NOT_SUPPORTED: &str = "0A000";
const MISSING_PREREQUISITE: &str = "55000";

pub(crate) const CASES: &[Case] = &[
    ("bad_input_empty_list", empty_list),
    ("bad_input_null_element", null_element),
    ("bad_input_single_statement", single_statement),
    ("bad_input_numbers", numbers),
    ("bad_input_nulls", nulls),
    ("bad_input_without_pg_stat_statements", without_pg_stat_statements),
    ("bad_input_empty_database", empty_database),
];

fn empty_list(fixture: &Fixture) -> Result<()> {
    let sql = "select * from mcp_advise_indexes('{}')";
    refused(&mut fixture.session()?, sql, INVALID_PARAMETER).map(drop)
}

fn null_element(fixture: &Fixture) -> Result<()> {
    let sql = "select * from mcp_advise_indexes(array['select 1', null])";
    refused(&mut fixture.session()?, sql, NULL_NOT_ALLOWED).map(drop)
}

/// With nothing else to advise on, the server's own error for the statement is the answer.
fn single_statement(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    for (statement, code) in [
        ("select from from", SYNTAX_ERROR),
        ("select 1; drop table items", SYNTAX_ERROR),
        ("select * from no_such_table", UNDEFINED_TABLE),
        ("create table t ()", NOT_SUPPORTED),
    ] {
        let sql = format!("select * from mcp_advise_indexes(array[$q${statement}$q$])");
        refused(&mut client, &sql, code)?;
    }
    let rows = answered(&mut client, "select to_regclass('items') is not null")?;
    ensure!(rows[0].try_get::<_, bool>(0)?, "the second statement was executed");
    Ok(())
}

fn numbers(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    for argument in [
        "storage_budget => -1",
        "max_columns => 0",
        "max_columns => -1",
        "max_columns => 33",
        "min_improvement => -0.1",
        "min_improvement => 'NaN'",
        "min_improvement => 'Infinity'",
        "pareto_ratio => -1",
        "pareto_ratio => 'NaN'",
        "pareto_ratio => 'Infinity'",
        "time_limit => '-1 s'",
        "time_limit => '0'",
        "max_queries => 0",
        "max_queries => -5",
    ] {
        let name = argument.split(' ').next().unwrap_or_default();
        for function in ["mcp_advise_indexes", "mcp_advise_report"] {
            let sql = format!("select * from {function}(array[$q${LOOKUP}$q$], {argument})");
            let error = refused(&mut client, &sql, INVALID_PARAMETER)?;
            ensure!(error.message().contains(name), "{argument}: {}", error.message());
        }
    }
    Ok(())
}

fn nulls(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    for name in ["max_columns", "min_improvement", "pareto_ratio", "max_queries"] {
        let sql =
            format!("select * from mcp_advise_indexes(array[$q${LOOKUP}$q$], {name} => null)");
        refused(&mut client, &sql, NULL_NOT_ALLOWED)?;
    }
    for name in ["storage_budget", "time_limit"] {
        let sql =
            format!("select * from mcp_advise_indexes(array[$q${LOOKUP}$q$], {name} => null)");
        ensure!(answered(&mut client, &sql)?.len() == 1, "{name} => null means no limit");
    }
    Ok(())
}

fn without_pg_stat_statements(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("no_statements", &["hypopg", "mcp_advisor"])?;
    client.batch_execute("select mcp_advise_indexes(array['select 1']); select hypopg()")?;
    let error = refused(&mut client, "select * from mcp_advise_indexes()", MISSING_PREREQUISITE)?;
    let hint = error.hint().unwrap_or_default();
    ensure!(hint.contains("CREATE EXTENSION pg_stat_statements"), "hint: {hint}");
    Ok(())
}

fn empty_database(fixture: &Fixture) -> Result<()> {
    let extensions = ["hypopg", "pg_stat_statements", "mcp_advisor"];
    let mut client = fixture.database("empty", &extensions)?;
    client.batch_execute("select hypopg()")?;
    ensure!(answered(&mut client, "select * from mcp_advise_indexes()")?.is_empty());
    Ok(())
}
