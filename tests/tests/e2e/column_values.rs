//! What `mcp_object` tells of the values in columns, to whom, and of which columns never.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::Case;
use crate::fixture::Fixture;
use crate::objects::object;

pub(crate) const CASES: &[Case] = &[
    ("column_values_are_those_of_the_statistics", of_the_statistics),
    ("column_values_are_for_those_who_may_read_the_rows", for_readers),
    ("column_values_of_secrets_are_withheld", secrets),
];

const VALUES: &str = "
create type mood as enum ('sad', 'it''s fine');
create function never(mood) returns json language plpgsql as 'begin raise exception ''run''; end';
create cast (mood as json) with function never(mood);
create domain moods as mood;
create domain positive as integer check (value > 0);
create table of_many (
    id integer, status text, long text, feeling mood, felt moods, feelings mood[], tags text[],
    at date, moment timestamptz, number numeric, real float4, amount positive, doc jsonb, sized box, empty text, flag boolean
);
insert into of_many
    select i, case when i % 10 < 6 then 'paid' when i % 10 < 9 then 'it''s, \"open\"' else 'a\\b' end,
        repeat('ä', 80) || i % 3, 'it''s fine', 'sad', array['sad']::mood[],
        array['x, y', '{' || i % 2], date '2024-01-01' + i % 1000,
        case i % 5 when 0 then '-infinity' when 1 then '4000-01-01 BC'
            else timestamptz '2024-01-01 00:00:00+00' + i * interval '1 day' end,
        case i % 3 when 0 then -7 when 1 then 1000 else i end,
        case i % 3 when 0 then 'infinity' when 1 then -1.5 else i end, 1 + i % 7, jsonb_build_object('a', i % 2),
        box(point(0, 0), point(1, 1)), null, i % 2 = 0
    from generate_series(1, 3000) as i;
create view seen with (security_barrier) as select id, status from of_many where id < 5;
create table tall (id integer, k integer) partition by range (id);
create table tall_1 partition of tall for values from (0) to (10000);
insert into tall select i, i % 5 from generate_series(1, 3000) as i;
analyze of_many, tall;
";

fn column<'a>(table: &'a Value, name: &str) -> Result<&'a Value> {
    let mut columns = table["columns"].as_array().into_iter().flatten();
    columns.find(|one| one["name"] == name).with_context(|| format!("no {name}: {table:#}"))
}

fn of_the_statistics(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("column_values", &["hypopg", "mcp_advisor"])?;
    client.batch_execute(VALUES)?;
    client.batch_execute("set timezone = 'UTC'; select mcp_schemas(); select hypopg()")?;
    let table = object(&mut client, "public", "of_many", "table")?;
    let frequent = |value: &str, frequency: Value| json!({"value": value, "frequency": frequency});
    let id = column(&table, "id")?;
    ensure!(id["range"] == json!(["1", "3000"]) && id["most_common"].is_null(), "{id}");
    ensure!(id["avg_width"] == 4 && id["n_distinct"] == -1 && id["correlation"] == 1, "{id}");
    let status = column(&table, "status")?;
    let common = json!([
        frequent("paid", json!(0.6)),
        frequent("it's, \"open\"", json!(0.3)),
        frequent("a\\b", json!(0.1))
    ]);
    ensure!(status["most_common"] == common && status["range"].is_null(), "{status}");
    let long = column(&table, "long")?["most_common"][0]["value"].as_str().unwrap_or_default();
    ensure!(long.chars().count() == 60 && long.ends_with("ä…"), "{long}");
    // Not through the cast.
    let labels = json!(["sad", "it's fine"]);
    for (name, value) in
        [("feeling", "it's fine"), ("felt", "sad"), ("feelings", "{sad}"), ("sized", "")]
    {
        let one = column(&table, name)?;
        // The elements of an array of boxes are not apart by commas.
        let wanted =
            if value.is_empty() { Value::Null } else { json!([frequent(value, json!(1))]) };
        ensure!(one["most_common"] == wanted, "{one}");
        ensure!(name == "sized" || one["labels"] == labels, "{one}");
    }
    let tags = column(&table, "tags")?;
    ensure!(tags["most_common"][0]["frequency"] == json!(0.5), "{tags}");
    let tag = tags["most_common"][0]["value"].as_str().unwrap_or_default();
    ensure!(tag.starts_with("{\"x, y\",") && tag.ends_with('}'), "{tags}");
    let at = column(&table, "at")?;
    ensure!(at["range"] == json!(["2024-01-01", "2026-09-26"]), "{at}");
    // A few of a thousand.
    ensure!(at["most_common"].as_array().is_none_or(|common| common.len() <= 5), "{at}");
    for (name, range) in [
        ("moment", ["-infinity", "2032-03-18 00:00:00+00"]),
        ("number", ["-7", "2999"]),
        ("real", ["-1.5", "Infinity"]),
        ("amount", ["1", "7"]),
    ] {
        let one = column(&table, name)?;
        ensure!(one["range"] == json!(range), "{one}");
    }
    let doc = column(&table, "doc")?;
    ensure!(doc["most_common"][0]["value"].as_str().is_some_and(|v| v.starts_with("{\"a\": ")));
    ensure!(column(&table, "empty")?["null_frac"] == 1, "{table:#}");
    ensure!(column(&table, "empty")?["most_common"].is_null(), "{table:#}");
    let parent = object(&mut client, "public", "tall", "table")?;
    ensure!(column(&parent, "k")?["most_common"][4]["frequency"] == json!(0.2), "{parent:#}");
    Ok(())
}

/// Parts of a column that come from statistics.
const PARTS: [&str; 6] =
    ["null_frac", "n_distinct", "avg_width", "correlation", "most_common", "range"];

fn for_readers(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("column_readers", &["hypopg", "mcp_advisor"])?;
    client.batch_execute(VALUES)?;
    client.batch_execute(
        "create role values_owner login; create role values_reader login;
        grant select (status) on of_many to values_reader;
        grant select on seen to values_reader;
        create table mine (who text, n integer);
        insert into mine select 'r' || i % 3, i from generate_series(1, 3000) as i;
        create table forced as select * from mine;
        alter table mine owner to values_owner; alter table forced owner to values_owner;
        alter table mine enable row level security;
        alter table forced enable row level security;
        alter table forced force row level security;
        create policy own on mine using (who = current_user);
        create policy own on forced using (who = current_user);
        grant select on mine, forced to values_reader;
        analyze mine, forced",
    )?;
    for (role, schema_object, name, shown) in [
        ("values_reader", "of_many", "status", true),
        ("values_reader", "of_many", "id", false),
        ("values_reader", "of_many", "long", false),
        ("values_reader", "seen", "status", false),
        ("values_reader", "mine", "who", false),
        ("values_reader", "forced", "n", false),
        ("values_owner", "mine", "who", true),
        ("values_owner", "forced", "who", false),
        ("values_owner", "of_many", "status", false),
        ("postgres", "forced", "who", true),
        ("postgres", "seen", "status", false),
    ] {
        let mut session = fixture.cluster.connect_as("column_readers", role)?;
        session.batch_execute("select mcp_schemas(); select hypopg()")?;
        let table = object(&mut session, "public", schema_object, "table")?;
        let one = column(&table, name)?;
        let found: Vec<_> = PARTS.iter().filter(|part| !one[**part].is_null()).collect();
        let right = if shown { found.len() >= 4 } else { found.is_empty() };
        ensure!(right, "{role} sees {found:?} of {schema_object}.{name}");
        // Values are nowhere else in the answer.
        ensure!(shown || !table.to_string().contains("paid") || schema_object == "of_many");
        let privileges = json!(["SELECT"]);
        if (role, name) == ("values_reader", "status") && schema_object == "of_many" {
            ensure!(one["privileges"] == privileges && table["privileges"].is_null(), "{table:#}");
        }
    }
    Ok(())
}

/// Names of columns, and whether their values are shown.
const NAMES: [(&str, bool); 40] = [
    ("password", false),
    ("password_hash", false),
    ("PasswordSalt", false),
    ("pwd", false),
    ("user_pw", false),
    ("pass", false),
    ("token", false),
    ("refreshToken", false),
    ("csrf_tokens", false),
    ("secret", false),
    ("client_secret_2", false),
    ("api_key", false),
    ("apiKey", false),
    ("APIKEY", false),
    ("private-key", false),
    ("credentials", false),
    ("session_id", false),
    ("ssn", false),
    ("social_security_number", false),
    ("credit_card", false),
    ("card number", false),
    ("account_no", false),
    ("iban", false),
    ("cvv", false),
    ("pin", false),
    ("passport_no", false),
    ("tax_id", false),
    ("otp_code", false),
    ("jwt", false),
    ("passengers", true),
    ("passed", true),
    ("compass", true),
    ("author", true),
    ("keyboard", true),
    ("hashtag", true),
    ("pinned", true),
    ("session_count", true),
    ("panel", true),
    ("status", true),
    ("account", true),
];

fn secrets(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("column_secrets", &["hypopg", "mcp_advisor"])?;
    let columns: Vec<String> = NAMES
        .iter()
        .map(|(name, _)| {
            format!("case when i % 3 = 0 then 'canary' else i::text end as \"{name}\"")
        })
        .collect();
    client.batch_execute(&format!(
        "create table people as select {} from generate_series(1, 3000) as i;
        create table access_tokens as select 'canary'::text as value from generate_series(1, 300);
        create domain secret_text as text;
        create table plain as select 'canary'::secret_text as value from generate_series(1, 300);
        analyze; select mcp_schemas(); select hypopg()",
        columns.join(", ")
    ))?;
    let table = object(&mut client, "public", "people", "table")?;
    for (name, shown) in NAMES {
        let one = column(&table, name)?;
        ensure!(one["most_common"].is_null() != shown, "{one}");
        ensure!(one["range"].is_null() != shown, "{one}");
        ensure!((one["values_withheld"] == true) != shown, "{one}");
        // What says nothing of a value is there.
        ensure!(one["n_distinct"].is_number() && one["null_frac"] == 0, "{one}");
    }
    for name in ["access_tokens", "plain"] {
        let table = object(&mut client, "public", name, "table")?;
        ensure!(!table.to_string().contains("canary"), "{table:#}");
        ensure!(column(&table, "value")?["values_withheld"] == true, "{table:#}");
    }
    Ok(())
}
