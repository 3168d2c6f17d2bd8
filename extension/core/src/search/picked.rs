//! Which candidates are worth searching: those that the planner picks, and what can be made of them.
//!
//! Each query is planned with all its own candidates; those used are noted, taken away, and it is
//! planned again. A handful of plans a query replaces the evaluation of every candidate for it.

use std::collections::{BTreeMap, BTreeSet};

use crate::cache::{CostCache, Interrupted};
use crate::index_set::IndexSet;
use crate::model::{CandidateId, IndexDef, Method, QueryId, TableId};
use crate::pool::Sizer;
use crate::search::objective::Goal;
use crate::search::state::Search;
use crate::search::{Options, Workload};
use crate::whatif::Planner;

/// A query whose best plan costs more than this share of its base gains nothing.
const GAINS: f64 = 0.999;
/// How often the used candidates of a query are taken away.
const KNOCK_OUTS: usize = 2;
/// Picked candidates of a table, the most beneficial first, that are merged with each other.
const MERGED_PER_TABLE: usize = 16;
/// INCLUDE columns of a merged candidate.
const MAX_INCLUDE: usize = 4;

/// What the planner picked.
#[derive(Debug, Default)]
pub(crate) struct Picked {
    /// The indexes that exist and may be dropped.
    pub(crate) kept: IndexSet,
    /// Per query the candidates that were offered first.
    pub(crate) own: Vec<IndexSet>,
    /// Every pick with the largest gain of the objective's sum it had a part in, summed over queries.
    benefit: BTreeMap<CandidateId, f64>,
    /// Used when everything is offered.
    pub(crate) first: IndexSet,
    /// Per query the candidates that one of its plans used.
    mine: Vec<IndexSet>,
    /// Per query the leading columns of what it used.
    leads: Vec<BTreeSet<(TableId, i16)>>,
}

/// Which of a query's candidates are offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Narrow {
    /// Those of at most so many keys and nothing included.
    To(usize),
    /// All but those of its first plan.
    Any,
}

/// The columns of each table that a query's own candidates contain.
type Interest = BTreeSet<(TableId, i16)>;

/// Numbers the candidates and adds the queries to the cache.
pub(crate) fn enter<S: Planner + Sizer>(
    cache: &mut CostCache<'_, S>,
    workload: &Workload<'_>,
    options: &Options,
) -> Picked {
    let mut picked = Picked::default();
    for index in workload.existing {
        picked.kept.insert(cache.add_existing(&index.def, index.size));
    }
    for (query, defs) in workload.candidates.iter().enumerate() {
        let mut per_table: BTreeMap<TableId, usize> = BTreeMap::new();
        let mut own = IndexSet::new();
        let mut kept = IndexSet::new();
        for (id, index) in workload.existing.iter().enumerate() {
            if index.queries.binary_search(&query).is_ok() {
                kept.insert(id);
                per_table.insert(index.def.table, 0);
            }
        }
        for def in defs.iter().filter(|def| (1..=options.max_columns).contains(&def.keys.len())) {
            if cache.pool().stands(def) {
                continue;
            }
            let count = per_table.entry(def.table).or_default();
            if *count < options.offer_limit {
                *count += usize::from(own.insert(cache.intern(def)));
            }
        }
        cache.add_query(&own.union(&kept), per_table.into_keys().collect());
        picked.own.push(own);
        picked.leads.push(BTreeSet::new());
        picked.mine.push(IndexSet::new());
    }
    picked
}

impl Picked {
    /// Plans each query with all its candidates. What is used makes a first configuration: its
    /// cost is known from these plans. Returns the cost of each query.
    pub(crate) fn pick_first<S: Planner + Sizer>(
        &mut self,
        cache: &mut CostCache<'_, S>,
        goal: &Goal,
        base: &[f64],
    ) -> Result<Vec<f64>, Interrupted> {
        let mut costs = base.to_vec();
        for query in (0..base.len()).filter(|&query| goal.weight(query) > 0.0) {
            let own = self.own[query].clone();
            if let Some(used) = self.round(cache, goal, base, query, &own)? {
                self.first = self.first.union(&used);
                costs[query] = cache.floor(query);
            }
        }
        Ok(costs)
    }

    /// Takes away what each query used, and plans it again, a few times over, and does the same with
    /// its narrower candidates. Ends after about so many planner calls; all queries have had the first
    /// of their turns before one has the second.
    pub(crate) fn knock_out<S: Planner + Sizer>(
        &mut self,
        cache: &mut CostCache<'_, S>,
        goal: &Goal,
        base: &[f64],
        calls: u64,
    ) -> Result<(), Interrupted> {
        let end = cache.counters().calls.saturating_add(calls);
        let queries: Vec<QueryId> =
            (0..base.len()).filter(|&query| !self.mine[query].is_empty()).collect();
        let widest = queries.iter().map(|&query| self.widest(cache, query)).max().unwrap_or(0);
        let first = self.mine.clone();
        // What the turns so far have left over, of those that gained.
        let mut left_over: BTreeMap<(Narrow, QueryId), IndexSet> = BTreeMap::new();
        // The narrowest are the cheapest to plan with, and what a small budget has room for.
        let mut lines: Vec<Narrow> = (1..=widest).map(Narrow::To).collect();
        lines.insert(lines.len().min(1), Narrow::Any);
        for turn in 0..KNOCK_OUTS {
            for &line in &lines {
                for &query in &queries {
                    if cache.counters().calls >= end {
                        return Ok(());
                    }
                    let offered = match line {
                        _ if turn > 0 => left_over.remove(&(line, query)),
                        Narrow::Any => Some(self.own[query].difference(&first[query])),
                        Narrow::To(width) => (width <= self.widest(cache, query))
                            .then(|| self.narrower(cache, query, width)),
                    };
                    let Some(offered) = offered else { continue };
                    if let Some(used) = self.round(cache, goal, base, query, &offered)? {
                        left_over.insert((line, query), offered.difference(&used));
                    }
                }
            }
        }
        Ok(())
    }

    /// Plans a query with `offered` and notes what it used; `None` when that gains nothing.
    fn round<S: Planner + Sizer>(
        &mut self,
        cache: &mut CostCache<'_, S>,
        goal: &Goal,
        base: &[f64],
        query: QueryId,
        offered: &IndexSet,
    ) -> Result<Option<IndexSet>, Interrupted> {
        if cache.stopped().is_some() {
            return Ok(None);
        }
        let mut plan = cache.answer(query, &offered.union(&self.kept))?;
        let kept = plan.used.intersection(&self.kept);
        plan.used = plan.used.difference(&kept);
        for id in kept.iter() {
            let def = cache.pool().def(id);
            self.leads[query].extend(def.keys.first().map(|key| (def.table, key.column)));
        }
        if plan.used.is_empty() || plan.cost >= GAINS * base[query] {
            return Ok(None);
        }
        let gain = goal.share(query, base[query]) - goal.share(query, plan.cost);
        self.mine[query] = self.mine[query].union(&plan.used);
        for id in plan.used.iter() {
            *self.benefit.entry(id).or_default() += gain;
            let def = cache.pool().def(id);
            self.leads[query].extend(def.keys.first().map(|key| (def.table, key.column)));
        }
        Ok(Some(plan.used))
    }

    fn widest<S: Planner + Sizer>(&self, cache: &CostCache<'_, S>, query: QueryId) -> usize {
        self.own[query].iter().map(|id| cache.pool().def(id).keys.len()).max().unwrap_or(0)
    }

    /// The query's own candidates of at most `width` keys and nothing included.
    fn narrower<S: Planner + Sizer>(
        &self,
        cache: &CostCache<'_, S>,
        query: QueryId,
        width: usize,
    ) -> IndexSet {
        let narrow = |def: &IndexDef| def.keys.len() <= width && def.include.is_empty();
        self.own[query].iter().filter(|&id| narrow(cache.pool().def(id))).collect()
    }

    /// What the planner picked, and gained by.
    pub(crate) fn picks(&self) -> impl Iterator<Item = CandidateId> + '_ {
        self.benefit.keys().copied()
    }

    /// Numbers the picked candidates, their prefixes, and the merges of the most beneficial ones. What
    /// exists already is none of them.
    pub(crate) fn breed<S: Planner + Sizer>(
        &self,
        cache: &mut CostCache<'_, S>,
        max_columns: usize,
    ) -> IndexSet {
        let mut members: IndexSet = self.benefit.keys().copied().collect();
        let mut by_table: BTreeMap<TableId, Vec<(f64, IndexDef)>> = BTreeMap::new();
        for (&id, &benefit) in &self.benefit {
            let def = cache.pool().def(id).clone();
            for prefix in prefixes(&def) {
                number(cache, &mut members, &prefix);
            }
            by_table.entry(def.table).or_default().push((benefit, def));
        }
        for id in self.kept.iter() {
            // Two that exist may be better as one, even where no query gains.
            let def = cache.pool().def(id).clone();
            by_table.entry(def.table).or_default().push((0.0, def));
        }
        for mut defs in by_table.into_values() {
            defs.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
            defs.truncate(MERGED_PER_TABLE);
            for (_, a) in &defs {
                for (_, b) in &defs {
                    if let Some(merged) = merge(a, b, max_columns) {
                        number(cache, &mut members, &merged);
                    }
                }
            }
        }
        members
    }

    /// Tells cache and search which members matter to which query: those whose leading column some
    /// plan of the query used.
    pub(crate) fn connect<S: Planner + Sizer>(
        &self,
        search: &mut Search<'_, '_, S>,
        members: &IndexSet,
        candidates: &[Vec<IndexDef>],
    ) -> Result<(), Interrupted> {
        search.members = members.iter().collect();
        search.members.sort_by_key(|&id| search.order[id]);
        let mut by_lead: BTreeMap<(TableId, i16), Vec<CandidateId>> = BTreeMap::new();
        for &id in &search.members {
            let def = search.cache.pool().def(id);
            search.by_table.entry(def.table).or_default().push(id);
            by_lead.entry((def.table, def.keys[0].column)).or_default().push(id);
        }
        for (query, leads) in self.leads.iter().enumerate() {
            let relevant: IndexSet =
                leads.iter().filter_map(|lead| by_lead.get(lead)).flatten().copied().collect();
            let interest: Interest = candidates[query]
                .iter()
                .flat_map(|def| def.columns().map(|column| (def.table, column)))
                .collect();
            let aliases: Vec<_> = relevant
                .iter()
                .filter_map(|id| {
                    let essence = essence(search.cache.pool().def(id), &interest)?;
                    Some((id, search.cache.pool().find(&essence)?))
                })
                .filter(|&(id, alias)| id != alias && relevant.contains(alias))
                .collect();
            for id in relevant.iter() {
                search.affected[id].push(query);
            }
            let kept =
                self.kept.iter().filter(|&id| search.affected[id].binary_search(&query).is_ok());
            let relevant = relevant.union(&kept.collect());
            search.cache.set_relevant(query, &relevant, &aliases);
        }
        Ok(())
    }

    /// Plans each query with each of the candidates it used alone, and with each of their prefixes:
    /// from then on the cost of any configuration can be estimated from plans that are known. Ends
    /// after about so many planner calls; what gains most over all queries has had its turn then.
    pub(crate) fn seed<S: Planner + Sizer>(
        &self,
        search: &mut Search<'_, '_, S>,
        calls: u64,
    ) -> Result<(), Interrupted> {
        let end = search.cache.counters().calls.saturating_add(calls);
        let alone: Vec<Vec<CandidateId>> =
            self.mine.iter().map(|mine| self.by_benefit(search, mine)).collect();
        let longest = alone.iter().map(Vec::len).max().unwrap_or(0);
        for turn in 0..longest {
            for (query, ids) in alone.iter().enumerate() {
                if search.cache.counters().calls >= end {
                    break;
                }
                if let Some(&id) = ids.get(turn) {
                    search.cache.learn(query, &self.kept.with(id))?;
                }
            }
        }
        search.cache.estimate(true);
        Ok(())
    }

    /// The indexes and their prefixes, those first that gain most over all queries.
    fn by_benefit<S: Planner + Sizer>(
        &self,
        search: &Search<'_, '_, S>,
        mine: &IndexSet,
    ) -> Vec<CandidateId> {
        let pool = search.cache.pool();
        let mut benefit: BTreeMap<CandidateId, f64> = BTreeMap::new();
        for id in mine.iter() {
            let own = self.benefit.get(&id).copied().unwrap_or(0.0);
            let shorter = prefixes(pool.def(id)).filter_map(|prefix| pool.find(&prefix));
            for one in shorter.chain([id]) {
                let picked = self.benefit.get(&one).copied().unwrap_or(0.0);
                let best = benefit.entry(one).or_default();
                *best = best.max(own).max(picked);
            }
        }
        let mut ids: Vec<(CandidateId, f64)> = benefit.into_iter().collect();
        ids.sort_by(|a, b| b.1.total_cmp(&a.1).then(search.order[a.0].cmp(&search.order[b.0])));
        ids.into_iter().map(|(id, _)| id).collect()
    }
}

impl Picked {
    /// Of the candidates of each table, searches only the `most` that gain most by themselves, as far
    /// as that was planned, and those of the first picks. A longer index gains no less than one it
    /// covers.
    pub(crate) fn prune<S: Planner + Sizer>(&self, search: &mut Search<'_, '_, S>, most: usize) {
        let crowded: Vec<(TableId, Vec<CandidateId>)> = search
            .by_table
            .iter()
            .filter(|(_, ids)| ids.len() > most)
            .map(|(&table, ids)| (table, ids.clone()))
            .collect();
        let mut out = IndexSet::new();
        for (table, ids) in crowded {
            let alone: Vec<f64> =
                ids.iter().map(|&id| own_gain(search, &self.kept.with(id), id)).collect();
            let pool = search.cache.pool();
            let gain = |id: CandidateId| {
                let covered = ids.iter().zip(&alone);
                let covered = covered.filter(|&(&other, _)| pool.def(id).covers(pool.def(other)));
                covered.map(|(_, gain)| *gain).fold(0.0, f64::max)
            };
            let mut ranked: Vec<(f64, CandidateId)> =
                ids.iter().map(|&id| (gain(id), id)).collect();
            ranked.sort_by(|a, b| {
                b.0.total_cmp(&a.0).then(search.order[a.1].cmp(&search.order[b.1]))
            });
            let weak: IndexSet = ranked
                .into_iter()
                .skip(most)
                .map(|(_, id)| id)
                .filter(|&id| !self.first.contains(id))
                .collect();
            if let Some(ids) = search.by_table.get_mut(&table) {
                ids.retain(|&id| !weak.contains(id));
            }
            out = out.union(&weak);
        }
        search.members.retain(|&id| !out.contains(id));
    }
}

/// What an index takes off the objective's sum in `set`, which is itself and what exists, as far as
/// that is known without planning.
fn own_gain<S: Planner + Sizer>(
    search: &mut Search<'_, '_, S>,
    set: &IndexSet,
    id: CandidateId,
) -> f64 {
    let mut gain = 0.0;
    for query in search.affected[id].clone() {
        let (base, bounds) = (search.base[query], search.cache.bounds(query, set));
        gain += search.goal.share(query, base) - search.goal.share(query, bounds.upper.min(base));
    }
    gain
}

/// Makes it a member, unless it exists already.
fn number<S: Planner + Sizer>(
    cache: &mut CostCache<'_, S>,
    members: &mut IndexSet,
    def: &IndexDef,
) {
    if !cache.pool().stands(def) {
        members.insert(cache.intern(def));
    }
}

/// The shorter indexes that serve the leading keys of `def`, shortest first.
pub(crate) fn prefixes(def: &IndexDef) -> impl Iterator<Item = IndexDef> + '_ {
    let whole = usize::from(!def.include.is_empty());
    let longest = if def.method == Method::Btree { def.keys.len() + whole } else { 1 };
    (1..longest).map(|length| def.with_columns(def.keys[..length].to_vec(), vec![]))
}

/// The index that does what `first` does and has the rest of `second`'s columns behind; `None` if
/// that is no new index or has more than `max_columns` keys.
pub(crate) fn merge(first: &IndexDef, second: &IndexDef, max_columns: usize) -> Option<IndexDef> {
    if !first.comparable(second) {
        return None;
    }
    let mut keys = first.keys.clone();
    for key in &second.keys {
        if keys.iter().all(|have| have.column != key.column) {
            keys.push(*key);
        }
    }
    let stored = |column: &i16| keys.iter().any(|key| key.column == *column);
    let include: BTreeSet<i16> =
        first.include.iter().chain(&second.include).filter(|c| !stored(c)).copied().collect();
    if keys.len() > max_columns || include.len() > MAX_INCLUDE {
        return None;
    }
    let merged = first.with_columns(keys, include.into_iter().collect());
    (merged != *first && merged != *second).then_some(merged)
}

/// The part of `def` that a query can make use of which is interested in these columns only;
/// `None` if it is not simply a shorter index.
fn essence(def: &IndexDef, interest: &Interest) -> Option<IndexDef> {
    let useful = |column: i16| interest.contains(&(def.table, column));
    let length = def.keys.iter().take_while(|key| useful(key.column)).count();
    let ordered = def.method == Method::Btree;
    if length == 0 || !ordered || def.keys[length..].iter().any(|key| useful(key.column)) {
        return None;
    }
    let include = def.include.iter().copied().filter(|&column| useful(column)).collect();
    Some(def.with_columns(def.keys[..length].to_vec(), include))
}
