//! Statements that SQLsmith makes up over what it finds in the catalog.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use advisor_tests::bridge::{log::Log, wait_until};
use advisor_tests::cluster::SUPERUSER;
use anyhow::{Context, Result, bail, ensure};
use serde_json::json;

use crate::Case;
use crate::database::{Database, NAME, long_run};
use crate::report;
use crate::script;
use crate::send::{Call, Outcome, send};

pub(crate) const CASES: &[Case] = &[
    ("sqlsmith_in_a_latched_session_changes_nothing", in_a_latched_session),
    ("sqlsmith_through_the_bridge_changes_nothing", through_the_bridge),
];

/// How long SQLsmith is let loose, in a short run.
const SECONDS: u64 = 20;

/// How long it may take until it begins.
const LOADING: Duration = Duration::from_secs(120);

/// Statements made up a second of that time to be sent through the bridge.
const A_SECOND: u64 = 20;

/// Each run makes up the same.
const SEED: &str = "--seed=1";

/// Where SQLsmith was unpacked, or why it was not.
pub(crate) fn program() -> Result<PathBuf> {
    let folder = std::env::var_os("ADVISOR_SQLSMITH").context("ADVISOR_SQLSMITH is not set")?;
    let folder = PathBuf::from(folder);
    if let Ok(why) = fs::read_to_string(folder.join("absent")) {
        bail!("{why}");
    }
    ensure!(pooler().is_some(), "there is no PgBouncer");
    let program = folder.join("usr/bin/sqlsmith");
    ensure!(program.is_file(), "not fetched");
    Ok(program)
}

/// A command for it, with the libraries that came along.
fn command() -> Result<Command> {
    let program = program()?;
    let libraries = program.with_file_name("../lib");
    let folders = fs::read_dir(&libraries)?.map(|entry| Ok(entry?.path()));
    let folders: Vec<PathBuf> = folders.collect::<Result<_>>()?;
    let mut command = Command::new(program);
    command.env("LD_LIBRARY_PATH", std::env::join_paths(folders)?).arg(SEED);
    Ok(command)
}

fn seconds() -> Result<u64> {
    Ok(long_run()?.unwrap_or(SECONDS))
}

fn pooler() -> Option<PathBuf> {
    let unpacked = std::env::var_os("ADVISOR_PGBOUNCER").map(PathBuf::from);
    let installed = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].map(PathBuf::from);
    unpacked.into_iter().chain(installed).find(|program| program.exists())
}

/// A pooler that closes the latch of each session as soon as it is connected.
struct Latching {
    process: Child,
    socket_dir: PathBuf,
}

impl Drop for Latching {
    fn drop(&mut self) {
        // It is ours, and ends with the test one way or the other.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Latching {
    fn start(database: &Database) -> Result<Self> {
        let server = database.cluster.socket_dir();
        let owner = fs::metadata(&server)?;
        let socket_dir = server.join("latching");
        fs::create_dir(&socket_dir)?;
        let (users, config) = (socket_dir.join("users.txt"), socket_dir.join("pgbouncer.ini"));
        fs::write(&users, format!("\"{SUPERUSER}\" \"\"\n"))?;
        fs::write(
            &config,
            format!(
                "[databases]\n{NAME} = host={} dbname={NAME} connect_query='select mcp_guard(\
                 statement_time => interval ''1 s'', max_rows => 100000)'\n\
                 [pgbouncer]\npool_mode = session\nserver_reset_query =\nlisten_port = 5432\n\
                 listen_addr =\nunix_socket_dir = {}\nauth_type = trust\nauth_file = {}\n",
                server.display(),
                socket_dir.display(),
                users.display(),
            ),
        )?;
        for path in [&socket_dir, &users, &config] {
            chown(path, Some(owner.uid()), Some(owner.gid()))?;
        }
        let mut command = Command::new(pooler().context("no pooler")?);
        command.arg(&config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if fs::metadata("/proc/self")?.uid() == 0 {
            command.uid(owner.uid()).gid(owner.gid());
        }
        let latching = Self { process: command.spawn().context("start the pooler")?, socket_dir };
        let socket = latching.socket_dir.join(".s.PGSQL.5432");
        wait_until("the pooler listens", Duration::from_secs(20), || {
            Ok(UnixStream::connect(&socket).is_ok())
        })?;
        Ok(latching)
    }

    fn target(&self) -> String {
        target(&self.socket_dir.display().to_string())
    }
}

fn target(host: &str) -> String {
    format!("--target=host={host} port=5432 user={SUPERUSER} dbname={NAME}")
}

/// It connects by itself, and sends what it makes up, writes among it.
fn in_a_latched_session(database: &Database) -> Result<()> {
    let latching = Latching::start(database)?;
    database.unchanged_by(|| {
        let mut process = command()?
            .args([&latching.target(), "--verbose"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("start sqlsmith")?;
        let (log, reader) = Log::follow(process.stderr.take().context("no standard error")?);
        // It reads the catalog first, and says so; its last line about that is of indexes.
        let begun = wait_until("sqlsmith has read the catalog", LOADING, || {
            Ok(log.text().contains("indexes...done") || process.try_wait()?.is_some())
        });
        let end = Instant::now() + Duration::from_secs(seconds()?);
        while begun.is_ok() && Instant::now() < end && process.try_wait()?.is_none() {
            std::thread::sleep(Duration::from_millis(100));
        }
        let early = process.try_wait()?;
        // It may have ended.
        drop(process.kill());
        process.wait()?;
        drop(reader.join());
        let text = log.text();
        begun.context(text.clone())?;
        ensure!(early.is_none(), "sqlsmith ended: {early:?}: {text}");
        let (ran, failed) = marks(&text);
        println!("sqlsmith in a latched session: {ran} statements ran, {failed} did not");
        ensure!(ran > 20 && failed > 20, "{ran} ran, {failed} failed: {text}");
        Ok(())
    })
}

/// How many statements ran and how many failed, by the marks of `--verbose`: lines of `.` and of
/// letters, between the tables that it prints from time to time.
fn marks(text: &str) -> (usize, usize) {
    let lines = text.lines().filter(|line| line.chars().all(|c| ".eStC".contains(c)));
    let marks: Vec<char> = lines.flat_map(str::chars).collect();
    let ran = marks.iter().filter(|mark| **mark == '.').count();
    (ran, marks.len() - ran)
}

/// Has it print what it makes up.
pub(crate) fn dry_run(database: &Database, count: u64) -> Result<Output> {
    let host = database.cluster.socket_dir().display().to_string();
    let mut command = command()?;
    command.args([&target(&host), "--dry-run"]).arg(format!("--max-queries={count}"));
    Ok(command.output()?)
}

/// What it makes up, printed and sent one by one, and given to the server's judgement.
fn through_the_bridge(database: &Database) -> Result<()> {
    let count = seconds()? * A_SECOND;
    let Output { stdout, stderr, .. } = dry_run(database, count)?;
    let text = String::from_utf8_lossy(&stdout);
    let statements = script::statements(&text);
    let begun = statements.len() as u64 * 10 > count * 9;
    ensure!(begun, "{} statements: {}", statements.len(), String::from_utf8_lossy(&stderr));
    let mut pipe = database.bridge()?;
    database.unchanged_by(|| {
        let sent: Vec<&str> = statements.iter().map(String::as_str).collect();
        let calls: Vec<Call<'_>> = sent
            .iter()
            .map(|sql| Call { tool: "execute_sql", arguments: json!({"sql": sql}), sql })
            .collect();
        let outcomes = send(&mut pipe, &calls)?;
        report::print("sqlsmith", &sent, &outcomes)?;
        let ran = outcomes.iter().filter(|outcome| **outcome == Outcome::Allowed).count();
        ensure!(ran > statements.len() / 50, "{ran} ran");
        let mut client = database.client()?;
        client.batch_execute("set statement_timeout = '2s'")?;
        let judge = client.prepare("select allowed from mcp_check_read_only($1)")?;
        for sql in &statements {
            if let Err(error) = client.query_one(&judge, &[sql]) {
                error.as_db_error().with_context(|| format!("{sql}\n{error}"))?;
            }
        }
        Ok(())
    })?;
    pipe.close()?;
    Ok(())
}
