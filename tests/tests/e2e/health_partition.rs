//! `mcp_health` on partitions that are missing, and on rows in default partitions.

use anyhow::{Context, Result, ensure};
use postgres::Client;

use crate::Case;
use crate::fixture::Fixture;
use crate::health::{database, expect_and_mend, expect_ok, findings};
use crate::health_table::one;

pub(crate) const CASES: &[Case] = &[
    ("health_finds_missing_partitions_and_no_lookalikes", missing_partitions),
    ("health_keeps_to_the_bounds_of_a_partition", nested_partitions),
    ("health_reads_bounds_in_any_date_style", date_styles),
    ("health_finds_rows_in_default_partitions", default_partitions),
];

/// Makes `count` partitions of `step` from `first` on, named by `format`.
const RANGES: &str = r#"
create function ranges(name text, kind text, format text, first timestamp, step interval,
    count integer) returns void language plpgsql as $$
declare
    lower timestamp := first;
begin
    execute format('create table %I (at %s not null) partition by range (at)', name, kind);
    for i in 1..count loop
        execute format(
            'create table %I partition of %I for values from (%L) to (%L)',
            name || to_char(lower, format), name, lower, lower + step
        );
        lower := lower + step;
    end loop;
end $$;
"#;

pub(crate) fn prepared(fixture: &Fixture, name: &str) -> Result<Client> {
    let mut client = database(fixture, name)?;
    client.batch_execute(RANGES)?;
    Ok(client)
}

fn missing_partitions(fixture: &Fixture) -> Result<()> {
    let mut client = prepared(fixture, "health_partitions")?;
    client.batch_execute(
        r#"set timezone = 'Europe/Berlin'; set search_path = public;
        do $$ declare month timestamp := date_trunc('month', now()); begin
            perform ranges('past', 'timestamp', '_YYYY_MM', month - interval '5 months', '1 month', 3);
            perform ranges('local', 'timestamptz', '_pYYYYMM', month - interval '5 months', '1 month', 4);
            perform ranges('so"on', 'date', '_YYYY_MM', month - interval '2 months', '1 month', 3);
            perform ranges('hole', 'date', '_YYYY_MM', month - interval '4 months', '1 month', 3);
            perform ranges('days', 'date', '_YYYYMMDD', current_date - 40, '1 day', 3);
            perform ranges('fallback', 'date', '_x', month - interval '1 month', '1 month', 1);
            perform ranges('filled', 'date', '_x', month - interval '1 month', '1 month', 1);
            perform ranges(repeat('ä', 31), 'date', '', month, '1 month', 0);
            -- None of these lacks anything.
            perform ranges('enough', 'date', '_YYYY_MM', month - interval '1 month', '1 month', 4);
            perform ranges('years', 'date', '_YYYY', date_trunc('year', now()::timestamp) - interval '1 year',
                '5 years', 1);
            perform ranges('ahead', 'date', '_x', month + interval '2 months', '1 month', 1);
            perform ranges('open', 'date', '_x', month - interval '3 months', '1 month', 1);
            execute format('create table hole_next partition of hole for values from (%L) to (%L)',
                month + interval '1 month', month + interval '3 months');
            execute format('create table open_rest partition of open for values from (%L) to (maxvalue)',
                month - interval '1 month');
            execute format('create table %I partition of %I for values from (%L) to (%L)', 'ä',
                repeat('ä', 31), month - interval '1 month', month);
        end $$;
        create table fallback_rest partition of fallback default;
        create table filled_rest partition of filled default; insert into filled values (now());
        create table numbers (at integer) partition by range (at);
        create table number partition of numbers for values from (1) to (2);
        create table pairs (at date, b integer) partition by range (at, b);
        create table pair partition of pairs for values from ('2020-01-01', 1) to ('2020-02-01', 1);
        create table lists (at date) partition by list (at);
        create table list partition of lists for values in ('2020-01-01');
        create table computed (at timestamp) partition by range ((at::date));
        create table one_day partition of computed for values from ('2020-01-01') to ('2020-01-02');
        create table childless (at date) partition by range (at);
        analyze filled"#,
    )?;
    let found = findings(&mut client, "missing_partition")?;
    let filled = one(&found, "public.filled")?;
    ensure!(filled.remediation.is_empty() && filled.severity == "warning", "{filled:#?}");
    ensure!(filled.message.contains("filled_rest holds rows"), "{filled:#?}");
    let past = one(&found, "public.past")?;
    ensure!(past.value.is_some_and(|days| (-93.0..=-59.0).contains(&days)), "{past:#?}");
    // The latest of many, named as the others are.
    let days = one(&found, "public.days")?;
    ensure!(days.remediation.matches("CREATE TABLE public.days_20").count() == 12, "{days:#?}");
    client.batch_execute("drop table filled")?;
    expect_and_mend(
        &mut client,
        "missing_partition",
        &[
            "critical public.past",
            "critical public.local",
            "info public.\"so\"\"on\"",
            "critical public.hole",
            "critical public.days",
            "warning public.fallback",
            &format!("critical public.\"{}\"", "ä".repeat(31)),
        ],
    )?;
    // Months stay months, at midnight of the place.
    let sql = "select count(*) from pg_class
        where relname = 'local_p' || to_char(now(), 'YYYYMM') and pg_get_expr(relpartbound, oid)
            like '%TO (''' || (date_trunc('month', now()) + interval '1 month')::text || ''')'";
    ensure!(client.query_one(sql, &[])?.try_get::<_, i64>(0)? == 1);
    client.batch_execute("insert into local values (now()); insert into hole values (now())")?;
    // In another time zone the days of that table do not begin at midnight: nothing is guessed.
    client.batch_execute(
        "drop table days; set timezone = 'Asia/Kathmandu'; do $$ declare part name; begin
            for part in select relname from pg_class where relname >= 'local_p'
                || to_char(now(), 'YYYYMM') and relname < 'local_q' and relkind = 'r' loop
            execute format('drop table %I', part); end loop; end $$",
    )?;
    let found = findings(&mut client, "missing_partition")?;
    let local = one(&found, "public.local")?;
    ensure!(local.remediation.is_empty() && local.severity == "critical", "{local:#?}");
    ensure!(local.message.contains("set TimeZone"), "{local:#?}");
    Ok(())
}

fn nested_partitions(fixture: &Fixture) -> Result<()> {
    let mut client = prepared(fixture, "health_nested")?;
    client.batch_execute(
        "create table top (at date, place text) partition by range (at);
        create table gone partition of top for values from ('2020-01-01') to ('2021-01-01')
            partition by range (at);
        create table gone_1 partition of gone for values from ('2020-01-01') to ('2020-02-01');
        create table here partition of top for values from ('2021-01-01') to ('2100-01-01')
            partition by range (at);
        create table here_1 partition of here for values from ('2021-01-01') to ('2022-01-01');
        create table places (at date, place text) partition by range (at);
        create table places_1 partition of places for values from ('2020-01-01') to ('2021-01-01')
            partition by list (place)",
    )?;
    let found = findings(&mut client, "missing_partition")?;
    let mut objects: Vec<&str> = found.iter().map(|one| one.object.as_str()).collect();
    objects.sort_unstable();
    ensure!(objects == ["public.here", "public.places"], "{found:#?}");
    // What is partitioned further cannot be printed as one statement.
    let places = one(&found, "public.places")?;
    ensure!(places.remediation.is_empty() && places.severity == "critical", "{places:#?}");
    client.batch_execute("drop table places")?;
    expect_and_mend(&mut client, "missing_partition", &["critical public.here"])
}

fn date_styles(fixture: &Fixture) -> Result<()> {
    for (at, style) in ["ISO, MDY", "SQL, DMY", "German", "Postgres, MDY"].iter().enumerate() {
        let mut client = prepared(fixture, &format!("health_dates_{at}"))?;
        client.batch_execute(&format!(
            "select ranges(kind, kind, '_YYYY_MM', date_trunc('month', now()::timestamp)
                - interval '3 months', '1 month', 2)
            from unnest('{{date, timestamp, timestamptz}}'::text[]) as kind;
            set datestyle = '{style}'"
        ))?;
        expect_and_mend(
            &mut client,
            "missing_partition",
            &[
                "critical public.date",
                "critical public.\"timestamp\"",
                "critical public.timestamptz",
            ],
        )
        .context(*style)?;
    }
    Ok(())
}

fn default_partitions(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_default")?;
    client.batch_execute(
        r#"create table places ("k Ä" text) partition by list ("k Ä");
        create table "the rest" partition of places default;
        insert into places select 'here' from generate_series(1, 7);
        create table times (at date) partition by range (at);
        create table time partition of times for values from ('2020-01-01') to ('2100-01-01');
        create table time_rest partition of times default;
        create table plain (a integer)"#,
    )?;
    client.batch_execute("analyze")?;
    let found = findings(&mut client, "default_partition")?;
    ensure!(found.len() == 1 && found[0].object == "public.\"the rest\"", "{found:#?}");
    ensure!(found[0].severity == "info" && found[0].value == Some(7.0), "{found:#?}");
    // The statement shows what partition is lacking.
    let rows = client.query(found[0].remediation.trim_end_matches(';'), &[])?;
    ensure!(rows.len() == 1 && rows[0].try_get::<_, String>(0)? == "here");
    client.batch_execute("set mcp_advisor.health_default_partition_rows = 8")?;
    expect_ok(&mut client, "default_partition")?;
    client.batch_execute(
        r#"reset mcp_advisor.health_default_partition_rows; begin;
        alter table places detach partition "the rest";
        create table here partition of places for values in ('here');
        insert into places select * from "the rest"; truncate "the rest";
        alter table places attach partition "the rest" default; commit; analyze"#,
    )?;
    expect_ok(&mut client, "default_partition")
}
