//! The candidates of one advisor run, numbered.

use std::collections::BTreeMap;

use crate::model::{CandidateId, IndexDef};

/// How large an index would be.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct IndexSize {
    /// Pages of 8 KiB, all levels and the meta page.
    pub pages: f64,
    /// Levels above the leaves (`BTMetaPageData.btm_level`); -1 when unknown, and then the planner
    /// charges no descent.
    pub tree_height: i32,
    /// Bytes on disk, summed over the leaves of a partitioned table.
    pub bytes: f64,
}

/// Estimates the size of an index that does not exist.
pub trait Sizer {
    /// The size of `def` when built now.
    fn size(&mut self, def: &IndexDef) -> IndexSize;
}

/// The candidates under consideration. Numbers are given in order of arrival and stay valid.
#[derive(Debug, Default)]
pub struct Pool {
    defs: Vec<IndexDef>,
    sizes: Vec<IndexSize>,
    ids: BTreeMap<IndexDef, CandidateId>,
}

impl Pool {
    /// The number of `def`, which is sized and added when it is new.
    pub fn intern(&mut self, def: &IndexDef, sizer: &mut dyn Sizer) -> CandidateId {
        if let Some(&id) = self.ids.get(def) {
            return id;
        }
        let id = self.defs.len();
        self.sizes.push(sizer.size(def));
        self.defs.push(def.clone());
        self.ids.insert(def.clone(), id);
        id
    }

    /// The number of `def`, if it was added before.
    #[must_use]
    pub fn find(&self, def: &IndexDef) -> Option<CandidateId> {
        self.ids.get(def).copied()
    }

    /// The definition of a candidate.
    #[must_use]
    pub fn def(&self, id: CandidateId) -> &IndexDef {
        &self.defs[id]
    }

    /// The estimated size of a candidate.
    #[must_use]
    pub fn size(&self, id: CandidateId) -> IndexSize {
        self.sizes[id]
    }

    /// Number of candidates.
    #[must_use]
    pub fn len(&self) -> usize {
        self.defs.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.defs.is_empty()
    }
}
