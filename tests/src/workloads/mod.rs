//! The workloads of the benchmark: tables, data made by generators, and statements.
//!
//! Schemas and statements are in `tests/workloads`, those of TPC-H in `tests/tpch`.

mod app;
mod job;
mod job_classes;
mod job_classes_more;
mod script;
pub(crate) mod tables;
mod tpcds;

use anyhow::{Context, Result};
use postgres::Client;

use crate::cluster::Cluster;
use crate::tpch;

/// A schema with data and the statements that run on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// TPC-H: 8 tables, 22 queries.
    Tpch,
    /// TPC-DS: 24 tables, 99 queries.
    Tpcds,
    /// Films as the Join Order Benchmark has them: 21 tables, 113 joins.
    Job,
    /// A shop with many tenants, as applications are.
    App,
}

/// A statement of a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Short and unique in its workload.
    pub name: String,
    /// One statement without comment and final semicolon.
    pub sql: String,
    /// How often it runs, compared with the others.
    pub calls: u32,
}

impl Statement {
    /// A statement that runs as often as any other.
    pub(crate) fn new(name: String, sql: String) -> Self {
        Self { name, sql, calls: 1 }
    }

    /// Whether it changes rows.
    #[must_use]
    pub fn writes(&self) -> bool {
        let first = self.sql.split_whitespace().next().unwrap_or_default();
        ["insert", "update", "delete", "merge"].iter().any(|word| first.eq_ignore_ascii_case(word))
    }
}

impl Workload {
    /// Every workload.
    pub const ALL: [Self; 4] = [Self::Tpch, Self::Tpcds, Self::Job, Self::App];

    /// The name by which it is asked for, and of its database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tpch => "tpch",
            Self::Tpcds => "tpcds",
            Self::Job => "job",
            Self::App => "app",
        }
    }

    /// The name to print.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Tpch => "TPC-H",
            Self::Tpcds => "TPC-DS",
            Self::Job => "films (JOB-like)",
            Self::App => "shop (app)",
        }
    }

    /// Reads names separated by commas.
    ///
    /// # Errors
    /// When one is unknown; the message lists all.
    pub fn parse_list(names: &str) -> Result<Vec<Self>> {
        let find = |name: &str| {
            Self::ALL.into_iter().find(|workload| workload.name() == name).with_context(|| {
                let all = Self::ALL.map(Self::name).join(", ");
                format!("unknown workload \"{name}\"; there are: {all}")
            })
        };
        names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(find).collect()
    }

    /// All its statements.
    ///
    /// # Errors
    /// When the queries of TPC-DS were not fetched.
    pub fn statements(self) -> Result<Vec<Statement>> {
        match self {
            Self::Tpch => Ok(tpch::queries()
                .iter()
                .map(|query| Statement::new(format!("Q{}", query.number), query.sql.to_owned()))
                .collect()),
            Self::Tpcds => tpcds::statements(),
            Self::Job => Ok(job::statements()),
            Self::App => app::statements(),
        }
    }

    /// Statements that comparisons of cost leave out, as the literature does: without an index
    /// their sub-plans, run once for each row, hide all else.
    #[must_use]
    pub fn left_out_of_costs(self) -> &'static [&'static str] {
        match self {
            Self::Tpch => &["Q2", "Q17", "Q20"],
            Self::Tpcds => &["Q4", "Q6", "Q9", "Q10", "Q11", "Q32", "Q35", "Q41", "Q95"],
            Self::Job | Self::App => &[],
        }
    }

    /// Creates and fills its tables in an empty database, with primary keys and no other index.
    /// `progress` is told what is done.
    ///
    /// # Errors
    /// Whatever the server answers.
    pub fn load(
        self,
        cluster: &Cluster,
        database: &str,
        scale: f64,
        progress: &(dyn Fn(&str) + Sync),
    ) -> Result<()> {
        let told = |loaded: &tables::Loaded| {
            progress(&format!("{} {} rows", loaded.table, loaded.rows));
        };
        match self {
            Self::Tpch => {
                let spec = tpch::Spec { scale, primary_keys: true };
                tpch::load(cluster, database, spec, &told)
            }
            Self::Tpcds => {
                let write = |table: &str, out: &mut dyn std::io::Write| {
                    tpcds::write_table(table, scale, out)
                };
                tpcds::source(&write).load(cluster, database, &told)
            }
            Self::Job => job::load(&mut cluster.connect(database)?, scale, progress),
            Self::App => app::load(&mut cluster.connect(database)?, scale, progress),
        }
    }
}

/// The indexes that an expert gives the application, written down before any advice was asked for.
#[must_use]
pub fn expert_indexes() -> Vec<String> {
    app::expert_indexes()
}

/// What is planted in the application for the advice on drops.
pub use app::{Planted, planted};

/// Runs the statements of a script that makes its rows by itself, `scale` of them.
fn run_script(
    client: &mut Client,
    text: &'static str,
    scale: f64,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<()> {
    client.execute("select set_config('workload.scale', $1, false)", &[&scale.to_string()])?;
    for part in script::parts(text) {
        client.batch_execute(part.sql).with_context(|| part.title.to_owned())?;
        progress(part.title);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workloads_are_found_by_name() {
        assert_eq!(Workload::parse_list("tpch, app").unwrap(), [Workload::Tpch, Workload::App]);
        assert!(Workload::parse_list("tpcx").is_err());
    }

    #[test]
    fn statements_have_names_of_their_own() {
        for workload in [Workload::Tpch, Workload::Job, Workload::App] {
            let mut names: Vec<_> =
                workload.statements().unwrap().into_iter().map(|one| one.name).collect();
            let count = names.len();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), count, "{}", workload.name());
        }
    }

    #[test]
    fn the_classes_have_their_number_of_statements() {
        assert_eq!(Workload::Job.statements().unwrap().len(), 113);
        assert!(Workload::App.statements().unwrap().len() >= 60);
    }

    #[test]
    fn what_writes_is_known() {
        assert!(Statement::new("a".into(), "UPDATE t set a = 1".into()).writes());
        assert!(!Statement::new("a".into(), "select 1".into()).writes());
    }
}
