//! `mcp_schema_overview`: every object on one page, and every page within its tokens, counted by
//! tokenizers of models.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use postgres::Client;
use tiktoken_rs::CoreBPE;

use crate::Case;
use crate::fixture::{Fixture, answered, refused};
use crate::health_anywhere::expect_golden;
use crate::relate::database;

pub(crate) const CASES: &[Case] = &[
    ("overview_has_a_line_for_each_object", lines),
    ("overview_of_500_tables_is_paged_within_its_tokens", paged),
    ("overview_of_odd_names_stays_within_its_tokens", odd_names),
    ("overview_cuts_what_is_wider_than_a_page", wide),
    ("overview_goes_on_where_an_object_was_dropped", dropped),
    ("overview_checks_its_arguments", arguments),
];

fn lines(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "overview_lines")?;
    client.batch_execute(
        "create type app.mood as enum ('sad', 'it''s fine');
        comment on table app.customers is E'who\n  buys';
        create view app.seen as select id, placed from app.orders;
        comment on view app.seen is 'what was seen';
        create materialized view app.totals as select count(*) as n from app.orders;
        create table app.kinds (
            a varchar(20) unique, b numeric(10, 2), c timestamptz not null, d text[], e app.mood,
            f double precision, g boolean, h timestamp(3)
        );
        create table app.empty ();
        create extension pg_stat_statements schema app",
    )?;
    client.batch_execute("vacuum analyze")?;
    let text = pages(&mut client, "null", 8000)?.concat();
    expect_golden("overview.txt", &text)?;
    let text = pages(&mut client, "'My Schema'", 8000)?.concat();
    ensure!(text.lines().count() == 3, "{text}");
    Ok(())
}

/// All pages, each as the one before says.
fn pages(client: &mut Client, schema: &str, most: i32) -> Result<Vec<String>> {
    let mut pages = Vec::new();
    let mut call = format!("mcp_schema_overview({schema}, {most})");
    let mut left: Option<i64> = None;
    loop {
        let rows = answered(client, &format!("select * from {call}"))?;
        ensure!(rows.len() == 1);
        let text: String = rows[0].try_get(0)?;
        let (objects, remaining): (i64, i64) = (rows[0].try_get(1)?, rows[0].try_get(2)?);
        ensure!(left.is_none_or(|left| left == objects + remaining), "{call}");
        left = Some(remaining);
        let next: Option<String> = rows[0].try_get(3)?;
        let last = text.lines().last().unwrap_or_default().to_owned();
        pages.push(text);
        ensure!(next.is_some() == (remaining > 0));
        if next.is_none() {
            return Ok(pages);
        }
        ensure!(last.starts_with(&format!("-- {remaining} more objects")), "{last}");
        call = last.split_once("next page: ").context(last.clone())?.1.to_owned();
    }
}

fn tokenizers() -> Result<[(&'static str, CoreBPE); 3]> {
    Ok([
        ("o200k", tiktoken_rs::o200k_base()?),
        ("cl100k", tiktoken_rs::cl100k_base()?),
        ("r50k", tiktoken_rs::r50k_base()?),
    ])
}

/// Checks the pages, and returns how full they are by the first tokenizer.
fn expect_within(pages: &[String], most: usize) -> Result<f64> {
    let mut used = 0;
    for (name, tokenizer) in tokenizers()? {
        for page in pages {
            let tokens = tokenizer.encode_ordinary(page).len();
            ensure!(tokens <= most, "{tokens} tokens of {name}:\n{page}");
            used += if name == "o200k" { tokens } else { 0 };
        }
    }
    Ok(used as f64 / (pages.len() * most) as f64)
}

/// The names of the objects that lines are about, which must be different ones.
fn objects(pages: &[String]) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for line in pages.iter().flat_map(|page| page.lines()).filter(|line| !line.starts_with("--")) {
        let name = line.split([' ', ':']).next().unwrap_or_default();
        ensure!(names.insert(name.to_owned()), "{name} is there twice");
    }
    Ok(names)
}

const MANY: &str = r#"
create schema many;
do $$
declare
    nouns text[] := array['customer', 'invoice', 'shipment', 'warehouse', 'employee', 'payment',
        'product', 'contract', 'document', 'campaign'];
    qualities text[] := array['archived', 'monthly', 'regional', 'external', 'pending'];
    name text;
begin
    for n in 0..499 loop
        name := format('%s_%s_%s', qualities[1 + n % 5], nouns[1 + n / 5 % 10], n);
        execute format(
            'create table many.%s (
                id bigint generated always as identity primary key,
                %s_number varchar(40) not null unique,
                created_at timestamptz not null default now(),
                updated_at timestamptz,
                amount numeric(12, 2),
                is_active boolean not null default true,
                description text,
                attributes jsonb%s
            )',
            name, nouns[1 + n % 10],
            case when n > 0 then format(', previous_id bigint references many.%s',
                (select relname from pg_class where relnamespace = 'many'::regnamespace
                    and relkind = 'r' order by oid desc limit 1)) end
        );
        execute format('comment on table many.%s is %L', name, 'Records of the ' || name
            || ', as they come from the accounting system.');
    end loop;
end $$;
"#;

fn paged(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("overview_many", &["hypopg", "mcp_advisor"])?;
    client.batch_execute(MANY)?;
    client.batch_execute("select mcp_schemas(); select hypopg()")?;
    for most in [8000, 30_000] {
        let pages = pages(&mut client, "'many'", most)?;
        let full = expect_within(&pages, usize::try_from(most)?)?;
        eprintln!(
            "500 tables in {} pages of {most} tokens, {:.0} % full",
            pages.len(),
            100.0 * full
        );
        ensure!(objects(&pages)?.len() == 500);
        // Not so cautious that half of what a model pays for is lost.
        ensure!(most < 8000 || full > 0.4, "{full}");
    }
    Ok(())
}

fn odd_names(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("overview_odd", &["hypopg", "mcp_advisor"])?;
    client.batch_execute(
        r#"do $$ begin
            for n in 1..50 loop
                -- Nothing that a tokenizer has a word for, digits, other scripts, only signs.
                execute format('create table %I (%I uuid, %I numeric(9, 3))', 't' || md5(n::text),
                    translate(md5(n || 'x'), '0123456789', 'ghjkqvwxyz'), 'c' || n * 7919 * 104729::bigint);
                execute format('create table %I (%I int, %I int)', 'Größe ' || n,
                    '顧客番号' || chr(19968 + n * 7), 'Бухгалтерия' || n);
                execute format('create table %I (%I int)', repeat('"', 30) || n, ';--'' ' || n);
                execute format('create table %I (%I int)', repeat(chr(128512 + n), 10), n);
                execute format('comment on table %I is %L', 'Größe ' || n,
                    repeat(chr(13312 + n * 11), 100));
            end loop;
        end $$;
        select mcp_schemas(); select hypopg()"#,
    )?;
    for most in [1000, 8000] {
        let pages = pages(&mut client, "'public'", most)?;
        let full = expect_within(&pages, usize::try_from(most)?)?;
        eprintln!("200 odd names in {} pages, {:.0} % full", pages.len(), 100.0 * full);
        let count: usize = pages
            .iter()
            .flat_map(|page| page.lines())
            .filter(|line| line.starts_with("public."))
            .count();
        ensure!(count == 200, "{count}");
    }
    Ok(())
}

fn wide(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("overview_wide", &["hypopg", "mcp_advisor"])?;
    let columns: Vec<String> = (0..1600).map(|n| format!("measurement_{n} smallint")).collect();
    client.batch_execute(&format!(
        "create table a (id integer); create table wide ({}); create table z (id integer);
        select mcp_schemas(); select hypopg()",
        columns.join(", ")
    ))?;
    let pages = pages(&mut client, "null", 8000)?;
    expect_within(&pages, 8000)?;
    ensure!(objects(&pages)?.len() == 3 && pages.len() == 3, "{} pages", pages.len());
    let line = pages[1].lines().nth(1).unwrap_or_default();
    let call = line.split_once(" more: ").context(line.to_owned())?.1;
    let left: usize = line
        .split_once("… ")
        .and_then(|(_, rest)| rest.split(' ').next())
        .context("how many")?
        .parse()?;
    ensure!(line.matches("measurement_").count() + left == 1600, "{line}");
    let all: String = answered(&mut client, &format!("select {call}::text"))?[0].try_get(0)?;
    ensure!(all.contains("measurement_1599"));
    Ok(())
}

fn dropped(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("overview_dropped", &["hypopg", "mcp_advisor"])?;
    client.batch_execute(
        "create table a (); create table \"b.c\" (); create table d (); create type e as enum ();
        select mcp_schemas(); select hypopg()",
    )?;
    let mut after = |name: &str| -> Result<String> {
        let sql = format!("select overview from mcp_schema_overview(after => '{name}')");
        Ok(answered(&mut client, &sql)?[0].try_get::<_, String>(0)?)
    };
    ensure!(objects(&[after("public.a")?])?.len() == 2);
    ensure!(objects(&[after("public.e")?])?.len() == 3);
    ensure!(objects(&[after("public.\"b.c\"")?])?.contains("public.d"));
    // Gone, or in other letters.
    ensure!(objects(&[after("public.ab")?])?.len() == 2);
    ensure!(objects(&[after("zzz.a")?])?.is_empty());
    Ok(())
}

fn arguments(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "overview_arguments")?;
    for (arguments, code, message) in [
        ("'App'", "3F000", "schema \"App\" does not exist"),
        ("'app', 999", "22023", "max_tokens must be from 1000 to 1000000"),
        ("'app', null", "22004", "\"max_tokens\" must not be null"),
        ("after => 'orders'", "22023", "after must be the qualified name of an object"),
        ("after => 'a.b.c'", "22023", "after must be the qualified name of an object"),
    ] {
        let sql = format!("select mcp_schema_overview({arguments})");
        let error = refused(&mut client, &sql, code)?;
        ensure!(error.message() == message, "{}", error.message());
    }
    client.batch_execute("create schema nothing")?;
    ensure!(objects(&pages(&mut client, "'nothing'", 8000)?)?.is_empty());
    Ok(())
}

/// A coarse bound on the work.
pub(crate) fn among_many(client: &mut Client) -> Result<()> {
    let started = std::time::Instant::now();
    let sql = "select objects, remaining from mcp_schema_overview('many', 8000, 'many.entity_5')";
    let row = &answered(client, sql)?[0];
    eprintln!("a page among 10,010 tables: {:?}", started.elapsed());
    let (objects, remaining): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    ensure!(objects > 50 && objects + remaining < 10_010, "{objects} {remaining}");
    Ok(())
}
