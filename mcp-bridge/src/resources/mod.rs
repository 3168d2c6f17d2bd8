//! Resources: each schema as readable text, and the last health report.
//!
//! Nothing is reachable by resource only: the tools give the same.

mod map;
mod reading;

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use rmcp::model::{Resource, ResourceTemplate};
use serde_json::{Map, Value};

use crate::tools::text;

/// MIME type of all resources.
pub(crate) const MIME: &str = "text/plain";

/// What stays as it is in a part of a path: the unreserved characters of RFC 3986.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The template of the schema resources.
pub(crate) const SCHEMA_TEMPLATE: &str = "postgres://{database}/schema/{schema}";
/// The template of one relation, view or other object.
pub(crate) const OBJECT_TEMPLATE: &str = "postgres://{database}/schema/{schema}/{object}";

/// The template of the first page of an overview.
pub(crate) const OVERVIEW_TEMPLATE: &str = "postgres://{database}/overview/{schema}";
/// The template of the page of an overview after an object.
pub(crate) const OVERVIEW_AFTER_TEMPLATE: &str = "postgres://{database}/overview/{schema}/{after}";
/// The template of a search over names and comments.
pub(crate) const SEARCH_TEMPLATE: &str = "postgres://{database}/search/{words}";
/// The template of the ways to join two tables.
pub(crate) const JOIN_TEMPLATE: &str = "postgres://{database}/join/{from}/{to}";

/// What a URI names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// The last health report of a database.
    Health { database: String },
    /// A schema.
    Schema { database: String, schema: String },
    /// A table or view.
    Object { database: String, schema: String, object: String },
    /// A page of the overview of a schema: the first, or the one after an object.
    Overview { database: String, schema: String, after: Option<String> },
    /// A search over names and comments.
    Search { database: String, words: String },
    /// The ways to join two tables.
    Join { database: String, from: String, to: String },
}

impl Target {
    /// Reads a URI; none when it is not one of ours.
    pub(crate) fn parse(uri: &str) -> Option<Self> {
        let parts: Vec<String> = uri
            .strip_prefix("postgres://")?
            .split('/')
            .map(|part| percent_decode_str(part).decode_utf8().map(Into::into).ok())
            .collect::<Option<_>>()?;
        if parts.iter().any(|part| part.is_empty() || part.contains('\0')) {
            return None;
        }
        let mut parts = parts.into_iter();
        let (database, word) = (parts.next()?, parts.next()?);
        let target = match (word.as_str(), parts.next(), parts.next()) {
            ("health", None, None) => Self::Health { database },
            ("schema", Some(schema), None) => Self::Schema { database, schema },
            ("schema", Some(schema), Some(object)) => Self::Object { database, schema, object },
            ("overview", Some(schema), after) => Self::Overview { database, schema, after },
            ("search", Some(words), None) => Self::Search { database, words },
            ("join", Some(from), Some(to)) => Self::Join { database, from, to },
            _ => return None,
        };
        parts.next().is_none().then_some(target)
    }

    /// The database.
    pub(crate) fn database(&self) -> &str {
        match self {
            Self::Health { database }
            | Self::Schema { database, .. }
            | Self::Object { database, .. }
            | Self::Overview { database, .. }
            | Self::Search { database, .. }
            | Self::Join { database, .. } => database,
        }
    }

    /// The URI.
    pub(crate) fn uri(&self) -> String {
        let path = |parts: &[&str]| {
            let parts: Vec<String> =
                parts.iter().map(|part| utf8_percent_encode(part, PATH).to_string()).collect();
            format!("postgres://{}", parts.join("/"))
        };
        match self {
            Self::Health { database } => path(&[database, "health"]),
            Self::Schema { database, schema } => path(&[database, "schema", schema]),
            Self::Object { database, schema, object } => {
                path(&[database, "schema", schema, object])
            }
            Self::Overview { database, schema, after: None } => {
                path(&[database, "overview", schema])
            }
            Self::Overview { database, schema, after: Some(after) } => {
                path(&[database, "overview", schema, after])
            }
            Self::Search { database, words } => path(&[database, "search", words]),
            Self::Join { database, from, to } => path(&[database, "join", from, to]),
        }
    }
}

/// The resource of a schema.
pub(crate) fn schema(database: &str, schema: &str) -> Resource {
    let target = Target::Schema { database: database.to_owned(), schema: schema.to_owned() };
    Resource::new(target.uri(), format!("{database}/{schema}"))
        .with_title(format!("Schema {schema}"))
        .with_description("Tables and views with columns, constraints and indexes")
        .with_mime_type(MIME)
}

/// The resource of the health report.
pub(crate) fn health(database: &str) -> Resource {
    let target = Target::Health { database: database.to_owned() };
    Resource::new(target.uri(), format!("{database}/health"))
        .with_title("Last health report")
        .with_description("What analyze_db_health found last; made now if it never ran")
        .with_mime_type(MIME)
}

/// The templates.
pub(crate) fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new(SCHEMA_TEMPLATE, "schema")
            .with_title("Schema")
            .with_description("Tables and views of a schema with columns, constraints and indexes")
            .with_mime_type(MIME),
        ResourceTemplate::new(OBJECT_TEMPLATE, "object")
            .with_title("Table or view")
            .with_description("One table or view in detail")
            .with_mime_type(MIME),
        ResourceTemplate::new(OVERVIEW_TEMPLATE, "overview")
            .with_title("Overview of a schema")
            .with_description(
                "A line for each table, view and enum, at most 8,000 tokens; needs the extension \
                 mcp_advisor",
            )
            .with_mime_type(MIME),
        ResourceTemplate::new(OVERVIEW_AFTER_TEMPLATE, "overview_after")
            .with_title("Overview of a schema, next page")
            .with_description("The page after an object, as the last line of the page before says")
            .with_mime_type(MIME),
        ResourceTemplate::new(SEARCH_TEMPLATE, "search")
            .with_title("Search of names and comments")
            .with_description(
                "Objects by words of their names and comments, best first; needs the extension \
                 mcp_advisor",
            )
            .with_mime_type(MIME),
        ResourceTemplate::new(JOIN_TEMPLATE, "join")
            .with_title("Ways to join two tables")
            .with_description(
                "FROM clauses along foreign keys and inferred relationships; needs the extension \
                 mcp_advisor",
            )
            .with_mime_type(MIME),
    ]
}

/// The relations of a schema as text, one paragraph each.
pub(crate) fn relations(schema: &str, rows: &[Map<String, Value>], limit: usize) -> String {
    let mut page = format!("Schema {schema}: {}", text::count(rows.len() as u64, "relation"));
    if rows.len() == limit {
        page.push_str(" shown, there may be more; list_objects lists them");
    }
    page.push('\n');
    for row in rows {
        let field = |name: &str| row.get(name).map(text::cell).unwrap_or_default();
        let list = |name: &str| -> Vec<String> {
            row.get(name)
                .and_then(Value::as_array)
                .map(|items| items.iter().map(text::cell).collect())
                .unwrap_or_default()
        };
        // Writing to a string cannot fail.
        let _ = write!(page, "\n{} {}", field("kind"), field("name"));
        if let Some(rows) = row.get("rows_estimate").and_then(Value::as_i64) {
            let _ = write!(page, ", about {}", text::count(rows.unsigned_abs(), "row"));
        }
        let description = field("description");
        if !description.is_empty() {
            let _ = write!(page, " -- {description}");
        }
        page.push('\n');
        for name in ["columns", "constraints", "indexes"] {
            for item in list(name) {
                let _ = writeln!(page, "  {item}");
            }
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn uris_name_what_they_were_made_of() {
        for target in [
            Target::Health { database: "main".into() },
            Target::Schema { database: "main".into(), schema: "Größe/a b%".into() },
            Target::Object { database: "d".into(), schema: "s".into(), object: "schema".into() },
            Target::Overview { database: "d".into(), schema: "s".into(), after: None },
            Target::Overview {
                database: "d".into(),
                schema: "s".into(),
                after: Some("s.\"a/b\"".into()),
            },
            Target::Search { database: "d".into(), words: "flight arrival?".into() },
            Target::Join { database: "d".into(), from: "a.b".into(), to: "\"C\".d".into() },
        ] {
            assert_eq!(Target::parse(&target.uri()), Some(target));
        }
    }

    #[test]
    fn other_uris_are_not_ours() {
        for uri in [
            "",
            "postgres://",
            "postgres://d",
            "postgres://d/",
            "postgres://d/schema",
            "postgres://d/schema/",
            "postgres://d/tables/x",
            "postgres://d/health/x",
            "postgres://d/overview",
            "postgres://d/overview/s/a/b",
            "postgres://d/search/a/b",
            "postgres://d/join/a",
            "postgres://d/schema/s/t/u",
            "postgres://d/schema/%00",
            "postgres://d/schema/%ff",
            "file:///etc/passwd",
        ] {
            assert_eq!(Target::parse(uri), None, "{uri}");
        }
    }

    #[test]
    fn relations_are_paragraphs() {
        let row = json!({
            "name": "t", "kind": "table", "rows_estimate": 3, "description": "things",
            "columns": ["id integer not null"], "constraints": ["PRIMARY KEY (id)"], "indexes": [],
        });
        assert_eq!(
            relations("s", &[row.as_object().unwrap().clone()], 10),
            "Schema s: 1 relation\n\ntable t, about 3 rows -- things\n  id integer not null\n  \
             PRIMARY KEY (id)\n"
        );
    }
}
