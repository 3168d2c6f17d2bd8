//! Sizes of indexes that do not exist, as a whole and for each partition.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use advisor_core::ddl;
use advisor_core::model::{IndexDef, IndexKey, Method, Table, is_element};
use advisor_core::pool::{IndexSize, Sizer};
use advisor_core::size::{Contents, Entries, GroupDistinct, Keys, SizeModel};

use crate::catalog::ServerCatalog;
use crate::hypopg::Hypopg;
use crate::sampling;
use crate::sys::{self, IndexSpec, KeySpec, Sampled};
use crate::workload::Prepared;

/// Correlation from which on equal values are taken to lie together.
const CLUSTERED: f64 = 0.95;
/// Share of neighbouring rows in ascending order from which on (or below the rest of which) rows lie
/// in order.
const IN_ORDER: f64 = 0.9;
/// Columns with fewer values have them all in the statistics.
const MANY: f64 = 1000.0;

/// Where sizes come from.
pub(crate) enum SizeSource {
    /// The advisor's formula.
    Measured,
    /// hypopg.
    Hypopg(Hypopg),
}

/// Sizes of candidates.
pub(crate) struct Sizes<'a> {
    source: SizeSource,
    catalog: &'a ServerCatalog,
    groups: GroupDistinct,
    /// Columns worth sampling, by table.
    wanted: BTreeMap<usize, BTreeSet<i16>>,
    sampled: BTreeMap<usize, sampling::Sample>,
    /// What indexes of other methods than the b-tree would store.
    contents: Contents,
    /// Elements of which a sample was tried.
    tried: BTreeSet<(usize, i16)>,
    /// The tables that may be looked at; `None`: all.
    seen: Option<BTreeSet<usize>>,
    /// Sizes that were asked for before and are as good as they get.
    known: HashMap<IndexDef, IndexSize>,
}

impl<'a> Sizes<'a> {
    /// Sizes on the tables of `catalog`, as the statements use them.
    pub(crate) fn new(
        source: SizeSource,
        catalog: &'a ServerCatalog,
        groups: GroupDistinct,
        statements: &[Prepared<'_>],
    ) -> Self {
        let mut wanted: BTreeMap<usize, BTreeSet<i16>> = BTreeMap::new();
        for table_use in statements.iter().flat_map(|statement| &statement.shape.uses) {
            wanted.entry(table_use.table).or_default().extend(&table_use.read);
        }
        Self {
            source,
            catalog,
            groups,
            wanted,
            sampled: BTreeMap::new(),
            contents: Contents::with_memory(sys::maintenance_memory()),
            tried: BTreeSet::new(),
            seen: None,
            known: HashMap::new(),
        }
    }

    /// From now on only these tables are looked at, which takes longer than everything else.
    pub(crate) fn look_at(&mut self, tables: BTreeSet<usize>) {
        self.seen = Some(tables);
    }

    /// The size of a candidate.
    pub(crate) fn size(&mut self, def: &IndexDef) -> IndexSize {
        if let Some(&known) = self.known.get(def) {
            return known;
        }
        if self.seen.as_ref().is_some_and(|seen| !seen.contains(&def.table)) {
            return self.model().size(def);
        }
        let size = match &self.source {
            // hypopg knows the b-tree, hash and BRIN only.
            SizeSource::Hypopg(hypopg) if def.method == Method::Btree => {
                hypopg.size(&self.catalog.model, def)
            }
            _ => {
                match def.method {
                    Method::Btree => self.sample_group(def),
                    _ => self.sample_contents(def),
                }
                self.model().size(def)
            }
        };
        self.known.insert(def.clone(), size);
        size
    }

    /// Bytes that inserting a row writes to an inverted index, see [`Contents::row_bytes`].
    pub(crate) fn row_bytes(&self, def: &IndexDef) -> Option<f64> {
        self.contents.row_bytes(self.catalog.model.tables.get(def.table)?, def)
    }

    fn model(&self) -> SizeModel<'_> {
        SizeModel::new(&self.catalog.model, &self.groups).with_contents(&self.contents)
    }

    /// Looks at what the operator classes of the keys would store of a sample of rows.
    fn sample_contents(&mut self, def: &IndexDef) {
        let Some(table) = self.catalog.model.tables.get(def.table) else { return };
        if self.catalog.row_security(def.table) {
            return;
        }
        for key in &def.keys {
            if !self.tried.insert((def.table, key.column)) {
                continue;
            }
            let Some(contents) = sampling::contents(table, def.method, key) else { continue };
            let rows = contents.rows;
            match contents.sampled {
                Sampled::Entries(found) => {
                    let entries = Entries::from_sample(rows, found);
                    self.contents.insert_entries(def.table, key.column, entries);
                }
                Sampled::Keys { bytes, rising } => {
                    let ordered = !(1.0 - IN_ORDER..=IN_ORDER).contains(&rising);
                    let keys = Keys { bytes: bytes / rows as f64, ordered };
                    self.contents.insert_keys(def.table, key.column, keys);
                }
            }
        }
    }

    /// A candidate's index on each of its table's relations with storage.
    pub(crate) fn leaves(&self, def: &IndexDef, whole: IndexSize) -> Vec<LeafSpec> {
        let Some(table) = self.catalog.model.tables.get(def.table) else { return Vec::new() };
        let sizes = self.leaf_sizes(def, whole);
        table
            .leaves
            .iter()
            .zip(sizes)
            .filter_map(|(leaf, size)| LeafSpec::new(table, leaf.oid, def, size))
            .collect()
    }

    /// Size per leaf.
    fn leaf_sizes(&self, def: &IndexDef, whole: IndexSize) -> Vec<IndexSize> {
        match &self.source {
            SizeSource::Hypopg(_) if def.method == Method::Btree => {
                let leaves = self.catalog.model.tables.get(def.table).map_or(1, |t| t.leaves.len());
                vec![whole; leaves]
            }
            _ => self.model().leaf_sizes(def),
        }
    }

    /// Counts the distinct values of columns whose equal values lie together, which ANALYZE
    /// underestimates.
    fn count_clustered(&mut self, id: usize, table: &Table, columns: &[i16]) {
        for column in columns.iter().filter_map(|&number| table.column(number)) {
            let repeats = table.rows / column.n_distinct > 1.0 + 1.0 / MANY;
            if column.dedup
                && column.correlation.abs() > CLUSTERED
                && column.n_distinct > MANY
                && repeats
                && self.groups.get(id, &[column.number]).is_none()
            {
                let distinct = sampling::clustered_distinct(table, column.number);
                self.groups.insert(id, &[column.number], distinct.unwrap_or(column.n_distinct));
            }
        }
    }

    /// Counts the distinct values of a key of several columns in a sample of rows, where
    /// deduplication makes the size depend on it.
    fn sample_group(&mut self, def: &IndexDef) {
        let Some(table) = self.catalog.model.tables.get(def.table) else { return };
        let mut columns: Vec<i16> = def.keys.iter().map(|key| key.column).collect();
        columns.sort_unstable();
        columns.dedup();
        let dedup = |number: &i16| table.columns.iter().any(|c| c.number == *number && c.dedup);
        if self.catalog.row_security(def.table) || columns.iter().any(|&number| is_element(number))
        {
            return;
        }
        self.count_clustered(def.table, table, &columns);
        if columns.len() < 2
            || !def.include.is_empty()
            || !columns.iter().all(dedup)
            || self.groups.get(def.table, &columns).is_some()
        {
            return;
        }
        let distinct: Vec<f64> = columns
            .iter()
            .filter_map(|&number| {
                let known = self.groups.get(def.table, &[number]);
                known.or_else(|| table.column(number).map(|column| column.n_distinct))
            })
            .collect();
        // A nearly unique column makes the group unique; few combinations need no sample either.
        let product: f64 = distinct.iter().product();
        let largest = distinct.iter().fold(1.0_f64, |a, &b| a.max(b));
        if largest > 0.9 * table.rows || product < 0.01 * table.rows {
            return;
        }
        let wanted = self.wanted.entry(def.table).or_default();
        wanted.extend(&columns);
        let sample = self.sampled.entry(def.table).or_insert_with(|| {
            let columns: Vec<i16> = wanted.iter().copied().filter(|n| dedup(n)).collect();
            sampling::take(table, &columns)
        });
        if let Some(count) = sample.distinct(&columns, &distinct, table.rows) {
            self.groups.insert(def.table, &columns, count);
        }
    }
}

/// An index of a candidate on one relation with storage.
pub(crate) struct LeafSpec {
    relation: u32,
    method: Method,
    keys: Vec<KeySpec>,
    include: Vec<i16>,
    condition: Option<String>,
    share: f64,
    size: IndexSize,
}

impl LeafSpec {
    fn new(table: &Table, leaf: u32, def: &IndexDef, size: IndexSize) -> Option<Self> {
        let key = |key: &IndexKey| match table.column(key.column)?.element {
            Some(_) => ddl::key_sql(table, key).map(KeySpec::Sql),
            None => {
                let column = sys::leaf_column(table.oid, key.column, leaf)?;
                Some(KeySpec::Column(IndexKey { column, ..*key }))
            }
        };
        let keys: Option<Vec<KeySpec>> = def.keys.iter().map(key).collect();
        let include: Option<Vec<i16>> =
            def.include.iter().map(|&column| sys::leaf_column(table.oid, column, leaf)).collect();
        Some(Self {
            relation: leaf,
            method: def.method,
            keys: keys?,
            include: include?,
            condition: def.condition(table).map(|predicate| predicate.sql.clone()),
            share: def.share(table),
            size,
        })
    }

    /// What the planner is told of it.
    pub(crate) fn spec(&self) -> IndexSpec<'_> {
        IndexSpec {
            relation: self.relation,
            method: self.method,
            keys: &self.keys,
            include: &self.include,
            condition: self.condition.as_deref(),
            share: self.share,
            pages: self.size.pages,
            tree_height: self.size.tree_height,
        }
    }
}
