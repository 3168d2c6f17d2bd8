//! What the planner leaves out of the cost of nested loops.
//!
//! The cost of an inner index scan is that of one repetition, with the pages it shares with the
//! others taken off. How many others there are, the planner guesses from the whole size of the
//! smallest outer *table* and not from the rows that really arrive (`get_loop_count` in
//! `indxpath.c`, whose comment says that it errs on the side of too many): with 10,000 suppliers of
//! which a join leaves 400, each repetition is charged a tenth of a page fetch per row. Measured on
//! TPC-H at scale 1 with an index on `lineitem (l_suppkey)`: Q7 and Q21 become twice as slow while
//! their estimates fall. Here the pages are counted again for the rows that arrive.

use advisor_core::model::{IndexKey, Table};
use advisor_core::pool::Pool;

use crate::catalog::ServerCatalog;
use crate::query;
use crate::sys::{Index, InnerScan};

/// The server's settings that page costs depend on.
pub(crate) struct Doubts {
    random_page_cost: f64,
    seq_page_cost: f64,
    /// In pages.
    effective_cache_size: f64,
}

impl Doubts {
    /// Reads the settings; the server's defaults where they cannot be read.
    pub(crate) fn new() -> Self {
        let setting = |name: &str, default: f64| {
            let sql = "select s.setting::double precision from pg_catalog.pg_settings as s \
                       where s.name = $1";
            query::one(sql, &[name.into()]).ok().flatten().unwrap_or(default)
        };
        Self {
            random_page_cost: setting("random_page_cost", 4.0),
            seq_page_cost: setting("seq_page_cost", 1.0),
            effective_cache_size: setting("effective_cache_size", 524_288.0),
        }
    }

    /// What the inner scans of a plan really cost beyond what the planner charges for them.
    pub(crate) fn sum(&self, catalog: &ServerCatalog, pool: &Pool, scans: &[InnerScan]) -> f64 {
        scans.iter().map(|scan| self.about(catalog, pool, scan)).sum()
    }

    /// What an inner scan really costs beyond what the planner charges for it, in planner units
    /// and for all repetitions.
    fn about(&self, catalog: &ServerCatalog, pool: &Pool, scan: &InnerScan) -> f64 {
        let Some((table, lead)) = indexed(catalog, pool, scan) else { return 0.0 };
        let Some(leaf) = table.leaves.iter().find(|leaf| leaf.oid == scan.relation) else {
            return 0.0;
        };
        let (pages, rows) = (leaf.pages.max(1.0), leaf.rows.max(1.0));
        let loops = scan.loops.max(1.0);
        // Rows after the filter are a lower bound of the rows fetched.
        let fetched = loops * scan.rows.max(1.0);
        let worst = self.random_page_cost * self.pages_fetched(fetched, pages);
        // In index order the rows of one repetition lie side by side (`cost_index`).
        let adjacent = (scan.rows * pages / rows).ceil().max(1.0);
        let best =
            self.seq_page_cost.mul_add(adjacent - 1.0, self.random_page_cost) * loops.min(pages);
        let correlation = table.column(lead.column).map_or(0.0, |column| column.correlation);
        let charge = worst + correlation * correlation * (best.min(worst) - worst);
        (charge - scan.cost * loops).max(0.0)
    }

    /// Pages fetched for so many rows in random order, cache considered: Mackert and Lohman's
    /// formula as in `index_pages_fetched` (`costsize.c`).
    fn pages_fetched(&self, rows: f64, pages: f64) -> f64 {
        let cache = self.effective_cache_size.max(1.0);
        if pages <= cache {
            return (2.0 * pages * rows / (2.0 * pages + rows)).min(pages).ceil();
        }
        let limit = 2.0 * pages * cache / (2.0 * pages - cache);
        if rows <= limit {
            (2.0 * pages * rows / (2.0 * pages + rows)).ceil()
        } else {
            (cache + (rows - limit) * (pages - cache) / pages).ceil()
        }
    }
}

/// The table of a scan and the leading key of its index.
fn indexed<'c>(
    catalog: &'c ServerCatalog,
    pool: &Pool,
    scan: &InnerScan,
) -> Option<(&'c Table, IndexKey)> {
    match scan.index {
        Index::Candidate(id) => {
            let def = pool.def(id);
            Some((catalog.model.tables.get(def.table)?, *def.keys.first()?))
        }
        Index::Real(oid) => catalog.model.tables.iter().find_map(|table| {
            let index = table.indexes.iter().find(|index| index.oid == oid)?;
            Some((table, (*index.keys.first()?)?))
        }),
    }
}
