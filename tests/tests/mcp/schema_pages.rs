//! What the tools say of large schemas comes in pages that fit a model's window, by a real
//! tokenizer, and the pages are complete. And what they say of odd objects is what psql says.

use advisor_tests::bridge;
use advisor_tests::bridge::stdio::Pipe;
use advisor_tests::psql::{self, Named, Shown};
use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde_json::{Value, json};
use tiktoken_rs::CoreBPE;

use crate::Case;
use crate::fixture::Fixture;

pub(crate) const CASES: &[Case] = &[
    ("schema_pages_of_500_tables_fit_a_window", many_tables),
    ("schema_pages_of_one_large_object_fit_a_window", large_objects),
    ("schema_pages_tell_what_is_wrong_with_their_arguments", wrong_arguments),
    ("schema_tools_say_what_psql_says", what_psql_says),
];

/// The most that a page may take, whichever of its two forms a client hands on.
const TOKENS: usize = 8_000;

/// 500 tables with names, comments and owners as they are in practice, and 700 schemas.
const MANY: &str = "
create schema warehouse;
do $$
declare
    words text[] := array['customer', 'order', 'invoice', 'shipment', 'product', 'supplier',
        'payment', 'address', 'employee', 'warehouse', 'contract', 'delivery'];
begin
    for i in 1..500 loop
        execute format('create table warehouse.%I (id integer primary key, note text)',
            words[1 + i % 12] || '_' || words[1 + i / 12 % 12] || '_' || i);
        if i % 3 = 0 then
            execute format('comment on table warehouse.%I is %L',
                words[1 + i % 12] || '_' || words[1 + i / 12 % 12] || '_' || i,
                'Every ' || words[1 + i % 12] || ' with its ' || words[1 + i / 12 % 12]
                || ', one row each, since the migration of 2019');
        end if;
    end loop;
    for i in 1..700 loop
        execute format('create schema tenant_%s', md5(i::text));
    end loop;
end $$;
analyze;
";

fn pipe(fixture: &Fixture, database: &str) -> Result<Pipe> {
    let socket = fixture.cluster.socket_dir().display().to_string().replace('/', "%2F");
    let mut command = bridge::command()?;
    command.env("DATABASE_URI", format!("postgresql://postgres@{socket}/{database}"));
    Pipe::initialized(&mut command)
}

struct Counter(CoreBPE);

impl Counter {
    fn new() -> Result<Self> {
        Ok(Self(tiktoken_rs::o200k_base()?))
    }

    /// Fails unless both forms of the answer fit; gives the structured one.
    fn fitting(&self, what: &str, answer: &Value) -> Result<Value> {
        ensure!(answer["isError"] != true, "{what}: {answer}");
        let text = answer["content"][0]["text"].as_str().context("no text")?;
        let data = &answer["structuredContent"];
        for (form, text) in [("text", text), ("structured content", &data.to_string())] {
            let tokens = self.0.encode_ordinary(text).len();
            ensure!(tokens < TOKENS, "{what}: {tokens} tokens of {form}");
        }
        let notice = data["truncated"]["notice"].as_str();
        ensure!(notice.is_none_or(|notice| text.contains(notice)), "{what}: {text}");
        Ok(data.clone())
    }
}

/// All entries of a list, page by page, and the number of pages.
fn pages(
    pipe: &mut Pipe,
    counter: &Counter,
    tool: &str,
    arguments: &Value,
    list: &str,
) -> Result<(Vec<Value>, usize)> {
    let (mut all, mut pages) = (Vec::new(), 0);
    let mut arguments = arguments.clone();
    loop {
        let what = format!("{tool} {arguments}");
        let data = counter.fitting(&what, &pipe.call(tool, &arguments)?)?;
        all.extend(data.pointer(list).and_then(Value::as_array).cloned().unwrap_or_default());
        pages += 1;
        ensure!(pages < 200, "{what}: no end");
        let truncated = &data["truncated"];
        let part = arguments["part"].as_str().map(|part| &truncated["parts"][part]);
        let next = match part {
            None => truncated["next_offset"].as_u64(),
            Some(part) => {
                let number = |key: &str| part[key].as_u64().unwrap_or_default();
                let end = number("from") + number("shown");
                (end < number("total")).then_some(end)
            }
        };
        match next {
            Some(next) => arguments["offset"] = json!(next),
            None => return Ok((all, pages)),
        }
    }
}

/// What a case asks of a database, with the extension and without it.
fn with_and_without(
    fixture: &Fixture,
    database: &str,
    client: &mut Client,
    check: impl Fn(&mut Pipe) -> Result<()>,
) -> Result<()> {
    check(&mut pipe(fixture, database)?).context("without the extension")?;
    client.batch_execute("create extension mcp_advisor")?;
    check(&mut pipe(fixture, database)?).context("with the extension")
}

fn many_tables(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.cluster.create_database("pages_many")?;
    client.batch_execute(MANY)?;
    let counter = Counter::new()?;
    let rows = client.query(
        "select relname::text from pg_class where relnamespace = 'warehouse'::regnamespace
            and relkind = 'r' order by 1",
        &[],
    )?;
    let wanted: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    with_and_without(fixture, "pages_many", &mut client, |pipe| {
        let names = |rows: Vec<Value>, key: &str| -> Vec<String> {
            let mut names: Vec<String> =
                rows.iter().map(|row| row[key].as_str().unwrap_or_default().to_owned()).collect();
            names.sort();
            names
        };
        let warehouse = json!({"schema_name": "warehouse"});
        let (rows, number) = pages(pipe, &counter, "list_objects", &warehouse, "/objects")?;
        ensure!(names(rows, "name") == wanted && (3..12).contains(&number), "{number} pages");
        let indexes = json!({"schema_name": "warehouse", "object_type": "index"});
        let (rows, _) = pages(pipe, &counter, "list_objects", &indexes, "/objects")?;
        ensure!(rows.len() == 500, "{} indexes", rows.len());
        let some = json!({"schema_name": "warehouse", "limit": 30});
        let (rows, number) = pages(pipe, &counter, "list_objects", &some, "/objects")?;
        ensure!(rows.len() == 500 && number == 17, "{number} pages of {}", rows.len());
        for (pattern, least) in
            [("INVOICE_", 41), ("invoice%", 41), ("*shipment*", 41), ("order_order_13", 1)]
        {
            let some = json!({"schema_name": "warehouse", "name_pattern": pattern});
            let (rows, _) = pages(pipe, &counter, "list_objects", &some, "/objects")?;
            let bare = pattern.trim_matches(['%', '*']).to_lowercase();
            ensure!(rows.len() >= least && rows.len() < 100, "{pattern}: {}", rows.len());
            ensure!(names(rows, "name").iter().all(|name| name.contains(&bare)), "{pattern}");
        }
        let (rows, number) = pages(pipe, &counter, "list_schemas", &json!({}), "/schemas")?;
        let tenants = names(rows, "schema_name");
        let tenants = tenants.iter().filter(|name| name.starts_with("tenant_")).count();
        ensure!(tenants == 700 && number > 3, "{tenants} tenants on {number} pages");
        let words = "table in the warehouse";
        let beyond =
            pipe.call("list_objects", &json!({"schema_name": "warehouse", "offset": 999}))?;
        let text = beyond["content"][0]["text"].as_str().unwrap_or_default();
        ensure!(text.ends_with("There are 500 tables, none from offset 500."), "{words}: {text}");
        Ok(())
    })
}

/// As wide, as indexed and as partitioned as it gets.
const LARGE: &str = "
do $$ begin
    execute 'create table wide (' || (select string_agg(
        format('%I varchar(%s)', 'customer_attribute_' || i, 10 + i), ', ')
        from generate_series(1, 1500) as i) || ')';
    create table indexed (id integer, a integer, b text);
    for i in 1..200 loop
        execute format('create index indexed_by_condition_%s on indexed (a, lower(b)) where id > %s', i, i);
    end loop;
    create table measured (id integer, note text) partition by range (id);
    execute 'create view long_view as select ' || (select string_agg(
        format('%L as %I', repeat(md5(i::text), 8), 'a column of the view ' || i), ', ')
        from generate_series(1, 300) as i);
    execute 'create type large as enum (' || (select string_agg(
        quote_literal('label number ' || i), ', ') from generate_series(1, 3000) as i) || ')';
    for i in 1..300 loop
        execute format('create function overloaded(%s) returns integer language sql as %L',
            array_to_string(array_fill('integer'::text, array[i % 50 + 1]), ', ')
            || case i / 50 when 0 then '' else ', ' || (array['text', 'date', 'jsonb', 'uuid', 'bytea', 'inet'])[i / 50] end,
            'select ' || i);
    end loop;
end $$;
insert into wide (customer_attribute_1) select 'x' from generate_series(1, 300) as i;
analyze wide;
";

fn large_objects(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.cluster.create_database("pages_large")?;
    client.batch_execute(LARGE)?;
    for from in (0..2_000).step_by(500) {
        client.batch_execute(&format!(
            "do $$ begin for i in {from}..{from} + 499 loop
                execute format('create table measured_in_the_part_%s partition of measured
                    for values from (%s) to (%s)', i, i * 10, i * 10 + 10);
            end loop; end $$"
        ))?;
    }
    let counter = Counter::new()?;
    with_and_without(fixture, "pages_large", &mut client, |pipe| {
        for (name, kind, part, total) in [
            ("wide", "table", "columns", 1_500),
            ("indexed", "table", "indexes", 200),
            ("measured", "table", "children", 2_000),
            ("long_view", "view", "columns", 300),
            ("large", "type", "labels", 3_000),
            ("overloaded", "function", "overloads", 300),
        ] {
            let mut arguments =
                json!({"schema_name": "public", "object_name": name, "object_type": kind});
            let data = counter.fitting(name, &pipe.call("get_object_details", &arguments)?)?;
            let cut = &data["truncated"]["parts"][part];
            let shown = data["object"][part].as_array().map_or(0, Vec::len);
            ensure!(cut["total"] == total && cut["shown"] == shown && shown >= 20, "{name}: {cut}");
            arguments["part"] = json!(part);
            // Each page asks the server for the whole object: of the longest the last pages do.
            let from = if total > 400 { total - 200 } else { 0 };
            arguments["offset"] = json!(from);
            let list = format!("/object/{part}");
            let (all, number) = pages(pipe, &counter, "get_object_details", &arguments, &list)?;
            ensure!(all.len() == total - from, "{name}: {number} pages of {}", all.len());
        }
        // A text by its characters, as the server has it.
        let mut text = String::new();
        loop {
            let arguments = json!({"schema_name": "public", "object_name": "long_view",
                "object_type": "view", "part": "definition", "offset": text.chars().count()});
            let data =
                counter.fitting("definition", &pipe.call("get_object_details", &arguments)?)?;
            text.push_str(data["object"]["definition"].as_str().unwrap_or_default());
            let part = &data["truncated"]["parts"]["definition"];
            if part["total"].as_u64() <= Some(text.chars().count() as u64) {
                break;
            }
        }
        let all = text.matches("a column of the view").count();
        ensure!(all == 300 && text.ends_with(';'), "{all} columns in the definition");
        Ok(())
    })
}

fn wrong_arguments(fixture: &Fixture) -> Result<()> {
    let mut pipe = pipe(fixture, "postgres")?;
    let catalog = |rest: Value| {
        let mut arguments = json!({"schema_name": "pg_catalog", "object_name": "pg_class"});
        if let (Some(all), Some(rest)) = (arguments.as_object_mut(), rest.as_object()) {
            all.extend(rest.clone());
        }
        arguments
    };
    for (tool, arguments, message) in [
        ("get_object_details", catalog(json!({"offset": 3})), "\"offset\" needs a \"part\""),
        ("get_object_details", catalog(json!({"part": "colums"})), "there is no part \"colums\""),
        ("get_object_details", catalog(json!({"part": "columns", "offset": -1})), "out of range"),
        ("list_objects", json!({"schema_name": "pg_catalog", "limit": 0}), "out of range"),
        ("list_objects", json!({"schema_name": "pg_catalog", "offset": "x"}), "must be an integer"),
        (
            "list_objects",
            json!({"schema_name": "pg_catalog", "name_pattern": "%\\"}),
            "LIKE pattern",
        ),
    ] {
        let answer = pipe.call(tool, &arguments)?;
        ensure!(
            answer["isError"] == true
                && answer
                    .to_string()
                    .contains(&json!(message).to_string().trim_matches('"').to_owned()),
            "{answer}"
        );
    }
    // A filler, as some clients send one to a tool without arguments.
    let answer = pipe.call("list_schemas", &json!({"random_string": "x"}))?;
    ensure!(answer["isError"] != true, "{answer}");
    Ok(())
}

/// All objects of odd shape by the tool, with the extension and without it, beside psql's words.
fn what_psql_says(fixture: &Fixture) -> Result<()> {
    let mut client = psql::odd_database(&fixture.cluster, "pages_psql")?;
    let objects = psql::objects(&mut client, &["odd", "Odd \"schema\".x"])?;
    ensure!(objects.len() > 120, "{} objects", objects.len());
    let shown = objects
        .iter()
        .map(|one| Shown::new(&fixture.cluster, &mut client, "pages_psql", one))
        .collect::<Result<Vec<_>>>()?;
    with_and_without(fixture, "pages_psql", &mut client, |pipe| {
        let mut wrong = Vec::new();
        for (Named { kind, schema, name }, shown) in objects.iter().zip(&shown) {
            let arguments =
                json!({"schema_name": schema, "object_name": name, "object_type": kind});
            let answer = pipe.call("get_object_details", &arguments)?;
            let object = &answer["structuredContent"]["object"];
            ensure!(answer["structuredContent"]["truncated"].is_null(), "{arguments}: {answer}");
            let found = shown.compare(object)?.wrong;
            wrong.extend(found.into_iter().map(|fact| format!("{kind} {name}: {fact}")));
            let text = answer["content"][0]["text"].as_str().unwrap_or_default();
            if let Some(word) = words(object).into_iter().find(|word| !text.contains(word)) {
                wrong.push(format!("{kind} {name}: no {word:?} in the text"));
            }
        }
        ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
        Ok(())
    })
}

/// The words of all texts and numbers in a value; marks may be escaped in the text.
fn words(value: &Value) -> Vec<String> {
    match value {
        Value::Null | Value::Bool(_) => Vec::new(),
        Value::Array(items) => items.iter().flat_map(words).collect(),
        Value::Object(fields) => fields.values().flat_map(words).collect(),
        Value::Number(number) => vec![number.to_string()],
        Value::String(text) => text
            .split(|character: char| !character.is_alphanumeric() && character != '_')
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect(),
    }
}
