//! `mcp_top_queries` on statements that really ran.

use anyhow::{Context, Result, ensure};
use postgres::{Client, Row};

use crate::Case;
use crate::fixture::{Fixture, answered, refused};

pub(crate) const CASES: &[Case] = &[
    ("top_queries_are_in_the_order_asked_for", orders),
    ("top_queries_take_the_largest_shares", resources),
    ("top_queries_leave_out_other_databases_and_our_own", own_traffic),
    ("top_queries_refuse_bad_arguments", bad_arguments),
    ("top_queries_say_what_is_missing", missing),
    ("top_queries_show_texts_as_the_view_does", privileges),
    ("top_queries_find_the_extension_in_any_schema", other_schema),
];

/// A database with `pg_stat_statements` and nothing recorded in it.
fn database(fixture: &Fixture, name: &str) -> Result<Client> {
    let mut client = fixture.database(name, &["hypopg", "pg_stat_statements", "mcp_advisor"])?;
    client.batch_execute(
        "select mcp_schemas(); select hypopg();
        create table big as select g as id, repeat('x', 200) as pad from generate_series(1, 40000) as g;
        create table small as select g as id from generate_series(1, 10) as g;
        select pg_stat_statements_reset(0, (select oid from pg_database where datname = current_database()))",
    )?;
    Ok(client)
}

fn queries(rows: &[Row]) -> Vec<String> {
    rows.iter().map(|row| row.get("query")).collect()
}

fn orders(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "top_orders")?;
    client.query("select count(*) /* once */ from big as a join big as b using (id)", &[])?;
    for _ in 0..300 {
        client.batch_execute("select pg_sleep(0.004) /* often */")?;
    }
    for (order, wanted) in [("total_time", "often"), ("mean_time", "once")] {
        let sql = format!("select * from mcp_top_queries('{order}', 1)");
        let rows = answered(&mut client, &sql)?;
        ensure!(rows.len() == 1 && queries(&rows)[0].contains(wanted), "{order}: {rows:?}");
    }
    let rows = answered(
        &mut client,
        "select t.queryid = s.queryid as same_id, t.calls = s.calls and t.calls = 300 as same_calls,
            t.total_ms = s.total_exec_time and t.mean_ms = s.mean_exec_time as same_times,
            t.rows = s.rows as same_rows, t.role, t.stats_since <= now() as is_past, t.toplevel
        from mcp_top_queries('total_time', 100) as t
        -- Other cases may have run a statement of the same shape in their databases.
        join pg_stat_statements as s on s.queryid = t.queryid
            and s.dbid = (select oid from pg_database where datname = current_database())
        where t.query like '%often%'",
    )?;
    ensure!(rows.len() == 1, "{rows:?}");
    for column in ["same_id", "same_calls", "same_times", "same_rows", "is_past", "toplevel"] {
        ensure!(rows[0].try_get::<_, bool>(column)?, "{column}");
    }
    ensure!(rows[0].try_get::<_, &str>("role")? == "postgres");
    Ok(())
}

fn resources(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "top_resources")?;
    client.batch_execute(
        "insert into big select g, repeat('y', 200) from generate_series(1, 20000) as g",
    )?;
    for _ in 0..50 {
        client.query("select id from small where id = 3", &[])?;
    }
    for _ in 0..20 {
        client.query("select max(pad) from big", &[])?;
    }
    let rows = answered(&mut client, "select * from mcp_top_queries()")?;
    let named = |part: &str| {
        let found = rows.iter().find(|row| row.get::<_, &str>("query").contains(part));
        found.with_context(|| format!("no {part}: {:?}", queries(&rows)))
    };
    let insert = named("insert into big")?;
    ensure!(insert.try_get::<_, f64>("wal_share")? > 0.9);
    ensure!(insert.try_get::<_, f64>("dirtied_share")? > 0.05);
    ensure!(insert.try_get::<_, i64>("wal_bytes")? > 1_000_000);
    let select = named("max(pad)")?;
    ensure!(select.try_get::<_, f64>("time_share")? > 0.05);
    ensure!(select.try_get::<_, f64>("wal_share")? == 0.0);
    // Cheap in every respect.
    ensure!(named("from small").is_err());
    for row in &rows {
        let shares = ["time_share", "access_share", "read_share", "dirtied_share", "wal_share"];
        let shares = shares.map(|name| row.get::<_, f64>(name));
        ensure!(shares.iter().all(|share| (0.0..=1.0).contains(share)), "{shares:?}");
        ensure!(shares.iter().any(|share| *share > 0.05), "{shares:?}");
    }
    ensure!(answered(&mut client, "select * from mcp_top_queries(max_rows => 1)")?.len() == 1);
    Ok(())
}

fn own_traffic(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "top_own")?;
    let mut other = fixture.database("top_other", &[])?;
    other.query("select 'elsewhere' as marker, pg_sleep(0.01)", &[])?;
    client.batch_execute(&advisor_sql::marked("select count(*) as bridges from big"))?;
    client.batch_execute(
        "select mcp_health(); select * from hypopg(); select mcp_object('pg_catalog', 'pg_class')",
    )?;
    client.batch_execute("select count(*) as users, 'mcp_nothing' as name from big")?;
    let rows = answered(&mut client, "select query from mcp_top_queries('total_time', 1000)")?;
    let texts = queries(&rows);
    for word in
        ["elsewhere", "bridges", "hypopg(", "mcp_health(", "mcp_object(", "mcp_top_queries("]
    {
        ensure!(!texts.iter().any(|text| text.contains(word)), "{word}: {texts:?}");
    }
    ensure!(texts.iter().any(|text| text.contains("users")), "{texts:?}");
    // What our functions run inside is not recorded either, whatever is tracked.
    client.batch_execute(
        "set pg_stat_statements.track = 'all'; select mcp_health(); select mcp_schemas()",
    )?;
    let sql =
        "select count(*) from pg_stat_statements where not toplevel and query like '%pg_locks%'
        and dbid = (select oid from pg_database where datname = current_database())";
    ensure!(client.query_one(sql, &[])?.try_get::<_, i64>(0)? == 0);
    Ok(())
}

fn bad_arguments(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    let error = refused(&mut client, "select * from mcp_top_queries('queries')", "22023")?;
    let hint = error.hint().unwrap_or_default();
    ensure!(hint.starts_with("It must be one of: resources, total_time, mean_time, io,"), "{hint}");
    refused(&mut client, "select * from mcp_top_queries(max_rows => 0)", "22023")?;
    refused(&mut client, "select * from mcp_top_queries(null)", "22004")?;
    refused(&mut client, "select * from mcp_top_queries(max_rows => null)", "22004").map(drop)
}

fn missing(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("top_none", &["hypopg", "mcp_advisor"])?;
    client.batch_execute("select mcp_schemas(); select hypopg()")?;
    let error = refused(&mut client, "select * from mcp_top_queries()", "55000")?;
    let hint = error.hint().unwrap_or_default();
    ensure!(hint.contains("CREATE EXTENSION pg_stat_statements"), "{hint}");
    ensure!(!hint.contains("mcp_advise_indexes"), "{hint}");
    Ok(())
}

fn privileges(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "top_roles")?;
    client.batch_execute(
        "create role top_reader login; grant select on big to top_reader;
        select count(*) as secret from big",
    )?;
    let mut reader = fixture.cluster.connect_as("top_roles", "top_reader")?;
    reader.batch_execute("select count(*) as mine from big")?;
    let rows = reader.query("select * from mcp_top_queries('total_time', 100)", &[])?;
    let texts = queries(&rows);
    ensure!(texts.iter().any(|text| text.contains("mine")), "{texts:?}");
    ensure!(!texts.iter().any(|text| text.contains("secret")), "{texts:?}");
    ensure!(texts.iter().any(|text| text == "<insufficient privilege>"), "{texts:?}");
    Ok(())
}

fn other_schema(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("top_schema", &["hypopg"])?;
    client.batch_execute(
        "create schema \"St.ats\"; create extension pg_stat_statements schema \"St.ats\";
        create extension mcp_advisor; select mcp_schemas(); select 'found' as marker",
    )?;
    let rows = client.query("select * from mcp_top_queries('total_time', 100)", &[])?;
    ensure!(queries(&rows).iter().any(|text| text.contains("as marker")), "{rows:?}");
    Ok(())
}
