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

pub(super) fn section(part: &Part<Vec<Query>>, about: &About) -> Markup {
    let (lead, body) = match part {
        Part::Missing(why) => (html! {}, missing(why)),
        Part::Found(queries) if queries.is_empty() => {
            (html! {}, html! { p.good { "No statement is recorded yet." } })
        }
        Part::Found(queries) => (lead(queries, about), table(queries)),
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

fn table(queries: &[Query]) -> Markup {
    html! {
        div.table { table.queries {
            caption { "Statements by time" }
            (heads(&HEADS))
            tbody {
                @for (at, query) in queries.iter().enumerate() { (row(at + 1, query)) }
            }
        } }
    }
}

fn row(rank: usize, query: &Query) -> Markup {
    let float = |value: Option<i64>| value.map(|value| value as f64);
    let blocks =
        query.blocks_hit.zip(query.blocks_read).map(|(hit, read)| hit.saturating_add(read));
    let hits = blocks.zip(query.blocks_hit).filter(|(blocks, _)| *blocks > 0);
    html! {
        tr id={ "query-" (rank) } {
            td.number data-label="#" data-key=(rank) { (rank) }
            (statement(query))
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

fn statement(query: &Query) -> Markup {
    let whole = query.query.as_deref().unwrap_or("(its text is not visible to this role)");
    html! {
        td.statement data-label="Statement" data-key=(text::line(whole, LINE_CHARS)) {
            details {
                summary { code { (exact(&text::line(whole, LINE_CHARS))) } }
                (sql(whole))
                dl {
                    @if let Some(role) = &query.role { div { dt { "role" } dd { (exact(role)) } } }
                    @if let Some(id) = query.queryid { div { dt { "queryid" } dd { (id) } } }
                    @if let Some(rows) = query.rows { div { dt { "rows" } dd { (format::count(rows)) } } }
                    @if let Some(dirtied) = query.blocks_dirtied { div { dt { "blocks dirtied" } dd { (format::count(dirtied)) } } }
                    @if let Some(temp) = query.blocks_temp { div { dt { "temporary blocks" } dd { (format::count(temp)) } } }
                    @if let Some(share) = query.access_share { div { dt { "of all blocks" } dd { (format::percent(share)) } } }
                    @if let Some(share) = query.read_share { div { dt { "of all reads" } dd { (format::percent(share)) } } }
                    @if let Some(share) = query.wal_share { div { dt { "of all WAL" } dd { (format::percent(share)) } } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_statements_are_said() {
        let page = section(&Part::Found(Vec::new()), &About::default()).into_string();
        assert!(page.contains("No statement is recorded yet."));
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
        let row = row(3, &query).into_string();
        for part in [
            "data-label=\"#\" data-key=\"3\"",
            "data-key=\"825.9\">826 ms<",
            "data-label=\"Blocks\" data-key=\"100\"",
            "data-label=\"Hits\" data-key=\"0.75\">75 %",
            "data-key=\"select 1\"",
        ] {
            assert!(row.contains(part), "{part}: {row}");
        }
        // What is not known has no key, so that it stays at the end.
        assert!(row.contains("data-label=\"Calls\"><span"), "{row}");
    }
}
