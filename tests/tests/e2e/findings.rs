//! `mcp_plan_findings`: each finding really produced, and a near miss beside it.

use anyhow::{Result, ensure};
use postgres::Client;
use serde_json::Value;

use crate::Case;
use crate::fixture::Fixture;

pub(crate) const CASES: &[Case] = &[
    ("findings_of_estimates", estimates),
    ("findings_of_scans", scans),
    ("findings_of_memory", memory),
    ("findings_of_conditions", conditions),
    ("findings_of_statements", statements),
    ("findings_of_time", time),
    ("findings_without_execution", not_executed),
    ("findings_are_in_order_and_refuse_other_texts", answers),
    ("explain_compact", compact),
];

const SCHEMA: &str = "
create table big (id integer primary key, k integer, g integer, name varchar(40), note text,
    at timestamptz, pad text);
insert into big select i, i % 1000, i % 7, 'name ' || i, 'note ' || i % 500,
    '2026-01-01'::timestamptz + i * interval '1 minute', repeat('x', 60)
    from generate_series(1, 100000) as i;
create index big_name on big (name); create index big_at on big (at);
create table other (id integer primary key, big_id integer, state text);
insert into other select i, i, case when i <= 10 then 'rare' else 'usual' end
    from generate_series(1, 20000) as i;
create table small (id integer, word text); insert into small select i, 'w' || i
    from generate_series(1, 100) as i;
create table dependent (a integer, b integer, c integer);
insert into dependent select i % 1000, i % 1000, i from generate_series(1, 100000) as i;
select pg_stat_force_next_flush();
vacuum analyze";

fn database(fixture: &Fixture, name: &str) -> Result<Client> {
    let mut client = fixture.database(name, &["mcp_advisor"])?;
    for statement in SCHEMA.split_inclusive(';') {
        client.batch_execute(statement)?;
    }
    Ok(client)
}

/// A finding: what, place, message, evidence, remedy.
#[derive(Debug)]
pub(crate) struct Found {
    what: String,
    place: String,
    message: String,
    evidence: Value,
    remedy: String,
}

fn read(rows: &[postgres::Row]) -> Result<Vec<Found>> {
    rows.iter()
        .map(|row| {
            Ok(Found {
                what: row.try_get("finding")?,
                place: row.try_get("place")?,
                message: row.try_get("message")?,
                evidence: serde_json::from_str(row.try_get("evidence")?)?,
                remedy: row.try_get("remedy")?,
            })
        })
        .collect()
}

fn findings(client: &mut Client, query: &str, analyze: bool) -> Result<Vec<Found>> {
    let sql = "select finding, place, message, evidence::text, remedy
        from mcp_plan_findings($1, \"analyze\" => $2)";
    read(&client.query(sql, &[&query, &analyze])?)
}

/// Executes the statement, and fails unless it has the finding at that place; with `None`, unless it
/// has not.
fn expect(client: &mut Client, query: &str, what: &str, place: Option<&str>) -> Result<()> {
    let found = findings(client, query, true)?;
    let hits: Vec<&Found> = found.iter().filter(|one| one.what == what).collect();
    match (place, hits.as_slice()) {
        (None, []) => Ok(()),
        (None, [hit, ..]) => anyhow::bail!("{query}: {hit:?}"),
        (Some(place), [hit, ..]) => {
            ensure!(hit.place.contains(place), "{query}: {hit:?}");
            ensure!(!hit.message.is_empty() && !hit.remedy.is_empty(), "{hit:?}");
            ensure!(hit.evidence.as_object().is_some_and(|all| !all.is_empty()), "{hit:?}");
            Ok(())
        }
        (Some(_), []) => anyhow::bail!("{query}: no {what} in {found:#?}"),
    }
}

fn estimates(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "findings_estimates")?;
    // Columns that depend on each other.
    let query = "select count(*) from (
        select a, count(*) from dependent where a * 2 = b * 2 group by a) as x";
    expect(&mut client, query, "misestimate", Some("dependent"))?;
    expect(&mut client, "select * from dependent where a < 500", "misestimate", None)?;
    // Fewer rows than expected under a LIMIT prove nothing.
    expect(&mut client, "select * from big limit 5", "misestimate", None)?;
    let query = "select * from dependent as d join other as o on o.id = d.c
        where d.a * 2 = d.b * 2 and o.state is not null";
    client.batch_execute("set enable_hashjoin = off; set enable_mergejoin = off")?;
    expect(&mut client, query, "nested_loop_misestimate", Some("Nested Loop"))?;
    let query = "select * from dependent as d join other as o on o.id = d.c where d.a < 3";
    expect(&mut client, query, "nested_loop_misestimate", None)?;
    client.batch_execute("reset all")?;
    let query = "select count(*) from small where id > 5";
    expect(&mut client, query, "stale_statistics", None)?;
    client.batch_execute("insert into small select i, 'w' from generate_series(1, 3000) as i")?;
    client.batch_execute("select pg_stat_force_next_flush()")?;
    expect(&mut client, query, "stale_statistics", Some("small"))?;
    let remedy = findings(&mut client, query, false)?.pop().map(|found| found.remedy);
    ensure!(remedy.as_deref() == Some("ANALYZE public.small;"), "{remedy:?}");
    client.batch_execute("analyze small")?;
    expect(&mut client, query, "stale_statistics", None)?;
    let query = "select * from small as s join big as b on b.pad = s.word || 'x' where s.id = -1";
    client.batch_execute("set enable_hashjoin = off; set enable_mergejoin = off")?;
    expect(&mut client, query, "never_executed", Some("big"))?;
    let query = "select * from small as s join big as b on b.id = s.id where s.id = 7";
    expect(&mut client, query, "never_executed", None)
}

fn scans(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "findings_scans")?;
    client.batch_execute("set max_parallel_workers_per_gather = 0")?;
    expect(&mut client, "select * from big where k = 5", "wasteful_scan", Some("Seq Scan on big"))?;
    expect(&mut client, "select * from big where g > 2", "wasteful_scan", None)?;
    expect(&mut client, "select * from small where id = 5", "wasteful_scan", None)?;
    let found = findings(&mut client, "select * from big where k = 5 and g = 1", true)?;
    ensure!(found.iter().any(|one| one.remedy.contains("(k, g)")), "{found:#?}");
    let query = "select * from big where k = 999 and note <> 'x' order by at limit 200";
    client.batch_execute("set enable_sort = off; set enable_seqscan = off")?;
    expect(&mut client, query, "ordered_index_filters", Some("Index Scan using big_at"))?;
    let query = "select * from big where g < 5 order by at limit 200";
    expect(&mut client, query, "ordered_index_filters", None)?;
    let query = "select * from big where id between 1 and 50000 and k = 7";
    expect(&mut client, query, "index_filters", Some("big_pkey"))?;
    expect(&mut client, "select * from big where id < 50000 and g < 5", "index_filters", None)?;
    client.batch_execute("reset all")?;
    let query = "select id, (select count(*) from small as s where s.id < b.k) from big as b
        where id <= 2000";
    expect(&mut client, query, "repeated_sub_plan", Some("Aggregate"))?;
    let query = "select id, (select count(*) from small) from big";
    expect(&mut client, query, "repeated_sub_plan", None)?;
    let query = "select id from big where k not in (select id from small)";
    expect(&mut client, query, "repeated_sub_plan", None)
}

/// The `work_mem` that a finding's remedy sets.
fn advised(found: &[Found], what: &str) -> Option<String> {
    let remedy = &found.iter().find(|one| one.what == what)?.remedy;
    remedy.split('\'').nth(1).map(str::to_owned)
}

fn memory(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "findings_memory")?;
    client.batch_execute("set max_parallel_workers_per_gather = 0")?;
    for (query, what, place, more) in [
        ("select * from big order by pad, id offset 1", "sort_on_disk", "Sort", ""),
        (
            // The sum keeps 18 from seeing that it is a join of a row with itself.
            "select * from big as a join big as b on a.note = b.note and a.id = b.id + 0",
            "hash_on_disk",
            "Hash",
            "set enable_mergejoin = off; set enable_nestloop = off",
        ),
        (
            "select id, k, count(*), max(pad) from big group by id + 0, id, k",
            "hash_on_disk",
            "Aggregate",
            "set enable_sort = off; set enable_incremental_sort = off",
        ),
        (
            "select * from big where at > '2026-01-02' and at < '2026-03-01'",
            "lossy_bitmap",
            "Bitmap Heap Scan",
            "set enable_seqscan = off; set enable_indexscan = off",
        ),
    ] {
        client.batch_execute(
            "reset enable_mergejoin; reset enable_nestloop; reset enable_sort;
            reset enable_incremental_sort; reset enable_seqscan; reset enable_indexscan",
        )?;
        client.batch_execute(more)?;
        client.batch_execute("set work_mem = '64kB'")?;
        expect(&mut client, query, what, Some(place))?;
        let found = findings(&mut client, query, true)?;
        let Some(setting) = advised(&found, what) else { anyhow::bail!("{query}: {found:#?}") };
        // What is advised is enough.
        client.batch_execute(&format!("set work_mem = '{setting}'"))?;
        expect(&mut client, query, what, None)?;
    }
    Ok(())
}

fn conditions(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "findings_conditions")?;
    for (query, what, found) in [
        ("select * from big where upper(name) = 'NAME 5'", "function_on_column", true),
        (
            "select * from big where date_trunc('day', at) = '2026-01-05'",
            "function_on_column",
            true,
        ),
        ("select * from big where note = upper('x')", "function_on_column", false),
        ("select * from small where upper(word) = 'W5'", "function_on_column", false),
        ("select * from big where id = 5.0", "cast_on_column", true),
        ("select * from big where note::varchar = 'note 5'", "cast_on_column", false),
        // A varchar is stored as a text.
        ("select * from big where name = 'name 5' and k = 5", "cast_on_column", false),
        ("select * from big where note like '%e 77'", "leading_wildcard", true),
        ("select * from big where note ilike '_ote 77'", "leading_wildcard", true),
        ("select * from big where note like 'note 7%'", "leading_wildcard", false),
        (
            "select * from big as b join other as o on o.big_id = b.id
             where b.k = 5 or o.state = 'rare'",
            "or_across_tables",
            true,
        ),
        (
            "select * from big as b join other as o on o.big_id = b.id
             where (b.k = 5 or b.g = 2) and (o.state = 'rare' or o.id = 5)",
            "or_across_tables",
            false,
        ),
    ] {
        expect(&mut client, query, what, found.then_some(""))?;
    }
    let found = findings(&mut client, "select * from big where lower(note) = 'note 5'", false)?;
    let remedy = found.iter().find(|one| one.what == "function_on_column").map(|one| &one.remedy);
    let ddl = remedy.and_then(|remedy| remedy.split("expression: ").nth(1));
    let Some(ddl) = ddl else { anyhow::bail!("{found:#?}") };
    client.batch_execute(ddl)?;
    client.batch_execute("analyze big")?;
    let query = "select * from big where lower(note) = 'note 5'";
    expect(&mut client, query, "function_on_column", None)?;
    let found = findings(&mut client, "select * from big where id = 5.0", false)?;
    ensure!(found.iter().any(|one| one.evidence["index"] == "big_pkey"), "{found:#?}");
    Ok(())
}

fn statements(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "findings_statements")?;
    for (query, what, found) in [
        ("select * from big where k not in (select id from small)", "not_in", true),
        (
            "select * from big where k NOT /* x */ IN(with s as (select 1 as a) select a from s)",
            "not_in",
            true,
        ),
        (
            "select * from big as b where not exists (select from small as s where s.id = b.k)",
            "not_in",
            false,
        ),
        ("select * from big where k not in (1, 2)", "not_in", false),
        ("select 'not in (select 1)' from big where k in (select id from small)", "not_in", false),
        ("select * from big order by id limit 20 offset 50000", "deep_offset", true),
        ("select * from big order by id limit 20 offset 50", "deep_offset", false),
        ("select * from big order by id limit 20000", "deep_offset", false),
    ] {
        expect(&mut client, query, what, found.then_some(""))?;
    }
    Ok(())
}

/// The findings about a plan of a statement that writes, which only its owner can execute.
fn of_plan(client: &mut Client, query: &str) -> Result<Vec<Found>> {
    let mut transaction = client.transaction()?;
    let explain = format!("explain (analyze, verbose, format json) {query}");
    let messages = transaction.simple_query(&explain)?;
    let plan: String = messages
        .iter()
        .filter_map(|message| match message {
            postgres::SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        })
        .collect();
    let sql = "select finding, place, message, evidence::text, remedy
        from mcp_plan_findings_of($1::text::json, $2)";
    let found = read(&transaction.query(sql, &[&plan, &query])?);
    transaction.rollback()?;
    found
}

fn time(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "findings_time")?;
    client.batch_execute(
        "create table child (id integer, parent integer references other (id) on delete cascade);
        insert into child select i, i % 20000 + 1 from generate_series(1, 50000) as i; analyze child;
        create function slow() returns trigger language plpgsql as
            $$ begin perform pg_sleep(0.002); return new; end $$;
        create trigger slow before update on small for each row execute function slow()",
    )?;
    let found = of_plan(&mut client, "delete from other where id <= 20")?;
    ensure!(found.iter().any(|one| one.what == "constraints"), "{found:#?}");
    let found = of_plan(&mut client, "update small set word = 'x' where id <= 30")?;
    let trigger = found.iter().find(|one| one.what == "triggers");
    ensure!(trigger.is_some_and(|one| one.message.contains("trigger slow on")), "{found:#?}");
    client.batch_execute("create index on child (parent)")?;
    let found = of_plan(&mut client, "delete from other where id <= 20")?;
    ensure!(found.iter().all(|one| one.what != "constraints"), "{found:#?}");
    // No worker is to be had while they all are taken.
    let parallel = "set parallel_setup_cost = 0; set parallel_tuple_cost = 0;
        set min_parallel_table_scan_size = 0; set max_parallel_workers_per_gather = 2";
    client.batch_execute(parallel)?;
    let query = "select count(*) from big where pad like '%y%'";
    client.batch_execute("set max_parallel_workers = 0")?;
    expect(&mut client, query, "workers_not_launched", Some("Gather"))?;
    client.batch_execute("reset all")?;
    let available = client.query_one("select pg_jit_available()", &[])?.try_get::<_, bool>(0)?;
    if available {
        client.batch_execute(
            "set jit = on; set jit_above_cost = 0; set jit_inline_above_cost = 0;
            set jit_optimize_above_cost = 0",
        )?;
        let query = "select sum(id + k), avg(g * 2) from small join big using (id) where k < 900";
        expect(&mut client, query, "jit", Some(""))?;
    }
    client.batch_execute("set jit = off")?;
    let query = "select sum(id + k), avg(g * 2) from big where k < 900";
    expect(&mut client, query, "jit", None)
}

fn not_executed(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "findings_planned")?;
    client.batch_execute("set max_parallel_workers_per_gather = 0")?;
    for (query, what) in [
        ("select * from big where k = 5", Some("wasteful_scan")),
        ("select * from big where g > 2", None),
        ("select * from big order by id limit 20 offset 50000", Some("deep_offset")),
        ("select * from big where upper(name) = 'X'", Some("function_on_column")),
        ("select * from big where k = $1", Some("wasteful_scan")),
        (
            "select id, (select count(*) from small as s where s.id < b.k) from big as b",
            Some("repeated_sub_plan"),
        ),
        ("delete from big where k = 5", Some("wasteful_scan")),
        ("select 1", None),
        ("select * from small as s join other as o using (id)", None),
    ] {
        let found = findings(&mut client, query, false)?;
        match what {
            Some(what) => {
                ensure!(found.iter().any(|one| one.what == what), "{query}: {found:#?}");
            }
            None => ensure!(found.is_empty(), "{query}: {found:#?}"),
        }
    }
    // With the index that it asks for the finding is gone.
    let rows = client.query(
        "select finding, place, message, evidence::text, remedy from mcp_plan_findings(
            'select * from big where k = 5', array['create index on big (k)'])",
        &[],
    )?;
    ensure!(read(&rows)?.is_empty(), "{rows:?}");
    Ok(())
}

fn answers(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "findings_answers")?;
    let query =
        "select * from big where upper(name) like '%X' and id = 5.0 and k not in (select 1)";
    let rows = client.query("select severity, node from mcp_plan_findings($1)", &[&query])?;
    let order: Vec<(String, i32)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let mut sorted = order.clone();
    sorted.sort_by_key(|(severity, node)| (severity != "warning", *node));
    ensure!(order == sorted && order.len() > 1, "{order:?}");
    for plan in ["[]", "{}", "7", "\"x\"", "[{\"Plan\": 7}]", "null"] {
        let error = client.query(&format!("select mcp_plan_findings_of('{plan}')"), &[]).err();
        let code = error.as_ref().and_then(|error| error.code()).map(|code| code.code());
        ensure!(code == Some("22023"), "{plan}: {error:?}");
    }
    for (sql, code) in [
        ("select mcp_plan_findings(null)", "22004"),
        ("select mcp_plan_findings_of(null)", "22004"),
        ("select mcp_plan_findings('select * from nowhere')", "42P01"),
        ("select mcp_plan_findings('delete from big', \"analyze\" => true)", "25006"),
    ] {
        let error = client.query(sql, &[]).err();
        let found = error.as_ref().and_then(|error| error.code()).map(|code| code.code());
        ensure!(found == Some(code), "{sql}: {error:?}");
    }
    // Odd plans are read: nothing of them is taken for granted.
    for plan in ["[{\"Plan\": {}}]", "[{\"Plan\": {\"Plans\": [7, {\"Node Type\": \"Limit\"}]}}]"] {
        client.query(&format!("select mcp_plan_findings_of('{plan}')"), &[])?;
    }
    Ok(())
}

fn compact(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "findings_compact")?;
    client.batch_execute(
        "set max_parallel_workers_per_gather = 0; set jit = off; set enable_mergejoin = off;
        set enable_indexscan = off; set enable_sort = off",
    )?;
    let query = "select o.state, count(*) from big as b join other as o on o.big_id = b.id
        where b.k < 10 group by o.state";
    let sql = "select mcp_explain($1, \"analyze\" => $2, format => $3)";
    let planned: String = client.query_one(sql, &[&query, &false, &"compact"])?.try_get(0)?;
    let lines: Vec<&str> = planned.lines().collect();
    ensure!(lines[0].starts_with("cost ") && !lines[0].contains("ms"), "{planned}");
    ensure!(lines[1].starts_with("1 HashAggregate [o.state] rows 2"), "{planned}");
    ensure!(planned.contains("Seq Scan on big b [filter k < 10] rows"), "{planned}");
    let text: String = client.query_one(sql, &[&query, &true, &"text"])?.try_get(0)?;
    let executed: String = client.query_one(sql, &[&query, &true, &"compact"])?.try_get(0)?;
    ensure!(executed.contains(" -> ") && executed.contains("removed 99,000"), "{executed}");
    ensure!(executed.contains(", hit "), "{executed}");
    ensure!(executed.len() * 2 < text.len(), "{executed}\n{text}");
    Ok(())
}
