//! What a second session sees of the server: everything that an attack may change.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use postgres::Client;
use postgres::fallible_iterator::FallibleIterator;

use super::world::World;

/// The state, by name of its parts.
pub(super) type State = BTreeMap<String, String>;

/// Sessions of the second one, in the database of a class.
pub(super) struct Observer {
    pub(super) database: String,
    pub(super) client: Client,
    listener: Client,
    messages: usize,
}

/// The channel that somebody listens to.
const CHANNEL: &str = "attack";

impl Observer {
    pub(super) fn connect(world: &World, database: &str) -> Result<Self> {
        let client = world.cluster.connect(database)?;
        let mut listener = world.cluster.connect(database)?;
        listener.batch_execute(&format!("listen {CHANNEL}"))?;
        Ok(Self { database: database.to_owned(), client, listener, messages: 0 })
    }

    /// The state now.
    pub(super) fn state(&mut self, world: &mut World) -> Result<State> {
        let mut state = State::new();
        for row in
            self.client.query("select part, coalesce(value, '') from observer.state()", &[])?
        {
            state.insert(row.try_get(0)?, row.try_get(1)?);
        }
        let mut add = |part: &str, value: String| state.insert(part.to_owned(), value);
        add("connections to a port", world.visitors().to_string());
        add("other sessions", world.bystanders()?);
        add("files", files(&world.root));
        add("temporary files", temporary_files(&world.root));
        let arrived = self.listener.notifications().timeout_iter(Duration::ZERO).count();
        self.messages += arrived.context("listen")?;
        add("messages", self.messages.to_string());
        Ok(state)
    }

    /// Rows of the catalog: dear, and never changed without a transaction number.
    pub(super) fn catalogs(&mut self) -> Result<String> {
        Ok(self.client.query_one("select observer.catalogs()", &[])?.try_get(0)?)
    }

    /// Where the log of changes ends.
    pub(super) fn log_end(&mut self) -> Result<String> {
        Ok(self.client.query_one("select pg_current_wal_insert_lsn()::text", &[])?.try_get(0)?)
    }

    /// What was logged since `place` that reading does not log. Looking for it logs too.
    pub(super) fn logged(&mut self, place: &str) -> Result<Option<String>> {
        let end = self.log_end()?;
        if end == place {
            return Ok(None);
        }
        // Only what is written to disk can be read; a commit writes all that is before it.
        self.client.batch_execute(
            "set synchronous_commit = on; select pg_logical_emit_message(true, 'observer', '')",
        )?;
        let sql = format!("select observer.changes('{place}', '{end}')");
        Ok(self.client.query_one(&sql, &[])?.try_get(0)?)
    }

    /// What a query says that gives one truth value.
    pub(super) fn holds(&mut self, sql: &str) -> Result<bool> {
        let row = self.client.query_one(sql, &[]).with_context(|| format!("holds: {sql}"))?;
        Ok(row.try_get::<_, Option<bool>>(0)?.unwrap_or(false))
    }
}

/// Parts that what has ended may leave for a moment.
const PASSING: [&str; 2] = ["advisory locks", "temporary files"];

/// How long that moment may be.
const SETTLED: Duration = Duration::from_secs(3);

/// What differs from before, once what has ended is over.
pub(super) fn settled(
    world: &mut World,
    observer: &mut Observer,
    before: &State,
) -> Result<Vec<String>> {
    let begin = Instant::now();
    loop {
        let differs = difference(before, &observer.state(world)?);
        let lasts = |one: &String| !PASSING.iter().any(|part| one.starts_with(part));
        if differs.iter().any(lasts) || differs.is_empty() || begin.elapsed() > SETTLED {
            return Ok(differs);
        }
        sleep(Duration::from_millis(20));
    }
}

/// The parts that differ, as words: of each the lines that are gone, and those that came.
pub(super) fn difference(before: &State, after: &State) -> Vec<String> {
    let mut differs = Vec::new();
    for (part, was) in before {
        let is = after.get(part).map(String::as_str).unwrap_or_default();
        if was != is {
            let only = |one: &str, other: &str| {
                let lines = one.lines().filter(|line| !other.lines().any(|also| also == *line));
                lines.collect::<Vec<_>>().join(", ")
            };
            differs.push(format!("{part}: {} → {}", only(was, is), only(is, was)));
        }
    }
    differs
}

/// Names of files that the server or its programs may have made, and what is in those of the
/// scratch folder and in the configuration.
fn files(root: &Path) -> String {
    let data = root.join("data");
    let mut found = Vec::new();
    list(&root.join("scratch"), true, 3, &mut found);
    list(&data, false, 0, &mut found);
    for folder in ["log", "pg_replslot", "pg_snapshots", "pg_tblspc", "pg_twophase"] {
        list(&data.join(folder), false, 2, &mut found);
    }
    for file in ["postgresql.auto.conf", "postgresql.conf", "pg_hba.conf", "pg_ident.conf"] {
        let text = fs::read(data.join(file)).unwrap_or_default();
        found.push(format!("{file} {:x}", hash(&text)));
    }
    found.sort();
    found.join("\n")
}

fn temporary_files(root: &Path) -> String {
    let mut found = Vec::new();
    list(&root.join("data/base/pgsql_tmp"), false, 1, &mut found);
    found.join("\n")
}

fn list(folder: &Path, contents: bool, depth: usize, found: &mut Vec<String>) {
    // A folder or file that is not there, or is gone meanwhile, is none.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let mut line = path.display().to_string();
        if path.is_dir() {
            if depth > 0 {
                list(&path, contents, depth - 1, found);
            }
        } else if contents {
            line = format!("{line} {:x}", hash(&fs::read(&path).unwrap_or_default()));
        }
        found.push(line);
    }
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
