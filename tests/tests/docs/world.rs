//! Where the documents' commands run: a scratch cluster, and a home of their own.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use advisor_tests::bridge::{self, proxy::Proxy};
use advisor_tests::cluster::{Cluster, SUPERUSER};
use advisor_tests::tpch;
use anyhow::{Context, Result, ensure};

/// The database of the documents, made anew for each of them.
pub(crate) const DATABASE: &str = "shop";

/// Where the documents say that the bridge is.
pub(crate) const INSTALLED: &str = "/usr/local/bin/mcp-bridge";

/// The empty database of the documents on advice beside a managed server, and who owns it.
const SCRATCH: &str = "scratch";

const SETTINGS: &str = "
shared_preload_libraries = 'pg_stat_statements'
max_locks_per_transaction = 256
";

/// Roles that the documents connect as: none is a superuser, as the documents advise.
const ROLES: &str = "
create role app login;
create role \"user\" login;
create role reader login;
create role shadow_owner login;
grant pg_monitor, pg_read_all_data to app, \"user\", reader;
";

/// What was done, for the end.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) sql: usize,
    pub(crate) shell: usize,
    pub(crate) outputs: usize,
    pub(crate) parsed: usize,
    pub(crate) targets: usize,
    /// Place and reason.
    pub(crate) not_run: Vec<String>,
}

/// What all documents share.
pub(crate) struct World {
    pub(crate) cluster: Cluster,
    proxy: Proxy,
    folder: Folder,
    pub(crate) counts: Mutex<Counts>,
}

/// A folder of our own that goes with the value.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing depends on it, and there is nobody to tell.
        drop(fs::remove_dir_all(&self.0));
    }
}

impl World {
    pub(crate) fn start() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("mcp-advisor-docs-{}", std::process::id()));
        fs::create_dir(&path).with_context(|| format!("create {}", path.display()))?;
        let folder = Folder(path);
        let cluster = Cluster::start(SETTINGS)?;
        cluster.connect("postgres")?.batch_execute(ROLES)?;
        let proxy = Proxy::start(&cluster.socket_dir())?;
        let programs = folder.0.join("bin");
        fs::create_dir(&programs)?;
        symlink(bridge::program()?, programs.join("mcp-bridge"))?;
        Ok(Self { cluster, proxy, folder, counts: Mutex::default() })
    }

    /// Makes the database and the scratch database anew, both empty.
    pub(crate) fn empty_databases(&self) -> Result<()> {
        let mut client = self.cluster.connect("postgres")?;
        for (name, owner) in [(DATABASE, SUPERUSER), (SCRATCH, "shadow_owner")] {
            client.batch_execute(&format!("drop database if exists {name} with (force)"))?;
            client.batch_execute(&format!("create database {name} owner {owner}"))?;
        }
        // It needs a superuser, once; what is done there does not.
        Ok(self.cluster.connect(SCRATCH)?.batch_execute("create extension mcp_advisor")?)
    }

    /// An empty home for a document.
    pub(crate) fn home(&self, document: &str) -> Result<PathBuf> {
        let home = self.folder.0.join(document.replace('/', "-"));
        fs::create_dir(&home)?;
        Ok(home)
    }

    /// Counts something.
    pub(crate) fn count(&self, what: impl FnOnce(&mut Counts)) {
        what(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Fills the database with TPC-H.
    pub(crate) fn load_tpch(&self, scale: &str) -> Result<()> {
        let scale = scale.parse().with_context(|| format!("the scale \"{scale}\""))?;
        tpch::load(
            &self.cluster,
            DATABASE,
            tpch::Spec { scale, primary_keys: true },
            &|_: &tpch::Loaded| {},
        )
    }

    /// What `psql` prints for a text; an error of the server is one.
    pub(crate) fn psql(&self, sql: &str, home: &Path) -> Result<String> {
        let file = home.join("block.sql");
        fs::write(&file, sql)?;
        let mut command = self.cluster.client("psql");
        command
            .args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname", DATABASE])
            .arg("--file")
            .arg(&file)
            .env("PAGER", "");
        let output = command.output().context("run psql")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "psql: {said}");
        Ok(String::from_utf8(output.stdout)?)
    }

    /// A shell in the home that finds the bridge and, as `localhost`, the cluster. What one block of
    /// a document exports the next one finds.
    pub(crate) fn shell(&self, script: &str, home: &Path) -> Command {
        let mut command = Command::new("bash");
        let exported = home.join(".exported");
        let path = std::env::var("PATH").unwrap_or_default();
        let programs = self.folder.0.join("bin");
        command
            .env_clear()
            .env("PATH", format!("{}:{path}", programs.display()))
            .env("HOME", home)
            .env("EXPORTED", &exported)
            .env("PGPORT", self.proxy.port().to_string())
            // Where a server listens that is told nothing else.
            .env("MCP_BRIDGE_LISTEN", "127.0.0.1:0")
            .current_dir(home)
            .arg("-c")
            .arg(format!(
                "set -euo pipefail\nif [ -f \"$EXPORTED\" ]; then . \"$EXPORTED\"; fi\n{script}"
            ));
        command
    }

    /// What a script of the shell prints; that it fails is an error.
    pub(crate) fn run(&self, script: &str, home: &Path) -> Result<String> {
        let kept = format!("{script}\nexport -p >\"$EXPORTED\"\n");
        let output = self.shell(&kept, home).output().context("run bash")?;
        let said = String::from_utf8_lossy(&output.stderr);
        let printed = String::from_utf8(output.stdout)?;
        ensure!(output.status.success(), "{}:\n{printed}{said}", output.status);
        // The path of the program under test is not that of an installed one.
        let program = fs::canonicalize(bridge::program()?)?;
        let printed = printed.replace(&program.display().to_string(), INSTALLED);
        Ok(printed.replace(&format!(":{}", self.proxy.port()), ":5432"))
    }
}
