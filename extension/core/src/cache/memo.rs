//! The answers for one query.
//!
//! Sets are kept as bits over the candidates that matter to the query, numbered from 0: one or two
//! words, whatever the number of candidates of the whole search.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};

use crate::index_set::IndexSet;
use crate::model::{CandidateId, TableId};
use crate::whatif::Plan;

/// Sets of which the bounds are remembered; beyond, all are forgotten.
const MAX_SEEN: usize = 1 << 14;
const NO_ALIAS: usize = usize::MAX;

/// One answer; its offered and used bits are in [`Memo::bits`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) cost: f64,
    /// False when it was concluded from bounds that meet.
    pub(super) planned: bool,
}

/// What the entries say about a set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scan {
    /// The oldest entry that answers for the set.
    pub(super) hit: Option<usize>,
    /// The dearest superset's cost, or 0.
    pub(super) lower: f64,
    /// The entry that is from, and whether it holds the reduced set only.
    pub(super) tightest: Option<(usize, bool)>,
    /// The lowest cost with used indexes that the set has.
    pub(super) upper: f64,
    /// The entry that is from.
    pub(super) cheapest: Option<usize>,
}

/// What was found for a set in the entries before `upto`; entries are only ever added.
#[derive(Debug)]
struct Seen {
    /// The set with candidates replaced by their aliases, if there are any.
    reduced: Option<Box<[u64]>>,
    scan: Scan,
    upto: usize,
}

/// All answers for one query.
#[derive(Debug, Default)]
pub(super) struct Memo {
    /// The candidates that matter, ascending.
    relevant: Vec<CandidateId>,
    /// For each word of an index set: its relevant bits and how many there are in earlier words.
    masks: Vec<(u64, usize)>,
    /// By place in `relevant`, the place of a candidate that is here at least as good.
    aliases: Vec<usize>,
    /// Oldest first, and scanned in this order: an answer once given is given ever after.
    pub(super) entries: Vec<Entry>,
    /// Per entry the offered, then the used words.
    bits: Vec<u64>,
    /// Only ever looked up, so its order is of no consequence.
    seen: HashMap<Box<[u64]>, Seen, BuildHasherDefault<DefaultHasher>>,
    /// Tables that the query reads, ascending.
    pub(super) tables: Vec<TableId>,
    /// The lowest cost of any entry.
    pub(super) floor: f64,
}

fn subset(a: &[u64], b: &[u64]) -> bool {
    a.iter().zip(b).all(|(a, b)| a & !b == 0)
}

fn ones(words: &[u64]) -> impl Iterator<Item = usize> + '_ {
    words.iter().enumerate().flat_map(|(index, &word)| {
        std::iter::successors((word != 0).then_some(word), |rest| {
            let next = rest & (rest - 1);
            (next != 0).then_some(next)
        })
        .map(move |rest| index * 64 + rest.trailing_zeros() as usize)
    })
}

impl Memo {
    pub(super) fn new(relevant: &IndexSet, tables: Vec<TableId>) -> Self {
        let mut memo = Self { tables, floor: f64::INFINITY, ..Self::default() };
        memo.focus(relevant, &[]);
        memo
    }

    /// Changes which candidates matter; answers that used one no longer relevant leave.
    pub(super) fn focus(&mut self, relevant: &IndexSet, aliases: &[(CandidateId, CandidateId)]) {
        let old: Vec<(Entry, IndexSet, IndexSet)> = (0..self.entries.len())
            .map(|at| {
                let (offered, used) = self.sides(at);
                (self.entries[at], self.expand(offered), self.expand(used))
            })
            .collect();
        let mut before = 0;
        self.masks.clear();
        for &word in relevant.words() {
            self.masks.push((word, before));
            before += word.count_ones() as usize;
        }
        self.relevant = relevant.iter().collect();
        self.aliases = vec![NO_ALIAS; self.relevant.len()];
        for (id, alias) in aliases {
            if let (Ok(id), Ok(alias)) =
                (self.relevant.binary_search(id), self.relevant.binary_search(alias))
            {
                self.aliases[id] = alias;
            }
        }
        self.entries.clear();
        self.bits.clear();
        self.seen.clear();
        let (mut offered_bits, mut used_bits) = (Vec::new(), Vec::new());
        for (entry, offered, used) in old {
            if used.is_subset(relevant) {
                self.project(&offered, &mut offered_bits);
                self.project(&used, &mut used_bits);
                self.push(entry, &offered_bits, &used_bits);
            }
        }
    }

    /// Words per set.
    fn width(&self) -> usize {
        self.relevant.len().div_ceil(64)
    }

    /// Adds an answer for projected sets.
    pub(super) fn push(&mut self, entry: Entry, offered: &[u64], used: &[u64]) {
        self.bits.extend_from_slice(offered);
        self.bits.extend_from_slice(used);
        self.entries.push(entry);
        self.floor = self.floor.min(entry.cost);
    }

    /// Adds a plan that was made with more than the relevant candidates offered, if it got by with
    /// those.
    pub(super) fn note(&mut self, offered: &IndexSet, plan: &Plan) {
        let (mut offered_bits, mut used_bits) = (Vec::new(), Vec::new());
        self.project(&plan.used, &mut used_bits);
        if self.expand(&used_bits) == plan.used {
            self.project(offered, &mut offered_bits);
            self.push(Entry { cost: plan.cost, planned: true }, &offered_bits, &used_bits);
        }
    }

    /// The offered and the used words of an entry.
    pub(super) fn sides(&self, at: usize) -> (&[u64], &[u64]) {
        let width = self.width();
        self.bits[at * 2 * width..(at + 1) * 2 * width].split_at(width)
    }

    /// The set that projected words stand for.
    pub(super) fn expand(&self, words: &[u64]) -> IndexSet {
        ones(words).map(|place| self.relevant[place]).collect()
    }

    /// Writes the relevant part of `set` to `want`.
    pub(super) fn project(&self, set: &IndexSet, want: &mut Vec<u64>) {
        want.clear();
        want.resize(self.width(), 0);
        for (&word, &(mask, before)) in set.words().iter().zip(&self.masks) {
            let mut rest = word & mask;
            while rest != 0 {
                let below = (rest & rest.wrapping_neg()) - 1;
                let place = before + (mask & below).count_ones() as usize;
                want[place / 64] |= 1 << (place % 64);
                rest &= rest - 1;
            }
        }
    }

    /// `want` with each candidate replaced by its alias, if any has one.
    fn reduce(&self, want: &[u64]) -> Option<Box<[u64]>> {
        if ones(want).all(|place| self.aliases[place] == NO_ALIAS) {
            return None;
        }
        let mut reduced = vec![0; want.len()];
        for place in ones(want) {
            let alias = self.aliases[place];
            let place = if alias == NO_ALIAS { place } else { alias };
            reduced[place / 64] |= 1 << (place % 64);
        }
        Some(reduced.into())
    }

    /// What the entries say about a projected set, and the set with aliases if that differs.
    pub(super) fn scan(&mut self, want: &[u64]) -> (Scan, Option<&[u64]>) {
        if !self.seen.contains_key(want) {
            if self.seen.len() >= MAX_SEEN {
                self.seen.clear();
            }
            let seen = Seen { reduced: self.reduce(want), scan: Scan::NOTHING, upto: 0 };
            self.seen.insert(want.into(), seen);
        }
        let width = self.width();
        let Self { seen, entries, bits, .. } = self;
        let Some(seen) = seen.get_mut(want) else { return (Scan::NOTHING, None) };
        let reduced = seen.reduced.as_deref();
        while seen.scan.hit.is_none() && seen.upto < entries.len() {
            let at = seen.upto;
            let sides = bits[at * 2 * width..][..2 * width].split_at(width);
            seen.scan.look((at, entries[at].cost), want, reduced, sides);
            seen.upto += 1;
        }
        (seen.scan, reduced)
    }
}

impl Scan {
    const NOTHING: Self =
        Self { hit: None, lower: 0.0, tightest: None, upper: f64::INFINITY, cheapest: None };

    /// Takes one more entry into account.
    fn look(
        &mut self,
        (at, cost): (usize, f64),
        want: &[u64],
        reduced: Option<&[u64]>,
        (offered, used): (&[u64], &[u64]),
    ) {
        let inside = subset(want, offered);
        let enough = subset(used, want);
        if inside && enough {
            self.hit = Some(at);
        }
        if enough && cost < self.upper {
            self.upper = cost;
            self.cheapest = Some(at);
        }
        if cost > self.lower && (inside || reduced.is_some_and(|reduced| subset(reduced, offered)))
        {
            self.lower = cost;
            self.tightest = Some((at, !inside));
        }
    }
}
