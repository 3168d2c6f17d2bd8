//! A call leaves the session as it was, whatever its outcome, and works wherever a query does.

use std::collections::BTreeSet;

use advisor_tests::cluster::Cluster;
use anyhow::{Context, Result, ensure};
use postgres::Client;

use crate::Case;
use crate::answer::{given, recorded};
use crate::fixture::{Fixture, LOOKUP, SHOP, answered, refused};

pub(crate) const CASES: &[Case] = &[
    ("session_is_as_it_was", as_it_was),
    ("session_statistics_do_not_see_the_advisor", statistics),
    ("session_in_an_exception_block", exception_block),
    ("session_read_only", read_only),
    ("session_on_a_standby", standby),
    ("session_without_preloaded_libraries", without_preload),
    ("session_without_hypopg", without_hypopg),
    ("session_beside_a_locked_table", locked_table),
    ("session_functions_have_comments", commented),
    ("session_errors_are_as_the_server_raised_them", errors),
];

const MISSING_PREREQUISITE: &str = "55000";
const QUERY_CANCELED: &str = "57014";
const SYNTAX_ERROR: &str = "42601";

/// What belongs to the session or to its transaction.
const STATE: &str = "
select json_build_object(
    'user', array[current_user, session_user],
    'settings', (select json_object_agg(name, setting order by name) from pg_settings
        where name not like 'transaction%'),
    'path', current_schemas(true),
    'prepared', (select json_agg(name order by name) from pg_prepared_statements where from_sql),
    'cursors', (select json_agg(name order by name) from pg_cursors where name = 'mine'),
    'hypothetical', (select json_agg(indexname order by indexrelid) from hypopg()),
    'locks', (select json_agg(relation::regclass::text || mode order by 1) from (
        select distinct relation, mode from pg_locks
        where pid = pg_backend_pid() and relation >= 16384) as held),
    'xid', pg_current_xact_id_if_assigned(),
    'temporary', pg_my_temp_schema(),
    'isolation', current_setting('transaction_isolation'),
    'read only', current_setting('transaction_read_only')
)::text";

fn state(client: &mut Client) -> Result<String> {
    Ok(client.query_one(STATE, &[])?.try_get(0)?)
}

/// A statement that takes long to plan, so that a timeout strikes in the middle.
fn long_call() -> String {
    let tables: Vec<String> = (1..10).map(|n| format!("items as t{n}")).collect();
    let joins: Vec<String> = (2..10).map(|n| format!("t{n}.customer = t{}.id", n - 1)).collect();
    let query = format!("select 1 from {} where {}", tables.join(", "), joins.join(" and "));
    let list: Vec<String> = (0..100).map(|n| format!("'{query} and t1.id = {n}'")).collect();
    format!("select mcp_advise_report(array[{}])", list.join(", "))
}

fn as_it_was(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    client.batch_execute(
        "do $$ begin create role session_user_1; exception when duplicate_object then end $$;
        grant select on items to session_user_1;
        grant pg_read_all_stats to session_user_1;
        select hypopg_create_index('create index on items (placed)');
        set search_path = public, \"Odd Names\"; set work_mem = '7MB';
        set role session_user_1;
        prepare mine as select * from items where id = $1;
        select mcp_advise_indexes(array['select 1'])",
    )?;
    let list = format!("array[$q${LOOKUP}$q$, 'select from from', 'table items']");
    let calls = [
        (format!("select * from mcp_advise_indexes({list})"), None),
        (format!("select mcp_advise_report({list})"), None),
        (format!("select * from mcp_whatif_benchmark(array[$q${LOOKUP}$q$])"), None),
        ("select mcp_advise_report()".to_owned(), None),
        ("select mcp_advise_report(array['select from from'])".to_owned(), Some(SYNTAX_ERROR)),
        (long_call(), Some(QUERY_CANCELED)),
    ];
    for begin in ["begin", "begin isolation level serializable read only", ""] {
        for size_model in ["measured", "hypopg"] {
            if !begin.is_empty() {
                client.batch_execute(&format!(
                    "{begin}; set local work_mem = '9MB'; declare mine cursor for select 1"
                ))?;
            }
            client.batch_execute(&format!("set mcp_advisor.size_model = '{size_model}'"))?;
            for (call, code) in &calls {
                if !begin.is_empty() {
                    client.batch_execute("savepoint before")?;
                }
                let before = state(&mut client)?;
                ensure!(before.contains("\"xid\" : null"), "{before}");
                if *code == Some(QUERY_CANCELED) {
                    client.batch_execute("set statement_timeout = '150 ms'")?;
                }
                let outcome = client.query(call.as_str(), &[]);
                let found = outcome.err().and_then(|error| Some(error.code()?.code().to_owned()));
                ensure!(found.as_deref() == *code, "{found:?} from {call:.200}");
                match begin {
                    "" => client.batch_execute("set statement_timeout = 0")?,
                    _ if code.is_some() => client.batch_execute("rollback to before")?,
                    _ => {}
                }
                let after = state(&mut client)?;
                ensure!(before == after, "{begin} {call:.200}\n{before}\n{after}");
            }
            if !begin.is_empty() {
                client.batch_execute("rollback")?;
            }
        }
    }
    Ok(())
}

fn statistics(fixture: &Fixture) -> Result<()> {
    let name = "session_statistics";
    let mut client = fixture.database(name, &["hypopg", "pg_stat_statements", "mcp_advisor"])?;
    client.batch_execute(
        "set pg_stat_statements.track = 'all'; set pg_stat_statements.track_planning = on;
        create table things as select i as id, i % 500 as k, i % 7 as m
            from generate_series(1, 40000) as i;
        create function busy(k integer) returns integer immutable language plpgsql as
            $$ begin perform count(*) from things where id = 5; return k; end $$;
        analyze things",
    )?;
    client.simple_query("select id as m_busy from things where k = busy(7) and m > 3")?;
    let texts = |client: &mut Client| -> Result<BTreeSet<(String, i64)>> {
        let sql = "select s.query, s.calls + s.plans from pg_stat_statements as s
            join pg_database as d on d.oid = s.dbid
            where d.datname = current_database() and s.query !~ 'mcp_|pg_stat_statements'";
        Ok(client.query(sql, &[])?.iter().map(|row| (row.get(0), row.get(1))).collect())
    };
    let before = texts(&mut client)?;
    for size_model in ["measured", "hypopg"] {
        client.simple_query(&format!("set mcp_advisor.size_model = '{size_model}'"))?;
        recorded(&mut client, "min_improvement => 0")?.expect_used("m_busy")?;
        let query = "select id from things where k = busy(8) and m > 2";
        given(&mut client, &[query], "min_improvement => 0")?.expect_count(1)?;
        let new: Vec<_> = texts(&mut client)?.difference(&before).cloned().collect();
        let new: Vec<_> = new.iter().filter(|(text, _)| !text.starts_with("set ")).collect();
        ensure!(new.is_empty(), "{new:?}");
    }
    let track: String = client.query_one("show pg_stat_statements.track", &[])?.get(0);
    ensure!(track == "all", "{track}");
    Ok(())
}

fn exception_block(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    let sql = format!(
        "do $do$
        declare found bigint; caught text := '';
        begin
            for i in 1..3 loop
                begin
                    perform mcp_advise_report(array['select from from']);
                exception when syntax_error then caught := caught || 's';
                end;
                begin
                    perform mcp_advise_indexes(array['{LOOKUP}'], max_columns => 0);
                exception when others then caught := caught || 'n';
                end;
                begin
                    select count(*) into found from mcp_advise_indexes(array['{LOOKUP}']);
                    perform 1 / (found - 1);
                exception when division_by_zero then caught := caught || 'o';
                end;
            end loop;
            if caught <> 'snosnosno' then raise exception 'caught %', caught; end if;
        end $do$"
    );
    client.batch_execute(&sql)?;
    // As a set-returning function that is not read to its end, and as a lateral one.
    let sql = format!("select * from mcp_advise_indexes(array['{LOOKUP}']) limit 1");
    ensure!(answered(&mut client, &sql)?.len() == 1);
    let sql = format!(
        "select i.columns from (values ('{LOOKUP}'), ('select 1')) as q (text)
        left join lateral mcp_advise_indexes(array[q.text]) as i on true"
    );
    ensure!(answered(&mut client, &sql)?.len() == 2);
    Ok(())
}

fn read_only(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    client.simple_query("select note from items as m_read_only where customer = 5")?;
    client.batch_execute("set default_transaction_read_only = on")?;
    recorded(&mut client, "")?.expect_used("m_read_only")?;
    let answer = given(&mut client, &[LOOKUP, "delete from items where customer = 5"], "")?;
    answer.expect_count(2)?;
    client.batch_execute("set mcp_advisor.size_model = 'hypopg'")?;
    ensure!(!given(&mut client, &[LOOKUP], "")?.indexes().is_empty(), "hypopg's sizes");
    let call = format!("select * from mcp_whatif_benchmark(array['{LOOKUP}'])");
    ensure!(!answered(&mut client, &call)?.is_empty());
    Ok(())
}

fn standby(_: &Fixture) -> Result<()> {
    let settings = "wal_level = replica\nmax_wal_senders = 3\n\
        shared_preload_libraries = 'pg_stat_statements'";
    let primary = Cluster::start(settings)?;
    let mut client = primary.create_database(SHOP)?;
    client.batch_execute(
        "create extension hypopg; create extension pg_stat_statements;
        create extension mcp_advisor;
        create table items as select i as id, i % 5000 as customer, repeat('x', 100) as note
            from generate_series(1, 50000) as i;
        analyze items",
    )?;
    let standby = primary.standby(settings)?;
    let mut client = standby.connect(SHOP)?;
    let recovering: bool = client.query_one("select pg_is_in_recovery()", &[])?.get(0);
    ensure!(recovering, "not a standby");
    client.simple_query("select note from items as m_recorded where customer = 5")?;
    let answer = recorded(&mut client, "")?;
    answer.expect_used("m_recorded")?;
    ensure!(!answer.indexes().is_empty(), "no advice on what was recorded");
    let texts = [
        LOOKUP,
        "select id as m_lock from items where customer = 5 for share",
        "update items as m_update set note = 'y' where customer = 5",
        "insert into items select id + 1, 3 as m_insert, note from items where customer = 8",
    ];
    let answer = given(&mut client, &texts, "")?;
    answer.expect_used("4711")?;
    ensure!(!answer.indexes().is_empty(), "no advice on a list");
    for marker in ["m_lock", "m_update", "m_insert"] {
        // The planner can read them there although they cannot run; either is an answer.
        if answer.using(marker).next().is_none() {
            answer.expect_skipped(marker, "not allowed on a standby")?;
        }
    }
    client.batch_execute("set mcp_advisor.size_model = 'hypopg'")?;
    ensure!(!given(&mut client, &[LOOKUP], "")?.indexes().is_empty(), "hypopg's sizes");
    let call = format!("select * from mcp_whatif_benchmark(array['{LOOKUP}'])");
    ensure!(!client.query(&call, &[])?.is_empty());
    Ok(())
}

fn without_preload(_: &Fixture) -> Result<()> {
    let cluster = Cluster::start("")?;
    let mut client = cluster.create_database(SHOP)?;
    client.batch_execute(
        "create extension hypopg; create extension pg_stat_statements;
        create extension mcp_advisor;
        create table items as select i as id, i % 5000 as customer, repeat('x', 100) as note
            from generate_series(1, 50000) as i;
        analyze items; select mcp_advise_indexes(array['select 1']); select hypopg()",
    )?;
    ensure!(given(&mut client, &[LOOKUP], "")?.indexes().len() == 1);
    for call in ["select * from mcp_advise_indexes()", "select mcp_advise_report()"] {
        let error = refused(&mut client, call, MISSING_PREREQUISITE)?;
        let hint = error.hint().unwrap_or_default();
        ensure!(hint.contains("ALTER SYSTEM SET shared_preload_libraries"), "hint: {hint}");
        ensure!(hint.contains("restart"), "hint: {hint}");
    }
    ensure!(given(&mut client, &[LOOKUP], "")?.indexes().len() == 1);
    Ok(())
}

fn without_hypopg(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.database("session_no_hypopg", &["mcp_advisor"])?;
    client.batch_execute(
        "create table items as select i as id, i % 5000 as customer, repeat('x', 100) as note
            from generate_series(1, 50000) as i;
        analyze items",
    )?;
    ensure!(given(&mut client, &[LOOKUP], "")?.indexes().len() == 1, "hypopg is not needed");
    client.batch_execute("set mcp_advisor.size_model = 'hypopg'")?;
    let call = format!("select mcp_advise_report(array['{LOOKUP}'])");
    let error = client.query(&call, &[]).err().context("advised without hypopg")?;
    let error = error.as_db_error().context("no error of the server")?;
    ensure!(error.code().code() == MISSING_PREREQUISITE, "{error}");
    let hint = error.hint().unwrap_or_default();
    ensure!(hint.contains("CREATE EXTENSION hypopg") && hint.contains("hypopg"), "hint: {hint}");
    Ok(())
}

fn locked_table(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    client.batch_execute(
        "create table locked as select i as id, i % 5000 as k, repeat('x', 100) as note
            from generate_series(1, 50000) as i;
        analyze locked; create view behind as select * from locked where id > 5",
    )?;
    let mut other = fixture.session()?;
    other.batch_execute("begin; lock table locked in access exclusive mode")?;
    let texts = [
        "select id from locked as m_first where k = 7",
        LOOKUP,
        "select m_view.k from behind as m_view",
    ];
    let answer = given(&mut client, &texts, "")?;
    answer.expect_skipped("m_first", "locked")?;
    answer.expect_skipped("m_view", "locked")?;
    answer.expect_used("4711")?;
    ensure!(answer.indexes().len() == 1);
    let left: String = client.query_one("show lock_timeout", &[])?.get(0);
    ensure!(left == "0", "lock_timeout is {left}");
    other.batch_execute("rollback")?;
    let answer = given(&mut client, &texts, "")?;
    answer.expect_count(3)
}

/// Every function has a comment for `\df+`. That the documents have all functions and settings is a case
/// of the target `docs`.
fn commented(fixture: &Fixture) -> Result<()> {
    let mut client = fixture.session()?;
    let functions = "select p.oid::regprocedure::text, obj_description(p.oid, 'pg_proc')
        from pg_depend as d
        join pg_proc as p on p.oid = d.objid and d.classid = 'pg_proc'::regclass
        join pg_extension as e on e.oid = d.refobjid and d.refclassid = 'pg_extension'::regclass
        -- Staged for tests it has those of pgrx, too.
        where e.extname = 'mcp_advisor' and d.deptype = 'e' and p.proname like 'mcp\\_%'";
    let rows = client.query(functions, &[])?;
    ensure!(rows.len() > 25, "{} functions", rows.len());
    for row in rows {
        let (name, comment): (String, Option<String>) = (row.get(0), row.get(1));
        let comment = comment.with_context(|| format!("{name} has no comment"))?;
        // psql breaks no lines, and shows them beside the other columns.
        let longest = comment.lines().map(|line| line.chars().count()).max().unwrap_or_default();
        ensure!(longest <= 110, "{name}: a line of {longest} characters");
    }
    Ok(())
}

/// Statements that fail while they are read, planned, started, run and ended, and commands.
const FAILING: [&str; 16] = [
    "select nowhere from parents",
    "select 1 / 0",
    "select count(*) from parents where 1 / (id - 1) > 0",
    "insert into parents values (1)",
    "insert into parents values (null)",
    "insert into children values (7)",
    "insert into children values (1, -1)",
    "insert into deferred values (7)",
    "select (-1)::odd",
    "select fails(1)",
    "select fails(0)",
    "do $$ begin insert into parents values (1); end $$",
    "do $$ begin execute 'select 1 from'; end $$",
    "alter table parents add constraint small check (id < 1)",
    "create index on parents (id) where 1 / 0 = 1",
    "copy parents from program 'echo x'",
];

/// The hooks of the extension are called for every statement of a session that has loaded it, and an
/// error that goes over them arrives with all that the server says of it.
fn errors(_: &Fixture) -> Result<()> {
    for settings in ["", "shared_preload_libraries = 'pg_stat_statements'"] {
        let cluster = Cluster::start(settings)?;
        let mut client = cluster.connect("postgres")?;
        client.batch_execute(
            "create extension mcp_advisor;
            create table parents (id integer primary key); insert into parents values (1), (2);
            create table children (parent integer references parents, n integer check (n > 0));
            create table deferred (parent integer references parents deferrable initially deferred);
            create domain odd as integer constraint positive check (value > 0);
            create function fails(n integer) returns integer language plpgsql stable as
                $$ begin if n = 0 then execute 'select nowhere'; end if; return n / 0; end $$",
        )?;
        let raised = |client: &mut Client| -> Result<Vec<postgres::error::DbError>> {
            let error = |sql: &&str| {
                let error = client.simple_query(sql).err().with_context(|| (*sql).to_owned())?;
                error.as_db_error().cloned().with_context(|| format!("{sql}: {error}"))
            };
            FAILING.iter().map(error).collect()
        };
        let plain = raised(&mut cluster.connect("postgres")?)?;
        ensure!(plain.iter().any(|error| error.constraint() == Some("parents_pkey")), "{plain:#?}");
        ensure!(plain.iter().any(|error| error.column() == Some("id")), "{plain:#?}");
        ensure!(plain.iter().any(|error| error.datatype() == Some("odd")), "{plain:#?}");
        ensure!(plain.iter().filter(|error| error.position().is_some()).count() >= 2, "{plain:#?}");
        ensure!(plain.iter().filter(|error| error.where_().is_some()).count() >= 5, "{plain:#?}");
        let mut session = cluster.connect("postgres")?;
        session.batch_execute("select mcp_schemas()")?;
        for (sql, (found, wanted)) in FAILING.iter().zip(raised(&mut session)?.iter().zip(&plain)) {
            ensure!(found == wanted, "{settings:?}, {sql}:\n{found:#?}\nwithout: {wanted:#?}");
        }
        // In a latched session, what reads.
        session.batch_execute("select mcp_guard(max_rows => 10, max_bytes => 10000)")?;
        for (sql, wanted) in FAILING.iter().zip(&plain).filter(|(sql, _)| sql.starts_with("select"))
        {
            let error = session.simple_query(sql).err().with_context(|| (*sql).to_owned())?;
            let found = error.as_db_error().with_context(|| format!("{sql}: {error}"))?;
            ensure!(found == wanted, "{sql}:\n{found:#?}\nwithout: {wanted:#?}");
        }
    }
    Ok(())
}
