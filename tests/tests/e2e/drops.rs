//! `mcp_advise_drops`: what can go is named and proven, what is needed stays.

use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde_json::Value;

use crate::Case;
use crate::fixture::{Fixture, answered, refused};

pub(crate) const CASES: &[Case] = &[
    ("drops_names_what_is_planted_and_nothing_else", planted),
    ("drops_keeps_what_one_statement_needs", needed),
    ("drops_keeps_one_of_several_that_do_the_same", together),
    ("drops_says_why_nothing_is_proven", unproven),
    ("drops_of_partitioned_and_oddly_named_indexes", odd),
    ("drops_says_what_a_proof_cannot_see", caveats),
    ("drops_refuses_bad_arguments", bad_arguments),
];

/// A row of the answer.
#[derive(Debug)]
struct Row {
    verdict: String,
    index: String,
    reasons: Vec<String>,
    statements: i64,
    needed_by: Option<Value>,
    why_not: Option<String>,
    caveats: Vec<String>,
    ddl: Option<String>,
    undo: Option<String>,
}

fn rows(client: &mut Client, arguments: &str) -> Result<Vec<Row>> {
    let sql = format!(
        "select rank, verdict, index::text, reasons, statements, needed_by::text, why_not, caveats, ddl, undo
        from mcp_advise_drops({arguments})"
    );
    let found = answered(client, &sql)?;
    let mut rows = Vec::with_capacity(found.len());
    for (row, rank) in found.iter().zip(1_i32..) {
        ensure!(row.try_get::<_, i32>(0)? == rank);
        let needed_by: Option<String> = row.try_get(5)?;
        rows.push(Row {
            verdict: row.try_get(1)?,
            index: row.try_get(2)?,
            reasons: row.try_get(3)?,
            statements: row.try_get(4)?,
            needed_by: needed_by.map(|text| serde_json::from_str(&text)).transpose()?,
            why_not: row.try_get(6)?,
            caveats: row.try_get(7)?,
            ddl: row.try_get(8)?,
            undo: row.try_get(9)?,
        });
    }
    Ok(rows)
}

/// Verdict, index and reasons of each row.
fn summary(rows: &[Row]) -> Vec<String> {
    let text = |row: &Row| format!("{} {} {}", row.verdict, row.index, row.reasons.join("+"));
    rows.iter().map(text).collect()
}

/// A database with recorded statements only of this case.
fn database(fixture: &Fixture, name: &str, schema: &str) -> Result<Client> {
    let mut client = fixture.database(name, &["hypopg", "pg_stat_statements", "mcp_advisor"])?;
    client.batch_execute(schema)?;
    client.batch_execute("vacuum analyze")?;
    client.batch_execute(
        "select mcp_schemas(); select hypopg();
        select public.pg_stat_statements_reset(0, oid, 0) from pg_database
            where datname = current_database()",
    )?;
    Ok(client)
}

/// Judges indexes unused however young the counters are.
const JUDGE_ALL: &str =
    "set mcp_advisor.health_unused_index_window = 0; select pg_stat_force_next_flush()";

const TABLES: &str = "
    create table parent (id integer primary key);
    insert into parent select g from generate_series(1, 1000) as g;
    create table t (id integer primary key, a bigint, b bigint, c integer, d integer, e integer,
        p integer references parent, pad text);
    insert into t select g, g, g % 100, g, g, g, g % 1000 + 1, repeat('x', 40)
        from generate_series(1, 60000) as g;
    create index a on t (a); create index a_b on t (a, b); create index b_twin on t (b);
    create index b on t (b); create unique index c_guard on t (c); create index d_idle on t (d);
    create index p_key on t (p); create index id_again on t (id);
    create table held (a integer); create index held_a on held (a);
    alter table t cluster on c_guard;";

fn planted(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "drops_planted", TABLES)?;
    client
        .batch_execute("set enable_seqscan = off; select pad from t where a = 4711 and b = 11")?;
    client.batch_execute("select pad from t where b = 7")?;
    client.batch_execute("select pad from t where id = 7; select pg_stat_force_next_flush()")?;
    client.batch_execute("reset enable_seqscan")?;
    client.batch_execute(JUDGE_ALL)?;
    let found = rows(&mut client, "")?;
    let named = summary(&found);
    let has = |index: &str, reason: &str| {
        let reason = reason.to_owned();
        found.iter().any(|row| row.index == index && row.reasons.contains(&reason))
    };
    for (index, reason) in [("a", "redundant"), ("d_idle", "unused"), ("id_again", "duplicate")] {
        ensure!(has(index, reason), "{index} is not {reason}: {named:#?}");
    }
    // Which of equals it is, their counters say.
    ensure!(has("b", "duplicate") != has("b_twin", "duplicate"), "{named:#?}");
    ensure!(found.iter().all(|row| row.verdict == "drop"), "{named:#?}");
    ensure!(found.len() == 4, "{named:#?}");
    ensure!(found.iter().all(|row| row.why_not.is_none() && row.statements >= 3), "{found:#?}");
    // As printed, there and back.
    let definitions = |client: &mut Client| -> Result<Vec<String>> {
        let sql = "select pg_get_indexdef(indexrelid) from pg_index
            where indrelid = 't'::regclass order by 1";
        Ok(client.query(sql, &[])?.iter().map(|row| row.get(0)).collect())
    };
    let before = definitions(&mut client)?;
    for row in &found {
        client.batch_execute(row.ddl.as_deref().context("no ddl")?)?;
    }
    ensure!(definitions(&mut client)?.len() == before.len() - 4);
    ensure!(rows(&mut client, "")?.is_empty(), "more to drop");
    for row in &found {
        client.batch_execute(row.undo.as_deref().context("no undo")?)?;
    }
    ensure!(definitions(&mut client)? == before);
    Ok(())
}

fn needed(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "drops_needed", TABLES)?;
    // Much of the narrow index is read, without the table: the wider one costs half as much more.
    client.batch_execute("select count(*) from t where a between 100 and 50000")?;
    client.batch_execute(JUDGE_ALL)?;
    client.batch_execute("set mcp_advisor.health_ignore = 'unused_index:public.a_b'")?;
    // Never run here, so its counter is 0, but planned with it.
    let statement = "select pad from t where d = 4711";
    let found = rows(&mut client, "")?;
    let a = found.iter().find(|row| row.index == "a").context("a is not named")?;
    ensure!(a.verdict == "keep" && a.ddl.is_none(), "{a:#?}");
    let need = a.needed_by.as_ref().context("no need")?;
    ensure!(need["query"].as_str().is_some_and(|text| text.contains("between")), "{need}");
    ensure!(need["cost_without"].as_f64() > need["cost"].as_f64(), "{need}");
    // What is needed comes last.
    ensure!(found.last().is_some_and(|row| row.verdict == "keep"), "{found:#?}");
    let found =
        rows(&mut client, &format!("array['{statement}', 'select pad from t where a = 1']"))?;
    let of = |name: &str| found.iter().find(|row| row.index == name).map(|row| row.verdict.clone());
    ensure!(of("d_idle").as_deref() == Some("keep"), "{found:#?}");
    ensure!(of("a").as_deref() == Some("drop"), "{found:#?}");
    // Who tolerates more drops more.
    let wide = "array['select count(*) from t where a between 100 and 30000']";
    let of_a = |found: Vec<Row>| found.into_iter().find(|row| row.index == "a");
    ensure!(of_a(rows(&mut client, wide)?).is_some_and(|row| row.verdict == "keep"));
    let found = rows(&mut client, &format!("{wide}, tolerance => 1"))?;
    ensure!(found.iter().any(|row| row.index == "a" && row.verdict == "drop"), "{found:#?}");
    Ok(())
}

fn together(fixture: &Fixture) -> Result<()> {
    let mut client = database(
        fixture,
        "drops_together",
        "create table t (a bigint, b bigint, pad text);
        insert into t select g, g, repeat('x', 40) from generate_series(1, 60000) as g;
        create index one on t (a); create index two on t (a); create index three on t (a desc);
        create index four on t (a) include (b)",
    )?;
    client.batch_execute("select a from t where a between 100 and 30000")?;
    let found = rows(&mut client, "")?;
    for row in &found {
        if let Some(ddl) = &row.ddl {
            client.batch_execute(ddl)?;
        }
    }
    // Any of the narrow ones will do, and one is left beside the wide one, which would be dearer.
    let sql = "select count(*) from pg_index where indrelid = 't'::regclass";
    ensure!(client.query_one(sql, &[])?.try_get::<_, i64>(0)? == 2, "{found:#?}");
    let plan: String = client
        .query("explain (costs off) select a from t where a between 100 and 30000", &[])?
        .iter()
        .map(|row| row.get::<_, String>(0))
        .collect();
    ensure!(plan.contains("Index Only Scan") && !plan.contains("four"), "{plan}");
    Ok(())
}

fn unproven(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "drops_unproven", TABLES)?;
    client.batch_execute(JUDGE_ALL)?;
    let found = rows(&mut client, "")?;
    ensure!(!found.is_empty() && found.iter().all(|row| row.verdict == "unproven"), "{found:#?}");
    let why = found[0].why_not.as_deref().unwrap_or_default();
    ensure!(why == "no recorded statement reads its table", "{why}");
    ensure!(found.iter().all(|row| row.ddl.is_some()), "{found:#?}");
    // Statements of others, for a role that may not read them.
    client.batch_execute("select pad from t where a = 1; create role drops_reader login")?;
    let mut reader = fixture.cluster.connect_as("drops_unproven", "drops_reader")?;
    reader.batch_execute("select mcp_schemas()")?;
    reader.batch_execute(JUDGE_ALL)?;
    let found = rows(&mut reader, "")?;
    ensure!(found.iter().all(|row| row.verdict == "unproven"), "{found:#?}");
    // Young statistics judge no index unused, and the answer says so.
    client.batch_execute("reset mcp_advisor.health_unused_index_window")?;
    let found = rows(&mut client, "")?;
    ensure!(found.iter().all(|row| !row.reasons.contains(&"unused".to_owned())), "{found:#?}");
    Ok(())
}

fn odd(fixture: &Fixture) -> Result<()> {
    let mut client = database(
        fixture,
        "drops_odd",
        r#"create schema "S ON ONLY x";
        create table "S ON ONLY x"."T""q" (a integer, "B b" integer, c text) partition by range (a);
        create table "S ON ONLY x".p1 partition of "S ON ONLY x"."T""q" for values from (0) to (30000);
        create table "S ON ONLY x".p2 partition of "S ON ONLY x"."T""q" for values from (30000) to (90000);
        create index "i ON ONLY ""x" on "S ON ONLY x"."T""q" ("B b");
        create index "wide" on "S ON ONLY x"."T""q" ("B b", c);
        insert into "S ON ONLY x"."T""q" select g, g, g from generate_series(1, 60000) as g"#,
    )?;
    client.batch_execute(r#"select c from "S ON ONLY x"."T""q" where "B b" = 7"#)?;
    let found = rows(&mut client, "")?;
    let row = found.iter().find(|row| row.index.contains("i ON ONLY")).context("not named")?;
    ensure!(row.verdict == "drop", "{found:#?}");
    let text = |client: &mut Client| -> Result<String> {
        let sql = r#"select pg_get_indexdef('"S ON ONLY x"."i ON ONLY ""x"'::regclass)"#;
        Ok(client.query_one(sql, &[])?.try_get(0)?)
    };
    let before = text(&mut client)?;
    client.batch_execute(row.ddl.as_deref().context("no ddl")?)?;
    client.batch_execute(row.undo.as_deref().context("no undo")?)?;
    ensure!(text(&mut client)? == before);
    let sql = "select count(*) from pg_index as i join pg_class as c on c.oid = i.indrelid
        where c.relname in ('p1', 'p2') and indisvalid";
    ensure!(client.query_one(sql, &[])?.try_get::<_, i64>(0)? == 4);
    Ok(())
}

fn caveats(fixture: &Fixture) -> Result<()> {
    let mut client = database(
        fixture,
        "drops_caveats",
        "create table parent (id integer primary key); insert into parent values (1);
        create table t (p integer references parent, a text);
        insert into t select 1, g from generate_series(1, 60000) as g;
        create index p on t (p); create index p_a on t (p, a);
        create index folded on t (lower(a)); create index plain on t (a)",
    )?;
    client.batch_execute("select * from t where a = 'x' and p = 1")?;
    client.batch_execute(JUDGE_ALL)?;
    let found = rows(&mut client, "")?;
    let of = |name: &str| -> Result<String> {
        let row = found.iter().find(|row| row.index == name).with_context(|| name.to_owned())?;
        Ok(row.caveats.join("\n"))
    };
    ensure!(of("p")?.contains("foreign key t_p_fkey begins"), "{found:#?}");
    ensure!(of("folded")?.contains("statistics of its expression"), "{found:#?}");
    ensure!(!of("folded")?.contains("foreign key"), "{found:#?}");
    ensure!(of("p")?.contains("monthly work may be missing"), "{found:#?}");
    Ok(())
}

fn bad_arguments(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    for (arguments, code, message) in [
        ("tolerance => -0.1", "22023", "tolerance must be from 0 to 1"),
        ("tolerance => 'NaN'", "22023", "tolerance must be from 0 to 1"),
        ("tolerance => null", "22004", "\"tolerance\" must not be null"),
        ("time_limit => '0'", "22023", "time_limit must be positive"),
        ("max_queries => 0", "22023", "max_queries must be at least 1"),
        ("queries => '{}'", "22023", "queries must hold at least one statement"),
        ("queries => array[null::text]", "22004", "\"queries\" must not contain null elements"),
    ] {
        let error = refused(&mut client, &format!("select mcp_advise_drops({arguments})"), code)?;
        ensure!(error.message() == message, "{arguments}: {error}");
    }
    Ok(())
}
