//! What it costs to keep an index up to date, in the planner's units.
//!
//! The planner has no cost for it: the cost of an INSERT is that of its rows. Here it is put together
//! from the parts that the planner does have prices for: the descent of a tree (`btcostestimate` in
//! `selfuncs.c`), a page that has to be read (`random_page_cost`) or written and logged in order
//! (`seq_page_cost`), and the passes of VACUUM. How many rows are written is the caller's to know, for
//! a period of the caller's choice. Sets of indexes are added up in `search::upkeep`.

mod price;
#[cfg(test)]
mod tests;

use crate::model::{Catalog, IndexDef, TableId};
use crate::pool::IndexSize;
pub use price::{Entries, Kind, Prices, Settings};

/// Groups of updates of a table that are told apart: a bit each.
pub const MAX_GROUPS: usize = 64;

/// What writing costs.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Amount {
    /// Planner units, or what the caller's scale makes of them.
    pub cost: f64,
    /// Bytes of WAL.
    pub wal: f64,
}

impl Amount {
    /// The sum of both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { cost: self.cost + other.cost, wal: self.wal + other.wal }
    }

    /// So many times as much.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self { cost: self.cost * factor, wal: self.wal * factor }
    }
}

/// What keeping one index costs.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Keeping {
    /// For the rows that are inserted and deleted in the period.
    pub rows: Amount,
    /// For each update that is not heap-only, whichever columns it sets.
    pub update: Amount,
    /// The table's groups of updates that set a column which the index stores, a bit each.
    pub groups: u64,
}

/// The updates of a table.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Updates {
    /// In the period.
    pub all: f64,
    /// Those that are heap-only as long as no index stores a column that they set, by group.
    pub hot: Vec<f64>,
    /// What an update that is not heap-only costs in the indexes that are not up for decision.
    pub elsewhere: Amount,
}

impl Updates {
    /// Those that are heap-only when the groups `hit` are not.
    #[must_use]
    pub fn hot_without(&self, hit: u64) -> f64 {
        let open = self.hot.iter().enumerate().filter(|(group, _)| hit >> group & 1 == 0);
        open.map(|(_, rows)| rows).sum()
    }
}

/// What keeping indexes costs, in units of the objective and for its period.
pub trait Upkeep {
    /// An index that exists or could.
    fn index(&self, def: &IndexDef, size: IndexSize) -> Keeping;

    /// The updates of a table; `None` where there are none.
    fn updates(&self, table: TableId) -> Option<Updates>;
}

/// A fixed cost for each index, for whom updates make no difference.
impl<F: Fn(&IndexDef, IndexSize) -> f64> Upkeep for F {
    fn index(&self, def: &IndexDef, size: IndexSize) -> Keeping {
        let rows = Amount { cost: self(def, size).max(0.0), wal: 0.0 };
        Keeping { rows, ..Keeping::default() }
    }

    fn updates(&self, _: TableId) -> Option<Updates> {
        None
    }
}

/// How a table is written, in rows of the period.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Activity {
    /// Rows inserted.
    pub inserted: f64,
    /// Rows updated.
    pub updated: f64,
    /// Of those, the heap-only ones.
    pub hot_updated: f64,
    /// Rows deleted.
    pub deleted: f64,
    /// Which columns the workload's UPDATEs set, with the rows of the period that they set them in.
    pub sets: Vec<(Vec<i16>, f64)>,
    /// Share of the index pages that must be read from disk when they are needed, 0 to 1.
    pub misses: f64,
    /// Whether changes are not logged.
    pub unlogged: bool,
    /// The indexes that are not up for decision.
    pub fixed: Vec<Fixed>,
}

/// An index that stays whatever is decided.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fixed {
    /// Its entries.
    pub entries: Entries,
    /// Every column that it stores or whose value its expressions and predicate depend on.
    pub columns: Vec<i16>,
}

/// What one execution of a statement writes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Written {
    /// The table.
    pub table: TableId,
    /// Rows inserted.
    pub inserted: f64,
    /// Rows updated.
    pub updated: f64,
    /// The columns that it sets in those.
    pub sets: Vec<i16>,
}

/// Upkeep from the activity of tables.
#[derive(Debug)]
pub struct Model<'a> {
    /// The tables.
    pub catalog: &'a Catalog,
    /// By table; a table beyond the end is not written.
    pub activity: Vec<Activity>,
    /// What a page and an operation cost.
    pub settings: Settings,
    /// Units of the objective for one of the planner's.
    pub scale: f64,
    /// Checkpoints in the period.
    pub checkpoints: f64,
}

impl Model<'_> {
    fn of(&self, table: TableId) -> Option<&Activity> {
        let written = |one: &&Activity| one.inserted + one.updated + one.deleted > 0.0;
        self.activity.get(table).filter(written)
    }

    /// What an entry costs in an index on the table, in planner units.
    fn prices(&self, table: TableId, activity: &Activity, entries: &Entries) -> Prices {
        let rows = self.catalog.tables.get(table).map_or(0.0, |table| table.rows);
        let written = activity.inserted + activity.updated;
        let settings =
            Settings { logged: self.settings.logged && !activity.unlogged, ..self.settings };
        entries.prices(&settings, rows, written, activity.misses, self.checkpoints)
    }

    /// What a statement's execution costs in the indexes of the table it writes: those that are not
    /// up for decision, and `indexes`. In planner units. Rows that it deletes cost nothing yet: they
    /// are VACUUM's.
    #[must_use]
    pub fn statement(&self, written: &Written, indexes: &[(&IndexDef, IndexSize)]) -> f64 {
        let Some(activity) = self.activity.get(written.table) else { return 0.0 };
        let stored = |columns: &[i16]| written.sets.iter().any(|column| columns.contains(column));
        let mut entry = self.elsewhere(written.table, activity).entry.cost;
        let mut hot = !activity.fixed.iter().any(|one| stored(&one.columns));
        for &(def, size) in indexes.iter().filter(|(def, _)| def.table == written.table) {
            entry +=
                self.prices(def.table, activity, &Entries::of(self.catalog, def, size)).entry.cost;
            hot &= !stored(&self.dependencies(def));
        }
        let room = if hot { room(activity) } else { 0.0 };
        entry * (written.inserted + written.updated * (1.0 - room))
    }

    /// What a row costs in the indexes of the table that are not up for decision, together.
    fn elsewhere(&self, table: TableId, activity: &Activity) -> Prices {
        let each = activity.fixed.iter().map(|one| self.prices(table, activity, &one.entries));
        each.fold(Prices::default(), Prices::plus)
    }

    /// The attributes whose change changes the index.
    fn dependencies(&self, def: &IndexDef) -> Vec<i16> {
        self.catalog.tables.get(def.table).map_or_else(Vec::new, |table| def.depends_on(table))
    }

    /// The groups of the table's updates that set one of these columns.
    fn groups(activity: &Activity, columns: &[i16]) -> u64 {
        let hit = |sets: &[i16]| sets.iter().any(|column| columns.contains(column));
        let groups = activity.sets.iter().take(MAX_GROUPS).enumerate();
        groups.filter(|(_, (sets, _))| hit(sets)).fold(0, |bits, (group, _)| bits | 1 << group)
    }
}

impl Upkeep for Model<'_> {
    fn index(&self, def: &IndexDef, size: IndexSize) -> Keeping {
        let Some(activity) = self.of(def.table) else { return Keeping::default() };
        let prices = self.prices(def.table, activity, &Entries::of(self.catalog, def, size));
        let columns = self.dependencies(def);
        let rows = prices.entry.times(activity.inserted).plus(prices.dead.times(activity.deleted));
        Keeping {
            rows: scaled(rows, self.scale),
            update: scaled(prices.entry.plus(prices.dead), self.scale),
            groups: Self::groups(activity, &columns),
        }
    }

    fn updates(&self, table: TableId) -> Option<Updates> {
        let activity = self.of(table).filter(|activity| activity.updated > 0.0)?;
        let elsewhere = self.elsewhere(table, activity);
        Some(Updates {
            all: activity.updated,
            hot: hot_by_group(activity),
            elsewhere: scaled(elsewhere.entry.plus(elsewhere.dead), self.scale),
        })
    }
}

/// The scale is one of costs: a byte of WAL stays one.
fn scaled(amount: Amount, scale: f64) -> Amount {
    Amount { cost: amount.cost * scale, wal: amount.wal }
}

/// Of the table's updates, the share of each group that sets nothing which an index stores that is
/// not up for decision. Updates of which the workload says nothing are taken to be like the others.
fn eligible(activity: &Activity) -> Vec<f64> {
    let blocked =
        activity.fixed.iter().fold(0, |bits, one| bits | Model::groups(activity, &one.columns));
    let known: f64 = activity.sets.iter().map(|(_, rows)| rows).sum();
    let sets = activity.sets.iter().take(MAX_GROUPS).enumerate();
    sets.map(
        |(group, (_, rows))| {
            if known > 0.0 && blocked >> group & 1 == 0 { rows / known } else { 0.0 }
        },
    )
    .collect()
}

/// How often an update that sets nothing stored finds room on its page, 0 to 1: what is heap-only
/// now, of the updates that could be.
fn room(activity: &Activity) -> f64 {
    let could: f64 = eligible(activity).iter().sum::<f64>() * activity.updated;
    if could > 0.0 { (activity.hot_updated / could).min(1.0) } else { 0.0 }
}

/// The updates of each group that are heap-only as long as nothing that is up for decision stores a
/// column they set.
fn hot_by_group(activity: &Activity) -> Vec<f64> {
    let each = activity.updated * room(activity);
    eligible(activity).into_iter().map(|share| share * each).collect()
}
