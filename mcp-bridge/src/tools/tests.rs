use std::path::Path;

use serde_json::json;

use super::*;

fn surface(access: AccessMode, databases: &[&str]) -> Surface {
    Surface { access, databases: databases.iter().map(|name| (*name).to_owned()).collect() }
}

fn listing(surface: &Surface) -> Vec<Value> {
    list(surface).iter().map(|tool| serde_json::to_value(tool).unwrap()).collect()
}

/// The listing is a contract: a change of it is seen here, and made with
/// `MCP_BRIDGE_UPDATE_GOLDEN=1 cargo test -p mcp-bridge golden`.
#[test]
fn listings_are_the_golden_ones() {
    for (access, name) in
        [(AccessMode::Restricted, "restricted"), (AccessMode::Unrestricted, "unrestricted")]
    {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.json"));
        let found = format!("{:#}\n", Value::Array(listing(&surface(access, &["default"]))));
        if std::env::var_os("MCP_BRIDGE_UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &found).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap();
        assert!(found == expected, "the listing differs from {}:\n{found}", path.display());
    }
}

/// As the clients' models count: with the encoding of current models.
#[test]
fn the_listing_is_short() {
    let encoding = tiktoken_rs::o200k_base().unwrap();
    for databases in [&["default"][..], &["shop", "reports"]] {
        for access in [AccessMode::Restricted, AccessMode::Unrestricted] {
            let text = Value::Array(listing(&surface(access, databases))).to_string();
            let tokens = encoding.encode_ordinary(&text).len();
            assert!(tokens < 2_500, "{tokens} tokens");
        }
    }
}

/// Names, types, enumerations and defaults of Postgres MCP Pro's arguments.
#[test]
fn arguments_are_those_of_postgres_mcp_pro() {
    let tools = listing(&surface(AccessMode::Restricted, &["default"]));
    let argument = |tool: &str, name: &str| {
        let tool = tools.iter().find(|one| one["name"] == tool).unwrap();
        tool["inputSchema"]["properties"][name].clone()
    };
    for (tool, name, kind, default) in [
        ("list_objects", "schema_name", "string", None),
        ("list_objects", "object_type", "string", Some(json!("table"))),
        ("get_object_details", "schema_name", "string", None),
        ("get_object_details", "object_name", "string", None),
        ("get_object_details", "object_type", "string", Some(json!("table"))),
        ("execute_sql", "sql", "string", None),
        ("explain_query", "sql", "string", None),
        ("explain_query", "analyze", "boolean", Some(json!(false))),
        ("explain_query", "hypothetical_indexes", "array", Some(json!([]))),
        ("get_top_queries", "sort_by", "string", Some(json!("resources"))),
        ("get_top_queries", "limit", "integer", Some(json!(10))),
        ("analyze_workload_indexes", "max_index_size_mb", "integer", Some(json!(10_000))),
        ("analyze_workload_indexes", "method", "string", Some(json!("dta"))),
        ("analyze_query_indexes", "queries", "array", None),
        ("analyze_query_indexes", "max_index_size_mb", "integer", Some(json!(10_000))),
        ("analyze_query_indexes", "method", "string", Some(json!("dta"))),
        ("analyze_db_health", "health_type", "string", Some(json!("all"))),
    ] {
        let found = argument(tool, name);
        assert_eq!(found["type"], kind, "{tool}.{name}");
        assert_eq!(found.get("default"), default.as_ref(), "{tool}.{name}");
    }
    for (tool, name, values) in [
        ("get_top_queries", "sort_by", &["total_time", "mean_time", "resources"][..]),
        ("analyze_query_indexes", "method", &["dta", "llm"]),
        ("list_objects", "object_type", &["table", "view", "sequence", "extension"]),
    ] {
        let found = argument(tool, name);
        let offered = found["enum"].as_array().unwrap();
        assert!(values.iter().all(|value| offered.contains(&json!(value))), "{tool}.{name}");
    }
}

#[test]
fn only_execute_sql_ever_writes() {
    for access in [AccessMode::Restricted, AccessMode::Unrestricted] {
        for tool in listing(&surface(access, &["default"])) {
            let writes = access == AccessMode::Unrestricted && tool["name"] == "execute_sql";
            assert_eq!(
                tool["annotations"],
                json!({
                    "readOnlyHint": !writes, "destructiveHint": writes,
                    "idempotentHint": !writes, "openWorldHint": false,
                }),
                "{}",
                tool["name"]
            );
        }
    }
}

#[test]
fn several_databases_make_an_argument() {
    let tools = listing(&surface(AccessMode::Restricted, &["shop", "reports"]));
    assert!(tools.iter().all(|tool| {
        tool["inputSchema"]["properties"]["database"]["enum"] == json!(["shop", "reports"])
    }));
}

/// Some clients refuse schemas with formats, unions of types or without properties.
#[test]
fn schemas_are_plain() {
    fn check(schema: &Value, path: &str) {
        match schema {
            Value::Object(fields) => {
                assert!(!fields.contains_key("format"), "{path}");
                assert!(!fields.get("type").is_some_and(Value::is_array), "{path}");
                for (key, inner) in fields {
                    check(inner, &format!("{path}.{key}"));
                }
            }
            Value::Array(items) => items.iter().for_each(|item| check(item, path)),
            _ => {}
        }
    }
    for tool in listing(&surface(AccessMode::Restricted, &["shop", "reports"])) {
        for (key, closed) in [("inputSchema", true), ("outputSchema", false)] {
            let schema = &tool[key];
            assert_eq!(schema["type"], "object");
            assert!(schema["properties"].is_object());
            assert!(!closed || schema["additionalProperties"] == json!(false));
            check(schema, key);
            jsonschema::validator_for(schema).unwrap();
        }
    }
}
