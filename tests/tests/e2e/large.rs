//! Workloads of many statements: compressed without a loss beyond the bound, and within limits.

use advisor_tests::large::Size;
use anyhow::{Context, Result, ensure};
use postgres::Client;
use serde_json::Value;

use crate::Case;
use crate::fixture::Fixture;

pub(crate) const CASES: &[Case] = &[
    ("large_workload_loses_no_more_than_is_said", loses_no_more),
    ("large_workload_drops_what_no_statement_needs", drops),
    ("large_workload_stays_within_the_memory_limit", memory),
    ("large_workload_stays_within_the_time_limit", time),
];

const SIZE: Size = Size { tables: 60, statements: 320 };

/// Small gains count: the cost is spread over many tables.
const FINE: &str = "min_improvement => 0.002, pareto_ratio => 0";

fn database(fixture: &Fixture, name: &str) -> Result<Client> {
    let mut client = fixture.database(name, &["mcp_advisor"])?;
    for batch in SIZE.schema() {
        client.batch_execute(&batch)?;
    }
    // The first use of the extension registers its settings.
    client.batch_execute("select mcp_advise_indexes(array['select 1 from l0'])")?;
    Ok(client)
}

fn advise(client: &mut Client, more: &str) -> Result<Value> {
    let texts: Vec<String> = SIZE.calls().into_iter().map(|call| call.sql).collect();
    let sql = format!("select mcp_advise_report($1, {FINE}, {more}, plans => false)::text");
    let text: String = client.query_one(&sql, &[&texts])?.try_get(0)?;
    Ok(serde_json::from_str(&text)?)
}

fn number(report: &Value, pointer: &str) -> Result<f64> {
    report.pointer(pointer).and_then(Value::as_f64).with_context(|| format!("no {pointer}"))
}

/// Positions of the statements under `key`; of those left out, only of this reason.
fn ids(report: &Value, key: &str, reason: Option<&str>) -> Vec<u64> {
    let list = report[key].as_array().into_iter().flatten();
    list.filter(|one| reason.is_none_or(|reason| one["reason"] == reason))
        .filter_map(|one| one["query_id"].as_u64())
        .collect()
}

fn loses_no_more(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "large_loss")?;
    // What it costs to keep indexes is no statement's: without it the costs add up.
    client.batch_execute("set mcp_advisor.max_loss = 0; set mcp_advisor.write_weight = 0")?;
    let full = advise(&mut client, "time_limit => null")?;
    ensure!(full["compressed"].is_null(), "compressed without being allowed to");
    client.batch_execute("set mcp_advisor.max_loss = 0.02")?;
    let small = advise(&mut client, "time_limit => null")?;
    let again = advise(&mut client, "time_limit => null")?;
    ensure!(small["indexes"] == again["indexes"], "not the same twice");

    let of = |key: &str| number(&small, &format!("/compressed/{key}"));
    ensure!(of("statements")? == 320.0 && of("not_asked")? == 0.0);
    ensure!(of("verified")? == 320.0, "{} verified", of("verified")?);
    ensure!(of("representatives")? < 250.0, "{} searched for", of("representatives")?);
    ensure!(of("dropped_share")? <= 0.02 && of("dropped")? > 0.0 && of("represented")? > 0.0);
    ensure!(of("representatives")? + of("represented")? + of("dropped")? == 320.0);
    ensure!(ids(&small, "queries", None).len() == 320);

    let (before, after) = (number(&small, "/cost_before")?, number(&small, "/cost_after")?);
    let (full_before, full_after) = (number(&full, "/cost_before")?, number(&full, "/cost_after")?);
    ensure!((before - full_before).abs() <= 1e-6 * before, "{before} and {full_before}");
    ensure!(full_after < 0.9 * full_before, "hardly any index helps: {full_after}");
    // A percent is what two searches of the same may differ by.
    let allowed = full_after + (of("unexamined")? + 0.01) * before;
    ensure!(after <= allowed, "{after} > {allowed}, {full_after} without compression");
    let calls = |report: &Value| -> Result<u64> {
        let last = report["rounds"].as_array().and_then(|rounds| rounds.last());
        last.and_then(|stage| stage["planner_calls"].as_u64()).context("no stages")
    };
    ensure!(calls(&small)? < calls(&full)?, "{} calls for {}", calls(&small)?, calls(&full)?);
    // The claimed cost is that of all statements.
    let costs = small["queries"].as_array().into_iter().flatten();
    let own = |query: &Value| Some(query["cost_after"].as_f64()? - query["write_cost"].as_f64()?);
    let sum: f64 = costs.filter_map(own).sum();
    ensure!((sum - after).abs() <= 1e-6 * after, "{sum} is not {after}");
    Ok(())
}

fn drops(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "large_drops")?;
    for table in ["l3", "l43"] {
        for column in ["kind", "status", "owner", "score", "code"] {
            client
                .batch_execute(&format!("create index {table}_{column} on {table} ({column})"))?;
        }
        client.batch_execute(&format!("vacuum (analyze) {table}"))?;
    }
    client.batch_execute("set mcp_advisor.write_weight = 0")?;
    let report = advise(&mut client, "time_limit => null")?;
    ensure!(number(&report, "/compressed/verified")? == 320.0, "{}", report["compressed"]);
    let drops: Vec<&Value> = report["drops"].as_array().into_iter().flatten().collect();
    ensure!(!drops.is_empty(), "nothing is dropped: {}", report["indexes"]);
    let sum =
        |list: &[&Value]| -> f64 { list.iter().filter_map(|one| one["size_bytes"].as_f64()).sum() };
    let new: Vec<&Value> = report["indexes"].as_array().into_iter().flatten().collect();
    let bytes = number(&report, "/index_bytes")?;
    ensure!((sum(&new) - sum(&drops) - bytes).abs() < 2.0 * new.len() as f64, "{bytes} bytes");
    let ids: Vec<&Value> = new.iter().map(|index| &index["id"]).collect();
    for drop in &drops {
        ensure!(ids.contains(&&drop["replaced_by"]), "{drop} by none of {ids:?}");
    }
    // Planned without what is dropped, and no statement pays for it.
    for query in report["queries"].as_array().into_iter().flatten() {
        let (before, after) = (number(query, "/cost_before")?, number(query, "/cost_after")?);
        let after = after - number(query, "/write_cost")?;
        ensure!(after <= before * 1.1 + 0.01, "{query}");
    }
    Ok(())
}

fn memory(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "large_memory")?;
    let mut last = 0;
    let mut reasons = Vec::new();
    for limit in ["3MB", "12MB", "1GB"] {
        client.batch_execute(&format!("set mcp_advisor.memory_limit = '{limit}'"))?;
        let report = advise(&mut client, "time_limit => null")?;
        let used = ids(&report, "queries", None);
        let left_out = ids(&report, "skipped", Some("memory limit"));
        ensure!(used.len() + left_out.len() == 320, "{limit}: {} used", used.len());
        ensure!(used.len() >= last, "{limit}: {} used, {last} with less", used.len());
        // The first come first.
        ensure!(used.last() < left_out.first() || left_out.is_empty(), "{limit}: {left_out:?}");
        ensure!(number(&report, "/cost_after")? <= number(&report, "/cost_before")?);
        last = used.len();
        reasons.push((left_out.len(), report["stopped_by"].clone()));
    }
    ensure!(reasons[0].0 > 0, "everything fits: {reasons:?}");
    ensure!(reasons[2] == (0, Value::Null), "{reasons:?}");
    Ok(())
}

fn time(fixture: &Fixture) -> Result<()> {
    let mut client = database(fixture, "large_time")?;
    let report = advise(&mut client, "time_limit => '1 s'")?;
    let elapsed = number(&report, "/elapsed_ms")?;
    // The machine may be busy; a limit that is not heeded would take several times as long.
    ensure!(elapsed < 8_000.0, "{elapsed} ms");
    let used = ids(&report, "queries", None).len();
    let left_out = ids(&report, "skipped", Some("time limit")).len();
    ensure!(used + left_out == 320, "{used} used, {left_out} left out");
    ensure!(number(&report, "/cost_after")? <= number(&report, "/cost_before")?);
    if let Ok(verified) = number(&report, "/compressed/verified") {
        ensure!(verified <= used as f64);
        ensure!((0.0..=1.0).contains(&number(&report, "/compressed/unexamined")?));
    }
    Ok(())
}
