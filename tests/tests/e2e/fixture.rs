//! The cluster, a small database, and what all cases ask about an answer.

use advisor_tests::cluster::Cluster;
use anyhow::{Context, Result, ensure};
use postgres::error::DbError;
use postgres::{Client, Row};

/// The database that has everything installed.
pub(crate) const SHOP: &str = "shop";

/// A statement that an index clearly helps.
pub(crate) const LOOKUP: &str = "select * from items where customer = 4711";

const SCHEMA: &str = r#"
create table items (id integer primary key, customer integer, placed date, note text);
insert into items select i, i % 5000, date '2020-01-01' + i % 1000, repeat('x', 100)
    from generate_series(1, 50000) as i;
create schema "Odd Names";
create table "Odd Names"."Order" ("Key" integer, "select" integer, pad text);
insert into "Odd Names"."Order" select i, i, repeat('x', 100) from generate_series(1, 50000) as i;
create table never_analyzed (a integer, b text);
insert into never_analyzed select i, repeat('x', 100) from generate_series(1, 50000) as i;
vacuum analyze items;
vacuum analyze "Odd Names"."Order";
"#;

/// Everything about a session that a call must leave as it was, as one text. Statements that the
/// client library prepares for itself do not count.
const SESSION_STATE: &str = "
select json_build_object(
    'backend', pg_backend_pid(),
    'settings', (select md5(string_agg(name || '=' || coalesce(setting, ''), ',' order by name))
        from pg_settings where name not like '%.%' and name <> 'transaction_read_only'),
    'hypothetical', (select string_agg(indexname::text, ',' order by 1) from hypopg()),
    'prepared', (select count(*) from pg_prepared_statements where from_sql),
    'cursors', (select count(*) from pg_cursors),
    'locks', (select count(*) from pg_locks where pid = pg_backend_pid() and relation >= 16384)
)::text";

pub(crate) struct Fixture {
    pub(crate) cluster: Cluster,
    server_pid: u32,
    started_at: String,
}

impl Fixture {
    pub(crate) fn start() -> Result<Self> {
        let cluster = Cluster::start(
            "shared_preload_libraries = 'pg_stat_statements'\nmax_connections = 100",
        )?;
        let mut client = cluster.create_database(SHOP)?;
        client.batch_execute(SCHEMA.split_once("vacuum").context("schema")?.0)?;
        for table in ["items", "\"Odd Names\".\"Order\""] {
            client.batch_execute(&format!("vacuum analyze {table}"))?;
        }
        for extension in ["hypopg", "pg_stat_statements", "mcp_advisor"] {
            client.batch_execute(&format!("create extension {extension}"))?;
        }
        let started_at = oldest_process(&mut client)?;
        Ok(Self { server_pid: cluster.server_pid(), cluster, started_at })
    }

    /// A new session in the database that has everything.
    pub(crate) fn session(&self) -> Result<Client> {
        let mut client = self.cluster.connect(SHOP)?;
        // The first use of the extensions registers their settings.
        client.batch_execute("select mcp_advise_indexes(array['select 1']); select hypopg()")?;
        Ok(client)
    }

    /// A new, empty database with `extensions`.
    pub(crate) fn database(&self, name: &str, extensions: &[&str]) -> Result<Client> {
        let mut client = self.cluster.create_database(name)?;
        for extension in extensions {
            client.batch_execute(&format!("create extension {extension}"))?;
        }
        Ok(client)
    }

    /// After a crash of one backend the postmaster restarts all its children.
    pub(crate) fn assert_server_survived(&self) -> Result<()> {
        let mut client = self.cluster.connect(SHOP).context("the server does not answer")?;
        ensure!(oldest_process(&mut client)? == self.started_at, "the server had to restart");
        ensure!(self.cluster.server_pid() == self.server_pid);
        Ok(())
    }
}

fn oldest_process(client: &mut Client) -> Result<String> {
    let sql =
        "select backend_start::text from pg_stat_activity where backend_type = 'checkpointer'";
    Ok(client.query_one(sql, &[])?.try_get(0)?)
}

/// What a call must leave as it was.
pub(crate) fn state(client: &mut Client) -> Result<String> {
    Ok(client.query_one(SESSION_STATE, &[])?.try_get(0)?)
}

/// Runs `sql`, which must be refused with `code`, and checks that nothing of the session changed.
pub(crate) fn refused(client: &mut Client, sql: &str, code: &str) -> Result<DbError> {
    let before = state(client)?;
    let error = match client.query(sql, &[]) {
        Ok(rows) => anyhow::bail!("{} rows instead of error {code}: {sql}", rows.len()),
        Err(error) => error.as_db_error().cloned().with_context(|| format!("{error}: {sql}"))?,
    };
    let found = error.code().code();
    ensure!(found == code, "{found} ({}) instead of {code}: {sql}", error.message());
    ensure!(!error.message().is_empty(), "no message: {sql}");
    ensure!(state(client)? == before, "the session is not as it was after {sql}");
    Ok(error)
}

/// Runs `sql`, which must succeed and leave the session as it was.
pub(crate) fn answered(client: &mut Client, sql: &str) -> Result<Vec<Row>> {
    let before = state(client)?;
    let rows = client.query(sql, &[]).with_context(|| sql.to_owned())?;
    let after = state(client)?;
    ensure!(after == before, "the session is not as it was after {sql}:\n{before}\n{after}");
    Ok(rows)
}
