//! The nine tools, named and described as Postgres MCP Pro has them.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::Session;

/// Arguments of a tool: name and default, which is null where the argument must be given.
type Arguments = Vec<(&'static str, Value)>;

/// What Postgres MCP Pro has, and `method`, which is ours.
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
        ("get_top_queries", vec![("sort_by", json!("resources")), ("limit", json!(10))]),
        ("list_objects", vec![("schema_name", Value::Null), ("object_type", json!("table"))]),
        ("list_schemas", vec![]),
    ])
}

/// Arguments that the reference has not: optional, so that its calls stay valid.
const ADDED: [(&str, &str); 6] = [
    ("get_object_details", "part"),
    ("get_object_details", "offset"),
    ("list_objects", "name_pattern"),
    ("list_objects", "limit"),
    ("list_objects", "offset"),
    ("list_schemas", "offset"),
];

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
    let mut wanted: Vec<&str> = expected.iter().map(|(argument, _)| *argument).collect();
    let added = ADDED.iter().filter(|(tool, _)| name == *tool).map(|(_, argument)| *argument);
    wanted.extend(added.clone());
    // The order is not the protocol's, and not every client keeps it.
    found.sort_unstable();
    wanted.sort_unstable();
    ensure!(found == wanted, "{name}: {found:?}");
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    ensure!(!added.into_iter().any(|argument| required.contains(&json!(argument))), "{schema}");
    for (argument, default) in expected {
        ensure!(required.contains(&json!(argument)) == default.is_null(), "{name}: {schema}");
        let given = properties[*argument].get("default").unwrap_or(&Value::Null);
        ensure!(given == default, "{name}.{argument}: default {given}");
    }
    Ok(())
}
