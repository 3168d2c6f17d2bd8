//! The page as a whole: what its policy allows, what becomes of hostile texts, what empty parts say.

use serde_json::json;

use super::*;
use crate::report::model::{
    About, Advice, Confidence, Finding, Impact, Index, Missing, Muted, Part, Point, Query, Skipped,
    Superfluous,
};
use crate::report::plan::{Node, NodeFinding, Pair, Plan};
use crate::report::summary::Action;

/// A text that would run, if it were taken for anything but a text.
const HOSTILE: &str = "</script><script>probe()</script><img src=x onerror=probe()>\"'` onload=probe() \
                       --></style><base href=//x> javascript:probe()";

fn empty() -> Report {
    Report {
        bridge: crate::VERSION,
        about: About::default(),
        first: Vec::new(),
        health: Part::Found(Vec::new()),
        queries: Part::Found(Vec::new()),
        advice: Part::Found(Advice::default()),
        plans: Part::Found(Vec::new()),
        unseen: Vec::new(),
    }
}

/// A report whose every text is hostile.
fn hostile() -> Report {
    let text = || HOSTILE.to_owned();
    let missing = || Missing { what: text(), detail: Some(text()), commands: vec![text()] };
    let tree = |child: Option<Node>| Node {
        does: text(),
        on: text(),
        details: vec![(text(), text())],
        findings: vec![NodeFinding {
            finding: text(),
            severity: text(),
            node: 1,
            message: text(),
            remedy: text(),
        }],
        children: child.into_iter().collect(),
        ..Node::default()
    };
    Report {
        about: About {
            connection: text(),
            database: text(),
            role: text(),
            release: text(),
            version: text(),
            extensions: vec![(text(), text())],
            made_at: text(),
            ..About::default()
        },
        first: vec![Action {
            urgency: text(),
            title: text(),
            why: text(),
            anchor: "health".to_owned(),
        }],
        health: Part::Found(vec![
            Finding {
                check_name: text(),
                category: text(),
                severity: text(),
                object: Some(text()),
                value: Some(1.0),
                unit: Some(text()),
                threshold: Some(text()),
                message: text(),
                remediation: Some(text()),
                details: json!({HOSTILE: [HOSTILE, {HOSTILE: HOSTILE}], "risk": HOSTILE})
                    .as_object()
                    .cloned()
                    .unwrap_or_default(),
            },
            Finding {
                check_name: text(),
                message: text(),
                severity: "ok".to_owned(),
                ..Finding::default()
            },
        ]),
        queries: Part::Found(vec![Query {
            role: Some(text()),
            query: Some(text()),
            ..Query::default()
        }]),
        advice: Part::Found(Advice {
            cost_before: 2.0,
            cost_after: 1.0,
            statements_used: 1,
            stopped_by: Some(text()),
            indexes: vec![Index {
                ddl: text(),
                confidence: text(),
                reason: text(),
                confidence_detail: Confidence { reasons: vec![text()] },
                ..Index::default()
            }],
            queries: vec![Impact { query: text(), ..Impact::default() }],
            skipped: vec![Skipped { query: text(), reason: text(), message: text() }],
            pareto_front: vec![
                Point::default(),
                Point { indexes: vec![text()], ddl: vec![text()], ..Point::default() },
            ],
            drops: vec![Superfluous { index: text(), reason: text() }],
            muted: vec![Muted { ddl: text(), reason: Some(text()) }],
            ..Advice::default()
        }),
        plans: Part::Found(vec![Pair {
            query_id: 1,
            query: text(),
            calls: 1.0,
            cost_before: 2.0,
            cost_after: 1.0,
            ranks: vec![1],
            before: Plan::Tree(tree(Some(tree(None)))),
            after: Plan::Text(text()),
        }]),
        unseen: vec![missing()],
        ..empty()
    }
}

#[test]
fn the_policy_names_the_style_and_the_script() {
    let page = page(&empty());
    let policy = page.split("Content-Security-Policy\" content=\"").nth(1).unwrap();
    let policy = policy.split('"').next().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(hash(""), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    for text in [STYLE, SCRIPT] {
        assert!(policy.contains(&hash(text)));
        assert!(page.contains(text));
        assert!(!text.contains("</"), "would end its element");
    }
}

#[test]
fn nothing_is_loaded_and_nothing_is_styled_or_run_in_attributes() {
    let page = page(&hostile());
    let markup = page.replace(STYLE, "").replace(SCRIPT, "").replace(ICON, "");
    for attribute in
        [" src=\"", " style=\"", " onclick=\"", "href=\"http", "<link rel=\"style", "@import"]
    {
        assert!(!markup.contains(attribute), "{attribute}");
    }
    assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
}

#[test]
fn hostile_texts_are_texts() {
    let page = page(&hostile());
    assert!(page.matches("&lt;/script&gt;&lt;script&gt;probe()").count() > 40, "not shown");
    assert_eq!(page.matches("<script").count(), 1);
    assert_eq!(page.matches("<style").count(), 1);
    for markup in ["<img", "<base", "</script><script"] {
        assert!(!page.contains(markup), "{markup}");
    }
    // No text gets out of the attribute that it is in.
    assert!(!page.contains("\"' onload") && !page.contains("\"'` onload"));
}

#[test]
fn every_section_is_there_when_all_is_empty_or_missing() {
    let missing = || Missing {
        commands: vec!["CREATE EXTENSION mcp_advisor;".to_owned()],
        ..Missing::new("It is not there.")
    };
    let absent = Report {
        health: Part::Missing(missing()),
        queries: Part::Missing(missing()),
        advice: Part::Missing(missing()),
        plans: Part::Missing(missing()),
        ..empty()
    };
    for report in [empty(), absent] {
        let page = page(&report);
        for (id, _) in SECTIONS {
            assert!(page.contains(&format!("<section id=\"{id}\"")), "{id}");
        }
    }
    let text = page(&Report { queries: Part::Missing(missing()), ..empty() });
    assert_eq!(text.matches("CREATE EXTENSION mcp_advisor;").count(), 1);
}
