//! The findings: what is wrong with evidence and remedy, what did not run, what is well.

use maud::{Markup, html};
use serde_json::Value;

use super::format;
use super::parts::{Head, Order, badge, code, exact, heads, missing, number, sql};
use crate::report::model::{Finding, Part};
use crate::report::summary::finding_anchor;
use crate::tools::text;

const HEADS: [Head; 4] = [
    Head { label: "Severity", meaning: "critical, warning, info", order: Order::Rank },
    Head { label: "Check", meaning: "", order: Order::Text },
    Head { label: "Finding", meaning: "By the object that it is about", order: Order::Text },
    Head { label: "Measured", meaning: "", order: Order::Large },
];

pub(super) fn section_of(findings: &[Finding]) -> (Markup, Markup) {
    let (judged, unjudged): (Vec<_>, Vec<_>) =
        findings.iter().enumerate().partition(|(_, finding)| finding.is_judged());
    let (well, wrong): (Vec<_>, Vec<_>) =
        judged.into_iter().partition(|(_, finding)| finding.severity == "ok");
    let lead = html! {
        p {
            (text::count(wrong.len() as u64, "finding")) ", "
            (text::count(well.len() as u64, "check")) " passed, "
            (unjudged.len()) " not run."
        }
    };
    let body = html! {
        @if wrong.is_empty() {
            p.good { "No check found anything." }
        } @else {
            div.table { table.findings {
                caption { "Findings, worst first" }
                (heads(&HEADS))
                tbody { @for (at, finding) in wrong { (row(at, finding)) } }
            } }
        }
        @if !unjudged.is_empty() { (list("Checks that did not run", &unjudged, true)) }
        @if !well.is_empty() { (list("Checks that passed", &well, false)) }
    };
    (lead, body)
}

pub(super) fn section(part: &Part<Vec<Finding>>) -> Markup {
    let (lead, body) = match part {
        Part::Found(findings) => section_of(findings),
        Part::Missing(why) => (html! {}, missing(why)),
    };
    super::section("health", "Health", lead, body)
}

fn row(at: usize, finding: &Finding) -> Markup {
    let rank = advisor_sql::health::rank(&finding.severity);
    html! {
        tr id=(finding_anchor(at)) {
            td data-label="Severity" data-key=(rank) { (badge(&finding.severity, &finding.severity)) }
            td data-label="Check" data-key=(finding.check_name) {
                (format::words(&finding.check_name))
                span.quiet.category { (finding.category) }
            }
            td.finding data-label="Finding" data-key=(finding.object.as_deref().unwrap_or_default()) {
                p {
                    @if let Some(object) = &finding.object { (code(object)) " " }
                    (exact(&finding.message))
                }
                @if let Some(remedy) = &finding.remediation { (remedy_of(remedy, finding.risk())) }
                (evidence(finding))
            }
            (number("Measured", finding.value, |value| measured(value, finding.unit.as_deref())))
        }
    }
}

fn measured(value: f64, unit: Option<&str>) -> String {
    match unit {
        Some("bytes") => format::bytes(value),
        Some(unit) => format!("{} {unit}", format::figure(value)),
        None => format::figure(value),
    }
}

fn remedy_of(remedy: &str, risk: Option<&str>) -> Markup {
    html! {
        (sql(remedy))
        @if let Some(risk) = risk.filter(|risk| *risk != "safe") {
            p.risk { "Risk: " (format::words(risk).to_lowercase()) }
        }
    }
}

/// What the finding rests on.
fn evidence(finding: &Finding) -> Markup {
    let shown = |key: &str, value: &Value| {
        !value.is_null() && !["risk", "ran"].contains(&key) && *value != Value::Array(Vec::new())
    };
    let details: Vec<_> = finding.details.iter().filter(|(key, value)| shown(key, value)).collect();
    if details.is_empty() && finding.threshold.is_none() {
        return html! {};
    }
    html! {
        details.evidence {
            summary { "Evidence" }
            dl {
                @if let Some(threshold) = &finding.threshold {
                    div { dt { "limit" } dd { (exact(threshold)) } }
                }
                @for (key, value) in details {
                    div { dt { (exact(&key.replace('_', " "))) } dd { (plain(value)) } }
                }
            }
        }
    }
}

/// A value as people read it: texts bare, lists with commas.
fn plain(value: &Value) -> Markup {
    match value {
        Value::String(text) => exact(text),
        Value::Array(items) => html! {
            @for (at, item) in items.iter().enumerate() { @if at > 0 { ", " } (plain(item)) }
        },
        Value::Object(fields) => html! {
            @for (at, (key, value)) in fields.iter().enumerate() {
                @if at > 0 { ", " }
                (exact(key)) " " (plain(value))
            }
        },
        Value::Number(number) => match number.as_i64() {
            Some(whole) => html! { (whole) },
            None => html! { (number.as_f64().map_or_else(|| number.to_string(), format::figure)) },
        },
        Value::Bool(true) => html! { "yes" },
        Value::Bool(false) => html! { "no" },
        Value::Null => html! { "none" },
    }
}

/// Checks with a line each.
fn list(name: &str, findings: &[(usize, &Finding)], is_open: bool) -> Markup {
    html! {
        details.checks open[is_open] {
            summary { (name) " " span.quiet { (findings.len()) } }
            ul {
                @for (_, finding) in findings {
                    li {
                        strong { (format::words(&finding.check_name)) } " "
                        @if let Some(object) = &finding.object { (code(object)) " " }
                        (exact(&finding.message))
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn finding(check: &str, severity: &str, details: Value) -> Finding {
        Finding {
            check_name: check.into(),
            severity: severity.into(),
            details: details.as_object().cloned().unwrap_or_default(),
            ..Finding::default()
        }
    }

    #[test]
    fn what_did_not_run_is_apart_from_what_is_wrong_and_what_is_well() {
        let findings = [
            finding("a", "critical", json!({})),
            finding("b", "info", json!({"ran": false})),
            finding("c", "ok", json!({})),
        ];
        let (lead, body) = section_of(&findings);
        assert!(lead.into_string().contains("1 finding, 1 check passed, 1 not run."));
        let body = body.into_string();
        let at = |text: &str| body.find(text).unwrap();
        assert!(at("id=\"finding-1\"") < at("Checks that did not run"));
        assert!(at("<strong>B</strong>") < at("Checks that passed"));
    }

    #[test]
    fn nothing_found_is_said() {
        let (_, body) = section_of(&[]);
        assert!(body.into_string().contains("No check found anything."));
    }

    #[test]
    fn evidence_reads_plainly() {
        let value = json!([{"role": "a<b", "sessions": 1}, true, null, 1.25]);
        assert_eq!(plain(&value).into_string(), "role a&lt;b, sessions 1, yes, none, 1.25");
        assert_eq!(measured(1_359_872.0, Some("bytes")), "1328 kB");
        assert_eq!(measured(180_000.0, Some("rows changed")), "180,000 rows changed");
        let bare = finding("a", "info", json!({"risk": "safe", "x": [], "y": null}));
        assert_eq!(evidence(&bare).into_string(), "");
    }
}
