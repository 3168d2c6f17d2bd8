//! `redundant_index`: the proof that nobody needs the index.
//!
//! The recorded statements that read its table are planned as they are and with the index hidden
//! from the planner, together with all others that are called redundant, as their DROP INDEX may
//! be run together. If no statement gets dearer by more than redundant_index_tolerance (1 %), the
//! finding is proven. If one does, the index is needed whatever its columns say: the finding is
//! then for information, names the statement and proposes nothing. Without statements, or without
//! the time for them, it stays as it was, and says so.

use std::collections::BTreeSet;
use std::time::Instant;

use advisor_core::index_set::IndexSet;
use advisor_sql::health;
use pgrx::{Spi, pg_sys};
use serde_json::{Value, json};

use super::{Finding, limits};
use crate::error::AdvisorError;
use crate::planner::Identity;
use crate::session::{Session, Waiting};
use crate::sys::{self, Arena, Hypotheticals, ServerError};
use crate::workload::{self, Prepared, Workload};

/// A relation with what it is a partition of, and its partitions.
const FAMILY: &str = "
    with recursive up (oid) as (
        select $1
        union
        select h.inhparent
        from up as u
        join pg_catalog.pg_inherits as h
            on h.inhrelid = u.oid
    ),

    down (oid) as (
        select $1
        union
        select h.inhrelid
        from down as d
        join pg_catalog.pg_inherits as h
            on h.inhparent = d.oid
    )

    select u.oid::bigint
    from up as u
    union
    select d.oid::bigint
    from down as d";

/// Differences of cost that are none: a cost is printed with two digits.
const NOTHING: f64 = 0.01;

/// An index that is called redundant.
struct Candidate {
    /// Its finding.
    at: usize,
    /// The index and its partitions.
    index: BTreeSet<u32>,
    /// Its table with parents and partitions.
    tables: BTreeSet<u32>,
    /// Statements that do not need it.
    statements: usize,
    /// One that does.
    needed: Option<Need>,
}

/// Why an index is needed.
struct Need {
    query_id: i64,
    query: String,
    before: f64,
    without: f64,
}

/// What became of the workload.
#[derive(Default)]
struct Outcome {
    /// Statements that should have been planned and were not, by reason.
    locked: usize,
    not_ours: usize,
    failed: usize,
    out_of_time: bool,
}

/// Proves the findings, or says why they are not proven.
///
/// # Errors
/// What SPI says. Whatever goes wrong in planning is a reason that a finding is not proven.
pub(super) fn prove(caller_path: &str, findings: &mut [Finding]) -> Result<(), AdvisorError> {
    let started = Instant::now();
    let mut candidates = candidates(findings)?;
    if candidates.is_empty() {
        return Ok(());
    }
    let time = limits::time_for_search("redundant_index_time")?;
    let proof = sys::subtransaction(false, || {
        let mut proof = Proof {
            candidates: &mut candidates,
            outcome: Outcome::default(),
            tolerance: 1.0 + limits::number("redundant_index_tolerance")? / 100.0,
            deadline: started + time,
        };
        proof.run(caller_path, started + time / 2)?;
        Ok::<_, AdvisorError>(proof.outcome)
    });
    let outcome = match proof {
        Ok(Ok(outcome)) => Ok(outcome),
        Ok(Err(error)) => Err(error.to_string()),
        Err(error) => Err(error.message),
    };
    for candidate in &candidates {
        if let Some(finding) = findings.get_mut(candidate.at) {
            note(finding, candidate, &outcome);
        }
    }
    Ok(())
}

/// The findings that are shown, as candidates.
fn candidates(findings: &mut [Finding]) -> Result<Vec<Candidate>, AdvisorError> {
    findings.sort_by_key(|finding| health::rank(&finding.severity));
    let mut candidates = Vec::new();
    for (at, finding) in findings.iter().enumerate().take(health::MOST_ROWS) {
        let oid = |key: &str| {
            let oid = finding.details.0.get(key).and_then(Value::as_u64);
            oid.and_then(|oid| u32::try_from(oid).ok())
        };
        if let (Some(index), Some(table)) = (oid("oid"), oid("table_oid")) {
            candidates.push(Candidate {
                at,
                index: family(index)?,
                tables: family(table)?,
                statements: 0,
                needed: None,
            });
        }
    }
    Ok(candidates)
}

fn family(relation: u32) -> Result<BTreeSet<u32>, AdvisorError> {
    Spi::connect(|client| {
        let mut oids = BTreeSet::new();
        for row in client.select(FAMILY, None, &[pg_sys::Oid::from(relation).into()])? {
            oids.extend(row.get::<i64>(1)?.and_then(|oid| u32::try_from(oid).ok()));
        }
        Ok(oids)
    })
}

/// Says in a finding what was found out.
fn note(finding: &mut Finding, candidate: &Candidate, outcome: &Result<Outcome, String>) {
    let why_not = match outcome {
        Err(message) => Some(message.clone()),
        Ok(outcome) => why_not(candidate, outcome),
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

/// Why an index that no planned statement needs is not proven to be needed by none.
fn why_not(candidate: &Candidate, outcome: &Outcome) -> Option<String> {
    if candidate.needed.is_some() {
        return Some("a recorded statement needs it".to_owned());
    }
    if outcome.out_of_time {
        return Some("there was no time to plan all recorded statements without it".to_owned());
    }
    if outcome.not_ours > 0 {
        return Some(format!(
            "{} recorded statements were run by roles that this one is not a member of, or may \
             not be read by it",
            outcome.not_ours
        ));
    }
    if outcome.locked > 0 {
        return Some(format!("{} recorded statements read a locked table", outcome.locked));
    }
    (candidate.statements == 0).then(|| "no recorded statement reads its table".to_owned())
}

/// Planning the workload without the candidates.
struct Proof<'c> {
    candidates: &'c mut [Candidate],
    outcome: Outcome,
    /// How many times dearer a statement may get.
    tolerance: f64,
    deadline: Instant,
}

impl Proof<'_> {
    fn run(&mut self, caller_path: &str, prepared_by: Instant) -> Result<(), AdvisorError> {
        let most = limits::number("redundant_index_statements")? as i64;
        let entries = workload::recorded(most)?;
        let arena = Arena::new();
        let session = Session::open_under(&arena, Waiting::Briefly, Some(caller_path.to_owned()))?;
        let tables = self.candidates.iter().flat_map(|one| one.tables.iter().copied()).collect();
        let (_catalog, workload) = session.prepare_on(Some(tables), entries, Some(prepared_by))?;
        self.count_left_out(&workload);
        let mut replanner = Replanner {
            session: &session,
            identity: Identity::default(),
            scratch: Arena::new(),
            nothing: (Hypotheticals::new(), IndexSet::new()),
        };
        for statement in &workload.prepared {
            sys::check_interrupts();
            if Instant::now() >= self.deadline {
                self.outcome.out_of_time = true;
                break;
            }
            if self.judge(statement, &mut replanner).is_err() {
                self.outcome.failed += 1;
            }
        }
        Ok(())
    }

    fn count_left_out(&mut self, workload: &Workload<'_>) {
        for skipped in &workload.skipped {
            match skipped.reason {
                "time limit" => self.outcome.out_of_time = true,
                "no permission" => self.outcome.not_ours += 1,
                "locked" => self.outcome.locked += 1,
                "truncated text" | "parse error" | "error" | "too complex" => {
                    self.outcome.failed += 1;
                }
                // Of no concern to these tables.
                _ => {}
            }
        }
    }

    /// Hides all candidates of the statement's tables, and those that it needs no longer, until it
    /// costs no more than before.
    fn judge(
        &mut self,
        statement: &Prepared<'_>,
        replanner: &mut Replanner<'_>,
    ) -> Result<(), ServerError> {
        let limit = statement.base_cost * self.tolerance + NOTHING;
        let mut hidden: Vec<usize> = (0..self.candidates.len())
            .filter(|&at| {
                self.candidates.get(at).is_some_and(|one| {
                    one.needed.is_none() && !one.tables.is_disjoint(&statement.relations)
                })
            })
            .collect();
        while !hidden.is_empty() {
            let together = replanner.cost(statement, &self.indexes(&hidden))?;
            if together <= limit {
                break;
            }
            let mut kept = Vec::with_capacity(hidden.len());
            for &at in &hidden {
                let alone = replanner.cost(statement, &self.indexes(&[at]))?;
                if alone <= limit {
                    kept.push(at);
                } else {
                    self.need(at, statement, alone);
                }
            }
            if kept.len() == hidden.len() {
                // Each can stand in for another: the last is the smallest, and stays.
                kept.pop().into_iter().for_each(|at| self.need(at, statement, together));
            }
            hidden = kept;
        }
        for at in hidden {
            if let Some(candidate) = self.candidates.get_mut(at) {
                candidate.statements += 1;
            }
        }
        Ok(())
    }

    fn indexes(&self, candidates: &[usize]) -> BTreeSet<u32> {
        let chosen = candidates.iter().filter_map(|&at| self.candidates.get(at));
        chosen.flat_map(|one| one.index.iter().copied()).collect()
    }

    fn need(&mut self, at: usize, statement: &Prepared<'_>, without: f64) {
        let Some(candidate) = self.candidates.get_mut(at) else { return };
        candidate.needed = Some(Need {
            query_id: statement.entry.id,
            query: statement.entry.text.clone(),
            before: statement.base_cost,
            without,
        });
    }
}

/// Plans statements without some of the indexes that exist.
struct Replanner<'a> {
    session: &'a Session<'a>,
    identity: Identity,
    scratch: Arena,
    /// No index that does not exist.
    nothing: (Hypotheticals, IndexSet),
}

impl Replanner<'_> {
    /// The mean cost over the statement's draws, comparable with [`Prepared::base_cost`].
    fn cost(
        &mut self,
        statement: &Prepared<'_>,
        hidden: &BTreeSet<u32>,
    ) -> Result<f64, ServerError> {
        self.identity.adopt(&self.session.scope, statement.role, &statement.search_path);
        let (scratch, (none, empty)) = (&self.scratch, &self.nothing);
        let cost = sys::subtransaction(true, || {
            let costs = statement.bindings.iter().map(|binding| {
                sys::plan(scratch, &statement.statement, binding, none, empty, hidden).cost
            });
            costs.sum::<f64>() / statement.bindings.len().max(1) as f64
        });
        self.scratch.reset();
        cost
    }
}
