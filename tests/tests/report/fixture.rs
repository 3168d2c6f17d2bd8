//! The cluster, a store with a recorded workload, databases that lack something, and the reports.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};

use advisor_tests::bridge;
use advisor_tests::cluster::{Cluster, SUPERUSER};
use anyhow::{Context, Result, ensure};
use postgres::Client;

/// The database with a workload and with names that would like to be markup.
pub(crate) const STORE: &str = "store";
/// A database with both extensions and nothing else.
pub(crate) const EMPTY: &str = "nothing";
/// A database with data and without `pg_stat_statements`.
pub(crate) const UNRECORDED: &str = "unrecorded";
/// A database with data and without any extension.
pub(crate) const BARE: &str = "bare";
/// A role that may connect and nothing else.
pub(crate) const POOR: &str = "poor";
/// A role that monitors and reads.
pub(crate) const READER: &str = "reader";

const WORLD: &str = include_str!("world.sql");
const STATEMENTS: &str = include_str!("statements.sql");

const SETTINGS: &str = "
shared_preload_libraries = 'pg_stat_statements'
max_connections = 60
";

/// Everything the cases share.
pub(crate) struct Fixture {
    pub(crate) cluster: Cluster,
    folder: Folder,
}

/// A folder of our own that goes with the value.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing depends on it, and there is nobody to tell.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Fixture {
    pub(crate) fn start() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("mcp-bridge-report-{}", std::process::id()));
        std::fs::create_dir(&path).with_context(|| format!("create {}", path.display()))?;
        let folder = Folder(path);
        let cluster = Cluster::start(SETTINGS)?;
        let mut admin = cluster.create_database(STORE)?;
        admin.batch_execute(&format!(
            "create role {READER} login; grant pg_monitor, pg_read_all_data to {READER};
             create role {POOR} login;"
        ))?;
        admin.batch_execute(WORLD)?;
        // Or what was just loaded would count as changes since.
        admin.batch_execute("select pg_stat_force_next_flush()")?;
        admin.batch_execute("analyze")?;
        extensions(&mut admin, &["pg_stat_statements", "mcp_advisor"])?;
        admin.batch_execute("select pg_stat_statements_reset()")?;
        run_workload(&mut admin)?;
        extensions(&mut cluster.create_database(EMPTY)?, &["pg_stat_statements", "mcp_advisor"])?;
        let mut unrecorded = cluster.create_database(UNRECORDED)?;
        unrecorded.batch_execute("create table t as select 1 as a")?;
        extensions(&mut unrecorded, &["mcp_advisor"])?;
        cluster.create_database(BARE)?.batch_execute("create table t as select 1 as a")?;
        Ok(Self { cluster, folder })
    }

    /// A path for a file, never given twice.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        self.folder.0.join(format!("{}-{name}", NUMBER.fetch_add(1, Ordering::Relaxed)))
    }

    /// Runs `mcp-bridge report` on a database as a role.
    pub(crate) fn run(&self, database: &str, role: &str, arguments: &[&str]) -> Result<Output> {
        let mut command = bridge::command()?;
        command.arg("report").args(arguments).env("DATABASE_URI", self.cluster.uri(database, role));
        command.output().context("run mcp-bridge")
    }

    /// Makes a report and gives its path.
    pub(crate) fn report(&self, database: &str, role: &str, more: &[&str]) -> Result<PathBuf> {
        let path = self.path("report.html");
        let arguments = [&["--html", text(&path)?], more].concat();
        let output = self.run(database, role, &arguments)?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(path)
    }

    /// The report about the store as its superuser.
    pub(crate) fn store(&self) -> Result<PathBuf> {
        self.report(STORE, SUPERUSER, &[])
    }
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is no text")
}

fn extensions(client: &mut Client, names: &[&str]) -> Result<()> {
    for name in names {
        client.batch_execute(&format!("create extension {name}"))?;
    }
    Ok(())
}

fn run_workload(client: &mut Client) -> Result<()> {
    for line in STATEMENTS.lines().filter(|line| !line.starts_with("--")) {
        let (times, statement) = line.split_once(": ").context("no number")?;
        for _ in 0..times.parse::<u32>()? {
            client.batch_execute(statement)?;
        }
    }
    Ok(())
}
