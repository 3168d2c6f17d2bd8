//! `redundant_index`: the proof that nobody needs the index.
//!
//! The recorded statements are planned without it ([`crate::proof`]). If none gets dearer by more
//! than redundant_index_tolerance (1 %), the finding is proven. If one does, the index is needed
//! whatever its columns say: the finding is then for information, names the statement and proposes
//! nothing. Without statements, or without the time for them, it stays as it was, and says so.

use std::time::Instant;

use advisor_sql::health;
use serde_json::{Value, json};

use super::{Finding, limits};
use crate::error::AdvisorError;
use crate::proof::{self, Candidate, Limits, Outcome};
use crate::sys;
use crate::workload;

/// Proves the findings, or says why they are not proven.
///
/// # Errors
/// What SPI says. Whatever goes wrong in planning is a reason that a finding is not proven.
pub(super) fn prove(caller_path: &str, findings: &mut [Finding]) -> Result<(), AdvisorError> {
    let started = Instant::now();
    let (places, mut candidates): (Vec<usize>, Vec<Candidate>) =
        candidates(findings)?.into_iter().unzip();
    if candidates.is_empty() {
        return Ok(());
    }
    let time = limits::time_for_search("redundant_index_time")?;
    let most = limits::number("redundant_index_statements")? as i64;
    let bounds = Limits {
        tolerance: 1.0 + limits::number("redundant_index_tolerance")? / 100.0,
        prepared_by: started + time / 2,
        deadline: started + time,
    };
    // A view that this role may not read is a reason, too, and no end of the check.
    let outcome = sys::subtransaction(true, || workload::recorded(most))
        .map_err(AdvisorError::Statement)
        .flatten()
        .and_then(|entries| proof::prove(&mut candidates, entries, caller_path, &bounds))
        .map_err(|error| error.to_string());
    for (at, candidate) in places.into_iter().zip(&candidates) {
        if let Some(finding) = findings.get_mut(at) {
            note(finding, candidate, &outcome);
        }
    }
    Ok(())
}

/// The findings that are shown, with their places, as candidates.
fn candidates(findings: &mut [Finding]) -> Result<Vec<(usize, Candidate)>, AdvisorError> {
    findings.sort_by_key(|finding| health::rank(&finding.severity));
    let mut candidates = Vec::new();
    for (at, finding) in findings.iter().enumerate().take(health::MOST_ROWS) {
        if let (Some(index), Some(table)) = (finding.oid("oid"), finding.oid("table_oid")) {
            candidates.push((at, Candidate::new(index, table)?));
        }
    }
    Ok(candidates)
}

/// Says in a finding what was found out.
fn note(finding: &mut Finding, candidate: &Candidate, outcome: &Result<Outcome, String>) {
    let why_not = match outcome {
        Err(message) => Some(message.clone()),
        Ok(outcome) => proof::why_not(candidate, outcome),
    };
    let Value::Object(details) = &mut finding.details.0 else { return };
    details.insert("statements".to_owned(), json!(candidate.statements));
    details.insert("proven".to_owned(), json!(why_not.is_none() && candidate.needed.is_none()));
    match &why_not {
        Some(why_not) => details.insert("why_not".to_owned(), json!(why_not)),
        None => details.remove("why_not"),
    };
    if let Ok(outcome) = outcome
        && outcome.failed > 0
    {
        details.insert("statements_without_plan".to_owned(), json!(outcome.failed));
    }
    let Some(need) = &candidate.needed else { return };
    details.insert(
        "needed_by".to_owned(),
        json!({
            "query_id": need.query_id,
            "query": need.query,
            "cost": need.before,
            "cost_without": need.without,
        }),
    );
    let covering = details.get("covering").and_then(Value::as_str).unwrap_or_default();
    finding.message = format!(
        "looks redundant beside {covering}, but is needed: without it statement {} would cost \
         {:.2} instead of {:.2}",
        need.query_id, need.without, need.before
    );
    finding.severity = "info".to_owned();
    finding.remediation = None;
}
