//! The port to the server's planner.

use crate::index_set::IndexSet;
use crate::model::QueryId;
use crate::pool::Pool;

/// What the planner answered for one query and one set of offered indexes.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Total cost in planner units, averaged over the parameter draws of the query.
    pub cost: f64,
    /// The offered indexes that the plan (of any draw) uses, with those of the pool's existing ones
    /// that it uses.
    pub used: IndexSet,
}

/// Why the search must end before it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The time limit is reached: return the best found so far.
    Deadline,
    /// The memory limit is reached: the same.
    Memory,
    /// The user cancelled, or the server is going down: return nothing.
    Interrupted,
}

/// What a search is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// Looking for configurations.
    #[default]
    Searching,
    /// Planning the best ones exactly, and taking out what does not pay.
    Verifying,
}

/// How far a search has come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// What it is at.
    pub phase: Phase,
    /// Stages that are done.
    pub rounds: usize,
    /// The objective without any candidate.
    pub cost_before: f64,
    /// The lowest objective of the configurations so far, estimates among them.
    pub cost_best: f64,
}

/// Plans a query as if exactly the offered candidates existed beside the real indexes.
///
/// The contract that the cost cache relies on: the same arguments give the same answer; `used` is
/// a subset of `offered`; candidates on tables that the query does not read change nothing.
///
/// An index of the pool that exists ([`Pool::exists`]) is hidden from the plan unless it is offered;
/// those that are not in the pool are always there.
pub trait Planner {
    /// Plans `query` with the candidates in `offered`, which are numbers in `pool`.
    ///
    /// # Errors
    /// [`Stop`] when no further call should be made. A query that fails to plan is no error: the
    /// implementation answers with an infinite cost for a set that cannot be planned.
    fn plan(&mut self, pool: &Pool, query: QueryId, offered: &IndexSet) -> Result<Plan, Stop>;

    /// What the plan of `query` for `offered` may really cost beyond the planner's estimate, in
    /// planner units; 0 where there is no reason for doubt.
    ///
    /// # Errors
    /// As [`Planner::plan`].
    fn doubt(&mut self, pool: &Pool, query: QueryId, offered: &IndexSet) -> Result<f64, Stop> {
        let _ = (pool, query, offered);
        Ok(0.0)
    }

    /// By which factor the draw of `query` that suffers most from `offered` gets dearer than with all
    /// that exists and nothing more; 0 where there are no draws to tell apart.
    ///
    /// # Errors
    /// As [`Planner::plan`].
    fn worst(&mut self, pool: &Pool, query: QueryId, offered: &IndexSet) -> Result<f64, Stop> {
        let _ = (pool, query, offered);
        Ok(0.0)
    }

    /// Asked now and then while the search works without planning, so that the time limit and a
    /// cancel are noticed all the same.
    ///
    /// # Errors
    /// [`Stop`] as for [`Planner::plan`].
    fn poll(&mut self) -> Result<(), Stop> {
        Ok(())
    }

    /// Told whenever the search has got on. Says nothing about time: whoever wants to show it
    /// decides how often.
    fn observe(&mut self, progress: &Progress) {
        let _ = progress;
    }
}
