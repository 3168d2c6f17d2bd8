//! `method: llm`: the client's model proposes, the planner verifies. The model is a list of replies.

use advisor_tests::bridge::driver::{Client, Driver};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::Case;
use crate::fixture::{Fixture, LOOKUP};
use crate::matrix::{Transport, leave, way};

pub(crate) const CASES: &[Case] = &[
    ("llm_proposes_over_stdio_with_a_session", |f| proposes(f, Client::Py1, Transport::Stdio)),
    ("llm_proposes_over_sse_with_a_session", |f| proposes(f, Client::Py1, Transport::Sse)),
    ("llm_proposes_over_http_with_a_session", |f| proposes(f, Client::Py1, Transport::Http)),
    ("llm_proposes_over_stdio_stateless", |f| proposes(f, Client::Py2, Transport::Stdio)),
    ("llm_proposes_over_http_stateless", |f| proposes(f, Client::Py2, Transport::Http)),
];

/// The first is no definition at all, the second one that the server refuses, the third helps, the
/// fourth helps no more: there the rounds end.
const REPLIES: [&str; 4] = [
    "I would rather talk about the weather.",
    "{\"indexes\": [\"CREATE INDEX ON shop.orders (no_such_column)\"]}",
    "Here:\n```json\n{\"indexes\": [\"CREATE INDEX ON shop.orders (customer_id)\"]}\n```",
    "{\"indexes\": [\"CREATE INDEX ON shop.orders (note)\"]}",
];

fn proposes(fixture: &Fixture, client: Client, transport: Transport) -> Result<()> {
    let application = format!("sampling_{}_{}", client.name(), transport.name());
    let (mut how, server) = way(fixture, transport, &application, &[])?;
    how["sampling"] = json!(REPLIES);
    let (mut driver, _) = Driver::connect(client, &how)?;
    let arguments = json!({"queries": [LOOKUP], "method": "llm"});
    let result = driver.call("analyze_query_indexes", &arguments)?.ok()?;
    ensure!(result["isError"] != true, "{result}");
    let answer = &result["structuredContent"];
    let advised = answer["recommendations"].as_array().context("no recommendations")?;
    ensure!(advised.len() == 1, "{answer}");
    ensure!(advised[0]["columns"] == json!(["customer_id"]), "{answer}");
    let proposals = answer["proposals"].as_array().context("no proposals")?;
    ensure!(proposals.len() >= 3, "{answer}");
    ensure!(proposals[0]["refused"].is_string() && proposals[1]["refused"].is_string(), "{answer}");
    let cost = |at: usize| proposals[at]["cost_after"].as_f64().context("no cost");
    ensure!(cost(2)? > 0.0, "{answer}");
    // What the model claims does not count: the same index by the server's own search is as good.
    let own = driver.call("analyze_query_indexes", &json!({"queries": [LOOKUP]}))?.ok()?;
    let own_cost = &own["structuredContent"]["summary"]["cost_after"];
    let found: &Value = &answer["summary"]["cost_after"];
    let (found, own_cost) = (found.as_f64().unwrap_or(0.0), own_cost.as_f64().unwrap_or(0.0));
    ensure!((found / own_cost - 1.0).abs() < 0.01, "{found} and {own_cost}");
    leave(fixture, driver, server, &application)
}
