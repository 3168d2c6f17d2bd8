//! A planner without a server: a cost model in the manner of PostgreSQL's, small enough to reason
//! about, for scans, joins and orders over made-up tables.

use std::collections::BTreeSet;

use crate::index_set::IndexSet;
use crate::model::{IndexDef, IndexKey, QueryId, TableId};
use crate::pool::{IndexSize, Pool, Sizer};
use crate::whatif::{Plan, Planner, Stop};

/// A table: rows and, per column from 1, the number of distinct values and the width in bytes.
#[derive(Debug, Clone)]
pub(crate) struct FakeTable {
    pub(crate) rows: f64,
    pub(crate) columns: Vec<(f64, f64)>,
}

impl FakeTable {
    fn pages(&self) -> f64 {
        let width: f64 = self.columns.iter().map(|column| column.1).sum();
        (self.rows * (width + 28.0) / 8192.0).ceil().max(1.0)
    }
}

/// One occurrence of a table in a query, with the selectivity of each restriction.
#[derive(Debug, Clone, Default)]
pub(crate) struct FakeScan {
    pub(crate) table: TableId,
    pub(crate) equal: Vec<(i16, f64)>,
    pub(crate) range: Vec<(i16, f64)>,
    pub(crate) read: Vec<i16>,
}

/// A query: scans joined by equality, and an order of the only scan.
#[derive(Debug, Clone, Default)]
pub(crate) struct FakeQuery {
    pub(crate) scans: Vec<FakeScan>,
    /// (scan, column, scan, column)
    pub(crate) joins: Vec<(usize, i16, usize, i16)>,
    pub(crate) order: Vec<i16>,
}

/// The planner, with a record of what it was asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct FakePlanner {
    pub(crate) tables: Vec<FakeTable>,
    pub(crate) queries: Vec<FakeQuery>,
    /// The largest share by which a cost is off, in a way that depends on the offered set.
    pub(crate) noise: f64,
    /// After that many calls every further one is answered with `stop`.
    pub(crate) stop_after: Option<(u64, Stop)>,
    pub(crate) calls: u64,
    pub(crate) sized: u64,
}

#[derive(Debug, Clone)]
struct Path {
    cost: f64,
    used: IndexSet,
}

impl FakePlanner {
    /// Cost of a scan with some join columns bound, through the best of the offered indexes.
    fn scan(&self, pool: &Pool, scan: &FakeScan, bound: &[i16], offered: &IndexSet) -> Path {
        let table = &self.tables[scan.table];
        let seq = table.pages() + table.rows * 0.01;
        let mut best = Path { cost: seq, used: IndexSet::new() };
        for id in offered.iter().filter(|&id| pool.def(id).table == scan.table) {
            let cost = self.index_scan(pool, scan, bound, id);
            if cost < best.cost {
                best = Path { cost, used: IndexSet::from_iter([id]) };
            }
        }
        best
    }

    fn index_scan(&self, pool: &Pool, scan: &FakeScan, bound: &[i16], id: usize) -> f64 {
        let (table, def) = (&self.tables[scan.table], pool.def(id));
        let find = |list: &[(i16, f64)], column| {
            list.iter().find(|entry| entry.0 == column).map(|entry| entry.1)
        };
        let (mut descend, mut filter, mut open) = (1.0, 1.0, true);
        for key in &def.keys {
            let joined = bound.contains(&key.column).then(|| 1.0 / self.distinct(scan, key.column));
            let equal = find(&scan.equal, key.column).or(joined);
            let range = find(&scan.range, key.column);
            let selectivity = equal.or(range).unwrap_or(1.0);
            if open {
                descend *= selectivity;
            }
            filter *= selectivity;
            open &= equal.is_some();
        }
        let covers = scan.read.iter().all(|&column| def.columns().any(|have| have == column));
        let heap = table.rows * filter;
        let fetch = if covers { heap * 0.02 } else { (heap * 4.0).min(table.pages() * 4.0 + heap) };
        0.4 + pool.size(id).pages * descend + table.rows * descend * 0.005 + heap * 0.01 + fetch
    }

    fn distinct(&self, scan: &FakeScan, column: i16) -> f64 {
        self.tables[scan.table].columns[column as usize - 1].0.max(1.0)
    }

    /// Rows of a scan after its own restrictions.
    fn rows(&self, scan: &FakeScan) -> f64 {
        let selectivity: f64 = scan.equal.iter().chain(&scan.range).map(|entry| entry.1).product();
        (self.tables[scan.table].rows * selectivity).max(1.0)
    }

    fn single(&self, pool: &Pool, query: &FakeQuery, offered: &IndexSet) -> Path {
        let scan = &query.scans[0];
        let rows = self.rows(scan);
        let sort = if query.order.is_empty() { 0.0 } else { rows * rows.log2().max(1.0) * 0.01 };
        let mut best = self.scan(pool, scan, &[], offered);
        best.cost += sort;
        for id in offered.iter().filter(|&id| pool.def(id).table == scan.table && sort > 0.0) {
            let keys = pool.def(id).keys.iter().map(|key| key.column);
            let ordered: Vec<i16> =
                keys.skip_while(|column| scan.equal.iter().any(|e| e.0 == *column)).collect();
            let cost = self.index_scan(pool, scan, &[], id);
            if ordered.starts_with(&query.order) && cost < best.cost {
                best = Path { cost, used: IndexSet::from_iter([id]) };
            }
        }
        best
    }

    /// The best left-deep join in any order, by dynamic programming over subsets of the scans.
    fn join(&self, pool: &Pool, query: &FakeQuery, offered: &IndexSet) -> Path {
        let count = query.scans.len();
        let alone: Vec<Path> =
            query.scans.iter().map(|scan| self.scan(pool, scan, &[], offered)).collect();
        let mut best: Vec<Option<Path>> = vec![None; 1 << count];
        for subset in 1_usize..1 << count {
            for last in (0..count).filter(|last| subset & (1 << last) != 0) {
                let rest = subset & !(1 << last);
                let path = match &best[rest] {
                    Some(outer) => self.extend(pool, query, (outer, rest), (last, &alone), offered),
                    None => alone[last].clone(),
                };
                if best[subset].as_ref().is_none_or(|best| path.cost < best.cost) {
                    best[subset] = Some(path);
                }
            }
        }
        best.pop().flatten().unwrap_or(Path { cost: 0.0, used: IndexSet::new() })
    }

    /// Joins one more scan, by hash or by nested loop.
    fn extend(
        &self,
        pool: &Pool,
        query: &FakeQuery,
        (outer, joined): (&Path, usize),
        (last, alone): (usize, &[Path]),
        offered: &IndexSet,
    ) -> Path {
        let scan = &query.scans[last];
        let rows = self.joined_rows(query, joined);
        let within = |scan: usize| joined & (1 << scan) != 0;
        let bound: Vec<i16> = query
            .joins
            .iter()
            .filter_map(|&(a, x, b, y)| match () {
                () if a == last && within(b) => Some(x),
                () if b == last && within(a) => Some(y),
                () => None,
            })
            .collect();
        let hash = alone[last].cost + rows * 0.02 + self.rows(scan) * 0.03;
        let mut next = Path { cost: outer.cost + hash, used: outer.used.union(&alone[last].used) };
        if !bound.is_empty() {
            let inner = self.scan(pool, scan, &bound, offered);
            if rows * inner.cost < hash {
                next.cost = outer.cost + rows * inner.cost;
                next.used = outer.used.union(&inner.used);
            }
        }
        next
    }

    fn joined_rows(&self, query: &FakeQuery, joined: usize) -> f64 {
        let within = |scan: usize| joined & (1 << scan) != 0;
        let mut rows: f64 = (0..query.scans.len())
            .filter(|&s| within(s))
            .map(|s| self.rows(&query.scans[s]))
            .product();
        for &(a, x, b, y) in &query.joins {
            if within(a) && within(b) {
                let (left, right) = (&query.scans[a], &query.scans[b]);
                rows /= self.distinct(left, x).max(self.distinct(right, y));
            }
        }
        rows.max(1.0)
    }

    /// Sum of the sizes of the tables in bytes.
    pub(crate) fn table_bytes(&self) -> f64 {
        self.tables.iter().map(|table| table.pages() * 8192.0).sum()
    }

    /// Candidates for each query: single columns, pairs, and covering ones.
    pub(crate) fn candidates(&self) -> Vec<Vec<IndexDef>> {
        self.queries.iter().map(candidates_of).collect()
    }
}

fn candidates_of(query: &FakeQuery) -> Vec<IndexDef> {
    let mut defs = BTreeSet::new();
    for (at, scan) in query.scans.iter().enumerate() {
        let mut keys: Vec<i16> = scan.equal.iter().chain(&scan.range).map(|e| e.0).collect();
        for &(a, x, b, y) in &query.joins {
            keys.extend((a == at).then_some(x).into_iter().chain((b == at).then_some(y)));
        }
        keys.extend(&query.order);
        let mut push = |columns: &[i16], include: &[i16]| {
            let distinct: BTreeSet<_> = columns.iter().collect();
            if distinct.len() == columns.len() {
                let keys = columns.iter().copied().map(IndexKey::asc).collect();
                let include = include.iter().copied().filter(|c| !columns.contains(c)).collect();
                defs.insert(IndexDef { include, ..IndexDef::btree(scan.table, keys) });
            }
        };
        for &a in &keys {
            push(&[a], &[]);
            push(&[a], &scan.read);
            for &b in &keys {
                push(&[a, b], &[]);
                push(&[a, b], &scan.read);
                for &c in &keys {
                    push(&[a, b, c], &[]);
                }
            }
        }
    }
    defs.into_iter().collect()
}

impl Planner for FakePlanner {
    fn plan(&mut self, pool: &Pool, query: QueryId, offered: &IndexSet) -> Result<Plan, Stop> {
        if let Some((after, stop)) = self.stop_after
            && self.calls >= after
        {
            return Err(stop);
        }
        self.calls += 1;
        let shape = &self.queries[query];
        let path = match shape.scans.len() {
            1 => self.single(pool, shape, offered),
            _ => self.join(pool, shape, offered),
        };
        let mut hash = query as u64 ^ 0x9e37_79b9_7f4a_7c15;
        for id in offered.iter() {
            hash = (hash ^ id as u64).wrapping_mul(0x0100_0000_01b3).rotate_left(17);
        }
        let off = self.noise * (hash % 1000) as f64 / 1000.0;
        Ok(Plan { cost: path.cost * (1.0 + off), used: path.used })
    }
}

impl Sizer for FakePlanner {
    fn size(&mut self, def: &IndexDef) -> IndexSize {
        self.sized += 1;
        let table = &self.tables[def.table];
        let width: f64 = def.columns().map(|column| table.columns[column as usize - 1].1).sum();
        let pages = (table.rows * (width + 12.0) / 0.9 / 8192.0).ceil() + 1.0;
        IndexSize { pages, tree_height: 1, bytes: pages * 8192.0 }
    }
}

/// Numbers that look random and are the same every time.
#[derive(Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `sides`.
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % sides.max(1) as u64) as usize
    }
}

/// A star of tables with joins over their first columns, and queries of up to `joined` of them.
pub(crate) fn made_up(seed: u64, tables: usize, queries: usize, joined: usize) -> FakePlanner {
    let mut dice = Dice(seed);
    let mut planner = FakePlanner::default();
    for _ in 0..tables {
        let rows = 1000.0 * 10_f64.powi(dice.roll(4) as i32) * (1 + dice.roll(5)) as f64;
        let columns = (0..8)
            .map(|column| {
                let distinct = if column == 0 { rows } else { 10_f64.powi(dice.roll(6) as i32) };
                (distinct.clamp(2.0, rows), [4.0, 8.0, 16.0, 30.0][dice.roll(4)])
            })
            .collect();
        planner.tables.push(FakeTable { rows, columns });
    }
    for _ in 0..queries {
        let mut query = FakeQuery::default();
        for at in 0..1 + dice.roll(joined) {
            let table = dice.roll(tables);
            let mut scan = FakeScan { table, ..FakeScan::default() };
            for _ in 0..1 + dice.roll(2) {
                let column = 2 + dice.roll(7) as i16;
                let distinct = planner.tables[table].columns[column as usize - 1].0;
                if scan.equal.iter().chain(&scan.range).all(|e| e.0 != column) {
                    match dice.roll(3) {
                        0 => scan.range.push((column, [0.3, 0.1, 0.01][dice.roll(3)])),
                        _ => scan.equal.push((column, 1.0 / distinct)),
                    }
                }
            }
            let mut read: BTreeSet<i16> =
                scan.equal.iter().chain(&scan.range).map(|e| e.0).collect();
            if at > 0 {
                let (other, mine) = (1 + dice.roll(2) as i16, 1 + dice.roll(2) as i16);
                query.joins.push((at - 1, other, at, mine));
                read.extend([mine]);
            }
            read.extend((0..1 + dice.roll(3)).map(|_| 1 + dice.roll(8) as i16));
            scan.read = read.into_iter().collect();
            query.scans.push(scan);
        }
        for &(a, x, _, _) in &query.joins {
            query.scans[a].read.push(x);
        }
        if query.scans.len() == 1 && dice.roll(3) == 0 {
            query.order = vec![1 + dice.roll(8) as i16];
        }
        planner.queries.push(query);
    }
    planner
}

/// A planner whose answers are a function: (query, columns of the offered single-column indexes)
/// to (cost, columns used).
#[derive(Debug)]
pub(crate) struct Scripted {
    pub(crate) script: fn(QueryId, &[i16]) -> (f64, Vec<i16>),
    /// Bytes of the index on each column, from 1.
    pub(crate) bytes: Vec<f64>,
    pub(crate) calls: u64,
}

impl Planner for Scripted {
    fn plan(&mut self, pool: &Pool, query: QueryId, offered: &IndexSet) -> Result<Plan, Stop> {
        self.calls += 1;
        let single = |id: usize| pool.def(id).keys.len() == 1;
        let columns: Vec<i16> =
            offered.iter().filter(|&id| single(id)).map(|id| pool.def(id).keys[0].column).collect();
        let (cost, used) = (self.script)(query, &columns);
        let is_used = |id: &usize| single(*id) && used.contains(&pool.def(*id).keys[0].column);
        Ok(Plan { cost, used: offered.iter().filter(is_used).collect() })
    }
}

impl Sizer for Scripted {
    fn size(&mut self, def: &IndexDef) -> IndexSize {
        let bytes = def.columns().map(|column| self.bytes[column as usize - 1]).sum();
        IndexSize { pages: bytes / 8192.0, tree_height: 1, bytes }
    }
}
