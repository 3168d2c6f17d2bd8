//! `missing_index`: what the advisor would say of the recorded workload, within a short time.
//!
//! Settings: missing_index_least (10 % of the workload's cost), missing_index_warning (20 %),
//! missing_index_saved (1 s of recorded time, where costs are summed), missing_index_statements (the
//! 100 dearest are looked at), missing_index_time (1 s for the search). Statements of roles that the caller cannot act as are not planned, which is said.

use advisor_sql::health::Check;
use pgrx::JsonB;
use serde_json::json;

use super::{Finding, limits};
use crate::advisor::{self, Arguments};
use crate::error::AdvisorError;
use crate::query;
use crate::report::{Advice, Plans};
use crate::settings::{self, Objective};

/// Most indexes that are reported.
const MOST: usize = 3;
/// What the advisor takes when not told.
const MAX_COLUMNS: usize = 3;
const PARETO_RATIO: f64 = 2.0;

/// Whether the library that records statements is loaded, and what is loaded where the caller may
/// know it.
const LOADED: &str =
    "select pg_catalog.current_setting('pg_stat_statements.max', true) is not null";
const LIBRARIES: &str = "select s.setting from pg_catalog.pg_settings as s \
    where s.name = 'shared_preload_libraries'";

/// Adds the indexes that the recorded workload lacks.
///
/// # Errors
/// See [`AdvisorError`].
pub(super) fn find(
    check: &'static Check,
    caller_path: &str,
    findings: &mut Vec<Finding>,
) -> Result<(), AdvisorError> {
    let arguments = Arguments {
        queries: None,
        storage_budget: None,
        max_columns: MAX_COLUMNS,
        min_improvement: limits::number("missing_index_least")? / 100.0,
        pareto_ratio: PARETO_RATIO,
        time_limit: Some(limits::time_for_search("missing_index_time")?),
        max_queries: limits::number("missing_index_statements")? as i64,
        search_path: Some(caller_path.to_owned()),
        statistics: false,
    };
    match advisor::advise(&arguments, Plans::Omitted) {
        Ok(advice) => report(check, &advice, findings),
        Err(
            error @ (AdvisorError::NoStatements { .. } | AdvisorError::StatementsNotLoaded { .. }),
        ) => {
            findings.push(without_statements(check, &error)?);
            Ok(())
        }
        Err(error) => Err(error),
    }
}

fn report(
    check: &'static Check,
    advice: &Advice,
    findings: &mut Vec<Finding>,
) -> Result<(), AdvisorError> {
    let (planned, not_ours) = (advice.statements(), advice.left_out("no permission"));
    if planned == 0 && not_ours > 0 {
        let message = format!(
            "cannot be judged: {not_ours} recorded statements were run by roles that this one is \
             not a member of, or may not be read by it"
        );
        let mut finding = Finding::of(check, "info", message);
        finding.details = JsonB(json!({"ran": false, "left_out": not_ours}));
        findings.push(finding);
        return Ok(());
    }
    let warning = limits::number("missing_index_warning")?;
    let least_ms = limits::time("missing_index_saved")?.as_secs_f64() * 1e3;
    let whole = advice.indexes.first().map_or(0.0, |index| index.cost_before);
    for index in advice.indexes.iter().take(MOST) {
        let saved = index.cost_before - index.cost_after;
        // Costs are weighted to the recorded time in ms where they are summed.
        if settings::objective() == Objective::Total && saved < least_ms {
            continue;
        }
        let percent = (saved / whole.max(f64::MIN_POSITIVE) * 1000.0).round() / 10.0;
        let sure = percent >= warning && index.confidence != "low";
        let severity = if sure { "warning" } else { "info" };
        let reason = index.reason.trim_end_matches('.').replacen("Helps", "helps", 1);
        let message = format!(
            "an index on ({}) would save {percent} % of the cost of the recorded statements: it \
             {reason}",
            index.columns.join(", ")
        );
        let mut finding =
            Finding::of(check, severity, advisor_sql::health::message(check, severity, &message));
        finding.object = Some(index.relation_name.clone());
        finding.value = Some(percent);
        finding.unit = Some("%".to_owned());
        finding.threshold = Some(format!("{warning} %"));
        finding.remediation = Some(format!("{};", index.ddl));
        finding.details = JsonB(json!({
            "risk": if index.ddl.contains("CONCURRENTLY") { "safe" } else { "locks" },
            "size_bytes": index.size_bytes,
            "cost_before": index.cost_before,
            "cost_after": index.cost_after,
            "improved_queries": index.improved_queries,
            "replaces": index.replaces_names,
            "confidence": index.confidence,
            "statements": planned,
            "left_out": not_ours,
            "stopped_early": advice.stopped_early,
        }));
        findings.push(finding);
    }
    Ok(())
}

/// What is to be done to have statements recorded.
fn without_statements(
    check: &'static Check,
    error: &AdvisorError,
) -> Result<Finding, AdvisorError> {
    let loaded = query::one::<bool>(LOADED, &[])? == Some(true);
    let libraries: Option<String> = query::one(LIBRARIES, &[])?;
    let mut steps = Vec::new();
    if !loaded && let Some(libraries) = libraries {
        let mut names: Vec<&str> = libraries.split(',').map(str::trim).collect();
        names.retain(|name| !name.is_empty());
        names.push("pg_stat_statements");
        let quoted: Vec<String> = names
            .iter()
            .map(|name| format!("'{}'", name.trim_matches('"').replace('\'', "''")))
            .collect();
        steps.push(format!("ALTER SYSTEM SET shared_preload_libraries = {};", quoted.join(", ")));
    }
    if matches!(error, AdvisorError::NoStatements { .. }) {
        steps.push("CREATE EXTENSION pg_stat_statements;".to_owned());
    }
    let then = match loaded {
        true => "",
        false => ": add it to shared_preload_libraries and restart the server",
    };
    let mut finding = Finding::of(check, "info", format!("cannot be judged: {error}{then}"));
    finding.remediation = (!steps.is_empty()).then(|| steps.join(" "));
    let risk = if loaded { "safe" } else { "restart" };
    finding.details = JsonB(json!({"ran": false, "risk": risk}));
    Ok(finding)
}
