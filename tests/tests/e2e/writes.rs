//! What writing costs, by the counters of a real load; and what goes with what is advised.

use std::ops::{Deref, DerefMut};

use advisor_tests::cluster::Cluster;
use advisor_tests::measure::plan_cost;
use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde_json::Value;

use crate::Case;
use crate::fixture::{Fixture, answered};

pub(crate) const CASES: &[Case] = &[
    ("writes_keep_an_index_from_a_table_that_is_seldom_read", seldom_read),
    ("writes_lost_to_heap_only_updates_are_as_claimed", heap_only),
    ("writes_log_about_what_is_claimed", logged),
    ("writes_replaced_indexes_are_proven", replaced),
    ("drops_superseded_by_what_is_advised", superseded),
    ("drops_never_both_of_two_duplicates", duplicates),
];

/// Counts from here on, and takes young counters for what they are.
const FROM_NOW: &str = "
    select public.pg_stat_statements_reset();
    select pg_stat_reset();
    set mcp_advisor.write_window = 0;";

/// A session in a cluster of its own: pg_stat_statements says since when it counts for the whole of
/// it only, and to reset that would take from the other cases what they count.
struct Own {
    client: Client,
    _cluster: Cluster,
}

impl Deref for Own {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl DerefMut for Own {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}

fn database(name: &str, schema: &str) -> Result<Own> {
    let cluster = Cluster::start("shared_preload_libraries = 'pg_stat_statements'")?;
    let mut client = cluster.create_database(name)?;
    for extension in ["hypopg", "pg_stat_statements", "mcp_advisor"] {
        client.batch_execute(&format!("create extension {extension}"))?;
    }
    client.batch_execute(schema)?;
    client.batch_execute("vacuum analyze")?;
    client.batch_execute("select mcp_schemas(); select hypopg()")?;
    // What the session has counted so far must not arrive after the reset.
    client.batch_execute("select pg_stat_force_next_flush()")?;
    client.batch_execute("select 1")?;
    client.batch_execute(FROM_NOW)?;
    Ok(Own { client, _cluster: cluster })
}

fn report(client: &mut Client, arguments: &str) -> Result<Value> {
    let sql = format!("select mcp_advise_report({arguments})::text");
    let text: String = answered(client, &sql)?[0].try_get(0)?;
    Ok(serde_json::from_str(&text)?)
}

fn number(value: &Value) -> Result<f64> {
    value.as_f64().with_context(|| value.to_string())
}

/// Two tables alike, one written all the time and read twice, the other the other way round.
fn seldom_read(_: &Fixture) -> Result<()> {
    let table = |name: &str| {
        format!(
            "create table {name} (id serial primary key, k integer, pad text);
            insert into {name} (k, pad) select g % 2000, repeat('x', 60)
                from generate_series(1, 30000) as g;"
        )
    };
    let mut client = database("writes_seldom_read", &(table("journal") + &table("lookup")))?;
    for turn in 0..40 {
        client.batch_execute(
            "insert into journal (k, pad) select g * 7919 % 2000, repeat('y', 60)
                from generate_series(1, 2000) as g",
        )?;
        let quiet = if turn % 20 == 0 { "journal" } else { "lookup" };
        client.simple_query(&format!("select pad from {quiet} where k = {turn}"))?;
        client.simple_query(&format!("select pad from lookup where k = {turn}"))?;
    }
    client.batch_execute("select pg_stat_force_next_flush()")?;
    client.batch_execute("insert into lookup (k, pad) values (1, 'x'); analyze journal")?;
    let generous = "min_improvement => 0, pareto_ratio => 0";
    let on = |report: &Value| -> Vec<String> {
        let indexes = report["indexes"].as_array().into_iter().flatten();
        indexes.map(|index| index["relation"].to_string()).collect()
    };
    let weighed = report(&mut client, generous)?;
    ensure!(on(&weighed).len() == 1 && on(&weighed)[0].contains("lookup"), "{weighed:#}");
    let declined = weighed["declined"].as_array().context("declined")?;
    ensure!(!declined.is_empty(), "{weighed:#}");
    ensure!(number(&declined[0]["write_cost"])? > number(&declined[0]["saves"])?, "{weighed:#}");
    client.batch_execute("set mcp_advisor.write_weight = 0")?;
    let free = report(&mut client, generous)?;
    ensure!(on(&free).len() == 2, "{free:#}");
    ensure!(free["declined"].as_array().is_some_and(Vec::is_empty), "{free:#}");
    Ok(())
}

const ACCOUNTS: &str = "
    create table accounts (id integer primary key, balance integer, seen integer, pad text)
        with (fillfactor = 50, autovacuum_enabled = off);
    insert into accounts select g, g % 5000, 0, repeat('x', 100) from generate_series(1, 20000) as g;";

/// Of four updates three set the balance.
fn updates(client: &mut Client, turns: usize) -> Result<()> {
    for turn in 0..turns {
        let id = turn * 7919 % 20000 + 1;
        let sql = match turn % 4 {
            3 => format!("update accounts set seen = seen + 1 where id = {id}"),
            _ => format!("update accounts set balance = balance + 1 where id = {id}"),
        };
        client.simple_query(&sql)?;
    }
    client.batch_execute("select pg_stat_force_next_flush()")?;
    client.batch_execute("select 1")?;
    Ok(())
}

/// The share of the updates that were heap-only since the counters were reset.
fn hot_share(client: &mut Client) -> Result<f64> {
    let sql = "select n_tup_hot_upd::float8 / n_tup_upd from pg_stat_user_tables
        where relname = 'accounts'";
    Ok(client.query_one(sql, &[])?.try_get(0)?)
}

fn heap_only(_: &Fixture) -> Result<()> {
    let mut client = database("writes_heap_only", ACCOUNTS)?;
    client.simple_query("select pad from accounts where balance = 17")?;
    updates(&mut client, 2000)?;
    let before = hot_share(&mut client)?;
    ensure!(before > 0.95, "{before}");
    // The claims do not depend on what writing counts for.
    client.batch_execute("set mcp_advisor.write_weight = 0")?;
    let advice = report(&mut client, "min_improvement => 0, pareto_ratio => 0")?;
    let index = advice["indexes"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|index| index["columns"][0] == "balance");
    let index = index.with_context(|| format!("{advice:#}"))?;
    let claimed = number(&index["hot_updates_lost"])?;
    ensure!(index["breaks_hot"] == true, "{index}");
    let ddl = index["ddl"].as_str().unwrap_or_default().replace(" CONCURRENTLY", "");
    client.batch_execute(&ddl)?;
    client.batch_execute(FROM_NOW)?;
    updates(&mut client, 2000)?;
    let lost = before - hot_share(&mut client)?;
    ensure!((lost - claimed).abs() < 0.05, "claimed {claimed}, lost {lost}");
    // Nothing more is lost by another index on it.
    let again = report(
        &mut client,
        "array['select id from accounts where balance = 3 and seen < 9', \
        'update accounts set balance = 1 where id = 3'], min_improvement => 0, pareto_ratio => 0",
    )?;
    for index in again["indexes"].as_array().into_iter().flatten() {
        ensure!(number(&index["hot_updates_lost"])? < 0.05, "{index}");
    }
    Ok(())
}

/// Bytes of WAL that a load's statements wrote, from a checkpoint on. Other cases write, too, so the
/// position of the WAL says nothing.
fn wal_of(client: &mut Client, load: impl Fn(&mut Client) -> Result<()>) -> Result<f64> {
    client.batch_execute("checkpoint")?;
    load(client)?;
    let sql = "select sum(s.wal_bytes)::float8 from public.pg_stat_statements as s
        join pg_database as d on d.oid = s.dbid
        where d.datname = current_database() and s.query like 'insert into events%'";
    Ok(client.query_one(sql, &[])?.try_get(0)?)
}

fn logged(_: &Fixture) -> Result<()> {
    let mut client = database(
        "writes_logged",
        "create table events (id serial primary key, k integer, pad text)
            with (autovacuum_enabled = off);
        insert into events (k, pad) select g * 7919 % 100000, repeat('x', 60)
            from generate_series(1, 100000) as g;",
    )?;
    let load = |client: &mut Client| -> Result<()> {
        for _ in 0..20 {
            client.batch_execute(
                "insert into events (k, pad) select (random() * 100000)::integer, 'y'
                    from generate_series(1, 500)",
            )?;
        }
        Ok(())
    };
    client.simple_query("select pad from events where k = 17")?;
    let without = wal_of(&mut client, load)?;
    client.batch_execute("set mcp_advisor.write_weight = 0; select pg_stat_force_next_flush()")?;
    let advice = report(&mut client, "min_improvement => 0, pareto_ratio => 0")?;
    let index = &advice["indexes"][0];
    ensure!(index["columns"][0] == "k", "{advice:#}");
    // Rates are over a second at least.
    let counted = number(&advice["writing"]["counted_seconds"])?.max(1.0);
    let claimed = number(&index["wal_bytes_per_second"])? * counted;
    client
        .batch_execute(&index["ddl"].as_str().unwrap_or_default().replace(" CONCURRENTLY", ""))?;
    client.batch_execute(FROM_NOW)?;
    let added = wal_of(&mut client, load)? - without;
    // Checkpoints that others ask for have pages logged once more.
    ensure!(claimed > added / 2.0 && claimed < added * 2.0, "claimed {claimed}, added {added}");
    Ok(())
}

fn replaced(_: &Fixture) -> Result<()> {
    let mut client = database(
        "writes_replaced",
        "create table t (id integer primary key, a integer, b integer, c bigint, d bigint, pad text);
        insert into t select g, g % 300, g % 7, g, g, repeat('x', 300)
            from generate_series(1, 60000) as g;
        create index narrow on t (a);",
    )?;
    let wants = "select b, c, d from t where a = 17";
    let narrow = "select count(*) from t where a between 10 and 250";
    let advice = |client: &mut Client, queries: &[&str]| -> Result<Value> {
        let list: Vec<String> = queries.iter().map(|query| format!("$q${query}$q$")).collect();
        report(
            client,
            &format!("array[{}], min_improvement => 0, pareto_ratio => 0", list.join(", ")),
        )
    };
    let replaces = |advice: &Value| -> Vec<Value> {
        let indexes = advice["indexes"].as_array().into_iter().flatten();
        indexes.flat_map(|index| index["replaces"].as_array().cloned()).flatten().collect()
    };
    let alone = advice(&mut client, &[wants])?;
    ensure!(replaces(&alone).len() == 1, "{alone:#}");
    ensure!(alone["drops"][0]["index"].as_str().is_some_and(|name| name.contains("narrow")));
    // The narrow one is read through by another statement, for which the wide one is dearer.
    let both = advice(&mut client, &[wants, narrow])?;
    ensure!(!both["indexes"].as_array().context("indexes")?.is_empty(), "{both:#}");
    ensure!(replaces(&both).is_empty(), "{both:#}");
    Ok(())
}

/// Verdict, index, what takes its place, and the statement that drops it.
type Dropped = (String, String, Option<String>, Option<String>);

fn superseded(_: &Fixture) -> Result<()> {
    let mut client = database(
        "drops_superseded",
        "create table t (id integer primary key, region integer, sold date, pad text);
        insert into t select g, g % 20, date '2020-01-01' + g % 1500, repeat('x', 60)
            from generate_series(1, 60000) as g;
        create index by_region on t (region);
        alter table t add constraint only_one unique (sold, id);",
    )?;
    let queries = [
        "select id from t where region = 3 order by sold limit 5",
        "select pad from t where region = 3 and id < 500",
    ];
    for query in queries {
        client.simple_query(query)?;
    }
    let rows = |client: &mut Client, arguments: &str| -> Result<Vec<Dropped>> {
        let sql = format!(
            "select verdict, index::text, superseded_by, ddl from mcp_advise_drops({arguments})"
        );
        let found = answered(client, &sql)?;
        found
            .iter()
            .map(|r| Ok((r.try_get(0)?, r.try_get(1)?, r.try_get(2)?, r.try_get(3)?)))
            .collect()
    };
    let without = rows(&mut client, "")?;
    ensure!(without.iter().all(|row| row.0 != "superseded" && row.2.is_none()), "{without:?}");
    let found = rows(&mut client, "with_advice => true")?;
    let row =
        found.iter().find(|row| row.1 == "by_region").with_context(|| format!("{found:?}"))?;
    ensure!(row.0 == "superseded", "{found:?}");
    ensure!(found.iter().all(|row| row.1 == "by_region" || row.0 != "superseded"), "{found:?}");
    let (by, ddl) = (row.2.clone().context("by what")?, row.3.clone().context("no ddl")?);
    // Which of the two gains hangs on ANALYZE's sample.
    let costs = |client: &mut Client| -> Result<Vec<f64>> {
        queries.iter().map(|query| plan_cost(client, query)).collect()
    };
    let before = costs(&mut client)?;
    client.batch_execute(&by)?;
    client.batch_execute(&ddl)?;
    let after = costs(&mut client)?;
    ensure!(after.iter().sum::<f64>() < before.iter().sum(), "{by}: {before:?}, {after:?}");
    let kept = |(after, before): (&f64, &f64)| *after < before * 1.01;
    ensure!(after.iter().zip(&before).all(kept), "{by}: {before:?}, {after:?}");
    let again = rows(&mut client, "with_advice => true")?;
    ensure!(again.iter().all(|row| row.0 != "superseded"), "{again:?}");
    Ok(())
}

fn duplicates(_: &Fixture) -> Result<()> {
    let mut client = database(
        "drops_duplicates",
        "create table t (id integer primary key, a integer, b integer);
        insert into t select g, g, g from generate_series(1, 60000) as g;
        create index one on t (a); create index two on t (a); create index other on t (b);",
    )?;
    client.simple_query("select * from t where id = 7")?;
    client.batch_execute(
        "set mcp_advisor.health_unused_index_window = 0; select pg_stat_force_next_flush()",
    )?;
    let sql = "select index::text, verdict, why_not from mcp_advise_drops()";
    let found = answered(&mut client, sql)?;
    let verdict = |name: &str| -> Result<String> {
        let row = found.iter().find(|row| row.get::<_, String>(0) == name);
        Ok(row.with_context(|| format!("{name}: {found:?}"))?.try_get(1)?)
    };
    let pair = [verdict("one")?, verdict("two")?];
    ensure!(pair.iter().filter(|verdict| *verdict == "drop").count() == 1, "{pair:?}");
    ensure!(pair.iter().any(|verdict| verdict == "unproven"), "{pair:?}");
    ensure!(verdict("other")? == "drop");
    for row in &found {
        if row.get::<_, String>(1) == "drop" {
            client.batch_execute(&format!("drop index {}", row.get::<_, String>(0)))?;
        }
    }
    // Once that is gone, the other one is judged as it is.
    let left = answered(&mut client, sql)?;
    ensure!(left.len() == 1 && left[0].get::<_, String>(1) == "drop", "{left:?}");
    Ok(())
}
