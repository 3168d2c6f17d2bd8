//! Who may call what, and what each sees: everybody may call every function, and none gives anybody
//! more rights than the caller has. `golden/privileges.txt` has what comes of a call of each function by
//! each of the roles; `ADVISOR_UPDATE_GOLDEN=1` writes it anew.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use postgres::Client;

use crate::Case;
use crate::fixture::Fixture;
use crate::health_anywhere::expect_golden;

pub(crate) const CASES: &[Case] = &[
    ("privileges_of_each_function_are_the_callers", calls),
    ("privileges_are_raised_by_no_function", definers),
    ("privileges_show_texts_of_others_to_members_of_pg_read_all_stats", texts),
];

const ROLES: [&str; 5] =
    ["privileges_nobody", "privileges_stats", "privileges_monitor", "privileges_owner", "postgres"];

/// A call of each function that meets something which is not everybody's.
const CALLS: &[(&str, &str)] = &[
    ("mcp_advice_mute", "('ix_0123456789abcdef')"),
    ("mcp_advice_observe", "()"),
    ("mcp_advice_unmute", "('ix_0123456789abcdef')"),
    ("mcp_advise_drops", "(array['select * from kept.secrets where value = 5'])"),
    ("mcp_advise_indexes", "(array['select * from kept.secrets where value = 5'])"),
    ("mcp_advise_report", "(array['select * from kept.secrets where value = 5'])"),
    ("mcp_advise_statistics", "(array['select * from kept.secrets where value = 5'])"),
    ("mcp_check_read_only", "('select * from kept.secrets where value = 5')"),
    ("mcp_explain", "('select * from kept.secrets where value = 5')"),
    ("mcp_explain_report", "('select * from kept.secrets where value = 5')"),
    ("mcp_export_statistics", "()"),
    ("mcp_guard", "()"),
    ("mcp_health", "()"),
    ("mcp_import_statistics", "('{}')"),
    ("mcp_index_bloat", "((select c.oid from pg_class as c where c.relname = 'secrets_pkey'))"),
    ("mcp_join_path", "('kept.secrets', 'kept.secrets')"),
    ("mcp_object", "('kept', 'secrets')"),
    ("mcp_objects", "('kept')"),
    ("mcp_plan_findings", "('select * from kept.secrets where value = 5')"),
    ("mcp_plan_findings_of", "('[{\"Plan\": {\"Node Type\": \"Result\"}}]')"),
    ("mcp_relationships", "('kept')"),
    ("mcp_running_queries", "(true)"),
    ("mcp_schema_overview", "('kept')"),
    ("mcp_schemas", "()"),
    ("mcp_search_schema", "('secrets')"),
    ("mcp_sequence_last_value", "((select c.oid from pg_class as c where c.relname = 'serial'))"),
    ("mcp_statement_counters", "()"),
    ("mcp_statements_info", "()"),
    ("mcp_table_bloat", "((select c.oid from pg_class as c where c.relname = 'secrets'))"),
    ("mcp_top_queries", "()"),
    ("mcp_whatif_benchmark", "(array['select * from kept.secrets where value = 5'], 1, 1)"),
    ("mcp_whatif_indexes", "(array['create index on kept.secrets (value)'])"),
];

/// Tables and views, of which some are not everybody's.
const RELATIONS: [&str; 4] =
    ["mcp_advice", "mcp_advice_history", "mcp_advice_index", "mcp_advice_statement"];

fn database(fixture: &Fixture, name: &str) -> Result<Client> {
    let mut client = fixture.database(name, &["pg_stat_statements", "mcp_advisor"])?;
    client.batch_execute(
        "do $$ begin
            create role privileges_nobody login;
            create role privileges_stats login in role pg_read_all_stats;
            create role privileges_monitor login in role pg_monitor;
            create role privileges_owner login;
        exception when duplicate_object then null; end $$;
        create schema kept authorization privileges_owner",
    )?;
    client.batch_execute(&format!("alter database {name} owner to privileges_owner"))?;
    client.batch_execute(
        "set role privileges_owner;
        create table kept.secrets (id integer primary key, value integer);
        insert into kept.secrets select g, g from generate_series(1, 20000) as g;
        create sequence kept.serial; select nextval('kept.serial');
        reset role",
    )?;
    client.batch_execute("analyze kept.secrets")?;
    Ok(client)
}

fn calls(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "privileges_calls")?;
    let owned = |client: &mut Client, class: &str, name: &str| -> Result<BTreeSet<String>> {
        let sql = format!(
            "select o.{name}::text from {class} as o
            join pg_depend as d
                on d.classid = '{class}'::regclass and d.objid = o.oid and d.deptype = 'e'
            join pg_extension as e
                on e.oid = d.refobjid and e.extname = 'mcp_advisor'
            where o.{name} like 'mcp%'"
        );
        client.query(&sql, &[])?.iter().map(|row| Ok(row.try_get(0)?)).collect()
    };
    let listed: BTreeSet<String> = CALLS.iter().map(|(name, _)| (*name).to_owned()).collect();
    ensure!(owned(&mut client, "pg_proc", "proname")? == listed, "each function needs a call here");
    let relations: BTreeSet<String> = RELATIONS.iter().map(|name| (*name).to_owned()).collect();
    ensure!(owned(&mut client, "pg_class", "relname")?.is_superset(&relations));

    let mut text = String::new();
    for (function, arguments) in CALLS {
        text.push_str(function);
        for role in ROLES {
            let mut session = fixture.cluster.connect_as("privileges_calls", role)?;
            // Whatever it writes is not to be there for the next role.
            let outcome = session
                .batch_execute("begin")
                .and_then(|()| session.query(&format!("select {function}{arguments}"), &[]));
            text.push_str(&format!("\n    {role}: {}", told(outcome)?));
        }
        text.push('\n');
    }
    for relation in RELATIONS {
        text.push_str(relation);
        for role in ROLES {
            let mut may = Vec::new();
            for privilege in ["select", "insert", "update", "delete"] {
                let sql =
                    "select has_table_privilege($1, $2, $3), has_any_column_privilege($1, $2, $3)";
                let row = match privilege {
                    "delete" => client.query_one(
                        "select has_table_privilege($1, $2, $3), false",
                        &[&role, &relation, &privilege],
                    )?,
                    _ => client.query_one(sql, &[&role, &relation, &privilege])?,
                };
                match (row.try_get(0)?, row.try_get(1)?) {
                    (true, _) => may.push(privilege.to_owned()),
                    (false, true) => may.push(format!("{privilege} of some columns")),
                    (false, false) => {}
                }
            }
            text.push_str(&format!("\n    {role}: {}", may.join(", ")));
        }
        text.push('\n');
    }
    expect_golden("privileges.txt", &text)
}

/// What came of a call: `ok`, or the SQLSTATE and the message.
fn told(outcome: Result<Vec<postgres::Row>, postgres::Error>) -> Result<String> {
    match outcome {
        Ok(_) => Ok("ok".to_owned()),
        Err(error) => {
            let error = error.as_db_error().context("no answer")?;
            Ok(format!("{} {}", error.code().code(), error.message()))
        }
    }
}

fn definers(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "privileges_definers")?;
    let sql = "select p.oid::regprocedure::text, p.prosecdef,
            coalesce(p.proconfig::text like '%search_path=%', false),
            has_function_privilege('privileges_nobody', p.oid, 'execute')
        from pg_proc as p
        join pg_depend as d
            on d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
        join pg_extension as e
            on e.oid = d.refobjid and e.extname = 'mcp_advisor'";
    let rows = client.query(sql, &[])?;
    ensure!(rows.len() >= CALLS.len());
    for row in rows {
        let name: String = row.try_get(0)?;
        let (raised, pinned): (bool, bool) = (row.try_get(1)?, row.try_get(2)?);
        ensure!(!raised || pinned, "{name} is SECURITY DEFINER with the caller's search_path");
        ensure!(!raised, "{name} is SECURITY DEFINER: say so in sql/README.md, and here");
        ensure!(row.try_get::<_, bool>(3)?, "{name} is not everybody's to call");
    }
    // Views are looked at with their owner's rights, who is a superuser.
    let sql =
        "select pg_get_viewdef('mcp_advice_history'::regclass) like '%mcp_statement_counters%'";
    ensure!(client.query_one(sql, &[])?.try_get::<_, bool>(0)?);
    let mut monitor = fixture.cluster.connect_as("privileges_definers", "privileges_monitor")?;
    monitor.query("select * from mcp_advice_history", &[])?;
    Ok(())
}

fn texts(fixture: &Fixture) -> Result<()> {
    database(fixture, "privileges_texts")?;
    let mut owner = fixture.cluster.connect_as("privileges_texts", "privileges_owner")?;
    owner.batch_execute("select count(*) as of_the_owner from kept.secrets")?;
    for (role, sees) in [("nobody", false), ("stats", true), ("monitor", true), ("owner", true)] {
        let role = format!("privileges_{role}");
        let mut session = fixture.cluster.connect_as("privileges_texts", &role)?;
        let sql = "select coalesce(bool_or(query like '%of_the_owner%'), false)
            from mcp_top_queries('calls', 1000)";
        let found: bool = session.query_one(sql, &[])?.try_get(0)?;
        ensure!(found == sees, "{role}: {found}");
        // Seeing a statement is not enough to have it planned: who plans must be whom it ran as.
        let report =
            session.query_one("select coalesce(mcp_advise_report() -> 'queries', '[]')::text", &[]);
        let planned = match report {
            Ok(row) => row.try_get::<_, String>(0)?.contains("of_the_owner"),
            Err(error) => {
                ensure!(error.as_db_error().is_some(), "{error}");
                false
            }
        };
        ensure!(planned == (role == "privileges_owner"), "{role}: {planned}");
    }
    Ok(())
}
