//! The dearest statements as a table.

use maud::{Markup, html};

use super::format;
use super::parts::{Head, Order, exact, heads, missing, number, share, sql};
use crate::report::model::{About, Part, Query};
use crate::tools::text;

/// Characters of a statement that stand in the table; all of it opens.
const LINE_CHARS: usize = 160;

const HEADS: [Head; 10] = [
    Head { label: "#", meaning: "Place by total time", order: Order::Small },
    Head { label: "Statement", meaning: "", order: Order::Text },
    Head { label: "Time", meaning: "Time of execution of all calls", order: Order::Large },
    Head {
        label: "Of all",
        meaning: "Share of the time of all recorded statements",
        order: Order::Large,
    },
    Head { label: "Calls", meaning: "", order: Order::Large },
    Head { label: "Mean", meaning: "Mean time of a call", order: Order::Large },
    Head { label: "Slowest", meaning: "Time of the slowest call", order: Order::Large },
    Head {
        label: "Blocks",
        meaning: "Blocks read from shared buffers, found there or not",
        order: Order::Large,
    },
    Head {
        label: "Hits",
        meaning: "Share of the blocks that were in shared buffers",
        order: Order::Large,
    },
    Head { label: "WAL", meaning: "Write-ahead log that was made", order: Order::Large },
];

/// The table; `plans` are the statements whose plans are on the page, in their order.
pub(super) fn section(part: &Part<Vec<Query>>, plans: &[i64], about: &About) -> Markup {
    let (lead, body) = match part {
        Part::Missing(why) => (html! {}, missing(why)),
        Part::Found(queries) if queries.is_empty() => {
            (html! {}, html! { p.good { "No statement is recorded yet." } })
        }
        Part::Found(queries) => (lead(queries, about), table(queries, plans)),
    };
    super::section("queries", "Top queries", lead, body)
}

fn lead(queries: &[Query], about: &About) -> Markup {
    let share: f64 = queries.iter().filter_map(|query| query.time_share).sum();
    html! {
        p {
            "The " (text::count(queries.len() as u64, "statement")) " with the most time took "
            (format::percent(share.min(1.0))) " of the recorded time"
            @if let Some(since) = &about.facts.recorded_since {
                ", since " (format::moment(&since.at))
            }
            "."
        }
    }
}

fn table(queries: &[Query], plans: &[i64]) -> Markup {
    html! {
        div.table { table.queries {
            caption { "Statements by time" }
            (heads(&HEADS))
            tbody {
                @for (at, query) in queries.iter().enumerate() {
                    @let plan = plans.iter().position(|id| query.queryid == Some(*id));
                    (row(at + 1, query, plan))
                }
            }
        } }
    }
}

fn row(rank: usize, query: &Query, plan: Option<usize>) -> Markup {
    let float = |value: Option<i64>| value.map(|value| value as f64);
    let blocks =
        query.blocks_hit.zip(query.blocks_read).map(|(hit, read)| hit.saturating_add(read));
    let hits = blocks.zip(query.blocks_hit).filter(|(blocks, _)| *blocks > 0);
    html! {
        tr id={ "query-" (rank) } {
            td.number data-label="#" data-key=(rank) { (rank) }
            (statement(query, plan))
            (number("Time", query.total_ms, format::time))
            (share("Of all", query.time_share))
            (number("Calls", float(query.calls), format::figure))
            (number("Mean", query.mean_ms, format::time))
            (number("Slowest", query.max_ms, format::time))
            (number("Blocks", float(blocks), format::figure))
            (number("Hits", hits.map(|(all, hit)| hit as f64 / all as f64), format::percent))
            (number("WAL", float(query.wal_bytes), format::bytes))
        }
    }
}

fn statement(query: &Query, plan: Option<usize>) -> Markup {
    let Some(whole) = query.text() else {
        return html! {
            td.statement.quiet data-label="Statement" data-key="" { "Its text is not visible to this role." }
        };
    };
    let line = text::line(whole, LINE_CHARS);
    html! {
        td.statement data-label="Statement" data-key=(line) {
            details {
                summary { code { (exact(&line)) } }
                (sql(whole))
                dl { @for (name, value) in more(query) { div { dt { (name) } dd { (exact(&value)) } } } }
            }
            @if let Some(at) = plan {
                a.more href={ "#plan-" (at + 1) } { "an index is advised: plans" }
            }
        }
    }
}

/// What the columns do not say.
fn more(query: &Query) -> Vec<(&'static str, String)> {
    let count = |value: Option<i64>| value.map(format::count);
    let share = |value: Option<f64>| value.map(format::percent);
    let all = [
        ("role", query.role.clone()),
        ("queryid", query.queryid.map(|id| id.to_string())),
        ("rows", count(query.rows)),
        ("blocks dirtied", count(query.blocks_dirtied)),
        ("temporary blocks", count(query.blocks_temp)),
        ("of all blocks", share(query.access_share)),
        ("of all reads", share(query.read_share)),
        ("of all WAL", share(query.wal_share)),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_statements_are_said() {
        let page = section(&Part::Found(Vec::new()), &[], &About::default()).into_string();
        assert!(page.contains("No statement is recorded yet."));
    }

    #[test]
    fn a_text_that_is_not_visible_is_no_statement() {
        let hidden = Query { query: Some("<insufficient privilege>".into()), ..Query::default() };
        for query in [hidden, Query::default()] {
            let cell = statement(&query, None).into_string();
            assert!(cell.contains("not visible to this role") && !cell.contains("<details"));
        }
    }

    #[test]
    fn a_row_sorts_by_its_figures() {
        let query = Query {
            total_ms: Some(825.9),
            blocks_hit: Some(75),
            blocks_read: Some(25),
            query: Some("select\n 1".into()),
            ..Query::default()
        };
        let row = row(3, &query, Some(1)).into_string();
        for part in [
            "data-label=\"#\" data-key=\"3\"",
            "data-key=\"825.9\">826 ms<",
            "data-label=\"Blocks\" data-key=\"100\"",
            "data-label=\"Hits\" data-key=\"0.75\">75 %",
            "data-key=\"select 1\"",
            "href=\"#plan-2\"",
        ] {
            assert!(row.contains(part), "{part}: {row}");
        }
        // What is not known has no key, so that it stays at the end.
        assert!(row.contains("data-label=\"Calls\"><span"), "{row}");
    }
}
