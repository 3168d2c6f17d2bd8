//! A database as the planner sees it, for a scratch database elsewhere: the sections of the document
//! that `mcp_export_statistics` and `mcp-bridge export` make and `mcp_import_statistics` reads.
//!
//! No section reads a row of a table. What is in a document beside names and definitions is what
//! the server's own views show the caller of statistics. Reading only, and no extension is needed,
//! so that it works where none can be installed.

use crate::statements;

/// What the member `format` of a document says.
pub const FORMAT: &str = "mcp_advisor statistics";

/// The version of the form; an import takes this one only.
pub const VERSION: i64 = 1;

/// The settings that plans depend on, as far as a session may set them. An import sets these and
/// no others.
pub const SETTINGS: [&str; 48] = [
    "DateStyle",
    "IntervalStyle",
    "TimeZone",
    "constraint_exclusion",
    "cpu_index_tuple_cost",
    "cpu_operator_cost",
    "cpu_tuple_cost",
    "cursor_tuple_fraction",
    "default_statistics_target",
    "default_text_search_config",
    "effective_cache_size",
    "effective_io_concurrency",
    "enable_async_append",
    "enable_bitmapscan",
    "enable_gathermerge",
    "enable_hashagg",
    "enable_hashjoin",
    "enable_incremental_sort",
    "enable_indexonlyscan",
    "enable_indexscan",
    "enable_material",
    "enable_memoize",
    "enable_mergejoin",
    "enable_nestloop",
    "enable_parallel_append",
    "enable_parallel_hash",
    "enable_partition_pruning",
    "enable_partitionwise_aggregate",
    "enable_partitionwise_join",
    "enable_seqscan",
    "enable_sort",
    "enable_tidscan",
    "from_collapse_limit",
    "geqo",
    "geqo_effort",
    "geqo_threshold",
    "hash_mem_multiplier",
    "join_collapse_limit",
    "max_parallel_workers_per_gather",
    "min_parallel_index_scan_size",
    "min_parallel_table_scan_size",
    "parallel_setup_cost",
    "parallel_tuple_cost",
    "plan_cache_mode",
    "random_page_cost",
    "search_path",
    "seq_page_cost",
    "work_mem",
];

/// The settings that the texts run under and that values are written in and read in, besides
/// [`crate::SEARCH_PATH`]. Queries of the catalog are estimated too high for a compiler to pay.
pub const FORMS: [(&str, &str); 5] = [
    ("jit", "off"),
    ("extra_float_digits", "3"),
    ("datestyle", "ISO, YMD"),
    ("intervalstyle", "postgres"),
    ("bytea_output", "hex"),
];

/// Whether the caller may read `pg_statistic` itself, which shows what `pg_stats` has only from
/// PostgreSQL 17: one row with one column.
pub const MAY_READ_ALL: &str =
    "select pg_catalog.has_table_privilege('pg_catalog.pg_statistic', 'select') as may";

/// What a section reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// Nothing.
    None,
    /// `$1`, `text[]`: [`SETTINGS`].
    Settings,
    /// `$1`, `text[]`: the texts of the workload.
    Workload,
}

/// A section: one SELECT whose rows, as JSON objects, are the elements of one member.
#[derive(Debug, Clone)]
pub struct Section {
    /// The member of the document. Several sections may fill the same one, in their order.
    pub member: &'static str,
    /// The text.
    pub sql: String,
    /// What it reads.
    pub parameter: Parameter,
}

impl Section {
    fn new(member: &'static str, sql: impl Into<String>) -> Self {
        Self { member, sql: sql.into(), parameter: Parameter::None }
    }

    const fn with(mut self, parameter: Parameter) -> Self {
        self.parameter = parameter;
        self
    }
}

/// What a document is to hold.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// `server_version_num` of the server.
    pub version_num: u32,
    /// Whether values that occur in rows may be in it: most common values, bounds of histograms.
    pub values: bool,
    /// What [`MAY_READ_ALL`] says.
    pub may_read_all: bool,
}

const OWN: &str = include_str!("export/own.sql");

/// The sections, in the order in which an import needs them.
#[must_use]
pub fn sections(wanted: Wanted) -> Vec<Section> {
    use Parameter::{Settings, Workload};
    let own = |text: &str| format!("{OWN}{text}");
    let filled = |text: &str| fill(&own(text), wanted);
    let mut sections = vec![
        Section::new("server", include_str!("export/server.sql")),
        Section::new("settings", include_str!("export/settings.sql")).with(Settings),
        Section::new("objects", include_str!("export/schemas.sql")).with(Workload),
        Section::new("objects", include_str!("export/types.sql")),
        Section::new("objects", include_str!("export/functions.sql")).with(Workload),
        Section::new("objects", own(include_str!("export/tables.sql"))),
        Section::new("objects", own(include_str!("export/parents.sql"))),
        Section::new("objects", own(include_str!("export/views.sql"))),
        Section::new("objects", own(include_str!("export/indexes.sql"))),
        Section::new("relations", own(include_str!("export/relations.sql"))),
        Section::new("statistics", filled(include_str!("export/statistics.sql"))),
        Section::new("extended", filled(include_str!("export/extended.sql"))),
        Section::new("expressions", filled(include_str!("export/expressions.sql"))),
    ];
    if wanted.values && wanted.may_read_all && wanted.version_num < 170_000 {
        sections.push(Section::new("ranges", own(include_str!("export/ranges.sql"))));
    }
    sections
}

fn fill(text: &str, wanted: Wanted) -> String {
    // Since PostgreSQL 15 there are statistics of whole trees beside those of their roots.
    let inherited = if wanted.version_num >= 150_000 { "s.inherited" } else { "false" };
    let ranges = if wanted.version_num < 170_000 {
        ""
    } else if wanted.values {
        ",\n    s.range_length_histogram::text as lengths,\n    \
         case when s.range_empty_frac is not null then array[s.range_empty_frac] end \
         as empty_frac,\n    s.range_bounds_histogram::text as bounds"
    } else {
        ""
    };
    text.replace("{values}", if wanted.values { "true" } else { "false" })
        .replace("{inherited}", inherited)
        .replace("{ranges}", ranges)
}

/// The workload in `pg_stat_statements`, the member `workload` of the document. `schema` is where
/// its view is, quoted, and `version` that of the extension; none before 1.8 (PostgreSQL 13).
#[must_use]
pub fn workload(schema: &str, version: &str) -> Option<String> {
    let text = include_str!("export/workload.sql").replace("{mark}", crate::OWN_MARK);
    statements::of_version(&text, schema, version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(version_num: u32, values: bool) -> Wanted {
        Wanted { version_num, values, may_read_all: true }
    }

    #[test]
    fn texts_are_complete_and_can_be_put_between_parentheses() {
        for version_num in [140_000, 150_000, 160_000, 170_000, 180_000] {
            for values in [false, true] {
                for section in sections(wanted(version_num, values)) {
                    assert!(!section.sql.contains(['{', '}']), "{}", section.sql);
                    assert!(!section.sql.trim_end().ends_with(';'), "{}", section.sql);
                    let has_parameter = section.sql.contains("$1");
                    assert_eq!(
                        has_parameter,
                        section.parameter != Parameter::None,
                        "{}",
                        section.sql
                    );
                }
            }
        }
        let text = workload("\"S\"", "1.10").unwrap();
        assert!(text.contains("from \"S\".pg_stat_statements") && !text.contains('{'));
        assert_eq!(workload("s", "1.7"), None);
    }

    #[test]
    fn values_are_left_out_where_they_are_not_wanted() {
        for version_num in [150_000, 170_000] {
            for section in sections(wanted(version_num, false)) {
                assert_ne!(section.member, "ranges");
                for column in ["most_common", "histogram_bounds", "range_", "elem_count"] {
                    let lines = section.sql.lines().filter(|line| line.contains(column));
                    for line in lines.filter(|line| !line.trim_start().starts_with("--")) {
                        assert!(line.trim_start().starts_with("case when false then"), "{line}");
                    }
                }
            }
        }
    }

    #[test]
    fn settings_are_in_order_and_few_enough_to_read() {
        let mut sorted = SETTINGS.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted, SETTINGS);
    }
}
