//! What `$1` stands for in `mcp_explain`: given values, and none.

use advisor_tests::whole_rows;
use anyhow::{Result, ensure};
use postgres::{Client, SimpleQueryMessage};

use crate::Case;
use crate::explain::explained;
use crate::fixture::{Fixture, refused};

pub(crate) const CASES: &[Case] = &[
    ("explain_given_values_are_a_custom_plan", custom),
    ("explain_generic_plan_is_the_servers", generic),
    ("explain_given_values_of_many_types", types),
    ("explain_given_values_that_do_not_fit", wrong),
    ("explain_given_values_run_no_functions_of_users", no_functions),
];

/// What the server plans for a prepared statement.
fn prepared(client: &mut Client, mode: &str, query: &str, values: &str) -> Result<String> {
    let sql = format!(
        "set plan_cache_mode = {mode}; prepare explained as {query};
        explain execute explained({values}); deallocate explained; reset plan_cache_mode"
    );
    let messages = client.simple_query(&sql)?;
    let lines: Vec<&str> = messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        })
        .collect();
    Ok(lines.join("\n"))
}

/// Statements and values: as EXECUTE and as our array takes them.
const STATEMENTS: [(&str, &str, &str); 5] = [
    ("select * from items where customer = $1", "4711", "array['4711']"),
    ("select * from items where id < $1 and customer > $2", "50, 9", "array['50', '9']"),
    ("select * from items where id = any ($1)", "'{1,2,3}'", "array['{1,2,3}']"),
    ("select * from items where placed > $1 order by id", "'2022-09-01'", "array['2022-09-01']"),
    ("select * from items where note = $1 or id = $2", "null, 7", "array[null, '7']"),
];

fn custom(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    for (query, values, array) in STATEMENTS {
        let expected = prepared(&mut client, "force_custom_plan", query, values)?;
        let found = explained(&mut client, query, &format!("parameters => {array}"))?;
        ensure!(found == expected, "{query}:\n{found}\n---\n{expected}");
        let more = format!("parameters => {array}, \"analyze\" => true");
        let found = explained(&mut client, query, &more)?;
        ensure!(found.contains("actual time") && found.contains("Execution Time"), "{found}");
    }
    let text = explained(
        &mut client,
        "select * from items where customer = $1",
        "array['create index i on items (customer)'], parameters => '{4711}'",
    )?;
    ensure!(text.contains("used: i\n") && text.contains("(customer = 4711)"), "{text}");
    explained(&mut client, "select 1", "parameters => '{}'")?;
    // A number that does not occur takes whatever is given for it.
    let text = explained(
        &mut client,
        "select * from items where id = $2",
        "parameters => array['nonsense', '5'], \"analyze\" => true",
    )?;
    ensure!(text.contains("(id = 5)") && whole_rows(&text).contains("rows=1 loops=1"), "{text}");
    Ok(())
}

fn generic(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    for (query, values, _) in STATEMENTS {
        let expected = prepared(&mut client, "force_generic_plan", query, values)?;
        let found = explained(&mut client, query, "generic_plan => true")?;
        ensure!(found == expected && found.contains("$1"), "{query}:\n{found}\n---\n{expected}");
    }
    Ok(())
}

fn types(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("explain_types", &["hypopg", "mcp_advisor"])?;
    client.batch_execute(
        "create schema elsewhere; create table elsewhere.found (a integer);
        create type mood as enum ('sad', 'happy'); create type pair as (a integer, b text);
        create domain short as varchar(3); create domain positive as integer check (value > 0);
        create table kinds (m mood, p pair, s short, n positive, r regclass, j jsonb, a text[],
            i interval, b bytea, t int4range);
        set search_path = public, elsewhere",
    )?;
    for (condition, value, shown) in [
        ("m = $1", "happy", "'happy'::mood"),
        ("p = $1::pair", "(1,x)", "'(1,x)'::pair"),
        ("r::text = $1::regclass::text", "found", "'found'::regclass"),
        ("j @> $1", "{\"a\": 1}", "'{\"a\": 1}'::jsonb"),
        ("a && $1", "{x,NULL}", "'{x,NULL}'::text[]"),
        ("i < $1", "3 days", "'3 days'::interval"),
        ("b = $1", "\\x00ff", "'\\x00ff'::bytea"),
        ("t @> $1", "[1,7)", "'[1,7)'::int4range"),
        ("n = $1::positive", "7", "7"),
        // Read with the domain's length, whose checks are not run.
        ("n = $1::positive", "-7", "'-7'"),
        ("s = $1::short", "abc", "'abc'"),
        ("s = 'O''Brien' or s = $1", "O'Brien", "'O''Brien'"),
    ] {
        let value = value.replace('\'', "''");
        let more = format!("parameters => array['{value}']");
        let text =
            explained(&mut client, &format!("select * from kinds where {condition}"), &more)?;
        ensure!(text.contains(shown), "{condition}: {text}");
    }
    let sql = "select mcp_explain('select * from kinds where s = $1::short',
        parameters => '{abcdef}')";
    refused(&mut client, sql, "22001")?;
    Ok(())
}

fn wrong(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    let one = "select * from items where id = $1";
    let two = "select * from items where id = $1 and placed = $2";
    for (query, values, code, detail) in [
        (one, "{}", "22023", "The statement has 1 parameter, the array 0 values."),
        (one, "{1,2}", "22023", "The statement has 1 parameter, the array 2 values."),
        (two, "{1}", "22023", "The statement has 2 parameters, the array 1 value."),
        ("select 1", "{1}", "22023", "The statement has 0 parameters, the array 1 value."),
        (one, "{x}", "22P02", "It is the value given for parameter $1."),
        (one, "{99999999999}", "22003", "It is the value given for parameter $1."),
        (two, "{1,2024-13-40}", "22008", "It is the value given for parameter $2."),
        (two, "{1,''}", "22007", "It is the value given for parameter $2."),
    ] {
        for more in ["", ", \"analyze\" => true"] {
            let sql =
                format!("select mcp_explain($q${query}$q$, parameters => $v${values}$v${more})");
            let error = refused(&mut client, &sql, code)?;
            ensure!(error.detail() == Some(detail), "{error:?}");
        }
    }
    // What is given is a value for the statement, which may fail with it.
    let sql = "select mcp_explain('select 10 / $1', parameters => '{0}')";
    refused(&mut client, sql, "22012")?;
    let sql = "select mcp_explain('select * from items where id = $1', parameters => '{{1},{2}}')";
    ensure!(client.query_one(sql, &[]).is_err(), "two dimensions are taken");
    explained(&mut client, one, "parameters => '{1}'").map(drop)
}

/// Input of a domain runs its checks, which are anybody's.
fn no_functions(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("explain_traps", &["hypopg", "mcp_advisor"])?;
    client.batch_execute(
        "create table trapped (a integer);
        create function spring(integer) returns boolean language plpgsql as
            $$ begin raise exception 'sprung' using errcode = 'P0077'; end $$;
        create domain trap as integer check (spring(value));
        create type holder as (inside trap);
        create domain trap_list as trap[];",
    )?;
    // A value of the domain itself is read as one of the type below.
    client.batch_execute(
        "create function is_seven(trap) returns boolean language sql as 'select true'",
    )?;
    let found = explained(&mut client, "select is_seven($1) from trapped", "parameters => '{5}'")?;
    ensure!(found.contains("Seq Scan on trapped"), "{found}");
    for cast in ["trap[]", "holder", "trap_list", "holder[]"] {
        for value in ["{5}", "(5)", "{(5)}"] {
            let sql = format!(
                "select mcp_explain('select $1::{cast} from trapped', parameters => array['{value}'])"
            );
            let error = refused(&mut client, &sql, "0A000")?;
            ensure!(error.detail() == Some("It is the value given for parameter $1."), "{error:?}");
            ensure!(error.hint().is_some(), "{error:?}");
        }
    }
    Ok(())
}
