//! The databases of the benchmark, made when a section first asks for one.

use anyhow::Result;
use postgres::Client;

use super::{app, large, statements};
use crate::cluster::{Cluster, SUPERUSER};
use crate::program::{self, Progress, megabytes};
use crate::workloads::Workload;
use crate::{measure, tpch};

/// A database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Database {
    /// TPC-H without any index.
    Bare,
    /// TPC-H with its primary keys.
    Keys,
    /// The tables of a small application.
    App,
    /// A hundred generated tables.
    Many,
    /// The thousands of tables of a large application.
    Large,
}

impl Database {
    fn name(self) -> &'static str {
        match self {
            Self::Bare => "tpch_bare",
            Self::Keys => "tpch_keys",
            Self::App => "app",
            Self::Many => "many",
            Self::Large => "large",
        }
    }

    /// In words, for headlines.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Bare => "without primary keys",
            Self::Keys => "with primary keys",
            Self::App => "application tables",
            Self::Many => "100 tables",
            Self::Large => "a large application",
        }
    }
}

fn workload_database(workload: Workload) -> String {
    format!("workload_{}", workload.name())
}

/// Makes databases and connects to them.
pub(super) struct Databases<'a> {
    cluster: &'a Cluster,
    progress: &'a Progress,
    scale: f64,
    workload_scale: f64,
    made: Vec<Database>,
    loaded: Vec<Workload>,
}

impl<'a> Databases<'a> {
    pub(super) fn new(
        cluster: &'a Cluster,
        progress: &'a Progress,
        scale: f64,
        workload_scale: f64,
    ) -> Self {
        let (made, loaded) = (Vec::new(), Vec::new());
        Self { cluster, progress, scale, workload_scale, made, loaded }
    }

    /// A new connection to the database of a workload: keys and unique constraints are all its
    /// indexes.
    ///
    /// # Errors
    /// Whatever the server answers.
    pub(super) fn connect_workload(&mut self, workload: Workload) -> Result<Client> {
        let name = workload_database(workload);
        if !self.loaded.contains(&workload) {
            let (scale, progress) = (self.workload_scale, self.progress);
            progress.part(&format!("Loading {} at scale {scale}", workload.title()));
            let mut client = self.cluster.create_database(&name)?;
            client.batch_execute("create extension hypopg; create extension mcp_advisor")?;
            workload.load(self.cluster, &name, scale, &|done| progress.line(done))?;
            let bytes = megabytes(measure::data_bytes(&mut client)? as f64);
            progress.line(&format!("{bytes} of data"));
            self.loaded.push(workload);
        }
        let mut client = self.cluster.connect(&name)?;
        measure::drop_plain_indexes(&mut client)?;
        Ok(client)
    }

    /// Connections to two copies of a workload's database. Nobody may be connected to it.
    ///
    /// # Errors
    /// Whatever the server answers.
    pub(super) fn copies(&mut self, workload: Workload) -> Result<[Client; 2]> {
        let name = workload_database(workload);
        let mut admin = self.cluster.connect("postgres")?;
        let mut copy = |side: &str| -> Result<Client> {
            let copy = format!("{name}_{side}");
            admin.batch_execute(&format!("drop database if exists {copy}"))?;
            let sql = format!("create database {copy} template {name} strategy file_copy");
            admin.batch_execute(&sql)?;
            self.cluster.connect(&copy)
        };
        Ok([copy("before")?, copy("after")?])
    }

    /// A new connection. No index is left of an earlier section.
    ///
    /// # Errors
    /// Whatever the server answers.
    pub(super) fn connect(&mut self, database: Database) -> Result<Client> {
        self.make(database)?;
        let mut client = self.cluster.connect(database.name())?;
        measure::drop_plain_indexes(&mut client)?;
        Ok(client)
    }

    /// The URI by which other programs connect.
    ///
    /// # Errors
    /// Whatever the server answers.
    pub(super) fn uri(&mut self, database: Database) -> Result<String> {
        self.make(database)?;
        Ok(self.cluster.uri(database.name(), SUPERUSER))
    }

    fn make(&mut self, database: Database) -> Result<()> {
        if self.made.contains(&database) {
            return Ok(());
        }
        match database {
            Database::Bare => self.load_tpch()?,
            Database::Keys => self.add_keys()?,
            Database::App => {
                self.progress.part("Filling the tables of the application");
                self.fill(database, &app::tables())?;
            }
            Database::Many => {
                self.progress.part("Filling 100 tables");
                self.fill(database, &statements::tables())?;
            }
            Database::Large => {
                self.progress.part("Filling the tables of a large application");
                let mut client = self.cluster.create_database(database.name())?;
                client.batch_execute(
                    "create extension pg_stat_statements; create extension mcp_advisor",
                )?;
                for batch in large::size(self.scale).schema() {
                    client.batch_execute(&batch)?;
                }
            }
        }
        self.made.push(database);
        Ok(())
    }

    fn load_tpch(&self) -> Result<()> {
        let (scale, progress) = (self.scale, self.progress);
        progress.part(&format!("Loading TPC-H {scale} {}", Database::Bare.title()));
        let mut client = self.cluster.create_database(Database::Bare.name())?;
        let spec = tpch::Spec { scale, primary_keys: false };
        tpch::load(self.cluster, Database::Bare.name(), spec, &|loaded| {
            progress.line(&format!("{:<9} {}", loaded.table, program::duration(loaded.time)));
        })?;
        client.batch_execute("create extension hypopg; create extension mcp_advisor")?;
        let bytes = megabytes(measure::data_bytes(&mut client)? as f64);
        progress.line(&format!("{bytes} of data"));
        Ok(())
    }

    /// Copies the database without keys. The copy keeps the statistics: two runs of ANALYZE alone
    /// differ by up to a point of workload cost, which would pass for an effect of the keys.
    fn add_keys(&mut self) -> Result<()> {
        self.make(Database::Bare)?;
        self.progress.part("Copying it and adding the primary keys");
        self.cluster.connect("postgres")?.batch_execute(&format!(
            "create database {} template {} strategy file_copy",
            Database::Keys.name(),
            Database::Bare.name()
        ))?;
        let mut client = self.cluster.connect(Database::Keys.name())?;
        tpch::add_primary_keys(&mut client)
    }

    fn fill(&self, database: Database, sql: &str) -> Result<()> {
        let mut client = self.cluster.create_database(database.name())?;
        client.batch_execute("create extension hypopg; create extension mcp_advisor")?;
        client.batch_execute(sql)?;
        client.batch_execute("vacuum (analyze)")?;
        let bytes = megabytes(measure::data_bytes(&mut client)? as f64);
        self.progress.line(&format!("{bytes} of data"));
        Ok(())
    }
}
