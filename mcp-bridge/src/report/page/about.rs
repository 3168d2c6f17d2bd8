//! The head of the page: which database, when, and what to do first.

use maud::{Markup, html};

use super::parts::{badge, code, exact, missing};
use super::{format, section};
use crate::report::model::{Report, Since};
use crate::report::summary::Action;
use crate::tools::text;

/// Which server and database, and how old what is known of them is.
pub(super) fn header(report: &Report) -> Markup {
    let about = &report.about;
    let facts = &about.facts;
    html! {
        header {
            div.title {
                p.kind { "Database report" }
                h1 { (exact(&about.database)) }
                p.place { (exact(&about.connection)) }
            }
            dl.facts {
                (fact("Made", &html! { (format::moment(&about.made_at)) }))
                (fact("PostgreSQL", &html! {
                    span title=(about.version) { (about.release.split(' ').next().unwrap_or_default()) }
                    @if about.standby { " " (badge("info", "standby")) }
                }))
                (fact("Size", &html! { (facts.size_bytes.map_or_else(|| "unknown".to_owned(), |bytes| format::bytes(bytes as f64))) }))
                (fact("Tables", &html! { (format::count(facts.tables)) }))
                (fact("Role", &html! { (exact(&about.role)) }))
                (fact("Up since", &since(facts.started.as_ref(), "unknown")))
                (fact("Counters since", &since(facts.counted_since.as_ref(), "never reset")))
                (fact("Statements since", &since(facts.recorded_since.as_ref(), "not known")))
                (fact("Tables analyzed", &analyzed(report)))
                (fact("Extensions", &html! {
                    ul.extensions {
                        @for (name, version) in &about.extensions {
                            li { (exact(name)) " " span.quiet { (exact(version)) } }
                        }
                    }
                }))
            }
        }
    }
}

fn fact(name: &str, value: &Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

fn since(since: Option<&Since>, unknown: &str) -> Markup {
    match since {
        Some(since) => html! {
            time datetime=(since.at) title=(format::moment(&since.at)) { (format::age(since.seconds)) }
        },
        None => html! { span.quiet { (unknown) } },
    }
}

fn analyzed(report: &Report) -> Markup {
    let facts = &report.about.facts;
    html! {
        @match (&facts.oldest_analyze, &facts.newest_analyze) {
            (Some(oldest), Some(newest)) => {
                (since(Some(newest), "")) ", the oldest " (since(Some(oldest), ""))
            }
            _ => span.quiet { "never" },
        }
        @if facts.oldest_analyze.is_some() && facts.tables_never_analyzed > 0 {
            " " (badge("warning", &format!("{} never", format::count(facts.tables_never_analyzed))))
        }
    }
}

/// The summary: a few figures, what to do first, what was not seen.
pub(super) fn first(report: &Report) -> Markup {
    let body = html! {
        @if report.first.is_empty() {
            p.good { "Nothing urgent was found." }
        } @else {
            ol.actions { @for action in &report.first { (line(action)) } }
        }
        @for unseen in &report.unseen { (missing(unseen)) }
    };
    section("first", "Do first", figures(report), body)
}

fn line(action: &Action) -> Markup {
    let word = if action.urgency == "gain" { "speed" } else { &action.urgency };
    html! {
        li {
            (badge(&action.urgency, word))
            div {
                a href={ "#" (action.anchor) } { (exact(&action.title)) }
                p { (exact(&action.why)) }
            }
        }
    }
}

/// The figures that say how it stands.
fn figures(report: &Report) -> Markup {
    let findings = report.health.found();
    let of = |severity: &str| {
        findings.map(|findings| {
            let is = |finding: &&crate::report::model::Finding| {
                finding.is_judged() && finding.severity == severity
            };
            findings.iter().filter(is).count()
        })
    };
    let saved = report
        .advice
        .found()
        .filter(|advice| advice.cost_before > 0.0)
        .map(|advice| (advice.indexes.len(), 1.0 - advice.cost_after / advice.cost_before));
    let with = match saved {
        Some((indexes, _)) => format!("less time with {}", text::count(indexes as u64, "index")),
        None => "less time with indexes".to_owned(),
    };
    html! {
        ul.figures {
            (figure("critical", of("critical").map(|n| n.to_string()), "critical"))
            (figure("warning", of("warning").map(|n| n.to_string()), "warnings"))
            (figure("ok", of("ok").map(|n| n.to_string()), "checks passed"))
            (figure("gain", saved.map(|(_, saved)| format::percent(saved)), &with))
        }
    }
}

fn figure(kind: &str, value: Option<String>, what: &str) -> Markup {
    let class = match value.as_deref() {
        None | Some("0" | "0 %") => "figure quiet",
        Some(_) => match kind {
            "critical" => "figure critical",
            "warning" => "figure warning",
            "ok" => "figure ok",
            _ => "figure gain",
        },
    };
    html! {
        li class=(class) {
            span.value { (value.as_deref().unwrap_or("–")) }
            span.what { (what) }
        }
    }
}

/// Names in a row, as code.
pub(super) fn names(names: &[String]) -> Markup {
    html! {
        @for (at, name) in names.iter().enumerate() {
            @if at > 0 { ", " }
            (code(name))
        }
    }
}
