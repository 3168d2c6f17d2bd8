//! A PostgreSQL server of our own: own installation tree, own data, own socket, gone at the end.
//!
//! Nothing of the machine's PostgreSQL is written to. `tree` builds an installation tree in a
//! temporary folder and puts the staged extension into it; `watchdog` runs the server and
//! removes the folder, also when this process is killed.

mod owner;
mod tree;
mod watchdog;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use postgres::{Client, Config, NoTls};

use owner::Owner;
use tree::Installation;
use watchdog::Watchdog;

/// The superuser of every scratch cluster.
pub const SUPERUSER: &str = "postgres";

/// How long a server may take to accept connections. Generous: the machine may be busy.
const START_LIMIT: Duration = Duration::from_secs(120);

/// A running server that lives as long as the value.
#[derive(Debug)]
pub struct Cluster {
    watchdog: Watchdog,
    installation: Installation,
    root: PathBuf,
    server_pid: u32,
}

/// Settings that make a throw-away cluster quick and quiet. Nothing here changes a plan: the
/// planner's settings stay at their defaults, so that costs compare with other people's. Commits are
/// synchronous, which costs nothing without fsync: VACUUM does not call pages all-visible whose rows
/// are of a transaction that is not flushed yet.
const SETTINGS: &str = "
listen_addresses = ''
fsync = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_wal_size = '8GB'
autovacuum = off
shared_buffers = '512MB'
maintenance_work_mem = '512MB'
logging_collector = off
log_min_messages = warning
";

impl Cluster {
    /// Creates and starts a cluster that has the staged extension installed.
    ///
    /// `settings` are further lines of `postgresql.conf`. The stage is the folder in
    /// `ADVISOR_STAGE`, by default `target/stage`.
    ///
    /// # Errors
    /// When the stage or the server programs are missing, or the server does not come up; the
    /// message has the server's log.
    pub fn start(settings: &str) -> Result<Self> {
        Self::create(settings, |installation, root, owner| initdb(installation, root, owner, &[]))
    }

    /// The same with data checksums.
    ///
    /// # Errors
    /// As for [`Cluster::start`].
    pub fn start_with_checksums(settings: &str) -> Result<Self> {
        Self::create(settings, |installation, root, owner| {
            initdb(installation, root, owner, &["--data-checksums"])
        })
    }

    /// Creates and starts a hot standby of this cluster, which must be set to `wal_level = replica`
    /// and to some `max_wal_senders`.
    ///
    /// `settings` are as for [`Cluster::start`]; those that a standby must have as high as its
    /// primary (`max_wal_senders`, `max_connections`) have to be among them.
    ///
    /// # Errors
    /// As for [`Cluster::start`], or when the base backup fails.
    pub fn standby(&self, settings: &str) -> Result<Self> {
        let primary = self.socket_dir();
        Self::create(settings, |installation, root, owner| {
            base_backup(installation, &primary, root, owner)
        })
    }

    /// Creates a cluster whose data directory `make_data` makes, and starts it.
    fn create(
        settings: &str,
        make_data: impl FnOnce(&Installation, &Path, &Owner) -> Result<()>,
    ) -> Result<Self> {
        let stage = stage_dir();
        ensure!(stage.is_dir(), "nothing staged in {}: run make build", stage.display());
        let installation = Installation::find()?;
        let owner = Owner::find()?;
        let root = create_root(&owner)?;
        // From here on the folder is removed whatever happens.
        let mut watchdog =
            Watchdog::spawn(&root, &installation.program(&root, "postgres"), &owner)?;
        installation.relocate(&root, &stage, &owner)?;
        make_data(&installation, &root, &owner)?;
        configure(&root, settings)?;
        let server_pid = watchdog.start_server()?;
        let cluster = Self { watchdog, installation, root, server_pid };
        cluster.wait_until_ready()?;
        Ok(cluster)
    }

    /// Stops and starts the server, with more lines of `postgresql.conf`.
    ///
    /// # Errors
    /// When it does not come up again.
    pub fn restart(&mut self, settings: &str) -> Result<()> {
        self.watchdog.stop_server()?;
        configure(&self.root, settings)?;
        self.server_pid = self.watchdog.start_server()?;
        self.wait_until_ready()
    }

    /// Connects as superuser.
    ///
    /// # Errors
    /// Whatever the server answers.
    pub fn connect(&self, database: &str) -> Result<Client> {
        self.connect_as(database, SUPERUSER)
    }

    /// Connects as `user`; every user is trusted.
    ///
    /// # Errors
    /// Whatever the server answers.
    pub fn connect_as(&self, database: &str, user: &str) -> Result<Client> {
        self.config(database, user).connect(NoTls).with_context(|| format!("connect to {database}"))
    }

    fn config(&self, database: &str, user: &str) -> Config {
        let mut config = Config::new();
        config.host_path(self.socket_dir()).dbname(database).user(user).application_name("advisor");
        config
    }

    /// The URI by which other programs connect.
    #[must_use]
    pub fn uri(&self, database: &str, user: &str) -> String {
        format!("postgresql://{user}@/{database}?host={}", self.socket_dir().display())
    }

    /// Creates an empty database and connects to it.
    ///
    /// # Errors
    /// Whatever the server answers.
    pub fn create_database(&self, name: &str) -> Result<Client> {
        self.connect("postgres")?.batch_execute(&format!("create database \"{name}\""))?;
        self.connect(name)
    }

    /// Runs `sql` in psql, which writes to this process's standard output.
    ///
    /// # Errors
    /// When psql ends with an error, after it has printed it.
    pub fn psql(&self, database: &str, sql: &str) -> Result<()> {
        let status = Command::new(self.installation.client("psql"))
            .args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--username", SUPERUSER])
            .arg("--host")
            .arg(self.socket_dir())
            .args(["--dbname", database, "--command", sql])
            .env("PAGER", "")
            .stdin(Stdio::null())
            .status()
            .context("run psql")?;
        ensure!(status.success(), "psql: {status}");
        Ok(())
    }

    /// The queries that psql sends for a command of its own, such as `\\d+`.
    ///
    /// # Errors
    /// When psql cannot be run or sends none.
    pub fn queries_of_psql(&self, database: &str, command: &str) -> Result<Vec<String>> {
        let output = Command::new(self.installation.client("psql"))
            .args(["--no-psqlrc", "--echo-hidden", "--username", SUPERUSER, "--host"])
            .arg(self.socket_dir())
            .args(["--dbname", database, "--command", command])
            .env("PAGER", "")
            .stdin(Stdio::null())
            .output()
            .context("run psql")?;
        let text = String::from_utf8(output.stdout)?;
        // From 17 on the lines of stars are comments.
        let is_line = |line: &str, inner: &str| {
            let line = line.trim_matches('/');
            line.len() > 20 && line.replace('*', "").trim() == inner
        };
        let mut queries: Vec<String> = Vec::new();
        let mut within = false;
        for line in text.lines() {
            if is_line(line, "QUERY") {
                within = true;
                queries.push(String::new());
            } else if is_line(line, "") {
                within = false;
            } else if let (true, Some(query)) = (within, queries.last_mut()) {
                query.push_str(if query.is_empty() { "" } else { "\n" });
                query.push_str(line);
            }
        }
        // That it finds nothing to show is an error to psql.
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(!queries.is_empty(), "psql asks nothing for {command}: {error}");
        Ok(queries)
    }

    /// Adds a script of an extension, such as one of an earlier version.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add_script(&self, name: &str, text: &str) -> Result<()> {
        let path = self.installation.extensions(&self.root).join(name);
        fs::write(&path, text).with_context(|| path.display().to_string())
    }

    /// A command for a client program that connects as superuser.
    #[must_use]
    pub fn client(&self, program: &str) -> Command {
        let mut command = Command::new(self.installation.client(program));
        command.env("PGHOST", self.socket_dir()).env("PGUSER", SUPERUSER);
        command
    }

    /// The folder of the Unix socket.
    #[must_use]
    pub fn socket_dir(&self) -> PathBuf {
        self.root.join("run")
    }

    /// Process id of the postmaster; another one after a restart.
    #[must_use]
    pub fn server_pid(&self) -> u32 {
        self.server_pid
    }

    /// What the server has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        // Statements in it may be in any encoding, or none.
        let bytes = fs::read(self.root.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn wait_until_ready(&self) -> Result<()> {
        let give_up = Instant::now() + START_LIMIT;
        while self.config("postgres", SUPERUSER).connect(NoTls).is_err() {
            if !watchdog::is_running(self.server_pid) || Instant::now() > give_up {
                bail!("the server did not start:\n{}", self.log());
            }
            sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

/// The version of the servers as they compare them, such as 150018. Few cases need it: where a
/// catalog of another version has other columns, or psql and its like say something else.
///
/// # Errors
/// When `pg_config` is missing or its answer has no version.
pub fn server_version() -> Result<u32> {
    Ok(Installation::find()?.version)
}

fn stage_dir() -> PathBuf {
    std::env::var_os("ADVISOR_STAGE").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/stage"),
        PathBuf::from,
    )
}

/// A new folder that the server's user owns. Not below the repository, which that user may be
/// unable to reach, and short, because the path of a Unix socket is limited to 107 bytes.
fn create_root(owner: &Owner) -> Result<PathBuf> {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let root = PathBuf::from(format!("/tmp/mcp-advisor-{}-{number}", std::process::id()));
    // Fails if it exists: somebody else's folder is not used, and not removed.
    owner.create_dir(&root)?;
    owner.create_dir(&root.join("run"))?;
    Ok(root)
}

fn initdb(installation: &Installation, root: &Path, owner: &Owner, options: &[&str]) -> Result<()> {
    let mut command = Command::new(installation.program(root, "initdb"));
    // From 18 on the default is with them.
    if installation.version >= 180_000 && !options.contains(&"--data-checksums") {
        command.arg("--no-data-checksums");
    }
    command
        .args(options)
        .args(["--username", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--locale=C"])
        .args(["--no-sync", "--no-instructions", "--pgdata"])
        .arg(root.join("data"));
    let output = owner.run_as(&mut command).current_dir(root).output().context("run initdb")?;
    ensure!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn base_backup(
    installation: &Installation,
    primary: &Path,
    root: &Path,
    owner: &Owner,
) -> Result<()> {
    let mut command = Command::new(installation.client("pg_basebackup"));
    command
        .args(["--username", SUPERUSER, "--checkpoint=fast", "--no-sync", "--write-recovery-conf"])
        .arg("--host")
        .arg(primary)
        .arg("--pgdata")
        .arg(root.join("data"));
    let output = owner.run_as(&mut command).current_dir(root).output().context("pg_basebackup")?;
    ensure!(output.status.success(), "pg_basebackup: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn configure(root: &Path, settings: &str) -> Result<()> {
    let mut file = OpenOptions::new().append(true).open(root.join("data/postgresql.conf"))?;
    let socket_dir = root.join("run");
    write!(file, "{SETTINGS}unix_socket_directories = '{}'\n{settings}\n", socket_dir.display())?;
    Ok(())
}
