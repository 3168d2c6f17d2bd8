//! Estimated against built sizes, by kind of index.

use std::collections::BTreeMap;

use anyhow::Result;
use postgres::Client;

use super::judge::Built;
use super::{SETTINGS, advise, compared, plain};
use crate::bench::{Bench, print};
use crate::measure;
use crate::program::{Table, megabytes};
use crate::workloads::{self, Workload};

/// Largest median error for b-trees.
const BTREE_ERROR: f64 = 0.10;

/// Largest factor between estimate and truth for other kinds.
const OTHER_FACTOR: f64 = 1.5;

/// An index that was estimated and built.
struct Sample {
    ddl: String,
    estimated: f64,
    real: f64,
}

impl Sample {
    fn error(&self) -> f64 {
        self.estimated / self.real - 1.0
    }

    /// How many times too large or too small the estimate is.
    fn factor(&self) -> f64 {
        (self.estimated / self.real).max(self.real / self.estimated)
    }
}

pub(super) fn measure(bench: &mut Bench<'_>, workload: Workload) -> Result<()> {
    bench.databases.connect_workload(workload)?;
    bench.progress.part(&format!("{}: sizes of indexes, estimated and built", workload.title()));
    let statements = compared(workload)?;
    let mut advised = BTreeMap::new();
    for setting in SETTINGS {
        let mut client = bench.databases.connect_workload(workload)?;
        for index in advise(&mut client, setting, &statements, None)?.indexes {
            advised.insert(plain(&index.ddl), index.size_bytes);
        }
    }
    let mut client = bench.databases.connect_workload(workload)?;
    let mut untried = 0;
    if workload == Workload::App {
        for ddl in workloads::expert_indexes() {
            match estimate(&mut client, &ddl) {
                Ok(bytes) => drop(advised.insert(ddl, bytes)),
                Err(error) => {
                    // The hint is the same for all.
                    let text = format!("{error:#}");
                    let text = text.lines().next().unwrap_or_default();
                    bench.progress.line(&format!("{ddl}: {text}"));
                    untried += 1;
                }
            }
        }
    }
    let mut built = Built::default();
    let mut kinds: BTreeMap<String, Vec<Sample>> = BTreeMap::new();
    for (ddl, estimated) in advised {
        built.build(&mut client, std::slice::from_ref(&ddl))?;
        let Some(index) = built.get(&ddl) else { continue };
        let kind = kind(&mut client, &index.name)?;
        let sample = Sample { estimated, real: index.size_bytes as f64, ddl };
        kinds.entry(kind).or_default().push(sample);
    }
    measure::drop_plain_indexes(&mut client)?;
    report(bench, workload, &kinds, untried);
    Ok(())
}

/// What the advisor says of an index that does not exist.
fn estimate(client: &mut Client, ddl: &str) -> Result<f64> {
    let sql = "select (mcp_whatif_indexes(array[$1::text], array['select * from orders limit 1'])
        ->> 'index_bytes')::float8";
    Ok(client.query_one(sql, &[&ddl])?.try_get(0)?)
}

/// The access method, and what else decides the size.
fn kind(client: &mut Client, index: &str) -> Result<String> {
    let sql = "select m.amname || case when i.indexprs is not null then ', expression' else '' end
            || case when i.indpred is not null then ', partial' else '' end
            || case when i.indnatts > i.indnkeyatts then ', INCLUDE' else '' end
        from pg_index as i join pg_class as c on c.oid = i.indexrelid join pg_am as m on m.oid = c.relam
        where i.indexrelid = $1::text::regclass";
    Ok(client.query_one(sql, &[&index])?.try_get(0)?)
}

fn report(
    bench: &mut Bench<'_>,
    workload: Workload,
    kinds: &BTreeMap<String, Vec<Sample>>,
    untried: usize,
) {
    let mut table =
        Table::new(&["kind", "indexes", "built", "median error", "worst error", "worst"]);
    for (kind, samples) in kinds {
        let errors: Vec<f64> = samples.iter().map(|sample| sample.error().abs()).collect();
        let worst = samples.iter().max_by(|a, b| a.factor().total_cmp(&b.factor()));
        let Some(worst) = worst else { continue };
        table.row(&[
            kind.clone(),
            samples.len().to_string(),
            megabytes(samples.iter().map(|sample| sample.real).sum()),
            format!("{:.1} %", measure::median(&errors) * 100.0),
            format!("{:+.1} %", worst.error() * 100.0),
            worst.ddl.split_once(" on ").map_or_else(|| worst.ddl.clone(), |(_, on)| on.to_owned()),
        ]);
    }
    print(&table);
    let title = workload.title();
    let of = |btree: bool| {
        let kinds = kinds.iter().filter(move |(kind, _)| kind.starts_with("btree") == btree);
        kinds.flat_map(|(_, samples)| samples)
    };
    let errors: Vec<f64> = of(true).map(|sample| sample.error().abs()).collect();
    let error = measure::median(&errors);
    let seen = format!("{:.1} %", error * 100.0);
    let what = format!("{title}: median error of b-tree sizes");
    bench.verdicts.add(&what, "< 10 %", &seen, error < BTREE_ERROR);
    let factors: Vec<f64> = of(false).map(Sample::factor).collect();
    let worst = factors.iter().copied().fold(1.0, f64::max);
    let what = format!("{title}: sizes of other kinds");
    if workload == Workload::App {
        let seen = format!("{worst:.2} ({} indexes, {untried} cannot be tried)", factors.len());
        let met = untried == 0 && worst <= OTHER_FACTOR;
        bench.verdicts.add(&what, "within a factor of 1.5", &seen, met);
    }
}
