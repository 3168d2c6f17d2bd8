//! Indexes on expressions: for each form the advised index is built, the plan uses it, and cost and size
//! are what was said. Expressions that cannot have an index, or must not be evaluated, get none.

use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde_json::Value;

use crate::Case;
use crate::fixture::{Fixture, answered};

pub(crate) const CASES: &[Case] = &[
    ("advice_expressions_are_built_and_used", built_and_used),
    ("advice_expressions_of_partitions", partitions),
    ("advice_expressions_that_cannot_have_an_index", near_misses),
    ("advice_expressions_never_run_a_trap", traps),
    ("advice_expressions_need_the_right_to_read", privileges),
    ("advice_expressions_that_exist_are_not_advised", existing),
    ("advice_expressions_leave_other_costs_alone", other_costs),
    ("advice_expressions_take_statistics_that_exist", adopted),
    ("advice_expressions_of_normalized_statements", normalized),
    ("advice_expressions_can_be_cancelled", cancelled),
    ("advice_expressions_do_not_grow", memory),
];

const PEOPLE: &str = r#"
create table people (
    id integer primary key, email text, city text, born timestamp, seen timestamptz, doc jsonb,
    tags text[], price numeric, quantity integer, note text
);
insert into people
    select i, 'User' || i || '@Example.com',
        case when i % 100 < 60 then 'Berlin' when i % 100 < 99 then 'Town ' || i % 300 else 'Rare ' || i % 700 end,
        timestamp '2020-01-01' + i * interval '17 minutes',
        timestamptz '2020-01-01 00:00+00' + (i * 7919 % 60000) * interval '41 minutes',
        jsonb_build_object('ref', i, 'plan', (array['free', 'free', 'free', 'pro', 'team'])[1 + i % 5],
            'address', jsonb_build_object('zip', (i % 4000)::text)),
        array['tag' || i % 900, 'x'], (i % 5000) / 10.0, i % 8000,
        case when i % 4 = 0 then null else 'note ' || i % 2000 end
    from generate_series(1, 60000) as i;
create table invites (id integer primary key, email text);
insert into invites select i, 'USER' || i * 3 || '@EXAMPLE.COM' from generate_series(1, 5000) as i;
create view mails as select id, lower(email) as mail, city from people;
"#;

/// Statements and what the advised key must be; the plan's cost must come out within the tolerance.
const FORMS: &[(&str, &str)] = &[
    ("select * from people where lower(email) = 'user4711@example.com'", "lower(email)"),
    ("select * from people where lower(city) = 'rare 99'", "lower(city)"),
    ("select * from people where lower(city) in ('rare 99', 'town 3')", "lower(city)"),
    ("select * from people where doc->>'ref' = '4711'", "((doc ->> 'ref'::text))"),
    (
        "select * from people where (doc->>'ref')::int between 100 and 3000",
        "(((doc ->> 'ref'::text))::integer)",
    ),
    (
        "select id from people where doc #>> '{address,zip}' = '17'",
        "((doc #>> '{address,zip}'::text[]))",
    ),
    (
        "select * from people where date_trunc('day', born) = '2021-03-01'",
        "date_trunc('day'::text, born)",
    ),
    (
        "select * from people where date_trunc('day', seen at time zone 'UTC') = '2021-03-01'",
        "date_trunc('day'::text, (seen AT TIME ZONE 'UTC'::text))",
    ),
    ("select * from people where born::date = '2021-03-01'", "((born)::date)"),
    ("select * from people where quantity * 2 = 4000", "((quantity * 2))"),
    ("select * from people where price * 1.19 < 20", "((price * 1.19))"),
    ("select * from people where tags[1] = 'tag17'", "((tags[1]))"),
    ("select * from people where id::text = '4711'", "((id)::text)"),
    ("select * from people where coalesce(note, '-') = 'note 17'", "COALESCE(note, '-'::text)"),
    ("select * from people where nullif(quantity % 50, 7) is null", "NULLIF((quantity % 50), 7)"),
    ("select * from people where greatest(quantity, 7000) > 7700", "GREATEST(quantity, 7000)"),
    ("select * from people where city collate \"C\" = 'Rare 99'", "city COLLATE \"C\""),
    ("select * from people order by lower(email) limit 10", "lower(email)"),
    ("select max(lower(email)) from people", "lower(email)"),
    ("select * from mails where mail = 'user4711@example.com'", "lower(email)"),
    (
        "with m as (select upper(mail) as mail from mails) select * from m where mail = 'USER7@EXAMPLE.COM'",
        "upper(lower(email))",
    ),
    (
        "select * from (select id, lower(email) as mail from people) as s where mail = 'user7@example.com'",
        "lower(email)",
    ),
    (
        "select p.* from invites as i join people as p on lower(p.email) = lower(i.email) where i.id = 5",
        "lower(email)",
    ),
];

fn number(value: &Value) -> Result<f64> {
    value.as_f64().with_context(|| format!("no number: {value}"))
}

fn parsed(text: &str) -> Result<Value> {
    Ok(serde_json::from_str(text)?)
}

fn report(client: &mut Client, statement: &str) -> Result<Value> {
    let sql = format!(
        "select mcp_advise_report(array[$q${statement}$q$], min_improvement => 0.02, pareto_ratio => 1)::text"
    );
    parsed(answered(client, &sql)?[0].try_get(0)?)
}

fn ddl(report: &Value) -> Vec<String> {
    let indexes = report["indexes"].as_array().into_iter().flatten();
    indexes.filter_map(|index| index["ddl"].as_str().map(str::to_owned)).collect()
}

fn plan(client: &mut Client, statement: &str) -> Result<(f64, String)> {
    let messages = client.simple_query(&format!("explain (format json) {statement}"))?;
    let lines = messages.iter().filter_map(|message| match message {
        postgres::SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    let plan = parsed(&lines.collect::<String>())?;
    Ok((number(&plan[0]["Plan"]["Total Cost"])?, plan.to_string()))
}

fn session(fixture: &Fixture, name: &str) -> Result<Client> {
    let mut client = fixture.database(name, &["hypopg", "mcp_advisor"])?;
    client.batch_execute("select mcp_advise_indexes(array['select 1']); select hypopg()")?;
    Ok(client)
}

/// Makes the tables; ANALYZE reads every row of them, so that it says the same each time.
fn setup(client: &mut Client, sql: &str, tables: &[&str]) -> Result<()> {
    client.batch_execute(sql)?;
    client.batch_execute("set default_statistics_target = 200")?;
    for table in tables {
        client.batch_execute(&format!("vacuum analyze {table}"))?;
    }
    Ok(())
}

/// Builds what a report advises and compares costs and sizes: said by real.
fn build(client: &mut Client, statement: &str, tables: &str) -> Result<(f64, f64)> {
    let report = report(client, statement)?;
    let said = number(&report["queries"][0]["cost_after"])?;
    let advised = ddl(&report);
    ensure!(!advised.is_empty(), "nothing advised for {statement}: {report:#}");
    let (mut sizes, mut built) = (0.0, 0.0);
    for (at, ddl) in advised.iter().enumerate() {
        client.batch_execute(ddl).with_context(|| ddl.clone())?;
        sizes += number(&report["indexes"][at]["size_bytes"])?;
    }
    client.batch_execute(&format!("analyze {tables}"))?;
    let (real, plan) = plan(client, statement)?;
    ensure!(plan.contains("Index"), "{advised:?} is not used for {statement}: {plan}");
    let names = client.query(
        "select i.indexrelid::regclass::text, pg_relation_size(i.indexrelid)::float8, c.relispartition
         from pg_index as i join pg_class as c on c.oid = i.indexrelid
         where i.indrelid >= 16384 and not i.indisprimary",
        &[],
    )?;
    for row in &names {
        built += row.try_get::<_, f64>(1)?;
    }
    for row in names {
        if !row.try_get::<_, bool>(2)? {
            client.batch_execute(&format!("drop index {}", row.try_get::<_, String>(0)?))?;
        }
    }
    println!("{statement}: cost {said:.1} said, {real:.1} real; size {sizes} said, {built} real");
    Ok((said / real, sizes / built))
}

fn built_and_used(fixture: &Fixture) -> Result<()> {
    let mut client = session(fixture, "expressions")?;
    setup(&mut client, PEOPLE, &["people", "invites"])?;
    let mut wrong = Vec::new();
    for (statement, key) in FORMS {
        let advised = ddl(&report(&mut client, statement)?);
        if !advised.iter().any(|ddl| ddl.contains(key)) {
            wrong.push(format!("no {key} in {advised:?}: {statement}"));
            continue;
        }
        match build(&mut client, statement, "people, invites") {
            Ok((cost, size)) => {
                // Of a rare value a sample of a sixth of the rows says so much else.
                if !(0.75..=1.34).contains(&cost) || !(0.9..=1.1).contains(&size) {
                    wrong.push(format!("cost × {cost:.3}, size × {size:.3}: {statement}"));
                }
            }
            Err(error) => wrong.push(format!("{error:#}")),
        }
        client.batch_execute("analyze people")?;
    }
    ensure!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

fn partitions(fixture: &Fixture) -> Result<()> {
    let mut client = session(fixture, "expressions_parts")?;
    setup(
        &mut client,
        "create table events (id integer, pad text, mail text, at timestamp) partition by range (at);
        create table events_1 partition of events for values from ('2020-01-01') to ('2021-01-01');
        create table events_2 (at timestamp, id integer, mail text, pad text);
        alter table events attach partition events_2 for values from ('2021-01-01') to ('2030-01-01');
        insert into events select i, repeat('x', 60), 'User' || i, timestamp '2020-01-01' + i * interval '15 minutes'
            from generate_series(1, 60000) as i",
        &["events", "events_1", "events_2"],
    )?;
    let statement = "select * from events where lower(mail) = 'user4711'";
    let (cost, size) = build(&mut client, statement, "events")?;
    ensure!((0.9..=1.1).contains(&cost), "cost × {cost}");
    ensure!((0.9..=1.1).contains(&size), "size × {size}");
    Ok(())
}

fn near_misses(fixture: &Fixture) -> Result<()> {
    let mut client = session(fixture, "expressions_not")?;
    setup(&mut client, PEOPLE, &["people", "invites"])?;
    setup(
        &mut client,
        "create table words (id integer, word text);
        insert into words select i, case when i % 10 = 7 then 'seven' else i::text end
            from generate_series(1, 60000) as i",
        &["words"],
    )?;
    for statement in [
        // Depends on the session's time zone.
        "select * from people where date_trunc('day', seen) = '2021-03-01'",
        "select * from people where seen::date = '2021-03-01'",
        "select * from people where to_char(born, 'YYYY') = '1999'",
        // Another value each time.
        "select * from people where id + random() = 5",
        // No function of a row.
        "select * from people where (quantity + (select 1)) = 5",
        // Some rows cannot be cast, so the index could not be built.
        "select * from words where word::integer = 5 and word <> 'seven'",
    ] {
        let advised = ddl(&report(&mut client, statement)?);
        ensure!(advised.iter().all(|ddl| !ddl.contains("((")), "{advised:?} for {statement}");
        for ddl in advised {
            client.batch_execute(&ddl).with_context(|| format!("{ddl} for {statement}"))?;
        }
    }
    Ok(())
}

const TRAPS: &str = "
create schema trap;
create table trap.ran (what text);
create function trap.lower(text) returns text language plpgsql immutable
    as $$ begin raise exception 'trap' using errcode = '38000'; end $$;
create function trap.in_sql(text) returns text language sql immutable as $$ select trap.lower($1) $$;
create function trap.equals(text, text) returns boolean language plpgsql immutable
    as $$ begin raise exception 'trap' using errcode = '38000'; end $$;
create operator trap.=== (leftarg = text, rightarg = text, function = trap.equals);
";

fn traps(fixture: &Fixture) -> Result<()> {
    let mut client = session(fixture, "expressions_traps")?;
    setup(&mut client, PEOPLE, &["people", "invites"])?;
    client.batch_execute(TRAPS)?;
    for statement in [
        "select * from people where trap.lower(email) = 'x'",
        "select * from people where trap.in_sql(email) = 'x'",
        "select * from people where lower(trap.lower(email)) = 'x'",
        "select * from people where (email operator(trap.===) city) is true",
        "select * from people order by trap.lower(email) limit 5",
    ] {
        let report = report(&mut client, statement)?;
        ensure!(ddl(&report).iter().all(|ddl| !ddl.contains("trap")), "{report:#}");
        ensure!(report["skipped"] == serde_json::json!([]), "{report:#}");
    }
    Ok(())
}

fn privileges(fixture: &Fixture) -> Result<()> {
    let mut client = session(fixture, "expressions_rights")?;
    setup(&mut client, PEOPLE, &["people", "invites"])?;
    client.batch_execute(
        "create role expressions_reader;
        grant select (id, city) on people to expressions_reader;
        create view open_mails as select id, lower(email) as mail from people;
        grant select on open_mails to expressions_reader;
        set role expressions_reader",
    )?;
    // Its column may not be read: the expression is not evaluated, and costs are the planner's.
    let statement = "select id from open_mails where mail = 'user4711@example.com'";
    let before = number(&report(&mut client, statement)?["queries"][0]["cost_before"])?;
    let (real, _) = plan(&mut client, statement)?;
    ensure!((before - real).abs() < 0.01, "{before} instead of {real}");
    let report = report(&mut client, "select id from people where lower(city) = 'rare 99'")?;
    ensure!(ddl(&report).len() == 1, "{report:#}");
    client.batch_execute(
        "reset role; drop owned by expressions_reader; drop role expressions_reader",
    )?;
    Ok(())
}

fn existing(fixture: &Fixture) -> Result<()> {
    let mut client = session(fixture, "expressions_exist")?;
    setup(&mut client, PEOPLE, &["people", "invites"])?;
    for analyzed in [false, true] {
        if !analyzed {
            client.batch_execute("create index on people (lower(email))")?;
        } else {
            client.batch_execute("analyze people")?;
        }
        for statement in [
            "select * from people where lower(email) = 'user4711@example.com'",
            "select * from people order by lower(email) limit 10",
        ] {
            let report = report(&mut client, statement)?;
            ensure!(ddl(&report).is_empty(), "analyzed: {analyzed}: {report:#}");
        }
    }
    Ok(())
}

fn other_costs(fixture: &Fixture) -> Result<()> {
    let mut client = session(fixture, "expressions_costs")?;
    setup(&mut client, PEOPLE, &["people", "invites"])?;
    let others = [
        "select count(*) from people",
        "select * from people where city = 'Berlin' and id < 5000",
        "select city, count(*) from people group by city order by 2",
        "select p.* from invites as i join people as p on p.email = i.email",
    ];
    let with = "select * from people where lower(email) = 'user1' and lower(city) = 'berlin'";
    let list: Vec<String> =
        others.iter().chain(&[with]).map(|statement| format!("$q${statement}$q$")).collect();
    let sql = format!("select mcp_advise_report(array[{}])::text", list.join(", "));
    let report = parsed(answered(&mut client, &sql)?[0].try_get(0)?)?;
    for (at, statement) in others.iter().enumerate() {
        let said = number(&report["queries"][at]["cost_before"])?;
        let (real, _) = plan(&mut client, statement)?;
        ensure!((said - real).abs() < 0.01, "{said} instead of {real}: {statement}");
    }
    // EXPLAIN's own cost is shown where no index on an expression is in question.
    let shown: String =
        answered(&mut client, &format!("select mcp_explain($q${with}$q$)"))?[0].try_get(0)?;
    let (real, _) = plan(&mut client, with)?;
    ensure!(shown.contains(&format!("{real:.2}")), "{real} is not in {shown}");
    Ok(())
}

fn adopted(fixture: &Fixture) -> Result<()> {
    let mut client = session(fixture, "expressions_adopted")?;
    setup(&mut client, PEOPLE, &["people", "invites"])?;
    let statement = "select * from people where lower(city) = 'berlin'";
    let before = number(&report(&mut client, statement)?["queries"][0]["cost_before"])?;
    client.batch_execute("create statistics of_city on lower(city) from people; analyze people")?;
    let after = number(&report(&mut client, statement)?["queries"][0]["cost_before"])?;
    let (real, _) = plan(&mut client, statement)?;
    ensure!((after - real).abs() < 0.01, "{after} instead of {real}");
    ensure!((before / real - 1.0).abs() < 0.02, "{before} without, {real} with statistics");
    // Those that exist count even if the rows are others by now.
    client.batch_execute(
        "alter table people set (autovacuum_enabled = off);
        update people set city = 'X' || id; delete from people where id % 2 = 0",
    )?;
    let stale = number(&report(&mut client, statement)?["queries"][0]["cost_before"])?;
    let (real, _) = plan(&mut client, statement)?;
    ensure!((stale - real).abs() < 0.01, "{stale} instead of {real}");
    Ok(())
}

fn normalized(fixture: &Fixture) -> Result<()> {
    let mut client = session(fixture, "expressions_params")?;
    setup(&mut client, PEOPLE, &["people", "invites"])?;
    for (statement, key) in [
        ("select * from people where lower(email) = $1", "lower(email)"),
        ("select * from people where lower(city) like $1 and quantity = $2", "quantity"),
        ("select * from people where (doc->>'ref')::int between $1 and $2", "ref"),
        ("select * from people where lower(email) in ($1, $2)", "lower(email)"),
        ("select * from people where doc->>$1 = $2", "((doc ->> 'ref'::text))"),
        ("select * from people where date_trunc($1, born) = $2", "date_trunc('day'::text, born)"),
    ] {
        let report = report(&mut client, statement)?;
        let advised = ddl(&report);
        ensure!(advised.iter().any(|ddl| ddl.contains(key)), "{report:#}");
        ensure!(number(&report["queries"][0]["parameter_draws"])? >= 1.0, "{report:#}");
    }
    // The values come from the expression's own statistics: most rows have the commonest one.
    let report = report(&mut client, "select * from people where lower(city) = $1")?;
    let before = report["queries"][0]["plan_before"].as_str().unwrap_or_default().to_owned();
    ensure!(
        before.is_empty()
            || before.contains("berlin")
            || before.contains("town")
            || before.contains("rare"),
        "{before}"
    );
    Ok(())
}

fn cancelled(fixture: &Fixture) -> Result<()> {
    let mut client = session(fixture, "expressions_cancel")?;
    setup(
        &mut client,
        "create table slow (id integer, t text);
        insert into slow select i, repeat('x', 1500) from generate_series(1, 20000) as i",
        &["slow"],
    )?;
    client.batch_execute("set statement_timeout = '150ms'")?;
    let sql = "select mcp_advise_report(array[
        'select * from slow where md5(repeat(t, 300)) = ''x'''])";
    let error = client.query(sql, &[]).err().context("it was not cancelled")?;
    ensure!(error.code().map(|code| code.code()) == Some("57014"), "{error}");
    client.batch_execute("reset statement_timeout; select 1")?;
    Ok(())
}

fn memory(fixture: &Fixture) -> Result<()> {
    let mut client = session(fixture, "expressions_memory")?;
    setup(&mut client, PEOPLE, &["people", "invites"])?;
    let used = |client: &mut Client| -> Result<i64> {
        let sql = "select sum(used_bytes)::bigint from pg_backend_memory_contexts
            where name not in ('CacheMemoryContext', 'index info', 'relation rules')";
        Ok(client.query_one(sql, &[])?.try_get(0)?)
    };
    let statement = "select * from people where lower(email) = 'x' and lower(city) = 'berlin' \
                     order by date_trunc('day', born)";
    for _ in 0..3 {
        report(&mut client, statement)?;
    }
    let before = used(&mut client)?;
    for _ in 0..10 {
        report(&mut client, statement)?;
    }
    let after = used(&mut client)?;
    ensure!(after < before + 100_000, "{before} bytes, {after} ten calls later");
    Ok(())
}
