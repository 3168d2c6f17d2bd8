//! Statements: the dearest that `pg_stat_statements` recorded, and those that run now.

mod counters;
mod setup;

pub use setup::{Setup, Step};

/// The orders that [`top`] knows; the first is the default.
pub const ORDERS: [&str; 11] = [
    "resources",
    "total_time",
    "mean_time",
    "io",
    "temp",
    "wal",
    "rows",
    "calls",
    "planning_time",
    "max_time",
    "stddev_time",
];

/// Those of [`ORDERS`] that are not known of an interval: the extremes that the server keeps are of
/// all the time.
pub const NOT_OF_AN_INTERVAL: [&str; 2] = ["max_time", "stddev_time"];

/// Most seconds of an interval.
pub const MOST_SECONDS: i32 = 3600;

/// Whether `pg_stat_statements` is there: `schema`, `version`, `loaded`.
pub const FOUND: &str = include_str!("statements/found.sql");

/// What there is of what `pg_stat_statements` needs, the fields of [`Setup`].
pub const SETUP: &str = include_str!("statements/setup.sql");

/// What the other sessions do now; `$1` is whether of all databases.
pub const RUNNING: &str = include_str!("statements/running.sql");

/// The version of an extension, as in `1.10`.
type Version = (u32, u32);

fn version_of(text: &str) -> Version {
    let mut parts = text.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

/// The version, unless its columns have other names: before 1.8, which is of PostgreSQL 13.
fn known(version: &str) -> Option<Version> {
    Some(version_of(version)).filter(|version| *version >= (1, 8))
}

/// What all texts have in common that depends on the version.
fn filled(text: &str, schema: &str, version: Version) -> String {
    let at_least = |minor| version >= (1, minor);
    // Since when a statement is counted: its own time, or that of the last reset.
    let since = if at_least(11) {
        "s.stats_since".to_owned()
    } else if at_least(9) {
        format!("(select i.stats_reset from {schema}.pg_stat_statements_info as i)")
    } else {
        "null::timestamptz".to_owned()
    };
    let extremes = if at_least(11) { "s.minmax_stats_since" } else { "null::timestamptz" };
    text.replace("{toplevel}", if at_least(9) { "s.toplevel" } else { "true" })
        .replace("{since}", &since)
        .replace("{minmax_since}", extremes)
        .replace("{schema}", schema)
}

/// The dearest statements in `pg_stat_statements`: `$1` is one of [`ORDERS`], `$2` how many, `$3`
/// whether of all databases, `$4` what [`baseline`] gave, as text, or null.
///
/// `schema` is where its view is, quoted, and `version` that of the extension. None before 1.8
/// (PostgreSQL 13), whose columns have other names.
#[must_use]
pub fn top(schema: &str, version: &str) -> Option<String> {
    let version = known(version)?;
    let text = include_str!("statements/top.sql")
        .replace("{counters}", &counters::recorded(version))
        .replace("{types}", &counters::types())
        .replace("{deltas}", &counters::deltas())
        .replace("{own}", &own_functions().join("|"));
    Some(filled(&text, schema, version))
}

/// What `pg_stat_statements` counts now, one text to be handed to [`top`]: `$1` is whether of all
/// databases. The rest is as there.
#[must_use]
pub fn baseline(schema: &str, version: &str) -> Option<String> {
    let version = known(version)?;
    let text =
        include_str!("statements/baseline.sql").replace("{nonzero}", &counters::nonzero(version));
    Some(filled(&text, schema, version))
}

/// How `pg_stat_statements` counts and since when. The rest is as for [`top`].
#[must_use]
pub fn info(schema: &str, version: &str) -> Option<String> {
    let version = known(version)?;
    let info = if version >= (1, 9) {
        "{schema}.pg_stat_statements_info as i"
    } else {
        "(values (null::bigint, null::timestamptz)) as i (dealloc, stats_reset)"
    };
    let text = include_str!("statements/info.sql").replace("{info} as i", info);
    Some(filled(&text, schema, version))
}

/// A text of another module that depends on the version as these do; none before 1.8.
pub(crate) fn of_version(text: &str, schema: &str, version: &str) -> Option<String> {
    known(version).map(|version| filled(text, schema, version))
}

/// The functions of mcp_advisor. Each has a comment, so that is where their names are.
fn own_functions() -> Vec<&'static str> {
    let names = include_str!("comments.sql")
        .lines()
        .filter_map(|line| line.strip_prefix("comment on function "))
        .filter_map(|rest| rest.split_once('('))
        .map(|(name, _)| name);
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// What there is to say beside the statements in the order `sort_by`, of which the first has the
/// value `first` in `unit`; none when there is no statement.
#[must_use]
pub fn remark(sort_by: &str, first: Option<(f64, &str)>, track_planning: bool) -> Option<String> {
    match (sort_by, first) {
        ("planning_time", None) if !track_planning => Some(
            "No planning was recorded: pg_stat_statements.track_planning is off. A superuser can \
             set it to on; it costs some time at each statement."
                .to_owned(),
        ),
        ("io", Some((_, "blocks"))) => Some(
            "In blocks read and written: no time of reading or writing was recorded, as with \
             track_io_timing off."
                .to_owned(),
        ),
        ("io", Some(_)) => Some("In ms of reading and writing blocks.".to_owned()),
        (_, None) if !["resources", "total_time", "mean_time"].contains(&sort_by) => {
            Some(format!("No statement recorded has any {}.", sort_by.replace('_', " ")))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_begin_with_those_of_postgres_mcp_pro() {
        assert_eq!(ORDERS[..3], ["resources", "total_time", "mean_time"]);
        assert!(NOT_OF_AN_INTERVAL.iter().all(|order| ORDERS.contains(order)));
        let text = top("s", "1.10").unwrap();
        for order in &ORDERS[1..] {
            assert!(text.contains(&format!("when '{order}' then")), "{order}");
        }
    }

    #[test]
    fn texts_follow_the_version() {
        for text in [top, baseline, info] {
            assert_eq!(text("s", "1.7"), None);
            assert_eq!(text("s", ""), None);
            for version in ["1.8", "1.9", "1.10", "1.11", "1.12", "1.13", "2.0"] {
                let text = text("\"S\"", version).unwrap();
                assert!(text.contains("\"S\".pg_stat_statements"), "{text}");
                // A placeholder in a comment would have become several lines.
                assert!(!text.contains('{'), "{version}: {text}");
                let mut code = text.lines().filter(|line| !line.trim_start().starts_with("--"));
                assert!(!code.next_back().unwrap().trim_end().ends_with(';'));
            }
        }
        let old = top("\"S\"", "1.8").unwrap();
        assert!(old.contains("true as is_toplevel") && old.contains("null::timestamptz as since"));
        assert!(old.contains("null::bigint as jit_functions"));
        let middle = top("\"S\"", "1.10").unwrap();
        assert!(middle.contains("from \"S\".pg_stat_statements_info as i) as since"));
        assert!(middle.contains("s.blk_read_time + s.temp_blk_read_time as io_read_ms"));
        let new = top("s", "1.12").unwrap();
        assert!(new.contains("s.stats_since as since") && new.contains("s.toplevel as"));
        assert!(new.contains("s.parallel_workers_launched as workers_launched"));
        assert!(new.contains(crate::OWN_MARK));
    }

    #[test]
    fn own_functions_are_those_with_a_comment() {
        let names = own_functions();
        for name in ["mcp_top_queries", "mcp_health", "mcp_guard", "mcp_advise_indexes"] {
            assert!(names.contains(&name), "{names:?}");
        }
        assert!(names.iter().all(|name| name.starts_with("mcp_")), "{names:?}");
        assert!(top("s", "1.10").unwrap().contains("|mcp_top_queries|"));
    }

    #[test]
    fn remarks_say_what_is_missing() {
        let planning = remark("planning_time", None, false).unwrap();
        assert!(planning.contains("track_planning is off"), "{planning}");
        let none = remark("planning_time", None, true).unwrap();
        assert!(none.contains("any planning time"), "{none}");
        assert!(remark("io", Some((3.0, "blocks")), true).unwrap().contains("track_io_timing"));
        assert!(remark("io", Some((3.0, "ms")), true).unwrap().contains("ms"));
        assert_eq!(remark("total_time", None, false), None);
        assert_eq!(remark("wal", Some((3.0, "bytes")), false), None);
    }
}
