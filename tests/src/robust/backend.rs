//! One backend under watch: what it holds, and what of its session a call must leave as it was.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use postgres::Client;

use crate::cluster::Cluster;

/// Everything about a session that a call must leave as it was. Statements that the client library
/// prepares for itself do not count.
const SESSION: &str = "
select json_build_object(
    'settings', (select md5(string_agg(name || '=' || coalesce(setting, ''), ',' order by name))
        from pg_settings where name not like '%.%' and name <> 'transaction_read_only'),
    'own settings', (select string_agg(name || '=' || coalesce(setting, ''), ',' order by name)
        from pg_settings where name like 'mcp_advisor.%'),
    'roles', current_user || ' ' || session_user || ' ' || current_setting('role'),
    'path', current_schemas(true),
    'prepared', (select count(*) from pg_prepared_statements where from_sql),
    'cursors', (select count(*) from pg_cursors where name <> ''),
    'channels', (select count(*) from pg_listening_channels()),
    'own tables', (select count(*) from pg_class where relnamespace = pg_my_temp_schema()),
    'indexes', (select count(*) from pg_class where relkind in ('i', 'I'))
)::text";

/// What another session sees of an idle one that holds nothing.
const IDLE: &str = "
select a.state || ' ' || coalesce(a.xact_start::text, '') || coalesce(a.backend_xid::text, '')
        || coalesce(a.backend_xmin::text, '')
    || coalesce((select string_agg(l.locktype || ' ' || l.mode, ',') from pg_locks as l where l.pid = a.pid), '')
from pg_stat_activity as a where a.pid = $1";

/// How long it may take until a backend has ended a transaction: an error is sent before that.
const SETTLED: Duration = Duration::from_secs(10);

/// A session, and another that looks at it.
#[allow(missing_debug_implementations, reason = "a client has none")]
pub struct Backend {
    /// Whose backend is watched.
    pub client: Client,
    observer: Client,
    pid: i32,
    session: String,
}

/// Bytes that a backend holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// In the server's memory contexts.
    pub contexts: i64,
    /// Of the process, without what it shares with others and without files.
    pub process: i64,
}

impl Backend {
    /// Connects, has `settings` set, and notes how the session is.
    ///
    /// # Errors
    /// Whatever the server answers.
    pub fn open(cluster: &Cluster, database: &str, settings: &str) -> Result<Self> {
        let mut client = cluster.connect(database)?;
        let observer = cluster.connect("postgres")?;
        // The first use loads the library, whose settings are then part of the session's.
        client.batch_execute("select mcp_check_read_only('select 1')")?;
        client.batch_execute(settings)?;
        let pid = client.query_one("select pg_backend_pid()", &[])?.try_get(0)?;
        let session = client.query_one(SESSION, &[])?.try_get(0)?;
        Ok(Self { client, observer, pid, session })
    }

    /// The process id.
    #[must_use]
    pub const fn pid(&self) -> i32 {
        self.pid
    }

    /// # Errors
    /// When the backend is gone, or has a transaction or a lock though nothing runs.
    pub fn assert_idle(&mut self) -> Result<()> {
        let end = Instant::now() + SETTLED;
        loop {
            let idle = self.observer.query_opt(IDLE, &[&self.pid])?;
            let idle = idle.with_context(|| format!("the backend {} is gone", self.pid))?;
            let idle: String = idle.try_get(0)?;
            if idle == "idle " {
                return Ok(());
            }
            ensure!(Instant::now() < end, "the backend is not idle or holds something: {idle}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// # Errors
    /// As [`Backend::assert_idle`], or when the session is not as it was.
    pub fn assert_untouched(&mut self) -> Result<()> {
        self.assert_idle()?;
        let session: String = self.client.query_one(SESSION, &[])?.try_get(0)?;
        ensure!(session == self.session, "the session was {}, it is {session}", self.session);
        Ok(())
    }

    /// What the backend holds now.
    ///
    /// # Errors
    /// When it is gone.
    pub fn held(&mut self) -> Result<Held> {
        let sql = "select sum(total_bytes)::bigint from pg_backend_memory_contexts";
        let contexts = self.client.query_one(sql, &[])?.try_get(0)?;
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()).context("RssAnon")?;
        Ok(Held { contexts, process: kilobytes.parse::<i64>()? * 1024 })
    }

    /// The contexts that hold most, for a message.
    ///
    /// # Errors
    /// Whatever the server answers.
    pub fn largest_contexts(&mut self) -> Result<String> {
        let sql = "select name || ' below ' || coalesce(parent, '') || ': ' || count(*) || ' with '
                || sum(total_bytes) from pg_backend_memory_contexts
            group by name, parent order by sum(total_bytes) desc limit 8";
        let rows = self.client.query(sql, &[])?;
        let lines: Vec<String> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        Ok(lines.join("\n"))
    }
}
