//! The cluster, the database that statements are made up about, and what of it must stay the same.

use advisor_tests::cluster::Cluster;
use advisor_tests::robust::{grammar, log};
use anyhow::{Context, Result, ensure};
use postgres::Client;

/// The database with the grammar's schema.
pub(crate) const MADE_UP: &str = "made_up";

/// All relations.
const RELATIONS: &str =
    "select c.oid::regclass::text, c.relkind::text, c.relkind in ('r', 'm') from pg_class as c
    where c.oid >= 16384 and c.relnamespace <> 'pg_toast'::regnamespace order by c.oid";

pub(crate) struct Fixture {
    pub(crate) cluster: Cluster,
}

/// Settings of the server.
pub(crate) fn settings() -> String {
    format!(
        "shared_preload_libraries = 'pg_stat_statements'\nmax_connections = 100\n{}",
        log::SETTINGS
    )
}

impl Fixture {
    pub(crate) fn start() -> Result<Self> {
        let cluster = Cluster::start(&settings())?;
        load(&cluster)?;
        Ok(Self { cluster })
    }
}

/// Makes the database.
pub(crate) fn load(cluster: &Cluster) -> Result<()> {
    let mut client = cluster.create_database(MADE_UP)?;
    client.batch_execute(grammar::SCHEMA).context("the schema")?;
    client.batch_execute("analyze")?;
    for extension in ["hypopg", "pg_stat_statements", "mcp_advisor"] {
        client.batch_execute(&format!("create extension {extension}"))?;
    }
    Ok(())
}

/// What the database holds: its relations, and of each table all rows.
pub(crate) fn content(client: &mut Client) -> Result<String> {
    let mut content = String::new();
    for row in client.query(RELATIONS, &[])? {
        let (name, kind): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let mut rows = None;
        if row.try_get(2)? {
            let sql = format!(
                "select md5(string_agg(t::text, ',' order by t::text)) from only {name} as t"
            );
            rows = client.query_one(&sql, &[])?.try_get::<_, Option<String>>(0)?;
        }
        content.push_str(&format!("{name} {kind} {}\n", rows.unwrap_or_default()));
    }
    ensure!(content.lines().count() > 50, "hardly anything is there:\n{content}");
    Ok(content)
}

/// A number of seconds from the environment.
pub(crate) fn seconds(variable: &str) -> Result<Option<u64>> {
    match std::env::var(variable) {
        Ok(text) => Ok(Some(text.parse().with_context(|| format!("{variable} is \"{text}\""))?)),
        Err(_) => Ok(None),
    }
}
