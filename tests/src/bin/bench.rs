//! `make bench`: the tables of the README, measured in one run in a scratch cluster.
//!
//! `SECTIONS=quality,speed make bench` measures only these.

use std::process::ExitCode;

use advisor_tests::bench::{self, Section};
use advisor_tests::program::{self, scale_argument};
use anyhow::Result;

/// The scale that the published figures are for.
const DEFAULT_SCALE: f64 = 1.0;

fn main() -> ExitCode {
    program::finish(run())
}

fn run() -> Result<()> {
    let scale = scale_argument(DEFAULT_SCALE)?;
    let sections = match std::env::var("SECTIONS") {
        Ok(names) if !names.trim().is_empty() => Section::parse_list(&names)?,
        _ => Section::ALL.to_vec(),
    };
    bench::run(scale, &sections)
}
