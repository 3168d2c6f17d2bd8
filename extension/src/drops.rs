//! Which indexes can go, and what is known about that.
//!
//! Named are those that the checks of `mcp_health` find duplicate, redundant or unused; what backs a
//! constraint, is the replica identity or may serve a foreign key alone is none of these. All of them
//! are hidden at once from the planner, and the workload is planned again: what a statement needs
//! stays ([`crate::proof`]). Where that is asked for, the advisor runs, too, and those are added that
//! its new indexes take the place of.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use pgrx::{JsonB, pg_sys};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::advisor::{self, Arguments};
use crate::error::AdvisorError;
use crate::health;
use crate::proof::{self, Candidate, Limits, Outcome};
use crate::query;
use crate::report::{Plans, Superseded};
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

/// The index of this name.
const BY_NAME: &str = "select pg_catalog.to_regclass($1)::oid";

/// What mcp_advise_indexes takes when not told.
const MAX_COLUMNS: usize = 3;
const MIN_IMPROVEMENT: f64 = 0.10;
const PARETO_RATIO: f64 = 2.0;

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
    /// Whether to count in what is advised now.
    pub(crate) with_advice: bool,
}

/// What to do with an index. In order of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// No statement needs it.
    Drop,
    /// No statement needs it once an advised index is there.
    Superseded,
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
            Self::Superseded => "superseded",
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
    /// The statement that makes the index which takes its place.
    pub(crate) superseded_by: Option<String>,
    /// The duplicate of it that is to stay.
    twin: Option<u32>,
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
    drop: String,
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
    let advice = match request.with_advice {
        true => Some(advise_now(&request, &caller_path)?),
        false => None,
    };
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
    keep_one_of_two(&mut drops);
    for one in advice.into_iter().flatten() {
        supersede(&mut drops, one)?;
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
            let one = found.entry(index).or_insert_with(|| Drop::new(index, table, Some(ddl)));
            if let Some(kept) = finding.details.0.get("kept").and_then(Value::as_str) {
                one.twin =
                    query::one::<pg_sys::Oid>(BY_NAME, &[kept.into()])?.map(|oid| oid.to_u32());
            }
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

/// What the advisor would have go for what it advises, within a part of the time.
fn advise_now(request: &Request, caller_path: &str) -> Result<Vec<Superseded>, AdvisorError> {
    let arguments = Arguments {
        queries: request.queries.clone(),
        storage_budget: None,
        max_columns: MAX_COLUMNS,
        min_improvement: MIN_IMPROVEMENT,
        pareto_ratio: PARETO_RATIO,
        time_limit: Some(request.time_limit / 2),
        max_queries: request.max_queries,
        search_path: Some(caller_path.to_owned()),
        statistics: false,
    };
    Ok(advisor::advise(&arguments, Plans::Omitted)?.superseded)
}

/// Of two that do the same, and that no statement needs, one stays for now: the proof of each rests
/// on what is recorded, and whoever comes back for them still finds one.
fn keep_one_of_two(drops: &mut [Drop]) {
    let going: Vec<(u32, u32)> = drops
        .iter()
        .filter(|one| one.verdict == Verdict::Drop)
        .filter_map(|one| Some((one.twin?, one.index)))
        .collect();
    for one in drops.iter_mut().filter(|one| one.verdict == Verdict::Drop) {
        if going.iter().any(|(kept, gone)| *kept == one.index && *gone != one.index) {
            one.verdict = Verdict::Unproven;
            one.why_not = Some(
                "its duplicate is to go, and it does that one's work: ask again afterwards"
                    .to_owned(),
            );
        }
    }
}

/// Adds an index that an advised one takes the place of, or says so of one that was named. One that
/// is not needed even now is left as it is.
fn supersede(drops: &mut Vec<Drop>, by: Superseded) -> Result<(), AdvisorError> {
    let at = drops.iter().position(|one| one.index == by.index);
    if at.is_some_and(|at| drops.get(at).is_some_and(|one| one.verdict == Verdict::Drop)) {
        return Ok(());
    }
    let mut one = at.map_or_else(|| Drop::new(by.index, by.table, None), |at| drops.remove(at));
    one.ddl = None;
    let scope = query::own_scope();
    one.look_up()?;
    drop(scope);
    one.verdict = Verdict::Superseded;
    one.reasons.push("superseded");
    one.messages.push("an advised index takes its place".to_owned());
    one.caveats.push("only once the index that takes its place is there".to_owned());
    one.statements = i64::try_from(by.statements).unwrap_or(i64::MAX);
    one.needed_by = None;
    one.why_not = None;
    one.superseded_by = Some(by.by);
    drops.push(one);
    Ok(())
}

/// How often entries were thrown out; 0 where that is not told.
fn evicted() -> Result<i64, AdvisorError> {
    let schema = RecordedStatements::find("")?.schema;
    Ok(query::one(&EVICTED.replace("{schema}", &schema), &[])?.unwrap_or_default())
}

impl Drop {
    fn new(index: u32, table: u32, ddl: Option<String>) -> Self {
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
            ddl,
            undo: None,
            superseded_by: None,
            twin: None,
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
        if self.ddl.is_none() {
            self.ddl = Some(facts.drop);
        }
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
