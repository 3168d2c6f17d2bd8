//! Every kind of value through `execute_sql`, beside the server's own JSON.
//!
//! Two rules of ours come on top of `to_json`: a number that a double does not hold is a string,
//! and an `oid` is a number.

use advisor_tests::bridge;
use advisor_tests::bridge::stdio::Pipe;
use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde_json::{Value, json};

use crate::Case;
use crate::fixture::Fixture;

pub(crate) const CASES: &[Case] = &[
    ("every_type_comes_back_as_the_server_has_it", every_type),
    ("odd_results_are_shown", odd_results),
];

/// Types of our own, and those of an extension that comes with every server.
const SCHEMA: &str = "
create schema zoo;
create domain zoo.positive as integer check (value > 0);
create domain zoo.short as varchar(5);
create type zoo.mood as enum ('sad', 'so so', 'happy');
create type zoo.pair as (n integer, words text);
create type zoo.nested as (inside zoo.pair, list integer[]);
create type zoo.speed as range (subtype = float8);
create extension mcp_advisor;
create extension hstore schema zoo;
create extension citext schema zoo;
create extension ltree schema zoo;
create extension cube schema zoo;
create table zoo.animals (id integer, kind text, legs numeric);
insert into zoo.animals values (1, 'cat', 4.0);
grant select on zoo.animals to public;
create function zoo.nothing() returns void language sql stable as '';
grant usage on schema zoo to public;
";

/// Expressions, and the type that `pg_typeof` says each has.
const VALUES: &[(&str, &str)] = &[
    ("true", "boolean"),
    ("32767::smallint", "smallint"),
    ("-2147483648", "integer"),
    ("9007199254740991", "bigint"),
    ("9007199254740993", "bigint"),
    ("(-9223372036854775808)::bigint", "bigint"),
    ("1.50::numeric(10,2)", "numeric"),
    ("0.1::numeric", "numeric"),
    ("'NaN'::numeric", "numeric"),
    ("'-Infinity'::numeric", "numeric"),
    ("123456789012345678901234567890.123456789::numeric", "numeric"),
    ("1e-130::numeric", "numeric"),
    ("10::numeric ^ 400", "numeric"),
    ("1.1::real", "real"),
    ("'Infinity'::real", "real"),
    ("0.1::float8 + 0.2", "double precision"),
    ("1e308::float8", "double precision"),
    ("5e-324::float8", "double precision"),
    ("'NaN'::float8", "double precision"),
    ("'-0'::float8", "double precision"),
    ("'12.34'::money", "money"),
    ("'plain'::text", "text"),
    ("''::text", "text"),
    ("E'tab\\t line\\n quote\" back\\\\slash \\u0001'", "text"),
    ("'Größe 漢字 🎉 é'", "text"),
    ("'padded'::char(10)", "character"),
    ("'varied'::varchar(20)", "character varying"),
    ("'c'::\"char\"", "\"char\""),
    ("'a_name'::name", "name"),
    ("'\\xdeadbeef00'::bytea", "bytea"),
    ("''::bytea", "bytea"),
    ("date '2024-02-29'", "date"),
    ("date 'infinity'", "date"),
    ("date '0044-03-15 BC'", "date"),
    ("time '23:59:59.999999'", "time without time zone"),
    ("timetz '12:00:00+05:30'", "time with time zone"),
    ("timestamp '2024-01-01 00:00:00.000001'", "timestamp without time zone"),
    ("timestamp '-infinity'", "timestamp without time zone"),
    ("timestamptz '2024-01-01 00:00:00+00'", "timestamp with time zone"),
    ("timestamptz 'infinity'", "timestamp with time zone"),
    ("interval '1 year 2 mons -3 days 04:05:06.7'", "interval"),
    ("interval '0'", "interval"),
    ("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid", "uuid"),
    ("'{\"b\": 1, \"a\": [1, null, 1.50], \"b\": 2}'::json", "json"),
    ("'{\"b\": 1, \"a\": [1, null, {\"c\": \"d\"}]}'::jsonb", "jsonb"),
    ("'null'::jsonb", "jsonb"),
    ("'[9007199254740993, 1e400]'::jsonb", "jsonb"),
    ("'<a b=\"c\">d &amp; e</a>'::xml", "xml"),
    ("'192.168.0.1/24'::inet", "inet"),
    ("'10.1.0.0/16'::cidr", "cidr"),
    ("'08:00:2b:01:02:03'::macaddr", "macaddr"),
    ("'08:00:2b:01:02:03:04:05'::macaddr8", "macaddr8"),
    ("B'10110'", "bit"),
    ("B'1'::varbit", "bit varying"),
    ("point(1.5, -2)", "point"),
    ("'((0,0),(1,1))'::box", "box"),
    ("'{1,2,3}'::line", "line"),
    ("'[(0,0),(1,1)]'::lseg", "lseg"),
    ("'((0,0),(1,1),(2,0))'::polygon", "polygon"),
    ("'[(0,0),(1,1)]'::path", "path"),
    ("'<(0,0),5>'::circle", "circle"),
    ("to_tsvector('simple', 'the quick fox')", "tsvector"),
    ("to_tsquery('simple', 'quick & !slow')", "tsquery"),
    ("'$.a[*] ? (@ > 1)'::jsonpath", "jsonpath"),
    ("array[1, null, 3]", "integer[]"),
    ("array[[1, 2], [3, 4]]", "integer[]"),
    ("'{}'::text[]", "text[]"),
    ("array['a,b', 'c\"d', null, '']", "text[]"),
    ("'[2:3]={7,8}'::integer[]", "integer[]"),
    ("array[9007199254740993]", "bigint[]"),
    ("array['1e-130'::numeric, 'NaN']", "numeric[]"),
    ("array['\\x00'::bytea]", "bytea[]"),
    ("'1 2 3'::int2vector", "int2vector"),
    ("'1 2 3'::oidvector", "oidvector"),
    ("int4range(1, 5)", "int4range"),
    ("numrange(null, 1.5, '[]')", "numrange"),
    ("'empty'::daterange", "daterange"),
    ("tstzrange('2024-01-01 00:00+00', 'infinity')", "tstzrange"),
    ("int4multirange(int4range(1, 3), int4range(7, 9))", "int4multirange"),
    ("'{}'::nummultirange", "nummultirange"),
    ("zoo.speed(1.5, 2.5)", "zoo.speed"),
    ("'so so'::zoo.mood", "zoo.mood"),
    ("array['sad', 'happy']::zoo.mood[]", "zoo.mood[]"),
    ("5::zoo.positive", "zoo.positive"),
    ("'abc'::zoo.short", "zoo.short"),
    ("row(1, 'one')::zoo.pair", "zoo.pair"),
    ("row(row(1, null)::zoo.pair, array[1, 2])::zoo.nested", "zoo.nested"),
    ("array[row(1, 'a')::zoo.pair, null]", "zoo.pair[]"),
    ("row(1, 'anonymous', null)", "record"),
    ("(select a from zoo.animals as a)", "zoo.animals"),
    ("'pg_class'::regclass", "regclass"),
    ("'integer'::regtype", "regtype"),
    ("'now()'::regprocedure", "regprocedure"),
    ("'postgres'::regrole", "regrole"),
    ("4294967295::oid", "oid"),
    ("'(0,1)'::tid", "tid"),
    ("'1'::xid", "xid"),
    ("'18446744073709551615'::xid8", "xid8"),
    ("'16/B374D848'::pg_lsn", "pg_lsn"),
    ("'10:20:10,14,15'::pg_snapshot", "pg_snapshot"),
    ("'{postgres=arwdDxt/postgres}'::aclitem[]", "aclitem[]"),
    ("'postgres=r/postgres'::aclitem", "aclitem"),
    ("'\"a\"=>\"1\", \"b\"=>NULL'::zoo.hstore", "zoo.hstore"),
    ("'Mixed Case'::zoo.citext", "zoo.citext"),
    ("'Top.Science.Astronomy'::zoo.ltree", "zoo.ltree"),
    ("'(1, 2), (3, 4)'::zoo.cube", "zoo.cube"),
    ("zoo.nothing()", "void"),
    ("null::text", "text"),
    ("null::zoo.pair", "zoo.pair"),
    ("null", "text"),
];

fn every_type(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.cluster.create_database("zoo")?;
    client.batch_execute(SCHEMA)?;
    let mut command = bridge::command()?;
    command.env("DATABASE_URI", fixture.uri("every_type").replace("/shop?", "/zoo?"));
    let mut pipe = Pipe::initialized(&mut command)?;
    // The bridge sets these, so that an answer does not depend on the role's settings.
    client.batch_execute("set datestyle = 'ISO'; set bytea_output = 'hex'")?;
    let mut faults = Vec::new();
    for (expression, kind) in VALUES {
        if let Err(error) = round_trip(&mut pipe, &mut client, expression, kind) {
            faults.push(format!("{expression}: {error:#}"));
        }
    }
    ensure!(faults.is_empty(), "{} of {}:\n{}", faults.len(), VALUES.len(), faults.join("\n"));
    Ok(())
}

fn round_trip(pipe: &mut Pipe, client: &mut Client, expression: &str, kind: &str) -> Result<()> {
    let sql = format!("select {expression} as v");
    let result = pipe.call("execute_sql", &json!({"sql": sql}))?;
    ensure!(result["isError"] != json!(true), "{}", result["content"][0]["text"]);
    let content = &result["structuredContent"];
    let columns = json!([{"name": "v", "type": kind}]);
    ensure!(content["columns"] == columns, "columns {}", content["columns"]);
    let found = &content["rows"][0][0];
    let own = format!("select (row_to_json(q)->'v')::text from ({sql}) as q");
    let expected: Option<String> = client.query_one(&own, &[])?.try_get(0)?;
    let expected = expected.context("no JSON")?;
    // What serde does not take, the bridge shows as text.
    let expected: Value = serde_json::from_str(&expected).unwrap_or(Value::String(expected));
    ensure!(same(&expected, found, kind == "oid"), "{found}, and the server says {expected}");
    Ok(())
}

/// The server's JSON and the bridge's, apart from the rules of ours.
fn same(expected: &Value, found: &Value, is_oid: bool) -> bool {
    match (expected, found) {
        (Value::Array(expected), Value::Array(found)) => {
            expected.len() == found.len()
                && expected.iter().zip(found).all(|(one, other)| same(one, other, is_oid))
        }
        (Value::Object(expected), Value::Object(found)) => {
            expected.keys().eq(found.keys())
                && expected
                    .values()
                    .zip(found.values())
                    .all(|(one, other)| same(one, other, is_oid))
        }
        // Digit by digit, and a string exactly when a double would change it.
        (Value::Number(expected), found) => {
            let digits = expected.to_string();
            if survives_a_double(&digits) {
                matches!(found, Value::Number(found) if found.to_string() == digits)
            } else {
                found.as_str() == Some(digits.as_str())
            }
        }
        (Value::String(expected), Value::Number(found)) => is_oid && *expected == found.to_string(),
        _ => expected == found,
    }
}

/// Whether a reader that knows doubles only ends up with the same number.
fn survives_a_double(digits: &str) -> bool {
    let Ok(double) = digits.parse::<f64>() else { return false };
    if !digits.contains(['.', 'e', 'E']) {
        return double.abs() < 9_007_199_254_740_992.0;
    }
    // Rust writes as few digits as identify the double, and never an exponent.
    let plain = |text: &str| {
        let text = text.trim_end_matches('0').trim_end_matches('.');
        text.trim_start_matches('-').to_owned()
    };
    if digits.contains(['e', 'E']) {
        // Only doubles themselves are written so by the server.
        return double.is_finite() && double != 0.0;
    }
    double.is_finite() && plain(&double.to_string()) == plain(digits)
}

fn odd_results(fixture: &Fixture) -> Result<()> {
    let mut pipe = Pipe::initialized(&mut fixture.bridge("odd_results")?)?;
    let many = (0..1_000).map(|n| format!("{n} as c{n}")).collect::<Vec<_>>().join(", ");
    for (sql, columns, rows) in [
        ("select".to_owned(), json!([]), json!([[]])),
        (
            "select 1 as a, 2 as a, 3 as \"A b\"".to_owned(),
            json!(["a", "a", "A b"]),
            json!([[1, 2, 3]]),
        ),
        (
            "select 1 as \"\"\"q\"\"\", 2 as \"ü\"".to_owned(),
            json!(["\"q\"", "ü"]),
            json!([[1, 2]]),
        ),
        ("select 1, 'x'".to_owned(), json!(["?column?", "?column?"]), json!([[1, "x"]])),
        ("select 1 as one where false".to_owned(), json!(["one"]), json!([])),
        (
            "values (1, 'a'), (2, null)".to_owned(),
            json!(["column1", "column2"]),
            json!([[1, "a"], [2, null]]),
        ),
        ("select 1 as one -- the end".to_owned(), json!(["one"]), json!([[1]])),
        ("select 1 as one /* the end */ ;".to_owned(), json!(["one"]), json!([[1]])),
        (
            "with q as (select 1 as c1) select c1, c1 + 1 as q from q".to_owned(),
            json!(["c1", "q"]),
            json!([[1, 2]]),
        ),
        (
            "table shop.customers limit 0".to_owned(),
            json!(["id", "name", "city", "since"]),
            json!([]),
        ),
    ] {
        let result = pipe.call("execute_sql", &json!({"sql": sql}))?;
        let content = &result["structuredContent"];
        let names = content["columns"].as_array().map(Vec::as_slice).unwrap_or_default();
        let names: Vec<&Value> = names.iter().map(|column| &column["name"]).collect();
        ensure!(json!(names) == columns && content["rows"] == rows, "{sql}: {result}");
    }
    let result = pipe.call("execute_sql", &json!({"sql": format!("select {many}")}))?;
    ensure!(result["structuredContent"]["rows"][0][999] == json!(999), "a thousand columns");
    // A value that is cut says so.
    let result = pipe.call("execute_sql", &json!({"sql": "select repeat('x', 100000) as x"}))?;
    ensure!(result["structuredContent"]["truncated_cells"] == json!(1), "{result}");
    let result = pipe.call("execute_sql", &json!({"sql": "show server_version_num"}))?;
    ensure!(result["structuredContent"]["columns"][0]["name"] == "server_version_num", "{result}");
    Ok(())
}
