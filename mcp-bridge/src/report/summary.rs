//! The few things worth doing first: chosen from what the sections found, never found here.

use std::collections::BTreeMap;

use serde::Serialize;

use super::model::{Advice, Finding, Part, Query, Report};
use super::page::format;
use crate::tools::text;

/// Most things: a list of more is no summary.
const MOST: usize = 6;

/// Most findings of one severity that have a line of their own.
const MOST_OF_ONE: usize = 3;

/// A statement with a larger share of the time than this is worth a look by itself.
const LARGE_SHARE: f64 = 0.25;

/// A thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Action {
    /// How urgent: a word of the health report, or `gain` for what makes statements faster.
    pub(crate) urgency: String,
    pub(crate) title: String,
    pub(crate) why: String,
    /// The id of the place on the page that has more.
    pub(crate) anchor: String,
}

/// What to do first, the most urgent first.
pub(crate) fn first(report: &Report) -> Vec<Action> {
    let findings = report.health.found().map(Vec::as_slice).unwrap_or_default();
    let mut actions = urgent(findings, "critical");
    if let Part::Found(advice) = &report.advice {
        actions.extend(indexes(advice));
    }
    if let Part::Found(queries) = &report.queries {
        actions.extend(dear(queries, report.advice.found()));
    }
    actions.extend(urgent(findings, "warning"));
    actions.truncate(MOST);
    actions
}

/// The id of a finding on the page, by its place in the list.
pub(crate) fn finding_anchor(at: usize) -> String {
    format!("finding-{}", at + 1)
}

/// Checks with findings of this severity, a line each.
fn urgent(findings: &[Finding], severity: &str) -> Vec<Action> {
    let mut checks: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (at, finding) in findings.iter().enumerate() {
        if finding.severity == severity && finding.is_judged() {
            checks.entry(&finding.check_name).or_insert((at, 0)).1 += 1;
        }
    }
    let mut checks: Vec<(usize, usize)> = checks.into_values().collect();
    checks.sort_unstable();
    let action = |(at, count): (usize, usize)| {
        let finding = findings.get(at)?;
        let more = match count {
            1 => String::new(),
            count => format!(", {count} findings"),
        };
        let object = finding.object.iter().map(String::as_str);
        Some(Action {
            urgency: severity.to_owned(),
            title: format!("{}{more}", format::words(&finding.check_name)),
            why: object.chain([finding.message.as_str()]).collect::<Vec<_>>().join(" "),
            anchor: finding_anchor(at),
        })
    };
    checks.into_iter().take(MOST_OF_ONE).filter_map(action).collect()
}

fn indexes(advice: &Advice) -> Option<Action> {
    if advice.indexes.is_empty() {
        return None;
    }
    let saved = 1.0 - advice.cost_after / advice.cost_before;
    Some(Action {
        urgency: "gain".to_owned(),
        title: format!("Build {}", text::count(advice.indexes.len() as u64, "index")),
        why: format!(
            "They take {} and are estimated to cut the recorded time of {} by {}.",
            format::bytes(advice.index_bytes),
            text::count(advice.statements_used.unsigned_abs(), "statement"),
            format::percent(saved),
        ),
        anchor: "advice".to_owned(),
    })
}

/// The dearest statement, if it has a large share and no index helps it.
fn dear(queries: &[Query], advice: Option<&Advice>) -> Option<Action> {
    let helped = |query: &&Query| {
        advice.is_some_and(|advice| {
            advice.helped().iter().any(|impact| Some(impact.query_id) == query.queryid)
        })
    };
    let (at, query) = queries.iter().enumerate().find(|(_, query)| !helped(query))?;
    let share = query.time_share.filter(|share| *share >= LARGE_SHARE)?;
    Some(Action {
        urgency: "gain".to_owned(),
        title: format!("Look at statement {}", at + 1),
        why: format!(
            "It takes {} of the recorded time, and no index is advised for it.",
            format::percent(share)
        ),
        anchor: "queries".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::report::model::Index;

    fn finding(check: &str, severity: &str) -> Finding {
        Finding {
            check_name: check.into(),
            severity: severity.into(),
            object: Some("t".into()),
            ..Finding::default()
        }
    }

    #[test]
    fn checks_with_several_findings_have_one_line() {
        let findings = [finding("a", "warning"), finding("b", "critical"), finding("a", "warning")];
        let actions = urgent(&findings, "warning");
        assert_eq!(actions.len(), 1);
        assert_eq!(actions[0].title, "A, 2 findings");
        assert_eq!(actions[0].anchor, "finding-1");
        assert_eq!(urgent(&findings, "critical")[0].anchor, "finding-2");
    }

    #[test]
    fn a_check_that_did_not_run_is_nothing_to_do() {
        let mut finding = finding("a", "warning");
        finding.details.insert("ran".into(), json!(false));
        assert!(urgent(&[finding], "warning").is_empty());
    }

    #[test]
    fn advice_is_told_by_what_it_gains() {
        assert_eq!(indexes(&Advice::default()), None);
        let advice = Advice {
            cost_before: 200.0,
            cost_after: 50.0,
            index_bytes: 2_000_000.0,
            statements_used: 3,
            indexes: vec![Index::default(), Index::default()],
            ..Advice::default()
        };
        let action = indexes(&advice).unwrap();
        assert_eq!(action.title, "Build 2 indexes");
        assert!(action.why.contains("3 statements by 75 %"), "{}", action.why);
    }

    #[test]
    fn a_dear_statement_counts_when_no_index_helps_it() {
        let query = Query { queryid: Some(7), time_share: Some(0.5), ..Query::default() };
        assert!(dear(std::slice::from_ref(&query), None).is_some());
        let helped = crate::report::model::Impact {
            query_id: 7,
            weight: 1.0,
            cost_before: 2.0,
            cost_after: 1.0,
            plan_after: Some(String::new()),
            ..Default::default()
        };
        let advice = Advice { queries: vec![helped], ..Advice::default() };
        assert_eq!(dear(std::slice::from_ref(&query), Some(&advice)), None);
        let small = Query { time_share: Some(0.2), ..query };
        assert_eq!(dear(&[small], None), None);
    }
}
