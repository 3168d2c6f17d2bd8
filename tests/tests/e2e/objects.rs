//! `mcp_object`: every part of every kind of object.

use advisor_tests::cluster::server_version;
use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde_json::{Value, json};

use crate::Case;
use crate::fixture::{Fixture, answered, refused};
use crate::schema::{database, list};

pub(crate) const CASES: &[Case] = &[
    ("schema_describes_a_table", describes_a_table),
    ("schema_describes_partitions_and_both_ends_of_a_foreign_key", describes_partitions),
    ("schema_describes_views_indexes_and_sequences", describes_views_indexes_sequences),
    ("schema_describes_functions_and_types", describes_functions_and_types),
    ("schema_describes_extensions", describes_extensions),
    ("schema_describes_dependencies_from_both_ends", describes_dependencies),
    ("schema_takes_odd_names_letter_by_letter", odd_names),
];

pub(crate) fn object(client: &mut Client, schema: &str, name: &str, kind: &str) -> Result<Value> {
    let quote = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let (schema, name, kind) = (quote(schema), quote(name), quote(kind));
    let sql = format!("select mcp_object({schema}, {name}, {kind})::text");
    Ok(serde_json::from_str(answered(client, &sql)?[0].try_get(0)?)?)
}

/// Fails unless each of these parts of the object is as wanted; a part is a path as in `jq`.
pub(crate) fn expect(object: &Value, parts: &[(&str, Value)]) -> Result<()> {
    for (path, wanted) in parts {
        let found = object.pointer(path).unwrap_or(&Value::Null);
        ensure!(found == wanted, "{path} is {found}, not {wanted}: {object:#}");
    }
    Ok(())
}

/// The entry of a list in the object that has this name.
fn named<'a>(object: &'a Value, list: &str, name: &str) -> Result<&'a Value> {
    let entries = object[list].as_array().map_or(&[][..], Vec::as_slice);
    let found = entries.iter().find(|entry| entry["name"] == name);
    found.with_context(|| format!("no {name} in {list}: {object:#}"))
}

fn describes_a_table(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "schema_tables")?;
    let table = object(&mut client, "app", "customers", "table")?;
    expect(
        &table,
        &[
            ("/schema", json!("app")),
            ("/name", json!("customers")),
            ("/kind", json!("table")),
            ("/owner", json!("postgres")),
            ("/description", json!("who buys")),
            ("/rows_estimate", json!(500)),
            ("/privileges/0", json!("SELECT")),
            ("/columns/0/identity", json!("always")),
            ("/columns/0/type", json!("integer")),
            ("/columns/0/nullable", json!(false)),
            ("/columns/1/description", json!("login")),
            ("/columns/1/null_frac", json!(0)),
            ("/columns/1/n_distinct", json!(-1)),
            ("/columns/2/type", json!("text[]")),
            ("/columns/2/nullable", json!(true)),
            ("/columns/3/type", json!("app.mood")),
            ("/columns/3/default", json!("'ok'::app.mood")),
            ("/columns/4/type", json!("app.positive")),
            ("/columns/5/type", json!("numeric(10,2)")),
            ("/columns/5/default", json!("1.5")),
            ("/columns/6/generated", json!("price * 2::numeric")),
            ("/columns/6/default", Value::Null),
            ("/columns/7/type", json!("character varying(20)")),
            ("/columns/7/collation", json!("\"C\"")),
            ("/columns/8", Value::Null),
        ],
    )?;
    let check = named(&table, "constraints", "customers_price_check")?;
    expect(check, &[("/type", json!("check")), ("/columns", json!(["price"]))])?;
    let key = named(&table, "constraints", "customers_pkey")?;
    expect(key, &[("/type", json!("primary key")), ("/columns", json!(["id"]))])?;
    let by = named(&table, "referenced_by", "bought_by")?;
    expect(
        by,
        &[
            ("/table", json!("app.orders")),
            ("/columns", json!(["customer"])),
            ("/references_columns", json!(["id"])),
        ],
    )?;
    ensure!(table["referenced_by"].as_array().map(Vec::len) == Some(1), "{table:#}");
    let index = named(&table, "indexes", "customers_lower")?;
    let definition = "CREATE INDEX customers_lower ON app.customers USING btree \
                      (lower(email), id DESC) INCLUDE (price) WHERE (id > 3)";
    expect(index, &[("/definition", json!(definition)), ("/scans", json!(0))])?;
    ensure!(index["size_bytes"].as_i64() > Some(0), "{index}");
    let trigger = named(&table, "triggers", "stamped")?;
    ensure!(trigger["definition"].as_str().is_some_and(|text| text.contains("app.stamp()")));
    // The insert fired the trigger, not the foreign key's own: these are not listed.
    ensure!(table["triggers"].as_array().map(Vec::len) == Some(1), "{table:#}");
    let sql = "select pg_total_relation_size('app.customers'), pg_indexes_size('app.customers')";
    let row = client.query_one(sql, &[])?;
    expect(
        &table,
        &[
            ("/size/total_bytes", json!(row.try_get::<_, i64>(0)?)),
            ("/size/index_bytes", json!(row.try_get::<_, i64>(1)?)),
        ],
    )?;
    let scratch = object(&mut client, "app", "scratch", "table")?;
    expect(
        &scratch,
        &[
            ("/persistence", json!("unlogged")),
            ("/row_security", json!({"enabled": true, "forced": false})),
            ("/policies/0/using", json!("(a > 0)")),
            ("/policies/0/command", json!("SELECT")),
        ],
    )
}

fn describes_partitions(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "schema_partitions")?;
    let parent = object(&mut client, "app", "orders", "table")?;
    expect(
        &parent,
        &[
            ("/kind", json!("table")),
            ("/partition_key", json!("RANGE (placed)")),
            ("/rows_estimate", json!(400)),
            ("/children/0/name", json!("app.orders_2024")),
            ("/children/0/rows_estimate", json!(400)),
            ("/children/1/partition_bound", json!("DEFAULT")),
            ("/columns/0/default", json!("nextval('app.orders_id_seq'::regclass)")),
        ],
    )?;
    let key = named(&parent, "constraints", "bought_by")?;
    expect(
        key,
        &[
            ("/type", json!("foreign key")),
            ("/columns", json!(["customer"])),
            ("/references", json!("app.customers")),
            ("/references_columns", json!(["id"])),
            (
                "/definition",
                json!("FOREIGN KEY (customer) REFERENCES app.customers(id) ON DELETE CASCADE"),
            ),
        ],
    )?;
    ensure!(parent["size"]["total_bytes"].as_i64() > Some(0), "{parent:#}");
    for kind in ["partition", "table"] {
        let part = object(&mut client, "app", "orders_2024", kind)?;
        expect(
            &part,
            &[
                ("/kind", json!("partition")),
                ("/parents", json!(["app.orders"])),
                ("/partition_bound", json!("FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')")),
            ],
        )?;
    }
    Ok(())
}

fn describes_views_indexes_sequences(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "schema_views")?;
    // From 16 on columns are not qualified where there is one relation.
    let definition = match server_version()? {
        160_000.. => " SELECT id,\n    email\n   FROM app.customers;",
        _ => " SELECT customers.id,\n    customers.email\n   FROM app.customers;",
    };
    // Asked for as a table, which is what a client does that does not know better.
    let view = object(&mut client, "app", "emails", "table")?;
    expect(
        &view,
        &[
            ("/kind", json!("view")),
            ("/options", json!(["security_barrier=true"])),
            ("/columns/1/name", json!("email")),
            ("/definition", json!(definition)),
        ],
    )?;
    let view = object(&mut client, "app", "totals", "materialized view")?;
    expect(&view, &[("/kind", json!("materialized view")), ("/populated", json!(true))])?;
    let index = object(&mut client, "app", "customers_lower", "index")?;
    expect(
        &index,
        &[
            ("/table", json!("app.customers")),
            ("/method", json!("btree")),
            ("/columns/0/name", json!("lower(email)")),
            ("/columns/2", json!({"name": "price", "type": "numeric(10,2)", "included": true})),
            ("/predicate", json!("id > 3")),
            ("/unique", json!(false)),
            ("/valid", json!(true)),
        ],
    )?;
    let index = object(&mut client, "app", "orders_pkey", "index")?;
    let children = json!(["app.orders_2024_pkey", "app.orders_rest_pkey"]);
    expect(&index, &[("/constraint", json!("orders_pkey")), ("/children", children)])?;
    let sequence = object(&mut client, "app", "tickets", "sequence")?;
    expect(
        &sequence,
        &[
            ("/type", json!("smallint")),
            ("/last_value", json!(6)),
            ("/increment", json!(5)),
            ("/maximum", json!(1000)),
            ("/cycle", json!(true)),
            ("/owned_by", Value::Null),
        ],
    )?;
    let sequence = object(&mut client, "app", "customers_id_seq", "sequence")?;
    let owner =
        json!({"table": "app.customers", "column": "id", "type": "integer", "identity": true});
    expect(&sequence, &[("/owned_by", owner), ("/last_value", json!(500))])
}

fn describes_functions_and_types(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "schema_functions")?;
    let both = object(&mut client, "app", "area", "function")?;
    expect(
        &both,
        &[
            ("/overloads/0/signature", json!("area(integer)")),
            ("/overloads/0/volatility", json!("immutable")),
            ("/overloads/0/strict", json!(true)),
            ("/overloads/1/returns", json!("double precision")),
            ("/overloads/1/security_definer", json!(true)),
            ("/overloads/2", Value::Null),
        ],
    )?;
    let text = both["definition"].as_str().unwrap_or_default();
    ensure!(
        text.contains("select side * side") && text.contains("select width * height"),
        "{text}"
    );
    for name in ["area(integer)", "area(side integer)"] {
        let one = object(&mut client, "app", name, "function")?;
        expect(&one, &[("/name", json!("area")), ("/overloads/1", Value::Null)])?;
        let text = one["definition"].as_str().unwrap_or_default();
        ensure!(!text.contains("height"), "{text}");
    }
    let aggregate = object(&mut client, "app", "total", "function")?;
    expect(&aggregate, &[("/overloads/0/type", json!("aggregate")), ("/definition", Value::Null)])?;
    let procedure = object(&mut client, "app", "tidy", "function")?;
    expect(&procedure, &[("/overloads/0/type", json!("procedure"))])?;
    let mood = object(&mut client, "app", "mood", "type")?;
    expect(
        &mood,
        &[
            ("/type", json!("enum")),
            ("/labels", json!(["sad", "ok", "it's fine"])),
            ("/used_by", json!(["app.customers.feeling"])),
        ],
    )?;
    let pair = object(&mut client, "app", "pair", "type")?;
    let attributes = json!([{"name": "a", "type": "integer"}, {"name": "b", "type": "text[]"}]);
    expect(&pair, &[("/type", json!("composite")), ("/attributes", attributes)])?;
    let positive = object(&mut client, "app", "positive", "type")?;
    expect(
        &positive,
        &[
            ("/type", json!("domain")),
            ("/base_type", json!("integer")),
            ("/nullable", json!(false)),
            ("/default", json!("1")),
            ("/constraints/0/definition", json!("CHECK (VALUE > 0)")),
        ],
    )?;
    let span = object(&mut client, "app", "span", "type")?;
    expect(&span, &[("/type", json!("range")), ("/subtype", json!("double precision"))])?;
    let integer = object(&mut client, "pg_catalog", "integer", "type")?;
    expect(&integer, &[("/name", json!("int4")), ("/type", json!("base"))])
}

fn describes_extensions(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "schema_extensions")?;
    let hypopg = object(&mut client, "whatever", "hypopg", "extension")?;
    let sql = "select extversion from pg_extension where extname = 'hypopg'";
    let version: String = client.query_one(sql, &[])?.try_get(0)?;
    expect(&hypopg, &[("/version", json!(version)), ("/schema", json!("public"))])?;
    let objects = hypopg["objects"].as_array().context("objects")?;
    ensure!(objects.contains(&json!("function public.hypopg_reset()")), "{objects:?}");
    Ok(())
}

fn describes_dependencies(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "schema_dependencies")?;
    client.batch_execute(
        "create view app.over as select e.email, app.area(e.id) from app.emails as e;
        create function app.counted() returns bigint language sql
            begin atomic select count(*) from app.emails; end;
        create function app.rowwise(app.customers) returns integer language sql as 'select 1';
        create table app.log (id integer);
        create rule logged as on delete to app.orders do also insert into app.log values (old.id);
        create policy of_customers on app.scratch using (a in (select id from app.customers));
        alter function app.area(float8, float8) set work_mem = '1MB';",
    )?;
    let view = object(&mut client, "app", "over", "view")?;
    let reads = json!([
        {"object": "function app.area(integer)"},
        {"object": "view app.emails", "columns": ["email", "id"]}
    ]);
    expect(&view, &[("/reads", reads), ("/used_by", Value::Null)])?;
    let view = object(&mut client, "app", "emails", "view")?;
    let users = json!(["function app.counted()", "view app.over"]);
    let reads = json!([{"object": "table app.customers", "columns": ["email", "id"]}]);
    expect(&view, &[("/reads", reads), ("/used_by", users)])?;
    let users = json!([
        "function app.rowwise(app.customers)",
        "materialized view app.totals",
        "policy of_customers on table app.scratch",
        "view app.emails"
    ]);
    let table = object(&mut client, "app", "customers", "table")?;
    expect(&table, &[("/reads", Value::Null), ("/used_by", users)])?;
    let table = object(&mut client, "app", "log", "table")?;
    expect(&table, &[("/used_by", json!(["rule logged on table app.orders"]))])?;
    let function = object(&mut client, "app", "area(integer)", "function")?;
    expect(&function, &[("/overloads/0/used_by", json!(["view app.over"]))])?;
    let function = object(&mut client, "app", "counted", "function")?;
    expect(&function, &[("/overloads/0/reads", json!(["view app.emails"]))])?;
    let function = object(&mut client, "app", "stamp", "function")?;
    let users = json!(["trigger stamped on table app.customers"]);
    expect(&function, &[("/overloads/0/used_by", users)])?;
    let both = object(&mut client, "app", "area", "function")?;
    expect(&both, &[("/overloads/1/settings", json!(["work_mem=1MB"]))])?;
    let total = object(&mut client, "app", "total", "function")?;
    let parts =
        json!({"transition": "int4pl(integer,integer)", "state": "integer", "initial": "0"});
    expect(&total, &[("/overloads/0/aggregate", parts)])
}

fn odd_names(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("odd_objects", &["hypopg", "mcp_advisor"])?;
    let long = "ä".repeat(31);
    client.batch_execute(&format!(
        r#"select mcp_schemas(); select hypopg();
        create schema "My ""Schema""";
        create table "My ""Schema"""."Tab.le'; drop" ("Key" integer primary key, "a,b" text);
        create table "My ""Schema"""."{long}" ();
        create table "My ""Schema"""."child %s" (
            parent integer references "My ""Schema"""."Tab.le'; drop"
        );
        create function "My ""Schema"""."F (x)"("In" integer) returns integer
            language sql as 'select 1';"#
    ))?;
    let schema = "My \"Schema\"";
    let names = list(&mut client, schema, "table")?;
    let names: Vec<_> = names.keys().map(String::as_str).collect();
    ensure!(names == ["Tab.le'; drop", "child %s", long.as_str()], "{names:?}");
    let table = object(&mut client, schema, "Tab.le'; drop", "table")?;
    expect(
        &table,
        &[
            ("/name", json!("Tab.le'; drop")),
            ("/columns/0/name", json!("Key")),
            ("/constraints/0/columns", json!(["Key"])),
            ("/referenced_by/0/table", json!(r#""My ""Schema"""."child %s""#)),
            ("/referenced_by/0/columns", json!(["parent"])),
        ],
    )?;
    object(&mut client, schema, &long, "table")?;
    object(&mut client, schema, "F (x)", "function")?;
    let sql = r#"select mcp_object('My "Schema"', 'CHILD %S')"#;
    let error = refused(&mut client, sql, "42P01")?;
    let hint = error.hint().unwrap_or_default();
    ensure!(hint.contains(r#"table "My ""Schema"""."child %s""#), "{hint}");
    Ok(())
}
