//! A set of candidate indexes, as bits.

use std::fmt;

/// A set of [`crate::model::CandidateId`]s. Ordered by content, so that it can key a `BTreeMap`
/// and equal sets compare equal whatever capacity they were built with.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IndexSet {
    /// Bit `i % 64` of word `i / 64`; never has trailing zero words.
    words: Vec<u64>,
}

impl IndexSet {
    /// The empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { words: Vec::new() }
    }

    /// Adds `id`; true if it was not there.
    pub fn insert(&mut self, id: usize) -> bool {
        let (word, bit) = (id / 64, 1_u64 << (id % 64));
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let added = self.words[word] & bit == 0;
        self.words[word] |= bit;
        added
    }

    /// Takes `id` out; true if it was there.
    pub fn remove(&mut self, id: usize) -> bool {
        let (word, bit) = (id / 64, 1_u64 << (id % 64));
        let Some(slot) = self.words.get_mut(word) else { return false };
        let removed = *slot & bit != 0;
        *slot &= !bit;
        self.trim();
        removed
    }

    /// Whether `id` is in the set.
    #[must_use]
    pub fn contains(&self, id: usize) -> bool {
        self.words.get(id / 64).is_some_and(|word| word & (1_u64 << (id % 64)) != 0)
    }

    /// Whether every member is also in `other`.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.words.len() <= other.words.len()
            && self.words.iter().zip(&other.words).all(|(a, b)| a & !b == 0)
    }

    /// Members of either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let (long, short) =
            if self.words.len() >= other.words.len() { (self, other) } else { (other, self) };
        let mut words = long.words.clone();
        for (word, extra) in words.iter_mut().zip(&short.words) {
            *word |= extra;
        }
        Self { words }
    }

    /// Members of both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let words = self.words.iter().zip(&other.words).map(|(a, b)| a & b).collect();
        let mut set = Self { words };
        set.trim();
        set
    }

    /// Members of this set that are not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut set = self.clone();
        for (word, gone) in set.words.iter_mut().zip(&other.words) {
            *word &= !gone;
        }
        set.trim();
        set
    }

    /// Whether the two have a member in common.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        self.words.iter().zip(&other.words).any(|(a, b)| a & b != 0)
    }

    /// A copy with `id` added.
    #[must_use]
    pub fn with(&self, id: usize) -> Self {
        let mut set = self.clone();
        set.insert(id);
        set
    }

    /// A copy with `id` taken out.
    #[must_use]
    pub fn without(&self, id: usize) -> Self {
        let mut set = self.clone();
        set.remove(id);
        set
    }

    /// Number of members.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether there is no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The members in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(index, &word)| {
            std::iter::successors((word != 0).then_some(word), |rest| {
                let next = rest & (rest - 1);
                (next != 0).then_some(next)
            })
            .map(move |rest| index * 64 + rest.trailing_zeros() as usize)
        })
    }

    /// The bits: `i % 64` of word `i / 64`; there are no trailing zero words.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    fn trim(&mut self) {
        while self.words.last() == Some(&0) {
            self.words.pop();
        }
    }
}

impl Extend<usize> for IndexSet {
    fn extend<I: IntoIterator<Item = usize>>(&mut self, ids: I) {
        for id in ids {
            self.insert(id);
        }
    }
}

impl FromIterator<usize> for IndexSet {
    fn from_iter<I: IntoIterator<Item = usize>>(ids: I) -> Self {
        let mut set = Self::new();
        for id in ids {
            set.insert(id);
        }
        set
    }
}

impl fmt::Debug for IndexSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn behaves_as_a_set(a in prop::collection::btree_set(0_usize..300, 0..40),
                            b in prop::collection::btree_set(0_usize..300, 0..40)) {
            let (x, y): (IndexSet, IndexSet) = (a.iter().copied().collect(), b.iter().copied().collect());
            let back = |s: IndexSet| s.iter().collect::<BTreeSet<_>>();
            prop_assert_eq!(x.len(), a.len());
            prop_assert_eq!(x.is_empty(), a.is_empty());
            prop_assert_eq!(back(x.union(&y)), &a | &b);
            prop_assert_eq!(back(x.intersection(&y)), &a & &b);
            prop_assert_eq!(back(x.difference(&y)), &a - &b);
            prop_assert_eq!(x.is_subset(&y), a.is_subset(&b));
            prop_assert_eq!(x.meets(&y), !a.is_disjoint(&b));
            prop_assert_eq!(x == y, a == b);
        }
    }

    #[test]
    fn equality_ignores_capacity() {
        let mut set = IndexSet::new();
        set.insert(500);
        set.remove(500);
        assert_eq!(set, IndexSet::new());
        assert!(!set.remove(1000));
    }
}
