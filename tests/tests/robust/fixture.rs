//! The cluster, the database that statements are made up about, and what of it must stay the same.

use advisor_tests::cluster::Cluster;
use advisor_tests::robust::{grammar, log};
use anyhow::{Context, Result, ensure};
use postgres::Client;

/// The database with the grammar's schema.
pub(crate) const MADE_UP: &str = "made_up";

/// All rows of all tables, and all relations, as one number.
const CONTENT: &str = "
select md5(string_agg(c.oid::regclass || c.relkind::text || coalesce(x.rows, ''), ',' order by c.oid))
from pg_class as c
cross join lateral (select case when c.relkind in ('r', 'm') then (xpath('/row/n/text()', query_to_xml(
    format('select md5(string_agg(t::text, '','' order by t::text)) as n from only %s as t', c.oid::regclass),
    false, true, '')))[1]::text end) as x(rows)
where c.oid >= 16384 and c.relnamespace <> 'pg_toast'::regnamespace";

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

/// What the database holds.
pub(crate) fn content(client: &mut Client) -> Result<String> {
    let content: Option<String> = client.query_one(CONTENT, &[])?.try_get(0)?;
    let content = content.context("nothing is there")?;
    ensure!(content.len() == 32);
    Ok(content)
}

/// A number of seconds from the environment.
pub(crate) fn seconds(variable: &str) -> Result<Option<u64>> {
    match std::env::var(variable) {
        Ok(text) => Ok(Some(text.parse().with_context(|| format!("{variable} is \"{text}\""))?)),
        Err(_) => Ok(None),
    }
}
