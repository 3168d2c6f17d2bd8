//! What is attacked: a server of its own, with sessions to disturb, files to read and a port to reach.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use advisor_tests::bridge::wait_until;
use advisor_tests::cluster::Cluster;
use anyhow::{Context, Result, anyhow};
use postgres::Client;

/// The database that those of the classes are copies of.
const TEMPLATE: &str = "template_of_attacks";

const SETTINGS: &str = "
shared_preload_libraries = 'pg_stat_statements'
shared_buffers = '64MB'
wal_level = logical
max_wal_senders = 5
max_replication_slots = 30
max_prepared_transactions = 10
max_connections = 60
checkpoint_timeout = '1h'
logging_collector = on
log_min_messages = fatal
log_min_error_statement = fatal
primary_conninfo = 'host=nowhere password=canary-primary'
app.jwt_secret = 'canary-app-secret'
";

/// The server, and what is around it.
pub(super) struct World {
    pub(super) cluster: Cluster,
    pub(super) root: PathBuf,
    port: u16,
    visitors: Arc<AtomicUsize>,
    // Sessions are not shared, the world is.
    admin: Mutex<Client>,
    idle: Option<(i32, Mutex<Client>)>,
    sleeper: Option<i32>,
}

impl World {
    pub(super) fn start(common: &str, extension: bool) -> Result<Self> {
        let cluster = Cluster::start(SETTINGS)?;
        let root = cluster.socket_dir().parent().context("no root")?.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let visitors = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&visitors);
        thread::spawn(move || {
            for _ in listener.incoming() {
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        let admin = Mutex::new(cluster.connect("postgres")?);
        let mut world = Self { cluster, root, port, visitors, admin, idle: None, sleeper: None };
        world.fill(common, extension)?;
        world.revive()?;
        Ok(world)
    }

    fn admin(&mut self) -> Result<&mut Client> {
        self.admin.get_mut().map_err(|_| anyhow!("a thread panicked"))
    }

    fn fill(&mut self, common: &str, extension: bool) -> Result<()> {
        let scratch = self.root.join("scratch").display().to_string();
        self.admin()?.batch_execute(&format!(
            "copy (select) to program 'mkdir {scratch} && cat > /dev/null'"
        ))?;
        let data = self.root.join("data").display().to_string();
        let line = "host all all 10.0.0.0/8 ldap ldapserver=nowhere ldapbasedn=x \
            ldapbinddn=x ldapbindpasswd=canary-of-hba";
        self.admin()?.batch_execute(&format!(
            "copy (select '{line}') to program 'cat >> {data}/pg_hba.conf'; select pg_reload_conf()"
        ))?;
        let mut client = self.cluster.create_database(TEMPLATE)?;
        let common = self.places(common, TEMPLATE);
        client.batch_execute(&common).context("common.sql")?;
        if extension {
            client.batch_execute("create extension mcp_advisor")?;
        }
        Ok(())
    }

    /// `text` with what stands for `{…}` in it.
    pub(super) fn places(&self, text: &str, database: &str) -> String {
        let idle = self.idle.as_ref().map_or(0, |(pid, _)| *pid);
        let path = |name: &str| self.root.join(name).display().to_string();
        text.replace("{scratch}", &path("scratch"))
            .replace("{data}", &path("data"))
            .replace("{socket}", &path("run"))
            .replace("{port}", &self.port.to_string())
            .replace("{database}", database)
            .replace("{idle}", &idle.to_string())
            .replace("{sleeper}", &self.sleeper.unwrap_or_default().to_string())
    }

    /// A session that does what `sql` says, in a transaction that ends with it.
    pub(super) fn meanwhile(&self, sql: Option<&String>, database: &str) -> Result<Option<Client>> {
        let Some(sql) = sql else { return Ok(None) };
        let mut client = self.cluster.connect(database)?;
        client.batch_execute(&format!("begin; {}", self.places(sql, database)))?;
        Ok(Some(client))
    }

    /// A fresh copy of the template.
    pub(super) fn database(&mut self, name: &str) -> Result<()> {
        // The session that filled the template may still be on its way out.
        wait_until("the template is free", Duration::from_secs(10), || {
            let sql = format!("select count(*) from pg_stat_activity where datname = '{TEMPLATE}'");
            Ok(self.admin()?.query_one(&sql, &[])?.try_get::<_, i64>(0)? == 0)
        })?;
        let create = format!("create database \"{name}\" template {TEMPLATE} strategy file_copy");
        self.admin()?.batch_execute(&create).with_context(|| create.clone())
    }

    /// Who came to the port.
    pub(super) fn visitors(&self) -> usize {
        self.visitors.load(Ordering::Relaxed)
    }

    /// The sessions to disturb: whether they are there, and undisturbed.
    pub(super) fn bystanders(&mut self) -> Result<String> {
        let idle = self.idle.as_ref().map_or(0, |(pid, _)| *pid);
        let pids = vec![idle, self.sleeper.unwrap_or_default()];
        let sql =
            "select coalesce(string_agg(concat(pid, state, query_start), ' ' order by pid), '')
            from pg_stat_activity where pid = any($1)";
        Ok(self.admin()?.query_one(sql, &[&pids])?.try_get(0)?)
    }

    /// Brings the sessions to disturb to life that somebody has ended.
    pub(super) fn revive(&mut self) -> Result<()> {
        let alive = |admin: &mut Client, pid: i32| -> Result<bool> {
            let sql = "select exists (select from pg_stat_activity where pid = $1 and (state = 'idle' or query ~ 'sleep'))";
            Ok(admin.query_one(sql, &[&pid])?.try_get(0)?)
        };
        let idle = self.idle.as_ref().map_or(0, |(pid, _)| *pid);
        if !alive(self.admin()?, idle)? {
            let mut client = self.cluster.connect("postgres")?;
            let pid = client.query_one("select pg_backend_pid()", &[])?.try_get(0)?;
            self.idle = Some((pid, Mutex::new(client)));
        }
        let sleeper = self.sleeper.unwrap_or_default();
        if !alive(self.admin()?, sleeper)? {
            let mut client = self.cluster.connect("postgres")?;
            self.sleeper = Some(client.query_one("select pg_backend_pid()", &[])?.try_get(0)?);
            // Ends with an error when it is disturbed, which `bystanders` shows.
            thread::spawn(move || client.batch_execute("select pg_sleep(3600)"));
            let sleeper = self.sleeper.unwrap_or_default();
            wait_until("the sleeper sleeps", Duration::from_secs(10), || {
                let sql = "select exists (select from pg_stat_activity where pid = $1 and query ~ 'pg_sleep')";
                Ok(self.admin()?.query_one(sql, &[&sleeper])?.try_get(0)?)
            })?;
        }
        Ok(())
    }
}
