//! Plans before and after, as trees that open and close.

use maud::{Markup, html};

use super::format;
use super::parts::{badge, bar, code, exact, missing, sql};
use crate::report::model::Part;
use crate::report::plan::{Mark, Node, NodeFinding, Pair, Plan};
use crate::tools::text;

pub(super) fn section(part: &Part<Vec<Pair>>) -> Markup {
    let (lead, body) = match part {
        Part::Missing(why) => (html! {}, missing(why)),
        Part::Found(pairs) if pairs.is_empty() => {
            (html! {}, html! { p { "No index is advised, so no plan changes." } })
        }
        Part::Found(pairs) => {
            (lead(), html! { @for (at, one) in pairs.iter().enumerate() { (pair(at, one)) } })
        }
    };
    super::section("plans", "Plans before and after", lead, body)
}

fn lead() -> Markup {
    html! {
        p {
            "Statements that the advised indexes help most. Costs and rows are the planner's estimates; the bar is a node's own part of the whole cost. "
            (badge("gone", "gone")) " marks what the new plan no longer does, " (badge("new", "new")) " what it does instead."
        }
        p.tools {
            button.all type="button" data-open="true" { "Open all nodes" }
            button.all type="button" data-open="false" { "Close all nodes" }
        }
    }
}

fn pair(at: usize, pair: &Pair) -> Markup {
    let times = (pair.cost_after > 0.0).then(|| pair.cost_before / pair.cost_after);
    html! {
        article.pair id={ "plan-" (at + 1) } {
            h3 {
                "Cost " (format::figure(pair.cost_before)) " → " (format::figure(pair.cost_after))
                @if let Some(times) = times { span.quiet { " " (text::number(times)) " times less" } }
            }
            p.quiet {
                (format::figure(pair.calls)) " calls"
                @if !pair.ranks.is_empty() {
                    ", uses advised " @if pair.ranks.len() > 1 { "indexes " } @else { "index " }
                    @for (at, rank) in pair.ranks.iter().enumerate() {
                        @if at > 0 { ", " }
                        a href={ "#index-" (rank) } { (rank) }
                    }
                }
            }
            (sql(&pair.query))
            div.plans {
                (plan("Before", &pair.before))
                (plan("After", &pair.after))
            }
        }
    }
}

fn plan(name: &str, plan: &Plan) -> Markup {
    html! {
        section.plan aria-label={ (name) } {
            h4 { (name) }
            @match plan {
                Plan::Tree(root) => ul.tree { (node(root)) },
                Plan::Text(text) => {
                    p.note { "As the advisor saw it: this role cannot explain the statement by itself." }
                    pre.text tabindex="0" { (exact(text)) }
                }
            }
        }
    }
}

fn node(node: &Node) -> Markup {
    let class = match node.mark {
        Mark::Same => "node",
        Mark::Gone => "node gone",
        Mark::New => "node new",
    };
    let is_leaf = node.children.is_empty() && node.details.is_empty() && node.findings.is_empty();
    html! {
        li {
            @if is_leaf {
                div class=(class) { (line(node)) }
            } @else {
                details class=(class) open {
                    summary { (line(node)) }
                    @if !node.details.is_empty() {
                        dl { @for (key, value) in &node.details {
                            div { dt { (exact(key)) } dd { (code(value)) } }
                        } }
                    }
                    @for finding in &node.findings { (told(finding)) }
                    @if !node.children.is_empty() {
                        ul { @for child in &node.children { (self::node(child)) } }
                    }
                }
            }
        }
    }
}

fn line(node: &Node) -> Markup {
    html! {
        span.does {
            strong { (node.does) } " " (code_if_any(&node.on))
            @match node.mark {
                Mark::Same => {},
                Mark::Gone => { " " (badge("gone", "gone")) },
                Mark::New => { " " (badge("new", "new")) },
            }
            @if node.advised { " " (badge("gain", "advised")) }
        }
        span.estimates {
            (bar(node.share))
            span { "cost " (format::figure(node.cost)) }
            span { (format::figure(node.rows)) @if node.rows == 1.0 { " row" } @else { " rows" } }
        }
    }
}

fn code_if_any(text: &str) -> Markup {
    if text.is_empty() {
        html! {}
    } else {
        code(text)
    }
}

fn told(finding: &NodeFinding) -> Markup {
    html! {
        div.told {
            (badge(&finding.severity, &finding.severity)) " "
            strong { (format::words(&finding.finding)) } ": " (exact(&finding.message)) "."
            @if !finding.remedy.is_empty() { p { (exact(&finding.remedy)) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_nests_and_marks() {
        let leaf =
            Node { does: "Seq Scan".into(), on: "<t>".into(), mark: Mark::Gone, ..Node::default() };
        let root = Node {
            does: "Sort".into(),
            details: vec![("Sort Key".into(), "a <b".into())],
            children: vec![leaf],
            ..Node::default()
        };
        let tree = node(&root).into_string();
        assert_eq!(tree.matches("<details").count(), 1);
        assert!(
            tree.contains("<code>&lt;t&gt;</code> <span class=\"badge gone\">gone</span>"),
            "{tree}"
        );
        assert!(tree.contains("<code>a &lt;b</code>"));
    }

    #[test]
    fn no_plans_are_said() {
        assert!(section(&Part::Found(Vec::new())).into_string().contains("no plan changes"));
    }

    #[test]
    fn a_plan_that_is_no_tree_is_shown_as_text() {
        let text = plan("Before", &Plan::Text("Seq Scan on <t>".into())).into_string();
        assert!(text.contains("Seq Scan on &lt;t&gt;"), "{text}");
    }
}
