//! What restricted mode must run, runs: the everyday statements of `tests/guard` and those of psql,
//! by the guard's word and in a latched session.

use std::time::Duration;

use advisor_tests::guard_corpus::{create_reader, read, rows};
use anyhow::{Result, ensure};
use postgres::Client;

use crate::Case;
use crate::fixture::Fixture;
use crate::guard::{database, told, verdict};

pub(crate) const CASES: &[Case] = &[
    ("guard_lets_everyday_statements_pass", everyday),
    ("guard_lets_psql_describe_everything", psql),
    ("latch_lets_everyday_statements_run", latched),
];

/// As many of the statements as run on every supported version, at least.
const ENOUGH: usize = 600;

/// How often two sessions may see different numbers of rows in what others change meanwhile.
const ATTEMPTS: usize = 20;

/// How long to wait between them.
const PAUSE: Duration = Duration::from_millis(50);

fn everyday(fixture: &Fixture) -> Result<()> {
    let mut admin = database(fixture, "guard_everyday")?;
    create_reader(&mut admin, "guard_everyday_reader")?;
    let reader = fixture.cluster.connect_as("guard_everyday", "guard_everyday_reader")?;
    for mut client in [admin, reader] {
        let (mut passed, mut refused, mut unread) = (0, Vec::new(), Vec::new());
        for case in read("allowed")? {
            match verdict(&mut client, &case.sql)? {
                Some(Ok(())) => passed += 1,
                Some(Err(why)) => refused.push(told(&case, &why)),
                None => unread.push(told(&case, "not read")),
            }
        }
        println!("passed {passed}, refused {}, unread {}", refused.len(), unread.len());
        ensure!(refused.is_empty(), "{} refused:\n{}", refused.len(), refused.join("\n\n"));
        ensure!(passed > ENOUGH, "{passed} passed, not read:\n{}", unread.join("\n\n"));
    }
    drop_reader(&mut fixture.cluster.connect("guard_everyday")?, "guard_everyday_reader")
}

fn drop_reader(client: &mut Client, role: &str) -> Result<()> {
    Ok(client.batch_execute(&format!("drop owned by {role}; drop role {role}"))?)
}

/// What psql is asked for: all of its commands that describe, with details and system objects.
const DESCRIBED: &str = "\\d+ orders|\\d+ contacts|\\d+ readings|\\d+ readings_2025|\\d+ notes|\\d+ customer_totals\
    |\\d+ daily_sales|\\d+ orders_pkey|\\d+ tickets|\\d+ money_amount|\\dt+|\\dtS+|\\di+ *.*|\\dv+ *.*|\\dm+|\\ds+\
    |\\df+ *.*|\\dfa+ app.*|\\dfw *.*|\\da+ *.*|\\dn+|\\dnS+|\\du+|\\dg+|\\drds|\\dx+|\\dx|\\dp|\\l+|\\db+|\\dT+ *.*|\\dD+\
    |\\do+ app.*|\\dO+ *.*|\\dc+ *.*|\\dC+ *|\\dd *.*|\\ddp|\\dA+|\\dAc+|\\dAf+|\\dAo+|\\dAp+|\\dE+|\\det+|\\des|\\dew\
    |\\dF+|\\dFd+|\\dFp+|\\dFt+|\\dL+|\\dP+|\\dRp+|\\dX|\\dy+|\\dconfig+ *|\\sf app.spent|\\sf app.tier|\\sv customer_totals\
    |\\z|\\dl+|\\d public.*";

fn psql(fixture: &Fixture) -> Result<()> {
    let mut admin = database(fixture, "guard_psql")?;
    let mut latched = fixture.cluster.connect("guard_psql")?;
    latched.batch_execute("select mcp_guard()")?;
    let (mut seen, mut refused) = (0, Vec::new());
    for command in DESCRIBED.split('|') {
        for query in fixture.cluster.queries_of_psql("guard_psql", command)? {
            seen += 1;
            let verdict = verdict(&mut admin, query.trim_end_matches(';'))?;
            let run = rows(&mut latched, &query)?;
            if verdict != Some(Ok(())) || run.is_err() {
                refused.push(format!("{command}: {query}\n=> {verdict:?}, {run:?}"));
            }
        }
    }
    println!("{seen} queries of psql");
    ensure!(refused.is_empty(), "{} of {seen} refused:\n{}", refused.len(), refused.join("\n\n"));
    ensure!(seen > 90, "{seen} queries of psql");
    Ok(())
}

fn latched(fixture: &Fixture) -> Result<()> {
    let mut admin = database(fixture, "guard_latched_everyday")?;
    create_reader(&mut admin, "guard_latched_reader")?;
    for role in ["postgres", "guard_latched_reader"] {
        let connect = || fixture.cluster.connect_as("guard_latched_everyday", role);
        let (mut plain, mut latched) = (connect()?, connect()?);
        latched.batch_execute("select mcp_guard()")?;
        // Loads the library, which has settings.
        plain.batch_execute("select mcp_check_read_only('select 1')")?;
        let (mut answered, mut differ) = (0, Vec::new());
        for case in read("allowed")? {
            match compare(&mut plain, &mut latched, &case.sql)? {
                Ok(found) => answered += usize::from(found),
                Err(difference) => differ.push(told(&case, &difference)),
            }
        }
        println!("{role}: {answered} answered, {} differ", differ.len());
        ensure!(differ.is_empty(), "{role}, {} differ:\n{}", differ.len(), differ.join("\n\n"));
        ensure!(answered > ENOUGH, "{role}: {answered} answered");
    }
    drop_reader(&mut admin, "guard_latched_reader")
}

/// Whether both sessions answer, or none; and if they do, with as many rows.
fn compare(plain: &mut Client, latched: &mut Client, sql: &str) -> Result<Result<bool, String>> {
    let mut difference = String::new();
    for _ in 0..ATTEMPTS {
        let (expected, found) = (rows(plain, sql)?, rows(latched, sql)?);
        // The latch sets some settings, so there are more that were set.
        let uncounted = sql.contains("pg_settings") && expected.is_ok() && found.is_ok();
        if expected == found || uncounted {
            return Ok(Ok(found.is_ok()));
        }
        std::thread::sleep(PAUSE);
        difference = format!("{expected:?} without the latch, {found:?} with it");
    }
    Ok(Err(difference))
}
