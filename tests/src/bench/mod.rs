//! The benchmark: what the advice is worth, what it costs, and whether both meet their targets.
//!
//! One file a section. A section prints its own table and adds to the `Verdicts`, which are
//! printed as the last table. A target that is missed is printed as such and is no error; a
//! section that fails is one, after the others have run.

mod app;
mod backend;
mod bridge;
mod databases;
mod determinism;
mod geometric;
mod guard;
mod health;
mod large;
mod loads;
mod memory;
mod quality;
pub mod rivals;
mod runtime;
mod scaling;
mod speed;
mod statements;
mod truth;
mod verdict;
mod whatif;

use anyhow::{Context, Result, ensure};

use crate::cluster::Cluster;
use crate::program::{Progress, Table};
use crate::tpch;
use crate::workloads::Workload;
use databases::Databases;
use loads::Part;
use verdict::Verdicts;

/// Just-in-time compilation would add its own, large noise to the run times; it changes no cost.
const SETTINGS: &str = "
shared_preload_libraries = 'pg_stat_statements'
jit = off
pg_stat_statements.max = 20000
";

/// A part of the benchmark that can be asked for by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Planner cost by storage budget, beside the published algorithms.
    Quality,
    /// Geometric mean of the speed-ups of all queries.
    Geometric,
    /// Claimed against real costs and sizes.
    Truth,
    /// What-if planning and whole runs against EXPLAIN from a client.
    Speed,
    /// Memory of the backend over many what-if calls.
    Memory,
    /// Time and memory by the number of statements.
    Scaling,
    /// The same bytes twice.
    Determinism,
    /// Run times of the queries with the advised indexes.
    Runtime,
    /// The program mcp-bridge: start, memory, calls a second, answers that went astray.
    Bridge,
    /// The health checks on large catalogs, beside other tools' checks, and what they lock.
    Health,
    /// What the guard costs: check, latch, restricted calls.
    Guard,
    /// Each workload: our advice beside the published algorithms'.
    Compare,
    /// Each workload: run times with and without the advice.
    Execution,
    /// Each workload: estimated and built sizes by kind of index.
    Sizes,
    /// Thousands of tables and statements within the default time limit.
    Large,
}

impl Section {
    /// Every section, in the order in which they run.
    pub const ALL: [Self; 15] = [
        Self::Quality,
        Self::Geometric,
        Self::Truth,
        Self::Speed,
        Self::Memory,
        Self::Scaling,
        Self::Determinism,
        Self::Runtime,
        Self::Bridge,
        Self::Health,
        Self::Guard,
        Self::Compare,
        Self::Execution,
        Self::Sizes,
        Self::Large,
    ];

    /// Those that run for each workload.
    pub const OF_WORKLOADS: [Self; 3] = [Self::Compare, Self::Execution, Self::Sizes];

    /// The name by which it is asked for.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Quality => "quality",
            Self::Geometric => "geometric",
            Self::Truth => "truth",
            Self::Speed => "speed",
            Self::Memory => "memory",
            Self::Scaling => "scaling",
            Self::Determinism => "determinism",
            Self::Runtime => "runtime",
            Self::Bridge => "bridge",
            Self::Health => "health",
            Self::Guard => "guard",
            Self::Compare => "compare",
            Self::Execution => "execution",
            Self::Sizes => "sizes",
            Self::Large => "large",
        }
    }

    /// Reads names separated by commas.
    ///
    /// # Errors
    /// When one is unknown; the message lists all.
    pub fn parse_list(names: &str) -> Result<Vec<Self>> {
        let find = |name: &str| {
            Self::ALL.into_iter().find(|section| section.name() == name).with_context(|| {
                let all = Self::ALL.map(Self::name).join(", ");
                format!("unknown section \"{name}\"; there are: {all}")
            })
        };
        names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(find).collect()
    }

    fn measure(self, bench: &mut Bench<'_>) -> Result<()> {
        match self {
            Self::Quality => quality::measure(bench),
            Self::Geometric => geometric::measure(bench),
            Self::Truth => truth::measure(bench),
            Self::Speed => speed::measure(bench),
            Self::Memory => memory::measure(bench),
            Self::Scaling => scaling::measure(bench),
            Self::Determinism => determinism::measure(bench),
            Self::Runtime => runtime::measure(bench),
            Self::Bridge => bridge::measure(bench),
            Self::Health => health::measure(bench),
            Self::Guard => guard::measure(bench),
            Self::Compare => loads::measure(bench, Part::Compare),
            Self::Execution => loads::measure(bench, Part::Execution),
            Self::Sizes => loads::measure(bench, Part::Sizes),
            Self::Large => large::measure(bench),
        }
    }
}

/// What the sections share.
struct Bench<'a> {
    databases: Databases<'a>,
    progress: &'a Progress,
    scale: f64,
    workloads: Vec<Workload>,
    verdicts: Verdicts,
}

/// What is to be measured.
#[derive(Debug)]
pub struct Plan {
    /// Of TPC-H, in the sections that know nothing else.
    pub scale: f64,
    /// The sections, in order.
    pub sections: Vec<Section>,
    /// For which workloads [`Section::OF_WORKLOADS`] run.
    pub workloads: Vec<Workload>,
    /// And at which scale.
    pub workload_scale: f64,
}

/// Measures and prints the sections.
///
/// # Errors
/// When the cluster does not start, or a section fails; the others run nevertheless.
pub fn run(plan: &Plan) -> Result<()> {
    let scale = plan.scale;
    let progress = Progress::default();
    progress.part("Starting a scratch cluster (own data, own socket, removed at the end)");
    let cluster = Cluster::start(SETTINGS)?;
    let mut bench = Bench {
        databases: Databases::new(&cluster, &progress, scale, plan.workload_scale),
        progress: &progress,
        scale,
        workloads: plan.workloads.clone(),
        verdicts: Verdicts::default(),
    };
    let mut failed = Vec::new();
    for section in &plan.sections {
        if let Err(error) = section.measure(&mut bench) {
            progress.line(&format!("section {} failed: {error:#}", section.name()));
            failed.push(section.name());
        }
    }
    progress.part(&format!(
        "Targets; TPC-H at scale {scale}, the workloads at {}",
        plan.workload_scale
    ));
    bench.verdicts.print();
    if scale < 1.0 {
        println!("\nThe targets are for scale 1; at another scale they are for orientation only.");
    }
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}

/// All 22 queries of TPC-H.
fn tpch_queries() -> Vec<String> {
    tpch::queries().iter().map(|query| query.sql.to_owned()).collect()
}

/// Prints a table with an empty line in front.
fn print(table: &Table) {
    println!();
    table.print();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_found_by_name() {
        let names = Section::ALL.map(Section::name).join(", ");
        assert_eq!(Section::parse_list(&names).unwrap(), Section::ALL);
        assert!(Section::parse_list("quality,nothing").is_err());
    }
}
