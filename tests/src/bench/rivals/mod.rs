//! Published ways to select indexes, over hypopg and EXPLAIN as a client can use them.
//!
//! These are our own implementations, from the papers and the projects' documentation, with their
//! published parameters: so that anybody can rerun the comparison with nothing but this repository
//! and hypopg. They are compiled, and so quicker than the authors' programs. Sizes they are told by
//! the same model that judges all sets; costs are hypopg's.

mod anytime;
mod autoadmin;
mod costing;
mod db2advis;
mod extend;
mod one_by_one;
mod schema;

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;

pub use costing::Costing;
use schema::Index;

/// A set of indexes.
type Set = BTreeSet<Index>;

/// A way to select indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rival {
    /// Grows indexes column by column by benefit per byte (Schlosser, Kossmann, Boissier 2019).
    Extend,
    /// Offers everything at once and takes what the plans use (Valentin and others 2000).
    Db2Advis,
    /// The best of each statement, then of all, with more columns each round (Chaudhuri, Narasayya
    /// 1997).
    AutoAdmin,
    /// A greedy search from every candidate, over candidates and their merges, as the Database
    /// Tuning Advisor of SQL Server does until its time is up.
    Anytime,
    /// Dexter: what a statement's plan uses, if it makes the statement much cheaper.
    Dexter,
    /// index_advisor of Supabase: one column at a time, statement by statement.
    IndexAdvisor,
}

impl Rival {
    /// All, the strongest last: what they share is in the server's cache by then.
    pub const ALL: [Self; 6] = [
        Self::IndexAdvisor,
        Self::Dexter,
        Self::Db2Advis,
        Self::AutoAdmin,
        Self::Extend,
        Self::Anytime,
    ];

    /// The name to print.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Extend => "Extend",
            Self::Db2Advis => "DB2Advis",
            Self::AutoAdmin => "AutoAdmin",
            Self::Anytime => "Anytime (DTA)",
            Self::Dexter => "Dexter",
            Self::IndexAdvisor => "index_advisor",
        }
    }

    /// Selects indexes within the task's width and budget. None: the algorithm knows no budget, and
    /// what it takes does not fit.
    ///
    /// # Errors
    /// Whatever the server answers.
    pub fn select(self, costing: &mut Costing, task: &Task) -> Result<Option<Found>> {
        costing.begin(task.time_limit)?;
        let set = match self {
            Self::Extend => Some(extend::select(costing, task)?),
            Self::Db2Advis => Some(db2advis::select(costing, task)?),
            Self::AutoAdmin => autoadmin::select(costing, task)?,
            Self::Anytime => Some(anytime::select(costing, task)?),
            Self::Dexter => one_by_one::dexter(costing, task)?,
            Self::IndexAdvisor => one_by_one::index_advisor(costing, task)?,
        };
        let (seconds, calls, stopped) = costing.spent();
        Ok(set.map(|set| Found {
            ddl: set.iter().map(|index| costing.schema.ddl(index)).collect(),
            seconds,
            calls,
            stopped,
        }))
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Task {
    /// Most columns of an index.
    pub width: usize,
    /// Most bytes of all indexes.
    pub budget: f64,
    /// After that the best set so far is taken.
    pub time_limit: Duration,
}

/// What was selected.
#[derive(Debug)]
pub struct Found {
    /// CREATE INDEX statements.
    pub ddl: Vec<String>,
    /// Time, without asking for sizes.
    pub seconds: f64,
    /// Calls of EXPLAIN.
    pub calls: u64,
    /// Whether the time limit struck.
    pub stopped: bool,
}

/// Adds the candidate that lowers the cost most, as long as one does and fits. `start` must fit.
fn greedy(
    costing: &mut Costing,
    candidates: &[Index],
    start: Set,
    budget: f64,
    most: usize,
) -> Result<(Set, f64)> {
    let mut set = start;
    let mut cost = costing.total(&set)?;
    while set.len() < most {
        let room = budget - costing.bytes(&set)?;
        let mut best: Option<(f64, &Index)> = None;
        for candidate in candidates {
            if set.contains(candidate) || costing.size(candidate)? > room || costing.expired() {
                continue;
            }
            let mut next = set.clone();
            next.insert(candidate.clone());
            let next_cost = costing.total(&next)?;
            if best.is_none_or(|(least, _)| next_cost < least) {
                best = Some((next_cost, candidate));
            }
        }
        match best {
            Some((next_cost, candidate)) if next_cost < cost => {
                set.insert(candidate.clone());
                cost = next_cost;
            }
            _ => break,
        }
    }
    Ok((set, cost))
}
