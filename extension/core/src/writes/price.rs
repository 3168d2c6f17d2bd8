//! What one entry costs, by kind of index.

use super::Amount;
use crate::model::{Catalog, IndexDef, Table};
use crate::pool::IndexSize;
use crate::size::{KeyPart, tuple_bytes};

/// Bytes of a page.
const PAGE: f64 = 8192.0;
/// `DEFAULT_PAGE_CPU_MULTIPLIER` of `selfuncs.c`: operators' worth of work on each page of a descent.
const PAGE_OPERATIONS: f64 = 50.0;
/// Bytes of a line pointer.
const LINE_POINTER: f64 = 4.0;
/// Bytes of WAL of an insertion into a leaf beside the entry: record header 24, reference to the
/// block 20, and the record's own data (`xlogrecord.h`, `nbtxlog.h`).
const WAL_HEADER: f64 = 48.0;
/// Bytes that a row takes in a GIN index for each of its keys: a compressed row pointer and its share
/// of the key (`ginpostinglist.c` needs 2 to 6).
const GIN_POSTING: f64 = 6.0;
/// Entries that GiST looks at on each page of a descent to find the one with the least penalty, at
/// most: those of a page of small keys.
const GIST_FANOUT: f64 = 150.0;

/// What the server's settings say of costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// A page read out of order.
    pub random_page_cost: f64,
    /// A page read or written in order.
    pub seq_page_cost: f64,
    /// An operation.
    pub cpu_operator_cost: f64,
    /// An index entry.
    pub cpu_index_tuple_cost: f64,
    /// Whether changes are logged at all.
    pub logged: bool,
    /// Whether the first change of a page after a checkpoint logs the whole page.
    pub full_page_writes: bool,
    /// Dead rows that bring VACUUM: so many, and this share of the table's rows.
    pub vacuum_threshold: f64,
    /// See `vacuum_threshold`.
    pub vacuum_share: f64,
}

impl Default for Settings {
    /// The server's defaults.
    fn default() -> Self {
        Self {
            random_page_cost: 4.0,
            seq_page_cost: 1.0,
            cpu_operator_cost: 0.0025,
            cpu_index_tuple_cost: 0.005,
            logged: true,
            full_page_writes: true,
            vacuum_threshold: 50.0,
            vacuum_share: 0.2,
        }
    }
}

/// The access methods, as far as writing differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// One descent and one leaf.
    #[default]
    Btree,
    /// One bucket, wherever the value falls.
    Hash,
    /// As many entries as a row has keys, which wait in a list to be put in place together.
    Gin,
    /// A descent that looks at every entry of the pages on its way.
    Gist,
    /// Nothing but a summary of some pages now and then.
    Brin,
}

impl Kind {
    /// Of the access method with this name; one that is not known is taken for a tree.
    #[must_use]
    pub fn named(method: &str) -> Self {
        match method {
            "hash" => Self::Hash,
            "gin" => Self::Gin,
            "gist" | "spgist" => Self::Gist,
            "brin" => Self::Brin,
            _ => Self::Btree,
        }
    }
}

/// The entries of an index.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Entries {
    /// The access method.
    pub kind: Kind,
    /// Bytes of one, line pointer included; for GIN those of a row.
    pub bytes: f64,
    /// Pages of the index.
    pub pages: f64,
    /// Levels above the leaves; negative when unknown.
    pub height: i32,
    /// How far apart the entries of rows land that are written one after the other: 0 when all go to
    /// the end of the index, 1 when each goes somewhere else.
    pub scattered: f64,
    /// Share of the table's rows that have an entry.
    pub share: f64,
}

/// What a row costs in an index.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Prices {
    /// When an entry for it is made.
    pub entry: Amount,
    /// When its entry has to be removed.
    pub dead: Amount,
}

impl Prices {
    /// The sum of both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { entry: self.entry.plus(other.entry), dead: self.dead.plus(other.dead) }
    }
}

impl Entries {
    /// Of an index that has this definition.
    #[must_use]
    pub fn of(catalog: &Catalog, def: &IndexDef, size: IndexSize) -> Self {
        let table = catalog.tables.get(def.table);
        let part = |number: i16| Some(KeyPart::from(table?.column(number)?));
        let keys: Vec<KeyPart> = def.keys.iter().filter_map(|key| part(key.column)).collect();
        let include: Vec<KeyPart> = def.include.iter().filter_map(|&column| part(column)).collect();
        Self {
            kind: Kind::named(def.method.as_str()),
            bytes: tuple_bytes(&keys, &include) + LINE_POINTER,
            pages: size.pages.max(1.0),
            height: size.tree_height,
            scattered: table
                .map_or(1.0, |table| scattered(table, def.keys.first().map(|k| k.column))),
            share: table.map_or(1.0, |table| def.share(table)),
        }
    }

    /// What an entry costs in an index on a table of `rows` rows, of which `written` are written in a
    /// period with so many checkpoints. `misses` is the share of pages that must be read from disk.
    #[must_use]
    pub fn prices(
        &self,
        settings: &Settings,
        rows: f64,
        written: f64,
        misses: f64,
        checkpoints: f64,
    ) -> Prices {
        if self.kind == Kind::Brin {
            return Prices::default();
        }
        let keys = if self.kind == Kind::Gin { (self.bytes / GIN_POSTING).max(1.0) } else { 1.0 };
        let entries = (written * self.share).max(1.0) * keys;
        let touched = self.pages_touched(entries, checkpoints) / entries;
        let logged = if settings.full_page_writes { touched * PAGE } else { 0.0 };
        let whole = self.bytes / keys + WAL_HEADER + logged;
        let wal = if settings.logged { whole } else { 0.0 };
        // What GIN has collected goes in page by page, everything else row by row.
        let read = if self.kind == Kind::Gin { touched } else { self.scattered.clamp(0.0, 1.0) };
        let cost = self.descent(settings, rows)
            + settings.cpu_index_tuple_cost
            + read * misses.clamp(0.0, 1.0) * settings.random_page_cost
            + (touched + wal / PAGE) * settings.seq_page_cost;
        let entry = Amount { cost, wal }.times(keys * self.share);
        Prices { entry, dead: self.dead(settings, rows, keys) }
    }

    /// What VACUUM costs for each dead row: each pass reads the index from end to end.
    fn dead(&self, settings: &Settings, rows: f64, keys: f64) -> Amount {
        let rows = rows.max(0.0);
        let pass = self.pages * settings.seq_page_cost
            + rows * self.share * keys * settings.cpu_operator_cost;
        let together = (settings.vacuum_threshold + settings.vacuum_share * rows).max(1.0);
        Amount { cost: pass / together, wal: 0.0 }
    }

    /// The way to the page, in the processor.
    fn descent(&self, settings: &Settings, rows: f64) -> f64 {
        let height = match self.height {
            unknown if unknown < 0 => (self.pages.max(1.0).ln() / 100_f64.ln()).ceil(),
            known => f64::from(known),
        };
        let pages = (height + 1.0) * PAGE_OPERATIONS;
        let operations = match self.kind {
            Kind::Hash => PAGE_OPERATIONS,
            Kind::Gist => pages + (height + 1.0) * GIST_FANOUT.min(PAGE / self.bytes.max(1.0)),
            _ => pages + (rows * self.share).max(1.0).log2().ceil(),
        };
        operations * settings.cpu_operator_cost
    }

    /// Pages changed at least once between two checkpoints, summed over the period: each is written
    /// out, and logged whole, once. The formula is Mackert and Lohman's, as `index_pages_fetched` has
    /// it, for entries that land anywhere; those at the end fill one page after the other.
    fn pages_touched(&self, entries: f64, checkpoints: f64) -> f64 {
        let spans = checkpoints.max(1.0);
        let (each, pages) = (entries / spans, self.pages.max(1.0));
        let anywhere = (2.0 * pages * each / (2.0 * pages + each)).min(pages);
        let at_the_end = each * self.bytes / PAGE;
        let scattered = self.scattered.clamp(0.0, 1.0);
        spans * (scattered * anywhere + (1.0 - scattered) * at_the_end.min(anywhere))
    }
}

/// How far apart the entries of new rows land: not at all where the leading column grows with the
/// table. The square is what the planner takes for the share of a column's order (`cost_index`).
fn scattered(table: &Table, lead: Option<i16>) -> f64 {
    let column = lead.and_then(|number| table.column(number));
    column.map_or(1.0, |column| 1.0 - column.correlation * column.correlation).clamp(0.0, 1.0)
}
