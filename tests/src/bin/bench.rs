//! `make bench`: the tables of the README, measured in one run in a scratch cluster.

use std::process::ExitCode;

use advisor_tests::cluster::Cluster;
use advisor_tests::measure;
use advisor_tests::program::{self, Progress, megabytes, scale_argument};
use advisor_tests::{quality, tpch};
use anyhow::Result;
use postgres::Client;

const DEFAULT_SCALE: f64 = 1.0;

/// A database of the benchmark.
struct Variant {
    database: &'static str,
    title: &'static str,
    primary_keys: bool,
}

const VARIANTS: [Variant; 2] = [
    Variant { database: "tpch_keys", title: "with primary keys", primary_keys: true },
    Variant { database: "tpch_bare", title: "without primary keys", primary_keys: false },
];

fn main() -> ExitCode {
    program::finish(bench())
}

fn bench() -> Result<()> {
    let scale = scale_argument(DEFAULT_SCALE)?;
    let progress = Progress::default();
    progress.part("Starting a scratch cluster");
    let cluster = Cluster::start("shared_preload_libraries = 'pg_stat_statements'")?;
    let mut sizes = Vec::new();
    for variant in VARIANTS {
        let mut client = load(&cluster, &variant, scale, &progress)?;
        progress.part(&format!("Quality of the advice, TPC-H {scale} {}", variant.title));
        sizes.extend(quality::measure(&mut client, &progress)?);
    }
    progress.part("Estimated against real sizes of the indexes built above");
    quality::print_sizes(sizes, &progress);
    Ok(())
}

fn load(cluster: &Cluster, variant: &Variant, scale: f64, progress: &Progress) -> Result<Client> {
    progress.part(&format!("Loading TPC-H {scale} {}", variant.title));
    let mut client = cluster.create_database(variant.database)?;
    let spec = tpch::Spec { scale, primary_keys: variant.primary_keys };
    tpch::load(cluster, variant.database, spec, &|loaded| {
        progress.line(&format!("{:<9} {}", loaded.table, program::duration(loaded.time)));
    })?;
    progress.line(&format!("data: {}", megabytes(measure::data_bytes(&mut client)? as f64)));
    client.batch_execute("create extension hypopg; create extension mcp_advisor")?;
    Ok(client)
}
