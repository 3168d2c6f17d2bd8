//! The advised indexes, and the front they were chosen from.

use maud::{Markup, html};

use super::about::names;
use super::parts::{Head, Order, badge, code, exact, heads, missing, number, share, sql};
use super::{format, pareto};
use crate::report::model::{Advice, Index, Part, Point, Skipped};
use crate::tools::text;

const HEADS: [Head; 7] = [
    Head { label: "#", meaning: "Order of gain; build from the top", order: Order::Small },
    Head { label: "Index", meaning: "", order: Order::Text },
    Head { label: "Size", meaning: "Estimated", order: Order::Large },
    Head {
        label: "Saves",
        meaning: "Share of the whole recorded time, estimated",
        order: Order::Large,
    },
    Head { label: "Helps", meaning: "Statements that become cheaper", order: Order::Large },
    Head {
        label: "Writes",
        meaning: "Bytes written to the index per byte written to the table",
        order: Order::Large,
    },
    Head { label: "Confidence", meaning: "", order: Order::Text },
];

const FRONT: [Head; 4] = [
    Head { label: "Size", meaning: "", order: Order::Large },
    Head { label: "Indexes", meaning: "", order: Order::Large },
    Head { label: "Time", meaning: "Of the recorded time", order: Order::Large },
    Head { label: "Choice", meaning: "", order: Order::Text },
];

pub(super) fn section(part: &Part<Advice>) -> Markup {
    let (lead, body) = match part {
        Part::Missing(why) => (html! {}, missing(why)),
        Part::Found(advice) => (lead(advice), body(advice)),
    };
    super::section("advice", "Index advice", lead, body)
}

fn lead(advice: &Advice) -> Markup {
    let used = text::count(advice.statements_used.unsigned_abs(), "statement");
    html! {
        @if advice.statements_used == 0 {
            p { "No recorded statement could be used." }
        } @else if advice.indexes.is_empty() {
            p { "No index pays for the " (used) " that were examined." }
        } @else {
            p {
                strong { (text::count(advice.indexes.len() as u64, "index")) }
                ", " (format::bytes(advice.index_bytes)) " in all, for " (used)
                ": estimated time " (format::time(advice.cost_before)) " → "
                strong { (format::time(advice.cost_after)) }
                ", " (format::percent(1.0 - advice.cost_after / advice.cost_before)) " less."
            }
        }
        @if !advice.skipped.is_empty() { p { (exact(&reasons(&advice.skipped))) } }
        @if !advice.complete && advice.stopped_by.is_some() {
            p { "The search was ended by its limit; this is the best found by then. More time: " (code("--time-limit")) "." }
        }
    }
}

/// Why statements were left out, the most frequent reason first.
fn reasons(skipped: &[Skipped]) -> String {
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    for one in skipped {
        match reasons.iter_mut().find(|(known, _)| *known == one.message) {
            Some((_, count)) => *count += 1,
            None => reasons.push((&one.message, 1)),
        }
    }
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let rest = reasons.len().saturating_sub(MOST_REASONS);
    let mut texts: Vec<String> = reasons
        .into_iter()
        .take(MOST_REASONS)
        .map(|(message, count)| format!("{count} × {message}"))
        .collect();
    if rest > 0 {
        texts.push(format!("and {}", text::count(rest as u64, "other reason")));
    }
    format!("{} left out: {}.", text::count(skipped.len() as u64, "statement"), texts.join("; "))
}

/// Most reasons that are told at once.
const MOST_REASONS: usize = 3;

fn body(advice: &Advice) -> Markup {
    html! {
        @if !advice.indexes.is_empty() {
            div.table { table.indexes {
                caption { "Advised indexes, those that gain most first" }
                (heads(&HEADS))
                tbody { @for index in &advice.indexes { (row(advice, index)) } }
            } }
            @if advice.indexes.len() > 1 { (script(advice)) }
            @if !advice.drops.is_empty() { (superfluous(advice)) }
        }
        @if advice.pareto_front.len() > 1 { (front(advice)) }
        @if !advice.muted.is_empty() { (muted(advice)) }
        @if !advice.skipped.is_empty() { (skipped(advice)) }
    }
}

fn row(advice: &Advice, index: &Index) -> Markup {
    let saved = (advice.cost_before > 0.0)
        .then(|| (index.cost_before - index.cost_after) / advice.cost_before);
    html! {
        tr id={ "index-" (index.rank) } {
            td.number data-label="#" data-key=(index.rank) { (index.rank) }
            td.index data-label="Index" data-key=(index.ddl) {
                (sql(&format!("{};", index.ddl)))
                p {
                    (exact(&index.reason))
                    @for reason in &index.confidence_detail.reasons { " " (exact(reason)) }
                    @if index.breaks_hot { " " (badge("warning", "ends HOT updates of its columns")) }
                    @if !index.regressed_queries.is_empty() {
                        " " (badge("warning", &format!("{} dearer", text::count(index.regressed_queries.len() as u64, "statement"))))
                    }
                }
            }
            (number("Size", Some(index.size_bytes), format::bytes))
            (share("Saves", saved))
            (number("Helps", Some(index.improved_queries.len() as f64), format::figure))
            (number("Writes", Some(index.write_overhead), text::number))
            td data-label="Confidence" { (index.confidence) }
        }
    }
}

/// All statements at once.
fn script(advice: &Advice) -> Markup {
    let ddl: Vec<String> = advice.indexes.iter().map(|index| index.ddl.clone()).collect();
    html! {
        details.checks {
            summary { "All of them as one script" }
            (sql(&statements(&ddl)))
        }
    }
}

fn superfluous(advice: &Advice) -> Markup {
    let indexes: Vec<String> = advice.drops.iter().map(|drop| drop.index.clone()).collect();
    html! { p { "Made superfluous by these: " (names(&indexes)) "." } }
}

fn front(advice: &Advice) -> Markup {
    let before = advice.cost_before;
    html! {
        h3 { "What more space would bring" }
        div.front {
            figure { (pareto::drawing(advice)) }
            details.checks open {
                summary { "The same as a table" }
                // It may be long, and is as high as the drawing: who has no mouse can scroll it, too.
                div.table tabindex="0" { table {
                    caption { "Pareto front of size and time" }
                    (heads(&FRONT))
                    tbody {
                        @for (point, is_chosen) in pareto::points(advice) {
                            tr {
                                (number("Size", Some(point.index_bytes), format::bytes))
                                (number("Indexes", Some(point.indexes.len() as f64), format::figure))
                                (number("Time", (before > 0.0).then(|| point.cost / before), format::percent))
                                td data-label="Choice" {
                                    @if is_chosen { (badge("gain", "advised")) " " }
                                    @if point.knee { (badge("info", "knee")) }
                                }
                            }
                        }
                    }
                } }
            }
        }
        (choices(advice))
    }
}

/// The statements of each point, for whoever wants another than the advised one.
fn choices(advice: &Advice) -> Markup {
    let points = pareto::points(advice);
    let others: Vec<&Point> =
        points.iter().filter(|(_, is_chosen)| !is_chosen).map(|(point, _)| point).collect();
    html! {
        @if others.iter().any(|point| !point.ddl.is_empty()) {
            details.checks {
                summary { "The indexes of the other points" }
                p.note { "At the knee, more space begins to bring less than twice its share in speed." }
                @for point in others.iter().filter(|point| !point.ddl.is_empty()) {
                    p {
                        (format::bytes(point.index_bytes)) ", "
                        (text::count(point.ddl.len() as u64, "index"))
                        @if advice.cost_before > 0.0 {
                            ", " (format::percent(point.cost / advice.cost_before)) " of the time"
                        }
                        @if point.knee { " " (badge("info", "knee")) }
                    }
                    (sql(&statements(&point.ddl)))
                }
            }
        }
    }
}

fn statements(ddl: &[String]) -> String {
    let lines: Vec<String> = ddl.iter().map(|ddl| format!("{ddl};")).collect();
    lines.join("\n")
}

fn muted(advice: &Advice) -> Markup {
    html! {
        details.checks {
            summary { "Muted advice " span.quiet { (advice.muted.len()) } }
            ul {
                @for muted in &advice.muted {
                    li {
                        (code(&muted.ddl))
                        @if let Some(reason) = &muted.reason { ": " (exact(reason)) }
                    }
                }
            }
        }
    }
}

fn skipped(advice: &Advice) -> Markup {
    // Those whose text is hidden look alike: one line for all of them.
    let mut alike: Vec<(&Skipped, usize)> = Vec::new();
    for skipped in &advice.skipped {
        match alike.iter_mut().find(|(known, _)| *known == skipped) {
            Some((_, count)) => *count += 1,
            None => alike.push((skipped, 1)),
        }
    }
    html! {
        details.checks {
            summary { "Statements left out " span.quiet { (advice.skipped.len()) } }
            ul {
                @for (skipped, count) in alike {
                    li {
                        @if count > 1 { (text::count(count as u64, "statement")) ": " }
                        (exact(&skipped.message)) ": " (code(&text::line(&skipped.query, 120)))
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::model::Muted;

    #[test]
    fn other_points_have_their_statements() {
        let point = |index_bytes, cost, knee, ddl: &[&str]| Point {
            index_bytes,
            cost,
            knee,
            ddl: ddl.iter().map(|ddl| (*ddl).to_owned()).collect(),
            ..Point::default()
        };
        let mut advice = Advice {
            cost_before: 100.0,
            cost_after: 40.0,
            index_bytes: 2.0,
            indexes: vec![Index::default()],
            pareto_front: vec![
                point(0.0, 100.0, false, &[]),
                point(1.0, 60.0, true, &["CREATE INDEX ON a (b)"]),
                point(2.0, 40.0, false, &["CREATE INDEX ON c (d)"]),
            ],
            ..Advice::default()
        };
        let page = front(&advice).into_string();
        assert!(page.contains("CREATE INDEX ON a (b);"), "{page}");
        // The advised one is above, and the one without indexes has none.
        assert!(!page.contains("CREATE INDEX ON c (d)"), "{page}");
        assert_eq!(page.matches(">knee<").count(), 3, "drawing, table, list: {page}");
        advice.pareto_front.remove(1);
        assert!(!choices(&advice).into_string().contains("other points"));
    }

    #[test]
    fn what_is_muted_is_told_with_its_reason() {
        let one = Muted { ddl: "CREATE INDEX ON a (b)".into(), reason: Some("<why>".into()) };
        let advice = Advice { muted: vec![one], ..Advice::default() };
        let list = muted(&advice).into_string();
        assert!(list.contains("CREATE INDEX ON a (b)") && list.contains("&lt;why&gt;"), "{list}");
        assert!(!body(&Advice::default()).into_string().contains("Muted"));
    }

    #[test]
    fn empty_advice_says_why() {
        let page = |advice: Advice| section(&Part::Found(advice)).into_string();
        assert!(page(Advice::default()).contains("No recorded statement could be used."));
        let none = Advice { statements_used: 3, complete: true, ..Advice::default() };
        assert!(page(none).contains("No index pays for the 3 statements"));
        let cut = Advice { stopped_by: Some("time_limit".into()), ..Advice::default() };
        assert!(page(cut).contains("--time-limit"));
    }

    #[test]
    fn statements_that_look_alike_share_a_line() {
        let hidden = Skipped { query: "<hidden>".into(), ..Skipped::default() };
        let other = Skipped { query: "select".into(), ..Skipped::default() };
        let advice = Advice { skipped: vec![hidden.clone(), other, hidden], ..Advice::default() };
        let list = skipped(&advice).into_string();
        assert_eq!(list.matches("<li>").count(), 2);
        assert!(list.contains("2 statements: "), "{list}");
    }

    #[test]
    fn reasons_are_told_with_the_most_frequent_first() {
        let one = |message: &str| Skipped { message: message.into(), ..Skipped::default() };
        let all = ["a", "b", "c", "b", "d", "e"].map(one);
        assert_eq!(
            reasons(&all),
            "6 statements left out: 2 × b; 1 × a; 1 × c; and 2 other reasons."
        );
    }

    #[test]
    fn an_index_saves_its_part_of_the_whole() {
        let advice = Advice { cost_before: 200.0, ..Advice::default() };
        let index = Index { cost_before: 100.0, cost_after: 50.0, ..Index::default() };
        let row = row(&advice, &index).into_string();
        assert!(row.contains("data-label=\"Saves\" data-key=\"0.25\""), "{row}");
        let row = super::row(&Advice::default(), &index).into_string();
        assert!(!row.contains("NaN") && !row.contains("inf"), "{row}");
    }
}
