//! The candidates of one advisor run, numbered.

use std::collections::{BTreeMap, BTreeSet};

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
///
/// Indexes that exist and may be dropped have the first numbers: a set that holds such a number
/// keeps the index, one that does not is without it.
#[derive(Debug, Default)]
pub struct Pool {
    existing: usize,
    defs: Vec<IndexDef>,
    sizes: Vec<IndexSize>,
    ids: BTreeMap<IndexDef, CandidateId>,
    /// What the indexes that exist are, read in either direction.
    standing: BTreeSet<IndexDef>,
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

    /// Adds an index that exists and may be dropped. All of them come before the first candidate.
    /// It is not found by its definition, and nothing [like it](Self::stands) is to be a candidate.
    pub fn add_existing(&mut self, def: &IndexDef, size: IndexSize) -> CandidateId {
        let id = self.defs.len();
        let mut mirrored = in_order(def);
        mirrored.keys.iter_mut().for_each(|key| *key = key.reversed());
        self.standing.extend([in_order(def), mirrored]);
        self.sizes.push(size);
        self.defs.push(def.clone());
        self.existing = self.defs.len();
        id
    }

    /// Whether an index that exists and may be dropped does all that `def` would do, and nothing else:
    /// the two cover each other. To build that one would be to build the same again, whatever the
    /// counters of the one that is there make it cost.
    #[must_use]
    pub fn stands(&self, def: &IndexDef) -> bool {
        !self.standing.is_empty() && self.standing.contains(&in_order(def))
    }

    /// Whether the number is that of an index that exists.
    #[must_use]
    pub const fn exists(&self, id: CandidateId) -> bool {
        id < self.existing
    }

    /// How many indexes exist; they have the first numbers.
    #[must_use]
    pub const fn existing(&self) -> usize {
        self.existing
    }

    /// The number of `def`, if it was added before as a candidate.
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

    /// Number of candidates, with the indexes that exist.
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

/// With the included columns in order, which is none of their own, and none that is a key.
fn in_order(def: &IndexDef) -> IndexDef {
    let mut def = def.clone();
    def.include.retain(|column| !def.keys.iter().any(|key| key.column == *column));
    def.include.sort_unstable();
    def.include.dedup();
    def
}
