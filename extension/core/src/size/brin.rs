//! The size of a BRIN index that `CREATE INDEX` would build now.

use super::PAGE_BYTES;
use crate::pool::IndexSize;

/// Heap pages that one summary is for (`BRIN_DEFAULT_PAGES_PER_RANGE`).
const RANGE: f64 = 128.0;
/// Summaries that a page of the map points to (`REVMAP_PAGE_MAXITEMS`).
const MAP: f64 = 1360.0;
/// Header of a summary, padded, and its line pointer.
const SUMMARY: f64 = 8.0 + 4.0;
/// Room for summaries on a page.
const ROOM: f64 = PAGE_BYTES - 24.0 - 8.0;

/// A BRIN index on a table of `heap_pages` pages that keeps the least and the greatest of values of
/// `width` bytes for each range.
pub(super) fn brin_size(heap_pages: f64, width: f64) -> IndexSize {
    let ranges = (heap_pages / RANGE).ceil().max(1.0);
    let summary = (2.0 * width / 8.0).ceil() * 8.0 + SUMMARY;
    let per_page = (ROOM / summary).floor().max(1.0);
    let pages = 1.0 + (ranges / MAP).ceil() + (ranges / per_page).ceil();
    IndexSize { pages, tree_height: -1, bytes: pages * PAGE_BYTES }
}
