//! The options of EXPLAIN in `mcp_explain`: they do what the server's do, and fail as the server's do.

use anyhow::{Context, Result, ensure};
use postgres::{Client, SimpleQueryMessage};
use serde_json::Value;

use crate::Case;
use crate::explain::explained;
use crate::fixture::{Fixture, LOOKUP, refused};

pub(crate) const CASES: &[Case] = &[
    ("explain_options_are_the_servers", are_the_servers),
    ("explain_options_of_what_is_executed", executed),
    ("explain_options_that_do_not_fit", unfit),
];

/// What EXPLAIN answers with these options.
fn server_explained(client: &mut Client, options: &str, query: &str) -> Result<String> {
    let messages = client.simple_query(&format!("explain ({options}) {query}"))?;
    let lines: Vec<&str> = messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        })
        .collect();
    Ok(lines.join("\n"))
}

fn are_the_servers(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    client.batch_execute(
        "set work_mem = '77MB'; set enable_hashjoin = off; set search_path = public, pg_catalog",
    )?;
    for query in [
        LOOKUP,
        "select count(*) from items a join items b on a.id = b.customer",
        "select upper(note) from items order by placed",
    ] {
        for (ours, servers) in [
            ("settings => true", "settings"),
            ("\"verbose\" => true", "verbose"),
            ("\"verbose\" => true, settings => true", "verbose, settings"),
            ("buffers => false", "buffers off"),
            ("timing => false, wal => false", "timing off, wal off"),
        ] {
            for format in ["text", "json"] {
                let servers = format!("{servers}, format {format}");
                let expected = server_explained(&mut client, &servers, query)?;
                let ours = format!("{ours}, format => '{format}'");
                let found = explained(&mut client, query, &ours)?;
                ensure!(
                    found == expected.trim_end(),
                    "{query} ({ours}):\n{found}\n---\n{expected}"
                );
            }
        }
        // How many blocks planning takes differs from call to call.
        let found = explained(&mut client, query, "buffers => true, format => 'json'")?;
        let found: Value = serde_json::from_str(&found)?;
        ensure!(found[0]["Planning"]["Shared Hit Blocks"].is_number(), "{found}");
        ensure!(found[0]["Plan"]["Shared Hit Blocks"] == 0, "{found}");
        let found = explained(&mut client, query, "format => 'json'")?;
        ensure!(!found.contains("Blocks"), "{found}");
    }
    let text = explained(&mut client, LOOKUP, "settings => true")?;
    ensure!(text.contains("Settings: ") && text.contains("work_mem = '77MB'"), "{text}");
    // Our own format has them too.
    let text = explained(&mut client, LOOKUP, "settings => true, format => 'compact'")?;
    ensure!(text.starts_with("cost ") && text.contains(", work_mem = 77MB"), "{text}");
    let text = explained(&mut client, LOOKUP, "\"verbose\" => true, format => 'compact'")?;
    ensure!(text.contains("[filter items.customer = 4711]"), "{text}");
    Ok(())
}

/// The lines that say the same at every execution.
fn lasting(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.contains(" Time: ")).collect()
}

fn executed(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    client.batch_execute("set jit = off; set max_parallel_workers_per_gather = 0")?;
    let ours = "\"analyze\" => true, timing => false, buffers => false";
    for query in [LOOKUP, "select count(*) from items where id < 50"] {
        let expected = server_explained(&mut client, "analyze, timing off, buffers off", query)?;
        let found = explained(&mut client, query, ours)?;
        ensure!(lasting(&found) == lasting(&expected), "{found}\n---\n{expected}");
        ensure!(found.contains("Execution Time: ") && !found.contains("actual time"), "{found}");
        let report = crate::explain_report::report(&mut client, query, ours)?;
        ensure!(report["compact"].as_str().is_some_and(|text| text.contains(" -> ")), "{report}");
        ensure!(report["execution_ms"].is_number(), "{report}");
    }
    let json = |client: &mut Client, more: &str| -> Result<Value> {
        let more = format!("\"analyze\" => true, format => 'json'{more}");
        Ok(serde_json::from_str(&explained(client, LOOKUP, &more)?)?)
    };
    let with = json(&mut client, ", wal => true")?;
    ensure!(with[0]["Plan"]["WAL Records"].is_number(), "{with}");
    let without = json(&mut client, "")?;
    ensure!(without[0]["Plan"].get("WAL Records").is_none(), "{without}");
    ensure!(without[0]["Plan"]["Shared Hit Blocks"].is_number(), "{without}");
    let without = json(&mut client, ", buffers => false")?;
    ensure!(without[0]["Plan"].get("Shared Hit Blocks").is_none(), "{without}");
    Ok(())
}

fn unfit(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    for option in ["wal", "timing"] {
        let sql = format!("select mcp_explain('select 1', {option} => true)");
        let ours = refused(&mut client, &sql, "22023")?;
        let servers = client.simple_query(&format!("explain ({option}) select 1")).err();
        let servers = servers.context("the server takes it")?;
        let message = servers.as_db_error().context("no error of the server")?.message();
        ensure!(ours.message() == message, "{} and not {message}", ours.message());
    }
    let both = "select mcp_explain('select 1', generic_plan => true, \"analyze\" => true)";
    let error = refused(&mut client, both, "22023")?;
    let words = "EXPLAIN options ANALYZE and GENERIC_PLAN cannot be used together";
    ensure!(error.message() == words, "{error:?}");
    for (arguments, code) in [
        ("'select 1', wal => null", "22004"),
        ("'select 1', settings => null", "22004"),
        ("'select 1', \"verbose\" => null", "22004"),
        ("'select 1', generic_plan => null", "22004"),
        ("'select 1', parameters => '{}', generic_plan => true", "22023"),
        ("'select 1', queryid => 5", "22023"),
        ("queryid => null", "22004"),
    ] {
        for function in ["mcp_explain", "mcp_explain_report"] {
            refused(&mut client, &format!("select {function}({arguments})"), code)?;
        }
    }
    Ok(())
}
