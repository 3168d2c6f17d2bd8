//! Key sequences from the roles of columns.

use std::collections::BTreeSet;

use super::{INDEX_MAX_KEYS, KEY_WIDTH_MAX, Limits, TUPLE_BYTES_MAX, keyable, unique, values};
use crate::model::{Column, IndexDef, IndexKey, Method, Order, Predicate, Table, TableUse};

/// Most bytes of INCLUDE columns together.
const INCLUDE_BYTES_MAX: f64 = 40.0;
/// Equality and join columns whose ordered pairs are all tried.
const PAIRED: usize = 10;
/// Equality and join columns whose orders of three are all tried.
const PERMUTED: usize = 5;
/// Columns in one role, and second columns of a pair, that are looked at: a statement that compares
/// or reads hundreds must not make their every combination.
const WIDE: usize = 40;
/// Conditions of an occurrence that partial indexes are made for, and the candidates that each
/// restricts.
const CONDITIONS: usize = 3;
const RESTRICTED: usize = 60;
/// Columns of GROUP BY or DISTINCT whose orders are all tried.
const FREE_ORDER: usize = 3;

/// Generates the candidates of one occurrence of a table.
pub(super) struct Generator<'a> {
    table: &'a Table,
    table_use: &'a TableUse,
    limits: &'a Limits,
    max_columns: usize,
    /// Equality and join columns: join first, then the one with the most values.
    lookups: Vec<i16>,
    ranges: Vec<i16>,
    /// Requested orders, each as the key sequences that give it.
    orders: Vec<Vec<IndexKey>>,
    /// Columns that the query reads.
    read: Vec<i16>,
    seen: BTreeSet<IndexDef>,
    found: Vec<IndexDef>,
}

impl<'a> Generator<'a> {
    pub(super) fn new(table: &'a Table, table_use: &'a TableUse, limits: &'a Limits) -> Self {
        let max_columns = limits.max_columns.clamp(1, INDEX_MAX_KEYS);
        let usable = |columns: &[i16]| by_values(table, columns);
        let mut lookups =
            unique(usable(&table_use.join).into_iter().chain(usable(&table_use.equal)));
        lookups.truncate(WIDE);
        // A column with another b-tree operator class is looked up like a range.
        let mut ranges = usable(&[&table_use.range[..], &table_use.searched[..]].concat());
        ranges.truncate(WIDE);
        let mut orders: Vec<Vec<IndexKey>> = table_use
            .orders
            .iter()
            .flat_map(|order| order_sequences(table, order, &table_use.equal))
            .collect();
        orders.truncate(WIDE);
        let mut read = unique(table_use.read.iter().copied());
        read.sort_unstable();
        Self {
            table,
            table_use,
            limits,
            max_columns,
            lookups,
            ranges,
            orders,
            read,
            seen: BTreeSet::new(),
            found: Vec::new(),
        }
    }

    /// All candidates, each once; the likely ones of equal worth come first.
    pub(super) fn run(mut self) -> Vec<IndexDef> {
        for prefix in self.prefixes() {
            let prefix: Vec<IndexKey> = prefix.into_iter().map(IndexKey::asc).collect();
            self.emit(prefix.clone());
            self.extend_by_range(&prefix);
            self.extend_by_order(&prefix);
        }
        self.pairs();
        self.covering();
        self.whole_scans();
        self.partial();
        self.other_methods();
        self.found
    }

    /// Sequences of equality and join columns, the empty one included.
    fn prefixes(&self) -> Vec<Vec<i16>> {
        let mut sequences: Vec<Vec<i16>> = vec![vec![]];
        let mut last: Vec<Vec<i16>> = vec![vec![]];
        for length in 1..=self.max_columns.min(self.lookups.len()) {
            let breadth = match length {
                1 => self.lookups.len(),
                2 => PAIRED,
                3 => PERMUTED,
                _ => 0,
            };
            if breadth == 0 {
                // Beyond three columns permutations explode: the rule's order alone.
                sequences.push(self.lookups.iter().copied().take(length).collect());
                continue;
            }
            let columns = self.lookups.iter().take(breadth);
            let longer = |sequence: &Vec<i16>| {
                let free = columns.clone().filter(|column| !sequence.contains(column));
                free.map(|&column| [sequence.as_slice(), &[column]].concat()).collect::<Vec<_>>()
            };
            let known: Vec<Vec<i16>> = last.iter().flat_map(longer).collect();
            sequences.extend(known.iter().cloned());
            last = known;
        }
        sequences
    }

    fn extend_by_range(&mut self, prefix: &[IndexKey]) {
        for column in self.ranges.clone() {
            self.emit([prefix, &[IndexKey::asc(column)]].concat());
        }
    }

    /// The prefix and then each order, also cut short: an incremental sort needs no more.
    fn extend_by_order(&mut self, prefix: &[IndexKey]) {
        for order in self.orders.clone() {
            let fresh = order.iter().filter(|key| !has(prefix, key.column)).copied();
            let mut keys = prefix.to_vec();
            for key in fresh.take(self.max_columns.saturating_sub(prefix.len())) {
                keys.push(key);
                self.emit(keys.clone());
            }
        }
    }

    /// A column that can lead, then any column that is read.
    fn pairs(&mut self) {
        let leads = self.leads();
        let mut seconds = by_values(self.table, &self.read);
        seconds.truncate(WIDE);
        for &lead in &leads {
            for &second in &seconds {
                self.emit(vec![lead, IndexKey::asc(second)]);
            }
        }
    }

    /// Columns that a scan could start with: lookups, ranges, the first of each order.
    fn leads(&self) -> Vec<IndexKey> {
        let plain = self.lookups.iter().chain(&self.ranges).map(|&column| IndexKey::asc(column));
        let mut seen = BTreeSet::new();
        let ordered = self.orders.iter().filter_map(|order| order.first().copied());
        plain.chain(ordered).filter(|&key| seen.insert(key)).collect()
    }

    /// For each candidate so far, the ones that also hold everything else the query reads: as
    /// further keys where they fit, and as INCLUDE columns.
    fn covering(&mut self) {
        for def in self.found.clone() {
            self.cover(&def.keys);
        }
    }

    fn cover(&mut self, keys: &[IndexKey]) {
        if self.table_use.whole_row {
            return;
        }
        let rest: Vec<i16> =
            self.read.iter().copied().filter(|&column| !has(keys, column)).collect();
        if rest.is_empty() {
            return;
        }
        if keys.len() + rest.len() <= self.max_columns {
            let appended = rest.iter().copied().map(IndexKey::asc);
            self.emit(keys.iter().copied().chain(appended).collect());
        }
        if rest.len() > self.limits.include_columns {
            return;
        }
        let widths: Option<f64> =
            rest.iter().map(|&number| self.table.column(number).map(|c| c.avg_width)).sum();
        if widths.is_some_and(|bytes| bytes <= INCLUDE_BYTES_MAX) {
            let plain = IndexDef::btree(self.table_use.table, keys.to_vec());
            self.push(IndexDef { include: rest, ..plain });
        }
    }

    /// Narrow indexes for queries that must read all rows: every read column, and for a bare
    /// `count(*)` the column that gives the smallest index.
    fn whole_scans(&mut self) {
        if self.table_use.whole_row {
            return;
        }
        let several = |column: &&Column| values(column) > 1.0;
        let pool = if self.read.is_empty() {
            let attributes = self.table.columns.iter().filter(|c| c.element.is_none());
            attributes.filter(several).map(|column| column.number).collect()
        } else {
            self.read.clone()
        };
        let mut few_first = by_values(self.table, &pool);
        few_first.reverse();
        let Some(&lead) = few_first.first() else { return };
        if self.read.is_empty() {
            self.emit(vec![IndexKey::asc(lead)]);
        } else if few_first.len() == self.read.len() {
            self.emit(few_first.into_iter().map(IndexKey::asc).collect());
        }
        if self.leads().is_empty() {
            self.cover(&[IndexKey::asc(lead)]);
        }
    }

    /// For each condition, the candidates so far restricted to it; a column that it fixes to one value
    /// is no key then, unless it is the only one.
    fn partial(&mut self) {
        let conditions: Vec<(u16, &Predicate)> = self
            .table_use
            .predicates
            .iter()
            .filter_map(|&at| Some((at, self.table.predicates.get(usize::from(at))?)))
            .collect();
        let whole = self.found.clone();
        for (at, condition) in conditions.into_iter().take(CONDITIONS) {
            for def in whole.iter().take(RESTRICTED) {
                let fixed = |column: i16| condition.fixes == Some(column);
                let mut keys = def.keys.clone();
                keys.retain(|key| !fixed(key.column));
                let mut include = def.include.clone();
                include.retain(|&column| !fixed(column));
                if keys.is_empty() {
                    keys.clone_from(&def.keys);
                }
                self.push(IndexDef { predicate: Some(at), ..def.with_columns(keys, include) });
            }
        }
    }

    /// Elements of other access methods, each in an index of its own and together with others of
    /// its method, also restricted.
    fn other_methods(&mut self) {
        let searched = self.table_use.searched.clone();
        for (at, &number) in searched.iter().enumerate() {
            let Some(method) = self.method(number) else { continue };
            if !self.is_scalar(number) {
                self.emit_other(method, vec![number]);
            }
            if !matches!(method, Method::Gin | Method::Gist) {
                continue;
            }
            for &other in searched.iter().skip(at + 1) {
                if self.method(other) != Some(method) {
                    continue;
                }
                // A scalar tells most in front, where a GiST index looks first.
                let mut pair = vec![number, other];
                pair.sort_by_key(|&number| !self.is_scalar(number));
                if !pair.iter().all(|&number| self.is_scalar(number)) && self.differ(&pair) {
                    self.emit_other(method, pair);
                }
            }
        }
    }

    fn emit_other(&mut self, method: Method, numbers: Vec<i16>) {
        let keys = numbers.into_iter().map(IndexKey::asc).collect();
        let whole = IndexDef { method, ..IndexDef::btree(self.table_use.table, keys) };
        for &condition in self.table_use.predicates.iter().take(CONDITIONS) {
            self.push(IndexDef { predicate: Some(condition), ..whole.clone() });
        }
        self.push(whole);
    }

    /// The method of an element, unless it is the b-tree.
    fn method(&self, number: i16) -> Option<Method> {
        let element = self.table.column(number)?.element.as_ref()?;
        (element.method != Method::Btree).then_some(element.method)
    }

    /// Whether a b-tree answers to the same comparison, so that an inverted index or search tree on
    /// the element alone is none to think of.
    fn is_scalar(&self, number: i16) -> bool {
        let Some(element) = self.table.column(number).and_then(|c| c.element.as_ref()) else {
            return false;
        };
        let roles = [&self.table_use.equal, &self.table_use.join, &self.table_use.range];
        matches!(element.method, Method::Gin | Method::Gist)
            && element.opclass.is_none()
            && element.column.is_some_and(|column| roles.iter().any(|r| r.contains(&column)))
    }

    /// Whether the elements are of different columns or expressions.
    fn differ(&self, numbers: &[i16]) -> bool {
        let text = |&number: &i16| {
            self.table.column(number).and_then(|c| c.element.as_ref()).map(|e| e.sql.as_str())
        };
        let texts: BTreeSet<Option<&str>> = numbers.iter().map(text).collect();
        texts.len() == numbers.len()
    }

    fn emit(&mut self, keys: Vec<IndexKey>) {
        self.push(IndexDef::btree(self.table_use.table, keys));
    }

    /// Takes a candidate that can be built and was not there before.
    fn push(&mut self, def: IndexDef) {
        if self.valid(&def) && self.seen.insert(def.clone()) {
            self.found.push(def);
        }
    }

    fn valid(&self, def: &IndexDef) -> bool {
        if !self.limits.kinds.allow(self.table, def) {
            return false;
        }
        if def.method != Method::Btree {
            return def.keys.len() <= self.max_columns;
        }
        let count = def.keys.len();
        let lead = def.keys.first().and_then(|key| self.table.column(key.column));
        if count > self.max_columns
            || count + def.include.len() > INDEX_MAX_KEYS
            || (def.predicate.is_none() && lead.is_none_or(|column| values(column) <= 1.0))
            || unique(def.columns()).len() != count + def.include.len()
        {
            return false;
        }
        let keys = def.keys.iter().map(|key| self.table.column(key.column));
        let keys: Option<Vec<&Column>> = keys.collect();
        let width: f64 = def
            .columns()
            .map(|number| self.table.column(number).map_or(KEY_WIDTH_MAX, |c| c.avg_width + 8.0))
            .sum();
        keys.is_some_and(|keys| keys.into_iter().all(keyable)) && width <= TUPLE_BYTES_MAX
    }
}

fn has(keys: &[IndexKey], column: i16) -> bool {
    keys.iter().any(|key| key.column == column)
}

/// The columns that can be keys, the one with the most values first.
fn by_values(table: &Table, columns: &[i16]) -> Vec<i16> {
    let mut known: Vec<&Column> =
        columns.iter().filter_map(|&number| table.column(number)).filter(|c| keyable(c)).collect();
    known.sort_by(|a, b| values(b).total_cmp(&values(a)).then(a.number.cmp(&b.number)));
    known.dedup_by_key(|column| column.number);
    known.into_iter().map(|column| column.number).collect()
}

/// The key sequences that give an order: as asked for; without the columns compared for equality
/// (which are constant unless compared with a list); and, where the sequence is free, in all orders
/// of a few columns or by number of values. The first key is always ascending: an index reads
/// both ways.
fn order_sequences(table: &Table, order: &Order, equal: &[i16]) -> Vec<Vec<IndexKey>> {
    let usable = |key: &&IndexKey| table.column(key.column).is_some_and(keyable);
    let asked: Vec<IndexKey> = order.keys.iter().take_while(usable).copied().collect();
    let varying: Vec<IndexKey> =
        asked.iter().copied().filter(|key| !equal.contains(&key.column)).collect();
    let mut sequences = Vec::new();
    for keys in [varying, asked] {
        if order.fixed {
            sequences.push(leading_ascending(keys));
            continue;
        }
        let columns = by_values(table, &keys.iter().map(|key| key.column).collect::<Vec<_>>());
        let free = if columns.len() <= FREE_ORDER {
            permutations(&columns)
        } else {
            vec![keys.iter().map(|key| key.column).collect(), columns]
        };
        sequences
            .extend(free.into_iter().map(|s| s.into_iter().map(IndexKey::asc).collect::<Vec<_>>()));
    }
    let mut seen = BTreeSet::new();
    sequences.retain(|keys| !keys.is_empty() && seen.insert(keys.clone()));
    sequences
}

pub(super) fn leading_ascending(keys: Vec<IndexKey>) -> Vec<IndexKey> {
    if keys.first().is_some_and(|key| key.descending) {
        keys.into_iter().map(IndexKey::reversed).collect()
    } else {
        keys
    }
}

fn permutations(columns: &[i16]) -> Vec<Vec<i16>> {
    if columns.is_empty() {
        return vec![vec![]];
    }
    let mut all = Vec::new();
    for (position, &first) in columns.iter().enumerate() {
        let rest = [&columns[..position], &columns[position + 1..]].concat();
        all.extend(permutations(&rest).into_iter().map(|tail| [vec![first], tail].concat()));
    }
    all
}
