//! Each of the nine tools once, its answer beside what SQL says.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{Session, as_text, field, same, sorted, text};
use crate::fixture::{LITERAL, LOOKUP, LOOKUP_CALLS, rows, texts};

pub(super) fn list_schemas(session: &mut Session<'_>) -> Result<()> {
    let result = session.call("list_schemas", &json!({}))?;
    let listed = &result["structuredContent"]["schemas"];
    let sql = "select nspname as schema_name, pg_get_userbyid(nspowner) as owner,
            (select count(*) from pg_class where relnamespace = n.oid and relkind in ('r', 'p')
                and not relispartition) as tables,
            obj_description(n.oid, 'pg_namespace') as description
        from pg_namespace as n where nspname in ('public', 'shop')";
    for expected in rows(&mut session.fixture.admin()?, sql)? {
        let name = &expected["schema_name"];
        let found =
            listed.as_array().and_then(|all| all.iter().find(|x| &x["schema_name"] == name));
        let found = found.with_context(|| format!("no {name} in {listed}"))?;
        for (key, value) in expected.as_object().into_iter().flatten() {
            ensure!(same(&found[key], value), "{key} of {name}: {} and not {value}", found[key]);
        }
        ensure!(text(&result).contains(&as_text(name)), "the text lacks {name}");
    }
    Ok(())
}

/// The names of a kind's objects in schema `shop`.
const NAMES: [(&str, &str); 9] = [
    (
        "table",
        "select relname::text from pg_class where relnamespace = 'shop'::regnamespace
            and relkind in ('r', 'p') and not relispartition",
    ),
    ("view", "select viewname::text from pg_views where schemaname = 'shop'"),
    ("sequence", "select sequencename::text from pg_sequences where schemaname = 'shop'"),
    ("extension", "select extname::text from pg_extension"),
    ("materialized view", "select matviewname::text from pg_matviews where schemaname = 'shop'"),
    ("partition", "select 'visits_2024'"),
    ("function", "select 'discounted'"),
    ("type", "select 'order_status'"),
    ("index", "select indexname::text from pg_indexes where schemaname = 'shop'"),
];

pub(super) fn list_objects(session: &mut Session<'_>) -> Result<()> {
    let mut admin = session.fixture.admin()?;
    for (kind, sql) in NAMES {
        let arguments = json!({"schema_name": "shop", "object_type": kind});
        let result = session.call("list_objects", &arguments)?;
        let listed = field(&result["structuredContent"]["objects"], "name");
        // A function is named with its arguments.
        let bare = |name: String| name.split('(').next().unwrap_or_default().to_owned();
        let listed = sorted(listed.into_iter().map(bare).collect());
        let expected = sorted(texts(&mut admin, sql)?);
        ensure!(listed == expected, "{kind}: {listed:?} and not {expected:?}");
    }
    Ok(())
}

pub(super) fn get_object_details(session: &mut Session<'_>) -> Result<()> {
    let arguments = json!({"schema_name": "shop", "object_name": "orders"});
    let result = session.call("get_object_details", &arguments)?;
    let object = &result["structuredContent"]["object"];
    let sql = "select attname as name, format_type(atttypid, atttypmod) as type,
            not attnotnull as nullable
        from pg_attribute where attrelid = 'shop.orders'::regclass and attnum > 0 order by attnum";
    let expected = rows(&mut session.fixture.admin()?, sql)?;
    let columns = object["columns"].as_array().map(Vec::as_slice).unwrap_or_default();
    ensure!(columns.len() == expected.len(), "columns: {}", object["columns"]);
    for (column, expected) in columns.iter().zip(&expected) {
        for key in ["name", "type", "nullable"] {
            ensure!(column[key] == expected[key], "{column} and not {expected}");
        }
    }
    let all = object.to_string();
    for part in ["orders_pkey", "orders_placed_again", "One row an order", "customers"] {
        ensure!(all.contains(part), "no {part} in {all}");
        ensure!(text(&result).contains(part), "no {part} in {}", text(&result));
    }
    let arguments =
        json!({"schema_name": "shop", "object_name": "order_totals", "object_type": "view"});
    let result = session.call("get_object_details", &arguments)?;
    let all = result["structuredContent"].to_string();
    ensure!(all.contains("sum(orders.total)") || all.contains("sum(total)"), "{all}");
    Ok(())
}

pub(super) fn execute_sql(session: &mut Session<'_>) -> Result<()> {
    let queries = [
        "select status, count(*) as n, sum(total) as total, min(placed) as earliest
            from shop.orders group by status order by status"
            .to_owned(),
        format!("select null::int as nothing, 'Größe ✓ 漢字' as words, '{LITERAL}' as literal"),
        "select id, note, total from shop.orders where id < 0".to_owned(),
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 5)
            select i, array[i, i * i] as squares, jsonb_build_object('i', i) as object from n"
            .to_owned(),
    ];
    let mut keeper = session.fixture.keeper()?;
    for sql in queries {
        let result = session.call("execute_sql", &json!({"sql": sql}))?;
        let content = &result["structuredContent"];
        let expected = rows(&mut keeper, &sql)?;
        ensure!(same(&content["row_count"], &json!(expected.len())), "{content}");
        let columns = field(&content["columns"], "name");
        let found = content["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
        ensure!(found.len() == expected.len(), "{content}");
        for (row, expected) in found.iter().zip(&expected) {
            for (at, column) in columns.iter().enumerate() {
                let (value, expected) = (&row[at], &expected[column]);
                ensure!(same(value, expected), "{column}: {value} and not {expected}");
                let shown = as_text(expected);
                let is_scalar =
                    !expected.is_null() && !expected.is_array() && !expected.is_object();
                ensure!(!is_scalar || text(&result).contains(&shown), "the text lacks {shown}");
            }
        }
    }
    Ok(())
}

/// What EXPLAIN prints.
fn plan(session: &Session<'_>, sql: &str) -> Result<String> {
    Ok(texts(&mut session.fixture.keeper()?, &format!("explain {sql}"))?.join("\n"))
}

pub(super) fn explain_query(session: &mut Session<'_>) -> Result<()> {
    let result = session.call("explain_query", &json!({"sql": LOOKUP}))?;
    let (found, expected) = (text(&result), plan(session, LOOKUP)?);
    // What is found in it comes behind it.
    let shown = found.split("\n\nFindings:").next().unwrap_or_default();
    ensure!(shown.trim_end() == expected.trim_end(), "{found}\nand not\n{expected}");
    let arguments = json!({"sql": "select count(*) from shop.customers", "analyze": true});
    let result = session.call("explain_query", &arguments)?;
    ensure!(text(&result).contains("actual time"), "{}", text(&result));
    ensure!(text(&result).contains("rows=10000 loops=1"), "{}", text(&result));
    Ok(())
}

pub(super) fn explain_hypothetical(session: &mut Session<'_>) -> Result<()> {
    let index = json!({"table": "shop.orders", "columns": ["customer_id"]});
    let arguments = json!({"sql": LOOKUP, "hypothetical_indexes": [index]});
    let result = session.call("explain_query", &arguments)?;
    let found = text(&result);
    ensure!(found.contains("customer_id") && found.contains("Index"), "{found}");
    ensure!(top_cost(&found)? < top_cost(&plan(session, LOOKUP)?)?, "no cheaper: {found}");
    // It is gone with the call.
    let result = session.call("explain_query", &json!({"sql": LOOKUP}))?;
    ensure!(text(&result).contains("Seq Scan"), "{}", text(&result));
    Ok(())
}

/// The cost in the first line of a plan.
fn top_cost(plan: &str) -> Result<f64> {
    let cost = plan.split_once("..").and_then(|(_, rest)| rest.split_whitespace().next());
    cost.and_then(|cost| cost.parse().ok()).with_context(|| format!("no cost in {plan}"))
}

pub(super) fn get_top_queries(session: &mut Session<'_>) -> Result<()> {
    for sort in ["total_time", "mean_time", "resources"] {
        let arguments = json!({"sort_by": sort, "limit": 1000});
        let result = session.call("get_top_queries", &arguments)?;
        let queries = &result["structuredContent"]["queries"];
        let listed = queries.as_array().map(Vec::as_slice).unwrap_or_default();
        let lookup =
            listed.iter().find(|query| as_text(&query["query"]) == LOOKUP.replace("4711", "$1"));
        // By resources only what takes a large share is shown.
        let Some(lookup) = lookup else {
            ensure!(sort == "resources", "{sort} lacks the recorded statement: {queries}");
            continue;
        };
        ensure!(same(&lookup["calls"], &json!(LOOKUP_CALLS)), "{lookup}");
        let sql = "select rows, round(total_exec_time)::float8 as ms from pg_stat_statements
            where query like '%where customer_id = $1'";
        let expected = rows(&mut session.fixture.admin()?, sql)?;
        let expected = expected.first().context("not recorded")?;
        ensure!(same(&lookup["rows"], &expected["rows"]), "{lookup} and not {expected}");
        let (found, expected) = (lookup["total_ms"].as_f64(), expected["ms"].as_f64());
        let difference = found.zip(expected).map(|(found, expected)| (found - expected).abs());
        ensure!(difference.is_some_and(|ms| ms <= 1.0), "{lookup}, and not {expected:?} ms");
        if sort == "total_time" {
            let times: Vec<f64> = listed.iter().filter_map(|x| x["total_ms"].as_f64()).collect();
            ensure!(times.is_sorted_by(|a, b| a >= b), "not sorted: {times:?}");
        }
    }
    let result = session.call("get_top_queries", &json!({"sort_by": "total_time", "limit": 2}))?;
    let listed = &result["structuredContent"]["queries"];
    ensure!(listed.as_array().is_some_and(|all| all.len() == 2), "{listed}");
    Ok(())
}

pub(super) fn analyze_workload_indexes(session: &mut Session<'_>) -> Result<()> {
    let result = session.call("analyze_workload_indexes", &json!({"max_index_size_mb": 100}))?;
    let content = &result["structuredContent"];
    let ddl = field(&content["recommendations"], "ddl");
    let helps = |ddl: &String| ddl.contains("shop.orders") && ddl.contains("customer_id");
    ensure!(ddl.iter().any(helps), "{ddl:?}");
    let cost = |key: &str| content["summary"][key].as_f64().with_context(|| format!("no {key}"));
    ensure!(cost("cost_after")? < cost("cost_before")?, "{}", content["summary"]);
    ensure!(ddl.iter().all(|ddl| text(&result).contains(ddl)), "{}", text(&result));
    Ok(())
}

pub(super) fn analyze_query_indexes(session: &mut Session<'_>) -> Result<()> {
    let queries = [LOOKUP, "select sum(total) from shop.orders where placed < '2024-01-05'"];
    let arguments = json!({"queries": queries, "max_index_size_mb": 100});
    let result = session.call("analyze_query_indexes", &arguments)?;
    let content = &result["structuredContent"];
    let list = queries.map(|query| format!("$q${query}$q$")).join(", ");
    let sql = format!(
        "select ddl, size_bytes, cost_before, cost_after from mcp_advise_indexes(array[{list}], \
         storage_budget => 100::bigint << 20)"
    );
    let expected = rows(&mut session.fixture.keeper()?, &sql)?;
    ensure!(!expected.is_empty(), "SQL advises nothing");
    let found = content["recommendations"].as_array().map(Vec::as_slice).unwrap_or_default();
    ensure!(found.len() == expected.len(), "{found:?} and not {expected:?}");
    for (found, expected) in found.iter().zip(&expected) {
        for (key, value) in expected.as_object().into_iter().flatten() {
            ensure!(same(&found[key], value), "{key}: {found} and not {expected}");
        }
    }
    Ok(())
}

pub(super) fn analyze_db_health(session: &mut Session<'_>) -> Result<()> {
    let result = session.call("analyze_db_health", &json!({"health_type": "index, constraint"}))?;
    let findings = &result["structuredContent"]["findings"];
    let all = findings.as_array().map(Vec::as_slice).unwrap_or_default();
    let categories = field(findings, "category");
    ensure!(categories.iter().all(|one| one == "index" || one == "constraint"), "{categories:?}");
    let sql = "select check_name, category, severity, object, message
        from mcp_health(array['index']) where check_name = 'duplicate_index'";
    let expected = rows(&mut session.fixture.keeper()?, sql)?;
    ensure!(
        expected.iter().any(|x| as_text(&x["message"]).contains("orders_placed")),
        "{expected:?}"
    );
    for expected in &expected {
        let is_it = |found: &&Value| {
            expected.as_object().into_iter().flatten().all(|(key, value)| &found[key] == value)
        };
        ensure!(all.iter().any(|found| is_it(&found)), "no {expected} in {findings}");
    }
    ensure!(text(&result).contains("duplicate_index"), "{}", text(&result));
    let error = session.fails("analyze_db_health", &json!({"health_type": "weather"}))?;
    ensure!(error["kind"] == "invalid_argument", "{error}");
    ensure!(error.to_string().contains("weather"), "{error}");
    Ok(())
}
