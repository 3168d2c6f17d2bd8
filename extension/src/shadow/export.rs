//! Making the document.

use advisor_sql::export::{self, Parameter, Section, Wanted};
use pgrx::Spi;
use pgrx::datum::DatumWithOid;
use serde_json::{Map, Value, json};

use crate::error::AdvisorError;
use crate::query;
use crate::statements::RecordedStatements;
use crate::sys;

/// What can be done without pg_stat_statements.
const INSTEAD: &str =
    " Or give the statements: mcp_export_statistics(queries => ARRAY['SELECT ...']).";

/// The document of this database. `queries` are the workload instead of what pg_stat_statements
/// recorded; an empty list is none.
///
/// # Errors
/// As [`RecordedStatements::find`]; what SPI says.
pub(crate) fn export(values: bool, queries: Option<Vec<String>>) -> Result<Value, AdvisorError> {
    let answer = sys::subtransaction(false, || {
        let scope = query::own_scope();
        for (name, value) in export::FORMS {
            scope.set(name, value);
        }
        let workload = match queries {
            Some(queries) => given(queries),
            None => recorded()?,
        };
        document(values, workload)
    });
    answer.map_err(AdvisorError::Statement)?
}

fn given(queries: Vec<String>) -> Vec<Value> {
    (1..).zip(queries).map(|(id, query)| json!({"queryid": id, "query": query})).collect()
}

fn recorded() -> Result<Vec<Value>, AdvisorError> {
    let sql = RecordedStatements::find(INSTEAD)?.text(export::workload)?;
    rows(&sql, &[])
}

fn document(values: bool, workload: Vec<Value>) -> Result<Value, AdvisorError> {
    let texts: Vec<String> = workload
        .iter()
        .filter_map(|statement| statement.get("query")?.as_str().map(str::to_owned))
        .collect();
    let may_read_all = query::one::<bool>(export::MAY_READ_ALL, &[])?.unwrap_or_default();
    let wanted = Wanted { version_num: sys::VERSION, values, may_read_all };
    let mut document = Map::new();
    document.insert("format".to_owned(), export::FORMAT.into());
    document.insert("version".to_owned(), export::VERSION.into());
    document.insert("values".to_owned(), values.into());
    for Section { member, sql, parameter } in export::sections(wanted) {
        let args: Vec<DatumWithOid<'_>> = match parameter {
            Parameter::None => Vec::new(),
            Parameter::Settings => {
                vec![
                    export::SETTINGS
                        .iter()
                        .map(|name| (*name).to_owned())
                        .collect::<Vec<_>>()
                        .into(),
                ]
            }
            Parameter::Workload => vec![texts.clone().into()],
        };
        let mut found = rows(&sql, &args)?;
        if member == "server" {
            document.insert(member.to_owned(), found.pop().unwrap_or_default());
            continue;
        }
        let entry = document.entry(member).or_insert_with(|| Value::Array(Vec::new()));
        if let Some(list) = entry.as_array_mut() {
            list.extend(found);
        }
    }
    document.insert("workload".to_owned(), Value::Array(workload));
    if let Some(relations) = document.get_mut("relations").and_then(Value::as_array_mut) {
        look_into_indexes(relations)?;
    }
    Ok(Value::Object(document))
}

/// Adds what only the index itself knows: the height of b-trees, and what GIN counts.
fn look_into_indexes(relations: &mut [Value]) -> Result<(), AdvisorError> {
    const INDEX: &str = "select c.oid::bigint, m.amname::text
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        join pg_catalog.pg_am as m on m.oid = c.relam
        where n.nspname = $1 and c.relname = $2 and c.relkind = 'i'";
    for relation in relations {
        if relation.get("is_index") != Some(&Value::Bool(true)) {
            continue;
        }
        let name = |key| relation.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let found = query::pairs(INDEX, &[name("schema").into(), name("name").into()])?;
        let Some((Some(oid), Some(method))) = found.into_iter().next() else { continue };
        let Ok(oid) = u32::try_from(oid) else { continue };
        let (key, value) = match method.as_str() {
            "btree" => ("tree_height", json!(sys::btree_height(oid))),
            "gin" => ("gin", json!(sys::gin_counts(oid))),
            _ => continue,
        };
        if let Some(fields) = relation.as_object_mut() {
            fields.insert(key.to_owned(), value);
        }
    }
    Ok(())
}

/// The rows of a text as objects.
fn rows(sql: &str, args: &[DatumWithOid<'_>]) -> Result<Vec<Value>, AdvisorError> {
    let sql = format!("select pg_catalog.row_to_json(q.*)::pg_catalog.text from (\n{sql}\n) as q");
    Spi::connect(|client| {
        let mut rows = Vec::new();
        for row in client.select(sql.as_str(), None, args)? {
            let text: String = row.get(1)?.unwrap_or_default();
            let value = serde_json::from_str(&text);
            rows.push(value.map_err(|error| AdvisorError::Catalog(error.to_string()))?);
        }
        Ok(rows)
    })
}
