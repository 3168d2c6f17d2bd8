//! The SQL texts that the extension and the bridge share.
//!
//! Each is one SELECT, so that it can be put between parentheses. Names of functions and relations
//! are qualified; operators and types are not: run them with `search_path` set to
//! [`SEARCH_PATH`], which also makes the names in the results complete. Running them, and what a
//! failure means, is the callers'.

/// The `search_path` that the texts are written for.
pub const SEARCH_PATH: &str = "pg_catalog, pg_temp";

/// A comment that the bridge puts before its own statements, so that [`top_queries`] can leave them
/// out.
pub const OWN_MARK: &str = "/* mcp-bridge */";

/// Schemas and what is in them.
pub mod schema {
    /// The kinds of objects, in the order in which they are named.
    pub const KINDS: [&str; 9] = [
        "table",
        "view",
        "sequence",
        "extension",
        "materialized view",
        "partition",
        "function",
        "type",
        "index",
    ];

    /// The schemas of the database.
    pub const SCHEMAS: &str =
        concat!(include_str!("schema/sizes.sql"), include_str!("schema/schemas.sql"));

    /// The objects of schema `$1` of kind `$2`.
    pub const OBJECTS: &str =
        concat!(include_str!("schema/sizes.sql"), include_str!("schema/objects.sql"));

    /// The relations of schema `$1`, at most `$2`.
    pub const RELATIONS: &str = include_str!("schema/relations.sql");

    /// Schemas that somebody may have meant who asked for `$1`; no row when that is there.
    pub const NEAR_SCHEMAS: &str = include_str!("schema/near.sql");

    /// Objects that somebody may have meant who asked for `$2` in schema `$1`.
    pub const SIMILAR_OBJECTS: &str = include_str!("schema/similar.sql");

    /// What describes the object `$2` of schema `$1` of this kind, which is also `$3`; none when it
    /// is not one of [`KINDS`]. The text has one row with one column, or none.
    #[must_use]
    pub fn object(kind: &str) -> Option<&'static str> {
        Some(match kind {
            "table" | "view" | "materialized view" | "partition" => {
                concat!(include_str!("schema/columns.sql"), include_str!("schema/relation.sql"))
            }
            "sequence" => include_str!("schema/sequence.sql"),
            "extension" => include_str!("schema/extension.sql"),
            "function" => include_str!("schema/function.sql"),
            "type" => include_str!("schema/type.sql"),
            "index" => include_str!("schema/index.sql"),
            _ => return None,
        })
    }

    /// The SQLSTATE that says that there is no object of this kind.
    #[must_use]
    pub fn absent(kind: &str) -> &'static str {
        match kind {
            "function" => "42883",
            "type" | "extension" => "42704",
            _ => "42P01",
        }
    }

    /// The hint for somebody who asked for an object that is not there; `similar` are the rows of
    /// [`SIMILAR_OBJECTS`].
    #[must_use]
    pub fn object_hint(similar: &[String]) -> String {
        if similar.is_empty() {
            "Names are matched letter by letter, without quotes around them.".to_owned()
        } else {
            format!("There is: {}.", similar.join(", "))
        }
    }

    /// The hint for somebody who asked for a schema that is not there; `near` are the rows of
    /// [`NEAR_SCHEMAS`].
    #[must_use]
    pub fn schema_hint(near: &[String]) -> String {
        if near.is_empty() {
            "The database has no schemas but the system's.".to_owned()
        } else {
            format!("The schemas are: {}.", near.join(", "))
        }
    }
}

/// What the findings about a plan go by: `$1` schemas and `$2` names of the relations in it.
pub const PLAN_FACTS: &str = include_str!("plan/facts.sql");

/// The orders that [`top_queries`] knows; the first is the default.
pub const TOP_QUERIES_ORDERS: [&str; 3] = ["resources", "total_time", "mean_time"];

/// The dearest statements in `pg_stat_statements`: `$1` is one of [`TOP_QUERIES_ORDERS`], `$2` how
/// many.
///
/// `schema` is where its view is, quoted, and `version` that of the extension. None before 1.8
/// (PostgreSQL 13), whose columns have other names.
#[must_use]
pub fn top_queries(schema: &str, version: &str) -> Option<String> {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let version = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if version < (1, 8) {
        return None;
    }
    let toplevel = if version >= (1, 9) { "s.toplevel" } else { "true" };
    // Since when a statement is counted: its own time, or that of the last reset.
    let since = if version >= (1, 11) {
        "s.stats_since".to_owned()
    } else if version >= (1, 9) {
        format!("(select i.stats_reset from {schema}.pg_stat_statements_info as i)")
    } else {
        "null::timestamptz".to_owned()
    };
    Some(
        include_str!("statements/top.sql")
            .replace("{toplevel}", toplevel)
            .replace("{since}", &since)
            .replace("{schema}", schema),
    )
}

pub mod guard;
pub mod health;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_text() {
        for kind in schema::KINDS {
            let text = schema::object(kind).unwrap();
            assert!(text.contains("$1") && text.contains("$2") && text.contains("$3"), "{kind}");
        }
        assert_eq!(schema::object("tables"), None);
    }

    #[test]
    fn top_queries_follow_the_version() {
        assert_eq!(top_queries("s", "1.7"), None);
        assert_eq!(top_queries("s", ""), None);
        let old = top_queries("\"S\"", "1.8").unwrap();
        assert!(old.contains("true as is_toplevel") && old.contains("null::timestamptz as since"));
        assert!(old.contains("from \"S\".pg_stat_statements as s"));
        let middle = top_queries("\"S\"", "1.10").unwrap();
        assert!(middle.contains("from \"S\".pg_stat_statements_info as i) as since"));
        let new = top_queries("s", "1.12").unwrap();
        assert!(new.contains("s.stats_since as since") && new.contains("s.toplevel as"));
        assert!(new.contains(OWN_MARK));
    }

    #[test]
    fn texts_can_be_put_between_parentheses() {
        let texts = schema::KINDS.iter().filter_map(|kind| schema::object(kind));
        let checks = health::checks().flat_map(|check| check.texts).map(|(_, sql)| *sql);
        for text in texts.chain(checks).chain([schema::SCHEMAS, schema::OBJECTS, PLAN_FACTS]) {
            let code: Vec<&str> =
                text.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
            assert!(!code.last().unwrap().trim_end().ends_with(';'), "{}", code[0]);
        }
    }
}
