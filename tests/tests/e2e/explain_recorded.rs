//! `mcp_explain` by the queryid of pg_stat_statements.

use advisor_tests::whole_rows;
use anyhow::{Context, Result, ensure};
use postgres::Client;

use crate::Case;
use crate::explain::explained;
use crate::fixture::{Fixture, answered, refused};

pub(crate) const CASES: &[Case] = &[
    ("explain_by_queryid", by_queryid),
    ("explain_by_queryid_as_the_caller_may_see", as_the_caller),
    ("explain_by_queryid_without_a_usable_text", unusable),
    ("explain_by_queryid_without_pg_stat_statements", absent),
];

const WITH_STATEMENTS: [&str; 3] = ["hypopg", "pg_stat_statements", "mcp_advisor"];

/// The queryid of the statement of this database whose text is like that.
fn id(client: &mut Client, like: &str) -> Result<i64> {
    let sql = "select queryid from pg_stat_statements where query like $1 and dbid = (select oid
        from pg_database where datname = current_database())";
    let row = client.query_opt(sql, &[&like])?.with_context(|| like.to_owned())?;
    Ok(row.try_get(0)?)
}

fn text(client: &mut Client, queryid: i64, more: &str) -> Result<String> {
    let rows = answered(client, &format!("select mcp_explain(queryid => {queryid}{more})"))?;
    Ok(rows[0].try_get(0)?)
}

fn by_queryid(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("recorded", &WITH_STATEMENTS)?;
    client.batch_execute(
        "create table seen as select i as id, i % 50 as k, date '2024-01-01' + i % 99 as day
            from generate_series(1, 20000) as i; create index on seen (id); analyze seen",
    )?;
    client.batch_execute(
        "select * from seen where id = 5; select * from seen where day > date '2024-02-03' limit 3;
        update seen set k = 1 where id = 9",
    )?;
    for like in ["select * from seen where id%", "select * from seen where day%", "update seen%"] {
        let queryid = id(&mut client, like)?;
        let sql = "select query from pg_stat_statements where queryid = $1";
        let query: String = client.query_one(sql, &[&queryid])?.try_get(0)?;
        ensure!(query.contains("$1"), "{query}");
        let expected = explained(&mut client, &query, "")?;
        ensure!(text(&mut client, queryid, "")? == expected, "{like}");
        let rows = answered(
            &mut client,
            &format!("select mcp_explain_report(queryid => {queryid})::text"),
        )?;
        let report: serde_json::Value = serde_json::from_str(rows[0].try_get(0)?)?;
        ensure!(
            report["query"] == query.as_str() && report["plan"] == expected.as_str(),
            "{report}"
        );
    }
    let queryid = id(&mut client, "select * from seen where id%")?;
    let found = text(&mut client, queryid, ", parameters => '{77}', \"analyze\" => true")?;
    ensure!(
        found.contains("(id = 77)") && whole_rows(&found).contains("rows=1 loops=1"),
        "{found}"
    );
    let found = text(&mut client, queryid, ", generic_plan => true")?;
    ensure!(found.contains("(id = $1)"), "{found}");
    let found = text(&mut client, queryid, ", hide_indexes => '{seen_id_idx}'")?;
    ensure!(found.contains("seen_id_idx is hidden"), "{found}");
    let update = id(&mut client, "update seen%")?;
    let sql = format!(
        "select mcp_explain(queryid => {update}, parameters => '{{1,9}}', \"analyze\" => true)"
    );
    refused(&mut client, &sql, "25006").map(drop)
}

/// The text of the caller's own statement comes first; others' are hidden from whom the view hides them.
fn as_the_caller(fixture: &Fixture) -> Result<()> {
    let mut admin = fixture.database("recorded_roles", &WITH_STATEMENTS)?;
    admin.batch_execute(
        "create table asked as select i as id from generate_series(1, 100) as i;
        create role recorded_one; create role recorded_two; create role recorded_reader;
        grant select on asked to recorded_one, recorded_two, recorded_reader;
        grant pg_read_all_stats to recorded_reader;
        set role recorded_one; select id from asked where id = 1;
        set role recorded_two; select   id   from asked where id = 1;
        select   id   from asked where id = 2; select id from asked where id > 7;
        reset role",
    )?;
    let both = id(&mut admin, "select id from asked where id = %")?;
    let only_two = id(&mut admin, "select id from asked where id > %")?;
    let query = |client: &mut Client, queryid: i64| -> Result<String> {
        let sql = format!("select mcp_explain_report(queryid => {queryid})->>'query'");
        Ok(client.query_one(&sql, &[])?.try_get(0)?)
    };
    for (role, expected) in [
        ("recorded_one", "select id from asked where id = $1"),
        ("recorded_two", "select   id   from asked where id = $1"),
        // The one that ran more often.
        ("recorded_reader", "select   id   from asked where id = $1"),
    ] {
        admin.batch_execute(&format!("set role {role}"))?;
        let found = query(&mut admin, both)?;
        ensure!(found == expected, "{role}: {found}");
    }
    admin.batch_execute("set role recorded_one")?;
    let sql = format!("select mcp_explain(queryid => {only_two})");
    let error = refused(&mut admin, &sql, "42704")?;
    ensure!(error.hint().is_some_and(|hint| hint.contains("pg_read_all_stats")), "{error:?}");
    admin.batch_execute("set role recorded_reader")?;
    ensure!(text(&mut admin, only_two, "")?.contains("Seq Scan on asked"));
    // To see a text is not to read the table.
    admin.batch_execute("reset role; revoke select on asked from recorded_reader")?;
    admin.batch_execute("set role recorded_reader")?;
    refused(&mut admin, &sql, "42501")?;
    admin.batch_execute(
        "reset role; drop owned by recorded_one, recorded_two, recorded_reader;
        drop role recorded_one, recorded_two, recorded_reader",
    )?;
    Ok(())
}

fn unusable(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("recorded_unusable", &WITH_STATEMENTS)?;
    let refuse = |client: &mut Client, queryid: i64, code: &str| {
        let sql = format!("select mcp_explain(queryid => {queryid})");
        let error = refused(client, &sql, code)?;
        ensure!(error.hint().is_some(), "no hint: {error:?}");
        Ok(error)
    };
    let error = refuse(&mut client, 1, "42704")?;
    ensure!(error.message() == "there is no statement with queryid 1", "{error:?}");
    client.batch_execute("create table made_here (a integer)")?;
    let made = id(&mut client, "create table made_here%")?;
    let error = refuse(&mut client, made, "0A000")?;
    ensure!(
        error.message() == format!("the statement with queryid {made} has no plan"),
        "{error:?}"
    );
    ensure!(error.detail().is_some_and(|detail| detail.contains("create table made_here")));
    // One that only another database has.
    let mut other = fixture.database("Recorded There", &["pg_stat_statements"])?;
    other.batch_execute("select pg_backend_pid() * pg_my_temp_schema()::integer % 17")?;
    let there = id(&mut other, "select pg_backend_pid() * pg_my_temp_schema()%")?;
    let error = refuse(&mut client, there, "42704")?;
    ensure!(error.message().contains("was recorded in another database"), "{error:?}");
    ensure!(error.hint() == Some("Connect to database \"Recorded There\"."), "{error:?}");
    // Texts that were lost, and that were cut off by what others put behind the view.
    client.batch_execute("select a from made_here where a in (1, 2)")?;
    let lookup = id(&mut client, "select a from made_here%")?;
    let doctored = |text: &str| {
        format!(
            "do $$ begin execute (select 'create or replace view pg_stat_statements as select '
                || string_agg(case column_name when 'query' then $q${text}$q$ else column_name end,
                    ', ' order by ordinal_position) || ' from pg_stat_statements(true)'
                from information_schema.columns where table_name = 'pg_stat_statements'); end $$"
        )
    };
    client.batch_execute(&doctored("null::text as query"))?;
    let error = refuse(&mut client, lookup, "55000")?;
    ensure!(error.message().ends_with("is not kept"), "{error:?}");
    client.batch_execute(&doctored("left(query, 38) as query"))?;
    let error = refuse(&mut client, lookup, "55000")?;
    ensure!(error.message().ends_with("is truncated"), "{error:?}");
    // A statement that cannot be read any more.
    client.batch_execute(&doctored("query as query"))?;
    client.batch_execute("drop table made_here")?;
    let sql = format!("select mcp_explain(queryid => {lookup})");
    refused(&mut client, &sql, "42P01").map(drop)
}

fn absent(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("recorded_nowhere", &["hypopg", "mcp_advisor"])?;
    let error = refused(&mut client, "select mcp_explain(queryid => 5)", "55000")?;
    let hint = error.hint().unwrap_or_default();
    ensure!(hint.contains("CREATE EXTENSION pg_stat_statements"), "{hint}");
    ensure!(hint.contains("No restart is needed") && hint.contains("\"query\""), "{hint}");
    Ok(())
}
