//! Through PgBouncer in transaction mode.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use mcp_bridge::db::Call;

use crate::Case;
use crate::fixture::{Fixture, databases, environment, run, server_file};

pub(crate) const CASES: &[Case] =
    &[("pooler_transaction_mode", transaction_mode), ("pooler_refuses_options", refuses_options)];

/// Where the pooler's program is, if it is there: `make setup` unpacks it.
pub(crate) fn program() -> Option<PathBuf> {
    let unpacked = std::env::var_os("ADVISOR_PGBOUNCER").map(PathBuf::from);
    let installed = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].map(PathBuf::from);
    unpacked.into_iter().chain(installed).find(|program| program.exists())
}

/// A pooler with a single connection to the server, on a socket of its own.
pub(crate) struct Pooler {
    process: Child,
    socket_dir: PathBuf,
}

impl Drop for Pooler {
    fn drop(&mut self) {
        // It is ours, and ends with the test one way or the other.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Pooler {
    pub(crate) fn start(fixture: &Fixture, name: &str) -> Result<Self> {
        let cluster = &fixture.primary;
        let folder = fs::metadata(cluster.socket_dir())?;
        let socket_dir = server_file(cluster, name)?;
        fs::create_dir(&socket_dir)?;
        let (users, config) = (socket_dir.join("users.txt"), socket_dir.join("pgbouncer.ini"));
        fs::write(&users, "\"app\" \"\"\n")?;
        fs::write(
            &config,
            format!(
                "[databases]\nshop = host={} dbname=shop\nlatched = host={} dbname=latched\n[pgbouncer]\npool_mode = transaction\n\
                 listen_port = 5432\nlisten_addr =\nunix_socket_dir = {}\nauth_type = trust\n\
                 auth_file = {}\ndefault_pool_size = 1\n",
                cluster.socket_dir().display(),
                cluster.socket_dir().display(),
                socket_dir.display(),
                users.display(),
            ),
        )?;
        for path in [&socket_dir, &users, &config] {
            chown(path, Some(folder.uid()), Some(folder.gid()))?;
        }
        let mut command = Command::new(program().context("no pooler")?);
        command.arg(&config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if fs::metadata("/proc/self")?.uid() == 0 {
            command.uid(folder.uid()).gid(folder.gid());
        }
        let pooler = Self { process: command.spawn().context("start the pooler")?, socket_dir };
        let give_up = Instant::now() + Duration::from_secs(20);
        while UnixStream::connect(pooler.socket_dir.join(".s.PGSQL.5432")).is_err() {
            ensure!(Instant::now() < give_up, "the pooler does not start");
            sleep(Duration::from_millis(20));
        }
        Ok(pooler)
    }

    fn text(&self) -> String {
        format!("{} dbname=shop", self.place())
    }

    pub(crate) fn place(&self) -> String {
        format!("host={} user=app", self.socket_dir.display())
    }
}

/// Sessions of two calls take turns on one connection of the server.
fn transaction_mode(fixture: &Fixture) -> Result<()> {
    let pooler = Pooler::start(fixture, "pooler-a")?;
    let session = fixture.session(&pooler.text())?;
    ensure!(session.role == "app" && session.application.starts_with("mcp-bridge/"), "{session:?}");
    run(async {
        let databases = databases(Some(&pooler.text()), &environment())?;
        let database = databases.get(None).map_err(|error| anyhow!("{error}"))?;
        let tasks: Vec<_> = (0..8)
            .map(|number: i32| {
                let database = database.clone();
                tokio::spawn(async move {
                    let call = Call::with_timeout(Duration::from_secs(20));
                    let mut session = database.read_only(&call).await?;
                    let sql = format!("select {number} as number, pg_sleep(0.05)::text as slept");
                    let rows = session.rows(&sql, &[]).await?;
                    session.finish().await;
                    Ok::<_, mcp_bridge::error::ToolError>(rows[0]["number"].as_i64())
                })
            })
            .collect();
        for (number, task) in tasks.into_iter().enumerate() {
            let answer = task.await?.map_err(|error| anyhow!("{error:?}"))?;
            ensure!(answer == i64::try_from(number).ok(), "{number}: {answer:?}");
        }
        Ok(())
    })
}

/// The reason for sending none unless asked to.
fn refuses_options(fixture: &Fixture) -> Result<()> {
    let pooler = Pooler::start(fixture, "pooler-b")?;
    let error = fixture.refusal(&format!("{} options='-c geqo=off'", pooler.text()))?;
    ensure!(error.sqlstate.is_some() && error.message.contains("options"), "{error:?}");
    Ok(())
}
