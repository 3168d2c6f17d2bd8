//! The argument `hypothetical_indexes`: tables and columns as a model names them, to definitions.

use serde_json::{Map, Value};

use super::source::quoted;
use crate::db::{Param, Session};
use crate::error::{Kind, ToolError};

/// An index as the caller names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    table: String,
    columns: Vec<String>,
    method: String,
}

/// Most indexes in one call: each makes planning dearer.
const MOST: usize = 100;

fn invalid(message: impl Into<String>) -> ToolError {
    ToolError::new(Kind::InvalidArgument, message)
        .with_hint("Each one is {\"table\": …, \"columns\": [\"…\", …], \"using\": \"btree\"}.")
}

/// Reads the argument.
///
/// `columns` may be one string with commas. A column may have ASC, DESC, NULLS FIRST or NULLS LAST
/// behind its name.
///
/// # Errors
/// [`Kind::InvalidArgument`].
pub(super) fn parse(items: Vec<Value>) -> Result<Vec<Asked>, ToolError> {
    if items.len() > MOST {
        return Err(invalid(format!("there are more than {MOST} hypothetical indexes")));
    }
    items
        .into_iter()
        .map(|item| match item {
            Value::Object(fields) => one(fields),
            _ => Err(invalid("a hypothetical index is not an object")),
        })
        .collect()
}

fn one(mut fields: Map<String, Value>) -> Result<Asked, ToolError> {
    let table = match fields.remove("table") {
        Some(Value::String(table)) if !table.trim().is_empty() => table,
        _ => return Err(invalid("a hypothetical index has no \"table\"")),
    };
    let columns: Vec<String> = match fields.remove("columns") {
        Some(Value::String(text)) => text.split(',').map(|one| one.trim().to_owned()).collect(),
        Some(Value::Array(items)) => items
            .into_iter()
            .map(|item| match item {
                Value::String(column) => Ok(column.trim().to_owned()),
                _ => Err(invalid("a column of a hypothetical index is not a string")),
            })
            .collect::<Result<_, _>>()?,
        _ => return Err(invalid("a hypothetical index has no \"columns\"")),
    };
    if columns.is_empty() || columns.iter().any(String::is_empty) {
        return Err(invalid(
            "a hypothetical index has an empty list of columns or an empty column",
        ));
    }
    let method = match fields.remove("using") {
        None | Some(Value::Null) => "btree".to_owned(),
        Some(Value::String(method)) => method.trim().to_lowercase(),
        Some(_) => return Err(invalid("\"using\" of a hypothetical index is not a string")),
    };
    match fields.keys().next() {
        Some(key) => Err(invalid(format!("a hypothetical index has the unknown key \"{key}\""))),
        None => Ok(Asked { table, columns, method }),
    }
}

/// The table's quoted name and its columns: the name as SQL reads it, or else as it is spelled.
///
/// $1: the name, perhaps with a schema before a dot. `to_regclass` gets only what has the form of a
/// name: of anything else it makes an error.
const TABLE: &str = r#"
select
    pg_catalog.format('%I.%I', n.nspname, c.relname) as name,
    pg_catalog.array_to_json(array(
        select a.attname::text
        from pg_catalog.pg_attribute as a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        order by a.attnum
    )) as columns
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where c.oid = coalesce(
    case
        when $1 operator(pg_catalog.~) '"'
            or $1 operator(pg_catalog.~) '^[[:alpha:]_][[:alnum:]_$]*([.][[:alpha:]_][[:alnum:]_$]*)?$'
        then pg_catalog.to_regclass($1)
    end,
    pg_catalog.to_regclass(pg_catalog.quote_ident($1)),
    pg_catalog.to_regclass(
        pg_catalog.quote_ident(pg_catalog.split_part($1, '.', 1))
        || '.' || pg_catalog.quote_ident(pg_catalog.split_part($1, '.', 2))
    )
)"#;

/// The CREATE INDEX statements, with all names resolved and quoted.
///
/// # Errors
/// [`Kind::SqlError`] with SQLSTATE 42P01 or 42703 for a table or column that does not exist.
pub(super) async fn definitions(
    session: &mut Session,
    indexes: &[Asked],
) -> Result<Vec<String>, ToolError> {
    let mut definitions = Vec::with_capacity(indexes.len());
    for index in indexes {
        let rows = session.rows(TABLE, &[Param::Text(Some(&index.table))]).await?;
        let Some(row) = rows.into_iter().next() else {
            return Err(ToolError::new(
                Kind::SqlError,
                format!("table \"{}\" does not exist", index.table),
            )
            .with_sqlstate("42P01")
            .with_hint("Write it as schema.table; list_objects shows what there is."));
        };
        let name = row.get("name").and_then(Value::as_str).unwrap_or_default();
        let known: Vec<&str> = match row.get("columns") {
            Some(Value::Array(columns)) => columns.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let keys = index
            .columns
            .iter()
            .map(|column| key(column, &known, &index.table))
            .collect::<Result<Vec<_>, _>>()?;
        definitions.push(format!(
            "CREATE INDEX ON {name} USING {} ({})",
            quoted(&index.method),
            keys.join(", ")
        ));
    }
    Ok(definitions)
}

/// The oid of an index by its name: as SQL reads it, or else the only one that is spelled so.
///
/// $1: the name, perhaps with a schema before a dot.
const INDEX: &str = r#"
select c.oid::pg_catalog.text as oid, pg_catalog.format('%I.%I', n.nspname, c.relname) as name
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
cross join (
    select case
        when $1 operator(pg_catalog.~) '"'
            or $1 operator(pg_catalog.~) '^[[:alpha:]_][[:alnum:]_$]*([.][[:alpha:]_][[:alnum:]_$]*)?$'
        then pg_catalog.to_regclass($1)
    end as oid
) as read
where c.oid = read.oid
    or read.oid is null
    and c.relkind operator(pg_catalog.=) any ('{i,I}'::pg_catalog."char"[])
    and $1 in (c.relname, n.nspname operator(pg_catalog.||) '.' operator(pg_catalog.||) c.relname)
order by name
limit 20"#;

/// The oids of existing indexes.
///
/// # Errors
/// [`Kind::SqlError`] with SQLSTATE 42704 for a name that none has, 42P09 for one that several have.
pub(super) async fn existing(
    session: &mut Session,
    names: &[String],
) -> Result<Vec<String>, ToolError> {
    let mut oids = Vec::with_capacity(names.len());
    for name in names {
        let rows = session.rows(INDEX, &[Param::Text(Some(name))]).await?;
        let text = |row: &Map<String, Value>, column: &str| {
            row.get(column).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let error =
            |message: String, code| ToolError::new(Kind::SqlError, message).with_sqlstate(code);
        match rows.as_slice() {
            [row] => oids.push(text(row, "oid")),
            [] => {
                return Err(error(format!("index \"{name}\" does not exist"), "42704")
                    .with_hint("get_object_details shows the indexes of a table."));
            }
            several => {
                let all: Vec<_> = several.iter().map(|row| text(row, "name")).collect();
                return Err(error(format!("index name \"{name}\" is ambiguous"), "42P09")
                    .with_hint(format!("It is one of: {}.", all.join(", "))));
            }
        }
    }
    Ok(oids)
}

/// A key column in SQL: the column's name as it is in the table, and its ordering.
fn key(asked: &str, known: &[&str], table: &str) -> Result<String, ToolError> {
    let bare = asked.trim_matches('"').replace("\"\"", "\"");
    if known.contains(&bare.as_str()) {
        return Ok(quoted(&bare));
    }
    let (name, ordering) = match asked.split_once(char::is_whitespace) {
        Some((name, rest)) => (name, ordering(rest)),
        None => (asked, Some(String::new())),
    };
    let folded = name.to_lowercase();
    let spelled = name.trim_matches('"');
    let column = known
        .iter()
        .find(|column| **column == spelled)
        .or_else(|| known.iter().find(|column| **column == folded));
    match (column, ordering) {
        (Some(column), Some(ordering)) => Ok(format!("{}{ordering}", quoted(column))),
        _ => Err(ToolError::new(
            Kind::SqlError,
            format!("column \"{asked}\" of table \"{table}\" does not exist"),
        )
        .with_sqlstate("42703")
        .with_detail(format!("The columns are: {}.", known.join(", ")))
        .with_hint("Only plain columns can be tried, with ASC, DESC, NULLS FIRST or NULLS LAST.")),
    }
}

/// ASC, DESC, NULLS FIRST, NULLS LAST, in any case; none for anything else.
fn ordering(text: &str) -> Option<String> {
    let words: Vec<String> = text.split_whitespace().map(str::to_uppercase).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (direction, nulls) = match words.as_slice() {
        [direction @ ("ASC" | "DESC"), nulls @ ..] => (Some(*direction), nulls),
        nulls => (None, nulls),
    };
    let nulls = match nulls {
        [] => None,
        ["NULLS", place @ ("FIRST" | "LAST")] => Some(*place),
        _ => return None,
    };
    let mut ordering = String::new();
    if let Some(direction) = direction {
        ordering = format!(" {direction}");
    }
    if let Some(place) = nulls {
        ordering.push_str(" NULLS ");
        ordering.push_str(place);
    }
    Some(ordering)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(value: Value) -> Result<Vec<Asked>, ToolError> {
        let Value::Array(items) = value else { panic!("a list") };
        parse(items)
    }

    #[test]
    fn columns_may_be_a_list_or_a_string() {
        let expected = Asked {
            table: "t".into(),
            columns: vec!["a".into(), "b".into()],
            method: "btree".into(),
        };
        for columns in [json!(["a", "b"]), json!("a, b")] {
            let given = json!([{"table": "t", "columns": columns}]);
            assert_eq!(parsed(given).unwrap(), std::slice::from_ref(&expected));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for given in [
            json!(["t(a)"]),
            json!([{}]),
            json!([{"table": "t"}]),
            json!([{"table": "t", "columns": []}]),
            json!([{"table": "t", "columns": [""]}]),
            json!([{"table": "t", "columns": [1]}]),
            json!([{"table": "", "columns": ["a"]}]),
            json!([{"table": "t", "columns": ["a"], "using": 1}]),
            json!([{"table": "t", "columns": ["a"], "where": "x"}]),
        ] {
            assert_eq!(parsed(given).unwrap_err().kind, Kind::InvalidArgument);
        }
    }

    #[test]
    fn keys_are_found_and_quoted() {
        let known = ["id", "Mixed", "has space", "q\"uote"];
        let key = |asked| key(asked, &known, "t");
        assert_eq!(key("id").unwrap(), "\"id\"");
        assert_eq!(key("ID").unwrap(), "\"id\"");
        assert_eq!(key("Mixed").unwrap(), "\"Mixed\"");
        assert_eq!(key("has space").unwrap(), "\"has space\"");
        assert_eq!(key("\"q\"\"uote\"").unwrap(), "\"q\"\"uote\"");
        assert_eq!(key("id desc nulls last").unwrap(), "\"id\" DESC NULLS LAST");
        assert_eq!(key("id nulls first").unwrap(), "\"id\" NULLS FIRST");
        for wrong in ["nope", "lower(id)", "id desc; drop table t", "id) where (true"] {
            let error = key(wrong).unwrap_err();
            assert_eq!(error.sqlstate.as_deref(), Some("42703"));
        }
    }
}
