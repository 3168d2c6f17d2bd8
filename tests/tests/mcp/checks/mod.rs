//! What every session must be able to do, whatever the client, the transport and the era.

mod calls;
mod errors;
mod limits;
mod listing;
mod rest;

use std::collections::BTreeMap;

use advisor_tests::bridge::driver::{Driver, Outcome};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::fixture::Fixture;

/// An open session.
pub(crate) struct Session<'a> {
    pub(crate) fixture: &'a Fixture,
    pub(crate) driver: Driver,
    /// What the client was told when it connected.
    pub(crate) about: Value,
    /// Application name of the bridge's backends.
    pub(crate) application: String,
    /// Whether the client takes no message above a mebibyte.
    pub(crate) takes_a_mebibyte: bool,
    /// The output schema of each tool.
    pub(crate) schemas: BTreeMap<String, Value>,
}

/// A check: its name and what it does.
type Check = fn(&mut Session<'_>) -> Result<()>;

/// In this order: the listing comes first because the SDKs take the schemas from it.
pub(crate) const ALL: &[(&str, Check)] = &[
    ("list_tools", listing::list_tools),
    ("list_schemas", calls::list_schemas),
    ("list_objects", calls::list_objects),
    ("get_object_details", calls::get_object_details),
    ("execute_sql", calls::execute_sql),
    ("explain_query", calls::explain_query),
    ("explain_hypothetical", calls::explain_hypothetical),
    ("get_top_queries", calls::get_top_queries),
    ("analyze_workload_indexes", calls::analyze_workload_indexes),
    ("analyze_query_indexes", calls::analyze_query_indexes),
    ("analyze_db_health", calls::analyze_db_health),
    ("sql_error", errors::sql_error),
    ("wrong_argument", errors::wrong_argument),
    ("unknown_enum_value", errors::unknown_enum_value),
    ("unknown_tool", errors::unknown_tool),
    ("read_only", errors::read_only),
    ("progress", limits::progress),
    ("cancel", limits::cancel),
    ("timeout", limits::timeout),
    ("large_result", limits::large_result),
    ("resources", rest::resources),
    ("prompts", rest::prompts),
    ("completion", rest::completion),
];

impl Session<'_> {
    /// Calls a tool, which must answer; its result, whose structured content was found to match
    /// the tool's schema.
    fn call(&mut self, tool: &str, arguments: &Value) -> Result<Value> {
        let result = self.driver.call(tool, arguments)?.ok();
        let result = result.with_context(|| format!("{tool} {arguments}"))?;
        self.answered(tool, result)
    }

    /// As [`Session::call`], for a result that is there.
    fn answered(&self, tool: &str, result: Value) -> Result<Value> {
        ensure!(result["isError"] != json!(true), "{tool}: {}", text(&result));
        ensure!(!text(&result).is_empty(), "{tool}: no text");
        self.matches_schema(tool, &result["structuredContent"])?;
        Ok(result)
    }

    /// Calls a tool, which must fail as a tool: the error's fields.
    fn fails(&mut self, tool: &str, arguments: &Value) -> Result<Value> {
        let outcome = self.driver.call(tool, arguments)?;
        self.failed(tool, outcome).with_context(|| format!("{tool} {arguments}"))
    }

    /// As [`Session::fails`], for an outcome that is there.
    fn failed(&self, tool: &str, outcome: Outcome) -> Result<Value> {
        let result = outcome.ok()?;
        ensure!(result["isError"] == json!(true), "no error: {result}");
        let error = &result["structuredContent"]["error"];
        let message = error["message"].as_str().context("no error.message")?;
        ensure!(text(&result).contains(message), "the text lacks {message:?}: {}", text(&result));
        self.matches_schema(tool, &result["structuredContent"])?;
        Ok(error.clone())
    }

    /// Structured content matches what the tool declares, errors too: clients check both.
    fn matches_schema(&self, tool: &str, content: &Value) -> Result<()> {
        let schema = self.schemas.get(tool).with_context(|| format!("{tool} is not listed"))?;
        let validator = jsonschema::validator_for(schema)?;
        let faults: Vec<String> =
            validator.iter_errors(content).map(|error| error.to_string()).collect();
        ensure!(faults.is_empty(), "{tool}: structured content: {}", faults.join("; "));
        Ok(())
    }
}

/// The text of a result.
fn text(result: &Value) -> String {
    let blocks = result["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    blocks.iter().filter_map(|block| block["text"].as_str()).collect()
}

/// A field of each object of a list, as text.
fn field(list: &Value, name: &str) -> Vec<String> {
    let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().map(|item| as_text(&item[name])).collect()
}

/// A string bare, anything else as JSON.
fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn sorted(mut list: Vec<String>) -> Vec<String> {
    list.sort();
    list
}

/// Whether two values are the same to a client that reads numbers as doubles.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| same(a, b))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, a)| other.get(name).is_some_and(|b| same(a, b)))
        }
        // Not by text: 1.50 and 1.5 are the same number.
        (Value::Number(one), Value::Number(other)) => match (one.as_f64(), other.as_f64()) {
            (Some(one), Some(other)) => one.to_bits() == other.to_bits(),
            _ => false,
        },
        _ => one == other,
    }
}
