//! The shortest chains of joins from one table to another.
//!
//! Length by length: what can still reach the end is known from a breadth-first search, and within
//! that a depth-first search lists the chains of one length, so that they can be ordered by whatever
//! matters. The work is bounded; when the bound is met, what is left out is worse by the order in
//! which edges are tried: foreign keys before conclusions, required before optional ones.

use std::collections::{HashSet, VecDeque};

use super::{Relationship, Traits};

/// No chain is longer: nobody reads it.
pub const MOST_HOPS: usize = 8;
/// How much longer than the shortest an alternative may be.
const LONGER: usize = 2;
/// The longest way from a table back to itself.
const LONGEST_CYCLE: usize = 3;
/// Edges looked at, over all lengths.
const MOST_STEPS: usize = 300_000;
/// Chains of one length that are compared.
const MOST_CHAINS: usize = 5_000;
/// Edges between two questions whether to go on.
const STEPS_BETWEEN: usize = 1_000;

/// One join of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hop {
    /// The relationship's position.
    pub relationship: usize,
    /// Whether it goes from the referencing table to the referenced one.
    pub forward: bool,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The chains, best first.
    pub paths: Vec<Vec<Hop>>,
    /// Whether the bound on work was met, so that there may be others.
    pub cut: bool,
}

/// The graph of relationships.
#[derive(Debug)]
pub struct Graph<'a> {
    relationships: &'a [Relationship],
    traits: &'a [Traits],
    edges: Vec<Vec<(Hop, usize)>>,
}

impl<'a> Graph<'a> {
    /// Of `tables` tables. Of relationships between the same columns the first counts.
    #[must_use]
    pub fn new(tables: usize, relationships: &'a [Relationship], traits: &'a [Traits]) -> Self {
        let mut graph = Self { relationships, traits, edges: vec![Vec::new(); tables] };
        let mut seen = HashSet::new();
        for (position, one) in relationships.iter().enumerate() {
            let mut pairs: Vec<(i16, i16)> =
                one.from_columns.iter().copied().zip(one.to_columns.iter().copied()).collect();
            pairs.sort_unstable();
            if one.from >= tables || one.to >= tables || !seen.insert((one.from, one.to, pairs)) {
                continue;
            }
            graph.edges[one.from].push((Hop { relationship: position, forward: true }, one.to));
            if one.from != one.to {
                let back = Hop { relationship: position, forward: false };
                graph.edges[one.to].push((back, one.from));
            }
        }
        for edges in &mut graph.edges {
            edges.sort_by_key(|(hop, _)| {
                let traits = traits[hop.relationship];
                let inferred = !relationships[hop.relationship].is_declared();
                (inferred, traits.optional, !traits.one_to_one, !traits.indexed, *hop)
            });
        }
        graph
    }

    /// At most `most` chains from one table to another, or back to itself, the shortest first; of
    /// the same length those with fewer conclusions, then those that pair fewer rows, then those
    /// that lose fewer. `go_on` is called from time to time, and may end the call by unwinding.
    #[must_use]
    pub fn paths(&self, from: usize, to: usize, most: usize, go_on: &mut dyn FnMut()) -> Found {
        let mut found = Found::default();
        if from >= self.edges.len() || to >= self.edges.len() {
            return found;
        }
        let distances = self.distances(to, go_on);
        let (first, last) = match distances[from] {
            _ if from == to => (1, LONGEST_CYCLE),
            Some(distance) => (distance, (distance + LONGER).min(MOST_HOPS)),
            None => return found,
        };
        let mut search = Search {
            graph: self,
            to,
            distances: &distances,
            chain: Vec::new(),
            visited: vec![from],
            chains: Vec::new(),
            steps: 0,
            go_on,
        };
        for length in first..=last {
            search.from(from, length);
            found.cut |= search.steps >= MOST_STEPS || search.chains.len() >= MOST_CHAINS;
            search.chains.sort_by_cached_key(|chain| (self.badness(chain), chain.clone()));
            found.paths.append(&mut search.chains);
            if found.paths.len() >= most || search.steps >= MOST_STEPS {
                break;
            }
        }
        found.paths.truncate(most);
        found
    }

    /// Hops to the table, up to the most.
    fn distances(&self, to: usize, go_on: &mut dyn FnMut()) -> Vec<Option<usize>> {
        let mut distances = vec![None; self.edges.len()];
        distances[to] = Some(0);
        let mut queue = VecDeque::from([(to, 0)]);
        let mut taken = 0_usize;
        while let Some((table, distance)) = queue.pop_front() {
            taken += 1;
            if taken.is_multiple_of(STEPS_BETWEEN) {
                go_on();
            }
            if distance == MOST_HOPS {
                continue;
            }
            for &(_, next) in &self.edges[table] {
                if distances[next].is_none() {
                    distances[next] = Some(distance + 1);
                    queue.push_back((next, distance + 1));
                }
            }
        }
        distances
    }

    /// What is worse among chains of the same length.
    fn badness(&self, chain: &[Hop]) -> [usize; 5] {
        let count = |bad: &dyn Fn(&Hop) -> bool| chain.iter().filter(|hop| bad(hop)).count();
        let traits = |hop: &Hop| self.traits[hop.relationship];
        let shares = |two: &&[Hop]| self.pairs_by_parent(two[0], two[1]);
        [
            count(&|hop| !self.relationships[hop.relationship].is_declared()),
            chain.windows(2).filter(shares).count(),
            count(&|hop| traits(hop).optional),
            count(&|hop| self.multiplies(*hop)),
            count(&|hop| !traits(hop).indexed),
        ]
    }

    /// Whether there may be several rows of the next table for one of the table before.
    #[must_use]
    pub fn multiplies(&self, hop: Hop) -> bool {
        !hop.forward && !self.traits[hop.relationship].one_to_one
    }

    /// Whether two joins pair the rows that happen to refer to the same row: up and down again.
    #[must_use]
    pub fn pairs_by_parent(&self, one: Hop, other: Hop) -> bool {
        one.forward && !self.traits[one.relationship].one_to_one && self.multiplies(other)
    }
}

/// A search for chains of one length.
struct Search<'a, 'g> {
    graph: &'g Graph<'g>,
    to: usize,
    distances: &'a [Option<usize>],
    chain: Vec<Hop>,
    visited: Vec<usize>,
    chains: Vec<Vec<Hop>>,
    steps: usize,
    go_on: &'a mut dyn FnMut(),
}

impl Search<'_, '_> {
    fn from(&mut self, table: usize, left: usize) {
        let graph = self.graph;
        for &(hop, next) in &graph.edges[table] {
            if self.steps >= MOST_STEPS || self.chains.len() >= MOST_CHAINS {
                return;
            }
            self.steps += 1;
            if self.steps.is_multiple_of(STEPS_BETWEEN) {
                (self.go_on)();
            }
            // On the way back to the first table.
            if self.chain.iter().any(|before| before.relationship == hop.relationship) {
                continue;
            }
            self.chain.push(hop);
            if left == 1 {
                if next == self.to {
                    self.chains.push(self.chain.clone());
                }
            } else if next != self.to
                && !self.visited.contains(&next)
                && self.distances[next].is_some_and(|distance| distance < left)
            {
                self.visited.push(next);
                self.from(next, left - 1);
                self.visited.pop();
            }
            self.chain.pop();
        }
    }
}

#[cfg(test)]
mod tests;
