//! Tables that are filled by COPY from a generator, side by side.

use std::collections::VecDeque;
use std::fmt::{Display, Write as _};
use std::io::Write;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use postgres::Client;

use crate::cluster::Cluster;

/// Rows are sent in messages of about this many bytes.
const CHUNK_BYTES: usize = 256 * 1024;

/// A set of tables and where their rows come from.
pub(crate) struct Source<'a> {
    /// `create table` statements.
    pub(crate) definitions: &'static str,
    /// Tables and their primary keys, the largest first: it decides how long loading takes.
    pub(crate) keys: &'static [(&'static str, &'static str)],
    /// Whether the primary keys are made.
    pub(crate) primary_keys: bool,
    /// Writes all rows of a table, fields ended by `|`.
    pub(crate) write: &'a (dyn Fn(&str, &mut dyn Write) -> Result<()> + Sync),
}

/// A table that has been loaded.
#[derive(Debug)]
pub struct Loaded {
    /// Its name.
    pub table: &'static str,
    /// Rows copied.
    pub rows: u64,
    /// From the first row to the end of VACUUM ANALYZE.
    pub time: Duration,
}

impl Source<'_> {
    /// Creates and fills the tables in `database`, and calls `progress` after each, in no fixed
    /// order.
    ///
    /// Tables load side by side, but each through one connection from its first row to its last:
    /// the order of rows on disk, and so the statistics on it, are the same every time.
    ///
    /// # Errors
    /// The first error of any table.
    pub(crate) fn load(
        &self,
        cluster: &Cluster,
        database: &str,
        progress: &(dyn Fn(&Loaded) + Sync),
    ) -> Result<()> {
        let waiting = Mutex::new(self.keys.iter().copied().collect::<VecDeque<_>>());
        let next = || waiting.lock().map_or(None, |mut queue| queue.pop_front());
        let work = || -> Result<()> {
            let mut client = cluster.connect(database)?;
            while let Some((table, key)) = next() {
                let loaded = self
                    .load_table(&mut client, table, key)
                    .with_context(|| format!("load table {table}"))?;
                progress(&loaded);
            }
            Ok(())
        };
        let workers = thread::available_parallelism().map_or(2, usize::from).min(self.keys.len());
        thread::scope(|scope| {
            let running: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            running.into_iter().try_for_each(|worker| {
                worker.join().unwrap_or_else(|_| Err(anyhow!("a worker panicked")))
            })
        })
    }

    fn load_table(&self, client: &mut Client, table: &'static str, key: &str) -> Result<Loaded> {
        let begin = Instant::now();
        // Created and filled in one transaction, the rows can be written frozen and without WAL.
        let mut transaction = client.transaction()?;
        transaction.batch_execute(self.create_statement(table)?)?;
        let copy = format!("copy {table} from stdin with (delimiter '|', null '', freeze)");
        let mut writer = transaction.copy_in(&copy)?;
        (self.write)(table, &mut writer)?;
        let rows = writer.finish()?;
        transaction.commit()?;
        if self.primary_keys {
            add_primary_key(client, table, key)?;
        }
        client.batch_execute(&format!("vacuum (analyze) {table}"))?;
        Ok(Loaded { table, rows, time: begin.elapsed() })
    }

    /// The statement that creates `table`.
    ///
    /// # Errors
    /// When the definitions lack it.
    pub(crate) fn create_statement(&self, table: &str) -> Result<&'static str> {
        let head = format!("create table {table} (");
        let begin = self.definitions.find(&head).with_context(|| format!("no table {table}"))?;
        let rest = &self.definitions[begin..];
        Ok(&rest[..rest.find(';').context("unterminated statement")?])
    }
}

pub(crate) fn add_primary_key(client: &mut Client, table: &str, key: &str) -> Result<()> {
    Ok(client.batch_execute(&format!("alter table {table} add primary key ({key})"))?)
}

/// Writes rows whose text ends with a delimiter.
pub(crate) fn write_rows(
    rows: impl Iterator<Item = impl Display>,
    out: &mut dyn Write,
) -> Result<()> {
    let mut chunk = String::with_capacity(CHUNK_BYTES + 1024);
    for row in rows {
        write!(chunk, "{row}")?;
        // The generators end each row with a delimiter, which COPY would take for one more column.
        chunk.pop();
        chunk.push('\n');
        if chunk.len() >= CHUNK_BYTES {
            out.write_all(chunk.as_bytes())?;
            chunk.clear();
        }
    }
    Ok(out.write_all(chunk.as_bytes())?)
}
