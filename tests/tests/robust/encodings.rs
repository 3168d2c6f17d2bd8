//! Databases in other encodings than UTF-8, and bytes that are no text at all.

use advisor_tests::robust::backend::Backend;
use advisor_tests::robust::log::Watch;
use anyhow::{Result, ensure};
use postgres::Client;
use postgres::error::SqlState;

use crate::Case;
use crate::fixture::Fixture;

pub(crate) const CASES: &[Case] =
    &[("other_encodings_are_read", other), ("bytes_that_are_no_text_are_refused", no_text)];

/// Makes a database in an encoding and connects to it, with the client's texts in UTF-8.
fn database(fixture: &Fixture, encoding: &str) -> Result<Client> {
    let name = format!("in_{}", encoding.to_lowercase());
    fixture.cluster.connect("postgres")?.batch_execute(&format!(
        "create database {name} encoding '{encoding}' template template0 locale 'C'"
    ))?;
    let mut client = fixture.cluster.connect(&name)?;
    client.batch_execute(
        "create extension pg_stat_statements; create extension mcp_advisor;
        select pg_stat_statements_reset();
        create table plain as select i as id, i % 700 as k, md5(i::text) as note
            from generate_series(1, 9000) as i;
        analyze plain",
    )?;
    Ok(client)
}

/// What is in ASCII is read in any encoding. What is not is refused outside of UTF-8, since pgrx takes
/// texts as they are stored; a statement that has none of it is advised on nevertheless.
fn other(fixture: &Fixture) -> Result<()> {
    let watch = Watch::new(&fixture.cluster);
    let words = [("LATIN1", "größe"), ("EUC_JP", "漢字"), ("KOI8R", "ключ"), ("WIN1252", "œuvre€")];
    for (encoding, word) in words {
        let mut client = database(fixture, encoding)?;
        everything(&mut client, encoding, "plain", false)?;
        client.batch_execute(&format!(
            "create table \"{word}\" as select i as id, i % 700 as k, '{word}' || i % 90 as note
                from generate_series(1, 9000) as i;
            comment on table \"{word}\" is '{word}'; analyze \"{word}\""
        ))?;
        everything(&mut client, encoding, word, true)?;
        let advised =
            "select ddl from mcp_advise_indexes(array['select id from plain where k = 5'])";
        ensure!(client.query(advised, &[])?.len() == 1, "{encoding}: nothing is advised beside it");
    }
    watch.assert_no_crash()
}

/// Calls of all kinds about a table, which may be refused for its name where that is `odd`.
fn everything(client: &mut Client, encoding: &str, table: &str, odd: bool) -> Result<()> {
    let statement = format!("select id from \"{table}\" where k = 5 and note <> '{table}7'");
    let of_a_statement = [
        "select ddl from mcp_advise_indexes(array[$1])",
        "select mcp_explain($1)",
        "select allowed from mcp_check_read_only($1)",
        "select * from mcp_plan_findings($1)",
    ];
    let of_all = [
        "select overview from mcp_schema_overview()",
        "select * from mcp_health()",
        "select * from mcp_relationships()",
        "select * from mcp_objects('public')",
        "select mcp_export_statistics()::text",
    ];
    let calls = of_a_statement.map(|call| (call, true)).into_iter();
    for (call, takes_it) in calls.chain(of_all.map(|call| (call, false))) {
        let outcome = match takes_it {
            true => client.query(call, &[&statement]),
            false => client.query(call, &[]),
        };
        ensure!(!client.is_closed(), "{encoding}: {call} ended the backend: {outcome:?}");
        match outcome {
            Ok(rows) => ensure!(
                odd || !rows.is_empty() || call.contains("finding") || call.contains("relat")
            ),
            Err(error) => {
                // The overview has an arrow in it, which not every encoding has.
                let odd = odd || call.contains("overview");
                let said = error.as_db_error().map(|error| error.message().to_lowercase());
                let known = error.code() == Some(&SqlState::CHARACTER_NOT_IN_REPERTOIRE)
                    || said.is_some_and(|said| said.contains("utf-8"));
                ensure!(odd && known, "{encoding}: {call}: {error:?}");
            }
        }
    }
    Ok(())
}

/// A database without an encoding holds any bytes. They are refused, or taken for what they may be; the
/// session goes on.
fn no_text(fixture: &Fixture) -> Result<()> {
    let watch = Watch::new(&fixture.cluster);
    database(fixture, "SQL_ASCII")?.batch_execute(
        "do $$ begin
            execute format('create table %I (id integer, %I text)', 'of ' || chr(255), chr(254));
            execute format('comment on table plain is %L', chr(255));
            insert into plain select i, 55, chr(200 + i % 50) from generate_series(1, 5000) as i;
        end $$; analyze",
    )?;
    let texts: &[&[u8]] = &[
        b"select id from plain where note = '\xff\xfe'",
        b"select '\xc3\x28' from plain where k = 5",
        b"select \xe9 from plain",
        b"select 1 as \"\xf0\x9f\"",
        b"\x80",
        b"select * from \"\xed\xa0\x80\"",
    ];
    let settings = "set client_min_messages = error";
    let mut backend = Backend::open(&fixture.cluster, "in_sql_ascii", settings)?;
    let calls = [
        "select count(*) from mcp_check_read_only(convert_from($1, 'SQL_ASCII'))",
        "select length(mcp_explain(convert_from($1, 'SQL_ASCII')))::bigint",
        "select count(*) from mcp_plan_findings(convert_from($1, 'SQL_ASCII'))",
        "select count(*) from mcp_advise_indexes(array[convert_from($1, 'SQL_ASCII'), 'select * from plain where k = 5'])",
        "select count(*) from mcp_search_schema(convert_from($1, 'SQL_ASCII'))",
        "select count(*) from mcp_object('public', convert_from($1, 'SQL_ASCII')) as x",
    ];
    let whole = [
        "select count(*) from mcp_health()",
        "select count(*) from mcp_schema_overview()",
        "select count(*) from mcp_relationships()",
        "select count(*) from mcp_objects('public')",
        "select count(*) from mcp_object('public', 'plain') as x",
        "select count(mcp_export_statistics())",
        "select count(*) from mcp_advise_indexes(array['select * from plain where note = $1'])",
    ];
    let of_texts = texts.iter().flat_map(|text| calls.map(|call| (call, Some(text))));
    for (call, text) in of_texts.chain(whole.map(|call| (call, None))) {
        let outcome = match text {
            Some(text) => backend.client.query(call, &[text]),
            None => backend.client.query(call, &[]),
        };
        ensure!(!backend.client.is_closed(), "{call}: {text:?}");
        if let Err(error) = outcome {
            let code = error.code().map(|code| code.code().to_owned()).unwrap_or_default();
            let refused = format!("{error:?}").to_lowercase().contains("utf-8");
            ensure!(refused || !code.starts_with("XX"), "{call}: {error:?}: {text:?}");
        }
    }
    backend.assert_untouched()?;
    watch.assert_no_crash()
}
