//! `make demo`: advice on TPC-H, then the advised indexes for real, and what they bring; then the
//! same for a model, through mcp-bridge over each transport, and as a page for a person.
//!
//! Every figure is measured in this run, in a scratch cluster that is gone at the end.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use advisor_tests::cluster::Cluster;
use advisor_tests::demo;
use advisor_tests::measure::{self, RealIndex};
use advisor_tests::program::{self, Progress, Table, duration, megabytes, scale_argument};
use advisor_tests::report::{Arguments, Report};
use advisor_tests::tpch::{self, Query};
use anyhow::Result;
use postgres::Client;

const DATABASE: &str = "tpch";

/// Loads in a few seconds; the slowest query then takes some ten without an index.
const DEFAULT_SCALE: f64 = 0.05;

/// Queries 17 and 20 have no bound that matters without an index: their time grows with the square
/// of the scale.
const QUERY_TIMEOUT: Duration = Duration::from_secs(60);

/// Timed runs of a query with and without the indexes, alternating; the fastest counts, since
/// whatever else the machine does can only add time.
const RUNS: usize = 3;

/// A query slower than this is not repeated: noise is small against it.
const ONE_RUN_IS_ENOUGH: Duration = Duration::from_secs(5);

/// The server compiles expensive queries by default, which at this scale is most of their time.
const SETTINGS: &str = "
shared_preload_libraries = 'pg_stat_statements'
jit = off
";

/// What a person wants to see first. `cost_after` is cumulative: with this index and all above it.
const ADVICE: &str = "
select
    rank,
    ddl,
    pg_size_pretty(size_bytes) as size,
    round(cost_before::numeric) as cost_before,
    round(cost_after::numeric) as cost_after,
    round(improvement::numeric, 3) as improvement,
    cardinality(improved_queries) as queries
from mcp_advise_indexes()
order by rank";

/// Run times of a query; none where the timeout struck.
struct Times {
    number: usize,
    before: Option<Duration>,
    after: Option<Duration>,
}

fn main() -> ExitCode {
    program::finish(run())
}

fn run() -> Result<()> {
    let scale = scale_argument(DEFAULT_SCALE)?;
    let progress = Progress::default();

    progress.part("Starting a scratch cluster (own data, own socket, removed at the end)");
    let cluster = Cluster::start(SETTINGS)?;
    let mut client = cluster.create_database(DATABASE)?;
    load(&cluster, &mut client, scale, &progress)?;
    for extension in ["hypopg", "pg_stat_statements", "mcp_advisor"] {
        client.batch_execute(&format!("create extension {extension}"))?;
    }
    client.batch_execute(&format!("set statement_timeout = {}", QUERY_TIMEOUT.as_millis()))?;

    progress.part("Running the 22 queries, so that pg_stat_statements knows them");
    client.batch_execute("select pg_stat_statements_reset()")?;
    let first_runs = run_workload(&mut client, &progress)?;

    progress.part("Asking for advice: select * from mcp_advise_indexes()");
    let begin = Instant::now();
    cluster.psql(DATABASE, ADVICE)?;
    progress.line(&format!("answered in {}", duration(begin.elapsed())));
    let report = Report::fetch(&mut client, &Arguments::default())?;
    print_figures(&report, &progress);
    println!();
    for line in demo::plot::front(&report.pareto_front, report.cost_before) {
        println!("{line}");
    }

    progress.part("Building the advised indexes");
    let indexes = build(&mut client, &report, &progress)?;

    progress.part("Timing each query with and without the advised indexes, alternating");
    let names: Vec<String> = indexes.into_iter().map(|index| index.name).collect();
    let mut times = Vec::new();
    for (query, first) in tpch::queries().into_iter().zip(first_runs) {
        let time = compare(&mut client, query, first, &names)?;
        progress.line(&format!(
            "query {:>2}: {} -> {}",
            time.number,
            text(time.before),
            text(time.after)
        ));
        times.push(time);
    }
    summarize(&times);

    progress.part("Dropping the advised indexes, for a model to find them again");
    measure::drop_plain_indexes(&mut client)?;
    demo::sessions(&cluster, DATABASE, &progress)?;
    demo::report(&cluster, DATABASE, &progress)?;

    progress.part("Removing the scratch cluster");
    drop(client);
    drop(cluster);
    progress.line("done");
    Ok(())
}

fn load(cluster: &Cluster, client: &mut Client, scale: f64, progress: &Progress) -> Result<()> {
    progress.part(&format!("Loading TPC-H at scale {scale}, primary keys only"));
    let spec = tpch::Spec { scale, primary_keys: true };
    tpch::load(cluster, DATABASE, spec, &|loaded| {
        progress.line(&format!(
            "{:<9} {:>10} rows in {}",
            loaded.table,
            loaded.rows,
            duration(loaded.time)
        ));
    })?;
    let bytes = measure::data_bytes(client)?;
    progress.line(&format!("{} without indexes", megabytes(bytes as f64)));
    Ok(())
}

fn run_workload(client: &mut Client, progress: &Progress) -> Result<Vec<Option<Duration>>> {
    let mut times = Vec::new();
    for Query { number, sql } in tpch::queries() {
        let time = measure::run(client, sql)?;
        let note = if time.is_none() { ": given up, so it is not in the workload" } else { "" };
        progress.line(&format!("query {number:>2}: {}{note}", text(time)));
        times.push(time);
    }
    Ok(times)
}

fn print_figures(report: &Report, progress: &Progress) {
    progress.line(&format!(
        "cost of the workload {:.0} -> {:.0} ({:.1} x less)",
        report.cost_before,
        report.cost_after,
        report.cost_before / report.cost_after
    ));
    progress.line(&format!(
        "{} statements examined, {} skipped; {} planner calls made, {} saved; {:.0} ms",
        report.statements_examined,
        report.skipped.len(),
        report.planner.calls_made,
        report.planner.calls_saved,
        report.elapsed_ms
    ));
    for skipped in &report.skipped {
        let query: String = skipped.query.split_whitespace().collect::<Vec<_>>().join(" ");
        let query: String = query.chars().take(60).collect();
        progress.line(&format!("skipped: {query}: {} ({})", skipped.message, skipped.reason));
    }
}

fn build(client: &mut Client, report: &Report, progress: &Progress) -> Result<Vec<RealIndex>> {
    // The timeout is for queries; a large index may take longer.
    client.batch_execute("set statement_timeout = 0")?;
    let mut built = Vec::new();
    for index in &report.indexes {
        let begin = Instant::now();
        let real = measure::build_index(client, &index.ddl)?;
        progress.line(&format!(
            "{}: {} (estimated {}) in {}",
            real.name,
            megabytes(real.size_bytes as f64),
            megabytes(index.size_bytes),
            duration(begin.elapsed())
        ));
        built.push(real);
    }
    client.batch_execute("analyze")?;
    client.batch_execute(&format!("set statement_timeout = {}", QUERY_TIMEOUT.as_millis()))?;
    Ok(built)
}

/// Times one query; `first` is its run before there was an index.
fn compare(
    client: &mut Client,
    query: Query,
    first: Option<Duration>,
    indexes: &[String],
) -> Result<Times> {
    let Query { number, sql } = query;
    let mut after = measure::run(client, sql)?;
    if first.is_none_or(|time| time > ONE_RUN_IS_ENOUGH) {
        return Ok(Times { number, before: first, after });
    }
    // The first run does not count: it was long ago, and the machine may have been less busy.
    let mut before = None;
    for _ in 0..RUNS {
        before = fastest(before, measure::run_without(client, sql, indexes)?);
        after = fastest(after, measure::run(client, sql)?);
    }
    Ok(Times { number, before, after })
}

fn fastest(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    a.into_iter().chain(b).min()
}

fn text(time: Option<Duration>) -> String {
    time.map_or_else(|| format!("over {} s", QUERY_TIMEOUT.as_secs()), duration)
}

fn summarize(times: &[Times]) {
    let mut table = Table::new(&["query", "before", "after", "speed-up"]);
    let mut ratios = Vec::new();
    let mut total = (0.0, 0.0);
    for time in times {
        // A query that was given up counts with the time it was given: its gain is at least that.
        let seconds = |time: Option<Duration>| time.unwrap_or(QUERY_TIMEOUT).as_secs_f64();
        let (before, after) = (seconds(time.before), seconds(time.after));
        ratios.push(before / after);
        total = (total.0 + before, total.1 + after);
        let speed_up = format!("{:.2} x", before / after);
        table.row(&[time.number.to_string(), text(time.before), text(time.after), speed_up]);
    }
    let total_row = [total.0, total.1].map(|seconds| duration(Duration::from_secs_f64(seconds)));
    let [before, after] = total_row;
    table.row(&["total".to_owned(), before, after, format!("{:.2} x", total.0 / total.1)]);
    println!();
    table.print();
    println!("\nGeometric mean of the speed-ups: {:.2} x", measure::geometric_mean(&ratios));
}
