//! The nine tools, named and described as Postgres MCP Pro has them.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::Session;

/// Arguments of a tool: name and default, which is null where the argument must be given.
type Arguments = Vec<(&'static str, Value)>;

/// What Postgres MCP Pro has, and what is ours: `method`, `all_databases`, `delta_seconds`.
fn reference() -> BTreeMap<&'static str, Arguments> {
    let analysis = [("max_index_size_mb", json!(10_000)), ("method", json!("dta"))];
    let queries = [vec![("queries", Value::Null)], analysis.to_vec()].concat();
    BTreeMap::from([
        ("analyze_db_health", vec![("health_type", json!("all"))]),
        ("analyze_query_indexes", queries),
        ("analyze_workload_indexes", analysis.to_vec()),
        ("execute_sql", vec![("sql", Value::Null)]),
        (
            "explain_query",
            vec![
                ("sql", Value::Null),
                ("analyze", json!(false)),
                ("hypothetical_indexes", json!([])),
            ],
        ),
        (
            "get_object_details",
            vec![
                ("schema_name", Value::Null),
                ("object_name", Value::Null),
                ("object_type", json!("table")),
            ],
        ),
        (
            "get_top_queries",
            vec![
                ("sort_by", json!("resources")),
                ("limit", json!(10)),
                ("all_databases", json!(false)),
                ("delta_seconds", json!(0)),
            ],
        ),
        ("list_objects", vec![("schema_name", Value::Null), ("object_type", json!("table"))]),
        ("list_schemas", vec![]),
    ])
}

/// What is ours beside it. None must be given; `sql` neither where a `queryid` can stand for it.
const OURS: [(&str, &[&str]); 4] = [
    ("explain_query", &["hide_indexes", "queryid", "parameters", "plan_format"]),
    ("get_object_details", &["part", "offset"]),
    ("list_objects", &["name_pattern", "limit", "offset"]),
    ("list_schemas", &["offset"]),
];

fn ours(tool: &Value) -> &'static [&'static str] {
    OURS.iter().find(|(name, _)| tool == name).map_or(&[], |(_, arguments)| arguments)
}

pub(super) fn list_tools(session: &mut Session<'_>) -> Result<()> {
    let tools = session.driver.run("tools", &Value::Null)?.ok()?;
    let tools = tools.as_array().map(Vec::as_slice).unwrap_or_default();
    session.schemas = tools
        .iter()
        .filter_map(|tool| Some((tool["name"].as_str()?.to_owned(), tool["outputSchema"].clone())))
        .collect();
    let expected = reference();
    let names: Vec<&str> = tools.iter().filter_map(|tool| tool["name"].as_str()).collect();
    ensure!(names == expected.keys().copied().collect::<Vec<_>>(), "{names:?}");
    for tool in tools {
        let name = tool["name"].as_str().unwrap_or_default();
        arguments(tool, &expected[name])?;
        ensure!(tool["outputSchema"]["type"] == "object", "{name}: {}", tool["outputSchema"]);
        ensure!(tool["description"].as_str().is_some_and(|text| text.len() > 20), "{name}");
        let hints = json!({
            "readOnlyHint": true, "destructiveHint": false,
            "idempotentHint": true, "openWorldHint": false,
        });
        for (hint, value) in hints.as_object().into_iter().flatten() {
            ensure!(&tool["annotations"][hint] == value, "{name}: {}", tool["annotations"]);
        }
    }
    Ok(())
}

fn arguments(tool: &Value, expected: &Arguments) -> Result<()> {
    let name = &tool["name"];
    let schema = &tool["inputSchema"];
    ensure!(schema["type"] == "object" && schema["additionalProperties"] == false, "{schema}");
    let Some(properties) = schema["properties"].as_object() else {
        anyhow::bail!("{name}: no properties: {schema}");
    };
    let mut found: Vec<&str> = properties.keys().map(String::as_str).collect();
    let ours = ours(name);
    let mut wanted: Vec<&str> = expected.iter().map(|(argument, _)| *argument).collect();
    wanted.extend(ours);
    // The order is not the protocol's, and not every client keeps it.
    found.sort_unstable();
    wanted.sort_unstable();
    ensure!(found == wanted, "{name}: {found:?}");
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    ensure!(required.iter().all(|one| ours.iter().all(|name| one != name)), "{name}: {schema}");
    for (argument, default) in expected {
        let may_lack = *argument == "sql" && ours.contains(&"queryid");
        let must = default.is_null() && !may_lack;
        ensure!(required.contains(&json!(argument)) == must, "{name}: {schema}");
        let given = properties[*argument].get("default").unwrap_or(&Value::Null);
        ensure!(given == default, "{name}.{argument}: default {given}");
    }
    Ok(())
}
