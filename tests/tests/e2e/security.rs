//! The texts of a workload are other people's code: planning them must not run it with rights that
//! those people do not have.

use anyhow::{Context, Result, ensure};
use postgres::Client;

use crate::Case;
use crate::answer::{given, recorded};
use crate::fixture::{Fixture, answered, refused};

pub(crate) const CASES: &[Case] = &[
    ("security_functions_run_as_who_ran_the_statement", functions),
    ("security_set_role_does_not_escape", set_role),
    ("security_sequence_is_not_written_as_superuser", sequence),
    ("security_statement_of_a_dropped_role_is_not_planned", dropped_role),
    ("security_monitor_does_not_lend_its_rights", monitor),
    ("security_texts_of_others_need_a_privilege", texts_of_others),
    ("security_members_plan_as_the_role", members),
    ("security_sampling_calls_no_cast", sampling),
    ("security_table_without_select_is_refused", no_select),
    ("security_row_level_security_is_planned_as_the_role", row_security),
];

const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// What `probe` writes into the server's log before the name of the role it runs as.
fn mark(database: &str) -> String {
    format!("probe of {database} runs as ")
}

/// A database in which the role `<database>_owner` owns a table and an "immutable" function that
/// says who runs it. `body` is what the function does besides.
fn database(fixture: &Fixture, name: &str, body: &str) -> Result<Client> {
    let mut client = fixture.database(name, &["pg_stat_statements", "mcp_advisor"])?;
    let mark = mark(name);
    client.batch_execute(&format!(
        "create role {name}_owner login;
        grant create on schema public to {name}_owner;
        set role {name}_owner;
        create table things as select i as id, i % 500 as k, md5(i::text) as note
            from generate_series(1, 20000) as i;
        create sequence traces;
        create function probe(k integer) returns integer immutable language plpgsql as $$
        begin
            {body}
            raise log '{mark}%', current_user;
            return k;
        end $$;
        reset role;
        analyze things;
        select pg_stat_statements_reset(0, oid, 0) from pg_database where datname = '{name}'"
    ))?;
    Ok(client)
}

/// How often the probe of this database has run as `role`.
fn runs(fixture: &Fixture, database: &str, role: &str) -> usize {
    let line = format!("{}{role}\n", mark(database));
    fixture.cluster.log().matches(&line).count()
}

const PROBED: &str = "select id from things as m_probed where k = probe(17)";

/// The owner runs the statement, the superuser advises: all runs of the probe are the owner's.
fn probed_only_as_owner(fixture: &Fixture, client: &mut Client, name: &str) -> Result<()> {
    let owner = format!("{name}_owner");
    fixture.cluster.connect_as(name, &owner)?.simple_query(PROBED).context("as the owner")?;
    let before = runs(fixture, name, &owner);
    ensure!(before > 0, "the probe leaves no trace");
    let answer = recorded(client, "")?;
    answer.expect_used("m_probed")?;
    ensure!(!answer.indexes().is_empty(), "no advice");
    ensure!(runs(fixture, name, &owner) > before, "the advisor never came upon the function");
    ensure!(runs(fixture, name, "postgres") == 0, "ran as superuser");
    Ok(())
}

fn functions(fixture: &Fixture) -> Result<()> {
    let name = "sec_functions";
    let body = "if (select rolsuper from pg_roles where rolname = current_user)
        then raise exception 'runs as superuser'; end if;";
    let mut client = database(fixture, name, body)?;
    probed_only_as_owner(fixture, &mut client, name)
}

fn set_role(fixture: &Fixture) -> Result<()> {
    let name = "sec_set_role";
    let body = "begin perform set_config('role', 'none', false); exception when others then end;
        begin perform set_config('role', 'postgres', false); exception when others then end;
        begin perform set_config('session_authorization', 'default', false);
            exception when others then end;";
    let mut client = database(fixture, name, body)?;
    probed_only_as_owner(fixture, &mut client, name)?;
    let who: String = client.query_one("select current_user::text", &[])?.get(0);
    ensure!(who == "postgres", "the caller is now {who}");
    Ok(())
}

/// What a sequence counts is not rolled back: the trace stays.
fn sequence(fixture: &Fixture) -> Result<()> {
    let name = "sec_sequence";
    let body = "perform setval('public.traces', case when rolsuper then 1000 else 2 end)
        from pg_roles where rolname = current_user and rolsuper
            or rolname = current_user and (select last_value from public.traces) < 1000;";
    let mut client = database(fixture, name, body)?;
    probed_only_as_owner(fixture, &mut client, name)?;
    let value: i64 = client.query_one("select last_value from traces", &[])?.get(0);
    ensure!(value == 2, "the sequence stands at {value}");
    Ok(())
}

/// Nobody can be asked whose rights the statement had.
fn dropped_role(fixture: &Fixture) -> Result<()> {
    let name = "sec_dropped";
    let mut client = database(fixture, name, "")?;
    client.batch_execute("create role sec_gone login; grant select on things to sec_gone")?;
    fixture.cluster.connect_as(name, "sec_gone")?.simple_query(PROBED)?;
    client.batch_execute("revoke all on things from sec_gone; drop role sec_gone")?;
    let answer = recorded(&mut client, "")?;
    ensure!(runs(fixture, name, "postgres") == 0, "ran as superuser");
    answer.expect_skipped("m_probed", "no permission")
}

/// Seeing what others run is not acting for them, nor lending them one's own rights.
fn monitor(fixture: &Fixture) -> Result<()> {
    let name = "sec_monitor";
    let mut client = database(fixture, name, "")?;
    client.batch_execute(
        "create role sec_watcher login;
        grant pg_read_all_stats, pg_read_all_data to sec_watcher",
    )?;
    fixture.cluster.connect_as(name, "sec_monitor_owner")?.simple_query(PROBED)?;
    let before = runs(fixture, name, "sec_monitor_owner");
    let mut watcher = fixture.cluster.connect_as(name, "sec_watcher")?;
    watcher.simple_query("select id as m_own from things where k = 5")?;
    let answer = recorded(&mut watcher, "")?;
    ensure!(runs(fixture, name, "sec_watcher") == 0, "ran as who advises");
    ensure!(runs(fixture, name, "sec_monitor_owner") == before, "ran as a role not a member of");
    answer.expect_skipped("m_probed", "no permission")?;
    answer.expect_used("m_own")
}

fn texts_of_others(fixture: &Fixture) -> Result<()> {
    let name = "sec_texts";
    let mut client = database(fixture, name, "")?;
    client.batch_execute("create role sec_reader login; grant select on things to sec_reader")?;
    fixture.cluster.connect_as(name, "sec_texts_owner")?.simple_query(PROBED)?;
    let mut reader = fixture.cluster.connect_as(name, "sec_reader")?;
    reader.simple_query("select id as m_own from things where k = 5")?;
    let answer = recorded(&mut reader, "")?;
    answer.expect_used("m_own")?;
    answer.expect_absent("m_probed")?;
    answer.expect_skipped("<insufficient privilege>", "no permission")
}

fn members(fixture: &Fixture) -> Result<()> {
    let name = "sec_members";
    let mut client = database(fixture, name, "")?;
    client.batch_execute(
        "create role sec_member login;
        grant sec_members_owner, pg_read_all_stats to sec_member",
    )?;
    fixture.cluster.connect_as(name, "sec_members_owner")?.simple_query(PROBED)?;
    let before = runs(fixture, name, "sec_members_owner");
    recorded(&mut fixture.cluster.connect_as(name, "sec_member")?, "")?.expect_used("m_probed")?;
    ensure!(runs(fixture, name, "sec_member") == 0, "ran as the member");
    ensure!(runs(fixture, name, "sec_members_owner") > before, "the function never ran");
    Ok(())
}

/// The size model hashes values as text; a cast to text may be anybody's function.
fn sampling(fixture: &Fixture) -> Result<()> {
    let name = "sec_sampling";
    let mut client = database(fixture, name, "")?;
    client.batch_execute(
        "set role sec_sampling_owner;
        create type mood as enum ('bad', 'fair', 'good', 'best');
        create function tell(value mood) returns text immutable language plpgsql as
            $$ begin perform public.probe(1); return 'told'; end $$;
        create cast (mood as text) with function tell(mood) as implicit;
        create table moods as select i as id, i % 300 as k, (i % 70)::smallint as m,
            (array['bad', 'fair', 'good', 'best'])[1 + i % 4]::mood as mood
            from generate_series(1, 60000) as i;
        reset role;
        analyze moods",
    )?;
    let blocks = |client: &mut Client| -> Result<i64> {
        client.batch_execute("select pg_stat_force_next_flush()")?;
        let sql = "select heap_blks_read + heap_blks_hit from pg_statio_user_tables
            where relname = 'moods'";
        Ok(client.query_one(sql, &[])?.get(0))
    };
    let before = blocks(&mut client)?;
    let query = "select mood, m, k from moods where mood = 'bad' and m = 3 and k > 250";
    let answer = given(&mut client, &[query], "min_improvement => 0, pareto_ratio => 0")?;
    answer.expect_count(1)?;
    ensure!(blocks(&mut client)? > before, "nothing was sampled");
    ensure!(runs(fixture, name, "postgres") == 0, "the cast ran as superuser");
    let told: String = client.query_one("select 'bad'::mood::text", &[])?.get(0);
    ensure!(told == "told" && runs(fixture, name, "postgres") > 0, "the cast is no trap");
    Ok(())
}

fn no_select(fixture: &Fixture) -> Result<()> {
    let name = "sec_select";
    let mut client = database(fixture, name, "")?;
    client.batch_execute("create extension hypopg; create role sec_stranger login")?;
    let mut stranger = fixture.cluster.connect_as(name, "sec_stranger")?;
    stranger.batch_execute("select mcp_advise_indexes(array['select 1']); select hypopg()")?;
    let query = "select id from things where k = 5";
    for call in [
        format!("select * from mcp_advise_indexes(array['{query}'])"),
        format!("select mcp_advise_report(array['{query}'])"),
        format!("select * from mcp_whatif_benchmark(array['{query}'])"),
        "select * from mcp_advise_indexes(array['delete from things'])".to_owned(),
        format!(
            "select * from mcp_advise_indexes(array['select (select max(k) from ({query}) as x(k))'])"
        ),
    ] {
        refused(&mut stranger, &call, INSUFFICIENT_PRIVILEGE)?;
    }
    // One column is enough for a statement that reads no other.
    client.batch_execute("grant select (id) on things to sec_stranger")?;
    refused(
        &mut stranger,
        &format!("select * from mcp_advise_indexes(array['{query}'])"),
        INSUFFICIENT_PRIVILEGE,
    )?;
    let call = "select * from mcp_advise_indexes(array['select id from things where id = 5'])";
    ensure!(answered(&mut stranger, call)?.len() == 1, "no advice on the column");
    Ok(())
}

/// A policy's condition belongs to the plan of those whom it binds.
fn row_security(fixture: &Fixture) -> Result<()> {
    let name = "sec_rows";
    let mut client = database(fixture, name, "")?;
    client.batch_execute(
        "create role sec_tenant login; grant select on things to sec_tenant;
        alter table things enable row level security;
        create policy own on things using (k = probe(3))",
    )?;
    let mut tenant = fixture.cluster.connect_as(name, "sec_tenant")?;
    tenant.simple_query("select note as m_tenant from things where id < 15000")?;
    let before = runs(fixture, name, "sec_tenant");
    let answer = recorded(&mut client, "")?;
    answer.expect_used("m_tenant")?;
    ensure!(runs(fixture, name, "sec_tenant") > before, "planned without the policy");
    ensure!(runs(fixture, name, "postgres") == 0, "the policy ran as superuser");
    let indexes = answer.indexes();
    let on_policy = indexes.iter().any(|index| index.columns.first().is_some_and(|c| c == "k"));
    ensure!(on_policy, "the policy's column has no index: {indexes:?}");
    Ok(())
}
