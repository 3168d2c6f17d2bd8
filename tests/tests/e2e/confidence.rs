//! What of a gain is left under other statistics and within the time limit.

use anyhow::{Result, ensure};
use postgres::Client;
use serde_json::Value;

use crate::Case;
use crate::fixture::{Fixture, answered};

pub(crate) const CASES: &[Case] = &[
    ("confidence_falls_where_a_gain_rests_on_visible_pages", visible),
    ("confidence_of_an_index_that_is_asked_about", asked),
    ("confidence_takes_no_more_than_the_time_limit", in_time),
];

fn database(fixture: &Fixture, name: &str) -> Result<Client> {
    let mut client = fixture.database(name, &["hypopg", "mcp_advisor"])?;
    client.batch_execute(
        "create table t as select g as id, g % 97 as k, (g::bigint * 7919 % 100000)::integer as m,
            repeat(md5(g::text), 6) as pad from generate_series(1, 100000) as g",
    )?;
    client.batch_execute("vacuum analyze t")?;
    client.batch_execute("select mcp_advise_indexes(array['select 1']); select hypopg()")?;
    Ok(client)
}

/// Grade, detail and DDL of the first index.
fn first(client: &mut Client, query: &str) -> Result<(String, Value, String)> {
    let sql = format!(
        "select confidence, confidence_detail::text, ddl from mcp_advise_indexes(array[$q${query}$q$])"
    );
    let rows = answered(client, &sql)?;
    ensure!(!rows.is_empty(), "no advice");
    let detail: String = rows[0].try_get(1)?;
    Ok((rows[0].try_get(0)?, serde_json::from_str(&detail)?, rows[0].try_get(2)?))
}

fn gain(detail: &Value, assumption: &str) -> Option<f64> {
    let assumed = detail["assumed"].as_array()?;
    assumed.iter().find(|one| one["assumption"] == assumption)?["gain"].as_f64()
}

fn visible(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "confidence_visible")?;
    // Most of the rows: only worth it without access to the table.
    let (grade, detail, ddl) = first(&mut client, "select sum(k) from t where m < 60000")?;
    ensure!(ddl.contains('k') && grade == "medium", "{grade} {ddl} {detail}");
    ensure!(gain(&detail, "nothing_visible").is_some_and(|gain| gain < 0.01), "{detail}");
    ensure!(gain(&detail, "tables_larger").is_some_and(|gain| gain > 0.1), "{detail}");
    let reasons = detail["reasons"].to_string();
    ensure!(reasons.contains("all-visible"), "{reasons}");
    // Near miss: a few rows are worth it either way.
    let (grade, detail, _) = first(&mut client, "select * from t where m = 7")?;
    ensure!(grade == "high" && detail["reasons"] == serde_json::json!([]), "{grade} {detail}");
    ensure!(gain(&detail, "nothing_visible").is_some_and(|gain| gain > 0.5), "{detail}");
    // What really happens: without vacuum the planner does not use the index.
    client.batch_execute(&ddl)?;
    let plan = |client: &mut Client| -> Result<String> {
        let rows = client.query("explain select sum(k) from t where m < 60000", &[])?;
        Ok(rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>().join("\n"))
    };
    ensure!(plan(&mut client)?.contains("Index Only Scan"), "{}", plan(&mut client)?);
    client.batch_execute("update pg_class set relallvisible = 0 where relname = 't'")?;
    ensure!(!plan(&mut client)?.contains("Index Only Scan"), "{}", plan(&mut client)?);
    Ok(())
}

fn asked(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "confidence_asked")?;
    let sql = "select (mcp_whatif_indexes(array['create index on t (m)'],
        array['select * from t where m = 7'])->'indexes'->0->'confidence_detail')::text";
    let text: String = answered(&mut client, sql)?[0].try_get(0)?;
    let detail: Value = serde_json::from_str(&text)?;
    ensure!(detail["statements_tested"] == 1 && detail["values_gaining"] == 1, "{detail}");
    Ok(())
}

fn in_time(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "confidence_in_time")?;
    let sql = "select confidence_detail::text from mcp_advise_indexes(
        array['select * from t where m = 7'], time_limit => '1 microsecond')";
    for row in answered(&mut client, sql)? {
        let detail: Value = serde_json::from_str(&row.try_get::<_, String>(0)?)?;
        ensure!(detail["statements_tested"] == 0, "{detail}");
    }
    // Nothing is tried with what no statement uses.
    let sql = "select (mcp_whatif_indexes(array['create index on t (pad)'],
        array['select * from t where m = 7'])->'indexes'->0->'confidence_detail')::text";
    let text: String = answered(&mut client, sql)?[0].try_get(0)?;
    let detail: Value = serde_json::from_str(&text)?;
    ensure!(detail["statements"] == 0 && detail["values_tested"] == 0, "{detail}");
    Ok(())
}
