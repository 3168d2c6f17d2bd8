//! The application: our advice beside an expert's indexes, which were written down first.

use anyhow::{Context, Result};

use super::judge::{self, Built};
use super::{SETTINGS, advise, compared};
use crate::bench::{Bench, print};
use crate::measure;
use crate::program::{Table, megabytes};
use crate::workloads::{self, Workload};

/// Share of the expert's space that we ask for: our sizes are estimates, his are built.
const ASKED: f64 = 0.98;

pub(super) fn measure(bench: &mut Bench<'_>) -> Result<()> {
    bench.progress.part("Shop: our advice in the space of an expert's indexes, all really built");
    let statements = compared(Workload::App)?;
    let expert = workloads::expert_indexes();
    let mut client = bench.databases.connect_workload(Workload::App)?;
    // The space is that of the built indexes; they are gone again when advice is asked for.
    let mut built = Built::default();
    built.build(&mut client, &expert)?;
    let space = built.bytes(&expert);
    let mut sets = vec![("expert", expert)];
    let mut adviser = bench.databases.connect_workload(Workload::App)?;
    for setting in SETTINGS {
        let report = advise(&mut adviser, setting, &statements, Some(ASKED * space))?;
        let ddl = report.indexes.into_iter().map(|index| index.ddl).collect();
        sets.push((setting.name, ddl));
        adviser = bench.databases.connect_workload(Workload::App)?;
    }
    let mut built = Built::default();
    for (who, ddl) in &sets {
        built.build(&mut client, ddl).context(*who)?;
    }
    judge::analyze(&mut client)?;
    let before = built.cost(&mut client, &statements, &[])?;
    let mut table = Table::new(&["whose", "indexes", "built", "relative cost, EXPLAIN"]);
    let mut seen = Vec::new();
    for (who, ddl) in &sets {
        let cost = built.cost(&mut client, &statements, ddl)? / before;
        let bytes = built.bytes(ddl);
        let count = ddl.len().to_string();
        table.row(&[(*who).to_owned(), count, megabytes(bytes), format!("{cost:.4}")]);
        seen.push((cost, bytes));
    }
    measure::drop_plain_indexes(&mut client)?;
    print(&table);
    if let (Some((their_cost, their_bytes)), Some((cost, bytes))) = (seen.first(), seen.last()) {
        let text = format!("{cost:.4} in {}", megabytes(*bytes));
        let target = format!("<= {their_cost:.4} in {}", megabytes(*their_bytes));
        let met = cost <= their_cost && bytes <= their_bytes;
        bench.verdicts.add("shop: our default beside the expert", &target, &text, met);
    }
    Ok(())
}
