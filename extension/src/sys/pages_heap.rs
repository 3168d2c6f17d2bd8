//! How full the pages of a table are.

use pgrx::pg_sys;

use super::pages::{
    BLOCK, Bloat, HEADER, Item, LINE_POINTER, Page, name, room, sample, unsupported, with_relation,
};
use super::pages_btree::percent;
use super::subxact::ServerError;

const DEFAULT_FILL_FACTOR: u32 = 100;
/// Bytes for rows in a page.
const USABLE: usize = BLOCK - HEADER;
/// Rows whose sizes spread less than this share of their mean are packed as if all were alike.
const ALIKE: f64 = 0.2;

/// What was counted in the pages that were read.
#[derive(Default)]
struct Counts {
    live: f64,
    live_bytes: f64,
    /// Of the squares of the rows' bytes.
    squares: f64,
    dead: f64,
    free: f64,
}

impl Counts {
    fn add(&mut self, page: &Page, mut is_alive: impl FnMut(u16, Item) -> bool) {
        if !page.is_sound(0) {
            // Never written: all of it is waste.
            self.free += USABLE as f64;
            return;
        }
        self.free += page.free() as f64;
        for (number, item) in page.items() {
            // Line pointers without a row are left by VACUUM and pruning for later rows.
            if item.flags != pg_sys::LP_NORMAL || !page.holds(item) {
                continue;
            }
            if is_alive(number, item) {
                let bytes = (item.length.next_multiple_of(8) + LINE_POINTER) as f64;
                self.live += 1.0;
                self.live_bytes += bytes;
                self.squares += bytes * bytes;
            } else {
                self.dead += 1.0;
            }
        }
    }

    /// The pages that this would need.
    ///
    /// Rows that are alike and large leave a rest in each page that no row fits into; it is not
    /// waste. Rows of various sizes fill each other's gaps.
    fn pages(&self, fill_factor: u32) -> f64 {
        if self.live == 0.0 {
            return 0.0;
        }
        let room = room(USABLE, fill_factor);
        let mean = self.live_bytes / self.live;
        let deviation = (self.squares / self.live - mean * mean).max(0.0).sqrt();
        if deviation < ALIKE * mean {
            self.live / (room / mean).floor().max(1.0)
        } else {
            self.live_bytes / room
        }
    }
}

/// How full a table, materialized view or TOAST table is, by about `sample_pages` of its pages.
///
/// Alive is a row that is visible to some transaction now or when those that run commit, as
/// pgstattuple has it: what was deleted by a transaction that has committed, or inserted by one
/// that was rolled back, is dead, even if VACUUM may not remove it yet.
///
/// # Errors
/// Those of [`with_relation`]; 0A000 for what is not stored as a heap.
pub(crate) fn table_bloat(table: u32, sample_pages: u32) -> Result<Bloat, ServerError> {
    with_relation(table, |opened| {
        if !b"rmt".contains(&opened.kind) || opened.access_method != pg_sys::HEAP_TABLE_AM_OID {
            return Err(unsupported(format!(
                "\"{}\" is not a table with storage of its own",
                name(opened.oid)
            )));
        }
        let pages = opened.pages();
        let fill_factor = opened.fill_factor(DEFAULT_FILL_FACTOR);
        let (mut counts, mut read) = (Counts::default(), 0);
        opened.read(sample(0, pages, sample_pages), |block, buffer, page| {
            read += 1;
            counts.add(page, |number, item| {
                // SAFETY: the buffer is pinned and locked, and the page was found to hold the item.
                unsafe { is_alive(opened.oid, block, buffer, number, item) }
            });
        });
        let scale = f64::from(pages) / f64::from(read.max(1));
        Ok(Bloat {
            pages,
            read,
            needed: (counts.pages(fill_factor) * scale).ceil().min(f64::from(pages)),
            density: percent(counts.live_bytes, f64::from(read) * USABLE as f64),
            dead: percent(counts.dead, counts.dead + counts.live),
            free_bytes: counts.free * scale,
            fill_factor,
        })
    })
}

/// Whether the row is alive. May set hint bits, as every reader of a row does.
///
/// # Safety
/// The buffer must be pinned, share locked, and hold the item.
unsafe fn is_alive(
    table: pg_sys::Oid,
    block: u32,
    buffer: pg_sys::Buffer,
    number: u16,
    item: Item,
) -> bool {
    use pg_sys::HTSV_Result::{
        HEAPTUPLE_DELETE_IN_PROGRESS, HEAPTUPLE_INSERT_IN_PROGRESS, HEAPTUPLE_LIVE,
    };
    let bi_hi = u16::try_from(block >> 16).unwrap_or(0);
    let bi_lo = u16::try_from(block & 0xffff).unwrap_or(0);
    let mut tuple = pg_sys::HeapTupleData {
        t_len: u32::try_from(item.length).unwrap_or(0),
        t_self: pg_sys::ItemPointerData {
            ip_blkid: pg_sys::BlockIdData { bi_hi, bi_lo },
            ip_posid: number,
        },
        t_tableOid: table,
        // SAFETY: the item lies in the page, see the contract.
        t_data: unsafe { pg_sys::BufferGetPage(buffer).byte_add(item.offset).cast() },
    };
    let mut dead_after = pg_sys::TransactionId::default();
    // SAFETY: as above; the answer depends on no snapshot.
    let state = unsafe {
        pg_sys::HeapTupleSatisfiesVacuumHorizon(&raw mut tuple, buffer, &raw mut dead_after)
    };
    [HEAPTUPLE_LIVE, HEAPTUPLE_INSERT_IN_PROGRESS, HEAPTUPLE_DELETE_IN_PROGRESS].contains(&state)
}
