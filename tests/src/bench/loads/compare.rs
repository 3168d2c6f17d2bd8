//! Our advice beside the published algorithms': cost, size, seconds and planner calls by budget.

use anyhow::{Context, Result};

use super::contest::{Answer, hold};
use super::judge::{self, Built};
use super::{SETTINGS, compared, expert};
use crate::bench::quality::BUDGETS;
use crate::bench::{Bench, print};
use crate::measure;
use crate::program::{Table, megabytes};
use crate::workloads::Workload;

/// Room for what the model of a plan's cost gets wrong.
const TOLERANCE: f64 = 0.005;

/// Our time as a share of that of the best of the others.
const TIME_SHARE: f64 = 0.1;

/// Budgets for which the indexes are built; the smallest ones differ little, the unlimited one would
/// be most of the time.
const BUILT: [&str; 2] = ["1/2", "1/4"];

/// What the judges said of an answer.
struct Judged {
    answer: Answer,
    /// By what-if planning; none where it cannot try a kind of index.
    what_if: Option<f64>,
    bytes: Option<f64>,
    /// Of the built indexes.
    explained: Option<f64>,
    real_bytes: Option<f64>,
}

pub(super) fn measure(bench: &mut Bench<'_>, workload: Workload) -> Result<()> {
    // Loads it before the headline.
    bench.databases.connect_workload(workload)?;
    let statements = compared(workload)?.len();
    bench.progress.part(&format!(
        "{}: {statements} statements, our advice and the published algorithms'",
        workload.title()
    ));
    let answers = hold(bench, workload)?;
    let judged = judge_all(bench, workload, answers)?;
    print_all(&judged);
    for setting in SETTINGS {
        verdicts(bench, workload, setting.name, &judged);
    }
    if workload == Workload::App {
        expert::measure(bench)?;
    }
    Ok(())
}

fn judge_all(
    bench: &mut Bench<'_>,
    workload: Workload,
    answers: Vec<Answer>,
) -> Result<Vec<Judged>> {
    let statements = compared(workload)?;
    let mut client = bench.databases.connect_workload(workload)?;
    let mut judged = Vec::new();
    for answer in answers {
        let seen = judge::by_what_if(&mut client, &statements, &answer.ddl);
        if let Err(error) = &seen {
            bench.progress.line(&format!("{}: no what-if: {error:#}", answer.who));
        }
        let (what_if, bytes) = seen.ok().unzip();
        judged.push(Judged { answer, what_if, bytes, explained: None, real_bytes: None });
    }
    let is_built =
        |one: &Judged| BUDGETS.get(one.answer.budget).is_some_and(|(name, _)| BUILT.contains(name));
    let mut built = Built::default();
    for one in judged.iter().filter(|one| is_built(one)) {
        built.build(&mut client, &one.answer.ddl).context(one.answer.who)?;
    }
    judge::analyze(&mut client)?;
    let before = built.cost(&mut client, &statements, &[])?;
    for one in judged.iter_mut().filter(|one| is_built(one)) {
        one.explained = Some(built.cost(&mut client, &statements, &one.answer.ddl)? / before);
        one.real_bytes = Some(built.bytes(&one.answer.ddl));
    }
    measure::drop_plain_indexes(&mut client)?;
    Ok(judged)
}

fn print_all(judged: &[Judged]) {
    let mut table = Table::new(&[
        "who",
        "budget",
        "indexes",
        "relative cost",
        "built, EXPLAIN",
        "size",
        "built",
        "seconds",
        "planner calls",
    ]);
    let share = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| format!("{v:.4}"));
    let size = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), megabytes);
    for one in judged {
        let answer = &one.answer;
        let stopped = if answer.stopped { " (time limit)" } else { "" };
        table.row(&[
            answer.who.to_owned(),
            BUDGETS.get(answer.budget).map_or("", |(name, _)| name).to_owned(),
            answer.ddl.len().to_string(),
            share(one.what_if),
            share(one.explained),
            size(one.bytes),
            size(one.real_bytes),
            format!("{:.2}{stopped}", answer.seconds),
            answer.calls.to_string(),
        ]);
    }
    print(&table);
}

/// Compares one of our settings with the best of the others in each budget.
fn verdicts(bench: &mut Bench<'_>, workload: Workload, who: &str, judged: &[Judged]) {
    let title = workload.title();
    for (judge, cost) in [
        ("what-if", (|one: &Judged| one.what_if) as fn(&Judged) -> Option<f64>),
        ("built", |one: &Judged| one.explained),
    ] {
        let mut gaps = Vec::new();
        for budget in 0..BUDGETS.len() {
            let there = || judged.iter().filter(move |one| one.answer.budget == budget);
            let ours = there().find(|one| one.answer.who == who).and_then(cost);
            let others = there().filter(|one| !one.answer.ours).filter_map(cost);
            if let (Some(ours), Some(best)) = (ours, others.reduce(f64::min)) {
                gaps.push(ours - best);
            }
        }
        let seen: Vec<String> = gaps.iter().map(|gap| format!("{gap:+.3}")).collect();
        let met = gaps.iter().all(|gap| *gap <= TOLERANCE);
        let what = format!("{title}: {who}, cost - best of others, {judge}");
        if gaps.is_empty() {
            bench.verdicts.not_measured(&what, "<= 0.005", "cannot be tried");
        } else {
            bench.verdicts.add(&what, "<= 0.005", &seen.join(" "), met);
        }
    }
    let mut shares = Vec::new();
    for budget in 0..BUDGETS.len() {
        let there = || judged.iter().filter(move |one| one.answer.budget == budget);
        let ours = there().find(|one| one.answer.who == who);
        let others = there().filter(|one| !one.answer.ours && one.what_if.is_some());
        let by_cost = |a: &&Judged, b: &&Judged| {
            let cost = |one: &Judged| one.what_if.unwrap_or(f64::INFINITY);
            cost(a).total_cmp(&cost(b))
        };
        if let (Some(ours), Some(best)) = (ours, others.min_by(by_cost)) {
            shares.push(ours.answer.seconds / best.answer.seconds);
        }
    }
    let mut seen: Vec<String> = shares.iter().map(|share| format!("{share:.2}")).collect();
    if judged.iter().any(|one| !one.answer.ours && one.answer.stopped) {
        seen.push("(others cut short)".to_owned());
    }
    let met = shares.iter().all(|share| *share <= TIME_SHARE);
    let what = format!("{title}: {who}, time / that of the best of others");
    bench.verdicts.add(&what, "<= 0.10", &seen.join(" "), met);
}
