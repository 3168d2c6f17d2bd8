//! `make bench`: the tables of the README, measured in one run in a scratch cluster.
//!
//! `SECTIONS=quality,speed make bench` measures only these.
//! `WORKLOAD=tpcds,app SCALE=0.3 make bench` compares the advice on these workloads only.

use std::process::ExitCode;

use advisor_tests::bench::{self, Plan, Section};
use advisor_tests::program::{self, scale_argument};
use advisor_tests::workloads::Workload;
use anyhow::Result;

/// The scale that the published figures are for.
const DEFAULT_SCALE: f64 = 1.0;

/// Workloads that were not asked for by name run at this share of the scale: there are four.
const SHARE_FOR_WORKLOADS: f64 = 0.1;

fn main() -> ExitCode {
    program::finish(run())
}

fn run() -> Result<()> {
    let scale = scale_argument(DEFAULT_SCALE)?;
    let variable = |name| std::env::var(name).ok().filter(|text| !text.trim().is_empty());
    let workloads = variable("WORKLOAD").map(|names| Workload::parse_list(&names)).transpose()?;
    let sections = match (variable("SECTIONS"), &workloads) {
        (Some(names), _) => Section::parse_list(&names)?,
        (None, Some(_)) => Section::OF_WORKLOADS.to_vec(),
        (None, None) => Section::ALL.to_vec(),
    };
    let share = if workloads.is_some() { 1.0 } else { SHARE_FOR_WORKLOADS };
    bench::run(&Plan {
        scale,
        sections,
        workloads: workloads.unwrap_or_else(|| Workload::ALL.to_vec()),
        workload_scale: scale * share,
    })
}
