//! What a search returns.

use crate::cache::{Counters, StoppedBy};
use crate::index_set::IndexSet;
use crate::model::CandidateId;
use crate::pool::Pool;
use crate::search::upkeep::Writing;

/// The result of [`crate::search::advise`]. Costs of queries are in planner units and infinite for
/// a query that cannot be planned or that the search did not come to.
#[derive(Debug)]
pub struct Outcome {
    /// The candidates that the numbers below refer to.
    pub pool: Pool,
    /// The recommended indexes, the most valuable first.
    pub steps: Vec<Step>,
    /// The objective without any candidate.
    pub base_cost: f64,
    /// The objective with all recommended indexes, upkeep included.
    pub final_cost: f64,
    /// Cost of each query without any candidate.
    pub base: Vec<f64>,
    /// Cost of each query with all recommended indexes.
    pub last: Vec<f64>,
    /// The recommended indexes that each query's last plan uses.
    pub used: Vec<IndexSet>,
    /// The existing indexes that the recommended ones take the place of: with them dropped no query
    /// gets worse than is tolerated.
    pub dropped: IndexSet,
    /// What would have paid but for the cost of writing, the largest gain first.
    pub declined: Vec<Declined>,
    /// Bytes of all recommended indexes, less those of the dropped ones.
    pub bytes: f64,
    /// The configurations seen that no other seen beats in both size and cost, smallest first.
    /// Larger ones than the storage budget allows are among them: they say what more would buy.
    pub front: Vec<FrontPoint>,
    /// The stages, in order.
    pub stages: Vec<Stage>,
    /// Planner calls made and requests answered without one.
    pub counters: Counters,
    /// Why the search ended before it was done; `None` when it was done.
    pub stopped_by: Option<StoppedBy>,
    /// Whether the search was done.
    pub complete: bool,
    /// The objective with each query at the lowest cost seen, typically with all its candidates
    /// offered: no configuration is much better, whatever the storage.
    pub lower_bound: f64,
}

/// A recommended index.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The index.
    pub candidate: CandidateId,
    /// The objective with this index and those ranked before it, upkeep included.
    pub cost: f64,
    /// Cost of each query then.
    pub costs: Vec<f64>,
    /// The existing indexes that go with it.
    pub drops: Vec<CandidateId>,
    /// What writing costs then beyond what it costs now, those ranked before included.
    pub writing: Writing,
}

/// A candidate whose upkeep takes away what it saves.
#[derive(Debug, Clone, PartialEq)]
pub struct Declined {
    /// The index.
    pub candidate: CandidateId,
    /// What the queries would save with it alone, in units of the objective.
    pub gain: f64,
    /// What writing would cost, in the same units.
    pub upkeep: f64,
}

/// A configuration on the border between size and cost.
#[derive(Debug, Clone, PartialEq)]
pub struct FrontPoint {
    /// Bytes of all its indexes.
    pub bytes: f64,
    /// Its objective, upkeep included.
    pub cost: f64,
    /// Its indexes.
    pub indexes: IndexSet,
    /// Whether its cost is that of plans, and no estimate: the time limit leaves some.
    pub planned: bool,
    /// Whether more space begins to bring less here than the ratio of cost and space asks; of one
    /// point.
    pub knee: bool,
}

/// A stage of the search.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// Its name.
    pub name: &'static str,
    /// The objective of the configuration it ended with, relative to that without candidates.
    pub relative_cost: f64,
    /// Planner calls from the start of the search to the end of the stage.
    pub calls: u64,
}
