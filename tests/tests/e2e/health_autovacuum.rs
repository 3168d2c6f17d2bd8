//! `mcp_health` on the work that VACUUM, autovacuum and ANALYZE do, and on what they left undone.

use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use advisor_sql::health;
use advisor_tests::cluster::server_version;
use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde_json::Value;

use crate::Case;
use crate::fixture::Fixture;
use crate::health::{database, expect_and_mend, expect_ok, findings, summary};
use crate::health_vacuum::{connect, flush, is_ok, own_cluster, wait_for};

pub(crate) const CASES: &[Case] = &[
    ("health_finds_autovacuum_switched_off", autovacuum_off),
    ("health_finds_settings_that_keep_autovacuum_away", table_settings),
    ("health_finds_dead_rows_by_the_tables_own_trigger", dead_tuples),
    ("health_shows_a_vacuum_and_its_passes", vacuum_progress),
    ("health_finds_tables_that_wait_for_a_worker", vacuum_queue),
    ("health_finds_temporary_tables_left_by_a_crash", orphans),
    ("health_finds_tables_that_were_never_analyzed", never_analyzed),
    ("health_finds_statistics_that_are_out_of_date", stale_statistics),
];

fn autovacuum_off(_: &Fixture) -> Result<()> {
    let (cluster, mut client) = own_cluster("autovacuum = off\ntrack_counts = off")?;
    let found = findings(&mut client, "autovacuum_off")?;
    let names: Vec<&str> = found.iter().map(|one| one.object.as_str()).collect();
    ensure!(names == ["autovacuum", "track_counts"], "{found:#?}");
    ensure!(found.iter().all(|one| one.severity == "critical"), "{found:#?}");
    // What counters would be needed for says that it could not be judged.
    for check in ["dead_tuples", "stale_statistics", "never_analyzed", "vacuum_queue"] {
        let found = findings(&mut client, check)?;
        ensure!(found.len() == 1 && found[0].details["ran"] == Value::Bool(false), "{found:#?}");
        ensure!(found[0].message.contains("track_counts is off"), "{found:#?}");
    }
    for finding in found {
        for statement in finding.remediation.split_inclusive(';') {
            client.batch_execute(statement)?;
        }
    }
    // Settings are read again when the server comes to it.
    wait_for(&mut client, "autovacuum_off", is_ok)?;

    cluster.create_database("Far off")?;
    // For some sessions only; other settings, and on, are no fault.
    client.batch_execute(
        r#"create role "Uncounted" login; create role counted login;
        alter role "Uncounted" set track_counts = off; alter role "Uncounted" set jit = off;
        alter role counted set track_counts = on;
        alter database "Far off" set track_counts = no;
        alter role counted in database "Far off" set track_counts = false"#,
    )?;
    expect_and_mend(
        &mut client,
        "autovacuum_off",
        &[
            r#"warning track_counts of role "Uncounted""#,
            r#"warning track_counts in database "Far off""#,
            r#"warning track_counts of role counted in database "Far off""#,
        ],
    )?;
    // A session that has switched it off for itself says nothing of the server.
    client.batch_execute("set track_counts = off")?;
    expect_ok(&mut client, "autovacuum_off")
}

fn table_settings(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_vacuum_settings")?;
    client.batch_execute(
        r#"create schema "S p"; set search_path = "S p", public;
        create table "Off ""1""" (a integer, b text)
            with (autovacuum_enabled = false, toast.autovacuum_enabled = off, fillfactor = 90);
        create table off_toast (a integer, b text) with (toast.autovacuum_enabled = 0);
        create table harmed (a integer) with (autovacuum_enabled = no);
        create table never (a integer) with (autovacuum_vacuum_threshold = 2000000000,
            autovacuum_vacuum_scale_factor = 0.1);
        create table stale (a integer) with (autovacuum_analyze_scale_factor = 100,
            autovacuum_analyze_threshold = 1000001);
        create materialized view view_off with (autovacuum_enabled = false) as select 1 as a;
        -- No fault: on, sooner than usual, later but within reach, of other things.
        create table eager (a integer) with (autovacuum_enabled = true,
            autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
        create table late (a integer) with (autovacuum_vacuum_scale_factor = 0.9,
            autovacuum_vacuum_threshold = 500000);
        create table other (a integer) with (fillfactor = 70, parallel_workers = 2);
        create temp table own (a integer) with (autovacuum_enabled = false);
        insert into harmed select g from generate_series(1, 1000) as g; delete from harmed;
        reset search_path"#,
    )?;
    flush(&mut client)?;
    expect_and_mend(
        &mut client,
        "autovacuum_table_setting",
        &[
            r#"info "S p"."Off ""1""""#,
            r#"info "S p".off_toast"#,
            r#"warning "S p".harmed"#,
            r#"info "S p".never"#,
            r#"info "S p".stale"#,
            r#"info "S p".view_off"#,
        ],
    )?;
    let sql = r#"select reloptions::text from pg_class where relname = 'Off "1"'"#;
    let kept: String = client.query_one(sql, &[])?.try_get(0)?;
    ensure!(kept == "{fillfactor=90}", "{kept}");
    // A large one is a warning without any dead row.
    client.batch_execute("set mcp_advisor.health_autovacuum_table_setting_rows = 100")?;
    client.batch_execute(
        "drop schema \"S p\" cascade; create table large (a integer) with (autovacuum_vacuum_scale_factor = 3);
        insert into large select g from generate_series(1, 1000) as g; analyze large",
    )?;
    expect_and_mend(&mut client, "autovacuum_table_setting", &["warning public.large"])
}

fn dead_tuples(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_dead")?;
    client.batch_execute(
        r#"create table "De ad" (a integer); create table few (a integer);
        create table patient (a integer) with (autovacuum_vacuum_scale_factor = 0.5);
        create table eager (a integer)
            with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 4000);
        create table wide (a integer, b text);
        alter table wide alter b set storage external;
        insert into "De ad" select g from generate_series(1, 30000) as g;
        insert into few select g from generate_series(1, 10000) as g;
        insert into patient select g from generate_series(1, 60000) as g;
        insert into eager select g from generate_series(1, 60000) as g;
        insert into wide select g, repeat('x', 4000) from generate_series(1, 10000) as g"#,
    )?;
    flush(&mut client)?;
    for table in ["\"De ad\"", "few", "patient", "eager", "wide"] {
        client.batch_execute(&format!("vacuum (analyze) {table}"))?;
    }
    expect_ok(&mut client, "dead_tuples")?;
    // A half; nearly all, but few; a fifth; a fifth, but three times what the table asks for; of the
    // TOAST table a third.
    client.batch_execute(
        r#"delete from "De ad" where a % 2 = 0; delete from few where a > 100;
        delete from patient where a % 5 = 0; delete from eager where a < 12200;
        delete from wide where a % 5 < 2"#,
    )?;
    flush(&mut client)?;
    let found = findings(&mut client, "dead_tuples")?;
    let toast = found.iter().find(|one| one.object == "public.wide").context("wide")?;
    ensure!(toast.details["toast"] == true && toast.message.contains("TOAST"), "{toast:#?}");
    let eager = found.iter().find(|one| one.object == "public.eager").context("eager")?;
    ensure!(eager.details["trigger_point"] == 4000, "{eager:#?}");
    ensure!(eager.value.is_some_and(|dead| (12_000.0..12_400.0).contains(&dead)), "{eager:#?}");
    expect_and_mend(
        &mut client,
        "dead_tuples",
        &["warning public.\"De ad\"", "warning public.eager", "warning public.wide"],
    )?;
    // The limits decide.
    client.batch_execute("set mcp_advisor.health_dead_tuples_least = 5000")?;
    expect_and_mend(&mut client, "dead_tuples", &["warning public.few"])
}

fn vacuum_progress(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_progress")?;
    // Memory for a third of the dead rows. From 17 on they take less, and the least memory is less.
    let (rows, memory) = match server_version()? {
        170_000.. => (1_000_000, "128kB"),
        _ => (500_000, "1MB"),
    };
    client.batch_execute(&format!(
        r#"create table "Pass es" (a integer primary key);
        insert into "Pass es" select g from generate_series(1, {rows}) as g;
        delete from "Pass es" where a % 10 <> 0"#
    ))?;
    flush(&mut client)?;
    let mut cleaner = fixture.cluster.connect("health_progress")?;
    cleaner.batch_execute(&format!(
        "set maintenance_work_mem = '{memory}'; set vacuum_cost_limit = 1000;
        set vacuum_cost_delay = 10"
    ))?;
    let vacuuming = std::thread::spawn(move || cleaner.batch_execute(r#"vacuum "Pass es""#));
    let (mut seen, mut marked) = (Vec::new(), Vec::new());
    while !vacuuming.is_finished() {
        let found = findings(&mut client, "vacuum_progress")?;
        let own = found.into_iter().find(|one| one.object == r#"public."Pass es""#);
        seen.extend(own);
        marked.extend(summary(&mut client, "dead_tuples")?);
        sleep(Duration::from_millis(20));
    }
    let vacuumed = vacuuming.join().map_err(|_| anyhow::anyhow!("the session panicked"))?;
    vacuumed?;
    // Nobody has to VACUUM what is being vacuumed.
    ensure!(marked.contains(&r#"info public."Pass es""#.to_owned()), "{marked:?}");
    let first = seen.first().context("it was not seen")?;
    ensure!(first.severity == "ok" && first.message.contains("scanning heap"), "{first:#?}");
    ensure!(first.value.is_some_and(|percent| (0.0..100.0).contains(&percent)), "{first:#?}");
    let last = seen.last().context("it was not seen")?;
    ensure!(last.severity == "warning", "{last:#?}");
    ensure!(last.message.contains("kB holds the dead rows of a part only"), "{last:#?}");
    ensure!(last.details["index_vacuum_count"].as_i64() > Some(1), "{last:#?}");
    let found = findings(&mut client, "vacuum_progress")?;
    ensure!(!found.iter().any(|one| one.object == r#"public."Pass es""#), "{found:#?}");
    Ok(())
}

fn vacuum_queue(_: &Fixture) -> Result<()> {
    // One worker, at a snail's pace.
    let (_cluster, mut client) = own_cluster(
        "autovacuum = on\nautovacuum_max_workers = 1\nautovacuum_naptime = 1
        autovacuum_vacuum_cost_limit = 1\nautovacuum_vacuum_cost_delay = 100",
    )?;
    expect_ok(&mut client, "vacuum_queue")?;
    client.batch_execute(
        "do $$ begin for i in 1..14 loop
            execute format('create table t%s as select g from generate_series(1, 1500) as g', i);
            execute format('delete from t%s', i);
        end loop; end $$",
    )?;
    flush(&mut client)?;
    let found = wait_for(&mut client, "vacuum_queue", |found| !is_ok(found))?;
    ensure!(found.len() == 1 && found[0].severity == "info", "{found:#?}");
    ensure!(found[0].value.is_some_and(|due| (11.0..40.0).contains(&due)), "{found:#?}");
    client.batch_execute("set mcp_advisor.health_vacuum_queue_warning = 0")?;
    ensure!(summary(&mut client, "vacuum_queue")? == ["warning postgres"]);
    // More than are there.
    client.batch_execute("set mcp_advisor.health_vacuum_queue_least = 100")?;
    expect_ok(&mut client, "vacuum_queue")?;
    client.batch_execute("reset mcp_advisor.health_vacuum_queue_least")?;
    // Twice the pace, as it is advised, is not yet enough here.
    ensure!(found[0].remediation.contains("autovacuum_vacuum_cost_limit = 2;"), "{found:#?}");
    for statement in found[0].remediation.split_inclusive(';') {
        client.batch_execute(statement)?;
    }
    client.batch_execute("alter system set autovacuum_vacuum_cost_delay = 0")?;
    client.batch_execute("select pg_reload_conf()")?;
    wait_for(&mut client, "vacuum_queue", is_ok)?;
    Ok(())
}

fn orphans(_: &Fixture) -> Result<()> {
    let (cluster, mut client) = own_cluster("max_connections = 20")?;
    client.batch_execute("create temp table own (a integer)")?;
    // Numbers of sessions are given from below: this one's is not taken again below.
    let others: Vec<Client> = (0..4).map(|_| cluster.connect("postgres")).collect::<Result<_>>()?;
    let mut lost = cluster.connect("postgres")?;
    lost.batch_execute(
        "set synchronous_commit = on; create temp table \"Le ft\" (a integer, b text); create temp view v as select 1",
    )?;
    expect_ok(&mut client, "orphan_temp_table")?;
    let pid: i32 = lost.query_one("select pg_backend_pid()", &[])?.try_get(0)?;
    ensure!(Command::new("kill").args(["-9", &pid.to_string()]).status()?.success());
    // The server ends all sessions, and begins anew.
    let give_up = Instant::now() + Duration::from_secs(60);
    while client.batch_execute("select 1").is_ok() {
        ensure!(Instant::now() < give_up, "the server did not notice");
        sleep(Duration::from_millis(20));
    }
    drop(others);
    let mut client = loop {
        match connect(&cluster) {
            Ok(client) => break client,
            Err(error) => ensure!(Instant::now() < give_up, "{error:#}"),
        }
        sleep(Duration::from_millis(20));
    };
    let mut live = cluster.connect("postgres")?;
    live.batch_execute("create temp table live (a integer)")?;

    let sql = "select n.nspname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
        where c.relname = 'Le ft'";
    let schema: String = client.query_one(sql, &[])?.try_get(0)?;
    let object = format!("{schema}.\"Le ft\"");
    let found = findings(&mut client, "orphan_temp_table")?;
    ensure!(found.iter().any(|one| one.object == object), "{found:#?}");
    ensure!(!found.iter().any(|one| one.object.ends_with("live")), "{found:#?}");
    ensure!(found.iter().all(|one| one.severity == "info"), "{found:#?}");
    client.batch_execute("set mcp_advisor.health_orphan_temp_table_warning = 0")?;
    let found = findings(&mut client, "orphan_temp_table")?;
    ensure!(found.iter().all(|one| one.severity == "warning"), "{found:#?}");
    client.batch_execute("reset mcp_advisor.health_orphan_temp_table_warning")?;

    // Without the extension, on this version: not while another session is idle.
    let without = |client: &mut Client| -> Result<Vec<(String, Option<String>)>> {
        let check = health::checks().find(|one| one.name == "orphan_temp_table");
        let sql = check.context("check")?.sql(server_version()?).map_err(anyhow::Error::msg)?;
        let mut transaction = client.transaction()?;
        transaction.query(&health::prepare(), &[])?;
        let rows = transaction.query(sql, &[])?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    };
    if server_version()? < 160_000 {
        ensure!(without(&mut client)? == [("info".to_owned(), None)]);
    }
    // A session that holds a lock is known.
    live.batch_execute("begin; select 1 from live")?;
    let rows = without(&mut client)?;
    ensure!(rows.contains(&("info".to_owned(), Some(object.clone()))), "{rows:?}");
    ensure!(!rows.iter().any(|(_, object)| object.as_deref().is_some_and(|o| o.ends_with("live"))));
    live.batch_execute("rollback")?;

    for finding in &found {
        client.batch_execute(&finding.remediation)?;
    }
    expect_ok(&mut client, "orphan_temp_table")?;
    live.batch_execute("insert into live values (1)")?;
    Ok(())
}

fn never_analyzed(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_never")?;
    client.batch_execute(
        r#"create table "Ba re" (a integer); create table indexed (a integer);
        insert into "Ba re" select g from generate_series(1, 2000) as g;
        insert into indexed select g from generate_series(1, 2000) as g;
        create index on indexed (a);
        create materialized view mat as select g as a from generate_series(1, 3000) as g;
        create table parts (a integer) partition by range (a);
        create table part_1 partition of parts for values from (0) to (10000);
        create table part_2 partition of parts for values from (10000) to (20000);
        insert into parts select g * 5 from generate_series(1, 3900) as g;
        -- No fault: few rows, analyzed, vacuumed while it was empty, its session's own.
        create table few (a integer); insert into few select g from generate_series(1, 900) as g;
        create table known (a integer); insert into known select g from generate_series(1, 2000) as g;
        analyze known; create table empty (a integer);
        create temp table own (a integer); insert into own select g from generate_series(1, 2000) as g;
        create role health_never_role login; create table private (a integer);
        insert into private select g from generate_series(1, 2000) as g; analyze private"#,
    )?;
    client.batch_execute("vacuum empty")?;
    flush(&mut client)?;
    // Who may not read the columns goes by the counters.
    let mut plain = fixture.cluster.connect_as("health_never", "health_never_role")?;
    let found = findings(&mut plain, "never_analyzed")?;
    let bare = found.iter().find(|one| one.object == "public.\"Ba re\"").context("bare")?;
    ensure!(bare.details["known_from"] == "counters", "{found:#?}");
    ensure!(!found.iter().any(|one| one.object == "public.private"), "{found:#?}");
    // No lock on a table is waited for.
    let mut locker = fixture.cluster.connect("health_never")?;
    locker.batch_execute("begin; lock table parts, \"Ba re\" in access exclusive mode")?;
    ensure!(summary(&mut client, "never_analyzed")?.len() == 4);
    locker.batch_execute("rollback")?;
    expect_and_mend(
        &mut client,
        "never_analyzed",
        &[
            r#"warning public."Ba re""#,
            "warning public.indexed",
            "warning public.mat",
            "warning public.parts",
        ],
    )?;
    // As after a crash: the counters are lost, the statistics are there.
    client.batch_execute("select pg_stat_reset()")?;
    expect_ok(&mut client, "never_analyzed")?;
    expect_ok(&mut plain, "never_analyzed")?;
    // The limit decides.
    client.batch_execute("set mcp_advisor.health_never_analyzed_least = 500")?;
    client.batch_execute("insert into few select g from generate_series(1, 600) as g")?;
    flush(&mut client)?;
    expect_and_mend(&mut client, "never_analyzed", &["warning public.few"])
}

fn stale_statistics(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "health_stale")?;
    client.batch_execute(
        r#"create table "St ale" (a integer); create table busy (a integer);
        create table small (a integer);
        create table eager (a integer) with (autovacuum_analyze_scale_factor = 0.01,
            autovacuum_analyze_threshold = 0);
        create table patient (a integer) with (autovacuum_analyze_threshold = 20000);
        create table parts (a integer) partition by range (a);
        create table part_1 partition of parts for values from (0) to (10000);
        create table part_2 partition of parts for values from (10000) to (20000);
        insert into "St ale" select g from generate_series(1, 10000) as g;
        insert into busy select g from generate_series(1, 60000) as g;
        insert into eager select g from generate_series(1, 60000) as g;
        insert into patient select g from generate_series(1, 10000) as g;
        insert into small select g from generate_series(1, 100) as g;
        insert into parts select g from generate_series(1, 19999) as g"#,
    )?;
    flush(&mut client)?;
    for table in ["\"St ale\"", "busy", "eager", "patient", "small", "parts"] {
        client.batch_execute(&format!("analyze {table}"))?;
    }
    expect_ok(&mut client, "stale_statistics")?;
    client.batch_execute(
        r#"update "St ale" set a = a + 1; update "St ale" set a = a + 1;
        update busy set a = a + 1 where a <= 12000; update eager set a = a + 1 where a <= 12000;
        update patient set a = a + 1; update patient set a = a + 1;
        insert into small select g from generate_series(1, 9000) as g;
        insert into parts select g from generate_series(1, 19999) as g;
        insert into parts select g from generate_series(1, 19999) as g"#,
    )?;
    flush(&mut client)?;
    let found = findings(&mut client, "stale_statistics")?;
    let eager = found.iter().find(|one| one.object == "public.eager").context("eager")?;
    ensure!(eager.details["trigger_point"] == 600, "{eager:#?}");
    let parts = found.iter().find(|one| one.object == "public.parts").context("parts")?;
    ensure!(parts.details["tables"] == 2, "{parts:#?}");
    expect_and_mend(
        &mut client,
        "stale_statistics",
        &["warning public.\"St ale\"", "warning public.eager", "warning public.parts"],
    )?;
    client.batch_execute("set mcp_advisor.health_stale_statistics_least = 1000")?;
    expect_and_mend(&mut client, "stale_statistics", &["warning public.small"])
}
