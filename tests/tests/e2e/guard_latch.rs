//! `mcp_guard()`: a superuser's session that is latched changes nothing, whatever it is sent, and
//! still reads.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use postgres::Client;

use crate::Case;
use crate::fixture::Fixture;

pub(crate) const CASES: &[Case] = &[
    ("latch_refuses_what_changes_anything", changes),
    ("latch_refuses_functions_from_whichever_depth", depths),
    ("latch_lets_nothing_open_it", nothing_opens),
    ("latch_keeps_secrets", secrets),
    ("latch_lets_reading_pass", reading),
    ("latch_bounds_time_rows_and_space", ceilings),
    ("latch_refuses_bad_ceilings", bad_ceilings),
];

/// What somebody prepared who could write.
const SCHEMA: &str = "
create table t (id integer primary key, note text); insert into t values (1, 'a'), (2, 'b');
create sequence s;
create function writes() returns integer language plpgsql volatile as
    $$ begin insert into t values (100, 'x'); return 1; end $$;
create function lies() returns integer language plpgsql stable as
    $$ begin perform pg_notify('c', 'x'); perform nextval('s'); return 1; end $$;
create function reads_file() returns text language plpgsql stable parallel safe as
    $$ begin return pg_read_file('PG_VERSION'); end $$;
create function reads_file_sql() returns text language sql stable as
    $$ select pg_read_file('PG_VERSION') $$;
create function executes(text) returns integer language plpgsql stable as
    $$ declare n integer; begin execute $1 into n; return n; end $$;
create function same(text) returns text language internal as 'pg_read_file_all';
create function harmless(integer) returns integer language plpgsql stable as
    $$ begin return (select count(*) from t where id = $1); end $$;
create function equals(integer, integer) returns boolean language plpgsql stable as
    $$ begin perform nextval('s'); return true; end $$;
create operator === (leftarg = integer, rightarg = integer, function = equals);
create function step(integer, integer) returns integer language plpgsql stable as
    $$ begin perform nextval('s'); return 1; end $$;
create aggregate total (integer) (sfunc = step, stype = integer, initcond = '0');
create view through_view as select reads_file() as content;
create view passwords as select rolname, rolpassword from pg_authid;
create domain checked as integer check (harmless(value) >= 0 and writes() > 0);
create procedure p() language plpgsql as $$ begin insert into t values (101, 'p'); end $$;
create rule r as on update to t do also insert into t values (102, 'r');
create table secured (id integer); insert into secured values (1);
create policy by_file on secured using (reads_file() is not null);
alter table secured enable row level security; alter table secured force row level security;";

pub(crate) fn database(fixture: &Fixture, name: &str) -> Result<Client> {
    let mut client = fixture.database(name, &["mcp_advisor", "dblink"])?;
    client.batch_execute(SCHEMA)?;
    Ok(client)
}

/// Everything that a statement could have changed, as one text.
pub(crate) fn state(client: &mut Client) -> Result<String> {
    let sql = "select json_build_array(
        (select json_agg(t order by id) from t), (select last_value || ' ' || is_called from s),
        (select count(*) from pg_class), (select count(*) from pg_proc),
        (select count(*) from pg_largeobject_metadata), (select count(*) from pg_prepared_xacts),
        (select count(*) from pg_replication_slots),
        (select json_agg(x order by oid) from (select oid, rolname from pg_authid
            where rolname = 'latch_role') as x))::text";
    Ok(client.query_one(sql, &[])?.try_get(0)?)
}

/// Sends each statement to a latched session of its own transaction, and fails unless it is refused
/// with one of the codes and nothing has changed.
fn all_refused(fixture: &Fixture, name: &str, statements: &[&str], codes: &[&str]) -> Result<()> {
    let mut observer = database(fixture, name)?;
    let before = state(&mut observer)?;
    let mut latched = fixture.cluster.connect(name)?;
    latched.batch_execute("select mcp_guard()")?;
    for sql in statements {
        let outcome = latched.batch_execute(sql);
        let _ = latched.batch_execute("rollback");
        let after = state(&mut observer)?;
        ensure!(after == before, "{sql} changed {before} to {after}");
        match outcome {
            Ok(()) => ensure!(codes.is_empty(), "{sql} passed"),
            Err(error) => {
                let code = error.code().with_context(|| format!("{sql}: {error:?}"))?.code();
                ensure!(codes.is_empty() || codes.contains(&code), "{sql}: {error:?}");
            }
        }
    }
    // And it still reads.
    latched.batch_execute("select * from t")?;
    Ok(())
}

fn changes(fixture: &Fixture) -> Result<()> {
    let statements = [
        "insert into t values (3, 'c')",
        "update t set note = 'z'",
        "delete from t",
        "truncate t",
        "merge into t using (values (1)) as v (id) on t.id = v.id when matched then delete",
        "with gone as (delete from t returning *) select * from gone",
        "select * from t for update",
        "select * from t for key share",
        "select * into u from t",
        "create table u (a integer)",
        "create temp table u (a integer)",
        "create table u as select 1 as a",
        "create function f() returns integer language sql as 'select 1'",
        "create role latch_role",
        "alter table t add column more integer",
        "drop table t",
        "comment on table t is 'x'",
        "grant all on t to public",
        "alter system set work_mem = '1MB'",
        "alter database latch_changes set work_mem = '1MB'",
        "copy t from '/etc/passwd'",
        "copy t to '/tmp/latch'",
        "copy (select 1) to program 'true'",
        "do $$ begin insert into t values (4, 'd'); end $$",
        "do $$ begin execute 'drop table t'; end $$",
        "call p()",
        "vacuum t",
        "analyze t",
        "reindex table t",
        "cluster t using t_pkey",
        "refresh materialized view t",
        "checkpoint",
        "lock table t in access exclusive mode",
        "notify c, 'x'",
        "listen c",
        "load 'auto_explain'",
        "create extension hstore",
        "begin; prepare transaction 'latch'",
        "begin read write; insert into t values (5, 'e'); commit",
        "explain analyze insert into t values (6, 'f')",
        "explain analyze create table u as select 1",
        "declare c cursor with hold for select * from t",
        "prepare change as delete from t; execute change",
        "security label on table t is 'x'",
        "import foreign schema x from server y into z",
        "select lo_create(0)",
        "select lo_import('/etc/passwd')",
    ];
    // The others are refused for something else first.
    let codes = ["25006", "0A000", "42601", "42704", "42809", "22023", "3F000"];
    all_refused(fixture, "latch_changes", &statements, &codes)
}

fn depths(fixture: &Fixture) -> Result<()> {
    let statements = [
        "select writes()",
        "select lies()",
        "select reads_file()",
        "select reads_file_sql()",
        "select * from through_view",
        "select 1 === 2",
        "select total(id) from t",
        "select 1::checked",
        "select * from t where reads_file() is not null",
        "select * from t order by lies()",
        "select (select reads_file())",
        "values (reads_file())",
        "select * from generate_series(1, lies())",
        "select x from t, lateral (select lies()) as x",
        "select coalesce(null, lies())",
        "select same('PG_VERSION')",
        "select executes('insert into t values (7, ''g'') returning 1')",
        "select executes('select nextval(''s'')')",
        "select executes('select executes(''delete from t returning 1'')')",
        "select nextval('s')",
        "select setval('s', 5)",
        "select pg_read_file('PG_VERSION')",
        "select pg_ls_dir('.')",
        "select pg_notify('c', 'x')",
        "select pg_advisory_lock(1)",
        "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()",
        "select pg_reload_conf()",
        "select pg_switch_wal()",
        "select pg_create_physical_replication_slot('latch')",
        "select pg_stat_reset()",
        "select pg_sleep(1)",
        "select query_to_xml('delete from t', true, true, '')",
        "select ts_stat('select to_tsvector(nextval(''s'')::text)')",
        "select dblink('dbname=latch_depths', 'delete from t')",
        "select dblink_connect('dbname=latch_depths')",
        "select lo_export(1, '/tmp/latch')",
        "explain analyze select lies()",
        "prepare change as select lies(); execute change",
        "begin; declare c cursor for select lies() from t; fetch all from c",
        "set role pg_monitor; select reads_file()",
    ];
    all_refused(fixture, "latch_depths", &statements, &["25006", "0A000", "22023", "42501"])?;
    // The owner's rows only, and the policy's function is not called.
    let mut observer = fixture.cluster.connect("latch_depths")?;
    observer
        .batch_execute("create role latch_reader login; grant select on secured to latch_reader")?;
    let mut reader = fixture.cluster.connect_as("latch_depths", "latch_reader")?;
    reader.batch_execute("select mcp_guard()")?;
    let refused = reader.batch_execute("select * from secured");
    let code = refused.err().and_then(|error| error.code().map(|code| code.code().to_owned()));
    // The role may not read files anyway.
    ensure!(matches!(code.as_deref(), Some("25006" | "42501")), "{code:?}");
    observer.batch_execute("drop owned by latch_reader; drop role latch_reader").map_err(Into::into)
}

fn nothing_opens(fixture: &Fixture) -> Result<()> {
    let name = "latch_opening";
    let mut observer = database(fixture, name)?;
    let before = state(&mut observer)?;
    for key in [
        "reset all",
        "discard all",
        "set session authorization default",
        "set role pg_monitor; reset role",
        "rollback",
        "begin; rollback",
        "begin; savepoint a; rollback to a; rollback",
        "set transaction_read_only = off",
        "set default_transaction_read_only = off; begin read write",
        "set session_replication_role = replica",
        "set mcp_advisor.guard_functions = 'pg_catalog.*, public.*'",
        "select set_config('transaction_read_only', 'off', false)",
        "select set_config('mcp_advisor.guard_functions', 'pg_catalog.*', false)",
        "load 'mcp_advisor'",
        "select mcp_guard('1 day', '1 day', 1000000000, 1000000000, 8)",
        "select 1/0",
        "drop extension mcp_advisor cascade",
        "create or replace function mcp_guard() returns void language sql as ''",
        "delete from pg_proc where proname = 'mcp_guard'",
    ] {
        let mut latched = fixture.cluster.connect(name)?;
        // Also when the very transaction of the latch is rolled back.
        latched.batch_execute("begin; select mcp_guard(); rollback")?;
        let _ = latched.batch_execute(key);
        for change in ["insert into t values (8, 'h')", "select nextval('s')", "select lies()"] {
            ensure!(latched.batch_execute(change).is_err(), "{key}: {change} passed");
        }
        let _ = latched.batch_execute("rollback");
        for change in ["insert into t values (9, 'i')", "select pg_read_file('PG_VERSION')"] {
            let error = latched.batch_execute(change).err().with_context(|| key.to_owned())?;
            let code = error.code().map(|code| code.code().to_owned()).unwrap_or_default();
            ensure!(["25006", "42501"].contains(&code.as_str()), "{key}: {change}: {error:?}");
        }
        ensure!(state(&mut observer)? == before, "{key}");
    }
    Ok(())
}

fn secrets(fixture: &Fixture) -> Result<()> {
    let statements = [
        "select rolpassword from pg_authid",
        "select * from pg_authid",
        "select a from pg_authid as a",
        "select passwd from pg_shadow",
        "select * from passwords",
        "select rolname from passwords",
        "select executes('select count(*)::integer from passwords')",
        "explain select * from passwords",
        "select executes('select count(rolpassword)::integer from pg_authid')",
        "select subconninfo from pg_subscription",
        "select umoptions from pg_user_mapping",
        "select data from pg_largeobject",
        "select * from pg_hba_file_rules",
        "select * from pg_file_settings",
        "show primary_conninfo",
        "show ssl_passphrase_command",
    ];
    all_refused(fixture, "latch_secrets", &statements, &["25006"])?;
    let mut latched = fixture.cluster.connect("latch_secrets")?;
    let hidden =
        "select current_setting('ssl_passphrase_command') || current_setting('primary_conninfo')";
    latched.batch_execute("select mcp_guard()")?;
    ensure!(latched.query_one(hidden, &[])?.try_get::<_, String>(0)?.is_empty());
    let hidden = "select concat(setting, reset_val) from pg_settings
        where name in ('primary_conninfo', 'ssl_passphrase_command') order by 1 desc";
    fixture
        .cluster
        .connect("postgres")?
        .batch_execute("alter database latch_secrets set app.secret = 'canary'")?;
    let mut latched = fixture.cluster.connect("latch_secrets")?;
    let asked = "select current_setting('app.' || 'secret')";
    ensure!(latched.query_one(asked, &[])?.get::<_, String>(0) == "canary");
    for end in ["rollback", "commit"] {
        latched.batch_execute("begin; select mcp_guard(this_transaction => true)")?;
        ensure!(latched.query_one(asked, &[])?.get::<_, String>(0).is_empty());
        latched.batch_execute(end)?;
        ensure!(latched.query_one(asked, &[])?.get::<_, String>(0) == "canary");
        latched.batch_execute("discard all")?;
        ensure!(latched.query_one(asked, &[])?.get::<_, String>(0) == "canary");
    }
    latched.batch_execute("select mcp_guard()")?;
    for again in ["begin", "rollback", "reset all", "discard all"] {
        ensure!(latched.query_one(asked, &[])?.get::<_, String>(0).is_empty(), "{again}");
        latched.batch_execute(again)?;
        ensure!(
            latched.query_one(&format!("{hidden} limit 1"), &[])?.get::<_, String>(0).is_empty()
        );
    }
    // Views of the server's own show what they may.
    for sql in [
        "select rolname from pg_authid",
        "select count(*) from pg_authid",
        "select * from pg_roles",
        "select * from pg_user",
        "select * from pg_settings",
        "select * from information_schema.tables",
        "select * from information_schema.user_mappings",
        "select * from pg_stat_subscription",
        "select pg_get_userbyid(relowner) from pg_class",
    ] {
        latched.batch_execute(sql).with_context(|| sql.to_owned())?;
    }
    Ok(())
}

fn reading(fixture: &Fixture) -> Result<()> {
    let mut observer = database(fixture, "latch_reading")?;
    observer.batch_execute(
        "create table big as select g as id, g % 100 as k, repeat('x', 50) as pad
            from generate_series(1, 200000) as g;
        analyze big",
    )?;
    let mut latched = fixture.cluster.connect("latch_reading")?;
    latched.batch_execute("select mcp_guard()")?;
    for sql in [
        "select harmless(1), harmless(2)",
        "select k, count(*), avg(id), percentile_cont(0.5) within group (order by id) from big group by k",
        "set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0;
            select count(*) from big where pad like '%y%'",
        "select sum(harmless(id)) from big where id < 50",
        "with recursive n (i) as (values (1) union all select i + 1 from n where i < 9) select * from n",
        "select *, row_number() over (partition by k order by id) from big limit 10",
        "select * from big order by pad, id limit 5",
        "explain (analyze, buffers) select * from big where id = 1",
        "explain insert into t values (1)",
        "begin; declare c cursor for select * from big; fetch 10 from c; move 5 in c; close c; commit",
        "prepare q (integer) as select * from big where id = $1; execute q (5); deallocate q",
        "begin isolation level repeatable read read only; savepoint a; select 1; release a; commit",
        "set search_path = pg_catalog; select count(*) from pg_class; reset search_path",
        "set local work_mem = '1MB'",
        "show all",
        "select * from mcp_health()",
        "select * from mcp_advise_indexes(array['select * from big where id = 4711'])",
        "select mcp_explain('select * from big where id = 4711')",
        "select * from mcp_schemas(); select * from mcp_objects('public', 'table')",
        "select * from mcp_check_read_only('select 1')",
        "select set_config('search_path', 'public', true)",
        "select currval(oid::regclass) from pg_class where false",
        "select random(), clock_timestamp(), gen_random_uuid()",
        "select * from big tablesample system (1) repeatable (1)",
        "select pg_size_pretty(pg_database_size(current_database()))",
        "select jsonb_path_query('{\"a\": [1, 2]}', '$.a[*]')",
        "select to_tsvector('english', 'fat cats') @@ 'cat'",
        "discard plans",
    ] {
        latched.batch_execute(sql).with_context(|| sql.to_owned())?;
    }
    let advice = latched.query_one(
        "select count(*) from mcp_advise_indexes(array['select * from big where id = 4711'])",
        &[],
    )?;
    ensure!(advice.try_get::<_, i64>(0)? == 1);
    Ok(())
}

fn ceilings(fixture: &Fixture) -> Result<()> {
    let mut observer = database(fixture, "latch_ceilings")?;
    let mut latched = fixture.cluster.connect("latch_ceilings")?;
    latched.batch_execute(
        "select mcp_guard('300 ms', '100 ms', 1048576, 104857600, 0, 10);
        set statement_timeout = 0; set lock_timeout = 0; set work_mem = '1GB'; set temp_file_limit = -1",
    )?;
    let begin = Instant::now();
    let endless = "select count(*) from generate_series(1, 500) as a, generate_series(1, 500) as b,
        generate_series(1, 500) as c, generate_series(1, 500) as d";
    ensure!(code(latched.batch_execute(endless)) == "57014");
    ensure!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
    // Each statement has its own time.
    for _ in 0..3 {
        latched.batch_execute("select count(*) from generate_series(1, 10000)")?;
    }
    ensure!(code(latched.batch_execute("select * from generate_series(1, 11)")) == "54000");
    latched.batch_execute("select * from generate_series(1, 10)")?;
    latched.batch_execute("select count(*) from (select * from generate_series(1, 1000)) as x")?;
    latched.batch_execute(
        "begin; declare c cursor for select * from generate_series(1, 100); \
                           fetch 10 from c; fetch 10 from c",
    )?;
    ensure!(code(latched.batch_execute("fetch 11 from c")) == "54000");
    latched.batch_execute("rollback")?;
    let shown = latched.query_one(
        "select current_setting('work_mem'), current_setting('lock_timeout'),
            current_setting('temp_file_limit')",
        &[],
    )?;
    let settings: Vec<String> = (0..3).map(|at| shown.get(at)).collect();
    ensure!(settings == ["1MB", "100ms", "100MB"], "{settings:?}");
    let spill =
        "select count(*) from (select g, repeat('x', 100) from generate_series(1, 200000) as g
        order by 2, 1 offset 1) as x";
    let mut longer = fixture.cluster.connect("latch_ceilings")?;
    longer.batch_execute("select mcp_guard('1 min', '100 ms', 1048576, 1048576)")?;
    ensure!(code(longer.batch_execute(spill)) == "53400");
    observer.batch_execute("begin; lock table t in access exclusive mode")?;
    ensure!(code(longer.batch_execute("select * from t")) == "55P03");
    observer.batch_execute("rollback")?;
    // A second call only lowers them.
    longer.batch_execute("select mcp_guard('1 day', '1 day', 1000000000, 1000000000, 8)")?;
    ensure!(code(longer.batch_execute(spill)) == "53400");
    Ok(())
}

/// The SQLSTATE of a failure; empty for none.
pub(crate) fn code(outcome: Result<(), postgres::Error>) -> String {
    let error = outcome.err();
    error.and_then(|error| error.code().map(|code| code.code().to_owned())).unwrap_or_default()
}

fn bad_ceilings(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "latch_bad")?;
    for (arguments, wanted) in [
        ("'0 s'", "statement_time must be at least 1 ms"),
        ("null", "\"statement_time\" must not be null"),
        ("'1 s', '-1 s'", "lock_time must be at least 1 ms"),
        ("'1 s', '1 s', -1", "work_mem must not be negative"),
        ("'1 s', '1 s', 1, 1, -1", "parallel_workers must not be negative"),
        ("'1 s', '1 s', 1, 1, 1, 0", "max_rows must be positive"),
        ("memory => 16777215", "memory must be at least 16777216"),
        ("max_bytes => 0", "max_bytes must be positive"),
        ("this_transaction => null", "\"this_transaction\" must not be null"),
    ] {
        let Err(error) = client.batch_execute(&format!("select mcp_guard({arguments})")) else {
            anyhow::bail!("{arguments} passed");
        };
        let error = error.as_db_error().context("an error of the server")?.clone();
        ensure!(error.message() == wanted, "{arguments}: {}", error.message());
    }
    // None of them closed the latch.
    client.batch_execute("insert into t values (50, 'still open')")?;
    Ok(())
}
