//! What goes wrong is said: by the tool where the model can mend it, by the protocol otherwise.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::Session;
use crate::fixture::LITERAL;

pub(super) fn sql_error(session: &mut Session<'_>) -> Result<()> {
    let sql = format!("select 1,\n  totl from shop.orders where note = '{LITERAL}'");
    let error = session.fails("execute_sql", &json!({"sql": sql}))?;
    let expected = session.fixture.keeper()?.simple_query(&sql).err();
    let expected = expected.as_ref().and_then(postgres::Error::as_db_error).context("no error")?;
    ensure!(error["kind"] == "sql_error", "{error}");
    ensure!(error["sqlstate"] == expected.code().code(), "{error}");
    ensure!(error["message"] == expected.message(), "{error}");
    ensure!(error["hint"].as_str() == expected.hint(), "{error} and not {:?}", expected.hint());
    ensure!(error["hint"].as_str().is_some_and(|hint| hint.contains("orders.total")), "{error}");
    ensure!(error["line"] == json!(2) && error["column"] == json!(3), "{error}");
    ensure!(error["retryable"] == false, "{error}");
    for (sql, sqlstate) in [
        ("select 1 / 0", "22012"),
        ("select * from shop.no_such_table", "42P01"),
        ("select * fro shop.orders", "42601"),
        ("select pg_catalog.pg_read_file('/etc/passwd'); select 1", ""),
    ] {
        let error = session.fails("execute_sql", &json!({"sql": sql}))?;
        let found = error["sqlstate"].as_str().unwrap_or_default();
        // A syntax error may be found by the guard, which has no SQLSTATE of the server's.
        ensure!(found == sqlstate || sqlstate == "42601" && found.is_empty(), "{sql}: {error}");
    }
    Ok(())
}

pub(super) fn wrong_argument(session: &mut Session<'_>) -> Result<()> {
    for (tool, arguments, word) in [
        ("execute_sql", json!({}), "sql"),
        ("execute_sql", json!({"sql": 5}), "sql"),
        ("execute_sql", json!({"sql": ""}), "sql"),
        ("execute_sql", json!({"sql": "select 1", "colour": "red"}), "colour"),
        ("list_objects", json!({}), "schema_name"),
        ("list_objects", json!({"schema_name": {"a": 1}}), "schema_name"),
        ("explain_query", json!({"sql": "select 1", "analyze": "perhaps"}), "analyze"),
        ("explain_query", json!({"sql": "select 1", "hypothetical_indexes": [5]}), "hypothetical"),
        ("analyze_query_indexes", json!({"queries": []}), "queries"),
        ("analyze_query_indexes", json!({"queries": "select 1"}), "queries"),
        ("analyze_workload_indexes", json!({"max_index_size_mb": -1}), "max_index_size_mb"),
        ("get_top_queries", json!({"limit": 100_000}), "limit"),
    ] {
        let error = session.fails(tool, &arguments)?;
        ensure!(error["kind"] == "invalid_argument", "{tool} {arguments}: {error}");
        let said = format!("{} {}", error["message"], error["hint"]);
        ensure!(said.contains(word), "{tool} {arguments}: {error}");
    }
    Ok(())
}

pub(super) fn unknown_enum_value(session: &mut Session<'_>) -> Result<()> {
    for (tool, arguments, known) in [
        (
            "list_objects",
            json!({"schema_name": "shop", "object_type": "tables"}),
            "materialized view",
        ),
        (
            "get_object_details",
            json!({"schema_name": "shop", "object_name": "orders", "object_type": "thing"}),
            "table",
        ),
        ("get_top_queries", json!({"sort_by": "colour"}), "mean_time"),
        ("analyze_workload_indexes", json!({"method": "guess"}), "dta"),
    ] {
        let error = session.fails(tool, &arguments)?;
        ensure!(error["kind"] == "invalid_argument", "{tool} {arguments}: {error}");
        ensure!(error["hint"].as_str().is_some_and(|hint| hint.contains(known)), "{error}");
    }
    // The client's model can be asked only where the client offers that; these do not.
    let error = session.fails("analyze_workload_indexes", &json!({"method": "llm"}))?;
    ensure!(error["kind"] == "unsupported", "{error}");
    Ok(())
}

pub(super) fn unknown_tool(session: &mut Session<'_>) -> Result<()> {
    let error = session.driver.call("drop_everything", &json!({}))?.error()?;
    ensure!(error["code"] == json!(-32602), "{error}");
    let message = error["message"].as_str().unwrap_or_default();
    ensure!(message.contains("drop_everything"), "{error}");
    ensure!(message.contains("analyze_query_indexes"), "the tools are not named: {error}");
    Ok(())
}

pub(super) fn read_only(session: &mut Session<'_>) -> Result<()> {
    const STATE: &str = "select concat_ws(' ', (select count(*) from shop.orders),
        (select last_value from shop.order_numbers), (select count(*) from pg_class))";
    let state = |session: &Session<'_>| -> Result<String> {
        Ok(session.fixture.admin()?.query_one(STATE, &[])?.try_get(0)?)
    };
    let before = state(session)?;
    for sql in [
        "delete from shop.orders",
        "with gone as (delete from shop.orders returning *) select count(*) from gone",
        "select nextval('shop.order_numbers')",
        "create table shop.mine (a integer)",
        "select * into shop.mine from shop.orders",
        "explain analyze delete from shop.orders",
        "set transaction read write",
        "commit",
    ] {
        let error = session.fails("execute_sql", &json!({"sql": sql}))?;
        ensure!(error["kind"] == "not_read_only", "{sql}: {error}");
        ensure!(error["hint"].is_string() || error["detail"].is_string(), "{sql}: {error}");
    }
    let sql = "begin; delete from shop.orders; commit";
    let error = session.fails("execute_sql", &json!({"sql": sql}))?;
    ensure!(error["message"].as_str().is_some_and(|why| why.contains("3 statements")), "{error}");
    ensure!(state(session)? == before, "something was written: {before}, {}", state(session)?);
    Ok(())
}
