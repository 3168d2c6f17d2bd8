//! Advice of other access methods and operator classes than the b-tree's own: exactly the kind that
//! wins, as it will be used; and none where it would not.

use advisor_tests::measure::plan_cost;
use anyhow::{Context, Result, ensure};
use postgres::{Client, SimpleQueryMessage};
use serde_json::Value;

use crate::Case;
use crate::answer::{Advised, given};
use crate::fixture::{Fixture, answered, refused};

pub(crate) const CASES: &[Case] = &[
    ("methods_each_kind_wins_where_it_should", each_kind),
    ("methods_near_misses_get_none", near_misses),
    ("methods_sizes_are_those_on_disk", sizes),
    ("methods_brin_for_a_large_table_in_order", brin),
    ("methods_classes_of_extensions_count", extensions),
    ("methods_the_general_class_is_preferred", general_class),
    ("methods_a_missing_extension_is_named", missing_extension),
    ("methods_can_be_restricted", restricted),
    ("methods_an_existing_index_serves", existing),
];

const SCHEMA: &str = r#"
create type mood as enum ('sad', 'fair', 'glad');
create domain settings as jsonb;
create table things (
    id integer primary key,
    name text collate "en-x-icu",
    code varchar(40) collate "en-x-icu",
    bytewise text collate "C",
    note text,
    doc jsonb,
    conf settings,
    tags text[],
    moods mood[],
    numbers integer[],
    during int4range,
    spans int4multirange,
    spot point,
    area box,
    address inet,
    token text,
    body text,
    search tsvector generated always as (to_tsvector('english', body)) stored
);
insert into things (id, name, code, bytewise, note, doc, conf, tags, moods, numbers, during, spans,
    spot, area, address, token, body)
select i, 'name ' || md5(i::text), 'code-' || md5((i + 7)::text), md5(i::text),
    md5((i * 3)::text) || ' ' || md5((i * 5)::text),
    jsonb_build_object('user', i % 4000, 'path', '/p/' || i % 3000,
        'tags', jsonb_build_array('t' || i % 900, 'u' || i % 700)),
    jsonb_build_object('k' || i % 2000, i % 10),
    array['a' || i % 1500, 'b' || i % 2500],
    case when i % 500 = 0 then '{sad}' else '{fair, glad}' end::mood[],
    array[i % 3000, i % 1999],
    int4range(i * 7919 % 30011, i * 7919 % 30011 + 5),
    int4multirange(int4range(i * 7919 % 30011, i * 7919 % 30011 + 3)),
    point(i * 7919 % 10007, i * 10473 % 10009),
    box(point(i * 7919 % 10007, i * 10473 % 10009), point(i * 7919 % 10007 + 3, i * 10473 % 10009 + 3)),
    ('10.' || i * 7919 % 200 || '.' || i % 250 || '.' || i * 31 % 250)::inet,
    repeat(md5((i % 29000)::text), 3),
    'w' || i % 2000 || ' v' || i % 3001 || ' common words here'
from generate_series(1, 30000) as i;
"#;

/// Query, and the index that it must get.
const KINDS: &[(&str, &str)] = &[
    ("note like '%ab12c%'", "gin (note public.gin_trgm_ops)"),
    ("note ilike '%AB12C%'", "gin (note public.gin_trgm_ops)"),
    ("note ~ 'ab12c[0-9]'", "gin (note public.gin_trgm_ops)"),
    ("note ~* 'AB12C[0-9]'", "gin (note public.gin_trgm_ops)"),
    ("lower(note) like '%ab12c%'", "gin (lower(note) public.gin_trgm_ops)"),
    ("name like 'name ab12%'", "btree (name text_pattern_ops)"),
    ("code like 'code-ab12%'", "btree (code varchar_pattern_ops)"),
    ("lower(name) like 'name ab12%'", "btree (lower(name) text_pattern_ops)"),
    ("doc @> '{\"user\": 77}'", "gin (doc jsonb_path_ops)"),
    ("doc @@ '$.user == 77'", "gin (doc jsonb_path_ops)"),
    ("doc @? '$.path ? (@ == \"/p/99\")'", "gin (doc jsonb_path_ops)"),
    ("conf ? 'k77'", "gin (conf)"),
    ("conf ?| array['k77', 'k78']", "gin (conf)"),
    ("conf ?& array['k77', 'k78']", "gin (conf)"),
    ("doc->'tags' ? 't77'", "gin (((doc -> 'tags'::text)))"),
    ("doc->'tags' @> '[\"t77\"]'", "gin (((doc -> 'tags'::text)) jsonb_path_ops)"),
    ("tags @> '{a77}'", "gin (tags)"),
    ("tags && '{a77, b78}'", "gin (tags)"),
    ("'{a77}' <@ tags", "gin (tags)"),
    ("moods @> '{sad}'::mood[]", "gin (moods)"),
    ("search @@ to_tsquery('english', 'w77')", "gin (search)"),
    (
        "to_tsvector('simple', body) @@ to_tsquery('simple', 'v77')",
        "gin (to_tsvector('simple'::regconfig, body))",
    ),
    ("during && int4range(500, 510)", "gist (during)"),
    ("during @> 500", "gist (during)"),
    ("spans @> 500", "gist (spans)"),
    ("area && box '((10, 10), (60, 60))'", "gist (area)"),
    ("spot <@ box '((10, 10), (90, 90))'", "spgist (spot)"),
];

fn database(fixture: &Fixture, name: &str, extensions: &[&str]) -> Result<Client> {
    let mut client = fixture.database(name, &["hypopg", "mcp_advisor"])?;
    for extension in extensions {
        client.batch_execute(&format!("create extension {extension}"))?;
    }
    client.batch_execute(SCHEMA)?;
    client.batch_execute("vacuum analyze things").context("vacuum")?;
    client.batch_execute("select mcp_advise_indexes(array['select 1']); select hypopg()")?;
    Ok(client)
}

fn where_(condition: &str) -> String {
    format!("select * from things where {condition}")
}

fn advised(client: &mut Client, query: &str) -> Result<Vec<Advised>> {
    Ok(given(client, &[query], "")?.indexes())
}

fn plan(client: &mut Client, query: &str) -> Result<String> {
    let rows = client.simple_query(&format!("explain (costs off) {query}"))?;
    let line = |row: &SimpleQueryMessage| match row {
        SimpleQueryMessage::Row(row) => row.get(0).map(|line| format!("{line}\n")),
        _ => None,
    };
    Ok(rows.iter().filter_map(line).collect())
}

/// Fails unless `query` gets exactly one index with `wanted` in its definition, which builds as it is
/// printed, is used, makes the query as cheap as was said, and is not advised again. It is dropped.
fn expect(client: &mut Client, query: &str, wanted: &str) -> Result<f64> {
    let answer = given(client, &[query], "")?;
    let indexes = answer.indexes();
    let [index] = indexes.as_slice() else {
        anyhow::bail!("{query}: {indexes:?} {}", answer.left_out())
    };
    ensure!(index.ddl.ends_with(&format!("USING {wanted}")), "{query}: {}", index.ddl);
    let before = plan_cost(client, query)?;
    client.batch_execute(&index.ddl).with_context(|| index.ddl.clone())?;
    // What is claimed of an expression rests on statistics of it.
    client.batch_execute("analyze things")?;
    let sql = "select c.relname from pg_index as i join pg_class as c on c.oid = i.indexrelid
        where i.indrelid = 'things'::regclass and not i.indisprimary";
    let name: String = client.query_one(sql, &[])?.get(0);
    let used = plan(client, query)?;
    ensure!(used.contains(&name), "{query}: {wanted} is not used:\n{used}");
    let (claimed, real) = (answer.cost_after(1)?, plan_cost(client, query)?);
    ensure!(real < before / 2.0, "{query}: from {before} to {real} only");
    let again = advised(client, query)?;
    ensure!(again.is_empty(), "{query}: advised although {wanted} exists: {again:?}");
    client.batch_execute(&format!("drop index {name}"))?;
    Ok(claimed / real)
}

fn each_kind(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "methods_kinds", &["pg_trgm"])?;
    // A value of few may have an index of its own: not the matter here.
    client.batch_execute("set mcp_advisor.index_kinds = 'expression, opclass'")?;
    let mut faults = Vec::new();
    let mut ratios = Vec::new();
    for (condition, wanted) in KINDS {
        match expect(&mut client, &where_(condition), wanted) {
            Ok(ratio) => ratios.push((ratio, *condition)),
            Err(error) => {
                faults.push(format!("{error:#}"));
                client.batch_execute(
                    "do $$ declare i regclass; begin for i in select indexrelid::regclass from
                    pg_index where indrelid = 'things'::regclass and not indisprimary
                    loop execute 'drop index ' || i; end loop; end $$",
                )?;
            }
        }
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    let off: Vec<_> = ratios.iter().filter(|(ratio, _)| !(0.5..=2.0).contains(ratio)).collect();
    ensure!(off.is_empty(), "claimed costs against real ones: {ratios:?}");
    let orders = [
        ("select * from things order by spot <-> point '(50, 50)' limit 5", "spgist (spot)"),
        (
            "select * from things order by note <-> 'abc' limit 5",
            "gist (note public.gist_trgm_ops)",
        ),
        ("select * from things where token = repeat(md5('77'), 3)", "hash (token)"),
    ];
    for (query, wanted) in orders {
        expect(&mut client, query, wanted)?;
    }
    Ok(())
}

fn near_misses(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "methods_misses", &["pg_trgm"])?;
    client.batch_execute("create table few as select * from things limit 20")?;
    client.batch_execute("vacuum analyze few")?;
    // Bytes in order: the plain b-tree finds prefixes.
    let plain = where_("bytewise like 'ab12c%'");
    expect(&mut client, &plain, "btree (bytewise)")?;
    for condition in [
        // No three letters in a row to look up.
        "note like '%a%'",
        "note ~ '[abc].*[def]'",
        // An operator of no class.
        "doc->>'user' is distinct from 'x'",
        "abs(id) % 2 = 1 and doc <> '{}'",
        // Nearly all rows.
        "body like '%common%'",
    ] {
        let found = advised(&mut client, &where_(condition))?;
        ensure!(found.iter().all(|index| index.ddl.contains("btree")), "{condition}: {found:?}");
    }
    let small = advised(&mut client, "select * from few where tags @> '{a7}'")?;
    ensure!(small.is_empty(), "a table of one page: {small:?}");
    Ok(())
}

/// Every kind of key, alone in an index of its method.
const SIZED: &[(&str, &str)] = &[
    ("note like '%ab12c%'", "gin (note gin_trgm_ops)"),
    ("doc @> '{\"user\": 77}'", "gin (doc jsonb_path_ops)"),
    ("doc ? 'x'", "gin (doc)"),
    ("tags @> '{a77}'", "gin (tags)"),
    ("moods @> '{sad}'::mood[]", "gin (moods)"),
    ("numbers @> '{77}'", "gin (numbers)"),
    ("search @@ to_tsquery('english', 'w77')", "gin (search)"),
    ("during && int4range(500, 510)", "gist (during)"),
    ("spans @> 500", "gist (spans)"),
    ("area && box '((10, 10), (60, 60))'", "gist (area)"),
    ("spot <@ box '((10, 10), (90, 90))'", "spgist (spot)"),
    ("address << '10.7.0.0/24'", "spgist (address)"),
    ("token = 'x'", "hash (token)"),
];

fn sizes(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "methods_sizes", &["pg_trgm"])?;
    let mut ratios = Vec::new();
    for (condition, definition) in SIZED {
        let method = definition.split(' ').next().context("no method")?;
        client.batch_execute(&format!("set mcp_advisor.index_methods = '{method}'"))?;
        let more = "min_improvement => 0, pareto_ratio => 0";
        let found = given(&mut client, &[where_(condition)], more)?.indexes();
        let wanted = definition.replace("gin_trgm", "public.gin_trgm");
        // Of two classes that serve the smaller one is advised; its size is what counts here.
        let Some(index) = found.iter().find(|index| index.ddl.ends_with(&wanted)) else {
            ensure!(*condition == "doc ? 'x'" || !found.is_empty(), "{condition}: none");
            continue;
        };
        client.batch_execute(&format!("create index made on things using {definition}"))?;
        let real: i64 = client.query_one("select pg_relation_size('made')", &[])?.get(0);
        client.batch_execute("drop index made")?;
        ratios.push((index.size_bytes / real as f64, *definition));
    }
    let off = |ratio: f64| !(1.0 / 1.5..=1.5).contains(&ratio);
    ensure!(ratios.len() >= 12, "{ratios:?}");
    ensure!(!ratios.iter().any(|(ratio, _)| off(*ratio)), "estimated / built: {ratios:?}");
    Ok(())
}

fn brin(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("methods_brin", &["hypopg", "mcp_advisor"])?;
    client.batch_execute(
        "create table things as select i as id, timestamp '2020-01-01' + i * interval '1 minute'
            as at, timestamp '2020-01-01' + i * 7919::bigint % 300007 * interval '1 minute' as mixed,
            repeat('x', 250) as pad
        from generate_series(1, 300000) as i;
        create unique index things_pkey on things (id);
        alter table things add primary key using index things_pkey;",
    )?;
    client.batch_execute("vacuum analyze things")?;
    client.batch_execute("select mcp_advise_indexes(array['select 1']); select hypopg()")?;
    let range = |column: &str| {
        format!(
            "select count(pad) from things where {column} between '2020-03-01' and '2020-03-20'"
        )
    };
    // In a budget in which no b-tree has room.
    let found = given(&mut client, &[range("at")], "storage_budget => 100000")?.indexes();
    ensure!(found.len() == 1 && found[0].ddl.ends_with("USING brin (at)"), "{found:?}");
    client.batch_execute(&found[0].ddl)?;
    let used = plan(&mut client, &range("at"))?;
    ensure!(used.contains("things_at_idx"), "{used}");
    let real: i64 = client.query_one("select pg_relation_size('things_at_idx')", &[])?.get(0);
    let ratio = found[0].size_bytes / real as f64;
    ensure!((0.66..=1.5).contains(&ratio), "{ratio}");
    let found = given(&mut client, &[range("mixed")], "storage_budget => 100000")?.indexes();
    ensure!(found.is_empty(), "no order to use: {found:?}");
    Ok(())
}

fn extensions(fixture: &Fixture) -> Result<()> {
    let extensions =
        ["pg_trgm", "intarray", "btree_gist", "btree_gin", "hstore", "ltree", "citext"];
    let mut client = database(fixture, "methods_extensions", &extensions)?;
    client.batch_execute(
        "alter table things add attributes hstore, add place ltree, add label citext;
        update things set attributes = hstore('k' || id % 900, 'v'),
            place = ('top.a' || id % 50 || '.b' || id % 1000)::ltree, label = note",
    )?;
    client.batch_execute("vacuum full things")?;
    client.batch_execute("vacuum analyze things")?;
    for (condition, wanted) in [
        ("numbers && '{77}'", "gin (numbers public.gin__int_ops)"),
        ("attributes ? 'k77'", "gin (attributes)"),
        ("place <@ 'top.a7.b7'", "gist (place)"),
        ("label::text ilike '%ab12c%'", "gin (label public.gin_trgm_ops)"),
    ] {
        expect(&mut client, &where_(condition), wanted)?;
    }
    // One tree for both.
    client.batch_execute(
        "create table bookings as select i % 300 as room, int4range(i * 7919 % 9001, i * 7919 % 9001 + 600)
            as during, repeat('x', 80) as pad from generate_series(1, 30000) as i",
    )?;
    client.batch_execute("vacuum analyze bookings")?;
    let query = "select * from bookings where room = 7 and during && int4range(400, 500)";
    let found = given(&mut client, &[query], "pareto_ratio => 0")?.indexes();
    ensure!(
        found.len() == 1
            && (found[0].ddl.ends_with("gist (room, during)") || found[0].ddl.contains("btree")),
        "{found:?}"
    );
    Ok(())
}

fn general_class(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "methods_general", &[])?;
    let contains = where_("conf @> '{\"k77\": 7}'");
    let found = given(&mut client, &[contains.as_str()], "")?.indexes();
    ensure!(found.len() == 1 && found[0].ddl.ends_with("gin (conf jsonb_path_ops)"), "{found:?}");
    let both = [contains, where_("conf ? 'k77'")];
    let found = given(&mut client, &both, "")?.indexes();
    ensure!(found.len() == 1 && found[0].ddl.ends_with("gin (conf)"), "{found:?}");
    Ok(())
}

fn missing_extension(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "methods_missing", &[])?;
    let report = |client: &mut Client, condition: &str| -> Result<Value> {
        let sql = "select mcp_advise_report(array[$1], plans => false)::text";
        let text: String = client.query_one(sql, &[&where_(condition)])?.get(0);
        Ok(serde_json::from_str(&text)?)
    };
    let found = report(&mut client, "note ilike '%ab12c%'")?;
    let named = &found["extensions"][0];
    ensure!(named["extension"] == "pg_trgm" && named["available"] == true, "{found}");
    ensure!(named["column"] == "note" && named["query_ids"][0] == 1, "{found}");
    // A prefix needs none, and a small result of a look-up neither.
    for condition in ["name like 'name ab12%'", "id = 7 and note like '%ab%'"] {
        let found = report(&mut client, condition)?;
        ensure!(found["extensions"].as_array().is_some_and(Vec::is_empty), "{condition}: {found}");
    }
    client.batch_execute("create extension pg_trgm")?;
    let found = report(&mut client, "note like '%a%'")?;
    ensure!(found["extensions"].as_array().is_some_and(Vec::is_empty), "{found}");
    Ok(())
}

fn restricted(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "methods_restricted", &["pg_trgm"])?;
    let contains = where_("tags @> '{a77}'");
    let prefix = where_("name like 'name ab12%'");
    let like = where_("note like '%ab12c%'");
    for (setting, query) in [
        ("index_methods = 'btree, hash'", &contains),
        ("index_kinds = 'partial, expression'", &prefix),
        ("index_methods = 'hash, gist'", &contains),
    ] {
        client.batch_execute(&format!("set mcp_advisor.{setting}"))?;
        let found = advised(&mut client, query)?;
        ensure!(found.is_empty(), "{setting}: {found:?}");
        client.batch_execute("reset mcp_advisor.index_methods; reset mcp_advisor.index_kinds")?;
    }
    client.batch_execute("set mcp_advisor.index_methods = 'btree, gist'")?;
    let found = advised(&mut client, &like)?;
    ensure!(
        found.len() == 1 && found[0].ddl.contains("gist (note public.gist_trgm_ops)"),
        "{found:?}"
    );
    for bad in ["index_methods = 'btree, rtree'", "index_kinds = 'partiel'"] {
        client.batch_execute(&format!("reset all; set mcp_advisor.{bad}"))?;
        let sql = format!("select * from mcp_advise_indexes(array[$q${contains}$q$])");
        refused(&mut client, &sql, "22023")?;
    }
    Ok(())
}

fn existing(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "methods_existing", &["pg_trgm"])?;
    client.batch_execute(
        "create index on things using gin (tags, doc jsonb_path_ops);
        create index on things using gin (lower(note) gin_trgm_ops);
        create index on things (name text_pattern_ops);
        create index on things using gist (spot);
        create index on things using gin (moods) where id < 100",
    )?;
    for condition in [
        "tags @> '{a77}'",
        "doc @> '{\"user\": 77}'",
        "lower(note) like '%ab12c%'",
        "name like 'name ab12%'",
        "spot <@ box '((10, 10), (90, 90))'",
    ] {
        let found = advised(&mut client, &where_(condition))?;
        ensure!(found.is_empty(), "{condition}: {found:?}");
    }
    let found = advised(&mut client, &where_("moods @> '{sad}'::mood[]"))?;
    ensure!(found.len() == 1, "a partial index serves no other rows: {found:?}");
    let sql = format!(
        "select method, columns[1], write_overhead from mcp_advise_indexes(array[$q${}$q$])",
        where_("search @@ to_tsquery('english', 'w77')")
    );
    let rows = answered(&mut client, &sql)?;
    let row = rows.first().context("no index")?;
    let (method, column, overhead): (String, String, f64) = (row.get(0), row.get(1), row.get(2));
    ensure!((method.as_str(), column.as_str()) == ("gin", "search"), "{method} {column}");
    ensure!(overhead > 0.1, "five words a row: {overhead}");
    Ok(())
}
