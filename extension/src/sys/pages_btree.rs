//! How full the pages of a b-tree are, and how long the pending lists of GIN indexes.

use pgrx::pg_sys;

use super::pages::{
    BLOCK, Bloat, HEADER, LINE_POINTER, Page, name, room, sample, unsupported, with_relation,
};
use super::subxact::ServerError;

// The server's `nbtree.h`.
const SPECIAL: usize = 16;
const FLAGS_AT: usize = 12;
const LEAF: u16 = 1;
const DELETED: u16 = 1 << 2;
const HALF_DEAD: u16 = 1 << 4;
const DEFAULT_FILL_FACTOR: u32 = 90;
/// Bytes for items in a page.
const USABLE: usize = BLOCK - HEADER - SPECIAL;

/// What was counted in the pages that were read.
#[derive(Default)]
struct Counts {
    leaves: f64,
    inner: f64,
    live: f64,
    live_bytes: f64,
    dead: f64,
    free: f64,
}

impl Counts {
    fn add(&mut self, page: &Page) {
        if !page.is_sound(SPECIAL) {
            // Never written, or what recovery left: all of it is waste.
            self.free += USABLE as f64;
            return;
        }
        let flags = u16::from_ne_bytes(page.bytes(page.special() + FLAGS_AT));
        if flags & (DELETED | HALF_DEAD) != 0 {
            self.free += USABLE as f64;
            return;
        }
        if flags & LEAF == 0 {
            self.inner += 1.0;
            return;
        }
        self.leaves += 1.0;
        self.free += page.free() as f64;
        for (_, item) in page.items().filter(|(_, item)| page.holds(*item)) {
            if item.flags == pg_sys::LP_DEAD {
                self.dead += 1.0;
            } else {
                self.live += 1.0;
                self.live_bytes += (item.length.next_multiple_of(8) + LINE_POINTER) as f64;
            }
        }
    }
}

/// How full a b-tree index is, by about `sample_pages` of its pages.
///
/// Alive is what leaf pages hold and is not marked dead; inner pages are needed in proportion, the
/// metapage always. Without dead items the density is pgstatindex's `avg_leaf_density`.
///
/// # Errors
/// Those of [`with_relation`]; 0A000 for what is no b-tree.
pub(crate) fn index_bloat(index: u32, sample_pages: u32) -> Result<Bloat, ServerError> {
    with_relation(index, |opened| {
        if opened.kind != b'i' || opened.access_method != pg_sys::BTREE_AM_OID {
            return Err(unsupported(format!("\"{}\" is not a b-tree index", name(opened.oid))));
        }
        let pages = opened.pages();
        let fill_factor = opened.fill_factor(DEFAULT_FILL_FACTOR);
        let (mut counts, mut read) = (Counts::default(), 1);
        // Block 0 is the metapage.
        opened.read(sample(1, pages, sample_pages), |_, _, page| {
            counts.add(page);
            read += 1;
        });
        let scale = f64::from(pages.saturating_sub(1)) / f64::from((read - 1).max(1));
        let leaves = counts.live_bytes * scale / room(USABLE, fill_factor);
        let inner = counts.inner * scale * (leaves / (counts.leaves * scale).max(1.0)).min(1.0);
        // Even an empty one has its metapage and, once used, a root.
        let least = f64::from(pages.min(2));
        Ok(Bloat {
            pages,
            read: read.min(pages),
            needed: (1.0 + leaves + inner).ceil().clamp(least, f64::from(pages.max(1))),
            density: percent(counts.live_bytes, counts.leaves * USABLE as f64),
            dead: percent(counts.dead, counts.dead + counts.live),
            free_bytes: counts.free * scale,
            fill_factor,
        })
    })
}

/// Pages in the list of entries that a GIN index has yet to sort in.
///
/// # Errors
/// Those of [`with_relation`]; 0A000 for what is no GIN index.
pub(crate) fn gin_pending_pages(index: u32) -> Result<u32, ServerError> {
    with_relation(index, |opened| {
        if opened.kind != b'i' || opened.access_method != pg_sys::GIN_AM_OID {
            return Err(unsupported(format!("\"{}\" is not a GIN index", name(opened.oid))));
        }
        Ok(opened.gin_stats().nPendingPages)
    })
}

/// `part` of `whole` in percent, 0 of nothing.
pub(super) fn percent(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { 100.0 * part / whole } else { 0.0 }
}
