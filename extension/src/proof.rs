//! The proof that nobody needs an index: the workload planned without it.
//!
//! The statements that read an index's table are planned as they are and with the index hidden from
//! the planner, together with all others that are to go, as their DROP INDEX may be run together. If
//! no statement gets dearer by more than a tolerance, with none of its parameter draws, the index is
//! not needed. Where each of several
//! can stand in for another, the one that was given last stays.

use std::collections::BTreeSet;
use std::time::Instant;

use advisor_core::index_set::IndexSet;
use pgrx::{Spi, pg_sys};

use crate::error::AdvisorError;
use crate::planner::Identity;
use crate::session::{Session, Waiting};
use crate::sys::{self, Arena, Hypotheticals, ServerError};
use crate::workload::{Entry, Prepared, Workload};

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

/// An index that may go.
pub(crate) struct Candidate {
    /// The index and its partitions.
    index: BTreeSet<u32>,
    /// Its table with parents and partitions.
    tables: BTreeSet<u32>,
    /// Statements that do not need it.
    pub(crate) statements: usize,
    /// One that does.
    pub(crate) needed: Option<Need>,
}

impl Candidate {
    /// An index of a table, both by oid.
    ///
    /// # Errors
    /// What SPI says.
    pub(crate) fn new(index: u32, table: u32) -> Result<Self, AdvisorError> {
        Ok(Self { index: family(index)?, tables: family(table)?, statements: 0, needed: None })
    }
}

/// Why an index is needed.
pub(crate) struct Need {
    /// `queryid`, or the number of the statement in the list that was given.
    pub(crate) query_id: i64,
    /// The statement.
    pub(crate) query: String,
    /// Its cost; with the parameter values that suffer, where the mean does not.
    pub(crate) before: f64,
    /// Its cost without the index.
    pub(crate) without: f64,
}

/// What became of the workload.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Statements that should have been planned and were not, by reason.
    locked: usize,
    not_ours: usize,
    /// Statements that could not be planned.
    pub(crate) failed: usize,
    out_of_time: bool,
}

/// How far a proof goes.
pub(crate) struct Limits {
    /// How many times dearer a statement may get.
    pub(crate) tolerance: f64,
    /// When to have read the workload.
    pub(crate) prepared_by: Instant,
    /// When to end.
    pub(crate) deadline: Instant,
}

/// Plans the statements without the candidates, and notes in those who needs them. `caller_path` is
/// the search path that statements without one of their own are read under.
///
/// # Errors
/// What SPI says, and what the server says outside of the statements.
pub(crate) fn prove(
    candidates: &mut [Candidate],
    entries: Vec<Entry>,
    caller_path: &str,
    limits: &Limits,
) -> Result<Outcome, AdvisorError> {
    let outcome = sys::subtransaction(false, || {
        let mut proof = Proof { candidates, outcome: Outcome::default(), limits };
        proof.run(caller_path, entries)?;
        Ok::<_, AdvisorError>(proof.outcome)
    });
    outcome.map_err(AdvisorError::Statement)?
}

/// A relation with what it is a partition of and its partitions, by oid.
///
/// # Errors
/// What SPI says.
pub(crate) fn family(relation: u32) -> Result<BTreeSet<u32>, AdvisorError> {
    Spi::connect(|client| {
        let mut oids = BTreeSet::new();
        for row in client.select(FAMILY, None, &[pg_sys::Oid::from(relation).into()])? {
            oids.extend(row.get::<i64>(1)?.and_then(|oid| u32::try_from(oid).ok()));
        }
        Ok(oids)
    })
}

/// Why an index that no planned statement needs is not proven to be needed by none.
pub(crate) fn why_not(candidate: &Candidate, outcome: &Outcome) -> Option<String> {
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
    limits: &'c Limits,
}

impl Proof<'_> {
    fn run(&mut self, caller_path: &str, entries: Vec<Entry>) -> Result<(), AdvisorError> {
        let arena = Arena::new();
        let session = Session::open_under(&arena, Waiting::Briefly, Some(caller_path.to_owned()))?;
        let tables = self.candidates.iter().flat_map(|one| one.tables.iter().copied()).collect();
        let (catalog, workload) =
            session.prepare_on(Some(tables), entries, Some(self.limits.prepared_by))?;
        self.count_left_out(&workload);
        let mut replanner = Replanner {
            session: &session,
            identity: Identity::default(),
            scratch: Arena::new(),
            nothing: (
                Hypotheticals::with_statistics(catalog.expression_statistics()),
                IndexSet::new(),
            ),
        };
        for statement in &workload.prepared {
            sys::check_interrupts();
            if Instant::now() >= self.limits.deadline {
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
        let mut hidden: Vec<usize> = (0..self.candidates.len())
            .filter(|&at| {
                self.candidates.get(at).is_some_and(|one| {
                    one.needed.is_none() && !one.tables.is_disjoint(&statement.relations)
                })
            })
            .collect();
        while !hidden.is_empty() {
            let together = replanner.costs(statement, &self.indexes(&hidden))?;
            if self.tolerates(statement, &together) {
                break;
            }
            let mut kept = Vec::with_capacity(hidden.len());
            for &at in &hidden {
                let alone = replanner.costs(statement, &self.indexes(&[at]))?;
                if self.tolerates(statement, &alone) {
                    kept.push(at);
                } else {
                    self.need(at, statement, &alone);
                }
            }
            if kept.len() == hidden.len() {
                // Each can stand in for another: the last is the smallest, and stays.
                kept.pop().into_iter().for_each(|at| self.need(at, statement, &together));
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

    /// Whether a statement with these costs of its draws gets no dearer, by its mean and by each.
    fn tolerates(&self, statement: &Prepared<'_>, costs: &[f64]) -> bool {
        let within = |before: f64, cost: f64| cost <= before * self.limits.tolerance + NOTHING;
        within(statement.base_cost, mean(costs))
            && statement.base.costs.iter().zip(costs).all(|(&before, &cost)| within(before, cost))
    }

    /// Notes the need with the mean cost, or with that of the draw that suffers, if only one does.
    fn need(&mut self, at: usize, statement: &Prepared<'_>, costs: &[f64]) {
        let (mut before, mut without) = (statement.base_cost, mean(costs));
        if without <= before * self.limits.tolerance + NOTHING {
            let draws = statement.base.costs.iter().copied().zip(costs.iter().copied());
            let worst = draws.max_by(|a, b| (a.1 / a.0).total_cmp(&(b.1 / b.0)));
            (before, without) = worst.unwrap_or((before, without));
        }
        let Some(candidate) = self.candidates.get_mut(at) else { return };
        candidate.needed = Some(Need {
            query_id: statement.entry.id,
            query: statement.entry.text.clone(),
            before,
            without,
        });
    }
}

fn mean(costs: &[f64]) -> f64 {
    costs.iter().sum::<f64>() / costs.len().max(1) as f64
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
    /// The cost of each of the statement's draws.
    fn costs(
        &mut self,
        statement: &Prepared<'_>,
        hidden: &BTreeSet<u32>,
    ) -> Result<Vec<f64>, ServerError> {
        self.identity.adopt(&self.session.scope, statement.role, &statement.search_path);
        let (scratch, (none, empty)) = (&self.scratch, &self.nothing);
        let cost = sys::subtransaction(true, || {
            let costs = statement.bindings.iter().map(|binding| {
                sys::plan(scratch, &statement.statement, binding, none, empty, hidden).cost
            });
            costs.collect()
        });
        self.scratch.reset();
        cost
    }
}
