//! The further orders and columns of `mcp_top_queries`, and since when it counts.

use std::time::{Duration, Instant};

use advisor_tests::cluster::{Cluster, server_version};
use anyhow::{Context, Result, ensure};
use postgres::{Client, Row};

use crate::Case;
use crate::fixture::{Fixture, answered, refused};

pub(crate) const CASES: &[Case] = &[
    ("top_queries_further_orders", orders),
    ("top_queries_io_by_time_where_measured", io),
    ("top_queries_planning_is_recorded_or_said_not_to_be", planning),
    ("top_queries_columns_are_those_of_the_view", columns),
    ("top_queries_of_all_databases", all_databases),
    ("top_queries_leave_out_every_function_of_ours", every_function),
    ("statements_info_says_since_when", info),
    ("top_queries_of_each_version_of_the_view", versions),
    ("top_queries_of_thousands_of_statements_are_quick", thousands),
];

pub(crate) const HERE: &str = "(select oid from pg_database where datname = current_database())";

/// A database with `pg_stat_statements` and nothing recorded in it.
pub(crate) fn database(fixture: &Fixture, name: &str) -> Result<Client> {
    let mut client = fixture.database(name, &["hypopg", "pg_stat_statements", "mcp_advisor"])?;
    client.batch_execute(&format!(
        "select mcp_schemas(); select hypopg();
        create table big as
            select g as id, repeat('x', 200) as pad from generate_series(1, 20000) as g;
        select pg_stat_statements_reset(0, {HERE})"
    ))?;
    Ok(client)
}

/// The rows in an order, whose values must not grow and be in this unit.
fn sorted(client: &mut Client, order: &str, unit: &str) -> Result<Vec<Row>> {
    let rows = answered(client, &format!("select * from mcp_top_queries('{order}', 100)"))?;
    let values: Vec<f64> = rows.iter().map(|row| row.get("sort_value")).collect();
    ensure!(values.is_sorted_by(|a, b| a >= b) && !values.is_empty(), "{order}: {values:?}");
    ensure!(values.iter().all(|value| *value > 0.0), "{order}: {values:?}");
    let units: Vec<String> = rows.iter().map(|row| row.get("sort_unit")).collect();
    ensure!(units.iter().all(|found| found == unit), "{order}: {units:?}");
    Ok(rows)
}

/// What a failure shows of them.
pub(crate) fn seen(rows: &[Row]) -> Vec<(Option<i64>, String)> {
    rows.iter().map(|row| (row.get("calls"), row.get("query"))).collect()
}

fn first(rows: &[Row]) -> String {
    rows.first().map(|row| row.get("query")).unwrap_or_default()
}

fn orders(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "top_further")?;
    client.batch_execute(
        "create temp table kept as select count(*) as n from big;
        insert into big select g, repeat('y', 200) from generate_series(1, 5000) as g",
    )?;
    for _ in 0..200 {
        client.batch_execute("select 1 as often")?;
    }
    client.batch_execute(
        "set work_mem = '64kB'; select count(*) from (select id from big order by pad, id offset 0) as spilled;
        reset work_mem",
    )?;
    client.query("select id as many from big", &[])?;
    client.batch_execute("select pg_sleep(0.5) as longest")?;
    for (order, unit, wanted) in [
        ("wal", "bytes", "insert into big"),
        ("temp", "blocks", "spilled"),
        ("rows", "rows", "as many"),
        ("calls", "calls", "as often"),
        ("max_time", "ms", "as longest"),
    ] {
        let rows = sorted(&mut client, order, unit)?;
        ensure!(first(&rows).contains(wanted), "{order}: {}", first(&rows));
    }
    let rows = sorted(&mut client, "temp", "blocks")?;
    ensure!(rows.len() == 1, "only one statement spilled, not {}", rows.len());
    let (read, written): (i64, i64) =
        (rows[0].get("temp_blocks_read"), rows[0].get("temp_blocks_written"));
    ensure!(read > 0 && written > 0, "{read} and {written}");
    ensure!(rows[0].get::<_, i64>("blocks_temp") == read + written);
    sorted(&mut client, "stddev_time", "ms")?;
    Ok(())
}

fn io(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "top_io")?;
    let spill = "set work_mem = '64kB';
        select count(*) from (select id from big order by pad, id offset 0) as spilled; reset work_mem";
    client.batch_execute(spill)?;
    let rows = sorted(&mut client, "io", "blocks")?;
    ensure!(first(&rows).contains("spilled"), "{}", first(&rows));
    ensure!(rows[0].get::<_, f64>("io_write_ms") == 0.0);
    client.batch_execute(&format!("set track_io_timing = on; {spill}; reset track_io_timing"))?;
    let rows = sorted(&mut client, "io", "ms")?;
    let times: (f64, f64) = (rows[0].get("io_read_ms"), rows[0].get("io_write_ms"));
    ensure!(times.0 + times.1 == rows[0].get::<_, f64>("sort_value") && times.1 > 0.0, "{times:?}");
    ensure!(first(&rows).contains("spilled"), "{}", first(&rows));
    Ok(())
}

fn planning(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "top_planning")?;
    client.batch_execute("select count(*) as unplanned from big")?;
    ensure!(answered(&mut client, "select * from mcp_top_queries('planning_time')")?.is_empty());
    let mut psql = fixture.cluster.client("psql");
    psql.args(["--no-psqlrc", "--dbname", "top_planning", "--command"]);
    let said = psql.arg("select count(*) from mcp_top_queries('planning_time')").output()?;
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    ensure!(said.contains("WARNING") && said.contains("track_planning is off"), "{said}");
    client.batch_execute(
        "set pg_stat_statements.track_planning = on; select max(id) as planned from big;
        reset pg_stat_statements.track_planning",
    )?;
    let rows = sorted(&mut client, "planning_time", "ms")?;
    ensure!(rows.len() == 1 && first(&rows).contains("as planned"), "{:?}", seen(&rows));
    ensure!(rows[0].get::<_, i64>("plans") == 1, "{:?}", seen(&rows));
    ensure!(rows[0].get::<_, f64>("planning_ms") == rows[0].get::<_, f64>("sort_value"));
    Ok(())
}

fn columns(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "top_columns")?;
    // Until 16 one pair of columns has the times of shared and local blocks.
    let (read, write) = match server_version()? {
        170_000.. => (
            "s.shared_blk_read_time + s.local_blk_read_time",
            "s.shared_blk_write_time + s.local_blk_write_time",
        ),
        _ => ("s.blk_read_time", "s.blk_write_time"),
    };
    client.batch_execute(
        "set track_io_timing = on; set work_mem = '64kB'; set jit = on; set jit_above_cost = 0;
        create temp table local as select id, pad from big;
        select count(*) from (select id from local order by pad, id offset 0) as everything;
        reset track_io_timing; reset work_mem; reset jit; reset jit_above_cost",
    )?;
    let rows = answered(
        &mut client,
        &format!(
            "select t.details ->> 'version' is null as is_plain,
                t.database = current_database() as database,
                t.plans = s.plans as plans,
                t.io_read_ms = {read} + s.temp_blk_read_time as io_read,
                t.io_write_ms = {write} + s.temp_blk_write_time as io_write,
                t.temp_blocks_read = s.temp_blks_read as temp_read,
                t.temp_blocks_written = s.temp_blks_written as temp_written,
                (t.details ->> 'temp_write_ms')::float8 = s.temp_blk_write_time as temp_write_ms,
                (t.details ->> 'local_blocks_hit')::bigint = s.local_blks_hit as local_hit,
                (t.details ->> 'min_ms')::float8 = s.min_exec_time as min_ms,
                coalesce((t.details ->> 'jit_functions')::bigint, 0) = s.jit_functions as jit,
                -- Nothing of these, so that they are not there.
                not t.details ? 'wal_bytes' and not t.details ? 'workers_launched' as absent
            from mcp_top_queries('total_time', 100) as t
            join pg_stat_statements as s on s.queryid = t.queryid and s.dbid = {HERE}
            where t.query like '%everything%'"
        ),
    )?;
    let row = rows.first().context("not recorded")?;
    for (at, column) in row.columns().iter().enumerate() {
        ensure!(row.try_get::<_, Option<bool>>(at)? == Some(true), "{}", column.name());
    }
    Ok(())
}

fn all_databases(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "top_here")?;
    let mut other = fixture.cluster.create_database("top_there")?;
    client.batch_execute("select 1 as marked_here")?;
    other.batch_execute("select 1 as marked_there")?;
    let find = |rows: &[Row], marker: &str| -> Option<String> {
        let row = rows.iter().find(|row| row.get::<_, &str>("query").contains(marker))?;
        row.get("database")
    };
    let rows = answered(&mut client, "select * from mcp_top_queries('calls', 100000)")?;
    ensure!(find(&rows, "marked_here").as_deref() == Some("top_here"), "{:?}", seen(&rows));
    ensure!(find(&rows, "marked_there").is_none(), "that of another database is shown");
    let rows = answered(&mut client, "select * from mcp_top_queries('calls', 100000, true)")?;
    ensure!(find(&rows, "marked_here").as_deref() == Some("top_here"));
    ensure!(find(&rows, "marked_there").as_deref() == Some("top_there"));
    let shares =
        "select sum(time_share) from mcp_top_queries('total_time', 100000, true) where toplevel";
    let sum: f64 = answered(&mut client, shares)?[0].try_get(0)?;
    ensure!((0.999..1.001).contains(&sum), "shares of {sum}");
    refused(&mut client, "select * from mcp_top_queries(all_databases => null)", "22004")?;
    // Who may not see the texts sees that there is something.
    client.batch_execute("create role top_stranger login")?;
    let mut stranger = fixture.cluster.connect_as("top_here", "top_stranger")?;
    let rows = stranger.query("select * from mcp_top_queries('calls', 100000, true)", &[])?;
    ensure!(rows.iter().any(|row| row.get::<_, &str>("query") == "<insufficient privilege>"));
    ensure!(find(&rows, "marked_there").is_none() && find(&rows, "marked_here").is_none());
    Ok(())
}

/// The names are taken from the extension itself, so that a new function is looked at too.
fn every_function(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "top_every")?;
    let names = client.query(
        "select distinct p.proname::text from pg_proc as p
        join pg_depend as d on d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
        join pg_extension as e on d.refclassid = 'pg_extension'::regclass and e.oid = d.refobjid
        where e.extname = 'mcp_advisor' and p.proname like 'mcp\\_%'",
        &[],
    )?;
    ensure!(names.len() >= 15, "{} functions", names.len());
    for name in &names {
        let name: &str = name.get(0);
        // Never called: the text is recorded all the same.
        let sql = format!(
            "create function pg_temp.{name}(text) returns text language sql as 'select $1';
            select pg_temp.{name}('its_argument')"
        );
        client.batch_execute(&sql)?;
    }
    client.batch_execute("select 1 as of_a_user, 'mcp_top_queries' as mentioned")?;
    let rows = answered(
        &mut client,
        "select query from mcp_top_queries('calls', 1000) where query like 'select%'",
    )?;
    let texts: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    ensure!(texts.iter().any(|text| text.contains("of_a_user")), "{texts:?}");
    ensure!(!texts.iter().any(|text| text.contains("pg_temp.mcp_")), "{texts:?}");
    Ok(())
}

fn info(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "top_info")?;
    let rows = answered(
        &mut client,
        "select i.counted_since = p.stats_reset as since, i.evictions = p.dealloc as evictions,
            i.entries between 1 and i.max_entries as entries,
            i.max_entries = current_setting('pg_stat_statements.max')::bigint as max_entries,
            i.track = 'top' as track, not i.track_planning as planning,
            not i.track_io_timing as io,
            i.version = (select extversion from pg_extension where extname = 'pg_stat_statements')
                as version
        from mcp_statements_info() as i cross join pg_stat_statements_info as p",
    )?;
    for (at, column) in rows[0].columns().iter().enumerate() {
        ensure!(rows[0].try_get::<_, Option<bool>>(at)? == Some(true), "{}", column.name());
    }
    let mut bare = fixture.database("top_info_none", &["mcp_advisor"])?;
    let error =
        bare.query("select * from mcp_statements_info()", &[]).err().context("an answer")?;
    ensure!(error.code().is_some_and(|code| code.code() == "55000"), "{error}");
    Ok(())
}

/// On a server of its own, which keeps fewer entries than there are statements, and that first only
/// looks as if it recorded them: a configuration file alone sets the library's setting.
fn thousands(_: &Fixture) -> Result<()> {
    const KEPT: i64 = 4000;
    let mut cluster = Cluster::start(&format!(
        "shared_preload_libraries = 'auto_explain'\npg_stat_statements.max = {KEPT}"
    ))?;
    let mut client = cluster.create_database("many")?;
    client.batch_execute("create extension pg_stat_statements; create extension mcp_advisor")?;
    for call in ["mcp_top_queries()", "mcp_statements_info()"] {
        let error = client.query(&format!("select * from {call}"), &[]).err();
        let error = error.context("an answer without the library")?;
        let said = error.as_db_error().context("no error of the server")?;
        ensure!(said.code().code() == "55000", "{said:?}");
        ensure!(said.message() == "pg_stat_statements is not loaded", "{said:?}");
        let commands = "Run: ALTER SYSTEM SET shared_preload_libraries = 'auto_explain', \
            'pg_stat_statements'; Then restart the server.";
        ensure!(said.hint() == Some(commands), "{said:?}");
    }
    drop(client);
    cluster.restart("shared_preload_libraries = 'auto_explain, pg_stat_statements'")?;
    let mut client = cluster.connect("many")?;
    // Each has another pattern of operators, so that they are different statements.
    let mut many = String::new();
    for number in 0..8192_u32 {
        let signs = (0..13).map(|bit| if number >> bit & 1 == 1 { "1+" } else { "1-" });
        many.push_str(&format!("select {}1;\n", signs.collect::<String>()));
    }
    client.batch_execute(&many)?;
    let info = client.query_one("select evictions, entries from mcp_statements_info()", &[])?;
    let (evictions, entries): (i64, i64) = (info.get(0), info.get(1));
    ensure!(evictions > 0 && entries > KEPT / 2 && entries <= KEPT, "{evictions} and {entries}");
    for (call, allowed) in [
        ("mcp_top_queries()", 10),
        ("mcp_top_queries('calls', 2000, true)", 10),
        ("mcp_top_queries('calls', 2000, true, 1)", 11),
    ] {
        let began = Instant::now();
        client.query(&format!("select * from {call}"), &[])?;
        let took = began.elapsed();
        ensure!(took < Duration::from_secs(allowed), "{call} took {took:?} of {entries} entries");
    }
    Ok(())
}

/// The versions that this server's module still has the views of.
fn versions(fixture: &Fixture) -> Result<()> {
    let available = fixture.session()?.query(
        "select version from pg_available_extension_versions where name = 'pg_stat_statements'
            and split_part(version, '.', 2)::integer >= 8",
        &[],
    )?;
    ensure!(available.len() >= 3, "{available:?}");
    for row in available {
        let version: &str = row.try_get(0)?;
        let database = format!("top_version_{version}");
        let mut client = fixture.database(&database, &["hypopg"])?;
        client.batch_execute(&format!(
            "create extension pg_stat_statements version '{version}'; create extension mcp_advisor;
            select mcp_schemas(); select hypopg(); select 1 as marked"
        ))?;
        for call in ["'calls', 1000", "'calls', 1000, true", "'io', 1000, false, 1"] {
            answered(&mut client, &format!("select * from mcp_top_queries({call})"))?;
        }
        let rows = answered(&mut client, "select * from mcp_top_queries('calls', 1000)")?;
        ensure!(rows.iter().any(|row| row.get::<_, &str>("query").contains("as marked")));
        let sql =
            "select version, counted_since is null, evictions is null from mcp_statements_info()";
        let info = client.query_one(sql, &[])?;
        ensure!(info.get::<_, &str>(0) == version);
        let unknown: (bool, bool) = (info.get(1), info.get(2));
        ensure!(unknown == (version == "1.8", version == "1.8"), "{version}: {unknown:?}");
    }
    let mut old = fixture.database("top_version_old", &["mcp_advisor"])?;
    old.batch_execute("create extension pg_stat_statements version '1.7'")?;
    for call in
        ["mcp_top_queries()", "mcp_top_queries(delta_seconds => 60)", "mcp_statements_info()"]
    {
        let error = old.query(&format!("select * from {call}"), &[]).err().context("an answer")?;
        ensure!(error.code().is_some_and(|code| code.code() == "0A000"), "{call}: {error}");
    }
    Ok(())
}
