//! The report as one page that needs nothing else: style and script are in it, and its policy
//! allows no others.
//!
//! What comes from the database is text: `maud` escapes it, no attribute that does anything is made
//! of it, and the script holds none of it.

mod about;
mod advice;
pub(super) mod format;
mod health;
mod pareto;
mod parts;
mod plans;
mod queries;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::model::Report;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The page's sign: a cylinder, as databases are drawn.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E\
%3Cpath fill='%232563b8' d='M2 4c0-3 12-3 12 0v8c0 3-12 3-12 0z'/%3E\
%3Cellipse cx='8' cy='4' rx='6' ry='2.2' fill='%239cc3f5'/%3E%3C/svg%3E";

/// The page.
pub(crate) fn page(report: &Report) -> String {
    let title = format!("{} – database report", report.about.database);
    let explained: Vec<i64> =
        report.plans.found().into_iter().flatten().map(|pair| pair.query_id).collect();
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) }
                link rel="icon" href=(ICON);
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to the report" }
                (about::header(report))
                (navigation())
                main #main {
                    (about::first(report))
                    (health::section(&report.health))
                    (queries::section(&report.queries, &explained, &report.about))
                    (advice::section(&report.advice))
                    (plans::section(&report.plans))
                }
                footer {
                    p { "Made by mcp-bridge " (report.bridge) ", read-only. Nothing of the database was changed." }
                }
                p.status role="status" aria-live="polite" {}
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    document.into_string()
}

/// The sections with their ids.
const SECTIONS: [(&str, &str); 5] = [
    ("first", "Do first"),
    ("health", "Health"),
    ("queries", "Queries"),
    ("advice", "Indexes"),
    ("plans", "Plans"),
];

fn navigation() -> Markup {
    html! {
        nav aria-label="Sections" { ul {
            @for (id, name) in SECTIONS { li { a href={ "#" (id) } { (name) } } }
        } }
    }
}

/// A section of the page.
fn section(id: &str, name: &str, lead: Markup, body: Markup) -> Markup {
    let heading = format!("{id}-heading");
    html! {
        section id=(id) aria-labelledby=(heading) {
            h2 id=(heading) { (name) }
            div.lead { (lead) }
            (body)
        }
    }
}

/// Nothing may be loaded or sent, and only the page's own style and script are taken.
fn policy() -> String {
    format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; img-src data:; base-uri 'none'; \
         form-action 'none'",
        hash(STYLE),
        hash(SCRIPT),
    )
}

fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests;
