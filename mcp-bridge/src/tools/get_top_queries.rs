//! `get_top_queries`.

use std::time::Duration;

use advisor_sql::statements::{MOST_SECONDS, NOT_OF_AN_INTERVAL, remark};
use futures::FutureExt;
use serde_json::{Map, Value, json};

use super::listing::Listing;
use super::statements::{Recorded, Wanted, absent, interval, shortened, spell_out};
use super::{Answer, Arguments, Context, Definition, Reply, schema, text};
use crate::error::{Kind, ToolError};

/// The values of `sort_by`; the first is the default.
const SORTS: &[&str] = &advisor_sql::TOP_QUERIES_ORDERS;

pub(super) const TOOL: Definition = Definition {
    name: "get_top_queries",
    title: "Top queries",
    description: "Show the dearest statements of this database from pg_stat_statements: by time, \
                  I/O, WAL and more, or by their largest share of time, blocks or WAL \
                  (resources). Without pg_stat_statements: how to get it, and what runs now.",
    arguments: || {
        vec![
            schema::optional(
                "sort_by",
                json!({"type": "string", "enum": SORTS, "default": SORTS[0]}),
            ),
            schema::optional(
                "limit",
                json!({"type": "integer", "minimum": 1, "maximum": 1000, "default": 10}),
            ),
            schema::optional("all_databases", json!({"type": "boolean", "default": false})),
            schema::optional(
                "delta_seconds",
                json!({"type": "integer", "minimum": 0, "default": 0,
                    "description": "wait so long and count only what ends meanwhile"}),
            ),
        ]
    },
    output: || schema::output(&json!({"queries": schema::records()}), &["queries"]),
    heavy: false,
    run: |cx, arguments| Reply::of(run(cx, arguments)).boxed(),
};

/// What the text shows; the statement itself comes last, on one line.
fn columns(wanted: &Wanted<'_>) -> Vec<&'static str> {
    let mut columns = vec!["queryid", "calls", "total_ms", "mean_ms", "rows"];
    if wanted.all_databases {
        columns.insert(0, "database");
    }
    columns.extend(match wanted.sort {
        "io" => &["io_read_ms", "io_write_ms", "blocks_read", "sort_value"][..],
        "temp" => &["temp_blocks_read", "temp_blocks_written"],
        "wal" => &["wal_bytes"],
        "planning_time" => &["plans", "planning_ms"],
        "max_time" => &["max_ms"],
        "stddev_time" => &["stddev_ms"],
        _ => &[],
    });
    columns.extend(["time_share", "read_share", "dirtied_share", "wal_share", "query"]);
    columns
}

async fn run(cx: Context, mut arguments: Arguments) -> Result<Answer, ToolError> {
    let wanted = Wanted {
        sort: arguments.choice("sort_by", SORTS)?,
        limit: arguments.integer("limit", 10, 1..=1000)?,
        all_databases: arguments.boolean("all_databases", false)?,
    };
    let seconds = arguments.integer("delta_seconds", 0, 0..=i64::from(MOST_SECONDS))?;
    let (rows, counted) = if seconds > 0 {
        check_interval(&cx, &wanted, seconds)?;
        let time = Duration::from_secs(seconds.unsigned_abs());
        let Some((rows, [first, last])) = interval(&cx, &wanted, time).await? else {
            return absent(&cx, &wanted).await;
        };
        (rows, Counted { first: Some((seconds, first)), last })
    } else {
        let server = cx.server().await?;
        let mut session = cx.session().await?;
        let Some(recorded) = Recorded::find(&mut session).await? else {
            session.finish().await;
            return absent(&cx, &wanted).await;
        };
        let rows = recorded.top(&server, &mut session, &wanted).await?;
        let last = recorded.info(&mut session).await?;
        session.finish().await;
        (rows, Counted { first: None, last })
    };
    Ok(answer(&cx, &wanted, rows, &counted))
}

/// Whether the interval is one that a call can wait for, and the order one that it has.
fn check_interval(cx: &Context, wanted: &Wanted<'_>, seconds: i64) -> Result<(), ToolError> {
    // The statements before and after it need a little of the time that a call may take.
    let most = i64::try_from(cx.limits.statement.as_secs() * 9 / 10).unwrap_or(i64::MAX);
    if seconds > most {
        let message = format!("argument \"delta_seconds\" is out of range: {seconds}");
        return Err(ToolError::new(Kind::InvalidArgument, message).with_hint(format!(
            "It can be up to {most}, since a call may take {} s (--statement-timeout). In SQL, \
             mcp_top_queries(delta_seconds => …) of the extension takes up to {MOST_SECONDS}.",
            cx.limits.statement.as_secs()
        )));
    }
    if NOT_OF_AN_INTERVAL.contains(&wanted.sort) {
        let message = format!("\"{}\" is not known of an interval", wanted.sort);
        return Err(ToolError::new(Kind::InvalidArgument, message)
            .with_hint("Choose another sort_by, or leave delta_seconds out."));
    }
    Ok(())
}

/// How was counted: at the beginning of the interval of so many seconds, if there is one, and at the
/// end.
struct Counted {
    first: Option<(i64, Map<String, Value>)>,
    last: Map<String, Value>,
}

impl Counted {
    fn number(info: &Map<String, Value>, key: &str) -> Option<i64> {
        info.get(key).and_then(Value::as_i64)
    }

    /// How often entries were thrown out while was counted.
    fn evictions(&self) -> Option<i64> {
        let last = Self::number(&self.last, "evictions")?;
        let before = match &self.first {
            Some((_, first)) if first.get("counted_since") == self.last.get("counted_since") => {
                Self::number(first, "evictions").unwrap_or(0)
            }
            // A reset lets the number begin anew.
            _ => 0,
        };
        Some((last - before).max(0))
    }

    /// Since when, and what is not in it.
    fn sentence(&self) -> Option<String> {
        let since = match &self.first {
            Some((seconds, _)) => format!("Counted for {seconds} s until now"),
            None => format!("Counted since {}", self.last.get("counted_since")?.as_str()?),
        };
        Some(match self.evictions() {
            Some(evictions) if evictions > 0 => format!(
                "{since}; {} meanwhile: each throws out the 5 % of the entries that are used \
                 least, with what they counted, because more statements come than \
                 pg_stat_statements.max ({}) keeps.",
                text::count(evictions.unsigned_abs(), "eviction"),
                Self::number(&self.last, "max_entries").unwrap_or_default(),
            ),
            Some(_) => format!("{since}; no entries were evicted."),
            None => format!("{since}."),
        })
    }

    /// Other settings that make the answer poorer.
    fn tracks_nothing(&self) -> Option<String> {
        (self.last.get("track").and_then(Value::as_str) == Some("none")).then(|| {
            "Nothing is recorded for this role: pg_stat_statements.track is none.".to_owned()
        })
    }
}

fn answer(
    cx: &Context,
    wanted: &Wanted<'_>,
    mut rows: Vec<Map<String, Value>>,
    counted: &Counted,
) -> Answer {
    rows.iter_mut().for_each(|row| spell_out(row, "queryid"));
    let first = rows.first().and_then(|row| {
        Some((row.get("sort_value")?.as_f64()?, row.get("sort_unit")?.as_str()?.to_owned()))
    });
    let planning = counted.last.get("track_planning") == Some(&Value::Bool(true));
    let first = first.as_ref().map(|(value, unit)| (*value, unit.as_str()));
    let remarks: Vec<String> =
        [counted.sentence(), counted.tracks_nothing(), remark(wanted.sort, first, planning)]
            .into_iter()
            .flatten()
            .collect();
    let columns = columns(wanted);
    let listing = Listing::new(&cx.limits, rows);
    let shown: Vec<Map<String, Value>> = listing.rows().iter().map(shortened).collect();
    let mut answer = listing.answer("queries", "query", &columns, "a lower limit than");
    let rest = answer.data.get("truncated").and_then(|cut| cut["notice"].as_str());
    answer.text = std::iter::once(text::count(shown.len() as u64, "query"))
        .chain(remarks.iter().cloned())
        .chain((!shown.is_empty()).then(|| text::records(&columns, &shown)))
        .chain(rest.map(str::to_owned))
        .collect::<Vec<_>>()
        .join("\n");
    answer.data.insert(
        "counted".to_owned(),
        json!({
            "since": if counted.first.is_some() { None } else { counted.last.get("counted_since") },
            "seconds": counted.first.as_ref().map(|(seconds, _)| seconds),
            "evictions": counted.evictions(),
            "entries": counted.last.get("entries"),
            "max_entries": counted.last.get("max_entries"),
            "track": counted.last.get("track"),
            "track_planning": counted.last.get("track_planning"),
            "track_io_timing": counted.last.get("track_io_timing"),
        }),
    );
    if !remarks.is_empty() {
        answer.data.insert("remarks".to_owned(), json!(remarks));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(since: &str, evictions: Value) -> Map<String, Value> {
        let info = json!({"counted_since": since, "evictions": evictions, "max_entries": 5000});
        info.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn evictions_are_those_of_the_time_counted() {
        let all = Counted { first: None, last: info("monday", json!(7)) };
        let said = all.sentence().unwrap();
        assert!(said.starts_with("Counted since monday; 7 evictions meanwhile"), "{said}");
        assert!(said.contains("(5000)"), "{said}");
        let first = Some((10, info("monday", json!(6))));
        let some = Counted { first, last: info("monday", json!(7)) };
        let said = some.sentence().unwrap();
        assert!(said.starts_with("Counted for 10 s until now; 1 eviction meanwhile"), "{said}");
        let first = Some((10, info("monday", json!(600))));
        let reset = Counted { first, last: info("tuesday", json!(2)) };
        assert_eq!(reset.evictions(), Some(2));
        let none = Counted { first: None, last: info("monday", json!(0)) };
        assert_eq!(none.sentence().unwrap(), "Counted since monday; no entries were evicted.");
        let unknown = Counted { first: None, last: Map::new() };
        assert_eq!(unknown.sentence(), None);
    }

    #[test]
    fn columns_show_what_the_order_goes_by() {
        let wanted = |sort| Wanted { sort, limit: 1, all_databases: false };
        assert!(columns(&wanted("planning_time")).contains(&"planning_ms"));
        assert!(!columns(&wanted("resources")).contains(&"planning_ms"));
        let all = Wanted { all_databases: true, ..wanted("wal") };
        assert_eq!(columns(&all).first(), Some(&"database"));
        assert_eq!(columns(&all).last(), Some(&"query"));
    }
}
