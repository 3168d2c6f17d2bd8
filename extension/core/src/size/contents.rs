//! What a sample of rows says of the values that indexes of other methods than the b-tree store.

use std::collections::BTreeMap;

use super::frequency::{FEW, Group, population};
use crate::model::{IndexDef, Table, TableId};

/// `maintenance_work_mem` as the server ships it, in bytes.
const DEFAULT_MEMORY: f64 = 64.0 * 1024.0 * 1024.0;

/// A sample of more than the reciprocal share of the rows has seen most entries.
const MOSTLY_SEEN: f64 = 1.5;

/// What was sampled, by table and element.
#[derive(Debug, Clone, PartialEq)]
pub struct Contents {
    entries: BTreeMap<(TableId, i16), Entries>,
    keys: BTreeMap<(TableId, i16), Keys>,
    /// Memory that building an index may take, in bytes.
    pub(super) memory: f64,
}

impl Default for Contents {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), keys: BTreeMap::new(), memory: DEFAULT_MEMORY }
    }
}

/// The entries that an inverted index would have.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Entries {
    /// Rows in the sample.
    pub(super) rows: f64,
    /// Entries alike, each class once.
    pub(super) classes: Vec<EntryClass>,
    /// Entries of a row as they are put into the index one by one, in bytes.
    row_bytes: f64,
}

/// Entries that occur in as many rows of the sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct EntryClass {
    /// How many of the sample's rows have such an entry.
    pub(super) seen: f64,
    /// How many there are.
    pub(super) count: f64,
    /// Bytes of the key, with padding.
    pub(super) key_bytes: f64,
}

/// The keys that a search tree would have, one a row.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Keys {
    /// Average bytes of a key as the operator class stores it, with padding.
    pub bytes: f64,
    /// Whether rows lie in the order of their keys.
    pub ordered: bool,
}

impl Contents {
    /// Nothing sampled; an index is built with so many bytes of memory.
    #[must_use]
    pub fn with_memory(memory: f64) -> Self {
        Self { memory: memory.max(1.0), ..Self::default() }
    }

    /// Notes the entries of an element.
    pub fn insert_entries(&mut self, table: TableId, element: i16, entries: Entries) {
        self.entries.insert((table, element), entries);
    }

    /// Notes the keys of an element.
    pub fn insert_keys(&mut self, table: TableId, element: i16, keys: Keys) {
        self.keys.insert((table, element), keys);
    }

    /// The entries of an element, if it was sampled.
    #[must_use]
    pub fn entries(&self, table: TableId, element: i16) -> Option<&Entries> {
        self.entries.get(&(table, element))
    }

    /// The keys of an element, if it was sampled.
    #[must_use]
    pub fn keys(&self, table: TableId, element: i16) -> Option<Keys> {
        self.keys.get(&(table, element)).copied()
    }

    /// Whether an element was sampled.
    #[must_use]
    pub fn has(&self, table: TableId, element: i16) -> bool {
        self.entries(table, element).is_some() || self.keys(table, element).is_some()
    }

    /// Bytes that inserting one row writes to an inverted index; `None` for other indexes and what
    /// was not sampled.
    #[must_use]
    pub fn row_bytes(&self, table: &Table, def: &IndexDef) -> Option<f64> {
        let of_key = |number| Some(self.entries(def.table, number)?.row_bytes);
        let total: Option<f64> = def.keys.iter().map(|key| of_key(key.column)).sum();
        total.map(|bytes| bytes * def.share(table))
    }
}

impl Entries {
    /// From the entries of `rows` sampled rows: a hash of each entry's key and its bytes.
    #[must_use]
    pub fn from_sample(rows: usize, mut found: Vec<(u64, u32)>) -> Self {
        /// Header, pointer to the row and line pointer of an entry with one row.
        const ENTRY: f64 = 8.0 + 8.0 + 4.0;
        let sampled = rows.max(1) as f64;
        let bytes: f64 = found.iter().map(|&(_, bytes)| f64::from(bytes) + ENTRY).sum();
        found.sort_unstable();
        let mut by_seen: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
        for run in found.chunk_by(|a, b| a.0 == b.0) {
            let class = by_seen.entry(run.len()).or_default();
            class.0 += 1.0;
            class.1 += run.first().map_or(0.0, |&(_, bytes)| f64::from(bytes));
        }
        let classes = by_seen
            .into_iter()
            .map(|(seen, (count, bytes))| EntryClass {
                seen: seen as f64,
                count,
                key_bytes: bytes / count,
            })
            .collect();
        Self { rows: sampled, classes, row_bytes: bytes / sampled }
    }

    /// The entries of `rows` rows, as (entries, rows of each, bytes of a key).
    ///
    /// What was seen often is as frequent in the table as in the sample; how many entries share the
    /// rest is estimated ([`population`]).
    pub(super) fn in_rows(&self, rows: f64) -> Vec<(f64, f64, f64)> {
        let scale = (rows / self.rows).max(f64::MIN_POSITIVE);
        let (few, often): (Vec<&EntryClass>, Vec<&EntryClass>) =
            self.classes.iter().partition(|class| class.seen <= FEW as f64);
        let mut found: Vec<(f64, f64, f64)> = often
            .into_iter()
            .map(|class| (class.count, (class.seen * scale).max(1.0), class.key_bytes))
            .collect();
        let mut seen = [0.0; FEW];
        let (mut count, mut bytes) = (0.0, 0.0);
        for class in few {
            if let Some(place) = seen.get_mut(class.seen as usize - 1) {
                *place += class.count;
            }
            count += class.count;
            bytes += class.count * class.key_bytes;
        }
        let key = bytes / f64::max(count, 1.0);
        let groups = if scale > MOSTLY_SEEN {
            population(&seen, 1.0 / scale)
        } else {
            as_seen(&seen, scale)
        };
        found.extend(groups.into_iter().map(|group| (group.count, group.occurrences, key)));
        found
    }
}

/// Entries of a sample of nearly all rows, or of more rows than there are: as frequent as seen.
fn as_seen(seen: &[f64; FEW], scale: f64) -> Vec<Group> {
    let group = |(times, &count): (u32, &f64)| Group {
        count,
        occurrences: (f64::from(times) * scale).max(1.0),
    };
    (1..).zip(seen).filter(|(_, count)| **count > 0.0).map(group).collect()
}
