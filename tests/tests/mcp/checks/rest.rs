//! Beyond tools: resources, prompts, completions.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{Session, field, sorted};
use crate::fixture::texts;

pub(super) fn resources(session: &mut Session<'_>) -> Result<()> {
    let listed = session.driver.run("resources", &Value::Null)?.ok()?;
    let uris = field(&listed, "uri");
    let schemas = "select 'postgres://default/schema/' || nspname from pg_namespace
        where nspname !~ '^pg_' and nspname <> 'information_schema'
            and has_schema_privilege(oid, 'usage')";
    let mut expected = texts(&mut session.fixture.keeper()?, schemas)?;
    expected.push("postgres://default/health".to_owned());
    let (uris, expected) = (sorted(uris), sorted(expected));
    ensure!(uris == expected, "{uris:?} and not {expected:?}");

    let templates = session.driver.run("templates", &Value::Null)?.ok()?;
    let templates = field(&templates, "uriTemplate");
    let expected = [
        "postgres://{database}/join/{from}/{to}",
        "postgres://{database}/overview/{schema}",
        "postgres://{database}/overview/{schema}/{after}",
        "postgres://{database}/schema/{schema}",
        "postgres://{database}/schema/{schema}/{object}",
        "postgres://{database}/search/{words}",
    ];
    ensure!(sorted(templates.clone()) == expected, "{templates:?}");

    for (uri, parts) in [
        ("postgres://default/schema/shop", vec!["orders", "customer_id integer", "order_totals"]),
        ("postgres://default/schema/shop/orders", vec!["orders_pkey", "numeric(12,2)"]),
        ("postgres://default/health", vec!["Health report", "duplicate_index"]),
    ] {
        let contents = session.driver.run("read", &json!({"uri": uri}))?.ok()?;
        ensure!(contents[0]["uri"] == uri && contents[0]["mimeType"] == "text/plain", "{contents}");
        let text = contents[0]["text"].as_str().context("no text")?;
        for part in parts {
            ensure!(text.contains(part), "{uri}: no {part} in {text}");
        }
    }
    let missing = json!({"uri": "postgres://default/schema/no_such_schema"});
    let error = session.driver.run("read", &missing)?.error()?;
    // The code has changed between the eras, and not every client shows that of its era.
    ensure!([json!(-32002), json!(-32602)].contains(&error["code"]), "{error}");
    ensure!(error["message"].as_str().is_some_and(|why| why.contains("no_such_schema")), "{error}");
    Ok(())
}

pub(super) fn prompts(session: &mut Session<'_>) -> Result<()> {
    let listed = session.driver.run("prompts", &Value::Null)?.ok()?;
    let names = field(&listed, "name");
    ensure!(
        sorted(names.clone())
            == ["check_health", "explain_slow_query", "tune_query", "tune_workload"],
        "{names:?}"
    );
    let ask = json!({"name": "tune_query", "arguments": {"sql": "select 42"}});
    let prompt = session.driver.run("prompt", &ask)?.ok()?;
    let message = &prompt["messages"][0];
    ensure!(message["role"] == "user", "{prompt}");
    let words = message["content"]["text"].as_str().context("no text")?;
    ensure!(words.contains("select 42") && words.contains("analyze_query_indexes"), "{words}");
    for wrong in [
        json!({"name": "tune_query", "arguments": {}}),
        json!({"name": "no_such_prompt", "arguments": {}}),
    ] {
        let error = session.driver.run("prompt", &wrong)?.error()?;
        ensure!(error["code"] == json!(-32602), "{wrong}: {error}");
    }
    Ok(())
}

pub(super) fn completion(session: &mut Session<'_>) -> Result<()> {
    let schema = "postgres://{database}/schema/{schema}";
    let object = "postgres://{database}/schema/{schema}/{object}";
    let resource = |uri: &str| json!({"type": "ref/resource", "uri": uri});
    let prompt = json!({"type": "ref/prompt", "name": "check_health"});
    let context = json!({"database": "default", "schema": "shop"});
    for (ask, expected) in [
        (
            json!({"ref": resource(schema), "argument": {"name": "schema", "value": "sh"}}),
            vec!["shop"],
        ),
        (
            json!({
                "ref": resource(object), "context": context,
                "argument": {"name": "object", "value": "order"},
            }),
            vec!["order_days", "order_totals", "orders"],
        ),
        (
            json!({"ref": prompt, "argument": {"name": "health_type", "value": "constr"}}),
            vec!["constraint"],
        ),
        (json!({"ref": resource(schema), "argument": {"name": "schema", "value": "zz"}}), vec![]),
    ] {
        let completion = session.driver.run("complete", &ask)?.ok()?;
        ensure!(completion["values"] == json!(expected), "{ask}: {completion}");
    }
    Ok(())
}
