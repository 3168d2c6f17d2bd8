//! Which statements of pg_stat_statements take part, and why the others do not.

use advisor_tests::tpch;
use anyhow::{Context, Result, ensure};
use postgres::Client;

use crate::Case;
use crate::answer::{given, recorded};
use crate::fixture::Fixture;

pub(crate) const CASES: &[Case] = &[
    ("workload_takes_all_of_tpch", all_of_tpch),
    ("workload_leaves_out_with_a_reason", left_out_with_a_reason),
    ("workload_finds_schemas_outside_the_path", schemas_outside_the_path),
    ("workload_takes_every_kind_of_statement", every_kind),
    ("workload_takes_what_normalization_broke", normalized),
    ("workload_obeys_thresholds", thresholds),
    ("workload_advice_for_partitions_runs", partitions),
];

/// What most cases work on.
const SCHEMA: &str = r#"
create table orders (id integer primary key, customer integer, placed date, at timestamptz,
    amount numeric, done boolean, note text, doc jsonb);
insert into orders select i, i % 2000, date '2020-01-01' + i % 1000, timestamptz '2020-01-01' +
    i * interval '1 minute', i % 777, i % 100 = 0, md5(i::text), jsonb_build_object('a', i % 50)
    from generate_series(1, 20000) as i;
create table customers (id integer primary key, name text, boss integer);
insert into customers select i, 'name ' || i, i / 7 from generate_series(1, 20000) as i;
create view big_orders as select o.*, c.name from orders as o join customers as c
    on c.id = o.customer where o.amount > 700;
create table target (id integer, customer integer, amount numeric);
create table parts (id integer, day date, customer integer) partition by range (day);
create table parts_1 partition of parts for values from ('2020-01-01') to ('2021-01-01');
create table parts_2 partition of parts for values from ('2021-01-01') to ('2023-01-01');
insert into parts select i, date '2020-01-01' + i % 1000, i % 4000
    from generate_series(1, 40000) as i;
create table "Mixed Case" ("Key" integer, "Wert" integer, pad text);
insert into "Mixed Case" select i, i, repeat('x', 100) from generate_series(1, 20000) as i;
analyze;
"#;

fn database(fixture: &Fixture, name: &str) -> Result<Client> {
    let mut client = fixture.database(name, &["hypopg", "pg_stat_statements", "mcp_advisor"])?;
    client.batch_execute(SCHEMA)?;
    forget(&mut client)?;
    Ok(client)
}

/// Empties pg_stat_statements of this database, for other cases run beside this one.
fn forget(client: &mut Client) -> Result<()> {
    let sql = "select pg_stat_statements_reset(0, oid, 0)
        from pg_database where datname = current_database()";
    client.query(sql, &[])?;
    Ok(())
}

/// Runs each statement by itself; a text of several would be recorded as several all the same.
fn run(client: &mut Client, statements: &[&str]) -> Result<()> {
    for statement in statements {
        client.simple_query(statement).with_context(|| (*statement).to_owned())?;
    }
    Ok(())
}

fn all_of_tpch(fixture: &Fixture) -> Result<()> {
    let extensions = ["hypopg", "pg_stat_statements", "mcp_advisor"];
    let mut client = fixture.database("tpch", &extensions)?;
    let spec = tpch::Spec { scale: 0.01, primary_keys: true };
    tpch::load(&fixture.cluster, "tpch", spec, &|_| ())?;
    forget(&mut client)?;
    let texts: Vec<&str> = tpch::queries().iter().map(|query| query.sql).collect();
    run(&mut client, &texts)?;
    let answer = recorded(&mut client, "")?;
    answer.expect_count(22).context("as recorded")?;
    let answer = given(&mut client, &texts, "")?;
    answer.expect_count(22).context("as written")?;
    ensure!(!answer.indexes().is_empty(), "no index helps");

    let sql = "select query from pg_stat_statements
        where dbid = (select oid from pg_database where datname = 'tpch')
        and query like '%\\_%' and query ~ '[a-z]_[a-z]+key|l_shipdate|c_phone'
        and query !~ 'pg_'";
    let rows = client.query(sql, &[])?;
    let texts: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    ensure!(texts.len() == 22, "{} texts", texts.len());
    ensure!(texts.iter().all(|text| text.contains("$1")), "not normalized: {texts:?}");
    let answer = given(&mut client, &texts, "")?;
    answer.expect_count(22).context("as normalized")
}

fn left_out_with_a_reason(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "reasons")?;
    run(
        &mut client,
        &[
            "create table m_utility (a integer)",
            "select relname as m_catalog from pg_class where relkind = 'r'",
            "create temp table temporary as select * from orders",
            "select id as m_temp from temporary where id = 5",
            "select 17 as m_no_table",
            "create table dropped (a integer)",
            "select a as m_dropped from dropped where a = 5",
            "drop table dropped",
            "create table altered (a integer, b integer)",
            "select b as m_column from altered where b = 1",
            "alter table altered drop column b",
            "create function nested() returns bigint language plpgsql as
             $$ begin return (select count(*) as m_nested from orders where customer = 3); end $$",
            "set pg_stat_statements.track = 'all'",
            "select nested(), count(*) as m_outer from orders where customer = 5",
            "reset pg_stat_statements.track",
            "select id as m_here from orders where customer = 5",
        ],
    )?;
    let mut other = fixture.session()?;
    other.simple_query("select id as m_other_database from items where customer = 5")?;
    let recorded_nested = "select count(*) from pg_stat_statements
        where query like '%m_nested from%' and not toplevel";
    let nested: i64 = client.query_one(recorded_nested, &[])?.get(0);
    ensure!(nested == 1, "the nested statement was not recorded");
    let answer = recorded(&mut client, "")?;
    answer.expect_skipped("m_utility", "utility statement")?;
    answer.expect_skipped("m_catalog", "catalog only")?;
    answer.expect_skipped("m_temp", "temporary table")?;
    answer.expect_skipped("m_no_table", "no table")?;
    answer.expect_skipped("m_dropped", "missing object")?;
    answer.expect_skipped("m_column", "missing object")?;
    answer.expect_absent("m_nested from orders where customer = $")?;
    answer.expect_absent("m_other_database")?;
    answer.expect_used("m_outer")?;
    answer.expect_used("m_here")?;
    // In another session the temporary table does not exist.
    let mut session = fixture.cluster.connect("reasons")?;
    recorded(&mut session, "")?.expect_skipped("m_temp", "missing object")?;
    let texts = [
        "select from from m_syntax",
        "select id from orders where note = 'm_cut",
        "select 1 as m_two; select 2",
        "select m_here.id from orders as m_here where customer = 5",
    ];
    let answer = given(&mut client, &texts, "")?;
    answer.expect_skipped("m_syntax", "parse error")?;
    answer.expect_skipped("m_cut", "truncated text")?;
    answer.expect_skipped("m_two", "parse error")?;
    answer.expect_used("m_here")
}

fn schemas_outside_the_path(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "paths")?;
    client.batch_execute(
        "create schema here; create schema \"Über there\"; create schema both_too;
        create table here.alone as select i, i % 500 as k from generate_series(1, 9000) as i;
        create table \"Über there\".\"Álone\" as select * from here.alone;
        create table here.twice as select * from here.alone;
        create table both_too.twice as select * from here.alone;
        create table here.named as select * from here.alone;
        analyze",
    )?;
    run(
        &mut client,
        &[
            "set search_path = here, \"Über there\"",
            "select k as m_alone from alone where i = 7",
            "select alone.k as m_qualified from alone where alone.i < 7",
            "select 'ä ö ü' as m_quoted, * from \"Álone\" where i = 7",
            "select a.k as m_two from alone as a, \"Álone\" as b where a.i = b.i and b.k = 9",
            "select k as m_nested from (select * from alone where i in (select i from named)) as x",
            "with c as (select * from ALONE where i = 4) select k as m_cte from c",
            "update alone as m_update set k = 3 where i = 8",
            "delete from alone as m_delete where i = 100000",
            "insert into named (i, k) select i, k as m_insert from alone where i = 8",
            "select k as m_twice from twice where i = 7",
            "reset search_path",
        ],
    )?;
    let answer = recorded(&mut client, "")?;
    for marker in [
        "m_alone",
        "m_qualified",
        "m_quoted",
        "m_two",
        "m_nested",
        "m_cte",
        "m_update",
        "m_delete",
        "m_insert",
    ] {
        answer.expect_used(marker)?;
    }
    // Two schemas have it: a guess could be advice for the wrong table.
    answer.expect_skipped("m_twice", "missing object")?;
    // A role that always works there: its own path says which.
    client.batch_execute("create role dweller; alter role dweller set search_path = both_too")?;
    client.batch_execute(
        "grant usage on schema both_too to dweller; grant all on both_too.twice to dweller",
    )?;
    run(
        &mut client,
        &[
            "set role dweller",
            "set search_path = both_too",
            "select k as m_dweller from twice where i = 7",
            "reset search_path",
            "reset role",
        ],
    )?;
    recorded(&mut client, "")?.expect_used("m_dweller")
}

/// Statements of all kinds, as a user would write them, each with a name in it.
const KINDS: &[&str] = &[
    "select name as m_view from big_orders where customer = 17",
    "select count(*) as m_partitioned from parts where day > '2022-01-01' and customer = 5",
    "select c.id as m_lateral from customers as c cross join lateral
        (select * from orders as o where o.customer = c.id order by placed desc limit 3) as o
        where c.boss = 12",
    "select id, rank() over (partition by customer order by placed) as m_window from orders
        where customer < 10",
    "select id as m_union from orders where customer = 1 union all select id from customers
        where boss = 3",
    "select customer as m_except from orders except select id from customers where boss = 3",
    "with recursive m_recursive as (select id, boss from customers where id = 1000
        union all select c.id, c.boss from customers as c join m_recursive as r on c.boss = r.id
        where c.id > r.id) select count(*) from m_recursive",
    "insert into target select id as m_insert, customer, amount from orders where customer = 8",
    "update orders as m_update set amount = amount + 1 where customer = 9",
    "delete from orders as m_delete where customer = 1999",
    "merge into target as m_merge using orders as o on m_merge.id = o.id and o.customer = 8
        when matched then update set amount = o.amount
        when not matched and o.id < 5 then insert values (o.id, o.customer, o.amount)",
    "with gone as (delete from target where customer = 3 returning id)
        select count(*) as m_modifying from gone join orders using (id)",
    "insert into customers as m_conflict values (5, 'x', 1) on conflict (id)
        do update set name = 'y' where m_conflict.boss = 0",
    "select distinct on (customer) customer, placed as m_distinct_on from orders
        order by customer, placed desc",
    "select customer, sum(amount) as m_cube from orders group by cube (customer, placed)
        having sum(amount) > 10",
    "select name as m_exists from customers as c where exists
        (select from orders as o where o.customer = c.id and o.amount > 770)",
    "select \"Wert\" as m_mixed from \"Mixed Case\" where \"Key\" = 5",
    "select \"Mixed Case\".\"Wert\" as \"m_ Quoted\" from \"public\".\"Mixed Case\"
        where \"Mixed Case\".\"Wert\" = 5",
    "select id as m_locking from orders where customer = 5 for update",
    "select id as m_sample from orders tablesample bernoulli (10) where customer = 5",
    "values ((select max(id) as m_values from orders where customer = 3))",
];

/// The name in a statement: from `m_` to the next delimiter.
fn marker(statement: &str) -> &str {
    let rest = &statement[statement.find("m_").unwrap_or(0)..];
    rest.split([' ', ',', '"', '.', ')']).next().unwrap_or(rest)
}

fn every_kind(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "kinds")?;
    let answer = given(&mut client, KINDS, "")?;
    answer.expect_count(KINDS.len())?;
    run(&mut client, KINDS)?;
    let answer = recorded(&mut client, "")?;
    for statement in KINDS {
        answer.expect_used(marker(statement))?;
    }
    Ok(())
}

/// Statements whose normalized text the parser refuses, or reads with other types.
const NORMALIZED: &[&str] = &[
    "select id as m_limit from orders order by placed limit 10",
    "select id as m_offset from orders order by placed limit 10 offset 20",
    "select id as m_fetch from orders order by placed, note fetch first 3 rows only",
    "select id as m_in from orders where customer in (1, 2, 3, 4)",
    "select id as m_in_text from orders where note in ('a', 'b')",
    "select id as m_like from orders where note like 'abc%'",
    "select id as m_ilike from orders where note ilike '%abc'",
    "select id as m_regex from orders where note ~ '^abc'",
    "select id as m_similar from orders where note similar to 'abc%'",
    "select id as m_escape from orders where note like 'a!%%' escape '!'",
    "select id as m_interval from orders where at > timestamptz '2020-01-05' - interval '3 days'",
    "select id as m_interval_unit from orders where at > now() - interval '3' day",
    "select id as m_date from orders where placed >= date '2021-05-01'",
    "select id as m_date_add from orders where placed < date '2021-05-01' + interval '1' month",
    "select id as m_date_int from orders where placed > current_date - 7",
    "select id as m_between from orders where placed between date '2021-01-01' and date '2021-02-01'",
    "select id as m_timestamp from orders where at > timestamp '2020-01-03 10:00'",
    "select id as m_numeric from orders where amount = numeric '5.5'",
    "select id as m_bool from orders where done = bool 'true'",
    "select id as m_cast from orders where placed = cast('2021-01-01' as date)",
    "select id as m_colons from orders where placed = '2021-01-01'::date and customer = '5'::int",
    "select customer % 10 as m_group, count(*) from orders where id > 5 group by customer % 10",
    "select customer % 10 as m_order from orders order by customer % 10, id limit 5",
    "select extract(year from placed) as m_extract, count(*) from orders
        group by extract(year from placed)",
    "select date_trunc('month', placed) as m_trunc, sum(amount) from orders
        group by date_trunc('month', placed) order by date_trunc('month', placed)",
    "select case when customer > 5 then 'a' else 'b' end as m_case, count(*) from orders
        group by case when customer > 5 then 'a' else 'b' end",
    "select distinct on (customer % 3) customer as m_distinct from orders order by customer % 3, id",
    "select substring(note from 1 for 3) as m_substring from orders
        where substring(note from 1 for 2) in ('a1', 'b2')",
    "select trim(both 'x' from note) as m_trim from orders where position('a' in note) = 1",
    "select coalesce(note, 'none') as m_coalesce from orders where coalesce(amount, 0) = 3",
    "select count(*) filter (where amount > 5) as m_filter from orders where customer = 1",
    "select percentile_cont(0.5) within group (order by amount) as m_percentile from orders",
    "select string_agg(note, ', ' order by id) as m_agg from orders where customer = 5",
    "select id as m_row from orders where (customer, placed) in ((1, date '2020-01-02'),
        (2, date '2020-01-03'))",
    "select id as m_row_less from orders where (customer, id) > (5, 6) order by customer, id limit 4",
    "select id as m_any from orders where customer = any ('{1,2,3}')",
    "select id as m_array from orders where id = any (array[1, 2, 3])",
    "select lag(id, 1, 0) over (order by placed rows between 3 preceding and current row) as m_lag
        from orders where customer = 3",
    "select ntile(4) over (order by placed) as m_ntile from orders where customer = 3",
    "select id as m_json from orders where doc @> '{\"a\": 1}' and doc ->> 'a' = '1'",
    "select id as m_path from orders where jsonb_path_exists(doc, '$.a ? (@ > 5)')",
    "select id as m_zone from orders where at at time zone 'UTC' > '2020-01-05'",
    "select id as m_negative from orders where customer = -1 or amount > -5.5",
    "select id as m_concat from orders where note = 'a' || 'b'",
    "select o.id as m_values from orders as o join (values (1, 'x'), (2, 'y')) as v (k, t)
        on v.k = o.customer",
    "select g as m_series from generate_series(1, 10) as g join orders on orders.id = g",
    "select id as m_sample from orders tablesample system (10) where customer = 5",
    "select id as m_null from orders where customer = nullif(5, 0) and note is distinct from 'x'",
    "select greatest(amount, 5) as m_greatest from orders where least(customer, 7) = 3",
    "select to_char(placed, 'YYYY-MM') as m_char from orders where to_char(placed, 'YYYY') = '2020'",
    "select exists (select from orders where customer = 5) as m_exists from customers",
    "select round(avg(amount), 2) as m_round from orders where customer = 5 having count(*) > 3",
    "select (select count(*) from orders as i where i.customer = o.id and i.amount > 3) as m_scalar
        from orders as o where o.id < 10",
    "select id as m_union, 'a' from orders where customer = 5 union select id, 'b' from customers
        where boss = 6 order by 1 limit 3",
    "insert into target as m_insert values (1, 2, 3.5), (4, 5, null)",
    "insert into target select id as m_into, 5, 0 from orders where customer = 5",
    "update orders as m_update set note = 'x', amount = amount * 1.5, placed = '2020-01-01'
        where customer = 5",
    "delete from target as m_delete where amount < 5 and customer in (1, 2)",
];

fn normalized(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "normalized")?;
    run(&mut client, NORMALIZED)?;
    let answer = recorded(&mut client, "")?;
    let mut failed = Vec::new();
    for statement in NORMALIZED {
        // Without a table there is nothing to advise, whatever the text.
        if marker(statement) == "m_insert" {
            continue;
        }
        if let Err(error) = answer.expect_used(&format!("{} ", marker(statement)))
            && let Err(_) = answer.expect_used(&format!("{},", marker(statement)))
        {
            failed.push(format!("{error}"));
        }
    }
    ensure!(failed.is_empty(), "{} of {}: {failed:?}", failed.len(), NORMALIZED.len());
    Ok(())
}

fn thresholds(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "thresholds")?;
    let (once, often) = (
        "select id as m_once from orders where customer = 5",
        "select id as m_often from orders where placed = '2020-02-02'",
    );
    run(&mut client, &[once, often, often, often])?;
    let answer = recorded(&mut client, "")?;
    answer.expect_used("m_once")?;
    answer.expect_used("m_often")?;
    let often = answer.using("m_often").next().map(|query| query["calls"].as_f64());
    ensure!(often == Some(Some(3.0)), "calls: {often:?}");
    client.batch_execute("set mcp_advisor.min_calls = 3")?;
    let answer = recorded(&mut client, "")?;
    answer.expect_absent("m_once")?;
    answer.expect_used("m_often")?;
    client.batch_execute("reset mcp_advisor.min_calls; set mcp_advisor.min_mean_time = 1e9")?;
    let answer = recorded(&mut client, "")?;
    ensure!(answer.used() == 0, "{} statements took a million seconds", answer.used());
    client.batch_execute("reset mcp_advisor.min_mean_time")?;
    // Only the dearest: the others are cheap beside it, and the calls of the advisor forgotten.
    forget(&mut client)?;
    let dear = "select count(*) as m_dear from orders as a, orders as b where a.id < 300";
    run(
        &mut client,
        &[once, dear, "select id as m_often from orders where placed = '2020-02-02'"],
    )?;
    let answer = recorded(&mut client, "max_queries => 1")?;
    answer.expect_used("m_dear")?;
    answer.expect_absent("m_once")?;
    answer.expect_absent("m_often")
}

fn partitions(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "partitions")?;
    let query = "select * from parts where customer = 17";
    let advised = given(&mut client, &[query], "")?.indexes();
    ensure!(advised.len() == 1, "{advised:?}");
    let ddl = &advised[0].ddl;
    ensure!(ddl.starts_with("CREATE INDEX ON public.parts USING btree (customer"), "{ddl}");
    client.batch_execute(ddl)?;
    let plan = client.query(&format!("explain (costs off) {query}"), &[])?;
    let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
    let scans = plan.iter().filter(|line| line.contains("Index")).count();
    ensure!(scans >= 2, "{plan:?}");
    let advised = given(&mut client, &[query], "")?.indexes();
    ensure!(advised.is_empty(), "advised although it exists: {advised:?}");
    Ok(())
}
