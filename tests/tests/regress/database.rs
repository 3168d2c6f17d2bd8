//! A scratch cluster with the database that the regression suite leaves behind.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use advisor_tests::bridge::{self, stdio::Pipe};
use advisor_tests::cluster::{Cluster, SUPERUSER};
use advisor_tests::robust::log;
use anyhow::{Context, Result, bail, ensure};
use postgres::Client;

use crate::state::{self, State};

/// The name that the suite expects.
pub(crate) const NAME: &str = "regression";

/// Scripts of a group that run side by side.
const SIDE_BY_SIDE: usize = 4;

/// Where the suite was unpacked, or why it was not.
pub(crate) fn suite() -> Result<PathBuf> {
    let folder = std::env::var_os("ADVISOR_REGRESS").context("ADVISOR_REGRESS is not set")?;
    let folder = PathBuf::from(folder);
    if folder.join("parallel_schedule").is_file() {
        return Ok(folder);
    }
    bail!("{}", fs::read_to_string(folder.join("absent")).unwrap_or_else(|_| "not fetched".into()))
}

/// For how many seconds SQLsmith is let loose in a long run, in which all of the suite is sent:
/// `FUZZ_SECONDS`. None in a short one.
pub(crate) fn long_run() -> Result<Option<u64>> {
    match std::env::var("FUZZ_SECONDS") {
        Ok(text) => Ok(Some(text.parse().with_context(|| format!("FUZZ_SECONDS is \"{text}\""))?)),
        Err(_) => Ok(None),
    }
}

/// The cluster, and a copy of the suite that the server can read.
pub(crate) struct Database {
    pub(crate) cluster: Cluster,
    folder: PathBuf,
}

impl Database {
    /// Runs the suite's scripts, whose errors are part of them.
    pub(crate) fn start(suite: &Path) -> Result<Self> {
        let begin = Instant::now();
        let cluster = Cluster::start(log::SETTINGS)?;
        let folder = cluster.socket_dir().join("regress");
        let owner = fs::metadata(cluster.socket_dir())?.uid();
        copy(suite, &folder, owner)?;
        let results = folder.join("results");
        fs::create_dir(&results)?;
        chown(&results, Some(owner), None)?;
        let database = Self { cluster, folder };
        database.cluster.create_database(NAME)?;
        for group in database.groups()? {
            for some in group.chunks(SIDE_BY_SIDE) {
                let started: Vec<_> = some
                    .iter()
                    .map(|name| database.psql(name).spawn())
                    .collect::<Result<_, _>>()?;
                for mut process in started {
                    process.wait()?;
                }
            }
        }
        let mut client = database.client()?;
        client.batch_execute("create extension mcp_advisor; checkpoint")?;
        let objects: i64 = client.query_one("select count(*) from pg_depend", &[])?.try_get(0)?;
        // A suite that did not run would leave 2,500.
        ensure!(objects > 5_000, "the suite left {objects} dependencies only");
        println!("database of the suite: {objects} dependencies, {:.0?}", begin.elapsed());
        Ok(database)
    }

    /// The names of the scripts, by the groups of the schedule.
    fn groups(&self) -> Result<Vec<Vec<String>>> {
        let schedule = fs::read_to_string(self.folder.join("parallel_schedule"))?;
        let groups = schedule.lines().filter_map(|line| line.strip_prefix("test:"));
        Ok(groups.map(|names| names.split_whitespace().map(str::to_owned).collect()).collect())
    }

    /// All scripts, in the order of the schedule.
    pub(crate) fn scripts(&self) -> Result<Vec<(String, String)>> {
        let mut scripts = Vec::new();
        for name in self.groups()?.into_iter().flatten() {
            // A few are in another encoding on purpose.
            let text = fs::read(self.folder.join("sql").join(format!("{name}.sql")))?;
            scripts.push((name, String::from_utf8_lossy(&text).into_owned()));
        }
        Ok(scripts)
    }

    fn psql(&self, script: &str) -> Command {
        let mut command = self.cluster.client("psql");
        command
            .args(["--no-psqlrc", "--quiet", "--dbname", NAME, "--file"])
            .arg(self.folder.join("sql").join(format!("{script}.sql")))
            .env("PG_ABS_SRCDIR", &self.folder)
            .env("PG_ABS_BUILDDIR", &self.folder)
            .env("PG_LIBDIR", self.folder.join("lib"))
            .env("PG_DLSUFFIX", ".so")
            .env("PGTZ", "PST8PDT")
            .env("PGDATESTYLE", "Postgres, MDY")
            .env("PGOPTIONS", "-c statement_timeout=60s")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// A session as superuser.
    pub(crate) fn client(&self) -> Result<Client> {
        self.cluster.connect(NAME)
    }

    /// A restricted bridge that is connected as superuser.
    pub(crate) fn bridge(&self) -> Result<Pipe> {
        let mut command = bridge::command()?;
        command
            .args(["--statement-timeout=2", "--log-level=error"])
            .env("DATABASE_URI", self.cluster.uri(NAME, SUPERUSER));
        Pipe::initialized(&mut command)
    }

    /// Whether the database is as it was, and no backend has crashed, once `work` is done.
    pub(crate) fn unchanged_by(&self, work: impl FnOnce() -> Result<()>) -> Result<()> {
        let before = self.state()?;
        let logged = self.cluster.log().len();
        let done = work();
        let log = self.cluster.log();
        let crash = log[logged..].lines().find(|line| {
            ["PANIC", "terminated by signal", "server process", "TRAP:"]
                .iter()
                .any(|sign| line.contains(sign))
        });
        if let Some(line) = crash {
            let at = log.find(line).unwrap_or(0);
            bail!(
                "a backend has crashed:\n{}",
                log[at..].lines().take(8).collect::<Vec<_>>().join("\n")
            );
        }
        done?;
        state::assert_same(&before, &self.state()?)
    }

    fn state(&self) -> Result<State> {
        // A session of its own, whose settings are those of new ones.
        state::state(&mut self.client()?)
    }
}

/// Copies the suite to where the server's user may read it and, in `results`, write.
fn copy(suite: &Path, to: &Path, owner: u32) -> Result<()> {
    fs::create_dir(to)?;
    chown(to, Some(owner), None)?;
    for entry in fs::read_dir(suite).with_context(|| format!("read {}", suite.display()))? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to, owner)?;
        } else {
            fs::copy(&from, &to)?;
            chown(&to, Some(owner), None)?;
        }
    }
    Ok(())
}
