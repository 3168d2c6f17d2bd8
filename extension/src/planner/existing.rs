//! The indexes that exist and may be dropped: in a plan that is to be without one it is hidden.

use std::collections::{BTreeMap, BTreeSet};

use advisor_core::index_set::IndexSet;
use advisor_core::model::CandidateId;
use advisor_core::pool::Pool;

use super::ServerPlanner;

/// The indexes that may be dropped.
#[derive(Default)]
pub(super) struct Existing {
    /// By their number in the pool.
    all: Vec<Movable>,
    /// By statement, those on the tables it reads.
    read_by: BTreeMap<usize, Vec<CandidateId>>,
}

/// An index that exists and may be dropped.
#[derive(Debug, Clone)]
pub(crate) struct Movable {
    /// Its oid.
    pub(crate) index: u32,
    /// The same, and those of its partitions.
    pub(crate) oids: BTreeSet<u32>,
    /// The statements that read its table, by their position in the workload, ascending.
    pub(crate) queries: Vec<usize>,
}

impl ServerPlanner<'_> {
    /// Says which existing indexes a pool begins with, if it has any. To be said before anything is
    /// planned.
    pub(crate) fn may_drop(&mut self, existing: Vec<Movable>) {
        let mut read_by: BTreeMap<usize, Vec<CandidateId>> = BTreeMap::new();
        for (id, index) in existing.iter().enumerate() {
            for &at in &index.queries {
                read_by.entry(at).or_default().push(id);
            }
        }
        self.existing = Existing { all: existing, read_by };
    }

    /// The oids of existing indexes, given by their numbers in the pool, with those of partitions.
    pub(crate) fn oids(&self, dropped: &IndexSet) -> BTreeSet<u32> {
        let known = dropped.iter().filter_map(|id| self.existing.all.get(id));
        known.flat_map(|index| index.oids.iter().copied()).collect()
    }

    /// The indexes that a pool begins with and that are on the tables of a query, with their numbers;
    /// none in a pool of candidates alone.
    fn moving(&self, pool: &Pool, query: usize) -> impl Iterator<Item = (CandidateId, &Movable)> {
        let read = self.at(query).and_then(|at| self.existing.read_by.get(&at));
        let existing = pool.existing();
        let read = read.into_iter().flatten().filter(move |&&id| id < existing);
        read.filter_map(|&id| Some((id, self.existing.all.get(id)?)))
    }

    /// The existing indexes on a query's tables that are up for decision and not offered.
    pub(super) fn hidden(&self, pool: &Pool, query: usize, offered: &IndexSet) -> BTreeSet<u32> {
        let gone = self.moving(pool, query).filter(|(id, _)| !offered.contains(*id));
        gone.flat_map(|(_, index)| index.oids.iter().copied()).collect()
    }

    /// The numbers of those of the indexes that are up for decision.
    pub(super) fn numbers(&self, pool: &Pool, query: usize, oids: &BTreeSet<u32>) -> IndexSet {
        let used = self.moving(pool, query).filter(|(_, index)| !index.oids.is_disjoint(oids));
        used.map(|(id, _)| id).collect()
    }
}
