//! The memory of advice: what was seen, muted, applied, and what came of it.

use anyhow::{Context, Result, ensure};
use postgres::{Client, Row};

use crate::Case;
use crate::fixture::{Fixture, refused};

pub(crate) const CASES: &[Case] = &[
    ("memory_is_off_unless_wanted", off),
    ("memory_knows_advice_again", again),
    ("memory_leaves_muted_advice_out", muted),
    ("memory_recognises_an_applied_index_by_its_definition", applied),
    ("memory_measures_what_an_index_brought", measured),
    ("memory_says_when_nothing_can_be_measured", unmeasured),
    ("memory_of_a_read_only_session_says_so", read_only),
    ("memory_is_written_by_its_owner_and_read_by_monitors", privileges),
    ("memory_survives_dump_and_restore", dumped),
    ("memory_refuses_bad_arguments", bad_arguments),
];

const TABLE: &str = "
    create table t (id integer primary key, a integer, b integer, pad text);
    insert into t select g, g % 5000, g % 77, repeat(md5(g::text), 4) from generate_series(1, 50000) as g;";

const QUERY: &str = "select * from t where a = 42";

/// A database of this case's own that remembers.
fn database(fixture: &Fixture, name: &str) -> Result<Client> {
    let mut client = fixture.database(name, &["hypopg", "pg_stat_statements", "mcp_advisor"])?;
    client.batch_execute(TABLE)?;
    client.batch_execute("vacuum analyze t")?;
    client.batch_execute(
        "select mcp_schemas(); set mcp_advisor.remember = on;
        select public.pg_stat_statements_reset(0, oid, 0) from pg_database
            where datname = current_database()",
    )?;
    Ok(client)
}

/// No room for an index with all columns.
const BUDGET: &str = "storage_budget => 3000000";

/// The identifiers of what is advised for a list of one statement.
fn advised(client: &mut Client, query: &str) -> Result<Vec<(String, String)>> {
    let sql = format!(
        "select id, ddl from mcp_advise_indexes(array[$q${query}$q$], {BUDGET}) order by rank"
    );
    let rows = client.query(&sql, &[])?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

fn history(client: &mut Client) -> Result<Vec<Row>> {
    Ok(client.query("select * from mcp_advice_history order by relation, ddl", &[])?)
}

fn only(client: &mut Client) -> Result<Row> {
    let mut rows = history(client)?;
    ensure!(rows.len() == 1, "{} rows", rows.len());
    rows.pop().context("no row")
}

fn off(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "memory_off")?;
    client.batch_execute("reset mcp_advisor.remember")?;
    ensure!(advised(&mut client, QUERY)?.len() == 1);
    ensure!(history(&mut client)?.is_empty());
    Ok(())
}

fn again(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "memory_again")?;
    let first = advised(&mut client, QUERY)?;
    let row = only(&mut client)?;
    ensure!(row.try_get::<_, String>("status")? == "advised");
    ensure!(row.try_get::<_, i64>("times_seen")? == 1);
    ensure!(row.try_get::<_, String>("id")? == first[0].0);
    ensure!(row.try_get::<_, String>("relation")? == "public.t");
    // Beside other advice, so in another place, and after other statistics: the same id.
    client.batch_execute("insert into t select g, g % 5000, 7, 'y' from generate_series(50001, 60000) as g; analyze t")?;
    let sql = "select id from mcp_advise_indexes(array[
        'select count(*) from t where b = 3 and id > 7', $1], storage_budget => 3000000, min_improvement => 0, pareto_ratio => 0)";
    let ids: Vec<String> = client.query(sql, &[&QUERY])?.iter().map(|row| row.get(0)).collect();
    ensure!(ids.len() == 2 && ids.contains(&first[0].0), "{ids:?} {first:?}");
    let rows = history(&mut client)?;
    ensure!(rows.len() == 2, "{} rows", rows.len());
    let old = rows.iter().find(|row| row.get::<_, String>("id") == first[0].0).context("gone")?;
    ensure!(old.try_get::<_, i64>("times_seen")? == 2);
    let later = "select first_seen < last_seen from mcp_advice where times_seen = 2";
    ensure!(client.query_one(later, &[])?.get::<_, bool>(0));
    Ok(())
}

fn muted(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "memory_muted")?;
    let (id, ddl) = advised(&mut client, QUERY)?.pop().context("no advice")?;
    client.execute("select mcp_advice_mute($1, 'the table goes away')", &[&id])?;
    let now = advised(&mut client, QUERY)?;
    ensure!(now.iter().all(|(other, _)| *other != id), "{now:?}");
    let row = only_of(&mut client, &id)?;
    ensure!(row.try_get::<_, String>("status")? == "muted");
    ensure!(row.try_get::<_, String>("mute_reason")? == "the table goes away");
    ensure!(row.try_get::<_, String>("muted_by")? == "postgres");
    // The report has it elsewhere, with the reason.
    let sql = format!("select mcp_advise_report(array[$q${QUERY}$q$], {BUDGET})->'muted'->0");
    let listed: serde_json::Value = client
        .query_one(&format!("select ({sql})::text"), &[])?
        .try_get::<_, String>(0)
        .map(|text| serde_json::from_str(&text))??;
    ensure!(listed["id"] == id.as_str() && listed["ddl"] == ddl.as_str(), "{listed}");
    ensure!(listed["reason"] == "the table goes away", "{listed}");
    // Indexes that somebody asks about are not advice.
    let asked = "select mcp_whatif_indexes(array[$1], array[$2])->'queries'->0->'indexes'->>0";
    let used: Option<String> = client.query_one(asked, &[&ddl, &QUERY])?.try_get(0)?;
    ensure!(used.as_deref() == Some(id.as_str()), "{used:?}");
    // For everybody, and until it is unmuted.
    client.batch_execute("create role memory_other login; grant select on t to memory_other")?;
    client.batch_execute("set role memory_other; set mcp_advisor.remember = off")?;
    let now = advised(&mut client, QUERY)?;
    ensure!(now.iter().all(|(other, _)| *other != id), "{now:?}");
    client.batch_execute("reset role")?;
    client.execute("select mcp_advice_unmute($1)", &[&id])?;
    ensure!(advised(&mut client, QUERY)?.iter().any(|(other, _)| *other == id));
    Ok(())
}

fn only_of(client: &mut Client, id: &str) -> Result<Row> {
    Ok(client.query_one("select * from mcp_advice_history where id = $1", &[&id])?)
}

fn applied(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "memory_applied")?;
    let (id, _) = advised(&mut client, QUERY)?.pop().context("no advice")?;
    let definition: String =
        client.query_one("select definition from mcp_advice where id = $1", &[&id])?.try_get(0)?;
    let status = |client: &mut Client| -> Result<(String, Option<String>)> {
        let row = only_of(client, &id)?;
        Ok((row.try_get("status")?, row.try_get("index")?))
    };
    // Near misses: others on the same table, another order, only a part of the rows.
    client.batch_execute(
        "create index n1 on t (b); create index n2 on t (a desc); create index n3 on t (a) where b > 1;
        create index n4 on t using hash (a); create index n5 on t (a, b)",
    )?;
    ensure!(status(&mut client)? == ("advised".to_owned(), None), "{definition}");
    ensure!(client.query_one("select mcp_advice_observe()", &[])?.get::<_, i64>(0) == 0);
    // An odd name and storage parameters do not matter.
    client.batch_execute(&format!(
        "create index \"An ON index\" on {definition} with (fillfactor = 70)"
    ))?;
    ensure!(status(&mut client)? == ("applied".to_owned(), Some("\"An ON index\"".to_owned())));
    ensure!(client.query_one("select mcp_advice_observe()", &[])?.get::<_, i64>(0) == 1);
    ensure!(client.query_one("select mcp_advice_observe()", &[])?.get::<_, i64>(0) == 0);
    client.batch_execute("drop index \"An ON index\"")?;
    ensure!(status(&mut client)?.0 == "dropped");
    // A unique one does as well, and one in another table does not.
    client.batch_execute("create table other (a integer); create index on other (a)")?;
    ensure!(status(&mut client)?.0 == "dropped");
    client.batch_execute(&format!(
        "drop index n5; update t set a = id; create unique index u on {definition}"
    ))?;
    ensure!(status(&mut client)? == ("applied".to_owned(), Some("u".to_owned())));
    Ok(())
}

/// Twenty calls of one recorded statement.
fn run(client: &mut Client) -> Result<()> {
    for number in 1..=20 {
        client.batch_execute(&format!("select * from t where a = {number}"))?;
    }
    Ok(())
}

/// What is advised for the recorded workload.
fn of_recorded(client: &mut Client) -> Result<String> {
    let rows =
        client.query("select id, ddl from mcp_advise_indexes(storage_budget => 3000000)", &[])?;
    let row = rows.iter().find(|row| row.get::<_, String>(1).contains("(a)"));
    Ok(row.with_context(|| format!("{} rows", rows.len()))?.try_get(0)?)
}

fn measured(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "memory_measured")?;
    run(&mut client)?;
    let id = of_recorded(&mut client)?;
    let row = only_of(&mut client, &id)?;
    let promised: f64 = row.try_get("promised_gain")?;
    ensure!(promised > 0.5 && promised <= 1.0, "{promised}");
    ensure!(row.try_get::<_, Option<f64>>("measured_gain")?.is_none());
    client.batch_execute("create index mine on t (a)")?;
    let note: String = only_of(&mut client, &id)?.try_get("note")?;
    ensure!(note.starts_with("not noticed yet"), "{note}");
    client.batch_execute("select mcp_advice_observe()")?;
    // Too few calls since.
    let row = only_of(&mut client, &id)?;
    ensure!(row.try_get::<_, Option<f64>>("measured_gain")?.is_none());
    ensure!(row.try_get::<_, String>("note")?.contains("fewer than 5 calls"));
    run(&mut client)?;
    let row = only_of(&mut client, &id)?;
    ensure!(row.try_get::<_, i64>("statements_measured")? == 1);
    let gain: f64 = row.try_get("measured_gain")?;
    let blocks: f64 = row.try_get("measured_blocks_gain")?;
    ensure!(gain > 0.3 && gain < 1.0, "{gain}");
    ensure!(blocks > 0.5 && blocks < 1.0, "{blocks}");
    ensure!(row.try_get::<_, f64>("mean_ms_before")? > row.try_get::<_, f64>("mean_ms_after")?);
    ensure!(row.try_get::<_, Option<String>>("note")?.is_none());
    // A reset is noticed, and what came after it still counts.
    client.batch_execute(
        "select public.pg_stat_statements_reset(0, oid, 0) from pg_database
            where datname = current_database()",
    )?;
    let row = only_of(&mut client, &id)?;
    ensure!(row.try_get::<_, Option<f64>>("measured_gain")?.is_none());
    run(&mut client)?;
    let row = only_of(&mut client, &id)?;
    let note: Option<String> = row.try_get("note")?;
    ensure!(row.try_get::<_, f64>("measured_gain")? > 0.3, "{note:?}");
    Ok(())
}

fn unmeasured(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "memory_unmeasured")?;
    let (id, ddl) = advised(&mut client, QUERY)?.pop().context("no advice")?;
    client.batch_execute(&ddl)?;
    client.batch_execute("select mcp_advice_observe()")?;
    let row = only_of(&mut client, &id)?;
    ensure!(row.try_get::<_, i64>("statements")? == 0);
    ensure!(row.try_get::<_, String>("note")?.contains("list of statements"));
    client.batch_execute("drop extension pg_stat_statements")?;
    ensure!(client.query("select * from mcp_statement_counters()", &[])?.is_empty());
    ensure!(only_of(&mut client, &id)?.try_get::<_, String>("status")? == "applied");
    Ok(())
}

fn read_only(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "memory_read_only")?;
    client.batch_execute("set default_transaction_read_only = on")?;
    let (id, _) = advised(&mut client, QUERY)?.pop().context("no advice")?;
    ensure!(history(&mut client)?.is_empty());
    refused(&mut client, &format!("select mcp_advice_mute('{id}')"), "25006")?;
    client.batch_execute("set default_transaction_read_only = off")?;
    // Reads of what was muted before are not hindered.
    client.execute("select mcp_advice_mute($1)", &[&id])?;
    client.batch_execute("set default_transaction_read_only = on")?;
    ensure!(advised(&mut client, QUERY)?.iter().all(|(other, _)| *other != id));
    client.batch_execute("set default_transaction_read_only = off; select mcp_guard()")?;
    advised(&mut client, QUERY)?;
    let unmute = format!("select mcp_advice_unmute('{id}')");
    refused(&mut client, &unmute, "25006")?;
    ensure!(only(&mut client)?.try_get::<_, String>("status")? == "muted");
    Ok(())
}

fn privileges(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "memory_privileges")?;
    client.batch_execute(
        "create role memory_nobody login; create role memory_monitor login;
        grant pg_monitor to memory_monitor; grant select on t to memory_nobody, memory_monitor",
    )?;
    let (id, _) = advised(&mut client, QUERY)?.pop().context("no advice")?;
    for (role, reads) in [("memory_nobody", false), ("memory_monitor", true)] {
        client.batch_execute(&format!("set role {role}"))?;
        // Advice comes all the same, and is not remembered.
        ensure!(advised(&mut client, QUERY)?.len() == 1);
        refused(&mut client, &format!("select mcp_advice_mute('{id}')"), "42501")?;
        match reads {
            true => ensure!(history(&mut client)?.len() == 1),
            false => {
                refused(&mut client, "select * from mcp_advice_history", "42501").map(|_| ())?
            }
        }
        client.batch_execute("reset role")?;
    }
    ensure!(only(&mut client)?.try_get::<_, i64>("times_seen")? == 1);
    client.batch_execute(
        "grant select, insert, update on mcp_advice, mcp_advice_statement to memory_nobody;
        set role memory_nobody",
    )?;
    client.execute("select mcp_advice_mute($1)", &[&id])?;
    client.batch_execute("reset role")?;
    ensure!(only(&mut client)?.try_get::<_, String>("muted_by")? == "memory_nobody");
    Ok(())
}

fn dumped(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "memory_dumped")?;
    run(&mut client)?;
    let id = of_recorded(&mut client)?;
    client.execute("select mcp_advice_mute($1, 'it''s \t odd')", &[&id])?;
    let rows = "select (select string_agg(a::text, '|' order by a.id) from mcp_advice as a)
        || (select string_agg(s::text, '|' order by s.id) from mcp_advice_statement as s)";
    let before: String = client.query_one(rows, &[])?.try_get(0)?;
    let file = fixture.cluster.socket_dir().join("memory.dump");
    let dump = fixture
        .cluster
        .client("pg_dump")
        .args(["--format=custom", "--file"])
        .arg(&file)
        .arg("memory_dumped")
        .output()?;
    ensure!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    let mut restored = fixture.database("memory_restored", &[])?;
    let restore = fixture
        .cluster
        .client("pg_restore")
        .args(["--exit-on-error", "--dbname", "memory_restored"])
        .arg(&file)
        .output()?;
    ensure!(restore.status.success(), "{}", String::from_utf8_lossy(&restore.stderr));
    let after: String = restored.query_one(rows, &[])?.try_get(0)?;
    ensure!(after == before, "{before}\n{after}");
    ensure!(only_of(&mut restored, &id)?.try_get::<_, String>("status")? == "muted");
    Ok(())
}

fn bad_arguments(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "memory_bad")?;
    for id in ["''", "'ix_'", "'ix_0123456789abcdeg'", "'t_a_idx'", "'ix_0123456789ABCDEF'"] {
        refused(&mut client, &format!("select mcp_advice_mute({id})"), "22023")?;
    }
    refused(&mut client, "select mcp_advice_mute(null)", "22004")?;
    refused(&mut client, "select mcp_advice_unmute('ix_0123456789abcdef')", "22023")?;
    // What nobody has advised yet can be muted.
    client.batch_execute("select mcp_advice_mute('ix_0123456789abcdef')")?;
    ensure!(only(&mut client)?.try_get::<_, String>("status")? == "muted");
    client.batch_execute("select mcp_advice_unmute('ix_0123456789abcdef')")?;
    refused(&mut client, "select mcp_advice_unmute('ix_0123456789abcdef')", "22023")?;
    Ok(())
}
