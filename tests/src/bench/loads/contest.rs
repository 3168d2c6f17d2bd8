//! Asks all for their indexes within all budgets; with `DETAILS=1` they are printed.

use anyhow::{Context, Result};

use super::{SETTINGS, WIDTH, advise, compared, rival_time};
use crate::bench::Bench;
use crate::bench::quality::BUDGETS;
use crate::bench::rivals::{Costing, Rival, Task};
use crate::measure;
use crate::report::Report;
use crate::workloads::Workload;

/// An answer.
pub(super) struct Answer {
    pub(super) who: &'static str,
    /// Whether it is ours.
    pub(super) ours: bool,
    /// Position in [`BUDGETS`].
    pub(super) budget: usize,
    pub(super) ddl: Vec<String>,
    pub(super) seconds: f64,
    pub(super) calls: u64,
    /// Whether it was cut short.
    pub(super) stopped: bool,
}

/// Time until the set of indexes stood, the reading of the statements and the sizes included. The
/// trials of its confidence and the advice on statistics come after it; the others have neither.
fn search_seconds(report: &Report) -> f64 {
    report.rounds.last().map_or(report.elapsed_ms, |round| round.elapsed_ms) / 1e3
}

/// All answers, ours first within each budget. Who knows no budget and exceeds it is left out.
pub(super) fn hold(bench: &mut Bench<'_>, workload: Workload) -> Result<Vec<Answer>> {
    let statements = compared(workload)?;
    let mut client = bench.databases.connect_workload(workload)?;
    let data_bytes = measure::data_bytes(&mut client)? as f64;
    let mut answers = Vec::new();
    for (budget, (name, share)) in BUDGETS.into_iter().enumerate() {
        let bytes = share.map(|share| share * data_bytes);
        for setting in SETTINGS {
            // A fresh session: settings of one do not reach the other.
            let mut client = bench.databases.connect_workload(workload)?;
            let report = advise(&mut client, setting, &statements, bytes)
                .with_context(|| format!("{}, budget {name}", setting.name))?;
            let seconds = search_seconds(&report);
            let line = format!("budget {name}: {} {seconds:.2} s", setting.name);
            bench.progress.line(&line);
            answers.push(Answer {
                who: setting.name,
                ours: true,
                budget,
                ddl: report.indexes.iter().map(|index| index.ddl.clone()).collect(),
                seconds,
                calls: report.planner.calls_made,
                stopped: report.stopped_by.is_some(),
            });
        }
    }
    let client = bench.databases.connect_workload(workload)?;
    let mut costing = Costing::new(client, statements)?;
    for rival in Rival::ALL {
        for (budget, (name, share)) in BUDGETS.into_iter().enumerate() {
            let task = Task {
                width: WIDTH,
                budget: share.map_or(f64::INFINITY, |share| share * data_bytes),
                time_limit: rival_time(),
            };
            let found = rival.select(&mut costing, &task);
            let found = found.with_context(|| format!("{}, budget {name}", rival.name()))?;
            let Some(found) = found else { continue };
            let line = format!("budget {name}: {} {:.2} s", rival.name(), found.seconds);
            bench.progress.line(&line);
            answers.push(Answer {
                who: rival.name(),
                ours: false,
                budget,
                ddl: found.ddl,
                seconds: found.seconds,
                calls: found.calls,
                stopped: found.stopped,
            });
        }
    }
    answers.sort_by_key(|answer| answer.budget);
    if std::env::var_os("DETAILS").is_some() {
        for answer in &answers {
            let name = BUDGETS.get(answer.budget).map_or("", |(name, _)| name);
            bench.progress.line(&format!("{}, budget {name}:", answer.who));
            answer.ddl.iter().for_each(|ddl| bench.progress.line(&format!("  {ddl}")));
        }
    }
    Ok(answers)
}
