//! Which indexes can go, and what is known about that.
//!
//! Named are those that the checks of `mcp_health` find duplicate, redundant or unused; what backs a
//! constraint, is the replica identity or may serve a foreign key alone is none of these. All of them
//! are hidden at once from the planner, and the workload is planned again: what a statement needs
//! stays ([`crate::proof`]).

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pgrx::{JsonB, pg_sys};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::AdvisorError;
use crate::health;
use crate::proof::{self, Candidate, Limits, Outcome};
use crate::query;
use crate::statements::RecordedStatements;
use crate::sys;
use crate::workload;

/// The checks that name indexes, by what they call them; the strongest reason first.
const REASONS: [(&str, &str); 3] = [
    ("duplicate_index", "duplicate"),
    ("redundant_index", "redundant"),
    ("unused_index", "unused"),
];

const FACTS: &str = include_str!("../../sql/catalog/drops.sql");

/// How often pg_stat_statements threw out entries to make room.
const EVICTED: &str = "select i.dealloc from {schema}.pg_stat_statements_info as i";

/// What a call asks for.
pub(crate) struct Request {
    /// The statements to plan; `None`: those recorded.
    pub(crate) queries: Option<Vec<String>>,
    /// By which share a statement may get dearer.
    pub(crate) tolerance: f64,
    /// How long it may take.
    pub(crate) time_limit: Duration,
    /// Most recorded statements.
    pub(crate) max_queries: i64,
}

/// What to do with an index. In order of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// No statement needs it.
    Drop,
    /// That is not known of all statements.
    Unproven,
    /// A statement needs it.
    Keep,
}

impl Verdict {
    /// The word for it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Unproven => "unproven",
            Self::Keep => "keep",
        }
    }
}

/// An index that is named by a check.
pub(crate) struct Drop {
    pub(crate) verdict: Verdict,
    pub(crate) index: u32,
    pub(crate) table: u32,
    /// Words of [`REASONS`].
    pub(crate) reasons: Vec<&'static str>,
    /// What the checks say.
    pub(crate) messages: Vec<String>,
    pub(crate) size_bytes: i64,
    pub(crate) scans: i64,
    /// Rows written to the table since statistics began.
    pub(crate) writes: i64,
    /// Statements that were planned without it and get no dearer.
    pub(crate) statements: i64,
    /// The statement that needs it, with its cost and that without the index.
    pub(crate) needed_by: Option<Value>,
    /// Why it is not proven.
    pub(crate) why_not: Option<String>,
    /// What the proof cannot see.
    pub(crate) caveats: Vec<String>,
    /// The statement that drops it; none for what is needed.
    pub(crate) ddl: Option<String>,
    /// The statement that makes it again.
    pub(crate) undo: Option<String>,
}

/// The answer, and why a kind of indexes could not be judged.
pub(crate) struct Answer {
    pub(crate) drops: Vec<Drop>,
    pub(crate) not_judged: Vec<String>,
}

/// What [`FACTS`] says.
#[derive(Deserialize)]
struct Facts {
    size_bytes: i64,
    scans: i64,
    writes: i64,
    since: Option<String>,
    days: Option<f64>,
    foreign_key: Option<String>,
    expressions: bool,
    undo: Option<String>,
    standbys: i64,
}

/// The indexes that can go, the largest first; then those of which that is not known, and those
/// that are needed.
///
/// # Errors
/// What SPI says; [`AdvisorError::NoStatements`] and its like when nothing is recorded.
pub(crate) fn advise(request: Request) -> Result<Answer, AdvisorError> {
    let started = Instant::now();
    let caller_path = query::search_path()?;
    let (mut drops, not_judged) = named()?;
    let (entries, evicted) = match request.queries {
        Some(queries) => (workload::given(queries), 0),
        None => (workload::recorded(request.max_queries)?, evicted()?),
    };
    // What can stand in for another stays if it comes last: the smallest.
    drops.sort_by_key(|one| (Reverse(one.size_bytes), one.index));
    let mut candidates = Vec::with_capacity(drops.len());
    for one in &drops {
        candidates.push(Candidate::new(one.index, one.table)?);
    }
    if !candidates.is_empty() {
        let limits = Limits {
            tolerance: 1.0 + request.tolerance,
            prepared_by: started + request.time_limit / 2,
            deadline: started + request.time_limit,
        };
        let outcome = proof::prove(&mut candidates, entries, &caller_path, &limits)?;
        for (one, candidate) in drops.iter_mut().zip(&candidates) {
            one.judge(candidate, &outcome, evicted);
        }
    }
    drops.sort_by_key(|one| (one.verdict, Reverse(one.size_bytes), one.index));
    Ok(Answer { drops, not_judged })
}

/// The indexes that the checks name, and what they say when they judge nothing.
fn named() -> Result<(Vec<Drop>, Vec<String>), AdvisorError> {
    let _scope = query::own_scope();
    let mut found: BTreeMap<u32, Drop> = BTreeMap::new();
    let mut not_judged = Vec::new();
    for (check, reason) in REASONS {
        for finding in health::found(check)? {
            let (Some(index), Some(table)) = (finding.oid("oid"), finding.oid("table_oid")) else {
                not_judged.push(format!("{reason} indexes: {}", finding.message));
                continue;
            };
            // What is held by a constraint has no statement that drops it.
            let Some(ddl) = finding.remediation.clone() else { continue };
            let one = found.entry(index).or_insert_with(|| Drop::new(index, table, ddl));
            one.reasons.push(reason);
            one.messages.push(finding.without_why().to_owned());
        }
    }
    let mut drops: Vec<Drop> = found.into_values().collect();
    for one in &mut drops {
        one.look_up()?;
    }
    Ok((drops, not_judged))
}

/// How often entries were thrown out; 0 where that is not told.
fn evicted() -> Result<i64, AdvisorError> {
    let schema = RecordedStatements::find("")?.schema;
    Ok(query::one(&EVICTED.replace("{schema}", &schema), &[])?.unwrap_or_default())
}

impl Drop {
    fn new(index: u32, table: u32, ddl: String) -> Self {
        Self {
            verdict: Verdict::Unproven,
            index,
            table,
            reasons: Vec::new(),
            messages: Vec::new(),
            size_bytes: 0,
            scans: 0,
            writes: 0,
            statements: 0,
            needed_by: None,
            why_not: None,
            caveats: Vec::new(),
            ddl: Some(ddl),
            undo: None,
        }
    }

    /// Fills in what the catalog says. A table that somebody has locked is no reason to fail.
    fn look_up(&mut self) -> Result<(), AdvisorError> {
        let index = pg_sys::Oid::from(self.index);
        let looked = sys::subtransaction(true, || query::one::<JsonB>(FACTS, &[index.into()]));
        let json = match looked {
            Ok(json) => json?,
            Err(error) => {
                self.caveats.push(format!("its definition was not read: {}", error.message));
                return Ok(());
            }
        };
        let Some(JsonB(json)) = json else { return Ok(()) };
        let facts: Facts = serde_json::from_value(json)
            .map_err(|error| AdvisorError::Catalog(error.to_string()))?;
        self.size_bytes = facts.size_bytes;
        self.scans = facts.scans;
        self.writes = facts.writes;
        self.caveats = facts.caveats();
        self.undo = facts.undo;
        Ok(())
    }

    fn judge(&mut self, candidate: &Candidate, outcome: &Outcome, evicted: i64) {
        self.statements = i64::try_from(candidate.statements).unwrap_or(i64::MAX);
        if let Some(need) = &candidate.needed {
            self.verdict = Verdict::Keep;
            self.ddl = None;
            self.needed_by = Some(json!({
                "query_id": need.query_id,
                "query": need.query,
                "cost": need.before,
                "cost_without": need.without,
            }));
            return;
        }
        self.why_not = proof::why_not(candidate, outcome);
        if self.why_not.is_none() {
            self.verdict = Verdict::Drop;
        }
        if outcome.failed > 0 {
            self.caveats.push(format!("{} statements could not be planned", outcome.failed));
        }
        if evicted > 0 {
            self.caveats.push(format!(
                "pg_stat_statements has made room for new statements {evicted} times: rare ones \
                 may be missing from the proof"
            ));
        }
    }
}

/// Days from which on the counters of scans are taken for a whole picture.
const MONTH: f64 = 30.0;

impl Facts {
    /// What the proof cannot see.
    fn caveats(&self) -> Vec<String> {
        let since = self.since.as_deref().unwrap_or("an unknown day");
        let mut caveats = Vec::new();
        if self.days.is_none_or(|days| days < MONTH) {
            caveats.push(format!(
                "statements and scans are counted since {since} only: monthly work may be missing"
            ));
        }
        if self.standbys > 0 {
            caveats.push(format!(
                "{} standbys are connected: what is run there is not counted here",
                self.standbys
            ));
        }
        if let Some(key) = &self.foreign_key {
            caveats.push(format!(
                "the foreign key {key} begins with its first column: deletes from the table that it \
                 refers to look it up, and no statement shows that"
            ));
        }
        if self.expressions {
            caveats.push(
                "ANALYZE keeps statistics of its expression, which are lost with it: extended \
                 statistics can take their place"
                    .to_owned(),
            );
        }
        caveats
    }
}
