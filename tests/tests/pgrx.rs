//! Runs the `#[pg_test]` functions in a scratch cluster, each in a transaction of its own that is
//! rolled back. `cargo pgrx test` would install the extension into the machine's PostgreSQL.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use advisor_tests::cluster::Cluster;
use advisor_tests::pg_tests::{self, PgTests};
use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use postgres::Client;

const DATABASE: &str = "pgrx_tests";

fn main() -> Result<ExitCode> {
    let arguments = Arguments::from_args();
    let cluster = Arc::new(Cluster::start(
        "shared_preload_libraries = 'pg_stat_statements'\nmax_connections = 50",
    )?);
    let mut client = cluster.create_database(DATABASE)?;
    for extension in ["hypopg", "pg_stat_statements", "mcp_advisor"] {
        client
            .batch_execute(&format!("create extension {extension}"))
            .with_context(|| format!("create extension {extension}"))?;
    }
    let exported = exported_functions(&mut client)?;
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let written =
        pg_tests::scan(&[&repository.join("pgrx-tests"), &repository.join("extension/src")])?;

    let mut trials = vec![completeness(&exported, &written)];
    trials.extend(exported.into_iter().map(|name| {
        let expected_error = written.get(&name).cloned().flatten();
        let cluster = Arc::clone(&cluster);
        Trial::test(name.clone(), move || Ok(run(&cluster, &name, expected_error.as_deref())?))
    }));
    let conclusion = libtest_mimic::run(&arguments, trials);
    let log = cluster.log();
    if conclusion.has_failed() && !log.is_empty() {
        eprintln!("The server's log:\n{log}");
    }
    Ok(conclusion.exit_code())
}

fn exported_functions(client: &mut Client) -> Result<Vec<String>> {
    let sql = "select proname::text from pg_proc
        where pronamespace = to_regnamespace('tests') and pronargs = 0 order by proname";
    client.query(sql, &[])?.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// A test that is written but not exported would never run, and nobody would notice.
fn completeness(exported: &[String], written: &PgTests) -> Trial {
    let missing: Vec<_> = written.keys().filter(|name| !exported.contains(name)).cloned().collect();
    Trial::test("every_pg_test_is_exported", move || {
        if missing.is_empty() {
            return Ok(());
        }
        Err(Failed::from(format!("not in schema tests: {}", missing.join(", "))))
    })
}

fn run(cluster: &Cluster, name: &str, expected_error: Option<&str>) -> Result<()> {
    let mut client = cluster.connect(DATABASE)?;
    let mut transaction = client.transaction()?;
    let result = transaction.simple_query(&format!("select tests.\"{name}\"()"));
    match (result, expected_error) {
        (Ok(_), None) => Ok(transaction.rollback()?),
        (Ok(_), Some(message)) => bail!("no error, but this was expected: {message}"),
        (Err(error), expected) => {
            let error = error.as_db_error().cloned().with_context(|| format!("{error}"))?;
            ensure!(
                expected == Some(error.message()),
                "{} [{}]{}{}{}",
                error.message(),
                error.code().code(),
                labelled("detail", error.detail()),
                labelled("hint", error.hint()),
                labelled("where", error.where_()),
            );
            Ok(())
        }
    }
}

fn labelled(label: &str, text: Option<&str>) -> String {
    text.map_or_else(String::new, |text| format!("\n{label}: {text}"))
}
