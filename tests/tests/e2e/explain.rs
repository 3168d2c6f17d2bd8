//! `mcp_explain` says what EXPLAIN says, and what it would say with other indexes.

use advisor_tests::whole_rows;
use anyhow::{Context, Result, ensure};
use postgres::Client;
use postgres::error::ErrorPosition;

use crate::Case;
use crate::fixture::{Fixture, LOOKUP, answered, refused};
use crate::odd;

pub(crate) const CASES: &[Case] = &[
    ("explain_is_the_servers", is_the_servers),
    ("explain_of_odd_statements_is_the_servers", odd_statements),
    ("explain_hypothetical_costs_what_the_built_index_does", hypothetical),
    ("explain_says_which_indexes_are_used", which_are_used),
    ("explain_kinds_of_indexes", kinds),
    ("explain_hides_indexes", hides),
    ("explain_bad_arguments", bad_arguments),
    ("explain_errors_have_a_position", positions),
    ("explain_parameters", parameters),
    ("explain_as_the_caller", as_the_caller),
];

const NOT_SUPPORTED: &str = "0A000";

/// What `mcp_explain` answers; `more` are further arguments.
pub(crate) fn explained(client: &mut Client, query: &str, more: &str) -> Result<String> {
    let comma = if more.is_empty() { "" } else { ", " };
    let rows = answered(client, &format!("select mcp_explain($q${query}$q${comma}{more})"))?;
    Ok(rows[0].try_get(0)?)
}

/// What EXPLAIN answers.
fn server_explained(client: &mut Client, query: &str, format: &str) -> Result<String> {
    let mut transaction = client.transaction()?;
    let messages = transaction.simple_query(&format!("explain (format {format}) {query}"))?;
    let lines: Vec<&str> = messages
        .iter()
        .filter_map(|message| match message {
            postgres::SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        })
        .collect();
    Ok(lines.join("\n"))
}

/// The cost of the plan that the statement has now.
fn cost(client: &mut Client, query: &str) -> Result<f64> {
    let plan: serde_json::Value = serde_json::from_str(&server_explained(client, query, "json")?)?;
    plan[0]["Plan"]["Total Cost"].as_f64().context("no cost")
}

/// Before and after of the first line.
fn costs(text: &str) -> Result<(f64, f64)> {
    let line = text.lines().next().and_then(|line| line.strip_prefix("cost "));
    let (before, after) = line.and_then(|line| line.split_once(" -> ")).context("no head line")?;
    Ok((before.parse()?, after.parse()?))
}

fn is_the_servers(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    client.batch_execute(
        "create table explain_rule (a integer, b text);
        create rule also as on insert to explain_rule do also
            update items set note = 'y' where id = new.a;
        create rule nothing as on delete to explain_rule do instead nothing;
        create view explain_view as select customer, count(*) from items group by customer;
        create temporary table explain_temporary (a integer)",
    )?;
    for query in [
        LOOKUP,
        "select 1",
        "values (1), (2)",
        "table items",
        "select * from explain_view where customer < 10 order by 2 desc limit 3",
        "select * from items a join items b on a.id = b.customer where a.placed > '2021-01-01'",
        "select relname from pg_class where oid = 1259",
        "select * from explain_temporary where a = 1 for update",
        "select \"Key\" from \"Odd Names\".\"Order\" where \"Key\" = 5",
        "insert into items values (0, 1, now(), 'x') on conflict (id) do nothing",
        "update items set note = 'y' where id = 5",
        "delete from items where customer = 5",
        "merge into items using (values (1)) as v (id) on items.id = v.id
            when matched then delete when not matched then do nothing",
        "with gone as (delete from items where id = 3 returning *) select count(*) from gone",
        "insert into explain_rule values (5, 'x')",
        "delete from explain_rule",
        "select * from items where id = 5;",
        "-- comment\nselect * from items where id = 5 /* and more */",
    ] {
        for format in ["text", "JSON", "xml", "Yaml"] {
            let ours = explained(&mut client, query, &format!("format => '{format}'"))?;
            let servers = server_explained(&mut client, query, format)?;
            ensure!(ours == servers.trim_end(), "{query} ({format}):\n{ours}\n---\n{servers}");
        }
    }
    let rows: i64 = client.query_one("select count(*) from items", &[])?.try_get(0)?;
    ensure!(rows == 50_000, "something was executed");
    Ok(())
}

fn odd_statements(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("explain_odd", &["hypopg", "mcp_advisor"])?;
    client.batch_execute(odd::SCHEMA)?;
    client.batch_execute(odd::ODD_TABLES)?;
    for query in odd::ODD.iter().chain(odd::OVER_ODD_TABLES) {
        match client.simple_query(&format!("explain {query}")) {
            Err(error) => {
                let code = error.code().context("no error of the server")?.code().to_owned();
                refused(&mut client, &format!("select mcp_explain($q${query}$q$)"), &code)?;
            }
            Ok(_) => {
                let ours = explained(&mut client, query, "")?;
                let servers = server_explained(&mut client, query, "text")?;
                ensure!(ours == servers.trim_end(), "{query}:\n{ours}\n---\n{servers}");
            }
        }
    }
    Ok(())
}

fn hypothetical(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("explain_built", &["hypopg", "mcp_advisor"])?;
    client.batch_execute(
        "create table t as select i as id, i % 5000 as k, i % 70 as m, repeat('x', 100) as pad
            from generate_series(1, 50000) as i;
        create table parts (id integer, k integer, pad text) partition by range (id);
        create table parts_1 partition of parts for values from (0) to (20000);
        create table parts_2 partition of parts for values from (20000) to (50001);
        insert into parts select i, i % 3000, repeat('x', 100) from generate_series(1, 50000) as i",
    )?;
    client.batch_execute("vacuum analyze t")?;
    client.batch_execute("vacuum analyze parts")?;
    for (query, index) in [
        ("select * from t where k = 42", "create index on t (k)"),
        ("select k, m from t where k between 5 and 9", "create index on t (k, m)"),
        ("select k, pad from t where k = 5", "create index on t (k) include (pad)"),
        (
            "select * from t order by m desc nulls last, k limit 5",
            "create index on t using btree (m desc nulls last, k)",
        ),
        (
            "select a.pad from t a join t b on a.id = b.k where b.m = 3 and b.id < 900",
            "create index named on t (id)",
        ),
        ("select * from parts where k = 77", "create index on parts (k)"),
    ] {
        let before = cost(&mut client, query)?;
        let text = explained(&mut client, query, &format!("array['{index}']"))?;
        let json = explained(&mut client, query, &format!("array['{index}'], format => 'json'"))?;
        let json: serde_json::Value = serde_json::from_str(&json)?;
        client.batch_execute(&format!("begin; {index}"))?;
        let built = cost(&mut client, query)?;
        client.batch_execute("rollback")?;
        let (said_before, after) = costs(&text)?;
        ensure!((said_before - before).abs() < 0.006, "{before}: {text}");
        ensure!((after - built).abs() <= 0.01 * built, "{index}: {after}, built {built}");
        ensure!(after < before, "{index} does not help: {text}");
        ensure!(json[0]["Plan"]["Total Cost"].as_f64() == Some(after), "{json}");
    }
    let indexes: i64 = client
        .query_one("select count(*) from pg_indexes where tablename in ('t', 'parts')", &[])?
        .try_get(0)?;
    ensure!(indexes == 0, "{indexes} indexes were built");
    Ok(())
}

fn which_are_used(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    let text = explained(
        &mut client,
        LOOKUP,
        "array['create index on items (placed)', 'CREATE INDEX CONCURRENTLY ON public.items (customer);',
            'create index if not exists \"My idx\" on only items (note, id)']",
    )?;
    let lines: Vec<&str> = text.lines().collect();
    ensure!(lines[1] == "used: <hypothetical>items_customer_idx", "{text}");
    ensure!(lines[2] == "not used: <hypothetical>items_placed_idx, My idx", "{text}");
    ensure!(lines[3].is_empty() && lines[4].contains("(cost="), "{text}");
    ensure!(text.contains("on \"<hypothetical>items_customer_idx\""), "{text}");
    let twice = "array['create index b on items (customer)', 'create index on items (customer)']";
    let text = explained(&mut client, LOOKUP, twice)?;
    ensure!(text.contains("used: b\n\n") && text.contains("Scan on b "), "{text}");
    let twice =
        "array['create index on items (customer)', 'create index on items (customer desc)']";
    let text = explained(&mut client, LOOKUP, twice)?;
    ensure!(text.contains("<hypothetical>items_customer_idx1"), "{text}");
    let text = explained(&mut client, LOOKUP, "array['create index on items (placed)']")?;
    let (before, after) = costs(&text)?;
    ensure!(before == after && !text.contains("\nused"), "{text}");
    Ok(())
}

/// Indexes that cannot be tried are refused, those that cannot be built too.
fn kinds(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    client.batch_execute(
        "drop table if exists kinds_parts; drop view if exists kinds_view;
        create or replace function kinds_own(integer) returns integer language plpgsql immutable as
            $$ begin raise exception 'this function must not run'; end $$;
        create table kinds_parts (a integer, p point) partition by list (a);
        create view kinds_view as select 1 as a; create temporary table kinds_temporary (a integer)",
    )?;
    for (index, code) in [
        ("create index on items using gin (note)", "42704"),
        ("create index on items using gist (id) include (note)", NOT_SUPPORTED),
        ("create index on items using hash (id) include (note)", NOT_SUPPORTED),
        ("create index on items (note text_pattern_ops (siglen = 5))", NOT_SUPPORTED),
        ("create index on items ((random()))", "42P17"),
        ("create index on items (id) where placed > now()", "42P17"),
        ("create index on items ((kinds_own(id)))", NOT_SUPPORTED),
        ("create index on items (id) where kinds_own(id) > 5", NOT_SUPPORTED),
        ("create index on items ((count(id)))", "42803"),
        ("create index on items using no_such_method (id)", "42704"),
        ("create unique index on items (id)", NOT_SUPPORTED),
        ("create index on items (id) with (fillfactor = 50)", NOT_SUPPORTED),
        ("create index on items (id) tablespace pg_default", NOT_SUPPORTED),
        ("create index on items (ctid)", NOT_SUPPORTED),
        ("create index on items (id) include ((id + 1))", NOT_SUPPORTED),
        ("create index on pg_class (relpages)", NOT_SUPPORTED),
        ("create index on kinds_temporary (a)", NOT_SUPPORTED),
        ("create index on only kinds_parts (a)", NOT_SUPPORTED),
        ("create index on kinds_parts (p)", "42704"),
        ("create index on kinds_view (a)", "42809"),
        ("create index on no_such_table (a)", "42P01"),
        ("create index on no_such_schema.items (id)", "3F000"),
        ("create index on items (no_such_column)", "42703"),
        ("create index on items (id no_such_ops)", "42704"),
        ("create index on items (id date_ops)", "42804"),
        ("create index on items (note collate no_such_collation)", "42704"),
        ("create index on items (id) include (note desc)", "42P17"),
        ("create index on items (", "42601"),
        ("", "42601"),
        ("select 1", "42601"),
        ("create index on items (id); drop table items", "42601"),
        ("create table x (a integer)", "42601"),
    ] {
        let sql = format!("select mcp_explain('{LOOKUP}', array[$i${index}$i$])");
        let error = refused(&mut client, &sql, code)?;
        ensure!(code != NOT_SUPPORTED || error.hint().is_some(), "{index}: no hint");
    }
    for (index, query) in [
        ("using hash (note)", "select * from items where note = 'x'"),
        ("(customer) where id = 5", "select * from items where customer = 4711 and id = 5"),
        ("(lower(note))", "select * from items where lower(note) = 'x'"),
        ("((id + customer) desc)", "select * from items order by id + customer desc limit 5"),
        ("(note text_pattern_ops)", "select * from items where note like 'q%'"),
        ("(note collate \"POSIX\")", "select * from items where note = 'x' collate \"POSIX\""),
        (
            "using gin (to_tsvector('simple', note))",
            "select * from items where to_tsvector('simple', note) @@ 'x'",
        ),
    ] {
        let tried = format!("array[$i$create index kinds_tried on items {index}$i$]");
        let text = explained(&mut client, query, &tried)?;
        ensure!(text.contains("used: kinds_tried"), "{index}: {text}");
        // The same once it is built, up to what ANALYZE and a sample say of sizes.
        let plan = |text: &str| -> Vec<String> {
            let before = text.find("\nChanges").unwrap_or(text.len());
            let lines = text[..before].lines().skip_while(|line| !line.is_empty());
            lines.map(|line| line.split("  (cost").next().unwrap_or(line).to_owned()).collect()
        };
        let hypothetical = plan(&text).join("\n");
        let mut built = client.transaction()?;
        built.batch_execute(&format!("create index kinds_tried on items {index}"))?;
        let rows = built.query(&format!("explain {query}"), &[])?;
        let lines = rows.iter().map(|row| row.get::<_, String>(0));
        let real: Vec<String> =
            lines.map(|l| l.split("  (cost").next().unwrap_or(&l).to_owned()).collect();
        built.rollback()?;
        let hypothetical = hypothetical.trim().replace('"', "");
        ensure!(
            hypothetical == real.join("\n").trim().replace('"', ""),
            "{index}:\n{text}\n{real:?}"
        );
    }
    // What is the default anyway may be said.
    let same = "create index on items using btree
        (note collate \"default\" text_ops asc nulls last, customer int4_ops)";
    let text = explained(&mut client, LOOKUP, &format!("array[$i${same}$i$]"))?;
    ensure!(text.contains("used: <hypothetical>items_note_customer_idx"), "{text}");
    Ok(())
}

fn hides(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    let query = "select * from items where id = 77";
    let text = explained(&mut client, query, "hide_indexes => '{items_pkey}'")?;
    ensure!(text.contains("hidden: public.items_pkey\n\nSeq Scan"), "{text}");
    let (before, after) = costs(&text)?;
    ensure!(before == cost(&mut client, query)? && after > 10.0 * before, "{text}");
    let more = "array['create index again on items (id)'], '{items_pkey}'";
    let text = explained(&mut client, query, more)?;
    ensure!(text.contains("\nused: again\nhidden: public.items_pkey\n"), "{text}");
    ensure!(text.contains("Index Scan using again on items"), "{text}");
    client.batch_execute(
        "drop table if exists hides; create table hides (a integer, b text) partition by range (a);
        create table hides_1 partition of hides for values from (0) to (9000);
        insert into hides select i, repeat('x', 99) from generate_series(1, 8000) as i;
        create index hides_idx on hides (a); analyze hides",
    )?;
    let query = "select * from hides where a = 5";
    ensure!(server_explained(&mut client, query, "text")?.contains("Index Scan"));
    let text = explained(&mut client, query, "hide_indexes => '{hides_idx}'")?;
    ensure!(text.contains("Seq Scan"), "{text}");
    for (hidden, code) in [
        ("{items}", "42809"),
        ("{0}", "42704"),
        ("{4294967295}", "42704"),
        ("{items_pkey,null}", "22004"),
    ] {
        let sql = format!("select mcp_explain('{LOOKUP}', hide_indexes => '{hidden}')");
        refused(&mut client, &sql, code)?;
    }
    Ok(())
}

fn bad_arguments(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    for (arguments, code) in [
        ("null", "22004"),
        ("'select 1', null", "22004"),
        ("'select 1', array[null]", "22004"),
        ("'select 1', '{}', null", "22004"),
        ("'select 1', \"analyze\" => null", "22004"),
        ("'select 1', format => null", "22004"),
        ("'select 1', format => 'html'", "22023"),
        ("'select 1', format => ''", "22023"),
        ("'select 1', array['create index on items (id)'], \"analyze\" => true", "22023"),
        ("'select 1', hide_indexes => '{items_pkey}', \"analyze\" => true", "22023"),
        ("''", "42601"),
        ("';'", "42601"),
        ("'select 1; select 2'", "42601"),
        ("'select from from'", "42601"),
        ("'select * from no_such_table'", "42P01"),
        ("'select no_such_column from items'", "42703"),
        ("'select 1/0'", "22012"),
        ("'create table x (a integer)'", NOT_SUPPORTED),
        ("'select 1 as a into x'", NOT_SUPPORTED),
        ("'explain select 1'", NOT_SUPPORTED),
        ("'vacuum'", NOT_SUPPORTED),
        ("'set work_mem = 1000'", NOT_SUPPORTED),
        ("'rollback'", NOT_SUPPORTED),
        ("'declare c cursor for select 1'", NOT_SUPPORTED),
    ] {
        refused(&mut client, &format!("select mcp_explain({arguments})"), code)?;
    }
    Ok(())
}

/// The server's own position is in the text that was given, not in the call.
fn positions(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    for (call, text, at) in [
        ("mcp_explain('$')", "select 1 from nowhere", Some(15)),
        ("mcp_explain('$')", "select ä, nowhere from items", Some(8)),
        ("mcp_explain('select 1', array['$'])", "create index on items id", Some(23)),
        ("mcp_advise_report(array['$'])", "select from from", Some(13)),
        ("mcp_whatif_indexes(array['$'], array['select 1'])", "create indexx", None),
    ] {
        let error = refused(&mut client, &format!("select {}", call.replace('$', text)), "42601")
            .or_else(|_| {
                refused(&mut client, &format!("select {}", call.replace('$', text)), "42P01")
            })
            .or_else(|_| {
                refused(&mut client, &format!("select {}", call.replace('$', text)), "42703")
            })?;
        match error.position() {
            Some(ErrorPosition::Internal { position, query }) => {
                ensure!(query == text && at.is_none_or(|at| at == *position), "{error:?}");
            }
            other => anyhow::bail!("{other:?} for {text}"),
        }
    }
    // The next error is not marked.
    let error = refused(&mut client, "select mcp_explain(null)", "22004")?;
    ensure!(error.position().is_none(), "{error:?}");
    // Nor does a caught one leave anything behind.
    client.batch_execute(
        "do $$ begin for i in 1..3 loop begin perform mcp_explain('select from from');
        exception when syntax_error then null; end; end loop; end $$; select mcp_explain('select 1')",
    )?;
    Ok(())
}

fn parameters(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    let text = explained(&mut client, "select * from items where customer = $1", "")?;
    ensure!(text.contains("customer = ") && !text.contains('$'), "{text}");
    // What normalization broke is mended.
    let query = "select * from items where placed > date $1 + interval $2 and id = $3 limit $4";
    let text = explained(&mut client, query, "")?;
    ensure!(text.contains("Index Scan using items_pkey"), "{text}");
    let index = "array['create index on items (customer)']";
    let text = explained(&mut client, "select * from items where customer = $1", index)?;
    ensure!(text.contains("used: <hypothetical>items_customer_idx"), "{text}");
    let text =
        explained(&mut client, "select * from items where customer = $1", "\"analyze\" => true")?;
    ensure!(whole_rows(&text).contains("rows=10 loops=1"), "{text}");
    // No value is known: a generic plan, and nothing that could be executed.
    let text = explained(&mut client, "select $1::integer + 1 from items", "")?;
    ensure!(text.contains("on items"), "{text}");
    let sql = "select mcp_explain('select $1::integer + 1 from items', \"analyze\" => true)";
    refused(&mut client, sql, "42P02")?;
    // A typical value that the statement cannot do with.
    client.batch_execute(
        "drop table if exists zeros; create table zeros as select 0 as a
        from generate_series(1, 100); analyze zeros",
    )?;
    let text = explained(&mut client, "select * from zeros where a = $1 and 10 / $1 > 1", "")?;
    ensure!(text.contains("$1"), "{text}");
    Ok(())
}

fn as_the_caller(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    client.batch_execute(
        "do $$ begin create role explain_role; exception when duplicate_object then end $$;
        drop schema if exists explain_schema cascade; create schema explain_schema;
        create table explain_schema.secrets as select 'secret' || i % 3 as word, i as id
            from generate_series(1, 9000) as i;
        create table explain_schema.open (like explain_schema.secrets);
        create view explain_schema.seen as select * from explain_schema.secrets;
        grant usage on schema explain_schema to explain_role;
        grant select on explain_schema.open, explain_schema.seen to explain_role;
        analyze explain_schema.secrets; set role explain_role",
    )?;
    for (query, code) in [
        ("select * from explain_schema.secrets", "42501"),
        ("insert into explain_schema.open values ('x', 1)", "42501"),
        ("select * from open", "42P01"),
    ] {
        let sql = format!("select mcp_explain($q${query}$q$)");
        refused(&mut client, &sql, code)?;
    }
    let sql =
        "select mcp_explain('select 1', array['create index on explain_schema.secrets (word)'])";
    refused(&mut client, sql, "42501")?;
    client.batch_execute("set search_path = explain_schema")?;
    let text = "public.mcp_explain('select * from open where id = 5',
        array['create index on open (id)'])";
    ensure!(answered_text(&mut client, text)?.contains("open_id_idx"));
    // Values that the caller cannot read are not shown.
    let text =
        answered_text(&mut client, "public.mcp_explain('select * from seen where word = $1')")?;
    ensure!(text.contains("$1") && !text.contains("secret0"), "{text}");
    let report = "public.mcp_advise_report(array['select * from seen where word = $1 and id = $2'],
        min_improvement => 0)::text";
    let text = answered_text(&mut client, report)?;
    ensure!(text.contains("plan_after") && !text.contains("'secret"), "{text}");
    client.batch_execute("reset role; set search_path = explain_schema")?;
    ensure!(answered_text(&mut client, report)?.contains("'secret"), "the owner may see them");
    let text =
        answered_text(&mut client, "public.mcp_explain('select * from seen where word = $1')")?;
    ensure!(text.contains("'secret"), "{text}");
    Ok(())
}

fn answered_text(client: &mut Client, call: &str) -> Result<String> {
    Ok(client.query_one(&format!("select {call}"), &[]).context(call.to_owned())?.try_get(0)?)
}
