//! A restricted bridge that is connected as superuser, on a server with the extension: what no parser
//! sees is refused by what the server resolves it to, and everyday statements pass.

use std::time::{Duration, Instant};

use advisor_tests::bridge::stdio::Pipe;
use advisor_tests::guard_corpus::{create_reader, fill, read, rows};
use anyhow::{Context, Result, ensure};
use postgres::{Client, Config, NoTls};
use serde_json::json;

use crate::Case;
use crate::fixture::Fixture;

pub(crate) const CASES: &[Case] = &[
    ("guarded_bridge_lets_nothing_through_that_names_hide", hidden),
    ("guarded_bridge_lets_everyday_statements_pass", everyday),
];

/// What somebody may have prepared who could write.
pub(crate) const TRAPS: &str = "
create table t (id integer primary key); insert into t values (1);
create sequence s;
create function lower(integer) returns text language sql volatile as
    $$ select setval('s', 99)::text $$;
create function writes() returns integer language plpgsql volatile as
    $$ begin perform nextval('s'); return 1; end $$;
create function same(text) returns text language internal as 'pg_read_file_all';
create operator === (leftarg = integer, rightarg = integer, function = int4eq);
create function equals(integer, text) returns boolean language plpgsql volatile as
    $$ begin perform nextval('s'); return true; end $$;
create operator === (leftarg = integer, rightarg = text, function = equals);
create function step(integer, integer) returns integer language plpgsql volatile as
    $$ begin perform nextval('s'); return 1; end $$;
create aggregate total (integer) (sfunc = step, stype = integer, initcond = '0');
create function defaulted(integer default writes()) returns integer language sql immutable as 'select $1';
create function defaulted_twice(a integer default defaulted(), b integer default 2) returns integer
    language sql immutable as 'select $1 + $2';
create view through_view as select writes() as n;
create view passwords as select rolname, rolpassword from pg_authid;
create domain checked as integer check (writes() > 0);
create function attribute(t) returns integer language sql volatile as $$ select setval('s', 98)::integer $$;
create function to_text(t) returns text language sql volatile as $$ select setval('s', 97)::text $$;
create cast (t as text) with function to_text(t);
create table secured (id integer); insert into secured values (1);
create role guarded_reader; grant select on secured to guarded_reader;
create policy by_write on secured to public using (writes() > 0);
alter table secured enable row level security;";

/// Statements whose words say nothing of what they do.
pub(crate) const HIDDEN: [&str; 17] = [
    "select lower(1)",
    "select writes()",
    "select * from writes()",
    "select same('PG_VERSION')",
    "select 1 === 'x'::text",
    "select total(id) from t",
    "select defaulted()",
    "select defaulted_twice(b => 1)",
    "select * from through_view",
    "select * from passwords",
    "select 1::checked",
    "select x.attribute from t as x",
    "select (x).attribute from t as x",
    "select x::text from t as x",
    "select id from t order by writes()",
    "select count(*) filter (where writes() = 1) from t",
    "select (select id from t where id = writes())",
];

pub(crate) fn bridge(fixture: &Fixture, database: &str) -> Result<Pipe> {
    let mut command = fixture.bridge(database)?;
    Pipe::initialized(command.env("DATABASE_URI", fixture.cluster.uri(database, "postgres")))
}

pub(crate) fn state(client: &mut Client) -> Result<String> {
    let sql = "select (select last_value || ' ' || is_called from s)
        || (select count(*) from t) || (select count(*) from pg_class)";
    Ok(client.query_one(sql, &[])?.try_get(0)?)
}

fn hidden(fixture: &Fixture) -> Result<()> {
    let mut observer = fixture.cluster.create_database("guarded_hidden")?;
    observer.batch_execute(TRAPS)?;
    observer.batch_execute("create extension mcp_advisor")?;
    let before = state(&mut observer)?;
    let mut pipe = bridge(fixture, "guarded_hidden")?;
    for sql in HIDDEN {
        for (tool, arguments) in [
            ("execute_sql", json!({"sql": sql})),
            ("execute_sql", json!({"sql": format!("explain analyze {sql}")})),
            ("explain_query", json!({"sql": sql, "analyze": true})),
        ] {
            let answer = pipe.call(tool, &arguments)?;
            let error = &answer["structuredContent"]["error"];
            ensure!(answer["isError"] == true, "{tool} {sql}: {answer}");
            ensure!(error["kind"] == "not_read_only", "{tool} {sql}: {answer}");
            ensure!(error["detail"].is_string() && error["hint"].is_string(), "{answer}");
            ensure!(state(&mut observer)? == before, "{tool} {sql}");
        }
    }
    let answer = pipe.call("execute_sql", &json!({"sql": "select lower('A'), 1 === 1"}))?;
    ensure!(answer["structuredContent"]["rows"] == json!([["a", true]]), "{answer}");
    pipe.close()?;
    observer.batch_execute("drop owned by guarded_reader; drop role guarded_reader")?;
    Ok(())
}

/// The statements whose answer depends on who asks: all but those on the small tables and on values.
const BY_ROLE: [&str; 5] = ["extensions", "introspection", "monitoring", "server", "users"];

/// As many of the statements as run on every supported version, at least: all, and those by role.
const ENOUGH: [usize; 2] = [600, 320];

/// How long server and bridge may disagree while other clients create, drop and connect, before it is
/// the bridge that is wrong.
const PATIENCE: Duration = Duration::from_secs(20);

/// As superuser and as a reader: the bridge answers what the server answers.
fn everyday(fixture: &Fixture) -> Result<()> {
    const DATABASE: &str = "guarded_everyday";
    const READER: &str = "guarded_everyday_reader";
    let mut admin = fixture.cluster.create_database(DATABASE)?;
    fill(&mut admin)?;
    create_reader(&mut admin, READER)?;
    let reader = Config::new()
        .host_path(fixture.cluster.socket_dir())
        .dbname(DATABASE)
        .user(READER)
        .password(READER)
        .connect(NoTls)?;
    let with_password = format!("{READER}:{READER}");
    let by_role = BY_ROLE.map(|name| read(&format!("allowed_{name}")));
    let by_role = by_role.into_iter().collect::<Result<Vec<_>>>()?.concat();
    let sessions = [
        ("postgres", admin, read("allowed")?, ENOUGH[0]),
        (with_password.as_str(), reader, by_role, ENOUGH[1]),
    ];
    for (user, mut plain, cases, enough) in sessions {
        let mut command = fixture.bridge(DATABASE)?;
        let uri = fixture.cluster.uri(DATABASE, user);
        let mut pipe = Pipe::initialized(command.env("DATABASE_URI", uri))?;
        let (mut answered, mut differ) = (0, Vec::new());
        for case in cases {
            match compare(&mut plain, &mut pipe, &case.sql)? {
                Ok(found) => answered += usize::from(found),
                Err(difference) => differ.push(format!("{}\n=> {difference}", case.sql)),
            }
        }
        pipe.close().context("close")?;
        println!("{user}: {answered} answered, {} differ", differ.len());
        ensure!(differ.is_empty(), "{user}, {} differ:\n{}", differ.len(), differ.join("\n\n"));
        ensure!(answered > enough, "{user}: {answered} answered");
    }
    Ok(())
}

/// Whether the server and the bridge answer, or neither; and if they do, with as many rows unless
/// the bridge says that it left some out. The cluster is shared with tests that run at the same time,
/// so the server is asked before and after the bridge, and a number that moves between is asked again.
fn compare(plain: &mut Client, pipe: &mut Pipe, sql: &str) -> Result<Result<bool, String>> {
    let start = Instant::now();
    loop {
        let before = rows(plain, sql)?;
        let answer = pipe.call("execute_sql", &json!({"sql": sql}))?;
        let content = &answer["structuredContent"];
        let agrees = |expected: &Result<usize, String>| match expected {
            Ok(rows) => {
                // The settings of the bridge's sessions are others.
                answer["isError"] != true
                    && (sql.contains("pg_settings")
                        || sql.contains("pg_stat_activity")
                        || content["truncated"].is_object()
                        || content["row_count"] == json!(rows))
            }
            Err(_) => answer["isError"] == true && content["error"]["kind"] != "not_read_only",
        };
        if agrees(&before) {
            return Ok(Ok(before.is_ok()));
        }
        let after = rows(plain, sql)?;
        if agrees(&after) {
            return Ok(Ok(after.is_ok()));
        }
        if start.elapsed() > PATIENCE {
            let told = if answer["isError"] == true { content } else { &content["row_count"] };
            return Ok(Err(format!(
                "{before:?}, then {after:?} from the server, {told} from the bridge"
            )));
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}
