//! Partial indexes, and indexes that no statement of the workload names a table for: on tables that
//! inherit, and on the referencing side of foreign keys.

use anyhow::{Result, ensure};
use postgres::Client;

use crate::Case;
use crate::fixture::{Fixture, answered};

pub(crate) const CASES: &[Case] = &[
    ("advice_partial_where_a_condition_recurs", recurring),
    ("advice_partial_for_a_rare_value_of_a_parameter", rare_value),
    ("advice_partial_shows_no_values_to_who_may_not_read_them", discreet),
    ("advice_for_tables_that_inherit", inheritance),
    ("advice_for_the_referencing_side", referencing),
];

const SCHEMA: &str = "
create table jobs (id integer primary key, status text, created timestamptz, tenant integer,
    archived boolean, deleted_at timestamptz, pad text);
insert into jobs select i, case when i % 500 = 0 then 'open' when i % 300 = 0 then 'it''s \\ odd'
        else 'done' end, timestamptz '2024-01-01' + i * interval '1 minute', i % 900, i % 50 <> 0,
    case when i % 3 > 0 then timestamptz '2024-01-01' end, repeat('x', 80)
    from generate_series(1, 60000) as i;
create table secret (like jobs); insert into secret select * from jobs;
alter table secret enable row level security; create policy own on secret using (tenant = 1);
vacuum analyze";

fn database(fixture: &Fixture, name: &str) -> Result<Client> {
    let mut client = fixture.database(name, &["hypopg", "pg_stat_statements", "mcp_advisor"])?;
    for statement in SCHEMA.split(';') {
        client.batch_execute(statement)?;
    }
    Ok(client)
}

/// The advice for statements, each without what is the same everywhere.
fn advice(client: &mut Client, queries: &[&str]) -> Result<Vec<String>> {
    let list: Vec<String> = queries.iter().map(|query| format!("$q${query}$q$")).collect();
    let sql =
        format!("select ddl from mcp_advise_indexes(array[{}]) order by rank", list.join(", "));
    let rows = answered(client, &sql)?;
    rows.iter().map(|row| Ok(row.try_get::<_, String>(0)?)).collect()
}

fn plan(client: &mut Client, query: &str) -> Result<String> {
    let rows = client.query(&format!("explain (costs off) {query}"), &[])?;
    let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    Ok(lines.join("\n"))
}

fn recurring(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "advice_partial")?;
    for (query, condition) in [
        (
            "select * from jobs where status = 'open' order by created limit 20",
            "WHERE ((status = 'open'::text))",
        ),
        ("select id from jobs where not archived and tenant = 7", "WHERE ((NOT archived))"),
        (
            "select * from jobs where tenant = 7 and deleted_at is null and not archived",
            "WHERE ((NOT archived))",
        ),
        (
            "select * from jobs where status in ('open', 'failed') order by id desc limit 5",
            "WHERE ((status = ANY (ARRAY['open'::text, 'failed'::text])))",
        ),
    ] {
        let ddl = advice(&mut client, &[query])?;
        ensure!(ddl.len() == 1 && ddl[0].ends_with(condition), "{query}: {ddl:?}");
        let mut transaction = client.transaction()?;
        transaction.batch_execute(&ddl[0].replace(" CONCURRENTLY", ""))?;
        let rows = transaction.query(&format!("explain (costs off) {query}"), &[])?;
        let built: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        ensure!(built.join("\n").contains("Index"), "{query}: {built:?}");
        transaction.rollback()?;
    }
    // What nearly all rows fulfil, what is another value tomorrow, what the policy decides.
    for query in [
        "select * from jobs where status = 'done' and tenant = 7",
        "select * from jobs where created > '2024-02-10' and tenant = 7",
        "select * from secret where status = 'open' and tenant = 7",
    ] {
        let ddl = advice(&mut client, &[query])?;
        ensure!(ddl.iter().all(|ddl| !ddl.contains("WHERE")), "{query}: {ddl:?}");
    }
    // Once it exists it is not advised again.
    let query = "select * from jobs where status = 'open' order by created limit 20";
    let ddl = advice(&mut client, &[query])?;
    client.batch_execute(&ddl[0])?;
    ensure!(plan(&mut client, query)?.contains("Index Scan"));
    let again = advice(&mut client, &[query])?;
    ensure!(again.is_empty(), "{again:?}");
    Ok(())
}

fn rare_value(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "advice_rare")?;
    let query = "select * from jobs where status = $1 order by created limit 10";
    let text: String =
        answered(&mut client, &format!("select mcp_advise_report(array[$q${query}$q$])::text"))?[0]
            .try_get(0)?;
    let report: serde_json::Value = serde_json::from_str(&text)?;
    let ddl = report["indexes"][0]["ddl"].as_str().unwrap_or_default();
    ensure!(ddl.contains("created"), "{report:#}");
    let mut with = |value: &str| plan(&mut client, &query.replace("$1", value));
    ensure!(!with("'open'")?.contains("Index"));
    client.batch_execute(ddl)?;
    let plan = plan(&mut client, &query.replace("$1", "'open'"))?;
    ensure!(plan.contains("Index Scan"), "{ddl}: {plan}");
    Ok(())
}

/// A reader of some columns gets conditions, but none that he could not have known.
fn discreet(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "advice_discreet")?;
    client.batch_execute(
        "create role advice_discreet; grant select (id, tenant, created) on jobs to advice_discreet;
        create view jobs_of as select id, created, status from jobs; grant select on jobs_of
        to advice_discreet; alter view jobs_of owner to postgres;
        set role advice_discreet",
    )?;
    let query = "select id from jobs_of where status = $1 order by created limit 10";
    let rows =
        answered(&mut client, &format!("select mcp_advise_report(array[$q${query}$q$])::text"))?;
    let text: String = rows[0].try_get(0)?;
    ensure!(!text.contains("open") && !text.contains("odd"), "{text}");
    client.batch_execute("reset role; drop owned by advice_discreet; drop role advice_discreet")?;
    Ok(())
}

fn inheritance(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "advice_heirs")?;
    client.batch_execute(
        "create table readings (at timestamptz, sensor integer, value numeric);
        create table readings_1 () inherits (readings);
        create table readings_2 (extra text, at timestamptz, sensor integer, value numeric);
        alter table readings_2 inherit readings;
        insert into readings_1 select now(), i % 5000, i from generate_series(1, 50000) as i;
        insert into readings_2 select 'x', now(), i % 5000, i from generate_series(1, 50000) as i;
        analyze readings_1; analyze readings_2; analyze readings",
    )?;
    let ddl = advice(&mut client, &["select * from readings where sensor = 17"])?;
    let on =
        |table: &str| ddl.iter().any(|ddl| ddl.contains(&format!("{table} USING btree (sensor")));
    ensure!(ddl.len() == 2 && on("readings_1") && on("readings_2"), "{ddl:?}");
    ddl.iter().try_for_each(|ddl| client.batch_execute(ddl))?;
    let plan = plan(&mut client, "select * from readings where sensor = 17")?;
    ensure!(plan.contains("readings_1_sensor") && plan.contains("readings_2_sensor"), "{plan}");
    Ok(())
}

fn referencing(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "advice_referencing")?;
    client.batch_execute(
        "create table visits (id integer primary key, job integer references jobs on delete cascade,
            again integer references jobs, pad text);
        insert into visits select i, i, 60000 - i + 1, repeat('x', 50)
            from generate_series(1, 60000) as i;
        create table visits_done (job integer references jobs); analyze visits",
    )?;
    let delete = "delete from jobs where id = 17";
    let ddl = advice(&mut client, &[delete])?;
    let on = |column: &str| {
        ddl.iter().any(|ddl| ddl.contains(&format!("visits USING btree ({column})")))
    };
    ensure!(ddl.len() == 2 && on("job") && on("again"), "{ddl:?}");
    // Nothing for who only reads.
    let ddl = advice(&mut client, &["select * from jobs where id = 17"])?;
    ensure!(ddl.is_empty(), "{ddl:?}");
    Ok(())
}
