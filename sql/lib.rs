//! The SQL texts that the extension and the bridge share.
//!
//! Each is one SELECT, so that it can be put between parentheses. Names of functions and relations
//! are qualified; operators and types are not: run them with `search_path` set to
//! [`SEARCH_PATH`], which also makes the names in the results complete. Running them, and what a
//! failure means, is the callers'.

/// The `search_path` that the texts are written for.
pub const SEARCH_PATH: &str = "pg_catalog, pg_temp";

/// A comment that the bridge puts into its own statements, so that [`top_queries`] can leave them
/// out: behind the first word, since PostgreSQL 18 records no comment that comes before it.
pub const OWN_MARK: &str = "/* mcp-bridge */";

/// The statement with [`OWN_MARK`].
#[must_use]
pub fn marked(statement: &str) -> String {
    match statement.split_once(' ') {
        Some((verb, rest)) => format!("{verb} {OWN_MARK} {rest}"),
        None => format!("{statement} {OWN_MARK}"),
    }
}

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

/// The text of the statement with queryid `$1` in `pg_stat_statements`, and the name of its database
/// when that is not this one. `schema` is where the view is, quoted.
#[must_use]
pub fn recorded(schema: &str) -> String {
    include_str!("statements/recorded.sql").replace("{schema}", schema)
}

pub mod export;
pub mod guard;
pub mod health;
pub mod map;
pub mod statements;

pub use statements::{ORDERS as TOP_QUERIES_ORDERS, top as top_queries};

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
    fn marks_are_behind_the_first_word() {
        assert_eq!(marked("set local a = 1"), "set /* mcp-bridge */ local a = 1");
        assert_eq!(marked("rollback"), "rollback /* mcp-bridge */");
    }

    #[test]
    fn texts_can_be_put_between_parentheses() {
        let texts = schema::KINDS.iter().filter_map(|kind| schema::object(kind));
        let checks = health::checks().flat_map(|check| check.texts).map(|(_, sql)| *sql);
        let others = [schema::SCHEMAS, schema::OBJECTS, PLAN_FACTS];
        let statements = [statements::FOUND, statements::SETUP, statements::RUNNING];
        for text in texts.chain(checks).chain(others).chain(statements) {
            let code: Vec<&str> =
                text.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
            assert!(!code.last().unwrap().trim_end().ends_with(';'), "{}", code[0]);
        }
    }
}
